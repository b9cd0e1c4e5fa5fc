"""Kaufman's torus against arbitrary precision, counted states and published numbers."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smbook.theory import ising
from smbook.theory.ising import CRITICAL_BETA, CRITICAL_TEMPERATURE
from tests.theory.ising.reference import PHYSICS, counted_states, derivative


def kaufman_reference(n, m, k):
    """Kaufman's formula as it stands, with the derivatives of each product, in 50 digits."""
    with mp.workdps(50):
        k = mp.mpf(k)
        s, c = mp.sinh(2 * k), mp.cosh(2 * k)
        level = (c * c / s, 2 * c * (1 - 1 / s**2), 4 * s * (1 - 1 / s**2) + 8 * c * c / s**3)

        def gamma(index):
            if index == 0:
                return 2 * k + mp.log(mp.tanh(k)), 2 + 2 / s, -4 * c / s**2
            cosh = level[0] - mp.cos(mp.pi * index / n)
            sinh = mp.sqrt(cosh**2 - 1)
            slope = level[1] / sinh
            return mp.log(cosh + sinh), slope, (level[2] - cosh * slope**2) / sinh

        def product(parity, function, derivative):
            value, first, second = mp.mpf(1), mp.mpf(0), mp.mpf(0)
            for index in range(parity, 2 * n, 2):
                g, slope, curvature = gamma(index)
                ratio = derivative(m * g / 2) / function(m * g / 2)
                value *= 2 * function(m * g / 2)
                first += m * slope / 2 * ratio
                second += m * curvature / 2 * ratio + (m * slope / 2) ** 2 * (1 - ratio**2)
            return value, first, second

        products = [
            product(parity, *f) for parity in (1, 0) for f in ((mp.cosh, mp.sinh), (mp.sinh, mp.cosh))
        ]
        z = sum(value for value, _, _ in products)
        first = sum(value * d for value, d, _ in products) / z
        second = sum(value * (dd + d**2) for value, d, dd in products) / z - first**2
        sites = n * m
        return (
            mp.log(2 * s) / 2 + mp.log(z / 2) / sites,
            -(c / s + first / sites),
            k**2 * (second / sites - 2 / s**2),
        )


@pytest.mark.parametrize(
    "shape", [(2, 2), (2, 3), (3, 5), (5, 3), (4, 4), (7, 16), (33, 21), (64, 64), (2, 300)]
)
@pytest.mark.parametrize("k", [0.01, 0.3, CRITICAL_BETA, 0.4407, 1.0, 2.0])
def test_kaufman_keeps_its_digits(shape, k):
    expected = [float(value) for value in kaufman_reference(*shape, k)]
    result = ising.kaufman(shape, k)
    np.testing.assert_allclose(result, expected, rtol=1e-13, atol=1e-16)
    assert result == ising.kaufman(shape[::-1], k)


@pytest.mark.parametrize("k", [0.01, CRITICAL_BETA, 2.0])
def test_kaufman_keeps_its_digits_on_a_large_torus(k):
    expected = [float(value) for value in kaufman_reference(512, 512, k)]
    np.testing.assert_allclose(ising.kaufman((512, 512), k), expected, rtol=2e-13, atol=1e-16)


@pytest.mark.parametrize(
    ("length", "energy", "specific_heat"),
    [
        (4, -1.5656237876, 0.7832668259),
        (6, -1.5168731246, 0.9965818189),
        (8, -1.4915891074, 1.1455592400),
        (12, -1.4659608165, 1.3529506830),
        (16, -1.4530648528, 1.4987049590),
        (24, -1.4401334961, 1.7027336880),
        (32, -1.4336584661, 1.8467675900),
        (64, -1.4239383898, 2.1922113930),
        (128, -1.4190762721, 2.5363313350),
    ],
)
def test_kaufman_at_the_critical_point(length, energy, specific_heat):
    result = ising.kaufman((length, length), CRITICAL_BETA)
    assert result.energy == pytest.approx(energy, abs=6e-11)
    assert result.specific_heat == pytest.approx(specific_heat, abs=6e-10)


def test_kaufman_finite_size_amplitudes():
    half, full = (ising.kaufman((length, length), CRITICAL_BETA) for length in (256, 512))
    assert 512 * (full.energy + math.sqrt(2)) == pytest.approx(-0.62244, abs=6e-6)
    extrapolated = 2 * full.specific_heat - half.specific_heat  # the correction falls off as 1 / L
    assert extrapolated - 0.4945385895 * math.log(1024) == pytest.approx(0.1381, abs=1e-4)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 2.6, 4.0])
def test_large_torus_is_infinite_off_criticality(temperature):
    torus, infinite = ising.kaufman((512, 512), 1 / temperature), ising.onsager(1 / temperature)
    excess = math.log(2) / 512**2 if temperature < CRITICAL_TEMPERATURE else 0.0
    assert torus.log_partition - excess == pytest.approx(infinite.log_partition, rel=1e-14)
    np.testing.assert_allclose(torus[1:], infinite[1:], rtol=1e-12)


@PHYSICS
@given(
    shape=st.tuples(st.integers(2, 6), st.integers(2, 6)),
    beta=st.floats(0.0, 2.5),
    coupling=st.floats(0.1, 1.5),
)
@example(shape=(2, 2), beta=0.0, coupling=1.0)
def test_kaufman_agrees_with_counted_states(shape, beta, coupling):
    counted = counted_states(shape).observables(beta, coupling=coupling)
    np.testing.assert_allclose(
        ising.kaufman(shape, beta, coupling=coupling), counted[:3], rtol=1e-11, atol=1e-14
    )


@PHYSICS
@given(shape=st.tuples(st.integers(2, 40), st.integers(2, 40)), beta=st.floats(0.05, 1.5))
def test_kaufman_densities_are_derivatives(shape, beta):
    result = ising.kaufman(shape, beta)
    slope = derivative(lambda b: ising.kaufman(shape, b).log_partition, beta)
    curvature = derivative(lambda b: ising.kaufman(shape, b).energy, beta)
    assert result.energy == pytest.approx(-slope, abs=1e-8)
    assert result.specific_heat == pytest.approx(-(beta**2) * curvature, rel=1e-6, abs=1e-8)


def test_kaufman_antiferromagnet():
    counted = counted_states((4, 6)).observables(0.7, coupling=-0.8)
    np.testing.assert_allclose(ising.kaufman((4, 6), 0.7, coupling=-0.8), counted[:3], rtol=1e-13)
    with pytest.raises(ValueError, match=r"odd side frustrates.*\(3, 4\)"):
        ising.kaufman((3, 4), 0.7, coupling=-0.8)


def test_kaufman_at_extreme_temperatures():
    assert ising.kaufman((512, 300), 0.0) == (pytest.approx(math.log(2), rel=1e-15), 0, 0)
    cold = ising.kaufman((512, 300), 1e4)
    assert cold == (pytest.approx(2e4 + math.log(2) / (512 * 300), rel=1e-15), -2, 0)
