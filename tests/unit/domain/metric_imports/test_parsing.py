"""Whole files: sums, rejected rows with their physical lines, wide rows, delimiters, currencies, margins, coverage."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from domain.currencies import IDENTITY_SOURCE, Rate, RateTable
from domain.errors import InvalidInput
from domain.metric_imports import (
    MAX_LISTED_REJECTIONS,
    CoveredAccount,
    ImportedDay,
    ImportProfile,
    ParsedFile,
    RejectedRow,
    parse_file,
    parse_profile,
    profile_from_options,
)
from domain.platforms import Platform

NO_RATES = RateTable(())
DAY = date(2024, 1, 31)


def read(text: str, profile: ImportProfile, *, reporting: str = "USD", rates: RateTable = NO_RATES) -> ParsedFile:
    return parse_file(text.splitlines(keepends=True), profile, reporting_currency=reporting, rates=rates)


def profile_of(*more: str, **settings: object) -> ImportProfile:
    constants: dict[str, object] = {"platform": "META", "account": "act", "currency": "USD"}
    return profile_from_options(["day=Day", "campaign=Campaign", "spend=Spent", *more], **(constants | settings))  # type: ignore[arg-type]


def test_one_row_in_full() -> None:
    profile = profile_of("campaign_name=Name", "impressions=Impr", "clicks=Cl", "conversions=Conv", "revenue=Rev")
    text = "Day,Campaign,Name,Impr,Cl,Conv,Spent,Rev,Other\n2024-01-31,7,Spring,1000,20,2.5,$12.34,$50.00,x\n"
    assert read(text, profile) == ParsedFile(
        days=(
            ImportedDay(
                platform=Platform.META,
                account_external_id="act",
                campaign_external_id="7",
                campaign_name="Spring",
                day=DAY,
                impressions=1000,
                clicks=20,
                conversions=Decimal("2.5"),
                spend_micros=12_340_000,
                revenue_micros=50_000_000,
                product_margin=None,
                currency_code="USD",
                reporting_rate=Rate(DAY, "USD", "USD", Decimal(1), IDENTITY_SOURCE),
                products=(),
                rows=1,
            ),
        ),
        rejected=(),
        rejected_count=0,
        rows_read=1,
    )


def test_columns_that_are_not_mapped_are_zero_but_revenue_is_not_known() -> None:
    (day,) = read("Day,Campaign,Spent\n2024-01-31,a,1\n", profile_of()).days
    assert (day.impressions, day.clicks, day.conversions) == (0, 0, 0)
    assert day.revenue_micros is None
    assert day.campaign_name == "a"


def test_rows_of_one_campaign_and_day_are_summed_and_others_are_not() -> None:
    text = "Day,Campaign,Spent,Conv\n2024-01-31,a,0.1,1\n2024-01-31,a,0.2,0.5\n2024-02-01,a,5,0\n2024-01-31,b,7,1\n"
    days = read(text, profile_of("conversions=Conv")).days
    assert [
        (day.campaign_external_id, day.day.isoformat(), day.spend_micros, day.conversions, day.rows) for day in days
    ] == [
        ("a", "2024-01-31", 300_000, Decimal("1.5"), 2),
        ("a", "2024-02-01", 5_000_000, Decimal(0), 1),
        ("b", "2024-01-31", 7_000_000, Decimal(1), 1),
    ]


def test_each_cell_is_rounded_to_the_micro_before_it_is_summed() -> None:
    rows = "2024-01-31,a,1.0000005\n" * 2
    (day,) = read(f"Day,Campaign,Spent\n{rows}", profile_of()).days
    assert day.spend_micros == 2_000_002


def test_fractional_counts_are_rounded_once_per_day() -> None:
    text = "Day,Campaign,Spent,Cl\n" + "2024-01-31,a,1,0.3\n" * 5
    profile = profile_of("clicks=Cl", round_counts=True)
    assert read(text, profile).days[0].clicks == 2
    strict = read(text, profile_of("clicks=Cl"))
    assert strict.rejected[0] == RejectedRow(
        2, "Cl", "0.3", "not a whole number (round_counts = true rounds each day's sum)"
    )
    assert (strict.days, strict.rejected_count) == ((), 5)


def test_rejected_rows_tell_line_column_value_and_reason_and_the_others_stay() -> None:
    text = (
        "Day,Campaign,Spent\n"
        "2024-01-31,a,1\n"
        "\n"
        "2024-01-31,a,-2\n"
        "31/01/2024,a,3\n"
        "2024-01-31,,4\n"
        ",,\n"
        "2024-01-31,a,NaN\n"
        "2024-01-31,a\n"
        "2024-01-31,a,$1,234\n"
        "2024-01-31,a,\n"
        "Total,,10\n"
        "Total: account,10\n"
        "2024-01-31,Total,10\n"
        "2024-01-31,b,8\n"
    )
    result = read(text, profile_of())
    assert [str(row) for row in result.rejected] == [
        "line 4, Spent: negative ('-2')",
        "line 5, Day: day or month first? give date_format, such as %d/%m/%Y ('31/01/2024')",
        "line 6, Campaign: blank ('')",
        "line 8, Spent: not an amount with decimal '.' ('NaN')",
        "line 9: 2 cells under 3 columns",
        "line 10: 4 cells under 3 columns",
        "line 11, Spent: blank (empty_is_zero = true counts it as 0) ('')",
        "line 12, Day: a row of totals, not a day ('Total')",
        "line 13: 2 cells under 3 columns; looks like a row of totals",
        "line 14, Campaign: a row of totals, not a campaign ('Total')",
    ]
    assert (result.rows_read, result.rejected_count) == (12, 10)
    assert [(day.campaign_external_id, day.spend_micros) for day in result.days] == [("a", 1_000_000), ("b", 8_000_000)]


def test_all_or_nothing_unless_rejected_rows_may_be_skipped() -> None:
    result = read("Day,Campaign,Spent\n2024-01-31,a,1\n2024-01-31,b,x\n", profile_of())
    with pytest.raises(InvalidInput) as caught:
        result.accepted_days(skip_rejected=False)
    assert caught.value.message == (
        "1 of 2 rows rejected, nothing imported; first: line 3, Spent: not an amount with decimal '.' ('x')"
    )
    assert [day.campaign_external_id for day in result.accepted_days(skip_rejected=True)] == ["a"]
    clean = read("Day,Campaign,Spent\n2024-01-31,a,1\n", profile_of())
    assert clean.accepted_days(skip_rejected=False) == clean.days


def test_lines_are_physical_also_after_line_breaks_in_quotes_and_skipped_lines() -> None:
    text = (
        "\ufeffCampaign report\n"
        "1 to 31 January\n"
        "\n"
        'Day,"Campaign\nname",Spent\n'
        '2024-01-31,"Spring\nsale",1\n'
        "2024-01-31,b,x\n"
        '2024-01-31,"c\nd\ne",y\n'
        "2024-01-31,f,z\n"
    )
    profile = profile_from_options(
        ["day=Day", "campaign=Campaign\nname", "spend=Spent"],
        platform="META",
        account="1",
        currency="USD",
        skip_lines=2,
    )
    result = read(text, profile)
    assert [(row.line, row.value) for row in result.rejected] == [(8, "x"), (9, "y"), (12, "z")]
    assert [day.campaign_external_id for day in result.days] == ["Spring sale"]


def test_broken_quotes_reject_their_row_and_tell_how_far_it_went() -> None:
    text = 'Day,Campaign,Spent\n2024-01-31,"a"b,1\n2024-01-31,"c,1\n2024-01-31,d,2\n2024-01-31,"e",3\n2024-01-31,f,4\n'
    result = read(text, profile_of())
    assert [(row.line, row.reason) for row in result.rejected] == [
        (2, "not CSV: ',' expected after '\"'"),
        (3, "not CSV: ',' expected after '\"' (the row goes on to line 5: a stray quote?)"),
    ]
    assert [day.campaign_external_id for day in result.days] == ["f"]
    open_end = read('Day,Campaign,Spent\n2024-01-31,a,1\n2024-01-31,"b,2\n2024-01-31,c,3\n', profile_of())
    assert [(row.line, row.reason) for row in open_end.rejected] == [
        (3, "not CSV: unexpected end of data (the row goes on to line 4: a stray quote?)")
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("given", [True, False])
def test_the_delimiter_is_given_or_found_in_the_header(delimiter: str, given: bool) -> None:
    text = '\ufeffDay,Campaign,"Spent"\r\n2024-01-31,a,1\r\n'.replace(",", delimiter)
    profile = profile_of(delimiter=delimiter) if given else profile_of()
    assert read(text, profile).days[0].spend_micros == 1_000_000


def test_a_european_file() -> None:
    text = "Tag;Kampagne;Kosten\n31.01.2024;Frühling;1.234,50 €\n01.02.2024;Frühling;0,07\nSumme;;1.234,57 €\n"
    profile = parse_profile(
        """
        platform = "GOOGLE"
        account = "1"
        currency = "EUR"
        decimal = ","
        date_format = "%d.%m.%Y"
        [columns]
        day = "Tag"
        campaign = "Kampagne"
        spend = "Kosten"
        """
    )
    result = read(text, profile, reporting="EUR")
    assert [(day.day, day.spend_micros) for day in result.days] == [(DAY, 1_234_500_000), (date(2024, 2, 1), 70_000)]
    assert [str(row) for row in result.rejected] == ["line 4, Tag: a row of totals, not a day ('Summe')"]


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("", ("file",), "the file has no header line"),
        ("\n \n", ("file",), "the file has no header line"),
        (
            "Day,Campaign,Cost\n",
            ("columns", "spend"),
            "column 'Spent' for spend is not in the file; its columns are: Day, Campaign, Cost",
        ),
        ("Day,Spent,Campaign,Spent\n", ("columns", "spend"), "column 'Spent' for spend is in the file more than once"),
        ('Day,"Campaign,Spent\n', ("file",), "the header has a quote that is never closed"),
        ('"Day"x,Campaign\n', ("file",), "the header line is not CSV"),
    ],
)
def test_a_file_without_the_columns_is_refused_as_a_whole(text: str, path: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text, profile_of())
    assert caught.value.path == path
    assert message in caught.value.message


def test_a_file_with_a_header_only_has_no_days() -> None:
    assert read("Day,Campaign,Spent\n", profile_of()) == ParsedFile((), (), 0, 0)


WIDE = parse_profile(
    """
    currency = "USD"
    [columns]
    day = "Day"
    [[block]]
    platform = "META"
    account = "fb"
    [block.columns]
    campaign = "FB campaign"
    spend = "FB cost"
    [[block]]
    platform = "GOOGLE"
    account = "aw"
    campaign = "search"
    [block.columns]
    spend = "AW cost"
    """
)


def test_a_wide_row_holds_several_campaigns_and_counts_as_a_whole() -> None:
    text = (
        "Day,FB campaign,FB cost,AW cost\n"
        "2024-01-31,a,1,2\n"
        "2024-02-01,a,,4\n"
        "2024-02-02,,,5\n"
        "2024-02-03,a,6,x\n"
        "2024-02-04,,,\n"
    )
    result = read(text, WIDE)
    assert [(day.platform.value, day.campaign_external_id, day.day.day, day.spend_micros) for day in result.days] == [
        ("GOOGLE", "search", 31, 2_000_000),
        ("GOOGLE", "search", 2, 5_000_000),
        ("META", "a", 31, 1_000_000),
    ]
    assert [str(row) for row in result.rejected] == [
        "line 3, FB cost: blank (empty_is_zero = true counts it as 0) ('')",
        "line 5, AW cost: not an amount with decimal '.' ('x')",
        "line 6: every block is blank",
    ]


def test_a_missing_column_of_a_block_names_the_block() -> None:
    with pytest.raises(InvalidInput) as caught:
        read("Day,FB campaign,FB cost\n", WIDE)
    assert caught.value.path == ("block", "1", "columns", "spend")


def test_what_a_file_covers_is_told_by_account() -> None:
    result = read("Day,FB campaign,FB cost,AW cost\n2024-02-02,b,1,2\n2024-01-31,a,1,2\n", WIDE)
    assert result.covers == (
        CoveredAccount(Platform.GOOGLE, "aw", "USD", DAY, date(2024, 2, 2), ("search",)),
        CoveredAccount(Platform.META, "fb", "USD", DAY, date(2024, 2, 2), ("a", "b")),
    )


def test_platform_account_and_currency_may_be_columns() -> None:
    profile = parse_profile(
        """
        [platform_names]
        "Facebook Ads" = "META"
        [columns]
        platform = "Source"
        account = ["Client", "Account"]
        currency = "Cur"
        day = "Day"
        campaign = "Campaign"
        spend = "Spent"
        """
    )
    text = (
        "Source,Client,Account,Cur,Day,Campaign,Spent\n"
        "facebook ads,x,1,eur,2024-01-31,a,€1\n"
        "TikTok,x,1,USD,2024-01-31,a,$2\n"
        "Bing,x,1,USD,2024-01-31,a,3\n"
        "TikTok,x,1,dollar,2024-01-31,a,4\n"
        "Facebook Ads,x,1,USD,2024-01-31,b,5\n"
    )
    rates = RateTable([Rate(date(2024, 1, 30), "EUR", "USD", Decimal("1.08"), "bank")])
    result = read(text, profile, rates=rates)
    assert [
        (day.platform, day.account_external_id, day.currency_code, day.reporting_rate.rate) for day in result.days
    ] == [
        (Platform.META, "x 1", "EUR", Decimal("1.08")),
        (Platform.TIKTOK, "x 1", "USD", Decimal(1)),
    ]
    assert [str(row) for row in result.rejected] == [
        "line 4, Source: not a platform (platform_names says what the file's names mean) ('Bing')",
        "line 5, Cur: not a currency code ('dollar')",
        "line 6: account x 1 is in EUR in the rows before ('USD')",
    ]


def test_days_keep_account_money_and_the_rate_with_its_source() -> None:
    rate = Rate(date(2024, 1, 30), "EUR", "USD", Decimal("1.08"), "central bank")
    text = "Day,Campaign,Spent\n2024-01-31,a,10\n2024-02-07,a,10\n2024-01-29,a,10\n"
    result = read(text, profile_of(currency="EUR"), rates=RateTable([rate], max_age_days=7))
    (day,) = result.days
    assert (day.spend_micros, day.currency_code, day.reporting_rate) == (10_000_000, "EUR", rate)
    assert [(row.line, row.reason) for row in result.rejected] == [
        (3, "the latest rate EUR to USD on 2024-02-07 is of 2024-01-30, older than 7 days"),
        (4, "no rate EUR to USD on or before 2024-01-29; the first is of 2024-01-30"),
    ]


def test_a_rejected_row_does_not_decide_its_accounts_currency() -> None:
    profile = profile_from_options(
        ["day=Day", "campaign=Campaign", "spend=Spent", "currency=Cur"], platform="META", account="1"
    )
    result = read("Day,Campaign,Cur,Spent\n2024-01-31,a,EUR,1\n2024-01-31,a,USD,2\n", profile)
    assert [(day.currency_code, day.spend_micros) for day in result.days] == [("USD", 2_000_000)]
    assert [row.reason for row in result.rejected] == ["no rate from EUR to USD"]


def test_revenue_per_conversion_as_constant_or_column() -> None:
    text = "Day,Campaign,Spent,Conv,Worth\n2024-01-31,a,1,1.5,20\n2024-01-31,a,1,2,$10\n"
    constant = read(text, profile_of("conversions=Conv", revenue_per_conversion="12.5")).days[0]
    assert constant.revenue_micros == 43_750_000
    column = read(text, profile_of("conversions=Conv", "revenue_per_conversion=Worth")).days[0]
    assert column.revenue_micros == 50_000_000
    negative = read(text.replace("$10", "-10"), profile_of("conversions=Conv", "revenue_per_conversion=Worth"))
    assert [str(row) for row in negative.rejected] == ["line 3, Worth: negative ('-10')"]


MARGIN_TEXT = "Day,Campaign,Spent,Rev,Margin\n2024-01-31,a,1,{},{}\n2024-01-31,a,1,{},{}\n"


@pytest.mark.parametrize(
    ("cells", "margin"),
    [
        ((10, "0.4", 20, "0.4"), "0.4"),
        ((10, "0.4", 30, "20%"), "0.25"),
        ((10, "0.4", 0, "0.2"), "0.4"),
        ((10, "0.4", 20, ""), "0.4"),
        ((0, "0.4", 0, "0.2"), None),
        ((0, "0.4", 0, "0.4"), "0.4"),
        ((10, "", 20, "-"), None),
        ((10, "0.1", 20, "0.2"), "0.166667"),
    ],
)
def test_margins_are_weighted_by_revenue(cells: tuple[object, ...], margin: str | None) -> None:
    result = read(MARGIN_TEXT.format(*cells), profile_of("revenue=Rev", "product_margin=Margin"))
    assert result.rejected == ()
    assert result.days[0].product_margin == (None if margin is None else Decimal(margin))


@pytest.mark.parametrize(
    ("cells", "margin"),
    [((10, "4", 30, "$6"), "0.25"), ((10, "-4", 10, "2"), "-0.1"), ((10, "4", 0, "0"), "0.4"), ((0, "0", 0, ""), None)],
)
def test_margin_amounts_become_a_share_of_revenue(cells: tuple[object, ...], margin: str | None) -> None:
    result = read(MARGIN_TEXT.format(*cells), profile_of("revenue=Rev", "margin_amount=Margin"))
    assert result.rejected == ()
    assert result.days[0].product_margin == (None if margin is None else Decimal(margin))


def test_a_margin_greater_than_the_revenue_is_refused() -> None:
    result = read(MARGIN_TEXT.format(10, "10.01", 0, "1"), profile_of("revenue=Rev", "margin_amount=Margin"))
    assert [str(row) for row in result.rejected] == [
        "line 2, Margin: a margin greater than the revenue ('10.01')",
        "line 3, Margin: a margin greater than the revenue ('1')",
    ]


def test_a_constant_margin_holds_for_every_day() -> None:
    assert read("Day,Campaign,Spent\n2024-01-31,a,1\n", profile_of(product_margin="0.35")).days[
        0
    ].product_margin == Decimal("0.35")


def test_products_are_one_id_or_a_set() -> None:
    text = "Day,Campaign,Spent,Sku\n2024-01-31,a,1,p2|p1\n2024-01-31,a,1,p3|\n2024-01-31,b,1,\n"
    days = read(text, profile_of("product=Sku", product_separator="|")).days
    assert [day.products for day in days] == [("p1", "p2", "p3"), ()]
    assert [day.products for day in read(text, profile_of("product=Sku")).days] == [("p2|p1", "p3|"), ()]
    assert read(text, profile_of(product="shoe")).days[0].products == ("shoe",)


def test_blank_numbers_are_zero_where_the_profile_says_so() -> None:
    text = "Day,Campaign,Spent,Impr,Rev\n2024-01-31,a,--,,-\n"
    (day,) = read(text, profile_of("impressions=Impr", "revenue=Rev", empty_is_zero=True)).days
    assert (day.spend_micros, day.impressions, day.revenue_micros) == (0, 0, 0)


def test_campaigns_are_joined_of_columns_and_renamed_ones_keep_one_name() -> None:
    profile = profile_from_options(
        ["day=Day", "campaign=A+B", "campaign_name=Name", "spend=Spent"],
        platform="META",
        account="1",
        currency="USD",
        join="/",
    )
    text = (
        "Day,A,B,Name,Spent\n2024-01-31,1,2,New,1\n2024-01-31,1,2,Late,1\n2024-02-01,1,2,Zed,1\n2024-02-01,1,,Zed,1\n"
    )
    result = read(text, profile)
    assert [(day.campaign_external_id, day.campaign_name) for day in result.days] == [("1/2", "Late"), ("1/2", "Zed")]
    assert [str(row) for row in result.rejected] == ["line 5, B: blank ('')"]


def test_a_campaign_may_have_only_a_name() -> None:
    profile = profile_from_options(
        ["day=Day", "campaign_name=Name", "spend=Spent"], platform="META", account="1", currency="USD"
    )
    (day,) = read("Day,Name,Spent\n2024-01-31,Spring,1\n", profile).days
    assert (day.campaign_external_id, day.campaign_name) == ("Spring", "Spring")


def test_timestamps_are_summed_by_the_accounts_day() -> None:
    text = "Day,Campaign,Spent\n2024-01-31T22:30:00Z,a,1\n2024-01-31T23:30:00Z,a,2\n"
    days = read(text, profile_of(time_zone="Europe/Berlin")).days
    assert [(day.day, day.spend_micros) for day in days] == [(DAY, 1_000_000), (date(2024, 2, 1), 2_000_000)]


def test_long_values_are_cut_in_the_report() -> None:
    result = read(f"Day,Campaign,Spent\n2024-01-31,a,{'9' * 500}\n", profile_of())
    assert result.rejected == (RejectedRow(2, "Spent", "9" * 200, "longer than 64 characters, not an amount"),)


def test_a_sum_too_large_to_store_is_refused() -> None:
    text = "Day,Campaign,Spent\n" + "2024-01-31,a,999999999999\n" * 10
    with pytest.raises(InvalidInput, match="the sum of campaign a on 2024-01-31 is too large"):
        read(text, profile_of())


def test_a_long_file_is_read_line_by_line_and_rejections_are_listed_up_to_a_limit() -> None:
    pulled = 0

    def lines() -> Iterator[str]:
        nonlocal pulled
        yield "Day,Campaign,Spent\n"
        for number in range(MAX_LISTED_REJECTIONS + 5_000):
            pulled += 1
            yield f"2024-01-31,c{number % 3},{'x' if number % 2 else '0.01'}\n"
        for _ in range(10_000):
            yield "2024-01-31,c0,x\n"

    result = parse_file(lines(), profile_of(), reporting_currency="USD", rates=NO_RATES)
    assert pulled == 15_000
    assert (result.rows_read, result.rejected_count, len(result.rejected)) == (25_000, 17_500, MAX_LISTED_REJECTIONS)
    assert sum(day.spend_micros for day in result.days) == 7_500 * 10_000
    assert len(result.days) == 3


def test_the_reporting_currency_must_be_a_code() -> None:
    with pytest.raises(InvalidInput, match="is not a currency code"):
        read("Day,Campaign,Spent\n", profile_of(), reporting="dollars")
