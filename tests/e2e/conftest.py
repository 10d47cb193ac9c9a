"""Fixtures of the browser tests: a seeded product of one's own, and a Chromium."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.e2e.console_browser import ROOT
from tests.e2e.pages_browser import FLAGS, Browser, Product, devtools_address

BINARIES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, BINARIES)), None)
    if found is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER=1, and there is no Chromium on the path")
        pytest.skip("there is no Chromium on the path")
    return found


@pytest.fixture(scope="session")
def seeded(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A var folder with the demo workspace, closed cleanly. Made only where a browser is."""
    product = Product(tmp_path_factory.mktemp("seeded"))
    product.migrate()
    with product.running():
        pass
    return product.var_dir


@pytest.fixture(scope="session")
def built() -> None:
    """The console must be what the sources say, or the test would show another one."""
    if subprocess.run([ROOT / "scripts" / "console.sh", "ready"], check=False).returncode == 0:
        return
    if os.environ.get("REQUIRE_CONSOLE") == "1":
        pytest.fail("REQUIRE_CONSOLE=1, and the console is not built; run make console")
    pytest.skip("the console is not built; run make console")


@pytest.fixture
def product(seeded: Path, tmp_path: Path) -> Iterator[Product]:
    shutil.copytree(seeded, tmp_path / "var")
    with Product(tmp_path / "var").running() as running:
        yield running


@pytest.fixture
async def browser(chromium: str, tmp_path: Path) -> AsyncIterator[Browser]:
    profile = tmp_path / "profile"
    process = await asyncio.create_subprocess_exec(
        chromium,
        *FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    opened: Browser | None = None
    try:
        address = await asyncio.to_thread(devtools_address, profile / "DevToolsActivePort")
        async with connect(address, max_size=None, proxy=None) as socket_:
            opened = Browser(socket_)
            yield opened
            opened.reader.cancel()
    finally:
        process.kill()
        await process.wait()
    for page in opened.pages.values():
        assert page.errors == []
