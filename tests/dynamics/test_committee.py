"""Committees that learn online, held against Saad and Solla's equations; one step by hand; the kernels."""

import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from smbook.dynamics import (
    CommitteeTraining,
    committee,
    committee_at,
    committee_overlaps,
    specialize,
    train_committee,
)
from smbook.kernels import committee as kernels
from smbook.kernels.rng import fill_normal, state_apart
from smbook.theory.dynamics import committee_curve, committee_error, committee_flow
from smbook.theory.dynamics.committee import averages, error_of

TEACHER, START = np.eye(2), {"student": np.diag([0.3, 0.4]), "cross": np.array([[0.15, 0.1], [0.1, 0.13]])}
seeds = st.integers(0, 2**32 - 1)


def g(x):
    return erf(x / math.sqrt(2))


# By hand


@pytest.mark.parametrize("noise", [0.0, 0.7])
def test_training_is_gradient_descent_on_one_example_after_the_other(noise):
    n, rate = 7, 0.8
    known, first = committee(n, 3, rng=1), committee(n, 2, orthonormal=False, scale=0.5, rng=2)
    weights, state = first.copy(), state_apart(5, 6)
    for _ in range(4):
        inputs, pair = np.empty(n), np.zeros(2)
        fill_normal(state, inputs)
        if noise:
            fill_normal(state, pair)
        fields = weights @ inputs / math.sqrt(n)
        missing = g(known @ inputs / math.sqrt(n)).sum() + noise * pair[0] - g(fields).sum()
        slopes = math.sqrt(2 / math.pi) * np.exp(-(fields**2) / 2)
        weights += rate / math.sqrt(n) * missing * slopes[:, None] * inputs
    training = train_committee(first, known, 4, rate=rate, noise=noise, thin=1, rng=5)
    np.testing.assert_allclose(training.weights, weights, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(training.student[-1], weights @ weights.T / n, rtol=1e-12)
    np.testing.assert_allclose(training.cross[-1], weights @ known.T / n, atol=1e-12)
    np.testing.assert_allclose(training.time, np.arange(5) / n)


def test_a_run_does_not_depend_on_when_it_is_looked_at():
    known, first = committee(40, 2, rng=1), committee(40, 2, scale=0.3, rng=2)
    every, seldom = (train_committee(first, known, 103, rate=1.0, thin=t, rng=3) for t in (1, 25))
    assert seldom.time.tolist() == [0.0, 0.625, 1.25, 1.875, 2.5]
    np.testing.assert_array_equal(every.weights, seldom.weights)
    np.testing.assert_array_equal(every.student[::25], seldom.student)
    by_itself = train_committee(first, known, 103, rate=1.0, rng=3)
    assert by_itself.time.tolist() == [0.0, 1.0, 2.0]
    assert train_committee(first, known, 0, rate=1.0).error.shape == (1,)
    other = train_committee(first, known, 103, rate=1.0, rng=4)
    assert by_itself == train_committee(first, known, 103, rate=1.0, rng=3) != other
    assert isinstance(other, CommitteeTraining)


# The kernels of the page are the theory


@given(seed=seeds, k=st.integers(1, 3), m=st.integers(1, 3), noise=st.floats(0, 2))
@settings(max_examples=40, deadline=None)
def test_slopes_and_errors_of_the_kernels_are_those_of_theory(seed, k, m, noise):
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((k + m, rng.integers(1, 8)))
    overlaps = weights @ weights.T / weights.shape[1]
    parts = overlaps[:k, :k], overlaps[:k, k:], overlaps[k:, k:]
    slope = np.empty_like(overlaps)
    kernels.committee_slope(overlaps, k, 1.3, noise, np.empty_like(overlaps), slope)
    flow = committee_flow(*parts, rate=1.3, noise=noise)
    np.testing.assert_allclose(slope[:k, :k], flow.student, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(slope[:k, k:], flow.cross, rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(slope[k:, k:], 0)
    np.testing.assert_array_equal(slope, slope.T)
    assert kernels.committee_error(overlaps, k) == pytest.approx(committee_error(*parts), abs=1e-13)


def followed(step, time, rate=1.5):
    overlaps = np.block([[START["student"], START["cross"]], [START["cross"].T, TEACHER]])
    kernels.follow_committee(overlaps, 2, rate, 0.1, step, round(time / step), np.empty((4, 4, 4)))
    return overlaps


def test_the_curve_of_the_page_is_that_of_theory_to_fourth_order():
    curve = committee_curve(40.0, rate=1.5, noise=0.1, teacher=TEACHER, **START)
    wanted = np.block([[curve.student, curve.cross], [curve.cross.T, TEACHER]])
    coarse, fine = (np.abs(followed(step, 40.0) - wanted).max() for step in (0.25, 0.125))
    assert fine < 3e-6
    assert 10 < coarse / fine < 24


# Held against the equations


@functools.lru_cache
def measured(n, n_runs, alpha, rate=1.0, noise=0.0, every=10, seed=0):
    """Overlaps and errors of runs that all start from the same overlaps, (runs, times, 9), and alpha."""
    found = []
    for run in range(n_runs):
        rng = np.random.default_rng([seed, n, run])
        known = committee(n, 2, rng=rng)
        first = committee_at(known, rng=rng, **START)
        training = train_committee(first, known, alpha * n, rate=rate, noise=noise, thin=every * n, rng=rng)
        found.append(in_a_row(training))
    return np.array(found), training.time


def in_a_row(result):
    rows = len(result.time)
    parts = result.student.reshape(rows, -1), result.cross.reshape(rows, -1), result.error[:, None]
    return np.column_stack(parts)[1:]


def curve(times, rate=1.0, noise=0.0):
    return in_a_row(committee_curve(times, rate=rate, noise=noise, teacher=TEACHER, **START))


def scores(n, n_runs, **options):
    """How many errors the mean of each of ten batches of runs is off, (10, times, 9), and that of all."""
    runs, times = measured(n, n_runs, 50, **options)
    apart = runs - curve(times, **options)
    scatter = runs.std(axis=0, ddof=1)
    batches = apart.reshape(10, n_runs // 10, *apart.shape[1:]).mean(axis=1)
    return batches / scatter * math.sqrt(n_runs / 10), apart.mean(axis=0) / scatter * math.sqrt(n_runs)


@pytest.mark.parametrize(("n_runs", "noise"), [(30, 0.0), (10, 0.3)])
def test_runs_of_500_inputs_follow_the_equations_onto_the_plateau_and_off_it(n_runs, noise):
    """Ten batches of runs on seeds of their own; Q, R and the error at five times, to some 1 in 100."""
    batches, together = scores(500, n_runs, noise=noise)
    assert (np.abs(batches) < 4).all()
    assert (np.abs(together) < 4).all()
    assert (np.sqrt((batches**2).mean(axis=0)) < 2).all()


def integrated(times, slopes):
    """Euler's method with small steps on other equations than the right ones."""
    overlaps, found, step = (
        np.block([[START["student"], START["cross"]], [START["cross"].T, TEACHER]]),
        [],
        0.02,
    )
    for gap in np.diff(times):
        for _ in range(round(gap / step)):
            change = np.zeros((4, 4))
            change[:2] = slopes(overlaps)
            change[2:, :2] = change[:2, 2:].T
            overlaps = overlaps + step * change
        error = error_of(overlaps, 2)
        found.append([*overlaps[:2, :2].ravel(), *overlaps[:2, 2:].ravel(), error])
    return np.array(found)


def with_factors(first, second):
    def slopes(overlaps):
        drift, spread = averages(overlaps, 2, 0.0)
        flow = first * drift
        flow[:, :2] += first * drift[:, :2].T + second * spread
        return flow

    return slopes


@pytest.mark.parametrize(("first", "second"), [(1.0, 0.0), (1.0, 2.0), (2.0, 1.0), (1.0, 0.5)])
def test_wrong_equations_are_caught(first, second):
    """Without the term of the squared rate, or with a factor of 2: ten errors off and more."""
    runs, times = measured(500, 30, 50, noise=0.0)
    error = runs.std(axis=0, ddof=1) / math.sqrt(len(runs))
    right = np.abs(runs.mean(axis=0) - integrated(times, with_factors(1.0, 1.0))) / error
    wrong = np.abs(runs.mean(axis=0) - integrated(times, with_factors(first, second))) / error
    assert right.max() < 4
    assert wrong.max() > 10


def test_finite_committees_are_off_by_one_over_n():
    """At alpha = 60 a mean of R_ii lags by some 3 / N, so by 0.006 at N = 500, below what 30 runs tell."""
    shifts, errors = [], []
    for n, n_runs in ((50, 300), (100, 200)):
        runs, times = measured(n, n_runs, 60, every=60)
        apart = (runs - curve(times))[:, 0, [4, 7]].mean(axis=1)
        shifts.append(n * apart.mean())
        errors.append(n * apart.std() / math.sqrt(n_runs))
    assert -shifts[0] > 4 * errors[0]
    assert -6 < shifts[1] < -1
    assert abs(shifts[0] - shifts[1]) < 4 * math.hypot(*errors)


# Committees


@given(seed=seeds, n=st.integers(1, 40), share=st.floats(0, 1), scale=st.floats(0.1, 5))
@settings(max_examples=40)
def test_an_orthonormal_committee_is(seed, n, share, scale):
    k = 1 + int(share * (n - 1))
    weights = committee(n, k, scale=scale, rng=seed)
    np.testing.assert_allclose(weights @ weights.T / n, scale**2 * np.eye(k), atol=1e-12 * scale**2)


def test_an_orthonormal_committee_of_scale_0_is_0():
    np.testing.assert_array_equal(committee(10, 3, scale=0.0, rng=1), 0.0)


def test_other_committees_are_independent_normal_numbers():
    weights = committee(1000, 20, orthonormal=False, scale=0.5, rng=1)
    assert abs(weights.mean()) < 4 * 0.5 / math.sqrt(20_000)
    assert abs((weights**2).mean() / 0.25 - 1) < 4 * math.sqrt(2 / 20_000)
    assert (committee(3, 5, orthonormal=False, scale=0.0, rng=1) == 0).all()
    assert (committee(1000, 20, orthonormal=False, rng=1) == 2 * weights).all()


@given(seed=seeds, k=st.integers(1, 4), m=st.integers(1, 4), room=st.integers(0, 5))
@settings(max_examples=40)
def test_a_student_with_given_overlaps_has_them(seed, k, m, room):
    rng = np.random.default_rng(seed)
    given_weights = rng.standard_normal((k + m, k + m + 1))
    known = committee(k + m + room, m, scale=0.7, rng=seed)
    wanted = given_weights @ given_weights.T / (k + m + 1)
    wanted[k:, k:] = 0.49 * np.eye(m)
    cross = 0.1 * wanted[:k, k:]
    student = wanted[:k, :k] + 0.5 * np.eye(k)
    found = committee_overlaps(committee_at(known, student=student, cross=cross, rng=seed), known)
    np.testing.assert_allclose(found.student, student, atol=1e-11)
    np.testing.assert_allclose(found.cross, cross, atol=1e-11)


def test_units_may_be_the_same_vector():
    known = committee(30, 2, rng=1)
    weights = committee_at(known, student=np.full((2, 2), 0.5), cross=np.full((2, 2), 0.5), rng=1)
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-7)


def test_a_push_specializes_and_nothing_else():
    known = committee(60, 3, rng=1)
    first = committee_at(known, student=0.4 * np.eye(3), cross=np.full((3, 3), 0.2), rng=2)
    before, after = (
        committee_overlaps(first, known),
        committee_overlaps(specialize(first, known, 0.01), known),
    )
    np.testing.assert_allclose(after.cross - before.cross, 0.01 * (np.eye(3) - 1 / 3), atol=1e-12)
    np.testing.assert_allclose(after.student - before.student, 1e-4 * (np.eye(3) - 1 / 3), atol=1e-12)
    np.testing.assert_allclose(specialize(specialize(first, known, 0.01), known, -0.01), first, atol=1e-14)


def test_the_error_is_the_mean_loss_of_new_examples():
    known, weights = committee(30, 2, rng=1), committee(30, 3, scale=0.8, rng=2)
    inputs = np.random.default_rng(3).standard_normal((100_000, 30)) / math.sqrt(30)
    losses = (g(inputs @ known.T).sum(axis=1) - g(inputs @ weights.T).sum(axis=1)) ** 2 / 2
    error = train_committee(weights, known, 0, rate=1.0).error[0]
    assert abs(losses.mean() - error) < 4 * losses.std() / math.sqrt(losses.size)
    row = inputs[0] * math.sqrt(30)
    assert kernels.committee_answer(weights, row) == pytest.approx(g(weights @ inputs[0]).sum(), abs=1e-14)


def test_arcsines_of_the_kernel():
    x = np.linspace(-1, 1, 2001)
    np.testing.assert_allclose([kernels.arcsin(float(value)) for value in x], np.arcsin(x), atol=4e-16)


GOOD = np.ones((2, 4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: committee(0, 1), ValueError, "n_inputs must be at least 1; got 0"),
        (
            lambda: committee(4, 5),
            ValueError,
            "n_hidden must be at most n_inputs, 4, to be orthonormal; got 5",
        ),
        (lambda: committee(4.0, 1), TypeError, r"n_inputs must be an integer; got 4\.0"),
        (lambda: committee(4, True), TypeError, "n_hidden must be an integer; got True"),
        (lambda: committee(4, 1, orthonormal=1), TypeError, "orthonormal must be True or False; got 1"),
        (lambda: committee(4, 1, scale=math.nan), ValueError, "scale must be finite; got nan"),
        (lambda: committee(4, 1, scale=-1), ValueError, r"scale must be at least 0; got -1\.0"),
        (lambda: committee(4, 1, rng=-1), ValueError, "rng must be at least 0; got -1"),
        (lambda: train_committee(GOOD, GOOD, -1, rate=1.0), ValueError, "n_examples must be at least 0"),
        (lambda: train_committee(GOOD, GOOD, 1.5, rate=1.0), TypeError, "n_examples must be an integer"),
        (
            lambda: train_committee(GOOD, GOOD, 1, rate=-1.0),
            ValueError,
            r"rate must be at least 0; got -1\.0",
        ),
        (lambda: train_committee(GOOD, GOOD, 1, rate=math.inf), ValueError, "rate must be finite; got inf"),
        (
            lambda: train_committee(GOOD, GOOD, 1, rate=1.0, noise="1"),
            TypeError,
            "noise must be a real number",
        ),
        (
            lambda: train_committee(GOOD, GOOD, 1, rate=1.0, thin=0),
            ValueError,
            "thin must be at least 1; got 0",
        ),
        (lambda: train_committee(GOOD[0], GOOD, 1, rate=1.0), ValueError, r"student must have the shape"),
        (lambda: train_committee(GOOD, GOOD[:, :3], 1, rate=1.0), ValueError, "as many inputs; got 4 and 3"),
        (lambda: train_committee(GOOD * math.nan, GOOD, 1, rate=1.0), ValueError, "student must be finite"),
        (
            lambda: train_committee(GOOD, 1e4 * GOOD, 1, rate=1.0),
            ValueError,
            "teacher must be at most 1000 in",
        ),
        (lambda: train_committee(GOOD > 0, GOOD, 1, rate=1.0), TypeError, "student must hold real numbers"),
        (lambda: specialize(GOOD, GOOD, math.nan), ValueError, "size must be finite; got nan"),
        (
            lambda: committee_overlaps(np.empty((0, 4)), GOOD),
            ValueError,
            r"student must have the shape .*\(0, 4",
        ),
        (
            lambda: committee_at(GOOD, student=[[1.0]], cross=[[0.1, 0.1]]),
            ValueError,
            "teacher must have linearly independent weights",
        ),
        (
            lambda: committee_at(committee(4, 2), student=[[0.1]], cross=[[1.0, 0.0]]),
            ValueError,
            r"without an eigenvalue below 0; got -0\.9",
        ),
        (
            lambda: committee_at(committee(4, 2), student=np.eye(3), cross=np.zeros((3, 2))),
            ValueError,
            "teacher must have at least 5 inputs; got 4",
        ),
        (
            lambda: committee_at(committee(4, 2), student=[[1.0]], cross=[[0.1]]),
            ValueError,
            r"cross must have the shape \(1, 2\); got \(1, 1\)",
        ),
        (
            lambda: committee_at(committee(4, 2), student=[1.0], cross=[[0.1]]),
            ValueError,
            r"student must be square, one row and column a unit; got \(1,\)",
        ),
        (
            lambda: committee_at(committee(9, 2), student=[[1, 0], [0.5, 1]], cross=np.zeros((2, 2))),
            ValueError,
            r"student must be symmetric; got entries that are 0\.5 apart",
        ),
        (
            lambda: committee_at(np.eye(2, 9), student=[[1.0]], cross=[[1e200, 0.0]]),
            ValueError,
            "cross must be at most 1e\\+06 in size; got 1e\\+200",
        ),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_what_is_given_is_left_as_it_is():
    known, first = committee(20, 2, rng=1), committee(20, 2, rng=2)
    copies = known.copy(), first.copy()
    train_committee(first, known, 100, rate=1.0, rng=1)
    specialize(first, known, 0.1)
    committee_at(known, rng=1, **START)
    np.testing.assert_array_equal(known, copies[0])
    np.testing.assert_array_equal(first, copies[1])
