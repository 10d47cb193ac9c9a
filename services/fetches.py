"""The shared budget of calls that polling may make. Every worker counts in the same row of an account."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.ad_accounts import AdAccount
from domain.fetches import FETCHES, ONE_SYNC
from domain.quotas import given_back
from kit.metering import Meter, metered
from models import across_tenants
from services import quotas
from services.ports import Ports

_TRIES = 10


@asynccontextmanager
async def within_budget(ports: Ports, account: AdAccount) -> AsyncIterator[Meter | None]:
    """A meter for one sync of an account, None when its hour's calls are used up. What is left over is given back."""
    name = f"fetch:{account.platform.value}:{account.external_id}"
    async with ports.database.write(account.tenant_id) as scope:
        wait_until = await quotas.ask_budget(scope, FETCHES, name, ONE_SYNC, ports.clock.now_utc())
    if wait_until is not None:
        yield None
        return
    meter = None
    try:
        with metered(ONE_SYNC.reads) as meter:
            yield meter
    finally:
        unused = ONE_SYNC.reads - (meter.used if meter else 0)
        await _give_back(ports, account, name, unused)


async def _give_back(ports: Ports, account: AdAccount, name: str, calls: int) -> None:
    for _ in range(_TRIES):
        async with ports.database.write(account.tenant_id) as scope:
            usage = await across_tenants.quota_usage(scope, name)
            if usage is None or await across_tenants.store_quota_usage(scope, name, given_back(usage, calls)):
                return
