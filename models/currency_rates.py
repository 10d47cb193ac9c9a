"""Exchange rates by day, per tenant."""

from tortoise import Model, fields


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
