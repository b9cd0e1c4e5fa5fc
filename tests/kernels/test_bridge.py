"""Kernels of the bridge: the law of neurons with any number of hidden units drawn, and that of the units."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy.stats import chi2, kstest, norm

from smbook.hopfield import corrupt, hebb, random_patterns, recall
from smbook.kernels import bridge as kernels
from smbook.kernels import hopfield
from smbook.kernels.rng import fill_normal, seed_state, uniform
from smbook.theory.boltzmann import marginal_energy, soft_unit
from tests.network.exact import all_states, rebuilt

SOFTNESSES = (1.0, 0.5, 0.0)
SWEEPS = 40


def sites_of(patterns):
    return np.array(patterns.T, order="C")


def sums_of(patterns, spins):
    return (patterns.astype(np.int32) @ spins).astype(np.int32)


def levels_of(n, beta, softness):
    levels = np.empty(2 * n + 1)
    kernels.fill_log_cosh(math.sqrt(beta / n), softness, levels)
    return levels


def room_for(n):
    return np.empty(n, np.uint64), np.empty(n), np.arange(n), np.zeros(3, np.int64)


# The law of the neurons, against all states


def sampler(module):
    """A loop that makes sweeps from one state, and counts where they end."""
    retrieve, find_sums = module.retrieve, hopfield.find_sums

    @njit
    def tally(
        sites, units, levels, state, chance, words, noise, sequence, clock, beta, softness, runs, counts
    ):
        spins, sums = np.empty(sites.shape[0], np.int8), np.empty(sites.shape[1], np.int32)
        room = words, noise, sequence, clock
        for _ in range(runs):
            spins[:] = 1
            find_sums(sites, spins, sums)
            many = SWEEPS * spins.size
            retrieve(sites, spins, sums, units, levels, state, chance, *room, beta, softness, many)
            place = 0
            for i in range(spins.size):
                place += (spins[i] > 0) << i
            counts[place] += 1

    return tally


def chance_of_law(tally, n, p, n_drawn, softness, *, beta=0.8, runs=50_000, seed=1):
    """The chance of a chi-square as large as that of the states to which runs from one state have come.

    Each run is of 40 sweeps, and starts from none of the patterns. States rarer than five in all are one.
    """
    patterns, counts = random_patterns(p, n, rng=seed), np.zeros(2**n, np.int64)
    law = np.exp(-beta * marginal_energy(patterns, all_states(n), beta, softness=softness))
    chances = seed_state(seed), seed_state(seed + 1000)
    machine = sites_of(patterns), np.empty(n_drawn), levels_of(n, beta, softness), *chances, *room_for(n)
    tally(*machine, beta, softness, runs, counts)
    expected = runs * law / law.sum()
    rare = expected < 5
    found = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    seen = expected > 0
    return chi2.sf(((found - expected)[seen] ** 2 / expected[seen]).sum(), seen.sum() - 1)


RIGHT = sampler(kernels)
CASES = [
    (n, p, k, softness)
    for (n, p), softness in itertools.product([(8, 3), (9, 4), (10, 2)], SOFTNESSES)
    for k in (0, (p + 1) // 2, p)
]


@pytest.mark.parametrize(("n", "p", "n_drawn", "softness"), CASES)
def test_neurons_have_the_law_of_the_summed_machine_whatever_is_drawn(n, p, n_drawn, softness):
    """It is exp(-beta E) of the theory's energy, all states counted; what is wrong is caught below."""
    assert chance_of_law(RIGHT, n, p, n_drawn, softness) > 1e-4


@njit
def keeps_the_diagonal(row, spin, sums, units, levels, rate, doubled, softness):
    """What the units that are summed out say, with the neuron's own share in their field."""
    n, drive, hard, field = levels.size // 2, 0.0, 0.0, 0.0
    for mu in range(units.size):
        drive += row[mu] * units[mu]
    for mu in range(units.size, row.size):
        field += row[mu] * sums[mu]
        others = sums[mu] - row[mu] * spin + n
        hard += levels[others + row[mu]] - levels[others - row[mu]]
    return doubled * softness * field + (2.0 * rate * drive + hard)


@njit
def halves_the_odds(chance, rate, softness, sums, units):
    fill_normal(chance, units)
    hard = math.sqrt(1.0 - softness)
    for mu in range(units.size):
        field = rate * sums[mu]
        eps = 1.0 if uniform(chance) < 1.0 / (1.0 + math.exp(-hard * field)) else -1.0
        units[mu] = softness * field + math.sqrt(softness) * units[mu] + hard * eps


