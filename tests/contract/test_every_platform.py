"""What the pipeline relies on, shown for every platform there is through the very adapters that the container makes."""

from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from app.container import sandbox_platforms
from domain.errors import PlatformError
from domain.platforms import AdPlatform, BudgetType, Platform, limits
from tests.contract.conftest import ACCOUNTS, NOW

AMOUNT = 123_450_000

#: Seconds to wait after the usual quota refusal; None where the platform names none.
WAITS = {
    Platform.META: 60.0,
    Platform.GOOGLE: 5.0,
    Platform.TIKTOK: None,
    Platform.LINKEDIN: None,
    Platform.AMAZON: 2.0,
    Platform.MICROSOFT: 60.0,
}


@pytest.fixture
async def platforms(sandbox_url):
    async with AsyncExitStack() as stack:
        yield await sandbox_platforms(stack, sandbox_url)


async def first_budget(adapter: AdPlatform, account: str) -> str:
    return (await adapter.fetch_campaigns(account))[0].budget_external_id


async def refused(adapter: AdPlatform, account: str, budget: str) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        await adapter.set_daily_budget(account, budget, AMOUNT)
    return caught.value


async def test_every_platform_has_an_adapter_that_says_so(platforms):
    assert {platform: adapter.platform for platform, adapter in platforms.items()} == {each: each for each in Platform}


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.req("RB-F4", "GO-01")
async def test_read_all_set_once_and_read_back(control, platforms, platform):
    adapter, account = platforms[platform], ACCOUNTS[platform.value]
    told = await adapter.fetch_account(account)
    campaigns = await adapter.fetch_campaigns(account)
    yesterday = (NOW - timedelta(days=1)).date()
    rows = await adapter.fetch_daily_metrics(account, yesterday, yesterday)
    assert told.external_id == account
    assert {row.campaign_external_id for row in rows} == {campaign.external_id for campaign in campaigns}
    assert {row.day for row in rows} == {yesterday}
    assert all(row.spend_micros > 0 and row.revenue_micros > 0 for row in rows)
    step = limits(platform, told.currency_code).step_micros
    assert all(campaign.daily_budget_micros % step == 0 for campaign in campaigns)
    budget = campaigns[0].budget_external_id
    receipt = await adapter.set_daily_budget(account, budget, AMOUNT)
    found = await adapter.read_budget(account, budget)
    assert (found.external_id, found.budget_type, found.daily_budget_micros) == (budget, BudgetType.DAILY, AMOUNT)
    [effect] = (await control.get("/control/ledger")).json()["effects"]
    assert (effect["platform"], effect["account"], effect["entity"]) == (platform.value, account, budget)
    assert (effect["before_micros"], effect["after_micros"]) == (campaigns[0].daily_budget_micros, AMOUNT)
    assert effect["request_id"] == receipt.execution_id != ""


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize(("kind", "effects"), [("cut_before_apply", 0), ("cut_after_apply", 1)])
async def test_a_cut_reply_leaves_the_outcome_open(control, platforms, platform, kind, effects):
    adapter, account = platforms[platform], ACCOUNTS[platform.value]
    budget = await first_budget(adapter, account)
    before = (await adapter.read_budget(account, budget)).daily_budget_micros
    fault = {"platform": platform.value, "operation": "set_budget", "kind": kind}
    (await control.post("/control/faults", json=fault)).raise_for_status()
    error = await refused(adapter, account, budget)
    assert (error.retryable, error.outcome_known) == (True, False)
    assert len((await control.get("/control/ledger")).json()["effects"]) == effects
    now = (await adapter.read_budget(account, budget)).daily_budget_micros
    assert now == (AMOUNT if effects else before)


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.req("RB-F4")
async def test_a_quota_refusal_changed_nothing_and_says_how_long_to_wait(control, platforms, platform):
    adapter, account = platforms[platform], ACCOUNTS[platform.value]
    budget = await first_budget(adapter, account)
    fault = {"platform": platform.value, "operation": "set_budget", "kind": "quota"}
    (await control.post("/control/faults", json=fault)).raise_for_status()
    error = await refused(adapter, account, budget)
    assert (error.retryable, error.outcome_known, error.retry_after_seconds) == (True, True, WAITS[platform])
    assert (await control.get("/control/ledger")).json()["effects"] == []


async def test_linkedin_s_daily_quota_lasts_until_midnight_utc(control, platforms):
    adapter, account = platforms[Platform.LINKEDIN], ACCOUNTS["LINKEDIN"]
    budget = await first_budget(adapter, account)
    await adapter.fetch_account(account)
    fault = {"platform": "LINKEDIN", "operation": "set_budget", "kind": "quota", "code": "DAY_LIMIT"}
    (await control.post("/control/faults", json=fault)).raise_for_status()
    error = await refused(adapter, account, budget)
    assert (error.platform_code, error.retryable, error.outcome_known) == ("TOO_MANY_REQUESTS", True, True)
    # The answer's date is the machine's own, so no exact number of seconds can be said here.
    assert error.retry_after_seconds is not None
    assert 0 < error.retry_after_seconds <= 86_400
