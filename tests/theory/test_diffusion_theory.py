"""Closed forms of diffusion: numbers checked elsewhere, quadrature, roots, and limits that must come out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from smbook.diffusion import PointCloud, TwoClusters, time_grid
from smbook.kernels import diffusion as kernels
from smbook.theory import diffusion as theory

DEVIATIONS = [0.3, 1.0, 1.7]
LENGTHS = st.floats(0.0, 100.0)
WIDTHS = st.floats(0.01, 30.0)


@pytest.mark.parametrize("deviation", DEVIATIONS)
@pytest.mark.parametrize("t", [0.0, 0.4, 1.6, 4.0])
def test_the_potential_is_that_of_the_density_along_the_line(deviation, t):
    u = np.linspace(-6, 6, 41)
    values = theory.cluster_potential(u, t, 2.5, deviation=deviation)
    expected = -TwoClusters([2.5], deviation=deviation).log_density(u[:, np.newaxis], t)
    np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-13)
    filled = np.empty_like(u)
    kernels.clusters_potential(2.5, deviation, t, u, filled)
    np.testing.assert_allclose(filled, values, rtol=1e-12, atol=1e-13)
    whole = quad(
        lambda x: math.exp(-theory.cluster_potential(x, t, 2.5, deviation=deviation)),
        -20,
        20,
        limit=200,
        points=[-2.5, 0.0, 2.5],
    )[0]
    assert whole == pytest.approx(1, abs=1e-8)


def curvature_at_zero(t, length, deviation):
    """Return the second derivative of the potential at 0, and its error, from values at four distances."""
    step = 0.01 * math.sqrt(theory.cluster_variance(t, deviation=deviation))
    low, near, far = theory.cluster_potential(
        step * np.array([0.0, 1.0, 2.0]), t, length, deviation=deviation
    )
    return (16 * (near - low) - (far - low)) / (6 * step**2)


@pytest.mark.parametrize("deviation", DEVIATIONS)
@pytest.mark.parametrize("length", [2.0, 8.0])
def test_the_well_splits_exactly_at_the_speciation_time(deviation, length):
    t = theory.speciation_time(length, deviation=deviation)
    assert theory.cluster_signal(t, length, deviation=deviation) == pytest.approx(1, abs=1e-14)
    variance = theory.cluster_variance(t, deviation=deviation)
    assert abs(curvature_at_zero(t, length, deviation)) < 1e-6 / variance
    assert curvature_at_zero(t + 0.01, length, deviation) > 1e-3 / variance
    assert curvature_at_zero(t - 0.01, length, deviation) < -1e-3 / variance
    for later in (0.3, 1.0):
        a = theory.cluster_signal(t + later, length, deviation=deviation)
        expected = (1 - a * a) / theory.cluster_variance(t + later, deviation=deviation)
        assert curvature_at_zero(t + later, length, deviation) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("deviation", DEVIATIONS)
def test_wells_are_minima(deviation):
    times = np.linspace(0.0, 3.0, 61)
    wells = theory.cluster_well(times, 5.0, deviation=deviation)
    split = times < theory.speciation_time(5.0, deviation=deviation)
    assert (wells[split] > 0).all()
    assert (wells[~split] == 0).all()
    data = TwoClusters([5.0], deviation=deviation)
    for t, u in zip(times, wells, strict=True):
        assert data.score([[u]], t)[0, 0] == pytest.approx(0, abs=1e-11)
        at, around = (theory.cluster_potential(x, t, 5.0, deviation=deviation) for x in (u, u + 0.1))
        assert around > at
    assert theory.cluster_well(0.0, 0.0) == 0


def test_speciation_in_closed_form():
    assert theory.speciation_time(8.0) == pytest.approx(math.log(8))
    assert theory.speciation_time(8.0, deviation=0.5) == pytest.approx(0.5 * math.log(64.75))
    assert theory.speciation_time(1.0) == 0
    assert theory.speciation_time(2.0, deviation=2.0) == 0
    assert np.isnan(theory.speciation_time(0.99))
    assert np.isnan(theory.speciation_time([0.0, 1.9], deviation=2.0)).all()
    assert theory.speciation_time(1e100, deviation=1e-100) == pytest.approx(100 * math.log(10))


@given(st.floats(1.0, 1e3), st.floats(0.01, 1.0))
def test_one_eigenvalue_tells_the_time_up_to_its_inverse(length, deviation):
    """The difference is ln(1 + (2 s^2 - 1) / (1 + mu^2 - s^2)) / 2, at most 1 / Lambda for s <= 1."""
    eigenvalue = length**2 + deviation**2
    by_eigenvalue = theory.speciation_time_of_eigenvalue(eigenvalue)
    assert abs(by_eigenvalue - theory.speciation_time(length, deviation=deviation)) <= 1 / eigenvalue


@given(LENGTHS, WIDTHS)
def test_the_drift_turns_unstable_at_a_root_of_its_slope_and_before_speciation(length, deviation):
    t = theory.drift_instability_time(length, deviation=deviation)

    def slope(t):
        variance = theory.cluster_variance(t, deviation=deviation)
        return 1 - 2 / variance + 2 * (length * math.exp(-t) / variance) ** 2

    if np.isnan(t):
        assert length**2 + math.hypot(length**2, 1 - deviation**2) < 1 + 1e-12
        assert np.isnan(theory.speciation_time(length, deviation=deviation))
    else:
        assert abs(slope(t)) < 1e-9 * (1 + 2 / theory.cluster_variance(t, deviation=deviation)) ** 2
        assert not theory.speciation_time(length, deviation=deviation) > t + 1e-12
    assert theory.drift_instability_time(8.0) == pytest.approx(0.5 * math.log(128))


def test_the_slope_of_the_drift_by_differences():
    t, step = theory.drift_instability_time(3.0, deviation=0.6), 1e-5
    data = TwoClusters([3.0], deviation=0.6)
    drift = step + 2 * data.score([[step]], t)[0, 0]
    assert abs(drift / step) < 1e-8


def test_how_often_clones_agree():
    signals = [0.0, 0.5, 1 / math.sqrt(2), 1.0, math.sqrt(2), 2.0]
    known = [0.5, 0.602027, 0.675057, 0.775200, 0.884491, 0.965701]
    np.testing.assert_allclose(theory.cloning_probability(signals), known, atol=5.1e-7)
    for a in (1e-8, 0.03, 1.0, 7.0, 60.0):
        exact = quad(
            lambda z, a=a: norm.pdf(z) * math.tanh(a * a + a * z) ** 2, -40, 40, points=[-a, 0.0], limit=400
        )
        assert theory.cloning_probability(a) == pytest.approx(0.5 + exact[0] / 2, abs=1e-9)
    many = theory.cloning_probability(np.linspace(0, 10, 200))
    assert (np.diff(many) >= 0).all()
    assert theory.cloning_probability(1e100) == pytest.approx(1)
    t = np.array([3.5, 3.0, 2.5, 2.1, 1.5])
    for deviation, known in (
        (1.0, [0.528, 0.569, 0.657, 0.769, 0.944]),
        (0.5, [0.528, 0.569, 0.658, 0.770, 0.948]),
    ):
        signals = theory.cluster_signal(t, 8.0, deviation=deviation)
        np.testing.assert_allclose(theory.cloning_probability(signals), known, atol=6e-4)


def test_clones_agree_as_often_as_the_same_cluster_is_drawn_twice():
    """By its definition: E[p^2 + (1 - p)^2], p the chance that x_t is of the right cluster, over all u."""
    t, length, s = 1.2, 3.0, 0.7
    variance = theory.cluster_variance(t, deviation=s)

    def integrand(u):
        p = expit(2 * math.exp(-t) * length * u / variance)
        return math.exp(-theory.cluster_potential(u, t, length, deviation=s)) * (p * p + (1 - p) ** 2)

    signal = theory.cluster_signal(t, length, deviation=s)
    assert theory.cloning_probability(signal) == pytest.approx(
        quad(integrand, -15, 15, limit=200)[0], abs=1e-9
    )


def test_collapse_times():
    loads = np.array([0.05, 0.1, 0.2, 0.5, 1.0])
    times = theory.collapse_time(np.exp(100 * loads), 100)
    np.testing.assert_allclose(times, [1.176084, 0.853886, 0.554816, 0.229338, 0.072707], atol=5.1e-7)
    np.testing.assert_allclose(-0.5 * np.log(1 - np.exp(-2 * loads)), times, rtol=1e-12)
    d, n = np.array(
        [(16, 256), (16, 1024), (32, 4096), (64, 1024), (64, 4096), (128, 4096), (784, 60000), (2, 100)]
    ).T
    known = [0.346574, 0.272750, 0.451445, 0.818007, 0.737247, 1.052384, 1.793588, 0.005025]
    np.testing.assert_allclose(theory.collapse_time(n, d), known, atol=5.1e-7)
    assert theory.collapse_time(1, 5) == math.inf
    assert theory.collapse_time(1e300, 1) == 0


@given(st.floats(1.001, 1e12), st.integers(1, 1000), st.floats(0.1, 10))
def test_the_collapse_is_where_the_information_is_that_of_a_choice(n, d, deviation):
    t = theory.collapse_time(n, d, deviation=deviation)
    if 1e-9 < t < 300:
        information = d * theory.mutual_information(t, deviation=deviation)
        assert information == pytest.approx(math.log(n), rel=1e-6)


def test_the_information_is_a_difference_of_entropies():
    t = np.array([1e-12, 0.3, 2.0, 350.0])
    gamma, delta = theory.cluster_variance(t, deviation=0.6), -np.expm1(-2 * t)
    found = theory.mutual_information(t, deviation=0.6)
    np.testing.assert_allclose(found, 0.5 * np.log(gamma / delta), rtol=1e-11, atol=1e-15)
    assert found[-1] == pytest.approx(0.18 * math.exp(-700), rel=1e-12)


def test_how_much_weight_the_own_point_has():
    shares = np.array([0.5, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 2])
    weights = theory.mean_own_weight(shares * theory.collapse_time(4096, 64), 4096, 64)
    np.testing.assert_allclose(weights, [0.984, 0.821, 0.635, 0.5, 0.374, 0.221, 0.075, 0.007], atol=6e-4)
    t = np.linspace(0.05, 3.0, 50)
    weights = theory.mean_own_weight(t, 300, 20, deviation=0.5)
    assert (np.diff(weights) < 0).all()
    assert (weights > 0).all()
    assert (weights < 1).all()
    assert theory.mean_own_weight(2.0, 1, 20) == 1
    assert theory.mean_own_weight([2.0, 0.1], 1.0, 20).tolist() == [1, 1]
    assert theory.mean_own_weight(350.0, 2, 20) == pytest.approx(0.5)
    assert theory.mean_own_weight(1e-12, 2, 20) == pytest.approx(1)


def test_the_law_behind_the_own_weight_is_that_of_its_two_densities():
    """D + ln(n - 1) = ln N(x; e^-t a, Delta) / N(x; 0, Gamma): its mean and variance, from 100,000 draws."""
    rng, d, t, s = np.random.default_rng(1), 5, 0.6, 0.8
    gamma, delta = theory.cluster_variance(t, deviation=s), -math.expm1(-2 * t)
    z = rng.normal(size=(100000, d))
    x = s * math.exp(-t) * rng.normal(size=(100000, d)) + math.sqrt(delta) * z
    found = (0.5 * math.log(gamma / delta) + x**2 / (2 * gamma) - z**2 / 2).sum(axis=1)
    assert abs(found.mean() - d * theory.mutual_information(t, deviation=s)) < 4 * found.std() / 316
    assert found.var() == pytest.approx(d * (1 - delta / gamma), rel=0.04)


def test_the_variance_that_steps_leave():
    fine, coarse = np.linspace(6.0, 0.0, 301), np.linspace(6.0, 0.0, 61)
    for times, step in ((fine, 0.02), (coarse, 0.1)):
        assert theory.euler_variance(times)[-1] == pytest.approx(2 / (2 - step), abs=1e-5)
    assert theory.euler_variance(fine, deviation=0.5)[-1] == pytest.approx(0.2697, abs=5e-5)
    assert theory.euler_variance(coarse, deviation=0.5)[-1] == pytest.approx(0.3647, abs=5e-5)
    assert theory.euler_variance([1.0], deviation=0.5) == [theory.cluster_variance(1.0, deviation=0.5)]
    assert theory.euler_variance([1.0, 0.5], initial=0.0).tolist() == [0.0, 1.0]
    assert theory.euler_variance(fine, deviation=0.5, initial=1.0)[-1] == pytest.approx(0.2697, abs=5e-5)
    times = time_grid(4.0, 1e-3)
    assert math.sqrt(theory.euler_variance(times, deviation=1e-100)[-1]) == pytest.approx(0.0471, abs=2e-4)


def test_short_steps_lead_to_the_exact_variance_in_the_first_order():
    errors = []
    for count in (200, 400, 800):
        times = np.linspace(3.0, 0.0, count + 1)
        errors.append(theory.euler_variance(times, deviation=0.6)[-1] - 0.36)
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.06)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.03)


def test_steps_that_are_too_long_run_away_without_a_warning():
    assert theory.euler_variance(np.linspace(350.0, 0.0, 4) / 5, deviation=0.5)[-1] > 1e4
    stiff = np.append(np.linspace(1e-6, 1e-7, 2) + 0.9, 1e-9 - np.arange(90) * 1e-12)
    assert np.isfinite(theory.euler_variance(stiff[:3], deviation=1e-100)).all()


def test_the_potential_of_a_cloud():
    points, u = np.array([-1.0, 0.5, 2.0]), np.linspace(-3, 3, 25)
    for t in (0.01, 0.5, 3.0):
        expected = -PointCloud(points[:, np.newaxis]).log_density(u[:, np.newaxis], t)
        np.testing.assert_allclose(theory.empirical_potential(u, t, points), expected, rtol=1e-11, atol=1e-11)
    grid = np.linspace(-3, 3, 6001)

    def wells(t):
        values = theory.empirical_potential(grid, t, points)
        return int(((values[1:-1] < values[:-2]) & (values[1:-1] < values[2:])).sum())

    assert (wells(0.01), wells(3.0)) == (3, 1)


def test_a_potential_at_many_places_is_made_in_parts(monkeypatch):
    u, points = np.linspace(-2, 2, 12).reshape(3, 4), [-1.0, 0.5, 2.0]
    whole = theory.empirical_potential(u, 0.3, points)
    monkeypatch.setattr("smbook.theory.diffusion.collapse._TOGETHER", 15)
    assert np.array_equal(theory.empirical_potential(u, 0.3, points), whole)


def test_the_ends_of_all_ranges_give_no_warning():
    with np.errstate(all="raise"):
        wide = theory.cluster_potential([1e100, 0.0], 0.0, 1e100, deviation=1e-100)
        assert wide[0] == pytest.approx(np.log(8 * np.pi) / 2 - 100 * np.log(10))
        assert wide[1] == np.inf
        assert theory.cluster_potential([0.0, 300.0], 0.0, 5.0)[1] == pytest.approx(295**2 / 2, abs=2)
        assert theory.mean_own_weight(1e-12, 2, 1e308, deviation=1e100) == 1
        assert theory.collapse_time(2, 1e308, deviation=1e100) == pytest.approx(
            100 * math.log(10) - math.log(2 * math.log(2) / 1e308) / 2
        )
        assert theory.collapse_time([1, 1e308], 1).tolist() == [np.inf, 0]
        assert np.isfinite(theory.empirical_potential([0.0, 100.0], 1e-3, [1.0, -1.0])).all()


def test_values_keep_their_shape():
    t, lengths = np.array([[0.5], [1.0]]), np.array([1.0, 2.0, 3.0])
    assert theory.cluster_signal(t, lengths).shape == (2, 3)
    assert theory.cluster_well(t, lengths).shape == (2, 3)
    assert theory.collapse_time(np.array([[2], [3]]), np.array([4, 5, 6])).shape == (2, 3)
    assert theory.mean_own_weight(t, 5, 6).shape == (2, 1)
    assert theory.cloning_probability(t).shape == (2, 1)
    assert theory.cloning_probability([]).shape == (0,)
    assert theory.empirical_potential(t, 0.5, lengths).shape == (2, 1)
    for value in (
        theory.cluster_variance(1.0),
        theory.cluster_signal(1.0, 2.0),
        theory.cluster_potential(1.0, 1.0, 2.0),
        theory.cluster_well(1.0, 2.0),
        theory.speciation_time(2.0),
        theory.speciation_time_of_eigenvalue(2.0),
        theory.drift_instability_time(2.0),
        theory.cloning_probability(2),
        theory.mutual_information(1),
        theory.collapse_time(5, 6),
        theory.mean_own_weight(1.0, 5, 6),
        theory.empirical_potential(0.0, 1.0, [1.0]),
    ):
        assert type(value) is float


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: theory.cluster_variance(-0.1), ValueError, "t must be times from 0 to 350; got -0.1"),
        (
            lambda: theory.cluster_variance([1.0, 351.0]),
            ValueError,
            "t must be times from 0 to 350; got 351.0",
        ),
        (lambda: theory.cluster_variance(np.nan), ValueError, "t must be finite; got nan"),
        (lambda: theory.cluster_variance("a"), TypeError, "t must hold real numbers"),
        (
            lambda: theory.cluster_variance(1.0, deviation=0.0),
            ValueError,
            "deviation must be positive; got 0.0",
        ),
        (
            lambda: theory.cluster_variance(1.0, deviation=1e101),
            ValueError,
            "deviation must be from 1e-100 to",
        ),
        (lambda: theory.cluster_variance(1.0, deviation=[1.0]), TypeError, "deviation must be a real number"),
        (lambda: theory.cluster_signal(1.0, -1.0), ValueError, "mean_norm must be at least 0; got -1.0"),
        (lambda: theory.cluster_signal(1.0, 1e101), ValueError, r"mean_norm must be at most 1e\+100 in size"),
        (
            lambda: theory.cluster_signal([1.0, 2.0], [1.0] * 3),
            ValueError,
            r"t and mean_norm must broadcast; got \(2,\)",
        ),
        (lambda: theory.cluster_potential(np.inf, 1.0, 1.0), ValueError, "u must be finite; got inf"),
        (
            lambda: theory.cluster_potential(0.0, -1.0, 1.0),
            ValueError,
            "t must be a time from 0 to 350; got -1.0",
        ),
        (lambda: theory.cluster_potential(0.0, [1.0], 1.0), TypeError, "t must be a real number"),
        (
            lambda: theory.cluster_potential(0.0, 1.0, -1.0),
            ValueError,
            "mean_norm must be at least 0; got -1.0",
        ),
        (lambda: theory.cluster_well(1.0, np.nan), ValueError, "mean_norm must be finite; got nan"),
        (lambda: theory.speciation_time(-2.0), ValueError, "mean_norm must be at least 0; got -2.0"),
        (lambda: theory.speciation_time(True), TypeError, "mean_norm must hold real numbers"),
        (
            lambda: theory.speciation_time_of_eigenvalue(0.9),
            ValueError,
            "eigenvalue must be at least 1; got 0.9",
        ),
        (
            lambda: theory.speciation_time_of_eigenvalue(np.inf),
            ValueError,
            "eigenvalue must be finite; got inf",
        ),
        (
            lambda: theory.drift_instability_time(2.0, deviation=-1.0),
            ValueError,
            "deviation must be positive",
        ),
        (lambda: theory.cloning_probability(-0.1), ValueError, "signal must be at least 0; got -0.1"),
        (lambda: theory.mutual_information(0.0), ValueError, "t must be times from 1e-12 to 350; got 0.0"),
        (lambda: theory.collapse_time(0, 5), ValueError, "n_points must be at least 1; got 0.0"),
        (lambda: theory.collapse_time(5, 0), ValueError, "n_dimensions must be at least 1; got 0.0"),
        (
            lambda: theory.collapse_time([2, 3], [1, 2, 3]),
            ValueError,
            "n_points and n_dimensions must broadcast",
        ),
        (lambda: theory.collapse_time(np.nan, 5), ValueError, "n_points must be finite; got nan"),
        (lambda: theory.mean_own_weight(0.0, 5, 5), ValueError, "t must be times from 1e-12 to 350; got 0.0"),
        (lambda: theory.mean_own_weight(1.0, 0.5, 5), ValueError, "n_points must be at least 1; got 0.5"),
        (lambda: theory.mean_own_weight(1.0, [5], 5), TypeError, "n_points must be a real number"),
        (lambda: theory.mean_own_weight(1.0, 5, 0), ValueError, "n_dimensions must be at least 1; got 0.0"),
        (lambda: theory.euler_variance([]), ValueError, "times must be at least one, in one row"),
        (lambda: theory.euler_variance(1.0), ValueError, "times must be at least one, in one row"),
        (
            lambda: theory.euler_variance([0.5, 1.0]),
            ValueError,
            "times must decrease; 0.5 is followed by 1 at 1",
        ),
        (lambda: theory.euler_variance([1.0, -1.0]), ValueError, "times must be from 0 to 350; got -1 to 1"),
        (
            lambda: theory.euler_variance([1.0, 0.5], initial=-1.0),
            ValueError,
            "initial must be at least 0; got -1.0",
        ),
        (
            lambda: theory.empirical_potential(0.0, 0.0, [1.0]),
            ValueError,
            "t must be a time from 1e-12 to 350",
        ),
        (
            lambda: theory.empirical_potential(0.0, 1.0, []),
            ValueError,
            r"points must be at least one, \(n,\)",
        ),
        (
            lambda: theory.empirical_potential(0.0, 1.0, [[1.0]]),
            ValueError,
            r"points must be at least one, \(n,\)",
        ),
        (
            lambda: theory.empirical_potential(0.0, 1.0, [np.nan]),
            ValueError,
            "points must be finite; got nan",
        ),
    ],
)
def test_bad_input_is_refused_with_its_value(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()
