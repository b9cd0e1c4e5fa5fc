"""Spherical p-spins: slopes as written, all critical points against their exact mean, descent."""

import itertools
import math

import numpy as np
import pytest

from smbook.dynamics import SphericalPSpin, critical_points, descend, spherical_p_spin
from smbook.theory.dynamics import mean_critical_points, saddle_index, threshold_energy

SAMPLES = {(3, 3): 200, (5, 3): 150, (4, 4): 100, (3, 5): 60}


def states(seed, count, n):
    rows = np.random.default_rng([seed, 8]).standard_normal((count, n))
    return rows * math.sqrt(n) / np.linalg.norm(rows, axis=1, keepdims=True)


def written_out(couplings, state):
    """H / N, term by term."""
    n, p = couplings.shape[0], couplings.ndim
    terms = (
        couplings[indices] * np.prod(state[list(indices)])
        for indices in itertools.product(range(n), repeat=p)
    )
    return sum(terms) / n ** ((p - 1) / 2) / n


@pytest.mark.parametrize(("n", "p"), [(1, 2), (4, 2), (5, 3), (3, 4), (2, 7)])
def test_the_energy_is_the_sum_as_written(n, p):
    couplings = np.random.default_rng(n).standard_normal([n] * p)
    model, rows = SphericalPSpin(couplings), states(p, 3, n)
    expected = [written_out(couplings, row) for row in rows]
    np.testing.assert_allclose(model.energy(rows), expected, atol=1e-13)
    assert model.energy(rows[0]) == pytest.approx(expected[0], abs=1e-13)
    symmetric = model.couplings
    np.testing.assert_allclose(symmetric, np.swapaxes(symmetric, 0, p - 1), atol=1e-15)
    mean = sum(couplings.transpose(order) for order in itertools.permutations(range(p))) / math.factorial(p)
    np.testing.assert_allclose(symmetric, mean, atol=1e-14)


@pytest.mark.parametrize(("n", "p"), [(4, 2), (6, 3), (4, 4), (3, 5)])
def test_slopes_and_curvatures_are_those_along_great_circles(n, p):
    model, start = spherical_p_spin(n, p, rng=n), states(p, 1, n)[0]
    frame = np.linalg.qr(np.column_stack([start, np.eye(n)[:, : n - 1]]))[0][:, 1:]

    def height(*shifts):
        step = frame @ np.array(shifts)
        angle = np.linalg.norm(step) / math.sqrt(n)
        direction = step / np.linalg.norm(step) * math.sqrt(n) if angle else step
        return n * model.energy(math.cos(angle) * start + math.sin(angle) * direction)

    h, unit = 1e-3, np.eye(n - 1)
    slopes = [(height(*(h * e)) - height(*(-h * e))) / (2 * h) for e in unit]
    np.testing.assert_allclose(frame.T @ model.gradient(start), slopes, atol=1e-4)
    assert model.gradient(start) @ start == pytest.approx(0, abs=1e-12)
    hessian = [
        [
            (
                height(*(h * (a + b)))
                - height(*(h * (a - b)))
                - height(*(h * (b - a)))
                + height(*(-h * (a + b)))
            )
            / (4 * h * h)
            for a in unit
        ]
        for b in unit
    ]
    np.testing.assert_allclose(model.curvatures(start), np.linalg.eigvalsh(hessian), atol=1e-3)
    assert model.curvatures(start[np.newaxis]).shape == (1, n - 1)


@pytest.mark.parametrize("p", [2, 3, 4])
def test_energies_have_the_covariance_of_the_model(p):
    """N q^p over samples."""
    n = 5
    one, other = states(1, 2, n)
    other = other + one
    other *= math.sqrt(n) / np.linalg.norm(other)
    found = n * np.array([spherical_p_spin(n, p, rng=s).energy([one, other]) for s in range(3000)])
    for i, j, q in ((0, 0, 1.0), (1, 1, 1.0), (0, 1, one @ other / n)):
        products = found[:, i] * found[:, j]
        assert abs(products.mean() - n * q**p) < 4 * products.std() / math.sqrt(len(products))


# Critical points


def test_with_two_spins_a_term_they_are_eigenvectors():
    model = spherical_p_spin(7, 2, rng=3)
    found = critical_points(model, rng=3)
    values = np.linalg.eigvalsh(model.couplings) / math.sqrt(7)
    np.testing.assert_allclose(found.energies, np.repeat(values, 2), atol=1e-12)
    np.testing.assert_array_equal(found.indices, np.repeat(np.arange(7), 2))


@pytest.fixture(scope="module", params=SAMPLES, ids=lambda size: f"N{size[0]}-p{size[1]}")
def landscapes(request):
    """All critical points of samples of one size."""
    n, p = request.param
    return n, p, [critical_points(spherical_p_spin(n, p, rng=s), rng=s) for s in range(SAMPLES[n, p])]


