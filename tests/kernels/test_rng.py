"""xoshiro256++ against its published sequence, and its seeds and jumps against other ways to get them."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from smbook.kernels.rng import fill_normal, fill_uint64, jump, next_uint64, seed_state, streams, uniform

MASK = 2**64 - 1
words = st.integers(0, MASK)
states = st.lists(words, min_size=4, max_size=4).filter(any)


def state_of(*entries):
    return np.array(entries, dtype=np.uint64)


def rotated(word, shift):
    return (word << shift | word >> (64 - shift)) & MASK


def step(state):
    """One step of xoshiro256++ in Python's integers: the draw and the state after it."""
    a, b, c, d = state
    draw = (rotated((a + d) & MASK, 23) + a) & MASK
    c, d, shifted = c ^ a, d ^ b, b << 17 & MASK
    a, b = a ^ d, b ^ c
    return draw, (a, b, c ^ shifted, rotated(d, 45))


def splitmix64(seed):
    """SplitMix64 as its authors wrote it: a counter that runs, and a mixed copy of it."""
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) % 2**64
        mixed = seed
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ mixed >> shift) * factor % 2**64
        yield mixed ^ mixed >> 31


def to_bits(state):
    return np.array([int(word) >> bit & 1 for word in state for bit in range(64)], dtype=np.float32)


def from_bits(bits):
    return [sum(int(bit) << k for k, bit in enumerate(word)) for word in bits.reshape(4, 64)]


@pytest.fixture(scope="module")
def jump_matrix():
    """The 256 x 256 matrix over GF(2) of 2**128 steps: the matrix of one step, squared 128 times."""
    columns = [step(from_bits(unit))[1] for unit in np.eye(256)]
    matrix = np.stack([to_bits(column) for column in columns], axis=1)
    for _ in range(128):
        matrix = matrix @ matrix % 2  # sums of at most 256 ones are exact in float32
    return matrix


# Draws


def test_the_published_sequence_from_1_2_3_4():
    state = state_of(1, 2, 3, 4)
    published = [
        41943041,
        58720359,
        3588806011781223,
        3591011842654386,
        9228616714210784205,
        9973669472204895162,
        14011001112246962877,
        12406186145184390807,
        15849039046786891736,
        10450023813501588000,
    ]
    assert [int(next_uint64(state)) for _ in published] == published


@given(states)
def test_every_step_is_that_of_plain_integers(entries):
    state = state_of(*entries)
    for _ in range(10):
        draw, entries = step(entries)
        assert int(next_uint64(state)) == draw
        assert tuple(map(int, state)) == entries


@pytest.mark.parametrize("length", [0, 1, 2, 7, 1000])
def test_filling_an_array_is_drawing_again_and_again(length):
    one, other = seed_state(3), seed_state(3)
    filled = np.empty(length, dtype=np.uint64)
    fill_uint64(one, filled)
    assert filled.tolist() == [int(next_uint64(other)) for _ in range(length)]
    assert one.tolist() == other.tolist()


def test_uniform_numbers_are_the_upper_53_bits_of_the_draws():
    one, other = seed_state(5), seed_state(5)
    for _ in range(1000):
        assert uniform(one) == (int(next_uint64(other)) >> 11) / 2**53


@pytest.mark.parametrize(("first_word", "expected"), [(0, 0.0), (MASK, 1 - 2**-53)])
def test_uniform_numbers_reach_zero_and_stay_below_one(first_word, expected):
    """A state is made whose next draw is all zeros, or all ones: rot(s0 + s3, 23) + s0 with s0 = 0."""
    assert uniform(state_of(0, 1, 2, rotated(first_word, 41))) == expected


def test_each_bit_of_a_draw_is_set_half_of_the_time():
    """A shifted or swapped operation that still runs would leave weak bits: 64 counts, |z| < 4.5."""
    draws = np.empty(1_000_000, dtype=np.uint64)
    fill_uint64(seed_state(1), draws)
    counts = np.unpackbits(draws.view(np.uint8).reshape(-1, 8), axis=1).sum(axis=0, dtype=np.int64)
    assert (abs(counts - draws.size / 2) < 4.5 * np.sqrt(draws.size / 4)).all()


# Normal numbers


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_normal_numbers_are_normal(dtype):
    """10^6 of them tell a variance to 0.14 %, and a distribution function to 1e-3 and a half everywhere."""
    drawn = np.empty(1_000_000, dtype=dtype)
    fill_normal(seed_state(4), drawn)
    drawn = drawn.astype(np.float64)
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10_170)):
        assert abs((drawn**power).mean() - mean) < 4 * math.sqrt(variance / drawn.size)
    assert kstest(drawn, "norm").pvalue > 1e-4
    assert kstest(1.002 * drawn + 0.003, "norm").pvalue < 1e-4
    for one, other in (
        (drawn[::2], drawn[1::2]),
        (drawn[1:], drawn[:-1]),
        (drawn[::2] ** 2, drawn[1::2] ** 2),
    ):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / math.sqrt(one.size)
    assert 4.2 < abs(drawn).max() < 6.5


@pytest.mark.parametrize("length", [0, 1, 2, 7, 100])
def test_normal_numbers_come_two_from_each_point_of_the_circle(length):
    one, other = seed_state(3), seed_state(3)
    drawn, expected = np.full(length, 9.0), []
    fill_normal(one, drawn)
    while len(expected) < length:
        x, y = 2 * uniform(other) - 1, 2 * uniform(other) - 1
        square = x * x + y * y
        if 0 < square < 1:
            factor = math.sqrt(-2 * math.log(square) / square)
            expected += [x * factor, y * factor]
    np.testing.assert_allclose(drawn, expected[:length], rtol=1e-14)
    assert one.tolist() == other.tolist()


