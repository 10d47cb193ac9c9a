"""Polling a platform within its calls an hour: what one sync may ask for, and how far its figures reach. Pure."""

from datetime import date, datetime, timedelta
from typing import Final

from domain.quotas import Calls, Quota, per_window
from kit.time import day_start_utc, local_day

#: What polling may ask of one ad account in any hour, on every platform: the strictest figure among them.
CALLS_PER_HOUR: Final = 200
#: A budget apart from that of changes: a day full of changes never keeps the figures from coming in.
FETCHES: Final[Quota] = per_window(CALLS_PER_HOUR, 3_600)
#: Reserved for one sync; what it does not use is given back.
CALLS_PER_SYNC: Final = 50
ONE_SYNC: Final = Calls(reads=CALLS_PER_SYNC, writes=0)
#: The smallest page among the adapters: a call brings at least so many rows where there are as many.
ROWS_PER_CALL: Final = 500
#: Calls that pages do not explain: an account's facts, a report's status.
_SPARE_CALLS: Final = 10
#: The platforms' reports lag behind what happened.
REPORT_DELAY: Final = timedelta(minutes=5)


def last_day(since: date, until: date, campaigns: int, calls_left: int) -> date:
    """The last day to ask for, so that all campaigns' days since `since` fit into the calls left; one day at least.

    Args:
        since: first day asked for.
        until: last day wanted, not before `since`.
        campaigns: how many report a row a day.
        calls_left: of this sync's.
    """
    rows = max(calls_left - _SPARE_CALLS, 1) * ROWS_PER_CALL
    days = max(rows // max(campaigns, 1), 1)
    return min(until, since + timedelta(days=days - 1))


def figures_until_utc(fetched_until: date, looked_at_utc: datetime, time_zone: str) -> datetime:
    """Up to when figures are in: the end of the last day fetched, or the report's delay before the look."""
    end_of_day = day_start_utc(fetched_until + timedelta(days=1), time_zone)
    return min(end_of_day, looked_at_utc - REPORT_DELAY)


def reported_day(now_utc: datetime, time_zone: str) -> date:
    """The account-zone day that still grows in the platform's reports: yesterday's, for five minutes after midnight."""
    return local_day(now_utc - REPORT_DELAY, time_zone)
