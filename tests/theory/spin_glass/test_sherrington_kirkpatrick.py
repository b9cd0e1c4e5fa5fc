"""The replica-symmetric solution and its line of instability against limits, derivatives and 30 digits."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from smbook.theory.spin_glass import (
    almeida_thouless_field,
    almeida_thouless_stability,
    almeida_thouless_temperature,
    sherrington_kirkpatrick,
    sk_replica_symmetric,
)
from tests.theory.spin_glass.reference import hermite, log_cosh, slope

TEMPERATURES = st.floats(0.05, 3.0)
FIELDS = st.floats(-2.0, 2.0)


@pytest.mark.parametrize(
    ("temperature", "q"), [(0.3, 0.73328283), (0.5, 0.53036839), (0.7, 0.31665089), (0.9, 0.10270125)]
)
def test_overlap_without_a_field(temperature, q):
    assert sk_replica_symmetric(1 / temperature).q == pytest.approx(q, abs=6e-9)


def test_energy_and_free_energy_at_one_half():
    solution = sk_replica_symmetric(2.0)
    assert solution.free_energy == pytest.approx(-0.79239295, abs=6e-9)
    assert solution.energy == pytest.approx(-0.71870937, abs=6e-9)
    assert solution.magnetization == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(("temperature", "field"), [(0.3, 0.0), (0.05, 0.0), (0.3, 0.7), (2.0, 0.4)])
def test_overlap_to_thirty_digits(temperature, field):
    with mp.workdps(30):
        beta, h = 1 / mp.mpf(temperature), mp.mpf(field)

        def excess(q):
            root = mp.sqrt(q)
            ends = [-14, *(-h / root + k / (beta * root) for k in (-20, -3, 0, 3, 20)), 14]
            ends = sorted(min(max(end, -14), 14) for end in ends)
            square = mp.quad(lambda z: mp.npdf(z) * mp.tanh(beta * (h + root * z)) ** 2, ends)
            return square - q

        guess = sk_replica_symmetric(1 / temperature, field).q
        exact = mp.findroot(excess, (guess, guess * 1.001))
        assert guess == pytest.approx(float(exact), rel=1e-13)


def test_above_the_transition_all_is_known():
    betas = np.array([[0.1, 0.5], [0.9, 1.0]])
    solution = sk_replica_symmetric(betas)
    np.testing.assert_array_equal(solution.q, 0)
    np.testing.assert_allclose(solution.energy, -betas / 2, rtol=1e-14)
    np.testing.assert_allclose(solution.free_energy, -math.log(2) / betas - betas / 4, rtol=1e-14)
    np.testing.assert_allclose(solution.entropy, math.log(2) - betas**2 / 4, rtol=1e-14)


def test_zero_temperature_is_the_limit():
    cold = sk_replica_symmetric(math.inf)
    assert cold.energy == cold.free_energy == pytest.approx(-math.sqrt(2 / math.pi), rel=1e-15)
    assert cold.entropy == pytest.approx(-1 / (2 * math.pi), rel=1e-15)
    for field in (0.0, 0.3, -2.0):
        limit = sk_replica_symmetric(math.inf, field)
        for beta in (1e4, 1e8, 1e12, 1e250):
            solution = sk_replica_symmetric(beta, field)
            np.testing.assert_allclose(solution, limit, rtol=100 / beta + 1e-14, atol=1e-15)
    assert sk_replica_symmetric(math.inf, 1.0).energy == pytest.approx(
        -2 * math.exp(-0.5) / math.sqrt(2 * math.pi) - math.erf(math.sqrt(0.5)), rel=1e-15
    )


@settings(max_examples=40)
@given(temperature=TEMPERATURES, field=FIELDS)
def test_entropy_energy_and_free_energy_fit(temperature, field):
    solution = sk_replica_symmetric(1 / temperature, field)
    difference = solution.energy - temperature * solution.entropy
    assert solution.free_energy == pytest.approx(difference, abs=1e-14)
    mirrored = sk_replica_symmetric(1 / temperature, -field)
    assert mirrored.magnetization == pytest.approx(-solution.magnetization, abs=1e-14)
    np.testing.assert_allclose(np.delete(mirrored, 1), np.delete(solution, 1), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("temperature", "field"), [(0.3, 0.0), (0.3, 0.4), (0.6, 0.1), (0.97, 0.0), (1.5, 0.4)]
)
def test_derivatives_of_the_free_energy(temperature, field):
    solution = sk_replica_symmetric(1 / temperature, field)

    def by_temperature(t):
        return sk_replica_symmetric(1 / t, field).free_energy

    def by_field(h):
        return sk_replica_symmetric(1 / temperature, h).free_energy

    assert -slope(by_temperature, temperature) == pytest.approx(solution.entropy, abs=1e-10)
    if field:
        assert -slope(by_field, field) == pytest.approx(solution.magnetization, abs=1e-10)


def test_free_energy_is_stationary_in_q():
    beta, field = 1.6, 0.3
    z, weight = hermite(120)

    def free_energy(q):
        mean = weight @ log_cosh(beta * (field + math.sqrt(q) * z))
        return -(math.log(2) + mean + beta**2 / 4 * (1 - q) ** 2) / beta

    solution = sk_replica_symmetric(beta, field)
    assert free_energy(solution.q) == pytest.approx(solution.free_energy, abs=1e-13)
    assert slope(free_energy, solution.q) == pytest.approx(0, abs=1e-11)
    assert abs(slope(free_energy, 1.001 * solution.q)) > 1e-5


def test_a_search_that_does_not_converge_says_so(monkeypatch):
    def hasty(function, low, high, **options):
        return brentq(function, low, high, **(options | {"maxiter": 5}))

    monkeypatch.setattr(sherrington_kirkpatrick, "brentq", hasty)
    with pytest.raises(RuntimeError, match=r"no overlap q found at beta=2\.0, field=0\.3: convergence error"):
        sk_replica_symmetric(2.0, 0.3)


def test_near_the_transition_and_at_extreme_arguments():
    for tau in (1e-3, 1e-5, 1e-8):
        assert sk_replica_symmetric(1 / (1 - tau)).q == pytest.approx(tau, rel=2 * tau + 1e-7)
    assert sk_replica_symmetric(1 + 1e-15).q < 1e-13
    weak = sk_replica_symmetric(0.5, 1e-200)
    assert (weak.q, weak.magnetization) == (0.0, pytest.approx(0.5e-200))
    strong = sk_replica_symmetric(3.0, 1e10)
    assert (strong.q, strong.magnetization, strong.energy) == (1.0, 1.0, -1e10)


@pytest.mark.parametrize(
    ("temperature", "field"), [(0.3, 1.0601363), (0.5, 0.5699338), (0.7, 0.2320319), (0.9, 0.0387693)]
)
def test_line_of_instability(temperature, field):
    assert almeida_thouless_field(1 / temperature) == pytest.approx(field, abs=6e-8)
    assert almeida_thouless_temperature(almeida_thouless_field(1 / temperature)) == pytest.approx(temperature)


def test_line_of_instability_ends_in_power_laws():
    for tau in (1e-2, 1e-3, 1e-4):
        law = math.sqrt(4 / 3) * tau**1.5
        assert almeida_thouless_field(1 / (1 - tau)) == pytest.approx(law, rel=tau)
    for field in (5.0, 10.0, 23.0):
        law = 4 / (3 * math.sqrt(2 * math.pi)) * math.exp(-(field**2) / 2)
        assert almeida_thouless_temperature(field) == pytest.approx(law, rel=2e-5)
        assert almeida_thouless_field(1 / almeida_thouless_temperature(field)) == pytest.approx(field)
    assert almeida_thouless_temperature(0.0) == 1.0
    assert almeida_thouless_field([0.5, 1.0, math.inf]).tolist() == [0.0, 0.0, math.inf]


def test_stability():
    assert almeida_thouless_stability(0.5) == pytest.approx(1 - 0.25)
    assert almeida_thouless_stability(1.0) == pytest.approx(0, abs=1e-15)
    betas = np.array([1.05, 2.0, 20.0])
    assert (almeida_thouless_stability(betas) < 0).all()
    edge = almeida_thouless_field(betas)
    for beta, field in zip(betas.tolist(), edge.tolist(), strict=True):
        assert (
            almeida_thouless_stability(beta, 0.99 * field)
            < 0
            < almeida_thouless_stability(beta, 1.01 * field)
        )
    assert almeida_thouless_stability(math.inf, 3.0) == -math.inf
    for h, q, stability in ((1.0, 0.759065, 0.639677), (0.8, 0.706251, 0.798336), (0.3, 0.569392, 1.232246)):
        assert sk_replica_symmetric(2.0, h).q == pytest.approx(q, abs=6e-7)
        assert 1 - almeida_thouless_stability(2.0, h) == pytest.approx(stability, abs=1e-6)
