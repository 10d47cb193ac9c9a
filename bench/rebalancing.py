"""How fast and how good the rebalancer is, in a synthetic world whose true curves are known.

Run `python -m bench.rebalancing`. It prints the time of one plan for 20 and 200 budgets with 90 days each, and the true
revenue of a month of daily plans beside 'no change', 'equal split' and the best split that only the world itself knows.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np

from domain.metrics import DailyMetric
from domain.platforms import Platform
from domain.rebalancing import BudgetCandidate, PiecewiseLinearCurves, RebalanceSettings, allocate, propose_plan
from domain.rebalancing.curves import Floats

_FIRST_DAY = date(2026, 1, 1)
_NOW_UTC = datetime(2026, 6, 1, 9, tzinfo=UTC)
_CENT_MICROS = 10_000
#: Worlds from here on; the default `min_confidence` was chosen on worlds 0 to 39, so those would flatter it.
_FIRST_SEED = 5_000
#: Share of a day's revenue known one, two, three days later, as attribution catches up.
_ARRIVED = (0.35, 0.65, 0.85)


@dataclass(slots=True)
class World:
    """n campaigns with hidden Hill curves whose slopes the fit does not share; money in currency units.

    A day's revenue follows the curve at that day's spend, the weekday, a slow drift of demand and a day's noise.
    """

    rng: np.random.Generator
    capacity: Floats
    half: Floats
    slope: Floats
    week: Floats
    budgets: Floats
    noise: float
    drift: Floats
    spend: list[Floats] = field(default_factory=list)
    earned: list[Floats] = field(default_factory=list)

    @classmethod
    def of(cls, count: int, seed: int, *, days: int = 60, noise: float = 0.3, typical_budget: float = 100.0) -> "World":
        """A world with `days` of history under its present budgets."""
        rng = np.random.default_rng(seed)
        budgets = np.round(typical_budget * np.exp(rng.normal(0.0, 0.7, count)), 2)
        half = budgets * np.exp(rng.normal(0.4, 0.7, count))
        slope = rng.uniform(0.75, 1.0, count)
        roas = np.exp(rng.normal(1.0, 0.35, count))
        capacity = roas * budgets * (half**slope + budgets**slope) / budgets**slope
        week = 1.0 + 0.15 * rng.standard_normal((count, 7)) * 0.5 + 0.1 * np.sin(np.arange(7))
        world = cls(rng, capacity, half, slope, week, budgets, noise, np.zeros(count))
        for _ in range(days):
            world.live_a_day()
        return world

    @classmethod
    def level(cls, count: int, seed: int, *, days: int = 60, noise: float = 0.3) -> "World":
        """A world in which every next unit earns the same everywhere, so that every move is a mistake."""
        rng = np.random.default_rng(seed)
        budgets = np.round(100.0 * np.exp(rng.normal(0.0, 0.7, count)), 2)
        half, one = budgets * 0.66, np.ones(count)
        world = cls(rng, 2.0 * (half + budgets), half, one, np.ones((count, 7)), budgets, noise, np.zeros(count))
        for _ in range(days):
            world.live_a_day()
        return world

    def revenue(self, spend: Floats) -> Floats:
        """True expected revenue a day, averaged over weekdays, drift and noise."""
        return np.asarray(self.capacity * spend**self.slope / (self.half**self.slope + spend**self.slope))

    @property
    def today(self) -> date:
        """The day after the last one lived."""
        return _FIRST_DAY + timedelta(days=len(self.spend))

    def live_a_day(self) -> None:
        """Spend the budgets once, with the platforms' uneven delivery, and earn."""
        count = self.budgets.size
        spend = self.budgets * np.clip(1.0 + 0.08 * self.rng.standard_normal(count), 0.6, 1.2)
        self.drift = 0.9 * self.drift + 0.03 * self.rng.standard_normal(count)
        chance = self.rng.gamma(1.0 / self.noise**2, self.noise**2, count)
        self.earned.append(self.revenue(spend) * self.week[:, self.today.weekday()] * np.exp(self.drift) * chance)
        self.spend.append(spend)

    def candidates(self) -> list[BudgetCandidate]:
        """What the rebalancer may see: young days still miss revenue."""
        return [self._candidate(position) for position in range(self.budgets.size)]

    def _candidate(self, position: int) -> BudgetCandidate:
        lived = len(self.spend)
        metrics = []
        for day in range(max(0, lived - 90), lived):
            arrived = _ARRIVED[lived - day - 1] if lived - day <= len(_ARRIVED) else 1.0
            spent, earned = self.spend[day][position], self.earned[day][position] * arrived
            when = _FIRST_DAY + timedelta(days=day)
            metrics.append(DailyMetric(when, 1_000, 50, 5.0, round(spent * 1e6), round(earned * 1e6)))
        return BudgetCandidate(
            budget_id=UUID(int=position + 1),
            campaign_id=UUID(int=position + 1_000_001),
            name=f"Campaign {position}",
            platform=list(Platform)[position % 3],
            currency_code="USD",
            rate_to_reporting=Decimal(1),
            daily_budget_micros=round(self.budgets[position] * 100) * _CENT_MICROS,
            metrics=metrics,
            today=self.today,
        )

    def rebalance(self, settings: RebalanceSettings) -> None:
        """Make one plan and apply all of it."""
        for proposal in propose_plan(self.candidates(), settings, _NOW_UTC).proposals:
            self.budgets[proposal.budget_id.int - 1] = proposal.proposed_micros / 1e6

    def best_split(self) -> Floats:
        """The split that earns most by the true curves, without any limit on change."""
        total = float(self.budgets.sum())
        amounts = np.geomspace(total * 1e-6, total, 2_000)
        points = []
        for position in range(self.budgets.size):
            grid = np.tile(amounts[:, None], (1, self.budgets.size))
            points.append((amounts.tolist(), self.revenue(grid)[:, position].tolist()))
        lower = np.full(self.budgets.size, float(amounts[0]))
        return allocate(PiecewiseLinearCurves(points), total, lower, np.full(self.budgets.size, total)).amounts


