"""The history and its measures over GraphQL on both databases, with planted changes and days counted by hand."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.access import Permission
from domain.ad_accounts import AdAccount
from domain.adjustments import Adjustment, AdjustmentStatus
from domain.campaigns import CampaignDay
from domain.log import Actor, ActorKind, NewEvent
from domain.platforms import Platform
from domain.recommendations import RecommendationStatus
from kit.ids import new_id
from kit.time import FixedClock
from models import ad_accounts, adjustments, daily_metrics, log, recommendations
from services import api_keys, histories, status_changes
from services.ports import Ports
from tests.conftest import NOON, House, viewer_of
from tests.graphql_client import execute, global_id

#: The change's day in New York.
DAY = date(2026, 3, 10)
APPROVED = NOON + timedelta(minutes=30)
CONFIRMED = NOON + timedelta(hours=1)
UNIT = 1_000_000


@dataclass
class Planted:
    """A house whose first budget went from 100 to 90 on DAY, approved by Ben, and what else the test adds."""

    ports: Ports
    house: House
    clock: FixedClock

    async def change(self, position: int, **facts: Any) -> Adjustment:
        """A change of the budget at a position, -10 a day, confirmed unless said otherwise."""
        recommendation = self.house.recommendations[position]
        made = Adjustment(
            id=new_id(), tenant_id=self.house.tenant_id, workspace_id=self.house.workspace.id,
            recommendation_id=recommendation.id, plan_id=self.house.plan.id, account_id=self.house.account.id,
            budget_id=self.house.budgets[position].id, campaign_id=self.house.campaigns[position].id,
            status=AdjustmentStatus.CONFIRMED, version=4, before_micros=100 * UNIT, intended_micros=90 * UNIT,
            delta_reporting_micros=-10 * UNIT, currency_code="USD", approved_by_id=str(self.house.reviewer_id),
            auto_approved=False, created_at_utc=APPROVED, attempts=1, not_before_utc=APPROVED, lease_token=None,
            lease_until_utc=None, dispatched_at_utc=APPROVED, confirmed_at_utc=CONFIRMED,
            platform_execution_id="req-1", failure_code=None, failure_reason=None,
        )  # fmt: skip
        made = replace(made, **facts)
        async with self.ports.database.write(self.house.tenant_id) as scope:
            await adjustments.add_adjustment(scope, made)
        return made

    async def days(
        self, position: int, before: tuple[int, int | None], after: tuple[int, int | None], days: range = range(-28, 15)
    ) -> None:
        """Spend and revenue a day, in units, before the change and from it on."""
        rows = []
        for offset in days:
            spend, revenue = before if offset < 0 else after
            rows.append(
                CampaignDay(
                    new_id(), self.house.campaigns[position].id, DAY + timedelta(days=offset), 10, 1, Decimal(1),
                    spend * UNIT, None if revenue is None else revenue * UNIT, None, Decimal(1),
                )
            )  # fmt: skip
        async with self.ports.database.write(self.house.tenant_id) as scope:
            await daily_metrics.replace_days(scope, rows)

    async def all_days(self) -> None:
        """The changed one grows from 400 to 600 on 100 and 120; the others by 0, 10 and 20 % on 50."""
        await self.days(0, (100, 400), (120, 600))
        await self.days(1, (50, 100), (50, 100))
        await self.days(2, (50, 200), (50, 220))
        await self.days(3, (50, 1_000), (50, 1_200))

    async def ask(self, selection: str, who: UUID | None = None, arguments: str = "") -> dict[str, Any]:
        """The workspace's answer to a selection, with `$w` as its id."""
        viewer = await viewer_of(self.ports, self.house, who or self.house.analyst_id)
        document = f"query ($w: ID!{arguments}) {{ workspace(id: $w) {{ {selection} }} }}"
        answer = await execute(self.ports, viewer, document, {"w": global_id("Workspace", self.house.workspace.id)})
        assert "errors" not in answer, answer
        found: dict[str, Any] = answer["data"]["workspace"]
        return found


@pytest.fixture
def planted(ports: Ports, house: House, clock: FixedClock) -> Planted:
    return Planted(ports, house, clock)


