"""Recall and basins: energy falls, cycles have their periods, heat its law; runs stop and repeat."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy import sparse
from scipy.stats import binom

from smbook import _pool
from smbook.hopfield import (
    Basin,
    DenseMemory,
    Recall,
    _memory,
    basin,
    corrupt,
    hebb,
    overlap,
    pseudo_inverse,
    random_patterns,
    recall,
    storkey,
)
from smbook.kernels import hopfield as kernels
from smbook.network import SpinNetwork, edwards_anderson, ferromagnet
from smbook.theory.hopfield import one_step_error_exact
from tests.hopfield.plain import layouts, random_spins
from tests.hopfield.test_patterns import check_refusal
from tests.interrupts import interrupted
from tests.network.exact import all_states, dense, gibbs, p_value, random_couplings, rebuilt

PATTERNS = random_patterns(5, 80, rng=1)
ORDERS, DYNAMICS = ("sequential", "random"), ("asynchronous", "parallel")


def each_spin(n):
    """Patterns whose sums with a state are the state itself: all states of a recall can so be seen."""
    return np.eye(n, dtype=np.int8)


def states_of(found):
    """The states (sweeps + 1, N) of a recall with the patterns of `each_spin`."""
    return np.round(found.overlaps * found.spins.size).astype(np.int8)


# Ways through: patterns, their couplings, and any network of these


@given(
    n=st.integers(1, 40), p=st.integers(0, 9), dilution=st.sampled_from([0.0, 0.4]),
    dynamics=st.sampled_from(DYNAMICS), order=st.sampled_from(ORDERS), seed=st.integers(0, 2**64),
    beta=st.sampled_from([math.inf, 0.0, 0.7, 5.0]), dtype=st.sampled_from([np.float64, np.float32]),
)  # fmt: skip
def test_recall_through_factors_is_that_through_couplings(n, p, dilution, seed, dynamics, order, beta, dtype):
    """Bit for bit, in all numbers of the result; the spins are those of a network of couplings alone, too."""
    patterns, cue = random_patterns(p, n, dilution=dilution, rng=seed), random_spins(n, seed=seed)
    network = hebb(patterns, diluted=True, dtype=dtype)
    way = {"dynamics": dynamics, "order": order, "beta": beta, "max_sweeps": 30, "rng": seed}
    found = recall(network, cue, through="factors", **way)
    assert found == recall(network, cue, through="couplings", **way) == recall(network, cue, **way)
    other = recall(SpinNetwork(network.couplings), cue, patterns=patterns, **way)
    assert other.spins.tolist() == found.spins.tolist()
    assert other.overlaps.tolist() == found.overlaps.tolist()
    assert (other.flips, other.period) == (found.flips, found.period)
    np.testing.assert_allclose(other.energy, found.energy, atol=n * 1e-6 if dtype == np.float32 else 1e-12)


def test_large_networks_go_the_same_way_through_both():
    """N = 2000 next to capacity, where recall is long and many fields are small."""
    patterns = random_patterns(280, 2000, rng=1)
    network = hebb(patterns)
    for seed in range(2):
        cue = corrupt(patterns[seed], 0.1, rng=seed)
        for way in (
            {"order": "random"},
            {"dynamics": "parallel", "max_sweeps": 30},
            {"beta": 4.0, "max_sweeps": 9},
        ):
            found = recall(network, cue, rng=seed, **way)
            assert found == recall(network, cue, through="couplings", rng=seed, **way)
            assert found.sweeps > 3


def test_sparse_couplings_and_others_make_the_same_recall():
    network = edwards_anderson((6, 7), disorder="plus-minus", rng=3)
    other = SpinNetwork(dense(network))
    for way in itertools.product(DYNAMICS, ORDERS, (math.inf, 0.8)):
        one, same = (
            recall(net, random_spins(42), dynamics=way[0], order=way[1], beta=way[2], max_sweeps=40, rng=1)
            for net in (network, other)
        )
        assert one == same


def test_a_heat_bath_in_order_is_that_of_sampling():
    """The same draws, and so the same states, sweep by sweep."""
    network, cue = hebb(PATTERNS), random_spins(80)
    found = recall(network, cue, beta=1.5, max_sweeps=50, rng=7)
    trace = network.sample(1.5, 50, initial=cue, patterns=PATTERNS, rng=7)
    assert found.overlaps[1:].tolist() == trace.overlaps[0].T.tolist()
    assert found.spins.tolist() == trace.spins[0].tolist()
    np.testing.assert_allclose(found.energy[1:], trace.energy[0], atol=1e-12)


# T = 0: energy falls, to a local minimum


def a_network(kind, n, seed):
    random = np.random.default_rng(seed)
    patterns = random_patterns(max(1, n // 3), n, dilution=0.3 * (kind == "diluted"), rng=seed)
    return {
        "gaussian": lambda: SpinNetwork(random_couplings(n, seed)),
        "whole": lambda: SpinNetwork(random_couplings(n, seed, values=[-1.0, 0.0, 1.0])),
        "field": lambda: SpinNetwork(random_couplings(n, seed), random.normal(size=n)),
        "float32": lambda: SpinNetwork(random_couplings(n, seed).astype(np.float32), 0.1),
        "sparse": lambda: SpinNetwork(sparse.csr_array(random_couplings(n, seed, values=[0, 0, 0, 1.5, -1]))),
        "hebb": lambda: hebb(patterns),
        "diluted": lambda: hebb(patterns, diluted=True),
        "biased": lambda: hebb(random_patterns(3, n, bias=0.4, rng=seed), bias=0.4),
        "storkey": lambda: storkey(patterns),
        "pseudo-inverse": lambda: pseudo_inverse(random_patterns(1, n, rng=seed)),
        "cubic": lambda: DenseMemory(random_patterns(4, n, rng=seed)),
        "sixth": lambda: DenseMemory(random_patterns(4, n, rng=seed), degree=6),
        "exponential": lambda: DenseMemory(random_patterns(4, n, rng=seed), "exponential"),
    }[kind]()


KINDS = (
    "gaussian", "whole", "field", "float32", "sparse", "hebb", "diluted", "biased", "storkey",
    "pseudo-inverse", "cubic", "sixth", "exponential",
)  # fmt: skip


def run(network, cue, **way):
    return network.recall(cue, **way) if isinstance(network, DenseMemory) else recall(network, cue, **way)


@given(st.sampled_from(KINDS), st.integers(1, 30), st.integers(0, 10**6), st.sampled_from(ORDERS))
def test_energy_never_rises_and_recall_ends_in_a_local_minimum(kind, n, seed, order):
    """Each state of the course, by the energy of the definition; then all neighbours of the last."""
    network, cue = a_network(kind, n, seed), random_spins(n, seed=seed)
    found = run(network, cue, order=order, rng=seed, max_sweeps=1000)
    precision = (1e-5 if kind == "float32" else 1e-11) * (1 + abs(found.energy).max())
    assert (np.diff(found.energy) <= precision).all()
    assert found.period == 1
    assert found.outcome == "fixed point"
    assert found.energy[-1] == pytest.approx(network.energy(found.spins), abs=precision)
    neighbours = found.spins * (1 - 2 * np.eye(n, dtype=np.int8))
    assert (network.energy(neighbours) >= found.energy[-1] - precision).all()


def test_every_flip_lowers_the_energy():
    """One update at a time: not only sweep by sweep."""
    store = _memory.of_factors(hebb(random_patterns(12, 60, rng=1))._factors)
    walk = _memory.Run(
        store, random_spins(60), np.ones(4, np.uint64), parallel=False, shuffled=False, beta=math.inf
    )
    network, last = hebb(random_patterns(12, 60, rng=1)), math.inf
    for _ in range(400):
        before = walk.flips
        kernels.retrieve(store.arrays, walk.chain, walk.room, walk.how, walk.clock, 1)
        energy = network.energy(walk.spins)
        assert energy < last if walk.flips > before else energy <= last
        last = energy


@pytest.mark.parametrize("kind", ["hebb", "whole", "exponential"])
def test_fixed_points_are_all_local_minima_and_no_others(kind):
    """All 2^10 states: recall leaves a state alone if, and only if, no flip lowers its energy."""
    network, states = a_network(kind, 10, 3), all_states(10)
    energy = np.round(network.energy(states), 9)
    numbers = np.arange(1024)
    minima = np.all([energy[numbers ^ 1 << i] >= energy for i in range(10)], axis=0)
    still = [run(network, state).flips == 0 for state in states]
    assert still == minima.tolist()
    assert 2 <= sum(still) < 200


def test_a_spin_without_a_field_keeps_its_state():
    """A field of 0.1 + 0.2 - 0.3, which rounding makes 5e-17, is none."""
    couplings = np.zeros((4, 4))
    couplings[0, 1:] = couplings[1:, 0] = 0.1, 0.2, -0.3
    network = SpinNetwork(couplings, [0.0, 9.0, 9.0, 9.0])
    for spin in (-1, 1):
        cue = np.array([spin, 1, 1, 1], dtype=np.int8)
        for net, dynamics in itertools.product((network, SpinNetwork(np.zeros((4, 4)))), DYNAMICS):
            assert recall(net, cue, dynamics=dynamics).spins.tolist() == cue.tolist()


# All at once


def goles(network, states):
    """The function of Goles, Fogelman and Pellegrin of neighbouring states, which cannot rise."""
    s, old = states[1:].astype(float), states[:-1].astype(float)
    pairs = np.einsum("ti,ij,tj->t", s, dense(network), old)
    return -pairs - (s + old) @ network.fields.astype(float)


@given(st.sampled_from(KINDS[:10]), st.integers(1, 25), st.integers(0, 10**6))
def test_symmetric_couplings_end_in_fixed_points_or_two_cycles(kind, n, seed):
    network, cue = a_network(kind, n, seed), random_spins(n, seed=seed)
    found = recall(network, cue, dynamics="parallel", max_sweeps=2000, patterns=each_spin(n))
    assert found.period in (1, 2)
    assert found.outcome == ("fixed point", "two-cycle")[found.period - 1]
    states = states_of(found)
    assert states[-1].tolist() == found.spins.tolist() == states[-1 - found.period].tolist()
    falling = goles(network, states)
    assert (np.diff(falling) <= 1e-5 * (1 + abs(falling).max())).all()


def test_both_ends_are_seen():
    """Two antiferromagnetic neurons that agree turn for ever; many networks do both."""
    pair = SpinNetwork([[0.0, -1.0], [-1.0, 0.0]])
    found = recall(pair, np.ones(2, dtype=np.int8), dynamics="parallel")
    assert (found.outcome, found.flips, found.sweeps) == ("two-cycle", 2 * found.sweeps, 3)
    assert recall(pair, np.array([1, -1], dtype=np.int8), dynamics="parallel").outcome == "fixed point"


# Without symmetry


def test_an_asymmetric_pair_goes_round_in_four():
    """s0 follows s1, s1 flees s0: ++, +-, --, -+. One after another it never rests either."""
    chase = np.array([[0.0, 1.0], [-1.0, 0.0]])
    found = recall(chase, np.ones(2, dtype=np.int8), dynamics="parallel", patterns=each_spin(2))
    assert (found.period, found.outcome) == (4, "cycle of 4")
    assert states_of(found)[:5].tolist() == [[1, 1], [1, -1], [-1, -1], [-1, 1], [1, 1]]
    assert recall(chase, np.ones(2, dtype=np.int8)).period == 2
    shuffled = recall(chase, np.ones(2, dtype=np.int8), order="random", rng=1)
    assert (shuffled.outcome, shuffled.sweeps) == ("not settled", 100)


@pytest.mark.parametrize("n", [3, 7, 101, 128])
def test_a_ring_that_hands_on_has_the_period_of_its_length(n):
    ring = np.roll(np.eye(n), -1, axis=1)
    cue = -np.ones(n, dtype=np.int8)
    cue[0] = 1
    found = recall(ring, cue, dynamics="parallel", max_sweeps=600)
    assert found.period == n
    anti = ring.copy()
    anti[0] *= -1
    assert recall(anti, np.ones(n, dtype=np.int8), dynamics="parallel", max_sweeps=900).period == 2 * n


@given(st.integers(2, 12), st.integers(0, 10**6), st.sampled_from(DYNAMICS))
def test_cycles_of_any_couplings_have_their_true_period(n, seed, dynamics):
    """Found by walking on from the last state until it is there again."""
    random = np.random.default_rng(seed)
    couplings = random.normal(size=(n, n)) * (1 - np.eye(n))
    found = recall(couplings, random_spins(n, seed=seed), dynamics=dynamics, max_sweeps=5000)
    assert found.period > 0
    state, steps = found.spins, 0
    while True:
        state, steps = recall(couplings, state, dynamics=dynamics, max_sweeps=1).spins, steps + 1
        if state.tolist() == found.spins.tolist():
            break
    assert steps == found.period


def test_symmetric_couplings_given_as_an_array_are_those_of_a_network():
    couplings = random_couplings(20, 1)
    for dtype in (np.float64, np.float32):
        one = recall(couplings.astype(dtype), random_spins(20))
        assert one == recall(SpinNetwork(couplings.astype(dtype)), random_spins(20))
    assert recall(couplings.tolist(), random_spins(20)) == recall(couplings, random_spins(20))


def test_the_row_of_a_neuron_is_what_it_feels():
    """J_ij acts from j on i: a neuron that only speaks does not turn, one that only hears does."""
    speaks = np.array([[0.0, 0.0], [1.0, 0.0]])  # 0 acts on 1
    assert recall(speaks, np.array([1, -1], dtype=np.int8)).spins.tolist() == [1, 1]
    assert recall(speaks, np.array([-1, 1], dtype=np.int8)).spins.tolist() == [-1, -1]


# A temperature


def samples(network, beta, *, n_sweeps=60_000, thin=3, seed=1, **way):
    """States of one long recall, thinned; the first sweeps dropped."""
    n = network.n_spins
    found = run(
        network, random_spins(n), beta=beta, max_sweeps=n_sweeps, rng=seed, patterns=each_spin(n), **way
    )
    assert (found.period, found.sweeps, found.outcome) == (0, n_sweeps, "not settled")
    return states_of(found)[50::thin]


SMALL = hebb(random_patterns(3, 8, rng=2))


@pytest.mark.parametrize("through", ["factors", "couplings"])
@pytest.mark.parametrize("order", ORDERS)
def test_a_heat_bath_through_patterns_samples_the_gibbs_distribution(order, through):
    """Chi-square over 256 states, of ten seeds, 20,000 samples each; see below which bias it tells."""
    law = gibbs(SMALL, 0.5)
    values = [p_value(samples(SMALL, 0.5, seed=s, order=order, through=through), law) for s in range(10)]
    assert min(values) > 1e-4
    assert 0.15 < np.mean(values) < 0.85


@njit
def keeps_some(row, own, spin, sums):
    """The field with half a hundredth of the spin's own share left in it."""
    total = 0.0
    for mu in range(row.size):
        total += np.float64(row[mu]) * np.float64(sums[mu])
    return total - 0.995 * np.float64(own) * np.float64(spin)


