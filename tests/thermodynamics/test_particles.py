"""Driven particles: the first law, Jarzynski at any speed and step, Gaussian work of traps, a bit erased."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import polynomial
from scipy import stats

from smbook import thermodynamics
from smbook.thermodynamics import (
    Protocol,
    drive_particles,
    equilibrium,
    erasure,
    free_energy,
    moving_trap,
    share_right,
    stiffening_trap,
    trap_protocol,
)

DOUBLE_WELL = [3.0, 0.4, -6.0, 0.3, 3.0]
LN2 = math.log(2)


def z_of_mean(values, expected):
    return (np.mean(values) - expected) / (np.std(values, ddof=1) / math.sqrt(len(values)))


# Equilibrium


@pytest.mark.parametrize(
    "coefficients",
    [[0.0, 0.0, 0.5, 0.0, 0.0], [5e5, -1000.0, 0.5, 0.0, 0.0], DOUBLE_WELL, [0, 0, -2e4, 0, 1e4]],
    ids=["trap", "far away", "double well", "narrow wells"],
)
def test_equilibrium_has_the_exact_law(coefficients):
    """20000 positions by Kolmogorov's test against the integral of exp(-U): a tenth of a width is seen."""
    x = equilibrium(coefficients, 20_000, rng=1)
    grid = np.linspace(x.min() - 1, x.max() + 1, 400_001)
    level = polynomial.polyval(grid - grid.mean(), shifted(coefficients, grid.mean()))
    law = np.cumsum(np.exp(level.min() - level))
    law /= law[-1]

    def p_value(values):
        return stats.kstest(values, lambda v: np.interp(v, grid, law)).pvalue

    assert p_value(x) > 1e-4
    assert p_value(x + 0.1 * x[x > np.median(x)].std()) < 1e-4


def shifted(coefficients, by):
    return polynomial.Polynomial(coefficients)(polynomial.Polynomial([by, 1.0])).coef


@settings(max_examples=40)
@given(
    k=st.floats(1e-3, 1e3), a=st.floats(-1e3, 1e3), height=st.floats(-50, 50), quartic=st.floats(0.0, 10.0)
)
def test_free_energy_of_traps_and_symmetric_wells(k, a, height, quartic):
    trap = [height + k * a * a / 2, -k * a, k / 2, 0.0, 0.0]
    exact = height - math.log(2 * math.pi / k) / 2
    assert free_energy(trap) == pytest.approx(exact, abs=1e-8 * max(1.0, k * a * a * 1e-6))
    x = np.linspace(-6, 6, 20_001)
    well = [height, 0.0, -quartic, 0.0, quartic + 0.5]
    direct = -math.log(np.exp(-polynomial.polyval(x, well)).sum() * (x[1] - x[0]))
    assert free_energy(well) == pytest.approx(direct, abs=1e-9)


# Work and heat


@settings(max_examples=25)
@given(
    duration=st.floats(0.01, 5.0),
    step=st.floats(1e-2, 10.0),
    last=st.floats(0.1, 20.0),
    seed=st.integers(0, 2**40),
)
def test_the_first_law_holds_to_rounding_at_any_step(duration, step, last, seed):
    for protocol in (stiffening_trap(duration, last=last, step=step), erasure(duration, step=step)):
        run = drive_particles(protocol, 50, rng=seed)
        change = protocol.potential(run.positions) - protocol.potential(run.initial, 0)
        np.testing.assert_allclose(run.energy_change, change, atol=1e-10)


def test_energy_that_only_a_constant_adds_is_work():
    table = np.tile(DOUBLE_WELL, (11, 1))
    table[:, 0] += np.arange(11)
    run = drive_particles(table, 100, step=0.1, rng=1)
    np.testing.assert_allclose(run.work, 10.0, rtol=1e-13)
    bare = drive_particles(table[:, 1:], 100, step=0.1, rng=1)
    assert bare.work.tolist() == [0.0] * 100
    np.testing.assert_array_equal(bare.positions, run.positions)


