"""Server-sent events: what a stream says, and every way in which it ends."""

import asyncio
import json
import socket as sockets
from contextlib import suppress

import pytest

EVENTS = "text/event-stream"


class Stream:
    """One request whose answer is read event by event."""

    def __init__(self, answer):
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self):
        """The next event as (event, data), a comment as None; raises StopAsyncIteration at the end."""
        event, data, comment = None, None, False
        async with asyncio.timeout(30):
            while line := await anext(self._lines):
                name, _, value = line.partition(":")
                comment = comment or not name
                if name == "event":
                    event = value.strip()
                elif name == "data":
                    data = json.loads(value) if value.strip() else ""
        if isinstance(data, dict):
            data.pop("extensions", None)
        return None if event is None and comment else (event, data)

    async def said(self):
        """The next event that is no comment."""
        while (found := await self.next()) is None:
            pass
        return found

    async def rest(self):
        """Every event until the stream ends."""
        found = []
        try:
            while True:
                found.append(await self.said())
        except StopAsyncIteration:
            return found


def ask(served, query, variables=None, token=None, accept=EVENTS, method="POST"):
    headers = {"accept": accept} | ({"authorization": f"Bearer {token}"} if token else {})
    if method == "GET":
        return served.http.stream("GET", "/graphql", params={"query": query}, headers=headers, timeout=30)
    body = {"query": query, "variables": variables}
    return served.http.stream("POST", "/graphql", json=body, headers=headers, timeout=30)


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the conditions are plain counters
            await asyncio.sleep(0.01)


COMPLETE = ("complete", "")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("accept", [EVENTS, f"application/json, {EVENTS};q=0.5", f"{EVENTS}; charset=utf-8"])
async def test_a_subscription_streams_its_results_and_completes(serve, ledger, method, accept):
    served = await serve()
    async with ask(served, "subscription { count(to: 3) }", accept=accept, method=method) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert len(answer.headers["x-request-id"]) == 32
        assert await Stream(answer).rest() == [*(("next", {"data": {"count": n}}) for n in range(3)), COMPLETE]
    assert ledger["opened"] == ledger["closed"] == 1


async def test_queries_and_mutations_stream_one_result_where_nothing_else_is_accepted(serve, ledger):
    served = await serve()
    async with ask(served, "{ hello }") as answer:
        assert await Stream(answer).rest() == [("next", {"data": {"hello": "hello world"}}), COMPLETE]
    async with ask(served, "mutation { setPrice(price: 7) }") as answer:
        assert await Stream(answer).rest() == [("next", {"data": {"setPrice": 7}}), COMPLETE]
    assert ledger["price"] == 7
    either = await served.post("{ hello }", accept=f"application/json, {EVENTS}")
    assert either.headers["content-type"].startswith("application/json")


async def test_a_mutation_by_get_is_405_and_does_nothing(serve, ledger):
    served = await serve()
    async with ask(served, "mutation { setPrice(price: 7) }", method="GET") as answer:
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert ledger["price"] == 100


