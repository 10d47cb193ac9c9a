"""The real bid process and its snapshot's file: another one is in use from one request to the next, a bad one never."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from domain.bid_snapshot import encode_snapshot
from tests.integration.bid_process import BidProcess, bid_process, until
from tests.unit.hotpath.test_engine import campaign, snapshot


def replaced(var_dir: Path, data: bytes) -> None:
    """A whole new file, as the worker writes it."""
    (var_dir / "new").write_bytes(data)
    (var_dir / "new").replace(var_dir / "bid.snapshot")


def of(version: int, name: str) -> bytes:
    return encode_snapshot(snapshot(campaign(name), version=version))


async def bidding(server: BidProcess) -> str:
    return str((await server.ask("r"))["cid"])


async def refused(server: BidProcess, reason: str, count: int) -> None:
    """Wait until so many files were refused for it."""

    async def are() -> bool:
        return await server.metric("bid_snapshots_total", result=reason) >= count

    await until(are)


@pytest.mark.req("DC-3")
async def test_it_is_not_ready_until_there_is_one_and_swaps_while_it_bids(tmp_path: Path) -> None:
    async with bid_process(tmp_path) as server:
        assert (await server.client.get(f"{server.url}/ready")).status_code == 503
        replaced(tmp_path, of(5, "five"))
        await until(lambda: _is_ready(server))
        assert await bidding(server) == "five"
        # Somebody asks all the time: each request gets one or the other, in order, and none gets nothing.
        seen: list[str] = []

        async def load() -> None:
            while "six" not in seen[-1:]:
                seen.append(await bidding(server))

        loads = [asyncio.create_task(load()) for _ in range(4)]
        replaced(tmp_path, of(6, "six"))
        async with asyncio.timeout(60):
            await asyncio.gather(*loads)
        assert set(seen) <= {"five", "six"}
        assert await server.metric("bid_requests_total", result="no_bid") == 0
        assert await server.metric("bid_requests_total", result="technical") == 0
        assert await server.metric("bid_snapshot_version") == 6
        assert await server.metric("bid_snapshots_total", result="loaded") == 2
        assert await server.end(signal.SIGTERM) == 0


@pytest.mark.req("DC-3")
async def test_an_older_or_a_broken_one_is_refused_and_the_one_in_use_stays(tmp_path: Path) -> None:
    replaced(tmp_path, of(5, "five"))
    async with bid_process(tmp_path) as server:
        await until(lambda: _is_ready(server))
        whole = of(7, "seven")
        for at, (data, reason) in enumerate(
            [
                (of(4, "four"), "outdated"),
                (whole[:-1], "broken"),
                (whole[:-1] + bytes([whole[-1] ^ 1]), "broken"),
                (b"", "broken"),
            ]
        ):
            replaced(tmp_path, data)
            await refused(server, reason, max(1, at))
            assert await bidding(server) == "five"
        (tmp_path / "bid.snapshot").unlink()
        assert await bidding(server) == "five"
        replaced(tmp_path, whole)
        await until(lambda: _bids_with(server, "seven"))
        assert await server.end(signal.SIGTERM) == 0


async def _bids_with(server: BidProcess, name: str) -> bool:
    return await bidding(server) == name


async def _is_ready(server: BidProcess) -> bool:
    try:
        return (await server.client.get(f"{server.url}/ready")).status_code == 200
    except httpx.TransportError:
        return False
