"""Status changes of campaigns as clients see them. No logic."""

from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from domain.platforms import CampaignStatus
from domain.status_changes import StatusChange as Value
from domain.status_changes import StatusChangeState
from schema.actors import Actor
from schema.base import DateTime, Node, UserError, global_id
from schema.context import Info
from schema.enums import describe_enum
from schema.nodes import shows, view

if TYPE_CHECKING:
    from schema.campaigns import Campaign

describe_enum(
    StatusChangeState,
    "Where a status change is on its way; it counts only when read back (CONFIRMED).",
    {
        StatusChangeState.PENDING: "Waits for its turn, the next try, or to learn what the last one did.",
        StatusChangeState.SENDING: "A worker is at it.",
        StatusChangeState.CONFIRMED: "Read back from the platform as wanted.",
        StatusChangeState.FAILED: "Not made; the reason says why.",
        StatusChangeState.UNKNOWN: "It may have been made: look at the platform and decide.",
    },
    name="CampaignStatusChangeState",
)

StatusChangeStates = Annotated[
    list[StatusChangeState] | None, strawberry.argument(description="Only in these; in all when left out.")
]
OfCampaign = Annotated[
    strawberry.ID | None, strawberry.argument(description="Only of this campaign; of all when left out.")
]
StatusReason = Annotated[str, strawberry.argument(description="Why, 1 to 500 characters, for attribution.")]


@shows(Value)
@strawberry.type(description="A campaign on its way to be paused, or to be set running again.")
class CampaignStatusChange(Node):
    """A status change."""

    version: int = strawberry.field(description="Goes up with every step.")
    state: StatusChangeState = strawberry.field(description="Where it is on its way.")
    status_before: CampaignStatus = strawberry.field(description="What the campaign is changed from.")
    wanted_status: CampaignStatus = strawberry.field(description="What it is to be.")
    reason: str = strawberry.field(description="Why, for attribution.")
    requested_by: Actor = strawberry.field(description="Who asked for it: a person, a program, or an emergency stop.")
    by_emergency_stop: bool = strawberry.field(description="Whether an emergency stop asked for it, or cut it off.")
    attempts: int = strawberry.field(description="How often a worker has tried to send it.")
    created_at: DateTime = strawberry.field(description="When it was asked for.")
    dispatched_at: DateTime | None = strawberry.field(description="When a worker last took it up.")
    confirmed_at: DateTime | None = strawberry.field(description="When it was read back as wanted.")
    platform_execution_id: str | None = strawberry.field(description="The platform's own id of the request.")
    failure_code: str | None = strawberry.field(description="Why it failed or waits, for a program.")
    failure_reason: str | None = strawberry.field(description="Why it failed or waits, for a person.")
    value: strawberry.Private[Value]

    @strawberry.field(description="The campaign.")
    async def campaign(self, info: Info) -> Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None:
        """The campaign."""
        found: Campaign | None = view(await info.context.loaders.campaign(self.value.campaign_id))
        return found

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        dispatched, confirmed = value.dispatched_at_utc, value.confirmed_at_utc
        return cls(
            id=global_id("CampaignStatusChange", value.id),
            version=value.version,
            state=value.state,
            status_before=value.before,
            wanted_status=value.wanted,
            reason=value.reason,
            requested_by=Actor(kind=value.requested_by_kind, reference=value.requested_by_id),
            by_emergency_stop=value.stop_id is not None,
            attempts=value.attempts,
            created_at=DateTime(value.created_at_utc),
            dispatched_at=None if dispatched is None else DateTime(dispatched),
            confirmed_at=None if confirmed is None else DateTime(confirmed),
            platform_execution_id=value.platform_execution_id,
            failure_code=value.failure_code,
            failure_reason=value.failure_reason,
            value=value,
        )


@strawberry.type(description="What a mutation left; on a refusal userErrors says why and nothing changed.")
class CampaignStatusPayload:
    """The payload of campaignPause and campaignResume."""

    status_change: CampaignStatusChange | None = strawberry.field(
        description="The change on its way; null on a refusal."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was queued.")
