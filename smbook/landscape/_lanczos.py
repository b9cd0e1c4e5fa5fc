"""Lanczos' algorithm for a symmetric operator, each step made orthogonal to all before it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from smbook.landscape._probes import Reals

    Stop = Callable[[Reals, Reals, float], bool]

EXHAUSTED = 2 / 3  # the power of the rounding error below which, relative to the largest entry, a step ends
_AGAIN = math.sqrt(0.5)  # what is left of a vector from which much was taken has to be cleaned once more


class Run(NamedTuple):
    """A run of m steps: A in the span of its basis is tridiagonal.

    Attributes
    ----------
    middle, beside
        The diagonal (m,) of the tridiagonal matrix and the one beside it (m - 1,).
    rest
        The length of what the last product leaves outside the span: that times the last component of an
        eigenvector of the tridiagonal matrix is the length of the residual it gives.
    basis
        Orthonormal rows (m, n).
    """

    middle: Reals
    beside: Reals
    rest: float
    basis: NDArray[Any]


def lanczos(
    times: Callable[[NDArray[Any]], Reals],
    start: Reals,
    n_steps: int,
    dtype: np.dtype[Any],
    tell: Callable[[int], Any],
    stop: Stop | None = None,
) -> Run:
    """Return a run of at most `n_steps` steps from a vector (n,).

    It ends where `stop`, which sees the diagonals and the rest after each step, says so; without it, where
    the rest is so small that the span counts as exhausted. `tell` hears of each product.
    """
    basis = np.empty((n_steps, len(start)), dtype=dtype)
    middle, beside = np.empty(n_steps), np.empty(n_steps)
    basis[0] = start / np.linalg.norm(start)
    for k in range(n_steps):
        image = times(basis[k][:, None])[:, 0]
        tell(1)
        middle[k] = basis[k].astype(np.float64) @ image
        left = image - middle[k] * basis[k]
        if k:
            left -= beside[k - 1] * basis[k - 1]
        left = _orthogonal(left, basis[: k + 1])
        beside[k] = np.linalg.norm(left)
        largest = max(float(np.linalg.norm(image)), float(np.abs(middle[: k + 1]).max()))
        if stop is None:
            ended = bool(beside[k] <= np.finfo(dtype).eps ** EXHAUSTED * largest)
        else:
            ended = beside[k] == 0.0 or stop(middle[: k + 1], beside[:k], float(beside[k]))
        if ended or k + 1 == n_steps:
            break
        basis[k + 1] = left / beside[k]
    return Run(middle[: k + 1], beside[:k], float(beside[k]), basis[: k + 1])


def _orthogonal(vector: Reals, basis: NDArray[Any]) -> Reals:
    """Return what of a vector is orthogonal to the rows of a basis."""
    for _ in range(3):
        size = np.linalg.norm(vector)
        vector = vector - (basis @ vector.astype(basis.dtype)) @ basis
        if np.linalg.norm(vector) > _AGAIN * size:
            break
    return vector
