"""Random examples: their moments, their seeds, and teachers whose labels are what they say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook import perceptron
from smbook.perceptron import Examples

DISTRIBUTIONS = ("gaussian", "binary")
SEEDS = range(10)


def score(values, mean, deviation):
    return (np.mean(values) - mean) / (deviation / math.sqrt(np.size(values)))


def check_scores(z):
    """Bound ten scores, and their sum, which tells a bias of 1.3 errors that is common to all."""
    assert np.abs(z).max() < 4
    assert abs(np.sum(z)) < 4 * math.sqrt(len(z))


def test_a_constant_is_one_more_input():
    inputs = np.arange(6.0).reshape(3, 2)
    found = perceptron.with_constant(inputs)
    np.testing.assert_array_equal(found[:, :2], inputs)
    np.testing.assert_array_equal(found[:, 2], 1.0)
    found[:] = 7.0
    assert inputs[0, 0] == 0.0


@pytest.mark.parametrize(("distribution", "fourth"), [("gaussian", 3.0), ("binary", 1.0)])
def test_moments_of_inputs(distribution, fourth):
    """Mean 0, variance 1, no skew, the fourth moment of the law; |z| < 4 on ten seeds of 40,000."""
    drawn = [perceptron.random_inputs(400, 100, distribution=distribution, rng=seed) for seed in SEEDS]
    check_scores([score(x, 0.0, 1.0) for x in drawn])
    check_scores([score(x**3, 0.0, math.sqrt(15.0 if distribution == "gaussian" else 1.0)) for x in drawn])
    if distribution == "binary":
        assert all((np.abs(x) == 1.0).all() for x in drawn)
    else:
        check_scores([score(x**2, 1.0, math.sqrt(2.0)) for x in drawn])
        check_scores([score(x**4, fourth, math.sqrt(96.0)) for x in drawn])
    neighbours = [x[:, 1:] * x[:, :-1] for x in drawn], [x[1:] * x[:-1] for x in drawn]
    for products in neighbours:
        check_scores([score(x, 0.0, 1.0) for x in products])


def test_labels_are_fair_and_know_nothing_of_inputs_from_the_same_seed():
    labels = [perceptron.random_labels(10_000, rng=seed) for seed in SEEDS]
    check_scores([score(y, 0.0, 1.0) for y in labels])
    for distribution in DISTRIBUTIONS:
        inputs = [perceptron.random_inputs(10_000, 1, distribution=distribution, rng=s)[:, 0] for s in SEEDS]
        check_scores([score(x * y, 0.0, 1.0) for x, y in zip(inputs, labels, strict=True)])
    assert labels[0].dtype == np.int8


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_dichotomy_is_inputs_and_labels(distribution):
    found = perceptron.random_dichotomy(7, 3, distribution=distribution, rng=5)
    expected = (
        perceptron.random_inputs(7, 3, distribution=distribution, rng=5),
        perceptron.random_labels(7, rng=5),
    )
    assert found == expected
    assert found == perceptron.random_dichotomy(7, 3, distribution=distribution, rng=5)
    assert found != perceptron.random_dichotomy(7, 3, distribution=distribution, rng=6)


def test_seeds():
    for draw in (
        lambda rng: perceptron.random_inputs(4, 3, rng=rng),
        lambda rng: perceptron.random_labels(40, rng=rng),
        lambda rng: perceptron.teacher(5, rng=rng),
        lambda rng: perceptron.teacher_examples(np.ones(3), 40, label_noise=0.3, rng=rng).labels,
    ):
        np.testing.assert_array_equal(draw(3), draw(3))
        np.testing.assert_array_equal(draw(np.random.default_rng(3)), draw(np.random.default_rng(3)))
        generator = np.random.default_rng(3)
        assert not np.array_equal(draw(generator), draw(generator))
        assert not np.array_equal(draw(None), draw(None))
        assert not np.array_equal(draw(3), draw(4))


def test_teachers_are_uniform_on_the_sphere():
    """w.w = N; a component squared is N times a beta variable, of variance 2 (N - 1) / (N + 2)."""
    n = 6
    drawn = np.array([perceptron.teacher(n, rng=seed) for seed in range(2000)])
    np.testing.assert_allclose((drawn**2).sum(axis=1), n, rtol=1e-12)
    for k in range(n):
        assert abs(score(drawn[:, k], 0.0, 1.0)) < 4
        assert abs(score(drawn[:, k] ** 2, 1.0, math.sqrt(2 * (n - 1) / (n + 2)))) < 4
    inputs = np.array([perceptron.random_inputs(1, n, rng=seed)[0] for seed in range(2000)])
    assert abs(score((drawn * inputs).sum(axis=1), 0.0, math.sqrt(n))) < 4  # an equal seed, another draw


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_teacher_gives_the_labels(distribution):
    weights = perceptron.teacher(9, rng=1)
    found = perceptron.teacher_examples(weights, 500, distribution=distribution, rng=2)
    np.testing.assert_array_equal(found.labels, np.where(found.inputs @ weights > 0, 1, -1))
    np.testing.assert_array_equal(
        found.inputs, perceptron.random_inputs(500, 9, distribution=distribution, rng=2)
    )
    assert perceptron.is_separable(*found)
    assert perceptron.teacher_examples(1e90 * weights, 500, distribution=distribution, rng=2) == found


def test_an_input_on_the_plane_of_its_teacher_is_positive():
    found = perceptron.teacher_examples([1, 1], 200, distribution="binary", rng=1)
    on_it = found.inputs.sum(axis=1) == 0
    assert 0 < on_it.sum() < 200
    assert (found.labels[on_it] == 1).all()


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5, 1.0])
def test_the_share_of_turned_labels(noise):
    """|z| < 4 on ten seeds of 5,000 labels: those drawn anew instead of turned would change half as often."""
    weights = perceptron.teacher(20, rng=1)
    turned, deviation = [], math.sqrt(noise * (1 - noise))
    for seed in SEEDS:
        found = perceptron.teacher_examples(weights, 5000, label_noise=noise, rng=seed)
        clean = perceptron.teacher_examples(weights, 5000, rng=seed)
        np.testing.assert_array_equal(found.inputs, clean.inputs)
        turned.append(found.labels != clean.labels)
    if deviation == 0.0:
        assert np.mean(turned) == noise
    else:
        check_scores([score(part, noise, deviation) for part in turned])
        assert abs(score(turned, noise / 2, deviation)) > 4


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 2, 2.5, math.pi])
@pytest.mark.parametrize("n", [2, 7])
def test_the_error_is_the_measured_disagreement(angle, n):
    student, master = np.zeros(n), np.zeros(n)
    student[:2], master[0] = (math.cos(angle), math.sin(angle)), 1.0
    error = perceptron.generalization_error(3.0 * student, master)
    assert error == pytest.approx(angle / math.pi, abs=1e-15)
    assert perceptron.overlap(3.0 * student, master) == pytest.approx(math.cos(angle), abs=1e-15)
    z = []
    for seed in SEEDS:
        inputs = perceptron.random_inputs(20_000, n, rng=seed)
        wrong = np.sign(inputs @ student) != np.sign(inputs @ master)
        if 0 < error < 1:
            z.append(score(wrong, error, math.sqrt(error * (1 - error))))
        else:
            assert abs(wrong.mean() - error) < 1e-12
    if z:
        check_scores(z)


@given(angle=st.floats(1e-12, 1.0), size=st.floats(1e-90, 1e90))
def test_small_angles_and_any_lengths(angle, size):
    """arccos of the overlap alone would see nothing below 1e-8."""
    student = np.array([math.cos(angle), math.sin(angle)])
    assert perceptron.generalization_error(size * student, [2.0, 0.0]) == pytest.approx(
        angle / math.pi, rel=1e-3 if angle < 1e-9 else 1e-6
    )
    assert perceptron.overlap(size * student, [2.0, 0.0]) == pytest.approx(math.cos(angle))
    assert -1.0 <= perceptron.overlap(size * student, student) <= 1.0


def test_many_students_at_once_and_those_who_know_nothing():
    students = np.zeros((2, 3, 4))
    students[0, :, 0] = [1.0, -1.0, 0.0]
    errors = perceptron.generalization_error(students, [5.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(errors, [[0.0, 1.0, 0.5], [0.5, 0.5, 0.5]])
    np.testing.assert_array_equal(perceptron.overlap(students, [5.0, 0, 0, 0]), [[1, -1, 0], [0, 0, 0]])
    assert type(perceptron.overlap([1, 0], [1, 0])) is float


def test_inputs_are_left_alone_and_results_show_themselves():
    weights = np.array([1.0, 2.0])
    perceptron.teacher_examples(weights, 5, rng=1)
    perceptron.overlap(weights, weights)
    perceptron.generalization_error(weights, weights)
    assert weights.tolist() == [1.0, 2.0]
    assert repr(Examples(np.ones((2, 3)), np.array([1, -1]))) == "Examples(2 of 3 inputs, 1 of them +1)"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: perceptron.with_constant([1.0, 2.0]), ValueError, r"inputs must have the shape \(P, N\)"),
        (lambda: perceptron.with_constant([[math.nan]]), ValueError, "inputs must be finite; got nan"),
        (lambda: perceptron.with_constant([["a"]]), TypeError, "inputs must hold real numbers"),
        (lambda: perceptron.random_inputs(0, 2), ValueError, "n_examples must be at least 1; got 0"),
        (lambda: perceptron.random_inputs(2, 2.0), TypeError, r"n_inputs must be an integer; got 2\.0"),
        (lambda: perceptron.random_inputs(2, True), TypeError, "n_inputs must be an integer; got True"),
        (
            lambda: perceptron.random_inputs(2, 2, distribution="uniform"),
            ValueError,
            "distribution must be one of 'gaussian', 'binary'; got 'uniform'",
        ),
        (lambda: perceptron.random_inputs(2, 2, rng="1"), TypeError, "rng must be an integer"),
        (lambda: perceptron.random_inputs(2, 2, rng=-1), ValueError, "rng must be at least 0; got -1"),
        (lambda: perceptron.random_labels(-3), ValueError, "n_examples must be at least 1; got -3"),
        (lambda: perceptron.random_dichotomy(2, 0), ValueError, "n_inputs must be at least 1; got 0"),
        (lambda: perceptron.teacher(0), ValueError, "n_inputs must be at least 1; got 0"),
        (lambda: perceptron.teacher_examples([0.0, 0.0], 3), ValueError, "teacher must not be zero"),
        (lambda: perceptron.teacher_examples([], 3), ValueError, r"teacher must have the shape \(N,\)"),
        (lambda: perceptron.teacher_examples([[1.0]], 3), ValueError, r"teacher must have the shape \(N,\)"),
        (lambda: perceptron.teacher_examples("ab", 3), TypeError, "teacher must hold real numbers"),
        (lambda: perceptron.teacher_examples([1.0], 0), ValueError, "n_examples must be at least 1; got 0"),
        (
            lambda: perceptron.teacher_examples([1.0], 3, label_noise=1.5),
            ValueError,
            r"label_noise must be at most 1; got 1\.5",
        ),
        (
            lambda: perceptron.teacher_examples([1.0], 3, label_noise=math.nan),
            ValueError,
            "label_noise must be finite",
        ),
        (
            lambda: perceptron.teacher_examples([1.0], 3, distribution=1),
            ValueError,
            "distribution must be one",
        ),
        (lambda: perceptron.overlap([1.0, 2.0], [0.0, 0.0]), ValueError, "other must not be zero"),
        (
            lambda: perceptron.overlap([1.0, 2.0], [1.0]),
            ValueError,
            r"weights must have the shape \(\.\.\., 1\), as other has; got \(2,\)",
        ),
        (lambda: perceptron.overlap(1.0, [1.0]), ValueError, r"got \(\)"),
        (lambda: perceptron.generalization_error([1.0], [0.0]), ValueError, "teacher must not be zero"),
        (lambda: perceptron.generalization_error([math.inf], [1.0]), ValueError, "weights must be finite"),
        (
            lambda: perceptron.generalization_error(np.ma.array([1.0], mask=[1]), [1.0]),
            TypeError,
            "weights must hold real numbers; got a masked array",
        ),
        (lambda: perceptron.generalization_error([True], [1.0]), TypeError, "weights must hold real numbers"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
