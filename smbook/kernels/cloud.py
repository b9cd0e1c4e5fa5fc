"""Kernels for what a picture of a diffusion shows: sides that are kept, clones, and points remembered.

Data are two clusters at u = mean_norm and u = -mean_norm along the first coordinate u, of variance
deviation^2 in each of d directions, or n points. With Delta = 1 - e^-2t and Gamma = deviation^2 e^-2t + Delta
the signal of a cluster at time t is a = e^-t mean_norm / sqrt(Gamma).
"""

from __future__ import annotations

import math

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.diffusion import _squared_distance, noise_variance
from smbook.kernels.elementary import erfc, exp, log, sqrt, tanh
from smbook.kernels.rng import uniform

_FARTHEST, _STEP = 6.0, 0.25  # nodes of a Gaussian average
_NODES = 49
_HALVINGS = 60
_LONGEST = 20.0  # time at which nothing is left of any data
_ROOT_HALF = math.sqrt(0.5)
_LOG_TWO, _LOG_TWO_PI = math.log(2.0), math.log(2.0 * math.pi)
_NORM = _STEP / math.sqrt(2.0 * math.pi)


@kernel
def _below(x):
    """Return the normal distribution function at x."""
    return 0.5 * erfc(-x * _ROOT_HALF)


@kernel
def _variance(t, deviation):
    left = exp(-t)
    return deviation * deviation * (left * left) + noise_variance(t)


@kernel
def cluster_width(t, deviation):
    """Return sqrt(Gamma), the standard deviation of a cluster at time t.

    Examples
    --------
    >>> cluster_width(0.0, 0.5), cluster_width(2.0, 1.0)
    (0.5, 1.0)
    """
    return sqrt(_variance(t, deviation))


@kernel
def signal(t, mean_norm, deviation):
    """Return a, how far apart the clusters are at time t against their width; 1 at speciation.

    Examples
    --------
    >>> round(signal(np.log(2.0), 4.0, 1.0), 12)
    2.0
    """
    return exp(-t) * mean_norm / sqrt(_variance(t, deviation))


@kernel
def speciation(mean_norm, deviation):
    """Return the time at which a = 1, 1/2 ln(1 + mean_norm^2 - deviation^2); 0 where a is never as large.

    Examples
    --------
    >>> round(speciation(4.0, 1.0), 6), speciation(0.5, 1.0)
    (1.386294, 0.0)
    """
    gap = mean_norm * mean_norm - deviation * deviation
    if gap <= 0.0:
        return 0.0
    return 0.5 * log(1.0 + gap)


@kernel
def fill_sides(mean_norm, deviation, places, weights):
    """Spread `places` (k) over the law of u at t = 0 in the right cluster; `weights` (k) are their shares.

    Examples
    --------
    >>> places, weights = np.empty((2, 101))
    >>> fill_sides(3.0, 0.5, places, weights)
    >>> round(float(weights @ places), 7), round(float(weights @ (places - 3.0) ** 2), 7)
    (3.0, 0.25)
    """
    step, total = 2.0 * _FARTHEST / (places.size - 1), 0.0
    for k in range(places.size):
        z = step * k - _FARTHEST
        places[k] = mean_norm + deviation * z
        weights[k] = exp(-0.5 * z * z)
        total += weights[k]
    for k in range(places.size):
        weights[k] /= total


@kernel
def kept_side(t, places, weights):
    """Return how likely u at time t has the sign that it has at t = 0, where it has the law of these places.

    u_t is e^-t u_0 and noise of variance Delta, so it is the mean of Phi(e^-t abs(u_0) / sqrt(Delta)). For
    clusters far apart against their width it is Phi(a), 0.841 at speciation.

    Examples
    --------
    >>> places, weights = np.empty((2, 101))
    >>> fill_sides(4.0, 1.0, places, weights)
    >>> round(kept_side(np.log(4.0), places, weights), 3)
    0.841
    """
    scale, total = exp(-t) / sqrt(noise_variance(t)), 0.0
    for k in range(places.size):
        total += weights[k] * _below(scale * abs(places[k]))
    return total


@kernel
def clone_right(t, u, mean_norm, deviation):
    """Return how likely a point that is at u at time t has u > 0 at t = 0.

    It comes from the right cluster with probability 1 / (1 + exp(-2 e^-t mean_norm u / Gamma)), and is normal
    then, of variance deviation^2 Delta / Gamma; so is one of the left cluster.

    Examples
    --------
    >>> clone_right(1.0, 0.0, 4.0, 1.0), round(clone_right(np.log(4.0), 1.0, 4.0, 1.0), 4)
    (0.5, 0.8808)
    """
    left, spread = exp(-t), _variance(t, deviation)
    width = deviation * sqrt(noise_variance(t) / spread)
    share = 1.0 / (1.0 + exp(-2.0 * left * mean_norm * u / spread))
    pull = deviation * deviation * left / spread
    right = mean_norm + pull * (u - left * mean_norm)
    wrong = -mean_norm + pull * (u + left * mean_norm)
    return share * _below(right / width) + (1.0 - share) * _below(wrong / width)


@kernel
def clone_agreement(a):
    """Return how likely two clones of a point with signal a end in one cluster, averaged over such points.

    It is (1 + mean of tanh^2(a^2 + a z)) / 2, z standard normal: 0.7752 at speciation.

    Examples
    --------
    >>> clone_agreement(0.0), round(clone_agreement(1.0), 6)
    (0.5, 0.7752)
    """
    total = 0.0
    for k in range(_NODES):
        z = _STEP * k - _FARTHEST
        side = tanh(a * a + a * z)
        total += _NORM * exp(-0.5 * z * z) * side * side
    return 0.5 + 0.5 * total


