"""The landscape of p-spins beside the book's digits, closed forms at small N, and drawn random matrices."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.theory.dynamics import (
    complexity,
    ground_state_energy,
    mean_critical_points,
    p_spin,
    saddle_index,
    threshold_energy,
)
from smbook.theory.random_matrices import semicircle_cumulative

# Theory notes of the book: p, E_infinity, E_0.
DIGITS = [(3, 1.6329932, 1.6569984), (4, 1.7320508, 1.7940850), (5, 1.7888544, 1.8879888)]
orders = st.integers(2, 12)


@pytest.mark.parametrize(("p", "threshold", "ground"), DIGITS)
def test_the_digits(p, threshold, ground):
    assert threshold_energy(p) == pytest.approx(-threshold, abs=5.1e-8)
    assert ground_state_energy(p) == pytest.approx(-ground, abs=5.1e-8)
    assert complexity(ground_state_energy(p), p) == pytest.approx(0, abs=1e-14)


def test_the_complexity_at_the_threshold():
    assert complexity(threshold_energy(3), 3) == pytest.approx(0.0132403, abs=5.1e-8)
    for p in range(2, 9):
        expected = math.log(p - 1) / 2 - (p - 2) / p
        for index in (None, 0, 1, 7):
            assert complexity(threshold_energy(p), p, index=index) == pytest.approx(expected, abs=1e-15)


@given(p=orders, u=st.floats(-4, 4), index=st.integers(0, 5))
def test_the_complexity_is_the_formula_of_the_notes(p, u, index):
    edge = 2 * math.sqrt((p - 1) / p)
    size = max(abs(u), edge)
    root = math.sqrt(size**2 - edge**2)
    excess = size / edge**2 * root - math.log(size + root) + math.log(edge)
    expected = math.log(p - 1) / 2 - (p - 2) / (4 * (p - 1)) * u**2 - excess
    assert complexity(u, p) == pytest.approx(expected, abs=1e-12)
    if u < -edge:
        assert complexity(u, p, index=index) == pytest.approx(expected - index * excess, abs=1e-12)
    elif u > -edge + 1e-15:
        assert complexity(u, p, index=index) == -math.inf


def test_two_spins_a_term_have_no_landscape():
    assert ground_state_energy(2) == threshold_energy(2) == pytest.approx(-math.sqrt(2), abs=1e-15)
    np.testing.assert_array_equal(complexity([-1.4, 0.0, 1.0], 2), 0.0)


def test_ground_states_sink_with_p_and_lie_below_the_threshold():
    energies = [ground_state_energy(p) for p in (2, 3, 4, 10, 100, 1000)]
    assert (np.diff(energies) < 0).all()
    assert all(ground_state_energy(p) < threshold_energy(p) for p in range(3, 30))


@given(p=orders, u=st.floats(-3, 3))
def test_the_saddle_index_is_the_share_of_a_shifted_semicircle(p, u):
    expected = semicircle_cumulative(p * u, p * (p - 1))
    assert saddle_index(u, p) == pytest.approx(expected, abs=1e-12)


# Numbers at finite N


@given(p=st.integers(2, 60))
def test_closed_forms_of_one_and_two_spins(p):
    """Two points; and on a circle the zeros of a Gaussian process, by its derivatives at 0 (Rice)."""
    assert mean_critical_points(1, p) == pytest.approx(2, rel=1e-12)
    assert mean_critical_points(2, p) == pytest.approx(2 * math.sqrt(3 * p - 2), rel=1e-12)
    assert mean_critical_points(2, p, index=0) == pytest.approx(math.sqrt(3 * p - 2), rel=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 31, 64, 400])
def test_two_spins_a_term_have_two_points_of_each_index(n):
    assert mean_critical_points(n, 2) == pytest.approx(2 * n, rel=1e-12)
    for index in {0, min(1, n - 1), n - 1} if n <= 31 else {0} if n <= 64 else ():
        assert mean_critical_points(n, 2, index=index) == pytest.approx(2, rel=1e-9)


@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 9), p=st.integers(2, 6), below=st.floats(-3, 3))
def test_indices_add_up_to_all_at_every_energy(n, p, below):
    each = [mean_critical_points(n, p, index=k, below=below) for k in range(n)]
    total = mean_critical_points(n, p)
    assert sum(each) == pytest.approx(mean_critical_points(n, p, below=below), abs=1e-10 * total)
    above = [mean_critical_points(n, p, index=k, below=-below) for k in range(n)]  # of -H
    for one, other, k in zip(each, above[::-1], range(n), strict=True):
        whole = mean_critical_points(n, p, index=k)
        assert one + other == pytest.approx(whole, abs=1e-9 * total)


@pytest.mark.parametrize(("n", "p"), [(12, 3), (25, 4), (60, 3)])
def test_half_of_all_lie_below_energy_zero(n, p):
    assert mean_critical_points(n, p, below=0.0) == pytest.approx(mean_critical_points(n, p) / 2, rel=1e-11)


def drawn(seed, n, n_draws):
    """Eigenvalues of Gaussian symmetric matrices, of variance 1 on the diagonal and 1/2 beside it."""
    matrices = np.random.default_rng(seed).standard_normal((n_draws, n, n))
    return np.linalg.eigvalsh((matrices + matrices.transpose(0, 2, 1)) / 2)


@pytest.mark.parametrize(("n", "p", "below"), [(3, 3, math.inf), (5, 3, -1.3), (6, 4, -1.0), (7, 5, 0.2)])
def test_numbers_are_means_over_random_matrices(n, p, below):
    """The formula of Auffinger, Ben Arous and Cerny as it stands, for all and for each index."""
    values, c = drawn(n, n, 40_000), (p - 2) / (2 * p)
    counted = np.exp(-c * values**2) * (values <= below * math.sqrt(p * n / (2 * (p - 1))))
    heaviest = 2 * math.sqrt(2 / p) * (p - 1) ** (n / 2)
    counted *= heaviest
    for index in (*range(n), None):
        terms = counted.sum(axis=1) if index is None else counted[:, index]
        error = terms.std() / math.sqrt(len(terms))
        assert abs(
            terms.mean() - mean_critical_points(n, p, index=index, below=below)
        ) < 4 * error + 10 * heaviest / len(terms)


@pytest.mark.parametrize("n", [4, 7])
def test_how_many_eigenvalues_lie_below(n):
    """All of the law, between and beyond the levels."""
    values = drawn(n + 50, n, 40_000)
    places = np.linspace(-1.3, 1.3, 7) * math.sqrt(2 * n)
    for k in range(n):
        share = (values[:, k, np.newaxis] <= places).mean(axis=0)
        exact = p_spin._more_below(n, k, places)
        error = np.sqrt(np.maximum(exact * (1 - exact), 1e-12) / len(values))
        assert (np.abs(share - exact) < 4 * error + 10 / len(values)).all()


@pytest.mark.parametrize("n", [9, 20])
def test_a_small_circle_finds_the_same_as_the_full_one(n, monkeypatch):
    places = np.linspace(-1.2, 1.2, 9) * math.sqrt(2 * n)
    few = [p_spin._more_below(n, k, places) for k in (1, 2, 3)]
    monkeypatch.setattr(p_spin, "_FEW", 0)
    np.testing.assert_allclose(few, [p_spin._more_below(n, k, places) for k in (1, 2, 3)], atol=1e-9)


@pytest.mark.parametrize("p", [3, 4, 6])
def test_the_number_of_all_grows_as_half_the_logarithm_of_p_minus_one(p):
    """Laplace's method at x = 0: (p - 1)^(N/2) 4 sqrt(2 N / (pi (p - 2))), up to the order 1 / N."""
    for n, within in ((50, 0.05), (200, 0.0125)):
        exact = math.log(mean_critical_points(n, p))
        leading = n * math.log(p - 1) / 2 + math.log(4 * math.sqrt(2 * n / (math.pi * (p - 2))))
        assert abs(exact - leading) < within
        assert abs(exact / n - math.log(p - 1) / 2) < 2.5 * math.log(n) / n


