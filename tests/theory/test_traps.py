"""Works on harmonic traps beside exact simulation, both limits of speed, and the bound of transport."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.theory.thermodynamics import (
    WorkLaw,
    dragged_trap_work,
    least_dissipation,
    optimal_drag,
    optimal_stiffening,
    stiffened_trap_work,
    wasserstein,
)
from smbook.thermodynamics import jarzynski

logs = st.floats(-3, 3).map(lambda exponent: 10.0**exponent)


def simulated_works(centre, stiffness, duration, mobility, n, seed):
    """Works of particles in a trap that is constant between changes; each of its relaxations is exact."""
    random = np.random.default_rng(seed)
    step = duration / (len(centre) - 2)
    x = random.normal(centre[0], 1 / math.sqrt(stiffness[0]), n)
    work = np.zeros(n)
    for k in range(1, len(centre)):
        work += stiffness[k] * (x - centre[k]) ** 2 / 2 - stiffness[k - 1] * (x - centre[k - 1]) ** 2 / 2
        if k < len(centre) - 1:
            decay = math.exp(-mobility * stiffness[k] * step)
            noise = (
                math.sqrt(max((1 - decay**2) / stiffness[k], 0))
                if stiffness[k] != 0
                else math.sqrt(2 * mobility * step)
            )
            x = centre[k] + decay * (x - centre[k]) + noise * random.normal(size=n)
    return work


def middles(function, duration, steps):
    """A protocol's values before, in the middle of each step, and after."""
    if not callable(function):
        return np.full(steps + 2, function)
    times = (np.arange(steps) + 0.5) * duration / steps
    return np.r_[function(0.0), [function(t) for t in times], function(duration)]


