"""The multi-spin engine: 64 blocks of one lattice, or 64 lattices, in the bits of each word."""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook.ising import _plain
from smbook.ising._sampler import Bind, Sampler
from smbook.kernels import multispin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.ising._model import Counts, Model, Spins
    from smbook.kernels.rng import State

    Words = NDArray[np.uint64]
    Wholes = NDArray[np.int64]

ALGORITHMS = ("heat-bath", "metropolis")

# Blocks in a word from which on it is faster than the plain engine, and what a sweep costs besides its words,
# in updates of single spins by that.
_FEWEST_BLOCKS = 8
_UPDATES_PER_WORD, _UPDATES_LOST_PER_SWEEP = 1, 100

_PARTS = range(1, multispin.LANES + 1)
_SEARCHED = 16  # sites up to which every state is tried for one that Metropolis would never leave

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


class Arrays(NamedTuple):
    """Words with what a kernel needs to update them, in the order in which it takes them."""

    words: Words
    parities: Words
    bonds: Words | None
    grid: Wholes
    crossings: Words
    sign: np.uint64
    bath: np.uint64
    work: Words


class Layout(NamedTuple):
    """Three sides, the first of them 1 in two dimensions, and the number of blocks along each."""

    sides: Wholes
    blocks: Wholes


def lanes(sides: tuple[int, ...]) -> Layout:
    """Return the layout of lattices that have a bit each."""
    return Layout(_three(sides), np.ones(3, dtype=np.int64))


def blocks(sides: tuple[int, ...]) -> Layout:
    """Return the layout with most blocks of one lattice, up to 64, and among those with the longest rows.

    The words are to form a chessboard themselves, so that a side over its blocks has to be even.
    """
    three = _three(sides)
    parts = [[part for part in _PARTS if side % (2 * part) == 0] or [1] for side in three.tolist()]
    fitting = [found for found in itertools.product(*parts) if math.prod(found) <= multispin.LANES]
    best = max(fitting, key=lambda found: (math.prod(found), -found[2], -found[1]))
    return Layout(three, np.array(best, dtype=np.int64))


def _three(sides: tuple[int, ...]) -> Wholes:
    return np.array((1,) * (3 - len(sides)) + sides, dtype=np.int64)


def arrays(model: Model, layout: Layout, algorithm: str, betas: NDArray[np.float64], state: State) -> Arrays:
    """Return words, not yet filled, for the 64 inverse temperatures; `state` moves on by 32 jumps."""
    grid = np.empty(multispin.GRID_SIZE, dtype=np.int64)
    multispin.fill_grid(*layout, grid)
    in_colour = int(grid[multispin.PLANES] * grid[multispin.ROWS] * grid[multispin.WORDS])
    in_plane = int(grid[multispin.ROWS] * grid[multispin.WORDS])
    parities = np.empty(2 * (in_plane + multispin.BLOCK), dtype=np.uint64)
    multispin.fill_parities(grid, parities)
    crossings = np.empty(18, dtype=np.uint64)
    multispin.fill_crossings(layout.blocks, crossings)
    bonds = None if len(model.sides) == 2 else np.zeros(multispin.BLOCK, dtype=np.uint64)
    if model.bonds is not None:
        bonds = np.empty(12 * (in_colour + multispin.BLOCK), dtype=np.uint64)
        signs = model.bonds.reshape(len(model.sides), -1)
        multispin.pack_bonds(signs, *layout, grid, math.prod(layout.blocks) == 1, bonds)
    work = np.zeros(multispin.WORK_SIZE, dtype=np.uint64)
    multispin.begin_streams(state, work)
    heat_bath = algorithm == "heat-bath"
    multispin.fill_thresholds(betas, model.coupling, len(model.sides), heat_bath, work)
    words = np.zeros(2 * grid[multispin.COLOUR_SIZE], dtype=np.uint64)
    sign, bath = (_ALL if yes else np.uint64(0) for yes in (model.coupling < 0.0, heat_bath))
    return Arrays(words, parities, bonds, grid, crossings, sign, bath, work)


def wanted(model: Model, algorithm: str) -> bool:
    """Tell whether the engine is able to do what is asked, and faster."""
    if refusal(model, algorithm):
        return False
    return math.prod(blocks(model.sides).blocks) >= _FEWEST_BLOCKS


def refusal(model: Model, algorithm: str) -> str:
    """Say why the engine cannot do what is asked, or return an empty string."""
    if algorithm not in ALGORITHMS:
        return f"it flips no clusters; got algorithm={algorithm!r}"
    if len(model.sides) == 1:
        return f"it needs two or three dimensions; got shape={model.sides}"
    if any(side % 2 for side in model.sides):
        return f"it updates like a chessboard, which needs even sides; got shape={model.sides}"
    if model.field != 0.0:
        return f"it knows no field; got field={model.field}"
    return ""


def sampler(model: Model, algorithm: str) -> Bind:
    """Return what binds the engine to the spins of one lattice."""
    reason = refusal(model, algorithm)
    if reason:
        raise ValueError(f"engine 'multispin' does not apply: {reason}")
    check_ergodic(model, algorithm)
    layout = blocks(model.sides)

    def bind(spins: Spins, state: State) -> Sampler:
        found = arrays(model, layout, algorithm, np.full(multispin.LANES, model.beta), state)
        multispin.pack(spins, *layout, found.grid, 0, found.words)
        pair = np.empty(2, dtype=np.int64)

        def kernel(thin: int, totals: Counts, sums: Counts) -> None:
            multispin.run(*found, pair, thin, totals, sums)

        def store() -> None:
            multispin.unpack(found.words, *layout, found.grid, 0, spins)

        n_words = spins.size // math.prod(layout.blocks)
        return Sampler(kernel, _UPDATES_PER_WORD * n_words + _UPDATES_LOST_PER_SWEEP, store=store)

    return bind


def check_ergodic(model: Model, algorithm: str) -> None:
    """Refuse Metropolis where sweeps in a fixed order do not reach every state, as the plain engine does."""
    if algorithm != "metropolis":
        return
    if model.bonds is not None:
        raise ValueError(
            "metropolis in a fixed order is not ergodic here: with bonds of both signs some states turn "
            f"every spin at no cost, sweep after sweep; got shape={model.sides}; use heat-bath"
        )
    _plain.metropolis(model)
    if math.prod(model.sides) <= _SEARCHED and _has_free_state(model.sides):
        raise ValueError(
            "metropolis in a fixed order is not ergodic here: on so small a lattice some states turn every "
            f"spin at no cost, sweep after sweep; got shape={model.sides}; use heat-bath"
        )


@cache
def _has_free_state(sides: tuple[int, ...]) -> bool:
    """Tell whether some state has as many neighbours up as down at every site.

    All spins of one colour turn at no cost there, then all of the other, and so on for ever.
    """
    n_sites = math.prod(sides)
    states = (np.arange(2**n_sites)[:, None] >> np.arange(n_sites) & 1).astype(np.int8) * 2 - 1
    lattices = states.reshape(-1, *sides)
    axes = range(1, len(sides) + 1)
    fields = np.sum([np.roll(lattices, shift, axis) for axis in axes for shift in (1, -1)], axis=0)
    return bool((fields == 0).reshape(len(states), -1).all(axis=1).any())
