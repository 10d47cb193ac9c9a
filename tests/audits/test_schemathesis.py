"""schemathesis against the served product: documents made from the schema get answers that the schema allows.

Its own checks run as they are. What it makes is taught what SDL cannot say, or what it does not read there: a list wants
exactly one of `first` and `last`, a period has a beginning and a later end, an id is of something that is there or at
least has the form of one, an input that is @oneOf has one field, and guardrails to preview must make sense.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import hypothesis
import pytest
import schemathesis
from graphql import (
    REMOVE,
    ArgumentNode,
    FieldNode,
    IntValueNode,
    NameNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    StringValueNode,
    Visitor,
    parse,
    print_ast,
    visit,
)
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from app.graphql import build_schema
from domain.access import ALL_SCOPES
from realtime.hints import Hints
from schema.base import global_id
from services.ports import Ports
from tests.conftest import House
from tests.integration.sockets import Api, serve

#: Documents for each field of Query and Mutation.
EXAMPLES = 8
#: BudgetChangeInput's fields, of which it takes exactly one; the generator does not know of such inputs.
ONE_OF = {"dailyBudget": "100.00", "percent": "5"}
PERIOD = {"since": "2026-01-01", "until": "2026-01-31"}
#: What generated documents may exceed: they know nothing of limits, which have tests of their own.
WIDE = {
    "depth": 100, "aliases": 10_000, "directives": 1_000, "root_fields": 1_000, "selections": 100_000,
    "tokens": 100_000, "nodes": 10_000_000, "cost": 10_000_000, "body_bytes": 10_000_000, "rate_per_second": 0,
}  # fmt: skip


@pytest.fixture
async def api(ports: Ports, access_tokens: AccessTokens, passwords: Passwords) -> AsyncIterator[Api]:
    hints = Hints()
    async with serve(replace(ports, hints=hints), hints, access_tokens, passwords, **WIDE) as served:
        yield served


class Taught(Visitor):
    """Puts into a generated document what its generator cannot know."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._ids = {
            "workspaceId": global_id("Workspace", house.workspace.id),
            "campaignId": global_id("Campaign", house.campaigns[0].id),
        }

    def enter_field(self, node: FieldNode, *_: object) -> FieldNode:
        arguments = {argument.name.value: argument for argument in node.arguments or ()}
        if arguments.keys() & {"first", "last"}:
            arguments.pop("last", None)
            arguments["first"] = ArgumentNode(name=NameNode(value="first"), value=IntValueNode(value="3"))
        if arguments.keys() & PERIOD.keys():
            hour = (
                "T00:00:00Z" if any("T" in print_ast(arguments[name]) for name in PERIOD if name in arguments) else ""
            )
            for name, day in PERIOD.items():
                value = StringValueNode(value=day + hour)
                arguments[name] = ArgumentNode(name=NameNode(value=name), value=value)
        if node.name.value == "guardrailPreview":
            arguments = {"workspaceId": arguments["workspaceId"]}
        return FieldNode(**{key: getattr(node, key) for key in node.keys} | {"arguments": tuple(arguments.values())})

    def enter_argument(self, node: ArgumentNode, *_: object) -> object:
        if node.name.value in self._ids:
            return ArgumentNode(name=node.name, value=StringValueNode(value=self._ids[node.name.value]))
        if node.name.value in {"after", "before"} and not isinstance(node.value, NullValueNode):
            return REMOVE
        return None

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> object:
        name = node.name.value
        if name in self._ids and not isinstance(node.value, NullValueNode):
            return ObjectFieldNode(name=node.name, value=StringValueNode(value=self._ids[name]))
        if name in ONE_OF and isinstance(node.value, NullValueNode):
            return ObjectFieldNode(name=node.name, value=StringValueNode(value=ONE_OF[name]))
        return None

    def enter_object_value(self, node: ObjectValueNode, *_: object) -> object:
        one_of = [field for field in node.fields if field.name.value in ONE_OF]
        return ObjectValueNode(fields=tuple(one_of[:1])) if one_of else None


def known_ids(house: House) -> list[str]:
    return [
        global_id("Workspace", house.workspace.id),
        global_id("Campaign", house.campaigns[0].id),
        global_id("AdAccount", house.account.id),
        *(global_id("Recommendation", each.id) for each in house.recommendations),
        global_id("Recommendation", UUID(int=1)),
        global_id("Member", UUID(int=2)),
    ]


def teach_scalars(house: House) -> None:
    moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - naive as st wants
    for name, strategy in {
        "ID": st.sampled_from(known_ids(house)).map(nodes.String),
        "PageSize": st.integers(1, 100).map(nodes.Int),
        "WindowHours": st.integers(0, 168).map(nodes.Int),
        "SummaryDays": st.integers(1, 90).map(nodes.Int),
        "CurrencyCode": st.sampled_from(["USD", "EUR", "JPY"]).map(nodes.String),
        "Cursor": st.just("AZ7Qh4UCekKsBGVtkmoykg").map(nodes.String),
        "DateTime": moments.map(datetime.isoformat).map(nodes.String),
        "Date": st.dates().map(str).map(nodes.String),
        "Decimal": st.decimals(-1_000_000, 1_000_000, places=2).map(str).map(nodes.String),
    }.items():
        schemathesis.graphql.scalar(name, strategy)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.timeout(900)
async def test_documents_made_from_the_schema_get_what_it_allows(
    api: Api, house: House, access_tokens: AccessTokens
) -> None:
    teach_scalars(house)
    token = access_tokens.issue(
        tenant_id=house.tenant_id, user_id=house.owner_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
    ).text
    schema = schemathesis.graphql.from_dict(build_schema().introspect())
    schema.config.update(base_url=f"http://127.0.0.1:{api.port}/graphql")
    schema.config.generation.update(allow_x00=False)  # PostgreSQL keeps no such text, so no field takes it.
    taught = Taught(house)
    headers = {"authorization": f"Bearer {token}"}

    def try_all() -> list[str]:
        tried = []
        for found in schema.get_all_operations():
            operation = found.ok()

            @hypothesis.settings(
                max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
                suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.generate],
            )  # fmt: skip
            @hypothesis.given(operation.as_strategy())
            def check(case: schemathesis.Case) -> None:
                case.body = print_ast(visit(parse(case.body), taught))
                case.call_and_validate(headers=headers)

            check()
            tried.append(operation.label)
        return tried

    tried = await asyncio.to_thread(try_all)
    assert len(tried) > 50
