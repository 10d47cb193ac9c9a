"""Use-cases on the history of budget changes: its pages, what came of them, measures, the export. All read only.

Must not measure; that is domain/lift's and domain/histories.py's. Reading takes analytics:read.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from domain import histories as rules
from domain.access import Permission
from domain.adjustments import Adjustment
from domain.errors import InvalidInput
from domain.histories import ApprovalCounts, HistoryEntry, HistoryFilter, Performance, SpendMoved
from domain.lift import Change, ChangeResult, DayTable, ResultState, measure
from domain.lift.changes import Touches, UnitDay
from domain.lift.windows import MAX_BASELINE_WEEKS, MAX_WEEKS
from domain.log import ActorKind
from domain.metric_periods import Period
from domain.overviews import Overview
from domain.overviews import overview as figures
from domain.platforms import Platform
from domain.review_times import ReviewTimes, review_times
from domain.workspaces import Workspace
from kit.pagination import Slice
from models import ad_accounts, campaigns, histories, members, overviews, recommendations, tenants
from models.scope import Scope
from services.ports import Ports
from services.viewers import Viewer

_DAY: Final = timedelta(days=1)
_EARLIER: Final = timedelta(weeks=MAX_BASELINE_WEEKS)
_LATER: Final = timedelta(weeks=MAX_WEEKS)
#: Campaign days that one measurement may read: a thousand campaigns over a year and its margins.
MAX_CAMPAIGN_DAYS: Final = 420_000
EXPORT_PAGE: Final = 500


async def page(
    ports: Ports, viewer: Viewer, workspace: Workspace, place: Slice[UUID], days: Period, platform: Platform | None
) -> list[HistoryEntry]:
    """What a slice fetches of the approved changes of a period, newest first.

    Raises:
        NotFound, Forbidden
    """
    viewer.require(workspace.id, Permission.ANALYTICS_READ)
    wanted = rules.filter_of(workspace, days, platform)
    return await _entries(ports.database.read(viewer.tenant_id), workspace, place, wanted)


async def _entries(scope: Scope, workspace: Workspace, place: Slice[UUID], wanted: HistoryFilter) -> list[HistoryEntry]:
    accounts = {
        each.id: each
        for each in await ad_accounts.ad_accounts(scope, workspace.id)
        if wanted.platform is None or each.platform is wanted.platform
    }
    found = await histories.history_page(scope, workspace.id, list(accounts), place, wanted)
    suggested = await recommendations.recommendations_by_id(scope, [each.recommendation_id for each in found])
    known = await campaigns.campaigns_by_id(scope, [each.campaign_id for each in found])
    budgets = await campaigns.budgets_by_id(scope, [each.budget_id for each in found])
    deciders = {UUID(each.approved_by_id) for each in found if rules.is_uuid(each.approved_by_id)}
    keys = await histories.api_keys_among(scope, list(deciders))
    return [
        HistoryEntry(
            adjustment=each,
            decided_by=rules.decided_by(each, keys),
            account=accounts[each.account_id],
            recommendation=suggested.get(each.recommendation_id),
            campaign=known.get(each.campaign_id),
            budget=budgets.get(each.budget_id),
            reporting_currency=workspace.reporting_currency,
        )
        for each in found
    ]


def allowed_period(
    ports: Ports, viewer: Viewer, workspace: Workspace, since: date | None, until: date | None
) -> Period:
    """The workspace's days asked for; the last thirty where nobody says which.

    Raises:
        NotFound, Forbidden
        InvalidInput: only one end given, the ends the wrong way round, or over 366 days.
    """
    viewer.require(workspace.id, Permission.ANALYTICS_READ)
    return rules.asked_period(workspace, since, until, ports.clock.now_utc())


@dataclass(frozen=True, slots=True)
class ExportPage:
    """Entries, newest first, and the names of the people who decided, by the actor's id."""

    entries: Sequence[HistoryEntry]
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Export:
    """A period's approved changes; each page is read only when it is asked for."""

    days: Period
    pages: AsyncIterator[ExportPage]


async def export(
    ports: Ports,
    viewer: Viewer,
    workspace_id: UUID,
    platform: Platform | None,
    since: date | None,
    until: date | None,
) -> Export:
    """All approved changes of a period, newest first.

    Raises:
        NotFound, Forbidden, InvalidInput: at once, before the first page.
    """
    viewer.require(workspace_id, Permission.ANALYTICS_READ)
    workspace = await tenants.workspace(ports.database.read(viewer.tenant_id), workspace_id)
    days = allowed_period(ports, viewer, workspace, since, until)
    return Export(days, _pages(ports, viewer.tenant_id, workspace, rules.filter_of(workspace, days, platform)))


async def _pages(
    ports: Ports, tenant_id: UUID, workspace: Workspace, wanted: HistoryFilter
) -> AsyncIterator[ExportPage]:
    last: UUID | None = None
    while True:
        place = Slice[UUID](limit=EXPORT_PAGE, after=last)
        # No scope is held between pages: whoever reads slowly must not hold a connection.
        scope = ports.database.read(tenant_id)
        found = await _entries(scope, workspace, place, wanted)
        kept = place.kept(found)
        if kept:
            people = {each.decided_by.id for each in kept if each.decided_by.kind is ActorKind.MEMBER}
            names = await members.names_by_user_id(scope, [UUID(each) for each in people])
            yield ExportPage(kept, {str(user_id): name for user_id, name in names.items()})
        if not place.has_next(found):
            return
        last = kept[-1].id


# --- what came of changes ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Witnesses:
    """All budgets of a workspace over some days, and who touched them when."""

    table: DayTable
    changes: Sequence[Change]
    touches: Touches
    mature: date


