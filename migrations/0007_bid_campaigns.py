from tortoise import migrations
from tortoise.migrations import operations as ops
from uuid import uuid4
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0006_connections')]

    initial = False

    operations = [
        ops.CreateModel(
            name='BidCampaignTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('tenant_id', fields.UUIDField(db_index=True)),
                ('workspace_id', fields.UUIDField(db_index=True)),
                ('version', fields.IntField()),
                ('name', fields.CharField(max_length=300)),
                ('status', fields.CharField(db_index=True, max_length=16)),
                ('seat', fields.CharField(max_length=64)),
                ('currency_code', fields.CharField(max_length=3)),
                ('bid_cpm_micros', fields.BigIntField()),
                ('daily_budget_micros', fields.BigIntField()),
                ('hourly_cap', fields.IntField()),
                ('daily_cap', fields.IntField()),
                ('least_score', fields.FloatField()),
                ('brand', fields.TextField(unique=False)),
                ('targeting', fields.TextField(unique=False)),
                ('offers', fields.TextField(unique=False)),
                ('created_at_utc', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'bid_campaigns', 'app': 'models', 'pk_attr': 'id', 'table_description': 'A campaign that the bid process bids with.'},
            bases=['Model'],
        ),
    ]
