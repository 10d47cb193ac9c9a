"""Every root field of the schema, asked with another tenant's ids: the same answer as for ids that do not exist.

Generated from the schema. Each field has a row that says how to call it; a field without a row fails, so nobody can add
one unchecked. Ids are taken from arguments of type ID wherever they stand, also in lists and input objects.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLSchema
from tortoise import Tortoise

from app.graphql import build_schema
from app.graphql_transport import GraphQLEngine, TransportLimits
from app.graphql_transport.engine import SubscriptionRefusedError
from app.graphql_transport.requests import GraphQLRequest
from domain.access import Permission
from domain.adjustments import Adjustment
from domain.campaigns import CampaignDay
from domain.connections import Tokens
from domain.emergency_stops import EmergencyStop
from domain.guardrails import HardLimits, Scope, ScopeKind, Settings
from domain.log import Actor, ActorKind
from domain.platforms import CampaignStatus, Platform
from domain.presences import PresenceMode
from domain.recommendations import Recommendation
from domain.shifts import Shift, ShiftStatus
from domain.status_changes import StatusChange, StatusChangeState
from kit.ids import new_id
from kit.pagination import Slice
from kit.time import SystemClock
from models import (
    adjustments,
    campaigns,
    daily_metrics,
    emergency_stops,
    members,
    recommendations,
    shifts,
    status_changes,
)
from realtime.hints import Hints
from realtime.relay import Relay
from schema.base import global_id
from services import api_keys, connections, documents, guardrails, notifications, presences
from services import recommendations as decisions
from services.ports import Ports
from services.unit_of_work import begin
from services.viewers import Viewer, look_up
from tests import schema_walk
from tests.conftest import NOON, House, principal_of, viewer_of
from tests.graphql_client import context_of, execute
from tests.integration.fake_platform import FakePlatform
from tests.integration.isolation_rows import PASSWORD, ROWS


@lru_cache(maxsize=1)
def engine() -> GraphQLEngine:
    """The schema behind limits that let the generated selections through."""
    wide = TransportLimits(
        depth=50, aliases=5_000, selections=50_000, tokens=100_000, nodes=1_000_000, cost=9_000_000, root_fields=50
    )
    return GraphQLEngine(build_schema(), wide, production=False, clock=SystemClock())


def graphql_schema() -> GraphQLSchema:
    return engine()._schema


FIELDS = schema_walk.root_fields(build_schema()._schema)
WITH_IDS = sorted(name for name, (_, field) in FIELDS.items() if schema_walk.id_paths(field))
CALLS = [name for name in sorted(FIELDS) if FIELDS[name][0] != "subscription"]
STREAMS = [name for name in sorted(FIELDS) if FIELDS[name][0] == "subscription"]


# --- the table is complete --------------------------------------------------------------------------------------------


def _unknown(_type_name: str) -> str:
    return "an id"


@pytest.mark.req("FR-PLT-001")
@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_root_field_has_a_row_that_fills_all_its_ids(name: str) -> None:
    if name not in ROWS:
        pytest.fail(
            f"{name} is not checked for leaks: add a row to isolation_rows.py that calls it, with an id of the right "
            "type in each of its ID arguments"
        )
    wanted = schema_walk.id_paths(FIELDS[name][1])
    assert schema_walk.given_paths(ROWS[name].arguments(_unknown), wanted) == wanted, f"{name} leaves an id out"


def test_no_row_is_for_a_field_that_is_gone() -> None:
    assert set(ROWS) - set(FIELDS) == set()


def test_ids_are_found_wherever_they_stand() -> None:
    paths = {name: schema_walk.id_paths(FIELDS[name][1]) for name in ("query.nodes", "mutation.recommendationsDecide")}
    assert paths == {"query.nodes": {("ids", "*")}, "mutation.recommendationsDecide": {("decisions", "*", "id")}}
    both = {"query.events": {("workspaceId",), ("subjectId",)}}
    assert schema_walk.id_paths(FIELDS["query.events"][1]) == both["query.events"]


# --- two tenants, each with one of everything -------------------------------------------------------------------------


@dataclass(frozen=True)
class Furnished:
    """A house with something of every type, and the ids of these by type name."""

    house: House
    member: Viewer
    tenant_wide: Viewer
    ids: Mapping[str, str]

    def id_of(self, type_name: str) -> str:
        return self.ids[type_name]


async def tell(ports: Ports, house: House, kind: str, subject: Adjustment | Recommendation) -> None:
    """Let something happen that people are told of."""
    async with begin(ports, house.tenant_id, Actor(ActorKind.SYSTEM, "test")) as work:
        work.record(kind, kind.split(".", maxsplit=1)[0], None, subject)
    await notifications.follow_log(ports, house.tenant_id)


async def furnish_status_change(ports: Ports, house: House) -> StatusChange:
    """A settled one: what is on its way would stand before what the other rows do."""
    change = StatusChange(
        new_id(), house.tenant_id, house.workspace.id, house.account.id, house.campaigns[0].id,
        StatusChangeState.FAILED, 2, CampaignStatus.ENABLED, CampaignStatus.PAUSED, "why", ActorKind.MEMBER,
        str(house.owner_id), NOON, 1, NOON,
    )  # fmt: skip
    async with ports.database.write(house.tenant_id) as scope:
        await status_changes.add_status_change(scope, change)
    return change


async def furnish(ports: Ports, house: House) -> Furnished:
    """A failed adjustment, an API key, somebody at a recommendation, a day of metrics, and an owner of the tenant."""
    ana = await viewer_of(ports, house, house.owner_id)
    decided = await decisions.approve(ports, ana, house.recommendations[0].id, 1, "furnish")
    assert decided.adjustment is not None
    chief = new_id()
    password_hash = await ports.passwords.hash_soon(PASSWORD)
    day = CampaignDay(new_id(), house.campaigns[0].id, NOON.date(), 1, 1, 1, 5_000_000, 9_000_000, None, 1)  # type: ignore[arg-type]
    shift = Shift(
        new_id(), house.tenant_id, house.workspace.id, 1, ShiftStatus.DONE, house.plan.id, house.campaigns[0].id,
        house.campaigns[1].id, new_id(), new_id(), 1, "USD", "why", ana.actor.id, NOON,
    )  # fmt: skip
    # Lifted: one in force would stop what the other rows do.
    stop = EmergencyStop(
        new_id(), house.tenant_id, house.workspace.id, 2, "why", 0, ana.actor.kind, ana.actor.id, NOON, ana.actor.id,
        NOON, NOON,
    )  # fmt: skip
    async with ports.database.write(house.tenant_id) as scope:
        await emergency_stops.add_emergency_stop(scope, stop)
        await shifts.add_shift(scope, shift)
        await adjustments.fail_pending(scope, decided.adjustment.id, "X", "it failed")
        await daily_metrics.replace_days(scope, [day])
        await members.add_user(scope, chief, f"chief@{house.workspace.name}.test", "Chief", password_hash, NOON)
        await members.add_membership(scope, None, chief, ("owner", "reviewer"))
    key = await api_keys.create(ports, ana, house.workspace.id, "key", [Permission.CAMPAIGN_READ], None)
    document = await documents.register(ports, ana, house.workspace.id, "list", "{ viewer { name } }")
    cap = Settings(limits=HardLimits(max_daily_micros=500_000_000))
    guardrail = await guardrails.set_(ports, ana, house.workspace.id, Scope(ScopeKind.WORKSPACE), cap, None, "cap")
    await presences.come(ports, ana, house.recommendations[1].id, PresenceMode.VIEWING)
    await tell(ports, house, "adjustment.failed", decided.adjustment)
    [told] = await notifications.page(ports, ana, house.workspace.id, Slice(1))
    ports.platforms[Platform.META] = FakePlatform()  # type: ignore[index]  # the fixture's is a dictionary
    tokens = Tokens("access", "refresh", None)
    place = house.tenant_id, house.workspace.id, Platform.META
    status_change = await furnish_status_change(ports, house)
    grant = await connections.keep(ports, *place, tokens, Actor(ActorKind.MEMBER, str(house.owner_id)))
    cleo = await viewer_of(ports, house, house.analyst_id)
    assert cleo.standing.member_id is not None
    found = {
        "Tenant": house.tenant_id,
        "Workspace": house.workspace.id,
        "AdAccount": house.account.id,
        "Campaign": house.campaigns[0].id,
        "Budget": house.budgets[0].id,
        "Plan": house.plan.id,
        "Recommendation": house.recommendations[1].id,
        "Adjustment": decided.adjustment.id,
        "Member": cleo.standing.member_id,
        "ApiKey": key.api_key.id,
        "TrustedDocument": document.id,
        "Guardrail": guardrail.id,
        "PlatformGrant": grant.id,
        "EmergencyStop": stop.id,
        "Shift": shift.id,
        "CampaignStatusChange": status_change.id,
        "Notification": told.id,
    }
    wide = await look_up(ports, principal_of(house.tenant_id, chief))
    return Furnished(house, ana, wide, {name: str(global_id(name, id_)) for name, id_ in found.items()})


@pytest.fixture
async def acme(ports: Ports, house: House) -> Furnished:
    return await furnish(ports, house)


@pytest.fixture
async def globex(ports: Ports, other_house: House) -> Furnished:
    return await furnish(ports, other_house)


def nobodys(type_name: str) -> str:
    """A well-formed id of a type that nothing has."""
    return str(global_id(type_name, UUID("019a0000-0000-7000-8000-00000000dead")))


async def rows(ports: Ports) -> dict[str, list[dict[str, Any]]]:
    """Everything in the database."""
    connection = ports.database.system().connection
    tables = (Tortoise.apps or {})["models"].values()
    return {
        table.__name__: await table.all().using_db(connection).order_by(table._meta.pk_attr).values()
        for table in tables
    }


async def ask(ports: Ports, viewer: Viewer, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The response to one root field with everything it can show."""
    operation = engine().prepare(_request(name, arguments), anonymous=False)
    relay = Relay(ports.database, Hints(), ports.clock)
    response = await engine().execute(operation, context_of(ports, viewer, relay), "test")
    codes = [error.get("extensions", {}).get("code") for error in response.get("errors", ())]
    assert "INTERNAL" not in codes, response
    return response


