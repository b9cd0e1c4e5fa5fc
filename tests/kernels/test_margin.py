"""The largest margin of a line, beside a quadratic program and beside integers, and what it bounds."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import nnls

from smbook.kernels import margin as kernels
from smbook.kernels import plane
from smbook.kernels.perceptron import perceptron_step
from smbook.kernels.rng import seed_state
from smbook.widgets.compiler import WASM
from tests.wasm import Kernels

GRID = 1024


def with_constant(points):
    return np.column_stack([points, np.ones(len(points))]).astype(np.float64)


def found(points, labels):
    """Return the margin, its weights, and the points on which it rests."""
    weights, support = np.empty(3), np.empty(3, dtype=np.int64)
    value = kernels.largest_margin(with_constant(points), np.asarray(labels, np.int8), weights, support)
    return value, weights, support[support >= 0]


def by_program(points, labels):
    """Return the largest margin by Lawson and Hanson's least distance program, 0 where there is none.

    The least w with G w >= 1, G = y x, is -r / r_last, where r is the residual of the least squares problem
    [G 1]' u = (0, 0, 0, 1) with u >= 0, and there is none if r is 0.
    """
    rows = np.asarray(labels)[:, None] * with_constant(points)
    system, wanted = np.vstack([rows.T, np.ones(len(rows))]), np.array([0.0, 0.0, 0.0, 1.0])
    multipliers, rest = nnls(system, wanted)
    residual = wanted - system @ multipliers
    if rest < 1e-9:
        return 0.0
    return float(residual[3] / np.linalg.norm(residual[:3]))


def in_integers(points, labels):
    """Tell exactly whether a line keeps the classes strictly apart: whether their convex hulls are disjoint.

    Points are whole numbers. Hulls that meet have a point of one in a triangle of the other, or two of their
    segments meet; all of these are tried.
    """
    one, other = (
        [tuple(map(int, p)) for p, y in zip(points, labels, strict=True) if y == s] for s in (1, -1)
    )
    if not one or not other:
        return True

    def turn(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    def sign(x):
        return (x > 0) - (x < 0)

    def on_segment(p, a, b):
        inside = min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])
        return turn(a, b, p) == 0 and inside

    def meet(a, b, c, d):
        if sign(turn(a, b, c)) * sign(turn(a, b, d)) < 0 and sign(turn(c, d, a)) * sign(turn(c, d, b)) < 0:
            return True
        return on_segment(a, c, d) or on_segment(b, c, d) or on_segment(c, a, b) or on_segment(d, a, b)

    def in_triangle(p, a, b, c):
        signs = {sign(turn(a, b, p)), sign(turn(b, c, p)), sign(turn(c, a, p))}
        return turn(a, b, c) != 0 and not {1, -1} <= signs

    pairs = [list(itertools.combinations_with_replacement(side, 2)) for side in (one, other)]
    if any(meet(*ab, *cd) for ab in pairs[0] for cd in pairs[1]):
        return False
    return not any(
        in_triangle(p, *corners)
        for inner, outer in ((one, other), (other, one))
        for corners in itertools.combinations(outer, 3)
        for p in inner
    )


@st.composite
def examples(draw, side, largest=10):
    """Draw points on a grid of whole numbers, a coarse one so that many lie on one line, and labels."""
    place = st.tuples(st.integers(-side, side), st.integers(-side, side))
    points = draw(st.lists(place, min_size=1, max_size=largest))
    labels = draw(st.lists(st.sampled_from([1, -1]), min_size=len(points), max_size=len(points)))
    return np.array(points), np.array(labels)


# The largest margin


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kind", [plane.TWO_CLOUDS, plane.NARROW_GAP, plane.MOONS])
def test_the_margin_is_that_of_the_quadratic_program(kind, seed):
    points, labels = np.empty((40, 2)), np.empty(40, dtype=np.int8)
    plane.fill_points(kind, seed_state(seed), np.empty(2), points, labels)
    value, weights, support = found(points, labels)
    assert value == pytest.approx(by_program(points, labels), rel=1e-9)
    if not value:
        assert not weights.any()
        assert support.size == 0
        return
    stabilities = labels * (with_constant(points) @ weights)
    assert np.linalg.norm(weights) == pytest.approx(1.0, rel=1e-14)
    assert stabilities.min() == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(stabilities[support], value, rtol=1e-12)


@given(examples(side=3))
def test_whether_a_line_parts_points_is_decided_as_in_integers(case):
    """Many of these points lie on one line, or on one another."""
    points, labels = case
    value, *_ = found(points / GRID, labels)
    assert (value > 0) == in_integers(points, labels)


@given(examples(side=2048, largest=6), st.integers(-1, 1), st.integers(-1, 1))
def test_it_is_decided_exactly_where_a_grid_is_fine(case, right, up):
    """A point on a segment of the other class, moved by one place of the grid, or not at all."""
    points, labels = case
    assume(len(points) > 2)
    (a, b), (c, d) = points[:2]
    middle = ((a + c) // 2 + right, (b + d) // 2 + up)
    points = np.clip(np.vstack([points, middle]), -2048, 2048)
    labels = np.append(labels, -labels[0])
    labels[1] = labels[0]
    value, *_ = found(points / GRID, labels)
    assert (value > 0) == in_integers(points, labels)


@given(examples(side=2048, largest=12))
def test_no_weights_have_a_larger_margin(case):
    points, labels = case
    value, weights, _ = found(points / GRID, labels)
    rows = labels[:, None] * with_constant(points / GRID)
    others = np.random.default_rng(1).normal(size=(200, 3)) + 3 * weights
    others /= np.linalg.norm(others, axis=1)[:, None]
    assert (others @ rows.T).min(axis=1).max() <= value + 1e-12


def test_a_rule_of_thumb_that_looks_at_pairs_alone_is_caught():
    """The margin of the middle between the two nearest points of different classes is too small here."""
    points, labels = np.array([[0.0, 0.5], [1.0, -0.5], [-1.0, -0.75]]), np.array([1, -1, -1])
    value, _, support = found(points, labels)
    rows = labels[:, None] * with_constant(points)
    of_pairs = [rows[i] * a + rows[j] * (1 - a) for i, j in ((0, 1), (0, 2)) for a in np.linspace(0, 1, 101)]
    best = max((rows @ w).min() / np.linalg.norm(w) for w in of_pairs)
    assert value == pytest.approx(by_program(points, labels), rel=1e-9)
    assert len(support) == 3
    assert best < 0.97 * value


def test_points_nearly_on_a_line():
    """The plane through three of them is badly known, and the margin is not."""
    points = np.array(
        [[-2.0, -2.0], [0.0, 1 / GRID], [2.0, 2.0], [-2.0, -2.0 + 2 / GRID], [0.5, 0.5 + 2 / GRID]]
    )
    labels = np.array([-1, -1, -1, 1, 1])
    value, *_ = found(points, labels)
    assert (value > 0) == in_integers(points * GRID, labels)
    assert value == pytest.approx(by_program(points, labels), abs=1e-9)


def test_few_points():
    assert found(np.empty((0, 2)), [])[0] == math.inf
    value, weights, support = found([[2.0, 2.0]], [-1])
    assert value == 3.0
    np.testing.assert_allclose(weights, np.array([-2.0, -2.0, -1.0]) / 3.0)
    assert support.tolist() == [0]
    assert found([[1.0, 1.0], [1.0, 1.0]], [1, -1])[0] == 0.0
    assert found([[1.0, 1.0], [1.0, 1.0]], [1, 1])[0] == pytest.approx(math.sqrt(3.0))
    assert found([[-1, 1], [1, 1], [1, -1], [-1, -1]], [1, -1, 1, -1])[0] == 0.0


# What it bounds


def learn(points, labels, n_steps, *, always=False):
    """Return abs(w) after each correction, of the perceptron rule or of one that corrects all that is shown."""
    inputs, labels, weights = with_constant(points), np.asarray(labels, np.int8), np.zeros(3)
    lengths = [0.0]
    for k in range(n_steps):
        threshold = math.inf if always else 0.0
        if perceptron_step(inputs, labels, k % len(labels), threshold, weights):
            lengths.append(np.linalg.norm(weights))
    return np.array(lengths)


@given(examples(side=2048, largest=8))
def test_the_rule_keeps_to_both_bounds_of_its_proof(case):
    """Novikoff: M kappa <= abs(w) <= sqrt(M) R, the second one whether a line parts the points or not."""
    points, labels = case
    value, *_ = found(points / GRID, labels)
    lengths = learn(points / GRID, labels, 400)
    mistakes = np.arange(len(lengths), dtype=np.float64)
    least, most = np.empty(len(lengths)), np.empty(len(lengths))
    radius = kernels.radius(with_constant(points / GRID))
    kernels.length_bounds(radius, value, mistakes, least, most)
    assert (lengths <= most * (1 + 1e-12)).all()
    assert (lengths >= least * (1 - 1e-12)).all()
    assert mistakes[-1] <= kernels.mistake_bound(radius, value) * (1 + 1e-12)


def test_a_rule_that_corrects_what_is_right_breaks_the_bound():
    points, labels = [[1.0, 0.0], [-1.0, 0.0]], [1, -1]
    value, *_ = found(points, labels)
    bound = kernels.mistake_bound(kernels.radius(with_constant(points)), value)
    assert len(learn(points, labels, 100)) - 1 <= bound < len(learn(points, labels, 100, always=True)) - 1


def test_the_bounds_meet_at_the_most_mistakes():
    most_mistakes = kernels.mistake_bound(3.0, 0.5)
    low, high = np.empty(1), np.empty(1)
    kernels.length_bounds(3.0, 0.5, np.array([most_mistakes]), low, high)
    assert low == high == 18.0


# In a page


@pytest.mark.parametrize("seed", range(5))
def test_a_page_finds_the_same_bits(seed):
    points, labels = np.empty((24, 2)), np.empty(24, dtype=np.int8)
    plane.fill_points(plane.TWO_CLOUDS, seed_state(seed), np.empty(2), points, labels)
    weights, support = np.empty(3), np.empty(3, dtype=np.int64)
    value = Kernels(WASM.read_bytes()).largest_margin(with_constant(points), labels, weights, support)
    expected, its_weights, its_support = found(points, labels)
    assert value == expected
    np.testing.assert_array_equal(weights, its_weights)
    np.testing.assert_array_equal(support[support >= 0], its_support)
