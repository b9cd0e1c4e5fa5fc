"""The exact eigenvalues of Gaussian covariance matrices, against direct integration, moments and samples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import dblquad, quad
from scipy.special import hyperu
from scipy.stats import chi2

from smbook.theory import random_matrices as laws
from smbook.theory.random_matrices import wishart

# (d, n): even and odd numbers of eigenvalues, square, narrow, wide, large, far from square
SIZES = [(1, 1), (2, 2), (2, 3), (3, 3), (5, 9), (9, 5), (40, 40), (41, 40), (60, 61), (60, 200), (199, 201)]
LARGE = [(200, 200), (500, 503), (1000, 1000), (1000, 2500), (7, 10**6), (10**6, 300)]


@pytest.mark.parametrize("n", [1, 2, 3, 10, 500])
def test_one_eigenvalue_has_the_chi_square_law(n):
    x = np.array([1e-6, 0.1, 0.9, 1.0, 1.3, 5.0])
    assert laws.wishart_density(x, 1, n) == pytest.approx(n * chi2.pdf(n * x, n), rel=1e-11)
    assert laws.wishart_density(x, n, 1) == pytest.approx(chi2.pdf(x, n) / n, rel=1e-11)


def of_two(d, n, x):
    """The density of two eigenvalues at x, by integrating the joint one over the other."""
    power = abs(d - n) - 1
    points, gauss = np.polynomial.legendre.leggauss(60)

    def weight(w):
        return w ** (power / 2) * np.exp(-w / 2)

    def panels(middle):
        """Points and weights over w = t^2 on both sides of the place where abs(w - w') bends."""
        edges = np.array([0.0, math.sqrt(middle), math.sqrt(d) + math.sqrt(n) + 10])
        half = np.diff(edges)[:, np.newaxis] / 2
        t = (edges[:-1, np.newaxis] + half * (1 + points)).ravel()
        return t**2, (half * gauss).ravel() * 2 * t * weight(t**2)

    def rest(one):
        w, measure = panels(one)
        return measure @ abs(w - one)

    w, measure = panels(max(d, n) / 3)
    return 2 * weight(x) * rest(x) / (measure @ [rest(one) for one in w])


@pytest.mark.parametrize("sizes", [(2, 2), (2, 3), (2, 4), (2, 9), (6, 2)])
def test_two_eigenvalues_by_direct_integration(sizes):
    d, n = sizes
    for x in (0.01, 0.5, 2.0, 9.0):
        assert laws.wishart_density(x / n, d, n) * d / n == pytest.approx(of_two(d, n, x), rel=1e-11)


def test_two_eigenvalues_by_adaptive_quadrature():
    def joint(v, u):  # of the singular values
        return 4 * u * v * abs(u * u - v * v) * math.exp(-(u * u + v * v) / 2)

    total = 2 * dblquad(joint, 0, 12, 0, lambda u: u)[0]
    part = sum(dblquad(joint, 0, 1, *ends)[0] for ends in ((0, lambda u: u), (lambda u: u, 12)))
    found = quad(lambda x: laws.wishart_density(x, 2, 3), 0, 1 / 3)[0]
    assert found == pytest.approx(part / total, abs=1e-9)


@pytest.mark.parametrize("few", [3, 4])
def test_three_and_four_eigenvalues_by_the_pfaffian(few):
    """The mean of prod (1 + h f) is a Pfaffian (de Bruijn 1955), and its slope the mean of f."""
    many, size = few + 3, 160
    nodes, weights = np.polynomial.legendre.leggauss(size)
    degrees = np.arange(size)
    to_series = np.polynomial.legendre.legvander(nodes, size - 1).T * weights * (degrees + 0.5)[:, np.newaxis]
    up_to = np.polynomial.legendre.legval(
        nodes, np.polynomial.legendre.legint(to_series, lbnd=-1)
    )  # of a function at all nodes, the integral up to each
    t = 7 * (1 + nodes)
    powers = np.array([(t**2 / 10) ** k for k in range(few)])

    def log_mean(h):
        factor = 1 + h * np.exp(-(t**2) / 5)
        rows = powers * factor * 14 * t ** (many - few) * np.exp(-(t**2) / 2)
        skew = rows @ up_to @ (rows * weights).T
        skew = skew - skew.T
        if few % 2:
            border = (rows @ weights)[:, np.newaxis]
            skew = np.block([[skew, border], [-border.T, np.zeros((1, 1))]])
        return np.linalg.slogdet(skew)[1] / 2

    near, far = (log_mean(h) - log_mean(-h) for h in (1e-3, 2e-3))
    mean = few * laws.wishart_mean(lambda s: np.exp(-s * many / 5), few, many)
    assert mean == pytest.approx((8 * near - far) / 12e-3, abs=1e-9)


@pytest.mark.parametrize("sizes", SIZES + LARGE)
def test_moments(sizes):
    """E tr S^k of k = 0, 1, 2, 3 and, where they exist, -1 and -2."""
    d, n = sizes
    mean = {k: d * laws.wishart_mean(lambda s, k=k: s**k, d, n) for k in (0, 1, 2, 3)}
    exact = {
        0: min(d, n),
        1: d,
        2: d * (n + d + 1) / n,
        3: d * (n**2 + d**2 + 3 * n * d + 3 * n + 3 * d + 4) / n**2,
    }
    few, many = sorted(sizes)
    apart = many - few
    if apart > 1:
        mean[-1], exact[-1] = d * laws.wishart_mean(lambda s: 1 / s, d, n), n * few / (apart - 1)
    if apart > 3:
        mean[-2] = d * laws.wishart_mean(lambda s: s**-2.0, d, n)
        exact[-2] = n**2 * few * (many - 1) / (apart * (apart - 1) * (apart - 3))
    for k in exact:
        assert mean[k] == pytest.approx(exact[k], rel=2e-12), k


@given(st.integers(1, 60), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_the_density_is_one_of_all_sizes(d, n):
    rule = wishart.quadrature(d, n)
    assert (rule.weights >= 0).all()
    assert rule.weights.sum() == pytest.approx(min(d, n), rel=1e-13)
    assert rule.weights @ rule.points == pytest.approx(d * n, rel=1e-12)
    assert wishart.quadrature(n, d) is rule
    x = rule.points[:: len(rule.points) // 20]
    assert laws.wishart_density(x / n, d, n) * d / n == pytest.approx(
        laws.wishart_density(x / d, n, d) * n / d, rel=1e-9, abs=1e-300
    )


@pytest.mark.parametrize("sizes", [(5, 8), (30, 30), (31, 20), (80, 83)])
def test_sampled_matrices(sizes):
    """A correction of 1/n left out is seen: Marchenko and Pastur's mean is many errors off."""
    d, n = sizes
    count = 200_000 // (d * n // 20 + 20)
    samples = np.random.default_rng(1).standard_normal((count, n, d)) / math.sqrt(n)
    values = np.linalg.svd(samples, compute_uv=False) ** 2
    for function in (np.sqrt, lambda s: 1 / (s + 0.1), lambda s: np.exp(-3 * s)):
        sums = function(values).sum(axis=1) / d
        expected = laws.wishart_mean(function, d, n)
        assert abs(sums.mean() - expected) < 4 * sums.std(ddof=1) / math.sqrt(count)
    low = (values <= 1).sum(axis=1) / d
    share = quad(lambda t: 2 * t * laws.wishart_density(t * t, d, n), 0, 1, limit=300)[0]
    assert abs(low.mean() - share) < 4 * low.std(ddof=1) / math.sqrt(count)
    limit = quad(
        lambda x: laws.marchenko_pastur(x, d / n) / (x + 0.1), *laws.marchenko_pastur_edges(d / n), limit=200
    )[0]
    sums = (1 / (values + 0.1)).sum(axis=1) / d
    assert abs(sums.mean() - limit) > 5 * sums.std(ddof=1) / math.sqrt(count)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_the_limit_and_its_first_correction(ratio):
    """E tr f = d int f MP + (f(x_-) + f(x_+)) / 4 - int f / (2 pi sqrt((x - x_-)(x_+ - x))) + O(1 / n).

    Bai and Silverstein (2004).
    """

    def f(x):
        return np.exp(-x)

    angles = (np.arange(400) + 0.5) * math.pi / 400
    low, high = laws.marchenko_pastur_edges(ratio)
    x = (low + high) / 2 + (high - low) / 2 * np.cos(angles)
    bulk = (f(x) * ((high - low) / 2 * np.sin(angles)) ** 2 / x).mean() / (2 * ratio)
    correction = (f(low) + f(high)) / 4 - f(x).mean() / 2
    left = []
    for n in (50, 100, 200, 400):
        d = int(ratio * n)
        left.append((d * laws.wishart_mean(f, d, n) - d * bulk - correction) * n)
    assert abs(correction) > 0.02
    assert np.abs(np.diff(left))[-1] < 0.02 * max(abs(left[-1]), 0.1)  # what is left goes as 1 / n


def test_the_density_approaches_the_limit():
    """It oscillates around it with an amplitude of 1 / n, d waves in all."""
    x = np.linspace(0.2, 2.5, 400)
    off = [
        np.abs(laws.wishart_density(x, n // 2, n) - laws.marchenko_pastur(x, 0.5)).max() for n in (50, 200)
    ]
    assert off[0] / off[1] == pytest.approx(4, rel=0.5)
    assert off[1] < 0.02


def test_ends_of_the_density():
    assert laws.wishart_density([-1.0, -1e-300, 1e300, 1e5], 4, 6).tolist() == [0.0] * 4
    assert laws.wishart_density(0.0, 6, 6) == math.inf
    assert laws.wishart_density(0.0, 5, 6) == pytest.approx(laws.wishart_density(1e-12, 5, 6), rel=1e-5)
    assert laws.wishart_density(0.0, 40, 1000) == laws.wishart_density(0.0, 3, 6) == 0
    x = np.array([1e-9, 4e-9])
    for d, n in ((4, 4), (4, 5), (4, 6), (5, 8)):
        low, high = laws.wishart_density(x, d, n)
        assert high / low == pytest.approx(4 ** ((n - d - 1) / 2), rel=1e-4)
    assert (laws.wishart_density([20.0, 60.0], 7, 10) > 0).all()


def test_the_mean_may_bend_at_zero():
    assert laws.wishart_mean(np.sqrt, 1, 1) == pytest.approx(math.sqrt(2 / math.pi), rel=1e-14)
    log = laws.wishart_mean(np.log, 2, 2) * 2  # E ln det of W = chi2_2 chi2_1, over 2^2
    euler = 0.5772156649015329
    assert log == pytest.approx((math.log(2) - euler) + (-math.log(2) - euler) - 2 * math.log(2), rel=1e-13)
    small = 1e-20
    assert laws.wishart_mean(lambda s: small / (s + small), 1, 1) == pytest.approx(
        math.sqrt(math.pi * small / 2), rel=1e-9
    )


# The smallest


@pytest.mark.parametrize("n", [2, 3, 8])
def test_edelmans_smallest_eigenvalue(n):
    factor = n * math.gamma(n) / math.gamma(n / 2) / 2 ** (n - 0.5)

    def density(w):
        return factor / math.sqrt(w) * math.exp(-n * w / 2) * hyperu((n - 1) / 2, -0.5, w / 2)

    for w in (0.05 / n, 1 / n, 5 / n):
        if n < 8:  # beyond, SciPy's function loses its digits
            share = quad(lambda t: 2 * t * density(t * t), 1e-14, math.sqrt(w))[0]
            assert laws.wishart_smallest(w / n, n) == pytest.approx(share, abs=1e-9)
    samples = np.random.default_rng(2).standard_normal((20_000, n, n))
    smallest = np.linalg.svd(samples, compute_uv=False)[:, -1] ** 2 / n
    chances = np.sort(laws.wishart_smallest(smallest, n))
    assert np.abs(chances - (np.arange(20_000) + 0.5) / 20_000).max() < 0.015


def test_the_smallest_eigenvalue_in_the_limit_and_at_one():
    y = np.array([1e-4, 0.1, 1.0, 7.0])
    limit = 1 - np.exp(-y / 2 - np.sqrt(y))
    off = [np.abs(laws.wishart_smallest(y / n**2, n) - limit).max() for n in (100, 1000, 10**6)]
    assert off[0] / off[1] == pytest.approx(10, rel=0.02)
    assert off[2] < 2e-7
    assert laws.wishart_smallest(0.3, 1) == pytest.approx(chi2.cdf(0.3, 1), rel=1e-12)
    assert laws.wishart_smallest([-1.0, 0.0, 1e9], 5).tolist() == [0.0, 0.0, 1.0]
    for n in (1, 2, 5, 30):  # at 0 it is that of all eigenvalues
        x = 1e-14
        assert laws.wishart_smallest(x, n) == pytest.approx(
            2 * x * n * laws.wishart_density(x, n, n), rel=1e-4
        )


# Arguments


def test_numbers_and_arrays():
    x = np.linspace(0.1, 3, 6).reshape(2, 3)
    for function in (lambda y: laws.wishart_density(y, 3, 5), lambda y: laws.wishart_smallest(y, 4)):
        assert function(x).shape == (2, 3)
        assert type(function(0.5)) is float
        assert function(x)[1, 1] == pytest.approx(function(float(x[1, 1])), rel=1e-14)
    points = wishart.quadrature(3, 5).points
    assert not points.flags.writeable
    laws.wishart_mean(lambda s: np.multiply(s, 0, out=s), 3, 5)
    assert (wishart.quadrature(3, 5).points == points).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: laws.wishart_density(math.nan, 3, 3), ValueError, "x must be finite; got nan"),
        (lambda: laws.wishart_density("1", 3, 3), TypeError, "x must hold real numbers"),
        (lambda: laws.wishart_density(1.0, 0, 3), ValueError, "n_features must be at least 1; got 0"),
        (lambda: laws.wishart_density(1.0, 3, 2.0), TypeError, r"n_samples must be an integer; got 2\.0"),
        (lambda: laws.wishart_density(1.0, 1001, 1001), ValueError, "at most 1000, .* got 1001 and 1001"),
        (lambda: laws.wishart_density(1.0, 3, 10**6 + 1), ValueError, "at most 1000000; got 3 and 1000001"),
        (lambda: laws.wishart_mean(3, 2, 2), TypeError, "function must be callable; got int"),
        (lambda: laws.wishart_mean(np.sqrt, 2, True), TypeError, "n_samples must be an integer; got True"),
        (
            lambda: laws.wishart_mean(lambda s: s * math.nan, 2, 2),
            ValueError,
            "the values of function must be",
        ),
        (lambda: laws.wishart_mean(np.sum, 2, 2), ValueError, "as many numbers as it gets"),
        (lambda: laws.wishart_smallest(1.0, 0), ValueError, "n must be at least 1; got 0"),
        (lambda: laws.wishart_smallest(math.inf, 2), ValueError, "x must be finite; got inf"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
