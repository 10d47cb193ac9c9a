"""The judge of the fault suite: compares what the platforms did with what our records say. Pure; must not repair.

What the platforms did is the sandbox's effect ledger, which knows nothing of us. A *doubled* effect is an unintended
change of value: setting what already stands there harms nobody.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from domain.adjustments import SETTLED, Adjustment, AdjustmentStatus
from domain.log import LogEvent

#: (platform, account, budget entity), all in the platform's own ids.
Place = tuple[str, str, str]

#: How soon a stray late write of a stale worker must be put right.
CORRECTED_WITHIN: Final = timedelta(seconds=60)


class Verdict(StrEnum):
    """What can be wrong."""

    LOST = "LOST"  # our records say it was done, the platform does not show it
    DOUBLED = "DOUBLED"  # one change moved the value twice
    UNINTENDED = "UNINTENDED"  # we set an amount that nobody approved
    OVERWROTE = "OVERWROTE"  # we moved a value that somebody else had set
    STALE = "STALE"  # an older change was written over a newer one, and not put right in time
    UNRECORDED = "UNRECORDED"  # our records say it failed, the platform shows it
    UNSETTLED = "UNSETTLED"  # still under way when everything should have come to rest
    MISLOGGED = "MISLOGGED"  # the log tells another story than the records


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of a ledger; amounts in account micros."""

    id: int
    at_utc: datetime
    place: Place
    before_micros: int
    after_micros: int
    by_api: bool

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Effect":
        """A row of GET /control/ledger."""
        return cls(
            id=row["id"],
            at_utc=datetime.fromisoformat(row["at"]),
            place=(row["platform"], row["account"], row["entity"]),
            before_micros=row["before_micros"],
            after_micros=row["after_micros"],
            by_api=row["source"] == "API",
        )


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not be; `text` is for a person."""

    verdict: Verdict
    place: Place
    text: str


def check(
    effects: Iterable[Effect],
    changes: Iterable[tuple[Place, Adjustment]],
    events: Sequence[LogEvent],
    *,
    corrected_within: timedelta = CORRECTED_WITHIN,
) -> list[Violation]:
    """Everything that is wrong once the system has come to rest.

    Args:
        effects: the whole ledger, in any order.
        changes: every adjustment with the budget it is about.
        events: the tenant's whole log, oldest first; empty to leave the log alone.
        corrected_within: how soon a stray write must be put right.
    """
    by_place: dict[Place, _Budget] = defaultdict(lambda: _Budget(corrected_within))
    for place, change in sorted(changes, key=lambda each: each[1].id):
        by_place[place].changes.append(change)
    for effect in sorted(effects, key=lambda each: each.id):
        by_place[effect.place].see(effect)
    found = [
        Violation(verdict, place, text) for place, each in sorted(by_place.items()) for verdict, text in each.judge()
    ]
    if events:
        log = _by_subject(events)
        for place, each in sorted(by_place.items()):
            for change in each.changes:
                found += [Violation(Verdict.MISLOGGED, place, text) for text in _against_log(change, log[change.id])]
    return found


@dataclass(slots=True)
class _Budget:
    """One budget entity's story, told effect by effect."""

    corrected_within: timedelta
    changes: list[Adjustment] = field(default_factory=list)
    served: dict[UUID, Effect] = field(default_factory=dict)
    amounts: set[int] = field(default_factory=set)
    last: Effect | None = None
    newest: Adjustment | None = None
    stray: Effect | None = None
    wrong: list[tuple[Verdict, str]] = field(default_factory=list)

    def see(self, effect: Effect) -> None:
        self.amounts |= {effect.before_micros, effect.after_micros}
        if not effect.by_api:
            self.stray = None  # whoever edits after a stray write decides what stands
        elif effect.before_micros != effect.after_micros:
            self._moved(effect)
        elif all(change.intended_micros != effect.after_micros for change in self.changes):
            self._blame(Verdict.UNINTENDED, effect, "nobody approved this amount")
        self.last = effect

    def _moved(self, effect: Effect) -> None:
        wanted = [change for change in self.changes if change.intended_micros == effect.after_micros]
        # Of two changes alike, one of which was given up, the other one made the effect.
        fresh = sorted(
            (c for c in wanted if c.id not in self.served and c.created_at_utc <= effect.at_utc),
            key=lambda each: (each.status is AdjustmentStatus.FAILED, each.id),
        )
        if not wanted:
            self._blame(Verdict.UNINTENDED, effect, "nobody approved this amount")
        elif fresh:
            expected = [change for change in fresh if change.before_micros == effect.before_micros]
            if not expected:
                self._blame(Verdict.OVERWROTE, effect, "the value it moved was not the one seen before")
            self.newest = (expected or fresh)[0]
            self.served[self.newest.id] = effect
        elif self.stray is not None and effect.after_micros == self.stray.before_micros:
            if effect.at_utc - self.stray.at_utc > self.corrected_within:
                self._blame(Verdict.STALE, self.stray, f"put right only at {effect.at_utc}")
            self.stray = None
        elif self.newest is not None and self.newest.intended_micros == effect.before_micros:
            self.stray = effect
        else:
            self._blame(Verdict.DOUBLED, effect, "this change had moved the value before")

    def judge(self) -> list[tuple[Verdict, str]]:
        if self.stray is not None:
            self._blame(Verdict.STALE, self.stray, "never put right")
        for change in self.changes:
            self._judge_one(change)
        standing = [c for c in self.changes if c.status is AdjustmentStatus.CONFIRMED and c.id in self.served]
        newest = max(standing, key=lambda each: self.served[each.id].id, default=None)
        if newest is not None and self.last is not None and self.last.by_api and self.stray is None:
            later = [
                c for c in self.changes if c.id in self.served and self.served[c.id].id > self.served[newest.id].id
            ]
            if not later and self.last.after_micros != newest.intended_micros:
                self.wrong.append((Verdict.LOST, f"{newest.id} is CONFIRMED but {self.last.after_micros} stands"))
        return self.wrong

    def _judge_one(self, change: Adjustment) -> None:
        status = change.status
        if status not in SETTLED:
            self.wrong.append((Verdict.UNSETTLED, f"{change.id} is {status.value}"))
        if status is AdjustmentStatus.FAILED and change.id in self.served:
            self.wrong.append((Verdict.UNRECORDED, f"{change.id} is FAILED but was applied"))
        done = change.confirmed_at_utc is not None and status in SETTLED - {AdjustmentStatus.FAILED}
        if done and change.id not in self.served and change.intended_micros not in self.amounts:
            self.wrong.append((Verdict.LOST, f"{change.id} is {status.value} but its amount never stood there"))

    def _blame(self, verdict: Verdict, effect: Effect, why: str) -> None:
        self.wrong.append((verdict, f"effect {effect.id}: {effect.before_micros} -> {effect.after_micros}: {why}"))