LIFT = """{ method perDay { amount currency } perDayLow { amount } perDayHigh { amount } total { amount } share shareLow
  shareHigh pValue changes untouchedBudgets daysBefore daysAfter }"""
RESULT = f"""result {{ state before {{ since until }} after {{ since until }} roasBefore roasAfter
  revenueLift {LIFT} }}"""


@pytest.mark.req("RB-3.1")
@pytest.mark.req("AS-07")
async def test_an_entry_tells_a_change_from_suggestion_to_lift(planted: Planted) -> None:
    """The numbers of tests/unit/domain/lift/test_changes.py: 160 a day on 440, by 400 * t * 0.1 * sqrt(4 / 3)."""
    made = await planted.change(0)
    await planted.all_days()
    planted.clock.advance(timedelta(days=18))
    found = await planted.ask(
        f"""history(first: 10) {{ nodes {{
          platform automatic decidedBy {{ kind name }} suggestedAt suggestedBudget {{ amount }} approvedAt dispatchedAt
          confirmedAt approvedDelta {{ amount currency }} executedDelta {{ amount }}
          adjustment {{ id status }} campaign {{ name }} {RESULT} }} }}"""
    )
    (entry,) = found["history"]["nodes"]
    lift = entry["result"].pop("revenueLift")
    assert entry == {
        "platform": "META",
        "automatic": False,
        "decidedBy": {"kind": "MEMBER", "name": "Reviewer of acme"},
        "suggestedAt": "2026-03-10T12:00:00.000000Z",
        "suggestedBudget": {"amount": "90.00"},
        "approvedAt": "2026-03-10T12:30:00.000000Z",
        "dispatchedAt": "2026-03-10T12:30:00.000000Z",
        "confirmedAt": "2026-03-10T13:00:00.000000Z",
        "approvedDelta": {"amount": "-10.00", "currency": "USD"},
        "executedDelta": {"amount": "-10.00"},
        "adjustment": {"id": global_id("Adjustment", made.id), "status": "CONFIRMED"},
        "campaign": {"name": "acme 0"},
        "result": {
            "state": "MEASURED",
            "before": {"since": "2026-02-24", "until": "2026-03-09"},
            "after": {"since": "2026-03-11", "until": "2026-03-24"},
            "roasBefore": 4.0,
            "roasAfter": 5.0,
        },
    }
    margin = 400 * 2.919986 * 0.1 * (4 / 3) ** 0.5
    assert (lift["method"], lift["perDay"]) == ("DIFFERENCE_IN_DIFFERENCES", {"amount": "160.00", "currency": "USD"})
    assert float(lift["perDayLow"]["amount"]) == pytest.approx(160 - margin, abs=0.00501)
    assert float(lift["perDayHigh"]["amount"]) == pytest.approx(160 + margin, abs=0.00501)
    assert all(len(lift[end]["amount"].partition(".")[2]) == 2 for end in ("perDayLow", "perDayHigh"))
    assert lift["total"] == {"amount": "2240.00"}
    assert (lift["share"], lift["shareLow"]) == pytest.approx((160 / 440, (160 - margin) / 440))
    assert (lift["changes"], lift["untouchedBudgets"], lift["daysBefore"], lift["daysAfter"]) == (1, 3, 28, 14)


@pytest.mark.req("RB-F6")
async def test_until_a_week_is_mature_it_says_so(planted: Planted) -> None:
    """A week, and three days for the revenue: on the eleventh day it is known."""
    await planted.change(0)
    await planted.all_days()
    planted.clock.advance(timedelta(days=10))
    selection = "history(first: 1) { nodes { result { state roasBefore roasAfter revenueLift { share } } } }"
    assert (await planted.ask(selection))["history"]["nodes"][0]["result"] == {
        "state": "NOT_MATURE",
        "roasBefore": None,
        "roasAfter": None,
        "revenueLift": None,
    }
    planted.clock.advance(timedelta(days=1))
    result = (await planted.ask(selection))["history"]["nodes"][0]["result"]
    assert (result["state"], result["roasBefore"], result["roasAfter"]) == ("MEASURED", 4.0, 5.0)


