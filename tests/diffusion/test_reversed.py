"""Reversed runs return the data: laws of what comes out, sides that are taken, and memories that remain."""

import numpy as np
import pytest
from scipy.stats import chisquare, kstest, norm

from smbook.diffusion import CurieWeissData, PointCloud, TwoClusters, add_noise, generate, reverse, time_grid
from smbook.theory.diffusion import (
    cloning_probability,
    cluster_signal,
    collapse_time,
    euler_variance,
    mean_own_weight,
    speciation_time,
    speciation_time_of_eigenvalue,
)

MEAN, DEVIATION = np.array([2.0, 0.0, 0.0, 0.0]), 0.5
CLUSTERS = TwoClusters(MEAN, deviation=DEVIATION)


def law_along(u):
    return (norm.cdf((u - 2) / DEVIATION) + norm.cdf((u + 2) / DEVIATION)) / 2


def is_the_law(points):
    """Kolmogorov's test along the line and across."""
    along = kstest(points[:, 0], law_along).pvalue
    across = [kstest(points[:, i] / DEVIATION, norm.cdf).pvalue for i in (1, 2, 3)]
    return min(along, *across) > 1e-4


def test_the_reversed_process_returns_the_law_of_two_clusters():
    """20,000 points, steps of 0.005 to 0.01: a deviation 3 % too large is caught, and so are wrong processes.

    They are: a score without its factor 2, one that has it twice, and times that are all late by 0.1.
    """
    times = np.concatenate([np.linspace(2.0, 0.5, 151), np.linspace(0.5, 0.0, 101)[1:]])
    start = add_noise(CLUSTERS.sample(20000, rng=1), 2.0, rng=1)
    points = reverse(CLUSTERS, start, times, rng=1).points
    assert is_the_law(points)
    assert not is_the_law(1.03 * points)
    some = start[:4000]
    assert is_the_law(points[:4000])
    assert not is_the_law(reverse(lambda x, t: CLUSTERS.score(x, t) / 2, some, times, rng=1).points)
    assert not is_the_law(reverse(lambda x, t: CLUSTERS.score(x, t) * 2, some, times, rng=1).points)
    assert not is_the_law(reverse(lambda x, t: CLUSTERS.score(x, t + 0.1), some, times, rng=1).points)


def test_noise_alone_is_a_good_start():
    """At t = 6 the law of clusters at 2 and -2 is that of noise, up to (2 e^-6)^2 = 2e-5 in the variance."""
    assert is_the_law(generate(CLUSTERS, 5000, end=0.001, largest=0.02, relative=0.05, rng=1))


@pytest.mark.parametrize("deviation", [0.5, 1.0])
@pytest.mark.parametrize("step", [0.02, 0.1])
def test_the_variance_after_steps_is_that_of_the_recursion(deviation, step):
    """|z| < 4 with 120,000 numbers, an error of 0.4 %; the variance of the data is 1 to 46 % off."""
    data, times = TwoClusters(np.zeros(6), deviation=deviation), np.linspace(6.0, 0.0, round(6 / step) + 1)
    back = reverse(data, add_noise(data.sample(20000, rng=2), 6.0, rng=2), times, rng=2)
    expected = euler_variance(times, deviation=deviation)[-1]
    error = expected * np.sqrt(2 / back.points.size)
    found = (back.points**2).mean()
    assert abs(found - expected) < 4 * error
    if step == 0.1 or deviation == 0.5:
        assert abs(found - deviation**2) > 4 * error


@pytest.mark.parametrize("beta", [0.5, 1.5])
def test_the_reversed_process_returns_the_law_of_a_magnet(beta):
    """Pearson's test on the magnetization of 700 magnets of 32 spins.

    It catches a beta that is off by 0.2 at 0.5 or by 0.1 at 1.5, and a score without its factor 2.
    """
    d, n = 32, 700
    data = CurieWeissData(d, beta)

    def chance(points, of=data):
        up = ((np.sign(points).sum(axis=1) + d) / 2).astype(int)
        counts, expected = np.bincount(up, minlength=d + 1), len(points) * of.law
        bins = np.searchsorted([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], np.cumsum(of.law) - of.law / 2)
        counts, expected = np.bincount(bins, counts), np.bincount(bins, expected)
        return chisquare(counts[expected > 0], expected[expected > 0]).pvalue

    points = generate(data, n, start=4.5, end=0.02, largest=0.03, relative=0.1, rng=3)
    assert np.abs(np.abs(points) - 1).max() < 6 * np.sqrt(2 * 0.02)  # near the spins they come from
    assert chance(points) > 1e-4
    assert chance(points, CurieWeissData(d, beta + (0.1 if beta > 1 else 0.2))) < 1e-4
    half = reverse(
        lambda x, t: data.score(x, t) / 2,
        add_noise(np.zeros((n, d)), 300.0, rng=4),
        time_grid(4.5, 0.1),
        rng=4,
    )
    assert chance(half.points) < 1e-4


