"""Status changes of campaigns and their queries. A claim is one conditional UPDATE, behind SKIP LOCKED on PostgreSQL.

As with budgets (models/adjustments.py): one writer per campaign, and what is stored under a lease must show its token.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from tortoise import Model, fields
from tortoise.expressions import Q

from domain.emergency_stops import CUT_OFF_CODE, CUT_OFF_REASON
from domain.platforms import CampaignStatus
from domain.status_changes import StatusChange, StatusChangeState
from kit.pagination import Slice
from models.scope import Scope, WriteScope, as_value, as_values, only, sliced


class StatusChangeTable(Model):
    """A campaign on its way to be paused, or set running."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField(db_index=True)
    account_id = fields.UUIDField()
    campaign_id = fields.UUIDField()
    state = fields.CharField(max_length=16)
    version = fields.IntField()
    before = fields.CharField(max_length=16)
    wanted = fields.CharField(max_length=16)
    reason = fields.TextField()
    requested_by_kind = fields.CharField(max_length=16)
    requested_by_id = fields.CharField(max_length=64)
    created_at_utc = fields.DatetimeField()
    attempts = fields.IntField()
    not_before_utc = fields.DatetimeField()
    lease_token = fields.UUIDField(null=True)
    lease_until_utc = fields.DatetimeField(null=True)
    dispatched_at_utc = fields.DatetimeField(null=True)
    confirmed_at_utc = fields.DatetimeField(null=True)
    platform_execution_id = fields.CharField(max_length=200, null=True)
    failure_code = fields.CharField(max_length=64, null=True)
    failure_reason = fields.TextField(null=True)
    observed = fields.CharField(max_length=16, null=True)
    send_key = fields.UUIDField(null=True)
    sent_at_utc = fields.DatetimeField(null=True)
    recheck_at_utc = fields.DatetimeField(null=True, db_index=True)
    stop_id = fields.UUIDField(null=True, db_index=True)

    class Meta:
        table = "status_changes"
        indexes = (("state", "not_before_utc"), ("campaign_id", "state"), ("tenant_id", "workspace_id", "id"))


_COLUMNS: Final = ", ".join(StatusChange.__slots__)
_INSERT: Final = (
    f"INSERT INTO status_changes ({_COLUMNS}) VALUES "  # noqa: S608 - column names and placeholders only
    f"({', '.join(f'${n + 1}' for n in range(len(StatusChange.__slots__)))})"
)
_UNSETTLED: Final = [StatusChangeState.PENDING.value, StatusChangeState.SENDING.value]


async def add_status_change(scope: WriteScope, value: StatusChange) -> None:
    """A new change of the scope's tenant."""
    row = [scope.tenant_id if name == "tenant_id" else getattr(value, name) for name in StatusChange.__slots__]
    await scope.execute(_INSERT, *row)


async def status_change(scope: Scope, change_id: UUID) -> StatusChange:
    """One change. Raises NotFound, also for another tenant's."""
    rows = await scope.of(StatusChangeTable).filter(id=change_id).values()
    return as_value(StatusChange, only(rows, "no such status change"))


async def status_changes_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, StatusChange]:
    """Changes by id; other tenants' are absent."""
    found = as_values(StatusChange, await scope.of(StatusChangeTable).filter(id__in=ids).values())
    return {each.id: each for each in found}


async def status_change_page(
    scope: Scope,
    workspace_id: UUID,
    place: Slice[UUID],
    states: Sequence[StatusChangeState] | None = None,
    campaign_id: UUID | None = None,
) -> list[StatusChange]:
    """What a slice fetches of a workspace's changes (in these states, of this campaign; None for any), newest first."""
    query = scope.of(StatusChangeTable).filter(workspace_id=workspace_id)
    if states is not None:
        query = query.filter(state__in=[state.value for state in states])
    if campaign_id is not None:
        query = query.filter(campaign_id=campaign_id)
    return as_values(StatusChange, await sliced(query, place, newest_first=True))


async def campaign_changes(scope: Scope, campaign_id: UUID, limit: int = 50) -> list[StatusChange]:
    """The newest changes of a campaign, newest first."""
    query = scope.of(StatusChangeTable).filter(campaign_id=campaign_id)
    return as_values(StatusChange, await query.order_by("-id").limit(limit).values())


async def unsettled_of(scope: Scope, campaign_id: UUID) -> list[StatusChange]:
    """A campaign's changes that have not settled, oldest first."""
    query = scope.of(StatusChangeTable).filter(campaign_id=campaign_id, state__in=_UNSETTLED)
    return as_values(StatusChange, await query.order_by("id").values())


async def waiting_of_account(scope: Scope, account_id: UUID) -> list[StatusChange]:
    """What waits for an account and was never sent, oldest first."""
    query = scope.of(StatusChangeTable).filter(account_id=account_id, state=StatusChangeState.PENDING.value)
    return as_values(StatusChange, await query.filter(sent_at_utc__isnull=True).order_by("id").values())


