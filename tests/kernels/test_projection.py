"""Kernels of random sections: forms, curvatures and what they look like, against matrices and the theory."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy.stats import kstest, norm

from smbook.kernels import projection as kernels
from smbook.kernels.rng import fill_normal, seed_state
from smbook.theory import curvature as theory

NUMBERS = st.integers(-(10**9), 10**9).map(lambda k: k / 1e6)
LAWS = [(0.0, 1000.0), (600.0, 1000.0), (60.0, 1000.0), (-3.0, 7.5), (-1000.0, 1000.0), (2.0, 2.0)]
SADDLES = [(500, 500), (12, 5), (3, 2), (2, 9), (1, 40)]


def spectrum(n_up, n_down):
    return np.array([1.0] * n_up + [-1.0] * n_down + [0.0])


def drawn(eigenvalues, n_sections, *, seed=1, draw=kernels.draw_sections):
    forms, (eta, delta) = np.empty((n_sections, 3)), np.empty((2, eigenvalues.size))
    draw(seed_state(seed), eigenvalues, eta, delta, forms)
    return forms


def curvatures_of(forms):
    curvatures = np.empty((len(forms), 2))
    kernels.find_curvatures(forms, curvatures)
    return curvatures


def noted(forms, *, parts=1):
    curvatures, totals, averages = curvatures_of(forms), np.zeros(9), np.empty((len(forms), 4))
    for rows in np.array_split(np.arange(len(forms)), parts):
        part = slice(rows[0], rows[-1] + 1)
        kernels.note_sections(forms[part], curvatures[part], totals, averages[part])
    return totals, averages


# Sections


@pytest.mark.parametrize("seed", [0, 2**53 - 1])
def test_a_section_is_that_of_the_hessian_along_the_normals_of_the_state(seed):
    """Any spectrum, of an odd number too, so that a pair of normals is cut."""
    eigenvalues = np.random.default_rng(1).normal(size=37)
    state, eta, delta = seed_state(seed), np.empty(37), np.empty(37)
    forms = drawn(eigenvalues, 5, seed=seed)
    for form in forms:
        fill_normal(state, eta)
        fill_normal(state, delta)
        plane = np.array([eta, delta])
        expected = plane @ np.diag(eigenvalues) @ plane.T
        np.testing.assert_allclose(form, expected[[0, 0, 1], [0, 1, 1]], rtol=1e-12, atol=1e-13)


def test_the_toy_of_the_theory_has_this_spectrum():
    point = np.zeros(41)
    point[-1] = 1.0
    np.testing.assert_array_equal(np.diag(theory.toy_hessian(point, 20, 15)), spectrum(15, 25))


@given(NUMBERS, NUMBERS, NUMBERS)
def test_curvatures_are_eigenvalues_and_axes_their_vectors(a, b, c):
    form, axes = np.array([a, b, c]), np.empty((2, 2))
    (low, high), hessian = curvatures_of(form[None])[0], np.array([[a, b], [b, c]])
    scale = max(abs(a), abs(b), abs(c), 1e-300)
    np.testing.assert_allclose([low, high], np.linalg.eigvalsh(hessian), rtol=1e-12, atol=1e-12 * scale)
    kernels.principal_axes(form, axes)
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(axes @ hessian @ axes.T, np.diag([low, high]), atol=1e-11 * scale)


def test_a_section_that_is_curved_equally_has_axes_too():
    axes = np.empty((2, 2))
    for size in (0.0, 3.0, -2.0):
        kernels.principal_axes(np.array([size, 0.0, size]), axes)
        np.testing.assert_array_equal(axes, [[0.0, 1.0], [1.0, 0.0]])


def test_a_picture_holds_the_section_from_the_lowest_row_on():
    values, (a, b, c) = np.empty((4, 6)), (3.0, -1.0, 0.5)
    kernels.fill_section(np.array([a, b, c]), 2.0, values)
    x, y = np.meshgrid((np.arange(6) - 2.5) * 2 / 3, np.arange(4) - 1.5)
    np.testing.assert_allclose(values, a * x**2 / 2 + b * x * y + c * y**2 / 2, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("low", "high", "seen"),
    [
        (-1.0, 1.0, kernels.SADDLE),
        (1e-300, 1.0, kernels.MINIMUM),
        (0.0, 1.0, kernels.MINIMUM),
        (-2.0, 0.0, kernels.MAXIMUM),
        (-2.0, -1.0, kernels.MAXIMUM),
    ],
)
def test_the_signs_of_the_curvatures_say_what_is_seen(low, high, seen):
    assert kernels.look(low, high) == seen


@pytest.mark.parametrize("parts", [1, 7])
def test_means_are_those_of_numpy_however_the_run_is_parted(parts):
    forms = drawn(spectrum(6, 5), 200)
    totals, averages = noted(forms, parts=parts)
    curvatures, counts = curvatures_of(forms), np.arange(1, 201)[:, None]
    np.testing.assert_allclose(averages[:, :2], curvatures.cumsum(axis=0) / counts, rtol=1e-10, atol=1e-12)
    mean_sections = curvatures_of(forms.cumsum(axis=0) / counts)
    np.testing.assert_allclose(averages[:, 2:], mean_sections, rtol=1e-9, atol=1e-9)
    low, high = curvatures.T
    seen = [(low < 0) & (high > 0), low > 0, high < 0]
    np.testing.assert_array_equal(totals[6:], [kind.sum() for kind in seen])
    assert totals[0] == 200
    assert averages.tobytes() == noted(forms)[1].tobytes()


# The law of the sections that are drawn


def z_scores(forms, n_up, n_down):
    """How far means, variances and the share of saddles are from what theory says, in their errors.

    Means and variances of A, B and C hold at any size; so does the chance of a saddle.
    """
    t, s, n = n_up - n_down, n_up + n_down, len(forms)
    found = theory.form_moments(spectrum(n_up, n_down))
    a, b, c = forms.T
    samples = {
        "A": (a, t),
        "B": (b, 0.0),
        "C": (c, t),
        "A^2": ((a - t) ** 2, found.variance),
        "B^2": (b**2, s),
        "C^2": ((c - t) ** 2, 2.0 * s),
        "AC": ((a - t) * (c - t), 0.0),
        "AB": ((a - t) * b, 0.0),
    }
    scores = {
        name: (values.mean() - mean) / (values.std() / math.sqrt(n))
        for name, (values, mean) in samples.items()
    }
    low, high = curvatures_of(forms).T
    chance = theory.saddle_probability_exact(spectrum(n_up, n_down))
    share = ((low < 0) & (high > 0)).mean()
    return scores | {"saddle": (share - chance) / math.sqrt(chance * (1 - chance) / n)}


def tallest(forms, *saddle):
    return max(map(abs, z_scores(forms, *saddle).values()))


@pytest.mark.parametrize("saddle", SADDLES)
def test_sections_have_the_moments_of_the_theory(saddle):
    """With 20,000 sections: 1 % in variances and 0.3 % in the share of saddles."""
    assert tallest(drawn(spectrum(*saddle), 20_000), *saddle) < 4


@njit
def leaning(state, eigenvalues, eta, delta, forms):
    """Lean the second direction a twentieth towards the first."""
    for k in range(len(forms)):
        fill_normal(state, eta)
        fill_normal(state, delta)
        delta[:] = 0.05 * eta + math.sqrt(1 - 0.05**2) * delta
        forms[k, 0] = (eigenvalues * eta**2).sum()
        forms[k, 1] = (eigenvalues * eta * delta).sum()
        forms[k, 2] = (eigenvalues * delta**2).sum()


@njit
def unit_vectors(state, eigenvalues, eta, delta, forms):
    """Draw directions of length sqrt(N), which no Gaussian vector has exactly."""
    for k in range(len(forms)):
        fill_normal(state, eta)
        fill_normal(state, delta)
        eta *= math.sqrt(eta.size / (eta**2).sum())
        delta *= math.sqrt(eta.size / (delta**2).sum())
        forms[k, 0] = (eigenvalues * eta**2).sum()
        forms[k, 1] = (eigenvalues * eta * delta).sum()
        forms[k, 2] = (eigenvalues * delta**2).sum()


@pytest.mark.parametrize("wrong", [leaning, unit_vectors])
def test_directions_that_lean_or_have_one_length_are_caught(wrong):
    assert tallest(drawn(spectrum(12, 5), 20_000, draw=wrong), 12, 5) > 5


def test_curvatures_of_many_directions_follow_the_gaussian_law():
    """The largest distance of the cumulative shares, for 500 up and 500 down and 5,000 sections."""
    curvatures = curvatures_of(drawn(spectrum(500, 500), 5000, seed=2))
    for sign, values in zip((-1, 1), curvatures.T, strict=True):
        law = lambda x, sign=sign: theory.curvature_cumulative(x, 0.0, 1000.0, sign=sign)  # noqa: E731
        assert kstest(values, law).pvalue > 1e-3
        assert kstest(values * 1.1, law).pvalue < 1e-3


def test_curvatures_of_few_directions_follow_the_exact_law_and_no_gaussian_one():
    curvatures = curvatures_of(drawn(spectrum(9, 3), 20_000))
    grid = np.linspace(curvatures.min(), curvatures.max(), 101)
    for sign, values in zip((-1, 1), curvatures.T, strict=True):
        shares = theory.curvature_cumulative_exact(grid, spectrum(9, 3), sign=sign)
        exact = lambda x, shares=shares: np.interp(x, grid, shares)  # noqa: E731
        gaussian = lambda x, sign=sign: theory.curvature_cumulative(x, 6.0, 12.0, sign=sign)  # noqa: E731
        assert kstest(values, exact).pvalue > 1e-3
        assert kstest(values, gaussian).pvalue < 1e-3


# What the theory says, in kernels


@pytest.mark.parametrize(("trace", "square"), LAWS)
def test_the_densities_are_those_of_the_theory(trace, square):
    kappa = trace + math.sqrt(square) * np.linspace(-9.0, 9.0, 401)
    density = np.empty(401)
    for sign in (-1, 1):
        kernels.curvature_density(kappa, trace, square, sign, density)
        expected = theory.curvature_density(kappa, trace, square, sign=sign)
        np.testing.assert_allclose(density, expected, rtol=1e-12, atol=1e-14 / math.sqrt(square))


@pytest.mark.parametrize(("trace", "square"), LAWS)
def test_means_and_chances_are_those_of_the_theory(trace, square):
    means, chances = np.empty(2), np.empty(3)
    kernels.expect_sections(trace, square, means, chances)
    expected = theory.section_moments(trace, square)
    np.testing.assert_allclose(means, [expected.low, expected.high], rtol=1e-13)
    assert chances[0] == pytest.approx(theory.saddle_probability(trace, square), rel=1e-13)
    minimum = 1 - theory.curvature_cumulative(0.0, trace, square, sign=-1)
    maximum = theory.curvature_cumulative(0.0, trace, square, sign=1)
    np.testing.assert_allclose(chances[1:], [minimum, maximum], rtol=1e-12, atol=1e-15)
    assert chances.sum() == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize("n_up", [0, 1, 2, 3, 7, 40, 499, 500, 1000])
@pytest.mark.parametrize("n_down", [1, 2, 5, 64, 501, 1000])
def test_the_exact_chance_is_that_of_the_theory_down_to_1e_150(n_up, n_down):
    expected = theory.saddle_probability_exact(spectrum(n_up, n_down))
    assert kernels.saddle_probability_exact(n_up, n_down) == pytest.approx(expected, rel=1e-11)
    assert kernels.saddle_probability_exact(n_down, n_up) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("total", [1, 10, 100])
def test_the_error_of_a_share_is_that_of_laplace(total):
    shares = np.linspace(0, 1, 200_001)
    for count in {0, total // 3, total}:
        weight = shares**count * (1 - shares) ** (total - count)
        mean = np.average(shares, weights=weight)
        spread = math.sqrt(np.average((shares - mean) ** 2, weights=weight))
        assert kernels.share_error(float(count), float(total)) == pytest.approx(spread, rel=1e-4)


def test_the_gaussian_law_needs_no_scipy_but_agrees_with_it():
    x = np.linspace(-8, 8, 101)
    np.testing.assert_allclose([kernels._below(v) for v in x], norm.cdf(x), rtol=1e-13)
