"""Passes of Hebb's rule and of Oja's beside their definitions, and what Oja's makes of a single example."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.kernels.hebbian import hebb_pass, oja_pass, respond

seeds = st.integers(0, 10**6)


def by_definition(rule, inputs, order, rate, weights):
    w = weights.copy()
    for mu in order:
        y = float(w @ inputs[mu])
        w = w + rate * y * (inputs[mu] - (y * w if rule is oja_pass else 0.0))
    return w


def passed(rule, inputs, order, rate, weights):
    found = np.array(weights, dtype=float)
    rule(inputs, np.array(order, dtype=np.int64), rate, found)
    return found


@pytest.mark.parametrize("rule", [hebb_pass, oja_pass])
@given(st.integers(1, 6), st.integers(1, 5), st.floats(0.0, 0.1), seeds)
def test_a_pass_is_that_of_the_definition(rule, p, n, rate, seed):
    random = np.random.default_rng(seed)
    inputs, weights, order = random.normal(size=(p, n)), random.normal(size=n), random.integers(p, size=3)
    kept = inputs.copy(), weights.copy(), order.copy()
    found = passed(rule, inputs, order, rate, weights)
    expected = by_definition(rule, inputs, order, rate, weights)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    for array, before in zip((inputs, weights, order), kept, strict=True):
        assert array.tolist() == before.tolist()


def test_the_order_counts_and_is_kept():
    inputs = np.array([[1.0, 0.0], [1.0, 1.0]])
    one, other = (passed(oja_pass, inputs, order, 0.5, [1.0, 0.0]).tolist() for order in ([0, 1], [1, 0]))
    assert one == [1.0, 0.5]
    assert other == [1.0, 0.5 - 0.25]


def test_the_response_is_a_sum():
    assert respond(np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.5, -1.0])) == -1.0


@pytest.mark.parametrize("rule", [hebb_pass, oja_pass])
def test_no_weights_stay_none_and_no_examples_change_nothing(rule):
    inputs = np.ones((3, 2))
    assert passed(rule, inputs, [0, 1, 2], 0.5, [0.0, 0.0]).tolist() == [0.0, 0.0]
    assert passed(rule, inputs, [], 0.5, [3.0, 1.0]).tolist() == [3.0, 1.0]


@given(st.floats(0.01, 2.0), st.floats(-3.0, 3.0), st.floats(0.1, 5.0))
def test_along_a_single_example_ojas_rule_is_a_cubic_map(size, w, length):
    """With a = rate |x|^2 the component u = w.x/|x| goes to u (1 + a (1 - u^2))."""
    found = passed(oja_pass, np.array([[length]]), [0], size / length**2, [w])
    assert found[0] == pytest.approx(w * (1 + size * (1 - w**2)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("size", "runs_away"), [(0.5, False), (1.5, False), (1.99, False), (2.01, True)])
def test_one_example_drives_weights_away_if_the_rate_is_over_the_bound(size, runs_away):
    """The largest value of the cubic map is sqrt(4 (1 + a)^3 / 27 a), which passes sqrt(1 + 2/a) at a = 2."""
    found = passed(oja_pass, np.ones((1, 1)), [0] * 20_000, size, [0.3])
    assert math.isfinite(found[0]) != runs_away


@given(seeds, st.floats(0.01, 2.0), st.floats(0.0, 1.0))
def test_weights_stay_within_the_bound(seed, size, start):
    """Of |w|^2 <= 1 + 2/a with a = rate R^2 <= 2.

    An example with rate |x|^2 = b <= a and q = rate y^2 <= b |w|^2 <= a + 2 takes |w|^2 to |w|^2 (1 - q)^2 +
    q (2 + b - 2 q), which grows with |w|^2 and b: at most 1 + 2/a - q (2 - a)(2 + a - q)/a.
    """
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(6, 3)) * random.exponential(size=(6, 1))
    rate, bound = size / (inputs**2).sum(axis=1).max(), 1 + 2 / size
    weights = random.normal(size=3)
    weights *= math.sqrt(start * bound) / np.linalg.norm(weights)
    for _ in range(40):
        weights = passed(oja_pass, inputs, random.integers(6, size=1), rate, weights)
        assert weights @ weights <= bound * (1 + 1e-9)


def test_outside_of_the_bound_weights_run_away():
    """Along a single example from a hundredth beyond it, at any rate."""
    for size in (0.1, 1.0, 1.9):
        for factor, finite in ((0.99, True), (1.01, False)):
            start = math.sqrt(1 + 2 / size) * factor
            found = passed(oja_pass, np.ones((1, 1)), [0] * 5000, size, [start])
            assert math.isfinite(found[0]) == finite
