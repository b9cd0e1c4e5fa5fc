"""Lattice kernels against exact transition matrices and plain references, and by the test of 1992."""

import itertools
import math
import types
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import chisquare

from smbook import ising
from smbook.ising._model import Model
from smbook.ising.simulation import _PLAIN
from smbook.kernels import lattice
from smbook.kernels.rng import fill_uint64, next_uint64, seed_state
from smbook.statistics import binned_error, integrated_autocorrelation_time, jackknife
from smbook.theory.ising import CRITICAL_BETA, kaufman

CERTAIN = 2**63 - 1
ALGORITHMS = ("heat-bath", "metropolis")
TINY = [(2,), (3,), (4,), (5,), (2, 2), (2, 3), (3, 3), (2, 2, 2)]
SMALL = [shape for shape in itertools.product(range(2, 7), repeat=2) if math.prod(shape) <= 12]
SMALL += [(2, 2, 2), (2, 2, 3), (3, 2, 2)]
LARGER = [(33,), (64,), (3, 2), (5, 7), (8, 8), (3, 70), (3, 3, 3), (2, 3, 5), (4, 5, 6), (3, 2, 33)]


# The lattice once more, independent of the kernels


def neighbours(shape):
    """For each site its neighbours after and before it, along the last axis first; doubled on a side of 2."""
    sites = np.arange(math.prod(shape)).reshape(shape)
    shifted = [np.roll(sites, step, axis) for axis in reversed(range(len(shape))) for step in (-1, 1)]
    return np.stack([neighbour.ravel() for neighbour in shifted], axis=1)


def all_states(shape):
    """All spin configurations; the bits of a row's number say which of its spins are up."""
    n_sites = math.prod(shape)
    return (np.arange(2**n_sites)[:, None] >> np.arange(n_sites) & 1).astype(np.int8) * 2 - 1


def number_of(spins):
    return int((np.asarray(spins) > 0) @ (1 << np.arange(len(spins))))


def bond_sums(states, shape):
    """The sum of s_i s_j over all bonds; each site has one bond forward along each axis."""
    forward = neighbours(shape)[:, ::2]
    return sum((states * states[:, column]).sum(axis=1, dtype=np.int64) for column in forward.T)


def gibbs(shape, beta, coupling, field):
    states = all_states(shape)
    energies = -coupling * bond_sums(states, shape) - field * states.sum(axis=1)
    weights = np.exp(-beta * (energies - energies.min()))
    return weights / weights.sum()


def visiting_order(shape):
    """Row after row; within one the even sites, the odd ones, then the last one of an odd row."""
    length = shape[-1]
    columns = [*range(0, length - length % 2, 2), *range(1, length, 2), *[length - 1] * (length % 2)]
    return [start + column for start in range(0, math.prod(shape), length) for column in columns]


# The kernels, with room to work in


def sign_of(coupling):
    return np.int8(1 if coupling > 0 else -1)


def table_of(algorithm, shape, beta, coupling, field):
    heat_bath = algorithm == "heat-bath"
    table = np.zeros((1 if heat_bath else 2, lattice.TABLE_WIDTH), dtype=np.int64)
    fill = lattice.heat_bath_table if heat_bath else lattice.metropolis_table
    fill(beta, coupling, field, len(shape), table)
    return table


def single_site(spins, shape, sign, table, state, thin, noted):
    draws = np.full((3, shape[-1]), 7, dtype=np.uint64)
    scratch = np.full((5, shape[-1] + 2), 99, dtype=np.int8)
    sides = np.array(shape)
    lattice.single_site(spins, sides, sign, table, draws, scratch, state, thin, *noted)


def wolff(spins, shape, sign, threshold, state, thin, noted, kernels=lattice):
    queue, joined = np.full(spins.size, 99), np.zeros(spins.size, dtype=np.int8)
    sides = np.array(shape)
    kernels.wolff(spins, sides, sign, threshold, 1, queue, joined, state, thin, *noted)
    assert not joined.any()


