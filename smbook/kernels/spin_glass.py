"""Kernels for replicas of a network, each the coldest of a ladder of K temperatures, or alone with K = 1.

Those of `smbook.kernels.network` as a page can call them: the arrays one by one, none of them None, and one
rule, the heat bath in sequential order. `_dense` takes couplings `matrix` (N, N), float32, with `fields` and
`local` of the same type; `_sparse` takes rows of `entries`, float64, with all else so too.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel, network
from smbook.kernels.elementary import exp, log
from smbook.kernels.lattice import randomize


@kernel
def lay_out(coldest, hottest, betas):
    """Fill `betas` with 1/T, increasing: geometric steps from the hottest temperature to the coldest.

    The hottest is at least 1.25 times the coldest. A single beta is that of the coldest.

    Examples
    --------
    >>> betas = np.empty(3)
    >>> lay_out(0.5, 2.0, betas)
    >>> betas
    array([0.5, 1. , 2. ])
    """
    ratio = log(max(hottest / coldest, 1.25))
    for k in range(betas.size):
        share = k / (betas.size - 1.0) if betas.size > 1 else 0.0
        betas[betas.size - 1 - k] = 1.0 / (coldest * exp(share * ratio))


@kernel
def begin_dense(matrix, fields, spins, local, state, totals, best_energy, best):
    """Draw the spins (K, N) of a ladder one row after another, and find local fields and energies.

    `best_energy` (one entry) and `best` (N spins) are those of the lowest row.
    """
    _begin((matrix, None, None, None, fields), spins, local, state, totals, best_energy, best)


@kernel
def begin_sparse(entries, columns, starts, fields, spins, local, state, totals, best_energy, best):
    """Begin a ladder, as `begin_dense`."""
    _begin((None, entries, columns, starts, fields), spins, local, state, totals, best_energy, best)


@kernel
def _begin(couplings, spins, local, state, totals, best_energy, best):
    matrix, entries, columns, starts, fields = couplings
    best_energy[0] = np.inf
    for k in range(totals.size):
        randomize(spins[k], state)
        network.find_local_fields(matrix, entries, columns, starts, fields, spins[k], local[k])
        totals[k] = network.energy(spins[k], local[k], fields)
        if totals[k] < best_energy[0]:
            best_energy[0] = totals[k]
            for i in range(best.size):
                best[i] = spins[k, i]


@kernel
def temper_dense(
    matrix, fields, spins, local, turned, state, words, noise, sites, betas,
    at, clock, totals, swaps, heading, trips, n_steps, energies, sums, snapshots, best_energy, best,
):  # fmt: skip
    """Make steps of a ladder as `smbook.kernels.network.temper` does, which says what the arrays are."""
    network.temper(
        (matrix, None, None, None, fields), (spins, local, turned, state), (words, noise, sites),
        network.HEAT_BATH, network.SEQUENTIAL, betas, (at, clock, totals, swaps, heading, trips),
        n_steps, energies, sums, snapshots, best_energy, best,
    )  # fmt: skip


@kernel
def temper_sparse(
    entries, columns, starts, fields, spins, local, turned, state, words, noise, sites, betas,
    at, clock, totals, swaps, heading, trips, n_steps, energies, sums, snapshots, best_energy, best,
):  # fmt: skip
    """Make steps of a ladder, as `temper_dense`."""
    network.temper(
        (None, entries, columns, starts, fields), (spins, local, turned, state), (words, noise, sites),
        network.HEAT_BATH, network.SEQUENTIAL, betas, (at, clock, totals, swaps, heading, trips),
        n_steps, energies, sums, snapshots, best_energy, best,
    )  # fmt: skip


@kernel
def overlap(one, other):
    """Return q = sum_i s_i s'_i / N of two replicas.

    Examples
    --------
    >>> up = np.ones(4, dtype=np.int8)
    >>> overlap(up, np.array([1, 1, 1, -1], dtype=np.int8))
    0.5
    """
    total = np.int64(0)
    for i in range(one.size):
        total += one[i] * other[i]
    return total / one.size


@kernel
def mark_unsatisfied(entries, columns, starts, spins, marks):
    """Set marks[k] (int8) to 1 where J s_i s_j < 0 for entry k, to 0 elsewhere; return how many bonds are so.

    A bond stands in the rows of both of its spins and is counted once.
    """
    twice = np.int64(0)
    for i in range(spins.size):
        for k in range(starts[i], starts[i + 1]):
            marks[k] = np.int8(entries[k] * spins[i] * spins[columns[k]] < 0.0)
            twice += marks[k]
    return twice // 2
