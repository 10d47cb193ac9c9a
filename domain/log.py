"""The sequenced log's rules: what an event is, how rows are chained, how a chain is checked. No storage.

Each row carries a keyed hash (HMAC-SHA256) over its own facts and the row before it. Personal data stays out of the
chain: the row holds the salted digest of a payload that lies elsewhere and can be erased, after which the chain still
verifies. Without the key nobody can rewrite a tail; with the key but without the anchors' signing key nobody can
rewrite what an anchor has seen.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from kit.time import iso_utc

#: What the first row of every tenant stands on.
GENESIS_HASH: Final = "0" * 64


class ActorKind(StrEnum):
    """Who acts: a person, a program with an API key, or the system itself (a job)."""

    MEMBER = "MEMBER"
    API_KEY = "API_KEY"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `id` is a user id, an API key id, or a job's name; never an e-mail address."""

    kind: ActorKind
    id: str


SYSTEM_MIGRATION: Final = Actor(ActorKind.SYSTEM, "seed")


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A change about to be written. `before` and `after` are whole subjects as plain JSON values."""

    kind: str
    workspace_id: UUID | None
    subject_type: str
    subject_id: UUID
    subject_version: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One row of the chain. `sequence` counts from 1 per tenant without a gap."""

    tenant_id: UUID
    sequence: int
    workspace_id: UUID | None
    at_utc: datetime
    actor_kind: ActorKind
    actor_id: str
    kind: str
    subject_type: str
    subject_id: UUID
    subject_version: int
    payload_digest: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A row with its payload, as readers see it; `before`/`after` are None where the payload was erased."""

    entry: LogEntry
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of a tenant's chain at a moment, kept and signed outside the database."""

    tenant_id: UUID
    sequence: int
    hash: str
    at_utc: datetime


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a chain: at which sequence number, and what."""

    sequence: int
    reason: str


def payload_digest(salt: str, body: str) -> str:
    """Hex digest of a payload under its own salt, so that equal payloads cannot be recognised after erasure."""
    return hmac.new(salt.encode(), body.encode(), hashlib.sha256).hexdigest()


def chain_hash(key: bytes, entry: LogEntry) -> str:
    """Hex HMAC-SHA256 of a row's facts and the hash before it; unit separators keep fields from running together."""
    facts = (
        str(entry.tenant_id),
        str(entry.sequence),
        str(entry.workspace_id or ""),
        iso_utc(entry.at_utc),
        entry.actor_kind.value,
        entry.actor_id,
        entry.kind,
        entry.subject_type,
        str(entry.subject_id),
        str(entry.subject_version),
        entry.payload_digest,
        entry.prev_hash,
    )
    return hmac.new(key, "\x1f".join(facts).encode(), hashlib.sha256).hexdigest()


@dataclass
class ChainCheck:
    """Walks one tenant's chain, page by page, and keeps what is wrong with it.

    A deleted row shows as a gap, a reordered or edited one as a hash that does not follow, a cut tail as an anchor
    or a head beyond the last row.
    """

    key: bytes
    anchors: Sequence[Anchor]
    next_sequence: int = 1
    prev_hash: str = GENESIS_HASH

    def __post_init__(self) -> None:
        self._anchored = {anchor.sequence: anchor for anchor in self.anchors}
        self.faults: list[Fault] = []

    def feed(self, rows: Iterable[tuple[LogEntry, str | None, str | None]]) -> None:
        """Check rows in order of sequence, each with its payload's salt and body (None where erased)."""
        for entry, salt, body in rows:
            self._check(entry, salt, body)

    def _check(self, entry: LogEntry, salt: str | None, body: str | None) -> None:
        if entry.sequence != self.next_sequence:
            self.faults.append(Fault(self.next_sequence, f"row missing; the next one found is {entry.sequence}"))
        elif entry.prev_hash != self.prev_hash:
            self.faults.append(Fault(entry.sequence, "does not follow the row before it"))
        if chain_hash(self.key, entry) != entry.hash:
            self.faults.append(Fault(entry.sequence, "row was changed: its hash does not match"))
        if salt is not None and body is not None and payload_digest(salt, body) != entry.payload_digest:
            self.faults.append(Fault(entry.sequence, "payload was changed: its digest does not match"))
        anchor = self._anchored.pop(entry.sequence, None)
        if anchor is not None and anchor.hash != entry.hash:
            self.faults.append(Fault(entry.sequence, "differs from the signed anchor"))
        self.next_sequence, self.prev_hash = entry.sequence + 1, entry.hash

    def finish(self, head_sequence: int, head_hash: str) -> list[Fault]:
        """All faults, once the last row was fed, with the head the database claims."""
        last = self.next_sequence - 1
        if (head_sequence, head_hash) != (last, self.prev_hash):
            self.faults.append(Fault(last, f"the head says {head_sequence}, the last row is {last}"))
        for sequence in sorted(self._anchored):
            self.faults.append(Fault(sequence, "anchored row is missing"))
        return self.faults