def _request(name: str, arguments: Mapping[str, Any]) -> GraphQLRequest:
    operation, field = FIELDS[name]
    text = schema_walk.document(graphql_schema(), operation, name.split(".")[1], field, arguments)
    return GraphQLRequest(text, variables=dict(arguments))


def refusals(response: Mapping[str, Any]) -> list[Any]:
    """Errors and user errors, wherever they stand."""

    def below(value: Any) -> list[Any]:
        if isinstance(value, dict):
            found = list(value.get("userErrors") or ())
            return found + [each for part in value.values() for each in below(part)]
        return [each for part in value for each in below(part)] if isinstance(value, list) else []

    return [*response.get("errors", ()), *below(response.get("data"))]


# --- queries and mutations --------------------------------------------------------------------------------------------


@pytest.mark.req("FR-PLT-001")
@pytest.mark.parametrize("name", [name for name in CALLS if name in WITH_IDS])
async def test_foreign_ids_answer_as_unknown_ones_and_change_nothing(
    ports: Ports, acme: Furnished, globex: Furnished, name: str
) -> None:
    own, foreign, unknown = (ROWS[name].arguments(ids) for ids in (acme.id_of, globex.id_of, nobodys))
    before = await rows(ports)
    paths = sorted(schema_walk.id_paths(FIELDS[name][1]))
    tries = [(foreign, unknown)]
    if len(paths) > 1:
        tries += [
            (schema_walk.replaced(own, foreign, path), schema_walk.replaced(own, unknown, path)) for path in paths
        ]
    for viewer in (acme.member, acme.tenant_wide):
        for theirs, nobodys_ in tries:
            answer = await ask(ports, viewer, name, theirs)
            assert answer == await ask(ports, viewer, name, nobodys_)
            _shows_nothing_of(answer, globex, given=theirs)
    assert await rows(ports) == before


