"""Who of those that fit may bid now: caps, pacing and budgets over sets of entries. Must not choose or price.

Sets first, campaigns one by one only where a set cannot tell: a user near a cap, a campaign that skips chances.
"""

from collections.abc import Iterator, Mapping, Sequence
from operator import mul
from typing import Final, final

from domain.bid_caps import Caps, History
from domain.bid_snapshot import Campaign
from hotpath.engine.budgets import Budgets
from hotpath.engine.candidates import Shelf, shelf_of
from hotpath.engine.entries import Entry
from hotpath.engine.facts import ImpressionFacts, NoBid
from hotpath.engine.spans import bits_of
from hotpath.engine.targeting import Lane, TargetingIndex, bits

_REASONS: Final = {reason: place for place, reason in enumerate(NoBid)}
#: How often the campaigns that a user has seen enough of are taken out of a set before all are asked one by one.
_ROUNDS: Final = 4
#: What may be bid in one lane.
Group = tuple[Shelf, Lane]


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

    def eligible(self, lanes: Sequence[Lane], asker: Asker) -> list[Group] | NoBid:
        """The dearest entries that caps, pacing and budget allow, or the reason that came nearest to a bid."""
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
                groups.append((shelf, lane))
                room -= len(shelf.entries)
                if not room:
                    break
        return groups or self._nearest(lanes, asker)

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
        for campaign, least in shelf.capped:
            times = seen(campaign.campaign_id)
            if times is not None and len(times) >= least and not self.is_uncapped(campaign, asker.user, asker.now_s):
                reached |= bits_of(self._index.of_campaign[campaign.campaign_id])
        return reached

    def _allowed(self, mask: int, asker: Asker, most: int) -> list[Entry]:
        """The first entries of a set whose campaigns may bid, asked one by one."""
        verdicts: dict[str, NoBid | None] = {}
        allowed: list[Entry] = []
        for number in bits(mask):
            entry = self._index.entries[number]
            name = entry.campaign.campaign_id
            if name not in verdicts:
                verdicts[name] = self._verdict(entry.campaign, asker)
            if verdicts[name] is None:
                allowed.append(entry)
                if len(allowed) == most:
                    break
        return allowed

    def _nearest(self, lanes: Sequence[Lane], asker: Asker) -> NoBid:
        """The reason that came nearest to a bid, where none of the lanes' entries may."""
        nearest = NoBid.TARGETING
        for lane in lanes:
            mask = lane.mask
            if not asker.user and mask & self._index.capped:
                # All of them at once: there may be thousands.
                mask, nearest = mask & ~self._index.capped, max(nearest, NoBid.CONSENT, key=_REASONS.__getitem__)
            for number in bits(mask):
                verdict = self._verdict(self._index.entries[number].campaign, asker)
                if verdict is not None and _REASONS[verdict] > _REASONS[nearest]:
                    nearest = verdict
                    if nearest is NoBid.BUDGET:
                        return nearest
        return nearest

    def _verdict(self, campaign: Campaign, asker: Asker) -> NoBid | None:
        if campaign.hourly_cap or campaign.daily_cap:
            if not asker.user:
                # A cap that cannot be kept is a reason not to bid.
                return NoBid.CONSENT
            seen = asker.history.get(campaign.campaign_id)
            if seen is not None and not self.is_uncapped(campaign, asker.user, asker.now_s):
                return NoBid.CAP
        if not self._budgets.takes_part(campaign.campaign_id, asker.request_id):
            return NoBid.PACING
        return None if self._budgets.affords(campaign.campaign_id, campaign.bid_cpm_micros) else NoBid.BUDGET

    def is_uncapped(self, campaign: Campaign, user: str, now_s: float) -> bool:
        """Whether the user may see one more impression of the campaign."""
        return not (campaign.hourly_cap or campaign.daily_cap) or self._caps.allows(
            user, campaign.campaign_id, now_s, hourly_cap=campaign.hourly_cap, daily_cap=campaign.daily_cap
        )


def offers_of(found: Sequence[tuple[ImpressionFacts, list[Group] | NoBid]]) -> tuple[str, ...]:
    """All offers of a request, each once."""
    if len(found) == 1:
        groups = found[0][1]
        if isinstance(groups, NoBid):
            return ()
        if len(groups) == 1:
            return groups[0][0].offer_ids
    shelves = [shelf for _, groups in found if not isinstance(groups, NoBid) for shelf, _ in groups]
    return tuple(dict.fromkeys(offer for shelf in shelves for offer in shelf.offer_ids))


def ranked(groups: Sequence[Group], scores: Mapping[str, float]) -> Iterator[tuple[Entry, Lane]]:
    """Entries by falling expected worth, equals in their order; the first is found without sorting the others.

    Without the loyalty multiplier, which is the same for all of one user's candidates.
    """
    find = scores.__getitem__
    if len(groups) == 1:
        shelf, lane = groups[0]
        worths = list(map(mul, map(find, shelf.offers), shelf.bids_micros))
        first = worths.index(max(worths))
        entries = shelf.entries
        yield entries[first], lane
        rest = sorted(range(len(worths)), key=worths.__getitem__, reverse=True)
        for place in rest[1:]:
            yield entries[place], lane
        return
    pairs = [(entry, lane) for shelf, lane in groups for entry in shelf.entries]
    worths = [find(entry.offer.offer_id) * entry.campaign.bid_cpm_micros for entry, _ in pairs]
    for place in sorted(range(len(pairs)), key=worths.__getitem__, reverse=True):
        yield pairs[place]
