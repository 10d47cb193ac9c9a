"""Our API beside graphql-yoga and mercurius, over the same PostgreSQL rows, in one run.

    (cd bench/peers && npm ci --ignore-scripts)
    python -m bench.graphql_peers postgres://user@host:port/database [--subscribers 1000] [--rounds 5]

Two questions. How many lists of 100 recommendations a second, 50 keep-alive connections? And when one recommendation is
approved, when do half, 99 % and the last of the subscribers have it, for how much CPU of the server and how much of its
memory? Every server is one process and is alone while it is measured; tokens, documents and rows are the same. The
peers do less: one UPDATE where we check guardrails, write the log and the outbox, and resume streams.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import uvloop

from app.container import open_container
from app.migrations import migrate
from app.settings import Settings
from bench.api import APPROVE, AT_ONCE, LIST, body, created_database, free_port, process, tokens_of
from bench.demo_rows import Rows, store_rows
from bench.fanout import subscribers_elsewhere
from bench.http_load import Load, once, request, run
from schema.base import global_id

PEERS = Path(__file__).parent / "peers"
LISTS = 3_000
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Server:
    """How one server is started; the port is added to the arguments."""

    name: str
    argv: list[str]
    environment: dict[str, str]

    @contextmanager
    def running(self) -> Iterator[tuple[int, int]]:
        """Process id and port."""
        port = free_port()
        with process([*self.argv, str(port)], port, self.environment) as pid:
            yield pid, port


@dataclass(frozen=True)
class Fanout:
    """Medians over the rounds: milliseconds from before the mutation was sent; the server's own CPU and memory."""

    p50_ms: float
    p99_ms: float
    last_ms: float
    cpu_us_per_delivery: float
    kib_per_subscriber: float


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_bytes(pid: int) -> int:
    """What a process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE


def approval(recommendation_id: UUID, token: str) -> bytes:
    """An approval's request."""
    variables = {"id": str(global_id("Recommendation", recommendation_id)), "key": uuid4().hex}
    return request("/graphql", body(APPROVE, variables), token)


async def lists(server: Server, workspace: str, tokens: list[str]) -> Load:
    """The list, 50 at once, after a warm-up."""
    sent = [
        request("/graphql", body(LIST, {"ws": workspace}), tokens[number % AT_ONCE]) for number in range(LISTS + 500)
    ]
    with server.running() as (_, port):
        await run(port, sent[:500], AT_ONCE, b'"campaignName"')
        return await run(port, sent[500:], AT_ONCE, b'"campaignName"')


async def fan_out(server: Server, workspace: str, tokens: list[str], changed: list[UUID]) -> Fanout:
    """One approval after another, each awaited by every subscriber."""
    found: list[tuple[float, ...]] = []
    with server.running() as (pid, port):
        await once(port, request("/graphql", body(LIST, {"ws": workspace}), tokens[0]), b'"campaignName"')
        before = resident_bytes(pid)
        with subscribers_elsewhere(port, tokens, workspace, len(changed)) as told:
            await asyncio.to_thread(told.recv)
            memory = (resident_bytes(pid) - before) / 1024 / len(tokens)
            for each in changed:
                await asyncio.sleep(0.5)
                cpu, started = cpu_seconds(pid), time.monotonic()
                await once(port, approval(each, tokens[0]), b'"APPROVED"')
                times = sorted((at - started) * 1_000 for at in await asyncio.to_thread(told.recv))
                used = (cpu_seconds(pid) - cpu) * 1_000_000 / len(times)
                found.append((times[len(times) // 2], times[int(len(times) * 0.99)], times[-1], used))
    return Fanout(*(statistics.median(column) for column in zip(*found, strict=True)), memory)


def public_keys(folder: Path) -> Path:
    """The keys that verify our tokens, without their private halves, in a file for the peers."""
    ring = json.loads((folder / "keys" / "tokens.json").read_text("utf-8"))["keys"]
    shown = [{name: each[name] for name in ("kty", "crv", "x", "kid", "alg", "use")} for each in ring]
    path = folder / "public-keys.json"
    path.write_text(json.dumps({"keys": shown}), "utf-8")
    return path


def servers(url: str, folder: Path) -> list[Server]:
    """Ours and the peers."""
    peer = {"PEER_DATABASE_URL": url, "PEER_KEYS_FILE": str(public_keys(folder)), "NODE_ENV": "production"}
    ours = {"CE_VAR_DIR": str(folder), "CE_DATABASE_URL": url, "CE_TOKEN_TTL_SECONDS": "3600"}
    return [
        Server("Campaign Express", [sys.executable, "-m", "app", "serve", "--port"], ours),
        Server("graphql-yoga", ["node", str(PEERS / "yoga.mjs")], peer),
        Server("mercurius", ["node", str(PEERS / "mercurius.mjs")], peer),
        Server("mercurius, JIT", ["node", str(PEERS / "mercurius.mjs")], {**peer, "PEER_JIT": "1"}),
    ]


async def prepare(settings: Settings, rounds: int, people: int) -> tuple[Rows, list[str]]:
    """One tenant with a hundred recommendations for the list and some for each server to approve."""
    await migrate(settings.database)
    async with open_container(settings) as container:
        rows = await store_rows(container.ports, 100 + rounds * 4, people)
        return rows, tokens_of(container, rows.tenant_id, rows.reviewer_ids)


async def measure(url: str, subscribers: int, rounds: int, only: str) -> None:
    """Everything, printed as it comes."""
    async with created_database(url) as database:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            settings = Settings(var_dir=folder, database_url=database, token_ttl_seconds=3_600)
            rows, tokens = await prepare(settings, rounds, max(subscribers, AT_ONCE))
            workspace = str(global_id("Workspace", rows.workspace_id))
            chosen = [each for each in servers(database, folder) if only in each.name]
            if subscribers >= 0:
                print(f"{'list of 100':24}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}")
                for server in chosen:
                    load = await lists(server, workspace, tokens)
                    print(f"{server.name:24}{load.per_second:9.0f}{load.p50_ms:9.1f}{load.p99_ms:9.1f}", flush=True)
            if subscribers > 0:
                columns = "".join(f"{each:>9}" for each in ("p50 ms", "p99 ms", "last ms", "CPU us", "KiB each"))
                print(f"\n{f'{subscribers} subscribers':24}{columns}")
                for number, server in enumerate(chosen):
                    changed = rows.recommendation_ids[number * rounds : (number + 1) * rounds]
                    seen = await fan_out(server, workspace, tokens[:subscribers], changed)
                    print(
                        f"{server.name:24}{seen.p50_ms:9.0f}{seen.p99_ms:9.0f}{seen.last_ms:9.0f}"
                        f"{seen.cpu_us_per_delivery:9.0f}{seen.kib_per_subscriber:9.0f}",
                        flush=True,
                    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database_url")
    parser.add_argument("--subscribers", type=int, default=1_000, help="0: the list only")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="a part of one server's name")
    arguments = parser.parse_args()
    if not (PEERS / "node_modules").is_dir():
        parser.error("the peers' packages are missing: (cd bench/peers && npm ci --ignore-scripts)")
    uvloop.run(measure(arguments.database_url, arguments.subscribers, arguments.rounds, arguments.only))


if __name__ == "__main__":
    main()
