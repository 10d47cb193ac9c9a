"""Commands that serve: `up`, `serve`, `worker`, `sandbox`, `health`."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
import uvicorn

from app.cli.main import app, fail, run
from app.container import Container, open_container
from app.graphql_transport import uvicorn_options
from app.sandbox_clock import open_clock
from app.seed import DEMO_MEMBERS, demo_password, seed_demo
from app.settings import Settings
from app.supervisor import Child, Step, run_up
from app.web import create_app
from app.worker import heartbeat_path, run_worker
from sandbox.app import serve as serve_sandbox

#: A worker that has not gone round for this long counts as stuck.
HEARTBEAT_SECONDS: Final = 30.0

Host = Annotated[str | None, typer.Option(help="Address to listen on; default: the setting.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; default: the setting.")]


@app.command()
def up() -> None:
    """Start the whole demo: sandbox, and one process holding API and worker; Ctrl-C stops it.

    Example: `campaign-express up`
    """
    settings = Settings()
    me = [sys.executable, "-m", "app"]
    api = f"http://{settings.api_host}:{settings.api_port}"
    follow = {"CE_CLOCK": "sandbox"}
    children = [
        Child("sandbox", [*me, "sandbox"], f"{settings.sandbox}/health", port_setting="CE_SANDBOX_PORT"),
        Child(
            "api", [*me, "serve", "--with-worker", "--demo"], f"{api}/health", env=follow, port_setting="CE_API_PORT"
        ),
    ]
    status = run_up(
        children,
        var_dir=settings.var_dir,
        prepare=[Step("migrating the database", [*me, "migrate"])],
        banner=_banner(settings, api),
        health_timeout_seconds=120.0,
    )
    raise typer.Exit(status)


def _banner(settings: Settings, api: str) -> str:
    people = "\n".join(f"    {each.email:16} {each.title}" for each in DEMO_MEMBERS)
    return f"""
  Campaign Express is up.

    review page      {api}/
    GraphQL          {api}/graphql
    explorer         {api}/explorer
    health, metrics  {api}/health  {api}/metrics
    ad platforms     {settings.sandbox}/   (the sandbox: its clock, budgets and ledger)

  Demo logins, all with the password {demo_password(settings.var_dir)}
{people}

  Open the review page in two browsers, as ana and as ben, and decide the same recommendation.
  Ctrl-C stops everything."""


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    *,
    with_worker: Annotated[bool, typer.Option(help="Run the worker in this process too.")] = False,
    demo: Annotated[bool, typer.Option(help="Make the demo workspace first, if there is none.")] = False,
) -> None:
    """Serve the API.

    Example: `campaign-express serve --with-worker`
    """
    settings = Settings()
    run(_serve(settings, host or settings.api_host, settings.api_port if port is None else port, with_worker, demo))


async def _serve(settings: Settings, host: str, port: int, with_worker: bool, demo: bool) -> None:
    async with open_clock(settings) as clock, open_container(settings, clock) as container:
        if demo:
            await seed_demo(container)
        around: AbstractAsyncContextManager[object] | None = worker_beside(container) if with_worker else None
        asgi, limits = create_app(container, around)
        config = uvicorn.Config(
            asgi, host=host, port=port, log_level="info", access_log=False, **uvicorn_options(limits)
        )
        await uvicorn.Server(config).serve()


@asynccontextmanager
async def worker_beside(container: Container) -> AsyncIterator[None]:
    """The worker as a task of this process, stopped cleanly at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(container, stop))
    try:
        yield
    finally:
        stop.set()
        await task


@app.command()
def worker() -> None:
    """Run the worker: sync, propose, dispatch, expire, anchor.

    Example: `campaign-express worker`
    """
    run(_work(Settings()))


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    async with open_clock(settings) as clock, open_container(settings, clock) as container:
        await run_worker(container, stop)


@app.command()
def sandbox(host: Host = None, port: Port = None) -> None:
    """Serve the sandbox that plays Meta, Google and TikTok.

    Example: `campaign-express sandbox --port 8010`
    """
    settings = Settings()
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    serve_sandbox(
        host or settings.sandbox_host,
        settings.sandbox_port if port is None else port,
        settings.var_dir / "sandbox.db",
    )


@app.command()
def health(
    url: Annotated[str | None, typer.Argument(help="A /health address.")] = None,
    *,
    worker: Annotated[bool, typer.Option(help="Check the worker's heartbeat file instead.")] = False,
) -> None:
    """Exit 0 when a process is well, 1 when it is not; for container health checks.

    Example: `campaign-express health http://127.0.0.1:8000/health`
    """
    if worker:
        _check_heartbeat(heartbeat_path(Settings().var_dir))
    elif url is None:
        raise fail("name an address, or give --worker", 2)
    else:
        answer = httpx.get(url, timeout=4.0, trust_env=False)
        if answer.status_code != httpx.codes.OK:
            raise fail(f"{url} answered {answer.status_code}")


def _check_heartbeat(path: Path) -> None:
    if not path.exists():
        raise fail(f"there is no heartbeat at {path}: the worker has not started")
    age = time.time() - path.stat().st_mtime
    if age > HEARTBEAT_SECONDS:
        raise fail(f"the worker's last heartbeat is {age:.0f} s old")
