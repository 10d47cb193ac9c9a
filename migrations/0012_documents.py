from tortoise import migrations
from tortoise.migrations import operations as ops
from uuid import uuid4
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0011_response_curves')]

    initial = False

    operations = [
        ops.CreateModel(
            name='DocumentTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('tenant_id', fields.UUIDField()),
                ('workspace_id', fields.UUIDField()),
                ('sha256', fields.CharField(max_length=64)),
                ('name', fields.CharField(max_length=200)),
                ('text', fields.TextField(unique=False)),
                ('registered_by_kind', fields.CharField(max_length=16)),
                ('registered_by_id', fields.CharField(max_length=64)),
                ('registered_at_utc', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'documents', 'app': 'models', 'unique_together': (('workspace_id', 'sha256'),), 'indexes': [Index(fields=['tenant_id', 'sha256'])], 'pk_attr': 'id', 'table_description': 'A document of a partner. The tenant finds it by the hash of its text.'},
            bases=['Model'],
        ),
    ]
