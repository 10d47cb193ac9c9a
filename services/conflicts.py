"""The answer for the loser of a race over what does not say itself who changed it last: the log does."""

from typing import Protocol
from uuid import UUID

from domain.errors import VersionConflict
from models import log
from models.scope import Scope


class Versioned(Protocol):
    """What is changed by compare-and-set."""

    @property
    def id(self) -> UUID:
        """Its id."""

    @property
    def version(self) -> int:
        """Goes up with every change."""


async def logged_conflict(scope: Scope, message: str, current: Versioned, expected_version: int) -> VersionConflict:
    """The conflict, with who was first and when, as far as the log knows."""
    last = await log.last_change(scope, current.id)
    return VersionConflict(
        message,
        subject_id=current.id,
        expected_version=expected_version,
        current_version=current.version,
        changed_by_id=None if last is None else last.actor_id,
        changed_at_utc=None if last is None else last.at_utc,
    )
