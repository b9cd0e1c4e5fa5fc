"""Sweeps bit for bit against a plain reference in every layout, and chi-square on lattices of few states."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from smbook.ising import _multispin, random_bonds
from smbook.kernels import multispin
from smbook.kernels.multispin import layout, neighbours, sweeps
from tests.kernels.multispin.reference import (
    Reference,
    bond_sum,
    engine,
    in_python,
    random_states,
)

# A shape, and the blocks along each axis; without any there are 64 lattices
LAYOUTS = [
    ((64, 64), (32, 2)),
    ((64, 64), (2, 32)),
    ((128, 6), (64, 1)),
    ((4, 128), (1, 64)),
    ((32, 48), (16, 4)),
    ((16, 16), (8, 8)),
    ((48, 68), (4, 1)),
    ((12, 20), (2, 2)),
    ((40, 40), (4, 4)),
    ((40, 40), (10, 5)),
    ((6, 18), (3, 9)),
    ((18, 10), (9, 5)),
    ((10, 6), (1, 1)),
    ((4, 4), (2, 2)),
    ((8, 2), (4, 1)),
    ((8, 8, 8), (4, 4, 4)),
    ((16, 8, 16), (2, 4, 8)),
    ((8, 4, 32), (4, 1, 16)),
    ((2, 4, 24), (1, 2, 4)),
    ((6, 6, 24), (3, 3, 6)),
    ((10, 4, 12), (5, 2, 3)),
    ((4, 12, 14), (1, 1, 1)),
    ((2, 2), None),
    ((2, 4), None),
    ((4, 2), None),
    ((4, 4), None),
    ((6, 10), None),
    ((30, 14), None),
    ((2, 2, 2), None),
    ((2, 2, 4), None),
    ((6, 4, 8), None),
    ((10, 4, 14), None),
]
NAMES = [f"{shape} in {blocks or 'lanes'}" for shape, blocks in LAYOUTS]


def bonds_of(shape, signs):
    return random_bonds(shape, rng=4) if signs else None


# Packing and measuring


@pytest.mark.parametrize("signs", [False, True], ids=["ferro", "signs"])
@pytest.mark.parametrize(("shape", "blocks"), LAYOUTS, ids=NAMES)
def test_spins_come_out_as_they_went_in_and_are_summed_over_every_bond_once(shape, blocks, signs):
    bonds = bonds_of(shape, signs)
    one = engine(shape, 0.4, blocks, bonds=bonds)
    for seed in range(3):
        states = random_states(one, seed)
        one.fill(states)
        assert one.spins().tolist() == states.tolist()
        totals, sums = one.measured()
        if blocks is None:
            assert totals.tolist() == [bond_sum(state, bonds) for state in states]
            assert sums.tolist() == [state.sum(dtype=int) for state in states]
        else:
            assert (totals, sums) == (bond_sum(states, bonds), states.sum(dtype=int))


EVEN = st.integers(1, 4).map(lambda half: 2 * half)


@given(st.data(), st.integers(2, 3), st.booleans(), st.integers(0, 2**32))
def test_any_layout_measures_what_numpy_sums(data, dimension, signs, seed):
    blocks = tuple(data.draw(st.sampled_from([1, 2, 3, 4, 5, 7, 8])) for _ in range(dimension))
    if math.prod(blocks) > 64:
        blocks = (1, 2, 3)[:dimension]
    shape = tuple(block * data.draw(EVEN) for block in blocks)
    bonds = random_bonds(shape, rng=seed) if signs else None
    one = engine(shape, 0.4, blocks, bonds=bonds)
    states = random_states(one, seed)
    one.fill(states)
    found = one.spins()
    assert (found == states).all()
    totals, sums = one.measured()
    if one.in_lanes:
        assert totals.tolist() == [bond_sum(state, bonds) for state in states]
    else:
        assert (totals, sums) == (bond_sum(states, bonds), states.sum(dtype=int))


@pytest.mark.parametrize("shape", [(60, 62), (16, 16, 16), (90, 2), (2, 90, 32)], ids=str)
def test_vertical_counters_never_run_over(shape):
    """All bonds unsatisfied, or all spins up, in more words than a counter of eight bits has room for."""
    one = engine(shape, 0.4)
    chessboard = np.where(np.indices(shape).sum(axis=0) % 2, 1, -1).astype(np.int8)
    states = np.ones((64, *shape), dtype=np.int8)
    states[::2] = chessboard
    one.fill(states)
    totals, sums = one.measured()
    n_bonds, n_sites = len(shape) * math.prod(shape), math.prod(shape)
    assert totals.tolist() == [-n_bonds, n_bonds] * 32
    assert sums.tolist() == [0, n_sites] * 32


# Bit for bit


@pytest.mark.parametrize("coupling", [1.0, -1.0])
@pytest.mark.parametrize("signs", [False, True], ids=["ferro", "signs"])
@pytest.mark.parametrize("algorithm", ["heat-bath", "metropolis"])
@pytest.mark.parametrize(("shape", "blocks"), LAYOUTS, ids=NAMES)
def test_sweeps_are_those_of_the_reference_bit_for_bit(shape, blocks, algorithm, signs, coupling):
    """A neighbour missed, a bit in a wrong block, another lane's chance or a wrong draw changes bits here."""
    betas = 0.35 if blocks else np.linspace(0.0, 1.5, 64)
    one = engine(
        shape, betas, blocks, algorithm=algorithm, coupling=coupling, bonds=bonds_of(shape, signs), seed=3
    )
    states = random_states(one)
    one.fill(states)
    expected = Reference(one, states)
    for _ in range(1 if math.prod(shape) > 600 else 2):
        expected.sweep()
        one.sweep()
        assert expected.agrees()


