"""Deep linear networks: each mode of the data is learned by itself, slowly, then fast, the strongest first.

A network of D layers of weights answers W_D ... W_1 x, and follows the gradient of its mean squared error,

    dW_l / dt = - dL / dW_l,    L = 1/2 E |y - W_D ... W_1 x|^2,    E[x x^T] = 1.

Let E[y x^T] = sum_k s_k u_k v_k^T. If the first layer reads the v_k, the last one writes the u_k, each hidden
unit hands on what one mode has read, and all layers are equally strong (aligned and balanced), they stay so,
and W_D ... W_1 = sum_k a_k u_k v_k^T. Then each a_k has an equation of its own, which is solved here. Time t
is the learning rate times the number of steps, for small rates.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.polynomial.polynomial import polyval
from scipy.special import lambertw, wrightomega

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    _Function = Callable[[Floats], Floats]

_LEAST, _MOST = 1e-100, 1e100  # of strengths other than 0; their ratio is a float
_LARGEST_WEIGHT = 1e50
_DEEPEST = 1000
_TERMS = 96  # of power series of numbers up to 2/3
_STEPS = 60  # of Newton; a dozen are enough
_SETTLED = 40.0  # ln of a strength over what it lacks, from which on it lacks nothing


class Modes(NamedTuple):
    """Hold the modes of a task: its correlation of outputs and inputs is sum_k s_k u_k v_k^T.

    Attributes
    ----------
    strengths
        The singular values s_k, (K,), the largest first.
    left
        The u_k, (n_outputs, K), one a column, of which the largest entry is positive.
    right
        The v_k, (n_inputs, K), one a column.
    """

    strengths: Floats
    left: Floats
    right: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return f"Modes({len(self.strengths)} modes, strengths {np.array2string(self.strengths, precision=4)})"


class TwoLayerMode(NamedTuple):
    """Hold both weights of a mode of two layers; its strength is their product."""

    first: Values
    second: Values

    @property
    def strength(self) -> Values:
        """The strength of the mode, first times second."""
        return plain(np.multiply(self.first, self.second))

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def correlation_modes(inputs: ArrayLike, targets: ArrayLike) -> Modes:
    """Return the singular values and vectors of the mean of y x^T over examples.

    Inputs are taken as they are. What follows of them holds for white ones, whose mean x x^T is the identity.

    Parameters
    ----------
    inputs, targets
        (P, n_inputs) and (P, n_outputs), an example a row.

    Raises
    ------
    TypeError, ValueError
        If they do not hold real numbers, or have not as many rows, at least 1.

    Examples
    --------
    >>> modes = correlation_modes([[2.0, 0.0], [0.0, 2.0]], [[4.0, 0.0], [0.0, 1.0]])
    >>> modes.strengths
    array([4., 1.])
    """
    x, y = (_rows(name, value) for name, value in (("inputs", inputs), ("targets", targets)))
    if len(x) != len(y):
        raise ValueError(f"inputs and targets must have as many rows; got {len(x)} and {len(y)}")
    left, strengths, right = np.linalg.svd(y.T @ x / len(x), full_matrices=False)
    largest = np.take_along_axis(left, np.abs(left).argmax(axis=0)[np.newaxis], axis=0)
    signs = np.where(largest < 0, -1.0, 1.0)
    return Modes(strengths, left * signs, right.T * signs)


def mode_strength(
    time: ArrayLike, singular_value: ArrayLike, initial: ArrayLike, *, depth: float = 2
) -> Values:
    r"""Return how strongly a mode of the data is learned, in an aligned and balanced linear network.

    .. math:: \frac{da}{dt} = D\, a^{2 - 2/D} (s - a)

    For one layer the distance from s falls exponentially, and from the very beginning. For two layers

    .. math:: a(t) = \frac{s\, e^{2st}}{e^{2st} - 1 + s / a_0},

    a sigmoid. For more, the time at which a strength is reached is known as a series, and is inverted to
    1e-12 of the time or the strength. From D = 2 on a strength of 0 is a saddle of the loss, and a mode that
    starts there never leaves.

    Parameters
    ----------
    time
        t, from 0 to 1e100.
    singular_value
        s, 0 or from 1e-100 to 1e100.
    initial
        a_0 at time 0, 0 or from 1e-100 to 1e100. The three are broadcast.
    depth
        D, the number of layers of weights, at least 1; or `math.inf`, where da/dt = a^2 (s - a), if time is
        counted as D t.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if shapes do not go together.

    References
    ----------
    Saxe, McClelland and Ganguli (2014).

    Examples
    --------
    >>> round(mode_strength(3.0, 2.0, 0.001), 6)
    1.975733
    >>> mode_strength([0.0, 3.0, 30.0], 2.0, 0.001, depth=3).round(6)
    array([1.0000e-03, 1.5473e-02, 2.0000e+00])
    """
    t, s, start = _mode(("time", time), ("singular_value", singular_value), ("initial", initial))
    d = _depth(depth)
    if d == 1:
        return plain(start * np.exp(-t) - s * np.expm1(-t))
    found = np.zeros(t.shape)
    moves = (start > 0) & (s > 0)
    fades = (start > 0) & (s == 0)
    found[fades] = _fading(t[fades], start[fades], d)
    find = _two_layers if d == 2 else _deep
    found[moves] = find(t[moves], s[moves], start[moves], d)
    return plain(np.where(t == 0, start, found))


def learning_time(
    singular_value: ArrayLike, initial: ArrayLike, *, depth: float = 2, fraction: float = 0.5
) -> Values:
    r"""Return when a mode has been learned to some share of its singular value.

    For one layer it is :math:`\ln \frac{1 - a_0/s}{1 - f}`, whatever the size of s where a_0 is small. For
    two layers

    .. math:: t = \frac{1}{2s} \ln \frac{f (s - a_0)}{(1 - f)\, a_0},

    so that strong modes come first, and a start 1000 times smaller costs 6.9 / (2s) more. With more layers it
    costs far more, as t goes like :math:`a_0^{-(1 - 2/D)} / ((D - 2) s)` then.

    Parameters
    ----------
    singular_value, initial, depth
        As for `mode_strength`; the former two are broadcast.
    fraction
        f, above 0 and below 1.

    Returns
    -------
    Values
        0 where the mode is as strong from the start, inf where it never gets there: from a strength of 0 with
        two layers or more, and if the singular value is 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if shapes do not go together.

    References
    ----------
    Saxe, McClelland and Ganguli (2014).

    Examples
    --------
    >>> learning_time([2.0, 1.0], 0.001).round(6)
    array([1.900101, 3.453377])
    >>> learning_time([2.0, 1.0], 0.001, depth=3).round(4)
    array([4.6613, 9.1447])
    """
    s, start = _mode(("singular_value", singular_value), ("initial", initial))
    d = _depth(depth)
    share = _checks.share_below_one("fraction", fraction)
    if share == 0:
        raise ValueError(f"fraction must be above 0; got {share}")
    found = np.where(start >= share * s, 0.0, math.inf)
    found[s == 0] = math.inf
    slow = (start < share * s) & ((start > 0) | (d == 1))
    z = start[slow] / s[slow]
    goal = np.full(z.shape, share)
    found[slow] = (_clock(goal, 1 - goal, d) - _clock(z, 1 - z, d)) / _tempo(s[slow], d)
    return plain(found)


def two_layer_mode(
    time: ArrayLike, singular_value: ArrayLike, first: ArrayLike, second: ArrayLike
) -> TwoLayerMode:
    r"""Return both weights of a mode of two layers that need not be equally strong.

    .. math:: \frac{db}{dt} = c\, (s - b c), \qquad \frac{dc}{dt} = b\, (s - b c)

    They move along the hyperbola on which h = b^2 - c^2 is what it was, and P = (b + c)^2 obeys dP/dt =
    2 s P - (P^2 - h^2) / 2, whose solution is a sigmoid between the two roots of the right-hand side. Its
    rate is sqrt(4 s^2 + h^2): a strong imbalance makes the mode learn as one layer does, fast and without a
    plateau. For b = -c it goes to the saddle at 0.

    Parameters
    ----------
    time
        t, from 0 to 1e100.
    singular_value
        s, 0 or from 1e-100 to 1e100.
    first, second
        The weights b and c at time 0, 0 or of a size from 1e-100 to 1e50, of any sign. The four are
        broadcast.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if shapes do not go together.

    References
    ----------
    Saxe, McClelland and Ganguli (2014), who solve it by hyperbolic functions.

    Examples
    --------
    >>> found = two_layer_mode([0.0, 1.0, 5.0], 2.0, 0.1, 0.0)
    >>> found.strength.round(6)
    array([0.      , 0.128024, 1.999997])
    >>> (found.first**2 - found.second**2).round(12)
    array([0.01, 0.01, 0.01])
    """
    names = ("time", "singular_value", "first", "second")
    t, s, b, c = _mode(*zip(names, (time, singular_value, first, second), strict=True))
    total, apart = b + c, b - c
    squares = _grown(t, s, total, total * apart)
    whole = np.copysign(np.sqrt(squares), total)
    rest = np.divide(total * apart, whole, out=np.zeros(t.shape), where=whole != 0)
    ridge = total == 0
    rest[ridge] = apart[ridge] * np.sqrt(_shrunken(t[ridge], s[ridge], apart[ridge] ** 2 / 4))
    still = t == 0
    first_now, second_now = (whole + rest) / 2, (whole - rest) / 2
    return TwoLayerMode(plain(np.where(still, b, first_now)), plain(np.where(still, c, second_now)))


def _grown(t: Floats, s: Floats, total: Floats, balance: Floats) -> Floats:
    """Return P = (b + c)^2 after a time, by sums of what is not negative."""
    square, invariant = total**2, balance**2
    rate = np.hypot(2 * s, balance)
    decay = np.exp(-rate * t)
    gone = np.divide(-np.expm1(-rate * t), rate, out=t.copy(), where=rate > 0)
    high = 2 * s + rate
    low = np.divide(invariant, high, out=np.zeros(t.shape), where=high > 0)  # minus the other root
    ends = np.divide(low + high * decay, rate, out=np.full(t.shape, 2.0), where=rate > 0)
    above = square * (2 * s * gone + 1 + decay) + invariant * gone
    return np.asarray(np.divide(above, square * gone + ends, out=np.zeros(t.shape), where=total != 0))


def _shrunken(t: Floats, s: Floats, start: Floats) -> Floats:
    """Return by what n has shrunken that obeys dn/dt = - 2 n (s + n)."""
    decay = np.exp(-2 * s * t)
    gone = np.divide(-np.expm1(-2 * s * t), s, out=2 * t, where=s > 0)
    return np.asarray(decay / (1 + start * gone))


def _fading(t: Floats, start: Floats, d: float) -> Floats:
    """Return a strength that decays to nothing, da/dt = - D a^(1 + q) with q = 2 - 2/D."""
    q, pace = 2 - 2 / d, 1.0 if d == math.inf else d
    return np.asarray(start * np.exp(-np.log1p(pace * q * t * start**q) / q))


def _two_layers(t: Floats, s: Floats, start: Floats, _: float) -> Floats:
    decay = np.exp(-2 * s * t)
    return np.asarray(start / (decay + start * (-np.expm1(-2 * s * t) / s)))


def _deep(t: Floats, s: Floats, start: Floats, d: float) -> Floats:
    """Return strengths of D > 2 layers, those below their end and those above it."""
    found = s.copy()
    elapsed = _tempo(s, d) * t
    for chosen, move in ((start < s, _rise), (start > s, _fall)):
        if chosen.any():
            found[chosen] = move(elapsed[chosen], s[chosen], start[chosen], d)
    return found


def _tempo(s: Floats, d: float) -> Floats:
    """Return the rate D s^(2 - 2/D) at which a mode settles in the end; by it `_clock` counts time."""
    return np.asarray((1.0 if d == math.inf else d) * s ** (2 - 2 / d))


def _rise(elapsed: Floats, s: Floats, start: Floats, d: float) -> Floats:
    """Return strengths that come from below.

    For y = ln(a / (s - a)) and p = 1 - 2/D the time passes as dT = (1 + e^-y)^p dy, at most as 1 + e^(-p y),
    for which Wright's function inverts it. From there Newton's method climbs, as T(y) is concave.
    """
    p = 1 - 2 / d
    begun = np.log(start) - np.log(s - start)
    ready = elapsed + begun - np.exp(-p * begun) / p
    decay = wrightomega(-p * ready).real  # e^(-p y), if the time passed as 1 + e^(-p y)
    y = np.where(ready < 0, -np.log(np.maximum(decay, _LEAST)), p * ready + decay) / p
    y = np.maximum(y, begun)
    if p < 1:
        goal = elapsed + _clock(*_parts(begun), d)
        _newton(y, goal, lambda y: _clock(*_parts(y), d), lambda y: np.exp(p * np.logaddexp(0.0, -y)))
    return np.asarray(s * _parts(y)[0])


def _fall(elapsed: Floats, s: Floats, start: Floats, d: float) -> Floats:
    """Return strengths that come from above.

    For y = ln(a / (a - s)) the time passes as dT = (1 - e^-y)^p dy, at least as 1 - e^-y, for which Lambert's
    function inverts it, and near 0 at least as (0.63 y)^p. From there Newton's method descends, as T(y) is
    convex.
    """
    p = 1 - 2 / d
    begun = -np.log1p(-s / start)
    goal = elapsed + _clock(start / s, (s - start) / s, d)
    y = goal + 1 + lambertw(-np.exp(-goal - 1)).real  # T + 1 is at least y + e^-y
    power = ((p + 1) * goal / 0.63**p) ** (1 / (p + 1))
    y = np.maximum(np.where(power < 1, power, y), begun)
    _newton(y, goal, lambda y: _clock(*_parts_above(y), d), lambda y: (-np.expm1(-y)) ** p)
    return np.asarray(s * _parts_above(np.minimum(y, _SETTLED))[0])


def _parts(y: Floats) -> tuple[Floats, Floats]:
    """Return a / s and 1 - a / s for y = ln(a / (s - a))."""
    return np.exp(-np.logaddexp(0.0, -y)), np.exp(-np.logaddexp(0.0, y))


def _parts_above(y: Floats) -> tuple[Floats, Floats]:
    """Return a / s and 1 - a / s for y = ln(a / (a - s))."""
    return np.asarray(-1 / np.expm1(-y)), np.asarray(-1 / np.expm1(y))


def _newton(y: Floats, goal: Floats, clock: _Function, pace: _Function) -> None:
    """Move y, in place, to where the clock shows the goal; where a = s to rounding it stays."""
    for _ in range(_STEPS):
        (moving,) = np.nonzero(y < _SETTLED)
        step = (goal[moving] - clock(y[moving])) / pace(y[moving])
        y[moving] += step
        if (np.abs(step) <= 1e-14 * np.minimum(np.abs(y[moving]), 1.0)).all():
            break


def _clock(z: Floats, rest: Floats, d: float) -> Floats:
    """Return the integral of z^(-1 - p) / (1 - z), with p = 1 - 2/D and rest = 1 - z.

    From z = 1 on it is counted from infinity.
    """
    if d <= 2:
        return np.asarray((np.log(z) if d == 2 else 0.0) - np.log(np.abs(rest)))
    p = 1 - 2 / d
    low, far = z < 0.5, z > 1.5
    near = ~(low | far)
    time = np.empty(z.shape)
    time[low] = _early(z[low], p)
    time[far] = _from_above(z[far], p)
    before, after = _joints(p)
    time[near] = _late(rest[near], p) + np.where(rest[near] > 0, before, after)
    return time


@cache
def _joints(p: float) -> tuple[float, float]:
    """Return what the series around z = 1 lacks to those at 0 and at infinity, where they meet."""
    early, above = _early(np.array([0.5]), p), _from_above(np.array([1.5]), p)
    return float((early - _late(np.array([0.5]), p))[0]), float((above - _late(np.array([-0.5]), p))[0])


def _early(z: Floats, p: float) -> Floats:
    if p == 1:
        return np.asarray(np.log(z) - np.log1p(-z) - 1 / z)
    k = np.arange(_TERMS)
    return np.asarray(z**-p * polyval(z, 1 / (k - p)))


def _late(rest: Floats, p: float) -> Floats:
    n = np.arange(1, _TERMS)
    terms = np.concatenate([[0.0], np.cumprod((p + n) / n) / n])
    return np.asarray(-np.log(np.abs(rest)) - polyval(rest, terms))


def _from_above(z: Floats, p: float) -> Floats:
    k = np.arange(_TERMS)
    return np.asarray(z ** (-p - 1) * polyval(1 / z, 1 / (p + 1 + k)))


def _mode(*given: tuple[str, ArrayLike]) -> list[Floats]:
    """Return times, strengths and weights as arrays of one shape, or raise."""
    values = [_checks.reals(name, value) for name, value in given]
    for (name, _), array in zip(given, values, strict=True):
        _in_range(name, array)
    try:
        shape = np.broadcast_shapes(*(array.shape for array in values))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for (name, _), array in zip(given, values, strict=True))
        raise ValueError(f"arguments must broadcast; got {shapes}") from None
    return [np.broadcast_to(array, shape).copy() for array in values]


def _in_range(name: str, values: Floats) -> None:
    if name in ("first", "second"):
        wrong = ((np.abs(values) < _LEAST) & (values != 0)) | (np.abs(values) > _LARGEST_WEIGHT)
        said = f"0 or of a size from {_LEAST:g} to {_LARGEST_WEIGHT:g}"
    elif name == "time":
        wrong, said = (values < 0) | (values > _MOST), f"at least 0 and at most {_MOST:g}"
    else:
        wrong = ((values < _LEAST) & (values != 0)) | (values > _MOST)
        said = f"0 or from {_LEAST:g} to {_MOST:g}"
    if wrong.any():
        raise ValueError(f"{name} must be {said}; got {values[wrong].flat[0]}")


def _depth(depth: Any) -> float:
    if isinstance(depth, float) and depth == math.inf:
        return math.inf
    return _checks.integer("depth", depth, minimum=1, maximum=_DEEPEST)


def _rows(name: str, values: ArrayLike) -> Floats:
    array = _checks.reals(name, values)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name} must be a matrix with rows and columns; got the shape {array.shape}")
    largest = np.abs(array).max()
    if largest > _MOST:
        raise ValueError(f"{name} must be at most {_MOST:g}; got {largest:g}")
    return array
