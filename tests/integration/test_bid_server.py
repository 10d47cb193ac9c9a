"""The bid process over a real socket: answers, and that nothing a client sends hangs or breaks it."""

import asyncio
import gzip
import json
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.bid_server import LIMITS, REQUEST, bid_server, http

BIG = b'{"id":"' + b"x" * LIMITS.body_bytes + b'"}'


@pytest.mark.req("FR-RTB-002")
async def test_every_impression_of_a_request_gets_its_bid() -> None:
    imps = [
        {"id": "b", "banner": {"format": [{"w": 728, "h": 90}]}, "bidfloor": 1.5},
        {"id": "v", "video": {"mimes": ["video/mp4"], "minduration": 6, "maxduration": 6}},
        {"id": "a", "audio": {"mimes": ["audio/mp4"]}},
        {"id": "n", "native": {"request": '{"assets":[{"id":7,"title":{"len":4}}]}'}},
        {"id": "dear", "banner": {}, "bidfloor": 1_000.0},
    ]
    async with bid_server() as server, server.client() as client:
        answer = await client.send(http({"id": "r", "imp": imps}))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    response = json.loads(answer.body)
    assert response["id"] == "r"
    (seat,) = response["seatbid"]
    bids = {bid["impid"]: bid for bid in seat["bid"]}
    assert {imp: bid["mtype"] for imp, bid in bids.items()} == {"b": 1, "v": 2, "a": 3, "n": 4}
    assert (bids["b"]["w"], bids["b"]["h"], bids["b"]["adomain"]) == (728, 90, ["demo.example"])
    assert bids["b"]["price"] >= 1.5
    assert "<Duration>00:00:06</Duration>" in bids["v"]["adm"]
    assert 'type="audio/mp4"' in bids["a"]["adm"]
    assert json.loads(bids["n"]["adm"])["assets"] == [{"id": 7, "title": {"text": "demo"}}]
    assert {urlsplit(bids["b"][name]).path for name in ("nurl", "burl", "lurl")} == {
        "/v1/win",
        "/v1/billing",
        "/v1/loss",
    }
    assert server.bidder.counts.refusals == {"floor": 1}


@pytest.mark.req("FR-RTB-004")
async def test_a_bid_says_what_is_offered_for_how_much_and_what_is_shown() -> None:
    imp = {"id": "b", "banner": {"w": 728, "h": 90}, "bidfloor": 1.5}
    async with bid_server() as server, server.client() as client:
        answer = await client.send(http({"id": "r", "at": 2, "tmax": 120, "imp": [imp]}))
    response = json.loads(answer.body)
    ((bid,),) = [seat.pop("bid") for seat in response["seatbid"]]
    assert response == {"id": "r", "seatbid": [{"seat": "demo"}]}
    token = bid["id"]
    notices = {name: urlsplit(bid.pop(name)) for name in ("nurl", "burl", "lurl")}
    assert bid == {
        "id": token, "impid": "b", "price": 50.0, "adid": "demo-offer", "cid": "demo-catch-all", "crid": "demo-banner",
        "adomain": ["demo.example"], "cat": ["IAB3"], "w": 728, "h": 90, "mtype": 1, "exp": 300,
        "iurl": "https://cdn.demo.example/banner.png",
        "adm": '<a href="https://demo.example/" target="_blank" rel="noopener">'
        '<img src="https://cdn.demo.example/banner.png" width="728" height="90" alt=""></a>',
    }  # fmt: skip
    signed = {parse_qs(each.query)["t"][0] for each in notices.values()}
    assert len(signed) == 1
    assert {name: (each.netloc, each.path, each.query.partition("&")[2]) for name, each in notices.items()} == {
        "nurl": ("bid.example", "/v1/win", "p=${AUCTION_PRICE}"),
        "burl": ("bid.example", "/v1/billing", "p=${AUCTION_PRICE}"),
        "lurl": ("bid.example", "/v1/loss", "l=${AUCTION_LOSS}"),
    }


@pytest.mark.parametrize(
    ("told", "echoed"), [("2.0", "2.0"), ("2.5", "2.5"), ("2.6", "2.6"), ("2.7", "2.6"), ("3.0", "2.6"), ("x", "2.6")]
)
async def test_a_version_of_ours_is_echoed_and_another_is_told_ours(told: str, echoed: str) -> None:
    async with bid_server() as server, server.client() as client:
        answer = await client.send(http(REQUEST, f"x-openrtb-version: {told}"))
    assert (answer.status, answer.headers["x-openrtb-version"]) == (200, echoed)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (http(REQUEST), 200),
        (http({**REQUEST, "badv": ["demo.example"]}), 204),
        (http({**REQUEST, "tmax": 5}), 200),
        (http(b""), 400),
        (http(b"{"), 400),
        (http({"id": "r"}), 400),
        (http(REQUEST, "content-type: application/x-protobuf"), 400),
        (http(REQUEST, "content-type: avro/binary"), 415),
        (http(REQUEST, "content-encoding: br"), 415),
        (http(b"no gzip", "content-encoding: gzip"), 400),
        (http(gzip.compress(json.dumps(REQUEST).encode())[:-3], "content-encoding: gzip"), 400),
        (http(gzip.compress(BIG), "content-encoding: gzip"), 413),
        (http(gzip.compress(b"") * 400, "content-encoding: gzip"), 400),
        (http(target="/v1/bid", method="GET"), 405),
        (http(target="/nowhere", method="GET"), 404),
        (http(target="/health", method="GET"), 200),
        (http(target="/ready", method="GET"), 200),
        (http(target="/v1/win?t=forged", method="GET"), 400),
        (http(target="/v1/win", method="PUT"), 405),
    ],
)
async def test_an_answer_that_leaves_the_connection_open(data: bytes, status: int) -> None:
    async with bid_server() as server, server.client() as client:
        first = await client.send(data)
        assert first.status == status
        assert first.headers["x-openrtb-version"] == "2.6"
        if status != 200:
            assert first.body == b""
        assert (await client.send(http(REQUEST))).status == 200


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (http(REQUEST, "x: " + "y" * LIMITS.head_bytes), 431),
        (http(BIG), 413),
        (http(REQUEST, "connection: upgrade", "upgrade: h2c"), 400),
        (b"POST /v1/bid HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400),
    ],
)
async def test_an_answer_that_ends_the_connection(data: bytes, status: int) -> None:
    async with bid_server() as server, server.client() as client:
        answer = await client.send(data)
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert await client.is_closed()


