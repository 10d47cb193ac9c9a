"""Frames of graphql-transport-ws: reading what a client sends, writing what it gets. Owns shapes; keeps no state."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.graphql_transport.errors import ErrorData

SUBPROTOCOL: Final = "graphql-transport-ws"


@dataclass(frozen=True, slots=True)
class Close:
    """Why a socket ends: a WebSocket close code and a reason of at most 123 bytes."""

    code: int
    reason: str


class CloseSocketError(Exception):
    """Ends the socket with a close code."""

    def __init__(self, close: Close) -> None:
        super().__init__(close.reason)
        self.close = close


UNAUTHORIZED = Close(4401, "Unauthorized")
FORBIDDEN = Close(4403, "Forbidden")
INIT_TIMEOUT = Close(4408, "Connection initialisation timeout")
TOO_MANY_INITS = Close(4429, "Too many initialisation requests")
#: Two codes of our own. Both are outside those that the graphql-ws client treats as fatal: it connects again.
NO_PONG = Close(4412, "No answer to ping")
TOO_SLOW = Close(4413, "Reading too slowly")
TOO_BIG = Close(1009, "Message too big")
#: Something of ours broke that is not the operation's: a client that connects again may find it mended.
TRY_AGAIN = Close(1013, "Try again later")


def duplicate_id(operation_id: str) -> Close:
    """A second subscribe with an id that is still in use."""
    return Close(4409, f"Subscriber for {operation_id[:80]} already exists".encode("ascii", "replace").decode())


def bad_message(why: str) -> CloseSocketError:
    """A frame that is no message of the protocol."""
    return CloseSocketError(Close(4400, why))


@dataclass(frozen=True, slots=True)
class ConnectionInit:
    """Asks to be acknowledged; `authorization` is what the payload gave, if it gave any."""

    authorization: str | None


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Starts an operation of any kind."""

    operation_id: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Complete:
    """The client wants no more of an operation."""

    operation_id: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Wants a pong."""


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers a ping; also welcome unasked."""


ClientMessage = ConnectionInit | Subscribe | Complete | Ping | Pong


def parse_message(text: str) -> ClientMessage:
    """One frame's message.

    Raises:
        CloseSocketError: 4400, whatever is wrong with it.
    """
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise bad_message("Invalid message: not JSON") from None
    if not isinstance(message, dict):
        raise bad_message("Invalid message: not a JSON object")
    kind, payload = message.get("type"), message.get("payload")
    if kind == "subscribe":
        return _subscribe(message)
    if kind == "complete":
        return Complete(_operation_id(message))
    if not isinstance(payload, dict | None):
        raise bad_message("Invalid message: payload must be an object")
    match kind:
        case "connection_init":
            return ConnectionInit(_authorization(payload or {}))
        case "ping":
            return Ping()
        case "pong":
            return Pong()
    raise bad_message("Invalid message: unknown type")


def _operation_id(message: dict[str, Any]) -> str:
    operation_id = message.get("id")
    if not isinstance(operation_id, str) or not operation_id:
        raise bad_message("Invalid message: id must be a string that is not empty")
    return operation_id


def _subscribe(message: dict[str, Any]) -> Subscribe:
    operation_id, payload = _operation_id(message), message.get("payload")
    if not isinstance(payload, dict) or not payload.keys() & {"query", "documentId", "extensions"}:
        raise bad_message("Invalid message: subscribe needs a payload with a query")
    if not isinstance(payload.get("query", ""), str):
        raise bad_message("Invalid message: query has the wrong type")
    for name, kind in (("operationName", str), ("documentId", str), ("variables", dict), ("extensions", dict)):
        if not isinstance(payload.get(name), kind | None):
            raise bad_message(f"Invalid message: {name} has the wrong type")
    return Subscribe(operation_id, payload)


def _authorization(payload: dict[str, Any]) -> str | None:
    """The payload's `authorization`, under either spelling: GraphiQL's headers editor writes a capital."""
    found = payload.get("authorization", payload.get("Authorization"))
    if not isinstance(found, str | None):
        raise bad_message("Invalid message: authorization must be a string")
    return found


ACK: Final = '{"type":"connection_ack"}'
PING: Final = '{"type":"ping"}'
PONG: Final = '{"type":"pong"}'


class SocketFraming:
    """How the results of one operation stand in a socket's frames."""

    def __init__(self, operation_id: str) -> None:
        self._operation_id = operation_id
        self._next_start = next_start(operation_id)

    def next(self, payload: str) -> str:
        """A result."""
        return next_frame(self._next_start, payload)

    def error(self, errors: list[ErrorData]) -> str:
        """The last frame of an operation that was refused or broke."""
        return error_frame(self._operation_id, errors)

    def complete(self) -> str:
        """The last frame of an operation that ended well."""
        return complete_frame(self._operation_id)


def payload_text(response: dict[str, Any]) -> str:
    """A response as it stands in a frame. Raises TypeError if a custom scalar gave something that is not JSON."""
    return orjson.dumps(response).decode()


def next_start(operation_id: str) -> str:
    """What all `next` frames of an operation begin with."""
    return f'{{"id":{orjson.dumps(operation_id).decode()},"type":"next","payload":'


def next_frame(start: str, payload: str) -> str:
    """A result, from the operation's `next_start` and the response's `payload_text`."""
    return f"{start}{payload}}}"


def error_frame(operation_id: str, errors: list[ErrorData]) -> str:
    """The operation was refused or broke; it is over."""
    return orjson.dumps({"id": operation_id, "type": "error", "payload": errors}).decode()


def complete_frame(operation_id: str) -> str:
    """The operation is over."""
    return orjson.dumps({"id": operation_id, "type": "complete"}).decode()