def _keep(_: World) -> None:
    """No change."""


def _equal(world: World) -> None:
    world.budgets = np.full(world.budgets.size, world.budgets.mean())


def _best(world: World) -> None:
    world.budgets = world.best_split()


def _rebalance(world: World) -> None:
    world.rebalance(RebalanceSettings())


def month_of(strategy: Callable[[World], None], seed: int, every_days: int) -> float:
    """True expected revenue a day at the end of 28 days in which a strategy acts every so many days."""
    world = World.of(20, seed)
    for day in range(28):
        if day % every_days == 0:
            strategy(world)
        world.live_a_day()
    return float(world.revenue(world.budgets).sum())


def _seeds(count: int) -> range:
    return range(_FIRST_SEED, _FIRST_SEED + count)


def _timings() -> None:
    print(f"{'budgets x 90 days':<28}{'median of 7, ms':>16}")
    for count in (20, 200):
        candidates = World.of(count, 1, days=90).candidates()
        times = []
        for _ in range(7):
            started = time.perf_counter()
            propose_plan(candidates, RebalanceSettings(), _NOW_UTC)
            times.append(time.perf_counter() - started)
        print(f"{count:<28}{1_000 * float(np.median(times)):>16.1f}")


def _uplifts(seeds: int = 10) -> None:
    print(f"\n{f'28 days, 20 budgets, {seeds} worlds':<36}{'revenue':>9}{'worst world':>13}")
    base = np.array([month_of(_keep, seed, 28) for seed in _seeds(seeds)])
    strategies = (
        ("no change", _keep, 28),
        ("equal split", _equal, 28),
        ("rebalancer, one plan", _rebalance, 28),
        ("rebalancer, a plan a week", _rebalance, 7),
        ("rebalancer, a plan a day", _rebalance, 1),
        ("best split by the true curves", _best, 28),
    )
    for name, strategy, every_days in strategies:
        change = np.array([month_of(strategy, seed, every_days) for seed in _seeds(seeds)]) / base - 1.0
        print(f"{name:<36}{change.mean():>+9.2%}{change.min():>+13.2%}")


def _false_alarms(seeds: int = 40) -> None:
    print(f"\n{f'nothing to gain, {seeds} worlds':<36}{'revenue':>9}{'with a plan':>13}")
    for confidence in (0.6, 0.7, 0.8):
        changes, plans = [], 0
        for seed in _seeds(seeds):
            world = World.level(15, seed)
            before, budgets = float(world.revenue(world.budgets).sum()), world.budgets.copy()
            world.rebalance(RebalanceSettings(min_confidence=confidence))
            plans += bool(np.any(world.budgets != budgets))
            changes.append(float(world.revenue(world.budgets).sum()) / before - 1.0)
        print(f"{f'one plan, min_confidence {confidence}':<36}{np.mean(changes):>+9.2%}{plans / seeds:>13.0%}")


if __name__ == "__main__":
    _timings()
    _uplifts()
    _false_alarms()
