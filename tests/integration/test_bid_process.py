"""The real bid process, stopped and killed: what it answered is on the disk, and no notice counts twice."""

import asyncio
import itertools
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hotpath.inference.selection import BACKEND_VARIABLE
from tests.integration.bid_process import REQUEST, BidProcess, bid_process, left_behind, until


@pytest.mark.req("FR-RTB-008")
async def test_a_stopped_process_leaves_every_event_of_what_it_answered(tmp_path: Path) -> None:
    async with bid_process(tmp_path, "--demo") as server:
        bids = [await server.ask(f"r{number}") for number in range(50)]
        assert await server.tell(bids[0]["burl"], "1.0") == 204
        assert await server.end(signal.SIGTERM) == 0
    events, notices = left_behind(tmp_path)
    assert [event.request_id for event in events] == [f"r{number}" for number in range(50)]
    assert [event.outcomes[0].bid_id for event in events] == [bid["id"] for bid in bids]
    assert [(event.kind, event.bid_id) for event in notices] == [("billing", bids[0]["id"])]
    # Folded and closed: no log is left beside a file.
    assert {path.suffix for path in (tmp_path / "bid").iterdir()} == {".db", ".lock"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "bid").iterdir()} == {0o600}


async def test_a_notice_is_counted_once_also_by_the_process_after_a_kill(tmp_path: Path) -> None:
    async with bid_process(tmp_path, "--demo") as before:
        first, second, third = [await before.ask(f"r{number}") for number in range(3)]
        assert await before.tell(first["burl"], "2.0") == 204
        assert await before.tell(first["nurl"], "2.0") == 204
        assert await before.tell(first["burl"], "2.0") == 204
        assert await before.metric("bid_notices_total", kind="billing", result="repeated") == 1
        await before.spooled("notices", 2)
        await before.end(signal.SIGKILL)
    async with bid_process(tmp_path, "--demo") as after:
        # The tokens hold: the key outlived the process.
        assert await after.tell(first["burl"], "2.0") == 204
        assert await after.tell(second["burl"], "3.0") == 204
        assert await after.tell(third["lurl"]) == 204
        assert await after.metric("bid_notices_total", kind="billing", result="repeated") == 1
        assert await after.metric("bid_notices_total", kind="billing", result="counted") == 1
        assert await after.metric("bid_spend_micros_total", currency="USD") == 3_000
        await after.end(signal.SIGTERM)
    async with bid_process(tmp_path, "--demo") as last:
        for address in (first["burl"], first["nurl"], second["burl"], third["lurl"]):
            assert await last.tell(address) == 204
        assert await last.metric("bid_spend_micros_total", currency="USD") == 0
        await last.end(signal.SIGTERM)
    _, notices = left_behind(tmp_path)
    told = [(event.kind, event.bid_id, event.cost_micros) for event in notices]
    assert sorted(told) == sorted(
        [
            ("billing", first["id"], 2_000), ("win", first["id"], 0), ("billing", second["id"], 3_000),
            ("loss", third["id"], 0),
        ]
    )  # fmt: skip
    key = tmp_path / "keys" / "bid.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


async def test_a_bid_of_which_nothing_is_heard_is_open_as_long_as_the_operator_says(tmp_path: Path) -> None:
    async with bid_process(tmp_path, "--demo", CE_BID_EXPOSURE_S="2") as server:
        assert (await server.ask("first"))["exp"] == 2
        assert await server.metric("bid_open_bids") == 1
        # Its second ends within three of the bid; until then another is open beside it.
        await asyncio.sleep(3.1)
        await server.ask("next")
        assert await server.metric("bid_open_bids") == 1
        assert await server.end(signal.SIGTERM) == 0


async def test_a_kill_under_load_loses_the_last_moments_and_nothing_before(tmp_path: Path) -> None:
    answered: list[str] = []

    async def load(server: BidProcess, numbers: "itertools.count[int]") -> None:
        try:
            while True:
                name = f"r{next(numbers)}"
                await server.ask(name)
                answered.append(name)
        except httpx.TransportError:
            return

    numbers = itertools.count()
    committed = 0.0
    for _ in range(2):
        async with bid_process(tmp_path, "--demo") as server:
            clients = [asyncio.create_task(load(server, numbers)) for _ in range(4)]
            await server.spooled("bids", 200)
            committed += await server.metric("bid_events_total", spool="bids", result="spooled")
            await server.end(signal.SIGKILL)
            await asyncio.gather(*clients)
    events, _ = left_behind(tmp_path)
    names = [event.request_id for event in events]
    # Nothing twice; all that was said to be on the disk is there; and nothing is there that was not asked.
    assert len(set(names)) == len(names) >= committed >= 400
    assert int(max(names, key=lambda name: int(name[1:]))[1:]) < next(numbers)
    assert len(answered) >= 400


