"""What the chapter on the dynamics of learning writes out agrees with smbook, and holds on other seeds."""

import re
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf, k0
from scipy.stats import norm

from smbook import statistics
from smbook.dynamics import (
    critical_points,
    descend,
    empirical_kernel,
    free_entropy,
    langevin,
    spherical_p_spin,
    students_left,
    temper_binary,
    train_committee,
    train_linear,
    train_network,
    wide_network,
)
from smbook.perceptron import binary_solutions
from smbook.theory import dynamics as theory
from smbook.widgets import CommitteeLab, ModesLab, Question
from tests.chapters import Chapter, source

SEEDS = range(10)
CHAPTER = Chapter(
    "learning/dynamics.ipynb",
    np=np,
    erf=erf,
    statistics=statistics,
    theory=theory,
    free_entropy=free_entropy,
    students_left=students_left,
    temper_binary=temper_binary,
    Question=Question,
)
TEXT = "\n".join(source(cell) for cell in CHAPTER.cells if cell["cell_type"] == "markdown")
TABLE = np.array(
    [[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
)
WORLD = TABLE / 2


def average(values):
    return statistics.disorder_mean(values).mean


# ---- Modes.


@pytest.fixture(scope="module")
def descend_linear():
    return CHAPTER.definitions("algorithm-linear").descend_linear


@pytest.mark.parametrize("widths", [(4, 7), (4, 5, 7), (4, 6, 3, 7)])
def test_descent_by_hand_is_that_of_the_package_at_every_depth(descend_linear, widths):
    rng = np.random.default_rng(len(widths))
    layers = [0.3 * rng.normal(size=(n, m)) for m, n in pairwise(widths)]
    path = descend_linear(layers, WORLD, 0.05, 40)
    theirs = train_linear(layers, WORLD, rate=0.05, n_steps=40).weights
    whole = np.eye(4)
    for layer in theirs:
        whole = layer @ whole
    assert path[-1] == pytest.approx(whole, abs=1e-12)


def test_the_small_world_has_the_modes_of_a_tree():
    left, s, right = np.linalg.svd(WORLD, full_matrices=False)
    assert s == pytest.approx(np.sqrt([7, 3, 1, 1]) / 2)
    assert abs(right[0]) == pytest.approx(0.5)  # all alike
    assert right[1] * right[1, 0] == pytest.approx([0.25, 0.25, -0.25, -0.25])  # animals, plants
    # What is said of a canary that swims: 1/4 and 1/4 of the first two modes, and the rest takes it back.
    shares = [2 * left[4, k] * s[k] * right[k, 0] for k in range(2)]
    assert shares == pytest.approx([0.25, 0.25])
    times = np.linspace(0, 60, 6001)
    for start, low, high in ((1e-3, 0.34, 0.38), (1e-12, 0.48, 0.5)):
        a = np.array([theory.mode_strength(times, x, start) for x in s])
        swims = 2 * np.einsum("k,kt,k->t", left[4], a, right[:, 0])
        assert low < swims.max() < high
    assert CHAPTER.column("canary", "the canary swims, at most:", 0) == pytest.approx(0.36, abs=0.01)


def test_the_error_of_descent_doubles_with_its_step():
    assert CHAPTER.column("canary", "error at twice the rate:", 0) == pytest.approx(2, abs=0.05)


def test_half_times_and_waits_follow_their_formulas():
    for s in (0.5, 2.0):
        for a0 in (1e-3, 1e-5):
            assert theory.learning_time(s, a0) == pytest.approx(np.log(s / a0 - 1) / 2 / s, rel=1e-10)
    assert theory.learning_time(2.0, 1e-3) == pytest.approx(1.90, abs=0.005)
    assert theory.learning_time(0.5, 1e-3) == pytest.approx(6.21, abs=0.005)
    assert theory.learning_time(2.0, 1e-5) == pytest.approx(3.05, abs=0.005)
    assert theory.learning_time(0.5, 1e-5) == pytest.approx(10.8, abs=0.05)
    for depth in (3, 4, 6):
        c, s = 1e-3, 1.7
        wait = 1 / (depth - 2) / s / c ** (depth - 2)
        assert theory.learning_time(s, c**depth, depth=depth) == pytest.approx(wait, rel=0.02)
    waits = [theory.learning_time(1.0, c**4, depth=4) for c in (1e-2, 1e-3)]
    assert waits[1] / waits[0] == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_starts_are_aligned_before_they_are_seen(descend_linear, seed):
    """With a quarter of the start's strength, half the sum left out, the first mode would come 0.5 later."""
    rng = np.random.default_rng(seed)
    left, s, right = np.linalg.svd(WORLD, full_matrices=False)
    first, second = 1e-3 * rng.normal(size=(100, 4)), 1e-3 * rng.normal(size=(7, 100))
    path = descend_linear([first, second], WORLD, 0.02, 800)
    for k in (0, 1):
        b = first @ right[k] + second.T @ left[:, k]
        rise = np.einsum("j,tji,i->t", left[:, k], path, right[k])
        seen = 0.02 * (1 + np.argmax(rise > s[k] / 2))
        assert seen == pytest.approx(theory.learning_time(s[k], b @ b / 4), abs=0.12)


def test_the_live_figures_learn_in_the_order_of_strength():
    """Instructions of the first live figure: steps, one layer, the start of small strength."""
    lab = ModesLab(running=False)
    run = lab.simulate(800)
    shares = run.strengths / lab.singular_values
    half = np.argmax(shares > 0.5, axis=0)
    assert list(half) == sorted(half)
    assert half[0] > 0
    assert run.time[half] == pytest.approx(theory.learning_time(lab.singular_values, 1e-3), abs=0.1)
    lab.depth = 1
    flat = lab.simulate(100).strengths / lab.singular_values
    assert np.ptp(flat[50]) < 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_a_narrow_layer_learns_the_strongest_modes(descend_linear, seed):
    rng = np.random.default_rng(seed)
    left, s, right = np.linalg.svd(WORLD, full_matrices=False)
    for units in (1, 2):
        layers = [0.1 * rng.normal(size=n) for n in ((units, 4), (7, units))]
        end = descend_linear(layers, WORLD, 0.05, 2000)[-1]
        assert end == pytest.approx((left[:, :units] * s[:units]) @ right[:units], abs=1e-3)


def test_layers_keep_their_difference_and_lazy_ones_their_kernel():
    """Of the exercise: from u = 2 and v = 0 to u v = 1, u^2 - v^2 = 4; the kernel grows by an eighth."""
    v = np.sqrt(np.sqrt(5) - 2)
    u = np.sqrt(4 + v**2)
    assert u * v == pytest.approx(1)
    assert (u, v, u * u + v * v) == pytest.approx((2.058, 0.486, 4.472), abs=1e-3)
    w, rate = np.array([2.0, 0.0]), 1e-4
    for _ in range(60_000):
        w = w + rate * (1 - w[0] * w[1]) * w[::-1]
    assert w == pytest.approx([u, v], abs=1e-3)


# ---- Plateaus.


def test_the_error_is_that_of_products_of_signs():
    """The mean of g g' is 2/pi times an arc sine, by quadrature."""
    q11, q22, q12 = 0.7, 1.6, 0.4
    rest = np.sqrt(q22 - q12**2 / q11)

    def inner(h):
        mean = erf(q12 / q11 * h / np.sqrt(2) / np.sqrt(1 + rest**2))
        return erf(h / np.sqrt(2)) * mean * norm.pdf(h, scale=np.sqrt(q11))

    seen = quad(inner, -9, 9)[0]
    assert seen == pytest.approx(2 / np.pi * np.arcsin(q12 / np.sqrt((1 + q11) * (1 + q22))), rel=1e-8)


@pytest.mark.parametrize("k", [2, 3, 4, 7])
def test_the_plateau_is_a_saddle_with_the_growth_of_the_theorem(k):
    """By differences of the error; a growth of K in place of 2K would be off by half."""
    q, r = 1 / (2 * k - 1), 1 / np.sqrt(k * (2 * k - 1))
    lam = 2 * k / np.pi / np.sqrt(2 * k - 1) / (2 * k + 1) ** 1.5
    known = theory.committee_plateau(k)
    assert (known.overlap, known.cross, known.escape_rate) == pytest.approx((q, r, lam), rel=1e-6)
    assert known.error == pytest.approx(k / np.pi * (np.pi / 6 - k * np.arcsin(1 / 2 / k)))

    def error(w):
        return theory.committee_error(w @ w.T, w, np.eye(k))

    at = np.full((k, k), r)
    rng = np.random.default_rng(k)
    for _ in range(3):
        anyhow = rng.normal(size=(k, k))
        assert abs(error(at + 1e-5 * anyhow) - error(at - 1e-5 * anyhow)) < 1e-9  # stationary
        apart = anyhow - anyhow.mean(axis=0) - anyhow.mean(axis=1, keepdims=True) + anyhow.mean()
        h = 1e-3
        curve = (error(at + h * apart) + error(at - h * apart) - 2 * error(at)) / h**2
        assert curve == pytest.approx(-lam * np.sum(apart**2), rel=1e-3)


def test_students_by_hand_follow_the_equations_and_those_of_the_package():
    """Of 300 inputs from the same overlaps; with half the rate they would be 20 errors off."""
    by_hand = CHAPTER.definitions("algorithm-committee").learn_online
    rng, n, ends, theirs = np.random.default_rng(0), 300, [], []
    for _ in range(6):
        teacher = np.linalg.qr(rng.normal(size=(n, 2)))[0].T * np.sqrt(n)
        w = 0.5 * np.linalg.qr(np.hstack([teacher.T, rng.normal(size=(n, 2))]))[0].T[2:] * np.sqrt(n)
        w += np.array([[0.3, 0.1], [0.1, 0.3]]) @ teacher
        ends.append(by_hand(w, teacher, 20 * n + 1, 0.5, 20 * n, rng)[-1])
        theirs.append(train_committee(w, teacher, 20 * n, rate=0.5, rng=rng).cross[-1])
    q = w @ w.T / n
    start = {"student": q, "cross": w @ teacher.T / n, "teacher": np.eye(2)}
    known = theory.committee_curve(20.0, rate=0.5, **start).cross
    for seen in (np.array(ends), np.array(theirs)):
        for i, j in ((0, 0), (0, 1)):
            assert abs(average(seen[:, i, j]).z(known[i, j])) < 4


def test_the_slopes_of_the_escape_are_one_over_the_growth():
    for k in (2, 3):
        (line,) = [row for row in CHAPTER.printed("escape").splitlines() if row.startswith(f"{k} ")]
        assert float(line.split()[-1]) == pytest.approx(1, abs=0.015)


def test_a_push_saves_time_in_the_live_figure():
    """Instructions of the second live figure: the larger push saves more, and not six times as much."""
    lab = CommitteeLab(running=False)
    free = escape(lab, None)
    small, large = (escape(lab, size) for size in (0.05, 0.3))
    assert large < small < free
    assert free - large < 6 * (free - small)
    assert 15 < (small - large) / lab.inputs < 50
    lab = CommitteeLab(running=False, start="symmetric")
    assert lab.simulate(100_000).specialization[-1] > 0.5


@pytest.mark.parametrize("seed", range(4))
def test_the_growth_of_the_live_figure_is_that_of_the_plateau(seed):
    """Of the exercise: S from 0.02 to 0.2, the rate 0.059; by the theorem for small rates 0.066."""
    lab = CommitteeLab(running=False, hidden=2, rate=1.0, seed=seed)
    run = lab.simulate(200 * lab.inputs)
    last = np.argmax(run.specialization > 0.2)
    first = np.flatnonzero(run.specialization[:last] < 0.02)[-1]
    took = (run.examples[last] - run.examples[first]) / lab.inputs
    assert np.log(10) / took == pytest.approx(theory.committee_plateau(2, rate=1.0).escape_rate, rel=0.15)
    assert theory.committee_plateau(2, rate=1.0).escape_rate == pytest.approx(0.059, abs=5e-4)
    assert theory.committee_plateau(2).escape_rate == pytest.approx(0.066, abs=5e-4)


def test_units_with_equal_weights_stay_equal_and_the_plateau_of_the_figure_is_at_its_rate():
    rng, n = np.random.default_rng(3), 100
    teacher = np.linalg.qr(rng.normal(size=(n, 2)))[0].T * np.sqrt(n)
    w = np.tile(rng.normal(size=n), (2, 1))
    seen = train_committee(w, teacher, 200 * n, rate=0.5, rng=rng).cross
    assert (seen[:, 0] == seen[:, 1]).all()
    assert theory.committee_plateau(2, rate=0.5).error == pytest.approx(0.0146, abs=5e-5)
    assert theory.committee_plateau(2).error == pytest.approx(0.0116, abs=5e-5)


def escape(lab, push):
    """Return after how many examples the specialization passes 1/2, with a push at alpha = 20 or without."""
    pushes = []
    if push is not None:
        lab.push, pushes = push, [20 * lab.inputs]
    run = lab.simulate(300 * lab.inputs, pushes=pushes)
    return run.examples[np.argmax(run.specialization > 0.5)]


# ---- Noise, and the jump.


def test_the_law_of_a_mode_with_noise_is_that_of_the_text():
    """The integral over u at fixed a = u v gives the Bessel function, by quadrature."""
    decay, temperature, a = 0.1, 0.1, 0.7

    def weight(x):  # u = e^x
        return np.exp(-decay * (np.exp(2 * x) + a * a * np.exp(-2 * x)) / 2 / temperature)

    assert quad(weight, -20, 6)[0] == pytest.approx(k0(decay * a / temperature), rel=1e-7)


def test_noise_leaves_the_saddle_and_keeps_the_law():
    functions = CHAPTER.functions("saddle-noise", decay=0.1, T=0.1)
    w = np.random.default_rng(0).normal(size=(5, 2))
    near = [functions["height"](w + 1e-6 * np.eye(2)[i]) - functions["height"](w) for i in (0, 1)]
    assert np.transpose(near) / 1e-6 == pytest.approx(functions["slope"](w), abs=1e-4)
    a = np.linspace(-3, 4, 7001)[1::2]
    law = np.exp(-((1 - a) ** 2) / 0.2) * k0(abs(a))
    small, z = law[abs(a) < 0.25].sum() / law.sum(), []
    for seed in range(4):
        run = {"rate": 0.05, "temperature": 0.1, "thin": 20, "rng": seed}
        path = langevin(functions["slope"], np.zeros((200, 2)), 10_000, loss=functions["height"], **run)
        seen = abs(path.weights[200:].prod(axis=-1)) < 0.25
        z.append(average(seen.mean(axis=0)).z(small))
    assert max(np.abs(z)) < 4
    assert CHAPTER.column("saddle-noise", "share of |a| < 1/4: law", 0) == pytest.approx(small, abs=2e-4)


def test_the_first_moment_is_one_of_weights_that_agree():
    """Lyuu and Rivin's 1.44797; the exponent is below minus a root of the distance beyond it."""
    assert theory.annealed_load() == pytest.approx(1.44797, abs=1e-5)
    x = np.linspace(1e-6, 1 - 1e-6, 20_001)
    entropy = -x * np.log(x) - (1 - x) * np.log(1 - x)
    agree = np.log(1 - np.arccos(1 - 2 * x) / np.pi)
    for load, holds in ((1.46, True), (1.44, False)):
        assert bool((entropy + load * agree < 0).all()) == holds


@pytest.fixture(scope="module")
def agreeing():
    return CHAPTER.definitions("algorithm-students").agreeing


def test_weights_counted_by_hand_are_those_of_the_package(agreeing):
    rng = np.random.default_rng(2)
    x = rng.choice([-1, 1], size=(12, 11))
    y = np.sign(x.sum(axis=1))
    for p in range(1, 13):
        left = binary_solutions(x[:p], y[:p])
        assert agreeing(x)[p - 1] == pytest.approx((len(left), left.mean()))


def test_their_mean_number_is_exact_on_other_seeds(agreeing):
    """Without the teacher itself the mean would be 1 lower, 30 errors at the load 1.5."""
    z = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        seen = [agreeing(rng.choice([-1, 1], size=(18, 9)))[:, 0] for _ in range(200)]
        counts = np.array(seen)
        z += [average(counts[:, p - 1]).z(theory.mean_binary_students(p, 9)) for p in (4, 9, 14)]
    assert max(np.abs(z)) < 4.5  # heavy tails


def test_the_jump_follows_from_what_one_label_tells():
    """R of the chapter, from J of the chapter on generalization, is that of the package."""

    def told(q):
        a = np.sqrt(q / (1 - q))

        def integrand(h):
            return 2 * norm.pdf(h) * np.exp(2 * norm.logpdf(a * h) - norm.logcdf(a * h))

        return quad(integrand, -8, 8)[0]

    for load in (0.5, 1.0, 1.24):
        student = theory.binary_student(load)
        r = load * told(student.overlap) / (1 - student.overlap)
        mean = quad(lambda z, r=r: norm.pdf(z) * np.tanh(r + np.sqrt(r) * z), -9, 9)[0]
        assert mean == pytest.approx(student.overlap, abs=1e-7)
    at = theory.transition_load()
    assert (at, theory.spinodal_load()) == pytest.approx((1.24468, 1.49263), abs=5e-6)
    assert theory.binary_student(at).overlap == pytest.approx(0.694, abs=5e-4)
    assert theory.binary_student(at).entropy == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("seed", SEEDS)
def test_counting_sees_the_jump_come_on_both_sides(seed):
    """R falls with N at the load 0.9 and rises at 1.4; the half of 11 weights is below the jump, by 0.03."""
    cell = CHAPTER.functions("students-count")
    rng, overlaps, halves = np.random.default_rng(seed), {}, {}
    for n in (11, 19):
        load, number, overlap = cell["count"](n, 700, rng)
        overlaps[n] = [average([np.interp(at, load, row) for row in overlap]) for at in (0.9, 1.4)]
        halves[n] = cell["half_way"](1 / number, load)
    below, above = (
        (b.value - a.value) / np.hypot(a.error, b.error) for a, b in zip(*overlaps.values(), strict=True)
    )
    assert below < 0 < above
    assert above - below > 4
    assert halves[11].z(theory.transition_load()) < -2
    assert abs(halves[19].z(1.252)) < 4


def test_the_halves_that_the_text_tells_are_printed():
    rows = [CHAPTER.printed("students-count").splitlines()[k].split() for k in (1, 2, 3)]
    assert [row[1] for row in rows] == ["True"] * 3
    assert [float(row[2][:6]) for row in rows] == pytest.approx([1.19, 1.22, 1.25], abs=0.005)


@pytest.fixture(scope="module")
def both():
    return CHAPTER.functions("tempering", betas=np.linspace(0, 2, 9))["temper_both"]


@pytest.mark.parametrize("seed", SEEDS)
def test_free_entropy_changes_its_sign_across_the_jump(both, seed):
    """At T = 1/2, where it is at 1.5708; runs keep to where they begin on both sides."""
    rng = np.random.default_rng(seed)
    ends = np.array([[both(101, load, 1000, rng) for load in (1.4, 1.8)] for _ in range(5)])
    known = theory.binary_student([1.4, 1.8], beta=2)
    for k, sign in ((0, 1), (1, -1)):
        phi, chance = average(ends[:, k, 2]), average(ends[:, k, 1])
        assert sign * phi.value > 0
        assert abs(phi.value - known.free_entropy[k]) < 4 * phi.error + 0.01
        assert abs(chance.value - known.overlap[k]) < 4 * chance.error + 0.03
        assert ends[:, k, 0].mean() > chance.value + 0.1


def test_cold_runs_are_stuck_beyond_the_limit_of_message_passing():
    """At beta = 5 and the load 1.7; theirs are weights with a few wrong answers, and R below 1."""
    rng, betas, stuck = np.random.default_rng(4), np.linspace(0, 5, 16), []
    for _ in range(8):
        x, teacher = rng.choice([-1, 1], size=(172, 101)), rng.choice([-1, 1], size=101)
        run = temper_binary(x, np.sign(x @ teacher), betas, 1000, teacher=teacher, rng=rng)
        stuck.append((run.wrong[-1, 500:].mean() > 0.5) & (run.overlap[-1, 500:].mean() < 0.95))
    assert np.mean(stuck) > 0.5
    assert theory.spinodal_load() < 1.5
    assert theory.spinodal_load(beta=2) == pytest.approx(1.90, abs=0.005)


@pytest.mark.parametrize("seed", SEEDS)
def test_in_small_systems_both_ends_meet_on_every_set(both, seed):
    ends = both(15, 1.6, 6000, np.random.default_rng(seed))
    assert abs(ends[0] - ends[1]) < 0.15


def test_the_temperature_of_the_search_and_of_theory_are_the_same():
    assert "within 0.15: True" in CHAPTER.printed("tempering")
    assert f"in theory at {theory.transition_load(beta=2):.4f}" in CHAPTER.printed("tempering")


def test_a_pair_glass_ends_at_its_threshold():
    """Of the exercise: no complexity, and the ground state at the edge of the semicircle."""
    assert theory.threshold_energy(2) == pytest.approx(-np.sqrt(2))
    assert theory.mean_critical_points(5, 2) == pytest.approx(10)
    assert theory.mean_critical_points(5, 2, index=0) == pytest.approx(2)


def test_enough_examples_are_those_of_the_bound():
    assert "53 examples, load 2.52" in CHAPTER.printed("enough-code")
    for n, p in ((21, 53), (51, 102), (101, 171)):
        assert theory.mean_binary_students(p, n) - 1 <= 0.01 < theory.mean_binary_students(p - 1, n) - 1


# ---- Lazy and rich.


def test_the_kernel_by_hand_is_that_of_the_package_and_of_wide_networks():
    by_hand = CHAPTER.definitions("algorithm-kernel")
    rng = np.random.default_rng(5)
    x, z = rng.normal(size=(6, 4)), rng.normal(size=(5, 4))
    assert by_hand.arc_cosine_kernel(x, z) == pytest.approx(theory.tangent_kernel(x, z), abs=1e-7)
    sphere = by_hand.on_sphere(20, 10, rng)
    assert np.sum(sphere**2, axis=1) == pytest.approx(1)
    limit = theory.tangent_kernel(sphere)
    networks = [wide_network(10, 1000, rng=rng) for _ in range(20)]
    apart = [np.linalg.norm(empirical_kernel(network, sphere) - limit) for network in networks]
    assert np.mean(apart) / np.linalg.norm(limit) * np.sqrt(1000) == pytest.approx(2.05, rel=0.15)


@pytest.fixture(scope="module")
def training():
    found = CHAPTER.definitions("algorithm-train")
    found.on_sphere = CHAPTER.definitions("algorithm-kernel").on_sphere
    return found


def test_training_by_hand_is_that_of_the_package(training):
    rng = np.random.default_rng(1)
    x, network = training.on_sphere(12, 5, rng), wide_network(5, 30, rng=1)
    y = training.quadratic(x)
    for scale in (0.2, 5.0):
        w, a = CHAPTER.definitions("algorithm-train", answers=training.answers).train(
            network, x, y, scale, 0.1, 50, 50
        )[-1]
        theirs = train_network(network, x, y, scale=scale, rate=0.1, n_steps=50).network
        assert w == pytest.approx(theirs.hidden[0], abs=1e-10)
        assert a == pytest.approx(theirs.readout, abs=1e-10)


def test_the_target_has_mean_zero_and_variance_one(training):
    y = training.quadratic(training.on_sphere(200_000, 20, np.random.default_rng(3)))
    assert y.mean() == pytest.approx(0, abs=0.01)
    assert y.var() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("seed", SEEDS)
def test_rich_training_finds_the_direction_and_lazy_training_does_not(training, seed):
    rng = np.random.default_rng(seed)
    x, new = training.on_sphere(200, 20, rng), training.on_sphere(1000, 20, rng)
    y, asked = training.quadratic(x), training.quadratic(new)
    network, missed, along = wide_network(20, 128, rng=rng), [], []
    for scale, rate, n_steps in ((0.05, 0.2, 700), (10.0, 2.0, 1800)):
        found = train_network(network, x, y, scale=scale, rate=rate, n_steps=n_steps, thin=n_steps)
        assert 2 * found.losses[-1] < 0.01
        w, a = found.network.hidden[0], found.network.readout
        start = training.answers(network.hidden[0], network.readout, new)
        missed.append(np.mean((scale * (training.answers(w, a, new) - start) - asked) ** 2))
        along.append(np.sum(w[:, 0] ** 2) / np.sum(w**2))
    fit = empirical_kernel(network, new, x) @ np.linalg.solve(empirical_kernel(network, x), y)
    assert missed[0] < 0.5 * missed[1]
    assert missed[1] == pytest.approx(np.mean((fit - asked) ** 2), rel=0.1)
    assert along[0] > 3 * along[1]


# ---- The spin glass.


def test_the_complexity_of_the_text_is_that_of_the_package():
    """Its four terms sum up to the formula, and it is the package's between the thresholds."""
    for p in (3, 4, 7):
        u = np.linspace(-1, 1, 5) * 2 * np.sqrt((p - 1) / p)
        area, gradient, energy = np.log(2 * np.pi * np.e) / 2, -np.log(2 * np.pi * p) / 2, -(u**2) / 2
        determinant = np.log(p * (p - 1)) / 2 - 0.5 + p * u**2 / 4 / (p - 1)
        formula = np.log(p - 1) / 2 - (p - 2) / 4 / (p - 1) * u**2
        assert area + gradient + energy + determinant == pytest.approx(formula)
        assert theory.complexity(u, p) == pytest.approx(formula)
        assert theory.threshold_energy(p) == pytest.approx(-2 * np.sqrt((p - 1) / p))
    band = 1 - theory.threshold_energy(3) / theory.ground_state_energy(3)
    assert band == pytest.approx(0.0145, abs=1e-4)


def test_the_hessian_of_the_text_is_that_of_a_sample():
    """Its eigenvalues have the mean -p u and the variance p (p - 1) at a random state."""
    rng, n, z = np.random.default_rng(1), 40, []
    for _ in range(10):
        model = spherical_p_spin(n, 3, rng=rng)
        state = rng.normal(size=n)
        state *= np.sqrt(n) / np.linalg.norm(state)
        lifted = model.curvatures(state) + 3 * model.energy(state)
        z.append((lifted.mean(), lifted.var()))
    mean, spread = np.mean(z, axis=0)
    assert mean == pytest.approx(0, abs=0.1)
    assert spread == pytest.approx(6, rel=0.1)


def test_newton_finds_as_many_points_as_kac_and_rice_say():
    """Over ten samples of four spins; the mean of three-spin ones would be 4 errors lower."""
    rng = np.random.default_rng(7)
    counts = [len(critical_points(spherical_p_spin(4, 3, rng=rng), rng=rng).energies) for _ in range(10)]
    assert abs(average(np.array(counts, float)).z(theory.mean_critical_points(4, 3))) < 4


def test_descent_ends_above_the_threshold_and_comes_closer():
    rng, ends = np.random.default_rng(3), []
    for n, samples in ((10, 12), (40, 6)):
        runs = [
            descend(spherical_p_spin(n, 3, rng=rng), 4, n_steps=3000, tolerance=1e-4, rng=rng)
            for _ in range(samples)
        ]
        ends.append(np.mean([run.energies[-1].mean() for run in runs]))
    edge = theory.threshold_energy(3)
    assert edge < ends[1] < ends[0] - 0.08


# ---- What is asked and said.


def test_questions_tell_usual_mistakes_apart():
    answer = np.log(3e4 - 1) / 6
    wrong = [2 * answer, 3 * answer, 6 * answer, answer / np.log(10), np.log(1e4) / 6]
    assert CHAPTER.tells_apart("question-mode", answer, wrong)
    growth = 4 / np.pi / np.sqrt(3) / 5**1.5
    later = np.log(100) / growth / 0.1
    assert later == pytest.approx(700, abs=1)
    wrong = [later / 10, 2 / growth / 0.1, 100 / growth / 0.1, later / 2]
    assert CHAPTER.tells_apart("question-plateau", later, wrong)
    wrong = [3**0.5, -2 * (2 / 3) ** 0.5, -(0.75**0.5), -1.794085, -2 * (4 / 3) ** 0.5, -2 * 12**0.5, -1.5]
    assert CHAPTER.tells_apart("question-threshold", -(3**0.5), wrong)


def test_every_equation_that_is_named_is_there():
    named = set(re.findall(r"\{eq\}`(eq-dyn-[\w-]+)`", TEXT + str(CHAPTER.cells)))
    assert named <= set(re.findall(r"\((eq-dyn-[\w-]+)\)", TEXT))
