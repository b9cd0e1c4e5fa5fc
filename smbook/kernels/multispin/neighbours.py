"""Bit-sliced adders, which count the unlike neighbours of all spins of a word at once."""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels._jit import inlined
from smbook.kernels.multispin.layout import turned
from smbook.kernels.multispin.room import (
    BLOCK,
    COLOUR_SIZE,
    FOURS,
    GHOSTS,
    NEIGHBOURS,
    ONE_BIT,
    ONES,
    PLANE_SIZE,
    PLANES,
    ROWS,
    START,
    TWOS,
    WORDS,
)


@kernel
def _sum_of_four(a, b, c, d):
    """Return the bits of the number of those that are set."""
    one, two, more, both = a ^ b, a & b, c ^ d, c & d
    carried = one & more
    return one ^ more, two ^ both ^ carried, two & both


@kernel
def _add_two(ones, twos, fours, a, b):
    """Return the bits of a number of up to four, and two more."""
    one, two = a ^ b, a & b
    carried = ones & one
    return ones ^ one, twos ^ two ^ carried, fours | (twos & (two | carried))


@inlined
def border(y, width, parity):
    """Return where in a plane the word of row `y` lies whose neighbour beside is across the border."""
    if (y + parity) % 2 == 0:
        return y * width
    return y * width + width - 1


@inlined
def _across(words, turns, width, others, at, y, parity):
    """Return the neighbour beside that a word has across the border."""
    if (y + parity) % 2 == 0:
        return turned(words[others + at + width - 1], turns[0], turns[1], turns[2])
    return turned(words[others + at - width + 1], turns[3], turns[4], turns[5])


@inlined
def unlike_in_plane(words, parities, sign, mine, others, width, in_parities, u):
    """Return the number of unlike neighbours of a word's spins, in bits, in a plane without signs of bonds.

    It is not right at the end of a row, where the neighbour beside lies across the border.
    """
    spin, after = words[mine + u] ^ sign, parities[in_parities + u]
    beside = (words[others + ONE_BIT + u] & after) | (words[others - ONE_BIT + u] & ~after)
    return _sum_of_four(
        spin ^ beside,
        spin ^ words[others + u],
        spin ^ words[others - width + u],
        spin ^ words[others + width + u],
    )


@inlined
def unlike_at_border(words, turns, sign, mine, others, width, at, y, parity):
    """Return the number of unlike neighbours at the end of row `y`, in bits."""
    spin = words[mine + at] ^ sign
    return _sum_of_four(
        spin ^ _across(words, turns, width, others, at, y, parity),
        spin ^ words[others + at],
        spin ^ words[others + at - width],
        spin ^ words[others + at + width],
    )


@inlined
def count_in_plane(words, parities, sign, work, mine, others, width, in_parities):
    """Count the unlike neighbours of a block, but for the words at the end of a row."""
    for i in range(BLOCK):
        ones, twos, fours = unlike_in_plane(
            words, parities, sign, mine, others, width, in_parities, np.uint64(i)
        )
        work[ONES + i] = ones
        work[TWOS + i] = twos
        work[FOURS + i] = fours


@inlined
def count_at_borders(words, turns, sign, work, mine, others, width, parity, first, stop, y):
    """Count for the words of a block at the end of a row, one a row from row `y` on; return the next row."""
    at = border(y, width, parity)
    while at < stop:
        ones, twos, fours = unlike_at_border(words, turns, sign, mine, others, width, at, y, parity)
        i = at - first
        work[ONES + i], work[TWOS + i], work[FOURS + i] = ones, twos, fours
        y += 1
        at = border(y, width, parity)
    return y


@inlined
def _compare(words, sign, work, row, mine, others):
    """Note where the spins of a block are unlike those of another block."""
    for i in range(BLOCK):
        u = np.uint64(i)
        work[row + i] = words[mine + u] ^ words[others + u] ^ sign


