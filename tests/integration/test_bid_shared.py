"""Real bid processes over one Redis: what they know of users, and caps that they keep together."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from domain.bid_people import Loyalty, Profile
from domain.bid_snapshot import Campaign, Targeting, encode_snapshot
from hotpath.profiles.redis_store import RedisProfiles
from tests.integration.bid_process import BidProcess, bid_process
from tests.integration.cli_process import free_port
from tests.unit.hotpath.auction.test_consents import core
from tests.unit.hotpath.test_engine import campaign, snapshot

SEGMENT = 7
CAP = 3
ALWAYS_CHEAPER = 1_000_000
NOT_ALLOWED = {"regs": {"gdpr": 1}}


def write(var_dir: Path, *campaigns: Campaign, **fields: object) -> None:
    (var_dir / "bid.snapshot").write_bytes(encode_snapshot(snapshot(*campaigns, **fields)))


async def offers(server: BidProcess, user: str, **more: Any) -> list[str]:
    """The campaigns that bid on a user's impression: one, or none."""
    asked = {"id": "r", "imp": [{"id": "1", "banner": {"w": 300, "h": 250}}], "user": {"id": user}, **more}
    answer = await server.client.post(f"{server.url}/v1/bid", json=asked)
    if answer.status_code == 204:
        return []
    return [bid["cid"] for seat in answer.json()["seatbid"] for bid in seat["bid"]]


async def lookups(server: BidProcess) -> dict[str, float]:
    results = ("l1_hit", "l2_hit", "unknown", "late", "failed")
    counted = {name: await server.metric("bid_profile_lookups_total", result=name) for name in results}
    return {name: count for name, count in counted.items() if count}


@pytest.mark.req("NFR-CACHE-001", "NFR-CACHE-002", "FR-RTB-007")
async def test_what_redis_knows_of_a_user_decides_and_is_remembered(redis_url: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        campaign("wanted", targeting=Targeting(segments=(SEGMENT,))),
        campaign("loyal", bid_cpm_micros=ALWAYS_CHEAPER, least_score=0.6),
    )
    ann, bea, cyd = (uuid4().hex for _ in range(3))
    store = RedisProfiles(redis_url)
    await store.write(ann, Profile(segments=(SEGMENT,)))
    # Times 1.5 the score is enough: see test_engine.py.
    await store.write(bea, Profile(loyalty=Loyalty(tier="gold")))
    await store.close()
    async with bid_process(tmp_path, CE_BID_PROFILES_URL=redis_url) as server:
        # Nothing of a user may be used without consent: nobody is looked up.
        assert await offers(server, ann, **NOT_ALLOWED) == []
        assert await lookups(server) == {}
        # The first answer may come before Redis's: it is not waited for beyond 3 ms. The next ones know.
        for user in (ann, bea, cyd):
            await offers(server, user)
        assert await offers(server, ann) == ["wanted"]
        assert await offers(server, bea) == ["loyal"]
        assert await offers(server, cyd) == []
        counted = await lookups(server)
        assert sum(counted.values()) == 6
        assert counted["l1_hit"] >= 2
        assert counted.get("failed", 0) == 0
        hits = counted["l1_hit"] + counted.get("l2_hit", 0)
        assert await server.metric("bid_profile_hit_rate") == pytest.approx(hits / 6)
        # Neither now, that it is known.
        assert await offers(server, ann, **NOT_ALLOWED) == []
        assert await lookups(server) == counted
        assert await server.end(signal.SIGTERM) == 0


@pytest.mark.req("FR-RTB-006")
async def test_two_processes_never_show_a_user_more_than_the_cap(redis_url: str, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    capped = f"k-{uuid4().hex}"
    for folder in folders:
        folder.mkdir()
        write(folder, campaign(capped, daily_cap=CAP))
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(bid_process(each, CE_BID_CAPS_URL=redis_url)) for each in folders]
        user = uuid4().hex
        rounds = [await asyncio.gather(*(offers(node, user) for node in nodes)) for _ in range(CAP + 1)]
        made = sum(len(each) for both in rounds for each in both)
        counted = {
            name: sum([await node.metric("bid_cap_places_total", result=name) for node in nodes])
            for name in ("granted", "refused", "late", "failed", "alone", "overshot")
        }
        # A store that does not answer in time is not waited for: what was bid without it is told.
        unasked = counted["late"] + counted["failed"] + counted["alone"]
        assert CAP <= made <= CAP + unasked
        assert made == counted["granted"] + unasked
        if not unasked:
            assert counted["refused"] >= 1
        for node in nodes:
            assert await node.metric("bid_no_bids_total", reason="cap") >= 1
            assert await node.end(signal.SIGTERM) == 0


async def test_without_redis_it_bids_with_what_it_has(tmp_path: Path) -> None:
    write(tmp_path, campaign("anybody"), campaign("capped", bid_cpm_micros=9_000_000, daily_cap=1))
    away = f"redis://127.0.0.1:{free_port()}/0"
    async with bid_process(tmp_path, CE_BID_PROFILES_URL=away, CE_BID_CAPS_URL=away) as server:
        assert [await offers(server, "u") for _ in range(2)] == [["capped"], ["anybody"]]
        assert set(await lookups(server)) <= {"failed", "late"}
        alone = [await server.metric("bid_cap_places_total", result=name) for name in ("failed", "late", "alone")]
        assert sum(alone) == 1
        assert await server.end(signal.SIGTERM) == 0


@pytest.mark.req("NFR-CACHE-002")
async def test_by_default_there_is_no_redis(tmp_path: Path) -> None:
    write(tmp_path, campaign("wanted", targeting=Targeting(segments=(SEGMENT,))))
    async with bid_process(tmp_path) as server:
        assert await offers(server, "u") == []
        assert await lookups(server) == {"unknown": 1}
        assert await server.metric("bid_cap_places_total", result="granted") == 0
        assert await server.end(signal.SIGTERM) == 0


@pytest.mark.parametrize(("vendor", "bids"), [("7", ["capped"]), ("8", []), ("0", [])])
async def test_consent_is_asked_for_the_vendor_that_the_operator_names(
    tmp_path: Path, vendor: str, bids: list[str]
) -> None:
    # A cap that cannot be kept, because nobody may be known again, is no bid.
    write(tmp_path, campaign("capped", daily_cap=1))
    agreed = core(vendors="0000001000")
    async with bid_process(tmp_path, CE_BID_VENDOR_ID=vendor) as server:
        assert await offers(server, "u", regs={"gdpr": 1, "gpp_sid": [2], "gpp": f"DBABMA~{agreed}"}) == bids
        assert await server.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("name", ["CE_BID_PROFILES_URL", "CE_BID_CAPS_URL"])
async def test_an_address_that_is_none_is_told_at_the_start(tmp_path: Path, name: str) -> None:
    with pytest.raises(AssertionError, match="an address begins with redis:// or rediss://"):
        async with bid_process(tmp_path, **{name: "127.0.0.1:6379"}):
            pass
