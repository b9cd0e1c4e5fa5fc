"""One step of breaking: a stationary point of Parisi's functional, between no step and all of them."""

import math

import numpy as np
import pytest
from scipy.optimize import OptimizeResult

from smbook.theory.spin_glass import (
    SK_GROUND_ENERGY,
    replica_symmetry_breaking,
    sk_one_step,
    sk_replica_symmetric,
)
from tests.theory.spin_glass.reference import one_step_free_energy, slope


def test_zero_temperature():
    cold = sk_one_step(math.inf)
    assert cold.energy == pytest.approx(-0.7652594347, abs=1e-10)
    assert cold.free_energy == pytest.approx(cold.energy, abs=1e-15)
    assert cold.q0 == pytest.approx(0.47678, abs=6e-6)
    assert cold.y == pytest.approx(1.36082, abs=6e-6)
    assert (cold.q1, cold.m) == (1.0, 0.0)
    assert cold.entropy == pytest.approx(-0.0143427, abs=6e-8)


def test_one_step_lies_between_none_and_all():
    assert sk_replica_symmetric(math.inf).energy < sk_one_step(math.inf).energy < SK_GROUND_ENERGY
    assert sk_replica_symmetric(math.inf).entropy < sk_one_step(math.inf).entropy < 0
    betas = 1 / np.array([0.05, 0.2, 0.5, 0.8, 0.95])
    step = sk_one_step(betas)
    assert (sk_replica_symmetric(betas).free_energy < step.free_energy).all()
    assert (step.free_energy < SK_GROUND_ENERGY).all()  # and the true one falls with temperature
    assert ((step.q0 > 0) & (step.q0 < step.q1) & (step.q1 < 1) & (step.m > 0) & (step.m < 1)).all()


@pytest.mark.parametrize("temperature", [0.5, 0.7, 0.9])
def test_it_is_the_stationary_point_of_the_functional(temperature):
    step = sk_one_step(1 / temperature)
    place = [step.q0, step.q1, step.m]
    assert one_step_free_energy(1 / temperature, *place, n=90) == pytest.approx(step.free_energy, abs=1e-12)
    for axis in range(3):

        def along(x, axis=axis):
            return one_step_free_energy(1 / temperature, *place[:axis], x, *place[axis + 1 :])

        assert slope(along, place[axis], 1e-4) == pytest.approx(0, abs=1e-10)


def test_no_other_step_has_a_higher_free_energy():
    """Each is a lower bound of the true free energy (Guerra 2003), so that the best is the highest."""
    beta = 2.0
    best = sk_one_step(beta).free_energy
    rng = np.random.default_rng(1)
    for q0, q1, m in zip(*np.sort(rng.random((2, 200)), axis=0), rng.random(200), strict=True):
        assert one_step_free_energy(beta, q0, q1, m) <= best + 1e-13


@pytest.mark.parametrize("temperature", [1e-9, 0.01, 0.1, 0.3, 0.7, 0.95])
def test_entropy_energy_and_free_energy_fit(temperature):
    step = sk_one_step(1 / temperature)
    difference = step.energy - temperature * step.entropy
    assert step.free_energy == pytest.approx(difference, abs=1e-14)
    assert step.y * temperature == pytest.approx(step.m, rel=1e-15)
    if 0.01 < temperature < 0.9:
        by_temperature = slope(lambda t: sk_one_step(1 / t).free_energy, temperature)
        assert -by_temperature == pytest.approx(step.entropy, abs=1e-10)


def test_towards_both_ends():
    near = sk_one_step(1 / 0.95)
    tau = 0.05
    assert near.q0 == pytest.approx(tau / 3, rel=2 * tau)
    assert near.q1 == pytest.approx(tau, rel=2 * tau)
    assert near.m == pytest.approx(4 * tau / 3, rel=2 * tau)
    for beta in (1e6, 1e9, 1e13, 1e300):
        np.testing.assert_allclose(
            sk_one_step(beta), sk_one_step(math.inf), rtol=10 / beta + 1e-10, atol=2 / beta
        )


def test_where_there_is_nothing_to_break_it_says_so():
    for beta in (0.5, 1.0, [2.0, 0.9]):
        with pytest.raises(ValueError, match="beta must be above 1 for replica symmetry to break; got"):
            sk_one_step(beta)
    with pytest.raises(ValueError, match=r"beta must be at least 1\.052632 to show the step; got 1\.02"):
        sk_one_step(1.02)


@pytest.mark.parametrize("x", [[0.0, -60.0, 0.0], [0.0, 0.0, 3.0], [0.1, 0.3, -0.5]])
def test_a_search_that_ends_elsewhere_is_no_solution(monkeypatch, x):
    """The replica-symmetric solution, q0 = q1, is one of the places where a search can end."""

    def astray(function, _guess, **_):
        fun = np.zeros(3) if x[1] < -50 or x[2] > 2 else np.array(function(x))
        return OptimizeResult(x=np.array(x), fun=fun, message="astray")

    monkeypatch.setattr(replica_symmetry_breaking, "root", astray)
    with pytest.raises(RuntimeError, match=r"no step found at beta=2\.0: astray"):
        sk_one_step(2.0)
