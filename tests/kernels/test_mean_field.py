"""The mean-field kernels against theory, the motion downhill, and the same bits in WebAssembly."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from smbook.kernels import mean_field as kernels
from smbook.theory import ising as theory
from smbook.widgets.compiler import EXPORTS, WASM
from tests.wasm import Kernels

TEMPERATURES = (0.2, 0.3, 0.5, 0.7, 0.9, 0.99, 1.01, 1.3, 2.0)
FIELDS = (-1.0, -0.3, -0.05, -1e-6, 0.0, 1e-6, 0.05, 0.3, 1.0)
temperatures, fields = st.floats(0.2, 2.0), st.floats(-1.0, 1.0)
magnetizations = st.floats(-1.0, 1.0)


def all_of(*choices):
    return list(itertools.product(*choices))


def free_energy(m, beta, field=0.0, coupling=1.0):
    m = np.atleast_1d(np.asarray(m, dtype=float))
    f = np.empty_like(m)
    kernels.free_energy(m, beta, coupling, field, f)
    return f


def fixed_points(beta, field=0.0, coupling=1.0):
    m, kinds = np.full(3, np.nan), np.full(3, -1)
    count = kernels.fixed_points(beta, coupling, field, m, kinds)
    return m[:count], kinds[:count]


def flip_flop_fixed_points(beta, fields, coupling=1.0):
    states, kinds = np.full((3, 2), np.nan), np.full(3, -1)
    count = kernels.flip_flop_fixed_points(beta, coupling, np.array(fields, dtype=float), states, kinds)
    return states[:count], kinds[:count]


def spinodal(beta, coupling=1.0):
    limit = np.empty(2)
    kernels.spinodal(beta, coupling, limit)
    return limit


def relax(m, beta, fields, *, coupling=1.0, step=kernels.STEP, n_steps=1):
    record = np.empty(len(fields))
    kernels.relax(np.array([m]), beta, coupling, np.array(fields, dtype=float), step, n_steps, record)
    return record


def relax_flip_flop(state, beta, fields, *, coupling=1.0, step=kernels.STEP, n_steps=1):
    fields = np.array(fields, dtype=float)
    record = np.empty_like(fields)
    kernels.relax_flip_flop(np.array(state), beta, coupling, fields, step, n_steps, record)
    return record


def ordered(low, high):
    """Whether low <= high, up to the rounding of the last few bits."""
    return np.all(np.asarray(low) <= np.asarray(high) + 1e-14)


# Formulas


@pytest.mark.parametrize(("temperature", "field"), all_of(TEMPERATURES, FIELDS))
def test_the_free_energy_is_that_of_theory(temperature, field):
    m = np.concatenate([np.linspace(-1, 1, 401), [1 - 1e-12, -1 + 1e-15, 1e-9]])
    exact = theory.curie_weiss_free_energy(m, 1 / temperature, field=field, coupling=0.8)
    np.testing.assert_allclose(free_energy(m, 1 / temperature, field, 0.8), exact, rtol=0, atol=1e-12)


def test_the_free_energy_of_full_order_is_pure_energy():
    assert free_energy([-1.0, 1.0], 0.5, 0.25).tolist() == [-0.25, -0.75]


@pytest.mark.parametrize(("temperature", "field"), all_of(TEMPERATURES, FIELDS))
def test_the_solutions_are_those_of_theory(temperature, field):
    m, kinds = fixed_points(1 / temperature, field)
    exact = theory.curie_weiss_solutions(1 / temperature, field=field)
    np.testing.assert_allclose(m, exact, rtol=0, atol=1e-12)
    assert (kinds == kernels.UNSTABLE).tolist() == ([False, True, False] if len(m) == 3 else [False])


@given(temperatures, fields)
def test_the_lowest_minimum_is_called_stable_and_the_other_metastable(temperature, field):
    m, kinds = fixed_points(1 / temperature, field)
    depth = free_energy(m, 1 / temperature, field)
    assert ordered(depth[kinds == kernels.STABLE], depth.min())
    assert ordered(depth.max(), depth[kinds == kernels.UNSTABLE])
    assert np.count_nonzero(kinds == kernels.METASTABLE) == (len(m) == 3 and field != 0)


@given(temperatures, fields)
def test_a_solution_solves_its_equation(temperature, field):
    m, _ = fixed_points(1 / temperature, field)
    np.testing.assert_allclose(m, np.tanh((m + field) / temperature), rtol=0, atol=1e-14)


@given(temperatures, fields)
def test_a_solution_is_stable_where_theory_says_so(temperature, field):
    """A small deviation grows by beta J (1 - m^2) - 1: the susceptibility has the sign of the stability."""
    m, kinds = fixed_points(1 / temperature, field)
    growth = (1 - m**2) / temperature - 1
    assume(np.abs(growth).min() > 1e-6)
    assert ((growth > 0) == (kinds == kernels.UNSTABLE)).all()


@pytest.mark.parametrize("temperature", [0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.99, 0.9999])
def test_the_spinodal_is_that_of_theory(temperature):
    np.testing.assert_allclose(
        spinodal(1 / temperature), theory.spinodal(1 / temperature), rtol=0, atol=1e-12
    )
    amplifier = theory.spinodal(1.0, coupling=1 / temperature)
    np.testing.assert_allclose(spinodal(1.0, 1 / temperature), amplifier, rtol=0, atol=1e-12)


def test_the_spinodal_at_and_above_the_transition():
    assert spinodal(1.0).tolist() == [0.0, 0.0]
    assert np.isnan(spinodal(0.999)).all()


@pytest.mark.parametrize("temperature", [0.2, 0.5, 0.8])
def test_three_solutions_become_one_at_the_spinodal_field(temperature):
    h = spinodal(1 / temperature)[1]
    for sign in (-1, 1):
        assert len(fixed_points(1 / temperature, sign * (h - 1e-9))[0]) == 3
        assert len(fixed_points(1 / temperature, sign * (h + 1e-9))[0]) == 1


@pytest.mark.parametrize("temperature", [0.2, 0.7, 1.0, 2.0])
def test_the_equation_of_state_is_the_curve_of_the_solutions(temperature):
    m, h = np.empty(201), np.empty(201)
    kernels.equation_of_state(2.5 / temperature, 1 / temperature, 1.0, m, h)
    np.testing.assert_allclose(m, np.tanh((m + h) / temperature), rtol=0, atol=1e-14)
    assert m[100] == h[100] == 0
    assert (np.diff(m) > 0).all()
    assert h[-1] > 1.5
    turns = np.count_nonzero(np.diff(np.sign(np.diff(h))))
    assert turns == (2 if temperature < 1 else 0)
    if turns:
        assert h[m < 0].max() == pytest.approx(spinodal(1 / temperature)[1], abs=1e-3)


@pytest.mark.parametrize(("m", "coupling"), all_of((-0.9, 0.0, 0.3, 1.0), (0.0, 0.5, 0.99, 1.5)))
def test_the_susceptibility_is_that_of_theory(m, coupling):
    exact = theory.curie_weiss_susceptibility(m, 1.25, coupling=coupling)
    assert kernels.susceptibility(m, 1.25, coupling) == pytest.approx(exact, rel=1e-12)


def test_the_gain_of_the_amplifier_diverges_and_then_loses_its_meaning():
    assert kernels.susceptibility(0.0, 1.0, 0.0) == 1
    assert kernels.susceptibility(0.0, 1.0, 1.0) == math.inf
    assert kernels.susceptibility(0.0, 1.0, 1.5) == -2


def test_the_response_is_a_tanh():
    x, y = np.linspace(-1, 1, 21), np.empty(21)
    kernels.response(x, 2.0, -0.7, 0.3, y)
    np.testing.assert_allclose(y, np.tanh(2 * (0.3 - 0.7 * x)), rtol=0, atol=1e-15)


# Motion


@given(magnetizations, temperatures, fields, st.sampled_from([kernels.STEP, 0.1, 1.0, 30.0]))
def test_the_free_energy_never_rises(m, temperature, field, step):
    path = np.concatenate([[m], relax(m, 1 / temperature, [field] * 60, step=step)])
    f = free_energy(path, 1 / temperature, field)
    assert ordered(f[1:], f[:-1])


def test_the_check_of_the_descent_sees_a_wrong_sign():
    path = np.concatenate([[0.5], relax(0.5, 1 / 0.7, [0.3] * 60, step=0.1)])
    f = free_energy(path, 1 / 0.7, -0.3)
    assert not ordered(f[1:], f[:-1])


@given(magnetizations, temperatures, fields, st.sampled_from([kernels.STEP, 0.5, 30.0]))
def test_it_comes_to_rest_in_the_well_it_is_in(m, temperature, field, step):
    """It never crosses a fixed point, and it never turns back."""
    points, kinds = fixed_points(1 / temperature, field)
    assume(np.abs(points - m).min() > 1e-6)
    path = relax(m, 1 / temperature, [field] * 200, step=step)
    assert (path >= -1).all()
    assert (path <= 1).all()
    moves = np.diff(np.concatenate([[m], path]))
    assert ordered(0, moves) or ordered(moves, 0)
    for hill in points[kinds == kernels.UNSTABLE]:
        side = np.sign(hill - m)
        assert ordered(side * path, side * hill)


@pytest.mark.parametrize(("temperature", "field", "start"), all_of((0.3, 0.7, 1.5), (-0.2, 0.1), (-0.9, 0.6)))
def test_it_ends_in_a_minimum(temperature, field, start):
    (end,) = relax(start, 1 / temperature, [field], n_steps=round(200 / kernels.STEP))
    points, kinds = fixed_points(1 / temperature, field)
    assert np.abs(points[kinds != kernels.UNSTABLE] - end).min() < 1e-12


def test_a_free_magnet_relaxes_exactly():
    """At J = 0 each step is the exact solution."""
    target = math.tanh(2 * 0.3)
    (end,) = relax(-0.8, 2.0, [0.3], coupling=0.0, step=0.25, n_steps=12)
    assert end == pytest.approx(target + (-0.8 - target) * math.exp(-3), abs=1e-15)


def test_the_motion_is_that_of_the_differential_equation():
    """The error is of first order in the step, and small at the step the labs take."""
    exact = solve_ivp(lambda _, m: np.tanh((m - 0.2) / 0.6) - m, (0, 6), [0.7], rtol=1e-12, atol=1e-13).y[
        0, -1
    ]
    errors = [
        abs(relax(0.7, 1 / 0.6, [-0.2], step=step, n_steps=round(6 / step))[0] - exact)
        for step in (kernels.STEP, kernels.STEP / 2)
    ]
    assert errors[0] < 2e-3
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.05)


def test_fields_follow_each_other():
    whole = relax(0.9, 2.0, [0.1, -0.4, 0.2], n_steps=50)
    state, record = np.array([0.9]), np.empty(1)
    for k, field in enumerate((0.1, -0.4, 0.2)):
        kernels.relax(state, 2.0, 1.0, np.array([field]), kernels.STEP, 50, record)
        assert state[0] == record[0] == whole[k]


@pytest.mark.parametrize("temperature", [0.4, 0.6, 0.8])
def test_a_slow_sweep_jumps_at_the_spinodal(temperature):
    """And not much later: the delay of a sweep at rate r is of order r^(2/3)."""
    h_s = spinodal(1 / temperature)[1]
    sweep = np.arange(0.7, -0.7, -1e-4)
    m = relax(0.95, 1 / temperature, sweep, step=0.05, n_steps=20)
    jump = sweep[np.argmax(m < 0)]
    assert -h_s - 0.02 < jump < -h_s
    back = relax(m[-1], 1 / temperature, sweep[::-1], step=0.05, n_steps=20)
    assert h_s < sweep[::-1][np.argmax(back > 0)] < h_s + 0.02


# The flip-flop

PULSES = [(0.0, 0.0), (0.4, -0.4), (-0.4, 0.4), (0.8, -0.8), (0.3, 0.0), (0.5, 0.5), (1.5, 1.4), (0.01, 0.0)]
small_fields = st.tuples(fields, fields)


@pytest.mark.parametrize(("loop_gain", "pulse"), all_of((0.5, 1.05, 1.5, 2.0), PULSES))
def test_the_stable_states_of_the_flip_flop_are_those_of_theory(loop_gain, pulse):
    states, kinds = flip_flop_fixed_points(1.0, pulse, loop_gain)
    exact = theory.flip_flop(1.0, fields=pulse, coupling=loop_gain)
    np.testing.assert_allclose(states[kinds == kernels.STABLE], exact, rtol=0, atol=1e-12)


@given(st.floats(0, 2), small_fields)
def test_every_state_of_the_flip_flop_solves_its_equations(loop_gain, pulse):
    states, kinds = flip_flop_fixed_points(1.0, pulse, loop_gain)
    np.testing.assert_allclose(
        states, np.tanh(np.array(pulse) - loop_gain * states[:, ::-1]), rtol=0, atol=1e-14
    )
    growth = loop_gain**2 * (1 - states[:, 0] ** 2) * (1 - states[:, 1] ** 2) - 1
    assume(np.abs(growth).min() > 1e-6)
    assert ((growth > 0) == (kinds == kernels.UNSTABLE)).all()


@pytest.mark.parametrize("loop_gain", [0.3, 1.2, 2.0])
def test_with_opposite_inputs_the_flip_flop_is_one_magnet(loop_gain):
    for h in (0.0, 0.02, -0.3):
        states, kinds = flip_flop_fixed_points(1.0, (h, -h), loop_gain)
        m, stability = fixed_points(1.0, h, loop_gain)
        np.testing.assert_allclose(states, np.transpose([m, -m]), rtol=0, atol=1e-10)
        assert ((kinds == kernels.UNSTABLE) == (stability == kernels.UNSTABLE)).all()


def test_it_is_set_holds_is_reset_and_holds():
    pulse, hold = (0.8, -0.8), (0.0, 0.0)
    inputs = [pulse] * 10 + [hold] * 40 + [pulse[::-1]] * 10 + [hold] * 40
    n_steps = round(1 / kernels.STEP)
    m1, m2 = relax_flip_flop((0.0, 0.0), 1.0, inputs, coupling=2.0, n_steps=n_steps).T
    level = theory.curie_weiss_magnetization(2.0)
    assert (m1[49], m2[49]) == pytest.approx((level, -level), abs=1e-9)
    assert (m1[99], m2[99]) == pytest.approx((-level, level), abs=1e-9)
    assert [kernels.logic_state(m1[k], m2[k]) for k in (9, 49, 59, 99)] == [1, 1, 0, 0]


def test_below_a_loop_gain_of_one_it_forgets():
    inputs = [(0.8, -0.8)] * 10 + [(0.0, 0.0)] * 40
    m1, m2 = relax_flip_flop((0.0, 0.0), 1.0, inputs, coupling=0.7, n_steps=round(1 / kernels.STEP)).T
    assert kernels.logic_state(m1[9], m2[9]) == 1
    assert kernels.logic_state(m1[-1], m2[-1]) == -1
    assert abs(m1[-1]) < 1e-4


@given(magnetizations, magnetizations, st.floats(0, 2), small_fields)
def test_the_free_energy_of_the_flip_flop_never_rises(m1, m2, loop_gain, pulse):
    """F = J m1 m2 - h1 m1 - h2 m2 - T s(m1) - T s(m2)."""
    path = np.concatenate(
        [[(m1, m2)], relax_flip_flop((m1, m2), 1.0, [pulse] * 100, coupling=loop_gain, n_steps=4)]
    )
    f = loop_gain * path[:, 0] * path[:, 1]
    for party, field in zip(path.T, pulse, strict=True):
        f = f + free_energy(party, 1.0, field, coupling=0.0)
    assert ordered(f[1:], f[:-1])


@given(magnetizations, magnetizations, st.floats(0, 2), small_fields)
def test_swapping_the_parties_swaps_their_motion_to_the_last_bit(m1, m2, loop_gain, pulse):
    straight = relax_flip_flop((m1, m2), 1.0, [pulse] * 5, coupling=loop_gain, n_steps=50)
    swapped = relax_flip_flop((m2, m1), 1.0, [pulse[::-1]] * 5, coupling=loop_gain, n_steps=50)
    assert (straight == swapped[:, ::-1]).all()


# The same bits in a page

OURS = sorted(
    name for name, (kernel, _, _) in EXPORTS.items() if kernel.py_func.__module__ == kernels.__name__
)


@pytest.fixture(scope="module")
def page():
    return Kernels(WASM.read_bytes())


CASES = all_of((0.5, 1.0, 1 / 0.7, 5.0), (0.0, 0.9, 1.0, 2.0), (-0.31, 0.0, 0.02))


def arguments(name, beta, coupling, h):
    """Arguments for a kernel, with arrays of their own."""
    m, fields, m_out, h_out = (
        np.linspace(-1, 1, 101),
        np.linspace(-0.9, 0.8, 40),
        np.zeros(101),
        np.zeros(101),
    )
    pairs, kinds = np.stack([fields, -fields[::-1]], axis=1), np.zeros(3, np.int64)
    return {
        "free_energy": (m, beta, coupling, h, m_out),
        "equation_of_state": (2.1 * beta, beta, coupling, m_out, h_out),
        "response": (m, beta, coupling, h, m_out),
        "susceptibility": (h, beta, coupling),
        "spinodal": (beta, coupling, np.zeros(2)),
        "fixed_points": (beta, coupling, h, np.zeros(3), kinds),
        "flip_flop_fixed_points": (beta, coupling, np.array([h, 0.1]), np.zeros((3, 2)), kinds),
        "relax": (np.array([0.9]), beta, coupling, fields, kernels.STEP, 64, np.zeros(40)),
        "relax_flip_flop": (np.array([h, 0.1]), beta, coupling, pairs, 0.01, 64, np.zeros((40, 2))),
        "logic_state": (h, -h),
    }[name]


@pytest.mark.parametrize("name", OURS)
def test_numba_and_webassembly_give_the_same_bits(page, name):
    for case in CASES:
        native, foreign = arguments(name, *case), arguments(name, *case)
        returned = EXPORTS[name][0](*native), page.call(name, *foreign)
        for here, there in zip((*native, returned[0]), (*foreign, returned[1]), strict=True):
            assert bits(here) == bits(there)


def bits(value):
    return b"" if value is None else np.asarray(value).tobytes()


def test_every_kernel_of_the_labs_is_in_the_page():
    compiled = {name: value for name, value in vars(kernels).items() if hasattr(value, "py_func")}
    own = {name for name, value in compiled.items() if value.py_func.__module__ == kernels.__name__}
    assert {name for name in own if not name.startswith("_")} == set(OURS)
