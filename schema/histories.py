"""The history of budget changes and its measures as clients see them. No logic."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from domain import histories as rules
from domain.histories import BlendedState
from domain.lift import ChangeResult as ResultValue
from domain.lift import Lift as LiftValue
from domain.lift import LiftMethod, ResultState
from domain.metric_periods import Period as PeriodValue
from domain.review_times import ReviewStep as StepValue
from domain.review_times import ReviewTimes as TimesValue
from domain.workspaces import Workspace as WorkspaceValue
from kit.money import round_to_step, step_micros
from schema.actors import Actor
from schema.adjustments import Adjustment
from schema.base import DateTime, Money
from schema.context import Info
from schema.enums import describe_enum
from schema.nodes import view
from schema.overviews import Overview
from schema.platforms import Platform

if TYPE_CHECKING:
    from schema.campaigns import Campaign

HistorySince = Annotated[
    date | None, strawberry.argument(description="First day, in the workspace's zone; give until too. Else 30 days.")
]
HistoryUntil = Annotated[date | None, strawberry.argument(description="Last day, included; at most 366 days in all.")]

describe_enum(
    LiftMethod,
    "How lift was measured.",
    {
        LiftMethod.DIFFERENCE_IN_DIFFERENCES: "How much more it changed than budgets that nobody changed.",
        LiftMethod.SYNTHETIC_CONTROL: "Against a mix of untouched budgets that moved alike before; placebo interval.",
    },
)
describe_enum(
    ResultState,
    "Whether the effect of a change could be measured, or why not.",
    {
        ResultState.NOT_EXECUTED: "It was not read back from its platform, so there is nothing to measure.",
        ResultState.NOT_MATURE: "There is no full week after it yet whose revenue has arrived.",
        ResultState.CONFOUNDED: "The same budget changed again within a week, so the effects cannot be told apart.",
        ResultState.NO_DATA: "A day of the budget is missing, or no source gives its revenue.",
        ResultState.NO_COMPARISON: "Fewer than three budgets were left unchanged over the same days.",
        ResultState.MEASURED: "Measured.",
    },
)
describe_enum(
    BlendedState,
    "Whether fourteen days can be compared with the fourteen before.",
    {
        BlendedState.MEASURED: "They can.",
        BlendedState.NOT_MATURE: "The later fortnight still waits for days, or for their revenue.",
        BlendedState.NO_CHANGE: "No change was executed in the period, so there is nothing to compare around.",
    },
)


@strawberry.type(description="A stretch of days.")
class DayRange:
    """Days."""

    since: date = strawberry.field(description="First day.")
    until: date = strawberry.field(description="Last day, included.")

    @classmethod
    def of(cls, value: PeriodValue) -> Self:
        """The clients' view of a value."""
        return cls(since=value.since, until=value.until)


@strawberry.type(
    description="Revenue or spend a day that a change brought on top of what budgets without a change did. Measured "
    "against those, not against the days before; per change and day."
)
class Lift:
    """Lift."""

    method: LiftMethod = strawberry.field(description="How it was measured.")
    per_day: Money = strawberry.field(description="The effect a day of one changed budget; several: their mean.")
    per_day_low: Money = strawberry.field(description="Lower end of the 90 % interval.")
    per_day_high: Money = strawberry.field(description="Upper end of the 90 % interval.")
    total: Money = strawberry.field(description="Summed over the changes and the days after.")
    share: float | None = strawberry.field(description="The effect relative to what would have been without it.")
    share_low: float | None = strawberry.field(description="Lower end of the 90 % interval.")
    share_high: float | None = strawberry.field(description="Upper end of the 90 % interval.")
    p_value: float = strawberry.field(description="How often chance alone shows as much, 0 to 1.")
    changes: int = strawberry.field(description="How many changes it is measured on.")
    untouched_budgets: int = strawberry.field(description="How many unchanged budgets they were compared with.")
    days_before: int = strawberry.field(description="Days before the change; of several changes the fewest.")
    days_after: int = strawberry.field(description="Days after it; likewise.")

    @classmethod
    def of(cls, value: LiftValue, currency_code: str) -> Self:
        """The clients' view of a value in reporting micros."""

        def money(micros: float) -> Money:
            # An estimate to the smallest unit of the currency; more digits would feign what nobody knows.
            return Money.of(round_to_step(round(micros), step_micros(currency_code)), currency_code)

        def share(micros: float) -> float | None:
            return micros / value.counterfactual if value.counterfactual > 0 else None

        return cls(
            method=value.method,
            per_day=money(value.effect),
            per_day_low=money(value.low),
            per_day_high=money(value.high),
            total=money(value.total),
            share=value.share,
            share_low=share(value.low),
            share_high=share(value.high),
            p_value=value.p_value,
            changes=value.treated_units,
            untouched_budgets=value.untouched_units,
            days_before=value.before_days,
            days_after=value.after_days,
        )


