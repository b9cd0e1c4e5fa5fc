"""Network kernels against explicit matrices and plain references: one site, a sweep, a swap, all states."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from smbook.kernels import network as kernels
from smbook.kernels.rng import fill_uint64, next_uint64, seed_state, uniform
from tests.network.exact import all_states, numbers_of, random_couplings, rebuilt

HEAT_BATH, METROPOLIS = kernels.HEAT_BATH, kernels.METROPOLIS
RULES = {"heat-bath": HEAT_BATH, "metropolis": METROPOLIS}
ALL_WORDS = 2**52  # of whose upper bits a uniform number is made


# Networks as kernels take them


def dense(couplings, fields, dtype=np.float64):
    return couplings.astype(dtype), None, None, None, np.asarray(fields, dtype=dtype)


def rows(couplings, fields, dtype=np.float64):
    matrix = sparse.csr_array(couplings)
    columns, starts = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    return None, matrix.data.astype(dtype), columns, starts, np.asarray(fields, dtype=dtype)


FORMS = {"dense": dense, "sparse": rows}
INTEGERS = random_couplings(7, 1, values=[-1.0, 0.0, 1.0, 2.0])
GAUSSIAN = random_couplings(7, 2)
FIELDS = np.array([0.5, -0.25, 0.0, 1.0, 0.0, -2.0, 0.75])


def a_chain(network, spins, seed=1):
    """A chain with its local fields, and room to work in."""
    n, spins = spins.size, spins.copy()
    local = np.empty(n, dtype=network[-1].dtype)
    kernels.find_local_fields(*network, spins, local)
    room = np.empty(n, dtype=np.uint64), np.empty(n), np.arange(n)
    return (spins, local, np.zeros(1, dtype=np.int64), seed_state(seed)), room


def random_spins(*shape, seed=1):
    return np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), shape)


# Local fields and energies


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("form", FORMS)
def test_local_fields_and_energies_are_those_of_the_formula(form, dtype):
    """A field counted twice, or a pair of spins, would shift every energy."""
    network = FORMS[form](GAUSSIAN, FIELDS, dtype)
    for spins in random_spins(20, 7):
        (_, local, *_), _ = a_chain(network, spins)
        assert local.dtype == dtype
        np.testing.assert_allclose(local, GAUSSIAN @ spins + FIELDS, atol=20 * np.finfo(dtype).eps)
        pairs = sum(GAUSSIAN[i, j] * spins[i] * spins[j] for i, j in itertools.combinations(range(7), 2))
        found = kernels.energy(spins, local, network[-1])
        assert found == pytest.approx(-pairs - FIELDS @ spins, abs=50 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("form", FORMS)
def test_a_turn_brings_the_local_fields_up_to_date_and_turns_back(form):
    network = FORMS[form](INTEGERS, FIELDS)
    (spins, local, *_), _ = a_chain(network, random_spins(7))
    before = spins.tolist(), local.tolist()
    for i in range(7):
        kernels.turn(*network[:-1], spins, local, i)
        assert local.tolist() == (INTEGERS @ spins + FIELDS).tolist()
    for i in range(7):
        kernels.turn(*network[:-1], spins, local, i)
    assert (spins.tolist(), local.tolist()) == before


# One site, and a sweep of them, on explicit matrices: the chance of a flip is the share of words that flip


@njit
def leave(_state, _words):
    """Leave the words as they are: they are planned."""


@pytest.fixture(scope="module")
def planned():
    """The kernels' own code, with draws that are planned instead of random."""
    return rebuilt(fill_uint64=leave)


def share_of_words(flips_at):
    """How many of all words do something, if the low ones do it and the high ones do not."""
    low, high = 0, ALL_WORDS
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if flips_at(middle) else (low, middle)
    return low / ALL_WORDS


