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
from smbook.widgets import Question
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
        variance = 2 * (np.sum(matrix**2) - diagonal) + (a**2 - 1) * diagonal
        assert law @ forms**2 - (law @ forms) ** 2 == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_probes(by_hand, trained, seed):
    rng = np.random.default_rng([1990, seed])
    for one in trained:
        for kind in ("gaussian", "rademacher"):
            forms = by_hand.quadratic_forms(one.dense, kind, 4000, rng)
            known = hutchinson_variance(np.sum(one.dense**2), probes=kind, diagonal=np.diag(one.dense))
            assert abs(statistics.disorder_mean(forms).mean.z(np.trace(one.dense))) < 4
            assert forms.var() == pytest.approx(known, rel=0.35)


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
    outputs = torch.relu(ROWS @ at[:20].view(20, 1).T + at[20:40]).detach().requires_grad_()
    hidden = torch.relu(outputs @ at[40:440].view(20, 20).T + at[440:460])
    value = ((hidden @ at[460:480].view(1, 20).T + at[480:] - ANSWERS) ** 2).mean() / 2
    (delta,) = torch.autograd.grad(value, outputs)
    jump = (delta[row, unit] * b[row, unit].abs()).item()
    assert slopes[0] - slopes[1] == pytest.approx(jump, rel=1e-3, abs=1e-6)


def test_one_unit_with_a_kink():
    assert numbers("kink-code")[0] == [0.5, 0.25, 0.5]


# ---- Which is the cheapest.


def test_hutch_plus_plus_leaves_the_rest_of_the_spectrum(trained):
    for one in trained:
        rest = np.sort(np.linalg.eigvalsh(one.dense) ** 2)[::-1]
        total, square = np.trace(one.dense), rest.sum()
        for m in (24, 96):
            found = [trace(one.dense, m, method="hutch++", rng=seed).value for seed in range(40)]
            wrong, floor = (
                np.sqrt(np.mean((np.array(found) - total) ** 2)),
                np.sqrt(6 / m * rest[m // 3 :].sum()),
            )
            assert 0.5 * floor < wrong < 6 * floor
            assert wrong < 0.7 * np.sqrt(hutchinson_variance(square) / m)


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


@pytest.mark.parametrize("seed", SEEDS)
def test_three_classes_leave_the_bulk_and_one_does_not(by_hand, seed):
    strengths = (6.0, 4.0, 2.5, 1.4)
    rows, _, along = by_hand.clusters(strengths, 800, 400, np.random.default_rng([1967, seed]))
    levels, vectors = np.linalg.eigh(rows.T @ rows / 800)
    edge = covariance_edge(400, 800)
    for k, ell in enumerate(strengths, start=1):
        known = spiked_covariance(ell, 0.5)
        overlap = (vectors[:, -k] @ along[k - 1]) ** 2
        if ell > 2:
            assert levels[-k] == pytest.approx(known.eigenvalue, abs=4 * np.sqrt(known.variance / 800))
            assert overlap == pytest.approx(known.overlap, abs=0.12)
        else:
            assert abs(levels[-k] - edge.mean) < 4 * edge.deviation
            assert overlap < 0.2


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


def test_small_steps_pass_the_edge_of_larger_ones(trained):
    for one in trained:
        assert one.notes[-1, 2] > 15
        assert one.notes[:, 2].max() < 40


def test_momentum_moves_the_edge(by_hand):
    scope = vars(by_hand)
    heavy_ball = CHAPTER.functions("momentum-code", **scope)["heavy_ball"]
    for seed in range(3):
        first = by_hand.fresh(np.random.default_rng(seed))
        hovering = heavy_ball(first, 0.2, 0.3, 1600, 40)
        assert hovering[20:].mean() / 13 == pytest.approx(1, abs=0.1)


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
        ("question-probes", 200, (100, 10, 800, 2)),
        ("question-bulk", 1.5, (2.25, 1.25, 3.0, 0.5)),
        ("question-edge", 0.2195, (0.2222, 0.1098, 9.11, 0.667)),
    ],
)
def test_questions(name, right, wrong):
    asked = CHAPTER.question(name)
    assert asked.check(right).right
    said = [asked.check(value) for value in wrong]
    assert not any(verdict.right for verdict in said)
    assert all(verdict.words for verdict in said)
    assert len({verdict.words for verdict in said}) == len(wrong)