@strawberry.type(
    description="What followed a change, on whole weeks of mature days on both sides; its own day counts on neither."
)
class ChangeResult:
    """A result."""

    state: ResultState = strawberry.field(description="Whether it could be measured, or why not.")
    before: DayRange | None = strawberry.field(description="The days before, in the account's zone; null until mature.")
    after: DayRange | None = strawberry.field(description="The days after, as many and of the same weekdays.")
    roas_before: float | None = strawberry.field(description="Of the changed budget before. The difference is no lift.")
    roas_after: float | None = strawberry.field(description="Of the changed budget after; null until mature.")
    revenue_lift: Lift | None = strawberry.field(description="Measured lift in revenue; null unless MEASURED.")

    @classmethod
    def of(cls, value: ResultValue, currency_code: str) -> Self:
        """The clients' view of a value in the reporting currency."""
        windows = value.windows
        return cls(
            state=value.state,
            before=None if windows is None else DayRange.of(windows.before),
            after=None if windows is None else DayRange.of(windows.after),
            roas_before=value.roas_before,
            roas_after=value.roas_after,
            revenue_lift=None if value.lift is None else Lift.of(value.lift, currency_code),
        )


@strawberry.type(description="An approved budget change from its suggestion to what came of it.")
class HistoryEntry:
    """An entry."""

    platform: Platform = strawberry.field(description="Where the budget is.")
    automatic: bool = strawberry.field(description="Whether guardrails let it pass without a person.")
    decided_by: Actor = strawberry.field(description="The person, API key or automation that approved it.")
    suggested_at: DateTime | None = strawberry.field(description="When it was suggested; null if that is gone.")
    suggested_budget: Money | None = strawberry.field(description="The daily budget suggested, before any edit.")
    approved_at: DateTime = strawberry.field(description="When it was approved.")
    dispatched_at: DateTime | None = strawberry.field(description="When a worker last took it up.")
    confirmed_at: DateTime | None = strawberry.field(description="When it was read back: from then on it counts.")
    approved_delta: Money = strawberry.field(
        description="What was approved to move a day, reporting currency; negative frees money."
    )
    executed_delta: Money | None = strawberry.field(description="The same once executed; null until then.")
    value: strawberry.Private[rules.HistoryEntry]

    @strawberry.field(description="The change itself.")
    def adjustment(self) -> Adjustment | None:
        """The adjustment."""
        return Adjustment.of(self.value.adjustment)

    @strawberry.field(description="The campaign whose budget changed.")
    def campaign(self) -> Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None:
        """The campaign."""
        found: Campaign | None = view(self.value.campaign)
        return found

    @strawberry.field(description="What came of it.")
    async def result(self, info: Info) -> ChangeResult | None:
        """The result."""
        found = await info.context.loaders.change_result(self.value.adjustment)
        return ChangeResult.of(found, self.value.reporting_currency)

    @classmethod
    def of(cls, value: rules.HistoryEntry) -> Self:
        """The clients' view of a value."""
        change, suggested = value.adjustment, value.recommendation
        delta = Money.of(change.delta_reporting_micros, value.reporting_currency)
        dispatched, confirmed = change.dispatched_at_utc, change.confirmed_at_utc
        return cls(
            platform=value.account.platform,
            automatic=change.auto_approved,
            decided_by=Actor(kind=value.decided_by.kind, reference=value.decided_by.id),
            suggested_at=None if suggested is None else DateTime(suggested.created_at_utc),
            suggested_budget=(
                None if suggested is None else Money.of(suggested.suggested_micros, suggested.currency_code)
            ),
            approved_at=DateTime(change.created_at_utc),
            dispatched_at=None if dispatched is None else DateTime(dispatched),
            confirmed_at=None if confirmed is None else DateTime(confirmed),
            approved_delta=delta,
            executed_delta=delta if rules.is_executed(change) else None,
            value=value,
        )


