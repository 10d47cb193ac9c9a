"""Documents that partners register: who may, who finds them, until when; on both databases."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from graphql import get_introspection_query
from graphql.utilities import strip_ignored_characters

from adapters.passwords import Passwords
from adapters.tokens import AccessTokens
from app.backend import GraphQLBackend
from app.container import Container
from app.known_documents import BUILT_IN, KnownDocuments
from app.settings import Settings
from app.web import create_app
from domain.access import ALL_SCOPES, Permission
from domain.documents import sha256_of
from domain.log import LogEvent
from models import documents as table
from models import log
from realtime.hints import Hints
from realtime.relay import Relay
from services import api_keys, documents
from services.ports import Ports
from services.viewers import Viewer, look_up
from tests.conftest import House, viewer_of
from tests.graphql_client import execute, global_id

TEXT = "query Names($w: ID!) { workspace(id: $w) { name } }"
REGISTER = """mutation ($w: ID!, $name: String!, $text: String!) {
  trustedDocumentRegister(workspaceId: $w, name: $name, text: $text) {
    document { id name sha256 text registeredAt registeredBy { name } } userErrors { code message field } } }"""
WITHDRAW = """mutation ($id: ID!) { trustedDocumentWithdraw(id: $id) {
  document { name } userErrors { code } } }"""
LIST = """query ($w: ID!) { trustedDocuments(workspaceId: $w, first: 10) { nodes { name } } }"""


async def register(ports: Ports, viewer: Viewer, house: House, text: str = TEXT, name: str = "names") -> Any:
    variables = {"w": global_id("Workspace", house.workspace.id), "name": name, "text": text}
    answer = await execute(ports, viewer, REGISTER, variables)
    return answer["data"]["trustedDocumentRegister"]


async def kinds(ports: Ports, house: House) -> list[tuple[str, bool, bool]]:
    found = await log.events_after(ports.database.read(house.tenant_id), 0, 100)
    return [(each.entry.kind, each.before is None, each.after is None) for each in found]


async def test_registered_once_listed_withdrawn_and_each_step_in_the_trail(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    first = await register(ports, ana, house, name=" names ")
    document = first["document"]
    assert (document["name"], document["sha256"], document["text"]) == ("names", sha256_of(TEXT), TEXT)
    assert document["registeredBy"] == {"name": "Owner of acme"}
    # Again, by any name: it stays as it is.
    assert await register(ports, ana, house, name="others") == first
    asked = {"w": global_id("Workspace", house.workspace.id)}
    assert (await execute(ports, ana, LIST, asked))["data"]["trustedDocuments"]["nodes"] == [{"name": "names"}]
    assert await documents.text_of(ports, house.tenant_id, sha256_of(TEXT)) == TEXT

    for known in (True, False):
        answer = (await execute(ports, ana, WITHDRAW, {"id": document["id"]}))["data"]["trustedDocumentWithdraw"]
        assert answer == (
            {"document": {"name": "names"}, "userErrors": []}
            if known
            else {"document": None, "userErrors": [{"code": "NOT_FOUND"}]}
        )
    assert await documents.text_of(ports, house.tenant_id, sha256_of(TEXT)) is None
    assert await kinds(ports, house) == [("document.registered", True, False), ("document.withdrawn", False, True)]


async def test_a_partners_key_registers_where_it_may_change_settings(ports: Ports, house: House) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    for permissions, refused in (([Permission.SYSTEM_WRITE], None), ([Permission.CAMPAIGN_WRITE], "FORBIDDEN")):
        made = await api_keys.create(ports, ana, house.workspace.id, "partner", permissions, None)
        partner = await look_up(ports, await api_keys.identify(ports, made.secret.text))
        answer = await register(ports, partner, house)
        assert [each["code"] for each in answer["userErrors"]] == ([] if refused is None else [refused])
    cleo = await viewer_of(ports, house, house.analyst_id)
    assert (await register(ports, cleo, house))["userErrors"][0]["code"] == "FORBIDDEN"
    assert len(await kinds(ports, house)) == 3  # two keys, one document


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Syntax Error: Unexpected <EOF>."),
        ("query {", "Syntax Error: Expected Name, found <EOF>."),
        ("{ nothing }", "Cannot query field 'nothing' on type 'Query'."),
        ("{" + " viewer" * 1_000 + "}", "Syntax Error: Document contains more than 1000 tokens. Parsing aborted."),
    ],
)
async def test_what_could_never_run_is_refused(ports: Ports, house: House, text: str, message: str) -> None:
    ana = await viewer_of(ports, house, house.owner_id)
    [error] = (await register(ports, ana, house, text))["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_INPUT", ["text"])
    assert error["message"] == f"no document of this schema: {message}"


async def test_a_workspace_has_so_many(ports: Ports, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.documents.MOST", 2)
    ana = await viewer_of(ports, house, house.owner_id)
    told = [await register(ports, ana, house, f"query Q{number} {{ viewer {{ name }} }}") for number in range(3)]
    assert [[each["code"] for each in answer["userErrors"]] for answer in told] == [[], [], ["INVALID_INPUT"]]
    assert await table.count_documents(ports.database.read(house.tenant_id), house.workspace.id) == 2


@pytest.fixture
async def backend(
    ports: Ports, access_tokens: AccessTokens, passwords: Passwords, tmp_path: Path
) -> AsyncIterator[GraphQLBackend]:
    """A process that is set to known documents, with one of the operator's."""
    folder = tmp_path / "known"
    folder.mkdir()
    (folder / "all.graphql").write_text("query Who { viewer { name } }")
    hints = Hints()
    async with Relay.run(ports.database, hints, ports.clock) as relay:
        container = Container(Settings(documents="known"), ports, relay, hints, access_tokens, passwords)
        yield GraphQLBackend(container, KnownDocuments([folder]))


