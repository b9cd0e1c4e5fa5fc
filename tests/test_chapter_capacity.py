"""What the chapter on capacity writes out agrees with smbook, and holds on other seeds."""

import itertools
import re
from contextlib import suppress
from itertools import product

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import null_space
from scipy.optimize import minimize_scalar
from scipy.special import log_ndtr
from scipy.stats import nbinom, norm

from smbook import hopfield, statistics
from smbook.perceptron import (
    NotSeparableError,
    anneal_binary,
    binary_solutions,
    count_binary_solutions,
    dichotomies,
    gibbs_learning,
    in_general_position,
    is_separable,
    margin,
    perceptron_rule,
    random_dichotomy,
    random_inputs,
)
from smbook.theory import perceptron as theory
from smbook.widgets import CapacityLab, Question
from tests.chapters import Chapter, source

SEEDS = range(10)
CHAPTER = Chapter(
    "learning/capacity.ipynb",
    np=np,
    theory=theory,
    statistics=statistics,
    suppress=suppress,
    product=product,
    quad=quad,
    norm=norm,
    null_space=null_space,
    minimize_scalar=minimize_scalar,
    log_ndtr=log_ndtr,
    NotSeparableError=NotSeparableError,
    anneal_binary=anneal_binary,
    binary_solutions=binary_solutions,
    gibbs_learning=gibbs_learning,
    is_separable=is_separable,
    margin=margin,
    perceptron_rule=perceptron_rule,
    random_dichotomy=random_dichotomy,
    Question=Question,
)
TEXT = "\n".join(source(cell) for cell in CHAPTER.cells if cell["cell_type"] == "markdown")


def rows(cell):
    """Return the numbers that a cell prints, row by row, without errors in brackets."""
    table = []
    for line in CHAPTER.printed(cell).splitlines():
        found = re.findall(r"(?<![\w^])-?\d+\.?\d*(?![\w^])", re.sub(r"\(\d+\)", "", line))
        table.append([float(x) for x in found])
    return table


def mean_and_error(values):
    return np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))


# ---- Dual points.


@pytest.fixture(scope="module")
def dual():
    return CHAPTER.definitions("algorithm-dual").dual_points


@pytest.mark.parametrize("seed", SEEDS)
def test_a_labeling_is_separable_for_a_set_or_for_its_dual(dual, seed):
    rng = np.random.default_rng(seed)
    for points, n in ((4, 1), (5, 2), (6, 3), (6, 4)):
        x = random_inputs(points, n, rng=rng)
        partner = dual(x)
        assert partner.shape == (points, points - n)
        assert x.T @ partner == pytest.approx(np.zeros((n, points - n)), abs=1e-12)
        assert in_general_position(partner)
        assert len(dichotomies(x)) + len(dichotomies(partner)) == 2**points
        for y in product([-1, 1], repeat=points):
            assert is_separable(x, y) != is_separable(partner, y)


def test_special_positions_need_not_obey_the_theorem():
    """Two equal points cannot have labels (+, -), and their neighbours in the dual set lose some, too."""
    x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    partner = np.array([[1.0, -1.0], [-1.0, 0.0], [0.0, -1.0], [0.0, 1.0]])
    assert not np.any(x.T @ partner)
    assert len(dichotomies(x)) + len(dichotomies(partner)) < 2**4


def test_two_counts_add_up_to_all_labelings():
    for points in range(2, 40):
        for n in range(1, points):
            both = theory.cover_count(points, n) + theory.cover_count(points, points - n)
            assert both == 2**points
    for n in (2, 3, 7, 30):
        assert 2 ** (n + 1) - theory.cover_count(n + 1, n) == 2
        assert 2 ** (n + 2) - theory.cover_count(n + 2, n) == 2 * (n + 2)


# ---- The first failure.


def test_the_first_failure_is_a_wait_for_heads():
    for n in (1, 2, 5, 20):
        points = np.arange(n, 30 * n + 100)
        law = nbinom.pmf(points - n, n, 0.5)
        at_least = theory.separable_probability(points, n)
        assert nbinom.sf(points - 1 - n, n, 0.5) == pytest.approx(at_least, abs=1e-12)
        assert law @ points == pytest.approx(2 * n, rel=1e-6)
        assert law @ (points - 2 * n) ** 2 == pytest.approx(2 * n, rel=1e-4)
    shares = nbinom.pmf(np.arange(2, 6) - 2, 2, 0.5)
    assert shares.sum() > 0.8  # most sets of the plane end after three to six points
    assert "fail at one of the points three to six" in TEXT