@inlined
def _compare_beside(words, parities, sign, work, mine, others, in_parities):
    for i in range(BLOCK):
        u = np.uint64(i)
        after = parities[in_parities + u]
        beside = (words[others + ONE_BIT + u] & after) | (words[others - ONE_BIT + u] & ~after)
        work[NEIGHBOURS + i] = words[mine + u] ^ beside ^ sign


@inlined
def _compare_borders(words, turns, sign, work, mine, others, width, parity, first, stop, y):
    at = border(y, width, parity)
    while at < stop:
        beside = _across(words, turns, width, others, at, y, parity)
        work[NEIGHBOURS + at - first] = words[mine + at] ^ beside ^ sign
        y += 1
        at = border(y, width, parity)
    return y


@inlined
def _apply_bonds(bonds, work, start, step, n_neighbours):
    """Take a like neighbour across a negative bond for an unlike one, and the other way round."""
    for k in range(n_neighbours):
        row, at = NEIGHBOURS + k * BLOCK, np.uint64(start + k * step)
        for i in range(BLOCK):
            work[row + i] ^= bonds[at + np.uint64(i)]


@inlined
def _sum_rows(work, n_neighbours):
    """Add up the unlike neighbours that are noted in four rows, or in six."""
    for i in range(BLOCK):
        a, b = NEIGHBOURS + i, NEIGHBOURS + 2 * BLOCK + i
        ones, twos, fours = _sum_of_four(work[a], work[a + BLOCK], work[b], work[b + BLOCK])
        work[ONES + i] = ones
        work[TWOS + i] = twos
        work[FOURS + i] = fours
    if n_neighbours == 6:
        for i in range(BLOCK):
            a = NEIGHBOURS + 4 * BLOCK + i
            ones, twos, fours = _add_two(
                work[ONES + i], work[TWOS + i], work[FOURS + i], work[a], work[a + BLOCK]
            )
            work[ONES + i] = ones
            work[TWOS + i] = twos
            work[FOURS + i] = fours


@kernel
def count_general(words, parities, bonds, grid, crossings, sign, work, colour, plane, first, y):
    """Count the unlike neighbours of a block of words in any dimension, with signs of bonds if there are any.

    `y` is the first row whose border lies ahead; return that of the next block.
    """
    width, total, size = grid[WORDS], grid[ROWS] * grid[WORDS], grid[PLANE_SIZE]
    start = grid[START] + plane * size
    mine_at, others_at = colour * grid[COLOUR_SIZE] + start, (1 - colour) * grid[COLOUR_SIZE] + start
    mine, others = np.uint64(mine_at + first), np.uint64(others_at + first)
    parity, step = (colour + plane) % 2, np.uint64(width)
    turns = (crossings[12], crossings[13], crossings[14], crossings[15], crossings[16], crossings[17])
    in_parities = np.uint64(parity * (total + BLOCK) + first)
    stop = min(first + BLOCK, total)
    _compare_beside(words, parities, sign, work, mine, others, in_parities)
    y = _compare_borders(words, turns, sign, work, mine_at, others_at, width, parity, first, stop, y)
    _compare(words, sign, work, NEIGHBOURS + BLOCK, mine, others)
    _compare(words, sign, work, NEIGHBOURS + 2 * BLOCK, mine, others - step)
    _compare(words, sign, work, NEIGHBOURS + 3 * BLOCK, mine, others + step)
    if grid[GHOSTS]:
        _compare(words, sign, work, NEIGHBOURS + 4 * BLOCK, mine, others - np.uint64(size))
        _compare(words, sign, work, NEIGHBOURS + 5 * BLOCK, mine, others + np.uint64(size))
    n_neighbours = 4 + 2 * grid[GHOSTS]
    if bonds.size > BLOCK:
        row = grid[PLANES] * total + BLOCK
        _apply_bonds(bonds, work, colour * 6 * row + plane * total + first, row, n_neighbours)
    _sum_rows(work, n_neighbours)
    return y
