"""What summed-out units leave behind: Hebb's energy, sums over both layers, and Walsh transforms."""

import itertools
import math

import numpy as np
import pytest

from smbook.hopfield import DenseMemory, hebb, random_patterns
from smbook.theory.boltzmann import effective_couplings, marginal_energy, poisson_unit, soft_unit
from tests.theory.boltzmann.reference import enumerated, states

N, P, BETA = 8, 3, 0.7


@pytest.fixture(scope="module")
def patterns():
    return random_patterns(P, N, rng=4)


@pytest.fixture(scope="module")
def spins():
    return states("spin", N)[0].astype(np.int8)


def coefficients(values, spins):
    """The Walsh coefficients of products of up to four spins, by their number."""
    n = spins.shape[1]
    found = {}
    for size in (0, 1, 2, 3, 4):
        products = [spins[:, list(sites)].prod(axis=1) for sites in itertools.combinations(range(n), size)]
        found[size] = np.array(products) @ values / len(values)
    return found


@pytest.mark.parametrize("beta", [0.3, 0.7, 5.0])
def test_gaussian_units_leave_hebbs_energy(patterns, spins, beta):
    """In all, at any beta, and the diagonal P / 2 less; a factor N or beta would show."""
    energies = marginal_energy(patterns, spins, beta)
    np.testing.assert_allclose(energies, hebb(patterns).energy(spins) - P / 2, atol=1e-12)


@pytest.mark.parametrize(
    ("hidden", "softness", "per_unit"), [("gaussian", 1.0, 0), ("spin", 0.0, math.log(2))]
)
def test_the_visible_law_is_that_of_a_machine(patterns, spins, hidden, softness, per_unit):
    """Both layers summed: a missing sqrt(beta / N) or a factor 2 between unit types would show."""
    two = patterns[:2]
    exact = enumerated(math.sqrt(BETA / N) * two.T, np.zeros(N), np.zeros(2), "spin", hidden)
    energies = marginal_energy(two, spins, BETA, softness=softness)
    weight = np.exp(-BETA * energies)
    np.testing.assert_allclose(weight / weight.sum(), exact.law, rtol=1e-11)
    assert math.log(weight.sum()) + 2 * per_unit == pytest.approx(exact.log_partition, rel=1e-12)


@pytest.mark.parametrize("softness", [0.0, 0.4, 1.0])
def test_pattern_by_pattern_and_shape_by_shape(patterns, spins, softness):
    energies = marginal_energy(patterns, spins.reshape(16, 16, N), BETA, softness=softness)
    assert energies.shape == (16, 16)
    single = [marginal_energy(patterns[[k]], spins, BETA, softness=softness) for k in range(P)]
    np.testing.assert_allclose(np.sum(single, axis=0), energies.ravel(), atol=1e-13)
    one = marginal_energy(patterns, spins[5], BETA, softness=softness)
    assert type(one) is float
    assert one == pytest.approx(energies.ravel()[5], rel=1e-14)
    x = math.sqrt(BETA / N) * spins[5] @ patterns.T.astype(float)
    assert one == pytest.approx(-np.sum(soft_unit(x, softness).cumulant) / BETA, rel=1e-13)


def test_narrow_integers_do_not_wrap():
    pattern = np.ones((1, 300), dtype=np.int8)
    assert marginal_energy(pattern, pattern[0], 1.0) == pytest.approx(-150, rel=1e-13)


def test_units_that_count_leave_an_exponential_memory(patterns, spins):
    """-sum_mu exp(M_mu), the energy of Demircigil et al., is -exp of what the softmax unit leaves."""
    x = spins.astype(float) @ patterns.T.astype(float)
    energies = -np.sum(poisson_unit(x).cumulant, axis=1)
    softmax = DenseMemory(patterns, interaction="exponential").energy(spins)
    np.testing.assert_allclose(P - energies, np.exp(-softmax), rtol=1e-11)


@pytest.mark.parametrize("n", [6, 8, 10])
@pytest.mark.parametrize("softness", [0.0, 0.3, 0.8, 1.0])
def test_couplings_are_the_walsh_transform(n, softness):
    table = states("spin", n)[0].astype(np.int8)
    pattern = random_patterns(1, n, rng=n)
    for beta in (0.2, 1.0, 6.0):
        values = -beta * marginal_energy(pattern, table, beta, softness=softness)
        found = coefficients(values, table * pattern)
        exact = effective_couplings(n, beta, softness)
        for size, expected in ((0, exact.constant), (1, 0), (2, exact.pair), (3, 0), (4, exact.quartet)):
            np.testing.assert_allclose(found[size], expected, atol=1e-14 * max(beta * n, 1))


