"""How spins, and the signs of their bonds, lie in words, and how the borders of the words' lattice meet."""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels._jit import inlined
from smbook.kernels.multispin.room import (
    ALL_BITS,
    BLOCK,
    COLOUR_SIZE,
    GHOSTS,
    LANES,
    N_SITES,
    NO_BITS,
    ONE_BIT,
    PADDING,
    PLANE_SIZE,
    PLANES,
    ROWS,
    START,
    WORDS,
)


@kernel
def fill_grid(sides, blocks, grid):
    """Fill `grid` (int64, 8 entries) for a lattice of `sides` parted into `blocks`, both int64 of shape (3,).

    Two dimensions have a first side of 1. A side over its blocks is to be even.

    Examples
    --------
    >>> grid = np.empty(8, dtype=np.int64)
    >>> fill_grid(np.array([1, 64, 64]), np.array([1, 32, 2]), grid)
    >>> grid.tolist()
    [1, 2, 16, 0, 64, 112, 24, 4096]
    """
    grid[PLANES] = sides[0] // blocks[0]
    grid[ROWS] = sides[1] // blocks[1]
    grid[WORDS] = sides[2] // blocks[2] // 2
    grid[GHOSTS] = 1 if sides[0] > 1 else 0
    grid[PLANE_SIZE] = (grid[ROWS] + 2) * grid[WORDS]
    grid[COLOUR_SIZE] = (grid[PLANES] + 2 * grid[GHOSTS]) * grid[PLANE_SIZE] + 2 * PADDING + BLOCK
    grid[START] = PADDING + grid[GHOSTS] * grid[PLANE_SIZE] + grid[WORDS]
    grid[N_SITES] = sides[0] * sides[1] * sides[2]


@kernel
def fill_crossings(blocks, crossings):
    """Fill `crossings` (uint64, three axes by two directions by three) for `blocks` (int64) along each axis.

    Entry (l, r, m) stands for ((w << l) & m) | ((w >> r) & ~m), the bits of a word w moved by a block; the
    first direction is for a neighbour before, the second for one after. The last axis varies fastest.
    """
    group = blocks[0] * blocks[1] * blocks[2]
    for axis in range(3):
        step = group // blocks[axis]
        for direction in range(2):
            left = step if direction == 0 else group - step
            mask = NO_BITS
            for bit in range(LANES):
                if bit % group >= left % group:
                    mask |= ONE_BIT << np.uint64(bit)
            crossings[6 * axis + 3 * direction] = np.uint64(left % group)
            crossings[6 * axis + 3 * direction + 1] = np.uint64((group - left) % group)
            crossings[6 * axis + 3 * direction + 2] = mask
        group = step


