"""Kernels for points of two classes in the plane: the largest margin of a line, and what it bounds.

Inputs are float64 (P, 3): both coordinates of a point and a constant 1, whose weight is the bias; labels int8
+1 and -1 (P). The margin of weights w is the least y w.x, divided by the length of w. The largest margin that
there is is the distance from 0 to the convex hull of the points z = y x, and the w that has it points to the
nearest point of the hull. That one lies on a face through at most three of the z, so that all of these are
tried, some P^3 / 6 of them, each against all points. A margin is found too small by no more than rounding,
and never where there is none.

Coordinates that are multiples of 2^-10 between -2 and 2 are whole numbers of at most 12 bits. All products
that decide then fit into the 53 bits of a float64: nothing is rounded but the last quotient, and whether
there is a margin at all is decided exactly.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import sqrt


@kernel
def largest_margin(inputs, labels, weights, support):
    """Return the largest margin of any weights, 0 where none separate, inf where there are no points.

    `weights` (3) are set to those that have it, of length 1, or to 0; `support` (int64, 3) to the numbers of
    points at that distance, on which they rest, the latest first, and to -1 where there are fewer.

    Examples
    --------
    >>> weights, support = np.empty(3), np.empty(3, dtype=np.int64)
    >>> inputs = np.array([[1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [2.0, 1.0, 1.0]])
    >>> labels = np.array([1, -1, 1], dtype=np.int8)
    >>> largest_margin(inputs, labels, weights, support), weights, support
    (1.0, array([1., 0., 0.]), array([ 1,  0, -1]))
    """
    for k in range(3):
        weights[k], support[k] = 0.0, -1
    if labels.size == 0:
        return np.inf
    best = 0.0
    for i in range(labels.size):
        best = _try_point(inputs, labels, i, best, weights, support)
        for j in range(i):
            best = _try_edge(inputs, labels, i, j, best, weights, support)
            for k in range(j):
                best = _try_face(inputs, labels, i, j, k, best, weights, support)
    return best


@kernel
def _signed(inputs, labels, i):
    return labels[i] * inputs[i, 0], labels[i] * inputs[i, 1], labels[i] * inputs[i, 2]


@kernel
def _try_point(inputs, labels, i, best, weights, support):
    """Try the direction to the point z_i of the hull."""
    x, y, z = _signed(inputs, labels, i)
    return _try(inputs, labels, x, y, z, best, weights, support, i, -1, -1)


@kernel
def _try_edge(inputs, labels, i, j, best, weights, support):
    """Try the direction to the point nearest to 0 on the line through z_i and z_j, if it is between them."""
    x, y, z = _signed(inputs, labels, i)
    u, v, w = _signed(inputs, labels, j)
    u, v, w = u - x, v - y, w - z
    square, along = u * u + v * v + w * w, x * u + y * v + z * w
    if along >= 0.0 or along <= -square:
        return best
    x, y, z = square * x - along * u, square * y - along * v, square * z - along * w
    return _try(inputs, labels, x, y, z, best, weights, support, i, j, -1)


@kernel
def _try_face(inputs, labels, i, j, k, best, weights, support):
    """Try the normal of the plane through z_i, z_j and z_k."""
    a, b, c = _signed(inputs, labels, i)
    d, e, f = _signed(inputs, labels, j)
    g, h, q = _signed(inputs, labels, k)
    d, e, f = d - a, e - b, f - c
    g, h, q = g - a, h - b, q - c
    x, y, z = e * q - f * h, f * g - d * q, d * h - e * g
    height = x * a + y * b + z * c
    if height == 0.0:
        return best
    if height < 0.0:
        x, y, z = -x, -y, -z
    return _try(inputs, labels, x, y, z, best, weights, support, i, j, k)


@kernel
def _try(inputs, labels, x, y, z, best, weights, support, i, j, k):
    """Return the margin of (x, y, z), and keep these weights if it is larger than the best; else that."""
    length = sqrt(x * x + y * y + z * z)
    enough = best * length
    least = np.inf
    for mu in range(labels.size):
        field = labels[mu] * (x * inputs[mu, 0] + y * inputs[mu, 1] + z * inputs[mu, 2])
        if field <= enough:
            return best
        least = min(least, field)
    weights[0], weights[1], weights[2] = x / length, y / length, z / length
    support[0], support[1], support[2] = i, j, k
    return least / length


@kernel
def stability(inputs, labels, weights):
    """Return the margin of these weights, the least y w.x / abs(w); 0 where they are 0.

    It is negative where a point is on the wrong side.

    Examples
    --------
    >>> inputs, labels = np.array([[2.0, 0.0, 1.0], [-1.0, 1.0, 1.0]]), np.array([1, -1], dtype=np.int8)
    >>> stability(inputs, labels, np.array([3.0, 0.0, 0.0])), stability(inputs, labels, np.zeros(3))
    (1.0, 0.0)
    """
    least, square = np.inf, 0.0
    for k in range(weights.size):
        square += weights[k] * weights[k]
    if square == 0.0:
        return 0.0
    for mu in range(labels.size):
        field = 0.0
        for k in range(weights.size):
            field += weights[k] * inputs[mu, k]
        least = min(least, labels[mu] * field)
    return least / sqrt(square)


@kernel
def radius(inputs):
    """Return R, the length of the longest input.

    Examples
    --------
    >>> radius(np.array([[2.0, 2.0, 1.0], [0.0, 0.0, 1.0]]))
    3.0
    """
    largest = 0.0
    for mu in range(inputs.shape[0]):
        square = 0.0
        for k in range(inputs.shape[1]):
            square += inputs[mu, k] * inputs[mu, k]
        largest = max(largest, square)
    return sqrt(largest)


@kernel
def mistake_bound(radius, margin):
    """Return (R / kappa)^2, which the mistakes of the perceptron rule never exceed; inf without a margin.

    Source: Novikoff (1962).

    Examples
    --------
    >>> mistake_bound(3.0, 0.5), mistake_bound(3.0, 0.0)
    (36.0, inf)
    """
    return (radius / margin) * (radius / margin)


@kernel
def length_bounds(radius, margin, mistakes, least, most):
    """Set `least` and `most` to the bounds of abs(w) after M `mistakes` from w = 0: M kappa and sqrt(M) R.

    A correction by y x adds at least kappa along the weights of the largest margin, and at most R^2 to the
    square of the length, as it follows a mistake. Where both meet M is (R / kappa)^2.

    Source: Novikoff (1962).

    Examples
    --------
    >>> low, high = np.empty(3), np.empty(3)
    >>> length_bounds(3.0, 0.5, np.array([0.0, 4.0, 36.0]), low, high)
    >>> low, high
    (array([ 0.,  2., 18.]), array([ 0.,  6., 18.]))
    """
    for k in range(mistakes.size):
        least[k] = margin * mistakes[k]
        most[k] = sqrt(mistakes[k]) * radius
