"""A folder of ads.txt files."""

from pathlib import Path

import pytest

from adapters.ads_txt import read_ads_txt
from domain.bid_snapshot import Seller


def test_a_file_is_a_publishers(tmp_path: Path) -> None:
    (tmp_path / "News.Example.txt").write_bytes(b"ssp.example, 1, DIRECT\n\xff\n")
    (tmp_path / "else.example.txt").write_text("")
    (tmp_path / "notes.md").write_text("ssp.example, 2, DIRECT")
    assert read_ads_txt(tmp_path) == {"news.example": (Seller("ssp.example", "1"),), "else.example": ()}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_ads_txt(tmp_path / "nowhere")
