"""Points that come one at a time: when no plane parts them any more, and the margin until then."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from smbook.kernels import hull
from smbook.kernels.rng import seed_state
from smbook.perceptron import dichotomies, is_separable, margin
from smbook.theory.perceptron import separable_probability
from smbook.widgets.compiler import WASM
from tests.wasm import Kernels


def known(n, most):
    """Return the arrays of a hull, without points, which follow `points` in the calls."""
    arrays = (
        np.zeros((n, n)),
        np.zeros((n, n)),
        np.zeros(n, dtype=np.int64),
        np.zeros(most),
        np.zeros(n),
        np.zeros((5, n)),
        np.zeros(4, dtype=np.int64),
    )
    hull.begin_hull(arrays[0], *arrays[3:])
    return arrays


def margins_of(turned):
    """Return the margins as points come, up to the first one that makes weights impossible, which gives 0."""
    rows = np.ascontiguousarray(turned, dtype=np.float64)
    arrays = known(rows.shape[1], len(rows))
    found = []
    for _ in rows:
        parted = hull.add_to_hull(rows, *arrays)
        found.append(hull.hull_margin(arrays[4]) if parted else 0.0)
        if not parted:
            break
    return found


def distance(turned):
    """Return the distance of the hull from 0 by Lawson and Hanson's least distance program; 0 if it is in."""
    system, wanted = np.vstack([turned.T, np.ones(len(turned))]), np.zeros(turned.shape[1] + 1)
    wanted[-1] = 1.0
    rest = wanted - system @ nnls(system, wanted)[0]
    return rest[-1] / np.linalg.norm(rest[:-1]) if np.linalg.norm(rest) > 1e-8 else 0.0


def parts(rows):
    return is_separable(rows, np.ones(len(rows), dtype=np.int8))


# One set


