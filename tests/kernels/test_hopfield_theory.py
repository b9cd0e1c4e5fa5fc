"""The kernel of a Hopfield network's states against theory, which averages in another way."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.kernels import hopfield_theory as kernels
from smbook.theory import hopfield as theory
from smbook.widgets import compiler
from tests.wasm import Kernels

KINDS = {
    "retrieval": kernels.RETRIEVAL,
    "spin-glass": kernels.SPIN_GLASS,
    "paramagnet": kernels.PARAMAGNET,
}
NEAR = 1e-9  # how near to a line


def found(kind, alpha, temperature, run=kernels.order_parameters):
    """Return m, q, r, e, f and the square of the noise, or None if there is no such state."""
    out = np.full(6, np.nan)
    exists = run(KINDS[kind], alpha, temperature, out)
    assert exists in (0, 1)
    return out if exists else None


def expected(kind, alpha, temperature):
    """Return the same by theory."""
    try:
        state = theory.replica_symmetric(alpha, 1 / temperature if temperature else math.inf, state=kind)
    except ValueError:
        return None
    response = state.susceptibility
    noise = state.r + (temperature * response / (1 - response))
    return np.array([state.m, state.q, state.r, state.energy, state.free_energy, noise])


def check(kind, alpha, temperature, tolerance=1e-9):
    one, other = found(kind, alpha, temperature), expected(kind, alpha, temperature)
    assert (one is None) == (other is None), (kind, alpha, temperature)
    if one is not None:
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


LOADS = [1e-4, 0.002, 0.01, 0.03, 0.05, 0.08, 0.12, 0.1379, 0.138, 0.2, 1.5]
TEMPERATURES = [0.0, 1e-12, 1e-6, 1e-3, 0.02, 0.1, 0.3, 0.5, 0.8, 0.99, 1.0, 1.05, 1.3, 1.5]


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_those_of_theory_on_a_grid(kind):
    for alpha in LOADS:
        for temperature in TEMPERATURES:
            check(kind, alpha, temperature)


@given(st.sampled_from(list(KINDS)), st.floats(1e-4, 0.2), st.floats(0.0, 1.5))
@settings(max_examples=150, deadline=None)
def test_states_are_those_of_theory_anywhere_in_the_plane(kind, alpha, temperature):
    """A state is never found where there is none, as the step of a search from close to a fold might."""
    check(kind, alpha, temperature, 1e-8)


@pytest.mark.parametrize("temperature", [0.0, 0.0228735, 0.1, 0.3, 0.6, 0.9])
def test_retrieval_ends_where_theory_says(temperature):
    """At the fold itself order parameters move with the root of the distance."""
    end = theory.capacity(1 / temperature if temperature else math.inf)
    check("retrieval", end * (1 - NEAR), temperature, 1e-7)
    assert found("retrieval", end * (1 + NEAR), temperature) is None


@pytest.mark.parametrize("alpha", [1e-3, 0.05, 0.2])
def test_a_spin_glass_begins_where_the_paramagnet_ends(alpha):
    end = 1 + math.sqrt(alpha)
    check("spin-glass", alpha, end * (1 - NEAR), 1e-8)
    assert found("spin-glass", alpha, end) is None
    assert found("paramagnet", alpha, end) is not None
    assert found("paramagnet", alpha, end * (1 - NEAR)) is None


@pytest.mark.parametrize("alpha", [0.01, 0.03, 0.05])
def test_both_states_have_the_same_free_energy_where_they_coexist(alpha):
    temperature = theory.coexistence_temperature(alpha)
    both = [found(kind, alpha, temperature)[4] for kind in ("retrieval", "spin-glass")]
    assert both[0] == pytest.approx(both[1], abs=1e-10)


def test_without_a_load_retrieval_is_the_ferromagnet():
    for alpha in (0.0, 1e-300):
        for temperature in (0.0, 0.3, 0.99):
            out = found("retrieval", alpha, temperature)
            np.testing.assert_allclose(out[:5], expected("retrieval", 0.0, temperature)[:5], atol=1e-12)
    assert found("spin-glass", 0.0, 0.5) is None


def test_a_page_finds_the_same_bits():
    wasm = Kernels(compiler.WASM.read_bytes())
    for kind in KINDS:
        for alpha, temperature in ((0.05, 0.4), (0.05, 0.0), (0.002, 0.9), (0.2, 1.2), (0.1, 1.4)):
            native = found(kind, alpha, temperature)
            page = found(kind, alpha, temperature, wasm.order_parameters)
            assert (native is None) == (page is None)
            assert native is None or native.tobytes() == page.tobytes()


def test_a_search_that_does_not_end_says_so():
    assert kernels.order_parameters(kernels.RETRIEVAL, math.nan, 0.5, np.empty(6)) != 1
