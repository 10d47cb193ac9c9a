"""What a bid process's spool is called and what is read from it. Holds names and values alone."""

from dataclasses import dataclass
from typing import Final

#: What the names of the two kinds of spools begin with.
BIDS: Final = "bids"
NOTICES: Final = "notices"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One row of a spool: its number in the file, from 1 and rising; how many events; the events."""

    id: int
    events: int
    data: bytes
