"""What automation rests on, gathered from stored days and changes. Pure; must not judge."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from domain.adjustments import Adjustment, AdjustmentStatus
from domain.campaigns import CampaignDay
from domain.cool_downs import SIGNIFICANT_SHARE, rests_until
from domain.guardrails.values import DATA_DAYS, Evidence
from domain.platforms import Platform
from kit.time import local_day

#: A change that never reached its platform left nothing to settle.
_NOTHING_HAPPENED = frozenset({AdjustmentStatus.PENDING, AdjustmentStatus.FAILED})


def evidence_of(
    platform: Platform,
    time_zone: str,
    now_utc: datetime,
    forecast: tuple[float, float],
    days: Iterable[CampaignDay],
    changes: Iterable[Adjustment],
) -> Evidence:
    """The evidence of one budget at a moment.

    Args:
        platform: where the budget is.
        time_zone: the account's.
        now_utc: the moment; days that are not over then are not looked at.
        forecast: what the proposer said: revenue per unit spent at the present budget, and its confidence.
        days: of all campaigns that the budget pays for, account-zone days.
        changes: of the budget, as far back as a cool-down may reach. One that seems to lie ahead was made before the
            clock jumped back, and counts.
    """
    today = local_day(now_utc, time_zone)
    complete = [day for day in days if day.day < today]
    lately = [day for day in complete if day.day >= today - timedelta(days=DATA_DAYS)]
    made = [
        (at, each)
        for each in changes
        if each.status not in _NOTHING_HAPPENED and (at := each.confirmed_at_utc or each.dispatched_at_utc) is not None
    ]
    return Evidence(
        now_utc=now_utc,
        time_zone=time_zone,
        roas=forecast[0],
        confidence=forecast[1],
        impressions=sum(day.impressions for day in lately),
        spend_micros=sum(day.spend_micros for day in lately),
        conversions=sum((day.conversions for day in lately), Decimal(0)),
        history_days=len({day.day for day in complete if day.spend_micros > 0}),
        changed_at_utc=max((at for at, _ in made), default=None),
        learns_until=max(_learning_ends(platform, time_zone, made), default=None),
    )


def _learning_ends(platform: Platform, time_zone: str, made: Iterable[tuple[datetime, Adjustment]]) -> list[date]:
    return [
        rests_until(platform, each.before_micros, each.intended_micros, local_day(at, time_zone))
        for at, each in made
        if abs(each.intended_micros - each.before_micros) > SIGNIFICANT_SHARE * each.before_micros
    ]
