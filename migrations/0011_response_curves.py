from tortoise import migrations
from tortoise.migrations import operations as ops
from uuid import uuid4
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0010_bid_events')]

    initial = False

    operations = [
        ops.CreateModel(
            name='ResponseCurveTable',
            fields=[
                ('recommendation_id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('tenant_id', fields.UUIDField(db_index=True)),
                ('curve', fields.TextField(unique=False)),
            ],
            options={'table': 'response_curves', 'app': 'models', 'pk_attr': 'recommendation_id', 'table_description': 'The curve behind one recommendation, as JSON text. Whose proposer fits none has no row.'},
            bases=['Model'],
        ),
    ]
