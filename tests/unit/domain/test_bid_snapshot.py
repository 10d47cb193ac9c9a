"""The snapshot's file: what comes back, and what is refused whole."""

import gc
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import pytest

from domain.bid_compiling import fitted
from domain.bid_snapshot import (
    Campaign,
    Creative,
    CreativeKind,
    Offer,
    Snapshot,
    SnapshotBroken,
    SnapshotOutdated,
    SpikingModel,
    Targeting,
    decode_snapshot,
    encode_snapshot,
)

_MODEL = SpikingModel(name="m1", offer_ids=("o1",), weights=bytes(256), scales=(0.1,), biases=(0.0,))
_CREATIVE = Creative(creative_id="c1", kind=CreativeKind.BANNER, width=300, height=250, markup="<a/>")
_CAMPAIGN = Campaign(
    campaign_id="k1",
    seat="s1",
    offers=(Offer(offer_id="o1", creatives=(_CREATIVE,)),),
    bid_cpm_micros=2_000_000,
    daily_budget_micros=50_000_000,
    targeting=Targeting(countries=("DEU",), hours_utc=(0, 23)),
)
SNAPSHOT = Snapshot(
    version=7,
    compiled_at_utc=datetime(2026, 11, 1, tzinfo=UTC),
    currency="USD",
    campaigns=(_CAMPAIGN,),
    model=_MODEL,
    rates_micros={"EUR": 1_100_000},
    loyalty_multipliers={"gold": 1.2},
)


def changed(**fields: object) -> Snapshot:
    return msgspec.structs.replace(SNAPSHOT, **fields)


def with_campaign(**fields: object) -> Snapshot:
    return changed(campaigns=(msgspec.structs.replace(_CAMPAIGN, **fields),))


def with_model(**fields: object) -> Snapshot:
    return changed(model=msgspec.structs.replace(_MODEL, **fields))


def test_what_was_written_comes_back() -> None:
    assert decode_snapshot(encode_snapshot(SNAPSHOT), newer_than=6) == SNAPSHOT


@pytest.mark.parametrize("newer_than", [7, 8])
def test_one_that_is_not_newer_is_refused(newer_than: int) -> None:
    with pytest.raises(SnapshotOutdated, match="snapshot 7 is not newer"):
        decode_snapshot(encode_snapshot(SNAPSHOT), newer_than=newer_than)


def test_every_altered_byte_and_every_cut_is_seen() -> None:
    data = encode_snapshot(SNAPSHOT)
    for at in range(len(data)):
        with pytest.raises(SnapshotBroken):
            decode_snapshot(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(SnapshotBroken):
            decode_snapshot(data[:at])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"\xc1", "cannot be read"),
        (msgspec.msgpack.encode({"version": 7}), "cannot be read"),
        (msgspec.msgpack.encode([msgspec.msgpack.encode(SNAPSHOT), [b"\xc1"]]), "cannot be read"),
        (
            msgspec.msgpack.encode([msgspec.msgpack.encode(changed(version=8)), []]),
            "the head says version 7, the body 8",
        ),
    ],
)
def test_a_body_with_a_right_checksum_is_still_checked(body: bytes, told: str) -> None:
    version = (7).to_bytes(8, "big")
    with pytest.raises(SnapshotBroken, match=told):
        decode_snapshot(b"CEBS\x02" + version + sha256(version + body).digest() + body)


@pytest.mark.parametrize(
    ("snapshot", "told"),
    [
        (changed(version=-1), "63 bits"),
        (changed(campaigns=(_CAMPAIGN, _CAMPAIGN)), "campaign is in the snapshot twice"),
        (with_campaign(offers=(_CAMPAIGN.offers[0], _CAMPAIGN.offers[0])), "offer is in the snapshot twice"),
        (with_campaign(offers=()), "nothing to show"),
        (with_campaign(offers=(Offer(offer_id="o1", creatives=()),)), "nothing to show"),
        (with_campaign(offers=(Offer(offer_id="o2", creatives=(_CREATIVE,)),)), "no neuron for offer o2"),
        (
            with_campaign(
                offers=(Offer(offer_id="o1", creatives=(msgspec.structs.replace(_CREATIVE, markup="", linear=False),)),)
            ),
            "nonlinear creative without markup",
        ),
        (with_campaign(bid_cpm_micros=0), "below what is possible"),
        (with_campaign(daily_budget_micros=-1), "below what is possible"),
        (with_campaign(daily_cap=-1), "cap below zero"),
        (with_campaign(targeting=Targeting(hours_utc=(24,))), "no day has"),
        (with_model(weights=bytes(255)), "1 rows of 256"),
        (with_model(scales=(float("nan"),)), "out of range"),
        (with_model(steps=0), "out of range"),
        (with_model(leak=1.1), "out of range"),
        (with_model(layout="older"), "made for feature layout older, not e86bed8238de95d1"),
        (with_model(calibrated_current=2.6), "calibrated beyond"),
        (with_model(calibrated_current=-0.1), "calibrated beyond"),
        (changed(rates_micros={"USD": 2}), "worth one of itself"),
        (changed(rates_micros={"EUR": 0}), "above zero"),
        (changed(loyalty_multipliers={"gold": 0.0}), "above zero"),
        (changed(loyalty_multipliers={"gold": float("inf")}), "above zero"),
    ],
)
def test_one_that_contradicts_itself_is_neither_written_nor_read(snapshot: Snapshot, told: str) -> None:
    with pytest.raises(SnapshotBroken, match=told):
        encode_snapshot(snapshot)


def test_a_large_one_is_read_in_parts_with_pauses_between() -> None:
    [one, *_] = SNAPSHOT.campaigns
    offers = [msgspec.structs.replace(one.offers[0], offer_id=f"o{n}") for n in range(130)]
    many = tuple(msgspec.structs.replace(one, campaign_id=f"k{n}", offers=(offer,)) for n, offer in enumerate(offers))
    model = fitted(None, [offer.offer_id for offer in offers])
    pauses: list[None] = []
    large = changed(campaigns=many, model=model)
    assert decode_snapshot(encode_snapshot(large), pause=lambda: pauses.append(None)) == large
    # 64 campaigns a part, and once when all is checked.
    assert len(pauses) == 4


def test_its_objects_are_none_that_the_collector_walks() -> None:
    read = decode_snapshot(encode_snapshot(SNAPSHOT))
    assert not any(map(gc.is_tracked, (*read.campaigns, *(offer for one in read.campaigns for offer in one.offers))))