@njit
def forgets_a_root(chance, rate, softness, sums, units):
    fill_normal(chance, units)
    hard = 1.0 - softness
    for mu in range(units.size):
        field = rate * sums[mu]
        eps = 1.0 if uniform(chance) < 1.0 / (1.0 + math.exp(-2.0 * hard * field)) else -1.0
        units[mu] = softness * field + math.sqrt(softness) * units[mu] + hard * eps


@njit
def has_a_unit_variance(chance, rate, softness, sums, units):
    """The Gaussian part as at Omega = 1, whatever Omega."""
    fill_normal(chance, units)
    hard = math.sqrt(1.0 - softness)
    for mu in range(units.size):
        field = rate * sums[mu]
        eps = 1.0 if uniform(chance) < 1.0 / (1.0 + math.exp(-2.0 * hard * field)) else -1.0
        units[mu] = softness * field + units[mu] + hard * eps


@pytest.mark.parametrize(
    ("name", "wrong", "n_drawn", "softness"),
    [
        ("_log_odds", keeps_the_diagonal, 0, 0.5),
        ("_log_odds", keeps_the_diagonal, 2, 1.0),
        ("draw_units", halves_the_odds, 3, 0.0),
        ("draw_units", halves_the_odds, 2, 0.5),
        ("draw_units", forgets_a_root, 2, 0.5),
        ("draw_units", has_a_unit_variance, 3, 0.5),
    ],
)
def test_a_wrong_sampler_has_another_law(name, wrong, n_drawn, softness):
    tally = sampler(rebuilt(kernels, **{name: wrong}))
    assert chance_of_law(tally, 8, 3, n_drawn, softness) < 1e-9


@given(st.integers(1, 12), st.integers(1, 6), st.sampled_from(SOFTNESSES), st.integers(0, 10**6), st.data())
def test_the_odds_of_a_neuron_are_those_of_both_states(n, p, softness, seed, data):
    """ln p(up) - ln p(down), from the energy of the units summed out and the coupling to the drawn ones."""
    random, k = np.random.default_rng(seed), data.draw(st.integers(0, p))
    patterns, units, beta = random_patterns(p, n, rng=seed), random.normal(size=k), random.uniform(0.2, 15)
    spins, i, rate = random.choice([-1, 1], n).astype(np.int8), random.integers(n), math.sqrt(beta / n)

    def log_weight(spin):
        state = spins.copy()
        state[i] = spin
        rest = -beta * marginal_energy(patterns[k:], state, beta, softness=softness) if k < p else 0.0
        return rest + rate * (units @ (patterns[:k].astype(float) @ state))

    found = kernels._log_odds(
        sites_of(patterns)[i], spins[i], sums_of(patterns, spins), units, levels_of(n, beta, softness),
        rate, 2.0 * beta / n, softness,
    )  # fmt: skip
    assert found == pytest.approx(log_weight(1) - log_weight(-1), rel=1e-10, abs=1e-10)


# Runs


@pytest.mark.parametrize("n_patterns", [1, 4, 30])
@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 1.7])
def test_with_no_unit_drawn_gaussian_units_make_the_recall_of_hebbs_rule(temperature, n_patterns):
    """Sweep by sweep, neuron for neuron, from the same seeds."""
    n, beta = 90, 1.0 / temperature
    for seed in (0, 7, 2**53 - 1):
        patterns = random_patterns(n_patterns, n, rng=seed)
        spins = corrupt(patterns[0], 0.3, rng=seed)
        rest = (np.empty(0), levels_of(n, beta, 1.0), seed_state(seed), seed_state(seed + 1), *room_for(n))
        sums, start = sums_of(patterns, spins), spins.copy()
        for n_sweeps in range(1, 9):
            kernels.retrieve(sites_of(patterns), spins, sums, *rest, beta, 1.0, n)
            network = hebb(patterns)
            given = {"order": "random", "beta": beta, "max_sweeps": n_sweeps, "rng": seed}
            expected = recall(network, start, **given)
            assert spins.tolist() == expected.spins.tolist()
            assert (sums / n).tolist() == expected.overlaps[-1].tolist()
            assert rest[-1][2] == expected.flips


@pytest.mark.parametrize(("n_drawn", "softness"), [(0, 1.0), (2, 0.5), (3, 0.0)])
def test_sweeps_may_be_parted_between_calls(n_drawn, softness):
    n, patterns = 11, random_patterns(3, 11, rng=1)
    runs = []
    for parts in ([55], [1, 4, 20, 0, 30]):
        spins, units = np.ones(n, np.int8), np.zeros(n_drawn)
        sums, states, room = sums_of(patterns, spins), (seed_state(1), seed_state(2)), room_for(n)
        levels = levels_of(n, 1.2, softness)
        for part in parts:
            kernels.retrieve(
                sites_of(patterns), spins, sums, units, levels, *states, *room, 1.2, softness, part
            )
        runs.append([values.tolist() for values in (spins, sums, units, *states, room[2], room[3])])
        assert runs[0][1] == sums_of(patterns, spins).tolist()
    assert runs[0] == runs[1]
    assert runs[0][-1][0] == 0


