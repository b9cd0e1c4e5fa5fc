"""One pattern: the Curie-Weiss magnet at softness 1, mixtures at 0, enumeration between, and large N."""

import math

import numpy as np
import pytest

from smbook.hopfield import random_patterns
from smbook.theory import ising
from smbook.theory.boltzmann import marginal_energy, one_hidden_unit, one_pattern, soft_retrieval, uniform
from tests.theory.boltzmann.reference import states
from tests.theory.spin_glass.reference import hermite, slope

SOFTNESS = (0.0, 0.3, 1.0)


def summed(n, beta, softness):
    """ln Z, <abs(m)>, <m^2>, <z^2>, by all states of spins and sign, and a rule for the Gaussian part."""
    table, pattern = states("spin", n)[0], random_patterns(1, n, rng=n)[0]
    g, weight = hermite(80)
    z = math.sqrt(softness) * g + math.sqrt(1 - softness) * np.array([[1.0], [-1.0]])
    m = table @ pattern / n
    joint = np.exp(math.sqrt(beta * n) * m[:, np.newaxis, np.newaxis] * z) * weight / 2
    total = joint.sum()
    by_state = joint.sum(axis=(1, 2)) / total
    return math.log(total), by_state @ np.abs(m), by_state @ m**2, (joint * z**2).sum() / total


@pytest.mark.parametrize("softness", SOFTNESS)
@pytest.mark.parametrize(("n", "beta"), [(1, 0.5), (5, 0.4), (6, 1.0), (9, 1.3), (10, 2.0)])
def test_averages_are_sums_over_both_layers(n, beta, softness):
    np.testing.assert_allclose(one_pattern(n, beta, softness)[:4], summed(n, beta, softness), rtol=1e-10)


@pytest.mark.parametrize("softness", SOFTNESS)
def test_law_and_energy_are_those_of_the_marginal(softness):
    n, beta = 10, 1.3
    table, pattern = states("spin", n)[0].astype(np.int8), random_patterns(1, n, rng=1)
    energies = marginal_energy(pattern, table, beta, softness=softness)
    law = np.exp(-beta * energies)
    law /= law.sum()
    exact = one_pattern(n, beta, softness)
    up = (table == pattern).sum(axis=1)
    np.testing.assert_allclose(exact.law, np.bincount(up, weights=law), rtol=1e-11)
    np.testing.assert_allclose(exact.overlaps[up], (table * pattern).mean(axis=1), atol=1e-15)
    assert exact.energy == pytest.approx(law @ energies, rel=1e-12)
    entropy = -law @ np.log(law)
    assert exact.log_partition == pytest.approx(entropy - beta * exact.energy, rel=1e-12)


@pytest.mark.parametrize(("n", "beta"), [(7, 0.8), (100, 1.0), (2001, 1.5), (100_000, 1.02)])
def test_a_gaussian_unit_makes_a_curie_weiss_magnet(n, beta):
    exact, magnet = one_pattern(n, beta, 1.0), ising.curie_weiss_finite(n, beta)
    np.testing.assert_allclose(exact.law, magnet.probability, rtol=1e-9, atol=1e-300)
    assert exact.log_partition == pytest.approx(n * magnet.log_partition, rel=1e-12)
    assert exact.magnetization == pytest.approx(magnet.moments.absolute, rel=1e-10)
    assert exact.hidden == pytest.approx(1 + beta * n * exact.square, rel=1e-12)
    assert exact.energy == pytest.approx(-n * exact.square / 2, rel=1e-12)


@pytest.mark.parametrize(("n", "beta"), [(6, 1.0), (100, 2.0), (5000, 30.0)])
def test_a_hidden_spin_makes_a_mixture(n, beta):
    """Product laws of means +-tanh sqrt(beta / N), not tanh(2 sqrt(beta / N)): no binary unit's factor."""
    exact, w = one_pattern(n, beta, 0.0), math.sqrt(beta / n)
    square = 1 / n + (1 - 1 / n) * math.tanh(w) ** 2
    assert exact.square == pytest.approx(square, rel=1e-12)
    assert exact.hidden == pytest.approx(1, rel=1e-14)
    assert exact.log_partition == pytest.approx(n * math.log(2 * math.cosh(w)), rel=1e-12)
    for hidden, softness, more in (("spin", 0.0, math.log(2)), ("gaussian", 1.0, 0.0)):
        machine = uniform(n, 1, w, visible="spin", hidden=hidden)
        same = one_pattern(n, beta, softness)
        np.testing.assert_allclose(same.law, machine.law, rtol=1e-9, atol=1e-300)
        assert same.log_partition + more == pytest.approx(machine.log_partition, rel=1e-12)
        one = one_hidden_unit(np.full(n, w), visible="spin", hidden=hidden)
        assert same.log_partition + more == pytest.approx(one.log_partition, rel=1e-12)


