"""Arguments of the closed forms: numbers and arrays, and what is refused."""

import math

import numpy as np
import pytest

from smbook.theory import ising
from tests.theory.ising.reference import (
    counted_states,
)

BY_BETA = {
    "ring": lambda beta, **k: ising.ring(6, beta, **k).energy,
    "chain": lambda beta, **k: ising.chain(beta, **k).energy,
    "onsager": lambda beta, **k: ising.onsager(beta, **k).energy,
    "kaufman": lambda beta, **k: ising.kaufman((4, 6), beta, **k).specific_heat,
    "spontaneous_magnetization": ising.spontaneous_magnetization,
    "surface_tension": ising.surface_tension,
    "curie_weiss_magnetization": ising.curie_weiss_magnetization,
    "correlation_length": ising.correlation_length,
    "observables": lambda beta, **k: counted_states((3, 3)).observables(beta, **k).susceptibility,
    "moments": lambda beta, **k: counted_states((3, 3)).moments(beta, **k).binder,
}
BY_NUMBER = {
    "transfer_matrix": ising.transfer_matrix,
    "ring_correlation": lambda beta, **k: ising.ring_correlation(6, beta, distance=1, **k),
    "curie_weiss_solutions": ising.curie_weiss_solutions,
    "curie_weiss_free_energy": lambda beta, **k: ising.curie_weiss_free_energy(0.1, beta, **k),
    "curie_weiss_susceptibility": lambda beta, **k: ising.curie_weiss_susceptibility(0.1, beta, **k),
    "curie_weiss_finite": lambda beta, **k: ising.curie_weiss_finite(5, beta, **k),
    "curie_weiss_first_passage": lambda beta, **k: ising.curie_weiss_first_passage(
        5, beta, start=4, stop=1, **k
    ),
    "spinodal": ising.spinodal,
    "flip_flop": ising.flip_flop,
}


@pytest.mark.parametrize("name", BY_BETA)
def test_numbers_and_arrays(name):
    betas = np.array([[0.1, 0.4], [0.5, 1.2]])
    values = BY_BETA[name](betas)
    assert values.shape == betas.shape
    for beta, value in zip(betas.ravel().tolist(), values.ravel().tolist(), strict=True):
        single = BY_BETA[name](beta)
        assert type(single) is float
        assert single == pytest.approx(value, rel=1e-14)
    assert BY_BETA[name](np.array([])).shape == (0,)


@pytest.mark.parametrize(
    "result",
    [
        lambda beta: ising.ring(6, np.array([0.3, beta])),
        lambda beta: ising.onsager(np.array([0.3, beta])),
        lambda beta: counted_states((3, 3)).moments(np.array([0.3, beta])),
        lambda beta: ising.curie_weiss_finite(9, beta),
    ],
)
def test_results_that_hold_arrays_are_equal_if_their_numbers_are(result):
    assert result(0.5) == result(0.5)
    assert not result(0.5) != result(0.5)  # noqa: SIM202
    assert result(0.5) != result(0.6)
    assert result(0.5) == tuple(result(0.5))
    assert result(0.5) != result(0.5)[:2]


@pytest.mark.parametrize("name", [*BY_BETA, *BY_NUMBER])
def test_bad_parameters_are_refused(name):
    function = (BY_BETA | BY_NUMBER)[name]
    for value, message in (
        (-0.5, "at least 0; got -0.5"),
        (math.nan, "finite; got nan"),
        (math.inf, "finite; got inf"),
    ):
        with pytest.raises(ValueError, match=f"beta must be {message}"):
            function(value)
    for value in ("0.5", 1j, True, None):
        with pytest.raises(TypeError, match="beta must"):
            function(value)
    with pytest.raises(ValueError, match="coupling must be finite; got nan"):
        function(0.5, coupling=math.nan)
    with pytest.raises(TypeError, match="coupling must be a real number"):
        function(0.5, coupling="strong")


