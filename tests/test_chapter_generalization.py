"""What the chapter on generalization writes out agrees with smbook, and holds on other seeds."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq
from scipy.sparse.linalg import eigsh
from scipy.stats import kstest, norm

from smbook import statistics
from smbook.datasets import spiked_covariance, spiked_wigner
from smbook.perceptron import (
    generalization_error,
    gibbs_learning,
    hebb,
    is_separable,
    margin,
    online,
    overlap,
    pseudo_inverse,
    teacher,
    teacher_examples,
)
from smbook.regression import linear_examples, ridge
from smbook.theory import perceptron as theory
from smbook.theory import random_matrices
from smbook.theory import regression as exact
from smbook.widgets import LearningCurveLab, Question
from tests.chapters import Chapter, source

SEEDS = range(10)
CHAPTER = Chapter(
    "learning/generalization.ipynb",
    np=np,
    solve_ivp=solve_ivp,
    quad=quad,
    norm=norm,
    eigsh=eigsh,
    statistics=statistics,
    theory=theory,
    exact=exact,
    random_matrices=random_matrices,
    hebb=hebb,
    gibbs_learning=gibbs_learning,
    is_separable=is_separable,
    margin=margin,
    online=online,
    overlap=overlap,
    pseudo_inverse=pseudo_inverse,
    teacher=teacher,
    teacher_examples=teacher_examples,
    generalization_error=generalization_error,
    linear_examples=linear_examples,
    ridge=ridge,
    spiked_wigner=spiked_wigner,
    Question=Question,
    SIGMA=0.5,
    FIT=60,
    NOISE=0.1,
    ONE_BY_ONE=("perceptron", "optimal"),
)
TEXT = "\n".join(source(cell) for cell in CHAPTER.cells if cell["cell_type"] == "markdown")
NAMES = "hebb", "pseudo-inverse", "stability", "gibbs", "bayes", "online-perceptron", "online-optimal"
EDGE = theory.noisy_capacity(0.1)


def average(values):
    return statistics.disorder_mean(values).mean


def error_of(rule, load):
    if rule.startswith("online-"):
        return theory.online_curve(load, rule=rule.removeprefix("online-")).error
    return getattr(theory, rule.replace("-", "_") + "_curve")(load).error


def good(z):
    """Tell whether scores of independent estimates scatter as their errors say."""
    z = np.ravel(z)
    return abs(z.mean()) < 4 / np.sqrt(z.size) and abs(np.mean(z**2) - 1) < 6 * np.sqrt(2 / z.size)


# ---- One number, and Hebb's student.


def test_the_spread_of_the_overlap_shrinks_as_the_root_of_the_number_of_inputs():
    """The text derives the law of R; its width at load 2 follows from it, 0.292 over the root of N."""
    square = 4 / (4 + np.pi)
    width = 0.5 * np.sqrt(square) * (1 - square) * np.sqrt(2 + 4 * (np.pi / 2 - 1) / 2)
    assert width == pytest.approx(0.292, abs=1e-3)
    rng = np.random.default_rng(0)
    for n in (64, 256):
        seen = []
        for _ in range(400):
            one = teacher(n, rng=rng)
            seen.append(overlap(hebb(*teacher_examples(one, 2 * n, rng=rng)), one))
        assert np.std(seen) * np.sqrt(n) == pytest.approx(width, rel=0.2)
        assert np.mean(seen) == pytest.approx(np.sqrt(square), abs=4 * width / np.sqrt(400 * n) + 0.6 / n)
    assert CHAPTER.column("self-averaging", "N to infinity:", 0) == round(np.sqrt(square), 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_hebbs_weights_are_a_signal_and_a_normal_vector_across_it(seed):
    """With the square of the length of the teacher's part in place of P the last would be 3 errors off."""
    rng, across, along = np.random.default_rng(seed), [], []
    for _ in range(60):
        one = teacher(20, rng=rng)
        draw = teacher_examples(one, 30, rng=rng)
        w, b = draw.labels @ draw.inputs, one / np.linalg.norm(one)
        assert w @ b == pytest.approx(np.abs(draw.inputs @ b).sum())
        across.append(np.sum((w - (w @ b) * b) ** 2) / 30)
        along.append(w @ b / 30)
    assert abs(average(across).z(19)) < 4
    assert abs(average(along).z(np.sqrt(2 / np.pi))) < 4


