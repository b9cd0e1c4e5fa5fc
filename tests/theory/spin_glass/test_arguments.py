"""Arguments of the mean-field solutions: numbers and arrays, T = 0, and what is refused."""

import math

import numpy as np
import pytest

from smbook.theory import spin_glass

BY_BETA = {
    "sk_replica_symmetric": lambda beta: spin_glass.sk_replica_symmetric(beta).energy,
    "sk_one_step": lambda beta: spin_glass.sk_one_step(beta).energy,
    "stability": spin_glass.almeida_thouless_stability,
    "field": spin_glass.almeida_thouless_field,
    "random_energy_model": lambda beta: spin_glass.random_energy_model(beta).energy,
    "random_energy_model_finite": lambda beta: spin_glass.random_energy_model_finite(8, beta).energy,
}


@pytest.mark.parametrize("name", BY_BETA)
def test_numbers_and_arrays(name):
    betas = np.array([[1.5, 2.0], [3.0, math.inf]])
    values = BY_BETA[name](betas)
    assert values.shape == betas.shape
    for beta, value in zip(betas.ravel().tolist(), values.ravel().tolist(), strict=True):
        single = BY_BETA[name](beta)
        assert type(single) is float
        assert single == value
    assert BY_BETA[name](np.float64(2.0)) == BY_BETA[name](2) == values[0, 1]
    assert BY_BETA[name]([2, 3]).tolist() == [values[0, 1], values[1, 0]]
    assert BY_BETA[name](np.array([])).shape == (0,)


@pytest.mark.parametrize("name", BY_BETA)
def test_bad_temperatures_are_refused(name):
    for value, message in (
        (-0.5, "must be at least 0; got -0.5"),
        (0.0, "must be positive for a free energy; got 0"),
        (math.nan, "must be finite; got nan"),
        (-math.inf, "must be finite; got -inf"),
    ):
        for beta in (value, [2.0, value], [math.inf, value]):
            with pytest.raises(ValueError, match=f"beta {message}"):
                BY_BETA[name](beta)
    for value in ("0.5", 1j, True, None, ["a"], [1j], np.ma.masked_array([2.0, 3.0], [True, False])):
        with pytest.raises(TypeError, match="beta must"):
            BY_BETA[name](value)
    with pytest.raises(ValueError, match="1 / beta overflows; got beta=1e-310"):
        BY_BETA[name](1e-310)


@pytest.mark.parametrize(
    "function",
    [
        lambda field: spin_glass.sk_replica_symmetric(2.0, field),
        lambda field: spin_glass.almeida_thouless_stability(2.0, field),
        spin_glass.almeida_thouless_temperature,
    ],
)
def test_bad_fields_are_refused(function):
    with pytest.raises(ValueError, match="field must be finite; got nan"):
        function(math.nan)
    with pytest.raises(TypeError, match="field must be a real number"):
        function([0.1])
    with pytest.raises(ValueError, match=r"abs\(field\) must be at most .*; got 1e\+200"):
        function(1e200)


def test_bad_sizes_are_refused():
    for function in (
        spin_glass.random_energy_ground_state,
        lambda n: spin_glass.random_energy_model_finite(n, 2.0),
    ):
        with pytest.raises(ValueError, match="n must be at least 1; got 0"):
            function(0)
        with pytest.raises(ValueError, match="n must be at most 900; got 901"):
            function(901)
        with pytest.raises(TypeError, match=r"n must be an integer; got 10\.0"):
            function(10.0)
    with pytest.raises(ValueError, match=r"beta must be at most 1e125 .* got 1e\+200"):
        spin_glass.almeida_thouless_field(1e200)


@pytest.mark.parametrize(
    "result",
    [
        lambda beta: spin_glass.sk_replica_symmetric(np.array([2.0, beta])),
        lambda beta: spin_glass.sk_one_step(np.array([2.0, beta])),
        lambda beta: spin_glass.random_energy_model(np.array([2.0, beta])),
        lambda beta: spin_glass.random_energy_model_finite(9, np.array([2.0, beta])),
    ],
)
def test_results_that_hold_arrays_are_equal_if_their_numbers_are(result):
    assert result(3.0) == result(3.0)
    assert not result(3.0) != result(3.0)  # noqa: SIM202
    assert result(3.0) != result(2.5)
    assert result(3.0) == tuple(result(3.0))
