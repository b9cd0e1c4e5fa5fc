"""Energies and magnetizations, for one lattice or for each of 64."""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels._jit import inlined
from smbook.kernels.binary import bit_count
from smbook.kernels.multispin.layout import repeat_borders, repeat_rows
from smbook.kernels.multispin.neighbours import count_at_borders, count_general, count_in_plane
from smbook.kernels.multispin.room import (
    ALL_BITS,
    BLOCK,
    COLOUR_SIZE,
    COUNTER_PLANES,
    FOURS,
    GHOSTS,
    HIGH,
    LANES,
    LOW,
    MOST_COUNTED,
    N_SITES,
    NO_BITS,
    ONE_BIT,
    ONES,
    PLANE_SIZE,
    PLANES,
    ROWS,
    SMALL,
    START,
    TWOS,
    UNLIKE,
    UP,
    WORDS,
)


@kernel
def _add_three(a, b, carried):
    return a ^ b ^ carried, (a & b) | (carried & (a ^ b))


@inlined
def _count_up(work, count):
    """Add to the vertical counters, for each bit of a block, its unlike neighbours and its two spins up."""
    for i in range(count, BLOCK):
        work[ONES + i] = work[TWOS + i] = work[FOURS + i] = NO_BITS
        work[LOW + i] = work[HIGH + i] = NO_BITS
    for i in range(BLOCK):
        at = UNLIKE + i
        work[at], carried = _add_three(work[at], work[ONES + i], NO_BITS)
        work[at + BLOCK], carried = _add_three(work[at + BLOCK], work[TWOS + i], carried)
        work[at + 2 * BLOCK], carried = _add_three(work[at + 2 * BLOCK], work[FOURS + i], carried)
        work[at + 3 * BLOCK], carried = _add_three(work[at + 3 * BLOCK], carried, NO_BITS)
        work[at + 4 * BLOCK], carried = _add_three(work[at + 4 * BLOCK], carried, NO_BITS)
        work[at + 5 * BLOCK], carried = _add_three(work[at + 5 * BLOCK], carried, NO_BITS)
        work[at + 6 * BLOCK], carried = _add_three(work[at + 6 * BLOCK], carried, NO_BITS)
        work[at + 7 * BLOCK] ^= carried
    for i in range(BLOCK):
        at = UP + i
        work[at], carried = _add_three(work[at], work[LOW + i], work[HIGH + i])
        work[at + BLOCK], carried = _add_three(work[at + BLOCK], carried, NO_BITS)
        work[at + 2 * BLOCK], carried = _add_three(work[at + 2 * BLOCK], carried, NO_BITS)
        work[at + 3 * BLOCK], carried = _add_three(work[at + 3 * BLOCK], carried, NO_BITS)
        work[at + 4 * BLOCK], carried = _add_three(work[at + 4 * BLOCK], carried, NO_BITS)
        work[at + 5 * BLOCK], carried = _add_three(work[at + 5 * BLOCK], carried, NO_BITS)
        work[at + 6 * BLOCK], carried = _add_three(work[at + 6 * BLOCK], carried, NO_BITS)
        work[at + 7 * BLOCK] ^= carried


@inlined
def _add_columns(work, at):
    """Add half of the columns of a vertical counter to the others, until one is left; return its bits."""
    planes, half, carry = SMALL, BLOCK // 2, at + (COUNTER_PLANES - 1) * BLOCK
    while half:
        for i in range(half):
            work[carry + i] = NO_BITS
        for plane in range(planes):
            row = at + plane * BLOCK
            for i in range(half):
                added, carried = _add_three(work[row + i], work[row + half + i], work[carry + i])
                work[row + i], work[carry + i] = added, carried
        for i in range(half):
            work[at + planes * BLOCK + i] = work[carry + i]
        planes += 1
        half //= 2
    return planes


@kernel
def _read_counters(work, totals, sums):
    """Add what the vertical counters hold for each bit to `totals` and `sums`, and set them to 0."""
    for counter in range(2):
        at, counts = (UP, sums) if counter else (UNLIKE, totals)
        planes = _add_columns(work, np.int64(at))
        for plane in range(planes):
            word = work[at + plane * BLOCK]
            for lane in range(LANES):
                counts[lane] += np.int64((word >> np.uint64(lane)) & ONE_BIT) << plane
        for i in range(COUNTER_PLANES * BLOCK):
            work[at + i] = NO_BITS


