"""Which events make a notice, for whom, in which words."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.access import Permission
from domain.log import ActorKind, LogEntry, LogEvent
from domain.notifications.notices import (
    RULES,
    Audience,
    NoticeKind,
    Recipient,
    Urgency,
    acknowledging_person,
    addressed,
    draft,
    plain,
)

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
WORKSPACE = UUID(int=1)
SUBJECT = UUID(int=2)
READ, WRITE = Permission.CAMPAIGN_READ, Permission.CAMPAIGN_WRITE


def event(kind: str, after: dict[str, Any] | None = None, **changes: Any) -> LogEvent:
    entry = LogEntry(
        UUID(int=9),
        7,
        WORKSPACE,
        NOON,
        ActorKind.SYSTEM,
        "job",
        kind,
        kind.split(".", maxsplit=1)[0],
        SUBJECT,
        1,
        "d",
        "p",
        "h",
    )
    return LogEvent(replace(entry, **changes), None, after)


def person(*roles: str, permissions: frozenset[Permission] = frozenset({READ})) -> Recipient:
    return Recipient(uuid4(), "Ana", "ana@acme.test", frozenset(roles), permissions)


@pytest.mark.parametrize(
    ("kind", "after", "title", "body"),
    [
        ("plan.proposed", {"explanation": "moves 30"}, "12 budget changes wait for your decision", "moves 30"),
        (
            "recommendation.needs_review",
            {"campaign_name": "Spring", "needs_review_because": [{"message": "40 % is over 25 %"}, {"message": "new"}]},
            "A budget change for Spring needs your review",
            "40 % is over 25 %; new",
        ),
        (
            "adjustment.failed",
            {"failure_code": "100/33", "failure_reason": "no such ad set"},
            "A budget change failed (100/33)",
            "no such ad set",
        ),
        (
            "adjustment.failed",
            {"failure_code": "UNFUNDED", "failure_reason": "its decrease failed"},
            "An approved increase was not sent: nothing pays for it",
            "its decrease failed",
        ),
        (
            "adjustment.unknown",
            {"failure_code": "BUDGET_CHANGED_ELSEWHERE", "failure_reason": "it is 7"},
            "The outcome of a budget change is unknown (BUDGET_CHANGED_ELSEWHERE): please decide",
            "it is 7",
        ),
        (
            "ad_account.sync_failed",
            {"name": "Shop", "platform": "META", "sync_error": "token expired"},
            "Shop (META) could not be synced",
            "token expired",
        ),
        (
            "ad_account.quota_exceeded",
            {"name": "Shop", "platform": "META", "reason": "again in 60 s"},
            "The request quota of Shop (META) is used up",
            "again in 60 s",
        ),
        ("workspace.stopped", {"reason": "spend runs away"}, "EMERGENCY STOP: nothing more is sent", "spend runs away"),
        (
            "emergency_stop.lifted",
            {},
            "The emergency stop was lifted",
            "Changes may be approved and sent again; automation stays paused.",
        ),
        (
            "ad_account_issue.reported",
            {"platform": "META", "summary": "ad rejected", "message": "policy"},
            "META reports ad rejected",
            "policy",
        ),
    ],
)
@pytest.mark.req("RB-F7", "RB-2.2")
def test_each_kind_of_event_says_what_happened(kind: str, after: dict[str, Any], title: str, body: str) -> None:
    told = draft(event(kind, after), waiting=12)
    assert told is not None
    assert (told.title, told.body, told.kind) == (title, body, RULES[kind].kind)
    assert (told.workspace_id, told.subject_type, told.subject_id) == (
        WORKSPACE,
        kind.split(".", maxsplit=1)[0],
        SUBJECT,
    )


def test_one_waiting_change_is_told_in_the_singular() -> None:
    told = draft(event("plan.proposed", {}), waiting=1)
    assert told is not None
    assert told.title == "A budget change waits for your decision"


def test_a_plan_that_leaves_nothing_to_decide_makes_no_notice() -> None:
    assert draft(event("plan.proposed", {"explanation": "nothing"}), waiting=0) is None


@pytest.mark.parametrize("kind", ["adjustment.confirmed", "notice.added", "alert.raised", "recommendation.suggested"])
def test_other_events_make_no_notice(kind: str) -> None:
    assert draft(event(kind, {}), waiting=3) is None


def test_what_happens_in_no_workspace_concerns_nobody_here() -> None:
    assert draft(event("adjustment.failed", {}, workspace_id=None), waiting=0) is None


#: What only its facts make worth telling.
BY_ITS_FACTS = {"adjustment.confirmed", "status_change.confirmed"}


@pytest.mark.parametrize("kind", sorted(set(RULES) - BY_ITS_FACTS))
def test_an_event_whose_payload_was_erased_is_told_without_its_facts(kind: str) -> None:
    told = draft(event(kind, None), waiting=2)
    assert told is not None
    assert told.title


def test_every_kind_of_notice_has_an_event() -> None:
    assert {rule.kind for rule in RULES.values()} == set(NoticeKind)


def test_an_escalated_alert_is_told_about_its_own_subject() -> None:
    after = {
        "kind": "ADJUSTMENT_FAILED",
        "title": "A budget change failed",
        "subject_type": "adjustment",
        "subject_id": str(UUID(int=5)),
    }
    told = draft(event("alert.escalated", after, subject_type="alert", subject_id=UUID(int=4)), waiting=0)
    assert told is not None
    assert (told.subject_type, told.subject_id, told.alert_id) == ("adjustment", UUID(int=5), UUID(int=4))
    assert (told.title, told.body) == (
        "Nobody has acknowledged an alert: adjustment failed",
        "A budget change failed",
    )
    assert (told.audience, told.urgency, told.alert) == (Audience.OWNERS, Urgency.HIGH, False)


@pytest.mark.req("RB-F7")
def test_approvals_are_for_who_may_decide_and_failures_for_owners_and_the_approver() -> None:
    both = frozenset({READ, WRITE})
    owner = person("owner", permissions=both)
    ben = person("campaign_manager", "reviewer", permissions=both)
    reviewer_only = person("reviewer")
    manager_only = person("campaign_manager", permissions=both)
    analyst = person("data_analyst")
    everybody = [owner, ben, reviewer_only, manager_only, analyst]

    waiting = draft(event("plan.proposed", {}), waiting=1)
    failed = draft(event("adjustment.failed", {"approved_by_id": str(ben.user_id)}), waiting=0)
    stopped = draft(event("workspace.stopped", {}), waiting=0)
    escalated = draft(event("alert.escalated", {}), waiting=0)
    assert waiting and failed and stopped and escalated  # noqa: PT018 - one fact: all four make a notice
    assert addressed(waiting, everybody) == [ben]
    assert addressed(failed, everybody) == [owner, ben]
    assert addressed(stopped, everybody) == [owner, ben]
    assert addressed(escalated, everybody) == [owner]


def test_what_a_stop_cut_off_is_told_by_the_stop_alone() -> None:
    assert draft(event("adjustment.failed", {"failure_code": "EMERGENCY_STOP"}), waiting=0) is None


def test_a_job_that_approved_is_nobody_to_tell() -> None:
    told = draft(event("adjustment.failed", {"approved_by_id": "auto"}), waiting=0)
    assert told is not None
    assert told.approver_id is None


def test_who_may_not_read_campaigns_is_told_nothing() -> None:
    told = draft(event("adjustment.failed", {}), waiting=0)
    assert told is not None
    assert addressed(told, [person("owner", permissions=frozenset())]) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nBcc: eve@evil.test", "a Bcc: eve@evil.test"),
        ("  a\x00b\x7f\u2028c ", "a b c"),
        ("abcdefghijk", "abcdefghi…"),
        ("abcdefghij", "abcdefghij"),
    ],
)
def test_texts_become_one_short_line(text: str, line: str) -> None:
    assert plain(text, 10 if text.startswith("abcdefghij") else 100) == line


def test_a_person_who_retries_takes_the_alert_in_hand() -> None:
    ana = uuid4()
    by_person = event("adjustment.retried", {}, actor_kind=ActorKind.MEMBER, actor_id=str(ana))
    assert acknowledging_person(by_person) == ana
    assert acknowledging_person(event("adjustment.retried", {})) is None
    assert acknowledging_person(event("adjustment.failed", {}, actor_kind=ActorKind.MEMBER, actor_id=str(ana))) is None
