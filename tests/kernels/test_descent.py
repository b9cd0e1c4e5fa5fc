"""Three optimizers on a loss of two parameters: beside theory, beside NumPy, and the same bits in a page."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from smbook.kernels import descent as kernels
from smbook.kernels.descent import ADAM, BOWL, DESCENT, DOUBLE_WELL, HEAVY_BALL, PRODUCT
from smbook.kernels.rng import fill_normal, seed_state
from smbook.statistics import binned_error
from smbook.theory import descent as theory
from smbook.widgets.compiler import WASM
from tests.wasm import Kernels

LANDSCAPES = (PRODUCT, BOWL, DOUBLE_WELL)
places = st.floats(-4.0, 4.0)


def run(landscape, start, n_steps, *, condition=10.0, rate, momentum=0.9, temperature=0.0, seed=1, parts=1):
    """Return the record (n_steps + 1, 3, 4), start included, of a run made in so many calls."""
    states, record = np.empty((3, 8)), np.empty((n_steps + 1, 3, 4))
    state, room = seed_state(seed), np.empty(2)
    kernels.begin(*start, states)
    kernels.note(landscape, condition, rate, momentum, states, record[0])
    for part in np.array_split(np.arange(1, n_steps + 1), parts):
        noted = record[part[0] : part[-1] + 1]
        kernels.advance(landscape, condition, rate, momentum, temperature, states, state, room, noted)
    return record


def of(kernel, *arguments, size=2):
    out = np.full(size, -7.0)
    kernel(*arguments, out)
    return out


# The losses


@pytest.mark.parametrize("landscape", LANDSCAPES)
@given(x=places, y=places, condition=st.floats(1.0, 100.0))
def test_gradient_and_curvatures_are_those_of_the_loss_by_differences(landscape, x, y, condition):
    def level(u, v):
        return kernels.loss(landscape, condition, u, v)

    def slope(u, v):
        return of(kernels.gradient, landscape, condition, u, v)

    h = 1e-5
    found = [(level(x + h, y) - level(x - h, y)) / 2 / h, (level(x, y + h) - level(x, y - h)) / 2 / h]
    np.testing.assert_allclose(slope(x, y), found, atol=1e-5)
    hessian = [(slope(x + h, y) - slope(x - h, y)) / 2 / h, (slope(x, y + h) - slope(x, y - h)) / 2 / h]
    exact = np.linalg.eigvalsh(hessian)
    np.testing.assert_allclose(of(kernels.curvatures, landscape, condition, x, y), exact, atol=1e-6)


@given(x=places, y=places)
def test_the_product_is_that_of_theory(x, y):
    assert kernels.loss(PRODUCT, 1.0, x, y) == theory.product_loss(x, y)
    np.testing.assert_array_equal(of(kernels.gradient, PRODUCT, 1.0, x, y), theory.product_gradient(x, y))
    exact = theory.product_hessian_eigenvalues(x, y)
    np.testing.assert_allclose(of(kernels.curvatures, PRODUCT, 1.0, x, y), exact, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("condition", [1.0, 7.0, 100.0])
def test_a_bowl_has_the_condition_number_it_is_told(condition):
    np.testing.assert_allclose(of(kernels.curvatures, BOWL, condition, 0.3, -2.0), [1, condition], rtol=1e-13)


def test_a_double_well_has_two_minima_and_a_saddle():
    np.testing.assert_allclose(of(kernels.curvatures, DOUBLE_WELL, 1.0, 0.0, 0.0), [-0.5, 1.0])
    for x in (-2.0, 2.0):
        assert kernels.loss(DOUBLE_WELL, 1.0, x, 0.0) == 0.0
        np.testing.assert_allclose(of(kernels.curvatures, DOUBLE_WELL, 1.0, x, 0.0), [1.0, 1.0])


@pytest.mark.parametrize("landscape", LANDSCAPES)
def test_the_losses_of_cells_are_those_of_their_middles(landscape):
    values = np.empty((4, 5))
    kernels.fill_losses(landscape, 3.0, -4.0, 4.0, values)
    for i, y in enumerate((-3.0, -1.0, 1.0, 3.0)):
        for j, x in enumerate((-3.2, -1.6, 0.0, 1.6, 3.2)):
            exact = kernels.loss(landscape, 3.0, x, y)
            assert values[i, j] == pytest.approx(exact, rel=1e-12, abs=1e-12)


# Steps


@pytest.mark.parametrize(
    ("rate", "start"), [(0.2, (3.5, 0.1)), (0.2, (3.0, 0.1)), (0.2, (2.0, 0.2)), (0.5, (2.0, 0.2))]
)
def test_descent_on_the_product_is_the_path_of_theory(rate, start):
    record, path = run(PRODUCT, start, 2000, rate=rate), theory.product_path(*start, rate, 2000)
    for k, exact in enumerate((path.x, path.y)):
        np.testing.assert_allclose(record[:31, DESCENT, k], exact[:31], rtol=1e-9)
        assert record[-1, DESCENT, k] == pytest.approx(exact[-1], abs=1e-6)
    sharpness = record[-1, DESCENT, :2] @ record[-1, DESCENT, :2]
    assert record[-1, DESCENT, 3] == pytest.approx(rate / theory.largest_rate(sharpness), rel=1e-9)
    assert record[-1, DESCENT, 3] < 1
    assert record[-1, DESCENT, 2] < 1e-20


def test_what_runs_away_is_no_number_from_the_step_that_theory_says():
    record, path = run(PRODUCT, (3.0, 0.1), 100, rate=0.5), theory.product_path(3.0, 0.1, 0.5, 100)
    np.testing.assert_array_equal(np.isnan(record[:, DESCENT, :2]), np.isnan([path.x, path.y]).T)
    assert path.diverged
    assert np.isnan(record[-1, DESCENT]).all()


def plainly(landscape, start, n_steps, *, condition, rate, momentum, temperature, seed):
    """Return the places (n_steps + 1, 3, 2) of all three, written out in NumPy."""
    state, noise = seed_state(seed), np.zeros(2)
    at = np.array([start] * 3, dtype=float)
    before, m, v, found = at[1].copy(), np.zeros(2), np.zeros(2), [at.copy()]
    for step in range(1, n_steps + 1):
        if temperature:
            fill_normal(state, noise)
        g = [of(kernels.gradient, landscape, condition, *point) for point in at]
        at[0] = at[0] - rate * g[0] + math.sqrt(2 * rate * temperature) * noise
        damped = math.sqrt(2 * (1 - momentum) * rate * temperature) * noise
        at[1], before = at[1] - rate * g[1] + momentum * (at[1] - before) + damped, at[1].copy()
        m, v = momentum * m + (1 - momentum) * g[2], 0.999 * v + 0.001 * g[2] ** 2
        unbiased = m / (1 - momentum**step), np.sqrt(v / (1 - 0.999**step))
        at[2] += math.sqrt(2 * rate * temperature) * noise - rate * unbiased[0] / (unbiased[1] + 1e-8)
        found.append(at.copy())
    return np.array(found)


SETTINGS = [
    {"condition": 5.0, "rate": 0.1, "momentum": 0.9, "temperature": 0.0, "seed": 1},
    {"condition": 20.0, "rate": 0.03, "momentum": 0.5, "temperature": 0.2, "seed": 2},
    {"condition": 1.0, "rate": 0.05, "momentum": 0.0, "temperature": 1.0, "seed": 3},
]


@pytest.mark.parametrize("landscape", LANDSCAPES)
@pytest.mark.parametrize("setting", SETTINGS)
def test_steps_are_those_written_out_in_numpy(landscape, setting):
    record = run(landscape, (1.5, 0.4), 60, **setting)
    np.testing.assert_allclose(record[..., :2], plainly(landscape, (1.5, 0.4), 60, **setting), atol=1e-9)
    for entry in record[::20].reshape(-1, 4):
        assert entry[2] == kernels.loss(landscape, setting["condition"], *entry[:2])
    if not setting["momentum"]:
        np.testing.assert_allclose(record[:, HEAVY_BALL, :3], record[:, DESCENT, :3], atol=1e-9)


def test_calls_follow_each_other_without_a_trace():
    for temperature in (0.0, 0.3):
        whole, parts = (
            run(PRODUCT, (2.0, 0.2), 50, rate=0.1, temperature=temperature, parts=k) for k in (1, 7)
        )
        np.testing.assert_array_equal(whole, parts)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("optimizer", [DESCENT, HEAVY_BALL])
def test_a_bowl_is_left_from_the_largest_rate_on(optimizer, momentum):
    """At 0.98 of it the distance shrinks, and at 1.02 it grows; the relative rate is that share all along."""
    bears = theory.largest_rate(10.0, momentum=momentum if optimizer == HEAVY_BALL else 0.0)
    for share in (0.98, 1.02):
        record = run(BOWL, (1.0, 2.0), 300, rate=share * bears, momentum=momentum)[:, optimizer]
        np.testing.assert_allclose(record[:, 3], share, rtol=1e-12)
        grown = np.hypot(*record[-1, :2]) / np.hypot(*record[150, :2])
        assert (grown > 2) == (share > 1)
        assert (grown < 0.5) == (share < 1)


@pytest.mark.parametrize("share", [0.97, 1.03])
def test_adam_whose_scales_stand_still_bears_what_theory_says(share):
    """With scales of 1 and 2, averages of squares that change little, and all three steps 1000 times."""
    rate, momentum, condition, scales = 1.0, 0.9, 10.0, np.array([1.0, 2.0])
    exact = np.array([[0.64 + 3.6, 0.48 * -9], [0.48 * -9, 0.36 + 6.4]]) / np.sqrt(np.outer(scales, scales))
    sharpness = np.linalg.eigvalsh(exact)[-1]
    rate = share * theory.largest_rate(sharpness, momentum=momentum, method="averaged")
    state = np.zeros(8)
    state[:2], state[4:6], state[7] = 1.0, scales**2 / 2, 0.5
    found = kernels.relative_rate(ADAM, BOWL, condition, rate, momentum, state)
    assert found == pytest.approx(share, rel=1e-7)


def test_adam_makes_first_steps_of_the_rate_whatever_the_slope():
    record = run(BOWL, (3.0, 3.0), 1, rate=0.05)
    np.testing.assert_allclose(np.abs(np.diff(record[:, ADAM, :2], axis=0)), 0.05, rtol=1e-6)
    assert math.isnan(record[0, ADAM, 3])
    assert record[1, ADAM, 3] > 0


# Noise


@pytest.mark.parametrize(
    ("optimizer", "rate", "momentum"),
    [(DESCENT, 0.02, 0.0), (DESCENT, 0.15, 0.0), (HEAVY_BALL, 0.1, 0.5), (HEAVY_BALL, 0.25, 0.9)],
)
def test_the_mean_loss_in_a_bowl_is_that_of_the_closed_form(optimizer, rate, momentum):
    """At |z| < 4 with errors of 2 %: T alone, the loss of small steps, is 5 to 150 % lower."""
    setting = {"rate": rate, "momentum": momentum, "temperature": 0.3}
    losses = run(BOWL, (0.0, 0.0), 400_000, **setting, seed=7)[1000:, optimizer, 2]
    exact = kernels.mean_loss(optimizer, BOWL, 10.0, rate, momentum, 0.3)
    value, error = binned_error(losses, n_bins=50)[:2]
    assert abs(value - exact) < 4 * error
    assert error < 0.02 * exact
    assert exact > 1.05 * 0.3


def test_descent_with_small_steps_follows_boltzmann_in_a_double_well():
    """<y^2> = T, and <x^2> by quadrature, at |z| < 4."""
    temperature = 0.5
    record = run(DOUBLE_WELL, (2.0, 0.0), 600_000, rate=0.02, temperature=temperature, seed=3)
    x = np.linspace(-8, 8, 4001)
    law = np.exp(-((x**2 - 4) ** 2) / 32 / temperature)
    exact = (x**2 * law).sum() / law.sum(), temperature
    for k, level in enumerate(exact):
        value, error = binned_error(record[5000:, DESCENT, k] ** 2, n_bins=50)[:2]
        assert abs(value - level) < 4 * error + 0.015 * level
        assert error < 0.05 * level


# Where it ends


@pytest.mark.parametrize("landscape", LANDSCAPES)
@settings(max_examples=20)
@given(x=places, y=places)
def test_the_flow_ends_where_its_equation_does(landscape, x, y):
    assume(abs(x + y) > 0.05)
    assume(abs(x) > 0.05)

    def slope(_, point):
        return -of(kernels.gradient, landscape, 2.0, *point)

    end = solve_ivp(slope, (0, 60), (x, y), rtol=1e-9, atol=1e-11).y[:, -1]
    np.testing.assert_allclose(of(kernels.flow_end, landscape, x, y), end, atol=1e-5)


@given(x=places, y=places)
def test_the_end_on_the_product_is_that_of_theory(x, y):
    found = of(kernels.flow_end, PRODUCT, x, y)
    if x == -y:
        assert found.tolist() == [0, 0]
    else:
        np.testing.assert_allclose(found, theory.product_flow_minimum(x, y)[:2], rtol=1e-12)


def test_the_ridge_of_a_double_well_ends_in_its_saddle():
    assert of(kernels.flow_end, DOUBLE_WELL, 0.0, 3.0).tolist() == [0, 0]


@given(rate=st.floats(0.001, 0.999))
def test_minima_that_attract_are_those_below_the_edge(rate):
    low, high = of(kernels.stable_minima, rate)
    for x in (low, high):
        assert theory.largest_rate(x**2 + x**-2) == pytest.approx(rate, rel=1e-9)
    assert low <= 1 <= high


@pytest.mark.parametrize("rate", [1.0, 1.1, 3.0])
def test_from_a_rate_of_one_on_no_minimum_attracts(rate):
    assert np.isnan(of(kernels.stable_minima, rate)).all()


@pytest.mark.parametrize("rate", [0.5, 1.0, 1.0001, 1.1, 1.2, 1.236, 1.2361, 1.5])
def test_the_orbit_is_that_of_theory_where_it_is_stable(rate):
    points = of(kernels.period_two, rate)
    level = kernels.mean_loss(DESCENT, PRODUCT, 1.0, rate, 0.9, 0.0)
    first, last = theory.PERIOD_TWO_RATES
    if first < rate < last:
        orbit = theory.period_two_orbit(rate)
        np.testing.assert_allclose(points, orbit[:2], rtol=1e-13)
        assert level == pytest.approx(orbit.mean_loss, rel=1e-12)
    else:
        assert np.isnan([*points, level]).all()


def test_descent_lands_on_the_orbit():
    record = run(PRODUCT, (1.6, 0.5), 3000, rate=1.1)[:, DESCENT]
    points = of(kernels.period_two, 1.1)
    np.testing.assert_allclose(sorted(record[-2:, 0]), points[::-1], atol=1e-9)
    exact = kernels.mean_loss(DESCENT, PRODUCT, 1.0, 1.1, 0.9, 0.0)
    assert record[-1000:, 2].mean() == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(
    ("optimizer", "landscape", "rate", "temperature"),
    [
        (ADAM, BOWL, 0.1, 0.1),
        (DESCENT, BOWL, 0.2, 0.1),
        (DESCENT, PRODUCT, 0.2, 0.0),
        (DESCENT, PRODUCT, 1.1, 0.1),
        (HEAVY_BALL, PRODUCT, 1.1, 0.0),
        (DESCENT, DOUBLE_WELL, 1.1, 0.0),
    ],
)
def test_there_is_no_closed_form_elsewhere(optimizer, landscape, rate, temperature):
    assert math.isnan(kernels.mean_loss(optimizer, landscape, 10.0, rate, 0.9, temperature))


# In a page


@pytest.fixture(scope="module")
def wasm():
    return Kernels(WASM.read_bytes())


@pytest.mark.parametrize("landscape", LANDSCAPES)
@pytest.mark.parametrize(("rate", "temperature"), [(0.13, 0.0), (0.05, 0.4), (1.1, 0.0), (0.9, 0.0)])
def test_webassembly_makes_the_same_steps(wasm, landscape, rate, temperature):
    """All bits of the record, of the states and of the generator, those of nan left out."""

    def course(begin, note, advance):
        states, record, state = np.empty((3, 8)), np.empty((200, 3, 4)), seed_state(5)
        begin(2.5, 0.3, states)
        note(landscape, 8.0, rate, 0.8, states, record[0])
        advance(landscape, 8.0, rate, 0.8, temperature, states, state, np.empty(2), record[1:].copy())
        rows = np.empty((199, 3, 4))
        advance(landscape, 8.0, rate, 0.8, temperature, states, state, np.empty(2), rows)
        return np.concatenate([record[0].ravel(), rows.ravel(), states.ravel()]), state

    found = course(wasm.begin_descent, wasm.note_descent, wasm.descend)
    expected = course(kernels.begin, kernels.note, kernels.advance)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


@given(x=places, y=places, rate=st.floats(0.001, 4.0), landscape=st.sampled_from(LANDSCAPES))
def test_webassembly_finds_the_same_ends(wasm, x, y, rate, landscape):
    for name, arguments in {
        "curvatures": (landscape, 4.0, x, y),
        "flow_end": (landscape, x, y),
        "stable_minima": (rate,),
        "period_two": (rate,),
    }.items():
        found, expected = (of(getattr(module, name), *arguments) for module in (wasm, kernels))
        np.testing.assert_array_equal(found, expected)
    given = DESCENT, landscape, 4.0, rate, 0.9, 0.2
    np.testing.assert_array_equal(wasm.mean_loss(*given), kernels.mean_loss(*given))
