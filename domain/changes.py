"""What a follower of the log is told, besides events: how far it is, and when it must read the state again. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class ReloadReason(StrEnum):
    """Why a follower cannot be given what it missed."""

    TOO_FAR_BEHIND = "TOO_FAR_BEHIND"
    UNKNOWN_PLACE = "UNKNOWN_PLACE"


@dataclass(frozen=True, slots=True)
class Watermark:
    """Everything up to `sequence` was seen; nothing of it was left out that the follower asked for."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Reload:
    """What lies between the follower's place and `sequence` is not handed on: read the state again, then go on."""

    reason: ReloadReason
    sequence: int
