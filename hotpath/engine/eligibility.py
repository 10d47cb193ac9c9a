"""Who of those that fit may bid now: caps, pacing and budgets over sets of entries. Must not choose or price.

Sets first, campaigns one by one only where a set cannot tell: a user near a cap, a campaign that skips chances.
"""

from collections.abc import Container, Sequence
from typing import Final, final

from domain.bid_caps import Caps, History
from hotpath.engine.budgets import Budgets
from hotpath.engine.candidates import Group, Lane, Shelf, shelf_of
from hotpath.engine.decisions import Choice
from hotpath.engine.entries import Entry
from hotpath.engine.facts import NoBid
from hotpath.engine.spans import bits_of
from hotpath.engine.targeting import TargetingIndex, bits

_REASONS: Final = {reason: place for place, reason in enumerate(NoBid)}
#: How often the campaigns that a user has seen enough of are taken out of a set before all are asked one by one.
_ROUNDS: Final = 4


@final
class Asker:
    """For whom, when, and for which of their campaigns a cap may have been reached."""

    __slots__ = ("history", "now_s", "request_id", "user")

    def __init__(self, request_id: str, user: str, now_s: float, history: History) -> None:
        """Hold these."""
        self.request_id = request_id
        self.user = user
        self.now_s = now_s
        self.history = history


class Eligibility:
    """One snapshot's entries against what is spent, shown and promised."""

    def __init__(self, index: TargetingIndex, budgets: Budgets, caps: Caps, most: int) -> None:
        """`most` entries are let through for an impression, the dearest."""
        self._index = index
        self._budgets = budgets
        self._caps = caps
        self._most = most

    def eligible(self, lanes: Sequence[Lane], asker: Asker) -> list[Group]:
        """The dearest entries that caps, pacing and budget allow; none where `nearest` is to say why."""
        index, budgets = self._index, self._budgets
        shut = budgets.broke if asker.user else budgets.broke | index.capped
        groups: list[Group] = []
        room = self._most
        for lane in lanes:
            left = lane.mask & ~shut
            if not left:
                continue
            shelf = self._uncapped_shelf(left, asker)
            if shelf is None or left & budgets.throttled:
                shelf = shelf_of(self._allowed(left, asker, room))
            elif len(shelf.entries) > room:
                shelf = shelf_of(shelf.entries[:room])
            if shelf.entries:
                groups.append(Group(shelf, lane))
                room -= len(shelf.entries)
                if not room:
                    break
        return groups

    def _uncapped_shelf(self, left: int, asker: Asker) -> Shelf | None:
        """The dearest entries of whose campaigns the user has reached no cap; None where too many must be left out."""
        for _ in range(_ROUNDS):
            shelf = self._index.shelf(left, self._most)
            reached = self._reached(shelf, asker)
            if not reached:
                return shelf
            left &= ~reached
        return None

    def _reached(self, shelf: Shelf, asker: Asker) -> int:
        """The entries of those campaigns on a shelf of which the user has reached a cap."""
        reached, seen = 0, asker.history.get
        for entry, least in shelf.capped:
            times = seen(entry.campaign_id)
            if times is not None and len(times) >= least and not self.is_uncapped(entry, asker.user, asker.now_s):
                reached |= bits_of(entry.span)
        return reached

    def _allowed(self, mask: int, asker: Asker, most: int) -> list[Entry]:
        """The first entries of a set whose campaigns may bid, asked one by one."""
        verdicts: dict[str, NoBid | None] = {}
        allowed: list[Entry] = []
        for number in bits(mask):
            entry = self._index.entries[number]
            name = entry.campaign_id
            if name not in verdicts:
                verdicts[name] = self._verdict(entry, asker)
            if verdicts[name] is None:
                allowed.append(entry)
                if len(allowed) == most:
                    break
        return allowed

    def nearest(self, lanes: Sequence[Lane], asker: Asker) -> NoBid:
        """The reason that came nearest to a bid, where none of the lanes' entries may."""
        nearest = NoBid.TARGETING
        for lane in lanes:
            mask = lane.mask
            if not asker.user and mask & self._index.capped:
                # All of them at once: there may be thousands.
                mask, nearest = mask & ~self._index.capped, max(nearest, NoBid.CONSENT, key=_REASONS.__getitem__)
            for number in bits(mask):
                verdict = self._verdict(self._index.entries[number], asker)
                if verdict is not None and _REASONS[verdict] > _REASONS[nearest]:
                    nearest = verdict
                    if nearest is NoBid.BUDGET:
                        return nearest
        return nearest

    def _verdict(self, entry: Entry, asker: Asker) -> NoBid | None:
        if entry.is_capped:
            if not asker.user:
                # A cap that cannot be kept is a reason not to bid.
                return NoBid.CONSENT
            seen = asker.history.get(entry.campaign_id)
            if seen is not None and not self.is_uncapped(entry, asker.user, asker.now_s):
                return NoBid.CAP
        if not self._budgets.takes_part(entry.campaign_id, asker.request_id):
            return NoBid.PACING
        return None if self._budgets.affords(entry.campaign_id, entry.bid_cpm_micros) else NoBid.BUDGET

    def is_uncapped(self, entry: Entry, user: str, now_s: float) -> bool:
        """Whether the user may see one more impression of the entry's campaign."""
        return not entry.is_capped or self._caps.allows(
            user, entry.campaign_id, now_s, hourly_cap=entry.hourly_cap, daily_cap=entry.daily_cap
        )


def offers_of(choices: Sequence[Choice]) -> tuple[str, ...]:
    """All offers of a request, each once; every group is told where its own stand among them."""
    if len(choices) == 1:
        groups = choices[0].groups
        if not groups:
            return ()
        if len(groups) == 1:
            return groups[0].shelf.offer_ids
    numbers: dict[str, int] = {}
    for choice in choices:
        for group in choice.groups:
            offer_ids = group.shelf.offer_ids
            for offer_id in offer_ids:
                numbers.setdefault(offer_id, len(numbers))
            group.places = tuple([numbers[offer_ids[place]] for place in group.shelf.places])
    return tuple(numbers)


def dearest(groups: Sequence[Group], scores: Sequence[float], tried: Container[int]) -> int:
    """The candidate of most expected worth, of equals the first; -1 where all were tried.

    Without the loyalty multiplier, which is the same for all of one user's candidates.

    Args:
        groups: whose entries, one group's behind the other's, are the candidates, counted from 0.
        scores: of all offers of the request.
        tried: candidates that are out of the question; empty in almost every call.
    """
    best, most, number = -1, -1.0, 0
    for group in groups:
        places, bids = group.places, group.shelf.bids_micros
        for at in range(len(places)):
            worth = scores[places[at]] * bids[at]
            if worth > most and number not in tried:
                best, most = number, worth
            number += 1
    return best


def candidate(groups: Sequence[Group], number: int) -> tuple[Entry, Lane, int]:
    """A candidate's entry and lane, and where its score stands; by `dearest`'s number."""
    for group in groups:
        entries = group.shelf.entries
        if number < len(entries):
            return entries[number], group.lane, group.places[number]
        number -= len(entries)
    raise IndexError(f"there is no candidate {number} further on")
