"""Asking the shared budgets before a platform is called. What a budget allows is domain/quotas.py's.

Every worker counts in the same row, by compare-and-set or, where several changes take from it in turn, while it holds
the row; so all of them together stay inside a platform's quota.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.platforms import Platform
from domain.quotas import Calls, Quota, QuotaUsage, admit, budget_name, refused
from models import across_tenants
from models.scope import WriteScope

#: Other workers may count at the same moment; who loses so often comes again a little later.
_TRIES: Final = 10
_LATER: Final = timedelta(seconds=0.2)


async def ask(
    scope: WriteScope,
    quotas: Mapping[str, Quota],
    platform: Platform,
    account_external_id: str,
    calls: Calls,
    now_utc: datetime,
) -> datetime | None:
    """Count these calls, inside the caller's transaction.

    Returns:
        None when they may be made now; else the moment to ask again, and nothing was counted.
    """
    quota = quotas[platform]
    return await ask_budget(scope, quota, budget_name(quota, platform, account_external_id), calls, now_utc)


async def ask_budget(scope: WriteScope, quota: Quota, name: str, calls: Calls, now_utc: datetime) -> datetime | None:
    """As `ask`, of a budget by its name."""
    for _ in range(_TRIES):
        usage = await across_tenants.quota_usage(scope, name)
        answer = admit(quota, usage or QuotaUsage(0.0, now_utc), calls, now_utc)
        if isinstance(answer, datetime):
            return answer
        if await across_tenants.store_quota_usage(scope, name, answer):
            return None
    return now_utc + _LATER


@dataclass(slots=True)
class Purse:
    """A budget of calls, held until the transaction ends, from which several changes take in turn."""

    name: str
    quota: Quota
    stored: QuotaUsage
    taken: QuotaUsage

    def ask(self, calls: Calls, now_utc: datetime) -> QuotaUsage | datetime:
        """What to pass to `take` for these calls, or the moment from which they may be asked again."""
        return admit(self.quota, self.taken, calls, now_utc)

    def take(self, admitted: QuotaUsage) -> None:
        """Count what was asked for last."""
        self.taken = admitted

    async def keep(self, scope: WriteScope) -> None:
        """Store what was taken. Raises RuntimeError if the budget was not held."""
        if self.taken is self.stored:
            return
        after = replace(self.taken, version=self.stored.version + 1)
        if not await across_tenants.store_quota_usage(scope, self.name, after):
            raise RuntimeError(f"somebody else counted in the budget {self.name} while it was held")


async def hold_purse(scope: WriteScope, quota: Quota, name: str, now_utc: datetime) -> Purse:
    """A budget of calls by its name, held. Who holds several takes them in the order of their names."""
    stored = await across_tenants.quota_usage(scope, name, hold=True)
    if stored is None:
        await across_tenants.store_quota_usage(scope, name, QuotaUsage(0.0, now_utc, version=1))
        stored = await across_tenants.quota_usage(scope, name, hold=True)
    if stored is None:
        raise RuntimeError(f"the budget {name} is gone")
    return Purse(name, quota, stored, stored)


async def note_refusal(
    scope: WriteScope,
    quotas: Mapping[str, Quota],
    platform: Platform,
    account_external_id: str,
    retry_after_seconds: float,
    now_utc: datetime,
) -> None:
    """A platform refused and said for how long: no worker asks it before that."""
    quota = quotas[platform]
    name = budget_name(quota, platform, account_external_id)
    for _ in range(_TRIES):
        usage = await across_tenants.quota_usage(scope, name) or QuotaUsage(0.0, now_utc)
        if await across_tenants.store_quota_usage(scope, name, refused(quota, usage, retry_after_seconds, now_utc)):
            return
