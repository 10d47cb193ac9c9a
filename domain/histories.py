"""The history of budget changes: who decided, what moved, what came of it. Pure.

A change counts as executed only when it was read back from its platform. Days of changes are account-zone days, as
those of metrics are; days of charts about money moved are the workspace's.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import numpy as np

from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment, AdjustmentStatus
from domain.campaigns import Budget, Campaign
from domain.lift import Change, DayTable, Lift, last_mature_day, pooled
from domain.lift.changes import Touches
from domain.lift.values import Bools
from domain.log import Actor, ActorKind
from domain.metric_periods import Period, period
from domain.platforms import Platform
from domain.recommendations import Recommendation
from domain.workspaces import Workspace
from kit.time import day_start_utc, local_day

USUAL_DAYS: Final = 30
#: RB-S3 compares fourteen days with the fourteen before.
BLENDED_DAYS: Final = 14

EXECUTED: Final = frozenset({AdjustmentStatus.CONFIRMED, AdjustmentStatus.REVERTED})
#: How long a person's roll-back of an automatic change counts against it (RB-S5).
ROLL_BACK_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Adjustments approved from one moment up to, not at, another; of one platform, or of all."""

    since_utc: datetime
    until_utc: datetime
    platform: Platform | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An approved change, from the suggestion to the platform's confirmation.

    What it refers to is None where that is gone.
    """

    adjustment: Adjustment
    decided_by: Actor
    account: AdAccount
    recommendation: Recommendation | None
    campaign: Campaign | None
    budget: Budget | None
    reporting_currency: str

    @property
    def id(self) -> UUID:
        """The adjustment's: an adjustment has one entry."""
        return self.adjustment.id


def is_executed(adjustment: Adjustment) -> bool:
    """Whether the change was read back from the platform, whatever became of it later."""
    return adjustment.confirmed_at_utc is not None and adjustment.status in EXECUTED


def decided_by(adjustment: Adjustment, api_key_ids: frozenset[str]) -> Actor:
    """Who or what approved it: a person, an API key, or the automation that guardrails let pass."""
    id_ = adjustment.approved_by_id
    if id_ in api_key_ids:
        return Actor(ActorKind.API_KEY, id_)
    return Actor(ActorKind.SYSTEM if adjustment.auto_approved or not is_uuid(id_) else ActorKind.MEMBER, id_)


def is_uuid(text: str) -> bool:
    """Whether a decider's id is one of a person or a key; automation has names."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def asked_period(workspace: Workspace, since: date | None, until: date | None, now_utc: datetime) -> Period:
    """The workspace-zone days asked for; the last thirty, today included, where nobody says which.

    Raises:
        InvalidInput: only one end given, the ends the wrong way round, or over 366 days.
    """
    if since is None and until is None:
        today = local_day(now_utc, workspace.time_zone)
        return Period(today - timedelta(days=USUAL_DAYS - 1), today)
    return period(since, until)


def filter_of(workspace: Workspace, days: Period, platform: Platform | None) -> HistoryFilter:
    """The moments that a stretch of the workspace's days covers."""
    since, after = (day_start_utc(day, workspace.time_zone) for day in (days.since, days.until + timedelta(days=1)))
    return HistoryFilter(since, after, platform)


@dataclass(frozen=True, slots=True)
class ExecutedChange:
    """What was read back from a platform. Account micros, but for `delta_reporting_micros`."""

    id: UUID
    budget_id: UUID
    account_id: UUID
    before_micros: int
    intended_micros: int
    delta_reporting_micros: int
    auto_approved: bool
    created_at_utc: datetime
    confirmed_at_utc: datetime


# --- from adjustments to changes --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BudgetTouch:
    """Somebody or something changed a budget, or may have. Only what `executed` is a change of ours."""

    id: UUID
    budget_id: UUID
    account_id: UUID
    at_utc: datetime
    executed: bool


