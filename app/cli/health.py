"""The command `health`, asked every few seconds by containers: it loads next to nothing, and must stay so."""

import time
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer

from app.cli.main import app, fail
from app.settings import Settings, heartbeat_path

#: A worker that has not gone round for this long counts as stuck.
HEARTBEAT_SECONDS: Final = 30.0


@app.command()
def health(
    url: Annotated[str | None, typer.Argument(help="A /health or /ready address.")] = None,
    *,
    worker: Annotated[bool, typer.Option(help="Check the worker's heartbeat file instead.")] = False,
) -> None:
    """Exit 0 when a process is well, 1 when it is not; for container health checks.

    Example: `campaign-express health http://127.0.0.1:8000/ready`
    """
    if worker:
        _check_heartbeat(heartbeat_path(Settings().var_dir))
    elif url is None:
        raise fail("name an address, or give --worker", 2)
    else:
        try:
            answer = httpx.get(url, timeout=4.0, trust_env=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise fail(f"{url} does not answer: {error}") from error
        if answer.status_code != httpx.codes.OK:
            raise fail(f"{url} answered {answer.status_code}")


def _check_heartbeat(path: Path) -> None:
    if not path.exists():
        raise fail(f"there is no heartbeat at {path}: the worker has not started")
    age = time.time() - path.stat().st_mtime
    if age > HEARTBEAT_SECONDS:
        raise fail(f"the worker's last heartbeat is {age:.0f} s old")
