"""Kernels for deep linear networks that learn by gradient descent on the mean squared error.

`widths` (int64, D + 1) counts the inputs and the units of each layer. `theta` (float64) holds the weights of
all layers, one after the other, a row a unit. The network answers W_D ... W_1 x, and all that it is taught
enters by two correlations: `cross` E[y x^T], (n_D, n_0), and `covariance` E[x x^T], (n_0, n_0).

To work in there are `forward` (units, n_0), with a row for each unit of each layer, for the products
W_l ... W_1, so that the map of all layers comes last; and `errors` (2, most, n_0), most being the largest
width. Sums are plain ones in the order of the units: the same bits everywhere.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, log, sqrt
from smbook.kernels.rng import fill_normal

LARGEST = 1e100  # of an entry of the map, beyond which descent counts as run away


@kernel
def follow(widths, theta, forward):
    """Fill `forward` with the products W_l ... W_1 of all layers.

    Examples
    --------
    >>> widths, forward = np.array([1, 2, 1]), np.empty((3, 1))
    >>> follow(widths, np.array([1.0, 2.0, 3.0, 4.0]), forward)
    >>> forward.ravel()
    array([ 1.,  2., 11.])
    """
    n, at, row, before = widths[0], 0, 0, 0
    for layer in range(1, widths.size):
        for i in range(widths[layer]):
            for k in range(n):
                total = theta[at + k]
                if layer > 1:
                    total = 0.0
                    for j in range(widths[layer - 1]):
                        total += theta[at + j] * forward[before + j, k]
                forward[row + i, k] = total
            at += widths[layer - 1]
        before, row = row, row + widths[layer]


@kernel
def step(widths, theta, cross, covariance, rate, forward, errors):
    """Make a step of gradient descent from where `forward` was filled.

    With B_D = E[y x^T] - W E[x x^T] the errors of the layers below are B_(l-1) = W_l^T B_l, and
    W_l grows by rate B_l (W_(l-1) ... W_1)^T.
    """
    n, depth = widths[0], widths.size - 1
    first = forward.shape[0] - widths[depth]
    for i in range(widths[depth]):
        for k in range(n):
            total = cross[i, k]
            for j in range(n):
                total -= forward[first + i, j] * covariance[j, k]
            errors[depth % 2, i, k] = total
    at = theta.size
    for layer in range(depth, 0, -1):
        at -= widths[layer] * widths[layer - 1]
        if layer > 1:
            first -= widths[layer - 1]
            _send_back(theta, at, widths[layer], widths[layer - 1], errors[layer % 2], errors[1 - layer % 2])
        _learn_layer(theta, at, widths[layer], widths[layer - 1], layer, rate, errors, forward, first)


@kernel
def _send_back(theta, at, n_units, n_inputs, error, below):
    """Set `below` to W^T times `error`."""
    for j in range(n_inputs):
        for k in range(error.shape[1]):
            below[j, k] = 0.0
    for i in range(n_units):
        for j in range(n_inputs):
            weight = theta[at + i * n_inputs + j]
            for k in range(error.shape[1]):
                below[j, k] += weight * error[i, k]


@kernel
def _learn_layer(theta, at, n_units, n_inputs, layer, rate, errors, forward, first):
    """Add to the weights of a layer its error times what comes in."""
    error = errors[layer % 2]
    for i in range(n_units):
        for j in range(n_inputs):
            total = error[i, j]
            if layer > 1:
                total = 0.0
                for k in range(error.shape[1]):
                    total += error[i, k] * forward[first + j, k]
            theta[at + i * n_inputs + j] += rate * total


@kernel
def descend(widths, theta, cross, covariance, rate, steps, forward, errors, maps):
    """Make `steps` steps before each entry of `maps` (n, n_D, n_0), and note in it what the network answers.

    `forward` must have been filled. What has run away is nan from then on.

    Examples
    --------
    >>> widths, theta, one = np.array([1, 1]), np.zeros(1), np.ones((1, 1))
    >>> maps = np.empty((3, 1, 1))
    >>> descend(widths, theta, one, one, 0.5, 1, np.zeros((1, 1)), np.empty((2, 1, 1)), maps)
    >>> maps.ravel()
    array([0.5  , 0.75 , 0.875])
    """
    first = forward.shape[0] - maps.shape[1]
    for entry in range(maps.shape[0]):
        for _ in range(steps):
            step(widths, theta, cross, covariance, rate, forward, errors)
            follow(widths, theta, forward)
            _lose(forward, first, theta)
        for i in range(maps.shape[1]):
            for k in range(maps.shape[2]):
                maps[entry, i, k] = forward[first + i, k]


@kernel
def _lose(forward, first, theta):
    """Make all nan where the map has run away."""
    largest = 0.0
    for i in range(first, forward.shape[0]):
        for k in range(forward.shape[1]):
            if not abs(forward[i, k]) <= LARGEST:
                largest = np.nan
    if largest != largest:
        for k in range(theta.size):
            theta[k] = np.nan
        for i in range(forward.shape[0]):
            for k in range(forward.shape[1]):
                forward[i, k] = np.nan


@kernel
def fill_random(widths, strength, state, theta):
    """Draw all weights from normal laws, of variance strength^(2/D) over the inputs of their layer."""
    fill_normal(state, theta)
    gain, at = root_of(strength, widths.size - 1), 0
    for layer in range(1, widths.size):
        scale = gain / sqrt(float(widths[layer - 1]))
        for _ in range(widths[layer] * widths[layer - 1]):
            theta[at] *= scale
            at += 1


@kernel
def fill_aligned(widths, strength, left, right, theta):
    """Let the first layer read the columns of `right`, the last one write those of `left`, one unit a mode.

    All layers are as strong, so that each mode has the given strength.
    """
    depth, at = widths.size - 1, 0
    gain = root_of(strength, depth)
    for layer in range(1, depth + 1):
        for i in range(widths[layer]):
            for j in range(widths[layer - 1]):
                theta[at] = gain * _aligned(i, j, layer, depth, left, right)
                at += 1


@kernel
def _aligned(i, j, layer, depth, left, right):
    """Return the weight of unit i for unit j in a layer of gain 1."""
    if 1 < layer < depth:
        if i == j and i < left.shape[1]:
            return 1.0
        return 0.0
    if depth == 1:
        total = 0.0
        for k in range(left.shape[1]):
            total += left[i, k] * right[j, k]
        return total
    if layer == 1 and i < right.shape[1]:
        return right[j, i]
    if layer == depth and j < left.shape[1]:
        return left[i, j]
    return 0.0


@kernel
def root_of(strength, depth):
    """Return strength^(1/depth).

    Examples
    --------
    >>> root_of(0.25, 1), root_of(0.25, 2), round(root_of(0.125, 3), 15), root_of(0.0, 3)
    (0.25, 0.5, 0.5, 0.0)
    """
    if depth == 2:
        return sqrt(strength)
    if depth > 2 and strength > 0.0:
        return exp(log(strength) / depth)
    return strength


@kernel
def compose(left, right, strengths, whole):
    """Set `whole` to the sum of strength times left times right of all modes.

    Examples
    --------
    >>> whole = np.empty((2, 2))
    >>> compose(np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]]), np.array([3.0]), whole)
    >>> whole
    array([[0., 3.],
           [0., 0.]])
    """
    for i in range(whole.shape[0]):
        for j in range(whole.shape[1]):
            total = 0.0
            for k in range(strengths.size):
                total += strengths[k] * left[i, k] * right[j, k]
            whole[i, j] = total


@kernel
def read_modes(left, right, whole, strengths):
    """Set `strengths` to u_k^T W v_k, and return the share of the squares of W that lies outside of them.

    Examples
    --------
    >>> one, strengths = np.eye(2), np.empty(2)
    >>> read_modes(one, one, np.array([[1.0, 1.0], [0.0, 0.0]]), strengths), strengths
    (0.5, array([1., 0.]))
    """
    squares, inside = 0.0, 0.0
    for i in range(whole.shape[0]):
        for j in range(whole.shape[1]):
            squares += whole[i, j] * whole[i, j]
    for k in range(strengths.size):
        total = 0.0
        for i in range(whole.shape[0]):
            for j in range(whole.shape[1]):
                total += left[i, k] * whole[i, j] * right[j, k]
        strengths[k] = total
        inside += total * total
    if squares > 0.0:
        return max(squares - inside, 0.0) / squares
    return squares


@kernel
def white_loss(cross, whole):
    """Return half the sum of squares of E[y x^T] - W, which for white inputs is the loss above the least.

    Examples
    --------
    >>> white_loss(np.array([[3.0, 0.0]]), np.array([[1.0, 1.0]]))
    2.5
    """
    total = 0.0
    for i in range(cross.shape[0]):
        for j in range(cross.shape[1]):
            total += (cross[i, j] - whole[i, j]) * (cross[i, j] - whole[i, j])
    return total / 2.0


@kernel
def largest_rate(depth, singular_values):
    """Return the rate 2 / (D s^(2 - 2/D)) that the strongest mode bears once it is learned.

    Examples
    --------
    >>> one = np.array([0.5, 4.0])
    >>> largest_rate(1, one), largest_rate(2, one), round(largest_rate(4, one), 12)
    (2.0, 0.25, 0.0625)
    """
    strongest = 0.0
    for k in range(singular_values.size):
        strongest = max(strongest, singular_values[k])
    root = root_of(strongest, depth)
    curvature = float(depth)
    for _ in range(2 * depth - 2):
        curvature *= root
    return 2.0 / curvature


@kernel
def _pull(depth, singular_value, weight):
    """Return du/dt = u^(D-1) (s - u^D), the gradient of one weight of a balanced mode."""
    power = 1.0
    for _ in range(depth - 1):
        power *= weight
    return power * (singular_value - power * weight)


@kernel
def _flow(depth, singular_value, weight, time):
    """Move a weight of a balanced mode by one step of fourth order (Runge and Kutta)."""
    a = _pull(depth, singular_value, weight)
    b = _pull(depth, singular_value, weight + time / 2.0 * a)
    c = _pull(depth, singular_value, weight + time / 2.0 * b)
    d = _pull(depth, singular_value, weight + time * c)
    return weight + time / 6.0 * (a + 2.0 * b + 2.0 * c + d)


@kernel
def flow_modes(depth, singular_values, initial, interval, step_size, strengths):
    """Set `strengths` (n, K) to those of gradient flow at times 0, interval, 2 interval, ...

    Balanced modes, integrated in steps of at most `step_size` (float). Below 0 only for depth 1.

    Examples
    --------
    >>> strengths = np.empty((2, 1))
    >>> flow_modes(2, np.array([2.0]), np.array([0.001]), 3.0, 0.01, strengths)
    >>> strengths.ravel().round(6)
    array([1.000000e-03, 1.975733e+00])
    """
    parts = max(1, int(interval / step_size) + 1)
    for k in range(singular_values.size):
        weight = root_of(initial[k], depth)
        for i in range(strengths.shape[0]):
            if i > 0:
                for _ in range(parts):
                    weight = _flow(depth, singular_values[k], weight, interval / parts)
            strengths[i, k] = weight
            for _ in range(depth - 1):
                strengths[i, k] *= weight


@kernel
def settling_time(depth, singular_values, initial, fraction, step_size, longest):
    """Return when the last mode has come to this share of its singular value, or `longest` if it is later.

    Balanced modes of one initial strength; those whose singular values are at most twice as large do not
    count.

    Examples
    --------
    >>> round(settling_time(2, np.array([2.0, 0.0]), 0.001, 0.5, 0.01, 100.0), 2)
    1.91
    """
    last = 0.0
    for k in range(singular_values.size):
        weight, time = root_of(initial, depth), 0.0
        goal = root_of(fraction * singular_values[k], depth)
        while weight < goal and time < longest and singular_values[k] > 2.0 * initial:
            weight = _flow(depth, singular_values[k], weight, step_size)
            time += step_size
        last = max(last, time)
    return min(last, longest)
