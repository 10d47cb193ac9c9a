"""Settings: who wins where several hold, which currency, what may not be set, and the defaults."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from domain.errors import InvalidInput
from domain.guardrails import (
    ActiveHours,
    HardLimits,
    Proposer,
    Scope,
    ScopeKind,
    Settings,
    Subject,
    Thresholds,
    defaults,
    effective,
    validated,
)
from domain.platforms import Platform
from tests.unit.domain.guardrails.guardrail_values import UNIT, rules

ONE, TWO = UUID(int=11), UUID(int=12)
SUBJECT = Subject(Proposer.AUTO_SCALER, Platform.META, frozenset({ONE}), "USD", Decimal(1))
WORKSPACE = Scope(ScopeKind.WORKSPACE)


@pytest.mark.req("RB-F3", "AS-04")
def test_the_narrowest_threshold_wins_whatever_the_order() -> None:
    given = [
        rules(max_change_share=Decimal("0.1"), min_roas=Decimal(2), cool_down_hours=1),
        rules(ScopeKind.PLATFORM, "META", max_change_share=Decimal("0.2"), min_roas=Decimal(4)),
        rules(ScopeKind.RULE, "auto-scaler", max_change_share=Decimal("0.3")),
        rules(ScopeKind.CAMPAIGN, str(ONE), max_change_share=Decimal("0.4")),
        rules(ScopeKind.PLATFORM, "GOOGLE", min_roas=Decimal(9)),
        rules(ScopeKind.RULE, "rebalancer", min_roas=Decimal(9)),
        rules(ScopeKind.CAMPAIGN, str(TWO), min_roas=Decimal(9)),
    ]
    for order in (given, given[::-1]):
        thresholds = effective(order, SUBJECT).thresholds
        assert (thresholds.max_change_share, thresholds.min_roas) == (Decimal("0.4"), Decimal(4))
        # Set by the workspace only, then by nobody: the auto-scaler's default.
        assert (thresholds.cool_down_hours, thresholds.min_impressions) == (1, 1_000)


@pytest.mark.req("RB-F3", "AS-04")
def test_the_tightest_hard_limit_wins_however_wide_its_scope() -> None:
    given = [
        rules(limits=HardLimits(max_daily_micros=200 * UNIT, min_daily_micros=5 * UNIT, max_changes=3)),
        rules(ScopeKind.PLATFORM, "META", HardLimits(max_daily_micros=300 * UNIT, min_daily_micros=20 * UNIT)),
        rules(ScopeKind.CAMPAIGN, str(ONE), HardLimits(max_daily_micros=9_000 * UNIT, max_changes=9)),
        rules(ScopeKind.CAMPAIGN, str(TWO), HardLimits(max_daily_micros=1, changes_denied=True)),
    ]
    limits = effective(given, SUBJECT).limits
    assert (limits.max_daily_micros, limits.min_daily_micros, limits.max_changes) == (200 * UNIT, 20 * UNIT, 3)
    assert not limits.changes_denied
    # Nobody set it: the auto-scaler's own.
    assert limits.max_account_budget_micros == 5_000 * UNIT


def test_a_default_never_stops_what_somebody_chose() -> None:
    given = [rules(ScopeKind.CAMPAIGN, str(ONE), HardLimits(max_daily_micros=8_000 * UNIT))]
    assert effective(given, SUBJECT).limits.max_daily_micros == 8_000 * UNIT


def test_lists_add_up_to_the_tighter_one_and_any_switch_pauses() -> None:
    both = frozenset({Platform.META, Platform.GOOGLE})
    given = [
        rules(limits=HardLimits(allowed_platforms=both, denied_platforms=frozenset({Platform.TIKTOK}))),
        replace(
            rules(ScopeKind.RULE, "auto-scaler", HardLimits(allowed_platforms=frozenset({Platform.META}))),
            settings=Settings(limits=HardLimits(allowed_platforms=frozenset({Platform.META})), automation_paused=True),
        ),
    ]
    found = effective(given, SUBJECT)
    assert found.limits.allowed_platforms == frozenset({Platform.META})
    assert found.limits.denied_platforms == frozenset({Platform.TIKTOK})
    assert found.automation_paused
    assert not effective(given, replace(SUBJECT, rule="rebalancer")).automation_paused


def test_a_shared_budget_keeps_the_most_careful_of_its_campaigns() -> None:
    given = [
        rules(ScopeKind.CAMPAIGN, str(ONE), max_change_share=Decimal("0.4"), min_roas=Decimal(2), cool_down_hours=5,
              respects_learning=False, active_hours=ActiveHours(8, 20)),
        rules(ScopeKind.CAMPAIGN, str(TWO), max_change_share=Decimal("0.3"), min_roas=Decimal(5), cool_down_hours=9,
              respects_learning=True, active_hours=ActiveHours(22, 4)),
    ]  # fmt: skip
    for order in (given, given[::-1]):
        found = effective(order, replace(SUBJECT, campaign_ids=frozenset({ONE, TWO}))).thresholds
        assert (found.max_change_share, found.min_roas, found.cool_down_hours, found.respects_learning) == (
            Decimal("0.3"), Decimal(5), 9, True,
        )  # fmt: skip
        assert found.active_hours == ActiveHours(22, 4)


def test_amounts_turn_into_the_accounts_currency_to_the_careful_side() -> None:
    given = [
        rules(limits=HardLimits(max_daily_micros=100 * UNIT, min_daily_micros=10 * UNIT,
                                max_platform_budget_micros=7), min_spend_micros=10 * UNIT),
        rules(ScopeKind.CAMPAIGN, str(ONE), currency="EUR", max_change_micros=5 * UNIT),
    ]  # fmt: skip
    found = effective(given, Subject(None, Platform.META, frozenset({ONE}), "EUR", Decimal("1.1")))
    assert (found.limits.max_daily_micros, found.limits.min_daily_micros) == (90_909_090, 9_090_910)
    assert (found.thresholds.min_spend_micros, found.thresholds.max_change_micros) == (9_090_910, 5 * UNIT)
    assert found.limits.max_platform_budget_micros == 7


@pytest.mark.req("AS-17")
def test_the_auto_scalers_default_limits_are_the_documents() -> None:
    found = defaults(Proposer.AUTO_SCALER)
    assert (found.limits.min_daily_micros, found.limits.max_daily_micros) == (10 * UNIT, 1_000 * UNIT)
    assert found.limits.max_account_budget_micros == 5_000 * UNIT
    assert (found.thresholds.max_new_budget_micros, found.thresholds.max_increase_micros) == (500 * UNIT, 100 * UNIT)


@pytest.mark.req("RO-05")
@pytest.mark.parametrize("proposer", Proposer)
def test_everyone_shares_four_changes_and_automation_has_one(proposer: Proposer) -> None:
    found = defaults(proposer)
    assert (found.limits.max_changes, found.thresholds.max_automatic_changes) == (4, 1)
    assert found.thresholds.respects_learning


@pytest.mark.parametrize(
    ("settings", "scope", "path"),
    [
        (Settings(Thresholds(max_change_share=Decimal(0))), WORKSPACE, "max_change_share"),
        (Settings(Thresholds(max_change_share=Decimal("NaN"))), WORKSPACE, "max_change_share"),
        (Settings(Thresholds(min_confidence=Decimal("1.01"))), WORKSPACE, "min_confidence"),
        (Settings(Thresholds(max_change_micros=-1)), WORKSPACE, "max_change_micros"),
        (Settings(Thresholds(active_hours=ActiveHours(9, 9))), WORKSPACE, "active_hours"),
        (Settings(Thresholds(active_hours=ActiveHours(24, 25))), WORKSPACE, "active_hours"),
        (Settings(limits=HardLimits(max_daily_micros=1, min_daily_micros=2)), WORKSPACE, "min_daily_micros"),
        (Settings(limits=HardLimits(max_changes=101)), WORKSPACE, "max_changes"),
        (
            Settings(limits=HardLimits(max_account_change_micros=1)),
            Scope(ScopeKind.CAMPAIGN, str(ONE)),
            "max_account_change_micros",
        ),
        (
            Settings(limits=HardLimits(denied_platforms=frozenset({Platform.META}))),
            Scope(ScopeKind.PLATFORM, "GOOGLE"),
            "denied_platforms",
        ),
        (
            Settings(limits=HardLimits(allowed_platforms=frozenset())),
            Scope(ScopeKind.PLATFORM, "META"),
            "allowed_platforms",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(settings: Settings, scope: Scope, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        validated(settings, scope)
    assert refused.value.path == ("change", path)


def test_what_makes_sense_stays_as_it_is() -> None:
    settings = Settings(Thresholds(active_hours=ActiveHours(22, 6)), HardLimits(max_account_change_micros=0))
    assert validated(settings, Scope(ScopeKind.PLATFORM, "META")) is settings


@pytest.mark.parametrize(
    ("kind", "key"), [("WORKSPACE", "x"), ("PLATFORM", "MYSPACE"), ("RULE", ""), ("RULE", "x" * 65)]
)
def test_a_scope_names_something_that_is(kind: str, key: str) -> None:
    with pytest.raises(InvalidInput):
        Scope(ScopeKind(kind), key)


def test_settings_are_plain_json_and_come_back() -> None:
    settings = Settings(
        Thresholds(max_change_share=Decimal("0.1"), active_hours=ActiveHours(22, 6)),
        HardLimits(allowed_platforms=frozenset({Platform.META, Platform.GOOGLE})),
        automation_paused=True,
    )
    assert msgspec.json.decode(msgspec.json.encode(settings), type=Settings) == settings
