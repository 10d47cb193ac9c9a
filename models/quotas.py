"""What is used of the platforms' quotas, shared by all workers. Its queries stand in models/across_tenants.py.

No tenant: a quota belongs to the application or to an ad account at its platform, whoever connected it.
"""

from tortoise import Model, fields


class QuotaUsageTable(Model):
    """One budget of calls, by its name."""

    id = fields.UUIDField(primary_key=True)
    name = fields.CharField(max_length=160, unique=True)
    points = fields.FloatField()
    at_utc = fields.DatetimeField()
    blocked_until_utc = fields.DatetimeField(null=True)
    pace = fields.FloatField()
    version = fields.IntField()

    class Meta:
        table = "quota_usages"
