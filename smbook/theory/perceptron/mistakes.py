"""How many mistakes the perceptron rule makes at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks
from smbook.theory._shared import Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_ROUNDING = 1e-9  # by which a measured margin may exceed the largest norm


def novikoff_bound(radius: ArrayLike, margin: ArrayLike) -> Values:
    r"""Return how many mistakes the perceptron rule makes at most, (R / kappa)^2.

    It starts from zero weights, and the examples, in any order and as often as one likes, are separated by
    some unit vector with the margin kappa. A mistake adds at least kappa to the overlap of the weights with
    that vector, and at most R^2 to their square: after M mistakes, :math:`M \kappa \le |w| \le \sqrt M R`.

    Parameters
    ----------
    radius
        R, the largest norm of an input, above 0, any shape.
    margin
        kappa, above 0 and at most R, of a shape that broadcasts with it. The largest margin gives the best
        bound.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Novikoff (1962); Block (1962).

    Examples
    --------
    >>> novikoff_bound(2.0, 0.5)
    16.0
    """
    lengths, margins = _checks.reals("radius", radius), _checks.reals("margin", margin)
    for name, values in (("radius", lengths), ("margin", margins)):
        if (values <= 0.0).any():
            raise ValueError(f"{name} must be positive; got {values.min()}")
    try:
        lengths, margins = np.broadcast_arrays(lengths, margins)
    except ValueError:
        raise ValueError(
            f"radius and margin must broadcast; got {lengths.shape} and {margins.shape}"
        ) from None
    if (margins / (1.0 + _ROUNDING) > lengths).any():
        which = np.unravel_index(np.argmax(margins / lengths), margins.shape)
        raise ValueError(f"margin must be at most radius, {lengths[which]}; got {margins[which]}")
    with np.errstate(over="ignore"):
        return plain(np.maximum(lengths / margins, 1.0) ** 2)
