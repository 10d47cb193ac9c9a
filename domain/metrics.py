"""Daily metrics as the rules see them. Money in micros of the currency named beside it; days are account-zone days."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class DailyMetric:
    """One campaign on one account-zone day.

    Attributes:
        spend_micros: spent, >= 0.
        revenue_micros: attributed revenue so far, >= 0; younger days still grow (attribution delay).
        conversions: attributed conversions, >= 0, may be fractional.
    """

    day: date
    impressions: int
    clicks: int
    conversions: float
    spend_micros: int
    revenue_micros: int
