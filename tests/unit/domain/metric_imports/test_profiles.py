"""Profiles from TOML and from options: what they accept, and errors that name the key."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.metric_imports import Block, ImportProfile, parse_profile, profile_from_options
from domain.platforms import Platform

DOCS = Path(__file__).parents[4] / "docs"

MINIMAL = """
platform = "META"
account = "act_1"
currency = "USD"
[columns]
day = "Day"
campaign = "Campaign"
spend = "Spent"
"""


def test_a_small_profile_and_the_same_from_options() -> None:
    expected = ImportProfile(
        blocks=(
            Block(
                {"day": ("Day",), "campaign": ("Campaign",), "spend": ("Spent",)},
                {"platform": "META", "account": "act_1", "currency": "USD"},
                frozenset(),
                (),
            ),
        )
    )
    assert parse_profile(MINIMAL) == expected
    options = profile_from_options(
        ["day=Day", "campaign = Campaign", "spend=Spent"],
        platform="meta",
        account="act_1",
        currency="usd",
        time_zone=None,
    )
    assert options == expected


def test_every_setting_is_read() -> None:
    profile = parse_profile(
        """
        account = 42
        date_format = ["%d.%m.%Y"]
        year = 2024
        time_zone = "Europe/Berlin"
        source_time_zone = "UTC"
        decimal = ","
        delimiter = ";"
        skip_lines = 2
        join = "/"
        round_counts = true
        empty_is_zero = true
        product_separator = "|"
        revenue_per_conversion = 12.5
        product_margin = "40%"
        [platform_names]
        Facebook = "META"
        [columns]
        platform = "Source"
        currency = "Currency"
        day = "Day"
        campaign = ["A", "B"]
        campaign_name = "Name"
        impressions = "Impr"
        clicks = "Clicks"
        conversions = "Conv"
        spend = "Spent"
        product = "Sku"
        """
    )
    block = profile.blocks[0]
    assert block.constants == {"account": "42", "revenue_per_conversion": "12.5", "product_margin": "40%"}
    assert block.columns["campaign"] == ("A", "B")
    assert profile.date_formats == ("%d.%m.%Y",)
    assert (profile.year, profile.time_zone, profile.source_time_zone) == (2024, "Europe/Berlin", "UTC")
    assert (profile.decimal, profile.delimiter, profile.skip_lines, profile.join) == (",", ";", 2, "/")
    assert (profile.round_counts, profile.empty_is_zero, profile.product_separator) == (True, True, "|")
    assert profile.platform_names == {"facebook": Platform.META}


def test_a_block_takes_the_file_wide_fields_and_may_replace_them() -> None:
    profile = parse_profile(
        """
        account = "shared"
        currency = "USD"
        [columns]
        day = "Day"
        campaign = "Campaign"
        [[block]]
        platform = "META"
        [block.columns]
        spend = "FB cost"
        [[block]]
        platform = "GOOGLE"
        campaign = "search"
        [block.columns]
        account = "Customer"
        spend = "AW cost"
        """
    )
    first, second = profile.blocks
    assert first.columns == {"day": ("Day",), "campaign": ("Campaign",), "spend": ("FB cost",)}
    assert first.constants == {"account": "shared", "currency": "USD", "platform": "META"}
    assert first.own_columns == {"FB cost"}
    assert second.columns == {"day": ("Day",), "account": ("Customer",), "spend": ("AW cost",)}
    assert second.constants == {"currency": "USD", "platform": "GOOGLE", "campaign": "search"}
    assert second.own_columns == {"Customer", "AW cost"}


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        (("", "spent = 1\n"), ("spent",), "'spent' is not a key here; known are date_format"),
        (("[columns]", "[columns]\ncost = 'x'"), ("columns", "cost"), "'cost' is not a key here; known are platform"),
        (("day = ", "#"), ("day",), "day is missing; give it under columns"),
        (("spend = ", "#"), ("spend",), "spend is missing; give it under columns"),
        (('account = "act_1"', ""), ("account",), "account is missing; give it under columns or as a constant"),
        (('campaign = "Campaign"', ""), ("campaign",), "campaign is missing; give it or campaign_name"),
        (('"META"', '"CRITEO"'), ("platform",), "'CRITEO' is not a platform; known are META, GOOGLE, TIKTOK"),
        (('"USD"', '"dollars"'), ("currency",), "'dollars' is not a currency code"),
        (('"act_1"', '" "'), ("account",), "account = ' ': blank"),
        (('"act_1"', "true"), ("account",), "account must be text in quotes"),
        (('"Spent"', "3"), ("columns", "spend"), "spend must be a column name or a list of column names"),
        (('"Spent"', "[]"), ("columns", "spend"), "spend must be a column name or a list of column names"),
        (('"Spent"', '["a", "b"]'), ("columns", "spend"), "spend takes one column; only account, campaign"),
        (("[columns]", "[columns]\naccount = 'A'"), ("account",), "account has both a column and a constant"),
        (("[columns]", "[[columns]]"), ("columns",), "columns must be a table"),
        (("", "time_zone = 'Mars/Base'\n"), ("time_zone",), "'Mars/Base' is not an IANA time zone"),
        (("", "source_time_zone = 'UTC'\n"), ("time_zone",), "source_time_zone needs time_zone"),
        (("", "decimal = ';'\n"), ("decimal",), "decimal must be one of '.', ',', not ';'"),
        (("", "delimiter = 'x'\n"), ("delimiter",), "delimiter must be one of"),
        (("", "date_format = '%d/%m'\n"), ("date_format",), "does not tell year, month and day"),
        (("", "date_format = 5\n"), ("date_format",), "date_format must be a format or a list of formats"),
        (("", "year = 2024\n"), ("date_format",), "year is appended to the day: give date_format"),
        (("", "year = 24\ndate_format = '%d %m %Y'\n"), ("year",), "year must be a whole number from 1990 to 2200"),
        (("", "skip_lines = -1\n"), ("skip_lines",), "skip_lines must be a whole number from 0 to 1000, not -1"),
        (("", "skip_lines = true\n"), ("skip_lines",), "skip_lines must be a whole number from 0 to 1000, not True"),
        (("", "round_counts = 1\n"), ("round_counts",), "round_counts must be true or false, not 1"),
        (("", "product_margin = 40\n"), ("product_margin",), "not a margin"),
        (("", "revenue_per_conversion = nan\n"), ("revenue_per_conversion",), "not a number"),
        (("", "revenue_per_conversion = 2\n"), ("conversions",), "revenue_per_conversion needs conversions"),
        (("[columns]", "[columns]\nmargin_amount = 'M'"), ("revenue",), "margin_amount needs revenue"),
        (
            ("[columns]", "revenue_per_conversion = 2\n[columns]\nconversions = 'C'\nrevenue = 'R'"),
            ("revenue_per_conversion",),
            "revenue and revenue_per_conversion exclude each other",
        ),
        (("[columns]", "[platform_names]\nfb = 'META'\n[columns]"), ("platform_names",), "needs a platform column"),
        (("[columns]", "[platform_names]\nfb = 'FB'\n[columns]"), ("platform_names", "fb"), "'FB' is not a platform"),
        (("", "platform_names = 1\n"), ("platform_names",), "platform_names must be a table"),
        (("", "block = []\n"), ("block",), "block must be a list of tables"),
        (("spend = ", "[[block]]\n[block.columns]\nclick = "), ("block", "0", "columns", "click"), "is not a key here"),
        (("spend = ", "[[block]]\n[block.columns]\nclicks = "), ("block", "0", "spend"), "spend is missing"),
        (("", "= 3\n"), ("profile",), "the profile is not TOML"),
        (("", "product_margin = 1e9999999999999999999\n"), ("profile",), "the profile is not TOML"),
    ],
)
def test_a_bad_profile_names_its_key(change: tuple[str, str], path: tuple[str, ...], message: str) -> None:
    old, new = change
    text = MINIMAL.replace(old, new, 1) if old else new + MINIMAL
    assert text != MINIMAL
    with pytest.raises(InvalidInput) as caught:
        parse_profile(text)
    assert caught.value.path == path
    assert message in caught.value.message


def test_options_join_columns_and_take_formats() -> None:
    profile = profile_from_options(
        ["day=month+day", "campaign=set + ad", "spend=cost"],
        date_formats=["%B %d %Y"],
        year=2020,
        platform="TIKTOK",
        account="1",
        currency="USD",
        product_margin=Decimal("0.4"),
    )
    assert profile.blocks[0].columns == {"day": ("month", "day"), "campaign": ("set", "ad"), "spend": ("cost",)}
    assert profile.blocks[0].constants["product_margin"] == "0.4"
    assert (profile.date_formats, profile.year) == (("%B %d %Y",), 2020)


@pytest.mark.parametrize(
    ("maps", "settings", "path"),
    [
        (["spend"], {}, ("map",)),
        (["=Spent"], {}, ("map",)),
        (["spend="], {}, ("map",)),
        (["spend=A", "spend=B"], {}, ("map", "spend")),
        (["cost=A"], {}, ("columns", "cost")),
        (["spend=A++B"], {}, ("columns", "spend")),
        (["spend=A"], {"platforn": "META"}, ("platforn",)),
    ],
)
def test_a_bad_option_names_itself(maps: list[str], settings: dict[str, str], path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as caught:
        profile_from_options(maps, **settings)
    assert caught.value.path == path


@given(st.text())
def test_any_text_is_a_profile_or_invalid_input(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_profile(text)


def test_every_profile_in_the_documentation_can_be_read() -> None:
    files = sorted((DOCS / "import-profiles").glob("*.toml"))
    assert len(files) == 6
    examples = re.findall(r"```toml\n(.*?)```", (DOCS / "metrics-import.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 2
    texts = [*(path.read_text(encoding="utf-8") for path in files), *examples]
    assert [len(parse_profile(text).blocks) for text in texts] == [2, 1, 1, 5, 1, 1, 1, 2]
