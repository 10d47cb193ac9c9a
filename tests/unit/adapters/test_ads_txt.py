"""A folder of ads.txt files, and what becomes of it while it is read."""

from pathlib import Path

import pytest

from adapters.ads_txt import AdsTxtFolder
from domain.bid_snapshot import Seller

ONE, TWO = Seller("ssp.example", "1"), Seller("ssp.example", "2")


def test_a_file_is_a_publishers(tmp_path: Path) -> None:
    (tmp_path / "News.Example.txt").write_bytes(b"ssp.example, 1, DIRECT\n\xff\n")
    (tmp_path / "else.example.txt").write_text("")
    (tmp_path / "notes.md").write_text("ssp.example, 2, DIRECT")
    assert AdsTxtFolder(tmp_path).current() == {"news.example": (ONE,), "else.example": ()}


def test_what_changes_is_read_again_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.example.txt").write_text("ssp.example, 1, DIRECT")
    (tmp_path / "b.example.txt").write_text("ssp.example, 1, DIRECT")
    folder = AdsTxtFolder(tmp_path)
    (tmp_path / "b.example.txt").unlink()
    (tmp_path / "c.example.txt").write_text("ssp.example, 2, RESELLER")
    read: list[str] = []
    original = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda path, *args, **more: read.append(path.name) or original(path, *args, **more)
    )
    assert folder.current() == {"a.example": (ONE,), "c.example": (TWO,)}
    assert folder.current() == {"a.example": (ONE,), "c.example": (TWO,)}
    (tmp_path / "new").write_text("ssp.example, 2, DIRECT")
    (tmp_path / "new").replace(tmp_path / "a.example.txt")
    assert folder.current() == {"a.example": (TWO,), "c.example": (TWO,)}
    assert read == ["c.example.txt", "a.example.txt"]


def test_a_folder_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        AdsTxtFolder(tmp_path / "nowhere")


def test_a_folder_that_goes_leaves_what_it_said_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "ads"
    path.mkdir()
    (path / "a.example.txt").write_text("ssp.example, 1, DIRECT")
    folder = AdsTxtFolder(path)
    path.rename(tmp_path / "gone")
    assert [folder.current() for _ in range(3)] == [{"a.example": (ONE,)}] * 3
    assert len(caplog.messages) == 1
    (tmp_path / "gone").rename(path)
    assert folder.current() == {"a.example": (ONE,)}
    path.rename(tmp_path / "gone")
    folder.current()
    assert len(caplog.messages) == 2