def test_sets_grow_as_long_as_they_should():
    """The mean is 2N, not 2N + 1 (the point that fails) nor 2N - 1."""
    for n, seed in itertools.product((2, 10), SEEDS):
        lab = CapacityLab(inputs=n, seed=100 + seed, running=False)
        ended = np.repeat(np.arange(8 * n + 65), lab.simulate(600).failed)
        mean, error = mean_and_error(ended - 1)
        assert abs(mean - 2 * n) < 4 * error
        assert np.var(ended) / (2 * n) == pytest.approx(1, abs=0.35)
    pooled = [CapacityLab(inputs=3, seed=s, running=False).simulate(2000).separated for s in SEEDS]
    assert abs(np.mean(pooled) - 6) < 4 * np.sqrt(6 / 20_000)
    assert all(abs(row[3]) < 3 for row in rows("failure")[1:])


# ---- Room.


@pytest.mark.parametrize("seed", SEEDS)
def test_the_mean_volume_is_no_typical_one(seed):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(40_000, 8)).astype("f4")
    volume = np.empty(150)
    for k in range(150):
        x, y = random_dichotomy(8, 8, rng=rng)
        volume[k] = np.mean(np.all(weights @ (y[:, None] * x).T.astype("f4") > 0, axis=1)) * 2**8
    mean, error = mean_and_error(volume)
    assert abs(mean - 1) < 4 * error + 0.05
    assert np.median(volume) < 0.65
    assert np.mean(volume > 1) < 0.42
    assert np.log(np.median(volume) / 2**8) / 8 == pytest.approx(-0.856, abs=0.12)


def test_what_the_text_says_of_the_volumes_is_printed():
    _, *table = rows("volumes")
    assert all(abs(row[2] - 1) < 0.25 for row in table)
    assert 0.2 < table[2][3] < 0.4
    assert 0.2 < table[2][4] < 0.32
    assert table[2][5] > 0.6  # a quarter of the sets makes most of the mean


def test_the_capacity_by_hand_is_that_of_the_package():
    capacity = CHAPTER.definitions("algorithm-gardner").capacity
    for kappa in np.linspace(-1, 3, 9):
        assert capacity(kappa) == pytest.approx(theory.gardner_capacity(kappa).load, rel=1e-7)
        closed = (1 + kappa**2) * norm.cdf(kappa) + kappa * norm.pdf(kappa)
        assert capacity(kappa) * closed == pytest.approx(1, rel=1e-7)
    assert [row[1] for row in rows("gardner-code")[1:]] == [2.0, 1.3646, 0.9612, 0.5196, 0.2002]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_matrix_has_the_largest_margin_that_two_vectors_predict(seed):
    """Gordon's comparison at finite N: kappa where |(h + kappa)+| = |g| is near the margin of a matrix."""
    rng = np.random.default_rng(seed)
    n, points = 150, 120
    best = margin(*random_dichotomy(points, n, rng=rng)).value
    h, g = rng.normal(size=points), rng.normal(size=n)
    kappas = np.linspace(-1, 3, 4001)
    lengths = np.sqrt(np.mean(np.maximum(h[:, None] + kappas, 0) ** 2, axis=0) * points)
    predicted = kappas[np.argmin(np.abs(lengths - np.linalg.norm(g)))]
    assert best == pytest.approx(predicted, abs=0.35)
    assert best == pytest.approx(theory.gardner_stability(points / n), abs=0.25)


def test_the_inequality_holds_and_not_the_other_way():
    """For the smallest stretching of a matrix; E min max of the matrix is above that of the vectors."""
    rng, points, n = np.random.default_rng(2), 8, 20
    matrix = [np.linalg.svd(rng.normal(size=(n, points)))[1].min() for _ in range(2000)]
    vectors = [
        np.linalg.norm(rng.normal(size=n)) - np.linalg.norm(rng.normal(size=points)) for _ in range(2000)
    ]
    shifted = np.array(matrix) + rng.normal(size=2000)  # gamma
    for t in (0.5, 1.5, 2.5):
        above, below = np.mean(shifted >= t), np.mean(np.array(vectors) >= t)
        assert above > below - 4 * np.sqrt(0.5 / 2000)
    assert np.mean(matrix) > np.mean(vectors) + 4 * np.std(matrix) / np.sqrt(2000)


