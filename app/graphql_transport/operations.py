"""One operation on a socket or event stream, from its request to its last frame.

Owns what it sends; the connection owns when it ends, and the framing how it looks.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from graphql import OperationType

from app.graphql_transport import messages
from app.graphql_transport.engine import GraphQLEngine, Operation, SubscriptionRefusedError, failed
from app.graphql_transport.errors import ErrorData, RequestRefusedError
from app.graphql_transport.messages import CloseSocketError
from app.graphql_transport.outbox import Outbox
from app.graphql_transport.ports import Backend, Session
from app.graphql_transport.requests import GraphQLRequest
from app.graphql_transport.sharing import Audience, audience_of
from app.graphql_transport.watch import event_context, new_context, require_unexpired

logger = logging.getLogger("campaign_express.graphql")


class Prepared(NamedTuple):
    """A request, the operation that was made ready from it, and what its first answer says beside its data."""

    request: GraphQLRequest
    operation: Operation
    extensions: dict[str, Any]


class Framing(Protocol):
    """How an operation's results look on the wire."""

    def next(self, payload: str) -> str:
        """A result, from a response's `payload_text`."""

    def error(self, errors: list[ErrorData]) -> str:
        """The end of an operation that was refused or broke."""

    def complete(self) -> str:
        """The end of an operation that ended well."""


class OperationRun:
    """Runs one operation; its task is set by who starts it, if it can be cancelled alone."""

    def __init__(
        self,
        engine: GraphQLEngine,
        backend: Backend,
        session: Session,
        outbox: Outbox,
        framing: Framing,
        request_id: str,
    ) -> None:
        self._engine = engine
        self._backend = backend
        self._session = session
        self._outbox = outbox
        self._framing = framing
        self._request_id = request_id
        self.task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """End the operation and say nothing: the client asked for it."""
        if self.task is not None:
            self.task.cancel()

    async def run(self, prepare: Callable[[], Awaitable[Prepared]], release: Callable[[], None]) -> None:
        """Send the operation's results, then `complete`; or `error`, if it is refused or breaks.

        `prepare` may raise RequestRefusedError. `release` is called just before the last frame is queued.

        Raises:
            CloseSocketError: the session may not go on, or the client reads too slowly.
        """
        try:
            await self._results(await prepare())
        except CloseSocketError:
            raise
        except (RequestRefusedError, SubscriptionRefusedError) as refused:
            last = self._framing.error(refused.errors)
        except Exception as error:  # noqa: BLE001 - the edge: whatever broke is logged and masked
            last = self._framing.error(failed(error, self._request_id))
        else:
            last = self._framing.complete()
        release()
        self._outbox.put(last)

    async def _results(self, prepared: Prepared) -> None:
        request, operation, extensions = prepared
        require_unexpired(self._session, self._engine.clock)
        context = await new_context(self._backend, self._session, self._request_id)
        if operation.kind is not OperationType.SUBSCRIPTION:
            response = await self._engine.execute(operation, context, self._request_id)
            self._put_next(messages.payload_text({**response, "extensions": extensions}))
            return
        events = await self._engine.subscribe(operation, context, self._request_id)
        viewers = self._backend.audience(self._session, same_for_all=operation.same_for_all)
        shared, audience = self._engine.shared, audience_of(viewers, request)
        shared.enter(audience)
        try:
            await self._deliver(operation, events, audience)
        finally:
            shared.leave(audience)
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()

    async def _deliver(self, operation: Operation, events: AsyncIterator[Any], audience: Audience | None) -> None:
        try:
            async for event in events:
                context = await self._event_context()

                if self._engine.shared.has_company(audience):
                    payload = await self._shared(operation, event, context, audience)
                else:
                    payload = await self._executed(operation, event, context)
                self._put_next(payload)
        except (CloseSocketError, asyncio.CancelledError):
            raise
        except Exception:
            # A stream often ends because its right to be ended: then the socket closes, instead of going on without.
            await self._event_context()
            raise

    async def _shared(self, operation: Operation, event: Any, context: Any, audience: Audience | None) -> str:
        key = self._backend.event_key(context, event, same_for_all=operation.same_for_all)
        # A field that wrongly says it is the same for all finds nobody to ask, so nobody is shown another's view.
        shown = self._backend.shared_context(context) if operation.same_for_all else context
        return await self._engine.shared.get(audience, key, lambda: self._executed(operation, event, shown))

    async def _executed(self, operation: Operation, event: Any, context: Any) -> str:
        return messages.payload_text(await self._engine.execute_event(operation, event, context, self._request_id))

    def _put_next(self, payload: str) -> None:
        self._outbox.put(self._framing.next(payload))

    async def _event_context(self) -> object:
        """A context for an event, so fresh loaders; the right to one is asked again each time."""
        require_unexpired(self._session, self._engine.clock)
        try:
            return await event_context(self._backend, self._session, self._request_id)
        except CloseSocketError:
            raise
        except Exception:
            # An event that cannot be shown must not be skipped: the client connects again and resumes.
            logger.exception("no context for a subscription event, correlation id %s", self._request_id)
            raise CloseSocketError(messages.TRY_AGAIN) from None