def _shows_nothing_of(answer: Mapping[str, Any], house: Furnished, given: Mapping[str, Any]) -> None:
    text = json.dumps(answer, default=str)
    sent = json.dumps(given)
    for type_name, id_ in house.ids.items():
        assert id_ not in text or id_ in sent, f"{type_name} leaked"
    assert house.house.workspace.name not in text


@pytest.mark.parametrize("name", CALLS)
async def test_ones_own_ids_go_through_and_show_nothing_foreign(
    ports: Ports, acme: Furnished, globex: Furnished, name: str
) -> None:
    row = ROWS[name]
    theirs = await rows(ports)
    # A mutation goes through once; queries are asked as both kinds of member.
    for viewer in (acme.member, acme.tenant_wide) if name.startswith("query.") else (acme.member,):
        answer = await ask(ports, viewer, name, row.arguments(acme.id_of))
        if row.own_refused is None:
            assert refusals(answer) == []
            assert list((answer["data"] or {}).values()) != [None]
        else:
            assert refusals(answer) != [], f"{name} went through although {row.own_refused}"
        _shows_nothing_of(answer, globex, given={})
    assert _of(await rows(ports), globex.house.tenant_id) == _of(theirs, globex.house.tenant_id)


def _of(tables: Mapping[str, list[dict[str, Any]]], tenant_id: UUID) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [row for row in its if row.get("tenant_id", row.get("id")) == tenant_id] for name, its in tables.items()
    }