def test_margins_of_small_units_lie_a_little_above():
    margins, shifts = CHAPTER.functions("margins")["margins"], []
    for seed, load in itertools.product(SEEDS, (0.5, 1.0, 1.5)):
        rng = np.random.default_rng(seed)
        found = margins(load, 10, 300, rng) - theory.gardner_stability(load)
        shifts.append(10 * found.mean())
        large = margins(load, 100, 6, rng)
        assert large.mean() == pytest.approx(theory.gardner_stability(load), abs=0.2)
    by_load = np.reshape(shifts, (10, 3)).mean(axis=0)
    assert np.all(by_load > 0.15)
    assert np.all(by_load < 0.5)
    _, *table = rows("margins")
    assert all(0.1 < row[2] < 0.5 for row in table)
    assert table[1][-1] == pytest.approx(0.7, abs=0.05)
    spread = np.std(margins(1.0, 50, 400, np.random.default_rng(1))) * np.sqrt(50)
    assert spread == pytest.approx(0.7, abs=0.08)


@pytest.mark.parametrize("seed", SEEDS)
def test_stabilities_are_swept_up_to_the_edge(seed):
    x, y = random_dichotomy(200, 200, rng=seed)
    best = margin(x, y)
    fields = y * (x @ best.weights) / np.linalg.norm(best.weights)
    assert fields.min() >= best.value - 1e-9
    assert len(best.support) / 200 == pytest.approx(theory.support_share(1.0), abs=0.1)
    assert np.mean(fields > 1.5) == pytest.approx(norm.sf(1.5), abs=0.07)


def test_two_thirds_are_support_vectors():
    printed = CHAPTER.printed("stabilities")
    assert float(re.search(r"share (0\.\d+)", printed)[1]) == pytest.approx(2 / 3, abs=0.03)
    assert abs(float(printed.split("=")[-1])) < 3
    assert theory.support_share(1.0) == pytest.approx(0.6811, abs=5e-5)


def test_room_by_hand_is_that_of_the_package():
    def room(*point):
        t, weight = np.polynomial.hermite_e.hermegauss(120)
        cell = CHAPTER.definitions("algorithm-room", t=t, weight=weight / weight.sum())
        return cell.room(*point)

    for load, kappa in ((0.3, 0.0), (1.0, 0.0), (1.7, 0.0), (0.4, 0.5)):
        exact = theory.gardner_volume(load, kappa)
        assert room(load, kappa) == pytest.approx(exact[:2], abs=2e-5)
    q, s = room(0.01)
    assert q == pytest.approx(0.02 / np.pi, rel=0.02)
    assert s == pytest.approx(-0.01 * np.log(2) - 1e-4 / np.pi**2, rel=1e-4)
    half = theory.gardner_volume(0.5)
    assert (half.overlap, half.entropy) == pytest.approx((0.307, -0.378), abs=5e-4)
    assert np.arccos(theory.gardner_volume(1.0).overlap) / np.pi == pytest.approx(0.30, abs=0.005)


def test_two_solutions_overlap_a_little_more_than_in_the_limit():
    overlaps, excess = CHAPTER.functions("gibbs")["overlaps_of_solutions"], []
    q = theory.gardner_volume(0.5).overlap
    for seed in SEEDS:
        found = overlaps(0.5, 10, 100, np.random.default_rng(seed))
        mean, error = mean_and_error(found)
        assert abs(mean - q - 0.016) < 4 * error
        excess.append(10 * (mean - q))
    assert np.mean(excess) == pytest.approx(0.16, abs=0.09)
    for row in rows("gibbs")[1:]:
        assert 0 < row[-1] < 0.8
    at_one = [row[-1] for row in rows("gibbs")[4:]]
    assert all(0.15 < shift < 0.45 for shift in at_one)


def test_samples_of_the_version_space_forget_from_one_to_the_next():
    for seed in (1, 2, 3):
        draw = random_dichotomy(20, 20, rng=seed)
        w = gibbs_learning(*draw, 3000, rng=seed)
        tau = statistics.integrated_autocorrelation_time(w @ margin(*draw).weights).value
        assert 0.3 < tau < 1


