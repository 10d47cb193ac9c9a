"""Exchange rates by day, per tenant, and their queries. Must not convert anything."""

from collections.abc import Iterable

from tortoise import Model, fields

from domain.currencies import Rate
from kit.ids import new_id
from models.scope import Scope, WriteScope, as_values


class CurrencyRateTable(Model):
    """1 unit of `from_currency` = `rate` units of `to_currency`, from `day` on until a newer row."""

    id = fields.UUIDField(primary_key=True)
    tenant_id = fields.UUIDField(db_index=True)
    day = fields.DateField()
    from_currency = fields.CharField(max_length=3)
    to_currency = fields.CharField(max_length=3)
    rate = fields.DecimalField(max_digits=20, decimal_places=10)
    source = fields.CharField(max_length=200)

    class Meta:
        table = "currency_rates"
        unique_together = (("tenant_id", "day", "from_currency", "to_currency"),)


_KEY = ["tenant_id", "day", "from_currency", "to_currency"]


async def replace_rates(scope: WriteScope, rates: Iterable[Rate]) -> int:
    """Store rates, each in place of what was stored for its pair and day. Returns how many; of one key the last counts.

    Rates must fit the column: ten digits after the point.
    """
    by_key = {(rate.day, rate.from_currency, rate.to_currency): rate for rate in rates}
    objects = [
        CurrencyRateTable(
            id=new_id(), tenant_id=scope.tenant_id, **{name: getattr(rate, name) for name in Rate.__slots__}
        )
        for rate in by_key.values()
    ]
    if objects:
        await CurrencyRateTable.bulk_create(
            objects, batch_size=400, on_conflict=_KEY, update_fields=["rate", "source"], using_db=scope.connection
        )
    return len(objects)


async def rates_to(scope: Scope, to_currency: str) -> list[Rate]:
    """All rates into a currency."""
    rows = await scope.of(CurrencyRateTable).filter(to_currency=to_currency).order_by("day").values(*Rate.__slots__)
    return as_values(Rate, rows)