@kernel
def _other_cluster(a, z):
    """Return what a point of the other cluster counts less as a rival than one of the own, as a logarithm."""
    return _LOG_TWO - log(1.0 + exp(-2.0 * (a * a + a * z)))


@kernel
def own_weight(t, n_points, n_dimensions, mean_norm, deviation):
    """Return about the mean weight that a point at time t gives the one of n points that it came from.

    It is the mean of 1 / (1 + e^-D), where D is what a point gains on its n - 1 rivals together: normal of
    mean d/2 ln(Gamma / Delta) - ln(n - 1) and variance d (1 - Delta / Gamma), and ln 2 more once the rivals
    of the other cluster are far away. It equals the mean of sum w^2, and the probability that two clones end
    on one point. The rivals are taken at their mean, so it is somewhat low before the collapse.

    Examples
    --------
    >>> round(own_weight(10.0, 50, 8, 4.0, 1.0), 6), round(own_weight(0.01, 50, 8, 4.0, 1.0), 3)
    (0.02, 1.0)
    """
    noise, spread = noise_variance(t), _variance(t, deviation)
    a, total = exp(-t) * mean_norm / sqrt(spread), 0.0
    centre = 0.5 * n_dimensions * log(spread / noise) - log(n_points - 1.0)
    width = sqrt(n_dimensions * max(1.0 - noise / spread, 0.0))
    for j in range(_NODES):
        side = _STEP * j - _FARTHEST
        gain = centre + _other_cluster(a, side)
        for k in range(_NODES):
            z = _STEP * k - _FARTHEST
            weight = _NORM * _NORM * exp(-0.5 * (z * z + side * side))
            total += weight / (1.0 + exp(-(gain + width * z)))
    return total


@kernel
def _information(t, n_dimensions, mean_norm, deviation):
    """Return how much x_t tells about the point it came from, in nats, of infinitely many."""
    a, total = signal(t, mean_norm, deviation), 0.0
    for k in range(_NODES):
        z = _STEP * k - _FARTHEST
        total += _NORM * exp(-0.5 * z * z) * _other_cluster(a, z)
    return total + 0.5 * n_dimensions * log(_variance(t, deviation) / noise_variance(t))


@kernel
def collapse(n_points, n_dimensions, mean_norm, deviation):
    """Return the time at which x_t tells ln n of the point that it came from: below, w is all on that one.

    Far below speciation it is 1/2 ln(1 + deviation^2 / ((n / 2)^(2 / d) - 1)), with the n / 2 points of one
    cluster, and with a single cluster the same with n.

    Examples
    --------
    >>> round(collapse(256, 16, 0.0, 1.0), 6), round(collapse(512, 16, 8.0, 1.0), 6)
    (0.346574, 0.346574)
    """
    low, high, bits = 0.0, _LONGEST, log(n_points)
    for _ in range(_HALVINGS):
        t = 0.5 * (low + high)
        if _information(t, n_dimensions, mean_norm, deviation) > bits:
            low = t
        else:
            high = t
    return 0.5 * (low + high)


@kernel
def points_potential(t, points, places, values):
    """Set `values` (k) to -ln P_t(u) at `places` of noise around the numbers `points` (n), each as likely.

    Examples
    --------
    >>> values = np.empty(2)
    >>> points_potential(0.1, np.array([-1.0, 1.0]), np.array([0.0, np.exp(-0.1)]), values)
    >>> values.round(4)
    array([2.3234, 0.7581])
    """
    left, variance = exp(-t), noise_variance(t)
    for k in range(places.size):
        least = np.inf
        for mu in range(points.size):
            way = places[k] - left * points[mu]
            least = min(least, way * way)
        total = 0.0
        for mu in range(points.size):
            way = places[k] - left * points[mu]
            total += exp((least - way * way) / (2.0 * variance))
        values[k] = least / (2.0 * variance) - log(total / points.size)
        values[k] += 0.5 * (_LOG_TWO_PI + log(variance))


@kernel
def draw_points(data, state, points):
    """Set each row of `points` (m, d) to a row of the data (n, d), each as likely, and with repetitions.

    Examples
    --------
    >>> from smbook.kernels.rng import seed_state
    >>> points = np.empty((3, 1))
    >>> draw_points(np.array([[1.0], [2.0]]), seed_state(1), points)
    >>> set(points.ravel().tolist()) <= {1.0, 2.0}
    True
    """
    for k in range(points.shape[0]):
        row = np.int64(uniform(state) * data.shape[0])
        for i in range(points.shape[1]):
            points[k, i] = data[row, i]


@kernel
def mean_nearest(t, data, points):
    """Return the mean distance of `points` (m, d) from the nearest e^-t a of the data (n, d).

    Examples
    --------
    >>> mean_nearest(0.0, np.array([[0.0, 1.0], [4.0, 0.0]]), np.array([[0.0, 0.0], [4.0, 3.0]]))
    2.0
    """
    left, total = exp(-t), 0.0
    for k in range(points.shape[0]):
        least = np.inf
        for mu in range(data.shape[0]):
            least = min(least, _squared_distance(points[k], left, data[mu]))
        total += sqrt(least)
    return total / points.shape[0]
