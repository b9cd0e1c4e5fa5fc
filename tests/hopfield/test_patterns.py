"""Patterns: their law, cues with as much noise as is said, overlaps, and what is refused."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from smbook.hopfield import corrupt, overlap, random_patterns
from tests.hopfield.plain import layouts, random_spins

UP = np.ones(6, dtype=np.int8)


# Random patterns


@pytest.mark.parametrize(
    ("bias", "dilution"), [(0.0, 0.0), (0.4, 0.0), (-1.0, 0.0), (0.2, 0.3), (0.0, 1.0), (1.0, 0.5)]
)
def test_entries_have_the_shares_that_are_asked_for(bias, dilution):
    """Ten seeds of 100,000 entries: |z| < 4 tells a bias of 4e-3 each."""
    for seed in range(10):
        found = random_patterns(100, 1000, bias=bias, dilution=dilution, rng=seed)
        assert (found.shape, found.dtype, found.flags.c_contiguous) == ((100, 1000), np.int8, True)
        filled = 1 - dilution
        for value, share in ((1, filled * (1 + bias) / 2), (-1, filled * (1 - bias) / 2), (0, dilution)):
            error = math.sqrt(share * (1 - share) * found.size) + 1e-9
            assert abs((found == value).sum() - share * found.size) < 4 * error


def test_entries_are_independent():
    """Correlations of patterns, and of sites, are those of fair coins: chi-square of all pairs, to 1 %."""
    found = random_patterns(40, 5000, rng=2).astype(float)
    pairs = (found @ found.T)[np.triu_indices(40, 1)] / math.sqrt(5000)
    assert 1e-4 < chi2.sf((pairs**2).sum(), pairs.size) < 1 - 1e-4
    assert abs(pairs.mean()) < 4 / math.sqrt(pairs.size)
    after = (found[:, 1:] * found[:, :-1]).sum() / math.sqrt(found[:, 1:].size)
    assert abs(after) < 4


def test_patterns_have_nothing_to_do_with_the_runs_of_the_same_seed():
    """Else a start from the same integer would be a pattern."""
    pattern = random_patterns(1, 1000, rng=3)[0]
    assert abs(overlap(pattern, corrupt(pattern, 0.5, rng=3))) < 1e-12
    low = corrupt(UP.repeat(200), 0.1, rng=3)[:1000]
    assert abs((pattern * low).mean()) < 4 / math.sqrt(1000)


@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (3, 1)])
def test_few_patterns_of_few_spins(shape):
    assert random_patterns(*shape, rng=1).shape == shape


# Noise


@given(st.integers(1, 60), st.floats(0, 1), st.integers(0, 2**64))
def test_exactly_so_many_spins_are_turned(n, noise, seed):
    pattern = random_spins(n, seed=1)
    found = corrupt(pattern, noise, rng=seed)
    assert (found != pattern).sum() == round(noise * n)
    assert overlap(pattern, found) == (n - 2 * round(noise * n)) / n
    assert set(found.tolist()) <= {-1, 1}
    assert found.tolist() == corrupt(pattern, noise, rng=seed).tolist()


def test_all_places_are_turned_alike():
    """Each of 50 sites in 20,000 cues of 20 % noise, and each pair: a share is known to 1.4 % of it."""
    cues = np.array([corrupt(np.ones(50, dtype=np.int8), 0.2, rng=seed) for seed in range(20_000)]) < 0
    share, pair = 0.2, 10 / 50 * 9 / 49
    worst = abs(cues.mean(axis=0) - share).max() / math.sqrt(share * (1 - share) / len(cues))
    assert worst < 4.5
    both = np.array([(cues[:, i] & cues[:, j]).mean() for i, j in itertools.combinations(range(50), 2)])
    z = (both - pair) / math.sqrt(pair * (1 - pair) / len(cues))
    assert abs(z).max() < 5
    assert z.std() < 1.15


# Overlaps


@given(st.integers(1, 30), st.integers(0, 6), st.integers(0, 10**6))
def test_an_overlap_is_the_mean_product(n, p, seed):
    patterns, spins = random_patterns(p, n, dilution=0.2, rng=seed), random_spins(2, 3, n, seed=seed)
    exact = np.einsum("abi,pi->abp", spins.astype(int), patterns.astype(int)) / n
    found = overlap(patterns, spins)
    assert found.dtype == np.float64
    assert found.tolist() == exact.tolist()
    assert overlap(patterns, spins[0, 0]).tolist() == exact[0, 0].tolist()
    if p:
        one = overlap(patterns[0], spins)
        assert one.tolist() == exact[..., 0].tolist()
        assert type(overlap(patterns[0], spins[0, 0])) is float


def test_arrays_of_any_layout_are_taken_and_left_alone(tmp_path):
    patterns, spins = random_patterns(5, 12, rng=1), random_spins(4, 12)
    expected, cue = overlap(patterns, spins), corrupt(patterns[0], 0.25, rng=2)
    for same in layouts(patterns, tmp_path):
        assert overlap(same, spins).tolist() == expected.tolist()
        assert overlap(same[0], spins).tolist() == expected[:, 0].tolist()
        found = corrupt(same[0], 0.25, rng=2)
        assert found.tolist() == cue.tolist()
        assert type(found) is np.ndarray
        assert found.flags.writeable
        assert same.tolist() == patterns.tolist()
    for same in layouts(spins, tmp_path):
        assert overlap(patterns, same).tolist() == expected.tolist()


def test_long_sums_are_whole():
    """N = 40,000, beyond 16 bits, and beyond what float32 could add up one by one."""
    up = np.ones(40_000, dtype=np.int8)
    assert overlap(up, up) == 1.0
    assert overlap(up, corrupt(up, 1 / 40_000, rng=1)) == 39_998 / 40_000


# Refusals

OF_RANDOM = [
    ({"n_patterns": -1}, ValueError, "n_patterns must be at least 0; got -1"),
    ({"n_patterns": 2.0}, TypeError, r"n_patterns must be an integer; got 2\.0"),
    ({"n_spins": 0}, ValueError, "n_spins must be at least 1; got 0"),
    ({"n_spins": True}, TypeError, "n_spins must be an integer; got True"),
    ({"bias": 1.1}, ValueError, r"bias must be at most 1; got 1\.1"),
    ({"bias": math.nan}, ValueError, "bias must be finite; got nan"),
    ({"bias": "0"}, TypeError, "bias must be a real number; got '0'"),
    ({"dilution": -0.1}, ValueError, r"dilution must be at least 0; got -0\.1"),
    ({"dilution": 1.5}, ValueError, r"dilution must be at most 1; got 1\.5"),
]
OF_CORRUPT = [
    ({"noise": -0.1}, ValueError, r"noise must be at least 0; got -0\.1"),
    ({"noise": 1.1}, ValueError, r"noise must be at most 1; got 1\.1"),
    ({"noise": math.inf}, ValueError, "noise must be finite; got inf"),
    ({"noise": None}, TypeError, "noise must be a real number; got None"),
    ({"noise": [0.1]}, TypeError, "noise must be a real number"),
    ({"pattern": UP.tolist()}, TypeError, "pattern must be an int8 array; got list"),
    ({"pattern": UP.astype(float)}, TypeError, "pattern must be an int8 array; got dtype float64"),
    ({"pattern": UP > 0}, TypeError, "pattern must be an int8 array; got dtype bool"),
    ({"pattern": np.ma.array(UP)}, TypeError, "pattern must be an int8 array; got MaskedArray"),
    ({"pattern": UP.reshape(2, 3)}, ValueError, r"pattern must be one row of spins; got shape \(2, 3\)"),
    ({"pattern": UP[:0]}, ValueError, r"pattern must be one row of spins; got shape \(0,\)"),
    (
        {"pattern": np.array(1, dtype=np.int8)},
        ValueError,
        r"pattern must be one row of spins; got shape \(\)",
    ),
    ({"pattern": UP * np.int8(0)}, ValueError, r"pattern must hold \+1 and -1 only; got 0"),
    ({"pattern": UP * np.int8(-128)}, ValueError, r"pattern must hold \+1 and -1 only; got -128"),
]


def check_refusal(function, arguments, error, message):
    """Neither arrays nor the generator are touched."""
    generator = np.random.default_rng(1)
    before = generator.bit_generator.state
    held = {name: value.copy() for name, value in arguments.items() if isinstance(value, np.ndarray)}
    with pytest.raises(error, match=message):
        function(**arguments, rng=generator)
    assert generator.bit_generator.state == before
    for name, value in held.items():
        assert arguments[name].tobytes() == value.tobytes()


@pytest.mark.parametrize(("wrong", "error", "message"), OF_RANDOM)
def test_impossible_patterns_are_refused(wrong, error, message):
    check_refusal(random_patterns, {"n_patterns": 2, "n_spins": 3} | wrong, error, message)


@pytest.mark.parametrize(("wrong", "error", "message"), OF_CORRUPT)
def test_what_cannot_be_corrupted_is_refused(wrong, error, message):
    check_refusal(corrupt, {"pattern": UP.copy(), "noise": 0.5} | wrong, error, message)


@pytest.mark.parametrize("rng", [-1, 1.5, "1", True, np.random.RandomState(1)])
def test_a_bad_seed_is_refused(rng):
    for draw in (lambda: random_patterns(1, 2, rng=rng), lambda: corrupt(UP, 0.5, rng=rng)):
        with pytest.raises((TypeError, ValueError), match="rng must be"):
            draw()


def test_a_generator_seeds_by_one_draw():
    one, twin = np.random.default_rng(5), np.random.default_rng(5)
    random_patterns(3, 10, rng=one)
    corrupt(UP, 0.5, rng=one)
    twin.integers(0, 2**64, size=2, dtype=np.uint64)
    assert one.bit_generator.state == twin.bit_generator.state


WRONG_OVERLAPS = [
    (UP.tolist(), UP, TypeError, "patterns must be an int8 array; got dtype int64"),
    (UP.astype(np.int64)[None], UP, TypeError, "patterns must be an int8 array; got dtype int64"),
    (None, UP, TypeError, "patterns must be an int8 array; got NoneType"),
    (np.ma.array(UP), UP, TypeError, "patterns must be an int8 array; got MaskedArray"),
    (UP[None, None], UP, ValueError, r"patterns must have the shape \(P, N\); got \(1, 1, 6\)"),
    (UP[:0], UP, ValueError, r"patterns must have the shape \(P, N\); got \(1, 0\)"),
    (UP * np.int8(2), UP, ValueError, r"patterns must hold \+1, -1 and 0 only; got 2 at \(0, 0\)"),
    (UP * np.int8(-128), UP, ValueError, r"patterns must hold \+1, -1 and 0 only; got -128 at \(0, 0\)"),
    (UP, UP[:5], ValueError, r"spins must be those of 6 spins, \(..., 6\); got shape \(5,\)"),
    (UP, UP * np.int8(0), ValueError, r"spins must hold \+1 and -1 only; got 0"),
    (UP, UP.astype(float), TypeError, "spins must be an int8 array; got dtype float64"),
]


@pytest.mark.parametrize(("patterns", "spins", "error", "message"), WRONG_OVERLAPS)
def test_overlaps_of_anything_else_are_refused(patterns, spins, error, message):
    with pytest.raises(error, match=message):
        overlap(patterns, spins)
