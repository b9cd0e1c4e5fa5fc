"""Weights at random from the version space: an exact arc, a polygon on a sphere, and what stays as it is."""

import math

import numpy as np
import pytest
from scipy import stats

from smbook.kernels import perceptron as kernels
from smbook.kernels.rng import seed_state, uniform
from smbook.perceptron import NotSeparableError, adatron, bayes_learning, gibbs_learning, perceptron_rule
from smbook.statistics import integrated_autocorrelation_time

SEEDS = range(10)
WEDGE = np.array([[1.0, 0.2], [0.9, 1.0]]), np.array([1, 1])


def random_examples(seed, n_examples, n_inputs):
    """Gaussian inputs, the labels of a teacher, and the teacher."""
    rng = np.random.default_rng([seed, 5])
    inputs, teacher = rng.standard_normal((n_examples, n_inputs)), rng.standard_normal(n_inputs)
    return inputs, np.sign(inputs @ teacher).astype(int), teacher


def rejected(inputs, labels, n_samples, rng):
    """Weights of the version space that are independent: uniform on the sphere, if they answer right."""
    found = np.empty((0, inputs.shape[1]))
    while len(found) < n_samples:
        drawn = rng.standard_normal((100_000, inputs.shape[1]))
        found = np.concatenate([found, drawn[(labels * (drawn @ inputs.T) > 0).all(axis=1)]])
    return on_sphere(found[:n_samples])


def on_sphere(weights):
    return weights * (math.sqrt(weights.shape[1]) / np.linalg.norm(weights, axis=1))[:, np.newaxis]


def ends_of_arc(inputs, labels):
    """The angles between which (cos, sin) answers right: within 90 degrees of each y x."""
    angles = np.arctan2(*(labels[:, np.newaxis] * inputs).T[::-1])  # of y x
    middle = math.atan2(np.sin(angles).sum(), np.cos(angles).sum())
    apart = (angles - middle + math.pi) % (2 * math.pi) - math.pi
    return middle + apart.max() - math.pi / 2, middle + apart.min() + math.pi / 2


def on_arc(weights, inputs, labels):
    """Where on the arc of all right answers weights are, from 0 to 1."""
    low, high = ends_of_arc(inputs, labels)
    return (np.arctan2(weights[:, 1], weights[:, 0]) - low) % (2 * math.pi) / (high - low)


# Two inputs: the version space is an arc


@pytest.mark.parametrize("n_examples", [1, 2, 6])
@pytest.mark.parametrize("seed", SEEDS)
def test_with_two_inputs_weights_are_uniform_on_the_arc(seed, n_examples):
    """Each great circle is the whole circle there, so that samples of hit and run are independent."""
    inputs, labels, _ = random_examples(seed, n_examples, 2)
    weights = gibbs_learning(inputs, labels, 5000, walk="hit-and-run", rng=seed)
    np.testing.assert_allclose(np.linalg.norm(weights, axis=1), math.sqrt(2), rtol=1e-14)
    places = on_arc(weights, inputs, labels)
    assert 0 < places.min() < 0.01 < 0.99 < places.max() < 1
    assert stats.kstest(places, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(places[1:], places[:-1])[0, 1]) * math.sqrt(5000) < 4


def chord_point(low_x, low_y, high_x, high_y, state):
    """Uniform on the chord from one end to the other, where it should be on the arc."""
    share = uniform(state)
    point = np.array([low_x + share * (high_x - low_x), low_y + share * (high_y - low_y)])
    return point / np.linalg.norm(point)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sampler_that_is_uniform_on_the_chord_is_seen(seed):
    low, high = ends_of_arc(*WEDGE)
    ends, state = (math.cos(low), math.sin(low), math.cos(high), math.sin(high)), seed_state(seed)
    wrong = np.array([chord_point(*ends, state) for _ in range(5000)])
    assert stats.kstest(on_arc(wrong, *WEDGE), "uniform").pvalue < 1e-6
    right = gibbs_learning(*WEDGE, 5000, walk="hit-and-run", rng=seed)
    assert stats.kstest(on_arc(right, *WEDGE), "uniform").pvalue > 1e-4


