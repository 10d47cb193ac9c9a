"""Checks that the lock files are whole: every requirement pinned within its range, every pin hashed, no index named.

Owns the reading of lock files. It asks no index, so it cannot tell whether a newer release exists; it can tell that
somebody edited a requirements file and forgot `make lock`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
# Requirements file, its lock. The last, the development one, must hold all that the others pin, as they pin it.
PAIRS = (
    ("requirements.in", "requirements.lock"),
    ("requirements-build.in", "requirements-build.lock"),
    ("requirements-dev.in", "requirements-dev.lock"),
)

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)")
_ADDRESS = re.compile(r"https?://|--(?:extra-)?index-url|--find-links|--trusted-host")


def requirements(path: Path) -> list[Requirement]:
    """The requirements in a file and in those it includes with `-r`; raises InvalidRequirement on a malformed line."""
    found: list[Requirement] = []
    for raw in path.read_text("utf-8").splitlines():
        line = raw.split(" #", 1)[0].strip()
        if line.startswith("-r "):
            found += requirements(path.parent / line[3:].strip())
        elif line and not line.startswith("#"):
            found.append(Requirement(line))
    return found


def pins(text: str) -> tuple[dict[str, str], list[str]]:
    """The pins of a lock's text as canonical name -> version, and the names that carry no hash."""
    versions: dict[str, str] = {}
    unhashed: list[str] = []
    for block in re.split(r"\n(?=\S)", text):
        if match := _PIN.match(block):
            name = canonicalize_name(match["name"])
            versions[name] = match["version"]
            if "--hash=sha256:" not in block:
                unhashed.append(name)
    return versions, unhashed


def faults(root: Path = ROOT) -> list[str]:
    """What is wrong with the locks under `root`, a line each; empty when nothing is."""
    found: list[str] = []
    locked: dict[str, dict[str, str]] = {}
    for source, lock in PAIRS:
        text = (root / lock).read_text("utf-8")
        versions, unhashed = pins(text)
        found += [f"{lock}: {name} has no hash" for name in unhashed]
        found += [f"{lock}:{n}: names an index or address" for n, line in _numbered(text) if _ADDRESS.search(line)]
        for requirement in requirements(root / source):
            version = versions.get(canonicalize_name(requirement.name))
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                found.append(f"{lock}: {requirement} of {source} is pinned at {version}; run make lock")
        locked[lock] = versions
    last, whole = locked.popitem()
    for lock, versions in locked.items():
        differing = {name for name, version in versions.items() if whole.get(name) != version}
        found += [f"{last}: {name} differs from {lock}; run make lock" for name in sorted(differing)]
    return found


def _numbered(text: str) -> list[tuple[int, str]]:
    return list(enumerate(text.splitlines(), start=1))


if __name__ == "__main__":
    problems = faults()
    print("\n".join(problems) if problems else "locks: every requirement is pinned and hashed")
    sys.exit(1 if problems else 0)
