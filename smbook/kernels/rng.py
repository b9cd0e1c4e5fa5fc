"""xoshiro256++ (Blackman and Vigna, 2021), seeded through SplitMix64, parted into streams by jumps."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from smbook import _checks
from smbook.kernels import kernel, kernel_apart
from smbook.kernels.elementary import log, sqrt

State = NDArray[np.uint64]
Randomness = int | np.random.SeedSequence | np.random.Generator | None

_GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
_JUMP = np.array(
    [0x180EC6D33CFD0ABA, 0xD5A61266F0C9392C, 0xA9582618E03FC9AA, 0x39ABDC4529B1661C], dtype=np.uint64
)
_TO_UNIT = 2.0**-53
_STRIDE = 8  # steps of a lane between two visits to its state in memory


def seed_state(rng: Randomness = None) -> State:
    """Return a seeded state from an integer, a NumPy Generator (which advances by one draw) or fresh entropy.

    SplitMix64 spreads a seed of up to 64 bits over the four words, so that neighbouring seeds give unrelated
    states. A larger one, such as the 128 bits of `numpy.random.SeedSequence().entropy`, or a `SeedSequence`
    itself, is spread by NumPy.

    A copy of a generator is in the same state, and so is one that was sent to another process. Runs that are
    to differ each need a child: from `rng.spawn(n)` of a Generator or a SeedSequence, or from `streams`.

    Parameters
    ----------
    rng
        An integer of at least 0, a `numpy.random.SeedSequence`, a `numpy.random.Generator`, or None for a
        seed from the operating system.

    Returns
    -------
    State
        uint64, shape (4,).

    Raises
    ------
    TypeError
        If `rng` is of another kind (a legacy `RandomState` included).
    ValueError
        If the integer is negative.

    References
    ----------
    Steele, Lea and Flood (2014) for SplitMix64; Blackman and Vigna (2021); O'Neill (2015) for SeedSequence.

    Examples
    --------
    >>> seed_state(0)
    array([16294208416658607535,  7960286522194355700,   487617019471545679,
           17909611376780542444], dtype=uint64)
    """
    seed = _seed_of(rng)
    if isinstance(seed, np.random.SeedSequence):
        return seed.generate_state(4, np.uint64).astype(np.uint64)
    state = np.empty(4, dtype=np.uint64)
    split_mix(state, np.uint64(seed))
    return state


def state_apart(rng: Randomness, steps: int = 1) -> State:
    """Return a state that shares no number with the runs that start from the same seed.

    Otherwise what an integer draws, couplings or patterns, would be made of the very numbers that draw a
    run's first spins and noise. What else starts from the same integer and must differ is more `steps` apart.
    A generator moves on from one to the other by itself.
    """
    state = seed_state(rng)
    if not isinstance(rng, np.random.Generator):
        for _ in range(steps):
            split_mix(state, state[0])
    return state


def _seed_of(rng: Randomness) -> int | np.random.SeedSequence:
    if rng is None:
        rng = np.random.default_rng()
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(0, 1 << 64, dtype=np.uint64))
    if isinstance(rng, np.random.SeedSequence):
        return rng
    try:
        seed = _checks.integer("rng", rng, minimum=0, maximum=math.inf)
    except TypeError:
        raise TypeError(
            f"rng must be an integer, a numpy.random.SeedSequence or Generator, or None; got {rng!r}"
        ) from None
    return seed if seed < 2**64 else np.random.SeedSequence(seed)


def streams(rng: Randomness, count: int) -> State:
    """Return `count` states of one sequence that lie 2**128 draws apart, so that the streams never overlap.

    Row 0 is `seed_state(rng)`; each further row is the one before, jumped.

    Returns
    -------
    State
        uint64, shape (count, 4).

    Raises
    ------
    TypeError, ValueError
        If `count` is no positive integer, or as `seed_state`.

    Examples
    --------
    >>> states = streams(7, 3)
    >>> states.shape
    (3, 4)
    """
    count = _checks.integer("count", count, minimum=1)
    states = np.empty((count, 4), dtype=np.uint64)
    states[0] = seed_state(rng)
    for k in range(1, count):
        states[k] = states[k - 1]
        jump(states[k])
    return states


@kernel
def split_mix(state, seed):
    """Fill `state` with the first words of SplitMix64 from `seed` (uint64): a counter, copied and mixed.

    Source: Steele, Lea and Flood (2014).

    Examples
    --------
    >>> state = np.empty(2, dtype=np.uint64)
    >>> split_mix(state, np.uint64(1234567))
    >>> state
    array([6457827717110365317, 3203168211198807973], dtype=uint64)
    """
    for k in range(state.size):
        seed += _GOLDEN_GAMMA
        z = (seed ^ (seed >> np.uint64(30))) * _FIRST_FACTOR
        z = (z ^ (z >> np.uint64(27))) * _SECOND_FACTOR
        state[k] = z ^ (z >> np.uint64(31))


@kernel
def _rotate_left(word, shift):
    return (word << np.uint64(shift)) | (word >> np.uint64(64 - shift))


@kernel
def next_uint64(state):
    """Advance `state` by one step and return 64 random bits.

    Examples
    --------
    >>> state = np.array([1, 2, 3, 4], dtype=np.uint64)
    >>> [int(next_uint64(state)) for _ in range(3)]
    [41943041, 58720359, 3588806011781223]
    """
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    result = _rotate_left(s0 + s3, 23) + s0
    carried = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    state[1] = s1 ^ s2
    state[0] = s0 ^ s3
    state[2] = s2 ^ carried
    state[3] = _rotate_left(s3, 45)
    return result


@kernel
def fill_uint64(state, out):
    """Fill `out` (uint64, one-dimensional) with the next draws; the state stays in registers meanwhile."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for i in range(out.size):
        out[i] = _rotate_left(s0 + s3, 23) + s0
        carried = s1 << np.uint64(17)
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= carried
        s3 = _rotate_left(s3, 45)
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


