"""A folder of ads.txt files, one for each publisher, as whoever fetches them leaves it. Must not fetch or judge."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from domain.ads_txt import sellers_in
from domain.bid_snapshot import Seller

logger = logging.getLogger("campaign_express.bid_snapshots")

_ENDING = ".txt"
_Mark = tuple[int, int, int]


class AdsTxtFolder:
    """Who may sell, by the domain that is a file's name: `news.example.txt` is that of news.example."""

    def __init__(self, folder: Path) -> None:
        """Read all that is there.

        Raises:
            OSError: there is no such folder, or a file in it cannot be read.
        """
        self._folder = folder
        self._held: dict[str, tuple[_Mark, tuple[Seller, ...]]] = {}
        self._told = ""
        self._look()

    def current(self) -> Mapping[str, tuple[Seller, ...]]:
        """What the folder says now; what it said last where it cannot be read, which is told once. Blocking."""
        try:
            self._look()
        except OSError as error:
            if str(error) != self._told:
                logger.warning("the ads.txt files stay as they were read last: %s", error)
            self._told = str(error)
        else:
            self._told = ""
        return {domain: sellers for domain, (_, sellers) in self._held.items()}

    def _look(self) -> None:
        """Read what is new or has changed."""
        held: dict[str, tuple[_Mark, tuple[Seller, ...]]] = {}
        with os.scandir(self._folder) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                if not entry.name.endswith(_ENDING):
                    continue
                domain, found = entry.name.removesuffix(_ENDING).lower(), entry.stat()
                mark = found.st_ino, found.st_mtime_ns, found.st_size
                known = self._held.get(domain)
                if known is None or known[0] != mark:
                    text = Path(entry.path).read_text("utf-8", errors="replace")
                    known = mark, sellers_in(text)
                held[domain] = known
        self._held = held
