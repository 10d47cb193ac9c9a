"""The bidder over gRPC: the same answers as over HTTP, and that nothing a client sends is a fault or hangs."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import msgspec
import pytest
from google.protobuf.message import Message

from domain.bid_caps import CapLedger
from hotpath.auction.bidder import Bidder, BidderSettings
from hotpath.auction.notices import Tickets
from hotpath.demo import demo_snapshot
from hotpath.engine.batched import BatchedDecisions
from hotpath.engine.engine import Engine, EngineSettings
from hotpath.grpc import bidder_pb2, openrtb_pb2
from hotpath.grpc.bidder_pb2_grpc import BidderStub
from hotpath.grpc.messages import write
from hotpath.grpc.service import AddressTaken, serving_grpc
from hotpath.inference.numpy_provider import NumpyProvider
from hotpath.openrtb.codec import MalformedRequest, decode_request
from hotpath.openrtb.responses import BidResponse
from hotpath.process import fresh_profiles
from hotpath.server.routes import Routes
from hotpath.server.serving import serve
from tests.integration.bid_server import LIMITS, Client, ListSink, http
from tests.integration.cli_process import Cli, free_port
from tests.integration.test_bid_data import MANIFEST, body_of, rows

NOW_S = 1_790_000_000.0
METHOD = "/campaign_express.bid.v1.Bidder/Bid"
#: What is malformed as JSON and cannot be said in a message at all: text where an object stands, two of one name, ...
UNSAYABLE = {
    "invalid-stored--bad_incoming_imp.json", "invalid-whole--regs-ext-malformed.json", "rtb4free--appnexus.json",
    "rtb4free--bad-cappture.json", "rtb4free--badimage.json", "rtb4free--c1xbad.txt", "invalid-whole--null.json",
}  # fmt: skip


def fixed_bidder() -> Bidder:
    """Two of these give the same bytes for the same requests: no clock, no chance."""
    snapshot, loop = demo_snapshot(), asyncio.get_running_loop()
    provider = NumpyProvider(snapshot.model)
    engine = Engine(snapshot, provider, NOW_S, token_prefix="t", caps=CapLedger(), settings=EngineSettings())
    return Bidder(
        engine, Tickets(b"k" * 32, "http://bid.example"), profiles=fresh_profiles(), settings=BidderSettings(),
        sink=ListSink(), clock=lambda: NOW_S, soon=BatchedDecisions(engine, loop).decide,
    )  # fmt: skip


@asynccontextmanager
async def calling(bidder: Bidder, stop: asyncio.Event | None = None, **options: Any) -> AsyncIterator[grpc.aio.Channel]:
    async with (
        serving_grpc("127.0.0.1:0", bidder, stop or asyncio.Event(), limits=options.pop("limits", LIMITS)) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}", **options) as channel,
    ):
        yield channel


async def raw(channel: grpc.aio.Channel, body: bytes, **options: Any) -> bytes:
    answer: bytes = await channel.unary_unary(METHOD)(body, timeout=30, **options)
    return answer


async def refused(channel: grpc.aio.Channel, body: bytes, **options: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await raw(channel, body, **options)
    return caught.value.code()


def request(**changes: Any) -> openrtb_pb2.BidRequest:
    found = openrtb_pb2.BidRequest(id="r1", **changes)
    banner = found.imp.add(id="1").banner
    banner.w, banner.h = 300, 250
    return found


@pytest.mark.req("FR-RTB-001")
async def test_a_bid_its_absence_and_its_reason() -> None:
    async with calling(fixed_bidder()) as channel:
        bid = BidderStub(channel).Bid
        response = await bid(request(), timeout=30)
        assert (response.id, response.cur) == ("r1", "")
        ((one,),) = [seat.bid for seat in response.seatbid]
        assert (one.impid, one.w, one.h, one.mtype, list(one.adomain)) == ("1", 300, 250, 1, ["demo.example"])
        assert one.burl.startswith("http://bid.example/v1/billing?t=")
        assert await bid(request(badv=["demo.example"]), timeout=30) == bidder_pb2.BidResponse()
        assert await bid(request(tmax=5), timeout=30) == bidder_pb2.BidResponse(id="r1", nbr=15)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
        (b"", grpc.StatusCode.INVALID_ARGUMENT),
        (b"\x0a\x02r1", grpc.StatusCode.INVALID_ARGUMENT),
        (b"\x0a\x01\xff", grpc.StatusCode.INVALID_ARGUMENT),
        (b'{"id":"r1"}', grpc.StatusCode.INVALID_ARGUMENT),
        (b"x" * (LIMITS.body_bytes + 1), grpc.StatusCode.RESOURCE_EXHAUSTED),
    ],
)
async def test_what_is_no_request_is_refused_and_the_next_one_answered(body: bytes, code: grpc.StatusCode) -> None:
    async with calling(fixed_bidder()) as channel:
        assert await refused(channel, body) is code
        assert (await BidderStub(channel).Bid(request(), timeout=30)).id == "r1"


async def test_packed_bodies_are_unpacked_and_a_bomb_is_not() -> None:
    async with calling(fixed_bidder()) as channel:
        gzip = {"compression": grpc.Compression.Gzip}
        answer = bidder_pb2.BidResponse.FromString(await raw(channel, request().SerializeToString(), **gzip))
        assert answer.id == "r1"
        bomb = openrtb_pb2.BidRequest(id="x" * LIMITS.body_bytes * 50).SerializeToString()
        assert await refused(channel, bomb, **gzip) is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await refused(channel, b"", metadata=[("x", "y" * 100_000)]) is not grpc.StatusCode.OK
        assert (await BidderStub(channel).Bid(request(), timeout=30)).id == "r1"


async def test_another_method_is_not_there() -> None:
    async with calling(fixed_bidder()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(METHOD + "s")(b"", timeout=30)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_many_at_once_and_one_that_gives_up() -> None:
    async with calling(fixed_bidder()) as channel:
        bid = BidderStub(channel).Bid
        calls = [bid(request(), timeout=60) for _ in range(200)]
        calls[7].cancel()
        found = await asyncio.gather(*calls, return_exceptions=True)
    answers = [one for one in found if isinstance(one, Message)]
    assert len(answers) == 199
    assert len({one.seatbid[0].bid[0].id for one in answers}) == 199


async def test_a_drain_answers_what_was_begun_and_takes_nothing_new() -> None:
    stop, begun = asyncio.Event(), asyncio.get_running_loop().create_future()

    class Slow(Bidder):
        """Answers when it is told to."""

        def __init__(self) -> None:
            pass

        def begin(self, body: bytes, waited_s: float, done: Any, codec: Any = None) -> None:
            begun.set_result(done)

    async with calling(Slow(), stop) as channel:
        call = channel.unary_unary(METHOD)(b"", timeout=60)
        answer = await asyncio.wait_for(begun, 30)
        stop.set()
        # One turn of the loop and the server's port is closed, which the client is told.
        async with asyncio.timeout(30):
            while channel.get_state() is grpc.ChannelConnectivity.READY:
                await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        assert await refused(channel, b"") is grpc.StatusCode.UNAVAILABLE
        answer(b"the answer")
        assert await call == b"the answer"


async def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AddressTaken, match=where):
            async with serving_grpc(where, fixed_bidder(), asyncio.Event(), limits=LIMITS):
                pass


def loosely(value: Any, message: Message) -> None:
    """What of a JSON request can be said in a message, attribute by attribute."""
    for name, inner in value.items():
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is None or inner is None or isinstance(inner, list) is not field.is_repeated:
            continue
        for one in inner if field.is_repeated else [inner]:
            place = getattr(message, name)
            if field.message_type is not None:
                target = place.add() if field.is_repeated else place
                if isinstance(one, dict):
                    target.SetInParent()
                    loosely(one, target)
            elif field.is_repeated:
                place.append(one)
            elif field.type == field.TYPE_BOOL:
                setattr(message, name, one not in (0, "0"))
            elif isinstance(one, str) is (field.type == field.TYPE_STRING):
                setattr(message, name, one)


def as_message(body: bytes) -> tuple[openrtb_pb2.BidRequest, bool]:
    """A manifest's request as a message, and whether JSON takes it for one."""
    message = openrtb_pb2.BidRequest()
    try:
        write(decode_request(body), message)
    except MalformedRequest:
        loosely(json.loads(body), message)
        return message, False
    for name in ("regs", "user", "source"):
        # The bidder does not write what others extend.
        extended = (json.loads(body).get(name) or {}).get("ext")
        if isinstance(extended, dict) and extended:
            loosely({"ext": extended}, getattr(message, name))
    return message, True


