"""Extensive load: the states of Amit et al. at softness 1, two layers of spins at 0, and between."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from smbook.theory import hopfield
from smbook.theory.boltzmann import (
    soft_capacity,
    soft_glass_temperature,
    soft_retrieval,
    soft_state,
    soft_unit,
)
from tests.theory.spin_glass.reference import log_cosh, slope

Z = np.linspace(-9.5, 9.5, 4001)  # equal steps are the best rule for what is smooth and ends
WEIGHT = np.exp(-(Z**2) / 2) / np.exp(-(Z**2) / 2).sum()
STATES = [
    ("retrieval", 0.02, 0.3, 0.8),
    ("retrieval", 0.05, 0.15, 0.6),
    ("retrieval", 0.001, 0.05, 0.1),
    ("retrieval", 0.03, 0.5, 1.0),
    ("glass", 0.02, 0.3, 0.8),
    ("glass", 0.3, 0.4, 0.0),
    ("glass", 0.3, 0.9, 0.5),
    ("glass", 3.0, 1.0, 0.3),
    ("glass", 0.1, 1.1, 1.0),
]


def hidden(q, temperature, softness):
    """D, sqrt(1 - Omega) and the fields h of hidden units."""
    stiffness = 1 - softness * (1 - q) / temperature
    return stiffness, math.sqrt(1 - softness), math.sqrt(q / temperature) * Z


def functional(load, temperature, softness, m, q, p):
    """The free energy as it is written down in theory, for any order parameters."""
    beta, (stiffness, root, h) = 1 / temperature, hidden(q, temperature, softness)
    visible = WEIGHT @ (log_cosh(beta * softness * m + math.sqrt(load * beta * p) * Z) + math.log(2))
    smooth = (beta * (1 - q) * (1 - softness) + beta * q * softness) / (2 * stiffness)
    units = smooth - math.log(stiffness) / 2 + WEIGHT @ log_cosh(root * h / stiffness)
    return softness * m**2 / 2 + load * p * (1 - q) / 2 - (visible + load * units) / beta


def mapped(load, temperature, softness, m, q):
    """One step of the equations, and the two factors of their stability."""
    beta, (stiffness, root, h) = 1 / temperature, hidden(q, temperature, softness)
    t = np.tanh(root * h / stiffness)
    p = WEIGHT @ ((softness * h + root * t) / stiffness) ** 2
    s = np.tanh(beta * softness * m + math.sqrt(load * beta * p) * Z)
    variance = softness / stiffness + (root / stiffness) ** 2 * (1 - t**2)
    return WEIGHT @ s, WEIGHT @ s**2, p, WEIGHT @ (1 - s**2) ** 2, WEIGHT @ variance**2


@pytest.mark.parametrize(
    ("load", "temperature"), [(0.05, 0.5), (0.02, 0.65), (0.1, 0.3), (0.137, 0.02), (0.0, 0.7)]
)
def test_gaussian_units_retrieve_as_amit_et_al_say(load, temperature):
    state, known = soft_state(load, temperature, 1.0), hopfield.replica_symmetric(load, 1 / temperature)
    found = (state.m, state.q, state.p * temperature, state.free_energy + load / 2, state.at_stability)
    expected = (known.m, known.q, known.r, known.free_energy, known.at_stability)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("load", "temperature"), [(0.05, 0.5), (0.1, 1.1), (3.0, 1.2), (0.1, 0.01), (1e-6, 1.0005)]
)
def test_gaussian_units_freeze_as_amit_et_al_say(load, temperature):
    state = soft_state(load, temperature, 1.0, phase="glass")
    known = hopfield.replica_symmetric(load, 1 / temperature, state="spin-glass")
    found = (state.m, state.q, state.p * temperature, state.free_energy + load / 2, state.at_stability)
    expected = (0, known.q, known.r, known.free_energy, known.at_stability)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("phase", "load", "temperature", "softness"), STATES)
def test_states_solve_the_equations_and_make_f_stationary(phase, load, temperature, softness):
    state = soft_state(load, temperature, softness, phase=phase)
    m, q, p, spins, units = mapped(load, temperature, softness, state.m, state.q)
    np.testing.assert_allclose((m, q, p), state[:3], rtol=1e-9, atol=1e-14)
    stability = 1 - load / temperature**2 * spins * units
    assert state.at_stability == pytest.approx(stability, rel=1e-9, abs=1e-12)
    values = list(state[:3])
    assert functional(load, temperature, softness, *values) == pytest.approx(state.free_energy, abs=1e-12)
    for k in range(3):

        def f(x, k=k):
            return functional(load, temperature, softness, *values[:k], x, *values[k + 1 :])

        assert slope(f, values[k], 1e-4) == pytest.approx(0, abs=2e-9)


@settings(max_examples=25, deadline=None)
@given(softness=st.floats(0.02, 1), hot=st.floats(0.02, 0.98), share=st.floats(0.01, 0.99))
def test_retrieval_up_to_the_capacity(softness, hot, share):
    temperature = hot * softness
    most = soft_capacity(temperature, softness)
    load = share * most
    state = soft_state(load, temperature, softness)
    assert 0 < state.q <= 1
    assert 0 < state.m <= soft_retrieval(temperature, softness) * (1 + 1e-12)
    assert state.p > 0
    # of both states of this load the one that plain iteration holds
    m, q = state.m * (1 + 1e-6), state.q * (1 + 1e-6)
    ahead = mapped(load, temperature, softness, m, min(q, 1.0))
    np.testing.assert_allclose(ahead[:2], (state.m, state.q), rtol=3e-5)
    with pytest.raises(ValueError, match=f"no retrieval state at .*: it ends at the load {most:.6g}"):
        soft_state(1.001 * most, temperature, softness)


@pytest.mark.parametrize(("temperature", "softness"), [(0.2, 0.5), (0.3, 0.8), (0.05, 0.1)])
def test_the_capacity_by_plain_iteration(temperature, softness):
    """From m = 1 the equations keep m below the capacity and lose it above."""
    most = soft_capacity(temperature, softness)
    for share, kept in ((0.97, True), (1.03, False)):
        m, q = 1.0, 1.0
        for _ in range(1500):
            m, q = mapped(share * most, temperature, softness, m, q)[:2]
            if q < 1 - temperature / softness:  # D < 0 comes after m is lost
                break
        assert bool(m > 0.3) is kept


def test_the_capacity():
    """That of Amit et al. at softness 1 and at T = 0; sqrt(T) next to 0, a cube next to T = Omega."""
    temperatures = np.array([0.01, 0.3, 0.9])
    np.testing.assert_allclose(
        soft_capacity(temperatures, 1.0), hopfield.capacity(1 / temperatures), rtol=1e-12
    )
    assert soft_capacity(0.0, [0.0, 0.1, 1.0]).tolist() == [0.0, hopfield.CAPACITY, hopfield.CAPACITY]
    for softness in (0.3, 0.8):
        lost = [hopfield.CAPACITY - soft_capacity(t * softness, softness) for t in (1e-8, 1e-6)]
        assert lost[1] / lost[0] == pytest.approx(10, rel=3e-3)
        near = [soft_capacity(softness * (1 - gap), softness) for gap in (1e-4, 1e-5)]
        assert near[0] / near[1] == pytest.approx(1000, rel=0.03)
    softness = np.array([0.05, 0.2, 0.5, 0.8, 0.95, 1.0])
    assert (np.diff(soft_capacity(0.04, softness)) > 0).all()
    assert soft_capacity([0.5, 0.7], 0.5).tolist() == [0, 0]


def test_low_load_is_the_mean_field_of_one_pattern():
    for temperature, softness in ((0.2, 0.5), (0.5, 0.9)):
        state = soft_state(0.0, temperature, softness)
        assert state.m == pytest.approx(soft_retrieval(temperature, softness), abs=1e-12)
        assert state.at_stability == 1.0
        assert soft_state(1e-12, temperature, softness).m == pytest.approx(state.m, abs=1e-9)


@pytest.mark.parametrize(("load", "temperature"), [(0.3, 0.2), (2.0, 0.7), (0.05, 0.1), (1.0, 0.4)])
def test_two_layers_of_spins_can_be_exchanged(load, temperature):
    """N and alpha N spins: the other layer's load is 1 / alpha, its beta is alpha beta, and q is p."""
    one = soft_state(load, temperature, 0.0, phase="glass")
    two = soft_state(1 / load, temperature / load, 0.0, phase="glass")
    assert (one.q, one.p) == pytest.approx((two.p, two.q), rel=1e-12)
    assert one.at_stability == pytest.approx(two.at_stability, rel=1e-10)
    log_partition = -one.free_energy / temperature + load * math.log(2)
    mirrored = -two.free_energy / (temperature / load) + math.log(2) / load
    assert log_partition == pytest.approx(load * mirrored, rel=1e-12)


