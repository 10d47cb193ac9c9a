"""Importing files into both databases: what is stored, replaced, refused; the published files as they are."""

import os
import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from domain.campaigns import CampaignDay
from domain.currencies import Rate, RateUnavailable
from domain.errors import Forbidden, InvalidInput, NotFound
from domain.metric_imports import ImportProfile, parse_profile, profile_from_options
from domain.platforms import Platform
from models import ad_accounts, campaigns, currency_rates, daily_metrics, log
from services import currency_rates as rates_service
from services.metric_imports import import_file
from services.ports import Ports
from services.viewers import Viewer
from tests.conftest import House, viewer_of

PROFILES = Path(__file__).parents[2] / "docs" / "import-profiles"

HEADER = "day,id,name,cost,value,margin,conv\n"
EXPORT = (
    HEADER,
    "2026-03-01,a,Alpha,10.00,30.00,0.4,1.5\n",
    "2026-03-01,a,Alpha,2.50,10.00,0.6,0.25\n",
    "2026-03-02,a,Alpha,11.00,31.00,,2\n",
    "2026-03-02,b,Beta,5.00,,0.2,0\n",
)


def profile(currency: str = "USD", account: str = "shop", **more: object) -> ImportProfile:
    maps = ["day=day", "campaign=id", "campaign_name=name", "spend=cost", "revenue=value"]
    maps += ["product_margin=margin", "conversions=conv"]
    return profile_from_options(maps, platform="META", account=account, currency=currency, **more)


@pytest.fixture
async def ana(ports: Ports, house: House) -> Viewer:
    return await viewer_of(ports, house, house.owner_id)


async def stored(ports: Ports, house: House, account: str = "shop") -> dict[tuple[str, date], CampaignDay]:
    """An account's days by (campaign's own id, day)."""
    scope = ports.database.read(house.tenant_id)
    found = {}
    for platform in Platform:
        place = await ad_accounts.find_ad_account(scope, house.workspace.id, platform.value, account)
        if place is None:
            continue
        known = {each.id: key for key, each in (await campaigns.account_campaigns(scope, place.id)).items()}
        for day in await daily_metrics.days_since(scope, list(known), date(1990, 1, 1), date(2100, 1, 1)):
            found[known[day.campaign_id], day.day] = day
    return found


async def kinds(ports: Ports, house: House) -> list[str]:
    return [e.entry.kind for e in await log.events_after(ports.database.read(house.tenant_id), 0, 10_000)]


async def test_a_file_becomes_an_account_its_campaigns_and_their_summed_days(
    ports: Ports, house: House, ana: Viewer
) -> None:
    exact = [line for line in EXPORT if "Beta" not in line]
    report = await import_file(ports, ana, house.workspace.id, exact, profile(time_zone="Europe/Berlin"))
    assert (report.rows_read, report.rejected_count, len(report.days)) == (3, 0, 2)
    scope = ports.database.read(house.tenant_id)
    account = await ad_accounts.find_ad_account(scope, house.workspace.id, "META", "shop")
    assert account is not None
    assert (account.name, account.currency_code, account.time_zone, account.connected) == (
        "shop",
        "USD",
        "Europe/Berlin",
        False,
    )
    [campaign] = (await campaigns.account_campaigns(scope, account.id)).values()
    # (30 x 0.4 + 10 x 0.6) / 40; the next day tells no margin.
    assert (campaign.name, campaign.budget_id, campaign.product_margin) == ("Alpha", None, Decimal("0.45"))
    days = await stored(ports, house)
    first = days["a", date(2026, 3, 1)]
    assert (first.spend_micros, first.revenue_micros, first.conversions, first.product_margin) == (
        12_500_000,
        40_000_000,
        Decimal("1.75"),
        Decimal("0.45"),
    )
    assert days["a", date(2026, 3, 2)].product_margin is None
    events = await log.events_after(scope, 0, 10)
    assert [e.entry.kind for e in events] == [
        "ad_account.imported",
        "campaign.added",
        "campaign.changed",
        "metrics.imported",
    ]
    told = events[-1].after
    assert told is not None
    del told["id"]
    assert told == {
        "workspace_id": str(house.workspace.id),
        "rows_read": 3,
        "rejected_rows": 0,
        "accounts": 1,
        "campaigns": 1,
        "days": 2,
        "first_day": "2026-03-01",
        "last_day": "2026-03-02",
    }
    assert events[-1].entry.actor_id == str(house.owner_id)


