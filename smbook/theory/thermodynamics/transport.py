"""What haste costs: the least dissipation is a squared distance between distributions over the time.

A particle of mobility mu at k_B T = 1 is brought from one distribution to another in a time tau by changing
its potential at will. The entropy that this produces is at least W^2 / (mu tau), W the distance by which
probability has to be carried (Wasserstein's, quadratic), and the best potential reaches it: every particle's
quantile then goes straight on, at constant speed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.integrate import quad

from smbook import _checks
from smbook.theory._shared import Values, plain
from smbook.theory.thermodynamics._arguments import one_shape, positives, within

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats


class QuantileDistance(NamedTuple):
    """Hold a distance of two laws on a line, and a bound on its numerical error."""

    value: float
    error: float


def wasserstein(mean: ArrayLike, sd: ArrayLike, other_mean: ArrayLike, other_sd: ArrayLike) -> Values:
    r"""Return the quadratic Wasserstein distance of two Gaussian laws on a line.

    .. math:: W^2 = (m_1 - m_2)^2 + (\sigma_1 - \sigma_2)^2

    For independent coordinates the squares add.

    Parameters
    ----------
    mean, other_mean
        m, within 1e100, of shapes that broadcast.
    sd, other_sd
        Standard deviations, from 0 to 1e100.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, is out of range, or if the shapes do not broadcast.

    References
    ----------
    Dowson and Landau (1982).

    Examples
    --------
    >>> wasserstein(0.0, 1.0, 3.0, 5.0)
    5.0
    """
    given = one_shape(
        mean=within("mean", mean),
        sd=_spread("sd", sd),
        other_mean=within("other_mean", other_mean),
        other_sd=_spread("other_sd", other_sd),
    )
    return plain(np.hypot(given[0] - given[2], given[1] - given[3]))


def sample_wasserstein(samples: ArrayLike, others: ArrayLike) -> float:
    r"""Return the quadratic Wasserstein distance of two sets of points on a line, each of equal weights.

    .. math:: W^2 = \int_0^1 [Q_1(q) - Q_2(q)]^2 \, dq

    with the quantiles Q, steps over the sorted points: the smallest goes to the smallest. Of samples of the
    same law it is not 0 but of the order of n^(-1/2), which is what a distance of samples is too large by at
    most.

    Parameters
    ----------
    samples, others
        Points, (n,) and (m,), at least one each, within 1e100.

    Raises
    ------
    TypeError, ValueError
        If points are no rows of real numbers, or if there are none.

    References
    ----------
    Villani (2003), chapter 2.

    Examples
    --------
    >>> sample_wasserstein([0.0, 1.0], [3.0])  # the root of (9 + 4) / 2
    2.5495097567963922
    """
    one, other = _points("samples", samples), _points("others", others)
    n, m = one.size, other.size
    places = np.unique(np.concatenate([np.arange(1, n + 1) * m, np.arange(1, m + 1) * n]))  # times n m
    before = places - np.diff(places, prepend=0)
    away = one[before // m] - other[before // n]
    return float(math.sqrt((np.diff(places, prepend=0) / (n * m)) @ away**2))


def quantile_wasserstein(
    quantile: Callable[[float], float], other: Callable[[float], float]
) -> QuantileDistance:
    r"""Return the quadratic Wasserstein distance of two laws on a line that are given by their quantiles.

    .. math:: W^2 = \int_0^1 [Q_1(q) - Q_2(q)]^2 \, dq

    Parameters
    ----------
    quantile, other
        Functions Q of a probability strictly between 0 and 1, such as ``scipy.stats.norm.ppf``.

    Returns
    -------
    QuantileDistance
        The distance and a bound on its error.

    Raises
    ------
    TypeError
        If an argument cannot be called.
    ValueError
        If the integral is not finite, or not found to a tenth of its value.

    Examples
    --------
    >>> from scipy.stats import norm
    >>> found = quantile_wasserstein(norm(0, 1).ppf, norm(3, 5).ppf)
    >>> round(found.value, 8)
    5.0
    """
    for name, function in (("quantile", quantile), ("other", other)):
        if not callable(function):
            raise TypeError(f"{name} must be a function of a probability; got {function!r}")

    def square(q: float) -> float:
        return float((quantile(q) - other(q)) ** 2)

    halves = [
        quad(square, *ends, epsabs=1e-12, epsrel=1e-10, limit=500, full_output=True)[:2]  # without a warning
        for ends in ((0, 0.5), (0.5, 1))
    ]
    value, error = (float(part) for part in np.sum(halves, axis=0))
    if not math.isfinite(value):
        raise ValueError(f"quantiles must have a finite distance; its square came out as {value}")
    if error > 0.1 * value and error > 1e-8:
        raise ValueError(
            f"quantiles must have a finite distance; its square came out as {value:g} +- {error:g}"
        )
    root = math.sqrt(max(value, 0.0))
    return QuantileDistance(root, min(error / root, math.sqrt(error)) if root > 0 else math.sqrt(error))


def least_dissipation(distance: ArrayLike, duration: ArrayLike, *, mobility: ArrayLike = 1.0) -> Values:
    r"""Return the least entropy production of a change in finite time, in units of k_B.

    .. math:: \Sigma \ge \frac{W^2}{\mu \tau}

    also the least work, in units of k_B T, beyond the change of the free energy (that of the laws, their
    energy less their entropy, in or out of equilibrium). Equality is reached by the potential that takes each
    quantile straight to its end.

    Parameters
    ----------
    distance
        W, the quadratic Wasserstein distance between first and last law, within 1e100, any shape.
    duration, mobility
        tau and mu, from 1e-100 to 1e100.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, is out of range, or if the shapes do not broadcast.
    OverflowError
        If the result is beyond the range of floats.

    References
    ----------
    Benamou and Brenier (2000); Aurell, Gawedzki, Mejia-Monasterio, Mohayaee and Muratore-Ginanneschi (2012).

    Examples
    --------
    >>> least_dissipation(2.0, [1.0, 10.0])
    array([4. , 0.4])
    """
    way, time, mobile = one_shape(
        distance=within("distance", distance),
        duration=positives("duration", duration),
        mobility=positives("mobility", mobility),
    )
    with np.errstate(over="ignore"):
        found = way / time * way / mobile
    if np.isinf(found).any():
        raise OverflowError("the dissipation is beyond the range of floats")
    return plain(found)


def _spread(name: str, values: ArrayLike) -> Floats:
    found = within(name, values)
    if (found < 0).any():
        raise ValueError(f"{name} must be at least 0; got {found.min()}")
    return found


def _points(name: str, values: ArrayLike) -> Floats:
    found = within(name, values)
    if found.ndim != 1 or found.size == 0:
        raise ValueError(f"{name} must be a row of at least one number; got the shape {found.shape}")
    _checks.integer(f"the number of {name}", found.size, minimum=1, maximum=10**9)
    return np.sort(found)
