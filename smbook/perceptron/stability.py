"""Weights of maximum stability, whose least y w.x / norm(w) is as large as it can be, by two rules.

Both keep weights w = sum_mu a_mu y_mu x_mu with strengths a >= 0, and these tell how far it is to the goal:
no unit vector u has a larger margin than norm(w) / sum a, since norm(w) >= u.w = sum_mu a_mu y_mu u.x_mu,
where each term is at least a_mu times the margin of u.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook._runs import UPDATES_PER_CALL, progress_bar
from smbook.kernels import perceptron as kernels
from smbook.perceptron._examples import checked_examples
from smbook.perceptron.rules import Learned, parts_of_pass, passes_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.perceptron._examples import Floats, Labels

_LEAST_TOLERANCE = 1e-14


class Adatron(NamedTuple):
    """Weights (N,), the strength of each example in them (P,), their margin, and the passes it took.

    Where they have a positive margin they are scaled so that the least y w.x is 1; then the margin is
    1 / norm(w). `converged` says whether it is the largest one, up to the tolerance. Examples of a strength
    above 0, the support, have y w.x = 1. Two results are equal if all their numbers are.
    """

    weights: Floats
    strengths: Floats
    margin: float
    passes: int
    converged: bool

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        outcome = "converged" if self.converged else "not converged"
        return f"Adatron({outcome} in {passes_of(self.passes)}: margin {self.margin:.6g})"


def adatron(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    rate: float = 1.0,
    tolerance: float = 1e-10,
    max_passes: int = 100_000,
    progress: bool = False,
) -> Adatron:
    """Return weights of the largest margin, by coordinate ascent in the strengths of the examples.

    With w = sum_mu a_mu y_mu x_mu, the strengths maximize sum_mu a_mu - w.w / 2 over a >= 0. At the maximum
    y w.x >= 1 for all examples, and = 1 for all with a > 0 (Karush, Kuhn and Tucker), and w is the shortest
    vector with y w.x >= 1: the one of largest margin. One example after the other changes its strength by
    max(-a, rate (1 - y w.x) / x.x). The error falls by a constant factor a pass. This is close to 1 where
    examples are far more than inputs. `margin` finds the same weights in less time, to all digits: it begins
    with passes of this kind, and ends with a system of equations.

    Parameters
    ----------
    inputs
        (P, N), an example a row, none of them all zeros.
    labels
        +1 and -1, (P,).
    rate
        Above 0 and below 2; above 1 is over-relaxation.
    tolerance
        It ends when no weights can have a margin that is larger by this share, from 1e-14 to below 1.
    max_passes
        After so many passes through all examples it gives up, at least 1. Examples that nothing separates
        take them all.
    progress
        Whether a bar shows the passes.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Anlauf and Biehl (1989); Hildreth (1957) for the ascent.

    Examples
    --------
    >>> found = adatron([[2.0, 0.0], [1.0, 1.0], [-1.0, 3.0]], [1, 1, -1])
    >>> found
    Adatron(converged in 15 passes: margin 1)
    >>> found.strengths.round(6)  # the first example is no support
    array([0.  , 0.75, 0.25])
    """
    rows, signs = checked_examples(inputs, labels, nonzero=True)
    rate = _checks.real("rate", rate)
    if not 0.0 < rate < 2.0:
        raise ValueError(f"rate must be more than 0 and less than 2; got {rate}")
    tolerance = _checked_tolerance(tolerance)
    max_passes = _checks.integer("max_passes", max_passes, minimum=1)
    strengths, weights = np.zeros(len(rows)), np.zeros(rows.shape[1])
    sequence, least = np.arange(len(rows)), 0.0
    passes, converged = 0, False
    with progress_bar(max_passes, "pass", progress) as tell:
        while passes < max_passes and not converged:
            for part in parts_of_pass(sequence, rows.shape[1]):
                kernels.adatron_pass(rows, signs, part, rate, strengths, weights)
            least = _least(rows, signs, weights)
            passes, converged = passes + 1, _is_largest(least, strengths.sum(), weights, tolerance)
            tell(1)
    margin = least / (float(np.linalg.norm(weights)) or 1.0)
    scale = least if least > 0.0 else 1.0
    return Adatron(weights / scale, strengths / scale, margin, passes, converged)


def minover(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    tolerance: float = 0.01,
    max_passes: int = 1_000_000,
    progress: bool = False,
) -> Learned:
    """Approach the weights of the largest margin as a perceptron that learns its weakest example only.

    From w = 0, each pass looks for the example with the least y w.x and adds its y x to w. After t passes no
    weights have a margin above norm(w) / t. The rule ends when that of w itself is below this by the share
    `tolerance`, which takes of the order of (R / kappa)^2 / tolerance passes.

    Parameters
    ----------
    inputs
        (P, N), an example a row, none of them all zeros.
    labels
        +1 and -1, (P,).
    tolerance
        From 1e-14 to below 1.
    max_passes
        After so many passes it gives up, at least 1. Examples that nothing separates take them all.
    progress
        Whether a bar shows the passes.

    Returns
    -------
    Learned
        Each pass through the examples makes one correction: `mistakes` and `passes` are the same.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Krauth and Mezard (1987). It ends here by its own bound instead of at a given y w.x.

    Examples
    --------
    >>> minover([[2.0, 0.0], [1.0, 1.0], [-1.0, 3.0]], [1, 1, -1])
    Learned(converged: 101 mistakes in 101 passes)
    """
    rows, signs = checked_examples(inputs, labels, nonzero=True)
    tolerance = _checked_tolerance(tolerance)
    max_passes = _checks.integer("max_passes", max_passes, minimum=1)
    weights, made, converged = np.zeros(rows.shape[1]), 0, False
    most = max(1, UPDATES_PER_CALL // rows.size)
    with progress_bar(max_passes, "pass", progress) as tell:
        while made < max_passes and not converged:
            wanted = min(most, max_passes - made)
            steps = int(kernels.minover_steps(rows, signs, tolerance, made, wanted, weights))
            made += steps
            least = _least(rows, signs, weights)
            converged = steps < wanted or _is_largest(least, made, weights, tolerance)
            tell(steps)
    return Learned(weights, made, made, converged)


def _checked_tolerance(tolerance: float) -> float:
    """Return a tolerance, or raise if it is less than rounding allows, or no share."""
    found = _checks.real("tolerance", tolerance, minimum=_LEAST_TOLERANCE)
    return _checks.share_below_one("tolerance", found)


def _least(rows: Floats, signs: Labels, weights: Floats) -> float:
    """Return the least y w.x."""
    return float((signs * (rows @ weights)).min())


def _is_largest(least: float, total: float, weights: Floats, tolerance: float) -> bool:
    """Tell whether the margin of weights is below its bound norm(w) / sum a by no more than a share."""
    return least > 0.0 and least * total >= (1.0 - tolerance) * float(weights @ weights)
