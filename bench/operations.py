"""Where the time goes of what people ask most: the review list, the history, the dashboard.

    python -m bench.operations postgres://user@host:port/database [--rounds 30]

The console's own documents over the whole schema, in this process, without HTTP: a workspace of 100 campaigns with 60
days each, 60 changes read back in the last weeks and 100 open recommendations. For each operation the medians of its
time, of the part in which it waited for SQL, how many statements that were, and of this process's processor time.
"""

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import orjson
import uvloop
from graphql import parse, print_ast, separate_operations

from app.container import open_container
from app.graphql import build_schema
from app.graphql_transport import GraphQLEngine, TransportLimits
from app.graphql_transport.requests import GraphQLRequest
from app.migrations import migrate
from app.settings import Settings
from bench.api import created_database
from bench.demo_rows import Rows, store_rows
from domain.access import ALL_SCOPES, Principal, PrincipalKind
from domain.adjustments import Adjustment, AdjustmentStatus
from domain.campaigns import CampaignDay
from kit.collector import few_collections
from kit.ids import new_id
from models import adjustments, daily_metrics, recommendations
from models.statements import watched_statements
from resolvers.context import Context
from resolvers.loaders import TenantLoaders
from schema.base import global_id
from services.ports import Ports
from services.viewers import look_up

CAMPAIGNS, DAYS, CHANGED = 100, 60, 60
UNIT = 1_000_000
OPERATIONS = Path(__file__).parent.parent / "console" / "src" / "operations"
DASHBOARD = """query Dashboard($workspaceId: ID!) { workspace(id: $workspaceId) { measures { overview {
  counts { total executed pending rejected notDone executionShare } byAction { action counts { total } }
  byProposer { proposer attempts medianSecondsToConfirm counts { total } impact { net { amount } } }
  impact { increase { amount } decrease { amount } } spendTracked { amount } revenueTracked { amount } averageRoas
} } } }"""


@dataclass
class Waited:
    """What an operation waited for."""

    statements: int = 0
    seconds: float = 0.0

    @contextmanager
    def around(self, _dialect: str, _statement: str) -> Iterator[None]:
        """One statement."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.statements += 1
            self.seconds += time.perf_counter() - started


async def store_history(ports: Ports, rows: Rows) -> None:
    """Days of every campaign, and a change of most of them one to four weeks ago."""
    now = ports.clock.now_utc()
    scope = ports.database.read(rows.tenant_id)
    found = await recommendations.recommendations_by_id(scope, rows.recommendation_ids)
    days, changes = [], []
    for number, each in enumerate(found.values()):
        for back in range(1, DAYS + 1):
            spend, revenue = 90 + (number + back) % 20, 200 + (number * 7 + back * 3) % 90
            day = (now - timedelta(days=back)).date()
            days.append(
                CampaignDay(
                    new_id(), each.campaign_id, day, 1_000, 40, Decimal(3), spend * UNIT, revenue * UNIT, None,
                    Decimal(1),
                )
            )  # fmt: skip
        if number < CHANGED:
            at = now - timedelta(days=7 + number % 21)
            changes.append(
                Adjustment(
                    id=new_id(), tenant_id=rows.tenant_id, workspace_id=rows.workspace_id, recommendation_id=each.id,
                    plan_id=each.plan_id, account_id=each.account_id, budget_id=each.budget_id,
                    campaign_id=each.campaign_id, status=AdjustmentStatus.CONFIRMED, version=4,
                    before_micros=100 * UNIT, intended_micros=90 * UNIT, delta_reporting_micros=-10 * UNIT,
                    currency_code="USD", approved_by_id=str(rows.reviewer_ids[0]), auto_approved=False,
                    created_at_utc=at, attempts=1, not_before_utc=at, lease_token=None, lease_until_utc=None,
                    dispatched_at_utc=at, confirmed_at_utc=at, platform_execution_id="r", failure_code=None,
                    failure_reason=None,
                )
            )  # fmt: skip
    async with ports.database.write(rows.tenant_id) as writing:
        await daily_metrics.replace_days(writing, days)
        for change in changes:
            await adjustments.add_adjustment(writing, change)


def documents() -> dict[str, str]:
    """The console's, by name, and the dashboard's."""
    text = "\n".join(path.read_text("utf-8") for path in sorted(OPERATIONS.glob("*.graphql")))
    named = separate_operations(parse(text))
    return {name: print_ast(named[name]) for name in ("Recommendations", "History", "HistoryEntries")} | {
        "Dashboard": DASHBOARD
    }


async def measure(ports: Ports, rows: Rows, rounds: int) -> None:
    """Print a row for each operation."""
    engine = GraphQLEngine(build_schema(), TransportLimits(), production=False, clock=ports.clock)
    who: UUID = rows.reviewer_ids[0]
    person = Principal(PrincipalKind.USER, rows.tenant_id, who, new_id(), ALL_SCOPES, None)
    given = {"workspaceId": global_id("Workspace", rows.workspace_id), "first": 100, "statuses": ["NEEDS_REVIEW"]}
    print(f"{'':18}{'ms':>8}{'in SQL ms':>11}{'statements':>12}{'CPU ms':>8}{'KB':>7}")
    for name, text in documents().items():
        taken = []
        for _ in range(rounds + 3):
            waited, cpu, started = Waited(), time.process_time(), time.perf_counter()
            with watched_statements(waited.around):
                viewer = await look_up(ports, person)
                operation = engine.prepare(GraphQLRequest(text, variables=given), anonymous=False)
                context = Context(ports, None, viewer, TenantLoaders(ports, rows.tenant_id), "bench")  # type: ignore[arg-type]  # no query touches the relay
                answer = await engine.execute(operation, context, "bench")
            size = len(orjson.dumps(answer))
            if "errors" in answer:
                raise RuntimeError(str(answer["errors"])[:500])
            used = time.process_time() - cpu
            taken.append((time.perf_counter() - started, waited.seconds, waited.statements, used, size))
        whole, sql, statements, used, size = (statistics.median(each) for each in zip(*taken[3:], strict=True))
        print(f"{name:18}{whole * 1e3:8.2f}{sql * 1e3:11.2f}{statements:12.0f}{used * 1e3:8.2f}{size / 1e3:7.1f}")


async def _run(url: str, rounds: int) -> None:
    async with created_database(url) as database:
        with tempfile.TemporaryDirectory() as name:
            settings = Settings(var_dir=Path(name), database_url=database, token_ttl_seconds=3_600)
            await migrate(settings.database)
            async with open_container(settings) as container:
                rows = await store_rows(container.ports, CAMPAIGNS, 10)
                await store_history(container.ports, rows)
                with few_collections():
                    gc.collect()
                    await measure(container.ports, rows, rounds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database_url")
    parser.add_argument("--rounds", type=int, default=30)
    arguments = parser.parse_args()
    uvloop.run(_run(arguments.database_url, arguments.rounds))


if __name__ == "__main__":
    main()
