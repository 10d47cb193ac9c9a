"""The explorer's examples as files: that they fit the schema and its limits, cover each domain, and know their words."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import httpx
import pytest
from graphql import FieldNode, GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate
from starlette.applications import Starlette
from starlette.requests import Request

from app.explorer import ASKS, EXAMPLES, FRESH, WORDS, Example, explorer_routes, read_examples
from app.graphql import build_schema as build_our_schema
from app.graphql_transport.limits import TransportLimits
from app.graphql_transport.shape import check_shape
from app.known_documents import KnownDocuments
from app.pages import PAGES

BY_NAME = {each.name: each for each in read_examples()}


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    return build_schema(build_our_schema().as_str())


def operation(document: str) -> OperationDefinitionNode:
    [found] = parse(document).definitions
    assert isinstance(found, OperationDefinitionNode)
    return found


def texts(value: Any) -> Iterator[str]:
    """Every text in an example's variables."""
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def test_each_entry_of_each_file_is_read_once():
    entries = sum(path.read_text("utf-8").count("\n#: ") for path in EXAMPLES.glob("*.graphql"))
    assert len(read_examples()) == len(BY_NAME) == entries


@pytest.mark.parametrize("document", [each.document for each in read_examples()] + list(ASKS.values()))
def test_every_document_fits_the_schema_and_the_limits(document):
    parsed = parse(document)
    assert validate(schema(), parsed) == []
    limits = TransportLimits()
    check_shape(parsed, limits)
    assert len(re.findall(r"\.\.\.|\w+|[^\s\w,]", document)) <= limits.tokens


@pytest.mark.parametrize("example", BY_NAME.values(), ids=BY_NAME)
def test_an_example_brings_variables_for_its_document_and_only_those(example: Example):
    declared = {
        each.variable.name.value: each.type.kind == "non_null_type" and each.default_value is None
        for each in operation(example.document).variable_definitions or ()
    }
    assert set(example.variables) <= set(declared)
    assert {name for name, needed in declared.items() if needed} <= set(example.variables)
    words = {each for each in texts(example.variables) if re.fullmatch(r"[A-Z]+(_[A-Z]+)*", each)}
    values = {value for enum in schema().type_map.values() for value in getattr(enum, "values", {})}
    assert words <= {*WORDS, *FRESH, "PASSWORD"} | values
    assert example.about
    assert example.title


def test_every_word_is_used_and_found_by_an_operation_that_asks_for_it():
    used = {each for example in BY_NAME.values() for each in texts(example.variables)}
    assert {*WORDS, *FRESH} <= used
    assert {name for name, _ in WORDS.values()} == set(ASKS)
    for word, (name, paths) in WORDS.items():
        for path in paths:
            named = [each for each in path if isinstance(each, str)] + [
                part for each in path if isinstance(each, list) for part in each[0].split(".")
            ]
            assert all(re.search(rf"\b{each}\b", ASKS[name]) for each in named), word


def test_examples_cover_each_domain():
    shown = {
        field.name.value
        for example in BY_NAME.values()
        for field in operation(example.document).selection_set.selections
        if isinstance(field, FieldNode)
    }
    roots = {
        name
        for root in ("Query", "Mutation", "Subscription")
        for name in getattr(schema().type_map[root], "fields", {})
    }
    assert shown <= roots
    lists = {
        "adAccounts",
        "platformGrants",
        "campaigns",
        "campaignStatusChanges",
        "recommendations",
        "adjustments",
        "shifts",
        "guardrails",
        "emergencyStops",
        "events",
        "members",
        "apiKeys",
        "notifications",
        "alerts",
        "trustedDocuments",
    }
    acts = {
        "workspaceUpdate",
        "campaignPause",
        "campaignResume",
        "recommendationApprove",
        "recommendationEdit",
        "recommendationReject",
        "recommendationsDecide",
        "presenceSet",
        "adjustmentRetry",
        "adjustmentRevert",
        "shiftRequest",
        "guardrailSet",
        "guardrailRemove",
        "automationSet",
        "automationPause",
        "emergencyStopStart",
        "emergencyStopLift",
        "sessionCreate",
        "memberAdd",
        "memberRevoke",
        "apiKeyCreate",
        "apiKeyRevoke",
        "notificationsReadAll",
        "notificationPreferencesSet",
        "trustedDocumentRegister",
        "trustedDocumentWithdraw",
    }
    streams = {"recommendationChanges", "adjustmentProgress", "presenceChanges", "notificationAdded"}
    looks = {
        "viewer",
        "workspace",
        "node",
        "guardrailPreview",
        "emergencyStopPreview",
        "adAccountOffers",
        "alertSummary",
    }
    assert lists | acts | streams | looks <= shown


async def test_the_explorer_serves_what_it_offers_and_the_plain_page_where_nothing_was_built(tmp_path):
    app = Starlette(routes=explorer_routes(tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        offered = (await client.get("/explorer/examples.json")).json()
        plain, always = await client.get("/explorer"), await client.get("/plain/explorer")
    assert [each["name"] for each in offered["examples"]] == list(BY_NAME)
    assert offered["words"] == json.loads(json.dumps(WORDS))
    assert (offered["asks"], offered["fresh"]) == (ASKS, FRESH)
    assert plain.text == always.text == (PAGES / "explorer.html").read_text("utf-8")


async def test_the_built_explorer_may_style_itself_but_runs_scripts_of_its_own_host_alone(tmp_path):
    (tmp_path / "explorer.html").write_text('<script nonce="CSP_NONCE" src="/assets/x.js"></script>')
    app = Starlette(routes=explorer_routes(tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/explorer")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["script-src"] == policy["worker-src"] == policy["connect-src"] == "'self'"
    assert policy["style-src"] == "'self' 'unsafe-inline'"
    assert policy["default-src"] == "'none'"
    assert "CSP_NONCE" not in answer.text


async def test_where_known_documents_only_are_run_they_are_listed_instead_of_examples_to_who_may_read_them(tmp_path):
    own, built = tmp_path / "own", tmp_path / "built"
    for folder, text in ((own, "query Who { viewer { name } }"), (built, "query Who { viewer { email } }")):
        folder.mkdir()
        (folder / "a.graphql").write_text(text)
    known = KnownDocuments([PAGES / "review.html", built, own])
    assert known.knows("query Who { viewer { name } }")
    assert known.knows("query Who { viewer { email } }")

    async def may_read(request: Request) -> bool:
        return "authorization" in request.headers

    app = Starlette(routes=explorer_routes(built, known, may_read))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        offered = (await client.get("/explorer/examples.json")).json()
        stranger = await client.get("/explorer/documents.json")
        partner = await client.get("/explorer/documents.json", headers={"authorization": "Bearer x"})
    assert (offered["only"], offered["examples"]) == (True, [])
    assert (stranger.status_code, stranger.json()) == (401, [])
    assert [(each["of"], each["name"]) for each in partner.json()] == [
        ("The console's", "Who"),
        ("This server's", "Who"),
    ]
    assert all(known.text(each["sha256"]) == each["text"] for each in partner.json())
