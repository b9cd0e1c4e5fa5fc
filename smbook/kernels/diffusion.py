"""Kernels for points that diffuse into noise and back: clusters, their scores, and steps of both processes.

Forward in time a point of d coordinates loses what it was, at the rate 1, and takes up noise,

    x_t = e^-t a + sqrt(Delta) z,    Delta = 1 - e^-2t,

where a is a point of the data and z is standard normal. The score is the gradient of ln P_t(x). Backward a
step of length dt is

    x <- x + (x + 2 score) dt + sqrt(2 dt) z.

Points are rows of float64 (m, d), scores too; data (n, d) are points at t = 0. Arrays never overlap. Scores
of data need t > 0.
"""

from __future__ import annotations

import math

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, exp_below_zero, expm1, log, sqrt, tanh
from smbook.kernels.rng import fill_normal, next_uint64, uniform

NODES_PER_UNIT = 1.4  # of the field's Gaussian; the error of the sum is exp(-2 (1.4 pi)^2), 2e-17
REACH = 9.0  # standard deviations, beyond which the field's Gaussian is below 3e-18

_NOTHING = -50.0  # exponent of a weight, against the largest, that adds nothing to a mean
_BLOCK = 512  # factors of at most 2, whose product is a float
_LOG_TWO_PI = math.log(2.0 * math.pi)


@kernel
def noise_variance(t):
    """Return Delta = 1 - e^-2t, the variance of the noise at time t.

    Examples
    --------
    >>> float(noise_variance(0.0)), float(noise_variance(np.log(2.0)))
    (0.0, 0.75)
    """
    return 0.0 - expm1(-2.0 * t)


@kernel
def draw_clusters(mean, deviation, state, points):
    """Fill `points` (n, d) with draws of two equal clusters, around `mean` (d) and -`mean`.

    Examples
    --------
    >>> from smbook.kernels.rng import seed_state
    >>> points = np.empty((4, 1))
    >>> draw_clusters(np.array([5.0]), 0.0, seed_state(1), points)
    >>> points.ravel().tolist()
    [5.0, -5.0, 5.0, 5.0]
    """
    for k in range(points.shape[0]):
        fill_normal(state, points[k])
        sign = 1.0 - 2.0 * np.float64(next_uint64(state) >> np.uint64(63))
        for i in range(points.shape[1]):
            points[k, i] = deviation * points[k, i] + sign * mean[i]


@kernel
def draw_rows(data, state, points):
    """Fill `points` (m, d) with rows of `data` (n, d), each drawn from all of them."""
    for k in range(points.shape[0]):
        mu = np.int64(uniform(state) * data.shape[0])
        for i in range(points.shape[1]):
            points[k, i] = data[mu, i]


@kernel
def draw_counted_spins(cumulated, state, points):
    """Fill `points` (n, d) with spins +1 and -1, as many up as a law says, anywhere.

    `cumulated` (d + 1) is the probability that at most so many are up.

    Examples
    --------
    >>> from smbook.kernels.rng import seed_state
    >>> points = np.empty((3, 4))
    >>> draw_counted_spins(np.array([0.0, 1.0, 1.0, 1.0, 1.0]), seed_state(1), points)
    >>> points.sum(axis=1).tolist()
    [-2.0, -2.0, -2.0]
    """
    d = points.shape[1]
    for k in range(points.shape[0]):
        chance, low, high = uniform(state), 0, d
        while low < high:
            middle = (low + high) // 2
            if chance < cumulated[middle]:
                high = middle
            else:
                low = middle + 1
        up = low
        for i in range(d):
            points[k, i] = -1.0
            if uniform(state) * (d - i) < up:
                points[k, i] = 1.0
                up -= 1


@kernel
def fill_noise(state, points):
    """Fill `points` (m, d) with standard normal numbers, what is left of any data at t = infinity."""
    for k in range(points.shape[0]):
        fill_normal(state, points[k])


@kernel
def add_noise(data, t, state, points):
    """Set each row of `points` (n, d) to e^-t times that of `data` and noise of variance Delta."""
    left, noise = exp(-t), sqrt(noise_variance(t))
    for k in range(points.shape[0]):
        fill_normal(state, points[k])
        for i in range(points.shape[1]):
            points[k, i] = left * data[k, i] + noise * points[k, i]


@kernel
def reverse_step(scores, dt, noise, state, points):
    """Move `points` (m, d) from time t back to t - dt, in place: x + (x + 2 score) dt + sqrt(2 dt) z.

    `noise` (d) is to work in; it holds the last point's z then.
    """
    strength = sqrt(2.0 * dt)
    for k in range(points.shape[0]):
        fill_normal(state, noise)
        for i in range(points.shape[1]):
            x = points[k, i]
            points[k, i] = x + ((x + 2.0 * scores[k, i]) * dt + strength * noise[i])


