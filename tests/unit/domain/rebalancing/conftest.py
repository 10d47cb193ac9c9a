"""Candidates built from plain numbers, for every test of the rebalancer."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.metrics import DailyMetric
from domain.platforms import Platform
from domain.rebalancing import BudgetCandidate

TODAY = date(2026, 3, 30)
#: Delivery a little above and below the budget, the same every eight days, so that nothing is random here.
_WOBBLE = (1.0, 0.94, 1.05, 0.98, 1.03, 0.95, 1.04, 0.97)


@pytest.fixture(scope="session")
def now_utc() -> datetime:
    return datetime(2026, 3, 30, 8, tzinfo=UTC)


def days_of(budget: float, roas: float, count: int, *, last_age: int = 1, elasticity: float = 0.6) -> list[DailyMetric]:
    """`count` days up to `last_age` days before TODAY, on a curve with the given ROAS at the budget."""
    k = elasticity / (1.0 - elasticity)
    rows = []
    for age in range(last_age, last_age + count):
        ratio = _WOBBLE[age % len(_WOBBLE)]
        revenue = budget * roas * ratio * (k + 1.0) / (k + ratio)
        day = TODAY - timedelta(days=age)
        rows.append(DailyMetric(day, 1_000, 50, 4.0, round(budget * ratio * 1e6), round(revenue * 1e6)))
    return rows


def build(number: int, budget: float = 100.0, roas: float = 2.0, days: int = 40, **changes: Any) -> BudgetCandidate:
    """A candidate with steady days behind it; keyword arguments replace its fields."""
    fields: dict[str, Any] = {
        "budget_id": UUID(int=number),
        "campaign_id": UUID(int=1_000 + number),
        "name": f"Campaign {number}",
        "platform": list(Platform)[number % 3],
        "currency_code": "USD",
        "rate_to_reporting": Decimal(1),
        "daily_budget_micros": round(budget * 100) * 10_000,
        "metrics": days_of(budget, roas, days),
        "today": TODAY,
    }
    return BudgetCandidate(**(fields | changes))


@pytest.fixture(scope="session")
def make() -> Callable[..., BudgetCandidate]:
    return build


@pytest.fixture(scope="session")
def make_days() -> Callable[..., Sequence[DailyMetric]]:
    return days_of