def changes(touched: Iterable[BudgetTouch], zones: Mapping[UUID, str]) -> list[Change]:
    """Our executed changes on their accounts' days. `zones`: by account id."""
    return [
        Change(each.id, each.budget_id, local_day(each.at_utc, zones[each.account_id]))
        for each in touched
        if each.executed
    ]


def touches(touched: Iterable[BudgetTouch], zones: Mapping[UUID, str]) -> Touches:
    """All days on which each budget changed, or may have, as often as it did."""
    days: dict[UUID, list[date]] = defaultdict(list)
    for each in touched:
        days[each.budget_id].append(local_day(each.at_utc, zones[each.account_id]))
    return days


def mature_until(zones: Iterable[str], now_utc: datetime) -> date:
    """The youngest day that is mature in every zone given; in UTC without any."""
    return last_mature_day(min((local_day(now_utc, zone) for zone in zones), default=now_utc.date()))


# --- what was moved ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpendMoved:
    """Daily budget moved on one workspace-zone day on one platform, reporting micros, both >= 0."""

    day: date
    platform: Platform
    changes: int
    increase_micros: int
    decrease_micros: int


def spend_moved(
    executed: Iterable[ExecutedChange], platforms: Mapping[UUID, Platform], zone_name: str
) -> list[SpendMoved]:
    """By day and platform, in that order; days without a change are left out. `platforms`: by account id."""
    found: dict[tuple[date, Platform], list[int]] = defaultdict(list)
    for change in executed:
        place = local_day(change.confirmed_at_utc, zone_name), platforms[change.account_id]
        found[place].append(change.delta_reporting_micros)
    order = list(Platform)
    return [
        SpendMoved(
            day=day,
            platform=platform,
            changes=len(deltas),
            increase_micros=sum(each for each in deltas if each > 0),
            decrease_micros=-sum(each for each in deltas if each < 0),
        )
        for (day, platform), deltas in sorted(found.items(), key=lambda item: (item[0][0], order.index(item[0][1])))
    ]


def rolled_back(executed: Iterable[ExecutedChange], approved: HistoryFilter) -> int:
    """How many automatic changes approved in a period a person put back within thirty days.

    To put back is to set, with an executed change that a person approved, exactly what stood there before.
    """
    found = list(executed)
    by_hand: dict[UUID, list[ExecutedChange]] = defaultdict(list)
    for each in found:
        if not each.auto_approved:
            by_hand[each.budget_id].append(each)
    limit = timedelta(days=ROLL_BACK_DAYS)
    return sum(
        any(
            timedelta(0) < later.confirmed_at_utc - each.confirmed_at_utc <= limit
            and later.intended_micros == each.before_micros
            for later in by_hand[each.budget_id]
        )
        for each in found
        if each.auto_approved and approved.since_utc <= each.created_at_utc < approved.until_utc
    )


@dataclass(frozen=True, slots=True)
class ApprovalCounts:
    """What became of the changes approved in a period; a change that restores another is one of its own.

    Attributes:
        approved, automatic: all, and those that guardrails let pass without a person.
        executed: read back from the platform. `failed`, `unknown`: not, or nobody knows; the rest is under way.
        rolled_back: automatic ones that a person had put back since (RB-S5 asks for none in 30 days).
    """

    approved: int
    automatic: int
    executed: int
    failed: int
    unknown: int
    rolled_back: int

    @property
    def automation_share(self) -> float | None:
        """0 to 1; None when nothing was approved."""
        return self.automatic / self.approved if self.approved else None


# --- what came of it --------------------------------------------------------------------------------------------------


class BlendedState(StrEnum):
    """Whether fourteen days can be compared with the fourteen before."""

    MEASURED = "MEASURED"
    NOT_MATURE = "NOT_MATURE"
    NO_CHANGE = "NO_CHANGE"


