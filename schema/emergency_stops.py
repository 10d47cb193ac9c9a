"""Emergency stops as clients see them. No logic."""

from collections.abc import Sequence
from typing import Annotated, Final, Self
from uuid import UUID

import strawberry

from domain.adjustments import Adjustment as Change
from domain.campaigns import Campaign as CampaignValue
from domain.emergency_stops import EmergencyStop as Value
from domain.emergency_stops import StopItem as ItemValue
from domain.emergency_stops import StopOutcome, StopPausing
from schema.actors import Actor
from schema.adjustments import Adjustment
from schema.base import DateTime, Node, StopWindow, UserError, global_id
from schema.campaigns import Campaign
from schema.conflicts import VersionConflict
from schema.context import Info
from schema.enums import describe_enum
from schema.nodes import shows, view
from schema.status_changes import CampaignStatusChange

#: Changes shown of one stop; what it does may concern every campaign of a workspace.
MAX_SHOWN: Final = 100

describe_enum(
    StopOutcome,
    "What an emergency stop did with a change.",
    {
        StopOutcome.CUT_OFF: "It waited and was never sent; it failed and will not be sent.",
        StopOutcome.RESTORING: "It had been made; the change that puts it back was queued.",
        StopOutcome.NEEDS_PERSON: "It could not be put back; the note says why, and a person decides.",
    },
)

describe_enum(
    StopPausing,
    "Which campaigns an emergency stop pauses. Setting them running again is a person's act, after it was lifted.",
    {
        StopPausing.NONE: "None.",
        StopPausing.AFFECTED: "Those that pay from a budget that was changed in the window, or whose change is on its "
        "way.",
        StopPausing.ALL: "All of the workspace that run.",
    },
    name="EmergencyStopPausing",
)

PauseCampaigns = Annotated[StopPausing, strawberry.argument(description="Which campaigns are paused as well.")]
WindowHours = Annotated[
    StopWindow,
    strawberry.argument(description="Put back what was confirmed so many hours before, 0 to 168; 0: nothing."),
]
#: The window unless said otherwise.
A_DAY: Final = StopWindow(24)
StopReason = Annotated[str, strawberry.argument(description="Why, 1 to 500 characters; everybody is told.")]


@strawberry.type(description="One change that an emergency stop met.")
class EmergencyStopItem:
    """A change."""

    outcome: StopOutcome = strawberry.field(description="What the stop did with it.")
    note: str | None = strawberry.field(description="Why it needs a person; null where it does not.")
    value: strawberry.Private[ItemValue]

    @strawberry.field(description="The change.")
    async def adjustment(self, info: Info) -> Adjustment | None:
        """The change that was met."""
        return await _adjustment(info, self.value.adjustment_id)

    @strawberry.field(description="The change that puts it back, on its way, done or failed.")
    async def restoring(self, info: Info) -> Adjustment | None:
        """The restoring change."""
        return await _adjustment(info, self.value.restoring_id)

    @classmethod
    def of(cls, value: ItemValue) -> Self:
        """The clients' view of a value."""
        return cls(outcome=value.outcome, note=value.note, value=value)


async def _adjustment(info: Info, id_: UUID | None) -> Adjustment | None:
    found: Adjustment | None = None if id_ is None else view(await info.context.loaders.adjustment(id_))
    return found


