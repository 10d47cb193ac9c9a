"""Connections and scopes: the only way to the tables. Every scope names its tenant.

A `Scope` reads, a `WriteScope` also writes and lives inside one transaction. No query helper exists without a tenant;
what must look across tenants (sign-in by e-mail, the worker's claims, the relay's heads) stands in
`models/across_tenants.py` and takes a `SystemScope`. Must not decide anything.

SQLite: one write connection whose transactions begin as writers, one read connection. PostgreSQL: a write pool behind
a small gate per tenant, and a read pool of its own, so that 50 approvals waiting for one tenant's log head cannot
starve unrelated reads (docs/adr/0001).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints
from uuid import UUID

import msgspec
import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from tortoise import Model, Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.connection import get_connections
from tortoise.context import TortoiseContext
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from domain.errors import NotFound
from kit.pagination import Slice

M = TypeVar("M", bound=Model)
T = TypeVar("T")

#: Concurrent write transactions per tenant and process on PostgreSQL. Measured with 50 approvals at once in one
#: tenant: no gate 341-599/s at p99 up to 607 ms, a gate of 4 about 1,100/s at 59 ms (docs/adr/0001).
WRITES_PER_TENANT = 4

MODEL_MODULES = (
    "models.tenants",
    "models.log",
    "models.members",
    "models.sessions",
    "models.api_keys",
    "models.ad_accounts",
    "models.campaigns",
    "models.daily_metrics",
    "models.plans",
    "models.recommendations",
    "models.adjustments",
    "models.presences",
    "models.idempotency",
    "models.currency_rates",
    "models.quotas",
    "models.guardrails",
    "models.automations",
    "models.notifications",
    "models.webhooks",
    "models.connections",
    "models.emergency_stops",
    "models.shifts",
    "models.bid_campaigns",
    "models.status_changes",
    "models.bid_events",
    "models.response_curves",
    "models.documents",
)


@lru_cache(maxsize=512)
def _question_marks(sql: str) -> str:
    """SQLite's spelling of PostgreSQL's numbered parameters: $1 becomes ?1."""
    return re.sub(r"\$(\d+)", r"?\1", sql)


def _sqlite_value(value: object) -> object:
    """A Python value as Tortoise's SQLite columns store it, so that raw SQL and the ORM compare the same text."""
    match value:
        case Enum():
            return value.value
        case UUID() | Decimal():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat(" ")
        case date():
            return value.isoformat()
        case _:
            return value


