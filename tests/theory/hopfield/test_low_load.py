"""A few patterns: published mixtures, stationarity, Hessians by differences, and exact sums for finite N."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.theory import ising
from smbook.theory.hopfield import _finite, low_load, mixture, mixture_stability_temperature
from tests.theory.spin_glass.reference import log_cosh, slope


def functional(m, temperature):
    """f of any overlaps, by all signs of the patterns."""
    signs = np.array(list(itertools.product([1.0, -1.0], repeat=len(m))))
    return m @ m / 2 - temperature * (log_cosh(signs @ m / temperature) + math.log(2)).mean()


def hessian(m, temperature, step=1e-3):
    """Second differences of f."""
    steps = step * np.eye(len(m))

    def mixed(one, other):
        ends = [functional(m + a * one + b * other, temperature) * a * b for a in (1, -1) for b in (1, -1)]
        return sum(ends) / (4 * step**2)

    return np.array([[mixed(one, other) for other in steps] for one in steps])


def test_mixtures_at_zero_temperature():
    expected = {1: (1, -0.5), 2: (0.5, -0.25), 3: (0.5, -0.375), 4: (0.375, -0.28125), 5: (0.375, -0.3515625)}
    expected |= {6: (0.3125, -0.29296875), 7: (0.3125, -0.341796875)}
    for n, (overlap, energy) in expected.items():
        state = mixture(n)
        assert state.overlap == pytest.approx(overlap, rel=1e-14)
        assert state.energy == state.free_energy == pytest.approx(energy, rel=1e-13)
        assert state.stable is (n % 2 == 1)
        if n % 2:
            assert (state.transverse, state.symmetric, state.entropy) == (1, 1, 0)
        else:
            assert state.transverse == state.antisymmetric == -math.inf
            assert state.entropy == pytest.approx(math.comb(n, n // 2) / 2**n * math.log(2))
    assert mixture(999).energy == pytest.approx(-1 / math.pi, rel=1e-3)


@pytest.mark.parametrize(("n", "temperature"), [(3, 0.4), (3, 0.7), (4, 0.3), (1, 0.5)])
def test_mixtures_are_stationary_with_these_eigenvalues(n, temperature):
    state = mixture(n, 1 / temperature)
    m = np.full(n, state.overlap)
    assert functional(m, temperature) == pytest.approx(state.free_energy, abs=1e-13)
    derivative = slope(lambda x: functional(np.full(n, x), temperature), state.overlap)
    assert derivative == pytest.approx(0, abs=1e-9)
    found = np.sort(np.linalg.eigvalsh(hessian(np.append(m, 0.0), temperature)))
    expected = np.sort([state.transverse, state.symmetric, *[state.antisymmetric] * (n - 1)])
    np.testing.assert_allclose(found, expected, atol=2e-5)
    derivative = slope(lambda t: mixture(n, 1 / t).free_energy, temperature)
    assert -derivative == pytest.approx(state.entropy, abs=1e-9)


def test_stability_of_mixtures():
    assert mixture_stability_temperature(1) == 1.0
    assert mixture_stability_temperature(3) == pytest.approx(0.459794, abs=6e-7)
    temperatures = [mixture_stability_temperature(n) for n in (1, 3, 5, 7, 21, 999)]
    assert (np.diff(temperatures) < 0).all()
    for n in (3, 5, 9):
        edge = mixture_stability_temperature(n)
        temperatures = edge * np.array([0.1, 0.5, 0.999, 1.001, 1.5, 0.99 / edge])
        assert mixture(n, 1 / temperatures).stable.tolist() == [True, True, True, False, False, False]
    for n in (2, 4, 100):
        assert not mixture(n, 1 / np.array([0.02, 0.3, 0.6, 0.95, 0.99999])).stable.any()
        with pytest.raises(ValueError, match=f"an even mixture is stable at no temperature; got {n}"):
            mixture_stability_temperature(n)
    assert mixture(3, np.array([0.5, 1.5])).stable.tolist() == [True, False]


def test_one_pattern_is_the_ferromagnet():
    for temperature in (0.2, 0.9, 0.999, 1.0, 1.5):
        m = ising.curie_weiss_magnetization(1 / temperature)
        state = mixture(1, 1 / temperature)
        assert state.overlap == pytest.approx(m, abs=1e-12)
        free_energy = ising.curie_weiss_free_energy(m, 1 / temperature)
        assert state.free_energy == pytest.approx(free_energy, abs=1e-14)
        assert (state.antisymmetric, state.stable) == (math.inf, temperature != 1)


def test_low_load_finds_the_branches():
    for temperature in (0.3, 0.45, 0.5, 0.8):
        beta = 1 / temperature
        pure, three = low_load([0.2, 0, 0, 0], beta), low_load([-1, 1, 0, 1], beta)
        expected = mixture(3, beta)
        np.testing.assert_allclose(three.overlaps, expected.overlap * np.array([-1, 1, 0, 1]), atol=1e-13)
        np.testing.assert_allclose(pure.overlaps, [mixture(1, beta).overlap, 0, 0, 0], atol=1e-13)
        assert three.free_energy == pytest.approx(expected.free_energy, abs=1e-14)
        assert three.transverse == pytest.approx(expected.transverse, abs=1e-12)
        eigenvalues = [expected.transverse, expected.symmetric, *[expected.antisymmetric] * 2]
        np.testing.assert_allclose(three.eigenvalues, np.sort(eigenvalues), atol=1e-11)
        assert three.stable is expected.stable is (temperature < 0.459)
        assert pure.stable
    free = low_load([0.3, 0.1], 0.7)
    assert (free.overlaps.tolist(), free.stable) == ([0, 0], True)
    assert free.free_energy == pytest.approx(-math.log(2) / 0.7)


def test_low_load_at_zero_temperature():
    assert low_load([1, 1, 1], math.inf).overlaps.tolist() == [0.5, 0.5, 0.5]
    assert low_load([3, 1, -0.4], math.inf).overlaps.tolist() == [1, 0, 0]
    even = low_load([1, 1], math.inf)
    assert (even.overlaps.tolist(), even.energy, even.entropy) == ([0.5, 0.5], -0.25, math.log(2) / 2)
    assert even.eigenvalues.tolist() == [-math.inf, 1]
    assert not even.stable
    two_levels = low_load([1, 0.4, 0.4, 0.4, 0.4], math.inf)
    near = low_load([1, 0.4, 0.4, 0.4, 0.4], 200.0)
    np.testing.assert_allclose(two_levels.overlaps, near.overlaps, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    weights=st.lists(st.floats(-1, 1), min_size=1, max_size=5).filter(lambda w: max(map(abs, w)) > 0.1),
    temperature=st.floats(0.1, 0.95),
)
def test_low_load_is_a_minimum_below_its_start(weights, temperature):
    state = low_load(weights, 1 / temperature)
    signs = np.array(list(itertools.product([1.0, -1.0], repeat=len(weights))))
    image = (np.tanh(signs @ state.overlaps / temperature)[:, np.newaxis] * signs).mean(axis=0)
    np.testing.assert_allclose(image, state.overlaps, atol=1e-12)
    assert functional(state.overlaps, temperature) == pytest.approx(state.free_energy, abs=1e-12)
    start = np.array(weights) / np.abs(weights).max()
    assert state.free_energy <= functional(start, temperature) + 1e-12
    assert (state.overlaps * start >= -1e-12).all()


def test_exact_sums_of_finite_networks_approach_low_load():
    """With three patterns Z is a sum over the magnetizations of four kinds of sites; here N = 160."""
    beta, size = 1 / 0.6, 40  # sites of each kind, four kinds up to a sign
    signs = np.array([[1, a, b] for a in (1.0, -1.0) for b in (1.0, -1.0)])
    up = np.arange(size + 1)
    log_weight = np.array([math.log(math.comb(size, k)) for k in up.tolist()])
    values = 2.0 * up - size
    grids = np.meshgrid(values, values, values, values, indexing="ij", sparse=True)
    overlaps = [sum(signs[kind, mu] * grids[kind] for kind in range(4)) / (4 * size) for mu in range(3)]
    exponent = sum(np.reshape(log_weight, [-1 if k == kind else 1 for k in range(4)]) for kind in range(4))
    exponent = exponent + beta * 4 * size / 2 * sum(overlap**2 for overlap in overlaps)
    top = exponent.max()
    weight = np.exp(exponent - top)
    square = (weight * sum(overlap**2 for overlap in overlaps)).sum() / weight.sum()
    free_energy = -(top + math.log(weight.sum())) / (4 * size * beta)
    state = low_load([1, 0, 0], beta)
    assert square == pytest.approx(state.overlaps @ state.overlaps, abs=0.02)
    assert free_energy == pytest.approx(state.free_energy, abs=0.02)


def test_bad_arguments_are_refused():
    for weights, message in (
        ([0.0, 0.0], r"weights must not all be 0; got \[0\.0, 0\.0\]"),
        ([[1.0]], r"weights must have shape \(n,\) with n from 1 to 14; got \(1, 1\)"),
        ([], "weights must have shape"),
        (np.ones(15), r"got \(15,\)"),
        ([1.0, math.nan], "weights must be finite; got nan"),
    ):
        with pytest.raises(ValueError, match=message):
            low_load(weights, 2.0)
    with pytest.raises(TypeError, match="weights must hold real numbers"):
        low_load(["a"], 2.0)
    for function in (lambda beta: low_load([1.0], beta), lambda beta: mixture(3, beta)):
        for value in (0.0, -1.0, math.nan):
            with pytest.raises(ValueError, match="beta must be"):
                function(value)
        with pytest.raises(TypeError, match="beta must"):
            function(True)
    for function in (mixture, mixture_stability_temperature):
        for value in (0, -1, 1001):
            with pytest.raises(ValueError, match="n must be at"):
                function(value)
        for value in (3.0, True, "3"):
            with pytest.raises(TypeError, match="n must be an integer"):
                function(value)


def test_numbers_arrays_and_equality():
    betas = np.array([[2.0, math.inf], [0.5, 1e300]])
    state = mixture(3, betas)
    assert state.overlap.shape == state.stable.shape == (2, 2)
    assert mixture(3, 2.0) == tuple(float(field[0, 0]) for field in state)
    assert state == mixture(3, betas)
    assert state != mixture(5, betas)
    assert low_load([1, 0], 2.0) == low_load([1, 0], 2.0)
    assert low_load([1, 0], 2.0) != low_load([0, 1], 2.0)


def test_next_to_the_critical_temperature():
    for gap in (1e-3, 1e-5, 1e-7):
        first, second = low_load([1.0, 0.5], 1 + gap).overlaps
        assert first == pytest.approx(math.sqrt(3 * gap), rel=2 * gap + 1e-6)
        assert abs(second) < 1e-3 * first


def test_a_search_that_does_not_converge_says_so(monkeypatch):
    monkeypatch.setattr(_finite, "_STEPS", 3)
    with pytest.raises(RuntimeError, match=r"no state found at beta=1\.5: the search did not converge"):
        low_load([1.0, 0.5], 1.5)
