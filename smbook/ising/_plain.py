"""The plain engine: heat bath and Metropolis on any lattice, site after site."""

from __future__ import annotations

import itertools
import math
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from smbook.ising._model import Model, Spins, frustrated
from smbook.ising._sampler import Bind, Sampler
from smbook.kernels import lattice, rng

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.kernels.rng import State

# What a sweep costs besides its updates, in such updates.
_UPDATES_LOST_PER_SWEEP = 100

_SEARCHED = 16  # sites up to which every state is tried for a cycle that catches Metropolis


def heat_bath(model: Model) -> Bind:
    table = np.empty((1, lattice.TABLE_WIDTH), dtype=np.int64)
    lattice.heat_bath_table(model.beta, model.coupling, model.field, len(model.sides), table)
    return _single_site(model, table)


def metropolis(model: Model) -> Bind:
    table = np.empty((2, lattice.TABLE_WIDTH), dtype=np.int64)
    lattice.metropolis_table(model.beta, model.coupling, model.field, len(model.sides), table)
    reason = _not_ergodic(model, table)
    if reason:
        raise ValueError(
            f"metropolis in a fixed order is not ergodic here: {reason}; got shape={model.sides}, "
            f"beta={model.beta}, coupling={model.coupling}, field={model.field}; use heat-bath"
        )
    return _single_site(model, table)


def _not_ergodic(model: Model, table: NDArray[np.int64]) -> str:
    """Say why Metropolis sweeps in a fixed order would not reach every state, or return an empty string.

    A flip that costs nothing is always accepted. On a ring without field this makes every domain wall march
    in one direction, and the difference of the numbers that march left and right is conserved. In more
    dimensions it catches single states. Small lattices are searched for them. On larger ones their weight is
    below 10**-5, unless the lattice is frustrated, where they are among the states of least energy.
    """
    sides, n_neighbours = model.sides, 2 * len(model.sides)
    occurring = table[:, : n_neighbours + 1]
    if (occurring[0] == lattice.CERTAIN).all() and (occurring[1] == lattice.IMPOSSIBLE).all():
        return "no flip costs energy, so that every sweep turns every spin"
    balanced = occurring[:, len(sides)]  # half of the neighbours up; a field makes one direction cost energy
    if balanced[0] != lattice.CERTAIN or balanced[1] != lattice.IMPOSSIBLE or sides == (2,):
        return ""
    if len(sides) == 1:
        return "on a ring without field every domain wall marches on in one direction"
    if math.prod(sides) <= _SEARCHED and _has_free_cycle(sides):
        return "on so small a lattice some states turn every spin at no cost, sweep after sweep"
    if math.prod(sides) > _SEARCHED and frustrated(model):
        return "on a frustrated lattice some states turn every spin at no cost, sweep after sweep"
    return ""


@cache
def _has_free_cycle(sides: tuple[int, ...]) -> bool:
    """Tell whether a sweep that turns every spin can cost nothing at each of its steps.

    A site meets its neighbours turned if they come earlier in the sweep, so that its flip is free if
    sum_j a_ij s_j = 0, with a_ij = +1 for a later and -1 for an earlier neighbour. Every state is tried.
    """
    n_sites = math.prod(sides)
    rank = np.arange(n_sites) // sides[-1] * 3 + np.arange(n_sites) % sides[-1] % 2
    if sides[-1] % 2:
        rank[sides[-1] - 1 :: sides[-1]] += 2
    sites = np.arange(n_sites).reshape(sides)
    order = np.zeros((n_sites, n_sites), dtype=np.int8)
    for axis, shift in itertools.product(range(len(sides)), (1, -1)):
        neighbours = np.roll(sites, shift, axis).reshape(-1)
        np.add.at(order, (np.arange(n_sites), neighbours), np.sign(rank[neighbours] - rank))
    states = (np.arange(2**n_sites)[:, None] >> np.arange(n_sites) & 1).astype(np.int8) * 2 - 1
    return bool((states @ order.T == 0).all(axis=1).any())


def _single_site(model: Model, table: NDArray[np.int64]) -> Bind:
    def bind(spins: Spins, state: State) -> Sampler:
        lanes = np.empty((4, lattice.LANES), dtype=np.uint64)
        rng.seed_lanes(state, lanes)
        draws = np.empty((lattice.draw_steps(model.sides[-1]), lattice.LANES), dtype=np.uint64)
        parts = np.empty(4 * draws.size, dtype=np.int16)
        room = np.empty((6, parts.size + 2 * lattice.LANES), dtype=np.int8)
        shape = np.array(model.sides, dtype=np.int64)
        kernel = partial(
            lattice.single_site, spins, shape, model.sign, table, lanes, draws, parts, room, state
        )
        return Sampler(kernel, spins.size + _UPDATES_LOST_PER_SWEEP)

    return bind
