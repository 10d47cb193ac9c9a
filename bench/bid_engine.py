"""Where the microseconds of one bid request go, and how long a snapshot takes to load.

Run `python -m bench.bid_engine`. 1,000 campaigns, one request of two impressions, everything on: the index, caps,
pacing, scoring, prices. Beside them: matching by the slow reference, and a bare matrix product as the floor of scoring.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from resource import getpagesize

import numpy as np

from domain.bid_caps import CapLedger
from domain.bid_features import feature_vector
from domain.bid_people import Loyalty, Profile
from domain.bid_snapshot import (
    Campaign,
    Creative,
    CreativeKind,
    Offer,
    Snapshot,
    SpikingModel,
    Targeting,
    decode_snapshot,
    encode_snapshot,
)
from hotpath.engine.decisions import Bid
from hotpath.engine.engine import Engine, EngineSettings
from hotpath.engine.facts import FormatFacts
from hotpath.engine.reference import matches
from hotpath.engine.request_facts import ImpressionFacts, RequestFacts
from hotpath.engine.targeting import TargetingIndex
from hotpath.inference.numpy_provider import NumpyProvider
from hotpath.inference.requests import InferenceRequest

_NOW_S = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
_SIZES = ((300, 250), (728, 90), (320, 50))
_COUNTRIES = ("DEU", "USA", "FRA", "GBR")


def snapshot_of(count: int) -> Snapshot:
    """Campaigns of one offer with two creatives each; half are targeted by country, a third by segment, all capped."""
    rng = np.random.default_rng(1)
    campaigns = []
    for number in range(count):
        creatives = tuple(
            Creative(
                creative_id=f"c{number}-{width}",
                kind=CreativeKind.BANNER,
                width=width,
                height=height,
                url=f"https://cdn.example/{number}/{width}.png",
            )
            for width, height in (_SIZES[number % 3], _SIZES[(number + 1) % 3])
        )
        campaigns.append(
            Campaign(
                campaign_id=f"k{number}",
                seat=f"s{number % 10}",
                offers=(Offer(offer_id=f"o{number}", creatives=creatives),),
                bid_cpm_micros=int(rng.integers(500_000, 5_000_000)),
                daily_budget_micros=10**12,
                domains=(f"brand{number}.example",),
                categories=(f"IAB{number % 20 + 1}",),
                targeting=Targeting(
                    countries=(_COUNTRIES[number % 4],) if number % 2 else (),
                    segments=(number % 64,) if number % 3 == 0 else (),
                ),
                hourly_cap=1_000,
                daily_cap=10_000,
            )
        )
    model = SpikingModel(
        name="bench",
        offer_ids=tuple(f"o{number}" for number in range(count)),
        weights=rng.integers(-127, 128, (count, 256), np.int8).tobytes(),
        scales=(0.001,) * count,
        biases=tuple(rng.uniform(0.1, 0.6, count).tolist()),
    )
    return Snapshot(
        version=1, compiled_at_utc=datetime(2026, 6, 1, tzinfo=UTC), currency="USD", campaigns=tuple(campaigns),
        model=model, loyalty_multipliers={"gold": 1.2},
    )  # fmt: skip


def quantiles(work: Callable[[int], object], rounds: int) -> str:
    """Median and 99th percentile of one call, in microseconds."""
    work(0)
    took = []
    for number in range(1, rounds + 1):
        began = time.perf_counter_ns()
        work(number)
        took.append(time.perf_counter_ns() - began)
    half, high = np.quantile(took, (0.5, 0.99)) / 1_000
    return f"{half:10.1f} {high:10.1f}"


def resident_bytes() -> int:
    """What this process holds in memory now (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()


def load_times(count: int) -> None:
    """Print how long a file of so many campaigns takes to read and to index, and what it weighs."""
    data = encode_snapshot(snapshot_of(count))
    before = resident_bytes()
    began = time.perf_counter()
    snapshot = decode_snapshot(data)
    read = time.perf_counter()
    engine = Engine(
        snapshot, NumpyProvider(snapshot.model), _NOW_S, token_prefix="b", caps=CapLedger(), settings=EngineSettings()
    )
    ready = time.perf_counter()
    grown_mib = (resident_bytes() - before) / 1024**2
    print(
        f"snapshot of {count:,} campaigns: {len(data) / 1e6:.1f} MB, read {read - began:.2f} s, "
        f"indexed {ready - read:.2f} s, {grown_mib:.0f} MiB more resident"
    )
    del engine


def main() -> None:
    """Print the table."""
    load_times(10_000)
    snapshot = snapshot_of(1_000)
    provider = NumpyProvider(snapshot.model)
    provider.warm_up()
    engine = Engine(snapshot, provider, _NOW_S, token_prefix="b", caps=CapLedger(), settings=EngineSettings())
    index = TargetingIndex(snapshot)
    profile = Profile(segments=(3, 6, 9), interests=(0.1,) * 64, loyalty=Loyalty(tier="gold", balance=10.0))
    impressions = (
        ImpressionFacts("1", (FormatFacts(CreativeKind.BANNER, (_SIZES[0],)),), floor_micros=1_000_000, secure=True),
        ImpressionFacts("2", (FormatFacts(CreativeKind.BANNER, (_SIZES[1], _SIZES[2])),), floor_micros=2_000_000),
    )
    requests = [
        RequestFacts(
            request_id=f"r{number}", impressions=impressions, country="DEU", device_type=2, user_key=f"u{number}",
            blocked_categories=("IAB7", "IAB8"), blocked_domains=("brand1.example", "else.example"),
            page_domain="news.example",
        )
        for number in range(5_001)
    ]  # fmt: skip
    request = requests[0]

    def target(_: int) -> None:
        mask, _reason = index.for_request(request, hour_utc=12, segments=profile.segments)
        for impression in impressions:
            index.for_impression(mask, impression, 1_000_000, ())

    def slowly(_: int) -> None:
        for impression in impressions:
            for entry in index.entries:
                matches(
                    entry, request, impression, None, hour_utc=12, segments=profile.segments, ads_txt=snapshot.ads_txt
                )

    vector = feature_vector(profile, personal=True, device_type="desktop", position=1)
    shortlist = engine.shortlist(request, profile, _NOW_S)
    offers = shortlist.offer_ids
    [scores] = provider.score_batch([InferenceRequest(vector, offers)])
    weights = np.frombuffer(snapshot.model.weights, np.int8).reshape(-1, 256)[: len(offers)].astype(np.float32)
    batch = [InferenceRequest(vector, offers)] * 16
    bids = engine.settle(shortlist, scores, _NOW_S)
    print(f"1,000 campaigns, {len(impressions)} impressions, {len(offers)} offers scored, "
          f"{sum(isinstance(bid, Bid) for bid in bids)} bids")  # fmt: skip
    rows: list[tuple[str, Callable[[int], object], int]] = [
        ("targeting: index", target, 5_000),
        ("targeting: slow reference", slowly, 20),
        ("features", lambda _: feature_vector(profile, personal=True, device_type="desktop", position=1), 5_000),
        ("scoring: one request", lambda _: provider.predict(vector, offers), 5_000),
        ("scoring: batch of 16, whole", lambda _: provider.predict_batch(batch), 1_000),
        ("scoring: bare matrix product", lambda _: weights @ vector, 5_000),
        ("shortlist", lambda number: engine.shortlist(requests[number], profile, _NOW_S), 5_000),
        ("settle", lambda _: engine.settle(shortlist, scores, _NOW_S), 400),
        ("decide, whole", lambda number: engine.decide(requests[number], profile, _NOW_S), 5_000),
    ]
    print(f"{'':30}{'p50 us':>10} {'p99 us':>10}")
    for name, work, rounds in rows:
        print(f"{name:30}{quantiles(work, rounds)}")


if __name__ == "__main__":
    main()
