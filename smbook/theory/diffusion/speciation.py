"""Two clusters in noise: when one well becomes two, and when a cloud that flows back takes a side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks
from smbook.theory._shared import local_fields, plain
from smbook.theory.diffusion._arguments import (
    LARGEST,
    at_most,
    broadcast,
    checked_deviation,
    checked_length,
    checked_lengths,
    checked_time,
    checked_times,
    gaussian_variance,
    reach,
)
from smbook.theory.ising import curie_weiss_magnetization

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Values


def cluster_variance(t: ArrayLike, *, deviation: float = 1.0) -> Values:
    r"""Return Gamma, the variance at time t of what was Gaussian: :math:`s^2 e^{-2t} + 1 - e^{-2t}`.

    Parameters
    ----------
    t
        From 0 to 350, any shape.
    deviation
        s, from 1e-100 to 1e100.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    Examples
    --------
    >>> cluster_variance([0.0, 350.0], deviation=0.5)
    array([0.25, 1.  ])
    """
    return plain(gaussian_variance(checked_times(t), checked_deviation(deviation)))


def cluster_signal(t: ArrayLike, mean_norm: ArrayLike, *, deviation: float = 1.0) -> Values:
    r"""Return a, how far a cluster is from 0 in units of its deviation at time t.

    .. math:: a_t = \frac{|\mu| e^{-t}}{\sqrt{\Gamma_t}}

    Along the line through both clusters ln P_t has one maximum for a < 1 and two for a > 1, as a Curie-Weiss
    magnet has at beta = a^2.

    Parameters
    ----------
    t
        From 0 to 350, any shape.
    mean_norm
        The length of mu, from 0 to 1e100, of a shape that broadcasts with that of t.
    deviation
        s, from 1e-100 to 1e100.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    Examples
    --------
    >>> round(cluster_signal(np.log(8.0), 8.0), 12), cluster_signal(0.0, 8.0, deviation=2.0)
    (1.0, 4.0)
    """
    times, lengths = broadcast(t=checked_times(t), mean_norm=checked_lengths("mean_norm", mean_norm))
    return plain(np.exp(-times) * lengths / np.sqrt(gaussian_variance(times, checked_deviation(deviation))))


@np.errstate(over="ignore", under="ignore")
def cluster_potential(u: ArrayLike, t: float, mean_norm: float, *, deviation: float = 1.0) -> Values:
    r"""Return -ln P_t(u) along the line through both clusters, u the coordinate on it.

    .. math:: -\ln P_t(u) = \frac{u^2 + c^2}{2 \Gamma_t} - \ln \cosh \frac{c u}{\Gamma_t}
              + \tfrac12 \ln 2 \pi \Gamma_t, \qquad c = |\mu| e^{-t}

    The curvature at 0 is (1 - a^2) / Gamma: one well splits into two where a passes 1. Beyond the range of
    floats it is inf.

    Parameters
    ----------
    u
        Up to 1e100 in size, any shape.
    t
        From 0 to 350.
    mean_norm, deviation
        As for `cluster_signal`.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    Examples
    --------
    >>> cluster_potential([0.0, 2.0], 0.0, 2.0).round(6)
    array([2.918939, 1.61175 ])
    """
    places, time = np.abs(reach("u", u)), checked_time("t", t, shortest=0.0)
    centre = checked_length("mean_norm", mean_norm) * math.exp(-time)
    variance = float(gaussian_variance(time, checked_deviation(deviation)))
    # ln 2 cosh y = y + ln(1 + exp(-2 y)), so that the parabola is that around the nearer centre
    near = (places - centre) ** 2 / (2 * variance)
    other = np.log1p(np.exp(-2 * centre * places / variance))
    return plain(near - other + math.log(8 * math.pi * variance) / 2)


def cluster_well(t: ArrayLike, mean_norm: ArrayLike, *, deviation: float = 1.0) -> Values:
    r"""Return where the right one of two wells of `cluster_potential` is, 0 where there is one well.

    .. math:: u = |\mu| e^{-t} m, \qquad m = \tanh(a_t^2 m),

    with the magnetization m of a Curie-Weiss magnet.

    Parameters
    ----------
    t, mean_norm, deviation
        As for `cluster_signal`.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    Examples
    --------
    >>> round(cluster_well(0.0, 2.0), 6), cluster_well(1.0, 2.0)
    (1.998651, 0.0)
    """
    times, lengths = broadcast(t=checked_times(t), mean_norm=checked_lengths("mean_norm", mean_norm))
    signal = np.asarray(cluster_signal(times, lengths, deviation=deviation))
    order = curie_weiss_magnetization(np.minimum(signal, 1e10) ** 2)  # beyond, it is 1
    return plain(np.exp(-times) * lengths * order)


def speciation_time(mean_norm: ArrayLike, *, deviation: float = 1.0) -> Values:
    r"""Return the time at which the well splits in two, a = 1: nan if it never does.

    .. math:: t_S = \tfrac12 \ln(1 + |\mu|^2 - s^2)

    For s = 1 it is the logarithm of the length of mu. Clusters with mu < s have one maximum already at
    t = 0. The side is taken over a time of order 1 around t_S, as `cloning_probability` tells.

    Parameters
    ----------
    mean_norm
        The length of mu, from 0 to 1e100, any shape.
    deviation
        s, from 1e-100 to 1e100.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Raya and Ambrogioni (2023); Biroli, Bonnaire, de Bortoli and Mezard (2024).

    Examples
    --------
    >>> round(speciation_time(8.0), 6), speciation_time(1.0, deviation=2.0)
    (2.079442, nan)
    """
    lengths, s = checked_lengths("mean_norm", mean_norm), checked_deviation(deviation)
    excess = (lengths - s) * (lengths + s)
    return plain(np.where(excess >= 0, np.log1p(np.maximum(excess, 0.0)) / 2, math.nan))


def speciation_time_of_eigenvalue(eigenvalue: ArrayLike) -> Values:
    r"""Return :math:`t_S = \tfrac12 \ln \Lambda`, from the largest eigenvalue of the data's covariance.

    It is the time at which the noise has overgrown the data in the direction in which they are longest; for
    two clusters Lambda = mu^2 + s^2, and it differs from `speciation_time` by O(1 / Lambda). It is for data
    with sides to take: of one cloud alone it tells nothing.

    Parameters
    ----------
    eigenvalue
        Lambda, from 1, where it is 0, to 1e200, any shape.

    Raises
    ------
    TypeError, ValueError
        If it does not hold real numbers, or is out of range.

    References
    ----------
    Biroli, Bonnaire, de Bortoli and Mezard (2024).

    Examples
    --------
    >>> round(speciation_time_of_eigenvalue(65.0), 6)
    2.087194
    """
    values = _checks.reals("eigenvalue", eigenvalue, minimum=1.0)
    return plain(np.log(at_most("eigenvalue", values, LARGEST**2)) / 2)


def drift_instability_time(mean_norm: ArrayLike, *, deviation: float = 1.0) -> Values:
    r"""Return when the drift of the reversed process turns unstable at 0; nan if it never does.

    .. math:: t = \tfrac12 \ln\Bigl(|\mu|^2 + \sqrt{|\mu|^4 + (1 - s^2)^2}\Bigr)

    There :math:`1 - 2 / \Gamma_t + 2 (|\mu| e^{-t} / \Gamma_t)^2`, the slope of the drift x + 2 grad ln P
    along mu, changes its sign. It is earlier in the reversed run, later in t, than `speciation_time`: for
    s = 1 by ln(2) / 2.

    Parameters
    ----------
    mean_norm, deviation
        As for `speciation_time`.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    Examples
    --------
    >>> round(drift_instability_time(8.0) - speciation_time(8.0), 6)  # ln(2) / 2
    0.346574
    """
    lengths, s = checked_lengths("mean_norm", mean_norm), checked_deviation(deviation)
    square = lengths * lengths
    inverse = square + np.hypot(square, (1 - s) * (1 + s))
    return plain(np.where(inverse >= 1, np.log(np.maximum(inverse, 1.0)) / 2, math.nan))


def cloning_probability(signal: ArrayLike) -> Values:
    r"""Return how often two reversed runs from one point at time t end in the same of two clusters.

    .. math:: \varphi(a) = \tfrac12 \Bigl[1 + \int Dz \tanh^2(a^2 + a z)\Bigr]

    A point at t belongs to a cluster with probability (1 + tanh) / 2, in which a is `cluster_signal`. At
    a = 1 it is 0.775: at t_S sides are half taken.

    Parameters
    ----------
    signal
        a, from 0 to 1e100, any shape.

    Raises
    ------
    TypeError, ValueError
        If it does not hold real numbers, or is out of range.

    References
    ----------
    Biroli, Bonnaire, de Bortoli and Mezard (2024).

    Examples
    --------
    >>> np.round(cloning_probability([0.0, 0.5, 1.0, 2.0]), 6)
    array([0.5     , 0.602027, 0.7752  , 0.965701])
    """
    signals = checked_lengths("signal", signal)
    found = [_same_side(a) for a in signals.ravel().tolist()]
    return plain(np.reshape(np.array(found), signals.shape))


def _same_side(signal: float) -> float:
    rule, fields = local_fields(1.0, signal * signal, signal)
    return 0.5 + 0.5 * float(rule.mean(np.tanh(fields) ** 2))