async def test_the_same_file_again_stores_the_same_rows(ports: Ports, house: House, ana: Viewer) -> None:
    exact = [line for line in EXPORT if "Beta" not in line]
    await import_file(ports, ana, house.workspace.id, exact, profile())
    before = await stored(ports, house)
    await import_file(ports, ana, house.workspace.id, exact, profile())
    assert await stored(ports, house) == before
    assert (await kinds(ports, house))[-1] == "metrics.imported"


async def test_another_file_replaces_the_days_it_tells_and_no_others(ports: Ports, house: House, ana: Viewer) -> None:
    exact = [line for line in EXPORT if "Beta" not in line]
    await import_file(ports, ana, house.workspace.id, exact, profile())
    before = await stored(ports, house)
    later = [HEADER, "2026-03-02,a,Alpha new,99.00,1.00,0.3,7\n"]
    await import_file(ports, ana, house.workspace.id, later, profile())
    after = await stored(ports, house)
    assert after.keys() == before.keys()
    assert after["a", date(2026, 3, 1)] == before["a", date(2026, 3, 1)]
    changed = after["a", date(2026, 3, 2)]
    assert (changed.spend_micros, changed.revenue_micros, changed.conversions, changed.product_margin) == (
        99_000_000,
        1_000_000,
        Decimal(7),
        Decimal("0.3"),
    )
    scope = ports.database.read(house.tenant_id)
    campaign = await campaigns.campaign(scope, changed.campaign_id)
    assert (campaign.name, campaign.product_margin) == ("Alpha new", Decimal("0.3"))


async def test_an_older_file_does_not_take_the_newest_margin_back(ports: Ports, house: House, ana: Viewer) -> None:
    await import_file(ports, ana, house.workspace.id, [HEADER, "2026-03-05,a,Alpha,1,1,0.3,0\n"], profile())
    await import_file(ports, ana, house.workspace.id, [HEADER, "2026-02-05,a,Alpha,1,1,0.9,0\n"], profile())
    days = await stored(ports, house)
    campaign = await campaigns.campaign(ports.database.read(house.tenant_id), days["a", date(2026, 3, 5)].campaign_id)
    assert campaign.product_margin == Decimal("0.3")


async def test_one_rejected_row_keeps_everything_out_unless_it_may_be_skipped(
    ports: Ports, house: House, ana: Viewer
) -> None:
    report = await import_file(ports, ana, house.workspace.id, EXPORT, profile())
    assert [(row.line, row.column, row.reason) for row in report.rejected] == [
        (5, "value", "blank (empty_is_zero = true counts it as 0)")
    ]
    assert await stored(ports, house) == {}
    assert await kinds(ports, house) == []
    report = await import_file(ports, ana, house.workspace.id, EXPORT, profile(), skip_rejected=True)
    assert report.rejected_count == 1
    assert set(await stored(ports, house)) == {("a", date(2026, 3, 1)), ("a", date(2026, 3, 2))}


async def test_days_without_a_rate_of_that_week_are_rejected(ports: Ports, house: House, ana: Viewer) -> None:
    lines = [HEADER, "2026-03-01,a,Alpha,1,1,,0\n", "2026-03-20,a,Alpha,1,1,,0\n"]
    rate = Rate(date(2026, 2, 27), "EUR", "USD", Decimal("1.0812345678"), "test")
    assert await rates_service.import_rates(ports, ana, [rate]) == 1
    report = await import_file(ports, ana, house.workspace.id, lines, profile("EUR"), skip_rejected=True)
    assert [(row.line, "older than 7 days" in row.reason) for row in report.rejected] == [(3, True)]
    days = await stored(ports, house)
    assert {key: day.rate_to_reporting for key, day in days.items()} == {
        ("a", date(2026, 3, 1)): Decimal("1.0812345678")
    }


