"""What the chapter on associative memory writes out agrees with smbook, and holds on other seeds."""

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import gammaln
from sklearn.datasets import load_digits

from smbook import network, statistics
from smbook.hopfield import (
    basin,
    corrupt,
    hebb,
    overlap,
    pseudo_inverse,
    random_patterns,
    recall,
    unlearn,
)
from smbook.theory import hopfield as theory
from smbook.widgets import HopfieldLab, Question
from tests.chapters import Chapter

SEEDS = range(10)
DIGITS = load_digits()
IMAGES = np.where(DIGITS.images.reshape(-1, 64) > 8, 1, -1).astype(np.int8)
CHAPTER = Chapter(
    "hopfield/associative-memory.ipynb",
    np=np,
    network=network,
    statistics=statistics,
    theory=theory,
    gammaln=gammaln,
    hebb=hebb,
    corrupt=corrupt,
    recall=recall,
    overlap=overlap,
    random_patterns=random_patterns,
    Question=Question,
    images=IMAGES,
    digits=DIGITS,
)
GROUPS = np.array([(1, 1, 1), (1, 1, -1), (1, -1, 1), (1, -1, -1)], dtype=np.int8)


def orthogonal(n):
    """Return three orthogonal patterns."""
    return np.repeat(GROUPS, n // 4, axis=0).T.copy()


def majority(patterns):
    return np.sign(patterns.sum(axis=0, dtype=int)).astype(np.int8)


def start(n, rng):
    return random_patterns(1, n, rng=rng)[0]


@pytest.fixture(scope="module")
def by_hand():
    return CHAPTER.definitions("algorithm-recall")


@pytest.fixture(scope="module")
def shares():
    kinds = {"3-mix": [0.5] * 3, "5-mix": [0.375] * 5, "unequal": [0.5] * 2 + [0.25] * 3}
    return CHAPTER.definitions("algorithm-shares", KINDS=kinds)


# ---- Neurons, one pattern, many.


@pytest.mark.parametrize("seed", SEEDS)
def test_recall_by_hand_is_that_of_the_package(by_hand, seed):
    """Also from random starts of an even number of neurons, where many fields are zero."""
    rng = np.random.default_rng(seed)
    patterns = random_patterns(4, 60, rng=rng)
    assert by_hand.hebb_couplings(patterns) == pytest.approx(hebb(patterns).couplings, abs=1e-15)
    for cue in (corrupt(patterns[0], 0.3, rng=rng), start(60, rng)):
        ends = by_hand.recall_by_hand(by_hand.hebb_couplings(patterns), cue)
        assert (ends == recall(hebb(patterns), cue).spins).all()


def test_one_pattern_is_restored_by_one_sweep():
    for seed in SEEDS:
        pattern = random_patterns(1, 100, rng=seed)
        found = recall(hebb(pattern), corrupt(pattern[0], 0.49, rng=seed), max_sweeps=1)
        assert (found.spins == pattern[0]).all()


def test_energy_and_fields_are_those_of_the_overlaps():
    rng = np.random.default_rng(3)
    patterns, spins = random_patterns(7, 90, rng=rng), start(90, rng)
    m = overlap(patterns, spins)
    assert hebb(patterns).energy(spins) == pytest.approx(-45 * np.sum(m**2) + 3.5, abs=1e-12)
    fields = hebb(patterns).couplings @ spins
    assert fields == pytest.approx(m @ patterns - 7 / 90 * spins, abs=1e-12)


def test_the_letters_come_back_from_noise_and_from_their_upper_halves():
    letters = HopfieldLab(running=False).patterns
    memory = hebb(letters)
    assert abs(overlap(letters, letters) - np.eye(4)).max() < 0.095
    for letter in letters:
        covered = letter.copy()
        covered[128:] = -1
        assert (recall(memory, covered).spins == letter).all()
        ends = [recall(memory, corrupt(letter, 0.35, rng=seed)).spins for seed in range(100)]
        assert np.mean(np.all(ends == letter, axis=1)) > 0.94


def test_recall_makes_fewer_flips_than_its_bound():
    rng = np.random.default_rng(8)
    for _ in SEEDS:
        patterns = random_patterns(5, 200, rng=rng)
        assert 0 < recall(hebb(patterns), start(200, rng)).flips < 200**2 * 5 / 4 / 100


# ---- Downhill, and what breaks it.


@pytest.mark.parametrize("seed", SEEDS)
def test_only_without_symmetry_the_energy_rises(seed):
    descend = CHAPTER.functions("downhill-figure")["descend"]
    rng = np.random.default_rng(seed)
    couplings = hebb(random_patterns(10, 200, rng=rng)).couplings
    shuffled = rng.permutation(couplings.ravel()).reshape(200, 200)
    np.fill_diagonal(shuffled, 0)
    cue = start(200, rng)
    assert np.diff(descend(couplings, cue, 8)).max() < 1e-9
    assert np.sum(np.diff(descend(shuffled, cue, 8)) > 1e-9) > 10


def test_a_network_that_listens_to_itself():
    recall_with_self = CHAPTER.functions("self-code")["recall_with_self"]
    home = {0.0: [], 0.25: [], 0.5: []}
    for seed in range(60):
        patterns = random_patterns(10, 200, rng=seed)
        couplings, cue = hebb(patterns).couplings, corrupt(patterns[0], 0.35, rng=seed)
        for a, found in home.items():
            spins, flips = recall_with_self(couplings, cue, a)
            assert flips == 0
            found.append(spins @ patterns[0] / 200 >= 0.95)
        assert recall_with_self(couplings, cue, -1.5)[1] > 0
    small, large = np.mean(home[0.25]), np.mean(home[0.5])
    assert abs(small - np.mean(home[0.0])) < 0.12
    assert large < 0.35 < 0.75 < small


@pytest.mark.parametrize("seed", range(200))
def test_all_at_once_ends_in_fixed_points_or_two_cycles(seed):
    """Small whole numbers as couplings, so that fields are often zero; L never rises."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.integers(-2, 3, (8, 8)), 1)
    couplings = (upper + upper.T).astype(float)
    states = [start(8, rng)]
    for _ in range(40):
        fields = couplings @ states[-1]
        states.append(np.where(fields == 0, states[-1], np.sign(fields)).astype(np.int8))
    assert (states[-1] == states[-3]).all()
    falling = [-(now @ couplings @ before) for before, now in itertools.pairwise(states)]
    assert np.diff(falling).max() <= 0
    found = recall(network.SpinNetwork(couplings), states[0], dynamics="parallel")
    assert found.period == (1 if (states[-1] == states[-2]).all() else 2)


def test_two_neurons_change_places():
    pair = network.SpinNetwork(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert recall(pair, np.array([1, -1], dtype=np.int8), dynamics="parallel").outcome == "two-cycle"


def test_two_cycles_are_rare_at_low_load_and_few_neurons_blink():
    rng, found = np.random.default_rng(5), {}
    for n_patterns in (5, 75):
        blinking = []
        for _ in range(300):
            memory = hebb(random_patterns(n_patterns, 500, rng=rng))
            end = recall(memory, start(500, rng), dynamics="parallel", max_sweeps=1000)
            if end.outcome == "two-cycle":
                blinking.append(recall(memory, end.spins, dynamics="parallel", max_sweeps=1).flips)
        found[n_patterns] = blinking
    assert len(found[5]) <= 6
    assert 90 < len(found[75]) < 180
    assert 3 < np.mean(found[75]) < 8
    assert max(found[75]) < 30


@pytest.mark.parametrize("seed", SEEDS)
def test_a_song_is_played_all_at_once_only(seed):
    song = random_patterns(5, 400, rng=seed)
    leading = np.roll(song, -1, axis=0).T.astype(float) @ song / 400
    np.fill_diagonal(leading, 0)
    cue = corrupt(song[0], 0.2, rng=seed)
    played = recall(leading, cue, dynamics="parallel", patterns=song)
    assert played.outcome == "cycle of 5"
    assert np.argmax(played.overlaps[1:11], axis=1).tolist() == [1, 2, 3, 4, 0] * 2
    assert recall(leading, cue, patterns=song).overlaps[2:].max() < 0.8


# ---- Digits.


def test_hebb_confuses_digits_and_the_pseudo_inverse_does_not():
    cell = CHAPTER.functions("digits-table")
    found = {}
    for seed, count in itertools.product(SEEDS, (2, 3, 4, 10)):
        rng = np.random.default_rng([seed, count])
        for _ in range(10):
            images, chance = cell["some_digits"](count, rng), random_patterns(count, 64, rng=rng)
            row = [
                cell["kept_and_home"](*pair, rng)
                for pair in ((images, hebb), (images, pseudo_inverse), (chance, hebb))
            ]
            found.setdefault(count, []).append(row)
    means = {count: np.mean(rows, axis=0) for count, rows in found.items()}
    assert means[2][0] == pytest.approx([1, 1], abs=0.01)
    assert means[3][0, 0] == pytest.approx(0.57, abs=0.13)
    assert means[4][0].max() < 0.15
    assert means[10][0].max() < 0.02
    for count in means:
        assert means[count][1, 0] == 1
        assert means[count][1, 1] > 0.97
    assert means[4][2].min() > 0.97
    assert 0.7 < means[10][2, 0] < 0.9


def test_the_margins_of_three_patterns():
    """The first pattern is stable exactly if the worst neuron's margin is not negative."""
    rng = np.random.default_rng(1)
    some_digits = CHAPTER.functions("digits-table")["some_digits"]
    stable = []
    for _ in range(100):
        first, second, third = patterns = some_digits(3, rng)
        margin = 1 - 3 / 64 + overlap(first, second) * first * second + overlap(first, third) * first * third
        kept = recall(hebb(patterns), first).flips == 0
        assert kept == (margin.min() > -1e-12)
        stable.append(kept)
        two = recall(hebb(patterns[:2]), first).flips == 0
        assert two or overlap(first, second) >= 1 - 2 / 64
    assert 0.3 < np.mean(stable) < 0.8


# ---- Few patterns at a temperature.


@pytest.mark.parametrize(("seed", "temperature"), [(1, 0.4), (2, 0.9), (3, 2.0)])
def test_the_sum_over_columns_is_that_over_states(seed, temperature):
    patterns = random_patterns(3, 12, rng=seed)
    exact = CHAPTER.definitions("algorithm-columns").exact_averages(patterns, 1 / temperature)
    states = np.array(list(itertools.product((-1, 1), repeat=12)), dtype=np.int8)
    energies, largest = hebb(patterns).energy(states), np.abs(overlap(patterns, states)).max(axis=1)
    weights = np.exp(-(energies - energies.min()) / temperature)
    weights /= weights.sum()
    assert exact == pytest.approx((weights @ largest, weights @ energies / 12), rel=1e-12)


def test_measured_overlaps_are_the_exact_ones_of_their_size_and_not_the_limit():
    patterns, scores = orthogonal(40), []
    exact_averages = CHAPTER.definitions("algorithm-columns").exact_averages
    for seed, temperature in itertools.product(SEEDS, (0.5, 0.8, 1.1)):
        run = recall(hebb(patterns), patterns[0], beta=1 / temperature, max_sweeps=20_000, rng=seed)
        series = np.abs(run.overlaps[500:]).max(axis=1), run.energy[500:] / 40
        exact = exact_averages(patterns, 1 / temperature)
        scores.append([statistics.mean(one).z(x) for one, x in zip(series, exact, strict=True)])
        if temperature == 0.8:
            assert statistics.mean(series[0]).z(theory.mixture(1, 1 / 0.8).overlap) < -20
    assert abs(np.mean(scores)) < 4 / np.sqrt(30)
    assert np.std(scores, axis=0) == pytest.approx([1, 1], abs=0.45)


def test_the_printed_tables_of_low_load_are_exact_within_their_errors():
    rows = [line.split() for line in CHAPTER.printed("low-load").splitlines()[1:]]
    assert len(rows) == 8
    assert max(abs(float(z)) for row in rows for z in (row[-1], row[-5])) < 4
    gaps = [line.split()[-1] for line in CHAPTER.printed("low-load-figure").splitlines()]
    scaled = [(float(gap.split("(")[0]), int(gap.split("(")[1][:-1]) / 100) for gap in gaps]
    assert all(abs(value - 1.8) < 4 * error for value, error in scaled)


def test_directly_below_the_critical_temperature_only_patterns_are_stable():
    for n in range(2, 8):
        assert not theory.mixture(n, 1 / 0.95).stable
    assert theory.mixture(1, 1 / 0.95).stable
    m, beta = np.array([0.06, -0.03, 0.02]), 1 / 0.97
    columns = np.array(list(itertools.product((-1, 1), repeat=3)))
    exact = m @ m / 2 - np.mean(np.log(2 * np.cosh(beta * columns @ m))) / beta
    quartic = 3 * (m @ m) ** 2 - 2 * np.sum(m**4)
    assert exact == pytest.approx(
        -np.log(2) / beta + (1 - beta) / 2 * (m @ m) + beta**3 / 12 * quartic, abs=1e-7
    )


# ---- Mixtures.


def test_all_mixtures_of_three_are_fixed_points_and_no_even_one_is_a_minimum():
    columns = np.array(list(itertools.product((-1, 1), repeat=4)), dtype=np.int8)
    patterns = np.repeat(columns, 15, axis=0).T.copy()
    memory, found = hebb(patterns), set()
    for three in itertools.combinations(range(4), 3):
        for signs in itertools.product((-1, 1), repeat=3):
            state = majority(np.array(signs, dtype=np.int8)[:, None] * patterns[list(three)])
            assert recall(memory, state).flips == 0
            found.add(state.tobytes())
    assert len(found) == 8 * 4
    votes = patterns[:2].sum(axis=0, dtype=int)
    tied = np.flatnonzero(votes == 0)
    even, tilted = (np.where(votes, np.sign(votes), 0).astype(np.int8) for _ in range(2))
    even[tied], tilted[tied] = np.tile([1, -1], tied.size // 2), patterns[2, tied]
    assert memory.energy(tilted) < memory.energy(even) - 10


def test_a_vote_of_unequal_weights_is_stable():
    columns = np.array(list(itertools.product((-1, 1), repeat=5)), dtype=np.int8)
    patterns = np.repeat(columns, 15, axis=0).T.copy()
    state = majority(np.array([2, 2, 1, 1, 1], dtype=np.int8)[:, None] * patterns)
    assert overlap(patterns, state).tolist() == [0.5, 0.5, 0.25, 0.25, 0.25]
    assert recall(hebb(patterns), state).flips == 0


def test_where_mixtures_lose_their_stability():
    mismatch = CHAPTER.functions("stability-code")["mismatch"]
    t = brentq(mismatch, 0.1, 0.9)
    assert t == pytest.approx(theory.mixture_stability_temperature(3), abs=1e-12)
    m = theory.mixture(3, 1 / t).overlap
    assert m == pytest.approx((np.tanh(3 * m / t) + np.tanh(m / t)) / 4, abs=1e-12)
    columns = np.array(list(itertools.product((-1, 1), repeat=3)))
    sech = 1 / np.cosh(columns.sum(axis=1) * m / t) ** 2
    hessian = np.eye(3) - np.einsum("ka,kb,k->ab", columns, columns, sech) / 8 / t
    lowest = np.linalg.eigvalsh(hessian)
    assert lowest[:2] == pytest.approx([0, 0], abs=1e-10)
    assert min(lowest[2], 1 - sech.mean() / t) > 0.05


def test_random_starts_end_in_patterns_mirror_images_and_mixtures(shares):
    found = {}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        for key in ((3, 1000), (5, 1000), (50, 1000), (20, 4000), (20, 1000)):
            found.setdefault(key, []).extend(shares.ends(*key, rng, tries=40))
    counts = {key: Counter(names) for key, names in found.items()}
    assert counts[3, 1000]["3-mix"] / 400 == pytest.approx(0.29, abs=0.09)
    both = counts[3, 1000]["pattern"], counts[3, 1000]["mirror"]
    assert abs(both[0] - both[1]) < 4 * np.sqrt(sum(both))
    assert sum(both) + counts[3, 1000]["3-mix"] > 396
    assert counts[5, 1000]["unequal"] > 2
    assert counts[50, 1000]["other"] > 360
    assert counts[20, 4000]["pattern"] + counts[20, 4000]["mirror"] > 360
    assert 50 < counts[20, 1000]["other"] < 140


def test_with_three_patterns_and_many_neurons_about_one_start_in_three_ends_in_a_mixture():
    rng, patterns_found = np.random.default_rng(6), 0
    for _ in range(1200):
        patterns = random_patterns(3, 40_000, rng=rng)
        ends = recall(hebb(patterns), start(40_000, rng), dynamics="parallel", max_sweeps=5)
        patterns_found += np.abs(ends.overlaps[-1]).max() > 0.75
    limit = 6 / np.pi * np.arcsin(1 / 3)
    assert patterns_found / 1200 == pytest.approx(limit + 0.015, abs=0.06)
    normal = np.sort(np.abs(rng.normal(size=(400_000, 3))), axis=1)
    assert np.mean(normal[:, 2] > normal[:, 0] + normal[:, 1]) == pytest.approx(limit, abs=0.004)


def test_noise_removes_mixtures_and_leaves_patterns(shares):
    found = {None: 0, 0.4: 0, 0.6: 0}
    for seed in SEEDS:
        for temperature in found:
            names = shares.ends(5, 1000, np.random.default_rng(seed), temperature=temperature, tries=30)
            found[temperature] += names.count("pattern") + names.count("mirror")
    assert found[None] < 220
    assert found[0.4] > 288
    assert found[0.6] > 294


def test_how_long_a_mixture_lives_depends_on_the_number_of_neurons():
    def survives(patterns, temperature, seed):
        run = recall(hebb(patterns), majority(patterns), beta=1 / temperature, max_sweeps=100, rng=seed)
        return np.abs(run.overlaps[-10:].mean(axis=0)).max() < 0.7

    def share(n, temperature, drawn=orthogonal, seeds=SEEDS):
        return np.mean([survives(drawn(n), temperature, seed) for seed in seeds])

    assert share(240, 0.3) < 0.4
    assert share(1000, 0.3) > 0.8
    assert share(1000, 0.4) == 0
    assert share(16_000, 0.4, seeds=range(5)) > 0.5
    assert share(16_000, 0.44, seeds=range(5)) == 0
    assert share(4000, 0.5) == 0
    rng = np.random.default_rng(7)
    assert share(16_000, 0.4, lambda n: random_patterns(3, n, rng=rng), range(5)) < 0.8


def test_more_patterns_make_smaller_basins():
    found = {5: [], 25: [], 50: []}
    for seed, n_patterns in itertools.product(SEEDS, found):
        patterns = random_patterns(n_patterns, 500, rng=seed)
        found[n_patterns].append(
            basin(hebb(patterns), patterns[0], noise=[0.2, 0.35, 0.4, 0.5], n_cues=30, rng=seed).share
        )
    means = {n_patterns: np.mean(rows, axis=0) for n_patterns, rows in found.items()}
    assert means[5][2] > 0.95
    assert means[25][1] > 0.88
    assert 0.35 < means[25][2] < 0.85
    assert means[50][0] > 0.9
    assert means[50][1] < 0.4
    assert max(row[3] for row in means.values()) < 0.02


# ---- Exercises and questions.


def test_what_random_starts_of_the_live_figure_find():
    patterns = HopfieldLab(kind="random", count=5, seed=1, running=False).patterns
    memory, rng, found = hebb(patterns), np.random.default_rng(1), Counter()
    for _ in range(600):
        m = recall(memory, start(256, rng), order="random", rng=rng).overlaps[-1]
        found["pattern" if m.max() > 0.9 else "mirror" if m.min() < -0.9 else "spurious"] += 1
    assert found["pattern"] / 600 == pytest.approx(0.32, abs=0.08)
    assert found["mirror"] / 600 == pytest.approx(0.32, abs=0.08)
    warmed = [
        recall(memory, start(256, rng), beta=1 / 0.6, max_sweeps=20, order="random", rng=rng).spins
        for _ in range(50)
    ]
    assert np.mean([np.abs(recall(memory, spins).overlaps[-1]).max() > 0.9 for spins in warmed]) > 0.9


def test_some_dreams_help_and_too_many_harm():
    rng, found = np.random.default_rng(9), []
    for _ in range(30):
        patterns, row = random_patterns(10, 100, rng=rng), []
        for dreams in (0, 400, 1600):
            memory = unlearn(hebb(patterns), rate=0.01, n_dreams=dreams, rng=rng)
            kept = np.mean([recall(memory, pattern).flips == 0 for pattern in patterns])
            tries = np.array([recall(memory, start(100, rng)).spins for _ in range(30)])
            row.append((kept, np.mean(np.abs(overlap(patterns, tries)).max(axis=1) > 0.95)))
        found.append(row)
    none, some, many = np.mean(found, axis=0)
    assert some[0] > 0.99 > none[0] > 0.85
    assert some[1] > 0.6 > 0.53 > none[1]
    assert many.max() < 0.05


def test_questions_take_right_answers_and_know_usual_mistakes():
    flip = CHAPTER.question("question-flip")
    assert flip.check("1.22").right
    assert "itself" in flip.check("1.2").words
    assert "twice" in flip.check("0.61").words
    count = CHAPTER.question("question-count")
    assert count.check("192").right
    assert "two states" in count.check("96").words
    assert "3-mixtures" in count.check("160").words
