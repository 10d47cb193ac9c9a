"""Connecting and syncing ad accounts against both databases: what is stored, what a failure leaves, what is logged."""

import asyncio
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from domain.ad_accounts import AdAccount
from domain.adjustments import AdjustmentStatus
from domain.campaigns import CampaignDay
from domain.currencies import Rate
from domain.errors import InvalidInput, InvalidTransition, NotFound, PlatformError
from domain.log import Actor, ActorKind
from domain.platforms import BudgetType, CampaignStatus, Platform, PlatformAccount, PlatformDailyMetric
from kit.ids import new_id
from kit.metering import count_call
from kit.time import FixedClock
from models import ad_accounts as stored_accounts
from models import adjustments, campaigns, currency_rates, daily_metrics, log
from services import ad_accounts as service
from services import recommendations as decisions
from services.ports import Ports
from tests.conftest import NOON, House, viewer_of
from tests.integration.fake_platform import FakePlatform, campaign, days_of, refused

ANA = Actor(ActorKind.MEMBER, "ana")
TODAY = NOON.date()


@dataclass
class Shop:
    """A workspace, its ports, and one fake platform."""

    ports: Ports
    house: House
    meta: FakePlatform

    async def connect(self) -> AdAccount:
        return await service.connect(
            self.ports, self.house.tenant_id, self.house.workspace.id, Platform.META, self.meta.account.external_id, ANA
        )

    async def sync(self, account: AdAccount) -> AdAccount:
        return await service.sync(self.ports, self.house.tenant_id, account.id)

    @property
    def scope(self):
        return self.ports.database.read(self.house.tenant_id)

    async def kinds(self) -> list[str]:
        return [event.entry.kind for event in await log.events_after(self.scope, 0, 1_000)]

    async def days(self, account: AdAccount) -> list[CampaignDay]:
        known = await campaigns.account_campaigns(self.scope, account.id)
        return await daily_metrics.days_since(
            self.scope, [each.id for each in known.values()], date(2020, 1, 1), date(2030, 1, 1)
        )


@pytest.fixture
def shop(ports: Ports, house: House) -> Shop:
    meta = FakePlatform(campaigns=[campaign(1), campaign(2)], days=days_of(1, TODAY, 3) + days_of(2, TODAY, 3))
    ports.platforms[Platform.META] = meta
    return Shop(ports, house, meta)


async def test_connecting_stores_what_the_platform_says_once(shop: Shop) -> None:
    account = await shop.connect()
    assert (account.name, account.currency_code, account.time_zone, account.connected) == (
        "Acme shop",
        "USD",
        "America/New_York",
        True,
    )
    assert await shop.connect() == account
    shop.meta.account = replace(shop.meta.account, name="Acme & Sons", time_zone="Europe/Berlin")
    renamed = await shop.connect()
    assert renamed == replace(account, name="Acme & Sons", time_zone="Europe/Berlin")
    assert await stored_accounts.ad_account(shop.scope, account.id) == renamed
    events = await log.events_after(shop.scope, 0, 10)
    assert [(e.entry.kind, e.entry.actor_id) for e in events] == [
        ("ad_account.connected", "ana"),
        ("ad_account.changed", "ana"),
    ]


async def test_two_who_connect_one_account_at_once_get_the_same(shop: Shop) -> None:
    first, second = await asyncio.gather(shop.connect(), shop.connect())
    assert first == second
    assert await shop.kinds() == ["ad_account.connected"]


async def test_an_account_that_the_platform_refuses_is_not_connected(shop: Shop) -> None:
    shop.meta.failures["fetch_account"] = [refused("no permission")]
    with pytest.raises(PlatformError, match=r"^no permission$"):
        await shop.connect()
    with pytest.raises(NotFound, match=r"^no such workspace$"):
        await service.connect(shop.ports, shop.house.tenant_id, uuid4(), Platform.META, "1", ANA)
    assert [each.name for each in await stored_accounts.ad_accounts(shop.scope, shop.house.workspace.id)] == ["acme"]
    assert await shop.kinds() == []


