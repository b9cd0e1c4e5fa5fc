"""Kernels of recall against plain Python and definitions: the same draws, the same states, any store."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy import sparse
from scipy.stats import chi2

from smbook.hopfield import _memory, random_patterns
from smbook.kernels import hopfield as kernels
from smbook.kernels.rng import seed_state
from smbook.network import _couplings
from smbook.network._factors import Factors
from tests.hopfield import plain
from tests.network.exact import all_states, random_couplings, rebuilt

N, P = 11, 4
PATTERNS = random_patterns(P, N, rng=3)
BLANKED = random_patterns(P, N, dilution=0.4, rng=4)
INTEGERS = random_couplings(N, 1, values=[-2.0, -1.0, 0.0, 1.0])
ONE_WAY = np.random.default_rng(5).choice([-2.0, -1.0, 0.0, 1.0], (N, N)) * (1 - np.eye(N))
FIELDS = np.arange(N) % 3 - 1.0


# The stores, each with the field that a definition gives


def factors_of(patterns):
    sites = np.array(patterns.T, order="C")
    return Factors(sites, np.abs(sites).sum(axis=1, dtype=np.int64))


def sites_of(patterns):
    return np.array(patterns.T, order="C")


def of_matrix(couplings, fields, dtype=np.float64):
    matrix = couplings.astype(dtype)
    strongest = np.abs(couplings).sum(axis=1).max()
    rows = _couplings.Rows(matrix)
    return _memory.of_couplings(rows, np.ascontiguousarray(matrix.T), fields.astype(dtype), strongest)


def of_rows(couplings, fields):
    return _memory.of_couplings(
        _couplings.checked(sparse.csr_array(couplings)), None, fields, float(np.abs(couplings).sum())
    )


def linear(couplings, fields):
    return lambda s, i: couplings[i] @ s + fields[i]


def of_energy(energy, patterns, *more):
    return plain.field_by_energies(lambda s: energy(patterns, *more, s))


STORES = {
    "matrix": (of_matrix(INTEGERS, FIELDS), linear(INTEGERS, FIELDS)),
    "matrix, float32": (of_matrix(INTEGERS, FIELDS, np.float32), linear(INTEGERS, FIELDS)),
    "one way": (of_matrix(ONE_WAY, FIELDS), linear(ONE_WAY, FIELDS)),
    "sparse": (of_rows(INTEGERS, FIELDS), linear(INTEGERS, FIELDS)),
    "factors": (_memory.of_factors(factors_of(PATTERNS)), of_energy(plain.hebb_energy, PATTERNS)),
    "products": (_memory.of_products(factors_of(PATTERNS)), of_energy(plain.hebb_energy, PATTERNS)),
    "blanks": (_memory.of_factors(factors_of(BLANKED)), of_energy(plain.hebb_energy, BLANKED)),
    "levels, 3": (_memory.of_levels(sites_of(PATTERNS), 3), of_energy(plain.power_energy, PATTERNS, 3)),
    "levels, 4": (_memory.of_levels(sites_of(PATTERNS), 4), of_energy(plain.power_energy, PATTERNS, 4)),
    "decays": (_memory.of_decays(sites_of(PATTERNS)), of_energy(plain.exponential_energy, PATTERNS)),
}
ENERGIES = {
    "matrix": lambda s: plain.couplings_energy(INTEGERS, FIELDS, s),
    "matrix, float32": lambda s: plain.couplings_energy(INTEGERS, FIELDS, s),
    "one way": lambda s: plain.couplings_energy(ONE_WAY, FIELDS, s),
    "sparse": lambda s: plain.couplings_energy(INTEGERS, FIELDS, s),
    "factors": lambda s: plain.hebb_energy(PATTERNS, s),
    "products": lambda s: plain.hebb_energy(PATTERNS, s),
    "blanks": lambda s: plain.hebb_energy(BLANKED, s),
    "levels, 3": lambda s: plain.power_energy(PATTERNS, 3, s),
    "levels, 4": lambda s: plain.power_energy(PATTERNS, 4, s),
    "decays": lambda s: plain.exponential_energy(PATTERNS, s),
}
WAYS = {
    "sequential": {},
    "shuffled": {"shuffled": True},
    "parallel": {"parallel": True},
    "heat bath": {"beta": 0.8},
    "shuffled heat bath": {"beta": 0.8, "shuffled": True},
    "parallel heat bath": {"beta": 0.8, "parallel": True},
}


def a_run(store, spins, seed, *, parallel=False, shuffled=False, beta=math.inf):
    state = seed_state(seed)
    return _memory.Run(store, spins, state, parallel=parallel, shuffled=shuffled, beta=beta), state


@pytest.mark.parametrize(("name", "way"), [*itertools.product(STORES, WAYS)])
def test_recall_makes_the_documented_updates_from_the_documented_draws(name, way):
    """A field with a spin's own share in it, or a site that is passed over, changes bits here."""
    store, field = STORES[name]
    patterns, tolerance = BLANKED if name == "blanks" else PATTERNS, 1e-30 if name == "decays" else 0
    for seed in range(3):
        spins = plain.random_spins(N, seed=seed)
        expected = plain.course(field, spins, 24, seed=seed, tolerance=tolerance, **WAYS[way])
        walk, _ = a_run(store, spins, seed, **WAYS[way])
        known = None if store.by_sums else sites_of(patterns)
        sums, energies = walk.advance(24, known, P)
        made = len(energies) - 1
        states = expected.states[: made + 1]
        assert spins.tolist() == states[-1].tolist()
        assert sums.tolist() == [(patterns.astype(int) @ s).tolist() for s in states]
        np.testing.assert_allclose(energies, [float(ENERGIES[name](s)) for s in states], atol=1e-13)
        assert walk.flips == sum(expected.flips[:made])
        check_end(walk, expected, made, WAYS[way])


