from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0008_status_changes')]

    initial = False

    operations = [
        ops.AddField(
            model_name='EmergencyStopTable',
            name='pausing',
            field=fields.CharField(db_default='NONE', max_length=16),
        ),
        ops.AddField(
            model_name='WorkspaceTable',
            name='alert_above_micros',
            field=fields.BigIntField(db_default=500000000),
        ),
    ]
