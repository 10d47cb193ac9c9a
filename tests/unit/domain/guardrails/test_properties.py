"""Random settings, changes and moments: what is called automatic keeps every threshold and every limit, told again here.

The oracle below is written from the requirements' words, not from the rules' code. GUARDRAIL_EXAMPLES=10000 is the
nightly size.
"""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from domain.guardrails import (
    ActiveHours,
    Change,
    ChangeKind,
    Evidence,
    Guardrail,
    HardLimits,
    RuleSet,
    Scope,
    ScopeKind,
    Settings,
    Standing,
    Subject,
    Thresholds,
    bounds,
    check,
    check_limits,
    effective,
    validated,
)
from domain.platforms import Platform
from tests.unit.domain.guardrails.guardrail_values import SOMEWHERE

EXAMPLES = int(os.environ.get("GUARDRAIL_EXAMPLES", "300"))
pytestmark = pytest.mark.timeout(max(120, EXAMPLES // 5))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

CAMPAIGNS = (UUID(int=11), UUID(int=12))
RULES = ("rebalancer", "auto-scaler", "ltv-cac", "somebody new")
ZONES = ("America/New_York", "Asia/Kolkata", "Pacific/Auckland", "UTC")

micros = st.integers(0, 3_000_000_000)


def rarely(strategy: st.SearchStrategy[Any], otherwise: Any = None, often: int = 4) -> st.SearchStrategy[Any]:
    """Mostly not set, so that several settings together still let something through.

    Set by the largest number: Hypothesis repeats the simplest, 0, and would set most of what is rarely set.
    """
    return st.integers(0, often).flatmap(lambda side: strategy if side == often else st.just(otherwise))


rarely_micros = rarely(micros)
thresholds = st.builds(
    Thresholds,
    max_change_share=rarely(st.decimals("0.01", "2", places=3), often=1),
    max_change_micros=rarely_micros,
    max_increase_micros=rarely_micros,
    max_new_budget_micros=rarely_micros,
    min_roas=rarely(st.decimals(0, 10, places=2)),
    min_impressions=rarely(st.integers(0, 5_000)),
    min_spend_micros=rarely_micros,
    min_conversions=rarely(st.decimals(0, 100, places=1)),
    min_history_days=rarely(st.integers(0, 90)),
    cool_down_hours=rarely(st.integers(0, 100)),
    respects_learning=rarely(st.booleans()),
    active_hours=rarely(
        st.builds(ActiveHours, st.integers(0, 23), st.integers(1, 24)).filter(lambda hours: hours.start != hours.end)
    ),
    min_confidence=rarely(st.decimals(0, 1, places=2)),
    max_automatic_changes=rarely(st.integers(0, 3)),
)
platform_sets = st.frozensets(st.sampled_from(Platform))
narrow_limits: dict[str, st.SearchStrategy[Any]] = {
    "max_daily_micros": rarely_micros,
    "min_daily_micros": rarely(st.integers(0, 500_000_000)),
    "max_changes": rarely(st.integers(0, 6)),
    "changes_denied": rarely(st.just(True), otherwise=False, often=20),
}
wide_limits: dict[str, st.SearchStrategy[Any]] = {
    **narrow_limits,
    "max_account_change_micros": rarely_micros,
    "max_account_budget_micros": rarely_micros,
    "max_platform_budget_micros": rarely_micros,
}


@st.composite
def rule_sets(draw: st.DrawFn) -> list[RuleSet]:
    """At most one rule set a scope, as the database keeps them, each one allowed there."""
    scopes = draw(
        st.lists(
            st.one_of(
                st.just(Scope(ScopeKind.WORKSPACE)),
                st.sampled_from([Scope(ScopeKind.PLATFORM, each) for each in Platform]),
                st.sampled_from([Scope(ScopeKind.RULE, each) for each in RULES]),
                st.sampled_from([Scope(ScopeKind.CAMPAIGN, str(each)) for each in CAMPAIGNS]),
            ),
            max_size=5,
            unique_by=lambda scope: (scope.kind, scope.key),
        )
    )
    made = []
    for number, scope in enumerate(scopes):
        fields = dict(narrow_limits if scope.kind is ScopeKind.CAMPAIGN else wide_limits)
        if scope.kind in {ScopeKind.WORKSPACE, ScopeKind.RULE}:
            fields |= {
                "allowed_platforms": rarely(platform_sets),
                "denied_platforms": rarely(platform_sets, otherwise=frozenset()),
            }
        limits = draw(st.builds(HardLimits, **fields))
        if limits.max_daily_micros is not None and limits.min_daily_micros is not None:
            low, high = sorted((limits.max_daily_micros, limits.min_daily_micros))
            limits = replace(limits, max_daily_micros=high, min_daily_micros=low)
        its = Settings(draw(thresholds), limits, draw(rarely(st.just(True), otherwise=False, often=15)))
        currency = draw(st.sampled_from(["EUR", "USD"])) if scope.kind is ScopeKind.CAMPAIGN else "USD"
        made.append(RuleSet(UUID(int=number), SOMEWHERE, SOMEWHERE, scope, currency, validated(its, scope), version=1))
    return made


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC is added


@st.composite
def situations(draw: st.DrawFn) -> tuple[Subject, Change, Standing, Evidence]:
    currency = draw(st.sampled_from(["USD", "EUR"]))
    rate = Decimal(1) if currency == "USD" else draw(st.decimals("0.5", "2", places=4))
    platform = draw(st.sampled_from(Platform))
    subject = Subject(
        draw(st.none() | st.sampled_from(RULES)),
        platform,
        draw(st.frozensets(st.sampled_from(CAMPAIGNS))),
        currency,
        rate,
    )
    current = draw(st.integers(2_000, 200_000)) * 10_000
    # Mostly a small step, now and then anything.
    moved = draw(st.integers(-15, 15)) * (current // 1_000_000) * 10_000
    proposed = draw(rarely(st.integers(0, 300_000).map(lambda steps: steps * 10_000), otherwise=current + moved))
    change = Change(
        draw(st.sampled_from(ChangeKind)), platform, currency, rate, current, proposed,
        draw(st.sampled_from([50_000, 1_000_000, 50_000_000])), 10_000,
    )  # fmt: skip
    standing = Standing(
        draw(rarely(st.integers(0, 4), 0, often=1)),
        draw(rarely(micros, 0)), draw(rarely(micros, 0)), draw(rarely(micros, 0)),
        draw(rarely(st.just(True), otherwise=False)), draw(st.booleans()),
    )  # fmt: skip
    now = draw(moments)
    evidence = Evidence(
        now_utc=now, time_zone=draw(st.sampled_from(ZONES)), roas=draw(st.floats(0, 20)),
        confidence=draw(st.sampled_from([0.5, 0.9499, 0.95, 0.99, 1.0, 1.0])),
        impressions=draw(rarely(st.integers(0, 10_000), otherwise=10_000)),
        spend_micros=draw(rarely(micros, otherwise=10**10)),
        conversions=draw(rarely(st.decimals(0, 200, places=2), otherwise=Decimal(200))),
        history_days=draw(st.sampled_from([90, 0, 6, 7, 8, 30, 90, 90])),
        # Also in the future: clocks jump back.
        changed_at_utc=draw(rarely(st.integers(-200, 200).map(lambda hours: now - timedelta(hours=hours)))),
        learns_until=draw(rarely(st.integers(-10, 10).map(lambda days: now.date() + timedelta(days=days)))),
        automatic_changes_today=draw(st.sampled_from([0, 0, 0, 1, 2])),
        paused_by=draw(rarely(st.just("somebody"), often=15)),
    )  # fmt: skip
    return subject, change, standing, evidence


# --- the oracle -------------------------------------------------------------------------------------------------------


def amount(value: int, of: RuleSet, subject: Subject) -> Fraction:
    """An amount of a rule set in the account's currency, exact."""
    return Fraction(value) if of.currency_code == subject.currency_code else value / Fraction(subject.rate_to_reporting)


def in_force(all_rules: list[RuleSet], subject: Subject) -> list[RuleSet]:
    return [
        each
        for each in all_rules
        if each.scope.kind is ScopeKind.WORKSPACE
        or (each.scope.kind is ScopeKind.PLATFORM and each.scope.key == subject.platform.value)
        or (each.scope.kind is ScopeKind.RULE and each.scope.key == subject.rule)
        or (each.scope.kind is ScopeKind.CAMPAIGN and UUID(each.scope.key) in subject.campaign_ids)
    ]


def breaks_a_limit(mine: list[RuleSet], subject: Subject, change: Change, standing: Standing) -> bool:
    """Whether any rule set in force forbids the change to everyone."""
    delta = change.proposed_micros - change.current_micros
    if change.proposed_micros < change.minimum_micros or (standing.live and not standing.live_sending):
        return True
    for each in mine:
        limits = each.settings.limits
        cap, floor = limits.max_daily_micros, limits.min_daily_micros
        broken = [
            limits.changes_denied,
            change.platform in limits.denied_platforms,
            limits.allowed_platforms is not None and change.platform not in limits.allowed_platforms,
            cap is not None and change.proposed_micros > amount(cap, each, subject),
            floor is not None and change.proposed_micros < amount(floor, each, subject),
        ]
        if delta > 0:
            account, platform = limits.max_account_budget_micros, limits.max_platform_budget_micros
            broken.append(
                account is not None and standing.account_budget_micros + delta > amount(account, each, subject)
            )
            broken.append(
                platform is not None
                and standing.platform_budget_reporting_micros + delta * Fraction(subject.rate_to_reporting) > platform
            )
        if change.kind is ChangeKind.CHANGE:
            moved = limits.max_account_change_micros
            broken.append(
                moved is not None
                and delta != 0
                and standing.account_moved_micros + abs(delta) > amount(moved, each, subject)
            )
            broken.append(limits.max_changes is not None and standing.changes_today + 1 > limits.max_changes - 1)
        if any(broken):
            return True
    if change.kind is ChangeKind.CHANGE and all(each.settings.limits.max_changes is None for each in mine):
        return standing.changes_today >= 3
    return False


def breaks_a_threshold(own: Thresholds, each: RuleSet, subject: Subject, change: Change, evidence: Evidence) -> bool:
    """Whether one scope's own word on automation, taken alone, forbids the change."""
    delta = change.proposed_micros - change.current_micros

    def over(value: int | None, limit: int | None) -> bool:
        return value is not None and limit is not None and value > amount(limit, each, subject)

    local = evidence.now_utc.astimezone(ZoneInfo(evidence.time_zone))
    broken = [
        own.max_change_share is not None and abs(delta) > change.current_micros * Fraction(own.max_change_share),
        over(abs(delta), own.max_change_micros),
        delta > 0 and over(delta, own.max_increase_micros),
        delta > 0 and over(change.proposed_micros, own.max_new_budget_micros),
        delta > 0 and own.min_roas is not None and Decimal(str(evidence.roas)) < own.min_roas,
        own.min_impressions is not None and evidence.impressions < own.min_impressions,
        own.min_conversions is not None and evidence.conversions < own.min_conversions,
        own.min_spend_micros is not None and evidence.spend_micros < amount(own.min_spend_micros, each, subject),
        own.min_history_days is not None and evidence.history_days < own.min_history_days,
        own.min_confidence is not None and Decimal(str(evidence.confidence)) < own.min_confidence,
    ]
    if own.active_hours is not None:
        start, end = own.active_hours.start, own.active_hours.end
        inside = start <= local.hour < end if start < end else not end <= local.hour < start
        broken.append(not inside)
    if change.kind is ChangeKind.CHANGE:
        broken += [
            own.cool_down_hours is not None
            and evidence.changed_at_utc is not None
            and evidence.now_utc - evidence.changed_at_utc < timedelta(hours=own.cool_down_hours),
            own.respects_learning is True
            and evidence.learns_until is not None
            and local.date() < evidence.learns_until,
            own.max_automatic_changes is not None and evidence.automatic_changes_today >= own.max_automatic_changes,
        ]
    return any(broken)


#: Of a budget that serves two campaigns only one of their active hours can be kept.
_NOT_HOURS = ("active_hours",)


# --- properties -------------------------------------------------------------------------------------------------------


@pytest.mark.req("RB-S2")
@many
@given(rule_sets(), situations())
def test_nothing_outside_a_hard_limit_passes_and_nothing_inside_is_stopped(
    all_rules: list[RuleSet], situation: tuple[Subject, Change, Standing, Evidence]
) -> None:
    subject, change, standing, _ = situation
    # The auto-scaler's own caps hold where nobody set any: told by the defaults' test.
    assume(subject.rule != "auto-scaler")
    found = check_limits(change, standing, effective(all_rules, subject).limits)
    assert bool(found) == breaks_a_limit(in_force(all_rules, subject), subject, change, standing)


@pytest.mark.req("RB-S2")
def test_what_is_automatic_lies_inside_both_kinds() -> None:
    automatic = 0

    @many
    @given(rule_sets(), situations())
    def one(all_rules: list[RuleSet], situation: tuple[Subject, Change, Standing, Evidence]) -> None:
        nonlocal automatic
        subject, change, standing, evidence = situation
        if check(change, standing, evidence, effective(all_rules, subject)).automatic:
            automatic += 1
            _inside_both_kinds(all_rules, situation)

    one()
    # A property of what never happens would show nothing.
    assert automatic >= EXAMPLES // 50


def _inside_both_kinds(all_rules: list[RuleSet], situation: tuple[Subject, Change, Standing, Evidence]) -> None:
    subject, change, standing, evidence = situation
    mine = in_force(all_rules, subject)
    assert not breaks_a_limit(mine, subject, change, standing)
    assert not any(each.settings.automation_paused for each in mine)
    assert evidence.paused_by is None
    if change.delta_micros > 0:
        assert evidence.history_days >= 7
    if change.kind is ChangeKind.CHANGE and all(e.settings.thresholds.max_automatic_changes is None for e in mine):
        assert evidence.automatic_changes_today == 0
    # Each scope's word holds unless a narrower scope says something else about the same threshold.
    for each in mine:
        narrower = [
            other for other in mine if list(ScopeKind).index(other.scope.kind) > list(ScopeKind).index(each.scope.kind)
        ]
        mute = {
            name: None
            for name in Thresholds.__dataclass_fields__
            if any(getattr(other.settings.thresholds, name) is not None for other in narrower)
            or (name in _NOT_HOURS and each.scope.kind is ScopeKind.CAMPAIGN and len(subject.campaign_ids) > 1)
        }
        own = replace(each.settings.thresholds, **mute)
        assert not breaks_a_threshold(own, each, subject, change, evidence)


@many
@given(rule_sets(), situations())
def test_what_would_pass_passes(
    all_rules: list[RuleSet], situation: tuple[Subject, Change, Standing, Evidence]
) -> None:
    subject, change, standing, evidence = situation
    its = effective(all_rules, subject)
    for violation in check(change, standing, evidence, its).violations:
        assert violation.message
        assert violation.limit
        assert violation.passing
        if violation.passing_micros is None:
            continue
        assert violation.passing_micros % change.step_micros == 0
        better = replace(change, proposed_micros=violation.passing_micros)
        still = {each.guardrail for each in check(better, standing, evidence, its).violations}
        assert violation.guardrail not in still


@many
@given(rule_sets(), situations(), st.fractions(0, 1))
def test_whatever_a_proposer_picks_inside_its_room_keeps_the_limits(
    all_rules: list[RuleSet], situation: tuple[Subject, Change, Standing, Evidence], place: Fraction
) -> None:
    subject, change, standing, _ = situation
    change = replace(change, kind=ChangeKind.CHANGE)
    limits = effective(all_rules, subject).limits
    room = bounds(change, standing, limits)
    upper = room.upper_micros if room.upper_micros is not None else room.lower_micros + 10**9
    if room.locked_because is not None or upper < room.lower_micros:
        return
    wanted = room.lower_micros + int((upper - room.lower_micros) * place)
    found = check_limits(replace(change, proposed_micros=wanted), replace(standing, live=False), limits)
    assert found == ()


@many
@given(rule_sets(), situations())
def test_a_restore_passes_wherever_a_change_does(
    all_rules: list[RuleSet], situation: tuple[Subject, Change, Standing, Evidence]
) -> None:
    subject, change, standing, evidence = situation
    its = effective(all_rules, subject)
    as_change, as_restore = (
        check(replace(change, kind=kind), standing, evidence, its) for kind in (ChangeKind.CHANGE, ChangeKind.RESTORE)
    )
    skipped = {
        Guardrail.CHANGES_PER_DAY, Guardrail.ACCOUNT_DAILY_CHANGE, Guardrail.COOL_DOWN, Guardrail.LEARNING_PHASE,
        Guardrail.AUTOMATIC_CHANGES_PER_DAY,
    }  # fmt: skip
    expected = [each for each in as_change.violations if each.guardrail not in skipped]
    assert list(as_restore.violations) == expected


def test_the_learning_day_is_the_accounts() -> None:
    """Auckland is a day ahead of New York at the same moment."""
    evidence = Evidence(
        now_utc=datetime(2026, 3, 10, 20, tzinfo=UTC), time_zone="Pacific/Auckland", roas=9, confidence=1,
        impressions=0, spend_micros=0, conversions=Decimal(0), history_days=90, learns_until=date(2026, 3, 11),
    )  # fmt: skip
    change = Change(ChangeKind.CHANGE, Platform.META, "USD", Decimal(1), 100, 101, 0, 1)
    its = Settings(Thresholds(respects_learning=True))
    assert check(change, Standing(), evidence, its).thresholds == ()
    there = replace(evidence, time_zone="America/New_York")
    assert [each.guardrail for each in check(change, Standing(), there, its).thresholds] == [Guardrail.LEARNING_PHASE]
