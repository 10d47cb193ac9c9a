"""Guardrail fields: authorise, parse, one service call, payload."""

from collections import Counter
from decimal import Decimal
from typing import Annotated, Final

import strawberry

from domain.errors import DomainError, InvalidInput
from domain.guardrails import HardLimits, Scope, ScopeKind, Settings, Thresholds
from kit.money import parse_micros
from resolvers.context import Info, viewer
from resolvers.errors import guardrail_conflict, refusing, user_errors
from resolvers.fields import Fields, page_of, workspace
from schema.arguments import After, Before, ExpectedVersion, First, Id, IdempotencyKey, Last, WorkspaceId
from schema.base import Connection, UserError, parse_id, parse_slice
from schema.costs import HEAVY
from schema.guardrail_previews import GuardrailOutcome, GuardrailPreview, GuardrailPreviewItem
from schema.guardrails import (
    AutomationThresholdsInput,
    Guardrail,
    GuardrailBlocked,
    GuardrailChangeInput,
    GuardrailDefault,
    GuardrailPayload,
    GuardrailScopeInput,
    GuardrailVersionConflict,
    HardLimitsInput,
    setting_path,
)
from services import guardrails

ScopeArgument = Annotated[GuardrailScopeInput, strawberry.argument(description="For what they hold.")]
Change = Annotated[GuardrailChangeInput, strawberry.argument(description="All of them, in place of what is set.")]
MaybeScope = Annotated[GuardrailScopeInput | None, strawberry.argument(description="For what to try others.")]
MaybeChange = Annotated[
    GuardrailChangeInput | None, strawberry.argument(description="What to try there; left out: as all is set now.")
]
MaybeVersion = Annotated[
    int | None, strawberry.argument(description="The version you saw; leave it out where nothing is set yet.")
]
_SHOWN: Final = 100
_SETTINGS: Final = frozenset((*Thresholds.__slots__, *HardLimits.__slots__))


@strawberry.type
class GuardrailQuery:
    """Query fields."""

    @strawberry.field(description="What is set in a workspace, in the order in which it was first set.")
    async def guardrails(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Guardrail]:
        """A page of guardrails."""
        return await page_of(info, workspace_id, parse_slice(first, after, last, before), guardrails.page, Guardrail.of)

    @strawberry.field(description="What holds where nothing is set; at most one for each proposer and setting.")
    async def guardrail_defaults(self) -> list[GuardrailDefault]:
        """The defaults of all proposers."""
        return GuardrailDefault.all()

    @strawberry.field(
        description="What last week's recommendations would have met: as all is set now, or with others for one scope.",
        directives=[HEAVY],
    )
    async def guardrail_preview(
        self, info: Info, workspace_id: WorkspaceId, scope: MaybeScope = None, change: MaybeChange = None
    ) -> GuardrailPreview:
        """A preview."""
        try:
            found = await guardrails.preview(
                info.context.ports,
                viewer(info),
                workspace(workspace_id),
                None if change is None else _scope(scope or GuardrailScopeInput()),
                None if change is None else _settings(change),
            )
        except InvalidInput as error:
            raise _placed(error) from error
        items = [GuardrailPreviewItem.of(each.recommendation, each.verdict) for each in found]
        count = Counter(each.outcome for each in items)
        return GuardrailPreview(
            considered=len(items),
            auto_approved=count[GuardrailOutcome.AUTO_APPROVED],
            needs_review=count[GuardrailOutcome.NEEDS_REVIEW],
            blocked=count[GuardrailOutcome.BLOCKED],
            items=items[:_SHOWN],
        )


def _refused(why: list[UserError]) -> GuardrailPayload:
    return GuardrailPayload(guardrail=None, user_errors=why)


async def _tell(info: Info, error: DomainError) -> list[UserError]:
    told = _placed(error) if isinstance(error, InvalidInput) else error
    return await user_errors(info, told, conflict=guardrail_conflict)


_setting = refusing(_refused, _tell)