def test_noise_only_makes_the_load_smaller():
    loads = np.array([0.3, 2.0, 50.0])
    for noise, times in ((0.1, 1.5625), (0.4, 25.0)):
        noisy = theory.hebb_curve(times * loads, label_noise=noise)
        assert noisy.overlap == pytest.approx(theory.hebb_curve(loads).overlap, rel=1e-12)
    assert theory.hebb_curve(2.0, label_noise=0.5).overlap == pytest.approx(0, abs=1e-12)
    assert theory.hebb_curve(2.0, label_noise=0.8).overlap < 0


# ---- Online.


def test_the_equations_by_hand_are_those_of_the_package_and_end_in_one_third():
    by_hand = CHAPTER.definitions("algorithm-online").online_perceptron
    loads = np.array([0.5, 2.0, 20.0, 3000.0])
    along, size = by_hand(loads)
    known = theory.online_curve(loads)
    assert known.overlap == pytest.approx(along, abs=2e-5)
    assert known.length == pytest.approx(size, rel=1e-4)
    c = (2 / 3) ** (1 / 3)
    a = 3 * c**2 / (2 * np.sqrt(2 * np.pi))
    assert np.arccos(along[-1]) * loads[-1] ** (1 / 3) == pytest.approx(c, rel=2e-3)
    assert size[-1] / loads[-1] ** (1 / 3) == pytest.approx(a, rel=2e-3)
    assert theory.learning_exponent("online-perceptron") == pytest.approx((c / np.pi, 1 / 3))


def test_students_follow_the_equations():
    """From a mistake in the second equation, 2Q replaced by Q, the length would be 25 errors off."""
    rng, seen = np.random.default_rng(5), []
    for _ in range(24):
        one = teacher(300, rng=rng)
        w = online(*teacher_examples(one, 1500, rng=rng)).weights
        seen.append((overlap(w, one), np.linalg.norm(w)))
    along, size = map(average, np.transpose(seen))
    known = theory.online_curve(5.0)
    assert abs(along.value - known.overlap) < 4 * along.error + 1e-3
    assert abs(size.value - known.length) < 4 * size.error + 2e-3


def information(q):
    """J of the chapter, by quadrature."""
    a = np.sqrt(q / (1 - q))
    return quad(lambda t: 2 / a * norm.pdf(t / a) * norm.pdf(t) ** 2 / norm.cdf(t), -30, 9)[0]


def test_one_function_gives_the_optimal_rule_and_the_version_space():
    for load in (0.5, 2.0, 5.0):
        q = theory.gibbs_curve(load).overlap
        assert load * information(q) == pytest.approx(q, rel=1e-6)
        near = theory.online_curve(np.array([load - 1e-3, load, load + 1e-3]), rule="optimal").overlap ** 2
        slope = (near[2] - near[0]) / 2e-3
        assert slope == pytest.approx((1 - near[1]) * information(near[1]), rel=1e-5)
    const = quad(lambda t: norm.pdf(t) * np.exp(-t * t / 2) / norm.cdf(-t), -20, 20)[0]
    assert const == pytest.approx(2.264, abs=5e-4)
    assert information(1 - 1e-6) == pytest.approx(const * 1e-3 / np.pi, rel=1e-4)
    for rule, amplitude in (("bayes", 1), ("gibbs", np.sqrt(2)), ("online-optimal", 2)):
        assert theory.learning_exponent(rule) == pytest.approx((amplitude / const, 1), rel=1e-6)
    assert "0.442" in TEXT
    assert "0.625" in TEXT


# ---- The version space.


@pytest.fixture(scope="module")
def billiard():
    return CHAPTER.definitions("algorithm-billiard").billiard