@pytest.mark.parametrize("name", BY_NUMBER)
def test_one_state_takes_one_temperature(name):
    with pytest.raises(TypeError, match="beta must be a real number"):
        BY_NUMBER[name](np.array([0.5, 0.6]))


@pytest.mark.parametrize("name", ["ring", "chain", "curie_weiss_magnetization", "observables", "moments"])
def test_bad_fields_are_refused(name):
    with pytest.raises(ValueError, match="field must be finite; got inf"):
        BY_BETA[name](0.5, field=math.inf)
    with pytest.raises(TypeError, match="field must be a real number"):
        BY_BETA[name](0.5, field=[0.1])


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((4, 1), ValueError, "side of 1"),
        ((0, 4), ValueError, "zero length"),
        ((-3, 4), ValueError, "got -3"),
        ((4, 4.0), TypeError, "got 4.0"),
        (("4", 4), TypeError, "got '4'"),
        ((4, True), TypeError, "got True"),
        ((4, 4, 4, 4), ValueError, "4: "),
        ((), ValueError, "0: "),
    ],
)
def test_bad_shapes_are_refused(shape, error, message):
    for function in (ising.density_of_states, lambda sides: ising.kaufman(sides, 0.4)):
        with pytest.raises(error, match=message):
            function(shape)


def test_unsuitable_shapes_are_refused():
    with pytest.raises(ValueError, match="2 sides; got 1"):
        ising.kaufman(4, 0.4)
    with pytest.raises(ValueError, match="2 sides; got 3"):
        ising.kaufman((4, 4, 4), 0.4)
    for shape in ((65,), (9, 8), (4, 4, 4), (10, 10)):
        with pytest.raises(ValueError, match="at most 64 spins, in layers of at most 9"):
            ising.density_of_states(shape)


def test_bad_numbers_are_refused():
    for n in (0, 1, -4):
        with pytest.raises(ValueError, match=f"n must be at least 2; got {n}"):
            ising.ring(n, 0.5)
    with pytest.raises(TypeError, match=r"n must be an integer; got 4\.0"):
        ising.ring_correlation(4.0, 0.5, distance=1)
    with pytest.raises(ValueError, match="n must be at least 1; got 0"):
        ising.curie_weiss_finite(0, 0.5)
    with pytest.raises(ValueError, match="n must be at most 10000000; got 10000001"):
        ising.curie_weiss_finite(10**7 + 1, 0.5)
    for ends, message in (
        ({"start": 0, "stop": 0}, "start must be at least 1; got 0"),
        ({"start": 10, "stop": 0}, "start must be at most 9; got 10"),
        ({"start": 4, "stop": -1}, "stop must be at least 0; got -1"),
        ({"start": 4, "stop": 4}, "stop must be at most 3; got 4"),
    ):
        with pytest.raises(ValueError, match=message):
            ising.curie_weiss_first_passage(9, 0.5, **ends)
    with pytest.raises(TypeError, match=r"start must be an integer; got 4\.0"):
        ising.curie_weiss_first_passage(9, 0.5, start=4.0, stop=1)
    for distance, limit in (
        (-1, "least 0; got -1"),
        ([0, 7], "most 6; got 7"),
        (np.uint8(9), "most 6; got 9"),
    ):
        with pytest.raises(ValueError, match=f"distance must be at {limit}"):
            ising.ring_correlation(6, 0.5, distance=distance)
    with pytest.raises(TypeError, match="distance must hold integers"):
        ising.ring_correlation(6, 0.5, distance=1.5)
    for m in (1.5, -1.5, [0.0, 2.0]):
        with pytest.raises(ValueError, match="m must be at"):
            ising.curie_weiss_free_energy(m, 0.5)
    with pytest.raises(ValueError, match="beta must be positive"):
        ising.curie_weiss_free_energy(0.5, 0.0)
    with pytest.raises(ValueError, match=r"fields must be two numbers; got shape \(3,\)"):
        ising.flip_flop(0.5, fields=(1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="fields must be finite; got nan"):
        ising.flip_flop(0.5, fields=(1.0, math.nan))
