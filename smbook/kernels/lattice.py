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

from smbook.kernels import kernel, kernel_apart
from smbook.kernels.elementary import exp
from smbook.kernels.rng import fill_lanes, next_uint64

TABLE_WIDTH = 7  # pulls of -6, -4, ..., 6 in three dimensions
CERTAIN = np.int64(2**63 - 1)  # thresholds of what always and of what never happens
IMPOSSIBLE = np.int64(-1)
LANES = 64  # generators of random numbers side by side

_SITES_PER_STEP = 4 * LANES  # with 16 bits each
_SITES_AT_ONCE = 8192  # so many have their random numbers drawn at once, near the processor
_LOWER_BITS = 47  # of 63, those that seldom matter
_OFFSET = 2**15
_BLOCK = 256  # of spins that are summed up in 16 bits


@kernel
def probability_threshold(probability):
    """Return p * 2**63 - 1 as int64, for 0 <= p <= 1: the largest 63-bit draw with which it happens."""
    return np.int64(np.uint64(probability * 9223372036854775808.0) - np.uint64(1))


@kernel
def randomize(spins, state):
    """Set each spin to +1 or -1 with probability 1/2."""
    for i in range(spins.size):
        spins[i] = 1 if np.int64(next_uint64(state)) < 0 else -1


