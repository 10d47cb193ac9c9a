"""Use-cases on API keys: recognise one that a program presents."""

from domain.access import Principal, PrincipalKind
from domain.errors import Unauthenticated
from models import across_tenants, api_keys
from services.ports import Ports


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
