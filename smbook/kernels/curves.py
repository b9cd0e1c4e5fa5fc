"""Kernels for curves that draw themselves: means over 64 lattices at once, with errors that can be believed.

Measurements are gathered in blocks. When all MOST blocks are full, neighbours are joined and a block counts
twice as many from then on, so that there are always between half and all of them, however long a run is. The
first quarter is forgotten, as the lattices have not yet forgotten their beginning.

An error takes its time into account: that of a mean of n blocks is the root of 2 tau var / n, with the
integrated autocorrelation time tau of the blocks summed up to a window of WINDOW tau. It is nan in a run that
is too short to know it: one of fewer than LEAST independent blocks, n / (2 tau), or of fewer sweeps than
`patience`. A run that has not seen its rare events takes itself for a long one, so that what it says of tau
is not enough.

Sources: Flyvbjerg and Petersen (1989) for blocks that grow, Madras and Sokal (1988) for the window, Wolff
(2004) for functions of means and for what a window of this width misses.
"""

from __future__ import annotations

import math

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import sqrt

LANES = 64
MOST = 256  # blocks
WINDOW = 5.0
LEAST = 20.0  # independent blocks
FULL, FILLED, LENGTH = range(3)  # entries of a tally: blocks that are full, and measurements in the next one
ENERGY, ENERGY_SQUARED, MAGNETIZATION, SQUARE, FOURTH = range(5)  # what a block holds, each for 64 lattices
N_SUMS = 5
_CRITICAL = 2.269185314213022


@kernel
def gather(totals, sums, n_sites, blocks, tally):
    """Add measurements of 64 lattices to their blocks.

    `totals` and `sums` (int64, kept by 64) are sums over bonds and over spins, as those of
    `smbook.kernels.multispin.run_square_lanes`. `blocks` is float64 of shape (MOST, N_SUMS, 64), and `tally`
    (int64, 3) begins as 0, 0, 1.
    """
    for kept in range(totals.shape[0]):
        k = tally[FULL]
        for lane in range(LANES):
            energy, size = -totals[kept, lane] / n_sites, abs(sums[kept, lane]) / n_sites
            square = size * size
            old = 1.0 if tally[FILLED] > 0 else 0.0
            blocks[k, ENERGY, lane] = old * blocks[k, ENERGY, lane] + energy
            blocks[k, ENERGY_SQUARED, lane] = old * blocks[k, ENERGY_SQUARED, lane] + energy * energy
            blocks[k, MAGNETIZATION, lane] = old * blocks[k, MAGNETIZATION, lane] + size
            blocks[k, SQUARE, lane] = old * blocks[k, SQUARE, lane] + square
            blocks[k, FOURTH, lane] = old * blocks[k, FOURTH, lane] + square * square
        tally[FILLED] += 1
        if tally[FILLED] == tally[LENGTH]:
            tally[FULL] += 1
            tally[FILLED] = 0
        if tally[FULL] == MOST:
            _join(blocks, tally)


@kernel
def _join(blocks, tally):
    """Make one block of two."""
    for k in range(MOST // 2):
        for row in range(N_SUMS):
            for lane in range(LANES):
                blocks[k, row, lane] = blocks[2 * k, row, lane] + blocks[2 * k + 1, row, lane]
    tally[FULL] = MOST // 2
    tally[LENGTH] *= 2


@kernel
def patience(beta, side):
    """Return how many sweeps a run at `beta` needs before its errors can be believed, 9 x^(9/4).

    x is the side of the lattice or, away from the transition, 4 / abs(T - T_c) if that is less: a length in
    step with the correlation length. The autocorrelation time of abs(m) grows as the power 2.17 of it.

    Examples
    --------
    >>> patience(0.44, 16), patience(0.5, 64) == patience(0.5, 32)
    (4608.0, True)
    """
    length = min(np.float64(side), 4.0 / abs(1.0 / beta - _CRITICAL))
    return 9.0 * length * length * sqrt(sqrt(length))


@kernel
def estimate(blocks, tally, betas, side, thin, room, values, errors):
    """Fill `values` and `errors` (4, 64): of the mean of abs(m), of E / N, of c, and of Binder's cumulant U.

    `c = beta^2 N (<e^2> - <e>^2)` and `U = 1 - <m^4> / (3 <m^2>^2)` of a lattice of `side` by `side` spins,
    measured after every `thin`-th sweep. Without a full block values are nan. `room` is float64 of shape
    (MOST,). What `<e>^2` is too large by, the square of its error, is added to c.
    """
    first, n = tally[FULL] // 4, tally[FULL] - tally[FULL] // 4
    n_sites = side * side
    for lane in range(LANES):
        energy = _mean(blocks, tally, ENERGY, lane)
        energy_squared = _mean(blocks, tally, ENERGY_SQUARED, lane)
        square, fourth = _mean(blocks, tally, SQUARE, lane), _mean(blocks, tally, FOURTH, lane)
        scale, length = betas[lane] * betas[lane] * n_sites, tally[LENGTH]
        values[0, lane] = _mean(blocks, tally, MAGNETIZATION, lane)
        values[1, lane] = energy
        values[2, lane] = scale * (energy_squared - energy * energy)
        values[3, lane] = 1.0 - fourth / (3.0 * square * square)
        for i in range(n):
            room[i] = blocks[first + i, MAGNETIZATION, lane] / length - values[0, lane]
        errors[0, lane] = _error(room, n)
        for i in range(n):
            room[i] = blocks[first + i, ENERGY, lane] / length - energy
        errors[1, lane] = _error(room, n)
        for i in range(n):
            change = blocks[first + i, ENERGY, lane] / length - energy
            room[i] = (
                blocks[first + i, ENERGY_SQUARED, lane] / length - energy_squared - 2.0 * energy * change
            )
        errors[2, lane] = scale * _error(room, n)
        for i in range(n):
            change = blocks[first + i, SQUARE, lane] / length - square
            of_fourth = blocks[first + i, FOURTH, lane] / length - fourth
            room[i] = (2.0 * fourth * change / square - of_fourth) / (3.0 * square * square)
        errors[3, lane] = _error(room, n)
        if thin * tally[LENGTH] * n < patience(betas[lane], side):
            for curve in range(4):
                errors[curve, lane] = math.nan
        if errors[1, lane] > 0.0:
            values[2, lane] += scale * errors[1, lane] * errors[1, lane]


@kernel
def _mean(blocks, tally, row, lane):
    first = tally[FULL] // 4
    total = 0.0
    for k in range(first, tally[FULL]):
        total += blocks[k, row, lane]
    return total / (tally[LENGTH] * (tally[FULL] - first))


@kernel
def _error(series, n):
    """Return the error of the mean of `n` deviations from it, or nan if they are too much alike to tell."""
    variance = _covariance(series, n, 0)
    total, lag, error = variance, 0, math.nan
    while total * WINDOW > 2.0 * variance * lag and 3 * lag < n:  # lag below WINDOW tau
        lag += 1
        total += 2.0 * _covariance(series, n, lag)
    total = max(total, variance) * (1.0 + (2.0 * lag + 1.0) / n)
    if variance > 0.0 and n * variance >= LEAST * total:
        error = sqrt(total / n)
    return error


@kernel
def _covariance(series, n, lag):
    total = 0.0
    for i in range(n - lag):
        total += series[i] * series[i + lag]
    return total / n
