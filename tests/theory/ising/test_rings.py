"""Rings and chains against enumeration, arbitrary precision and one another."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from smbook.theory import ising
from tests.theory.ising.reference import (
    BETAS,
    COUPLINGS,
    FIELDS,
    PHYSICS,
    derivative,
    enumerate_lattice,
)


def test_ring_of_ten():
    result = ising.ring(10, 0.5)
    assert 10 * result.log_partition == pytest.approx(8.1330609176, abs=1e-10)
    assert result.energy == pytest.approx(-0.4628726771, abs=1e-10)
    assert result.susceptibility / 0.5 == pytest.approx(2.7158682993, abs=1e-10)
    assert result.magnetization == 0
    assert ising.correlation_length(0.5) == pytest.approx(1.2954427841, abs=1e-10)
    assert ising.correlation_length(0.5, coupling=-1.0) == ising.correlation_length(0.5)
    assert ising.correlation_length(0.0) == 0


@PHYSICS
@given(n=st.integers(2, 11), beta=BETAS, coupling=COUPLINGS, field=FIELDS)
@example(n=2, beta=1.0, coupling=0.0, field=0.0)
@example(n=3, beta=2.0, coupling=-1.0, field=0.0)
@example(n=4, beta=0.0, coupling=1.0, field=1.0)
@example(n=7, beta=3.0, coupling=1.0, field=-1e-9)
def test_ring_agrees_with_enumeration(n, beta, coupling, field):
    exact = enumerate_lattice((n,), beta, coupling, field)
    np.testing.assert_allclose(
        ising.ring(n, beta, coupling=coupling, field=field), exact, rtol=1e-11, atol=1e-12
    )


@PHYSICS
@given(n=st.integers(2, 14), beta=BETAS, coupling=COUPLINGS, field=FIELDS)
def test_ring_agrees_with_counted_states(n, beta, coupling, field):
    counted = ising.density_of_states((n,)).observables(beta, coupling=coupling, field=field)
    np.testing.assert_allclose(
        ising.ring(n, beta, coupling=coupling, field=field), counted, rtol=1e-11, atol=1e-12
    )


@PHYSICS
@given(
    n=st.integers(2, 5000), beta=st.floats(0.1, 2.0), coupling=st.floats(0.1, 1.0), field=st.floats(-0.5, 0.5)
)
def test_ring_densities_are_derivatives(n, beta, coupling, field):
    result = ising.ring(n, beta, coupling=coupling, field=field)

    def at(b, h):
        return ising.ring(n, b, coupling=coupling, field=h)

    assert result.energy == pytest.approx(-derivative(lambda b: at(b, field).log_partition, beta), abs=1e-9)
    slope = derivative(lambda b: at(b, field).energy, beta)
    assert result.specific_heat == pytest.approx(-(beta**2) * slope, rel=1e-5, abs=1e-8)
    tilt = derivative(lambda h: at(beta, h).log_partition, field)
    assert beta * result.magnetization == pytest.approx(tilt, rel=1e-5, abs=1e-8)
    mirrored = at(beta, -field)
    assert mirrored.magnetization == -result.magnetization
    assert mirrored[:3] == result[:3]
    assert mirrored.susceptibility == result.susceptibility


@pytest.mark.parametrize("beta", [1e-6, 0.5, 5.0, 15.0])
def test_cold_and_hot_rings_keep_their_digits(beta):
    n, x, t = 100, mp.exp(-2 * mp.mpf(beta)), mp.tanh(mp.mpf(beta))
    with mp.workdps(60):
        x, t = mp.exp(-2 * mp.mpf(beta)), mp.tanh(mp.mpf(beta))
        energy = -(t + t ** (n - 1)) / (1 + t**n)
        slope = (1 + (n - 1) * t ** (n - 2)) / (1 + t**n) + energy * n * t ** (n - 1) / (1 + t**n)
        heat = mp.mpf(beta) ** 2 * (1 - t**2) * slope
        response = beta / x * (1 - t**n) / (1 + t**n)
        result = ising.ring(n, beta)
        assert result.energy == pytest.approx(float(energy), rel=1e-14)
        assert result.specific_heat == pytest.approx(float(heat), rel=1e-13)
        assert result.susceptibility == pytest.approx(float(response), rel=1e-13)


@PHYSICS
@given(n=st.integers(2, 30), beta=st.floats(0.0, 1.5), coupling=COUPLINGS, field=FIELDS)
def test_transfer_matrix_gives_the_ring(n, beta, coupling, field):
    matrix = ising.transfer_matrix(beta, coupling=coupling, field=field)
    trace = np.trace(np.linalg.matrix_power(matrix, n))
    assert ising.ring(n, beta, coupling=coupling, field=field).log_partition == pytest.approx(
        math.log(trace) / n
    )


def test_transfer_matrix_entries():
    expected = np.exp([[0.5 * (2.0 + 0.3), -1.0], [-1.0, 0.5 * (2.0 - 0.3)]])
    np.testing.assert_allclose(ising.transfer_matrix(0.5, coupling=2.0, field=0.3), expected, rtol=1e-15)
    with pytest.raises(ValueError, match=r"overflows.*1000"):
        ising.transfer_matrix(1000.0)


@pytest.mark.parametrize("coupling", [1.0, -0.7])
@pytest.mark.parametrize("n", [2, 5, 8])
def test_ring_correlation_agrees_with_enumeration(n, coupling):
    bits = (np.arange(2**n)[:, np.newaxis] >> np.arange(n)) & 1
    spins = 1 - 2 * bits
    weight = np.exp(0.8 * coupling * (spins * np.roll(spins, 1, axis=1)).sum(axis=1))
    expected = (weight[:, np.newaxis] * spins * spins[:, :1]).sum(axis=0) / weight.sum()
    result = ising.ring_correlation(n, 0.8, distance=np.arange(n), coupling=coupling)
    np.testing.assert_allclose(result, expected, atol=1e-14)


def test_ring_correlation_at_the_ends():
    assert ising.ring_correlation(7, 0.0, distance=0) == 1
    assert ising.ring_correlation(7, 0.0, distance=3) == 0
    assert ising.ring_correlation(7, 1e3, distance=3) == 1
    assert ising.ring_correlation(7, 1e3, distance=1, coupling=-1.0) == pytest.approx(-(1 - 2 / 7))
    result = ising.ring(50, 0.9)
    assert ising.ring_correlation(50, 0.9, distance=np.arange(50)).sum() * 0.9 == pytest.approx(
        result.susceptibility
    )
    assert ising.ring_correlation(50, 0.9, distance=1) == pytest.approx(-result.energy)


@PHYSICS
@given(beta=BETAS, coupling=COUPLINGS, field=FIELDS)
def test_chain_is_the_limit_of_the_ring(beta, coupling, field):
    assume(ising.correlation_length(beta, coupling=coupling) < 400)
    limit = ising.chain(beta, coupling=coupling, field=field)
    long = ising.ring(100_001, beta, coupling=coupling, field=field)
    np.testing.assert_allclose(limit, long, rtol=1e-12, atol=1e-13)
    sinh = math.sinh(beta * field)
    slow = math.hypot(sinh, math.exp(-2 * beta * coupling))
    assert limit.magnetization == pytest.approx(sinh / slow, rel=1e-13, abs=1e-300)


def test_chain_at_extreme_temperatures():
    hot = ising.chain(0.0, field=1.0)
    assert hot.log_partition == pytest.approx(math.log(2), rel=1e-15)
    assert hot[1:] == (0, 0, 0, 0)
    cold = ising.chain(1e4)
    assert cold[:4] == (1e4, -1, pytest.approx(0, abs=1e-200), 0)
    assert cold.susceptibility == pytest.approx(1e304)
    assert ising.chain(1e4, field=0.1)[1:4] == pytest.approx((-1.1, 0, 1))
    assert ising.chain(1e4, coupling=-1.0, field=0.1)[1:4] == pytest.approx((-1, 0, 0))
