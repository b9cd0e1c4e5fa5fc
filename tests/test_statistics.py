"""Error bars against series and densities of states whose answers are known exactly."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.signal import lfilter
from scipy.special import logsumexp

from smbook import statistics
from smbook.statistics import (
    AutocorrelationTime,
    ChainTooShortError,
    Estimate,
    binder_cumulant,
    binned_error,
    integrated_autocorrelation_time,
    jackknife,
    mean,
    reweight,
    reweight_multiple,
)

PHIS = (-0.93, -0.47, -0.2, 0.0, 0.2, 0.47, 0.8, 0.93)


def autoregressive(phi, shape, seed):
    """Stationary series x_t = phi x_{t-1} + noise along the last axis: tau = (1 + phi) / (1 - phi) / 2."""
    noise = np.random.default_rng(seed).normal(size=shape)
    noise[..., 0] /= math.sqrt(1 - phi**2)
    return lfilter([1.0], [1.0, -phi], noise)


def exact_tau(phi):
    return 0.5 * (1 + phi) / (1 - phi)


def honest(pulls, *, bias=0.0):
    """Whether pulls have the mean 0 (up to a bias) and the spread 1 to four standard errors."""
    pulls = np.asarray(pulls)
    low, high = stats.chi2.ppf([3e-5, 1 - 3e-5], pulls.size)
    return abs(pulls.mean()) < bias + 4 / math.sqrt(pulls.size) and low < np.sum(pulls**2) < high


# Estimates


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.45271, 0.00117, "0.4527(12)"),
        (-0.45271, 0.00117, "-0.4527(12)"),
        (0.4527, 0.0996, "0.45(10)"),
        (1.0, 0.0999, "1.00(10)"),
        (12.345, 1.23, "12.3(1.2)"),
        (12.345, 9.96, "12(10)"),
        (1523.4, 87.0, "1523(87)"),
        (15234.0, 873.0, "15230(870)"),
        (0.001, 3.0, "0.0(3.0)"),
        (0.0, 0.02, "0.000(20)"),
        (1.5e9, 2.0e3, "1.5000000(20)e+09"),
        (1.5e-9, 2.0e-11, "1.500(20)e-09"),
        (1.5e300, 2.0e299, "1.50(20)e+300"),
        (1e-310, 2e-312, "1.000(20)e-310"),
        (0.25, 0.0, "0.25(0)"),
        (0.25, math.nan, "0.25(nan)"),
        (0.25, math.inf, "0.25(inf)"),
        (math.nan, 0.1, "nan(0.1)"),
    ],
)
def test_estimate_prints_two_digits_of_its_error(value, error, text):
    assert str(Estimate(value, error)) == repr(Estimate(value, error)) == text
    assert f"{Estimate(value, error):>20}" == text.rjust(20)


@given(st.floats(-1e6, 1e6), st.floats(1e-4, 1e3))
def test_estimate_prints_what_it_holds(value, error):
    number, digits = str(Estimate(value, error)).rstrip(")").split("(")
    decimals = len(number.partition(".")[2])
    shown = float(digits) if "." in digits or not decimals else float(digits) * 10.0**-decimals
    assert shown == pytest.approx(error, rel=0.051)
    assert float(number) == pytest.approx(value, abs=0.051 * error)


def test_estimate_z():
    assert Estimate(1.2, 0.1).z(1.0) == pytest.approx(2)
    assert Estimate(1.0, 0.0).z(1.0) == 0
    assert Estimate(1.0, 0.0).z(2.0) == -math.inf
    assert math.isnan(Estimate(1.0, math.nan).z(0.5))


# Autocorrelation time


@pytest.mark.parametrize("phi", PHIS)
def test_tau_of_autoregressive_series(phi):
    times = [integrated_autocorrelation_time(series) for series in autoregressive(phi, (100, 20_000), 1)]
    assert honest([(time.value - exact_tau(phi)) / time.error for time in times])


@pytest.mark.parametrize(("phi", "n"), [(0.0, 400), (0.8, 2000)])
def test_short_chains_are_not_biased_by_their_own_mean(phi, n):
    times = [integrated_autocorrelation_time(series).value for series in autoregressive(phi, (4000, n), 3)]
    assert np.mean(times) == pytest.approx(exact_tau(phi), rel=0.012)


def sokals_own_rule(series):
    rho = statistics._autocorrelation(series)
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
    np.testing.assert_allclose(statistics._autocorrelation(series), np.array(plain) / plain[0], atol=1e-13)


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
    assert statistics._variance_of_tau(rho, tau, n) == pytest.approx(expected, rel=1e-12)


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


def test_series_that_alternates_for_ever_raises():
    with pytest.raises(ChainTooShortError):
        integrated_autocorrelation_time(np.resize([1.0, -1.0], 10_000))


def test_constant_series_has_no_time_but_a_mean():
    with pytest.raises(ValueError, match=r"constant at 0\.1"):
        integrated_autocorrelation_time(np.full(1000, 0.1))
    assert mean(np.full(1000, 0.1)) == Estimate(0.1, 0.0)
    assert binned_error(np.full(1000, 0.1)).error == 0
    assert binder_cumulant(np.full(1000, -0.7)) == Estimate(pytest.approx(2 / 3), 0.0)


@pytest.mark.parametrize("function", [integrated_autocorrelation_time, mean, binned_error, binder_cumulant])
def test_refuses_what_is_no_series(function):
    good = autoregressive(0, 2000, 1)
    for bad in (3, good.reshape(2, 1000), [], [1.0]):
        with pytest.raises(ValueError, match=r"must (be one-dimensional|hold at least 2)"):
            function(bad)
    for bad in (good > 0, good.astype(complex), good.astype(str), [None, 1.0]):
        with pytest.raises(TypeError, match="must hold real numbers"):
            function(bad)
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="must be finite"):
            function(np.append(good, bad))


@pytest.mark.parametrize("window", [0, -1.0, math.nan])
def test_refuses_a_window_that_is_none(window):
    with pytest.raises(ValueError, match="window must be"):
        integrated_autocorrelation_time(autoregressive(0, 1000, 1), window=window)


@pytest.mark.parametrize("size", [2, 3, 4, 10])
def test_very_short_chains_say_so(size):
    with pytest.raises(ChainTooShortError):
        integrated_autocorrelation_time(np.arange(size) % 2.0 + np.arange(size))


# Errors of means


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


def test_jackknife_of_the_mean_is_the_binned_error():
    series = autoregressive(0.5, 3200, 9)
    np.testing.assert_allclose(jackknife(np.mean, series), binned_error(series), rtol=1e-10)


@pytest.mark.parametrize("n", [65, 1000, 1001])
def test_every_entry_counts_in_uneven_bins(n):
    series = np.arange(n, dtype=float)
    assert jackknife(np.sum, series).value == series.sum()
    lengths = np.bincount(statistics._bins(n, 32))
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


# Reweighting: independent draws from the exact density of states of the 4x4 torus

ENERGY = np.array([-32, -24, -20, -16, -12, -8, -4, 0, 4, 8, 12, 16, 20, 24, 32], dtype=float)
COUNT = np.array([2, 32, 64, 424, 1728, 6688, 13568, 20524, 13568, 6688, 1728, 424, 64, 32, 2], dtype=float)


def boltzmann(beta):
    weights = np.log(COUNT) - beta * ENERGY
    return np.exp(weights - logsumexp(weights))


def exact_energy(beta):
    return boltzmann(beta) @ ENERGY


def exact_variance(beta):
    return boltzmann(beta) @ ENERGY**2 - exact_energy(beta) ** 2


def exact_log_partition(beta):
    return logsumexp(np.log(COUNT) - beta * ENERGY)


def draw(beta, n, seed):
    return np.random.default_rng(seed).choice(ENERGY, size=n, p=boltzmann(beta))


def variance(first, second):
    return second - first**2


def squares(energies):
    return [np.array([energy, energy**2]) for energy in energies]


def test_density_of_states_is_complete():
    assert COUNT.sum() == 2**16
    assert exact_energy(1.0) / 16 == pytest.approx(-1.9971584403, abs=1e-10)


def test_single_histogram_is_the_weighted_mean():
    energy, betas = draw(0.4, 5000, 1), np.array([[0.35, 0.4], [0.43, 0.5]])
    result = reweight(energy, energy**2, beta=0.4, targets=betas)
    for index, beta in np.ndenumerate(betas):
        weights = np.exp(-(beta - 0.4) * energy)
        assert result.value[index] == pytest.approx(weights @ energy**2 / weights.sum(), rel=1e-12)
        assert result.effective[index] == pytest.approx(weights.sum() ** 2 / np.sum(weights**2), rel=1e-12)
        assert result.log_partition[index] == pytest.approx(np.log(weights.mean()), abs=1e-12)
        left_out = jackknife(lambda e, t=beta: np.average(e**2, weights=np.exp(-(t - 0.4) * e)), energy)
        assert result.error[index] == pytest.approx(left_out.error, rel=1e-9)


def test_at_its_own_temperature_reweighting_changes_nothing():
    energy = draw(0.4, 3200, 1)
    result = reweight(energy, energy, beta=0.4, targets=0.4)
    np.testing.assert_allclose([result.value, result.error], binned_error(energy), rtol=1e-10)
    assert result.effective == pytest.approx(3200)
    assert result.log_partition == pytest.approx(0, abs=1e-12)


def test_one_run_is_a_single_histogram():
    energy, betas = draw(0.4, 5000, 1), [0.3, 0.45]
    one = reweight(energy, squares([energy])[0], beta=0.4, targets=betas, function=variance)
    many = reweight_multiple(
        [energy], squares([energy]), betas=[0.4], targets=betas, inefficiencies=[7.0], function=variance
    )
    np.testing.assert_allclose(many, one, rtol=1e-12)


def test_effective_number_tells_when_reweighting_has_gone_too_far():
    energy = draw(0.0, 2000, 3)
    result = reweight(energy, energy, beta=0.0, targets=np.linspace(0.0, 0.8, 9))
    assert (np.diff(result.effective) < 0).all()
    assert result.effective[-1] < 10
    assert abs(result.value[-1] - exact_energy(0.8)) > 1


def test_huge_energies_do_not_overflow():
    energy = 1e6 + 1e3 * np.random.default_rng(1).normal(size=3200)
    result = reweight(energy, energy, beta=1.0, targets=[0.5, 2.0])
    assert np.isfinite(result.value).all()
    assert np.isfinite(result.log_partition).all()
    assert (result.effective >= 1).all()


BETAS = np.array([0.2, 0.35, 0.44, 0.6])
TARGETS = np.array([0.2, 0.28, 0.4, 0.44068679350977147, 0.5, 0.6])


def runs(n, seed, shift=0.0):
    return [draw(beta + shift, n, [seed, k]) for k, beta in enumerate(BETAS)]


def multiple(energies, **options):
    return reweight_multiple(
        energies, squares(energies), betas=BETAS, targets=TARGETS, function=variance, **options
    )


def test_multiple_histograms_reproduce_the_exact_specific_heat_and_energy():
    energies = runs(20_000, 5)
    result = reweight_multiple(energies, energies, betas=BETAS, targets=TARGETS)
    assert (np.abs(result.value - [exact_energy(b) for b in TARGETS]) < 4 * result.error).all()
    assert (result.error < 0.06).all()
    result = multiple(energies)
    assert (np.abs(result.value - [exact_variance(b) for b in TARGETS]) < 4 * result.error).all()
    assert (result.error < 0.5).all()


def test_multiple_histograms_catch_a_sampler_one_percent_too_cold():
    result = multiple(runs(20_000, 5, shift=0.004))
    assert (np.abs(result.value - [exact_variance(b) for b in TARGETS]) > 4 * result.error).any()


def test_error_bars_of_multiple_histograms_are_honest():
    exact = np.array([exact_variance(b) for b in TARGETS])
    results = [multiple(runs(1000, seed)) for seed in range(40)]
    pulls = np.array([(result.value - exact) / result.error for result in results])
    assert all(honest(column) for column in pulls.T)


def test_free_energy_differences_are_exact():
    exact = np.array([exact_log_partition(b) - exact_log_partition(BETAS[0]) for b in TARGETS])
    results = [multiple(runs(1000, seed)) for seed in range(40)]
    found = np.array([result.log_partition for result in results])
    errors = np.array([result.log_partition_error for result in results])
    assert all(honest(column) for column in ((found - exact) / errors)[:, 1:].T)
    spread = found.std(axis=0, ddof=1) / math.sqrt(40)
    assert (np.abs(found.mean(axis=0) - exact)[1:] < 4 * spread[1:]).all()
    assert (spread < 0.02).all()
    assert abs(found[:, 0]).max() < 1e-10
    assert errors[:, 0].max() < 1e-10


def test_partition_functions_solve_the_equations():
    energies = runs(1000, 3)
    slow = np.array([1.0, 2.0, 9.0, 3.0])
    logs = reweight_multiple(
        energies, energies, betas=BETAS, targets=BETAS, inefficiencies=slow
    ).log_partition
    pooled, weight = np.concatenate(energies), np.repeat(1 / slow, 1000)
    denominator = logsumexp(np.log(1000 / slow) - logs - np.outer(pooled, BETAS), axis=1)
    again = [logsumexp(-beta * pooled - denominator, b=weight) for beta in BETAS]
    np.testing.assert_allclose(again, logs, atol=1e-9)


def test_continuous_energies_of_harmonic_modes():
    betas, rng = np.array([1.0, 1.3, 0.8]), np.random.default_rng(12)
    energies = [rng.gamma(10.0, 1 / beta, size=2000) for beta in betas]  # ln Z = -10 ln beta
    targets = np.array([0.9, 1.15])
    result = reweight_multiple(energies, energies, betas=betas, targets=targets)
    assert (np.abs(result.value - 10 / targets) < 4 * result.error).all()
    np.testing.assert_allclose(result.log_partition, -10 * np.log(targets), atol=0.05)


def test_close_energies_are_summed_as_one_without_harm():
    energy = np.random.default_rng(3).gamma(200.0, 1.0, size=50_000)
    betas = np.array([0.9, 1.1])
    levels, _, _ = statistics._levels(energy, 0.2)
    assert levels.size < 3000
    result = reweight(energy, energy, beta=1.0, targets=betas)
    naive = [np.average(energy, weights=np.exp(-(beta - 1) * (energy - 200))) for beta in betas]
    assert (np.abs(result.value - naive) < 1e-3 * result.error).all()
    levels, level, origin = statistics._levels(draw(0.4, 5000, 1), 0.6)
    np.testing.assert_allclose(levels[level] + origin, draw(0.4, 5000, 1), atol=1e-12)


def test_order_of_runs_and_scale_of_inefficiencies_do_not_matter():
    energies, slow = runs(1000, 7), np.array([1.0, 2.0, 5.0, 3.0])
    one = multiple(energies, inefficiencies=slow)
    np.testing.assert_allclose(multiple(energies, inefficiencies=10 * slow), one, rtol=1e-8, atol=1e-8)
    order = [2, 0, 3, 1]
    shuffled = [energies[k] for k in order]
    other = reweight_multiple(
        shuffled,
        squares(shuffled),
        betas=BETAS[order],
        targets=TARGETS,
        inefficiencies=slow[order],
        function=variance,
    )
    np.testing.assert_allclose(other[:3], one[:3], rtol=1e-8)
    np.testing.assert_allclose(np.diff(other.log_partition), np.diff(one.log_partition), atol=1e-9)


def test_two_runs_at_one_temperature_are_one_longer_run():
    halves = [draw(0.4, 2000, 1), draw(0.4, 2000, 2)]
    joint = reweight_multiple(halves, halves, betas=[0.4, 0.4], targets=[0.38])
    long = np.concatenate(halves)
    assert joint.value == pytest.approx(reweight(long, long, beta=0.4, targets=[0.38]).value, rel=1e-10)


def test_a_run_that_hardly_counts_is_left_out():
    energies = runs(1000, 7)
    with_it = multiple(energies, inefficiencies=[1, 1, 1, 1e9])
    without = reweight_multiple(
        energies[:3], squares(energies[:3]), betas=BETAS[:3], targets=TARGETS, function=variance
    )
    np.testing.assert_allclose(with_it.value[:4], without.value[:4], rtol=1e-5)


def test_runs_without_common_energies_are_refused():
    energies = [np.resize([0.0, 1.0, 2.0], 300), np.resize([100.0, 101.0, 102.0], 300)]
    with pytest.raises(ValueError, match=r"beta = \[.\.\d*\] do not overlap with those at \[.\.\d*\]"):
        reweight_multiple(energies, energies, betas=[1.0, 0.1], targets=[0.5])


def test_reweighting_refuses_what_does_not_fit():
    energy = draw(0.4, 100, 1)
    for observable in (energy[1:], energy[:, None], [energy, energy], 1.0):
        with pytest.raises(ValueError, match="observable must have the shape"):
            reweight(energy, observable, beta=0.4, targets=[0.4])
    with pytest.raises(ValueError, match=r"\(k, 100\), for a function"):
        reweight(energy, energy, beta=0.4, targets=[0.4], function=variance)
    with pytest.raises(ValueError, match="beta must be finite"):
        reweight(energy, energy, beta=math.nan, targets=[0.4])
    with pytest.raises(TypeError, match="targets must hold real numbers"):
        reweight(energy, energy, beta=0.4, targets=["0.4"])
    with pytest.raises(ValueError, match="targets must hold at least one"):
        reweight(energy, energy, beta=0.4, targets=[])
    with pytest.raises(ValueError, match="too short for 64 bins"):
        reweight(energy, energy, beta=0.4, targets=[0.4], n_bins=64)
    with pytest.raises(ValueError, match="one a run"):
        reweight_multiple([energy], [energy, energy], betas=[0.4], targets=[0.4])
    with pytest.raises(ValueError, match="inefficiencies must be positive; got 0"):
        reweight_multiple([energy], [energy], betas=[0.4], targets=[0.4], inefficiencies=[0])
    with pytest.raises(ValueError, match="as many observables"):
        reweight_multiple(
            [energy, energy], [[energy], [energy, energy]], betas=[0.4, 0.5], targets=0.4, function=variance
        )
    with pytest.raises(TypeError, match=r"function must return shape \(2,\) for that shape; got \(\)"):
        reweight(energy, [energy], beta=0.4, targets=[0.4, 0.5], function=np.sum)
    with pytest.raises(TypeError, match="energy must hold real numbers"):
        reweight(energy > 0, energy, beta=0.4, targets=[0.4])


def test_arguments_are_left_as_they_were():
    energy = draw(0.4, 5000, 1)
    before = energy.copy()
    integrated_autocorrelation_time(energy)
    mean(energy)
    binned_error(energy)
    binder_cumulant(energy)
    reweight(energy, energy, beta=0.4, targets=[0.5])
    np.testing.assert_array_equal(energy, before)
