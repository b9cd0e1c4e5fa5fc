"""What the chapter on dense memories writes out agrees with smbook, and its claims hold on other seeds."""

import math

import numpy as np
import pytest
from scipy.linalg import hadamard
from scipy.special import softmax
from scipy.stats import binom

from smbook import hopfield, statistics
from smbook.hopfield import DenseMemory, corrupt, random_patterns
from smbook.theory import hopfield as theory
from smbook.widgets import Question
from tests.chapters import Chapter

CHAPTER = Chapter(
    "hopfield/dense-associative-memory.ipynb",
    np=np,
    hopfield=hopfield,
    statistics=statistics,
    theory=theory,
    DenseMemory=DenseMemory,
    random_patterns=random_patterns,
    corrupt=corrupt,
    softmax=softmax,
    binom=binom,
    Question=Question,
)
SEEDS = range(10)
NOISE = CHAPTER.functions("noise-figure")
gain, noise_variance, crosstalk = (NOISE[name] for name in ("gain", "noise_variance", "crosstalk"))
wrong_bits = CHAPTER.definitions("algorithm-dense-error").wrong_bits
half_load = CHAPTER.definitions("algorithm-dense-capacity").half_load
memory_of = CHAPTER.functions("loads")["memory_of"]
settle = CHAPTER.functions("attention-descent")["settle"]


# ---- Steeper energies.


@pytest.mark.parametrize("seed", SEEDS)
def test_recall_as_it_is_written_out_is_that_of_the_package(seed):
    recall_dense = CHAPTER.definitions("algorithm-dense").recall_dense
    rng = np.random.default_rng(seed)
    patterns = random_patterns(90, 30, rng=rng)
    cue = corrupt(patterns[0], 0.3, rng=rng)
    for degree in (2, 3, 4, 5):
        found = DenseMemory(patterns, degree=degree).recall(cue).spins
        assert np.array_equal(recall_dense(patterns, cue, lambda total, n=degree: total**n), found)
    exponential = DenseMemory(patterns, "exponential").recall(cue).spins
    assert np.array_equal(recall_dense(patterns, cue, lambda total: np.exp(total.astype(float))), exponential)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_update_raises_the_energy(seed):
    energies_along = CHAPTER.functions("descent-figure")["energies_along"]
    rng = np.random.default_rng(seed)
    patterns = random_patterns(40, 20, rng=rng)
    for degree in (2, 3, np.inf):
        falling = energies_along(memory_of(patterns, degree), corrupt(patterns[0], 0.3, rng=rng))
        assert (np.diff(falling) < 1e-9).all()
        assert falling[-1] < falling[0]


def test_where_the_memories_of_64_neurons_break_off():
    """Between 8 and 16 patterns for pairs, beyond 100 and 1000 for degrees 3 and 4, and not at all."""
    ends = {}
    for degree, count in ((2, 8), (2, 32), (3, 128), (3, 512), (4, 1024), (4, 4096), (np.inf, 4096)):
        found = []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            memory = memory_of(random_patterns(count, 64, rng=rng), degree)
            cues = [corrupt(memory.patterns[k % count], 0.1, rng=rng) for k in range(10)]
            found += [memory.recall(cue).overlaps[-1, k % count] for k, cue in enumerate(cues)]
        ends[degree, count] = np.mean(found)
    assert min(ends[2, 8], ends[3, 128], ends[4, 1024], ends[np.inf, 4096]) > 0.97
    assert max(ends[2, 32], ends[3, 512], ends[4, 4096]) < 0.75


# ---- Signal and noise.


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_the_noise_that_is_drawn_is_that_of_a_memory(degree):
    """Mean, variance and the share beyond two deviations, from 400 memories and from the law of the coins."""
    rng = np.random.default_rng(degree)
    scale = 20.0 ** (1 - degree) / degree
    fields = []
    for _ in range(400):
        patterns = random_patterns(15, 20, rng=rng)
        first = patterns[0]
        fields.append(first * DenseMemory(patterns, degree=degree).local_fields(first) / scale)
    noise = np.array(fields) - gain(19.0, degree)
    deviation = math.sqrt(14 * noise_variance(20, degree))
    drawn = crosstalk(20, 15, degree, 40_000, rng)
    assert abs(noise.mean()) < 4 * deviation / math.sqrt(400)
    assert noise.std() == pytest.approx(deviation, rel=0.1)
    assert drawn.std() == pytest.approx(deviation, rel=0.05)
    beyond = [np.mean(abs(found) > 2 * deviation) for found in (noise, drawn)]
    assert beyond[0] == pytest.approx(beyond[1], abs=0.012)


def test_tails_are_longer_than_a_gaussian_s():
    beyond = {}
    for degree in (2, 3, 4):
        z = [
            crosstalk(64, 100, degree, 20_000, np.random.default_rng(seed))
            / math.sqrt(99 * noise_variance(64, degree))
            for seed in range(4)
        ]
        beyond[degree] = np.mean(abs(np.array(z)) > 4)
    assert beyond[2] < 0.0001 < beyond[3] < beyond[4]