# --- subscriptions ----------------------------------------------------------------------------------------------------


async def overheard(
    ports: Ports, relay: Relay, viewer: Viewer, name: str, arguments: Mapping[str, Any], busy: Callable[[], Any]
) -> list[Any]:
    """What a subscription says while `busy` happens: its messages, or the refusal."""
    operation = engine().prepare(_request(name, arguments), anonymous=False)
    heard: list[Any] = []
    try:
        stream = await engine().subscribe(operation, context_of(ports, viewer, relay), "test")
        async with aclosing(stream) as messages:  # type: ignore[type-var]
            heard.append(await _said(ports, relay, viewer, operation, await anext(messages)))
            await busy()
            async with asyncio.timeout(0.4):
                while True:
                    heard.append(await _said(ports, relay, viewer, operation, await anext(messages)))
    except SubscriptionRefusedError as refused:
        heard.append(refused.errors)
    except Exception as error:  # noqa: BLE001 - whatever ends the stream is an answer too
        heard.append(type(error).__name__ + str(error))
    return heard


async def _said(ports: Ports, relay: Relay, viewer: Viewer, operation: Any, message: Any) -> Any:
    return await engine().execute_event(operation, message, context_of(ports, viewer, relay), "test")


@pytest.mark.req("FR-PLT-001")
@pytest.mark.parametrize("who", ["member", "tenant_wide"])
@pytest.mark.parametrize("name", STREAMS)
async def test_a_foreign_stream_is_as_silent_as_an_unknown_one(
    ports: Ports, acme: Furnished, globex: Furnished, name: str, who: str
) -> None:
    viewer: Viewer = getattr(acme, who)
    hints = Hints()
    async with Relay.run(ports.database, hints, ports.clock) as relay:
        told = replace(ports, hints=hints)
        turn = 0

        async def busy() -> None:
            nonlocal turn
            turn += 1
            await decisions.reject(
                told, globex.member, globex.house.recommendations[1 + turn].id, 1, "no", f"busy {turn}"
            )
            await tell(told, globex.house, "recommendation.needs_review", globex.house.recommendations[1])
            await presences.come(told, globex.member, globex.house.recommendations[1].id, PresenceMode.EDITING)
            hints.publish_presence(globex.house.tenant_id, globex.house.workspace.id)

        answers = [
            await overheard(told, relay, viewer, name, ROWS[name].arguments(ids), busy)
            for ids in (globex.id_of, nobodys)
        ]
    assert answers[0] == answers[1]
    _shows_nothing_of({"heard": answers[0]}, globex, given=ROWS[name].arguments(globex.id_of))


