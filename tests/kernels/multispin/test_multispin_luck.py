"""Chances against random numbers as integers of 64 bits, ties to the last bit included, and wrong rules."""

import mpmath
import numpy as np
import pytest

from smbook.kernels import multispin
from smbook.kernels.multispin import luck, sweeps
from smbook.kernels.multispin.room import (
    BLOCK,
    FLIP,
    HALF,
    HIGH,
    LOW,
    S0,
    S1,
    S2,
    S3,
    THRESHOLDS,
    TOP,
    UNDECIDED,
    WORK_SIZE,
)
from smbook.kernels.rng import jump, next_uint64, seed_state
from tests.kernels.multispin.reference import (
    DRAWN,
    Stream,
    bits_of,
    decide,
    exact_chance,
    in_python,
    thresholds_of,
    word_of,
)

STREAMS = (S0, S1, S2, S3)
CLASSES = (LOW, HIGH, TOP)


def room(seed=1, *, alike=False):
    """Room to work in whose 32 streams are each its own, or all the same."""
    work = np.zeros(WORK_SIZE, dtype=np.uint64)
    multispin.begin_streams(seed_state(seed), work)
    if alike:
        for start in STREAMS:
            work[start : start + BLOCK] = work[start]
    return work


def random_numbers(work):
    """The numbers that 64 spins of each of 32 words will draw, if they draw on to the last bit."""
    drawn = np.zeros((BLOCK, 64), dtype=object)
    for j, numbers in enumerate(drawn):
        stream = Stream(work, j)
        numbers[:] = stream.begin()
        for _ in range(DRAWN, 64):
            numbers[:] = 2 * numbers + stream.bits()
    return drawn


def set_thresholds(work, thresholds):
    for row, k in np.ndindex(3, 64):
        work[THRESHOLDS + 64 * row + k] = word_of([int(t) >> (63 - k) & 1 for t in thresholds[row]])


def part_at_random(work, random, n_classes):
    """Give every spin one of the classes, a coin, or none; return which."""
    which = random.integers(0, n_classes + 2, (BLOCK, 64))
    for j in range(BLOCK):
        for k, row in enumerate((*CLASSES[:n_classes], HALF)):
            work[row + j] = word_of(which[j] == k)
        work[FLIP + j] = word_of(random.integers(0, 2, 64))
    return which


def flips_by_integers(work, which, n_classes, count):
    """What `FLIP` should be, by whole numbers, and how many words each stream should have drawn."""
    thresholds, expected, states = thresholds_of(work), [], []
    for j in range(BLOCK):
        stream = Stream(work, j)
        chances = [None] * 64
        for bit, k in enumerate(which[j].tolist()):
            if k <= n_classes:
                chances[bit] = thresholds[k, bit] if k < n_classes else "half"
        numbers = stream.begin()
        if j < count:
            expected.append((bits_of(work[FLIP + j]) ^ decide(stream, numbers, chances)).tolist())
        states.append(stream.state.tolist())
    return expected, states


def agrees(work, which, n_classes, kernels=sweeps, count=BLOCK):
    expected, states = flips_by_integers(work, which, n_classes, count)
    run = kernels._decide if n_classes == 2 else kernels._decide_of_three
    with np.errstate(over="ignore"):
        run(work, count)
    found = [bits_of(work[FLIP + j]).tolist() for j in range(count)]
    drawn = [[int(work[start + j]) for start in STREAMS] for j in range(BLOCK)]
    return found == expected and drawn == states


def near_ties(work, random, agreeing):
    """Thresholds that agree with numbers to be drawn in so many of their highest bits, or differ by one."""
    numbers = random_numbers(work)
    thresholds = np.zeros((3, 64), dtype=object)
    for row, bit in np.ndindex(3, 64):
        number = int(numbers[random.integers(BLOCK), bit])
        if agreeing == 64:
            number += int(random.integers(-1, 2))
        elif agreeing is not None:
            number ^= 1 << (63 - agreeing)
        thresholds[row, bit] = min(max(number, 0), 2**64 - 1)
    return thresholds


