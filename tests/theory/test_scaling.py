"""Scaling laws of least squares: exact moments, the typical error beside exact and measured ones, limits."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.regression import linear_examples, ridge, stream_least_squares
from smbook.theory import scaling
from smbook.theory.regression import ridge_risk, ridgeless_risk

SPECTRUM, TARGET = 1.5, 2.0  # a and b
D = 60
VARIANCES = scaling.power_law(D, SPECTRUM)
BETA = scaling.power_law(D, (TARGET - SPECTRUM) / 2)


def measured(n, penalty, noise, n_runs, rng):
    """Return mean and error of what ridge gets wrong on new examples."""
    found = []
    for _ in range(n_runs):
        examples = linear_examples(n, D, spectrum=VARIANCES, coefficients=BETA, noise=noise, rng=rng)
        found.append(VARIANCES @ (ridge(examples.inputs, examples.targets, penalty) - BETA) ** 2)
    return np.mean(found), np.std(found, ddof=1) / math.sqrt(n_runs)


# The effective penalty and the typical error


@given(
    st.integers(1, 80),
    st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=40),
    st.one_of(st.just(0.0), st.floats(1e-6, 1e6)),
)
@settings(max_examples=200, deadline=None)
def test_the_effective_penalty_solves_its_equation(n, spectrum, penalty):
    kappa = scaling.effective_penalty(n, spectrum, penalty)
    variances = np.array(spectrum)
    if penalty == 0 and n >= variances.size:
        assert kappa == 0
    else:
        assert penalty / kappa + (variances / (variances + kappa)).sum() == pytest.approx(n, rel=1e-9)
        assert kappa >= penalty / n * (1 - 1e-9)


@pytest.mark.parametrize(
    ("n", "spectrum", "penalty"),
    [(10, [1.0] * 10, 1e-30), (100, [1.0], 1e-12), (1, [1.0, 1e-50], 0.0), (2, [1.0, 1e-40, 1e-9], 1e-70)],
)
def test_small_penalties_keep_their_digits(n, spectrum, penalty):
    """Against the two formulas in 120 digits; in floats 1 - 1e-25 is 1."""
    with mp.workdps(120):
        variances = [mp.mpf(v) for v in spectrum]

        def excess(log_kappa):
            k = mp.exp(log_kappa)
            return penalty / k + sum(v / (v + k) for v in variances) - n

        kappa = mp.exp(mp.findroot(excess, (-120, 1), solver="anderson", tol=1e-90, maxsteps=900))
        share = sum((v / (v + kappa)) ** 2 for v in variances) / n
        missed = kappa**2 * sum(v / (v + kappa) ** 2 for v in variances)
        exact = [
            float(kappa),
            float((missed + share * mp.mpf(0.01)) / (1 - share)),
            float(missed / (1 - share)),
        ]
    ones = np.ones(len(spectrum))
    found = [scaling.effective_penalty(n, spectrum, penalty)] + [
        scaling.ridge_error(n, spectrum, ones, penalty=penalty, noise=noise) for noise in (0.1, 0.0)
    ]
    assert found == pytest.approx(exact, rel=1e-11)


def test_equal_variances_are_those_of_marchenko_and_pastur_with_corrections_of_one_over_n():
    shares = []
    for n in (40, 80, 160):
        d, penalty = n // 2, n / 20
        exact = ridge_risk(n, d, penalty, noise=0.5)
        typical = scaling.ridge_error(n, np.ones(d), np.full(d, d**-0.5), penalty=penalty, noise=0.5)
        shares.append(n * (exact / typical - 1))
    assert 0.9 < shares[0] < 1.2
    assert shares[0] == pytest.approx(shares[2], rel=0.05)  # so the difference goes as 1 / n


def test_without_a_penalty_the_exact_values_are_near():
    n = np.array([30, 90, 200])
    exact = ridgeless_risk(n, 60, noise=0.5)
    typical = scaling.ridge_error(n, np.ones(60), np.full(60, 60**-0.5), noise=0.5)
    assert typical == pytest.approx(exact, rel=0.05)
    assert typical[1] == pytest.approx(0.25 * 60 / 30, rel=1e-12)
    assert scaling.ridge_error(60, VARIANCES, BETA, noise=1.0) == math.inf
    assert scaling.ridge_error(60, VARIANCES, BETA) == 0


@pytest.mark.parametrize(("n", "penalty", "noise"), [(20, 0.0, 0.0), (40, 0.4, 0.1), (120, 6.0, 0.5)])
def test_the_typical_error_is_measured(n, penalty, noise):
    """Within the share of 3 / n that finite size takes, on ten seeds' worth of runs; kappa counts."""
    value, error = measured(n, penalty, noise, 300, np.random.default_rng(n))
    typical = scaling.ridge_error(n, VARIANCES, BETA, penalty=penalty, noise=noise)
    assert abs(value - typical) < 4 * error + 3 / n * typical
    kappa = penalty / n  # the penalty that one would put in without that of few examples
    naive = float((VARIANCES * BETA**2 * (kappa / (VARIANCES + kappa)) ** 2).sum())
    assert abs(value - naive) > 4 * error + 3 / n * typical


