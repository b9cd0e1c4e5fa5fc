"""Separability by counting, margins beside other solvers and by hand, and answers that carry their proof."""

import copy
import itertools
import math
import pickle
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog, minimize

from smbook import perceptron
from smbook.perceptron import Margin, NotSeparableError
from smbook.perceptron._exact import vanishing_combination
from smbook.theory.perceptron import cover_count

CORNERS = np.array(list(itertools.product([-1, 1], repeat=2)))
PARITY = CORNERS.prod(axis=1)


def labelings(p):
    return np.array(list(itertools.product([1, -1], repeat=p)), dtype=np.int8)


def gaussian(p, n, seed):
    return np.random.default_rng(seed).standard_normal((p, n))


def proof(inputs, labels):
    """Return weights or a combination that decide, each checked in whole numbers."""
    rows = np.asarray(inputs, dtype=float) * np.asarray(labels)[:, np.newaxis]
    try:
        weights = perceptron.margin(inputs, labels).weights
    except NotSeparableError as error:
        return None, error.combination, rows
    exact = [sum(Fraction(a) * Fraction(b) for a, b in zip(row, weights, strict=True)) for row in rows]
    assert min(exact) > 0
    return weights, None, rows


# Counting


@pytest.mark.parametrize("p", range(1, 9))
@pytest.mark.parametrize("n", range(1, 5))
def test_as_many_labelings_as_cover_counts(n, p):
    inputs = gaussian(p, n, 10 * p + n)
    assert perceptron.in_general_position(inputs)
    separable = np.array([perceptron.is_separable(inputs, y) for y in labelings(p)])
    assert separable.sum() == cover_count(p, n)
    found = perceptron.dichotomies(inputs)
    assert found.dtype == np.int8
    assert {tuple(y) for y in found} == {tuple(y) for y in labelings(p)[separable]}
    assert len(found) == cover_count(p, n)
    np.testing.assert_array_equal(found, -found[::-1])


def test_more_points_and_lengths_that_do_not_matter():
    inputs = gaussian(14, 4, 1)
    found = perceptron.dichotomies(inputs)
    assert len(found) == cover_count(14, 4)
    lengths = 10.0 ** np.random.default_rng(2).uniform(-30, 30, 14)
    np.testing.assert_array_equal(perceptron.dichotomies(inputs * lengths[:, np.newaxis]), found)


def test_fewer_for_points_in_special_position():
    """Two on a line through the origin, three in a plane; the wrong answer is Cover's count all the same."""
    for special, expected in (
        ([[1, 0], [0, 1], [2, 0]], 4),
        ([[1, 0], [0, 1], [-3, 0]], 4),
        ([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]], 12),
        ([[0.1, 0.2, 0.0], [0.3, 0.1, 0.0], [0.4, 0.3, 0.0], [0.7, 0.4, 0.0]], 8),
    ):
        inputs = np.array(special, dtype=float)
        assert not perceptron.in_general_position(inputs)
        assert len(perceptron.dichotomies(inputs)) == expected < cover_count(*inputs.shape)


@pytest.mark.parametrize(("n", "count"), [(1, 4), (2, 14), (3, 104), (4, 1882)])
def test_threshold_functions_of_few_inputs(n, count):
    """4, 14, 104, 1882: the truth tables that one unit with a threshold makes (Muroga, 1971)."""
    corners = perceptron.with_constant(list(itertools.product([0, 1], repeat=n)))
    assert len(perceptron.dichotomies(corners)) == count
    assert perceptron.in_general_position(corners) == (n < 3)


def test_general_position():
    assert perceptron.in_general_position(np.eye(3))
    assert perceptron.in_general_position([[1.0, 2.0]])
    assert not perceptron.in_general_position([[0.0, 0.0]])
    assert not perceptron.in_general_position([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])
    assert perceptron.in_general_position([[1.0], [-2.0], [3.0]])
    assert perceptron.in_general_position(gaussian(20, 3, 1) * 1e80)
    moment_curve = np.vander(np.arange(1, 13) / 12, 4)
    assert perceptron.in_general_position(moment_curve)
    assert not perceptron.in_general_position(np.vstack([moment_curve, moment_curve[3] + moment_curve[5]]))


# Yes and no


