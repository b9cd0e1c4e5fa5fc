"""The Gauss-Newton matrix of a loss: the curvature that comes from that of the loss function alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from smbook.landscape._folding import Folding
from smbook.landscape._operator import Operator, Product, derivative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smbook.landscape._batches import Chunk
    from smbook.landscape._operator import Tensors
    from smbook.landscape._vectors import Vector
    from smbook.landscape.loss import Loss


class GaussNewton(Operator):
    """The Gauss-Newton matrix of a loss at a point, an operator; `gauss_newton` makes it."""


class _Part(Product):
    """The outputs of a chunk, with what makes a product with J, with B, and with J^T, of them.

    u -> J^T u is linear, and its derivative by u, along v, is J v.
    """

    def __init__(self, loss: Loss, leaves: Tensors, chunk: Chunk) -> None:
        self._leaves = leaves
        with Folding():
            self._outputs = loss._outputs(leaves, chunk)
        if not isinstance(self._outputs, torch.Tensor):
            raise TypeError(f"model must return one tensor; got {type(self._outputs).__name__}")
        self._free = self._outputs.detach().requires_grad_()
        value = loss._value(self._free, chunk)
        self._slope = loss._derivative(value, [self._free], create_graph=True)
        self._dummy = torch.zeros_like(self._free).requires_grad_()
        self._back = torch.autograd.grad(
            self._outputs, leaves, self._dummy, create_graph=True, materialize_grads=True
        )

    def __call__(self, vector: Tensors, chosen: Sequence[int]) -> Tensors:
        moved = derivative([self._back[k] for k in chosen], [self._dummy], vector)
        bent = derivative(self._slope, [self._free], moved)
        return derivative([self._outputs], [self._leaves[k] for k in chosen], bent)

    def gradient(self, chosen: Sequence[int]) -> Tensors:
        slope = [each.detach() for each in self._slope]
        return derivative([self._outputs], [self._leaves[k] for k in chosen], slope)


GaussNewton._kind = _Part


def gauss_newton(
    loss: Loss, theta: Vector | None = None, *, layers: str | Sequence[str] | None = None
) -> GaussNewton:
    r"""Return the Gauss-Newton matrix of a loss at theta, an operator.

    .. math:: G = J^T B J, \qquad J = \frac{\partial f}{\partial \theta}, \qquad
              B = \frac{\partial^2 \ell}{\partial f^2}

    for the outputs f of the model. It is the Hessian of the loss with a model that is linearised at theta:
    the Hessian itself if the model is linear, and where all that a model learns fits its targets. It has no
    negative eigenvalue if the loss function is convex. For a network of ReLU its diagonal is that of the
    Hessian, but for parameters that are used twice.

    Parameters
    ----------
    loss, theta, layers
        As for `hessian`.

    Raises
    ------
    TypeError, ValueError
        As `hessian`, or if the model returns anything but one tensor.

    References
    ----------
    Schraudolph (2002).

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from smbook.landscape import Loss
    >>> model = torch.nn.Linear(2, 1, bias=False).double()
    >>> loss = Loss(model, torch.nn.MSELoss(), np.array([[1.0, 0.0], [1.0, 2.0]]), np.zeros((2, 1)))
    >>> gauss_newton(loss) @ np.eye(2)
    array([[2., 2.],
           [2., 4.]])
    """
    return GaussNewton(loss, theta, layers)
