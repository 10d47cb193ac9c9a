"""Deciding recommendations against both databases: who wins, what it leaves, what a refusal leaves."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.adjustments import AdjustmentStatus
from domain.errors import Forbidden, IdempotencyMismatch, InvalidTransition, NotFound, PlanUnfunded, VersionConflict
from domain.recommendations import Recommendation, RecommendationStatus
from kit.time import FixedClock
from models import adjustments, log, plans, recommendations
from schema.base import global_id
from schema.lazy import reads
from schema.recommendations import Recommendation as RecommendationView
from services import recommendations as service
from services.logs import anchor_heads, verify
from services.ports import Ports
from tests.conftest import NOON, House, viewer_of
from tests.graphql_client import execute


@pytest.mark.req("RB-1.2", "RB-F5", "RB-K1")
async def test_an_approval_queues_its_adjustment_in_the_same_transaction(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    cut = house.recommendations[0]

    decided = await service.approve(ports, ana, cut.id, 1, "k1")

    scope = ports.database.read(house.tenant_id)
    stored = await recommendations.recommendation(scope, cut.id)
    assert stored == decided.recommendation
    assert (stored.status, stored.version, stored.decided_by_id) == (
        RecommendationStatus.APPROVED,
        2,
        str(house.owner_id),
    )
    queued = await adjustments.plan_adjustments(scope, house.plan.id)
    assert queued == [decided.adjustment]
    assert (queued[0].status, queued[0].intended_micros) == (AdjustmentStatus.PENDING, 90_000_000)
    events = await log.events_after(scope, 0, 10)
    assert [(e.entry.sequence, e.entry.kind, e.entry.actor_id) for e in events] == [
        (1, "adjustment.queued", str(house.owner_id)),
        (2, "recommendation.approved", str(house.owner_id)),
    ]
    assert events[1].after is not None
    assert (events[1].after["version"], events[1].entry.at_utc) == (2, NOON)
    others = await recommendations.open_recommendations(scope, house.workspace.id)
    assert {r.id for r in others} == {r.id for r in house.recommendations[1:]}


@pytest.mark.req("RB-E3")
async def test_the_loser_of_a_race_learns_who_won_and_changes_nothing(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    ben = await viewer_of(ports, house, house.reviewer_id)
    cut = house.recommendations[0]

    results = await asyncio.gather(
        service.approve(ports, ana, cut.id, 1, "a"),
        service.reject(ports, ben, cut.id, 1, "no", "b"),
        return_exceptions=True,
    )

    lost = [r for r in results if isinstance(r, VersionConflict)]
    won = [r for r in results if isinstance(r, service.Decided)]
    assert (len(lost), len(won)) == (1, 1)
    assert lost[0].changed_by_id == won[0].recommendation.decided_by_id
    assert (lost[0].current_version, lost[0].changed_at_utc) == (2, NOON)
    scope = ports.database.read(house.tenant_id)
    sequence, _ = await log.head(scope)
    assert sequence == (2 if won[0].adjustment else 1)


async def test_increases_cannot_be_approved_without_their_decreases(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    small_cut, big_cut, small_rise, big_rise = house.recommendations

    with pytest.raises(PlanUnfunded) as refused:
        await service.approve(ports, ana, big_rise.id, 1, "1")
    assert refused.value.shortfall_micros == 25_000_000
    assert (await recommendations.recommendation(ports.database.read(house.tenant_id), big_rise.id)).version == 1
    assert (await log.head(ports.database.read(house.tenant_id)))[0] == 0

    await service.approve(ports, ana, big_cut.id, 1, "2")
    await service.approve(ports, ana, small_rise.id, 1, "3")
    with pytest.raises(PlanUnfunded) as refused:
        await service.approve(ports, ana, big_rise.id, 1, "4")
    assert refused.value.shortfall_micros == 10_000_000
    await service.approve(ports, ana, small_cut.id, 1, "5")
    await service.approve(ports, ana, big_rise.id, 1, "6")
    plan = await plans.plan(ports.database.read(house.tenant_id), house.plan.id)
    assert (plan.approved_increase_micros, plan.approved_decrease_micros) == (30_000_000, 30_000_000)


async def test_a_batch_that_is_funded_as_a_whole_goes_through_in_any_order(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    items = [
        service.Decision(r.id, 1, service.Choice.APPROVE, None, str(n))
        for n, r in enumerate(reversed(house.recommendations))
    ]
    results = await service.decide(ports, ana, items)
    assert all(isinstance(r, service.Decided) for r in results)
    assert [r.recommendation.id for r in results if isinstance(r, service.Decided)] == [
        i.recommendation_id for i in items
    ]


async def test_one_key_fifty_times_at_once_is_one_effect_and_then_refuses_other_arguments(
    ports: Ports, house: House
) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    cut, other = house.recommendations[:2]

    answers = await asyncio.gather(*(service.approve(ports, ana, cut.id, 1, "same") for _ in range(50)))

    assert all(answer == answers[0] for answer in answers)
    scope = ports.database.read(house.tenant_id)
    assert len(await adjustments.plan_adjustments(scope, house.plan.id)) == 1
    assert (await log.head(scope))[0] == 2
    with pytest.raises(IdempotencyMismatch):
        await service.approve(ports, ana, other.id, 1, "same")


@pytest.mark.req("FR-PLT-003")
async def test_approving_takes_campaign_write_and_the_reviewer_role(ports: Ports, house: House) -> None:
    cleo = await viewer_of(ports, house, house.analyst_id)
    with pytest.raises(Forbidden):
        await service.approve(ports, cleo, house.recommendations[0].id, 1, "k")
    assert (await log.head(ports.database.read(house.tenant_id)))[0] == 0


@pytest.mark.req("FR-PLT-001")
async def test_another_tenants_recommendation_answers_as_not_found(
    ports: Ports, house: House, other_house: House
) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    for unknown in (other_house.recommendations[0].id, uuid4()):
        with pytest.raises(NotFound, match=r"^no such recommendation$"):
            await service.approve(ports, ana, unknown, 1, "k")


@pytest.mark.req("FR-PLT-005")
async def test_the_chain_of_what_happened_verifies_against_its_anchor(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    for n, each in enumerate(house.recommendations):
        await service.reject(ports, ana, each.id, 1, "no", str(n))
    assert await anchor_heads(ports) == 1
    assert await anchor_heads(ports) == 0
    assert await verify(ports, house.tenant_id) == []


APPROVE = """mutation ($id: ID!, $v: Int!, $key: String!) {
  recommendationApprove(id: $id, expectedVersion: $v, idempotencyKey: $key) {
    recommendation { id version status decidedBy { kind name } adjustment { status } }
    adjustment { status intendedBudget { amount currency } autoApproved approvedBy { name } }
    userErrors { __typename field message code
      ... on RecommendationVersionConflict { current { version status } changedBy { name } changedAt }
      ... on PlanUnfunded { shortfall { amount currency } } } } }"""

EDIT = """mutation ($id: ID!, $v: Int!, $change: BudgetChangeInput!, $key: String!) {
  recommendationEdit(id: $id, expectedVersion: $v, change: $change, idempotencyKey: $key) {
    recommendation { version status proposedBudget { amount } suggestedBudget { amount } delta { amount } }
    userErrors { field code message } } }"""

REJECT = """mutation ($id: ID!, $v: Int!, $reason: String!, $key: String!) {
  recommendationReject(id: $id, expectedVersion: $v, reason: $reason, idempotencyKey: $key) {
    recommendation { version status decisionReason } adjustment { id } userErrors { field code message } } }"""


def gid(value: Recommendation) -> str:
    return str(global_id("Recommendation", value.id))


@pytest.mark.req("RB-F2", "RB-E3")
async def test_the_loser_is_told_over_graphql_who_won_and_what_it_is_now(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    ben = await viewer_of(ports, house, house.reviewer_id)
    cut = house.recommendations[0]
    won = await execute(ports, ana, APPROVE, {"id": gid(cut), "v": 1, "key": "a"})
    assert won == {
        "data": {
            "recommendationApprove": {
                "recommendation": {
                    "id": gid(cut),
                    "version": 2,
                    "status": "APPROVED",
                    "decidedBy": {"kind": "MEMBER", "name": "Owner of acme"},
                    "adjustment": {"status": "PENDING"},
                },
                "adjustment": {
                    "status": "PENDING",
                    "intendedBudget": {"amount": "90.00", "currency": "USD"},
                    "autoApproved": False,
                    "approvedBy": {"name": "Owner of acme"},
                },
                "userErrors": [],
            }
        }
    }
    lost = await execute(ports, ben, APPROVE, {"id": gid(cut), "v": 1, "key": "b"})
    assert lost == {
        "data": {
            "recommendationApprove": {
                "recommendation": None,
                "adjustment": None,
                "userErrors": [
                    {
                        "__typename": "RecommendationVersionConflict",
                        "field": ["expectedVersion"],
                        "message": "somebody else changed this recommendation first",
                        "code": "VERSION_CONFLICT",
                        "current": {"version": 2, "status": "APPROVED"},
                        "changedBy": {"name": "Owner of acme"},
                        "changedAt": "2026-03-10T12:00:00.000000Z",
                    }
                ],
            }
        }
    }


@pytest.mark.req("RB-F2")
@pytest.mark.parametrize(
    ("change", "proposed", "delta"),
    [({"percent": "-15"}, "85.00", "-15.00"), ({"dailyBudget": "92.505"}, "92.51", "-7.49")],
)
async def test_an_edit_by_percentage_or_amount_still_needs_review_and_is_what_gets_sent(
    ports: Ports, house: House, change: dict[str, str], proposed: str, delta: str
) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    cut = house.recommendations[0]
    edited = await execute(ports, ana, EDIT, {"id": gid(cut), "v": 1, "change": change, "key": "e"})
    assert edited["data"]["recommendationEdit"] == {
        "recommendation": {
            "version": 2,
            "status": "NEEDS_REVIEW",
            "proposedBudget": {"amount": proposed},
            "suggestedBudget": {"amount": "90.00"},
            "delta": {"amount": delta},
        },
        "userErrors": [],
    }
    approved = await execute(ports, ana, APPROVE, {"id": gid(cut), "v": 2, "key": "a"})
    assert approved["data"]["recommendationApprove"]["adjustment"]["intendedBudget"]["amount"] == proposed


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"percent": "-100"}, ["change", "percent"]),
        ({"percent": "1000.01"}, ["change", "percent"]),
        ({"dailyBudget": "0.50"}, ["change"]),
        ({"dailyBudget": "100"}, ["change"]),
        ({"dailyBudget": "1.0000001"}, ["change", "dailyBudget"]),
        ({"dailyBudget": "NaN"}, ["change", "dailyBudget"]),
        ({"percent": "NaN"}, ["change", "percent"]),
        ({"dailyBudget": "1e30"}, ["change", "dailyBudget"]),
        ({"dailyBudget": "1e999999"}, ["change", "dailyBudget"]),
        ({"dailyBudget": "2000000000"}, ["change"]),
    ],
)
async def test_an_edit_that_makes_no_sense_is_refused_by_its_field_and_changes_nothing(
    ports: Ports, house: House, change: dict[str, str], field: list[str]
) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    cut = house.recommendations[0]
    refused = await execute(ports, ana, EDIT, {"id": gid(cut), "v": 1, "change": change, "key": "e"})
    errors = refused["data"]["recommendationEdit"]["userErrors"]
    assert [(error["field"], error["code"]) for error in errors] == [(field, "INVALID_INPUT")]
    assert await recommendations.recommendation(ports.database.read(house.tenant_id), cut.id) == cut
    assert (await log.head(ports.database.read(house.tenant_id)))[0] == 0


@pytest.mark.req("RB-F2", "RB-1.3")
async def test_a_rejection_archives_its_reason_and_needs_one(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    cut = house.recommendations[0]
    refused = await execute(ports, ana, REJECT, {"id": gid(cut), "v": 1, "reason": "  ", "key": "r"})
    assert refused["data"]["recommendationReject"]["userErrors"][0]["field"] == ["reason"]
    done = await execute(ports, ana, REJECT, {"id": gid(cut), "v": 1, "reason": " seasonal ", "key": "r"})
    assert done["data"]["recommendationReject"] == {
        "recommendation": {"version": 2, "status": "REJECTED", "decisionReason": "seasonal"},
        "adjustment": None,
        "userErrors": [],
    }


async def test_an_increase_nobody_paid_for_says_what_is_missing(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    rise = house.recommendations[3]
    refused = await execute(ports, ana, APPROVE, {"id": gid(rise), "v": 1, "key": "a"})
    error = refused["data"]["recommendationApprove"]["userErrors"][0]
    assert (error["__typename"], error["code"], error["shortfall"]) == (
        "PlanUnfunded", "PLAN_UNFUNDED", {"amount": "25.00", "currency": "USD"},
    )  # fmt: skip


async def test_what_nobody_decided_in_time_expires(ports: Ports, house: House, clock: FixedClock) -> None:
    assert await service.expire_due(ports, house.tenant_id, house.workspace.id) == 0
    clock.advance(timedelta(days=1))
    assert await service.expire_due(ports, house.tenant_id, house.workspace.id) == 4
    ana = await viewer_of(ports, house, house.owner_id)
    with pytest.raises(VersionConflict):
        await service.approve(ports, ana, house.recommendations[0].id, 1, "late")
    with pytest.raises(InvalidTransition):
        await service.approve(ports, ana, house.recommendations[0].id, 2, "later")


async def test_each_field_of_a_list_alone_is_what_it_is_among_all(ports: Ports, house: House) -> None:
    """A list reads only the columns of what is selected: a field must not depend on what else is."""
    ana = await viewer_of(ports, house, house.owner_id)
    await service.approve(ports, ana, house.recommendations[0].id, 1, "k1")
    below = {
        **dict.fromkeys(("currentBudget", "suggestedBudget", "proposedBudget"), "{ amount currency }"),
        **dict.fromkeys(("delta", "expectedRevenueChange"), "{ amount currency }"),
        **dict.fromkeys(("campaign", "plan", "adjustment", "decidedBy"), "{ id }"),
        "needsReviewBecause": "{ guardrail limit }",
        "presences": "{ mode }",
    }
    names = [f"{each} {below.get(each, '')}".strip() for each in reads(RecommendationView)]
    workspace_id = global_id("Workspace", house.workspace.id)

    async def ask(selection: str, fragment: str = "") -> list[Any]:
        document = f"query ($ws: ID!) {{ recommendations(workspaceId: $ws, first: 10) {{ {selection} }} }} {fragment}"
        answer = await execute(ports, ana, document, {"ws": workspace_id})
        assert "errors" not in answer, answer
        page = answer["data"]["recommendations"]
        return page["nodes"] if "nodes" in page else [edge["node"] for edge in page["edges"]]

    whole = await ask(f"nodes {{ {' '.join(names)} }}")
    assert len(whole) == len(house.recommendations)
    for name, selection in zip(reads(RecommendationView), names, strict=True):
        expected = [{name: each[name]} for each in whole]
        assert await ask(f"nodes {{ {selection} }}") == expected, name
    fragment = "fragment Some on Recommendation { id ... on Node { id } delta { amount } }"
    fragments = await ask("edges { ... { node { ...Some } } }", fragment)
    assert fragments == [{"id": each["id"], "delta": {"amount": each["delta"]["amount"]}} for each in whole]
