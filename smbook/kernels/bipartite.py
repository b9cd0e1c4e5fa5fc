"""Kernels for two layers of units with couplings between them only: what is not a matrix product.

A unit is of one of three kinds. With x its field, phi the logarithm of its sum over states,

    BINARY     0 or 1       mean 1 / (1 + exp(-x))    phi = ln(1 + exp(x))
    SPIN       -1 or +1     mean tanh(x)              phi = ln(2 cosh(x))
    GAUSSIAN   any number   mean x                    phi = x**2 / 2, of unit variance around the mean

Rows are states of a layer, columns its units. Fields are what comes out of a matrix product, without biases.
Means of units of two states are right to 2e-7, whatever the arrays' type: fields are rounded to float32, so
that a small probability e**x has the relative error 2e-7 (2 - x). Sums of phi are float64 to the last digits.
"""

from __future__ import annotations

import math

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, exp2_single, exp_below_zero, log
from smbook.kernels.rng import fill_normal, fill_uint64, next_uint64, uniform

BINARY, SPIN, GAUSSIAN = np.int64(0), np.int64(1), np.int64(2)

_LOG2_E = 1.0 / math.log(2.0)
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_STEP, _HALF = np.float32(2.0**-23), np.float32(0.5)
_LOW_BITS = np.uint32(9)
_FACTORS = 512  # between 1 and 2: their product is a float64


@kernel
def activate(kind, beta, fields, biases, state, words, halves, noise, means, units):
    """Draw units with fields beta fields + biases, and note their means.

    `fields`, `means` and `units` are (rows, columns), `biases` (columns). To work in: `words`, uint64, of
    half the columns, rounded up; `halves`, the same memory as uint32; `noise`, float64 (columns).
    A unit of two states is up if its probability exceeds an odd multiple of 2**-24 that is drawn from (0, 1).

    Examples
    --------
    >>> words, room, means, units = np.empty(1, np.uint64), np.empty(2), np.empty((1, 2)), np.empty((1, 2))
    >>> fields, state = np.array([[40.0, -40.0]]), np.arange(4, dtype=np.uint64)
    >>> activate(SPIN, 1.0, fields, np.zeros(2), state, words, words.view(np.uint32), room, means, units)
    >>> units
    array([[ 1., -1.]])
    """
    for row in range(fields.shape[0]):
        if kind == GAUSSIAN:
            fill_normal(state, noise)
            _draw_gaussian(beta, fields[row], biases, noise, means[row], units[row])
        else:
            fill_uint64(state, words)
            _draw_two_states(kind, beta, fields[row], biases, halves, means[row], units[row])


@kernel
def _two_states(kind):
    """Return the lower state of a unit, and the factor of its field in the power of two that decides."""
    if kind == SPIN:
        return -_ONE, np.float32(-2.0 * _LOG2_E)
    return _ZERO, np.float32(-_LOG2_E)


@kernel
def _draw_gaussian(beta, fields, biases, noise, means, units):
    for j in range(fields.size):
        means[j] = beta * fields[j] + biases[j]
        units[j] = means[j] + noise[j]


@kernel
def _draw_two_states(kind, beta, fields, biases, halves, means, units):
    low, gain = _two_states(kind)
    span, scale = _ONE - low, np.float32(beta)
    for j in range(fields.size):
        field = scale * np.float32(fields[j]) + np.float32(biases[j])
        up = _ONE / (_ONE + exp2_single(gain * field))
        means[j] = low + span * up
        drawn = (np.float32(np.int32(halves[j] >> _LOW_BITS)) + _HALF) * _STEP
        units[j] = _ONE if drawn < up else low


@kernel
def find_means(kind, beta, fields, biases, means):
    """Fill `means` (rows, columns) with those of units in the fields beta fields + biases."""
    for row in range(fields.shape[0]):
        _find_means(kind, beta, fields[row], biases, means[row])


@kernel
def _find_means(kind, beta, fields, biases, means):
    if kind == GAUSSIAN:
        for j in range(fields.size):
            means[j] = beta * fields[j] + biases[j]
    else:
        low, gain = _two_states(kind)
        span, scale = _ONE - low, np.float32(beta)
        for j in range(fields.size):
            field = scale * np.float32(fields[j]) + np.float32(biases[j])
            means[j] = low + span * (_ONE / (_ONE + exp2_single(gain * field)))


