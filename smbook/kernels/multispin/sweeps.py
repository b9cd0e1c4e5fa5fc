"""Sweeps by the heat bath and by Metropolis' rule."""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels._jit import inlined
from smbook.kernels.multispin.layout import repeat_borders, repeat_rows
from smbook.kernels.multispin.luck import settle, try_luck, try_luck_of_three
from smbook.kernels.multispin.neighbours import border, count_general, unlike_at_border, unlike_in_plane
from smbook.kernels.multispin.room import (
    BLOCK,
    COLOUR_SIZE,
    FLIP,
    FOURS,
    GHOSTS,
    HALF,
    HIGH,
    LOW,
    NO_BITS,
    ONES,
    PLANE_SIZE,
    PLANES,
    ROWS,
    START,
    TOP,
    TWOS,
    WORDS,
)


@kernel
def _classes_of_four(ones, twos, fours, bath):
    """Part spins by their number of unlike neighbours: what is turned, and by which chance it is turned back.

    Metropolis turns a spin of two or more, and with luck one of 1 (p of 4 J) or 0 (8 J). With `bath` the spin
    goes with the majority, and with luck against 1 or 3 (2 J to either side) or 0 or 4; 2 are a fair coin.
    """
    turn = fours | (twos & (ones | ~bath))
    low = ones & (~twos | bath)
    high = ~(ones | twos) & (~fours | bath)
    return turn, low, high, bath & twos & ~ones


@kernel
def _classes_of_six(ones, twos, fours, bath):
    """Do as `_classes_of_four`, where three unlike neighbours are a free flip, or a fair coin."""
    three = ones & twos
    turn = fours | (three & ~bath)
    low = ~ones & (twos ^ fours) & (~fours | bath)
    high = ones & ~twos & (~fours | bath)
    top = ~(ones | (twos ^ fours)) & (~fours | bath)
    return turn, low, high, top, three & bath


@inlined
def _part_in_plane(words, parities, sign, bath, work, mine, others, width, in_parities):
    for i in range(BLOCK):
        ones, twos, fours = unlike_in_plane(
            words, parities, sign, mine, others, width, in_parities, np.uint64(i)
        )
        turn, low, high, half = _classes_of_four(ones, twos, fours, bath)
        work[FLIP + i] = turn
        work[LOW + i] = low
        work[HIGH + i] = high
        work[HALF + i] = half


@inlined
def _part_at_borders(words, turns, sign, bath, work, mine, others, width, parity, first, stop, y):
    """Do as `count_at_borders`, and part the spins into classes."""
    at = border(y, width, parity)
    while at < stop:
        ones, twos, fours = unlike_at_border(words, turns, sign, mine, others, width, at, y, parity)
        turn, low, high, half = _classes_of_four(ones, twos, fours, bath)
        i = at - first
        work[FLIP + i], work[LOW + i], work[HIGH + i], work[HALF + i] = turn, low, high, half
        y += 1
        at = border(y, width, parity)
    return y


@inlined
def _part_rows(work, bath):
    for i in range(BLOCK):
        turn, low, high, half = _classes_of_four(work[ONES + i], work[TWOS + i], work[FOURS + i], bath)
        work[FLIP + i] = turn
        work[LOW + i] = low
        work[HIGH + i] = high
        work[HALF + i] = half


@inlined
def _part_rows_of_six(work, bath):
    for i in range(BLOCK):
        turn, low, high, top, half = _classes_of_six(work[ONES + i], work[TWOS + i], work[FOURS + i], bath)
        work[FLIP + i] = turn
        work[LOW + i] = low
        work[HIGH + i] = high
        work[TOP + i] = top
        work[HALF + i] = half


@inlined
def _flip(words, work, mine, count):
    for i in range(count, BLOCK):
        work[FLIP + i] = NO_BITS
    for i in range(BLOCK):
        words[mine + np.uint64(i)] ^= work[FLIP + i]


@inlined
def update_square(words, parities, grid, crossings, sign, bath, work, n_sweeps):
    """Sweep a lattice of two dimensions without signs of bonds."""
    width, total = grid[WORDS], grid[ROWS] * grid[WORDS]
    turns = (crossings[12], crossings[13], crossings[14], crossings[15], crossings[16], crossings[17])
    for half in range(2 * n_sweeps):
        colour = half % 2
        mine = colour * grid[COLOUR_SIZE] + grid[START]
        others = (1 - colour) * grid[COLOUR_SIZE] + grid[START]
        repeat_rows(words, others, width, total, crossings)
        y = np.int64(0)
        for first in range(0, total, BLOCK):
            stop = min(first + BLOCK, total)
            at, other = np.uint64(mine + first), np.uint64(others + first)
            in_parities = np.uint64(colour * (total + BLOCK) + first)
            _part_in_plane(words, parities, sign, bath, work, at, other, np.uint64(width), in_parities)
            y = _part_at_borders(words, turns, sign, bath, work, mine, others, width, colour, first, stop, y)
            try_luck(work)
            settle(work, stop - first)
            _flip(words, work, at, stop - first)


@kernel
def _decide(work, count):
    try_luck(work)
    settle(work, count)


@kernel
def _decide_of_three(work, count):
    try_luck_of_three(work)
    settle(work, count)


@inlined
def update_general(words, parities, bonds, grid, crossings, sign, bath, work, n_sweeps):
    """Sweep a lattice of two or three dimensions, with signs of bonds if there are any."""
    total = grid[ROWS] * grid[WORDS]
    for half in range(2 * n_sweeps):
        colour = half % 2
        repeat_borders(words, grid, crossings, 1 - colour)
        for plane in range(grid[PLANES]):
            mine = colour * grid[COLOUR_SIZE] + grid[START] + plane * grid[PLANE_SIZE]
            y = np.int64(0)
            for first in range(0, total, BLOCK):
                y = count_general(
                    words, parities, bonds, grid, crossings, sign, work, colour, plane, first, y
                )
                count = min(BLOCK, total - first)
                if grid[GHOSTS]:
                    _part_rows_of_six(work, bath)
                    _decide_of_three(work, count)
                else:
                    _part_rows(work, bath)
                    _decide(work, count)
                _flip(words, work, np.uint64(mine + first), count)


@kernel
def sweep(words, parities, bonds, grid, crossings, sign, bath, work, n_sweeps):
    """Update every spin once a sweep, by the heat bath or by Metropolis.

    `bonds` is None for a lattice of two dimensions without signs, for which there is a faster way. `sign` and
    `bath` are words of all bits or of none: set `sign` for an antiferromagnet, `bath` for the heat bath.
    """
    if bonds is None:
        update_square(words, parities, grid, crossings, sign, bath, work, n_sweeps)
    else:
        update_general(words, parities, bonds, grid, crossings, sign, bath, work, n_sweeps)