def test_shares_of_wrong_bits_follow_the_exact_law():
    """A law that left out one pattern of twelve would be off by 4 errors at the second load."""
    for degree, n_spins, count in ((2, 64, 24), (3, 64, 400), (4, 32, 512)):
        z = []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            shares = [wrong_bits(n_spins, count, degree, 12, rng).mean() for _ in range(60)]
            value, error = statistics.disorder_mean(shares).mean
            z.append((value - theory.dense_one_step_error_exact(count, n_spins, degree)) / error)
        assert abs(np.mean(z)) < 4 / math.sqrt(10)
        assert np.std(z) < 2


def test_errors_come_in_company_for_degree_3_and_avoid_each_other_for_degree_4():
    """The variance of the number of wrong bits over that of independent ones."""
    ratio = {}
    for degree, n_spins in ((3, 16), (4, 16)):
        count = round(half_load(n_spins, degree))
        numbers = []
        for seed in range(60):
            shares = wrong_bits(n_spins, count, degree, 100, np.random.default_rng(seed))
            numbers.extend(n_spins * shares)
        p = np.mean(numbers) / n_spins
        ratio[degree] = np.var(numbers) / (n_spins * p * (1 - p))
    assert ratio[3] > 1.5
    assert ratio[4] < 0.9


def test_about_half_of_the_patterns_are_stored_at_the_computed_loads():
    for degree, n_spins in ((2, 64), (3, 32), (3, 64), (4, 32)):
        count = round(half_load(n_spins, degree))
        kept = [
            np.mean(wrong_bits(n_spins, count, degree, 100, np.random.default_rng(seed)) == 0)
            for seed in range(60)
        ]
        assert np.mean(kept) == pytest.approx(0.53, abs=0.07)


# ---- The exponential memory.


def test_all_patterns_are_stored_as_long_as_no_two_are_neighbours():
    all_stored = CHAPTER.definitions("algorithm-dense-pairs").all_stored
    z = []
    for n_spins, count in ((8, 7), (10, 12), (12, 22), (14, 40)):
        share = math.exp(-count * (count - 1) / 2 * n_spins / 2**n_spins)
        rng = np.random.default_rng(n_spins)
        found = np.mean([all_stored(n_spins, count, rng) for _ in range(1000)])
        z.append((found - share) / math.sqrt(share * (1 - share) / 1000))
    assert np.abs(z).max() < 4


def test_of_two_neighbours_one_is_stored():
    for seed in SEEDS:
        patterns = random_patterns(9, 12, rng=seed)
        patterns[1] = patterns[0]
        patterns[1, 4] *= -1
        fields = DenseMemory(patterns, "exponential").local_fields(patterns[:2])
        assert sorted((fields * patterns[:2] > 0).all(axis=1)) == [False, True]


def test_half_of_the_patterns_are_stored_when_each_has_about_one_neighbour():
    """A neuron errs as often as the law of close neighbours says, to a tenth; a pattern more often."""
    for n_spins in (12, 13):
        count = round(2**n_spins * math.log(4) / n_spins)
        bits, kept = [], []
        for seed in range(20):
            stored = random_patterns(count, n_spins, rng=seed)
            wrong = DenseMemory(stored, "exponential").local_fields(stored) * stored < 0
            bits.append(wrong.mean())
            kept.append(np.mean(~wrong.any(axis=1)))
        assert np.mean(bits) == pytest.approx(count / 2 ** (n_spins + 1), rel=0.14)
        assert np.mean(kept) == pytest.approx(0.457, abs=0.02)


def test_a_pattern_with_a_single_neighbour_rarely_survives():
    kept = []
    for seed in range(60):
        stored = random_patterns(473, 12, rng=seed)
        right = (DenseMemory(stored, "exponential").local_fields(stored) * stored >= 0).all(axis=1)
        neighbours = (stored.astype(int) @ stored.T == 10).sum(axis=1)
        kept.append(right[neighbours == 1].mean())
    assert np.mean(kept) == pytest.approx(0.25, abs=0.04)


def test_no_memory_beats_the_nearest_pattern_and_the_steepest_comes_close():
    written = CHAPTER.definitions("algorithm-basins", memory_of=memory_of)
    share_home, nearest, recall_by = written.share_home, written.nearest, written.recall_by
    shares = {name: [] for name in ("nearest", 3, 4, np.inf)}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        patterns = random_patterns(200, 100, rng=rng)
        turned = rng.random(patterns.shape) < 0.33
        cues = np.where(turned, -patterns, patterns)
        shares["nearest"].append(share_home(nearest(patterns), patterns, cues))
        for degree in (3, 4, np.inf):
            shares[degree].append(share_home(recall_by(patterns, degree), patterns, cues))
    means = {name: np.mean(found) for name, found in shares.items()}
    assert means[3] + 0.1 < means[4] < means[np.inf] < means["nearest"] + 0.005
    assert means["nearest"] - means[np.inf] < 0.06