async def test_too_little_time_is_told_as_a_reason() -> None:
    async with bid_server() as server, server.client() as client:
        answer = await client.send(http({**REQUEST, "tmax": 5}))
    assert json.loads(answer.body) == {"id": "r1", "nbr": 15}


async def test_gzip_both_ways_and_the_version_echoed() -> None:
    imps = [{"id": str(n), "banner": {"w": 300, "h": 250}} for n in range(9)]
    packed = gzip.compress(json.dumps({"id": "r", "imp": imps}).encode())
    headers = ("content-encoding: gzip", "accept-encoding: br, gzip;q=0.5", "x-openrtb-version: 2.5")
    async with bid_server() as server, server.client() as client:
        answer = await client.send(http(packed, *headers))
    assert (answer.headers["content-encoding"], answer.headers["x-openrtb-version"]) == ("gzip", "2.5")
    assert len(json.loads(gzip.decompress(answer.body))["seatbid"][0]["bid"]) == 9


async def test_pipelined_requests_are_answered_in_order_however_they_are_cut() -> None:
    stream = b"".join(http({**REQUEST, "id": f"r{n}"}) for n in range(3))
    async with bid_server() as server, server.client() as client:
        client.writer.write(stream)
        assert [json.loads((await client.read()).body)["id"] for _ in range(3)] == ["r0", "r1", "r2"]
        for at in range(0, len(stream), 7):
            client.writer.write(stream[at : at + 7])
            await asyncio.sleep(0)
        assert [json.loads((await client.read()).body)["id"] for _ in range(3)] == ["r0", "r1", "r2"]


@pytest.mark.parametrize("part", [b"POST /v1/bid HT", http(REQUEST)[:-4]])
async def test_half_a_request_is_ended_by_the_deadline(part: bytes) -> None:
    async with bid_server() as server, server.client() as client:
        answer = await client.send(part)
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert await client.is_closed()


async def test_drops_of_a_request_do_not_move_the_deadline() -> None:
    async with bid_server() as server, server.client() as client:

        async def drip() -> None:
            for octet in http(REQUEST):
                client.writer.write(bytes([octet]))
                await asyncio.sleep(0.1)

        task = asyncio.create_task(drip())
        # It goes on sending: a reset may overtake the answer. Either ends the connection at the deadline.
        with suppress(ConnectionResetError):
            async with asyncio.timeout(10):
                assert (await client.read()).status == 408
        task.cancel()


async def test_a_drain_answers_what_was_begun_and_takes_nothing_new() -> None:
    async with bid_server() as server, server.client() as client, server.client() as idle:
        data = http(REQUEST)
        client.writer.write(data[:50])
        await asyncio.sleep(0.05)
        server.stop.set()
        await asyncio.sleep(0.05)
        answer = await client.send(data[50:])
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await idle.is_closed()
        await asyncio.wait_for(server.task, 3)
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", server.port)


async def test_a_notice_counts_once_and_a_forged_one_never() -> None:
    async with bid_server() as server, server.client() as client:
        bid = json.loads((await client.send(http(REQUEST))).body)["seatbid"][0]["bid"][0]
        parts = urlsplit(bid["burl"].replace("${AUCTION_PRICE}", "1.25"))
        target = f"{parts.path}?{parts.query}"
        forged = target.replace("t=", "t=A", 1)
        for path, status in ((target, 204), (target, 204), (forged, 400)):
            for method in ("POST", "GET"):
                assert (await client.send(http(target=path, method=method))).status == status
    assert server.bidder.counts.notices == {
        ("billing", "counted"): 1,
        ("billing", "repeated"): 3,
        ("billing", "refused"): 2,
    }
    assert server.bidder.counts.spend_micros == {"USD": 1_250}


async def test_each_of_the_three_notices_counts_once() -> None:
    async with bid_server() as server, server.client() as client:
        bid = json.loads((await client.send(http(REQUEST))).body)["seatbid"][0]["bid"][0]
        for name in ("nurl", "lurl", "burl", "nurl", "lurl", "burl"):
            parts = urlsplit(bid[name].replace("${AUCTION_PRICE}", "2").replace("${AUCTION_LOSS}", "102"))
            assert (await client.send(http(target=f"{parts.path}?{parts.query}", method="POST"))).status == 204
    assert server.bidder.counts.notices == {
        (kind, result): 1 for kind in ("win", "billing", "loss") for result in ("counted", "repeated")
    }
    assert [(each.kind, each.loss_reason, each.cost_micros) for each in server.sink.notices] == [
        ("win", 0, 0), ("loss", 102, 0), ("billing", 0, 2_000),
    ]  # fmt: skip