@pytest.mark.parametrize(
    "inputs", [CORNERS, perceptron.with_constant(CORNERS), 1e-8 * CORNERS, 1e8 * CORNERS]
)
def test_parity_is_not_separable(inputs):
    for sign in (1, -1):
        assert not perceptron.is_separable(inputs, sign * PARITY)
        with pytest.raises(NotSeparableError, match=r"no weights separate these examples: .* = 0") as caught:
            perceptron.margin(inputs, sign * PARITY)
        combination = caught.value.combination
        np.testing.assert_array_equal(combination @ (inputs * PARITY[:, np.newaxis]), 0.0)
        assert combination.sum() == pytest.approx(1.0)
        assert combination.min() >= 0.0
    assert perceptron.is_separable(np.column_stack([inputs, inputs[:, 0] * inputs[:, 1]]), PARITY)


def test_zero_and_opposite_inputs():
    assert not perceptron.is_separable([[0.0, 0.0]], [1])
    assert not perceptron.is_separable([[1.0, 2.0], [0.0, 0.0]], [1, -1])
    with pytest.raises(NotSeparableError, match="1 y_1 x_1 = 0"):
        perceptron.margin([[1.0, 2.0], [0.0, 0.0]], [1, -1])
    assert not perceptron.is_separable([[0.1, 0.3], [0.1, 0.3]], [1, -1])
    assert perceptron.is_separable([[0.1, 0.3], [0.1, 0.3]], [-1, -1])
    with pytest.raises(NotSeparableError, match=r"\+ 2 more such terms = 0"):
        perceptron.margin(np.vstack([np.eye(7), -np.ones((1, 7))]), np.ones(8))


@settings(max_examples=200)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 4)),
    seed=st.integers(0, 2**32),
    whole=st.booleans(),
    power=st.integers(-40, 40),
)
def test_linear_programming_says_the_same(shape, seed, whole, power):
    """Gaussian inputs and small whole numbers, of any size; every answer has a proof."""
    rng = np.random.default_rng(seed)
    inputs = rng.integers(-2, 3, shape).astype(float) if whole else rng.standard_normal(shape)
    labels = rng.choice([-1, 1], shape[0])
    turned = inputs * labels[:, np.newaxis]
    free = [(None, None)] * shape[1]
    program = linprog(np.zeros(shape[1]), A_ub=-turned, b_ub=-np.ones(shape[0]), bounds=free, method="highs")
    scaled = inputs * 10.0**power
    assert perceptron.is_separable(scaled, labels) == (program.status == 0)
    weights, combination, rows = proof(scaled, labels)
    assert (combination is None) == (program.status == 0)
    if weights is None:
        sizes = combination @ np.abs(rows)
        assert (np.abs(combination @ rows) <= 1e-14 * sizes.max()).all()
        assert combination.min() >= 0


