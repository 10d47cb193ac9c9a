"""The emergency stop of a workspace: what it cuts off, what it puts back, and when all is still (RO-10). Pure.

While one is in force nothing is approved and nothing leaves but what restores an earlier change. Every change that was
confirmed inside the window is put back through the same dispatch, with one restoring change for each budget, from the
stored values. What cannot be put back is left to a person and says why; somebody else's edit is never overwritten.

On request it pauses campaigns, too: those that pay from a budget that was changed in its reach, or all that run. To set
them running again is a person's act, after the stop was lifted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.adjustments import SETTLED, Adjustment, AdjustmentStatus
from domain.campaigns import Campaign
from domain.errors import InvalidInput, InvalidTransition
from domain.log import ActorKind
from domain.recommendations import MAX_REASON_CHARACTERS
from domain.status_changes import StatusChange

MAX_WINDOW_HOURS: Final = 168
#: A worker that lets so much time pass between its intent and its call asks once more whether there is a stop.
LOOK_AGAIN_AFTER: Final = timedelta(seconds=0.25)
#: Why a change that waited was not sent.
CUT_OFF_CODE: Final = "EMERGENCY_STOP"
UNKNOWN_NOTE: Final = "its outcome is unknown: look at the platform and decide"
#: Longer than a worker has a change in hand.
IN_HAND: Final = timedelta(minutes=10)
CUT_OFF_REASON: Final = "an emergency stop began before this change was sent"


class StopOutcome(StrEnum):
    """What a stop did with a change."""

    CUT_OFF = "CUT_OFF"
    RESTORING = "RESTORING"
    NEEDS_PERSON = "NEEDS_PERSON"


class StopPausing(StrEnum):
    """Which campaigns a stop pauses, from none to all."""

    NONE = "NONE"
    AFFECTED = "AFFECTED"
    ALL = "ALL"


_REACH: Final = tuple(StopPausing)


@dataclass(frozen=True, slots=True)
class StopItem:
    """One change that a stop met. `restoring_id`: the change that puts it back. `note`: why it needs a person."""

    adjustment_id: UUID
    outcome: StopOutcome
    restoring_id: UUID | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class EmergencyStop:
    """A stop of one workspace, in force until it is lifted.

    Attributes:
        window_hours: 0 to 168; what was confirmed so long before the start, or after it, is put back; with 0 nothing.
        items: what it did so far, in that order.
        still_at_utc: when nothing was on its way any more and all that could be put back was; None before.
        pausing: which campaigns it pauses.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    version: int
    reason: str
    window_hours: int
    started_by_kind: ActorKind
    started_by_id: str
    started_at_utc: datetime
    lifted_by_id: str | None
    lifted_at_utc: datetime | None
    still_at_utc: datetime | None
    items: tuple[StopItem, ...] = ()
    pausing: StopPausing = StopPausing.NONE

    @property
    def in_force(self) -> bool:
        """Whether it was not lifted yet."""
        return self.lifted_at_utc is None

    @property
    def since_utc(self) -> datetime:
        """Changes confirmed from then on are put back."""
        return self.started_at_utc - timedelta(hours=self.window_hours)


def check_window(window_hours: int) -> None:
    """Raise InvalidInput unless a window is 0 to 168 hours."""
    if not 0 <= window_hours <= MAX_WINDOW_HOURS:
        raise InvalidInput(f"a window has 0 to {MAX_WINDOW_HOURS} hours", path=("windowHours",))


def check_reason(reason: str) -> str:
    """The reason without outer blanks. Raises InvalidInput unless 1 to 500 characters are left."""
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON_CHARACTERS:
        raise InvalidInput(f"a reason has 1 to {MAX_REASON_CHARACTERS} characters", path=("reason",))
    return reason


def lifted(stop: EmergencyStop, actor_id: str, now_utc: datetime) -> EmergencyStop:
    """The stop after somebody lifted it. Raises InvalidTransition when it was lifted before."""
    if not stop.in_force:
        raise InvalidTransition("this emergency stop was lifted before", state="LIFTED")
    return replace(stop, lifted_by_id=actor_id, lifted_at_utc=now_utc, version=stop.version + 1)


def widened(stop: EmergencyStop, pausing: StopPausing) -> EmergencyStop | None:
    """The stop that is to pause more than it did; None where it does already. It goes on, even if all was still."""
    if _REACH.index(pausing) <= _REACH.index(stop.pausing):
        return None
    return replace(stop, pausing=pausing, still_at_utc=None, version=stop.version + 1)


def budgets_in_reach(pausing: StopPausing, changes: Iterable[Adjustment]) -> list[UUID] | None:
    """The budgets whose campaigns are to be paused; None for any.

    Args:
        pausing: which campaigns.
        changes: of the window, and all that is not settled.
    """
    if pausing is StopPausing.ALL:
        return None
    if pausing is StopPausing.NONE:
        return []
    return sorted({each.budget_id for each in changes if _affected(each)})


