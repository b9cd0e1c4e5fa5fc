"""Patterns with blanks: the hierarchy, where it is a minimum, and the limit without blanks."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smbook.theory.hopfield import low_load, mixture, multitasking, multitasking_temperature
from tests.theory.spin_glass.reference import log_cosh, slope


def averages(dilution, m, temperature):
    """f and <xi tanh(beta xi.m)>, entry by entry."""
    free_energy, image = m @ m / 2, np.zeros(len(m))
    for xi in itertools.product((-1.0, 0.0, 1.0), repeat=len(m)):
        weight = math.prod(dilution if x == 0 else (1 - dilution) / 2 for x in xi)
        field = np.dot(xi, m) / temperature
        free_energy -= temperature * weight * (log_cosh(field) + math.log(2))
        image += weight * np.array(xi) * math.tanh(field)
    return free_energy, image


@pytest.mark.parametrize(
    ("dilution", "n_patterns"), [(0.2, 4), (0.4, 4), (0.4, 10), (0.5, 7), (0.6, 3), (0.9, 2)]
)
def test_the_hierarchy(dilution, n_patterns):
    state = multitasking(dilution, n_patterns)
    np.testing.assert_allclose(state.overlaps, (1 - dilution) * dilution ** np.arange(n_patterns), rtol=1e-13)
    assert state.overlaps.sum() == pytest.approx(1 - dilution**n_patterns)
    squares = (1 - dilution) * (1 - dilution ** (2 * n_patterns)) / (1 + dilution)
    assert state.energy == pytest.approx(-squares / 2)
    assert state.entropy == pytest.approx(dilution**n_patterns * math.log(2))
    assert (state.stable, state.eigenvalues.tolist()) == (True, [1] * n_patterns)


def test_the_hierarchy_gives_way_where_the_others_outweigh_the_first():
    for dilution, n_patterns in ((0.6, 4), (0.6, 8), (0.75, 4)):
        hierarchy = (1 - dilution) * dilution ** np.arange(n_patterns)
        assert hierarchy[0] < hierarchy[1:].sum()
        state = multitasking(dilution, n_patterns)
        assert state.overlaps[0] < hierarchy[0] * 0.99
        assert state.energy < -(hierarchy @ hierarchy) / 2


def test_without_blanks_one_pattern_is_retrieved():
    for beta in (1.5, 3.0, math.inf):
        state = multitasking(0.0, 3, beta)
        expected = low_load([1, 0, 0], beta)
        np.testing.assert_allclose(state.overlaps, expected.overlaps, atol=1e-14)
        assert state.free_energy == pytest.approx(mixture(1, beta).free_energy, abs=1e-14)
    single = multitasking(0.3, 1, 1 / (0.7 * 0.5))
    assert single.overlaps[0] == pytest.approx(0.7 * mixture(1, 2.0).overlap, rel=1e-12)


@settings(max_examples=25, deadline=None)
@example(dilution=0.0625, n_patterns=2, share=0.0625)  # where the second pattern is critical
@given(dilution=st.floats(0.0, 0.9), n_patterns=st.integers(1, 4), share=st.floats(0.05, 0.95))
def test_states_are_minima(dilution, n_patterns, share):
    temperature = share * multitasking_temperature(dilution)
    state = multitasking(dilution, n_patterns, 1 / temperature)
    free_energy, image = averages(dilution, state.overlaps, temperature)
    np.testing.assert_allclose(image, state.overlaps, atol=1e-12)
    assert free_energy == pytest.approx(state.free_energy, abs=1e-12)
    assert state.eigenvalues[0] > -1e-9
    hierarchy = (1 - dilution) * dilution ** np.arange(n_patterns)
    assert state.free_energy <= averages(dilution, hierarchy, temperature)[0] + 1e-12


def test_entropy_is_a_derivative_and_zero_temperature_the_limit():
    found = slope(lambda t: multitasking(0.3, 3, 1 / t).free_energy, 0.12)
    assert -found == pytest.approx(multitasking(0.3, 3, 1 / 0.12).entropy, abs=1e-8)
    cold, frozen = multitasking(0.3, 3, 1e5), multitasking(0.3, 3)
    np.testing.assert_allclose(cold.overlaps, frozen.overlaps, atol=1e-12)
    np.testing.assert_allclose(cold.eigenvalues, frozen.eigenvalues, atol=1e-9)


def test_critical_temperature():
    assert multitasking_temperature(0.25) == 0.75
    assert multitasking(0.25, 3, 1 / 0.7501).overlaps[0] == 0
    assert multitasking(0.25, 3, 1 / 0.7501).stable
    assert multitasking(0.25, 3, 1 / 0.7499).overlaps[0] > 1e-3


def test_bad_arguments_are_refused():
    for dilution, message in ((-0.1, "at least 0; got -0.1"), (1.0, "below 1; got 1"), (math.nan, "finite")):
        for function in (lambda d: multitasking(d, 2), multitasking_temperature):
            with pytest.raises(ValueError, match=f"dilution must be {message}"):
                function(dilution)
    for n, error in ((0, ValueError), (11, ValueError), (2.0, TypeError), (True, TypeError)):
        with pytest.raises(error, match="n_patterns must be"):
            multitasking(0.2, n)
    with pytest.raises(ValueError, match="beta must be"):
        multitasking(0.2, 2, 0.0)
    with pytest.raises(TypeError, match="dilution must be a real number"):
        multitasking("0.2", 2)


def test_equality():
    assert multitasking(0.2, 2) == multitasking(0.2, 2)
    assert multitasking(0.2, 2) != multitasking(0.3, 2)