@pytest.mark.parametrize("softness", [0.0, 0.2, 0.7, 1.0])
@pytest.mark.parametrize("load", [0.01, 0.25, 4.0])
def test_the_glass_ends_where_its_paramagnet_begins(load, softness):
    edge = soft_glass_temperature(load, softness)
    beta = 1 / edge
    assert math.sqrt(load) * beta * (1 - beta * softness**2) == pytest.approx(
        (1 - beta * softness) ** 2, rel=1e-9
    )
    gaps = np.array([1e-4, 1e-5])
    states = soft_state(load, edge * (1 - gaps), softness, phase="glass")
    assert states.q[0] / states.q[1] == pytest.approx(10, rel=0.05)  # q grows linearly from 0
    assert (states.at_stability < 0).all()
    assert states.at_stability[1] == pytest.approx(0, abs=5e-4)
    with pytest.raises(ValueError, match=f"no glass state at .*: it ends at T_g = {edge:.6g}"):
        soft_state(load, edge * 1.0001, softness, phase="glass")


@pytest.mark.parametrize("softness", [0.0, 0.3, 0.6, 1.0])
def test_the_glass_line_from_linear_equations(softness):
    """q' = alpha beta p and p = V^2 beta q, with the variance V of a hidden unit that sees its echo."""
    load = 0.16

    def gain(temperature):
        small = 1e-9
        return mapped(load, temperature, softness, 0.0, small)[1] / small - 1

    edge = brentq(gain, softness + 0.05, 3.0, xtol=1e-12)
    assert edge == pytest.approx(soft_glass_temperature(load, softness), rel=1e-6)


