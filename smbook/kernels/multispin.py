"""Kernels for 64 Ising spins in a word of 64 bits: a bit is 1 where its spin is up.

The bits of a word are either 64 blocks of one lattice, or one site of 64 lattices, each with a temperature
of its own. Either way the neighbours of a word's spins are the bits of its neighbouring words, which only at
a border of the words' own lattice have to change places: a spin at the edge of a block has its neighbour in
the block beyond. `crossings` says how, `fill_crossings` makes it.

The words form a lattice of two or three dimensions with even sides, coloured like a chessboard. `words`
(uint64, flat) holds one colour after the other; each is `grid[PLANES]` planes of `grid[ROWS]` rows of
`grid[WORDS]` words, half of the sites of a row, between two rows that repeat those beyond the border. In
three dimensions two planes do the same. `fill_grid` tells the sizes. `bonds` (uint64) has for each neighbour
of each word the bits whose bond is negative, or is a block of zeros if there is no such bond.

A sweep updates one colour and then the other, `BLOCK` words at a time. Bit-sliced adders count the unlike
neighbours of all spins of a word at once. A flip that needs luck has a probability p among up to three,
and happens where a number of 64 random bits is below p 2**64. The bits of these numbers come word by word,
the highest 12 for all spins. Those few that are equal so far to the bits of p draw on until they differ, so
that p is exact to 2**-64. Each of the `BLOCK` words has a stream of its own, and each bit its own luck.

Sources: Zorn, Herrmann and Rebbi (1981) for many spins a word; Williams and Kalos (1984) for logic on bits.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels._jit import inlined
from smbook.kernels.binary import bit_count
from smbook.kernels.elementary import exp
from smbook.kernels.rng import jump, uniform

BLOCK = 32  # words that are updated together, and streams of random numbers
LANES = 64
PLANES, ROWS, WORDS, GHOSTS, PLANE_SIZE, COLOUR_SIZE, START, N_SITES = range(8)  # entries of `grid`
GRID_SIZE = 8
PADDING = 8  # words before a colour's first row; after its last one there are PADDING + BLOCK

# Where things lie in `work`: the streams, numbers of unlike neighbours in bits, classes of spins, thresholds.
_S0, _S1, _S2, _S3 = 0, BLOCK, 2 * BLOCK, 3 * BLOCK
_ONES, _TWOS, _FOURS = 4 * BLOCK, 5 * BLOCK, 6 * BLOCK
_LOW, _HIGH, _TOP, _HALF = 7 * BLOCK, 8 * BLOCK, 9 * BLOCK, 10 * BLOCK
_FLIP, _OPEN = 11 * BLOCK, 12 * BLOCK
_X = 13 * BLOCK  # six rows, one for each neighbour
_THRESHOLDS = 19 * BLOCK  # three rows of 64, the highest bit first
_SMALL, _COUNTER_PLANES = 8, 14  # bits of a vertical counter, and of the room that adding it up takes
_MOST_COUNTED = 42  # blocks, of up to six unlike neighbours a spin, that fit into a counter
_UNLIKE = 19 * BLOCK + 3 * 64
_UP = _UNLIKE + _COUNTER_PLANES * BLOCK
WORK_SIZE = _UP + _COUNTER_PLANES * BLOCK

_ROUNDS = 12
_NONE, _ALL = np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF)
_ONE = np.uint64(1)


@kernel
def fill_grid(sides, blocks, grid):
    """Fill `grid` (int64, 8 entries) for a lattice of `sides` parted into `blocks`, both int64 of shape (3,).

    Two dimensions have a first side of 1. A side over its blocks is to be even.

    Examples
    --------
    >>> grid = np.empty(GRID_SIZE, dtype=np.int64)
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
            mask = _NONE
            for bit in range(LANES):
                if bit % group >= left % group:
                    mask |= _ONE << np.uint64(bit)
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
            parities[parity * (n_rows * width + BLOCK) + i] = _ALL if odd else _NONE


@kernel
def begin_streams(state, work):
    """Give each of the BLOCK words its stream: the first goes on from `state`, each next one a jump ahead."""
    for j in range(BLOCK):
        for k in range(4):
            work[k * BLOCK + j] = state[k]
        jump(state)