def test_the_capacity_for_small_and_large_margins():
    small, large = theory.gardner_capacity(1e-3).load, theory.gardner_capacity(4.0).load
    assert small == pytest.approx(2 - 8e-3 / np.sqrt(2 * np.pi), abs=1e-5)
    assert large == pytest.approx(1 / 17, rel=1e-4)
    assert theory.gardner_stability(1.5) == pytest.approx(0.19, abs=0.005)
    assert theory.separable_probability(15, 10) == pytest.approx(0.91, abs=0.001)


# ---- Weights that are signs.


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_left_are_counted(seed):
    counts = CHAPTER.definitions("algorithm-binary").counts_until_none
    x, y = random_dichotomy(30, 9, distribution="binary", rng=seed)
    found = counts(x, y)
    assert found[0] == 2**9
    assert found[-1] == 0 or len(found) == 31
    for p in range(1, len(found)):
        assert found[p] == count_binary_solutions(x[:p], y[:p])


def test_the_mean_number_of_solutions_halves_with_each_example():
    rng, found = np.random.default_rng(5), []
    for _ in range(3000):
        found.append(count_binary_solutions(*random_dichotomy(6, 11, distribution="binary", rng=rng)))
    mean, error = mean_and_error(found)
    assert abs(mean - 2**5) < 4 * error
    sets = (random_dichotomy(12, 21, distribution="binary", rng=rng) for _ in range(300))
    assert np.median([count_binary_solutions(*draw) for draw in sets]) == pytest.approx(243, abs=60)


def test_solutions_follow_the_entropy_and_the_step_is_near_its_zero():
    growth, ends = CHAPTER.functions("binary-growth")["growth"], {11: [], 15: []}
    for seed, n in itertools.product(SEEDS, ends):
        logs, last = growth(n, 150, np.random.default_rng(seed))
        ends[n] += list(last / n)
        for p in (4, 5, 6):
            theoretical = theory.binary_volume(p / n).entropy
            typical = np.nanmean(logs[:, p])
            assert typical == pytest.approx(theoretical, abs=0.035 if n == 11 else 0.02)
            assert typical < theory.binary_first_moment(p / n)
    assert np.mean(ends[11]) == pytest.approx(0.859, abs=4 * 0.24 / np.sqrt(1500))
    assert np.mean(ends[15]) == pytest.approx(0.844, abs=4 * 0.2 / np.sqrt(1500))
    assert theory.binary_capacity() == pytest.approx(0.8330786, abs=5e-8)


# ---- Who finds them.


def test_mistakes_stay_below_the_bound_and_grow_towards_the_capacity():
    mistakes = CHAPTER.functions("mistakes")["mistakes_per_weight"]
    for load, least, most in ((0.5, 0.3, 0.6), (1.0, 1.2, 2.4), (1.5, 5, 14)):
        medians = []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            medians.append(np.nanmedian([mistakes(load, 50, rng) for _ in range(20)]))
        assert least < np.median(medians) < most
        assert np.median(medians) < theory.gardner_stability(load) ** -2.0 / 2
    for load in (1.98, 1.998):
        near = np.pi / 32 * (2 - load) ** 2
        assert theory.gardner_stability(load) ** 2 == pytest.approx(near, rel=0.04)
    assert all(made < 0.55 * bound + 0.05 for *_, made, bound in rows("mistakes")[1:])


def test_annealing_fails_earlier_the_more_weights_there_are():
    success = CHAPTER.functions("annealing")["success"]
    shares = {}
    for n, load in ((51, 0.3), (51, 0.6), (201, 0.3), (201, 0.6)):
        found = [success(load, n, 400, 4, np.random.default_rng(seed))[0] for seed in SEEDS]
        shares[n, load] = np.mean(found)
    assert shares[51, 0.3] > 0.9
    assert shares[201, 0.3] > 0.5
    assert shares[51, 0.6] > 0.1
    assert shares[201, 0.6] == 0
    exist = 201 * theory.binary_volume(0.6).entropy / np.log(10)
    assert round(exist) == 20
    assert "some $10^{20}$ of them" in TEXT
    table = CHAPTER.printed("annealing").splitlines()[2:]
    assert [line.split()[-1] for line in table] == ["10^5", "10^10", "10^20"]
    assert float(table[2].split()[2]) == 0.0