TIES = [None, 0, 5, 11, 12, 13, 20, 40, 62, 63, 64]


@pytest.mark.parametrize("alike", [False, True], ids=["streams", "one stream"])
@pytest.mark.parametrize("agreeing", TIES, ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_flip_happens_where_a_number_of_64_bits_is_below_the_threshold(n_classes, agreeing, alike):
    """Thresholds are numbers that will be drawn, to so many bits, so that every bit of the tail decides once.

    With 32 streams alike all words tie at once. None agrees in every bit, and is no less: no flip.
    """
    for seed in range(2):
        work, random = room(seed, alike=alike), np.random.default_rng(seed)
        set_thresholds(work, near_ties(work, random, agreeing))
        which = part_at_random(work, random, n_classes)
        assert agrees(work, which, n_classes)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("threshold", [0, 1, 2**51, 2**52 - 1, 2**52, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1])
def test_thresholds_at_the_ends_of_the_range(n_classes, threshold):
    for count in (1, 7, 31, 32):
        work, random = room(3), np.random.default_rng(count)
        set_thresholds(work, np.full((3, 64), threshold, dtype=object))
        assert agrees(work, part_at_random(work, random, n_classes), n_classes, count=count)


def test_a_chance_of_nothing_never_happens_and_the_largest_fails_at_the_largest_number_only():
    """A stream of zeros draws the number 0, which is below every threshold but 0."""
    work = room()
    for start in STREAMS:
        work[start] = 0
    thresholds = np.zeros((3, 64), dtype=object)
    thresholds[0, 32:] = 1
    set_thresholds(work, thresholds)
    work[LOW : LOW + BLOCK] = 2**64 - 1
    sweeps._decide(work, BLOCK)
    assert bits_of(work[FLIP]).tolist() == [0] * 32 + [1] * 32
    assert not work[FLIP + 1 : FLIP + BLOCK].any()


# Wrong rules, each of which the check above finds


def decide_with(**changes):
    """`_decide` as Python runs it, with another `luck`."""
    changed = in_python(luck, **changes)
    return in_python(
        sweeps, **{name: getattr(changed, name) for name in ("try_luck", "try_luck_of_three", "settle")}
    )


def leave_out(work, count):
    del work, count


def shared_word(right):
    """One random bit for all 64 spins of a word."""

    def next_word(s):
        word, s = right(s)
        return np.uint64(0xFFFFFFFFFFFFFFFF) if word >> np.uint64(63) else np.uint64(0), s

    return next_word


def at_most(s, threshold, less, equal):
    """Let the comparison begin with a tie that counts as less."""
    word, s = RIGHT.next_word(s)
    unlike = word ^ threshold
    return s, (threshold & unlike) | ((less | equal & ~unlike) & ~unlike), equal & ~unlike


def highest_first(s, threshold, less, equal):
    """Compare as if the first bit drawn were the highest: a later one decides only a tie."""
    word, s = RIGHT.next_word(s)
    return s, less | (equal & threshold & ~word), equal & ~(word ^ threshold)


RIGHT = in_python(luck)
WRONG = {
    "right": {},
    "no tail": {"settle": leave_out},
    "tail from bit 11": {"_ROUNDS": 11},
    "tail from bit 13": {"_ROUNDS": 13},
    "one word for all spins": {"next_word": shared_word(RIGHT.next_word)},
    "ties are less": {"_round": at_most},
    "highest first": {"_round": highest_first},
    "thresholds of another class": {"HIGH": LOW},
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rules_are_found(name):
    found = []
    for seed, agreeing in enumerate((12, 13, 20, 64)):
        work, random = room(seed, alike=True), np.random.default_rng(seed)
        set_thresholds(work, near_ties(work, random, agreeing))
        which = part_at_random(work, random, 2)
        found.append(agrees(work, which, 2, decide_with(**WRONG[name])))
    assert all(found) == (name == "right")


# Streams, and the chances themselves


def test_streams_lie_a_jump_apart_and_the_state_is_left_behind_them():
    state, expected = seed_state(5), seed_state(5)
    work = np.zeros(WORK_SIZE, dtype=np.uint64)
    multispin.begin_streams(state, work)
    for j in range(BLOCK):
        assert [int(work[start + j]) for start in STREAMS] == expected.tolist()
        jump(expected)
    assert state.tolist() == expected.tolist()


def test_random_lanes_are_the_words_of_the_streams():
    grid = np.empty(multispin.GRID_SIZE, dtype=np.int64)
    multispin.fill_grid(np.array([4, 6, 14]), np.ones(3, dtype=int), grid)
    words, work = np.zeros(2 * grid[multispin.COLOUR_SIZE], dtype=np.uint64), room(2)
    states = [work[[start + j for start in STREAMS]].copy() for j in range(BLOCK)]
    multispin.randomize_lanes(words, grid, work)
    in_plane = int(grid[multispin.ROWS] * grid[multispin.WORDS])
    for colour, plane, i in np.ndindex(2, 4, in_plane):
        start = colour * grid[multispin.COLOUR_SIZE] + grid[multispin.START]
        assert words[start + plane * grid[multispin.PLANE_SIZE] + i] == next_uint64(states[i % BLOCK])
    assert np.count_nonzero(words) == 8 * in_plane


@pytest.mark.parametrize("bath", [False, True])
@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("coupling", [1.0, -1.0, 0.3, 1e-300])
def test_thresholds_are_the_textbook_chances_of_each_lane(dimension, bath, coupling):
    """Off by a few roundings of a double, which is far below what any run could notice, but counted."""
    betas = np.concatenate(
        [[0.0, 1e-300, 1e-17, 1e-9, 1.0, 11.0, 60.0, 186.2, 700.0, 1e6], np.linspace(0, 2, 54)]
    )
    work = room()
    multispin.fill_thresholds(betas, coupling, dimension, bath, work)
    found = thresholds_of(work)
    assert not found[dimension:].any()
    for row, lane in np.ndindex(dimension, 64):
        exact = exact_chance(betas[lane], coupling, row + 1, bath) * 2**64
        rounding = 4 + 4 * betas[lane] * abs(coupling) * (row + 1)
        off = abs(int(found[row, lane]) - exact)
        assert off <= exact * rounding * 2.0**-53 + 1, (row, lane)
    assert (np.diff(found[:dimension].astype(object), axis=0) <= 0).all()


def test_chances_of_one_are_the_largest_number_and_those_of_nothing_are_0():
    work = room()
    multispin.fill_thresholds(np.full(64, 1e-300), 1.0, 3, 0, work)
    assert (thresholds_of(work) == 2**64 - 1).all()
    multispin.fill_thresholds(np.full(64, 1e6), 1.0, 3, 1, work)
    assert (thresholds_of(work) == 0).all()
    multispin.fill_thresholds(np.zeros(64), 1.0, 3, 1, work)
    assert (thresholds_of(work) == 2**63).all()
    assert not work[UNDECIDED : UNDECIDED + BLOCK].any()


def test_a_million_spins_flip_as_often_as_their_chance_says():
    """And as often together with a neighbour in the word, or the same spin of the next, as they should."""
    work = room(7)
    chance = 0.3
    set_thresholds(work, np.full((3, 64), int(chance * 2**64), dtype=object))
    n_rounds, seen = 500, []
    for _ in range(n_rounds):
        work[LOW : LOW + BLOCK] = 2**64 - 1
        work[FLIP : FLIP + BLOCK] = 0
        sweeps._decide(work, BLOCK)
        seen.append(
            (work[FLIP : FLIP + BLOCK, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)).astype(bool)
        )
    flips = np.array(seen)
    deviation = (flips - float(mpmath.mpf(chance))) / np.sqrt(chance * (1 - chance))
    assert abs(deviation.sum() / np.sqrt(deviation.size)) < 4
    for axis in range(3):
        pairs = deviation * np.roll(deviation, 1, axis)
        assert abs(pairs.sum() / np.sqrt(pairs.size)) < 4
