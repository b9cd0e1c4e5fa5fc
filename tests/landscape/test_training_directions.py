"""Principal components of paths, of random walks too, and projections on planes."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smbook.landscape import project_path, training_directions


def walk(n_steps=400, n=4000, seed=1):
    return np.random.default_rng(seed).standard_normal((n_steps, n)).cumsum(axis=0)


@pytest.mark.parametrize("seed", range(3))
def test_a_random_walk_has_large_shares_in_few_directions(seed):
    """6 / (pi k)^2 about the mean and 8 / (pi (2 k - 1))^2 about the last point, of no landscape at all."""
    path, k = walk(seed=seed), np.arange(1, 4)
    mean = training_directions(path, 3, centre="mean")
    assert mean.shares == pytest.approx(6 / (np.pi * k) ** 2, abs=0.015)
    last = training_directions(path, 3)
    assert last.shares == pytest.approx(8 / (np.pi * (2 * k - 1)) ** 2, abs=0.015)
    assert abs(last.shares[0] - mean.shares[0]) > 0.15


def test_coefficients_of_a_random_walk_are_cosines():
    path = walk()
    found = training_directions(path, 2, centre="mean")
    along = project_path(path, found.directions, theta=found.centre).coefficients
    time = (np.arange(len(path)) + 0.5) / len(path)
    for k in range(2):
        assert abs(np.corrcoef(along[:, k], np.cos((k + 1) * np.pi * time))[0, 1]) > 0.98


def test_a_path_in_a_plane_is_all_in_two_directions():
    rng = np.random.default_rng(1)
    plane = np.linalg.qr(rng.normal(size=(30, 2)))[0].T
    path = rng.normal(size=(12, 2)) * [5.0, 1.0] @ plane + 3.0
    found = training_directions(path, 2)
    assert found.shares.sum() == pytest.approx(1.0)
    assert found.directions @ found.directions.T == pytest.approx(np.eye(2), abs=1e-12)
    assert found.directions.T @ found.directions == pytest.approx(plane.T @ plane, abs=1e-12)
    assert (found.centre == path[-1]).all()
    assert (found.directions @ (path[0] - path[-1]) >= 0).all()
    placed = project_path(path, found.directions)
    assert placed.distances == pytest.approx(0.0, abs=1e-12)
    assert placed.coefficients[-1].tolist() == [0.0, 0.0]
    assert path[-1] + placed.coefficients @ found.directions == pytest.approx(path)
    with pytest.raises(ValueError, match="at most the 2 dimensions that the path of 12 points spans; got 3"):
        training_directions(path, 3)


@pytest.mark.parametrize("centre", ["last", "mean"])
def test_shares_are_those_of_the_covariance(centre):
    path = np.random.default_rng(1).normal(size=(9, 5)).cumsum(axis=0)
    found = training_directions(path, 5, centre=centre)
    away = path - (path[-1] if centre == "last" else path.mean(axis=0))
    values, vectors = np.linalg.eigh(away.T @ away)
    assert found.shares == pytest.approx(values[::-1] / values.sum())
    assert np.abs(np.diagonal(vectors[:, ::-1].T @ found.directions.T)) == pytest.approx(1.0)


@given(st.integers(1, 4), st.integers(4, 9), st.integers(0, 2**32))
def test_projections_are_least_squares(k, n, seed):
    rng = np.random.default_rng(seed)
    rows, path, theta = rng.normal(size=(k, n)), rng.normal(size=(6, n)), rng.normal(size=n)
    found = project_path(path, rows, theta=theta)
    rest = path - theta - found.coefficients @ rows
    assert rest @ rows.T == pytest.approx(0.0, abs=1e-6)
    assert found.distances == pytest.approx(np.linalg.norm(rest, axis=1))
    again = project_path(theta + found.coefficients @ rows, rows, theta=theta)
    assert again.coefficients == pytest.approx(found.coefficients, abs=1e-6)


def test_directions_need_not_be_orthogonal_or_of_unit_length():
    skew = np.array([[2.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    found = project_path([[3.0, 1.0, 4.0]], skew, theta=np.zeros(3))
    assert found.coefficients == pytest.approx(np.array([[1.0, 1.0]]))
    assert found.distances == pytest.approx([4.0])
    dots = np.array([3.0, 1.0, 4.0]) @ skew.T  # what products with the rows would give in its place
    assert dots != pytest.approx(found.coefficients[0])


def test_tensors_lists_and_single_points():
    path = walk(8, 10)
    found = training_directions(path)
    assert training_directions(torch.as_tensor(path)) == found
    assert training_directions(list(torch.as_tensor(path))) == found
    assert training_directions(path.astype(np.float32)).shares == pytest.approx(found.shares, rel=1e-5)
    one = project_path(torch.as_tensor(path[3]), found.directions, theta=torch.as_tensor(path[-1]))
    assert one.coefficients == pytest.approx(project_path(path, found.directions).coefficients[3:4])
    assert project_path(path, found.directions[0]).coefficients.shape == (8, 1)


def test_results_compare_and_travel():
    path = walk(8, 10)
    found = training_directions(path)
    placed = project_path(path, found.directions)
    for each in (found, placed):
        assert pickle.loads(pickle.dumps(each)) == each
    assert found != training_directions(path, centre="mean")
    assert placed != project_path(path, found.directions, theta=path[0])
    assert repr(found).startswith("TrainingDirections(2 of 10 parameters, shares 0.")
    assert repr(placed).startswith("PathProjection(8 points, 2 directions, at most ")


@pytest.mark.parametrize(
    ("path", "options", "error", "words"),
    [
        (np.ones((1, 3)), {}, ValueError, "path must have at least 2 points; got 1"),
        (np.ones((2, 3, 4)), {}, ValueError, r"path must be vectors in rows; got the shape \(2, 3, 4\)"),
        (np.ones((5, 3)), {}, ValueError, "at most the 0 dimensions that the path of 5 points spans; got 2"),
        ([np.ones(3), np.ones(4)], {}, TypeError, "path must hold real numbers in rows of one length"),
        (np.full((2, 3), np.inf), {}, ValueError, "path must be finite; got inf"),
        (walk(5, 4), {"n_directions": 0}, ValueError, "n_directions must be at least 1; got 0"),
        (walk(5, 4), {"centre": "first"}, ValueError, "centre must be one of 'last', 'mean'; got 'first'"),
    ],
)
def test_what_has_no_directions_is_refused(path, options, error, words):
    with pytest.raises(error, match=words):
        training_directions(path, **options)


@pytest.mark.parametrize(
    ("directions", "options", "error", "words"),
    [
        (np.ones((2, 4)), {}, ValueError, r"directions must not be parallel; got abs\(cos\) = 1 of them"),
        (np.eye(4)[[0, 1, 0]], {}, ValueError, "directions must be independent; got .* smallest singular"),
        (np.ones((5, 4)), {}, ValueError, "directions must be independent; got 0 for the smallest singular"),
        (np.eye(4)[:2] * [[1.0], [0.0]], {}, ValueError, "directions must have lengths above 0; got 0"),
        (np.eye(3), {}, ValueError, "directions must be of the path's 4 parameters; got 3"),
        (np.eye(4), {"theta": np.ones(3)}, ValueError, r"theta must have the shape \(4,\); got \(3,\)"),
        ("ab", {}, TypeError, "directions must hold real numbers"),
    ],
)
def test_what_spans_no_plane_is_refused(directions, options, error, words):
    with pytest.raises(error, match=words):
        project_path(walk(5, 4), directions, **options)
