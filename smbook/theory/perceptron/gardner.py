"""How many random labels a unit learns with a margin, and how much room they leave for its weights (Gardner).

P = alpha N examples have Gaussian inputs x and random labels y; the weights lie on the sphere abs(w)^2 = N. Of
this sphere, a share exp(N s) holds every example with y w.x / sqrt(N) >= kappa. For large N nearly all samples
of examples have the same s, which follows from the overlap q of two points of that volume.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, Values, plain
from smbook.theory.perceptron import _tails

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_LEAST, _MOST = -37.0, 1e150  # stabilities whose capacity is a normal number
_LOWEST, _HIGHEST = -2.8, 1e6  # those with one replica-symmetric solution
_LIGHTEST, _HEAVIEST = 1e-300, 1e300  # loads
_TIGHTEST = 36.0  # ln(q / (1 - q)) where 1 - q is the rounding of 1
_CLOSE = 1e-13  # relative distance from the capacity below which it counts as reached


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

    For kappa >= 0 this is exact: the solutions are a convex piece of the sphere (seen from the origin), all
    replicas are alike, and the value is proven. For kappa < 0 they are not convex, and may be many pieces: the
    replica-symmetric value is then an upper bound, which is proven as well, and the true capacity is lower,
    since the solution is unstable before (`almeida_thouless_load`). `is_stable` is False there.

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
    Gardner (1988); Gardner and Derrida (1988). Proofs: Shcherbina and Tirozzi (2003), Stojnic (2013).

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
    """Return the largest stability kappa with which random labels can be learned, the inverse of the capacity.

    It is what the largest margin of P = alpha N examples comes to in large samples, for inputs of variance 1
    and weights of length 1. It is infinite in the limit of no load, like sqrt(1 / alpha - 1), and 0 at alpha
    = 2. Beyond, labels cannot be learned, and kappa is negative: there are weights with which the worst
    example is wrong by no more than abs(kappa). Its replica-symmetric value is then an upper bound of kappa.

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
    return plain(_largest_stability(_loads(load)))


def gardner_volume(load: ArrayLike, stability: ArrayLike = 0.0) -> GardnerVolume:
    r"""Return the typical overlap of two solutions and the entropy of their volume, below the capacity.

    .. math:: \frac{q}{1 - q} = \alpha \int Dt\, G(x)^2, \qquad
              s = \tfrac12 \ln(1 - q) + \frac{q}{2(1 - q)} + \alpha \int Dt \ln H(x), \qquad
              x = \frac{\kappa + \sqrt q\, t}{\sqrt{1 - q}}

    with the tail H of the unit Gaussian measure Dt and G = phi / H. The first makes s stationary. At the
    capacity q is 1 and s is -inf. The solution is stable against differences between replicas where

    .. math:: \lambda = 1 - \alpha \int Dt\, G'(x)^2 > 0, \qquad G' = G (G - x),

    at any load for kappa >= 0, up to `almeida_thouless_load` for kappa < 0. Beyond, s is an upper bound. The
    test is local: for kappa below about -2 another, distant solution takes over before.

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

    the condition of de Almeida and Thouless. It is below the replica-symmetric capacity. At this one, where
    q = 1, the integral is the share Phi(kappa) of examples at the margin, and alpha_c Phi is above 1 for
    kappa < 0: there would be more of them than weights. For kappa >= 0 the solution is stable up to the
    capacity, which is returned.

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
    loads = [_unstable_load(value) for value in kappa.ravel().tolist()]
    return plain(np.reshape(np.array(loads, np.float64), kappa.shape))


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
    [1.0, 0.684147, 0.5]
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


def _loads(load: ArrayLike) -> Floats:
    """Return loads as an array, checked."""
    alpha = _checks.reals("load", load)
    if (alpha <= 0).any():
        raise ValueError(f"load must be positive; got {alpha.min()}")
    if (alpha < _LIGHTEST).any() or (alpha > _HEAVIEST).any():
        raise ValueError(
            f"load must be from {_LIGHTEST:g} to {_HEAVIEST:g}; got {alpha.min()} to {alpha.max()}"
        )
    return alpha


def _learnable(load: ArrayLike) -> Floats:
    """Return loads as an array, checked to be at most 2."""
    alpha = _loads(load)
    if (alpha > 2).any():
        raise ValueError(f"load must be at most 2, above which labels have no margin; got {alpha.max()}")
    return alpha


def stabilities(stability: ArrayLike, least: float, most: float) -> Floats:
    """Return stabilities as an array, checked."""
    kappa = _checks.reals("stability", stability)
    if (kappa < least).any() or (kappa > most).any():
        raise ValueError(f"stability must be from {least:g} to {most:g}; got {kappa.min()} to {kappa.max()}")
    return kappa


def broadcast(load: ArrayLike, stability: ArrayLike, least: float, most: float) -> tuple[Floats, Floats]:
    """Return loads and stabilities as arrays of one shape, checked."""
    alpha, kappa = _loads(load), stabilities(stability, least, most)
    try:
        alpha, kappa = np.broadcast_arrays(alpha, kappa)
    except ValueError:
        raise ValueError(f"load and stability must broadcast; got {alpha.shape} and {kappa.shape}") from None
    return alpha, kappa


def below(load: Floats, stability: Floats, end: Floats, what: str) -> None:
    """Raise if a load is not below its end."""
    beyond = load >= end * (1 - _CLOSE)
    if beyond.any():
        first = np.unravel_index(np.argmax(beyond), beyond.shape)
        raise ValueError(
            f"load must be below {what} {end[first]:.7g} at stability {stability[first]:g}; got {load[first]}"
        )


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
    lowest = -690.0
    if _load_of(lowest, kappa) >= alpha:  # q is less than 1e-300
        x = lowest
    elif _load_of(_TIGHTEST, kappa) <= alpha:
        x = _TIGHTEST
    else:
        log = math.log(alpha)
        x = float(brentq(lambda y: math.log(_load_of(y, kappa)) - log, lowest, _TIGHTEST, xtol=1e-15))
    q, rest = float(expit(x)), float(expit(-x))
    field = _tails.cavity(q, rest, kappa)
    entropy = math.log(rest) / 2 + alpha * _tails.log_tail_and_square(field)
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
