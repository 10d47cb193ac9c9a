"""How to call each root field of the schema with ids of one's own or somebody else's (test_tenant_isolation.py).

A new field adds its row here; one without a row fails.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Ids = Callable[[str], str]


@dataclass(frozen=True)
class Row:
    """How to call a field: its arguments, given a function from a type's name to the global id of one such object.

    `own_refused` says why the call is refused even with one's own ids; without it such a call must go through, because
    a row that is refused for another reason would prove nothing.
    """

    arguments: Callable[[Ids], dict[str, Any]]
    own_refused: str | None = None


PASSWORD = "a long password"


def _listed(ids: Ids) -> dict[str, Any]:
    return {"workspaceId": ids("Workspace"), "first": 50}


def _one(type_name: str) -> Row:
    return Row(lambda ids: {"id": ids(type_name)})


def _change(type_name: str, version: int, **more: Any) -> Row:
    return Row(lambda ids: {"id": ids(type_name), "expectedVersion": version, **more})


def _in_place(**more: Any) -> Row:
    return Row(lambda ids: {"workspaceId": ids("Workspace"), **more})


def _capped(ids: Ids) -> dict[str, Any]:
    change = {"limits": {"maxDailyBudget": "90"}}
    return {"workspaceId": ids("Workspace"), "scope": {"campaignId": ids("Campaign")}, "change": change}


#: One row for each field of Query, Mutation and Subscription.
ROWS: Mapping[str, Row] = {
    "query.node": _one("Campaign"),
    "query.nodes": Row(
        lambda ids: {
            "ids": [
                *(ids(name) for name in ("Workspace", "AdAccount", "Campaign", "Budget", "Plan", "Recommendation")),
                *(ids(name) for name in ("Adjustment", "Member", "ApiKey", "Guardrail", "EmergencyStop", "Shift")),
                ids("PlatformGrant"),
                ids("CampaignStatusChange"),
            ]
        }
    ),
    "query.workspaces": Row(lambda ids: {"first": 100}),
    "query.workspace": _one("Workspace"),
    "query.adAccounts": Row(_listed),
    "query.adAccount": _one("AdAccount"),
    "query.platformGrants": Row(_listed),
    "query.platformGrant": _one("PlatformGrant"),
    "query.adAccountOffers": Row(lambda ids: {"grantId": ids("PlatformGrant")}),
    "query.campaigns": Row(_listed),
    "query.campaign": _one("Campaign"),
    "query.recommendations": Row(_listed),
    "query.recommendation": _one("Recommendation"),
    "query.adjustments": Row(_listed),
    "query.adjustment": _one("Adjustment"),
    "query.guardrails": Row(_listed),
    "query.guardrailDefaults": Row(lambda ids: {}),
    "query.guardrailPreview": Row(_capped),
    "query.automation": _in_place(),
    "query.shifts": Row(_listed),
    "query.shift": _one("Shift"),
    "query.campaignStatusChanges": Row(lambda ids: {**_listed(ids), "campaignId": ids("Campaign")}),
    "query.campaignStatusChange": _one("CampaignStatusChange"),
    "query.emergencyStops": Row(_listed),
    "query.emergencyStop": _one("EmergencyStop"),
    "query.emergencyStopPreview": _in_place(windowHours=24),
    "query.events": Row(lambda ids: {**_listed(ids), "subjectId": ids("Adjustment")}),
    "query.viewer": Row(lambda ids: {}),
    "query.members": Row(_listed),
    "query.member": _one("Member"),
    "query.apiKeys": Row(_listed),
    "query.apiKey": _one("ApiKey"),
    "query.notifications": Row(_listed),
    "query.notificationUnreadCount": _in_place(),
    "query.notificationPreferences": _in_place(),
    "query.alerts": Row(_listed),
    "query.alertSummary": _in_place(),
    "mutation.notificationRead": _one("Notification"),
    "mutation.notificationsReadAll": _in_place(),
    "mutation.notificationAcknowledge": _one("Notification"),
    "mutation.notificationPreferencesSet": _in_place(change={"phone": "+14155550100"}),
    "mutation.adAccountConnectionStart": _in_place(platform="GOOGLE"),
    "mutation.adAccountConnect": Row(lambda ids: {"grantId": ids("PlatformGrant"), "externalIds": ["1"]}),
    "mutation.adAccountDisconnect": Row(lambda ids: {"grantId": ids("PlatformGrant")}),
    "mutation.workspaceUpdate": _change("Workspace", 1, change={"name": "new"}, idempotencyKey="k"),
    "mutation.recommendationApprove": _change("Recommendation", 1, idempotencyKey="k"),
    "mutation.recommendationReject": _change("Recommendation", 1, reason="no", idempotencyKey="k"),
    "mutation.recommendationEdit": _change("Recommendation", 1, change={"percent": "5"}, idempotencyKey="k"),
    "mutation.recommendationsDecide": Row(
        lambda ids: {
            "decisions": [
                {"id": ids("Recommendation"), "expectedVersion": 1, "choice": "APPROVE", "idempotencyKey": "k"}
            ]
        }
    ),
    "mutation.adjustmentRetry": _change("Adjustment", 2, idempotencyKey="k"),
    "mutation.adjustmentRevert": replace(
        _change("Adjustment", 2, reason="no", idempotencyKey="k"),
        own_refused="this adjustment is FAILED; only one that is CONFIRMED can be reverted",
    ),
    "mutation.guardrailSet": Row(lambda ids: {**_capped(ids), "idempotencyKey": "k"}),
    "mutation.guardrailRemove": _change("Guardrail", 1, idempotencyKey="k"),
    "mutation.automationSet": _in_place(expectedVersion=0, change={"autoApproval": True}, idempotencyKey="k"),
    "mutation.automationPause": _in_place(idempotencyKey="k"),
    "mutation.shiftRequest": replace(
        Row(
            lambda ids: {
                "fromCampaignId": ids("Campaign"),
                "toCampaignId": ids("Campaign"),
                "amount": "1",
                "reason": "why",
                "idempotencyKey": "k",
            }
        ),
        own_refused="both campaigns are paid by the same budget",
    ),
    "mutation.campaignPause": Row(lambda ids: {"id": ids("Campaign"), "reason": "why", "idempotencyKey": "k"}),
    "mutation.campaignResume": Row(lambda ids: {"id": ids("Campaign"), "reason": "why", "idempotencyKey": "k"}),
    "mutation.emergencyStopStart": _in_place(reason="it burns", windowHours=24, idempotencyKey="k"),
    "mutation.emergencyStopLift": replace(
        _change("EmergencyStop", 2, idempotencyKey="k"), own_refused="this emergency stop was lifted before"
    ),
    "mutation.presenceSet": Row(lambda ids: {"recommendationId": ids("Recommendation"), "mode": "EDITING"}),
    "mutation.presenceClear": Row(lambda ids: {"recommendationId": ids("Recommendation")}),
    "mutation.sessionCreate": Row(
        lambda ids: {"email": "chief@acme.test", "password": PASSWORD, "tenantId": ids("Tenant")}
    ),
    "mutation.sessionRefresh": Row(lambda ids: {"refreshToken": "t"}, own_refused="no session is open"),
    "mutation.sessionRevoke": Row(lambda ids: {"refreshToken": "t"}, own_refused="no session is open"),
    "mutation.memberAdd": Row(
        lambda ids: {
            "workspaceId": ids("Workspace"),
            "member": {
                "email": "new@acme.test",
                "name": "New",
                "password": PASSWORD,
                "roles": ["data_analyst"],
            },
        }
    ),
    "mutation.memberRolesSet": _change("Member", 1, roles=["finance"]),
    "mutation.memberRevoke": _change("Member", 1),
    "mutation.apiKeyCreate": Row(
        lambda ids: {"workspaceId": ids("Workspace"), "name": "key", "scopes": ["CAMPAIGN_READ"]}
    ),
    "mutation.apiKeyRevoke": _one("ApiKey"),
    "query.trustedDocuments": Row(_listed),
    "mutation.trustedDocumentRegister": _in_place(name="mine", text="{ __typename }"),
    "mutation.trustedDocumentWithdraw": _one("TrustedDocument"),
    "subscription.recommendationChanges": _in_place(),
    "subscription.adjustmentProgress": _in_place(),
    "subscription.notificationAdded": _in_place(),
    "subscription.presenceChanges": _in_place(),
}
