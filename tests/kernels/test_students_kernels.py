"""Students of one teacher: least squares one by one, the adatron at rest, and walks whose law is exact."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from smbook.kernels import perceptron, students
from smbook.kernels.rng import seed_state
from smbook.perceptron import adatron
from smbook.statistics import integrated_autocorrelation_time


def examples(n_inputs, n_examples, seed, n_rows=None):
    """Return a teacher, its examples, and y x as columns."""
    n_rows = n_rows or n_examples
    teacher, state = np.empty(n_inputs), seed_state(seed)
    inputs, columns = np.zeros((n_rows, n_inputs)), np.zeros((n_inputs, n_rows))
    labels = np.zeros(n_rows, dtype=np.int8)
    students.draw_teacher(state, teacher)
    for mu in range(n_examples):
        students.draw_example(teacher, mu, state, inputs, labels, columns)
    return teacher, inputs, labels, columns


def test_the_angle_is_right_to_two_units_in_the_last_place():
    grid = np.concatenate([np.linspace(-1, 1, 2001), 1 - np.geomspace(1e-16, 0.5, 200), [0.5, -0.5]])
    with mpmath.workprec(200):
        exact = [mpmath.acos(mpmath.mpf(float(x))) for x in grid]
        errors = [abs(mpmath.mpf(float(students.arccos(x))) - a) for x, a in zip(grid, exact, strict=True)]
        units = [
            float(e / mpmath.mpf(np.spacing(max(float(a), 1e-300))))
            for e, a in zip(errors, exact, strict=True)
        ]
    assert max(units) <= 2.0
    assert students.arccos(1.5) == 0.0
    assert students.arccos(-1.5) == np.pi


@given(st.integers(1, 40), st.integers(0, 100), st.floats(1e-3, 1e3))
def test_the_error_is_the_angle_to_the_teacher_and_knows_no_length(n_inputs, seed, factor):
    rng = np.random.default_rng(seed)
    teacher, weights = rng.normal(size=(2, n_inputs))
    cosine = teacher @ weights / np.linalg.norm(teacher) / np.linalg.norm(weights)
    error = students.error_of(teacher, weights)
    assert error == pytest.approx(np.arccos(np.clip(cosine, -1, 1)) / np.pi, abs=1e-7)
    assert students.error_of(factor * teacher, weights) == pytest.approx(error, abs=1e-7)
    assert students.error_of(teacher, -weights) == pytest.approx(1 - error, abs=1e-7)


def test_a_teacher_answers_its_examples():
    teacher, inputs, labels, columns = examples(30, 400, 5)
    np.testing.assert_array_equal(labels, np.sign(inputs @ teacher))
    np.testing.assert_array_equal(columns, (labels[:, None] * inputs).T)
    assert abs(inputs.mean()) * np.sqrt(inputs.size) < 4
    assert abs((inputs**2).mean() - 1) * np.sqrt(inputs.size / 2) < 4
    assert abs(labels.mean()) * np.sqrt(labels.size) < 4


@pytest.mark.parametrize("rule", [perceptron.HEBB, perceptron.PERCEPTRON, perceptron.OPTIMAL])
def test_online_steps_are_those_of_the_package(rule):
    _, inputs, labels, _ = examples(20, 90, 2)
    weights, other, path = np.zeros(20), np.zeros(20), np.empty((90, 20))
    perceptron.learn_online(inputs, labels, rule, 1.0, 1, other, path)
    for mu in range(90):
        students.online_step(inputs, labels, mu, rule, weights)
        np.testing.assert_allclose(weights, path[mu], rtol=1e-12, atol=1e-15)


# Least squares


def least_squares(inputs, labels):
    """Return the weights after each example."""
    n = inputs.shape[1]
    projector, inverse, room, weights = np.empty((n, n)), np.empty((n, n)), np.empty((2, n)), np.ones(n)
    students.begin_least_squares(projector, inverse, weights)
    for mu in range(len(inputs)):
        students.least_squares_step(inputs, labels, mu, projector, inverse, room, weights)
        yield weights.copy()


@pytest.mark.parametrize("n_inputs", [1, 2, 7, 50])
def test_one_by_one_gives_the_pseudo_inverse_of_all(n_inputs):
    """At P = N the smallest singular value is about 1/N, and its inverse square enters."""
    for seed in range(3):
        _, inputs, labels, _ = examples(n_inputs, 3 * n_inputs, seed)
        for count, weights in enumerate(least_squares(inputs, labels), 1):
            expected = np.linalg.pinv(inputs[:count]) @ labels[:count]
            assert np.linalg.norm(weights - expected) < 1e-6 * np.linalg.norm(expected)


def test_examples_that_add_nothing_to_the_span_are_seen_as_such():
    """Twice the same input with opposite answers, and a combination of others, before N are there."""
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(12, 8))
    inputs[3], inputs[5] = inputs[1], inputs[0] - 2 * inputs[4]
    labels = np.array([1, -1, 1, 1, -1, 1, 1, -1, 1, -1, -1, 1], dtype=np.int8)
    for count, weights in enumerate(least_squares(inputs, labels), 1):
        expected = np.linalg.pinv(inputs[:count], rcond=1e-10) @ labels[:count]
        np.testing.assert_allclose(weights, expected, atol=1e-8 * np.abs(expected).max())


def test_it_misses_nothing_until_there_are_as_many_examples_as_inputs():
    _, inputs, labels, _ = examples(30, 60, 3)
    for count, weights in enumerate(least_squares(inputs, labels), 1):
        missed = np.abs(inputs[:count] @ weights - labels[:count]).max()
        assert (missed < 1e-6) == (count <= 30)


# The largest margin


@pytest.mark.parametrize(("n_inputs", "n_examples"), [(5, 3), (20, 40), (30, 150)])
def test_at_rest_the_margin_is_the_largest(n_inputs, n_examples):
    _, inputs, labels, _ = examples(n_inputs, n_examples, 4)
    best = adatron(inputs, labels, tolerance=1e-9)
    for most in (10**9, n_examples + 50):
        strengths, weights = np.zeros(n_examples), np.zeros(n_inputs)
        while students.adatron_rest(inputs, labels, n_examples, 1.6, 1e-7, most, strengths, weights) >= most:
            pass
        np.testing.assert_allclose(weights, labels * strengths @ inputs, rtol=1e-9, atol=1e-12)
        margin = (labels * (inputs @ weights)).min() / np.linalg.norm(weights)
        assert margin == pytest.approx(best.margin, rel=1e-6)
        assert students.error_of(best.weights, weights) < 1e-5


def test_it_goes_on_from_what_it_has():
    """One example more costs less than a tenth of a fresh start, on the mean."""
    _, inputs, labels, _ = examples(20, 120, 6)
    strengths, weights, asked = np.zeros(120), np.zeros(20), []
    for count in range(1, 121):
        given = inputs, labels, count, 1.6, 1e-4, 10**9
        asked.append(students.adatron_rest(*given, strengths, weights))
    fresh = students.adatron_rest(inputs, labels, 120, 1.6, 1e-4, 10**9, np.zeros(120), np.zeros(20))
    assert np.mean(asked[-40:]) < fresh
    assert (labels * (inputs @ weights)).min() == pytest.approx(1, abs=1e-3)


# Walks through the version space

INTERVALS = [
    (-np.inf, np.inf),
    (-np.inf, 0.3),
    (-0.5, np.inf),
    (-0.4, 0.9),
    (-2.0, 3.0),
    (0.0, 4.0),
    (0.7, np.inf),
    (0.7, 1.1),
    (2.0, 30.0),
    (4.0, np.inf),
    (9.0, 9.1),
    (-8.0, -7.0),
    (-np.inf, -1.5),
]


@pytest.mark.parametrize("ends", INTERVALS, ids=str)
def test_truncated_normal_numbers_have_their_law(ends):
    """By Kolmogorov and Smirnov; a share of 1e-4 of the numbers of a law 3 % off would be seen."""
    state, pair = seed_state(7), np.empty(2)
    drawn = np.array([students.truncated_normal(*ends, state, pair) for _ in range(20_000)])
    assert ((drawn > ends[0]) & (drawn < ends[1])).all()
    assert stats.kstest(drawn, stats.truncnorm(*ends).cdf).pvalue > 1e-4
    low, high = drawn.min(), drawn.max()
    assert stats.kstest(drawn, stats.uniform(low, high - low).cdf).pvalue < 1e-4 or high - low < 0.2


def walk(n_inputs, n_examples, seed):
    """Return examples and what a walk through their version space works with, at its beginning."""
    teacher, inputs, labels, columns = examples(n_inputs, n_examples, seed)
    fields = labels * (inputs @ teacher)
    work = seed_state(seed + 1), np.empty(n_inputs), np.empty(n_examples), fields, teacher.copy()
    return teacher, inputs, labels, columns, work


@pytest.mark.parametrize(("n_inputs", "n_examples"), [(3, 0), (2, 5), (10, 4), (50, 300)])
def test_a_walk_answers_all_examples_right_and_keeps_their_fields(n_inputs, n_examples):
    _, inputs, labels, columns, work = walk(n_inputs, n_examples, 3)
    for _ in range(20):
        students.sweep_version_space(columns, n_examples, 50, *work)
        fields = labels * (inputs @ work[4])
        assert (fields > 0).all()
        np.testing.assert_allclose(work[3], fields, atol=1e-10)


def test_in_the_plane_the_angle_is_uniform_on_its_arc_and_the_length_is_free():
    _, inputs, labels, columns, work = walk(2, 4, 8)
    angles, squares = np.empty(20_000), np.empty(20_000)
    for k in range(angles.size):
        students.sweep_version_space(columns, 4, 3, *work)
        angles[k], squares[k] = np.arctan2(*work[4][::-1]), work[4] @ work[4]
    circle = np.linspace(-np.pi, np.pi, 400_001)
    right = circle[(labels[:, None] * (inputs @ [np.cos(circle), np.sin(circle)]) > 0).all(axis=0)]
    every = int(2 * integrated_autocorrelation_time(angles).value + 1)
    law = stats.uniform(right.min(), right.max() - right.min())
    assert stats.kstest(angles[::every], law.cdf).pvalue > 1e-3
    assert stats.kstest(squares[::5], stats.chi2(2).cdf).pvalue > 1e-3


def rejected(inputs, labels, n_samples, rng):
    """Return weights of the version space by trial and error."""
    kept = []
    while len(kept) < n_samples:
        tried = rng.normal(size=(100_000, inputs.shape[1]))
        kept.extend(tried[(labels * (tried @ inputs.T) > 0).all(axis=1)])
    return np.array(kept[:n_samples])


def test_a_walk_has_the_law_of_trial_and_error():
    """First and second moments of the direction, each within four errors; without one example it is seen."""
    _, inputs, labels, columns, work = walk(4, 7, 2)
    found = np.empty((12_000, 4))
    for row in found:
        students.sweep_version_space(columns, 7, 8, *work)
        row[:] = work[4] / np.linalg.norm(work[4])

    def scores(given_labels):
        other = rejected(inputs[: len(given_labels)], given_labels, 12_000, np.random.default_rng(5))
        other /= np.linalg.norm(other, axis=1)[:, None]
        moments = [np.column_stack([w, w**2, w[:, :1] * w[:, 1:]]) for w in (found, other)]
        apart = moments[0].mean(axis=0) - moments[1].mean(axis=0)
        return apart / np.sqrt(sum(m.var(axis=0) / len(m) for m in moments))

    assert np.abs(scores(labels)).max() < 4
    assert max(np.abs(scores(labels[:k])).max() for k in (5, 6)) > 10


def alike(n_averaged, n_runs=250):
    """Return overlaps of teacher and student, and of two students, who meet one example after the other.

    A student is the mean of so many places of the walk.
    """
    found = np.empty((2, n_runs))
    for seed in range(n_runs):
        teacher, inputs, labels, columns = examples(8, 24, 1000 + seed)
        state, room, inverses, fields = seed_state(seed), np.empty(8), np.empty(24), np.empty(24)
        both = np.random.default_rng(seed).normal(size=(2, 8))
        for weights in both:
            work = state, room, inverses, fields, weights
            for mu in range(24):
                while not students.meet_example(inputs, labels, mu, 5, columns, *work):
                    pass
                students.sweep_version_space(columns, mu + 1, 2, *work)
            centre = np.zeros(8)
            for _ in range(n_averaged):
                students.gather_centre(teacher, columns, 24, 20, *work, np.zeros(8), np.zeros(2))
                centre += weights / np.linalg.norm(weights)
            weights[:] = centre
        both /= np.linalg.norm(both, axis=1)[:, None]
        found[:, seed] = both[0] @ teacher / np.linalg.norm(teacher), both[0] @ both[1]
    return found


def test_the_teacher_is_one_of_the_students():
    """Given its answers the teacher is uniform in the version space too: both overlaps have the same mean.

    Students who are nearer to the centre than at random, as the mean of two is, agree too well.
    """

    def score(n_averaged):
        apart = np.subtract(*alike(n_averaged))
        return apart.mean() / apart.std(ddof=1) * np.sqrt(apart.size)

    assert abs(score(1)) < 4
    assert score(2) < -4


def test_the_centre_is_that_of_a_long_walk_though_the_walk_is_short():
    """Halves of 10 N sweeps: the mean error is that of the centre; that of their sum is 2 % too large."""
    teacher, _, _, columns, work = walk(20, 80, 5)
    long, totals = np.zeros(20), np.zeros(2)
    students.gather_centre(teacher, columns, 80, 100_000, *work, long, totals)
    exact = students.error_of(teacher, long)
    assert totals[1] == 100_000
    assert exact < 0.8 * totals[0] / totals[1]  # of a student at random
    found = np.empty((2, 500))
    for k in range(500):
        halves = np.zeros((2, 20))
        students.sweep_version_space(columns, 80, 80, *work)
        for half in halves:
            students.gather_centre(teacher, columns, 80, 200, *work, half, totals)
        total = halves.sum(axis=0)
        found[:, k] = students.error_of_centre(teacher, *halves), students.error_of(teacher, total)
    corrected, plain = (found.mean(axis=1) - exact) / found.std(axis=1) * np.sqrt(500)
    assert abs(corrected) < 4
    assert plain > 4


def test_halves_that_disagree_know_nothing():
    assert students.error_of_centre(np.ones(2), np.array([1.0, 0.0]), np.array([-1.0, 0.1])) == 0.5


@given(st.integers(1, 30), st.integers(0, 50))
def test_runs_add_up_to_their_mean_and_spread(n_runs, seed):
    rng = np.random.default_rng(seed)
    runs = rng.normal(size=(n_runs, 2, 3))
    runs[rng.random(runs.shape) < 0.2] = np.nan
    counts, means, squares = np.zeros((3, 2, 3))
    for run in runs:
        students.add_run(run, counts, means, squares)
    for k, s in np.ndindex(2, 3):
        values = runs[:, k, s][~np.isnan(runs[:, k, s])]
        assert counts[k, s] == values.size
        if values.size:
            assert means[k, s] == pytest.approx(values.mean(), abs=1e-12)
            assert squares[k, s] == pytest.approx(values.var() * values.size, abs=1e-10)
