"""Clusters of satisfied bonds, flipped as one: Wolff and Swendsen-Wang."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from smbook.ising._model import Model, Spins, checked_model, frustrated
from smbook.ising._sampler import Bind, Sampler
from smbook.kernels import lattice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smbook.kernels.rng import State

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
    return int(lattice.wolff_flips(n_sites, dimension, model.beta, model.coupling))


def wolff(model: Model) -> Bind:
    threshold = _bond_threshold("wolff", model)
    if threshold == lattice.IMPOSSIBLE:
        raise ValueError(
            f"wolff turns exactly one spin a flip where no bond can join, so that it never mixes; "
            f"got beta={model.beta}, coupling={model.coupling}; use heat-bath"
        )
    n_flips = wolff_flips_per_sweep(model.sides, model.beta, coupling=model.coupling)

    def bind(spins: Spins, state: State) -> Sampler:
        shape = np.array(model.sides, dtype=np.int64)
        queue = np.empty(spins.size, dtype=np.int64)
        joined = np.zeros(spins.size, dtype=np.int8)
        kernel = partial(lattice.wolff, spins, shape, model.sign, threshold, 1, queue, joined, state)

        def part(steps: int) -> None:
            lattice.flip_wolff_clusters(spins, shape, model.sign, threshold, steps, queue, joined, state)

        updates = _UPDATES_PER_CLUSTER + _UPDATES_PER_CLUSTER_SITE * (spins.size // n_flips)
        return Sampler(kernel, updates, n_flips, part)

    return bind


def swendsen_wang(model: Model) -> Bind:
    threshold = _bond_threshold("swendsen-wang", model)

    def bind(spins: Spins, state: State) -> Sampler:
        shape = np.array(model.sides, dtype=np.int64)
        parent = np.empty(spins.size, dtype=np.int64)
        turned = np.empty(spins.size, dtype=np.int8)
        kernel = partial(lattice.swendsen_wang, spins, shape, model.sign, threshold, parent, turned, state)
        return Sampler(kernel, _UPDATES_PER_CLUSTER_SITE * spins.size)

    return bind


def _bond_threshold(algorithm: str, model: Model) -> np.int64:
    if model.field != 0.0:
        raise ValueError(
            f"{algorithm} flips whole clusters, which a field forbids; got field={model.field}; use heat-bath"
        )
    threshold = np.int64(lattice.bond_threshold(model.beta, model.coupling))
    if threshold == lattice.CERTAIN and frustrated(model):
        raise ValueError(
            f"{algorithm} is not ergodic on a frustrated lattice so cold that every satisfied bond joins; "
            f"got shape={model.sides}, beta={model.beta}, coupling={model.coupling}; use heat-bath"
        )
    return threshold