@pytest.mark.req("RB-F6")
async def test_what_was_changed_again_or_elsewhere_is_not_taken_for_lift(planted: Planted) -> None:
    """The first again after four days; of the three others, one was changed in the platform's own pages."""
    await planted.change(0)
    await planted.change(0, created_at_utc=APPROVED + timedelta(days=4), confirmed_at_utc=CONFIRMED + timedelta(days=4))
    await planted.change(1)
    await planted.all_days()
    async with planted.ports.database.write(planted.house.tenant_id) as scope:
        event = NewEvent(
            "budget.changed_elsewhere", planted.house.workspace.id, "budget", planted.house.budgets[3].id, 0, None, {}
        )
        await log.append(scope, b"k" * 32, Actor(ActorKind.SYSTEM, "sync"), NOON, [event])
    planted.clock.advance(timedelta(days=18))
    found = await planted.ask(
        "history(first: 9) { nodes { campaign { name } result { state revenueLift { share } } } }"
    )
    assert [
        (each["campaign"]["name"], each["result"]["state"], each["result"]["revenueLift"])
        for each in found["history"]["nodes"]
    ] == [
        ("acme 1", "NO_COMPARISON", None),
        ("acme 0", "CONFOUNDED", None),
        ("acme 0", "CONFOUNDED", None),
    ]


async def test_who_or_what_decided(planted: Planted) -> None:
    """A person, an automation, and an API key of this tenant's."""
    ana = await viewer_of(planted.ports, planted.house, planted.house.owner_id)
    key = await api_keys.create(
        planted.ports, ana, planted.house.workspace.id, "robot", [Permission.CAMPAIGN_READ], None
    )
    await planted.change(0)
    await planted.change(1, auto_approved=True, approved_by_id="guardrails")
    await planted.change(2, approved_by_id=str(key.api_key.id))
    found = await planted.ask("history(first: 9) { nodes { automatic decidedBy { kind name } } }")
    assert found["history"]["nodes"] == [
        {"automatic": False, "decidedBy": {"kind": "API_KEY", "name": None}},
        {"automatic": True, "decidedBy": {"kind": "SYSTEM", "name": "guardrails"}},
        {"automatic": False, "decidedBy": {"kind": "MEMBER", "name": "Reviewer of acme"}},
    ]


@pytest.mark.req("AS-08")
async def test_history_pages_by_platform_and_period(planted: Planted) -> None:
    google = AdAccount(
        new_id(), planted.house.tenant_id, planted.house.workspace.id, Platform.GOOGLE, "g-1", "Search", "USD",
        "America/New_York", None, None,
    )  # fmt: skip
    async with planted.ports.database.write(planted.house.tenant_id) as scope:
        await ad_accounts.add_ad_account(scope, google)
    first = await planted.change(0)
    second = await planted.change(1, account_id=google.id)
    third = await planted.change(2, created_at_utc=APPROVED - timedelta(days=30), status=AdjustmentStatus.FAILED)

    async def listed(arguments: str) -> list[str]:
        found = await planted.ask(f"history({arguments}) {{ nodes {{ adjustment {{ id }} }} }}")
        return [each["adjustment"]["id"] for each in found["history"]["nodes"]]

    ids = [global_id("Adjustment", each.id) for each in (first, second, third)]
    assert await listed("first: 9") == [ids[1], ids[0]]
    assert await listed("first: 9, platform: META") == [ids[0]]
    assert await listed('first: 9, since: "2026-02-08", until: "2026-03-10"') == [ids[2], ids[1], ids[0]]
    assert await listed('first: 9, since: "2026-02-08", until: "2026-02-08"') == [ids[2]]
    page = await planted.ask("history(first: 1) { pageInfo { hasNextPage endCursor } }")
    assert page["history"]["pageInfo"]["hasNextPage"] is True
    assert await listed(f'first: 1, after: "{page["history"]["pageInfo"]["endCursor"]}"') == [ids[0]]
    assert await listed("last: 1") == [ids[0]]


