"""Least squares on random examples: what is drawn, what is found, and that it is the least."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from smbook.kernels.rng import fill_normal, streams
from smbook.regression import LinearExamples, Streamed, linear_examples, ridge, stream_least_squares
from smbook.theory.regression import seen_part


def test_examples_follow_the_rule():
    inputs, targets, coefficients = linear_examples(7, 5, signal=2.0, rng=1)
    assert (inputs.shape, targets.shape, coefficients.shape) == ((7, 5), (7,), (5,))
    assert targets == pytest.approx(inputs @ coefficients, rel=1e-13)
    assert np.linalg.norm(coefficients) == pytest.approx(2.0, rel=1e-14)
    assert {array.dtype for array in (inputs, targets, coefficients)} == {np.dtype(np.float64)}


def test_features_and_noise_are_normal_and_apart():
    found = linear_examples(4000, 3, signal=2.0, noise=0.5, rng=2)
    noise = (found.targets - found.inputs @ found.coefficients) / 0.5
    for column in (*found.inputs.T, noise):
        assert kstest(column, "norm").pvalue > 1e-4
    together = np.corrcoef(np.column_stack([found.inputs, noise]), rowvar=False)
    assert np.abs(together - np.eye(4)).max() < 4 / math.sqrt(4000)


def test_a_seed_draws_the_same_inputs_at_every_noise():
    first = linear_examples(6, 4, rng=3)
    for settings_ in ({"noise": 1.0}, {"signal": 0.0}, {"n_hidden": 5}):
        assert (linear_examples(6, 4, rng=3, **settings_).inputs == first.inputs).all()
    assert linear_examples(6, 4, rng=3) == first != linear_examples(6, 4, rng=4)
    louder = linear_examples(6, 4, rng=3, noise=2.0).targets - first.targets
    assert louder == pytest.approx(2 * (linear_examples(6, 4, rng=3, noise=1.0).targets - first.targets))


def test_the_direction_is_uniform():
    rng = np.random.default_rng(5)
    shown = np.array([linear_examples(1, 3, rng=rng).coefficients for _ in range(2000)])
    for column in shown.T:  # Archimedes: any coordinate on the sphere is uniform
        assert kstest(column, "uniform", (-1.0, 2.0)).pvalue > 1e-4


def test_hidden_features_are_noise():
    rng = np.random.default_rng(6)
    squares = []
    for _ in range(2000):
        found = linear_examples(4, 3, signal=2.0, noise=0.5, n_hidden=9, rng=rng)
        left = found.targets - found.inputs @ found.coefficients
        squares.append((left @ left / 4, found.coefficients @ found.coefficients))
    seen = seen_part(3, 9, signal=2.0, noise=0.5)
    for sample, expected in zip(np.array(squares).T, (seen.noise**2, seen.signal**2), strict=True):
        assert abs(sample.mean() - expected) < 4 * sample.std(ddof=1) / math.sqrt(2000)
    assert (seen.noise**2, seen.signal**2) == pytest.approx((3.25, 1.0))


def test_examples_compare_travel_and_say_what_they_hold():
    found = linear_examples(6, 4, rng=3)
    assert repr(found) == "LinearExamples(6 of 4 features)"
    assert pickle.loads(pickle.dumps(found)) == found
    assert isinstance(found, LinearExamples)
    assert not found.coefficients.base  # holds no more than itself


def test_a_spectrum_scales_the_features_and_a_given_rule_is_kept():
    spectrum, beta = np.array([4.0, 1.0, 0.25]), np.array([1.0, -2.0, 3.0])
    plain = linear_examples(5, 3, rng=3)
    found = linear_examples(5, 3, spectrum=spectrum, coefficients=beta, rng=3)
    assert found.inputs == pytest.approx(plain.inputs * np.sqrt(spectrum), rel=1e-15)
    assert (found.coefficients == beta).all()
    assert found.targets == pytest.approx(found.inputs @ beta, rel=1e-13)
    assert (linear_examples(5, 3, spectrum=spectrum, rng=3).coefficients == plain.coefficients).all()
    found.coefficients[0] = 7.0
    assert beta[0] == 1.0


# A stream of examples


def test_a_stream_learns_the_rule_written_out():
    """One run against the same draws in NumPy: features first, then the noise."""
    spectrum, beta, rate, noise = np.array([1.0, 0.3]), np.array([2.0, -1.0]), 0.2, 0.5
    found = stream_least_squares(spectrum, beta, 7, rate=rate, noise=noise, n_runs=2, every=2, rng=9)
    for state, errors in zip(streams(9, 2), found.errors, strict=True):
        b, drawn, expected = np.zeros(2), np.empty(3), [spectrum @ beta**2]
        for _ in range(6):
            fill_normal(state, drawn)
            x = np.sqrt(spectrum) * drawn[:2]
            b += rate * (x @ beta + noise * drawn[2] - x @ b) * x
            expected.append(spectrum @ (beta - b) ** 2)
        assert errors == pytest.approx(expected[::2], rel=1e-12)
    assert found.times.tolist() == [0, 2, 4, 6]


def test_streams_compare_and_say_what_they_hold():
    found = stream_least_squares([1.0], [1.0], 4, rate=0.1, n_runs=2, every=2, rng=1)
    assert repr(found) == "Streamed(2 runs, noted 3 times)"
    assert isinstance(found, Streamed)
    assert found == stream_least_squares([1.0], [1.0], 4, rate=0.1, n_runs=2, every=2, rng=1)
    assert found != stream_least_squares([1.0], [1.0], 4, rate=0.1, n_runs=2, every=2, rng=2)


@pytest.mark.parametrize(
    ("settings_", "error", "message"),
    [
        ({"n_steps": 0}, ValueError, "n_steps must be at least 1; got 0"),
        ({"rate": 0.0}, ValueError, "rate must be positive; got 0"),
        ({"rate": math.nan}, ValueError, "rate must be finite; got nan"),
        ({"noise": -1.0}, ValueError, "noise must be at least 0; got -1"),
        ({"n_runs": 0}, ValueError, "n_runs must be at least 1; got 0"),
        ({"every": 1.5}, TypeError, "every must be an integer; got 1.5"),
        ({"spectrum": [1.0, -0.5]}, ValueError, "spectrum must be positive; got -0.5"),
        ({"spectrum": []}, (TypeError, ValueError), "spectrum"),
        ({"coefficients": [1.0]}, ValueError, "coefficients must be 2 numbers"),
        ({"rate": 50.0, "n_steps": 5000}, ValueError, "rate must be smaller.*got 50"),
    ],
)
def test_bad_streams_are_refused(settings_, error, message):
    arguments = {"spectrum": [1.0, 0.5], "coefficients": [1.0, 1.0], "n_steps": 10, "rate": 0.1} | settings_
    with pytest.raises(error, match=message):
        stream_least_squares(**arguments)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"spectrum": [1.0]}, "spectrum must be 2 numbers"),
        ({"spectrum": [1.0, 0.0]}, "spectrum must be positive; got 0"),
        ({"coefficients": [1.0, 2.0, 3.0]}, "coefficients must be 2 numbers"),
        (
            {"coefficients": [1.0, 2.0], "n_hidden": 3},
            "n_hidden must be 0 where coefficients are given; got 3",
        ),
        ({"spectrum": [1.0, 1e200]}, "spectrum must be at most 1e100"),
    ],
)
def test_bad_spectra_and_rules_are_refused(settings_, message):
    with pytest.raises(ValueError, match=message):
        linear_examples(3, 2, **settings_)


# Least squares


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 10**6), st.sampled_from([0.0, 1e-3, 1.0, 50.0]))
@settings(max_examples=60, deadline=None)
def test_the_gradient_is_zero_and_the_fit_in_the_span_of_the_examples(n, d, seed, penalty):
    inputs, targets, _ = linear_examples(n, d, noise=1.0, rng=seed)
    found = ridge(inputs, targets, penalty)
    scale = np.linalg.norm(inputs, 2) ** 2 * np.linalg.norm(found) + np.linalg.norm(inputs.T @ targets)
    assert np.abs(inputs.T @ (inputs @ found - targets) + penalty * found).max() < 1e-10 * scale
    across = found - np.linalg.pinv(inputs) @ (inputs @ found)
    assert np.abs(across).max() < 1e-8 * max(np.abs(found).max(), 1)


def test_closed_form_and_least_norm():
    inputs, targets, _ = linear_examples(6, 9, noise=1.0, rng=1)
    closed = np.linalg.solve(inputs.T @ inputs + 0.7 * np.eye(9), inputs.T @ targets)
    assert ridge(inputs, targets, 0.7) == pytest.approx(closed, rel=1e-10)
    shortest = np.linalg.pinv(inputs) @ targets
    assert ridge(inputs, targets) == pytest.approx(shortest, rel=1e-10)
    assert ridge(inputs, targets, 1e-13) == pytest.approx(shortest, rel=1e-10)
    assert inputs @ ridge(inputs, targets) == pytest.approx(targets, rel=1e-10)
    rule = linear_examples(9, 9, rng=1)
    assert ridge(*rule[:2]) == pytest.approx(rule.coefficients, rel=1e-9)


def test_equal_columns_share_and_columns_of_zero_get_nothing():
    assert ridge([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0]], [2, 4]) == pytest.approx([1.0, 1.0, 0.0])
    assert ridge([[0.0, 0.0]], [1.0]).tolist() == ridge([[0.0, 0.0]], [1.0], 0.3).tolist() == [0.0, 0.0]
    assert ridge([[1e-150]], [1e-150]) == pytest.approx([1.0])
    assert ridge([[1e200]], [1e200], 1.0) == pytest.approx([1.0])
    assert ridge([[1, 0], [0, 2]], [1, 2]).dtype == np.float64


@pytest.mark.parametrize(
    ("inputs", "targets", "penalty"),
    [([[1e308, 1e308]] * 2, [1e308, 1e308], 0.0), ([[1e-180]], [1e240], 0.0), ([[5e-324]], [1.0], 0.0)],
)
def test_coefficients_that_are_no_floats(inputs, targets, penalty):
    with pytest.raises(ValueError, match=r"range of floats; got inputs up to .* targets up to 1"):
        ridge(inputs, targets, penalty)


def test_a_penalty_beyond_all_inputs_leaves_nothing():
    assert ridge([[1e-299]], [1e277], 1e157).tolist() == ridge([[5e-324]], [1.0], 1.0).tolist() == [0.0]


def test_what_is_given_stays_as_it_is():
    inputs, targets, _ = linear_examples(6, 4, noise=1.0, rng=3)
    before = inputs.copy(), targets.copy()
    ridge(inputs, targets, 0.5)
    assert (inputs == before[0]).all()
    assert (targets == before[1]).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: linear_examples(0, 3), ValueError, "n_samples must be at least 1; got 0"),
        (lambda: linear_examples(3, 0), ValueError, "n_features must be at least 1; got 0"),
        (lambda: linear_examples(3, 2.5), TypeError, r"n_features must be an integer; got 2\.5"),
        (lambda: linear_examples(3, 3, n_hidden=-1), ValueError, "n_hidden must be at least 0; got -1"),
        (lambda: linear_examples(3, 3, signal=-1.0), ValueError, r"signal must be at least 0; got -1\.0"),
        (lambda: linear_examples(3, 3, noise=math.nan), ValueError, "noise must be finite; got nan"),
        (lambda: linear_examples(3, 3, noise=1e101), ValueError, r"noise must be at most 1e\+100"),
        (lambda: linear_examples(3, 3, rng=-1), ValueError, "rng must be at least 0; got -1"),
        (
            lambda: ridge([1.0, 2.0], [1.0]),
            ValueError,
            r"inputs must be a matrix \(n, d\); got the shape \(2,\)",
        ),
        (
            lambda: ridge(np.empty((0, 3)), []),
            ValueError,
            r"inputs must be a matrix .* got the shape \(0, 3\)",
        ),
        (lambda: ridge([[1.0]], [1.0, 2.0]), ValueError, r"targets must be 1 numbers; got the shape \(2,\)"),
        (lambda: ridge([[math.nan]], [1.0]), ValueError, "inputs must be finite; got nan"),
        (lambda: ridge([[True]], [1.0]), TypeError, "inputs must hold real numbers; got dtype bool"),
        (lambda: ridge([[1.0]], ["1"]), TypeError, "targets must hold real numbers"),
        (lambda: ridge([[1.0]], np.ma.masked_array([1.0])), TypeError, "targets .* got a masked array"),
        (lambda: ridge([[1.0]], [1.0], -0.1), ValueError, r"penalty must be at least 0; got -0\.1"),
        (lambda: ridge([[1.0]], [1.0], math.inf), ValueError, "penalty must be finite; got inf"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