@inlined
def _count_block(words, parities, grid, crossings, work, first, y):
    """Count the unlike neighbours of a block of the first colour, in a plane without signs of bonds."""
    width, total, mine = grid[WORDS], grid[ROWS] * grid[WORDS], grid[START]
    others = grid[COLOUR_SIZE] + mine
    turns = (crossings[12], crossings[13], crossings[14], crossings[15], crossings[16], crossings[17])
    at, other = np.uint64(mine + first), np.uint64(others + first)
    count_in_plane(words, parities, NO_BITS, work, at, other, np.uint64(width), np.uint64(first))
    stop = min(first + BLOCK, total)
    return count_at_borders(words, turns, NO_BITS, work, mine, others, width, 0, first, stop, y)


@kernel
def measure_lanes(words, parities, bonds, grid, crossings, work, totals, sums):
    """Note for each of 64 lattices the sum of s_i s_j over all bonds, with their signs, and of all spins.

    `totals` and `sums` are int64 of shape (64,).
    """
    total, n_counted = grid[ROWS] * grid[WORDS], np.int64(0)
    if bonds is None:
        repeat_rows(words, grid[COLOUR_SIZE] + grid[START], grid[WORDS], total, crossings)
    else:
        repeat_borders(words, grid, crossings, 1)
    for lane in range(LANES):
        totals[lane] = sums[lane] = 0
    for plane in range(grid[PLANES]):
        start, y = grid[START] + plane * grid[PLANE_SIZE], np.int64(0)
        for first in range(0, total, BLOCK):
            if bonds is None:
                y = _count_block(words, parities, grid, crossings, work, first, y)
            else:
                y = count_general(words, parities, bonds, grid, crossings, NO_BITS, work, 0, plane, first, y)
            one, other = np.uint64(start + first), np.uint64(grid[COLOUR_SIZE] + start + first)
            for i in range(BLOCK):
                u = np.uint64(i)
                work[LOW + i] = words[one + u]
                work[HIGH + i] = words[other + u]
            _count_up(work, min(BLOCK, total - first))
            n_counted += 1
            last = plane + 1 == grid[PLANES] and first + BLOCK >= total
            if last or n_counted == MOST_COUNTED:
                _read_counters(work, totals, sums)
                n_counted = np.int64(0)
    n_sites, n_axes = 2 * total * grid[PLANES], 2 + grid[GHOSTS]
    for lane in range(LANES):
        totals[lane] = n_axes * n_sites - 2 * totals[lane]
        sums[lane] = 2 * sums[lane] - n_sites


@kernel
def measure(words, parities, bonds, grid, crossings, work, sums):
    """Note for one lattice the sum over all bonds and the sum of all spins, in `sums` (int64, 2)."""
    total, unlike, ups = grid[ROWS] * grid[WORDS], np.int64(0), np.int64(0)
    if bonds is None:
        repeat_rows(words, grid[COLOUR_SIZE] + grid[START], grid[WORDS], total, crossings)
    else:
        repeat_borders(words, grid, crossings, 1)
    mask = ALL_BITS >> np.uint64(LANES - grid[N_SITES] // (2 * total * grid[PLANES]))
    for plane in range(grid[PLANES]):
        start, y = grid[START] + plane * grid[PLANE_SIZE], np.int64(0)
        for first in range(0, total, BLOCK):
            if bonds is None:
                y = _count_block(words, parities, grid, crossings, work, first, y)
            else:
                y = count_general(words, parities, bonds, grid, crossings, NO_BITS, work, 0, plane, first, y)
            one, other = np.uint64(start + first), np.uint64(grid[COLOUR_SIZE] + start + first)
            for i in range(min(BLOCK, total - first)):
                u = np.uint64(i)
                ups += bit_count(words[one + u] & mask) + bit_count(words[other + u] & mask)
                unlike += bit_count(work[ONES + i] & mask) + 2 * bit_count(work[TWOS + i] & mask)
                unlike += 4 * bit_count(work[FOURS + i] & mask)
    n_sites = grid[N_SITES]
    sums[0] = (2 + grid[GHOSTS]) * n_sites - 2 * unlike
    sums[1] = 2 * ups - n_sites
