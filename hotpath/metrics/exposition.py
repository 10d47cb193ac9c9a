"""The metrics' own port and thread: /metrics, /healthz, /readyz. Must not need the loop, which may be what hangs."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

_TIMEOUT_S: Final = 5.0
_PLAIN: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Probes:
    """Empty text where all is well, else what is wrong: `alive` asks for a restart, `ready` for no new traffic."""

    alive: Callable[[], str]
    ready: Callable[[], str]


class MetricsServer:
    """Serves until closed."""

    def __init__(self, listener: socket, registry: CollectorRegistry, probes: Probes) -> None:
        """Start to serve on a bound socket, which is closed with the server."""
        self._server = _Server(listener, registry, probes)
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more. Blocks for up to half a second."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listener: socket, registry: CollectorRegistry, probes: Probes) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.registry, self.probes = registry, probes
        self.server_activate()


class _Handler(BaseHTTPRequestHandler):
    timeout = _TIMEOUT_S
    server: _Server

    def do_GET(self) -> None:
        """Answer one request."""
        match self.path.partition("?")[0]:
            case "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(self.server.registry))
            case "/healthz":
                self._probe(self.server.probes.alive())
            case "/readyz":
                self._probe(self.server.probes.ready())
            case _:
                self._answer(404, _PLAIN, b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
        """Scrapes are no news."""

    def _probe(self, wrong: str) -> None:
        self._answer(503 if wrong else 200, _PLAIN, f"{wrong or 'ok'}\n".encode())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
