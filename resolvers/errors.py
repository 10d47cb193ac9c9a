"""Domain errors as the typed user errors of payloads."""

from collections.abc import Awaitable, Callable

from domain import errors
from resolvers.context import Info, viewer
from schema.actors import Actor
from schema.adjustments import Adjustment, AdjustmentVersionConflict
from schema.base import DateTime, ErrorCode, Money, UserError, request_error
from schema.conflicts import VersionConflict
from schema.recommendations import PlanUnfunded, Recommendation, RecommendationVersionConflict
from schema.workspaces import Workspace, WorkspaceVersionConflict
from services import events

Conflict = Callable[[Info, errors.VersionConflict], Awaitable[VersionConflict]]


async def recommendation_conflict(info: Info, error: errors.VersionConflict) -> VersionConflict:
    """A recommendation was changed first."""
    current = await info.context.loaders.recommendation(error.subject_id)
    return RecommendationVersionConflict(
        field=["expectedVersion"],
        message=error.message,
        code=ErrorCode.VERSION_CONFLICT,
        current=None if current is None else Recommendation.of(current),
        changed_by=Actor.member(error.changed_by_id),
        changed_at=None if error.changed_at_utc is None else DateTime(error.changed_at_utc),
    )


async def adjustment_conflict(info: Info, error: errors.VersionConflict) -> VersionConflict:
    """An adjustment changed meanwhile."""
    current = await info.context.loaders.adjustment(error.subject_id)
    return AdjustmentVersionConflict(
        field=["expectedVersion"],
        message=error.message,
        code=ErrorCode.VERSION_CONFLICT,
        current=None if current is None else Adjustment.of(current),
        changed_by=await _last_actor(info, error),
        changed_at=None if error.changed_at_utc is None else DateTime(error.changed_at_utc),
    )


async def workspace_conflict(info: Info, error: errors.VersionConflict) -> VersionConflict:
    """A workspace was changed first."""
    current = await info.context.loaders.workspace(error.subject_id)
    return WorkspaceVersionConflict(
        field=["expectedVersion"],
        message=error.message,
        code=ErrorCode.VERSION_CONFLICT,
        current=None if current is None else Workspace.of(current),
        changed_by=await _last_actor(info, error),
        changed_at=None if error.changed_at_utc is None else DateTime(error.changed_at_utc),
    )


async def _last_actor(info: Info, error: errors.VersionConflict) -> Actor | None:
    """Who changed it, as the log has it: these kinds of objects are also changed by jobs and by API keys."""
    last = await events.last_change(info.context.ports, viewer(info), error.subject_id)
    return None if last is None else Actor(kind=last.actor_kind, reference=last.actor_id)


async def user_errors(
    info: Info, error: errors.DomainError, conflict: Conflict = recommendation_conflict
) -> list[UserError]:
    """What a payload says of a refusal.

    Args:
        info: the field's.
        error: the refusal.
        conflict: how a lost race on this payload's kind of object is told.

    Raises:
        domain.errors.Unauthenticated: as it came: nobody is there to be told more kindly.
    """
    if isinstance(error, errors.Unauthenticated):
        raise error
    if isinstance(error, errors.VersionConflict):
        return [await conflict(info, error)]
    if isinstance(error, errors.PlanUnfunded):
        return [
            PlanUnfunded(
                field=None,
                message=error.message,
                code=ErrorCode.PLAN_UNFUNDED,
                shortfall=Money.of(error.shortfall_micros, error.currency_code),
            )
        ]
    return [request_error(error)]
