"""The spool: what was put is on the disk, in groups, in order; what does not fit is told; a broken disk is waited for."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.bid_spools import FileSpools
from domain.bid_events import BidEvent, NoticeEvent, decode_bids, encode_event
from domain.bid_spools import BIDS, NOTICES
from hotpath.events.sink import SpoolSink
from hotpath.events.spool import Spool, SpoolFile, SpoolSettings
from hotpath.operations import spooling

FAST = SpoolSettings(most_waiting=1_000, gather_s=0.0)
EVENT = encode_event(BidEvent("r", 1, "no_bid"))


def event(number: int) -> bytes:
    return encode_event(BidEvent(f"r{number}", 1, "no_bid"))


def on_disk(folder: Path) -> list[str]:
    spools = FileSpools(folder)
    return [
        each.request_id
        for name in spools.names()
        for chunk in spools.read(name, 0, 1_000)
        for each in decode_bids(chunk.data)
    ]


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class HeldFile(SpoolFile):
    """A file whose disk does not answer before it is let go, and then fails so many times."""

    def __init__(self, path: Path, failures: int = 0) -> None:
        super().__init__(path)
        self.reached, self.go, self.failures = threading.Event(), threading.Event(), failures

    def write(self, events: list[bytes], keep_until_s: int) -> None:
        self.reached.set()
        assert self.go.wait(60)
        if self.failures:
            self.failures -= 1
            raise sqlite3.OperationalError("database or disk is full")
        super().write(events, keep_until_s)


def held(folder: Path, settings: SpoolSettings = FAST, failures: int = 0) -> tuple[Spool, HeldFile]:
    made: list[HeldFile] = []

    def open_file(path: Path) -> SpoolFile:
        made.append(HeldFile(path, failures))
        return made[-1]

    return Spool(folder, BIDS, settings, open_file=open_file), made[0]


def test_what_was_put_is_on_the_disk_in_order_once_it_is_closed(tmp_path: Path) -> None:
    spool = Spool(tmp_path, BIDS, FAST)
    for number in range(500):
        assert spool.put(event(number))
    spool.close()
    assert on_disk(tmp_path) == [f"r{number}" for number in range(500)]
    assert (spool.spooled, spool.dropped, spool.lost, spool.waiting) == (500, 0, 0, 0)


def test_what_comes_while_the_disk_is_busy_goes_in_one_commit(tmp_path: Path) -> None:
    spool, file = held(tmp_path)
    spool.put(event(0))
    assert file.reached.wait(60)
    for number in range(1, 100):
        spool.put(event(number))
    assert (spool.commits, spool.waiting) == (0, 100)
    file.go.set()
    spool.close()
    assert (spool.commits, spool.spooled) == (2, 100)
    assert on_disk(tmp_path) == [f"r{number}" for number in range(100)]


def test_what_comes_during_a_commit_is_gathered_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered: list[float] = []

    class Counting(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if timeout is not None:
                gathered.append(timeout)
            return super().wait(timeout)

    class Interrupted(SpoolFile):
        """A file during whose first five commits another event comes."""

        def write(self, events: list[bytes], keep_until_s: int) -> None:
            if spool.commits < 5:
                spool.put(event(spool.commits + 1))
            super().write(events, keep_until_s)

    monkeypatch.setattr("hotpath.events.spool.threading.Event", Counting)
    spool = Spool(tmp_path, BIDS, SpoolSettings(gather_s=0.001), open_file=Interrupted)
    spool.put(event(0))
    wait_until(lambda: spool.spooled == 6)
    assert (spool.commits, gathered) == (6, [0.001] * 6)
    spool.close()
    assert on_disk(tmp_path) == [f"r{number}" for number in range(6)]


def test_a_full_queue_says_so_and_nobody_waits(tmp_path: Path) -> None:
    spool, file = held(tmp_path, SpoolSettings(most_waiting=1_000, gather_s=0.0))
    spool.put(EVENT)
    assert file.reached.wait(60)
    while spool.has_room:
        spool.put(EVENT)
    # Auctions that began while there was room still find a place for their events.
    assert spool.waiting == 1_000 - 512
    assert all(spool.put(EVENT) for _ in range(512))
    assert not spool.put(EVENT)
    assert (spool.waiting, spool.dropped) == (1_000, 1)
    file.go.set()
    spool.close()
    assert (spool.spooled, spool.dropped) == (1_000, 1)


def test_a_disk_that_fails_is_tried_again_and_nothing_is_lost(tmp_path: Path) -> None:
    spool, file = held(tmp_path, failures=2)
    file.go.set()
    for number in range(10):
        spool.put(event(number))
    spool.close(timeout_s=60)
    assert (spool.failures, spool.spooled, spool.lost) == (2, 10, 0)
    assert on_disk(tmp_path) == [f"r{number}" for number in range(10)]


def test_what_a_broken_disk_never_takes_is_counted_as_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool, file = held(tmp_path, failures=10**9)
    file.go.set()
    for _ in range(10):
        spool.put(EVENT)
    spool.close(timeout_s=0.0)
    assert (spool.spooled, spool.lost) == (0, 10)
    assert "10 events of bids could not be written and are lost" in caplog.text


def test_a_full_file_is_followed_by_a_new_one(tmp_path: Path) -> None:
    spool = Spool(tmp_path, BIDS, SpoolSettings(most_waiting=1_000, gather_s=0.0, file_bytes=1, most_chunk=10))
    for number in range(40):
        spool.put(event(number))
    spool.close()
    assert len(FileSpools(tmp_path).names()) == spool.commits + 1 >= 5
    assert on_disk(tmp_path) == [f"r{number}" for number in range(40)]


def test_a_full_file_keeps_its_log_and_whoever_reads_it_copies_it(tmp_path: Path) -> None:
    folder = tmp_path / "50% of one? #2"
    spool = Spool(folder, BIDS, FAST)
    for number in range(100):
        spool.put(event(number))
    spool.close()
    [name] = FileSpools(folder).names()
    file, log = folder / f"{name}.db", folder / f"{name}.db-wal"
    assert file.stat().st_size <= 8_192 < log.stat().st_size
    assert on_disk(folder) == [f"r{number}" for number in range(100)]
    assert not log.exists()
    assert on_disk(folder) == [f"r{number}" for number in range(100)]


def test_a_folder_that_cannot_be_made_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        Spool(tmp_path / "file", BIDS, FAST)


def test_a_spool_goes_when_its_writer_is_gone_and_all_is_moved_and_nothing_is_to_be_kept(tmp_path: Path) -> None:
    sink = SpoolSink(Spool(tmp_path, BIDS, FAST), Spool(tmp_path, NOTICES, FAST))
    spools = FileSpools(tmp_path)
    bids, notices = spools.names()
    assert (bids.split("-")[0], notices.split("-")[0]) == (BIDS, NOTICES)
    assert not spools.remove(bids, 0, 0.0)
    assert sink.has_room
    sink.answered(BidEvent("r", 1, "no_bid"))
    assert sink.noticed(NoticeEvent("win", "b", "k", "o", 1, expires_s=1_000))
    sink.close()
    assert [chunk.events for chunk in spools.read(bids, 0, 10)] == [1]
    assert not spools.remove(bids, 0, 0.0)
    assert spools.remove(bids, 1, 1.0)
    # Of a notice nobody may forget before its token ends that it was counted.
    assert not spools.remove(notices, 1, 1_000.0)
    assert [each.bid_id for each in spools.notices_since(1_000.0)] == ["b"]
    assert list(spools.notices_since(1_001.0)) == []
    assert spools.remove(notices, 1, 1_001.0)
    assert list(tmp_path.iterdir()) == []


def test_notices_that_cannot_be_read_are_told_and_the_others_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notices = Spool(tmp_path, NOTICES, FAST)
    notices.put(encode_event(NoticeEvent("win", "b", "k", "o", 1, expires_s=1_000)), keep_until_s=1_000)
    notices.close()
    (tmp_path / "notices-0.db").write_bytes(b"no database" * 1_000)
    assert [each.bid_id for each in FileSpools(tmp_path).notices_since(0.0)] == ["b"]
    assert "notices-0 cannot be read" in caplog.text


@pytest.mark.parametrize("make", [lambda path: path.touch(), lambda path: sqlite3.connect(path).close()])
def test_a_file_that_has_just_been_begun_holds_nothing(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "bids-1.db")
    assert FileSpools(tmp_path).read("bids-1", 0, 10) == []
    assert FileSpools(tmp_path / "missing").names() == []


async def test_notices_do_not_wait_for_bids_to_be_gathered(tmp_path: Path) -> None:
    async with spooling(tmp_path, SpoolSettings(gather_s=3_600.0)) as sink:
        sink.answered(BidEvent("r", 1, "no_bid"))
        assert sink.noticed(NoticeEvent("win", "b", "k", "o", 1, expires_s=1_000))
        await asyncio.to_thread(wait_until, lambda: sink.notices.commits > 0)
        assert [each.bid_id for each in FileSpools(tmp_path).notices_since(0.0)] == ["b"]
        assert (sink.bids.commits, sink.bids.waiting) == (0, 1)
    assert sink.bids.spooled == 1