PROTOCOLS = {
    "dragged slowly": moving_trap(4.0, distance=2.0),
    "dragged at once": moving_trap(1e-3, distance=1.0, step=1e-3),
    "dragged in long steps": moving_trap(4.0, distance=2.0, stiffness=2.0, step=0.5),
    "stiffened": stiffening_trap(1.0, last=6.0),
    "softened in long steps": stiffening_trap(3.0, first=4.0, last=1.5, step=0.5),
    "double well in long steps": Protocol(np.linspace([0, 0, 1, 0, 0.5], DOUBLE_WELL, 21), 0.12),
}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_jarzynskis_equality_at_any_speed_and_step(name):
    """On ten seeds: ln of a mean that is 2 in 100 off would be 4 errors off in their sum.

    Single means of exp(-W) are skewed, and may be 5 errors off.
    """
    protocol = PROTOCOLS[name]
    exact = math.exp(-protocol.free_energy_change)
    runs = [drive_particles(protocol, 4000, rng=seed) for seed in range(10)]
    scores = np.array([z_of_mean(np.exp(-run.work), exact) for run in runs])
    assert np.abs(scores).max() < 5
    assert abs(scores.sum()) / math.sqrt(10) < 4
    assert np.mean([run.work.mean() for run in runs]) > protocol.free_energy_change  # the second law


@pytest.mark.parametrize("name", ["dragged in long steps", "double well in long steps"])
def test_late_work_and_moves_that_are_never_rejected_are_seen(name):
    protocol = PROTOCOLS[name]
    exact = math.exp(-protocol.free_energy_change)
    assert abs(z_of_mean(np.exp(-work_after_the_move(protocol, 40_000)), exact)) > 4
    assert abs(z_of_mean(np.exp(-euler(PROTOCOLS["double well in long steps"], 40_000)), exact)) > 4


def work_after_the_move(protocol, n):
    """Evaluate each change of the potential where the particle is after the move in the new one."""
    x, work = equilibrium(protocol.coefficients[0], n, rng=5), np.zeros(n)
    for k in range(protocol.n_steps):
        pair = np.tile(protocol.coefficients[k + 1], (2, 1))
        x = drive_particles(pair, x, step=protocol.step, rng=k).positions
        work += protocol.potential(x, k + 1) - protocol.potential(x, k)
    return work


def euler(protocol, n):
    """Accept each of Langevin's moves."""
    rng = np.random.default_rng(6)
    x, work = equilibrium(protocol.coefficients[0], n, rng=5), np.zeros(n)
    for k in range(protocol.n_steps):
        work += protocol.potential(x, k + 1) - protocol.potential(x, k)
        slope = polynomial.polyval(x, polynomial.polyder(protocol.coefficients[k + 1]))
        x = np.clip(x - protocol.step * slope + math.sqrt(2 * protocol.step) * rng.normal(size=n), -9, 9)
    return work


def test_forward_and_backward_works_cross_as_crooks_says():
    """P(W) exp(-W) = P_backward(-W) exp(-dF), as counts of works between two limits, at long steps."""
    protocol = PROTOCOLS["double well in long steps"]
    forth = drive_particles(protocol, 40_000, rng=1).work
    back = -drive_particles(protocol.backward, 40_000, rng=2).work
    change = protocol.free_energy_change
    assert protocol.backward.free_energy_change == pytest.approx(-change)
    for low, high in ((-9.0, change), (change, change + 1), (change + 1, 9.0)):
        weights = np.exp(change - forth) * ((low < forth) & (forth < high))
        share = ((low < back) & (back < high)) * 1.0
        error = math.hypot(weights.std(), share.std()) / 200
        assert abs(weights.mean() - share.mean()) < 4 * error


# Traps, whose work is known


