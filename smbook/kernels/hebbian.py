"""Kernels for one linear unit y = w.x that learns without a teacher, by Hebb's rule and by Oja's.

A pass shows examples, rows of `inputs` (P, N), in the order of their numbers in `order` (int64), and changes
`weights` (N,) after each. Inputs and weights are float64.
"""

from __future__ import annotations

from smbook.kernels import kernel


@kernel
def respond(x, weights):
    """Return y = w.x, added up from the first input to the last."""
    y = 0.0
    for i in range(weights.size):
        y += weights[i] * x[i]
    return y


@kernel
def hebb_pass(inputs, order, rate, weights):
    """Let weights grow by w += rate y x, once an example. Source: Hebb (1949).

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.array([1.0, 0.0])
    >>> hebb_pass(np.array([[1.0, 2.0]]), np.array([0]), 0.5, weights)
    >>> weights
    array([1.5, 1. ])
    """
    for k in range(order.size):
        x = inputs[order[k]]
        change = rate * respond(x, weights)
        for i in range(weights.size):
            weights[i] += change * x[i]


@kernel
def oja_pass(inputs, order, rate, weights):
    """Let weights learn by w += rate y (x - y w), once an example. Source: Oja (1982).

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.array([1.0, 0.0])
    >>> oja_pass(np.array([[1.0, 2.0]]), np.array([0]), 0.5, weights)
    >>> weights
    array([1., 1.])
    """
    for k in range(order.size):
        x = inputs[order[k]]
        y = respond(x, weights)
        for i in range(weights.size):
            weights[i] += rate * y * (x[i] - y * weights[i])
