"""Kernels for optimizers on a loss of two parameters: gradient descent, heavy ball and Adam.

The losses L(x, y), with a condition number k for one of them:

    PRODUCT      (1 - x y)^2 / 2                    minima x y = 1, a saddle at 0
    BOWL         (u^2 + k v^2) / 2                  turned: u = (4 x + 3 y) / 5, v = (4 y - 3 x) / 5
    DOUBLE_WELL  (x^2 - 4)^2 / 32 + y^2 / 2         minima x = 2 and -2, a saddle at 0 between them

A step with the rate eta, the momentum beta and a gradient g is

    descent      theta' = theta - eta g + sqrt(2 eta T) xi
    heavy ball   w' = beta w - eta g + sqrt(2 (1 - beta) eta T) xi, theta' = theta + w'
    Adam         theta' = theta - eta m / (sqrt(v) + 1e-8) + sqrt(2 eta T) xi

with the same Gaussian numbers xi for all three, Adam's m and v the averages of g and g^2 with the factors
beta and 0.999, freed of their bias. With small steps the first two visit each point as often as exp(-L / T)
says; Adam does not.

States are float64 (3, 8), a row an optimizer: x, y, two numbers of w or m, two of v, and the powers of both
factors that the steps have made.
"""

from __future__ import annotations

import math

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import sqrt
from smbook.kernels.rng import fill_normal

PRODUCT, BOWL, DOUBLE_WELL = 0, 1, 2
DESCENT, HEAVY_BALL, ADAM = 0, 1, 2

LARGEST = 1e100  # of a coordinate, beyond which an optimizer counts as run away
SECOND_FACTOR = 0.999  # of Adam's average of squares
LEAST_ROOT = 1e-8  # added to its root

_LAST_RATE = math.sqrt(5.0) - 1.0  # at which the orbit of period two loses its stability


@kernel
def loss(landscape, condition, x, y):
    """Return L(x, y).

    Examples
    --------
    >>> loss(PRODUCT, 1.0, 3.0, 1.0), loss(BOWL, 10.0, 4.0, 3.0), loss(DOUBLE_WELL, 1.0, 0.0, 1.0)
    (2.0, 12.5, 1.0)
    """
    if landscape == PRODUCT:
        miss = x * y - 1.0
        return miss * miss / 2.0
    if landscape == BOWL:
        along, across = 0.8 * x + 0.6 * y, 0.8 * y - 0.6 * x
        return (along * along + condition * across * across) / 2.0
    height = x * x - 4.0
    return height * height / 32.0 + y * y / 2.0


@kernel
def fill_losses(landscape, condition, low, high, values):
    """Fill `values` (rows, columns) with L in the middles of cells, the least y first."""
    rows, columns = values.shape
    for i in range(rows):
        y = low + (high - low) * (i + 0.5) / rows
        for j in range(columns):
            x = low + (high - low) * (j + 0.5) / columns
            values[i, j] = loss(landscape, condition, x, y)


@kernel
def gradient(landscape, condition, x, y, slope):
    """Set `slope` to both derivatives of L."""
    slope[0], slope[1] = _gradient(landscape, condition, x, y)


@kernel
def _gradient(landscape, condition, x, y):
    if landscape == PRODUCT:
        miss = x * y - 1.0
        return miss * y, miss * x
    if landscape == BOWL:
        along, across = 0.8 * x + 0.6 * y, condition * (0.8 * y - 0.6 * x)
        return 0.8 * along - 0.6 * across, 0.6 * along + 0.8 * across
    return x * (x * x - 4.0) / 8.0, y


@kernel
def _hessian(landscape, condition, x, y):
    """Return the second derivatives by x x, x y and y y."""
    if landscape == PRODUCT:
        return y * y, 2.0 * x * y - 1.0, x * x
    if landscape == BOWL:
        return 0.64 + 0.36 * condition, 0.48 * (1.0 - condition), 0.36 + 0.64 * condition
    return (3.0 * x * x - 4.0) / 8.0, 0.0, 1.0


