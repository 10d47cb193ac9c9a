"""The vocabulary of rights: permissions, reserved acts, scopes, and the roles every tenant begins with.

Must not know who holds what; that is authority.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.errors import InvalidInput


class Permission(StrEnum):
    """Read or write on one of ten kinds of resource. Write does not imply read: a role or scope names both."""

    CAMPAIGN_READ = "campaign:read"
    CAMPAIGN_WRITE = "campaign:write"
    CREATIVE_READ = "creative:read"
    CREATIVE_WRITE = "creative:write"
    JOURNEY_READ = "journey:read"
    JOURNEY_WRITE = "journey:write"
    EXPERIMENT_READ = "experiment:read"
    EXPERIMENT_WRITE = "experiment:write"
    DCO_READ = "dco:read"
    DCO_WRITE = "dco:write"
    CDP_READ = "cdp:read"
    CDP_WRITE = "cdp:write"
    ANALYTICS_READ = "analytics:read"
    ANALYTICS_WRITE = "analytics:write"
    BILLING_READ = "billing:read"
    BILLING_WRITE = "billing:write"
    USER_READ = "user:read"
    USER_WRITE = "user:write"
    SYSTEM_READ = "system:read"
    SYSTEM_WRITE = "system:write"


class RoleName(StrEnum):
    """The seeded roles. A tenant may define others under other names; those open no reserved act."""

    OWNER = "owner"
    REVIEWER = "reviewer"
    CAMPAIGN_MANAGER = "campaign_manager"
    BRAND_MANAGER = "brand_manager"
    DATA_ANALYST = "data_analyst"
    ML_ENGINEER = "ml_engineer"
    PLATFORM_ENGINEER = "platform_engineer"
    COMPLIANCE_OFFICER = "compliance_officer"
    FINANCE = "finance"
    DEVELOPER = "developer"


class ReservedAct(StrEnum):
    """What a permission alone does not open: it also takes a role, a person, and a scope of this very name.

    No API key can perform one. A decided budget passes the automation thresholds because a person answered for it;
    a key that decides would let automation wave itself through.
    """

    DECIDE_BUDGETS = "budgets:decide"
    ADMINISTER_TENANT = "tenant:administer"


@dataclass(frozen=True, slots=True)
class ActNeeds:
    """What a reserved act takes besides a person and its scope. `tenant_wide`: done to the tenant only."""

    permission: Permission
    role: RoleName
    tenant_wide: bool


#: An owner who is no reviewer decides no budgets: owning the tenant and answering for its spend are two duties.
ACT_NEEDS: Final[dict[ReservedAct, ActNeeds]] = {
    ReservedAct.DECIDE_BUDGETS: ActNeeds(Permission.CAMPAIGN_WRITE, RoleName.REVIEWER, tenant_wide=False),
    ReservedAct.ADMINISTER_TENANT: ActNeeds(Permission.SYSTEM_WRITE, RoleName.OWNER, tenant_wide=True),
}

#: Every scope a credential can carry: the twenty permissions and the reserved acts. A full session carries all.
ALL_SCOPES: Final[frozenset[str]] = frozenset(each.value for each in (*Permission, *ReservedAct))


@dataclass(frozen=True, slots=True)
class SeededRole:
    """A role every tenant begins with. `duty` says what the holder answers for; the permissions follow from it."""

    name: RoleName
    title: str
    duty: str
    permissions: frozenset[Permission]


def _read(*resources: str) -> frozenset[Permission]:
    return frozenset(Permission(f"{resource}:read") for resource in resources)


def _read_write(*resources: str) -> frozenset[Permission]:
    return _read(*resources) | frozenset(Permission(f"{resource}:write") for resource in resources)


#: The stakeholders' eight roles, each with what its duty needs and no more, and two to hold beside them. Suppression
#: lists are customer data (cdp), inference providers and the audit trail are system settings, reports are analytics,
#: and brand rules live with the creatives.
SEEDED_ROLES: Final[tuple[SeededRole, ...]] = (
    SeededRole(
        RoleName.OWNER,
        "Owner",
        "Answers for the tenant: people, settings, money",
        frozenset(Permission),
    ),
    SeededRole(
        RoleName.REVIEWER,
        "Reviewer",
        "Decides budget changes, together with write access to campaigns",
        _read("campaign", "analytics"),
    ),
    SeededRole(
        RoleName.CAMPAIGN_MANAGER,
        "Campaign manager",
        "Creates, configures and launches campaigns",
        _read_write("campaign", "creative", "journey", "experiment", "dco") | _read("cdp", "analytics"),
    ),
    SeededRole(
        RoleName.BRAND_MANAGER,
        "Brand manager",
        "Defines brand guidelines and enforces them on every creative",
        _read_write("creative", "dco") | _read("campaign", "journey", "analytics"),
    ),
    SeededRole(
        RoleName.DATA_ANALYST,
        "Data analyst",
        "Builds reports, tracks budgets, analyses cohorts",
        _read_write("analytics") | _read("campaign", "creative", "journey", "experiment", "dco", "cdp"),
    ),
    SeededRole(
        RoleName.ML_ENGINEER,
        "ML engineer",
        "Configures inference providers and tunes recommendation strategies",
        _read_write("experiment", "dco", "system") | _read("campaign", "creative", "cdp", "analytics"),
    ),
    SeededRole(
        RoleName.PLATFORM_ENGINEER,
        "Platform engineer",
        "Deploys, scales and monitors the installation",
        _read_write("system") | _read("analytics"),
    ),
    SeededRole(
        RoleName.COMPLIANCE_OFFICER,
        "Compliance officer",
        "Reviews approvals and keeps the suppression lists",
        _read_write("cdp") | _read("campaign", "creative", "journey", "analytics", "user", "system"),
    ),
    SeededRole(
        RoleName.FINANCE,
        "Finance",
        "Tracks how budgets are used and what they return",
        _read("campaign", "analytics", "billing"),
    ),
    SeededRole(
        RoleName.DEVELOPER,
        "Developer",
        "Integrates over the APIs and SDKs, builds plugins",
        _read_write("cdp") | _read("campaign", "creative", "journey", "experiment", "dco", "analytics", "system"),
    ),
)


def parse_scopes(names: Iterable[str], path: tuple[str, ...] = ("scopes",)) -> frozenset[str]:
    """Scopes of a user's credential: each one of ALL_SCOPES, at least one.

    Raises:
        InvalidInput: none given, or one that is unknown; the path ends in its index.
    """
    return _parse_names(names, ALL_SCOPES, path)


def parse_api_key_permissions(names: Iterable[str], path: tuple[str, ...] = ("scopes",)) -> frozenset[Permission]:
    """Scopes of an API key: permissions only, at least one. A reserved act is refused rather than silently useless.

    Raises:
        InvalidInput: none given, or one that no key can have; the path ends in its index.
    """
    known = frozenset(permission.value for permission in Permission)
    return frozenset(Permission(name) for name in _parse_names(names, known, path))


def _parse_names(names: Iterable[str], known: frozenset[str], path: tuple[str, ...]) -> frozenset[str]:
    given = list(names)
    if not given:
        raise InvalidInput("name at least one scope", path=path)
    for index, name in enumerate(given):
        if name not in known:
            raise InvalidInput(f"{name!r} is not a scope that can be given here", path=(*path, str(index)))
    return frozenset(given)
