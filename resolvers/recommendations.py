"""Recommendation fields: authorise, parse, one service call, payload."""

from functools import partial
from typing import Annotated

import strawberry

from domain.errors import DomainError, InvalidInput
from domain.recommendations import Recommendation as Value
from kit.money import parse_micros
from models.recommendations import RecommendationFilter
from resolvers.context import Info, viewer
from resolvers.errors import recommendation_conflict, refusing, user_errors
from resolvers.fields import Fields, attributes_read, one_or_null, page_of
from schema.adjustments import Adjustment
from schema.arguments import After, Before, ExpectedVersion, First, Id, IdempotencyKey, Last, WorkspaceId
from schema.base import Connection, UserError, parse_id, parse_slice
from schema.recommendations import (
    BudgetChangedElsewhere,
    BudgetChangeInput,
    OnlyPlatform,
    PlanUnfunded,
    Recommendation,
    RecommendationDecisionInput,
    RecommendationPayload,
    RecommendationsDecidePayload,
    RecommendationStatuses,
    RecommendationVersionConflict,
)
from services import recommendations

Reason = Annotated[str, strawberry.argument(description="Why, 1 to 500 characters; kept with the recommendation.")]
Change = Annotated[BudgetChangeInput, strawberry.argument(description="The wanted budget.")]
Decisions = Annotated[
    list[RecommendationDecisionInput], strawberry.argument(description="1 to 100, each with its own version and key.")
]


@strawberry.type
class RecommendationQuery:
    """Query fields."""

    @strawberry.field(description="A workspace's recommendations, newest first.")
    async def recommendations(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        statuses: RecommendationStatuses = None,
        platform: OnlyPlatform = None,
    ) -> Connection[Recommendation]:
        """A page of recommendations."""
        asked = parse_slice(first, after, last, before)
        wanted, attributes = RecommendationFilter(statuses, platform), attributes_read(info, Recommendation)
        page = partial(recommendations.page, wanted=wanted, attributes=attributes)
        return await page_of(info, workspace_id, asked, page, Recommendation.of)

    @strawberry.field(description="One recommendation; null when there is none for you.")
    async def recommendation(self, info: Info, id: Id) -> Recommendation | None:  # noqa: A002 - the schema's word
        """A recommendation by global id."""
        return await one_or_null(info, id, "Recommendation", recommendations.one, Recommendation.of)


def _refused(why: list[UserError]) -> RecommendationPayload:
    return RecommendationPayload(recommendation=None, adjustment=None, user_errors=why)


_tell = partial(user_errors, conflict=recommendation_conflict)
_deciding = refusing(_refused, _tell)


@strawberry.type
class RecommendationMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Approve: the change is queued for its platform in the same step.")
    @_deciding
    async def recommendation_approve(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        idempotency_key: IdempotencyKey,
    ) -> RecommendationPayload:
        """Approve one."""
        asking, ports = viewer(info), info.context.ports
        return _payload(
            await recommendations.approve(
                ports, asking, parse_id(id, "Recommendation"), expected_version, idempotency_key
            )
        )

    @strawberry.mutation(description="Reject with a reason; the idea stays away for as long as the workspace says.")
    @_deciding
    async def recommendation_reject(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        reason: Reason,
        idempotency_key: IdempotencyKey,
    ) -> RecommendationPayload:
        """Reject one."""
        asking, ports = viewer(info), info.context.ports
        return _payload(
            await recommendations.reject(
                ports, asking, parse_id(id, "Recommendation"), expected_version, reason, idempotency_key
            )
        )

    @strawberry.mutation(description="Change the amount before approval; it still needs review.")
    @_deciding
    async def recommendation_edit(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        change: Change,
        idempotency_key: IdempotencyKey,
    ) -> RecommendationPayload:
        """Edit one."""
        asking, ports = viewer(info), info.context.ports
        return _payload(
            await recommendations.edit(
                ports, asking, parse_id(id, "Recommendation"), expected_version, _change(change), idempotency_key
            )
        )

    @strawberry.mutation(description="Approve or reject 1 to 100 at once, each on its own, with a result for each.")
    @refusing(lambda why: RecommendationsDecidePayload(results=[], user_errors=why))
    async def recommendations_decide(self, info: Info, decisions: Decisions) -> RecommendationsDecidePayload:
        """Decide many."""
        results = await recommendations.decide(
            info.context.ports, viewer(info), [_decision(item, place) for place, item in enumerate(decisions)]
        )
        return RecommendationsDecidePayload(
            results=[
                _refused(await _tell(info, result)) if isinstance(result, DomainError) else _payload(result)
                for result in results
            ],
            user_errors=[],
        )


def _payload(decided: recommendations.Decided) -> RecommendationPayload:
    value: Value = decided.recommendation
    return RecommendationPayload(
        recommendation=Recommendation.of(value),
        adjustment=None if decided.adjustment is None else Adjustment.of(decided.adjustment),
        user_errors=[],
    )


def _change(change: BudgetChangeInput) -> recommendations.BudgetChange:
    if change.percent is not strawberry.UNSET and change.percent is not None:
        return recommendations.BudgetChange(percent=change.percent)
    if change.daily_budget is strawberry.UNSET or change.daily_budget is None:
        raise InvalidInput("give a percentage or a daily budget", path=("change",))
    try:
        return recommendations.BudgetChange(daily_budget_micros=parse_micros(change.daily_budget))
    except ValueError as error:
        raise InvalidInput(str(error), path=("change", "dailyBudget")) from error


def _decision(item: RecommendationDecisionInput, place: int) -> recommendations.Decision:
    return recommendations.Decision(
        recommendation_id=parse_id(item.id, "Recommendation", ("decisions", str(place), "id")),
        expected_version=item.expected_version,
        choice=item.choice,
        reason=item.reason,
        idempotency_key=item.idempotency_key,
    )


FIELDS = Fields(
    query=RecommendationQuery,
    mutation=RecommendationMutation,
    types=(RecommendationVersionConflict, PlanUnfunded, BudgetChangedElsewhere),
)
