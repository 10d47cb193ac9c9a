"""Watches one connection while nothing happens on it: initialisation, expiry, membership, pings. Owns timing only."""

import asyncio
import math
from collections.abc import Callable

from app.graphql_transport import messages
from app.graphql_transport.engine import GraphQLEngine
from app.graphql_transport.messages import CloseSocketError
from app.graphql_transport.ports import Backend, Session
from domain.errors import Forbidden, Unauthenticated
from kit.ids import new_id
from kit.time import Clock


class Liveness:
    """What the reader tells the watcher."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.was_heard = True

    def heard(self) -> None:
        """A frame arrived: the peer is alive."""
        self.was_heard = True

    def acknowledged(self) -> None:
        """The connection is initialised."""
        self.ready.set()


def _seconds_left(session: Session, clock: Clock) -> float:
    """Until the session expires; infinite for one that does not."""
    if session.expires_at_utc is None:
        return math.inf
    return (session.expires_at_utc - clock.now_utc()).total_seconds()


def require_unexpired(session: Session, clock: Clock) -> None:
    """Raise CloseSocketError(4403) once the session has expired."""
    if _seconds_left(session, clock) <= 0:
        raise CloseSocketError(messages.FORBIDDEN)


async def new_context(backend: Backend, session: Session, request_id: str) -> object:
    """A context for an operation on a socket. Raises CloseSocketError(4403) if the session may not go on."""
    try:
        return await backend.new_context(session, request_id)
    except (Unauthenticated, Forbidden):
        raise CloseSocketError(messages.FORBIDDEN) from None


async def event_context(backend: Backend, session: Session, request_id: str) -> object:
    """A context for an event on a socket. Raises CloseSocketError(4403) if the session may not go on."""
    try:
        return await backend.event_context(session, request_id)
    except (Unauthenticated, Forbidden):
        raise CloseSocketError(messages.FORBIDDEN) from None


async def watch(
    engine: GraphQLEngine,
    backend: Backend,
    liveness: Liveness,
    session_of: Callable[[], Session | None],
    put: Callable[[str], None],
) -> None:
    """Watch a socket until cancelled.

    Raises:
        CloseSocketError: 4408, 4403 or 4412, when it is time.
    """
    limits = engine.limits
    try:
        async with asyncio.timeout(limits.init_timeout_seconds):
            await liveness.ready.wait()
    except TimeoutError:
        raise CloseSocketError(messages.INIT_TIMEOUT) from None
    session = session_of()
    if session is None:  # the reader acknowledges only after it has a session
        raise CloseSocketError(messages.FORBIDDEN)

    def ping() -> None:
        if not liveness.was_heard:
            raise CloseSocketError(messages.NO_PONG)
        liveness.was_heard = False
        put(messages.PING)

    await watch_session(engine, backend, session, ping)


async def watch_session(engine: GraphQLEngine, backend: Backend, session: Session, ping: Callable[[], None]) -> None:
    """Ask again and again whether a session may go on, and ping in between, until cancelled.

    Raises:
        CloseSocketError: 4403, or what `ping` raises.
    """
    limits, clock = engine.limits, engine.clock
    now = asyncio.get_running_loop().time
    next_ping, next_check = now() + limits.ping_seconds, now() + limits.recheck_seconds
    while True:
        require_unexpired(session, clock)
        await asyncio.sleep(max(0.005, min(next_ping - now(), next_check - now(), _seconds_left(session, clock))))
        if now() >= next_check:
            await event_context(backend, session, new_id().hex)
            next_check = now() + limits.recheck_seconds
        if now() >= next_ping:
            ping()
            next_ping = now() + limits.ping_seconds
