"""A budget changed on its platform: noticed at sync, shown as such, and what waits for a decision on it is closed."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest

from domain import recommendations as rules
from domain.ad_accounts import AdAccount
from domain.errors import BudgetChangedElsewhere
from domain.platforms import Platform
from domain.recommendations import RecommendationStatus
from kit.time import FixedClock
from models import adjustments, campaigns, log, recommendations
from models.scope import Scope
from services import ad_accounts as service
from services import recommendations as decisions
from services.ports import Ports
from services.unit_of_work import begin
from tests.conftest import NOON, House, viewer_of
from tests.graphql_client import execute, global_id
from tests.integration.fake_platform import FakePlatform, campaign


@dataclass
class Shop:
    """A house whose account is at one fake platform."""

    ports: Ports
    house: House
    meta: FakePlatform

    @property
    def scope(self) -> Scope:
        return self.ports.database.read(self.house.tenant_id)

    async def sync(self, account: AdAccount) -> AdAccount:
        return await service.sync(self.ports, self.house.tenant_id, account.id)

    async def kinds(self) -> list[str]:
        return [event.entry.kind for event in await log.events_after(self.scope, 0, 1_000)]


@pytest.fixture
def shop(ports: Ports, house: House) -> Shop:
    meta = FakePlatform()
    ports.platforms[Platform.META] = meta  # type: ignore[index]  # the fixture's is a dictionary
    return Shop(ports, house, meta)


APPROVE = """
mutation($id: ID!) {
  recommendationApprove(id: $id, expectedVersion: 1, idempotencyKey: "k") {
    recommendation { status }
    userErrors { code message ... on BudgetChangedElsewhere { dailyBudget { amount currency } } }
  }
}
"""
BUDGET = "query($id: ID!) { node(id: $id) { ... on Budget { changedElsewhereAt budgetBeforeChange { amount } } } }"


async def _bring_house(shop: Shop) -> None:
    """The house's own account and budgets as the platform tells them."""
    pairs = zip(shop.house.campaigns, shop.house.budgets, strict=True)
    shop.meta.campaigns = [
        campaign(n, external_id=c.external_id, name=c.name, budget_external_id=b.external_id)
        for n, (c, b) in enumerate(pairs)
    ]
    await shop.sync(shop.house.account)


async def test_what_waits_on_a_budget_changed_elsewhere_is_closed_and_says_what_stands_there(
    shop: Shop, clock: FixedClock
) -> None:
    house, ports = shop.house, shop.ports
    await _bring_house(shop)
    seen = len(await shop.kinds())
    clock.advance(timedelta(minutes=15))
    shop.meta.set_budget(house.budgets[0].external_id, 140_000_000)
    await shop.sync(house.account)
    assert (await shop.kinds())[seen:] == ["budget.changed_elsewhere", "recommendation.stale"]
    [_, closed] = await log.events_after(shop.scope, seen, 10)
    assert (closed.entry.actor_id, closed.entry.subject_id) == ("sync", house.recommendations[0].id)
    assert closed.after is not None
    reason = "the budget was changed on META from 100.00 to 140.00 USD a day"
    assert (closed.after["status"], closed.after["decision_reason"]) == ("STALE", reason)
    others = await recommendations.recommendations_by_id(shop.scope, [each.id for each in house.recommendations[1:]])
    assert {each.status for each in others.values()} == {RecommendationStatus.NEEDS_REVIEW}

    ana = await viewer_of(ports, house, house.owner_id)
    asked = {"id": global_id("Recommendation", house.recommendations[0].id)}
    answer = (await execute(ports, ana, APPROVE, asked))["data"]["recommendationApprove"]
    assert answer == {
        "recommendation": None,
        "userErrors": [
            {
                "code": "BUDGET_CHANGED_ELSEWHERE",
                "message": f"{reason}; it now stands at 140.00 USD a day",
                "dailyBudget": {"amount": "140.00", "currency": "USD"},
            }
        ],
    }
    shown = (await execute(ports, ana, BUDGET, {"id": global_id("Budget", house.budgets[0].id)}))["data"]["node"]
    assert shown == {"changedElsewhereAt": "2026-03-10T12:15:00.000000Z", "budgetBeforeChange": {"amount": "100.00"}}


async def test_a_change_of_ours_ends_what_is_shown_of_somebody_elses(shop: Shop, clock: FixedClock) -> None:
    house = shop.house
    await _bring_house(shop)
    shop.meta.set_budget(house.budgets[0].external_id, 140_000_000)
    await shop.sync(house.account)
    await shop.sync(house.account)
    budget = await campaigns.budget(shop.scope, house.budgets[0].id)
    assert (budget.changed_elsewhere_at_utc, budget.before_elsewhere_micros) == (NOON, 100_000_000)
    async with shop.ports.database.write(house.tenant_id) as scope:
        await campaigns.observe_budget(scope, budget.id, 90_000_000, clock.now_utc())
    budget = await campaigns.budget(shop.scope, budget.id)
    assert (budget.changed_elsewhere_at_utc, budget.before_elsewhere_micros) == (None, None)


async def test_an_approval_that_loses_against_the_sync_is_told_the_new_amount(shop: Shop) -> None:
    house, ports = shop.house, shop.ports
    await _bring_house(shop)
    first = house.recommendations[0]
    ana = await viewer_of(ports, house, house.owner_id)

    approved = rules.approve(first, ana.actor.id, uuid4(), NOON)
    shop.meta.set_budget(house.budgets[0].external_id, 140_000_000)
    await shop.sync(house.account)
    with pytest.raises(BudgetChangedElsewhere) as caught:
        async with begin(ports, house.tenant_id, ana.actor) as work:
            await decisions.approve_in(work, first, approved)
    assert caught.value.daily_budget_micros == 140_000_000
    assert await adjustments.adjustments_by_id(shop.scope, [approved.adjustment_id or uuid4()]) == {}
