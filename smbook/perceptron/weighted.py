"""One threshold unit with weights: what it answers, and which truth tables are its."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

from smbook import _checks
from smbook.perceptron.nets import checked_table
from smbook.perceptron.units import truth_table_inputs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Bits = NDArray[np.int8]

_MOST_ROWS = 2**10


def threshold_output(weights: ArrayLike, threshold: float, inputs: ArrayLike) -> Bits:
    """Return what a weighted unit answers to inputs (..., N), int8: 1 if w.x >= threshold, else 0.

    Whole numbers are compared exactly, if all sums stay below 2**53 in size. Where w.x equals the threshold
    but for rounding, as in 0.1 + 0.2 against 0.3, rounding decides.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, the last axis of `inputs` is not as long as `weights` (N,), or
        w.x is beyond the range of floats.

    Examples
    --------
    >>> threshold_output([1, 1, 1], 2, [[0, 1, 0], [0, 1, 1], [1, 1, 1]])  # the majority of three
    array([0, 1, 1], dtype=int8)
    """
    w = _checks.reals("weights", weights)
    if w.ndim != 1 or not w.size:
        raise ValueError(f"weights must have the shape (N,); got {w.shape}")
    least = _checks.real("threshold", threshold)
    x = _checks.reals("inputs", inputs)
    if x.ndim < 1 or x.shape[-1] != w.size:
        raise ValueError(f"inputs must have the shape (..., {w.size}), as weights; got {x.shape}")
    with np.errstate(over="ignore", invalid="ignore"):
        fields = np.asarray(x @ w)
    if not np.isfinite(fields).all():
        raise ValueError(f"weights times inputs are beyond the range of floats; got weights {w}")
    answers: Bits = np.asarray(fields >= least).astype(np.int8)
    return answers


def threshold_unit_of(table: ArrayLike) -> tuple[NDArray[np.int64], int] | None:
    """Return whole weights and the threshold of a unit with this truth table, or None if there is none.

    Among all such weights these have the smallest sum of their sizes. The threshold is the largest that the
    table allows. A table is that of a unit if and only if a hyperplane has its ones on one side and its zeros
    on the other, which linear programming decides. Of the 2, 4, 16, 256 and 65,536 tables of 0, 1, 2, 3 and 4
    inputs that is so for 2, 4, 14, 104 and 1882.

    Parameters
    ----------
    table
        2**n entries of 0 and 1 in the order of `truth_table_inputs`, n from 0 to 10.

    Raises
    ------
    TypeError, ValueError
        If `table` holds anything but 0 and 1, or is of another length.

    References
    ----------
    Muroga (1971); Minsky and Papert (1969).

    Examples
    --------
    >>> threshold_unit_of([0, 0, 0, 1])
    (array([1, 1]), 2)
    >>> threshold_unit_of([0, 1, 1, 0]) is None
    True
    """
    values = checked_table(table)
    if len(values) > _MOST_ROWS:
        raise ValueError(f"table must have at most {_MOST_ROWS} entries; got {len(values)}")
    inputs = truth_table_inputs(len(values).bit_length() - 1).astype(np.int64)
    weights = _least_weights(inputs, values)
    if weights is None:
        return None
    sums = inputs @ weights
    threshold = int(sums[values == 1].min()) if values.any() else int(sums.max()) + 1
    if ((sums >= threshold) != values).any():
        raise ArithmeticError(f"linear programming returned weights {weights} that miss the table")
    return weights, threshold


def _least_weights(inputs: NDArray[np.int64], values: Bits) -> NDArray[np.int64] | None:
    """Minimize sum |w| under w.x >= threshold for ones and w.x <= threshold - 1 for zeros, all integers."""
    n = inputs.shape[1]
    signs = np.where(values == 1, -1, 1)[:, np.newaxis]
    sides = np.hstack([signs * inputs, -signs * inputs, -signs])  # of w = u - v and the threshold
    found = optimize.linprog(
        np.r_[np.ones(2 * n), 0.0],
        A_ub=sides,
        b_ub=np.where(values == 1, 0, -1),
        bounds=[(0, None)] * (2 * n) + [(None, None)],
        integrality=np.ones(2 * n + 1),
    )
    if found.status == 2:
        return None
    if found.x is None:
        raise ArithmeticError(f"linear programming failed: {found.message}")
    weights: NDArray[np.int64] = np.rint(found.x[:n] - found.x[n : 2 * n]).astype(np.int64)
    return weights
