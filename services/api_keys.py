"""Use-cases on API keys: recognise one that a program presents, list, make, revoke.

A key belongs to one workspace and gives permissions only: no reserved act, so it never decides a budget.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.access import NewApiKey, Permission, Principal, PrincipalKind, parse_api_key_permissions
from domain.api_keys import ApiKey, check_new, revoked
from domain.errors import Forbidden, Unauthenticated
from domain.members import check_name
from kit.ids import new_id
from kit.pagination import Slice
from models import across_tenants, api_keys
from services.ports import Ports
from services.unit_of_work import begin
from services.viewers import Viewer, authority_in_own

SUBJECT: Final = "api_key"


async def identify(ports: Ports, key: str) -> Principal:
    """Who an API key speaks for.

    Raises:
        Unauthenticated: unknown, wrong, revoked or ended. Which, stays untold.
    """
    found = await across_tenants.api_key_secret(ports.database.system(), ports.secrets.api_key_prefix(key))
    if found is None or not ports.secrets.secret_matches(key, found[2]):
        raise Unauthenticated("the API key is not valid")
    tenant_id, api_key_id, _hash = found
    value = await api_keys.usable(ports.database.read(tenant_id), api_key_id, ports.clock.now_utc())
    if value is None:
        raise Unauthenticated("the API key is not valid")
    return Principal(
        kind=PrincipalKind.API_KEY,
        tenant_id=tenant_id,
        subject_id=api_key_id,
        credential_id=api_key_id,
        scopes=frozenset(permission.value for permission in value.permissions),
        expires_at_utc=value.expires_at_utc,
    )


async def page(ports: Ports, viewer: Viewer, workspace_id: UUID, place: Slice[UUID]) -> list[ApiKey]:
    """What a slice fetches of a workspace's API keys, revoked ones too, newest first. Raises NotFound, Forbidden."""
    await authority_in_own(ports, viewer, workspace_id, Permission.USER_READ)
    scope = ports.database.read(viewer.tenant_id)
    return await api_keys.api_key_page(scope, workspace_id, place)


async def one(ports: Ports, viewer: Viewer, api_key_id: UUID) -> ApiKey:
    """One API key. Raises NotFound for what the viewer cannot enter, Forbidden."""
    return await _found(ports, viewer, api_key_id, Permission.USER_READ)


@dataclass(frozen=True, slots=True)
class Created:
    """A new API key. `secret.text` is told this once and stored nowhere."""

    api_key: ApiKey
    secret: NewApiKey


async def create(
    ports: Ports,
    viewer: Viewer,
    workspace_id: UUID,
    name: str,
    permissions: Iterable[Permission],
    expires_at_utc: datetime | None,
) -> Created:
    """Make an API key for a workspace, with permissions out of the maker's own there.

    The key keeps them when its maker loses them: it is revoked on its own.

    Raises:
        NotFound
        Forbidden: no write access to users, a permission that is not the maker's, or the maker is a key itself: a
            leaked key must not make others that outlive it.
        InvalidInput: the name, no permission, or an end that is not ahead.
    """
    maker = await authority_in_own(ports, viewer, workspace_id, Permission.USER_WRITE)
    if viewer.principal.kind is not PrincipalKind.USER:
        raise Forbidden("making API keys takes a person")
    secret = ports.secrets.new_api_key()
    new = ApiKey(
        id=new_id(),
        tenant_id=viewer.tenant_id,
        workspace_id=workspace_id,
        name=check_name(name),
        prefix=secret.prefix,
        permissions=tuple(sorted(parse_api_key_permissions(permissions))),
        created_by_id=viewer.principal.subject_id,
        created_at_utc=ports.clock.now_utc(),
        expires_at_utc=expires_at_utc,
        revoked_at_utc=None,
    )
    check_new(new, maker)
    async with begin(ports, viewer.tenant_id, viewer.actor) as work:
        await api_keys.add_api_key(work.scope, new, secret.hash)
        work.record("api_key.created", SUBJECT, None, new)
    return Created(new, secret)


async def revoke(ports: Ports, viewer: Viewer, api_key_id: UUID) -> ApiKey:
    """Revoke an API key; its next request is refused. One that was revoked before stays as it was.

    Raises:
        NotFound, Forbidden
    """
    before = await _found(ports, viewer, api_key_id, Permission.USER_WRITE)
    after = revoked(before, ports.clock.now_utc())
    async with begin(ports, viewer.tenant_id, viewer.actor) as work:
        if not await api_keys.revoke_api_key(work.scope, after):
            return await api_keys.api_key(work.scope, api_key_id)
        work.record("api_key.revoked", SUBJECT, before, after)
    return after


async def _found(ports: Ports, viewer: Viewer, api_key_id: UUID, permission: Permission) -> ApiKey:
    found = await api_keys.api_key(ports.database.read(viewer.tenant_id), api_key_id)
    viewer.require_at(found, permission, "no such API key")
    return found
