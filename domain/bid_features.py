"""What the model sees: a profile and its context as 256 numbers, and which of them the law leaves.

Owns how a vector is filled and how it is kept in an event, and the privacy rule; where its values lie is
`bid_layout`'s. Must not fetch profiles or parse requests.
"""

from functools import lru_cache
from math import log1p
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.bid_layout import (
    BALANCE,
    DEVICE,
    DEVICES,
    EARN_RATE,
    FEATURES,
    FREQUENCY,
    FULL_BALANCE,
    MOST_POSITION,
    POSITION,
    PROGRESS,
    RECENCY,
    SEGMENTS,
    TIER,
    TIERS,
)
from domain.bid_people import NOBODY, FrequencyCap, Loyalty, Privacy, Profile

Vector = NDArray[np.float32]

_WIDTH: Final = 64
#: Features behind it are always zero; those before the second are the user's interests and segments.
_USED: Final = 140
_OF_CONTEXT: Final = 128
_HALF: Final = np.dtype("<f2")
_SHORT_BYTES: Final = 2 * (_USED - _OF_CONTEXT)


#: Sections of a GPP string: the European one, whose consent is `consent_given`, and the one that is a `us_privacy`.
GPP_EUROPE: Final = 2
GPP_US_PRIVACY: Final = 6
_OPT_OUT_AT: Final = 2


def personal_use_allowed(privacy: Privacy) -> bool:
    """Whether anything about the user may be used; if not, only what the page and the device class say.

    A child's request never allows it, nor does a browser's Global Privacy Control; under GDPR, which also a GPP section
    says, consent must be given; a US opt-out of sale forbids it. A GPP section other than Europe's and US Privacy's is
    not read here, so it counts as an opt-out.
    """
    if privacy.coppa or privacy.gpc:
        return False
    if (privacy.gdpr or GPP_EUROPE in privacy.gpp_sections) and not privacy.consent_given:
        return False
    if privacy.us_privacy[_OPT_OUT_AT : _OPT_OUT_AT + 1].upper() == "Y":
        return False
    if not privacy.gpp_sections:
        return True
    readable = {GPP_EUROPE, GPP_US_PRIVACY} if privacy.us_privacy else {GPP_EUROPE}
    return readable.issuperset(privacy.gpp_sections)


def feature_vector(profile: Profile, *, personal: bool, device_type: str, position: int) -> Vector:
    """The 256 values, each in [-1, 1]; not to be written to.

    Segments share 64 slots by their number modulo 64, since their numbers have no upper bound: a known collision.

    Args:
        profile: the user; not looked at where `personal` is false.
        personal: what `personal_use_allowed` said.
        device_type: mobile, tablet or desktop, of the request; anything else is unknown (0).
        position: OpenRTB's ad position, 0 to 7.
    """
    context, _ = _context(device_type, min(max(position, 0), MOST_POSITION))
    if not personal or profile is NOBODY:
        return context
    vector = context.copy()
    if profile.interests:
        given = np.asarray(profile.interests[:_WIDTH], np.float32)
        # Not np.clip and np.nan_to_num: their wrappers take longer than all the rest.
        given = np.minimum(np.maximum(given, -1.0), 1.0)
        given[given != given] = 0.0  # noqa: PLR0124 - NaN alone differs from itself
        vector[: len(given)] = given
    for segment in profile.segments:
        vector[SEGMENTS.start + segment % _WIDTH] = 1.0
    if profile.loyalty is not None:
        _write_loyalty(vector, profile.loyalty)
    vector[RECENCY] = _unit(profile.recency_score)
    vector[FREQUENCY] = _used(profile.frequency_cap)
    return vector


@lru_cache(maxsize=64)
def _context(device_type: str, position: int) -> tuple[Vector, bytes]:
    """What is left without a person, in both forms; one array for all who ask, so it cannot be written to."""
    vector = np.zeros(FEATURES, np.float32)
    vector[DEVICE] = DEVICES.get(device_type, 0.0)
    vector[POSITION] = position / MOST_POSITION
    vector.flags.writeable = False
    return vector, packed_features(vector, personal=False)


def _write_loyalty(vector: Vector, loyalty: Loyalty) -> None:
    if loyalty.tier in TIERS:
        vector[TIER] = (TIERS.index(loyalty.tier) + 1) / len(TIERS)
    vector[BALANCE] = _unit(log1p(max(loyalty.balance, 0.0)) / FULL_BALANCE)
    vector[PROGRESS] = _unit(loyalty.progress)
    vector[EARN_RATE] = _unit(loyalty.earn_rate)


def _used(cap: FrequencyCap) -> float:
    """The larger share of the two caps that is used up."""
    hourly = cap.shown_this_hour / cap.hourly if cap.hourly else 0.0
    daily = cap.shown_today / cap.daily if cap.daily else 0.0
    return _unit(max(hourly, daily))


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value)) if value == value else 0.0  # noqa: PLR0124 - NaN alone differs from itself


def packed_features(vector: Vector, *, personal: bool) -> bytes:
    """The features that can be other than zero, as half floats: 140 of them, or the last 12 where nobody is known."""
    return vector[0 if personal else _OF_CONTEXT : _USED].astype(_HALF).tobytes()


def both_features(profile: Profile, *, personal: bool, device_type: str, position: int) -> tuple[Vector, bytes]:
    """`feature_vector`, and the same as it is kept: of somebody of whom nothing is known, the last 12 say all."""
    if not personal or profile is NOBODY:
        return _context(device_type, min(max(position, 0), MOST_POSITION))
    vector = feature_vector(profile, personal=True, device_type=device_type, position=position)
    return vector, packed_features(vector, personal=True)


def unpacked_features(data: bytes) -> Vector:
    """The vector again, to a half float's eleven bits; all zero for no bytes."""
    vector = np.zeros(FEATURES, np.float32)
    if data:
        start = _OF_CONTEXT if len(data) == _SHORT_BYTES else 0
        vector[start:_USED] = np.frombuffer(data, _HALF)
    return vector