def z_of_the_energy(network, beta):
    """How many errors the mean energy of twenty recalls is off the sum over all states, and its relative."""
    exact = gibbs(network, beta) @ network.energy(all_states(network.n_spins))
    way = {"beta": beta, "max_sweeps": 100_000}
    found = [
        recall(network, random_spins(network.n_spins), rng=seed, **way).energy[100:].mean() / exact
        for seed in range(1000, 1020)
    ]
    return (np.mean(found) - 1) / (np.std(found, ddof=1) / math.sqrt(20)), np.mean(found) - 1


def test_a_little_of_a_neurons_own_share_is_caught(monkeypatch):
    """It moves the energy by 2e-3 of its value, which two million sweeps tell to 4e-4.

    The update of one neuron is held to the law to 1e-12 in the tests of the kernels.
    """
    network = hebb(random_patterns(6, 8, rng=2))
    z, _ = z_of_the_energy(network, 1.0)
    assert abs(z) < 4
    monkeypatch.setattr(kernels, "recall", rebuilt(kernels, factor_field=keeps_some).recall)
    wrong, relative = z_of_the_energy(network, 1.0)
    assert abs(wrong) > 4
    assert 1e-3 < abs(relative) < 4e-3


@pytest.mark.parametrize("order", ORDERS)
def test_dense_memories_sample_their_gibbs_distributions(order):
    for memory in (
        DenseMemory(random_patterns(3, 7, rng=4)),
        DenseMemory(random_patterns(3, 7, rng=4), "exponential"),
    ):
        states, beta = all_states(7), 0.5
        weights = np.exp(-beta * memory.energy(states))
        store, known = memory._store, each_spin(7)
        walk = _memory.Run(store, random_spins(7), np.arange(1, 5).astype(np.uint64), parallel=False,
                           shuffled=order == "random", beta=beta)  # fmt: skip
        sums, _ = walk.advance(60_000, known, 7)
        assert p_value(sums[50::3].astype(np.int8), weights / weights.sum()) > 1e-4


