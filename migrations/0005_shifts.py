from tortoise import migrations
from tortoise.migrations import operations as ops
from uuid import uuid4
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0004_budgets_changed_elsewhere')]

    initial = False

    operations = [
        ops.CreateModel(
            name='ShiftTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('tenant_id', fields.UUIDField(db_index=True)),
                ('workspace_id', fields.UUIDField(db_index=True)),
                ('version', fields.IntField()),
                ('status', fields.CharField(db_index=True, max_length=16)),
                ('plan_id', fields.UUIDField()),
                ('from_campaign_id', fields.UUIDField()),
                ('to_campaign_id', fields.UUIDField()),
                ('from_adjustment_id', fields.UUIDField()),
                ('to_adjustment_id', fields.UUIDField()),
                ('amount_reporting_micros', fields.BigIntField()),
                ('reporting_currency_code', fields.CharField(max_length=3)),
                ('reason', fields.TextField(unique=False)),
                ('requested_by_id', fields.CharField(max_length=64)),
                ('requested_at_utc', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('flagged_at_utc', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('flag_reason', fields.TextField(null=True, unique=False)),
                ('ended_at_utc', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'shifts', 'app': 'models', 'pk_attr': 'id', 'table_description': 'Budget on its way from one campaign to another.'},
            bases=['Model'],
        ),
    ]
