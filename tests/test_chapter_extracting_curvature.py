"""What the chapter on extracting curvature writes out agrees with smbook, and holds on other seeds."""

import itertools
import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.linalg import eigh_tridiagonal
from scipy.sparse.linalg import eigsh
from torch.nn import functional

from smbook import statistics
from smbook.landscape import (
    Loss,
    gauss_newton,
    hessian,
    random_directions,
    spectral_density,
    trace,
    trace_from_sections,
)
from smbook.theory import descent
from smbook.theory.curvature import hutchinson_variance
from smbook.theory.random_matrices import covariance_edge, marchenko_pastur_edges, spiked_covariance
from smbook.widgets import DescentLab, Question
from tests.chapters import Chapter

SEEDS = range(10)
INPUTS = torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None]
TARGETS = torch.cos(4 * torch.arccos(INPUTS))
CHAPTER = Chapter(
    "landscapes/extracting-curvature.ipynb",
    np=np,
    torch=torch,
    functional=functional,
    pairwise=pairwise,
    eigsh=eigsh,
    eigh_tridiagonal=eigh_tridiagonal,
    statistics=statistics,
    Loss=Loss,
    hessian=hessian,
    gauss_newton=gauss_newton,
    random_directions=random_directions,
    trace=trace,
    trace_from_sections=trace_from_sections,
    descent=descent,
    hutchinson_variance=hutchinson_variance,
    marchenko_pastur_edges=marchenko_pastur_edges,
    Question=Question,
    SIZES=(1, 20, 20, 1),
    INPUTS=INPUTS,
    TARGETS=TARGETS,
)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Let torch compute as it does in the chapter, and as before afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def by_hand():
    """Return the functions of the chapter, which know the loss of its network."""
    tags = ("product", "train", "descend", "hutchinson", "stencil", "kinks", "lanczos", "bulk")
    found = CHAPTER.definitions(*(f"algorithm-{tag}" for tag in tags))
    scope = found.fresh.__globals__
    scope["loss"] = Loss(found.model_of(torch.nn.Tanh), found.half_square, INPUTS, TARGETS)
    return SimpleNamespace(**scope)


@pytest.fixture(scope="module")
def trained(by_hand):
    """Return networks of two seeds, trained as in the chapter, with their Hessians."""
    found = []
    for seed in range(2):
        theta, notes = by_hand.descend(by_hand.fresh(np.random.default_rng(seed)), 0.05, 8000, 400)
        found.append(
            SimpleNamespace(theta=theta, notes=notes, dense=hessian(by_hand.loss, theta) @ np.eye(481))
        )
    return found


def numbers(cell):
    """Return the numbers in each printed line of a cell, without errors in brackets."""
    lines = [re.sub(r"\(.*?\)", "", line) for line in CHAPTER.printed(cell).splitlines()]
    return [[float(x) for x in re.findall(r"-?\d+\.?\d*(?:e[-+]\d+)?", line)] for line in lines]


# ---- The toy.


@pytest.mark.parametrize("seed", SEEDS)
def test_each_miss_flattens(seed):
    rng = np.random.default_rng(seed)
    x, y, rate = *rng.normal(scale=2, size=2), rng.uniform(0.05, 1.2)
    (x1, y1), r = descent.product_step(x, y, rate), 1 - x * y
    assert x1**2 - y1**2 == pytest.approx((x**2 - y**2) * (1 - (rate * r) ** 2), rel=1e-9, abs=1e-9)
    assert 1 - x1 * y1 == pytest.approx(
        r * (1 - rate * (x**2 + y**2) - rate**2 * r * x * y), rel=1e-9, abs=1e-9
    )


def test_what_the_live_figure_shows():
    for start, rate, runs_away in (
        ((4, 0.1), 0.2, 0),
        ((3.5, 0.1), 0.2, 0),
        ((3, 0.1), 0.5, 1),
        ((5, 0.05), 0.2, 1),
    ):
        path = descent.product_path(*start, rate, 1000)
        assert path.diverged == bool(runs_away)
        if not runs_away:
            assert path.x[-1] ** 2 + path.y[-1] ** 2 < 2 / rate
            assert descent.product_flow_minimum(*start).sharpness > 2 / rate
    ends = [descent.product_path(4, y, 0.2, 1000).x[-1] for y in (0.1, 0.12)]
    assert ends[0] < 0 < ends[1]