def test_more_of_the_same_scale_changes_nothing():
    n = [10, 50, 100]
    plain = scaling.ridge_error(n, VARIANCES, BETA, penalty=2.0, noise=0.3)
    scaled = scaling.ridge_error(n, 9 * VARIANCES, BETA / 3, penalty=18.0, noise=0.3)
    assert scaled == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize(("a", "b", "n"), [(1.5, 2.0, 100), (2.0, 1.8, 100), (2.0, 9.0, 100)])
def test_errors_fall_with_the_examples_as_the_exponents_say(a, b, n):
    variances, beta = scaling.power_law(30_000, a), scaling.power_law(30_000, (b - a) / 2)
    first, second = scaling.ridge_error([n, 2 * n], variances, beta)
    assert math.log2(first / second) == pytest.approx(scaling.scaling_exponents(a, b).samples, rel=0.03)


def test_noisy_examples_are_worth_less():
    variances, beta = scaling.power_law(30_000, 1.5), scaling.power_law(30_000, 0.25)
    penalties = np.geomspace(0.3, 300, 40)
    table = [scaling.ridge_error([500, 5000], variances, beta, penalty=p, noise=1.0) for p in penalties]
    first, second = np.min(table, axis=0)
    assert 0 < np.argmin(table, axis=0).min() < np.argmin(table, axis=0).max() < 39
    assert math.log10(first / second) == pytest.approx(
        scaling.scaling_exponents(1.5, 2.0).noisy_samples, rel=0.04
    )


# Steps along single examples


def test_mean_errors_of_single_examples_are_exact():
    """Ten runs a seed on ten seeds; without the fourth moment of the features the mean is missed."""
    variances, beta = np.array([1.0, 0.5, 0.25, 0.1]), np.array([1.0, -1.0, 2.0, 0.5])
    rate, noise, n_runs = 0.3, 0.4, 4000
    steps = np.array([5, 10, 20, 40])
    exact = scaling.online_error(steps, variances, beta, rate=rate, noise=noise)
    found = stream_least_squares(variances, beta, 40, rate=rate, noise=noise, n_runs=n_runs, every=5, rng=1)
    sample = found.errors[:, steps // 5]
    error = sample.std(axis=0, ddof=1) / math.sqrt(n_runs)
    assert (np.abs(sample.mean(axis=0) - exact) < 4 * error).all()
    c, wrong = beta**2, []
    for step in range(1, 41):
        c = (1 - 2 * rate * variances) * c + rate**2 * variances * (variances @ c + noise**2)
        wrong += [variances @ c] if step in steps else []
    assert (np.abs(sample.mean(axis=0) - wrong) > 4 * error).any()


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6), st.floats(0.05, 0.95), st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_the_moments_are_those_of_the_recursion(spectrum, share, steps):
    variances = np.array(spectrum)
    beta = np.arange(1.0, variances.size + 1)
    rate = share * scaling.largest_online_rate(variances)
    c = beta**2
    for _ in range(steps):
        c = (1 - 2 * rate * variances + 2 * (rate * variances) ** 2) * c + rate**2 * variances * (
            variances @ c + 0.25
        )
    assert scaling.online_error(steps, variances, beta, rate=rate, noise=0.5) == pytest.approx(
        variances @ c, rel=1e-9
    )