def _by_subject(events: Sequence[LogEvent]) -> dict[UUID, list[LogEvent]]:
    found: dict[UUID, list[LogEvent]] = defaultdict(list)
    for event in events:
        if event.entry.subject_type == "adjustment":
            found[event.entry.subject_id].append(event)
    return found


def _against_log(change: Adjustment, events: Sequence[LogEvent]) -> list[str]:
    """A stale worker's write would show here: a version twice, a jump, or an end that is not the record's."""
    versions = [event.entry.subject_version for event in events]
    wrong = []
    if versions != list(range(1, change.version + 1)):
        wrong.append(f"{change.id} has version {change.version}, its events have {versions}")
    last = events[-1].after if events else None
    if last is not None and last["status"] != change.status.value:
        wrong.append(f"{change.id} is {change.status.value}, its last event says {last['status']}")
    kinds = [event.entry.kind for event in events]
    confirmed, reopened = kinds.count("adjustment.confirmed"), kinds.count("adjustment.strayed")
    ends_confirmed = change.status in {AdjustmentStatus.CONFIRMED, AdjustmentStatus.REVERTED}
    if confirmed > reopened + 1 or (ends_confirmed and confirmed != reopened + 1):
        wrong.append(f"{change.id} was confirmed {confirmed} times and reopened {reopened} times")
    return wrong