def test_the_billiard_is_uniform_on_an_arc(billiard):
    rng = np.random.default_rng(1)
    inputs, labels = np.array([[3.0, 0.0], [-1.0, 2.0]]), np.array([1, 1])
    w = billiard(inputs, labels, np.array([1.0, 1.0]), 3000, rng)[::3]
    angles = np.arctan2(w[:, 1], w[:, 0])
    low, high = np.arctan(0.5), np.pi / 2
    assert kstest(angles, lambda x: (x - low) / (high - low)).pvalue > 1e-4


def test_the_billiard_is_uniform_in_an_octant_and_a_soft_wall_is_not(billiard):
    """Each component has the mean 1/2 there; a wall that takes speed away draws weights to the corners."""
    text = source(next(c for c in CHAPTER.cells if c["id"] == "billiard-code"))
    scope = {"np": np}
    exec(text.split("\n\n\n")[0].replace("mirror = 2 * z", "mirror = 1.3 * z"), scope)
    given = np.diag([1.0, 2.0, 5.0]), np.ones(3, dtype=int), np.ones(3)
    z = {"right": [], "wrong": []}
    for seed in SEEDS:
        for name, walk in (("right", billiard), ("wrong", scope["billiard"])):
            least = np.min(walk(*given, 900, np.random.default_rng(seed))[::3], axis=1)
            z[name].append(average(least).z(LEAST))
    assert good(z["right"])
    assert abs(np.mean(z["wrong"])) > 2.5  # of ten


def least_of_three():
    """Return the mean least component of a uniform point of the octant, by quadrature over angles."""
    phi = (np.arange(4000) + 0.5) / 4000 * np.pi / 2
    c = (np.arange(4000) + 0.5) / 4000
    s = np.sqrt(1 - c**2)[:, None]
    return np.mean(np.minimum(c[:, None], s * np.minimum(np.cos(phi), np.sin(phi))))


LEAST = least_of_three()


def test_teacher_and_student_change_places(billiard):
    """At any size: R of a teacher and a student has the mean and the variance of q of two students."""
    rng, pairs = np.random.default_rng(7), []
    for _ in range(400):
        one = teacher(6, rng=rng)
        draw = teacher_examples(one, 8, rng=rng)
        first, second = billiard(*draw, one, 12, rng)[[5, 11]]
        pairs.append((overlap(first, one), first @ second))
    taught, alike = np.transpose(pairs)
    assert abs(average(taught - alike).z(0)) < 4
    assert abs(average(taught**2 - alike**2).z(0)) < 4


def test_the_billiard_by_hand_draws_as_that_of_the_package(billiard):
    z = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        one = teacher(20, rng=rng)
        draw = teacher_examples(one, 50, rng=rng)
        start, given = margin(*draw).weights, {"thin": 3, "rng": rng}
        ours = billiard(*draw, start, 300, rng)[2::3]
        theirs = gibbs_learning(*draw, 300, initial=start, **given)
        first, second = average(overlap(ours, one)), average(overlap(theirs, one))
        z.append((first.value - second.value) / np.hypot(first.error, second.error))
    assert good(z)
    assert CHAPTER.printed("billiard-code").split()[-1] == "True"


def test_students_lie_on_their_curves():
    """With 20 times the chapter's statistics at one load; N = 60 shifts errors by some 1/N of them."""
    examine = CHAPTER.functions("students", average=average)["examine"]
    rows = np.concatenate(
        [[examine(2, np.random.default_rng([seed, k]), 60, 6) for k in range(8)] for seed in SEEDS]
    )
    for name, column in zip(NAMES, rows.T, strict=False):
        mean, known = average(column), error_of(name, 2.0)
        assert abs(mean.value - known) < 4 * mean.error + 0.03 * known, name
    assert abs(average(rows[:, -1]).z(0)) < 4