def little(network, beta):
    """The law of parallel updates with symmetric couplings: exp(beta h.s) prod_i cosh(beta l_i(s))."""
    states = all_states(network.n_spins).astype(float)
    local = states @ dense(network) + network.fields
    weights = np.exp(beta * states @ network.fields) * np.cosh(beta * local).prod(axis=1)
    return weights / weights.sum()


def parallel_matrix(network, beta):
    states = all_states(network.n_spins).astype(float)
    up = 1 / (1 + np.exp(-2 * beta * (states @ dense(network) + network.fields)))
    return np.where(states[None] > 0, up[:, None], 1 - up[:, None]).prod(axis=2)


@pytest.mark.parametrize(
    "network",
    [SMALL, SpinNetwork(random_couplings(6, 3), 0.3), ferromagnet(6)],
    ids=["hebb", "field", "magnet"],
)
def test_parallel_updates_sample_littles_law(network):
    """Not that of Gibbs, from which the same samples are told apart; ten seeds."""
    beta, law = 0.7, little(network, 0.7)
    np.testing.assert_allclose(law @ parallel_matrix(network, beta), law, atol=1e-15)
    runs = [samples(network, beta, seed=seed, dynamics="parallel", thin=5) for seed in range(10)]
    assert min(p_value(states, law) for states in runs) > 1e-4
    assert max(p_value(states, gibbs(network, beta)) for states in runs) < 1e-6


