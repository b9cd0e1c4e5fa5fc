"""What the chapter on maximum entropy writes out agrees with smbook, and holds on other seeds."""

import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from smbook import datasets, network, statistics
from smbook.network import SpinNetwork
from smbook.theory import inference
from smbook.widgets import MaxEntLab, Question
from tests.chapters import Chapter

SEEDS = range(10)
FACES = np.arange(1, 7)
JAYNES = np.array([0.05435, 0.07877, 0.11416, 0.16545, 0.23977, 0.34749])
CHAPTER = Chapter(
    "neurons/maximum-entropy.ipynb",
    np=np,
    statistics=statistics,
    inference=inference,
    SpinNetwork=SpinNetwork,
    FACES=FACES,
    Question=Question,
)


def die(mean, faces=FACES, **keywords):
    return inference.maximum_entropy([faces], [mean], **keywords)


def some_dice(rng, count, mean=4.5):
    """Return the laws of dice with this mean that are loaded in any way."""
    return np.array([die(mean, prior=w).probabilities for w in rng.dirichlet(np.ones(6), count)])


# ---- Symmetry and its limits.


def chords(way, rng, n=400_000):
    """Return distances from the centre and directions of random chords of the unit circle."""
    u = rng.random(n)
    distance = {"ends": np.abs(np.cos(np.pi * u)), "radius": u, "disc": np.sqrt(u)}[way]
    return distance, 2 * np.pi * rng.random(n)


@pytest.mark.parametrize(("way", "exact"), [("ends", 1 / 3), ("radius", 1 / 2), ("disc", 1 / 4)])
def test_three_ways_to_draw_a_chord_have_three_answers(way, exact):
    distance, _ = chords(way, np.random.default_rng(1))
    assert abs(np.mean(distance < 0.5) - exact) < 4 * np.sqrt(exact * (1 - exact) / distance.size)
    lines = CHAPTER.printed("chords").splitlines()
    assert len(lines) == 3
    assert max(abs(float(line.split()[-1])) for line in lines) < 4


def test_only_one_of_the_three_ways_looks_the_same_in_smaller_and_moved_circles():
    rng, same = np.random.default_rng(2), {}
    for way, answer in (("ends", 1 / 3), ("radius", 1 / 2), ("disc", 1 / 4)):
        distance, turn = chords(way, rng)
        scores = []
        for x, radius in ((0.0, 0.5), (0.6, 0.3)):  # where the smaller circle is, and how large
            here = np.abs(distance - x * np.cos(turn))
            seen = here[here < radius] < radius / 2
            scores.append((seen.mean() - answer) / np.sqrt(answer * (1 - answer) / seen.size))
        same[way] = np.abs(scores).max()
    assert same["radius"] < 4
    assert min(same["ends"], same["disc"]) > 20


# ---- Entropy, by demands and by counting.


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_entropy_does_not_mind_choices_in_steps(seed, sizes):
    rng = np.random.default_rng(seed)
    groups, within = rng.dirichlet(np.ones(len(sizes))), [rng.dirichlet(np.ones(n)) for n in sizes]
    at_once = np.concatenate([P * p for P, p in zip(groups, within, strict=True)])
    in_steps = inference.entropy(groups) + sum(
        P * inference.entropy(p) for P, p in zip(groups, within, strict=True)
    )
    assert inference.entropy(at_once) == pytest.approx(in_steps, abs=1e-12)


def test_equal_cases_leave_more_open_the_more_there_are():
    open_left = [inference.entropy(np.full(n, 1 / n)) for n in range(1, 50)]
    assert open_left == pytest.approx(np.log(np.arange(1, 50)), abs=1e-12)


def test_another_measure_minds_steps():
    """The sum of squares also grows with the number of equal cases, and fails the third demand."""

    def other(p):
        return 1 - np.sum(np.square(p))

    assert abs(other([1 / 2, 1 / 3, 1 / 6]) - other([1 / 2, 1 / 2]) - other([2 / 3, 1 / 3]) / 2) > 0.05