# More inputs


def moments(weights):
    """All products of up to two weights."""
    n = weights.shape[1]
    products = [weights[:, i] * weights[:, j] for i in range(n) for j in range(i, n)]
    return np.array([*weights.T, *products])


def differences(one, other):
    """z of the differences of means of independent samples."""
    errors = one.var(axis=1, ddof=1) / one.shape[1] + other.var(axis=1, ddof=1) / other.shape[1]
    return (one.mean(axis=1) - other.mean(axis=1)) / np.sqrt(errors)


def walked(inputs, labels, starts, n_steps, seed, walk=kernels.hit_and_run):
    """Where a walk of so many steps leads to from each start."""
    found, state = starts.copy(), seed_state(seed)
    signs, direction, room = labels.astype(np.int8), np.empty(inputs.shape[1]), np.empty(6)
    for weights in found:
        walk(inputs, signs, n_steps, state, weights, direction, room)
    return found


def walk_on_chords(inputs, labels, n_steps, state, weights, direction, room):
    """Hit and run that takes a uniform point of the chord."""
    for _ in range(n_steps):
        kernels._draw_direction(state, weights, direction)
        kernels.consistent_arc(inputs, labels, weights, direction, room[:4])
        cosine, sine = chord_point(*room[:4], state)
        weights[:] = on_sphere((cosine * weights + sine * direction)[np.newaxis])[0]


def fly(inputs, labels, n_steps, state, weights, direction, _):
    """Flights of a billiard, from weights with the length of a normal vector."""
    turned = labels[:, np.newaxis] * inputs
    weights *= np.linalg.norm(np.random.default_rng(state).standard_normal(weights.size)) / math.sqrt(
        weights.size
    )
    room = np.empty_like(weights), np.empty(len(inputs)), np.empty(len(inputs))
    kernels.billiard(inputs, labels, turned @ turned.T, n_steps, 1000, state, weights, direction, *room)
    weights[:] = on_sphere(weights[np.newaxis])[0]


def stop_at_walls(inputs, labels, n_steps, state, weights, direction, room):
    """Flights that end at the first wall."""
    for _ in range(n_steps):
        kernels._draw_direction(state, weights, direction)
        kernels.consistent_arc(inputs, labels, weights, direction, room[:4])
        angle = min(math.atan2(room[3], room[2]), math.pi / 2) - 1e-9
        weights[:] = math.cos(angle) * weights + math.sin(angle) * direction


@pytest.mark.parametrize("walk", [kernels.hit_and_run, fly], ids=["hit-and-run", "billiard"])
@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (3, 5)])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_keeps_the_uniform_law(seed, shape, walk):
    """From 5000 independent samples, one step each: means, variances and correlations stay what they are."""
    inputs, labels, _ = random_examples(seed, *shape)
    rng = np.random.default_rng(seed)
    starts, others = rejected(inputs, labels, 5000, rng), rejected(inputs, labels, 20_000, rng)
    after = walked(inputs, labels, starts, 1, seed, walk)
    assert (labels * (after @ inputs.T) > 0).all()
    assert np.abs(differences(moments(after), moments(others))).max() < 4


def test_balls_that_stop_at_walls_do_not_keep_it():
    inputs, labels, _ = random_examples(0, 4, 3)
    rng = np.random.default_rng(1)
    starts, others = rejected(inputs, labels, 5000, rng), rejected(inputs, labels, 20_000, rng)
    after = walked(inputs, labels, starts, 1, 1, stop_at_walls)
    assert np.abs(differences(moments(after), moments(others))).max() > 8


def test_a_walk_on_chords_does_not_keep_it():
    inputs, labels, _ = random_examples(0, 1, 3)
    rng = np.random.default_rng(1)
    starts, others = rejected(inputs, labels, 5000, rng), rejected(inputs, labels, 20_000, rng)
    after = walked(inputs, labels, starts, 5, 1, walk_on_chords)
    assert np.abs(differences(moments(after), moments(others))).max() > 8