@kernel
def fill_thresholds(betas, coupling, dimension, heat_bath, work):
    """Fill the thresholds of all 64 lanes, those of lane k for the inverse temperature `betas[k]`.

    For Metropolis (`heat_bath` 0) a flip that costs dE = 4 J u, u = 1, 2, 3, has p = exp(-beta dE). For the
    heat bath a spin turns against a majority of 2 u neighbours with p = 1 / (1 + exp(4 beta J u)).
    """
    for row in range(3):
        for k in range(64):
            work[_THRESHOLDS + 64 * row + k] = _NONE
    for lane in range(LANES):
        for row in range(min(dimension, 3)):
            weight = exp(-4.0 * betas[lane] * abs(coupling) * (row + 1))
            chance = weight / (1.0 + weight) if heat_bath else weight
            threshold = np.uint64(chance * 18446744073709551616.0) if chance < 1.0 else _ALL
            for k in range(64):
                bit = (threshold >> np.uint64(63 - k)) & _ONE
                work[_THRESHOLDS + 64 * row + k] |= bit << np.uint64(lane)


@inlined
def _turned(word, left, right, mask):
    return ((word << left) & mask) | ((word >> right) & ~mask)


@inlined
def _turn(crossings, k):
    return crossings[3 * k], crossings[3 * k + 1], crossings[3 * k + 2]


@inlined
def _copy_turned(words, to, start, count, turn):
    for i in range(count):
        u = np.uint64(i)
        words[np.uint64(to) + u] = _turned(words[np.uint64(start) + u], turn[0], turn[1], turn[2])


@kernel
def repeat_borders(words, grid, crossings, colour):
    """Renew the rows and planes that repeat those of `colour` beyond a border."""
    n_planes, width, size = grid[PLANES], grid[WORDS], grid[PLANE_SIZE]
    first, total = colour * grid[COLOUR_SIZE] + grid[START], grid[ROWS] * width
    if grid[GHOSTS]:
        _copy_turned(words, first - size, first + (n_planes - 1) * size, total, _turn(crossings, 0))
        _copy_turned(words, first + n_planes * size, first, total, _turn(crossings, 1))
    for z in range(n_planes):
        start = first + z * size
        _copy_turned(words, start - width, start + total - width, width, _turn(crossings, 2))
        _copy_turned(words, start + total, start, width, _turn(crossings, 3))


@inlined
def _sum_of_four(a, b, c, d):
    """Return the bits of the number of those that are set."""
    one, two, more, both = a ^ b, a & b, c ^ d, c & d
    carried = one & more
    return one ^ more, two ^ both ^ carried, two & both


@inlined
def _add_two(ones, twos, fours, a, b):
    """Return the bits of a number of up to four, and two more."""
    one, two = a ^ b, a & b
    carried = ones & one
    return ones ^ one, twos ^ two ^ carried, fours | (twos & (two | carried))


@inlined
def _classes_of_four(ones, twos, fours, bath):
    """Part spins by their number of unlike neighbours: what is turned, and by which chance it is turned back.

    Metropolis turns a spin of two or more, and with luck one of 1 (p of 4 J) or 0 (8 J). With `bath` the spin
    goes with the majority, and with luck against 1 or 3 (2 J to either side) or 0 or 4; 2 are a fair coin.
    """
    turn = fours | (twos & (ones | ~bath))
    low = ones & (~twos | bath)
    high = ~(ones | twos) & (~fours | bath)
    return turn, low, high, bath & twos & ~ones


@inlined
def _classes_of_six(ones, twos, fours, bath):
    """Do as `_classes_of_four`, where three unlike neighbours are a free flip, or a fair coin."""
    three = ones & twos
    turn = fours | (three & ~bath)
    low = ~ones & (twos ^ fours) & (~fours | bath)
    high = ones & ~twos & (~fours | bath)
    top = ~(ones | (twos ^ fours)) & (~fours | bath)
    return turn, low, high, top, three & bath


@inlined
def _unlike_in_plane(words, parities, sign, mine, others, width, in_parities, u):
    """Return the number of unlike neighbours of a word's spins, in bits, in a plane without signs of bonds.

    It is not right at the end of a row, where the neighbour beside lies across the border.
    """
    spin, after = words[mine + u] ^ sign, parities[in_parities + u]
    beside = (words[others + _ONE + u] & after) | (words[others - _ONE + u] & ~after)
    return _sum_of_four(
        spin ^ beside,
        spin ^ words[others + u],
        spin ^ words[others - width + u],
        spin ^ words[others + width + u],
    )