def swendsen_wang(spins, shape, sign, threshold, state, thin, noted, kernels=lattice):
    parent, turned = np.full(spins.size, 99), np.full(spins.size, 99, dtype=np.int8)
    sides = np.array(shape)
    kernels.swendsen_wang(spins, sides, sign, threshold, parent, turned, state, thin, *noted)


def rebuilt(decorate, **replacements):
    """The functions of the module `lattice` once more, with other meanings for some names in their code."""
    scope = dict(vars(lattice))
    for name, value in vars(lattice).items():
        if isinstance(value, type(lattice.wolff)) and value.py_func.__module__ == lattice.__name__:
            scope[name] = decorate(types.FunctionType(value.py_func.__code__, scope, name))
    scope |= replacements
    return types.SimpleNamespace(**scope)


# What is measured


@given(st.lists(st.integers(2, 7), min_size=1, max_size=3).map(tuple), st.integers(0, 2**32))
def test_bonds_and_spins_are_summed_over_every_bond_once(shape, seed):
    """A bond left out or counted twice, at a border or on a side of 2, would shift every energy."""
    spins = np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), math.prod(shape))
    assert lattice.bond_sum(spins, np.array(shape)) == bond_sums(spins[None], shape)[0]
    assert lattice.spin_sum(spins) == spins.sum(dtype=np.int64)


def test_a_bond_on_a_side_of_two_counts_twice():
    spins, shape = np.array([1, 1, -1, -1, 1, 1], dtype=np.int8), np.array([3, 2])
    assert lattice.bond_sum(spins, shape) == 3 * 2 - 4 + 2


def test_random_spins_are_fair():
    spins = np.zeros(1_000_000, dtype=np.int8)
    lattice.randomize(spins, seed_state(8))
    assert set(spins.tolist()) == {-1, 1}
    assert abs(spins.sum(dtype=np.int64)) < 4 * 1000
    assert abs(lattice.bond_sum(spins, np.array([100, 100, 100]))) < 4 * 1000 * math.sqrt(3)


# Probabilities


@pytest.mark.parametrize(
    ("probability", "threshold"),
    [(0.0, -1), (2.0**-63, 0), (0.5, 2**62 - 1), (1 - 2.0**-53, CERTAIN - 2**10), (1.0, CERTAIN)],
)
def test_a_threshold_lets_through_its_share_of_the_draws(probability, threshold):
    assert lattice.probability_threshold(probability) == threshold


def test_an_event_happens_up_to_its_threshold_and_no_further():
    """One draw too many or too few would be a bias of 2**-63, but it decides between never and sometimes."""
    state = seed_state(1)
    draw = np.int64(next_uint64(state.copy()) >> np.uint64(1))
    for threshold, happens in (
        (draw - 1, False),
        (draw, True),
        (draw + 1, True),
        (-1, False),
        (CERTAIN, True),
    ):
        assert lattice._happens(state.copy(), np.int64(threshold)) == happens


def assert_thresholds(found, exact, scale):
    """The share of draws up to each threshold is the probability, to a few roundings of `scale`."""
    for threshold, probability in zip(found.tolist(), exact, strict=True):
        assert abs(mpmath.mpf(threshold + 1) / 2**63 - probability) <= scale(probability) + 2.0**-62


@given(
    st.floats(0, 5),
    st.sampled_from([1.0, -1.0, 0.0, 0.37, -2.5]),
    st.sampled_from([0.0, 0.3, -0.3, 2.0, -1e3, 1e-9]),
    st.integers(1, 3),
)
def test_tables_hold_the_textbook_probabilities_in_rising_order(beta, coupling, field, dimension):
    """The kernel counts exceeded thresholds, so that one out of order would count for another pull."""
    shape, last = (2,) * dimension, 2 * dimension + 1
    bath = table_of("heat-bath", shape, beta, coupling, field)
    metropolis = table_of("metropolis", shape, beta, coupling, field)
    with mpmath.workprec(150):
        pulls = [abs(mpmath.mpf(coupling)) * (2 * k - 2 * dimension) + mpmath.mpf(field) for k in range(last)]
        costs = [2 * mpmath.mpf(beta) * pull for pull in pulls]
        rounding = (1 + max(abs(float(cost)) for cost in costs)) * 2.0**-51
        assert_thresholds(bath[0, :last], [1 / (1 + mpmath.exp(-x)) for x in costs], lambda p: rounding * p)
        assert_thresholds(
            metropolis[0, :last], [min(1, mpmath.exp(x)) for x in costs], lambda p: rounding * p
        )
        assert_thresholds(
            metropolis[1, :last],
            [1 - min(1, mpmath.exp(-x)) for x in costs],
            lambda p: rounding * (1 - p) + 2.0**-53,
        )
    for table in (bath, metropolis):
        assert (table[:, 1:] >= table[:, :-1]).all()
        assert (table[:, last:] == CERTAIN).all()
        assert table.min() >= -1


