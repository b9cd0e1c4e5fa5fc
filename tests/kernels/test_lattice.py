"""Lattice kernels against exact transition matrices and plain references."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import chisquare

from smbook import ising
from smbook.ising._model import Model
from smbook.ising.simulation import PLAIN
from smbook.kernels import lattice
from smbook.kernels.rng import fill_uint64, next_uint64, seed_lanes, seed_state
from smbook.statistics import integrated_autocorrelation_time
from tests.lattice_draws import LatticeDraws, visiting_order

CERTAIN = 2**63 - 1
ALGORITHMS = ("heat-bath", "metropolis")
TINY = [(2,), (3,), (4,), (5,), (2, 2), (2, 3), (3, 3), (2, 2, 2)]
SMALL = [shape for shape in itertools.product(range(2, 7), repeat=2) if math.prod(shape) <= 12]
SMALL += [(2, 2, 2), (2, 2, 3), (3, 2, 2)]
LARGER = [
    (33,),
    (64,),
    (3, 2),
    (5, 7),
    (8, 8),
    (3, 70),
    (3, 3, 3),
    (2, 3, 5),
    (4, 5, 6),
    (3, 2, 33),
    (2, 3, 70),
    (130,),
]


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
    lanes, steps = np.empty((4, 64), dtype=np.uint64), lattice.draw_steps(shape[-1])
    seed_lanes(state, lanes)
    draws, parts = np.full((steps, 64), 7, dtype=np.uint64), np.full(256 * steps, 7, dtype=np.int16)
    room, sides = np.full((6, 256 * steps + 128), 99, dtype=np.int8), np.array(shape)
    lattice.single_site(spins, sides, sign, table, lanes, draws, parts, room, state, thin, *noted)


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


class TableDraws(LatticeDraws):
    def __init__(self, seed, shape, table):
        super().__init__(seed_state(seed), shape, table)


def heat_or_metropolis_in_words(spins, shape, sign, table, draw):
    around, draws = neighbours(shape), draw.sweep()
    for site in visiting_order(shape):
        pull, row = sign * sum(spins[j] for j in around[site]), -1 if spins[site] > 0 else 0
        spins[site] = 1 if draws[row][site] <= table[row][(pull + 2 * len(shape)) // 2] else -1


def assert_same(kernel, in_words, shape, coupling, rule):
    """Run a kernel and its reference from one seed, and compare spins, measurements and generators."""
    start = np.random.default_rng(1).choice(np.array([-1, 1], dtype=np.int8), math.prod(shape))
    spins, state, noted = start.copy(), seed_state(2), np.zeros((2, 4), dtype=np.int64)
    kernel(spins, shape, sign_of(coupling), rule, state, 3, noted)
    expected, draw = start.tolist(), TableDraws(2, shape, rule) if kernel is single_site else Draws(2)
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


@pytest.mark.parametrize("shape", [(6, 2050), (3, 8195), (9000,), (3, 100, 41)], ids=str)
def test_a_lattice_of_many_sites_draws_for_some_rows_at_once(shape):
    """More than 8192 sites; in one case not even a row of them is less."""
    table = table_of("metropolis", shape, 0.4, 1.0, 0.1)
    spins, state, noted = np.ones(math.prod(shape), dtype=np.int8), seed_state(3), np.zeros((2, 2), np.int64)
    single_site(spins, shape, np.int8(1), table, state, 1, noted)
    expected, draw = [1] * spins.size, TableDraws(3, shape, table)
    for total in noted[1]:
        heat_or_metropolis_in_words(expected, shape, 1, table, draw)
        assert total == sum(expected)
    assert spins.tolist() == expected
    assert state.tolist() == draw.state.tolist()


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_run_in_parts_is_the_same_run(cut):
    model = Model((7, 66), 0.4, 1.0, 0.1)
    runs = []
    for calls in ([10], [cut, 10 - cut]):
        spins, state, noted = np.ones(7 * 66, dtype=np.int8), seed_state(4), np.zeros((2, 10), np.int64)
        sampler, start = PLAIN["metropolis"](model)(spins, state), 0
        for count in calls:
            sampler(1, *noted[:, start : start + count])
            start += count
        runs.append([*noted.ravel().tolist(), *spins.tolist(), *state.tolist()])
    assert runs[0] == runs[1]


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_draws_whose_upper_bits_are_those_of_a_threshold_are_compared_to_the_last_bit(dimension):
    """Sixteen bits decide but for 2**-16 of the draws; these are made here, on both sides of one."""
    state, last = seed_state(6), 2 * dimension
    lowers = np.empty(256, dtype=np.uint64)
    fill_uint64(state.copy(), lowers)
    for k, step in itertools.product(range(last + 1), (-1, 0, 1)):
        lower, upper = int(lowers[0] >> np.uint64(17)), 30_000 + k
        table = np.array([30_000 + j << 47 for j in range(lattice.TABLE_WIDTH)]) + 5
        table[k] = (upper << 47) + lower + step
        parts, bars = np.full(256, 2**15 - 1, dtype=np.int16), np.zeros(384, dtype=np.int8)
        parts[70] = upper - 2**15
        lattice._find_bars(parts, 1, table, dimension, bars, state.copy())
        draw = upper << 47 | lower
        assert bars[70] == 2 * sum(draw > threshold for threshold in table[: last + 1].tolist()) - last
        assert (np.delete(bars[:256], 70) == last + 2).all()


def test_what_always_and_what_never_happens_is_settled_whatever_the_draw():
    """The least and the largest upper bits are also those of thresholds beyond the ends."""
    parts = np.repeat(np.array([-(2**15), 2**15 - 1, 0, 1], dtype=np.int16), 64)
    for threshold, bar in ((lattice.IMPOSSIBLE, 6), (lattice.CERTAIN, -4)):
        bars = np.zeros(384, dtype=np.int8)
        lattice._find_bars(parts, 1, np.full(7, threshold), 2, bars, seed_state(1))
        assert (bars[:256] == bar).all()


@given(st.lists(st.integers(0, 2**63 - 1), min_size=5, max_size=5), st.integers(0, 2**32))
def test_bars_are_those_of_exact_draws(thresholds, seed):
    """Thresholds that share their upper bits with many draws, in no order."""
    table, state = np.array([*thresholds, lattice.CERTAIN, lattice.CERTAIN]), seed_state(seed)
    parts = np.random.default_rng(seed).integers(-(2**15), 2**15, 256).astype(np.int16)
    parts[::3] = (table[:5] >> 47).astype(np.int64)[np.arange(86) % 5] - 2**15
    bars, expected, draw_state = np.zeros(384, dtype=np.int8), [], state.copy()
    lattice._find_bars(parts, 1, table, 2, bars, state)
    for part in parts.tolist():
        tied = part + 2**15 in {threshold >> 47 for threshold in thresholds}
        draw = part + 2**15 << 47 | (int(next_uint64(draw_state)) >> 17 if tied else 0)
        expected.append(2 * sum(draw > threshold for threshold in thresholds) - 4)
    assert bars[:256].tolist() == expected
    assert state.tolist() == draw_state.tolist()


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
    sampler = PLAIN[algorithm](model)(spins, seed_state(2))
    visited = np.empty((n_entries, 9), dtype=np.int8)
    for entry in visited:
        sampler(thin, *noted)
        entry[:] = spins
    counts = np.bincount((visited > 0) @ (1 << np.arange(9)), minlength=512)
    expected = n_entries * gibbs(shape, beta, coupling, field)
    assert expected.min() > 5
    assert chisquare(counts, expected).pvalue > 1e-4
