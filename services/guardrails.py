"""Use-cases on guardrails: list, set, remove them, and try them on last week's recommendations.

Reading takes campaign:read. Setting takes a person with campaign:write and system:write, that is, by the seeded roles,
an owner, or a campaign manager whom the tenant also trusts with its settings: a reviewer alone must not widen what
binds reviewers, and an API key must not widen what binds automation. Must not judge single changes (verdicts.py).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from domain.access import Authority, Permission, PrincipalKind
from domain.errors import Forbidden, InvalidInput, NotFound, VersionConflict
from domain.guarded_budgets import GuardedBudgets
from domain.guardrails import RuleSet, Scope, ScopeKind, Settings, Verdict, validated
from domain.recommendations import Recommendation
from kit.ids import new_id
from kit.pagination import Slice
from models import ad_accounts, campaigns, guardrails, locks, log, plans, recommendations, tenants
from models import scope as connections
from services.guarded_budgets import known
from services.idempotency import once
from services.ports import Ports
from services.unit_of_work import Work, begin
from services.viewers import Viewer

SUBJECT: Final = "guardrail"
PREVIEW: Final = timedelta(days=7)
#: What one preview judges; the newest, where a week had more.
MAX_PREVIEWED: Final = 500
MAX_RULE_SETS: Final = 1_000


def require_setting(viewer: Viewer, workspace_id: UUID) -> Authority:
    """The authority to set guardrails there. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_WRITE)
    authority = viewer.require(workspace_id, Permission.SYSTEM_WRITE)
    if authority.principal.kind is not PrincipalKind.USER:
        raise Forbidden("setting guardrails takes a person; an API key cannot do it")
    return authority


async def hold(work: Work, workspace_id: UUID) -> None:
    """Let nothing be approved by automation, and nothing be about to be sent, until this transaction ends.

    So what is set holds for everything that comes after it in the log, and for nothing before.
    """
    await locks.hold_workspace(work.scope, workspace_id)
    for account in await ad_accounts.ad_accounts(work.scope, workspace_id):
        await locks.hold_account(work.scope, account.id)