@kernel
def curvatures(landscape, condition, x, y, low_and_high):
    """Set `low_and_high` to both eigenvalues of the Hessian; the higher one is the sharpness."""
    a, b, c = _hessian(landscape, condition, x, y)
    centre, root = (a + c) / 2.0, sqrt((a - c) * (a - c) / 4.0 + b * b)
    low_and_high[0], low_and_high[1] = centre - root, centre + root


@kernel
def _sharpness(a, b, c):
    return (a + c) / 2.0 + sqrt((a - c) * (a - c) / 4.0 + b * b)


@kernel
def relative_rate(optimizer, landscape, condition, rate, momentum, state):
    """Return eta over the rate that the curvature bears where an optimizer is; above 1 none settles there.

    `state` (8,) is its row. The curvature is the sharpness, and for Adam that of the Hessian between the
    roots of its scales, as if these stood still; nan before its first step.
    """
    a, b, c = _hessian(landscape, condition, state[0], state[1])
    if optimizer == DESCENT:
        return rate * _sharpness(a, b, c) / 2.0
    if optimizer == HEAVY_BALL:
        return rate * _sharpness(a, b, c) / (2.0 * (1.0 + momentum))
    left = 1.0 - state[7]
    p, q = sqrt(state[4] / left) + LEAST_ROOT, sqrt(state[5] / left) + LEAST_ROOT
    return rate * (1.0 - momentum) * _sharpness(a / p, b / sqrt(p * q), c / q) / (2.0 * (1.0 + momentum))


@kernel
def begin(x, y, states):
    """Put all optimizers at x, y, at rest and without memory."""
    for k in range(3):
        for i in range(6):
            states[k, i] = 0.0
        states[k, 0], states[k, 1] = x, y
        states[k, 6] = states[k, 7] = 1.0


@kernel
def note(landscape, condition, rate, momentum, states, row):
    """Set `row` (3, 4) to x, y, the loss and the relative rate of each optimizer."""
    for k in range(3):
        row[k, 0], row[k, 1] = states[k, 0], states[k, 1]
        row[k, 2] = loss(landscape, condition, states[k, 0], states[k, 1])
        row[k, 3] = relative_rate(k, landscape, condition, rate, momentum, states[k])


@kernel
def advance(landscape, condition, rate, momentum, temperature, states, random_state, noise, record):
    """Make as many steps of all three as `record` (n, 3, 4) has entries, and note each in it.

    `noise` is room for two numbers, drawn in each step where the temperature is above 0. What has run away
    beyond `LARGEST` is nan from then on.
    """
    noise[0] = noise[1] = 0.0
    strength = sqrt(2.0 * rate * temperature)
    damped = strength * sqrt(1.0 - momentum)
    for i in range(record.shape[0]):
        if temperature > 0.0:
            fill_normal(random_state, noise)
        _descend(landscape, condition, rate, strength, noise, states[DESCENT])
        _roll(landscape, condition, rate, momentum, damped, noise, states[HEAVY_BALL])
        _adapt(landscape, condition, rate, momentum, strength, noise, states[ADAM])
        for k in range(3):
            if not (abs(states[k, 0]) <= LARGEST and abs(states[k, 1]) <= LARGEST):
                states[k, 0] = states[k, 1] = np.nan
        note(landscape, condition, rate, momentum, states, record[i])


@kernel
def _descend(landscape, condition, rate, strength, noise, state):
    x, y = _gradient(landscape, condition, state[0], state[1])
    state[0] += strength * noise[0] - rate * x
    state[1] += strength * noise[1] - rate * y


@kernel
def _roll(landscape, condition, rate, momentum, strength, noise, state):
    x, y = _gradient(landscape, condition, state[0], state[1])
    state[2] = momentum * state[2] + (strength * noise[0] - rate * x)
    state[3] = momentum * state[3] + (strength * noise[1] - rate * y)
    state[0] += state[2]
    state[1] += state[3]