def check_end(walk, expected, made, way):
    """A recall ends in the first sweep that turns nothing, or some sweeps after a state has come back."""
    if "beta" in way:
        assert (made, walk.period) == (24, 0)
        return
    still = [k for k, flips in enumerate(expected.flips) if not flips]
    if still:
        assert (made, walk.period) == (still[0] + 1, 1)
    elif walk.period:
        assert walk.period == plain.true_period(expected.states[: made + 1]) > 1
        assert made <= 3 * walk.period + 4 * first_return(expected.states)
    else:
        assert made == 24


def first_return(states):
    """The sweep by which a state has come back."""
    seen = set()
    for sweep, state in enumerate(states):
        if tuple(state.tolist()) in seen:
            return sweep
        seen.add(tuple(state.tolist()))
    return len(states)


@pytest.mark.parametrize("way", ["sequential", "shuffled", "heat bath", "shuffled heat bath"])
@pytest.mark.parametrize("name", ["matrix", "factors", "decays"])
def test_sweeps_may_be_parted_between_calls(name, way):
    """As a page does, which updates some neurons a frame."""
    store = STORES[name][0]
    runs = [a_run(store, plain.random_spins(N, seed=2), 7, **WAYS[way]) for _ in range(2)]
    for (walk, _), parts in zip(runs, ([55], [1, 4, 20, 0, 30]), strict=True):
        for part in parts:
            kernels.retrieve(store.arrays, walk.chain, walk.room, walk.how, walk.clock, part)
    (one, state), (other, same) = runs
    assert one.spins.tolist() == other.spins.tolist()
    assert one.clock.tolist() == other.clock.tolist()
    assert state.tolist() == same.tolist()


@given(st.integers(1, 9), st.integers(1, 6), st.integers(0, 10**6))
def test_a_cycle_is_found_with_its_true_period(length, tail, seed):
    """Rings of neurons that hand on what they have, all at once: an asymmetric network of known period."""
    n = length + tail
    couplings = np.zeros((n, n))
    for i in range(length):
        couplings[i, i - 1 if i else length - 1] = 1.0
    for i in range(length, n):
        couplings[i, i - 1] = 1.0
    np.fill_diagonal(couplings, 0.0)
    spins = plain.random_spins(n, seed=seed)
    ring = spins[:length].tolist()
    shifts = [k for k in range(1, length + 1) if ring[-k:] + ring[:-k] == ring]
    walk, _ = a_run(of_matrix(couplings, np.zeros(n)), spins, 0, parallel=True)
    walk.advance(200, np.empty((n, 0), dtype=np.int8), 0)
    assert walk.period == shifts[0]