@inlined
def _count_in_plane(words, parities, sign, work, mine, others, width, in_parities):
    for i in range(BLOCK):
        ones, twos, fours = _unlike_in_plane(
            words, parities, sign, mine, others, width, in_parities, np.uint64(i)
        )
        work[_ONES + i] = ones
        work[_TWOS + i] = twos
        work[_FOURS + i] = fours


@inlined
def _part_in_plane(words, parities, sign, bath, work, mine, others, width, in_parities):
    for i in range(BLOCK):
        ones, twos, fours = _unlike_in_plane(
            words, parities, sign, mine, others, width, in_parities, np.uint64(i)
        )
        turn, low, high, half = _classes_of_four(ones, twos, fours, bath)
        work[_FLIP + i] = turn
        work[_LOW + i] = low
        work[_HIGH + i] = high
        work[_HALF + i] = half


@inlined
def _border(y, width, parity):
    """Return where in a plane the word of row `y` lies whose neighbour beside is across the border."""
    if (y + parity) % 2 == 0:
        return y * width
    return y * width + width - 1


@inlined
def _across(words, turns, width, others, at, y, parity):
    """Return the neighbour beside that a word has across the border."""
    if (y + parity) % 2 == 0:
        return _turned(words[others + at + width - 1], turns[0], turns[1], turns[2])
    return _turned(words[others + at - width + 1], turns[3], turns[4], turns[5])


@inlined
def _unlike_at_border(words, turns, sign, mine, others, width, at, y, parity):
    spin = words[mine + at] ^ sign
    return _sum_of_four(
        spin ^ _across(words, turns, width, others, at, y, parity),
        spin ^ words[others + at],
        spin ^ words[others + at - width],
        spin ^ words[others + at + width],
    )


@inlined
def _count_at_borders(words, turns, sign, work, mine, others, width, parity, first, stop, y):
    """Count for the words of a block at the end of a row, one a row from row `y` on; return the next row."""
    at = _border(y, width, parity)
    while at < stop:
        ones, twos, fours = _unlike_at_border(words, turns, sign, mine, others, width, at, y, parity)
        i = at - first
        work[_ONES + i], work[_TWOS + i], work[_FOURS + i] = ones, twos, fours
        y += 1
        at = _border(y, width, parity)
    return y


@inlined
def _part_at_borders(words, turns, sign, bath, work, mine, others, width, parity, first, stop, y):
    """Do as `_count_at_borders`, and part the spins into classes."""
    at = _border(y, width, parity)
    while at < stop:
        ones, twos, fours = _unlike_at_border(words, turns, sign, mine, others, width, at, y, parity)
        turn, low, high, half = _classes_of_four(ones, twos, fours, bath)
        i = at - first
        work[_FLIP + i], work[_LOW + i], work[_HIGH + i], work[_HALF + i] = turn, low, high, half
        y += 1
        at = _border(y, width, parity)
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
        beside = (words[others + _ONE + u] & after) | (words[others - _ONE + u] & ~after)
        work[_X + i] = words[mine + u] ^ beside ^ sign


@inlined
def _compare_borders(words, turns, sign, work, mine, others, width, parity, first, stop, y):
    at = _border(y, width, parity)
    while at < stop:
        beside = _across(words, turns, width, others, at, y, parity)
        work[_X + at - first] = words[mine + at] ^ beside ^ sign
        y += 1
        at = _border(y, width, parity)
    return y


@inlined
def _apply_bonds(bonds, work, start, step, n_neighbours):
    """Take a like neighbour across a negative bond for an unlike one, and the other way round."""
    for k in range(n_neighbours):
        row, at = _X + k * BLOCK, np.uint64(start + k * step)
        for i in range(BLOCK):
            work[row + i] ^= bonds[at + np.uint64(i)]


@inlined
def _sum_rows(work, n_neighbours):
    """Add up the unlike neighbours that are noted in four rows, or in six."""
    for i in range(BLOCK):
        a, b = _X + i, _X + 2 * BLOCK + i
        ones, twos, fours = _sum_of_four(work[a], work[a + BLOCK], work[b], work[b + BLOCK])
        work[_ONES + i] = ones
        work[_TWOS + i] = twos
        work[_FOURS + i] = fours
    if n_neighbours == 6:
        for i in range(BLOCK):
            a = _X + 4 * BLOCK + i
            ones, twos, fours = _add_two(
                work[_ONES + i], work[_TWOS + i], work[_FOURS + i], work[a], work[a + BLOCK]
            )
            work[_ONES + i] = ones
            work[_TWOS + i] = twos
            work[_FOURS + i] = fours


