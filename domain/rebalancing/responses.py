"""Fits one saturating response per campaign, each leaning on its platform and all on each other. Must not allocate.

The model, per campaign i and day t, all campaigns at once:

    E[revenue] = roas_i * reference_i * hill(spend / reference_i; k_i) * weekday_i(t)

with variance in proportion to the mean (quasi-Poisson), so that days without a sale are data like any other. Three
layers of empirical Bayes keep noise from becoming a recommendation:

- log k_i, how far from saturation, is drawn to its platform's mean and that to the mean of all; a campaign whose spend
  never varied says nothing about its curve and takes the mean with the full spread;
- log roas_i is drawn to its platform's mean by its own standard error;
- the weekday profile is drawn to the platform's and that to flat.

Only spend differences within the same weekday inform the curve: on Mondays both spend and demand may be high, and that
says nothing about the next unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.platforms import Platform
from domain.rebalancing.curves import Floats
from domain.rebalancing.history import HistoryPanel

#: Before any data: an elasticity of 0.6 at the usual spend (log k = 0.41), between 0.29 and 0.85 in nine of ten cases.
_PRIOR_LOG_K: Final = 0.41
_PRIOR_SPREAD: Final = 0.8
#: How many campaigns' worth of evidence that prior, and each platform's link to the mean of all, carries.
_PRIOR_CAMPAIGNS: Final = 4.0
_LOG_K_RANGE: Final = (-3.0, 3.0)
_ROUNDS: Final = 25
#: Residuals past this many standard deviations are cut to it: one bulk order must not move a budget.
_RESIDUAL_CUT: Final = 4.0
_WEEKDAY_SPREAD: Final = 0.10
_PRIOR_NOISE: Final = 0.5
_PRIOR_NOISE_DAYS: Final = 3.0
_PRIOR_ROAS_SPREAD: Final = 0.5
#: No level is known better than this, however many days: what a platform attributes drifts.
_LEVEL_FLOOR: Final = 0.03
_DAYS_PER_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class FittedResponses:
    """Posterior of n campaigns' curves. Arrays have shape (n,) but for `weekday`.

    Attributes:
        reference: usual daily spend, account units, > 0.
        log_roas, log_roas_sd: revenue per unit at the reference, late revenue included, averaged over the week.
        log_half_point, log_half_point_sd: log k of the Hill curve.
        weekday: shape (n, 7), Monday first, mean 1 over the week.
        evidence: share (0..1) of what is said about the curve that comes from the campaign's own days.
    """

    reference: Floats
    log_roas: Floats
    log_roas_sd: Floats
    log_half_point: Floats
    log_half_point_sd: Floats
    weekday: Floats
    evidence: Floats


@dataclass(slots=True)
class _State:
    """What a round of the fit improves; shapes as in FittedResponses. `membership` (platforms, n) is zeros and ones."""

    membership: Floats
    reference: Floats
    roas: Floats
    log_k: Floats
    weekday: Floats
    noise: Floats
    prior_mean: Floats
    prior_var: float
    information: Floats
    autocorrelation: float


@dataclass(frozen=True, slots=True)
class _Days:
    """The panel with its weekday indicator, shape (T, 7)."""

    spend: Floats
    revenue: Floats
    weight: Floats
    weekday: NDArray[np.intp]
    indicator: Floats

    def by_weekday(self, values: Floats) -> Floats:
        """Sums of an (n, T) array over each weekday, shape (n, 7)."""
        return np.asarray(values @ self.indicator, dtype=np.float64)


def fit_responses(panel: HistoryPanel, platforms: Sequence[Platform]) -> FittedResponses | None:
    """Fit all campaigns of a panel (each with a day of spend); None if none of them ever had revenue."""
    if not np.any(panel.revenue * panel.weight > 0.0):
        return None
    days = _Days(panel.spend, panel.revenue, panel.weight, panel.weekday, np.eye(_DAYS_PER_WEEK)[panel.weekday])
    state = _start(days, platforms)
    for _ in range(_ROUNDS):
        _improve(state, days)
    log_roas, log_roas_sd = _shrink_levels(state, days)
    precision = state.information + 1.0 / state.prior_var
    return FittedResponses(
        reference=state.reference,
        log_roas=log_roas,
        log_roas_sd=log_roas_sd,
        log_half_point=state.log_k,
        log_half_point_sd=1.0 / np.sqrt(precision),
        weekday=state.weekday,
        evidence=state.information / precision,
    )


def _start(days: _Days, platforms: Sequence[Platform]) -> _State:
    """Prior means, flat weeks, plain ROAS."""
    known = sorted(set(platforms), key=lambda platform: platform.value)
    membership = np.array([[float(platform is member) for member in platforms] for platform in known])
    total = days.weight.sum(axis=1)
    logs = np.log(np.where(days.spend > 0.0, days.spend, 1.0))
    reference = np.exp((days.weight * logs).sum(axis=1) / total)
    count = len(platforms)
    return _State(
        membership=membership,
        reference=reference,
        roas=_raw_roas(days, days.spend, reference),
        log_k=np.full(count, _PRIOR_LOG_K),
        weekday=np.ones((count, _DAYS_PER_WEEK)),
        noise=np.full(count, _PRIOR_NOISE),
        prior_mean=np.full(count, _PRIOR_LOG_K),
        prior_var=_PRIOR_SPREAD**2,
        information=np.zeros(count),
        autocorrelation=0.0,
    )


def _raw_roas(days: _Days, base: Floats, reference: Floats) -> Floats:
    """Revenue per unit of `base` (n, T), with half a usual day at the mean of all so that it is never zero."""
    earned, spent = (days.weight * days.revenue).sum(axis=1), (days.weight * base).sum(axis=1)
    mean = float(np.mean(earned / spent))
    return np.asarray((earned + 0.5 * reference * mean) / (spent + 0.5 * reference), dtype=np.float64)


def _improve(state: _State, days: _Days) -> None:
    """One round: residuals, then noise, level, week and curve in turn."""
    k = np.exp(state.log_k)[:, None]
    ratio = days.spend / state.reference[:, None]
    flat = state.reference[:, None] * ratio * (k + 1.0) / (k + ratio)
    base = flat * state.weekday[:, days.weekday]
    expected = np.where(days.weight > 0.0, state.roas[:, None] * base, 1.0)
    usual = (days.weight * expected).sum(axis=1) / days.weight.sum(axis=1)
    importance = days.weight * expected / usual[:, None]
    residual = np.where(days.weight > 0.0, days.revenue / expected - 1.0, 0.0)
    cut = _RESIDUAL_CUT * state.noise[:, None] * np.sqrt(usual[:, None] / expected)
    residual = np.clip(residual, -cut, cut)
    _update_noise(state, importance, residual)
    _update_curve(state, days, (k, ratio), (importance, residual))
    cleaned = expected * (1.0 + residual)
    _update_weekday(state, days, flat, cleaned)
    state.roas = _level(days, cleaned, flat * state.weekday[:, days.weekday], state.reference)


def _level(days: _Days, revenue: Floats, base: Floats, reference: Floats) -> Floats:
    return _raw_roas(_Days(days.spend, revenue, days.weight, days.weekday, days.indicator), base, reference)


def _update_noise(state: _State, importance: Floats, residual: Floats) -> None:
    """A day's relative spread, drawn to the middle of all; and how much neighbouring days repeat each other."""
    squares, total = (importance * residual**2).sum(axis=1), importance.sum(axis=1)
    free = np.maximum(total - 2.0, 0.0)
    pooled = (squares.sum() + _PRIOR_NOISE_DAYS * _PRIOR_NOISE**2) / (free.sum() + _PRIOR_NOISE_DAYS)
    state.noise = np.sqrt((squares + _PRIOR_NOISE_DAYS * pooled) / (free + _PRIOR_NOISE_DAYS))
    pairs = np.sqrt(importance[:, 1:] * importance[:, :-1])
    both = (pairs * residual[:, 1:] * residual[:, :-1]).sum()
    state.autocorrelation = float(np.clip(both / (squares.sum() + 1e-12), 0.0, 0.6))