@pytest.mark.parametrize("softness", SOFTNESS)
def test_averages_are_derivatives(softness):
    """d ln Z / d ln sqrt(beta) = sqrt(beta / N) <M z>, a mean of x phi'(x)."""
    n, beta = 50, 1.2
    exact = one_pattern(n, beta, softness)
    x = math.sqrt(beta * n) * exact.overlaps
    root = math.sqrt(1 - softness)
    expected = exact.law @ (x * (softness * x + root * np.tanh(root * x)))
    found = slope(lambda b: one_pattern(n, b, softness).log_partition, beta)
    assert 2 * beta * found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("temperature", "softness"), [(0.4, 0.5), (0.3, 0.8), (0.5, 0.9), (0.9, 1.0)])
def test_large_magnets_retrieve(temperature, softness):
    """The correction is the field sqrt(beta (1 - Omega) / N) of the bounded part, times dm/d(field)."""
    m = soft_retrieval(temperature, softness)
    response = (1 - m**2) / (1 - softness / temperature * (1 - m**2))
    for n in (10_000, 1_000_000):
        lift = math.sqrt((1 - softness) / (temperature * n)) * response
        found = one_pattern(n, 1 / temperature, softness).magnetization
        assert found == pytest.approx(m + lift, abs=30 / n + 2 * lift**2)


def test_a_hidden_spin_retrieves_less_and_less():
    found = [one_pattern(n, 20.0, 0.0).magnetization for n in (100, 10_000, 1_000_000)]
    expected = [math.tanh(math.sqrt(20 / n)) for n in (100, 10_000, 1_000_000)]
    np.testing.assert_allclose(found, expected, rtol=2e-3)
    assert found[-1] < 0.005


def test_retrieval_of_few_patterns():
    assert soft_retrieval(0.5, 1.0) == ising.curie_weiss_magnetization(2.0)
    temperatures = np.array([0.1, 0.4, 0.4999, 0.5, 0.7])
    m = soft_retrieval(temperatures, 0.5)
    np.testing.assert_allclose(m, np.tanh(0.5 * m / temperatures), atol=1e-14)
    assert (m > 0).tolist() == [True, True, True, False, False]
    assert soft_retrieval([[0.2], [0.0]], [0.0, 1e-300, 1.0]).shape == (2, 3)
    assert soft_retrieval(0.0, [0.0, 1e-300, 1.0]).tolist() == [0, 1, 1]
    assert soft_retrieval(1e-300, 1.0) == 1.0
    assert type(soft_retrieval(0.1, 0.5)) is float


def test_equality():
    assert one_pattern(6, 1.0, 0.5) == one_pattern(6, 1.0, 0.5)
    assert one_pattern(6, 1.0, 0.5) != one_pattern(6, 1.0, 0.6)


def test_bad_arguments_are_refused():
    for name, value, error in (
        ("n_spins", 0, ValueError),
        ("n_spins", 4.0, TypeError),
        ("n_spins", 10**7 + 1, ValueError),
        ("beta", 0.0, ValueError),
        ("beta", 2e6, ValueError),
        ("beta", math.nan, ValueError),
        ("softness", 1.01, ValueError),
        ("softness", -0.01, ValueError),
    ):
        arguments = {"n_spins": 4, "beta": 1.0, "softness": 0.5} | {name: value}
        with pytest.raises(error, match=f"{name} must be .*; got {value}"):
            one_pattern(**arguments)
    with pytest.raises(ValueError, match=r"temperature must be at least 0; got -1\.0"):
        soft_retrieval(-1.0, 0.5)
    with pytest.raises(ValueError, match=r"softness must be at most 1; got 2\.0"):
        soft_retrieval(1.0, 2.0)
