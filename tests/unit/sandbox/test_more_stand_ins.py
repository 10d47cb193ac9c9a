"""LinkedIn's, Amazon's and Microsoft's stand-ins speak their platforms' language, in refusals too, and apply none."""

import csv
import gzip
import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from sandbox.app import create_app

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
LINKEDIN, LINKEDIN_CAMPAIGN = "507100001", "330100001"
AMAZON, AMAZON_CAMPAIGN = "3312007700000001", "410200000000001"
MICROSOFT, MICROSOFT_CAMPAIGN = "149000001", "520300001"
LINKEDIN_HEADERS = {
    "authorization": "Bearer sandbox-linkedin-token",
    "linkedin-version": "202610",
    "x-restli-protocol-version": "2.0.0",
}
AMAZON_HEADERS = {
    "authorization": "Bearer sandbox-amazon-token",
    "amazon-advertising-api-clientid": "any",
    "amazon-advertising-api-scope": AMAZON,
}
CAMPAIGN_TYPE = {"content-type": "application/vnd.spCampaign.v3+json"}
REPORT_TYPE = {"content-type": "application/vnd.createasyncreportrequest.v3+json"}
MICROSOFT_HEADERS = {
    "authorization": "Bearer sandbox-microsoft-token",
    "developertoken": "any",
    "customeraccountid": MICROSOFT,
}


@pytest.fixture
def client(tmp_path):
    with TestClient(create_app(tmp_path / "sandbox.db", now=lambda: NOW)) as client:
        yield client


def effects(client):
    return [(row["entity"], row["after_micros"]) for row in client.get("/control/ledger").json()["effects"]]


# LinkedIn


def linkedin(client, path, **change):
    headers = {name: value for name, value in {**LINKEDIN_HEADERS, **change}.items() if value}
    return client.get(f"/linkedin/rest/{path}", headers=headers)


def patch(client, body, campaign=LINKEDIN_CAMPAIGN, method="PARTIAL_UPDATE"):
    headers = {**LINKEDIN_HEADERS, "x-restli-method": method}
    return client.post(
        f"/linkedin/rest/adAccounts/{LINKEDIN}/adCampaigns/{campaign}", content=json.dumps(body), headers=headers
    )


def daily(amount, currency="USD"):
    return {"patch": {"$set": {"dailyBudget": {"amount": amount, "currencyCode": currency}}}}