@pytest.mark.parametrize("softness", [0.0, 0.5, 1.0])
def test_stability_against_a_split_of_replicas(softness):
    """The response of q1 to itself in equations of one broken step at x -> 1, by differences."""
    load, temperature, step = 0.3, 0.5, 1e-4
    state = soft_state(load, temperature, softness, phase="glass")
    beta, (stiffness, root, h) = 1 / temperature, hidden(state.q, temperature, softness)
    stiffness += softness * step  # less is left to average out
    g, weight = np.polynomial.hermite_e.hermegauss(40)
    weight = weight / weight.sum()

    def split(fields, width, cumulant, mean):
        """< <mean^2>_1 >: the second field weighs with exp(cumulant)."""
        inner = fields[:, np.newaxis] + math.sqrt(width) * g
        tilt = np.exp(cumulant(inner)) * weight
        return WEIGHT @ ((tilt * mean(inner) ** 2).sum(axis=1) / tilt.sum(axis=1))

    def unit_cumulant(x):
        return softness * x**2 / (2 * stiffness) + log_cosh(root * x / stiffness)

    def unit_mean(x):
        return (softness * x + root * np.tanh(root * x / stiffness)) / stiffness

    spins = (split(math.sqrt(load * beta * state.p) * Z, step, log_cosh, np.tanh) - state.q) / step
    units = (split(h, step, unit_cumulant, unit_mean) - state.p) / step
    assert 1 - load * beta**2 * spins * units == pytest.approx(state.at_stability, abs=2e-3)


