"""Properties of whole files: order does not matter, splitting a file loses nothing, no text crashes the import."""

import contextlib
import csv
import io
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.currencies import RateTable
from domain.errors import InvalidInput
from domain.metric_imports import ImportProfile, parse_file, parse_profile

PROFILE = parse_profile(
    """
    platform = "META"
    currency = "USD"
    round_counts = true
    [columns]
    account = "account"
    campaign = "campaign"
    campaign_name = "name"
    day = "day"
    impressions = "impressions"
    conversions = "conversions"
    spend = "spend"
    revenue = "revenue"
    product_margin = "margin"
    product = "product"
    """
)
HEADER = ["account", "campaign", "name", "day", "impressions", "conversions", "spend", "revenue", "margin", "product"]
RATES = RateTable(())

amounts = st.decimals(0, 10**6, places=7).map(lambda amount: format(amount, "f"))
rows = st.tuples(
    st.sampled_from(["a1", "a2"]),
    st.sampled_from(["c1", "c2"]),
    st.sampled_from(["Spring", "Autumn, late", 'The "big" one']),
    st.integers(0, 2).map(lambda days: (date(2024, 2, 28) + timedelta(days)).isoformat()),
    st.decimals(0, 10**6, places=3).map(str),
    st.decimals(0, 1000, places=12).map(lambda count: format(count, "f")),
    amounts,
    amounts,
    st.sampled_from(["", "0.4", "25%"]),
    st.sampled_from(["", "p1", "p2"]),
)


def lines_of(table: list[tuple[str, ...]]) -> list[str]:
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *table])
    return text.getvalue().splitlines(keepends=True)


def days_of(table: list[tuple[str, ...]]) -> object:
    result = parse_file(lines_of(table), PROFILE, reporting_currency="USD", rates=RATES)
    assert result.rejected == ()
    return result.days


@given(st.lists(rows, max_size=20).flatmap(lambda table: st.tuples(st.just(table), st.permutations(table))))
def test_the_order_of_the_rows_does_not_matter(tables: tuple[list[tuple[str, ...]], list[tuple[str, ...]]]) -> None:
    assert days_of(tables[0]) == days_of(tables[1])


@given(st.lists(rows, max_size=30))
def test_nothing_is_lost_or_counted_twice(table: list[tuple[str, ...]]) -> None:
    result = parse_file(lines_of(table), PROFILE, reporting_currency="USD", rates=RATES)
    micros = [int((Decimal(row[6]) * 1_000_000 + Decimal("0.5")) // 1) for row in table]
    assert sum(day.spend_micros for day in result.days) == sum(micros)
    assert sum(day.rows for day in result.days) == result.rows_read == len(table)
    assert sum((day.conversions for day in result.days), Decimal(0)) == sum(
        (Decimal(row[5]) for row in table), Decimal(0)
    )
    assert {(day.account_external_id, day.campaign_external_id, day.day.isoformat()) for day in result.days} == {
        (row[0], row[1], row[3]) for row in table
    }


texts = st.text(st.characters(exclude_categories=[]), max_size=30)
cells = st.one_of(texts, st.sampled_from(["2024-01-31", "1", "$1", '"', "a", "Total", "1e5", "", "9" * 20]))


@given(st.lists(st.lists(cells, max_size=12).map(",".join)))
def test_no_text_below_a_header_crashes(body: list[str]) -> None:
    result = parse_file([",".join(HEADER), *body], PROFILE, reporting_currency="USD", rates=RATES)
    good = sum(day.rows for day in result.days)
    assert good + result.rejected_count == result.rows_read


@given(
    st.lists(texts),
    st.sampled_from(
        [
            PROFILE,
            parse_profile('platform="META"\naccount="1"\ncurrency="EUR"\n[columns]\nday="0"\ncampaign="1"\nspend="2"'),
        ]
    ),
)
def test_no_file_crashes(lines: list[str], profile: ImportProfile) -> None:
    with contextlib.suppress(InvalidInput):
        result = parse_file(lines, profile, reporting_currency="USD", rates=RATES)
        assert result.rows_read >= result.rejected_count