def test_local_fields_are_refreshed_against_drift():
    """Some 800,000 flips at a high temperature; rounding errors that add up grow as their square root."""
    n, drifts = 200, []
    couplings = random_couplings(n, 4)
    for refreshed in (True, False):
        walk, _ = a_run(of_matrix(couplings, np.zeros(n)), plain.random_spins(n), 1, beta=0.05)
        for _ in range(800):
            for _ in range(10):
                kernels.retrieve_at_once(walk.store.arrays, walk.chain, walk.room, walk.how, walk.clock)
            if not refreshed:
                walk.clock[3] = 0
        drifts.append(abs(walk.chain[1] - couplings @ walk.spins).max() / np.finfo(float).eps)
    assert drifts[0] < 40 < 100 < drifts[1]


# One neuron at a temperature: the noise below which it goes up is what decides


def threshold(retrieve, store, start, site, beta):
    """The noise from which on the kernel leaves the neuron down, or puts it there: found by halving."""
    low, high = -60.0, 60.0
    while low < (middle := (low + high) / 2) < high:
        walk, _ = a_run(store, start.copy(), 0, beta=beta)
        walk.room[2][[1, site]] = walk.room[2][[site, 1]]
        walk.clock[0] = 1  # within a sweep, whose noise is drawn
        walk.room[1][1] = middle
        retrieve(store.arrays, walk.chain, walk.room, walk.how, walk.clock, 1)
        low, high = (middle, high) if walk.spins[site] > 0 else (low, middle)
    return middle


def flows(retrieve, name, site, beta):
    """pi(s) P(s, s') of the update of one neuron, s' with it turned, of all states."""
    states, store = all_states(N)[:: 2**5], STORES[name][0]
    states = np.concatenate([states, states * np.where(np.arange(N) == site, -1, 1)]).astype(np.int8)
    law = np.exp([-beta * float(ENERGIES[name](s)) for s in states])
    turns = [1 / (1 + math.exp(s[site] * threshold(retrieve, store, s, site, beta))) for s in states]
    return (law * turns / law.sum()).reshape(2, -1)


@pytest.mark.parametrize("name", [name for name in STORES if name != "one way"])
def test_the_update_of_one_neuron_is_in_detailed_balance(name):
    """With the law of the energy that the definition gives; the noise itself is that of networks."""
    for site in (0, 6):
        there, back = flows(kernels.retrieve, name, site, 0.8)
        np.testing.assert_allclose(there, back, rtol=1e-12)


@njit
def keeps_a_millionth(row, own, spin, sums):
    """The field with a millionth of the spin's own share left in it."""
    total = 0.0
    for mu in range(row.size):
        total += np.float64(row[mu]) * np.float64(sums[mu])
    return total - (1.0 - 1e-6) * np.float64(own) * np.float64(spin)


def test_a_millionth_of_a_neurons_own_share_breaks_detailed_balance():
    wrong = rebuilt(kernels, factor_field=keeps_a_millionth).retrieve
    there, back = flows(wrong, "factors", 6, 0.8)
    assert abs(there / back - 1).max() > 1e-9


# Tables, sums and energies


@pytest.mark.parametrize(("n", "degree"), [(5, 2), (5, 3), (100, 7), (1000, 5), (40_000, 3)])
def test_levels_are_powers(n, degree):
    levels = np.empty(2 * n + 1)
    kernels.fill_levels(degree, levels)
    for m in {-n, -n + 1, -3, -1, 0, 1, 2, n - 1, n}:
        exact = m**degree
        assert levels[m + n] == exact if abs(exact) < 2**53 else math.isclose(levels[m + n], exact)


def test_decays_are_exponentials():
    decays = np.empty(2001)
    kernels.fill_decays(decays)
    exact = [float(mpmath.exp(-k)) for k in range(2001)]
    np.testing.assert_allclose(decays, exact, rtol=3e-16, atol=5e-324)


@given(st.integers(1, 40), st.integers(0, 12), st.integers(0, 10**6))
def test_sums_are_products_of_patterns_and_spins(n, p, seed):
    patterns, spins = random_patterns(p, n, dilution=0.3, rng=seed), plain.random_spins(n, seed=seed)
    exact = (patterns.astype(int) @ spins).tolist()
    found = np.empty(p, dtype=np.int64)
    kernels.find_products(patterns, spins, found)
    assert found.tolist() == exact
    for dtype in (np.int16, np.int32, np.int64):
        sums = np.empty(p, dtype=dtype)
        kernels.find_sums(sites_of(patterns), spins, sums)
        assert sums.tolist() == exact


