"""A folder of ads.txt files, one for each publisher, as whoever fetches them leaves it. Must not fetch or judge."""

from collections.abc import Mapping
from pathlib import Path

from domain.ads_txt import sellers_in
from domain.bid_snapshot import Seller


def read_ads_txt(folder: Path) -> Mapping[str, tuple[Seller, ...]]:
    """Who may sell, by the domain that is the file's name: `news.example.txt` is that of news.example.

    Raises:
        OSError: there is no such folder, or a file in it cannot be read.
    """
    return {
        path.name.removesuffix(".txt").lower(): sellers_in(path.read_text("utf-8", errors="replace"))
        for path in sorted(folder.iterdir())
        if path.name.endswith(".txt")
    }
