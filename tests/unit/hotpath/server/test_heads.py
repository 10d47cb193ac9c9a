"""Known heads: with them a connection tells its application the same requests as without, however the bytes come."""

import gc
from dataclasses import dataclass, field
from weakref import ref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpath.server.heads import MOST_HEADS, Head, Heads
from hotpath.server.messages import HttpAnswer, HttpRequest
from hotpath.server.protocol import Connection, Limits, Reply, Shared

HEADS = (
    b"POST /v1/bid HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n",
    b"POST /v1/bid HTTP/1.1\r\nHost: a\r\nContent-Length: 14\r\n\r\n",
    b"POST /v1/bid HTTP/1.1\r\nHost: a\r\nX-Openrtb-Version: 2.5\r\nContent-Length: 4\r\n\r\n",
    b"POST /v1/bid HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
    b"POST /v1/bid HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST /v1/bid HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\n",
    b"POST /v1/bid HTTP/1.0\r\nHost: a\r\nContent-Length: 4\r\n\r\n",
    b"GET /v1/win?t=x HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /v1/win HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"\r\nPOST /v1/bid HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n",
    b"POST /v1/bid HTTP/1.1\nHost: a\nContent-Length: 4\n\n",
)
BODIES = (b"body", b"four", b"0123456789abcd", b"\r\n\r\n", b"", b"4\r\nbody\r\n0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n")


class Never(Heads):
    """Knows no head."""

    def find(self, data: bytes) -> None:
        return None


@dataclass
class Wire:
    """A transport that keeps what is written."""

    written: list[bytes] = field(default_factory=list)
    closed: bool = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True


def told(chunks: list[bytes], heads: Heads) -> tuple[list[tuple[bytes, bytes, dict[bytes, bytes], bytes]], bytes, bool]:
    """What the application was asked, what was written, and whether the connection was closed."""
    asked: list[tuple[bytes, bytes, dict[bytes, bytes], bytes]] = []

    def application(request: HttpRequest, reply: Reply) -> None:
        asked.append((request.method, request.target, dict(request.headers), request.body))
        reply(HttpAnswer(200, b"%d" % len(asked)))

    shared = Shared(application, Limits(body_bytes=100))
    shared.heads = heads
    wire, connection = Wire(), Connection(shared)
    connection.connection_made(wire)  # type: ignore[arg-type]
    for chunk in chunks:
        connection.data_received(chunk)
    return asked, b"".join(wire.written), wire.closed


PIECES = st.tuples(st.sampled_from(HEADS), st.sampled_from(BODIES), st.integers(0, 90), st.booleans())


@settings(max_examples=1_500, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=7))
def test_known_heads_change_nothing(pieces: list[tuple[bytes, bytes, int, bool]]) -> None:
    chunks: list[bytes] = []
    for head, body, cut, joined in pieces:
        whole = head + body
        parts = [whole[:cut], whole[cut:]] if 0 < cut < len(whole) else [whole]
        if joined and chunks:
            chunks[-1] += parts.pop(0)
        chunks += parts
    assert told(chunks, Heads()) == told(chunks, Never())


def test_the_second_request_with_a_head_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    find = Heads.find
    monkeypatch.setattr(Heads, "find", lambda self, data: found.append(find(self, data)) or found[-1])
    asked, _, _ = told([HEADS[0] + b"body", HEADS[0] + b"four"], Heads())
    assert [one and one[1] for one in found] == [None, b"four"]
    assert [body for *_, body in asked] == [b"body", b"four"]


def test_heads_are_forgotten_before_they_are_too_many() -> None:
    heads = Heads()
    for number in range(MOST_HEADS + 5):
        data = b"GET /%d HTTP/1.1\r\n\r\n" % number
        heads.learn(data, Head(b"GET", b"/%d" % number, {}, 0))
    assert len(heads) == 5
    heads.learn(b"GET /" + b"x" * 3_000 + b" HTTP/1.1\r\n\r\n", Head(b"GET", b"/", {}, 0))
    assert len(heads) == 5


def test_a_connection_that_was_lost_is_gone_without_the_collector() -> None:
    shared = Shared(lambda _, reply: reply(HttpAnswer(204)), Limits())
    connection = Connection(shared)
    connection.connection_made(Wire())  # type: ignore[arg-type]
    connection.data_received(HEADS[0] + b"body")
    lost = ref(connection)
    gc.disable()
    try:
        connection.connection_lost(None)
        connection.data_received(HEADS[0])
        connection.end_if_late(1e12)
        del connection
        assert lost() is None
    finally:
        gc.enable()
