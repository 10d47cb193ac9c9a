"""The demo's campaigns, one of which takes any impression that anybody may take, and a snapshot of that one alone.

Owns demo data alone. `make run` enters the campaigns into its store, and bids with what the worker compiles of them;
`campaign-express bid --demo` bids with the snapshot, without any store.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from domain.bid_compiling import fitted
from domain.bid_snapshot import Campaign, Creative, CreativeKind, Offer, Snapshot, Targeting

#: Lengths of the demo's spots: together they fit nearly every range that exchanges ask for.
_DURATIONS_S: Final = (5, 6, 10, 15, 20, 30, 45, 60)
_CDN: Final = "https://cdn.demo.example"
_UNLIMITED_MICROS: Final = 10**15


def _creatives(name: str) -> tuple[Creative, ...]:
    """All four kinds, in any size."""
    spots = [
        Creative(
            creative_id=f"{name}-{kind}-{duration_s}",
            kind=kind,
            duration_s=duration_s,
            url=f"{_CDN}/{kind}-{duration_s}",
        )
        for kind in (CreativeKind.VIDEO, CreativeKind.AUDIO)
        for duration_s in _DURATIONS_S
    ]
    stills = [
        Creative(creative_id=f"{name}-{kind}", kind=kind, url=f"{_CDN}/{kind}.png")
        for kind in (CreativeKind.BANNER, CreativeKind.NATIVE)
    ]
    return (*stills, *spots)


def _banner(name: str, width: int, height: int) -> Creative:
    size = f"{width}x{height}"
    return Creative(
        creative_id=f"{name}-{size}", kind=CreativeKind.BANNER, width=width, height=height,
        url=f"{_CDN}/{name}-{size}.png",
    )  # fmt: skip


#: By their names. The catch-all takes any size, place and deal at 50.00 USD a thousand; the others show a cap and a
#: targeting.
DEMO_CAMPAIGNS: Final[Mapping[str, Campaign]] = {
    "Catch-all": Campaign(
        campaign_id="demo-catch-all",
        seat="demo",
        offers=(Offer(offer_id="demo-offer", creatives=_creatives("demo")),),
        bid_cpm_micros=50_000_000,
        daily_budget_micros=_UNLIMITED_MICROS,
        domains=("demo.example",),
        categories=("IAB3",),
        targeting=Targeting(any_deal=True),
    ),
    "Shoes, three times a day": Campaign(
        campaign_id="demo-shoes",
        seat="demo",
        offers=(Offer(offer_id="demo-shoes", creatives=(_banner("shoes", 300, 250), _banner("shoes", 728, 90))),),
        bid_cpm_micros=60_000_000,
        daily_budget_micros=500_000_000,
        domains=("shoes.demo.example",),
        categories=("IAB18",),
        hourly_cap=2,
        daily_cap=3,
    ),
    "Lunch in Germany": Campaign(
        campaign_id="demo-lunch",
        seat="demo",
        offers=(Offer(offer_id="demo-lunch", creatives=(_banner("lunch", 320, 50), _banner("lunch", 300, 250))),),
        bid_cpm_micros=70_000_000,
        daily_budget_micros=200_000_000,
        domains=("lunch.demo.example",),
        categories=("IAB8",),
        targeting=Targeting(countries=("DEU",), device_types=(1, 4, 5), hours_utc=(9, 10, 11, 12)),
    ),
}


def demo_snapshot() -> Snapshot:
    """The catch-all campaign, which needs no database."""
    campaign = DEMO_CAMPAIGNS["Catch-all"]
    return Snapshot(
        version=1,
        compiled_at_utc=datetime(2026, 1, 1, tzinfo=UTC),
        currency="USD",
        campaigns=(campaign,),
        model=fitted(None, [offer.offer_id for offer in campaign.offers]),
        rates_micros={"USD": 1_000_000, "EUR": 1_080_000, "GBP": 1_270_000},
    )
