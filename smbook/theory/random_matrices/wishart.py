r"""The eigenvalues of Gaussian covariance matrices at finite size: their mean density, exactly.

The eigenvalues w_1 ... w_m of X^T X other than 0, for X of n samples and d features, m = min(n, d) and M =
max(n, d), have the joint density

.. math:: \prod_{i<j} \lvert w_i - w_j \rvert \prod_i w_i^{(a - 1) / 2} e^{-w_i / 2}, \qquad a = M - m

up to a factor. With the Laguerre functions and their integrals

.. math:: \phi_k(w) = \sqrt{\frac{k!}{(k + a)!}}\, w^{a/2} e^{-w/2} L_k^{(a)}(w), \qquad
          E_k(w) = \int_0^w \frac{\phi_k(u)}{\sqrt u} du, \qquad s_k = E_k(\infty)

the density of all m together, which integrates to m, is

.. math:: \rho(w) = \sum_{k=0}^{m-2} \phi_k(w)^2
          + \frac{\phi_{m-1}(w)}{\sqrt w} \Bigl[c - \frac{\sqrt{(m - 1)(M - 1)}}{2} E_{m-2}(w)\Bigr]

with c = sqrt((m - 1)(M - 1)) s_(m-2) / 4 for even m and 1 / s_(m-1) for odd m.

Why: a mean of this kind is the trace of the projector onto the span H of w^((a-1)/2) e^(-w/2) times
polynomials of degree below m, along what is orthogonal to V. For even m V are the functions int sgn(w - u)
f(u) du / 2 of f in H. For odd m they are those with int f = 0, and constants. Since d/dw takes sqrt(w)
phi_(k-1) to (b_k phi_k - b_(k-1) phi_(k-2)) / (2 sqrt(w)) with b_k = sqrt(k (k + a)), V holds all sqrt(w)
phi_k with k <= m - 2, which pair with phi_k / sqrt(w) in H to make the sum. What is left is one product: in H
phi_(m-1) / sqrt(w), and in V what is orthogonal to the others of H, the bracket. The same step links E_k to
E_(k-2), so that the density takes one recurrence of 2 m steps without cancellation.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import erf, gammainc, gammaln, poch, xlogy

from smbook import _checks
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

MOST_EIGENVALUES, MOST_ROWS = 1000, 10**6
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_REACH = 14.0  # singular values further outside have the chance exp(-_REACH^2 / 2) = 3e-43
_NOTHING = 40.0  # and here exp(-800), no float
_HALVINGS = 60  # of the panel at 0
_RESCALED_EVERY, _BIG = 8, 1e50
_TINY = 1e-300


class Quadrature(NamedTuple):
    """Hold points w and weights: the mean of a sum over eigenvalues is the weighted sum at the points."""

    points: Floats
    weights: Floats


def wishart_density(x: ArrayLike, n_features: int, n_samples: int) -> Values:
    r"""Return the exact mean density of the eigenvalues of X^T X / n of Gaussian samples.

    X holds n samples of d independent standard normal features. As with `marchenko_pastur`, which is the
    limit, the density of the eigenvalues other than 0 integrates to their share, min(n, d) / d. It is good to
    some 1e-12 of its largest value; the module's source derives it.

    Parameters
    ----------
    x
        Any shape.
    n_features, n_samples
        d and n, at least 1; the smaller up to 1000, the larger up to 10^6.

    Returns
    -------
    Values
        inf at x = 0 if d = n, where the density diverges as x^(-1/2).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Nagao and Forrester (1995); Adler, Forrester, Nagao and van Moerbeke (2000); Forrester (2010).

    Examples
    --------
    >>> wishart_density([0.1, 1.0, 3.0], 2, 4).round(6).tolist()
    [0.850093, 0.37397, 0.048598]
    >>> wishart_density(0.0, 3, 3), wishart_density(-1.0, 3, 3)
    (inf, 0.0)
    """
    values = _checks.reals("x", x)
    few, many = _sizes(n_features, n_samples)
    d, n = int(n_features), int(n_samples)
    last = (math.sqrt(few) + math.sqrt(many) + _NOTHING) ** 2
    inside = (values >= 0) & (values < last / n)
    found = np.zeros(values.shape)
    found[inside] = _density(values[inside] * n, few, many) * (n / d)
    return plain(found)


def wishart_mean(function: Callable[[Floats], Any], n_features: int, n_samples: int) -> float:
    r"""Return the exact mean of a function over the eigenvalues of X^T X / n other than 0.

    .. math:: \frac1d E \sum_{s_i > 0} f(s_i) = \int f(x) \rho(x) dx

    with the density of `wishart_density`. With more features than samples the d - n eigenvalues that are 0
    add (1 - n / d) f(0) to the mean of tr f / d.

    Parameters
    ----------
    function
        Takes an array of eigenvalues and returns as many numbers. It must be smooth away from 0 on the
        scale of the distance to 0, may bend or diverge at 0 as far as the mean is finite (the density goes as
        x^((abs(n - d) - 1) / 2) there), and must not grow faster than a power.
    n_features, n_samples
        d and n, as for `wishart_density`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or the function gives other than a finite number
        for each eigenvalue.

    Examples
    --------
    >>> round(wishart_mean(lambda s: s, 30, 50), 12), round(wishart_mean(lambda s: 1 / s, 30, 50), 12)
    (1.0, 2.631578947368)
    """
    if not callable(function):
        raise TypeError(f"function must be callable; got {type(function).__name__}")
    rule = quadrature(n_features, n_samples)
    d, n = int(n_features), int(n_samples)
    values = _checks.reals("the values of function", function(rule.points / n))
    if values.shape != rule.points.shape:
        raise ValueError(f"function must return as many numbers as it gets; got the shape {values.shape}")
    return float(values @ rule.weights) / d


def quadrature(n_features: int, n_samples: int) -> Quadrature:
    """Return points and weights of means over the eigenvalues of X^T X, which are not divided by n.

    They lie evenly in the singular values, in which everything is smooth, and closer and closer towards 0.
    """
    return _quadrature(*_sizes(n_features, n_samples))


def wishart_smallest(x: ArrayLike, n: int) -> Values:
    r"""Return the chance that the smallest eigenvalue of X^T X / n is at most x, for a square X.

    .. math:: P(s_1 \le x) = 1 - \frac1Z \int_0^1 \frac{p^{(n - 3) / 2} (1 - p)}{\sqrt{n - (n - 1) p}}
              \operatorname{erfc} \sqrt{\frac{n x}{2} \Bigl(n + \frac{p}{1 - p}\Bigr)}\, dp
              \;\to\; 1 - e^{-y/2 - \sqrt y}, \qquad y = n^2 x

    It is exact at every n (Z is the integral at x = 0) and rises as sqrt(x) from 0, which is why the mean of
    1 / s_1 is infinite. The law is Edelman's, whose confluent hypergeometric function is written as an
    integral here, and the limit, for large n at fixed y, is his too.

    Parameters
    ----------
    x
        Any shape.
    n
        Number of samples and of features, from 1 to 10^6.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Edelman (1988).

    Examples
    --------
    >>> wishart_smallest([0.0, 1e-4, 1e-2], 60).round(6).tolist()
    [0.0, 0.539763, 1.0]
    """
    values = np.maximum(_checks.reals("x", x), 0.0)
    size = _checks.integer("n", n, minimum=1, maximum=MOST_ROWS)
    w = values[..., np.newaxis] * size
    if size == 1:
        return plain(erf(np.sqrt(w[..., 0] / 2)))
    edges = np.concatenate([[0.0], 0.5 ** np.arange(_HALVINGS, -1, -1)])  # of 1 - sqrt(p)
    half = np.diff(edges)[:, np.newaxis] / 2
    apart = (edges[:-1, np.newaxis] + half * (1 + _NODES)).ravel()
    rest = apart * (2 - apart)  # 1 - p
    weights = (half * _WEIGHTS).ravel() * np.exp((size - 2) * np.log1p(-apart)) * rest
    weights /= np.sqrt(1 + (size - 1) * rest)
    reached = erf(np.sqrt(w / 2 * (size - 1 + 1 / rest)))
    return plain(reached @ weights / weights.sum())


@functools.lru_cache(maxsize=256)
def _quadrature(few: int, many: int) -> Quadrature:
    low = max(math.sqrt(many) - math.sqrt(few) - _REACH, 0.0)
    high = math.sqrt(many) + math.sqrt(few) + _REACH
    n_panels = math.ceil((high - low) * max(math.sqrt(few) / 3, 4 / 3))
    edges = np.linspace(low, high, n_panels + 1)
    if low == 0:
        edges = np.concatenate([[0.0], edges[1] / 2.0 ** np.arange(_HALVINGS, 0, -1), edges[1:]])
    half = np.diff(edges)[:, np.newaxis] / 2
    roots = (edges[:-1, np.newaxis] + half * (1 + _NODES)).ravel()
    weights = (half * _WEIGHTS).ravel() * 2 * roots * _density(roots**2, few, many)
    found = Quadrature(roots**2, weights)
    for array in found:
        array.flags.writeable = False
    return found


def _sizes(n_features: int, n_samples: int) -> tuple[int, int]:
    """Return the smaller and the larger of d and n."""
    d = _checks.integer("n_features", n_features, minimum=1)
    n = _checks.integer("n_samples", n_samples, minimum=1)
    few, many = sorted((d, n))
    if few > MOST_EIGENVALUES or many > MOST_ROWS:
        raise ValueError(
            f"the smaller of n_features and n_samples must be at most {MOST_EIGENVALUES}, the larger at most "
            f"{MOST_ROWS}; got {d} and {n} (Marchenko and Pastur's law is close by)"
        )
    return few, many


def _density(w: Floats, few: int, many: int) -> Floats:
    """Return the density of all eigenvalues of X^T X together."""
    a = many - few
    at_zero = (w == 0) & (a == 0)
    w = np.where(at_zero, 1.0, w)
    steps = np.sqrt(np.arange(few + 1.0) * np.arange(a, many + 1.0))  # b_k
    integral = (few % 2 == 0) * _total(0, a, steps) * gammainc((a + 1) / 2, w / 2)  # E_0, or E_(-1) = 0
    total, before, now, log_scale = np.zeros_like(w), np.zeros_like(w), np.ones_like(w), _first(w, a)
    scale = np.exp(log_scale)
    for k in range(1, few):  # now is phi_(k-1) / sqrt(w), in units of the scale
        true = now * scale
        total += w * true**2
        if k < few - 1 and (few - k) % 2 == 0:
            integral = (steps[k - 1] * integral + 2 * w * true) / steps[k]
        before, now = now, ((2 * k - 1 + a - w) * now - steps[k - 1] * before) / steps[k]
        if k % _RESCALED_EVERY == 0:
            size = np.maximum(np.maximum(np.abs(now), np.abs(before)), _BIG) / _BIG
            before, now, log_scale = before / size, now / size, log_scale + np.log(size)
            scale = np.exp(log_scale)
    constant = (
        steps[few - 1] / 4 * _total(few - 2, a, steps) if few % 2 == 0 else 1 / _total(few - 1, a, steps)
    )
    total += now * scale * (constant - steps[few - 1] / 2 * integral)
    return np.where(at_zero, math.inf, np.maximum(total, 0.0))


def _first(w: Floats, a: int) -> Floats:
    """Return the logarithm of phi_0 / sqrt(w), for large a by Stirling's series to keep the digits."""
    if a < 30:
        return np.asarray(xlogy((a - 1) / 2, w) - w / 2 - gammaln(a + 1) / 2)
    w = np.maximum(w, _TINY)
    apart = (w - a) / a
    logs = np.where(np.abs(apart) < 0.5, np.log1p(np.maximum(apart, -0.5)), np.log(w / a))
    rest = math.log(2 * math.pi * a) / 2 + 1 / (12 * a) - 1 / (360 * a**3) + 1 / (1260 * a**5)
    return np.asarray((a * (logs - apart) - rest - np.log(w)) / 2)


def _total(k: int, a: int, steps: Floats) -> float:
    """Return s_k for even k; for odd k it is 0."""
    first = math.sqrt(2 * math.sqrt(math.pi) / float(poch((a + 1) / 2, 0.5)))
    return first * float(np.prod(steps[1:k:2] / steps[2 : k + 1 : 2]))
