"""What a proposer's fitted curve says of one budget: revenue a day over the budget, with its interval. Values only.

Amounts are micros of the account's currency, so that revenue over budget is ROAS.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What one daily budget is expected to bring.

    Attributes:
        budget_micros: a day, >= 0.
        low_micros, high_micros: 90 % interval of the expected revenue a day, not of one noisy day.
        expected_micros: the curve from which the plan was made.
    """

    budget_micros: int
    low_micros: int
    expected_micros: int
    high_micros: int


@dataclass(frozen=True, slots=True)
class ResponseCurve:
    """A fitted curve in points.

    Attributes:
        points: budgets ascending from 0, the present and the proposed one among them.
        seen_low_micros, seen_high_micros: least and most that was spent on a day the curve was fitted on; outside of
            them the curve's shape speaks, not this budget's own days.
        evidence: share, 0 to 1, of what is said about the shape that comes from this budget's own days; the rest is
            what its platform and all the others show.
    """

    points: tuple[CurvePoint, ...]
    seen_low_micros: int
    seen_high_micros: int
    evidence: float