@strawberry.type(description="How many reviews took so long.")
class ReviewStep:
    """A step."""

    up_to_hours: int | None = strawberry.field(description="Business hours, more than the step before; null: longer.")
    count: int = strawberry.field(description="How many.")

    @classmethod
    def of(cls, value: StepValue) -> Self:
        """The clients' view of a value."""
        return cls(up_to_hours=value.up_to_hours, count=value.count)


@strawberry.type(
    description="How long people took for recommendations, in business hours: nine to five, Monday to Friday, in the "
    "workspace's zone."
)
class ReviewTimes:
    """Review times."""

    due: int = strawberry.field(description="Decided, closed undecided, or open for more than four business hours.")
    in_time: int = strawberry.field(description="Decided by a person within four business hours.")
    undecided: int = strawberry.field(description="Due, and decided by nobody.")
    waiting: int = strawberry.field(description="Open for less than that: neither in time nor late yet.")
    share_in_time: float | None = strawberry.field(description="0 to 1; null when nothing was due. 0.9 is the target.")
    median_seconds: int | None = strawberry.field(description="Business time of the decided ones; null without any.")
    steps: list[ReviewStep] = strawberry.field(description="The decided ones by business hours, at most five steps.")

    @classmethod
    def of(cls, value: TimesValue) -> Self:
        """The clients' view of a value."""
        return cls(
            due=value.due,
            in_time=value.in_time,
            undecided=value.undecided,
            waiting=value.waiting,
            share_in_time=value.share_in_time,
            median_seconds=value.median_seconds,
            steps=[ReviewStep.of(each) for each in value.steps],
        )


@strawberry.type(description="What became of the changes approved in a period.")
class ApprovalCounts:
    """Counts."""

    approved: int = strawberry.field(description="All of them.")
    automatic: int = strawberry.field(description="Those that guardrails let pass without a person.")
    automation_share: float | None = strawberry.field(description="Automatic among approved; null without any.")
    executed: int = strawberry.field(description="Read back from the platform.")
    failed: int = strawberry.field(description="Not applied.")
    unknown: int = strawberry.field(description="Nobody knows whether they were applied; a person decides.")
    rolled_back: int = strawberry.field(
        description="Automatic ones that a person put back within thirty days. None is the target."
    )

    @classmethod
    def of(cls, value: rules.ApprovalCounts) -> Self:
        """The clients' view of a value."""
        return cls(
            approved=value.approved,
            automatic=value.automatic,
            automation_share=value.automation_share,
            executed=value.executed,
            failed=value.failed,
            unknown=value.unknown,
            rolled_back=value.rolled_back,
        )


@strawberry.type(description="Daily budget moved on one day on one platform by executed changes. Reporting currency.")
class SpendMoved:
    """Money moved."""

    day: date = strawberry.field(description="In the workspace's zone.")
    platform: Platform = strawberry.field(description="Where.")
    changes: int = strawberry.field(description="How many changes.")
    increase: Money = strawberry.field(description="Added to daily budgets, together.")
    decrease: Money = strawberry.field(description="Taken from daily budgets, together; not negative.")

    @classmethod
    def of(cls, value: rules.SpendMoved, currency_code: str) -> Self:
        """The clients' view of a value."""
        return cls(
            day=value.day,
            platform=value.platform,
            changes=value.changes,
            increase=Money.of(value.increase_micros, currency_code),
            decrease=Money.of(value.decrease_micros, currency_code),
        )


@strawberry.type(description="Blended revenue per unit spent before and after. A comparison in time, not lift.")
class RoasPair:
    """Before and after."""

    budgets: int = strawberry.field(description="How many budgets.")
    roas_before: float | None = strawberry.field(description="Null without spend or revenue.")
    roas_after: float | None = strawberry.field(description="Null without spend or revenue.")
    change_share: float | None = strawberry.field(description="After relative to before, less one. Not lift.")

    @classmethod
    def of(cls, value: rules.RoasPair) -> Self:
        """The clients' view of a value."""
        return cls(
            budgets=value.budgets, roas_before=value.before, roas_after=value.after, change_share=value.change_share
        )


