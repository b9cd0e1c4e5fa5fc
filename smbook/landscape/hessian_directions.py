"""The two directions of outermost curvature, turned downhill."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch

from smbook.landscape import _vectors
from smbook.landscape.eigenpairs import Eigenpairs, extreme_eigenpairs
from smbook.landscape.hessian import hessian
from smbook.landscape.loss import Loss

if TYPE_CHECKING:
    from smbook.landscape._vectors import Vector


def hessian_directions(
    loss: Loss, theta: Vector | None = None, *, pairs: Eigenpairs | None = None, **options: Any
) -> Any:
    r"""Return the eigenvectors of the largest and of the smallest eigenvalue of the Hessian at theta.

    .. math:: v_{\max}^T H v_{\max} = \lambda_{\max}, \qquad v_{\min}^T H v_{\min} = \lambda_{\min}, \qquad
              v_{\max}^T H v_{\min} = 0

    so that the section along them has the Hessian diag(lambda_max, lambda_min) at its centre. If any plane
    shows a saddle, this one does. Each vector is turned such that g . v is not positive with the gradient g
    at theta: the loss does not rise along +v at first.

    Parameters
    ----------
    loss
        A `Loss`.
    theta
        The point, (N,); None takes the model's own parameters.
    pairs
        What `extreme_eigenpairs` has found for the Hessian at this point. None finds them now.
    **options
        Without `pairs`, those of `extreme_eigenpairs`: method, n_steps, tolerance, rng, progress.

    Returns
    -------
    NDArray | torch.Tensor
        Unit rows (2, N), the vector of the largest eigenvalue first, in the model's dtype; a tensor if theta
        is one.

    Warns
    -----
    UserWarning
        If the pairs that are found now have not converged: it tells their residuals.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or not finite; if `pairs` are of another number of
        parameters, or options are given beside them.
    NotConvergedError
        As `extreme_eigenpairs`.

    References
    ----------
    Boettcher and Wheeler (2024).

    Examples
    --------
    >>> import numpy as np
    >>> from smbook.landscape import Loss
    >>> model = torch.nn.Linear(2, 1, bias=False).double()
    >>> rows, theta = np.diag([1.0, 3.0]), np.array([1.0, -1.0])
    >>> loss = Loss(model, torch.nn.MSELoss(), rows, np.zeros((2, 1)))
    >>> hessian_directions(loss, theta, rng=1).round(6) + 0.0
    array([[ 0.,  1.],
           [-1.,  0.]])
    """
    if not isinstance(loss, Loss):
        raise TypeError(f"loss must be a Loss; got {type(loss).__name__}")
    gradient = _vectors.to_array(torch.as_tensor(loss.gradient(theta))).astype("float64")
    if pairs is None:
        pairs = _found(loss, theta, options)
    else:
        _check_pairs(loss, pairs, options)
    rows = pairs.vectors.copy()
    rows[rows.astype("float64") @ gradient > 0.0] *= -1.0
    tensor = torch.as_tensor(rows, dtype=loss.dtype, device=loss.device)
    return _vectors.like(tensor, theta)


def _found(loss: Loss, theta: Any, options: dict[str, Any]) -> Eigenpairs:
    pairs = extreme_eigenpairs(hessian(loss, theta), **options)
    if not pairs.converged:
        warnings.warn(f"directions have not converged: {pairs!r}", stacklevel=3)
    return pairs


def _check_pairs(loss: Loss, pairs: Any, options: dict[str, Any]) -> None:
    if not isinstance(pairs, Eigenpairs):
        raise TypeError(f"pairs must be Eigenpairs; got {type(pairs).__name__}")
    if options:
        raise TypeError(f"pairs are found already; got options for a search: {', '.join(options)}")
    if pairs.vectors.shape != (2, loss.n_parameters):
        raise ValueError(
            f"pairs must be vectors of the loss's {loss.n_parameters} parameters, (2, {loss.n_parameters}); "
            f"got the shape {pairs.vectors.shape}"
        )
