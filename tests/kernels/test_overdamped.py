"""Driven particles: detailed balance of a step, a run in pieces, and the first law to rounding."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import polynomial

from smbook.kernels import overdamped as kernels
from smbook.kernels.rng import fill_normal, seed_state, uniform
from smbook.widgets.compiler import WASM
from tests.wasm import Kernels

WELLS = np.array([0.3, -3.0, 0.1, 1.5])  # c1 to c4
terms = st.floats(-20.0, 20.0)


def level(c, x):
    return polynomial.polyval(x, [0.0, *c])


def force(c, x):
    return -polynomial.polyval(x, polynomial.polyder([0.0, *c]))


def log_proposal(c, x, y, step):
    """The log of the density of Langevin's move from x to y, without what is the same for all."""
    return -((y - x - step * force(c, x)) ** 2) / (4 * step)


def log_acceptance(c, x, y, step):
    back, forth = log_proposal(c, y, x, step), log_proposal(c, x, y, step)
    return np.minimum(0.0, level(c, x) - level(c, y) + back - forth)


def plain(table, step, positions, state):
    """Positions, work and heat as the textbook has them, with the same random numbers."""
    x, work, heat = positions.copy(), np.zeros_like(positions), np.zeros_like(positions)
    noise = np.empty_like(x)
    for before, now in itertools.pairwise(table):
        fill_normal(state, noise)
        for i in range(x.size):
            work[i] += level(now, x[i]) - level(before, x[i])
            y = x[i] + step * force(now, x[i]) + math.sqrt(2 * step) * noise[i]
            chance = log_acceptance(now, x[i], y, step)
            if chance >= 0 or uniform(state) < math.exp(chance):
                heat[i] += level(now, x[i]) - level(now, y)
                x[i] = y
    return x, work, heat


def driven(table, step, positions, state):
    x, work, heat = positions.copy(), np.zeros_like(positions), np.zeros_like(positions)
    accepted = kernels.drive(table, step, x, work, heat, state, np.empty_like(x))
    return x, work, heat, accepted


def protocol(n_steps):
    return np.linspace([0.0, -2.0, 0.0, 1.0], [0.5, 1.0, 0.2, 2.0], n_steps + 1)


@given(c=st.tuples(terms, terms, terms, terms), x=st.floats(-3.0, 3.0))
def test_potential_and_slope_are_those_of_the_polynomial(c, x):
    c = np.array(c)
    assert kernels.potential(c, x) == pytest.approx(level(c, x), abs=1e-10)
    assert kernels.slope(c, x) == pytest.approx(-force(c, x), abs=1e-10)
    values = np.empty(2)
    kernels.fill_potential(c, np.array([x, -x]), values)
    assert values.tolist() == [kernels.potential(c, x), kernels.potential(c, -x)]


@given(x=st.floats(-2.0, 2.0), y=st.floats(-2.0, 2.0), step=st.floats(0.01, 1.0))
def test_the_rule_keeps_detailed_balance_exactly(x, y, step):
    """exp(-U(x)) q(x to y) a(x to y) is the same both ways, to 1e-12, however large the step."""

    def log_flow(u, v):
        return -level(WELLS, u) + log_proposal(WELLS, u, v, step) + log_acceptance(WELLS, u, v, step)

    assert log_flow(x, y) == pytest.approx(log_flow(y, x), rel=1e-12, abs=1e-12 * 40 / step)


@pytest.mark.parametrize("step", [1e-3, 0.05, 0.15])
def test_the_kernel_follows_that_rule(step):
    """With the same random numbers, through thousands of decisions; longer steps would amplify roundings."""
    start, table = np.linspace(-2.0, 2.0, 31), protocol(120)
    x, work, heat, accepted = driven(table, step, start, seed_state(3))
    right = plain(table, step, start, seed_state(3))
    for found, exact in zip((x, work, heat), right, strict=True):
        np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-9)
    assert accepted / (31 * 120) == pytest.approx({1e-3: 1.0, 0.05: 0.94, 0.15: 0.81}[step], abs=0.02)


def cells_of(step, adjusted, n=300_000):
    """Moves between twelve cells by one step from equilibrium, as counts (from, to)."""
    rng, edges = np.random.default_rng(1), np.linspace(-2.4, 2.4, 13)
    grid = np.linspace(-4.0, 4.0, 200_001)
    shares = np.cumsum(np.exp(-level(WELLS, grid)))
    x = np.interp(rng.uniform(size=n), shares / shares[-1], grid)
    if adjusted:
        y, *_ = driven(np.stack([WELLS, WELLS]), step, x, seed_state(2))
    else:
        y = x + step * force(WELLS, x) + math.sqrt(2 * step) * rng.normal(size=n)
    return np.histogram2d(x, y, [edges, edges])[0]


def scores(counts):
    """By how many errors moves and moves back differ, of the pairs that are seen often."""
    forth, back = (pick(counts, 1) for pick in (_upper, _lower))
    often = forth + back > 200
    return (forth - back)[often] / np.sqrt((forth + back)[often])


def _upper(counts, k):
    return counts[np.triu_indices(len(counts), k)]


def _lower(counts, k):
    return counts.T[np.triu_indices(len(counts), k)]


@pytest.mark.parametrize("step", [0.02, 0.3])
def test_moves_and_moves_back_are_as_many_in_equilibrium(step):
    """A flow of 1 in 100 of the moves between two cells is seen; Euler's steps of 0.02 have 5 in 100."""
    found = scores(cells_of(step, adjusted=True))
    assert len(found) > 10
    assert np.abs(found).max() < 4
    assert np.abs(scores(cells_of(step, adjusted=False))).max() > 6


