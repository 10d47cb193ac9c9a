"""A house's campaigns on a platform in memory, and changes of them approved: what tests of the pipeline begin with."""

from domain.adjustments import Adjustment
from models import adjustments
from services import recommendations as decisions
from services.ports import Ports
from tests.conftest import House, viewer_of
from tests.integration.fake_platform import FakePlatform, campaign


def platform_of(house: House) -> FakePlatform:
    """The house's four campaigns, each with a budget of 100 a day."""
    return FakePlatform(
        campaigns=[
            campaign(n, external_id=c.external_id, name=c.name, budget_external_id=b.external_id)
            for n, (c, b) in enumerate(zip(house.campaigns, house.budgets, strict=True))
        ]
    )


def amounts(meta: FakePlatform) -> list[int]:
    """The daily budgets as the platform has them."""
    return [each.daily_budget_micros // 1_000_000 for each in meta.campaigns]


async def approve(ports: Ports, house: House, *positions: int) -> list[Adjustment]:
    """Queue -10, -20, +5, +25 of 100, by position."""
    ana = await viewer_of(ports, house, house.owner_id)
    queued = []
    for position in positions:
        decided = await decisions.approve(ports, ana, house.recommendations[position].id, 1, f"approve {position}")
        assert decided.adjustment is not None
        queued.append(decided.adjustment)
    return queued


async def now(ports: Ports, *which: Adjustment) -> list[Adjustment]:
    """Changes as they stand."""
    return [await adjustments.adjustment(ports.database.read(each.tenant_id), each.id) for each in which]
