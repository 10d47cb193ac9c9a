"""Hard limits: each one at its edge, what it says, what would pass, and what a restore skips."""

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.guardrails import ChangeKind, Guardrail, HardLimits, Standing, bounds, check_limits
from domain.platforms import Platform
from tests.unit.domain.guardrails.guardrail_values import UNIT, change, names


def test_nothing_set_holds_nothing_but_the_platforms_minimum() -> None:
    assert check_limits(change(100_000), Standing(), HardLimits()) == ()
    assert names(check_limits(change(0.5), Standing(), HardLimits())) == [Guardrail.MIN_DAILY_BUDGET]


@pytest.mark.req("AS-04")
def test_a_cap_says_by_how_much_and_what_would_pass() -> None:
    limits = HardLimits(max_daily_micros=120_005_000)
    assert check_limits(change(120), Standing(), limits) == ()
    [found] = check_limits(change(150), Standing(), limits)
    assert (found.guardrail, found.limit, found.actual) == (Guardrail.MAX_DAILY_BUDGET, "120.005 USD", "150.00 USD")
    assert found.passing_micros == 120_000_000  # a whole number of the platform's steps
    assert found.message == (
        "150.00 USD a day is 29.995 USD above the cap of 120.005 USD; 120.00 USD or less would pass"
    )


@pytest.mark.req("AS-04")
def test_a_floor_says_by_how_much_and_what_would_pass() -> None:
    limits = HardLimits(min_daily_micros=90_001_000)
    [found] = check_limits(change(80), Standing(), limits)
    assert (found.guardrail, found.passing_micros) == (Guardrail.MIN_DAILY_BUDGET, 90_010_000)
    assert found.message == "80.00 USD a day is 10.001 USD below the floor of 90.001 USD; 90.01 USD or more would pass"
    assert check_limits(change(90.01), Standing(), limits) == ()


@pytest.mark.parametrize(
    ("to", "moved", "passes"), [(110, 40, True), (110.01, 40, False), (89.99, 40, False), (90, 40, True)]
)
def test_what_an_account_moves_in_a_day_counts_both_ways(to: float, moved: int, passes: bool) -> None:
    limits = HardLimits(max_account_change_micros=50 * UNIT)
    found = check_limits(change(to), Standing(account_moved_micros=moved * UNIT), limits)
    assert names(found) == ([] if passes else [Guardrail.ACCOUNT_DAILY_CHANGE])


def test_a_spent_account_says_what_is_left() -> None:
    limits = HardLimits(max_account_change_micros=50 * UNIT)
    [found] = check_limits(change(130), Standing(account_moved_micros=40 * UNIT), limits)
    assert found.message == (
        "with this the account's changes of the day add up to 70.00 USD, 20.00 USD above the limit of 50.00 USD; "
        "a change of 10.00 USD or less would pass"
    )
    assert found.passing_micros == 110_000_000
    [down] = check_limits(change(70), Standing(account_moved_micros=40 * UNIT), limits)
    assert down.passing_micros == 90_000_000
    [none] = check_limits(change(130), Standing(account_moved_micros=50 * UNIT), limits)
    assert (none.passing, none.passing_micros) == ("nothing more on this day", None)


@pytest.mark.req("AS-04")
def test_an_accounts_budgets_are_capped_together_and_a_cut_always_passes() -> None:
    limits = HardLimits(max_account_budget_micros=5_000 * UNIT)
    full = Standing(account_budget_micros=4_990 * UNIT)
    assert check_limits(change(110), full, limits) == ()
    [found] = check_limits(change(120), full, limits)
    assert (found.guardrail, found.passing_micros) == (Guardrail.ACCOUNT_DAILY_BUDGET, 110_000_000)
    assert "add up to 5,010.00 USD, 10.00 USD above the limit of 5,000.00 USD" in found.message
    over = Standing(account_budget_micros=9_000 * UNIT)
    assert check_limits(change(99), over, limits) == ()
    assert names(check_limits(change(100.01), over, limits)) == [Guardrail.ACCOUNT_DAILY_BUDGET]