@kernel
def clusters_score(mean, deviation, t, points, scores):
    """Set `scores` to those of two clusters: -x / Gamma + (e^-t mean / Gamma) tanh(e^-t mean.x / Gamma).

    Gamma = deviation^2 e^-2t + Delta is the variance of a cluster at time t.

    Examples
    --------
    >>> scores = np.empty((2, 1))
    >>> clusters_score(np.array([0.5]), 1.0, 0.0, np.array([[1.0], [-1.0]]), scores)
    >>> scores.ravel().round(6).tolist()
    [-0.768941, 0.768941]
    """
    left = exp(-t)
    variance = deviation * deviation * (left * left) + noise_variance(t)
    for k in range(points.shape[0]):
        pull = left * tanh(left * _product(mean, points[k]) / variance)
        for i in range(points.shape[1]):
            scores[k, i] = (pull * mean[i] - points[k, i]) / variance


@kernel
def clusters_log_density(mean, deviation, t, points, values):
    """Set `values` (m) to ln P_t of two clusters at `points`.

    It is made of the distance to the nearer one, which keeps the digits where both are narrow.
    """
    left, d = exp(-t), points.shape[1]
    variance = deviation * deviation * (left * left) + noise_variance(t)
    for k in range(points.shape[0]):
        field = left * _product(mean, points[k]) / variance
        square, nearer = 0.0, left if field > 0.0 else -left
        for i in range(d):
            apart = points[k, i] - nearer * mean[i]
            square += apart * apart
        values[k] = log(0.5 * (1.0 + exp_below_zero(-2.0 * abs(field)))) - square / (2.0 * variance)
        values[k] -= 0.5 * d * (_LOG_TWO_PI + log(variance))


@kernel
def clusters_potential(mean_norm, deviation, t, places, values):
    """Set `values` (k) to -ln P_t(u) at `places` u along the line through both clusters.

    They are at mean_norm and -mean_norm; P_t(u) is the density of that coordinate alone. At u = 0 the
    potential has its minimum, or a hill between two wells: its curvature there is (1 - a^2) / Gamma with
    a = e^-t mean_norm / sqrt(Gamma).

    Examples
    --------
    >>> values = np.empty(3)
    >>> clusters_potential(2.0, 1.0, 0.0, np.array([-2.0, 0.0, 2.0]), values)
    >>> values.round(6).tolist()
    [1.61175, 2.918939, 1.61175]
    """
    left = exp(-t)
    variance = deviation * deviation * (left * left) + noise_variance(t)
    centre = left * mean_norm
    for k in range(places.size):
        u = places[k]
        values[k] = (u * u + centre * centre) / (2.0 * variance) - _log_cosh(centre * u / variance)
        values[k] += 0.5 * (_LOG_TWO_PI + log(variance))


@kernel
def empirical_score(data, t, points, weights, scores, participations, nearest):
    """Set `scores` to (e^-t sum_mu w_mu a_mu - x) / Delta, those of noise around the n points a of `data`.

    The weights w = softmax(-abs(x - e^-t a)^2 / 2 Delta) say from which point x may have come. `weights` (n)
    is to work in; it holds those of the last x then. `participations` (m) takes sum w^2, 1 where a single
    point is left and 1 / n where all are as good, and `nearest`, int64 (m), the point with the largest w.

    Examples
    --------
    >>> scores, participations, nearest = np.empty((1, 1)), np.empty(1), np.empty(1, dtype=np.int64)
    >>> data, weights = np.array([[1.0], [-1.0]]), np.empty(2)
    >>> empirical_score(data, 0.5, np.array([[0.3]]), weights, scores, participations, nearest)
    >>> scores.round(6).tolist(), weights.round(6).tolist(), nearest.tolist()
    ([[-0.205775]], [0.64008, 0.35992], [0])
    """
    left, variance = exp(-t), noise_variance(t)
    for k in range(points.shape[0]):
        participations[k], nearest[k] = _find_weights(data, left, variance, points[k], weights)
        for i in range(points.shape[1]):
            scores[k, i] = 0.0
        for mu in range(data.shape[0]):
            if weights[mu] > 0.0:
                for i in range(points.shape[1]):
                    scores[k, i] += weights[mu] * data[mu, i]
        for i in range(points.shape[1]):
            scores[k, i] = (left * scores[k, i] - points[k, i]) / variance


@kernel
def _find_weights(data, left, variance, point, weights):
    """Set `weights` (n) to the softmax, without what adds nothing; return sum w^2 and where it is largest."""
    largest = 0
    for mu in range(data.shape[0]):
        weights[mu] = -_squared_distance(point, left, data[mu]) / (2.0 * variance)
        if weights[mu] > weights[largest]:
            largest = mu
    top, total, squares = weights[largest], 0.0, 0.0
    for mu in range(data.shape[0]):
        exponent = weights[mu] - top
        weight = exp_below_zero(exponent)
        if not exponent > _NOTHING:
            weight = 0.0
        weights[mu] = weight
        total += weight
        squares += weight * weight
    for mu in range(data.shape[0]):
        weights[mu] /= total
    return squares / (total * total), largest