@pytest.mark.parametrize(("duration", "k"), [(0.3, 1.0), (3.0, 1.0), (2.0, 4.0)])
def test_work_of_a_dragged_trap_is_gaussian_with_the_known_mean(duration, k):
    """Mean v^2 (t - (1 - exp(-k t)) / k), variance twice that as no free energy changes.

    Steps are exact in their own way: the lag y becomes (y + d) (1 - k h) after the work k (y d + d^2 / 2).
    """
    protocol = moving_trap(duration, distance=3.0, stiffness=k)
    run = drive_particles(protocol, 40_000, rng=3)
    limit = (3.0 / duration) ** 2 * (duration - (1 - math.exp(-k * duration)) / k)
    lag, mean, d = 0.0, 0.0, 3.0 / protocol.n_steps
    for _ in range(protocol.n_steps):
        lag, mean = (lag + d) * (1 - k * protocol.step), mean + k * (lag * d + d * d / 2)
    assert mean == pytest.approx(limit, rel=k * protocol.step)
    assert abs(z_of_mean(run.work, mean)) < 4
    assert run.work.var() == pytest.approx(2 * mean, rel=4 * math.sqrt(2 / 40_000))
    assert abs(stats.skew(run.work)) < 4 * math.sqrt(6 / 40_000)
    assert abs(z_of_mean(run.heat, mean - k * lag * lag / 2)) < 4
    assert run.acceptance > 0.999


def test_jumps_at_both_ends_save_work():
    """Schmiedl and Seifert: distance^2 / (t + 2 / k) at jumps of 1 / (2 + k t), here 9/4."""
    best = drive_particles(moving_trap(2.0, distance=3.0, jump=0.25), 40_000, rng=4).work
    assert abs(z_of_mean(best, 9 / 4)) < 4
    for jump in (0.0, 0.5):
        assert drive_particles(moving_trap(2.0, distance=3.0, jump=jump), 40_000, rng=4).work.mean() > 2.3


def test_a_trap_that_stiffens_slowly_takes_its_free_energy():
    protocol = stiffening_trap(60.0, last=4.0)
    assert protocol.free_energy_change == pytest.approx(LN2)
    work = drive_particles(protocol, 4000, rng=5).work
    assert LN2 < work.mean() < LN2 + 0.05
    at_once = drive_particles(stiffening_trap(1e-6, last=4.0), 4000, rng=5).work
    assert abs(z_of_mean(at_once, 1.5)) < 4  # (k' - k) <x^2> / 2


# A bit


def least_work(errors):
    """ln 2 - S(p)."""
    return LN2 + sum(p * math.log(p) for p in (errors, 1 - errors) if p > 0)


@pytest.fixture(scope="module")
def erased():
    """Bits erased in five durations, 2000 each."""
    return {t: drive_particles(erasure(t), 2000, rng=7) for t in (0.5, 2.0, 4.0, 8.0, 16.0)}


def test_erasing_takes_landauers_work_and_an_excess_that_falls_like_one_over_the_duration(erased):
    excess = {}
    for duration, run in erased.items():
        error = run.work.std() / math.sqrt(run.work.size)
        excess[duration] = run.work.mean() - least_work(1 - share_right(run.positions))
        assert excess[duration] > -4 * error
        assert run.acceptance > 0.99
    assert [excess[t] * t for t in (4.0, 8.0, 16.0)] == pytest.approx([4.2] * 3, rel=0.25)


def test_right_ends_add_one_half_to_jarzynskis_mean_and_wrong_ends_the_other_half(erased):
    for duration in (2.0, 4.0, 8.0, 16.0):  # faster, 2000 bits are too few for the mean of exp(-work)
        run = erased[duration]
        right = np.exp(-run.work) * (run.positions > 0)
        assert abs(z_of_mean(right, 0.5)) < 4
    scores = []
    for seed in range(10):
        run = drive_particles(erasure(6.0, barrier=5.0, tilt=1.0), 1500, rng=seed)
        right = run.positions > 0
        scores.append([z_of_mean(np.exp(-run.work) * side, 0.5) for side in (right, ~right)])
    assert np.abs(scores).max() < 4
    assert np.abs(np.sum(scores, axis=0)).max() / math.sqrt(10) < 4


