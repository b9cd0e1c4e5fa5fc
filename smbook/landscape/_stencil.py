"""Second derivatives from values along a line, and the step at which neither rounding nor truncation tells.

Pure functions of arrays: a row a section, a column a step, each step twice the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Reals = NDArray[np.float64]

_NOTHING = 1e-6  # of a second derivative: a change that is none beside the scatter of directions
# What rounding of the five values does to the fourth-order second difference, in units of h^-2.
AMPLIFICATION = float(np.linalg.norm([-1.0, 16.0, -30.0, 16.0, -1.0])) / 12.0


def ladder(largest: float, n_steps: int) -> Reals:
    """Return `n_steps` steps up to `largest`, each twice the one before."""
    return np.asarray(np.ldexp(largest, np.arange(1 - n_steps, 1)))


def second_derivatives(above: Reals, below: Reals, centre: float, steps: Reals) -> Reals:
    r"""Return second derivatives at 0, of fourth order in each step, from values at steps and their doubles.

    .. math:: \ell''(0) = \frac{-\ell_{2h} + 16 \ell_h - 30 \ell_0 + 16 \ell_{-h} - \ell_{-2h}}{12 h^2}
              + \frac{h^4}{90} \ell^{(6)} + \dots = \frac{4 D(h) - D(2h)}{3} + \dots

    with D(h) the plain second difference over h^2: a step and its double share their values.

    Parameters
    ----------
    above, below
        Values at +h and at -h for h of `steps` and for twice the last of them, (..., len(steps) + 1).
    centre
        The value at 0.
    steps
        Each twice the one before, ascending.

    Returns
    -------
    NDArray[np.float64]
        (..., len(steps)), nan where a value is not finite.

    Examples
    --------
    >>> h = np.array([0.1, 0.2, 0.4])
    >>> second_derivatives(np.exp(h), np.exp(-h), 1.0, h[:2]).round(4).tolist()
    [1.0, 1.0]
    """
    reach = np.append(steps, 2.0 * steps[-1])
    with np.errstate(invalid="ignore", over="ignore"):
        plain = ((above - centre) + (below - centre)) / reach**2
        found = np.asarray((4.0 * plain[..., :-1] - plain[..., 1:]) / 3.0)
    return np.where(np.isfinite(found), found, np.nan)


def changes(found: Reals) -> Reals:
    """Return by how much halving a step changes second derivatives, root mean square over the sections.

    `found` is (sections, steps). The first step is halved nowhere and has inf, as has one at which a value or
    its neighbour is not finite.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        moved = np.sqrt((np.diff(found, axis=1) ** 2).mean(axis=0))
    moved[~np.isfinite(moved)] = np.inf
    return np.concatenate([[np.inf], moved])


def on_plateau(found: Reals) -> int:
    """Return the step at which to take second derivatives, as an index.

    Truncation makes large steps change when they are halved, as h^4, rounding small ones, as h^-2, and kinks
    those that reach them. It is the middle of the plateau where nothing of that tells, and so far from kinks
    that other sections may meet; where there is no plateau, the step that changes least.
    """
    moved = changes(found)
    if np.isinf(moved).all():
        raise ValueError("no step of the ladder gives finite second derivatives: give step a smaller value")
    with np.errstate(invalid="ignore", over="ignore"):
        small = moved <= _NOTHING * np.sqrt((found**2).mean(axis=0))
    if not small.any():
        return int(moved.argmin())
    first = int(small.argmax())
    length = int(np.append(small[first:], False).argmin())
    return first + (length - 1) // 2
