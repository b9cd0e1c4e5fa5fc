"""Curvatures of random sections: the Gaussian law, exact ones at finite size, and sampled Hessians."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import dblquad, quad
from scipy.optimize import minimize_scalar
from scipy.special import kv

from smbook.theory import curvature

SPECTRA = {
    "two": [1.0, -2.0],
    "few": [3.0, 1.0, -1.0, -0.5],
    "skew": [1.0, 0.5, 0.2, -0.01, -3.0, 0.0],
    "definite": [2.0, 1.0, 1.0, 0.5],
    "one": [0.0, 1.5],
}
MANY = {
    "balanced": [1.0] * 10 + [-1.0] * 10,
    "unequal": [1.0] * 30 + [-0.5] * 6,
    "spread": [*np.linspace(0.2, 1, 40), *-np.linspace(0.3, 2, 20)],
}
spectra = st.lists(st.floats(0.1, 3) | st.floats(-3, -0.1), min_size=2, max_size=6)


def sections(eigenvalues, n_samples, seed=0):
    """A, B, C of random Gaussian sections of a Hessian with these eigenvalues, and the curvatures."""
    values, rng = np.asarray(eigenvalues), np.random.default_rng(seed)
    a, b, c = np.zeros((3, n_samples))
    for value in values:
        one, other = rng.standard_normal((2, n_samples))
        a, b, c = a + value * one**2, b + value * one * other, c + value * other**2
    root = np.hypot((a - c) / 2, b)
    return a, b, c, (a + c) / 2 - root, (a + c) / 2 + root


def z_score(samples, expected):
    return (samples.mean() - expected) / (samples.std() / math.sqrt(samples.size))


def z_variance(samples, expected):
    return z_score((samples - samples.mean()) ** 2, expected)


def gaussian_sections(trace, square, n_samples, seed=0):
    rng = np.random.default_rng(seed)
    mean, u, b = (math.sqrt(square) * rng.standard_normal(n_samples) for _ in range(3))
    return trace + mean - np.hypot(u, b), trace + mean + np.hypot(u, b)


# The Gaussian law


def test_reference_values():
    balanced, tilted = curvature.section_moments(0.0, 1000.0), curvature.section_moments(600.0, 1000.0)
    assert (balanced.low, balanced.high) == pytest.approx((-39.633, 39.633), abs=5e-4)
    assert (tilted.low, tilted.high) == pytest.approx((560.367, 639.633), abs=5e-4)
    assert math.sqrt(balanced.curvature_variance) == pytest.approx(37.805, abs=5e-4)
    assert curvature.saddle_probability(0.0, 1000.0) == pytest.approx(0.7071, abs=5e-5)
    chances = curvature.saddle_probability(np.sqrt([1.0, 4.0, 9.0]), 1.0)
    np.testing.assert_allclose(chances, [0.551, 0.260, 0.0745], atol=5e-4)
    assert curvature.saddle_probability(600.0, 1000.0) < 1e-38


def test_the_peak_of_the_density():
    peak = minimize_scalar(
        lambda u: -curvature.curvature_density(u, 0.0, 1.0, sign=1), bounds=(0, 3), options={"xatol": 1e-9}
    )
    assert peak.x == pytest.approx(1.18783, abs=1e-5)
    assert -peak.fun == pytest.approx(0.33448, abs=5e-6)
    assert -peak.fun / math.sqrt(1000) == pytest.approx(1.0577e-2, abs=5e-7)


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_density_and_its_moments(sign):
    t, s = 1.5, 2.5
    found = curvature.section_moments(t, s)
    mean = found.high if sign == 1 else found.low

    def integral(power):
        return quad(lambda k: (k - mean) ** power * curvature.curvature_density(k, t, s, sign=sign), -25, 28)[
            0
        ]

    assert [integral(r) for r in range(3)] == pytest.approx([1, 0, found.curvature_variance], abs=1e-8)
    for kappa in (-4.0, 0.0, 1.5, 5.0):
        below = quad(lambda k: curvature.curvature_density(k, t, s, sign=sign), -25, kappa)[0]
        assert curvature.curvature_cumulative(kappa, t, s, sign=sign) == pytest.approx(below, abs=1e-9)
    own, other = (
        curvature.curvature_density(t + d, t, s, sign=sign * side) for d, side in ((0.7, 1), (-0.7, -1))
    )
    assert own == pytest.approx(other)


@given(t=st.floats(-5, 5), s=st.floats(0.1, 5))
def test_a_saddle_is_one_curvature_on_either_side_of_zero(t, s):
    low, high = (curvature.curvature_cumulative(0.0, t, s, sign=sign) for sign in (-1, 1))
    assert curvature.saddle_probability(t, s) == pytest.approx(low - high, abs=1e-14)


def test_gaussian_sections_by_sampling():
    """Var kappa without the 3 (an s for the mean and 2s for R) would be 400 errors off."""
    t, s = 2.0, 3.0
    low, high = gaussian_sections(t, s, 400_000)
    found = curvature.section_moments(t, s)
    for samples, mean in ((low, found.low), (high, found.high)):
        assert abs(z_score(samples, mean)) < 4
        assert abs(z_variance(samples, found.curvature_variance)) < 4
        assert abs(z_variance(samples, s * (1 - math.pi / 2))) > 400
    assert abs(z_score((low * high < 0).astype(float), curvature.saddle_probability(t, s))) < 4
    assert (
        stats.kstest(high[:50_000], lambda k: curvature.curvature_cumulative(k, t, s, sign=1)).pvalue > 1e-3
    )
    assert stats.kstest(low[:50_000], lambda k: curvature.curvature_cumulative(k, t, s, sign=1)).pvalue < 1e-9


# What holds for any Hessian


@pytest.mark.parametrize("name", SPECTRA)
def test_moments_of_a_section(name):
    values = np.array(SPECTRA[name])
    a, b, c, *_ = sections(values, 200_000)
    found = curvature.section_moments(values.sum(), (values**2).sum())
    for entry in (a, c):
        assert abs(z_score(entry, found.mean)) < 4
        assert abs(z_variance(entry, found.variance)) < 4
    assert abs(z_score(b, 0)) < 4
    assert abs(z_variance(b, found.off_diagonal_variance)) < 4
    assert abs(z_variance((a + c) / 2, found.off_diagonal_variance)) < 4


def test_the_averaged_section_loses_its_saddle():
    """Entries averaged over S pairs have the curvatures of s / S, not of s."""
    n_pairs, values = 400, [1.0] * 20 + [-1.0] * 20
    a, b, c, *_ = (part.reshape(-1, n_pairs).mean(axis=1) for part in sections(values, 400 * 2000, seed=4))
    high = (a + c) / 2 + np.hypot((a - c) / 2, b)
    assert abs(z_score(high, curvature.section_moments(0.0, 40 / n_pairs).high)) < 4
    assert high.mean() < 0.06 * curvature.section_moments(0.0, 40.0).high


@pytest.mark.parametrize("orthogonal", [False, True])
def test_unit_directions(orthogonal):
    values = np.array([2.0, 1.0, -0.5, 0.3, -1.0])
    rng = np.random.default_rng(3)
    one, other = rng.standard_normal((2, 300_000, values.size))
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    if orthogonal:
        other -= (one * other).sum(axis=1, keepdims=True) * one
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    found = curvature.unit_section_moments(
        values.sum(), (values**2).sum(), values.size, orthogonal=orthogonal
    )
    a, b, c = one**2 @ values, (one * other) @ values, other**2 @ values
    for entry in (a, c):
        assert abs(z_score(entry, found.mean)) < 4
        assert abs(z_variance(entry, found.variance)) < 4
    assert abs(z_score(b**2, found.off_diagonal_variance)) < 4
    swapped = curvature.unit_section_moments(values.sum(), (values**2).sum(), 5, orthogonal=not orthogonal)
    assert abs(z_score(b**2, swapped.off_diagonal_variance)) > 40
    chance = curvature.saddle_probability_exact(values)
    assert abs(z_score((a * c < b**2).astype(float), chance)) < 4


def test_unit_directions_of_a_sphere():
    """Where all eigenvalues are one, every section is the same."""
    assert curvature.unit_section_moments(6.0, 12.0, 3, orthogonal=True) == (2.0, 0.0, 0.0)
    assert curvature.unit_section_moments(2.0, 4.0, 1).variance == 0


@pytest.mark.parametrize("probes", ["gaussian", "rademacher"])
def test_hutchinson(probes):
    """A variance without the factor 2, or with the diagonal kept, is caught."""
    rng = np.random.default_rng(5)
    matrix = rng.standard_normal((8, 8))
    matrix += matrix.T
    n, m = 60_000, 5
    z = rng.standard_normal((n, m, 8)) if probes == "gaussian" else rng.choice([-1.0, 1.0], (n, m, 8))
    estimates = np.einsum("nmi,ij,nmj->nm", z, matrix, z).mean(axis=1)
    square, diagonal = (matrix**2).sum(), np.diag(matrix)
    found = curvature.hutchinson_variance(square, n_probes=m, probes=probes, diagonal=diagonal)
    assert abs(z_score(estimates, diagonal.sum())) < 4
    assert abs(z_variance(estimates, found)) < 4
    assert abs(z_variance(estimates, found / 2)) > 20
    other = {"gaussian": "rademacher", "rademacher": "gaussian"}[probes]
    wrong = curvature.hutchinson_variance(square, n_probes=m, probes=other, diagonal=diagonal)
    assert abs(z_variance(estimates, wrong)) > 20


def test_hutchinson_of_a_diagonal_matrix():
    assert curvature.hutchinson_variance(5.0, probes="rademacher", diagonal=[1.0, -2.0]) == 0
    assert math.sqrt(curvature.hutchinson_variance(1000.0, n_probes=1000)) == pytest.approx(math.sqrt(2))


# Quadratic forms


@pytest.mark.parametrize("k", [1, 2, 3, 5, 40, 1000])
def test_a_sphere_is_chi_square(k):
    x = np.array([1e-3, 0.1, 1.0, 0.7 * k, k, 1.5 * k, 3 * k + 40])
    np.testing.assert_allclose(curvature.form_density(2 * x, [2.0] * k), stats.chi2.pdf(x, k) / 2, rtol=1e-11)
    np.testing.assert_allclose(curvature.form_probability(x, [1.0] * k), stats.chi2.cdf(x, k), rtol=1e-11)
    above = curvature.form_probability(x, [1.0] * k, upper=True)
    np.testing.assert_allclose(above, stats.chi2.sf(x, k), rtol=1e-11)
    np.testing.assert_allclose(curvature.form_probability(-x, [-1.0] * k), above, rtol=1e-13)


@pytest.mark.parametrize("k", [1, 2, 5, 12])
def test_a_balanced_saddle_is_a_bessel_function(k):
    x = np.array([-30.0, -3.0, -0.4, 0.01, 2.0, 60.0])
    order, size = (k - 1) / 2, np.abs(x)
    expected = size**order * kv(order, size / 2) / (2**k * math.sqrt(math.pi) * math.gamma(k / 2))
    np.testing.assert_allclose(curvature.form_density(x, [1.0] * k + [-1.0] * k), expected, rtol=1e-12)


@pytest.mark.parametrize("name", [*SPECTRA, *MANY])
def test_moments_of_a_form_by_its_density(name):
    values = np.array((SPECTRA | MANY)[name])
    found = curvature.form_moments(values)
    deviation = math.sqrt(found.variance)
    nodes, weights = np.polynomial.legendre.leggauss(150)  # x = y |y|^5 takes the cusp at 0 away
    reach = (60 * deviation) ** (1 / 6)
    y, w = np.concatenate([nodes - 1, nodes + 1]) * reach / 2, np.tile(weights, 2) * reach / 2
    x, weight = y * np.abs(y) ** 5, 6 * np.abs(y) ** 5 * w
    law = weight * curvature.form_density(x, values)
    mean = law @ x
    centred = [law @ (x - mean) ** r for r in (2, 3, 4)]
    assert law.sum() == pytest.approx(1, abs=1e-9)
    assert (mean, centred[0]) == pytest.approx((found.mean, found.variance), abs=1e-8)
    assert centred[1] / found.variance**1.5 == pytest.approx(found.skewness, abs=1e-7)
    assert centred[2] / found.variance**2 - 3 == pytest.approx(found.excess_kurtosis, abs=1e-6)


@pytest.mark.parametrize("name", [*SPECTRA, *MANY])
def test_a_form_by_sampling(name):
    values = (SPECTRA | MANY)[name]
    a = sections(values, 300, seed=7)[0]
    assert stats.kstest(a, lambda x: curvature.form_probability(x, values)).pvalue > 1e-3
    doubled = [2 * value for value in values]
    assert stats.kstest(a, lambda x: curvature.form_probability(x, doubled)).pvalue < 1e-3


@given(values=spectra, x=st.floats(-20, 20))
def test_tails_of_a_form(values, x):
    below, above = curvature.form_probability(x, values), curvature.form_probability(x, values, upper=True)
    assert min(below, above) >= 0
    assert below + above == pytest.approx(1, abs=1e-12)
    assert curvature.form_probability(-x, [-v for v in values], upper=True) == pytest.approx(
        below, rel=1e-9, abs=1e-14
    )
    assert curvature.form_probability(3 * x, [3 * v for v in values]) == pytest.approx(
        below, rel=1e-9, abs=1e-14
    )
    assert curvature.form_density(x, values) >= 0


def test_where_a_density_jumps_or_diverges():
    assert curvature.form_density(0.0, [2.0]) == math.inf
    assert curvature.form_density(0.0, [2.0, -1.0]) == math.inf
    assert curvature.form_density(0.0, [2.0, 8.0]) == pytest.approx(1 / 8)
    assert curvature.form_density(0.0, [2.0, 8.0, 1.0]) == 0
    assert curvature.form_density([1e-9, -1e-9], [2.0, 8.0]).tolist() == pytest.approx([1 / 8, 0])
    assert curvature.form_density(0.0, [1.0, -1.0, -1.0]) > 0


def test_numbers_of_any_size():
    assert curvature.form_density([5e-324, 1e-310], [1.0, 4.0]).tolist() == pytest.approx([1 / 4, 1 / 4])
    assert curvature.form_probability([5e-324, -5e-324], [1.0, -1.0]).tolist() == pytest.approx([0.5, 0.5])
    assert curvature.form_density([1e300, -1e300], [1.0, -2.0]).tolist() == [0.0, 0.0]
    assert curvature.form_probability([1e300, -1e300], [1.0, 2.0]).tolist() == [1.0, 0.0]
    assert curvature.form_density(1e-300, [1.0] * 50) == 0
    assert curvature.form_probability(2e-150, [1e-150] * 2) == pytest.approx(1 - math.exp(-1))
    assert curvature.saddle_probability_exact([1.0, 2.0], level=1e-300) < 1e-99
    assert curvature.saddle_probability_exact([1.0, -1.0], level=1e290) == 0
    assert 0 < curvature.saddle_probability_exact([1.0, -1.0], level=-1000.0) < 1e-200
    assert curvature.saddle_probability_exact([1e-200, -3e-200]) == 1


# Exact curvatures


@pytest.mark.parametrize("name", SPECTRA)
def test_exact_moments_by_sampling(name):
    """The Gaussian means are off by 20 errors and more."""
    values = np.array(SPECTRA[name])
    *_, low, high = sections(values, 400_000, seed=1)
    found = curvature.curvature_moments_exact(values)
    gaussian = curvature.section_moments(values.sum(), (values**2).sum())
    for samples, mean, variance in (
        (low, found.low, found.low_variance),
        (high, found.high, found.high_variance),
    ):
        if samples.std() > 1e-9:
            assert abs(z_score(samples, mean)) < 4
            assert abs(z_variance(samples, variance)) < 4
    assert abs(z_score(high, gaussian.high)) > 20
    assert found.low + found.high == pytest.approx(2 * values.sum(), abs=1e-12)


def test_exact_moments_of_one_eigenvalue():
    """A section of rank one has the curvatures 0 and |z|^2 lambda, with two Gaussian numbers z."""
    found = curvature.curvature_moments_exact([3.0])
    assert found == pytest.approx((0, 6, 0, 36), abs=1e-9)


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_exact_moments_of_the_toy(n):
    """Q is a chi-square there: E sqrt Q = sqrt 2 Gamma((k + 1) / 2) / Gamma(k / 2), k = 2n."""
    found = curvature.curvature_moments_exact([1.0] * n + [-1.0] * n)
    root = math.sqrt(2) * math.exp(math.lgamma(n + 0.5) - math.lgamma(n))
    assert found.high == pytest.approx(math.sqrt(math.pi / 2) * root, rel=1e-12)
    gaussian = curvature.section_moments(0.0, 2.0 * n)
    assert 1 - found.high / gaussian.high == pytest.approx(1 / (8 * n), rel=2 / n)
    assert found.high_variance == pytest.approx(gaussian.curvature_variance, rel=0.6 / n)


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("level", [0.0, -1.0, 0.5, 2.0])
def test_saddles_by_sampling(name, level):
    values = SPECTRA[name]
    *_, low, high = sections(values, 400_000, seed=2)
    between = ((low < level) & (level < high)).astype(float)
    if level == 0 and name == "one":
        between[:] = 0.0  # an exact 0 that rounding puts on either side
    chance = curvature.saddle_probability_exact(values, level=level)
    assert abs(between.mean() - chance) < 4 * math.sqrt(chance * (1 - chance) / between.size) + 1e-12


@pytest.mark.parametrize("counts", [(1, 1), (2, 1), (3, 2), (10, 10), (80, 20), (500, 500), (800, 200)])
@pytest.mark.parametrize("sizes", [(1.0, 1.0), (1.0, 0.3), (0.01, 1.0)])
def test_two_levels_by_contours(counts, sizes):
    """The closed form against the integrals, which the least change of an eigenvalue leads to."""
    (n, m), (a, b) = counts, sizes
    values = [a] * n + [-b] * m
    nudged = [*values[:-1], -b * (1 + 1e-13)] if m > 1 else [a * (1 + 1e-13), *values[1:]]
    closed, contours = (curvature.saddle_probability_exact(each) for each in (values, nudged))
    assert contours == pytest.approx(closed, rel=1e-9, abs=1e-290)
    mirrored = curvature.saddle_probability_exact([-value for value in values])
    assert mirrored == pytest.approx(closed, rel=1e-10)


def test_two_levels_by_the_law_of_two_wishart_matrices():
    """a W1 - b W2 has one negative root where one of the two of W1 (W1 + W2)^-1 lies below b / (a + b)."""
    n, m, a, b = 5, 4, 1.0, 2.0
    p, q, split = (n - 1) / 2, (m - 1) / 2, b / (a + b)

    def law(low, high):
        return (low * high) ** (p - 1) * ((1 - low) * (1 - high)) ** (q - 1) * (high - low)

    whole = dblquad(law, 0, 1, 0, lambda high: high)[0]
    part = dblquad(law, split, 1, 0, split)[0]
    found = curvature.saddle_probability_exact([a] * n + [-b] * m)
    assert found == pytest.approx(part / whole, rel=1e-7)


def test_saddles_of_definite_hessians():
    assert curvature.saddle_probability_exact([1.0, 2.0, 0.0]) == 0
    assert curvature.saddle_probability_exact([-1.0]) == 0
    assert curvature.saddle_probability_exact([1.0, -1e-9]) == 1
    for x in (1e-300, 1e-160, 1e-9, 0.1, 1.0, 20.0):
        assert curvature.saddle_probability_exact([2.0], level=2 * x) == pytest.approx(math.exp(-x / 2))


@given(values=spectra, level=st.floats(-4, 4))
def test_saddles_and_symmetry(values, level):
    chance = curvature.saddle_probability_exact(values, level=level)
    assert 0 <= chance <= 1
    mirrored = curvature.saddle_probability_exact([-v for v in values], level=-level)
    assert mirrored == pytest.approx(chance, rel=1e-9, abs=1e-13)
    scaled = curvature.saddle_probability_exact([7 * v for v in values], level=7 * level)
    assert scaled == pytest.approx(chance, rel=1e-9, abs=1e-13)


def test_how_fast_the_gaussian_law_is_reached():
    """As 1 / N for balanced saddles, as N^(-1/2) for skew ones of a fixed mean curvature."""
    sizes = np.array([50, 200, 800])
    balanced = [curvature.saddle_probability_exact([1.0] * n + [-1.0] * n) * math.sqrt(2) - 1 for n in sizes]
    np.testing.assert_allclose(balanced * sizes, 1 / 8, rtol=1 / 40)
    tilted = []
    for n in (5000, 20_000):
        values = np.repeat([1.0, -2.0], [2 * n, n]) + 1 / math.sqrt(n)
        traces, third = (values.sum(), (values**2).sum()), (values**3).sum()
        laws = curvature.saddle_probability(*traces), curvature.saddle_probability(*traces, cube=third)
        tilted.append([curvature.saddle_probability_exact(values) / law - 1 for law in laws])
    (plain, skewed), (plain_later, skewed_later) = tilted
    assert abs(plain_later) > 5e-4
    assert abs(skewed_later) < 2e-5
    assert (plain / plain_later, skewed / skewed_later) == pytest.approx((2, 4), rel=0.05)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("name", MANY)
def test_exact_laws_and_their_moments(name, sign):
    values = MANY[name]
    found = curvature.curvature_moments_exact(values)
    mean, variance = (found.high, found.high_variance) if sign == 1 else (found.low, found.low_variance)
    x, weights = np.polynomial.legendre.leggauss(100)
    half = 12 * math.sqrt(variance)
    kappa = mean + half * x
    law = half * weights * curvature.curvature_density_exact(kappa, values, sign=sign)
    assert law.sum() == pytest.approx(1, abs=1e-6)
    assert law @ kappa == pytest.approx(mean, rel=1e-6)
    assert law @ (kappa - mean) ** 2 == pytest.approx(variance, rel=1e-5)
    ends = curvature.curvature_cumulative_exact([mean - 1, mean + 1], values, sign=sign)
    between = quad(
        lambda k: curvature.curvature_density_exact(k, values, sign=sign),
        mean - 1,
        mean + 1,
        epsabs=1e-8,
        limit=4,
    )[0]
    assert ends[1] - ends[0] == pytest.approx(between, abs=1e-8)


@pytest.mark.parametrize("name", MANY)
def test_exact_laws_agree_with_the_saddles(name):
    levels = [-3.0, 0.0, 0.2, 4.0]
    low, high = (curvature.curvature_cumulative_exact(levels, MANY[name], sign=sign) for sign in (-1, 1))
    chances = [curvature.saddle_probability_exact(MANY[name], level=level) for level in levels]
    np.testing.assert_allclose(low - high, chances, atol=1e-9)


def test_exact_laws_of_a_sphere_are_wisharts():
    n = 12

    def law(high, low):
        return (low * high) ** ((n - 3) / 2) * math.exp(-(low + high) / 2) * (high - low)

    whole = dblquad(lambda low, high: law(high, low), 0, 150, 0, lambda high: high)[0]
    for x in (8.0, 15.0, 30.0):
        found = [curvature.curvature_density_exact(x, [1.0] * n, sign=sign) for sign in (-1, 1)]
        below = quad(lambda y, x=x: law(x, y), 0, x, epsabs=0)[0]
        above = quad(lambda y, x=x: law(y, x), x, 200, epsabs=0)[0]
        np.testing.assert_allclose(found, [above / whole, below / whole], rtol=1e-7)


def test_exact_laws_by_sampling():
    """At twenty eigenvalues the Gaussian law is rejected, the exact one is not."""
    values = [1.0] * 8 + [-0.5] * 12
    *_, low, high = sections(values, 30_000, seed=6)
    for sign, samples in ((-1, low), (1, high)):
        exact = stats.kstest(
            samples[::60], lambda k, sign=sign: curvature.curvature_cumulative_exact(k, values, sign=sign)
        )
        gaussian = stats.kstest(
            samples, lambda k, sign=sign: curvature.curvature_cumulative(k, 2.0, 11.0, sign=sign)
        )
        assert exact.pvalue > 1e-3
        assert gaussian.pvalue < 1e-6


def test_exact_laws_of_many_eigenvalues_are_the_gaussian_ones():
    values = [1.0] * 500 + [-1.0] * 500
    kappa = np.linspace(-80, 160, 13)
    exact = curvature.curvature_density_exact(kappa, values, sign=1)
    np.testing.assert_allclose(exact, curvature.curvature_density(kappa, 0.0, 1000.0, sign=1), atol=4e-5)
    assert np.abs(exact - curvature.curvature_density(kappa, 0.0, 1000.0, sign=1)).max() > 1e-7
    assert curvature.curvature_cumulative_exact([-1e4, 1e4], values, sign=1).tolist() == [0.0, 1.0]


# The toy


@pytest.mark.parametrize(("n", "n_up"), [(1, 0), (1, 1), (2, 3), (3, 6), (4, 5)])
def test_the_toy_by_differences(n, n_up):
    rng = np.random.default_rng(8)
    theta = rng.standard_normal(2 * n + 1)
    gradient, hessian = curvature.toy_gradient(theta, n, n_up), curvature.toy_hessian(theta, n, n_up)
    step = 1e-5 * np.eye(2 * n + 1)
    slopes = [curvature.toy_loss(theta + d, n, n_up) - curvature.toy_loss(theta - d, n, n_up) for d in step]
    bends = [
        curvature.toy_gradient(theta + d, n, n_up) - curvature.toy_gradient(theta - d, n, n_up) for d in step
    ]
    np.testing.assert_allclose(np.array(slopes) / 2e-5, gradient, atol=1e-8)
    np.testing.assert_allclose(np.array(bends) / 2e-5, hessian, atol=1e-8)
    np.testing.assert_allclose(
        curvature.toy_spectrum(theta, n, n_up), np.linalg.eigvalsh(hessian), atol=1e-12
    )


@pytest.mark.parametrize(("n_up", "trace"), [(500, 0.0), (800, 600.0)])
def test_the_saddle_of_the_papers(n_up, trace):
    point = np.zeros(1001)
    point[-1] = 1.0
    assert not curvature.toy_gradient(point, 500, n_up).any()
    spectrum = curvature.toy_spectrum(point, 500, n_up)
    assert spectrum.sum() == trace
    assert (spectrum**2).sum() == 1000
    np.testing.assert_array_equal(spectrum, np.repeat([-1.0, 0.0, 1.0], [1000 - n_up, 1, n_up]))
    seen = curvature.saddle_probability_exact(spectrum)
    assert seen == pytest.approx(curvature.saddle_probability(trace, 1000.0), rel=1e-3, abs=1e-30)


def test_sections_of_the_papers_saddle():
    """Their Figure of the curvatures: humps at -+40 and at 560 and 640, of width 38."""
    for n_up, expected in ((500, (-39.633, 39.633)), (800, (560.367, 639.633))):
        rng = np.random.default_rng(9)
        signs = np.where(np.arange(1000) < n_up, 1.0, -1.0)
        one, other = rng.standard_normal((2, 4000, 1000))
        a, b, c = one**2 @ signs, (one * other) @ signs, other**2 @ signs
        root = np.hypot((a - c) / 2, b)
        for samples, mean in zip(((a + c) / 2 - root, (a + c) / 2 + root), expected, strict=True):
            assert abs(z_score(samples, mean)) < 4
            assert samples.std() == pytest.approx(37.805, rel=0.04)


def test_shapes():
    theta = np.ones((2, 3, 5))
    assert np.shape(curvature.toy_loss(theta, 2, 1)) == (2, 3)
    assert curvature.toy_gradient(theta, 2, 1).shape == (2, 3, 5)
    assert curvature.toy_hessian(theta, 2, 1).shape == (2, 3, 5, 5)
    kappa = np.zeros((3, 2))
    values = [1.0] * 10 + [-1.0] * 10
    for law in (
        curvature.curvature_density(kappa, 0.0, 1.0, sign=1),
        curvature.curvature_cumulative(kappa, 0.0, 1.0, sign=-1),
        curvature.curvature_density_exact(kappa, values, sign=-1),
        curvature.curvature_cumulative_exact(kappa, values, sign=1),
        curvature.form_density(kappa, values),
        curvature.form_probability(kappa, values),
        curvature.saddle_probability(kappa, 1.0),
    ):
        assert np.shape(law) == (3, 2)
    assert type(curvature.form_density(1, [1, 2])) is float
    assert type(curvature.curvature_density_exact(1, values, sign=1)) is float
    assert type(curvature.saddle_probability(0, 1)) is float


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: curvature.section_moments(1.0, 0.0), ValueError, r"square must be positive; got 0\.0"),
        (lambda: curvature.section_moments("1", 1.0), TypeError, "trace must be a real number"),
        (
            lambda: curvature.saddle_probability(1.0, [1.0, -1.0]),
            ValueError,
            r"square must be positive; got -1\.0",
        ),
        (
            lambda: curvature.curvature_density(1.0, 1.0, 1.0, sign=0),
            ValueError,
            "sign must be 1 or -1; got 0",
        ),
        (
            lambda: curvature.curvature_cumulative(1.0, 1.0, 1.0, sign=2),
            ValueError,
            "sign must be at most 1; got 2",
        ),
        (
            lambda: curvature.curvature_density(math.nan, 1.0, 1.0, sign=1),
            ValueError,
            "kappa must be finite; got nan",
        ),
        (
            lambda: curvature.unit_section_moments(4.0, 1.0, 3),
            ValueError,
            r"trace\*\*2 must be at most n \* square = 3; got 16",
        ),
        (
            lambda: curvature.unit_section_moments(1.0, 1.0, 1, orthogonal=True),
            ValueError,
            "n must be at least 2; got 1",
        ),
        (lambda: curvature.hutchinson_variance(1.0, probes="sphere"), ValueError, "probes must be one of"),
        (
            lambda: curvature.hutchinson_variance(1.0, probes="rademacher"),
            ValueError,
            "diagonal must be given",
        ),
        (
            lambda: curvature.hutchinson_variance(1.0, probes="rademacher", diagonal=[2.0]),
            ValueError,
            "at most square = 1; got 4",
        ),
        (
            lambda: curvature.hutchinson_variance(1.0, n_probes=0),
            ValueError,
            "n_probes must be at least 1; got 0",
        ),
        (
            lambda: curvature.form_moments([0.0, 0.0]),
            ValueError,
            "eigenvalues must not all be 0; got 2 of them",
        ),
        (
            lambda: curvature.form_density(1.0, [[1.0]]),
            ValueError,
            r"eigenvalues must have the shape \(N,\); got \(1, 1\)",
        ),
        (lambda: curvature.form_probability(math.inf, [1.0]), ValueError, "x must be finite; got inf"),
        (lambda: curvature.saddle_probability_exact(["1"]), TypeError, "eigenvalues must hold real numbers"),
        (
            lambda: curvature.saddle_probability_exact([1.0], level=math.nan),
            ValueError,
            "level must be finite",
        ),
        (
            lambda: curvature.curvature_moments_exact([]),
            ValueError,
            "eigenvalues must not all be 0; got 0 of them",
        ),
        (
            lambda: curvature.curvature_density_exact(1.0, [1.0, -1.0], sign=1),
            ValueError,
            "eigenvalues must be more.*got 2",
        ),
        (
            lambda: curvature.curvature_density_exact(1.0, [1.0] * 12, sign=0),
            ValueError,
            "sign must be 1 or -1",
        ),
        (
            lambda: curvature.curvature_cumulative_exact(1.0, [1.0] * 2 + [1e-9] * 9, sign=1),
            ValueError,
            "of more equal size",
        ),
        (
            lambda: curvature.toy_loss([1.0, 2.0], 1, 1),
            ValueError,
            r"theta must have the shape \(\.\.\., 3\); got \(2,\)",
        ),
        (lambda: curvature.toy_gradient([1.0, 2.0, 3.0], 1, 3), ValueError, "n_up must be at most 2; got 3"),
        (lambda: curvature.toy_hessian([1.0, 2.0, 3.0], 0, 0), ValueError, "n must be at least 1; got 0"),
        (
            lambda: curvature.toy_spectrum(np.ones((2, 3)), 1, 1),
            ValueError,
            r"theta must be one point; got the shape \(2, 3\)",
        ),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
