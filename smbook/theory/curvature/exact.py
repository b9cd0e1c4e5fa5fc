"""Curvatures of random sections at finite size: nothing is taken to be Gaussian but the directions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import gammaln

from smbook import _checks
from smbook.theory.curvature.forms import Levels, levels, part_above

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_STEP = 1 / 8  # in the logarithm of s, for which the integrand is analytic as far as pi / 2
_BEFORE, _AFTER = -80.0, 45.0  # e-folds around 1 / tr H^2 after which nothing is left


class ExactCurvatures(NamedTuple):
    """Hold the means of the smaller and of the larger curvature of a random section, and their variances."""

    low: float
    high: float
    low_variance: float
    high_variance: float


def curvature_moments_exact(eigenvalues: ArrayLike) -> ExactCurvatures:
    r"""Return mean and variance of the curvatures of a section along Gaussian directions, at any size of H.

    With A = eta^T H eta, Q = eta^T H^2 eta and kappa = (A + C) / 2 +- R,

    .. math:: E R = \sqrt{\tfrac\pi2}\, E \sqrt Q, \qquad E R^2 = 2s, \qquad
              E \tfrac{A + C}2 R = \sqrt{\tfrac\pi2}\, E A \sqrt Q

    as along a direction that is turned by an angle a in the plane the curvature is q = (A + C) / 2 +
    R cos 2a, up to a phase, with the slope 2B at the start, and B given eta is normal of variance Q. Hence
    E kappa = t +- sqrt(pi / 2) E sqrt Q. The Gaussian t +- sqrt(pi s / 2) is too far out, to leading order
    by the share tr H^4 / 4 (tr H^2)^2 of sqrt(pi s / 2), which is of order 1 / N.

    Parameters
    ----------
    eigenvalues
        Of H, shape (N,), not all 0.

    Examples
    --------
    >>> found = curvature_moments_exact([1.0] * 500 + [-1.0] * 500)
    >>> round(found.high, 4), round(math.sqrt(math.pi / 2 * 1000), 4)
    (39.6234, 39.6333)
    """
    found = levels(eigenvalues)
    trace, square = found.counts @ found.values, found.counts @ found.values**2
    root, joint = (math.sqrt(math.pi / 2) * mean for mean in _root_means(found))
    unit = found.unit
    common = 3 * square - root**2
    return ExactCurvatures(
        float(trace - root) * unit,
        float(trace + root) * unit,
        float(common - 2 * joint) * unit**2,
        float(common + 2 * joint) * unit**2,
    )


def saddle_probability_exact(eigenvalues: ArrayLike, *, level: float = 0.0) -> float:
    r"""Return the probability that a random section of a Hessian looks like a saddle, at any size of H.

    Turn the section in its plane, and the diagonal entry A of its Hessian runs from one curvature to the
    other and back. Averaged over turns, with C the entry across, A and C are independent, and

    .. math:: P(\kappa_- < 0 < \kappa_+) = E\,\frac{|A - C|}{2 \sqrt{|AC|}}\, 1_{AC < 0}
              = \langle A_+^{-1/2} \rangle \langle A_-^{1/2} \rangle
              + \langle A_-^{-1/2} \rangle \langle A_+^{1/2} \rangle

    where :math:`A_+` and :math:`A_-` are the positive and the negative part of eta^T H eta, and an empty part
    counts as 0.
    Gaussian A gives back exp(-t^2 / 4s) / sqrt 2. Each mean is one integral along a contour through its
    saddle point, so that tiny probabilities keep their digits. For n eigenvalues a and m eigenvalues -b it is

    .. math:: \frac{\sqrt\pi\, \Gamma(\frac{n + m - 1}2)}{\Gamma(\frac n2) \Gamma(\frac m2)}
              \frac{b^{(n-1)/2} a^{(m-1)/2}}{(a + b)^{(n+m)/2 - 1}}

    and 1 for n = m = 1. The directions may as well be unit vectors or orthonormal ones.

    Parameters
    ----------
    eigenvalues
        Of H, shape (N,), not all 0.
    level
        Return the probability that this, in place of 0, lies between the two curvatures (of Gaussian
        directions).

    Examples
    --------
    >>> [round(saddle_probability_exact(values), 12) for values in ([1.0, 1.0, -1.0], [1.0, -3.0])]
    [0.707106781187, 1.0]
    >>> round(saddle_probability_exact([1.0] * 500 + [-1.0] * 500), 6)
    0.707284
    >>> saddle_probability_exact([2.0, 1.0, 0.0])
    0.0
    """
    found = levels(eigenvalues)
    x = _checks.real("level", level) / found.unit
    if x == 0 and found.values[0] * found.values[-1] > 0:
        return 0.0
    if x == 0 and found.values.size == 2:
        return _two_levels(found)
    rare, common = (-x, found.mirrored()), (x, found)
    if found.counts @ found.values < x:
        rare, common = common, rare
    few = [part_above(*rare, power) for power in (-0.5, 0.5)]
    if not any(few):
        return 0.0
    many = [part_above(*common, power) for power in (0.5, -0.5)]
    return min(math.pi / 2 * (few[0] * many[0] + few[1] * many[1]), 1.0)  # Gamma(1/2) Gamma(3/2) = pi / 2


def _two_levels(found: Levels) -> float:
    """Return the closed form for eigenvalues of one positive and one negative value."""
    (b, a), (m, n) = np.abs(found.values).tolist(), found.counts.tolist()
    gammas = float(gammaln((n + m - 1) / 2) - gammaln(n / 2) - gammaln(m / 2))
    powers = (n - 1) / 2 * math.log(b) + (m - 1) / 2 * math.log(a) - ((n + m) / 2 - 1) * math.log(a + b)
    return math.exp(gammas + powers + math.log(math.pi) / 2)


def _root_means(found: Levels) -> tuple[float, float]:
    r"""Return E sqrt Q and E (A - t) sqrt Q.

    By sqrt Q = int (-d/ds exp(-sQ)) ds / sqrt(pi s), with E exp(-sQ) = prod (1 + 2s lambda^2)^(-1/2) and, in
    that measure, the mean A of sum lambda / (1 + 2s lambda^2).
    """
    squares = found.values**2
    s = np.exp(np.arange(_BEFORE, _AFTER + math.log(found.rank), _STEP)) / (found.counts @ squares)
    shrink = 1 / (1 + 2 * np.multiply.outer(s, squares))
    weight = np.exp(np.log(shrink) @ found.counts / 2) * np.sqrt(s / math.pi) * _STEP
    slope = shrink @ (found.counts * squares)
    off = -2 * s * (shrink @ (found.counts * squares * found.values))
    turn = shrink**2 @ (2 * found.counts * squares * found.values)
    return float(weight @ slope), float(weight @ (off * slope + turn))
