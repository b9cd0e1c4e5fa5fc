"""Distances between laws by other routes, and the bound on haste: never violated, reached by the best way."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment
from scipy.stats import cauchy, expon, logistic, norm, uniform

from smbook.theory.thermodynamics import (
    least_dissipation,
    quantile_wasserstein,
    sample_wasserstein,
    wasserstein,
)

floats = st.floats(-100, 100)
rows = st.integers(1, 12).flatmap(lambda n: arrays(np.float64, n, elements=floats))


@settings(max_examples=50)
@given(st.integers(1, 7).flatmap(lambda n: arrays(np.float64, (2, n), elements=floats)))
def test_equal_numbers_of_points_are_the_best_assignment(points):
    cost = (points[0][:, None] - points[1]) ** 2
    pairs = linear_sum_assignment(cost)
    assert sample_wasserstein(*points) ** 2 == pytest.approx(cost[pairs].mean(), rel=1e-9, abs=1e-12)


@settings(max_examples=50)
@given(rows, rows, rows)
def test_it_is_a_distance(one, two, three):
    assert sample_wasserstein(one, np.repeat(one, 3)) == pytest.approx(0, abs=1e-6)
    assert sample_wasserstein(one, two) == pytest.approx(sample_wasserstein(two, one), rel=1e-12)
    around = sample_wasserstein(one, three) + sample_wasserstein(three, two)
    assert sample_wasserstein(one, two) <= around + 1e-9
    # points of unequal number are those repeated to a common number
    repeated = np.repeat(one, two.size), np.repeat(two, one.size)
    assert sample_wasserstein(one, two) == pytest.approx(sample_wasserstein(*repeated), rel=1e-9, abs=1e-9)
    # the mean is carried at least
    assert sample_wasserstein(one, two) >= abs(one.mean() - two.mean()) - 1e-9


def test_quantiles():
    assert quantile_wasserstein(norm.ppf, norm(1, 3).ppf).value == pytest.approx(math.sqrt(5), rel=1e-8)
    assert quantile_wasserstein(uniform.ppf, uniform(2, 3).ppf).value ** 2 == pytest.approx(
        9 + 1 / 3, rel=1e-10
    )
    # two laws and the samples of both
    found = quantile_wasserstein(expon.ppf, logistic.ppf)
    q = (np.arange(200_000) + 0.5) / 200_000
    assert sample_wasserstein(expon.ppf(q), logistic.ppf(q)) == pytest.approx(found.value, rel=1e-4)
    assert found.error < 1e-8
    same = quantile_wasserstein(norm.ppf, norm.ppf)
    assert same.value == 0


def test_gaussian_samples_are_as_far_as_their_laws():
    random = np.random.default_rng(1)
    found = sample_wasserstein(random.normal(0, 1, 100_000), random.normal(2, 3, 70_000))
    assert found == pytest.approx(wasserstein(0, 1, 2, 3), rel=0.01)
    np.testing.assert_allclose(wasserstein([0.0, 3.0], 1.0, 0.0, [[1.0], [5.0]]), [[0, 3], [4, 5]])


def gaussian_dissipation(mean, sd, times):
    """Entropy produced by a Gaussian whose mean and width go along a path: the integral of the mean square
    velocity, of which the part that changes the width by s' / s carries particles at (s' / s)(x - m)."""
    step = np.diff(times)
    return ((np.diff(mean) ** 2 + np.diff(sd) ** 2) / step).sum()


@settings(max_examples=50)
@given(
    arrays(np.float64, 6, elements=st.floats(-3, 3)),
    arrays(np.float64, 6, elements=st.floats(0.1, 3)),
    st.floats(0.01, 100),
)
def test_no_path_of_gaussians_dissipates_less(means, widths, duration):
    """Paths through any waypoints cost the bound at least; the straight one at constant speed just that."""
    times = np.linspace(0, duration, 6)
    bound = least_dissipation(wasserstein(means[0], widths[0], means[-1], widths[-1]), duration)
    assert gaussian_dissipation(means, widths, times) >= bound * (1 - 1e-12)
    straight = [np.linspace(path[0], path[-1], 6) for path in (means, widths)]
    assert gaussian_dissipation(*straight, times) == pytest.approx(bound, rel=1e-9, abs=1e-15)


def test_the_optimal_transport_simulated():
    """Particles driven by the force of the best potential arrive, and their heat and entropy are the bound.

    The law is N(m(t), s(t)^2) on the straight path, if the force is m' + (s' / s - 1 / s^2)(x - m), mu = 1.
    """
    random = np.random.default_rng(1)
    n, steps, duration = 20_000, 400, 0.7
    begin, end = np.array([0.0, 1.0]), np.array([1.5, 0.4])
    speed = (end - begin) / duration
    x = random.normal(*begin, n)
    heat = np.zeros(n)
    step = duration / steps
    for k in range(steps):
        mean, width = begin + speed * (k + 0.5) * step

        def force(x, mean=mean, width=width):
            return speed[0] + (speed[1] / width - 1 / width**2) * (x - mean)

        noise = math.sqrt(2 * step) * random.normal(size=n)
        guess = x + force(x) * step + noise
        after = x + (force(x) + force(guess)) / 2 * step + noise  # Heun
        heat += (force(x) + force(after)) / 2 * (after - x)
        x = after
    assert abs(x.mean() - end[0]) < 4 * x.std() / math.sqrt(n)
    assert abs(x.std() / end[1] - 1) < 4 / math.sqrt(2 * n) + 2e-3
    entropy = math.log(end[1] / begin[1])
    bound = least_dissipation(wasserstein(*begin, *end), duration)
    assert abs(heat.mean() + entropy - bound) < 4 * heat.std() / math.sqrt(n) + 0.005 * bound
    assert heat.std() / math.sqrt(n) < 0.01 * bound


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: wasserstein(0, -1.0, 0, 1), ValueError, "sd must be at least 0; got -1.0"),
        (lambda: wasserstein(math.nan, 1, 0, 1), ValueError, "mean must be finite; got nan"),
        (lambda: wasserstein(0, 1, "0", 1), TypeError, "other_mean must hold real numbers"),
        (lambda: wasserstein([0, 1], 1, 0, [1, 2, 3]), ValueError, "must broadcast"),
        (lambda: sample_wasserstein([], [1.0]), ValueError, "samples must be a row of at least one number"),
        (lambda: sample_wasserstein([1.0], 2.0), ValueError, "others must be a row"),
        (lambda: sample_wasserstein([1.0], [math.inf]), ValueError, "others must be finite; got inf"),
        (lambda: sample_wasserstein([True], [1.0]), TypeError, "samples must hold real numbers"),
        (lambda: quantile_wasserstein(norm.ppf, 1.0), TypeError, "other must be a function of a probability"),
        (
            lambda: quantile_wasserstein(norm.ppf, lambda _: math.nan),
            ValueError,
            "must have a finite distance",
        ),
        (lambda: least_dissipation(1.0, 0.0), ValueError, "duration must be positive; got 0.0"),
        (lambda: least_dissipation(1.0, 1.0, mobility=-1), ValueError, "mobility must be positive; got -1.0"),
        (lambda: least_dissipation(1e101, 1.0), ValueError, "distance must be within"),
        (lambda: least_dissipation(np.ma.array([1.0]), 1.0), TypeError, "masked"),
        (lambda: least_dissipation(1e100, 1e-100, mobility=1e-100), OverflowError, "beyond the range"),
        (lambda: quantile_wasserstein(cauchy.ppf, norm.ppf), ValueError, "a finite distance"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
