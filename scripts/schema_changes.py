"""Refuses a breaking change of `schema.graphql` that `docs/schema-changes.md` does not name.

Owns the comparison of two SDL texts and of the change log's lines. It must not build the schema from code:
`campaign-express export-schema --check` proves that the committed file is what the code says.

The base is `--base REF` where given (a branch's merge base). Otherwise it is the last commit's file, and where the
working tree does not differ from that, the version before it: a break is also refused after it was committed.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from graphql import build_schema
from graphql.utilities import BreakingChange, find_schema_changes

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = "schema.graphql"
CHANGE_LOG = "docs/schema-changes.md"

_COORDINATE = re.compile(r"@\w+(?:\(\w+:\))?|\w+\.\w+(?:\(\w+:\))?")
_UNION_MEMBER = re.compile(r"^(\w+) was removed from union type (\w+)\.$")


@dataclass(frozen=True)
class Break:
    """A breaking change: where, as a schema coordinate such as `Query.campaigns(first:)`, and what happened."""

    coordinate: str
    description: str


def breaks(old_sdl: str, new_sdl: str) -> list[Break]:
    """The breaking changes from one SDL text to another. Raises GraphQLError on a text that is no schema."""
    old, new = (build_schema(sdl, assume_valid=True, assume_valid_sdl=True) for sdl in (old_sdl, new_sdl))
    changes = [change for change in find_schema_changes(old, new) if isinstance(change, BreakingChange)]
    return [Break(_coordinate(change.description), change.description) for change in changes]


def _coordinate(description: str) -> str:
    """What an entry has to name: the field, argument or directive, else the type."""
    if match := _UNION_MEMBER.match(description):
        return f"{match[2]}.{match[1]}"
    if match := _COORDINATE.search(description):
        return match[0]
    return description.removeprefix("Standard scalar ").split(" ", 1)[0]


def unnamed(found: list[Break], entries: list[str]) -> list[Break]:
    """The breaks that no entry names in backticks. An entry is a list item of the change log."""
    named = {name for line in entries if line.startswith("- ") for name in re.findall(r"`([^`]+)`", line)}
    return [change for change in found if change.coordinate not in named]


def new_lines(before: str, after: str) -> list[str]:
    """The lines of `after` that `before` lacks: an old entry does not excuse a new break of the same field."""
    known = set(before.splitlines())
    return [line for line in after.splitlines() if line not in known]


def _git(root: Path, *arguments: str) -> str | None:
    """What git prints, or None where it fails: no repository, no such commit, no such file in it."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def base_commit(root: Path) -> str | None:
    """The commit to compare with when none was named, or None where there is nothing to compare with yet."""
    current = (root / SCHEMA).read_text("utf-8")
    if (_git(root, "show", f"HEAD:{SCHEMA}") or current) != current:
        return "HEAD"
    versions = (_git(root, "log", "-n", "2", "--format=%H", "HEAD", "--", SCHEMA) or "").split()
    return versions[1] if len(versions) == 2 else None  # noqa: PLR2004 - this version and the one before


def check(root: Path, base: str | None = None) -> list[Break]:
    """The unnamed breaks of the schema under `root` since `base`; none where there is no earlier schema."""
    if not (root / SCHEMA).is_file():
        return []
    base = base or base_commit(root)
    before = _git(root, "show", f"{base}:{SCHEMA}") if base else None
    if before is None:
        return []
    log = (root / CHANGE_LOG).read_text("utf-8")
    entries = new_lines(_git(root, "show", f"{base}:{CHANGE_LOG}") or "", log)
    return unnamed(breaks(before, (root / SCHEMA).read_text("utf-8")), entries)


def main(arguments: list[str] | None = None) -> int:
    """Print each unnamed break and what to do about it; the exit status."""
    parser = argparse.ArgumentParser(description="Refuse breaking schema changes that the change log does not name.")
    parser.add_argument("--base", help="the commit to compare with")
    found = check(ROOT, parser.parse_args(arguments).base)
    for change in found:
        print(
            f"{SCHEMA}: {change.description} Clients break: deprecate instead, or name `{change.coordinate}` in"
            f" {CHANGE_LOG}"
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
