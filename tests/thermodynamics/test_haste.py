"""Particles that are led by hand beside the least works of theory: no protocol is better."""

import math

import numpy as np
import pytest

from smbook.theory.thermodynamics import (
    dragged_trap_work,
    erasure_work,
    jarzynski_bias,
    optimal_drag,
    optimal_stiffening,
    stiffened_trap_work,
)
from smbook.thermodynamics import drive_particles, erasure, jarzynski, trap_protocol


@pytest.mark.parametrize("duration", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("tilt", [4.0, 12.0])
def test_no_erasure_costs_less_than_transport(duration, tilt):
    """With the share of errors that the protocol makes; and the bound would be broken by half of the work."""
    protocol = erasure(duration, barrier=4.0, tilt=tilt)
    run = drive_particles(protocol, 4000, rng=1)
    wrong = float((run.positions < 0).mean())
    error = run.work.std() / math.sqrt(run.work.size)
    if wrong < 0.4:
        least = erasure_work(protocol.coefficients[0], duration, error=wrong)
        assert run.work.mean() - 4 * error > least.optimal > least.lower > least.landauer
        assert run.work.mean() / 4 < least.optimal
    else:
        assert run.work.mean() > -4 * error


def test_the_best_drag_and_the_best_stiffening():
    """Protocols with jumps, led by steps of Langevin: their works are those of theory."""
    times = np.linspace(0, 2.0, 401)
    drag = trap_protocol(optimal_drag(times, 2.0, 2.0), 1.0, duration=2.0)
    stiff = trap_protocol(0.0, optimal_stiffening(times, 1.0, 4.0, 2.0), duration=2.0)
    laws = (
        dragged_trap_work(2.0, 2.0, protocol="optimal"),
        stiffened_trap_work(1.0, 4.0, 2.0, protocol="optimal"),
    )
    for protocol, law in zip((drag, stiff), laws, strict=True):
        work = drive_particles(protocol, 20_000, rng=1).work
        assert abs(work.mean() - law.mean) < 4 * work.std() / math.sqrt(work.size) + 0.01 * law.dissipated
        assert work.var() == pytest.approx(law.variance, rel=0.06)
        found = jarzynski(work)
        assert abs(found.value - law.free_energy) < 4 * found.error


def test_few_works_of_a_dragged_trap_have_the_bias_of_theory():
    """Works are Gaussian, so that groups of ten are wrong by the exact bias for their deviation."""
    centres = np.linspace(0, 3.0, 201)
    work = drive_particles(trap_protocol(centres, 1.0, duration=1.0), 40_000, rng=2).work
    found = np.array([jarzynski(group).value for group in work.reshape(-1, 10)])
    bias = jarzynski_bias(10, float(work.std()))
    assert abs(found.mean() - bias) < 4 * found.std() / math.sqrt(found.size) + 0.01
    assert bias > 0.3