@kernel
def _adapt(landscape, condition, rate, momentum, strength, noise, state):
    """Make a step of Adam (Kingma and Ba, 2015)."""
    x, y = _gradient(landscape, condition, state[0], state[1])
    state[6] *= momentum
    state[7] *= SECOND_FACTOR
    _adapt_one(0, x, rate, momentum, strength * noise[0], state)
    _adapt_one(1, y, rate, momentum, strength * noise[1], state)


@kernel
def _adapt_one(i, slope, rate, momentum, push, state):
    state[2 + i] = momentum * state[2 + i] + (1.0 - momentum) * slope
    state[4 + i] = SECOND_FACTOR * state[4 + i] + (1.0 - SECOND_FACTOR) * (slope * slope)
    root = sqrt(state[4 + i] / (1.0 - state[7])) + LEAST_ROOT
    state[i] += push - rate * (state[2 + i] / (1.0 - state[6])) / root


@kernel
def flow_end(landscape, x, y, end):
    """Set `end` to the place where gradient flow from x, y ends, after infinitely many steps of no length.

    On PRODUCT the flow keeps x^2 - y^2 and the sign of x + y; from a ridge it ends in the saddle.
    """
    u, v = 0.0, 0.0
    if landscape == PRODUCT and x != -y:
        balance = (x - y) * (x + y)
        larger = sqrt((sqrt(balance * balance + 4.0) + abs(balance)) / 2.0)
        if x + y < 0.0:
            larger = -larger
        u, v = larger, 1.0 / larger
        if balance < 0.0:
            u, v = v, u
    if landscape == DOUBLE_WELL and x > 0.0:
        u = 2.0
    if landscape == DOUBLE_WELL and x < 0.0:
        u = -2.0
    end[0], end[1] = u, v


@kernel
def stable_minima(rate, ends):
    """Set `ends` to the least and the largest x > 0 of minima x y = 1 of PRODUCT that attract at this rate.

    There x^2 + y^2 < 2 / eta; from eta = 1 on there are none, and both are nan.
    """
    largest = np.nan
    if rate < 1.0:
        sharpness = 2.0 / rate
        largest = sqrt((sharpness + sqrt((sharpness - 2.0) * (sharpness + 2.0))) / 2.0)
    ends[0], ends[1] = 1.0 / largest, largest


@kernel
def period_two(rate, points):
    """Set `points` to both x = y between which descent on PRODUCT jumps, the higher one first.

    They are nan where the orbit is not stable, outside of 1 < eta < sqrt(5) - 1.
    """
    wide, narrow = np.nan, np.nan
    if 1.0 < rate < _LAST_RATE:
        wide, narrow = sqrt(1.0 + 3.0 / rate), sqrt(1.0 - 1.0 / rate)
    points[0], points[1] = (wide + narrow) / 2.0, (wide - narrow) / 2.0


@kernel
def mean_loss(optimizer, landscape, condition, rate, momentum, temperature):
    """Return the mean loss in the long run, where it is known in closed form; nan elsewhere.

    In BOWL each of both eigenvalues adds T / 2 over 1 - eta / eta_max, where eta_max is the rate that it
    bears, for descent and heavy ball. Without noise, descent on PRODUCT has (1 - 1 / eta^2) / 4 on its stable
    orbit of period two.

    Examples
    --------
    >>> round(mean_loss(DESCENT, BOWL, 10.0, 0.1, 0.0, 0.3), 6), mean_loss(ADAM, BOWL, 10.0, 0.1, 0.9, 0.3)
    (0.457895, nan)
    """
    if landscape == BOWL and optimizer != ADAM:
        bears = 2.0 * (1.0 + momentum) if optimizer == HEAVY_BALL else 2.0
        if rate * condition >= bears or rate >= bears:
            return np.nan
        return temperature / 2.0 * (1.0 / (1.0 - rate / bears) + 1.0 / (1.0 - rate * condition / bears))
    if landscape == PRODUCT and optimizer == DESCENT and temperature == 0.0 and 1.0 < rate < _LAST_RATE:
        return (1.0 - 1.0 / (rate * rate)) / 4.0
    return np.nan
