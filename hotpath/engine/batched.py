"""Decisions whose scores come from a batch: requests of one tick of the loop are scored in one call.

A request that others of its batch have taken something from (a cap's place, the rest of a budget) is decided anew, by
itself, so that every answer is the one that it would have got alone. Must not parse, or know who asked.
"""

from collections.abc import Callable, Sequence
from typing import Final, final

from domain.bid_people import Profile
from hotpath.engine.decisions import Decisions, Shortlist
from hotpath.engine.engine import Engine
from hotpath.engine.request_facts import RequestFacts
from hotpath.inference.batcher import MOST_ITEMS, BatchAnswer, InferenceBatcher, Scheduler, Scores
from hotpath.inference.provider import CoLaNetProvider
from hotpath.inference.requests import InferenceRequest

Decided = Callable[[Decisions | Exception], None]
_MOST: Final = MOST_ITEMS


class BatchedDecisions:
    """One engine's decisions, in batches on one loop."""

    def __init__(self, engine: Engine, loop: Scheduler) -> None:
        """Nothing waits yet."""
        self._engine = engine
        self._loop = loop
        self._take(engine.provider)

    def decide(self, request: RequestFacts, profile: Profile, now_s: float, decided: Decided) -> None:
        """Have a request decided: `decided` is told what `Engine.decide` would have returned, or why it failed.

        Args:
            request: the facts.
            profile: of the request's user; not looked at where the request's privacy forbids it.
            now_s: seconds since 1970; never before an earlier call's.
            decided: called once; within this call only when nothing fits, or the batch is full.
        """
        engine = self._engine
        if engine.provider is not self._provider:
            # A swap: what waits goes to the backend that knows its offers, what comes now to the new one.
            self._take(engine.provider)
        shortlist = engine.shortlist(request, profile, now_s)
        if not shortlist.reach:
            decided(engine.settle(shortlist, (), now_s))
            return

        asked = _Asked(self, shortlist, profile, now_s, decided)
        self._batcher.submit(InferenceRequest(shortlist.vector, shortlist.offer_ids), asked.scored)

    def settled(self, shortlist: Shortlist, profile: Profile, scores: Scores, now_s: float) -> Decisions | Exception:
        """The decisions by these scores, or by new ones where others have taken what the shortlist counted on."""
        try:
            if self._engine.holds(shortlist):
                return self._engine.settle(shortlist, scores, now_s)
            return self._engine.decide(shortlist.request, profile, now_s)
        except Exception as error:  # noqa: BLE001 - one request's fault must not reach the others of its batch
            return error

    def _take(self, provider: CoLaNetProvider) -> None:
        def backend(requests: Sequence[InferenceRequest], answer: BatchAnswer) -> None:
            answer(provider.score_batch(requests))

        self._provider = provider
        self._batcher = InferenceBatcher(self._loop, backend, most_items=min(_MOST, provider.max_batch_size))


@final
class _Asked:
    """One request that waits for its scores."""

    __slots__ = ("decided", "decisions", "now_s", "profile", "shortlist")

    def __init__(
        self, decisions: BatchedDecisions, shortlist: Shortlist, profile: Profile, now_s: float, decided: Decided
    ) -> None:
        """Nobody is told yet."""
        self.decisions = decisions
        self.shortlist = shortlist
        self.profile = profile
        self.now_s = now_s
        self.decided = decided

    def scored(self, scores: Scores | Exception) -> None:
        """They have come."""
        if isinstance(scores, Exception):
            self.decided(scores)
        else:
            self.decided(self.decisions.settled(self.shortlist, self.profile, scores, self.now_s))