def test_linkedin_answers_a_partial_update_with_nothing(client):
    answer = patch(client, daily("50.25"))
    assert (answer.status_code, answer.content) == (204, b"")
    [effect] = client.get("/control/ledger").json()["effects"]
    assert (effect["after_micros"], effect["request_id"]) == (50_250_000, answer.headers["x-li-uuid"])
    found = linkedin(client, f"adAccounts/{LINKEDIN}/adCampaigns/{LINKEDIN_CAMPAIGN}?fields=id,dailyBudget").json()
    assert found == {"id": 330100001, "dailyBudget": {"amount": "50.25", "currencyCode": "USD"}}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"linkedin-version": ""}, 400, "VERSION_MISSING"),
        ({"linkedin-version": "202613"}, 426, "NONEXISTENT_VERSION"),
        ({"x-restli-protocol-version": "1.0.0"}, 400, "ILLEGAL_ARGUMENT"),
        ({"authorization": "Bearer x"}, 401, "INVALID_ACCESS_TOKEN"),
    ],
)
def test_linkedin_wants_its_headers(client, change, status, code):
    answer = linkedin(client, f"adAccounts/{LINKEDIN}", **change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (daily("9.99"), "DAILY_BUDGET_BELOW_MINIMUM"),
        (daily("50.001"), "FIELD_INVALID"),
        (daily("50.00000001"), "FIELD_INVALID"),
        (daily(50), "FIELD_INVALID"),
        (daily("-50"), "FIELD_INVALID"),
        (daily("50", "EUR"), "CURRENCY_MISMATCH"),
        ({"patch": {"$set": {"dailyBudget": {"amount": "50"}, "status": "PAUSED"}}}, "ILLEGAL_ARGUMENT"),
        ({"patch": []}, "ILLEGAL_ARGUMENT"),
        ({"dailyBudget": "50"}, "ILLEGAL_ARGUMENT"),
        ([], "ILLEGAL_ARGUMENT"),
    ],
)
def test_linkedin_refuses_bad_patches(client, body, code):
    answer = patch(client, body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert effects(client) == []


def test_linkedin_patches_only_what_is_there_and_only_when_told_to(client):
    assert patch(client, daily("50"), campaign="1").status_code == 404
    assert patch(client, daily("50"), method="UPDATE").json()["code"] == "ILLEGAL_ARGUMENT"
    assert linkedin(client, "adAccounts/1").status_code == 403
    assert effects(client) == []


def test_linkedin_pages_by_token(client):
    path = f"adAccounts/{LINKEDIN}/adCampaigns?q=search&pageSize=3"
    first = linkedin(client, path).json()
    rest = linkedin(client, f"{path}&pageToken={first['metadata']['nextPageToken']}").json()
    assert [row["id"] for row in first["elements"] + rest["elements"]] == [330100001 + more for more in range(4)]
    assert rest["metadata"] == {}
    for query in ("q=find", "q=search&pageSize=1001", "q=search&pageSize=x", "q=search&pageToken=-1"):
        assert linkedin(client, f"adAccounts/{LINKEDIN}/adCampaigns?{query}").status_code == 400


ANALYTICS = (
    "adAnalytics?q=analytics&pivot=CAMPAIGN&timeGranularity=DAILY"
    "&dateRange=(start:(year:2026,month:3,day:1),end:(year:2026,month:3,day:2))"
    f"&accounts=List(urn%3Ali%3AsponsoredAccount%3A{LINKEDIN})&fields=impressions,pivotValues"
)


def test_linkedin_reports_the_fields_that_are_named(client):
    elements = linkedin(client, ANALYTICS).json()["elements"]
    assert len(elements) == 8
    assert {frozenset(element) for element in elements} == {frozenset(("impressions", "pivotValues"))}


@pytest.mark.parametrize(
    ("given", "instead"),
    [
        ("DAILY", "ALL"),
        ("CAMPAIGN", "CREATIVE"),
        ("dateRange=(start:(year:2026", "dateRange=%28start%3A%28year%3A2026"),
        ("month:3,day:2", "month:2,day:29"),
        ("month:3,day:2", "month:2,day:1"),
        ("&dateRange", "&range"),
    ],
)
def test_linkedin_refuses_reports_it_cannot_give(client, given, instead):
    answer = linkedin(client, ANALYTICS.replace(given, instead, 1))
    assert (answer.status_code, answer.json()["code"]) == (400, "ILLEGAL_ARGUMENT")


# Amazon


def amazon_put(client, *campaigns, content_type=CAMPAIGN_TYPE):
    body = json.dumps({"campaigns": list(campaigns)})
    return client.put("/amazon/sp/campaigns", content=body, headers={**AMAZON_HEADERS, **content_type})


def daily_budget(amount, campaign=AMAZON_CAMPAIGN, kind="DAILY"):
    return {"campaignId": campaign, "budget": {"budgetType": kind, "budget": amount}}


def amazon_list(client, body):
    headers = {**AMAZON_HEADERS, **CAMPAIGN_TYPE}
    return client.post("/amazon/sp/campaigns/list", content=json.dumps(body), headers=headers)


def test_amazon_applies_the_good_ones_and_tells_the_others_by_index(client):
    answer = amazon_put(client, daily_budget(0.99), daily_budget(60.25), daily_budget(5, "1"))
    assert answer.status_code == 207
    lists = answer.json()["campaigns"]
    assert lists["success"] == [{"index": 1, "campaignId": AMAZON_CAMPAIGN}]
    told = [(entry["index"], entry["errors"][0]["errorType"]) for entry in lists["error"]]
    assert told == [(0, "rangeError"), (2, "entityNotFoundError")]
    assert effects(client) == [(AMAZON_CAMPAIGN, 60_250_000)]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (daily_budget("60"), "malformedValueError"),
        (daily_budget(True), "malformedValueError"),
        (daily_budget(60.001), "malformedValueError"),
        (daily_budget(60.00000001), "malformedValueError"),
        (daily_budget(60, kind="LIFETIME"), "missingValueError"),
        ({"campaignId": AMAZON_CAMPAIGN}, "missingValueError"),
        ("?", "missingValueError"),
    ],
)
def test_amazon_refuses_bad_budgets(client, given, kind):
    [entry] = amazon_put(client, given).json()["campaigns"]["error"]
    assert entry["errors"][0]["errorType"] == kind
    assert set(entry["errors"][0]["errorValue"]) == {kind}
    assert effects(client) == []


def test_amazon_wants_its_headers(client):
    for name in AMAZON_HEADERS:
        headers = {key: value for key, value in AMAZON_HEADERS.items() if key != name} | CAMPAIGN_TYPE
        answer = client.put("/amazon/sp/campaigns", content='{"campaigns": []}', headers=headers)
        assert answer.status_code == (403 if name.endswith("scope") else 401)
    assert amazon_put(client, daily_budget(60), content_type={"content-type": "application/json"}).status_code == 415
    assert effects(client) == []


