"""What the chapter on the perceptron writes out agrees with smbook, and holds on other seeds."""

import itertools
import re

import numpy as np
import pytest
from scipy.linalg import hadamard
from scipy.optimize import minimize
from sklearn.datasets import load_digits

from smbook import statistics
from smbook.perceptron import (
    Multilayer,
    NotSeparableError,
    dichotomies,
    generalization_error,
    hebb,
    is_separable,
    margin,
    perceptron_rule,
    random_dichotomy,
    random_inputs,
    teacher,
    teacher_examples,
    truth_table_inputs,
    with_constant,
)
from smbook.theory import perceptron as theory
from smbook.widgets import PerceptronLab, Question
from tests.chapters import Chapter, source

SEEDS = range(10)
CHAPTER = Chapter(
    "neurons/perceptron.ipynb",
    np=np,
    theory=theory,
    statistics=statistics,
    cache=lambda function: function,
    hebb=hebb,
    margin=margin,
    perceptron_rule=perceptron_rule,
    random_dichotomy=random_dichotomy,
    is_separable=is_separable,
    teacher=teacher,
    teacher_examples=teacher_examples,
    generalization_error=generalization_error,
    Question=Question,
)
TEXT = "\n".join(source(cell) for cell in CHAPTER.cells if cell["cell_type"] == "markdown")
CORNERS, ODD = with_constant(2 * truth_table_inputs(2) - 1), np.array([-1, 1, 1, -1])


def longest(inputs):
    return np.linalg.norm(inputs, axis=1).max()


def bound_of(inputs, labels):
    return theory.novikoff_bound(longest(inputs), margin(inputs, labels).value)


def separable_sets(n_inputs, n_examples, n_sets, seed):
    """Draw random examples until so many are separable."""
    rng, found = np.random.default_rng(seed), []
    while len(found) < n_sets:
        draw = random_dichotomy(n_examples, n_inputs, rng=rng)
        if is_separable(*draw):
            found.append(draw)
    return found


def numbers(cell, row):
    """Return the numbers that a cell prints in the row that begins so."""
    (line,) = [line for line in CHAPTER.printed(cell).splitlines() if line.startswith(row)]
    return [float(x) for x in re.findall(r"-?\d+\.?\d*", line[len(row) :])]


@pytest.fixture(scope="module")
def learn():
    return CHAPTER.definitions("algorithm-perceptron").learn_from_mistakes


@pytest.fixture(scope="module")
def gap():
    lab = PerceptronLab(sample=6, data="narrow-gap", running=False)
    return lab.inputs, lab.labels


# ---- The rule and its bound.


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rule_by_hand_is_that_of_the_package(learn, seed):
    rng = np.random.default_rng(seed)
    for n_inputs, n_examples in ((4, 3), (10, 14), (10, 40)):
        draw = random_dichotomy(n_examples, n_inputs, rng=rng)
        path, found = learn(*draw, max_passes=50), perceptron_rule(*draw, max_passes=50)
        assert found.mistakes == len(path) - 1
        assert found.weights == pytest.approx(path[-1], abs=1e-9)


def test_the_lab_makes_the_mistakes_that_the_text_counts(learn):
    lab = PerceptronLab(running=False)
    assert lab.sample == 2
    for data, sample, made in (("two-clouds", 2, 9), ("narrow-gap", 6, 51)):
        lab.data, lab.sample = data, sample
        course = lab.simulate(600)
        assert course.mistakes[-1] == made == len(learn(lab.inputs, lab.labels)) - 1
        assert course.errors[-1] == 0
        assert made < lab.mistake_bound
        assert numbers("clouds-figure", data.replace("-", " ")) == [made, int(lab.mistake_bound)]
    assert "after 9 and after 51" in TEXT
    lab.data = "xor"
    course = lab.simulate(400)
    assert course.mistakes[-1] == 400
    assert course.length.max() == pytest.approx(2)


