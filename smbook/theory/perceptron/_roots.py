"""Where a rising function is zero, from a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy.optimize import brentq

if TYPE_CHECKING:
    from collections.abc import Callable


def rising_root(function: Callable[[float], float], guess: float, lowest: float, highest: float) -> float:
    """Return where a rising function vanishes, or the end of the range at which it comes closest to that."""
    ends = [min(max(guess, lowest), highest)] * 2
    upwards = function(ends[0]) < 0
    reach = 0.5
    while ends[upwards] != (highest if upwards else lowest):
        ends = (
            [ends[0], min(ends[1] + reach, highest)] if upwards else [max(ends[0] - reach, lowest), ends[1]]
        )
        if (function(ends[upwards]) < 0) != upwards:
            return float(brentq(function, *ends, xtol=1e-15))
        ends[not upwards] = ends[upwards]
        reach *= 2
    return ends[upwards]