def test_amazon_pages_and_filters_its_list(client):
    first = amazon_list(client, {"maxResults": 3}).json()
    rest = amazon_list(client, {"maxResults": 3, "nextToken": first["nextToken"]}).json()
    assert [len(first["campaigns"]), len(rest["campaigns"]), "nextToken" in rest] == [3, 1, False]
    one = amazon_list(client, {"campaignIdFilter": {"include": [AMAZON_CAMPAIGN]}}).json()
    assert [row["budget"] for row in one["campaigns"]] == [{"budgetType": "DAILY", "budget": 240.0}]
    assert amazon_list(client, {"stateFilter": {"include": ["PAUSED"]}}).json()["campaigns"] == []
    for body in ({"maxResults": 0}, {"maxResults": "3"}, {"nextToken": "x"}, {"stateFilter": []}, []):
        assert amazon_list(client, body).status_code == 400


def report_wanted(**change):
    return {
        "startDate": "2026-03-01",
        "endDate": "2026-03-02",
        "configuration": {
            "adProduct": "SPONSORED_PRODUCTS",
            "groupBy": ["campaign"],
            "columns": ["date", "cost"],
            "reportTypeId": "spCampaigns",
            "timeUnit": "DAILY",
            "format": "GZIP_JSON",
        },
        **change,
    }


def ask(client, body):
    headers = {**AMAZON_HEADERS, **REPORT_TYPE}
    return client.post("/amazon/reporting/reports", content=json.dumps(body), headers=headers)


def test_amazon_makes_a_report_in_its_own_time_and_once(client):
    report_id = ask(client, report_wanted()).json()["reportId"]
    again = ask(client, report_wanted())
    assert (again.status_code, report_id in again.json()["details"]) == (425, True)
    path = f"/amazon/reporting/reports/{report_id}"
    assert client.get(f"/amazon/files/{report_id}").status_code == 403
    looks = [client.get(path, headers=AMAZON_HEADERS).json() for _ in range(3)]
    assert [look["status"] for look in looks] == ["PROCESSING", "PROCESSING", "COMPLETED"]
    assert client.get(looks[2]["url"], headers=AMAZON_HEADERS).status_code == 403
    rows = json.loads(gzip.decompress(client.get(looks[2]["url"]).content))
    assert len(rows) == 8
    assert {frozenset(row) for row in rows} == {frozenset(("date", "cost"))}
    assert ask(client, report_wanted()).status_code == 200
    assert client.get("/amazon/reporting/reports/1", headers=AMAZON_HEADERS).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        report_wanted(endDate="2026-04-01"),
        report_wanted(endDate="2026-02-28"),
        report_wanted(startDate="soon"),
        report_wanted(configuration={}),
        report_wanted(configuration={**report_wanted()["configuration"], "columns": ["colour"]}),
        report_wanted(configuration={**report_wanted()["configuration"], "timeUnit": "SUMMARY"}),
        [],
    ],
)
def test_amazon_refuses_reports_it_cannot_give(client, body):
    assert ask(client, body).status_code == 400


# Microsoft


def microsoft(client, path, body, method="POST", **change):
    headers = {name: value for name, value in {**MICROSOFT_HEADERS, **change}.items() if value}
    return client.request(method, f"/microsoft/{path}", content=json.dumps(body), headers=headers)


def change_budgets(client, *campaigns, account=MICROSOFT):
    body = {"AccountId": account, "Campaigns": list(campaigns)}
    return microsoft(client, "CampaignManagement/v13/Campaigns", body, "PUT")


def test_microsoft_gives_search_campaigns_only_where_no_type_is_named(client):
    path = "CampaignManagement/v13/Campaigns/QueryByAccountId"
    some = microsoft(client, path, {"AccountId": MICROSOFT}).json()["Campaigns"]
    every = microsoft(client, path, {"AccountId": MICROSOFT, "CampaignType": "Search Shopping Audience"}).json()
    assert [row["Name"] for row in some] == ["Search | Generic", "Search | Brand"]
    assert len(every["Campaigns"]) == 4


def test_microsoft_applies_the_good_ones_and_tells_the_others_by_index(client):
    given = [
        {"Id": "1", "DailyBudget": 60},
        {"Id": MICROSOFT_CAMPAIGN, "DailyBudget": 60.25, "BudgetType": "DailyBudgetStandard"},
        {"Id": MICROSOFT_CAMPAIGN, "DailyBudget": 0.04},
    ]
    answer = change_budgets(client, *given)
    assert answer.status_code == 200
    assert [(entry["Index"], entry["Code"]) for entry in answer.json()["PartialErrors"]] == [(0, 1100), (2, 1106)]
    [effect] = client.get("/control/ledger").json()["effects"]
    assert (effect["after_micros"], effect["request_id"]) == (60_250_000, answer.headers["webrequestactivityid"])


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"Id": MICROSOFT_CAMPAIGN, "DailyBudget": "60"}, 1106),
        ({"Id": MICROSOFT_CAMPAIGN, "DailyBudget": True}, 1106),
        ({"Id": MICROSOFT_CAMPAIGN, "DailyBudget": 60.001}, 1106),
        ({"Id": MICROSOFT_CAMPAIGN, "DailyBudget": 60.00000001}, 1106),
        ({"Id": MICROSOFT_CAMPAIGN}, 1106),
        ({"Id": MICROSOFT_CAMPAIGN, "DailyBudget": 60, "BudgetType": "LifetimeBudgetStandard"}, 1106),
        ({"Id": MICROSOFT_CAMPAIGN, "DailyBudget": 60, "Status": "Paused"}, 100),
        ("?", 100),
    ],
)
def test_microsoft_refuses_bad_budgets(client, given, code):
    [entry] = change_budgets(client, given).json()["PartialErrors"]
    assert entry["Code"] == code
    assert effects(client) == []


