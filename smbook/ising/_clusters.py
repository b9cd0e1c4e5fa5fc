"""Clusters of satisfied bonds, flipped as one: Wolff and Swendsen-Wang."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from smbook.ising._model import Model, Spins, checked_model, frustrated
from smbook.ising._sampler import Bind, Sampler
from smbook.kernels import bernoulli, clusters, lattice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smbook.kernels.rng import State

_BITS_OF_ENTRY = 63

# What clusters cost, in updates of single spins.
_UPDATES_PER_CLUSTER, _UPDATES_PER_CLUSTER_SITE = 20, 8


def wolff_flips_per_sweep(shape: int | Iterable[int], beta: float, *, coupling: float = 1.0) -> int:
    """Return how many clusters a Wolff sweep flips.

    About as many as hold one lattice full of sites above the transition, and one below it.

    The mean cluster size is estimated, to within a factor of two, from (1 - v / v_c)**-gamma with
    v = tanh(beta abs(J)), the power law at the critical point v_c. A rough guess does no harm: any number
    that does not depend on the course of the run leaves the law untouched.

    Raises
    ------
    TypeError, ValueError
        As `simulate`.

    Examples
    --------
    >>> wolff_flips_per_sweep((64, 64), 0.5), wolff_flips_per_sweep((64, 64), 0.2)
    (1, 1320)
    """
    model = checked_model(shape, beta, coupling, 0.0)
    n_sites, dimension = math.prod(model.sides), len(model.sides)
    return int(clusters.wolff_flips(n_sites, dimension, model.beta, model.coupling))


def wolff(model: Model) -> Bind:
    threshold = _bond_threshold("wolff", model)
    if threshold == lattice.IMPOSSIBLE:
        raise ValueError(
            f"wolff turns exactly one spin a flip where no bond can join, so that it never mixes; "
            f"got beta={model.beta}, coupling={model.coupling}; use heat-bath"
        )
    if _entry_bits(model.sides) > _BITS_OF_ENTRY:
        raise ValueError(f"wolff has no room for so many spins; got shape={model.sides}; use swendsen-wang")
    n_flips = wolff_flips_per_sweep(model.sides, model.beta, coupling=model.coupling)

    def bind(spins: Spins, state: State) -> Sampler:
        shape = np.array(model.sides, dtype=np.int64)
        queue = np.empty(spins.size + 1, dtype=np.uint64)
        trials = _trials(threshold, state)
        kernel = partial(clusters.wolff, spins, shape, model.sign, 1, queue, trials, state)
        updates = _UPDATES_PER_CLUSTER + _UPDATES_PER_CLUSTER_SITE * (spins.size // n_flips)
        return Sampler(kernel, updates, n_flips)

    return bind


def _entry_bits(sides: tuple[int, ...]) -> int:
    """Return how many bits the kernel needs for a site and its coordinates, and a lap beyond."""
    return math.prod(sides).bit_length() + 2 + sum((side - 1).bit_length() for side in sides)


def swendsen_wang(model: Model) -> Bind:
    threshold = _bond_threshold("swendsen-wang", model)

    def bind(spins: Spins, state: State) -> Sampler:
        shape = np.array(model.sides, dtype=np.int64)
        n_rows, per_row = spins.size // model.sides[-1], math.ceil(model.sides[-1] / 64)
        words = np.empty((3, n_rows * per_row), dtype=np.uint64)
        parent = np.empty(spins.size + 1, dtype=np.uint64)
        trials = _trials(threshold, state)
        kernel = partial(clusters.swendsen_wang, spins, shape, model.sign, words, parent, trials, state)
        return Sampler(kernel, _UPDATES_PER_CLUSTER_SITE * spins.size)

    return bind


def _trials(threshold: np.int64, state: State) -> State:
    trials = np.empty(bernoulli.TRIALS_SIZE, dtype=np.uint64)
    bernoulli.begin_trials(state, threshold, trials)
    return trials


def _bond_threshold(algorithm: str, model: Model) -> np.int64:
    if model.field != 0.0:
        raise ValueError(
            f"{algorithm} flips whole clusters, which a field forbids; got field={model.field}; use heat-bath"
        )
    threshold = np.int64(clusters.bond_threshold(model.beta, model.coupling))
    if threshold == lattice.CERTAIN and frustrated(model):
        raise ValueError(
            f"{algorithm} is not ergodic on a frustrated lattice so cold that every satisfied bond joins; "
            f"got shape={model.sides}, beta={model.beta}, coupling={model.coupling}; use heat-bath"
        )
    return threshold
