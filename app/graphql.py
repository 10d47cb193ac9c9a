"""The GraphQL schema, assembled from the domains' fields. A new domain adds its line to each list it has fields for."""

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types

from resolvers.changes import ChangeSubscription
from resolvers.members import MemberQuery
from resolvers.presences import PresenceMutation, PresenceSubscription
from resolvers.recommendations import RecommendationMutation, RecommendationQuery
from resolvers.sessions import SessionMutation
from schema.base import SCALARS, RequestError
from schema.recommendations import PlanUnfunded, VersionConflict

QUERIES: tuple[type, ...] = (RecommendationQuery, MemberQuery)
MUTATIONS: tuple[type, ...] = (RecommendationMutation, PresenceMutation, SessionMutation)
SUBSCRIPTIONS: tuple[type, ...] = (ChangeSubscription, PresenceSubscription)


def build_schema() -> strawberry.Schema:
    """The whole schema."""
    return strawberry.Schema(
        query=merge_types("Query", QUERIES),
        mutation=merge_types("Mutation", MUTATIONS),
        subscription=merge_types("Subscription", SUBSCRIPTIONS),
        types=[RequestError, VersionConflict, PlanUnfunded],
        config=StrawberryConfig(scalar_map=SCALARS),  # type: ignore[arg-type]  # keys are NewTypes
    )
