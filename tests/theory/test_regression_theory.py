"""The risk of least squares: reference values, simulation, limits, and what can never fail."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import chi2

from smbook.regression import linear_examples, ridge
from smbook.theory import random_matrices as laws
from smbook.theory import regression as theory

FIVE = [(60, 10), (60, 45), (60, 90), (30, 60), (12, 20)]  # (n, d), away from the peak


def simulated(n, d, penalty, *, signal=1.0, noise=0.5, count=2000, seed=1):
    """The risk and the training error of `count` students."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        inputs, targets, coefficients = linear_examples(n, d, signal=signal, noise=noise, rng=rng)
        fit = ridge(inputs, targets, penalty)
        left = targets - inputs @ fit
        found.append(((fit - coefficients) @ (fit - coefficients), left @ left / n))
    return np.array(found)


def z_scores(found, expected):
    return (found.mean(axis=0) - expected) / (found.std(axis=0, ddof=1) / math.sqrt(len(found)))


def test_reference_values():
    found = theory.ridgeless_risk(60, [10, 30, 45, 90, 120, 240], signal=1.0, noise=0.5)
    assert found.round(5).tolist() == [0.05102, 0.25862, 0.80357, 0.85057, 0.75424, 0.8338]


@pytest.mark.parametrize(("n", "d"), FIVE)
def test_simulated_without_a_penalty(n, d):
    found = simulated(n, d, 0.0)
    risk = theory.ridgeless_risk(n, d, noise=0.5)
    z = z_scores(found[:, 0], risk)
    assert abs(z) < 4
    if d < n:
        assert abs(z_scores(found[:, 1], theory.ridgeless_training_error(n, d, noise=0.5))) < 4
    else:
        assert found[:, 1].max() < 1e-20


def test_the_limit_in_place_of_the_exact_risk_is_noticed():
    found = simulated(12, 20, 0.0)[:, 0]
    assert abs(z_scores(found, theory.ridgeless_risk_limit(20 / 12, noise=0.5))) > 4


@pytest.mark.parametrize(("n", "d"), [*FIVE[1:], (40, 40), (20, 21)])
@pytest.mark.parametrize("factor", [0.1, 1.0])
def test_simulated_with_a_penalty(n, d, factor):
    penalty = factor * theory.optimal_penalty(d, signal=1.5, noise=0.5)
    found = simulated(n, d, penalty, signal=1.5, count=1000)
    arguments = {"signal": 1.5, "noise": 0.5}
    assert abs(z_scores(found[:, 0], theory.ridge_risk(n, d, penalty, **arguments))) < 4
    assert abs(z_scores(found[:, 1], theory.ridge_training_error(n, d, penalty, **arguments))) < 4


def test_ten_seeds_scatter_as_their_errors_say():
    n, d, penalty = 15, 20, 1.0
    z = [
        z_scores(
            simulated(n, d, penalty, count=300, seed=seed)[:, 0], theory.ridge_risk(n, d, penalty, noise=0.5)
        )
        for seed in range(10)
    ]
    assert abs(np.mean(z)) < 4 / math.sqrt(10)
    assert 0.4 < np.std(z, ddof=1) < 1.8


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.05, 3), st.floats(0.05, 3))
@settings(max_examples=60, deadline=None)
def test_the_optimal_penalty_is_the_best_at_every_size(n, d, signal, noise):
    arguments = {"signal": signal, "noise": noise}
    best = theory.optimal_penalty(d, **arguments)
    factors = np.array([0.0, 1e-3, 0.3, 0.9, 0.99, 1.0, 1.01, 1.1, 3.0, 1e3, 1e9])
    risks = theory.ridge_risk(n, d, best * factors, **arguments)
    assert (risks[factors != 1] >= risks[5] * (1 - 1e-12)).all()
    assert (np.diff(risks[1:6]) < 1e-12 * risks[5]).all()
    assert (np.diff(risks[5:]) > -1e-12 * risks[5]).all()
    assert risks[5] <= signal**2 * (1 + 1e-12)  # what no fit at all gets wrong
    assert risks[-1] == pytest.approx(signal**2, rel=1e-5)


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.05, 3))
@settings(max_examples=40, deadline=None)
def test_with_the_optimal_penalty_there_is_no_second_descent(n, d, noise):
    """Neither one more example nor a feature that belongs to the rule can do harm."""

    def risk(n, d):
        return theory.ridge_risk(n, d, theory.optimal_penalty(d, noise=noise), noise=noise)

    assert risk(n + 1, d) < risk(n, d)
    seen = [theory.seen_part(k, 50 - k, noise=noise) for k in (d, d + 1)]
    errors = [
        part.noise**2
        + theory.ridge_risk(
            n, k, theory.optimal_penalty(k, signal=part.signal, noise=part.noise), **part._asdict()
        )
        for k, part in zip((d, d + 1), seen, strict=True)
    ]
    assert errors[1] < errors[0]


