"""The permission enum as clients see it. In a module of its own: it must be described before any type names it."""

from typing import Final

from domain.access import Permission
from schema.enums import describe_enum

__all__ = ["Permission"]

_RESOURCES: Final = {
    "campaign": "campaigns, budgets and recommendations",
    "creative": "creatives and brand rules",
    "journey": "journeys",
    "experiment": "experiments",
    "dco": "dynamic creative optimisation",
    "cdp": "customer profiles and suppression lists",
    "analytics": "metrics and reports",
    "billing": "billing",
    "user": "members and API keys",
    "system": "settings and the audit trail",
}


def _says(permission: Permission) -> str:
    resource, _, access = permission.value.partition(":")
    return f"{access.title()} {_RESOURCES[resource]}."


describe_enum(
    Permission, "Read or write on one kind of resource.", {permission: _says(permission) for permission in Permission}
)
