"""The pages as files: what their policy lets run, that nothing foreign is named, and that every document still fits."""

import base64
import hashlib
import re
from functools import lru_cache
from html.parser import HTMLParser

import httpx
import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate
from starlette.applications import Starlette

from app.graphql import build_schema as build_our_schema
from app.graphql_transport.limits import TransportLimits
from app.graphql_transport.shape import check_shape
from app.pages import PAGES, content_security_policy, page

NAMES = ("review", "explorer")
GRAPHQL = "application/graphql"


class Blocks(HTMLParser):
    """A page's tags with their attributes, and the texts of its script and style blocks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.tags[-1] if self.tags else ("", {})
        if tag in {"script", "style"} and data.strip():
            self.blocks.append((tag, attributes, data))


@lru_cache(maxsize=2)
def parsed(name: str) -> Blocks:
    return Blocks(text_of(name))


def text_of(name: str) -> str:
    return (PAGES / f"{name}.html").read_text("utf-8")


def scripts(name: str) -> list[str]:
    return [text for tag, attributes, text in parsed(name).blocks if tag == "script" and "type" not in attributes]


def documents(name: str) -> dict[str, tuple[dict[str, str | None], str]]:
    found = [(attributes, text) for tag, attributes, text in parsed(name).blocks if attributes.get("type") == GRAPHQL]
    return {attributes["id"] or "": (attributes, text) for attributes, text in found}


def whole(name: str, id_: str) -> str:
    """A document with its fragments, put together as the pages do it."""
    known, parts = documents(name), {}

    def add(each: str) -> None:
        if each not in parts:
            parts[each] = known[each][1]
            for fragment in re.findall(r"\.\.\.(\w+)", parts[each]):
                add(fragment)

    add(id_)
    return "\n".join(parts.values())


def operations() -> list[tuple[str, str]]:
    return [
        (name, id_)
        for name in NAMES
        for id_, (_, text) in documents(name).items()
        if not text.strip().startswith("fragment ")
    ]


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    return build_schema(build_our_schema().as_str())


@pytest.mark.parametrize("name", NAMES)
def test_the_policy_names_exactly_the_blocks_that_run(name):
    expected = {
        kind: [
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
            for tag, attributes, text in parsed(name).blocks
            if tag == kind and "type" not in attributes
        ]
        for kind in ("script", "style")
    }
    policy = dict(part.strip().split(" ", 1) for part in content_security_policy(text_of(name)).split(";"))
    assert len(expected["script"]) >= 4
    assert policy["script-src"].split() == expected["script"]
    assert policy["style-src"].split() == expected["style"]
    assert (policy["default-src"], policy["connect-src"], policy["frame-ancestors"]) == ("'none'", "'self'", "'none'")


@pytest.mark.parametrize("name", NAMES)
async def test_a_page_is_served_with_its_policy(name):
    app = Starlette(routes=[page("/", PAGES / f"{name}.html")])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/")
    assert answer.text == text_of(name)
    assert answer.headers["content-security-policy"] == content_security_policy(text_of(name))
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", NAMES)
def test_no_tag_carries_what_the_policy_would_stop_or_what_leads_elsewhere(name):
    for tag, attributes in parsed(name).tags:
        assert not [each for each in attributes if each == "style" or each.startswith("on")], (tag, attributes)
        assert "src" not in attributes
        assert attributes.get("href", "/") in {"/", "/explorer", "/schema.graphql", "#main", "data:,"}
        if tag == "script":
            assert set(attributes) <= {"type", "id"}
            assert attributes.get("type", GRAPHQL) == GRAPHQL


@pytest.mark.parametrize("name", NAMES)
def test_nothing_foreign_is_named_and_no_markup_is_made_from_data(name):
    assert not re.findall(r"(?:https?|wss?)://", text_of(name))
    makers = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|srcdoc|setHTML"
    assert not re.findall(makers, text_of(name))
    assert "@import" not in text_of(name)
    assert "url(" not in text_of(name)


def test_session_requests_and_socket_are_the_same_in_both_pages():
    assert scripts("review")[:2] == scripts("explorer")[:2]


@pytest.mark.parametrize(("name", "id_"), operations())
def test_every_document_fits_the_schema_and_the_limits(name, id_):
    document = parse(whole(name, id_))
    assert validate(schema(), document) == []
    limits = TransportLimits()
    check_shape(document, limits)
    tokens = len(re.findall(r"\.\.\.|\w+|[^\s\w,]", whole(name, id_)))
    assert tokens <= limits.tokens
    [operation] = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    assert operation.name is not None
    assert operation.name.value == id_


@pytest.mark.parametrize("name", NAMES)
def test_every_document_is_used_and_every_document_used_is_there(name):
    code, known = "\n".join(scripts(name)), documents(name)
    asked = set(re.findall(r'(?:ask|insist|documentOf|act|stream)\("(\w+)"', code))
    assert asked <= set(known)
    spread = {each for _, text in known.values() for each in re.findall(r"\.\.\.(\w+)", text)}
    assert set(known) == asked | spread


def test_what_the_pages_say_of_statuses_and_platforms_names_each_that_there_is():
    code = "\n".join(scripts("review"))
    for enum in ("Platform", "RecommendationStatus", "AdjustmentStatus"):
        for value in schema().type_map[enum].values:
            assert re.search(rf"\b{value}: ", code), (enum, value)
