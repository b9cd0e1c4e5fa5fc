"""Noise, the grid of times, and one step back: what they do to each number, and what they refuse."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, norm

from smbook.diffusion import (
    CurieWeissData,
    PointCloud,
    Reversed,
    TwoClusters,
    add_noise,
    generate,
    reverse,
    time_grid,
)
from smbook.diffusion._arguments import REVERSE_APART, parts
from smbook.kernels import diffusion as kernels
from smbook.kernels.rng import state_apart

CLUSTERS = TwoClusters([3.0, 0.0, 4.0], deviation=0.5)
U = np.array([0.6, 0.0, 0.8])


def along(t):
    """The distribution function of u = x.mu / |mu| at time t."""
    centre, deviation = 5 * np.exp(-t), np.sqrt(0.25 * np.exp(-2 * t) - np.expm1(-2 * t))
    return lambda u: (norm.cdf((u - centre) / deviation) + norm.cdf((u + centre) / deviation)) / 2


@pytest.mark.parametrize("t", [0.1, 0.7, 2.0])
def test_noise_leads_to_the_density_at_its_time(t):
    """Kolmogorov's test with 40,000 points catches a time that is a tenth late, as the last line shows."""
    data = CLUSTERS.sample(40000, rng=1)
    noisy = add_noise(data, t, rng=1)
    assert kstest(noisy @ U, along(t)).pvalue > 1e-4
    assert kstest(noisy @ U, along(1.1 * t + 0.01)).pvalue < 1e-4


def test_moments_of_noise_are_exact():
    t, m = 0.7, 40000
    noise = add_noise(np.zeros((m, 2)), t, rng=1) / np.sqrt(-np.expm1(-2 * t))
    assert (np.abs(noise.mean(axis=0)) * np.sqrt(m) < 4).all()
    assert (np.abs((noise**2).mean(axis=0) - 1) * np.sqrt(m / 2) < 4).all()
    assert (np.abs((noise**4).mean(axis=0) - 3) * np.sqrt(m / 96) < 4).all()
    assert abs((noise[:, 0] * noise[:, 1]).mean()) * np.sqrt(m) < 4
    shift = add_noise(np.full((m, 2), 3.0), t, rng=1) - add_noise(np.zeros((m, 2)), t, rng=1)
    np.testing.assert_allclose(shift, 3 * np.exp(-t), rtol=1e-12)


def test_noise_after_noise_is_noise_of_the_sum_of_times():
    """Variances compose, 1 - e^-2(s+t) = e^-2t (1 - e^-2s) + 1 - e^-2t; noise that only adds up is caught."""
    data, s, t = CLUSTERS.sample(40000, rng=1), 0.3, 0.4
    once = add_noise(data, s, rng=1)
    twice = add_noise(once, t, rng=2)
    assert kstest(twice @ U, along(s + t)).pvalue > 1e-4
    wrong = once + np.sqrt(-np.expm1(-2 * t)) * add_noise(np.zeros_like(once), 300.0, rng=3)
    assert kstest(wrong @ U, along(s + t)).pvalue < 1e-4


def test_noise_of_one_seed_is_independent_of_what_the_seed_drew():
    m = 20000
    data = TwoClusters([0.0]).sample(m, rng=1)
    noise = add_noise(np.zeros((m, 1)), 300.0, rng=1)
    back = reverse(lambda x, _: np.zeros_like(x), np.zeros((m, 1)), [0.5, 0.0], rng=1).points
    for one, other in ((data, noise), (data, back), (noise, back)):
        assert abs(np.corrcoef(one[:, 0], other[:, 0])[0, 1]) * np.sqrt(m) < 4


def test_no_time_is_no_noise_and_a_seed_gives_the_same_bits():
    data = CLUSTERS.sample(4, rng=1)
    kept = data.copy()
    assert np.array_equal(add_noise(data, 0.0, rng=1), data)
    assert np.array_equal(add_noise(data, 0.5, rng=1), add_noise(data, 0.5, rng=1))
    assert np.array_equal(add_noise(data[:2], 0.5, rng=1), add_noise(data, 0.5, rng=1)[:2])
    assert np.array_equal(data, kept)
    assert add_noise(data[:0], 0.5, rng=1).shape == (0, 3)
    assert add_noise(np.ones((1, 2), dtype=np.int8), 350.0, rng=1).dtype == np.float64


