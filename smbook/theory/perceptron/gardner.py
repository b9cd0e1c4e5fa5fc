"""How many random labels a unit learns with a margin, and how much room they leave for its weights (Gardner).

P = alpha N examples have Gaussian inputs x and random labels y, and the weights lie on the sphere w.w = N.
On a share exp(N s) of it every example has y w.x / sqrt(N) >= kappa. For large N nearly all samples of
examples have the same s, which follows from the overlap q of two points of that volume.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, Values, plain
from smbook.theory.perceptron import _tails
from smbook.theory.perceptron._arguments import below, broadcast, loads, stabilities
from smbook.theory.perceptron._roots import rising_root

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_LEAST, _MOST = -37.0, 1e150  # stabilities whose capacity is a normal number
_LOWEST, _HIGHEST = -2.8, 1e6  # those with one replica-symmetric solution
_LOOSEST, _TIGHTEST = -706.0, 36.0  # ln(q / (1 - q)) where q is a normal number, and 1 - q the rounding of 1


class GardnerCapacity(NamedTuple):
    """Hold the largest load at a stability, and whether the replica-symmetric theory that gives it holds."""

    load: Values
    is_stable: bool | NDArray[np.bool_]

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class GardnerVolume(NamedTuple):
    """Hold the overlap q of two solutions, the entropy s per weight, and whether replica symmetry holds."""

    overlap: Values
    entropy: Values
    is_stable: bool | NDArray[np.bool_]

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def gardner_capacity(stability: ArrayLike) -> GardnerCapacity:
    r"""Return the largest load at which random labels can be learned with a stability kappa.

    .. math:: \alpha_c(\kappa) = \Bigl[\int_{-\kappa}^\infty Dt\, (t + \kappa)^2\Bigr]^{-1}
              = \bigl[(1 + \kappa^2) \Phi(\kappa) + \kappa \phi(\kappa)\bigr]^{-1}

    with the density phi and the distribution Phi of the unit Gaussian measure Dt. It is 2 at kappa = 0, as by
    Cover's count, about 1 / (1 + kappa^2) for large kappa, and about abs(kappa)^3 / 2 phi(kappa) for large
    negative kappa.

    For kappa >= 0 this is exact, and proven: the solutions are one convex piece of the sphere, and all
    replicas are alike. For kappa < 0 they are not convex and may be many pieces. The replica-symmetric value
    is then no more than an upper bound, which is proven as well. The true capacity is lower, since the
    solution is unstable before (`almeida_thouless_load`), and comes from infinitely many steps of symmetry
    breaking (Franz and Parisi 2016). `is_stable` is False there.

    Parameters
    ----------
    stability
        kappa, from -37 to 1e150, any shape.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Gardner (1988); Gardner and Derrida (1988). Proofs: Shcherbina and Tirozzi (2003), and Stojnic (2013),
    "Another look at the Gardner problem", with the bound for kappa < 0.

    Examples
    --------
    >>> gardner_capacity(0.0)
    GardnerCapacity(load=2.0, is_stable=True)
    >>> gardner_capacity([0.5, 1.0, 2.0]).load.round(7).tolist()
    [0.9612051, 0.5195722, 0.200231]
    >>> gardner_capacity(-0.5).is_stable
    False
    """
    kappa = stabilities(stability, _LEAST, _MOST)
    return GardnerCapacity(plain(1 / _tails.moments(kappa)[1]), _verdict(kappa >= 0))


def gardner_stability(load: ArrayLike) -> Values:
    """Return the largest stability kappa with which random labels can be learned: the capacity inverted.

    It is what the largest margin of P = alpha N examples comes to in large samples, for inputs of variance 1
    and weights of length 1. For small loads it is about sqrt(1 / alpha - 1), and at alpha = 2 it is 0.
    Beyond, random labels cannot be learned, and kappa is negative: with the best weights, the worst example
    is on the wrong side by abs(kappa). There the value is replica-symmetric, and an upper bound: the worst
    example is further out than that.

    Parameters
    ----------
    load
        alpha, from 1e-300 to 1e300, any shape.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Gardner (1988); Gardner and Derrida (1988).

    Examples
    --------
    >>> gardner_stability([0.5, 1.0, 2.0, 4.0]).round(6).tolist()
    [1.034314, 0.470655, 0.0, -0.405234]
    """
    return plain(_largest_stability(loads(load)))


def gardner_volume(load: ArrayLike, stability: ArrayLike = 0.0) -> GardnerVolume:
    r"""Return the typical overlap of two solutions and the entropy of their volume, below the capacity.

    .. math:: \frac{q}{1 - q} = \alpha \int Dt\, G(x)^2, \qquad
              s = \tfrac12 \ln(1 - q) + \frac{q}{2(1 - q)} + \alpha \int Dt \ln H(x), \qquad
              x = \frac{\kappa + \sqrt q\, t}{\sqrt{1 - q}}

    with the tail H of the unit Gaussian measure Dt and G = phi / H. The first makes s stationary. Towards the
    capacity 1 - q vanishes like (1 - alpha / alpha_c) / (1 + f) and s goes like (1 + f) / 2 times its
    logarithm, where f = alpha_c Phi(kappa) of N directions are held by an example at the margin, and shrink
    twice as fast.

    The solution is stable against differences between replicas where

    .. math:: \lambda = 1 - \alpha \int Dt\, G'(x)^2 > 0, \qquad G' = G (G - x).

    So it is at any load below the capacity for kappa >= 0, and up to `almeida_thouless_load` for kappa < 0.
    Beyond, the numbers are an approximation. The test is local: for kappa below -2.04, where the breaking of
    the symmetry would start beyond m = 1, it comes with a jump at a smaller load.

    Parameters
    ----------
    load
        alpha, at least 1e-300 and below alpha_c(kappa), any shape.
    stability
        kappa, from -2.8 to 1e6, of a shape that broadcasts with it.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Gardner (1988); Gardner and Derrida (1988); Shcherbina and Tirozzi (2003).

    Examples
    --------
    >>> gardner_volume(1.0).is_stable
    True
    """
    alpha, kappa = broadcast(load, stability, _LOWEST, _HIGHEST)
    below(alpha, kappa, 1 / _tails.moments(kappa)[1], "the capacity")
    pairs = zip(alpha.ravel().tolist(), kappa.ravel().tolist(), strict=True)
    table = np.reshape(np.array([_volume(a, k) for a, k in pairs], np.float64), (*alpha.shape, 3))
    return GardnerVolume(plain(table[..., 0]), plain(table[..., 1]), _verdict(table[..., 2] > 0))


def almeida_thouless_load(stability: ArrayLike) -> Values:
    r"""Return the load from which the replica-symmetric volume of solutions is unstable.

    For kappa < 0 it is where, along the solutions of `gardner_volume`,

    .. math:: \alpha \int Dt\, G'(x)^2 = 1,

    the condition of de Almeida and Thouless: the curvature 1 / (1 - q)^2 of the sphere's entropy against that
    of the examples, alpha <(d^2 ln H / dh^2)^2>, h = sqrt(q) t. It comes before the replica-symmetric
    capacity, where q = 1 and the integral is the share Phi(kappa) of examples at the margin: alpha_c
    Phi(kappa) is 1 at kappa = 0, below it for kappa > 0, and above it for kappa < 0, more such examples than
    weights. For kappa >= 0 the solution is stable up to the capacity, which is returned. For kappa below
    -2.04 see `gardner_volume`.

    Parameters
    ----------
    stability
        kappa, from -2.8 to 1e6, any shape.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    de Almeida and Thouless (1978); Gardner and Derrida (1988); Franz and Parisi (2016).

    Examples
    --------
    >>> almeida_thouless_load(0.0)
    2.0
    >>> almeida_thouless_load(-0.5) < gardner_capacity(-0.5).load
    True
    """
    kappa = stabilities(stability, _LOWEST, _HIGHEST)
    found = [_unstable_load(value) for value in kappa.ravel().tolist()]
    return plain(np.reshape(np.array(found, np.float64), kappa.shape))


def support_share(load: ArrayLike) -> Values:
    """Return the share of examples that lie at the largest margin, Phi(kappa_max(alpha)), in large samples.

    These are the support vectors: only they determine the weights. In units of N there are alpha Phi of them,
    which grows from 0 to 1 at alpha = 2. Above, replica symmetry would have more than N examples at the
    margin, where no plane in general position has as many.

    Parameters
    ----------
    load
        alpha, from 1e-300 to 2, any shape.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Gardner and Derrida (1988).

    Examples
    --------
    >>> support_share([1e-6, 1.0, 2.0]).round(6).tolist()
    [1.0, 0.681057, 0.5]
    """
    return plain(ndtr(_largest_stability(_learnable(load))))


def stability_distribution(x: ArrayLike, load: float) -> Values:
    r"""Return the density of stabilities at the largest margin: a Gaussian cut off at kappa_max.

    .. math:: p(x) = \phi(x)\, \Theta(x - \kappa) + \Phi(\kappa)\, \delta(x - \kappa), \qquad
              \kappa = \kappa_{\max}(\alpha)

    for random labels. Examples that would have had less without learning are lifted to the margin, and no
    other is moved in distribution. Returned is the first term; the weight of the second is `support_share`.

    Parameters
    ----------
    x
        y w.x for weights of length 1 and inputs of variance 1, any shape.
    load
        alpha, from 1e-300 to 2.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Kepler and Abbott (1988); Gardner (1989).

    Examples
    --------
    >>> stability_distribution([-1.0, 0.0, 1.0], 2.0).round(6).tolist()
    [0.0, 0.398942, 0.241971]
    """
    values = _checks.reals("x", x)
    kappa = float(_largest_stability(_learnable(_checks.real("load", load))))
    return plain(np.where(values >= kappa, _tails.density(np.clip(values, -40.0, 40.0)), 0.0))


def _verdict(holds: Floats | NDArray[np.bool_]) -> bool | NDArray[np.bool_]:
    holds = np.asarray(holds, np.bool_)
    return bool(holds) if holds.ndim == 0 else holds


def _learnable(load: ArrayLike) -> Floats:
    """Return loads as an array, checked to be at most 2."""
    alpha = loads(load)
    if (alpha > 2).any():
        raise ValueError(f"load must be at most 2, above which labels have no margin; got {alpha.max()}")
    return alpha


def _largest_stability(alpha: Floats) -> Floats:
    """Return the stability at which the capacity is alpha.

    The logarithm of 1 / alpha_c is concave in kappa, so that Newton's steps from a lower bound stay below the
    root: 1 / alpha_c is less than 1 + kappa^2, and for kappa < 0 less than exp(-kappa^2 / 2) / 2.
    """
    kappa = np.where(
        alpha < 1,
        np.sqrt(np.maximum(1 / alpha - 1, 0.0)),
        -np.sqrt(2 * np.log(np.maximum(alpha / 2, 1.0))),
    )
    for _ in range(60):
        first, second = _tails.moments(kappa)
        step = np.log(alpha * second) * second / (2 * first)
        kappa = kappa - step
        if (np.abs(step) <= 1e-15 * np.maximum(np.abs(kappa), 1.0)).all():
            break
    return np.asarray(kappa)


def _load_of(x: float, kappa: float) -> float:
    """Return the load at which ln(q / (1 - q)) is x."""
    q, rest = float(expit(x)), float(expit(-x))
    return math.exp(x) / _tails.hazard_square(_tails.cavity(q, rest, kappa))


def _volume(alpha: float, kappa: float) -> tuple[float, float, float]:
    """Return q, s, and the eigenvalue that decides about the stability."""
    log = math.log(alpha)
    guess = log + 2 * math.log(_tails.hazard(np.array(kappa)))  # q at small loads
    x = rising_root(lambda y: math.log(_load_of(y, kappa)) - log, guess, _LOOSEST, _TIGHTEST)
    q, rest = float(expit(x)), float(expit(-x))
    field = _tails.cavity(q, rest, kappa)
    entropy = (math.log1p(-q) if x < 0 else math.log(rest)) / 2 + alpha * _tails.log_tail_and_square(field)
    return q, entropy, 1 - alpha * field.mean(_tails.hazard_slope(field.x) ** 2)


def _unstable_load(kappa: float) -> float:
    """Return the load of de Almeida and Thouless, where alpha is q / ((1 - q) <G^2>)."""

    def difference(x: float) -> float:
        q, rest = float(expit(x)), float(expit(-x))
        field = _tails.cavity(q, rest, kappa)
        return q * field.mean(_tails.hazard_slope(field.x) ** 2) / _tails.hazard_square(field) - rest

    if kappa >= 0 or difference(_TIGHTEST) <= 0:
        return float(1 / _tails.moments(np.array(kappa))[1])
    return _load_of(float(brentq(difference, -20.0, _TIGHTEST, xtol=1e-14)), kappa)
