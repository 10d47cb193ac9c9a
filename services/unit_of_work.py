"""One transaction, one actor, and the events it leaves. Must not know any use-case.

A use-case collects its events; they are appended at the very end, so that the tenant's log head is locked only for the
commit (docs/adr/0001). Hints go out after the commit: nothing publishes what might still be rolled back.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain.log import Actor, NewEvent
from models import log
from models.scope import WriteScope
from services.ports import Ports


class Subject(Protocol):
    """What an event can be about."""

    @property
    def id(self) -> UUID:
        """Its id."""

    @property
    def workspace_id(self) -> UUID | None:
        """Where it lives; None for what is the tenant's own."""


@dataclass(slots=True)
class Work:
    """An open transaction of one actor. `scope` writes, `record` remembers what to log."""

    scope: WriteScope
    actor: Actor
    now_utc: datetime
    events: list[NewEvent] = field(default_factory=list)

    def record(self, kind: str, subject_type: str, before: Subject | None, after: Subject | None) -> None:
        """Remember a change: `before` and `after` are whole values, at least one of them given."""
        subject = after if after is not None else before
        if subject is None:
            raise ValueError("an event is about something")
        self.events.append(
            NewEvent(
                kind=kind,
                workspace_id=subject.workspace_id,
                subject_type=subject_type,
                subject_id=subject.id,
                subject_version=int(getattr(subject, "version", 0)),
                before=_plain(before),
                after=_plain(after),
            )
        )


def _plain(value: Subject | None) -> dict[str, Any] | None:
    plain: dict[str, Any] | None = msgspec.to_builtins(value)
    return plain


@asynccontextmanager
async def begin(ports: Ports, tenant_id: UUID, actor: Actor) -> AsyncIterator[Work]:
    """Open a transaction; at its end append the recorded events and commit, then tell the hints."""
    sequence = 0
    async with ports.database.write(tenant_id) as scope:
        work = Work(scope, actor, ports.clock.now_utc())
        yield work
        if work.events:
            entries = await log.append(scope, ports.log_key, actor, work.now_utc, work.events)
            sequence = entries[-1].sequence
    if sequence:
        ports.hints.publish(tenant_id, sequence)
