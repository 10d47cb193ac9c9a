"""Each stand-in speaks its platform's own language, in refusals too, and a refusal never leaves an effect."""

import json
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from sandbox.app import create_app
from sandbox.meta import UsageScore

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
META_US, META_CAMPAIGN = "1043380012345601", "23850000000010001"
GOOGLE_US, GOOGLE_BUDGET = "4201987001", "9100000003"
TIKTOK_US, TIKTOK_CAMPAIGN = "7100000000000000001", "1780000000000001"
META_AUTH = {"authorization": "Bearer sandbox-meta-token"}
GOOGLE_AUTH = {"authorization": "Bearer sandbox-google-token", "developer-token": "any"}
TIKTOK_AUTH = {"access-token": "sandbox-tiktok-token"}


@pytest.fixture
def client(tmp_path):
    with TestClient(create_app(tmp_path / "sandbox.db", now=lambda: NOW)) as client:
        yield client


def effects(client):
    return [(row["entity"], row["after_micros"]) for row in client.get("/control/ledger").json()["effects"]]


# Meta


def test_meta_pages_with_cursors_until_none_is_left(client):
    names, query = [], {"fields": "name", "limit": "4"}
    for _ in range(2):
        body = client.get(f"/meta/v24.0/act_{META_US}/campaigns", params=query, headers=META_AUTH).json()
        names += [row["name"] for row in body["data"]]
        query["after"] = body["paging"]["cursors"]["after"]
    assert len(names) == len(set(names)) == 6
    assert "next" not in body["paging"]
    assert client.get(f"/meta/v24.0/act_{META_US}/campaigns", params=query, headers=META_AUTH).json() == {"data": []}


def test_meta_takes_the_token_as_parameter_too(client):
    answer = client.get(f"/meta/v24.0/act_{META_US}?fields=currency&access_token=sandbox-meta-token")
    assert answer.json() == {"currency": "USD", "id": f"act_{META_US}"}
    form = {"daily_budget": "20000", "access_token": "sandbox-meta-token"}
    assert client.post(f"/meta/v24.0/{META_CAMPAIGN}", data=form).json() == {"success": True}


def test_meta_tells_usage_with_every_answer(client):
    answer = client.post(f"/meta/v24.0/{META_CAMPAIGN}", data={"daily_budget": "20000"}, headers=META_AUTH)
    [usage] = json.loads(answer.headers["x-business-use-case-usage"])[META_US]
    assert (usage["type"], usage["estimated_time_to_regain_access"]) == ("ads_management", 0)


def test_meta_scores_fade_within_300_seconds():
    now = [0.0]
    score = UsageScore(lambda: now[0])
    assert [score.add("1", 3_000), score.add("1", 3_000), score.add("2", 1)] == [3_000, 6_000, 1]
    now[0] = 100.0
    assert score.read("1") == 3_000
    now[0] = 301.0
    assert score.read("1") == 0