@kernel
def seed_lanes(state, lanes):
    """Fill `lanes` (uint64, shape (4, n)) with the states of n generators side by side, for `fill_lanes`.

    Each row is SplitMix64's sequence from a draw of `state`, which moves on by four.

    Examples
    --------
    >>> lanes = np.empty((4, 8), dtype=np.uint64)
    >>> seed_lanes(seed_state(7), lanes)
    """
    for row in range(4):
        split_mix(lanes[row], next_uint64(state))


@kernel
def fill_lanes(lanes, out):
    """Fill `out` (uint64, shape (steps, n)): column k with the next draws of the generator `lanes[:, k]`.

    The processor advances as many generators at once as it has room for, some times faster than one.
    """
    whole = out.shape[0] - out.shape[0] % _STRIDE
    for step in range(0, whole, _STRIDE):
        _take_stride(lanes[0], lanes[1], lanes[2], lanes[3], out, np.uint64(step))
    for step in range(whole, out.shape[0]):
        _take_step(lanes[0], lanes[1], lanes[2], lanes[3], out[step])


@kernel_apart
def _take_stride(first, second, third, fourth, out, step):
    """Make several steps of each lane while its state is in registers; the compiler unrolls them."""
    for lane in range(first.size):
        s0, s1, s2, s3 = first[lane], second[lane], third[lane], fourth[lane]
        for k in range(_STRIDE):
            out[step + np.uint64(k), lane] = _rotate_left(s0 + s3, 23) + s0
            carried = s1 << np.uint64(17)
            s2 ^= s0
            s3 ^= s1
            s1 ^= s2
            s0 ^= s3
            s2 ^= carried
            s3 = _rotate_left(s3, 45)
        first[lane], second[lane], third[lane], fourth[lane] = s0, s1, s2, s3


@kernel_apart
def _take_step(first, second, third, fourth, out):
    for lane in range(out.size):
        s0, s1, s2, s3 = first[lane], second[lane], third[lane], fourth[lane]
        out[lane] = _rotate_left(s0 + s3, 23) + s0
        carried = s1 << np.uint64(17)
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        first[lane], second[lane] = s0, s1
        third[lane], fourth[lane] = s2 ^ carried, _rotate_left(s3, 45)


@kernel
def uniform(state):
    """Return a float64 in [0, 1): the upper 53 bits of one draw, so every value is a multiple of 2**-53."""
    return np.float64(next_uint64(state) >> np.uint64(11)) * _TO_UNIT


@kernel
def fill_normal(state, out):
    """Fill `out` (one-dimensional) with standard normal numbers, two from each point inside the unit circle.

    Source: Marsaglia and Bray (1964), the polar method.
    """
    for i in range(0, out.size, 2):
        x, y, square = 0.0, 0.0, 0.0
        while square == 0.0 or square >= 1.0:
            x = 2.0 * uniform(state) - 1.0
            y = 2.0 * uniform(state) - 1.0
            square = x * x + y * y
        factor = sqrt(-2.0 * log(square) / square)
        out[i] = x * factor
        if i + 1 < out.size:
            out[i + 1] = y * factor


@kernel
def jump(state):
    """Advance `state` by 2**128 steps, in place.

    The jump polynomial has 256 bits; for each that is set, the state reached there is added (xor) to the
    result.
    """
    s0, s1, s2, s3 = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    for word in range(4):
        for bit in range(64):
            if (_JUMP[word] >> np.uint64(bit)) & np.uint64(1):
                s0 ^= state[0]
                s1 ^= state[1]
                s2 ^= state[2]
                s3 ^= state[3]
            next_uint64(state)
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
