"""What every serving command needs: a socket taken first, the fast loop, a log. Knows no server."""

import asyncio
import logging
import signal
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
import uvloop

from app.cli.main import fail
from app.settings import address

logger = logging.getLogger("campaign_express.cli")

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

Host = Annotated[str | None, typer.Option(help="Address to listen on; default: the setting.")]
Port = Annotated[int | None, typer.Option(min=0, max=65_535, help="Port to listen on; default: the setting.")]


@contextmanager
def bound(host: str, port: int, setting: str) -> Iterator[socket.socket]:
    """A listening socket, taken before anything else is opened, so that a port in use is one line and no half start."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            where = address(host, port)
            raise fail(
                f"cannot listen at {where}: {error.strerror}; set {setting} or give --host and --port"
            ) from error
        yield listener


def run_on_uvloop(work: Coroutine[Any, Any, None]) -> None:
    """Run a server to its end. An option of uvicorn's cannot choose the loop: the server is not all that runs in it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)