def test_a_flipped_weight_spoils_more_answers_the_more_weights_there_are():
    _, *table = rows("lonely")
    sizes = np.array([row[0] for row in table])
    rough = 2 * norm.pdf(0) * np.round(0.6 * sizes) / np.sqrt(sizes)
    assert [row[2] for row in table] == pytest.approx(rough, abs=0.051)
    spoiled = np.array([row[3] for row in table])
    assert np.all(np.diff(spoiled) > 0)
    assert np.all(np.diff(spoiled / rough) > -0.02)
    assert np.all(spoiled > rough)  # on the low side, and below what the theory of typical solutions says
    assert np.all(spoiled < rough * density_at_the_edge(0.6) / (2 * norm.pdf(0)))
    assert all(0.35 < row[4] < 0.55 for row in table)


def density_at_the_edge(load):
    """The density of stabilities just above 0 of a typical solution: for given t a cut Gaussian."""
    q = theory.binary_volume(load).overlap
    return quad(
        lambda t: (
            norm.pdf(t) * np.exp(norm.logpdf(t * np.sqrt(q / (1 - q))) - log_ndtr(-t * np.sqrt(q / (1 - q))))
        ),
        -12,
        12,
    )[0] / np.sqrt(1 - q)


def test_typical_solutions_lie_closer_to_the_edge_than_random_weights():
    assert density_at_the_edge(1e-6) == pytest.approx(2 * norm.pdf(0), rel=1e-3)
    assert density_at_the_edge(0.6) == pytest.approx(1.11, abs=0.005)


# ---- Memories and bits.


@pytest.mark.parametrize("seed", SEEDS)
def test_perceptrons_store_what_other_rules_cannot(seed):
    memory = CHAPTER.functions("memories")["perceptron_memory"]
    xi = hopfield.random_patterns(60, 50, rng=seed)
    couplings = memory(xi)
    assert np.all(np.diag(couplings) == 0)
    assert np.all(xi * (xi @ couplings.T) > 0)
    assert not np.allclose(couplings, couplings.T)
    hebb = hopfield.hebb(xi).couplings
    assert not np.any(np.all(xi * (xi @ hebb.T) > 0, axis=1))


def test_the_table_of_bits():
    printed = CHAPTER.printed("bits").splitlines()
    found = [float(line.split()[-4]) for line in printed if line.endswith("bits per number")]
    assert found == [2.0, 0.52, 0.83, 0.24, 1.0]
    table = ((0.5, 0.54, 0.92), (0.83, 0.98, 0.85), (1.0, 1.23, 0.81), (1.5, 2.29, 0.65), (1.9, 4.54, 0.42))
    for load, needed, ratio in table:
        assert -theory.gardner_volume(load).entropy / np.log(2) == pytest.approx(needed, abs=0.005)
        assert load / needed == pytest.approx(ratio, abs=0.01)
        assert f"{needed:.2f}" in "\n".join(printed)


# ---- Exercises and questions.


def test_an_unfair_coin_changes_nothing():
    rng, found = np.random.default_rng(6), []
    for _ in range(400):
        x, labels = random_inputs(20, 10, rng=rng), np.where(rng.random(20) < 0.9, 1, -1)
        found.append(is_separable(x, labels))
    assert abs(np.mean(found) - 0.5) < 4 * 0.5 / 20


def test_a_third_value_helps():
    last = CHAPTER.functions("ternary-code", mean_of=lambda v: statistics.disorder_mean(v).mean)["last_loads"]
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        two, three = last((-1, 1), 7, 200, rng), last((-1, 0, 1), 7, 200, rng)
        assert two.value == pytest.approx(0.93, abs=0.1)
        assert three.value == pytest.approx(1.27, abs=0.12)
        assert three.value / np.log2(3) < two.value


def test_questions_take_right_answers_and_know_usual_mistakes():
    assert CHAPTER.tells_apart("question-dual", "2", ["0", "1", "13", "24", "26", "4096", "8190"])
    assert CHAPTER.tells_apart("question-stability", "697", ["2000", "1434", "773", "640", "0.697"])
    assert CHAPTER.tells_apart("question-mean", "512", ["2097152", "4096", "256", "0.000244", "9"])