async def test_a_wildcard_does_not_mean_a_stream(serve, ledger):
    served = await serve()
    answer = await served.post("subscription { count(to: 1) }", accept="*/*")
    assert answer.status_code == 400
    assert ledger["opened"] == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{" + "hello " * 30 + "}", "QUERY_LIMIT_EXCEEDED"),
        ("subscription { breaks(how: 1) }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_refused_document_is_told_in_the_stream(serve, query, code):
    served = await serve()
    async with ask(served, query) as answer:
        assert answer.status_code == 200
        (kind, told), end = await Stream(answer).rest()
    assert (kind, end) == ("next", COMPLETE)
    assert told.keys() == {"errors"}
    assert told["errors"][0]["extensions"]["code"] == code


async def test_what_is_no_request_gets_a_status(serve):
    served = await serve()
    for body, status in ((b"{", 400), (b"[]", 400), (b'{"query": 1}', 400)):
        headers = {"accept": EVENTS, "content-type": "application/json"}
        answer = await served.http.post("/graphql", content=body, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json; charset=utf-8")
    wrong = await served.post("{ hello }", accept=EVENTS, authorization="Bearer wrong")
    assert wrong.status_code == 401
    served.backend.revoked.add("ann")
    gone = await served.post("subscription { idle }", accept=EVENTS, authorization="Bearer ann")
    assert gone.status_code == 403


async def test_errors_while_it_runs_are_masked_and_end_it(serve):
    served = await serve()
    async with ask(served, 'subscription { breaks(how: "bug") }') as answer:
        first, (kind, told), end = await Stream(answer).rest()
    assert (first, kind, end) == (("next", {"data": {"breaks": 1}}), "next", COMPLETE)
    assert told["errors"][0]["message"] == "Internal error"
    assert told["errors"][0]["extensions"]["correlationId"] == answer.headers["x-request-id"]
    async with ask(served, "subscription { guarded }") as answer:
        (_, told), _ = await Stream(answer).rest()
    assert told["errors"][0]["message"] == "Sign in first"


async def test_each_event_has_loaders_of_its_own(serve):
    served = await serve()
    async with ask(served, "subscription { prices(to: 3) { price } }") as answer:
        found = await Stream(answer).rest()
    assert [told["data"]["prices"]["price"] for kind, told in found if kind == "next"] == [100, 101, 102]


async def test_streams_and_sockets_of_one_viewer_share_what_is_executed(serve, client, ledger, feed):
    served = await serve()
    query = "subscription { ticks { number slow } }"
    async with ask(served, query, token="ann") as answer, served.socket() as socket:
        c = client(socket)
        await c.init("ann")
        await c.subscribe("1", query, variables=None)
        await until(lambda: ledger["opened"] == 2)
        feed.tell(7)
        over_socket = (await c.hear())["payload"]
        assert await Stream(answer).said() == ("next", over_socket)
    assert ledger["slow"] == 1


async def test_a_quiet_stream_carries_comments(serve):
    served = await serve(ping_seconds=0.05)
    async with ask(served, "subscription { idle }") as answer:
        stream = Stream(answer)
        assert [await stream.next() for _ in range(4)] == [None] * 4


async def test_who_leaves_ends_the_subscription(serve, ledger):
    served = await serve()
    async with ask(served, "subscription { idle }") as answer:
        assert await Stream(answer).next() is None
        await until(lambda: ledger["opened"] == 1)
    await until(lambda: ledger["closed"] == 1)
    await until(lambda: not served.server.server_state.tasks)


async def test_a_revoked_member_is_cut_without_complete_and_told_when_it_comes_back(serve, ledger):
    served = await serve(recheck_seconds=0.05)
    async with ask(served, "subscription { idle }", token="ann") as answer:
        stream = Stream(answer)
        assert await stream.next() is None
        await until(lambda: ledger["opened"] == 1)
        served.backend.revoked.add("ann")
        assert await stream.rest() == []
    assert ledger["closed"] == 1
    again = await served.post("subscription { idle }", accept=EVENTS, authorization="Bearer ann")
    assert again.status_code == 403


async def test_a_revoked_member_gets_no_later_event(serve, ledger, feed):
    served = await serve(recheck_seconds=60)
    async with ask(served, "subscription { ticks { number } }", token="ann") as answer:
        stream = Stream(answer)
        await until(lambda: ledger["opened"] == 1)
        feed.tell(1)
        assert await stream.said() == ("next", {"data": {"ticks": {"number": 1}}})
        served.backend.revoked.add("ann")
        feed.tell(2)
        assert await stream.rest() == []


async def test_an_expired_token_ends_the_stream(serve, ledger):
    served = await serve(recheck_seconds=60)
    async with ask(served, "subscription { idle }", token="brief") as answer:
        assert await Stream(answer).rest() == []
    assert ledger["opened"] == ledger["closed"]


async def test_a_viewer_has_so_many_streams_and_no_more(serve, ledger):
    served = await serve(streams_per_viewer=2)
    async with ask(served, "subscription { idle }", token="ann"), ask(served, "subscription { idle }", token="ann"):
        await until(lambda: ledger["opened"] == 2)
        refused = await served.post("subscription { idle }", accept=EVENTS, authorization="Bearer ann")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
        assert refused.json()["errors"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
        async with ask(served, "subscription { count(to: 1) }", token="bob") as other:
            assert (await Stream(other).rest())[-1] == COMPLETE
    await until(lambda: ledger["closed"] == 3)
    async with ask(served, "subscription { count(to: 1) }", token="ann") as again:
        assert again.status_code == 200


async def test_shutdown_ends_streams_without_complete(serve, ledger):
    served = await serve()
    async with ask(served, "subscription { idle }") as answer:
        await until(lambda: ledger["opened"] == 1)
        served.server.should_exit = True
        assert await Stream(answer).rest() == []
    await until(lambda: ledger["closed"] == 1)


async def test_who_does_not_read_is_cut_and_frees_everything(serve, ledger):
    served = await serve(send_buffer_bytes=200_000, close_seconds=0.3, recheck_seconds=60)
    paused = sockets.socket()
    paused.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    paused.connect(("127.0.0.1", served.port))
    paused.setblocking(False)
    body = json.dumps({"query": "subscription { flood(size: 10000) }"})
    head = (
        "POST /graphql HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    await asyncio.get_running_loop().sock_sendall(paused, (head + body).encode())
    await until(lambda: served.server.server_state.tasks)
    # It never reads: the server must still let go of the connection.
    await until(lambda: not served.server.server_state.connections and not served.server.server_state.tasks)
    paused.close()


async def test_a_head_that_never_ends_is_cut(serve):
    served = await serve(header_seconds=0.2)
    silent, dripping = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(2)]
    dripping[1].write(b"POST /graphql HTTP/1.1\r\nhost: x\r\nx-slow: ")

    async def drip():
        while True:
            dripping[1].write(b"x")
            await asyncio.sleep(0.01)

    dripped = asyncio.create_task(drip())
    async with asyncio.timeout(30):
        for reader, _ in (silent, dripping):
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
    dripped.cancel()
    await until(lambda: not served.server.server_state.connections)
    # A whole head in time is answered, also on a connection that rests in between.
    assert (await served.post("{ hello }")).status_code == 200
