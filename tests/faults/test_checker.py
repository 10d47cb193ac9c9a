"""The judge is judged: effects that were planted twice, taken away, late or foreign are found, sound stories pass."""

from dataclasses import replace
from datetime import timedelta
from itertools import count, pairwise

import msgspec

from domain.adjustments import Adjustment, AdjustmentStatus
from domain.log import ActorKind, LogEntry, LogEvent
from tests.faults.checker import Effect, Place, Verdict, check
from tests.unit.domain.pipeline_values import NOW, SOMEWHERE, adjustment

S = AdjustmentStatus
PLACE: Place = ("META", "1", "b1")


def units(amount: int) -> int:
    return amount * 1_000_000


def change(before: int, after: int, status: S = S.CONFIRMED) -> Adjustment:
    confirmed = NOW if status in {S.CONFIRMED, S.REVERTED} else None
    return adjustment(
        status=status, before_micros=units(before), intended_micros=units(after), confirmed_at_utc=confirmed
    )


def effects(*amounts: int, outsiders: tuple[int, ...] = (), every_seconds: int = 1) -> list[Effect]:
    """A ledger in which the budget took these amounts in turn; `outsiders` are the positions of foreign edits."""
    return [
        Effect(n, NOW + timedelta(seconds=n * every_seconds), PLACE, units(a), units(b), by_api=n not in outsiders)
        for n, (a, b) in enumerate(pairwise(amounts), start=1)
    ]


def verdicts(ledger: list[Effect], *changes: Adjustment) -> list[Verdict]:
    numbered = [replace(each, id=type(each.id)(int=n)) for n, each in enumerate(changes, start=1)]
    return [each.verdict for each in check(ledger, [(PLACE, each) for each in numbered], [])]


def test_sound_stories_pass() -> None:
    assert verdicts([]) == []
    assert verdicts(effects(100, 90), change(100, 90)) == []
    assert verdicts(effects(100, 90, 80), change(100, 90), change(90, 80)) == []
    assert verdicts(effects(100, 90, 100), change(100, 90), change(90, 100)) == []
    assert verdicts(effects(100, 90, 100, 90), change(100, 90), change(90, 100), change(100, 90)) == []
    assert verdicts(effects(100, 90, 100), change(100, 90, S.REVERTED), change(90, 100)) == []
    assert verdicts([], change(100, 90, S.FAILED)) == []
    assert verdicts(effects(100, 90), change(100, 90, S.UNKNOWN)) == []


def test_setting_what_stands_there_already_is_no_double() -> None:
    assert verdicts(effects(100, 90, 90, 90), change(100, 90)) == []
    assert verdicts(effects(100, 90, outsiders=(1,)), change(100, 90)) == []  # an outsider set just that


def test_a_lost_effect_is_found() -> None:
    assert verdicts([], change(100, 90)) == [Verdict.LOST]
    assert verdicts(effects(100, 90), change(100, 90), change(90, 80)) == [Verdict.LOST]
    assert verdicts(effects(100, 90), change(100, 90, S.REVERTED), change(90, 95)) == [Verdict.LOST]
    assert verdicts([], change(100, 90, S.REVERTED)) == [Verdict.LOST]


def test_a_doubled_effect_is_found() -> None:
    """Somebody put it back, and the same change moved it again."""
    assert verdicts(effects(100, 90, 100, 90, outsiders=(2,)), change(100, 90)) == [Verdict.DOUBLED]


def test_an_amount_that_nobody_approved_is_found() -> None:
    assert verdicts(effects(100, 85), change(100, 90, S.UNKNOWN)) == [Verdict.UNINTENDED]
    assert verdicts(effects(100, 100), change(100, 90, S.FAILED)) == [Verdict.UNINTENDED]
    assert verdicts(effects(100, 90)) == [Verdict.UNINTENDED]


def test_an_outsiders_edit_that_was_overwritten_is_found() -> None:
    assert verdicts(effects(100, 105, 90, outsiders=(1,)), change(100, 90)) == [Verdict.OVERWROTE]
    assert verdicts(effects(100, 90, 95, outsiders=(2,)), change(100, 90)) == []


def test_a_stale_write_must_be_put_right_in_time() -> None:
    both = (change(100, 90), change(90, 80))
    assert verdicts(effects(100, 90, 80, 90), *both) == [Verdict.STALE]
    assert verdicts(effects(100, 90, 80, 90, 80), *both) == []
    assert verdicts(effects(100, 90, 80, 90, 80, every_seconds=61), *both) == [Verdict.STALE]
    assert verdicts(effects(100, 90, 80, 90, 70, outsiders=(4,)), *both) == []


def test_what_was_applied_must_not_be_told_as_failed() -> None:
    assert verdicts(effects(100, 90), change(100, 90, S.FAILED)) == [Verdict.UNRECORDED]


def test_of_two_changes_alike_the_one_that_was_given_up_made_no_effect_unless_the_other_came_later() -> None:
    given_up, done = change(100, 90, S.FAILED), change(100, 90)
    assert verdicts(effects(100, 90), given_up, done) == []
    later = replace(done, created_at_utc=NOW + timedelta(seconds=2))
    assert verdicts(effects(100, 90), given_up, later) == [Verdict.UNRECORDED]


def test_what_never_settles_is_found() -> None:
    for status in (S.PENDING, S.SENDING, S.APPLIED):
        assert verdicts([], change(100, 90, status)) == [Verdict.UNSETTLED]


def test_budgets_are_judged_apart() -> None:
    elsewhere = ("META", "1", "b2")
    found = check([replace(effects(100, 90)[0], place=elsewhere)], [(PLACE, change(100, 90))], [])
    assert [(each.verdict, each.place) for each in found] == [(Verdict.LOST, PLACE), (Verdict.UNINTENDED, elsewhere)]


def told(*steps: tuple[str, S], versions: tuple[int, ...] | None = None) -> list[Verdict]:
    """What the judge says of one confirmed change whose events are these."""
    subject = replace(change(100, 90), version=len(steps))
    numbers = iter(versions or count(1))
    events = [
        LogEvent(
            entry=LogEntry(
                tenant_id=SOMEWHERE, sequence=n, workspace_id=SOMEWHERE, at_utc=NOW, actor_kind=ActorKind.SYSTEM,
                actor_id="dispatch", kind=f"adjustment.{kind}", subject_type="adjustment", subject_id=subject.id,
                subject_version=next(numbers), payload_digest="", prev_hash="", hash="",
            ),
            before=None,
            after=msgspec.to_builtins(replace(subject, status=status)),
        )
        for n, (kind, status) in enumerate(steps, start=1)
    ]  # fmt: skip
    return [each.verdict for each in check(effects(100, 90), [(PLACE, subject)], events)]


def test_the_log_must_tell_the_same_story() -> None:
    usual = (("queued", S.PENDING), ("dispatched", S.SENDING), ("applied", S.APPLIED), ("confirmed", S.CONFIRMED))
    assert told(*usual) == []
    assert told(*usual, ("strayed", S.PENDING), ("confirmed", S.CONFIRMED)) == []
    assert told(*usual, ("restoring", S.CONFIRMED)) == []
    assert told(*usual[:-1]) == [Verdict.MISLOGGED] * 2
    assert told(*usual, versions=(1, 2, 2, 3)) == [Verdict.MISLOGGED]
    assert told(*usual, ("confirmed", S.CONFIRMED)) == [Verdict.MISLOGGED]
    assert told(*usual[:-1], ("confirmed", S.APPLIED)) == [Verdict.MISLOGGED]
