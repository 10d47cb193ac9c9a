"""Hard limits: what holds for everyone, a person's approval included. Pure; must not know the automation thresholds.

A restore skips the counts of a day, how often and how much, because a limit on change must not keep a bad change in
place; it never skips caps, floors and lists.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.guardrails.settings import KEPT_FOR_RESTORE, HardLimits
from domain.guardrails.values import Change, ChangeKind, Guardrail, Standing, Violation
from domain.guardrails.words import changes, money


def check_limits(change: Change, standing: Standing, limits: HardLimits) -> tuple[Violation, ...]:
    """Every hard limit that the change does not keep, the ones a person can do least about first.

    Args:
        change: from the budget as it is now to the wanted one.
        standing: of this account-zone day, the change itself left out.
        limits: as they hold for this budget and proposer (inheritance.effective), account micros.
    """
    return tuple(_found(change, standing, limits))


def check_running(change: Change, standing: Standing, limits: HardLimits) -> tuple[Violation, ...]:
    """Every hard limit that setting a campaign running would not keep: its budget comes back into what may be spent.

    No amount changes, so neither floors nor the counts of a day have a say.

    Args:
        change: from what of the budget may be spent now, nothing unless another campaign spends it, to the budget.
        standing: as for check_limits.
        limits: as for check_limits.
    """
    found = [*_switches(change, standing, limits), *_range(change, limits)]
    if change.delta_micros > 0:
        found += _totals(change, standing, limits)
    return tuple(each for each in found if each.guardrail is not Guardrail.MIN_DAILY_BUDGET)


def _found(change: Change, standing: Standing, limits: HardLimits) -> Iterator[Violation]:
    yield from _switches(change, standing, limits)
    yield from _range(change, limits)
    if change.kind is ChangeKind.CHANGE:
        yield from _counts(change, standing, limits)
    if change.delta_micros > 0:
        yield from _totals(change, standing, limits)


def _switches(change: Change, standing: Standing, limits: HardLimits) -> Iterator[Violation]:
    if standing.live and not standing.live_sending:
        yield Violation(
            Guardrail.LIVE_SENDING,
            limit="live sending off",
            actual="a change on a real platform",
            passing="live sending on",
            message="live sending is off in this workspace; its owner can switch it on",
        )
    if limits.changes_denied:
        yield Violation(
            Guardrail.CHANGES_DENIED,
            limit="no changes",
            actual="a change",
            passing="nothing, while the guardrail stands",
            message="changes are denied here; nothing passes until that guardrail is removed",
        )
    name = change.platform.value
    allowed, denied = limits.allowed_platforms, limits.denied_platforms
    if name in denied or (allowed is not None and name not in allowed):
        listed = sorted(each.value for each in (allowed or frozenset()) - denied)
        passing = ", ".join(listed) if listed else "no platform" if allowed is not None else "any platform not denied"
        yield Violation(
            Guardrail.PLATFORM_LISTS,
            limit=f"denied: {', '.join(sorted(denied))}" if name in denied else f"allowed: {passing}",
            actual=name,
            passing=passing,
            message=f"{name} is not among the platforms that may change; {passing} would pass",
        )


def _range(change: Change, limits: HardLimits) -> Iterator[Violation]:
    cap, floor = limits.max_daily_micros, _floor(change, limits)
    wanted, code = change.proposed_micros, change.currency_code
    if cap is not None and wanted > cap:
        best = _down(cap, change.step_micros)
        yield Violation(
            Guardrail.MAX_DAILY_BUDGET,
            limit=money(cap, code),
            actual=money(wanted, code),
            passing=f"{money(best, code)} or less",
            message=f"{money(wanted, code)} a day is {money(wanted - cap, code)} above the cap of {money(cap, code)}; "
            f"{money(best, code)} or less would pass",
            passing_micros=best,
        )
    if wanted < floor:
        best = _up(floor, change.step_micros)
        yield Violation(
            Guardrail.MIN_DAILY_BUDGET,
            limit=money(floor, code),
            actual=money(wanted, code),
            passing=f"{money(best, code)} or more",
            message=f"{money(wanted, code)} a day is {money(floor - wanted, code)} below the floor of "
            f"{money(floor, code)}; {money(best, code)} or more would pass",
            passing_micros=best,
        )


def _counts(change: Change, standing: Standing, limits: HardLimits) -> Iterator[Violation]:
    if limits.max_changes is not None:
        open_to_all = max(limits.max_changes - KEPT_FOR_RESTORE, 0)
        if standing.changes_today >= open_to_all:
            yield Violation(
                Guardrail.CHANGES_PER_DAY,
                limit=f"{changes(limits.max_changes)} a day, {KEPT_FOR_RESTORE} kept for putting back",
                actual=f"the {_ordinal(standing.changes_today + 1)} change of the day",
                passing="tomorrow in the account's zone" if open_to_all else "nothing but a restore",
                message=f"this budget changed {standing.changes_today} times on this day, and {open_to_all} of the "
                f"{limits.max_changes} changes a day may be used: {KEPT_FOR_RESTORE} is kept for putting back; "
                + ("tomorrow in the account's zone it would pass" if open_to_all else "only a restore would pass"),
            )
    cap = limits.max_account_change_micros
    if cap is not None and change.delta_micros and standing.account_moved_micros + abs(change.delta_micros) > cap:
        room = _down(max(cap - standing.account_moved_micros, 0), change.step_micros)
        moved, code = abs(change.delta_micros), change.currency_code
        over = standing.account_moved_micros + moved - cap
        passing = f"a change of {money(room, code)} or less" if room else "nothing more on this day"
        yield Violation(
            Guardrail.ACCOUNT_DAILY_CHANGE,
            limit=f"{money(cap, code)} a day",
            actual=f"{money(standing.account_moved_micros + moved, code)}",
            passing=passing,
            message=f"with this the account's changes of the day add up to "
            f"{money(standing.account_moved_micros + moved, code)}, {money(over, code)} above the limit of "
            f"{money(cap, code)}; {passing} would pass",
            passing_micros=_towards(change, room),
        )


def _totals(change: Change, standing: Standing, limits: HardLimits) -> Iterator[Violation]:
    code = change.currency_code
    cap = limits.max_account_budget_micros
    if cap is not None and standing.account_budget_micros + change.delta_micros > cap:
        yield _total(
            change,
            Guardrail.ACCOUNT_DAILY_BUDGET,
            ("the account's daily budgets", money(standing.account_budget_micros + change.delta_micros, code)),
            (money(cap, code), money(standing.account_budget_micros + change.delta_micros - cap, code)),
            cap - standing.account_budget_micros,
        )
    cap = limits.max_platform_budget_micros
    if cap is None:
        return
    # Micros of the reporting currency are whole: what the last fraction of one would exceed is refused.
    after = standing.platform_budget_reporting_micros + change.delta_micros * change.rate_to_reporting
    if after > cap:
        room = (cap - standing.platform_budget_reporting_micros) / change.rate_to_reporting
        yield _total(
            change,
            Guardrail.PLATFORM_DAILY_BUDGET,
            (f"the daily budgets on {change.platform.value}", money(int(after.to_integral_value("ROUND_CEILING")))),
            (money(cap), money(int((after - cap).to_integral_value("ROUND_CEILING")))),
            int(room.to_integral_value("ROUND_FLOOR")),
        )


def _total(
    change: Change, guardrail: Guardrail, summed: tuple[str, str], cap: tuple[str, str], room_micros: int
) -> Violation:
    what, actual = summed
    limit, over = cap
    room = _down(max(room_micros, 0), change.step_micros)
    passing = f"an increase of {money(room, change.currency_code)} or less" if room else "no increase"
    return Violation(
        guardrail,
        limit=limit,
        actual=actual,
        passing=passing,
        message=f"with this {what} add up to {actual}, {over} above the limit of {limit}; {passing} would pass",
        passing_micros=_towards(change, room),
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where to where a proposer may move a budget, account micros; `locked_because` says why not at all."""

    lower_micros: int
    upper_micros: int | None
    locked_because: str | None


