"""Campaigns paused and set running through every adapter against the sandbox: once, read back, and what it costs."""

from datetime import timedelta

import pytest

from domain.errors import PlatformError
from domain.platforms import CampaignStatus


async def first_campaign(stand):
    return (await stand.platform.fetch_campaigns(stand.account))[0].external_id


async def statuses(control):
    return (await control.get("/control/statuses")).json()["statuses"]


async def queue(control, stand, **fault):
    body = {"platform": stand.platform.platform.value, "operation": "set_status", **fault}
    (await control.post("/control/faults", json=body)).raise_for_status()


async def test_a_campaign_is_paused_read_back_and_set_running_again(control, stand):
    campaign = await first_campaign(stand)
    assert await stand.platform.read_campaign_status(stand.account, campaign) is CampaignStatus.ENABLED
    paused = await stand.platform.set_campaign_status(stand.account, campaign, CampaignStatus.PAUSED)
    assert await stand.platform.read_campaign_status(stand.account, campaign) is CampaignStatus.PAUSED
    listed = {row.external_id: row.status for row in await stand.platform.fetch_campaigns(stand.account)}
    assert [each for each, status in listed.items() if status is CampaignStatus.PAUSED] == [campaign]
    running = await stand.platform.set_campaign_status(stand.account, campaign, CampaignStatus.ENABLED)
    assert await stand.platform.read_campaign_status(stand.account, campaign) is CampaignStatus.ENABLED
    found = [
        (row["platform"], row["campaign"], row["paused"], row["request_id"], row["source"])
        for row in await statuses(control)
    ]
    name = stand.platform.platform.value
    assert found == [
        (name, campaign, True, paused.execution_id, "API"),
        (name, campaign, False, running.execution_id, "API"),
    ]
    assert "" not in (paused.execution_id, running.execution_id)
    assert (await control.get("/control/ledger")).json()["effects"] == []


async def test_a_campaign_paused_by_a_request_spends_nothing_from_then_on(control, stand):
    campaign = await first_campaign(stand)
    await stand.platform.set_campaign_status(stand.account, campaign, CampaignStatus.PAUSED)
    (await control.post("/control/clock/advance", json={"days": 2})).raise_for_status()
    tomorrow = stand.today + timedelta(days=1)
    rows = await stand.platform.fetch_daily_metrics(stand.account, tomorrow, tomorrow)
    others = {row.external_id for row in await stand.platform.fetch_campaigns(stand.account)} - {campaign}
    assert {row.campaign_external_id for row in rows} == others
    assert all(row.spend_micros > 0 for row in rows)


@pytest.mark.parametrize(
    ("kind", "retryable", "outcome_known", "effects"),
    [
        ("quota", True, True, 0),
        ("refuse", False, True, 0),
        ("server_error", True, False, 0),
        ("cut_before_apply", True, False, 0),
        ("cut_after_apply", True, False, 1),
    ],
)
async def test_a_fault_says_whether_the_outcome_is_known(control, stand, kind, retryable, outcome_known, effects):
    campaign = await first_campaign(stand)
    await queue(control, stand, kind=kind)
    with pytest.raises(PlatformError) as caught:
        await stand.platform.set_campaign_status(stand.account, campaign, CampaignStatus.PAUSED)
    assert (caught.value.retryable, caught.value.outcome_known) == (retryable, outcome_known)
    assert len(await statuses(control)) == effects
    now = await stand.platform.read_campaign_status(stand.account, campaign)
    assert now is (CampaignStatus.PAUSED if effects else CampaignStatus.ENABLED)


async def test_a_status_s_fault_leaves_budgets_alone(control, stand):
    found = (await stand.platform.fetch_campaigns(stand.account))[0]
    await queue(control, stand, kind="refuse")
    await stand.platform.set_daily_budget(stand.account, found.budget_external_id, 123_450_000)
    with pytest.raises(PlatformError):
        await stand.platform.set_campaign_status(stand.account, found.external_id, CampaignStatus.PAUSED)
    assert await statuses(control) == []


async def test_strangers_and_unknown_campaigns_change_nothing(control, stand):
    campaign = await first_campaign(stand)
    with pytest.raises(PlatformError) as stranger:
        await stand.stranger.set_campaign_status(stand.account, campaign, CampaignStatus.PAUSED)
    with pytest.raises(PlatformError) as unknown:
        await stand.platform.set_campaign_status(stand.account, "999", CampaignStatus.PAUSED)
    with pytest.raises(PlatformError) as unread:
        await stand.platform.read_campaign_status(stand.account, "999")
    assert [each.value.retryable for each in (stranger, unknown, unread)] == [False] * 3
    assert [each.value.outcome_known for each in (stranger, unknown, unread)] == [True] * 3
    assert await statuses(control) == []


async def test_what_somebody_pauses_on_the_platform_is_read(control, stand):
    campaign = await first_campaign(stand)
    body = {"platform": stand.platform.platform.value, "campaign": campaign, "paused": True}
    (await control.post("/control/pause", json=body)).raise_for_status()
    assert await stand.platform.read_campaign_status(stand.account, campaign) is CampaignStatus.PAUSED
    assert [row["source"] for row in await statuses(control)] == ["EXTERNAL"]