async def test_a_process_without_a_snapshot_is_alive_and_not_ready_and_bids_nothing(tmp_path: Path) -> None:
    async with bid_process(tmp_path) as server:
        assert (await server.client.get(f"{server.metrics_url}/readyz")).text == "no snapshot yet\n"
        answer = await server.client.post(f"{server.url}/v1/bid", json=REQUEST)
        assert answer.status_code == 204
        assert await server.metric("bid_requests_total", result="no_bid") == 1
        assert await server.metric("bid_snapshot_version") == 0
        await server.end(signal.SIGTERM)
    ((event,), _) = left_behind(tmp_path)
    assert (event.result, [each.reason for each in event.outcomes]) == ("no_bid", ["targeting"])


async def test_the_metrics_port_tells_of_a_drain(tmp_path: Path) -> None:
    async with bid_process(tmp_path, "--demo") as server:
        assert (await server.client.get(f"{server.metrics_url}/readyz")).text == "ok\n"
        # A request that has begun keeps the process for as long as its deadline, and the port tells why.
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        writer.write(b"POST /v1/bid HTTP/1.1\r\n")
        await writer.drain()
        server.process.send_signal(signal.SIGTERM)

        async def draining() -> bool:
            try:
                return (await server.client.get(f"{server.metrics_url}/readyz")).text == "draining\n"
            except httpx.TransportError:
                return False

        await until(draining)
        writer.close()
        assert await asyncio.wait_for(server.process.wait(), 60) == 0
        del reader


@pytest.mark.parametrize("key", ["short", "zz" * 32])
async def test_a_key_that_is_none_is_told_at_the_start(tmp_path: Path, key: str) -> None:
    with pytest.raises(AssertionError, match="32 bytes in hexadecimal"):
        async with bid_process(tmp_path, "--demo", CE_BID_KEY=key):
            pass


async def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "bid").write_text("no folder")
    with pytest.raises(AssertionError, match="set CE_BID_SPOOL_DIR to another folder"):
        async with bid_process(tmp_path, "--demo"):
            pass


@pytest.mark.req("DC-3", "AC-3.3")
@pytest.mark.parametrize("backend", ["numpy", "litert", "onnx"])
async def test_one_variable_chooses_what_scores(tmp_path: Path, backend: str) -> None:
    async with bid_process(tmp_path, "--demo", **{BACKEND_VARIABLE: backend}) as server:
        assert (await server.ask("r"))["adid"] == "demo-offer"
        assert await server.metric("bid_inference_info", backend=backend) == 1
        assert await server.metric("bid_inference_seconds_count") >= 1
        assert await server.end(signal.SIGTERM) == 0


@pytest.mark.req("AC-3.3")
async def test_a_backend_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="quantum names no backend; there are: numpy, litert, onnx") as told:
        async with bid_process(tmp_path, "--demo", **{BACKEND_VARIABLE: "quantum"}):
            pass
    assert "Traceback" not in str(told.value)


@pytest.mark.req("DC-3")
def test_the_command_loads_no_orm_and_no_graphql() -> None:
    asked = [sys.executable, "-X", "importtime", "-m", "app", "bid", "--help"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert {"app", "hotpath", "httptools"} <= loaded
    assert loaded.isdisjoint({"tortoise", "asyncpg", "aiosqlite", "strawberry", "graphql", "models"})


async def test_the_document_names_every_metric(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "openrtb.md").read_text("utf-8")  # noqa: ASYNC240 - one file
    async with bid_process(tmp_path, "--demo") as server:
        # Something of everything: a counter without a number is not told.
        assert await server.tell((await server.ask("r"))["burl"]) == 204
        await server.client.post(f"{server.url}/v1/bid", json={**REQUEST, "badv": ["demo.example"]})
        told = (await server.client.get(f"{server.metrics_url}/metrics")).text
        await server.end(signal.SIGTERM)
    samples = {sample.name for family in text_string_to_metric_families(told) for sample in family.samples}
    own = {re.sub("_(created|bucket|count|sum)$", "", name) for name in samples if name.startswith("bid_")}
    named = set(re.findall(r"`(bid_[a-z_0-9]+)`", text))
    # Only where caps are shared.
    assert named - {"bid_cap_places_total"} == own
