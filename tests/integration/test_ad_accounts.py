"""Ad accounts over GraphQL on both databases: the list of a workspace and one by id."""

from dataclasses import replace
from datetime import timedelta

from kit.ids import new_id
from models import ad_accounts
from services.ports import Ports
from tests.conftest import NOON, House, viewer_of
from tests.graphql_client import execute, global_id

LIST = """query ($w: ID!, $first: PageSize, $last: PageSize, $after: Cursor) {
  adAccounts(workspaceId: $w, first: $first, last: $last, after: $after) {
    nodes { id platform externalId name currency timeZone syncedAt syncError } pageInfo { endCursor hasNextPage } } }"""


async def test_accounts_are_listed_as_connected_with_how_their_last_sync_went(ports: Ports, house: House) -> None:
    second = replace(house.account, id=new_id(), external_id="2", name="second")
    async with ports.database.write(house.tenant_id) as scope:
        await ad_accounts.add_ad_account(scope, second)
        await ad_accounts.mark_synced(scope, second.id, NOON, None)
        await ad_accounts.mark_synced(scope, second.id, NOON + timedelta(hours=1), "quota")
    ana = await viewer_of(ports, house, house.owner_id)
    workspace = global_id("Workspace", house.workspace.id)
    page = (await execute(ports, ana, LIST, {"w": workspace, "first": 1}))["data"]["adAccounts"]
    assert (page["nodes"][0]["name"], page["pageInfo"]["hasNextPage"]) == ("acme", True)
    rest = (await execute(ports, ana, LIST, {"w": workspace, "first": 9, "after": page["pageInfo"]["endCursor"]}))[
        "data"
    ]
    assert rest["adAccounts"]["nodes"] == [
        {
            "id": global_id("AdAccount", second.id),
            "platform": "META",
            "externalId": "2",
            "name": "second",
            "currency": "USD",
            "timeZone": "America/New_York",
            "syncedAt": "2026-03-10T12:00:00.000000Z",
            "syncError": "quota",
        }
    ]
    last = (await execute(ports, ana, LIST, {"w": workspace, "last": 1}))["data"]["adAccounts"]
    assert [each["name"] for each in last["nodes"]] == ["second"]
    one = await execute(ports, ana, "query ($id: ID!) { adAccount(id: $id) { name } }", {"id": last["nodes"][0]["id"]})
    assert one == {"data": {"adAccount": {"name": "second"}}}