@given(st.integers(1, 40), st.integers(1, 40), st.floats(1e-6, 100))
@settings(max_examples=60, deadline=None)
def test_exact_bounds(n, d, penalty):
    """Jensen's, on means of convex functions of the eigenvalues, and what shares sum to."""
    bias = theory.ridge_risk(n, d, penalty)
    variance = theory.ridge_risk(n, d, penalty, signal=0.0, noise=1.0)
    both = theory.ridge_risk(n, d, penalty, signal=2.0, noise=3.0)
    assert both == pytest.approx(4 * bias + 9 * variance, rel=1e-12)
    mean = max(d, n)  # of the eigenvalues other than 0
    share = min(n, d) / d
    assert bias >= share * (penalty / (mean + penalty)) ** 2 + (1 - share) - 1e-12
    assert bias <= 1
    assert variance <= min(n, d) / (4 * penalty)
    assert theory.ridge_training_error(n, d, penalty, signal=0.0, noise=1.0) >= max(1 - d / n, 0)
    assert theory.ridge_training_error(n, d, penalty, noise=1.0) <= 1 + 1


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("penalty", [1e-8, 0.1, 1.0, 1e3])
def test_one_feature_by_direct_integration(n, penalty):
    """With one feature, or one example, the only eigenvalue has the chi-square law."""

    def mean(f):
        return sum(
            quad(lambda t: 2 * t * f(t * t) * chi2.pdf(t * t, n), *ends, epsabs=0)[0] for ends in PIECES
        )

    bias = mean(lambda w: (penalty / (w + penalty)) ** 2)
    variance = mean(lambda w: w / (w + penalty) ** 2)
    assert theory.ridge_risk(n, 1, penalty, noise=0.5) == pytest.approx(bias + 0.25 * variance, rel=1e-9)
    wide = 1 - 1 / n + bias / n + 0.25 * variance
    assert theory.ridge_risk(1, n, penalty, noise=0.5) == pytest.approx(wide, rel=1e-9)


PIECES = [(0, 1e-5), (1e-5, 1e-4), (1e-4, 1e-3), (1e-3, 1e-2), (1e-2, 0.1), (0.1, 1), (1, 4), (4, 12)]


@pytest.mark.parametrize(("n", "d"), [(10, 3), (10, 8), (10, 12), (10, 30), (1, 3), (60, 45)])
def test_a_small_penalty_is_as_good_as_none(n, d):
    for noise in (0.0, 0.5):
        small = theory.ridge_risk(n, d, 1e-13, noise=noise)
        none = theory.ridgeless_risk(n, d, noise=noise)
        assert small == pytest.approx(none, rel=1e-5, abs=1e-5)
        assert theory.ridge_risk(n, d, 0.0, noise=noise) == none
        assert theory.ridge_training_error(n, d, 1e-11, noise=noise) == pytest.approx(
            theory.ridgeless_training_error(n, d, noise=noise), abs=1e-10
        )


@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_at_the_peak_the_mean_is_infinite(n):
    """A penalty goes through it as lambda^(-1/2) at d = n, and as a logarithm beside."""
    assert theory.ridgeless_risk(n, n, noise=0.1) == theory.ridgeless_risk(n, n + 1, noise=0.1) == math.inf
    assert theory.ridgeless_risk(n + 1, n, noise=0.1) == math.inf
    assert theory.ridgeless_risk(n + 2, n, noise=1.0) == n
    assert theory.ridgeless_risk(n, n + 2, noise=1.0) == pytest.approx(n + 2 / (n + 2))
    assert theory.ridge_risk(n, n, 0.0, noise=0.1) == math.inf
    small = np.array([1e-10, 1e-12, 1e-14])
    for penalties in (small, small * 1e-14):
        risks = theory.ridge_risk(n, n, penalties, signal=0.0, noise=1.0)
        assert risks[1:] / risks[:-1] == pytest.approx([10.0, 10.0], rel=1e-2)
        for sizes in ((n + 1, n), (n, n + 1)):
            beside = np.diff(theory.ridge_risk(*sizes, penalties, signal=0.0, noise=1.0))
            assert beside[1] == pytest.approx(beside[0], rel=1e-3)
            assert beside[0] > 0.1