@kernel
def fill_parities(grid, parities):
    """Fill `parities` (uint64, 2 rows of ROWS x WORDS + BLOCK): which words beside a word are its neighbours.

    One is the other colour's word of the same number. The other comes after that where all bits are set, and
    else before it. Row p is for words of colour c in planes z with c + z of parity p.
    """
    n_rows, width = grid[ROWS], grid[WORDS]
    for parity in range(2):
        for i in range(n_rows * width + BLOCK):
            odd = (parity + i // width) % 2 == 1 and i < n_rows * width
            parities[parity * (n_rows * width + BLOCK) + i] = ALL_BITS if odd else NO_BITS


@kernel
def turned(word, left, right, mask):
    """Return the bits of a word moved by a block."""
    return ((word << left) & mask) | ((word >> right) & ~mask)


@inlined
def turn_of(crossings, k):
    """Return what `turned` takes, for planes before and after (k = 0, 1), rows (2, 3) or words (4, 5)."""
    return crossings[3 * k], crossings[3 * k + 1], crossings[3 * k + 2]


@inlined
def copy_turned(words, to, start, count, turn):
    """Copy words whose bits are moved by a block."""
    for i in range(count):
        u = np.uint64(i)
        words[np.uint64(to) + u] = turned(words[np.uint64(start) + u], turn[0], turn[1], turn[2])


@inlined
def repeat_rows(words, first, width, total, crossings):
    """Renew the rows that repeat those of the plane from `first` on beyond its border."""
    copy_turned(words, first - width, first + total - width, width, turn_of(crossings, 2))
    copy_turned(words, first + total, first, width, turn_of(crossings, 3))


@kernel
def repeat_borders(words, grid, crossings, colour):
    """Renew the rows and planes that repeat those of `colour` beyond a border."""
    n_planes, width, size = grid[PLANES], grid[WORDS], grid[PLANE_SIZE]
    first, total = colour * grid[COLOUR_SIZE] + grid[START], grid[ROWS] * width
    if grid[GHOSTS]:
        copy_turned(words, first - size, first + (n_planes - 1) * size, total, turn_of(crossings, 0))
        copy_turned(words, first + n_planes * size, first, total, turn_of(crossings, 1))
    for z in range(n_planes):
        repeat_rows(words, first + z * size, width, total, crossings)


@inlined
def _row(grid, z, y):
    """Return where in `words` row y of plane z of the words' own lattice begins, for the first colour."""
    return grid[START] + z * grid[PLANE_SIZE] + y * grid[WORDS]


@inlined
def _bit(sides, blocks, z, y, x):
    """Return the bit of a site: the number of its block."""
    block = z // (sides[0] // blocks[0]) * blocks[1] + y // (sides[1] // blocks[1])
    return block * blocks[2] + x // (sides[2] // blocks[2])


@kernel
def pack(spins, sides, blocks, grid, lane, words):
    """Put a lattice of spins, int8 in row-major order, into `words`: from bit `lane` on, one bit a block."""
    site, length, colour_size = np.int64(0), sides[2] // blocks[2], grid[COLOUR_SIZE]
    for z in range(sides[0]):
        for y in range(sides[1]):
            inner_z, inner_y = z % (sides[0] // blocks[0]), y % (sides[1] // blocks[1])
            row, first = _row(grid, inner_z, inner_y), lane + _bit(sides, blocks, z, y, 0)
            for block in range(blocks[2]):
                bit = ONE_BIT << np.uint64(first + block)
                for x in range(length):
                    at = row + (inner_z + inner_y + x) % 2 * colour_size + x // 2
                    words[at] &= ~bit
                    if spins[site] > 0:
                        words[at] |= bit
                    site += 1


@kernel
def unpack(words, sides, blocks, grid, lane, spins):
    """Put a lattice out of `words` into `spins`, the other way round than `pack`."""
    site, length, colour_size = np.int64(0), sides[2] // blocks[2], grid[COLOUR_SIZE]
    for z in range(sides[0]):
        for y in range(sides[1]):
            inner_z, inner_y = z % (sides[0] // blocks[0]), y % (sides[1] // blocks[1])
            row, first = _row(grid, inner_z, inner_y), lane + _bit(sides, blocks, z, y, 0)
            for block in range(blocks[2]):
                bit = np.uint64(first + block)
                for x in range(length):
                    at = row + (inner_z + inner_y + x) % 2 * colour_size + x // 2
                    spins[site] = np.int8(2 * np.int64((words[at] >> bit) & ONE_BIT) - 1)
                    site += 1


@inlined
def _axis(k, n_axes):
    """Return the axis of a neighbour: 0 and 1 are beside, 2 and 3 in other rows, 4 and 5 in other planes."""
    return n_axes - 1 - k // 2


@inlined
def _bond(sides, z, y, x, k, odd):
    """Return the site from which the bond to neighbour `k` leads on: the neighbour itself if it is before.

    Of those beside, neighbour 1 is the one that has the same number within its row: after an even column.
    """
    before = (k == 0 and not odd) or (k == 1 and odd) or k == 2 or k == 4
    if before and k < 2:
        x = (x + sides[2] - 1) % sides[2]
    elif before and k == 2:
        y = (y + sides[1] - 1) % sides[1]
    elif before:
        z = (z + sides[0] - 1) % sides[0]
    return (z * sides[1] + y) * sides[2] + x


@kernel
def pack_bonds(signs, sides, blocks, grid, all_lanes, bonds):
    """Fill `bonds` from `signs` (int8, axes by sites): the sign of the bond from a site to the next one.

    `bonds` (uint64) has 12 (PLANES x ROWS x WORDS + BLOCK) words. With `all_lanes` a bond holds in all bits.
    """
    for i in range(bonds.size):
        bonds[i] = NO_BITS
    n_rows, width = grid[ROWS], grid[WORDS]
    step, n_axes = grid[PLANES] * n_rows * width + BLOCK, 2 + grid[GHOSTS]
    site = np.int64(0)
    for z in range(sides[0]):
        for y in range(sides[1]):
            for x in range(sides[2]):
                inner_z, inner_y = z % (sides[0] // blocks[0]), y % (sides[1] // blocks[1])
                inner_x = x % (sides[2] // blocks[2])
                colour = (inner_z + inner_y + inner_x) % 2
                at = colour * 6 * step + (inner_z * n_rows + inner_y) * width + inner_x // 2
                bit = ALL_BITS if all_lanes else ONE_BIT << np.uint64(_bit(sides, blocks, z, y, x))
                for k in range(2 * n_axes):
                    if signs[_axis(k, n_axes), _bond(sides, z, y, x, k, inner_x % 2)] < 0:
                        bonds[at + k * step] |= bit
                site += 1
