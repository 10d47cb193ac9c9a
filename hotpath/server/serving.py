"""From a listening socket to the last answer: accept, sweep, and drain when told to stop. Must not know a route."""

import asyncio
import socket
import time
from collections.abc import Callable

from hotpath.server.protocol import Application, Connection, Limits, Shared

_SWEEP_S = 0.25
_DRAIN_POLL_S = 0.02


async def serve(
    listener: socket.socket,
    application: Application,
    stop: asyncio.Event,
    *,
    limits: Limits,
    turn: Callable[[], float] | None = None,
    observe: Callable[[float], None] | None = None,
    quiet_s: float = 1.0,
    drain_s: float = 5.0,
) -> None:
    """Serve until `stop` is set, then drain: nobody's request is lost who began it before, or within `quiet_s`.

    Args:
        listener: bound; it is closed here.
        application: answers requests.
        stop: set from a signal.
        limits: of every connection.
        turn: when the loop's turn began, on the monotonic clock.
        observe: told the seconds that each timed answer took.
        quiet_s: after the stop, how long open connections may still bring a request; its answer closes them.
        drain_s: when the last connection is cut off, counted from the stop.
    """
    loop = asyncio.get_running_loop()
    shared = Shared(application, limits, turn=turn, observe=observe)
    server = await loop.create_server(lambda: Connection(shared), sock=listener, backlog=2048)
    sweeper = asyncio.create_task(_sweep(shared))
    try:
        await stop.wait()
        shared.draining = True
        server.close()
        await _drain(shared, loop.time() + quiet_s, loop.time() + drain_s)
    finally:
        sweeper.cancel()
        server.close()


async def _sweep(shared: Shared) -> None:
    while True:
        await asyncio.sleep(_SWEEP_S)
        shared.sweep(time.monotonic())


async def _drain(shared: Shared, quiet_until_s: float, until_s: float) -> None:
    loop = asyncio.get_running_loop()
    while shared.connections and loop.time() < until_s:
        if loop.time() >= quiet_until_s:
            for connection in tuple(shared.connections):
                if not connection.is_busy:
                    connection.end()
        await asyncio.sleep(_DRAIN_POLL_S)
    for connection in tuple(shared.connections):
        connection.end()
    # One turn of the loop, so that what was closed is gone.
    await asyncio.sleep(0)
