"""Dense memories: energies and fields by definition, Hebb's rule as the second degree, and attention."""

import copy
import itertools
import math
import pickle

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.hopfield import DenseMemory, Recall, corrupt, hebb, overlap, random_patterns, recall
from tests.hopfield import plain
from tests.hopfield.plain import layouts, random_spins
from tests.hopfield.test_patterns import check_refusal

PATTERNS = random_patterns(5, 30, rng=1)
MEMORIES = {
    "second": lambda patterns: DenseMemory(patterns, degree=2),
    "cubic": DenseMemory,
    "seventh": lambda patterns: DenseMemory(patterns, degree=7),
    "exponential": lambda patterns: DenseMemory(patterns, "exponential"),
}


# Energies and fields


@given(st.integers(1, 30), st.integers(1, 5), st.integers(2, 12), st.integers(0, 10**6))
def test_energies_of_overlaps_to_a_power_are_those_of_the_definition(n, p, degree, seed):
    """In fractions of big integers; fields are half of what an energy gains, and so of the same kind."""
    patterns, spins = random_patterns(p, n, rng=seed), random_spins(3, n, seed=seed)
    memory = DenseMemory(patterns, degree=degree)
    exact = [plain.power_energy(patterns, degree, s) for s in spins]
    assert memory.energy(spins).tolist() == pytest.approx([float(e) for e in exact], rel=1e-13, abs=1e-13)
    field = plain.field_by_energies(lambda s: plain.power_energy(patterns, degree, s))
    found = memory.local_fields(spins)
    for s, row in zip(spins, found, strict=True):
        assert row.tolist() == pytest.approx([float(field(s, i)) for i in range(n)], rel=1e-12, abs=1e-13)


@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 10**6))
def test_energies_of_exponentials_are_those_of_the_definition(n, p, seed):
    patterns, spins = random_patterns(p, n, rng=seed), random_spins(n, seed=seed)
    memory = DenseMemory(patterns, "exponential")
    exact = plain.exponential_energy(patterns, spins)
    assert memory.energy(spins) == pytest.approx(float(exact), rel=1e-14, abs=1e-14)
    field = plain.field_by_energies(lambda s: plain.exponential_energy(patterns, s))
    found = memory.local_fields(spins)
    assert found.tolist() == pytest.approx([float(field(spins, i)) for i in range(n)], abs=1e-14)


def test_energies_of_large_networks_do_not_overflow():
    """exp(N m) of N = 20,000, and N^n of 10^290."""
    pattern = random_patterns(1, 20_000, rng=1)
    assert DenseMemory(pattern, "exponential").energy(pattern[0]) == -20_000
    both = DenseMemory(np.concatenate([pattern, pattern]), "exponential")
    assert both.energy(pattern[0]) == pytest.approx(-20_000 - math.log(2), abs=1e-10)
    steep = DenseMemory(pattern, degree=67)
    assert steep.energy(pattern[0]) == pytest.approx(-20_000 / 67, rel=1e-12)
    assert steep.recall(corrupt(pattern[0], 0.3, rng=1)).overlaps[-1, 0] == 1.0


@given(st.integers(1, 25), st.integers(1, 8), st.integers(0, 10**6))
def test_the_second_degree_is_hebbs_rule(n, p, seed):
    """Energies less P/2, the same fields, and the same recall, at T = 0 and in a heat bath."""
    patterns, cue = random_patterns(p, n, rng=seed), random_spins(n, seed=seed)
    memory, network = DenseMemory(patterns, degree=2), hebb(patterns)
    assert memory.energy(cue) == pytest.approx(network.energy(cue) - p / 2, abs=1e-12)
    np.testing.assert_allclose(memory.local_fields(cue), network.local_fields(cue), atol=1e-13)
    for way in itertools.product(("asynchronous", "parallel"), ("sequential", "random"), (math.inf, 0.9)):
        settings = dict(zip(("dynamics", "order", "beta"), way, strict=True)) | {
            "max_sweeps": 20,
            "rng": seed,
        }
        one, other = memory.recall(cue, **settings), recall(network, cue, **settings)
        assert one.spins.tolist() == other.spins.tolist()
        assert one.overlaps.tolist() == other.overlaps.tolist()
        assert (one.flips, one.period) == (other.flips, other.period)


