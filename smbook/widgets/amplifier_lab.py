"""A live amplifier, trigger and flip-flop: the mean-field magnet as electronics."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import traitlets

from smbook import _checks
from smbook.kernels import mean_field
from smbook.theory import ising as theory
from smbook.widgets._lab import Choice, Lab, Real, Switch, read_out
from smbook.widgets.mean_field_lab import held

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_NAMES = {1: "set", 0: "reset", -1: "undecided"}


class AmplifierLab(Lab, script="amplifier_lab.js"):
    """A saturating amplifier that feeds its output back, or two that suppress each other: a flip-flop.

    The amplifier is a mean-field magnet at beta = 1: input voltage h, output m in units of the saturation
    voltage, loop gain J. It follows its input by dm/dt = -m + tanh(J m + h), with time in units of its
    response time without feedback (a sweep of the magnet). Its gain 1 / (1 - J) diverges at a loop gain of 1,
    and above it is a Schmitt trigger. In the flip-flop each output feeds the other's input with -J: above a
    loop gain of 1 it holds one bit, which a pulse on the inputs sets or resets.

    Source: Agliari et al. (2013).

    Examples
    --------
    >>> lab = AmplifierLab(loop_gain=0.75, voltage=0.1, running=False)
    >>> lab
    AmplifierLab(circuit='amplifier', loop_gain=0.75, voltage=0.1, pulse=0.8, speed=20.0, running=False)
    >>> lab.gain
    4.0
    >>> lab.circuit = "oscillator"
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: circuit must be one of 'amplifier', 'flip-flop'; got 'oscillator'
    """

    alt: ClassVar[dict[str, str]] = {
        "amplifier": (
            "Output against input of a Schmitt trigger with its hysteresis loop; "
            "beside it the gain against the loop gain."
        ),
        "flip-flop": (
            "The plane of the two outputs with two crossing curves; "
            "beside it both outputs against time through a set and a reset pulse."
        ),
    }

    circuit = Choice("amplifier", "flip-flop", doc="one amplifier, or two that suppress each other")
    loop_gain = Real(0.5, 0.0, 2.0, doc="what a signal is multiplied by on one trip around the loop")
    voltage = Real(0.0, -1.0, 1.0, doc="the amplifier's input")
    pulse = Real(0.8, 0.0, 1.0, doc="height of the flip-flop's pulses: one input up, the other down")
    speed = Real(20.0, 0.5, 100.0, doc="response times a second")
    running = Switch(True, doc="whether the lab is running")

    output = read_out("the amplifier's output, or Q of the flip-flop, in units of the saturation voltage")
    complement = read_out("not Q of the flip-flop; None for the amplifier")
    time = read_out("time since the outputs were last set to zero by hand, in response times")

    _aspect = traitlets.Unicode("circuit", read_only=True).tag(sync=True)
    _step = traitlets.Float(mean_field.STEP, read_only=True).tag(sync=True)

    @property
    def gain(self) -> float | None:
        """The small-signal gain 1 / (1 - loop gain): inf at 1, and None above, where there is a trigger."""
        if self.loop_gain > 1.0:
            return None
        return float(theory.curie_weiss_susceptibility(0.0, 1.0, coupling=self.loop_gain))

    @property
    def threshold(self) -> float | None:
        """The input h_s at which the trigger switches up, down at -h_s; None below a loop gain of 1."""
        return theory.spinodal(1.0, coupling=self.loop_gain).field if self.loop_gain >= 1.0 else None

    @property
    def states(self) -> Floats:
        """All stable states: the amplifier's outputs at its voltage, (n,), or pairs (Q, not Q), (n, 2).

        Those of the flip-flop are the ones that it holds, without a pulse.
        """
        if self.circuit == "flip-flop":
            return theory.flip_flop(1.0, coupling=self.loop_gain)
        return theory.curie_weiss_solutions(1.0, field=self.voltage, coupling=self.loop_gain)[::2]

    @property
    def state(self) -> str | None:
        """What the page's flip-flop shows: "set", "reset" or "undecided". None before a page speaks."""
        if self.circuit != "flip-flop" or self.output is None or self.complement is None:
            return None
        return _NAMES[mean_field.logic_state(self.output, self.complement)]

    def simulate(self, inputs: ArrayLike, *, dwell: float = 1.0, start: ArrayLike = 0.0) -> Floats:
        """Return the outputs after each of `inputs`, by the kernel and the steps of the page.

        Parameters
        ----------
        inputs
            Input voltages that follow each other: shape (n,) for the amplifier, (n, 2) for the flip-flop.
        dwell
            How long each is held, in response times, up to 10000; rounded to whole steps of 1/256.
        start
            The output to begin with, or both outputs of the flip-flop, from -1 to 1.

        Returns
        -------
        ndarray
            float64, of the shape of `inputs`.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or shape, out of range or not finite.

        Examples
        --------
        >>> flip_flop = AmplifierLab(circuit="flip-flop", loop_gain=2.0)
        >>> set_hold = [(0.8, -0.8), (0.0, 0.0)]
        >>> flip_flop.simulate(set_hold, dwell=20.0).round(3).tolist()
        [[0.992, -0.992], [0.958, -0.958]]
        """
        values, parties = _checks.reals("inputs", inputs), (2,) if self.circuit == "flip-flop" else ()
        if values.ndim != 1 + len(parties) or values.shape[1:] != parties:
            expected = "(n, 2)" if parties else "(n,)"
            raise ValueError(
                f"inputs of the {self.circuit} must have the shape {expected}; got {values.shape}"
            )
        state = _checks.reals("start", start, minimum=-1.0)
        if state.shape not in ((), parties) or (state > 1.0).any():
            raise ValueError(f"start must be one output, or one for each party, from -1 to 1; got {start!r}")
        kernel = mean_field.relax_flip_flop if parties else mean_field.relax
        state = np.broadcast_to(state, parties or (1,)).copy()
        return held(kernel, state, values, dwell, beta=1.0, coupling=self.loop_gain)