@pytest.mark.parametrize("deviation", [1.0, 0.5])
@pytest.mark.parametrize("t", [2.9, np.log(8.0), 1.4])
def test_two_runs_from_one_point_agree_as_often_as_clones_should(deviation, t):
    """3,000 pairs, an error below 0.01: sides that are taken 0.3 sooner in t are caught at a = 1."""
    data, pairs = TwoClusters([8.0, 0.0], deviation=deviation), 3000
    twice = np.repeat(add_noise(data.sample(pairs, rng=5), t, rng=5), 2, axis=0)
    ends = reverse(data, twice, time_grid(t, 0.2, largest=0.02), rng=5).points[:, 0] > 0
    same = (ends[::2] == ends[1::2]).mean()
    expected = cloning_probability(cluster_signal(t, 8.0, deviation=deviation))
    error = np.sqrt(expected * (1 - expected) / pairs)
    assert abs(same - expected) < 4 * error
    if t == np.log(8.0):
        other = cloning_probability(cluster_signal(t + 0.3, 8.0, deviation=deviation))
        assert abs(same - other) > 4 * error


def gaussian_cloud(seed, n=256, d=16):
    return PointCloud(np.random.default_rng(seed).normal(size=(n, d)))


@pytest.mark.parametrize("share", [0.6, 1.0, 1.5, 2.5])
def test_the_weight_of_its_own_point_is_the_mean_participation(share):
    """E[w_own] = E[sum w^2] for any points and times, whereas the largest weight is larger.

    The formula for Gaussian points is within 0.12 of it in 16 dimensions.
    """
    n, d, m = 256, 16, 400
    t, own, participation, largest = share * collapse_time(n, d), [], [], []
    for seed in range(10):
        cloud, rng = gaussian_cloud(seed), np.random.default_rng(100 + seed)
        origin = rng.integers(n, size=m)
        weights = cloud.weights(add_noise(cloud.points[origin], t, rng=rng), t)
        own.append(weights[np.arange(m), origin])
        participation.append((weights**2).sum(axis=1))
        largest.append(weights.max(axis=1))
    difference = np.concatenate(own) - np.concatenate(participation)
    error = difference.std() / np.sqrt(difference.size)
    assert abs(difference.mean()) < 4 * error
    assert np.mean(largest) - np.mean(own) > 4 * error
    assert abs(np.mean(own) - mean_own_weight(t, n, d)) < 0.12


@pytest.mark.parametrize("share", [0.6, 1.0, 1.5])
def test_clones_in_a_cloud_end_on_one_point_as_often_as_the_participation_says(share):
    """1,000 pairs, an error of 0.016; the participation at a time 15 % off is caught at the collapse time."""
    cloud, pairs = gaussian_cloud(1), 1000
    t = share * collapse_time(256, 16)
    start = add_noise(cloud.sample(pairs, rng=6), t, rng=6)
    back = reverse(
        cloud, np.repeat(start, 2, axis=0), time_grid(t, 0.003, largest=0.01, relative=0.05), rng=6
    )
    weights = cloud.weights(back.points, 0.003)
    assert weights.max(axis=1).mean() > 0.999
    ends = weights.argmax(axis=1)
    difference = (ends[::2] == ends[1::2]) - cloud.participation(start, t)
    error = difference.std() / np.sqrt(pairs)
    assert abs(difference.mean()) < 4 * error
    if share == 1:
        late = cloud.participation(add_noise(cloud.sample(pairs, rng=7), 1.15 * t, rng=7), 1.15 * t)
        assert (ends[::2] == ends[1::2]).mean() - late.mean() > 4 * error


@pytest.mark.parametrize(("relative", "largest_error"), [(0.02, 0.015), (0.1, 0.06)])
def test_what_a_perfect_learner_makes_is_its_training_points(relative, largest_error):
    """Ends lie sqrt(Delta) from their points, rms of each coordinate, and a little more after longer steps.

    By how much, the recursion of a Gaussian of no width says: |z| < 4 with 4,800 numbers.
    """
    cloud, end = gaussian_cloud(2), 1e-3
    points = generate(cloud, 300, start=4.0, end=end, relative=relative, rng=8)
    origin = cloud.points[cloud.weights(points, end).argmax(axis=1)]
    square = ((points - np.exp(-end) * origin) ** 2).mean()
    times, delta = time_grid(4.0, end, relative=relative), -np.expm1(-2 * end)
    expected = euler_variance(times, deviation=1e-100)[-1]
    assert abs(square - expected) < 4 * expected * np.sqrt(2 / points.size)
    assert abs(np.sqrt(expected / delta) - 1) < largest_error


def test_speciation_by_the_eigenvalue_that_data_have():
    """4,000 points, mu = (2, ..., 2) in 16 dimensions: it is off by 1 / Lambda and its own error at most."""
    points = TwoClusters(np.full(16, 2.0)).sample(4000, rng=9)
    top = np.linalg.eigvalsh(points.T @ points / 4000)[-1]
    assert abs(speciation_time_of_eigenvalue(top) - speciation_time(8.0)) < 1 / top + 0.02
