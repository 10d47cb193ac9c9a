"""Tenants and workspaces, and their queries."""

from datetime import datetime
from uuid import UUID

from tortoise import Model, fields

from domain.workspaces import Workspace
from kit.pagination import Slice
from models.scope import Scope, WriteScope, as_value, as_values, only, sliced


class TenantTable(Model):
    """A customer: the border no query crosses."""

    id = fields.UUIDField(primary_key=True)
    name = fields.CharField(max_length=200)
    created_at_utc = fields.DatetimeField()

    class Meta:
        table = "tenants"


class WorkspaceTable(Model):
    """The working place of a team inside a tenant."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    name = fields.CharField(max_length=200)
    reporting_currency = fields.CharField(max_length=3)
    time_zone = fields.CharField(max_length=64)
    review_deadline = fields.CharField(max_length=5)
    rejection_hold_days = fields.IntField()
    max_change_share = fields.FloatField()
    dispatch_immediately = fields.BooleanField()
    version = fields.IntField()
    alert_above_micros = fields.BigIntField(db_default=500_000_000)

    class Meta:
        table = "workspaces"


async def workspaces(scope: Scope) -> list[Workspace]:
    """All workspaces, oldest first."""
    return as_values(Workspace, await scope.of(WorkspaceTable).order_by("id").values())


async def workspace_page(scope: Scope, ids: frozenset[UUID] | None, place: Slice[UUID]) -> list[Workspace]:
    """What a slice fetches of the named workspaces (None: of all), oldest first."""
    query = scope.of(WorkspaceTable)
    if ids is not None:
        query = query.filter(id__in=list(ids))
    return as_values(Workspace, await sliced(query, place))


async def workspace(scope: Scope, workspace_id: UUID) -> Workspace:
    """One workspace. Raises NotFound, also for another tenant's."""
    rows = await scope.of(WorkspaceTable).filter(id=workspace_id).values()
    return as_value(Workspace, only(rows, "no such workspace"))


async def workspaces_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, Workspace]:
    """Workspaces by id; ids of other tenants are simply absent."""
    rows = as_values(Workspace, await scope.of(WorkspaceTable).filter(id__in=ids).values())
    return {row.id: row for row in rows}


async def add_tenant(scope: WriteScope, name: str, at_utc: datetime) -> None:
    """The scope's own tenant."""
    await TenantTable.create(using_db=scope.connection, id=scope.tenant_id, name=name, created_at_utc=at_utc)


async def add_workspace(scope: WriteScope, workspace: Workspace) -> None:
    """A new workspace."""
    await scope.create(WorkspaceTable, **_columns(workspace))


async def store_workspace(scope: WriteScope, workspace: Workspace) -> bool:
    """Replace the version before; False when somebody else was first."""
    columns = {name: value for name, value in _columns(workspace).items() if name != "id"}
    return bool(await scope.of(WorkspaceTable).filter(id=workspace.id, version=workspace.version - 1).update(**columns))


def _columns(workspace: Workspace) -> dict[str, object]:
    return {name: getattr(workspace, name) for name in Workspace.__dataclass_fields__ if name != "tenant_id"}