@given(st.floats(0.01, 300.0), st.floats(1e-9, 0.999), st.floats(0.01, 1.0), st.floats(0.02, 1.0))
def test_a_grid_of_times_keeps_its_bounds(start, share, largest, relative):
    times = time_grid(start, share * start, largest=largest, relative=relative)
    steps = -np.diff(times)
    assert times[0] == start
    assert times[-1] == share * start
    assert (steps > 0).all()
    assert (steps <= np.minimum(largest, relative * times[:-1]) * (1 + 1e-9) + 1e-9 * times[-1]).all()
    assert (steps[:-1] >= np.minimum(largest, relative * times[:-2]) * (1 - 1e-9)).all()


def test_the_usual_grid():
    times = time_grid()
    assert (times.size, times[0], times[-1]) == (170, 6.0, 1e-3)
    assert time_grid(1.0, 0.5, largest=2.0, relative=1.0).tolist() == [1.0, 0.5]


def test_a_step_back_is_what_is_written():
    x, t, dt = CLUSTERS.sample(5, rng=1), 0.4, 0.1
    noise = np.empty_like(x)
    kernels.fill_noise(state_apart(9, REVERSE_APART), noise)
    expected = x + (x + 2 * CLUSTERS.score(x, t)) * dt + np.sqrt(2 * dt) * noise
    back = reverse(CLUSTERS, x, [t, t - dt], rng=9)
    np.testing.assert_allclose(back.points, expected, rtol=1e-13, atol=1e-13)


def test_a_path_begins_and_ends_as_it_must():
    x, times = CLUSTERS.sample(5, rng=1), time_grid(1.0, 0.1)
    kept = x.copy()
    back = reverse(CLUSTERS, x, times, rng=2, keep=True)
    assert back.path.shape == (times.size, 5, 3)
    assert np.array_equal(back.path[0], x)
    assert np.array_equal(back.path[-1], back.points)
    assert np.array_equal(x, kept)
    assert np.array_equal(reverse(CLUSTERS, x, times, rng=2).points, back.points)
    assert np.array_equal(reverse(CLUSTERS.score, x, times.tolist(), rng=2).points, back.points)
    assert np.array_equal(reverse(CLUSTERS, x, times[:1], rng=2).points, x)
    assert reverse(CLUSTERS, x, [1.0, 0.5, 0.0], rng=2).times[-1] == 0
    first = reverse(CLUSTERS, x, times[:4], rng=2)
    assert np.array_equal(first.points, back.path[3])
    assert reverse(CLUSTERS, x[:0], times, rng=2).points.shape == (0, 3)


def test_runs_are_made_in_short_calls_that_change_no_bit(monkeypatch):
    def everything():
        points = CLUSTERS.sample(5, rng=1)
        spins, rows = CurieWeissData(4, 1.2).sample(5, rng=1), PointCloud(points).sample(5, rng=1)
        noisy = add_noise(points, 0.5, rng=1)
        back = reverse(CLUSTERS, noisy, [0.5, 0.3, 0.2], rng=1, keep=True)
        values = CLUSTERS.score(noisy, 0.5), CLUSTERS.log_density(noisy, 0.5)
        return points, spins, rows, noisy, back.path, generate(CLUSTERS, 5, rng=1), *values

    whole = everything()
    monkeypatch.setattr("smbook.diffusion._arguments.UPDATES_PER_CALL", 1)
    assert [part.stop - part.start for part in parts(5, 3)] == [1] * 5
    assert all(map(np.array_equal, everything(), whole))


def test_a_score_may_do_to_its_points_what_it_likes():
    def spoils(x, t):
        score = CLUSTERS.score(x, t)
        x[:] = np.nan
        return score.astype(np.float32).tolist()

    x, times = CLUSTERS.sample(5, rng=1), time_grid(1.0, 0.5)
    spoilt, right = reverse(spoils, x, times, rng=1), reverse(CLUSTERS, x, times, rng=1)
    np.testing.assert_allclose(spoilt.points, right.points, rtol=1e-4, atol=1e-4)


def test_what_is_called_and_has_a_score_is_asked_for_its_score():
    class Network:
        def __call__(self):
            raise AssertionError

        def score(self, x, t):
            return CLUSTERS.score(x, t)

    x, times = CLUSTERS.sample(2, rng=1), [1.0, 0.9]
    assert reverse(Network(), x, times, rng=1) == reverse(CLUSTERS, x, times, rng=1)


