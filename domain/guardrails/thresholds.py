"""Automation thresholds: what may run without a person. A person's approval passes all of them. Pure.

A restore skips cool-down, learning phase and the count of a day: what was put there by mistake need not settle first.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from math import isfinite

from domain.guardrails.settings import LEAST_HISTORY_DAYS, Settings, Thresholds
from domain.guardrails.values import DATA_DAYS, Change, ChangeKind, Evidence, Guardrail, Violation
from domain.guardrails.words import changes, money, percent, plain
from kit.time import iso_utc, local_day, zone


def check_thresholds(change: Change, evidence: Evidence, settings: Settings) -> tuple[Violation, ...]:
    """Every threshold that the change does not keep.

    Args:
        change: from the budget as it is now to the wanted one.
        evidence: what is known of the budget at `evidence.now_utc`.
        settings: as they hold for this budget and proposer (inheritance.effective), account micros.
    """
    return tuple(_found(change, evidence, settings))


def _found(change: Change, evidence: Evidence, settings: Settings) -> Iterator[Violation]:
    thresholds = settings.thresholds
    yield from _switches(evidence, settings)
    yield from _size(change, thresholds)
    yield from _data(change, evidence, thresholds)
    if change.kind is ChangeKind.CHANGE:
        yield from _rest(evidence, thresholds)
    yield from _hours(evidence, thresholds)


def _switches(evidence: Evidence, settings: Settings) -> Iterator[Violation]:
    paused = evidence.paused_by or ("a guardrail of this rule or campaign" if settings.automation_paused else None)
    if paused is not None:
        yield Violation(
            Guardrail.AUTOMATION_PAUSED,
            limit="automation paused",
            actual="an automatic change",
            passing="automation resumed",
            message=f"automation is paused by {paused}; a person can approve, or resume it",
        )


def _size(change: Change, thresholds: Thresholds) -> Iterator[Violation]:
    moved, code, now = abs(change.delta_micros), change.currency_code, change.current_micros
    share = thresholds.max_change_share
    if share is not None:
        most = _step_down(int((now * share).to_integral_value(ROUND_FLOOR)), change)
        if moved > now * share:
            actual = percent(Decimal(moved) / now) if now else "a first budget"
            over = percent(Decimal(moved) / now - share) if now else "more than any share of nothing"
            yield Violation(
                Guardrail.CHANGE_SHARE,
                limit=percent(share),
                actual=actual,
                passing=f"a change of {money(most, code)} or less",
                message=f"the change is {actual} of the budget, {over} above the {percent(share)} that runs alone; "
                f"a change of {money(most, code)} or less would",
                passing_micros=_moved(change, most),
            )
    caps = [(Guardrail.CHANGE_AMOUNT, "change", thresholds.max_change_micros)]
    if change.delta_micros > 0:
        caps.append((Guardrail.INCREASE_AMOUNT, "increase", thresholds.max_increase_micros))
    for guardrail, word, cap in caps:
        if cap is not None and moved > cap:
            most = _step_down(cap, change)
            yield Violation(
                guardrail,
                limit=money(cap, code),
                actual=money(moved, code),
                passing=f"{money(most, code)} or less",
                message=f"the {word} of {money(moved, code)} is {money(moved - cap, code)} above the "
                f"{money(cap, code)} that runs alone; {money(most, code)} or less would",
                passing_micros=_moved(change, most),
            )
    cap = thresholds.max_new_budget_micros
    # A cut asks nobody: it may leave a budget that is still above what may be set alone.
    if cap is not None and change.delta_micros > 0 and change.proposed_micros > cap:
        most = _step_down(cap, change)
        yield Violation(
            Guardrail.NEW_BUDGET,
            limit=money(cap, code),
            actual=money(change.proposed_micros, code),
            passing=f"{money(most, code)} or less",
            message=f"the new budget of {money(change.proposed_micros, code)} is "
            f"{money(change.proposed_micros - cap, code)} above the {money(cap, code)} up to which a rise runs alone",
            passing_micros=most if most > now else None,
        )


def _data(change: Change, evidence: Evidence, thresholds: Thresholds) -> Iterator[Violation]:
    code, rises = change.currency_code, change.delta_micros > 0
    roas = _number(evidence.roas)
    if rises and thresholds.min_roas is not None and not roas >= thresholds.min_roas:
        yield _too_little(
            Guardrail.ROAS, f"a ROAS of {plain(thresholds.min_roas)}", plain(roas.quantize(Decimal("0.01"))),
            plain((thresholds.min_roas - roas).quantize(Decimal("0.01"), "ROUND_CEILING")),
        )  # fmt: skip
    counted = f" in the last {DATA_DAYS} complete days"
    for guardrail, least, actual, word in (
        (Guardrail.IMPRESSIONS, thresholds.min_impressions, evidence.impressions, "impressions"),
        (Guardrail.CONVERSIONS, thresholds.min_conversions, evidence.conversions, "conversions"),
    ):
        if least is not None and actual < least:
            yield _too_little(
                guardrail, f"{plain(Decimal(least))} {word}{counted}", plain(Decimal(actual)),
                plain(Decimal(least) - Decimal(actual)),
            )  # fmt: skip
    spend = thresholds.min_spend_micros
    if spend is not None and evidence.spend_micros < spend:
        yield _too_little(
            Guardrail.SPEND, f"{money(spend, code)} spent{counted}", money(evidence.spend_micros, code),
            money(spend - evidence.spend_micros, code),
        )  # fmt: skip
    days = max(thresholds.min_history_days or 0, LEAST_HISTORY_DAYS if rises else 0)
    if evidence.history_days < days:
        yield _too_little(
            Guardrail.HISTORY_DAYS, f"{days} complete days with spend", str(evidence.history_days),
            str(days - evidence.history_days),
        )  # fmt: skip
    confidence = _number(evidence.confidence)
    if thresholds.min_confidence is not None and not confidence >= thresholds.min_confidence:
        yield _too_little(
            Guardrail.CONFIDENCE, f"a confidence of {percent(thresholds.min_confidence)}",
            percent(confidence, ROUND_FLOOR), percent(thresholds.min_confidence - confidence),
        )  # fmt: skip


def _number(value: float) -> Decimal:
    """The value exactly as it is told; what is no number helps nobody and counts as nothing."""
    return Decimal(str(value)) if isfinite(value) else Decimal(0)


def _too_little(guardrail: Guardrail, least: str, actual: str, missing: str) -> Violation:
    return Violation(
        guardrail,
        limit=least,
        actual=actual,
        passing=f"{least} or more",
        message=f"{actual} where automation asks for {least}: {missing} short",
    )


def _rest(evidence: Evidence, thresholds: Thresholds) -> Iterator[Violation]:
    today = local_day(evidence.now_utc, evidence.time_zone)
    hours, changed = thresholds.cool_down_hours, evidence.changed_at_utc
    if hours is not None and changed is not None:
        until = changed + timedelta(hours=hours)
        if evidence.now_utc < until:
            passed = Decimal(max((evidence.now_utc - changed).total_seconds(), 0)) / 3600
            told = f"{plain(passed.quantize(Decimal('0.1'), ROUND_FLOOR))} hours"
            yield Violation(
                Guardrail.COOL_DOWN,
                limit=f"{hours} hours",
                actual=told,
                passing=f"from {iso_utc(until)}",
                message=f"the budget changed {told} ago and rests for {hours}; from {iso_utc(until)} it would pass",
            )
    learns = evidence.learns_until
    if thresholds.respects_learning and learns is not None and today < learns:
        yield Violation(
            Guardrail.LEARNING_PHASE,
            limit="no automatic change while the platform learns",
            actual=f"learning until {learns.isoformat()}",
            passing=f"from {learns.isoformat()}",
            message=f"the platform is still learning from the last change; from {learns.isoformat()}, in "
            f"{(learns - today).days} days, it would pass",
        )
    most = thresholds.max_automatic_changes
    if most is not None and evidence.automatic_changes_today >= most:
        yield Violation(
            Guardrail.AUTOMATIC_CHANGES_PER_DAY,
            limit=f"{changes(most)} a day",
            actual=f"{changes(evidence.automatic_changes_today + 1)}",
            passing="tomorrow in the account's zone" if most else "nothing without a person",
            message=f"automation changed this budget {evidence.automatic_changes_today} times on this day and may "
            f"change it {most} times",
        )


def _hours(evidence: Evidence, thresholds: Thresholds) -> Iterator[Violation]:
    hours = thresholds.active_hours
    if hours is None:
        return
    local = evidence.now_utc.astimezone(zone(evidence.time_zone))
    if not hours.contains(local.hour):
        yield Violation(
            Guardrail.ACTIVE_HOURS,
            limit=str(hours),
            actual=local.strftime("%H:%M"),
            passing=f"from {hours.start:02}:00 in the account's zone",
            message=f"it is {local.strftime('%H:%M')} in the account's zone and automation acts from {hours}",
        )


def _step_down(amount: int, change: Change) -> int:
    return amount // change.step_micros * change.step_micros


def _moved(change: Change, most: int) -> int | None:
    """The budget after moving by `most` the wanted way; None if that is no move."""
    if most <= 0:
        return None
    return change.current_micros + (most if change.delta_micros > 0 else -most)
