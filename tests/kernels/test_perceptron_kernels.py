"""Kernels of the perceptron beside NumPy, beside arcs of any width, and the same bits in a page."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from smbook.kernels import perceptron as kernels
from smbook.kernels.rng import seed_state
from smbook.widgets.compiler import WASM
from tests.wasm import Kernels

SEEDS = range(10)
numbers = st.floats(-10, 10, allow_subnormal=False)
sizes = st.integers(1, 9)


def random_examples(seed, n_examples=12, n_inputs=6):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_examples, n_inputs)), rng.choice([-1, 1], n_examples).astype(np.int8)


@given(n=sizes, data=st.data())
def test_an_aligned_field_is_the_label_times_a_product(n, data):
    inputs = data.draw(arrays(np.float64, (3, n), elements=numbers))
    weights = data.draw(arrays(np.float64, n, elements=numbers))
    labels = np.array([1, -1, 1], np.int8)
    found = [kernels.aligned_field(inputs, labels, mu, weights) for mu in range(3)]
    np.testing.assert_allclose(found, labels * (inputs @ weights), atol=1e-11)
    if len(set(found)) == 3:
        assert kernels.weakest(inputs, labels, weights) == np.argmin(found)


@given(inputs=arrays(np.int64, (2, 5), elements=st.integers(-9, 9)), margin=st.integers(0, 99))
def test_a_step_corrects_exactly_up_to_the_margin(inputs, margin):
    """With whole numbers nothing is rounded: y w.x = margin still is a mistake, margin + 1 is not."""
    weights, labels = inputs[1].astype(float), np.array([-1, 1], np.int8)
    mistake = -(inputs[0] @ inputs[1]) <= margin
    after = inputs[1] - mistake * inputs[0]
    assert kernels.perceptron_step(inputs.astype(float), labels, 0, float(margin), weights) == mistake
    np.testing.assert_array_equal(weights, after)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pass_is_a_step_after_the_other_in_the_given_order(seed):
    inputs, labels = random_examples(seed)
    order = np.random.default_rng(seed).permutation(12)[:9]
    weights, one = np.ones(6), np.ones(6)
    made = kernels.perceptron_pass(inputs, labels, order, 0.3, weights)
    assert made == sum(kernels.perceptron_step(inputs, labels, mu, 0.3, one) for mu in order)
    np.testing.assert_array_equal(weights, one)
    assert kernels.perceptron_pass(inputs, labels, order[:0], 0.3, weights) == 0


def dual(inputs, labels, strengths):
    weights = (labels * strengths) @ inputs
    return strengths.sum() - weights @ weights / 2


@pytest.mark.parametrize("rate", [0.3, 1.0, 1.9])
@pytest.mark.parametrize("seed", SEEDS)
def test_each_pass_of_adatron_climbs_with_strengths_of_no_negative_sign(seed, rate):
    inputs, labels = random_examples(seed, 5)
    strengths, weights = np.zeros(5), np.zeros(6)
    heights = []
    for _ in range(30):
        largest = kernels.adatron_pass(inputs, labels, np.arange(5), rate, strengths, weights)
        assert (strengths >= 0).all()
        np.testing.assert_allclose(weights, (labels * strengths) @ inputs, atol=1e-11)
        heights.append(dual(inputs, labels, strengths))
    assert (np.diff(heights) >= -1e-12 * np.abs(heights[1:])).all()
    assert largest >= 0


@pytest.mark.parametrize("seed", SEEDS)
def test_at_rate_1_a_strength_is_the_best_that_it_alone_can_be(seed):
    inputs, labels = random_examples(seed, 4)
    strengths = np.random.default_rng(seed).uniform(0, 1, 4)
    weights = (labels * strengths) @ inputs
    kernels.adatron_pass(inputs, labels, np.array([2]), 1.0, strengths, weights)
    best = dual(inputs, labels, strengths)
    for other in np.linspace(0, 2, 201):
        strengths[2] = other
        assert dual(inputs, labels, strengths) <= best + 1e-12


# Arcs


def angle_of(point):
    return math.atan2(point[1], point[0])


def drawn_on_arc(low, width, seed, n_draws):
    """Where on an arc its points are drawn, from 0 to 1."""
    state, point, found = seed_state(seed), np.empty(2), np.empty(n_draws)
    ends = math.cos(low), math.sin(low), math.cos(low + width), math.sin(low + width)
    for k in range(n_draws):
        kernels.arc_point(*ends, state, point)
        assert point @ point == pytest.approx(1, abs=1e-14)
        found[k] = math.remainder(angle_of(point) - low - width / 2, 2 * math.pi) / width + 0.5
    return found


@pytest.mark.parametrize("width", [1e-4, 0.7, math.pi / 2 - 1e-9, math.pi / 2 + 1e-9, 2.5, math.pi])
@pytest.mark.parametrize("seed", SEEDS)
def test_points_of_an_arc_are_uniform_however_wide_it_is(seed, width):
    found = drawn_on_arc(0.8 * seed - 3.0, width, seed, 2000)
    assert 0 <= found.min() < found.max() <= 1
    assert stats.kstest(found, "uniform").pvalue > 1e-4


def uniform_on_the_tangent(low, width, seed, n_draws):
    """What the points of a narrow arc would be if none of the tangent were sent back."""
    s = (2 * np.random.default_rng([seed, int(low)]).uniform(size=n_draws) - 1) * math.tan(width / 2)
    return np.arctan(s) / width + 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_points_that_are_uniform_on_the_tangent_are_seen(seed):
    found = uniform_on_the_tangent(0.0, math.pi / 2, seed, 6000)
    assert stats.kstest(found, "uniform").pvalue < 1e-4


@pytest.mark.parametrize("seed", SEEDS)
def test_an_arc_ends_where_the_first_answer_becomes_wrong(seed):
    inputs, labels = random_examples(seed, 20)
    weights, direction = np.random.default_rng([seed, 1]).standard_normal((2, 6))
    labels = np.sign(inputs @ weights).astype(np.int8)
    ends = np.empty(4)
    kernels.consistent_arc(inputs, labels, weights, direction, ends)
    low, high = angle_of(ends[:2]), angle_of(ends[2:])
    assert low < 0 < high <= low + math.pi + 1e-12
    angles = np.linspace(-math.pi, math.pi, 2001)
    turned = np.cos(angles)[:, np.newaxis] * weights + np.sin(angles)[:, np.newaxis] * direction
    right = (labels * (turned @ inputs.T) > 0).all(axis=1)
    np.testing.assert_array_equal(right, (low < angles) & (angles < high))


def test_directions_are_uniform_and_at_right_angles():
    weights, state = np.array([1.0, 2.0, 2.0]) / math.sqrt(3), seed_state(1)
    directions = np.empty((5000, 3))
    for direction in directions:
        kernels._draw_direction(state, weights, direction)
    np.testing.assert_allclose(directions @ weights, 0, atol=1e-12)
    np.testing.assert_allclose((directions**2).sum(axis=1), 3, rtol=1e-14)
    across = np.array([[2.0, -2.0, 1.0], [2.0, 1.0, -2.0]]) / 3
    angles = np.arctan2(*(directions @ across.T).T)
    assert stats.kstest(angles / 2 / math.pi + 0.5, "uniform").pvalue > 1e-4


# In a page


@pytest.fixture(scope="module")
def wasm():
    return Kernels(WASM.read_bytes())


@pytest.mark.parametrize("shape", [(1, 1), (12, 2), (7, 9)])
def test_webassembly_learns_the_same_weights_to_the_last_bit(wasm, shape):
    inputs, labels = random_examples(3, *shape)
    order = np.random.default_rng(4).permutation(shape[0])

    def course(step, one_pass, adatron):
        weights, strengths, stable = np.zeros(shape[1]), np.zeros(shape[0]), np.zeros(shape[1])
        made = [step(inputs, labels, 0, 0.1, weights)]
        made += [one_pass(inputs, labels, order, 0.1, weights) for _ in range(5)]
        made += [adatron(inputs, labels, order, 1.2, strengths, stable) for _ in range(5)]
        return np.concatenate([made, weights, strengths, stable])

    found = course(wasm.perceptron_step, wasm.perceptron_pass, wasm.adatron_pass)
    expected = course(kernels.perceptron_step, kernels.perceptron_pass, kernels.adatron_pass)
    np.testing.assert_array_equal(found, expected)
