"""Documents beyond the limits are refused, with little work and clearly; the cache stays bounded."""

import contextlib
import sys

import pytest
import strawberry
from graphql import get_introspection_query
from strawberry.extensions import SchemaExtension

from app.graphql_transport import GraphQLEngine, TransportLimits
from app.graphql_transport.errors import RequestRefusedError
from app.graphql_transport.requests import GraphQLRequest
from kit.time import SystemClock

#: Of Python functions, for one document. The standard introspection query takes about 16,000; the same field 450 times,
#: which validation compares pair by pair, 480,000; at twice the limit of fields it would be four times that.
MOST_CALLS = 700_000


@pytest.fixture
def make_engine(schema):
    def make(*, production: bool = False, **limits) -> GraphQLEngine:
        return GraphQLEngine(schema, TransportLimits(**limits), production=production, clock=SystemClock())

    return make


def refusal(engine, query, variables=None, *, anonymous=True):
    with pytest.raises(RequestRefusedError) as refused:
        engine.prepare(GraphQLRequest(query, variables=variables), anonymous=anonymous)
    return refused.value.errors[0]


def accept(engine, query, variables=None, *, anonymous=True):
    return engine.prepare(GraphQLRequest(query, variables=variables), anonymous=anonymous)


def calls(engine, query) -> int:
    """How many Python functions are called to prepare a document: work, counted where time would be noise."""
    count = 0

    def called(_frame, event, _argument):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        with contextlib.suppress(RequestRefusedError):
            engine.prepare(GraphQLRequest(query), anonymous=True)
    finally:
        sys.setprofile(before)
    return count


def nested(levels: int) -> str:
    return "{ items(first: 1) {" * 1 + " siblings(first: 1) {" * (levels - 2) + " id " + "}" * (levels - 1) + "}"


def test_depth_at_and_over_the_limit(make_engine):
    engine = make_engine(depth=5)
    accept(engine, nested(5))
    assert refusal(engine, nested(6)) == {
        "message": "The operation's depth is over the limit of 5.",
        "extensions": {"code": "QUERY_LIMIT_EXCEEDED"},
    }


def test_depth_counts_through_fragments(make_engine):
    chain = " ".join(f"fragment f{n} on Item {{ siblings(first: 1) {{ ...f{n + 1} }} }}" for n in range(8))
    query = f"{{ items(first: 1) {{ ...f0 }} }} {chain} fragment f8 on Item {{ id }}"
    assert "depth" in refusal(make_engine(depth=5), query)["message"]
    accept(make_engine(depth=10), query)


def test_very_deep_documents_are_refused_without_a_stack_overflow(make_engine):
    for levels in (30, 300):
        query = "{" + "a{" * levels + "b" + "}" * (levels + 1)
        assert refusal(make_engine(), query)["extensions"]["code"] in {"QUERY_LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED"}


def test_the_standard_introspection_query_passes(make_engine):
    accept(make_engine(), get_introspection_query())
    accept(
        make_engine(),
        get_introspection_query(input_value_deprecation=True, specified_by_url=True, directive_is_repeatable=True),
    )


def test_aliases_directives_root_fields_and_tokens(make_engine):
    engine = make_engine()
    accept(engine, "{" + " ".join(f"a{n}: hello" for n in range(15)) + "}")
    assert (
        "aliases is over the limit of 15"
        in refusal(engine, "{" + " ".join(f"a{n}: hello" for n in range(16)) + "}")["message"]
    )
    assert "directives" in refusal(engine, "{ hello" + " @include(if: true)" * 51 + "}")["message"]
    assert "directives" in refusal(engine, "query ($a: Int " + "@x " * 51 + ") { hello }")["message"]
    assert "root fields" in refusal(engine, "{" + "hello " * 21 + "}")["message"]
    assert refusal(engine, "{" + " hello" * 999 + "}")["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


def test_aliases_multiply_through_fragments(make_engine):
    doubling = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(40))
    query = f"{{ ...f0 }} {doubling} fragment f40 on Query {{ a: hello }}"
    assert "aliases" in refusal(make_engine(), query)["message"]
    # 2**40 aliases, counted with less work than it takes to read a short document.
    assert calls(make_engine(), query) < MOST_CALLS


@pytest.mark.parametrize(
    "query",
    [
        "{" + " hello" * 990 + "}",
        "{ items(first: 1) {" + " id" * 450 + "} }",
        "{ items(first: 1) {" + " ...f" * 150 + "} } fragment f on Item { " + "id " * 300 + "}",
        "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
        "{ ...a } fragment a on Query { ...a ...a ...a }",
        "{ items(first: 1) {" + " ... on Item { id maker { name } }" * 90 + "} }",
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
    ],
)
def test_hostile_documents_cost_little(make_engine, query):
    assert calls(make_engine(production=True), query) < MOST_CALLS


def test_fragments_that_spread_themselves_are_refused(make_engine):
    assert (
        refusal(make_engine(), "{ ...a } fragment a on Query { ...a }")["extensions"]["code"]
        == "GRAPHQL_VALIDATION_FAILED"
    )


def test_nodes_multiply_down(make_engine):
    engine = make_engine(nodes=5_000)
    accept(engine, "{ items(first: 100) { siblings(first: 49) { id } } }")
    query = "{ items(first: 100) { siblings(first: 50) { id } } }"
    assert refusal(engine, query)["message"] == "The operation's number of requested nodes is over the limit of 5000."


def test_nodes_are_counted_from_variables_on_each_request(make_engine):
    engine = make_engine(nodes=100)
    query = (
        "query ($n: Int!, $m: Int = 10) { items(first: $n) { ...s } } fragment s on Item { siblings(first: $m) { id } }"
    )
    accept(engine, query, {"n": 9})
    assert "nodes" in refusal(engine, query, {"n": 10})["message"]
    assert "nodes" in refusal(engine, query, {"n": 9, "m": 100})["message"]


def test_introspection_and_hints_by_who_asks(make_engine):
    query, typo = "{ __schema { queryType { name } } }", "{ helo }"
    production, local = make_engine(production=True), make_engine()
    assert "introspection" in refusal(production, query)["message"]
    assert refusal(production, typo)["message"] == "Cannot query field 'helo' on type 'Query'."
    accept(production, query, anonymous=False)
    accept(local, query)
    assert "Did you mean" in refusal(local, typo)["message"]
    # What a member cached does not serve the anonymous.
    assert "introspection" in refusal(production, query)["message"]


def test_hints_are_off_in_variables_too(make_engine):
    query = "query ($where: Filter) { items(first: 1, where: $where) { id } }"
    assert "Did you mean" not in refusal(make_engine(production=True), query, {"where": {"color": "RED"}})["message"]


def test_the_cache_is_bounded_in_number_and_bytes(make_engine):
    few = make_engine(cache_documents=10)
    for number in range(30):
        accept(few, f"query Q{number} {{ hello }}")
    assert len(few._documents) == 10
    small = make_engine(cache_bytes=100)
    for number in range(30):
        accept(small, f"query Q{number:03} {{ hello }}")
    assert len(small._documents) == 5  # 18 bytes each


def test_refused_documents_are_not_kept(make_engine):
    engine = make_engine()
    refusal(engine, "{ nothing }")
    assert len(engine._documents) == 0


def test_extensions_and_directives_of_strawberry_are_refused_at_start():
    @strawberry.type
    class Query:
        name: str = "x"

    extended = strawberry.Schema(Query, extensions=[SchemaExtension])
    with pytest.raises(ValueError, match="do not run here"):
        GraphQLEngine(extended, TransportLimits(), production=False, clock=SystemClock())