@pytest.mark.parametrize(
    "arguments", ['since: "2026-03-01"', 'since: "2026-03-02", until: "2026-03-01"', 'since: "2025-01-01", until: "2026-03-01"']
)  # fmt: skip
async def test_a_period_out_of_range_is_refused(planted: Planted, arguments: str) -> None:
    viewer = await viewer_of(planted.ports, planted.house, planted.house.analyst_id)
    document = f"query ($w: ID!) {{ workspace(id: $w) {{ measures({arguments}) {{ since }} }} }}"
    answer = await execute(planted.ports, viewer, document, {"w": global_id("Workspace", planted.house.workspace.id)})
    assert answer["data"]["workspace"] == {"measures": None}
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


# --- measures ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("RB-3.1")
@pytest.mark.req("RB-F6")
@pytest.mark.req("RB-S3")
async def test_what_came_of_a_periods_changes(planted: Planted) -> None:
    """Blended: all from 1,700 on 250 to 2,120 on 270; the others from 1,300 on 150 to 1,520 on 150."""
    await planted.change(0)
    await planted.all_days()
    planted.clock.advance(timedelta(days=18))
    found = await planted.ask(
        f"""measures(since: "2026-03-09", until: "2026-03-28") {{ since until
          movedByDay {{ day platform changes increase {{ amount }} decrease {{ amount currency }} }}
          performance {{
            roasByDay {{ day mature roasChanged roasUntouched }}
            blendedRoas {{ state before {{ since until }} after {{ since until }}
              everything {{ budgets roasBefore roasAfter }} changed {{ budgets roasBefore roasAfter changeShare }}
              untouched {{ budgets roasBefore roasAfter }} }}
            revenueLift {LIFT} spendLift {{ perDay {{ amount }} changes }} }} }}"""
    )
    measures = found["measures"]
    assert (measures["since"], measures["until"]) == ("2026-03-09", "2026-03-28")
    assert measures["movedByDay"] == [
        {
            "day": "2026-03-10",
            "platform": "META",
            "changes": 1,
            "increase": {"amount": "0.00"},
            "decrease": {"amount": "10.00", "currency": "USD"},
        }
    ]
    performance = measures["performance"]
    assert performance["blendedRoas"] == {
        "state": "MEASURED",
        "before": {"since": "2026-02-24", "until": "2026-03-09"},
        "after": {"since": "2026-03-11", "until": "2026-03-24"},
        "everything": {"budgets": 4, "roasBefore": 1_700 / 250, "roasAfter": 2_120 / 270},
        "changed": {"budgets": 1, "roasBefore": 4.0, "roasAfter": 5.0, "changeShare": 0.25},
        "untouched": {"budgets": 3, "roasBefore": 1_300 / 150, "roasAfter": 1_520 / 150},
    }
    days = performance["roasByDay"]
    assert len(days) == 20
    assert days[0] == {"day": "2026-03-09", "mature": True, "roasChanged": 4.0, "roasUntouched": 1_300 / 150}
    assert days[15] == {"day": "2026-03-24", "mature": True, "roasChanged": 5.0, "roasUntouched": 1_520 / 150}
    assert days[16] == {"day": "2026-03-25", "mature": False, "roasChanged": None, "roasUntouched": None}
    lift = performance["revenueLift"]
    assert (lift["perDay"]["amount"], lift["total"]["amount"], lift["untouchedBudgets"]) == ("160.00", "2240.00", 3)
    # Spend grew by a fifth against none: 20 on 100.
    assert performance["spendLift"] == {"perDay": {"amount": "20.00"}, "changes": 1}


