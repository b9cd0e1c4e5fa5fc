"""Autocorrelation times against series whose correlations are known exactly."""

import math
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from smbook.statistics import (
    AutocorrelationTime,
    ChainTooShortError,
    Estimate,
    integrated_autocorrelation_time,
    mean,
)
from smbook.statistics.autocorrelation import _autocorrelation, _variance_of_tau
from tests.statistics.series import autoregressive, exact_tau, honest

PHIS = (-0.93, -0.47, -0.2, 0.0, 0.2, 0.47, 0.8, 0.93)


@pytest.mark.parametrize("phi", PHIS)
def test_tau_of_autoregressive_series(phi):
    times = [integrated_autocorrelation_time(series) for series in autoregressive(phi, (100, 20_000), 1)]
    assert honest([(time.value - exact_tau(phi)) / time.error for time in times])


@pytest.mark.parametrize(("phi", "n"), [(0.0, 400), (0.8, 2000)])
def test_short_chains_are_not_biased_by_their_own_mean(phi, n):
    times = [integrated_autocorrelation_time(series).value for series in autoregressive(phi, (4000, n), 3)]
    assert np.mean(times) == pytest.approx(exact_tau(phi), rel=0.012)


def sokals_own_rule(series):
    rho = _autocorrelation(series)
    sums = 0.5 + np.cumsum(rho[1:])
    window = int(np.argmax(np.arange(1, rho.size) >= 5 * sums))
    return float(sums[window])


@pytest.mark.parametrize("phi", [-0.93, -0.47])
def test_sokals_own_rule_fails_where_sweeps_anticorrelate(phi):
    times = [sokals_own_rule(series) for series in autoregressive(phi, (20, 20_000), 1)]
    errors = [integrated_autocorrelation_time(s).error for s in autoregressive(phi, (20, 20_000), 1)]
    assert not honest((np.array(times) - exact_tau(phi)) / errors)


@pytest.mark.parametrize(("a", "b"), [(0.9, -0.5), (-0.9, -0.5), (0.3, 0.5), (0.0, -0.8)])
def test_tau_of_second_order_series(a, b):
    noise = np.random.default_rng(4).normal(size=(50, 21_000))
    series = lfilter([1.0], [1.0, -a, -b], noise)[:, 1000:]
    variance = (1 - b) / ((1 + b) * ((1 - b) ** 2 - a**2))
    exact = 0.5 / (1 - a - b) ** 2 / variance
    times = [integrated_autocorrelation_time(row, window=15) for row in series]
    assert honest([(time.value - exact) / time.error for time in times])


def test_wider_window_finds_slow_mode_behind_an_alternating_one():
    slow, fast = autoregressive(0.95, (20, 200_000), 5), autoregressive(-0.9, (20, 200_000), 6)
    mixed = math.sqrt(0.3 * (1 - 0.95**2)) * slow + math.sqrt(0.7 * (1 - 0.9**2)) * fast
    exact = 0.3 * exact_tau(0.95) + 0.7 * exact_tau(-0.9)
    times = [integrated_autocorrelation_time(row, window=25) for row in mixed]
    assert honest([(time.value - exact) / time.error for time in times])


def test_fft_equals_the_plain_sum_over_pairs():
    series = autoregressive(0.5, 61, 2) + 10
    deviations = series - series.mean()
    plain = [np.mean(deviations[: 61 - t] * deviations[t:]) for t in range(31)]
    np.testing.assert_allclose(_autocorrelation(series), np.array(plain) / plain[0], atol=1e-13)


@pytest.mark.parametrize("window", [1, 2, 7])
def test_variance_is_bartletts_double_sum(window):
    rho = np.concatenate([[1.0], np.random.default_rng(window).uniform(-0.5, 0.5, window)])
    tau, n = 0.5 + rho[1:].sum() - 0.5 * rho[-1], 1000

    def correlation(t):
        return rho[abs(t)] if abs(t) <= window else 0.0

    def weight(t):
        edge = 0.5 if abs(t) == window else 1.0 * (abs(t) < window)
        return edge - 2 * tau * (t == 0)

    lags = range(-window, window + 1)
    sums = [sum(weight(t) * correlation(k - t) for t in lags) for k in range(-2 * window, 2 * window + 1)]
    expected = np.sum(np.square(sums)) / (2 * n)
    assert _variance_of_tau(rho, tau, n) == pytest.approx(expected, rel=1e-12)


