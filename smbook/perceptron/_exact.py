"""Linear algebra in whole numbers, for what rounding would hide: every float64 is a fraction."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Wholes = NDArray[Any]  # Python's integers, of any size


def vanishing_combination(rows: Floats) -> Floats | None:
    """Return weights c >= 0, of sum 1, with sum c_k rows_k = 0 exactly, if no others have it.

    Return None if the rows are independent, if they vanish in several ways, or with weights of both signs.

    Examples
    --------
    >>> vanishing_combination(np.array([[0.1, 0.1], [-0.2, -0.2]])).round(6)
    array([0.666667, 0.333333])
    >>> vanishing_combination(np.array([[0.1, 0.3], [-0.3, -0.9]])) is None  # as 3 times 0.3 is not quite 0.9
    True
    """
    matrix, pivots = _eliminated(_wholes(rows).T)
    free = [k for k in range(len(rows)) if k not in pivots]
    if len(free) != 1:
        return None
    found = [0] * len(rows)
    found[free[0]] = int(matrix[0, pivots[0]]) if pivots else 1
    for line, column in enumerate(pivots):
        found[column] = -int(matrix[line, free[0]])
    total = sum(found)
    if total == 0 or any(value * total < 0 for value in found):
        return None
    return np.array([float(Fraction(value, total)) for value in found])


def _wholes(rows: Floats) -> Wholes:
    """Return rows with each column multiplied by a power of two that makes its numbers whole."""
    found = np.empty(rows.shape, dtype=object)
    for k, column in enumerate(rows.T.tolist()):
        ratios = [value.as_integer_ratio() for value in column]
        scale = max(below for _, below in ratios)
        found[:, k] = [above * (scale // below) for above, below in ratios]
    return found


def _eliminated(matrix: Wholes) -> tuple[Wholes, list[int]]:
    """Return the matrix with pivot columns cleared but for one number, the same for all, and which they are.

    All divisions leave no remainder. Source: Bareiss (1968), Gauss and Jordan's way.
    """
    matrix, before = matrix.copy(), 1
    pivots: list[int] = []
    for column in range(matrix.shape[1]):
        line = len(pivots)
        candidates = np.flatnonzero(matrix[line:, column] != 0)
        if candidates.size == 0:
            continue
        matrix[[line, line + candidates[0]]] = matrix[[line + candidates[0], line]]
        pivot = matrix[line, column]
        others = np.arange(len(matrix)) != line
        matrix[others] = (pivot * matrix[others] - np.outer(matrix[others, column], matrix[line])) // before
        before = pivot
        pivots.append(column)
    return matrix, pivots
