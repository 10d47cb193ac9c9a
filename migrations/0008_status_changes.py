from tortoise import migrations
from tortoise.migrations import operations as ops
from uuid import uuid4
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0007_bid_campaigns')]

    initial = False

    operations = [
        ops.CreateModel(
            name='StatusChangeTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('tenant_id', fields.UUIDField(db_index=True)),
                ('workspace_id', fields.UUIDField(db_index=True)),
                ('account_id', fields.UUIDField()),
                ('campaign_id', fields.UUIDField()),
                ('state', fields.CharField(max_length=16)),
                ('version', fields.IntField()),
                ('before', fields.CharField(max_length=16)),
                ('wanted', fields.CharField(max_length=16)),
                ('reason', fields.TextField(unique=False)),
                ('requested_by_kind', fields.CharField(max_length=16)),
                ('requested_by_id', fields.CharField(max_length=64)),
                ('created_at_utc', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('attempts', fields.IntField()),
                ('not_before_utc', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('lease_token', fields.UUIDField(null=True)),
                ('lease_until_utc', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('dispatched_at_utc', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('confirmed_at_utc', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('platform_execution_id', fields.CharField(null=True, max_length=200)),
                ('failure_code', fields.CharField(null=True, max_length=64)),
                ('failure_reason', fields.TextField(null=True, unique=False)),
                ('observed', fields.CharField(null=True, max_length=16)),
                ('send_key', fields.UUIDField(null=True)),
                ('sent_at_utc', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('recheck_at_utc', fields.DatetimeField(null=True, db_index=True, auto_now=False, auto_now_add=False)),
                ('stop_id', fields.UUIDField(null=True, db_index=True)),
            ],
            options={'table': 'status_changes', 'app': 'models', 'indexes': [Index(fields=['state', 'not_before_utc']), Index(fields=['campaign_id', 'state']), Index(fields=['tenant_id', 'workspace_id', 'id'])], 'pk_attr': 'id', 'table_description': 'A campaign on its way to be paused, or set running.'},
            bases=['Model'],
        ),
    ]
