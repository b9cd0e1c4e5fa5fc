"""The phase diagram: published values, what holds on each line, and the limits of small and large load."""

import math

import numpy as np
import pytest

from smbook.theory.hopfield import (
    CAPACITY,
    COEXISTENCE_LOAD,
    almeida_thouless_temperature,
    capacity,
    coexistence_temperature,
    replica_symmetric,
    retrieval_temperature,
    spin_glass_temperature,
)

TABLE = {  # alpha: T_M, T_c, T_g
    0.001: (0.93782, 0.91610, 1.03162),
    0.005: (0.86000, 0.80736, 1.07071),
    0.01: (0.80102, 0.72162, 1.10000),
    0.02: (0.71648, 0.59130, 1.14142),
    0.03: (0.65042, 0.47879, 1.17321),
    0.04: (0.59357, 0.36523, 1.20000),
    0.05: (0.54226, 0.21638, 1.22361),
    0.08: (0.40457, None, 1.28284),
    0.10: (0.31543, None, 1.31623),
    0.12: (0.21509, None, 1.34641),
    0.13: (0.14892, None, 1.36056),
    0.135: (0.10061, None, 1.36742),
}
LINES = [spin_glass_temperature, retrieval_temperature, coexistence_temperature, almeida_thouless_temperature]


@pytest.mark.parametrize("alpha", TABLE)
def test_phase_diagram(alpha):
    melting, coexistence, freezing = TABLE[alpha]
    assert retrieval_temperature(alpha) == pytest.approx(melting, abs=1e-5)
    assert spin_glass_temperature(alpha) == pytest.approx(freezing, abs=6e-6)
    if coexistence is None:
        with pytest.raises(ValueError, match=f"alpha={alpha}: retrieval is not the lowest state at any temp"):
            coexistence_temperature(alpha)
    else:
        assert coexistence_temperature(alpha) == pytest.approx(coexistence, abs=1e-5)


@pytest.mark.parametrize("alpha", [1e-6, 1e-3, 0.03, 0.1, 0.137])
def test_retrieval_ends_at_a_fold(alpha):
    """The overlap is finite there, and falls towards it as a square root."""
    edge = retrieval_temperature(alpha)
    assert capacity(1 / edge) == pytest.approx(alpha, rel=1e-10)
    with pytest.raises(ValueError, match="no retrieval state"):
        replica_symmetric(alpha, 1 / (edge * (1 + 1e-9)))
    gaps = (1 - edge) * np.array([1e-4, 1e-6])
    far, near = replica_symmetric(alpha, 1 / (edge - gaps)).m
    last = replica_symmetric(alpha, 1 / (edge - 1e-10 * (1 - edge))).m
    assert (far - last) / (near - last) == pytest.approx(10, rel=0.03)
    assert last > 0.7 * math.sqrt(3 * (1 - edge)) * 0.7


@pytest.mark.parametrize("alpha", [1e-6, 1e-3, 0.03, 0.0518, 0.0525])
def test_retrieval_is_lowest_below_the_coexistence_line(alpha):
    edge = coexistence_temperature(alpha)
    for temperature, sign in ((edge - 1e-4 * (1 - edge), -1), (edge, 0), (edge + 1e-4 * (1 - edge), 1)):
        memory = replica_symmetric(alpha, 1 / temperature)
        glass = replica_symmetric(alpha, 1 / temperature, state="spin-glass")
        gap = memory.free_energy - glass.free_energy
        assert gap == pytest.approx(0, abs=2e-14) if sign == 0 else sign * gap > 0


@pytest.mark.parametrize("alpha", [1 / 82, 1 / 80, 0.03, 0.1, 0.137, 0.138])
def test_retrieval_is_marginal_on_the_line_of_instability(alpha):
    edge = almeida_thouless_temperature(alpha)
    assert replica_symmetric(alpha, 1 / edge).at_stability == pytest.approx(0, abs=1e-7)
    assert replica_symmetric(alpha, 1 / (1.01 * edge)).at_stability > 1e-3
    assert replica_symmetric(alpha, 1 / (0.99 * edge)).at_stability < -1e-3