async def test_an_imported_account_is_connected_in_its_own_currency_only(shop: Shop) -> None:
    imported = AdAccount(
        new_id(),
        shop.house.tenant_id,
        shop.house.workspace.id,
        Platform.META,
        "1",
        "1",
        "USD",
        "UTC",
        None,
        None,
        False,
    )
    async with shop.ports.database.write(shop.house.tenant_id) as scope:
        await stored_accounts.add_ad_account(scope, imported)
    with pytest.raises(InvalidTransition):
        await shop.sync(imported)
    shop.meta.account = replace(shop.meta.account, currency_code="EUR")
    with pytest.raises(InvalidInput, match=r"EUR.*USD"):
        await shop.connect()
    shop.meta.account = replace(shop.meta.account, currency_code="USD")
    connected = await shop.connect()
    assert (connected.id, connected.connected, connected.time_zone) == (imported.id, True, "America/New_York")
    assert [each.id for each in await service.connected(shop.ports, shop.house.tenant_id)] == [
        shop.house.account.id,
        imported.id,
    ]


@pytest.mark.req("RB-F1")
async def test_the_first_sync_stores_campaigns_budgets_and_ninety_days(shop: Shop) -> None:
    shop.meta.days = days_of(1, TODAY, 120)
    account = await shop.connect()
    synced = await shop.sync(account)
    assert (synced.synced_at_utc, synced.sync_error) == (NOON, None)
    assert shop.meta.calls_of("fetch_daily_metrics") == [("1", TODAY - timedelta(days=90), TODAY)]
    budgets = await campaigns.account_budgets(shop.scope, account.id)
    assert {key: (b.daily_budget_micros, b.budget_type, b.observed_at_utc) for key, b in budgets.items()} == {
        "b1": (100_000_000, BudgetType.DAILY, NOON),
        "b2": (100_000_000, BudgetType.DAILY, NOON),
    }
    known = await campaigns.account_campaigns(shop.scope, account.id)
    assert [(c.external_id, c.name, c.status, c.budget_id) for c in known.values()] == [
        ("c1", "Campaign 1", CampaignStatus.ENABLED, budgets["b1"].id),
        ("c2", "Campaign 2", CampaignStatus.ENABLED, budgets["b2"].id),
    ]
    days = await shop.days(account)
    assert (len(days), days[0].day, days[-1].day) == (91, TODAY - timedelta(days=90), TODAY)
    told = next(row for row in shop.meta.days if row.day == TODAY)
    assert (days[-1].spend_micros, days[-1].revenue_micros, days[-1].conversions, days[-1].rate_to_reporting) == (
        told.spend_micros,
        told.revenue_micros,
        Decimal("8.25"),
        Decimal(1),
    )
    assert await shop.kinds() == ["ad_account.connected", "campaign.added", "campaign.added", "ad_account.synced"]


async def test_today_is_the_accounts_day(shop: Shop, clock: FixedClock) -> None:
    shop.meta.account = replace(shop.meta.account, time_zone="Asia/Tokyo")
    clock.advance(timedelta(hours=4))  # 01:00 of the 11th in Tokyo
    await shop.sync(await shop.connect())
    assert shop.meta.calls_of("fetch_daily_metrics")[0][2] == date(2026, 3, 11)


async def test_later_syncs_ask_fourteen_days_again_and_replace_them(shop: Shop, clock: FixedClock) -> None:
    account = await shop.connect()
    await shop.sync(account)
    late = [replace(row, revenue_micros=row.revenue_micros + 7, conversions=9.5) for row in shop.meta.days]
    shop.meta.days = late
    clock.advance(timedelta(days=40))
    await shop.sync(account)
    assert shop.meta.calls_of("fetch_daily_metrics")[1] == (
        "1",
        TODAY - timedelta(days=14),
        TODAY + timedelta(days=40),
    )
    days = await shop.days(account)
    assert len(days) == 6
    assert {(d.day, d.revenue_micros, d.conversions) for d in days if d.spend_micros == late[0].spend_micros} == {
        (late[0].day, late[0].revenue_micros, Decimal("9.5"))
    }
    assert "campaign.changed" not in await shop.kinds()