def test_at_the_peak_what_finite_students_know_falls_as_one_over_the_root_of_their_number():
    rng, apart = np.random.default_rng(9), []
    for n, runs in ((40, 400), (160, 150)):
        errors = []
        for _ in range(runs):
            one = teacher(n, rng=rng)
            w = pseudo_inverse(*teacher_examples(one, n, rng=rng))
            errors.append(0.5 - generalization_error(w, one))
        apart.append(average(errors))
    (far, near), ratio = apart, apart[0].value / apart[1].value
    assert far.z(0) > 4
    assert abs(ratio - 2) < 4 * ratio * np.hypot(far.error / far.value, near.error / near.value)


def test_the_printed_students_agree():
    """All but the pseudo-inverse at its peak, which a finite system rounds."""
    printed = CHAPTER.printed("rules-figure")
    assert printed.count("True") == 18
    assert "False" not in printed
    told = dict(line.split(": ") for line in printed.splitlines() if ": on the curve" in line)
    assert told.pop("pseudo-inverse") == "on the curve, but at [1]"
    assert set(told.values()) == {"on the curve"}
    assert len(told) == 6


def test_to_be_good_is_to_be_near_the_middle(billiard):
    """Given the examples, w has in the mean the overlap sqrt(q) cos(w, middle) with the teacher."""
    rng, apart = np.random.default_rng(11), {"hebb": [], "margin": []}
    for _ in range(80):
        one = teacher(20, rng=rng)
        draw = teacher_examples(one, 30, rng=rng)
        middle = billiard(*draw, one, 150, rng)[2::3].mean(axis=0)
        for name, w in (("hebb", hebb(*draw)), ("margin", margin(*draw).weights)):
            apart[name].append(overlap(w, one) - w @ middle / np.linalg.norm(w))
    for differences in apart.values():
        assert abs(average(differences).z(0)) < 4


def test_agreeing_with_every_example_need_not_be_better():
    crossing = brentq(lambda a: error_of("gibbs", a) - error_of("hebb", a), 1, 4)
    assert crossing == pytest.approx(2.3, abs=0.05)
    assert "Up to a load of 2.3" in TEXT
    assert CHAPTER.column("exponents", "Gibbs and Hebb are equal at", 0) == round(crossing, 2)
    loads = np.array([0.2, 1.0, 3.0, 10.0])
    for name in NAMES:
        assert np.all(theory.bayes_curve(loads).error <= error_of(name, loads) + 1e-12)
    ratio = theory.gibbs_curve(loads).error / theory.bayes_curve(loads).error
    assert np.all((ratio >= 1) & (ratio <= 2))
    assert theory.gibbs_curve(1e4).error / theory.bayes_curve(1e4).error == pytest.approx(2**0.5, rel=1e-3)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_widest_gap_obeys_its_equations(noise):
    for load in (0.5, 1.0, 2.5):
        r, _, kappa = theory.stability_curve(load, label_noise=noise)
        s, a = np.sqrt(1 - r**2), r / np.sqrt(1 - r**2)

        def push(h, kappa=kappa, a=a):
            density = (1 - noise) * norm.cdf(a * h) + noise * norm.cdf(-a * h)
            return 2 * norm.pdf(h) * density * (kappa - h) ** 2

        assert load * quad(push, -12, kappa)[0] == pytest.approx(s**2, rel=1e-6)
        u = kappa / s
        right = load * np.sqrt(2 / np.pi) * (kappa * norm.cdf(u) + s * norm.pdf(u))
        assert (1 - 2 * noise) * right == pytest.approx(r, rel=1e-6)
    gardner = theory.gardner_capacity(0.7).load
    at_random = quad(lambda h: norm.pdf(h) * (0.7 - h) ** 2, -12, 0.7)[0]
    assert gardner * at_random == pytest.approx(1, rel=1e-6)


def test_power_laws_are_reached():
    for line in CHAPTER.printed("exponents").splitlines()[1:-1]:
        assert float(line.split()[-1]) == pytest.approx(1, abs=0.003)
    for name in NAMES:
        law = theory.learning_exponent(name)
        assert error_of(name, 1e4) * 1e4**law.exponent == pytest.approx(law.amplitude, rel=1e-3)


# ---- Least squares.