def test_microsoft_refuses_in_its_fault(client):
    path = "CustomerManagement/v13/Account/Query"
    for change, status, code in (
        ({"authorization": "Bearer x"}, 401, 105),
        ({"developertoken": ""}, 401, 105),
    ):
        answer = microsoft(client, path, {"AccountId": MICROSOFT}, **change)
        assert (answer.status_code, answer.json()["OperationErrors"][0]["Code"]) == (status, code)
    assert microsoft(client, path, {"AccountId": "1"}).status_code == 403
    assert microsoft(client, path, []).json()["OperationErrors"][0]["Code"] == 100
    assert change_budgets(client, {"Id": MICROSOFT_CAMPAIGN, "DailyBudget": 60}, account="2").status_code == 403
    assert change_budgets(client).status_code == 400
    assert effects(client) == []


def report_request(**change):
    return {
        "Type": "CampaignPerformanceReportRequest",
        "Format": "Csv",
        "FormatVersion": "2.0",
        "Aggregation": "Daily",
        "ExcludeReportHeader": True,
        "ExcludeReportFooter": True,
        "Columns": ["TimePeriod", "Spend"],
        "Scope": {"AccountIds": [MICROSOFT]},
        "Time": report_time(),
        **change,
    }


def report_time(day=2, zone="EasternTimeUSCanada"):
    since, until = {"Year": 2026, "Month": 3, "Day": 1}, {"Year": 2026, "Month": 3, "Day": day}
    return {"CustomDateRangeStart": since, "CustomDateRangeEnd": until, "ReportTimeZone": zone}


def submit(client, request):
    return microsoft(client, "Reporting/v13/GenerateReport/Submit", {"ReportRequest": request})


def test_microsoft_makes_a_report_in_its_own_time(client):
    report_id = submit(client, report_request()).json()["ReportRequestId"]
    path, body = "Reporting/v13/GenerateReport/Poll", {"ReportRequestId": report_id}
    assert client.get(f"/microsoft/files/{report_id}").status_code == 403
    polls = [microsoft(client, path, body).json()["ReportRequestStatus"] for _ in range(3)]
    assert [poll["Status"] for poll in polls] == ["Pending", "Pending", "Success"]
    assert client.get(polls[2]["ReportDownloadUrl"], headers=MICROSOFT_HEADERS).status_code == 403
    with zipfile.ZipFile(io.BytesIO(client.get(polls[2]["ReportDownloadUrl"]).content)) as archive:
        [name] = archive.namelist()
        rows = list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
    assert len(rows) == 8
    assert {tuple(row) for row in rows} == {("TimePeriod", "Spend")}
    assert microsoft(client, path, {"ReportRequestId": "1"}).json()["OperationErrors"][0]["Code"] == 2100


@pytest.mark.parametrize(
    "request_",
    [
        report_request(Time=report_time(zone="PacificTimeUSCanadaTijuana")),
        report_request(Time=report_time(day=32)),
        report_request(Time={**report_time(), "CustomDateRangeEnd": {"Year": 2026, "Month": 2, "Day": 28}}),
        report_request(Scope={"AccountIds": ["1"]}),
        report_request(Columns=["Colour"]),
        report_request(Aggregation="Hourly"),
        None,
    ],
)
def test_microsoft_refuses_reports_it_cannot_give(client, request_):
    assert submit(client, request_).status_code == 400


def test_microsoft_reports_nothing_without_a_file(client):
    time = report_time() | {"CustomDateRangeStart": {"Year": 2025, "Month": 1, "Day": 1}}
    time["CustomDateRangeEnd"] = {"Year": 2025, "Month": 1, "Day": 2}
    report_id = submit(client, report_request(Time=time)).json()["ReportRequestId"]
    path = "Reporting/v13/GenerateReport/Poll"
    polls = [microsoft(client, path, {"ReportRequestId": report_id}).json() for _ in range(3)]
    assert polls[2] == {"ReportRequestStatus": {"Status": "Success", "ReportDownloadUrl": None}}