@kernel
def _count_unlike(words, parities, bonds, grid, crossings, sign, work, colour, plane, first, y):
    """Count the unlike neighbours of a block of words, in any dimension and with signs of bonds.

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
    if bonds.size == BLOCK and not grid[GHOSTS]:
        _count_in_plane(words, parities, sign, work, mine, others, step, in_parities)
        return _count_at_borders(words, turns, sign, work, mine_at, others_at, width, parity, first, stop, y)
    _compare_beside(words, parities, sign, work, mine, others, in_parities)
    y = _compare_borders(words, turns, sign, work, mine_at, others_at, width, parity, first, stop, y)
    _compare(words, sign, work, _X + BLOCK, mine, others)
    _compare(words, sign, work, _X + 2 * BLOCK, mine, others - step)
    _compare(words, sign, work, _X + 3 * BLOCK, mine, others + step)
    if grid[GHOSTS]:
        _compare(words, sign, work, _X + 4 * BLOCK, mine, others - np.uint64(size))
        _compare(words, sign, work, _X + 5 * BLOCK, mine, others + np.uint64(size))
    n_neighbours = 4 + 2 * grid[GHOSTS]
    if bonds.size > BLOCK:
        row = grid[PLANES] * total + BLOCK
        _apply_bonds(bonds, work, colour * 6 * row + plane * total + first, row, n_neighbours)
    _sum_rows(work, n_neighbours)
    return y


@inlined
def _part_rows(work, bath):
    for i in range(BLOCK):
        turn, low, high, half = _classes_of_four(work[_ONES + i], work[_TWOS + i], work[_FOURS + i], bath)
        work[_FLIP + i] = turn
        work[_LOW + i] = low
        work[_HIGH + i] = high
        work[_HALF + i] = half


@inlined
def _part_rows_of_six(work, bath):
    for i in range(BLOCK):
        turn, low, high, top, half = _classes_of_six(work[_ONES + i], work[_TWOS + i], work[_FOURS + i], bath)
        work[_FLIP + i] = turn
        work[_LOW + i] = low
        work[_HIGH + i] = high
        work[_TOP + i] = top
        work[_HALF + i] = half


@inlined
def _next(s):
    """Return a random word of a stream of xoshiro256++, and the stream after it."""
    s0, s1, s2, s3 = s
    sum_ = s0 + s3
    word = ((sum_ << np.uint64(23)) | (sum_ >> np.uint64(41))) + s0
    carried = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= carried
    return word, (s0, s1, s2, (s3 << np.uint64(45)) | (s3 >> np.uint64(19)))


@inlined
def _round(s, threshold, less, equal):
    """Compare one bit of random numbers with the thresholds'. It outdoes the lower bits, which came before."""
    word, s = _next(s)
    unlike = word ^ threshold
    return s, (threshold & unlike) | (less & ~unlike), equal & ~unlike


@inlined
def _twelve(work, row):
    """Return the highest 12 bits of the thresholds of a class."""
    at = _THRESHOLDS + 64 * row
    return (
        work[at], work[at + 1], work[at + 2], work[at + 3], work[at + 4], work[at + 5],
        work[at + 6], work[at + 7], work[at + 8], work[at + 9], work[at + 10], work[at + 11],
    )  # fmt: skip


@inlined
def _try_luck(work):
    """Compare the highest 12 bits for all spins of a block, the lowest of them first."""
    p, q = _twelve(work, 0), _twelve(work, 1)
    for j in range(BLOCK):
        s = (work[_S0 + j], work[_S1 + j], work[_S2 + j], work[_S3 + j])
        low, high = work[_LOW + j], work[_HIGH + j]
        less, equal = _NONE, low | high
        s, less, equal = _round(s, (low & p[11]) | (high & q[11]), less, equal)
        s, less, equal = _round(s, (low & p[10]) | (high & q[10]), less, equal)
        s, less, equal = _round(s, (low & p[9]) | (high & q[9]), less, equal)
        s, less, equal = _round(s, (low & p[8]) | (high & q[8]), less, equal)
        s, less, equal = _round(s, (low & p[7]) | (high & q[7]), less, equal)
        s, less, equal = _round(s, (low & p[6]) | (high & q[6]), less, equal)
        s, less, equal = _round(s, (low & p[5]) | (high & q[5]), less, equal)
        s, less, equal = _round(s, (low & p[4]) | (high & q[4]), less, equal)
        s, less, equal = _round(s, (low & p[3]) | (high & q[3]), less, equal)
        s, less, equal = _round(s, (low & p[2]) | (high & q[2]), less, equal)
        s, less, equal = _round(s, (low & p[1]) | (high & q[1]), less, equal)
        s, less, equal = _round(s, (low & p[0]) | (high & q[0]) | work[_HALF + j], less, equal)
        work[_S0 + j], work[_S1 + j], work[_S2 + j], work[_S3 + j] = s[0], s[1], s[2], s[3]
        work[_FLIP + j] ^= less
        work[_OPEN + j] = equal