@dataclass(frozen=True, slots=True)
class SystemScope:
    """A connection without a tenant; only `models/across_tenants.py` may take one."""

    connection: BaseDBAsyncClient

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite (it has no row locks and no SKIP LOCKED)."""
        return self.connection.capabilities.dialect == "sqlite"

    def _bind(self, sql: str, parameters: tuple[object, ...]) -> tuple[str, list[object]]:
        if self.is_sqlite:
            return _question_marks(sql), [_sqlite_value(value) for value in parameters]
        return sql, [value.value if isinstance(value, Enum) else value for value in parameters]

    async def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Rows of a statement with $1-style parameters; also of `... RETURNING`, on both databases."""
        statement, values = self._bind(sql, parameters)
        return await self.connection.execute_query_dict(statement, values)

    async def tuples(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of a SELECT without their columns' names: of long lists these cost more than reading."""
        statement, values = self._bind(sql, parameters)
        _, found = await self.connection.execute_query(statement, values)
        return [tuple(row) for row in found]

    async def execute(self, sql: str, *parameters: object) -> int:
        """How many rows an INSERT, UPDATE or DELETE touched."""
        statement, values = self._bind(sql, parameters)
        count, _ = await self.connection.execute_query(statement, values)
        return count


@dataclass(frozen=True, slots=True)
class Scope(SystemScope):
    """A connection that reads as one tenant."""

    tenant_id: UUID

    def of(self, table: type[M]) -> QuerySet[M]:
        """The tenant's rows of a table."""
        return table.filter(tenant_id=self.tenant_id).using_db(self.connection)


@dataclass(frozen=True, slots=True)
class WriteScope(Scope):
    """One transaction of one tenant."""

    async def create(self, table: type[M], **values: object) -> M:
        """A new row of the tenant's."""
        return await table.create(using_db=self.connection, tenant_id=self.tenant_id, **values)

    async def create_all(self, table: type[M], rows: list[dict[str, object]]) -> None:
        """New rows of the tenant's, a few hundred a statement."""
        objects = [table(tenant_id=self.tenant_id, **row) for row in rows]
        await table.bulk_create(objects, batch_size=400, using_db=self.connection)


def as_value(kind: type[T], row: Mapping[str, Any]) -> T:
    """A row as a domain value, whichever database spelled it: text or native UUIDs, moments, decimals, JSON."""
    return msgspec.convert(row, kind, strict=False)


def as_values(kind: type[T], rows: list[dict[str, Any]]) -> list[T]:
    """Rows as domain values."""
    return msgspec.convert(rows, list[kind], strict=False)  # type: ignore[valid-type]


def parts(kind: type[T], attributes: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[T]:
    """Rows of some of a kind's columns, in this order, as values with these attributes only: reading another raises.

    For lists, of which clients select a few fields: reading the other columns costs more than all the rest.
    """
    return cast("list[T]", msgspec.convert(rows, list[_part_of(kind, attributes)], strict=False))  # type: ignore[misc, arg-type]


@lru_cache(maxsize=1_000)
def _part_of(kind: type, attributes: tuple[str, ...]) -> type[msgspec.Struct]:
    hints = get_type_hints(kind)
    return msgspec.defstruct(
        f"PartOf{kind.__name__}", [(name, hints[name]) for name in attributes], frozen=True, array_like=True
    )


@lru_cache
def _by_id(names: tuple[str, ...], table: str) -> str:
    return f"SELECT {', '.join(names)} FROM {table} WHERE tenant_id = $1 AND id = $2"  # noqa: S608 - names only


async def value_by_id(scope: Scope, kind: type[T], table: str, row_id: UUID, missing: str) -> T:
    """A row of the tenant's as a domain value whose fields are named as its columns. Raises NotFound, as `only` does.

    For what is read at every step of a change: building the same query anew costs Tortoise more than running it.

    Args:
        scope: the tenant's.
        kind: a dataclass with slots.
        table: the SQL name, a constant of the caller's.
        row_id: which row.
        missing: what NotFound says.
    """
    return as_value(kind, only(await scope.rows(_by_id(_fields_of(kind), table), scope.tenant_id, row_id), missing))


async def values_by_id(scope: Scope, kind: type[T], table: str, row_ids: Collection[UUID]) -> dict[UUID, T]:
    """As `value_by_id`, of several rows by their ids; those of other tenants are absent."""
    names = _fields_of(kind)
    wanted = list(dict.fromkeys(row_ids))
    places = ", ".join(f"${n + 2}" for n in range(len(wanted)))
    sql = f"SELECT {', '.join(names)} FROM {table} WHERE tenant_id = $1 AND id IN ({places})"  # noqa: S608 - names only
    found = as_values(kind, await scope.rows(sql, scope.tenant_id, *wanted)) if wanted else []
    return {getattr(each, "id"): each for each in found}  # noqa: B009 - not every type has one


def _fields_of(kind: type[object]) -> tuple[str, ...]:
    return tuple(getattr(kind, "__slots__"))  # noqa: B009 - not every type has any


def only(rows: list[dict[str, Any]], missing: str) -> dict[str, Any]:
    """The one row of a query by id. Raises NotFound, which says `missing`, when there is none."""
    if not rows:
        raise NotFound(missing)
    return rows[0]


async def sliced(query: QuerySet[M], place: Slice[UUID], *, newest_first: bool = False) -> list[dict[str, Any]]:
    """A slice's rows in the order of their ids, or the other way round; one more than asked for if there is one."""
    if place.after is not None:
        query = query.filter(**{"id__lt" if newest_first else "id__gt": place.after})
    if place.before is not None:
        query = query.filter(**{"id__gt" if newest_first else "id__lt": place.before})
    falling = newest_first != place.backwards
    rows = await query.order_by("-id" if falling else "id").limit(place.fetch_limit).values()
    return list(place.in_order(rows))


def json_text(value: object) -> str:
    """Canonical JSON: sorted keys, so that equal values are equal text."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


async def _reset(connection: "PoolConnectionProxy[Record]") -> None:
    """What the pool does when a connection comes back.

    asyncpg's own reset costs a round trip each time and undoes session state that nothing here makes; only a
    transaction that was left open, by a task that died in it, needs it.
    """
    if connection.is_in_transaction():
        await connection.reset()


def tortoise_config(database_url: str, *, pool: int = 8) -> dict[str, Any]:
    """Tortoise's configuration: `write` and `read` connections to one database.

    Args:
        database_url: `sqlite:///absolute/or/relative/path.db` or `postgres://user@host:port/name`.
        pool: connections in each of PostgreSQL's two pools.
    """
    if database_url.startswith("sqlite://"):
        path = database_url.removeprefix("sqlite://")
        credentials = {"file_path": path, "busy_timeout": 20_000, "journal_mode": "WAL", "synchronous": "FULL"}
        connections: dict[str, object] = {
            "write": {"engine": "models.sqlite_backend", "credentials": credentials},
            "read": {"engine": "models.sqlite_backend", "credentials": {**credentials, "query_only": "ON"}},
        }
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    else:
        postgres = expand_db_url(database_url)
        postgres["credentials"] |= {"minsize": 1, "maxsize": pool, "reset": _reset}
        connections = {"write": postgres, "read": postgres}
    return {
        "connections": connections,
        "apps": {
            "models": {
                "models": list(MODEL_MODULES),
                "default_connection": "write",
                "migrations": "migrations",
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }


class Database:
    """The open connections of one process."""

    def __init__(self, database_url: str, *, pool: int = 8) -> None:
        self._config = tortoise_config(database_url, pool=pool)
        self._context: TortoiseContext | None = None
        self._reader: BaseDBAsyncClient
        self._gates: dict[UUID, asyncio.Semaphore] = {}
        self.is_sqlite = database_url.startswith("sqlite://")

    async def open(self) -> None:
        """Connect. Tortoise's state is global to the process, so one Database is open at a time."""
        # Tortoise caches INSERT texts by connection name only; another database kind may have been open before.
        EXECUTOR_CACHE.clear()
        self._context = await Tortoise.init(config=self._config, _enable_global_fallback=True)
        # Asked for by every read; transactions put another one in the place of "write" only.
        self._reader = get_connections().get("read")

    async def close(self) -> None:
        """Close all connections; a process that forgets this hangs at exit on SQLite."""
        await Tortoise.close_connections()

    def read(self, tenant_id: UUID) -> Scope:
        """A scope that reads as one tenant, outside any transaction."""
        return Scope(self._reader, tenant_id)

    def system(self) -> SystemScope:
        """A scope without a tenant, for `models/across_tenants.py` only."""
        return SystemScope(self._reader)

    def system_write(self) -> SystemScope:
        """A writing scope without a tenant and without a transaction, for `models/across_tenants.py` only."""
        return SystemScope(get_connections().get("write"))

    @asynccontextmanager
    async def write(self, tenant_id: UUID) -> AsyncIterator[WriteScope]:
        """One transaction of one tenant; commits when the block ends, rolls back when it raises."""
        gate = self._gates.get(tenant_id)
        if gate is None:
            gate = self._gates[tenant_id] = asyncio.Semaphore(1 if self.is_sqlite else WRITES_PER_TENANT)
        async with gate, in_transaction("write") as connection:
            yield WriteScope(connection, tenant_id)
