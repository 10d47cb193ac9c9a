"""The dashboard's figures as clients see them. No logic."""

from typing import Self

import strawberry

from domain.overviews import BudgetImpact as ImpactValue
from domain.overviews import OutcomeCounts as CountsValue
from domain.overviews import Overview as Value
from domain.overviews import ProposedAction
from domain.overviews import ProposerOverview as ProposerValue
from schema.base import Money
from schema.enums import describe_enum

describe_enum(
    ProposedAction,
    "What would be done to a campaign or its budget.",
    {
        ProposedAction.INCREASE: "Its daily budget would go up.",
        ProposedAction.DECREASE: "Its daily budget would go down.",
        ProposedAction.PAUSE: "It would be paused.",
        ProposedAction.RESUME: "It would be set running again.",
    },
)


@strawberry.type(description="How many changes were proposed in the period, and what became of them so far.")
class OutcomeCounts:
    """Counts."""

    total: int = strawberry.field(description="All that were proposed.")
    executed: int = strawberry.field(description="Read back from the platform.")
    pending: int = strawberry.field(description="Waiting for a decision, or on their way.")
    rejected: int = strawberry.field(description="Rejected by a person.")
    not_done: int = strawberry.field(description="Expired, replaced, stale, failed, or their outcome is unknown.")
    execution_share: float | None = strawberry.field(description="Executed of all, 0 to 1; null without any.")

    @classmethod
    def of(cls, value: CountsValue) -> Self:
        """The clients' view of a value."""
        return cls(
            total=value.total,
            executed=value.executed,
            pending=value.pending,
            rejected=value.rejected,
            not_done=value.not_done,
            execution_share=value.execution_share,
        )


@strawberry.type(description="Daily budget moved by changes read back in the period. Reporting currency.")
class BudgetImpact:
    """Money moved."""

    increase: Money = strawberry.field(description="Added to daily budgets, together.")
    decrease: Money = strawberry.field(description="Taken from daily budgets, together; not negative.")
    net: Money = strawberry.field(description="Added less taken.")

    @classmethod
    def of(cls, value: ImpactValue, currency_code: str) -> Self:
        """The clients' view of a value."""
        return cls(
            increase=Money.of(value.increase_micros, currency_code),
            decrease=Money.of(value.decrease_micros, currency_code),
            net=Money.of(value.net_micros, currency_code),
        )


@strawberry.type(description="What would be done, and what became of the proposals to do it.")
class ActionCounts:
    """An action's counts."""

    action: ProposedAction = strawberry.field(description="What.")
    counts: OutcomeCounts = strawberry.field(description="How many.")


@strawberry.type(description="One proposer's part in the period; pauses are people's and in none.")
class ProposerOverview:
    """A proposer's figures."""

    proposer: str = strawberry.field(description="Its name, such as rebalancer.")
    counts: OutcomeCounts = strawberry.field(description="What it proposed, and what became of it.")
    impact: BudgetImpact = strawberry.field(description="What its executed changes moved.")
    attempts: int = strawberry.field(description="How often its executed changes were taken up to be sent.")
    median_seconds_to_confirm: int | None = strawberry.field(
        description="From approval to read back, median over its executed changes, rounded; null without any."
    )

    @classmethod
    def of(cls, value: ProposerValue, currency_code: str) -> Self:
        """The clients' view of a value."""
        return cls(
            proposer=value.proposer,
            counts=OutcomeCounts.of(value.counts),
            impact=BudgetImpact.of(value.impact, currency_code),
            attempts=value.attempts,
            median_seconds_to_confirm=value.median_seconds_to_confirm,
        )


@strawberry.type(description="The dashboard of a period: proposals on the day they were made, money when it moved.")
class Overview:
    """The dashboard."""

    counts: OutcomeCounts = strawberry.field(description="All proposals, pauses among them.")
    by_action: list[ActionCounts] = strawberry.field(description="For each of the four actions.")
    by_proposer: list[ProposerOverview] = strawberry.field(description="For each proposer of budgets, by name.")
    impact: BudgetImpact = strawberry.field(description="What executed changes moved.")
    spend_tracked: Money = strawberry.field(description="What all campaigns spent in the period.")
    revenue_tracked: Money = strawberry.field(description="What they brought back, as far as any source tells.")
    average_roas: float | None = strawberry.field(
        description="Revenue per unit spent, over days with known revenue; null without such spend."
    )

    @classmethod
    def of(cls, value: Value, currency_code: str) -> Self:
        """The clients' view of a value in reporting micros."""
        return cls(
            counts=OutcomeCounts.of(value.counts),
            by_action=[ActionCounts(action=action, counts=OutcomeCounts.of(each)) for action, each in value.by_action],
            by_proposer=[ProposerOverview.of(each, currency_code) for each in value.by_proposer],
            impact=BudgetImpact.of(value.impact, currency_code),
            spend_tracked=Money.of(value.spend_micros, currency_code),
            revenue_tracked=Money.of(value.revenue_micros, currency_code),
            average_roas=value.average_roas,
        )