def test_the_largest_rate_is_where_the_mean_stops_settling():
    variances = np.array([1.0, 0.3, 0.3, 0.05])
    limit = scaling.largest_online_rate(variances)
    for rate, settles in ((0.999 * limit, True), (1.001 * limit, False)):
        pace = rate * variances
        step = np.diag(1 - 2 * pace + 2 * pace**2) + np.outer(pace, pace)
        assert bool(np.linalg.eigvalsh(step).max() < 1) is settles
    with pytest.raises(ValueError, match=r"rate must be below 0\.604.*got"):
        scaling.online_error(3, variances, np.ones(4), rate=1.001 * limit)


def test_small_and_many_steps_keep_their_digits():
    """Steps of 1e-12 add noise that rounding 1 - 1e-24 would hide; after all time the rest is stationary."""
    rate, spectrum = 1e-12, [1.0]
    assert scaling.online_error(3, spectrum, [0.0], rate=rate, noise=1.0) == pytest.approx(3e-24, rel=1e-10)
    late = scaling.online_error([10**15, 2**63 - 1], [1.0, 1e-30], [1.0, 1.0], rate=0.1, noise=1.0)
    assert late == pytest.approx([1 / 17, 1 / 17], rel=1e-12)  # x / (1 - x), x = .1 / 1.8
    assert scaling.flow_error([1e308, 0.0], [1e100, 1.0], [1.0, 1.0]) == pytest.approx([0.0, 1e100])


def test_small_rates_follow_the_flow():
    times = np.array([1.0, 5.0, 20.0])
    flow = scaling.flow_error(times, VARIANCES, BETA)
    gaps = []
    for rate in (2e-3, 1e-3):
        steps = np.rint(times / rate).astype(int)
        gaps.append(scaling.online_error(steps, VARIANCES, BETA, rate=rate) - flow)
    assert np.abs(gaps[1]).max() < 2e-3
    assert gaps[0] / gaps[1] == pytest.approx(2.0, rel=0.02)


# Features and time


def test_what_is_beyond_the_features():
    d = np.array([0, 3, 1000])
    direct = (np.arange(1.0, 4e6) ** -2.5).sum()
    assert scaling.truncation_error(0, 2.5) == pytest.approx(direct, rel=1e-9)
    assert scaling.truncation_error(d, 2.5)[0] - scaling.truncation_error(d, 2.5)[1] == pytest.approx(
        1 + 2**-2.5 + 3**-2.5
    )
    assert scaling.truncation_error(1000, 2.5) == pytest.approx(1000**-1.5 / 1.5, rel=1e-3)


@pytest.mark.parametrize(("a", "b"), [(1.5, 2.0), (2.0, 1.5), (1.2, 4.0)])
def test_errors_of_all_sizes_fall_on_one_curve(a, b):
    z = np.array([0.01, 0.1, 1.0, 10.0])
    limit = scaling.scaling_function(z, a, b)
    gaps = []
    for d in (400, 1600):
        variances, beta = scaling.power_law(d, a), scaling.power_law(d, (b - a) / 2)
        flow = scaling.flow_error(z * d**a, variances, beta) + scaling.truncation_error(d, b)
        gaps.append(d ** (b - 1) * flow / limit - 1)
    assert np.abs(gaps[1]).max() < 0.03
    assert (np.abs(gaps[1]) < 0.6 * np.abs(gaps[0]) + 1e-9).all()
    early, late = scaling.scaling_function([1e-6, 1e6], a, b)
    power = (b - 1) / a
    assert early == pytest.approx(math.gamma(power) / a * 2e-6**-power, rel=0.05)
    assert late == pytest.approx(1 / (b - 1), rel=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "budget"), [(1.5, 2.0, 1e4), (2.0, 1.3, 3e4), (1.1, 3.0, 500.0), (3.0, 2.0, 1.0)]
)
def test_the_best_allocation_is_the_best_of_all(a, b, budget):
    def error(d):
        variances, beta = scaling.power_law(d, a), scaling.power_law(d, (b - a) / 2)
        return scaling.flow_error(budget / d, variances, beta) + scaling.truncation_error(d, b)

    best = scaling.compute_optimal(budget, a, b)
    every = [error(d) for d in range(1, 4 * best.n_features + 2)]
    assert best.n_features == 1 + int(np.argmin(every))
    assert best.error == pytest.approx(min(every), rel=1e-12)
    assert best.n_features * best.time == pytest.approx(budget)


