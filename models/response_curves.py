"""Response curves as they were when a recommendation was made, and their queries. They never change."""

from collections.abc import Mapping
from uuid import UUID

import msgspec
import orjson
from tortoise import Model, fields

from domain.response_curves import ResponseCurve
from models.scope import Scope, WriteScope, as_value, json_text


class ResponseCurveTable(Model):
    """The curve behind one recommendation, as JSON text. Whose proposer fits none has no row."""

    recommendation_id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    curve = fields.TextField()

    class Meta:
        table = "response_curves"


async def response_curves(scope: Scope, recommendation_ids: list[UUID]) -> dict[UUID, ResponseCurve]:
    """Curves by recommendation; other tenants', and those of recommendations without one, are absent."""
    rows = await scope.of(ResponseCurveTable).filter(recommendation_id__in=recommendation_ids).values()
    return {row["recommendation_id"]: as_value(ResponseCurve, orjson.loads(row["curve"])) for row in rows}


async def add_response_curves(scope: WriteScope, curves: Mapping[UUID, ResponseCurve]) -> None:
    """The curves of new recommendations."""
    rows = [{"recommendation_id": id_, "curve": json_text(msgspec.to_builtins(curve))} for id_, curve in curves.items()]
    await scope.create_all(ResponseCurveTable, rows)
