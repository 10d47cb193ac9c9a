from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0003_emergency_stops')]

    initial = False

    operations = [
        ops.AddField(
            model_name='BudgetTable',
            name='before_elsewhere_micros',
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name='BudgetTable',
            name='changed_elsewhere_at_utc',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