def test_stirling_with_its_correction_is_as_good_as_the_table_says():
    rows = [line.split() for line in CHAPTER.printed("counting").splitlines()[1:]]
    assert [int(row[0]) for row in rows] == [6, 600, 60_000, 6_000_000]
    for n, exact, plain, corrected in ([float(x) for x in row] for row in rows):
        assert plain == pytest.approx(inference.entropy([1 / 2, 1 / 3, 1 / 6]), abs=1e-7)
        assert abs(corrected - exact) < 1 / n**2 + 1e-7
        assert plain > exact


@pytest.fixture(scope="module")
def all_counts():
    return CHAPTER.definitions("algorithm-counts").all_counts


def test_all_counts_are_those_of_all_rolls(all_counts):
    rolls = np.array(list(itertools.product(FACES, repeat=6)))
    rolls = rolls[rolls.sum(axis=1) == 27]
    seen = np.array([np.bincount(roll, minlength=7)[1:] for roll in rolls])
    kinds, ways = np.unique(seen, axis=0, return_counts=True)
    found = all_counts(6, 27)
    order = np.lexsort(found.T[::-1])
    assert np.array_equal(found[order], kinds)
    assert np.exp(inference.log_multiplicity(found[order])) == pytest.approx(ways, rel=1e-12)


def test_most_sequences_have_nearly_the_largest_entropy(all_counts):
    top = die(4.5).entropy
    covered, short = [], []
    for n in (10, 20, 40):
        counts = all_counts(n, round(4.5 * n))
        log_w = inference.log_multiplicity(counts)
        entropies, weight = inference.entropy(counts / n), np.exp(log_w - log_w.max())
        assert entropies.max() < top + 1e-12
        near = weight[entropies > top - chi2.ppf(0.95, 4) / 2 / n].sum() / weight.sum()
        assert near == pytest.approx(0.95, abs=0.035)
        covered.append(near)
        short.append(weight @ (top - entropies) / weight.sum())
    assert covered[1] < covered[2] < 0.95 < covered[0]  # ten dice have 72 sets of counts only
    assert 40 * short[2] == pytest.approx(2, abs=0.2)  # 4 / 2 N, as of chi squared
    assert np.log(weight.sum()) + log_w.max() == pytest.approx(61.4, abs=0.05)  # e^61 sequences
    assert abs(counts[np.argmax(log_w)] / 40 - JAYNES).max() < 1 / 40
    assert chi2.ppf(0.95, 4) == pytest.approx(9.49, abs=0.005)


# ---- One die of many.


@pytest.fixture(scope="module")
def one_of_many():
    return CHAPTER.definitions("algorithm-one-of-many").one_of_many


def test_one_of_many_is_a_conditional_probability(one_of_many):
    rolls = np.array(list(itertools.product(FACES, repeat=5)))
    for total in range(5, 31):
        first = rolls[rolls.sum(axis=1) == total, 0]
        assert one_of_many(5, total) == pytest.approx(np.bincount(first, minlength=7)[1:] / first.size)


@pytest.mark.parametrize("mean", [2.0, 3.5, 4.5, 5.5])
def test_one_of_many_approaches_gibbs_as_the_exercise_derives(one_of_many, mean):
    p = die(mean).probabilities
    x = FACES - mean
    v, k3 = p @ x**2, p @ x**3
    predicted = p / 2 * (1 - x**2 / v + k3 * x / v**2)
    assert [predicted.sum(), predicted @ x] == pytest.approx([0, 0], abs=1e-12)
    gaps = [n * (one_of_many(n, round(mean * n)) - p) - predicted for n in (100, 400)]
    assert abs(gaps[1]).max() < 0.004
    assert np.abs(gaps[1]).max() < 0.3 * np.abs(gaps[0]).max()
    assert abs(gaps[1] + predicted).max() > 0.05  # there is something to predict


# ---- The largest entropy.


def features_and_moments(rng):
    n, k = rng.integers(3, 9), rng.integers(1, 3)
    features = rng.normal(size=(k, n))
    return features, features @ rng.dirichlet(np.ones(n))