async def test_a_stored_margin_survives_a_sync(shop: Shop) -> None:
    account = await shop.connect()
    await shop.sync(account)
    day = (await shop.days(account))[0]
    known = await campaigns.campaign(shop.scope, day.campaign_id)
    async with shop.ports.database.write(shop.house.tenant_id) as scope:
        await daily_metrics.replace_days(scope, [replace(day, product_margin=Decimal("0.4"))])
        await campaigns.store_campaign(scope, replace(known, product_margin=Decimal("0.4")))
    await shop.sync(account)
    again = next(d for d in await shop.days(account) if (d.campaign_id, d.day) == (day.campaign_id, day.day))
    assert again == replace(day, product_margin=Decimal("0.4"))
    assert (await campaigns.campaign(shop.scope, known.id)).product_margin == Decimal("0.4")


async def test_renamed_paused_new_and_removed_campaigns_are_stored_and_logged(shop: Shop) -> None:
    account = await shop.connect()
    await shop.sync(account)
    seen = len(await shop.kinds())
    shop.meta.campaigns = [
        campaign(1, name="Renamed", status=CampaignStatus.PAUSED),
        campaign(3, budget_external_id="b1"),
    ]
    await shop.sync(account)
    known = await campaigns.account_campaigns(shop.scope, account.id)
    assert {key: (c.name, c.status) for key, c in known.items()} == {
        "c1": ("Renamed", CampaignStatus.PAUSED),
        "c2": ("Campaign 2", CampaignStatus.REMOVED),
        "c3": ("Campaign 3", CampaignStatus.ENABLED),
    }
    assert known["c3"].budget_id == known["c1"].budget_id
    assert (await shop.kinds())[seen:] == ["campaign.changed", "campaign.added", "campaign.changed"]
    await shop.sync(account)
    assert len(await shop.kinds()) == seen + 3


async def test_days_of_campaigns_that_carry_no_budget_are_left_out_and_repeated_rows_count_once(shop: Shop) -> None:
    [first] = days_of(1, TODAY, 1)
    shop.meta.days = [first, replace(first, clicks=first.clicks + 1), *days_of(9, TODAY, 1)]
    account = await shop.connect()
    await shop.sync(account)
    assert [(d.day, d.clicks) for d in await shop.days(account)] == [(TODAY, first.clicks + 1)]


async def test_a_budget_changed_elsewhere_is_observed_and_logged_once(shop: Shop, clock: FixedClock) -> None:
    account = await shop.connect()
    await shop.sync(account)
    before = (await campaigns.account_budgets(shop.scope, account.id))["b1"]
    seen = len(await shop.kinds())
    shop.meta.set_budget("b1", 140_000_000)
    clock.advance(timedelta(minutes=15))
    await shop.sync(account)
    await shop.sync(account)
    after = (await campaigns.account_budgets(shop.scope, account.id))["b1"]
    assert (after.daily_budget_micros, after.observed_at_utc) == (140_000_000, NOON + timedelta(minutes=15))
    [event] = await log.events_after(shop.scope, seen, 10)
    assert (event.entry.kind, event.entry.actor_id, event.entry.subject_id) == (
        "budget.changed_elsewhere",
        "sync",
        before.id,
    )
    assert event.before is not None
    assert event.after is not None
    assert (event.before["daily_budget_micros"], event.after["daily_budget_micros"]) == (100_000_000, 140_000_000)
    shop.meta.campaigns = [replace(row, budget_type=BudgetType.LIFETIME) for row in shop.meta.campaigns]
    await shop.sync(account)
    assert (await campaigns.account_budgets(shop.scope, account.id))["b1"].budget_type is BudgetType.LIFETIME


