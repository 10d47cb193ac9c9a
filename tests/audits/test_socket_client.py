"""The graphql-ws client, and raw sockets from Node, against the served product."""

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
async def test_the_client_and_raw_sockets_get_what_the_protocol_says(
    api: Api, house: House, access_tokens: AccessTokens, clock: FixedClock, run_script: RunScript
) -> None:
    def token() -> str:
        return access_tokens.issue(
            tenant_id=house.tenant_id, user_id=house.reviewer_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
        ).text

    expired = token()
    clock.advance(timedelta(hours=1))
    found = await run_script(
        "socket_client.mjs",
        url=f"ws://127.0.0.1:{api.port}/graphql",
        token=token(),
        expired=expired,
        workspaceId=global_id("Workspace", house.workspace.id),
    )

    assert found["query"] == {"results": [TYPENAME], "completed": True}
    (first,) = found["subscription"]["results"]
    assert first["data"]["recommendationChanges"]["__typename"] == "Watermark"
    assert found["subscription"]["completed"] is True

    bad = found["badDocument"]
    assert [bad[name]["errors"][0]["extensions"]["code"] for name in ("syntax", "unknown")] == [
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
    ]
    assert bad["after"] == {"results": [TYPENAME], "completed": True}
    assert (bad["going"], bad["results"], bad["sockets"]) == (True, 1, 1)

    assert (found["wrongToken"]["code"], found["wrongToken"]["reason"]) == (4403, "Forbidden")
    assert found["expiredThenFresh"] == {"results": [TYPENAME], "completed": True, "asked": 2}
    assert found["pings"] == {"results": [TYPENAME], "completed": True}
    assert found["closeCodes"] == {
        "notJson": 4400,
        "array": 4400,
        "unknownType": 4400,
        "badPayload": 4400,
        "subscribeWithoutId": 4400,
        "subscribeBeforeAck": 4401,
        "wrongToken": 4403,
        "expiredToken": 4403,
        "idTwice": 4409,
        "initTwice": 4429,
        "tooBig": 1009,
        "noInit": 4408,
        "pongsButNoInit": 4408,
        "noPong": 4412,
    }
    assert found["clientCloseCodes"] == {
        "badMessage": 4400,
        "subscribeBeforeAck": 4401,
        "wrongToken": 4403,
        "noInit": 4408,
        "idTwice": 4409,
        "initTwice": 4429,
        "noPong": 4412,
        "tooBig": 1009,
    }
    assert found["legacy"] == {"code": "HTTP 400"}
