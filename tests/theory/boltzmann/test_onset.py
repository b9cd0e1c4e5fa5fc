"""Growth of small weights against exact gradients, the noise of random matrices, and where machines order."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from smbook.theory import hopfield, ising
from smbook.theory.boltzmann import (
    growth_rates,
    learning_threshold,
    noise_density,
    noise_edge,
    ordering_scale,
    uniform,
)
from smbook.theory.boltzmann._units import mean
from tests.theory.boltzmann.reference import KINDS, enumerated, states

HALF = {"binary": 0.5, "spin": 0.0, "gaussian": 0.0}
VARIANCE = {"binary": 0.25, "spin": 1.0, "gaussian": 1.0}


def test_known_rates():
    assert growth_rates([3.0, 0.2]) == pytest.approx([2.0, -0.8])  # spins: c - 1
    assert growth_rates(0.6, visible_variance=0.25, hidden_variance=0.25) == pytest.approx((0.6 - 0.25) / 4)
    assert growth_rates(9.6605, learning_rate=0.01) == pytest.approx(8.306, abs=6e-4)
    assert growth_rates(0.6436) == pytest.approx(-0.3564)
    assert learning_threshold() == 1
    assert learning_threshold(visible_variance=0.25) == 0.25
    assert learning_threshold(visible_variance=0.25, hidden_variance=0.25, weight_decay=0.1) == 0.65


@settings(max_examples=100, deadline=None)
@given(
    moment=st.floats(0, 100),
    variances=st.tuples(st.floats(0.01, 4), st.floats(0.01, 4)),
    decay=st.floats(0, 3),
    step=st.floats(1e-6, 0.1),
)
def test_a_mode_grows_above_the_threshold(moment, variances, decay, step):
    units = dict(zip(("visible_variance", "hidden_variance"), variances, strict=True), weight_decay=decay)
    threshold = learning_threshold(**units)
    rate = growth_rates(moment, **units)
    assert rate == pytest.approx(variances[1] * (moment - threshold), abs=1e-12)
    if step * rate > -1:
        assert growth_rates(moment, **units, learning_rate=step) <= rate + 1e-12


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_small_weights_grow_at_these_rates(visible, hidden):
    """The exact gradient of the mean log-likelihood, by enumeration, along every mode of some data."""
    n, m, small = 5, 2, 1e-5
    rng = np.random.default_rng(4)
    table, _ = states(visible, n)
    law = rng.dirichlet(np.ones(len(table)) / 4)
    centred = table - HALF[visible]  # machines whose units all have zero mean after a shift
    moments, modes = np.linalg.eigh(centred.T @ (law[:, np.newaxis] * centred))
    rates = growth_rates(moments, visible_variance=VARIANCE[visible], hidden_variance=VARIANCE[hidden])
    for mode, rate in zip(modes.T, rates, strict=True):
        weights = small * np.outer(mode, [1.0, 0.0])
        visible_biases, hidden_biases = -weights @ np.full(m, HALF[hidden]), -HALF[visible] * weights.sum(0)
        model = enumerated(weights, visible_biases, hidden_biases, visible, hidden)
        given_data = mean(hidden, hidden_biases + table @ weights) - HALF[hidden]
        clamped = centred.T @ (law[:, np.newaxis] * given_data)
        free = centred.T @ (model.law[:, np.newaxis] * given_data)
        assert mode @ (clamped - free)[:, 0] / small == pytest.approx(rate, abs=2e-4)


def learn(weights, data, learning_rate, n_steps):
    """Ascend the exact likelihood of a machine of spins, the hidden ones enumerated; yield the weights."""
    hidden, _ = states("spin", weights.shape[1])
    for _ in range(n_steps):
        fields = hidden @ weights.T
        log_weight = np.log(2 * np.cosh(fields)).sum(axis=1)
        law = np.exp(log_weight - log_weight.max())
        law /= law.sum()
        model = np.tanh(fields).T @ (law[:, np.newaxis] * hidden)
        clamped = data.T @ np.tanh(data @ weights) / len(data)
        weights = weights + learning_rate * (clamped - model)
        yield weights


def test_a_whole_machine_learns_one_mode_and_then_the_next():
    """20 x 10 spins and 4000 states of a Curie-Weiss magnet: rates of both modes, and what follows."""
    n, m, step = 20, 10, 0.01
    rng = np.random.default_rng(8)
    magnet = ising.curie_weiss_finite(n, 1.3)
    up = rng.choice(n + 1, size=2000, p=magnet.probability)
    half = 2.0 * rng.permuted(np.arange(n) < up[:, np.newaxis], axis=1) - 1
    data = np.concatenate([half, -half])
    moments, modes = np.linalg.eigh(data.T @ data / len(data))
    assert moments[-1] == pytest.approx(9.66, abs=0.5)
    assert moments[-2] == pytest.approx(0.644, abs=0.05)
    expected = growth_rates(moments[::-1][:2], learning_rate=step)
    first, second = modes.T[::-1][:2]
    strength, beside = [], []
    for weights in learn(0.001 * rng.normal(size=(n, m)), data, step, 4000):
        strength.append(np.linalg.norm(first @ weights))
        beside.append(np.linalg.norm(second @ weights))
    early = math.log(strength[30] / strength[10]) / (20 * step)
    assert early == pytest.approx(expected[0], rel=0.01)
    assert math.log(beside[30] / beside[10]) / (20 * step) == pytest.approx(expected[1], rel=0.02)
    assert 1.3 < strength[-1] < 1.5
    assert beside[99] < 0.005 < beside[1999] < beside[3999]
    assert beside[3999] > 0.05


def test_random_weights_fill_the_band():
    rng = np.random.default_rng(1)
    largest = [np.linalg.norm(0.001 * rng.normal(size=(20, 10)), 2) for _ in range(200)]
    assert round(noise_edge(20, 10, 0.001), 4) == 0.0076
    assert abs(np.mean(largest) - 0.0071) < np.std(largest)  # one draw
    assert np.mean(largest) < noise_edge(20, 10, 0.001)
    values = np.linalg.svd(0.01 * rng.normal(size=(784, 500)), compute_uv=False)
    edge = noise_edge(784, 500, 0.01)
    assert round(edge, 4) == 0.5036
    assert 0.97 * edge < values[0] < edge
    assert values[-1] == pytest.approx(0.01 * (28 - math.sqrt(500)), rel=0.05)
    assert values.mean() == pytest.approx(
        quad(lambda x: x * noise_density(x, 784, 500, 0.01), 0.0564, edge)[0], rel=2e-3
    )


@pytest.mark.parametrize(("n", "m"), [(784, 500), (500, 784), (100, 100), (7, 1)])
def test_the_density_of_the_band(n, m):
    scale = 0.3
    low, high = scale * abs(math.sqrt(n) - math.sqrt(m)), noise_edge(n, m, scale)
    for power, expected in ((0, 1), (2, scale**2 * max(n, m))):
        found = quad(
            lambda x, p=power: x**p * noise_density(x, n, m, scale), low, high, epsabs=1e-12, limit=200
        )
        assert found[0] == pytest.approx(expected, rel=1e-7)
    outside = [x for x in (0.0, low * 0.99, high * 1.01) if not low <= x <= high]
    assert not np.any(noise_density(outside, n, m, scale))
    assert noise_density(np.full((2, 3), (low + high) / 2), n, m, scale).shape == (2, 3)


def test_known_ordering_scales():
    scale = ordering_scale(784, 500)
    assert (round(scale.naive, 6), round(scale.onsager, 6)) == (0.019857, 0.039965)
    assert scale.onsager**4 * 784 * 500 == pytest.approx(1)
    gaussian = ordering_scale(784, 500, hidden="gaussian")
    assert gaussian.onsager**2 * 784 * (1 + math.sqrt(500 / 784)) == pytest.approx(1)
    alpha = 500 / 784
    assert gaussian.onsager**2 * 784 == pytest.approx(1 / hopfield.spin_glass_temperature(alpha), rel=1e-14)
    for visible, hidden, expected in (
        ("spin", "spin", 1),
        ("spin", "gaussian", 1),
        ("binary", "binary", 4),
        ("binary", "spin", 2),
        ("binary", "gaussian", 2),
    ):
        found = ordering_scale(784, 500, visible=visible, hidden=hidden)
        assert found.singular_value == expected
        assert noise_edge(784, 500, found.naive) == pytest.approx(expected)
        spins = ordering_scale(784, 500, hidden="gaussian" if hidden == "gaussian" else "spin")
        assert found.onsager == pytest.approx(expected * spins.onsager)


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 5000), m=st.integers(1, 5000))
def test_reactions_stabilise(n, m):
    """Naive mean field orders too early; for spins the edge with reactions solves a quadratic."""
    for hidden in ("spin", "gaussian"):
        scale = ordering_scale(n, m, hidden=hidden)
        assert scale.naive < scale.onsager
    squared = ordering_scale(n, m).onsager ** 2
    edge = squared * (math.sqrt(n) + math.sqrt(m)) ** 2
    assert edge == pytest.approx((1 + squared * n) * (1 + squared * m))


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_one_mode_orders_at_its_singular_value(visible, hidden):
    """Equal weights, centred: the law of the units that are on has one peak below and two above."""
    n = 4000
    m = 1 if hidden == "gaussian" else 4000
    threshold = ordering_scale(n, m, visible=visible, hidden=hidden).singular_value
    for share, peaks in ((0.97, 1), (1.03, 2)):
        w = share * threshold / math.sqrt(n * m)
        machine = uniform(
            n, m, w, -w * m * HALF[hidden], -w * n * HALF[visible], visible=visible, hidden=hidden
        )
        inside = machine.law[1:-1]
        assert np.sum((inside > machine.law[:-2]) & (inside > machine.law[2:])) == peaks


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"learning_rate times a rate must be above -1; got -1\.5"):
        growth_rates([0.0], visible_variance=3.0, learning_rate=0.5)
    for function in (growth_rates, lambda _, **options: learning_threshold(**options)):
        with pytest.raises(ValueError, match=r"hidden_variance must be positive; got 0\.0"):
            function(2.0, hidden_variance=0)
        with pytest.raises(ValueError, match="weight_decay must be at least 0"):
            function(2.0, weight_decay=-0.1)
    with pytest.raises(ValueError, match="visible_variance must be positive"):
        learning_threshold(visible_variance=0.0)
    with pytest.raises(ValueError, match="second_moments must be finite"):
        growth_rates([math.nan])
    for function in (noise_edge, lambda n, m, s: noise_density(0.1, n, m, s)):
        with pytest.raises(ValueError, match="scale must be positive; got -1"):
            function(3, 2, -1.0)
        with pytest.raises(ValueError, match="n_hidden must be at least 1; got 0"):
            function(3, 0, 1.0)
    with pytest.raises(TypeError, match="n_visible must be an integer"):
        ordering_scale(3.0, 2)
    with pytest.raises(ValueError, match="hidden must be one of"):
        ordering_scale(3, 2, hidden="ternary")