@pytest.mark.parametrize(("shape", "blocks"), [case for case in LAYOUTS if len(case[0]) == 2], ids=str)
def test_all_ways_agree_in_two_dimensions(shape, blocks):
    """The way without signs of bonds is faster and does the same, and so do bonds that are all positive."""
    for algorithm, coupling in itertools.product(("heat-bath", "metropolis"), (1.0, -1.0)):
        one, other = (engine(shape, 0.4, blocks, algorithm=algorithm, coupling=coupling) for _ in range(2))
        states = random_states(one)
        for each in (one, other):
            each.fill(states)
        one.sweep(5)
        nothing = np.zeros(multispin.BLOCK, dtype=np.uint64)
        multispin.sweep(*other.arrays._replace(bonds=nothing), 5)
        assert one.spins().tolist() == other.spins().tolist()
        ones = engine(shape, 0.4, blocks, algorithm=algorithm, coupling=coupling, bonds=one_sign(shape))
        ones.fill(states)
        ones.sweep(5)
        assert ones.spins().tolist() == other.spins().tolist()


def one_sign(shape):
    return np.ones((len(shape), *shape), dtype=np.int8)


@pytest.mark.parametrize("shape", [(8, 6), (4, 6, 8), (2, 4)], ids=str)
def test_a_magnet_in_disguise_runs_as_the_magnet_does(shape):
    """Bonds t_i t_j turn all spins of -1 around; flips, chances and draws are the same."""
    disguise = np.random.default_rng(1).choice(np.array([-1, 1], dtype=np.int8), shape)
    bonds = np.stack([disguise * np.roll(disguise, -1, axis) for axis in range(len(shape))])
    plain, gauged = engine(shape, 0.5), engine(shape, 0.5, bonds=bonds)
    states = random_states(plain)
    plain.fill(states)
    gauged.fill(states * disguise)
    for _ in range(5):
        plain.sweep()
        gauged.sweep()
        assert (gauged.spins() == plain.spins() * disguise).all()
    assert gauged.measured()[0].tolist() == plain.measured()[0].tolist()


def test_runs_are_sweeps_and_measurements_in_turn():
    for shape, blocks, signs in (
        ((8, 8), (4, 4), 0),
        ((8, 8), (4, 4), 1),
        ((4, 6), None, 0),
        ((2, 4, 4), None, 1),
    ):
        one, other = (engine(shape, 0.4, blocks, bonds=bonds_of(shape, signs)) for _ in range(2))
        states = random_states(one)
        one.fill(states)
        other.fill(states)
        totals, sums = np.zeros((2, 3) if blocks else (2, 3, 64), dtype=np.int64)
        if blocks:
            multispin.run(*one.arrays, np.zeros(2, dtype=np.int64), 2, totals, sums)
        elif signs:
            multispin.run_lanes(*one.arrays, 2, totals, sums)
        else:
            few = one.arrays
            multispin.run_square_lanes(*few[:2], *few[3:5], few.bath, few.work, 2, totals, sums)
        for kept in range(3):
            other.sweep(2)
            found = other.measured()
            assert np.array_equal(totals[kept], found[0])
            assert np.array_equal(sums[kept], found[1])
        assert one.spins().tolist() == other.spins().tolist()


# Wrong kernels, which the reference tells from the right one


def border_straight(words, turns, width, others, at, y, parity):
    """Leave the bits of a word beyond the border where they are."""
    del turns
    return words[others + at + width - 1] if (y + parity) % 2 == 0 else words[others + at - width + 1]


def copied_straight(words, to, start, count, turn):
    del turn
    words[int(to) : int(to) + count] = words[int(start) : int(start) + count]


def other_side(y, width, parity):
    return y * width if (y + parity) % 2 else y * width + width - 1


