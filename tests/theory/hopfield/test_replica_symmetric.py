"""Replica-symmetric states against the functional that they make stationary, limits, and enumeration."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.theory import ising, spin_glass
from smbook.theory.hopfield import (
    CAPACITY,
    CAPACITY_OVERLAP,
    COEXISTENCE_LOAD,
    _states,
    capacity,
    replica_symmetric,
    retrieval_error,
    retrieval_temperature,
)
from tests.theory.spin_glass.reference import log_cosh, slope

STATES = [
    ("retrieval", 0.05, 0.5),
    ("retrieval", 0.02, 0.65),
    ("retrieval", 0.1, 0.3),
    ("spin-glass", 0.05, 0.5),
    ("spin-glass", 0.1, 1.1),
    ("spin-glass", 3.0, 1.2),
    ("paramagnet", 0.05, 1.3),
    ("paramagnet", 2.0, 4.0),
]


Z = np.linspace(-9.5, 9.5, 4001)  # equal steps are the best rule for what is smooth and ends
WEIGHT = np.exp(-(Z**2) / 2) / np.exp(-(Z**2) / 2).sum()


def functional(alpha, temperature, m, q, r):
    """The free energy as it is written down in theory, for any order parameters."""
    beta = 1 / temperature
    response = beta * (1 - q)
    mean = WEIGHT @ (log_cosh(beta * (m + math.sqrt(alpha * r) * Z)) + math.log(2))
    noise = math.log(1 - response) - beta * q / (1 - response)
    return alpha / 2 + m**2 / 2 + alpha / (2 * beta) * noise + alpha * beta * r * (1 - q) / 2 - mean / beta


@pytest.mark.parametrize(
    ("temperature", "m", "q", "r"),
    [
        (0.2, 0.998878, 0.997830, 1.019837),
        (0.3, 0.991165, 0.982961, 1.104907),
        (0.4, 0.966187, 0.936682, 1.322123),
        (0.5, 0.904106, 0.833358, 1.874778),
    ],
)
def test_retrieval_at_one_twentieth(temperature, m, q, r):
    state = replica_symmetric(0.05, 1 / temperature)
    np.testing.assert_allclose(state[:3], (m, q, r), atol=6e-7)


def test_retrieval_at_zero_temperature():
    loads = np.array([0.05, 0.08, 0.10, 0.12, 0.13])
    expected = [0.99999223, 0.99955738, 0.99799927, 0.99322273, 0.98721189]
    state = replica_symmetric(loads, math.inf)
    np.testing.assert_allclose(state.m, expected, atol=6e-9)
    np.testing.assert_allclose(retrieval_error(loads), (1 - state.m) / 2, atol=1e-15)
    assert pytest.approx(0.1379055665, abs=6e-11) == CAPACITY
    assert pytest.approx(0.9674171, abs=6e-8) == CAPACITY_OVERLAP
    assert replica_symmetric(CAPACITY * (1 - 1e-12), math.inf).m == pytest.approx(CAPACITY_OVERLAP, abs=1e-5)
    assert retrieval_error(CAPACITY * (1 - 1e-12)) == pytest.approx(0.016291, abs=5e-6)
    assert retrieval_error(0.0) == 0.0
    assert retrieval_error(1e-3) == pytest.approx(math.sqrt(1e-3 / (2 * math.pi)) * math.exp(-500), rel=2e-3)


@pytest.mark.parametrize("alpha", [1e-6, 1e-3, 0.05, 0.1379, 1.0, 10.0])
def test_spin_glass_at_zero_temperature(alpha):
    state = replica_symmetric(alpha, math.inf, state="spin-glass")
    assert state.energy == pytest.approx(-1 / math.pi - math.sqrt(2 * alpha / math.pi), rel=1e-13)
    assert state.free_energy == state.energy
    assert (state.m, state.q, state.at_stability) == (0.0, 1.0, -math.inf)
    assert state.susceptibility / (1 - state.susceptibility) == pytest.approx(
        math.sqrt(2 / (math.pi * alpha)), rel=1e-12
    )
    assert state.entropy < 0


def test_energies_meet_at_the_coexistence_load():
    memory = replica_symmetric(COEXISTENCE_LOAD, math.inf)
    glass = replica_symmetric(COEXISTENCE_LOAD, math.inf, state="spin-glass")
    assert pytest.approx(0.0518543, abs=6e-8) == COEXISTENCE_LOAD
    assert memory.energy == pytest.approx(glass.energy, rel=1e-14)


@pytest.mark.parametrize(("name", "alpha", "temperature"), STATES)
def test_free_energy_is_stationary_at_its_value(name, alpha, temperature):
    state = replica_symmetric(alpha, 1 / temperature, state=name)
    point = np.array(state[:3])
    assert functional(alpha, temperature, *point) == pytest.approx(state.free_energy, abs=1e-12)
    for axis in range(3 if name != "paramagnet" else 1):

        def along(x, axis=axis):
            return functional(alpha, temperature, *np.where(np.arange(3) == axis, x, point))

        assert slope(along, point[axis], 1e-4 + 1e-4 * point[axis]) == pytest.approx(0, abs=3e-9)
    if name == "retrieval":
        assert abs(slope(lambda m: functional(alpha, temperature, m, *point[1:]), 0.99 * point[0])) > 1e-4


@pytest.mark.parametrize(("name", "alpha", "temperature"), [*STATES, ("retrieval", 0.137, 0.03)])
def test_energy_and_entropy_are_derivatives(name, alpha, temperature):
    state = replica_symmetric(alpha, 1 / temperature, state=name)

    def free_energy(t):
        return replica_symmetric(alpha, 1 / t, state=name).free_energy

    step = 2e-3 * temperature
    assert -slope(free_energy, temperature, step) == pytest.approx(state.entropy, abs=3e-9)
    beta = 1 / temperature
    energy = slope(lambda b: b * free_energy(1 / b), beta, 2e-3 * beta)
    assert energy == pytest.approx(state.energy, abs=3e-9)
    assert state.free_energy == pytest.approx(state.energy - temperature * state.entropy, abs=1e-14)


@settings(max_examples=60, deadline=None)
@given(log_load=st.floats(-6.0, -0.87), share=st.floats(0.05, 0.999))
def test_retrieval_solves_its_equations_on_the_stable_branch(log_load, share):
    alpha = 10**log_load
    temperature = share * retrieval_temperature(alpha)
    state = replica_symmetric(alpha, 1 / temperature)
    m, q, r = state[:3]
    beta, deviation = 1 / temperature, math.sqrt(alpha * r)
    z = np.linspace(-9, 9, 40001)
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()
    tanh = np.tanh(beta * (m + deviation * z))
    assert weight @ tanh == pytest.approx(m, abs=1e-10)
    assert weight @ tanh**2 == pytest.approx(q, abs=1e-10)
    assert q / (1 - beta * (1 - q)) ** 2 == pytest.approx(r, rel=1e-8)
    spread = weight @ (1 - tanh**2) ** 2
    assert state.at_stability == pytest.approx(
        1 - alpha * r / q * beta**2 * spread, rel=1e-7, abs=1e-7 * beta
    )
    _, load, fall = _states.retrieval_at(m / deviation, temperature)
    assert load == pytest.approx(alpha, rel=1e-9)
    assert fall < 0


@pytest.mark.parametrize("temperature", [1e-9, 1e-4, 0.1, 0.5, 0.9, 0.999])
def test_alpha_has_one_maximum_and_its_slope_is_right(temperature):
    ratios = np.linspace(math.log(0.4), math.log(30), 60)
    loads, slopes = np.transpose([_states.retrieval_at(math.exp(y), temperature)[1:] for y in ratios])
    assert (np.diff(slopes) < 1e-9).all()
    assert slopes[0] > 0 > slopes[-1]
    for y in (0.3, 0.8, 1.5):
        found = slope(lambda x: math.log(_states.retrieval_at(math.exp(x), temperature)[1]), y)
        assert _states.retrieval_at(math.exp(y), temperature)[2] == pytest.approx(found, abs=3e-7)
    assert loads.max() < capacity(1 / temperature) * (1 + 1e-12)


@pytest.mark.parametrize(("name", "alpha"), [("retrieval", 0.05), ("retrieval", 0.1378), ("spin-glass", 0.3)])
def test_zero_temperature_is_the_limit(name, alpha):
    cold = replica_symmetric(alpha, math.inf, state=name)
    for beta in (1e3, 1e5, 9.9e8, 1.1e9, 1e15, 1e250, 1.7e308):
        state = replica_symmetric(alpha, beta, state=name)
        np.testing.assert_allclose(state[:6], cold[:6], rtol=10 / beta + 1e-13, atol=3 / beta)
        assert state.susceptibility == pytest.approx(cold.susceptibility, rel=10 / beta + 1e-12)
        assert state.q == pytest.approx(1 - state.susceptibility / beta, rel=1e-14)
        assert state.at_stability < -1 or beta < 1e6
    warmer, colder = (replica_symmetric(alpha, 1e9 * (1 + sign * 1e-9), state=name)[:6] for sign in (-1, 1))
    np.testing.assert_allclose(warmer, colder, rtol=1e-13, atol=1e-18)


def test_no_load_is_the_ferromagnet():
    for temperature in (0.2, 0.5, 0.9):
        m = ising.curie_weiss_magnetization(1 / temperature)
        for alpha in (0.0, 1e-300, 1e-13):
            state = replica_symmetric(alpha, 1 / temperature)
            assert state.m == pytest.approx(m, rel=1e-11)
            assert state.q == pytest.approx(m * m, rel=1e-11)
            assert state.free_energy == pytest.approx(
                ising.curie_weiss_free_energy(m, 1 / temperature), abs=1e-12
            )
    for alpha in (1e-12, 1e-6, 1e-3, 0.0088368):
        cold = replica_symmetric(alpha, 1e6)
        assert 1 - 1e-15 < cold.m <= 1
        assert 1 - 1e-15 < cold.q <= 1
    state = replica_symmetric(0.0, math.inf)
    assert state == (1.0, 1.0, 1.0, -0.5, 0.0, -0.5, 1.0, 0.0)
    assert replica_symmetric(0.0, 0.5, state="paramagnet").free_energy == pytest.approx(-2 * math.log(2))


def test_many_patterns_make_the_sherrington_kirkpatrick_model():
    """Couplings of variance alpha / N, with corrections of the order of 1 / sqrt(alpha)."""
    for reduced in (0.3, 0.7):
        glass = spin_glass.sk_replica_symmetric(1 / reduced)
        gaps = []
        for alpha in (1e4, 1e6):
            scale = math.sqrt(alpha)
            state = replica_symmetric(alpha, 1 / (reduced * scale), state="spin-glass")
            found = np.array([state.q, state.energy / scale, state.entropy])
            gaps.append(found - [glass.q, glass.energy, glass.entropy])
        np.testing.assert_allclose(np.array(gaps[0]) / gaps[1], 10, rtol=0.05)
        assert np.abs(gaps[1]).max() < 3e-3


def test_spin_glass_fades_at_its_transition():
    for alpha in (1e-6, 0.05, 10.0):
        edge = 1 + math.sqrt(alpha)
        gaps = np.array([1e-3, 1e-5, 1e-8]) * min(1, math.sqrt(alpha))
        q = replica_symmetric(alpha, 1 / (edge - gaps), state="spin-glass").q
        np.testing.assert_allclose(q[1:] / gaps[1:], q[0] / gaps[0], rtol=0.02)
        above = replica_symmetric(alpha, 1 / (edge + 1e-9), state="paramagnet")
        below = replica_symmetric(alpha, 1 / (edge - 1e-9), state="spin-glass")
        np.testing.assert_allclose(below[3:6], above[3:6], atol=1e-6)
        assert abs(above.at_stability) < 1e-5 / math.sqrt(alpha)
        for gap in (1e-10, 1e-12):
            assert 0 < replica_symmetric(alpha, 1 / (edge * (1 - gap)), state="spin-glass").q < 1e-3


def test_free_energy_of_the_paramagnet_by_enumeration():
    """ln Z of all states of small networks; what is left falls as 1 / N."""
    rng, beta, gaps = np.random.default_rng(1), 0.4, []
    exact = replica_symmetric(0.5, beta, state="paramagnet").free_energy
    for n in (6, 12):
        spins = 1.0 - 2 * (np.arange(2**n)[:, np.newaxis] >> np.arange(n) & 1)
        values = []
        for _ in range(300):
            patterns = rng.choice([-1.0, 1.0], size=(n // 2, n))
            energy = -((spins @ patterns.T) ** 2).sum(axis=1) / (2 * n) + n // 2 / 2
            values.append(-np.log(np.exp(-beta * energy).sum()) / (n * beta))
        gaps.append(np.mean(values) - exact)
    assert abs(gaps[0]) < 0.02
    assert abs(gaps[1]) < 0.7 * abs(gaps[0])


def test_states_that_do_not_exist_are_refused():
    for alpha, beta, name, message in (
        (0.1, 2.0, "retrieval", r"no retrieval state at alpha=0\.1, T=0\.5: it ends at T_M = 0\.315432"),
        (0.0, 1.0, "retrieval", r"it ends at T_M = 1"),
        (0.14, 3.0, "retrieval", r"retrieval ends at 0\.137906 for T = 0 and at 0\.138189 for T = 0\.023"),
        (0.138, math.inf, "retrieval", r"T_M = 0\.0416059 and, in replica symmetry, below T = 0\.004199"),
        (0.138, 1 / 0.004, "retrieval", r"below T = 0\.004199"),
        (0.25, 0.5, "spin-glass", r"no spin-glass state at alpha=0\.25, T=2: it ends at T_g = 1\.5"),
        (0.0, 3.0, "spin-glass", "it needs a positive alpha"),
        (0.25, 0.7, "paramagnet", r"it is unstable below T_g = 1\.5"),
    ):
        with pytest.raises(ValueError, match=message):
            replica_symmetric(alpha, beta, state=name)
    assert replica_symmetric(0.138, 100.0).m > 0.96
    with pytest.raises(ValueError, match="no retrieval state"):
        retrieval_error(0.13791)


def test_a_search_that_does_not_converge_says_so(monkeypatch):
    monkeypatch.setattr(_states, "_STEPS", 2)
    with pytest.raises(RuntimeError, match=r"no retrieval state found at alpha=0\.1379, T=0\.0"):
        replica_symmetric(0.1379, math.inf)
    with pytest.raises(RuntimeError, match=r"no width of the field found at T=0\.5"):
        replica_symmetric(0.05, 2.0)


def test_arrays_are_broadcast():
    loads, betas = np.array([[0.01], [0.05]]), np.array([2.0, 3.0, math.inf])
    state = replica_symmetric(loads, betas)
    assert state.m.shape == (2, 3)
    assert replica_symmetric(0.05, 3.0) == tuple(float(field[1, 1]) for field in state)
    assert type(replica_symmetric(0, 2).energy) is float
    assert replica_symmetric([], 2.0).m.shape == (0,)
    assert state == replica_symmetric(loads, betas)
    assert state != replica_symmetric(loads, 2.0)


@pytest.mark.parametrize("function", [lambda alpha: replica_symmetric(alpha, 2.0), retrieval_error])
def test_bad_loads_are_refused(function):
    for value in (-0.1, math.nan, math.inf, [0.05, -1.0]):
        with pytest.raises(ValueError, match="alpha must be"):
            function(value)
    for value in ("0.1", True, None, 1j):
        with pytest.raises(TypeError, match="alpha must hold real numbers"):
            function(value)


def test_bad_temperatures_and_states_are_refused():
    for value in (0.0, -1.0, math.nan, [2.0, 0.0]):
        with pytest.raises(ValueError, match="beta must be"):
            replica_symmetric(0.05, value)
    for value in ("2", True, None):
        with pytest.raises(TypeError, match="beta must"):
            replica_symmetric(0.05, value)
    with pytest.raises(ValueError, match="state must be one of 'retrieval', 'spin-glass', 'paramagnet'; got"):
        replica_symmetric(0.05, 2.0, state="memory")