def test_steeper_energies_store_more():
    """60 patterns of 40 neurons, 10 % noise, ten seeds: too many for n = 2, not for n = 4 or exponentials."""
    ends = {name: [] for name in ("second", "fourth", "exponential")}
    for seed in range(10):
        patterns = random_patterns(60, 40, rng=seed)
        for name, memory in (
            ("second", DenseMemory(patterns, degree=2)),
            ("fourth", DenseMemory(patterns, degree=4)),
            ("exponential", DenseMemory(patterns, "exponential")),
        ):
            ends[name] += [memory.recall(corrupt(patterns[k], 0.1, rng=k)).overlaps[-1, k] for k in range(10)]
    assert np.mean(ends["second"]) < 0.6
    assert np.mean(ends["fourth"]) > 0.97
    assert np.mean(ends["exponential"]) > 0.99


def test_odd_degrees_tell_a_pattern_from_its_mirror_image():
    pattern = random_patterns(1, 31, rng=1)
    mirrored = corrupt(-pattern[0], 0.1, rng=2)
    assert DenseMemory(pattern, degree=4).recall(mirrored).overlaps[-1, 0] == -1.0
    for memory in (DenseMemory(pattern), DenseMemory(pattern, "exponential")):
        assert memory.recall(mirrored).overlaps[-1, 0] == 1.0


# Attention


