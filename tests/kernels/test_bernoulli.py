"""Words of Bernoulli bits against numbers compared as whole numbers, digit by digit and in the long run."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.kernels import bernoulli
from smbook.kernels.bernoulli import LANES, LANES_SIZE, ROUNDS, begin_trials, fill_bernoulli, next_trials
from smbook.kernels.lattice import probability_threshold
from smbook.kernels.rng import next_uint64, seed_state, split_mix

CERTAIN = 2**63 - 1


def seeded_lanes(seed):
    lanes = np.full(LANES_SIZE, 99, dtype=np.uint64)
    split_mix(lanes[: 4 * LANES], np.uint64(seed))
    return lanes


def numbers_of(lanes):
    """The 63-bit numbers of the next word of each lane, were all digits drawn, and the states on the way.

    The upper ROUNDS digits come lowest first, and then the others, highest first.
    """
    places = [*range(63 - ROUNDS, 63), *range(62 - ROUNDS, -1, -1)]
    numbers, states = np.zeros((LANES, 64), dtype=object), []
    for lane in range(LANES):
        state = lanes[lane : 4 * LANES : LANES].copy()
        passed = []
        for place in places:
            draw = int(next_uint64(state))
            numbers[lane] += [(draw >> bit & 1) << place for bit in range(64)]
            passed.append(state.tolist())
        states.append(passed)
    return numbers, states


def bits_of(words):
    return (words[:, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)).astype(bool)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_a_bit_is_set_where_its_number_does_not_exceed_the_threshold(step):
    """Thresholds next to numbers that are drawn: a digit left out or overruled would turn one of them."""
    start, out = seeded_lanes(1), np.zeros(LANES, dtype=np.uint64)
    numbers, _ = numbers_of(start)
    for lane in range(LANES):
        for number in numbers[lane, 3::12]:
            fill_bernoulli(np.int64(number + step), start.copy(), out)
            np.testing.assert_array_equal(bits_of(out), numbers <= number + step)


@settings(max_examples=15)
@given(st.integers(-1, CERTAIN), st.integers(0, 2**64 - 1))
def test_each_lane_draws_until_its_last_number_is_decided_and_no_further(threshold, seed):
    lanes, out = seeded_lanes(seed), np.zeros(2 * LANES, dtype=np.uint64)
    for words in (out[:LANES], out[LANES:]):
        numbers, states = numbers_of(lanes)
        fill_bernoulli(np.int64(threshold), lanes, words)
        np.testing.assert_array_equal(bits_of(words), numbers <= threshold)
        for lane in range(LANES):
            unlike = [(int(number) ^ threshold).bit_length() for number in numbers[lane]]  # the highest digit
            n_draws = 0 if threshold < 0 else min(63, max(ROUNDS, 64 - min(unlike)))
            expected = states[lane][n_draws - 1] if n_draws else None
            assert expected is None or lanes[lane : 4 * LANES : LANES].tolist() == expected
    again = np.zeros_like(out)
    fill_bernoulli(np.int64(threshold), seeded_lanes(seed), again)
    assert again.tolist() == out.tolist()


@pytest.mark.parametrize(("threshold", "bit"), [(-1, 0), (CERTAIN, 1)])
def test_what_never_or_always_happens(threshold, bit):
    out = np.full(4 * LANES, 5, dtype=np.uint64)
    fill_bernoulli(np.int64(threshold), seeded_lanes(2), out)
    assert (bits_of(out) == bit).all()


def test_a_number_that_equals_the_threshold_to_its_last_digit_does_not_exceed_it():
    """Lanes that are all zeros draw zeros for ever."""
    lanes, out = np.zeros(LANES_SIZE, dtype=np.uint64), np.zeros(LANES, dtype=np.uint64)
    fill_bernoulli(np.int64(0), lanes, out)
    assert bits_of(out).all()


def z_of_counts(p, words):
    """Standard errors of the number of ones, of those after ones in a word, and of those in the next one."""
    bits = bits_of(words)
    together = ((bits, p), (bits[:, 1:] & bits[:, :-1], p * p), (bits[1:] & bits[:-1], p * p))
    for values, mean in together:
        spread = math.sqrt(values.size * mean * (1 - mean) * (1 if mean == p else (1 + 3 * p) / (1 + p)))
        yield (values.sum() - values.size * mean) / spread


@pytest.mark.parametrize("p", [1e-5, 0.1, 0.5, math.sqrt(2) / (1 + math.sqrt(2)), 0.999, 2.0**-20])
def test_the_share_of_ones_is_the_probability_and_neighbours_are_independent(p):
    trials = np.empty(bernoulli.TRIALS_SIZE, dtype=np.uint64)
    begin_trials(seed_state(5), probability_threshold(p), trials)
    words = np.array([next_trials(trials) for _ in range(20_000)], dtype=np.uint64)
    assert max(abs(z) for z in z_of_counts(p, words)) < 4.5


def test_a_supply_is_the_words_of_its_lanes_one_after_the_other():
    threshold, state = np.int64(2**61), seed_state(3)
    trials, lanes = np.empty(bernoulli.TRIALS_SIZE, dtype=np.uint64), seeded_lanes(0)
    split_mix(lanes[: 4 * LANES], np.uint64(next_uint64(state.copy())))
    begin_trials(state, threshold, trials)
    expected = np.zeros(8 * LANES, dtype=np.uint64)
    fill_bernoulli(threshold, lanes, expected)
    assert [int(next_trials(trials)) for _ in range(expected.size)] == expected.tolist()
    other = seed_state(3)
    next_uint64(other)
    assert state.tolist() == other.tolist()
