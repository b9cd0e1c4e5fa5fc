"""The square lattice on a torus: Kaufman's formula, and its exact derivatives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks
from smbook.theory._shared import Floats, plain
from smbook.theory.ising._shared import Thermal, temperatures
from smbook.theory.ising.square_lattice import CRITICAL_BETA

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


_FROZEN = 400.0  # K from which on no spin turns


@dataclass(frozen=True)
class _Jet:
    """Hold a function of K by its value and first two derivatives, kept by the rules of calculus."""

    value: Floats
    first: Floats
    second: Floats

    def __add__(self, other: _Jet) -> _Jet:
        return _Jet(self.value + other.value, self.first + other.first, self.second + other.second)

    def __mul__(self, other: _Jet) -> _Jet:
        cross = self.first * other.first
        return _Jet(
            self.value * other.value,
            self.first * other.value + self.value * other.first,
            self.second * other.value + 2 * cross + self.value * other.second,
        )

    def scaled(self, factor: float | Floats) -> _Jet:
        return _Jet(self.value * factor, self.first * factor, self.second * factor)

    def plus(self, constant: float) -> _Jet:
        return _Jet(self.value + constant, self.first, self.second)

    def power(self, exponent: float) -> _Jet:
        slope = exponent * self.value ** (exponent - 1)
        curvature = exponent * (exponent - 1) * self.value ** (exponent - 2)
        return self._composed(self.value**exponent, slope, curvature)

    def exp(self) -> _Jet:
        value = np.exp(self.value)
        return self._composed(value, value, value)

    def log1p(self) -> _Jet:
        inverse = 1 / (1 + self.value)
        return self._composed(np.log1p(self.value), inverse, -(inverse**2))

    def sum(self, where: NDArray[np.bool_]) -> _Jet:
        """Return the correctly rounded sum of the entries that `where` selects."""
        parts = (self.value, self.first, self.second)
        return _Jet(*(np.asarray(math.fsum(part[where])) for part in parts))

    def _composed(self, value: Floats, slope: Floats, curvature: Floats) -> _Jet:
        return _Jet(value, slope * self.first, slope * self.second + curvature * self.first**2)


def kaufman(shape: tuple[int, int], beta: ArrayLike, *, coupling: float = 1.0) -> Thermal:
    """Return the exact densities of an n x m torus without a field (Kaufman, 1949).

    2 Z = (2 sinh 2K)^(nm/2) [prod 2cosh(m g_odd / 2) + prod 2sinh(m g_odd / 2) + prod 2cosh(m g_even / 2)
    + prod 2sinh(m g_even / 2)], each product over n values of l of one parity, with K = beta J,
    cosh g_l = cosh 2K coth 2K - cos(pi l / n) and g_0 = 2K + ln tanh K of either sign.

    Energy and specific heat come from exact derivatives of the formula; their errors are near 1e-16 or, where
    they are above 1e-3, near 1e-13 of their size. A side of 2 has double bonds. For J < 0 both sides must be
    even, so that the antiferromagnet is a ferromagnet in disguise; other shapes raise ValueError.

    Examples
    --------
    >>> [round(value, 10) for value in kaufman((4, 4), CRITICAL_BETA)[1:]]
    [-1.5656237876, 0.7832668259]
    """
    sides = _checks.lattice_shape(shape, dimensions=(2,))
    betas, coupling, _ = temperatures(beta, coupling)
    if coupling < 0 and any(side % 2 for side in sides):
        raise ValueError(f"an odd side frustrates the antiferromagnet; got {sides} with coupling {coupling}")
    jets = [_torus(min(sides), max(sides), k) for k in (betas * abs(coupling)).ravel().tolist()]
    n_sites = math.prod(sides)
    value, first, second = (
        np.reshape([getattr(jet, part) for jet in jets], betas.shape) / n_sites
        for part in ("value", "first", "second")
    )
    k = betas * abs(coupling)
    specific_heat = np.minimum(k, _FROZEN) ** 2 * np.maximum(second, 0.0)
    return Thermal(*map(plain, (2 * k + value, -abs(coupling) * (2 + first), specific_heat)))


def _torus(n: int, m: int, k: float) -> _Jet:
    """Return ln Z - 2 n m K, from the four products divided by the first of them."""
    boundary = np.arange(1, 2 * n)
    even = boundary % 2 == 0
    bulk, decay = _bands(np.pi * boundary / n, m, k)
    cosh, sinh = bulk + decay.log1p(), bulk + decay.scaled(-1).log1p()
    zero_cosh, zero_sinh, log_scale = _zero_mode(m, k)
    first = cosh.sum(~even)
    minus_first = first.scaled(-1)
    ratios = (
        (sinh.sum(~even) + minus_first).exp().plus(1.0)
        + (cosh.sum(even) + minus_first).plus(log_scale).exp() * zero_cosh
        + (sinh.sum(even) + minus_first).plus(log_scale).exp() * zero_sinh
    )
    return first + ratios.plus(-1.0).log1p().plus(-math.log(2))


def _bands(angles: Floats, m: int, k: float) -> tuple[_Jet, _Jet]:
    """Return (m / 2) ln(2 S e^(g - 4K)) and e^(-m g) of S = sinh 2K and g > 0 at each angle.

    S e^g = q + R with q = S cosh g = 1 + S^2 - S cos(angle) and R = S sinh g = sqrt((q - S)(q + S)). Times
    e^(-4K) each is a polynomial in e^(-2K), smooth for every K >= 0, and q - S is a sum of squares.
    """
    e = _exponential(k)
    critical = math.sqrt(2) - 1  # e^(-2K) at the critical point
    distance = _Jet(critical * np.expm1(-2 * (k - CRITICAL_BETA)), e.first, e.second)
    sinh = (e * (e * e).scaled(-1).plus(1.0)).scaled(0.5)
    turn = sinh.scaled(2 * np.sin(angles / 2) ** 2)
    lower = (e.plus(1 + math.sqrt(2)) * distance).scaled(0.5).power(2) + turn
    upper = (e * e).plus(1.0).scaled(0.5).power(2) + turn
    grown = (lower + upper).scaled(0.5) + (lower * upper).power(0.5)
    return grown.scaled(2).plus(-1.0).log1p().scaled(m / 2), (sinh * grown.power(-1)).power(m)


def _zero_mode(m: int, k: float) -> tuple[_Jet, _Jet, float]:
    """Return 2cosh(m g_0 / 2) and 2sinh(m g_0 / 2) times (2 S e^(-4K))^(m/2) e^(-scale), and the scale."""
    e = _exponential(k)
    odd = _Jet(-np.expm1(-2 * k), -e.first, -e.second)  # 1 - e^(-2K)
    even = e * e.plus(1.0)
    scale = max(float(odd.value), float(even.value))
    odd, even = odd.scaled(1 / scale).power(m), even.scaled(1 / scale).power(m)
    return odd + even, odd + even.scaled(-1), m * math.log(scale)


def _exponential(k: float) -> _Jet:
    """Return exp(-2K)."""
    value = np.exp(np.float64(-2 * k))
    return _Jet(value, -2 * value, 4 * value)