@given(st.integers(0, 2**32 - 1))
def test_any_other_distribution_has_less_by_the_relative_entropy(seed):
    rng = np.random.default_rng(seed)
    features, moments = features_and_moments(rng)
    best = inference.maximum_entropy(features, moments)
    other = inference.maximum_entropy(features, moments, prior=rng.dirichlet(np.ones(features.shape[1])))
    q, p = other.probabilities, best.probabilities
    divergence = inference.relative_entropy(q, p)
    assert divergence >= 0
    assert inference.entropy(q) + divergence == pytest.approx(best.entropy, abs=1e-9)
    assert inference.cross_entropy(q, p) == pytest.approx(best.entropy, abs=1e-9)
    for multipliers in rng.normal(size=(5, len(moments))):
        bowl = inference.log_partition(multipliers @ features) + multipliers @ moments
        assert bowl >= best.entropy - 1e-12 >= inference.entropy(q) - 2e-9


def test_every_other_bet_loses_more_against_some_die():
    rng = np.random.default_rng(3)
    dice, worst = some_dice(rng, 60), die(4.5).entropy
    for bet in rng.dirichlet(np.ones(6), 100):
        assert inference.cross_entropy(die(4.5).probabilities, bet) > worst
    line = (12 * FACES - 7) / 210
    paid = inference.cross_entropy(dice, line)
    assert paid.max() > worst + 0.02
    assert 0.2 < np.mean(paid > worst) < 0.8  # and less against others


def test_the_table_of_losses():
    rows = [line.rsplit(maxsplit=5) for line in CHAPTER.printed("losses").splitlines()[1:]]
    assert len(rows) == 8
    assert {row[3] for row in rows} == {row[4] for row in rows} == {"1.6136"}
    assert sum(float(row[5]) < 1.6136 for row in rows) == 3
    assert max(float(row[5]) for row in rows) == pytest.approx(1.94, abs=0.005)


def test_any_bet_pays_more_against_the_die_of_largest_entropy_by_its_divergence():
    rng, p = np.random.default_rng(9), die(4.5).probabilities
    for bet in rng.dirichlet(np.ones(6), 20):
        more = inference.cross_entropy(p, bet) - inference.entropy(p)
        assert more == pytest.approx(inference.relative_entropy(p, bet))


def test_newton_by_hand_is_the_package_and_jaynes():
    by_hand = CHAPTER.definitions("algorithm-maxent").newton_by_hand
    for mean in np.linspace(1.05, 5.95, 50):
        multiplier, p = by_hand(FACES, mean)
        assert multiplier == pytest.approx(die(mean).multipliers[0], rel=1e-9, abs=1e-12)
        assert p @ FACES == pytest.approx(mean, abs=1e-12)
    multiplier, p = by_hand(FACES, 4.5)
    assert multiplier == pytest.approx(-0.37104893808, abs=1e-11)
    assert p.round(5).tolist() == JAYNES.tolist()
    assert inference.entropy(p) == pytest.approx(1.6135810982, abs=1e-10)
    told = CHAPTER.printed("newton").splitlines()
    assert {line.split()[-1] for line in told[:3]} == {"-0.3710489381"}


def test_a_full_step_from_far_away_may_lead_up():
    def bowl(multiplier):
        return inference.log_partition(FACES, multiplier) + 4.5 * multiplier

    p = inference.gibbs(FACES, 3.0)
    step = (p @ FACES - 4.5) / (p @ FACES**2 - (p @ FACES) ** 2)
    assert bowl(3.0 + step) > bowl(3.0)


