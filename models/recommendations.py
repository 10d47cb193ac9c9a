"""Recommendations and their queries. Changes are compare-and-set on `version`: the optimistic lock (RB-E3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import orjson
from tortoise import Model, fields

from domain.platforms import Platform
from domain.recommendations import Recommendation, RecommendationStatus
from kit.pagination import Slice
from models.conditions import Conditions
from models.scope import Scope, WriteScope, as_values, json_text, only, parts


class RecommendationTable(Model):
    """A proposed change of one daily budget."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    workspace_id = fields.UUIDField()
    plan_id = fields.UUIDField(db_index=True)
    account_id = fields.UUIDField()
    budget_id = fields.UUIDField(db_index=True)
    campaign_id = fields.UUIDField()
    platform = fields.CharField(max_length=16)
    campaign_name = fields.CharField(max_length=300)
    currency_code = fields.CharField(max_length=3)
    reporting_currency_code = fields.CharField(max_length=3)
    rate_to_reporting = fields.DecimalField(max_digits=20, decimal_places=10)
    status = fields.CharField(max_length=16)
    version = fields.IntField()
    current_micros = fields.BigIntField()
    suggested_micros = fields.BigIntField()
    proposed_micros = fields.BigIntField()
    delta_reporting_micros = fields.BigIntField()
    roas_now = fields.FloatField()
    roas_expected = fields.FloatField()
    roas_change_low = fields.FloatField()
    roas_change_high = fields.FloatField()
    revenue_change_reporting_micros = fields.BigIntField()
    confidence = fields.FloatField()
    rationale = fields.TextField()
    created_at_utc = fields.DatetimeField()
    expires_at_utc = fields.DatetimeField()
    changed_by_id = fields.CharField(max_length=64, null=True)
    changed_at_utc = fields.DatetimeField(null=True)
    decided_by_id = fields.CharField(max_length=64, null=True)
    decided_at_utc = fields.DatetimeField(null=True)
    decision_reason = fields.TextField(null=True)
    adjustment_id = fields.UUIDField(null=True)
    auto_approved = fields.BooleanField()
    needs_review_because = fields.TextField()

    class Meta:
        table = "recommendations"
        indexes = (("tenant_id", "workspace_id", "id"), ("tenant_id", "workspace_id", "status", "id"))


_COLUMNS: Final = ", ".join(Recommendation.__slots__)


def _decoded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        row["needs_review_because"] = orjson.loads(row["needs_review_because"])
    return rows


def _because(value: Recommendation) -> str:
    return json_text(msgspec.to_builtins(value.needs_review_because))


def _values(rows: list[dict[str, Any]]) -> list[Recommendation]:
    return as_values(Recommendation, _decoded(rows))


@dataclass(frozen=True, slots=True)
class RecommendationFilter:
    """Which recommendations a list shows; None means any."""

    statuses: Sequence[RecommendationStatus] | None = None
    platform: Platform | None = None


async def recommendation(scope: Scope, recommendation_id: UUID) -> Recommendation:
    """One recommendation. Raises NotFound, also for another tenant's."""
    rows = await scope.rows(
        f"SELECT {_COLUMNS} FROM recommendations WHERE id = $1 AND tenant_id = $2",  # noqa: S608 - column names only
        recommendation_id,
        scope.tenant_id,
    )
    return _values([only(rows, "no such recommendation")])[0]


async def recommendations_by_id(scope: Scope, ids: list[UUID]) -> dict[UUID, Recommendation]:
    """Recommendations by id; other tenants' are absent."""
    found = _values(await scope.of(RecommendationTable).filter(id__in=ids).values())
    return {row.id: row for row in found}


