"""The infinite square lattice against arbitrary precision, duality and published numbers."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.theory import ising
from smbook.theory.ising import CRITICAL_BETA, CRITICAL_TEMPERATURE
from tests.theory.ising.reference import PHYSICS, derivative


def onsager_reference(k):
    with mp.workdps(50):
        k = mp.mpf(k)
        modulus = 2 * mp.sinh(2 * k) / mp.cosh(2 * k) ** 2
        complement = 2 * mp.tanh(2 * k) ** 2 - 1
        first, second = mp.ellipk(modulus**2), mp.ellipe(modulus**2)
        corner = abs(complement)
        nodes = sorted(
            {mp.mpf(0), *(x for x in (corner / 10, corner, 10 * corner) if 0 < x < 1.5), mp.pi / 2}
        )
        integral = mp.quad(lambda t: mp.log((1 + mp.sqrt(1 - (modulus * mp.cos(t)) ** 2)) / 2), nodes)
        bracket = 2 * first - 2 * second - (1 - complement) * (mp.pi / 2 + complement * first)
        return (
            mp.log(2 * mp.cosh(2 * k)) + integral / mp.pi,
            -mp.coth(2 * k) * (1 + 2 / mp.pi * complement * first),
            2 / mp.pi * (k * mp.coth(2 * k)) ** 2 * bracket,
        )


def test_constants():
    assert math.sinh(2 * CRITICAL_BETA) == pytest.approx(1, abs=4e-16)
    assert pytest.approx(0.44068679350977147, abs=1e-16) == CRITICAL_BETA
    assert pytest.approx(2.269185314213022, abs=1e-15) == CRITICAL_TEMPERATURE
    ratio, error = 0.856216, 1e-6  # Kamieniarz and Bloete's Q = <m^2>^2 / <m^4>
    assert pytest.approx(1 - 1 / (3 * ratio), abs=5e-8) == ising.CRITICAL_BINDER
    assert error / (3 * ratio**2) == pytest.approx(5e-7, rel=0.1)


@pytest.mark.parametrize(
    ("temperature", "energy", "specific_heat", "log_partition", "magnetization"),
    [
        (1.0, -1.9971602041, 0.0233795647, 2.0003482837, 0.9992757520),
        (1.5, -1.9511165731, 0.1972745402, 1.3389621236, 0.9864996026),
        (2.0, -1.7455645753, 0.7248714486, 1.0257928127, 0.9113193779),
        (2.2, -1.5464891441, 1.4142776913, 0.9503391383, 0.7847551314),
        (2.25, -1.4631027326, 2.0530770254, 0.9351105449, 0.6718540267),
        (2.3, -1.3428663877, 1.8223686861, 0.9215777822, 0),
        (2.5, -1.1060792037, 0.8616983568, 0.8793638208, 0),
        (3.0, -0.8173095925, 0.4013795759, 0.8158827319, 0),
        (4.0, -0.5572722406, 0.1711884115, 0.7591064785, 0),
        (5.0, -0.4282288332, 0.0976521776, 0.7345308123, 0),
    ],
)
def test_onsager_and_yang_table(temperature, energy, specific_heat, log_partition, magnetization):
    result = ising.onsager(1 / temperature)
    np.testing.assert_allclose(result, (log_partition, energy, specific_heat), rtol=0, atol=6e-11)
    assert ising.spontaneous_magnetization(1 / temperature) == pytest.approx(magnetization, abs=6e-11)


@pytest.mark.parametrize(
    "k", [1e-8, 1e-3, 0.1, 0.15, 0.2, 0.3, 0.43, 0.4406, 0.44068, 0.4407, 0.45, 0.6, 0.8, 1.0, 2.0, 5.0, 10.0]
)
def test_onsager_keeps_its_digits(k):
    expected = [float(value) for value in onsager_reference(k)]
    np.testing.assert_allclose(ising.onsager(k), expected, rtol=2e-13)
    np.testing.assert_allclose(ising.onsager(k / 2, coupling=-2.0).energy, 2 * expected[1], rtol=2e-13)


def test_onsager_at_the_critical_point():
    result = ising.onsager(CRITICAL_BETA)
    catalan = 0.915965594177219015
    assert result.energy == pytest.approx(-math.sqrt(2), rel=1e-15)
    assert result.log_partition == pytest.approx(math.log(2) / 2 + 2 * catalan / math.pi, rel=1e-15)
    assert result.log_partition + CRITICAL_BETA * result.energy == pytest.approx(0.3064701582, abs=6e-11)
    assert result.specific_heat == math.inf
    near = ising.onsager(1 / (CRITICAL_TEMPERATURE * (1 - np.array([1e-6, 1e-8])))).specific_heat
    assert np.diff(near)[0] / math.log(100) == pytest.approx(0.4945385895, rel=1e-4)
    assert 8 * CRITICAL_BETA**2 / math.pi == pytest.approx(0.4945385895, abs=6e-11)


def test_onsager_at_extreme_temperatures():
    assert ising.onsager(0.0) == (pytest.approx(math.log(2), rel=1e-15), 0, 0)
    assert ising.onsager(1e4) == (pytest.approx(2e4, rel=1e-15), -2, 0)
    assert ising.onsager(3.0, coupling=0.0) == (pytest.approx(math.log(2), rel=1e-15), 0, 0)


@PHYSICS
@given(k=st.floats(0.02, 2.0))
def test_onsager_is_self_dual(k):
    dual = -math.log(math.tanh(k)) / 2
    here, there = ising.onsager(k), ising.onsager(dual)
    expected = there.log_partition + math.log(math.sinh(2 * k))
    assert here.log_partition == pytest.approx(expected, rel=1e-13, abs=1e-13)
    assert here.energy == pytest.approx(
        -derivative(lambda b: ising.onsager(b).log_partition, k, 1e-5), abs=1e-6
    )


def test_yang_exponent_and_sign():
    epsilon = np.array([1e-9, 1e-12])
    m = ising.spontaneous_magnetization(CRITICAL_BETA * (1 + epsilon))
    expected = (8 * math.sqrt(2) * CRITICAL_BETA * epsilon) ** 0.125
    np.testing.assert_allclose(m, expected, rtol=2e-5)
    assert ising.spontaneous_magnetization(CRITICAL_BETA) == 0
    assert ising.spontaneous_magnetization(1.0, coupling=-1.0) == 0
    assert ising.spontaneous_magnetization(1e4) == 1


def strip(width, k, twist):
    """Return ln of the largest eigenvalue of a tube's transfer matrix, one bond of each row times `twist`."""
    s = 1 - 2 * (np.arange(2**width)[:, np.newaxis] >> np.arange(width) & 1)
    around = s * np.roll(s, -1, axis=1)
    around[:, -1] *= twist
    half = np.exp(k / 2 * around.sum(axis=1))
    return math.log(np.linalg.eigvalsh(half[:, np.newaxis] * np.exp(k * s @ s.T) * half)[-1])


