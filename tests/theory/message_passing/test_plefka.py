"""Plefka's series against the exact Legendre transform of small networks, order by order."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from smbook.theory.message_passing import plefka_free_energy

STATES = {n: np.array(list(itertools.product([-1.0, 1.0], repeat=n))) for n in (2, 3, 4)}


def exact_free_energy(couplings, fields, m, beta):
    """Return beta G = -min_x [ln Z(x) - x.m] - beta h.m, x the fields that hold the means at m."""
    states = STATES[m.size]
    energies = beta * np.einsum("ki,ij,kj->k", states, couplings, states) / 2
    x = np.arctanh(m)
    for _ in range(60):
        exponents = energies + states @ x
        weights = np.exp(exponents - exponents.max())
        weights /= weights.sum()
        means = weights @ states
        covariance = (states * weights[:, None]).T @ states - np.outer(means, means)
        step = np.linalg.solve(covariance, m - means)
        x += step
        if abs(step).max() < 1e-14:
            break
    exponents = energies + states @ x
    return -(np.logaddexp.reduce(exponents) - x @ m) - beta * fields @ m


def drawn(n, seed):
    """Return couplings, fields and means that are neither small nor near 1."""
    random = np.random.default_rng(seed)
    upper = np.triu(random.normal(size=(n, n)), 1)
    return upper + upper.T, random.normal(size=n), random.uniform(-0.8, 0.8, size=n)


def rest_is_of_the_next_order(order, seed, change=0.0):
    """Tell whether the rest over beta^(order + 1) tends to a limit as beta goes to 0.

    What is of one order higher still is taken away by comparing halves. `change` is added to the coefficient
    of beta^order.
    """
    couplings, fields, m = drawn(4, seed)
    betas = 0.04, 0.02, 0.01
    leading = [
        (
            exact_free_energy(couplings, fields, m, beta)
            - plefka_free_energy(couplings, fields, m, beta, order=order)
            - change * beta**order
        )
        / beta ** (order + 1)
        for beta in betas
    ]
    limits = 2 * leading[1] - leading[0], 2 * leading[2] - leading[1]
    size = abs(couplings).max() ** (order + 1)
    return abs(limits[1] - limits[0]) < 0.03 * (abs(limits[1]) + 0.03 * size)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("order", [1, 2, 3])
def test_each_order_leaves_a_rest_of_the_next(seed, order):
    """A coefficient that is wrong by .01 would be seen."""
    assert rest_is_of_the_next_order(order, seed)
    assert not rest_is_of_the_next_order(order, seed, change=0.01)


def test_the_third_order_of_a_triangle_and_of_an_edge():
    """The coefficients of beta^3 from the exact transform, by Richardson's differences."""
    triangle = np.array([[0.0, 0.5, -0.7], [0.5, 0.0, 0.9], [-0.7, 0.9, 0.0]])
    m = np.array([0.3, -0.4, 0.6])
    for couplings in (triangle, triangle * [[0, 1, 0], [1, 0, 0], [0, 0, 0]]):
        rest = [
            sum(
                sign
                * (
                    exact_free_energy(couplings, np.zeros(3), m, sign * beta)
                    - plefka_free_energy(sign * couplings, 0.0, m, beta, order=2)
                )
                for sign in (-1, 1)
            )
            / (2 * beta**3)
            for beta in (0.08, 0.04)
        ]
        found = (4 * rest[1] - rest[0]) / 3
        third = plefka_free_energy(couplings, 0.0, m, 1.0, order=3)
        assert abs(found - (third - plefka_free_energy(couplings, 0.0, m, 1.0, order=2))) < 2e-5