async def test_a_change_of_our_own_that_is_not_read_back_yet_is_not_called_somebody_elses(shop: Shop) -> None:
    """The house's own account: its first decrease was sent, the platform applied it, the answer is still out."""
    house = shop.house
    cut, budget = house.recommendations[0], house.budgets[0]
    ana = await viewer_of(shop.ports, house, house.owner_id)
    adjustment = (await decisions.approve(shop.ports, ana, cut.id, 1, "k")).adjustment
    assert adjustment is not None
    async with shop.ports.database.write(house.tenant_id) as scope:
        await adjustments.claim(scope, adjustment.id, uuid4(), NOON, NOON + timedelta(minutes=1))
    seen = len(await shop.kinds())
    shop.meta.campaigns = [
        campaign(n, external_id=c.external_id, name=c.name, budget_external_id=b.external_id)
        for n, (c, b) in enumerate(zip(house.campaigns, house.budgets, strict=True))
    ]
    shop.meta.set_budget(budget.external_id, cut.proposed_micros)
    await shop.sync(house.account)
    assert (await campaigns.budget(shop.scope, budget.id)).daily_budget_micros == cut.proposed_micros
    assert (await shop.kinds())[seen:] == ["ad_account.synced"]
    shop.meta.set_budget(budget.external_id, cut.proposed_micros + 10_000)
    await shop.sync(house.account)
    assert (await shop.kinds())[seen + 1 :] == ["budget.changed_elsewhere"]
    assert (await adjustments.adjustment(shop.scope, adjustment.id)).status is AdjustmentStatus.SENDING


async def test_a_budget_confirmed_while_the_platform_was_asked_keeps_its_newer_amount(
    shop: Shop, clock: FixedClock
) -> None:
    account = await shop.connect()
    await shop.sync(account)
    budget = (await campaigns.account_budgets(shop.scope, account.id))["b1"]
    seen = len(await shop.kinds())

    async def confirm_meanwhile(name: str) -> None:
        if name == "fetch_daily_metrics":
            clock.advance(timedelta(seconds=2))
            async with shop.ports.database.write(shop.house.tenant_id) as scope:
                await campaigns.observe_budget(scope, budget.id, 77_000_000, clock.now_utc())

    shop.meta.before_call = confirm_meanwhile
    await shop.sync(account)
    assert (await campaigns.budget(shop.scope, budget.id)).daily_budget_micros == 77_000_000
    assert len(await shop.kinds()) == seen


async def test_a_failure_is_kept_as_the_accounts_error_and_logged_once_until_it_recovers(
    shop: Shop, clock: FixedClock
) -> None:
    account = await shop.connect()
    await shop.sync(account)
    seen = len(await shop.kinds())
    shop.meta.campaigns.append(campaign(3))
    shop.meta.failures["fetch_daily_metrics"] = [refused("quota", retryable=True), refused("down", retryable=True)]
    clock.advance(timedelta(minutes=15))
    failed = await shop.sync(account)
    assert (failed.sync_error, failed.synced_at_utc) == ("quota", NOON)
    assert (await shop.sync(account)).sync_error == "down"
    assert await stored_accounts.ad_account(shop.scope, account.id) == replace(failed, sync_error="down")
    assert set(await campaigns.account_campaigns(shop.scope, account.id)) == {"c1", "c2"}
    assert (await shop.kinds())[seen:] == ["ad_account.sync_failed"]
    recovered = await shop.sync(account)
    assert (recovered.sync_error, recovered.synced_at_utc) == (None, NOON + timedelta(minutes=15))
    assert (await shop.kinds())[seen:] == ["ad_account.sync_failed", "campaign.added", "ad_account.synced"]


async def test_without_an_exchange_rate_nothing_is_stored_and_the_error_says_so(shop: Shop) -> None:
    shop.meta.account = PlatformAccount("1", "Acme EU", "EUR", "Europe/Berlin")
    account = await shop.connect()
    failed = await shop.sync(account)
    assert failed.sync_error == "its amounts cannot be converted: no rate from EUR to USD; import rates"
    assert await campaigns.account_campaigns(shop.scope, account.id) == {}
    assert await campaigns.account_budgets(shop.scope, account.id) == {}
    rates = [
        Rate(date(2025, 1, 1), "EUR", "USD", Decimal("1.1"), "test"),
        Rate(TODAY - timedelta(days=1), "EUR", "USD", Decimal("1.2"), "test"),
    ]
    async with shop.ports.database.write(shop.house.tenant_id) as scope:
        await currency_rates.replace_rates(scope, rates)
    assert (await shop.sync(account)).sync_error is None
    found = {d.day: d.rate_to_reporting for d in await shop.days(account)}
    assert found == {
        TODAY - timedelta(days=2): Decimal("1.1"),
        TODAY - timedelta(days=1): Decimal("1.2"),
        TODAY: Decimal("1.2"),
    }


