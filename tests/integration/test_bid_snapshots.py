"""From the store to the bid process's file, on both databases: what is in it, when it is written, that it is whole."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from adapters.ads_txt import AdsTxtFolder
from adapters.bid_snapshots import FileSnapshots
from app.seed import SEEDER, demo_drafts
from domain.bid_campaigns import BidCampaign, BidStatus
from domain.bid_compiling import Terms
from domain.bid_events import DayKey, Tally
from domain.bid_snapshot import Seller, Snapshot, decode_snapshot
from domain.emergency_stops import EmergencyStop
from domain.log import ActorKind
from hotpath.auction.bidder import BidderSettings
from hotpath.process import build_engine
from jobs.bid_snapshots import publish_changes
from kit.ids import new_id
from models import bid_campaigns as stored
from models import bid_events, emergency_stops
from services import bid_campaigns
from services.bid_snapshots import Publisher
from services.ports import Ports
from services.unit_of_work import begin
from tests.conftest import NOON, House, viewer_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "bid.snapshot"


def publisher(path: Path) -> Publisher:
    return Publisher(FileSnapshots(path), Terms())


async def entered(ports: Ports, house: House, place: int = 0) -> BidCampaign:
    async with begin(ports, house.tenant_id, SEEDER) as work:
        return await bid_campaigns.create_in(work, house.workspace.id, demo_drafts()[place])


def read(path: Path) -> Snapshot:
    return decode_snapshot(path.read_bytes())


def inode_of(path: Path) -> int:
    return path.stat().st_ino


def remove(path: Path) -> None:
    path.unlink()


def ids(path: Path) -> list[UUID]:
    return [UUID(campaign.campaign_id) for campaign in read(path).campaigns]


async def test_what_was_stored_comes_back(ports: Ports, house: House, other_house: House) -> None:
    made = await entered(ports, house)
    scope = ports.database.read(house.tenant_id)
    assert await stored.bid_campaign(scope, made.id) == made
    assert await stored.bid_campaigns_by_id(scope, [made.id, new_id()]) == {made.id: made}
    assert await stored.bid_campaigns_by_id(ports.database.read(other_house.tenant_id), [made.id]) == {}


async def test_everybodys_live_campaigns_are_published_and_only_when_something_changed(
    ports: Ports, house: House, other_house: House, path: Path
) -> None:
    worker = publisher(path)
    assert await worker.publish(ports, NOW) == NOW_MS
    assert (ids(path), read(path).version) == ([], NOW_MS)
    first, second = await entered(ports, house), await entered(ports, other_house, 1)
    assert await worker.publish(ports, NOW) == NOW_MS + 1
    assert ids(path) == [first.id, second.id]
    inode = inode_of(path)
    assert await worker.publish(ports, NOW + timedelta(seconds=10)) is None
    assert inode_of(path) == inode
    # A day later nothing that was spent counts, so it must be said anew.
    assert await worker.publish(ports, NOW + timedelta(days=1)) == NOW_MS + 86_400_000
    remove(path)
    assert await worker.publish(ports, NOW + timedelta(days=1)) == NOW_MS + 86_400_000
    engine = build_engine(read(path), settings=BidderSettings(), environment={})
    assert engine.budgets.standing(str(first.id))[0] == 0


async def test_what_was_spent_today_goes_along_once_a_minute(ports: Ports, house: House, path: Path) -> None:
    made, worker = await entered(ports, house), publisher(path)

    async def spend(day: date, currency: str, micros: int) -> None:
        async with ports.database.write(house.tenant_id) as scope:
            await bid_events.add_to_days(scope, {DayKey(made.id, day, currency): Tally(spend_micros=micros)})

    def spent() -> int:
        [campaign] = read(path).campaigns
        return campaign.spent_today_micros

    await spend(NOW.date(), "USD", 700)
    # Another day's, and what was spent when the house's currency was another.
    await spend(NOW.date() - timedelta(days=1), "USD", 5)
    await spend(NOW.date(), "EUR", 9)
    await worker.publish(ports, NOW)
    assert spent() == 700
    await spend(NOW.date(), "USD", 100)
    assert await worker.publish(ports, NOW + timedelta(seconds=59)) is None
    assert await worker.publish(ports, NOW + timedelta(seconds=60)) == NOW_MS + 60_000
    assert spent() == 800
    assert await worker.publish(ports, NOW + timedelta(hours=1)) is None
    engine = build_engine(read(path), settings=BidderSettings(), environment={})
    engine.budgets.load(read(path).campaigns, NOW.timestamp(), NOW.timestamp())
    assert engine.budgets.standing(str(made.id))[0] == 800


async def test_who_may_sell_is_read_anew_each_time(ports: Ports, path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ads"
    folder.mkdir()
    worker = Publisher(FileSnapshots(path), Terms(), AdsTxtFolder(folder).current)
    await worker.publish(ports, NOW)
    assert read(path).ads_txt == {}
    (folder / "news.example.txt").write_text("ssp.example, 1, DIRECT")
    await worker.publish(ports, NOW)
    assert read(path).ads_txt == {"news.example": (Seller("ssp.example", "1"),)}
    assert await worker.publish(ports, NOW) is None


async def test_a_paused_campaign_is_not_bid_nor_one_under_an_emergency_stop(
    ports: Ports, house: House, other_house: House, path: Path
) -> None:
    paused, live, stopped = (
        await entered(ports, house),
        await entered(ports, house, 1),
        await entered(ports, other_house),
    )
    ana = await viewer_of(ports, house, house.owner_id)
    await bid_campaigns.set_status(ports, ana, paused.id, 1, BidStatus.PAUSED, "p")
    stop = EmergencyStop(
        new_id(), other_house.tenant_id, other_house.workspace.id, 1, "why", 0, ActorKind.MEMBER,
        str(other_house.owner_id), NOON, None, None, None,
    )  # fmt: skip
    async with ports.database.write(other_house.tenant_id) as scope:
        await emergency_stops.add_emergency_stop(scope, stop)
    await publisher(path).publish(ports, NOW)
    assert ids(path) == [live.id]
    async with ports.database.write(other_house.tenant_id) as scope:
        lifted = replace(stop, version=2, lifted_at_utc=NOON, lifted_by_id=str(other_house.owner_id))
        assert await emergency_stops.store_emergency_stop(scope, lifted)
    await bid_campaigns.set_status(ports, ana, paused.id, 2, BidStatus.ACTIVE, "r")
    await publisher(path).publish(ports, NOW)
    assert ids(path) == [paused.id, live.id, stopped.id]


async def test_a_campaign_without_a_rate_is_told_once(
    ports: Ports, house: House, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = await entered(ports, house)
    worker = Publisher(FileSnapshots(path), Terms("EUR"))
    for day in range(2):
        await worker.publish(ports, NOW + timedelta(days=day))
    assert caplog.messages == [f"campaign {made.id} is not bid: its currency has no rate in CE_BID_RATES"]
    assert ids(path) == []


async def test_several_workers_write_whole_files_with_rising_versions(ports: Ports, house: House, path: Path) -> None:
    made = await entered(ports, house)
    versions = await asyncio.gather(*(publisher(path).publish(ports, NOW) for _ in range(8)))
    assert sorted(versions) == list(range(NOW_MS, NOW_MS + 8))  # type: ignore[type-var]
    assert (read(path).version, ids(path)) == (NOW_MS + 7, [made.id])
    assert sorted(each.name for each in path.parent.iterdir()) == ["bid.lock", "bid.snapshot"]


async def test_the_job_goes_by_the_machines_clock(ports: Ports, house: House, path: Path) -> None:
    version = await publish_changes(ports, publisher(path))
    assert version is not None
    assert read(path).compiled_at_utc.timestamp() == pytest.approx(version / 1_000, abs=0.01)
    assert read(path).compiled_at_utc > NOON


def test_a_writer_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    def encode(version: int) -> bytes:
        raise OSError(version)

    store = FileSnapshots(path)
    assert not store.is_there()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"what was there")
    with pytest.raises(OSError, match="5"):
        store.publish(5, encode)
    assert path.read_bytes() == b"what was there"
