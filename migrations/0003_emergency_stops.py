from tortoise import migrations
from tortoise.migrations import operations as ops
from uuid import uuid4
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0002_fetched_until')]

    initial = False

    operations = [
        ops.CreateModel(
            name='EmergencyStopTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('tenant_id', fields.UUIDField(db_index=True)),
                ('workspace_id', fields.UUIDField(db_index=True)),
                ('version', fields.IntField()),
                ('reason', fields.TextField(unique=False)),
                ('window_hours', fields.IntField()),
                ('started_by_kind', fields.CharField(max_length=16)),
                ('started_by_id', fields.CharField(max_length=64)),
                ('started_at_utc', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('lifted_by_id', fields.CharField(null=True, max_length=64)),
                ('lifted_at_utc', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('still_at_utc', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('items', fields.TextField(unique=False)),
            ],
            options={'table': 'emergency_stops', 'app': 'models', 'pk_attr': 'id', 'table_description': 'A stop of one workspace and what it did.'},
            bases=['Model'],
        ),
    ]
