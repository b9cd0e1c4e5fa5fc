"""Gaussian tails to all digits, and averages of their functions over a Gaussian place of the threshold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

if TYPE_CHECKING:
    from smbook.theory._shared import Floats

_FAR = 2.5  # from where differences of tails lose digits
_TERMS = 80  # of the continued fraction, which beyond leave 1e-16
_GROWTH = 1.5  # from one panel to the next
_LONGEST = 1.1
_REACH = 38.0  # further out a Gaussian weight is no normal number
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


def density(x: Floats) -> Floats:
    """Return the density of a unit Gaussian."""
    return np.asarray(np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi))


def hazard(x: Floats) -> Floats:
    """Return G(x) = phi(x) / H(x), the slope of -ln H, where H is the tail of a unit Gaussian."""
    return np.asarray(math.sqrt(2 / math.pi) / erfcx(x / math.sqrt(2)))


def excess(x: Floats) -> Floats:
    """Return G(x) - x, the mean of what a Gaussian variable above x has above x."""
    near = hazard(np.minimum(x, _FAR)) - np.minimum(x, _FAR)
    return np.where(x < _FAR, near, _fraction(x, 1))


def hazard_slope(x: Floats) -> Floats:
    """Return G'(x) = G(x) (G(x) - x), which rises from 0 to 1."""
    return np.asarray(hazard(x) * excess(x))


def moments(x: Floats) -> tuple[Floats, Floats]:
    """Return the means of (x + t)_+ and of its square over a unit Gaussian t."""
    near = np.maximum(x, -_FAR)
    share, weight = ndtr(near), density(near)
    first, second = near * share + weight, (1 + near**2) * share + near * weight
    below = ndtr(x) * _fraction(-x, 1)
    far = x < -_FAR
    return np.where(far, below, first), np.where(far, below * _fraction(-x, 2), second)


def _fraction(x: Floats, first: int) -> Floats:
    """Return n / (x + (n + 1) / (x + ...)) from n = first on.

    It is J_n / J_(n-1) of the integrals J_n of u^n exp(-u^2 / 2 - u x) over u > 0, since n J_(n-1) = J_(n+1)
    + x J_n, in which all terms are positive.
    """
    far = np.maximum(x, _FAR)
    value = np.zeros_like(far)
    for n in range(first + _TERMS, first - 1, -1):
        value = n / (far + value)
    return np.asarray(value)


class Cavity(NamedTuple):
    """Hold x = (kappa + sqrt(q) t) / sqrt(1 - q) at points of a unit Gaussian t, and their weights."""

    x: Floats
    weight: Floats

    def mean(self, values: Floats) -> float:
        """Return the average of values at the points."""
        return float(values @ self.weight)


def cavity(q: float, rest: float, kappa: float) -> Cavity:
    """Return points and weights for averages over the field of one example, with q and rest = 1 - q.

    Functions of x bend around 0 and go on as powers of x: panels of 16 points grow in proportion to x.
    """
    spread, scale = math.sqrt(q), math.sqrt(rest)
    far = abs(kappa) > _REACH * spread
    kink, width = (0.0, 1.0) if far else (-kappa / spread, scale / spread)
    n = math.ceil(math.log(max(4 * _REACH / width, 2.0)) / math.log(_GROWTH))
    steps = width / 2 * _GROWTH ** np.arange(n)
    even = np.linspace(-_REACH, _REACH, math.ceil(2 * _REACH / _LONGEST) + 1) - kink
    edges = np.sort(np.concatenate([-steps, [0.0], steps, even]))
    edges = np.unique(np.clip(edges, -_REACH - kink, _REACH - kink))
    half = np.diff(edges)[:, np.newaxis] / 2
    distance = (edges[:-1, np.newaxis] + half * (1 + _NODES)).ravel()
    weight = (half * _WEIGHTS).ravel() * density(kink + distance)
    kept = weight > 1e-300
    distance, weight = distance[kept], weight[kept]
    x = (kappa + spread * distance) / scale if far else spread / scale * distance
    return Cavity(np.asarray(x), np.asarray(weight))


def hazard_square(field: Cavity) -> float:
    """Return the mean of G(x)^2."""
    return field.mean(hazard(field.x) ** 2)


def log_tail(field: Cavity) -> float:
    """Return the mean of ln H(x)."""
    return field.mean(log_ndtr(-field.x))


def log_tail_and_square(field: Cavity) -> float:
    """Return the mean of ln H(x) + G(x)^2 / 2, in which the squares of x cancel before they are formed."""
    x = np.maximum(field.x, 0.0)
    above = np.log(erfcx(x / math.sqrt(2)) / 2) + excess(x) * (hazard(x) + x) / 2
    x = np.minimum(field.x, 0.0)
    below = log_ndtr(-x) + hazard(x) ** 2 / 2
    return field.mean(np.where(field.x > 0, above, below))