@settings(max_examples=100)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(2, 6),
    extra=st.integers(0, 20),
    gap=st.sampled_from([1e-2, 1e-6, 1e-9, 1e-12]),
    scale=st.sampled_from([1e-8, 1.0, 1e8]),
)
def test_nearly_inseparable_examples(seed, n, extra, gap, scale):
    """A hull at a known distance from the origin, and then with a corner more, that takes it in."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((n, n)))[0]
    flat = np.vstack([np.eye(n - 1), -np.ones((1, n - 1))])  # a simplex around the origin of N - 1 dimensions
    more = rng.standard_normal((extra, n - 1))
    heights = np.concatenate([np.full(n, gap), gap * (1.0 + rng.random(extra))])
    rows = np.column_stack([np.vstack([flat, more]), heights])
    labels = rng.choice([-1, 1], len(rows))
    inputs = scale * (rows @ turn) * labels[:, np.newaxis]
    assert perceptron.is_separable(inputs, labels)
    best = perceptron.margin(inputs, labels)
    assert best.value == pytest.approx(scale * gap, rel=1e-9, abs=1e-14 * scale)
    tip = -(10.0 * gap) * turn[-1] - 1e-3 * turn[0] * gap  # across the plane: the origin is inside now
    inside = np.vstack([inputs, scale * tip])
    assert not perceptron.is_separable(inside, np.append(labels, 1))


def test_closer_than_rounding_is_refused_with_words():
    """Three points that would lie on a line if 3 times 0.3 were 0.9: truly separable, by 1e-17."""
    inputs = perceptron.with_constant([[0.1, 0.3], [0.2, 0.6], [0.3, 0.9]])
    for call in (perceptron.is_separable, perceptron.margin, lambda x, _: perceptron.dichotomies(x)):
        with pytest.raises(
            ValueError, match="too near to the border of what is separable for float64 to tell"
        ):
            call(inputs, [1, -1, 1])
    assert not perceptron.in_general_position(inputs)
    assert perceptron.is_separable(inputs, [1, 1, -1])
    whole = perceptron.with_constant([[1, 3], [2, 6], [3, 9]])
    assert not perceptron.is_separable(whole, [1, -1, 1])


def test_a_solver_with_a_tolerance_would_be_wrong():
    """Linear programming calls a margin of 1e-9 feasible or not as it likes, on either side."""
    for sign in (1, -1):
        rows = np.array([[1.0, sign * 1e-9], [-1.0, sign * 1e-9], [0.0, 1.0]])
        free = [(-1, 1)] * 2 + [(None, 1)]
        gap = linprog([0, 0, -1], A_ub=np.column_stack([-rows, np.ones(3)]), b_ub=np.zeros(3), bounds=free)
        assert abs(gap.x[2]) < 1e-7  # no more than its tolerance: neither yes nor no
        assert perceptron.is_separable(rows, np.ones(3)) == (sign > 0)


# Margins


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 6), p=st.integers(1, 10))
def test_the_margin_is_that_of_another_solver(seed, n, p):
    """Sequential quadratic programming on min w.w with y w.x >= 1, to 1e-9."""
    rng = np.random.default_rng(seed)
    inputs, teacher = rng.standard_normal((p, n)), rng.standard_normal(n)
    labels = np.sign(inputs @ teacher)
    found = perceptron.margin(inputs, labels)
    turned = inputs * labels[:, np.newaxis]
    assume(found.value > 0.01)
    limits = {"type": "ineq", "fun": lambda w: turned @ w - 1.0, "jac": lambda _: turned}
    start = found.weights / found.value + 0.1 * rng.standard_normal(n)
    other = minimize(
        lambda w: w @ w / 2,
        start,
        jac=lambda w: w,
        constraints=limits,
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    reached = (turned @ other.x).min() / np.linalg.norm(other.x)
    assert reached <= found.value * (1 + 1e-12)
    assert reached == pytest.approx(found.value, abs=1e-9)
    check_optimality(found, turned)


def check_optimality(found, turned):
    """Karush, Kuhn and Tucker: w is a sum of support vectors of strengths >= 0, and none is nearer."""
    distances = turned @ found.weights
    assert np.linalg.norm(found.weights) == pytest.approx(1.0, abs=1e-14)
    assert distances.min() == pytest.approx(found.value, rel=1e-13)
    at_it = distances <= found.value + 1e-9 * np.linalg.norm(turned, axis=1).max()
    assert set(found.support) <= set(np.flatnonzero(at_it))
    support = turned[found.support]
    program = linprog(
        np.ones(len(support)),
        A_eq=support.T,
        b_eq=found.weights,
        bounds=[(0, None)] * len(support),
        options={"primal_feasibility_tolerance": 1e-10},
    )
    assert program.status == 0
    assert program.fun == pytest.approx(1.0 / found.value, rel=1e-7)  # strong duality


@given(
    angles=st.lists(st.floats(0.0, math.pi * 0.99), min_size=1, max_size=8),
    lengths=st.lists(st.floats(0.1, 10.0), min_size=8, max_size=8),
    turn=st.floats(-math.pi, math.pi),
)
def test_the_margin_in_the_plane(angles, lengths, turn):
    """The hull's nearest point to the origin is a corner, or lies on the segment between two."""
    at = np.array(angles) + turn
    rows = np.column_stack([np.cos(at), np.sin(at)]) * np.array(lengths)[: len(at), np.newaxis]
    shortest = [math.hypot(*row) for row in rows]
    for one, two in itertools.combinations(rows, 2):
        along = two - one
        if along @ along:
            where = np.clip(-(one @ along) / (along @ along), 0.0, 1.0)
            shortest.append(math.hypot(*(one + where * along)))
    found = perceptron.margin(rows, np.ones(len(rows)))
    assert found.value == pytest.approx(min(shortest), abs=1e-9)


