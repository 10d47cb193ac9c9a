"""How large a share of its chances a campaign takes, so that its day's budget lasts the day.

A smooth throttle after D. Agarwal et al., "Budget Pacing for Targeted Online Advertisements at LinkedIn" (KDD 2014):
a campaign's participation rate moves by a tenth at a time toward the planned spend, and never in one step to nothing.
Pure; must not read a clock.
"""

from typing import Final
from zlib import crc32

#: A rate never falls below it, so that a throttled campaign still learns what its chances cost.
LEAST_RATE: Final = 0.01
_STEP: Final = 0.1
_DAY_S: Final = 86_400
_DRAWS: Final = 1 << 32


def planned_micros(budget_micros: int, second_of_day: float) -> int:
    """What should be spent by this second of the day, in [0, 86400], when spending is even over the day."""
    return int(budget_micros * min(max(second_of_day, 0.0), _DAY_S) / _DAY_S)


def next_rate(rate: float, spent_micros: int, planned: int) -> float:
    """The rate of the next interval: a tenth lower where more was spent than planned, a tenth higher where less.

    Args:
        rate: the share of chances taken until now, in [LEAST_RATE, 1].
        spent_micros: spent today, with what open bids may still cost.
        planned: `planned_micros` of now.
    """
    factor = 1 - _STEP if spent_micros > planned else 1 + _STEP
    return min(1.0, max(LEAST_RATE, rate * factor))


def takes_part(rate: float, request_id: str, campaign_number: int) -> bool:
    """Whether a campaign takes this chance: always the same answer for one request, `rate` of all in the mean."""
    return rate >= 1.0 or crc32(request_id.encode(), campaign_number) < rate * _DRAWS


def affordable(price_cpm_micros: int, spent_micros: int, reserved_micros: int, budget_micros: int) -> bool:
    """Whether one impression at this price still fits into what is neither spent nor promised to open bids."""
    return spent_micros + reserved_micros + impression_micros(price_cpm_micros) <= budget_micros


def impression_micros(price_cpm_micros: int) -> int:
    """What one impression costs at a price per thousand; rounded up."""
    return -(-price_cpm_micros // 1_000)
