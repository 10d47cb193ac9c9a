"""Permissions and kinds of viewers as clients see them. Import both from here, else they enter without descriptions."""

from domain.access import Permission, PrincipalKind
from schema.enums import describe_enum

__all__ = ["Permission", "PrincipalKind"]

describe_enum(
    PrincipalKind,
    "What kind of viewer is asking.",
    {PrincipalKind.USER: "A person.", PrincipalKind.API_KEY: "A program with an API key."},
    name="ViewerKind",
)
describe_enum(
    Permission,
    "Read or write on one kind of resource. Write does not imply read.",
    {
        Permission.CAMPAIGN_READ: "See campaigns, budgets, plans, recommendations and changes.",
        Permission.CAMPAIGN_WRITE: "Change campaigns; deciding budgets also takes the reviewer role.",
        Permission.CREATIVE_READ: "See creatives and brand rules.",
        Permission.CREATIVE_WRITE: "Change creatives and brand rules.",
        Permission.JOURNEY_READ: "See journeys.",
        Permission.JOURNEY_WRITE: "Change journeys.",
        Permission.EXPERIMENT_READ: "See experiments.",
        Permission.EXPERIMENT_WRITE: "Change experiments.",
        Permission.DCO_READ: "See dynamic creative optimisation.",
        Permission.DCO_WRITE: "Change dynamic creative optimisation.",
        Permission.CDP_READ: "See customer data and suppression lists.",
        Permission.CDP_WRITE: "Change customer data and suppression lists.",
        Permission.ANALYTICS_READ: "See metrics and reports.",
        Permission.ANALYTICS_WRITE: "Change reports.",
        Permission.BILLING_READ: "See invoices and usage.",
        Permission.BILLING_WRITE: "Change billing.",
        Permission.USER_READ: "See members and API keys.",
        Permission.USER_WRITE: "Change members and API keys.",
        Permission.SYSTEM_READ: "See settings and the whole audit trail.",
        Permission.SYSTEM_WRITE: "Change settings.",
    },
)
