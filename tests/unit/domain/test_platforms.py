"""What each platform accepts as a daily budget."""

import pytest

from domain.platforms import Platform, limits


@pytest.mark.parametrize(
    ("platform", "currency", "least", "step"),
    [
        (Platform.META, "USD", 1_000_000, 10_000),
        (Platform.META, "HUF", 1_000_000, 1_000_000),
        (Platform.GOOGLE, "USD", 1_000_000, 10_000),
        (Platform.TIKTOK, "USD", 50_000_000, 10_000),
        (Platform.LINKEDIN, "USD", 10_000_000, 10_000),
        (Platform.AMAZON, "USD", 1_000_000, 10_000),
        (Platform.MICROSOFT, "USD", 50_000, 10_000),
        (Platform.MICROSOFT, "KWD", 50_000, 1_000),
        (Platform.MICROSOFT, "JPY", 1_000_000, 1_000_000),
    ],
)
def test_the_least_daily_budget_and_its_step(platform: Platform, currency: str, least: int, step: int) -> None:
    found = limits(platform, currency)
    assert (found.min_daily_micros, found.step_micros) == (least, step)


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize("currency", ["USD", "EUR", "JPY", "KWD", "HUF"])
def test_the_least_budget_is_a_whole_number_of_steps(platform: Platform, currency: str) -> None:
    found = limits(platform, currency)
    assert found.min_daily_micros > 0
    assert found.min_daily_micros % found.step_micros == 0
