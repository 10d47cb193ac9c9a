"""What `bench.bid` bids with and is asked: a thousand campaigns, and real request bodies from many users.

Not a bench by itself.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from domain.bid_snapshot import Campaign, Creative, CreativeKind, Offer, Snapshot, SpikingModel, Targeting
from hotpath.openrtb.codec import MalformedRequest, decode_request

_SIZES = ((300, 250), (728, 90), (320, 50), (160, 600), (300, 600), (970, 250), (0, 0))
_COUNTRIES = ("USA", "DEU", "GBR", "FRA")
#: How many users each body is asked about in turn.
_USERS = 40


class Body(NamedTuple):
    """A request's bytes, without a head, and how many impressions it has."""

    data: bytes
    impressions: int


def bench_snapshot(count: int = 1_000) -> Snapshot:
    """Campaigns of one offer with two creatives each, of all four kinds.

    Half are targeted by country, a fifth by device, a tenth block a category; two thirds are capped per user.
    """
    rng = np.random.default_rng(1)
    campaigns = tuple(_campaign(number, int(rng.integers(500_000, 5_000_000))) for number in range(count))
    model = SpikingModel(
        name="bench", offer_ids=tuple(f"o{number}" for number in range(count)),
        weights=rng.integers(-127, 128, (count, 256), np.int8).tobytes(), scales=(0.001,) * count,
        biases=tuple(rng.uniform(0.1, 0.6, count).tolist()), calibrated_current=1.5,
    )  # fmt: skip
    return Snapshot(
        version=1, compiled_at_utc=datetime(2026, 6, 1, tzinfo=UTC), currency="USD", campaigns=campaigns, model=model,
        loyalty_multipliers={"gold": 1.2}, rates_micros={"EUR": 1_080_000, "GBP": 1_270_000, "MXN": 55_000},
    )  # fmt: skip


def _campaign(number: int, cpm_micros: int) -> Campaign:
    capped, block = number % 3 > 0, number // 10
    return Campaign(
        campaign_id=f"k{number}",
        seat=f"s{number % 10}",
        offers=(Offer(offer_id=f"o{number}", creatives=_creatives(number)),),
        bid_cpm_micros=cpm_micros,
        daily_budget_micros=10**12,
        domains=(f"brand{number}.example",),
        categories=(f"IAB{number % 20 + 1}",),
        targeting=Targeting(
            countries=(_COUNTRIES[block // 2 % 4],) if block % 2 else (),
            device_types=(2,) if block % 5 == 0 else (),
            excluded_categories=("IAB25",) if block % 10 == 0 else (),
            any_deal=block % 4 == 0,
        ),
        hourly_cap=20 if capped else 0,
        daily_cap=60 if capped else 0,
    )


def _creatives(number: int) -> tuple[Creative, ...]:
    url = f"https://cdn.example/{number}"
    match number % 10:
        case 0 | 1:
            kind, mime = (CreativeKind.VIDEO, "video/mp4") if number % 10 else (CreativeKind.AUDIO, "")
            return tuple(
                Creative(creative_id=f"c{number}-{s}", kind=kind, mime=mime, duration_s=s, url=f"{url}/{s}")
                for s in (15, 30)
            )
        case 2:
            return (Creative(creative_id=f"c{number}-n", kind=CreativeKind.NATIVE, url=f"{url}.png"),)
        case _:
            sizes = (_SIZES[number % 7], _SIZES[(number + 3) % 7])
            return tuple(
                Creative(
                    creative_id=f"c{number}-{w}x{h}", kind=CreativeKind.BANNER, width=w, height=h, url=f"{url}-{w}.png"
                )
                for w, h in sizes
            )


def bench_bodies(folder: Path) -> tuple[list[Body], int]:
    """Every request under the folder that is one by the specification, each from many users; and how many files."""
    found = [request for path in sorted(folder.rglob("*.json")) if (request := _request(path)) is not None]
    bodies = [Body(_from(request, user), len(request["imp"])) for user in range(_USERS) for request in found]
    return bodies, len(found)


def _request(path: Path) -> dict[str, Any] | None:
    if path.name == "manifest.json" or "bid-response" in path.parts or "native1" in path.parts:
        return None
    try:
        held = json.loads(path.read_bytes())
        held = held.get("mockBidRequest") or held.get("requestPayload") or held
        decode_request(json.dumps(held).encode())
    except (ValueError, AttributeError, MalformedRequest):
        return None
    return held if isinstance(held, dict) else None


def _from(request: dict[str, Any], user: int) -> bytes:
    """The same request about another of its users: only ids that it has are changed, so its size stays."""
    made = dict(request)
    made["id"] = f"{request['id']}-{user}"
    for holder, names in (("user", ("buyeruid", "id")), ("device", ("ifa",))):
        held = made.get(holder)
        if isinstance(held, dict):
            made[holder] = {
                name: f"{value}-{user}" if name in names and value else value for name, value in held.items()
            }
    return json.dumps(made, separators=(",", ":")).encode()