@pytest.fixture(scope="module")
def risk():
    return CHAPTER.functions("descent-figure")["risk"]


def test_the_exact_risk_is_met_on_ten_seeds(risk):
    """n - d in place of n - d - 1 would be 7 percent off at d = 45, 2 errors on each of ten seeds."""
    z, wrong = [], []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        for d in (15, 30, 45, 90, 120):
            mean = average([risk(d, rng) for _ in range(150)])
            z.append(mean.z(exact.ridgeless_risk(60, d, noise=0.5)))
            if d == 45:
                wrong.append(mean.z(0.25 * d / (60 - d)))
    assert good(z)
    assert np.mean(wrong) > 1.5
    *rows, verdict = [line.split() for line in CHAPTER.printed("descent-figure").splitlines()[1:]]
    assert len(rows) == 7
    assert verdict[-1] == "True"


def test_least_squares_at_other_sizes():
    for n, d in ((8, 4), (8, 12), (25, 10), (30, 80), (200, 150)):
        rng, errors = np.random.default_rng(n + d), []
        for _ in range(500):
            draw = linear_examples(n, d, noise=0.7, rng=rng)
            errors.append(np.sum((ridge(draw.inputs, draw.targets) - draw.coefficients) ** 2))
        known = 0.49 * d / (n - d - 1) if d < n else 1 - n / d + 0.49 * n / (d - n - 1)
        assert exact.ridgeless_risk(n, d, noise=0.7) == pytest.approx(known)
        assert abs(average(errors).z(known)) < 4
    assert exact.ridgeless_risk(60, [59, 60, 61], noise=0.5).tolist() == [np.inf] * 3


def test_the_mean_of_one_over_the_square_of_a_length():
    for k in (3, 4, 11):
        up, down = (quad(lambda r, p=p: r**p * np.exp(-r * r / 2), 0, 30)[0] for p in (k - 3, k - 1))
        assert up / down == pytest.approx(1 / (k - 2), rel=1e-9)
    X = np.random.default_rng(2).normal(size=(9, 4))
    basis = np.linalg.qr(X[:, 1:])[0]
    rest = X[:, 0] - basis @ (basis.T @ X[:, 0])
    assert np.linalg.inv(X.T @ X)[0, 0] == pytest.approx(1 / (rest @ rest))


def test_at_the_peak_one_eigenvalue_makes_the_error():
    smallest = CHAPTER.functions("smallest")["smallest"]
    for seed in range(3):
        rng = np.random.default_rng(seed)
        (few, a), (peak, b), (many, c) = (smallest(d, rng, 150) for d in (30, 60, 120))
        assert np.median(few) == pytest.approx(0.11, abs=0.02)
        assert np.median(many) == pytest.approx(0.19, abs=0.02)
        assert 5e-5 < np.median(peak) < 2e-4
        assert max(a, c) < 0.2 < 0.7 < b


def test_the_best_penalty_is_the_mean_of_the_posterior():
    for n, d in ((60, 30), (60, 60), (60, 120)):
        best = exact.optimal_penalty(d, noise=0.5)
        assert best == pytest.approx(0.25 * d)
        risks = exact.ridge_risk(n, d, best * np.array([0.8, 1.0, 1.25]), noise=0.5)
        assert risks[1] == min(risks)
        assert risks[1] < exact.ridgeless_risk(n, d, noise=0.5)
    wide = np.arange(1, 241, 7)
    curve = exact.ridge_risk(60, wide, 0.25 * wide, noise=0.5)
    assert np.all(np.diff(curve) > 0)
    draw = linear_examples(9, 5, noise=0.5, rng=3)
    joint = draw.inputs @ draw.inputs.T / 5 + 0.25 * np.eye(9)  # covariance of the targets, r = 1
    posterior = draw.inputs.T / 5 @ np.linalg.solve(joint, draw.targets)
    assert ridge(draw.inputs, draw.targets, 0.25 * 5) == pytest.approx(posterior)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_peak_of_the_pseudo_inverse_is_that_of_least_squares(noise):
    r2 = 2 / np.pi * (1 - 2 * noise) ** 2
    above, below = np.array([1.2, 3.0, 40.0]), np.array([0.2, 0.6, 0.95])
    found = theory.pseudo_inverse_curve(above, label_noise=noise).overlap ** 2
    assert found == pytest.approx(r2 / (r2 + (1 - r2) / (above - 1)), rel=1e-9)
    found = theory.pseudo_inverse_curve(below, label_noise=noise).overlap ** 2
    length = r2 * below + (1 - r2) * below / (1 - below)
    assert found == pytest.approx(r2 * below**2 / length, rel=1e-9)
    if noise == 0:
        assert found == pytest.approx(2 * below * (1 - below) / (np.pi - 2 * below))
    assert theory.pseudo_inverse_curve(1.0, label_noise=noise).error == 0.5