async def test_an_account_keeps_its_currency(ports: Ports, house: House, ana: Viewer) -> None:
    lines = [HEADER, "2026-03-01,a,Alpha,1,1,,0\n"]
    await import_file(ports, ana, house.workspace.id, lines, profile())
    await rates_service.import_rates(ports, ana, [Rate(date(2026, 3, 1), "EUR", "USD", Decimal("1.1"), "test")])
    before = await kinds(ports, house)
    with pytest.raises(InvalidInput, match=r"kept in USD; the file says EUR"):
        await import_file(ports, ana, house.workspace.id, lines, profile("EUR"))
    assert await kinds(ports, house) == before


async def test_a_campaign_that_a_platform_names_keeps_its_name_and_budget(
    ports: Ports, house: House, ana: Viewer
) -> None:
    known = house.campaigns[0]
    lines = [HEADER, f"2026-03-01,{known.external_id},Their name,1,1,0.35,0\n"]
    await import_file(ports, ana, house.workspace.id, lines, profile(account=house.account.external_id))
    after = await campaigns.campaign(ports.database.read(house.tenant_id), known.id)
    assert after == replace(known, product_margin=Decimal("0.35"))
    assert await kinds(ports, house) == ["campaign.changed", "metrics.imported"]


async def test_an_id_too_long_for_the_table_is_refused_and_nothing_stays(
    ports: Ports, house: House, ana: Viewer
) -> None:
    lines = [HEADER, "2026-03-01,a,Alpha,1,1,,0\n", f"2026-03-01,{'x' * 129},Long,1,1,,0\n"]
    with pytest.raises(InvalidInput, match=r"campaign id"):
        await import_file(ports, ana, house.workspace.id, lines, profile())
    with pytest.raises(InvalidInput, match=r"account id"):
        await import_file(ports, ana, house.workspace.id, lines[:2], profile(account="y" * 65))
    assert await stored(ports, house) == {}
    assert await kinds(ports, house) == []


async def test_a_total_loss_of_ten_times_the_revenue_still_fits_the_column(
    ports: Ports, house: House, ana: Viewer
) -> None:
    await import_file(ports, ana, house.workspace.id, [HEADER, "2026-03-01,a,Alpha,1,1,-10,0.1234567\n"], profile())
    [day] = (await stored(ports, house)).values()
    assert (day.product_margin, day.conversions) == (Decimal("-9.999999"), Decimal("0.123457"))


@pytest.mark.req("FR-PLT-003")
async def test_importing_takes_write_access_to_campaigns(ports: Ports, house: House, other_house: House) -> None:
    cleo = await viewer_of(ports, house, house.analyst_id)
    with pytest.raises(Forbidden):
        await import_file(ports, cleo, house.workspace.id, EXPORT, profile(), skip_rejected=True)
    with pytest.raises(Forbidden):
        await rates_service.import_rates(ports, cleo, [Rate(date(2026, 3, 1), "EUR", "USD", Decimal(1), "test")])
    ana = await viewer_of(ports, house, house.owner_id)
    with pytest.raises(NotFound):
        await import_file(ports, ana, other_house.workspace.id, EXPORT, profile(), skip_rejected=True)
    assert await kinds(ports, house) == []
    assert await kinds(ports, other_house) == []


