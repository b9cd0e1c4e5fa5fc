"""Values with their standard errors, and how they print."""

from __future__ import annotations

import math
from typing import NamedTuple


class Estimate(NamedTuple):
    """Hold a measured value and its standard error.

    It prints with the first two digits of the error in brackets, in units of the last digits shown. As any
    tuple it does not calculate: take `.value` and `.error` for arithmetic.

    Examples
    --------
    >>> Estimate(0.45271, 0.00117)
    0.4527(12)
    >>> round(Estimate(0.45271, 0.00117).z(0.4500), 2)
    2.32
    >>> value, error = Estimate(-1523.4, 87.0)
    """

    value: float
    error: float

    def z(self, exact: float) -> float:
        """Return how many standard errors the value lies above `exact`.

        With an error of 0 this is 0 where the two agree and infinite where they do not.
        """
        difference = self.value - exact
        if math.isnan(self.error):
            return math.nan
        if self.error == 0 and difference != 0:
            return math.copysign(math.inf, difference)
        return float(difference / self.error) if difference != 0 else 0.0

    def __repr__(self) -> str:
        return _brackets(float(self.value), float(self.error))

    def __format__(self, specification: str) -> str:
        return format(repr(self), specification)


def _brackets(value: float, error: float) -> str:
    """Return value(error) with two digits of the error, in scientific notation where that is shorter."""
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return f"{value:.10g}({error:.2g})"
    exponent = max(math.floor(math.log10(max(abs(value), error))), -323)
    if not -5 <= exponent < 7:
        return f"{_brackets(value / 10.0**exponent, error / 10.0**exponent)}e{exponent:+03d}"
    mantissa, power = f"{error:.1e}".split("e")
    decimals = 1 - int(power)
    if decimals > 1:
        return f"{value:.{decimals}f}({mantissa.replace('.', '').lstrip('0')})"
    return f"{round(value, decimals):.{max(decimals, 0)}f}({round(error, decimals):.{max(decimals, 0)}f})"
