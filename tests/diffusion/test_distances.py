"""Distances: against brute force, near 0 to the last digit, and what counts as a copy."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.diffusion import Nearest, distances, memorized_share, nearest


def cloud(n, d=3, seed=0, scale=1.0):
    return scale * np.random.default_rng(seed).standard_normal((n, d))


@given(m=st.integers(0, 30), n=st.integers(1, 30), d=st.integers(1, 5), seed=st.integers(0, 99))
def test_nearest_is_what_all_distances_say(m, n, d, seed):
    points, others = cloud(m, d, seed), cloud(n, d, seed + 100)
    found = nearest(points, others)
    assert found.distances.shape == found.indices.shape == (m,)
    for k in range(m):
        apart = [np.linalg.norm(points[k] - other) for other in others]
        assert found.distances[k] == pytest.approx(min(apart), rel=1e-14)
        assert apart[found.indices[k]] == min(apart)


def test_blocks_change_nothing(monkeypatch):
    points, others = cloud(50, 4), cloud(40, 4, 1)
    whole, share = nearest(points, others), memorized_share(points, others, factor=0.9)
    monkeypatch.setattr(distances, "_TOGETHER", 90)
    assert nearest(points, others) == whole
    assert memorized_share(points, others, factor=0.9) == share > 0


def test_small_distances_keep_their_digits():
    """Squares that are multiplied out lose half of them, as is seen here."""
    others = cloud(20, 64, scale=3.0)
    points = others + 1e-9 * cloud(20, 64, 1)
    expected = np.linalg.norm(points - others, axis=1)
    np.testing.assert_allclose(nearest(points, others).distances, expected, rtol=1e-6)
    multiplied = (
        np.square(points).sum(1) - 2 * np.einsum("ij,ij->i", points, others) + np.square(others).sum(1)
    )
    assert not np.allclose(np.sqrt(np.abs(multiplied)), expected, rtol=1e-2)


def test_a_point_of_the_others_is_at_distance_0_and_the_first_of_equals_is_taken():
    others = np.concatenate([cloud(5), cloud(5)])
    found = nearest(others, others)
    assert not found.distances.any()
    assert found.indices.tolist() == [0, 1, 2, 3, 4] * 2


def test_moving_all_points_changes_no_distance():
    points, others, turn = cloud(9), cloud(8, seed=1), np.linalg.qr(cloud(3, seed=2))[0]
    moved = nearest(points @ turn + 5.0, others @ turn + 5.0)
    np.testing.assert_allclose(moved.distances, nearest(points, others).distances, rtol=1e-12)


def test_copies_are_told_from_what_is_merely_near():
    others = np.array([[0.0], [1.0], [4.0]])
    points = [[0.24], [0.26], [1.1], [2.5], [-0.5], [-0.4]]
    assert memorized_share(points, others) == pytest.approx(3 / 6)  # 0.24, 1.1 and -0.4
    assert memorized_share(points, others, factor=1.0) == 5 / 6  # all but the one in the middle of 1 and 4
    assert memorized_share([[2.5]], others, factor=1.0) == 0.0


def test_a_copy_of_what_was_learnt_twice_is_a_copy():
    others = np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 0.0]])
    assert memorized_share([[0.0, 0.0], [0.1, 0.0]], others) == 1.0


def test_fresh_points_in_many_dimensions_are_no_copies():
    others = cloud(500, 64)
    assert memorized_share(cloud(200, 64, 1), others) == 0.0
    assert memorized_share(others[:50] + 0.1 * cloud(50, 64, 2), others) == 1.0


@pytest.mark.parametrize(
    ("points", "others", "error", "words"),
    [
        ([[0.0, np.nan]], [[0.0, 1.0]], ValueError, "points must be finite; got nan"),
        ([[0.0, 1.0]], [[0.0, np.inf]], ValueError, "others must be finite; got inf"),
        ([0.0, 1.0], [[0.0, 1.0]], ValueError, r"points must be rows of 2 coordinates, .*; got \(2,\)"),
        ([[0.0, 1.0]], [[0.0]], ValueError, r"points must be rows of 1 coordinates, .*; got \(1, 2\)"),
        ([[0.0]], np.empty((0, 1)), ValueError, "others must be at least [12]; got 0"),
        ([["a"]], [[0.0]], TypeError, "points must hold real numbers"),
        (np.ma.ones((2, 1)), [[0.0]], TypeError, "points must hold real numbers; got a masked array"),
        ([[0.0]], [[True]], TypeError, "others must hold real numbers; got dtype bool"),
    ],
)
@pytest.mark.parametrize("function", [nearest, memorized_share])
def test_bad_points_are_refused(function, points, others, error, words):
    if function is memorized_share and len(others) == 1:
        others = np.concatenate([others, others])
    with pytest.raises(error, match=words):
        function(points, others)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"factor": 0.0}, ValueError, "factor must be positive; got 0.0"),
        ({"factor": 1.5}, ValueError, "factor must be at most 1; got 1.5"),
        ({"factor": "1"}, TypeError, "factor must be a real number; got '1'"),
        ({"others": [[1.0]]}, ValueError, "others must be at least 2; got 1"),
        ({"others": [[1.0], [1.0]]}, ValueError, "others must be at least two that differ"),
        ({"points": np.empty((0, 1))}, ValueError, "points must be at least one; got none"),
    ],
)
def test_shares_of_nothing_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        memorized_share(**{"points": [[0.0]], "others": [[1.0], [2.0]], **options})


def test_results_compare_print_and_travel():
    found = nearest(cloud(4), cloud(3, seed=1))
    assert pickle.loads(pickle.dumps(found)) == found == Nearest(*found)
    assert found != nearest(cloud(4), cloud(3, seed=2))
    assert found != nearest(cloud(3), cloud(3, seed=1))
    assert repr(found).startswith("Nearest(of 4 points, ")
    assert repr(nearest(np.empty((0, 3)), cloud(3))) == "Nearest(of 0 points)"


def test_what_is_given_stays_as_it_was():
    points, others = cloud(4), cloud(3, seed=1)
    copies = points.copy(), others.copy()
    nearest(points, others)
    memorized_share(points, others)
    assert np.array_equal(points, copies[0])
    assert np.array_equal(others, copies[1])