def test_they_are_critical_and_fulfil_morse_and_the_bound(landscapes):
    n, p, found = landscapes
    most = 2 * ((p - 1) ** n - 1) // (p - 2)
    for seed, points in enumerate(found):
        model = spherical_p_spin(n, p, rng=seed)
        assert np.abs(model.gradient(points.states)).max() < 1e-10
        assert 2 <= len(points.energies) <= most
        assert points.euler_characteristic == (2 if n % 2 else 0)
        overlaps = points.states @ points.states.T / n
        assert (overlaps - 2 * np.eye(len(overlaps)) < 1 - 1e-9).all()
        mirrored = np.sort((-1) ** p * points.energies)
        np.testing.assert_allclose(mirrored, points.energies, atol=1e-10)
        negative = (model.curvatures(points.states) < 0).sum(axis=1)
        np.testing.assert_array_equal(points.indices, negative)


def scores(counts, expected):
    """z of the mean number of points over samples."""
    counts = np.array(counts, dtype=float)
    return (counts.mean() - expected) / (counts.std(ddof=1) / math.sqrt(len(counts)))


def test_their_mean_number_is_exact(landscapes):
    """By Kac and Rice: all, below an energy, and of each index."""
    n, p, found = landscapes
    assert abs(scores([len(points.energies) for points in found], mean_critical_points(n, p))) < 4
    low = [int((points.energies <= -0.7).sum()) for points in found]
    assert abs(scores(low, mean_critical_points(n, p, below=-0.7))) < 4
    for index in range((n + 1) // 2):
        counts = [int((points.indices == index).sum()) for points in found]
        assert abs(scores(counts, mean_critical_points(n, p, index=index))) < 4


@pytest.mark.parametrize("seed", range(3))
def test_a_search_that_misses_points_is_seen(seed):
    """With 20 starts only."""
    models = [spherical_p_spin(5, 3, rng=100 * seed + s) for s in range(30)]
    few = [len(critical_points(model, 20, rng=s).energies) for s, model in enumerate(models)]
    assert scores(few, mean_critical_points(5, 3)) < -4


def test_a_wrong_mean_is_seen(landscapes):
    """That of one spin more."""
    n, p, found = landscapes
    assert scores([len(points.energies) for points in found], mean_critical_points(n + 1, p)) < -4


def test_saddles_high_up_have_the_index_of_a_semicircle():
    """At N = 11 on average within 0.05, of samples that have some 400 points each."""
    points = [critical_points(spherical_p_spin(11, 3, rng=s), 3000, rng=s) for s in range(3)]
    energies, indices = (
        np.concatenate([getattr(each, name) for each in points]) for name in ("energies", "indices")
    )
    for low in np.arange(-1.2, 1.2, 0.4):
        here = (low <= energies) & (energies < low + 0.4)
        assert np.mean(indices[here] / 10 - saddle_index(energies[here], 3)) == pytest.approx(0, abs=0.05)


# Descent


@pytest.mark.parametrize("seed", range(10))
def test_descent_ends_in_minima_that_the_search_finds_too(seed):
    model = spherical_p_spin(6, 3, rng=seed)
    found, points = descend(model, 20, rng=seed), critical_points(model, rng=seed)
    assert found.converged.all()
    assert (found.curvatures > 0).all()
    assert (np.diff(found.energies, axis=0) < 1e-12).all()
    minima = points.energies[points.indices == 0]
    assert np.abs(found.energies[-1][:, np.newaxis] - minima).min(axis=1).max() < 1e-8
    assert found.energies[-1].min() == pytest.approx(points.energies[0], abs=1e-8)


def ends(n, n_samples):
    """Mean energy to which descents lead, one sample after another, and its error."""
    energies = [
        descend(spherical_p_spin(n, 3, rng=s), 2, rng=s).energies[-1].mean() for s in range(n_samples)
    ]
    return np.mean(energies), np.std(energies, ddof=1) / math.sqrt(n_samples)


def test_descent_reaches_the_threshold_from_above():
    """Its distance is 1.46 N^(-2/3) from N = 10 on (N = 80: 1.63(13), 120: 1.65(22))."""
    for n, n_samples in ((10, 100), (20, 50), (40, 25)):
        mean, error = ends(n, n_samples)
        assert error < 0.016
        assert abs(mean - (threshold_energy(3) + 1.46 * n ** (-2 / 3))) < 4 * error
        assert mean - threshold_energy(3) > 8 * error


def test_descent_follows_the_flow():
    """Twice as small steps are half as far from what a quarter shows."""
    model, start = spherical_p_spin(12, 3, rng=1), states(1, 1, 12)
    courses = {
        halving: descend(
            model, initial=start, rate=0.04 / halving, n_steps=50 * halving, thin=10 * halving
        ).energies[:, 0]
        for halving in (1, 2, 64)
    }
    one, two = (np.abs(courses[k] - courses[64]).max() for k in (1, 2))
    assert one < 0.05
    assert one / two == pytest.approx(2, abs=0.2)


def test_nothing_given_changes_and_seeds_repeat():
    model, start = spherical_p_spin(8, 3, rng=1), states(2, 3, 8)
    kept = start.copy()
    found = descend(model, initial=start, n_steps=25)
    np.testing.assert_array_equal(start, kept)
    assert found == descend(model, initial=start, n_steps=25)
    assert found.energies.shape == (4, 3)
    assert not found.converged.any()
    assert repr(found).startswith("Descent(3 of 8 spins, 0 converged, mean energy -")
    assert descend(model, 2, rng=5) == descend(model, 2, rng=np.int64(5))
    assert critical_points(model, 300, rng=5) == critical_points(model, 300, rng=5)
    assert (spherical_p_spin(8, 3, rng=1).couplings == model.couplings).all()
    assert (spherical_p_spin(8, 3, rng=2).couplings != model.couplings).any()


def test_the_size_of_couplings_only_scales():
    model = spherical_p_spin(5, 3, rng=4)
    for size in (1e-40, 1e-6, 1e6, 1e40):
        scaled = SphericalPSpin(size * model.couplings)
        one, other = critical_points(model, rng=1), critical_points(scaled, rng=1)
        np.testing.assert_allclose(other.energies, size * one.energies, rtol=1e-9)
        np.testing.assert_array_equal(other.indices, one.indices)


def test_one_spin_has_two_points():
    model = spherical_p_spin(1, 3, rng=1)
    points = critical_points(model, rng=1)
    np.testing.assert_allclose(np.sort(points.states[:, 0]), [-1.0, 1.0], rtol=1e-14)
    np.testing.assert_array_equal(points.indices, 0)
    assert model.curvatures([1.0]).shape == (0,)


def test_a_step_beyond_all_size_says_so():
    with pytest.raises(FloatingPointError, match="no size after 1 steps at the rate 1e\\+300"):
        descend(spherical_p_spin(5, 3, rng=1), rate=1e300, rng=1)


MODEL = spherical_p_spin(3, 3, rng=1)
BAD = [
    (SphericalPSpin, ([1.0, 2.0],), {}, ValueError, "couplings must have from 2 to 12 sides"),
    (SphericalPSpin, ([[1.0, 2.0]],), {}, ValueError, "couplings must have from 2 to 12 sides"),
    (SphericalPSpin, (np.empty((0, 0)),), {}, ValueError, "couplings must have from 2 to 12 sides"),
    (SphericalPSpin, ([[math.inf]],), {}, ValueError, "couplings must be finite; got inf"),
    (SphericalPSpin, ([[1e60]],), {}, ValueError, "couplings must be at most"),
    (SphericalPSpin, ([[1e-60]],), {}, ValueError, "not all below 1e-50; the largest is 1e-60"),
    (SphericalPSpin, ([[True]],), {}, TypeError, "couplings must hold real numbers"),
    (MODEL.energy, ([1.0, 1.0],), {}, ValueError, "states must have 3 numbers each"),
    (MODEL.energy, ([1.0, 1.0, 2.0],), {}, ValueError, "length sqrt\\(3\\); number 0 has 2.449"),
    (MODEL.gradient, ([[1.0, 1.0, math.nan]],), {}, ValueError, "states must be finite; got nan"),
    (MODEL.curvatures, ("abc",), {}, TypeError, "states must hold real numbers"),
    (spherical_p_spin, (0, 3), {}, ValueError, "n must be at least 1; got 0"),
    (spherical_p_spin, (3, 1), {}, ValueError, "p must be at least 2; got 1"),
    (spherical_p_spin, (3, 3.0), {}, TypeError, "p must be an integer; got 3.0"),
    (spherical_p_spin, (1000, 3), {}, ValueError, "n must make at most 2\\*\\*27 couplings"),
    (spherical_p_spin, (3, 3), {"rng": "seed"}, TypeError, "rng must be"),
    (descend, ("model",), {}, TypeError, "model must be a SphericalPSpin; got str"),
    (descend, (MODEL, 0), {}, ValueError, "n_starts must be at least 1; got 0"),
    (descend, (MODEL,), {"initial": [1.0, 1.0]}, ValueError, "states must have 3 numbers each"),
    (descend, (MODEL,), {"initial": np.empty((0, 3))}, ValueError, "initial must hold at least one state"),
    (descend, (MODEL,), {"rate": -1.0}, ValueError, "rate must be positive; got -1.0"),
    (descend, (MODEL,), {"n_steps": 1.5}, TypeError, "n_steps must be an integer; got 1.5"),
    (descend, (MODEL,), {"tolerance": -1.0}, ValueError, "tolerance must be at least 0; got -1.0"),
    (descend, (MODEL,), {"thin": 0}, ValueError, "thin must be at least 1; got 0"),
    (critical_points, (None,), {}, TypeError, "model must be a SphericalPSpin; got NoneType"),
    (critical_points, (MODEL, 0), {}, ValueError, "n_starts must be at least 1; got 0"),
    (critical_points, (SphericalPSpin(np.zeros((2, 2))),), {}, ValueError, "not all 0"),
]


@pytest.mark.parametrize(("function", "arguments", "options", "error", "words"), BAD)
def test_bad_input_is_refused(function, arguments, options, error, words):
    with pytest.raises(error, match=words):
        function(*arguments, **options)