@pytest.mark.parametrize("name", STREAMS)
async def test_ones_own_stream_speaks(ports: Ports, acme: Furnished, name: str) -> None:
    hints = Hints()
    async with Relay.run(ports.database, hints, ports.clock) as relay:
        told = replace(ports, hints=hints)

        async def busy() -> None:
            await decisions.approve(told, acme.member, acme.house.recommendations[1].id, 1, "busy")
            await tell(told, acme.house, "recommendation.needs_review", acme.house.recommendations[1])
            await presences.come(told, acme.member, acme.house.recommendations[1].id, PresenceMode.EDITING)
            hints.publish_presence(acme.house.tenant_id, acme.house.workspace.id)

        heard = await overheard(told, relay, acme.member, name, ROWS[name].arguments(acme.id_of), busy)
    assert global_id("Recommendation", acme.house.recommendations[1].id) in json.dumps(heard, default=str)


# --- relations --------------------------------------------------------------------------------------------------------


@pytest.mark.req("FR-PLT-001")
async def test_a_row_that_names_another_tenants_objects_shows_none_of_them(
    ports: Ports, acme: Furnished, globex: Furnished
) -> None:
    """A bug elsewhere may store such a row; loaders must not follow it."""
    theirs = globex.house
    adjustment = await adjustments.adjustment(
        ports.database.read(theirs.tenant_id), (await _adjustment_of(ports, theirs)).id
    )
    crossed = replace(
        acme.house.recommendations[1],
        id=new_id(),
        campaign_id=theirs.campaigns[0].id,
        plan_id=theirs.plan.id,
        account_id=theirs.account.id,
        budget_id=theirs.budgets[0].id,
        adjustment_id=adjustment.id,
        decided_by_id=str(theirs.owner_id),
    )
    sent = replace(
        adjustment,
        id=new_id(),
        workspace_id=acme.house.workspace.id,
        recommendation_id=theirs.recommendations[0].id,
    )
    campaign = replace(
        acme.house.campaigns[0],
        id=new_id(),
        external_id="crossed",
        account_id=theirs.account.id,
        budget_id=theirs.budgets[0].id,
    )
    async with ports.database.write(acme.house.tenant_id) as scope:
        await recommendations.add_recommendations(scope, [crossed])
        await adjustments.add_adjustment(scope, sent)
        await campaigns.add_campaigns(scope, [campaign])
    found = await execute(
        ports,
        acme.tenant_wide,
        """query ($r: ID!, $a: ID!, $c: ID!) {
          recommendation(id: $r) { campaign { id } plan { id } adjustment { id } decidedBy { kind name } presences { who { name } } }
          adjustment(id: $a) { recommendation { id } campaign { id } approvedBy { name } }
          campaign(id: $c) { account { id } budget { id } dailyMetrics { day } }
        }""",
        {
            "r": global_id("Recommendation", crossed.id),
            "a": global_id("Adjustment", sent.id),
            "c": global_id("Campaign", campaign.id),
        },
    )
    assert found["data"] == {
        "recommendation": {
            "campaign": None,
            "plan": None,
            "adjustment": None,
            "decidedBy": {"kind": "MEMBER", "name": None},
            "presences": [],
        },
        "adjustment": {"recommendation": None, "campaign": None, "approvedBy": {"name": None}},
        "campaign": {"account": None, "budget": None, "dailyMetrics": None},
    }


async def _adjustment_of(ports: Ports, house: House) -> Adjustment:
    found = await adjustments.plan_adjustments(ports.database.read(house.tenant_id), house.plan.id)
    return found[0]