@given(st.floats(0, 3), st.sampled_from([1.0, -1.0, 0.3]))
def test_the_bond_probability_is_that_of_fortuin_and_kasteleyn(beta, coupling):
    expected = -math.expm1(-2 * beta * abs(coupling))
    assert (int(lattice.bond_threshold(beta, coupling)) + 1) / 2**63 == pytest.approx(expected, abs=4e-16)


def flips_in_words(shape, beta, coupling):
    """The number of flips of a Wolff sweep by libm, and how far the unrounded one is from being in doubt."""
    critical, gamma = {1: (1.0, 1.0), 2: (math.sqrt(2) - 1, 1.75), 3: (0.218094, 1.237)}[len(shape)]
    clusters = math.prod(shape) * max(1 - math.tanh(beta * abs(coupling)) / critical, 0.0) ** gamma
    return max(1, round(clusters)), abs(clusters % 1 - 0.5) / max(clusters, 1.0)


@pytest.mark.parametrize(
    "shape", [(2,), (100,), (10**6,), (3, 5), (64, 64), (512, 512), (40_000, 25_000), (4, 4, 4), (50, 60, 70)]
)
def test_wolff_flips_are_those_of_the_formula(shape):
    """One flip more or less is another run from the same seed."""
    n_compared = 0
    for beta, coupling in itertools.product([0.0, 1e-12, *np.linspace(0.001, 3, 400), 1e3], (1.0, -1.0, 0.3)):
        expected, margin = flips_in_words(shape, beta, coupling)
        if margin > 1e-13:
            assert lattice.wolff_flips(math.prod(shape), len(shape), beta, coupling) == expected
            n_compared += 1
    assert n_compared > 1200 - 3


def test_wolff_flips_never_outnumber_the_sites():
    """2**63 - 1 sites are 2**63 as a float64, which is no int64."""
    assert lattice.wolff_flips(2**63 - 1, 1, 0.0, 1.0) == 2**63 - 1


# One site, and a sweep of them, on explicit matrices


