"""Use-cases on exchange rates: import them, and the table that amounts are told in. Must not fetch rates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import msgspec

from domain.access import Permission
from domain.currencies import Rate, RateTable
from domain.errors import InvalidInput
from domain.log import NewEvent
from kit.ids import new_id
from models import currency_rates, tenants
from models.scope import Scope
from services.ports import Ports
from services.unit_of_work import begin
from services.viewers import Viewer

#: For money that platforms tell: a stored rate holds until a newer one, because an account must not stop syncing when
#: nobody imported last week's.
STORED_RATE_DAYS: Final = 36_500

#: What the column keeps.
_RATE_STEP: Final = Decimal("0.0000000001")
_SOURCE_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class RatesImport:
    """What the log keeps of an import."""

    count: int
    pairs: tuple[str, ...]
    sources: tuple[str, ...]


async def rate_table(scope: Scope, to_currency: str, *, max_age_days: int) -> RateTable:
    """The tenant's rates into a currency, each good for so many days."""
    return RateTable(await currency_rates.rates_to(scope, to_currency), max_age_days=max_age_days)


async def import_rates(ports: Ports, viewer: Viewer, rates: Sequence[Rate]) -> int:
    """Store rates for the whole tenant, each in place of the one stored for its pair and day.

    Returns:
        How many were stored; rates are rounded to ten digits after the point.

    Raises:
        NotFound, Forbidden: the viewer may not write campaigns in each of the tenant's workspaces, which all use them.
        InvalidInput: one pair has two rates on a day, or a rate is too small to keep.
    """
    for place in await tenants.workspaces(ports.database.read(viewer.tenant_id)):
        viewer.require(place.id, Permission.CAMPAIGN_WRITE)
    kept = [_kept(rate) for rate in rates]
    RateTable(kept)  # refuses contradictions before anything is stored
    if not kept:
        return 0
    async with begin(ports, viewer.tenant_id, viewer.actor) as work:
        count = await currency_rates.replace_rates(work.scope, kept)
        pairs = tuple(sorted({f"{rate.from_currency}>{rate.to_currency}" for rate in kept}))
        work.events.append(_event(RatesImport(count, pairs, tuple(sorted({rate.source for rate in kept})))))
    return count


def _kept(rate: Rate) -> Rate:
    """The rate as the table can hold it."""
    value = rate.rate.quantize(_RATE_STEP)
    if value <= 0:
        raise InvalidInput(
            f"the rate {rate.from_currency} to {rate.to_currency} of {rate.day} is under {_RATE_STEP:f}", ("rates",)
        )
    return replace(rate, rate=value, source=rate.source[:_SOURCE_CHARACTERS])


def _event(told: RatesImport) -> NewEvent:
    """Rates belong to the tenant, not to one workspace."""
    return NewEvent(
        kind="currency_rates.imported",
        workspace_id=None,
        subject_type="currency_rates",
        subject_id=new_id(),
        subject_version=0,
        before=None,
        after=msgspec.to_builtins(told),
    )
