"""Whatever bytes a client sends, in whatever pieces: no 5xx, no lost process, no connection left hanging.

One server runs for all examples, in a thread of its own; after each of them it must still answer a plain request.
"""

import asyncio
import gzip
import json
import os
import re
import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotpath.auction.bidder import Bidder
from hotpath.grpc import openrtb_pb2
from hotpath.grpc.service import serving_grpc
from hotpath.server.routes import Routes
from hotpath.server.serving import serve
from tests.integration.bid_server import LIMITS, REQUEST, demo_bidder, http

DATA = Path(os.environ.get("EXTERNAL_DATA", "/nowhere")) / "openrtb"
METHOD = "/campaign_express.bid.v1.Bidder/Bid"
ANSWERS = {100, 200, 204, 400, 404, 405, 408, 413, 415, 431}
#: Long: nothing here is about speed, only about an end.
PATIENCE_S = 30
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n((?:[^\r]+\r\n)*)\r\n")
fuzzing = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

#: A request that has something of everything.
RICH = {
    "id": "r", "at": 1, "tmax": 500, "cur": ["EUR", "USD"], "bcat": ["IAB25"], "badv": ["a.example"], "test": 0,
    "imp": [
        {"id": "1", "banner": {"format": [{"w": 300, "h": 250}], "battr": [1]}, "bidfloor": 0.5, "secure": 1},
        {"id": "2", "video": {"mimes": ["video/mp4"], "protocols": [2, 7], "maxduration": 30, "api": [1]}},
        {"id": "3", "native": {"request": '{"assets":[{"id":1,"title":{"len":9}}]}'}},
        {"id": "4", "audio": {"mimes": ["audio/mp4"]}, "pmp": {"deals": [{"id": "d", "bidfloor": 1}]}},
    ],
    "site": {"cat": ["IAB1"], "page": "https://n.example/a"},
    "device": {"ua": "x", "geo": {"country": "DEU", "lat": 1.5}, "devicetype": 2, "ifa": "f"},
    "user": {"id": "u", "ext": {"consent": "CP"}},
    "regs": {"gdpr": 1, "gpp": "DBABMA~CP", "gpp_sid": [2], "ext": {"us_privacy": "1YNN"}},
    "source": {"schain": {"complete": 1, "ver": "1.0", "nodes": [{"asi": "a", "sid": "1"}]}},
}  # fmt: skip


@dataclass(frozen=True)
class Process:
    port: int
    grpc_port: int
    bidder: Bidder


@pytest.fixture(scope="module")
def process() -> Iterator[Process]:
    """A server of both protocols in a thread; it ends by draining, which it could not if it had been broken."""
    made: list[Process] = []
    ready, end = threading.Event(), threading.Event()

    async def run() -> None:
        loop, stop, limits = asyncio.get_running_loop(), asyncio.Event(), replace(LIMITS, request_s=0.3)
        listener, bidder = socket.create_server(("127.0.0.1", 0)), demo_bidder(loop)
        routes = Routes(bidder, most_body_bytes=limits.body_bytes, now=loop.time, ready=lambda: True)
        async with serving_grpc("127.0.0.1:0", bidder, stop, limits=limits) as grpc_port:
            serving = asyncio.create_task(serve(listener, routes, stop, limits=limits, quiet_s=0.1))
            made.append(Process(listener.getsockname()[1], grpc_port, bidder))
            ready.set()
            await asyncio.to_thread(end.wait)
            stop.set()
            await serving

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(PATIENCE_S)
    yield made[0]
    end.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def exchange(process: Process, pieces: Sequence[bytes], *, half_closes: bool = True) -> bytes:
    """All that the server says until it closes the connection. TimeoutError: it never does."""
    said = bytearray()
    with socket.create_connection(("127.0.0.1", process.port), timeout=PATIENCE_S) as connection:
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        if half_closes:
            # The server may have ended it already.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while part := connection.recv(65_536):
                said += part
    return bytes(said)


