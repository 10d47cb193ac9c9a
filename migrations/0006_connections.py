from tortoise import migrations
from tortoise.migrations import operations as ops
from uuid import uuid4
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0005_shifts')]

    initial = False

    operations = [
        ops.CreateModel(
            name='ConnectionAttemptTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('tenant_id', fields.UUIDField(db_index=True)),
                ('workspace_id', fields.UUIDField()),
                ('platform', fields.CharField(max_length=16)),
                ('user_id', fields.UUIDField()),
                ('session_id', fields.UUIDField()),
                ('state_hash', fields.CharField(unique=True, max_length=64)),
                ('sealed_verifier', fields.TextField(unique=False)),
                ('expires_at_utc', fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'connection_attempts', 'app': 'models', 'pk_attr': 'id', 'table_description': 'Somebody on the way to a consent page and back.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ConnectionTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('tenant_id', fields.UUIDField(db_index=True)),
                ('workspace_id', fields.UUIDField(db_index=True)),
                ('platform', fields.CharField(max_length=16)),
                ('status', fields.CharField(max_length=16)),
                ('version', fields.IntField()),
                ('scopes', fields.TextField(unique=False)),
                ('connected_by_id', fields.CharField(max_length=64)),
                ('connected_at_utc', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('expires_at_utc', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('refreshed_at_utc', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('ended_at_utc', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('reason', fields.TextField(null=True, unique=False)),
                ('sealed_access', fields.TextField(null=True, unique=False)),
                ('sealed_refresh', fields.TextField(null=True, unique=False)),
                ('generation', fields.IntField()),
                ('refresh_at_utc', fields.DatetimeField(null=True, db_index=True, auto_now=False, auto_now_add=False)),
                ('lease_until_utc', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'platform_connections', 'app': 'models', 'pk_attr': 'id', 'table_description': 'A grant on a platform. Tokens stand here sealed, or not at all once it was ended by a person.'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='AdAccountTable',
            name='connection_id',
            field=fields.UUIDField(null=True),
        ),
    ]