@kernel_apart
def bond_sum(spins, shape):
    """Return the sum of s_i s_j over all bonds, as int64."""
    equal = np.int64(0)
    stride = np.int64(1)
    for axis in range(shape.size - 1, -1, -1):
        extent = stride * shape[axis]
        equal += _count_equal(spins, np.int64(0), stride, spins.size - stride)
        for block in range(spins.size // extent):
            end = (block + 1) * extent
            equal += _count_equal(spins, end - extent, end - stride, stride)
            if end < spins.size:  # the pairs across the border were none
                equal -= _count_equal(spins, end - stride, end, stride)
        stride = extent
    return 2 * equal - shape.size * spins.size


@kernel_apart
def _count_equal(spins, first, second, count):
    """Count in how many of `count` pairs of spins, from `first` and from `second` on, both are the same."""
    one, other, equal = np.uint64(first), np.uint64(second), np.int64(0)
    for at in range(0, count - _BLOCK + 1, _BLOCK):
        equal += _count_equal_block(spins, one + np.uint64(at), other + np.uint64(at))
    for i in range(count - count % _BLOCK, count):
        equal += spins[one + np.uint64(i)] == spins[other + np.uint64(i)]
    return equal


@kernel_apart
def _count_equal_block(spins, first, second):
    equal = np.int16(0)
    for i in range(_BLOCK):
        equal = np.int16(equal + np.int16(spins[first + np.uint64(i)] == spins[second + np.uint64(i)]))
    return np.int64(equal)


@kernel_apart
def spin_sum(spins):
    """Return the sum of all spins, as int64."""
    total = np.int64(0)
    for start in range(0, spins.size - _BLOCK + 1, _BLOCK):
        total += _sum_block(spins, np.uint64(start))
    for i in range(spins.size - spins.size % _BLOCK, spins.size):
        total += spins[i]
    return total


@kernel_apart
def _sum_block(spins, start):
    total = np.int16(0)
    for i in range(_BLOCK):
        total = np.int16(total + spins[start + np.uint64(i)])
    return np.int64(total)


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


@kernel_apart
def draw_steps(length):
    """Return how many steps of the lanes `single_site` needs room for, with a last side of `length` sites."""
    return _steps_for(_rows_at_once(length) * length)


@kernel_apart
def _rows_at_once(length):
    return max(np.int64(1), np.int64(_SITES_AT_ONCE // length))


@kernel_apart
def _steps_for(n_sites):
    return np.int64((n_sites + _SITES_PER_STEP - 1) // _SITES_PER_STEP)


@kernel_apart
def single_site(spins, shape, sign, table, lanes, draws, parts, room, state, thin, bonds, sums):
    """Update every spin once a sweep with the probabilities of `table`, heat bath or Metropolis.

    Rows (lines along the last axis) follow one another; within a row come all even sites, then the odd
    ones, then the last site of an odd row, which has an even site on both sides. Sites of one group are no
    neighbours, so that the order is as good as one site after another, and the processor works on many at
    once.

    Random numbers come from `lanes` (uint64, shape (4, 64), filled by `rng.seed_lanes`), for as many rows at
    once as have no more than 8192 sites. Site i of these rows has 16 bits of step i // 256 of lane i % 64,
    from bit 16 (i // 64 % 4) up: the upper ones of a 63-bit number, with 2**15 added modulo 2**16. Where
    they equal those of one of the 2 d + 1 thresholds of a row of `table`, a draw of `state` brings the 47
    bits below: for one row of the table after the other, in the order of i, which fills up the last step.

    `draws` (uint64, shape (s, 64) with s = `draw_steps` of the last side), `parts` (int16, 256 s) and `room`
    (int8, shape (6, 256 s + 128)) are room to work in.
    """
    length = shape[shape.size - 1]
    at_once, n_rows = _rows_at_once(length), spins.size // length
    _number_groups(room[2], length)
    for i in range(length):
        room[3, i] = 0
    for kept in range(bonds.size):
        for _ in range(thin):
            for first in range(0, n_rows, at_once):
                rows = min(at_once, n_rows - first)
                _draw_bars(lanes, draws[: _steps_for(rows * length)], parts, table, shape.size, room, state)
                for row in range(rows):
                    start = (first + row) * length
                    _add_other_axes(spins, shape, start, room[3])
                    _update_row(spins, start, length, sign, np.uint64(row * length), table.shape[0] - 1, room)
        bonds[kept] = bond_sum(spins, shape)
        sums[kept] = spin_sum(spins)


@kernel_apart
def _number_groups(groups, length):
    for i in range(length):
        groups[i] = i % 2
    if length % 2:
        groups[length - 1] = 2


@kernel_apart
def _draw_bars(lanes, draws, parts, table, dimension, room, state):
    """Draw for each site how strong a pull it takes to be up: in row 0 of the room for a spin that is down.

    If the table tells spins that are up from those that are down, theirs are in row 1.
    """
    fill_lanes(lanes, draws)
    for step in range(draws.shape[0]):
        _part(draws[step], parts, np.uint64(step * _SITES_PER_STEP))
    for row in range(table.shape[0]):
        _find_bars(parts, draws.shape[0], table[row], dimension, room[row], state)


@kernel_apart
def _part(words, parts, start):
    one, two, three = start + np.uint64(LANES), start + np.uint64(2 * LANES), start + np.uint64(3 * LANES)
    for k in range(LANES):
        i, word = np.uint64(k), words[k]
        parts[start + i] = np.int16(word)
        parts[one + i] = np.int16(word >> np.uint64(16))
        parts[two + i] = np.int16(word >> np.uint64(32))
        parts[three + i] = np.int16(word >> np.uint64(48))


@kernel_apart
def _find_bars(parts, steps, t, dimension, bars, state):
    """Compare with the 2 d + 1 thresholds that are not certain anyway."""
    if dimension == 1:
        _find_bars_of(parts, steps, t, (_upper(t[0]), _upper(t[1]), _upper(t[2])), bars, state)
    elif dimension == 2:
        uppers = (_upper(t[0]), _upper(t[1]), _upper(t[2]), _upper(t[3]), _upper(t[4]))
        _find_bars_of(parts, steps, t, uppers, bars, state)
    else:
        lower = (_upper(t[0]), _upper(t[1]), _upper(t[2]), _upper(t[3]))
        _find_bars_of(parts, steps, t, (*lower, _upper(t[4]), _upper(t[5]), _upper(t[6])), bars, state)


@kernel_apart
def _upper(threshold):
    """Return the upper 16 bits of 63; what never happens shares those of zero, and differs below."""
    return np.int16((max(threshold, np.int64(0)) >> _LOWER_BITS) - _OFFSET)


@kernel_apart
def _find_bars_of(parts, steps, thresholds, uppers, bars, state):
    for block in range(steps * _SITES_PER_STEP // LANES):
        start = np.uint64(block * LANES)
        if _compare(parts, uppers, bars, start):
            _settle(parts, thresholds, uppers, bars, start, state)


@kernel_apart
def _compare(parts, uppers, bars, start):
    """Set the bars of 64 sites to 2 k - 2 d, for k thresholds exceeded; return whether any is undecided."""
    tied = np.int16(0)
    for i in range(LANES):
        at = start + np.uint64(i)
        part = parts[at]
        bar = np.int16(1 - len(uppers))
        for upper in uppers:  # a tuple, which the compiler unrolls
            bar = np.int16(bar + np.int16(np.int16(part > upper) << 1))
            tied = np.int16(tied | np.int16(part == upper))
        bars[at] = np.int8(bar)
    return tied


@kernel_apart
def _settle(parts, thresholds, uppers, bars, start, state):
    """Decide about those of 64 sites whose 16 bits are those of a threshold, by all 63."""
    for i in range(LANES):
        at = start + np.uint64(i)
        tied = False
        for upper in uppers:
            tied |= parts[at] == upper
        if tied:
            lower = np.int64(next_uint64(state) >> np.uint64(64 - _LOWER_BITS))
            draw = ((np.int64(parts[at]) + _OFFSET) << _LOWER_BITS) | lower
            bar = 1 - len(uppers)
            for k in range(len(uppers)):
                bar += 2 if draw > thresholds[k] else 0
            bars[at] = bar


@kernel_apart
def _add_other_axes(spins, shape, start, total):
    """Add up the neighbours along all axes but the last, for the row that begins at `start`."""
    length = shape[shape.size - 1]
    if shape.size > 1:
        extent = length * shape[shape.size - 2]
        before, after = _before(start, length, extent), _after(start, length, extent)
        if shape.size == 2:
            _add_two(spins, before, after, total, length)
        else:
            under, over = _before(start, extent, spins.size), _after(start, extent, spins.size)
            _add_four(spins, before, after, under, over, total, length)


@kernel_apart
def _before(site, stride, extent):
    return np.uint64(site - stride + (extent if site % extent < stride else 0))


@kernel_apart
def _after(site, stride, extent):
    return np.uint64(site + stride - (extent if site % extent + stride >= extent else 0))


@kernel_apart
def _add_two(spins, before, after, total, length):
    """Add, 64 sites at once; the last 64 of a row overlap those before."""
    if length < LANES:
        for i in range(np.uint64(length)):
            total[i] = np.int8(spins[before + i] + spins[after + i])
    else:
        for block in range(0, length, LANES):
            start = np.uint64(min(block, length - LANES))
            _add_block_of_two(spins, before + start, after + start, total, start)


@kernel_apart
def _add_block_of_two(spins, before, after, total, start):
    for k in range(LANES):
        i = np.uint64(k)
        total[start + i] = np.int8(spins[before + i] + spins[after + i])


@kernel_apart
def _add_four(spins, before, after, under, over, total, length):
    if length < LANES:
        for i in range(np.uint64(length)):
            beside = np.int8(spins[before + i] + spins[after + i])
            total[i] = np.int8(beside + np.int8(spins[under + i] + spins[over + i]))
    else:
        for block in range(0, length, LANES):
            start = np.uint64(min(block, length - LANES))
            _add_block_of_four(
                spins, before + start, after + start, under + start, over + start, total, start
            )


@kernel_apart
def _add_block_of_four(spins, before, after, under, over, total, start):
    for k in range(LANES):
        i = np.uint64(k)
        beside = np.int8(spins[before + i] + spins[after + i])
        total[start + i] = np.int8(beside + np.int8(spins[under + i] + spins[over + i]))


@kernel_apart
def _update_row(spins, start, length, sign, at, up, room):
    """Turn up every spin whose pull reaches its bar, one group after the other.

    All is int8, sixteen sites to a vector of a browser; one wider number would cost half of the speed. Site
    i is at 64 + i of two rows of the room, between copies of its neighbours across the border. Blocks reach
    beyond the end of a row that is no multiple of 64, and what they leave there is not used.
    """
    one, two = room[4], room[5]
    _copy(spins, np.uint64(start), one, np.uint64(LANES), length)
    _update_group(one, room, up, at, 0, sign, length, two)
    _update_group(two, room, up, at, 1, sign, length, one)
    if length % 2:
        _update_group(one, room, up, at, 2, sign, length, two)
        _copy(two, np.uint64(LANES), spins, np.uint64(start), length)
    else:
        _copy(one, np.uint64(LANES), spins, np.uint64(start), length)


@kernel_apart
def _copy(source, start, target, place, count):
    if count < LANES:
        for i in range(np.uint64(count)):
            target[place + i] = source[start + i]
    else:
        for block in range(0, count, LANES):
            first = np.uint64(min(block, count - LANES))
            _copy_block(source, start + first, target, place + first)


@kernel_apart
def _copy_block(source, start, target, place):
    for i in range(LANES):
        target[place + np.uint64(i)] = source[start + np.uint64(i)]


@kernel_apart
def _update_group(before, room, up, at, group, sign, length, after):
    before[LANES - 1], before[LANES + length] = before[LANES + length - 1], before[LANES]
    for block in range(0, length, LANES):
        _update_block(before, room[3], room[0], room[up], room[2], group, sign, at, after, np.uint64(block))


@kernel_apart
def _update_block(before, others, down, up, groups, group, sign, at, after, start):
    negative = np.int8(min(sign, 0))
    for k in range(LANES):
        i = start + np.uint64(k)
        here = i + np.uint64(LANES)
        neighbours = np.int8(others[i] + np.int8(before[here - np.uint64(1)] + before[here + np.uint64(1)]))
        pull = np.int8((neighbours ^ negative) - negative)
        low, high, old = down[at + i], up[at + i], before[here]
        bar = high if old > 0 else low
        new = np.int8(1) if pull >= bar else np.int8(-1)
        after[here] = new if groups[i] == np.int8(group) else old