def test_extremes_of_temperature():
    network, cue = hebb(PATTERNS), PATTERNS[0]
    tossed = recall(network, cue, beta=0.0, max_sweeps=2000, rng=1, patterns=each_spin(80))
    assert abs(states_of(tossed)[1:].mean()) < 4 / math.sqrt(2000 * 80)
    for beta in (1e300, 1.7e308):
        assert (recall(network, cue, beta=beta, max_sweeps=20, rng=1).overlaps[:, 0] == 1.0).all()
        free = recall(SpinNetwork(np.zeros((50, 50))), random_spins(50), beta=beta, max_sweeps=200, rng=1,
                      patterns=each_spin(50))  # fmt: skip
        assert abs(states_of(free)[1:].mean()) < 4 / math.sqrt(200 * 50)  # no field: a coin, and no NaN


# What theory says of Hebb's networks

# At T = 0 from a pattern, N = 500: the mean overlap and its error (theory of the oracle table)
RETENTION = {0.05: (1.0, 0.0), 0.10: (0.9978, 0.0011), 0.12: (0.9952, 0.0025), 0.13: (0.9885, 0.0053),
             0.14: (0.9825, 0.0039),
             0.16: (0.81, 0.05), 0.20: (0.49, 0.05)}  # fmt: skip


@pytest.mark.parametrize("alpha", RETENTION)
def test_patterns_are_retained_as_measured_elsewhere(alpha):
    """Ten networks of 500 neurons, five patterns each: inside four errors of both measurements."""
    means = []
    for seed in range(10):
        patterns = random_patterns(round(alpha * 500), 500, rng=seed)
        network = hebb(patterns)
        means.append(
            np.mean(
                [recall(network, patterns[k], order="random", rng=seed).overlaps[-1, k] for k in range(5)]
            )
        )
    value, error = RETENTION[alpha]
    spread = np.std(means, ddof=1) / math.sqrt(10)
    assert abs(np.mean(means) - value) < 4 * math.hypot(error, spread) + 1e-3


