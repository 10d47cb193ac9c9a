"""What each campaign has spent today, what its open bids may still cost, and how large a share of chances it takes.

One process's books; other processes' spend comes with the snapshot. Must not read a clock or know of users.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from domain.bid_pacing import affordable, impression_micros, next_rate, planned_micros, takes_part
from domain.bid_snapshot import Campaign
from domain.open_bids import OpenBids
from hotpath.engine.spans import NO_ENTRIES, Span, bits_of, together

_DAY_S: Final = 86_400
#: Expired bids that one call lets go: thousands may end in one second, and no request is to wait for all of them.
_MOST_AT_ONCE: Final = 64
#: A power of two.
_COSTS: Final = 65_536
#: Odd, so that campaigns' numbers times this lie all over the table of costs.
_APART: Final = 40_503
#: How often a participation rate moves.
PACE_EVERY_S: Final = 60.0


class _Account:
    def __init__(self, budget_micros: int, spent_micros: int, number: int, bid_cost_micros: int) -> None:
        self.budget_micros = budget_micros
        self.spent_micros = spent_micros
        self.number = number
        self.bid_cost_micros = bid_cost_micros
        self.reserved_micros = 0
        self.rate = 1.0
        self.is_broke = False
        self.entries: Span = NO_ENTRIES


class _Held:
    """What bids of one campaign and one cost set aside. Not a tuple: compiled, each bid would get one of its own."""

    def __init__(self, campaign_id: str, cost_micros: int) -> None:
        self.campaign_id = campaign_id
        self.cost_micros = cost_micros


_NOTHING: Final = _Held("", 0)


class Budgets:
    """Accounts by campaign id. Times are seconds since 1970, UTC.

    `broke` and `throttled` are sets of bits, as the targeting index has them: the entries whose campaign cannot afford
    its own bid, and those whose campaign does not take every chance.
    """

    def __init__(self) -> None:
        """No campaign has an account."""
        self.broke = 0
        self.throttled = 0
        self._accounts: dict[str, _Account] = {}
        #: What open bids still hold of campaigns that the snapshot does not have; they may come back before those end.
        self._away: dict[str, int] = {}
        self._open: OpenBids[_Held] = OpenBids()
        self._day = -1
        self._paced_s = 0.0
        self._costs = [_NOTHING] * _COSTS
        self._recalled: dict[str, list[tuple[float, int]]] = {}

    def load(self, campaigns: Iterable[Campaign], compiled_s: float, now_s: float) -> None:
        """Take a new snapshot's campaigns: open bids and rates stay, and spend is the larger of both counts.

        A snapshot of an earlier day says nothing of today's spend.
        """
        self._roll(now_s)
        old, self._accounts = self._accounts, {}
        same_day = int(compiled_s // _DAY_S) == self._day
        for number, campaign in enumerate(campaigns):
            campaign_id, bid_cost_micros = campaign.campaign_id, impression_micros(campaign.bid_cpm_micros)
            known = campaign.spent_today_micros if same_day else 0
            known += self._unknown_to(campaign_id, compiled_s)
            # The one that is there goes on: nothing is bid meanwhile, and 10,000 new ones take twice as long.
            account = old.pop(campaign_id, None)
            if account is None:
                account = _Account(campaign.daily_budget_micros, known, number, bid_cost_micros)
                account.reserved_micros = self._away.pop(campaign_id, 0)
            else:
                account.budget_micros, account.number = campaign.daily_budget_micros, number
                account.spent_micros, account.bid_cost_micros = max(known, account.spent_micros), bid_cost_micros
            self._accounts[campaign_id] = account
        for campaign_id, account in old.items():
            if account.reserved_micros:
                self._away[campaign_id] = account.reserved_micros

    def mark(self, entries: Mapping[str, Span]) -> None:
        """Take which entries each campaign has; call it after each `load`."""
        self.broke = 0
        for campaign_id, account in self._accounts.items():
            account.entries, account.is_broke = entries.get(campaign_id, NO_ENTRIES), False
            self._weigh(account)
        self._note_throttled()

    def advance(self, now_s: float) -> None:
        """Let time pass: open bids expire, a new day starts at nothing spent, rates move once a minute."""
        if now_s >= self._open.next_s:
            for held, _, _ in self._open.over(now_s, _MOST_AT_ONCE):
                self._give_back(held)
        if now_s // _DAY_S != self._day:
            self._roll(now_s)
        if now_s - self._paced_s < PACE_EVERY_S:
            return
        self._paced_s = now_s
        for account in self._accounts.values():
            planned = planned_micros(account.budget_micros, now_s % _DAY_S)
            account.rate = next_rate(account.rate, account.spent_micros + account.reserved_micros, planned)
        self._note_throttled()

    def takes_part(self, campaign_id: str, request_id: str) -> bool:
        """Whether the throttle lets the campaign take this request."""
        account = self._accounts[campaign_id]
        return takes_part(account.rate, request_id, account.number)

    def affords(self, campaign_id: str, price_cpm_micros: int) -> bool:
        """Whether one more impression at this price fits the day's budget with all open bids won.

        A campaign that the last swap took away affords nothing.
        """
        account = self._accounts.get(campaign_id)
        return account is not None and affordable(
            price_cpm_micros, account.spent_micros, account.reserved_micros, account.budget_micros
        )

    def reserve(self, token: str, campaign_id: str, price_cpm_micros: int, *, expires_s: float) -> None:
        """Set an open bid's cost aside until it is charged, lost, or `expires_s`, never before an earlier call's."""
        cost = impression_micros(price_cpm_micros)
        account = self._accounts[campaign_id]
        account.reserved_micros += cost
        self._weigh(account)
        self._open.add(token, expires_s, self._held(account, campaign_id, cost))

    def _held(self, account: _Account, campaign_id: str, cost_micros: int) -> _Held:
        """One that was made already, if one is at hand: millions are open, and a campaign's have a few prices."""
        place = (account.number * _APART + cost_micros) & (_COSTS - 1)
        held = self._costs[place]
        if held.cost_micros != cost_micros or held.campaign_id != campaign_id:
            held = self._costs[place] = _Held(campaign_id, cost_micros)
        return held

    def charge(self, token: str, campaign_id: str, price_cpm_micros: int) -> None:
        """An impression was paid. Counts also after the bid expired; the caller counts each notice once."""
        self.release(token)
        account = self._accounts.get(campaign_id)
        if account is not None:
            account.spent_micros += impression_micros(price_cpm_micros)
            self._weigh(account)

    def recall(self, campaign_id: str, at_s: float, cost_micros: int) -> None:
        """What was charged before this process began; it counts on top of snapshots that are older than the charge."""
        self._recalled.setdefault(campaign_id, []).append((at_s, cost_micros))

    def _unknown_to(self, campaign_id: str, compiled_s: float) -> int:
        charges = self._recalled.get(campaign_id, ())
        return sum(cost for at_s, cost in charges if at_s > compiled_s and at_s // _DAY_S == self._day)

    def release(self, token: str) -> None:
        """An open bid was lost; an unknown or settled token changes nothing."""
        held, _, _ = self._open.take(token)
        if held is not None:
            self._give_back(held)

    def _give_back(self, held: _Held) -> None:
        account = self._accounts.get(held.campaign_id)
        if account is not None:
            account.reserved_micros -= held.cost_micros
            self._weigh(account)
            return
        left_micros = self._away.pop(held.campaign_id, 0) - held.cost_micros
        if left_micros > 0:
            self._away[held.campaign_id] = left_micros

    @property
    def open_bids(self) -> int:
        """Bids that were neither charged nor lost, and have not expired."""
        return len(self._open)

    def standing(self, campaign_id: str) -> tuple[int, int, float]:
        """Spent micros of today, reserved micros, and the participation rate."""
        account = self._accounts[campaign_id]
        return account.spent_micros, account.reserved_micros, account.rate

    def _roll(self, now_s: float) -> None:
        day = int(now_s // _DAY_S)
        if day != self._day:
            self._day = day
            for account in self._accounts.values():
                account.spent_micros = 0
                self._weigh(account)

    def _weigh(self, account: _Account) -> None:
        """Note whether an account still affords its campaign's own bid."""
        is_broke = account.spent_micros + account.reserved_micros + account.bid_cost_micros > account.budget_micros
        if is_broke != account.is_broke:
            account.is_broke = is_broke
            self.broke ^= bits_of(account.entries)

    def _note_throttled(self) -> None:
        self.throttled = together(account.entries for account in self._accounts.values() if account.rate < 1)
