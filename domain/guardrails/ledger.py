"""What was moved on which account-zone day: entries added up. Pure; models/guardrails.py makes the same sums in SQL."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Entry:
    """What one adjustment took of a day. A restore counts as a change of its budget, and moves nothing new."""

    account_id: UUID
    budget_id: UUID
    adjustment_id: UUID
    day: date
    moved_micros: int
    automatic: bool
    restores: bool


@dataclass(frozen=True, slots=True)
class DayTotals:
    """One account-zone day: moved in the account, account micros, and how often the budget changed."""

    moved_micros: int = 0
    changes: int = 0
    automatic_changes: int = 0

    def __add__(self, other: "DayTotals") -> "DayTotals":
        """Both together."""
        return DayTotals(
            self.moved_micros + other.moved_micros,
            self.changes + other.changes,
            self.automatic_changes + other.automatic_changes,
        )


class Ledger:
    """Many entries, by account and day."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_day: defaultdict[tuple[UUID, date], dict[UUID, Entry]] = defaultdict(dict)
        for each in entries:
            self._by_day[each.account_id, each.day].setdefault(each.adjustment_id, each)

    def totals(self, account_id: UUID, budget_id: UUID, day: date, except_id: UUID | None = None) -> DayTotals:
        """What all adjustments but one did on a day."""
        there = [each for each in self._by_day.get((account_id, day), {}).values() if each.adjustment_id != except_id]
        mine = [each for each in there if each.budget_id == budget_id]
        return DayTotals(
            sum(each.moved_micros for each in there if not each.restores),
            len(mine),
            sum(each.automatic for each in mine),
        )
