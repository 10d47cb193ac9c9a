"""GraphQL over HTTP, after the GraphQL-over-HTTP specification. Owns statuses and headers, one ASGI endpoint.

    200  executed (field errors included); with application/json or text/event-stream also a refused document
    400  no GraphQL request at all; with application/graphql-response+json also a refused document
    401  wrong token, with WWW-Authenticate      403  the membership is gone
    405  another method; a mutation by GET       406  no acceptable media type
    408  the body took too long                  413  body too large        415  body not UTF-8 JSON
    429  more than the viewer's share            500  no context could be made (masked)

Who accepts text/event-stream gets subscriptions as one, and everything if it accepts nothing else (see `event_stream`).

Every answer carries x-request-id: the client's own, if it is a plain token, or a new one. It is also the correlation id
of masked errors.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import orjson
from graphql import OperationType
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from app.graphql_transport.engine import (
    QUERIES,
    QUERIES_AND_MUTATIONS,
    SUBSCRIPTIONS,
    GraphQLEngine,
    failed,
)
from app.graphql_transport.errors import BAD_REQUEST, ErrorData, RequestRefusedError, plain_error, refuse
from app.graphql_transport.event_stream import EventStream
from app.graphql_transport.known import known_document
from app.graphql_transport.negotiation import (
    EVENT_STREAM,
    GRAPHQL_RESPONSE,
    JSON,
    accepts_events,
    is_utf8_json,
    response_type,
)
from app.graphql_transport.operations import Prepared
from app.graphql_transport.ports import Backend, Session
from app.graphql_transport.rates import RateLimitedError
from app.graphql_transport.requests import GraphQLRequest, parse_parameters
from domain.errors import Forbidden, Unauthenticated
from kit.ids import new_id

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_RETRY_SECONDS = 5


class _Gone(Exception):
    """The client hung up while sending."""


class GraphQLHTTP:
    """The ASGI endpoint for GET and POST."""

    def __init__(self, engine: GraphQLEngine, backend: Backend) -> None:
        self._engine = engine
        self._backend = backend
        self._streams: Counter[Hashable] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        answer = _Answer(send, _request_id(headers.get("x-request-id")))
        accepted = response_type(headers.get("accept"))
        if accepted is None and not accepts_events(headers.get("accept")):
            await answer.errors(
                406, [plain_error(f"Accept {GRAPHQL_RESPONSE}, {JSON} or {EVENT_STREAM}.", BAD_REQUEST)]
            )
            return
        answer.media_type = accepted or JSON
        try:
            await self._run(scope, headers, receive, answer, streams_only=accepted is None)
        except RequestRefusedError as refused:
            legacy = accepted == JSON and not refused.malformed
            headers_too = _refusal_headers(refused, scope["method"])
            await answer.errors(200 if legacy else refused.status, refused.errors, headers_too)
        except Unauthenticated as error:
            challenge = {"www-authenticate": 'Bearer realm="campaign-express", error="invalid_token"'}
            await answer.errors(401, failed(error, answer.request_id), challenge)
        except Forbidden as error:
            await answer.errors(403, failed(error, answer.request_id))
        except _Gone:
            return
        except Exception as error:  # noqa: BLE001 - the edge: whatever broke is logged and masked
            await answer.errors(500, failed(error, answer.request_id))

    async def _run(
        self, scope: Scope, headers: Headers, receive: Receive, answer: "_Answer", *, streams_only: bool
    ) -> None:
        method = scope["method"]
        if method not in {"GET", "POST"}:
            raise refuse("Send GET or POST.", BAD_REQUEST, status=405, malformed=True)
        authorization = headers.get("authorization")
        session = await self._backend.authenticate(authorization)
        if method == "GET":
            request, allowed = self._read_query_string(scope), QUERIES
        else:
            request, allowed = await self._read_body(headers, receive), QUERIES_AND_MUTATIONS
        if accepts_events(headers.get("accept")):
            allowed |= SUBSCRIPTIONS
        payer = self._backend.payer(session) or _address(scope)
        prepared: Callable[[], Awaitable[Prepared]]
        try:
            request = await known_document(self._backend, session, request)
            operation = self._engine.prepare(request, anonymous=authorization is None, allowed=allowed)
        except RequestRefusedError as refused:
            self._engine.charge_refused(payer, refused)
            if not streams_only or refused.malformed:
                raise
            prepared = _raising(refused)
        else:
            extensions = self._engine.charge(payer, operation)
            if not streams_only and operation.kind is not OperationType.SUBSCRIPTION:
                context = await self._backend.new_context(session, answer.request_id)
                response = await self._engine.execute(operation, context, answer.request_id)
                await answer.data({**response, "extensions": extensions})
                return
            prepared = _giving(Prepared(request, operation, extensions))
        await self._stream(scope, receive, answer, session, prepared)

    async def _stream(
        self,
        scope: Scope,
        receive: Receive,
        answer: "_Answer",
        session: Session,
        prepared: Callable[[], Awaitable[Prepared]],
    ) -> None:
        viewer = self._backend.payer(session) or _address(scope)
        if self._streams[viewer] >= self._engine.limits.streams_per_viewer:
            message = f"You already have {self._engine.limits.streams_per_viewer} streams open."
            raise refuse(message, "TOO_MANY_OPERATIONS", status=429, malformed=True)
        # Before the first byte, so that who may not go on is told with a status.
        await self._backend.event_context(session, answer.request_id)
        self._streams[viewer] += 1
        try:
            stream = EventStream(self._engine, self._backend, scope, receive, answer.send)
            await stream.run(session, prepared, answer.request_id)
        finally:
            self._streams[viewer] -= 1
            if not self._streams[viewer]:
                del self._streams[viewer]

    def _read_query_string(self, scope: Scope) -> GraphQLRequest:
        raw: bytes = scope["query_string"]
        if len(raw) > self._engine.limits.body_bytes:
            raise refuse("The query string is too long.", BAD_REQUEST, status=413, malformed=True)
        parameters: dict[str, Any] = dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True))
        for name in ("variables", "extensions"):
            if parameters.get(name):
                parameters[name] = _json(parameters[name].encode(), f"The parameter '{name}'")
            else:
                parameters.pop(name, None)
        return parse_parameters(parameters)

    async def _read_body(self, headers: Headers, receive: Receive) -> GraphQLRequest:
        if not is_utf8_json(headers.get("content-type")) or headers.get("content-encoding", "identity") != "identity":
            message = f"Send {JSON} in UTF-8, not compressed."
            raise refuse(message, BAD_REQUEST, status=415, malformed=True)
        try:
            async with asyncio.timeout(self._engine.limits.body_seconds):
                body = await self._receive_all(headers, receive)
        except TimeoutError:
            raise refuse("The body took too long.", BAD_REQUEST, status=408, malformed=True) from None
        return parse_parameters(_json(body, "The body"))

    async def _receive_all(self, headers: Headers, receive: Receive) -> bytes:
        limit = self._engine.limits.body_bytes
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            body += message.get("body", b"")
            if len(body) > limit:
                raise _too_large(limit)
            if not message.get("more_body", False):
                return bytes(body)


class _Answer:
    """Writes one JSON response."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.send = send
        self.request_id = request_id
        self.media_type = JSON

    async def data(self, response: dict[str, Any]) -> None:
        """An executed operation."""
        try:
            body = orjson.dumps(response)
        except TypeError as error:  # a custom scalar gave something that is not JSON
            await self.errors(500, failed(error, self.request_id))
        else:
            await self._write(200, body, {})

    async def errors(self, status: int, errors: list[ErrorData], headers: dict[str, str] | None = None) -> None:
        """A request that was not executed."""
        await self._write(status, orjson.dumps({"errors": errors}), headers or {})

    async def _write(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        all_headers = {
            "content-type": f"{self.media_type}; charset=utf-8",
            "content-length": str(len(body)),
            "x-request-id": self.request_id,
            "cache-control": "no-store",
            "vary": "accept",
            **headers,
        }
        raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in all_headers.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": raw_headers})
        await self.send({"type": "http.response.body", "body": body})


def _too_large(limit: int) -> RequestRefusedError:
    return refuse(f"The body is over the limit of {limit} bytes.", BAD_REQUEST, status=413, malformed=True)


def _refusal_headers(refused: RequestRefusedError, method: str) -> dict[str, str]:
    if refused.status == HTTPStatus.METHOD_NOT_ALLOWED:
        return {"allow": "POST" if method == "GET" else "GET, POST"}
    if isinstance(refused, RateLimitedError):
        return {"retry-after": str(refused.retry_seconds)}
    if refused.status == HTTPStatus.TOO_MANY_REQUESTS:
        return {"retry-after": str(_RETRY_SECONDS)}
    return {}


def _address(scope: Scope) -> str:
    """Where a stranger asks from: what a share can be kept for."""
    return (scope.get("client") or ("",))[0]


def _giving(prepared: Prepared) -> Callable[[], Awaitable[Prepared]]:
    async def prepare() -> Prepared:
        return prepared

    return prepare


def _raising(refused: RequestRefusedError) -> Callable[[], Awaitable[Prepared]]:
    async def prepare() -> Prepared:
        raise refused

    return prepare


def _request_id(given: str | None) -> str:
    return given if given is not None and _REQUEST_ID.fullmatch(given) else new_id().hex


def _json(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise refuse(f"{what} is not valid JSON.", BAD_REQUEST, malformed=True) from None
