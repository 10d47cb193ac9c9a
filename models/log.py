"""The sequenced log's tables: heads, chained rows, erasable payloads. Rules of the chain stand in domain/log.py.

Lock order, the same everywhere: idempotency key, subjects in id order, plan, then the tenant's head last, held only
for the commit. A conflict or a replay therefore consumes no number.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import orjson
from tortoise import Model, fields

from domain.log import GENESIS_HASH, Actor, LogEntry, LogEvent, NewEvent, chain_hash, payload_digest
from kit.pagination import Slice
from models.conditions import Conditions
from models.scope import Scope, WriteScope, as_values, json_text


class LogHeadTable(Model):
    """How far the log of a tenant goes, and the hash it ends with."""

    tenant_id = fields.UUIDField(primary_key=True)
    sequence = fields.BigIntField()
    hash = fields.CharField(max_length=64)

    class Meta:
        table = "log_heads"


class LogEntryTable(Model):
    """A chained row. Never updated, never deleted."""

    id = fields.BigIntField(primary_key=True, generated=True)
    tenant_id = fields.UUIDField()
    sequence = fields.BigIntField()
    workspace_id = fields.UUIDField(null=True)
    at_utc = fields.DatetimeField()
    actor_kind = fields.CharField(max_length=16)
    actor_id = fields.CharField(max_length=64)
    kind = fields.CharField(max_length=64)
    subject_type = fields.CharField(max_length=32)
    subject_id = fields.UUIDField()
    subject_version = fields.IntField()
    payload_digest = fields.CharField(max_length=64)
    prev_hash = fields.CharField(max_length=64)
    hash = fields.CharField(max_length=64)

    class Meta:
        table = "log_entries"
        unique_together = (("tenant_id", "sequence"),)
        indexes = (("tenant_id", "subject_id", "sequence"),)


class LogPayloadTable(Model):
    """What a row is about: the subject before and after, as canonical JSON text. May be erased."""

    id = fields.BigIntField(primary_key=True, generated=True)
    tenant_id = fields.UUIDField()
    sequence = fields.BigIntField()
    salt = fields.CharField(max_length=32)
    body = fields.TextField()

    class Meta:
        table = "log_payloads"
        unique_together = (("tenant_id", "sequence"),)


_ENTRY_COLUMNS = (
    "tenant_id, sequence, workspace_id, at_utc, actor_kind, actor_id, kind, subject_type, subject_id, "
    "subject_version, payload_digest, prev_hash, hash"
)
#: SQLite and PostgreSQL both take thousands of parameters; 60 rows of 17 stay far below.
_ROWS_AT_ONCE = 60
_QUALIFIED = ", ".join(f"e.{column.strip()}" for column in _ENTRY_COLUMNS.split(","))


async def append(
    scope: WriteScope, key: bytes, actor: Actor, at_utc: datetime, events: Sequence[NewEvent]
) -> list[LogEntry]:
    """Write events at the tenant's head, n numbers at once. Must be the last statements of a transaction."""
    head = await scope.rows(
        "UPDATE log_heads SET sequence = sequence + $1 WHERE tenant_id = $2 RETURNING sequence, hash",
        len(events),
        scope.tenant_id,
    )
    first, prev_hash = int(head[0]["sequence"]) - len(events) + 1, str(head[0]["hash"])
    entries: list[LogEntry] = []
    payloads: list[tuple[str, str]] = []
    for offset, event in enumerate(events):
        salt, body = secrets.token_hex(16), json_text({"before": event.before, "after": event.after})
        unsealed = LogEntry(
            scope.tenant_id,
            first + offset,
            event.workspace_id,
            at_utc,
            actor.kind,
            actor.id,
            event.kind,
            event.subject_type,
            event.subject_id,
            event.subject_version,
            payload_digest(salt, body),
            prev_hash,
            "",
        )
        prev_hash = chain_hash(key, unsealed)
        entries.append(replace(unsealed, hash=prev_hash))
        payloads.append((salt, body))
    await _insert(scope, entries, payloads)
    return entries


async def _insert(scope: WriteScope, entries: list[LogEntry], payloads: list[tuple[str, str]]) -> None:
    """Rows, payloads, and at the end the head's hash."""
    for start in range(0, len(entries), _ROWS_AT_ONCE):
        part = entries[start : start + _ROWS_AT_ONCE]
        width = len(LogEntry.__slots__)
        values = [getattr(entry, field) for entry in part for field in LogEntry.__slots__]
        bodies = [
            value
            for entry, (salt, body) in zip(part, payloads[start : start + _ROWS_AT_ONCE], strict=True)
            for value in (entry.tenant_id, entry.sequence, salt, body)
        ]
        head_values = (part[-1].hash, scope.tenant_id)
        rows = f"INSERT INTO log_entries ({_ENTRY_COLUMNS}) VALUES "  # noqa: S608 - column names only
        texts = "INSERT INTO log_payloads (tenant_id, sequence, salt, body) VALUES "
        head = "UPDATE log_heads SET hash = {} WHERE tenant_id = {}"
        if scope.is_sqlite:
            await scope.execute(rows + _tuples(len(part), width), *values)
            await scope.execute(texts + _tuples(len(part), 4), *bodies)
            await scope.execute(head.format("$1", "$2"), *head_values)
        else:
            # One statement, because the head is locked: every round trip here is waited for by the whole tenant.
            after = len(values) + len(bodies)
            await scope.rows(
                f"WITH e AS ({rows}{_tuples(len(part), width)}), "
                f"p AS ({texts}{_tuples(len(part), 4, len(values))}) " + head.format(f"${after + 1}", f"${after + 2}"),
                *values,
                *bodies,
                *head_values,
            )


