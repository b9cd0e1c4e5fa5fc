"""Particles in a harmonic trap that is moved or made stiffer: the law of the work, and the best way to do it.

A particle with mobility mu in a trap of stiffness k at c, V = k (x - c)^2 / 2, follows

    dx/dt = -mu V'(x) + sqrt(2 mu) noise,      energies in units of k_B T,

and begins in equilibrium. Its law stays Gaussian, so that mean and variance of the work are those of a few
linear equations, at any speed. The best protocols jump at both ends (Schmiedl and Seifert 2007).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Values, plain
from smbook.theory.thermodynamics._arguments import one_shape, positives, within

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_WAYS = ("linear", "optimal")
_LARGEST_RATIO = 1e6
_SHORTEST, _LONGEST = 1e-9, 1e6


class WorkLaw(NamedTuple):
    """Hold mean and variance of a work, and the free energy that it buys, in units of k_B T.

    Attributes
    ----------
    mean
        Mean of W, at least the free energy.
    variance
        Variance of W.
    free_energy
        dF, of the states of equilibrium that belong to the first and the last trap.
    """

    mean: Values
    variance: Values
    free_energy: Values

    @property
    def dissipated(self) -> Values:
        """The mean work beyond the free energy, at least 0."""
        return self.mean - self.free_energy

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def dragged_trap_work(
    distance: ArrayLike,
    duration: ArrayLike,
    *,
    stiffness: ArrayLike = 1.0,
    mobility: ArrayLike = 1.0,
    protocol: str = "linear",
) -> WorkLaw:
    r"""Return the law of the work that drags a trap, which is Gaussian.

    .. math:: \langle W \rangle = k d^2 \, \frac{x - 1 + e^{-x}}{x^2} \quad \text{at constant speed}, \qquad
              \langle W \rangle = \frac{k d^2}{2 + x} \quad \text{at best}, \qquad x = \mu k \tau

    with the variance 2 <W> in both cases, as Jarzynski's equality demands with dF = 0. In no time both are
    k d^2 / 2; after a long time both are d^2 / (mu tau), the bound of optimal transport.

    Parameters
    ----------
    distance
        d, by which the trap is moved, within 1e100, any shape.
    duration
        tau, from 1e-100 to 1e100.
    stiffness, mobility
        k in units of k_B T per squared length, and mu; from 1e-100 to 1e100.
    protocol
        "linear", or "optimal", the one of least mean work, `optimal_drag`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if the shapes do not broadcast.

    References
    ----------
    Mazonka and Jarzynski (1999); Schmiedl and Seifert (2007).

    Examples
    --------
    >>> round(dragged_trap_work(2.0, 3.0).mean, 6)
    0.911016
    >>> dragged_trap_work(2.0, 3.0, protocol="optimal")
    WorkLaw(mean=0.8, variance=1.6, free_energy=0.0)
    """
    _checks.choice("protocol", protocol, _WAYS)
    way, time, stiff, mobile = one_shape(
        distance=within("distance", distance),
        duration=positives("duration", duration),
        stiffness=positives("stiffness", stiffness),
        mobility=positives("mobility", mobility),
    )
    x = mobile * stiff * time
    share = 1 / (2 + x) if protocol == "optimal" else _lag_share(x)
    mean = stiff * way * (way * share)
    return WorkLaw(plain(mean), plain(2 * mean), plain(np.zeros(mean.shape)))


def stiffened_trap_work(
    initial: float, final: float, duration: float, *, mobility: float = 1.0, protocol: str = "linear"
) -> WorkLaw:
    r"""Return mean and variance of the work that makes a trap stiffer, or softer.

    .. math:: \langle W \rangle = \frac12 \int_0^\tau \dot k \, w \, dt, \qquad
              \dot w = 2 \mu (1 - k w), \qquad w(0) = 1 / k_0

    where w is the mean square of the position. The free energy is ln(k_1 / k_0) / 2. The law is not
    Gaussian; in no time it is one of chi-squared.

    Parameters
    ----------
    initial, final
        Stiffness k before and after, from 1e-100 to 1e100, with a ratio from 1e-6 to 1e6.
    duration
        tau; mu k_0 tau is from 1e-9 to 1e6.
    mobility
        mu, from 1e-100 to 1e100.
    protocol
        "linear" in time, or "optimal", the one of least mean work, `optimal_stiffening`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Schmiedl and Seifert (2007).

    Examples
    --------
    >>> slow, best = (stiffened_trap_work(1.0, 4.0, 2.0, protocol=way) for way in ("linear", "optimal"))
    >>> round(slow.mean, 6), round(best.mean, 6), round(slow.free_energy, 6)
    (0.832601, 0.803806, 0.693147)
    """
    ratio, x, _ = _reduced(initial, final, duration, mobility)
    _checks.choice("protocol", protocol, _WAYS)
    if protocol == "linear":
        mean, variance = _follow(lambda s: (1 + (ratio - 1) * s, ratio - 1), ratio, x)
    else:
        last = _last_width(ratio, x)
        mean, variance = _follow(lambda s: _best(s, last, x), ratio, x)
        mean = (ratio * last**2 - 1) / 2 - math.log(last) + (last - 1) ** 2 / x
    return WorkLaw(mean, variance, math.log(ratio) / 2)


def optimal_drag(
    times: ArrayLike, distance: float, duration: float, *, stiffness: float = 1.0, mobility: float = 1.0
) -> Values:
    r"""Return where the trap is at each time, if it is dragged with the least mean work.

    .. math:: c(t) = d \, \frac{1 + \mu k t}{2 + \mu k \tau}, \qquad 0 < t < \tau

    with a jump of d / (2 + mu k tau) at the beginning and one as large at the end: c(0) = 0, c(tau) = d. The
    particle, on average, goes at constant speed.

    Parameters
    ----------
    times
        t, from 0 to tau, any shape. At 0 and tau it is before and after the jumps.
    distance, duration, stiffness, mobility
        As for `dragged_trap_work`, single numbers.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Schmiedl and Seifert (2007).

    Examples
    --------
    >>> optimal_drag([0.0, 1e-9, 1.5, 3.0], 2.0, 3.0).round(6)
    array([0. , 0.4, 1. , 2. ])
    """
    way = float(within("distance", _checks.real("distance", distance)))
    stiff, _, time, mobile = _checked(stiffness, 1.0, duration, mobility, name="stiffness")
    t = _times(times, time)
    centre = way * ((1 + mobile * stiff * t) / (2 + mobile * stiff * time))
    return plain(np.where(t == 0, 0.0, np.where(t == time, way, centre)))


def optimal_stiffening(
    times: ArrayLike, initial: float, final: float, duration: float, *, mobility: float = 1.0
) -> Values:
    r"""Return the stiffness at each time, if it is changed with the least mean work.

    .. math:: k(t) = \frac1w - \frac{\dot w}{2 \mu w}, \qquad
              \sqrt w = \frac1{\sqrt{k_0}} + \left(\sigma - \frac1{\sqrt{k_0}}\right) \frac t\tau

    where sigma, the width at the end, solves
    :math:`(k_1 + 2 / \mu\tau) \sigma^2 - 2 \sigma / (\mu \tau \sqrt{k_0}) = 1`. The width goes at constant
    speed, and the stiffness jumps at both ends: in no time to the mean of k_0 and k_1, and then to k_1.

    Parameters
    ----------
    times
        t, from 0 to tau, any shape. At 0 and tau it is before and after the jumps.
    initial, final, duration, mobility
        As for `stiffened_trap_work`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Schmiedl and Seifert (2007).

    Examples
    --------
    >>> optimal_stiffening([0.0, 1e-9, 1.0, 2.0], 1.0, 4.0, 2.0).round(6)
    array([1.      , 1.220871, 1.930818, 4.      ])
    """
    ratio, x, start = _reduced(initial, final, duration, mobility)
    time, end = float(duration), float(final)
    t = _times(times, time)
    last = _last_width(ratio, x)
    width = 1 + (last - 1) * t / time
    inside = start * (1 / width**2 - (last - 1) / (x * width))
    return plain(np.where(t == 0, start, np.where(t == time, end, inside)))


def _lag_share(x: Floats) -> Floats:
    """Return (x - 1 + e^-x) / x^2 with all digits."""
    small = np.minimum(x, 0.1)
    series = np.zeros_like(small)
    for k in range(12, 1, -1):
        series = 1 / math.factorial(k) - small * series
    large = np.maximum(x, 0.1)
    return np.asarray(np.where(x < 0.1, series, (large + np.expm1(-large)) / large / large))


def _last_width(ratio: float, x: float) -> float:
    """Return the width at the end of the best protocol, in units of that at the beginning."""
    return (1 + math.sqrt(1 + (ratio * x + 2) * x)) / (ratio * x + 2)


def _best(s: float, last: float, x: float) -> tuple[float, float]:
    """Return the best stiffness at the share s of the time, and its derivative by s, without the jumps."""
    width, speed = 1 + (last - 1) * s, last - 1
    stiffness = 1 / width**2 - speed / (x * width)
    return stiffness, speed * (speed / (x * width**2) - 2 / width**3)


def _follow(stiffness: Callable[[float], tuple[float, float]], last: float, x: float) -> tuple[float, float]:
    """Return mean and variance of the work, of which the jumps at both ends are a part.

    The equations are those of w, of y = int k' w^2 e^(...) which carries the covariance of the work so far
    with the square of the position, and of mean and variance of the work.
    """

    def rates(s: float, state: Floats) -> list[float]:
        w, y, _, _ = state
        k, slope = stiffness(s)
        return [2 * x * (1 - k * w), slope * w * w - 2 * x * k * y, slope * w / 2, slope * y]

    begin = stiffness(0.0)[0] - 1.0
    state = [1.0, begin, begin / 2, begin**2 / 2]
    way = solve_ivp(rates, (0.0, 1.0), state, method="LSODA", rtol=1e-11, atol=1e-13)
    w, y, mean, variance = way.y[:, -1].tolist()
    jump = last - stiffness(1.0)[0]
    return mean + jump * w / 2, variance + jump * y + (jump * w) ** 2 / 2


def _checked(
    initial: float, final: float, duration: float, mobility: float, *, name: str = "initial"
) -> list[float]:
    given = {name: initial, "final": final, "duration": duration, "mobility": mobility}
    return [float(positives(key, _checks.real(key, value))) for key, value in given.items()]


def _reduced(initial: float, final: float, duration: float, mobility: float) -> tuple[float, float, float]:
    """Return k_1 / k_0 and mu k_0 tau, for units in which mu k_0 = k_0 = 1, and k_0."""
    start, end, time, mobile = _checked(initial, final, duration, mobility)
    ratio, x = end / start, mobile * start * time
    if not 1 / _LARGEST_RATIO <= ratio <= _LARGEST_RATIO:
        raise ValueError(
            f"final / initial must be from {1 / _LARGEST_RATIO:g} to {_LARGEST_RATIO:g}; got {ratio:g}"
        )
    if not _SHORTEST <= x <= _LONGEST:
        raise ValueError(
            f"mobility * initial * duration must be from {_SHORTEST:g} to {_LONGEST:g}; got {x:g}"
        )
    return ratio, x, start


def _times(times: ArrayLike, duration: float) -> Floats:
    found = _checks.reals("times", times, minimum=0.0)
    if (found > duration).any():
        raise ValueError(f"times must be at most the duration {duration:g}; got {found.max()}")
    return found
