"""graphql-transport-ws on one socket. Owns the protocol's states and close codes, and the life of every operation.

    4400 bad message          4401 subscribed before ack     4403 refused: token wrong or expired, membership gone
    4408 no init in time      4409 id in use                 4412 no answer to a ping (ours)
    4413 read too slowly (ours)   4429 second init           1009 frame too big
    1012 the server restarts  1013 something of ours broke

Tasks of a socket: one reads, one writes, one watches (init, expiry, membership, pings), one per operation. Whichever
finds a reason to close ends the others (see `connection`).
"""

from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from app.graphql_transport import messages
from app.graphql_transport.connection import ConnectionTasks
from app.graphql_transport.engine import GraphQLEngine
from app.graphql_transport.errors import RequestRefusedError, plain_error
from app.graphql_transport.known import known_document
from app.graphql_transport.messages import CloseSocketError, bad_message
from app.graphql_transport.operations import OperationRun, Prepared
from app.graphql_transport.outbox import Outbox
from app.graphql_transport.ports import Backend, Session
from app.graphql_transport.requests import parse_parameters
from app.graphql_transport.watch import Liveness, watch
from domain.errors import Forbidden, Unauthenticated
from kit.ids import new_id


class GraphQLSocket:
    """The ASGI endpoint for WebSockets."""

    def __init__(self, engine: GraphQLEngine, backend: Backend) -> None:
        self._engine = engine
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until it closes."""
        await receive()  # websocket.connect
        if messages.SUBPROTOCOL not in scope["subprotocols"]:
            await _refuse_handshake(scope, send)
            return
        await send({"type": "websocket.accept", "subprotocol": messages.SUBPROTOCOL})
        address = (scope.get("client") or ("",))[0]
        connection = _Connection(self._engine, self._backend, receive, send, address)
        await connection.run(Headers(scope=scope).get("authorization"))


async def _refuse_handshake(scope: Scope, send: Send) -> None:
    """Turn away clients that do not speak the protocol, the legacy graphql-ws among them."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1002})
        return
    body = f"The WebSocket subprotocol must be {messages.SUBPROTOCOL}.".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "websocket.http.response.start", "status": 400, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


class _Connection:
    """One accepted socket."""

    def __init__(self, engine: GraphQLEngine, backend: Backend, receive: Receive, send: Send, address: str) -> None:
        self._address = address
        self._engine = engine
        self._backend = backend
        self._receive = receive
        self._send = send
        self._outbox = Outbox(send, engine.limits.send_buffer_bytes)
        self._tasks = ConnectionTasks(engine.limits.close_seconds)
        self._operations: dict[str, OperationRun] = {}
        self._session: Session | None = None
        self._anonymous = True
        self._initialised = False
        self._liveness = Liveness()

    async def run(self, authorization: str | None) -> None:
        """Serve until a reason to close is found, then end every task and say why. Never raises for the client."""
        self._tasks.start(lambda: self._read(authorization))
        self._tasks.start(self._write)
        self._tasks.start(self._watch)
        close = await self._tasks.end()
        if close is not None:
            # The peer may be gone already; then there is nobody to tell.
            with suppress(Exception):
                await self._send({"type": "websocket.close", "code": close.code, "reason": close.reason})

    async def _watch(self) -> None:
        await watch(self._engine, self._backend, self._liveness, lambda: self._session, self._outbox.put)

    async def _write(self) -> None:
        await self._outbox.drain()
        self._tasks.close(None)

    async def _read(self, authorization: str | None) -> None:
        while True:
            frame = await self._receive()
            if frame["type"] == "websocket.disconnect":
                self._tasks.close(None)
                return
            self._liveness.heard()
            text = frame.get("text")
            if text is None:
                raise bad_message("Invalid message: text frames only")
            if len(text) > self._engine.limits.frame_bytes:
                raise CloseSocketError(messages.TOO_BIG)
            await self._handle(messages.parse_message(text), authorization)

    async def _handle(self, message: messages.ClientMessage, authorization: str | None) -> None:
        match message:
            case messages.ConnectionInit():
                await self._initialise(message.authorization or authorization)
            case messages.Subscribe():
                self._subscribe(message)
            case messages.Complete(operation_id):
                run = self._operations.pop(operation_id, None)
                if run is not None:
                    run.cancel()
            case messages.Ping():
                self._outbox.put(messages.PONG)
            case messages.Pong():
                pass

    async def _initialise(self, authorization: str | None) -> None:
        if self._initialised:
            raise CloseSocketError(messages.TOO_MANY_INITS)
        self._initialised = True
        try:
            self._session = await self._backend.authenticate(authorization)
        except (Unauthenticated, Forbidden):
            raise CloseSocketError(messages.FORBIDDEN) from None
        self._anonymous = authorization is None
        self._liveness.acknowledged()
        self._outbox.put(messages.ACK)

    def _subscribe(self, message: messages.Subscribe) -> None:
        if self._session is None:
            raise CloseSocketError(messages.UNAUTHORIZED)
        operation_id = message.operation_id
        if operation_id in self._operations:
            raise CloseSocketError(messages.duplicate_id(operation_id))
        allowed = self._engine.limits.operations_per_socket
        if len(self._operations) >= allowed:
            text = f"This socket already runs {allowed} operations."
            self._outbox.put(messages.error_frame(operation_id, [plain_error(text, "TOO_MANY_OPERATIONS")]))
            return
        framing = messages.SocketFraming(operation_id)
        run = OperationRun(self._engine, self._backend, self._session, self._outbox, framing, new_id().hex)
        self._operations[operation_id] = run
        session = self._session
        run.task = self._tasks.start(lambda: self._run_operation(run, session, message))

    async def _prepare(self, session: Session, message: messages.Subscribe) -> Prepared:
        payer = self._backend.payer(session) or self._address
        try:
            request = await known_document(self._backend, session, parse_parameters(message.payload))
            operation = self._engine.prepare(request, anonymous=self._anonymous)
        except RequestRefusedError as refused:
            self._engine.charge_refused(payer, refused)
            raise
        return Prepared(request, operation, self._engine.charge(payer, operation))

    async def _run_operation(self, run: OperationRun, session: Session, message: messages.Subscribe) -> None:
        # The id is free for use again before the client can know that the operation is over.
        def release() -> None:
            if self._operations.get(message.operation_id) is run:
                del self._operations[message.operation_id]

        try:
            await run.run(lambda: self._prepare(session, message), release)
        finally:
            release()
