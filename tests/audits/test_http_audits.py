"""The server audits of graphql-http, GraphQL over HTTP's reference implementation, against the served product."""

from uuid import uuid4

import pytest

from adapters.tokens import AccessTokens
from domain.access import ALL_SCOPES
from tests.audits.conftest import RunScript
from tests.conftest import House
from tests.integration.sockets import Api


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_every_audit_passes_and_none_as_a_warning(
    api: Api, house: House, access_tokens: AccessTokens, run_script: RunScript
) -> None:
    token = access_tokens.issue(
        tenant_id=house.tenant_id, user_id=house.analyst_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
    )
    url = f"http://127.0.0.1:{api.port}/graphql"
    results = await run_script("http_audits.mjs", url=url, token=token.text)
    assert len(results) == 61
    assert [each for each in results if each["status"] != "ok"] == []
