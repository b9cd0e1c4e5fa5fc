"""Soft units and units that count, against quadrature, sums, differences and draws of their laws."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.theory.boltzmann import Unit, poisson_unit, soft_unit
from tests.theory.spin_glass.reference import slope

SOFTNESS = (0.0, 0.3, 0.5, 0.97, 1.0)


def moments(x, softness):
    """<exp(x z)> and its first two derivatives, by quadrature over g and a sum over the sign."""
    with mpmath.workdps(30):
        smooth, root = mpmath.sqrt(softness), mpmath.sqrt(1 - mpmath.mpf(softness))

        def mean(k):
            def integrand(g):
                values = (smooth * g + root, smooth * g - root)
                return mpmath.npdf(g) * sum(z**k * mpmath.exp(x * z) for z in values) / 2

            return mpmath.quad(integrand, [-16, -8, 0, 8, 16])

        total, first, second = mean(0), mean(1), mean(2)
        average = first / total
        return [float(v) for v in (mpmath.log(total), average, second / total - average**2)]


@pytest.mark.parametrize("softness", SOFTNESS)
@pytest.mark.parametrize("x", [0.01, -0.7, 2.0, 5.0])
def test_a_soft_unit_by_quadrature(x, softness):
    np.testing.assert_allclose(soft_unit(x, softness), moments(x, softness), rtol=1e-12)


@pytest.mark.parametrize("softness", SOFTNESS)
def test_mean_and_variance_are_derivatives(softness):
    for x in (-3.0, -0.2, 0.0, 0.9, 4.0):
        unit = soft_unit(x, softness)
        assert slope(lambda y: soft_unit(y, softness).cumulant, x) == pytest.approx(unit.mean, abs=1e-11)
        assert slope(lambda y: soft_unit(y, softness).mean, x) == pytest.approx(unit.variance, abs=1e-11)
        assert slope(lambda y: poisson_unit(y).cumulant, x) == pytest.approx(poisson_unit(x).mean, rel=1e-10)


def test_without_a_field_all_are_alike():
    for softness in SOFTNESS:
        assert soft_unit(0.0, softness) == (0.0, 0.0, 1.0)
    x = np.linspace(-6, 6, 25)
    np.testing.assert_array_equal(soft_unit(x, 1.0).cumulant, x**2 / 2)
    np.testing.assert_allclose(soft_unit(x, 0.0).cumulant, np.log(np.cosh(x)), atol=1e-15)
    assert (np.diff([soft_unit(x[:12], softness).cumulant for softness in SOFTNESS], axis=0) > 0).all()


@pytest.mark.parametrize("softness", [0.0, 0.5, 0.9])
def test_the_quartic_correction(softness):
    """phi = x^2 / 2 - (1 - Omega)^2 x^4 / 12 + (1 - Omega)^3 x^6 / 45 - ..."""
    for x in (1e-2, 0.05):
        quartic = (x**2 / 2 - soft_unit(x, softness).cumulant) / x**4
        six = (1 - softness) ** 3 * x**2 / 45
        assert quartic == pytest.approx((1 - softness) ** 2 / 12 - six, rel=1e-6, abs=1e-8)
    assert soft_unit(1e-9, softness).cumulant == pytest.approx(5e-19, rel=1e-14)


@given(x=st.floats(-1e6, 1e6), softness=st.floats(0, 1))
def test_bounds(x, softness):
    """A spin and a Gaussian unit are the ends; the cumulant is even, the variance at most 1."""
    unit, mirrored = soft_unit(x, softness), soft_unit(-x, softness)
    assert softness * x**2 / 2 * (1 - 1e-14) <= unit.cumulant <= x**2 / 2 * (1 + 1e-14)
    assert softness * (1 - 1e-14) <= unit.variance <= 1 + 1e-15
    assert (mirrored.cumulant, mirrored.mean, mirrored.variance) == (unit.cumulant, -unit.mean, unit.variance)


@pytest.mark.parametrize("softness", [0.0, 0.4, 1.0])
def test_how_a_unit_is_drawn(softness):
    """The recipe of the docstring. A factor 1 instead of 2 in the sign's odds would be 50 errors away."""
    rng, n, x = np.random.default_rng(11), 200_000, 0.8
    root = math.sqrt(1 - softness)
    sign = np.where(rng.random(n) < 1 / (1 + math.exp(-2 * root * x)), 1, -1)
    z = softness * x + math.sqrt(softness) * rng.standard_normal(n) + root * sign
    unit = soft_unit(x, softness)
    assert abs(z.mean() - unit.mean) < 4 * z.std() / math.sqrt(n)
    square = (z - unit.mean) ** 2
    assert abs(square.mean() - unit.variance) < 4 * square.std() / math.sqrt(n)


@pytest.mark.parametrize("x", [-2.0, 0.0, 0.5, 1.5])
def test_a_unit_that_counts(x):
    k = np.arange(100)
    law = np.exp(-1 + k * x - [math.lgamma(j + 1) for j in k])
    mean = law @ k / law.sum()
    expected = math.log(law.sum()), mean, law @ (k - mean) ** 2 / law.sum()
    np.testing.assert_allclose(poisson_unit(x), expected, rtol=1e-12, atol=1e-15)


def test_shapes():
    unit = soft_unit(np.zeros((3, 1)), [0.0, 1.0])
    assert isinstance(unit, Unit)
    assert {np.shape(part) for part in unit} == {(3, 2)}
    assert unit == soft_unit(np.zeros((3, 2)), np.array([0.0, 1.0]))
    assert unit != soft_unit(np.ones((3, 2)), 1.0)
    assert np.shape(poisson_unit([[0.1, 0.2]]).mean) == (1, 2)
    assert type(soft_unit(1, 1).cumulant) is type(poisson_unit(1).cumulant) is float
    assert np.shape(soft_unit([], 0.5).mean) == (0,)


def test_bad_arguments_are_refused():
    for softness, message in ((1.1, r"at most 1; got 1\.1"), (-0.1, r"at least 0; got -0\.1")):
        with pytest.raises(ValueError, match=f"softness must be {message}"):
            soft_unit([1.0, 2.0], [0.5, softness])
    for field in (math.nan, math.inf):
        for function in (lambda x: soft_unit(x, 0.5), poisson_unit):
            with pytest.raises(ValueError, match=f"field must be finite; got {field}"):
                function(field)
    with pytest.raises(ValueError, match=r"field must be within \+-1e\+150; got one of size 1e\+200"):
        soft_unit(-1e200, 1.0)
    with pytest.raises(ValueError, match=r"field must be at most 700; got 701\.0"):
        poisson_unit([1.0, 701.0])
    with pytest.raises(TypeError, match="field must hold real numbers"):
        soft_unit("1", 0.5)