def test_hidden_units_take_nothing_from_the_neurons_random_numbers():
    patterns, states = random_patterns(3, 20, rng=1), []
    for n_drawn in (0, 3):
        spins, state = np.ones(20, np.int8), seed_state(1)
        rest = np.empty(n_drawn), levels_of(20, 1.0, 0.5), state, seed_state(2), *room_for(20)
        kernels.retrieve(sites_of(patterns), spins, sums_of(patterns, spins), *rest, 1.0, 0.5, 60)
        states.append(state.tolist())
    assert states[0] == states[1]


# Hidden units


@pytest.mark.parametrize("softness", [1.0, 0.8, 0.5, 0.1, 0.0])
def test_hidden_units_have_the_mean_and_the_variance_of_the_theory(softness):
    """A million draws, |z| < 4: three thousandths of the scatter in the mean, and of the variance itself."""
    n, sums = 10**6, np.array([-9, -2, 0, 1, 5], np.int32)
    rate, chance = 0.3, seed_state(4)
    for m in sums:
        units, unit = np.empty(n), soft_unit(rate * m, softness)
        kernels.draw_units(chance, rate, softness, np.full(n, m, np.int32), units)
        variance = float(unit.variance)
        assert abs(units.mean() - unit.mean) < 4 * math.sqrt(variance / n) + 1e-12
        square = (units - float(unit.mean)) ** 2
        assert abs(square.mean() - variance) < 4 * square.std() / math.sqrt(n) + 1e-12


@pytest.mark.parametrize("m", [-3, 0, 1, 6])
def test_a_soft_unit_is_one_of_two_gaussians(m):
    """Kolmogorov and Smirnov's distance of 200,000 draws to the mixture of both."""
    rate, softness, units = 0.4, 0.5, np.empty(200_000)
    kernels.draw_units(seed_state(m + 9), rate, softness, np.full(units.size, m, np.int32), units)
    x, hard = rate * m, math.sqrt(1 - softness)
    up = 1 / (1 + math.exp(-2 * hard * x))

    def law(z):
        low, high = (norm.cdf(z, softness * x + side * hard, math.sqrt(softness)) for side in (-1, 1))
        return (1 - up) * low + up * high

    assert kstest(units, law).pvalue > 1e-4


def test_a_binary_unit_is_minus_or_plus_one():
    units = np.empty(1000)
    kernels.draw_units(seed_state(1), 0.5, 0.0, np.ones(1000, np.int32), units)
    assert set(units.tolist()) == {-1.0, 1.0}


# Tables and closed forms


@pytest.mark.parametrize(("n", "beta"), [(9, 0.5), (64, 20.0), (576, 20.0), (576, 0.5)])
def test_levels_means_and_energies_are_those_of_the_theory(n, beta):
    patterns = random_patterns(7, n, rng=1)
    spins, rate = corrupt(patterns[2], 0.1, rng=2), math.sqrt(beta / n)
    sums = sums_of(patterns, spins)
    for softness in (1.0, 0.999, 0.4, 0.0):
        levels, means = levels_of(n, beta, softness), np.empty(7)
        size = math.sqrt((1 - softness) * beta / n) * np.arange(-n, n + 1)
        np.testing.assert_allclose(levels, np.logaddexp(size, -size) - math.log(2), rtol=1e-12, atol=1e-14)
        kernels.find_means(rate, softness, sums, means)
        np.testing.assert_allclose(means, soft_unit(rate * sums, softness).mean, rtol=1e-13, atol=1e-15)
        expected = marginal_energy(patterns, spins, beta, softness=softness)
        assert kernels.marginal_energy(beta, softness, sums, levels) == pytest.approx(expected, rel=1e-12)
    assert levels[n] == 0.0


def test_gaussian_units_leave_the_energy_of_hebbs_rule_without_its_diagonal():
    patterns = random_patterns(5, 40, rng=3)
    spins = corrupt(patterns[0], 0.2, rng=1)
    found = kernels.marginal_energy(1.7, 1.0, sums_of(patterns, spins), levels_of(40, 1.7, 1.0))
    assert found == pytest.approx(hebb(patterns).energy(spins) - 5 / 2, rel=1e-14)
    assert not levels_of(40, 1.7, 1.0).any()