@lru_cache(maxsize=256)
def _tuples(rows: int, columns: int, offset: int = 0) -> str:
    """($1, $2), ($3, $4) ... for a multi-row INSERT, numbered from behind `offset`."""
    return ", ".join(
        "(" + ", ".join(f"${offset + row * columns + column + 1}" for column in range(columns)) + ")"
        for row in range(rows)
    )


async def open_head(scope: WriteScope) -> None:
    """The head of a new tenant's log."""
    await scope.create(LogHeadTable, sequence=0, hash=GENESIS_HASH)


async def head(scope: Scope) -> tuple[int, str]:
    """The last sequence number and hash."""
    row = await scope.of(LogHeadTable).get()
    return row.sequence, row.hash


async def rows_with_payloads(scope: Scope, after: int, limit: int) -> list[tuple[LogEntry, str | None, str | None]]:
    """Rows after a sequence number in order, each with its payload's salt and body, None where erased."""
    rows = await scope.rows(
        f"SELECT {_QUALIFIED}, p.salt, p.body FROM log_entries e "  # noqa: S608 - column names only
        "LEFT JOIN log_payloads p ON p.tenant_id = e.tenant_id AND p.sequence = e.sequence "
        "WHERE e.tenant_id = $1 AND e.sequence > $2 ORDER BY e.sequence LIMIT $3",
        scope.tenant_id,
        after,
        limit,
    )
    return [(entry, row["salt"], row["body"]) for entry, row in zip(as_values(LogEntry, rows), rows, strict=True)]


async def events_after(scope: Scope, after: int, limit: int) -> list[LogEvent]:
    """Events after a sequence number in order, payloads parsed."""
    return [_event(entry, body) for entry, _salt, body in await rows_with_payloads(scope, after, limit)]


async def event_page(
    scope: Scope,
    workspace_id: UUID,
    place: Slice[int],
    subject_types: Sequence[str] | None = None,
    subject_id: UUID | None = None,
) -> list[LogEvent]:
    """What a slice fetches of a workspace's events, newest first.

    Args:
        scope: the tenant's.
        workspace_id: whose events.
        place: between two sequence numbers; what follows one, further down the list, has lower ones.
        subject_types: only events about these kinds of things; None for all.
        subject_id: only events about this thing; None for all.
    """
    where = Conditions(scope.tenant_id, workspace_id)
    if subject_types is not None:
        where.among("e.subject_type", subject_types)
    if subject_id is not None:
        where.add("e.subject_id =", subject_id)
    rows = await scope.rows(
        f"SELECT {_QUALIFIED}, p.salt, p.body FROM log_entries e "  # noqa: S608 - fixed fragments, values bound
        "LEFT JOIN log_payloads p ON p.tenant_id = e.tenant_id AND p.sequence = e.sequence "
        f"WHERE e.tenant_id = $1 AND e.workspace_id = $2{where.newest_first('e.sequence', place)}",
        *where.parameters,
    )
    found = [_event(entry, row["body"]) for entry, row in zip(as_values(LogEntry, rows), rows, strict=True)]
    return list(place.in_order(found))


async def last_change(scope: Scope, subject_id: UUID) -> LogEntry | None:
    """The newest row about a thing: who touched it last, and when."""
    rows = await scope.rows(
        f"SELECT {_ENTRY_COLUMNS} FROM log_entries "  # noqa: S608 - column names only
        "WHERE tenant_id = $1 AND subject_id = $2 ORDER BY sequence DESC LIMIT 1",
        scope.tenant_id,
        subject_id,
    )
    return as_values(LogEntry, rows)[0] if rows else None


def _event(entry: LogEntry, body: str | None) -> LogEvent:
    payload = orjson.loads(body) if body is not None else {}
    return LogEvent(entry, payload.get("before"), payload.get("after"))


async def erase_payloads(scope: WriteScope, subject_id: UUID) -> int:
    """Erase what rows say about a subject; the chain keeps verifying. Returns how many payloads went."""
    return await scope.execute(
        "DELETE FROM log_payloads WHERE tenant_id = $1 AND sequence IN "
        "(SELECT sequence FROM log_entries WHERE tenant_id = $1 AND subject_id = $2)",
        scope.tenant_id,
        subject_id,
    )
