"""The fit: what it recovers, what it leans on when data say little, and what must not fool it."""

from collections.abc import Sequence

import numpy as np
import pytest

from domain.platforms import Platform
from domain.rebalancing.curves import Floats
from domain.rebalancing.history import HistoryPanel
from domain.rebalancing.responses import FittedResponses, fit_responses

_DAYS = 84


def _panel(spend: Floats, revenue: Floats) -> HistoryPanel:
    return HistoryPanel(spend, revenue, (spend > 0.0).astype(np.float64), np.arange(spend.shape[1]) % 7)


def _fit(spend: Floats, revenue: Floats, platforms: Sequence[Platform] | None = None) -> FittedResponses:
    fit = fit_responses(_panel(spend, revenue), platforms or [Platform.META] * spend.shape[0])
    assert fit is not None
    return fit


def _hill(spend: Floats, k: Floats, roas: float = 2.0, reference: float = 100.0) -> Floats:
    ratio = spend / reference
    return np.asarray(reference * roas * ratio * (k[:, None] + 1.0) / (k[:, None] + ratio))


def test_curves_are_recovered_where_spend_was_varied() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0.25, 4.0], 10)
    spend = 100.0 * np.exp(rng.normal(0.0, 0.6, (20, _DAYS)))
    fit = _fit(spend, _hill(spend, truth) * rng.gamma(25.0, 1 / 25.0, spend.shape))
    at_reference = np.exp(fit.log_half_point) * fit.reference / 100.0
    assert float(np.median(at_reference[:10])) == pytest.approx(0.25, rel=0.25)
    assert float(np.median(at_reference[10:])) == pytest.approx(4.0, rel=0.35)
    assert np.all(fit.evidence > 0.5)


def test_a_campaign_whose_spend_never_varied_takes_its_platforms_curve_with_a_wide_spread() -> None:
    rng = np.random.default_rng(1)
    spend = 100.0 * np.exp(rng.normal(0.0, 0.6, (17, _DAYS)))
    spend[16] = 100.0
    platforms = [Platform.META] * 8 + [Platform.TIKTOK] * 8 + [Platform.TIKTOK]
    truth = np.array([0.3] * 8 + [4.0] * 8 + [4.0])
    fit = _fit(spend, _hill(spend, truth) * rng.gamma(25.0, 1 / 25.0, spend.shape), platforms)
    assert fit.evidence[16] == pytest.approx(0.0, abs=1e-9)
    assert fit.log_half_point[16] > 0.41  # above the prior, towards the other campaigns of its platform
    assert fit.log_half_point_sd[16] > 2 * float(fit.log_half_point_sd[:16].max())


def test_a_weekday_on_which_both_spend_and_demand_are_high_says_nothing_about_the_curve() -> None:
    weekday = np.arange(_DAYS) % 7
    spend = np.tile(np.where(weekday >= 5, 200.0, 100.0), (6, 1))
    revenue = spend * 2.0 * np.where(weekday >= 5, 1.5, 1.0)
    fit = _fit(spend, revenue)
    assert fit.evidence == pytest.approx(np.zeros(6), abs=1e-9)
    assert fit.log_half_point == pytest.approx(np.full(6, 0.41), abs=1e-6)


def test_the_weekday_profile_is_found_and_evened_out_of_the_level() -> None:
    weekday = np.arange(_DAYS) % 7
    spend = np.full((6, _DAYS), 100.0)
    profile = np.array([1.3, 1.1, 1.0, 1.0, 0.9, 0.8, 0.9])
    rng = np.random.default_rng(2)
    fit = _fit(spend, spend * 2.0 * profile[weekday] * rng.gamma(100.0, 0.01, spend.shape))
    assert fit.weekday.mean(axis=0) == pytest.approx(profile, abs=0.05)
    assert fit.weekday.mean(axis=1) == pytest.approx(np.ones(6))
    assert np.exp(fit.log_roas) == pytest.approx(np.full(6, 2.0), rel=0.05)


def test_few_noisy_days_are_drawn_to_the_others_and_many_are_not() -> None:
    rng = np.random.default_rng(3)
    spend = np.full((12, _DAYS), 100.0)
    revenue = spend * 2.0 * rng.gamma(4.0, 0.25, spend.shape)
    spend[0, 5:], revenue[0, 5:] = 0.0, 0.0
    revenue[0, :5], revenue[1] = 600.0, revenue[1] * 3.0
    fit = _fit(spend, revenue)
    few, many = float(np.exp(fit.log_roas[0])), float(np.exp(fit.log_roas[1]))
    assert 2.0 < few < 5.5
    assert many == pytest.approx(6.0, rel=0.15)
    assert fit.log_roas_sd[0] > 2 * fit.log_roas_sd[1]


def test_days_without_a_sale_are_data_like_any_other() -> None:
    rng = np.random.default_rng(4)
    spend = np.full((8, _DAYS), 100.0)
    revenue = rng.poisson(0.5, spend.shape) * 400.0  # six days in ten without any
    assert np.exp(_fit(spend, revenue).log_roas).mean() == pytest.approx(2.0, rel=0.12)


def test_one_extraordinary_day_hardly_moves_a_level() -> None:
    rng = np.random.default_rng(6)
    spend = np.full((6, _DAYS), 100.0)
    revenue = spend * 2.0 * rng.gamma(25.0, 1 / 25.0, spend.shape)
    revenue[0, 40] *= 50.0  # alone it lifts the plain mean by 58 %
    assert float(np.exp(_fit(spend, revenue).log_roas[0])) == pytest.approx(2.0, rel=0.10)


def test_the_fit_ignores_the_size_of_the_currency() -> None:
    rng = np.random.default_rng(5)
    spend = 100.0 * np.exp(rng.normal(0.0, 0.3, (5, _DAYS)))
    revenue = spend * 2.0 * rng.gamma(9.0, 1 / 9.0, spend.shape)
    small, large = _fit(spend, revenue), _fit(spend * 1e6, revenue * 1e6)
    assert large.log_roas == pytest.approx(small.log_roas, rel=1e-9)
    assert large.log_half_point == pytest.approx(small.log_half_point, rel=1e-9)


def test_without_any_revenue_there_is_nothing_to_fit() -> None:
    spend = np.full((2, _DAYS), 100.0)
    assert fit_responses(_panel(spend, np.zeros_like(spend)), [Platform.META] * 2) is None
