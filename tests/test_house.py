"""The house rules that no linter knows: what committed files may not hold, locks, sizes, the two commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from scripts.check_locks import PAIRS, faults, pins, requirements
from scripts.environment import LOCKS, PROJECT_FILES, fingerprint
from scripts.hatch_dependencies import requirement_lines

ROOT = Path(__file__).resolve().parent.parent

# Longer than 500 lines, each with its reason.
LONG_FILES = {
    "requirements.lock": "written by make lock",
    "requirements-dev.lock": "written by make lock",
    "console/package-lock.json": "written by npm",
    "schema.graphql": "written by campaign-express export-schema",
    "migrations/0001_initial.py": "written by Tortoise",
    "app/pages/review.html": "one static file is the point: no build, no framework, nothing to fetch",
    "app/pages/explorer.html": "one static file is the point: no build, no framework, nothing to fetch",
}
MOST_LINES = 500

# Spelled in pieces, so that this file does not break its own rule.
FORBIDDEN = {
    "names a package index": re.compile(r"(?:extra-)?index" + r"-url\s*[=:]?\s*[\"']?https?:"),
    "names a package index's page": re.compile(r"https?://[^\s\"'`]+/simp" + r"le\b"),
    "names where a package was fetched": re.compile(r"\"resol" + r"ved\":\s*\"http"),
    "holds a private key": re.compile(r"-----BEGIN [A-Z ]*PRIV" + r"ATE KEY-----"),
    "holds a cloud key": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "holds a database password": re.compile(r"\b(?:postgres(?:ql)?|redis)://[^\s/:@\"'{}<>$]+:[^\s/@\"'{}<>$]+@"),
}


def committed() -> dict[str, str]:
    """The text files that git tracks or would track, by path; files deleted in the working tree are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    texts = {}
    for name in filter(None, listed):
        path = ROOT / name
        if path.is_file() and b"\0" not in (data := path.read_bytes())[:8192]:
            texts[name] = data.decode("utf-8", errors="replace")
    return texts


def offences(texts: dict[str, str]) -> list[str]:
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1} {why}"
        for name, text in texts.items()
        for why, pattern in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]


def test_no_committed_file_names_an_index_or_holds_a_secret() -> None:
    texts = committed()
    assert "pyproject.toml" in texts
    assert offences(texts) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("--index" + "-url https://index.example", "names a package index"),
        ("extra-index" + '-url = "https://index.example"', "names a package index"),
        ("see https://index.example/simp" + "le/redis/", "names a package index's page"),
        ('"resol' + 'ved": "https://index.example/react.tgz"', "names where a package was fetched"),
        ("-----BEGIN RSA PRIV" + "ATE KEY-----", "holds a private key"),
        ("-----BEGIN PRIV" + "ATE KEY-----", "holds a private key"),
        ("AKIA" + "ABCDEFGHIJKLMNOP", "holds a cloud key"),
        ("postgres://app:" + "hunter2@db/app", "holds a database password"),
    ],
)
def test_each_forbidden_thing_is_seen_with_its_line(text: str, why: str) -> None:
    assert offences({"a.txt": f"first\n{text}\n"}) == [f"a.txt:2 {why}"]


def test_what_only_looks_like_it_is_left_alone() -> None:
    harmless = (
        "postgres://postgres@127.0.0.1:54329/postgres uv --no-emit-index" + "-url a.in https://example.test/simplest"
    )
    assert offences({"a.txt": harmless}) == []


def test_files_stay_short_or_say_why() -> None:
    long = {name for name, text in committed().items() if text.count("\n") > MOST_LINES and not is_data(name)}
    assert long <= set(LONG_FILES), sorted(long - set(LONG_FILES))


def is_data(name: str) -> bool:
    """Recorded cases and example files are as long as what they record."""
    return name.endswith((".csv", ".json", ".jsonl")) and name.startswith(("tests/", "bench/", "docs/"))


def test_every_exception_is_still_long() -> None:
    texts = committed()
    by_hand = {name for name, reason in LONG_FILES.items() if not reason.startswith("written by")}
    assert [name for name in by_hand if texts.get(name, "").count("\n") <= MOST_LINES] == []


# --- locks ------------------------------------------------------------------------------------------------------------


def test_the_locks_are_whole() -> None:
    assert faults() == []
    for _source, lock in PAIRS:
        versions, unhashed = pins((ROOT / lock).read_text("utf-8"))
        assert len(versions) > 5
        assert unhashed == []


def test_strawberry_is_past_its_known_holes() -> None:
    floor = Version("0.327.2")
    (asked,) = [one for one in requirements(ROOT / "requirements.in") if one.name == "strawberry-graphql"]
    assert not asked.specifier.contains("0.327.1")
    locked, _ = pins((ROOT / "requirements.lock").read_text("utf-8"))
    assert Version(locked["strawberry-graphql"]) >= floor


def write_tree(root: Path, **changed: str) -> Path:
    digest = "--hash=sha256:" + "0" * 64
    files = {
        "requirements.in": "redis>=7.1,<7.2  # pinned low\nhttpx\n",
        "requirements.lock": f"httpx==0.28.1 \\\n    {digest}\n    # via -r requirements.in\nredis==7.1.1 \\\n    {digest}\n",
        "requirements-build.in": "mypy\n",
        "requirements-build.lock": f"mypy==2.4.1 \\\n    {digest}\n",
        "requirements-dev.in": "-r requirements.in\nmypy\npytest\n",
        "requirements-dev.lock": f"httpx==0.28.1 \\\n    {digest}\nmypy==2.4.1 \\\n    {digest}\npytest==9.2.0 \\\n    {digest}\nredis==7.1.1 \\\n    {digest}\n",
    }
    for name, text in {**files, **changed}.items():
        (root / name).write_text(text)
    return root