def statuses(said: bytes) -> list[int]:
    """The answers' statuses; what the server says is nothing but whole answers."""
    found, at = [], 0
    while at < len(said):
        head = _STATUS.match(said, at)
        assert head, said[at : at + 200]
        length = re.search(rb"(?i)content-length: (\d+)", head[2])
        at = head.end() + (int(length[1]) if length else 0)
        assert at <= len(said)
        found.append(int(head[1]))
    return found


def check(process: Process, *pieces: bytes, half_closes: bool = True) -> list[int]:
    """Send pieces; the answers, after the server has shown that it goes on."""
    found = statuses(exchange(process, pieces, half_closes=half_closes))
    assert set(found) <= ANSWERS
    assert statuses(exchange(process, [http(REQUEST)])) == [200]
    assert process.bidder.counts.answers["technical"] == 0
    return found


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces."""
    at = sorted({place % (len(data) + 1) for place in places})
    return [data[start:end] for start, end in zip([0, *at], [*at, len(data)], strict=True)]


def mutated(data: bytes, changes: list[tuple[str, int, int, bytes]]) -> bytes:
    """Pieces taken out, doubled, overwritten and put in, at places and lengths that wrap around."""
    for kind, place, length, put in changes:
        at = place % (len(data) + 1)
        end = min(len(data), at + length)
        middle = {"cut": b"", "double": data[at:end] * 2, "write": put, "put": put + data[at:end]}[kind]
        data = data[:at] + middle + data[end:]
    return data


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["cut", "double", "write", "put"]), st.integers(0, 5_000), st.integers(0, 40),
        st.binary(max_size=12) | st.sampled_from([b"\r\n", b"\r\n\r\n", b"\0", b":", b"{", b'"', b"-1", b"1e999", b"null"]),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
PLACES = st.lists(st.integers(0, 10_000), max_size=6)


@fuzzing
@given(data=st.binary(max_size=400), places=PLACES)
def test_any_bytes(process: Process, data: bytes, places: list[int]) -> None:
    check(process, *cut(data, places))


@settings(fuzzing, max_examples=12)
@given(data=st.binary(min_size=1, max_size=60) | st.just(b"POST /v1/bid HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"))
def test_a_client_that_waits_is_not_left_hanging(process: Process, data: bytes) -> None:
    check(process, data, half_closes=False)


@fuzzing
@given(changes=CHANGES, places=PLACES)
def test_a_request_with_bytes_changed_anywhere(
    process: Process, changes: list[tuple[str, int, int, bytes]], places: list[int]
) -> None:
    check(process, *cut(mutated(http(RICH), changes), places))


@fuzzing
@given(changes=CHANGES, kind=st.sampled_from(["", "content-encoding: gzip", "content-type: application/x-protobuf"]))
def test_a_body_with_bytes_changed(process: Process, changes: list[tuple[str, int, int, bytes]], kind: str) -> None:
    body = json.dumps(RICH).encode()
    if kind.endswith("gzip"):
        body = gzip.compress(body)
    found = check(process, http(mutated(body, changes), kind or "x: y"))
    assert len(found) == 1
    assert found[0] in {200, 204, 400, 413}


#: What breaks a reader of addresses, numbers, or JSON within JSON.
ODD_TEXTS = [
    "https://[",
    "https://[::1]]:x",
    "1e999",
    "9" * 400,
    "[" * 2_000,
    '{"assets":[{"id":1,"img":{"w":-1}}]}',
    "\ud800",
]


def values(leaf: Any) -> st.SearchStrategy[Any]:
    """What may stand where something else stood."""
    return st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.floats()
        | st.text(max_size=6)
        | st.just(leaf)
        | st.sampled_from(ODD_TEXTS),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(list(RICH)), inner, max_size=2),
        max_leaves=4,
    )


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a request."""
    if at:
        yield at
    for step in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from paths(value[step], (*at, step))


