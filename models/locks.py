"""Rows that a use-case holds while it looks and then writes, so that two of its kind queue. Must hold no other query.

On SQLite nothing is to be done: a transaction begins as the only writer. Held before any other row (models/log.py tells
the order of the rest).
"""

from collections.abc import Collection
from uuid import UUID

from models.scope import WriteScope


async def hold_workspace(scope: WriteScope, workspace_id: UUID) -> None:
    """Until the transaction ends no other one holds this workspace."""
    if not scope.is_sqlite:
        await scope.rows(
            "SELECT id FROM workspaces WHERE tenant_id = $1 AND id = $2 FOR UPDATE", scope.tenant_id, workspace_id
        )


async def hold_account(scope: WriteScope, account_id: UUID) -> None:
    """Until the transaction ends no other one holds this ad account."""
    if not scope.is_sqlite:
        await scope.rows(
            "SELECT id FROM ad_accounts WHERE tenant_id = $1 AND id = $2 FOR UPDATE", scope.tenant_id, account_id
        )


async def hold_accounts(scope: WriteScope, account_ids: Collection[UUID]) -> None:
    """As `hold_account`, of several, in the order of their ids."""
    for account_id in sorted(set(account_ids)):
        await hold_account(scope, account_id)


async def hold_plans(scope: WriteScope, plan_ids: Collection[UUID]) -> None:
    """As `hold_plan`, of several, in the order of their ids."""
    for plan_id in sorted(set(plan_ids)):
        await hold_plan(scope, plan_id)


async def hold_plan(scope: WriteScope, plan_id: UUID) -> None:
    """Until the transaction ends no other one holds this plan, or counts an approval in it."""
    if not scope.is_sqlite:
        await scope.rows("SELECT id FROM plans WHERE tenant_id = $1 AND id = $2 FOR UPDATE", scope.tenant_id, plan_id)