@shows(Value)
@strawberry.type(description="An emergency stop of a workspace: nothing but what restores is sent until it is lifted.")
class EmergencyStop(Node):
    """A stop."""

    version: int = strawberry.field(description="Goes up with everything it does; send it back as expectedVersion.")
    reason: str = strawberry.field(description="Why somebody pulled it.")
    window_hours: int = strawberry.field(description="Changes confirmed so long before it are put back.")
    pause_campaigns: StopPausing = strawberry.field(description="Which campaigns it pauses.")
    started_by: Actor = strawberry.field(description="Who pulled it.")
    started_at: DateTime = strawberry.field(description="When.")
    lifted_by: Actor | None = strawberry.field(description="Who lifted it; null while it is in force.")
    lifted_at: DateTime | None = strawberry.field(description="When; null while it is in force.")
    still_at: DateTime | None = strawberry.field(
        description="When nothing was on its way any more and all that could be put back was; null before."
    )
    item_count: int = strawberry.field(description="How many changes it met.")
    items: list[EmergencyStopItem] = strawberry.field(
        description="What it did with each change, at most the last 100; the incident report has all."
    )
    value: strawberry.Private[Value]

    @strawberry.field(description="How many campaigns it asked to pause so far.")
    async def pause_count(self, info: Info) -> int | None:
        """Pauses, counted."""
        return sum(each.pauses for each in await info.context.loaders.stop_status_changes(self.value.id))

    @strawberry.field(
        description="Campaigns it asked to pause, and restarts it cut off, at most the last 100; the incident report "
        "has all."
    )
    async def status_changes(self, info: Info) -> list[CampaignStatusChange] | None:
        """Pauses and restarts."""
        found = await info.context.loaders.stop_status_changes(self.value.id)
        return [CampaignStatusChange.of(each) for each in found[-MAX_SHOWN:]]

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        lifted, still = value.lifted_at_utc, value.still_at_utc
        return cls(
            id=global_id("EmergencyStop", value.id),
            version=value.version,
            reason=value.reason,
            window_hours=value.window_hours,
            pause_campaigns=value.pausing,
            started_by=Actor(kind=value.started_by_kind, reference=value.started_by_id),
            started_at=DateTime(value.started_at_utc),
            lifted_by=Actor.member(value.lifted_by_id),
            lifted_at=None if lifted is None else DateTime(lifted),
            still_at=None if still is None else DateTime(still),
            item_count=len(value.items),
            items=[EmergencyStopItem.of(each) for each in value.items[-MAX_SHOWN:]],
            value=value,
        )


@strawberry.type(description="What an emergency stop would do now.")
class EmergencyStopPreview:
    """A look ahead."""

    cut_off_count: int = strawberry.field(description="How many changes wait and would never be sent.")
    cut_off: list[Adjustment] | None = strawberry.field(description="At most 100 of them.")
    on_their_way_count: int = strawberry.field(
        description="How many a worker has in hand, or whose last send is not known yet; they settle first."
    )
    on_their_way: list[Adjustment] | None = strawberry.field(description="At most 100 of them.")
    restored_count: int = strawberry.field(
        description="How many would be put back; several of one budget with one stroke."
    )
    restored: list[Adjustment] | None = strawberry.field(description="At most 100 of them.")
    paused_count: int = strawberry.field(description="How many campaigns would be paused.")
    paused: list[Campaign] | None = strawberry.field(description="At most 100 of them.")
    restarts_cut_off_count: int = strawberry.field(
        description="How many paused campaigns wait to be set running again and would not be."
    )

    @classmethod
    def of(
        cls,
        changes: tuple[Sequence[Change], Sequence[Change], Sequence[Change]],
        paused: Sequence[CampaignValue],
        restarts_cut_off: int,
    ) -> Self:
        """The clients' view; `changes`: those cut off, those on their way, those put back."""
        cut_off, on_their_way, restored = changes
        return cls(
            cut_off_count=len(cut_off),
            cut_off=[Adjustment.of(each) for each in cut_off[:MAX_SHOWN]],
            on_their_way_count=len(on_their_way),
            on_their_way=[Adjustment.of(each) for each in on_their_way[:MAX_SHOWN]],
            restored_count=len(restored),
            restored=[Adjustment.of(each) for each in restored[:MAX_SHOWN]],
            paused_count=len(paused),
            paused=[Campaign.of(each) for each in paused[:MAX_SHOWN]],
            restarts_cut_off_count=restarts_cut_off,
        )


@strawberry.type(description="The emergency stop went on meanwhile, or somebody else lifted it.")
class EmergencyStopVersionConflict(VersionConflict):
    """The loser's answer."""

    current: EmergencyStop | None = strawberry.field(description="The stop as it is now.")


@strawberry.type(description="What a mutation left; on a refusal userErrors says why and nothing changed.")
class EmergencyStopPayload:
    """The payload of every mutation on a stop."""

    emergency_stop: EmergencyStop | None = strawberry.field(description="The stop afterwards; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")