async def test_rates_replace_those_of_their_day_and_refuse_contradictions(
    ports: Ports, house: House, ana: Viewer
) -> None:
    day = date(2026, 3, 2)
    await rates_service.import_rates(ports, ana, [Rate(day, "EUR", "USD", Decimal("1.1"), "ECB")])
    await rates_service.import_rates(ports, ana, [Rate(day, "EUR", "USD", Decimal("1.2"), "bank")])
    scope = ports.database.read(house.tenant_id)
    assert await currency_rates.rates_to(scope, "USD") == [Rate(day, "EUR", "USD", Decimal("1.2"), "bank")]
    with pytest.raises(InvalidInput, match=r"two rates"):
        await rates_service.import_rates(
            ports, ana, [Rate(day, "GBP", "USD", Decimal(number), "x") for number in ("1.3", "1.4")]
        )
    with pytest.raises(InvalidInput, match=r"is under 0\.0000000001"):
        await rates_service.import_rates(ports, ana, [Rate(day, "IRR", "USD", Decimal("1e-11"), "x")])
    assert await rates_service.import_rates(ports, ana, []) == 0
    events = await log.events_after(scope, 0, 10)
    assert [(e.entry.kind, e.after) for e in events] == [
        ("currency_rates.imported", {"count": 1, "pairs": ["EUR>USD"], "sources": ["ECB"]}),
        ("currency_rates.imported", {"count": 1, "pairs": ["EUR>USD"], "sources": ["bank"]}),
    ]


async def test_a_rate_holds_until_a_newer_one_or_as_long_as_asked(ports: Ports, house: House, ana: Viewer) -> None:
    old = Rate(date(2024, 1, 1), "EUR", "USD", Decimal("1.05"), "test")
    await rates_service.import_rates(ports, ana, [old])
    scope = ports.database.read(house.tenant_id)
    lasting = await rates_service.rate_table(scope, "USD", max_age_days=rates_service.STORED_RATE_DAYS)
    assert lasting.lookup(date(2026, 3, 10), "EUR", "USD") == old
    week = await rates_service.rate_table(scope, "USD", max_age_days=7)
    with pytest.raises(RateUnavailable):
        week.lookup(date(2024, 1, 9), "EUR", "USD")


REAL_FILES = (
    "fb_vs_adwords_daily_2019",
    "kag_facebook_conversion",
    "online_advertising_performance",
    "robyn_dt_simulated_weekly",
    "sony_aba_criteo_filtered",
    "sony_aba_internet_service_provider",
)


@pytest.mark.external_data
@pytest.mark.skipif("EXTERNAL_DATA" not in os.environ, reason="EXTERNAL_DATA does not name a folder")
@pytest.mark.parametrize("name", REAL_FILES)
async def test_published_files_load_twice_to_the_same_rows(ports: Ports, house: House, ana: Viewer, name: str) -> None:
    path = Path(os.environ["EXTERNAL_DATA"]) / "ads" / f"{name}.csv"
    chosen = parse_profile((PROFILES / f"{name}.toml").read_text(encoding="utf-8"))
    first = date(2015, 1, 1)
    weekly = [first + timedelta(weeks=n) for n in range(600)]
    async with ports.database.write(house.tenant_id) as scope:
        await currency_rates.replace_rates(
            scope,
            [Rate(day, code, "USD", rate, "a test") for day in weekly for code, rate in
             (("EUR", Decimal("1.1")), ("JPY", Decimal("0.007")))],
        )  # fmt: skip
    text = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    report = await import_file(ports, ana, house.workspace.id, text, chosen, skip_rejected=True)
    assert len(report.days) > 80
    accounts = {day.account_external_id for day in report.days}
    before = {account: await stored(ports, house, account) for account in accounts}
    assert sum(map(len, before.values())) == len(report.days)
    spend = sum(day.spend_micros for days in before.values() for day in days.values())
    assert spend == sum(day.spend_micros for day in report.days)

    rows = text[1:]
    random.Random(4).shuffle(rows)
    again = await import_file(ports, ana, house.workspace.id, [text[0], *rows], chosen, skip_rejected=True)
    assert again.days == report.days
    assert {account: await stored(ports, house, account) for account in accounts} == before