def _inflation(state: _State) -> float:
    """By how much repeated days overstate what is known (variance of a mean under first-order autocorrelation)."""
    return (1.0 + state.autocorrelation) / (1.0 - state.autocorrelation)


def _update_curve(state: _State, days: _Days, shape: tuple[Floats, Floats], errors: tuple[Floats, Floats]) -> None:
    """One damped Newton step on log k, then the means and the spread it is drawn to."""
    k, ratio = shape
    importance, residual = errors
    gradient = k / (k + 1.0) - k / (k + ratio)
    counts = days.by_weekday(importance)
    mean = days.by_weekday(importance * gradient) / np.where(counts > 0.0, counts, 1.0)
    centred = gradient - mean[:, days.weekday]
    variance = state.noise**2 * _inflation(state)
    state.information = (importance * centred**2).sum(axis=1) / variance
    score = (importance * centred * residual).sum(axis=1) / variance
    precision = state.information + 1.0 / state.prior_var
    step = (score + (state.prior_mean - state.log_k) / state.prior_var) / precision
    state.log_k = np.clip(state.log_k + np.clip(step, -0.7, 0.7), *_LOG_K_RANGE)
    _update_prior(state, precision)


def _update_prior(state: _State, precision: Floats) -> None:
    """Move the platforms' means and the common spread towards what the campaigns say, each by its own evidence."""
    evidence = state.information / precision
    pull = state.log_k - state.prior_mean + evidence * state.prior_mean  # evidence times each campaign's own estimate
    overall = (pull.sum() + _PRIOR_CAMPAIGNS * _PRIOR_LOG_K) / (evidence.sum() + _PRIOR_CAMPAIGNS)
    platform = (state.membership @ pull + _PRIOR_CAMPAIGNS * overall) / (state.membership @ evidence + _PRIOR_CAMPAIGNS)
    state.prior_mean = state.membership.T @ platform
    spread = evidence * ((state.log_k - state.prior_mean) ** 2 + 1.0 / precision)
    state.prior_var = float((spread.sum() + _PRIOR_CAMPAIGNS * _PRIOR_SPREAD**2) / (evidence.sum() + _PRIOR_CAMPAIGNS))


