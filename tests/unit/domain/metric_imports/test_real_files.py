"""Six exports that people published, read with the profiles of docs/import-profiles; totals are counted anew here."""

import csv
import os
from collections.abc import Callable, Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from domain.currencies import RateTable
from domain.metric_imports import ParsedFile, parse_file, parse_profile

PROFILES = Path(__file__).parents[4] / "docs" / "import-profiles"
ADS = Path(os.environ.get("EXTERNAL_DATA", "")) / "ads"

pytestmark = [
    pytest.mark.external_data,
    pytest.mark.skipif("EXTERNAL_DATA" not in os.environ, reason="EXTERNAL_DATA does not name a folder"),
]


def load(stem: str, currency: str) -> tuple[ParsedFile, list[dict[str, str]]]:
    """The file as the import reads it, and as plain rows."""
    path = ADS / f"{stem}.csv"
    profile = parse_profile((PROFILES / f"{stem}.toml").read_text(encoding="utf-8"))
    with path.open(encoding="utf-8-sig", newline="") as lines:
        parsed = parse_file(lines, profile, reporting_currency=currency, rates=RateTable(()))
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return parsed, list(csv.DictReader(lines))


def micros(text: str) -> int:
    return int((Decimal(text.lstrip("$")) * 1_000_000).quantize(Decimal(1), ROUND_HALF_UP))


def total(rows: list[dict[str, str]], column: str, read: Callable[[str], int] = int) -> int:
    return sum(read(row[column]) for row in rows)


def decimals(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


def only(parsed: ParsedFile, campaign_start: str) -> Iterator[tuple[int, int, Decimal, int]]:
    """Impressions, clicks, conversions and spend of the days of campaigns that start so."""
    for day in parsed.days:
        if day.campaign_external_id.startswith(campaign_start):
            yield day.impressions, day.clicks, day.conversions, day.spend_micros


def test_facebook_beside_adwords() -> None:
    parsed, rows = load("fb_vs_adwords_daily_2019", "USD")
    assert (parsed.rows_read, parsed.rejected_count, len(parsed.days), len(rows)) == (365, 0, 730, 365)
    for start, name in (("FB_", "Facebook"), ("AW_", "AdWords")):
        sums = tuple(map(sum, zip(*only(parsed, start), strict=True)))
        assert sums == (
            total(rows, f"{name} Ad Views"),
            total(rows, f"{name} Ad Clicks"),
            total(rows, f"{name} Ad Conversions"),
            total(rows, f"Cost per {name} Ad", micros),
        )
    # The campaign's name carries the month, so a day read with day and month swapped would show.
    assert all(day.campaign_external_id[3:] == f"{day.day:%b%y}" for day in parsed.days)
    assert {day.day for day in parsed.days} == {date.fromordinal(date(2019, 1, 1).toordinal() + n) for n in range(365)}


def test_facebook_by_ad_and_audience() -> None:
    parsed, rows = load("kag_facebook_conversion", "USD")
    assert (parsed.rows_read, parsed.rejected_count, len(rows)) == (1143, 0, 1143)
    assert len(parsed.days) == len({(row["xyz_campaign_id"], row["Date"]) for row in rows}) == 85
    assert sum(day.rows for day in parsed.days) == 1143
    assert sum(day.impressions for day in parsed.days) == total(rows, "Impressions")
    assert sum(day.clicks for day in parsed.days) == total(rows, "Clicks")
    assert sum(day.conversions for day in parsed.days) == total(rows, "Approved_Conversion")
    assert sum(day.spend_micros for day in parsed.days) == total(rows, "Spent", micros) == 58_705_229_966
    assert parsed.covers[0].campaign_external_ids == ("1178", "916", "936")


def test_display_by_banner_with_revenue() -> None:
    parsed, rows = load("online_advertising_performance", "USD")
    assert (parsed.rows_read, parsed.rejected_count, len(rows)) == (15_408, 0, 15_408)
    assert len(parsed.days) == len({(row["month"], row["day"], row["campaign_number"]) for row in rows}) == 212
    assert sum(day.impressions for day in parsed.days) == total(rows, "displays")
    assert sum(day.clicks for day in parsed.days) == total(rows, "clicks")
    assert sum(day.conversions for day in parsed.days) == total(rows, "post_click_conversions")
    assert sum(day.spend_micros for day in parsed.days) == total(rows, "cost", micros) == 175_192_995_700
    assert sum(day.revenue_micros or 0 for day in parsed.days) == total(rows, "post_click_sales_amount", micros)
    assert (parsed.covers[0].first_day, parsed.covers[0].last_day) == (date(2020, 4, 1), date(2020, 6, 30))


def test_criteo() -> None:
    parsed, rows = load("sony_aba_criteo_filtered", "EUR")
    assert (parsed.rows_read, parsed.rejected_count, len(parsed.days), len(rows)) == (124, 0, 124, 124)
    assert sum(day.clicks for day in parsed.days) == total(rows, "click")
    assert sum(day.conversions for day in parsed.days) == total(rows, "ctv")
    assert sum(day.spend_micros for day in parsed.days) == total(rows, "cost", micros) == 2_226_136_359_871
    assert {day.revenue_micros for day in parsed.days} == {None}


def test_internet_service_provider_with_fractional_clicks() -> None:
    parsed, rows = load("sony_aba_internet_service_provider", "JPY")
    assert (parsed.rows_read, parsed.rejected_count, len(parsed.days), len(rows)) == (368, 0, 368, 368)
    rounded = sum(int(Decimal(row["click"]).quantize(Decimal(1), ROUND_HALF_UP)) for row in rows)
    assert sum(day.clicks for day in parsed.days) == rounded
    assert sum((day.conversions for day in parsed.days), Decimal(0)) == decimals(rows, "ctv")
    assert sum(day.spend_micros for day in parsed.days) == total(rows, "cost", micros) == 799_493_597_156


def test_a_media_plan_by_week_with_a_column_of_spend_per_channel() -> None:
    parsed, rows = load("robyn_dt_simulated_weekly", "EUR")
    assert (parsed.rows_read, parsed.rejected_count, len(parsed.days), len(rows)) == (208, 0, 5 * 208, 208)
    columns = {"facebook": "facebook_S", "search": "search_S", "tv": "tv_S", "ooh": "ooh_S", "print": "print_S"}
    for campaign, column in columns.items():
        spend = sum(day.spend_micros for day in parsed.days if day.campaign_external_id == campaign)
        assert spend == total(rows, column, micros), campaign
    facebook = [day.impressions for day in parsed.days if day.campaign_external_id == "facebook"]
    assert facebook == [int(Decimal(row["facebook_I"]).quantize(Decimal(1), ROUND_HALF_UP)) for row in rows]
    assert [day.day.weekday() for day in parsed.days] == [0] * 1040