@pytest.mark.parametrize("cut", [1, 50, 119])
def test_a_run_in_pieces_is_the_same_run(cut):
    table, start = protocol(120), np.linspace(-1.0, 1.0, 9)
    whole = driven(table, 0.1, start, seed_state(5))
    state, noise = seed_state(5), np.empty(9)
    x, work, heat = start.copy(), np.zeros(9), np.zeros(9)
    accepted = kernels.drive(table[: cut + 1], 0.1, x, work, heat, state, noise)
    accepted += kernels.drive(table[cut:], 0.1, x, work, heat, state, noise)
    for found, exact in zip((x, work, heat, accepted), whole, strict=True):
        np.testing.assert_array_equal(found, exact)


@settings(max_examples=30)
@given(step=st.floats(1e-4, 10.0), seed=st.integers(0, 2**32), ends=st.tuples(terms, terms, terms))
def test_work_less_heat_is_the_change_of_energy(step, seed, ends):
    table = np.linspace([0.0, 1.0, 0.0, 1.0], [*ends, 2.0], 50)
    start = np.linspace(-2.0, 2.0, 20)
    x, work, heat, _ = driven(table, step, start, seed_state(seed))
    change = level(table[-1], x) - level(table[0], start)
    np.testing.assert_allclose(work - heat, change, atol=1e-10 * (1 + np.abs(work).max()))


def test_a_leap_out_of_all_numbers_is_rejected():
    table = np.tile([0.0, 0.0, 0.0, 1e6], (3, 1))
    x, work, heat, accepted = driven(table, 1e80, np.array([1e60, -1.0, 0.0]), seed_state(1))
    assert accepted == 0
    assert x.tolist() == [1e60, -1.0, 0.0]
    assert work.tolist() == heat.tolist() == [0.0, 0.0, 0.0]


# A bit


@pytest.mark.parametrize("n_steps", [4, 50, 1025])
@pytest.mark.parametrize("lowest", [0.0, 0.25])
def test_four_strokes_lead_back_to_where_they_began(n_steps, lowest):
    table = np.full((n_steps + 1, 4), -7.0)
    kernels.erase_bit(6.0, 3.0, lowest, table)
    np.testing.assert_array_equal(table[0] + 0.0, [0.0, -12.0, 0.0, 6.0])
    np.testing.assert_allclose(table[-1], table[0], atol=1e-12)
    assert (-table[:, 0]).max() <= 3.0
    barriers = table[:, 1] ** 2 / (4 * 6.0)
    if n_steps % 4 == 0:
        quarter, half = n_steps // 4, n_steps // 2
        np.testing.assert_allclose(barriers[[quarter, half, 3 * quarter]], [6 * lowest, 6 * lowest, 6])
        np.testing.assert_allclose(table[[quarter, half, 3 * quarter], 0], [0, -3, -3], atol=1e-12)
    steps = np.abs(np.diff(table, axis=0)).max(axis=0)
    assert (steps <= np.array([3.0, 12.0, 0.0, 0.0]) * 4 / n_steps * (1 + 1e-9)).all()


def test_works_are_counted_by_where_particles_end():
    rng = np.random.default_rng(1)
    positions, work = rng.normal(size=(2, 500))
    counts, sums = np.zeros((2, 16), dtype=np.int64), np.zeros((2, 5))
    kernels.tally_works(positions, work, 0.5, -2.0, 0.25, counts, sums)
    for side, chosen in enumerate((positions <= 0, positions > 0)):
        w = work[chosen] + 0.5
        np.testing.assert_array_equal(counts[side], np.histogram(w, np.arange(-2.0, 2.1, 0.25))[0])
        exact = [w.size, w.sum(), (w**2).sum(), np.exp(-w).sum(), np.exp(-2 * w).sum()]
        np.testing.assert_allclose(sums[side], exact, rtol=1e-12)


@given(errors=st.floats(0.0, 1.0))
def test_the_least_work_is_never_negative_and_never_above_ln_2(errors):
    assert -1e-15 <= kernels.erasing_work(errors) <= math.log(2)
    assert kernels.erasing_work(errors) == pytest.approx(kernels.erasing_work(1.0 - errors), abs=1e-12)


def of_a_run(run):
    """What kernels, or those of a module, make of a bit in 60 steps, as bytes."""
    table, state, law = np.zeros((61, 4)), seed_state(9), np.zeros(129)
    x, work, heat, noise, heights = np.zeros((5, 40))
    run.erase_bit(8.0, 4.0, 0.0, table)
    numbers = [run.bound_law(table[0].copy(), -2.2, 2.2, law)]
    run.draw_equilibrium(table[0].copy(), -2.2, 2.2, law, state, x)
    numbers.append(run.drive(table, 0.01, x, work, heat, state, noise))
    run.fill_wells(table[40].copy(), x, heights)
    counts, sums = np.zeros((2, 30), dtype=np.int64), np.zeros((2, 5))
    run.tally_works(x, work, 0.0, -5.0, 0.5, counts, sums)
    numbers += [run.erasing_steps(3.3, 7.1), run.erasing_work(0.2), run.erasing_distance(7.1, law)]
    return [part.tobytes() for part in (table, x, work, heat, heights, counts, sums)], [*map(float, numbers)]


def test_a_page_has_the_same_bits():
    assert of_a_run(Kernels(WASM.read_bytes())) == of_a_run(kernels)
