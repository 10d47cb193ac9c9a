"""The parent of `make run`, run as a real process over toy children: order, health, signals, deaths, ports."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

# A child that says on standard output what happens to it, answers 200 after `delay` seconds, and can be told to die.
TOY = """
import http.server, os, signal, sys, threading, time
name, port, delay, stubborn = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "stubborn"
trace = open(os.environ["TRACE"], "a", buffering=1)
def note(what): trace.write(f"{name} {what}\\n")
note("started")
time.sleep(delay)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            print("the disk is on fire", file=sys.stderr)
            os._exit(7)
        self.send_response(200); self.end_headers()
    def log_message(self, *args): pass
def stop(*args):
    note("asked to stop")
    if not stubborn: os._exit(0)
signal.signal(signal.SIGTERM, stop)
server = http.server.HTTPServer(("127.0.0.1", port), Handler)
note("healthy")
server.serve_forever()
"""

PARENT = """
import json, sys
from pathlib import Path
from app.supervisor import Child, Step, run_up
spec = json.loads(sys.argv[1])
sys.exit(run_up(
    [Child(**child) for child in spec["children"]],
    prepare=[Step(**step) for step in spec["prepare"]],
    var_dir=Path(spec["var_dir"]), banner=spec["banner"], health_timeout_seconds=spec["health_timeout_seconds"],
    stop_timeout_seconds=spec["stop_timeout_seconds"],
))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Parent:
    """Builds a run of toys, starts it, and keeps what it prints."""

    def __init__(self, folder: Path) -> None:
        self.var_dir = folder / "var"
        self.trace_path = folder / "trace"
        self.trace_path.touch()
        self.children: list[dict[str, Any]] = []
        self.prepare: list[dict[str, Any]] = []
        self.health_timeout_seconds = 20.0
        self.stop_timeout_seconds = 10.0
        self.process: subprocess.Popen[str] | None = None

    def child(self, name: str, *, delay: float = 0.0, temper: str = "calm", port: int | None = None) -> str:
        port = port or free_port()
        argv = [sys.executable, "-c", TOY, name, str(port), str(delay), temper]
        url = f"http://127.0.0.1:{port}/health"
        self.children.append({"name": name, "argv": argv, "health_url": url, "port_setting": f"CE_{name.upper()}_PORT"})
        return f"http://127.0.0.1:{port}"

    def step(self, name: str, code: str) -> None:
        self.prepare.append({"name": name, "argv": [sys.executable, "-c", code]})

    def start(self) -> subprocess.Popen[str]:
        spec = {
            "children": self.children,
            "prepare": self.prepare,
            "var_dir": str(self.var_dir),
            "banner": "all is up",
            "health_timeout_seconds": self.health_timeout_seconds,
            "stop_timeout_seconds": self.stop_timeout_seconds,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT, json.dumps(spec)],
            env={**os.environ, "TRACE": str(self.trace_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self.process

    def await_banner(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        while (line := self.process.stdout.readline()) != "all is up\n":
            assert line, self.process.communicate()

    def end(self) -> tuple[int, str, str]:
        assert self.process is not None
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err

    def trace(self) -> list[str]:
        return self.trace_path.read_text().splitlines()


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[Parent]:
    built = Parent(tmp_path)
    yield built
    if built.process is not None and built.process.poll() is None:
        built.process.kill()
        built.process.communicate()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False, timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def until_silent(url: str) -> bool:
    deadline = time.monotonic() + 10
    while answers(url) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not answers(url)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_starts_in_order_and_stops_cleanly_in_reverse(parent: Parent, number: signal.Signals) -> None:
    parent.step("migrating the database", "import os; open(os.environ['TRACE'], 'a').write('migrated\\n')")
    parent.step(
        "seeding", "import os; open(os.environ['TRACE'], 'a').write('seeded ' + os.environ['CE_VAR_DIR'] + '\\n')"
    )
    first = parent.child("sandbox", delay=0.4)
    second = parent.child("api")
    parent.start()
    parent.await_banner()
    assert answers(first)
    assert answers(second)

    parent.process.send_signal(number)
    status, out, err = parent.end()

    assert (status, out, err) == (0, "stopping\nstopped\n", "")
    assert parent.trace() == [
        "migrated",
        f"seeded {parent.var_dir}",
        "sandbox started",
        "sandbox healthy",
        "api started",
        "api healthy",
        "api asked to stop",
        "sandbox asked to stop",
    ]


def test_can_be_started_again_at_once(parent: Parent) -> None:
    parent.child("api")
    for _ in range(2):
        parent.start()
        parent.await_banner()
        parent.process.send_signal(signal.SIGTERM)
        assert parent.end()[0] == 0
    assert parent.trace() == ["api started", "api healthy", "api asked to stop"] * 2
    assert (parent.var_dir / "logs" / "api.log").is_file()
    assert (parent.var_dir / "logs" / "api.log.1").is_file()


def test_a_child_that_dies_takes_the_others_down_and_leaves_its_last_words(parent: Parent) -> None:
    sandbox = parent.child("sandbox")
    api = parent.child("api")
    parent.start()
    parent.await_banner()

    with pytest.raises(httpx.TransportError):
        httpx.get(f"{sandbox}/die", trust_env=False)
    status, out, err = parent.end()

    log = parent.var_dir / "logs" / "sandbox.log"
    assert status == 1
    assert out == ""
    assert err == (
        f"sandbox ended (status 7); the others are stopped; the end of {log}:\n  sandbox | the disk is on fire\n"
    )
    assert parent.trace()[-1] == "api asked to stop"
    assert not answers(api)


def test_a_child_that_never_answers_is_given_up(parent: Parent) -> None:
    parent.health_timeout_seconds = 0.5
    url = parent.child("api", delay=30)
    parent.start()
    status, out, err = parent.end()
    assert (status, out) == (1, "")
    assert err.startswith(f"api did not answer at {url}/health within 0.5 s; the end of ")


def test_a_failed_step_starts_nothing(parent: Parent) -> None:
    parent.step("migrating the database", "raise SystemExit('no such table: campaigns')")
    parent.child("api")
    parent.start()
    status, out, err = parent.end()
    log = parent.var_dir / "logs" / "migrating-the-database.log"
    assert (status, out) == (1, "migrating the database ...\n")
    assert err == (
        f"migrating the database failed with status 1; the end of {log}:\n"
        "  migrating the database | no such table: campaigns\n"
    )
    assert parent.trace() == []


def test_a_port_in_use_is_told_before_anything_starts(parent: Parent) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        parent.step("seeding", "import os; open(os.environ['TRACE'], 'a').write('seeded\\n')")
        parent.child("sandbox")
        parent.child("api", port=port)
        parent.start()
        status, out, err = parent.end()
    assert (status, out) == (1, "")
    assert err == (
        f"port {port} on 127.0.0.1, wanted by api, is in use: stop what uses it, or set CE_API_PORT to another port\n"
    )
    assert parent.trace() == []


def test_a_second_run_over_the_same_folder_is_refused(parent: Parent, tmp_path: Path) -> None:
    parent.child("api")
    parent.start()
    parent.await_banner()
    other = Parent(tmp_path)
    other.child("api")
    other.start()
    status, out, err = other.end()
    assert (status, out) == (1, "")
    assert err == (f"{parent.var_dir} is in use by another `make run`: stop it, or set CE_VAR_DIR to another folder\n")
    parent.process.send_signal(signal.SIGTERM)
    assert parent.end()[0] == 0


def test_a_child_that_will_not_stop_is_killed_when_its_grace_is_over(parent: Parent) -> None:
    parent.stop_timeout_seconds = 0.5
    url = parent.child("api", temper="stubborn")
    parent.start()
    parent.await_banner()
    parent.process.send_signal(signal.SIGTERM)
    assert parent.end() == (0, "stopping\nstopped\n", "")
    assert not answers(url)


def test_a_second_signal_ends_the_grace(parent: Parent) -> None:
    parent.stop_timeout_seconds = 3600.0
    parent.child("api", temper="stubborn")
    parent.start()
    parent.await_banner()
    parent.process.send_signal(signal.SIGINT)
    while "api asked to stop" not in parent.trace():
        time.sleep(0.02)
    parent.process.send_signal(signal.SIGINT)
    assert parent.end() == (0, "stopping\nstopped\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_children_do_not_outlive_a_parent_killed_outright(parent: Parent) -> None:
    url = parent.child("api")
    parent.start()
    parent.await_banner()
    parent.process.kill()
    parent.end()
    assert until_silent(url)


def test_a_program_that_does_not_exist_is_told_in_one_line(parent: Parent) -> None:
    parent.prepare.append({"name": "seeding", "argv": ["/no/such/program"]})
    parent.start()
    assert parent.end() == (1, "seeding ...\n", "cannot start /no/such/program: No such file or directory\n")