@pytest.mark.parametrize("walk", ["billiard", "hit-and-run"])
@pytest.mark.parametrize("seed", SEEDS)
def test_with_three_inputs_samples_fill_the_polygon(seed, walk):
    """Against rejection; thirty steps apart samples from the best weights on are as good as independent."""
    inputs, labels, _ = random_examples(seed, 5, 3)
    others = rejected(inputs, labels, 20_000, np.random.default_rng(seed))
    found = gibbs_learning(inputs, labels, 3000, walk=walk, thin=30, rng=seed)
    assert np.abs(differences(moments(found), moments(others))).max() < 4


def test_overlaps_grow_with_examples_as_gibbs_learning_says():
    """At N = 30, ten teachers each: R is near .486 at alpha = 1, .728 at 2, and so is q between samples."""
    for alpha, expected in ((1, 0.486264), (2, 0.728298)):
        with_teacher, between = [], []
        for seed in SEEDS:
            inputs, labels, teacher = random_examples(seed, 30 * alpha, 30)
            units = gibbs_learning(inputs, labels, 60, thin=3, rng=seed)[10:] / math.sqrt(30)
            with_teacher.append((units @ teacher).mean() / np.linalg.norm(teacher))
            between.append((units @ units.T)[np.triu_indices(len(units), 1)].mean())
        assert np.mean(with_teacher) == pytest.approx(expected, abs=0.08)
        assert np.mean(between) == pytest.approx(expected, abs=0.08)


# How it goes about it


@pytest.mark.parametrize("walk", ["billiard", "hit-and-run"])
def test_samples_are_those_of_the_walk_however_it_is_parted(monkeypatch, walk):
    inputs, labels, _ = random_examples(1, 8, 6)
    every, third = (gibbs_learning(inputs, labels, n, walk=walk, thin=t, rng=3) for n, t in ((12, 1), (4, 3)))
    np.testing.assert_array_equal(every[2::3], third)
    monkeypatch.setattr("smbook._runs.UPDATES_PER_CALL", 96)
    np.testing.assert_array_equal(gibbs_learning(inputs, labels, 4, walk=walk, thin=3, rng=3), third)
    assert (gibbs_learning(inputs, labels, 4, walk=walk, thin=3, rng=4) != third).all()


def test_it_begins_with_the_largest_margin_or_with_what_is_given(capsys):
    inputs, labels, teacher = random_examples(2, 8, 6)
    best, kept = adatron(inputs, labels).weights, inputs.copy()
    own = gibbs_learning(inputs, labels, 5, rng=1, progress=True)
    assert "sample" in capsys.readouterr().err
    np.testing.assert_allclose(own, gibbs_learning(inputs, labels, 5, initial=best, rng=1), rtol=1e-5)
    other = gibbs_learning(inputs, labels, 5, initial=1e50 * teacher, rng=1)
    assert (labels * (other @ inputs.T) > 0).all()
    np.testing.assert_array_equal(inputs, kept)


def test_samples_of_a_billiard_are_as_good_as_independent():
    """At N = 50 and alpha = 2: overlaps with the teacher and with the mean, tau below 1 step; 1/2 is none."""
    inputs, labels, teacher = random_examples(1, 100, 50)
    found = gibbs_learning(inputs, labels, 1500, rng=1)
    for direction in (teacher, found.mean(axis=0)):
        assert integrated_autocorrelation_time(found @ direction)[0] < 1.0


def test_bayes_learning_is_the_mean_of_gibbs_learning():
    inputs, labels, teacher = random_examples(1, 8, 6)
    for walk in ("billiard", "hit-and-run"):
        given = {"walk": walk, "thin": 2, "initial": teacher, "rng": 3}
        mean = bayes_learning(inputs, labels, 40, **given)
        samples = gibbs_learning(inputs, labels, 40, **given)
        np.testing.assert_allclose(mean, samples.mean(axis=0), rtol=1e-12)
    with pytest.raises(ValueError, match="n_samples must be at least 1; got 0"):
        bayes_learning(inputs, labels, 0)
    np.testing.assert_array_equal(bayes_learning([[2.0], [0.1]], [-1, -1], 3), [-1.0])