def test_best_allocations_scale():
    first, second = (scaling.compute_optimal(budget, 1.5, 2.0) for budget in (1e6, 1e8))
    assert math.log10(second.n_features / first.n_features) / 2 == pytest.approx(1 / 2.5, rel=0.005)
    assert -math.log10(second.error / first.error) / 2 == pytest.approx(
        scaling.scaling_exponents(1.5, 2.0).compute, rel=0.005
    )


# Bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: scaling.power_law(0, 1.0), ValueError, "n_features must be at least 1; got 0"),
        (lambda: scaling.power_law(10, 500.0), ValueError, "exponent must keep 10 values"),
        (lambda: scaling.power_law(3, "2"), TypeError, "exponent must be a real number"),
        (lambda: scaling.effective_penalty(0, [1.0]), ValueError, "n_samples must be at least 1; got 0"),
        (lambda: scaling.effective_penalty(2.5, [1.0]), TypeError, "n_samples must hold integers"),
        (lambda: scaling.effective_penalty(2, []), (TypeError, ValueError), "spectrum"),
        (lambda: scaling.effective_penalty(2, [1.0, 0.0]), ValueError, "spectrum must be positive.*got 0"),
        (lambda: scaling.effective_penalty(2, [[1.0]]), ValueError, r"shape \(1, 1\)"),
        (lambda: scaling.effective_penalty(2, [1.0], -1.0), ValueError, "penalty must be at least 0; got -1"),
        (
            lambda: scaling.effective_penalty(2, [1.0], 5e-324),
            ValueError,
            "penalty must be 0 or at least 1e-100",
        ),
        (lambda: scaling.ridge_error(2, [1.0], [1.0, 2.0]), ValueError, "coefficients must be 1 numbers"),
        (
            lambda: scaling.ridge_error(2, [1.0], [math.nan]),
            ValueError,
            "coefficients must be finite; got nan",
        ),
        (
            lambda: scaling.ridge_error(2, [1.0], [1.0], noise=-0.1),
            ValueError,
            "noise must be at least 0; got -0.1",
        ),
        (lambda: scaling.flow_error(-1.0, [1.0], [1.0]), ValueError, "time must be at least 0; got -1.0"),
        (lambda: scaling.online_error(-1, [1.0], [1.0], rate=0.1), ValueError, "n_steps must be at least 0"),
        (lambda: scaling.online_error(1, [1.0], [1.0], rate=0.0), ValueError, "rate must be positive; got 0"),
        (
            lambda: scaling.online_error(1, np.ones(5000), np.ones(5000), rate=1e-5),
            ValueError,
            "at most 4096",
        ),
        (lambda: scaling.truncation_error(-1, 2.0), ValueError, "n_features must be at least 0; got -1"),
        (lambda: scaling.truncation_error(1, 1.0), ValueError, "target must be above 1; got 1"),
        (lambda: scaling.scaling_exponents(1.0, 2.0), ValueError, "spectrum must be above 1; got 1"),
        (lambda: scaling.scaling_function(0.0, 1.5, 2.0), ValueError, "ratio must be positive; got 0.0"),
        (lambda: scaling.compute_optimal(0.5, 1.5, 2.0), ValueError, "compute must be at least 1; got 0.5"),
        (lambda: scaling.compute_optimal(1e30, 1.5, 2.0), ValueError, "compute must be smaller"),
        (lambda: scaling.compute_optimal(True, 1.5, 2.0), TypeError, "compute must be a real number"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
