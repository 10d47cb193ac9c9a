"""From the spools into the store, on both databases: each event once, whoever moves it and wherever that one dies."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from adapters.bid_spools import FileSpools
from app.seed import SEEDER, demo_drafts
from domain.bid_campaigns import BidCampaign
from domain.bid_events import BidDay, BidEvent, NoticeEvent, Outcome, decode_bids, encode_event, packed
from domain.bid_spools import BIDS, NOTICES, Chunk
from domain.errors import InvalidInput
from hotpath.events.sink import SpoolSink
from hotpath.events.spool import Spool, SpoolSettings
from jobs.bid_events import forget_old_events, move_all
from kit.ids import new_id
from kit.time import FixedClock
from models import across_tenants, bid_events
from models.scope import Scope
from services import bid_campaigns
from services import bid_events as cases
from services.ports import Ports
from services.unit_of_work import begin
from tests.conftest import NOON, House, viewer_of

NOON_US = int(NOON.timestamp() * 1_000_000)
TODAY = NOON.date()
FAST = SpoolSettings(gather_s=0.0)


async def campaign_of(ports: Ports, house: House) -> BidCampaign:
    async with begin(ports, house.tenant_id, SEEDER) as work:
        return await bid_campaigns.create_in(work, house.workspace.id, demo_drafts()[0])


def bid(*campaigns: UUID | str) -> BidEvent:
    outcomes = [Outcome(str(n), "", f"b{n}", str(campaign), "o") for n, campaign in enumerate(campaigns)]
    return BidEvent("r", NOON_US, "bid", "USD", "USD", outcomes=tuple(outcomes))


def notice(kind: str, bid_id: str, campaign: BidCampaign, cost_micros: int = 0) -> NoticeEvent:
    return NoticeEvent(kind, bid_id, str(campaign.id), "o", NOON_US, 10**10, "USD", cost_micros, 1_000 * cost_micros)


def chunk(number: int, *events: BidEvent | NoticeEvent) -> Chunk:
    return Chunk(number, len(events), packed([encode_event(event) for event in events]))


async def days_of(ports: Ports, house: House, campaign: BidCampaign) -> list[BidDay]:
    return await bid_events.bid_days(ports.database.read(house.tenant_id), [campaign.id], date.min, date.max)


def day(campaign: BidCampaign, *sums: int) -> BidDay:
    bids, wins, impressions, losses, spend_micros = sums
    return BidDay(campaign.id, TODAY, "USD", bids, wins, impressions, losses, spend_micros)


@pytest.mark.req("FR-RTB-008")
async def test_what_a_process_left_is_in_the_store_once_and_its_spools_are_gone(
    ports: Ports, house: House, other_house: House, tmp_path: Path
) -> None:
    ours, theirs = await campaign_of(ports, house), await campaign_of(ports, other_house)
    sink = SpoolSink(Spool(tmp_path, BIDS, FAST), Spool(tmp_path, NOTICES, FAST))
    for _ in range(3):
        sink.answered(bid(ours.id, theirs.id, "demo-catch-all", new_id()))
    for told in (
        notice("win", "b0", ours), notice("billing", "b0", ours, 2_500), notice("billing", "b1", theirs, 700),
        notice("loss", "b2", ours),
    ):  # fmt: skip
        sink.noticed(told)
    sink.close()
    spools = FileSpools(tmp_path)
    assert await move_all(ports, spools) == sink.bids.commits + sink.notices.commits
    for _ in range(2):
        assert await days_of(ports, house, ours) == [day(ours, 3, 1, 1, 1, 2_500)]
        assert await days_of(ports, other_house, theirs) == [day(theirs, 3, 0, 1, 0, 700)]
        assert await days_of(ports, other_house, ours) == []
        # The notices stay on the disk for as long as one can come again; moving them again adds nothing.
        assert [name.split("-")[0] for name in spools.names()] == [NOTICES]
        assert await move_all(ports, spools) == 0
    kept = await across_tenants.bid_chunks(
        ports.database.system(), datetime.min.replace(tzinfo=UTC), NOON + timedelta(1), 10
    )
    assert sum(len(decode_bids(data)) for data in kept) == 3
    assert await cases.spent_on(ports, TODAY, "USD") == {str(ours.id): 2_500, str(theirs.id): 700}
    assert await cases.spent_on(ports, TODAY, "EUR") == {}
    assert await cases.spent_on(ports, TODAY - timedelta(1), "USD") == {}


async def test_a_notice_that_two_processes_counted_is_spent_once(ports: Ports, house: House) -> None:
    mine = await campaign_of(ports, house)
    told = notice("billing", "b", mine, 1_000)
    await cases.move_stretch(ports, "notices-1", [chunk(1, told, told)])
    await cases.move_stretch(ports, "notices-2", [chunk(1, told, notice("billing", "c", mine, 30))])
    assert await days_of(ports, house, mine) == [day(mine, 0, 0, 2, 0, 1_030)]


class _Died(Exception):
    """The worker was killed here."""


@pytest.mark.parametrize("dies_at", ["add_to_days", "store_position", "keep_bid_chunks", "store_spool_position"])
@pytest.mark.parametrize("kind", [BIDS, NOTICES])
async def test_a_worker_that_dies_in_between_adds_nothing_twice(
    ports: Ports, house: House, other_house: House, monkeypatch: pytest.MonkeyPatch, dies_at: str, kind: str
) -> None:
    ours, theirs = await campaign_of(ports, house), await campaign_of(ports, other_house)
    module = bid_events if hasattr(bid_events, dies_at) else across_tenants
    if kind == BIDS:
        first, second = chunk(1, bid(ours.id, theirs.id)), chunk(2, bid(ours.id))
    else:
        first = chunk(1, notice("billing", "a", ours, 500), notice("billing", "b", theirs, 70))
        second = chunk(2, notice("billing", "c", ours, 500))
    calls = 0
    real = getattr(module, dies_at)

    async def dies_the_second_time(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == (2 if module is bid_events else 1):
            raise _Died
        return await real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(module, dies_at, dies_the_second_time)
        if kind == NOTICES and dies_at == "keep_bid_chunks":
            # Notices are rows already: no raw chunk is kept of them.
            await cases.move_stretch(ports, f"{kind}-1", [first])
        else:
            with pytest.raises(_Died):
                await cases.move_stretch(ports, f"{kind}-1", [first])
    # Whoever comes next begins again, and finds more by now.
    await cases.move_stretch(ports, f"{kind}-1", [first, second])
    await cases.move_stretch(ports, f"{kind}-1", [first, second])
    expected = (2, 0, 0, 0, 0) if kind == BIDS else (0, 0, 2, 0, 1_000)
    assert await days_of(ports, house, ours) == [day(ours, *expected)]
    expected = (1, 0, 0, 0, 0) if kind == BIDS else (0, 0, 1, 0, 70)
    assert await days_of(ports, other_house, theirs) == [day(theirs, *expected)]
    assert await across_tenants.spool_position(ports.database.system(), f"{kind}-1") == 2


async def test_two_workers_that_move_the_same_spool_add_it_once(ports: Ports, house: House) -> None:
    mine = await campaign_of(ports, house)
    chunks = [chunk(n, bid(mine.id), bid(mine.id)) for n in range(1, 11)]
    await asyncio.gather(*(cases.move_stretch(ports, "bids-1", chunks[:end]) for end in (10, 5, 10, 3)))
    await cases.move_stretch(ports, "bids-1", chunks)
    assert await days_of(ports, house, mine) == [day(mine, 20, 0, 0, 0, 0)]
    assert await across_tenants.spool_position(ports.database.system(), "bids-1") == 10


async def test_a_chunk_that_cannot_be_read_is_told_and_the_next_ones_are_moved(
    ports: Ports, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    mine = await campaign_of(ports, house)
    for kind, good in ((BIDS, bid(mine.id)), (NOTICES, notice("win", "b", mine))):
        await cases.move_stretch(ports, f"{kind}-1", [Chunk(1, 1, b"\xc1"), chunk(2, good)])
    assert await days_of(ports, house, mine) == [day(mine, 1, 1, 0, 0, 0)]
    assert caplog.text.count("chunk 1 of") == 2


class BrokenSpools(FileSpools):
    """One of whose files cannot be read."""

    def read(self, name: str, after: int, limit: int) -> list[Chunk]:
        if name == "bids-0":
            raise OSError("input/output error")
        return super().read(name, after, limit)


async def test_a_spool_that_cannot_be_read_does_not_stop_the_others(
    ports: Ports, house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mine = await campaign_of(ports, house)
    (tmp_path / "bids-0.db").touch()
    spool = Spool(tmp_path, BIDS, FAST)
    spool.put(encode_event(bid(mine.id)))
    spool.close()
    assert await move_all(ports, BrokenSpools(tmp_path)) == 1
    assert await days_of(ports, house, mine) == [day(mine, 1, 0, 0, 0, 0)]
    assert "bids-0 cannot be read now" in caplog.text


async def test_a_live_process_is_read_and_its_spool_stays(ports: Ports, house: House, tmp_path: Path) -> None:
    mine = await campaign_of(ports, house)
    spool, spools = Spool(tmp_path, BIDS, FAST), FileSpools(tmp_path)
    for expected in (1, 2):
        spool.put(encode_event(bid(mine.id)))
        async with asyncio.timeout(60):
            while not await move_all(ports, spools):  # noqa: ASYNC110 - another thread's commit sets no event
                await asyncio.sleep(0.01)
        assert await days_of(ports, house, mine) == [day(mine, expected, 0, 0, 0, 0)]
        assert len(spools.names()) == 1
    spool.close()
    await move_all(ports, spools)
    assert spools.names() == []
    assert await across_tenants.spool_position(ports.database.system(), "bids-1") == 0


async def test_many_notices_go_in_a_few_statements(ports: Ports, house: House) -> None:
    mine = await campaign_of(ports, house)
    told = [notice("billing", f"b{n}", mine, 1) for n in range(1_201)]
    async with ports.database.write(house.tenant_id) as scope:
        assert await bid_events.add_notices(scope, told) == told
        assert await bid_events.add_notices(scope, [*told, told[0]]) == []


async def _shown(ports: Ports, house: House, mine: BidCampaign, ends: Sequence[date | None]) -> list[date]:
    viewer = await viewer_of(ports, house, house.owner_id)
    return [each.day for each in await cases.days(ports, viewer, mine, *ends)]


async def test_a_campaigns_days_are_shown_to_whom_may_see_them(ports: Ports, house: House, clock: FixedClock) -> None:
    mine = await campaign_of(ports, house)
    events = [
        BidEvent("r", NOON_US - back * 86_400_000_000, "bid", "USD", "USD", outcomes=bid(mine.id).outcomes)
        for back in (0, 1, 7, 8)
    ]
    await cases.move_stretch(ports, "bids-1", [chunk(1, *events)])
    # Today still grows: seven complete days, unless others are asked for.
    assert await _shown(ports, house, mine, (None, None)) == [TODAY - timedelta(7), TODAY - timedelta(1)]
    assert await _shown(ports, house, mine, (TODAY, TODAY)) == [TODAY]
    with pytest.raises(InvalidInput):
        await _shown(ports, house, mine, (TODAY, None))
    clock.advance(timedelta(days=89))
    assert await forget_old_events(ports) == 0
    clock.advance(timedelta(days=2))
    assert await forget_old_events(ports) == 1
    assert await _shown(ports, house, mine, (TODAY, TODAY)) == [TODAY]


async def test_old_notices_are_forgotten_and_their_days_stay(ports: Ports, house: House, clock: FixedClock) -> None:
    mine = await campaign_of(ports, house)
    await cases.move_stretch(ports, "notices-1", [chunk(1, notice("billing", "b", mine, 5))])
    clock.advance(timedelta(days=91))
    await forget_old_events(ports)
    assert await _notices(ports.database.read(house.tenant_id)) == 0
    assert await days_of(ports, house, mine) == [day(mine, 0, 0, 1, 0, 5)]


async def _notices(scope: Scope) -> int:
    (row,) = await scope.rows("SELECT COUNT(*) AS n FROM bid_notices WHERE tenant_id = $1", scope.tenant_id)
    return int(row["n"])
