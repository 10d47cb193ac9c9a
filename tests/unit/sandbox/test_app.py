"""The sandbox's own endpoints and its memory: what a restart keeps, what bad control requests get."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from sandbox.app import create_app
from sandbox.page import table

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
META_US = "1043380012345601"
CAMPAIGN = "23850000000010001"
AUTH = {"authorization": "Bearer sandbox-meta-token"}


@contextmanager
def sandbox(path, now=NOW, seed=7):
    with TestClient(create_app(path, now=lambda: now, seed=seed)) as client:
        yield client


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deeper" / "sandbox.db"


def insights(client, since: date, until: date):
    query = {
        "level": "campaign",
        "time_increment": "1",
        "time_range": f'{{"since": "{since}", "until": "{until}"}}',
        "fields": "campaign_id,spend,action_values",
        "limit": "500",
    }
    answer = client.get(f"/meta/v24.0/act_{META_US}/insights", params=query, headers=AUTH).json()
    return {(row["date_start"], row["campaign_id"]): row for row in answer["data"]}


def test_health(path):
    with sandbox(path) as client:
        assert client.get("/health").json() == {"status": "ok"}


def test_clock_effects_faults_and_seed_survive_a_restart(path):
    with sandbox(path) as client:
        client.post("/control/clock/advance", json={"days": 2})
        client.post("/control/clock/advance", json={"seconds": 30.5})
        client.post(f"/meta/v24.0/{CAMPAIGN}", data={"daily_budget": "12345"}, headers=AUTH)
        client.post("/control/faults", json={"platform": "META", "kind": "refuse", "count": 2})
        ledger = client.get("/control/ledger").json()
        world = client.get("/control/world").json()
    with sandbox(path, now=NOW + timedelta(hours=1), seed=99) as client:
        assert client.get("/control/clock").json() == {
            "now": "2026-03-12T16:00:30.500000Z",
            "offset_seconds": 172_830.5,
        }
        assert client.get("/control/ledger").json() == ledger
        assert client.get("/control/world").json() == world
        statuses = [client.get(f"/meta/v24.0/{CAMPAIGN}?fields=daily_budget", headers=AUTH) for _ in range(3)]
        assert [answer.status_code for answer in statuses] == [400, 400, 200]
        assert statuses[2].json() == {"id": CAMPAIGN, "daily_budget": "12345"}
    assert [(row["before_micros"], row["after_micros"]) for row in ledger["effects"]] == [(400_000_000, 123_450_000)]
    assert world["seed"] == 7


def test_started_again_another_day_the_same_world_has_more_days(path):
    with sandbox(path) as client:
        before = insights(client, date(2026, 2, 20), date(2026, 3, 20))
    with sandbox(path, now=NOW + timedelta(days=6)) as client:
        after = insights(client, date(2026, 2, 20), date(2026, 3, 20))
    assert max(day for day, _ in before) == "2026-03-10"
    assert max(day for day, _ in after) == "2026-03-16"
    settled = {key: row for key, row in before.items() if key[0] <= "2026-03-07"}
    assert {key: after[key] for key in settled} == settled
    assert {key: row["spend"] for key, row in after.items() if key[0] <= "2026-03-09"} == {
        key: row["spend"] for key, row in before.items() if key[0] <= "2026-03-09"
    }


def test_reset_starts_a_new_world(path):
    with sandbox(path) as client:
        client.post("/control/clock/advance", json={"days": 2})
        client.post(f"/meta/v24.0/{CAMPAIGN}", data={"daily_budget": "12345"}, headers=AUTH)
        client.post("/control/faults", json={"platform": "META", "kind": "refuse"})
        client.post("/control/reset", json={"seed": 8})
        assert client.get("/control/clock").json()["offset_seconds"] == 0
        assert client.get("/control/ledger").json() == {"effects": []}
        assert client.get("/control/world").json()["seed"] == 8
        answer = client.get(f"/meta/v24.0/{CAMPAIGN}?fields=daily_budget", headers=AUTH)
        assert answer.json()["daily_budget"] == "40000"


def test_a_fault_is_met_by_its_own_platform_and_operation_only(path):
    with sandbox(path) as client:
        client.post("/control/faults", json={"platform": "TIKTOK", "kind": "refuse"})
        client.post("/control/faults", json={"platform": "META", "operation": "set_budget", "kind": "refuse"})
        client.post("/control/faults", json={"platform": "META", "operation": "any", "kind": "server_error"})
        read = [client.get(f"/meta/v24.0/{CAMPAIGN}?fields=id", headers=AUTH).status_code for _ in range(2)]
        set_ = [client.post(f"/meta/v24.0/{CAMPAIGN}", data={"daily_budget": "5000"}, headers=AUTH) for _ in range(2)]
        assert read == [500, 200]
        assert [answer.status_code for answer in set_] == [400, 200]


def test_the_ledger_is_read_from_where_one_left_off(path):
    with sandbox(path) as client:
        for amount in ("20000", "30000", "40000"):
            client.post(f"/meta/v24.0/{CAMPAIGN}", data={"daily_budget": amount}, headers=AUTH)
        rows = client.get("/control/ledger").json()["effects"]
        rest = client.get("/control/ledger", params={"after": rows[0]["id"]}).json()["effects"]
    assert [row["after_micros"] for row in rows] == [200_000_000, 300_000_000, 400_000_000]
    assert rest == rows[1:]


def test_the_world_tells_its_truth(path):
    with sandbox(path) as client:
        truth = {row["campaign"]: row for row in client.get("/control/world").json()["campaigns"]}
    assert len(truth) == 30
    first = truth[CAMPAIGN]
    assert (first["daily_budget_micros"], first["ceiling_micros"], first["half_spend_micros"]) == (
        400_000_000,
        1_500_000_000,
        250_000_000,
    )
    assert first["true_daily_revenue_micros"] == 923_076_923
    assert truth["23850000000010006"]["first_day"] == "2026-03-06"


def test_the_page_shows_names_as_text_and_its_button_lets_a_day_pass(path):
    with sandbox(path) as client:
        page = client.get("/")
        assert "Harbour &amp; Pine US" in page.text
        assert "Harbour & Pine" not in page.text
        assert page.headers["content-type"].startswith("text/html")
        answer = client.post("/control/page/advance-day", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert client.get("/control/clock").json()["offset_seconds"] == 86_400


def test_a_cell_of_the_page_is_text_never_markup():
    assert table(("<b>",), [("<script>alert('x')</script>",)]) == (
        "<table><tr><th>&lt;b&gt;</th></tr><tr><td>&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;</td></tr></table>"
    )


def test_the_page_shows_budgets_as_they_stand_and_effects_newest_first(path):
    with sandbox(path) as client:
        for amount in ("20000", "30001"):
            client.post(f"/meta/v24.0/{CAMPAIGN}", data={"daily_budget": amount}, headers=AUTH)
        text = client.get("/").text
    assert f"<td>{CAMPAIGN}</td><td>300.01</td><td>USD</td><td>running</td>" in text
    assert text.index("<td>200.00</td><td>300.01</td>") < text.index("<td>400.00</td><td>200.00</td>")


@pytest.mark.parametrize(
    ("path_suffix", "body"),
    [
        ("clock/advance", {}),
        ("clock/advance", {"days": -1}),
        ("clock/advance", {"days": "one"}),
        ("clock/advance", {"days": True}),
        ("clock/advance", {"days": 1, "seconds": 1}),
        ("clock/advance", {"days": 1e12}),
        ("clock/advance", {"days": 3661}),
        ("clock/advance", {"weeks": 1}),
        ("faults", {"platform": "META"}),
        ("faults", {"platform": "MYSPACE", "kind": "quota"}),
        ("faults", {"platform": "META", "kind": "earthquake"}),
        ("faults", {"platform": "META", "kind": "quota", "operation": "dance"}),
        ("faults", {"platform": "META", "kind": "quota", "count": 0}),
        ("faults", {"platform": "META", "kind": "slow", "seconds": -1}),
        ("faults", {"platform": "META", "kind": "quota", "code": "many"}),
        ("faults", {"platform": "GOOGLE", "kind": "quota", "code": "429"}),
        ("faults", {"platform": "TIKTOK", "kind": "quota", "code": "4/2"}),
        ("reset", {"seed": "x"}),
        ("reset", {"seed": -1}),
        ("external-change", {"platform": "META", "account": META_US, "entity": CAMPAIGN, "daily_budget_micros": -1}),
        ("external-change", {"platform": "META", "account": META_US, "entity": CAMPAIGN}),
    ],
)
def test_a_control_request_that_makes_no_sense_is_refused(path, path_suffix, body):
    with sandbox(path) as client:
        answer = client.post(f"/control/{path_suffix}", json=body)
        assert answer.status_code == 400
        assert set(answer.json()) == {"error"}
        assert client.get("/control/clock").json()["offset_seconds"] == 0
        assert client.get("/control/ledger").json() == {"effects": []}
        assert client.get(f"/meta/v24.0/{CAMPAIGN}?fields=id", headers=AUTH).status_code == 200


@pytest.mark.parametrize(("content", "status"), [(b"{", 400), (b"[]", 400), (b"\xff", 400)])
def test_a_control_body_that_is_no_object_is_refused(path, content, status):
    with sandbox(path) as client:
        assert client.post("/control/clock/advance", content=content).status_code == status


@pytest.mark.parametrize(("account", "entity"), [("1", CAMPAIGN), (META_US, "1"), (META_US, "23850000000020001")])
def test_an_outside_change_of_what_is_not_there_is_not_found(path, account, entity):
    with sandbox(path) as client:
        body = {"platform": "META", "account": account, "entity": entity, "daily_budget_micros": 1}
        assert client.post("/control/external-change", json=body).status_code == 404
        assert client.get("/control/ledger").json() == {"effects": []}


def test_a_campaign_is_paused_and_set_running_again_also_over_a_restart(path):
    fields = f"/meta/v24.0/{CAMPAIGN}?fields=status,daily_budget"
    with sandbox(path) as client:
        body = {"platform": "META", "campaign": CAMPAIGN, "paused": True}
        assert client.post("/control/pause", json=body).json() == {"paused": True}
        assert "<td>paused</td>" in client.get("/").text
    with sandbox(path, now=NOW + timedelta(days=2)) as client:
        assert client.get(fields, headers=AUTH).json()["status"] == "PAUSED"
        found = insights(client, date(2026, 3, 11), date(2026, 3, 11))
        assert CAMPAIGN not in {campaign for _, campaign in found}
        assert len(found) == 5
        client.post("/control/pause", json={**body, "paused": False})
        assert client.get(fields, headers=AUTH).json() == {"id": CAMPAIGN, "status": "ACTIVE", "daily_budget": "40000"}
    with sandbox(path, now=NOW + timedelta(days=3)) as client:
        assert (("2026-03-13", CAMPAIGN) in insights(client, date(2026, 3, 13), date(2026, 3, 13))) is True
        client.post("/control/pause", json=body)
        client.post("/control/reset")
        assert client.get(fields, headers=AUTH).json()["status"] == "ACTIVE"


def test_a_lifetime_budget_takes_the_daily_one_s_place(path):
    fields = f"/meta/v24.0/{CAMPAIGN}?fields=daily_budget,lifetime_budget"
    body = {"platform": "META", "account": META_US, "entity": CAMPAIGN, "lifetime_budget_micros": 9_000_000_000}
    with sandbox(path) as client:
        client.post("/control/lifetime", json=body)
        assert client.get(fields, headers=AUTH).json() == {"id": CAMPAIGN, "lifetime_budget": "900000"}
        assert "<td>running, lifetime budget 9000.00</td>" in client.get("/").text
        answer = client.post(f"/meta/v24.0/{CAMPAIGN}", data={"daily_budget": "5000"}, headers=AUTH)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
        client.post("/control/lifetime", json={**body, "lifetime_budget_micros": 0})
        assert client.get(fields, headers=AUTH).json() == {"id": CAMPAIGN, "daily_budget": "40000"}
        assert client.get("/control/ledger").json() == {"effects": []}


def test_switches_are_off_until_set_and_off_again_after_a_reset(path):
    off = {
        "meta_changes_per_hour": 0,
        "tiktok_max_change_percent": 0,
        "linkedin_calls_per_day": 0,
        "amazon_calls_per_second": 0,
        "microsoft_calls_per_minute": 0,
    }
    with sandbox(path) as client:
        assert client.get("/control/options").json() == off
        for body in ({"colour": 1}, {"meta_changes_per_hour": -1}, {"meta_changes_per_hour": 10**10}):
            assert client.post("/control/options", json={"tiktok_max_change_percent": 7, **body}).status_code == 400
        assert client.get("/control/options").json() == off
        client.post("/control/options", json={"meta_changes_per_hour": 4})
    with sandbox(path) as client:
        assert client.get("/control/options").json() == {**off, "meta_changes_per_hour": 4}
        client.post("/control/reset")
        assert client.get("/control/options").json() == off


def test_meta_takes_only_so_many_changes_an_hour_where_the_switch_is_on(path):
    def change(client, amount, campaign=CAMPAIGN):
        answer = client.post(f"/meta/v24.0/{campaign}", data={"daily_budget": amount}, headers=AUTH).json()
        return answer.get("success") or (answer["error"]["code"], answer["error"]["error_subcode"])

    with sandbox(path) as client:
        client.post("/control/options", json={"meta_changes_per_hour": 2})
        assert [change(client, amount) for amount in ("20000", "21000", "22000")] == [True, True, (613, 1487632)]
        assert change(client, "22000", "23850000000010002") is True
        client.post("/control/clock/advance", json={"seconds": 3_601})
        assert change(client, "22000") is True
        assert len(client.get("/control/ledger").json()["effects"]) == 4


def test_tiktok_takes_only_so_large_a_change_where_the_switch_is_on(path):
    def change(client, amount):
        body = {"advertiser_id": "7100000000000000001", "campaign_id": "1780000000000001", "budget": amount}
        headers = {"access-token": "sandbox-tiktok-token"}
        return client.post("/tiktok/open_api/v1.3/campaign/update/", json=body, headers=headers).json()["code"]

    with sandbox(path) as client:
        client.post("/control/options", json={"tiktok_max_change_percent": 50})
        assert [change(client, amount) for amount in (195.01, 64.99, 195, 97.5)] == [40002, 40002, 0, 0]
        assert len(client.get("/control/ledger").json()["effects"]) == 2


@pytest.mark.parametrize(
    ("path_suffix", "body", "status"),
    [
        ("pause", {"platform": "META", "campaign": CAMPAIGN}, 400),
        ("pause", {"platform": "META", "campaign": CAMPAIGN, "paused": 1}, 400),
        ("pause", {"platform": "META", "campaign": "1", "paused": True}, 404),
        ("pause", {"platform": "LINKEDIN", "campaign": CAMPAIGN, "paused": True}, 404),
        ("lifetime", {"platform": "META", "account": META_US, "entity": CAMPAIGN}, 400),
        ("lifetime", {"platform": "META", "account": "1", "entity": CAMPAIGN, "lifetime_budget_micros": 1}, 404),
        ("faults", {"platform": "LINKEDIN", "kind": "quota", "code": "101"}, 400),
        ("faults", {"platform": "AMAZON", "kind": "quota", "code": "429"}, 400),
        ("faults", {"platform": "MICROSOFT", "kind": "quota", "code": "MANY"}, 400),
    ],
)
def test_what_cannot_be_set_is_not(path, path_suffix, body, status):
    with sandbox(path) as client:
        assert client.post(f"/control/{path_suffix}", json=body).status_code == status
        answer = client.get(f"/meta/v24.0/{CAMPAIGN}?fields=status,daily_budget", headers=AUTH)
        assert answer.json() == {"id": CAMPAIGN, "status": "ACTIVE", "daily_budget": "40000"}