@pytest.mark.parametrize(
    ("path", "form", "code", "subcode"),
    [
        (META_CAMPAIGN, {"daily_budget": "99"}, 100, 1885272),
        (META_CAMPAIGN, {"daily_budget": "12.5"}, 100, None),
        (META_CAMPAIGN, {"daily_budget": "-500"}, 100, None),
        (META_CAMPAIGN, {"daily_budget": "٣٠٠"}, 100, None),
        (META_CAMPAIGN, {}, 100, None),
        ("404", {"daily_budget": "5000"}, 100, 33),
    ],
)
def test_meta_refuses_in_its_envelope(client, path, form, code, subcode):
    answer = client.post(f"/meta/v24.0/{path}", data=form, headers=META_AUTH)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error.get("error_subcode")) == (400, code, subcode)
    assert set(error) >= {"message", "type", "fbtrace_id"}
    assert effects(client) == []


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"level": "ad", "time_increment": "1"},
        {"level": "campaign", "time_increment": "1"},
        {"level": "campaign", "time_increment": "1", "time_range": '{"since": "2026-03-02", "until": "2026-03-01"}'},
        {"level": "campaign", "time_increment": "1", "time_range": "[]"},
        {
            "level": "campaign",
            "time_increment": "1",
            "time_range": '{"since": "2026-03-01", "until": "2026-03-01"}',
            "after": "?",
        },
        {
            "level": "campaign",
            "time_increment": "1",
            "time_range": '{"since": "2026-03-01", "until": "2026-03-01"}',
            "limit": "0",
        },
    ],
)
def test_meta_refuses_reports_it_cannot_give(client, query):
    answer = client.get(f"/meta/v24.0/act_{META_US}/insights", params=query, headers=META_AUTH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


def test_meta_knows_no_foreign_account(client):
    answer = client.get("/meta/v24.0/act_1?fields=name", headers=META_AUTH)
    assert (answer.status_code, answer.json()["error"]["error_subcode"]) == (400, 33)


# Google


def search(client, query, headers=GOOGLE_AUTH, customer=GOOGLE_US):
    path = f"/google/v21/customers/{customer}/googleAds:searchStream"
    return client.post(path, json={"query": query}, headers=headers)


def mutate(client, *updates, **options):
    operations = [{"update": update, "updateMask": "amount_micros"} for update in updates]
    path = f"/google/v21/customers/{GOOGLE_US}/campaignBudgets:mutate"
    return client.post(path, json={"operations": operations, **options}, headers=GOOGLE_AUTH)


def update(budget=GOOGLE_BUDGET, amount="60000000"):
    return {"resourceName": f"customers/{GOOGLE_US}/campaignBudgets/{budget}", "amountMicros": amount}


def test_google_streams_batches_of_nested_camel_case_rows(client):
    query = (
        "SELECT campaign.id, segments.date, metrics.cost_micros FROM campaign"
        " WHERE segments.date BETWEEN '2026-01-01' AND '2026-03-09'"
    )
    answer = search(client, query)
    batches = answer.json()
    assert [len(batch["results"]) for batch in batches] == [200, 140]
    assert batches[0]["fieldMask"] == "campaign.id,segments.date,metrics.costMicros"
    row = batches[0]["results"][0]
    assert set(row) == {"campaign", "segments", "metrics"}
    assert row["campaign"] == {"resourceName": f"customers/{GOOGLE_US}/campaigns/17000000001", "id": "17000000001"}
    assert isinstance(row["metrics"]["costMicros"], str)
    assert answer.headers["request-id"] == batches[0]["requestId"]


def test_google_shows_one_budget_serving_two_campaigns(client):
    query = "SELECT campaign.id, campaign_budget.id, campaign_budget.explicitly_shared FROM campaign"
    rows = search(client, query).json()[0]["results"]
    shared = [row["campaign"]["id"] for row in rows if row["campaignBudget"]["explicitlyShared"]]
    assert shared == ["17000000003", "17000000004"]
    assert {row["campaignBudget"]["id"] for row in rows if row["campaign"]["id"] in shared} == {GOOGLE_BUDGET}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("DROP TABLE campaign", "UNEXPECTED_INPUT"),
        ("SELECT ad.id FROM ad_group_ad", "UNEXPECTED_INPUT"),
        ("SELECT campaign.colour FROM campaign", "UNRECOGNIZED_FIELD"),
        ("SELECT campaign.id FROM campaign WHERE campaign.name = 'x'", "BAD_FIELD_NAME"),
        (
            "SELECT campaign.id FROM campaign WHERE segments.date BETWEEN 'x' AND 'y'",
            "INVALID_VALUE_WITH_BETWEEN_OPERATOR",
        ),
        (7, "UNEXPECTED_INPUT"),
    ],
)
def test_google_refuses_queries_it_does_not_know(client, query, code):
    answer = search(client, query)
    [part] = answer.json()
    assert (answer.status_code, part["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert part["error"]["details"][0]["errors"][0]["errorCode"] == {"queryError": code}


def test_google_wants_both_tokens_and_its_own_customer(client):
    query = "SELECT customer.id FROM customer"
    bare = {"authorization": GOOGLE_AUTH["authorization"]}
    assert search(client, query, headers=bare).status_code == 401
    assert search(client, query, headers={**GOOGLE_AUTH, "authorization": "Bearer x"}).status_code == 401
    assert search(client, query, customer="1").status_code == 403


def test_google_validates_without_applying(client):
    assert mutate(client, update(), validateOnly=True).json() == {}
    assert effects(client) == []


def test_google_applies_all_operations_or_none(client):
    answer = mutate(client, update(), update("1"))
    assert answer.status_code == 400
    assert effects(client) == []


def test_google_applies_the_good_ones_where_partial_failure_is_asked_for(client):
    body = mutate(client, update("1"), update(), partialFailure=True).json()
    name = f"customers/{GOOGLE_US}/campaignBudgets/{GOOGLE_BUDGET}"
    assert body["results"] == [{}, {"resourceName": name}]
    [error] = body["partialFailureError"]["details"][0]["errors"]
    assert (error["errorCode"], error["location"]["fieldPathElements"][0]["index"]) == (
        {"mutateError": "RESOURCE_NOT_FOUND"},
        0,
    )
    assert effects(client) == [(GOOGLE_BUDGET, 60_000_000)]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (update(amount="999999"), "BUDGET_BELOW_PER_DAY_MINIMUM"),
        (update(amount="60000001"), "NON_MULTIPLE_OF_MINIMUM_CURRENCY_UNIT"),
        (update(amount="-1"), "NEGATIVE_MONEY_AMOUNT"),
        (
            {"resourceName": "customers/1/campaignBudgets/9100000003", "amountMicros": "60000000"},
            "INVALID_RESOURCE_NAME",
        ),
        ({}, "INVALID_RESOURCE_NAME"),
        ("?", "REQUIRED_FIELD_MISSING"),
    ],
)
def test_google_refuses_bad_amounts_and_names(client, given, code):
    answer = mutate(client, given)
    [error] = answer.json()["error"]["details"][0]["errors"]
    assert (answer.status_code, list(error["errorCode"].values())) == (400, [code])
    assert effects(client) == []


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"operations": 3}', b'{"operations": [3]}'])
def test_google_refuses_bodies_without_operations(client, content):
    path = f"/google/v21/customers/{GOOGLE_US}/campaignBudgets:mutate"
    answer = client.post(path, content=content, headers=GOOGLE_AUTH)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


