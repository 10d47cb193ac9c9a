"""What a campaign must be to be bid with."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.bid_campaigns import BidCampaign, BidOffer, BidStatus, Brand, checked
from domain.bid_snapshot import Creative, CreativeKind, Targeting
from domain.errors import InvalidInput

ID = UUID(int=1)
CREATIVE = Creative(creative_id="c", kind=CreativeKind.BANNER, width=300, height=250, url="https://a.test/c.png")
CAMPAIGN = BidCampaign(
    id=ID, tenant_id=ID, workspace_id=ID, version=1, name="Shoes", status=BidStatus.ACTIVE, seat="s1",
    currency_code="USD", bid_cpm_micros=2_000_000, daily_budget_micros=50_000_000, hourly_cap=0, daily_cap=0,
    least_score=0.0, brand=Brand(domains=("a.test",)), targeting=Targeting(),
    offers=(BidOffer(id=ID, name="o", creatives=(CREATIVE,)),), created_at_utc=datetime(2026, 6, 1, tzinfo=UTC),
)  # fmt: skip


def offering(**fields: object) -> tuple[BidOffer, ...]:
    known = {"creative_id": "c", "kind": CreativeKind.BANNER, "url": "https://a.test/c.png"}
    return (BidOffer(id=ID, name="o", creatives=(Creative(**{**known, **fields}),)),)


def test_a_sound_campaign_is_left_as_it_is() -> None:
    assert checked(CAMPAIGN) is CAMPAIGN
    plain = replace(CAMPAIGN, offers=offering(url="http://a.test/c.png", secure=False))
    assert checked(plain) is plain
    written = replace(CAMPAIGN, offers=offering(url="", markup="<p>"))
    assert checked(written) is written


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": " "}, "name"),
        ({"seat": ""}, "seat"),
        ({"currency_code": "usd"}, "currencyCode"),
        ({"bid_cpm_micros": 0}, "bidCpm"),
        ({"daily_budget_micros": 0}, "dailyBudget"),
        ({"hourly_cap": -1}, "hourlyCap"),
        ({"daily_cap": -1}, "dailyCap"),
        ({"least_score": -0.1}, "leastScore"),
        ({"brand": Brand(domains=())}, "brand.domains"),
        ({"brand": Brand(domains=("a.test",), category_taxonomy=0)}, "brand.categoryTaxonomy"),
        ({"targeting": Targeting(countries=("DE",))}, "targeting.countries"),
        ({"targeting": Targeting(hours_utc=(24,))}, "targeting.hoursUtc"),
        ({"offers": ()}, "offers"),
        ({"offers": (BidOffer(id=ID, name="", creatives=(CREATIVE,)),)}, "offers.0.name"),
        ({"offers": (BidOffer(id=ID, name="o", creatives=()),)}, "offers.0.creatives"),
        ({"offers": offering(width=300)}, "offers.0.creatives.0.width"),
        ({"offers": offering(linear=False)}, "offers.0.creatives.0.markup"),
        ({"offers": offering(duration_s=-1)}, "offers.0.creatives.0.durationSeconds"),
        ({"offers": offering(url="ftp://a.test/c")}, "offers.0.creatives.0.url"),
        ({"offers": offering(url="http://a.test/c")}, "offers.0.creatives.0.url"),
    ],
)
def test_what_could_not_be_bid_with_is_refused(fields: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked(replace(CAMPAIGN, **fields))
    assert ".".join(refused.value.path) == path
