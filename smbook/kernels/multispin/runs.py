"""Sweeps and measurements in turn."""

from __future__ import annotations

from smbook.kernels import kernel
from smbook.kernels.multispin.measuring import measure, measure_lanes
from smbook.kernels.multispin.sweeps import sweep_general, sweep_square


@kernel
def run_square(words, parities, bonds, grid, crossings, sign, bath, work, pair, thin, totals, sums):
    """Make `thin` sweeps of `sweep_square`, note the sums over bonds and spins, and so on until all is full.

    `totals` and `sums` are int64 of one length, `pair` (int64, 2) is room to work in.
    """
    for kept in range(totals.size):
        sweep_square(words, parities, grid, crossings, sign, bath, work, thin)
        measure(words, parities, bonds, grid, crossings, work, pair)
        totals[kept], sums[kept] = pair[0], pair[1]


@kernel
def run_general(words, parities, bonds, grid, crossings, sign, bath, work, pair, thin, totals, sums):
    """Do as `run_square` by `sweep_general`."""
    for kept in range(totals.size):
        sweep_general(words, parities, bonds, grid, crossings, sign, bath, work, thin)
        measure(words, parities, bonds, grid, crossings, work, pair)
        totals[kept], sums[kept] = pair[0], pair[1]


@kernel
def run_square_lanes(words, parities, bonds, grid, crossings, sign, bath, work, thin, totals, sums):
    """Make `thin` sweeps of 64 lattices, note what `measure_lanes` finds, and so on until all rows are full.

    `totals` and `sums` are int64 of shape (kept, 64).
    """
    for kept in range(totals.shape[0]):
        sweep_square(words, parities, grid, crossings, sign, bath, work, thin)
        measure_lanes(words, parities, bonds, grid, crossings, work, totals[kept], sums[kept])


@kernel
def run_general_lanes(words, parities, bonds, grid, crossings, sign, bath, work, thin, totals, sums):
    """Do as `run_square_lanes` by `sweep_general`."""
    for kept in range(totals.shape[0]):
        sweep_general(words, parities, bonds, grid, crossings, sign, bath, work, thin)
        measure_lanes(words, parities, bonds, grid, crossings, work, totals[kept], sums[kept])
