"""The curvature of low-dimensional sections of a landscape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.landscape.hessian import hessian

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.landscape.loss import Loss

    Reals = NDArray[np.float64]


class SectionCurvatures(NamedTuple):
    """The slopes (k,), second derivatives (k, k) and principal curvatures (k,) of a section at its centre.

    Two results are equal if all their numbers are.
    """

    gradient: Reals
    hessian: Reals
    curvatures: Reals

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        slope = np.linalg.norm(self.gradient)
        values = ", ".join(f"{value:.4g}" for value in self.curvatures)
        return f"SectionCurvatures({values}; slope {slope:.3g})"


def principal_curvatures(gradient: ArrayLike, hessian: ArrayLike) -> Reals:
    r"""Return the principal curvatures of the graph of a function, ascending.

    They are the eigenvalues of the second fundamental form relative to the first,

    .. math:: \mathrm I^{-1} \mathrm{II}, \qquad \mathrm I = 1 + g g^T, \qquad
              \mathrm{II} = \frac{H}{\sqrt{1 + |g|^2}}

    with the gradient g and the Hessian H. Where g = 0 they are the eigenvalues of H; elsewhere they have the
    signs of those. Points are graded as if drawn with axes of one unit: functions of rescaled variables, such
    as sections along longer directions, have other curvatures. (Boettcher and Wheeler 2024.)

    Parameters
    ----------
    gradient
        (k,), or (..., k) at several points.
    hessian
        (k, k), or (..., k, k), symmetric.

    Returns
    -------
    NDArray[np.float64]
        (k,), or (..., k).

    Raises
    ------
    TypeError, ValueError
        If an entry is no finite real number; if the shapes do not fit, or a Hessian is not symmetric.

    Examples
    --------
    At a critical point of a saddle, and on the slope of a parabola y = x^2 / 2 at x = 1:

    >>> principal_curvatures([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]]).round(12).tolist()
    [-1.0, 3.0]
    >>> round(float(principal_curvatures([1.0], [[1.0]])[0]), 6)
    0.353553
    """
    slopes, second = _checks.reals("gradient", gradient), _checks.reals("hessian", hessian)
    if not slopes.ndim or not slopes.shape[-1] or second.shape != (*slopes.shape, slopes.shape[-1]):
        raise ValueError(
            f"hessian must be (..., k, k) where gradient is (..., k); got {second.shape} and {slopes.shape}"
        )
    check_symmetric("hessian", second)
    steep = np.linalg.norm(slopes, axis=-1)[..., np.newaxis, np.newaxis]
    normal = np.hypot(1.0, steep)
    frame = _frame(slopes[..., np.newaxis] / np.where(steep > 0, steep, 1.0))
    form = frame @ (second / normal) @ frame
    form[..., :1, :] /= normal
    form[..., :, :1] /= normal
    return np.asarray(np.linalg.eigvalsh((form + np.swapaxes(form, -1, -2)) / 2.0))


def projected_hessian(operator: Any, directions: Any, theta: Any = None) -> Reals:
    r"""Return the Hessian of a section, D H D^T.

    .. math:: \frac{\partial^2}{\partial\alpha_i \partial\alpha_j}
              L\Bigl(\theta + \sum_i \alpha_i d_i\Bigr) = d_i^T H d_j

    It costs k products of the Hessian with a vector.

    Parameters
    ----------
    operator
        A `Loss`, whose Hessian is taken, or a symmetric operator: anything with a shape (N, N) and ``@``.
    directions
        The rows d_i, (k, N), or one direction (N,).
    theta
        The point, for a `Loss` only; None takes the model's own parameters.

    Returns
    -------
    NDArray[np.float64]
        (k, k), symmetric.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape; if `theta` is given beside an operator.

    Examples
    --------
    >>> projected_hessian(np.diag([1.0, 1.0, -1.0]), np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]])).tolist()
    [[5.0, 0.0], [0.0, -1.0]]
    """
    matrix = _operator(operator, theta)
    rows = _rows(directions, matrix.shape[1])
    dtype = getattr(matrix, "dtype", np.float64)
    columns = rows.T if not isinstance(dtype, np.dtype) or dtype.kind != "f" else rows.T.astype(dtype)
    found = rows @ _array(matrix @ columns)
    return np.asarray((found + found.T) / 2.0)


def section_curvatures(loss: Loss, directions: Any, theta: Any = None) -> SectionCurvatures:
    """Return the slopes, the second derivatives and the principal curvatures of a section at its centre.

    Those are D g, D H D^T and what `principal_curvatures` makes of both. Curvatures are of the graph over the
    coefficients of the directions: N times as large for Gaussian as for unit ones where the slope is 0.

    Parameters
    ----------
    loss
        A `Loss`.
    directions
        (k, N), or one direction (N,).
    theta
        The point; None takes the model's own parameters.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or not finite.
    """
    if not hasattr(loss, "gradient") or not hasattr(loss, "n_parameters"):
        raise TypeError(f"loss must be a Loss; got {type(loss).__name__}")
    operator = hessian(loss, theta)
    second = projected_hessian(operator, directions)
    slopes = _rows(directions, loss.n_parameters) @ _array(operator.gradient)
    return SectionCurvatures(slopes, second, principal_curvatures(slopes, second))


def _frame(along: Reals) -> Reals:
    """Return the reflection that brings unit vectors (..., k, 1) onto the first axis, up to a sign."""
    mirror = along.copy()
    mirror[..., 0, :] += np.copysign(1.0, along[..., 0, :])
    mirror /= np.linalg.norm(mirror, axis=-2, keepdims=True)
    return np.asarray(np.eye(along.shape[-2]) - 2.0 * mirror * np.swapaxes(mirror, -1, -2))


def check_symmetric(name: str, matrices: Reals) -> None:
    """Raise if matrices differ from their transposes by more than rounding."""
    off = np.abs(matrices - np.swapaxes(matrices, -1, -2))
    if (off > 1e-6 * np.abs(matrices).max(axis=(-1, -2), keepdims=True, initial=0.0)).any():
        raise ValueError(f"{name} must be symmetric; it differs from its transpose by up to {off.max():g}")


def _operator(operator: Any, theta: Any) -> Any:
    """Return the Hessian of a loss, or the operator that is given."""
    if hasattr(operator, "n_parameters") and callable(operator):
        return hessian(operator, theta)
    if not hasattr(operator, "shape") or not hasattr(operator, "__matmul__"):
        raise TypeError(f"operator must be a Loss or have a shape and @; got {type(operator).__name__}")
    if theta is not None:
        raise ValueError("theta must be None beside an operator, which is of one point already")
    shape = tuple(operator.shape)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"operator must be square; got the shape {shape}")
    return _array(operator)


def _rows(directions: Any, n: int) -> Reals:
    """Return directions as rows of float64, or raise."""
    listed = (
        [_array(row) for row in directions] if isinstance(directions, (list, tuple)) else _array(directions)
    )
    rows = np.atleast_2d(_checks.reals("directions", listed))
    if rows.ndim != 2 or not len(rows) or rows.shape[1] != n:
        raise ValueError(f"directions must have the shape (k, {n}) or ({n},); got {np.shape(listed)}")
    return rows


def _array(values: Any) -> Any:
    """Return a tensor as an array, which NumPy does not do for one on another device."""
    return values.detach().cpu().numpy() if hasattr(values, "detach") else values
