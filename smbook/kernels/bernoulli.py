"""Words of 64 independent bits that are each 1 with the same probability, made all at once.

A bit is 1 where a random number does not exceed the threshold of `lattice.probability_threshold`, both of 63
binary digits, as an event happens in the kernels for lattices. Here a word holds one digit of 64 random
numbers. The upper `ROUNDS` digits are compared for all of them, which the processor does for many words side
by side. One number in 2**ROUNDS is then still equal to the threshold, and alone draws on, digit after digit,
so that the probability is that of the threshold to its last digit.

`LANES` generators xoshiro256++ take part. `lanes` (uint64, `LANES_SIZE` entries) holds their first words,
their second ones, and so on, and behind them a word each of what is undecided.

`trials` (uint64, `TRIALS_SIZE` entries) keeps the threshold, lanes, and a supply of words, for those who take
one now and one then. As long as a run keeps it, the words do not depend on how the run is parted into calls.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels._jit import inlined
from smbook.kernels.rng import _rotate_left, next_uint64, split_mix

LANES = 32
LANES_SIZE = 5 * LANES
ROUNDS = 12

_UNDECIDED = 4 * LANES
_SUPPLY = 2 * LANES  # words that are made at once
_AT, _LANES_AT, _SUPPLY_AT = 1, 2, 2 + LANES_SIZE  # where things lie in `trials`; the threshold comes first
TRIALS_SIZE = _SUPPLY_AT + _SUPPLY

_NONE, _ALL, _ONE = np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(1)


@kernel
def begin_trials(state, threshold, trials):
    """Fill `trials` for events as probable as `threshold` says; a draw of `state` is the seed of the lanes.

    Examples
    --------
    >>> from smbook.kernels.rng import seed_state
    >>> trials = np.empty(TRIALS_SIZE, dtype=np.uint64)
    >>> begin_trials(seed_state(1), np.int64(2**61 - 1), trials)
    >>> words = np.array([next_trials(trials) for _ in range(1000)], dtype=np.uint64)
    >>> bool(abs(np.bitwise_count(words).mean() - 16) < 0.5)
    True
    """
    trials[0] = np.uint64(threshold)
    trials[_AT] = np.uint64(_SUPPLY)
    split_mix(trials[_LANES_AT : _LANES_AT + _UNDECIDED], next_uint64(state))


@kernel
def next_trials(trials):
    """Return the next 64 events as a word, a bit set for each that happens."""
    at = np.int64(trials[_AT])
    if at == _SUPPLY:
        fill_bernoulli(np.int64(trials[0]), trials[_LANES_AT:_SUPPLY_AT], trials[_SUPPLY_AT:])
        at = np.int64(0)
    trials[_AT] = np.uint64(at + 1)
    return trials[_SUPPLY_AT + at]


@kernel
def fill_bernoulli(threshold, lanes, out):
    """Fill `out` (uint64, a multiple of `LANES` entries) with bits that are 1 as often as `threshold` says.

    Word k comes from lane k % LANES. Its digits, from the upper ones down, decide; those of the upper ROUNDS
    are drawn lowest first, as the order makes no difference while nothing ends early.
    """
    if threshold < 0:
        for i in range(out.size):
            out[i] = _NONE
        return
    for start in range(0, out.size, LANES):
        words = out[start : start + LANES]
        _compare_upper(threshold, lanes, words)
        _compare_lower(threshold, lanes, words)


@inlined
def _digit(threshold, place):
    """Return the binary digit of 2**place as a whole word of it."""
    return _NONE - ((np.uint64(threshold) >> np.uint64(place)) & _ONE)


@inlined
def _compare_upper(threshold, lanes, words):
    """Compare ROUNDS digits, all lanes side by side: the compiler unrolls the rounds, and keeps no state.

    A round overrules the digits below: where its two digits differ, the number with the 0 is the smaller one.
    """
    for lane in range(LANES):
        s0, s1, s2, s3 = lanes[lane], lanes[lane + LANES], lanes[lane + 2 * LANES], lanes[lane + 3 * LANES]
        below, equal = _NONE, _ALL
        for place in range(63 - ROUNDS, 63):
            digit = _digit(threshold, place)
            differs = digit ^ (_rotate_left(s0 + s3, 23) + s0)
            below = (differs & digit) | (below & ~differs)
            equal &= ~differs
            carried = s1 << np.uint64(17)
            s2 ^= s0
            s3 ^= s1
            s1 ^= s2
            s0 ^= s3
            s2 ^= carried
            s3 = _rotate_left(s3, 45)
        lanes[lane], lanes[lane + LANES], lanes[lane + 2 * LANES], lanes[lane + 3 * LANES] = s0, s1, s2, s3
        lanes[lane + _UNDECIDED] = equal
        words[lane] = below


@inlined
def _compare_lower(threshold, lanes, words):
    """Compare the digits below where all above are equal; a number equal to the threshold is not above it."""
    for lane in range(LANES):
        equal, place = lanes[lane + _UNDECIDED], np.int64(62 - ROUNDS)
        while equal != _NONE and place >= 0:
            digit = _digit(threshold, place)
            differs = digit ^ _next_of(lanes, lane)
            words[lane] |= equal & differs & digit
            equal &= ~differs
            place -= 1
        words[lane] |= equal


@inlined
def _next_of(lanes, lane):
    """Advance one lane by a step and return its 64 bits, as `next_uint64` does."""
    s0, s1, s2, s3 = lanes[lane], lanes[lane + LANES], lanes[lane + 2 * LANES], lanes[lane + 3 * LANES]
    result = _rotate_left(s0 + s3, 23) + s0
    carried = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    lanes[lane + LANES] = s1 ^ s2
    lanes[lane] = s0 ^ s3
    lanes[lane + 2 * LANES] = s2 ^ carried
    lanes[lane + 3 * LANES] = _rotate_left(s3, 45)
    return result
