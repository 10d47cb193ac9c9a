"""One trace from an HTTP request over its GraphQL operation to SQL, and from our calls on to whom we call."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from app.backend import GraphQLBackend
from app.container import Container
from app.graphql import build_schema
from app.graphql_transport import GraphQLEngine, TransportLimits, graphql_routes
from app.operation_metrics import OperationMetrics
from app.settings import Settings
from app.tracing import TracedRequests, in_span, traced, tracer
from domain.access import ALL_SCOPES
from models import across_tenants
from realtime.hints import Hints
from realtime.relay import Relay
from schema.base import global_id
from services.ports import Ports
from tests.conftest import House

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
QUERY = "query Review($w: ID!) { recommendations(workspaceId: $w, first: 5) { nodes { id campaignName } } }"


@pytest.fixture(scope="module")
def spans() -> Iterator[InMemorySpanExporter]:
    """What is exported; a process has one tracer provider, so a module has one too."""
    kept = InMemorySpanExporter()
    with traced("test", SimpleSpanProcessor(kept)):
        yield kept


@pytest.fixture
def finished(spans: InMemorySpanExporter) -> InMemorySpanExporter:
    spans.clear()
    return spans


def called(spans: InMemorySpanExporter, start: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name.startswith(start)]


async def test_a_request_is_one_trace_down_to_sql(
    finished: InMemorySpanExporter, ports: Ports, access_tokens: AccessTokens, passwords: Passwords, house: House
) -> None:
    hints = Hints()
    ports = replace(ports, hints=hints)
    token = access_tokens.issue(
        tenant_id=house.tenant_id, user_id=house.reviewer_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
    ).text
    async with Relay.run(ports.database, hints, ports.clock) as relay:
        container = Container(Settings(), ports, relay, hints, access_tokens, passwords)
        observer = OperationMetrics(CollectorRegistry(), tracer())
        engine = GraphQLEngine(build_schema(), TransportLimits(), production=True, clock=ports.clock, observer=observer)
        app = Starlette(
            routes=graphql_routes(engine, GraphQLBackend(container)), middleware=[Middleware(TracedRequests)]
        )
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            finished.clear()
            headers = {"authorization": f"Bearer {token}", "x-request-id": "r-1"}
            body = {"query": QUERY, "variables": {"w": global_id("Workspace", house.workspace.id)}}
            answer = await client.post("/graphql?secret=1", json=body, headers=headers)
    assert len(answer.json()["data"]["recommendations"]["nodes"]) == 4

    [ours] = [span for span in called(finished, "POST") if span.kind.name == "CLIENT"]
    [request] = [span for span in called(finished, "POST") if span.kind.name == "SERVER"]
    [operation] = called(finished, "query Review")
    assert request.attributes is not None
    assert operation.attributes is not None
    assert ours.attributes is not None
    assert dict(request.attributes) == {
        "http.request.method": "POST",
        "url.path": "/graphql",
        "http.response.status_code": 200,
    }
    assert ours.attributes["url.full"] == "http://api.test/graphql"
    assert operation.attributes["campaign_express.request_id"] == "r-1"
    # The caller's trace goes on here, and every statement of the operation lies below it.
    assert request.parent is not None
    assert operation.parent is not None
    assert request.parent.span_id == ours.context.span_id
    assert operation.parent.span_id == request.context.span_id
    below = [
        span
        for span in called(finished, "SELECT")
        if span.parent is not None and span.parent.span_id == operation.context.span_id
    ]
    assert below
    for span in below:
        assert span.attributes is not None
        assert str(house.workspace.id) not in str(span.attributes["db.query.text"])
    assert {span.context.trace_id for span in (ours, request, operation, *below)} == {ours.context.trace_id}


async def test_a_job_is_a_trace_and_what_nobody_asked_for_is_none(
    finished: InMemorySpanExporter, ports: Ports, house: House
) -> None:
    async def act() -> int:
        return len(await across_tenants.heads(ports.database.system()))

    finished.clear()
    assert await act() == 1
    assert finished.get_finished_spans() == ()
    assert await in_span("job look", act)() == 1
    statement, job = finished.get_finished_spans()
    assert (statement.name, job.name, job.parent) == ("SELECT", "job look", None)
    assert statement.parent is not None
    assert statement.parent.span_id == job.context.span_id


async def test_a_callers_trace_goes_on(finished: InMemorySpanExporter) -> None:
    async def answer(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 503, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    told: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        told.append(message)

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": [(b"traceparent", CALLER.encode())]}
    await TracedRequests(answer)(scope, None, send)  # type: ignore[arg-type]
    [span] = called(finished, "GET")
    assert format(span.context.trace_id, "032x") == CALLER.split("-")[1]
    assert span.status.status_code.name == "ERROR"
    assert [message["type"] for message in told] == ["http.response.start", "http.response.body"]