def site_matrix(planned, network, site, rule, beta):
    """P(s, s') of the update of one site, by the words for which the kernel turns it."""
    n = network[-1].size
    matrix = np.zeros((2**n, 2**n))
    for number, start in enumerate(all_states(n)):

        def turns(word, start=start):
            (spins, local, turned, state), _ = a_chain(network, start)
            room = np.array([word << 12], dtype=np.uint64), np.empty(1), np.array([site])
            planned.sweep(network, spins, local, turned, state, room, rule, kernels.SEQUENTIAL, beta)
            return spins[site] != start[site]

        # low words put a spin up by the heat bath, and turn it by Metropolis
        high_words_turn = rule == HEAT_BATH and start[site] > 0
        share = share_of_words(lambda word, turns=turns, no=high_words_turn: turns(word) != no)
        flip = 1 - share if high_words_turn else share
        matrix[number, number ^ 1 << site] = flip
        matrix[number, number] = 1 - flip
    return matrix


def law_of(network, beta):
    states, couplings = all_states(network[-1].size).astype(float), network[0].astype(float)
    found = -np.einsum("ki,ij,kj->k", states, couplings, states) / 2 - states @ network[-1]
    weights = np.exp(-beta * (found - found.min()))
    return weights / weights.sum()


SQUARE = np.array(
    [[0, 1, 0, -1], [1, 0, 1, 0], [0, 1, 0, 1], [-1, 0, 1, 0]]
)  # frustrated: one bond disagrees
BALANCED = [
    (random_couplings(4, 5), np.array([0.3, -0.2, 0.0, 0.4]), 1.1),
    (SQUARE, np.zeros(4), 0.4),
    (SQUARE, np.array([2.0, 0.0, 0.0, -1.0]), 0.4),
    (np.zeros((2, 2)), np.array([0.0, 0.7]), 2.0),
]