# ---- Learning by heart.


def test_noisy_labels_can_be_learned_up_to_the_edge_and_the_step_sharpens():
    """At the edge one half is met within a few hundredths at N = 40, below and above it is left behind."""
    shares = {}
    for n in (10, 40):
        for factor in (0.8, 1.0, 1.2):
            found = []
            for seed in SEEDS:
                rng = np.random.default_rng(seed)
                one, size = teacher(n, rng=rng), round(factor * EDGE * n)
                draws = [teacher_examples(one, size, label_noise=0.1, rng=rng) for _ in range(60)]
                found.append(np.mean([is_separable(*draw) for draw in draws]))
            shares[n, factor] = np.mean(found)
    assert shares[40, 1.0] == pytest.approx(0.5, abs=0.1)
    assert shares[40, 0.8] > shares[10, 0.8] + 0.05
    assert shares[40, 1.2] < shares[10, 1.2] - 0.1
    assert pytest.approx(2.99, abs=5e-3) == EDGE
    assert theory.noisy_capacity(0.5) == pytest.approx(2)
    assert theory.noisy_capacity(0.499) == pytest.approx(2, abs=0.01)
    r = theory.stability_curve(EDGE * (1 - 1e-9), label_noise=0.1).overlap
    assert np.pi * r / (0.8 * np.sqrt(1 - r**2)) == pytest.approx(EDGE, rel=1e-6)
    assert theory.noisy_capacity(0.0) == np.inf


def test_learning_by_heart_costs_answers_where_there_is_noise():
    just_below = 0.999 * EDGE
    values = [theory.stability_curve(just_below, label_noise=0.1).error]
    values.append(theory.hebb_curve(just_below, label_noise=0.1).error)
    assert np.round(values, 2).tolist() == [0.29, 0.23]
    assert "29 percent of the new questions, Hebb's in 23" in TEXT
    assert theory.stability_curve(just_below).error < theory.hebb_curve(just_below).error


def test_noisy_students_lie_on_their_curves():
    noisy = CHAPTER.functions("noise-curves", edge=EDGE)["noisy"]
    rules = "hebb", "pseudo-inverse", "stability"
    for load in (0.5, 1.6):
        rows = np.array([noisy(load, np.random.default_rng([seed, k])) for seed in SEEDS for k in range(6)])
        for k, rule in enumerate(rules):
            known = getattr(theory, rule.replace("-", "_") + "_curve")(load, label_noise=0.1).error
            mean = average(rows[:, k, 0])
            assert abs(mean.value - known) < 4 * mean.error + 0.004, (rule, load)
        assert rows[:, 2, 1].max() == 0
        assert rows[:, 0, 1].mean() > 0.03
    assert CHAPTER.printed("noise-curves").splitlines()[-1].endswith("theory: True")


def test_the_overlap_vanishes_as_a_root_at_the_peak():
    for sign in (-1, 1):
        near = theory.pseudo_inverse_curve(1 + sign * np.array([1e-4, 1e-6])).overlap
        assert near[0] / near[1] == pytest.approx(10, rel=1e-3)


