"""Kernels for a laboratory in the plane: points of two classes, first weights, and what is answered there.

Points lie on a grid: their coordinates are multiples of 2^-10 from -2 to 2, so that the perceptron rule,
which only adds and multiplies them, is not rounded.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import sqrt, tanh
from smbook.kernels.rng import fill_normal, uniform

TWO_CLOUDS, NARROW_GAP, XOR, RING, MOONS = 0, 1, 2, 3, 4

GRID = 1024.0  # points a unit of length
EDGE = 2.0  # of the plane

_INSIDE = 1.9  # where points are drawn
_SHIFT = 0.8  # of a line from the middle, at most
_CLOUD, _SPREAD, _APART = (
    0.9,
    0.45,
    0.15,
)  # centres of clouds, their spread, and how far their points keep apart
_GAP, _NEAR = 0.06, 0.12  # half the gap, and how near the first points are to its middle
_DISC, _INNER, _OUTER = 0.55, 1.1, 1.6  # radii of a disc and of the ring around it
_NOISE = 0.1  # of moons


@kernel
def fill_points(kind, state, normal, points, labels):
    """Draw points (P, 2) and their labels (P, int8), +1 and -1 in turn; `normal` (2) is to work in.

    TWO_CLOUDS are Gaussian, on both sides of a line at random, from which all keep a distance; NARROW_GAP
    fills the square but for a narrow gap along such a line, with two points of each class close to it; XOR
    are the four points (+-1, +-1), +1 where the signs differ, and the same again beyond four; RING is a disc
    of +1 in a ring of -1; MOONS are two half circles that reach into each other.
    """
    fill_normal(state, normal)
    length = sqrt(normal[0] * normal[0] + normal[1] * normal[1])
    u, v, shift = normal[0] / length, normal[1] / length, _SHIFT * (2.0 * uniform(state) - 1.0)
    for i in range(labels.size):
        labels[i] = 1 - 2 * (i % 2)
        if kind == XOR:
            _corner(i % 4, points[i])
        elif kind == RING:
            _ring_point(labels[i], state, points[i])
        elif kind == MOONS:
            _moon_point(labels[i], state, normal, points[i])
        else:
            _side_point(kind, i, labels[i], u, v, shift, state, normal, points[i])
        points[i, 0], points[i, 1] = on_grid(points[i, 0]), on_grid(points[i, 1])


@kernel
def on_grid(x):
    """Return the multiple of 2^-10 nearest to x, for x above -4.

    Examples
    --------
    >>> on_grid(-0.3) * 1024
    -307.0
    """
    return np.float64(np.int64((x + 4.0) * GRID + 0.5)) / GRID - 4.0


@kernel
def _corner(i, point):
    """Set a point to a corner of a square, going around it from (-1, 1) on."""
    point[0] = -1.0 if i % 3 == 0 else 1.0
    point[1] = 1.0 if i < 2 else -1.0


@kernel
def _ring_point(label, state, point):
    """Draw a point of the disc or of the ring, uniform in its area."""
    low, high = 0.0, _DISC
    if label < 0:
        low, high = _INNER, _OUTER
    square = -1.0
    while square < low * low or square > high * high:
        point[0], point[1] = high * (2.0 * uniform(state) - 1.0), high * (2.0 * uniform(state) - 1.0)
        square = point[0] * point[0] + point[1] * point[1]


@kernel
def _moon_point(label, state, normal, point):
    """Draw a point of the upper moon (+1) or of the lower one."""
    fill_normal(state, normal)
    length = sqrt(normal[0] * normal[0] + normal[1] * normal[1])
    x, y = normal[0] / length, abs(normal[1]) / length
    fill_normal(state, normal)
    point[0] = x + _NOISE * normal[0] - 0.5 * label
    point[1] = label * (y - 0.3) + _NOISE * normal[1]


@kernel
def _side_point(kind, i, label, u, v, shift, state, normal, point):
    """Draw a point on its side of the line u x + v y = shift."""
    outside = True
    while outside:
        if kind == TWO_CLOUDS:
            fill_normal(state, normal)
            centre = shift + label * _CLOUD
            point[0], point[1] = centre * u + _SPREAD * normal[0], centre * v + _SPREAD * normal[1]
        else:
            point[0], point[1] = (
                _INSIDE * (2.0 * uniform(state) - 1.0),
                _INSIDE * (2.0 * uniform(state) - 1.0),
            )
        distance = label * (u * point[0] + v * point[1] - shift)
        outside = max(abs(point[0]), abs(point[1])) > _INSIDE
        if kind == TWO_CLOUDS:
            outside = outside or distance < _APART
        else:
            outside = outside or distance < _GAP or (i < 4 and distance > _NEAR)


@kernel
def draw_layers(widths, state, normal, theta):
    """Draw the first weights of a network: normal ones of standard deviation 1 / sqrt(inputs), biases 0.

    `theta` and `widths` are those of `smbook.kernels.multilayer`; `normal` (2) is to work in.
    """
    at, left = 0, 0
    for layer in range(1, widths.size):
        n_weights = widths[layer - 1] * widths[layer]
        spread = sqrt(np.float64(widths[layer - 1]))
        for k in range(n_weights):
            if left == 0:
                fill_normal(state, normal)
            theta[at + k] = normal[left] / spread
            left = 1 - left
        for k in range(widths[layer]):
            theta[at + n_weights + k] = 0.0
        at += n_weights + widths[layer]


@kernel
def fill_plane(points):
    """Set points (n^2, 2) to the middles of n x n cells of the plane, row by row, the uppermost row first."""
    n = np.int64(sqrt(np.float64(points.shape[0])) + 0.5)
    for k in range(points.shape[0]):
        points[k, 0] = EDGE * ((2.0 * (k % n) + 1.0) / n - 1.0)
        points[k, 1] = EDGE * (1.0 - (2.0 * (k // n) + 1.0) / n)


@kernel
def answers(activations, steepness, shades):
    """Set `shades` (P) to tanh(steepness * o) of the last column o: at 1/2, p(+1) - p(-1) of a logistic unit.

    Examples
    --------
    >>> found = np.empty(2)
    >>> answers(np.array([[9.0, 0.0], [9.0, np.inf]]), 0.5, found)
    >>> found
    array([0., 1.])
    """
    last = activations.shape[1] - 1
    for k in range(shades.size):
        shades[k] = tanh(steepness * activations[k, last])


@kernel
def count_wrong(activations, labels):
    """Return in how many rows the last column has not the sign of the label; 0 has none.

    Examples
    --------
    >>> count_wrong(np.array([[2.0], [0.0], [1.0]]), np.array([1, 1, -1], dtype=np.int8))
    2
    """
    last, wrong = activations.shape[1] - 1, 0
    for mu in range(labels.size):
        if labels[mu] * activations[mu, last] <= 0.0:
            wrong += 1
    return wrong


@kernel
def length(weights):
    """Return the length of the weights.

    Examples
    --------
    >>> length(np.array([3.0, 4.0]))
    5.0
    """
    square = 0.0
    for k in range(weights.size):
        square += weights[k] * weights[k]
    return sqrt(square)
