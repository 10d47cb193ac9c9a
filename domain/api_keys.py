"""API keys: what a program may use, and until when. Values and rules only; a key's secret is never in them."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.access import Authority, Permission
from domain.errors import Forbidden, InvalidInput


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key of one workspace. `prefix` may be shown: it tells keys apart and proves nothing."""

    id: UUID
    tenant_id: UUID
    workspace_id: UUID
    name: str
    prefix: str
    permissions: tuple[Permission, ...]
    created_by_id: UUID
    created_at_utc: datetime
    expires_at_utc: datetime | None
    revoked_at_utc: datetime | None


def is_usable(key: ApiKey, now_utc: datetime) -> bool:
    """Whether it still opens anything."""
    return key.revoked_at_utc is None and (key.expires_at_utc is None or now_utc < key.expires_at_utc)


def check_new(key: ApiKey, maker: Authority) -> None:
    """Refuse a new key that would give more than its maker holds, or that would never work.

    Raises:
        Forbidden: a permission that the maker does not hold there.
        InvalidInput: its end is not ahead.
    """
    beyond = sorted(each.value for each in set(key.permissions) - maker.permissions)
    if beyond:
        raise Forbidden(f"you do not hold {', '.join(beyond)} here, so no key of yours can")
    if key.expires_at_utc is not None and key.expires_at_utc <= key.created_at_utc:
        raise InvalidInput("a key's end lies ahead", path=("expires_at",))


def revoked(key: ApiKey, at_utc: datetime) -> ApiKey:
    """The key once it opens nothing any more."""
    return replace(key, revoked_at_utc=at_utc)