def test_the_first_step_errs_as_often_as_the_exact_sum_says():
    """Shares of neurons that a pattern's own fields turn, N = 400, P = 60: 200 networks, to 1.4 %."""
    n, p = 400, 60
    wrong = []
    for seed in range(200):
        patterns = random_patterns(p, n, rng=seed)
        wrong.append(recall(hebb(patterns), patterns[0], dynamics="parallel", max_sweeps=1).flips / n)
    z = (np.mean(wrong) - one_step_error_exact(p, n)) / (np.std(wrong, ddof=1) / math.sqrt(200))
    assert abs(z) < 4
    assert np.mean(wrong) == pytest.approx(one_step_error_exact(p, n), rel=0.1)


# Basins


def test_a_share_is_what_recalls_say():
    patterns = random_patterns(8, 100, rng=1)
    network = hebb(patterns)
    found = basin(network, patterns[2], noise=0.4, n_cues=60, rng=3)
    assert isinstance(found, Basin)
    assert [type(value) for value in found] == [float] * 4
    k = round(60 * found.share)
    assert 0 < k < 60
    assert found.error == pytest.approx(math.sqrt((k + 1) * (61 - k) / 62**2 / 63))
    assert found.noise == 0.4


def test_basins_end_where_their_kinds_say():
    patterns = random_patterns(5, 200, rng=1)
    for network in (
        hebb(patterns),
        pseudo_inverse(patterns),
        hebb(patterns).couplings,
        SpinNetwork(hebb(patterns).couplings),
    ):
        found = basin(network, patterns[0], noise=[0.0, 0.1, 0.9, 1.0], n_cues=10, rng=1)
        assert found.share.tolist() == [1.0, 1.0, 0.0, 0.0]
        assert found.overlap.tolist() == [1.0, 1.0, -1.0, -1.0]
        assert (found.error > 0.05).all()
    grid = basin(hebb(patterns), patterns[0], noise=[[0.1, 0.2], [0.3, 1.0]], n_cues=5, rng=1)
    assert all(value.shape == (2, 2) for value in grid)
    assert basin(hebb(patterns), patterns[0], noise=[], rng=1).share.shape == (0,)


def test_a_threshold_counts_the_overlap_that_is_just_enough():
    """A free network leaves cues as they are: an overlap of 0.9 exactly, N = 20."""
    free, up = SpinNetwork(np.zeros((20, 20))), np.ones(20, dtype=np.int8)
    for threshold, share in ((0.9, 1.0), (0.91, 0.0), (-1.0, 1.0), (1.0, 0.0)):
        assert basin(free, up, noise=0.05, n_cues=3, threshold=threshold, rng=1).share == share