@pytest.mark.req("RB-F3")
def test_a_platforms_cap_adds_up_in_the_reporting_currency() -> None:
    limits = HardLimits(max_platform_budget_micros=1_000 * UNIT)
    standing = Standing(platform_budget_reporting_micros=980 * UNIT)
    one = change(110, currency_code="EUR", rate_to_reporting=Decimal(2))
    assert check_limits(one, standing, limits) == ()
    [found] = check_limits(replace(one, proposed_micros=110_010_000), standing, limits)
    assert (found.guardrail, found.passing_micros) == (Guardrail.PLATFORM_DAILY_BUDGET, 110_000_000)


@pytest.mark.req("RO-05")
@pytest.mark.parametrize(("made", "passes"), [(0, True), (2, True), (3, False), (4, False)])
def test_of_four_changes_a_day_one_is_kept_back_for_a_restore(made: int, passes: bool) -> None:
    limits, standing = HardLimits(max_changes=4), Standing(changes_today=made)
    found = check_limits(change(110), standing, limits)
    assert names(found) == ([] if passes else [Guardrail.CHANGES_PER_DAY])
    assert check_limits(change(110, kind=ChangeKind.RESTORE), standing, limits) == ()


def test_a_restore_skips_the_counts_and_never_caps_floors_and_lists() -> None:
    limits = HardLimits(
        max_daily_micros=120 * UNIT, min_daily_micros=50 * UNIT, max_account_change_micros=0, max_changes=1,
        denied_platforms=frozenset({Platform.META}), max_account_budget_micros=100 * UNIT,
    )  # fmt: skip
    standing = Standing(changes_today=9, account_moved_micros=900 * UNIT, account_budget_micros=100 * UNIT)
    up, down = (change(units, kind=ChangeKind.RESTORE) for units in (130, 40))
    assert names(check_limits(up, standing, limits)) == [
        Guardrail.PLATFORM_LISTS, Guardrail.MAX_DAILY_BUDGET, Guardrail.ACCOUNT_DAILY_BUDGET,
    ]  # fmt: skip
    assert names(check_limits(down, standing, limits)) == [Guardrail.PLATFORM_LISTS, Guardrail.MIN_DAILY_BUDGET]


@pytest.mark.req("GO-04")
@pytest.mark.parametrize(
    ("limits", "passing"),
    [
        (HardLimits(allowed_platforms=frozenset({Platform.GOOGLE, Platform.TIKTOK})), "GOOGLE, TIKTOK"),
        (HardLimits(denied_platforms=frozenset({Platform.META})), "any platform not denied"),
        (HardLimits(allowed_platforms=frozenset()), "no platform"),
        (
            HardLimits(allowed_platforms=frozenset({Platform.META}), denied_platforms=frozenset({Platform.META})),
            "no platform",
        ),
    ],
)
def test_platforms_are_allowed_and_denied(limits: HardLimits, passing: str) -> None:
    [found] = check_limits(change(110), Standing(), limits)
    assert (found.guardrail, found.passing) == (Guardrail.PLATFORM_LISTS, passing)


def test_a_denied_campaign_and_a_workspace_that_is_not_live_say_so() -> None:
    found = check_limits(change(110), Standing(live=True), HardLimits(changes_denied=True))
    assert names(found) == [Guardrail.LIVE_SENDING, Guardrail.CHANGES_DENIED]
    assert found[0].message == "live sending is off in this workspace; its owner can switch it on"
    assert check_limits(change(110), Standing(live=True, live_sending=True), HardLimits()) == ()


def test_a_proposers_room_is_what_is_left() -> None:
    limits = HardLimits(max_daily_micros=500 * UNIT, max_account_change_micros=50 * UNIT)
    room = bounds(change(100), Standing(account_moved_micros=20 * UNIT), limits)
    assert (room.lower_micros, room.upper_micros, room.locked_because) == (70 * UNIT, 130 * UNIT, None)
    full = bounds(change(100), Standing(changes_today=3), HardLimits(max_changes=4))
    assert full.locked_because is not None
    assert full.locked_because.startswith("this budget changed 3 times on this day")
    assert bounds(change(100), Standing(live=True), HardLimits()).locked_because is None
