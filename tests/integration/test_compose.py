"""docker-compose.yml without an engine: each service's own command and health check, run as local processes.

The postgres and redis images are stood in for by the servers of scripts/services.sh; host names, ports and the volume's
folder are replaced, nothing else. What stays unproven here is the image's build.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest
import yaml
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

ROOT = Path(__file__).resolve().parents[2]
SERVERS = {"postgres", "redis", "profiles"}


def compose() -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


SERVICES: dict[str, dict[str, Any]] = compose()["services"]


def start_order() -> list[str]:
    """The services, each after those that it depends on."""
    placed: list[str] = []
    while len(placed) < len(SERVICES):
        ready = [
            name for name, service in SERVICES.items()
            if name not in placed and set(service.get("depends_on", {})) <= set(placed)
        ]  # fmt: skip
        assert ready, "depends_on goes in a circle"
        placed += ready
    return placed


# --- what the file says -----------------------------------------------------------------------------------------------


@pytest.mark.req("DC-6")
def test_each_process_has_a_container_and_a_health_check() -> None:
    assert set(SERVICES) == SERVERS | {"sandbox", "migrate", "api", "worker", "bid"}
    one_shot = {name for name, service in SERVICES.items() if service.get("restart") == "no"}
    assert one_shot == {"migrate"}
    assert {name for name, service in SERVICES.items() if "healthcheck" in service} == set(SERVICES) - one_shot


def test_dependencies_wait_for_health_or_for_the_end() -> None:
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            expected = "service_healthy" if "healthcheck" in SERVICES[needed] else "service_completed_successfully"
            assert how == {"condition": expected}
    assert start_order().index("migrate") < min(start_order().index("api"), start_order().index("worker"))


def test_only_the_loopback_is_published_and_the_servers_are_not() -> None:
    assert compose()["networks"]["inside"]["internal"] is True
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {f: [f"127.0.0.1:{p}:{p}"] for f, p in (("sandbox", 8010), ("api", 8000), ("bid", 8001))}
    assert all(SERVICES[name]["networks"] == ["inside"] for name in SERVERS | {"migrate", "worker"})


def test_no_credential_stands_in_the_file() -> None:
    for service in SERVICES.values():
        environment = service.get("environment", {})
        assert not [name for name in environment if re.search(r"PASSWORD|SECRET|KEY|TOKEN", name)]
        assert all(urlsplit(value).password is None for value in environment.values() if "://" in value)


def test_the_products_containers_share_settings_volume_and_image() -> None:
    own = [SERVICES[name] for name in sorted(set(SERVICES) - SERVERS)]
    for key in ("environment", "volumes", "image", "build"):
        assert all(service[key] == own[0][key] for service in own)
    assert own[0]["volumes"] == [f"var:{own[0]['environment']['CE_VAR_DIR']}"]
    assert (ROOT / own[0]["build"]["dockerfile"]).is_file()


@pytest.mark.req("NFR-CACHE-005", "NFR-CACHE-006")
async def test_the_profiles_server_keeps_within_8_gb_and_evicts_what_was_asked_for_longest_ago(tmp_path: Path) -> None:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server here")
    command, port = SERVICES["profiles"]["command"], free_port()
    assert command[0] == "redis-server"
    where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(tmp_path)]
    server = await asyncio.create_subprocess_exec(program, *command[1:], *where, stdout=subprocess.DEVNULL)
    client = Redis.from_url(
        f"redis://127.0.0.1:{port}/0", retry=Retry(ConstantBackoff(0.1), 300, supported_errors=(OSError,))
    )
    try:
        assert (await client.config_get("maxmemory"))["maxmemory"] == str(8 * 1024**3)
        assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "allkeys-lru"
    finally:
        await client.aclose()
        server.terminate()
        await server.wait()
    assert "maxmemory" not in " ".join(SERVICES["redis"]["command"])


# --- the same, running ------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Stack:
    """The file's services as local processes."""

    def __init__(self, folder: Path, postgres_url: str, redis_url: str) -> None:
        self.folder = folder
        self.ports = {"api": free_port(), "sandbox": free_port(), "bid": free_port()}
        postgres, redis = urlsplit(postgres_url), urlsplit(redis_url)
        # In this order: the whole addresses first, then what a container says about itself.
        self._replacements = {
            "postgres@postgres:5432/postgres": f"{postgres.username}@{postgres.hostname}:{postgres.port}{postgres.path}",
            **dict.fromkeys(
                ("redis:6379/0", "redis:6379/1", "profiles:6379/0"), f"{redis.hostname}:{redis.port}{redis.path}"
            ),
            "sandbox:8010": f"127.0.0.1:{self.ports['sandbox']}",
            SERVICES["api"]["environment"]["CE_VAR_DIR"]: str(folder / "var"),
            "0.0.0.0": "127.0.0.1",
            "8000": str(self.ports["api"]),
            "8010": str(self.ports["sandbox"]),
            "8001": str(self.ports["bid"]),
            "5432": str(postgres.port),
            "6379": str(redis.port),
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def local(self, text: str) -> str:
        """A text of the file with the container world's names replaced, each place once."""
        pattern = "|".join(re.escape(name) for name in self._replacements)
        return re.sub(pattern, lambda match: self._replacements[match[0]], text)

    def argv(self, command: list[str]) -> list[str]:
        return [self.local(part) for part in command]

    def environment(self, name: str) -> dict[str, str]:
        """The service's own settings over a bare environment: nothing leaks in from the test's own."""
        own: Mapping[str, str] = SERVICES[name].get("environment", {})
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), **{key: self.local(value) for key, value in own.items()}}

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", errors="replace")

    def start(self, name: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                self.argv(SERVICES[name]["command"]),
                cwd=self.folder, env=self.environment(name), stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.processes[name] = process
        return process

    def is_healthy(self, name: str) -> bool:
        check = SERVICES[name]["healthcheck"]
        kind, *command = check["test"]
        argv = ["sh", "-c", *command] if kind == "CMD-SHELL" else command
        done = subprocess.run(
            self.argv(argv), cwd=self.folder, env=self.environment(name), capture_output=True, check=False, timeout=30
        )
        return done.returncode == 0

    def await_health(self, name: str) -> None:
        deadline = time.monotonic() + 150
        while not self.is_healthy(name):
            assert self.processes[name].poll() is None, f"{name} ended: {self.log(name)}"
            assert time.monotonic() < deadline, f"{name} is not healthy: {self.log(name)}"
            time.sleep(0.2)

    def stop(self, name: str) -> int:
        process = self.processes.pop(name)
        process.terminate()
        return process.wait(timeout=15)

    def kill_all(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


async def run_sql(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def stack(tmp_path: Path, redis_url: str) -> Iterator[Stack]:
    postgres_url = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:54329/postgres")
    try:
        asyncio.run(run_sql(postgres_url, "SELECT 1"))
    except OSError:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            raise
        pytest.skip("PostgreSQL does not answer: run scripts/services.sh up")
    name = f"compose_{uuid4().hex}"
    asyncio.run(run_sql(postgres_url, f"CREATE DATABASE {name}"))
    built = Stack(tmp_path, urlsplit(postgres_url)._replace(path=f"/{name}").geturl(), redis_url)
    yield built
    built.kill_all()
    asyncio.run(run_sql(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


def test_the_replacements_reach_every_address(stack: Stack) -> None:
    spoken = [
        *SERVICES["api"]["command"],
        *SERVICES["api"]["healthcheck"]["test"],
        *SERVICES["api"]["environment"].values(),
    ]
    local = shlex.join(stack.local(text) for text in spoken)
    assert not re.search(r"postgres:5432|redis:6379|profiles:6379|sandbox:8010|0\.0\.0\.0|:8000\b|/var/lib", local)
    assert local.count(f"127.0.0.1:{stack.ports['api']}/ready") == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_services_come_up_in_order_answer_and_stop(stack: Stack) -> None:
    for name in start_order():
        if name in SERVERS:
            assert stack.is_healthy(name)
        elif "healthcheck" in SERVICES[name]:
            assert not stack.is_healthy(name)
            stack.start(name)
            stack.await_health(name)
        else:
            assert stack.start(name).wait(timeout=120) == 0, stack.log(name)
            del stack.processes[name]

    answer = httpx.post(
        f"http://127.0.0.1:{stack.ports['api']}/graphql", json={"query": "{ __typename }"}, trust_env=False, timeout=10
    )
    assert answer.json()["data"] == {"__typename": "Query"}

    # The one-shot service may run again over what it made, as it does on every `up`.
    assert stack.start("migrate").wait(timeout=120) == 0, stack.log("migrate")
    del stack.processes["migrate"]

    for name in ("bid", "worker", "api", "sandbox"):
        assert stack.stop(name) in {0, -signal.SIGTERM}, stack.log(name)
        assert "Traceback" not in stack.log(name)
    assert not stack.is_healthy("api")
    assert not stack.is_healthy("sandbox")
