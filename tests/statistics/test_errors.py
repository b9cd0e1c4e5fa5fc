"""Error bars cover the exact value as often as they promise."""

import math

import numpy as np
import pytest
from scipy import stats

from smbook.statistics import Estimate, binder_cumulant, binned_error, bootstrap, jackknife, mean
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


def test_bootstrap_of_the_mean_is_the_binned_error():
    """Up to sqrt(1 - 1/B), B = 32 blocks, and the chance of the draws, a fraction 1/sqrt(2 n)."""
    series = autoregressive(0.5, 3200, 9)
    expected = binned_error(series)
    drawn = bootstrap(np.mean, series, n_resamples=4000, rng=1)
    assert drawn.value == expected.value
    assert drawn.error == pytest.approx(math.sqrt(31 / 32) * expected.error, rel=4 / math.sqrt(8000))
    assert drawn.error != pytest.approx(series.std() / math.sqrt(series.size), rel=0.2)


def test_bootstrap_covers_as_the_jackknife_does():
    series = autoregressive(0.8, (400, 4000), 11)
    rng = np.random.default_rng(5)
    expected = ONE_SIGMA_OF_32_BINS - 0.01  # the factor sqrt(31/32)
    assert covers(lambda x: bootstrap(np.mean, x, n_resamples=200, rng=rng), 0, series, expected)
    assert covers(lambda x: bootstrap(np.var, x, n_resamples=100, rng=rng), 1 / 0.36, series, expected)
    ratio = [
        bootstrap(np.var, x, n_resamples=200, rng=rng).error / jackknife(np.var, x).error
        for x in series[:100]
    ]
    assert np.mean(ratio) == pytest.approx(math.sqrt(31 / 32), abs=0.02)


def test_bootstrap_of_a_median_where_the_jackknife_that_leaves_out_one_entry_fails():
    """The median of n exponential waits has the error 1/sqrt(n) and the value ln 2."""
    waits = np.random.default_rng(2).exponential(size=(300, 202))
    rng = np.random.default_rng(3)
    drawn = np.array([bootstrap(np.median, x, n_bins=101, n_resamples=100, rng=rng) for x in waits])
    left = np.array([jackknife(np.median, x, n_bins=101) for x in waits])
    assert drawn[:, 1].mean() == pytest.approx(1 / math.sqrt(202), rel=0.06)
    assert drawn[:, 1].std() < 0.35 * drawn[:, 1].mean()
    assert left[:, 1].std() > 0.45 * left[:, 1].mean()


def test_bootstrap_of_several_series_knows_their_covariance():
    x = autoregressive(0, 3201, 1)
    ratio = bootstrap(lambda a, b: a.mean() / b.mean(), 3 * (x + 5), x + 5, rng=1)
    assert ratio.value == pytest.approx(3)
    assert ratio.error < 1e-14


def test_bootstrap_draws_from_what_it_is_given():
    x = autoregressive(0.3, 1000, 1)
    assert bootstrap(np.mean, x, rng=7) == bootstrap(np.mean, x, rng=7)
    assert bootstrap(np.mean, x, rng=7) != bootstrap(np.mean, x, rng=8)
    assert bootstrap(np.mean, x, rng=2**80).error > 0
    generator, sequence = np.random.default_rng(7), np.random.SeedSequence(7)
    assert bootstrap(np.mean, x, rng=generator) == bootstrap(np.mean, x, rng=sequence)
    assert bootstrap(np.mean, x, rng=generator) != bootstrap(np.mean, x, rng=7)


def test_bootstrap_refuses_before_it_calls():
    x = autoregressive(0, 100, 1)
    with pytest.raises(ValueError, match=r"one length; got \[100, 99\]"):
        bootstrap(np.dot, x, x[1:])
    with pytest.raises(ValueError, match="100 entries is too short for 51 bins"):
        bootstrap(np.mean, x, n_bins=51)
    with pytest.raises(TypeError, match=r"n_bins must be an integer; got 2\.5"):
        bootstrap(np.mean, x, n_bins=2.5)
    with pytest.raises(ValueError, match="n_resamples must be at least 2; got 1"):
        bootstrap(np.mean, x, n_resamples=1)
    with pytest.raises(TypeError, match="bootstrap needs at least one series"):
        bootstrap(np.mean)
    with pytest.raises(TypeError, match="one real number"):
        bootstrap(lambda a: a, x)
    for seed in (1.5, "1", True):
        with pytest.raises(TypeError, match="rng must be an integer, a numpy"):
            bootstrap(np.mean, x, rng=seed)
    with pytest.raises(ValueError, match="rng must be at least 0; got -1"):
        bootstrap(np.mean, x, rng=-1)


def test_binder_cumulant_by_hand():
    m = np.resize([1.0, 0.5, -0.5, -1.0], 640)
    assert binder_cumulant(m).value == pytest.approx(1 - (17 / 32) / (3 * (5 / 8) ** 2))
    assert binder_cumulant(1e-200 * m).value == pytest.approx(binder_cumulant(m).value)
    with pytest.raises(ValueError, match="vanishes"):
        binder_cumulant(np.zeros(640))