@settings(fuzzing, max_examples=300)
@given(places=st.lists(st.tuples(st.sampled_from(list(paths(RICH))), values("x")), min_size=1, max_size=3))
def test_an_attribute_that_is_something_else(process: Process, places: list[tuple[tuple[Any, ...], Any]]) -> None:
    request: Any = json.loads(json.dumps(RICH))
    for path, value in places:
        with suppress(KeyError, IndexError, TypeError):
            holder = request
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = value
    (found,) = check(process, http(json.dumps(request).encode("utf-8", "surrogatepass")))
    assert found in {200, 204, 400}


@fuzzing
@given(
    row=st.lists(st.sampled_from([http(REQUEST), http(target="/health", method="GET"), http(b"{")]), max_size=5),
    garbage=st.binary(max_size=80), places=PLACES,
)  # fmt: skip
def test_what_was_asked_before_the_garbage_is_answered(
    process: Process, row: list[bytes], garbage: bytes, places: list[int]
) -> None:
    expected = [400 if each.endswith(b"{") else 200 for each in row]
    found = check(process, *cut(b"".join(row) + garbage, places))
    assert found[: len(row)] == expected
    assert len(found) <= len(row) + 1 + garbage.count(b"\n")


@fuzzing
@given(sizes=st.lists(st.integers(1, 90), min_size=1, max_size=20), places=PLACES)
def test_a_body_in_chunks_is_a_body(process: Process, sizes: list[int], places: list[int]) -> None:
    body, chunks, at = json.dumps(REQUEST).encode(), [], 0
    for size in [*sizes, len(body)]:
        part = body[at : at + size]
        at += size
        if part:
            chunks.append(b"%x;name=value\r\n%b\r\n" % (len(part), part))
    head = b"POST /v1/bid HTTP/1.1\r\nhost: b\r\ntransfer-encoding: chunked\r\n\r\n"
    whole = head + b"".join(chunks) + b"0\r\ntrailer: x\r\n\r\n"
    assert check(process, *cut(whole, places)) == [200]


@fuzzing
@given(
    chunks=st.lists(st.binary(max_size=30), max_size=8), sizes=st.lists(st.text("0123456789abcdefgx-; ", max_size=20))
)
def test_chunks_of_any_size_and_form(process: Process, chunks: list[bytes], sizes: list[str]) -> None:
    head = b"POST /v1/bid HTTP/1.1\r\nhost: b\r\ntransfer-encoding: chunked\r\n\r\n"
    body = b"".join(size.encode() + b"\r\n" + chunk + b"\r\n" for size, chunk in zip(sizes, chunks, strict=False))
    check(process, head + body)


@fuzzing
@given(
    names=st.lists(st.text("abcXYZ-_ :\t\0é", max_size=30), max_size=60),
    length=st.sampled_from([0, 10, 500, 3_000]),
    first=st.sampled_from(["POST /v1/bid HTTP/1.1", "GET / HTTP/9.9", "PRI * HTTP/2.0", "POST  HTTP/1.1", "BREW /v1/bid HTTP/1.1"]),
)  # fmt: skip
def test_heads_of_any_size_and_form(process: Process, names: list[str], length: int, first: str) -> None:
    lines = [first, *(f"{name}: {'v' * length}" for name in names)]
    check(process, "\r\n".join(lines).encode() + b"\r\n\r\n")


def deflated(data: bytes, wbits: int) -> bytes:
    packer = zlib.compressobj(9, wbits=wbits)
    return packer.compress(data) + packer.flush()


