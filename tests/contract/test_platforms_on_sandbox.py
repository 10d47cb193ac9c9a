"""The adapters against the sandbox over a real socket: what they read is the world's, what they set is applied once."""

import asyncio
from dataclasses import astuple, replace
from datetime import timedelta

import pytest

from domain.errors import PlatformError
from domain.platforms import BudgetType, CampaignStatus, limits
from sandbox.roster import demo_roster
from sandbox.world import initial_steps, report_day

QUOTA_CODES = {
    "META": [
        ("", "80004/2446079", 60.0),
        ("4", "4", 60.0),
        ("17/2446079", "17/2446079", 60.0),
        ("613/1487742", "613/1487742", 60.0),
    ],
    "GOOGLE": [("", "RESOURCE_TEMPORARILY_EXHAUSTED", 5.0), ("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED", 3600.0)],
    "TIKTOK": [("", "40100", None), ("42900", "42900", None)],
    "LINKEDIN": [("", "TOO_MANY_REQUESTS", None)],
    "AMAZON": [("", "THROTTLED", 2.0)],
    "MICROSOFT": [("", "117", 60.0), ("207", "207", None)],
}
REFUSED_CODES = {
    "META": "100",
    "GOOGLE": "USER_PERMISSION_DENIED",
    "TIKTOK": "40002",
    "LINKEDIN": "CAMPAIGN_NOT_EDITABLE",
    "AMAZON": "ACCESS_DENIED",
    "MICROSOFT": "106",
}
SERVER_ERROR_CODES = {
    "META": "2",
    "GOOGLE": "INTERNAL_ERROR",
    "TIKTOK": "50000",
    "LINKEDIN": "INTERNAL_SERVER_ERROR",
    "AMAZON": "INTERNAL_ERROR",
    "MICROSOFT": "0",
}
TOKEN_CODES = {
    "META": "190",
    "GOOGLE": "OAUTH_TOKEN_INVALID",
    "TIKTOK": "40105",
    "LINKEDIN": "INVALID_ACCESS_TOKEN",
    "AMAZON": "UNAUTHORIZED",
    "MICROSOFT": "105",
}
MINIMUM_CODES = {
    "META": "100/1885272",
    "GOOGLE": "BUDGET_BELOW_PER_DAY_MINIMUM",
    "TIKTOK": "40002",
    "LINKEDIN": "DAILY_BUDGET_BELOW_MINIMUM",
    "AMAZON": "rangeError/TOO_LOW",
    "MICROSOFT": "1106",
}
LIFETIME_CODES = {
    "META": "100",
    "GOOGLE": "CANNOT_UPDATE_BUDGET_PERIOD",
    "TIKTOK": "40002",
    "LINKEDIN": "DAILY_BUDGET_NOT_ALLOWED",
    "AMAZON": "entityStateError/CANNOT_UPDATE",
    "MICROSOFT": "1106",
}
#: These platforms count whole conversions.
WHOLE_CONVERSIONS = ("LINKEDIN", "AMAZON")


def campaigns_of(stand):
    return [found for found in demo_roster().campaigns if found.budget.account.external_id == stand.account]


async def ledger(control):
    return (await control.get("/control/ledger")).json()["effects"]


async def queue(control, stand, **fault):
    body = {"platform": stand.platform.platform.value, **fault}
    (await control.post("/control/faults", json=body)).raise_for_status()


async def first_budget(stand):
    return (await stand.platform.fetch_campaigns(stand.account))[0].budget_external_id


async def test_the_account_and_its_campaigns_are_the_roster_s(control, stand):
    specs = campaigns_of(stand)
    account = specs[0].budget.account
    found = await stand.platform.fetch_account(stand.account)
    assert astuple(found) == (account.external_id, account.name, account.currency_code, account.time_zone)
    campaigns = await stand.platform.fetch_campaigns(stand.account)
    assert [astuple(campaign) for campaign in campaigns] == [
        (
            spec.external_id,
            spec.name,
            CampaignStatus.ENABLED,
            spec.budget.external_id,
            BudgetType.DAILY,
            spec.budget.initial_micros,
        )
        for spec in specs
    ]