@pytest.mark.req("RB-S5")
@pytest.mark.req("RB-S1")
async def test_reviews_automation_and_roll_backs(planted: Planted) -> None:
    """Three of four recommendations are decided: one after an hour, one after five, one by automation; one is open.

    They are made at noon UTC, eight in New York in summer time: business begins an hour later.
    """
    hours = (2, 6, 0)
    statuses = (RecommendationStatus.APPROVED, RecommendationStatus.REJECTED, RecommendationStatus.APPROVED)
    automatic = await planted.change(2, auto_approved=True, approved_by_id="guardrails", confirmed_at_utc=APPROVED)
    await planted.change(
        2, before_micros=90 * UNIT, intended_micros=100 * UNIT, delta_reporting_micros=10 * UNIT,
        created_at_utc=APPROVED + timedelta(hours=3), confirmed_at_utc=APPROVED + timedelta(hours=4),
    )  # fmt: skip
    await planted.change(3, status=AdjustmentStatus.FAILED, confirmed_at_utc=None)
    await planted.change(1, status=AdjustmentStatus.UNKNOWN, confirmed_at_utc=None)
    async with planted.ports.database.write(planted.house.tenant_id) as scope:
        for recommendation, after, status in zip(planted.house.recommendations, hours, statuses, strict=False):
            decided = replace(
                recommendation,
                status=status,
                version=2,
                decided_at_utc=NOON + timedelta(hours=after),
                adjustment_id=automatic.id if after == 0 else None,
            )
            assert await recommendations.store_if_unchanged(scope, decided)
    planted.clock.advance(timedelta(hours=4))
    found = await planted.ask(
        """measures { approvals { approved automatic automationShare executed failed unknown rolledBack }
          reviewTimes { due inTime undecided waiting shareInTime medianSeconds steps { upToHours count } } }"""
    )
    assert found["measures"]["approvals"] == {
        "approved": 4,
        "automatic": 1,
        "automationShare": 0.25,
        "executed": 2,
        "failed": 1,
        "unknown": 1,
        "rolledBack": 1,
    }
    assert found["measures"]["reviewTimes"] == {
        "due": 2,
        "inTime": 1,
        "undecided": 0,
        "waiting": 1,
        "shareInTime": 0.5,
        "medianSeconds": 3 * 3600,
        "steps": [
            {"upToHours": 1, "count": 1},
            {"upToHours": 2, "count": 0},
            {"upToHours": 4, "count": 0},
            {"upToHours": 8, "count": 1},
            {"upToHours": None, "count": 0},
        ],
    }


async def test_without_anything_there_is_nothing_to_tell(planted: Planted) -> None:
    found = await planted.ask(
        """history(first: 5) { nodes { platform } } measures { movedByDay { day } approvals { automationShare }
          performance { blendedRoas { state everything { budgets } } revenueLift { share } } }"""
    )
    assert found == {
        "history": {"nodes": []},
        "measures": {
            "movedByDay": [],
            "approvals": {"automationShare": None},
            "performance": {"blendedRoas": {"state": "NO_CHANGE", "everything": None}, "revenueLift": None},
        },
    }


async def test_reporting_currency_is_converted_by_each_days_rate(planted: Planted) -> None:
    """Half a unit of reporting currency each: the effect of 160 becomes 80, the ratios stay."""
    await planted.change(0)
    await planted.all_days()
    async with planted.ports.database.write(planted.house.tenant_id) as scope:
        await scope.execute(
            "UPDATE daily_metrics SET rate_to_reporting = $1 WHERE tenant_id = $2", Decimal("0.5"), scope.tenant_id
        )
    planted.clock.advance(timedelta(days=18))
    found = await planted.ask(
        "history(first: 1) { nodes { result { roasBefore revenueLift { perDay { amount } share } } } }"
    )
    result = found["history"]["nodes"][0]["result"]
    assert result["roasBefore"] == 4.0
    assert result["revenueLift"]["perDay"] == {"amount": "80.00"}
    assert result["revenueLift"]["share"] == pytest.approx(160 / 440)


# --- rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("FR-PLT-001")
async def test_another_tenants_budgets_witness_nothing(planted: Planted, other_house: House) -> None:
    """The other tenant's days stay out of the comparison: three untouched budgets, as before."""
    await planted.change(0)
    await planted.all_days()
    theirs = Planted(planted.ports, other_house, planted.clock)
    await theirs.change(0)
    await theirs.all_days()
    planted.clock.advance(timedelta(days=18))
    found = await planted.ask(
        """history(first: 9) { nodes { campaign { name } result { revenueLift { untouchedBudgets } } } }
           measures { performance { blendedRoas { everything { budgets } } } approvals { approved } }"""
    )
    assert found["history"]["nodes"] == [
        {"campaign": {"name": "acme 0"}, "result": {"revenueLift": {"untouchedBudgets": 3}}}
    ]
    assert found["measures"]["performance"]["blendedRoas"] == {"everything": {"budgets": 4}}
    assert found["measures"]["approvals"] == {"approved": 1}


