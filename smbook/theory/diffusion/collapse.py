"""Noise around n points: until when one of them can be told, and when it outweighs all others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logsumexp

from smbook import _checks
from smbook.theory._shared import local_fields, plain
from smbook.theory.diffusion._arguments import (
    SHORTEST,
    broadcast,
    checked_deviation,
    checked_time,
    checked_times,
    reach,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Values


_TOGETHER = 1 << 20  # distances that are held at once


def mutual_information(t: ArrayLike, *, deviation: float = 1.0) -> Values:
    r"""Return what x_t tells of a Gaussian point it came from, nats for each dimension.

    .. math:: \frac{I(a; x_t)}{d} = \tfrac12 \ln \frac{\Gamma_t}{\Delta_t}

    As long as it is above (ln n) / d, one of n points can be told from x_t.

    Parameters
    ----------
    t
        From 1e-12 to 350, any shape.
    deviation
        s, from 1e-100 to 1e100.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    Examples
    --------
    >>> round(64 * mutual_information(collapse_time(4096, 64)), 9), round(float(np.log(4096)), 9)
    (8.317766167, 8.317766167)
    """
    times, s = checked_times(t, shortest=SHORTEST), checked_deviation(deviation)
    return plain(np.log1p(s * s / np.expm1(2 * times)) / 2)


def collapse_time(n_points: ArrayLike, n_dimensions: ArrayLike, *, deviation: float = 1.0) -> Values:
    r"""Return when a reversed run with the empirical score of n Gaussian points falls onto one of them.

    .. math:: t_C = \tfrac12 \ln \Bigl(1 + \frac{s^2}{n^{2 / d} - 1}\Bigr)

    From there on one point outweighs all others, as levels of the random energy model do below its
    transition: `mutual_information` passes (ln n) / d. For ln n and d to infinity it is sharp.

    Parameters
    ----------
    n_points
        n, at least 1, whole or not; at 1 the time is infinite. Any shape.
    n_dimensions
        d, at least 1, of a shape that broadcasts with that of n.
    deviation
        s, from 1e-100 to 1e100.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Derrida (1981) for the model; Biroli, Bonnaire, de Bortoli and Mezard (2024).

    Examples
    --------
    >>> round(collapse_time(256, 16), 6), round(collapse_time(60000, 784), 6), collapse_time(1, 2)
    (0.346574, 1.793588, inf)
    """
    counts, dimensions = broadcast(
        n_points=_checks.reals("n_points", n_points, minimum=1.0),
        n_dimensions=_checks.reals("n_dimensions", n_dimensions, minimum=1.0),
    )
    s = checked_deviation(deviation)
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        excess = np.expm1(2 * np.log(counts) / dimensions)
        return plain(np.logaddexp(0.0, 2 * math.log(s) - np.log(excess)) / 2)


@np.errstate(over="ignore", under="ignore")
def mean_own_weight(t: ArrayLike, n_points: float, n_dimensions: float, *, deviation: float = 1.0) -> Values:
    r"""Return how much weight the point that x_t came from has among n Gaussian ones, on average.

    .. math:: \langle w \rangle \approx \Bigl\langle \frac{1}{1 + e^{-D}} \Bigr\rangle, \qquad
              D \sim N\Bigl(\frac d2 \ln \frac{\Gamma_t}{\Delta_t} - \ln(n - 1),\;
              d\, (1 - \Delta_t / \Gamma_t)\Bigr)

    The others are summed by their mean (annealed), which weighs them too much at times below that of the
    collapse: there the formula is low, by up to 0.1 in 64 dimensions. The mean weight equals that of
    sum w^2, exactly, and the probability that two reversed runs from x_t end on the same point.

    Parameters
    ----------
    t
        From 1e-12 to 350, any shape.
    n_points
        n, at least 1, whole or not.
    n_dimensions
        d, at least 1.
    deviation
        s, from 1e-100 to 1e100.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Biroli, Bonnaire, de Bortoli and Mezard (2024) for the collapse.

    Examples
    --------
    >>> time = collapse_time(4096, 64)
    >>> mean_own_weight(time * np.array([0.5, 1.0, 1.5]), 4096, 64).round(3)
    array([0.984, 0.5  , 0.075])
    """
    times, s = checked_times(t, shortest=SHORTEST), checked_deviation(deviation)
    n = _checks.real("n_points", n_points, minimum=1.0)
    d = _checks.real("n_dimensions", n_dimensions, minimum=1.0)
    if n == 1:
        return plain(np.ones_like(times))
    ratio = s * s / np.expm1(2 * times)  # Gamma / Delta - 1
    means = d / 2 * np.log1p(ratio) - math.log(n - 1)
    spreads = np.sqrt(d * (ratio / (1 + ratio)))
    pairs = zip(means.ravel().tolist(), spreads.ravel().tolist(), strict=True)
    return plain(np.reshape(np.array([_mean_sigmoid(*pair) for pair in pairs]), times.shape))


@np.errstate(under="ignore")
def empirical_potential(u: ArrayLike, t: float, points: ArrayLike) -> Values:
    r"""Return -ln P_t(u) of noise around n points on a line, which has wells of its own for each of them.

    .. math:: P_t(u) = \frac1n \sum_\mu \frac{1}{\sqrt{2 \pi \Delta_t}}
              \exp\Bigl(-\frac{(u - e^{-t} a_\mu)^2}{2 \Delta_t}\Bigr)

    Parameters
    ----------
    u
        Up to 1e100 in size, any shape.
    t
        From 1e-12 to 350.
    points
        a, (n,), at least one, up to 1e100 in size.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    Examples
    --------
    >>> empirical_potential([0.0, 1.0], 0.1, [-1.0, 1.0]).round(4)
    array([2.3234, 0.7831])
    """
    places, time, known = reach("u", u), checked_time("t", t), reach("points", points)
    if known.ndim != 1 or not known.size:
        raise ValueError(f"points must be at least one, (n,); got the shape {known.shape}")
    variance = -math.expm1(-2 * time)
    exponents, centres = np.empty(places.shape), math.exp(-time) * known
    size = max(1, _TOGETHER // known.size)
    for first in range(0, places.size, size):
        apart = places.ravel()[first : first + size, np.newaxis] - centres
        exponents.flat[first : first + size] = logsumexp(-(apart * apart) / (2 * variance), axis=-1)
    return plain(math.log(known.size) + math.log(2 * math.pi * variance) / 2 - exponents)


def _mean_sigmoid(mean: float, deviation: float) -> float:
    rule, fields = local_fields(0.5, mean, deviation)
    return float(rule.mean(expit(fields)))
