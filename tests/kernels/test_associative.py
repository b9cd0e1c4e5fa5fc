"""Kernels of recall as pages call them: the bits of those of the package, in numba and in WebAssembly."""

import itertools
import math

import numpy as np
import pytest

from smbook.hopfield import _memory, hebb, pseudo_inverse, random_patterns
from smbook.kernels import associative as kernels
from smbook.kernels import hopfield
from smbook.kernels.rng import seed_state
from smbook.widgets import compiler
from tests.hopfield.plain import random_spins
from tests.kernels.test_hopfield import a_run, factors_of, of_matrix, sites_of
from tests.network.exact import random_couplings
from tests.wasm import Kernels

N, P = 60, 9
PATTERNS = random_patterns(P, N, rng=1)
SITES, OWN = sites_of(PATTERNS), np.full(N, P)
COUPLINGS, NOTHING = random_couplings(N, 2).astype(np.float32), np.zeros(N)
LEVELS, DECAYS = _memory.of_levels(SITES, 3), _memory.of_decays(SITES)

# Of each kernel: the store of the package, what comes before the spins, and before the number of updates
FACTORS, MATRIX = _memory.of_factors(factors_of(PATTERNS)), of_matrix(COUPLINGS, NOTHING, np.float32)
CASES = {
    "retrieve_hebb": (FACTORS, (SITES, OWN), ()),
    "retrieve_couplings": (MATRIX, (COUPLINGS, NOTHING), (MATRIX.tolerance,)),
    "retrieve_levels": (LEVELS, (SITES, LEVELS.arrays[8]), (LEVELS.scale,)),
    "retrieve_decays": (DECAYS, (SITES, DECAYS.arrays[9]), ()),
}
WAYS = [*itertools.product((0, 1), (math.inf, 1.0, 0.0))]


@pytest.fixture(scope="module")
def wasm():
    return Kernels(compiler.WASM.read_bytes())


def a_page(library, name, seed, *, shuffled, beta, frames):
    """Spins, sums or local fields, random state and clock after frames of so many updates each."""
    _, first, last = CASES[name]
    spins, state = random_spins(N, seed=seed), seed_state(seed)
    if name == "retrieve_couplings":
        felt = np.empty(N)
        library.begin_couplings(*first, spins, felt)
    else:
        felt = np.empty(P, dtype=np.int32)
        (library if library is not kernels else hopfield).find_sums(SITES, spins, felt)
    room, clock = (np.empty(N, dtype=np.uint64), np.empty(N), np.arange(N)), np.zeros(4, dtype=np.int64)
    for n_updates in frames:
        getattr(library, name)(*first, spins, felt, state, *room, clock, shuffled, beta, *last, n_updates)
    return spins, felt, state, clock


@pytest.mark.parametrize(("shuffled", "beta"), WAYS)
@pytest.mark.parametrize("name", CASES)
def test_a_page_makes_the_updates_of_the_package(wasm, name, shuffled, beta):
    """Bit for bit, whatever is done in a frame; the browser's code once more."""
    for seed in range(2):
        walk, state = a_run(
            CASES[name][0], random_spins(N, seed=seed), seed, shuffled=bool(shuffled), beta=beta
        )
        hopfield.retrieve(walk.store.arrays, walk.chain, walk.room, walk.how, walk.clock, 5 * N + 7)
        felt = walk.chain[1] if walk.chain[2] is None else walk.chain[2]
        for library in (kernels, wasm):
            found = a_page(library, name, seed, shuffled=shuffled, beta=beta, frames=(N, 3, 0, 4 * N + 4))
            for one, other in zip(found, (walk.spins, felt, state, walk.clock), strict=True):
                assert one.tolist() == other.tolist()


def test_another_seed_is_seen(wasm):
    runs = [a_page(wasm, "retrieve_hebb", seed, shuffled=0, beta=1.0, frames=(N,)) for seed in (1, 2)]
    assert runs[0][0].tolist() != runs[1][0].tolist()


def test_the_energy_on_a_page_is_that_of_the_network(wasm):
    for seed in range(5):
        spins, sums = random_spins(N, seed=seed), np.empty(P, dtype=np.int32)
        hopfield.find_sums(SITES, spins, sums)
        exact = hebb(PATTERNS).energy(spins)
        assert kernels.hebb_energy(OWN, sums) == wasm.hebb_energy(OWN, sums) == exact


def learnt(library, sites):
    """The couplings after all patterns in turn, and which were new."""
    n, p = sites.shape
    vectors, matrix = np.zeros((p, n)), np.zeros((n, n), dtype=np.float32)
    return matrix, [int(library.learn_projection(sites, mu, vectors, matrix)) for mu in range(p)]


@pytest.mark.parametrize("p", [1, 9, 30, 59])
def test_projections_are_those_of_the_pseudo_inverse(wasm, p):
    patterns = random_patterns(p, N, rng=2)
    exact = pseudo_inverse(patterns).couplings
    matrix, new = learnt(kernels, sites_of(patterns))
    assert new == [1] * p
    np.testing.assert_allclose(matrix, exact, atol=1e-6)
    assert matrix.tolist() == learnt(wasm, sites_of(patterns))[0].tolist()


def test_a_pattern_that_depends_on_others_adds_nothing():
    """The same again, a mirror image, half the sum of four; what comes next is learnt as without them."""
    a, b, c, d = (np.resize(row, N).astype(np.int8) for row in 1 - 2 * np.eye(4, dtype=int))
    independent = np.array([a, b, c, d, PATTERNS[0]])
    half = ((a.astype(int) + b + c + d) // 2).astype(np.int8)
    assert set(half.tolist()) == {1}
    patterns = np.array([a, b, b, c, -a, d, half, PATTERNS[0]])
    matrix, new = learnt(kernels, sites_of(patterns))
    assert new == [1, 1, 0, 1, 0, 1, 0, 1]
    assert matrix.tolist() == learnt(kernels, sites_of(independent))[0].tolist()
    np.testing.assert_allclose(matrix, pseudo_inverse(independent).couplings, atol=1e-6)