def attention_head(queries, keys, values):
    """softmax(Q K^T / sqrt(d)) V, as a transformer has it (Vaswani et al., 2017)."""
    scores = queries @ keys.T / np.sqrt(keys.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ values


@given(st.integers(1, 64), st.integers(1, 20), st.integers(0, 10**6))
def test_a_step_is_an_attention_head(n, p, seed):
    patterns = random_patterns(p, n, rng=seed)
    queries = np.random.default_rng(seed).normal(size=(7, n)) * 3
    found = DenseMemory(patterns).attend(queries, beta=1 / math.sqrt(n))
    keys = patterns.astype(float)
    np.testing.assert_allclose(found, attention_head(queries, keys, keys), rtol=0, atol=1e-12)


@given(st.integers(1, 30), st.integers(1, 8), st.floats(1e-3, 1e3), st.integers(0, 10**6))
def test_the_energy_of_attention_never_rises(n, p, beta, seed):
    """Ten steps from five states at once; after a step none is longer than the longest pattern."""
    memory, x = (
        DenseMemory(random_patterns(p, n, rng=seed)),
        np.random.default_rng(seed).normal(size=(5, n)) * 2,
    )
    energy = memory.attention_energy(x, beta=beta)
    for _ in range(10):
        x = memory.attend(x, beta=beta)
        lower = memory.attention_energy(x, beta=beta)
        assert (lower <= energy + 1e-13 * (1 + n + abs(energy))).all()
        energy = lower
    assert (np.abs(x) <= 1 + 1e-12).all()


@given(st.integers(1, 12), st.integers(1, 6), st.floats(0.01, 50.0), st.integers(0, 10**6))
def test_the_energy_of_attention_is_that_of_the_definition(n, p, beta, seed):
    patterns, x = random_patterns(p, n, rng=seed), np.random.default_rng(seed).normal(size=n) * 2
    with mpmath.workdps(40):
        terms = [mpmath.exp(mpmath.mpf(beta) * mpmath.fsum(map(mpmath.mpf, row * x))) for row in patterns]
        exact = -mpmath.log(mpmath.fsum(terms)) / beta + mpmath.fsum(v**2 for v in map(mpmath.mpf, x)) / 2
    found = DenseMemory(patterns).attention_energy(x, beta=beta)
    assert type(found) is float
    assert found == pytest.approx(float(exact), rel=1e-12, abs=1e-11)


def test_a_step_is_the_gradient_of_the_energy():
    """x - grad E = attend(x), by central differences."""
    memory, x, beta = DenseMemory(PATTERNS), np.random.default_rng(1).normal(size=30), 0.4
    nudges = 1e-5 * np.eye(30)
    gradient = (
        memory.attention_energy(x + nudges, beta=beta) - memory.attention_energy(x - nudges, beta=beta)
    ) / 2e-5
    np.testing.assert_allclose(x - gradient, memory.attend(x, beta=beta), atol=1e-9)


def test_attention_from_all_patterns_to_the_nearest():
    memory, cue = DenseMemory(PATTERNS), corrupt(PATTERNS[2], 0.2, rng=1)
    np.testing.assert_allclose(memory.attend(cue, beta=0.0), PATTERNS.mean(axis=0), atol=1e-15)
    assert memory.attend(cue, beta=100.0).tolist() == PATTERNS[2].tolist()
    assert memory.attend(np.zeros((2, 3, 30)), beta=1.0).shape == (2, 3, 30)
    assert memory.attention_energy(np.zeros((2, 3, 30)), beta=1.0).shape == (2, 3)
    assert memory.attend(np.empty((0, 30)), beta=1.0).shape == (0, 30)
    assert memory.attend(cue.tolist(), beta=1).tolist() == memory.attend(cue, beta=1.0).tolist()


def test_a_sign_of_attention_in_between_is_a_step_of_the_exponential_memory():
    """With many neurons and P small a neuron's own share hardly counts: the same end from a near cue."""
    patterns = random_patterns(20, 400, rng=3)
    memory = DenseMemory(patterns, "exponential")
    for k in range(5):
        cue = corrupt(patterns[k], 0.3, rng=k)
        assert (
            np.sign(memory.attend(cue, beta=1.0)).astype(np.int8).tolist()
            == memory.recall(cue).spins.tolist()
        )


# What a memory keeps


@pytest.mark.parametrize("make", MEMORIES.values(), ids=MEMORIES)
def test_patterns_are_kept_as_a_copy(make, tmp_path):
    spins = random_spins(30)
    for patterns in (PATTERNS.copy(), PATTERNS[:1].copy()):
        memory, before = make(patterns), patterns.copy()
        patterns[:] = -1
        assert memory.patterns.tolist() == before.tolist()
        assert memory.energy(before[0]) == make(before).energy(before[0])
        with pytest.raises(ValueError, match="read-only"):
            memory.patterns[0] = 1
    for same in layouts(PATTERNS, tmp_path):
        assert make(same).recall(spins) == make(PATTERNS).recall(spins)
    memory = make(PATTERNS)
    for same in (copy.copy(memory), copy.deepcopy(memory), pickle.loads(pickle.dumps(memory))):
        assert same.recall(spins) == memory.recall(spins)
        assert repr(same) == repr(memory)
    frozen = random_spins(4, 2, 60)[..., ::2]
    frozen.flags.writeable = False
    assert memory.energy(frozen).tolist() == memory.energy(frozen.copy()).tolist()
    assert memory.local_fields(frozen).shape == (4, 2, 30)
    assert memory.energy(frozen[:0]).shape == (0, 2)


def test_memories_and_recalls_say_what_they_are():
    assert repr(DenseMemory(PATTERNS)) == "DenseMemory(5 patterns of 30 spins, degree 3)"
    assert repr(DenseMemory(PATTERNS[:1], "exponential")) == "DenseMemory(1 pattern of 30 spins, exponential)"
    memory, cue = DenseMemory(PATTERNS), random_spins(30)
    found, before = memory.recall(cue, beta=2.0, max_sweeps=7, rng=1), cue.copy()
    assert isinstance(found, Recall)
    assert memory.n_spins == 30
    assert (found.overlaps.shape, found.energy.shape) == ((8, 5), (8,))
    assert found.overlaps[-1].tolist() == overlap(PATTERNS, found.spins).tolist()
    assert found.energy[-1] == memory.energy(found.spins)
    assert cue.tolist() == before.tolist()
    assert found == memory.recall(cue, beta=2.0, max_sweeps=7, rng=1)
    assert found != memory.recall(cue, beta=2.0, max_sweeps=7, rng=2)


def test_one_neuron_and_one_pattern():
    one = np.ones((1, 1), dtype=np.int8)
    assert DenseMemory(one).recall(-one[0]).spins.tolist() == [1]
    assert DenseMemory(one, degree=4).recall(-one[0]).spins.tolist() == [-1]  # even: no field at all
    assert DenseMemory(one, "exponential").recall(-one[0]).spins.tolist() == [1]


def test_parallel_updates_of_higher_order_may_go_round():
    """Their periods are found whatever they are; many seeds settle."""
    periods = set()
    for seed in range(200):
        memory = DenseMemory(random_patterns(6, 9, rng=seed))
        periods.add(memory.recall(random_spins(9, seed=seed), dynamics="parallel", max_sweeps=600).period)
    assert 0 not in periods
    assert {1, 2} <= periods


# Refusals

ROWS = np.ones((2, 3), dtype=np.int8)
OF_MEMORY = [
    ({"patterns": ROWS.tolist()}, TypeError, "patterns must be an int8 array; got list"),
    ({"patterns": ROWS.astype(float)}, TypeError, "patterns must be an int8 array; got dtype float64"),
    ({"patterns": ROWS[0]}, ValueError, r"patterns must have the shape \(P, N\); got \(3,\)"),
    ({"patterns": ROWS[:0]}, ValueError, "patterns must be at least one; got none"),
    ({"patterns": ROWS[:, :0]}, ValueError, r"patterns must have the shape \(P, N\); got \(2, 0\)"),
    ({"patterns": ROWS * np.int8(0)}, ValueError, r"patterns must hold \+1 and -1 only; got 0 at \(0, 0\)"),
    ({"patterns": ROWS * np.int8(-128)}, ValueError, r"patterns must hold \+1 and -1 only; got -128"),
    (
        {"interaction": "cubic"},
        ValueError,
        "interaction must be one of 'polynomial', 'exponential'; got 'cubic'",
    ),
    ({"degree": 1}, ValueError, "degree must be at least 2; got 1"),
    ({"degree": 2.5}, TypeError, r"degree must be an integer; got 2\.5"),
    ({"degree": 600}, ValueError, "degree must be at most 494 for 3 spins; got 600"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), OF_MEMORY)
def test_impossible_memories_are_refused(wrong, error, message):
    with pytest.raises(error, match=message):
        DenseMemory(**({"patterns": ROWS} | wrong))


def test_too_many_entries_are_refused(monkeypatch):
    monkeypatch.setattr("smbook.hopfield.dense._MOST_PRODUCTS", 6)
    with pytest.raises(ValueError, match=r"fewer than 2\*\*31 entries in all; got \(2, 3\)"):
        DenseMemory(ROWS)


UP = np.ones(30, dtype=np.int8)
OF_RECALL = [
    ({"cue": UP[:29]}, ValueError, r"cue must be those of 30 spins, \(..., 30\); got shape \(29,\)"),
    ({"cue": UP[None]}, ValueError, r"cue must be one row of spins; got shape \(1, 30\)"),
    ({"cue": UP.astype(float)}, TypeError, "cue must be an int8 array; got dtype float64"),
    ({"cue": UP * np.int8(0)}, ValueError, r"cue must hold \+1 and -1 only; got 0"),
    ({"dynamics": "both"}, ValueError, "dynamics must be one of 'asynchronous', 'parallel'; got 'both'"),
    ({"order": "fixed"}, ValueError, "order must be one of 'sequential', 'random'; got 'fixed'"),
    ({"beta": -1.0}, ValueError, r"beta must be at least 0; got -1\.0"),
    ({"beta": math.nan}, ValueError, "beta must be finite; got nan"),
    ({"max_sweeps": -1}, ValueError, "max_sweeps must be at least 0; got -1"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), OF_RECALL)
def test_bad_input_of_a_recall_is_refused_before_anything_is_touched(wrong, error, message):
    check_refusal(DenseMemory(PATTERNS).recall, {"cue": UP.copy()} | wrong, error, message)


OF_ATTENTION = [
    ({"states": np.ones(29)}, ValueError, r"states must have 30 entries each, \(..., 30\); got \(29,\)"),
    ({"states": 1.0}, ValueError, r"states must have 30 entries each, \(..., 30\); got \(\)"),
    ({"states": np.full(30, math.inf)}, ValueError, "states must be finite; got inf"),
    ({"states": ["a"] * 30}, TypeError, "states must hold real numbers"),
    ({"states": np.ones(30) * 1j}, TypeError, "states must hold real numbers; got dtype complex128"),
    ({"beta": -0.5}, ValueError, r"beta must be at least 0; got -0\.5"),
    ({"beta": math.inf}, ValueError, "beta must be finite; got inf"),
    ({"beta": None}, TypeError, "beta must be a real number; got None"),
    (
        {"states": np.full(30, 1e300), "beta": 1e10},
        ValueError,
        r"overflows; got beta=1\d*\.?\d*.*up to 1e\+300",
    ),
]


@pytest.mark.parametrize(("wrong", "error", "message"), OF_ATTENTION)
def test_impossible_queries_are_refused(wrong, error, message):
    memory = DenseMemory(PATTERNS)
    for ask in (memory.attend, memory.attention_energy):
        with pytest.raises(error, match=message):
            ask(**({"states": np.ones(30), "beta": 1.0} | wrong))


def test_an_energy_at_infinite_temperature_is_refused():
    with pytest.raises(ValueError, match=r"beta must be positive for an energy; got 0\.0"):
        DenseMemory(PATTERNS).attention_energy(np.ones(30), beta=0)
