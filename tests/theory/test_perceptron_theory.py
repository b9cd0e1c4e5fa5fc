"""Cover's count beside its recursion, its probability up to a million points, and Novikoff's bound."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaln, logsumexp, ndtr

from smbook.theory import perceptron as theory

# P(separable) of random labels, by N and P: theory notes of the book, six digits.
PROBABILITIES = {
    10: {10: 1.0, 15: 0.910217, 20: 0.5, 25: 0.153728, 30: 0.030714},
    50: {75: 0.998314, 100: 0.5, 125: 0.012185},
}
counts = st.integers(1, 60)


@pytest.mark.parametrize(
    ("p", "n", "count"),
    [(1, 1, 2), (5, 1, 2), (2, 2, 4), (3, 2, 6), (4, 2, 8), (4, 3, 14), (6, 3, 32), (5, 4, 30), (8, 4, 128)],
)
def test_small_counts(p, n, count):
    """N = 1 has two, N = 2 has 2 P, and of the 16 tables of two inputs and a constant one unit makes 14."""
    assert theory.cover_count(p, n) == count


@given(p=counts, n=counts)
def test_a_point_more_splits_what_a_plane_through_it_makes(p, n):
    """C(P + 1, N) = C(P, N) + C(P, N - 1), where no plane of dimension 0 makes any."""
    below = theory.cover_count(p, n - 1) if n > 1 else 0
    assert theory.cover_count(p + 1, n) == theory.cover_count(p, n) + below


@given(p=counts, n=counts)
def test_the_count_is_the_sum_of_binomials(p, n):
    assert theory.cover_count(p, n) == 2 * sum(math.comb(p - 1, k) for k in range(n))
    assert theory.cover_count(p, n) <= 2**p


@pytest.mark.parametrize("n", [1, 2, 10, 100, 2000])
def test_half_of_all_labelings_at_twice_as_many_points_as_inputs(n):
    assert theory.cover_count(2 * n, n) == 2 ** (2 * n - 1)
    assert theory.separable_probability(2 * n, n) == 0.5


def test_one_fewer_term_is_another_count():
    """A sum that ends at N - 2, as if P - 1 points were free, misses the half."""
    wrong = 2 * sum(math.comb(19, k) for k in range(9))
    assert wrong != theory.cover_count(20, 10) == 2**19


@pytest.mark.parametrize("n", list(PROBABILITIES))
def test_known_probabilities(n):
    for p, value in PROBABILITIES[n].items():
        assert theory.separable_probability(p, n) == pytest.approx(value, abs=6e-7)


@given(p=st.integers(1, 900), n=st.integers(1, 500))
def test_the_probability_is_the_count_over_all(p, n):
    """Within 1e-12 of itself, down to 2^(1 - P)."""
    exact = Fraction(theory.cover_count(p, n), 2**p)
    assert theory.separable_probability(p, n) == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize("n", [480_000, 490_000, 499_000, 499_999, 500_000, 500_001, 500_500, 505_000])
def test_a_million_points(n):
    """Beside sums of logarithms of up to 10^7, which leave 1e-9, and beside the normal limit."""
    p = 10**6
    heads = np.arange(max(0, n - 40_000), n)
    terms = gammaln(p) - gammaln(heads + 1) - gammaln(p - heads) - (p - 1) * math.log(2)
    found = theory.separable_probability(p, n)
    assert found == pytest.approx(math.exp(logsumexp(terms)), rel=1e-7)
    if abs(n - 500_000) <= 5_000:
        assert found == pytest.approx(ndtr((2 * n - p) / math.sqrt(p)), rel=1e-4)


def test_far_out_probabilities_are_sure():
    assert theory.separable_probability(10**6, 10**6) == 1.0
    assert theory.separable_probability(10**6, 10) == 0.0
    assert theory.separable_probability(10**15, 5 * 10**14) == 0.5
    assert theory.separable_probability(3, 10**18) == 1.0


def test_numbers_and_arrays():
    found = theory.separable_probability([[10], [20]], [5, 10, 20])
    assert found.shape == (2, 3)
    assert found[0, 0] == found[1, 1] == 0.5
    assert (found[:, -1] == 1).all()
    assert type(theory.separable_probability(3, 2)) is float
    assert theory.separable_probability(np.array([], dtype=int), 2).shape == (0,)
    assert theory.novikoff_bound([1.0, 2.0], 0.5).tolist() == [4.0, 16.0]
    assert type(theory.novikoff_bound(1, 1)) is float


@given(radius=st.floats(1e-100, 1e100), share=st.floats(1e-3, 1), scale=st.floats(1e-3, 1e3))
def test_the_bound_has_no_unit_and_is_at_least_one(radius, share, scale):
    found = theory.novikoff_bound(radius, share * radius)
    assert found == pytest.approx(share**-2, rel=1e-9)
    assert found >= 1.0
    assert theory.novikoff_bound(scale * radius, scale * share * radius) == pytest.approx(found, rel=1e-9)


def perceptron(inputs, labels, order):
    """Return the number of mistakes of the rule until it makes none."""
    weights, mistakes = np.zeros(inputs.shape[1]), 0
    while True:
        before = mistakes
        for mu in order:
            if labels[mu] * (weights @ inputs[mu]) <= 0:
                weights += labels[mu] * inputs[mu]
                mistakes += 1
        if mistakes == before:
            return mistakes


@given(seed=st.integers(0, 2**32), p=st.integers(1, 12), n=st.integers(1, 5), gap=st.floats(0.02, 1.0))
def test_the_rule_keeps_to_the_bound_on_every_run(seed, p, n, gap):
    rng = np.random.default_rng(seed)
    inputs, teacher = rng.standard_normal((p, n)), rng.standard_normal(n)
    teacher /= np.linalg.norm(teacher)
    labels = np.sign(inputs @ teacher)
    inputs += gap * np.outer(labels, teacher)
    margin = (labels * (inputs @ teacher)).min()
    radius = np.linalg.norm(inputs, axis=1).max()
    assert perceptron(inputs, labels, rng.permutation(p)) <= theory.novikoff_bound(radius, margin)


def test_orthogonal_examples_reach_the_bound():
    """Each is mistaken once, and R^2 / kappa^2 = P."""
    for p in (1, 2, 7):
        assert perceptron(np.eye(p), np.ones(p), range(p)) == p
        assert theory.novikoff_bound(1.0, 1.0 / math.sqrt(p)) == pytest.approx(p)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: theory.cover_count(0, 2), ValueError, "n_points must be at least 1; got 0"),
        (lambda: theory.cover_count(100_001, 2), ValueError, "n_points must be at most 100000; got 100001"),
        (lambda: theory.cover_count(4, 0), ValueError, "n_inputs must be at least 1; got 0"),
        (lambda: theory.cover_count(4.0, 2), TypeError, r"n_points must be an integer; got 4\.0"),
        (lambda: theory.cover_count(4, True), TypeError, "n_inputs must be an integer; got True"),
        (lambda: theory.cover_count([4], 2), TypeError, "n_points must be an integer"),
        (lambda: theory.separable_probability(4.5, 2), TypeError, "n_points must hold integers"),
        (lambda: theory.separable_probability(4, "2"), TypeError, "n_inputs must hold integers"),
        (lambda: theory.separable_probability(4, True), TypeError, "n_inputs must hold integers"),
        (lambda: theory.separable_probability([3, -4], 2), ValueError, "n_points must be at least 1; got -4"),
        (
            lambda: theory.separable_probability(np.ma.array([1, 2], mask=[0, 1]), 2),
            TypeError,
            "n_points must hold integers; got a masked array",
        ),
        (
            lambda: theory.separable_probability([1, 2], [1, 2, 3]),
            ValueError,
            r"n_points and n_inputs must broadcast; got \(2,\) and \(3,\)",
        ),
        (lambda: theory.novikoff_bound(1.0, 0.0), ValueError, r"margin must be positive; got 0\.0"),
        (lambda: theory.novikoff_bound(-1.0, 0.5), ValueError, r"radius must be positive; got -1\.0"),
        (lambda: theory.novikoff_bound(1.0, math.nan), ValueError, "margin must be finite; got nan"),
        (lambda: theory.novikoff_bound(math.inf, 1.0), ValueError, "radius must be finite; got inf"),
        (lambda: theory.novikoff_bound("1", 1.0), TypeError, "radius must hold real numbers"),
        (
            lambda: theory.novikoff_bound([3.0, 1.0], 2.0),
            ValueError,
            r"margin must be at most radius, 1\.0; got 2\.0",
        ),
        (lambda: theory.novikoff_bound([1, 2], [1, 1, 1]), ValueError, "radius and margin must broadcast"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
