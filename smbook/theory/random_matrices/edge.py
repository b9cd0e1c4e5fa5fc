"""The largest eigenvalue of a random matrix of finite size: Tracy and Widom's laws."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import airy

from smbook import _checks
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_REACH = 16.0  # beyond, the Airy function is 1e-20
_FAR_LEFT, _FAR_RIGHT = -9.5, 16.0  # where 1e-16 of either law is left


class LawMoments(NamedTuple):
    """Hold mean and standard deviation."""

    mean: float
    deviation: float


class EdgeLaw(NamedTuple):
    """Hold where the largest eigenvalue lies: about centre + scale chi, with chi of Tracy and Widom's law.

    `mean` and `deviation` are those of that law, to leading order in the size.
    """

    centre: float
    scale: float
    mean: float
    deviation: float


def tracy_widom(x: ArrayLike, *, symmetry: int = 1) -> Values:
    r"""Return Tracy and Widom's probability that a scaled largest eigenvalue is at most x.

    .. math:: F_1(x) = \det(1 - K), \qquad F_2(x) = \det(1 - K) \det(1 + K), \qquad
              K(y, z) = \operatorname{Ai}(x + y + z), \quad y, z > 0

    for real symmetric matrices (symmetry 1) and Hermitian ones (2). The determinants are those of K on
    Gauss-Legendre points, good to some 1e-13. (Tracy and Widom 1994, 1996; Ferrari and Spohn 2005 for the
    kernel; Bornemann 2010 for the quadrature.)

    Parameters
    ----------
    x
        Any shape. Below -9.5 the result is 0, above 16 it is 1.
    symmetry
        1 or 2: Dyson's index beta.

    Examples
    --------
    >>> round(tracy_widom(-1.2065), 6), round(tracy_widom(-2.0, symmetry=2), 9)
    (0.519663, 0.413224143)
    """
    values = _checks.reals("x", x)
    index = _checks.integer("symmetry", symmetry, minimum=1, maximum=2)
    return plain(np.reshape([_law(y, index) for y in values.ravel().tolist()], values.shape))


def tracy_widom_moments(*, symmetry: int = 1) -> LawMoments:
    """Return mean and standard deviation of Tracy and Widom's law.

    Examples
    --------
    >>> found = tracy_widom_moments()
    >>> round(found.mean, 9), round(found.deviation, 9)
    (-1.206533575, 1.267983058)
    """
    return _moments(_checks.integer("symmetry", symmetry, minimum=1, maximum=2))


def wigner_edge(n: int, variance: float = 1.0) -> EdgeLaw:
    r"""Return the law of the largest eigenvalue of a Gaussian real symmetric matrix of size n, near 2 sigma.

    .. math:: \mu = 2\sigma \sqrt{1 - \tfrac1{2n}}, \qquad s = \sigma n^{-1/2} (n - \tfrac12)^{-1/6}

    and the eigenvalue is mu + s chi. Entries have the variance sigma^2 / n, twice that on the diagonal. Large
    matrices of other entries have the same law (Soshnikov 1999), which is 2 sigma + sigma n^(-2/3) chi to
    leading order (Tracy and Widom 1996). The halves make it good at small n too (Johnstone and Ma 2012).

    Examples
    --------
    >>> found = wigner_edge(500)
    >>> round(found.mean, 4), round(found.deviation, 4)
    (1.9798, 0.0201)
    """
    size = _checks.integer("n", n, minimum=1)
    width = math.sqrt(_checks.positive("variance", variance))
    centre = 2 * width * math.sqrt(1 - 0.5 / size)
    return _edge_law(centre, width / math.sqrt(size) * (size - 0.5) ** (-1 / 6))


def covariance_edge(n_features: int, n_samples: int, variance: float = 1.0) -> EdgeLaw:
    r"""Return the law of the largest eigenvalue of X^T X / n, n samples of p features of one variance.

    .. math:: n \mu = (\sqrt{n - 1} + \sqrt p)^2, \qquad n s = (\sqrt{n - 1} + \sqrt p)
              \Bigl(\frac1{\sqrt{n - 1}} + \frac1{\sqrt p}\Bigr)^{1/3}

    and the eigenvalue is mu + s chi, times the variance. (Johnstone 2001.)

    Examples
    --------
    >>> found = covariance_edge(400, 800)
    >>> round(found.centre, 4), round(found.mean, 4), round(found.deviation, 4)
    (2.9121, 2.88, 0.0337)
    """
    p = _checks.integer("n_features", n_features, minimum=1)
    n = _checks.integer("n_samples", n_samples, minimum=2)
    unit = _checks.positive("variance", variance) / n
    root, other = math.sqrt(n - 1), math.sqrt(p)
    return _edge_law(unit * (root + other) ** 2, unit * (root + other) * (1 / root + 1 / other) ** (1 / 3))


def _edge_law(centre: float, scale: float) -> EdgeLaw:
    found = _moments(1)
    return EdgeLaw(centre, scale, centre + scale * found.mean, scale * found.deviation)


def _law(x: float, index: int) -> float:
    """Return the Fredholm determinant at one x."""
    if x < _FAR_LEFT or x > _FAR_RIGHT:
        return float(x > 0)
    half = max(_REACH - x, 1.0) / 2
    y, roots = half * (1 + _NODES), np.sqrt(half * _WEIGHTS)
    kernel = roots[:, np.newaxis] * airy(x + np.add.outer(y, y))[0] * roots
    unit = np.eye(_NODES.size)
    found = float(np.linalg.det(unit - kernel))
    return found if index == 1 else found * float(np.linalg.det(unit + kernel))


@functools.cache
def _moments(index: int) -> LawMoments:
    """Return mean and deviation by parts, from the distribution function on both sides of -1."""
    split = -1.0
    nodes, weights = np.polynomial.legendre.leggauss(64)

    def panel(low: float, high: float) -> tuple[Floats, Floats]:
        return (high + low) / 2 + (high - low) / 2 * nodes, (high - low) / 2 * weights

    (below, down), (above, up) = panel(_FAR_LEFT, split), panel(split, _FAR_RIGHT)
    low = np.array([_law(x, index) for x in below.tolist()])
    high = 1 - np.array([_law(x, index) for x in above.tolist()])
    first = float(up @ high - down @ low)
    second = 2 * float(up @ ((above - split) * high) + down @ ((split - below) * low))
    return LawMoments(split + first, math.sqrt(second - first**2))
