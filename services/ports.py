"""What the use-cases need from outside, as structural Protocols. Adapters fill them in app/container.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.log import Anchor
from domain.platforms import AdPlatform, Platform
from kit.time import Clock
from models.scope import Database


class Hints(Protocol):
    """Tells other processes that a tenant's log has grown. Losing a hint costs a second, never an event."""

    def publish(self, tenant_id: UUID, sequence: int) -> None:
        """Say, after the commit and without waiting, how far the tenant's log now goes."""


class AnchorStore(Protocol):
    """Signed heads of logs, kept outside the database."""

    def keep(self, anchor: Anchor) -> None:
        """Sign and store an anchor."""

    def anchors(self, tenant_id: UUID) -> list[Anchor]:
        """A tenant's anchors, oldest first. Raises domain.errors.DomainError where a signature is not good."""


class PasswordHasher(Protocol):
    """Argon2id, off the event loop."""

    async def hash_password(self, password: str) -> str:
        """The encoded hash of a password."""

    async def verify_password(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right; takes as long for an unknown user (None)."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a use-case may need from outside its arguments."""

    database: Database
    clock: Clock
    hints: Hints
    log_key: bytes
    anchors: AnchorStore
    platforms: Mapping[Platform, AdPlatform]