BOMB = b'{"id":"' + b"0" * 20_000_000 + b'"}'
PACKED: dict[str, tuple[Callable[[], bytes], int]] = {
    "one of twenty megabytes": (lambda: gzip.compress(BOMB), 413),
    "one within another": (lambda: gzip.compress(gzip.compress(BOMB)), 413),
    "many that are empty": (lambda: gzip.compress(b"") * 300, 400),
    "of several members": (lambda: b"".join(gzip.compress(json.dumps(REQUEST).encode()[at : at + 33]) for at in range(0, 99, 33)), 200),
    "cut": (lambda: gzip.compress(json.dumps(REQUEST).encode())[:-9], 400),
    "with a tail": (lambda: gzip.compress(json.dumps(REQUEST).encode()) + b"tail", 400),
    "raw deflate": (lambda: deflated(json.dumps(REQUEST).encode(), -15), 400),
    "zlib": (lambda: deflated(json.dumps(REQUEST).encode(), 15), 400),
    "empty": (lambda: b"", 400),
}  # fmt: skip


@pytest.mark.parametrize("name", PACKED)
def test_packed_bodies(process: Process, name: str) -> None:
    body, status = PACKED[name]
    assert check(process, http(body(), "content-encoding: gzip")) == [status]


@fuzzing
@given(kind=st.sampled_from(["win", "billing", "loss"]), query=st.binary(max_size=60), token=st.text(max_size=40))
def test_any_notice(process: Process, kind: str, query: bytes, token: str) -> None:
    for target in (f"/v1/{kind}?t={token}", f"/v1/{kind}?{query.hex()}", f"/v1/{kind}"):
        check(process, f"GET {target} HTTP/1.1\r\nhost: b\r\n\r\n".encode())
    check(process, b"GET /v1/" + kind.encode() + b"?" + query + b" HTTP/1.1\r\nhost: b\r\n\r\n")


@fuzzing
@given(data=st.binary(max_size=200), changes=CHANGES)
def test_any_bytes_over_grpc(process: Process, data: bytes, changes: list[tuple[str, int, int, bytes]]) -> None:
    valid = openrtb_pb2.BidRequest(id="r")
    valid.imp.add(id="1").banner.w = 300
    body = valid.SerializeToString()
    with grpc.insecure_channel(f"127.0.0.1:{process.grpc_port}") as channel:
        call = channel.unary_unary(METHOD)
        for sent in (data, mutated(body, changes)):
            assert call.future(sent, timeout=PATIENCE_S).code() in {
                grpc.StatusCode.OK,
                grpc.StatusCode.INVALID_ARGUMENT,
            }
        assert call(body, timeout=PATIENCE_S)


@settings(fuzzing, max_examples=20)
@given(data=st.binary(max_size=300), preface=st.booleans())
def test_any_bytes_on_the_port_of_grpc(process: Process, data: bytes, preface: bool) -> None:
    where = ("127.0.0.1", process.grpc_port)
    with socket.create_connection(where, timeout=PATIENCE_S) as connection, suppress(ConnectionError):
        connection.sendall((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" if preface else b"") + data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass
    valid = openrtb_pb2.BidRequest(id="r")
    valid.imp.add(id="1").banner.w = 300
    with grpc.insecure_channel(f"127.0.0.1:{process.grpc_port}") as channel:
        assert channel.unary_unary(METHOD)(valid.SerializeToString(), timeout=PATIENCE_S)


def samples() -> list[bytes]:
    return [path.read_bytes() for path in sorted((DATA / "exchange-to-bidder").glob("*.json"))]


@pytest.mark.external_data
@pytest.mark.skipif(not DATA.is_dir(), reason="EXTERNAL_DATA names no folder with openrtb/")
@settings(fuzzing, max_examples=300)
@given(number=st.integers(0, 10_000), changes=CHANGES)
def test_requests_of_real_exchanges_with_bytes_changed(
    process: Process, number: int, changes: list[tuple[str, int, int, bytes]]
) -> None:
    found = samples()
    body = mutated(found[number % len(found)], changes)[: LIMITS.body_bytes]
    (status,) = check(process, http(body))
    assert status in {200, 204, 400}
