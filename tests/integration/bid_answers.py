"""What the bid process says to given requests, compiled or interpreted: `python -m tests.integration.bid_answers WHICH`.

Reads chunks of bytes as a JSON list of hexadecimal texts, sends each over a connection of its own, sixteen to a turn of
the loop, then sends the notices of every bid; prints all answers, events and books. Time stands still.
"""

import json
import re
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from kit.compiled import compiled_modules, use_compiled

NOW_S = 1_780_315_200.0


class Later:
    """A loop in virtual time: what is to be done later is done at the end of the turn."""

    def __init__(self) -> None:
        self._calls: deque[Callable[[], object]] = deque()

    def call_soon(self, callback: Callable[[], object]) -> "Later":
        self._calls.append(callback)
        return self

    def call_later(self, _delay: float, callback: Callable[[], object]) -> "Later":
        return self.call_soon(callback)

    def cancel(self) -> None:
        """What waits does nothing where nothing waits for it."""

    def turn(self) -> None:
        while self._calls:
            self._calls.popleft()()


class Wire:
    """A client's end."""

    def __init__(self) -> None:
        self.got = b""

    def write(self, data: bytes) -> None:
        self.got += data

    def close(self) -> None:
        self.got += b"<closed>"


def answers(chunks: list[bytes]) -> dict[str, Any]:
    """All that a process says to these bytes, and what it knows afterwards."""
    from bench.bid_world import bench_snapshot  # noqa: PLC0415 - only once it is settled which modules run
    from domain.bid_caps import CapLedger  # noqa: PLC0415 - as above
    from domain.bid_events import encode_event  # noqa: PLC0415 - as above
    from hotpath.auction.bidder import Bidder, BidderSettings  # noqa: PLC0415 - as above
    from hotpath.auction.notices import Tickets  # noqa: PLC0415 - as above
    from hotpath.engine.batched import BatchedDecisions  # noqa: PLC0415 - as above
    from hotpath.engine.engine import Engine, EngineSettings  # noqa: PLC0415 - as above
    from hotpath.inference.numpy_provider import NumpyProvider  # noqa: PLC0415 - as above
    from hotpath.process import fresh_profiles  # noqa: PLC0415 - as above
    from hotpath.server.protocol import Connection, Limits, Shared  # noqa: PLC0415 - as above
    from hotpath.server.routes import Routes  # noqa: PLC0415 - as above
    from tests.integration.bid_server import ListSink  # noqa: PLC0415 - as above

    snapshot, later, sink, settings = bench_snapshot(300), Later(), ListSink(), BidderSettings()
    engine = Engine(
        snapshot, NumpyProvider(snapshot.model), NOW_S, token_prefix="b", caps=CapLedger(), settings=EngineSettings()
    )
    bidder = Bidder(
        engine, Tickets(b"k" * 32, "http://bid.example"), profiles=fresh_profiles(), settings=settings, sink=sink,
        clock=lambda: NOW_S, soon=BatchedDecisions(engine, later).decide,
    )  # fmt: skip
    routes = Routes(bidder, most_body_bytes=100_000, now=lambda: 0.0, ready=lambda: True)
    shared = Shared(routes, Limits(body_bytes=100_000), turn=lambda: 0.0)

    def sent(these: list[bytes]) -> list[str]:
        said: list[str] = []
        for start in range(0, len(these), 16):
            wires: list[Wire] = []
            for chunk in these[start : start + 16]:
                wires.append(Wire())
                connection = Connection(shared)
                connection.connection_made(wires[-1])  # type: ignore[arg-type]
                connection.data_received(chunk)
            later.turn()
            said += [wire.got.decode("latin-1") for wire in wires]
        return said

    said = sent(chunks)
    told = re.findall(r"http://bid\.example(/v1/\w+\?t=[\w-]+&\w=)", "".join(said))
    notices = [f"POST {target}0.4 HTTP/1.1\r\nhost: b\r\ncontent-length: 0\r\n\r\n".encode() for target in told]
    said += sent(notices + notices[:100])
    return {
        "answers": said,
        "events": [encode_event(event).hex() for event in (*sink.bids, *sink.notices)],
        "books": [engine.budgets.standing(campaign.campaign_id) for campaign in snapshot.campaigns],
        "open": [engine.budgets.open_bids, len(engine.caps)],
        "counts": {name: dict(getattr(bidder.counts, name)) for name in ("answers", "refusals", "spend_micros")},
    }


if __name__ == "__main__":
    if sys.argv[1] == "compiled" and (reason := use_compiled()):
        sys.exit(reason)
    found = answers([bytes.fromhex(each) for each in json.load(sys.stdin)])
    json.dump({**found, "compiled": compiled_modules()}, sys.stdout)