@pytest.mark.req("FR-PLT-001")
async def test_on_a_server_of_known_documents_each_tenant_has_its_own(
    backend: GraphQLBackend, ports: Ports, access_tokens: AccessTokens, house: House, other_house: House
) -> None:
    async def session(of: House) -> Any:
        token = access_tokens.issue(
            tenant_id=of.tenant_id, user_id=of.owner_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
        )
        return await backend.authenticate(f"Bearer {token.text}")

    mine, theirs, stranger = await session(house), await session(other_house), await backend.authenticate(None)
    ana = await viewer_of(ports, house, house.owner_id)
    document = await documents.register(ports, ana, house.workspace.id, "names", TEXT)
    who = "{ viewer { name } }"
    operators = "query Who { viewer { name } }"
    seen = [
        (
            await backend.document(each, document.sha256),
            await backend.may_run(each, TEXT),
            await backend.may_run(each, operators),
            await backend.may_run(each, who),
        )
        for each in (mine, theirs, stranger)
    ]
    assert seen == [(TEXT, True, True, False), (None, False, True, False), (None, False, True, False)]
    await documents.withdraw(ports, ana, document.id)
    assert (await backend.document(mine, document.sha256), await backend.may_run(mine, TEXT)) == (None, False)


async def test_a_withdrawn_document_is_forgotten_where_it_was_remembered(
    backend: GraphQLBackend, ports: Ports, access_tokens: AccessTokens, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While somebody follows the tenant, texts are remembered; the event of a withdrawal ends that."""
    token = access_tokens.issue(
        tenant_id=house.tenant_id, user_id=house.owner_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
    )
    session = await backend.authenticate(f"Bearer {token.text}")
    ana = await viewer_of(ports, house, house.owner_id)
    document = await documents.register(ports, ana, house.workspace.id, "names", TEXT)
    reads = 0

    async def counted(*arguments: Any) -> str | None:
        nonlocal reads
        reads += 1
        return await text_of(*arguments)

    text_of = documents.text_of
    monkeypatch.setattr(documents, "text_of", counted)
    async with aclosing(backend._container.relay.follow(house.tenant_id, 0)) as messages:
        await anext(messages)
        for _ in range(3):
            assert await backend.document(session, document.sha256) == TEXT
        assert reads == 1
        await documents.withdraw(ports, ana, document.id)
        async for message in messages:
            if isinstance(message, LogEvent) and message.entry.kind == "document.withdrawn":
                break
        assert await backend.document(session, document.sha256) is None


CONSOLE = Path(__file__).parents[2] / "console" / "src" / "operations"


async def test_a_partner_starts_on_a_server_of_known_documents_with_nothing_but_hashes(
    ports: Ports, access_tokens: AccessTokens, passwords: Passwords, house: House, tmp_path: Path
) -> None:
    """Through the whole app: the console goes on working, and a partner brings its own documents."""
    (tmp_path / "operations.graphql").write_text("\n".join(each.read_text() for each in sorted(CONSOLE.glob("*"))))
    hints = Hints()
    token = access_tokens.issue(
        tenant_id=house.tenant_id, user_id=house.owner_id, session_id=uuid4(), roles=(), scopes=ALL_SCOPES
    ).text
    settings = Settings(documents="known", console_dir=tmp_path)
    built_in = KnownDocuments([BUILT_IN]).by_name
    workspace_id = global_id("Workspace", house.workspace.id)
    async with Relay.run(ports.database, hints, ports.clock) as relay:
        app, _ = create_app(Container(settings, ports, relay, hints, access_tokens, passwords))
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as client:

            async def ask(headers: dict[str, str] = headers, **body: Any) -> Any:
                answer = (await client.post("/graphql", json=body, headers=headers)).json()
                return answer["errors"][0]["extensions"]["code"] if "errors" in answer else answer["data"]

            who = KnownDocuments([CONSOLE]).by_name["Who"]
            assert (await ask(query=strip_ignored_characters(who)))["viewer"]["name"] == "Owner of acme"
            assert await ask(query=TEXT, variables={"w": workspace_id}) == "PERSISTED_QUERY_ONLY"
            assert await ask(query=get_introspection_query()) == "PERSISTED_QUERY_ONLY"
            named = {"documentId": f"sha256:{sha256_of(built_in['RegisterDocument'])}"}
            arguments = {"workspaceId": workspace_id, "name": "names", "text": TEXT}
            made = await ask(**named, variables=arguments)
            assert made["trustedDocumentRegister"]["document"]["sha256"] == sha256_of(TEXT)
            by_hash = {"documentId": f"sha256:{sha256_of(TEXT)}", "variables": {"w": workspace_id}}
            assert await ask(**by_hash) == {"workspace": {"name": "acme"}}
            assert await ask(headers={}, **by_hash) == "PERSISTED_QUERY_NOT_FOUND"
