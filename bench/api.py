"""Approvals and the review list over HTTP, beside a bare Starlette JSON route in the same run.

    python -m bench.api [postgres://user@host:port/database]

The API and the bare route each run as a process of their own; the load runs here. On two cores the load generator
takes its share of them, so read the ratios. Recommendations are approved once each, 50 at once, all in one tenant.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import uvloop

from app.container import Container, open_container
from app.migrations import migrate
from app.settings import Settings
from bench.demo_rows import Rows, store_rows
from bench.http_load import Load, request, run
from domain.access import ALL_SCOPES
from kit.ids import new_id
from schema.base import global_id

APPROVALS = 3_000
LISTS = 1_500
AT_ONCE = 50

APPROVE = """mutation ($id: ID!, $key: String!) {
  recommendationApprove(id: $id, expectedVersion: 1, idempotencyKey: $key) {
    recommendation { id version status } adjustment { id status } userErrors { message code } } }"""
LIST = """query ($ws: ID!) { recommendations(workspaceId: $ws, first: 100) { nodes {
    id version campaignName confidence rationale currentBudget { amount } } } }"""


def free_port() -> int:
    """A port that nothing uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True


@contextmanager
def process(argv: list[str], port: int, environment: dict[str, str]) -> Iterator[int]:
    """A server process that answers on `port`: its process id."""
    child = subprocess.Popen(argv, env={**os.environ, **environment})
    try:
        deadline = time.monotonic() + 60
        while not _listens(port):
            if child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(argv)} did not come up; run it by hand to see why")
            time.sleep(0.05)
        yield child.pid
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(20)


def body(document: str, variables: dict[str, object]) -> bytes:
    """A GraphQL request's JSON."""
    return json.dumps({"query": document, "variables": variables}).encode()


def tokens_of(container: Container, tenant_id: UUID, users: list[UUID]) -> list[str]:
    """An access token for each user."""
    return [
        container.tokens.issue(tenant_id=tenant_id, user_id=u, session_id=new_id(), roles=(), scopes=ALL_SCOPES).text
        for u in users
    ]


async def prepare(settings: Settings) -> tuple[Rows, list[str]]:
    """Migrate, store one tenant with enough recommendations, and sign tokens for fifty reviewers."""
    async with open_container(settings) as container:
        rows = await store_rows(container.ports, APPROVALS, AT_ONCE)
        return rows, tokens_of(container, rows.tenant_id, rows.reviewer_ids)


async def measure(url: str, folder: Path) -> dict[str, Load]:
    """All loads against one database: the bare route, the list, the approvals."""
    api, bare = free_port(), free_port()
    # One client asks for more than any person may.
    settings = Settings(var_dir=folder, database_url=url, token_ttl_seconds=3_600, rate_per_second=0)
    await migrate(url)
    rows, tokens = await prepare(settings)
    environment = {"CE_VAR_DIR": str(folder), "CE_DATABASE_URL": url, "CE_TOKEN_TTL_SECONDS": "3600"}
    found: dict[str, Load] = {}
    floor = [request("/")] * 5_000
    with process([sys.executable, "-m", "bench.bare", str(bare)], bare, {}):
        found["bare Starlette JSON route"] = await run(bare, floor, AT_ONCE, b"ok")
    workspace = str(global_id("Workspace", rows.workspace_id))
    lists = [request("/graphql", body(LIST, {"ws": workspace}), tokens[n % AT_ONCE]) for n in range(LISTS)]
    approvals = [
        request(
            "/graphql",
            body(APPROVE, {"id": str(global_id("Recommendation", each)), "key": uuid4().hex}),
            tokens[n % AT_ONCE],
        )
        for n, each in enumerate(rows.recommendation_ids)
    ]
    with process([sys.executable, "-m", "app", "serve", "--port", str(api)], api, environment):
        await run(api, lists[:100], AT_ONCE, b'"campaignName"')
        found["list of 100 recommendations"] = await run(api, lists, AT_ONCE, b'"campaignName"')
        await run(api, approvals[:200], AT_ONCE, b'"APPROVED"')
        found["approve, 50 at once"] = await run(api, approvals[200:], AT_ONCE, b'"APPROVED"')
    return found


@asynccontextmanager
async def created_database(url: str) -> AsyncIterator[str]:
    """The address of a new database on a PostgreSQL server, dropped in the end."""
    name = f"bench_{uuid4().hex}"
    admin = await asyncpg.connect(url)
    await admin.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await admin.close()


async def main() -> None:
    """SQLite, then PostgreSQL if an address was given."""
    with tempfile.TemporaryDirectory() as folder:
        show("SQLite", await measure(f"sqlite://{folder}/bench.db", Path(folder)))
    if len(sys.argv) > 1:
        async with created_database(sys.argv[1]) as url:
            with tempfile.TemporaryDirectory() as folder:
                show("PostgreSQL", await measure(url, Path(folder)))


def show(title: str, found: dict[str, Load]) -> None:
    """Print one database's table."""
    floor = found["bare Starlette JSON route"].per_second
    print(f"\n{title}\n{'':32}{'requests':>9}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}{'of bare':>9}")
    for name, load in found.items():
        print(
            f"{name:32}{load.requests:9}{load.per_second:9.0f}{load.p50_ms:9.1f}{load.p99_ms:9.1f}"
            f"{load.per_second / floor:9.3f}"
        )


if __name__ == "__main__":
    uvloop.run(main())
