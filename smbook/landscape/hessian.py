"""The Hessian of a loss, as an operator: its products with vectors, and never the matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smbook.landscape._folding import Folding
from smbook.landscape._operator import Operator, Product, derivative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smbook.landscape._batches import Chunk
    from smbook.landscape._operator import Tensors
    from smbook.landscape._vectors import Vector
    from smbook.landscape.loss import Loss


class Hessian(Operator):
    """The Hessian of a loss at a point, an operator; `hessian` makes it and says what it does."""


class _Part(Product):
    """The gradient of a chunk's loss with its graph; one more derivative of it makes a product."""

    def __init__(self, loss: Loss, leaves: Tensors, chunk: Chunk) -> None:
        self._leaves = leaves
        with Folding():
            outputs = loss._outputs(leaves, chunk)
        value = loss._value(outputs, chunk)
        self._gradient = loss._derivative(value, leaves, create_graph=True)

    def __call__(self, vector: Tensors, chosen: Sequence[int]) -> Tensors:
        return derivative([self._gradient[k] for k in chosen], [self._leaves[k] for k in chosen], vector)

    def gradient(self, chosen: Sequence[int]) -> Tensors:
        return [self._gradient[k] for k in chosen]


Hessian._kind = _Part


def hessian(loss: Loss, theta: Vector | None = None, *, layers: str | Sequence[str] | None = None) -> Hessian:
    r"""Return the Hessian of a loss at theta, an operator.

    .. math:: H v = \nabla_\theta (\nabla_\theta L \cdot v)

    The gradient is computed once with its graph, and each product takes one more derivative of it, which
    costs about as much as a gradient, or two where convolutions take the time. A loss in several chunks, or
    one that reads its batches each time, has the graph of one chunk at a time in memory: then products with
    many columns at once are far cheaper than one after the other, as each graph serves them all. ReLU counts
    as linear, with the derivative 0 at its kink.

    Parameters
    ----------
    loss
        A `Loss`.
    theta
        The point (n_parameters,), a NumPy array or a torch tensor; None takes the parameters of the model.
    layers
        A name or several, as in `Loss.layers`, or of parts of the model that hold such: the operator is the
        block of these parameters, in the order of the model. None takes all.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or not finite, or there is no such layer.

    References
    ----------
    Pearlmutter (1994).

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from smbook.landscape import Loss
    >>> model = torch.nn.Linear(2, 1, bias=False).double()
    >>> loss = Loss(model, torch.nn.MSELoss(), np.array([[1.0, 0.0], [1.0, 2.0]]), np.zeros((2, 1)))
    >>> matrix = hessian(loss)
    >>> matrix @ np.array([1.0, 0.0])
    array([2., 2.])
    >>> matrix @ np.eye(2)
    array([[2., 2.],
           [2., 4.]])
    """
    return Hessian(loss, theta, layers)