def test_whole_locks_have_no_fault(tmp_path: Path) -> None:
    assert faults(write_tree(tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("requirements.in", "httpx\n", "httpx\nnumpy\n", "requirements.lock: numpy of requirements.in is pinned at None; run make lock"),
        ("requirements.in", ">=7.1,<7.2", ">=7.2", "requirements.lock: redis>=7.2 of requirements.in is pinned at 7.1.1; run make lock"),
        ("requirements.lock", "0.28.1", "0.28.0", "requirements-dev.lock: httpx differs from requirements.lock; run make lock"),
        ("requirements.lock", "--hash=sha256:", "--sha:", "requirements.lock: httpx has no hash"),
        ("requirements-build.lock", "2.4.1", "2.4.2", "requirements-dev.lock: mypy differs from requirements-build.lock; run make lock"),
        ("requirements-build.in", "mypy", "setuptools", "requirements-build.lock: setuptools of requirements-build.in is pinned at None; run make lock"),
        ("requirements-dev.lock", "pytest==9.2.0 ", "--index" + "-url https://a.test\npytest==9.2.0 ", "requirements-dev.lock:5: names an index or address"),
    ],
)  # fmt: skip
def test_each_fault_of_a_lock_is_seen(tmp_path: Path, name: str, old: str, new: str, told: str) -> None:
    path = write_tree(tmp_path) / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert told in faults(tmp_path)


def test_the_package_asks_for_what_the_requirements_file_says() -> None:
    text = (ROOT / "requirements.in").read_text("utf-8")
    asked = [Requirement(line) for line in requirement_lines(text)]
    assert [str(one) for one in asked] == [str(one) for one in requirements(ROOT / "requirements.in")]
    assert requirement_lines("# a comment\n\nhttpx>=1  # why\n-r other.in\n") == ["httpx>=1"]


# --- the environment --------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in (*PROJECT_FILES, *LOCKS["dev"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("name", "outdated"),
    [
        ("requirements.lock", {"runtime", "build", "dev"}),
        ("requirements-build.lock", {"build", "dev"}),
        ("requirements-dev.lock", {"dev"}),
        ("pyproject.toml", {"runtime", "build", "dev"}),
        ("requirements.in", {"runtime", "build", "dev"}),
    ],
)
def test_an_environment_is_outdated_by_what_it_is_made_from(project: Path, name: str, outdated: set[str]) -> None:
    before = {kind: fingerprint(kind, project) for kind in LOCKS}
    assert before == {kind: fingerprint(kind, project) for kind in LOCKS}
    with (project / name).open("a") as file:
        file.write("\n# changed\n")
    assert {kind for kind in LOCKS if fingerprint(kind, project) != before[kind]} == outdated


def test_the_development_environment_holds_the_others() -> None:
    runtime, build, dev = (pins((ROOT / lock).read_text("utf-8"))[0] for _source, lock in PAIRS)
    assert runtime.items() <= dev.items()
    assert build.items() <= dev.items()
    # What compiles is no part of what runs.
    assert "mypy" in build.keys() - runtime.keys()


# --- the two commands -------------------------------------------------------------------------------------------------


def test_the_readme_names_both_commands() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "make run" in readme
    assert "make test" in readme


def test_make_help_lists_every_command_of_the_makefile() -> None:
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = {line.split()[1] for line in told.splitlines()}
    assert listed >= {"run", "test", "check", "lock", "migrate", "bench", "services-up", "services-down", "clean"}


def fake_python(folder: Path, version: str) -> Path:
    """A program that answers the version question like a Python of that version."""
    program = folder / f"python{version}"
    program.write_text(f"#!/bin/sh\nprintf {version}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("version", ["2.7", "3.10", "3.12", "3.13"])
def test_an_untested_python_is_refused_in_one_line(tmp_path: Path, version: str) -> None:
    program = fake_python(tmp_path, version)
    done = subprocess.run(
        [ROOT / "scripts" / "find_python.sh"], env={"PYTHON": str(program), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"campaign-express is tested on Python 3.11 only; PYTHON={program} is {version}: install Python 3.11 "
    )
    assert done.stderr.count("\n") == 1


def test_the_tested_python_is_taken(tmp_path: Path) -> None:
    program = fake_python(tmp_path, "3.11")
    done = subprocess.run(
        [ROOT / "scripts" / "find_python.sh"], env={"PYTHON": str(program), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{program}\n", "")


def test_the_services_print_the_addresses_that_the_tests_read() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "services.sh", "env"],
        env={"PATH": "/usr/bin:/bin", "CE_TEST_PG_PORT": "1234", "CE_TEST_REDIS_PORT": "5678"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == (
        "export TEST_POSTGRES_URL=postgres://postgres@127.0.0.1:1234/postgres\n"
        "export TEST_REDIS_URL=redis://127.0.0.1:5678/0\n"
    )


def test_scripts_can_be_run() -> None:
    for name in (".ci/run", "scripts/console.sh", "scripts/services.sh", "scripts/find_python.sh"):
        path = ROOT / name
        assert path.stat().st_mode & 0o111
        assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


def test_the_tests_run_on_the_tested_python() -> None:
    assert sys.version_info[:2] == (3, 11)