@pytest.mark.external_data
@pytest.mark.skipif(not MANIFEST.is_file(), reason="EXTERNAL_DATA names no folder with openrtb/")
@pytest.mark.req("FR-RTB-001")
async def test_every_request_of_the_manifest_gets_the_same_answer_both_ways() -> None:
    limits, stop, loop = replace(LIMITS, body_bytes=1_000_000), asyncio.Event(), asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    routes = Routes(fixed_bidder(), most_body_bytes=limits.body_bytes, now=lambda: 0.0, ready=lambda: True)
    web = loop.create_task(serve(listener, routes, stop, limits=limits))
    counts = {"bid": 0, "no bid": 0, "refused": 0}
    async with calling(fixed_bidder(), limits=limits) as channel:
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        client = Client(reader, writer)
        for row in rows():
            if row["file"].rsplit("/", 1)[-1] in UNSAYABLE:
                assert (await client.send(http(body_of(row)))).status == 400
                continue
            message, is_request = as_message(body_of(row))
            over_http = await client.send(http(body_of(row)))
            if not is_request:
                assert over_http.status == 400, row["file"]
                code = await refused(channel, message.SerializeToString())
                assert code is grpc.StatusCode.INVALID_ARGUMENT, row["file"]
                counts["refused"] += 1
                continue
            over_grpc = await raw(channel, message.SerializeToString())
            expected = bidder_pb2.BidResponse()
            if over_http.status == 200:
                write(msgspec.json.decode(over_http.body, type=BidResponse), expected)
            assert bidder_pb2.BidResponse.FromString(over_grpc) == expected, row["file"]
            counts["bid" if expected.seatbid else "no bid"] += 1
        # A body may be a message over HTTP too, and its answer is one.
        told = await client.send(http(request().SerializeToString(), "content-type: application/x-protobuf"))
        assert told.headers["content-type"] == "application/x-protobuf"
        assert bidder_pb2.BidResponse.FromString(told.body).id == "r1"
        writer.close()
    stop.set()
    await web
    assert sum(counts.values()) == len(rows()) - len(UNSAYABLE)
    assert (counts["bid"] > 250, counts["no bid"], counts["refused"]) == (True, 38, 16)


def test_the_command_answers_over_both_and_drains(tmp_path: Path) -> None:
    http_port, grpc_port = free_port(), free_port()
    url = f"http://127.0.0.1:{http_port}/health"
    settings = {"CE_BID_GRPC_PORT": str(grpc_port)}
    with Cli(tmp_path).running("bid", "--demo", "--port", str(http_port), url=url, **settings) as process:
        with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
            response = BidderStub(channel).Bid(request(), timeout=60, wait_for_ready=True)
            assert response.id == "r1"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_the_command_tells_of_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = Cli(tmp_path)("bid", "--port", str(free_port()), CE_BID_GRPC_PORT=str(port))
    assert done.code == 1
    assert f"cannot listen at 127.0.0.1:{port}; set CE_BID_GRPC_PORT to another port, or to 0" in done.err
