"""Server-sent events: one operation per request, results as they come ("distinct connections mode" of graphql-sse).

    event: next       data: the response         event: complete       data:
    :                 a comment, so that neither side nor a proxy between takes a quiet stream for a dead one

Owns the stream from its first byte to its end. `complete` says that the operation is over. A stream that ends without
it was ended by something else (the token expired, a right was lost, the reader was too slow, the server restarts): the
client connects again, and is told with the status if it may not. Events have no ids: clients resume with the `after`
argument, as on a socket.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import orjson
from starlette.types import Message, Receive, Scope, Send

from app.graphql_transport.connection import ConnectionTasks, http_connection
from app.graphql_transport.engine import GraphQLEngine
from app.graphql_transport.errors import ErrorData
from app.graphql_transport.messages import TOO_SLOW
from app.graphql_transport.operations import OperationRun, Prepared
from app.graphql_transport.outbox import Outbox
from app.graphql_transport.ports import Backend, Session
from app.graphql_transport.watch import watch_session

KEEP_ALIVE: Final = ":\n\n"
_HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "vary": "accept",
    # A proxy that collects an answer before it passes it on would hold back events for minutes.
    "x-accel-buffering": "no",
}


class EventFraming:
    """How the results of an operation stand in an event stream. JSON has no raw line ends: one data line is enough."""

    def next(self, payload: str) -> str:
        """A result."""
        return f"event: next\ndata: {payload}\n\n"

    def error(self, errors: list[ErrorData]) -> str:
        """A last result, of an operation that was refused or broke; and its end."""
        return self.next(orjson.dumps({"errors": errors}).decode()) + self.complete()

    def complete(self) -> str:
        """The operation is over."""
        return "event: complete\ndata:\n\n"


class EventStream:
    """One request that is answered with a stream."""

    def __init__(self, engine: GraphQLEngine, backend: Backend, scope: Scope, receive: Receive, send: Send) -> None:
        self._engine = engine
        self._backend = backend
        self._connection = http_connection(scope)
        self._receive = receive
        self._send = send

    async def run(self, session: Session, prepare: Callable[[], Awaitable[Prepared]], request_id: str) -> None:
        """Send the operation's results until it, the session, the peer or the server ends."""
        headers = _HEADERS | {"x-request-id": request_id}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": raw})
        # Begins the body, so that a client hears at once that it is served.
        await self._send(_chunk(KEEP_ALIVE))
        outbox = Outbox(self._send, self._engine.limits.send_buffer_bytes, _chunk)
        operation = OperationRun(self._engine, self._backend, session, outbox, EventFraming(), request_id)
        tasks = ConnectionTasks(self._engine.limits.close_seconds)

        async def operate() -> None:
            await operation.run(prepare, lambda: None)
            await outbox.emptied()
            tasks.close(None)

        async def until_gone() -> None:
            while (await self._receive())["type"] != "http.disconnect":
                pass
            tasks.close(None)

        async def until_stopping() -> None:
            await self._connection.stopping.wait()
            tasks.close(None)

        tasks.start(operate)
        tasks.start(outbox.drain)
        tasks.start(until_gone)
        tasks.start(until_stopping)
        tasks.start(lambda: watch_session(self._engine, self._backend, session, lambda: outbox.put(KEEP_ALIVE)))
        close = await tasks.end()
        if close == TOO_SLOW:
            # Who does not read takes no last byte either.
            self._connection.cut()
            return
        await self._end()

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(self._engine.limits.close_seconds):
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            self._connection.cut()


def _chunk(frame: str) -> Message:
    return {"type": "http.response.body", "body": frame.encode(), "more_body": True}