@dataclass(frozen=True, slots=True)
class RoasPair:
    """Blended revenue per unit spent before and after; None without spend or revenue. Not lift."""

    budgets: int
    before: float | None
    after: float | None

    @property
    def change_share(self) -> float | None:
        """After relative to before, less one."""
        if self.before is None or self.after is None or self.before == 0:
            return None
        return self.after / self.before - 1


@dataclass(frozen=True, slots=True)
class BlendedRoas:
    """Fourteen days from the period's first executed change on, against the fourteen before it (RB-S3).

    Attributes:
        before, after: the days compared, the change's own day left out; None without a change.
        everything: all budgets; `changed`: those with an executed change in the second fortnight or on its eve;
            `untouched`: those that nobody changed in either.
    """

    state: BlendedState
    before: Period | None = None
    after: Period | None = None
    everything: RoasPair | None = None
    changed: RoasPair | None = None
    untouched: RoasPair | None = None


@dataclass(frozen=True, slots=True)
class RoasDay:
    """One account-zone day: blended ROAS of the budgets changed in the period and of those that nobody changed.

    Both None while the day still waits for attributed revenue.
    """

    day: date
    mature: bool
    changed: float | None
    untouched: float | None


@dataclass(frozen=True, slots=True)
class Performance:
    """What came of a period's changes. `revenue` and `spend`: measured lift per change and day, reporting micros."""

    days: tuple[RoasDay, ...]
    blended: BlendedRoas
    revenue: Lift | None
    spend: Lift | None


def performance(table: DayTable, made: Sequence[Change], touched: Touches, days: Period, mature: date) -> Performance:
    """What came of the changes made in a period.

    Args:
        table: reaching four weeks before the period and two weeks beyond it, as far as days exist.
        made: executed changes on days of the period.
        touched: all changes of all budgets in the table's days.
        days: the period.
        mature: the youngest day whose revenue has arrived.
    """
    changed = _mask(table, {each.unit_id for each in made})
    whole = [unit_id for unit_id, at in touched.items() if any(day in days for day in at)]
    untouched = ~_mask(table, whole)
    return Performance(
        days=tuple(_roas_day(table, day, mature, changed, untouched) for day in _each(days)),
        blended=_blended(table, made, touched, mature),
        revenue=pooled(table, made, touched, mature, "revenue"),
        spend=pooled(table, made, touched, mature, "spend"),
    )


def _mask(table: DayTable, units: Iterable[UUID]) -> Bools:
    wanted = set(units)
    return np.array([each in wanted for each in table.unit_ids], dtype=bool)


def _each(days: Period) -> Iterable[date]:
    return (days.since + timedelta(days=offset) for offset in range(days.days))


def _roas_day(table: DayTable, day: date, mature: date, changed: Bools, untouched: Bools) -> RoasDay:
    if day > mature:
        return RoasDay(day, mature=False, changed=None, untouched=None)
    only = Period(day, day)
    return RoasDay(day, mature=True, changed=table.roas(changed, only), untouched=table.roas(untouched, only))


def _blended(table: DayTable, made: Sequence[Change], touched: Touches, mature: date) -> BlendedRoas:
    if not made:
        return BlendedRoas(BlendedState.NO_CHANGE)
    first = min(each.day for each in made)
    length = timedelta(days=BLENDED_DAYS)
    before, after = Period(first - length, first - timedelta(days=1)), Period(first + timedelta(days=1), first + length)
    if after.until > mature:
        return BlendedRoas(BlendedState.NOT_MATURE, before, after)
    changed = _mask(table, {each.unit_id for each in made if each.day <= after.until})
    whole = Period(before.since, after.until)
    untouched = ~_mask(table, [unit_id for unit_id, at in touched.items() if any(day in whole for day in at)])

    def pair(units: Bools) -> RoasPair:
        return RoasPair(int(units.sum()), table.roas(units, before), table.roas(units, after))

    everything = np.ones(len(table.unit_ids), dtype=bool)
    return BlendedRoas(BlendedState.MEASURED, before, after, pair(everything), pair(changed), pair(untouched))