def test_sums_reach_to_the_end_of_their_types():
    """N = 32767 in 16 bits, and P N next to 2^31 in 32: the field on a neuron of 50,000 equal patterns."""
    n = np.iinfo(np.int16).max
    up, sums = np.ones(n, dtype=np.int8), np.empty(3, dtype=np.int16)
    kernels.find_sums(np.ones((n, 3), dtype=np.int8), up, sums)
    assert sums.tolist() == [n] * 3
    kernels.find_sums(-np.ones((n, 3), dtype=np.int8), up, sums)
    assert sums.tolist() == [-n] * 3
    p, n = 50_000, 42_949
    assert kernels.factor_field(np.ones(p, dtype=np.int8), p, 1, np.full(p, n, dtype=np.int32)) == p * n - p
    assert kernels.factor_energy(np.full(9, p), np.full(p, n, dtype=np.int32)) == -(p * n**2 - 9 * p) / 2


@pytest.mark.parametrize("name", STORES)
def test_fields_are_half_of_what_the_energy_gains(name):
    store, field = STORES[name]
    for seed in range(5):
        walk, _ = a_run(store, plain.random_spins(N, seed=seed), 0)
        found = np.empty(N)
        kernels.find_fields(store.arrays, walk.chain, store.scale, found)
        np.testing.assert_allclose(found, [float(field(walk.spins, i)) for i in range(N)], atol=1e-14)


def test_an_energy_of_nothing_has_no_sign():
    nothing = np.zeros(0, dtype=np.int16)
    assert math.copysign(1.0, kernels.factor_energy(np.zeros(3, dtype=np.int64), nothing)) == 1.0
    assert math.copysign(1.0, kernels.level_energy(np.zeros(3), nothing)) == 1.0


@pytest.mark.parametrize("sums", [[700, -700], [30_000, 29_999, 3], [-5]])
def test_energies_of_exponentials_do_not_overflow(sums):
    decays = np.empty(80_001)
    kernels.fill_decays(decays)
    with mpmath.workdps(40):
        exact = -mpmath.log(mpmath.fsum(mpmath.exp(m) for m in sums))
    assert kernels.decay_energy(decays, np.array(sums, dtype=np.int16)) == pytest.approx(float(exact))


# Random patterns and cues


@pytest.mark.parametrize(("up", "filled"), [(0.5, 1.0), (0.3, 0.8), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0)])
def test_patterns_have_the_shares_that_are_asked_for(up, filled):
    """10^6 entries: |z| < 4 tells a bias of 2e-3."""
    out = np.empty(10**6, dtype=np.int8)
    kernels.fill_patterns(seed_state(1), up, filled, out)
    for value, share in ((1, up), (-1, filled - up), (0, 1 - filled)):
        error = math.sqrt(share * (1 - share) * out.size) + 1e-9
        assert abs((out == value).sum() - share * out.size) < 4 * error


def test_noise_turns_each_set_of_spins_equally_often():
    """Three of seven, 70,000 times: chi-square over the 35 sets; a set is seen 2000 times, to 2 %."""
    state, sequence = seed_state(2), np.arange(7)
    sets = {chosen: k for k, chosen in enumerate(itertools.combinations(range(7), 3))}
    seen = np.zeros(35)
    for _ in range(70_000):
        spins = np.ones(7, dtype=np.int8)
        kernels.spoil(state, np.empty(7, dtype=np.uint64), sequence, 3, spins)
        seen[sets[tuple(np.flatnonzero(spins < 0).tolist())]] += 1
    assert chi2.sf(((seen - 2000) ** 2 / 2000).sum(), 34) > 1e-4


@given(st.integers(1, 30), st.integers(0, 10**6), st.data())
def test_noise_turns_as_many_spins_as_are_asked_for(n, seed, data):
    count, spins = data.draw(st.integers(0, n)), plain.random_spins(n, seed=seed)
    sequence, before = np.arange(n), spins.copy()
    kernels.spoil(seed_state(seed), np.empty(n, dtype=np.uint64), sequence, count, spins)
    assert (spins != before).sum() == count
    assert sorted(sequence) == list(range(n))
