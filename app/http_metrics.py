"""Counts and times of HTTP requests and open sockets, as Prometheus metrics. Must not look into requests."""

import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.console import ADDRESSES

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_EVENTS: Final = b"text/event-stream"
#: Only addresses of ours become label values, or a stranger's scan would fill the registry.
_KNOWN: Final = frozenset(
    {
        *ADDRESSES,
        *("/plain", "/graphql", "/explorer", "/explorer/examples.json", "/explorer/documents.json", "/plain/explorer"),
        *("/health", "/ready", "/metrics", "/schema.graphql"),
    }
)


class HttpMetrics:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter("http_requests", "HTTP requests answered.", ("path", "status"), registry=registry)
        self._seconds = Histogram(
            "http_request_seconds", "Time to the last byte.", ("path",), buckets=_BUCKETS, registry=registry
        )
        self._streams = Gauge("event_streams", "Open event streams.", registry=registry)
        self._sockets = Gauge("websocket_connections", "Open WebSocket connections.", registry=registry)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve and count."""
        if scope["type"] == "websocket":
            with self._sockets.track_inprogress():
                await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in _KNOWN else "other"
        status, streams = 500, False

        async def counted(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                streams = any(name == b"content-type" and _EVENTS in value for name, value in message["headers"])
                if streams:
                    self._streams.inc()
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, counted)
        finally:
            self._requests.labels(path, str(status)).inc()
            if streams:
                # It lasts as long as its client likes, which says nothing of how quick the server is.
                self._streams.dec()
            else:
                self._seconds.labels(path).observe(time.perf_counter() - started)