def test_where_three_optimizers_come_to_rest():
    race = DescentLab(landscape="product", rate=0.2, start_x=3.5, start_y=0.1).simulate(3000)
    found = race.x**2 + race.y**2
    for step in (1000, 2000):
        assert found[step] == pytest.approx([6.45, 2.08, 6.63], abs=0.005)
    assert found[-1, 2] < 4


def test_off_the_diagonal_descent_ends_in_the_orbit_or_runs_away():
    """At the rate 1.1, from 400 starts in a square."""
    starts = np.random.default_rng(11).uniform(-2, 2, (400, 2))
    paths = [descent.product_path(*start, 1.1, 3000) for start in starts]
    assert np.mean([path.diverged for path in paths]) == pytest.approx(0.4, abs=0.08)
    orbit = descent.period_two_orbit(1.1)
    for path in paths:
        if not path.diverged:
            assert np.sort(np.abs(path.x[-2:])) == pytest.approx([orbit.low, orbit.high], abs=1e-4)
            assert path.x[-2:] == pytest.approx(path.y[-2:], abs=1e-4)


# ---- Products and probes.


@pytest.mark.parametrize("seed", SEEDS)
def test_products_by_hand(by_hand, seed):
    rng = np.random.default_rng(seed)
    theta, v = by_hand.fresh(rng), torch.from_numpy(rng.normal(size=481))
    assert by_hand.loss(theta) == pytest.approx(by_hand.loss_at(theta).item(), rel=1e-12)
    image = by_hand.product(by_hand.loss_at, theta, v)
    torch.testing.assert_close(image, hessian(by_hand.loss, theta) @ v, rtol=1e-9, atol=1e-9)
    exact = torch.autograd.functional.hessian(by_hand.loss_at, theta) @ v
    torch.testing.assert_close(image, exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_theorem_on_probes_by_enumeration(seed):
    """All 3^n probes with entries -a, 0, a of fourth moment a^2, and all 2^n of signs."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(5, 5))
    matrix = matrix + matrix.T
    diagonal = np.sum(np.diag(matrix) ** 2)
    for a in (1.0, np.sqrt(3)):
        values, chances = ([-a, 0, a], [0.5 / a**2, 1 - 1 / a**2, 0.5 / a**2])
        z = np.array(list(itertools.product(values, repeat=5)))
        law = np.prod(list(itertools.product(chances, repeat=5)), axis=1)
        forms = np.einsum("ij,jk,ik->i", z, matrix, z)
        assert law @ forms == pytest.approx(np.trace(matrix), abs=1e-9)
        kind = "rademacher" if a == 1 else "gaussian"  # of fourth moment 1 or 3
        variance = hutchinson_variance(np.sum(matrix**2), probes=kind, diagonal=np.diag(matrix))
        assert variance == pytest.approx(2 * (np.sum(matrix**2) - diagonal) + (a**2 - 1) * diagonal)
        assert law @ forms**2 - (law @ forms) ** 2 == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_probes(by_hand, trained, seed):
    rng = np.random.default_rng([1990, seed])
    for one in trained:
        for kind in ("gaussian", "rademacher"):
            forms = by_hand.quadratic_forms(one.dense, kind, 4000, rng)
            known = hutchinson_variance(np.sum(one.dense**2), probes=kind, diagonal=np.diag(one.dense))
            assert abs(statistics.disorder_mean(forms).mean.z(np.trace(one.dense))) < 4
            assert forms.var() == pytest.approx(known, rel=0.2)


# ---- Sections.


def test_the_stencil_by_hand_is_exact_for_degree_five_and_truncates_as_it_says(by_hand):
    for power in range(8):
        found = by_hand.second_derivative(
            lambda x, p=power: (x + 1) ** p, torch.tensor(0.0).double(), 1.0, 0.1
        )
        rest = -(0.1**4) / 90 * (720 if power == 6 else 5040 if power == 7 else 0)
        assert found == pytest.approx(power * (power - 1) + rest, abs=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_second_difference_is_a_mean_with_a_triangular_weight(seed):
    """For a parabola with kinks: the area is 1, and a kink counts as jump times weight."""
    rng = np.random.default_rng(seed)
    places, jumps, h = rng.uniform(-1, 1, 20), rng.normal(size=20), 0.3

    def curve(x):
        return 0.7 * x**2 + np.sum(jumps * np.maximum(0, x - places))

    weights = np.maximum(0, 1 - np.abs(places) / h) / h
    difference = (curve(h) - 2 * curve(0.0) + curve(-h)) / h**2
    assert difference == pytest.approx(1.4 + jumps @ weights, abs=1e-9)


ROWS = torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None]
ANSWERS = torch.cos(4 * torch.arccos(ROWS))


def kinked_losses(by_hand, seed):
    """Return a random ReLU network and its losses, with the targets of the chapter and its own outputs."""
    rng = np.random.default_rng([2, seed])
    point = by_hand.fresh(rng) + 0.1 * torch.from_numpy(rng.normal(size=481))
    own = by_hand.network(point, ROWS, torch.relu)
    model = by_hand.model_of(torch.nn.ReLU)
    return point, *(Loss(model, by_hand.half_square, ROWS, y) for y in (ANSWERS, own))


@pytest.mark.parametrize("seed", SEEDS)
def test_kinks_are_seen_by_sections_and_not_by_products(by_hand, seed):
    """Nothing at small steps, then about the same at a step and its double; nothing without residuals."""
    point, kinked, fitted = kinked_losses(by_hand, seed)
    tiny, middle, large = by_hand.excess(kinked, point, [3e-7, 1e-3, 2e-3], seed)
    assert abs(tiny.value) < 0.1
    apart = abs(middle.value - large.value)
    assert apart < max(0.5 * abs(middle.value), 3 * np.hypot(middle.error, large.error))
    for one in by_hand.excess(fitted, point, [3e-7, 1e-3], seed):
        assert abs(one.value) < 0.1


def test_kinks_add_to_the_trace_of_most_networks(by_hand):
    scores = []
    for seed in SEEDS:
        point, kinked, _ = kinked_losses(by_hand, seed)
        (one,) = by_hand.excess(kinked, point, [1e-3], seed)
        scores.append(one.value / one.error)
    assert np.sum(np.abs(scores) > 4) >= 5


def inputs_of_units(theta):
    """Return the inputs of all hidden units for all rows, of the first and of the second layer."""
    first = ROWS @ theta[:20].view(20, 1).T + theta[20:40]
    return first, torch.relu(first) @ theta[40:440].view(20, 20).T + theta[440:460]


def derivatives_by_outputs(theta):
    """Return the derivatives of the loss by the outputs of all hidden units, layer by layer."""
    one = torch.relu(inputs_of_units(theta)[0]).detach().requires_grad_()
    two = torch.relu(one @ theta[40:440].view(20, 20).T + theta[440:460])
    value = ((two @ theta[460:480].view(1, 20).T + theta[480:] - ANSWERS) ** 2).mean() / 2
    return torch.autograd.grad(value, (one, two))


@pytest.mark.parametrize("seed", SEEDS)
def test_kinks_add_what_their_jumps_and_the_weight_of_the_stencil_say(by_hand, seed):
    """The sum over all kinks, as they would be if inputs and loss were linear between them."""
    point, kinked, _ = kinked_losses(by_hand, seed)
    deltas, h, predicted = derivatives_by_outputs(point), 1e-3, []
    for v in random_directions(kinked, 60, rng=seed):
        inputs, slopes = torch.autograd.functional.jvp(inputs_of_units, point, torch.from_numpy(v))
        places = [(a / b).abs() for a, b in zip(inputs, slopes, strict=True)]
        weights = [
            4 / 3 * torch.relu(1 - x / h) / h - 1 / 3 * torch.relu(1 - x / (2 * h)) / (2 * h) for x in places
        ]
        parts = zip(deltas, slopes, weights, strict=True)
        predicted.append(sum(float((delta * b.abs() * w).sum()) for delta, b, w in parts))
    (seen,) = by_hand.excess(kinked, point, [h], seed)
    assert seen.value == pytest.approx(np.mean(predicted), rel=0.08, abs=0.1)


@pytest.mark.parametrize("seed", SEEDS)
def test_kinks_have_the_jumps_that_are_said(by_hand, seed):
    """Along a line: slopes right and left of the nearest zero of a unit of the first layer."""
    point, kinked, _ = kinked_losses(by_hand, seed)
    v = torch.from_numpy(np.random.default_rng(seed).normal(size=481))
    a, b = (one[:20] * ROWS + one[20:40] for one in (point, v))
    zeros = -a / b
    row, unit = divmod(int(zeros.abs().argmin()), 20)
    place, gap = zeros[row, unit].item(), 1e-9
    slopes = [float(v @ kinked.gradient(point + (place + side * gap) * v)) for side in (1, -1)]
    at = point + place * v
    delta = derivatives_by_outputs(at)[0]
    jump = (delta[row, unit] * b[row, unit].abs()).item()
    assert slopes[0] - slopes[1] == pytest.approx(jump, rel=1e-3, abs=1e-6)


def test_a_second_plateau_is_not_the_rule():
    """Four of ten are level within thirty per cent, two fall by half; six are positive and four negative."""
    found = np.array([row[1:] for row in numbers("others")[1:]])
    assert found.shape == (3, 10)
    level = np.abs(found / found[0] - 1).max(axis=0) < 0.3
    falls = np.all(np.diff(np.abs(found), axis=0) < 0, axis=0) & (found[-1] / found[0] < 0.5)
    assert (level.sum(), falls.sum(), np.sum(found > 0)) == (4, 2, 18)
    assert not np.any(level & falls)


def test_one_unit_with_a_kink():
    assert numbers("kink-code")[0] == [0.5, 0.25, 0.5]


# ---- Which is the cheapest.


def test_hutch_plus_plus_leaves_the_rest_of_the_spectrum(trained):
    for one in trained:
        rest = np.sort(np.linalg.eigvalsh(one.dense) ** 2)[::-1]
        total, square = np.trace(one.dense), rest.sum()
        for m, share in ((12, 0.4), (24, 0.02), (96, 0.02)):
            found = [trace(one.dense, m, method="hutch++", rng=seed).value for seed in range(40)]
            wrong, floor = (
                np.sqrt(np.mean((np.array(found) - total) ** 2)),
                np.sqrt(6 / m * rest[m // 3 :].sum()),
            )
            assert 0.5 * floor < wrong < 6 * floor
            assert wrong < share * np.sqrt(hutchinson_variance(square) / m)


# ---- Spectra.


@pytest.mark.parametrize("seed", SEEDS)
def test_lanczos_by_hand(by_hand, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(40, 40))
    matrix, v = (matrix + matrix.T) / 9, rng.normal(size=40)
    v /= np.linalg.norm(v)
    nodes, weights = by_hand.lanczos(matrix, v, 4)
    for power in range(9):
        exact = v @ np.linalg.matrix_power(matrix, power) @ v
        same = abs(weights @ nodes**power - exact) < 1e-9
        assert same == (power < 8)
    found = spectral_density(matrix, n_probes=1, n_steps=40, rng=seed)
    assert by_hand.lanczos(matrix, v, 39)[0][-1] == pytest.approx(found.largest, rel=1e-6)


def test_three_classes_leave_the_bulk_and_one_does_not(by_hand):
    """The mean over ten samples has the known limits, which the variances themselves do not meet."""
    strengths, tops, overlaps = np.array([6.0, 4.0, 2.5, 1.4]), [], []
    for seed in SEEDS:
        rows, _, along = by_hand.clusters(strengths, 800, 400, np.random.default_rng([1967, seed]))
        levels, vectors = np.linalg.eigh(rows.T @ rows / 800)
        tops.append(levels[:-5:-1])
        overlaps.append([(vectors[:, -k] @ along[k - 1]) ** 2 for k in (1, 2, 3, 4)])
    mean, scatter = np.mean(tops, axis=0), np.std(tops, axis=0, ddof=1)
    error, known = scatter[:3] / np.sqrt(10), [spiked_covariance(one, 0.5) for one in strengths]
    assert np.all(np.abs(mean[:3] - [one.eigenvalue for one in known[:3]]) < 4 * error)
    assert np.all(np.abs(mean[:3] - strengths[:3]) > 8 * error)
    assert scatter[:3].round(1).tolist() == [0.2, 0.1, 0.1]
    edge = covariance_edge(400, 800)
    assert np.abs(np.array(tops)[:, 3] - edge.mean).max() < 4 * edge.deviation
    assert np.mean(overlaps, axis=0)[:3] == pytest.approx([one.overlap for one in known[:3]], abs=0.03)
    assert np.max(overlaps, axis=0)[3] < 0.2


def test_the_outliers_of_classifiers(by_hand):
    scope = vars(by_hand)
    outliers = CHAPTER.functions("project-code", **scope)["outliers"]
    for n_classes in (2, 3, 4):
        found = [outliers(n_classes, seed)[0] for seed in range(100, 107)]
        assert np.median(found) == n_classes * (n_classes - 1)


# ---- The edge of stability.


@pytest.fixture(scope="module")
def runs(by_hand):
    """Return the notes of descent with the rate 0.2 from ten starts up to the time 400."""
    starts = [by_hand.fresh(np.random.default_rng(seed)) for seed in SEEDS]
    return np.array([by_hand.descend(start, 0.2, 2000, 25)[1] for start in starts])


@pytest.mark.parametrize("seed", SEEDS)
def test_sharpness_stops_at_the_edge(runs, seed):
    ratio, losses = 0.1 * runs[seed][:, 2], runs[seed][:, 1]
    assert ratio[0] < 1 < ratio.max() < 1.6
    assert ratio[len(ratio) // 2 :].mean() == pytest.approx(1, abs=0.08)
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("seed", range(4))
def test_sharpness_stops_at_the_edge_of_half_the_rate(by_hand, seed):
    _, notes = by_hand.descend(by_hand.fresh(np.random.default_rng(seed)), 0.1, 4000, 50)
    ratio = 0.05 * notes[:, 2]
    assert ratio[0] < 1 < ratio.max() < 1.3
    assert ratio[len(ratio) // 2 :].mean() == pytest.approx(1, abs=0.03)
    assert notes[-1, 1] < 0.02 * notes[0, 1]
    assert 0 < notes[-1, 3] / 4000 < 0.3


def test_small_steps_pass_the_edge_of_larger_ones(trained):
    for one in trained:
        assert np.diff(one.notes[:, 2]).min() > 0
        assert one.notes[-1, 3] == 0
        assert one.notes[-1, 2] > 15
        assert one.notes[:, 2].max() < 40


def test_momentum_moves_the_edge(by_hand):
    scope = vars(by_hand)
    heavy_ball = CHAPTER.functions("momentum-code", **scope)["heavy_ball"]
    for momentum, n_seeds in ((0.3, 3), (0.5, 9)):
        starts = [by_hand.fresh(np.random.default_rng(seed)) for seed in range(n_seeds)]
        kept = [heavy_ball(start, 0.2, momentum, 1600, 80)[10:].mean() for start in starts]
        ratios = 0.1 * np.array(kept) / (1 + momentum)
        late = 1 if momentum == 0.5 else 0  # the first of them comes down in a flatter place
        assert ratios[late:] == pytest.approx(np.ones(n_seeds - late), abs=0.075)
        assert ratios[:late] == pytest.approx([0.8] * late, abs=0.05)


# ---- What is printed, and questions.


def test_what_is_printed_is_true():
    for cell in ("dense", "momentum-code"):
        assert "True" in CHAPTER.printed(cell), cell
        assert "False" not in CHAPTER.printed(cell), cell
    assert re.findall("True|False", CHAPTER.printed("stencil")) == ["True", "True", "True", "False"]
    assert re.findall("True|False", CHAPTER.printed("lanczos")) == ["True", "False"]


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("question-probes", 200, (100, 10, 800, 3200, 8000, 2)),
        ("question-bulk", 1.5, (2.25, 1.25, 3.0, 0.5)),
        ("question-edge", 0.2195, (0.2222, 0.1098, 9.11, 0.667)),
    ],
)
def test_questions(name, right, wrong):
    assert CHAPTER.tells_apart(name, right, wrong)