@strawberry.type
class GuardrailMutation:
    """Mutation fields."""

    @strawberry.mutation(
        description="Set all guardrails of a scope; takes a person with write access to campaigns and system settings."
    )
    @_setting
    async def guardrail_set(
        self,
        info: Info,
        workspace_id: WorkspaceId,
        scope: ScopeArgument,
        change: Change,
        idempotency_key: IdempotencyKey,
        expected_version: MaybeVersion = None,
    ) -> GuardrailPayload:
        """Set them."""
        after = await guardrails.set_(
            info.context.ports,
            viewer(info),
            workspace(workspace_id),
            _scope(scope),
            _settings(change),
            expected_version,
            idempotency_key,
        )
        return GuardrailPayload(guardrail=Guardrail.of(after), user_errors=[])

    @strawberry.mutation(description="Remove all guardrails of a scope: what is wider holds again.")
    @_setting
    async def guardrail_remove(
        self,
        info: Info,
        id: Id,  # noqa: A002 - the schema's word
        expected_version: ExpectedVersion,
        idempotency_key: IdempotencyKey,
    ) -> GuardrailPayload:
        """Remove them."""
        removed = await guardrails.remove(
            info.context.ports, viewer(info), parse_id(id, "Guardrail"), expected_version, idempotency_key
        )
        return GuardrailPayload(guardrail=Guardrail.of(removed), user_errors=[])


def _placed(error: InvalidInput) -> InvalidInput:
    """The refusal with the path of the input that it is about: the domain names its own settings."""
    setting = error.path[-1] if error.path else ""
    return InvalidInput(error.message, setting_path(setting)) if setting in _SETTINGS else error


def _scope(scope: GuardrailScopeInput) -> Scope:
    found = []
    if scope.platform is not None:
        found.append(Scope(ScopeKind.PLATFORM, scope.platform.value))
    if scope.rule is not None:
        found.append(Scope(ScopeKind.RULE, scope.rule))
    if scope.campaign_id is not None:
        campaign_id = parse_id(scope.campaign_id, "Campaign", ("scope", "campaignId"))
        found.append(Scope(ScopeKind.CAMPAIGN, str(campaign_id)))
    if len(found) > 1:
        raise InvalidInput("name one platform, rule or campaign, or none for the workspace", path=("scope",))
    return found[0] if found else Scope(ScopeKind.WORKSPACE)


def _settings(change: GuardrailChangeInput) -> Settings:
    return Settings(
        thresholds=_thresholds(change.thresholds or AutomationThresholdsInput()),
        limits=_limits(change.limits or HardLimitsInput()),
        automation_paused=change.automation_paused,
    )


def _thresholds(given: AutomationThresholdsInput) -> Thresholds:
    return Thresholds(
        max_change_share=given.max_change_share,
        max_change_micros=_micros(given.max_change, "thresholds", "maxChange"),
        max_increase_micros=_micros(given.max_increase, "thresholds", "maxIncrease"),
        max_new_budget_micros=_micros(given.max_new_budget, "thresholds", "maxNewBudget"),
        min_roas=given.min_roas,
        min_impressions=given.min_impressions,
        min_spend_micros=_micros(given.min_spend, "thresholds", "minSpend"),
        min_conversions=given.min_conversions,
        min_history_days=given.min_history_days,
        cool_down_hours=given.cool_down_hours,
        respects_learning=given.respects_learning,
        active_hours=None if given.active_hours is None else given.active_hours.value(),
        min_confidence=given.min_confidence,
        max_automatic_changes=given.max_automatic_changes,
    )


def _limits(given: HardLimitsInput) -> HardLimits:
    return HardLimits(
        max_daily_micros=_micros(given.max_daily_budget, "limits", "maxDailyBudget"),
        min_daily_micros=_micros(given.min_daily_budget, "limits", "minDailyBudget"),
        max_account_change_micros=_micros(given.max_account_change, "limits", "maxAccountChange"),
        max_account_budget_micros=_micros(given.max_account_budget, "limits", "maxAccountBudget"),
        max_platform_budget_micros=_micros(given.max_platform_budget, "limits", "maxPlatformBudget"),
        max_changes=given.max_changes,
        allowed_platforms=None if given.allowed_platforms is None else frozenset(given.allowed_platforms),
        denied_platforms=frozenset(given.denied_platforms or ()),
        changes_denied=given.changes_denied,
    )


def _micros(amount: Decimal | None, part: str, name: str) -> int | None:
    if amount is None:
        return None
    try:
        return parse_micros(amount)
    except ValueError as error:
        raise InvalidInput(str(error), path=("change", part, name)) from error


FIELDS = Fields(query=GuardrailQuery, mutation=GuardrailMutation, types=(GuardrailBlocked, GuardrailVersionConflict))
