"""What the rebalancer brings in the sandbox's world, beside a half of it that nobody touches (RB-S3).

Run `python -m bench.holdout`. Every campaign of the demo world gets a twin with the same hidden truth and luck of its
own; a coin per seed sends one of each pair into the rebalanced half and the other into the holdout. For fourteen
virtual days the rebalancer makes a plan each morning from what the platforms report by then, and all of it is applied
at noon, with the product's own rests after a change. Then these fourteen days, and the fourteen after them with the
budgets left where they are, are compared with the fourteen before, in each half; the difference of the two halves is
what is told. No server and no database: the world and the rebalancer are pure functions.
"""

import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np

from domain.cool_downs import rests_until
from domain.lift.student import critical
from domain.metrics import DailyMetric
from domain.platforms import Platform, limits
from domain.rebalancing import BudgetCandidate, RebalanceSettings, propose_plan
from kit.time import local_day
from sandbox.roster import demo_roster
from sandbox.world import (
    BudgetSpec,
    BudgetStep,
    CampaignSpec,
    first_day,
    initial_steps,
    report_day,
    true_daily_revenue_micros,
)

DAYS = 14
SEEDS = range(10)
_START = date(2026, 3, 2)
_LEVEL = 0.90
#: One unit of the account's currency in dollars.
_RATES = {"USD": Decimal(1), "EUR": Decimal("1.08")}
#: Everything that was ever attributed has arrived by then.
_MUCH_LATER = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass(slots=True)
class Half:
    """One half of the world and the history of its budgets. Money in reporting micros unless it is a budget's."""

    seed: int
    campaigns: tuple[CampaignSpec, ...]
    steps: dict[BudgetSpec, list[BudgetStep]] = field(default_factory=dict)
    rests: dict[BudgetSpec, date] = field(default_factory=dict)
    changes: int = 0

    def __post_init__(self) -> None:
        """Begin with the budgets' past."""
        for campaign in self.campaigns:
            self.steps[campaign.budget] = list(initial_steps(self.seed, campaign.budget, _START))

    def rebalance(self, day: date, max_change_share: float) -> None:
        """Make the day's plan at nine and apply all of it at noon, UTC."""
        now_utc = datetime.combine(day, time(9), tzinfo=UTC)
        budgets = list(self.steps)
        candidates = [self._candidate(budget, place, now_utc) for place, budget in enumerate(budgets)]
        settings = RebalanceSettings(max_change_share=max_change_share)
        for proposal in propose_plan(candidates, settings, now_utc).proposals:
            budget = budgets[proposal.budget_id.int - 1]
            changed_at = now_utc + timedelta(hours=3)
            self.steps[budget].append(BudgetStep(changed_at, proposal.proposed_micros))
            self.rests[budget] = rests_until(
                proposal.platform,
                proposal.current_micros,
                proposal.proposed_micros,
                local_day(changed_at, budget.account.time_zone),
            )
            self.changes += 1

    def _candidate(self, budget: BudgetSpec, place: int, now_utc: datetime) -> BudgetCandidate:
        account = budget.account
        today = local_day(now_utc, account.time_zone)
        served = [each for each in self.campaigns if each.budget == budget]
        platform = Platform(account.platform)
        return BudgetCandidate(
            budget_id=UUID(int=place + 1),
            campaign_id=UUID(int=place + 1_000),
            name=served[0].name,
            platform=platform,
            currency_code=account.currency_code,
            rate_to_reporting=_RATES[account.currency_code],
            daily_budget_micros=self.steps[budget][-1].daily_budget_micros,
            metrics=[row for each in served for row in self._metrics(each, today, now_utc)],
            today=today,
            frozen=today < self.rests.get(budget, date.min),
            frozen_reason="rests after its last change",
            min_daily_micros=limits(platform, account.currency_code).min_daily_micros,
            step_micros=limits(platform, account.currency_code).step_micros,
        )

    def _metrics(self, campaign: CampaignSpec, today: date, now_utc: datetime) -> list[DailyMetric]:
        since = max(first_day(campaign, _START), today - timedelta(days=90))
        found = []
        for offset in range((today - since).days):
            row = self._report(campaign, since + timedelta(days=offset), now_utc)
            if row is not None:
                found.append(row)
        return found

    def _report(self, campaign: CampaignSpec, day: date, now_utc: datetime) -> DailyMetric | None:
        steps = self.steps[campaign.budget]
        row = report_day(self.seed, campaign, day, steps=steps, start_day=_START, now_utc=now_utc)
        if row is None:
            return None
        return DailyMetric(day, row.impressions, row.clicks, row.conversions, row.spend_micros, row.revenue_micros)

    def roas(self, since: date) -> float:
        """Blended, over fourteen days from one on, all revenue arrived."""
        spend = revenue = 0.0
        for campaign in self.campaigns:
            rate = float(_RATES[campaign.budget.account.currency_code])
            for offset in range(DAYS):
                row = self._report(campaign, since + timedelta(days=offset), _MUCH_LATER)
                if row is not None:
                    spend += row.spend_micros * rate
                    revenue += row.revenue_micros * rate
        return revenue / spend

    def true_revenue(self) -> float:
        """Expected revenue of a mean day under the budgets as they stand, without luck."""
        return sum(
            true_daily_revenue_micros(
                each, round(self.steps[each.budget][-1].daily_budget_micros * each.budget_share * 0.97)
            )
            * float(_RATES[each.budget.account.currency_code])
            for each in self.campaigns
        )


