"""Kernels for the replica-symmetric states of a Hopfield network at extensive load, one point at a time.

A spin feels the field m + sigma z in units of the pattern, z a unit Gaussian and sigma^2 = alpha r. At given
T and y = m / sigma one equation with one root is left, for sigma, and alpha follows from it: ln alpha is a
concave function of ln y with one maximum, where retrieval ends, and the states beyond it are the stable ones.
They are found by Newton's steps from large y, which fall to the root and cannot pass it to another branch.
The spin glass has m = 0 and one equation with one root as well.

`smbook.theory.hopfield` says more; it averages over z in another way.
"""

from __future__ import annotations

import math

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, log, sqrt

RETRIEVAL, SPIN_GLASS, PARAMAGNET = np.int64(0), np.int64(1), np.int64(2)
LOST = np.int64(-1)  # a search that did not end

_COLDEST = 1e-9  # colder, what differs from T = 0 is of order T^2, less than rounding
_SMALLEST_LOAD = 1e-200
_STEPS = 200
_BEFORE_FOLD = 2.0  # less than any ratio y at which retrieval ends: 2.137 at T = 0, 2.091 at T = 1
_REACH = 9.5  # the Gaussian weight beyond is 3e-20 of that at 0
_APART = 11.0  # standard deviations from z = 0 beyond which a bend is not seen
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)  # of the Gaussian at 0
_ROOT_2_OVER_PI = math.sqrt(2.0 / math.pi)


@kernel
def order_parameters(kind, alpha, temperature, out):
    """Find a state for alpha, T >= 0; return 1, or 0 if there is none, or LOST if the search did not end.

    `kind` is RETRIEVAL, the stable state with m > 0; SPIN_GLASS, with m = 0 and q > 0; or PARAMAGNET, which
    counts only where it is stable. `out` (float64, 6) becomes m, q, r, the energy e and the free energy f per
    spin, and N <m_mu^2> of the overlap with any other pattern, r + (1 - q) / (1 - C) with C = (1 - q) / T.

    Source: Amit, Gutfreund and Sompolinsky (1985, 1987).

    Examples
    --------
    >>> out = np.empty(6)
    >>> int(order_parameters(RETRIEVAL, 0.05, 0.5, out))
    1
    >>> out[:3].round(6)
    array([0.904106, 0.833358, 1.874778])
    >>> int(order_parameters(RETRIEVAL, 0.05, 0.6, out))
    0
    """
    state = np.int64(0), 0.0, 0.0, 0.0, 0.0, 1.0
    if kind == RETRIEVAL and temperature < 1.0:
        state = _retrieval(alpha, temperature)
    if kind == SPIN_GLASS and alpha > 0.0 and temperature < 1.0 + sqrt(alpha):
        state = _spin_glass(alpha, temperature)
    if kind == PARAMAGNET and temperature >= 1.0 + sqrt(alpha):
        state = np.int64(1), 0.0, 0.0, 0.0, 1.0 / temperature, (temperature - 1.0) / temperature
    found, m, q, deviation, response, stiffness = state
    if found == 1:
        _note(alpha, temperature, m, q, deviation, response, stiffness, out)
    return found


@kernel
def _note(alpha, temperature, m, q, deviation, response, stiffness, out):
    r = 0.0
    if q > 0.0:
        r = q / (stiffness * stiffness)
    noise = response / stiffness  # of the patterns that nobody recalls
    energy = -m * m / 2.0 - alpha / 2.0 * (noise + response * r)
    free = energy
    if temperature > 0.0:
        entropy = _averages(temperature, m, deviation)[5] - alpha / 2.0 * (log(stiffness) + noise)
        free = energy - temperature * entropy
    out[0], out[1], out[2], out[3], out[4] = m, q, r, energy, free
    out[5] = r + temperature * noise


@kernel
def _retrieval(alpha, temperature):
    """Return whether there is the state, m, q, sigma, C and 1 - C."""
    load = max(alpha, _SMALLEST_LOAD)
    ratio = 1.0 / sqrt(load)
    for _ in range(_STEPS):
        m, q, deviation, response, stiffness, here, slope = _retrieval_at(ratio, temperature)
        if not slope < 0.0:
            return np.int64(0), m, q, deviation, response, stiffness
        excess = log(here / load)
        if excess > -1e-15:
            return np.int64(1), m, q, deviation, response, stiffness
        ratio = max(ratio * exp(-excess / slope), _BEFORE_FOLD)
    return LOST, 0.0, 0.0, 0.0, 0.0, 1.0


@kernel
def _retrieval_at(ratio, temperature):
    """Return m, q, sigma, C, 1 - C, alpha and d ln alpha / d ln y at y = m / sigma."""
    if temperature < _COLDEST:
        return _frozen_at(ratio, temperature)
    deviation = _deviation_at(ratio, temperature)
    _, q, sech, tilted, turned, _, skew = _averages(temperature, ratio * deviation, deviation)
    response = sech / temperature
    stiffness = 1.0 - response
    narrowing = ratio * stiffness / (tilted / temperature - ratio)  # d ln sigma / d ln y
    drop = 2.0 * deviation / temperature * (ratio * turned + narrowing * skew)  # of 1 - q
    slope = 2.0 * narrowing + drop * (2.0 / temperature / stiffness - 1.0 / q)
    load = deviation * stiffness * (deviation * stiffness) / q
    return ratio * deviation, q, deviation, response, stiffness, load, slope


