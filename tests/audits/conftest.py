"""The JavaScript clients and audits that others write against servers like this one, run by Node from a test.

Their packages are fetched by the tests' own set-up, pinned by package-lock.json.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from realtime.hints import Hints
from services.ports import Ports
from tests.integration.sockets import Api, serve

HERE = Path(__file__).resolve().parent
#: Of one script; it is a deadline, not a measure.
SCRIPT_SECONDS = 120

RunScript = Callable[..., Awaitable[Any]]


def unable(why: str) -> None:
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{why}, and REQUIRE_SERVICES=1")
    pytest.skip(why)


@pytest.fixture(scope="session")
def packages() -> None:
    """The packages of package-lock.json in node_modules; several sessions may want them at once."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        unable("there is no Node with npm")
    wanted = hashlib.sha256(
        (HERE / "package.json").read_bytes() + (HERE / "package-lock.json").read_bytes()
    ).hexdigest()
    made_from = HERE / "node_modules" / ".made-from"
    place = hashlib.sha256(str(HERE).encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"campaign-express-audits-{place}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made_from.is_file() and made_from.read_text() == wanted:
            return
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        fetched = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
        if fetched.returncode != 0:
            unable(f"the audits' packages could not be fetched: {fetched.stderr[-500:]}")
        made_from.write_text(wanted)


@pytest.fixture
def run_script(packages: None) -> RunScript:
    """Runs a script of this folder with one JSON argument; what it prints is JSON too."""

    async def run(name: str, **arguments: Any) -> Any:
        process = await asyncio.create_subprocess_exec(
            "node", str(HERE / name), json.dumps(arguments), cwd=HERE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(SCRIPT_SECONDS):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, err.decode()
        return json.loads(out)

    return run


@pytest.fixture
async def api(ports: Ports, access_tokens: AccessTokens, passwords: Passwords) -> AsyncIterator[Api]:
    """The product as it is served in production."""
    hints = Hints()
    limits = {"ping_seconds": 0.5, "init_timeout_seconds": 5.0, "rate_per_second": 0}
    async with serve(replace(ports, hints=hints), hints, access_tokens, passwords, **limits) as served:
        yield served