def test_errors_cover_the_truth():
    """Exactly, by the binomial law: true shares from 0 to 1 lie within two errors with a chance near 95 %."""
    for n, true in itertools.product((20, 100), (0.0, 0.02, 0.1, 0.3, 0.5, 0.9, 0.99, 1.0)):
        k = np.arange(n + 1)
        errors = np.sqrt((k + 1) * (n - k + 1) / (n + 2) ** 2 / (n + 3))
        inside = binom.pmf(k, n, true)[abs(k / n - true) < 2 * errors].sum()
        assert inside > 0.85
    truth = basin(
        hebb(random_patterns(9, 60, rng=1)), random_patterns(9, 60, rng=1)[0], noise=0.35, n_cues=4000, rng=9
    )
    runs = [
        basin(
            hebb(random_patterns(9, 60, rng=1)),
            random_patterns(9, 60, rng=1)[0],
            noise=0.35,
            n_cues=50,
            rng=seed,
        )
        for seed in range(60)
    ]
    z = np.array([(one.share - truth.share) / one.error for one in runs])
    assert 0.1 < truth.share < 0.9
    assert 0.7 < z.std() < 1.3
    assert abs(z.mean()) < 4 / math.sqrt(60)


def test_neither_cores_nor_other_noise_change_a_basin(monkeypatch):
    patterns = random_patterns(9, 60, rng=1)
    network, whole = hebb(patterns), None
    for cores in (1, 2, 5):
        monkeypatch.setattr(_pool, "_cores", lambda cores=cores: cores)
        found = basin(network, patterns[0], noise=[0.3, 0.4], n_cues=30, rng=5)
        whole = whole or found
        assert found == whole
    first = basin(network, patterns[0], noise=[0.3], n_cues=30, rng=5)
    assert first.share[0] == whole.share[0]
    assert whole != basin(network, patterns[0], noise=[0.3, 0.4], n_cues=30, rng=6)
    one, twin = np.random.default_rng(5), np.random.default_rng(5)
    basin(network, patterns[0], noise=[0.3, 0.4], rng=one)
    twin.integers(0, 2**64, dtype=np.uint64)
    assert one.bit_generator.state == twin.bit_generator.state


# What a recall returns


def test_a_recall_holds_its_course():
    network, cue = hebb(PATTERNS), corrupt(PATTERNS[1], 0.3, rng=2)
    before = cue.copy()
    found = recall(network, cue, patterns=each_spin(80))
    states = states_of(found)
    assert isinstance(found, Recall)
    assert found.spins.dtype == np.int8
    assert cue.tolist() == before.tolist() == states[0].tolist()
    assert found.spins.tolist() == states[-1].tolist()
    assert not np.shares_memory(found.spins, cue)
    assert found.sweeps == len(states) - 1
    assert found.energy.tolist() == network.energy(states).tolist()
    assert recall(network, cue).overlaps.tolist() == overlap(PATTERNS, states).tolist()
    assert (
        recall(network, cue, patterns=PATTERNS[3:]).overlaps.tolist()
        == overlap(PATTERNS[3:], states).tolist()
    )
    assert recall(network, cue, patterns=PATTERNS[:0]).overlaps.shape == (found.sweeps + 1, 0)
    assert found.flips == sum((a != b).sum() for a, b in itertools.pairwise(states))
    assert recall(pseudo_inverse(PATTERNS), cue).overlaps.shape[1] == 0


def test_no_sweep_leaves_the_cue():
    found = recall(hebb(PATTERNS), PATTERNS[0], max_sweeps=0)
    assert (found.sweeps, found.flips, found.period, found.outcome) == (0, 0, 0, "not settled")
    assert found.spins.tolist() == PATTERNS[0].tolist()
    assert found.overlaps.shape == (1, 5)


@pytest.mark.parametrize("beta", [math.inf, 1.2])
def test_a_longer_recall_goes_on_from_a_shorter_one(beta):
    """The calls into which it is parted change nothing."""
    couplings = np.random.default_rng(1).normal(size=(60, 60)) * (1 - np.eye(60))
    whole = recall(couplings, random_spins(60), beta=beta, max_sweeps=300, rng=4)
    part = recall(couplings, random_spins(60), beta=beta, max_sweeps=130, rng=4)
    assert whole.energy[:131].tolist() == part.energy.tolist()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_memory, "_STEPS_PER_CALL", 1)
        assert recall(couplings, random_spins(60), beta=beta, max_sweeps=300, rng=4) == whole


def test_results_are_equal_if_their_numbers_are():
    network = hebb(PATTERNS)
    one = recall(network, corrupt(PATTERNS[0], 0.3, rng=1))
    assert one == recall(network, corrupt(PATTERNS[0], 0.3, rng=1))
    assert one != recall(network, corrupt(PATTERNS[0], 0.3, rng=2))
    assert one != one._replace(energy=one.energy + 1)
    assert one != "recall"
    assert basin(network, PATTERNS[0], noise=0.1, rng=1) == basin(network, PATTERNS[0], noise=0.1, rng=1)
    assert basin(network, PATTERNS[0], noise=0.1, rng=1) != basin(network, PATTERNS[0], noise=0.2, rng=1)


