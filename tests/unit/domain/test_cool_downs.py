"""How long a changed budget rests, by platform and size of the change."""

from datetime import date

import pytest

from domain.cool_downs import rests_until
from domain.platforms import Platform

CHANGED = date(2026, 3, 10)


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize("after", [100_000_000, 120_000_000, 80_000_000, 100_010_000])
def test_a_budget_changes_once_a_day(platform: Platform, after: int) -> None:
    assert rests_until(platform, 100_000_000, after, CHANGED) == date(2026, 3, 11)


@pytest.mark.parametrize("after", [120_010_000, 79_990_000, 500_000_000])
@pytest.mark.parametrize(
    ("platform", "until"),
    [
        (Platform.META, date(2026, 3, 17)),
        (Platform.TIKTOK, date(2026, 3, 12)),
        (Platform.GOOGLE, date(2026, 3, 11)),
        (Platform.LINKEDIN, date(2026, 3, 11)),
        (Platform.AMAZON, date(2026, 3, 11)),
        (Platform.MICROSOFT, date(2026, 3, 11)),
    ],
)
def test_beyond_a_fifth_it_rests_while_the_platform_learns(platform: Platform, until: date, after: int) -> None:
    assert rests_until(platform, 100_000_000, after, CHANGED) == until