@inlined
def _try_luck_of_three(work):
    """Do as `_try_luck` where a third class of spins has a chance of its own."""
    p, q, r = _twelve(work, 0), _twelve(work, 1), _twelve(work, 2)
    for j in range(BLOCK):
        s = (work[_S0 + j], work[_S1 + j], work[_S2 + j], work[_S3 + j])
        low, high, top = work[_LOW + j], work[_HIGH + j], work[_TOP + j]
        less, equal = _NONE, low | high | top
        s, less, equal = _round(s, (low & p[11]) | (high & q[11]) | (top & r[11]), less, equal)
        s, less, equal = _round(s, (low & p[10]) | (high & q[10]) | (top & r[10]), less, equal)
        s, less, equal = _round(s, (low & p[9]) | (high & q[9]) | (top & r[9]), less, equal)
        s, less, equal = _round(s, (low & p[8]) | (high & q[8]) | (top & r[8]), less, equal)
        s, less, equal = _round(s, (low & p[7]) | (high & q[7]) | (top & r[7]), less, equal)
        s, less, equal = _round(s, (low & p[6]) | (high & q[6]) | (top & r[6]), less, equal)
        s, less, equal = _round(s, (low & p[5]) | (high & q[5]) | (top & r[5]), less, equal)
        s, less, equal = _round(s, (low & p[4]) | (high & q[4]) | (top & r[4]), less, equal)
        s, less, equal = _round(s, (low & p[3]) | (high & q[3]) | (top & r[3]), less, equal)
        s, less, equal = _round(s, (low & p[2]) | (high & q[2]) | (top & r[2]), less, equal)
        s, less, equal = _round(s, (low & p[1]) | (high & q[1]) | (top & r[1]), less, equal)
        half = work[_HALF + j]
        s, less, equal = _round(s, (low & p[0]) | (high & q[0]) | (top & r[0]) | half, less, equal)
        work[_S0 + j], work[_S1 + j], work[_S2 + j], work[_S3 + j] = s[0], s[1], s[2], s[3]
        work[_FLIP + j] ^= less
        work[_OPEN + j] = equal


@inlined
def _settle(work, count):
    """Draw on for spins whose 12 bits are those of their threshold, until none is equal or 64 are drawn."""
    for j in range(count):
        equal = work[_OPEN + j]
        if equal:
            s = (work[_S0 + j], work[_S1 + j], work[_S2 + j], work[_S3 + j])
            k, at, less = np.int64(_ROUNDS), np.int64(_THRESHOLDS), _NONE
            while equal and k < 64:
                threshold = (
                    (work[_LOW + j] & work[at + k])
                    | (work[_HIGH + j] & work[at + 64 + k])
                    | (work[_TOP + j] & work[at + 128 + k])
                )
                word, s = _next(s)
                less |= equal & threshold & ~word
                equal &= ~(word ^ threshold)
                k += 1
            work[_S0 + j], work[_S1 + j], work[_S2 + j], work[_S3 + j] = s[0], s[1], s[2], s[3]
            work[_FLIP + j] ^= less


@inlined
def _flip(words, work, mine, count):
    for i in range(count, BLOCK):
        work[_FLIP + i] = _NONE
    for i in range(BLOCK):
        words[mine + np.uint64(i)] ^= work[_FLIP + i]