@pytest.mark.parametrize(("n", "runs"), [(2, 400), (3, 300), (5, 150), (10, 60), (20, 15), (50, 2)])
def test_it_ends_where_separability_does_and_margins_are_those_of_the_program(n, runs):
    """A hundred thousand decisions and margins, in 2 to 50 dimensions."""
    rng = np.random.default_rng(n)
    for _ in range(runs):
        turned = rng.normal(size=(6 * n + 20, n))
        found = margins_of(turned)
        last = len(found)
        assert found[-1] == 0.0
        assert parts(turned[: last - 1])
        assert not parts(turned[:last])
        assert np.all(np.diff(found) <= 1e-12 * np.sqrt(n))  # more points never leave more room
        for p in {1, last // 2, last - 1}:
            ones = np.ones(p, dtype=np.int8)
            assert found[p - 1] == pytest.approx(margin(turned[:p], ones).value, rel=1e-9)
            assert found[p - 1] == pytest.approx(distance(turned[:p]), rel=1e-6, abs=1e-7)


@given(st.integers(1, 4), st.lists(st.tuples(*[st.integers(-2, 2)] * 4), min_size=1, max_size=14))
def test_points_on_a_coarse_grid_are_decided_as_by_proof(n, rows):
    """Many of these are equal, or dependent, or zero, or exactly opposite."""
    turned = np.array(rows, dtype=np.float64)[:, :n]
    found = margins_of(turned)
    for p, value in enumerate(found, start=1):
        assert (value > 0) == (bool(turned[:p].any(axis=1).all()) and parts(turned[:p]))
    if found[-1] > 0:
        assert found[-1] == pytest.approx(distance(turned), rel=1e-9)


@pytest.mark.parametrize("n", [3, 5, 9, 20, 50])
def test_binary_points_come_to_an_end(n):
    """Of ±1 points many lie in one plane, and are members of one hull in many ways."""
    rng = np.random.default_rng(n)
    for _ in range(60 if n < 20 else 3):
        turned = rng.choice([-1.0, 1.0], size=(6 * n + 20, n))
        found = margins_of(turned)
        assert found[-1] == 0.0
        assert parts(turned[: len(found) - 1])
        assert not parts(turned[: len(found)])
        assert found[-2] == pytest.approx(distance(turned[: len(found) - 1]), rel=1e-8)


def test_all_corners_of_a_cube_that_are_on_one_side():
    corners = np.array(list(itertools.product([-1.0, 1.0], repeat=9)))
    turned = corners[corners.sum(axis=1) > 0]
    assert len(margins_of(turned)) == 256
    assert margins_of(turned)[-1] == pytest.approx(1 / 3)
    assert margins_of([*turned, turned[0], -turned[0]])[-1] == 0.0


def test_every_labeling_of_points():
    """Of all 2^7 labelings of 7 points in 3 dimensions those are separable that `dichotomies` lists."""
    points = np.random.default_rng(4).normal(size=(7, 3))
    made = {tuple(row) for row in dichotomies(points)}
    for labels in itertools.product([-1, 1], repeat=7):
        assert (margins_of(points * np.array(labels)[:, None])[-1] > 0) == (labels in made)


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_lengths_do_not_decide(size):
    rng = np.random.default_rng(8)
    for _ in range(40):
        turned = rng.normal(size=(60, 6)) * 10.0 ** rng.uniform(-2, 2, size=(60, 1))
        assert len(margins_of(size * turned)) == len(margins_of(turned))
        assert margins_of(size * turned)[0] == pytest.approx(size * margins_of(turned)[0])


def test_a_narrow_wedge_is_seen():
    """Points that leave an angle of 1e-9 are separable, and their mirror image is not."""
    turned = np.array([[1.0, 0.0], [-1.0, 1e-9]])
    assert margins_of(turned)[-1] == pytest.approx(5e-10, rel=1e-6)
    assert margins_of([*turned, [0.0, -1.0]])[-1] == 0.0


def test_zero_or_opposite_points_end_a_set():
    assert margins_of([[0.0, 0.0]]) == [0.0]
    assert margins_of([[1.0, 2.0], [-1.0, -2.0]])[-1] == 0.0
    assert margins_of([[1.0, 2.0], [1.0, 2.0]])[-1] == pytest.approx(math.sqrt(5))


def test_a_rule_that_never_lets_a_member_go_is_caught():
    """Least weights with z.w = 1, for the points as they come, are not those of the largest margin."""
    turned = np.array([[2.0, 0.0], [1.0, 0.2], [1.0, 1.0]])
    all_met = np.linalg.lstsq(turned[[0, 1]], np.ones(2), rcond=None)[0]
    assert 1 / np.linalg.norm(all_met) < 0.9 * margins_of(turned)[-1]
    assert margins_of(turned)[-1] == pytest.approx(distance(turned))


# Sets after sets


def grown(n, n_points, *, most_sets=10**9, seed=1, parts_of=None):
    """Return what is known after so many points, in calls of `parts_of` points each."""
    most = 8 * n + 64
    labels, points = np.zeros(most, dtype=np.int8), np.zeros((most, n))
    arrays, sums = known(n, most), (np.zeros(most + 1), np.zeros(most + 1, dtype=np.int64))
    arrays[-1][hull.OVER] = 1
    state, margins = seed_state(seed), np.zeros((2, most + 1))
    left = n_points
    while left > 0:
        call = min(left, parts_of or left)
        done = hull.grow_sets(call, most_sets, state, labels, points, *arrays, *sums, margins)
        left -= call
        if done < call:
            break
    return labels, points, *arrays, *sums, margins


@pytest.mark.parametrize(("n", "n_points"), [(2, 200_000), (5, 200_000), (20, 100_000), (50, 30_000)])
def test_sets_follow_the_law_of_cover(n, n_points):
    """The last separable P is the number of throws of a coin until the N-th head: mean and variance 2N."""
    failed = grown(n, n_points)[-2]
    sets, last = failed.sum(), np.arange(len(failed)) - 1
    assert failed[: n + 1].sum() == 0  # up to N points are always separable
    assert abs(failed @ last / sets - 2 * n) < 4 * math.sqrt(2 * n / sets)
    fourth = 12 * n**2 + 26 * n  # central moment of that number
    variance = failed @ (last - 2 * n) ** 2 / sets
    assert abs(variance - 2 * n) < 4 * math.sqrt((fourth - 4 * n**2) / sets)
    p = np.arange(1, len(failed) - 1)
    exact = separable_probability(p, n)
    shares = 1 - np.cumsum(failed)[p] / sets
    some = exact * (1 - exact) * sets > 10
    assert (np.abs(shares - exact)[some] < 4.5 * np.sqrt(exact * (1 - exact) / sets)[some]).all()


def test_a_law_of_one_more_input_is_caught():
    """A plane that need not pass through the origin, N + 1 for N, is 2 points off: 60 errors here."""
    failed = grown(5, 200_000)[-2]
    sets = failed.sum()
    mean = failed @ (np.arange(len(failed)) - 1) / sets
    assert abs(mean - 12) > 40 * math.sqrt(12 / sets)


def test_calls_of_any_length_give_the_same_bits_and_so_does_a_page():
    whole, pieces = grown(7, 3000), grown(7, 3000, parts_of=77)
    for one, other in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(one, other)
    arrays = known(7, 120)
    arrays[-1][hull.OVER] = 1
    labels, points = np.zeros(120, dtype=np.int8), np.zeros((120, 7))
    sums = np.zeros(121), np.zeros(121, dtype=np.int64), np.zeros((2, 121))
    kernels, state = Kernels(WASM.read_bytes()), seed_state(1)
    kernels.grow_sets(3000, 10**9, state, labels, points, *arrays, *sums)
    for one, other in zip(whole, (labels, points, *arrays, *sums), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_ends_after_so_many_sets():
    tally, path, failed, margins = (grown(4, 10_000, most_sets=17)[k] for k in (-4, -3, -2, -1))
    assert tally[hull.SETS] == failed.sum() == 17
    assert tally[hull.OVER] == 1
    assert path[tally[hull.POINTS]] == 0 < path[tally[hull.POINTS] - 1]
    assert margins[0, 1] / 17 == pytest.approx(2, abs=0.8)  # the length of a point
    assert margins[1, 1] / 17 == pytest.approx(4, abs=3)


def test_what_is_kept_of_a_set_are_its_points_and_margins():
    labels, points, *_, path, _, _ = grown(6, 5)
    for p in range(1, 6):
        turned = points[:p]
        inputs = turned * labels[:p, None]
        assert path[p] == pytest.approx(margin(inputs, labels[:p]).value, rel=1e-9)
    assert set(grown(6, 400)[0][:10]) == {-1, 1}


@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 50])
def test_the_law_is_that_of_theory(n):
    shares = np.empty(8 * n + 1)
    hull.separable_shares(n, np.empty(n), shares)
    np.testing.assert_allclose(shares[1:], separable_probability(np.arange(1, 8 * n + 1), n), rtol=1e-12)
    assert shares[0] == 1
    assert shares[2 * n] == pytest.approx(0.5, abs=1e-14)
