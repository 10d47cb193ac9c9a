"""Answers kept under idempotency keys: the same key and arguments replay the answer, other arguments are refused.

A key is claimed inside the transaction it stands for, so a conflict or failure leaves no key behind and a retry may
still succeed. The first use of a key, by far the commonest, pays one INSERT: whether a key was used is looked up only
when the work was refused.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec
import orjson

from domain.errors import DomainError, IdempotencyMismatch, InvalidInput
from models import idempotency
from services.ports import Ports
from services.unit_of_work import Work
from services.viewers import Viewer

T = TypeVar("T")

MAX_KEY_CHARACTERS = 128


class _UsedBefore(Exception):
    """A request with the same key has committed."""


async def once(
    ports: Ports,
    viewer: Viewer,
    key: str,
    operation: str,
    arguments: Mapping[str, object],
    answer_type: type[T],
    act: Callable[[Callable[[Work, T], Awaitable[None]]], Awaitable[T]],
) -> T:
    """Run `act` once per key of this viewer.

    Args:
        ports: the database.
        viewer: whose key it is; the same text from somebody else is another key.
        key: 1 to 128 characters of the client's choosing.
        operation: which business action the key was used for.
        arguments: what it was used with; part of the comparison, in plain values.
        answer_type: what `act` returns, as msgspec can write and read it.
        act: does the work. It must call the function it is given with its open Work and its answer before its
            transaction ends.

    Raises:
        InvalidInput: an empty or overlong key.
        IdempotencyMismatch: the key was used with other arguments.
    """
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
        raise InvalidInput(f"an idempotency key has 1 to {MAX_KEY_CHARACTERS} characters", path=("idempotencyKey",))
    fingerprint = hashlib.sha256(
        orjson.dumps([operation, msgspec.to_builtins(dict(arguments))], option=orjson.OPT_SORT_KEYS)
    ).hexdigest()
    actor_id = viewer.actor.id

    async def replay() -> T | None:
        stored = await idempotency.stored_answer(ports.database.read(viewer.tenant_id), actor_id, key)
        if stored is None:
            return None
        if stored.arguments_hash != fingerprint:
            raise IdempotencyMismatch("this idempotency key was used before with other arguments")
        return msgspec.json.decode(stored.answer, type=answer_type)

    async def keep(work: Work, answer: T) -> None:
        text = msgspec.json.encode(answer).decode()
        if not await idempotency.store_answer(work.scope, actor_id, key, fingerprint, text, work.now_utc):
            raise _UsedBefore

    try:
        return await act(keep)
    except (_UsedBefore, DomainError):
        # A replay meets its own traces: the version has moved on, or the key is taken.
        replayed = await replay()
        if replayed is None:
            raise
        return replayed
