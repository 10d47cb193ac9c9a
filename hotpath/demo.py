"""A snapshot that needs no database: one campaign that takes any impression which anybody may take.

Owns demo data alone. `make run` bids with it until a compiled snapshot is there.
"""

from datetime import UTC, datetime
from typing import Final

from domain.bid_snapshot import FEATURES, Campaign, Creative, CreativeKind, Offer, Snapshot, SpikingModel, Targeting

#: Lengths of the demo's spots: together they fit nearly every range that exchanges ask for.
_DURATIONS_S: Final = (5, 6, 10, 15, 20, 30, 45, 60)
_CPM_MICROS: Final = 50_000_000
_DAILY_BUDGET_MICROS: Final = 10**15


def demo_snapshot() -> Snapshot:
    """The catch-all campaign: all four kinds, any size, any place, any deal, 50.00 USD a thousand."""
    cdn = "https://cdn.demo.example"
    spots = [
        Creative(
            creative_id=f"demo-{kind}-{duration_s}", kind=kind, duration_s=duration_s, url=f"{cdn}/{kind}-{duration_s}"
        )
        for kind in (CreativeKind.VIDEO, CreativeKind.AUDIO)
        for duration_s in _DURATIONS_S
    ]
    stills = [
        Creative(creative_id=f"demo-{kind}", kind=kind, url=f"{cdn}/{kind}.png")
        for kind in (CreativeKind.BANNER, CreativeKind.NATIVE)
    ]
    campaign = Campaign(
        campaign_id="demo-catch-all",
        seat="demo",
        offers=(Offer(offer_id="demo-offer", creatives=(*stills, *spots)),),
        bid_cpm_micros=_CPM_MICROS,
        daily_budget_micros=_DAILY_BUDGET_MICROS,
        domains=("demo.example",),
        categories=("IAB3",),
        targeting=Targeting(any_deal=True),
    )
    model = SpikingModel(name="demo", offer_ids=("demo-offer",), weights=bytes(FEATURES), scales=(1.0,), biases=(1.0,))
    return Snapshot(
        version=1,
        compiled_at_utc=datetime(2026, 1, 1, tzinfo=UTC),
        currency="USD",
        campaigns=(campaign,),
        model=model,
        rates_micros={"USD": 1_000_000, "EUR": 1_080_000, "GBP": 1_270_000},
    )