def test_a_penalty_smooths_the_peak_only_if_it_grows_with_the_examples():
    sizes = np.array([50, 200, 800])
    fixed = exact.ridge_risk(sizes, sizes, 1.0, signal=0.0, noise=0.5)
    assert fixed[1:] / fixed[:-1] == pytest.approx(2, abs=0.2)  # of the variance
    growing = exact.ridge_risk(sizes, sizes, 0.1 * sizes, noise=0.5)
    assert growing == pytest.approx(growing[-1], rel=0.05)
    assert exact.ridgeless_risk(60, [59, 60, 61, 120]).tolist() == [0, 0, 1 - 60 / 61, 0.5]


# ---- A direction in noise.


def test_far_from_the_threshold_the_limit_is_met_and_near_it_the_larger_is_sharper():
    seen = CHAPTER.functions("spike-code")["seen_by_eigenvector"]
    rng = np.random.default_rng(1)
    for theta in (1.5, 2.0, 3.0):
        found = average([seen(300, theta, rng) for _ in range(30)])
        assert abs(found.value - (1 - theta**-2)) < 4 * found.error + 0.01
        assert random_matrices.spiked_wigner(theta).overlap == pytest.approx(1 - theta**-2)
        assert random_matrices.spiked_wigner(theta).eigenvalue == pytest.approx(theta + 1 / theta)
    assert average([seen(300, 0.5, rng) for _ in range(30)]).value < 0.04
    small, large = (average([seen(n, 1.0, rng) for _ in range(60)]) for n in (30, 600))
    assert small.value - large.value > 2 * np.hypot(small.error, large.error)


def test_the_resolvent_of_the_proof():
    density = random_matrices.semicircle
    for lam in (2.0, 2.5, 4.0):
        found = quad(lambda x, lam=lam: density(x) / (lam - x), -2, 2, limit=400)[0]
        assert found == pytest.approx((lam - np.sqrt(lam**2 - 4)) / 2, rel=1e-5)
        assert found + 1 / found == pytest.approx(lam, rel=1e-5)


def test_covariances_show_what_the_formula_says():
    for n, p, ell in ((800, 400, 2.5), (400, 800, 4.0)):
        seen, gamma = [], p / n
        for seed in SEEDS:
            X, v = spiked_covariance(n, p, ell, rng=seed)
            u = np.linalg.svd(X, full_matrices=False)[2][0]
            seen.append((u @ v) ** 2)
        limit = (1 - gamma / (ell - 1) ** 2) / (1 + gamma / (ell - 1))
        mean = average(seen)
        assert abs(mean.value - limit) < 4 * mean.error + 0.01
        assert random_matrices.spiked_covariance(ell, gamma).overlap == pytest.approx(limit)
    for gamma, square in ((1 / 2, 1 / 3), (1 / 19, 0.9)):  # the exercise
        assert random_matrices.spiked_covariance(2.0, gamma).overlap == pytest.approx(square)
    rows = CHAPTER.printed("covariance-table").splitlines()[2:]
    assert max(abs(float(row.split()[-1])) for row in rows) < 4


# ---- Exercises, the live figure, questions.


def test_what_one_label_tells_gives_the_best_error():
    told = CHAPTER.functions("best-code")["told"]
    for q in (0.1, 0.5, 0.99, 0.9999):
        assert told(q) == pytest.approx(information(q), rel=1e-6)
    assert 1.45 < error_of("hebb", 3.0) / error_of("bayes", 3.0) < 1.6
    for line in CHAPTER.printed("best-code").splitlines()[1:3]:
        found, known = re.findall(r"0\.\d+", line)
        assert found == known


def features(power):
    beta = np.arange(1.0, 241.0) ** (-power / 2)
    return beta / np.linalg.norm(beta)