def test_what_is_not_tilted_erases_nothing_and_a_low_barrier_forgets():
    run = drive_particles(erasure(4.0, tilt=0.0), 2000, rng=8)
    assert abs(share_right(run.positions) - 0.5) < 4 * 0.5 / math.sqrt(2000)
    low, high = (drive_particles(erasure(30.0, barrier=b, tilt=b / 2), 1000, rng=8) for b in (2.0, 6.0))
    assert share_right(low.positions) < 0.8 < 0.95 < share_right(high.positions)
    assert low.work.mean() < high.work.mean() < LN2 + 0.3


def test_the_mean_energy_of_an_erased_bit_is_that_of_a_fresh_one(erased):
    """All work ends as heat: the wells are alike."""
    run = erased[16.0]
    assert abs(z_of_mean(run.energy_change, 0.0)) < 4
    assert run.heat.mean() > LN2


# Results and refusals


def test_a_height_that_only_a_constant_adds_moves_nothing():
    np.testing.assert_array_equal(
        equilibrium([1e300, 0, 0.5, 0, 0], 100, rng=1), equilibrium([0, 0.5, 0, 0], 100, rng=1)
    )
    assert free_energy([-1e9, 0, 0.5, 0, 0]) == pytest.approx(-1e9 - math.log(2 * math.pi) / 2, abs=1e-6)


def test_a_particle_that_is_lost_is_told():
    """Down a slope without an end, in one long step, and then where x^4 is no float."""
    rows = [[0, -1, 0, 0, 0], [0, -1, 0, 0, 0], [0, 0, 0, 0, 1]]
    with pytest.raises(FloatingPointError, match="left the range of floats"):
        drive_particles(rows, [0.0, 1.0], step=1e100, rng=1)