def test_an_angle_between_two_unit_inputs():
    """Two unit vectors at an angle have the margin cos(angle / 2), three with one between them too."""
    for angle in (0.1, 1.0, 3.0, 3.14, math.pi - 1e-6):
        rows = [[1.0, 0.0], [math.cos(angle), math.sin(angle)], [math.cos(angle / 2), math.sin(angle / 2)]]
        found = perceptron.margin(rows, np.ones(3))
        assert found.value == pytest.approx(math.cos(angle / 2), rel=1e-9)
        assert found.support.tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_margins_of_many_inputs(seed):
    rng = np.random.default_rng(seed)
    inputs, labels = rng.standard_normal((90, 60)), rng.choice([-1, 1], 90)
    found = perceptron.margin(inputs, labels)
    check_optimality(found, inputs * labels[:, np.newaxis])
    worse = found.weights + 1e-3 * rng.standard_normal((200, 60))
    assert all(perceptron.margin(inputs, labels, weights=w).value < found.value for w in worse)


@pytest.mark.parametrize("spread", [0.0, 2.0, 4.0])
@pytest.mark.parametrize("seed", range(3))
def test_where_an_ascent_begins_the_margin_is_the_same(seed, spread, monkeypatch):
    """With hundreds of inputs it only changes the time; lengths that differ by 10^4 do without."""
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((400, 120)) * 10.0 ** rng.uniform(0, spread, (400, 1))
    labels = np.sign(inputs @ rng.standard_normal(120))
    found = perceptron.margin(inputs, labels)
    monkeypatch.setattr("smbook.perceptron.separability._MANY", math.inf)
    other = perceptron.margin(inputs, labels)
    assert found.value == pytest.approx(other.value, rel=1e-11)
    np.testing.assert_array_equal(found.support, other.support)


@pytest.mark.parametrize("seed", range(3))
def test_an_ascent_that_cannot_end_leads_to_a_proof(seed):
    """At alpha = 2.5 random labels are not separable: a combination says so."""
    examples = perceptron.random_dichotomy(400, 160, rng=seed)
    with pytest.raises(NotSeparableError) as caught:
        perceptron.margin(*examples)
    combination = caught.value.combination
    assert (combination >= 0).all()
    assert np.abs((combination * examples.labels) @ examples.inputs).max() < 1e-12


def test_lengths_that_differ_a_thousandfold_and_more():
    rng = np.random.default_rng(3)
    for spread in (3, 6, 8):
        inputs = rng.standard_normal((20, 5)) * 10.0 ** rng.uniform(0, spread, (20, 1))
        labels = np.sign(inputs @ rng.standard_normal(5))
        found, turned = perceptron.margin(inputs, labels), inputs * labels[:, np.newaxis]
        strengths = np.linalg.lstsq(turned[found.support].T, found.weights, rcond=None)[0]
        assert strengths.min() > -1e-12
        upper = 1.0 / strengths.sum()
        assert found.value == pytest.approx(upper, rel=1e-6)


@given(
    inputs=arrays(float, (5, 3), elements=st.floats(-1, 1)),
    weights=arrays(float, 3, elements=st.floats(-1, 1)),
    factor=st.floats(1e-50, 1e50),
)
def test_the_margin_of_given_weights(inputs, weights, factor):
    assume(np.abs(weights).max() > 1e-3)
    labels = np.array([1, -1, 1, 1, -1])
    found = perceptron.margin(inputs, labels, weights=factor * weights)
    exact = labels * (inputs @ weights) / np.linalg.norm(weights)
    assert found.value == pytest.approx(exact.min(), abs=1e-14)
    assert int(exact.argmin()) in found.support
    np.testing.assert_allclose(found.weights, weights / np.linalg.norm(weights), atol=1e-14)


def test_results_compare_and_show_themselves():
    inputs, labels = np.eye(2), np.array([1, -1])
    found = perceptron.margin(inputs, labels)
    assert found == perceptron.margin(inputs, labels)
    assert found != perceptron.margin(2 * inputs, labels)
    assert found != perceptron.margin(inputs, -labels)
    assert repr(found) == "Margin(0.707107, of 2 support vectors in 2 inputs)"
    assert isinstance(found, Margin)
    assert inputs.tolist() == [[1, 0], [0, 1]]
    assert labels.tolist() == [1, -1]
    assert issubclass(NotSeparableError, ValueError)


# Whole numbers


@given(
    factors=st.lists(st.integers(1, 50), min_size=2, max_size=6),
    rows=arrays(np.int64, (6, 5), elements=st.integers(-9, 9)),
    scale=st.integers(-200, 200),
)
def test_combinations_that_vanish_exactly(factors, rows, scale):
    """The last row is what the others leave: unique where they are independent."""
    k = len(factors)
    known = rows[: k - 1] * factors[-1]
    last = -np.array(factors[:-1]) @ rows[: k - 1]
    everything = np.vstack([known, last]).astype(float) * 2.0**scale
    assume(np.linalg.matrix_rank(rows[: k - 1].astype(float)) == k - 1)
    found = vanishing_combination(everything)
    expected = np.append(np.array(factors[:-1]) / factors[-1], 1.0)
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-15)


