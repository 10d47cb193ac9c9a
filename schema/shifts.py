"""Shifts as clients see them. No logic."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from domain.shifts import Shift as Value
from domain.shifts import ShiftStatus
from schema.actors import Actor
from schema.adjustments import Adjustment
from schema.base import DateTime, Money, Node, UserError, global_id
from schema.context import Info
from schema.enums import describe_enum
from schema.nodes import shows, view

if TYPE_CHECKING:
    from schema.campaigns import Campaign

describe_enum(
    ShiftStatus,
    "Where a shift is: its budget reaches the other campaign, or neither moves.",
    {
        ShiftStatus.OPEN: "Its changes are on their way, the decrease first.",
        ShiftStatus.RESTORING: "The increase failed; what left the first campaign is being put back.",
        ShiftStatus.DONE: "Both changes were read back from their platforms.",
        ShiftStatus.NOT_MOVED: "Nothing moved, or all was put back.",
        ShiftStatus.FLAGGED: "Nobody knows, or it takes too long: a person looks, while the work goes on.",
    },
)

FromCampaign = Annotated[strawberry.ID, strawberry.argument(description="Global id of the campaign that gives.")]
ToCampaign = Annotated[strawberry.ID, strawberry.argument(description="Global id of the campaign that gets.")]
ShiftAmount = Annotated[
    Decimal, strawberry.argument(description="What leaves a day, in units of the giving account's currency.")
]
ShiftReason = Annotated[str, strawberry.argument(description="Why, 1 to 500 characters, for attribution.")]


@shows(Value)
@strawberry.type(description="Budget that leaves one campaign and reaches another, or neither moves.")
class Shift(Node):
    """A shift."""

    version: int = strawberry.field(description="Goes up with every step.")
    status: ShiftStatus = strawberry.field(description="Where it is.")
    amount: Money = strawberry.field(description="What leaves the giving campaign a day, in the reporting currency.")
    reason: str = strawberry.field(description="Why, for attribution.")
    requested_by: Actor | None = strawberry.field(description="Who asked for it.")
    requested_at: DateTime = strawberry.field(description="When.")
    flagged_at: DateTime | None = strawberry.field(description="When it was last flagged; null if it never was.")
    flag_reason: str | None = strawberry.field(description="Why it was flagged.")
    ended_at: DateTime | None = strawberry.field(description="When it was done, or all was put back.")
    value: strawberry.Private[Value]

    @strawberry.field(description="The campaign that gives.")
    async def from_campaign(self, info: Info) -> Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None:
        """The giving campaign."""
        return await _campaign(info, self.value.from_campaign_id)

    @strawberry.field(description="The campaign that gets.")
    async def to_campaign(self, info: Info) -> Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None:
        """The getting campaign."""
        return await _campaign(info, self.value.to_campaign_id)

    @strawberry.field(description="The decrease; it goes first.")
    async def from_adjustment(self, info: Info) -> Adjustment | None:
        """The first leg."""
        found: Adjustment | None = view(await info.context.loaders.adjustment(self.value.from_adjustment_id))
        return found

    @strawberry.field(description="The increase; it is sent once the decrease is confirmed.")
    async def to_adjustment(self, info: Info) -> Adjustment | None:
        """The second leg."""
        found: Adjustment | None = view(await info.context.loaders.adjustment(self.value.to_adjustment_id))
        return found

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        flagged, ended = value.flagged_at_utc, value.ended_at_utc
        return cls(
            id=global_id("Shift", value.id),
            version=value.version,
            status=value.status,
            amount=Money.of(value.amount_reporting_micros, value.reporting_currency_code),
            reason=value.reason,
            requested_by=Actor.member(value.requested_by_id),
            requested_at=DateTime(value.requested_at_utc),
            flagged_at=None if flagged is None else DateTime(flagged),
            flag_reason=value.flag_reason,
            ended_at=None if ended is None else DateTime(ended),
            value=value,
        )


async def _campaign(info: Info, id_: UUID) -> "Campaign | None":
    found: Campaign | None = view(await info.context.loaders.campaign(id_))
    return found


@strawberry.type(description="What a mutation left; on a refusal userErrors says why and nothing changed.")
class ShiftPayload:
    """The payload of shiftRequest."""

    shift: Shift | None = strawberry.field(description="The shift; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was queued.")