async def changes_of_stops(scope: Scope, stop_ids: list[UUID]) -> dict[UUID, list[StatusChange]]:
    """What emergency stops asked for or cut off, by stop, oldest first."""
    found: dict[UUID, list[StatusChange]] = {}
    query = scope.of(StatusChangeTable).filter(stop_id__in=stop_ids)
    for each in as_values(StatusChange, await query.order_by("id").values()):
        if each.stop_id is not None:
            found.setdefault(each.stop_id, []).append(each)
    return found


async def restarts_waiting(scope: Scope, workspace_id: UUID) -> int:
    """How many campaigns wait to be set running with nothing sent yet: what an emergency stop cuts off."""
    query = scope.of(StatusChangeTable).filter(workspace_id=workspace_id, wanted=CampaignStatus.ENABLED.value)
    return await query.filter(state=StatusChangeState.PENDING.value, sent_at_utc__isnull=True).count()


async def any_unsettled(scope: Scope, workspace_id: UUID) -> bool:
    """Whether a change of the workspace is on its way."""
    return await scope.of(StatusChangeTable).filter(workspace_id=workspace_id, state__in=_UNSETTLED).exists()


async def changed_since(scope: Scope, account_id: UUID, since_utc: datetime) -> set[UUID]:
    """Campaigns of an account whose status was being changed, or was confirmed, since a moment."""
    touched = Q(confirmed_at_utc__gte=since_utc) | Q(state__in=_UNSETTLED, sent_at_utc__isnull=False)
    rows = await scope.of(StatusChangeTable).filter(account_id=account_id).filter(touched).values("campaign_id")
    return {row["campaign_id"] for row in rows}


async def claim(
    scope: WriteScope, change_id: UUID, version: int, token: UUID, now_utc: datetime, until_utc: datetime
) -> StatusChange | None:
    """Take the lease of a due change and move it to SENDING; None when another worker or change holds its campaign.

    One writer per campaign: the claim fails while another change of the campaign is on its way, waits to learn what
    became of its last send, or was asked for earlier. On PostgreSQL whoever holds the campaign's row wins and the rest
    pass by (SKIP LOCKED); SQLite has one writer anyway.

    Args:
        scope: the transaction.
        change_id: which one.
        version: only if it still is this version.
        token: the new lease's; whatever is stored later must show it.
        now_utc: the moment.
        until_utc: the lease's end.
    """
    if not scope.is_sqlite and not await scope.rows(
        "SELECT id FROM campaigns WHERE tenant_id = $1 AND id = "
        "(SELECT campaign_id FROM status_changes WHERE tenant_id = $1 AND id = $2) FOR UPDATE SKIP LOCKED",
        scope.tenant_id,
        change_id,
    ):
        return None
    rows = await scope.rows(
        "UPDATE status_changes SET state = 'SENDING', lease_token = $1, lease_until_utc = $2, "  # noqa: S608 - column names only
        "attempts = attempts + 1, version = version + 1, dispatched_at_utc = $3 "
        "WHERE id = $4 AND tenant_id = $5 AND version = $6 AND not_before_utc <= $3 "
        "AND (state = 'PENDING' OR (state = 'SENDING' AND lease_until_utc < $3)) "
        # While an emergency stop is in force only what pauses is taken up, and what has to be looked at.
        "AND (state <> 'PENDING' OR wanted = 'PAUSED' OR sent_at_utc IS NOT NULL OR NOT EXISTS (SELECT 1 "
        "FROM emergency_stops stop WHERE stop.tenant_id = $5 AND stop.workspace_id = status_changes.workspace_id "
        "AND stop.lifted_at_utc IS NULL)) "
        "AND NOT EXISTS (SELECT 1 FROM status_changes other WHERE other.tenant_id = $5 "
        "AND other.id <> status_changes.id AND other.campaign_id = status_changes.campaign_id "
        "AND (other.state = 'SENDING' OR (other.state = 'PENDING' "
        # Only a fresh one gives way to one that waits for its outcome: two that wait must not wait for each other.
        "AND status_changes.state = 'PENDING' AND status_changes.sent_at_utc IS NULL "
        "AND (other.sent_at_utc IS NOT NULL OR other.id < status_changes.id)))) "
        f"RETURNING {_COLUMNS}",
        token,
        until_utc,
        now_utc,
        change_id,
        scope.tenant_id,
        version,
    )
    return as_value(StatusChange, rows[0]) if rows else None


async def store_intent(scope: WriteScope, value: StatusChange, now_utc: datetime) -> bool:
    """Store what is about to be sent and begin the lease anew; False when the lease ran out or was lost.

    Must be committed before the platform is called. No version: nothing that people see has changed.
    """
    changed = await scope.execute(
        "UPDATE status_changes SET observed = $1, send_key = $2, sent_at_utc = $3, lease_until_utc = $4 "
        "WHERE id = $5 AND tenant_id = $6 AND lease_token = $7 AND lease_until_utc > $8 AND state = 'SENDING'",
        value.observed,
        value.send_key,
        value.sent_at_utc,
        value.lease_until_utc,
        value.id,
        scope.tenant_id,
        value.lease_token,
        now_utc,
    )
    return bool(changed)