def _affected(change: Adjustment) -> bool:
    """Whether a change has touched its budget, or may have: what was never sent has not."""
    return not never_sent(change) and change.status is not AdjustmentStatus.FAILED


def left_to_pause(running: Iterable[Campaign], asked: Iterable[StatusChange]) -> list[Campaign]:
    """What still runs and the stop has not asked to pause; what it asked in vain is a person's.

    Args:
        running: campaigns in its reach that may spend, as they were read last.
        asked: the status changes of this stop.
    """
    known = {each.campaign_id for each in asked if each.pauses}
    return [each for each in running if each.id not in known]


def noted(stop: EmergencyStop, items: Sequence[StopItem]) -> EmergencyStop:
    """The stop after it did more; a change that it met before takes its newer outcome."""
    known = {item.adjustment_id: item for item in (*stop.items, *items)}
    return replace(stop, items=tuple(known.values()), version=stop.version + 1)


@dataclass(frozen=True, slots=True)
class NextSteps:
    """What a stop is to do now.

    Attributes:
        cut_off: changes that came to wait although it is in force; they were never sent.
        restore: confirmed changes to put back now, those that freed no money first; each with those under it on the
            same budget that the same stroke undoes, the newest first.
        noted: what to keep of changes that settled by themselves: cut off by their workers, or of unknown outcome.
        busy: something is on its way, or waits for what is: look again.
    """

    cut_off: tuple[Adjustment, ...]
    restore: tuple[tuple[Adjustment, ...], ...]
    noted: tuple[StopItem, ...]
    busy: bool


def next_steps(stop: EmergencyStop, changes: Iterable[Adjustment]) -> NextSteps:
    """What to do, given the workspace's changes of the window and all that is not settled.

    One stroke takes a budget back to what stood there before its oldest change, as far down as each change found what
    the one before had left; where somebody else's edit lies between, what is under it is left to a person. Increases
    come first, so that the money which a restored decrease takes is there.
    """
    known = {item.adjustment_id for item in stop.items}
    met = {item.adjustment_id for item in stop.items if item.outcome is not StopOutcome.CUT_OFF}
    by_budget: dict[UUID, list[Adjustment]] = {}
    for each in changes:
        by_budget.setdefault(each.budget_id, []).append(each)
    cut_off, restore, settled, busy = [], [], [], False
    for its in by_budget.values():
        cut_off += [each for each in its if never_sent(each)]
        settled += [item for each in its if each.id not in known and (item := _settled(stop, each)) is not None]
        if any(each.status not in SETTLED for each in its):
            busy = True
            continue
        standing = [each for each in its if _to_restore(stop, each)]
        standing.sort(key=lambda each: (each.confirmed_at_utc, each.id), reverse=True)
        if standing and standing[0].id not in met:
            restore.append(_stroke(standing))
    restore.sort(key=lambda its: (-sum(each.delta_reporting_micros for each in its), its[0].id))
    return NextSteps(tuple(cut_off), tuple(restore), tuple(settled), busy)


def _settled(stop: EmergencyStop, change: Adjustment) -> StopItem | None:
    """What there is to say of a change that came to rest without being confirmed."""
    if change.status is AdjustmentStatus.UNKNOWN:
        return StopItem(change.id, StopOutcome.NEEDS_PERSON, note=UNKNOWN_NOTE)
    taken_up = change.dispatched_at_utc
    lately = taken_up is not None and taken_up >= stop.started_at_utc - IN_HAND
    if change.status is AdjustmentStatus.FAILED and change.failure_code == CUT_OFF_CODE and lately:
        return StopItem(change.id, StopOutcome.CUT_OFF)
    return None


def never_sent(change: Adjustment) -> bool:
    """Whether a change waits, was never sent, and restores nothing: what a stop cuts off."""
    waits = change.status is AdjustmentStatus.PENDING and change.sent_at_utc is None
    return waits and change.restores_id is None


def needs_person(item: StopItem, restoring: Adjustment | None) -> str | None:
    """Why somebody has to look at a change that a stop met: also when what restores it did not go through."""
    if item.outcome is StopOutcome.NEEDS_PERSON:
        return item.note or UNKNOWN_NOTE
    if restoring is None or restoring.status not in {AdjustmentStatus.FAILED, AdjustmentStatus.UNKNOWN}:
        return None
    return restoring.failure_reason or UNKNOWN_NOTE


def _stroke(standing: Sequence[Adjustment]) -> tuple[Adjustment, ...]:
    """What one restoring change undoes of a budget's changes, the newest first."""
    stroke = [standing[0]]
    for each in standing[1:]:
        if each.intended_micros != stroke[-1].before_micros:
            break
        stroke.append(each)
    return tuple(stroke)


def _to_restore(stop: EmergencyStop, change: Adjustment) -> bool:
    return (
        stop.window_hours > 0
        and change.status is AdjustmentStatus.CONFIRMED
        and change.restores_id is None
        and change.confirmed_at_utc is not None
        and change.confirmed_at_utc >= stop.since_utc
    )
