"""Steps in shared transactions: who shares one, when they are answered, and that a bad one fails for itself only."""

import asyncio
from collections.abc import Sequence

import pytest

from services.group_commits import GroupCommit


class Transactions:
    """Writes that end when they are told to; 13 cannot be written."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.may_commit = asyncio.Event()
        self.group = GroupCommit(self.write)

    async def write(self, asked: Sequence[int]) -> list[int]:
        self.groups.append(list(asked))
        await self.may_commit.wait()
        if 13 in asked:
            raise OSError("13 cannot be written")
        return [10 * each for each in asked]

    def ask(self, number: int) -> "asyncio.Task[int]":
        return asyncio.create_task(self.group(number))


async def steps() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_comes_while_one_is_written_shares_the_next_and_nobody_waits_for_company() -> None:
    its = Transactions()
    first = its.ask(1)
    await steps()
    later = [its.ask(number) for number in (2, 3, 4)]
    await steps()
    assert its.groups == [[1]]
    assert not first.done()
    its.may_commit.set()
    assert await asyncio.gather(first, *later) == [10, 20, 30, 40]
    assert its.groups == [[1], [2, 3, 4]]
    assert await its.group(5) == 50
    assert its.groups[2:] == [[5]]


async def test_nobody_is_answered_before_the_commit() -> None:
    its = Transactions()
    asked = [its.ask(1), its.ask(2)]
    await steps()
    assert its.groups == [[1, 2]]
    assert not any(each.done() for each in asked)
    its.may_commit.set()
    assert await asyncio.gather(*asked) == [10, 20]


async def test_one_that_cannot_be_written_fails_for_itself_only() -> None:
    its = Transactions()
    its.may_commit.set()
    answers = await asyncio.gather(*(its.group(number) for number in (1, 13, 3)), return_exceptions=True)
    assert (answers[0], answers[2]) == (10, 30)
    assert isinstance(answers[1], OSError)
    assert its.groups == [[1, 13, 3], [1], [13], [3]]
    with pytest.raises(OSError, match="13 cannot be written"):
        await its.group(13)
    assert await its.group(4) == 40


async def test_one_that_is_cancelled_takes_nobody_with_it() -> None:
    its = Transactions()
    first, second = its.ask(1), its.ask(2)
    await steps()
    third, fourth = its.ask(3), its.ask(4)
    await steps()
    # The first one's transaction is open: it is committed all the same. The third one's has not begun.
    first.cancel()
    third.cancel()
    await steps()
    its.may_commit.set()
    assert await asyncio.gather(second, fourth) == [20, 40]
    assert its.groups == [[1, 2], [4]]
    assert first.cancelled()
    assert third.cancelled()


async def test_not_more_than_32_wait_for_each_others_locks() -> None:
    its = Transactions()
    its.may_commit.set()
    assert await asyncio.gather(*(its.group(number) for number in range(20, 90))) == list(range(200, 900, 10))
    assert [len(each) for each in its.groups] == [32, 32, 6]
