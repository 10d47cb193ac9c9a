"""The real bid process: started, asked over HTTP, stopped or killed, and what it left on the disk."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families

from adapters.bid_spools import FileSpools
from domain.bid_events import BidEvent, NoticeEvent, decode_bids, decode_notices
from domain.bid_spools import BIDS

#: Generous: the machine may be busy with other tests.
DEADLINE_S = 60.0
REQUEST = {"id": "r", "imp": [{"id": "1", "banner": {"w": 300, "h": 250}}]}


@dataclass
class BidProcess:
    process: asyncio.subprocess.Process
    client: httpx.AsyncClient
    url: str
    metrics_url: str

    async def ask(self, request_id: str) -> dict[str, Any]:
        """The one bid on a request."""
        answer = await self.client.post(f"{self.url}/v1/bid", json={**REQUEST, "id": request_id})
        assert answer.status_code == 200, answer.text
        bid: dict[str, Any] = answer.json()["seatbid"][0]["bid"][0]
        return bid

    async def tell(self, address: str, price: str = "") -> int:
        """Send a notice to its address at this process; the status."""
        parts = urlsplit(address.replace("${AUCTION_PRICE}", price))
        return (await self.client.get(f"{self.url}{parts.path}?{parts.query}")).status_code

    async def metric(self, name: str, **labels: str) -> float:
        """A metric's value; 0 where it is not there."""
        text = (await self.client.get(f"{self.metrics_url}/metrics")).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return 0.0

    async def spooled(self, spool: str, count: int) -> None:
        """Wait until so many events are on the disk."""
        await until(lambda: self._has_spooled(spool, count))

    async def _has_spooled(self, spool: str, count: int) -> bool:
        return await self.metric("bid_events_total", spool=spool, result="spooled") >= count

    async def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return await asyncio.wait_for(self.process.wait(), DEADLINE_S)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await holds():  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.02)


@asynccontextmanager
async def bid_process(
    var_dir: Path, *arguments: str, folder: Path | None = None, **environment: str
) -> AsyncIterator[BidProcess]:
    """A process of its own on free ports; killed at the end if it still runs. Nothing is refused for being late.

    `folder` holds the product, where it is not this checkout's.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "bid", "--port", "0", *arguments,
        env={
            **os.environ, "CE_VAR_DIR": str(var_dir), "CE_BID_METRICS_PORT": "0", "CE_BID_SHED_MS": "0", **environment,
        },
        stderr=asyncio.subprocess.PIPE, cwd=folder,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        async with asyncio.timeout(DEADLINE_S):
            said = b""
            while not (found := re.search(rb"bidding at (\S+), metrics at (\S+)/metrics\n", said)):
                line = await process.stderr.readline()
                assert line, said.decode()
                said += line
        reading = asyncio.create_task(process.stderr.read())
        async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE_S) as client:
            server = BidProcess(process, client, found[1].decode(), found[2].decode())
            await until(lambda: _answers_or_ended(server))
            assert process.returncode is None, (await reading).decode()
            yield server
        if process.returncode is None:
            process.kill()
        await reading
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _answers_or_ended(server: BidProcess) -> bool:
    if server.process.returncode is not None:
        return True
    try:
        return (await server.client.get(f"{server.metrics_url}/healthz")).status_code == 200
    except httpx.TransportError:
        return False


def left_behind(var_dir: Path) -> tuple[list[BidEvent], list[NoticeEvent]]:
    """All events on the disk."""
    spools = FileSpools(var_dir / "bid")
    bids: list[BidEvent] = []
    notices: list[NoticeEvent] = []
    for name in spools.names():
        for chunk in spools.read(name, 0, 10**9):
            if name.startswith(BIDS):
                bids += decode_bids(chunk.data)
            else:
                notices += decode_notices(chunk.data)
    return bids, notices
