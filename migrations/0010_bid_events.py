from tortoise import migrations
from tortoise.migrations import operations as ops
from uuid import uuid4
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0009_stop_pausing_and_alert_threshold')]

    initial = False

    operations = [
        ops.CreateModel(
            name='BidDayTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('tenant_id', fields.UUIDField()),
                ('campaign_id', fields.UUIDField()),
                ('day', fields.DateField(db_index=True)),
                ('currency', fields.CharField(max_length=3)),
                ('bids', fields.BigIntField()),
                ('wins', fields.BigIntField()),
                ('impressions', fields.BigIntField()),
                ('losses', fields.BigIntField()),
                ('spend_micros', fields.BigIntField()),
            ],
            options={'table': 'bid_days', 'app': 'models', 'unique_together': (('tenant_id', 'campaign_id', 'day', 'currency'),), 'pk_attr': 'id', 'table_description': 'One campaign on one UTC day in one currency.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='BidEventChunkTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('spool', fields.CharField(max_length=64)),
                ('chunk', fields.BigIntField()),
                ('at_utc', fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ('events', fields.IntField()),
                ('data', fields.BinaryField()),
            ],
            options={'table': 'bid_event_chunks', 'app': 'models', 'unique_together': (('spool', 'chunk'),), 'pk_attr': 'id', 'table_description': 'A chunk of raw bid events, as a spool held it. No tenant.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='BidNoticeTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('tenant_id', fields.UUIDField()),
                ('campaign_id', fields.UUIDField()),
                ('bid_id', fields.CharField(max_length=64)),
                ('kind', fields.CharField(max_length=16)),
                ('offer_id', fields.CharField(max_length=64)),
                ('at_utc', fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ('currency', fields.CharField(max_length=3)),
                ('cost_micros', fields.BigIntField()),
                ('price_micros', fields.BigIntField()),
                ('loss_reason', fields.IntField()),
            ],
            options={'table': 'bid_notices', 'app': 'models', 'unique_together': (('tenant_id', 'bid_id', 'kind'),), 'pk_attr': 'id', 'table_description': 'A notice that counted. A second one of the same kind and bid finds its place taken.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='BidSpoolPositionTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('tenant_id', fields.UUIDField()),
                ('spool', fields.CharField(db_index=True, max_length=64)),
                ('chunk', fields.BigIntField()),
            ],
            options={'table': 'bid_spool_positions', 'app': 'models', 'unique_together': (('tenant_id', 'spool'),), 'pk_attr': 'id', 'table_description': 'How far a spool was read into the rows of a tenant.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='BidSpoolTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('spool', fields.CharField(unique=True, max_length=64)),
                ('chunk', fields.BigIntField()),
                ('read_at_utc', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'bid_spools', 'app': 'models', 'pk_attr': 'id', 'table_description': 'How far a spool was read by everybody. No tenant.'},
            bases=['Model'],
        ),
    ]