@kernel
def _frozen_at(ratio, temperature):
    """Return the same next to T = 0, where a spin follows the sign of its field."""
    m = _inside(ratio)
    density = _ROOT_2_OVER_PI * exp(-ratio * ratio / 2.0)
    left = m - ratio * density
    response = ratio * density / m
    slope = -2.0
    if density > 0.0:
        slope = 2.0 * ratio * ratio * ratio * density / left - 2.0
    return m, 1.0 - temperature * response, m / ratio, response, left / m, (left / ratio) ** 2, slope


@kernel
def _inside(y):
    """Return erf(y / sqrt(2)), the Gaussian weight from -y to y, by a series of positive terms."""
    if y > _REACH:
        return 1.0
    term = y
    total = y
    n = 1.0
    while term > 1e-18 * total:
        n += 2.0
        term *= y * y / n
        total += term
    return min(1.0, _ROOT_2_OVER_PI * exp(-y * y / 2.0) * total)


@kernel
def _deviation_at(ratio, temperature):
    """Return the root sigma > 0 of <tanh(sigma (y + z) / T)> - sigma y, which is concave in sigma.

    Newton's steps start above: m < 1, and m^2 < 3 (1 - T^2) / 2 as tanh(u) < u / sqrt(1 + 2 u^2 / 3).
    """
    deviation = sqrt(min(1.0, 1.5 * (1.0 - temperature * temperature))) / ratio
    for _ in range(_STEPS):
        tanh, _, _, tilted, _, _, _ = _averages(temperature, ratio * deviation, deviation)
        excess = tanh - ratio * deviation
        change = excess / (tilted / temperature - ratio)
        deviation -= change
        if change < 1e-15 * deviation or excess > -1e-16:
            break
    return deviation


@kernel
def _spin_glass(alpha, temperature):
    """Return as `_retrieval`: with 1 - C = sqrt(alpha q) / sigma, what is to vanish falls as sigma rises."""
    root = sqrt(alpha)
    highest = root + _ROOT_2_OVER_PI  # sigma at T = 0
    if temperature < _COLDEST:
        response = _ROOT_2_OVER_PI / highest
        return np.int64(1), 0.0, 1.0 - temperature * response, highest, response, root / highest
    share = (1.0 + root - temperature) / (1.0 + 2.0 * root)
    low = log(temperature * min(sqrt(share), 0.7)) - 1e-6
    high = log(highest) + 1e-6
    for _ in range(_STEPS):
        middle = low + (high - low) / 2.0
        deviation = exp(middle)
        _, q, sech, _, _, _, _ = _averages(temperature, 0.0, deviation)
        stiffness = root * sqrt(q) / deviation
        if middle in (low, high):
            return np.int64(1), 0.0, q, deviation, sech / temperature, stiffness
        if sech / temperature + stiffness > 1.0:
            low = middle
        else:
            high = middle
    return LOST, 0.0, 0.0, 0.0, 0.0, 1.0


@kernel
def _averages(temperature, m, deviation):
    """Return averages over z, with u = (m + sigma z) / T and t = m / sigma + z.

    They are <tanh u>, <tanh^2 u>, <1 / cosh^2 u>, <t / cosh^2 u>, <tanh u / cosh^2 u>, the entropy
    <ln 2cosh u - u tanh u>, and <t tanh u / cosh^2 u>. Sums over equal steps of s with t = w sinh s, w no
    wider than the bend of tanh u is in z, converge exponentially. Where the bend is out of sight, steps of z
    itself are as good.
    """
    if deviation == 0.0:
        return 0.0, 0.0, 1.0, 0.0, 0.0, math.log(2.0), 0.0
    ratio = m / deviation
    bent = ratio < _APART
    width, step = 1.0, 0.25
    low, high = -_REACH, _REACH
    if bent:
        width = min(1.0, temperature / deviation)
        step = min(0.1, 0.5 / sqrt(width * width + ratio * ratio))
        low, high = _area_sinh((ratio - _REACH) / width), _area_sinh((ratio + _REACH) / width)
    count = np.int64((high - low) / step) + 2
    step = (high - low) / (count - 1)
    first, second, third, fourth, fifth, sixth, seventh = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(count):
        s = low + k * step
        t, z, weight = ratio + s, s, step
        if bent:
            grown = exp(s)
            t = width * (grown - 1.0 / grown) / 2.0
            z = t - ratio
            weight = step * width * (grown + 1.0 / grown) / 2.0
        weight *= _DENSITY * exp(-z * z / 2.0)
        size = abs(t) * deviation / temperature
        decay = exp(-2.0 * size)
        tanh = (1.0 - decay) / (1.0 + decay)
        if t < 0.0:
            tanh = -tanh
        sech = 4.0 * decay / ((1.0 + decay) * (1.0 + decay))
        first += weight * tanh
        second += weight * tanh * tanh
        third += weight * sech
        fourth += weight * t * sech
        fifth += weight * tanh * sech
        sixth += weight * (log(1.0 + decay) + 2.0 * size * decay / (1.0 + decay))
        seventh += weight * t * tanh * sech
    return first, second, third, fourth, fifth, sixth, seventh


@kernel
def _area_sinh(x):
    size = log(abs(x) + sqrt(x * x + 1.0))
    if x < 0.0:
        size = -size
    return size
