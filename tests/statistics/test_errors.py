"""Error bars cover the exact value as often as they promise."""

import math

import numpy as np
import pytest
from scipy import stats

from smbook.statistics import Estimate, binder_cumulant, binned_error, jackknife, mean
from smbook.statistics._series import bins_of
from tests.statistics.series import autoregressive


def naive_error(series):
    return Estimate(series.mean(), series.std() / math.sqrt(series.size))


def covers(estimator, exact, series, expected):
    """Whether one error bar covers the exact value as often as it should, within four binomial errors."""
    hits = np.mean([abs(estimator(row).z(exact)) < 1 for row in series])
    return abs(hits - expected) < 4 * math.sqrt(expected * (1 - expected) / len(series))


ONE_SIGMA = stats.norm.cdf(1) - stats.norm.cdf(-1)
ONE_SIGMA_OF_32_BINS = stats.t.cdf(1, 31) - stats.t.cdf(-1, 31)


@pytest.mark.parametrize("phi", [-0.8, 0.0, 0.8])
def test_error_bars_cover(phi):
    series = autoregressive(phi, (400, 4000), 11)
    assert covers(mean, 0, series, ONE_SIGMA)
    assert covers(binned_error, 0, series, ONE_SIGMA_OF_32_BINS)
    assert covers(lambda x: jackknife(np.var, x), 1 / (1 - phi**2), series, ONE_SIGMA_OF_32_BINS)
    assert covers(binder_cumulant, 0, series, ONE_SIGMA_OF_32_BINS)


@pytest.mark.parametrize("phi", [-0.8, 0.8])
def test_error_bars_that_ignore_correlations_do_not_cover(phi):
    assert not covers(naive_error, 0, autoregressive(phi, (400, 4000), 11), ONE_SIGMA)


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_coverage_catches_error_bars_that_are_a_third_off(factor):
    series = autoregressive(0.8, (400, 4000), 11)
    assert not covers(lambda x: Estimate(mean(x).value, factor * mean(x).error), 0, series, ONE_SIGMA)


def test_bins_see_a_weak_trend_that_the_autocorrelation_time_does_not():
    noise = autoregressive(0, 100_000, 1)
    series = noise + np.linspace(-0.1, 0.1, noise.size)
    assert mean(series).error == pytest.approx(mean(noise).error, rel=0.03) == pytest.approx(0.0032, rel=0.03)
    assert binned_error(noise).error == pytest.approx(0.0032, rel=0.4)
    assert binned_error(series).error == pytest.approx(0.011, rel=0.1)


def test_jackknife_of_the_mean_is_the_binned_error():
    series = autoregressive(0.5, 3200, 9)
    np.testing.assert_allclose(jackknife(np.mean, series), binned_error(series), rtol=1e-10)


@pytest.mark.parametrize("n", [65, 1000, 1001])
def test_every_entry_counts_in_uneven_bins(n):
    series = np.arange(n, dtype=float)
    assert jackknife(np.sum, series).value == series.sum()
    lengths = np.bincount(bins_of(n, 32))
    assert lengths.size == 32
    assert np.ptp(lengths) <= 1


def test_jackknife_of_several_series_knows_their_covariance():
    x = autoregressive(0, 3200, 1)
    ratio = jackknife(lambda a, b: a.mean() / b.mean(), 3 * (x + 5), x + 5)
    assert ratio.value == pytest.approx(3)
    assert ratio.error < 1e-14


def test_jackknife_refuses_before_it_calls():
    x = autoregressive(0, 100, 1)
    with pytest.raises(ValueError, match=r"one length; got \[100, 99\]"):
        jackknife(np.dot, x, x[1:])
    with pytest.raises(ValueError, match="100 entries is too short for 51 bins"):
        jackknife(np.mean, x, n_bins=51)
    with pytest.raises(ValueError, match="n_bins must be at least 2; got 1"):
        binned_error(x, n_bins=1)
    with pytest.raises(TypeError, match=r"n_bins must be an integer; got 2\.5"):
        jackknife(np.mean, x, n_bins=2.5)
    with pytest.raises(TypeError, match="at least one series"):
        jackknife(np.mean)
    with pytest.raises(TypeError, match="one real number"):
        jackknife(lambda a: a, x)


def test_binder_cumulant_by_hand():
    m = np.resize([1.0, 0.5, -0.5, -1.0], 640)
    assert binder_cumulant(m).value == pytest.approx(1 - (17 / 32) / (3 * (5 / 8) ** 2))
    assert binder_cumulant(1e-200 * m).value == pytest.approx(binder_cumulant(m).value)
    with pytest.raises(ValueError, match="vanishes"):
        binder_cumulant(np.zeros(640))