async def store_if_leased(scope: WriteScope, value: StatusChange, token: UUID) -> bool:
    """Write the next version if this worker still holds the lease; False when it was lost."""
    query = scope.of(StatusChangeTable).filter(id=value.id, version=value.version - 1, lease_token=token)
    return bool(
        await query.update(
            state=value.state.value,
            version=value.version,
            not_before_utc=value.not_before_utc,
            lease_token=value.lease_token,
            lease_until_utc=value.lease_until_utc,
            confirmed_at_utc=value.confirmed_at_utc,
            platform_execution_id=value.platform_execution_id,
            failure_code=value.failure_code,
            failure_reason=value.failure_reason,
            observed=None if value.observed is None else value.observed.value,
            send_key=value.send_key,
            sent_at_utc=value.sent_at_utc,
            recheck_at_utc=value.recheck_at_utc,
            stop_id=value.stop_id,
        )
    )


async def postpone(scope: WriteScope, change_id: UUID, version: int, until_utc: datetime) -> bool:
    """Let one that waits wait longer: for a quota. No version and no event: to people it is waiting all the same."""
    query = scope.of(StatusChangeTable).filter(id=change_id, version=version)
    return bool(await query.update(not_before_utc=until_utc))


async def fail_never_sent(scope: WriteScope, value: StatusChange) -> bool:
    """Store the failure of a change that gives way; False when it is no longer waiting."""
    query = scope.of(StatusChangeTable).filter(id=value.id, version=value.version - 1)
    query = query.filter(state=StatusChangeState.PENDING.value, sent_at_utc__isnull=True)
    return bool(
        await query.update(
            state=value.state.value,
            version=value.version,
            failure_code=value.failure_code,
            failure_reason=value.failure_reason,
        )
    )


async def fail_waiting(scope: WriteScope, workspace_id: UUID, stop_id: UUID) -> list[StatusChange]:
    """Fail what waits to set a campaign running and was never sent, so that none of it leaves later."""
    rows = await scope.rows(
        "UPDATE status_changes SET state = 'FAILED', version = version + 1, failure_code = $1, failure_reason = $2, "  # noqa: S608 - column names only
        "stop_id = $3 WHERE tenant_id = $4 AND workspace_id = $5 AND state = 'PENDING' AND sent_at_utc IS NULL "
        f"AND wanted = 'ENABLED' RETURNING {_COLUMNS}",
        CUT_OFF_CODE,
        CUT_OFF_REASON,
        stop_id,
        scope.tenant_id,
        workspace_id,
    )
    return sorted(as_values(StatusChange, rows), key=lambda each: each.id)


async def end_recheck(scope: WriteScope, change_id: UUID, version: int, again_at_utc: datetime | None) -> None:
    """A confirmed change was looked at once more: not again, or at that moment."""
    await scope.of(StatusChangeTable).filter(id=change_id, version=version).update(recheck_at_utc=again_at_utc)


async def recheck_newest(scope: WriteScope, campaign_id: UUID, at_utc: datetime) -> None:
    """Have a campaign's newest confirmed change read once more: a stale worker may have written over it."""
    await scope.execute(
        "UPDATE status_changes SET recheck_at_utc = $1 WHERE tenant_id = $2 AND id = (SELECT newest.id "
        "FROM status_changes newest WHERE newest.tenant_id = $2 AND newest.campaign_id = $3 "
        "AND newest.state = 'CONFIRMED' ORDER BY newest.confirmed_at_utc DESC, newest.id DESC LIMIT 1)",
        at_utc,
        scope.tenant_id,
        campaign_id,
    )


async def reopen_if_unchanged(scope: WriteScope, value: StatusChange) -> bool:
    """Queue a confirmed change again that a stray write undid; False when it or its campaign moved on meanwhile."""
    changed = await scope.execute(
        "UPDATE status_changes SET state = 'PENDING', version = $1, attempts = 0, not_before_utc = $2, "
        "confirmed_at_utc = NULL, recheck_at_utc = NULL, failure_code = $3, failure_reason = $4 "
        "WHERE id = $5 AND tenant_id = $6 AND version = $1 - 1 AND state = 'CONFIRMED' "
        "AND NOT EXISTS (SELECT 1 FROM status_changes other WHERE other.tenant_id = $6 "
        "AND other.id <> status_changes.id AND other.campaign_id = status_changes.campaign_id "
        "AND (other.state = 'SENDING' OR other.confirmed_at_utc > status_changes.confirmed_at_utc))",
        value.version,
        value.not_before_utc,
        value.failure_code,
        value.failure_reason,
        value.id,
        scope.tenant_id,
    )
    return bool(changed)