def test_ordered_features_have_two_descents_and_equal_ones_have_one():
    known = CHAPTER.functions("hidden-code")["unseen_and_seen"]
    risks = {power: np.array([known(d, features(power)) for d in range(1, 241)]) for power in (0, 0.75, 1)}
    assert np.all(np.diff(risks[0][:58]) > 0)
    assert risks[0][0] > 1  # no features: 1
    assert np.all(np.diff(risks[0][61:]) < 0)
    assert risks[0].argmin() + 1 == 240
    for power, first in ((0.75, 6), (1, 10)):
        fall, rise = np.diff(risks[power][:first]), np.diff(risks[power][first - 1 : 58])
        assert np.all(fall < 0)
        assert np.all(rise > 0)
        assert risks[power][0] < 1
        assert np.all(np.diff(risks[power][61:200]) < 0)
    assert risks[1].min() == risks[1][9] == pytest.approx(0.67, abs=5e-3)
    assert risks[1][239] == pytest.approx(risks[0][239])
    assert risks[0.75][60:].min() < risks[0.75][:58].min() - 0.02  # the second is the deeper
    assert CHAPTER.printed("hidden-code").count("True") == 6


def test_the_exact_error_of_ordered_features_is_met_on_other_seeds():
    """Without the hidden part in the noise of the examples it would be far off."""
    cell = CHAPTER.functions("hidden-code")
    beta, z, wrong = features(1), [], []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        for d in (10, 40, 100, 240):
            mean = average([cell["mistake"](d, beta, rng) for _ in range(60)])
            z.append(mean.z(cell["unseen_and_seen"](d, beta)))
            if d == 40:
                wrong.append(mean.z(exact.ridgeless_risk(60, d, noise=0.5) + np.sum(beta[d:] ** 2)))
    assert good(z)
    assert np.mean(wrong) > 4


def test_the_live_figure_has_what_the_text_presses():
    script = Path("smbook/widgets/learning_curve_lab.js").read_text(encoding="utf8")
    script = script.replace(r"\u03b1", "α")
    for name in ("Three exponents", "The peak at α = 1", "Who is best?", "Read at load α", "Step", "Reset"):
        assert f'"{name}"' in script
        assert f"*{name.removesuffix(' α')}" in TEXT
    lab = LearningCurveLab(size=20, reach=20, running=False, hebb=True, perceptron=True, gibbs=False)
    lab.bayes = False
    curves = lab.simulate(12)
    at = [int(np.argmin(abs(curves.loads - load))) for load in (5, 20)]
    assert curves.loads[at] == pytest.approx([5, 20])
    for rule, row, factor in (("hebb", 0, 0.53), ("online-perceptron", 1, 0.58)):
        known = error_of(rule, 20.0) / error_of(rule, 5.0)
        assert round(known, 2) == factor
        assert curves.mean[row, at[1]] / curves.mean[row, at[0]] == pytest.approx(known, abs=0.12)
    assert round(error_of("gibbs", 20.0) / error_of("gibbs", 5.0), 2) == 0.26
    assert "0.53 for Hebb, 0.58 for the online perceptron and 0.26 for Gibbs" in TEXT


def test_questions_take_right_answers_and_know_usual_mistakes():
    assert CHAPTER.tells_apart("question-examples", "1591", ["44", "40", "15707", "14.9", "21500"])
    assert CHAPTER.tells_apart("question-features", "90", ["91", "76", "98", "90.8"])
    assert exact.ridgeless_risk(100, 90, noise=0.3) < 1 < exact.ridgeless_risk(100, 91, noise=0.3)
    assert CHAPTER.tells_apart("question-samples", "4000", ["2000", "444", "250", "1000"])


def test_students_look_as_in_the_live_figure():
    script = Path("smbook/widgets/learning_curve_lab.js").read_text(encoding="utf8")
    style = Path("smbook/widgets/lab.css").read_text(encoding="utf8")
    scope = {}
    exec(source(CHAPTER.cell("students")).split("\n\n\n")[0], scope)
    assert tuple(scope["LOOKS"]) == NAMES
    forms = {"o": "circle", "s": "square", "^": "up", "v": "down", "D": "diamond", "x": "cross", "*": "star"}
    for rule, (name, sign, color) in scope["LOOKS"].items():
        key = rule.removeprefix("online-").replace("-", "_")
        assert f'{key}: {{ name: "{name}", form: "{forms[sign]}" }}' in script
        assert color == "k" or color in style
