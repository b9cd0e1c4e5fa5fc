"""States of Ising magnets in equilibrium, drawn by our own sampler."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from smbook import _checks, ising
from smbook.datasets._units import check_units, in_units
from smbook.kernels.rng import seed_state
from smbook.statistics import ChainTooShortError, integrated_autocorrelation_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness

    Rows = NDArray[np.int8]

_PILOT_SWEEPS = 2000
_MOST_PILOT_SWEEPS = 2**18
_TIMES_APART = 5  # in autocorrelation times, after which e^-5 of a correlation is left


def ising_configurations(
    shape: int | Iterable[int],
    beta: float,
    n_samples: int,
    *,
    units: str = "binary",
    rng: Randomness = None,
) -> Rows:
    """Return states of the periodic Ising model in equilibrium, independent of each other in practice.

    One Swendsen-Wang chain visits them. A pilot run measures the longest autocorrelation time of energy and
    absolute magnetization, and is the start that is thrown away; between two states lie five such times.

    Parameters
    ----------
    shape
        One, two or three side lengths, as for `smbook.ising.simulate`; J = 1, without a field.
    beta
        Inverse temperature, at least 0.
    n_samples
        Number of states, at least 0.
    units
        "binary" or "spin".
    rng
        As for `smbook.ising.simulate`.

    Returns
    -------
    Rows
        int8, (n_samples, N), sites in row-major order.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, as for `smbook.ising.simulate`.

    References
    ----------
    Swendsen and Wang (1987).

    Examples
    --------
    >>> states = ising_configurations((8, 8), 0.3, 500, units="spin", rng=1)
    >>> bonds = (states * np.roll(states.reshape(-1, 8, 8), 1, axis=2).reshape(-1, 64)).mean()
    >>> bool(abs(bonds - 0.3524) < 0.02)
    True
    """
    sides = _checks.lattice_shape(shape)
    n_samples = _checks.integer("n_samples", n_samples, minimum=0)
    check_units(units)
    generator = np.random.default_rng(seed_state(rng))
    spins, spacing = _pilot(sides, beta, generator)
    found = np.empty((n_samples, math.prod(sides)), dtype=np.int8)
    for row in found:
        spins = _chain(sides, beta, spacing, spins, generator).spins
        row[:] = spins.reshape(-1)
    return in_units(found > 0, units)


def _pilot(sides: tuple[int, ...], beta: float, rng: np.random.Generator) -> tuple[Rows, int]:
    """Return a state in equilibrium and the number of sweeps from one independent state to the next."""
    n_sweeps, start = _PILOT_SWEEPS, "random"
    while True:
        trace = _chain(sides, beta, n_sweeps, start, rng)
        kept = [series[n_sweeps // 5 :] for series in (trace.energy, np.abs(trace.magnetization))]
        try:
            times = [integrated_autocorrelation_time(s).value for s in kept if np.ptp(s) > 0]
        except ChainTooShortError:
            if n_sweeps >= _MOST_PILOT_SWEEPS:
                raise
            n_sweeps *= 4
            continue
        return trace.spins, math.ceil(_TIMES_APART * max([*times, 0.5]))


def _chain(
    sides: tuple[int, ...], beta: float, n_sweeps: int, initial: Any, rng: np.random.Generator
) -> ising.Trace:
    return ising.simulate(sides, beta, n_sweeps, algorithm="swendsen-wang", initial=initial, rng=rng)
