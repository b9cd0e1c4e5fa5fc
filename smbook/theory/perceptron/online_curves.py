r"""How well a student answers that sees each example once: rules whose weights follow differential equations.

For N to infinity the weights w of `smbook.perceptron.online` are told by two numbers, which do not fluctuate.
With the teacher of length 1 these are M, their length along it, and V, the square of their length across it; in
fields of unit variance, t of the teacher and h of the student, a change of w by rate / N times f y x makes

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
_SMALL = 1.0
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

    With rho = 1 - 2 l, s = sin(theta), A = (s - theta cos(theta)) / pi and B = (theta - s cos(theta)) / pi, and
    the length Q of the weights,

    * "hebb": :math:`M' = \eta \rho \sqrt{2 / \pi}`, :math:`V' = \eta^2`, which is `hebb_curve` from w = 0;
    * "perceptron": :math:`M' = \eta (\rho - R) / \sqrt{2 \pi}`,
      :math:`V' = \eta^2 (l + \rho \epsilon) - \eta \sqrt{2 / \pi}\, V / Q`. Without noise the error falls like
      0.2780693 alpha^(-1/3), at any rate; with noise it ends at R = 1 - 2 l;
    * "adatron": :math:`\theta' = -\frac\eta s [\rho A + \rho (1 - \frac\eta2) B \cos\theta -
      \frac\eta2 l \cos\theta]`, :math:`(\ln Q)' = -\eta (1 - \frac\eta2)(l + \rho B)`. Without noise the error
      falls like 1 / (eta (1 - eta / 3) alpha), 3 / (2 alpha) at rate 1 and 4 / (3 alpha) at best, at 3/2; from
      rate 3 on it does not reach 0;
    * "optimal": :math:`(1 / s)' = I(R^2) / 2 \pi`, the factor that lets R grow fastest at any moment. It knows R
      and l. The length is `rate` times R, and the error falls like 2 / (I(1) alpha) = 0.8834001 / alpha without
      noise, twice that of `bayes_curve`.

    From w = 0 a rate only sets the scale of the weights. There the perceptron's equations are singular, and
    its curve begins with the first terms of V + M^2 = alpha / 2 - 2 (1 + rho^2 / pi) alpha^(3/2) / (3 sqrt pi)
    and M = rho (alpha - 2 alpha^(3/2) / (3 sqrt pi)) / sqrt(2 pi), each at rate 1: R = rho sqrt(alpha / pi).

    Parameters
    ----------
    load
        alpha = P / N, positive, any shape.
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
    Vallet (1989); Biehl and Schwarze (1992, 1995); Biehl and Riegler (1994) for the adatron; Kinouchi and
    Caticha (1992) for the optimal rule.

    Examples
    --------
    >>> curve = online_curve([1.0, 10.0, 1e6])
    >>> curve.overlap.round(6), curve.length.round(6)
    (array([0.443632, 0.7949  , 0.999962]), array([0.558347, 1.062187, 45.664021]))
    >>> round(1e6 * online_curve(1e6, rule="adatron").error, 4)
    1.5
    """
    loads = checked_loads(load)
    solve = _SOLUTIONS[_checks.choice("rule", rule, _SOLUTIONS)]
    rate = _checks.positive("rate", rate)
    noise, sign = checked_noise(label_noise)
    overlap = sign * _first_overlap(initial_overlap)
    start = _Start(overlap, _first_length(initial_length, overlap, rule), rate, noise)
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
    first = (start.length or 0.0) / start.rate
    if first:
        begin = 0.0
        state = [first * start.overlap, first * first * (1 - start.overlap) * (1 + start.overlap)]
    else:
        begin = min(_FIRST, float(loads.min()))
        term = 2 / 3 * math.sqrt(begin / math.pi)
        along = rho * begin * (1 - term) / math.sqrt(2 * math.pi)
        state = [along, begin / 2 - begin * term * (1 + rho * rho / math.pi) - along * along]

    def slope(_: float, state: Sequence[float]) -> tuple[float, float]:
        along, square = state
        length = math.sqrt(along * along + square)
        missing = square / (length * (length + along)) if along > 0.0 else 1 - along / length  # 1 - R
        error = math.atan2(math.sqrt(square), along) / math.pi
        return (missing - 2 * noise) * _FIELD / 2, noise + rho * error - _FIELD * square / length

    along, square = _integrated(slope, begin, state, loads)
    length = np.sqrt(along * along + square)
    return along, np.sqrt(square), start.rate * length


def _adatron(loads: Floats, start: _Start) -> tuple[Floats, Floats, Floats]:
    """Return cot(theta), 1 and the length. The cotangent grows like alpha in the end and at the beginning."""
    noise, rho, rate = start.noise, 1 - 2 * start.noise, start.rate

    def slope(_: float, state: Sequence[float]) -> tuple[float, float]:
        angle = math.atan2(1.0, state[0])
        sine = 1 / math.hypot(1.0, state[0])
        cosine = state[0] * sine
        product, square = _wrong_product(angle), _wrong_square(angle)
        gain = rho * (product + (1 - rate / 2) * cosine * square) - rate / 2 * noise * cosine
        return rate * gain / sine**3, -rate * (1 - rate / 2) * (noise + rho * square)

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
    found = solve_ivp(slope, (begin, times[-1]), state, "LSODA", times, rtol=_TOLERANCE, atol=_SMALLEST)
    if not found.success:
        raise RuntimeError(f"the curve was not followed to load {times[-1]}: {found.message}")
    return np.asarray(found.y[:, places].reshape(len(state), *loads.shape))


def _wrong_product(angle: float) -> float:
    """Return A, the mean of the size of t h over examples with t h < 0."""
    return (2 * angle * math.sin(angle / 2) ** 2 - _above_sine(angle)) / math.pi


def _wrong_square(angle: float) -> float:
    """Return B, the mean of h^2 over examples with t h < 0."""
    return _above_sine(2 * angle) / (2 * math.pi)


def _above_sine(angle: float) -> float:
    """Return x - sin(x); of small angles by its series, with all digits."""
    if angle > _SMALL:
        return angle - math.sin(angle)
    square, term, total = angle * angle, angle**3 / 6, 0.0
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
