"""Tortoise's SQLite client with transactions that begin as writers. Must not hold queries.

Why: a deferred BEGIN that reads first and writes later fails with 'database is locked' at once, whatever
busy_timeout says, because SQLite cannot upgrade a stale snapshot. BEGIN IMMEDIATE queues for the lock instead.

Statements inside a transaction run where they are asked for, not in the connection's thread: most take a few
microseconds, and handing each to a thread and back took ten times that while every other writer waited. What can take
long still goes to the thread: waiting for the lock, committing (which syncs the file), many rows at once.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import aiosqlite
from tortoise.backends.base.client import TransactionContext
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
    translate_exceptions,
)


class ImmediateTransaction(SqliteTransactionWrapper):
    """A transaction that takes the write lock when it begins."""

    async def begin(self) -> None:
        """Queue for the write lock (busy_timeout bounds the wait) and begin."""
        await self._connection.execute("BEGIN IMMEDIATE")

    @translate_exceptions
    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, Sequence[Any]]:
        """How many rows a statement changed or found, and what it found."""
        async with self._lock:
            connection = self._connection._conn  # noqa: SLF001 - the thread's own connection, idle while we hold it
            before = connection.total_changes
            rows = connection.execute(query, values or ()).fetchall()
            return (connection.total_changes - before) or len(rows), rows

    @translate_exceptions
    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """What a statement found."""
        async with self._lock:
            connection = self._connection._conn  # noqa: SLF001 - as above
            return [dict(row) for row in connection.execute(query, values or ())]


class ImmediateSqliteClient(SqliteClient):
    """A client whose transactions begin as writers."""

    async def create_connection(self, with_db: bool) -> None:  # noqa: ARG002 - Tortoise's signature
        """Connect, so that any thread may use the connection: one at a time does, whoever holds the lock."""
        if self._connection is not None:
            return
        self._connection = await aiosqlite.connect(self.filename, isolation_level=None, check_same_thread=False)
        self._connection._conn.row_factory = sqlite3.Row  # noqa: SLF001 - as Tortoise does
        for pragma, value in self.pragmas.items():
            await self._connection.execute_fetchall(f"PRAGMA {pragma}={value}")
        await self._post_connect()

    def _in_transaction(self) -> TransactionContext:
        return SqliteTransactionContext(ImmediateTransaction(self), self._lock)


client_class = ImmediateSqliteClient
