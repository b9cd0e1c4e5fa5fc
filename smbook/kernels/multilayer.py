"""Kernels for networks of several layers: what they answer, back-propagation, and gradient descent.

`widths` (int64) counts the inputs and then the units of each layer, the last of which is linear: it answers
with its fields. Units of the layers before answer with phi(field), by number

    IDENTITY   phi(x) = x
    TANH       tanh x
    RELU       max(x, 0), whose derivative at 0 counts as 0
    LOGISTIC   1 / (1 + e^-x)

`theta` (float64) holds for each layer its weights, a row a unit, and then its biases. The loss of an example
with the outputs o and the targets t is, by number

    SQUARED    sum (o - t)^2 / 2
    CROSS      sum ln(1 + e^(-t o)), with targets of +1 and -1

and that of many is their mean. To work in there are `activations` (rows, units), an example a row, the units
of all layers side by side but the inputs, so that the outputs come last; and `deltas` (units,), the
derivatives of a loss by the fields. Sums are plain ones in the order of the inputs: the same bits everywhere.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, log, tanh
from smbook.kernels.rng import next_uint64

IDENTITY, TANH, RELU, LOGISTIC = 0, 1, 2, 3
SQUARED, CROSS = 0, 1

LARGEST = 1e100  # of a loss, beyond which descent counts as run away


@kernel
def forward(widths, activation, theta, inputs, activations):
    """Fill the first rows of `activations` with what all units answer to `inputs` (rows, widths[0]).

    Examples
    --------
    >>> widths, theta = np.array([2, 1, 1]), np.array([1.0, 1.0, -1.5, 3.0, 0.5])
    >>> answers = np.empty((2, 2))
    >>> forward(widths, RELU, theta, np.array([[0.0, 1.0], [1.0, 1.0]]), answers)
    >>> answers
    array([[0. , 0.5],
           [0.5, 2. ]])
    """
    for row in range(inputs.shape[0]):
        _answer(widths, activation, theta, inputs[row], activations[row])


@kernel
def _answer(widths, activation, theta, example, units):
    """Set `units` to what they answer to one example."""
    start, first, before = 0, 0, example
    for layer in range(1, widths.size):
        n_inputs, n_units = widths[layer - 1], widths[layer]
        biases = start + n_inputs * n_units
        for i in range(n_units):
            field, at = theta[biases + i], start + i * n_inputs
            for j in range(n_inputs):
                field += theta[at + j] * before[j]
            units[first + i] = field
            if layer + 1 < widths.size:
                units[first + i] = respond(activation, field)
        before = units[first : first + n_units]
        start, first = biases + n_units, first + n_units


@kernel
def respond(activation, field):
    """Return phi(field).

    Examples
    --------
    >>> [respond(k, -2.0) for k in (IDENTITY, RELU)], respond(LOGISTIC, 0.0)
    ([-2.0, 0.0], 0.5)
    """
    if activation == TANH:
        return tanh(field)
    if activation == LOGISTIC:
        return _logistic(field)
    if activation == RELU and field <= 0.0:
        return 0.0
    return field


@kernel
def _logistic(x):
    """Return 1 / (1 + e^-x), without overflow."""
    if x < 0.0:
        small = exp(x)
        return small / (1.0 + small)
    return 1.0 / (1.0 + exp(-x))


@kernel
def _slope(activation, answer):
    """Return the derivative of phi where it is `answer`."""
    if activation == TANH:
        return (1.0 - answer) * (1.0 + answer)
    if activation == LOGISTIC:
        return answer * (1.0 - answer)
    if activation == RELU and answer <= 0.0:
        return 0.0
    return 1.0


@kernel
def mean_loss(loss, targets, activations):
    """Return the loss of the outputs, which stand last in the rows of `activations`.

    Examples
    --------
    >>> mean_loss(SQUARED, np.array([[1.0], [0.0]]), np.array([[0.5, 3.0], [9.9, 1.0]]))
    1.25
    """
    n_outputs, total = targets.shape[1], 0.0
    first = activations.shape[1] - n_outputs
    for row in range(targets.shape[0]):
        for i in range(n_outputs):
            total += _loss(loss, activations[row, first + i], targets[row, i])
    return total / targets.shape[0]


@kernel
def _loss(loss, output, target):
    """Return what one output adds to the loss of an example."""
    if loss == SQUARED:
        miss = output - target
        return miss * miss / 2.0
    return _softplus(-target * output)


@kernel
def _softplus(x):
    """Return ln(1 + e^x), which nears x or e^x far out, without overflow."""
    small = exp(-abs(x))
    one_more = 1.0 + small
    value = small
    if one_more > 1.0:
        value = log(one_more) * (small / (one_more - 1.0))  # makes up for the rounding of 1 + small
    return value + max(x, 0.0)


@kernel
def _loss_slope(loss, output, target):
    if loss == SQUARED:
        return output - target
    return -target * _logistic(-target * output)


@kernel
def backward(widths, activation, loss, theta, inputs, targets, activations, deltas, gradient):
    """Set `gradient` (theta.size) to the derivatives of the mean loss by theta, and return that loss.

    It calls `forward` itself. With the derivatives delta by the fields of a layer, those by its weights are
    delta_i times input j, and by the fields of the layer before it phi'(field_j) sum_i delta_i W_ij. Source:
    Rumelhart, Hinton and Williams (1986).

    Examples
    --------
    >>> widths, theta, gradient = np.array([1, 1]), np.array([2.0, 0.0]), np.empty(2)
    >>> data = np.array([[1.0], [3.0]]), np.array([[1.0], [5.0]])
    >>> backward(widths, IDENTITY, SQUARED, theta, *data, np.empty((2, 1)), np.empty(1), gradient)
    0.5
    >>> gradient
    array([2., 1.])
    """
    total = 0.0
    _clear(gradient)
    for row in range(inputs.shape[0]):
        total += _learn(
            widths, activation, loss, theta, inputs[row], targets[row], activations[row], deltas, gradient
        )
    _divide(gradient, inputs.shape[0])
    return total / inputs.shape[0]


@kernel
def _clear(values):
    for k in range(values.size):
        values[k] = 0.0


@kernel
def _divide(values, number):
    for k in range(values.size):
        values[k] /= number


@kernel
def _learn(widths, activation, loss, theta, example, target, units, deltas, gradient):
    """Add the derivatives of the loss of one example to `gradient`, and return the loss."""
    _answer(widths, activation, theta, example, units)
    first, total = units.size - target.size, 0.0
    for i in range(target.size):
        total += _loss(loss, units[first + i], target[i])
        deltas[first + i] = _loss_slope(loss, units[first + i], target[i])
    end = theta.size
    for layer in range(widths.size - 1, 0, -1):
        n_inputs, n_units = widths[layer - 1], widths[layer]
        biases = end - n_units
        start, before = biases - n_inputs * n_units, example
        if layer > 1:
            before = units[first - n_inputs : first]
            given, found = deltas[first : first + n_units], deltas[first - n_inputs : first]
            _pass_back(activation, theta[start:biases], given, before, found)
        _collect(deltas[first : first + n_units], before, gradient[start:end])
        end, first = start, first - n_inputs
    return total


@kernel
def _collect(deltas, before, gradient):
    """Add the derivatives by the weights and biases of a layer to its part of the gradient."""
    n_inputs = before.size
    biases = n_inputs * deltas.size
    for i in range(deltas.size):
        delta, at = deltas[i], i * n_inputs
        gradient[biases + i] += delta
        for j in range(n_inputs):
            gradient[at + j] += delta * before[j]


@kernel
def _pass_back(activation, weights, deltas, answers, found):
    """Set `found` to the derivatives by the fields of the layer before, whose units are at `answers`."""
    n_inputs = answers.size
    _clear(found)
    for i in range(deltas.size):
        delta, at = deltas[i], i * n_inputs
        for j in range(n_inputs):
            found[j] += delta * weights[at + j]
    for j in range(n_inputs):
        found[j] *= _slope(activation, answers[j])


@kernel
def descend(
    widths, activation, loss, rate, momentum, n_batch, inputs, targets, theta, velocity, order, state,
    activations, deltas, gradient, losses,
):  # fmt: skip
    """Make a step of gradient descent for each entry of `losses`, and return how many were made.

    A step sets v' = momentum v - rate g and theta' = theta + v', where g is the gradient of the mean loss of
    a batch, and notes the loss of that batch as it was before. Each batch is `n_batch` different examples out
    of all P, every such set alike; P of them are all, in the order of `order`, and nothing is drawn. A loss
    that is not below `LARGEST` ends the descent before its step.

    `velocity` goes on from call to call as theta does, and so does `order` (int64), at first 0 to P - 1.

    Examples
    --------
    >>> widths, theta, rest, losses = np.array([1, 1]), np.array([2.0, 0.0]), np.zeros(2), np.zeros(3)
    >>> data = np.array([[1.0], [3.0]]), np.array([[1.0], [5.0]])
    >>> room = np.empty((2, 1)), np.empty(1), np.empty(2)
    >>> order, state, kind = np.arange(2), np.arange(4, dtype=np.uint64), (IDENTITY, SQUARED)
    >>> descend(widths, *kind, 0.1, 0.0, 2, *data, theta, rest, order, state, *room, losses)
    3
    >>> theta.round(3), losses.round(4)
    (array([ 1.69 , -0.179]), array([0.5   , 0.145 , 0.0812]))
    """
    for step in range(losses.size):
        _draw(n_batch, order, state)
        total = 0.0
        _clear(gradient)
        for k in range(n_batch):
            row = order[k]
            total += _learn(
                widths, activation, loss, theta, inputs[row], targets[row], activations[k], deltas, gradient
            )
        losses[step] = total / n_batch
        if not losses[step] < LARGEST:
            return step
        _divide(gradient, n_batch)
        _step(rate, momentum, gradient, velocity, theta)
    return losses.size


@kernel
def _draw(n_batch, order, state):
    """Put a random set of so many examples first in `order`; all of them are left as they stand."""
    if n_batch < order.size:
        for k in range(n_batch):
            j = k + np.int64(next_uint64(state) % np.uint64(order.size - k))
            order[k], order[j] = order[j], order[k]


@kernel
def _step(rate, momentum, gradient, velocity, theta):
    for k in range(theta.size):
        velocity[k] = momentum * velocity[k] - rate * gradient[k]
        theta[k] += velocity[k]
