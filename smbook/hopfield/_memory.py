"""What a recall runs on: stores, chains and room as `smbook.kernels.hopfield` takes them."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook.kernels import hopfield as kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.kernels.rng import State
    from smbook.network._factors import Factors

    Spins = NDArray[np.int8]

_STAYS = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-6}  # of the largest local field there can be
_LARGEST = sys.float_info.max  # for 2 beta, as inf times a field of 0 is no number
_SWEEPS_PER_CALL = 128  # at most, and fewer of large networks, so that Ctrl-C is heard
_STEPS_PER_CALL = 10**8


class Store(NamedTuple):
    """What neurons feel: the arrays of a store, its scale, and up to what field a spin stays as it is."""

    arrays: tuple[Any, ...]
    n_spins: int
    n_patterns: int
    scale: float
    tolerance: float

    @property
    def by_sums(self) -> bool:
        return self.arrays[6] is not None

    def sweeps_per_call(self) -> int:
        """Return how many sweeps may be made until Ctrl-C is heard, if each is as much work as it can be."""
        steps = self.n_spins * (self.n_patterns if self.by_sums else self.n_spins)
        return max(1, min(_SWEEPS_PER_CALL, _STEPS_PER_CALL // max(steps, 1)))


def of_couplings(rows: Any, mirrored: Any, fields: NDArray[Any], strongest: float) -> Store:
    """Return the store of a network's couplings, or of those of a matrix with its transpose."""
    tolerance = _STAYS[rows.values.dtype] * strongest
    arrays = (rows.matrix, mirrored, rows.entries, rows.columns, rows.starts, fields, None, None, None, None)
    return Store(arrays, fields.size, 0, 1.0, tolerance)


def of_products(factors: Factors) -> Store:
    """Return the store of Hebb's couplings themselves, whole numbers over N, which adds them up exactly."""
    matrix = factors.products(np.dtype(np.float32))
    arrays = (matrix, matrix, None, None, None, np.zeros(len(matrix)), None, None, None, None)
    return Store(arrays, len(matrix), 0, 1.0 / len(matrix), 0.0)


def of_factors(factors: Factors) -> Store:
    """Return the store of Hebb's couplings as patterns."""
    n_spins, n_patterns = factors.sites.shape
    arrays = (*(None,) * 6, factors.sites, factors.own, None, None)
    return Store(arrays, n_spins, n_patterns, 1.0 / n_spins, 0.0)


def of_levels(sites: Spins, degree: int) -> Store:
    """Return the store of the energy -(N / n) sum_mu m_mu^n of patterns."""
    n_spins, n_patterns = sites.shape
    levels = np.empty(2 * n_spins + 1)
    kernels.fill_levels(degree, levels)
    arrays = (*(None,) * 6, sites, None, levels, None)
    return Store(arrays, n_spins, n_patterns, float(n_spins) ** (1 - degree) / degree, 0.0)


def of_decays(sites: Spins) -> Store:
    """Return the store of the energy -ln sum_mu exp(N m_mu) of patterns."""
    n_spins, n_patterns = sites.shape
    decays = np.empty(2 * n_spins + 1)
    kernels.fill_decays(decays)
    return Store((*(None,) * 6, sites, None, None, decays), n_spins, n_patterns, 1.0, 0.0)


class Run:
    """A recall on its way: spins at the start, and then sweep after sweep."""

    def __init__(
        self, store: Store, spins: Spins, state: State, *, parallel: bool, shuffled: bool, beta: float
    ) -> None:
        n = store.n_spins
        self.store, self.spins, self.parallel = store, spins, parallel
        narrow = n <= np.iinfo(np.int16).max
        sums = np.empty(store.n_patterns, dtype=np.int16 if narrow else np.int32) if store.by_sums else None
        self.chain = (spins, None if store.by_sums else np.empty(n), sums, state)
        words, noise, sequence = np.empty(n, dtype=np.uint64), np.empty(n), np.arange(n)
        self.room = (words, noise, sequence, np.empty(n, dtype=np.int8), spins.copy())
        cold = beta == math.inf
        doubled = 0.0 if cold else min(2.0 * beta * store.scale, _LARGEST)
        self.how = (int(shuffled), int(cold), doubled, store.scale, store.tolerance)
        self.clock, self.watch = np.zeros(4, dtype=np.int64), np.array([1, 0, 0])
        kernels.begin(store.arrays, self.chain)

    @property
    def flips(self) -> int:
        """How many spins have been turned."""
        return int(self.clock[2])

    @property
    def period(self) -> int:
        """The period of the state that has come back, 0 if none has."""
        return int(self.watch[2])

    def advance(self, n_sweeps: int, known: Spins | None, n_known: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Make up to `n_sweeps` sweeps; return sums with known patterns and energies, before and after each.

        `known` are these patterns site by site, (N, n_known), or None for those of the store.
        """
        sums, energies = [np.empty((1, n_known), dtype=np.int64)], [np.empty(1)]
        kernels.note(self.store.arrays, self.chain, self.store.scale, known, sums[0][0], energies[0])
        left, most = n_sweeps, self.store.sweeps_per_call()
        while left and not self.period:
            count = min(left, most)
            noted, found = np.empty((count, n_known), dtype=np.int64), np.empty(count)
            made = kernels.recall(
                self.store.arrays,
                self.chain,
                self.room,
                self.how,
                self.clock,
                int(self.parallel),
                known,
                self.watch,
                noted,
                found,
            )
            sums.append(noted[:made])
            energies.append(found[:made])
            left -= made
        return np.concatenate(sums), np.concatenate(energies)