@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_without_noise_nothing_diverges(n):
    assert theory.ridgeless_risk(n, [max(n - 1, 1), n]).tolist() == [0.0, 0.0]
    assert theory.ridgeless_risk(n, n + 1) == pytest.approx(1 / (n + 1))
    assert theory.ridge_risk(n, n, 1e-20) < 1e-8
    found = linear_examples(n, n, rng=1)
    assert np.abs(ridge(found.inputs, found.targets) - found.coefficients).max() < 1e-9


def test_each_fit_at_the_peak_is_finite_as_edelmans_law_says():
    """The variance is at least sigma^2 / w_1 with the smallest eigenvalue w_1 of X^T X."""
    n = 20
    risks = simulated(n, n, 0.0, signal=0.0, noise=1.0)[:, 0]
    assert np.isfinite(risks).all()
    rng = np.random.default_rng(4)
    smallest = np.linalg.svd(rng.standard_normal((2000, n, n)), compute_uv=False)[:, -1] ** 2
    median = np.median(smallest)
    assert laws.wishart_smallest(median / n, n) == pytest.approx(0.5, abs=0.05)
    assert risks.max() > 100 * np.median(risks)


# The limit


@pytest.mark.parametrize("ratio", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("penalty", [1e-3, 0.1, 1.0, 30.0])
def test_the_limit_is_the_integral_over_marchenko_and_pastur(ratio, penalty):
    low, high = laws.marchenko_pastur_edges(ratio)
    r, s = 1.3, 0.7

    def integrand(t):
        x = t * t
        return 2 * t * (r * r * penalty**2 + s * s * ratio * x) / (x + penalty) ** 2 * mp(x)

    def mp(x):
        return laws.marchenko_pastur(x, ratio)

    breaks = [math.sqrt(low), *([0.03, 0.1, 0.3] if ratio == 1 else []), math.sqrt(high)]
    risk = sum(quad(integrand, *ends, limit=300)[0] for ends in itertools.pairwise(breaks))
    risk += r * r * laws.marchenko_pastur_atom(ratio)
    assert theory.ridge_risk_limit(ratio, penalty, signal=r, noise=s) == pytest.approx(risk, rel=1e-8)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_large_sizes_go_to_the_limit(ratio):
    """As 1 / n: twice the size, half the distance."""
    limit = theory.ridge_risk_limit(ratio, 0.2, noise=0.5)
    off = [theory.ridge_risk(n, int(ratio * n), 0.2 * n, noise=0.5) - limit for n in (100, 200, 400)]
    assert off[0] / off[1] == pytest.approx(2, rel=0.05)
    assert off[1] / off[2] == pytest.approx(2, rel=0.03)
    if ratio != 1:
        far = theory.ridgeless_risk(10**9, int(ratio * 10**9), noise=0.5)
        assert far == pytest.approx(theory.ridgeless_risk_limit(ratio, noise=0.5), rel=1e-8)


@given(st.floats(0.05, 20), st.floats(0.05, 3), st.floats(0.05, 3))
def test_the_best_of_the_limit(ratio, signal, noise):
    arguments = {"signal": signal, "noise": noise}
    best = ratio * (noise / signal) ** 2
    risks = theory.ridge_risk_limit(ratio, best * np.array([0.0, 0.9, 1.0, 1.1, 1e13]), **arguments)
    assert (risks >= risks[2] * (1 - 1e-13)).all()
    assert risks[-1] == pytest.approx(signal**2, rel=1e-6)


def test_ends_of_the_limit():
    ratios = np.array([0.01, 0.5, 2.0, 50.0])
    for noise in (0.0, 0.5):
        none = theory.ridgeless_risk_limit(ratios, noise=noise)
        assert theory.ridge_risk_limit(ratios, 1e-13, noise=noise) == pytest.approx(none, abs=1e-10)
        assert (theory.ridge_risk_limit(ratios, 0.0, noise=noise) == none).all()
    assert theory.ridge_risk_limit([0.5, 1.0, 2.0], 1e300, noise=0.5).tolist() == [1.0, 1.0, 1.0]
    assert theory.ridgeless_risk_limit(1.0) == theory.ridge_risk_limit(1.0, 0.0) == 0.0
    assert theory.ridgeless_risk_limit(1.0, noise=0.1) == math.inf
    bottom = 1 / (1 - 0.5)  # r / (r - sigma)
    beyond = np.array([bottom * 0.99, bottom, bottom * 1.01])
    risks = theory.ridgeless_risk_limit(beyond, noise=0.5)
    assert risks.argmin() == 1
    assert risks[1] == pytest.approx(1 - 0.5**2)
    assert (np.diff(theory.ridgeless_risk_limit(np.linspace(1.1, 99, 200), noise=1.2)) < 0).all()


# Arguments


def test_numbers_and_arrays_go_together():
    n, d = np.array([[10], [20]]), np.array([5, 15, 40])
    assert theory.ridgeless_risk(n, d).shape == theory.ridgeless_training_error(n, d).shape == (2, 3)
    table = theory.ridge_risk(n, d, 0.5, noise=0.3)
    assert table.shape == theory.ridge_training_error(n, d, 0.5).shape == (2, 3)
    assert table[1, 2] == theory.ridge_risk(20, 40, 0.5, noise=0.3)
    assert (
        theory.ridge_risk(10, 5, [0.0, 1.0]).shape == theory.ridge_risk_limit(0.5, [0.0, 1.0]).shape == (2,)
    )
    assert theory.ridge_risk_limit([[0.5], [2.0]], [0.0, 1.0]).shape == (2, 2)
    for value in (
        theory.ridgeless_risk(10, 5),
        theory.ridge_risk(10, 5, 1.0),
        theory.ridge_risk(10, 5, 0),
        theory.ridge_training_error(10, 5, 1.0),
        theory.ridgeless_training_error(10, 5),
        theory.ridgeless_risk_limit(0.5),
        theory.ridge_risk_limit(0.5, 0.1),
        theory.optimal_penalty(10, noise=1.0),
    ):
        assert type(value) is float
    given_sizes = np.array([5, 15])
    theory.ridgeless_risk(10, given_sizes)
    assert given_sizes.tolist() == [5, 15]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: theory.ridgeless_risk(0, 3), ValueError, "n_samples must be at least 1; got 0"),
        (lambda: theory.ridgeless_risk(3, [1, -1]), ValueError, "n_features must be at least 1; got -1"),
        (lambda: theory.ridgeless_risk(3.0, 3), TypeError, "n_samples must hold integers"),
        (lambda: theory.ridgeless_risk(3, True), TypeError, "n_features must hold integers"),
        (lambda: theory.ridgeless_risk(3, 3, signal=-1), ValueError, r"signal must be at least 0; got -1"),
        (lambda: theory.ridgeless_risk(3, 3, noise=math.inf), ValueError, "noise must be finite; got inf"),
        (lambda: theory.ridgeless_training_error(3, 3, noise=-1), ValueError, "noise must be at least 0"),
        (lambda: theory.ridge_risk(3, 3, -1.0), ValueError, r"penalty must be at least 0; got -1\.0"),
        (lambda: theory.ridge_risk(3, 3, [1.0, math.nan]), ValueError, "penalty must be finite; got nan"),
        (
            lambda: theory.ridge_risk(3, 3, 1e-31),
            ValueError,
            "penalty must be 0 or at least 1e-30; got 1e-31",
        ),
        (lambda: theory.ridge_risk(3, 3, "1"), TypeError, "penalty must hold real numbers"),
        (lambda: theory.ridge_risk(2000, 2000, 1.0), ValueError, "at most 1000, .* got 2000 and 2000"),
        (
            lambda: theory.ridge_training_error(3, 3, -1.0),
            ValueError,
            r"penalty must be at least 0; got -1\.0",
        ),
        (lambda: theory.ridgeless_risk_limit(0.0), ValueError, r"ratio must be positive; got 0\.0"),
        (lambda: theory.ridgeless_risk_limit([1.0, -2.0]), ValueError, r"ratio must be positive; got -2\.0"),
        (lambda: theory.ridge_risk_limit(math.nan, 1.0), ValueError, "ratio must be finite; got nan"),
        (lambda: theory.ridge_risk_limit(1.0, -1.0), ValueError, r"penalty must be at least 0; got -1\.0"),
        (lambda: theory.optimal_penalty(3, signal=0.0), ValueError, r"signal must be positive; got 0\.0"),
        (lambda: theory.optimal_penalty(0), ValueError, "n_features must be at least 1; got 0"),
        (lambda: theory.seen_part(3, -1), ValueError, "n_hidden must be at least 0; got -1"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
