"""A live mean-field magnet: its free energy, a ball that rolls in it, and the hysteresis loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import traitlets

from smbook import _checks
from smbook.kernels import mean_field
from smbook.theory import ising as theory
from smbook.widgets._lab import Lab, Real, Switch, read_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

LONGEST_DWELL = 10_000.0  # sweeps
_STEPS_PER_CALL = 2**21  # some 50 ms, so that Ctrl-C is heard


class MeanFieldLab(Lab, script="mean_field_lab.js"):
    """A Curie-Weiss magnet of infinitely many spins with J = 1, drawn as a ball that rolls in f(m).

    The ball moves by dm/dt = -m + tanh((m + h) / T), time in sweeps: downhill in
    f(m) = -m^2 / 2 - h m - T s(m) and without inertia, as the magnet does in its heat bath (Glauber, 1963).
    The reader moves T, h and the ball, and draws the hysteresis loop by moving h there and back below T = 1.

    `magnetization` is where the ball is: the page reports it, and Python may set it. Temperatures, fields and
    free energies are in units of J.

    Examples
    --------
    >>> lab = MeanFieldLab(temperature=0.5, field=0.1, running=False)
    >>> lab
    MeanFieldLab(temperature=0.5, field=0.1, magnetization=0.9, speed=20.0, running=False)
    >>> lab.field = 7
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: field must be at most 1; got 7.0
    >>> lab.solutions.round(4).tolist()
    [-0.9303, -0.2029, 0.973]
    """

    alt = (
        "A free energy whose only minimum holds the ball, beside the S-shaped curve of magnetization against "
        "field with a hysteresis loop around it."
    )

    temperature = Real(0.7, 0.2, 2.0, doc="T in units of J; the transition is at 1")
    field = Real(0.0, -1.0, 1.0, doc="h in units of J")
    magnetization = Real(0.9, -1.0, 1.0, doc="m, where the ball is")
    speed = Real(20.0, 0.5, 100.0, doc="sweeps a second")
    running = Switch(True, doc="whether the lab is running")

    sweeps = read_out("time since Reset, in sweeps")

    _step = traitlets.Float(mean_field.STEP, read_only=True).tag(sync=True)

    @property
    def solutions(self) -> Floats:
        """All solutions of m = tanh((m + h) / T), one or three, in rising order; the second is unstable."""
        return theory.curie_weiss_solutions(1.0 / self.temperature, field=self.field)

    @property
    def spinodal(self) -> theory.Spinodal | None:
        """Where a metastable state ends, as `smbook.theory.ising.spinodal`; None above T = 1."""
        return theory.spinodal(1.0 / self.temperature) if self.temperature <= 1.0 else None

    @property
    def free_energy(self) -> float:
        """f(m) where the ball is, per spin."""
        value = theory.curie_weiss_free_energy(self.magnetization, 1.0 / self.temperature, field=self.field)
        return float(value)

    def simulate(self, fields: ArrayLike, *, dwell: float = 1.0) -> Floats:
        """Return m after each of `fields`, from where the ball is now, by the kernel and steps of the page.

        The lab stays as it is. A slow sweep there and back gives the hysteresis loop.

        Parameters
        ----------
        fields
            Fields that follow each other, shape (n,), in units of J.
        dwell
            How long each is held, in sweeps, up to 10000; rounded to whole steps of 1/256.

        Returns
        -------
        ndarray
            float64, shape (n,).

        Raises
        ------
        TypeError, ValueError
            If `fields` are no row of finite numbers, or `dwell` is no number in its range.

        Examples
        --------
        >>> lab = MeanFieldLab(temperature=0.5, magnetization=0.95)
        >>> lab.simulate([0.0, -0.2, -0.4], dwell=20.0).round(3).tolist()
        [0.958, 0.873, -0.992]
        """
        values = _checks.reals("fields", fields)
        if values.ndim != 1:
            raise ValueError(f"fields must have the shape (n,); got {values.shape}")
        state = np.array([self.magnetization])
        return held(mean_field.relax, state, values, dwell, beta=1.0 / self.temperature, coupling=1.0)


def held(
    kernel: Callable[..., None], state: Floats, fields: Floats, dwell: float, *, beta: float, coupling: float
) -> Floats:
    """Return the states after each of `fields`, held for `dwell` sweeps, from `state` on, which moves along.

    `kernel` is `relax` or `relax_flip_flop` of `smbook.kernels.mean_field`.

    Raises
    ------
    TypeError, ValueError
        If `dwell` is no number from one step to `LONGEST_DWELL`.
    """
    dwell = _checks.real("dwell", dwell, minimum=mean_field.STEP, maximum=LONGEST_DWELL)
    n_steps = round(dwell / mean_field.STEP)
    record = np.empty_like(fields)
    together = max(1, _STEPS_PER_CALL // n_steps)
    for first in range(0, len(fields), together):
        part = slice(first, first + together)
        kernel(state, beta, coupling, fields[part], mean_field.STEP, n_steps, record[part])
    return record
