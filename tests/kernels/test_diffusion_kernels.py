"""The kernels of diffusion: what a page computes with them is what the simulators compute."""

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp
from scipy.stats import norm

from smbook.diffusion import CurieWeissData, PointCloud, TwoClusters
from smbook.kernels import diffusion as kernels
from smbook.kernels.rng import seed_state


def empirical(data, t, points):
    m, d = points.shape
    scores, participations, nearest = np.empty((m, d)), np.empty(m), np.empty(m, dtype=np.int64)
    kernels.empirical_score(data, t, points, np.empty(len(data)), scores, participations, nearest)
    return scores, participations, nearest


@pytest.mark.parametrize("n", [1, 2, 300])
@pytest.mark.parametrize("d", [1, 2, 7, 64])
@pytest.mark.parametrize("t", [1e-3, 0.1, 0.7, 4.0])
def test_the_score_of_points_is_that_by_products_of_matrices(n, d, t):
    """Two ways to the same softmax: distances one by one, and products for all."""
    rng = np.random.default_rng(1)
    data = rng.normal(size=(n, d))
    points = np.exp(-t) * data[rng.integers(n, size=20)] + np.sqrt(-np.expm1(-2 * t)) * rng.normal(
        size=(20, d)
    )
    cloud = PointCloud(data)
    scores, participations, nearest = empirical(data, t, points)
    np.testing.assert_allclose(scores, cloud.score(points, t), rtol=1e-9, atol=1e-9 / -np.expm1(-2 * t))
    np.testing.assert_allclose(participations, cloud.participation(points, t), rtol=1e-9)
    assert np.array_equal(nearest, cloud.weights(points, t).argmax(axis=1))
    assert (participations >= 1 / n - 1e-15).all()
    assert (participations <= 1).all()


def test_places_far_from_all_points_have_a_score():
    """All weights are below exp(-10^8) there; the softmax is taken against the largest."""
    scores, participations, nearest = empirical(
        np.array([[0.0, 0.0], [1.0, 0.0]]), 0.1, np.array([[1e4, 0.0]])
    )
    assert nearest.tolist() == [1]
    assert participations.tolist() == [1]
    delta = -np.expm1(-0.2)
    np.testing.assert_allclose(scores, [[(np.exp(-0.1) - 1e4) / delta, 0.0]], rtol=1e-14)


def test_a_tie_goes_to_the_first_point():
    _, participations, nearest = empirical(np.array([[1.0], [-1.0], [1.0]]), 0.1, np.zeros((1, 1)))
    assert nearest.tolist() == [0]
    assert participations[0] == pytest.approx(1 / 3)


@pytest.mark.parametrize("n", [1, 3, 1000])
@pytest.mark.parametrize("beta", [0.0, 0.7, 1.0, 3.0])
def test_the_sum_over_a_shared_field_is_the_sum_over_magnetizations(n, beta):
    up, means = np.arange(n + 1), np.empty(n)
    logs = gammaln(n + 1) - gammaln(up + 1) - gammaln(n - up + 1)
    field = 0.03
    terms = logs + beta * (2 * up - n) ** 2 / (2 * n) + field * (2 * up - n)
    found = kernels.curie_weiss_log_partition(beta, np.full(n, field), np.empty(n), means)
    assert found == pytest.approx(logsumexp(terms), rel=1e-12)
    expected = np.exp(terms - logsumexp(terms)) @ (2 * up - n) / n
    np.testing.assert_allclose(means, expected, rtol=1e-10)


def test_strong_fields_do_not_overflow():
    means = np.empty(2000)
    fields = np.where(np.arange(2000) % 2, 1e6, -1e6)
    assert kernels.curie_weiss_log_partition(0.5, fields, np.empty(2000), means) == pytest.approx(
        2e9, rel=1e-12
    )
    np.testing.assert_allclose(means, np.sign(fields), rtol=1e-12)


def test_simulators_give_what_kernels_give():
    x, t = np.random.default_rng(1).normal(size=(4, 3)), 0.6
    scores, room, logs = np.empty_like(x), np.empty((2, 3)), np.empty(4)
    kernels.clusters_score(np.array([1.0, 2.0, 0.0]), 0.5, t, x, scores)
    assert np.array_equal(scores, TwoClusters([1.0, 2.0, 0.0], deviation=0.5).score(x, t))
    kernels.curie_weiss_score(1.5, t, x, *room, scores, logs)
    assert np.array_equal(scores, CurieWeissData(3, 1.5).score(x, t))


def test_a_reverse_step_and_noise_draw_what_is_written():
    state, same = seed_state(3), seed_state(3)
    points, noise, z = np.ones((4, 3)), np.empty(3), np.empty((4, 3))
    scores = np.arange(12.0).reshape(4, 3)
    kernels.fill_noise(same, z)
    kernels.reverse_step(scores, 0.1, noise, state, points)
    np.testing.assert_allclose(points, 1 + (1 + 2 * scores) * 0.1 + np.sqrt(0.2) * z, rtol=1e-14)
    assert np.array_equal(state, same)
    noisy = np.empty((4, 3))
    kernels.fill_noise(same, z)
    kernels.add_noise(scores, 0.3, state, noisy)
    np.testing.assert_allclose(noisy, np.exp(-0.3) * scores + np.sqrt(-np.expm1(-0.6)) * z, rtol=1e-14)
    assert kernels.noise_variance(1e-10) == pytest.approx(2e-10, rel=1e-9)


def test_draws():
    state, points = seed_state(1), np.empty((20000, 2))
    kernels.draw_clusters(np.array([3.0, 0.0]), 1.0, state, points)
    right = points[:, 0] > 0
    assert abs(right.mean() - 0.5) < 4 * 0.5 / np.sqrt(20000)
    expected = 3 * (1 - 2 * norm.cdf(-3)) + 2 * norm.pdf(3)
    assert abs(np.abs(points[:, 0]).mean() - expected) < 4 / np.sqrt(20000)
    spins = np.empty((20000, 3))
    kernels.draw_counted_spins(np.cumsum([0.1, 0.2, 0.3, 0.4]), state, spins)
    shares = np.bincount(((spins.sum(axis=1) + 3) / 2).astype(int)) / 20000
    np.testing.assert_allclose(shares, [0.1, 0.2, 0.3, 0.4], atol=4 * 0.5 / np.sqrt(20000))
    kernels.draw_counted_spins(np.array([0.0, 0.0, 0.0, 1.0]), state, spins)
    assert (spins == 1).all()