def test_positions_given_are_kept_and_runs_repeat():
    start = np.linspace(-1.0, 1.0, 7)
    run = drive_particles(erasure(1.0), start, thin=10, rng=3)
    np.testing.assert_array_equal(start, np.linspace(-1.0, 1.0, 7))
    np.testing.assert_array_equal(run.initial, start)
    n_steps = erasure(1.0).n_steps
    assert run.path.shape == (n_steps // 10, 7)
    again = drive_particles(erasure(1.0), start, rng=3)
    assert again.path.shape == (0, 7)
    assert again == run._replace(path=again.path)
    assert again != drive_particles(erasure(1.0), start, rng=4)
    short = Protocol(erasure(1.0).coefficients[:21], erasure(1.0).step)
    np.testing.assert_array_equal(drive_particles(short, start, rng=3).positions, run.path[1])


def test_records_say_what_they_hold():
    assert repr(moving_trap(2.0)) == "Protocol(128 steps, duration 2)"
    assert moving_trap(2.0) == moving_trap(2.0) != moving_trap(3.0)
    run = drive_particles(trap_protocol([0.0, 0.0], 1.0, duration=1.0), 5, rng=1)
    assert repr(run).startswith("Driven(5 particles: mean work 0 k_B T")
    assert drive_particles([[0, 0, 1, 0, 0]], 5, step=1.0, rng=1).acceptance == 0.0
    assert set(thermodynamics.__all__) >= {"Driven", "Protocol", "erasure"}


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: drive_particles([[0, 0, 1, 0, 0]], 5), ValueError, "step must be given"),
        (lambda: drive_particles([[0, 0, 1, 0, 0]], 5, step=0.0), ValueError, "step must be positive"),
        (lambda: drive_particles([[0, 1, 0]], 5, step=1.0), ValueError, "protocol must have shape"),
        (lambda: drive_particles([0, 0, 1, 0, 0], 5, step=1.0), ValueError, "protocol must have shape"),
        (lambda: drive_particles(erasure(1.0), 0), ValueError, "particles must be at least 1"),
        (lambda: drive_particles(erasure(1.0), 2.5), TypeError, "particles must be an integer"),
        (lambda: drive_particles(erasure(1.0), True), TypeError, "particles must be an integer"),
        (lambda: drive_particles(erasure(1.0), "5"), TypeError, "particles must be an integer"),
        (lambda: drive_particles(erasure(1.0), [[0.0]]), ValueError, "particles must be one position"),
        (lambda: drive_particles(erasure(1.0), [math.nan]), ValueError, "particles must be finite"),
        (lambda: drive_particles(erasure(1.0), [0.0], thin=0), ValueError, "thin must be at least 1"),
        (lambda: drive_particles([[0, 0, -1, 0, 0]], 5, step=1.0), ValueError, "hold a particle"),
        (lambda: equilibrium([0, 0, 1, 0.5, 0], 5), ValueError, "hold a particle"),
        (lambda: equilibrium([0, 0, -1e15, 0, 1e15], 5), ValueError, "rounding leaves apart"),
        (lambda: equilibrium(np.ma.masked_array([0, 0, 1, 0, 0]), 5), TypeError, "masked"),
        (lambda: free_energy([0, 1, 0, 0, 0]), ValueError, "hold a particle"),
        (lambda: free_energy([0, 0, 0.5, 0, 1e-300]), ValueError, "rounding leaves apart"),
        (lambda: equilibrium([0, 1e8, 0.5, 0, 0], 5), ValueError, "rounding leaves apart"),
        (lambda: equilibrium([0, 1e200, 1, 0, 0], 5), ValueError, "rounding leaves apart"),
        (lambda: drive_particles(erasure(1.0), [1e200]), ValueError, "particles must be within 1e\\+60"),
        (
            lambda: drive_particles([[0, 0, 1e300, 0, 0]], [0.0], step=1.0),
            ValueError,
            "protocol must be within",
        ),
        (lambda: moving_trap(1e-200), ValueError, "duration must be at least 1e-100"),
        (lambda: moving_trap(1.0, distance=1e200), ValueError, "centres must be within 1e\\+60"),
        (lambda: moving_trap(1.0, distance=1e50), ValueError, "coefficients must be within 1e\\+60"),
        (lambda: erasure(1.0, barrier=1e200, step=1.0), ValueError, "barrier must be at most 1e\\+50"),
        (lambda: share_right([]), ValueError, "positions must be one"),
        (lambda: moving_trap(0.0), ValueError, "duration must be positive"),
        (lambda: moving_trap(1.0, stiffness=-1), ValueError, "stiffness must be positive"),
        (lambda: moving_trap(1.0, jump=0.6), ValueError, "jump must be at most 0.5"),
        (lambda: moving_trap(1.0, step=1e-9), ValueError, "duration must be at most 10000000 steps"),
        (lambda: stiffening_trap(1.0, last=0.0), ValueError, "last must be positive"),
        (lambda: trap_protocol([0.0, 1.0], [1.0, 2.0, 3.0], duration=1.0), ValueError, "of one length"),
        (lambda: trap_protocol(0.0, 1.0, duration=1.0), ValueError, "two entries"),
        (lambda: trap_protocol([0.0, 1.0], 0.0, duration=1.0), ValueError, "stiffness must be positive"),
        (lambda: erasure(1.0, barrier=0.0), ValueError, "barrier must be positive"),
        (lambda: erasure(1.0, tilt=-1.0), ValueError, "tilt must be at least 0"),
        (lambda: erasure(1.0, lowest=2.0), ValueError, "lowest must be at most 1"),
        (lambda: erasure("1"), TypeError, "duration must be a real number"),
    ],
)
def test_bad_input_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()
