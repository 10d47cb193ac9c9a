"""A workspace's switches as clients see them. No logic."""

from typing import Self

import strawberry

from domain.automations import Automation as Value
from schema.base import UserError
from schema.conflicts import VersionConflict


@strawberry.type(description="What runs without a person, and what reaches real platforms. All off at first.")
class Automation:
    """The switches."""

    version: int = strawberry.field(description="Goes up with every switch; 0 before the first. Send it back.")
    auto_approval: bool = strawberry.field(
        description="Whether what lies inside both kinds of guardrail is approved without a person."
    )
    paused: bool = strawberry.field(description="The kill switch: nothing runs without a person, whatever else is on.")
    live_sending: bool = strawberry.field(
        description="Whether changes are sent to real platforms; a sandbox needs no leave."
    )

    @classmethod
    def of(cls, value: Value) -> Self:
        """The clients' view of a value."""
        return cls(
            version=value.version,
            auto_approval=value.auto_approval,
            paused=value.paused,
            live_sending=value.live_sending,
        )


@strawberry.input(description="New positions; what is left out stays.")
class AutomationChangeInput:
    """A change."""

    auto_approval: bool | None = strawberry.field(default=None, description="Approve without a person.")
    paused: bool | None = strawberry.field(default=None, description="False resumes what automationPause stopped.")
    live_sending: bool | None = strawberry.field(
        default=None, description="Send to real platforms; switching it on takes an owner."
    )


@strawberry.type(description="Somebody else switched first.")
class AutomationVersionConflict(VersionConflict):
    """The loser's answer."""

    current: Automation | None = strawberry.field(description="The switches as they are now.")


@strawberry.type(description="What a mutation left; on a refusal userErrors says why and nothing changed.")
class AutomationPayload:
    """The payload of every mutation on the switches."""

    automation: Automation | None = strawberry.field(description="The switches afterwards; null on a refusal.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was done.")