def test_results_print_how_they_ended():
    still = recall(hebb(PATTERNS[:1]), PATTERNS[0])
    assert repr(still) == "Recall(fixed point after 1 sweep, 0 flips, energy -39.5)"
    pair = np.array([[0.0, 1.0], [-1.0, 0.0]])
    found = recall(pair, np.ones(2, dtype=np.int8), dynamics="parallel")
    assert repr(found) == f"Recall(cycle of 4 after {found.sweeps} sweeps, {found.flips} flips, energy 0)"
    assert repr(found._replace(flips=1)).count("1 flip,") == 1


def test_cues_of_any_layout_are_taken_and_left_alone(tmp_path):
    network, cues = hebb(PATTERNS), random_spins(4, 80)
    expected = [recall(network, cue) for cue in cues]
    for same in layouts(cues, tmp_path):
        found = [recall(network, cue) for cue in same]
        assert found == expected
        assert all(type(one.spins) is np.ndarray for one in found)
        assert same.tolist() == cues.tolist()
        assert recall(network, cues[0], patterns=same).overlaps[0, 0] == 1.0
    assert recall(network, network.patterns[2]).flips == 0


# Long recalls stop, and need the memory of what they made

INTERRUPTED = """
import resource
import sys
import numpy as np
from smbook.hopfield import DenseMemory, basin, hebb, random_patterns, recall
patterns = random_patterns(int(sys.argv[2]), int(sys.argv[3]), rng=1)
network = hebb(patterns)
one_way = np.random.default_rng(1).normal(size=(300, 300)) * (1 - np.eye(300))
run = {
    "factors": lambda sweeps: recall(network, patterns[0], beta=1.0, max_sweeps=sweeps, rng=1),
    "couplings": lambda sweeps: recall(
        network, patterns[0], beta=1.0, max_sweeps=sweeps, through="couplings", rng=1
    ),
    "one way": lambda sweeps: recall(one_way, np.ones(300, np.int8), max_sweeps=sweeps),
    "dense": lambda sweeps: DenseMemory(patterns).recall(patterns[0], beta=1.0, max_sweeps=sweeps, rng=1),
    "basin": lambda sweeps: basin(network, patterns[0], noise=0.4, n_cues=min(sweeps, 10**6), rng=1),
}[sys.argv[1]]
expected = run(2)
print("starts", flush=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    run(10**7)
except KeyboardInterrupt:
    print("heard", flush=True)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, flush=True)
assert run(2) == expected
"""


@pytest.mark.parametrize(
    ("what", "p", "n"),
    [("factors", 10, 100), ("factors", 2000, 20_000), ("couplings", 100, 2000), ("one way", 1, 300),
     ("dense", 500, 2000), ("basin", 50, 1000)],
)  # fmt: skip
def test_ctrl_c_is_heard_at_once_and_memory_is_that_of_the_sweeps_made(what, p, n):
    """In 0.2 s where the machine has nothing else to do; ten million sweeps would fill gigabytes."""
    seconds, megabytes = interrupted(INTERRUPTED, what, str(p), str(n))
    assert seconds < 1.5
    assert int(megabytes) < 300


def test_a_long_recall_that_settles_needs_no_memory():
    network = hebb(PATTERNS)
    recall(network, PATTERNS[0])
    tracemalloc.start()
    assert recall(network, PATTERNS[0], max_sweeps=10**12).sweeps == 1
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


# Refusals

