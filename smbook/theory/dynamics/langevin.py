"""Where descent with noise goes: its law at every time on a parabola, and in the long run on any loss.

The weights follow dw = -grad L dt + sqrt(2 T) dW, or in steps w <- w - eta grad L + sqrt(2 eta T) xi, with xi
Gaussian of variance 1. Time is eta times steps. In continuous time the law becomes Gibbs', exp(-L / T) / Z,
if that has a finite integral; steps of finite size come to another one, off by the order of eta.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

    Function = Callable[[Floats], ArrayLike]

_ASYMMETRY = 1e-12  # relative to the largest entry
_TAIL = 1e-12
_PANELS = 500
_SHARPEST = 0.45  # of the weight in one panel, less than that of one of two wells
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


class LangevinLaw(NamedTuple):
    """Hold the mean (d,) and the covariance (d, d) of weights with a Gaussian law, as distances from m.

    Two results are equal if all their numbers are.
    """

    mean: Floats
    covariance: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def langevin_law(
    curvature: ArrayLike, time: float = math.inf, *, temperature: float, start: ArrayLike | None = None
) -> LangevinLaw:
    r"""Return the law of weights on L = (w - m).G (w - m) / 2 at a time, in continuous time.

    .. math:: \langle w - m\rangle = e^{-G t} (w_0 - m), \qquad C = T\, G^{-1} (1 - e^{-2 G t})

    Where an eigenvalue of G is 0 the weights diffuse freely, C = 2 T t, and where it is negative they run
    away. In the long run C is T G^-1, the covariance of Gibbs' law (Uhlenbeck and Ornstein 1930).

    Parameters
    ----------
    curvature
        G, symmetric, (d, d), or a number for one weight.
    time
        t, at least 0; inf needs positive eigenvalues.
    temperature
        T, at least 0.
    start
        w_0 - m, (d,), the same for all; None begins at m.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if there is no law in the long run.

    References
    ----------
    Uhlenbeck and Ornstein (1930).

    Examples
    --------
    >>> law = langevin_law([[2.0]], 0.5, temperature=1.0, start=[1.0])
    >>> law.mean.round(6), law.covariance.round(6)
    (array([0.367879]), array([[0.432332]]))
    """
    values, vectors = _eigenpairs(curvature)
    t = math.inf if isinstance(time, float) and time == math.inf else _checks.real("time", time, minimum=0.0)
    if t == math.inf:
        _check_end(values, _positive(values), "be positive")
        decay, variance = np.zeros_like(values), 1 / values
    else:
        with np.errstate(over="ignore"):
            decay, variance = np.exp(-values * t), _grown(-2 * (values * t), -values, 2 * t)
    return _law(vectors, decay, variance, temperature, start)


def langevin_step_law(
    curvature: ArrayLike,
    n_steps: float = math.inf,
    *,
    rate: float,
    temperature: float,
    start: ArrayLike | None = None,
) -> LangevinLaw:
    r"""Return the law of weights on L = (w - m).G (w - m) / 2 after n steps of a finite size, exactly.

    .. math:: \langle w - m\rangle = A^n (w_0 - m), \qquad
              C = T\, G^{-1} (1 - \tfrac12 \eta G)^{-1} (1 - A^{2 n}), \qquad A = 1 - \eta G

    In the long run the variance along an eigenvector of the eigenvalue lambda is 1 / (1 - eta lambda / 2)
    times that of Gibbs, as if it were so much hotter: stiff directions are the hottest.

    Parameters
    ----------
    curvature, temperature, start
        As for `langevin_law`.
    n_steps
        n, at least 0; inf needs eigenvalues between 0 and 2 / eta.
    rate
        eta, positive.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if there is no law in the long run.

    Examples
    --------
    >>> langevin_step_law([[2.0]], rate=0.1, temperature=1.0).covariance.round(6)
    array([[0.555556]])
    """
    values, vectors = _eigenpairs(curvature)
    rate = _checks.positive("rate", rate)
    if isinstance(n_steps, float) and n_steps == math.inf:
        _check_end(values, _positive(values) and rate * values.max() < 2.0, f"lie between 0 and {2 / rate:g}")
        decay, variance = np.zeros_like(values), 1 / values / (1 - rate * values / 2)
    else:
        n = _checks.integer("n_steps", n_steps, minimum=0)
        x = rate * values
        with np.errstate(over="ignore", divide="ignore"):
            log = np.where(x < 1, np.log1p(-np.minimum(x, 1.0)), np.log(np.abs(x - 1)))
            logs = n * log if n else np.zeros_like(x)
            decay = np.exp(logs) * np.where(x > 1, (-1.0) ** (n % 2), 1.0)
            variance = _grown(2 * logs, values * (x / 2 - 1), 2 * rate * n)
    return _law(vectors, decay, variance, temperature, start)


def gibbs_average(
    observable: Function, loss: Function, *, temperature: float, limits: tuple[float, float]
) -> float:
    r"""Return the average of an observable of one weight over Gibbs' law, by quadrature.

    .. math:: \langle O \rangle = \frac1Z \int O(w)\, e^{-L(w) / T}\, dw

    Parameters
    ----------
    observable, loss
        Functions of an array of weights, element by element, smooth between the limits.
    temperature
        T, positive.
    limits
        Between which the law lies, all but 1e-12 of its peak at either end, and not in one place alone: its
        width must be more than 1/500 of theirs.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if the limits cut the law off.

    Examples
    --------
    >>> round(gibbs_average(np.square, lambda w: w**4 / 4, temperature=1.0, limits=(-6, 6)), 6)
    0.675978
    """
    points, weights = _gibbs(loss, _checks.positive("temperature", temperature), limits)
    return float(_values("observable", observable, points) @ weights)


def langevin_bias(
    observable: Function,
    loss: Function,
    gradient: Function,
    curvature: Function,
    *,
    temperature: float,
    limits: tuple[float, float],
) -> float:
    r"""Return by how much an average of one weight is off in the long run, per unit of a small rate eta.

    .. math:: \frac{d \langle O \rangle}{d \eta} = \langle O\, g\rangle - \langle O\rangle \langle g\rangle,
              \qquad g = \frac{L'^2}{4 T} - \frac{L''}2

    In steps of size eta the weight samples, up to the order of eta^2, Gibbs' law of another loss,
    L - eta L'^2 / 4 + eta T L'' / 2. A Metropolis test takes the bias away. On a parabola this is the first
    term of `langevin_step_law`. Where L' grows faster than w the steps of any size run away in the end, and
    the formula holds for as long as they do not.

    Parameters
    ----------
    observable, loss, temperature, limits
        As for `gibbs_average`.
    gradient, curvature
        L' and L'', functions of an array of weights, element by element.

    Raises
    ------
    TypeError, ValueError
        As for `gibbs_average`.

    References
    ----------
    Talay and Tubaro (1990) for the expansion.

    Examples
    --------
    >>> parabola = (np.square, lambda w: 2 * w, lambda w: np.full_like(w, 2.0))
    >>> round(langevin_bias(np.square, *parabola, temperature=1.0, limits=(-9, 9)), 6)  # of 1/2 / (1 - eta)
    0.5
    """
    temperature = _checks.positive("temperature", temperature)
    points, weights = _gibbs(loss, temperature, limits)
    slope, bend = _values("gradient", gradient, points), _values("curvature", curvature, points)
    values = _values("observable", observable, points)
    tilt = slope**2 / (4 * temperature) - bend / 2
    return float(((values - values @ weights) * tilt) @ weights)


def _gibbs(loss: Function, temperature: float, limits: Any) -> tuple[Floats, Floats]:
    """Return points between the limits, and what each weighs in Gibbs' law."""
    low, high = _checked_limits(limits)
    edges = np.linspace(low, high, _PANELS + 1)
    half = np.diff(edges)[:, np.newaxis] / 2
    points = (edges[:-1, np.newaxis] + half * (1 + _NODES)).ravel()
    losses = _values("loss", loss, points)
    with np.errstate(over="ignore"):
        weights = np.exp((losses.min() - losses) / temperature)
    if max(weights[0], weights[-1]) > _TAIL:
        raise ValueError(f"limits must hold all of the law; got {low:g} and {high:g}, where it is cut off")
    weights *= (half * _WEIGHTS).ravel()
    weights /= weights.sum()
    if weights.reshape(_PANELS, -1).sum(axis=1).max() > _SHARPEST:
        raise ValueError(
            f"limits must be closer: the law has most of its weight in 1 of {_PANELS} parts of what lies "
            f"between {low:g} and {high:g}"
        )
    return points, weights


def _values(name: str, function: Function, points: Floats) -> Floats:
    found = _checks.reals(f"values of {name}", function(points))
    if found.shape != points.shape:
        raise ValueError(f"{name} must return a value for each weight; got {found.shape} for {points.shape}")
    return found


def _checked_limits(limits: Any) -> tuple[float, float]:
    found = _checks.reals("limits", limits)
    if found.shape != (2,) or found[0] >= found[1]:
        raise ValueError(f"limits must be two rising numbers; got {limits!r}")
    return float(found[0]), float(found[1])


def _eigenpairs(curvature: ArrayLike) -> tuple[Floats, Floats]:
    """Return the eigenvalues of G and its eigenvectors, or raise if it is not symmetric."""
    given = _checks.reals("curvature", curvature)
    matrix = given.reshape(1, 1) if given.ndim == 0 else given
    if matrix.ndim != 2 or len(matrix) != matrix.shape[1] or not matrix.size:
        raise ValueError(f"curvature must have the shape (d, d); got {matrix.shape}")
    gap = np.abs(matrix - matrix.T).max()
    if gap > _ASYMMETRY * np.abs(matrix).max():
        raise ValueError(f"curvature must be symmetric; G - G^T reaches {gap:g}")
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(values), np.asarray(vectors)


def _grown(logs: Floats, pace: Floats, flat: float) -> Floats:
    """Return (e^logs - 1) / pace, and `flat` where the pace is 0."""
    return np.asarray(np.divide(np.expm1(logs), pace, out=np.full(pace.shape, flat), where=pace != 0.0))


def _positive(values: Floats) -> bool:
    """Tell whether no eigenvalue is 0 to within rounding."""
    return bool(values[0] > values.size * np.finfo(np.float64).eps * values[-1])


def _check_end(values: Floats, settles: bool, wanted: str) -> None:
    if not settles:
        raise ValueError(
            f"eigenvalues of curvature must {wanted} for a law in the long run; got {values.min():g} to "
            f"{values.max():g}"
        )


def _law(
    vectors: Floats, decay: Floats, variance: Floats, temperature: float, start: ArrayLike | None
) -> LangevinLaw:
    """Return the law whose mean decays and whose variance over T is given along each eigenvector."""
    temperature = _checks.real("temperature", temperature, minimum=0.0)
    d = len(vectors)
    if not (np.isfinite(decay).all() and np.isfinite(variance).all()):
        raise ValueError("curvature and steps or time must keep the law within floats; its weights run away")
    origin = np.zeros(d) if start is None else _checks.reals("start", start)
    if origin.shape != (d,):
        raise ValueError(f"start must have the shape ({d},); got {origin.shape}")
    mean = vectors @ (decay * (vectors.T @ origin))
    return LangevinLaw(mean, temperature * (vectors * variance) @ vectors.T)
