"""What a form for guardrails stands on: defaults as the input takes them, and refusals that name the input's own fields."""

from typing import Any

from domain.guardrails import DEFAULTS, Proposer
from models import guardrails
from services.ports import Ports
from tests.conftest import House, viewer_of
from tests.graphql_client import execute, global_id

SET = """mutation ($ws: ID!, $scope: GuardrailScopeInput!, $change: GuardrailChangeInput!, $key: String!) {
  guardrailSet(workspaceId: $ws, scope: $scope, change: $change, idempotencyKey: $key) { userErrors { message } }
}"""
PREVIEW = """query ($ws: ID!, $change: GuardrailChangeInput) {
  guardrailPreview(workspaceId: $ws, change: $change) { considered }
}"""


async def test_a_preview_of_what_makes_no_sense_is_refused_by_its_field(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    given = {"ws": global_id("Workspace", house.workspace.id), "change": {"limits": {"maxChanges": 101}}}
    [error] = (await execute(ports, ana, PREVIEW, given))["errors"]
    assert error["extensions"] == {"code": "INVALID_INPUT", "field": ["change", "limits", "maxChanges"]}


async def test_what_holds_where_nothing_is_set_can_be_read_and_set_as_it_is_told(ports: Ports, house: House) -> None:
    """Each default is spelled as the input takes it: all of the rebalancer's and of the auto-scaler's go in as told."""
    ana = await viewer_of(ports, house, house.owner_id)
    asked = await execute(ports, ana, "{ guardrailDefaults { proposer setting value } }", {})
    told = {(each["proposer"], each["setting"]): each["value"] for each in asked["data"]["guardrailDefaults"]}
    assert told["rebalancer", "thresholds.maxChangeShare"] == "0.10"
    assert told["auto-scaler", "limits.maxDailyBudget"] == "1000.00"
    assert told["rule", "thresholds.respectsLearning"] == "true"
    assert told["auto-scaler", "thresholds.minImpressions"] == "1000"
    assert ("rebalancer", "limits.maxDailyBudget") not in told
    for proposer in (Proposer.REBALANCER, Proposer.AUTO_SCALER):
        change: dict[str, dict[str, Any]] = {"thresholds": {}, "limits": {}}
        for (whose, setting), value in told.items():
            if whose == proposer.value:
                part, name = setting.split(".")
                whole = name in {
                    "minHistoryDays",
                    "maxAutomaticChanges",
                    "maxChanges",
                    "minImpressions",
                    "coolDownHours",
                }
                change[part][name] = True if value == "true" else int(value) if whole else value
        given = {"ws": global_id("Workspace", house.workspace.id), "scope": {"rule": proposer.value}}
        answer = await execute(ports, ana, SET, {**given, "change": change, "key": proposer.value})
        assert answer["data"]["guardrailSet"]["userErrors"] == []
    rows = await guardrails.rule_sets(ports.database.read(house.tenant_id), house.workspace.id)
    assert {row.scope.key: row.settings for row in rows} == {
        each.value: DEFAULTS[each] for each in (Proposer.REBALANCER, Proposer.AUTO_SCALER)
    }
