"""Runs the command line as people do, in a process of its own over a folder of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

#: Settings of whoever runs the tests must not reach the commands.
_CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("CE_")}


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def error_line(self) -> str:
        """What went wrong, which is one line on standard error and nothing on standard output."""
        assert self.out == ""
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("campaign-express: ").removesuffix("\n")


@dataclass(frozen=True)
class Cli:
    """Commands over one folder of local state. `settings` are CE_ variables."""

    var_dir: Path
    settings: dict[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        return {**_CLEAN, "CE_VAR_DIR": str(self.var_dir), **self.settings, **more}

    def __call__(self, *arguments: str, stdin: str | None = None, **settings: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            env=self.environment(**settings), capture_output=True, text=True, timeout=100, check=False, input=stdin,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def lines(self, *arguments: str, **settings: str) -> list[str]:
        """The results of a command that must succeed without a word on standard error."""
        done = self(*arguments, **settings)
        assert (done.code, done.err) == (0, ""), done
        return done.out.splitlines()

    @contextmanager
    def running(self, *arguments: str, url: str = "", **settings: str) -> Iterator[subprocess.Popen[str]]:
        """A command that goes on, until `url` answers 200 at the latest; killed at the end if it has not ended."""
        process = self._start(*arguments, **settings)
        try:
            if url:
                await_answer(url, process)
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def started(self, *arguments: str, url: str, **settings: str) -> subprocess.Popen[str]:
        """The same for who ends it himself, once `url` answers 200."""
        process = self._start(*arguments, **settings)
        try:
            await_answer(url, process)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        return process

    def _start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            env=self.environment(**settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def await_answer(url: str, process: subprocess.Popen[str], seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while not answers(url):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"{url} does not answer"
        time.sleep(0.1)
