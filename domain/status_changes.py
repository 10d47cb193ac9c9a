"""Status changes: campaigns on their way to be paused, or set running again. Pure.

    PENDING -> SENDING -> CONFIRMED
                  |
                  +-> FAILED   (nothing was sent, or it is known that nothing came of it)
                  +-> UNKNOWN  (sent, and the platform shows neither status, or does not answer)

A change says the wanted status, never "the other one": sending it twice changes nothing. As with budgets, a worker
stores its *intent* before it calls the platform: what it saw just now, the send's own key, and when. While an intent
has no known outcome the platform is read first, and not before it has settled: the wanted status means that the call
went through, the status before means send again, anything else is left to a person.

There are two statuses only, so somebody who undoes a change on the platform while its outcome is open cannot be told
from a change that never arrived; it is sent again then.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from domain.adjustments import STRAYED_CODE, STRAYS_WITHIN
from domain.errors import InvalidInput, InvalidTransition, PlatformError
from domain.log import ActorKind
from domain.platforms import CampaignStatus
from domain.recommendations import MAX_REASON_CHARACTERS
from domain.retries import after_call


class StatusChangeState(StrEnum):
    """Where a status change is; it counts only when it was read back (CONFIRMED)."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


#: States from which nothing moves by itself.
SETTLED: Final = frozenset({StatusChangeState.CONFIRMED, StatusChangeState.FAILED, StatusChangeState.UNKNOWN})

ALLOWED: Final[dict[StatusChangeState, frozenset[StatusChangeState]]] = {
    StatusChangeState.PENDING: frozenset({StatusChangeState.SENDING, StatusChangeState.FAILED}),
    StatusChangeState.SENDING: frozenset(
        {
            StatusChangeState.PENDING,
            StatusChangeState.CONFIRMED,
            StatusChangeState.FAILED,
            StatusChangeState.UNKNOWN,
        }
    ),
    # A stray late write of a stale worker undid it: it is sent again.
    StatusChangeState.CONFIRMED: frozenset({StatusChangeState.PENDING}),
    # Whoever wants it all the same asks for a new one.
    StatusChangeState.FAILED: frozenset(),
    StatusChangeState.UNKNOWN: frozenset(),
}

#: Why a change that waited was not sent: the opposite was wanted meanwhile.
SUPERSEDED_CODE: Final = "SUPERSEDED"

_OPPOSITE: Final = {
    CampaignStatus.ENABLED: CampaignStatus.PAUSED,
    CampaignStatus.PAUSED: CampaignStatus.ENABLED,
}


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A wanted status of one campaign, and what became of it.

    Attributes:
        before, wanted: ENABLED and PAUSED, one each.
        reason: why, for attribution.
        stop_id: the emergency stop that asked for it, or that cut it off.
        observed, send_key, sent_at_utc: the intent of the newest send.
        recheck_at_utc: when a confirmed change is to be read once more.
    """

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    account_id: UUID
    campaign_id: UUID
    state: StatusChangeState
    version: int
    before: CampaignStatus
    wanted: CampaignStatus
    reason: str
    requested_by_kind: ActorKind
    requested_by_id: str
    created_at_utc: datetime
    attempts: int
    not_before_utc: datetime
    lease_token: UUID | None = None
    lease_until_utc: datetime | None = None
    dispatched_at_utc: datetime | None = None
    confirmed_at_utc: datetime | None = None
    platform_execution_id: str | None = None
    failure_code: str | None = None
    failure_reason: str | None = None
    observed: CampaignStatus | None = None
    send_key: UUID | None = None
    sent_at_utc: datetime | None = None
    recheck_at_utc: datetime | None = None
    stop_id: UUID | None = None

    @property
    def pauses(self) -> bool:
        """Whether it stops a campaign's spending; else it sets it running."""
        return self.wanted is CampaignStatus.PAUSED

    @property
    def never_sent(self) -> bool:
        """Whether it waits and nothing of it has ever left."""
        return self.state is StatusChangeState.PENDING and self.sent_at_utc is None


#: What `replace` clears when a send is known to have changed nothing.
NO_INTENT: Final[dict[str, Any]] = {"observed": None, "send_key": None, "sent_at_utc": None}


def status_before(wanted: CampaignStatus) -> CampaignStatus:
    """What a campaign is before it becomes what is wanted. Raises InvalidInput for what nobody can ask for."""
    before = _OPPOSITE.get(wanted)
    if before is None:
        raise InvalidInput("a campaign can be paused or set running, nothing else", path=("status",))
    return before


def check_reason(reason: str) -> str:
    """The reason without outer blanks. Raises InvalidInput unless 1 to 500 characters are left."""
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON_CHARACTERS:
        raise InvalidInput(f"a reason has 1 to {MAX_REASON_CHARACTERS} characters", path=("reason",))
    return reason