@kernel
def _squared_distance(point, left, other):
    """Return abs(x - e^-t a)^2, in four sums that the processor makes side by side."""
    a, b, c, e = 0.0, 0.0, 0.0, 0.0
    whole = point.size - point.size % 4
    for i in range(0, whole, 4):
        p, q = point[i] - left * other[i], point[i + 1] - left * other[i + 1]
        r, s = point[i + 2] - left * other[i + 2], point[i + 3] - left * other[i + 3]
        a += p * p
        b += q * q
        c += r * r
        e += s * s
    for i in range(whole, point.size):
        p = point[i] - left * other[i]
        a += p * p
    return (a + b) + (c + e)


@kernel
def curie_weiss_nodes(beta, d):
    """Return how many nodes the sum over the mean field has for d spins.

    Examples
    --------
    >>> int(curie_weiss_nodes(0.0, 32)), int(curie_weiss_nodes(1.5, 32))
    (27, 47)
    """
    return 2 * np.int64((sqrt(beta * d) + REACH) * NODES_PER_UNIT + 1.0) + 1


@kernel
def curie_weiss_score(beta, t, points, fields, tanhs, scores, log_weights):
    """Set `scores` to those of noise around spins a that have the weight exp(beta (sum a)^2 / 2 d).

    It is the Gaussian average of exp(y sqrt(beta / d) sum a) over a field y that the spins share, in which
    they are independent:

        score_i = (e^-t <tanh(y sqrt(beta / d) + h_i)> - x_i) / Delta,    h_i = e^-t x_i / Delta,

    y weighted by exp(-y^2 / 2) prod_i 2 cosh(y sqrt(beta / d) + h_i). That is a sum of Gaussians, one for
    each a, whose averages a sum over equidistant y gives with all digits. `fields` (d) and `tanhs` (d) are to
    work in. `log_weights` (m) takes ln P_t + ln Z, Z the sum of the weights of all a.
    """
    left, variance, d = exp(-t), noise_variance(t), points.shape[1]
    for k in range(points.shape[0]):
        square = 0.0
        for i in range(d):
            fields[i] = left * points[k, i] / variance
            apart = abs(points[k, i]) - left
            square += apart * apart
        log_weights[k] = _shared_field(beta, fields, tanhs, scores[k])
        log_weights[k] -= square / (2.0 * variance)
        log_weights[k] -= 0.5 * d * (_LOG_TWO_PI + log(variance))
        for i in range(d):
            scores[k, i] = (left * scores[k, i] - points[k, i]) / variance


@kernel
def curie_weiss_log_partition(beta, fields, tanhs, means):
    """Return ln sum_a exp(beta (sum a)^2 / 2 d + fields.a) of d spins, and set `means` (d) to their averages.

    Examples
    --------
    >>> fields, means = np.array([0.3, -0.1]), np.empty(2)
    >>> log_partition = curie_weiss_log_partition(0.0, fields, np.empty(2), means)
    >>> round(float(log_partition), 12), means.round(6).tolist()
    (1.435626819867, [0.291313, -0.099668])
    """
    size = 0.0
    for i in range(fields.size):
        size += abs(fields[i])
    return size + _shared_field(beta, fields, tanhs, means)


@kernel
def _shared_field(beta, fields, tanhs, means):
    """Sum over nodes of y, the largest term so far as the unit; return the logarithm less sum abs(h)."""
    d = fields.size
    scale = sqrt(beta / d)
    half = curie_weiss_nodes(beta, d) // 2
    top, total = -np.inf, 0.0
    for i in range(d):
        means[i] = 0.0
    for node in range(-half, half + 1):
        y = node / NODES_PER_UNIT
        term = _independent(y * scale, fields, tanhs) - 0.5 * y * y
        if term > top:
            shrink = exp(top - term)
            total *= shrink
            for i in range(d):
                means[i] *= shrink
            top = term
        weight = exp(term - top)
        total += weight
        for i in range(d):
            means[i] += weight * tanhs[i]
    for i in range(d):
        means[i] /= total
    return top + log(total) - 0.5 * _LOG_TWO_PI - log(NODES_PER_UNIT)


@kernel
def _independent(shared, fields, tanhs):
    """Return sum_i [ln 2 cosh(shared + h_i) - abs(h_i)], and set `tanhs` to the tanh of these fields.

    At early times the fields h are so large that what is shared would be lost beside them.
    """
    size, logs = 0.0, 0.0
    for first in range(0, fields.size, _BLOCK):
        product = 1.0
        for i in range(first, min(first + _BLOCK, fields.size)):
            field = shared + fields[i]
            decay = exp_below_zero(-2.0 * abs(field))
            size += abs(shared)
            if shared * fields[i] < 0.0:
                size -= 2.0 * min(abs(shared), abs(fields[i]))
            product *= 1.0 + decay
            value = (1.0 - decay) / (1.0 + decay)
            tanhs[i] = value if field > 0.0 else -value
        logs += log(product)
    return size + logs


@kernel
def _product(one, other):
    total = 0.0
    for i in range(one.size):
        total += one[i] * other[i]
    return total


@kernel
def _log_cosh(x):
    size = abs(x)
    return size + log(0.5 * (1.0 + exp_below_zero(-2.0 * size)))