def test_known_values():
    state = soft_state(0.02, 0.3, 0.8)
    np.testing.assert_allclose(state[:3], (0.9836840684, 0.9679986427, 3.4317687595), rtol=1e-9)
    assert soft_glass_temperature(0.25, [0.0, 1.0]).tolist() == [0.5, 1.5]
    np.testing.assert_allclose(soft_glass_temperature([0.0, 0.04], 0.5), [0.5, 0.6 + math.sqrt(0.06)])


def test_temperatures_near_zero():
    """The bounded part of hidden units has no weight then, and the states are Hopfield's at T / Omega."""
    known = hopfield.replica_symmetric(0.1, math.inf)
    for softness in (0.2, 1.0):
        state = soft_state(0.1, 1e-14, softness)
        assert state.m == pytest.approx(known.m, abs=1e-6)
        assert state.p * 1e-14 == pytest.approx(known.r * softness**2, rel=1e-5)
        assert softness * known.free_energy == pytest.approx(state.free_energy + softness * 0.05, abs=1e-6)
        glass = soft_state(0.1, 1e-9, softness, phase="glass")
        assert math.isfinite(glass.free_energy)
    assert soft_state(0.01, 1e-100, 0.5).q == 1.0


def test_arrays_and_equality():
    state = soft_state([[0.01], [0.02]], [0.2, 0.25, 0.3], 0.9)
    assert {np.shape(part) for part in state} == {(2, 3)}
    one = soft_state(0.02, 0.25, 0.9)
    assert type(one.m) is type(soft_capacity(0.2, 0.5)) is type(soft_glass_temperature(0.2, 0.5)) is float
    assert one == type(one)(*(part[1, 1] for part in state))
    assert state == soft_state([[0.01], [0.02]], [0.2, 0.25, 0.3], 0.9)
    assert state != soft_state([[0.01], [0.02]], [0.2, 0.25, 0.3], 0.8)
    assert soft_unit(0.0, 0.9).variance == 1.0


def test_bad_arguments_are_refused():
    for arguments, message in (
        ((-0.1, 0.2, 0.5), r"load must be at least 0; got -0\.1"),
        ((0.1, 0.0, 0.5), r"temperature must be positive, at least 1e-100; got 0\.0"),
        ((0.1, -1.0, 0.5), r"temperature must be positive, at least 1e-100; got -1\.0"),
        ((0.1, 0.2, 1.5), r"softness must be at most 1; got 1\.5"),
        ((0.1, math.nan, 0.5), "temperature must be finite; got nan"),
        ((0.01, 0.5, 0.5), r"softness=0\.5: it needs a temperature below the softness"),
        ((0.01, 0.5, 0.0), r"softness=0\.0: it needs a temperature below the softness"),
    ):
        with pytest.raises(ValueError, match=message):
            soft_state(*arguments)
    with pytest.raises(ValueError, match="phase must be one of 'retrieval', 'glass'; got 'spin-glass'"):
        soft_state(0.1, 0.2, 0.5, phase="spin-glass")
    with pytest.raises(ValueError, match=r"no glass state at load=0\.0, .*: it needs a positive load"):
        soft_state(0.0, 0.2, 0.5, phase="glass")
    with pytest.raises(ValueError, match=r"temperature must be at least 0; got -1\.0"):
        soft_capacity(-1.0, 0.5)
    with pytest.raises(ValueError, match=r"load must be at least 0; got -1\.0"):
        soft_glass_temperature(-1.0, 0.5)
