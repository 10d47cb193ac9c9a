"""Ad accounts and their queries."""

from datetime import date, datetime
from uuid import UUID

from tortoise import Model, fields

from domain.ad_accounts import AdAccount
from kit.pagination import Slice
from models.scope import Scope, WriteScope, as_value, as_values, sliced, value_by_id, values_by_id


class AdAccountTable(Model):
    """A platform account connected to a workspace."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField(db_index=True)
    platform = fields.CharField(max_length=16)
    external_id = fields.CharField(max_length=64)
    name = fields.CharField(max_length=200)
    currency_code = fields.CharField(max_length=3)
    time_zone = fields.CharField(max_length=64)
    synced_at_utc = fields.DatetimeField(null=True)
    sync_error = fields.TextField(null=True)
    connected = fields.BooleanField()
    fetched_until = fields.DateField(null=True)
    connection_id = fields.UUIDField(null=True)

    class Meta:
        table = "ad_accounts"
        unique_together = (("workspace_id", "platform", "external_id"),)


async def ad_accounts(scope: Scope, workspace_id: UUID) -> list[AdAccount]:
    """A workspace's accounts in the order they were connected."""
    rows = await scope.of(AdAccountTable).filter(workspace_id=workspace_id).order_by("id").values()
    return as_values(AdAccount, rows)


async def ad_account_page(scope: Scope, workspace_id: UUID, place: Slice[UUID]) -> list[AdAccount]:
    """What a slice fetches of a workspace's accounts, in the order they were connected."""
    return as_values(AdAccount, await sliced(scope.of(AdAccountTable).filter(workspace_id=workspace_id), place))


async def ad_account(scope: Scope, account_id: UUID) -> AdAccount:
    """One account. Raises NotFound."""
    return await value_by_id(scope, AdAccount, "ad_accounts", account_id, "no such ad account")


async def ad_accounts_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, AdAccount]:
    """Accounts by id; other tenants' are absent."""
    return await values_by_id(scope, AdAccount, "ad_accounts", ids)


async def find_ad_account(scope: Scope, workspace_id: UUID, platform: str, external_id: str) -> AdAccount | None:
    """The account with the platform's own id, if it is connected."""
    rows = await (
        scope.of(AdAccountTable).filter(workspace_id=workspace_id, platform=platform, external_id=external_id).values()
    )
    return as_value(AdAccount, rows[0]) if rows else None


async def add_ad_account(scope: WriteScope, account: AdAccount) -> None:
    """Connect an account."""
    columns = {name: getattr(account, name) for name in AdAccount.__slots__ if name != "tenant_id"}
    columns["platform"] = account.platform.value
    await scope.create(AdAccountTable, **columns)


async def mark_synced(
    scope: WriteScope, account_id: UUID, at_utc: datetime, error: str | None, fetched_until: date | None = None
) -> None:
    """Note how the last sync went; a failed one keeps the time and the reach of the last good one."""
    changes: dict[str, object] = {"sync_error": error}
    if error is None:
        changes |= {"synced_at_utc": at_utc, "fetched_until": fetched_until}
    await scope.of(AdAccountTable).filter(id=account_id).update(**changes)


async def store_ad_account(scope: WriteScope, account: AdAccount) -> None:
    """What the platform now says of a known account, and whether it is connected."""
    await (
        scope.of(AdAccountTable)
        .filter(id=account.id)
        .update(
            name=account.name,
            time_zone=account.time_zone,
            connected=account.connected,
            connection_id=account.connection_id,
        )
    )


async def accounts_of_connection(scope: Scope, connection_id: UUID) -> list[AdAccount]:
    """The accounts that a connection opens, in the order they were connected."""
    rows = await scope.of(AdAccountTable).filter(connection_id=connection_id).order_by("id").values()
    return as_values(AdAccount, rows)