def test_a_full_step_may_fail_from_zero_if_values_are_uneven():
    by_hand = CHAPTER.definitions("algorithm-maxent").newton_by_hand
    uneven = np.r_[np.zeros(20), 1, 10]
    with np.errstate(all="ignore"):
        assert np.isnan(by_hand(uneven, 5)[0])
    assert die(5, uneven).multipliers[0] == pytest.approx(-0.3049, abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_multipliers_are_slopes_and_covariances_are_answers(seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(2, 7))
    moments = features @ rng.dirichlet(np.full(7, 5.0))
    here, step = inference.maximum_entropy(features, moments), 1e-5
    both = [[inference.maximum_entropy(features, moments + s * step * e) for s in (1, -1)] for e in np.eye(2)]
    slopes = [(up.entropy - down.entropy) / 2 / step for up, down in both]
    assert slopes == pytest.approx(here.multipliers, abs=1e-5)
    answers = np.array([(up.multipliers - down.multipliers) / 2 / step for up, down in both])
    assert -np.linalg.inv(answers) == pytest.approx(here.covariance, abs=1e-5)


# ---- Exchange.


@pytest.fixture(scope="module")
def pass_spots():
    return CHAPTER.definitions("algorithm-exchange").pass_spots


def exact_mean_of_six(n, total):
    """Return the mean of one of n dice with six faces beside n with twelve, all with this total."""

    def ways(top):
        law = np.ones(1)
        for _ in range(n):
            law = np.convolve(law, np.r_[0, np.full(top, 1 / top)])
        return law

    six, twelve = ways(6), ways(12)
    first = np.arange(six.size)
    rest = np.clip(total - first, 0, twelve.size - 1)
    weight = six * twelve[rest] * (total - first >= 0)
    return weight @ first / weight.sum() / n


def test_all_states_of_one_total_are_equally_likely(pass_spots):
    """The chapter's rule visits (1, 1, 3), (1, 2, 2), ... equally often, as the total of two halves shows."""
    tops, rng = np.array([2, 3, 3, 4]), np.random.default_rng(4)
    states = [s for s in itertools.product(*(range(1, top + 1) for top in tops)) if sum(s) == 8]
    expected = np.bincount([sum(s[:2]) for s in states], minlength=6) / len(states)
    halves = pass_spots(np.array([2, 3, 2, 1]), tops, 120_000, rng)[100:].astype(int)
    for half in range(2, 6):
        assert abs(statistics.mean((halves == half).astype(float)).z(expected[half])) < 4


@pytest.mark.parametrize("seed", SEEDS)
def test_exchange_makes_multipliers_equal_and_not_means(pass_spots, seed):
    rng, twelve = np.random.default_rng(seed), np.arange(1, 13)
    spots = [
        rng.choice(FACES, 100, p=die(5.0).probabilities),
        rng.choice(twelve, 100, p=die(5.5, twelve).probabilities),
    ]
    total = int(np.sum(spots))
    first = pass_spots(np.hstack(spots), np.repeat([6, 12], 100), 4000, rng) / 100
    assert first[0] == spots[0].mean()
    mean = statistics.mean(first[100:])
    assert abs(mean.z(exact_mean_of_six(100, total))) < 4
    six, others = die(mean.value), die(total / 100 - mean.value, twelve)
    error = mean.error * (1 / six.covariance[0, 0] + 1 / others.covariance[0, 0])
    assert abs(six.multipliers[0] - others.multipliers[0]) < 4 * error
    assert first[0] < total / 100 - first[0]  # the lower mean gives
    assert mean.value < first[0] - 0.5


def test_in_large_systems_the_exact_shares_have_equal_multipliers():
    twelve = np.arange(1, 13)
    mean = exact_mean_of_six(150, 1575)
    assert die(mean).multipliers[0] == pytest.approx(die(10.5 - mean, twelve).multipliers[0], abs=5e-4)


# ---- The unit.


def test_the_noisy_unit_computes_and_as_it_gets_cold():
    rows = [line.split() for line in CHAPTER.printed("unit").splitlines()[1:]]
    assert [int(row[-1]) for row in rows] == [0, 0, 0, 1]
    for a, *shares in ([float(x) for x in row[2:-1]] for row in rows):
        logistic = [1 / (1 + np.exp(-a / T)) for T in (1, 0.3, 0.1)]
        assert shares == pytest.approx(logistic, abs=6e-5)
    assert inference.gibbs([0.4, -0.4], 1.7)[1] == pytest.approx(inference.gibbs([0.0, -0.8], 1.7)[1])
    p = inference.gibbs([-0.4, 0.4], 1.7)
    assert p[0] - p[1] == pytest.approx(np.tanh(1.7 * 0.4))


# ---- The bound.


def random_spins(seed):
    rng = np.random.default_rng(seed)
    couplings = np.triu(rng.normal(0.2, 0.35, (10, 10)), 1)
    return couplings + couplings.T, np.full(10, 0.1), rng


def best_gaps(seed, temperatures):
    product_means = CHAPTER.definitions("algorithm-product").product_means
    couplings, fields, rng = random_spins(seed)
    exact = SpinNetwork(couplings, fields).enumerate(1.0)
    states, energies = exact.states(np.arange(1024)), exact.energies
    gaps = []
    for temperature in temperatures:
        starts = rng.uniform(-1, 1, (5, 10))
        laws = [
            np.prod((1 + product_means(couplings, fields, 1 / temperature, m) * states) / 2, axis=1)
            for m in starts
        ]
        best = min(inference.variational_free_energy(q, energies, 1 / temperature) for q in laws)
        lowest = -temperature * inference.log_partition(energies, 1 / temperature)
        gaps.append((best - lowest, energies.mean() - 10 * temperature * np.log(2) - lowest))
    return np.array(gaps)


@pytest.mark.parametrize("seed", SEEDS)
def test_products_bound_the_free_energy_best_where_it_is_cold_or_hot(seed):
    product, uniform = best_gaps(seed, (0.4, 1.0, 1.5, 2.0, 2.5, 3.0, 8.0)).T
    assert product.min() >= 0
    assert (product < uniform + 1e-9).all()
    assert max(product[0], product[-1]) < product[1:-1].max()


def test_no_update_of_a_product_raises_its_free_energy():
    couplings, fields, rng = random_spins(11)
    exact = SpinNetwork(couplings, fields).enumerate(1.0)
    states, means, values = exact.states(np.arange(1024)), rng.uniform(-1, 1, 10), []
    for step in range(60):
        q = np.prod((1 + means * states) / 2, axis=1)
        values.append(inference.variational_free_energy(q, exact.energies, 0.7))
        i = step % 10
        means[i] = np.tanh(0.7 * (couplings[i] @ means + fields[i]))
    assert np.diff(values).max() < 1e-12


def test_the_gap_is_the_temperature_times_the_relative_entropy():
    rows = [[float(x) for x in line.split()] for line in CHAPTER.printed("free-energy").splitlines()[1:]]
    assert len(rows) == 10
    assert all(row[3] == row[4] > 0 for row in rows)
    assert all(row[3] < row[5] for row in rows)
    assert all(row[5] - row[3] < 0.1 for row in rows if row[0] >= 2.5)
    gaps = [row[3] for row in rows]
    assert rows[int(np.argmax(gaps))][0] == 2.0


# ---- What it does not know.


def test_impossible_moments_are_refused_and_possible_ones_found():
    squares = [FACES, FACES**2]
    assert np.isfinite(inference.maximum_entropy(squares, [4.5, 24]).multipliers).all()
    with pytest.raises(inference.ImpossibleMomentsError) as error:
        inference.maximum_entropy(squares, [4.5, 20])
    assert error.value.combination == pytest.approx([1, -1 / 9])
    assert max(error.value.combination @ squares) == pytest.approx(error.value.possible)
    with pytest.raises(inference.BoundaryMomentsError):
        inference.maximum_entropy(squares, [6, 36])


WOLF = np.array([3246, 3449, 2897, 2841, 3635, 3932])
AXIS = np.array([1, 1, -2, -2, 1, 1])


@pytest.mark.parametrize(
    ("features", "chi_squared", "twice_nd"),
    [([], 270.96, 270.8), ([FACES], 199.42, 204.5), ([FACES, AXIS], 9.37, 9.4)],
)
def test_wolf_and_jaynes(features, chi_squared, twice_nd):
    """The values of chi squared are those that Jaynes gives: 271, 199.4 and 9.375."""
    values, shares = np.array(features).reshape(-1, 6), WOLF / 20_000
    p = inference.maximum_entropy(values, values @ shares).probabilities
    assert np.sum((WOLF - 20_000 * p) ** 2 / 20_000 / p) == pytest.approx(chi_squared, abs=0.01)
    assert 40_000 * inference.relative_entropy(shares, p) == pytest.approx(twice_nd, abs=0.05)


def test_a_die_that_is_as_told_would_pass():
    """From dice of the right form 2 N D has the mean 4 of chi squared; Wolf's has 204."""
    rng, scores = np.random.default_rng(5), []
    for _ in range(300):
        shares = rng.multinomial(20_000, die(3.6).probabilities) / 20_000
        p = die(shares @ FACES).probabilities
        scores.append(40_000 * inference.relative_entropy(shares, p))
    assert abs(np.mean(scores) - 4) < 4 * np.sqrt(8 / 300)


def test_likelihood_is_minus_the_bowl():
    rng = np.random.default_rng(6)
    rolls = rng.choice(FACES, 200, p=die(4.0).probabilities)
    for multiplier in rng.normal(0, 0.5, 10):
        likelihood = np.mean(np.log(inference.gibbs(FACES, multiplier)[rolls - 1]))
        bowl = inference.log_partition(FACES, multiplier) + multiplier * rolls.mean()
        assert likelihood == pytest.approx(-bowl, abs=1e-12)
        assert likelihood <= -die(rolls.mean()).entropy + 1e-12


# ---- The Ising model.


def five_spins(seed):
    rng = np.random.default_rng(seed)
    couplings, h = np.triu(rng.normal(0, 0.5, (5, 5)), 1), rng.normal(0, 0.3, 5)
    model = SpinNetwork(couplings + couplings.T, h).enumerate(1.0)
    spins = model.states(np.arange(32)).astype(float)
    i, j = np.triu_indices(5, 1)
    features = np.vstack([spins.T, spins[:, i].T * spins[:, j].T])
    return features, model.probabilities, np.r_[h, couplings[i, j]], rng


def test_averages_return_the_couplings_within_their_errors():
    squares = []
    for seed in SEEDS:
        features, p, truth, rng = five_spins(seed)
        exact = inference.maximum_entropy(features, features @ p)
        assert -exact.multipliers == pytest.approx(truth, abs=1e-9)
        rows = rng.choice(32, 5000, p=p)
        found = inference.maximum_entropy(features, features[:, rows].mean(axis=1))
        errors = np.sqrt(np.diag(np.linalg.inv(found.covariance)) / 5000)
        squares.append((-found.multipliers - truth) ** 2 / errors**2)
    assert np.mean(squares) == pytest.approx(1, abs=0.35)
    assert np.max(squares) < 16


def test_how_many_numbers_ten_spins_have():
    assert 10 + comb(10, 2) == 55
    assert 2**10 - 1 == 1023


# ---- Exercises and questions.


def test_the_product_has_the_entropy_of_its_margins_and_no_joint_law_has_more():
    rng = np.random.default_rng(7)
    for _ in SEEDS:
        joint = rng.dirichlet(np.full(12, 0.5)).reshape(3, 4)
        rows, columns = joint.sum(axis=1), joint.sum(axis=0)
        apart = inference.entropy(rows) + inference.entropy(columns)
        assert inference.entropy(np.outer(rows, columns).ravel()) == pytest.approx(apart)
        lost = inference.mutual_information(joint)
        assert inference.entropy(joint.ravel()) == pytest.approx(apart - lost)


def test_newton_for_many_is_the_package():
    newton_for_many = CHAPTER.functions("newton-many-code")["newton_for_many"]
    rng = np.random.default_rng(8)
    for _ in SEEDS:
        features = rng.normal(size=(3, 8))
        moments = features @ rng.dirichlet(np.full(8, 3.0))
        multipliers, p = newton_for_many(features, moments)
        package = inference.maximum_entropy(features, moments)
        assert multipliers == pytest.approx(package.multipliers, abs=1e-9)
        assert p == pytest.approx(package.probabilities, abs=1e-10)


def test_an_oscillator_never_has_enough_and_that_of_the_figure_does():
    for mean in (0.5, 1.0, 3.0):
        assert die(mean, np.arange(400)).multipliers[0] == pytest.approx(np.log(1 + 1 / mean), rel=1e-10)
    figure = [MaxEntLab(system="oscillator", states=20, mean=m).maximum.multiplier for m in (9, 12)]
    assert figure[0] > 0 > figure[1]  # it ends at a highest level


def test_coins_give_and_dice_take_until_the_multipliers_are_equal():
    coin = die(0.6, np.arange(2)).multipliers[0]
    assert coin == pytest.approx(-0.405, abs=5e-4)
    assert die(4.0).multipliers[0] == pytest.approx(-0.175, abs=5e-4)
    assert inference.gibbs(FACES, coin) @ FACES == pytest.approx(4.58, abs=5e-3)


@pytest.mark.parametrize(
    "known", [[[1, 0, 0, 0, 0, 1]], [[1, 0, 0, 0, 0, -1], [0, 1, 0, 0, -1, 0], [0, 0, 1, -1, 0, 0]]]
)
def test_symmetry_decides_as_the_exercise_says(known):
    moments = [0.4] if len(known) == 1 else [0, 0, 0]
    p = inference.maximum_entropy(known, moments).probabilities
    expected = [0.2, 0.15, 0.15, 0.15, 0.15, 0.2] if len(known) == 1 else [1 / 6] * 6
    assert p == pytest.approx(expected)


def test_a_product_for_two_spins():
    product_means = CHAPTER.definitions("algorithm-product").product_means
    pair, signs = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    energies = -signs[:, 0] * signs[:, 1]
    for temperature in (0.05, 0.8, 1.2, 2.0):
        means = product_means(pair, np.zeros(2), 1 / temperature, np.array([0.3, 0.6]))
        law = np.prod((1 + means * signs) / 2, axis=1)
        lowest = -temperature * np.log(4 * np.cosh(1 / temperature))
        assert lowest == pytest.approx(-temperature * inference.log_partition(energies, 1 / temperature))
        gap = inference.variational_free_energy(law, energies, 1 / temperature) - lowest
        assert (np.abs(means).max() < 1e-6) == (temperature > 1)
        if temperature > 1:
            assert gap == pytest.approx(temperature * np.log(np.cosh(1 / temperature)))
        if temperature == 0.05:
            assert gap == pytest.approx(temperature * np.log(2), abs=1e-6)
    assert gap == pytest.approx(0.240, abs=5e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_averages_of_a_unit_with_its_inputs_make_it_logistic_and_linear(seed):
    """Features: n, n x_j, and which inputs there are; known are their averages in any joint law."""
    rng = np.random.default_rng(seed)
    x = np.array(list(itertools.product([0, 1], repeat=3)))
    joint = rng.dirichlet(np.ones(16)).reshape(2, 8)  # n, inputs
    which = np.hstack([np.eye(8), np.eye(8)])[:-1]
    active = np.r_[np.zeros(8), np.ones(8)]
    features = np.vstack([active, active * np.vstack([x, x]).T, which])
    found = inference.maximum_entropy(features, features @ joint.ravel())
    p = found.probabilities.reshape(2, 8)
    assert p.sum(axis=0) == pytest.approx(joint.sum(axis=0))
    a = -found.multipliers[0] - x @ found.multipliers[1:4]
    assert p[1] / p.sum(axis=0) == pytest.approx(1 / (1 + np.exp(-a)))


def test_pairs_see_nothing_of_a_triple():
    trio = network.SpinNetwork(np.zeros((3, 3))).enumerate(1.0).states(np.arange(8)).T.astype(float)
    hidden = np.where(trio.prod(axis=0) < 0, 0.9, 0.1) / 4
    features = np.vstack([trio, trio[0] * trio[1], trio[0] * trio[2], trio[1] * trio[2]])
    assert features @ hidden == pytest.approx(np.zeros(6), abs=1e-15)
    blind = inference.maximum_entropy(features, features @ hidden)
    assert blind.probabilities == pytest.approx(np.full(8, 1 / 8))
    assert inference.relative_entropy(hidden, blind.probabilities) == pytest.approx(0.368, abs=5e-4)
    told = np.vstack([features, trio.prod(axis=0)])
    seeing = inference.maximum_entropy(told, told @ hidden)
    assert seeing.probabilities == pytest.approx(hidden)
    assert seeing.multipliers[-1] == pytest.approx(np.arctanh(0.8))
    xor = datasets.logic_gate("xor", units="spin")
    assert (np.prod(xor, axis=1) == -1).all()


def test_questions_take_right_answers_and_know_usual_mistakes():
    assert CHAPTER.tells_apart(
        "question-cube", "0.339", ["0.5", "0.4167", "0.125", "0.422", "0.482", "0.661"]
    )
    assert CHAPTER.tells_apart("question-slope", "-0.0037", ["0.0037", "-0.004", "-0.371", "0"])
    assert CHAPTER.tells_apart("question-units", "0.8", ["0.4", "0.2", "-0.8", "1.6"])
