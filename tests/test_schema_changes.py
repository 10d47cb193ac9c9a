"""A breaking schema change needs an entry; anything else needs none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.schema_changes import CHANGE_LOG, SCHEMA, Break, base_commit, breaks, check, new_lines, unnamed

ROOT = Path(__file__).resolve().parent.parent

OLD = """
directive @cost(weight: Int) on FIELD_DEFINITION
enum Status { OPEN DONE }
union Hit = Campaign | Account
interface Node { id: ID! }
type Account implements Node { id: ID! }
type Campaign implements Node { id: ID! name: String! status(at: String): Status }
input Edit { share: Float }
type Query { campaign(id: ID!): Campaign search: Hit edit(input: Edit): Int old: String @deprecated }
"""


def changed(before: str, after: str) -> str:
    assert OLD.count(before) == 1
    return OLD.replace(before, after)


@pytest.mark.parametrize(
    ("new", "coordinate"),
    [
        (changed(" old: String @deprecated", ""), "Query.old"),
        (changed("name: String!", "name: String"), "Campaign.name"),
        (changed("name: String!", "name: Int!"), "Campaign.name"),
        (changed("(at: String)", ""), "Campaign.status(at:)"),
        (changed("campaign(id: ID!)", "campaign(id: ID!, workspace: ID!)"), "Query.campaign(workspace:)"),
        (changed("OPEN DONE", "OPEN"), "Status.DONE"),
        (changed("Campaign | Account", "Campaign"), "Hit.Account"),
        (changed("{ share: Float }", "{ share: Float, reason: String! }"), "Edit.reason"),
        (changed("type Account implements Node", "type Account"), "Account"),
        (changed("directive @cost(weight: Int) on FIELD_DEFINITION", ""), "@cost"),
        (changed("(weight: Int)", ""), "@cost(weight:)"),
        (changed("type Campaign implements Node { id: ID!", "type Campaign implements Node { id: ID"), "Campaign.id"),
    ],
)
def test_a_breaking_change_is_found_and_named(new: str, coordinate: str) -> None:
    assert [change.coordinate for change in breaks(OLD, new)] == [coordinate]


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        changed("name: String!", "name: String! budgetMicros: Int"),
        changed("OPEN DONE", "OPEN DONE EXPIRED"),
        changed("{ share: Float }", "{ share: Float, reason: String }"),
        changed("campaign(id: ID!)", "campaign(id: ID!, at: String)"),
    ],
)
def test_an_addition_is_no_break(new: str) -> None:
    assert breaks(OLD, new) == []


def test_a_removed_type_is_named_by_itself() -> None:
    new = changed("type Account implements Node { id: ID! }", "").replace("Campaign | Account", "Campaign")
    assert [change.coordinate for change in breaks(OLD, new)] == ["Account", "Hit.Account"]


def test_only_an_entry_that_names_the_coordinate_covers_a_break() -> None:
    found = [Break("Query.old", "..."), Break("Campaign.name", "...")]
    assert unnamed(found, ["- `Query.old`: gone"]) == [found[1]]
    assert unnamed(found, ["- `Query.old` and `Campaign.name`: gone"]) == []
    assert unnamed(found, ["We removed `Query.old` and `Campaign.name`.", "- Query.old", "- `Query.older`"]) == found


def test_an_old_entry_is_not_counted() -> None:
    assert new_lines("# a\n- `Query.old`: 2026\n", "# a\n- `Query.old`: 2026\n- `Query.old`: 2027\n") == [
        "- `Query.old`: 2027"
    ]


class Repository:
    """A small git repository with a schema and a change log."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "docs").mkdir()
        (root / CHANGE_LOG).write_text("# Changes\n")
        self.git("init", "-q")

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=test", "-c", "user.email=test@demo.test", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True)

    def write(self, sdl: str) -> None:
        (self.root / SCHEMA).write_text(sdl)

    def commit(self) -> None:
        self.git("add", ".")
        self.git("commit", "-q", "-m", "step")

    def found(self) -> list[str]:
        return [change.coordinate for change in check(self.root)]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


BROKEN = changed(" old: String @deprecated", "")


def test_no_schema_and_a_first_schema_pass(repository: Repository) -> None:
    assert repository.found() == []
    repository.write(OLD)
    assert base_commit(repository.root) is None
    assert repository.found() == []
    repository.commit()
    assert repository.found() == []


def test_a_break_is_refused_before_and_after_its_commit_until_it_is_named(repository: Repository) -> None:
    repository.write(OLD)
    repository.commit()
    repository.write(BROKEN)
    assert repository.found() == ["Query.old"]
    repository.commit()
    assert repository.found() == ["Query.old"]
    with (repository.root / CHANGE_LOG).open("a") as log:
        log.write("- `Query.old`: deprecated for a year\n")
    assert repository.found() == []
    repository.commit()
    assert repository.found() == []


def test_an_entry_of_an_earlier_version_does_not_excuse_a_second_break(repository: Repository) -> None:
    with (repository.root / CHANGE_LOG).open("a") as log:
        log.write("- `Query.old`: its type changed\n")
    repository.write(OLD)
    repository.commit()
    repository.write(BROKEN)
    assert repository.found() == ["Query.old"]


def test_a_named_base_is_compared_with(repository: Repository) -> None:
    repository.write(OLD)
    repository.commit()
    repository.git("tag", "start")
    repository.write(BROKEN)
    repository.commit()
    repository.write(changed(" old: String @deprecated", " new: String"))
    repository.commit()
    assert repository.found() == []
    assert [change.coordinate for change in check(repository.root, "start")] == ["Query.old"]


def test_this_repository_names_its_breaks() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "schema_changes.py")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
