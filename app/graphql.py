"""The GraphQL schema, assembled from the domains' fields. A new domain adds its line to each list it has fields for."""

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types

from resolvers.ad_accounts import AdAccountQuery
from resolvers.adjustments import AdjustmentMutation, AdjustmentQuery
from resolvers.api_keys import ApiKeyMutation, ApiKeyQuery
from resolvers.campaigns import CampaignQuery
from resolvers.changes import ChangeSubscription
from resolvers.events import EventQuery
from resolvers.members import MemberMutation, MemberQuery
from resolvers.nodes import NodeQuery
from resolvers.presences import PresenceMutation, PresenceSubscription
from resolvers.recommendations import RecommendationMutation, RecommendationQuery
from resolvers.sessions import SessionMutation
from resolvers.workspaces import WorkspaceMutation, WorkspaceQuery
from schema.adjustments import AdjustmentVersionConflict
from schema.base import SCALARS, RequestError
from schema.members import MemberVersionConflict
from schema.recommendations import PlanUnfunded, RecommendationVersionConflict
from schema.workspaces import WorkspaceVersionConflict

QUERIES: tuple[type, ...] = (
    NodeQuery,
    WorkspaceQuery,
    AdAccountQuery,
    CampaignQuery,
    RecommendationQuery,
    AdjustmentQuery,
    EventQuery,
    MemberQuery,
    ApiKeyQuery,
)
MUTATIONS: tuple[type, ...] = (
    WorkspaceMutation,
    RecommendationMutation,
    AdjustmentMutation,
    PresenceMutation,
    SessionMutation,
    MemberMutation,
    ApiKeyMutation,
)
SUBSCRIPTIONS: tuple[type, ...] = (ChangeSubscription, PresenceSubscription)


def build_schema() -> strawberry.Schema:
    """The whole schema."""
    return strawberry.Schema(
        query=merge_types("Query", QUERIES),
        mutation=merge_types("Mutation", MUTATIONS),
        subscription=merge_types("Subscription", SUBSCRIPTIONS),
        types=[
            RequestError,
            RecommendationVersionConflict,
            AdjustmentVersionConflict,
            WorkspaceVersionConflict,
            MemberVersionConflict,
            PlanUnfunded,
        ],
        config=StrawberryConfig(scalar_map=SCALARS),  # type: ignore[arg-type]  # keys are NewTypes
    )