WRONG = {
    "right": ({}, {}),
    "blocks closed beside": ({"_across": border_straight}, {}),
    "blocks closed above": ({}, {"copy_turned": copied_straight}),
    "border at the other end": ({"border": other_side}, {}),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_borders_are_found(name):
    beside, above = WRONG[name]
    one = engine((16, 32), 0.4, (8, 8))
    states = random_states(one)
    one.fill(states)
    expected = Reference(one, states)
    expected.sweep()
    near = in_python(neighbours, turned=in_python(layout).turned, **beside)
    names = {key: getattr(near, key) for key in ("border", "unlike_at_border", "unlike_in_plane")}
    rows = {key: getattr(in_python(layout, **above), key) for key in ("repeat_rows", "turn_of")}
    luck = in_python(multispin.luck)
    lucky = {key: getattr(luck, key) for key in ("try_luck", "settle")}
    with np.errstate(over="ignore"):
        one.sweep(kernels=in_python(sweeps, **names, **rows, **lucky))
    assert expected.agrees() == (name == "right")


# All states of small lattices


def state_numbers(one):
    """The numbers of the states of all 64 lanes."""
    return (one.spins().reshape(64, -1) > 0) @ (1 << np.arange(math.prod(one.model.sides)))


def gibbs(shape, beta, coupling, bonds):
    n_sites = math.prod(shape)
    states = ((np.arange(2**n_sites)[:, None] >> np.arange(n_sites) & 1) * 2 - 1).reshape(-1, *shape)
    signs = one_sign(shape) if bonds is None else bonds
    energies = 0
    for axis, sign in enumerate(signs):
        pairs = states * np.roll(states, -1, axis + 1) * sign
        energies = energies - coupling * pairs.reshape(2**n_sites, -1).sum(axis=1)
    weights = np.exp(-beta * (energies - energies.min()))
    return weights / weights.sum()


CHI_SQUARE = [
    ((2, 2), 0.15, 1.0, False, "heat-bath"),
    ((2, 4), 0.2, 1.0, False, "heat-bath"),
    ((4, 2), 0.2, -1.0, False, "heat-bath"),
    ((2, 4), 0.3, 1.0, True, "heat-bath"),
    ((2, 2, 2), 0.1, -1.0, False, "heat-bath"),
    ((2, 2, 2), 0.1, 1.0, False, "metropolis"),
    ((2, 2, 2), 0.1, -1.0, False, "metropolis"),
    ((2, 2, 2), 0.2, 1.0, True, "heat-bath"),
]


@pytest.mark.parametrize(("shape", "beta", "coupling", "signs", "algorithm"), CHI_SQUARE)
def test_every_state_is_visited_as_often_as_gibbs_has_it(shape, beta, coupling, signs, algorithm):
    """64 lanes noted every 20th sweep, after which they have long forgotten: entries are independent."""
    bonds = bonds_of(shape, signs)
    exact = gibbs(shape, beta, coupling, bonds)
    one = engine(shape, beta, algorithm=algorithm, coupling=coupling, bonds=bonds, seed=11)
    one.fill(random_states(one))
    counts = np.zeros(exact.size, dtype=int)
    one.sweep(100)
    for _ in range(1500):
        one.sweep(20)
        counts += np.bincount(state_numbers(one), minlength=exact.size)
    expected = counts.sum() * exact
    assert expected.min() > 5
    assert chisquare(counts, expected).pvalue > 1e-4


# Metropolis where the chessboard's sweep does not reach every state


def traps(shape):
    """The states with as many neighbours up as down at each site: all of a colour turn, then the other."""
    n_sites = math.prod(shape)
    states = ((np.arange(2**n_sites)[:, None] >> np.arange(n_sites) & 1) * 2 - 1).reshape(-1, *shape)
    fields = sum(np.roll(states, step, axis + 1) for axis in range(len(shape)) for step in (-1, 1))
    return states[(fields == 0).reshape(2**n_sites, -1).all(axis=1)]


@pytest.mark.parametrize("shape", [(2, 2), (2, 4), (4, 2), (2, 6), (4, 4), (2, 2, 2), (2, 4, 2)], ids=str)
def test_trapped_states_turn_for_ever_and_metropolis_is_refused_where_there_are_any(shape):
    found = traps(shape)
    assert len(found) == {(4, 4): 36, (2, 2, 2): 0, (2, 4, 2): 16}.get(shape, 4)
    assert _multispin._has_free_state(shape) == bool(len(found))
    if len(found):
        one = engine(shape, 0.4, algorithm="metropolis")
        states = np.resize(found, (64, *shape)).astype(np.int8)
        one.fill(states)
        one.sweep(999)
        assert (one.spins() == -states).all()
