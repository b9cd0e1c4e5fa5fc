r"""How well a student answers that sees each example once: its weights follow differential equations.

For N to infinity the weights of `smbook.perceptron.online` are told by two numbers that do not fluctuate.
With a teacher of length 1 these are M, their length along it, and V, the square of their length across it.
With fields of unit variance, t of the teacher and h of the student, a change by rate / N times f y x makes

.. math:: \frac{dM}{d\alpha} = \eta \langle f y t \rangle, \qquad \frac{d(M^2 + V)}{d\alpha} =
          2 \eta \sqrt{M^2 + V}\, \langle f y h \rangle + \eta^2 \langle f^2 \rangle.

With the angle theta = pi epsilon between both and R = cos(theta) the averages over t and h, of correlation R,
are known. The parts for turned labels follow from those for right ones by t -> -t, theta -> pi - theta.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Values, plain
from smbook.theory.perceptron._shared import checked_loads, checked_noise, surprise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_FIRST = 1e-12  # load up to which the first two terms in sqrt(alpha) are all that floats see
_TOLERANCE = 1e-12
_SMALLEST = 1e-25  # what is smaller counts as 0
_LARGEST = 1e12  # load beyond which steps past a fixed point may stall
_SMALL = 1.0
_FARTHEST = 1e50  # a first length may be from the rate
_FIELD = math.sqrt(2 / math.pi)  # the mean size of a unit Gaussian


class OnlineCurve(NamedTuple):
    """Hold the overlap R with the teacher, the error arccos(R) / pi and the length of the weights."""

    overlap: Values
    error: Values
    length: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class _Start(NamedTuple):
    """Hold what a curve begins with, for labels of which at most half are turned."""

    overlap: float
    length: float | None
    rate: float
    noise: float


def online_curve(
    load: ArrayLike,
    *,
    rule: str = "perceptron",
    rate: float = 1.0,
    initial_overlap: float = 0.0,
    initial_length: float | None = None,
    label_noise: float = 0.0,
) -> OnlineCurve:
    r"""Return how well a student answers after alpha N examples, each seen once, by a rule of `online`.

    With rho = 1 - 2 l, the angle theta, s = sin(theta), R = cos(theta), the length Q of the weights, and the
    averages over wrong answers :math:`A = (s - \theta R) / \pi` of abs(t h), :math:`B = (\theta - s R) / \pi`
    of h^2,

    * "hebb": :math:`M' = \eta \rho \sqrt{2 / \pi}`, :math:`V' = \eta^2`: `hebb_curve`, from w = 0.
    * "perceptron": :math:`M' = \eta (\rho - R) / \sqrt{2 \pi}`,
      :math:`V' = \eta^2 (l + \rho \epsilon) - \eta \sqrt{2 / \pi}\, V / Q`. Without noise the error falls
      like 0.2780693 alpha^(-1/3), at any rate; with noise it ends at R = 1 - 2 l, also at any rate.
    * "adatron": :math:`\theta' = -\frac\eta s \bigl[\rho A + (1 - \frac\eta2) \rho B R -
      \frac\eta2 l R\bigr]` and :math:`Q' / Q = -\eta (1 - \frac\eta2)(l + \rho B)`. Without noise the error
      falls like 1 / (eta (1 - eta / 3) alpha): 3 / (2 alpha) at rate 1, at best 4 / (3 alpha) at rate 3/2.
      At rate 3 it falls like alpha^(-1/3), above not to 0.
    * "optimal": :math:`(1 / s)' = I / 2 \pi` with :math:`I = \int Dx\, e^{-R^2 x^2 / 2} \rho^2 / (l + \rho
      \Phi(R x))`. The factor f is the one that lets R grow fastest at every moment; it knows R and l. Its
      weights have the length `rate` times R. Without noise I is that of `gibbs_curve` at R^2, and the error
      falls like 0.8834001 / alpha, twice that of `bayes_curve`.

    From w = 0 a rate only sets the scale of the weights. There the perceptron's equations are singular in
    alpha and regular in its root: at rate 1, :math:`M^2 + V = \frac\alpha2 - \frac23 (1 + \rho^2 / \pi)
    \sqrt{\alpha^3 / \pi}` and :math:`M = \rho (\alpha - \frac23 \sqrt{\alpha^3 / \pi}) / \sqrt{2 \pi}`, so
    that R begins as rho sqrt(alpha / pi). These terms lead to alpha = 1e-12, where what they leave out is
    rounding; from there on the equations are integrated.

    Parameters
    ----------
    load
        alpha = P / N, positive, at most 1e12 but for "hebb", any shape.
    rule
        "hebb", "perceptron", "adatron" or "optimal".
    rate
        eta, positive.
    initial_overlap
        R at the beginning, above -1 and below 1; for "optimal" not opposed to what is learned.
    initial_length
        Length of the weights at the beginning. None is 0 for "hebb" and "perceptron" without a first overlap,
        `rate` times the first overlap for "optimal", and else 1. For "adatron", which never leaves 0, lengths
        are then in units of the first, however small; they may grow out of the range of floats, to inf.
    label_noise
        l, the share of labels that were turned, from 0 to 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    RuntimeError
        If the integration fails.

    References
    ----------
    Vallet (1989) for Hebb's rule; Biehl and Riegler (1994) for the perceptron and the adatron; Barkai, Seung
    and Sompolinsky (1995) for noise; Kinouchi and Caticha (1992) for the optimal rule.

    Examples
    --------
    >>> curve = online_curve([1.0, 10.0, 1e6])
    >>> curve.overlap.round(6), curve.length.round(6)
    (array([0.537884, 0.908036, 0.999962]), array([ 0.46559 ,  0.992193, 45.667779]))
    >>> round(1e6 * online_curve(1e6, rule="adatron").error, 4)
    1.5
    """
    loads = checked_loads(load)
    solve = _SOLUTIONS[_checks.choice("rule", rule, _SOLUTIONS)]
    if (loads > _LARGEST).any() and rule != "hebb":
        raise ValueError(f"load must be at most {_LARGEST:g} where a curve is integrated; got {loads.max()}")
    rate = _checks.positive("rate", rate)
    noise, sign = checked_noise(label_noise)
    overlap = sign * _first_overlap(initial_overlap)
    first = _first_length(initial_length, overlap, rule)
    if first and not 1 / _FARTHEST < first / rate < _FARTHEST:
        raise ValueError(f"rate and initial_length must be less far apart; got {rate} and {first}")
    start = _Start(overlap, first, rate, noise)
    with np.errstate(over="ignore"):
        along, across, length = solve(loads, start)
    cosine = along / np.hypot(along, across)
    error = np.arctan2(across, sign * along) / math.pi
    return OnlineCurve(plain(sign * cosine), plain(error), plain(length))


def _first_overlap(value: Any) -> float:
    overlap = _checks.real("initial_overlap", value)
    if not -1.0 < overlap < 1.0:
        raise ValueError(f"initial_overlap must be above -1 and below 1; got {overlap}")
    return overlap


def _first_length(value: Any, overlap: float, rule: str) -> float | None:
    """Return the first length, or None if it is the first overlap (for "optimal"), checked."""
    if rule == "optimal" and overlap < 0.0:
        raise ValueError(
            "initial_overlap must not be opposed to what 'optimal' is to learn; "
            f"got {abs(overlap)} of an angle beyond 90 degrees"
        )
    if value is None:
        if rule == "optimal":
            return None
        return 1.0 if overlap or rule == "adatron" else 0.0
    length = _checks.real("initial_length", value, minimum=0.0)
    if length == 0.0 and rule == "adatron":
        raise ValueError("initial_length must not be 0, which the rule 'adatron' never leaves; got 0.0")
    if length == 0.0 and overlap:
        raise ValueError(f"initial_length must not be 0 with an initial_overlap of {overlap}; got 0.0")
    if length > 0.0 and not overlap and rule == "optimal":
        raise ValueError(f"initial_length must be 0 for 'optimal' without an initial_overlap; got {length}")
    return length


def _hebb(loads: Floats, start: _Start) -> tuple[Floats, Floats, Floats]:
    first = start.length or 0.0
    along = start.overlap * first + start.rate * (1 - 2 * start.noise) * _FIELD * loads
    side = first * math.sqrt((1 - start.overlap) * (1 + start.overlap))
    across = np.hypot(side, start.rate * np.sqrt(loads))
    return along, across, np.hypot(along, across)


def _perceptron(loads: Floats, start: _Start) -> tuple[Floats, Floats, Floats]:
    """Return M, sqrt(V) and the length; a rate is a unit of length."""
    noise, rho = start.noise, 1 - 2 * start.noise
    begin, state = _perceptron_begin(start, float(loads.min(initial=_FIRST)))

    def slope(_: float, state: Sequence[float]) -> tuple[float, float]:
        along, square = state[0], max(state[1], 0.0)  # a trial step may leave what is possible
        length = math.sqrt(along * along + square)
        missing = square / (length * (length + along)) if along > 0.0 else 1 - along / length  # 1 - R
        error = math.atan2(math.sqrt(square), along) / math.pi
        return (missing - 2 * noise) * _FIELD / 2, noise + rho * error - _FIELD * square / length

    along, square = _integrated(slope, begin, state, loads)
    length = np.sqrt(along * along + square)
    return along, np.sqrt(square), start.rate * length


def _perceptron_begin(start: _Start, least: float) -> tuple[float, list[float]]:
    """Return a load, `least` or 0, and M and V there, in units of the rate."""
    first = (start.length or 0.0) / start.rate
    if first:
        return 0.0, [first * start.overlap, first * first * (1 - start.overlap) * (1 + start.overlap)]
    begin, rho = least, 1 - 2 * start.noise
    term = 2 / 3 * math.sqrt(begin / math.pi)
    along = rho * begin * (1 - term) / math.sqrt(2 * math.pi)
    return begin, [along, begin / 2 - begin * term * (1 + rho * rho / math.pi) - along * along]


def _adatron(loads: Floats, start: _Start) -> tuple[Floats, Floats, Floats]:
    """Return cot(theta), 1 and the length. The cotangent grows like alpha in the end and at the beginning."""
    noise, rho, rate = start.noise, 1 - 2 * start.noise, start.rate

    def slope(_: float, state: Sequence[float]) -> tuple[float, float]:
        angle, stretch = math.atan2(1.0, state[0]), math.hypot(1.0, state[0])  # 1 / sin
        cosine, cube = state[0] / stretch, angle**3
        product, square = _wrong_product(angle), _wrong_square(angle)
        gain = (product + (1 - rate / 2) * cosine * square) * (angle * stretch) ** 3
        turned = noise * rate / 2 * cosine * stretch**3 if noise else 0.0
        return rate * (rho * gain - turned), -rate * (1 - rate / 2) * (noise + rho * square * cube)

    cotangent = start.overlap / math.sqrt((1 - start.overlap) * (1 + start.overlap))
    along, logarithm = _integrated(slope, 0.0, [cotangent, 0.0], loads)
    return along, np.ones_like(along), (start.length or 0.0) * np.exp(logarithm)


def _optimal(loads: Floats, start: _Start) -> tuple[Floats, Floats, Floats]:
    """Return R / s, 1 and the length, of z = 1 / s - 1, which keeps its digits at the beginning."""
    sine = math.sqrt((1 - start.overlap) * (1 + start.overlap))
    first = start.overlap**2 / (sine * (1 + sine))

    def slope(_: float, state: Sequence[float]) -> tuple[float]:
        z = state[0]
        return (float(surprise(z / (1 + z) * ((2 + z) / (1 + z)), start.noise)) / (2 * math.pi),)

    (z,) = _integrated(slope, 0.0, [first], loads)
    cotangent = np.sqrt(z) * np.sqrt(2 + z)
    scale = start.rate if start.length is None or not start.overlap else start.length / start.overlap
    return cotangent, np.ones_like(cotangent), scale * cotangent / (1 + z)


def _integrated(
    slope: Callable[[float, Sequence[float]], tuple[float, ...]],
    begin: float,
    state: list[float],
    loads: Floats,
) -> Floats:
    """Return the state at each load, as rows in the loads' shape."""
    times, places = np.unique(loads, return_inverse=True)
    if not times.size:
        return np.empty((len(state), *loads.shape))
    found = solve_ivp(slope, (begin, times[-1]), state, "LSODA", times, rtol=_TOLERANCE, atol=_SMALLEST)
    if not found.success:
        raise RuntimeError(f"the curve was not followed to load {times[-1]}: {found.message}")
    return np.asarray(found.y[:, places].reshape(len(state), *loads.shape))


def _wrong_product(angle: float) -> float:
    """Return A / angle^3, where A is the mean of abs(t h) over t h < 0, (sin(x) - x cos(x)) / pi."""
    half = math.sin(angle / 2) / angle
    return (2 * half * half - _above_sine(angle)) / math.pi


def _wrong_square(angle: float) -> float:
    """Return B / angle^3, where B is the mean of h^2 over t h < 0, (x - sin(x) cos(x)) / pi."""
    return 4 * _above_sine(2 * angle) / math.pi


def _above_sine(angle: float) -> float:
    """Return (x - sin(x)) / x^3; of small angles by its series, with all digits."""
    if angle > _SMALL:
        return (angle - math.sin(angle)) / angle**3
    square, term, total = angle * angle, 1 / 6, 0.0
    for k in range(4, 24, 2):
        total += term
        term *= -square / (k * (k + 1))
    return total


_SOLUTIONS: dict[str, Callable[[Floats, _Start], tuple[Floats, Floats, Floats]]] = {
    "hebb": _hebb,
    "perceptron": _perceptron,
    "adatron": _adatron,
    "optimal": _optimal,
}
