"""Tortoise's SQLite client with transactions that begin as writers. Must not hold queries.

Why: a deferred BEGIN that reads first and writes later fails with 'database is locked' at once, whatever
busy_timeout says, because SQLite cannot upgrade a stale snapshot. BEGIN IMMEDIATE queues for the lock instead.
"""

from tortoise.backends.base.client import TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper


class ImmediateTransaction(SqliteTransactionWrapper):
    """A transaction that takes the write lock when it begins."""

    async def begin(self) -> None:
        """Queue for the write lock (busy_timeout bounds the wait) and begin."""
        await self._connection.execute("BEGIN IMMEDIATE")


class ImmediateSqliteClient(SqliteClient):
    """A client whose transactions begin as writers."""

    def _in_transaction(self) -> TransactionContext:
        return SqliteTransactionContext(ImmediateTransaction(self), self._lock)


client_class = ImmediateSqliteClient