def bounds(change: Change, standing: Standing, limits: HardLimits) -> Bounds:
    """The hard limits as a proposer's room: what it picks inside passes check_limits, taken alone.

    Args:
        change: of the budget as it is now; what it proposes is not looked at.
        standing: as for check_limits; live sending is not looked at: it stops sending, not thinking.
        limits: as for check_limits.
    """
    now = change.current_micros
    lower, upper = _floor(change, limits), limits.max_daily_micros
    rooms = [
        cap - used
        for cap, used in (
            (limits.max_account_change_micros, standing.account_moved_micros),
            (limits.max_account_budget_micros, standing.account_budget_micros),
        )
        if cap is not None
    ]
    if limits.max_platform_budget_micros is not None:
        room = (
            limits.max_platform_budget_micros - standing.platform_budget_reporting_micros
        ) / change.rate_to_reporting
        rooms.append(int(room.to_integral_value("ROUND_FLOOR")))
    if rooms:
        most = now + max(min(rooms), 0)
        upper = most if upper is None else min(upper, most)
    if limits.max_account_change_micros is not None:
        lower = max(lower, now - max(limits.max_account_change_micros - standing.account_moved_micros, 0))
    still = Change(
        ChangeKind.CHANGE, change.platform, change.currency_code, change.rate_to_reporting, now, now,
        change.minimum_micros, change.step_micros,
    )  # fmt: skip
    stops = {Guardrail.CHANGES_DENIED, Guardrail.PLATFORM_LISTS, Guardrail.CHANGES_PER_DAY}
    found = [each for each in check_limits(still, standing, limits) if each.guardrail in stops]
    return Bounds(lower, upper, found[0].message if found else None)


def _floor(change: Change, limits: HardLimits) -> int:
    return max(change.minimum_micros, limits.min_daily_micros or 0)


def _down(amount: int, step: int) -> int:
    return amount // step * step


def _up(amount: int, step: int) -> int:
    return -(-amount // step) * step


def _towards(change: Change, room_micros: int) -> int | None:
    """The budget after moving by at most `room_micros` the wanted way; None if that is no move."""
    if room_micros <= 0:
        return None
    return change.current_micros + (room_micros if change.delta_micros > 0 else -room_micros)


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 11 <= number % 100 <= 13 else endings.get(number % 10, 'th')}"  # noqa: PLR2004 - English
