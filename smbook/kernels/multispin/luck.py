"""Random bits, and chances that are compared with them bit by bit."""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels._jit import inlined
from smbook.kernels.elementary import exp
from smbook.kernels.multispin.room import (
    ALL_BITS,
    BLOCK,
    COLOUR_SIZE,
    FLIP,
    HALF,
    HIGH,
    LANES,
    LOW,
    NO_BITS,
    ONE_BIT,
    PLANE_SIZE,
    PLANES,
    ROWS,
    S0,
    S1,
    S2,
    S3,
    START,
    THRESHOLDS,
    TOP,
    UNDECIDED,
    WORDS,
)
from smbook.kernels.rng import jump, uniform

_ROUNDS = 12  # bits of random numbers that all spins draw


@kernel
def begin_streams(state, work):
    """Give each of the BLOCK words its stream: the first goes on from `state`, each next one a jump ahead."""
    for j in range(BLOCK):
        for k in range(4):
            work[k * BLOCK + j] = state[k]
        jump(state)


@kernel
def next_word(s):
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


@kernel
def randomize_lanes(words, grid, work):
    """Set every bit of the lattice to 1 with probability 1/2, by the streams in `work`."""
    state = work
    for colour in range(2):
        for plane in range(grid[PLANES]):
            start = colour * grid[COLOUR_SIZE] + grid[START] + plane * grid[PLANE_SIZE]
            for i in range(grid[ROWS] * grid[WORDS]):
                j = i % BLOCK
                word, s = next_word((state[S0 + j], state[S1 + j], state[S2 + j], state[S3 + j]))
                state[S0 + j], state[S1 + j], state[S2 + j], state[S3 + j] = s[0], s[1], s[2], s[3]
                words[start + i] = word


@kernel
def fill_thresholds(betas, coupling, dimension, heat_bath, work):
    """Fill the thresholds of all 64 lanes, those of lane k for the inverse temperature `betas[k]`.

    For Metropolis (`heat_bath` 0) a flip that costs dE = 4 J u, u = 1, 2, 3, has p = exp(-beta dE). For the
    heat bath a spin turns against a majority of 2 u neighbours with p = 1 / (1 + exp(4 beta J u)).
    """
    for row in range(3):
        for k in range(64):
            work[THRESHOLDS + 64 * row + k] = NO_BITS
    for lane in range(LANES):
        for row in range(min(dimension, 3)):
            weight = exp(-4.0 * betas[lane] * abs(coupling) * (row + 1))
            chance = weight / (1.0 + weight) if heat_bath else weight
            threshold = np.uint64(chance * 18446744073709551616.0) if chance < 1.0 else ALL_BITS
            for k in range(64):
                bit = (threshold >> np.uint64(63 - k)) & ONE_BIT
                work[THRESHOLDS + 64 * row + k] |= bit << np.uint64(lane)


@kernel
def _round(s, threshold, less, equal):
    """Compare a bit of random numbers with the thresholds'. It outdoes the lower bits, which came before."""
    word, s = next_word(s)
    unlike = word ^ threshold
    return s, (threshold & unlike) | (less & ~unlike), equal & ~unlike


@inlined
def _twelve(work, row):
    """Return the highest 12 bits of the thresholds of a class."""
    at = THRESHOLDS + 64 * row
    return (
        work[at], work[at + 1], work[at + 2], work[at + 3], work[at + 4], work[at + 5],
        work[at + 6], work[at + 7], work[at + 8], work[at + 9], work[at + 10], work[at + 11],
    )  # fmt: skip


@inlined
def try_luck(work):
    """Compare the highest 12 bits for all spins of a block, the lowest of them first."""
    p, q = _twelve(work, 0), _twelve(work, 1)
    for j in range(BLOCK):
        s = (work[S0 + j], work[S1 + j], work[S2 + j], work[S3 + j])
        low, high = work[LOW + j], work[HIGH + j]
        less, equal = NO_BITS, low | high
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
        s, less, equal = _round(s, (low & p[0]) | (high & q[0]) | work[HALF + j], less, equal)
        work[S0 + j], work[S1 + j], work[S2 + j], work[S3 + j] = s[0], s[1], s[2], s[3]
        work[FLIP + j] ^= less
        work[UNDECIDED + j] = equal


@inlined
def try_luck_of_three(work):
    """Do as `try_luck` where a third class of spins has a chance of its own."""
    p, q, r = _twelve(work, 0), _twelve(work, 1), _twelve(work, 2)
    for j in range(BLOCK):
        s = (work[S0 + j], work[S1 + j], work[S2 + j], work[S3 + j])
        low, high, top = work[LOW + j], work[HIGH + j], work[TOP + j]
        less, equal = NO_BITS, low | high | top
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
        half = work[HALF + j]
        s, less, equal = _round(s, (low & p[0]) | (high & q[0]) | (top & r[0]) | half, less, equal)
        work[S0 + j], work[S1 + j], work[S2 + j], work[S3 + j] = s[0], s[1], s[2], s[3]
        work[FLIP + j] ^= less
        work[UNDECIDED + j] = equal


@inlined
def settle(work, count):
    """Draw on for spins whose 12 bits are those of their threshold, until none is equal or 64 are drawn."""
    for j in range(count):
        equal = work[UNDECIDED + j]
        if equal:
            s = (work[S0 + j], work[S1 + j], work[S2 + j], work[S3 + j])
            k, at, less = np.int64(_ROUNDS), np.int64(THRESHOLDS), NO_BITS
            while equal and k < 64:
                threshold = (
                    (work[LOW + j] & work[at + k])
                    | (work[HIGH + j] & work[at + 64 + k])
                    | (work[TOP + j] & work[at + 128 + k])
                )
                word, s = next_word(s)
                less |= equal & threshold & ~word
                equal &= ~(word ^ threshold)
                k += 1
            work[S0 + j], work[S1 + j], work[S2 + j], work[S3 + j] = s[0], s[1], s[2], s[3]
            work[FLIP + j] ^= less


@kernel
def exchange(betas, energies, parity, lane_of, state, works, tried, made, heading, trips):
    """Try to swap the lattices of neighbouring temperatures k and k + 1, for k = parity, parity + 2 ...

    The inverse temperatures `betas` rise. `lane_of` says which lattice is at which of them, lattice 64 g + b
    in bit b of `works[g]`, whose thresholds are swapped; `energies` are totals by lattice. A swap has the
    probability min(1, exp((b_k+1 - b_k)(E_k+1 - E_k))). `tried` and `made` count swaps;
    `heading` and `trips`, by lattice, the ways from the first temperature to the last and back.

    Source: Hukushima and Nemoto (1996).
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
    if last > 0:
        if heading[lane_of[0]] == 2:
            trips[lane_of[0]] += 1
        heading[lane_of[0]] = 1
        if heading[lane_of[last]] == 1:
            heading[lane_of[last]] = 2


@kernel
def _swap_thresholds(works, one, other):
    a, b = one // LANES, other // LANES
    bit_a, bit_b = np.uint64(one % LANES), np.uint64(other % LANES)
    for i in range(THRESHOLDS, THRESHOLDS + 3 * 64):
        unlike = ((works[a, i] >> bit_a) ^ (works[b, i] >> bit_b)) & ONE_BIT
        works[a, i] ^= unlike << bit_a
        works[b, i] ^= unlike << bit_b