@kernel
def sum_cumulants(kind, beta, fields, biases, room, sums):
    """Add to sums[row] what phi makes of the fields beta fields + biases of that row, summed over units.

    The logarithm is taken of products of up to 512 factors 1 + exp(-abs(x)), so that it costs next to
    nothing. `room` is float64, (2, 512).

    Examples
    --------
    >>> sums = np.zeros(1)
    >>> sum_cumulants(BINARY, 1.0, np.zeros((1, 3)), np.zeros(3), np.empty((2, 512)), sums)
    >>> sums / np.log(2.0)
    array([3.])
    """
    factors, numbers = room[0], room[1]
    for row in range(fields.shape[0]):
        for first in range(0, biases.size, _FACTORS):
            count = min(_FACTORS, biases.size - first)
            for j in range(count):
                numbers[j] = beta * fields[row, first + j] + biases[first + j]
            sums[row] += _sum_block(kind, count, factors, numbers)


@kernel
def _sum_block(kind, count, factors, numbers):
    """Return the sum of phi of up to 512 fields, which stand in `numbers` and are written over."""
    if kind == GAUSSIAN:
        for j in range(count):
            numbers[j] *= 0.5 * numbers[j]
            factors[j] = 1.0
    elif kind == SPIN:
        for j in range(count):
            numbers[j] = abs(numbers[j])
            factors[j] = 1.0 + exp_below_zero(-2.0 * numbers[j])
    else:
        for j in range(count):
            factors[j] = 1.0 + exp_below_zero(-abs(numbers[j]))
            numbers[j] = max(numbers[j], 0.0)
    while count > 1:  # in pairs, which run in vectors
        half = (count + 1) // 2
        for j in range(count - half):
            factors[j] *= factors[half + j]
            numbers[j] += numbers[half + j]
        count = half
    return numbers[0] + log(factors[0])


@kernel
def find_log_weights(kinds, weights, biases, fields, first, units, local, room, out):
    """Fill `out` with the logarithms of the weights of the states first, first + 1, ... of a layer.

    The weight of a state h is exp(c . h) times the sum over all states of the other layer. Bit j of a number
    is set where unit j is up. `kinds` (int64, 2) are those of the layer and of the other one, `weights`
    (float64) has a row for each unit of the layer, `biases` are its own and `fields` the biases of the other
    layer. out.size is a power of two and `first` a multiple of it. A Gray code turns one unit from each state
    to the next. To work in: `units` and `local`, float64, of the layer and of the other one, and `room`
    (2, 512). Source: Gray (1953).
    """
    own, other = kinds[0], kinds[1]
    low = -1.0 if own == SPIN else 0.0
    for i in range(units.size):
        units[i] = 1.0 if (first >> i) & 1 else low
    _begin(weights, fields, units, local)
    total = 0.0
    for i in range(units.size):
        total += biases[i] * units[i]
    for k in range(out.size):
        if k > 0:
            i = 0
            while not (k >> i) & 1:
                i += 1
            change = (low - 1.0) if units[i] > 0.0 else (1.0 - low)
            units[i] += change
            total += change * biases[i]
            row = weights[i]
            for j in range(local.size):
                local[j] += change * row[j]
        found = total
        for start in range(0, local.size, _FACTORS):
            count = min(_FACTORS, local.size - start)
            for j in range(count):
                room[1, j] = local[start + j]
            found += _sum_block(other, count, room[0], room[1])
        out[k ^ (k >> 1)] = found


@kernel
def _begin(weights, fields, units, local):
    for j in range(local.size):
        local[j] = fields[j]
    for i in range(units.size):
        for j in range(local.size):
            local[j] += units[i] * weights[i, j]


@kernel
def gather(rows, order, out):
    """Copy the rows (int8) whose numbers are in `order` into `out`, of floating point."""
    for k in range(order.size):
        source, target = rows[order[k]], out[k]
        for j in range(target.size):
            target[j] = source[j]


@kernel
def shuffle(state, order):
    """Put the numbers in `order` (int64) into a random order. Source: Durstenfeld (1964)."""
    for k in range(order.size - 1, 0, -1):
        j = np.int64(next_uint64(state) % np.uint64(k + 1))
        order[k], order[j] = order[j], order[k]


@kernel
def exchange(state, betas, first, energies, at, tried, swapped):
    """Let neighbours first and first + 1, first + 2 and first + 3, ... of every ladder change places.

    energies[at[k, c]] is that of the state of ladder c at betas[k], E of exp(-beta E); `at` is (K, C). A swap
    happens with probability min(1, exp((beta_k - beta_k+1) (E_k - E_k+1))). `tried` and `swapped` (K - 1)
    count. Source: Geyer (1991).
    """
    for k in range(first, betas.size - 1, 2):
        for c in range(at.shape[1]):
            a, b = at[k, c], at[k + 1, c]
            gain = (betas[k] - betas[k + 1]) * (energies[a] - energies[b])
            tried[k] += 1
            if uniform(state) < exp(min(gain, 0.0)):
                at[k, c], at[k + 1, c] = b, a
                swapped[k] += 1