def follows_the_proof(path, inputs, labels):
    """Tell whether M kappa <= w.w* <= |w| <= sqrt(M) R after each mistake."""
    best, mistakes = margin(inputs, labels), np.arange(1, len(path))
    along, size = path[1:] @ best.weights, np.linalg.norm(path[1:], axis=1)
    lower = np.all(along >= mistakes * best.value - 1e-9)
    upper = np.all(size <= np.sqrt(mistakes) * longest(inputs) + 1e-9)
    return bool(lower and upper and np.all(along <= size + 1e-9))


@pytest.mark.parametrize("seed", SEEDS)
def test_both_inequalities_hold_during_every_run_and_fail_for_another_rule(learn, seed):
    """A rule that also learns from right answers makes the weights too long."""

    def learn_from_all(inputs, labels):
        return np.vstack([np.zeros(inputs.shape[1]), np.cumsum(labels[:, None] * inputs, axis=0)])

    draws = separable_sets(12, 14, 20, seed)
    assert all(follows_the_proof(learn(*draw), *draw) for draw in draws)
    assert not all(follows_the_proof(learn_from_all(*draw), *draw) for draw in draws)


def test_the_bound_is_never_broken_and_a_fifth_of_it_is_typical():
    ratios = []
    for seed, n_inputs in itertools.product(SEEDS, (2, 5, 10, 20)):
        for draw in separable_sets(n_inputs, 1 + n_inputs, 12, seed):
            ratios.append(perceptron_rule(*draw, max_passes=10**6).mistakes / bound_of(*draw))
    assert max(ratios) <= 1
    assert 0.12 < np.median(ratios) < 0.33
    table = CHAPTER.printed("bound-table").splitlines()
    assert all(float(line.split()[-1]) < 1 for line in table[1:6])
    assert all(0.15 < float(line.split()[-2]) < 0.3 for line in table[1:6])


@pytest.mark.parametrize("seed", SEEDS)
def test_perpendicular_inputs_use_the_whole_bound(seed):
    """Whole numbers, so that products that vanish are zero."""
    rng = np.random.default_rng(seed)
    rows, labels = hadamard(16).astype(float), rng.choice([-1, 1], 16)
    assert bound_of(rows, labels) == pytest.approx(16, rel=1e-9)
    assert perceptron_rule(rows, labels, order="random", rng=rng).mistakes == 16
    assert numbers("bound-table", "50 perpendicular inputs:") == [50, 50.0]


def test_the_order_matters_for_the_mistakes_and_not_for_the_bound(gap):
    rng = np.random.default_rng(5)
    made = [perceptron_rule(*gap, order="random", rng=rng).mistakes for _ in range(300)]
    assert 10 < min(made) < 35
    assert 70 < max(made) < bound_of(*gap) / 10
    assert numbers("bound-table", "narrow gap, 300 orders:") == [23, 91]
    assert "from 23 to 91" in TEXT


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rate_does_nothing_from_zero_and_the_exercise_bounds_it_from_elsewhere(learn, seed):
    rng = np.random.default_rng(seed)
    for inputs, labels in separable_sets(8, 8, 10, seed):
        tripled = perceptron_rule(3 * inputs, labels)
        assert tripled.mistakes == len(learn(inputs, labels)) - 1
        start, kappa = 20 * rng.normal(size=8), margin(inputs, labels).value
        for rate in (0.3, 5.0):
            made = perceptron_rule(inputs, labels, initial=start / rate, max_passes=10**6).mistakes
            slack = 2 * np.linalg.norm(start) / (rate * kappa)
            assert made <= bound_of(inputs, labels) + slack


# ---- What cannot be separated.


def test_exclusive_or_goes_around():
    run = CHAPTER.functions("certificates")["run_until_repeated"]
    assert run(CORNERS, ODD).tolist() == [1, 1, 1, 1]
    assert (ODD @ CORNERS).tolist() == [0, 0, 0]
    turned = ODD[:, None] * CORNERS
    assert {tuple(z) for z in turned} == {(1, 1, -1), (-1, 1, 1), (1, -1, 1), (-1, -1, -1)}