UP = np.ones(80, dtype=np.int8)
OF_WAY = [
    (
        {"dynamics": "synchronous"},
        ValueError,
        "dynamics must be one of 'asynchronous', 'parallel'; got 'synchronous'",
    ),
    ({"order": None}, ValueError, "order must be one of 'sequential', 'random'; got None"),
    ({"max_sweeps": -1}, ValueError, "max_sweeps must be at least 0; got -1"),
    ({"max_sweeps": 1e3}, TypeError, r"max_sweeps must be an integer; got 1000\.0"),
]
OF_CUE = [
    (UP.tolist(), TypeError, "must be an int8 array; got list"),
    (UP.astype(float), TypeError, "must be an int8 array; got dtype float64"),
    (UP.astype(np.int64), TypeError, "must be an int8 array; got dtype int64"),
    (UP > 0, TypeError, "must be an int8 array; got dtype bool"),
    (np.ma.array(UP), TypeError, "must be an int8 array; got MaskedArray"),
    (None, TypeError, "must be an int8 array; got NoneType"),
    (UP[:79], ValueError, r"must be those of 80 spins, \(..., 80\); got shape \(79,\)"),
    (UP[None], ValueError, r"must be one row of spins; got shape \(1, 80\)"),
    (UP * np.int8(0), ValueError, r"must hold \+1 and -1 only; got 0"),
    (UP * np.int8(-128), ValueError, r"must hold \+1 and -1 only; got -128"),
]
OF_RECALL = [
    *OF_WAY,
    *(({"cue": cue}, error, "cue " + message) for cue, error, message in OF_CUE),
    ({"beta": -0.1}, ValueError, r"beta must be at least 0; got -0\.1"),
    ({"beta": -math.inf}, ValueError, "beta must be finite; got -inf"),
    ({"beta": math.nan}, ValueError, "beta must be finite; got nan"),
    ({"beta": "1"}, TypeError, "beta must be a real number; got '1'"),
    ({"beta": [1.0]}, TypeError, "beta must be a real number"),
    ({"through": "pairs"}, ValueError, "through must be one of 'auto', 'factors', 'couplings'; got 'pairs'"),
    ({"patterns": UP}, ValueError, r"patterns must have the shape \(P, N\); got \(80,\)"),
    ({"patterns": UP[None, :79]}, ValueError, r"patterns must be those of 80 spins; got shape \(1, 79\)"),
    ({"patterns": UP[None] * np.int8(3)}, ValueError, r"patterns must hold \+1, -1 and 0 only; got 3 at"),
    ({"patterns": [UP.tolist()]}, TypeError, "patterns must be an int8 array; got list"),
    ({"network": pseudo_inverse(PATTERNS), "through": "factors"}, ValueError,
     r"recall through factors needs a network of smbook\.hopfield\.hebb; got SpinNetwork\(80 spins, dense"),
    ({"network": np.zeros((80, 80)), "through": "factors"}, ValueError,
     r"recall through factors needs a network of smbook\.hopfield\.hebb; got couplings"),
    ({"network": np.ones((80, 80))}, ValueError, r"must have a zero diagonal.*got 1\.0 at \(0, 0\)"),
    ({"network": np.zeros((80, 79))}, ValueError, r"couplings must be a square matrix; got shape \(80, 79\)"),
    ({"network": np.full((80, 80), math.nan)}, ValueError, r"couplings must be finite; got nan at \(0, 0\)"),
    ({"network": 1e307 * (1 - np.eye(80))}, ValueError, "energy overflows in float64; got local fields of"),
    ({"network": 1e38 * (1 - np.eye(80, dtype=np.float32))}, ValueError, "energy overflows in float32"),
    ({"network": sparse.csr_array(np.eye(80, k=1))}, TypeError, "must be an array; got a sparse one"),
    ({"network": "hebb"}, TypeError, "couplings must hold real numbers"),
    ({"network": np.eye(80, k=1) * 1j}, TypeError, "couplings must hold real numbers; got dtype complex128"),
    ({"network": np.ma.array(np.zeros((80, 80)))}, TypeError, "must hold real numbers; got a masked array"),
]  # fmt: skip
OF_BASIN = [
    *OF_WAY,
    *(({"pattern": cue}, error, "pattern " + message) for cue, error, message in OF_CUE),
    ({"noise": -0.1}, ValueError, r"noise must be at least 0; got -0\.1"),
    ({"noise": [0.1, 1.5]}, ValueError, r"noise must be at most 1; got 1\.5"),
    ({"noise": math.nan}, ValueError, "noise must be finite; got nan"),
    ({"noise": "0.1"}, TypeError, "noise must hold real numbers"),
    ({"n_cues": 1}, ValueError, "n_cues must be at least 2; got 1"),
    ({"n_cues": 2.0}, TypeError, r"n_cues must be an integer; got 2\.0"),
    ({"threshold": 1.5}, ValueError, r"threshold must be at most 1; got 1\.5"),
    ({"threshold": -1.5}, ValueError, r"threshold must be at least -1; got -1\.5"),
    ({"network": np.ones((80, 80))}, ValueError, "couplings must have a zero diagonal"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), OF_RECALL)
def test_bad_input_of_a_recall_is_refused_before_anything_is_touched(wrong, error, message):
    check_refusal(recall, {"network": hebb(PATTERNS), "cue": UP.copy()} | wrong, error, message)


@pytest.mark.parametrize(("wrong", "error", "message"), OF_BASIN)
def test_bad_input_of_a_basin_is_refused_before_anything_is_touched(wrong, error, message):
    good = {"network": hebb(PATTERNS), "pattern": UP.copy(), "noise": 0.1}
    check_refusal(basin, good | wrong, error, message)


@pytest.mark.parametrize("rng", [-1, 1.5, "1", True])
def test_a_bad_seed_is_refused(rng):
    for work in (
        lambda: recall(hebb(PATTERNS), UP, rng=rng),
        lambda: basin(hebb(PATTERNS), UP, noise=0.1, rng=rng),
    ):
        with pytest.raises((TypeError, ValueError), match="rng must be"):
            work()
