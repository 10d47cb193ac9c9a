"""Domain errors as the typed user errors of payloads, and mutations that answer with them."""

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from domain import errors
from domain.guardrails import GuardrailBlocked
from resolvers.context import Info, viewer
from schema.actors import Actor
from schema.adjustments import Adjustment, AdjustmentVersionConflict
from schema.base import DateTime, ErrorCode, Money, UserError, request_error
from schema.conflicts import VersionConflict
from schema.guardrails import Guardrail, GuardrailVersionConflict, GuardrailViolation
from schema.guardrails import GuardrailBlocked as Blocked
from schema.recommendations import BudgetChangedElsewhere, PlanUnfunded, Recommendation, RecommendationVersionConflict
from schema.workspaces import Workspace, WorkspaceVersionConflict
from services import events

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")

Mutation = Callable[Concatenate[S, Info, P], Coroutine[Any, Any, R]]
Conflict = Callable[[Info, errors.VersionConflict], Awaitable[VersionConflict]]
Tell = Callable[[Info, errors.DomainError], Awaitable[list[UserError]]]


def lost_race(
    kind: Callable[..., VersionConflict],
    error: errors.VersionConflict,
    current: object | None,
    changed_by: Actor | None,
) -> VersionConflict:
    """The loser's answer.

    Args:
        kind: the conflict type of what was to be changed.
        error: the refusal.
        current: that type's view of the thing as it is now; None for what is gone.
        changed_by: who was first, if that is known.
    """
    return kind(
        field=["expectedVersion"],
        message=error.message,
        code=ErrorCode.VERSION_CONFLICT,
        current=current,
        changed_by=changed_by,
        changed_at=None if error.changed_at_utc is None else DateTime(error.changed_at_utc),
    )


async def recommendation_conflict(info: Info, error: errors.VersionConflict) -> VersionConflict:
    """A recommendation was changed first."""
    found = await info.context.loaders.recommendation(error.subject_id)
    current = None if found is None else Recommendation.of(found)
    return lost_race(RecommendationVersionConflict, error, current, Actor.member(error.changed_by_id))


async def adjustment_conflict(info: Info, error: errors.VersionConflict) -> VersionConflict:
    """An adjustment changed meanwhile."""
    found = await info.context.loaders.adjustment(error.subject_id)
    current = None if found is None else Adjustment.of(found)
    return lost_race(AdjustmentVersionConflict, error, current, await last_actor(info, error))


async def workspace_conflict(info: Info, error: errors.VersionConflict) -> VersionConflict:
    """A workspace was changed first."""
    found = await info.context.loaders.workspace(error.subject_id)
    current = None if found is None else Workspace.of(found)
    return lost_race(WorkspaceVersionConflict, error, current, await last_actor(info, error))


async def guardrail_conflict(info: Info, error: errors.VersionConflict) -> VersionConflict:
    """Somebody else set these guardrails first."""
    found = await info.context.loaders.guardrail(error.subject_id)
    current = None if found is None else Guardrail.of(found)
    return lost_race(GuardrailVersionConflict, error, current, await last_actor(info, error))


async def last_actor(info: Info, error: errors.VersionConflict) -> Actor | None:
    """Who changed it, as the log has it: these kinds of objects are also changed by jobs and by API keys."""
    last = await events.last_change(info.context.ports, viewer(info), error.subject_id)
    return None if last is None else Actor(kind=last.actor_kind, reference=last.actor_id)


async def user_errors(info: Info, error: errors.DomainError, conflict: Conflict | None = None) -> list[UserError]:
    """What a payload says of a refusal.

    Args:
        info: the field's.
        error: the refusal.
        conflict: how a lost race on this payload's kind of object is told; None where there is no race to lose.

    Raises:
        domain.errors.Unauthenticated: as it came: nobody is there to be told more kindly.
    """
    if isinstance(error, errors.Unauthenticated):
        raise error
    if conflict is not None and isinstance(error, errors.VersionConflict):
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
    if isinstance(error, errors.BudgetChangedElsewhere):
        return [
            BudgetChangedElsewhere(
                field=None,
                message=error.message,
                code=ErrorCode.BUDGET_CHANGED_ELSEWHERE,
                daily_budget=Money.of(error.daily_budget_micros, error.currency_code),
            )
        ]
    if isinstance(error, GuardrailBlocked):
        return [_blocked(error)]
    return [request_error(error)]


def _blocked(error: GuardrailBlocked) -> Blocked:
    return Blocked(
        field=None,
        message=error.message,
        code=ErrorCode.GUARDRAIL_BLOCKED,
        violations=[GuardrailViolation.of(each, error.currency_code) for each in error.violations],
    )


def refusing(
    refused: Callable[[list[UserError]], R], tell: Tell = user_errors
) -> Callable[[Mutation[S, P, R]], Mutation[S, P, R]]:
    """Make a mutation answer a domain error with its payload: `refused` of what `tell` says. Stands under the field."""

    def decorate(mutation: Mutation[S, P, R]) -> Mutation[S, P, R]:
        @wraps(mutation)
        async def answering(self: S, info: Info, *args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return await mutation(self, info, *args, **kwargs)
            except errors.DomainError as error:
                return refused(await tell(info, error))

        return answering  # type: ignore[return-value]  # strawberry gives `info` by name, which no Callable says

    return decorate
