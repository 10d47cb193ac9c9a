"""A build counts for exactly the sources that it was made from; whoever runs interpreted is told why."""

import json
import sys
from pathlib import Path

import pytest

from kit import compiled


def tree(root: Path) -> Path:
    for package in ("domain", "hotpath", "kit"):
        (root / package).mkdir(parents=True)
        (root / package / "one.py").write_text("ONE = 1\n")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree(tmp_path / "root")


def built(builds: Path, root: Path, name: str = "no_such_module") -> Path:
    folder = builds / compiled.digest(root)
    folder.mkdir(parents=True)
    (folder / "one.so").write_bytes(b"")
    (folder / compiled.MANIFEST).write_text(json.dumps({name: "one.so"}))
    return folder


def test_a_digest_changes_with_every_source(root: Path, tmp_path: Path) -> None:
    before = compiled.digest(root)
    assert compiled.digest(tree(tmp_path / "other")) == before

    (root / "domain" / "one.py").write_text("ONE = 2\n")

    assert compiled.digest(root) != before


def test_without_a_build_it_says_so(root: Path, tmp_path: Path) -> None:
    assert compiled.use_compiled(tmp_path / "none", root) == "nothing is compiled"


def test_a_build_of_other_sources_is_not_taken(root: Path, tmp_path: Path) -> None:
    built(tmp_path / "builds", root)
    (root / "kit" / "one.py").write_text("ONE = 2\n")

    assert "other sources" in compiled.use_compiled(tmp_path / "builds", root)


def test_half_a_build_is_not_taken(root: Path, tmp_path: Path) -> None:
    folder = built(tmp_path / "builds", root)
    (folder / "one.so").unlink()

    assert "lacks no_such_module" in compiled.use_compiled(tmp_path / "builds", root)


def test_a_build_comes_too_late_for_what_is_imported(root: Path, tmp_path: Path) -> None:
    built(tmp_path / "builds", root, "kit.compiled")

    assert compiled.use_compiled(tmp_path / "builds", root) == "kit.compiled was imported before"


def test_a_build_of_these_sources_is_taken(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = built(tmp_path / "builds", root)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))

    assert compiled.use_compiled(tmp_path / "builds", root) == ""

    finder = sys.meta_path[0]
    assert isinstance(finder, compiled.CompiledModules)
    spec = finder.find_spec("no_such_module")
    assert spec is not None
    assert spec.origin == str(folder / "one.so")
    assert finder.find_spec("another") is None
