"""MeanFieldLab from Python: settings that refuse nonsense, theory beside them, and the run of the page."""

import math

import numpy as np
import pytest

from smbook.kernels import mean_field
from smbook.theory import ising as theory
from smbook.widgets.compiler import WASM
from smbook.widgets.mean_field_lab import MeanFieldLab
from tests.wasm import Kernels


def test_settings_can_be_watched():
    lab, seen = MeanFieldLab(), []
    lab.observe(lambda change: seen.append(change.new), "temperature")
    lab.temperature = 1.5
    with pytest.raises(ValueError, match="temperature"):
        lab.temperature = 5.0
    assert seen == [1.5]


def test_what_the_page_reports_is_seen():
    lab = MeanFieldLab()
    lab.set_state({"sweeps": 12.5, "magnetization": -0.25})
    assert (lab.sweeps, lab.magnetization) == (12.5, -0.25)


@pytest.mark.parametrize(("temperature", "field"), [(0.5, 0.1), (0.5, -0.4), (1.4, 0.2), (1.0, 0.0)])
def test_the_properties_are_those_of_theory(temperature, field):
    lab = MeanFieldLab(temperature=temperature, field=field, magnetization=0.3)
    beta = 1 / temperature
    np.testing.assert_array_equal(lab.solutions, theory.curie_weiss_solutions(beta, field=field))
    assert lab.spinodal == (theory.spinodal(beta) if temperature <= 1 else None)
    assert lab.free_energy == theory.curie_weiss_free_energy(0.3, beta, field=field)
    assert isinstance(lab.free_energy, float)


def test_a_long_wait_ends_in_a_solution():
    lab = MeanFieldLab(temperature=0.5, field=0.1, magnetization=-0.3)
    (end,) = lab.simulate([0.1], dwell=100.0)
    assert end == pytest.approx(lab.solutions[0], abs=1e-12)
    assert lab.magnetization == -0.3


def test_the_loop_closes_and_is_as_wide_as_the_spinodals_say():
    lab = MeanFieldLab(temperature=0.6)
    down = np.linspace(0.5, -0.5, 2001)
    there = lab.simulate(down, dwell=20.0)
    lab.magnetization = there[-1]
    back = lab.simulate(down[::-1], dwell=20.0)
    np.testing.assert_allclose(back, -there, rtol=0, atol=1e-6)
    h_s = lab.spinodal.field
    assert -h_s - 0.01 < down[np.argmax(there < 0)] < -h_s


def test_above_the_transition_there_is_no_loop():
    lab = MeanFieldLab(temperature=1.5, magnetization=-1.0)
    fields = np.linspace(-0.5, 0.5, 101)
    np.testing.assert_allclose(
        lab.simulate(fields, dwell=100.0), lab.simulate(fields[::-1], dwell=100.0)[::-1], rtol=0, atol=1e-9
    )


def test_simulate_is_the_run_of_the_page_bit_for_bit():
    """The page holds each field for ticks of 32 steps, up to 64 of them in a call of its own kernel."""
    lab = MeanFieldLab(temperature=0.6, magnetization=0.8)
    fields = np.linspace(0.1, -0.6, 64)
    page, state, record = Kernels(WASM.read_bytes()), np.array([0.8]), np.empty(64)
    page.relax(state, 1 / 0.6, 1.0, fields, mean_field.STEP, 32, record)
    np.testing.assert_array_equal(lab.simulate(fields, dwell=32 * mean_field.STEP), record)


def test_long_runs_are_parted_without_a_trace(monkeypatch):
    lab, fields = MeanFieldLab(), np.linspace(0.3, -0.3, 50)
    whole = lab.simulate(fields, dwell=3.0)
    monkeypatch.setattr("smbook.widgets.mean_field_lab._STEPS_PER_CALL", 1000)
    np.testing.assert_array_equal(lab.simulate(fields, dwell=3.0), whole)


def test_no_field_no_run():
    assert MeanFieldLab().simulate(np.empty(0)).shape == (0,)


@pytest.mark.parametrize(
    ("fields", "dwell", "error", "words"),
    [
        (0.1, 1.0, ValueError, r"fields must have the shape \(n,\); got \(\)"),
        ([[0.1]], 1.0, ValueError, r"fields must have the shape \(n,\); got \(1, 1\)"),
        ([0.1, math.nan], 1.0, ValueError, "fields must be finite; got nan"),
        (["up"], 1.0, TypeError, "fields must hold real numbers"),
        ([0.1], 0.0, ValueError, "dwell must be at least 0.00390625; got 0"),
        ([0.1], 1e9, ValueError, r"dwell must be at most 10000; got 1(e\+09|000000000)"),
        ([0.1], "long", TypeError, "dwell must be a real number; got 'long'"),
    ],
)
def test_a_bad_run_is_refused(fields, dwell, error, words):
    with pytest.raises(error, match=words):
        MeanFieldLab().simulate(fields, dwell=dwell)