def rate(p, size, *, index=None, below=math.inf):
    """The slope of ln of the number by N, near `size`."""
    one, other = (mean_critical_points(n, p, index=index, below=below) for n in (size - 20, size))
    return math.log(other / one) / 20


@pytest.mark.parametrize("u", [-1.65, -1.5, -1.0, -0.3])
def test_numbers_below_an_energy_grow_at_its_complexity(u):
    assert rate(3, 400, below=u) == pytest.approx(complexity(u, 3), abs=3e-3)


def test_minima_grow_at_their_complexity():
    """Corrections fall like N^(-2/3): 0.05 at N = 64."""
    expected = complexity(threshold_energy(3), 3, index=0)
    apart = [rate(3, n, index=0) - expected for n in (34, 64)]
    assert 0 < apart[1] < 0.8 * apart[0] < 0.1


def test_what_is_no_float_says_so():
    with pytest.raises(OverflowError, match="400 spins and p = 1000"):
        mean_critical_points(400, 1000)
    assert mean_critical_points(10, 3, below=-100.0) == 0.0
    assert mean_critical_points(10, 3, index=0, below=-1e300) == 0.0


BAD = [
    (threshold_energy, (1,), {}, ValueError, "p must be at least 2; got 1"),
    (threshold_energy, (3.0,), {}, TypeError, "p must be an integer; got 3.0"),
    (ground_state_energy, (2000,), {}, ValueError, "p must be at most 1000; got 2000"),
    (complexity, ("a", 3), {}, TypeError, "energy must hold real numbers"),
    (complexity, (math.nan, 3), {}, ValueError, "energy must be finite; got nan"),
    (complexity, (1e200, 3), {}, ValueError, "energy must be at most"),
    (complexity, (1.0, 3), {"index": -1}, ValueError, "index must be at least 0; got -1"),
    (saddle_index, (np.ma.masked_array([1.0], [True]), 3), {}, TypeError, "masked"),
    (mean_critical_points, (0, 3), {}, ValueError, "n must be at least 1; got 0"),
    (mean_critical_points, (401, 3), {}, ValueError, "n must be at most 400; got 401"),
    (mean_critical_points, (65, 3), {"index": 0}, ValueError, "n must be at most 64; got 65"),
    (mean_critical_points, (4, 3), {"index": 4}, ValueError, "index must be at most 3; got 4"),
    (mean_critical_points, (4, 3), {"index": True}, TypeError, "index must be an integer; got True"),
    (mean_critical_points, (4, 3), {"below": math.nan}, ValueError, "below must be finite; got nan"),
    (mean_critical_points, (4, 3), {"below": -math.inf}, ValueError, "below must be finite; got -inf"),
    (mean_critical_points, (4, 3), {"below": "low"}, TypeError, "below must be a real number"),
]


@pytest.mark.parametrize(("function", "arguments", "options", "error", "words"), BAD)
def test_bad_input_is_refused(function, arguments, options, error, words):
    with pytest.raises(error, match=words):
        function(*arguments, **options)
