"""Networks of several layers, unit by unit in plain Python, and descent; the same bits in a page."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from smbook.kernels import multilayer as kernels
from smbook.kernels.multilayer import CROSS, IDENTITY, LOGISTIC, RELU, SQUARED, TANH
from smbook.kernels.rng import seed_state
from smbook.widgets.compiler import WASM
from tests.wasm import Kernels

PHI = {IDENTITY: lambda x: x, TANH: math.tanh, RELU: lambda x: max(x, 0.0), LOGISTIC: expit}
reals = st.floats(-700.0, 700.0)


def n_parameters(widths):
    return sum((a + 1) * b for a, b in itertools.pairwise(widths))


def drawn(widths, n_rows, loss, seed):
    """Return theta, inputs and targets."""
    rng = np.random.default_rng(seed)
    targets = rng.standard_normal((n_rows, widths[-1]))
    if loss == CROSS:
        targets = np.where(targets > 0, 1.0, -1.0)
    return rng.standard_normal(n_parameters(widths)), rng.standard_normal((n_rows, widths[0])), targets


def room(widths, n_rows):
    units = sum(widths[1:])
    return np.full((n_rows, units), np.nan), np.full(units, np.nan), np.full(n_parameters(widths), np.nan)


def plainly(widths, activation, theta, example):
    """Return what all units answer to one example."""
    start, before, answers = 0, list(example), []
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(widths)):
        biases = start + n_in * n_out
        fields = [
            theta[biases + i] + sum(theta[start + i * n_in + j] * before[j] for j in range(n_in))
            for i in range(n_out)
        ]
        last = layer == len(widths) - 2
        before = fields if last else [PHI[activation](x) for x in fields]
        answers += before
        start = biases + n_out
    return answers


@given(
    widths=st.lists(st.integers(1, 4), min_size=2, max_size=5),
    activation=st.sampled_from(list(PHI)),
    seed=st.integers(0, 1000),
)
def test_units_answer_as_their_definition_says(widths, activation, seed):
    theta, inputs, _ = drawn(widths, 3, SQUARED, seed)
    answers = room(widths, 4)[0]
    kernels.forward(np.array(widths), activation, theta, inputs, answers)
    expected = [plainly(widths, activation, theta, row) for row in inputs]
    np.testing.assert_allclose(answers[:3], expected, rtol=1e-12, atol=1e-13)
    assert np.isnan(answers[3]).all()


@given(x=reals)
def test_activations(x):
    for activation, phi in PHI.items():
        assert kernels.respond(activation, x) == pytest.approx(float(phi(x)), rel=1e-14, abs=1e-300)


def test_activations_far_out():
    assert kernels.respond(LOGISTIC, -1e4) == 0.0
    assert kernels.respond(LOGISTIC, 1e4) == kernels.respond(TANH, 1e4) == 1.0
    assert kernels.respond(RELU, 0.0) == kernels.respond(RELU, -1e300) == 0.0


@given(output=st.floats(-1e5, 1e5), target=st.sampled_from([-1.0, 1.0]))
def test_the_logistic_loss_never_overflows(output, target):
    """To 1e-14 of itself, where ln(1 + e^x) written out would be infinite or 0."""
    found = kernels.mean_loss(CROSS, np.array([[target]]), np.array([[output]]))
    assert found == pytest.approx(np.logaddexp(0.0, -target * output), rel=1e-14)
    assert (found > 0.0) == (target * output < 745.2)


def test_the_loss_is_a_mean_over_examples_and_a_sum_over_outputs():
    outputs, targets = np.array([[9.9, 1.0, 2.0], [9.9, 3.0, 5.0]]), np.array([[0.0, 0.0], [0.0, 1.0]])
    assert kernels.mean_loss(SQUARED, targets, outputs) == (1 + 4 + 9 + 16) / 4


@pytest.mark.parametrize("loss", [SQUARED, CROSS])
@pytest.mark.parametrize("activation", list(PHI))
@pytest.mark.parametrize("widths", [(2, 1), (3, 4, 1), (1, 2, 3, 1), (2, 3, 2, 4, 1)])
def test_the_gradient_by_differences(widths, activation, loss):
    theta, inputs, targets = drawn(widths, 5, loss, 1)
    sizes, gradient = np.array(widths), np.full(theta.size, np.nan)
    answers, deltas, _ = room(widths, 5)

    def level(parameters):
        kernels.forward(sizes, activation, parameters, inputs, answers)
        return kernels.mean_loss(loss, targets, answers)

    found = kernels.backward(sizes, activation, loss, theta, inputs, targets, answers, deltas, gradient)
    assert found == pytest.approx(level(theta), rel=1e-15)
    for k, step in enumerate(np.eye(theta.size) * 1e-6):
        assert gradient[k] == pytest.approx((level(theta + step) - level(theta - step)) / 2e-6, abs=2e-8)


def test_a_rectified_unit_at_its_kink_passes_nothing_back():
    theta, gradient = np.array([1.0, 0.0, 1.0, 0.0]), np.empty(4)
    args = np.array([1, 1, 1]), RELU, SQUARED, theta, np.array([[0.0]]), np.array([[1.0]])
    kernels.backward(*args, np.empty((1, 2)), np.empty(2), gradient)
    assert gradient.tolist() == [0.0, 0.0, 0.0, -1.0]


def course(descend, n_steps, *, n_batch=3, parts=1, momentum=0.6, loss=CROSS, seed=4):
    """Return theta, velocity, order, state and losses after steps made in so many calls."""
    widths = (2, 3, 1)
    theta, inputs, targets = drawn(widths, 7, loss, 2)
    velocity, order, state = np.zeros_like(theta), np.arange(7), seed_state(seed)
    losses = np.empty(n_steps)
    for part in np.array_split(losses, parts):
        made = descend(
            *(np.array(widths), TANH, loss, 0.3, momentum, n_batch, inputs, targets, theta, velocity, order),
            *(state, *room(widths, n_batch), part),
        )
        assert made == part.size
    return theta, velocity, order, state, losses


def test_steps_are_those_of_the_heavy_ball():
    theta, inputs, targets = drawn((2, 3, 1), 7, CROSS, 2)
    velocity, losses = np.zeros_like(theta), []
    for _ in range(20):
        gradient, (answers, deltas, _) = np.empty_like(theta), room((2, 3, 1), 7)
        args = np.array([2, 3, 1]), TANH, CROSS, theta, inputs, targets, answers, deltas, gradient
        losses.append(kernels.backward(*args))
        velocity = 0.6 * velocity - 0.3 * gradient
        theta = theta + velocity
    found = course(kernels.descend, 20, n_batch=7)
    np.testing.assert_array_equal(found[0], theta)
    np.testing.assert_array_equal(found[4], losses)
    np.testing.assert_array_equal(found[2], np.arange(7))
    np.testing.assert_array_equal(found[3], seed_state(4))  # nothing is drawn


@pytest.mark.parametrize("n_batch", [1, 3, 6, 7])
def test_calls_follow_each_other_without_a_trace(n_batch):
    for whole, parts in zip(
        course(kernels.descend, 30, n_batch=n_batch),
        course(kernels.descend, 30, n_batch=n_batch, parts=7),
        strict=True,
    ):
        np.testing.assert_array_equal(whole, parts)


def test_every_batch_is_as_likely_as_any_other():
    """2 of 5, ten sets, 20,000 steps: each share within four errors of 1/10, also after any other batch."""
    widths, theta, losses = np.array([1, 1]), np.zeros(2), np.empty(1)
    inputs, targets, order, state = np.zeros((5, 1)), np.zeros((5, 1)), np.arange(5), seed_state(1)
    drawn_sets = []
    for _ in range(20_000):
        theta[:] = 0.0
        args = inputs, targets, theta, np.zeros(2), order, state, *room((1, 1), 2), losses
        kernels.descend(widths, IDENTITY, SQUARED, 0.1, 0.0, 2, *args)
        drawn_sets.append(frozenset(order[:2].tolist()))
    sets = [frozenset(pair) for pair in itertools.combinations(range(5), 2)]
    error = math.sqrt(0.1 * 0.9 / len(drawn_sets))
    for known in sets:
        assert abs(drawn_sets.count(known) / len(drawn_sets) - 0.1) < 4 * error
    after = [two for one, two in itertools.pairwise(drawn_sets) if one == sets[0]]
    for known in sets:
        assert abs(after.count(known) / len(after) - 0.1) < 4 * math.sqrt(0.09 / len(after))


@pytest.mark.parametrize("rate", [3.0, 1e300])
def test_a_loss_beyond_all_bounds_ends_the_descent(rate):
    theta, velocity, losses = np.array([1.0, 0.0]), np.zeros(2), np.full(2000, -1.0)
    data = np.array([[2.0]]), np.array([[0.0]])
    args = (
        np.array([1, 1]),
        IDENTITY,
        SQUARED,
        rate,
        0.0,
        1,
        *data,
        theta,
        velocity,
        np.arange(1),
        seed_state(1),
    )
    made = kernels.descend(*args, *room((1, 1), 1), losses)
    assert 0 < made < 2000
    assert not losses[made] < kernels.LARGEST
    assert (losses[:made] < kernels.LARGEST).all()
    assert (losses[made + 1 :] == -1.0).all()


# In a page


@pytest.fixture(scope="module")
def wasm():
    return Kernels(WASM.read_bytes())


@pytest.mark.parametrize("loss", [SQUARED, CROSS])
@pytest.mark.parametrize("activation", list(PHI))
def test_webassembly_finds_the_same_gradient(wasm, activation, loss):
    widths = (3, 5, 4, 1)
    theta, inputs, targets = drawn(widths, 6, loss, 3)
    found = []
    for outputs, slope in (
        (kernels.forward, kernels.backward),
        (wasm.multilayer_outputs, wasm.multilayer_gradient),
    ):
        (answers, deltas, gradient), only = room(widths, 6), room(widths, 6)[0]
        outputs(np.array(widths), activation, theta, inputs, only)
        level = slope(np.array(widths), activation, loss, theta, inputs, targets, answers, deltas, gradient)
        np.testing.assert_array_equal(only, answers)
        found.append(np.concatenate([answers.ravel(), deltas, gradient, [level]]))
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("loss", [SQUARED, CROSS])
@pytest.mark.parametrize("n_batch", [2, 7])
def test_webassembly_makes_the_same_steps(wasm, n_batch, loss):
    for native, page in zip(
        course(kernels.descend, 50, n_batch=n_batch, loss=loss, parts=3),
        course(wasm.multilayer_descend, 50, n_batch=n_batch, loss=loss, parts=3),
        strict=True,
    ):
        np.testing.assert_array_equal(native, page)
