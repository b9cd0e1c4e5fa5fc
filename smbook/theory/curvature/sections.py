"""Sections of a loss along random directions, by the traces of the Hessian and its square."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtr

from smbook import _checks
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_SLACK = 1e-9  # relative, by which rounding may break t^2 <= N s


class SectionMoments(NamedTuple):
    """Hold what the Hessian (A, B; B, C) of a random section and its eigenvalues are on average.

    Attributes
    ----------
    mean
        The mean t of A and C; that of B is 0. It is also the curvature of the averaged section.
    variance
        The variance of A and of C.
    off_diagonal_variance
        The variance of B. The mean (A + C) / 2 of the two curvatures has the same.
    low, high
        The means of the smaller and of the larger curvature.
    curvature_variance
        The variance of either.
    """

    mean: float
    variance: float
    off_diagonal_variance: float
    low: float
    high: float
    curvature_variance: float


class UnitMoments(NamedTuple):
    """Hold mean and variance of the diagonal, and the variance off it, of a section along unit vectors."""

    mean: float
    variance: float
    off_diagonal_variance: float


def section_moments(trace: float, square: float) -> SectionMoments:
    r"""Return the moments of the Hessian of a section along two random Gaussian directions.

    With independent eta, delta of unit Gaussian entries, at a critical point of Hessian H,

    .. math:: A = \eta^T H \eta, \quad B = \eta^T H \delta, \quad C = \delta^T H \delta, \qquad
              \kappa_\pm = \tfrac12 \bigl(A + C \pm \sqrt{4B^2 + (A - C)^2}\bigr)

    and t = tr H, s = tr H^2, E A = E C = t, E B = 0, Var A = Var C = 2s and Var B = s hold for any H. The
    moments of the curvatures are those of Gaussian A, B and C, to which many comparable eigenvalues lead:
    E kappa = t +- sqrt(pi s / 2) and Var kappa = s (3 - pi / 2). `curvature_moments_exact` has no such limit.
    If A, B and C are averaged over S pairs before the eigenvalues are taken, the same holds with s / S: the
    curvatures of the averaged section both go to t, and a saddle can no longer show.
    (Boettcher and Wheeler, arXiv:2208.13219 and 2405.10957.)

    Parameters
    ----------
    trace
        t = tr H.
    square
        s = tr H^2, the sum of the squared eigenvalues, above 0.

    Examples
    --------
    >>> found = section_moments(600.0, 1000.0)
    >>> round(found.low, 3), round(found.high, 3), round(math.sqrt(found.curvature_variance), 3)
    (560.367, 639.633, 37.805)
    """
    t, s = _traces(trace, square)
    apart = math.sqrt(math.pi * s / 2)
    return SectionMoments(t, 2 * s, s, t - apart, t + apart, s * (3 - math.pi / 2))


def unit_section_moments(trace: float, square: float, n: int, *, orthogonal: bool = False) -> UnitMoments:
    r"""Return the moments of the Hessian of a section along random unit vectors in n dimensions, exactly.

    A and C have the mean t / n and the variance 2 (n s - t^2) / (n^2 (n + 2)). B has the mean 0 and the
    variance s / n^2 if the two vectors are independent, (n s - t^2) / ((n - 1) n (n + 2)) if the second is
    orthogonal to the first. Whether a section looks like a saddle depends on its plane alone, so that
    `saddle_probability` is the same for unit, orthonormal and Gaussian directions.

    Raises ValueError if t^2 > n s, which no n eigenvalues give, or if n = 1 and the vectors are to be
    orthogonal.

    Examples
    --------
    >>> unit_section_moments(2.0, 10.0, 4)
    UnitMoments(mean=0.5, variance=0.75, off_diagonal_variance=0.625)
    >>> unit_section_moments(2.0, 10.0, 4, orthogonal=True).off_diagonal_variance
    0.5
    """
    t, s = _traces(trace, square)
    size = _checks.integer("n", n, minimum=2 if orthogonal else 1)
    spread = size * s - t**2
    if spread < -_SLACK * size * s:
        raise ValueError(f"trace**2 must be at most n * square = {size * s:g}; got {t**2:g}")
    spread = max(spread, 0.0)
    off = spread / ((size - 1) * size * (size + 2)) if orthogonal else s / size**2
    return UnitMoments(t / size, 2 * spread / (size**2 * (size + 2)), off)


def curvature_density(kappa: ArrayLike, trace: float, square: float, *, sign: int) -> Values:
    r"""Return the density of a curvature of a random section, for Gaussian A, B and C.

    kappa = m +- R with independent m = (A + C) / 2, normal of mean t and variance s, and R of Rayleigh's law
    of mean square 2s. With u = +-(kappa - t) / sqrt(s)

    .. math:: f(\kappa) = \frac1{\sqrt s} \Bigl[\tfrac12 \phi(u) + \frac{u}{2\sqrt2}\,
              e^{-u^2/4}\,\Phi\bigl(u/\sqrt2\bigr)\Bigr]

    whose peak is 0.33448 / sqrt(s) at u = 1.18783.

    Parameters
    ----------
    kappa
        Any shape.
    trace, square
        tr H and tr H^2.
    sign
        1 for the larger curvature, -1 for the smaller.

    Examples
    --------
    >>> round(curvature_density(37.5625, 0.0, 1000.0, sign=1), 6)
    0.010577
    """
    u, s, _ = _standardized(kappa, trace, square, sign)
    density = np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
    return plain(
        (density / 2 + u * np.exp(-(u**2) / 4) * ndtr(u / math.sqrt(2)) / math.sqrt(8)) / math.sqrt(s)
    )


def curvature_cumulative(kappa: ArrayLike, trace: float, square: float, *, sign: int) -> Values:
    r"""Return the probability that a curvature of a random section is at most `kappa`, as in its density.

    For the larger curvature it is Phi(u) - exp(-u^2 / 4) Phi(u / sqrt 2) / sqrt 2, u = (kappa - t) / sqrt s;
    the smaller one is its mirror image.

    Examples
    --------
    >>> round(curvature_cumulative(0.0, 0.0, 1000.0, sign=1), 6)
    0.146447
    """
    u, _, side = _standardized(kappa, trace, square, sign)
    below = ndtr(u) - np.exp(-(u**2) / 4) * ndtr(u / math.sqrt(2)) / math.sqrt(2)
    return plain(below if side == 1 else 1 - below)


def saddle_probability(trace: ArrayLike, square: ArrayLike, *, cube: ArrayLike = 0.0) -> Values:
    r"""Return the probability that a random section looks like a saddle, for Gaussian A, B and C.

    .. math:: P(\kappa_+ \kappa_- < 0) = P(AC < B^2) = \frac{1}{\sqrt2}\, e^{-t^2/4s}

    whatever saddle H itself is: the sign of the mean curvature decides what is seen. With the `cube` tr H^3
    it is multiplied by

    .. math:: 1 + \frac{t \operatorname{tr} H^3}{2s^2} \Bigl(1 - \frac{t^2}{3s}\Bigr)

    the leading effect of skewness, of order N^(-1/2), where that is small; what is left is of order 1 / N.
    `saddle_probability_exact` is for given eigenvalues. Arguments may be arrays, which are broadcast.

    Examples
    --------
    >>> round(saddle_probability(0.0, 1000.0), 4), round(saddle_probability(60.0, 1000.0), 4)
    (0.7071, 0.2875)
    """
    t, s, third = (
        _checks.reals(name, value) for name, value in (("trace", trace), ("square", square), ("cube", cube))
    )
    if (s <= 0).any():
        raise ValueError(f"square must be positive; got {s.min()}")
    skew = t * third / (2 * s**2) * (1 - t**2 / (3 * s))
    return plain(np.exp(-(t**2) / (4 * s)) / math.sqrt(2) * (1 + skew))


def hutchinson_variance(
    square: float, *, n_probes: int = 1, probes: str = "gaussian", diagonal: ArrayLike | None = None
) -> float:
    r"""Return the variance of Hutchinson's estimate of tr H, the mean of z^T H z over random probes z.

    It is 2 tr H^2 / m with m Gaussian probes, and 2 (tr H^2 - sum_i H_ii^2) / m with signs: nothing for a
    diagonal H. (Hutchinson 1990; Avron and Toledo 2011.)

    Parameters
    ----------
    square
        tr H^2, the sum of the squares of all entries of H.
    n_probes
        m, at least 1.
    probes
        "gaussian", or "rademacher" for signs, which needs the diagonal.
    diagonal
        H_ii, shape (N,), for signs.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, signs come without a diagonal, or the diagonal's
        squares sum up to more than `square`.

    Examples
    --------
    >>> hutchinson_variance(1000.0, n_probes=1000)
    2.0
    >>> hutchinson_variance(14.0, probes="rademacher", diagonal=[1.0, 3.0])
    8.0
    """
    s = _checks.positive("square", square)
    m = _checks.integer("n_probes", n_probes, minimum=1)
    _checks.choice("probes", probes, ("gaussian", "rademacher"))
    if probes == "gaussian":
        return 2 * s / m
    if diagonal is None:
        raise ValueError("diagonal must be given for rademacher probes; got None")
    own = float((_checks.reals("diagonal", diagonal) ** 2).sum())
    if own > s * (1 + _SLACK):
        raise ValueError(f"the squares of diagonal must sum up to at most square = {s:g}; got {own:g}")
    return 2 * max(s - own, 0.0) / m


def _traces(trace: float, square: float) -> tuple[float, float]:
    return _checks.real("trace", trace), _checks.positive("square", square)


def _standardized(kappa: ArrayLike, trace: float, square: float, sign: int) -> tuple[Floats, float, int]:
    """Return u of the larger curvature, or of the smaller one's mirror image, tr H^2 and the sign."""
    values = _checks.reals("kappa", kappa)
    t, s = _traces(trace, square)
    side = _checks.integer("sign", sign, minimum=-1, maximum=1)
    if side == 0:
        raise ValueError("sign must be 1 or -1; got 0")
    return side * (values - t) / math.sqrt(s), s, side