async def test_every_day_s_metrics_arrive_exactly_over_all_pages(control, stand):
    specs = campaigns_of(stand)
    since = stand.today - timedelta(days=119)
    found = await stand.platform.fetch_daily_metrics(stand.account, since, stand.today)
    days = [
        report_day(
            stand.seed,
            spec,
            day,
            steps=initial_steps(stand.seed, spec.budget, stand.today),
            start_day=stand.today,
            now_utc=stand.now,
        )
        for day in (since + timedelta(days=index) for index in range(120))
        for spec in specs
    ]
    told = [day for day in days if day is not None and day.impressions]
    if stand.platform.platform.value in WHOLE_CONVERSIONS:
        told = [replace(day, conversions=round(day.conversions)) for day in told]
    # The port's row and the world's row have the same fields in the same order.
    assert [astuple(row) for row in found] == [astuple(day) for day in told]
    assert len(found) > 200


async def test_a_budget_is_set_once_and_read_back_with_its_type(control, stand):
    budget = await first_budget(stand)
    before = (await stand.platform.read_budget(stand.account, budget)).daily_budget_micros
    receipt = await stand.platform.set_daily_budget(stand.account, budget, 123_450_000)
    after = await stand.platform.read_budget(stand.account, budget)
    assert astuple(after) == (budget, BudgetType.DAILY, 123_450_000)
    [effect] = await ledger(control)
    assert (effect["entity"], effect["account"], effect["platform"]) == (
        budget,
        stand.account,
        stand.platform.platform.value,
    )
    assert (effect["before_micros"], effect["after_micros"]) == (before, 123_450_000)
    assert (effect["request_id"], effect["source"], effect["unchanged"]) == (receipt.execution_id, "API", False)
    await stand.platform.set_daily_budget(stand.account, budget, 123_450_000)
    assert [row["unchanged"] for row in await ledger(control)] == [False, True]


async def test_what_somebody_changes_on_the_platform_is_read_back(control, stand):
    budget = await first_budget(stand)
    body = {
        "platform": stand.platform.platform.value,
        "account": stand.account,
        "entity": budget,
        "daily_budget_micros": 99_000_000,
    }
    assert (await control.post("/control/external-change", json=body)).status_code == 200
    assert (await stand.platform.read_budget(stand.account, budget)).daily_budget_micros == 99_000_000
    assert [row["source"] for row in await ledger(control)] == ["EXTERNAL"]


@pytest.mark.parametrize("operation", ["set_budget", "read"])
async def test_quota_faults_say_when_to_come_back(control, stand, operation):
    budget = await first_budget(stand)
    for code, platform_code, seconds in QUOTA_CODES[stand.platform.platform.value]:
        await queue(control, stand, operation=operation, kind="quota", code=code)
        sent = (
            stand.platform.read_budget(stand.account, budget)
            if operation == "read"
            else stand.platform.set_daily_budget(stand.account, budget, 123_450_000)
        )
        with pytest.raises(PlatformError) as caught:
            await sent
        error = caught.value
        assert (error.platform_code, error.retryable, error.outcome_known) == (platform_code, True, True)
        assert error.retry_after_seconds == seconds
        assert error.code == "PLATFORM_RETRYABLE"
    assert await ledger(control) == []


@pytest.mark.parametrize(
    ("kind", "codes", "retryable", "outcome_known", "effects"),
    [
        ("refuse", REFUSED_CODES, False, True, 0),
        ("server_error", SERVER_ERROR_CODES, True, False, 0),
        ("cut_before_apply", None, True, False, 0),
        ("cut_after_apply", None, True, False, 1),
    ],
)
async def test_a_write_s_fault_says_whether_its_outcome_is_known(
    control, stand, kind, codes, retryable, outcome_known, effects
):
    budget = await first_budget(stand)
    await queue(control, stand, operation="set_budget", kind=kind, count=1)
    with pytest.raises(PlatformError) as caught:
        await stand.platform.set_daily_budget(stand.account, budget, 123_450_000)
    assert (caught.value.retryable, caught.value.outcome_known) == (retryable, outcome_known)
    if codes is not None:
        assert caught.value.platform_code == codes[stand.platform.platform.value]
    assert len(await ledger(control)) == effects
    now = (await stand.platform.read_budget(stand.account, budget)).daily_budget_micros
    assert (now == 123_450_000) is (effects == 1)
    await stand.platform.set_daily_budget(stand.account, budget, 123_450_000)  # the fault is spent
    assert len(await ledger(control)) == effects + 1