def test_lines_at_small_load():
    loads = np.array([1e-14, 1e-12, 1e-10, 1e-8])
    for line, slope in ((retrieval_temperature, 1.95408), (coexistence_temperature, 2.59588)):
        np.testing.assert_allclose((1 - line(loads)) / np.sqrt(loads), slope, rtol=3e-4)
        assert line(0.0) == 1.0
        assert (np.diff(line(np.linspace(0, 0.05, 12))) < 0).all()
    assert almeida_thouless_temperature(0.02) == pytest.approx(
        math.sqrt(8 * 0.02 / (9 * math.pi)) * math.exp(-25), rel=1e-7
    )
    assert almeida_thouless_temperature([0.0, 1e-300, 1e-4]).tolist() == [0.0, 0.0, 0.0]
    assert spin_glass_temperature(1e12) / 1e6 == pytest.approx(1, rel=2e-6)


def test_lines_turn_back_at_low_temperature():
    """An artefact of replica symmetry (Naef and Canning 1992): the lines reach beyond their ends at T = 0."""
    temperatures = np.array([0.005, 0.02, 0.0228735, 0.03, 0.05])
    loads = capacity(1 / temperatures)
    assert loads.argmax() == 2
    assert loads[2] == pytest.approx(0.1381885, abs=1e-7)
    assert capacity(math.inf) == CAPACITY == pytest.approx(loads[0], abs=2e-4)
    assert retrieval_temperature(loads[3]) == pytest.approx(0.03, abs=1e-9)
    assert retrieval_temperature(0.13818) > 0.0229
    assert coexistence_temperature(COEXISTENCE_LOAD * 1.01) > coexistence_temperature(0.0530) > 0.085
    for load, line, message in (
        (
            0.1382,
            retrieval_temperature,
            r"alpha=0\.1382: retrieval ends at 0\.137906 for T = 0 and at 0\.138189",
        ),
        (0.0532, coexistence_temperature, "retrieval is not the lowest state at any temperature"),
        (0.1382, almeida_thouless_temperature, r"retrieval is unstable above alpha = 0\.138186"),
        ([0.01, 5.0], retrieval_temperature, r"alpha=5\.0"),
    ):
        with pytest.raises(ValueError, match=message):
            line(load)


def test_capacity_falls_to_zero():
    assert capacity([1.0, 0.5]).tolist() == [0.0, 0.0]
    gaps = np.array([1e-10, 1e-8, 9e-8, 1.1e-7, 1e-5])
    np.testing.assert_allclose(capacity(1 / (1 - gaps)) / gaps**2, 0.2618868, rtol=1e-4)
    assert capacity(1 / (1 - 1e-5)) == pytest.approx((1e-5 / 1.954086) ** 2, rel=1e-6)
    betas = np.array([1e9 * (1 - 1e-9), 1e9 * (1 + 1e-9), 1e300])
    np.testing.assert_allclose(capacity(betas), CAPACITY, rtol=1e-8)


@pytest.mark.parametrize("line", LINES)
def test_numbers_and_arrays(line):
    loads = np.array([[0.01, 0.03], [0.05, 0.02]])
    values = line(loads)
    assert values.shape == (2, 2)
    assert type(line(0.03)) is float
    assert line(0.03) == line(np.float64(0.03)) == values[0, 1]
    assert line([]).shape == (0,)


@pytest.mark.parametrize("line", LINES)
def test_bad_loads_are_refused(line):
    for value in (-0.1, math.nan, math.inf, [0.01, -1.0]):
        with pytest.raises(ValueError, match="alpha must be"):
            line(value)
    for value in ("0.1", True, None):
        with pytest.raises(TypeError, match="alpha must hold real numbers"):
            line(value)


def test_bad_temperatures_are_refused():
    for value in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="beta must be"):
            capacity(value)
    with pytest.raises(TypeError, match="beta must"):
        capacity("2")