@strawberry.type(
    description="Fourteen days from the period's first executed change on, against the fourteen before it. Demand and "
    "season are in it: look at the untouched budgets beside, and at lift."
)
class BlendedRoas:
    """Blended ROAS."""

    state: BlendedState = strawberry.field(description="Whether it can be compared.")
    before: DayRange | None = strawberry.field(description="The days before the first change; null without one.")
    after: DayRange | None = strawberry.field(description="The days after it, its own day left out.")
    everything: RoasPair | None = strawberry.field(description="All budgets. Plus 12 % is the target.")
    changed: RoasPair | None = strawberry.field(description="Those with an executed change up to the last day.")
    untouched: RoasPair | None = strawberry.field(description="Those that nobody changed in either fortnight.")

    @classmethod
    def of(cls, value: rules.BlendedRoas) -> Self:
        """The clients' view of a value."""

        def pair(of: rules.RoasPair | None) -> RoasPair | None:
            return None if of is None else RoasPair.of(of)

        return cls(
            state=value.state,
            before=None if value.before is None else DayRange.of(value.before),
            after=None if value.after is None else DayRange.of(value.after),
            everything=pair(value.everything),
            changed=pair(value.changed),
            untouched=pair(value.untouched),
        )


@strawberry.type(description="Blended ROAS of one day in the accounts' zones, changed beside untouched budgets.")
class RoasDay:
    """A day."""

    day: date = strawberry.field(description="Which day.")
    mature: bool = strawberry.field(description="Whether its revenue has arrived; nothing is told before.")
    roas_changed: float | None = strawberry.field(description="Of the budgets changed in the period.")
    roas_untouched: float | None = strawberry.field(description="Of the budgets that nobody changed in it.")

    @classmethod
    def of(cls, value: rules.RoasDay) -> Self:
        """The clients' view of a value."""
        return cls(day=value.day, mature=value.mature, roas_changed=value.changed, roas_untouched=value.untouched)


@strawberry.type(description="What came of the changes executed in a period.")
class Performance:
    """Performance."""

    roas_by_day: list[RoasDay] = strawberry.field(description="One for each day of the period, at most 366.")
    blended_roas: BlendedRoas | None = strawberry.field(description="A fortnight against the one before.")
    revenue_lift: Lift | None = strawberry.field(
        description="In revenue, of all changes that can be measured; null without any."
    )
    spend_lift: Lift | None = strawberry.field(description="In spend, of the same changes: what the revenue cost.")

    @classmethod
    def of(cls, value: rules.Performance, currency_code: str) -> Self:
        """The clients' view of a value."""
        return cls(
            roas_by_day=[RoasDay.of(each) for each in value.days],
            blended_roas=BlendedRoas.of(value.blended),
            revenue_lift=None if value.revenue is None else Lift.of(value.revenue, currency_code),
            spend_lift=None if value.spend is None else Lift.of(value.spend, currency_code),
        )


@strawberry.type(description="Measures of a workspace over a period; each is computed only when asked for.")
class WorkspaceMeasures:
    """Measures."""

    since: date = strawberry.field(description="First day, in the workspace's zone.")
    until: date = strawberry.field(description="Last day, included.")
    workspace: strawberry.Private[WorkspaceValue]
    days: strawberry.Private[PeriodValue]

    @strawberry.field(description="How long reviews of the recommendations made in the period took.")
    async def review_times(self, info: Info) -> ReviewTimes | None:
        """Review times."""
        return ReviewTimes.of(await info.context.reads.review_times(self.workspace, self.days))

    @strawberry.field(description="What became of the changes approved in the period.")
    async def approvals(self, info: Info) -> ApprovalCounts | None:
        """Counts."""
        return ApprovalCounts.of(await info.context.reads.approval_counts(self.workspace, self.days))

    @strawberry.field(description="The dashboard: proposals and what became of them, money moved, revenue tracked.")
    async def overview(self, info: Info) -> Overview | None:
        """The dashboard."""
        found = await info.context.reads.overview(self.workspace, self.days)
        return Overview.of(found, self.workspace.reporting_currency)

    @strawberry.field(
        description="Money moved by day and platform, oldest first; at most one for each day and platform."
    )
    async def moved_by_day(self, info: Info) -> list[SpendMoved] | None:
        """Money moved."""
        found = await info.context.reads.spend_moved(self.workspace, self.days)
        return [SpendMoved.of(each, self.workspace.reporting_currency) for each in found]

    @strawberry.field(description="What came of the changes executed in the period.")
    async def performance(self, info: Info) -> Performance | None:
        """Performance."""
        found = await info.context.reads.performance(self.workspace, self.days)
        return Performance.of(found, self.workspace.reporting_currency)

    @classmethod
    def of(cls, workspace: WorkspaceValue, days: PeriodValue) -> Self:
        """The measures of a workspace over a period."""
        return cls(since=days.since, until=days.until, workspace=workspace, days=days)