# TikTok


def tiktok(client, path, **query):
    answer = client.get(f"/tiktok/open_api/v1.3/{path}/", params=query, headers=TIKTOK_AUTH)
    assert answer.status_code == 200
    return answer.json()


def test_tiktok_pages_by_number(client):
    first = tiktok(client, "campaign/get", advertiser_id=TIKTOK_US, page="1", page_size="3")["data"]
    second = tiktok(client, "campaign/get", advertiser_id=TIKTOK_US, page="2", page_size="3")["data"]
    assert first["page_info"] == {"page": 1, "page_size": 3, "total_number": 5, "total_page": 2}
    ids = [row["campaign_id"] for row in first["list"] + second["list"]]
    assert ids == [f"178000000000000{number}" for number in range(1, 6)]


REPORT = {
    "advertiser_id": TIKTOK_US,
    "report_type": "BASIC",
    "data_level": "AUCTION_CAMPAIGN",
    "dimensions": '["campaign_id", "stat_time_day"]',
    "metrics": '["spend"]',
    "start_date": "2026-02-01",
    "end_date": "2026-03-02",
}


def test_tiktok_reports_thirty_days_at_most(client):
    assert tiktok(client, "report/integrated/get", **REPORT)["code"] == 0
    assert tiktok(client, "report/integrated/get", **{**REPORT, "end_date": "2026-03-03"})["code"] == 40002


@pytest.mark.parametrize(
    "change",
    [
        {"end_date": "2026-01-31"},
        {"start_date": "yesterday"},
        {"dimensions": '["ad_id"]'},
        {"dimensions": "{"},
        {"metrics": "3"},
        {"metrics": '["colour"]'},
        {"metrics": "[[]]"},
        {"data_level": "AUCTION_AD"},
        {"page": "0"},
        {"page_size": "1001"},
        {"page_size": "x"},
    ],
)
def test_tiktok_refuses_reports_it_cannot_give(client, change):
    assert tiktok(client, "report/integrated/get", **{**REPORT, **change})["code"] == 40002


def test_tiktok_refuses_a_filter_of_the_wrong_shape(client):
    for filtering in ("[]", '{"campaign_ids": 3}', "{"):
        assert tiktok(client, "campaign/get", advertiser_id=TIKTOK_US, filtering=filtering)["code"] == 40002


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ('{"advertiser_id": "%s", "campaign_id": "%s", "budget": 49.99}', 40002),
        ('{"advertiser_id": "%s", "campaign_id": "%s", "budget": 60.001}', 40002),
        ('{"advertiser_id": "%s", "campaign_id": "%s", "budget": 60.0000001}', 40002),
        ('{"advertiser_id": "%s", "campaign_id": "%s", "budget": "60"}', 40002),
        ('{"advertiser_id": "%s", "campaign_id": "%s", "budget": true}', 40002),
        ('{"advertiser_id": "%s", "campaign_id": "%s"}', 40002),
        ('{"advertiser_id": "%s", "campaign_id": "%s0", "budget": 60}', 40002),
        ('{"advertiser_id": "%s0", "campaign_id": "%s", "budget": 60}', 40001),
        ("[]", 40002),
        ("{", 40002),
    ],
)
def test_tiktok_refuses_bad_budgets(client, content, code):
    filled = content % (TIKTOK_US, TIKTOK_CAMPAIGN) if "%" in content else content
    answer = client.post("/tiktok/open_api/v1.3/campaign/update/", content=filled, headers=TIKTOK_AUTH)
    assert (answer.status_code, answer.json()["code"]) == (200, code)
    assert effects(client) == []


def test_tiktok_takes_whole_and_decimal_budgets(client):
    for amount in (50, 60.25):
        body = {"advertiser_id": TIKTOK_US, "campaign_id": TIKTOK_CAMPAIGN, "budget": amount}
        assert client.post("/tiktok/open_api/v1.3/campaign/update/", json=body, headers=TIKTOK_AUTH).json()["code"] == 0
    assert effects(client) == [(TIKTOK_CAMPAIGN, 50_000_000), (TIKTOK_CAMPAIGN, 60_250_000)]
