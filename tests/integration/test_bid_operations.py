"""The bid server where something is missing: time, room, a running disk, sense in a callback; and what it leaves."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from domain.bid_events import scores_of
from domain.bid_features import DEVICE, unpacked_features
from hotpath.auction.bidder import BidderSettings
from hotpath.engine.facts import NoBid
from hotpath.server.protocol import Connection
from hotpath.server.routes import Routes
from tests.integration.bid_server import REQUEST, Client, bid_server, http

TWO = {
    "id": "r2",
    "at": 1,
    "imp": [{"id": "1", "banner": {"w": 300, "h": 250}}, {"id": "2", "banner": {}, "bidfloor": 1_000.0}],
    "device": {"devicetype": 2},
    "user": {"id": "someone"},
}


async def bid_of(client: Client, request: dict[str, Any] = REQUEST) -> dict[str, Any]:
    bid: dict[str, Any] = json.loads((await client.send(http(request))).body)["seatbid"][0]["bid"][0]
    return bid


async def tell(client: Client, address: str) -> int:
    parts = urlsplit(address)
    return (await client.send(http(target=f"{parts.path}?{parts.query}", method="GET"))).status


@pytest.mark.req("FR-RTB-008")
async def test_every_answered_request_leaves_what_was_bid_and_why_not_and_what_to_learn_from() -> None:
    async with bid_server() as server, server.client() as client:
        began_us = time.time() * 1e6
        bid = await bid_of(client, TWO)
        await client.send(http({**REQUEST, "badv": ["demo.example"], "test": 1}))
        await client.send(http({**REQUEST, "tmax": 5}))
        await client.send(http({"id": "r"}))
    made, refused, late = server.sink.bids
    assert (made.request_id, made.result, made.currency, made.house_currency) == ("r2", "bid", "USD", "USD")
    assert began_us <= made.at_us <= time.time() * 1e6
    shown, dear = made.outcomes
    assert (shown.imp_id, shown.bid_id, shown.campaign_id, shown.offer_id, shown.creative_id) == (
        "1", bid["id"], "demo-catch-all", "demo-offer", "demo-banner",
    )  # fmt: skip
    assert shown.price_micros == round(bid["price"] * 1e6)
    assert (dear.imp_id, dear.reason, dear.bid_id) == ("2", NoBid.FLOOR, "")
    assert made.user == "someone"
    assert scores_of(made) == {"demo-offer": shown.score}
    assert unpacked_features(made.features)[DEVICE] == 1.0
    assert (refused.request_id, refused.result, refused.test, refused.user) == ("r1", "no_bid", True, "")
    assert [outcome.reason for outcome in refused.outcomes] == [NoBid.BLOCKED]
    assert (late.result, late.outcomes) == ("insufficient_time", ())


async def test_who_may_not_be_known_is_not_in_the_event() -> None:
    async with bid_server() as server, server.client() as client:
        await client.send(http({**TWO, "regs": {"coppa": 1}}))
    (event,) = server.sink.bids
    assert event.user == ""
    assert len(event.features) == 24


async def test_what_would_be_late_is_refused_before_any_work() -> None:
    late = True
    async with bid_server(late=lambda _: late) as server, server.client() as client:
        assert (await client.send(http(b"not even looked at"))).status == 204
        assert (await client.send(http(REQUEST))).status == 204
        # Notices are money, and cheap: they are taken all the same.
        assert await tell(client, "/v1/win?t=forged") == 400
        late = False
        assert (await client.send(http(REQUEST))).status == 200
    assert server.bidder.counts.answers == {"overloaded": 2, "bid": 1}
    assert [event.result for event in server.sink.bids] == ["bid"]


async def test_without_room_for_the_event_nothing_is_bid_and_no_notice_counts() -> None:
    async with bid_server() as server, server.client() as client:
        bid = await bid_of(client)
        server.sink.has_room = False
        assert (await client.send(http(REQUEST))).status == 204
        assert await tell(client, bid["burl"]) == 503
        server.sink.has_room = True
        assert await tell(client, bid["burl"]) == 204
        assert await tell(client, bid["burl"]) == 204
        assert (await client.send(http(REQUEST))).status == 200
    assert server.bidder.counts.answers == {"bid": 2, "no_room": 1}
    assert [notice.kind for notice in server.sink.notices] == ["billing"]
    assert server.bidder.counts.notices == {
        ("billing", "postponed"): 1, ("billing", "counted"): 1, ("billing", "repeated"): 1,
    }  # fmt: skip


async def test_an_old_token_is_gone() -> None:
    async with bid_server(settings=BidderSettings(notice_s=-1)) as server, server.client() as client:
        bid = await bid_of(client)
        assert await tell(client, bid["burl"]) == 410
    assert server.bidder.counts.notices == {("billing", "expired"): 1}
    assert server.sink.notices == []


async def test_a_seat_without_billing_notices_is_charged_by_its_wins() -> None:
    settings = BidderSettings(charged_by_win=frozenset({"demo"}))
    async with bid_server(settings=settings) as server, server.client() as client:
        bid = await bid_of(client)
        address = bid["nurl"].replace("${AUCTION_PRICE}", "2.5")
        assert [await tell(client, address) for _ in range(2)] == [204, 204]
    assert server.bidder.counts.spend_micros == {"USD": 2_500}


async def test_a_fault_of_ours_is_told_with_the_request_and_answered_with_no_bid(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with bid_server() as server, server.client() as client:
        with monkeypatch.context() as patched:
            patched.setattr(Routes, "_bid", lambda *_: 1 / 0)
            answer = await client.send(http({**REQUEST, "id": "guilty"}))
            assert (answer.status, answer.body) == (204, b"")
            assert (await client.send(http(b"nonsense"))).status == 204
        # The connection lives on.
        assert (await client.send(http(REQUEST))).status == 200
    assert server.bidder.counts.answers == {"technical": 2, "bid": 1}
    assert "request 'guilty' to b'/v1/bid' could not be answered" in caplog.text
    assert caplog.text.count("ZeroDivisionError") == 2


async def test_a_fault_in_the_middle_of_a_request_is_told_and_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Before the client comes: a parser takes its callbacks once.
    monkeypatch.setattr(Connection, "on_headers_complete", lambda _: 1 / 0)
    async with bid_server() as server, server.client() as client:
        answer = await client.send(http(REQUEST))
        assert (answer.status, answer.headers["connection"]) == (204, "close")
        assert await client.is_closed()
    assert "ZeroDivisionError" in caplog.text
    assert server.sink.bids == []


async def test_a_bids_time_is_counted_from_the_turn_that_brought_its_first_byte() -> None:
    times: list[float] = []
    turns: list[float] = []

    def turn() -> float:
        turns.append(time.monotonic() - (0.0 if turns else 1_000.0))
        return turns[-1]

    async with bid_server(turn=turn, observe=times.append) as server, server.client() as client:
        client.writer.write(http(REQUEST)[:40])
        async with asyncio.timeout(60):
            while not turns:  # noqa: ASYNC110 - a server's turn sets no event
                await asyncio.sleep(0.001)
        await client.send(http(REQUEST)[40:])
        # Only bids are timed.
        assert await tell(client, "/v1/win?t=forged") == 400
        await client.send(http(target="/health", method="GET"))
        await client.send(http(REQUEST))
    assert len(times) == 2
    assert times[0] >= 1_000.0 > times[1]
