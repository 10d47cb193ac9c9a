"""What the API compresses: large answers for who takes them so; never streams of events."""

from uuid import uuid4

import httpx
import pytest

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from app.container import Container
from app.settings import Settings
from app.web import create_app
from domain.access import ALL_SCOPES
from realtime.hints import Hints
from realtime.relay import Relay
from services.ports import Ports
from tests.conftest import House


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_large_answers_are_compressed_for_who_takes_them_so_and_streams_never(
    ports: Ports, access_tokens: AccessTokens, passwords: Passwords, house: House
) -> None:
    token = access_tokens.issue(
        tenant_id=house.tenant_id, user_id=house.owner_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
    ).text
    hints = Hints()
    gzip, plain = {"accept-encoding": "gzip"}, {"accept-encoding": "identity"}
    async with Relay.run(ports.database, hints, ports.clock) as relay:
        app, _ = create_app(Container(Settings(), ports, relay, hints, access_tokens, passwords))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://api.test", headers={"authorization": f"Bearer {token}"}
        ) as client:
            large = [await client.get("/schema.graphql", headers=each) for each in (gzip, plain)]
            assert [each.headers.get("content-encoding") for each in large] == ["gzip", None]
            assert int(large[0].headers["content-length"]) * 3 < int(large[1].headers["content-length"])
            assert large[0].text == large[1].text
            assert large[0].headers["vary"] == "Accept-Encoding"
            asked = {"query": "{ viewer { name } }"}
            small = await client.post("/graphql", json=asked, headers=gzip)
            assert small.json()["data"] == {"viewer": {"name": "Owner of acme"}}
            assert "content-encoding" not in small.headers
            events = await client.post("/graphql", json=asked, headers={**gzip, "accept": "text/event-stream"})
            assert events.headers["content-type"].startswith("text/event-stream")
            assert "content-encoding" not in events.headers
            assert "event: next" in events.text
            assert "event: complete" in events.text