@kernel
def sweep_square(words, parities, grid, crossings, sign, bath, work, n_sweeps):
    """Update every spin of a lattice of two dimensions once a sweep, by the heat bath or by Metropolis.

    `sign` and `bath` are words of all bits or of none: set `sign` for an antiferromagnet, `bath` for the heat
    bath.
    """
    width, total = grid[WORDS], grid[ROWS] * grid[WORDS]
    up, down = _turn(crossings, 2), _turn(crossings, 3)
    turns = (crossings[12], crossings[13], crossings[14], crossings[15], crossings[16], crossings[17])
    for half in range(2 * n_sweeps):
        colour = half % 2
        mine, others = (
            colour * grid[COLOUR_SIZE] + grid[START],
            (1 - colour) * grid[COLOUR_SIZE] + grid[START],
        )
        _copy_turned(words, others - width, others + total - width, width, up)
        _copy_turned(words, others + total, others, width, down)
        y = np.int64(0)
        for first in range(0, total, BLOCK):
            stop = min(first + BLOCK, total)
            at, other = np.uint64(mine + first), np.uint64(others + first)
            in_parities = np.uint64(colour * (total + BLOCK) + first)
            _part_in_plane(words, parities, sign, bath, work, at, other, np.uint64(width), in_parities)
            y = _part_at_borders(words, turns, sign, bath, work, mine, others, width, colour, first, stop, y)
            _try_luck(work)
            _settle(work, stop - first)
            _flip(words, work, at, stop - first)


@kernel
def _decide(work, count):
    _try_luck(work)
    _settle(work, count)


@kernel
def _decide_of_three(work, count):
    _try_luck_of_three(work)
    _settle(work, count)