def test_results_compare_by_their_numbers_and_say_what_they_hold():
    x = CLUSTERS.sample(2, rng=1)
    back = reverse(CLUSTERS, x, [1.0, 0.9], rng=1)
    assert back == reverse(CLUSTERS, x, [1.0, 0.9], rng=1)
    assert back != reverse(CLUSTERS, x, [1.0, 0.9], rng=2)
    assert back != reverse(CLUSTERS, x, [1.0, 0.9], rng=1, keep=True)
    assert repr(back) == "Reversed(2 points in 3 dimensions, 1 step from t = 1 to 0.9)"
    kept = reverse(PointCloud([[1.0]]), [[0.0]], [1.0, 0.9], rng=1, keep=True)
    assert repr(kept) == "Reversed(1 point in 1 dimension, 1 step from t = 1 to 0.9, path kept)"
    assert isinstance(kept, Reversed)


def test_generate_begins_with_noise_alone():
    """One step from t = 350 of a score -x is x <- x (1 - dt) + noise: its law and its bits are known."""
    assert np.array_equal(generate(CLUSTERS, 6, rng=1), generate(CLUSTERS, 6, rng=1))
    assert generate(CLUSTERS, 0, rng=1).shape == (0, 3)
    state, start = state_apart(1, REVERSE_APART), np.empty((6, 3))
    kernels.fill_noise(state, start)
    times, noise = time_grid(6.0, 5.9), np.empty(3)
    for t, following in itertools.pairwise(times):
        kernels.reverse_step(CLUSTERS.score(start, t), t - following, noise, state, start)
    assert np.array_equal(generate(CLUSTERS, 6, end=5.9, rng=1), start)


def test_a_generator_moves_on():
    rng = np.random.default_rng(1)
    assert not np.array_equal(
        generate(CLUSTERS, 2, end=5.9, rng=rng), generate(CLUSTERS, 2, end=5.9, rng=rng)
    )


def test_progress_is_shown(capsys):
    reverse(CLUSTERS, CLUSTERS.sample(2, rng=1), time_grid(1.0, 0.5), rng=1, progress=True)
    assert "10/10" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (
            lambda x: x[:-1],
            ValueError,
            r"score must return the shape of the points, \(2, 3\); got \(1, 3\) at step 1, t = 0.5",
        ),
        (
            lambda x: x.sum(),
            ValueError,
            r"score must return the shape of the points, \(2, 3\); got \(\) at step 1, t = 0.5",
        ),
        (lambda x: x * np.nan, ValueError, "score must be finite; got nan at step 1, t = 0.5"),
        (lambda x: x / 0.0, ValueError, "score must be finite; got -?inf at step 1, t = 0.5"),
        (
            lambda x: x * 1e200,
            ValueError,
            r"points run away, to \S+ at step 1, t = 0.5; the step is too long",
        ),
        (
            lambda x: np.full(x.shape, np.longdouble("1e400")),
            ValueError,
            "score must be finite; got inf at step 1, t = 0.5",
        ),
        (lambda _: None, TypeError, "score must return real numbers; got NoneType at step 1, t = 0.5"),
        (
            lambda x: x * 1j,
            TypeError,
            "score must return real numbers; got ndarray of complex128 at step 1, t = 0.5",
        ),
        (
            lambda x: x > 0,
            TypeError,
            "score must return real numbers; got ndarray of bool at step 1, t = 0.5",
        ),
        (lambda _: [[1.0], [2.0, 3.0]], TypeError, "score must return an array; got list at step 1, t = 0.5"),
        (np.ma.masked_less, TypeError, "score must return real numbers; got MaskedArray at step 1, t = 0.5"),
    ],
)
def test_a_score_that_is_none_is_said_with_its_step_and_time(returned, error, message):
    def score(x, t):
        with np.errstate(divide="ignore", invalid="ignore"):
            if t == 1.0:
                return CLUSTERS.score(x, t)
            return returned(x, 0.0) if returned is np.ma.masked_less else returned(x)

    with pytest.raises(error, match=f"^{message}"):
        reverse(score, CLUSTERS.sample(2, rng=1), [1.0, 0.5, 0.25], rng=1)


def test_steps_that_are_too_long_run_away():
    """A step of 1 multiplies by 2 - 2e6; beyond 1e100 that is said, and nothing turns into nan."""
    with pytest.raises(ValueError, match=r"^points run away, to \d\.?\d*e\+10\d at step 1\d, t = \d+; "):
        reverse(lambda x, _: -1e6 * x, [[1.0]], np.linspace(40.0, 1.0, 40), rng=1)


