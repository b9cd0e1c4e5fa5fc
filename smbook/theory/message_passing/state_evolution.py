"""The course of approximate message passing for N to infinity: one number a step, and where it comes to rest.

A teacher answers P = alpha N examples; its weights are Gaussian, or +1 and -1, and inputs are independent, of
mean 0 and variance 1. What a student knows is the overlap q of the posterior's mean m with the teacher, m.w /
N = m.m / N. Each step is a Gaussian average in and one out. Fixed points are where a potential is stationary,
the replica-symmetric free entropy: the logarithm of how much of the prior answers right to all examples, per
weight. So one picture shows what could be known (its highest point) and what an algorithm finds that starts
with nothing (the first point where it stops to rise).
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import entr, ndtr

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Values, plain
from smbook.theory.perceptron._shared import surprise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.theory._shared import Floats

_PRIORS = ("gaussian", "binary")
_LIGHTEST, _HEAVIEST = 1e-6, 1e6
_STEP = 1 / 8  # of trapezoidal rules, which are exact to rounding: no pole within 1.5 of the real axis
_POINTS = _STEP * np.arange(-320, 321)
_WEAKEST, _STRONGEST = -30.0, 7.0  # ln of the precision of binary weights; 1 - q is 1e-13 and e^-550 there
_SPINODAL = 0.0, 3.0  # ln of the precision, between which the load is largest
_GAUSSIAN = -20.0, 40.0  # the same of Gaussian ones, at the lightest and the heaviest load
_BISECTIONS = 60
_SMALL = 0.01  # step of a difference of fourth order


class StateEvolution(NamedTuple):
    """Hold overlap q and error arccos(sqrt(q)) / pi before the first step and after each, (n_steps + 1,)."""

    overlap: Floats
    error: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class FixedPoints(NamedTuple):
    """Hold the overlaps at which state evolution rests, from the smallest on, (K,).

    Next to each stand the error arccos(sqrt(q)) / pi, the free entropy, and whether it is `stable`, so that
    what starts near it goes there. Where overlaps round to 1 the errors still differ.
    """

    overlap: Floats
    error: Floats
    free_entropy: Floats
    stable: NDArray[np.bool_]

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class Thresholds(NamedTuple):
    """Hold the loads from which on binary weights are known exactly, in principle and by the algorithm."""

    information: float
    algorithmic: float


def state_evolution(
    load: float, *, prior: str = "gaussian", n_steps: int = 50, initial: float = 0.0
) -> StateEvolution:
    r"""Return what approximate message passing knows of the teacher after each step, for N to infinity.

    .. math:: r = \frac\alpha{\pi \sqrt{1 - q}} \int Dt\, \frac{e^{-q t^2 / 2}}{\Phi(\sqrt q\, t)}, \qquad
              q \leftarrow \frac r{1 + r} \quad \text{or} \quad q \leftarrow \int Dz \tanh(r + \sqrt r z)

    for Gaussian or binary weights: the examples together show each weight with a Gaussian noise of variance
    1 / r. A sample of N weights scatters around q by the order of 1 / sqrt(N).

    Parameters
    ----------
    load
        alpha = P / N, from 1e-6 to 1e6.
    prior
        "gaussian" or "binary".
    n_steps
        How many, at least 0.
    initial
        q before the first step, from 0, a student that knows nothing, to 1, one that is told the teacher.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Donoho, Maleki and Montanari (2009); Bayati and Montanari (2011) and Javanmard and Montanari (2013) for
    proofs; Barbier, Krzakala, Macris, Miolane and Zdeborova (2019) for this teacher.

    Examples
    --------
    >>> state_evolution(1.0, n_steps=3).overlap.round(4)
    array([0.    , 0.389 , 0.4616, 0.4796])
    >>> float(state_evolution(1.6, prior="binary", n_steps=30).overlap[-1])
    1.0
    """
    alpha = _checked_load(load)
    _checks.choice("prior", prior, _PRIORS)
    n_steps = _checks.integer("n_steps", n_steps, minimum=0)
    rests = [1.0 - _checks.real("initial", initial, minimum=0.0, maximum=1.0)]
    for _ in range(n_steps):
        rests.append(float(_rest_of(_precision(alpha, np.array(rests[-1])), prior)))
    rest = np.array(rests)
    return StateEvolution(1.0 - rest, _error(rest))


def fixed_points(load: float, *, prior: str = "gaussian") -> FixedPoints:
    """Return all overlaps that a step of state evolution leaves as they are.

    * Gaussian weights have one that is stable, the square of `smbook.theory.perceptron.bayes_curve`'s.
    * Binary weights have a stable one below `binary_thresholds`' algorithmic load, and above it an unstable
      one, the barrier; from that load on there is neither.
    * The teacher itself, q = 1, is the last. It is stable for binary weights at every load, and unstable for
      Gaussian ones, which no finite number of examples tells exactly.

    Parameters
    ----------
    load
        alpha, from 1e-6 to 1e6.
    prior
        "gaussian" or "binary".

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> points = fixed_points(1.4, prior="binary")
    >>> points.overlap.round(6), points.stable
    (array([0.789699, 0.954599, 1.      ]), array([ True, False,  True]))
    """
    alpha = _checked_load(load)
    _checks.choice("prior", prior, _PRIORS)
    logs = _log_precisions(alpha, prior)
    rest = np.append(_rest_of(np.exp(logs), prior), 0.0)
    last = prior == "binary"
    stable = np.array([True, False, last] if logs.size == 2 else [True] * logs.size + [last])
    return FixedPoints(1.0 - rest, _error(rest), _free_entropy(np.array(alpha), rest, prior), stable)


def free_entropy(load: ArrayLike, overlap: ArrayLike, *, prior: str = "gaussian") -> Values:
    r"""Return the replica-symmetric free entropy as a function of the overlap, per weight in nats.

    .. math:: \varphi(q) = \min_r \Bigl[\psi(r) - \frac{r q}2\Bigr]
              + 2 \alpha \int Dt\, \Phi(a t) \ln \Phi(a t), \qquad a = \sqrt{\frac q{1 - q}},

    .. math:: \psi(r) = \tfrac12 [r - \ln(1 + r)] \quad \text{or} \quad
              \psi(r) = \ln 2 - \tfrac r2 + \int Dz \ln\cosh(r + \sqrt r z)

    for Gaussian or binary weights. Its slope is half the difference of the precision r that examples give a
    student who knows q, and of that which a student needs to know q: it rises where a step of
    `state_evolution` leads up, and is level at the `fixed_points`. There its value is the logarithm of the
    share of Gaussian weights that answer right to all examples, or that of the number of binary ones. The
    highest of its peaks is what Bayes would know; at q = 1 it is 0 for binary weights, the teacher alone.

    Parameters
    ----------
    load
        alpha, from 1e-6 to 1e6, any shape.
    overlap
        q, from 0 to 1, of a shape that broadcasts with it.
    prior
        "gaussian" or "binary".

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Gyorgyi (1990); Barbier, Krzakala, Macris, Miolane and Zdeborova (2019), who proved that the highest value
    is right.

    Examples
    --------
    >>> free_entropy(1.0, [0.3, 0.560715, 1.0], prior="binary").round(4)
    array([0.0786, 0.1061, 0.    ])
    """
    alpha, q = _checks.reals("load", load), _checks.reals("overlap", overlap, minimum=0.0)
    if (alpha < _LIGHTEST).any() or (alpha > _HEAVIEST).any():
        raise ValueError(
            f"load must be from {_LIGHTEST:g} to {_HEAVIEST:g}; got {alpha.min():g} to {alpha.max():g}"
        )
    if (q > 1.0).any():
        raise ValueError(f"overlap must be at most 1; got {q.max()}")
    _checks.choice("prior", prior, _PRIORS)
    try:
        np.broadcast_shapes(alpha.shape, q.shape)
    except ValueError:
        raise ValueError(f"load and overlap must broadcast; got {alpha.shape} and {q.shape}") from None
    return plain(_free_entropy(alpha, 1.0 - q, prior))


def binary_thresholds() -> Thresholds:
    """Return the loads 1.2446840 and 1.4926318 from which on binary weights are known exactly.

    * `information`: there the free entropy of the first fixed point falls below 0, that of the teacher. No
      other weights answer right to all examples beyond, and with unlimited time one finds it.
    * `algorithmic`: there that fixed point ends (a spinodal), and message passing, which starts with nothing,
      gets through to the teacher. In between it is stuck, and no quick algorithm is known that gets through.

    They are `transition_load` and `spinodal_load` of `smbook.theory.dynamics`.

    References
    ----------
    Gyorgyi (1990); Sompolinsky, Tishby and Seung (1990); Barbier, Krzakala, Macris, Miolane and Zdeborova
    (2019).

    Examples
    --------
    >>> [round(load, 7) for load in binary_thresholds()]
    [1.244684, 1.4926318]
    """
    return Thresholds(_load_of(_transition(), "binary"), _load_of(_spinodal(), "binary"))


def bottleneck_steps(load: float) -> float:
    r"""Return how many steps state evolution of binary weights lingers where its fixed point was.

    .. math:: t = \frac\pi{\sqrt{c \ln(\alpha / \alpha_s)}}, \qquad
              c = -\frac12 \frac{d^2 \ln \alpha(r)}{(d \ln r)^2} = 0.418082

    A step leads from ln r to ln r + ln alpha - ln alpha(r), where alpha(r) is the load at which r is a fixed
    point, and alpha_s its maximum, `binary_thresholds`' algorithmic load. Just above, steps are as small as
    the distance of the loads, and t grows as the root of one over it. It is meant for loads close to the
    threshold; up to 1.5 it is within two steps of all that lead from q = 0 to the teacher.

    Parameters
    ----------
    load
        alpha, above the algorithmic threshold and at most 1e6.

    Raises
    ------
    TypeError, ValueError
        If the load is of the wrong kind or out of range.

    Examples
    --------
    >>> [round(bottleneck_steps(load)) for load in (1.4927, 1.495, 1.5)]
    [719, 122, 69]
    """
    alpha, last = _checked_load(load), _load_of(_spinodal(), "binary")
    if alpha <= last:
        raise ValueError(f"load must be above {last:.7f}, where the fixed point ends; got {alpha}")
    return math.pi / math.sqrt(_bend() * math.log(alpha / last))


def _precision(load: float, rest: Floats) -> Floats:
    """Return r, what examples tell a student who misses `rest` = 1 - q."""
    with np.errstate(divide="ignore"):
        return np.asarray(load / math.pi * surprise(1.0 - rest) / np.sqrt(rest))


def _rest_of(precision: Floats, prior: str) -> Floats:
    r"""Return 1 - q of weights seen with this precision.

    For binary ones it is exp(-r / 2) times the mean of sech(sqrt(r) z), from the mean of sech(field)^2 with
    the two signs of a weight taken together.
    """
    if prior == "gaussian":
        return np.asarray(1.0 / (1.0 + precision))
    fields, weights = _fields_of(precision)
    return np.asarray(np.exp(-precision / 2) * (weights / np.cosh(fields)).sum(axis=-1))


def _fields_of(precision: Floats) -> tuple[Floats, Floats]:
    """Return points of sqrt(r) z and their weights, as fine as cosh of them wants and as z does."""
    r = np.asarray(precision)[..., np.newaxis]
    width = np.minimum(1.0, np.sqrt(r))
    fields = width * _POINTS
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(r > 0.0, fields / np.sqrt(r), _POINTS)
    scale = np.where(r > 0.0, width / np.sqrt(np.where(r > 0.0, r, 1.0)), 1.0)
    return fields, _STEP * scale / math.sqrt(2 * math.pi) * np.exp(-(z**2) / 2)


def _free_entropy(load: Floats, rest: Floats, prior: str) -> Floats:
    return np.asarray(_prior_part(rest, prior) - load * _doubt(rest))


def _doubt(rest: Floats) -> Floats:
    """Return the entropy of an answer that a student misses who misses `rest` of the teacher."""
    with np.errstate(divide="ignore"):
        slope = np.sqrt((1.0 - rest) / rest)[..., np.newaxis]
    width = np.minimum(1.0, 1.0 / np.maximum(slope, 1e-300))
    t = width * _POINTS
    with np.errstate(invalid="ignore"):
        x = np.where(slope > 1.0, _POINTS, slope * t)
    values = (entr(ndtr(x)) + entr(ndtr(-x))) * np.exp(-(t**2) / 2)
    return np.asarray((values * (width * _STEP / math.sqrt(2 * math.pi))).sum(axis=-1))


def _prior_part(rest: Floats, prior: str) -> Floats:
    """Return psi(r) - r q / 2 at its minimum: the logarithm of how many weights overlap as much as q."""
    if prior == "gaussian":
        with np.errstate(divide="ignore"):
            return np.asarray((1.0 - rest + np.log(rest)) / 2)
    r = _precision_of(rest)
    fields, weights = _fields_of(r)
    size = np.abs(fields)
    decay = np.exp(-2 * size)
    entropy = np.log1p(decay) + 2 * size * decay / (1 + decay)
    mean = np.exp(-r / 2) * (weights * entropy * np.cosh(fields)).sum(axis=-1)
    return np.asarray(np.where(rest > 0.0, mean + r * rest / 2, 0.0))


def _precision_of(rest: Floats) -> Floats:
    """Return r at which binary weights are known up to `rest`, by bisection in its logarithm."""
    low, high = np.full(rest.shape, _WEAKEST), np.full(rest.shape, _STRONGEST)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        unsure = _rest_of(np.exp(middle), "binary") > rest
        low, high = np.where(unsure, middle, low), np.where(unsure, high, middle)
    return np.asarray(np.exp((low + high) / 2))


def _load_of(log_precision: float, prior: str) -> float:
    """Return the load at which this precision keeps itself."""
    precision = np.exp(np.array(log_precision))
    rest = _rest_of(precision, prior)
    return float(math.pi * precision * np.sqrt(rest) / surprise(1.0 - rest))


@functools.cache
def _spinodal() -> float:
    """Return ln of the precision at which the load of binary weights is largest."""
    found = minimize_scalar(
        lambda log: -_load_of(log, "binary"), bounds=_SPINODAL, method="bounded", options={"xatol": 1e-10}
    )
    return float(found.x)


@functools.cache
def _transition() -> float:
    """Return ln of the precision at the fixed point whose free entropy is 0."""

    def height(log: float) -> float:
        rest = _rest_of(np.exp(np.array(log)), "binary")
        return float(_free_entropy(np.array(_load_of(log, "binary")), rest, "binary"))

    return float(brentq(height, 0.0, _spinodal(), xtol=1e-14))


@functools.cache
def _bend() -> float:
    """Return half of how fast the slope of ln load falls with ln r at the spinodal."""
    logs = [math.log(_load_of(_spinodal() + k * _SMALL, "binary")) for k in (-2, -1, 0, 1, 2)]
    return float(np.dot(logs, [1.0, -16.0, 30.0, -16.0, 1.0])) / (24 * _SMALL**2)


def _log_precisions(load: float, prior: str) -> Floats:
    """Return ln r at all fixed points but that of the teacher."""

    def gap(log: float) -> float:
        return math.log(_load_of(log, prior) / load)

    if prior == "gaussian":
        return np.array([brentq(gap, *_GAUSSIAN, xtol=1e-14)])
    last = _spinodal()
    if load > _load_of(last, prior):
        return np.empty(0)
    ends = (_WEAKEST, last), (last, _STRONGEST)
    return np.array([brentq(gap, *pair, xtol=1e-14) for pair in ends])


def _error(rest: Floats) -> Floats:
    return np.asarray(np.arctan2(np.sqrt(rest), np.sqrt(1.0 - rest)) / math.pi)


def _checked_load(load: float) -> float:
    return _checks.real("load", load, minimum=_LIGHTEST, maximum=_HEAVIEST)