async def page(ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[UUID]) -> list[RuleSet]:
    """What a slice fetches of a workspace's guardrails, as they were first set. Raises NotFound, Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    return await guardrails.rule_set_page(ports.database.read(viewer.tenant_id), workspace_id, place)


async def set_(
    ports: Ports,
    viewer: Viewer,
    workspace_id: UUID,
    scope: Scope,
    settings: Settings,
    expected_version: int | None,
    idempotency_key: str,
) -> RuleSet:
    """Set all guardrails of a scope, in place of what was set there; the event guardrail.set says what that was.

    Args:
        ports: the database.
        viewer: who asks.
        workspace_id: where.
        scope: for what they hold.
        settings: the whole of it; amounts in the account's currency for a campaign, else in the reporting currency.
        expected_version: what is in place now; None for nothing.
        idempotency_key: of the client's choosing.

    Raises:
        NotFound, Forbidden, VersionConflict, IdempotencyMismatch, InvalidInput
    """
    require_setting(viewer, workspace_id)
    validated(settings, scope)

    async def act(keep: Callable[[Work, RuleSet], Awaitable[None]]) -> RuleSet:
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            await hold(work, workspace_id)
            found = await guardrails.rule_set_at(work.scope, workspace_id, scope)
            if (None if found is None else found.version) != expected_version:
                raise await _conflict(work.scope, found, expected_version)
            after = await _next(work.scope, workspace_id, scope, settings, found)
            await keep(work, after)
            stored = await (guardrails.add_rule_set if found is None else guardrails.store_rule_set)(work.scope, after)
            if not stored:
                current = await guardrails.rule_set_at(work.scope, workspace_id, scope)
                raise await _conflict(work.scope, current, expected_version)
            work.record("guardrail.set", SUBJECT, found, after)
        return after

    arguments = {
        "workspaceId": str(workspace_id),
        "scope": msgspec.to_builtins(scope),
        "settings": _plain(settings),
        "expectedVersion": expected_version,
    }
    return await once(ports, viewer, idempotency_key, "guardrailSet", arguments, RuleSet, act)


async def remove(
    ports: Ports, viewer: Viewer, rule_set_id: UUID, expected_version: int, idempotency_key: str
) -> RuleSet:
    """Remove a scope's guardrails: what is wider holds again. Returns what was removed.

    Raises:
        NotFound, Forbidden, VersionConflict, IdempotencyMismatch, InvalidInput
    """

    async def act(keep: Callable[[Work, RuleSet], Awaitable[None]]) -> RuleSet:
        found = await guardrails.rule_set(ports.database.read(viewer.tenant_id), rule_set_id)
        viewer.require_at(found, Permission.CAMPAIGN_READ, "no such guardrail")
        require_setting(viewer, found.workspace_id)
        async with begin(ports, viewer.tenant_id, viewer.actor) as work:
            await hold(work, found.workspace_id)
            await keep(work, found)
            if found.version != expected_version or not await guardrails.remove_rule_set(work.scope, found):
                current = await guardrails.rule_set_at(work.scope, found.workspace_id, found.scope)
                raise await _conflict(work.scope, current, expected_version)
            work.record("guardrail.removed", SUBJECT, found, None)
        return found

    arguments = {"id": str(rule_set_id), "expectedVersion": expected_version}
    return await once(ports, viewer, idempotency_key, "guardrailRemove", arguments, RuleSet, act)


@dataclass(frozen=True, slots=True)
class Previewed:
    """One recommendation and what would have become of it."""

    recommendation: Recommendation
    verdict: Verdict


async def preview(
    ports: Ports, viewer: Viewer, workspace_id: UUID, scope: Scope | None, settings: Settings | None
) -> Sequence[Previewed]:
    """What the last week's recommendations would have met, newest first, with other settings for one scope tried.

    Each is judged as of when it was made, by what is known of that day now; sums over accounts and platforms are
    today's, because nobody wrote down those of then. Nothing is changed.

    Raises:
        NotFound, Forbidden, InvalidInput
    """
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)
    reading = ports.database.read(viewer.tenant_id)
    workspace = await tenants.workspace(reading, workspace_id)
    now_utc = ports.clock.now_utc()
    its = await known(ports, reading, workspace, now_utc, PREVIEW)
    if scope is not None and settings is not None:
        tried = await _next(reading, workspace_id, scope, validated(settings, scope), None)
        its = replace(its, rules=[*(each for each in its.rules if each.scope != scope), tried])
    found = await recommendations.created_between(reading, workspace_id, now_utc - PREVIEW, now_utc)
    newest = sorted(found, key=lambda each: each.id, reverse=True)[:MAX_PREVIEWED]
    proposers = {
        each.id: each.proposer for each in (await plans.plans_by_id(reading, [r.plan_id for r in newest])).values()
    }
    guarded = GuardedBudgets(its, now_utc)
    return [Previewed(each, guarded.verdict(each, proposers[each.plan_id])) for each in newest]


async def _next(
    scope: connections.Scope, workspace_id: UUID, place: Scope, settings: Settings, found: RuleSet | None
) -> RuleSet:
    if found is not None:
        return RuleSet(found.id, found.tenant_id, workspace_id, place, found.currency_code, settings, found.version + 1)
    if len(await guardrails.rule_sets(scope, workspace_id)) >= MAX_RULE_SETS:
        raise InvalidInput(f"a workspace has at most {MAX_RULE_SETS} sets of guardrails", path=("scope",))
    currency = await _currency(scope, workspace_id, place)
    return RuleSet(new_id(), scope.tenant_id, workspace_id, place, currency, settings, 1)


async def _currency(scope: connections.Scope, workspace_id: UUID, place: Scope) -> str:
    """In which currency a scope's amounts are; a campaign must be one of the workspace's."""
    if place.kind is not ScopeKind.CAMPAIGN:
        return (await tenants.workspace(scope, workspace_id)).reporting_currency
    campaign = await campaigns.campaign(scope, UUID(place.key))
    if campaign.workspace_id != workspace_id:
        raise NotFound("no such campaign")
    return (await ad_accounts.ad_account(scope, campaign.account_id)).currency_code


def _plain(settings: Settings) -> object:
    """Settings in plain values, sets in one order: equal settings are equal arguments."""
    plain = msgspec.to_builtins(settings)
    for name in ("allowed_platforms", "denied_platforms"):
        if plain["limits"][name] is not None:
            plain["limits"][name] = sorted(plain["limits"][name])
    return plain


async def _conflict(
    scope: connections.Scope, current: RuleSet | None, expected_version: int | None
) -> VersionConflict | NotFound:
    if current is None:
        return NotFound("nothing is set there; leave expectedVersion out to set it")
    last = await log.last_change(scope, current.id)
    return VersionConflict(
        "somebody else set these guardrails first",
        subject_id=current.id,
        expected_version=expected_version or 0,
        current_version=current.version,
        changed_by_id=None if last is None else last.actor_id,
        changed_at_utc=None if last is None else last.at_utc,
    )