async def test_a_comparison_of_too_many_days_is_refused(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    await planted.change(0)
    await planted.all_days()
    monkeypatch.setattr(histories, "MAX_CAMPAIGN_DAYS", 100)
    viewer = await viewer_of(planted.ports, planted.house, planted.house.analyst_id)
    answer = await execute(
        planted.ports,
        viewer,
        "query ($w: ID!) { workspace(id: $w) { measures { performance { roasByDay { day } } } } }",
        {"w": global_id("Workspace", planted.house.workspace.id)},
    )
    assert answer["data"]["workspace"] == {"measures": {"performance": None}}
    assert answer["errors"][0]["message"] == "this would compare more than 100 campaign days; ask for fewer days"


OVERVIEW = """measures(since: "2026-03-10", until: "2026-03-10") { overview {
  counts { total executed pending rejected notDone executionShare }
  byAction { action counts { total executed } }
  byProposer { proposer attempts medianSecondsToConfirm counts { total executionShare } impact { net { amount } } }
  impact { increase { amount } decrease { amount } net { amount currency } }
  spendTracked { amount } revenueTracked { amount } averageRoas } }"""


@pytest.mark.req("AS-09", "RO-14")
async def test_the_dashboard_counts_proposals_and_sums_money(planted: Planted) -> None:
    """Two of four executed, one rejected, one waits, a campaign was paused; 10 added to one budget, 4 taken from one."""
    house = planted.house
    up = await planted.change(0, delta_reporting_micros=10 * UNIT, attempts=2)
    down = await planted.change(1, delta_reporting_micros=-4 * UNIT, confirmed_at_utc=NOON + timedelta(hours=3))
    statuses = {0: RecommendationStatus.APPROVED, 1: RecommendationStatus.APPROVED, 2: RecommendationStatus.REJECTED}
    async with planted.ports.database.write(house.tenant_id) as scope:
        for position, status in statuses.items():
            decided = replace(
                house.recommendations[position], status=status, version=2, decided_at_utc=NOON,
                adjustment_id={0: up.id, 1: down.id}.get(position),
            )  # fmt: skip
            assert await recommendations.store_if_unchanged(scope, decided)
    asking = await viewer_of(planted.ports, house, house.owner_id)
    await status_changes.pause(planted.ports, asking, house.campaigns[3].id, "rested", "dashboard-1")
    await planted.days(0, (100, 400), (100, 400), range(1))
    await planted.days(1, (60, None), (60, None), range(1))
    found = (await planted.ask(OVERVIEW))["measures"]["overview"]
    directions = [each.proposed_micros < each.current_micros for each in house.recommendations]
    assert found["counts"] == {
        "total": 5, "executed": 2, "pending": 2, "rejected": 1, "notDone": 0, "executionShare": 0.4,
    }  # fmt: skip
    totals = {each["action"]: each["counts"]["total"] for each in found["byAction"]}
    assert totals == {
        "INCREASE": directions.count(False), "DECREASE": directions.count(True), "PAUSE": 1, "RESUME": 0,
    }  # fmt: skip
    assert found["byProposer"] == [
        {
            "proposer": house.plan.proposer,
            "attempts": 3,
            "medianSecondsToConfirm": (1_800 + 9_000) / 2,
            "counts": {"total": 4, "executionShare": 0.5},
            "impact": {"net": {"amount": "6.00"}},
        }
    ]
    assert found["impact"] == {
        "increase": {"amount": "10.00"},
        "decrease": {"amount": "4.00"},
        "net": {"amount": "6.00", "currency": "USD"},
    }
    assert (found["spendTracked"], found["revenueTracked"]) == ({"amount": "160.00"}, {"amount": "400.00"})
    assert found["averageRoas"] == 4.0


async def test_a_dashboard_of_other_days_is_empty(planted: Planted) -> None:
    await planted.change(0)
    found = (await planted.ask(OVERVIEW.replace("2026-03-10", "2026-02-10")))["measures"]["overview"]
    assert found["counts"]["total"] == 0
    assert found["counts"]["executionShare"] is None
    assert found["impact"]["net"]["amount"] == "0.00"
    assert (found["byProposer"], found["averageRoas"]) == ([], None)
