"""AmplifierLab from Python: settings that refuse nonsense, theory beside them, and the run of the page."""

import math

import numpy as np
import pytest

from smbook.kernels import mean_field
from smbook.theory import ising as theory
from smbook.widgets.amplifier_lab import AmplifierLab
from smbook.widgets.compiler import WASM
from tests.wasm import Kernels


def flip_flop(**given):
    return AmplifierLab(circuit="flip-flop", **given)


# Theory beside the settings


@pytest.mark.parametrize(
    ("loop_gain", "gain"), [(0.0, 1.0), (0.5, 2.0), (0.75, 4.0), (1.0, math.inf), (1.5, None)]
)
def test_the_gain(loop_gain, gain):
    assert AmplifierLab(loop_gain=loop_gain).gain == gain


def test_the_threshold():
    assert AmplifierLab(loop_gain=0.9).threshold is None
    assert AmplifierLab(loop_gain=1.0).threshold == 0.0
    assert AmplifierLab(loop_gain=2.0).threshold == pytest.approx(2 * 0.266420, abs=1e-6)


def test_the_states_of_an_amplifier_are_its_outputs():
    (output,) = AmplifierLab(loop_gain=0.5, voltage=0.2).states
    assert output == pytest.approx(math.tanh(0.5 * output + 0.2), abs=1e-12)
    low, high = AmplifierLab(loop_gain=2.0).states
    assert (low, high) == pytest.approx((-0.9575040241, 0.9575040241), abs=1e-10)
    assert AmplifierLab(loop_gain=2.0, voltage=0.6).states.shape == (1,)


def test_the_states_of_a_flip_flop_are_pairs():
    np.testing.assert_array_equal(flip_flop(loop_gain=2.0).states, theory.flip_flop(1.0, coupling=2.0))
    np.testing.assert_allclose(flip_flop(loop_gain=0.5).states, [[0.0, 0.0]], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("outputs", "state"),
    [((0.9, -0.9), "set"), ((-0.3, 0.4), "reset"), ((0.0, 0.0), "undecided"), ((1, 1), "undecided")],
)
def test_what_the_page_reports_is_read_as_a_bit(outputs, state):
    lab = flip_flop()
    assert lab.state is None
    lab.set_state({"output": outputs[0], "complement": outputs[1]})
    assert lab.state == state
    lab.circuit = "amplifier"
    assert lab.state is None


# Runs


@pytest.mark.parametrize("loop_gain", [0.0, 0.5, 0.9])
def test_a_small_signal_is_amplified_by_the_gain(loop_gain):
    lab = AmplifierLab(loop_gain=loop_gain)
    (output,) = lab.simulate([1e-5], dwell=400.0)
    assert output / 1e-5 == pytest.approx(lab.gain, rel=1e-5)


def test_the_trigger_switches_at_its_thresholds_and_remembers_between_them():
    lab = AmplifierLab(loop_gain=1.6)
    inputs = np.array([0.9, 0.0, -0.99, -1.01, 0.0, 0.99, 1.01]) * lab.threshold
    inputs[0] = 0.9
    outputs = lab.simulate(inputs, dwell=1000.0)
    assert np.sign(outputs).tolist() == [1, 1, 1, -1, -1, -1, 1]


def test_a_flip_flop_is_set_holds_and_is_reset():
    lab = flip_flop(loop_gain=1.5)
    hold, pulse = (0.0, 0.0), (lab.pulse, -lab.pulse)
    outputs = lab.simulate([pulse, hold, pulse[::-1], hold], dwell=30.0)
    level = lab.states[1, 0]
    np.testing.assert_allclose(outputs[1::2], [[level, -level], [-level, level]], rtol=0, atol=1e-6)


def test_a_pulse_has_to_be_higher_than_the_threshold():
    lab = flip_flop(loop_gain=1.5)
    start = lab.states[0]
    for factor, side in ((0.98, -1), (1.02, 1)):
        h = factor * lab.threshold
        (outputs,) = lab.simulate([(h, -h)], dwell=1000.0, start=start)
        assert np.sign(outputs).tolist() == [side, -side]


def test_equal_inputs_tell_it_nothing():
    lab = flip_flop(loop_gain=2.0)
    outputs = lab.simulate([(0.8, 0.8), (0.0, 0.0)], dwell=50.0, start=lab.states[1])
    np.testing.assert_allclose(outputs[-1], lab.states[1], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "lab", [AmplifierLab(loop_gain=1.4), flip_flop(loop_gain=1.4)], ids=lambda lab: lab.circuit
)
def test_simulate_is_the_run_of_the_page_bit_for_bit(lab):
    """The page holds each input for ticks of 32 steps, in calls of its own kernel."""
    page, inputs = Kernels(WASM.read_bytes()), np.linspace(0.6, -0.6, 64)
    if lab.circuit == "amplifier":
        kernel, state = page.relax, np.zeros(1)
    else:
        kernel, state, inputs = page.relax_flip_flop, np.zeros(2), np.stack([inputs, -(inputs**2)], axis=1)
    record = np.empty_like(inputs)
    kernel(state, 1.0, 1.4, inputs, mean_field.STEP, 32, record)
    np.testing.assert_array_equal(lab.simulate(inputs, dwell=32 * mean_field.STEP), record)


@pytest.mark.parametrize(
    ("lab", "inputs", "more", "error", "words"),
    [
        (AmplifierLab(), [[0.1, 0.2]], {}, ValueError, r"amplifier must have the shape \(n,\); got \(1, 2\)"),
        (flip_flop(), [0.1, 0.2], {}, ValueError, r"flip-flop must have the shape \(n, 2\); got \(2,\)"),
        (flip_flop(), [[0.1, 0.2, 0.3]], {}, ValueError, r"shape \(n, 2\); got \(1, 3\)"),
        (AmplifierLab(), [math.inf], {}, ValueError, "inputs must be finite; got inf"),
        (AmplifierLab(), ["high"], {}, TypeError, "inputs must hold real numbers"),
        (AmplifierLab(), [0.1], {"dwell": 0.0}, ValueError, "dwell must be at least 0.00390625; got 0"),
        (AmplifierLab(), [0.1], {"start": 1.5}, ValueError, "start must be .* from -1 to 1; got 1.5"),
        (AmplifierLab(), [0.1], {"start": -1.5}, ValueError, "start must be at least -1; got -1.5"),
        (
            AmplifierLab(),
            [0.1],
            {"start": [0.1, 0.2]},
            ValueError,
            r"start must be one output.*got \[0.1, 0.2\]",
        ),
        (AmplifierLab(), [0.1], {"start": math.nan}, ValueError, "start must be finite; got nan"),
    ],
)
def test_a_bad_run_is_refused(lab, inputs, more, error, words):
    with pytest.raises(error, match=words):
        lab.simulate(inputs, **more)
