"""Use-cases of presence: come to an item, stay, leave, forget who lapsed.

Frequent and short-lived, so nothing here goes into the log: one small write, and none at all for a renewal that comes
early. Whoever calls tells the watchers when `changed` says so, after the commit.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from domain.access import Permission, PrincipalKind
from domain.errors import Forbidden
from domain.presences import PRESENCE_TTL, Presence, PresenceMode
from kit.ids import new_id
from models import presences
from services import recommendations
from services.ports import Ports
from services.viewers import Viewer

#: A renewal this soon after the last one is answered without a write: no client can make us write more often.
_RENEWED_LATELY: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class AtItem:
    """Who is at an item after a use-case, and whether that is news to the workspace's watchers."""

    workspace_id: UUID
    presences: tuple[Presence, ...]
    changed: bool


def watch(viewer: Viewer, workspace_id: UUID) -> None:
    """Whether the viewer may see who is where in a workspace. Raises NotFound or Forbidden."""
    viewer.require(workspace_id, Permission.CAMPAIGN_READ)


async def come(ports: Ports, viewer: Viewer, recommendation_id: UUID, mode: PresenceMode) -> AtItem:
    """Be at a recommendation for the next PRESENCE_TTL; again before it ends, to stay.

    Raises:
        NotFound, Forbidden: the viewer may not read it, or is no person.
    """
    found = await recommendations.one(ports, viewer, recommendation_id)
    _require_person(viewer)
    now_utc = ports.clock.now_utc()
    others, mine = await _at(ports, viewer, found.id)
    if mine is not None and mine.mode is mode and mine.expires_at_utc - now_utc > PRESENCE_TTL - _RENEWED_LATELY:
        return AtItem(found.workspace_id, (*others, mine), changed=False)
    here = Presence(
        id=new_id() if mine is None else mine.id,
        tenant_id=viewer.tenant_id,
        workspace_id=found.workspace_id,
        subject_id=found.id,
        user_id=viewer.principal.subject_id,
        mode=mode,
        expires_at_utc=now_utc + PRESENCE_TTL,
    )
    async with ports.database.write(viewer.tenant_id) as scope:
        await presences.put_presence(scope, here)
    return AtItem(found.workspace_id, (*others, here), changed=mine is None or mine.mode is not mode)


async def leave(ports: Ports, viewer: Viewer, recommendation_id: UUID) -> AtItem:
    """Be at a recommendation no longer; nothing happens to who was not there.

    Raises:
        NotFound, Forbidden: the viewer may not read it, or is no person.
    """
    found = await recommendations.one(ports, viewer, recommendation_id)
    _require_person(viewer)
    others, mine = await _at(ports, viewer, found.id)
    if mine is None:
        return AtItem(found.workspace_id, others, changed=False)
    async with ports.database.write(viewer.tenant_id) as scope:
        await presences.remove_presence(scope, found.id, mine.user_id)
    return AtItem(found.workspace_id, others, changed=True)


async def forget_lapsed(ports: Ports, tenant_id: UUID) -> int:
    """Remove rows past their time, which nobody sees any more. Returns how many."""
    async with ports.database.write(tenant_id) as scope:
        return len(await presences.remove_lapsed(scope, ports.clock.now_utc()))


async def _at(ports: Ports, viewer: Viewer, subject_id: UUID) -> tuple[tuple[Presence, ...], Presence | None]:
    """The others at an item, and the viewer's own presence there."""
    scope = ports.database.read(viewer.tenant_id)
    here = await presences.presences_at(scope, [subject_id], ports.clock.now_utc())
    own = viewer.principal.subject_id
    mine = next((presence for presence in here if presence.user_id == own), None)
    return tuple(presence for presence in here if presence.user_id != own), mine


def _require_person(viewer: Viewer) -> None:
    if viewer.principal.kind is not PrincipalKind.USER:
        raise Forbidden("presence is for people; an API key is nowhere")