async def test_a_cut_read_changed_nothing_and_may_be_tried_again(control, stand):
    await queue(control, stand, operation="read", kind="cut_before_apply", count=1)
    with pytest.raises(PlatformError) as caught:
        await stand.platform.fetch_campaigns(stand.account)
    assert (caught.value.retryable, caught.value.outcome_known) == (True, True)
    assert len(await stand.platform.fetch_campaigns(stand.account)) == len(campaigns_of(stand))


async def test_an_effect_may_land_after_its_caller_gave_up(control, stand):
    budget = await first_budget(stand)
    hasty = stand.hasty(0.3)
    await hasty.fetch_account(stand.account)
    await queue(control, stand, operation="set_budget", kind="slow", seconds=0.8)
    with pytest.raises(PlatformError) as caught:
        await hasty.set_daily_budget(stand.account, budget, 123_450_000)
    assert (caught.value.retryable, caught.value.outcome_known) == (True, False)
    assert await ledger(control) == []
    for _ in range(200):
        if await ledger(control):
            break
        await asyncio.sleep(0.05)
    assert [row["after_micros"] for row in await ledger(control)] == [123_450_000]


async def test_a_wrong_token_is_refused_and_changes_nothing(control, stand):
    budget = await first_budget(stand)
    with pytest.raises(PlatformError) as read:
        await stand.stranger.fetch_account(stand.account)
    with pytest.raises(PlatformError) as write:
        await stand.stranger.set_daily_budget(stand.account, budget, 123_450_000)
    code = TOKEN_CODES[stand.platform.platform.value]
    assert [(error.value.platform_code, error.value.retryable) for error in (read, write)] == [(code, False)] * 2
    assert await ledger(control) == []


async def test_the_smallest_budget_is_taken_and_a_step_less_is_refused(control, stand):
    budget = await first_budget(stand)
    account = await stand.platform.fetch_account(stand.account)
    least = limits(stand.platform.platform, account.currency_code)
    with pytest.raises(PlatformError) as caught:
        await stand.platform.set_daily_budget(stand.account, budget, least.min_daily_micros - least.step_micros)
    error = caught.value
    assert (error.platform_code, error.retryable, error.outcome_known) == (
        MINIMUM_CODES[stand.platform.platform.value],
        False,
        True,
    )
    assert await ledger(control) == []
    await stand.platform.set_daily_budget(stand.account, budget, least.min_daily_micros)
    assert [row["after_micros"] for row in await ledger(control)] == [least.min_daily_micros]


async def test_an_amount_finer_than_the_step_is_refused(control, stand):
    budget = await first_budget(stand)
    with pytest.raises(PlatformError) as caught:
        await stand.platform.set_daily_budget(stand.account, budget, 123_450_001)
    assert (caught.value.retryable, caught.value.outcome_known) == (False, True)
    assert await ledger(control) == []


async def test_another_account_s_budget_is_not_reached(control, stand):
    with pytest.raises(PlatformError) as caught:
        await stand.platform.set_daily_budget(stand.account, "999", 123_450_000)
    assert (caught.value.retryable, caught.value.outcome_known) == (False, True)
    assert await ledger(control) == []


async def test_a_changed_budget_moves_spend_from_the_next_day_on(control, stand):
    spec = campaigns_of(stand)[0]
    budget = spec.budget.external_id
    await control.post("/control/clock/advance", json={"days": 1})
    await stand.platform.set_daily_budget(stand.account, budget, 60_000_000)
    await control.post("/control/clock/advance", json={"days": 2})
    rows = await stand.platform.fetch_daily_metrics(stand.account, stand.today, stand.today + timedelta(days=2))
    spend = {row.day: row.spend_micros for row in rows if row.campaign_external_id == spec.external_id}
    cap = spec.demand_cap_micros or spec.budget.initial_micros
    assert 0.94 * min(cap, spec.budget.initial_micros) <= spend[stand.today] <= spec.budget.initial_micros
    assert 0.94 * 60_000_000 * spec.budget_share <= spend[stand.today + timedelta(days=2)] <= 60_000_000


