"""Values with their standard errors, and how they print."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

# fill and alignment, sign, width, grouping, precision and type, as for a float
_SPECIFICATION = re.compile(r"((?:.?[<>^])?)([-+ ]?)(\d*)([,_]?)(?:\.(\d+))?([feg]?)", re.DOTALL)


class Estimate(NamedTuple):
    """Hold a measured value and its standard error.

    It prints with the first two digits of the error in brackets, in units of the last digits shown. As any
    tuple it does not calculate: take `.value` and `.error` for arithmetic.

    A format that is that of a string, such as "<12", sets this text. One of a number sets the digits: those
    of ".3f" are three decimals, of ".3e" three decimals before a power of ten, of ".3g" three digits in all,
    and the error is rounded to the last of them; one that is less than half of it is "<1".

    Examples
    --------
    >>> Estimate(0.45271, 0.00117)
    0.4527(12)
    >>> f"{Estimate(0.45271, 0.00117):.3f}, {Estimate(0.45271, 0.00117):>12}"
    '0.453(1),   0.4527(12)'
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
        number = _SPECIFICATION.fullmatch(specification)
        if number is None or not any(number.group(2, 4, 5, 6)):
            return format(repr(self), specification)  # a string's, or no format at all
        alignment, sign, width, grouping, digits, kind = number.groups()
        precision = 6 if digits is None else int(digits)
        text = _rounded(float(self.value), float(self.error), sign + grouping, precision, kind or "g")
        return format(text, f"{alignment or '>'}{width}")


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


def _rounded(value: float, error: float, style: str, digits: int, kind: str) -> str:
    """Return value(error) with as many digits as the format of a float asks for."""
    if not (math.isfinite(value) and math.isfinite(error)):
        return f"{value:{style}.{digits}{kind}}({error:.2g})"
    mantissa, power = f"{value:.{digits if kind == 'e' else max(digits - 1, 0)}e}".split("e")
    exponent = int(power)
    if kind == "g":
        digits = max(digits, 1) - 1
        kind = "f" if -5 <= exponent <= digits else "e"
        digits -= exponent if kind == "f" else 0
    if kind == "f":
        return f"{value:{style}.{digits}f}({_last_digits(error, digits)})"
    figures, power = f"{error:.17e}".split("e")
    scaled = float(f"{figures}e{int(power) - exponent}")
    return f"{float(mantissa):{style}.{digits}f}({_last_digits(scaled, digits)})e{exponent:+03d}"


def _last_digits(error: float, decimals: int) -> str:
    """Return an error rounded to so many decimals; in units of the last of them if it is below 1."""
    text = f"{error:.{decimals}f}"
    if error > 0 and float(text) == 0:
        return "<1"
    return text if float(text) >= 1 else text.replace(".", "").lstrip("0") or "0"
