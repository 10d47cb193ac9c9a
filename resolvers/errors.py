"""Domain errors as the typed user errors of payloads."""

from domain import errors
from resolvers.context import Info
from schema.actors import Actor
from schema.base import DateTime, ErrorCode, Money, UserError, request_error
from schema.recommendations import PlanUnfunded, Recommendation, VersionConflict


async def user_errors(info: Info, error: errors.DomainError) -> list[UserError]:
    """What a payload says of a refusal.

    Raises:
        domain.errors.Unauthenticated: as it came: nobody is there to be told more kindly.
    """
    if isinstance(error, errors.Unauthenticated):
        raise error
    if isinstance(error, errors.VersionConflict):
        current = await info.context.loaders.recommendation(error.subject_id)
        return [
            VersionConflict(
                field=["expectedVersion"],
                message=error.message,
                code=ErrorCode.VERSION_CONFLICT,
                current=None if current is None else Recommendation.of(current),
                changed_by=Actor.member(error.changed_by_id),
                changed_at=None if error.changed_at_utc is None else DateTime(error.changed_at_utc),
            )
        ]
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