@pytest.mark.parametrize(("couplings", "fields", "beta"), BALANCED)
@pytest.mark.parametrize("rule", RULES)
def test_one_site_is_in_detailed_balance_and_a_sweep_keeps_the_gibbs_distribution(
    planned, rule, couplings, fields, beta
):
    """Any wrong probability breaks this, whatever its effect on averages; free flips are among them."""
    network = dense(couplings, fields)
    exact = law_of(network, beta)
    after = exact
    for site in range(fields.size):
        matrix = site_matrix(planned, network, site, RULES[rule], beta)
        flow = exact[:, None] * matrix
        np.testing.assert_allclose(flow, flow.T, rtol=1e-12, atol=1e-16)
        after = after @ matrix
    np.testing.assert_allclose(after, exact, rtol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_a_sampler_a_millionth_too_hot_is_not_in_detailed_balance(planned, rule):
    couplings, fields, beta = BALANCED[0]
    network = dense(couplings, fields)
    flow = law_of(network, beta)[:, None] * site_matrix(planned, network, 0, RULES[rule], beta * (1 - 1e-6))
    assert abs(flow - flow.T).max() > 1e-9


@pytest.mark.parametrize("reduced", [-3.0, -1e-3, 0.0, 0.2, 30.0])
def test_the_noise_has_the_textbook_probabilities(reduced):
    """The share of 10^6 draws that turn a spin: |z| < 4 tells a bias of 2e-3 at one half."""
    words, noise = np.empty(10**6, dtype=np.uint64), np.empty(10**6)
    kernels.draw_noise(HEAT_BATH, seed_state(3), words, noise)
    up = 1 / (1 + math.exp(-reduced))
    assert abs((reduced > noise).sum() - up * 1e6) <= 4 * math.sqrt(up * (1 - up) * 1e6)
    kernels.draw_noise(METROPOLIS, seed_state(3), words, noise)
    assert noise.min() > 0
    for spin in (-1, 1):
        flips = [kernels._flips(METROPOLIS, spin, reduced, x) for x in noise[:10_000]]
        expected = min(1.0, math.exp(-reduced * spin)) if reduced else 0.5
        error = math.sqrt(expected * (1 - expected) / len(flips))
        assert abs(np.mean(flips) - expected) <= 4 * error + 1e-12


# The kernels do these updates, in this order: a reference in plain Python


class Draws:
    """The draws of a kernel's generator as Python integers."""

    def __init__(self, seed):
        self.state = seed_state(seed)

    def __call__(self, n):
        return [int(next_uint64(self.state)) for _ in range(n)]


def sweep_in_words(spins, couplings, fields, rule, order, beta, draw):
    n = spins.size
    uniforms = [((word >> 12) + 0.5) / 2**52 for word in draw(n)]
    sites = [(word >> 1) % n for word in draw(n)] if order == kernels.RANDOM else range(n)
    for site, u in zip(sites, uniforms, strict=True):
        local = couplings[site] @ spins + fields[site]
        if rule == HEAT_BATH:
            spins[site] = 1 if u < 1 / (1 + math.exp(-2 * beta * local)) else -1
        else:
            cost = 2 * beta * local * spins[site]
            if u < (math.exp(-cost) if cost > 0 else 1.0 if cost < 0 else 0.5):
                spins[site] *= -1


@pytest.mark.parametrize("order", [kernels.SEQUENTIAL, kernels.RANDOM])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("couplings", [INTEGERS, GAUSSIAN], ids=["integers", "gaussian"])
def test_sweeps_do_the_documented_updates_in_the_documented_order(couplings, form, dtype, rule, order):
    """A local field that is not brought up to date, or a site that is passed over, changes bits here."""
    network = FORMS[form](couplings.astype(dtype), FIELDS, dtype)
    chain, room = a_chain(network, random_spins(7), seed=5)
    expected, draw = random_spins(7), Draws(5)
    betas = np.array([0.1, 0.6, 3.0] * 20)
    noted = np.empty(60), np.empty(60, dtype=np.int64), np.empty((60, 7), dtype=np.int8)
    best = np.full(1, np.inf), np.empty(7, dtype=np.int8)
    kernels.run(network, chain, room, rule, order, betas, 2, *noted, *best)
    seen = []
    for k, beta in enumerate(betas):
        for _ in range(2):
            sweep_in_words(expected, couplings.astype(dtype), FIELDS, rule, order, beta, draw)
            seen.append((-expected @ (couplings @ expected / 2 + FIELDS), expected.copy()))
        assert noted[2][k].tolist() == expected.tolist()
        assert noted[1][k] == expected.sum()
        assert noted[0][k] == pytest.approx(seen[-1][0], abs=1e-5 if dtype == np.float32 else 1e-13)
    assert chain[-1].tolist() == draw.state.tolist()
    lowest = min(energy for energy, _ in seen)
    assert best[0][0] == pytest.approx(lowest, abs=1e-5)
    assert any((best[1] == spins).all() for energy, spins in seen if energy < lowest + 1e-5)


# Does a Metropolis sweep reach every state?

EXTREMES = [-math.log(2.0**-53), -math.log(1 - 2.0**-53)]  # of Metropolis's noise


def accepts_ties(_rule, spin, reduced, noise):
    """The rule of most books."""
    return reduced * spin <= 0.0 or reduced * spin < noise


def n_classes(couplings, fields, flips=kernels._flips, beta=0.4):
    """The number of parts a sweep does not leave: strong components over (state, sites updated so far)."""
    states, edges = all_states(len(couplings)), []
    numbers, n = np.arange(len(states)), len(couplings)
    possible = {}
    for site in range(n):
        local = states @ couplings[site] + fields[site]
        for spin, value in {*zip(states[:, site].tolist(), local.tolist(), strict=True)} - {*possible}:
            chances = [bool(flips(METROPOLIS, spin, 2 * beta * value, noise)) for noise in EXTREMES]
            possible[spin, value] = chances
        turned, stayed = (
            np.array(
                [
                    wanted in possible[key]
                    for key in zip(states[:, site].tolist(), local.tolist(), strict=True)
                ]
            )
            for wanted in (True, False)
        )
        here, following = site * len(states) + numbers, (site + 1) % n * len(states)
        edges.append(np.stack([here, following + (numbers ^ 1 << site)])[:, turned])
        edges.append(np.stack([here, following + numbers])[:, stayed])
    ends = np.concatenate(edges, axis=1)
    size = n * len(states)
    graph = sparse.coo_array((np.ones(ends.shape[1], dtype=np.int8), tuple(ends)), shape=(size, size))
    classes = connected_components(graph.tocsr(), connection="strong")[1]
    return len(set(classes[: len(states)].tolist()))


def ring(bonds):
    couplings = np.zeros((len(bonds), len(bonds)))
    for i, bond in enumerate(bonds):
        j = (i + 1) % len(bonds)
        couplings[i, j] += bond
        couplings[j, i] += bond
    return couplings


RINGS = [ring(bonds) for n in (3, 4, 5) for bonds in itertools.product([-1.0, 1.0], repeat=n)]
RINGS += [ring([1.0] * 6), ring([-1.0] * 7), ring([1.0, -1.0] * 4)]


def test_metropolis_reaches_every_state_of_a_ring_but_not_if_it_accepts_all_ties():
    """Domain walls that march on at no cost are conserved; a toss for each step lets them turn round."""
    for couplings in RINGS:
        nothing = np.zeros(len(couplings))
        assert n_classes(couplings, nothing) == 1
        assert n_classes(couplings, nothing, accepts_ties) > 1


def test_metropolis_reaches_every_state_of_small_networks_of_integers():
    random, caught = np.random.default_rng(3), 0
    for seed in range(120):
        n = int(random.integers(1, 7))
        couplings = random_couplings(n, seed, values=[-1.0, 0.0, 1.0])
        fields = random.choice([-1.0, 0.0, 0.0, 1.0, 2.0], n) * (seed % 2)
        assert n_classes(couplings, fields) == 1
        caught += n_classes(couplings, fields, accepts_ties) > 1
    assert caught > 3


def test_metropolis_reaches_every_state_at_infinite_temperature():
    assert n_classes(GAUSSIAN[:5, :5], np.ones(5), beta=0.0) == 1
    assert n_classes(GAUSSIAN[:5, :5], np.ones(5), accepts_ties, beta=0.0) > 1


# Rounding does not add up


def largest_drift(dtype, *, refreshed, n=200, n_sweeps=20_000):
    """How far the local fields are off after a hot run, in units of the last place of 1."""
    network = dense(random_couplings(n, 4), np.zeros(n), dtype)
    (spins, local, turned, state), room = a_chain(network, random_spins(n))
    fresh = np.empty_like(local)
    for _ in range(n_sweeps // 10):
        for _ in range(10):
            kernels.sweep(network, spins, local, turned, state, room, HEAT_BATH, kernels.SEQUENTIAL, 0.1)
        if not refreshed:
            turned[0] = 0
    kernels.find_local_fields(*network, spins, fresh)
    return abs(local - fresh).max() / np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_local_fields_are_refreshed_against_drift(dtype):
    """Two million flips; sums of rounding errors grow as their square root, unless they are dropped."""
    assert largest_drift(dtype, refreshed=True) < 60
    assert largest_drift(dtype, refreshed=False) > 200


# Swaps


@pytest.mark.parametrize(
    ("betas", "energies", "chance"),
    [
        ([0.5, 2.0], [-1.0, -3.0], 1.0),  # (0.5 - 2.0) (-1.0 + 3.0) < 0: refused but for exp(-3)
        ([0.5, 2.0], [-3.0, -1.0], 1.0),
        ([0.5, 0.7], [-3.0, -4.0], 1.0),
        ([0.5, 0.7], [-3.0, -3.0], 1.0),
    ],
)
def test_a_swap_has_the_chance_of_total_energies(betas, energies, chance):
    """100,000 swaps tell a chance to 1.6e-3."""
    chance = min(1.0, math.exp((betas[0] - betas[1]) * (energies[0] - energies[1])))
    totals, state, n = np.array(energies), seed_state(6), 100_000
    swaps = np.zeros((2, 1), dtype=np.int64)
    for _ in range(n):
        at = np.array([0, 1])
        kernels._swap_neighbours(at, np.array(betas), totals, 0, swaps, state)
    assert swaps[0, 0] == n
    assert abs(swaps[1, 0] - n * chance) <= 4 * math.sqrt(n * chance * (1 - chance))


@pytest.mark.parametrize("first", [0, 1])
def test_neighbours_swap_in_pairs_of_one_parity(first):
    betas, totals = np.arange(5.0), np.arange(5.0)  # every swap is accepted
    at, swaps = np.arange(5), np.zeros((2, 4), dtype=np.int64)
    kernels._swap_neighbours(at, betas, totals, first, swaps, seed_state(1))
    assert at.tolist() == ([1, 0, 3, 2, 4] if first == 0 else [0, 2, 1, 4, 3])
    assert swaps.tolist() == [[1 - first, first, 1 - first, first]] * 2


def temper_in_words(network, couplings, rule, betas, n_sweeps, start, seed):
    """Yield after each sweep the energies in the order of temperatures, the swaps and the trips made."""
    states, draw, n_betas = start.copy(), Draws(seed), len(betas)
    at, heading, trips = list(range(n_betas)), [0] * n_betas, [0] * n_betas
    made, tried = [0] * (n_betas - 1), [0] * (n_betas - 1)

    def energy(spins):
        return -spins @ (couplings @ spins / 2 + network[-1])

    for sweep in range(n_sweeps):
        for k, beta in enumerate(betas):
            sweep_in_words(states[at[k]], couplings, network[-1], rule, kernels.SEQUENTIAL, beta, draw)
        for k in range(sweep % 2, n_betas - 1, 2):
            gain = (betas[k] - betas[k + 1]) * (energy(states[at[k]]) - energy(states[at[k + 1]]))
            tried[k] += 1
            if uniform(draw.state) < math.exp(min(gain, 0.0)):
                at[k], at[k + 1] = at[k + 1], at[k]
                made[k] += 1
        if n_betas > 1:
            trips[at[0]] += heading[at[0]] == 1
            heading[at[0]] = -1
            heading[at[-1]] = abs(heading[at[-1]])
        yield [energy(states[row]) for row in at], [tried, made], trips


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("n_betas", [1, 2, 5])
@pytest.mark.parametrize("form", FORMS)
def test_tempering_makes_sweeps_and_swaps_as_documented(form, n_betas, rule):
    """Trips, swaps and energies after each sweep; a stale energy or a swap too early changes bits."""
    network, betas = FORMS[form](GAUSSIAN, FIELDS), np.linspace(0.1, 1.5, n_betas)
    start = random_spins(n_betas, 7)
    spins, local = start.copy(), np.empty((n_betas, 7))
    for row, fields in zip(spins, local, strict=True):
        kernels.find_local_fields(*network, row, fields)
    chains = spins, local, np.zeros((n_betas, 1), dtype=np.int64), seed_state(5)
    _, room = a_chain(network, random_spins(7))
    count = np.zeros((2, n_betas), dtype=np.int64)
    ladder = np.arange(n_betas), np.zeros(1, dtype=np.int64), np.zeros(n_betas)
    ladder += np.zeros((2, n_betas - 1), dtype=np.int64), *count
    noted = np.empty((1, n_betas)), np.empty((1, n_betas), dtype=np.int64)
    snapshots, best = np.empty((1, n_betas, 7), dtype=np.int8), (np.full(1, np.inf), np.empty(7, np.int8))
    lowest = math.inf
    for energies, swaps, trips in temper_in_words(network, GAUSSIAN, rule, betas, 60, start, 5):
        kernels.temper(
            network, chains, room, rule, kernels.SEQUENTIAL, betas, ladder, n_betas, *noted, snapshots, *best
        )
        lowest = min(lowest, *energies)
        np.testing.assert_allclose(noted[0][0], energies, atol=1e-12)
        assert noted[1][0].tolist() == snapshots[0].sum(axis=1).tolist()
        assert snapshots[0].tolist() == spins[ladder[0]].tolist()
        assert ladder[3].tolist() == swaps
        assert ladder[5].tolist() == trips
    assert best[0][0] == pytest.approx(lowest, abs=1e-12)
    assert ladder[5].sum() > 0 or n_betas == 1


# Couplings


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_gaussian_couplings_are_symmetric_of_variance_one_over_n(dtype):
    matrix = np.full((600, 600), 7, dtype=dtype)
    kernels.fill_gaussian(seed_state(2), matrix)
    drawn = matrix[np.tril_indices(600, -1)] * math.sqrt(600)
    assert (matrix == matrix.T).all()
    assert not matrix.diagonal().any()
    n = drawn.size
    assert abs(drawn.mean()) < 4 / math.sqrt(n)
    assert abs((drawn**2).mean() - 1) < 4 * math.sqrt(2 / n)
    assert abs((drawn**4).mean() - 3) < 4 * math.sqrt(96 / n)
    assert abs((drawn[1:] * drawn[:-1]).mean()) < 4 / math.sqrt(n)


@given(st.lists(st.integers(2, 5), min_size=1, max_size=3).map(tuple))
def test_the_rows_of_a_lattice_name_every_bond_twice(shape):
    """Bonds of their own value each, so that one in the wrong place is seen."""
    n, axes = math.prod(shape), len(shape)
    bonds = np.arange(1.0, axes * n + 1).reshape(axes, n)
    entries, columns = np.empty(2 * axes * n), np.empty(2 * axes * n, dtype=np.int64)
    starts = np.empty(n + 1, dtype=np.int64)
    kernels.fill_lattice(np.array(shape), bonds, entries, columns, starts)
    expected, sites = np.zeros((n, n)), np.arange(n).reshape(shape)
    for axis in range(axes):
        for i, j, bond in zip(sites.flat, np.roll(sites, -1, axis).flat, bonds[axis], strict=True):
            expected[i, j] += bond
            expected[j, i] += bond
    assert starts.tolist() == list(range(0, 2 * axes * n + 1, 2 * axes))
    assert (np.diff(columns.reshape(n, -1), axis=1) >= 0).all()
    assert sparse.csr_array((entries, columns, starts), shape=(n, n)).toarray().tolist() == expected.tolist()


# All states


@given(st.integers(1, 9), st.integers(0, 100), st.integers(0, 9))
def test_the_gray_code_finds_the_energy_of_every_state(n, seed, bits):
    """In pieces too, each of which starts afresh."""
    couplings, fields = random_couplings(n, seed), np.random.default_rng(seed).normal(size=n)
    states, found = all_states(n).astype(float), np.empty((2 ** max(n - bits, 0), 2 ** min(bits, n)))
    for k, piece in enumerate(found):
        first = k * piece.size
        kernels.find_energies(couplings, fields, first, np.empty(n, dtype=np.int8), np.empty(n), piece)
    expected = -np.einsum("ki,ij,kj->k", states, couplings, states) / 2 - states @ fields
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-12)


@given(st.integers(0, 8), st.integers(0, 100))
def test_the_walsh_transform_sums_with_the_signs_of_common_bits(n, seed):
    values = np.random.default_rng(seed).normal(size=2**n)
    common = np.bitwise_count(np.arange(2**n)[:, None] & np.arange(2**n))
    found = values.copy()
    kernels.walsh_transform(found)
    np.testing.assert_allclose(found, (-1.0) ** common @ values, atol=1e-12)


def test_products_of_spins_are_read_from_the_transform():
    law = np.random.default_rng(1).dirichlet(np.ones(16))
    products, states = law.copy(), all_states(4)
    kernels.walsh_transform(products)
    for k in range(16):
        chosen = [i for i in range(4) if k >> i & 1]
        mean = law @ states[:, chosen].prod(axis=1)
        assert (-1) ** len(chosen) * products[k] == pytest.approx(mean, abs=1e-15)
    assert numbers_of(states).tolist() == list(range(16))


def test_the_plan_takes_the_place_of_the_draws(planned):
    """If `rebuilt` left the right draws in, the matrices above would be those of chance."""
    assert planned.draw_noise.py_func.__globals__["fill_uint64"] is leave
    assert kernels.draw_noise.py_func.__globals__["fill_uint64"] is fill_uint64