# ---- Attention.


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_of_recall_is_an_attention_head(seed):
    attention_head = CHAPTER.definitions("algorithm-attention").attention_head
    rng = np.random.default_rng(seed)
    patterns, queries = random_patterns(50, 36, rng=rng), rng.normal(size=(7, 36))
    head = attention_head(queries, patterns.astype(float), patterns.astype(float))
    step = DenseMemory(patterns).attend(queries, beta=1 / 6)
    assert np.abs(head - step).max() < 1e-12


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_lowers_the_energy_by_half_of_its_square(seed):
    rng = np.random.default_rng(seed)
    memory, states = DenseMemory(random_patterns(50, 36, rng=rng)), 3 * rng.normal(size=(40, 36))
    for sharpness in (0.01, 0.1, 1.0):
        after = memory.attend(states, beta=sharpness)
        fall = memory.attention_energy(states, beta=sharpness) - memory.attention_energy(
            after, beta=sharpness
        )
        assert (fall - ((after - states) ** 2).sum(axis=1) / 2 > -1e-9).all()


def test_opposite_patterns_are_a_magnet_and_orthogonal_ones_a_potts_magnet():
    walsh = hadamard(32).astype(np.int8)
    opposite = DenseMemory(np.array([walsh[3], -walsh[3]]))
    assert opposite.attend(0.4 * walsh[3], beta=0.1) == pytest.approx(math.tanh(0.1 * 32 * 0.4) * walsh[3])
    for count, sharpness in ((8, 4.2), (8, 4.3), (16, 5.1), (16, 5.25)):
        memory = DenseMemory(walsh[:count])
        similar = walsh[:count] @ settle(memory, walsh[0].astype(float), sharpness / 32) / 32
        s = similar[0] - similar[1:].mean()
        assert similar[1:] == pytest.approx(np.full(count - 1, (1 - s) / count), abs=1e-9)
        recalled = {8: 4.2498, 16: 5.1890}[count] < sharpness
        assert (s > 0.5) == recalled
        if recalled:
            assert s == pytest.approx(
                math.expm1(sharpness * s) / (math.exp(sharpness * s) + count - 1), abs=1e-9
            )


def test_the_mean_of_all_attracts_as_long_as_it_is_not_too_sharp():
    walsh = hadamard(32).astype(np.int8)
    memory = DenseMemory(walsh[:6])
    for sharpness, stays in ((5.8, True), (6.2, False)):
        begin = walsh[:6].mean(axis=0) + 1e-4 * (walsh[0] - walsh[:6].mean(axis=0))
        end = settle(memory, begin, sharpness / 32)
        assert (np.abs(end - walsh[:6].mean(axis=0)).max() < 1e-6) == stays


def test_groups_are_averaged_in_between():
    """All twelve, about the four of the group, and one: at three temperatures, for other patterns."""
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        centres = random_patterns(3, 64, rng=rng)
        family = np.array([corrupt(centre, 0.1, rng=rng) for centre in centres for _ in range(4)])
        query = corrupt(family[0], 0.05, rng=rng).astype(float)
        counts = []
        for sharpness in (0.01, 0.1, 0.5):
            w = softmax(sharpness * (family @ settle(DenseMemory(family), query, sharpness)))
            counts.append(np.exp(-np.sum(w * np.log(w + 1e-300))))
        found.append(counts)
    all_of_them, group, one = np.transpose(found)
    assert all_of_them.min() > 11.8
    assert np.median(group) == pytest.approx(4.2, abs=0.5)
    assert one.max() < 1.1


# ---- Questions and exercises.


def test_the_questions_have_the_answers_of_the_text():
    assert CHAPTER.question("question-power").check(20).right
    assert CHAPTER.question("question-all").check(270).right
    assert not CHAPTER.question("question-all").check(1024).right


def test_the_numbers_of_the_exercises():
    assert half_load(100, 3) == pytest.approx(542, abs=1)
    assert 100**2 / 6 / math.log(100) == pytest.approx(362, abs=0.5)
    assert noise_variance(64, 3) == pytest.approx(106408, abs=0.01)
    assert gain(63.0, 3) ** 2 / noise_variance(64, 3) == pytest.approx(1332.6, abs=0.1)


def test_all_at_once_there_are_longer_cycles_but_for_pairs():
    longer = {2: 0, 3: 0, 4: 0}
    for degree in longer:
        for seed in range(300):
            memory = DenseMemory(random_patterns(30, 10, rng=seed), degree=degree)
            cue = corrupt(np.ones(10, dtype=np.int8), 0.5, rng=seed)
            longer[degree] += memory.recall(cue, dynamics="parallel", max_sweeps=1000).period > 2
    assert longer[2] == 0
    assert min(longer[3], longer[4]) > 2