class Finding(StrEnum):
    """What a look at the platform says of a change that is about to be sent, or was."""

    SEND = "SEND"
    ALREADY_APPLIED = "ALREADY_APPLIED"
    CHANGED_ELSEWHERE = "CHANGED_ELSEWHERE"


def finding(change: StatusChange, observed: CampaignStatus) -> Finding:
    """Compare the status as it stands with what is wanted and with what it should be changed from."""
    if observed is change.wanted:
        return Finding.ALREADY_APPLIED
    return Finding.SEND if observed is change.before else Finding.CHANGED_ELSEWHERE


def moved(change: StatusChange, state: StatusChangeState, **changes: Any) -> StatusChange:
    """The change in its next state. Raises InvalidTransition if there is no such step.

    A state that no worker needs to hold gives the lease back.
    """
    allowed = ALLOWED[change.state]
    if state not in allowed:
        raise InvalidTransition(
            f"a status change cannot go from {change.state.value} to {state.value}",
            state=change.state.value,
            allowed=tuple(sorted(each.value for each in allowed)),
        )
    if state is not StatusChangeState.SENDING:
        changes |= {"lease_token": None, "lease_until_utc": None}
    return replace(change, state=state, version=change.version + 1, **changes)


def after_failure(
    change: StatusChange, error: PlatformError, jitter: float, now_utc: datetime, *, settle_until_utc: datetime
) -> StatusChange:
    """Where a refused or failed call leaves a change in SENDING: queued again, failed, or unknown.

    Args:
        change: under its worker's lease.
        error: what the platform did; without a known outcome only if it was asked to change something.
        jitter: uniform in [0, 1), for the backoff.
        now_utc: the moment.
        settle_until_utc: when the platform has settled, if it was called now.
    """
    was_sent = change.sent_at_utc is not None
    left = after_call(error, change.attempts, jitter, now_utc, settle_until_utc - now_utc, was_sent=was_sent)
    facts: dict[str, Any] = {"failure_code": left.code, "failure_reason": left.reason}
    if left.not_before_utc is not None:
        facts["not_before_utc"] = left.not_before_utc
    return moved(change, StatusChangeState(left.ending), **facts)


def superseded(change: StatusChange) -> StatusChange:
    """A change that was never sent, after somebody asked for the opposite. Raises InvalidTransition."""
    why = "the opposite was asked for before it was sent"
    return moved(change, StatusChangeState.FAILED, failure_code=SUPERSEDED_CODE, failure_reason=why)


def giving_way(
    standing: CampaignStatus, unsettled: Iterable[StatusChange], wanted: CampaignStatus
) -> tuple[StatusChange, ...]:
    """What gives way when a campaign is asked to become what is wanted: what waits for the opposite.

    Behind what is on its way already the new change queues. That a campaign was read to be so last refuses nothing: it
    may have changed on its platform since, and a look costs less than a campaign that spends on.

    Args:
        standing: the campaign as it was read last.
        unsettled: its changes that have not settled, oldest first.
        wanted: ENABLED or PAUSED.

    Raises:
        InvalidTransition: the campaign is gone, or is on its way to be so already.
    """
    if standing is CampaignStatus.REMOVED:
        raise InvalidTransition("this campaign is gone from its platform", state=standing.value)
    open_ = list(unsettled)
    if open_ and open_[-1].wanted is wanted:
        raise InvalidTransition(f"this campaign is on its way to be {wanted.value} already", state=wanted.value)
    return tuple(each for each in open_ if each.never_sent)


def strayed(confirmed: StatusChange, observed: CampaignStatus, others: Iterable[StatusChange]) -> bool:
    """Whether a confirmed change was undone by a late write of our own rather than by a person.

    Only an older change of the same campaign, sent recently, can have done that.

    Args:
        confirmed: the newest change of its campaign.
        observed: the campaign as it stands.
        others: other changes of the same campaign.
    """
    if observed is not confirmed.before:
        return False
    return any(
        each.wanted is observed
        and each.sent_at_utc is not None
        and confirmed.sent_at_utc is not None
        and each.sent_at_utc >= confirmed.sent_at_utc - STRAYS_WITHIN
        for each in others
    )


def reopened(confirmed: StatusChange, now_utc: datetime) -> StatusChange:
    """A confirmed change that a stray write undid, queued again. Raises InvalidTransition."""
    return moved(
        confirmed,
        StatusChangeState.PENDING,
        attempts=0,
        not_before_utc=now_utc,
        confirmed_at_utc=None,
        recheck_at_utc=None,
        failure_code=STRAYED_CODE,
        failure_reason="an older change arrived late and undid this one",
    )