@pytest.mark.parametrize("seed", SEEDS)
def test_either_all_is_learned_or_the_cycle_is_a_proof(seed):
    run, rng = CHAPTER.functions("certificates")["run_until_repeated"], np.random.default_rng(seed)
    verdicts = set()
    for n_examples in (8, 12, 16, 24):
        inputs, labels = random_dichotomy(n_examples, 8, distribution="binary", rng=rng)
        cycle = run(inputs, labels)
        verdicts.add(bool(cycle.any()))
        assert cycle.any() != is_separable(inputs, labels)
        assert np.all(cycle * labels @ inputs == 0)
    assert True in verdicts


@pytest.mark.parametrize("seed", SEEDS)
def test_the_nearest_mixture_has_the_length_of_the_largest_margin(seed):
    """Found by another way, which knows nothing of weights."""
    for inputs, labels in separable_sets(5, 7, 3, seed):
        z = labels[:, None] * inputs
        found = minimize(
            lambda shares, z=z: np.sum((shares @ z) ** 2),
            np.full(7, 1 / 7),
            jac=lambda shares, z=z: 2 * z @ (shares @ z),
            bounds=[(0, 1)] * 7,
            constraints={"type": "eq", "fun": lambda shares: shares.sum() - 1},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        best = margin(inputs, labels)
        assert np.sqrt(found.fun) == pytest.approx(best.value, rel=1e-3, abs=1e-5)
        if best.value > 0.1:
            assert found.x @ z / np.sqrt(found.fun) == pytest.approx(best.weights, abs=1e-2)


@pytest.mark.parametrize("seed", SEEDS)
def test_where_nothing_separates_a_mixture_vanishes(seed):
    inputs, labels = random_dichotomy(40, 8, rng=seed)
    with pytest.raises(NotSeparableError) as caught:
        margin(inputs, labels)
    shares = caught.value.combination
    assert shares.min() >= 0
    assert shares.sum() == pytest.approx(1)
    assert shares * labels @ inputs == pytest.approx(0, abs=1e-10)


def test_weights_stay_below_a_limit_where_nothing_separates(learn):
    for seed in SEEDS:
        draw = random_dichotomy(60, 20, rng=seed)
        assert not is_separable(*draw)
        size = np.linalg.norm(learn(*draw, max_passes=150), axis=1)
        assert len(size) > 2000
        assert size.max() < 40 < np.sqrt(20 * len(size)) / 4
    rows = CHAPTER.printed("bounded-figure").splitlines()
    assert sum("not separable" in row for row in rows) == 3
    assert max(float(row.split()[-1]) for row in rows[3:]) < 40


# ---- The widest gap.


@pytest.mark.parametrize("seed", SEEDS)
def test_the_adatron_by_hand_finds_the_largest_margin(seed):
    widest_gap = CHAPTER.definitions("algorithm-adatron").widest_gap
    for inputs, labels in separable_sets(8, 9, 2, seed):
        w, strengths = widest_gap(inputs, labels, passes=4000)
        best = margin(inputs, labels)
        assert margin(inputs, labels, weights=w).value == pytest.approx(best.value, rel=1e-3)
        assert np.linalg.norm(w) ** 2 == pytest.approx(strengths.sum(), rel=1e-2)
        mixture = strengths / strengths.sum() * labels @ inputs
        assert np.linalg.norm(mixture) == pytest.approx(best.value, rel=1e-2)
        fewer = margin(inputs[best.support], labels[best.support])
        assert fewer.value == pytest.approx(best.value, rel=1e-9)


def test_the_perceptron_finds_some_weights_and_not_the_best():
    lab = PerceptronLab(running=False)
    best = margin(lab.inputs, lab.labels)
    rng, shares = np.random.default_rng(3), []
    for _ in range(200):
        w = perceptron_rule(lab.inputs, lab.labels, order="random", rng=rng).weights
        shares.append(margin(lab.inputs, lab.labels, weights=w).value / best.value)
    assert 0 < min(shares) < 0.1
    assert np.mean(shares) == pytest.approx(0.53, abs=0.12)
    for draw in separable_sets(100, 100, 3, 4):
        assert margin(*draw, weights=hebb(*draw)).value < -0.5
        assert 0 < margin(*draw, weights=perceptron_rule(*draw).weights).value < 0.2
        assert margin(*draw).value == pytest.approx(0.46, abs=0.08)


# ---- Counting.


@pytest.mark.parametrize("seed", SEEDS)
def test_the_recursion_counts_what_is_tried_one_by_one(seed):
    recursion = CHAPTER.definitions("algorithm-cover")
    recursion.count_by_recursion.__globals__["count_by_recursion"] = recursion.count_by_recursion
    for n_inputs in (1, 2, 3, 4):
        points = random_inputs(7, n_inputs, rng=seed)
        tried = len(dichotomies(points))
        assert tried == recursion.count_by_recursion(7, n_inputs) == theory.cover_count(7, n_inputs)


def scores(seed, shift=0):
    """Return z-scores of shares of separable labels; `shift` inputs too many make them wrong."""
    share = CHAPTER.functions("cover-figure")["share_separable"]
    rng, found = np.random.default_rng(seed), []
    for points, n_inputs in ((8, 5), (10, 5), (13, 5), (30, 18), (36, 18), (42, 18)):
        exact = theory.separable_probability(points, n_inputs + shift)
        error = np.sqrt(exact * (1 - exact) / 300)
        found.append((share(points, n_inputs, rng, 300) - exact) / error)
    return found


def test_random_labels_are_separable_as_often_as_they_should():
    """One input too many, a bias that is not there, would be 3 to 10 errors off at each load."""
    z = np.array([scores(seed) for seed in SEEDS])
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert np.mean(z**2) == pytest.approx(1, abs=4 * np.sqrt(2 / z.size))
    assert np.mean(np.square(scores(0, shift=1))) > 5


def test_one_half_at_two_points_a_weight_and_a_window_that_closes():
    for n in (1, 2, 5, 20, 80, 1000):
        assert theory.separable_probability(2 * n, n) == 0.5
    for n in (100, 400, 1600):
        inside = theory.separable_probability(int(2 * n + np.sqrt(2 * n)), n)
        assert inside == pytest.approx(0.16, abs=0.02)


def test_the_entropy_of_labelings_bends_at_two():
    def limit(alpha):
        q = 1 / alpha
        return -q * np.log(q) - (1 - q) * np.log(1 - q) if alpha > 2 else np.log(2)

    def per_point(alpha, n=4000):
        points = int(alpha * n)
        count = theory.cover_count(points, n)
        return (count.bit_length() * np.log(2) + np.log(count / (1 << count.bit_length()))) / points

    for alpha in (1.0, 1.5, 2.0, 2.5, 4.0):
        assert per_point(alpha) == pytest.approx(limit(alpha), abs=2e-3)
    h = 1e-3
    assert (limit(2 + h) - limit(2)) / h == pytest.approx(0, abs=2e-4)
    second = (limit(2 + 2 * h) - 2 * limit(2 + h) + limit(2)) / h**2
    assert second == pytest.approx(-0.25, abs=2e-3)


def test_special_positions_lose_labelings():
    share = CHAPTER.functions("cover-figure")["share_separable"]
    for n, units in ((2, 14), (3, 104), (4, 1882)):
        row = numbers("position-code", f"{n:<8}")
        assert row == [2**n, theory.cover_count(2**n, n + 1), units]
    rng = np.random.default_rng(2)
    assert share(10, 5, rng, 1000, "binary") < 0.2
    assert share(40, 20, rng, 1000, "binary") == pytest.approx(0.5, abs=4 * 0.016 + 0.01)


# ---- Students and digits.


def test_a_student_disagrees_as_often_as_its_angle_says():
    rng = np.random.default_rng(4)
    for n in (2, 3, 50):
        w, one = rng.normal(size=n), rng.normal(size=n)
        inputs = rng.normal(size=(40_000, n)) * rng.exponential(size=(40_000, 1))
        wrong = np.mean(np.sign(inputs @ w) != np.sign(inputs @ one))
        exact = np.arccos(w @ one / np.linalg.norm(w) / np.linalg.norm(one)) / np.pi
        assert generalization_error(w, one) == pytest.approx(exact, abs=1e-12)
        assert abs(wrong - exact) < 4 * np.sqrt(exact * (1 - exact) / 40_000)


def test_the_gap_generalizes_best_and_hebb_falls_behind():
    cell = CHAPTER.functions("teacher-figure")
    rules = {
        "Hebb": lambda draw: hebb(*draw),
        "perceptron": lambda draw: perceptron_rule(*draw).weights,
        "gap": lambda draw: margin(*draw).weights,
    }
    cell["rules"] = rules
    found = {alpha: [] for alpha in (1, 2, 5)}
    for seed, alpha in itertools.product(SEEDS, found):
        found[alpha].append(cell["errors_of_students"](alpha, np.random.default_rng(seed), n_teachers=6))
    means = {alpha: np.mean(np.array(rows)[:, :, 0], axis=0) for alpha, rows in found.items()}
    for alpha, (of_hebb, of_rule, of_gap) in means.items():
        predicted = np.arctan(np.sqrt(0.99 * np.pi / 2 / alpha)) / np.pi
        spread = np.array(found[alpha])[:, 0, 0].std(ddof=1) / np.sqrt(len(SEEDS))
        assert abs(of_hebb - predicted) < 4 * spread + 0.002 * predicted
        assert of_gap < of_rule + 0.002
    assert means[5][1] < 0.65 * means[5][0]
    assert means[2][2] < 0.2
    assert means[5][2] == pytest.approx(0.5 / 5, rel=0.1)


def test_the_printed_students_of_hebb_are_as_predicted():
    rows = [line.split() for line in CHAPTER.printed("teacher-table").splitlines()[1:]]
    assert len(rows) == 6
    assert max(abs(float(row[3])) for row in rows) < 3


def test_digits_are_told_apart_as_the_text_says():
    data = load_digits()
    pixels = with_constant(data.data / 16)

    def against(first, others):
        chosen = np.isin(data.target, [first, *others])
        return pixels[chosen], np.where(data.target[chosen] == first, 1, -1)

    pairs = [against(first, [k]) for first in range(10) for k in range(first)]
    assert all(is_separable(*pair) for pair in pairs)
    assert perceptron_rule(*against(8, [1])).mistakes == 278 == numbers("digits-table", "8, 1  ")[-1]
    separable = [is_separable(*against(k, range(10))) for k in range(10)]
    assert np.flatnonzero(np.logical_not(separable)).tolist() == [8, 9]
    for k in (8, 9):
        with pytest.raises(NotSeparableError) as caught:
            margin(*against(k, range(10)))
        assert 45 < np.count_nonzero(caught.value.combination) < 60
    wrong = []
    rng = np.random.default_rng(6)
    for images, labels in pairs:
        half = rng.permutation(len(labels)) < len(labels) // 2
        learnt = images[half], labels[half]
        ws = [hebb(*learnt), perceptron_rule(*learnt).weights, margin(*learnt).weights]
        wrong.append([np.mean(labels[~half] * (images[~half] @ w) <= 0) for w in ws])
    of_hebb, of_rule, of_gap = np.mean(wrong, axis=0)
    assert of_gap < 0.75 * of_rule < 0.75 * of_hebb


# ---- Two layers.


def test_two_hidden_units_move_the_points_of_exclusive_or():
    hidden = CHAPTER.functions("layers-figure")["hidden"]
    moved = hidden(CORNERS[:, :2])
    assert {tuple(row) for row in moved} == {(-1, -1), (1, -1), (-1, 1)}
    assert not is_separable(CORNERS, ODD)
    assert is_separable(with_constant(moved), ODD)
    assert np.sign(moved.sum(axis=1) + 1).tolist() == ODD.tolist()


def test_two_hidden_units_get_stuck_and_four_hardly_ever():
    learned = {}
    for n_hidden in (1, 2, 3, 4):
        net, count = Multilayer([2, n_hidden, 1], loss="logistic"), 0
        for seed in range(100, 140):
            theta = net.train(net.initial(rng=seed), CORNERS[:, :2], ODD, rate=0.5, n_steps=3000).theta
            count += bool(np.all(ODD * net.outputs(theta, CORNERS[:, :2])[:, 0] > 0))
        learned[n_hidden] = count
    assert learned[1] == 0
    assert 20 <= learned[2] <= 36
    assert learned[3] >= 36
    assert learned[4] >= 39
    printed = [int(line.split()[1]) for line in CHAPTER.printed("layers-starts").splitlines()[1:]]
    assert printed[0] == 0
    assert 67 <= printed[1] <= 75  # from a third to a quarter is stuck
    assert 95 <= printed[2] <= printed[3] == 100


# ---- Exercises and questions.


def test_two_points_far_from_the_origin_take_more_mistakes():
    for places, bound, made in (((-0.25, 0.25), 17, 2), ((1.25, 1.75), 211, 9)):
        lab = PerceptronLab(points=[[x, 0] for x in places], labels=[-1, 1], running=False)
        course = lab.simulate(200)
        assert (round(lab.mistake_bound), course.mistakes[-1]) == (bound, made)
        assert course.errors[-1] == 0


def test_four_points_by_hand(learn):
    inputs, labels = with_constant([[0, 0], [2, 0], [0, 2], [2, 2]]), np.array([1, -1, -1, -1])
    path = learn(inputs, labels)
    assert path[[3, -1]].tolist() == [[-2, -2, -1], [-2, -2, 1]]
    assert len(path) - 1 == 5
    best = margin(inputs, labels)
    assert best.value == pytest.approx(3**-0.5)
    assert best.weights == pytest.approx(np.array([-1, -1, 1]) / np.sqrt(3))
    assert best.support.tolist() == [0, 1, 2]
    assert bound_of(inputs, labels) == pytest.approx(27)
    assert np.array([2 / 3, 1 / 6, 1 / 6, 0]) * labels @ inputs == pytest.approx([-1 / 3, -1 / 3, 1 / 3])
    inputs[0] = 1
    assert (np.array([2, 1, 1, 0]) * labels @ inputs).tolist() == [0, 0, 0]
    assert not is_separable(inputs, labels)


def test_the_bound_knows_the_best_constant_and_the_mistakes_a_smaller_one(gap):
    def tried(points, labels, c):
        draw = np.column_stack([points, np.full(len(labels), c)]), labels
        rng = np.random.default_rng(1)
        runs = [perceptron_rule(*draw, order="random", max_passes=10**5, rng=rng) for _ in range(20)]
        return bound_of(*draw), np.mean([run.mistakes for run in runs])

    points, labels = gap[0][:, :2], gap[1]
    found = {c: tried(points, labels, c) for c in (0.03, 0.3, 1.0, 10.0)}
    assert found[0.3][0] < found[1.0][0] < found[10.0][0] / 10
    assert found[0.3][0] < found[0.03][0] / 3
    assert found[0.3][1] < 0.6 * found[1.0][1] < 0.02 * found[10.0][1]
    assert found[0.3][1] < 0.6 * found[0.03][1]
    weights = margin(*gap).weights
    away, outer = abs(weights[2]) / np.hypot(*weights[:2]), np.linalg.norm(points, axis=1).max()
    assert np.sqrt(away * outer) == pytest.approx(0.53, abs=0.005)
    bounds = {c: tried(points, labels, c)[0] for c in (0.3, 0.4, 0.53, 0.7, 1.0)}
    half = margin(*gap).value * np.sqrt(1 + away**2)
    for c, bound in bounds.items():
        assert bound == pytest.approx((outer**2 + c**2) * (1 + away**2 / c**2) / half**2, rel=0.02)
    assert min(bounds, key=bounds.get) == 0.53
    printed = [line.split() for line in CHAPTER.printed("constant-code").splitlines()[2:]]
    assert all(int(row[2]) < int(row[1]) for row in printed)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rule_that_wants_more_keeps_its_promise(seed):
    learn_with_room = CHAPTER.functions("margin-code")["learn_with_room"]
    (draw,) = separable_sets(20, 20, 1, seed)
    best, radius = margin(*draw), longest(draw.inputs)
    for c in (1.0, 30.0, 300.0):
        w = learn_with_room(*draw, c)
        again = perceptron_rule(*draw, margin=c, max_passes=10**6)
        assert w == pytest.approx(again.weights)
        assert again.mistakes <= (radius**2 + 2 * c) / best.value**2
        share = margin(*draw, weights=w).value / best.value
        assert share > c / (radius**2 + 2 * c)
    assert share > 0.7


def test_more_room_makes_a_better_student():
    rng, less = np.random.default_rng(8), []
    for _ in range(40):
        one = teacher(50, rng=rng)
        draw = teacher_examples(one, 50, rng=rng)
        ws = [perceptron_rule(*draw, margin=c, max_passes=10**6).weights for c in (0.0, 1000.0)]
        less.append(np.subtract(*generalization_error(np.array(ws), one)))
    assert np.mean(less) > 4 * np.std(less, ddof=1) / np.sqrt(40)
    assert np.mean(less) == pytest.approx(0.025, abs=0.012)


def test_planes_cut_space_into_as_many_regions_as_there_are_labelings():
    rng = np.random.default_rng(7)
    for k in (2, 3, 4, 5):
        regions = 1 + k + k * (k - 1) // 2
        assert theory.cover_count(k + 1, 3) == 2 * regions
        normals, offsets = rng.normal(size=(k, 2)), rng.normal(size=k)
        places = rng.normal(size=(400_000, 2)) * np.exp(rng.normal(size=(400_000, 1)) * 1.5)
        signs = np.unique(np.packbits(places @ normals.T > offsets, axis=1))
        assert len(signs) <= regions
        assert len(signs) >= regions - 1


@pytest.mark.parametrize("seed", SEEDS)
def test_slabs_make_any_labeling(seed):
    slabs = CHAPTER.functions("baum-code")["slabs"]
    inputs, labels = random_dichotomy(120, 6, rng=seed)
    units = slabs(inputs, labels)
    assert len(units) == 2 * np.ceil(np.sum(labels > 0) / 6)
    total = sum(np.sign(inputs @ u + bias) for u, bias in units)
    assert np.array_equal(np.sign(total - 1), labels)
    assert not is_separable(inputs, labels)
    new = random_inputs(500, 6, rng=seed + 100)
    assert np.mean(sum(np.sign(new @ u + bias) for u, bias in units) == 0) > 0.8


def test_questions_take_right_answers_and_know_usual_mistakes():
    assert CHAPTER.tells_apart("question-bound", "400", ["20", "400000000", "1000000"])
    assert CHAPTER.tells_apart("question-cover", "42", ["40", "21", "20", "41"])
    assert CHAPTER.tells_apart("question-angle", "0.951", ["0.9", "0.995", "0.8", "0.809", "18", "0.314"])