def test_at_four_spins_the_expansion_ends():
    table = states("spin", 4)[0]
    total = table.sum(axis=1)
    for softness in (0.0, 0.6):
        couplings = effective_couplings(4, 1.7, softness)
        series = (
            couplings.constant + couplings.pair * (total**2 - 4) / 2 + couplings.quartet * table.prod(axis=1)
        )
        expected = soft_unit(math.sqrt(1.7 / 4) * total, softness).cumulant
        np.testing.assert_allclose(series, expected, atol=1e-14)


def test_gaussian_units_leave_pairs_only():
    """Hebb's beta / N: no diagonal is in it, it is the constant beta / 2."""
    for n in (4, 10, 1000):
        assert effective_couplings(n, 2.0, 1.0) == (1.0, 2.0 / n, 0.0)


@pytest.mark.parametrize("softness", [0.0, 0.5, 0.9])
def test_many_spins(softness):
    """N J_2 goes to beta <phi''>, N^2 J_4 to beta^2 <phi''''>, with corrections of order 1 / N."""
    beta, root = 1.5, math.sqrt(1 - softness)
    g, weight = np.polynomial.hermite_e.hermegauss(120)
    t = np.tanh(root * math.sqrt(beta) * g)
    sech = 1 - t**2
    mean = weight / weight.sum() @ np.array([softness + root**2 * sech, root**4 * sech * (4 - 6 * sech)]).T
    for n, off in ((1000, 5e-3), (100_000, 5e-5)):
        couplings = effective_couplings(n, beta, softness)
        assert n * couplings.pair == pytest.approx(beta * mean[0], rel=off)
        assert n**2 * couplings.quartet == pytest.approx(beta**2 * mean[1], rel=2 * off)


def test_weak_couplings():
    """The quartic term -(1 - Omega)^2 x^4 / 12 is -2 (1 - Omega)^2 (beta / N)^2 for every four."""
    for softness in (0.0, 0.5):
        couplings = effective_couplings(20, 1e-3, softness)
        expected = -2 * (1 - softness) ** 2 * (1e-3 / 20) ** 2
        assert couplings.quartet == pytest.approx(expected, rel=1e-2)
        # M^4 holds every pair 2 (6 N - 8) times
        less = (1 - softness) ** 2 / 12 * (1e-3 / 20) ** 2 * 2 * (6 * 20 - 8)
        assert 1e-3 / 20 - couplings.pair == pytest.approx(less, rel=1e-2)
    assert effective_couplings(20, 0.0, 0.3) == (0.0, 0.0, 0.0)


def test_few_spins():
    assert effective_couplings(1, 2.0, 0.0) == pytest.approx((math.log(math.cosh(math.sqrt(2))), 0, 0))
    assert effective_couplings(3, 2.0, 0.0).quartet == 0.0


def test_bad_arguments_are_refused(patterns):
    row = patterns[0]
    for bad_patterns, spins, message in (
        (row, row, r"patterns must have shape \(P, N\); got \(8,\)"),
        (patterns[:0], row, r"patterns must have shape \(P, N\); got \(0, 8\)"),
        (patterns, row[:7], r"spins must have shape \(\.\.\., 8\); got \(7,\)"),
        (patterns, np.int8(1), r"spins must have shape \(\.\.\., 8\); got \(\)"),
        (patterns * 0, row, r"patterns must be \+1 or -1; got 0"),
        (patterns, row * 2, r"spins must be \+1 or -1; got -?2"),
    ):
        with pytest.raises(ValueError, match=message):
            marginal_energy(bad_patterns, spins, 1.0)
    with pytest.raises(TypeError, match="spins must hold integers; got dtype float64"):
        marginal_energy(patterns, row * 1.0, 1.0)
    with pytest.raises(ValueError, match=r"beta must be positive; got 0\.0"):
        marginal_energy(patterns, row, 0)
    for softness in (-0.5, 1.5):
        for function in (
            lambda soft: marginal_energy(patterns, row, 1.0, softness=soft),
            lambda soft: effective_couplings(4, 1.0, soft),
        ):
            with pytest.raises(ValueError, match=f"softness must be at .*; got {softness}"):
                function(softness)
    with pytest.raises(ValueError, match="n_spins must be at least 1; got 0"):
        effective_couplings(0, 1.0, 0.5)
    with pytest.raises(ValueError, match=r"beta must be at least 0; got -1\.0"):
        effective_couplings(4, -1.0, 0.5)
