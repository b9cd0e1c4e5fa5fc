"""Kernels for soft committees: hidden units erf(x / sqrt(2)) whose answers are added up, online learning.

Weights are float64, of a student (K, N) and of its teacher (M, N). The overlaps w.w / N of all units, the
student's first, are (K + M, K + M).
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import erfc, exp, sqrt
from smbook.kernels.perceptron import _add, _dot
from smbook.kernels.rng import fill_normal
from smbook.kernels.students import arccos

_HALF_PI, _TWO_OVER_PI = 0.5 * np.pi, 2.0 / np.pi
_ROOT_TWO_OVER_PI, _ROOT_HALF = np.sqrt(2.0 / np.pi), np.sqrt(0.5)


@kernel
def draw_committee(state, orthonormal, scale, weights):
    """Draw weights (K, N), independent normal numbers of deviation `scale`.

    If `orthonormal` is 1 they are turned and stretched until the overlaps w.w / N are `scale` squared times
    the unit matrix, by Gram and Schmidt's procedure, twice over.

    Examples
    --------
    >>> from smbook.kernels.rng import seed_state
    >>> weights = np.empty((2, 5))
    >>> draw_committee(seed_state(1), 1, 2.0, weights)
    >>> (weights @ weights.T / 5).round(12) + 0.0
    array([[4., 0.],
           [0., 4.]])
    """
    for i in range(weights.shape[0]):
        fill_normal(state, weights[i])
        if orthonormal == 1:
            _make_orthogonal(weights, i)
    for i in range(weights.shape[0]):  # only now, as those of scale 0 have no direction
        for j in range(weights.shape[1]):
            weights[i, j] *= scale


@kernel
def _make_orthogonal(weights, i):
    """Take out of row i what lies along the rows before, and give it the length sqrt(N)."""
    for _ in range(2):
        for j in range(i):
            _add(weights[j], -_dot(weights[i], weights[j]) / _dot(weights[j], weights[j]), weights[i])
    factor = sqrt(weights.shape[1] / _dot(weights[i], weights[i]))
    for j in range(weights.shape[1]):
        weights[i, j] *= factor


@kernel
def committee_overlaps(weights, teacher, overlaps):
    """Fill `overlaps` (K + M, K + M) with w.w / N of all pairs of units, the student's first.

    Examples
    --------
    >>> overlaps = np.empty((2, 2))
    >>> committee_overlaps(np.array([[1.0, 3.0]]), np.array([[1.0, 1.0]]), overlaps)
    >>> overlaps
    array([[5., 2.],
           [2., 1.]])
    """
    k, n = weights.shape
    m = teacher.shape[0]
    for i in range(k):
        for j in range(i, k):
            overlaps[i, j] = overlaps[j, i] = _dot(weights[i], weights[j]) / n
        for j in range(m):
            overlaps[i, k + j] = overlaps[k + j, i] = _dot(weights[i], teacher[j]) / n
    for i in range(m):
        for j in range(i, m):
            overlaps[k + i, k + j] = overlaps[k + j, k + i] = _dot(teacher[i], teacher[j]) / n


@kernel
def committee_answer(weights, row):
    """Return what a committee (K, N) answers to one input (N), the sum of erf(w.x / sqrt(2 N)).

    Examples
    --------
    >>> round(committee_answer(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([2.0, 1.0])), 6)
    1.685402
    """
    scale = _ROOT_HALF / sqrt(row.size)
    answer = 0.0
    for i in range(weights.shape[0]):
        answer += 1.0 - erfc(scale * _dot(weights[i], row))
    return answer


@kernel
def learn_committee(weights, teacher, rate, noise, every, state, row, factors, overlaps):
    """Show fresh examples, and note all overlaps after each `every`-th, in `overlaps` (T, K + M, K + M).

    An input has independent standard normal components, and `noise` is the deviation of what is added to the
    teacher's answer. All units move by ``rate * (answer wanted - answer) * g'(x) / sqrt(N)`` times the input.
    `row` (N + 2) and `factors` (K) are to work in.

    Source: Saad and Solla (1995).

    Examples
    --------
    >>> from smbook.kernels.rng import seed_state
    >>> teacher, weights = np.array([[1.0, 1.0]]), np.array([[0.5, -0.5]])
    >>> overlaps = np.empty((1, 2, 2))
    >>> learn_committee(weights, teacher, 0.5, 0.0, 1000, seed_state(1), np.empty(4), np.empty(1), overlaps)
    >>> weights.round(6)
    array([[1., 1.]])
    """
    for entry in range(overlaps.shape[0]):
        for _ in range(every):
            _show(weights, teacher, rate, noise, state, row, factors)
        committee_overlaps(weights, teacher, overlaps[entry])


@kernel
def _show(weights, teacher, rate, noise, state, row, factors):
    """Draw one example, and learn from it."""
    n = weights.shape[1]
    pair, inputs = row[:2], row[2:]
    fill_normal(state, inputs)
    missing = committee_answer(teacher, inputs)
    if noise > 0.0:
        fill_normal(state, pair)
        missing += noise * pair[0]
    root = sqrt(n)
    for i in range(weights.shape[0]):
        field = _dot(weights[i], inputs) / root
        missing -= 1.0 - erfc(_ROOT_HALF * field)
        factors[i] = rate * _ROOT_TWO_OVER_PI * exp(-0.5 * field * field) / root
    for i in range(weights.shape[0]):
        _add(inputs, factors[i] * missing, weights[i])


@kernel
def push_committee(weights, teacher, size):
    """Push each unit i towards unit i of the teacher, and away from the mean of them all, by `size`.

    With an orthonormal teacher of as many units R_in grows by `size` times 1 - 1 / M for i = n and -1 / M
    else: a specialization, without a sum over any row or column.

    Examples
    --------
    >>> weights = np.zeros((2, 2))
    >>> push_committee(weights, np.array([[2.0, 0.0], [0.0, 2.0]]), 0.1)
    >>> weights
    array([[ 0.1, -0.1],
           [-0.1,  0.1]])
    """
    m = teacher.shape[0]
    for i in range(min(weights.shape[0], m)):
        _add(teacher[i], size, weights[i])
        for n in range(m):
            _add(teacher[n], -size / m, weights[i])


@kernel
def lean_committee(weights, teacher, scale, cross):
    """Multiply all weights by `scale`, and add `cross` times each of the teacher's units to each unit.

    Units at right angles to each other and to an orthonormal teacher then have all R_in = `cross`.

    Examples
    --------
    >>> weights = np.array([[0.0, 4.0]])
    >>> lean_committee(weights, np.array([[2.0, 0.0]]), 0.5, 0.1)
    >>> weights
    array([[0.2, 2. ]])
    """
    for i in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            weights[i, j] *= scale
        for n in range(teacher.shape[0]):
            _add(teacher[n], cross, weights[i])


@kernel
def specialization(overlaps, k):
    """Return how far R is from what all units share: the root of its squares less means of rows and columns.

    The squares are summed, and divided by the least of K and M less 1. It is s where R_in is a constant plus
    s for i = n, K = M, and 0 for units that are all alike; of one unit, or one of the teacher's, it is 0.

    Examples
    --------
    >>> round(specialization(np.array([[1.0, 0.0, 0.5, 0.3], [0.0, 1.0, 0.3, 0.5], [0.5, 0.3, 1.0, 0.0],
    ...     [0.3, 0.5, 0.0, 1.0]]), 2), 12)
    0.2
    """
    m = overlaps.shape[0] - k
    least = min(k, m) - 1
    squares = 0.0
    for i in range(k):
        for n in range(k, k + m):
            value = overlaps[i, n] - _row_mean(overlaps, i, k) - _column_mean(overlaps, n, k)
            value += _whole_mean(overlaps, k)
            squares += value * value
    return sqrt(squares / max(least, 1))


@kernel
def _row_mean(overlaps, i, k):
    m, total = overlaps.shape[0] - k, 0.0
    for n in range(k, k + m):
        total += overlaps[i, n]
    return total / m


@kernel
def _column_mean(overlaps, n, k):
    total = 0.0
    for i in range(k):
        total += overlaps[i, n]
    return total / k


@kernel
def _whole_mean(overlaps, k):
    total = 0.0
    for i in range(k):
        total += _row_mean(overlaps, i, k)
    return total / k


@kernel
def arcsin(x):
    """Return the angle between -pi / 2 and pi / 2 whose sine is x; x beyond 1 or -1 counts as that.

    Examples
    --------
    >>> arcsin(0.0), round(arcsin(0.5) * 6 / np.pi, 14), arcsin(1.0) * 2 / np.pi
    (0.0, 1.0, 1.0)
    """
    return _HALF_PI - arccos(x)


@kernel
def committee_error(overlaps, k):
    """Return the generalization error of k units of a student, by all overlaps (K + M, K + M).

    Source: Saad and Solla (1995).

    Examples
    --------
    >>> round(committee_error(np.array([[0.0, 0.0], [0.0, 1.0]]), 1), 12)
    0.166666666667
    """
    return 0.5 * _mean_square(overlaps, k)


@kernel
def _mean_square(overlaps, k):
    """Return the mean squared difference of both answers to fields with this covariance."""
    total = 0.0
    for c in range(overlaps.shape[0]):
        for d in range(overlaps.shape[0]):
            width = sqrt((1.0 + overlaps[c, c]) * (1.0 + overlaps[d, d]))
            angle = arcsin(overlaps[c, d] / width)
            if (c < k) != (d < k):
                angle = -angle
            total += angle
    return _TWO_OVER_PI * total


@kernel
def committee_slope(overlaps, k, rate, noise, tilted, slope):
    """Fill `slope` (K + M, K + M) with the change of all overlaps per alpha = examples / N, for large N.

    `tilted` (K + M, K + M) is to work in: the covariance of fields under the g' of one unit or of two. The
    same as `smbook.theory.dynamics.committee_flow`, where the formulas stand.

    Source: Saad and Solla (1995).

    Examples
    --------
    >>> slope = np.empty((2, 2))
    >>> committee_slope(np.array([[0.0, 0.0], [0.0, 1.0]]), 1, 1.5, 0.0, np.empty((2, 2)), slope)
    >>> slope.round(6)
    array([[0.477465, 0.675237],
           [0.675237, 0.      ]])
    """
    size = overlaps.shape[0]
    for b in range(size):
        for c in range(size):
            slope[b, c] = 0.0
    for i in range(k):
        _add_drift(overlaps, k, i, rate, tilted, slope)
        for j in range(i, k):
            _add_spread(overlaps, k, i, j, rate, noise, tilted, slope)


@kernel
def _add_drift(overlaps, k, i, rate, tilted, slope):
    """Add rate times the mean of delta_i h_b to the changes of the overlaps of unit i with all units b."""
    size, own = overlaps.shape[0], 1.0 + overlaps[i, i]
    for b in range(size):
        for c in range(size):
            tilted[b, c] = overlaps[b, c] - overlaps[i, b] * overlaps[i, c] / own
    scale = rate * _TWO_OVER_PI / sqrt(own)
    for b in range(size):
        total = 0.0
        for c in range(size):
            term = tilted[b, c] / sqrt(1.0 + tilted[c, c])
            if c < k:
                term = -term
            total += term
        slope[i, b] += scale * total
        slope[b, i] += scale * total


@kernel
def _add_spread(overlaps, k, i, j, rate, noise, tilted, slope):
    """Add the square of the rate times the mean of delta_i delta_j."""
    size, square = overlaps.shape[0], overlaps[i, j]
    first, second = 1.0 + overlaps[i, i], 1.0 + overlaps[j, j]
    determinant = first * second - square * square
    for c in range(size):
        for d in range(size):
            taken = second * overlaps[i, c] * overlaps[i, d] + first * overlaps[j, c] * overlaps[j, d]
            taken -= square * (overlaps[i, c] * overlaps[j, d] + overlaps[j, c] * overlaps[i, d])
            tilted[c, d] = overlaps[c, d] - taken / determinant
    spread = _TWO_OVER_PI * (_mean_square(tilted, k) + noise * noise) / sqrt(determinant)
    slope[i, j] += rate * rate * spread
    if i != j:
        slope[j, i] += rate * rate * spread


@kernel
def follow_committee(overlaps, k, rate, noise, step, n_steps, room):
    """Follow the equations of `committee_slope` from `overlaps` on, in place, in steps of Runge and Kutta.

    `step` is one of alpha, and `room` (4, K + M, K + M) to work in. One step errs by the fifth power of
    rate times step or so.

    Source: Kutta (1901).

    Examples
    --------
    >>> overlaps = np.array([[0.1, 0.0], [0.0, 1.0]])
    >>> follow_committee(overlaps, 1, 1.0, 0.0, 0.1, 2000, np.empty((4, 2, 2)))
    >>> overlaps.round(6)
    array([[1., 1.],
           [1., 1.]])
    """
    now, slope, total, tilted = room[0], room[1], room[2], room[3]
    for _ in range(n_steps):
        _move(overlaps, overlaps, 0.0, now)
        for stage in range(4):
            committee_slope(now, k, rate, noise, tilted, slope)
            weight, reach = step / 6.0, step
            if stage == 1 or stage == 2:
                weight = step / 3.0
            if stage < 2:
                reach = 0.5 * step
            if stage == 0:
                _move(overlaps, slope, weight, total)
            else:
                _move(total, slope, weight, total)
            _move(overlaps, slope, reach, now)
        _move(total, total, 0.0, overlaps)


@kernel
def _move(start, slope, step, end):
    for b in range(start.shape[0]):
        for c in range(start.shape[1]):
            end[b, c] = start[b, c] + step * slope[b, c]
