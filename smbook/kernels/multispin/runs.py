"""Sweeps and measurements in turn."""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.multispin.measuring import measure, measure_lanes
from smbook.kernels.multispin.sweeps import update_general, update_square


@kernel
def run(words, parities, bonds, grid, crossings, sign, bath, work, pair, thin, totals, sums):
    """Make `thin` sweeps of a lattice, note the sums over bonds and spins, and so on until all is full.

    `totals` and `sums` are int64 of one length, `pair` (int64, 2) is room to work in; `bonds` and the others
    as for `sweep`.
    """
    for kept in range(totals.size):
        if bonds is None:
            update_square(words, parities, grid, crossings, sign, bath, work, thin)
        else:
            update_general(words, parities, bonds, grid, crossings, sign, bath, work, thin)
        measure(words, parities, bonds, grid, crossings, work, pair)
        totals[kept], sums[kept] = pair[0], pair[1]


@kernel
def run_lanes(words, parities, bonds, grid, crossings, sign, bath, work, thin, totals, sums):
    """Make `thin` sweeps of 64 lattices, note what `measure_lanes` finds, and so on until all rows are full.

    `totals` and `sums` are int64 of shape (kept, 64).
    """
    for kept in range(totals.shape[0]):
        if bonds is None:
            update_square(words, parities, grid, crossings, sign, bath, work, thin)
        else:
            update_general(words, parities, bonds, grid, crossings, sign, bath, work, thin)
        measure_lanes(words, parities, bonds, grid, crossings, work, totals[kept], sums[kept])


@kernel
def run_square_lanes(words, parities, grid, crossings, bath, work, thin, totals, sums):
    """Do as `run_lanes` for ferromagnets in two dimensions, as a page does."""
    run_lanes(words, parities, None, grid, crossings, np.uint64(0), bath, work, thin, totals, sums)