X = np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: add_noise(X, -0.1), ValueError, "t must be a time from 0 to 350; got -0.1"),
        (lambda: add_noise(X, 351), ValueError, "t must be a time from 0 to 350; got 351.0"),
        (lambda: add_noise(X, np.nan), ValueError, "t must be finite; got nan"),
        (lambda: add_noise(X, [0.1]), TypeError, r"t must be a real number; got \[0.1\]"),
        (lambda: add_noise(X * np.nan, 1.0), ValueError, "samples must be finite; got nan"),
        (
            lambda: add_noise(X[0], 1.0),
            ValueError,
            r"samples must be rows of d coordinates, \(m, d\); got \(3,\)",
        ),
        (lambda: add_noise(X * 1e101, 1.0), ValueError, r"samples must be at most 1e\+100 in size"),
        (lambda: add_noise(X, 1.0, rng="a"), TypeError, "rng must be an integer"),
        (lambda: time_grid(0.0), ValueError, "start must be a time from 1e-12 to 350; got 0.0"),
        (lambda: time_grid(400.0), ValueError, "start must be a time from 1e-12 to 350; got 400.0"),
        (lambda: time_grid(np.inf), ValueError, "start must be finite; got inf"),
        (lambda: time_grid(1.0, 0.0), ValueError, "end must be a time from 1e-12 to 350; got 0.0"),
        (lambda: time_grid(1.0, -1.0), ValueError, "end must be a time from 1e-12 to 350; got -1.0"),
        (lambda: time_grid(1.0, 1.0), ValueError, "start must be later than end; got start=1.0, end=1.0"),
        (lambda: time_grid(1.0, 2.0), ValueError, "start must be later than end; got start=1.0, end=2.0"),
        (lambda: time_grid(largest=0.0), ValueError, "largest must be positive; got 0.0"),
        (lambda: time_grid(relative=-1.0), ValueError, "relative must be positive; got -1.0"),
        (lambda: time_grid(relative=1.5), ValueError, "relative must be at most 1; got 1.5"),
        (lambda: time_grid(largest=1e-9), ValueError, r"steps must be at most 10000000; got 6e\+09 of them"),
        (
            lambda: time_grid(relative=1e-9),
            ValueError,
            "steps must be at most 10000000; got .* relative=1e-09",
        ),
        (
            lambda: reverse(3, X, [1.0, 0.5]),
            TypeError,
            "score must be a function of points and a time.* got 3",
        ),
        (lambda: reverse(CLUSTERS, X[0], [1.0, 0.5]), ValueError, r"points must be rows of d coordinates"),
        (lambda: reverse(CLUSTERS, X * np.inf, [1.0, 0.5]), ValueError, "points must be finite; got inf"),
        (lambda: reverse(CLUSTERS, X[:, :2], [1.0, 0.5]), ValueError, r"x must be rows of 3 coordinates"),
        (
            lambda: reverse(CLUSTERS, X, []),
            ValueError,
            r"times must be at least one, in one row; got the shape \(0,\)",
        ),
        (
            lambda: reverse(CLUSTERS, X, 1.0),
            ValueError,
            r"times must be at least one, in one row; got the shape \(\)",
        ),
        (
            lambda: reverse(CLUSTERS, X, [0.5, 1.0]),
            ValueError,
            "times must decrease; 0.5 is followed by 1 at 1",
        ),
        (
            lambda: reverse(CLUSTERS, X, [1.0, 0.5, 0.5]),
            ValueError,
            "times must decrease; 0.5 is followed by 0.5 at 2",
        ),
        (
            lambda: reverse(CLUSTERS, X, [1.0, -0.5]),
            ValueError,
            "times must be from 0 to 350; got 1 down to -0.5",
        ),
        (
            lambda: reverse(CLUSTERS, X, [400.0, 1.0]),
            ValueError,
            "times must be from 0 to 350; got 400 down to 1",
        ),
        (lambda: reverse(CLUSTERS, X, [1.0, np.nan]), ValueError, "times must be finite; got nan"),
        (
            lambda: reverse(CLUSTERS, X, [1.0, 1e-13, 0.0]),
            ValueError,
            "times but the last must be at least 1e-12",
        ),
        (lambda: reverse(CLUSTERS, X, ["a"]), TypeError, "times must hold real numbers"),
        (lambda: generate(CLUSTERS, -1), ValueError, "n must be at least 0; got -1"),
        (lambda: generate(CLUSTERS, 2.5), TypeError, "n must be an integer; got 2.5"),
        (lambda: generate(CLUSTERS.score, 2), TypeError, "data must have n_dimensions; got "),
        (
            lambda: generate(CLUSTERS, 2, start=1e-4),
            ValueError,
            "start must be later than end; got start=0.0001",
        ),
        (
            lambda: generate(CLUSTERS, 2, start=-1.0),
            ValueError,
            "start must be a time from 1e-12 to 350; got -1.0",
        ),
    ],
)
def test_bad_input_is_refused_with_its_value(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()
