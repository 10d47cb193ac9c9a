"""Recommendation fields: authorise, parse, one service call, payload."""

from typing import Annotated

import strawberry

from domain.errors import DomainError, InvalidInput, NotFound
from domain.recommendations import Recommendation as Value
from kit.money import parse_micros
from models.recommendations import RecommendationFilter
from resolvers.context import Info, viewer
from resolvers.errors import user_errors
from schema.adjustments import Adjustment
from schema.arguments import After, Before, ExpectedVersion, First, Id, IdempotencyKey, Last, WorkspaceId
from schema.base import Connection, PageRequest, parse_id
from schema.recommendations import (
    BudgetChangeInput,
    OnlyPlatform,
    Recommendation,
    RecommendationDecisionInput,
    RecommendationPayload,
    RecommendationsDecidePayload,
    RecommendationStatuses,
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
        asked = PageRequest.parse(first, after, last, before)
        wanted = RecommendationFilter(
            statuses=None if statuses is None else tuple(statuses),
            platform=platform,
        )
        found = await recommendations.page(
            info.context.ports,
            viewer(info),
            parse_id(workspace_id, "Workspace", ("workspaceId",)),
            wanted,
            asked.after,
            asked.before,
            asked.fetch_limit(),
            backwards=asked.backwards,
        )
        return asked.connection(found, lambda value: value.id, Recommendation.of)

    @strawberry.field(description="One recommendation; null when there is none for you.")
    async def recommendation(self, info: Info, id: Id) -> Recommendation | None:  # noqa: A002 - the schema's word
        """A recommendation by global id."""
        try:
            found = await recommendations.one(info.context.ports, viewer(info), parse_id(id, "Recommendation"))
        except NotFound:
            return None
        return Recommendation.of(found)


@strawberry.type
class RecommendationMutation:
    """Mutation fields."""

    @strawberry.mutation(description="Approve: the change is queued for its platform in the same step.")
    async def recommendation_approve(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        idempotency_key: IdempotencyKey,
    ) -> RecommendationPayload:
        """Approve one."""
        try:
            return _payload(
                await recommendations.approve(
                    info.context.ports,
                    viewer(info),
                    parse_id(id, "Recommendation"),
                    expected_version,
                    idempotency_key,
                )
            )
        except DomainError as error:
            return await _refusal(info, error)

    @strawberry.mutation(description="Reject with a reason; the idea stays away for as long as the workspace says.")
    async def recommendation_reject(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        reason: Reason,
        idempotency_key: IdempotencyKey,
    ) -> RecommendationPayload:
        """Reject one."""
        try:
            return _payload(
                await recommendations.reject(
                    info.context.ports,
                    viewer(info),
                    parse_id(id, "Recommendation"),
                    expected_version,
                    reason,
                    idempotency_key,
                )
            )
        except DomainError as error:
            return await _refusal(info, error)

    @strawberry.mutation(description="Change the amount before approval; it still needs review.")
    async def recommendation_edit(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        change: Change,
        idempotency_key: IdempotencyKey,
    ) -> RecommendationPayload:
        """Edit one."""
        try:
            return _payload(
                await recommendations.edit(
                    info.context.ports,
                    viewer(info),
                    parse_id(id, "Recommendation"),
                    expected_version,
                    _change(change),
                    idempotency_key,
                )
            )
        except DomainError as error:
            return await _refusal(info, error)

    @strawberry.mutation(description="Approve or reject 1 to 100 at once, each on its own, with a result for each.")
    async def recommendations_decide(self, info: Info, decisions: Decisions) -> RecommendationsDecidePayload:
        """Decide many."""
        try:
            results = await recommendations.decide(
                info.context.ports, viewer(info), [_decision(item, place) for place, item in enumerate(decisions)]
            )
        except DomainError as error:
            return RecommendationsDecidePayload(results=[], user_errors=await user_errors(info, error))
        return RecommendationsDecidePayload(
            results=[
                await _refusal(info, result) if isinstance(result, DomainError) else _payload(result)
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


async def _refusal(info: Info, error: DomainError) -> RecommendationPayload:
    return RecommendationPayload(recommendation=None, adjustment=None, user_errors=await user_errors(info, error))


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
