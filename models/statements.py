"""Lets somebody stand around every SQL statement of this process. Must not know who, nor the values."""

import functools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper

_METHODS: Final = ("execute_query", "execute_query_dict", "execute_insert", "execute_many", "execute_script")
_CLIENTS: Final[tuple[type[BaseDBAsyncClient], ...]] = (
    AsyncpgDBClient, TransactionWrapper, SqliteClient, SqliteTransactionWrapper,
)  # fmt: skip

#: Given the database's name and a statement as it is prepared, without its values.
Around = Callable[[str, str], AbstractContextManager[object]]


@contextmanager
def watched_statements(around: Around) -> Iterator[None]:
    """Every statement runs inside `around` while the block does; without such a block nothing is wrapped."""
    originals = [
        (client, name, client.__dict__[name]) for client in _CLIENTS for name in _METHODS if name in client.__dict__
    ]
    for client, name, original in originals:
        setattr(client, name, _inside(around, original))
    try:
        yield
    finally:
        for client, name, original in originals:
            setattr(client, name, original)


def _inside(around: Around, original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(original)
    async def run(client: BaseDBAsyncClient, query: str, *args: Any, **kwargs: Any) -> Any:
        with around(client.capabilities.dialect, query):
            return await original(client, query, *args, **kwargs)

    return run