@pytest.mark.parametrize(("k", "error"), [(0.5, 0.03), (2 / 3, 6e-4), (1.0, 1e-6)])
def test_surface_tension_is_the_price_of_a_wall_along_a_tube(k, error):
    """A row of bonds that reward disagreement puts a wall along the tube; above T_c it costs nothing."""
    prices = [strip(width, k, 1) - strip(width, k, -1) for width in (4, 6, 8)]
    misses = np.abs(np.array(prices) - k * ising.surface_tension(k))
    assert misses[0] > misses[1] > misses[2]
    assert misses[2] < error
    hot = [strip(width, 0.2, 1) - strip(width, 0.2, -1) for width in (4, 6, 8)]
    assert hot[0] > 5 * hot[1] > 25 * hot[2] > 0


@PHYSICS
@given(excess=st.floats(1e-12, 5.0))
def test_surface_tension_keeps_its_digits(excess):
    k = CRITICAL_BETA + excess
    with mp.workdps(50):
        exact = 2 + mp.log(mp.tanh(mp.mpf(k))) / mp.mpf(k)
        offset = mp.asinh(1) / 2 - mp.mpf(CRITICAL_BETA)  # the double differs from it by 1e-17
        allowed = float(4 * abs(offset) / k + mp.mpf("1e-14") * exact)
    assert ising.surface_tension(k) == pytest.approx(float(exact), rel=0, abs=allowed)


def test_surface_tension_by_numbers():
    t = np.array([1.0, 1.5, 2.0, 2.2])
    expected = 2 + t * np.log(np.tanh(1 / t))
    np.testing.assert_allclose(ising.surface_tension(1 / t), expected, rtol=1e-13)
    assert ising.surface_tension(1 / 1.5) == pytest.approx(1.190089, abs=5e-7)
    assert ising.surface_tension(np.array([0.0, 0.3, CRITICAL_BETA])).tolist() == [0, 0, 0]
    assert ising.surface_tension(1e4) == 2
    assert ising.surface_tension(0.25, coupling=-4.0) == 4 * ising.surface_tension(1.0)
    near = ising.surface_tension(1 / (CRITICAL_TEMPERATURE * (1 - 1e-6))) * 1e6
    assert near == pytest.approx(
        4 * CRITICAL_TEMPERATURE * CRITICAL_BETA, rel=1e-5
    )  # vanishes linearly: nu = 1
