"""The graphql-sse client against the served product."""

from datetime import timedelta
from uuid import uuid4

import pytest

from adapters.tokens import AccessTokens
from domain.access import ALL_SCOPES
from kit.time import FixedClock
from schema.base import global_id
from tests.audits.conftest import RunScript
from tests.conftest import House
from tests.integration.sockets import Api

COST = {"requested": 1, "limit": 5_000}
TYPENAME = {"data": {"__typename": "Query"}, "extensions": {"cost": COST}}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_client_gets_results_refusals_and_statuses(
    api: Api, house: House, access_tokens: AccessTokens, clock: FixedClock, run_script: RunScript
) -> None:
    def token() -> str:
        return access_tokens.issue(
            tenant_id=house.tenant_id, user_id=house.reviewer_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
        ).text

    expired = token()
    clock.advance(timedelta(hours=1))
    found = await run_script(
        "stream_client.mjs",
        url=f"http://127.0.0.1:{api.port}/graphql",
        token=token(),
        expired=expired,
        workspaceId=global_id("Workspace", house.workspace.id),
    )
    assert found["query"] == {"results": [TYPENAME], "completed": True}
    (first,) = found["subscription"]["results"]
    assert first["data"]["recommendationChanges"]["__typename"] == "Watermark"
    for name, code in (("syntax", "GRAPHQL_PARSE_FAILED"), ("unknown", "GRAPHQL_VALIDATION_FAILED")):
        (refused,) = found[name]["results"]
        assert (refused["errors"][0]["extensions"]["code"], found[name]["completed"]) == (code, True)
    assert found["wrongToken"] == {"results": [], "status": 401}
    assert found["expiredThenFresh"] == {"results": [TYPENAME], "completed": True, "asked": 2}