def test_error_is_that_of_madras_and_sokal_for_a_wide_window():
    tau = integrated_autocorrelation_time(autoregressive(0.8, 100_000, 3), window=60)
    assert tau.error == pytest.approx(tau.value * math.sqrt(2 * (2 * tau.window + 1) / 100_000), rel=0.02)


@settings(deadline=None, max_examples=25)
@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.integers(0, 2**32))
def test_tau_does_not_depend_on_origin_or_unit(shift, scale, seed):
    series = autoregressive(0.3, 2000, seed)
    one, other = (integrated_autocorrelation_time(x) for x in (series, shift - scale * series))
    assert other.window == one.window
    np.testing.assert_allclose(other, one, rtol=1e-6)


def test_integers_are_a_series_like_any_other():
    spins = np.random.default_rng(0).choice([-1, 1], size=5000).astype(np.int8)
    assert integrated_autocorrelation_time(spins) == integrated_autocorrelation_time(spins.astype(float))


def test_short_chain_raises_and_carries_its_estimate():
    series = autoregressive(0.98, 2000, 8)
    with pytest.raises(ChainTooShortError, match="2000 entries are too few") as caught:
        integrated_autocorrelation_time(series)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value.estimate, AutocorrelationTime)
    assert 5 < caught.value.estimate.value < 100
    assert f"tau = {Estimate(*caught.value.estimate[:2])}" in str(caught.value)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.estimate) == (str(caught.value), caught.value.estimate)
    with pytest.raises(ChainTooShortError):
        mean(series)


def is_long_enough(series):
    try:
        integrated_autocorrelation_time(series)
    except ChainTooShortError:
        return False
    return True


@pytest.mark.parametrize("phi", [-0.8, 0.8])
def test_chain_is_long_enough_at_a_hundred_decay_times(phi):
    decay = exact_tau(0.8)
    assert all(is_long_enough(series) for series in autoregressive(phi, (40, int(300 * decay)), 1))
    assert not any(is_long_enough(series) for series in autoregressive(phi, (40, int(30 * decay)), 1))


def advised(phi, n, window, seed):
    """Return how many entries a series of n is told to have, or n if it will do."""
    try:
        integrated_autocorrelation_time(autoregressive(phi, n, seed), window=window)
    except ChainTooShortError as error:
        return int(re.search(r"take at least (\d+)", str(error))[1])
    return n


@pytest.mark.parametrize("phi", [-0.8, 0.8])
@pytest.mark.parametrize("window", [5, 40, 80])
def test_the_length_that_is_advised_is_enough(phi, window):
    """The decay time of a short series is guessed too low at times: advice is taken twice."""
    lengths, enough = [advised(phi, 150, window, seed) for seed in range(20)], []
    for seed, length in enumerate(lengths):
        assert length > 150
        again = advised(phi, length, window, 100 + seed)
        enough.append(advised(phi, again, window, 200 + seed) == again)
    assert np.median(lengths) > 0.5 * max(100, 6 * window) * exact_tau(abs(phi))
    assert sum(enough) >= 13


@pytest.mark.parametrize("period", [[1.0, -1.0], [1.0, 2.0, 5.0], np.sin(np.arange(63) / 10)])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_no_length_is_advised_to_a_series_that_repeats_itself(period, noise):
    series = np.resize(period, 10_000) + noise * autoregressive(0.0, 10_000, 1)
    with pytest.raises(ChainTooShortError, match="no length will do") as caught:
        integrated_autocorrelation_time(series)
    assert "take at least" not in str(caught.value)


@pytest.mark.parametrize(
    "series", [np.arange(3000.0), np.cumsum(autoregressive(0.0, 3000, 1)), np.arange(5) % 2]
)
def test_what_is_slow_or_short_is_not_said_to_repeat_itself(series):
    with pytest.raises(ChainTooShortError, match="take at least"):
        integrated_autocorrelation_time(series)


@pytest.mark.parametrize("window", [0, -1.0, math.nan])
def test_refuses_a_window_that_is_none(window):
    with pytest.raises(ValueError, match="window must be"):
        integrated_autocorrelation_time(autoregressive(0, 1000, 1), window=window)


@pytest.mark.parametrize("size", [2, 3, 4, 10])
def test_very_short_chains_say_so(size):
    with pytest.raises(ChainTooShortError):
        integrated_autocorrelation_time(np.arange(size) % 2.0 + np.arange(size))
