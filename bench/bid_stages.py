"""Where the microseconds of a bid request go: `python -m bench.bid_stages`. The world is bench.bid's.

Each step of one request's way is run by itself over the same real requests, in one thread and without a socket. Times
are of the thread's processor, not of the clock, so that neighbours on the machine disturb little; the best of several
rounds. Run together on a whole machine's traffic the steps evict each other from the caches, which bench.bid has and
this has not. CE_BID_INFERENCE (litert) is the backend.
"""

import gc
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from bench.bid_load import posted
from bench.bid_world import bench_bodies, bench_snapshot
from domain.bid_events import encode_event
from domain.bid_people import NOBODY
from hotpath.auction.bidder import BidderSettings
from hotpath.auction.facts import request_facts
from hotpath.auction.notices import Tickets
from hotpath.auction.records import of_auction
from hotpath.inference.requests import InferenceRequest
from hotpath.openrtb.codec import JSON, decode_request
from hotpath.process import bidder_over, build_engine, fresh_profiles
from hotpath.server.messages import HttpAnswer
from hotpath.server.protocol import Connection, Limits, Shared

_ROUNDS = 40
_BATCH = 16
Item = TypeVar("Item")
BACKEND = os.environ.get("CE_BID_INFERENCE", "litert")


class Nowhere:
    """A transport, and a sink of events, that keep nothing."""

    has_room = True

    def write(self, data: bytes) -> None:
        """Forget the bytes."""

    def close(self) -> None:
        """Nothing is open."""

    def answered(self, event: object) -> None:
        """Forget the event."""

    def noticed(self, _event: object) -> bool:
        """None comes."""
        return True


def best_us(step: Callable[[Item], object], items: Sequence[Item]) -> float:
    """Microseconds that a step takes for one item, in the best of the rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.thread_time()
        for item in items:
            step(item)
        best = min(best, time.thread_time() - began)
    return best / len(items) * 1e6


def stages(folder: Path) -> list[tuple[str, float]]:
    """Each step with its microseconds, of a request in the mean over all of the folder's."""
    every, files = bench_bodies(folder)
    bodies, now_s = every[:files], time.time()
    settings, nowhere = BidderSettings(), Nowhere()
    engine = build_engine(bench_snapshot(), settings=settings, environment={"CE_BID_INFERENCE": BACKEND})
    tickets = Tickets(b"k" * 32, "http://127.0.0.1:8001")
    bidder = bidder_over(engine, tickets, fresh_profiles(), settings=settings, sink=nowhere)
    answer = HttpAnswer(200, bytes(1_000))
    connection = Connection(Shared(lambda _, reply: reply(answer), Limits()))
    connection.connection_made(nowhere)  # type: ignore[arg-type]

    requests = [decode_request(body.data) for body in bodies]
    facts = [request_facts(request, 0) for request in requests]
    lists = [engine.shortlist(one, NOBODY, now_s) for one in facts]
    asked = [InferenceRequest(one.vector, one.offer_ids) for one in lists if one.offer_ids]
    batches = [asked[at : at + _BATCH] for at in range(0, len(asked) - _BATCH, _BATCH)]
    scores = [engine.provider.score_batch([InferenceRequest(one.vector, one.offer_ids)])[0] for one in lists]
    decided = [engine.settle(one, found, now_s) for one, found in zip(lists, scores, strict=True)]
    both = list(zip(requests, decided, strict=True))
    responses = [bidder._response(*one, now_s) for one in both]  # noqa: SLF001 - a step by itself
    responses = [one for one in responses if one is not None]
    events = [of_auction(request, found, now_s) for request, found in both]
    gc.freeze()
    chosen = list(zip(lists, scores, strict=True))
    scored_us = best_us(engine.provider.score_batch, batches) / _BATCH * len(asked) / len(facts)
    encoded_us = best_us(JSON.encode, responses) * len(responses) / len(requests)
    steps: list[tuple[str, float]] = [
        ("HTTP: parse a request, write an answer", best_us(connection.data_received, list(map(posted, bodies)))),
        ("JSON to typed objects, checked by the rules", best_us(decode_request, [body.data for body in bodies])),
        ("the facts of it: formats, floors, privacy", best_us(lambda one: request_facts(one, 0), requests)),
        ("who may bid: index, caps, budgets, pacing", best_us(lambda one: engine.shortlist(one, NOBODY, now_s), facts)),
        (f"scores ({BACKEND}, a batch of 16)", scored_us),
        ("choice, price, place and money set aside", best_us(lambda one: engine.settle(*one, now_s), chosen)),
        ("response: markup, signed notices", best_us(lambda one: bidder._response(*one, now_s), both)),  # noqa: SLF001 - as above
        ("response to JSON", encoded_us),
        ("event", best_us(lambda one: of_auction(*one, now_s), both)),
        ("event to MessagePack", best_us(encode_event, events)),
    ]
    return steps


def main() -> None:
    """Print the table."""
    data = os.environ.get("EXTERNAL_DATA")
    if data is None:
        raise SystemExit("EXTERNAL_DATA names no folder with openrtb/: there are no real requests to take apart")
    found = stages(Path(data) / "openrtb")
    total = sum(taken_us for _, taken_us in found)
    for name, taken_us in found:
        print(f"{name:46} {taken_us:6.2f} us {taken_us / total:6.1%}")
    print(f"{'together':46} {total:6.2f} us")


if __name__ == "__main__":
    main()
