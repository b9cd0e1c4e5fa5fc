"""Kernels for Ising spins on periodic lattices of one, two or three dimensions, with any sides of at least 2.

The spins are a flat int8 array of +1 and -1 in row-major order; `shape` is an int64 array of the d side
lengths. Each site has two bonds along each axis, so on a side of 2 its one neighbour there counts twice.
`sign` (int8) is that of the coupling: neighbours pull a spin up by sign times their sum. An event of
probability p happens where the upper 63 bits of a draw do not exceed `probability_threshold(p)`.

Each algorithm is one kernel that does `thin` sweeps, notes the sum over bonds and the sum of spins, and so
on until `bonds` and `sums` (int64) are full.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp
from smbook.kernels.rng import fill_uint64, next_uint64

TABLE_WIDTH = 7  # pulls of -6, -4, ..., 6 in three dimensions
CERTAIN = np.int64(2**63 - 1)  # thresholds of what always and of what never happens
IMPOSSIBLE = np.int64(-1)


@kernel
def probability_threshold(probability):
    """Return p * 2**63 - 1 as int64, for 0 <= p <= 1: the largest 63-bit draw with which it happens."""
    return np.int64(np.uint64(probability * 9223372036854775808.0) - np.uint64(1))


@kernel
def randomize(spins, state):
    """Set each spin to +1 or -1 with probability 1/2."""
    for i in range(spins.size):
        spins[i] = 1 if np.int64(next_uint64(state)) < 0 else -1


@kernel
def bond_sum(spins, shape):
    """Return the sum of s_i s_j over all bonds, as int64."""
    total = np.int64(0)
    stride = np.int64(1)
    for axis in range(shape.size - 1, -1, -1):
        extent = stride * shape[axis]
        last = extent - stride
        for block in range(spins.size // extent):
            start = block * extent
            for i in range(start, start + last):
                total += spins[i] * spins[i + stride]
            for i in range(start, start + stride):
                total += spins[i] * spins[i + last]
        stride = extent
    return total


@kernel
def spin_sum(spins):
    """Return the sum of all spins, as int64."""
    total = np.int64(0)
    for i in range(spins.size):
        total += spins[i]
    return total


@kernel
def heat_bath_table(beta, coupling, field, dimension, table):
    """Fill `table` for the heat bath: P(up) = 1 / (1 + exp(-2 beta (abs(J) p + h))), whatever the spin was.

    `table` is int64 of shape (1, 7). Entry k is the threshold for a spin to be up after its update while
    its neighbours pull with p = 2 k - 2 d. It grows with k; entries beyond k = 2 d are certain. Source:
    Glauber (1963).
    """
    for k in range(TABLE_WIDTH):
        x = -2.0 * beta * (abs(coupling) * (2 * k - 2 * dimension) + field)
        up = 1.0 / (1.0 + exp(x)) if x < 700.0 else exp(-x)
        table[0, k] = probability_threshold(up) if k <= 2 * dimension else CERTAIN


@kernel
def metropolis_table(beta, coupling, field, dimension, table):
    """Fill `table` for Metropolis: a flip that costs dE is accepted with probability min(1, exp(-beta dE)).

    As `heat_bath_table`, but of shape (2, 7): the first row is for a spin that was down, the second for one
    that was up. Source: Metropolis, Rosenbluth, Rosenbluth, Teller and Teller (1953).
    """
    for k in range(TABLE_WIDTH):
        cost = 2.0 * beta * (abs(coupling) * (2 * k - 2 * dimension) + field)  # beta dE from up to down
        table[0, k] = probability_threshold(exp(min(cost, 0.0))) if k <= 2 * dimension else CERTAIN
        table[1, k] = probability_threshold(1.0 - exp(-max(cost, 0.0))) if k <= 2 * dimension else CERTAIN


@kernel
def single_site(spins, shape, sign, table, draws, scratch, state, thin, bonds, sums):
    """Update every spin once a sweep with the probabilities of `table`, heat bath or Metropolis.

    Rows (lines along the last axis) follow one another; within a row come all even sites, then the odd
    ones, then the last site of an odd row, which has an even site on both sides. Sites of one group are no
    neighbours, so that the order is as good as one site after another, and the processor works on many at
    once.

    `draws` (uint64, 3 rows as long as the last side) and `scratch` (int8, 5 rows longer by 2) are room to
    work in.
    """
    length = draws.shape[1]
    _number_groups(scratch[4], length)
    for kept in range(bonds.size):
        for _ in range(thin):
            for row in range(spins.size // length):
                start = row * length
                fill_uint64(state, draws[0])
                _draws_to_needs(draws, table, shape.size, scratch[1])
                _add_other_axes(spins, shape, start, scratch[0])
                _update_row(spins[start : start + length], sign, np.int8(2 * shape.size), scratch)
        bonds[kept] = bond_sum(spins, shape)
        sums[kept] = spin_sum(spins)


@kernel
def _number_groups(groups, length):
    for i in range(length):
        groups[i] = i % 2
    if length % 2:
        groups[length - 1] = 2


@kernel
def _draws_to_needs(draws, table, dimension, needs):
    """Note how many thresholds each draw exceeds: in bits 0 to 2 for a spin down, 4 to 6 for one up."""
    for row in range(table.shape[0]):
        _count_exceeded(draws[0], table[row], dimension, draws[1 + row])
    down, up = draws[1], draws[table.shape[0]]
    for i in range(down.size):
        needs[i] = np.int8(down[i] + (up[i] << np.uint64(4)))


@kernel
def _count_exceeded(draws, t, dimension, counts):
    """Count the thresholds that each draw exceeds, among the 2 d + 1 that are not certain anyway."""
    if dimension == 1:
        _count_exceeded_of(draws, (t[0], t[1], t[2]), counts)
    elif dimension == 2:
        _count_exceeded_of(draws, (t[0], t[1], t[2], t[3], t[4]), counts)
    else:
        _count_exceeded_of(draws, (t[0], t[1], t[2], t[3], t[4], t[5], t[6]), counts)


@kernel
def _count_exceeded_of(draws, thresholds, counts):
    for i in range(draws.size):
        draw = np.int64(draws[i] >> np.uint64(1))
        count = np.int64(0)
        for threshold in thresholds:  # a tuple, which the compiler unrolls
            count += np.int64(draw > threshold)
        counts[i] = np.uint64(count)


@kernel
def _add_other_axes(spins, shape, start, total):
    """Add up the neighbours along all axes but the last, for the row that begins at `start`."""
    length = shape[shape.size - 1]
    for i in range(length):
        total[i] = 0
    stride = length
    for axis in range(shape.size - 2, -1, -1):
        extent = stride * shape[axis]
        within = start % extent
        after = spins[start + stride - (extent if within + stride >= extent else 0) :]
        before = spins[start - stride + (extent if within < stride else 0) :]
        for i in range(length):
            total[i] += np.int8(after[i] + before[i])
        stride = extent


@kernel
def _update_row(row, sign, n_neighbours, scratch):
    """Turn up every spin whose pull p = 2 k - 2 d has k of at least its need, one group after the other.

    All is int8, sixteen sites to a vector of a browser; one wider number would cost half of the speed.
    """
    others, needs, fresh, padded, groups = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    for i in range(row.size):
        padded[i + 1] = row[i]
    for group in range(2 + row.size % 2):
        padded[0] = padded[row.size]
        padded[row.size + 1] = padded[1]
        for i in range(row.size):
            neighbours = np.int8(others[i] + np.int8(padded[i] + padded[i + 2]))
            pull = neighbours if sign > 0 else np.int8(-neighbours)
            twice_k = np.int8(pull + n_neighbours)
            need = np.int8(np.uint8(needs[i]) >> 4) if padded[i + 1] > 0 else np.int8(needs[i] & 15)
            fresh[i] = np.int8(1) if twice_k >= np.int8(need + need) else np.int8(-1)
        for i in range(row.size):
            new, old = fresh[i], padded[i + 1]
            padded[i + 1] = new if groups[i] == np.int8(group) else old
    for i in range(row.size):
        row[i] = padded[i + 1]
