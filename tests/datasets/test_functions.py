"""Functions that are sampled: where the points lie, and what they hold."""

import math
import pickle

import numpy as np
import pytest
from scipy.stats import kstest

from smbook.datasets import Split, oscillation, sampled_function


def test_the_oscillation_is_smooth_and_known_at_some_points():
    assert oscillation(0.0) == math.log(2.0)
    assert oscillation(math.pi / 20) == pytest.approx(math.log(3.0) + math.sin(math.pi / 20), rel=1e-15)
    assert oscillation(-math.pi / 20) == pytest.approx(-math.sin(math.pi / 20), rel=1e-14)
    x = np.linspace(-1, 1, 12).reshape(3, 4)
    found = oscillation(x)
    assert found.shape == (3, 4)
    step = 1e-6
    slope = (oscillation(x + step) - oscillation(x - step)) / (2 * step)
    assert slope == pytest.approx(10 * np.cos(10 * x) / (np.sin(10 * x) + 2) + np.cos(x), abs=1e-8)


def test_what_has_no_oscillation_is_refused():
    with pytest.raises(ValueError, match="x must be finite; got inf"):
        oscillation([0.0, math.inf])
    with pytest.raises(TypeError, match="x must hold real numbers"):
        oscillation("high")


def test_even_points_go_from_end_to_end_and_tests_lie_between_them():
    data = sampled_function(np.sin, 5, 4, low=-2.0, high=2.0)
    assert data.inputs[:, 0].tolist() == [-2.0, -1.0, 0.0, 1.0, 2.0]
    assert data.test_inputs[:, 0].tolist() == [-1.5, -0.5, 0.5, 1.5]
    data = sampled_function(np.sin, 50, 50)
    assert not set(data.inputs.flat) & set(data.test_inputs.flat)
    assert sampled_function(np.sin, 1, 1).inputs.tolist() == [[-1.0]]


def test_columns_are_in_single_precision_and_values_those_of_the_points():
    data = sampled_function(oscillation, 30, 29, spacing="random", rng=1)
    for points, values in (data[:2], data[2:]):
        assert points.shape == values.shape == (len(points), 1)
        assert points.dtype == values.dtype == np.float32
        assert (values == oscillation(points.astype(float)).astype(np.float32)).all()


def test_random_points_are_uniform_and_of_a_seed():
    data = sampled_function(np.sin, 4000, 3000, low=2.0, high=5.0, spacing="random", rng=1)
    for points in (data.inputs[:, 0], data.test_inputs[:, 0]):
        assert (np.diff(points) >= 0).all()
        assert kstest(points, "uniform", (2.0, 3.0)).pvalue > 1e-4
        assert kstest(points, "uniform", (2.0, 3.2)).pvalue < 1e-4
    assert data == sampled_function(np.sin, 4000, 3000, low=2.0, high=5.0, spacing="random", rng=1)
    assert data != sampled_function(np.sin, 4000, 3000, low=2.0, high=5.0, spacing="random", rng=2)
    assert sampled_function(np.sin, 9, 9, rng=1) == sampled_function(np.sin, 9, 9)


def test_splits_compare_travel_and_say_what_they_hold():
    data = sampled_function(np.sin, 3, 2)
    assert pickle.loads(pickle.dumps(data)) == data
    assert data != data._replace(targets=data.targets + 1)
    assert repr(data) == "Split(3 examples and 2 for tests, inputs 1)"
    assert isinstance(data, Split)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"f": 3}, TypeError, "f must be callable; got int"),
        ({"n_train": 0}, ValueError, "n_train must be at least 1; got 0"),
        ({"n_test": 1.0}, TypeError, "n_test must be an integer; got 1.0"),
        ({"low": 2.0}, ValueError, "low must be below high; got 2 and 1"),
        ({"high": math.nan}, ValueError, "high must be finite; got nan"),
        ({"spacing": "odd"}, ValueError, "spacing must be one of 'even', 'random'; got 'odd'"),
        ({"spacing": "random", "rng": -1}, ValueError, "rng must be at least 0; got -1"),
        ({"f": lambda x: x[:2]}, ValueError, r"f must return as many numbers as points, \(5,\); got \(2,\)"),
        ({"f": lambda _: 1.0}, ValueError, r"f must return as many numbers as points, \(5,\); got \(\)"),
        (
            {"f": lambda x: 1.0 / np.maximum(x, math.nan)},
            ValueError,
            "the values of f must be finite; got nan",
        ),
        ({"f": lambda _: "high"}, TypeError, "the values of f must hold real numbers"),
    ],
)
def test_what_samples_nothing_is_refused(change, error, words):
    given = {"f": np.sin, "n_train": 5, "n_test": 4} | change
    with pytest.raises(error, match=words):
        sampled_function(given.pop("f"), given.pop("n_train"), given.pop("n_test"), **given)


def test_a_function_that_writes_to_its_points_does_not_move_them():
    def writing(x):
        x += 1.0
        return x

    data = sampled_function(writing, 3, 2)
    assert data.inputs[:, 0].tolist() == [-1.0, 0.0, 1.0]
    assert data.targets[:, 0].tolist() == [0.0, 1.0, 2.0]
