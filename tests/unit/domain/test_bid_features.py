"""The 256 values slot by slot, and what is left of them without consent."""

from math import log1p

import numpy as np
import pytest

from domain.bid_features import feature_vector, personal_use_allowed
from domain.bid_people import FrequencyCap, Loyalty, Privacy, Profile

_KNOWN = Profile(
    segments=(3, 63, 64),
    interests=(0.5, -2.0, float("nan"), *[0.25] * 61),
    device_type="desktop",
    recency_score=0.75,
    frequency_cap=FrequencyCap(hourly=4, daily=10, shown_this_hour=1, shown_today=5),
    loyalty=Loyalty(tier="gold", balance=1_000.0, progress=0.4, earn_rate=0.2),
)


@pytest.mark.req("BT-features", "BT-slots", "BT-profile")
def test_every_slot_is_where_the_layout_has_it() -> None:
    vector = feature_vector(_KNOWN, personal=True, device_type="mobile", position=7)
    assert vector.shape == (256,)
    assert vector.dtype == np.float32
    assert vector[:64].tolist() == [0.5, -1.0, 0.0, *[0.25] * 61]
    assert np.flatnonzero(vector[64:128]).tolist() == [0, 3, 63]
    assert set(vector[64:128].tolist()) == {0.0, 1.0}
    loyalty = [0.75, log1p(1_000) / log1p(1_000_000), 0.4, 0.2, 0, 0, 0, 0]
    assert vector[128:136].tolist() == pytest.approx(loyalty)
    assert vector[136:140].tolist() == pytest.approx([0.75, 0.5, 1 / 3, 1.0])
    assert not vector[140:].any()


def test_without_consent_only_the_context_is_left() -> None:
    vector = feature_vector(_KNOWN, personal=False, device_type="tablet", position=1)
    assert np.flatnonzero(vector).tolist() == [138, 139]
    assert vector[138:140].tolist() == pytest.approx([2 / 3, 1 / 7])
    assert np.array_equal(vector, feature_vector(Profile(), personal=True, device_type="tablet", position=1))


def test_values_out_of_range_are_brought_back() -> None:
    wild = Profile(
        recency_score=float("nan"),
        frequency_cap=FrequencyCap(daily=1, shown_today=9),
        loyalty=Loyalty(tier="unheard", balance=-5.0, progress=7.0, earn_rate=float("nan")),
    )
    vector = feature_vector(wild, personal=True, device_type="toaster", position=99)
    assert vector[128:140].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("privacy", "allowed"),
    [
        (Privacy(), True),
        (Privacy(coppa=True, gdpr=True, consent_given=True), False),
        (Privacy(gdpr=True), False),
        (Privacy(gdpr=True, consent_given=True), True),
        (Privacy(us_privacy="1YNN"), True),
        (Privacy(us_privacy="1YYN"), False),
        (Privacy(us_privacy="1-"), True),
        (Privacy(us_privacy="1Ny"), False),
        (Privacy(gpp_sections=(2,), gdpr=True, consent_given=True), True),
        (Privacy(gpp_sections=(2, 7)), False),
    ],
)
def test_who_may_be_known(privacy: Privacy, allowed: bool) -> None:
    assert personal_use_allowed(privacy) is allowed