async def test_no_transaction_is_open_while_the_platform_is_asked(shop: Shop) -> None:
    written = []

    async def write_meanwhile(name: str) -> None:
        async with asyncio.timeout(2), shop.ports.database.write(shop.house.tenant_id) as scope:
            await stored_accounts.mark_synced(scope, shop.house.account.id, NOON, name)
        written.append(name)

    shop.meta.before_call = write_meanwhile
    assert (await shop.sync(await shop.connect())).sync_error is None
    assert written == ["fetch_account", "fetch_campaigns", "fetch_daily_metrics"]


async def test_two_syncs_of_one_account_at_once_store_everything_once(shop: Shop) -> None:
    account = await shop.connect()
    results = await asyncio.gather(*(shop.sync(account) for _ in range(4)))
    assert [result.sync_error for result in results] == [None] * 4
    assert len(await campaigns.account_campaigns(shop.scope, account.id)) == 2
    assert len(await shop.days(account)) == 6
    assert sorted(await shop.kinds()) == [
        "ad_account.connected",
        "ad_account.synced",
        "campaign.added",
        "campaign.added",
    ]


@pytest.mark.req("RO-04")
async def test_a_large_accounts_first_days_come_in_over_several_syncs(shop: Shop, clock: FixedClock) -> None:
    shop.meta.campaigns = [campaign(number) for number in range(1_000)]
    shop.meta.days = days_of(1, TODAY, 120)
    account = await shop.connect()
    asked = []
    for _ in range(7):
        account = await shop.sync(account)
        assert account.sync_error is None
        asked.append(shop.meta.calls_of("fetch_daily_metrics")[-1][1:])
        clock.advance(timedelta(minutes=1))
    first = TODAY - timedelta(days=90)
    assert asked[:4] == [(first + timedelta(days=20 * n), first + timedelta(days=20 * n + 19)) for n in range(4)]
    # All the rest is young: it is asked for whole, now and from now on.
    assert asked[4:] == [(TODAY - timedelta(days=14), TODAY)] * 3
    assert len(await shop.days(account)) == 91
    assert account.figures_until_utc == NOON + timedelta(minutes=1)


@pytest.mark.req("RO-04")
async def test_an_hours_calls_used_up_nothing_is_asked_until_some_are_free_again(shop: Shop, clock: FixedClock) -> None:
    async def page(name: str) -> None:
        for _ in range(40 if name == "fetch_daily_metrics" else 0):
            count_call()

    shop.meta.before_call = page
    account = await shop.connect()
    for _ in range(60):
        account = await shop.sync(account)
        clock.advance(timedelta(minutes=1))
    # 160 of the hour's 200: a sync may take 50 calls, so that it begins only where so many are free.
    calls = len(shop.meta.calls_of("fetch_daily_metrics"))
    assert (calls, shop.meta.calls_of("fetch_campaigns")) == (4, [("1",)] * 4)


async def test_calls_of_a_failed_sync_count_too(shop: Shop) -> None:
    async def fail(name: str) -> None:
        if name == "fetch_campaigns":
            for _ in range(49):
                count_call()
            raise refused("it went on paging")

    shop.meta.before_call = fail
    account = await shop.connect()
    for _ in range(3):
        account = await shop.sync(account)
    assert account.sync_error == "it went on paging"
    # 49 and 49 of a hundred: the third would not fit and was not tried.
    assert len(shop.meta.calls_of("fetch_campaigns")) == 2


@pytest.mark.req("FR-PLT-001")
async def test_another_tenants_account_cannot_be_synced(shop: Shop, other_house: House) -> None:
    with pytest.raises(NotFound, match=r"^no such ad account$"):
        await service.sync(shop.ports, shop.house.tenant_id, other_house.account.id)
    assert shop.meta.calls == []


def test_platform_days_in_tests_are_exact_cents() -> None:
    assert all(isinstance(row, PlatformDailyMetric) and row.spend_micros % 10_000 == 0 for row in days_of(1, TODAY, 9))
