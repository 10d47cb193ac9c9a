"""The audit trail as clients see it. No logic."""

from collections.abc import Mapping
from typing import Any, Final, Self

import strawberry
from strawberry.scalars import JSON

from domain.log import LogEvent
from schema.actors import Actor
from schema.base import DateTime, Node
from schema.context import Info
from schema.nodes import view

#: The log's word for a kind of thing, and the type clients know it by; other subjects are no nodes.
NODE_TYPES: Final = {
    "workspace": "Workspace",
    "ad_account": "AdAccount",
    "connection": "PlatformGrant",
    "campaign": "Campaign",
    "budget": "Budget",
    "plan": "Plan",
    "recommendation": "Recommendation",
    "adjustment": "Adjustment",
    "emergency_stop": "EmergencyStop",
    "shift": "Shift",
    "status_change": "CampaignStatusChange",
    "member": "Member",
    "api_key": "ApiKey",
    "document": "TrustedDocument",
}

#: Facts that serve the machinery or prove an identity; nobody reads them in a trail.
_WITHHELD: Final = ("tenant_id", "token", "secret", "password", "hash")


@strawberry.type(description="One thing that happened, as the workspace's log keeps it for good.")
class Event:
    """An event."""

    # Numbers of the log outgrow GraphQL's 32-bit Int only after two billion events of one tenant.
    sequence: int = strawberry.field(description="Counts up without a gap through everything in the tenant.")
    at: DateTime = strawberry.field(description="When.")
    actor: Actor = strawberry.field(description="Who did it.")
    kind: str = strawberry.field(description="What happened, such as recommendation.approved.")
    subject_type: str = strawberry.field(description="What kind of thing it happened to, such as recommendation.")
    subject_version: int = strawberry.field(description="The thing's version afterwards; 0 for what has none.")
    before: JSON | None = strawberry.field(
        description="The thing before, as plain facts, amounts in millionths; null when it was new or is erased."
    )
    after: JSON | None = strawberry.field(description="The thing afterwards, likewise; null when it is gone or erased.")
    value: strawberry.Private[LogEvent]

    @strawberry.field(description="The thing as it is today; null when it is gone or you may not see it.")
    async def subject(self, info: Info) -> Node | None:
        """The subject."""
        entry = self.value.entry
        type_name = NODE_TYPES.get(entry.subject_type)
        found = None if type_name is None else await info.context.reads.node_value(type_name, entry.subject_id)
        shown: Node | None = view(found)
        return shown

    @classmethod
    def of(cls, value: LogEvent) -> Self:
        """The clients' view of a value."""
        entry = value.entry
        return cls(
            sequence=entry.sequence,
            at=DateTime(entry.at_utc),
            actor=Actor(kind=entry.actor_kind, reference=entry.actor_id),
            kind=entry.kind,
            subject_type=entry.subject_type,
            subject_version=entry.subject_version,
            before=_shown(value.before),
            after=_shown(value.after),
            value=value,
        )


def _shown(facts: Mapping[str, Any] | None) -> JSON | None:
    if facts is None:
        return None
    return JSON({name: fact for name, fact in facts.items() if not any(word in name for word in _WITHHELD)})
