"""Brings `.venv` to what the locks say: `environment.py runtime` for `make run`, `build` to compile, `dev` else.

Owns `.venv` and its stamps. It must not touch packages when nothing changed: each environment holds the one before it
(the locks agree, and the development one has all), so after `make test` there is nothing for `make run` or `make
compile` to install. Runs on the standard library alone, before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
# What the editable install is made from, beside the lock. Requirements stand in the distribution's metadata.
PROJECT_FILES = ("pyproject.toml", "requirements.in", "scripts/hatch_dependencies.py")
# Each kind holds all before it.
LOCKS = {
    "runtime": ("requirements.lock",),
    "build": ("requirements.lock", "requirements-build.lock"),
    "dev": ("requirements.lock", "requirements-build.lock", "requirements-dev.lock"),
}


class EnvironmentFailedError(Exception):
    """The environment could not be built; the message is one line that says what to do."""


def fingerprint(kind: str, root: Path = ROOT) -> str:
    """A digest of all that the environment `kind` is built from, the interpreter's version included."""
    digest = hashlib.sha256(sys.version.encode())
    for name in (*PROJECT_FILES, *LOCKS[kind]):
        digest.update(name.encode() + b"\0" + (root / name).read_bytes() + b"\0")
    return digest.hexdigest()


def stamp(kind: str) -> Path:
    """The file whose text is the fingerprint that the installed environment satisfies."""
    return VENV / f".stamp-{kind}"


def is_current(kind: str) -> bool:
    """Whether nothing has to be done for `kind`."""
    return (
        stamp(kind).is_file()
        and stamp(kind).read_text("utf-8") == fingerprint(kind)
        and (VENV / "bin" / "campaign-express").is_file()
    )


def pip(*arguments: str) -> None:
    """Run the environment's pip quietly; its own words are shown only when it fails."""
    command = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write("\n".join((done.stdout + done.stderr).strip().splitlines()[-15:]) + "\n")
        raise EnvironmentFailedError(
            f"pip {arguments[0]} failed (above); check that the package index can be reached, then run make again"
        )


def create_if_missing() -> None:
    """Make `.venv`, or make it anew where its interpreter is gone or of another version."""
    python = VENV / "bin" / "python"
    if python.is_file():
        probe = [str(python), "-c", "import sys, pip; print(sys.version)"]
        done = subprocess.run(probe, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == sys.version:
            return
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.create(VENV, with_pip=True)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(VENV, ignore_errors=True)
        raise EnvironmentFailedError(
            "this Python cannot make a virtual environment with pip (Debian: apt-get install python3.11-venv)"
        ) from error


def install(kind: str) -> None:
    """Install the locks of `kind` with hashes, then the checkout itself; leaves the stamps of all that now holds."""
    create_if_missing()
    for known in LOCKS:
        stamp(known).unlink(missing_ok=True)
    print(f"installing the {kind} environment into .venv (about a minute the first time)", flush=True)
    pip("install", "--quiet", "--require-hashes", *(argument for lock in LOCKS[kind] for argument in ("-r", lock)))
    # The build backend is part of the lock, so this step needs no index.
    pip("install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", ".")
    kinds = list(LOCKS)
    for satisfied in kinds[: kinds.index(kind) + 1]:
        stamp(satisfied).write_text(fingerprint(satisfied), "utf-8")


def main(kind: str) -> int:
    """Bring the environment up to date; the exit status."""
    if is_current(kind):
        return 0
    lock_path = ROOT / "var" / "environment.lock"
    lock_path.parent.mkdir(exist_ok=True)
    with lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if not is_current(kind):
                install(kind)
        except EnvironmentFailedError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:  # noqa: PLR2004 - the program and its one argument
        sys.exit("usage: environment.py runtime|build|dev")
    sys.exit(main(sys.argv[1]))
