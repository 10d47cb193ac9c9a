"""OpenTelemetry traces, from an HTTP request over its GraphQL operation to SQL and outgoing HTTP. Off unless asked for.

Owns the exporter and the wrapping of httpx at its narrowest place, `AsyncClient.send`. Statements are recorded as they
are prepared, their values never; of addresses the query is left out.
"""

import functools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, TypeVar

import httpx
from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.statements import watched_statements

T = TypeVar("T")

_LONGEST: Final = 2_000
_SERVER_ERROR: Final = 500

_tracer = trace.get_tracer("campaign_express")


@contextmanager
def tracing(service: str, otlp_url: str) -> Iterator[None]:
    """Send spans to a collector while the block runs; nothing at all for an empty address."""
    if not otlp_url:
        yield
        return
    # Whoever wants no traces does not wait for its modules at every start.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - as said above

    processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp_url.rstrip('/')}/v1/traces"))
    with traced(service, processor):
        yield


def tracer() -> Tracer:
    """What makes spans; they go nowhere while no block of `tracing` runs."""
    return _tracer


@contextmanager
def traced(service: str, processor: SpanProcessor) -> Iterator[None]:
    """Give spans to a processor while the block runs. A process can do so once: the provider is global."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    try:
        with watched_statements(_statement), _traced_calls():
            yield
    finally:
        provider.shutdown()


class TracedRequests:
    """ASGI middleware: a span for each HTTP request, below the caller's own trace if it names one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve inside a span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        attributes = {"http.request.method": scope["method"], "url.path": scope["path"]}
        with _tracer.start_as_current_span(
            scope["method"], propagate.extract(headers), kind=SpanKind.SERVER, attributes=attributes
        ) as span:

            async def told(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= _SERVER_ERROR:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            await self._app(scope, receive, told)


def in_span(name: str, act: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
    """The same work, each time inside a span of its own: what a worker does in one turn."""

    async def run() -> T:
        with _tracer.start_as_current_span(name):
            return await act()

    return run


def _statement(system: str, text: str) -> AbstractContextManager[object]:
    if not trace.get_current_span().get_span_context().is_valid:
        # Of the process itself, such as the look at the heads each second: nobody asked what that took.
        return nullcontext()
    words = text.split(None, 1)
    attributes = {"db.system.name": system, "db.query.text": text[:_LONGEST]}
    return _tracer.start_as_current_span(
        words[0].upper() if words else "SQL", kind=SpanKind.CLIENT, attributes=attributes
    )


@contextmanager
def _traced_calls() -> Iterator[None]:
    original = httpx.AsyncClient.send

    @functools.wraps(original)
    async def send(self: httpx.AsyncClient, request: httpx.Request, *args: Any, **kwargs: Any) -> httpx.Response:
        url = str(request.url.copy_with(query=None, username=None, password=None))
        attributes = {"http.request.method": request.method, "url.full": url}
        with _tracer.start_as_current_span(request.method, kind=SpanKind.CLIENT, attributes=attributes) as span:
            propagate.inject(request.headers)
            response = await original(self, request, *args, **kwargs)
            span.set_attribute("http.response.status_code", response.status_code)
            return response

    httpx.AsyncClient.send = send  # type: ignore[method-assign]
    try:
        yield
    finally:
        httpx.AsyncClient.send = original  # type: ignore[method-assign]