def halves(seed: int) -> tuple[Half, Half]:
    """Two halves with one of each pair of twins."""
    rng = np.random.default_rng(seed)
    campaigns = demo_roster().campaigns
    twins = {budget: replace(budget, external_id=f"{budget.external_id}-twin") for budget in demo_roster().budgets}
    sides: dict[bool, list[CampaignSpec]] = defaultdict(list)
    coins = {budget: bool(rng.integers(2)) for budget in twins}
    for campaign in campaigns:
        twin = replace(campaign, external_id=f"{campaign.external_id}-twin", budget=twins[campaign.budget])
        heads = coins[campaign.budget]
        sides[heads].append(campaign)
        sides[not heads].append(twin)
    return Half(seed, tuple(sides[True])), Half(seed, tuple(sides[False]))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One seed's result; all as shares: after over before, less one.

    Attributes:
        rebalanced, holdout: change of blended ROAS of each half, the fourteen days against the fourteen before.
        difference: what the rebalanced half gained on the holdout; `later`: the same of the next fourteen days.
        expected: change of the rebalanced half's expected revenue a day, without luck, by the end.
        changes: budgets changed in all.
    """

    rebalanced: float
    holdout: float
    difference: float
    later: float
    expected: float
    changes: int


def run(seed: int, max_change_share: float = 0.30) -> Outcome:
    """Fourteen virtual days of one world."""
    moved, still = halves(seed)
    base = moved.true_revenue()
    for offset in range(DAYS):
        moved.rebalance(_START + timedelta(days=offset), max_change_share)
    length = timedelta(days=DAYS)
    before = [half.roas(_START - length) for half in (moved, still)]
    during, later = (
        [half.roas(since) / base_roas for half, base_roas in zip((moved, still), before, strict=True)]
        for since in (_START, _START + length)
    )
    return Outcome(
        rebalanced=during[0] - 1,
        holdout=during[1] - 1,
        difference=during[0] / during[1] - 1,
        later=later[0] / later[1] - 1,
        expected=moved.true_revenue() / base - 1,
        changes=moved.changes,
    )


def interval(values: list[float]) -> tuple[float, float, float]:
    """Mean and the ends of its 90 % t interval."""
    found = np.array(values)
    margin = critical(_LEVEL, found.size - 1) * float(found.std(ddof=1)) / found.size**0.5
    return float(found.mean()), float(found.mean()) - margin, float(found.mean()) + margin


def main() -> int:
    """Print each world and the mean over all."""
    print(f"{'seed':>4}{'changes':>9}{'rebalanced':>12}{'holdout':>10}{'difference':>12}{'14 days later':>15}")
    outcomes = []
    for seed in SEEDS:
        one = run(seed)
        outcomes.append(one)
        print(
            f"{seed:>4}{one.changes:>9}{one.rebalanced:>+12.2%}{one.holdout:>+10.2%}{one.difference:>+12.2%}"
            f"{one.later:>+15.2%}"
        )
    print()
    for name, values in (
        ("rebalanced half, 14 days on 14 (no lift)", [each.rebalanced for each in outcomes]),
        ("holdout, the same days (no lift)", [each.holdout for each in outcomes]),
        ("difference in blended ROAS", [each.difference for each in outcomes]),
        ("the same of the fortnight after", [each.later for each in outcomes]),
        ("expected revenue a day by the end", [each.expected for each in outcomes]),
    ):
        mean, low, high = interval(values)
        print(f"{name:<42}{mean:>+8.2%}   90 % interval {low:>+7.2%} to {high:>+7.2%}")
    mean = interval([each.difference for each in outcomes])[0]
    print(f"\nRB-S3 asks +12 % in 14 days: {'reached' if mean >= 0.12 else 'not reached'} ({mean:+.2%} on average)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
