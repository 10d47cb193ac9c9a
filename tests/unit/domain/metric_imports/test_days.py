"""Which day a cell means: formats, ambiguity, offsets and zones."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.metric_imports.cells import CellError
from domain.metric_imports.days import DayReader, check_format


def reader(
    *formats: str, year: int | None = None, time_zone: str | None = None, source: str | None = None
) -> DayReader:
    return DayReader(formats, year=year, time_zone=time_zone, source_time_zone=source)


@pytest.mark.parametrize(
    "text", ["2024-01-31", "2024/01/31", "2024/1/31", "20240131", " 2024-01-31 ", "2024-01-31 23:59:59"]
)
def test_year_first_needs_no_format(text: str) -> None:
    assert reader().read(text) == date(2024, 1, 31)


@pytest.mark.parametrize("text", ["01/02/2024", "1.2.24", "01-02-2024", "13/02/2024"])
def test_day_or_month_first_is_refused_without_a_format(text: str) -> None:
    with pytest.raises(CellError) as caught:
        reader().read(text)
    assert caught.value.reason == "day or month first? give date_format, such as %d/%m/%Y"


@pytest.mark.parametrize(
    "text", ["", "2024-02-30", "yesterday", "2024-13-01", "1700-01-01", "9999-12-31", "2024-W05", "202401"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(CellError):
        reader().read(text)


def test_a_format_decides_and_other_spellings_are_refused() -> None:
    days = reader("%d/%m/%Y")
    assert days.read("01/02/2024") == date(2024, 2, 1)
    with pytest.raises(CellError, match="not a day written as %d/%m/%Y"):
        days.read("2024-02-01")


def test_several_formats_must_not_contradict_each_other() -> None:
    days = reader("%m/%d/%Y", "%d/%m/%Y")
    assert days.read("12/31/2019") == date(2019, 12, 31)
    assert days.read("02/02/2019") == date(2019, 2, 2)
    with pytest.raises(CellError, match="could be 2019-01-02 or 2019-02-01"):
        days.read("01/02/2019")


def test_the_year_is_appended() -> None:
    assert reader("%B %d %Y", year=2020).read("February 29") == date(2020, 2, 29)
    with pytest.raises(CellError):
        reader("%B %d %Y", year=2021).read("February 29")


def test_a_time_with_an_offset_moves_to_the_accounts_zone() -> None:
    tokyo = reader(time_zone="Asia/Tokyo")
    assert tokyo.read("2024-03-01T15:30:00Z") == date(2024, 3, 2)
    assert tokyo.read("2024-03-01T14:59:59+00:00") == date(2024, 3, 1)
    assert tokyo.read("2024-03-01T23:30:00+0900") == date(2024, 3, 1)
    assert reader("%d.%m.%Y %H:%M %z", time_zone="America/New_York").read("01.03.2024 03:00 +0000") == date(2024, 2, 29)


def test_a_bare_day_and_the_accounts_own_time_never_move() -> None:
    days = reader(time_zone="Asia/Tokyo")
    assert days.read("2024-03-01") == date(2024, 3, 1)
    assert days.read("2024-03-01 23:30") == date(2024, 3, 1)
    both = reader("%Y-%m-%d", time_zone="Asia/Tokyo", source="America/Los_Angeles")
    assert both.read("2024-03-01") == date(2024, 3, 1)


def test_a_time_without_an_offset_moves_from_the_zone_it_was_written_in() -> None:
    utc_file = reader(time_zone="America/New_York", source="UTC")
    assert utc_file.read("2024-07-01 03:59") == date(2024, 6, 30)
    assert utc_file.read("2024-07-01 04:00") == date(2024, 7, 1)
    assert utc_file.read("2024-01-01 04:30") == date(2023, 12, 31)


def test_an_offset_without_the_accounts_zone_is_refused() -> None:
    with pytest.raises(CellError, match="time_zone must name the account's zone"):
        reader().read("2024-03-01T15:30:00Z")


@pytest.mark.parametrize("text", ["%d/%m/%Y", "%Y%m%d", "%b %d, %Y", "%m-%d-%y", "%Y-%m-%dT%H:%M:%S%z", "%Y-%j"])
def test_formats_that_tell_a_day_pass(text: str) -> None:
    check_format(text)


@pytest.mark.parametrize(
    "text", ["%d/%m", "%Y-%m", "%H:%M", "", "%", "%-d/%m/%Y", "%d %d %Y", "%c", "%d/%m/%Y %Z", "%Q", "\ud800"]
)
def test_formats_that_do_not_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        check_format(text)


@given(st.text(max_size=20))
def test_any_format_is_checked_without_a_crash(text: str) -> None:
    with contextlib.suppress(ValueError):
        check_format(f"%{text}")
        assert DayReader([f"%{text}"], year=None, time_zone="UTC", source_time_zone=None)


@given(st.dates(date(1990, 1, 2), date(2200, 12, 30)), st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"]))
def test_every_day_reads_back(day: date, spelling: str) -> None:
    assert reader().read(day.strftime(spelling)) == day
