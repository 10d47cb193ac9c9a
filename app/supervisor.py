"""One parent for `make run`: prepares `var/`, runs the one-shot steps, starts the long-running children, stops them.

Owns processes, their order, their logs (`var/logs/NAME.log`) and what is printed about them. It must know nothing of
what the children do: the command line names them as a list, so another process (the bidder) is one more `Child`.

Promises: a port in use is told before anything is started; a child is started only when the one before it is healthy;
when one dies the others are stopped and its last lines are shown; Ctrl-C, SIGTERM and SIGHUP stop everything without a
traceback; a parent killed outright takes its children along (Linux).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO
from urllib.parse import urlsplit

import httpx

_POLL_SECONDS = 0.05
_SHOWN_LINES = 12
_PR_SET_PDEATHSIG = 1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Step:
    """A one-shot command that must succeed before the children start, such as a migration.

    name: what it does, for people, as in "migrating the database"; also its log's name, with blanks as dashes.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Child:
    """A long-running process.

    health_url: answers 200 once the process serves; its host and port must be free before the start.
    env: added to the parent's environment.
    port_setting: the variable that moves the port, for the message that a port is in use.
    """

    name: str
    argv: Sequence[str]
    health_url: str
    env: Mapping[str, str] = field(default_factory=dict)
    port_setting: str = ""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `health_url`."""
        parts = urlsplit(self.health_url)
        return parts.hostname or "127.0.0.1", parts.port or 80


class _StartFailedError(Exception):
    """Nothing can go on; the message is for the terminal."""


class _StopRequestedError(Exception):
    """A signal asked for the end while something was being waited for."""


def run_up(
    children: Sequence[Child],
    *,
    var_dir: Path,
    prepare: Sequence[Step] = (),
    banner: str = "",
    health_timeout_seconds: float = 60.0,
    stop_timeout_seconds: float = 10.0,
    out: TextIO | None = None,
) -> int:
    """Run the steps in order, then the children, until a signal or a death; the exit status.

    Must be called from the main thread, because it takes over the signals until it returns. `banner` is printed once,
    when every child is healthy. `CE_VAR_DIR` is handed to every process as an absolute path. Returns 0 after a signal
    and 1 after a failure, which was then told on standard error in lines that say what to do.
    """
    run = _Run(var_dir.absolute(), stop_timeout_seconds, out or sys.stdout)
    try:
        with run.signals_taken(), run.var_locked():
            try:
                _refuse_taken_ports(children)
                for step in prepare:
                    run.complete(step)
                for child in children:
                    run.start(child)
                    run.await_health(child, health_timeout_seconds)
                run.say(banner)
                run.watch()
            except _StopRequestedError:
                run.say("stopping")
            finally:
                run.stop_all()
    except _StartFailedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    run.say("stopped")
    return 0


def _refuse_taken_ports(children: Sequence[Child]) -> None:
    """Raise for the first child whose port cannot be bound."""
    for child in children:
        host, port = child.address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the servers do, or a port just left would count as taken for a minute.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error.strerror})"
                other = f", or set {child.port_setting} to another port" if child.port_setting else ""
                raise _StartFailedError(
                    f"port {port} on {host}, wanted by {child.name}, {why}: stop what uses it{other}"
                ) from error


class _Run:
    """The processes of one `run_up`, and whether a signal has asked for their end."""

    def __init__(self, var_dir: Path, stop_timeout_seconds: float, out: TextIO) -> None:
        self._var_dir = var_dir
        self._logs = var_dir / "logs"
        self._stop_timeout_seconds = stop_timeout_seconds
        self._out = out
        self._started: list[tuple[Child, subprocess.Popen[bytes]]] = []
        self._asked = threading.Event()
        self._impatient = False

    def say(self, text: str) -> None:
        """Print, unless there is nothing to print; a terminal that has gone away asks for the end, in good order."""
        if text:
            try:
                print(text, file=self._out, flush=True)
            except OSError:
                self._asked.set()

    @contextmanager
    def signals_taken(self) -> Iterator[None]:
        """Signals only note that the end is wanted; a second one stops the waiting for orderly ends."""

        def note(_signal: int, _frame: object) -> None:
            self._impatient = self._asked.is_set()
            self._asked.set()

        before = [(number, signal.signal(number, note)) for number in _SIGNALS]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    @contextmanager
    def var_locked(self) -> Iterator[None]:
        """Make `var/` and hold it: two demos over one folder would fight for the sandbox's clock and the jobs."""
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
            lock = (self._var_dir / "up.lock").open("w")
        except OSError as error:
            raise _StartFailedError(
                f"cannot write to {self._var_dir} ({error.strerror}): set CE_VAR_DIR to another folder"
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise _StartFailedError(
                    f"{self._var_dir} is in use by another `make run`: stop it, or set CE_VAR_DIR to another folder"
                ) from error
            yield

    def complete(self, step: Step) -> None:
        """Run a step to its end; raises with its last lines when it fails."""
        self.say(f"{step.name} ...")
        process = self._spawn(step)
        try:
            while process.poll() is None:
                self._pause()
        except _StopRequestedError:
            self._end(process)
            raise
        if process.returncode:
            raise _StartFailedError(self._epitaph(step, f"{step.name} failed with status {process.returncode}"))

    def start(self, child: Child) -> None:
        """Start a child; it counts as started from here on, healthy or not."""
        self._started.append((child, self._spawn(child)))

    def await_health(self, child: Child, timeout_seconds: float) -> None:
        """Return once `child` answers 200; raises when any child dies or the time is over."""
        deadline = time.monotonic() + timeout_seconds
        # The loopback is meant, whatever proxy the environment names.
        with httpx.Client(trust_env=False, timeout=1.0) as client:
            while not _is_healthy(client, child.health_url):
                self._raise_if_any_died()
                if time.monotonic() > deadline:
                    what = f"{child.name} did not answer at {child.health_url} within {timeout_seconds:g} s"
                    raise _StartFailedError(self._epitaph(child, what))
                self._pause()

    def watch(self) -> None:
        """Wait for a signal (raises _StopRequestedError) or a death (raises _StartFailedError)."""
        while True:
            self._raise_if_any_died()
            self._pause()

    def stop_all(self) -> None:
        """Stop what was started, last first, so that nobody loses a server that it still talks to."""
        while self._started:
            _, process = self._started.pop()
            self._end(process)

    def _pause(self) -> None:
        if self._asked.wait(_POLL_SECONDS):
            raise _StopRequestedError

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """SIGTERM, a grace, then SIGKILL for the process and whatever it started."""
        process.terminate()
        deadline = time.monotonic() + self._stop_timeout_seconds
        while process.poll() is None and time.monotonic() < deadline and not self._impatient:
            time.sleep(_POLL_SECONDS)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _raise_if_any_died(self) -> None:
        for child, process in self._started:
            if process.poll() is not None:
                how = f"by signal {-process.returncode}" if process.returncode < 0 else f"status {process.returncode}"
                raise _StartFailedError(self._epitaph(child, f"{child.name} ended ({how}); the others are stopped"))

    def _spawn(self, program: Step | Child) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "CE_VAR_DIR": str(self._var_dir), **program.env}
        log_path = self._log_path(program)
        if log_path.exists():
            log_path.replace(log_path.with_suffix(".log.1"))
        with log_path.open("wb") as log:
            return _spawn_in_own_session(program.argv, environment, log)

    def _log_path(self, program: Step | Child) -> Path:
        return self._logs / f"{program.name.replace(' ', '-')}.log"

    def _epitaph(self, program: Step | Child, what: str) -> str:
        """The line that says what happened, then the last lines of the log."""
        path = self._log_path(program)
        lines = path.read_text("utf-8", errors="replace").rstrip().splitlines()[-_SHOWN_LINES:]
        return "\n".join([f"{what}; the end of {path}:", *(f"  {program.name} | {line}" for line in lines)])


def _spawn_in_own_session(
    argv: Sequence[str], environment: Mapping[str, str], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a process that a Ctrl-C at the terminal does not reach, so that the parent decides who stops when."""
    try:
        return subprocess.Popen(  # noqa: S603 - the command line's own programs, no shell
            list(argv),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread runs here
        )
    except OSError as error:
        raise _StartFailedError(f"cannot start {argv[0]}: {error.strerror}") from error


def _die_with_parent() -> None:
    """In the new process: ask Linux for SIGTERM when the parent is gone, or a killed parent would leave ports taken."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _is_healthy(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