async def recommendation_page(
    scope: Scope,
    workspace_id: UUID,
    place: Slice[UUID],
    wanted: RecommendationFilter,
    attributes: frozenset[str] | None = None,
) -> list[Recommendation]:
    """What a slice fetches of a workspace's recommendations, newest first; of each these attributes, None for all."""
    where = Conditions(scope.tenant_id, workspace_id)
    if wanted.statuses is not None:
        where.among("status", wanted.statuses)
    if wanted.platform is not None:
        where.add("platform =", wanted.platform)
    columns = Recommendation.__slots__ if attributes is None else tuple(sorted(attributes))
    rows = await scope.tuples(
        f"SELECT {', '.join(columns)} FROM recommendations WHERE tenant_id = $1 AND workspace_id = $2"  # noqa: S608 - fixed fragments, values bound
        f"{where.newest_first('id', place)}",
        *where.parameters,
    )
    ordered = place.in_order(rows)
    if attributes is None:
        return _values([dict(zip(columns, row, strict=True)) for row in ordered])
    if "needs_review_because" in columns:
        at = columns.index("needs_review_because")
        ordered = [(*row[:at], orjson.loads(row[at]), *row[at + 1 :]) for row in ordered]
    return parts(Recommendation, columns, list(ordered))


async def open_recommendations(scope: Scope, workspace_id: UUID) -> list[Recommendation]:
    """All that still need review."""
    rows = await (
        scope.of(RecommendationTable)
        .filter(workspace_id=workspace_id, status=RecommendationStatus.NEEDS_REVIEW.value)
        .order_by("id")
        .values()
    )
    return _values(rows)


async def open_on_budgets(scope: Scope, budget_ids: list[UUID]) -> list[Recommendation]:
    """All that still need review and would change one of these budgets."""
    rows = await (
        scope.of(RecommendationTable)
        .filter(budget_id__in=budget_ids, status=RecommendationStatus.NEEDS_REVIEW.value)
        .order_by("id")
        .values()
    )
    return _values(rows)


async def open_of_account(scope: Scope, account_id: UUID) -> list[Recommendation]:
    """All that still need review and would change a budget of an account."""
    rows = await (
        scope.of(RecommendationTable)
        .filter(account_id=account_id, status=RecommendationStatus.NEEDS_REVIEW.value)
        .order_by("id")
        .values()
    )
    return _values(rows)


async def created_between(
    scope: Scope, workspace_id: UUID, since_utc: datetime, until_utc: datetime
) -> list[Recommendation]:
    """All recommendations made from one moment up to, not at, another."""
    rows = await (
        scope.of(RecommendationTable)
        .filter(workspace_id=workspace_id, created_at_utc__gte=since_utc, created_at_utc__lt=until_utc)
        .order_by("id")
        .values()
    )
    return _values(rows)


async def rejected_since(scope: Scope, workspace_id: UUID, since_utc: datetime) -> list[Recommendation]:
    """What people rejected since a moment."""
    rows = await (
        scope.of(RecommendationTable)
        .filter(
            workspace_id=workspace_id,
            status=RecommendationStatus.REJECTED.value,
            decided_at_utc__gte=since_utc,
        )
        .values()
    )
    return _values(rows)


async def add_recommendations(scope: WriteScope, new: Sequence[Recommendation]) -> None:
    """New recommendations."""
    rows = []
    for value in new:
        row = {name: getattr(value, name) for name in Recommendation.__slots__ if name != "tenant_id"}
        told = {"platform": value.platform.value, "status": value.status.value, "needs_review_because": _because(value)}
        rows.append({**row, **told})
    await scope.create_all(RecommendationTable, rows)


async def store_if_unchanged(scope: WriteScope, value: Recommendation) -> bool:
    """Write the next version if the row still has the one before; False when somebody else was first."""
    changed = await scope.execute(
        "UPDATE recommendations SET status = $1, version = $2, proposed_micros = $3, delta_reporting_micros = $4, "
        "decided_by_id = $5, decided_at_utc = $6, decision_reason = $7, adjustment_id = $8, "
        "changed_by_id = $9, changed_at_utc = $10, auto_approved = $11, needs_review_because = $12 "
        "WHERE id = $13 AND tenant_id = $14 AND version = $15",
        value.status,
        value.version,
        value.proposed_micros,
        value.delta_reporting_micros,
        value.decided_by_id,
        value.decided_at_utc,
        value.decision_reason,
        value.adjustment_id,
        value.changed_by_id,
        value.changed_at_utc,
        value.auto_approved,
        _because(value),
        value.id,
        scope.tenant_id,
        value.version - 1,
    )
    return bool(changed)