def _update_weekday(state: _State, days: _Days, flat: Floats, cleaned: Floats) -> None:
    """The week's profile: each campaign's ratios drawn to its platform's, those to flat (gamma-Poisson means)."""
    usual = state.roas * state.reference
    expected = days.by_weekday(days.weight * flat) * state.roas[:, None] / usual[:, None]
    actual = days.by_weekday(days.weight * cleaned) / usual[:, None]
    strength = (state.noise**2 / _WEEKDAY_SPREAD**2)[:, None]
    pooled_strength = float(np.mean(strength))
    platform = (state.membership @ actual + pooled_strength) / (state.membership @ expected + pooled_strength)
    profile = (actual + strength * (state.membership.T @ platform)) / (expected + strength)
    state.weekday = profile / profile.mean(axis=1, keepdims=True)


def _shrink_levels(state: _State, days: _Days) -> tuple[Floats, Floats]:
    """Log ROAS and its standard deviation, drawn to the platform's mean, that to the mean of all."""
    own = np.log(state.roas)
    error = state.noise**2 * _inflation(state) / days.weight.sum(axis=1)
    overall = float(np.average(own, weights=1.0 / (error + _PRIOR_ROAS_SPREAD**2)))
    excess = np.maximum((own - overall) ** 2 - error, 0.0).sum()
    between = (excess + _PRIOR_CAMPAIGNS * _PRIOR_ROAS_SPREAD**2) / (own.size + _PRIOR_CAMPAIGNS)
    weight = 1.0 / (error + between)
    weights = state.membership * weight
    prior_weight = 1.0 / between
    platform = (weights @ own + prior_weight * overall) / (weights.sum(axis=1) + prior_weight)
    mean = state.membership.T @ platform
    trust = between / (between + error)
    return mean + trust * (own - mean), np.sqrt(trust * error + _LEVEL_FLOOR**2)
