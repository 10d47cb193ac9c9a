"""The GraphQL schema, assembled from what each domain gives. A new domain adds itself to DOMAINS, and nothing else."""

from collections.abc import Iterable

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types

from resolvers import (
    ad_accounts,
    adjustments,
    api_keys,
    automations,
    campaigns,
    changes,
    connections,
    documents,
    emergency_stops,
    events,
    guardrails,
    members,
    nodes,
    notifications,
    presences,
    recommendations,
    sessions,
    shifts,
    status_changes,
    workspaces,
)
from resolvers.fields import Fields
from schema.base import SCALARS, RequestError

#: In the order in which their fields stand in the schema.
DOMAINS: tuple[Fields, ...] = (
    nodes.FIELDS,
    workspaces.FIELDS,
    ad_accounts.FIELDS,
    connections.FIELDS,
    campaigns.FIELDS,
    recommendations.FIELDS,
    adjustments.FIELDS,
    guardrails.FIELDS,
    automations.FIELDS,
    emergency_stops.FIELDS,
    shifts.FIELDS,
    status_changes.FIELDS,
    events.FIELDS,
    changes.FIELDS,
    presences.FIELDS,
    sessions.FIELDS,
    members.FIELDS,
    api_keys.FIELDS,
    documents.FIELDS,
    notifications.FIELDS,
)


def build_schema() -> strawberry.Schema:
    """The whole schema."""
    return strawberry.Schema(
        query=_merged("Query", (domain.query for domain in DOMAINS)),
        mutation=_merged("Mutation", (domain.mutation for domain in DOMAINS)),
        subscription=_merged("Subscription", (domain.subscription for domain in DOMAINS)),
        types=[RequestError, *(each for domain in DOMAINS for each in domain.types)],
        config=StrawberryConfig(scalar_map=SCALARS),  # type: ignore[arg-type]  # keys are NewTypes
    )


def _merged(name: str, parts: Iterable[type | None]) -> type:
    return merge_types(name, tuple(part for part in parts if part is not None))