def test_a_last_bit_makes_rows_independent():
    rows = np.array([[0.1, 0.3], [-0.2, -0.6]])
    np.testing.assert_allclose(vanishing_combination(rows), [2 / 3, 1 / 3])
    rows[0, 0] = np.nextafter(0.1, 1.0)
    assert vanishing_combination(rows) is None


@pytest.mark.parametrize("rows", [np.eye(3), np.zeros((2, 2)), [[1.0, 0], [1.0, 0]], [[1.0], [2.0], [-1.0]]])
def test_no_combination_or_no_one_of_them(rows):
    assert vanishing_combination(np.array(rows)) is None


# Bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: perceptron.is_separable([1.0, 2.0], [1, 1]),
            ValueError,
            r"inputs must have the shape \(P, N\)",
        ),
        (lambda: perceptron.is_separable([[1.0]], [1, 1]), ValueError, "labels must be one for each of 1"),
        (
            lambda: perceptron.is_separable([[1.0]], [0]),
            ValueError,
            "labels must be .1 or -1; that of example 0",
        ),
        (lambda: perceptron.is_separable([[math.nan]], [1]), ValueError, "inputs must be finite; got nan"),
        (lambda: perceptron.is_separable([["a"]], [1]), TypeError, "inputs must hold real numbers"),
        (lambda: perceptron.is_separable([[1.0]], [True]), TypeError, "labels must hold real numbers"),
        (lambda: perceptron.is_separable(np.empty((0, 2)), []), ValueError, "at least one example"),
        (lambda: perceptron.margin([[1.0]], "1"), TypeError, "labels must hold real numbers"),
        (lambda: perceptron.margin([[1.0]], [1], weights=[0.0]), ValueError, "weights must not be zero"),
        (
            lambda: perceptron.margin([[1.0]], [1], weights=[1, 2]),
            ValueError,
            "weights must be one weight for",
        ),
        (lambda: perceptron.margin([[1.0]], [1], weights=[math.inf]), ValueError, "weights must be finite"),
        (
            lambda: perceptron.dichotomies(np.ones((21, 2))),
            ValueError,
            "inputs must be at most 20 points; got 21",
        ),
        (lambda: perceptron.dichotomies([[1.0], [0.0]]), ValueError, "inputs must not be zero"),
        (lambda: perceptron.dichotomies([1.0]), ValueError, r"inputs must have the shape \(P, N\)"),
        (
            lambda: perceptron.in_general_position(np.ones((40, 20))),
            ValueError,
            "at most 1000000 subsets of 20 points; 40 have 137846528820",
        ),
        (lambda: perceptron.in_general_position([[True]]), TypeError, "inputs must hold real numbers"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_shortest_of_all_inputs_are_told_apart():
    """Subnormal inputs have directions too, and 1 over their lengths is beyond all floats."""
    inputs = 5e-324 * np.array([[1, 0], [0, 1], [-1, -1], [2, 1]])
    found = {tuple(row) for row in perceptron.dichotomies(inputs).tolist()}
    assert found == {tuple(row) for row in perceptron.dichotomies(inputs / 5e-324).tolist()}
    assert not perceptron.is_separable(inputs, [1, 1, 1, 1])


def test_proofs_go_through_pickle_and_copy():
    """As errors do that a worker of a pool sends home."""
    with pytest.raises(NotSeparableError) as caught:
        perceptron.margin([[1.0], [1.0]], [1, -1])
    for found in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert type(found) is NotSeparableError
        assert str(found) == str(caught.value)
        np.testing.assert_array_equal(found.combination, [0.5, 0.5])


def test_subsets_of_many_inputs_are_looked_at_in_little_memory():
    inputs = np.random.default_rng(1).normal(size=(121, 120))  # 121 subsets, 14 MB
    tracemalloc.start()
    assert perceptron.in_general_position(inputs)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 6e6
    inputs[7] = inputs[100]
    assert not perceptron.in_general_position(inputs)


def test_the_point_without_a_label_is_named():
    with pytest.raises(ValueError, match=r"which has no label; example 1 is \[0\. 0\.\]"):
        perceptron.dichotomies([[1.0, 2.0], [0.0, 0.0]])
