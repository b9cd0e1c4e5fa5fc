"""Quadratic forms A = z^T H z in Gaussian numbers z, exactly at any size, by the eigenvalues of H."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq

from smbook import _checks
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Complexes = NDArray[np.complex128]

_STEP = 1 / 24  # of the trapezoidal rule, whose error is exp(-2 pi 0.39 / step) or less
_BEND = math.pi / 8  # by which the contour turns to where exp(-x z) decays
_E_FOLDS = 42.0  # after which nothing is left
_NOTHING = -1000.0  # logarithm of what is 0 as a float, with room for the width
_LEAST = 1e-200  # of sizes of x other than 0
_COARSE = np.arange(0.0, 100.0, 0.5)
_NEXT_TO_POLE = 1 - 2.0**-48


class FormMoments(NamedTuple):
    """Hold mean, variance, skewness and excess kurtosis of a quadratic form."""

    mean: float
    variance: float
    skewness: float
    excess_kurtosis: float


class Levels(NamedTuple):
    """Hold different eigenvalues other than 0, in units of the largest size, their numbers, and that size."""

    values: Floats
    counts: Floats
    unit: float

    @property
    def rank(self) -> int:
        """The number of eigenvalues that are not 0."""
        return int(self.counts.sum())

    def mirrored(self) -> Levels:
        """Return the levels of -H."""
        return Levels(-self.values[::-1], self.counts[::-1], self.unit)


def form_moments(eigenvalues: ArrayLike) -> FormMoments:
    r"""Return mean, variance, skewness and excess kurtosis of z^T H z, z of unit Gaussian entries.

    The form is a sum over eigenvalues of lambda z^2, and its cumulants are

    .. math:: k_r = 2^{r-1} (r - 1)!\, \operatorname{tr} H^r

    so that the mean is tr H, the variance 2 tr H^2 and the skewness sqrt(8) tr H^3 / (tr H^2)^(3/2): of
    order N^(-1/2) for N comparable eigenvalues, which is how far from Gaussian the form is.

    Parameters
    ----------
    eigenvalues
        Of H, shape (N,), not all 0.

    Examples
    --------
    >>> form_moments([1.0, 1.0, 1.0, -1.0])
    FormMoments(mean=2.0, variance=8.0, skewness=0.7071067811865476, excess_kurtosis=3.0)
    """
    found = levels(eigenvalues)
    first, second, third, fourth = (float(found.counts @ found.values**r) for r in (1, 2, 3, 4))
    skewness, kurtosis = math.sqrt(8) * third / second**1.5, 12 * fourth / second**2
    return FormMoments(first * found.unit, 2 * second * found.unit**2, skewness, kurtosis)


def form_density(x: ArrayLike, eigenvalues: ArrayLike) -> Values:
    r"""Return the density of z^T H z at x, z of unit Gaussian entries, exactly at any size of H.

    .. math:: f(x) = \frac{1}{2\pi i} \int_{c - i\infty}^{c + i\infty} e^{-xz} \prod_j
              (1 - 2\lambda_j z)^{-1/2}\, dz

    along a contour through the saddle point, so that the far tails come out with all their digits, to some
    1e-12. (Imhof 1961 integrates along the imaginary axis; Daniels 1954 keeps the saddle point alone.)

    Parameters
    ----------
    x
        Any shape.
    eigenvalues
        Of H, shape (N,), not all 0.

    Returns
    -------
    Values
        In the shape of x: 0 where the form cannot be, and inf where the density diverges, which it does at
        x = 0 with a single eigenvalue, or with two of different signs.

    Examples
    --------
    >>> round(form_density(3.0, [2.0, 2.0]), 10), round(math.exp(-3 / 4) / 4, 10)
    (0.1180916382, 0.1180916382)
    >>> form_density([-1.0, 0.0], [1.0, 0.5, 0.5]).tolist()
    [0.0, 0.0]
    """
    points = _checks.reals("x", x)
    found = levels(eigenvalues)
    values = [_density(y / found.unit, found) / found.unit for y in points.ravel().tolist()]
    return plain(np.reshape(values, points.shape))


def form_probability(x: ArrayLike, eigenvalues: ArrayLike, *, upper: bool = False) -> Values:
    """Return the probability that z^T H z is at most x, or above x, exactly at any size of H.

    The same contour as for `form_density`, with a further factor 1 / z. Each tail keeps its digits.

    Parameters
    ----------
    x
        Any shape.
    eigenvalues
        Of H, shape (N,), not all 0.
    upper
        Return the probability of values above x.

    Examples
    --------
    >>> round(form_probability(3.841458820694124, [1.0]), 10)
    0.95
    >>> round(form_probability(0.0, [1.0, -1.0]), 12)
    0.5
    """
    points = _checks.reals("x", x)
    found = levels(eigenvalues)
    values = [tail(y / found.unit, found, upper=upper) for y in points.ravel().tolist()]
    return plain(np.reshape(values, points.shape))


def levels(eigenvalues: ArrayLike) -> Levels:
    """Return the levels of eigenvalues, or raise if these are no vector or all 0."""
    values = _checks.reals("eigenvalues", eigenvalues)
    if values.ndim != 1:
        raise ValueError(f"eigenvalues must have the shape (N,); got {values.shape}")
    if not values.any():
        raise ValueError(f"eigenvalues must not all be 0; got {values.size} of them")
    unit = float(np.abs(values).max())
    different, counts = np.unique(values[values != 0] / unit, return_counts=True)
    return Levels(different, counts.astype(np.float64), unit)


def part_above(x: float, found: Levels, power: float) -> float:
    r"""Return E[max(A - x, 0)^q] / Gamma(q + 1) of the form in its unit for q > -1, its density for q = -1.

    .. math:: \frac{1}{2\pi i} \int e^{-xz} z^{-q-1} \prod_j (1 - 2\lambda_j z)^{-1/2} dz,
              \qquad 0 < \Re z < 1 / 2\lambda_{max}

    (for q = -1 the real part may be negative too). The contour is z = c + i w sinh(v), turned by an angle to
    where exp(-xz) decays; its centre c makes the integrand least on the real axis, w is its width there.
    """
    order = power + 1
    if (found.values[-1] <= 0 and x >= 0) or (order == 0 and found.values[0] >= 0 and x <= 0):
        return 0.0
    x = math.copysign(max(abs(x), _LEAST), x) if x else 0.0
    centre = _centre(x, found, order)
    ratios = np.sqrt(2 * found.counts) * found.values / (1 - 2 * found.values * centre)
    largest = float(np.abs(ratios).max())
    spread = largest * float(np.linalg.norm(ratios / largest))  # whose squares may underflow
    pull = order / (centre * spread) if order else 0.0  # of the pole at z = 0
    width = 1 / math.hypot(spread, math.sqrt(order) / centre if order else 0.0)
    turn = -math.copysign(_BEND, x) if x else 0.0
    height = float(_exponent(np.array([centre + 0j]), x, found, order)[0].real)
    if height < _NOTHING:
        return 0.0

    def logarithms(v: Floats) -> tuple[Complexes, Complexes]:
        z = centre + width * (math.sin(turn) + 1j * np.sinh(v + 1j * turn))
        return _exponent(z, x, found, order) - height, width * np.cosh(v + 1j * turn)

    exponents, slopes = logarithms(_COARSE)
    left = exponents.real + np.log(np.abs(slopes) / width)
    reach = _COARSE[np.flatnonzero(left > -_E_FOLDS)[-1]] + 1
    step = _STEP / (1 + pull)
    exponents, slopes = logarithms(np.arange(step / 2, reach, step))  # at -v stand complex conjugates
    return float((np.exp(exponents) * slopes).real.sum()) * step / math.pi * math.exp(height)


def tail(x: float, found: Levels, *, upper: bool) -> float:
    """Return the probability above x, or up to x, in the unit; the larger one is the rest of the smaller."""
    if x >= found.counts @ found.values:
        above = part_above(x, found, 0.0)
        return above if upper else 1 - above
    below = part_above(-x, found.mirrored(), 0.0)
    return 1 - below if upper else below


def _exponent(z: Complexes, x: float, found: Levels, order: float) -> Complexes:
    """Return the logarithm of the integrand."""
    logs = np.log(1 - 2 * np.multiply.outer(z, found.values)) @ found.counts
    return np.asarray(-logs / 2 - x * z - (order * np.log(z) if order else 0.0))


def _centre(x: float, found: Levels, order: float) -> float:
    """Return the point of the real axis at which the integrand is least, between its singularities."""

    def slope(c: float) -> float:
        rise = float((found.counts * found.values / (1 - 2 * found.values * c)).sum())
        return rise - x - (order / c if order else 0.0)

    low, top = float(found.values[0]), float(found.values[-1])
    size = float(found.counts @ np.abs(found.values)) + abs(x)
    last = _NEXT_TO_POLE / (2 * top) if top > 0 else (found.rank + order) / abs(x)
    if order:
        first = min(last, order / size) / 4
    else:
        first = _NEXT_TO_POLE / (2 * low) if low < 0 else -found.rank / abs(x)
    if slope(last) <= 0:
        return last
    return float(brentq(slope, first, last, xtol=1e-9 / size, maxiter=5000)) if slope(first) < 0 else first


def _density(x: float, found: Levels) -> float:
    """Return the density in the form's unit; at 0 it may jump or diverge."""
    if x or found.rank > 2:
        return part_above(x, found, -1.0)
    product = float(np.prod(found.values**found.counts))
    return 1 / (2 * math.sqrt(product)) if found.rank == 2 and product > 0 else math.inf