def site_matrix(shape, site, sign, table):
    """P(s, s') of the update of one site, from the table that the kernel reads."""
    states, numbers = all_states(shape), np.arange(2 ** math.prod(shape))
    pull = sign * states[:, neighbours(shape)[site]].sum(axis=1)
    was_up = (states[:, site] > 0).astype(int) if len(table) == 2 else 0
    up = (table[was_up, (pull + 2 * len(shape)) // 2].astype(object) + 1) / 2**63
    matrix = np.zeros((numbers.size, numbers.size))
    matrix[numbers, numbers | 1 << site] = up
    matrix[numbers, numbers & ~(1 << site)] = 1 - up
    return matrix


@pytest.mark.parametrize("field", [0.0, 0.3])
@pytest.mark.parametrize("coupling", [1.0, -1.0])
@pytest.mark.parametrize("shape", TINY, ids=str)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_site_is_in_detailed_balance_and_a_sweep_keeps_the_gibbs_distribution(
    algorithm, shape, coupling, field
):
    """Any wrong entry of the table, doubled bond or sign breaks this, whatever its effect on averages."""
    table, exact = table_of(algorithm, shape, 0.4, coupling, field), gibbs(shape, 0.4, coupling, field)
    after = exact
    for site in visiting_order(shape):
        matrix = site_matrix(shape, site, sign_of(coupling), table)
        flow = exact[:, None] * matrix
        np.testing.assert_allclose(flow, flow.T, rtol=1e-12, atol=1e-17)
        after = after @ matrix
    np.testing.assert_allclose(after, exact, rtol=1e-12)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_bath_a_millionth_too_hot_is_not_in_detailed_balance(algorithm):
    table, exact = table_of(algorithm, (2, 3), 0.4 * (1 - 1e-6), 1.0, 0.3), gibbs((2, 3), 0.4, 1.0, 0.3)
    flow = exact[:, None] * site_matrix((2, 3), 0, 1, table)
    assert abs(flow - flow.T).max() > 1e-9


# The kernels do these updates, in this order: references in plain Python, bit for bit


class Draws:
    """The draws of a kernel's generator as Python integers, one a call."""

    def __init__(self, seed):
        self.state = seed_state(seed)

    def __call__(self):
        return int(next_uint64(self.state))


def heat_or_metropolis_in_words(spins, shape, sign, table, draw):
    around, order, length = neighbours(shape), visiting_order(shape), shape[-1]
    for start in range(0, len(spins), length):
        draws = [draw() for _ in range(length)]
        for site in order[start : start + length]:
            pull = sign * sum(spins[j] for j in around[site])
            threshold = table[-1 if spins[site] > 0 else 0][(pull + 2 * len(shape)) // 2]
            spins[site] = 1 if draws[site - start] >> 1 <= threshold else -1


def wolff_in_words(spins, shape, sign, threshold, draw):
    around = neighbours(shape)
    cluster = [(draw() >> 1) % len(spins)]
    for site in cluster:  # it grows meanwhile
        for j in around[site].tolist():
            if j not in cluster and spins[j] == sign * spins[site] and draw() >> 1 <= threshold:
                cluster.append(j)
    for site in cluster:
        spins[site] *= -1


def swendsen_wang_in_words(spins, shape, sign, threshold, draw):
    forward = neighbours(shape)[:, ::2]
    clusters = [{site} for site in range(len(spins))]
    for column in forward.T.tolist():
        for site, after in enumerate(column):
            if spins[after] == sign * spins[site] and draw() >> 1 <= threshold:
                merged = clusters[site] | clusters[after]
                for member in merged:
                    clusters[member] = merged
    for site in range(len(spins)):
        if site == min(clusters[site]) and draw() < 2**63:
            for member in clusters[site]:
                spins[member] *= -1


def assert_same(kernel, in_words, shape, coupling, rule):
    """Run a kernel and its reference from one seed, and compare spins, measurements and generators."""
    start = np.random.default_rng(1).choice(np.array([-1, 1], dtype=np.int8), math.prod(shape))
    spins, state, noted = start.copy(), seed_state(2), np.zeros((2, 4), dtype=np.int64)
    kernel(spins, shape, sign_of(coupling), rule, state, 3, noted)
    expected, draw = start.tolist(), Draws(2)
    for bonds, total in noted.T:
        for _ in range(3):
            in_words(expected, shape, int(sign_of(coupling)), rule, draw)
        assert bonds == bond_sums(np.array([expected]), shape)[0]
        assert total == sum(expected)
    assert spins.tolist() == expected
    assert state.tolist() == draw.state.tolist()


@pytest.mark.parametrize(("coupling", "field"), [(1.0, 0.0), (1.0, 0.3), (-1.0, 0.0), (-1.0, 0.3)])
@pytest.mark.parametrize("shape", TINY + LARGER, ids=str)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_single_site_sweeps_do_the_documented_updates_in_the_documented_order(
    algorithm, shape, coupling, field
):
    """A neighbour missed at a border, or read before or after its own update, changes bits here."""
    for beta in (0.3, 30.0):
        table = table_of(algorithm, shape, beta, coupling, field)
        assert_same(single_site, heat_or_metropolis_in_words, shape, coupling, table)


@pytest.mark.parametrize("coupling", [1.0, -1.0])
@pytest.mark.parametrize("shape", TINY + LARGER, ids=str)
@pytest.mark.parametrize(
    ("kernel", "in_words"),
    [(wolff, wolff_in_words), (swendsen_wang, swendsen_wang_in_words)],
    ids=["wolff", "sw"],
)
def test_clusters_are_grown_and_flipped_as_documented(kernel, in_words, shape, coupling):
    for beta in (0.2, 0.5):
        assert_same(kernel, in_words, shape, coupling, lattice.bond_threshold(beta, coupling))


# One cluster move, on the exact matrix of the very code


@njit
def planned_word(state):
    """The next word of a plan, state[2:]; state[0] counts the words and state[1] those for bonds."""
    state[0] += np.uint64(1)
    return state[state[0] + np.uint64(1)]


@njit
def planned_bond(state, _threshold):
    state[1] += np.uint64(1)
    return planned_word(state) != 0


@pytest.fixture(scope="module")
def planned():
    """The kernels' own code, with draws that are planned instead of random."""
    return rebuilt(njit, next_uint64=planned_word, _happens=planned_bond)


def courses(kernel, kernels, shape, coupling, start):
    """Run one move through all that can happen; yield the new state and its probability, p = 2/3 for a bond.

    A run that outlives its plan goes on with zeros, and leaves a plan for each other event it met on the way.
    """
    plans = [()]
    other_words = range(2, 2 * len(start), 2) if kernel is wolff else [2**63]  # another site; leave a cluster
    while plans:
        plan = plans.pop()
        state, spins = np.array([0, 0, *plan, *[0] * 20], dtype=np.uint64), start.copy()
        kernel(spins, shape, sign_of(coupling), 0, state, 1, np.zeros((2, 1), dtype=np.int64), kernels)
        n_draws, n_bonds = int(state[0]), int(state[1])
        words = (*plan, *[0] * (n_draws - len(plan)))
        bonds = slice(1, None) if kernel is wolff else slice(n_bonds)
        for k in range(len(plan), n_draws):
            others = [1] if k in range(n_draws)[bonds] else other_words
            plans.extend((*words[:k], word) for word in others)
        chances = (1 + len(other_words)) ** (n_draws - n_bonds)
        yield number_of(spins), Fraction(2 ** sum(words[bonds]), 3**n_bonds * chances)


def cluster_matrix(kernel, kernels, shape, coupling):
    """P(s, s') of one move, in exact fractions."""
    states = all_states(shape)
    matrix = np.full((len(states), len(states)), Fraction(0))
    for number, start in enumerate(states):
        for after, probability in courses(kernel, kernels, shape, coupling, start):
            matrix[number, after] += probability
    return matrix


@pytest.mark.parametrize(
    ("shape", "coupling"),
    [((3,), 1), ((3,), -1), ((4,), 1), ((4,), -1), ((2, 2), 1), ((2, 2), -1), ((2, 3), -1)],
    ids=str,
)
@pytest.mark.parametrize("kernel", [wolff, swendsen_wang])
def test_a_cluster_move_is_in_detailed_balance_exactly(planned, kernel, shape, coupling):
    """With exp(-2 beta abs(J)) = 1/3 all weights are whole numbers: equality leaves no room for any bias."""
    weights = np.array(
        [3 ** int(n) for n in coupling * bond_sums(all_states(shape), shape) // 2 + 8], dtype=object
    )
    matrix = cluster_matrix(kernel, planned, shape, coupling)
    flow = weights[:, None] * matrix
    assert (matrix.sum(axis=1) == 1).all()
    assert (flow == flow.T).all()
    assert (weights @ matrix == weights).all()


# Does a sweep reach every state?


def n_classes(shape, sign, table):
    """The number of parts a sweep does not leave: strong components over (state, sites updated so far)."""
    states, around = all_states(shape), neighbours(shape)
    numbers, order = np.arange(len(states)), visiting_order(shape)
    edges = []
    for step, site in enumerate(order):
        pull = sign * states[:, around[site]].sum(axis=1, dtype=np.int64)
        threshold = table[(states[:, site] > 0).astype(int) if len(table) == 2 else 0, pull // 2 + len(shape)]
        following = (step + 1) % len(order) * len(states)
        for possible, after in (
            (threshold >= 0, numbers | 1 << site),
            (threshold < CERTAIN, numbers & ~(1 << site)),
        ):
            edges.append(np.stack([step * len(states) + numbers, following + after])[:, possible])
    ends = np.concatenate(edges, axis=1)
    size = len(states) * len(order)
    graph = coo_array((np.ones(ends.shape[1], dtype=np.int8), tuple(ends)), shape=(size, size)).tocsr()
    classes = connected_components(graph, connection="strong")[1]
    return len(set(classes[: len(states)].tolist()))


def refuses(shape, beta, coupling, field):
    try:
        options = {"algorithm": "metropolis", "engine": "plain", "coupling": coupling, "field": field}
        ising.simulate(shape, beta, 0, rng=1, **options)
    except ValueError as refusal:
        assert "not ergodic" in str(refusal)  # noqa: PT017
        return True
    return False


@pytest.mark.parametrize("shape", SMALL, ids=str)
def test_metropolis_is_refused_exactly_where_a_sweep_does_not_reach_every_state(shape):
    """A state that turns every spin at no cost is never left: 1 in 64 of all states on 3 x 3."""
    for coupling, field in itertools.product((1.0, -1.0), (0.0, 0.3, 2.0, 4.0)):
        table = table_of("metropolis", shape, 0.4, coupling, field)
        reducible = n_classes(shape, sign_of(coupling), table) > 1
        assert refuses(shape, 0.4, coupling, field) == reducible


@pytest.mark.parametrize("shape", [(n,) for n in range(2, 11)], ids=str)
def test_metropolis_on_a_ring_is_refused_exactly_without_a_field(shape):
    """The domain walls that march left and those that march right are conserved; two spins have none."""
    for coupling, field in itertools.product((1.0, -1.0), (0.0, 0.3, 2.0, -4.0)):
        table = table_of("metropolis", shape, 0.4, coupling, field)
        expected = field == 0.0 and shape != (2,)
        assert (n_classes(shape, sign_of(coupling), table) > 1) == expected
        assert refuses(shape, 0.4, coupling, field) == expected


@pytest.mark.parametrize("shape", [(2,), (5,), (2, 2), (3, 3), (3, 4), (2, 2, 2)], ids=str)
def test_a_heat_bath_reaches_every_state(shape):
    for beta, coupling, field in itertools.product((0.0, 0.4), (1.0, -1.0), (0.0, 2.0)):
        table = table_of("heat-bath", shape, beta, coupling, field)
        assert n_classes(shape, sign_of(coupling), table) == 1


def test_metropolis_at_infinite_temperature_visits_two_states():
    table = table_of("metropolis", (2, 3), 0.0, 1.0, 0.3)
    assert n_classes((2, 3), 1, table) == 2**6 // 2
    assert refuses((2, 3), 0.0, 1.0, 0.3)


# How fast a sweep forgets


@pytest.mark.parametrize("beta", [0.02, 0.1, 0.2])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_autocorrelation_times_are_those_of_the_exact_sweep(algorithm, beta):
    """A sweep in another order, or one of more or fewer sites, has the right averages and the wrong times."""
    shape, field, states = (3, 3), 0.3, all_states((3, 3))
    exact, table = gibbs(shape, beta, 1.0, field), table_of(algorithm, shape, beta, 1.0, field)
    sweep = np.eye(exact.size)
    for site in visiting_order(shape):
        sweep = sweep @ site_matrix(shape, site, 1, table)
    trace = ising.simulate(shape, beta, 200_000, algorithm=algorithm, field=field, rng=3)
    total = states.sum(axis=1)
    energies = bond_sums(states, shape) + field * total
    for observable, series in ((total, trace.magnetization), (energies, trace.energy)):
        deviation = observable - exact @ observable
        summed = np.linalg.solve(np.eye(exact.size) - sweep + exact, deviation)  # of sweep**t, t = 0, 1, ...
        tau = (exact * deviation) @ summed / ((exact * deviation) @ deviation) - 0.5
        found = integrated_autocorrelation_time(series[100:], window=12.0)
        assert abs(found.value - tau) < 4 * found.error


# The long run over all states


@pytest.mark.parametrize(("coupling", "beta"), [(1.0, 0.2), (-1.0, 0.12)])
@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "wolff", "swendsen-wang"])
def test_the_histogram_of_all_states_is_that_of_gibbs(algorithm, coupling, beta):
    """Chi-square over 512 states, thinned by twice the autocorrelation time to make entries independent."""
    shape, n_entries = (3, 3), 60_000
    field = 0.3 if algorithm in ALGORITHMS else 0.0  # Metropolis needs one
    trial = ising.simulate(shape, beta, 20_000, algorithm=algorithm, coupling=coupling, field=field, rng=1)
    observables = (trial.energy, trial.magnetization, abs(trial.magnetization))
    thin = math.ceil(2 * max(integrated_autocorrelation_time(series[100:]).value for series in observables))
    spins, noted = trial.spins.reshape(-1), np.empty((2, 1), dtype=np.int64)
    model = Model(shape, beta, coupling, field)
    sampler = _PLAIN[algorithm](model)(spins, seed_state(2))
    visited = np.empty((n_entries, 9), dtype=np.int8)
    for entry in visited:
        sampler(thin, *noted)
        entry[:] = spins
    counts = np.bincount((visited > 0) @ (1 << np.arange(9)), minlength=512)
    expected = n_entries * gibbs(shape, beta, coupling, field)
    assert expected.min() > 5
    assert chisquare(counts, expected).pvalue > 1e-4


# The test of 1992: Ferrenberg, Landau and Wong found generators out by 10**7 Wolff clusters on 16 x 16 at the
# critical point, where a cluster takes hundreds of draws and feels how distant ones hang together. A fifth of
# theirs tells a bias of 10**-3 in the energy, and shows R250, 12 to 17 errors off at half this length.


def at_the_critical_point(kernel, n_moves, state, kernels=lattice):
    """Return how many standard errors energy and specific heat of 16 x 16 lie off Kaufman's exact values.

    2 * 10**6 clusters, or sweeps of all of them, tell both to 2 * 10**-4 and 2 * 10**-3.
    """
    shape, thin = (16, 16), 2
    spins, noted = np.ones(256, dtype=np.int8), np.empty((2, n_moves // thin), dtype=np.int64)
    threshold, sign = lattice.bond_threshold(CRITICAL_BETA, 1.0), np.int8(1)
    kernel(spins, shape, sign, threshold, state, 1000, np.empty((2, 1), dtype=np.int64), kernels)
    kernel(spins, shape, sign, threshold, state, thin, noted, kernels)
    exact, series = kaufman(shape, CRITICAL_BETA), -noted[0] / 256
    energy = binned_error(series, n_bins=50)
    heat = jackknife(lambda e: CRITICAL_BETA**2 * 256 * e.var(), series, n_bins=50)
    return energy.z(exact.energy), heat.z(exact.specific_heat)


@pytest.mark.parametrize("kernel", [wolff, swendsen_wang])
def test_clusters_at_the_critical_point_meet_kaufman(kernel):
    energy, heat = at_the_critical_point(kernel, 2 * 10**6, seed_state(1992))
    assert abs(energy) < 4
    assert abs(heat) < 4


@njit
def r250(state):
    """Kirkpatrick and Stoll's (1981) shift register, x_n = x_(n-103) xor x_(n-250), at place state[250]."""
    place = state[250]
    state[place] ^= state[(place + np.uint64(147)) % np.uint64(250)]
    state[250] = (place + np.uint64(1)) % np.uint64(250)
    return state[place]


def test_a_bad_generator_fails_the_test_of_1992():
    """R250, which was found out by this very test, in a quarter of the flips."""
    state = np.zeros(251, dtype=np.uint64)
    fill_uint64(seed_state(1981), state[:250])
    _, heat = at_the_critical_point(wolff, 5 * 10**5, state, rebuilt(njit, next_uint64=r250))
    assert abs(heat) > 6
