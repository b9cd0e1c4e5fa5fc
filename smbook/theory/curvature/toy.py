"""A loss whose only critical points are saddles, with everything about it known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def toy_loss(theta: ArrayLike, n: int, n_up: int) -> Values:
    r"""Return a loss of 2n + 1 parameters that has a saddle of any balance.

    .. math:: L(\theta) = \tfrac12 \theta_{2n+1} \Bigl(\sum_{i \le n_\uparrow} \theta_i^2
              - \sum_{n_\uparrow < i \le 2n} \theta_i^2\Bigr)

    At theta* = (0, ..., 0, 1) the gradient is 0, and the Hessian has n_up eigenvalues 1, 2n - n_up
    eigenvalues -1 and one 0: its trace is 2 (n_up - n), and that of its square 2n.
    (After Boettcher and Wheeler, arXiv:2208.13219.)

    Parameters
    ----------
    theta
        Parameters, shape (..., 2n + 1).
    n
        At least 1.
    n_up
        How many of the first 2n parameters curve upwards, from 0 to 2n.

    Returns
    -------
    Values
        Shape (...).

    Examples
    --------
    >>> toy_loss([1.0, 2.0, 3.0], 1, 1)
    -4.5
    """
    points, signs = _checked(theta, n, n_up)
    return plain(points[..., -1] * (points[..., :-1] ** 2 @ signs) / 2)


def toy_gradient(theta: ArrayLike, n: int, n_up: int) -> Floats:
    """Return the gradient of `toy_loss`, in the shape of theta.

    Examples
    --------
    >>> toy_gradient([1.0, 2.0, 3.0], 1, 1)
    array([ 3. , -6. , -1.5])
    """
    points, signs = _checked(theta, n, n_up)
    gradient = np.empty_like(points)
    gradient[..., :-1] = points[..., -1:] * signs * points[..., :-1]
    gradient[..., -1] = points[..., :-1] ** 2 @ signs / 2
    return gradient


def toy_hessian(theta: ArrayLike, n: int, n_up: int) -> Floats:
    """Return the Hessian of `toy_loss`, shape (..., 2n + 1, 2n + 1).

    Examples
    --------
    >>> toy_hessian([1.0, 2.0, 3.0], 1, 1)
    array([[ 3.,  0.,  1.],
           [ 0., -3., -2.],
           [ 1., -2.,  0.]])
    """
    points, signs = _checked(theta, n, n_up)
    size = points.shape[-1]
    hessian = np.zeros((*points.shape, size))
    inner = np.arange(size - 1)
    hessian[..., inner, inner] = points[..., -1:] * signs
    hessian[..., inner, -1] = hessian[..., -1, inner] = signs * points[..., :-1]
    return hessian


def toy_spectrum(theta: ArrayLike, n: int, n_up: int) -> Floats:
    r"""Return the eigenvalues of the Hessian of `toy_loss` at one point, in ascending order, shape (2n + 1,).

    With z = theta_{2n+1}, all but three are z or -z. These three belong to

    .. math:: \begin{pmatrix} z & 0 & p \\ 0 & -z & -q \\ p & -q & 0 \end{pmatrix}, \qquad
              p^2 = \sum_{i \le n_\uparrow} \theta_i^2, \quad q^2 = \sum_{n_\uparrow < i \le 2n} \theta_i^2

    which holds at n of any size without a large matrix.

    Examples
    --------
    >>> toy_spectrum([0.0, 0.0, 0.0, 0.0, 1.0], 2, 3)
    array([-1.,  0.,  1.,  1.,  1.])
    """
    points, signs = _checked(theta, n, n_up)
    if points.ndim != 1:
        raise ValueError(f"theta must be one point; got the shape {points.shape}")
    z, up, down = points[-1], points[:-1][signs > 0], points[:-1][signs < 0]
    sides = [(sign, np.sqrt((part**2).sum())) for sign, part in ((1.0, up), (-1.0, down)) if part.size]
    core = np.diag([sign * z for sign, _ in sides] + [0.0])
    core[-1, :-1] = core[:-1, -1] = [sign * length for sign, length in sides]
    plus, minus = np.full(max(up.size - 1, 0), z), np.full(max(down.size - 1, 0), -z)
    return np.sort(np.concatenate([plus, minus, np.linalg.eigvalsh(core)])) + 0.0


def _checked(theta: ArrayLike, n: int, n_up: int) -> tuple[Floats, Floats]:
    """Return the points and the sign of each of their first 2n parameters, or raise."""
    half = _checks.integer("n", n, minimum=1)
    up = _checks.integer("n_up", n_up, minimum=0, maximum=2 * half)
    points = _checks.reals("theta", theta)
    if points.ndim == 0 or points.shape[-1] != 2 * half + 1:
        raise ValueError(f"theta must have the shape (..., {2 * half + 1}); got {points.shape}")
    return points, np.where(np.arange(2 * half) < up, 1.0, -1.0)
