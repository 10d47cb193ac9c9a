"""The snapshot's file as the bid process follows it: a newer one is swapped in, anything else is refused whole."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from weakref import ReferenceType, ref

import msgspec
import pytest

from domain.bid_compiling import fitted
from domain.bid_snapshot import Snapshot, SpikingModel, encode_snapshot
from hotpath.demo import demo_snapshot
from hotpath.engine.engine import Prepared
from hotpath.inference.numpy_provider import NumpyProvider
from hotpath.inference.provider import BackendUnavailable
from hotpath.snapshots import Breaks, SnapshotFile


class Engine:
    """Remembers what it was told to bid with."""

    def __init__(self) -> None:
        self.used: list[tuple[int, float]] = []
        self.told: Callable[[Prepared], object] = lambda _: None

    def use(self, ready: Prepared, now_s: float) -> None:
        self.told(ready)
        self.used.append((ready.snapshot.version, now_s))


def of_version(version: int) -> bytes:
    return encode_snapshot(msgspec.structs.replace(demo_snapshot(), version=version))


def following(path: Path) -> tuple[SnapshotFile, Engine]:
    engine = Engine()
    return SnapshotFile(path, engine, NumpyProvider, lambda: 5.0), engine


async def test_a_file_that_comes_late_is_taken_and_looked_at_once(tmp_path: Path) -> None:
    path = tmp_path / "s"
    file, engine = following(path)
    assert not await file.look()
    assert not file.is_ready
    path.write_bytes(of_version(3))
    assert await file.look()
    assert not await file.look()
    assert (file.is_ready, engine.used) == (True, [(3, 5.0)])
    assert (file.counts.version, file.counts.campaigns, file.counts.loaded) == (3, 1, 1)
    assert file.counts.compiled_at_s == datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    (tmp_path / "n").write_bytes(of_version(4))
    (tmp_path / "n").replace(path)
    assert await file.look()
    assert [version for version, _ in engine.used] == [3, 4]


WRONG_SUM = bytearray(of_version(9))
WRONG_SUM[-1] ^= 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "broken"),
        (b"no snapshot at all" * 9, "broken"),
        (of_version(9)[:-1], "broken"),
        (bytes(WRONG_SUM), "broken"),
        (b"CEBS\x01" + of_version(9)[5:], "broken"),
        (of_version(3), "outdated"),
        (of_version(2), "outdated"),
    ],
)
async def test_a_bad_file_is_refused_in_one_line_and_the_one_in_use_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: bytes, reason: str
) -> None:
    path = tmp_path / "s"
    path.write_bytes(of_version(3))
    file, engine = following(path)
    await file.look()
    (tmp_path / "n").write_bytes(data)
    (tmp_path / "n").replace(path)
    with caplog.at_level(logging.WARNING):
        assert not await file.look()
        assert not await file.look()
    [line] = caplog.messages
    assert line.startswith(f"the snapshot at {path} is refused, the one in use stays: ")
    assert file.counts.refused == {reason: 1}
    assert (file.counts.version, file.is_ready, len(engine.used)) == (3, True, 1)
    (tmp_path / "n").write_bytes(of_version(10))
    (tmp_path / "n").replace(path)
    assert await file.look()
    assert file.counts.version == 10


async def test_a_model_that_no_backend_takes_is_refused(tmp_path: Path) -> None:
    def none(model: SpikingModel) -> NumpyProvider:
        raise BackendUnavailable("no chip")

    path = tmp_path / "s"
    path.write_bytes(of_version(3))
    file = SnapshotFile(path, Engine(), none, lambda: 5.0)
    assert not await file.look()
    assert (file.counts.refused, file.is_ready) == ({"unusable": 1}, False)


async def test_a_file_that_cannot_be_read_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "s"
    path.mkdir()
    file, _ = following(path)
    for _ in range(3):
        assert not await file.look()
    assert len(caplog.messages) == 1
    assert file.counts.refused == {"unreadable": 3}
    path.rmdir()
    assert not await file.look()
    path.write_bytes(of_version(1))
    assert await file.look()


def test_a_thread_with_breaks_works_for_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    worked_s, slept = 10.0, []
    monkeypatch.setattr("hotpath.snapshots.time.thread_time", lambda: worked_s)
    monkeypatch.setattr("hotpath.snapshots.time.sleep", slept.append)
    pause = Breaks(0.25)
    for more_s in (0.002, 0.0, 0.01):
        worked_s += more_s
        pause()
    assert slept == pytest.approx([0.006, 0.0, 0.03])


async def test_only_a_load_beside_bidding_takes_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("hotpath.snapshots.time.sleep", slept.append)
    path = tmp_path / "s"
    path.write_bytes(of_version(1))
    file, engine = following(path)
    assert await file.look()
    assert slept == []
    (tmp_path / "n").write_bytes(of_version(2))
    (tmp_path / "n").replace(path)
    assert await file.look()
    # After each part of the file, and after each of the index's postings.
    assert len(slept) > 20
    assert [version for version, _ in engine.used] == [1, 2]


async def test_what_was_replaced_is_dropped_in_pieces_by_the_next_look_and_not_by_the_swap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("hotpath.snapshots.time.sleep", slept.append)
    path = tmp_path / "s"
    indexes: list[ReferenceType[object]] = []
    engine = Engine()
    file = SnapshotFile(path, engine, NumpyProvider, lambda: 5.0)
    engine.told = lambda ready: indexes.append(ref(ready.index))
    for version in (1, 2):
        (tmp_path / "n").write_bytes(of_version(version))
        (tmp_path / "n").replace(path)
        assert await file.look()
    assert [index() is not None for index in indexes] == [True, True]
    slept.clear()
    assert not await file.look()
    assert [index() is not None for index in indexes] == [False, True]
    # Between the tables of the index, at least.
    assert len(slept) > 20
    slept.clear()
    assert not await file.look()
    assert slept == []


async def test_ten_thousand_campaigns_load(tmp_path: Path) -> None:
    demo = demo_snapshot()
    [one] = demo.campaigns
    [offer] = one.offers
    many = [
        msgspec.structs.replace(
            one, campaign_id=f"k{n}", offers=(msgspec.structs.replace(offer, offer_id=f"o{n}", creatives=offer.creatives[:2]),)
        )
        for n in range(10_000)
    ]  # fmt: skip
    snapshot: Snapshot = msgspec.structs.replace(
        demo, version=2, campaigns=tuple(many), model=fitted(None, [f"o{n}" for n in range(10_000)])
    )
    path = tmp_path / "s"
    path.write_bytes(encode_snapshot(snapshot))
    file, engine = following(path)
    assert await file.look()
    assert (file.counts.campaigns, engine.used) == (10_000, [(2, 5.0)])