# Jumps


@settings(max_examples=20)
@given(entries=states)
def test_a_jump_is_the_128th_square_of_one_step(jump_matrix, entries):
    state = state_of(*entries)
    jump(state)
    assert state.tolist() == from_bits(jump_matrix @ to_bits(entries) % 2)


def test_streams_are_jumps_of_the_seeded_state():
    expected = seed_state(11)
    for row in streams(11, 4):
        assert row.tolist() == expected.tolist()
        jump(expected)


def test_streams_share_no_draw_and_do_not_correlate():
    """Streams that were shifted copies or sums of each other would repeat draws, or agree in their bits."""
    draws = np.empty((4, 100_000), dtype=np.uint64)
    for state, row in zip(streams(2, 4), draws, strict=True):
        fill_uint64(state, row)
    assert np.unique(draws).size == draws.size
    correlations = np.corrcoef(draws.astype(np.float64))[np.triu_indices(4, 1)]
    assert (abs(correlations) < 4 / np.sqrt(draws.shape[1])).all()


@pytest.mark.parametrize("count", [0, -1])
def test_streams_of_no_member_are_refused(count):
    with pytest.raises(ValueError, match=f"count must be at least 1; got {count}"):
        streams(1, count)


@pytest.mark.parametrize("count", [1.0, "2", True, None])
def test_a_count_that_is_no_integer_is_refused(count):
    with pytest.raises(TypeError, match="count must be an integer"):
        streams(1, count)


# Seeds


def test_the_published_sequence_of_splitmix64():
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert seed_state(1234567).tolist() == published


@given(words)
@example(2**63)
@example(MASK)
def test_seeding_is_splitmix64(seed):
    stream = splitmix64(seed)
    assert seed_state(seed).tolist() == [next(stream) for _ in range(4)]


def test_a_state_is_four_words_of_64_bits():
    state = seed_state(0)
    assert state.dtype == np.uint64
    assert state.shape == (4,)


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint8, np.uint64])
def test_a_numpy_integer_seeds_as_the_same_integer(kind):
    assert seed_state(kind(7)).tolist() == seed_state(7).tolist()


def test_a_generator_seeds_by_one_draw_and_advances():
    generator, twin = np.random.default_rng(4), np.random.default_rng(4)
    draws = [int(word) for word in twin.integers(0, 2**64, size=2, dtype=np.uint64)]
    assert [seed_state(generator).tolist() for _ in draws] == [seed_state(draw).tolist() for draw in draws]
    assert generator.bit_generator.state == twin.bit_generator.state


def test_without_a_seed_every_state_is_new():
    assert len({tuple(seed_state(None).tolist()) for _ in range(10)} | {tuple(seed_state().tolist())}) == 11


@pytest.mark.parametrize("seed", [-1, -(2**64), np.int64(-3)])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match=rf"rng must be .*; got {seed}"):
        seed_state(seed)


@pytest.mark.parametrize(
    "seed",
    [1.5, 1.0, "1", b"1", True, np.True_, [1], np.array([1, 2]), 1j, np.random.PCG64(1), np.random],
)
def test_a_seed_of_another_kind_is_refused(seed):
    with pytest.raises(
        TypeError, match=r"rng must be an integer, a numpy.random.SeedSequence or Generator, or None; got"
    ):
        seed_state(seed)


def test_a_legacy_random_state_is_refused_and_keeps_its_state():
    legacy = np.random.RandomState(1)
    before = legacy.get_state(legacy=False)["state"]["pos"]
    with pytest.raises(TypeError, match="RandomState"):
        streams(legacy, 2)
    assert legacy.get_state(legacy=False)["state"]["pos"] == before


# Larger seeds, and workers


@pytest.mark.parametrize("entropy", [2**64, 2**64 + 1, 2**127 + 5, 2**128 - 1, 2**400])
def test_a_seed_of_more_than_64_bits_is_spread_by_numpy(entropy):
    expected = np.random.SeedSequence(entropy).generate_state(4, np.uint64)
    state = seed_state(entropy)
    assert state.dtype == np.uint64
    assert state.tolist() == expected.tolist() == seed_state(np.random.SeedSequence(entropy)).tolist()
    assert state.tolist() != seed_state(entropy % 2**64).tolist()


def test_every_bit_of_a_large_seed_counts():
    seeds = [2**127 + 2**bit for bit in range(127)]
    assert len({tuple(seed_state(seed).tolist()) for seed in seeds}) == 127
    assert len({tuple(state) for state in streams(2**127, 3).tolist()}) == 3


def test_a_seed_sequence_stays_as_it_is_and_its_children_differ():
    sequence = np.random.SeedSequence(5)
    assert seed_state(sequence).tolist() == seed_state(sequence).tolist()
    children = [seed_state(child).tolist() for child in sequence.spawn(3)]
    assert len({tuple(state) for state in (*children, seed_state(sequence).tolist())}) == 4


def test_a_generator_that_is_sent_away_is_copied_and_its_children_are_not():
    generator = np.random.default_rng(5)
    sent = [pickle.loads(pickle.dumps(generator)) for _ in range(2)]
    assert seed_state(sent[0]).tolist() == seed_state(sent[1]).tolist()
    children = [pickle.loads(pickle.dumps(child)) for child in generator.spawn(2)]
    assert seed_state(children[0]).tolist() != seed_state(children[1]).tolist()