async def test_a_paused_campaign_is_read_as_paused_and_spends_nothing(control, stand):
    first, *others = await stand.platform.fetch_campaigns(stand.account)
    body = {"platform": stand.platform.platform.value, "campaign": first.external_id, "paused": True}
    (await control.post("/control/pause", json=body)).raise_for_status()
    await control.post("/control/clock/advance", json={"days": 2})
    assert await stand.platform.fetch_campaigns(stand.account) == [
        replace(first, status=CampaignStatus.PAUSED),
        *others,
    ]
    tomorrow = stand.today + timedelta(days=1)
    rows = await stand.platform.fetch_daily_metrics(stand.account, tomorrow, tomorrow)
    assert {row.campaign_external_id for row in rows} == {each.external_id for each in others}


async def test_a_lifetime_budget_is_read_as_such_and_takes_no_daily_amount(control, stand):
    first, *others = await stand.platform.fetch_campaigns(stand.account)
    body = {
        "platform": stand.platform.platform.value,
        "account": stand.account,
        "entity": first.budget_external_id,
        "lifetime_budget_micros": 5_000_000_000,
    }
    (await control.post("/control/lifetime", json=body)).raise_for_status()
    assert await stand.platform.fetch_campaigns(stand.account) == [
        replace(first, budget_type=BudgetType.LIFETIME, daily_budget_micros=0),
        *others,
    ]
    budget = await stand.platform.read_budget(stand.account, first.budget_external_id)
    assert astuple(budget) == (first.budget_external_id, BudgetType.LIFETIME, 0)
    with pytest.raises(PlatformError) as caught:
        await stand.platform.set_daily_budget(stand.account, first.budget_external_id, 123_450_000)
    assert (caught.value.platform_code, caught.value.retryable, caught.value.outcome_known) == (
        LIFETIME_CODES[stand.platform.platform.value],
        False,
        True,
    )
    assert await ledger(control) == []


@pytest.mark.parametrize("stand", ["LINKEDIN", "AMAZON", "MICROSOFT"], indirect=True)
@pytest.mark.req("RB-F4")
async def test_a_spent_quota_comes_back_with_its_window(control, stand):
    option, window, code = {
        "LINKEDIN": ("linkedin_calls_per_day", 86_400, "TOO_MANY_REQUESTS"),
        "AMAZON": ("amazon_calls_per_second", 1, "THROTTLED"),
        "MICROSOFT": ("microsoft_calls_per_minute", 60, "117"),
    }[stand.platform.platform.value]
    budget = await first_budget(stand)
    await stand.platform.fetch_account(stand.account)
    await control.post("/control/options", json={option: 2})
    await control.post("/control/clock/advance", json={"seconds": window})
    for _ in range(2):
        await stand.platform.read_budget(stand.account, budget)
    for _ in range(2):
        with pytest.raises(PlatformError) as caught:
            await stand.platform.set_daily_budget(stand.account, budget, 123_450_000)
        error = caught.value
        assert (error.platform_code, error.retryable, error.outcome_known) == (code, True, True)
        assert error.retry_after_seconds is not None
        assert 0 < error.retry_after_seconds <= max(window, 2)
    assert await ledger(control) == []
    await control.post("/control/clock/advance", json={"seconds": window})
    await stand.platform.set_daily_budget(stand.account, budget, 123_450_000)
    assert len(await ledger(control)) == 1


@pytest.mark.parametrize("stand", ["AMAZON", "MICROSOFT"], indirect=True)
async def test_a_report_that_is_not_made_in_time_may_be_asked_for_again(control, stand):
    with pytest.raises(PlatformError) as caught:
        await stand.impatient().fetch_daily_metrics(stand.account, stand.today, stand.today)
    assert (caught.value.platform_code, caught.value.retryable, caught.value.outcome_known) == (
        "REPORT_NOT_READY",
        True,
        True,
    )
    # Amazon does not begin the same report twice: it names the one it still works on.
    rows = await stand.platform.fetch_daily_metrics(stand.account, stand.today, stand.today)
    assert len(rows) == len(campaigns_of(stand))