CASES = {
    "drag": (
        dragged_trap_work(2.0, 1.5, stiffness=1.3, mobility=0.7),
        lambda t: 2.0 * t / 1.5,
        1.3,
    ),
    "best drag": (
        dragged_trap_work(2.0, 1.5, stiffness=1.3, mobility=0.7, protocol="optimal"),
        lambda t: optimal_drag(t, 2.0, 1.5, stiffness=1.3, mobility=0.7),
        1.3,
    ),
    "stiffen": (
        stiffened_trap_work(1.3, 5.0, 1.5, mobility=0.7),
        0.0,
        lambda t: 1.3 + 3.7 * t / 1.5,
    ),
    "best stiffening": (
        stiffened_trap_work(1.3, 5.0, 1.5, mobility=0.7, protocol="optimal"),
        0.0,
        lambda t: optimal_stiffening(t, 1.3, 5.0, 1.5, mobility=0.7),
    ),
    "soften": (
        stiffened_trap_work(3.0, 0.5, 1.5, mobility=0.7),
        0.0,
        lambda t: 3.0 - 2.5 * t / 1.5,
    ),
    "best softening": (
        stiffened_trap_work(3.0, 0.5, 1.5, mobility=0.7, protocol="optimal"),
        0.0,
        lambda t: optimal_stiffening(t, 3.0, 0.5, 1.5, mobility=0.7),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_simulated_works(name):
    """Mean and variance of 40,000 particles, and Jarzynski's equality on the same works."""
    law, centre, stiffness = CASES[name]
    n = 40_000
    work = simulated_works(middles(centre, 1.5, 100), middles(stiffness, 1.5, 100), 1.5, 0.7, n, seed=1)
    assert abs(work.mean() - law.mean) < 4 * work.std() / math.sqrt(n)
    squares = (work - work.mean()) ** 2
    assert abs(squares.mean() - law.variance) < 4 * squares.std() / math.sqrt(n)
    found = jarzynski(work)
    assert abs(found.value - law.free_energy) < 4 * found.error


def test_the_simulation_would_notice_a_percent():
    law, centre, stiffness = CASES["best drag"]
    other = dragged_trap_work(2.0, 1.5, stiffness=1.3, mobility=0.7)
    assert other.mean > law.mean * 1.005
    work = simulated_works(middles(centre, 1.5, 100), middles(stiffness, 1.5, 100), 1.5, 0.7, 400_000, seed=2)
    assert abs(work.mean() - 1.01 * law.mean) > 4 * work.std() / math.sqrt(len(work))


def test_sudden_and_slow():
    for way in ("linear", "optimal"):
        drag = dragged_trap_work(3.0, [1e-9, 1e6], stiffness=2.0, protocol=way)
        np.testing.assert_allclose(drag.mean, [9.0, 9e-6], rtol=1e-5)
        np.testing.assert_allclose(drag.variance, 2 * drag.mean, rtol=1e-15)
        sudden = stiffened_trap_work(2.0, 6.0, 1e-7, protocol=way)
        assert sudden.mean == pytest.approx((6 / 2 - 1) / 2, rel=1e-5)  # (k1 - k0) <x^2> / 2
        assert sudden.variance == pytest.approx((6 / 2 - 1) ** 2 / 2, rel=1e-5)
        slow = stiffened_trap_work(2.0, 6.0, 1e4, protocol=way)
        assert slow.mean == pytest.approx(math.log(3) / 2, rel=1e-4)
        # near equilibrium works are Gaussian, with a variance of twice what is lost
        assert slow.variance == pytest.approx(2 * slow.dissipated, rel=1e-3)
    nothing = stiffened_trap_work(2.0, 2.0, 1.0)
    assert nothing.mean == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("x", [1e-12, 1e-6, 1e-3, 0.0999, 0.1001, 3.0, 1e3])
def test_no_digits_are_lost_in_short_times(x):
    import mpmath as mp

    with mp.workdps(50):
        exact = (mp.mpf(x) - 1 + mp.exp(-mp.mpf(x))) / mp.mpf(x) ** 2
    assert dragged_trap_work(1.0, x).mean == pytest.approx(float(exact), rel=1e-14)


@settings(max_examples=60, deadline=None)
@given(logs, logs, logs)
def test_no_protocol_beats_the_best_and_the_best_obeys_transport(stiffness, mobility, duration):
    """The dissipation of the best drag is the bound at the law that it leaves behind, with equality."""
    best = dragged_trap_work(1.0, duration, stiffness=stiffness, mobility=mobility, protocol="optimal")
    other = dragged_trap_work(1.0, duration, stiffness=stiffness, mobility=mobility)
    assert best.mean <= other.mean * (1 + 1e-14)
    # where the particle is at the end, on average, and what is lost afterwards when it relaxes there
    x = mobility * stiffness * duration
    reached = x / (2 + x)
    lost_after = stiffness * (1 - reached) ** 2 / 2
    bound = least_dissipation(wasserstein(0.0, 1.0, reached, 1.0), duration, mobility=mobility)
    assert best.mean - lost_after == pytest.approx(bound, rel=1e-9)
    # whatever the protocol, the way of the mean that it leads to costs that much at least
    lag = -math.expm1(-x) / x
    bound = least_dissipation(1 - lag, duration, mobility=mobility)
    assert other.mean - stiffness * lag**2 / 2 >= bound * (1 - 1e-9) - 1e-13 * stiffness


@settings(max_examples=25, deadline=None)
@given(st.floats(-1, 1).map(lambda e: 10.0**e), st.floats(-2, 2).map(lambda e: 10.0**e))
def test_stiffening_obeys_transport(ratio, duration):
    best = stiffened_trap_work(1.0, ratio, duration, protocol="optimal")
    other = stiffened_trap_work(1.0, ratio, duration)
    assert best.free_energy <= best.mean <= other.mean + 1e-9
    # the width at the end solves the equation that is quoted; the bound is reached with it
    half = 1 / duration
    width = (half + math.sqrt(half**2 + ratio + 2 * half)) / (ratio + 2 * half)
    energy_less_entropy = (ratio * width**2 - 1) / 2 - math.log(width)
    bound = least_dissipation(wasserstein(0.0, 1.0, 0.0, width), duration)
    assert best.mean == pytest.approx(energy_less_entropy + bound, rel=1e-10, abs=1e-13)


def test_the_work_of_the_best_stiffening_by_its_own_equations():
    """The closed form is what the integrated equations give, jumps included."""
    times = np.linspace(0, 2.0, 200_001)[1:-1]
    stiff = optimal_stiffening(times, 1.0, 4.0, 2.0)
    w, work = 1.0, (stiff[0] - 1.0) / 2
    step = times[1] - times[0]
    for k in range(len(times) - 1):
        middle = (stiff[k] + stiff[k + 1]) / 2
        after = (w - 1 / middle) * math.exp(-2 * middle * step) + 1 / middle
        work += (stiff[k + 1] - stiff[k]) * (w + after) / 4
        w = after
    work += (4.0 - stiff[-1]) * w / 2
    assert work == pytest.approx(stiffened_trap_work(1.0, 4.0, 2.0, protocol="optimal").mean, rel=1e-5)


def test_extreme_units_do_not_overflow():
    assert dragged_trap_work(1.0, 1e100, stiffness=1e100, mobility=1e100).mean == pytest.approx(1e-200)
    assert dragged_trap_work(1e100, 1e100, stiffness=1e100, mobility=1e100).mean == pytest.approx(1.0)
    assert optimal_drag(5e99, 1e100, 1e100, stiffness=1e100) == pytest.approx(5e99)


def test_protocols_jump_at_both_ends():
    drag = optimal_drag([0.0, 1e-12, 3.0 - 1e-12, 3.0], 2.0, 3.0)
    np.testing.assert_allclose(drag, [0.0, 0.4, 1.6, 2.0], rtol=1e-10)
    inside = optimal_stiffening([1e-12, 5e-10], 1.0, 3.0, 1e-9)
    np.testing.assert_allclose(inside, 2.0, rtol=1e-6)  # the mean of both ends
    assert isinstance(optimal_drag(1.0, 2.0, 3.0), float)


def test_results_compare():
    assert dragged_trap_work([1.0, 2.0], 1.0) == dragged_trap_work([1.0, 2.0], 1.0)
    assert dragged_trap_work([1.0, 2.0], 1.0) != dragged_trap_work([1.0, 2.5], 1.0)
    assert isinstance(stiffened_trap_work(1.0, 2.0, 1.0), WorkLaw)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: dragged_trap_work(math.nan, 1.0), ValueError, "distance must be finite; got nan"),
        (lambda: dragged_trap_work(1e101, 1.0), ValueError, "distance must be within 1e\\+100; got 1e\\+101"),
        (lambda: dragged_trap_work(1.0, 0.0), ValueError, "duration must be positive; got 0.0"),
        (lambda: dragged_trap_work(1.0, -1.0), ValueError, "duration must be positive; got -1.0"),
        (lambda: dragged_trap_work(1.0, math.inf), ValueError, "duration must be finite; got inf"),
        (lambda: dragged_trap_work(1.0, 1.0, stiffness=0), ValueError, "stiffness must be positive; got 0.0"),
        (lambda: dragged_trap_work(1.0, 1.0, mobility="1"), TypeError, "mobility must hold real numbers"),
        (
            lambda: dragged_trap_work(1.0, 1.0, protocol="best"),
            ValueError,
            "protocol must be one of 'linear', 'o",
        ),
        (lambda: dragged_trap_work([1.0, 2.0], [1.0, 2.0, 3.0]), ValueError, "must broadcast"),
        (lambda: dragged_trap_work(np.ma.array([1.0]), 1.0), TypeError, "masked"),
        (lambda: stiffened_trap_work(0.0, 1.0, 1.0), ValueError, "initial must be positive; got 0.0"),
        (lambda: stiffened_trap_work(1.0, [1.0], 1.0), TypeError, "final must be a real number"),
        (lambda: stiffened_trap_work(1.0, 1.0, True), TypeError, "duration must be a real number; got True"),
        (lambda: stiffened_trap_work(1.0, 1.0, 1.0, protocol=None), ValueError, "protocol must be one of"),
        (lambda: stiffened_trap_work(1.0, 1e9, 1.0), ValueError, "final / initial must be from"),
        (
            lambda: stiffened_trap_work(1.0, 2.0, 1e12),
            ValueError,
            "mobility \\* initial \\* duration must be from",
        ),
        (lambda: optimal_drag(4.0, 1.0, 3.0), ValueError, "times must be at most the duration 3; got 4.0"),
        (lambda: optimal_drag(-1.0, 1.0, 3.0), ValueError, "times must be at least 0; got -1.0"),
        (lambda: optimal_stiffening(1.0, 1.0, -2.0, 3.0), ValueError, "final must be positive; got -2.0"),
        (lambda: optimal_stiffening(0.5, 1.0, 1e100, 1.0), ValueError, "final / initial must be from 1e-06"),
        (
            lambda: optimal_stiffening(0.5, 1.0, 2.0, 1e8),
            ValueError,
            "initial \\* duration must be from 1e-09",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
