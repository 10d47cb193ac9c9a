"""Shifts over GraphQL and through the same dispatch, on both databases: all arrives, or nothing moves."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from domain.adjustments import AdjustmentStatus
from domain.errors import InvalidTransition, PlatformError
from domain.notifications.notices import NoticeKind
from domain.shifts import Shift, ShiftStatus
from jobs.dispatch import sweep
from jobs.shifts import settle_all
from kit.pagination import Slice
from kit.time import FixedClock
from models import adjustments, log, shifts
from services import adjustments as cases
from services import emergency_stops, notifications, plans
from services.ports import Ports
from tests.conftest import House, viewer_of
from tests.graphql_client import execute, global_id
from tests.integration import meta_shop
from tests.integration.fake_platform import FakePlatform

REQUEST = """mutation ($from: ID!, $to: ID!, $amount: Decimal!, $reason: String!, $key: String!) {
  shiftRequest(fromCampaignId: $from, toCampaignId: $to, amount: $amount, reason: $reason, idempotencyKey: $key) {
    shift { id status amount { amount currency } reason requestedBy { name } fromCampaign { name } toCampaign { name }
            fromAdjustment { intendedBudget { amount } } toAdjustment { intendedBudget { amount } } }
    userErrors { code message } } }"""
LISTED = """query ($workspace: ID!) { shifts(workspaceId: $workspace, first: 5) { edges { node {
  id status flagReason endedAt } } } }"""


def amounts(meta: FakePlatform) -> list[int]:
    return meta_shop.amounts(meta)[:2]


async def request(ports: Ports, house: House, *, who: str = "reviewer_id", **changes: Any) -> Any:
    viewer = await viewer_of(ports, house, getattr(house, who))
    variables = {
        "from": global_id("Campaign", house.campaigns[0].id),
        "to": global_id("Campaign", house.campaigns[1].id),
        "amount": "12.50",
        "reason": "cheaper there",
        "key": "k",
        **changes,
    }
    return (await execute(ports, viewer, REQUEST, variables))["data"]["shiftRequest"]


async def work(ports: Ports) -> None:
    """The jobs, until neither finds anything to do."""
    while await settle_all(ports) + await sweep(ports, random.Random(1)):
        pass


async def only(ports: Ports, house: House) -> Shift:
    [found] = await shifts.shift_page(ports.database.read(house.tenant_id), house.workspace.id, Slice(5))
    return found


async def legs(ports: Ports, shift: Shift) -> list[AdjustmentStatus]:
    scope = ports.database.read(shift.tenant_id)
    return [
        (await adjustments.adjustment(scope, each)).status
        for each in (shift.from_adjustment_id, shift.to_adjustment_id)
    ]


def refusing(meta: FakePlatform, times: int = 1) -> None:
    """Let the platform refuse the second leg, whose write is the second one; later writes go through."""
    error = PlatformError("no such budget", platform_code="100", retryable=False, outcome_known=True)
    writes = 0

    async def refuse(name: str) -> None:
        nonlocal writes
        if name == "set_daily_budget":
            writes += 1
            if 2 <= writes < 2 + times:
                raise error

    meta.before_call = refuse


@pytest.mark.req("GO-05", "GO-07")
async def test_a_shift_reaches_the_other_campaign_and_keeps_why(ports: Ports, house: House, meta: FakePlatform) -> None:
    answer = await request(ports, house)
    assert answer["userErrors"] == []
    shift_id = answer["shift"].pop("id")
    assert answer["shift"] == {
        "status": "OPEN",
        "amount": {"amount": "12.50", "currency": "USD"},
        "reason": "cheaper there",
        "requestedBy": {"name": "Reviewer of acme"},
        "fromCampaign": {"name": "acme 0"},
        "toCampaign": {"name": "acme 1"},
        "fromAdjustment": {"intendedBudget": {"amount": "87.50"}},
        "toAdjustment": {"intendedBudget": {"amount": "112.50"}},
    }
    await work(ports)
    assert amounts(meta) == [87, 112]
    assert [call[2] for call in meta.calls_of("set_daily_budget")] == [87_500_000, 112_500_000]
    viewer = await viewer_of(ports, house, house.analyst_id)
    listed = await execute(ports, viewer, LISTED, {"workspace": global_id("Workspace", house.workspace.id)})
    [edge] = listed["data"]["shifts"]["edges"]
    assert (edge["node"]["id"], edge["node"]["status"], edge["node"]["flagReason"]) == (shift_id, "DONE", None)
    kinds = [e.entry.kind for e in await log.events_after(ports.database.read(house.tenant_id), 0, 1_000)]
    assert [kind for kind in kinds if kind.startswith("shift.")] == ["shift.requested", "shift.done"]
    # It is nobody's daily plan.
    ana = await viewer_of(ports, house, house.owner_id)
    newest = await plans.newest(ports, ana, house.workspace.id)
    assert newest is not None
    assert newest.id == house.plan.id


@pytest.mark.req("GO-05")
async def test_when_the_increase_fails_the_decrease_is_put_back(ports: Ports, house: House, meta: FakePlatform) -> None:
    await request(ports, house)
    refusing(meta)
    await work(ports)
    shift = await only(ports, house)
    assert shift.status is ShiftStatus.NOT_MOVED
    assert await legs(ports, shift) == [AdjustmentStatus.REVERTED, AdjustmentStatus.FAILED]
    assert amounts(meta) == [100, 100]


@pytest.mark.req("GO-05")
async def test_when_the_decrease_fails_the_increase_is_never_sent(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    await request(ports, house)
    meta.failures["set_daily_budget"] = [PlatformError("no", platform_code="100", outcome_known=True)]
    await work(ports)
    shift = await only(ports, house)
    assert (shift.status, await legs(ports, shift)) == (ShiftStatus.NOT_MOVED, [AdjustmentStatus.FAILED] * 2)
    assert len(meta.calls_of("set_daily_budget")) == 1
    assert amounts(meta) == [100, 100]


@pytest.mark.req("GO-05")
async def test_a_leg_of_a_shift_that_ended_is_not_sent_again_alone(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    await request(ports, house)
    meta.failures["set_daily_budget"] = [PlatformError("no", platform_code="100", outcome_known=True)]
    await work(ports)
    shift = await only(ports, house)
    leg = await adjustments.adjustment(ports.database.read(house.tenant_id), shift.from_adjustment_id)
    ana = await viewer_of(ports, house, house.owner_id)
    with pytest.raises(InvalidTransition, match="a shift that has ended"):
        await cases.retry(ports, ana, leg.id, leg.version, "again")
    await work(ports)
    assert (await only(ports, house), amounts(meta)) == (shift, [100, 100])


@pytest.mark.req("GO-05")
async def test_what_cannot_be_put_back_is_flagged_with_an_alert_until_a_person_settles_it(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    await request(ports, house)
    refusing(meta, times=2)
    await work(ports)
    shift = await only(ports, house)
    assert (shift.status, shift.ended_at_utc) == (ShiftStatus.FLAGGED, None)
    assert "could not be put back" in (shift.flag_reason or "")
    await notifications.follow_log(ports, house.tenant_id)
    ana = await viewer_of(ports, house, house.owner_id)
    told = await notifications.page(ports, ana, house.workspace.id, Slice(20))
    [notice] = [each for each in told if each.kind is NoticeKind.SHIFT_UNSETTLED]
    assert notice.alert_id is not None
    # The restoring change is sent again by hand; the shift settles by itself.
    scope = ports.database.read(house.tenant_id)
    source = await adjustments.adjustment(scope, shift.from_adjustment_id)
    assert source.restored_by_id is not None
    back = await adjustments.adjustment(scope, source.restored_by_id)
    await cases.retry(ports, ana, back.id, back.version, "again")
    await work(ports)
    assert (await only(ports, house)).status is ShiftStatus.NOT_MOVED
    assert amounts(meta) == [100, 100]


@pytest.mark.req("GO-05")
async def test_an_increase_that_waits_too_long_is_flagged_and_may_still_arrive(
    ports: Ports, house: House, meta: FakePlatform, clock: FixedClock
) -> None:
    await request(ports, house)
    busy = PlatformError("busy", platform_code="2", retryable=True, outcome_known=True)
    writes = 0

    async def refuse(name: str) -> None:
        nonlocal writes
        writes += name == "set_daily_budget"
        if name == "set_daily_budget" and writes in {2, 3}:
            raise busy

    meta.before_call = refuse
    await work(ports)
    clock.advance(timedelta(seconds=46))
    await settle_all(ports)
    assert (await only(ports, house)).status is ShiftStatus.FLAGGED
    clock.advance(timedelta(minutes=6))
    await work(ports)
    clock.advance(timedelta(minutes=6))
    await work(ports)
    shift = await only(ports, house)
    assert (shift.status, shift.flag_reason is not None) == (ShiftStatus.DONE, True)
    assert amounts(meta) == [87, 112]


@pytest.mark.req("GO-05", "GO-15")
async def test_many_settlers_at_once_put_back_once(ports: Ports, house: House, meta: FakePlatform) -> None:
    await request(ports, house)
    refusing(meta)
    await sweep(ports, random.Random(1))
    await asyncio.gather(*(settle_all(ports) for _ in range(8)))
    scope = ports.database.read(house.tenant_id)
    shift = await only(ports, house)
    assert shift.status is ShiftStatus.RESTORING
    assert len(await adjustments.plan_adjustments(scope, shift.plan_id)) == 3
    await work(ports)
    assert amounts(meta) == [100, 100]


async def test_an_emergency_stop_between_the_legs_puts_the_first_back(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    await request(ports, house)

    async def stop(name: str) -> None:
        if name == "set_daily_budget":
            meta.before_call = None
            ana = await viewer_of(ports, house, house.owner_id)
            await emergency_stops.start(ports, ana, house.workspace.id, "now", 0, "stop")

    meta.before_call = stop
    await work(ports)
    shift = await only(ports, house)
    assert (shift.status, amounts(meta)) == (ShiftStatus.NOT_MOVED, [100, 100])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": "99.50"}, "INVALID_INPUT"),
        ({"amount": "0"}, "INVALID_INPUT"),
        ({"amount": "-3"}, "INVALID_INPUT"),
        ({"reason": " "}, "INVALID_INPUT"),
        ({"who": "analyst_id"}, "FORBIDDEN"),
    ],
)
async def test_what_must_not_be_shifted_is_refused_and_leaves_nothing(
    ports: Ports, house: House, meta: FakePlatform, changes: dict[str, Any], code: str
) -> None:
    answer = await request(ports, house, **changes)
    assert [each["code"] for each in answer["userErrors"]] == [code]
    assert await shifts.shift_page(ports.database.read(house.tenant_id), house.workspace.id, Slice(5)) == []
    assert await sweep(ports, random.Random(1)) == 0


async def test_a_budget_with_a_change_on_its_way_is_left_alone_and_a_key_replays(
    ports: Ports, house: House, meta: FakePlatform
) -> None:
    first = await request(ports, house)
    assert await request(ports, house) == first
    second = await request(ports, house, key="other")
    assert second["userErrors"][0]["code"] == "INVALID_TRANSITION"
