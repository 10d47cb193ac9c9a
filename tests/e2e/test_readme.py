"""The README's demo, copied out of it and run against a freshly started product."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """`campaign-express up` in a folder of its own; yields the environment that finds it."""
    folder = tmp_path_factory.mktemp("product")
    (folder / ".venv").symlink_to(Path(sys.prefix))
    port = free_port()
    environment = {
        **os.environ,
        "CE_VAR_DIR": str(folder / "var"),
        "CE_API_PORT": str(port),
        **{f"CE_{name}_PORT": str(free_port()) for name in ("SANDBOX", "BID", "BID_METRICS")},
        "API": f"http://127.0.0.1:{port}",
        "FOLDER": str(folder),
    }
    parent = subprocess.Popen([sys.executable, "-m", "app", "up"], cwd=folder, env=environment)
    try:
        deadline = time.monotonic() + 150
        while not healthy(environment["API"]):
            assert parent.poll() is None, "the product ended before it was up"
            assert time.monotonic() < deadline, "the product is not up in time"
            time.sleep(0.1)
        yield environment
        parent.send_signal(signal.SIGINT)
        assert parent.wait(30) == 0
    finally:
        parent.kill()


def healthy(api: str) -> bool:
    try:
        return httpx.get(f"{api}/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def run(argv: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        argv, cwd=environment["FOLDER"], env=environment, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_readme_holds_one_shell_and_one_python_demo() -> None:
    assert [language for language, _ in BLOCKS] == ["bash", "python"]


@pytest.mark.slow
@pytest.mark.req("RB-1.2", "RB-E3")
def test_the_shell_demo_approves_conflicts_and_confirms(product: dict[str, str]) -> None:
    said = run(["bash", "-euo", "pipefail", "-c", BLOCKS[0][1]], product)
    assert '"name":"Ana Alvarez"' in said
    assert '"recommendation":{"status":"APPROVED","version":2}' in said
    assert '"code":"VERSION_CONFLICT"' in said
    assert '"changedBy":{"name":"Ana Alvarez"}' in said
    assert '"status":"CONFIRMED"' in said


@pytest.mark.slow
@pytest.mark.req("DC-2")
def test_the_live_demo_prints_the_change_as_it_happened(product: dict[str, str]) -> None:
    said = run([sys.executable, "-c", BLOCKS[1][1]], product)
    assert '"kind": "recommendation.rejected"' in said
    assert '"name": "Ben Becker"' in said
    assert '"version": 2' in said