@kernel
def sweep_general(words, parities, bonds, grid, crossings, sign, bath, work, n_sweeps):
    """Do as `sweep_square` in two or three dimensions, with signs of bonds."""
    total = grid[ROWS] * grid[WORDS]
    for half in range(2 * n_sweeps):
        colour = half % 2
        repeat_borders(words, grid, crossings, 1 - colour)
        for plane in range(grid[PLANES]):
            mine = colour * grid[COLOUR_SIZE] + grid[START] + plane * grid[PLANE_SIZE]
            y = np.int64(0)
            for first in range(0, total, BLOCK):
                y = _count_unlike(
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


@inlined
def _add_three(a, b, carried):
    return a ^ b ^ carried, (a & b) | (carried & (a ^ b))


@kernel
def _count_up(work, count):
    """Add to the vertical counters, for each bit of a block, its unlike neighbours and its two spins up."""
    for i in range(count, BLOCK):
        work[_ONES + i] = work[_TWOS + i] = work[_FOURS + i] = _NONE
        work[_LOW + i] = work[_HIGH + i] = _NONE
    for i in range(BLOCK):
        at = _UNLIKE + i
        work[at], carried = _add_three(work[at], work[_ONES + i], _NONE)
        work[at + BLOCK], carried = _add_three(work[at + BLOCK], work[_TWOS + i], carried)
        work[at + 2 * BLOCK], carried = _add_three(work[at + 2 * BLOCK], work[_FOURS + i], carried)
        work[at + 3 * BLOCK], carried = _add_three(work[at + 3 * BLOCK], carried, _NONE)
        work[at + 4 * BLOCK], carried = _add_three(work[at + 4 * BLOCK], carried, _NONE)
        work[at + 5 * BLOCK], carried = _add_three(work[at + 5 * BLOCK], carried, _NONE)
        work[at + 6 * BLOCK], carried = _add_three(work[at + 6 * BLOCK], carried, _NONE)
        work[at + 7 * BLOCK] ^= carried
    for i in range(BLOCK):
        at = _UP + i
        work[at], carried = _add_three(work[at], work[_LOW + i], work[_HIGH + i])
        work[at + BLOCK], carried = _add_three(work[at + BLOCK], carried, _NONE)
        work[at + 2 * BLOCK], carried = _add_three(work[at + 2 * BLOCK], carried, _NONE)
        work[at + 3 * BLOCK], carried = _add_three(work[at + 3 * BLOCK], carried, _NONE)
        work[at + 4 * BLOCK], carried = _add_three(work[at + 4 * BLOCK], carried, _NONE)
        work[at + 5 * BLOCK], carried = _add_three(work[at + 5 * BLOCK], carried, _NONE)
        work[at + 6 * BLOCK], carried = _add_three(work[at + 6 * BLOCK], carried, _NONE)
        work[at + 7 * BLOCK] ^= carried


@kernel
def _read_counters(work, totals, sums):
    """Add what the vertical counters hold for each bit to `totals` and `sums`, and set them to 0."""
    for counter in range(2):
        at, counts = (_UP, sums) if counter else (_UNLIKE, totals)
        planes = _add_columns(work, np.int64(at))
        for plane in range(planes):
            word = work[at + plane * BLOCK]
            for lane in range(LANES):
                counts[lane] += np.int64((word >> np.uint64(lane)) & _ONE) << plane
        for i in range(_COUNTER_PLANES * BLOCK):
            work[at + i] = _NONE


@inlined
def _add_columns(work, at):
    """Add half of the columns of a vertical counter to the others, until one is left; return its bits."""
    planes, half, carry = _SMALL, BLOCK // 2, at + (_COUNTER_PLANES - 1) * BLOCK
    while half:
        for i in range(half):
            work[carry + i] = _NONE
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
def measure_lanes(words, parities, bonds, grid, crossings, work, totals, sums):
    """Note for each of 64 lattices the sum of s_i s_j over all bonds, with their signs, and of all spins.

    `totals` and `sums` are int64 of shape (64,).
    """
    repeat_borders(words, grid, crossings, 1)
    for lane in range(LANES):
        totals[lane] = sums[lane] = 0
    total, n_counted = grid[ROWS] * grid[WORDS], np.int64(0)
    for plane in range(grid[PLANES]):
        start, y = grid[START] + plane * grid[PLANE_SIZE], np.int64(0)
        for first in range(0, total, BLOCK):
            y = _count_unlike(words, parities, bonds, grid, crossings, _NONE, work, 0, plane, first, y)
            one, other = np.uint64(start + first), np.uint64(grid[COLOUR_SIZE] + start + first)
            for i in range(BLOCK):
                u = np.uint64(i)
                work[_LOW + i] = words[one + u]
                work[_HIGH + i] = words[other + u]
            _count_up(work, min(BLOCK, total - first))
            n_counted += 1
            last = plane + 1 == grid[PLANES] and first + BLOCK >= total
            if last or n_counted == _MOST_COUNTED:
                _read_counters(work, totals, sums)
                n_counted = 0
    n_sites, n_axes = 2 * total * grid[PLANES], 2 + grid[GHOSTS]
    for lane in range(LANES):
        totals[lane] = n_axes * n_sites - 2 * totals[lane]
        sums[lane] = 2 * sums[lane] - n_sites


@kernel
def measure(words, parities, bonds, grid, crossings, work, sums):
    """Note for one lattice the sum over all bonds and the sum of all spins, in `sums` (int64, 2)."""
    repeat_borders(words, grid, crossings, 1)
    total, unlike, ups = grid[ROWS] * grid[WORDS], np.int64(0), np.int64(0)
    mask = _ALL >> np.uint64(LANES - grid[N_SITES] // (2 * total * grid[PLANES]))
    for plane in range(grid[PLANES]):
        start, y = grid[START] + plane * grid[PLANE_SIZE], np.int64(0)
        for first in range(0, total, BLOCK):
            y = _count_unlike(words, parities, bonds, grid, crossings, _NONE, work, 0, plane, first, y)
            one, other = np.uint64(start + first), np.uint64(grid[COLOUR_SIZE] + start + first)
            for i in range(min(BLOCK, total - first)):
                u = np.uint64(i)
                ups += bit_count(words[one + u] & mask) + bit_count(words[other + u] & mask)
                unlike += bit_count(work[_ONES + i] & mask) + 2 * bit_count(work[_TWOS + i] & mask)
                unlike += 4 * bit_count(work[_FOURS + i] & mask)
    n_sites = grid[N_SITES]
    sums[0] = (2 + grid[GHOSTS]) * n_sites - 2 * unlike
    sums[1] = 2 * ups - n_sites


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


@kernel
def randomize_lanes(words, grid, work):
    """Set every bit of the lattice to 1 with probability 1/2, by the streams in `work`."""
    state = work
    for colour in range(2):
        for plane in range(grid[PLANES]):
            start = colour * grid[COLOUR_SIZE] + grid[START] + plane * grid[PLANE_SIZE]
            for i in range(grid[ROWS] * grid[WORDS]):
                j = i % BLOCK
                word, s = _next((state[_S0 + j], state[_S1 + j], state[_S2 + j], state[_S3 + j]))
                state[_S0 + j], state[_S1 + j], state[_S2 + j], state[_S3 + j] = s[0], s[1], s[2], s[3]
                words[start + i] = word


@inlined
def _place(grid, z, y, x):
    """Return where in `words` the word of a site of the words' own lattice lies."""
    colour = (z + y + x) % 2
    start = colour * grid[COLOUR_SIZE] + grid[START] + z * grid[PLANE_SIZE]
    return start + y * grid[WORDS] + x // 2


@inlined
def _bit(sides, blocks, z, y, x):
    """Return the bit of a site: the number of its block."""
    block = z // (sides[0] // blocks[0]) * blocks[1] + y // (sides[1] // blocks[1])
    return block * blocks[2] + x // (sides[2] // blocks[2])


@kernel
def pack(spins, sides, blocks, grid, lane, words):
    """Put a lattice of spins, int8 in row-major order, into `words`: from bit `lane` on, one bit a block."""
    site = np.int64(0)
    for z in range(sides[0]):
        for y in range(sides[1]):
            for x in range(sides[2]):
                at = _place(
                    grid,
                    z % (sides[0] // blocks[0]),
                    y % (sides[1] // blocks[1]),
                    x % (sides[2] // blocks[2]),
                )
                bit = _ONE << np.uint64(lane + _bit(sides, blocks, z, y, x))
                words[at] &= ~bit
                if spins[site] > 0:
                    words[at] |= bit
                site += 1


@kernel
def unpack(words, sides, blocks, grid, lane, spins):
    """Put a lattice out of `words` into `spins`, the other way round than `pack`."""
    site = np.int64(0)
    for z in range(sides[0]):
        for y in range(sides[1]):
            for x in range(sides[2]):
                at = _place(
                    grid,
                    z % (sides[0] // blocks[0]),
                    y % (sides[1] // blocks[1]),
                    x % (sides[2] // blocks[2]),
                )
                up = (words[at] >> np.uint64(lane + _bit(sides, blocks, z, y, x))) & _ONE
                spins[site] = 1 if up else -1
                site += 1


@kernel
def pack_bonds(signs, sides, blocks, grid, all_lanes, bonds):
    """Fill `bonds` from `signs` (int8, axes by sites): the sign of the bond from a site to the next one.

    `bonds` (uint64) has 12 (PLANES x ROWS x WORDS + BLOCK) words. With `all_lanes` a bond holds in all bits.
    """
    for i in range(bonds.size):
        bonds[i] = _NONE
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
                bit = _ALL if all_lanes else _ONE << np.uint64(_bit(sides, blocks, z, y, x))
                for k in range(2 * n_axes):
                    if signs[_axis(k, n_axes), _bond(sides, z, y, x, k, inner_x % 2)] < 0:
                        bonds[at + k * step] |= bit
                site += 1


@inlined
def _axis(k, n_axes):
    """Return the axis of a neighbour: 0 and 1 lie beside, 2 and 3 above and below, 4 and 5 in other planes."""
    return n_axes - 1 - k // 2


@inlined
def _bond(sides, z, y, x, k, odd):
    """Return the site from which the bond to neighbour `k` leads on, which is the neighbour if that is before.

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
def exchange(betas, energies, parity, lane_of, state, works, tried, made, heading, trips):
    """Try to swap the lattices of neighbouring inverse temperatures k and k + 1, for k = parity, parity + 2 ...

    `betas` rise. `lane_of` says which lattice is at which of them, lattice 64 g + b in bit b of `works[g]`,
    whose thresholds are swapped; `energies` are totals by lattice. p = min(1, exp((b_k+1 - b_k)(E_k+1 - E_k))).
    `tried` and `made` count swaps; `heading` and `trips`, by lattice, the ways from the first temperature to
    the last and back.
    """
    last = betas.size - 1
    for k in range(parity, last, 2):
        one, other = lane_of[k], lane_of[k + 1]
        gain = (betas[k + 1] - betas[k]) * (energies[other] - energies[one])
        tried[k] += 1
        if gain < 0.0 and uniform(state) >= exp(gain):
            continue
        made[k] += 1
        lane_of[k], lane_of[k + 1] = other, one
        _swap_thresholds(works, one, other)
    if heading[lane_of[0]] == 2:
        trips[lane_of[0]] += 1
    heading[lane_of[0]] = 1
    if heading[lane_of[last]] == 1:
        heading[lane_of[last]] = 2


@kernel
def _swap_thresholds(works, one, other):
    a, b = one // LANES, other // LANES
    bit_a, bit_b = np.uint64(one % LANES), np.uint64(other % LANES)
    for i in range(_THRESHOLDS, _THRESHOLDS + 3 * 64):
        unlike = ((works[a, i] >> bit_a) ^ (works[b, i] >> bit_b)) & _ONE
        works[a, i] ^= unlike << bit_a
        works[b, i] ^= unlike << bit_b