@given(st.integers(0, 10**6), st.floats(0, 3))
def test_the_first_order_is_never_below_the_truth(seed, beta):
    """Jensen: the exact G is that of first order or less, and so is -ln Z."""
    couplings, fields, m = drawn(3, seed)
    first = plefka_free_energy(couplings, fields, m, beta, order=1)
    states = STATES[3]
    exponents = beta * (np.einsum("ki,ij,kj->k", states, couplings, states) / 2 + states @ fields)
    assert first >= -np.logaddexp.reduce(exponents) - 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_the_slope_of_the_second_order_is_the_equations_of_tap(seed):
    couplings, fields, m = drawn(4, seed)
    beta, slopes = 0.7, []
    for i in range(4):
        shift = 1e-5 * np.eye(4)[i]
        above, below = (
            plefka_free_energy(couplings, fields, m + sign * shift, beta, order=2) for sign in (1, -1)
        )
        slopes.append((above - below) / 2e-5)
    reaction = beta * m * (couplings**2 @ (1 - m**2))
    expected = np.arctanh(m) - beta * (fields + couplings @ m - reaction)
    np.testing.assert_allclose(slopes, expected, atol=1e-8)
    assert abs(np.array(slopes) - (expected - 2 * beta * reaction)).max() > 1e-3  # the wrong sign


def test_spins_that_are_sure_have_no_entropy_and_no_reaction():
    couplings, fields, _ = drawn(4, 1)
    spins = np.array([1.0, -1.0, -1.0, 1.0])
    energy = -spins @ couplings @ spins / 2 - fields @ spins
    for order in (1, 2, 3):
        assert plefka_free_energy(couplings, fields, spins, 2.0, order=order) == pytest.approx(2 * energy)


def test_sparse_and_dense_couplings_and_one_field_agree():
    couplings, _, m = drawn(4, 2)
    found = {
        plefka_free_energy(form, field, m, 0.5, order=3)
        for form in (couplings, sparse.csr_array(couplings), couplings.tolist())
        for field in (0.2, np.full(4, 0.2))
    }
    assert np.ptp(list(found)) < 1e-14
    assert plefka_free_energy(couplings, 0.0, np.zeros(4), 0.0, order=3) == pytest.approx(-4 * math.log(2))


PAIR = [[0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"order": 0}, ValueError, "order must be at least 1; got 0"),
        ({"order": 4}, ValueError, "order must be at most 3; got 4"),
        ({"order": 2.0}, TypeError, "order must be an integer; got 2.0"),
        ({"beta": math.nan}, ValueError, "beta must be finite; got nan"),
        ({"beta": -1}, ValueError, "beta must be at least 0; got -1"),
        ({"beta": 1e200}, ValueError, r"overflows; got beta=1e\+200, couplings up to 1"),
        ({"magnetization": [0.0, 1.5]}, ValueError, "from -1 to 1; got 1.5"),
        ({"magnetization": [0.0]}, ValueError, r"2 numbers, one a spin; got shape \(1,\)"),
        ({"magnetization": [0.0, math.nan]}, ValueError, "magnetization must be finite; got nan"),
        ({"fields": [0.0, 1.0, 2.0]}, ValueError, r"one number or 2, .*; got shape \(3,\)"),
        ({"fields": math.inf}, ValueError, "fields must be finite; got inf"),
        ({"couplings": [[0.0, 1.0], [0.5, 0.0]]}, ValueError, r"symmetric; got 1.0 at \(0, 1\) and 0.5 back"),
        ({"couplings": [[0.0, 1.0], [1.0, 2.0]]}, ValueError, r"zero diagonal; got 2.0 at \(1, 1\)"),
        ({"couplings": [[0.0, math.nan], [math.nan, 0.0]]}, ValueError, "couplings must be finite; got nan"),
        ({"couplings": [1.0, 2.0]}, ValueError, r"square matrix; got shape \(2,\)"),
        ({"couplings": "J"}, TypeError, "couplings must hold real numbers"),
    ],
)
def test_bad_arguments_are_refused(change, error, message):
    arguments = {"couplings": PAIR, "fields": 0.0, "magnetization": [0.1, 0.2], "beta": 1.0, "order": 3}
    arguments |= change
    with pytest.raises(error, match=message):
        plefka_free_energy(**arguments)