def test_one_input_leaves_one_weight():
    np.testing.assert_array_equal(gibbs_learning([[2.0], [0.1]], [-1, -1], 3, rng=1), [[-1.0]] * 3)
    assert gibbs_learning([[1.0, 0.0]], [1], 0).shape == (0, 2)


@pytest.mark.parametrize("width", [1e-3, 1e-6, 1e-9])
def test_a_version_space_as_thin_as_a_hair_is_not_left(width):
    """Two planes that almost are one leave directions along them, and next to nothing across."""
    inputs, labels = np.array([[width, 1.0, 0.0], [width, -1.0, 0.0]]), np.array([1, 1])
    given = {"thin": 5, "initial": [1.0, 0.0, 0.0], "rng": 1}
    weights = gibbs_learning(inputs, labels, 2000, walk="hit-and-run", **given)
    assert (weights @ inputs.T > 0).all()
    assert np.abs(weights[:, 1]).max() > 0.1 * width


def test_a_hair_is_too_thin_for_a_billiard():
    inputs, labels = np.array([[1e-6, 1.0, 0.0], [1e-6, -1.0, 0.0]]), np.array([1, 1])
    with pytest.raises(
        ValueError, match=r"walk must be 'hit-and-run' in so thin a version space: \d+ of 200"
    ):
        gibbs_learning(inputs, labels, 100, thin=2, rng=1)


def test_many_examples_that_hardly_differ_are_right_to_the_end():
    inputs, labels, _ = random_examples(3, 3000, 10)
    weights = gibbs_learning(inputs, labels, 300, rng=1)
    assert (labels * (weights @ inputs.T) > 0).all()
    assert perceptron_rule(inputs, labels, initial=weights[-1], max_passes=1).converged


REFUSED = [
    ({"walk": "drunken"}, ValueError, "walk must be one of 'billiard', 'hit-and-run'; got 'drunken'"),
    ({"n_samples": -1}, ValueError, "n_samples must be at least 0; got -1"),
    ({"n_samples": 2.0}, TypeError, r"n_samples must be an integer; got 2\.0"),
    ({"thin": 0}, ValueError, "thin must be at least 1; got 0"),
    ({"thin": True}, TypeError, "thin must be an integer; got True"),
    ({"initial": [1.0]}, ValueError, r"initial must be one weight for each of 2 inputs; got \(1,\)"),
    ({"initial": [0.0, -1.0]}, ValueError, r"initial must have y w\.x > 0 for all examples; 0 has -0\.2"),
    ({"initial": [0.0, 0.0]}, ValueError, r"initial must have y w\.x > 0 for all examples; 0 has 0"),
    ({"initial": [np.nan, 1.0]}, ValueError, "initial must be finite; got nan"),
    ({"rng": 1.5}, TypeError, r"1\.5"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        gibbs_learning(*WEDGE, **{"n_samples": 3, **arguments})


def test_what_nothing_separates_has_no_version_space():
    inputs, labels = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]), [-1, 1, 1, -1]
    with pytest.raises(NotSeparableError, match="no weights separate these examples"):
        gibbs_learning(inputs, labels, 5)
    with pytest.raises(ValueError, match=r"initial must have y w\.x > 0 for all examples; 0 has -1"):
        gibbs_learning(inputs, labels, 5, initial=[1.0, 1.0, 1.0])


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e100])
def test_initial_weights_may_have_any_length(size):
    inputs, labels, initial = np.array([[1e-100, 0.0], [0.0, 2.0]]), [1, 1], np.array([1.0, 1.0])
    given = gibbs_learning(inputs, labels, 5, initial=size * initial, rng=1)
    np.testing.assert_allclose(given, gibbs_learning(inputs, labels, 5, initial=initial, rng=1), rtol=1e-12)
    np.testing.assert_array_equal(gibbs_learning([[1.0]], [1], 1, initial=[size]), [[1.0]])