async def results(
    ports: Ports, tenant_id: UUID, workspace_id: UUID, adjustments: Sequence[Adjustment]
) -> dict[UUID, ChangeResult]:
    """What came of adjustments of one workspace, by id. For what the viewer was shown already."""
    scope = ports.database.read(tenant_id)
    executed = [each.confirmed_at_utc for each in adjustments if each.confirmed_at_utc is not None]
    found = {each.id: ChangeResult(ResultState.NOT_EXECUTED) for each in adjustments}
    if not executed:
        return found
    days = Period((min(executed) - _DAY).date() - _EARLIER, (max(executed) + _DAY).date() + _LATER)
    witnesses = await _witnesses(ports, scope, workspace_id, days)
    mine = [each for each in witnesses.changes if each.id in found]

    def measured() -> dict[UUID, ChangeResult]:
        return {each.id: measure(witnesses.table, each, witnesses.touches, witnesses.mature) for each in mine}

    return found | await asyncio.to_thread(measured)


async def _witnesses(ports: Ports, scope: Scope, workspace_id: UUID, days: Period) -> _Witnesses:
    if await histories.day_count(scope, workspace_id, days.since, days.until) > MAX_CAMPAIGN_DAYS:
        raise InvalidInput(
            f"this would compare more than {MAX_CAMPAIGN_DAYS:,} campaign days; ask for fewer days", ("since",)
        )
    zones = {each.id: each.time_zone for each in await ad_accounts.ad_accounts(scope, workspace_id)}
    since, until = (datetime.fromisoformat(f"{day}T00:00:00Z") for day in (days.since - _DAY, days.until + 2 * _DAY))
    touched = [
        each for each in await histories.budget_touches(scope, workspace_id, since, until) if each.account_id in zones
    ]
    rows: list[UnitDay] = []
    # A week at a time: decoding a year of a thousand campaigns at once would hold up everybody else for seconds.
    for offset in range(0, days.days, 7):
        first = days.since + offset * _DAY
        rows += await histories.unit_days(scope, workspace_id, first, min(first + 6 * _DAY, days.until))
    return _Witnesses(
        table=await asyncio.to_thread(DayTable.of, rows, days),
        changes=rules.changes(touched, zones),
        touches=rules.touches(touched, zones),
        mature=rules.mature_until(zones.values(), ports.clock.now_utc()),
    )


# --- measures ---------------------------------------------------------------------------------------------------------


async def times_of_review(ports: Ports, viewer: Viewer, workspace: Workspace, days: Period) -> ReviewTimes:
    """How long people took for the recommendations of a period (RB-S1). Raises NotFound, Forbidden."""
    viewer.require(workspace.id, Permission.ANALYTICS_READ)
    wanted = rules.filter_of(workspace, days, None)
    found = await histories.reviews(ports.database.read(viewer.tenant_id), workspace.id, wanted)
    return review_times(found, workspace.time_zone, ports.clock.now_utc())


async def approvals(ports: Ports, viewer: Viewer, workspace: Workspace, days: Period) -> ApprovalCounts:
    """What became of the changes approved in a period (RB-S5). Raises NotFound, Forbidden."""
    viewer.require(workspace.id, Permission.ANALYTICS_READ)
    scope, wanted = ports.database.read(viewer.tenant_id), rules.filter_of(workspace, days, None)
    executed = await histories.executed_changes(scope, workspace.id, wanted.since_utc, ports.clock.now_utc() + _DAY)
    return await histories.approval_counts(scope, workspace.id, wanted, rules.rolled_back(executed, wanted))


async def moved(ports: Ports, viewer: Viewer, workspace: Workspace, days: Period) -> list[SpendMoved]:
    """Daily budget moved by the changes executed in a period. Raises NotFound, Forbidden."""
    viewer.require(workspace.id, Permission.ANALYTICS_READ)
    scope, wanted = ports.database.read(viewer.tenant_id), rules.filter_of(workspace, days, None)
    platforms = {each.id: each.platform for each in await ad_accounts.ad_accounts(scope, workspace.id)}
    executed = await histories.executed_changes(scope, workspace.id, wanted.since_utc, wanted.until_utc)
    mine = [each for each in executed if each.account_id in platforms]
    return rules.spend_moved(mine, platforms, workspace.time_zone)


async def overview(ports: Ports, viewer: Viewer, workspace: Workspace, days: Period) -> Overview:
    """The dashboard's figures of a period (AS-09). Raises NotFound, Forbidden."""
    viewer.require(workspace.id, Permission.ANALYTICS_READ)
    scope, wanted = ports.database.read(viewer.tenant_id), rules.filter_of(workspace, days, None)
    return figures(
        await overviews.proposal_counts(scope, workspace.id, wanted),
        await overviews.executed_moves(scope, workspace.id, wanted),
        await overviews.tracked_sums(scope, workspace.id, days.since, days.until),
    )


async def performance(ports: Ports, viewer: Viewer, workspace: Workspace, days: Period) -> Performance:
    """What came of the changes executed in a period (RB-F6, RB-S3).

    Raises:
        NotFound, Forbidden
        InvalidInput: too many campaign days to compare.
    """
    viewer.require(workspace.id, Permission.ANALYTICS_READ)
    scope = ports.database.read(viewer.tenant_id)
    around = Period(days.since - _EARLIER, days.until + _LATER)
    found = await _witnesses(ports, scope, workspace.id, around)
    made = [each for each in found.changes if each.day in days]
    return await asyncio.to_thread(rules.performance, found.table, made, found.touches, days, found.mature)
