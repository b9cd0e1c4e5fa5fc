"""The laws of a large random matrix's eigenvalues: Wigner's semicircle, and that of covariance matrices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

_HALVINGS = 60
_MOST_MOMENTS = 500


class Edges(NamedTuple):
    """Hold the ends of the interval in which eigenvalues lie."""

    low: float
    high: float


def semicircle(x: ArrayLike, variance: float = 1.0) -> Values:
    r"""Return Wigner's density of the eigenvalues of a large symmetric matrix.

    .. math:: \rho(x) = \frac{\sqrt{4\sigma^2 - x^2}}{2\pi\sigma^2}, \qquad |x| \le 2\sigma

    for independent entries of mean 0 and variance sigma^2 / N off the diagonal, of any law. (Wigner 1955,
    1958.)

    Parameters
    ----------
    x
        Any shape.
    variance
        sigma^2: the variance of entries times N, and of the eigenvalues.

    Examples
    --------
    >>> round(semicircle(0.0), 6), semicircle([-3.0, 2.0]).tolist()
    (0.31831, [0.0, 0.0])
    """
    values, s = _checks.reals("x", x), _checks.positive("variance", variance)
    return plain(np.sqrt(np.maximum(4 * s - values**2, 0.0)) / (2 * math.pi * s))


def semicircle_edges(variance: float = 1.0) -> Edges:
    """Return the ends -2 sigma and 2 sigma of the semicircle.

    Examples
    --------
    >>> semicircle_edges(0.25)
    Edges(low=-1.0, high=1.0)
    """
    radius = 2 * math.sqrt(_checks.positive("variance", variance))
    return Edges(-radius, radius)


def semicircle_cumulative(x: ArrayLike, variance: float = 1.0) -> Values:
    """Return the share of eigenvalues up to x.

    Examples
    --------
    >>> semicircle_cumulative([-2.0, 0.0, 1.0, 5.0]).round(6).tolist()
    [0.0, 0.5, 0.804499, 1.0]
    """
    edges = semicircle_edges(variance)
    return plain(_semicircle_share(_angle(_checks.reals("x", x), edges)))


def semicircle_quantile(share: ArrayLike, variance: float = 1.0) -> Values:
    """Return the x below which a share of the eigenvalues lies, from 0 to 1.

    Examples
    --------
    >>> semicircle_quantile([0.0, 0.5, 1.0]).tolist(), round(semicircle_quantile(0.804499), 5)
    ([-2.0, 0.0, 2.0], 1.0)
    """
    radius = semicircle_edges(variance).high
    return plain(radius * np.sin(_inverted(_semicircle_share, _shares(share)) - math.pi / 2))


def semicircle_moment(k: int, variance: float = 1.0) -> float:
    """Return the mean of x^k: a Catalan number times sigma^k for even k, 0 for odd k, up to k = 500.

    Examples
    --------
    >>> [semicircle_moment(k) for k in range(0, 11, 2)]
    [1.0, 1.0, 2.0, 5.0, 14.0, 42.0]
    """
    s = _checks.positive("variance", variance)
    power = _checks.integer("k", k, minimum=0, maximum=_MOST_MOMENTS)
    half = power // 2
    return 0.0 if power % 2 else math.comb(power, half) / (half + 1) * s**half


def marchenko_pastur(x: ArrayLike, ratio: float, variance: float = 1.0) -> Values:
    r"""Return Marchenko and Pastur's density of the eigenvalues of a large covariance matrix X^T X / n.

    .. math:: \rho(x) = \frac{\sqrt{(x_+ - x)(x - x_-)}}{2\pi\gamma\sigma^2 x}, \qquad
              x_\pm = \sigma^2 (1 \pm \sqrt\gamma)^2

    X holds n samples of p independent features of mean 0 and variance sigma^2, gamma = p / n. If gamma > 1
    there are 1 - 1 / gamma of the eigenvalues at 0 besides, `marchenko_pastur_atom`, and the density
    integrates to the rest. (Marchenko and Pastur 1967.)

    Parameters
    ----------
    x
        Any shape.
    ratio
        gamma, features over samples, above 0.
    variance
        sigma^2.

    Returns
    -------
    Values
        inf at x = 0 if gamma = 1, where the density diverges as x^(-1/2).

    Examples
    --------
    >>> round(marchenko_pastur(1.0, 0.5), 6), marchenko_pastur([0.05, 3.0], 0.5).tolist()
    (0.421084, [0.0, 0.0])
    """
    values, g, s = _checks.reals("x", x), *_scales(ratio, variance)
    low, high = marchenko_pastur_edges(g, s)
    inside = np.maximum((high - values) * (values - low), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.sqrt(inside) / (2 * math.pi * g * s * values)
        diverging = np.sqrt((high - values) / values) / (2 * math.pi * g * s)
    outside = (values < low) | (values > high)
    return plain(np.where(outside, 0.0, diverging if low == 0 else density))


def marchenko_pastur_edges(ratio: float, variance: float = 1.0) -> Edges:
    """Return the ends of the part of the law that is spread out.

    Examples
    --------
    >>> marchenko_pastur_edges(0.25)
    Edges(low=0.25, high=2.25)
    """
    g, s = _scales(ratio, variance)
    return Edges(s * (1 - math.sqrt(g)) ** 2, s * (1 + math.sqrt(g)) ** 2)


def marchenko_pastur_atom(ratio: float) -> float:
    """Return the share of the eigenvalues that are 0: with more features than samples, 1 - 1 / gamma.

    Examples
    --------
    >>> marchenko_pastur_atom(4.0), marchenko_pastur_atom(0.5)
    (0.75, 0.0)
    """
    return max(1 - 1 / _checks.positive("ratio", ratio), 0.0)


def marchenko_pastur_cumulative(x: ArrayLike, ratio: float, variance: float = 1.0) -> Values:
    """Return the share of eigenvalues up to x, those at 0 included.

    Examples
    --------
    >>> marchenko_pastur_cumulative([-1.0, 0.0, 1.0, 9.0], 4.0).round(6).tolist()
    [0.0, 0.75, 0.75, 1.0]
    >>> round(marchenko_pastur_cumulative(1.0, 0.5), 6)
    0.576004
    """
    values, g, s = _checks.reals("x", x), *_scales(ratio, variance)
    angles = _angle(values, marchenko_pastur_edges(g, s))
    share = marchenko_pastur_atom(g) + _marchenko_pastur_share(angles, g)
    return plain(np.where(values < 0, 0.0, np.minimum(share, 1.0)))


def marchenko_pastur_quantile(share: ArrayLike, ratio: float, variance: float = 1.0) -> Values:
    """Return the x below which a share of the eigenvalues lies, from 0 to 1; 0 within the atom there.

    Examples
    --------
    >>> marchenko_pastur_quantile([0.0, 1.0], 0.25).tolist(), marchenko_pastur_quantile(0.7, 4.0)
    ([0.25, 2.25], 0.0)
    """
    shares, g, s = _shares(share), *_scales(ratio, variance)
    atom = marchenko_pastur_atom(g)
    angles = _inverted(lambda theta: _marchenko_pastur_share(theta, g), np.maximum(shares - atom, 0.0))
    root = math.sqrt(g)
    x = (1 - root) ** 2 + 4 * root * np.sin(angles / 2) ** 2
    return plain(np.where(shares < atom, 0.0, s * x))


def marchenko_pastur_moment(k: int, ratio: float, variance: float = 1.0) -> float:
    r"""Return the mean of x^k, sigma^(2k) times a sum of Narayana numbers, up to k = 500.

    .. math:: \langle x^k \rangle = \sigma^{2k} \sum_{r=1}^{k} \frac1k \binom kr \binom k{r-1} \gamma^{r-1}

    Examples
    --------
    >>> [marchenko_pastur_moment(k, 0.5) for k in (0, 1, 2, 3)]
    [1.0, 1.0, 1.5, 2.75]
    """
    g, s = _scales(ratio, variance)
    power = _checks.integer("k", k, minimum=0, maximum=_MOST_MOMENTS)
    if power == 0:
        return 1.0
    terms = (
        math.comb(power, r) * math.comb(power, r - 1) // power * g ** (r - 1) for r in range(1, power + 1)
    )
    return s**power * math.fsum(terms)


def _scales(ratio: float, variance: float) -> tuple[float, float]:
    return _checks.positive("ratio", ratio), _checks.positive("variance", variance)


def _angle(x: Floats, edges: Edges) -> Floats:
    """Return the angle from 0 to pi whose cosine falls from 1 at the lower edge to -1 at the upper one."""
    below, above = np.maximum(x - edges.low, 0.0), np.maximum(edges.high - x, 0.0)
    return np.asarray(2 * np.arctan2(np.sqrt(below), np.sqrt(above)))


def _semicircle_share(theta: Floats) -> Floats:
    """Return the share below x = -2 sigma cos(theta)."""
    return np.asarray((theta - np.sin(2 * theta) / 2) / math.pi)


def _marchenko_pastur_share(theta: Floats, ratio: float) -> Floats:
    """Return the share, without the atom, below x / sigma^2 = 1 + gamma - 2 sqrt(gamma) cos(theta)."""
    root = math.sqrt(ratio)
    gap = abs(1 - ratio) * np.arctan2((1 + root) * np.sin(theta / 2), abs(1 - root) * np.cos(theta / 2))
    return np.asarray((root * np.sin(theta) + (1 + ratio) * theta / 2 - gap) / (math.pi * ratio))


def _shares(share: ArrayLike) -> Floats:
    values = _checks.reals("share", share, minimum=0.0)
    if (values > 1).any():
        raise ValueError(f"share must be at most 1; got {values.max()}")
    return values


def _inverted(function: Callable[[Floats], Floats], values: Floats) -> Floats:
    """Return the angles from 0 to pi at which a rising function has the values, by halving."""
    low, high = np.zeros_like(values), np.full_like(values, math.pi)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = function(middle) < values
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(values <= 0, 0.0, np.where(values >= function(np.array(math.pi)), math.pi, high))
