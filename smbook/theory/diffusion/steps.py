"""What the steps of a reversed process add to its law."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks
from smbook.theory.diffusion._arguments import LONGEST, checked_deviation, gaussian_variance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats


def euler_variance(times: ArrayLike, *, deviation: float = 1.0, initial: float | None = None) -> Floats:
    r"""Return the variance at each of `times` of a Gaussian that Euler steps lead back.

    .. math:: v \leftarrow \bigl[1 + (1 - 2 / \Gamma_t)\, dt\bigr]^2 v + 2\, dt

    It is exact for the reversed process of data of deviation s in one direction, to compare with Gamma, to
    which it tends for short steps. For s = 1 and equal steps it tends to 2 / (2 - dt).

    Parameters
    ----------
    times
        Decreasing, from at most 350 to at least 0, (k,).
    deviation
        s, from 1e-100 to 1e100.
    initial
        The variance at the first time, at least 0; None is Gamma there, 1 is noise alone.

    Returns
    -------
    NDArray
        float64, (k,); inf where steps longer than Gamma let it run away.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    Examples
    --------
    >>> steps = np.linspace(6.0, 0.0, 301)
    >>> euler_variance(steps)[-1].round(6), euler_variance(steps, deviation=0.5)[-1].round(4)
    (np.float64(1.010101), np.float64(0.2697))
    """
    grid, s = _grid(times), checked_deviation(deviation)
    gammas = gaussian_variance(grid, s).tolist()
    v = gammas[0] if initial is None else _checks.real("initial", initial, minimum=0.0)
    variances = [v]
    for dt, gamma in zip((-np.diff(grid)).tolist(), gammas[:-1], strict=True):
        factor = 1 + dt * (1 - 2 / gamma)
        v = factor * factor * v + 2 * dt
        variances.append(v)
    return np.array(variances)


def _grid(values: ArrayLike) -> Floats:
    grid = _checks.reals("times", values)
    if grid.ndim != 1 or not grid.size:
        raise ValueError(f"times must be at least one, in one row; got the shape {grid.shape}")
    if grid.max() > LONGEST or grid.min() < 0:
        raise ValueError(f"times must be from 0 to {LONGEST:g}; got {grid.min():g} to {grid.max():g}")
    late = np.flatnonzero(np.diff(grid) >= 0)
    if late.size:
        k = int(late[0])
        raise ValueError(f"times must decrease; {grid[k]:g} is followed by {grid[k + 1]:g} at {k + 1}")
    return grid
