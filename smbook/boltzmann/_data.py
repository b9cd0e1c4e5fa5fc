"""Data of visible units: checked, and kept as distinct rows with the share that each has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook.kernels import boltzmann as kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Reals = NDArray[np.float64]


class Data(NamedTuple):
    """Distinct rows of +1 and -1, int8 (R, n), and their shares (R,), positive and in all 1."""

    rows: NDArray[np.int8]
    shares: Reals

    def law(self) -> Reals:
        """Return the probabilities of all states of the units, (2^n,)."""
        found = np.empty(2 ** self.rows.shape[1])
        kernels.tally(self.rows, self.shares, found)
        return found

    def moments(self) -> tuple[Reals, Reals]:
        """Return <s_i>, (n,), and <s_i s_j>, (n, n)."""
        units = self.rows.astype(np.float64)
        means: Reals = self.shares @ units
        products: Reals = (units.T * self.shares) @ units
        np.fill_diagonal(products, 1.0)
        return means, products


def checked_data(X: Any, sample_weight: Any, n_visible: int | None = None) -> Data:
    """Return data that were given row by row, or raise as `smbook.boltzmann.BoltzmannMachine.fit` says."""
    rows = checked_rows(X, n_visible)
    if not len(rows):
        raise ValueError(f"X must have at least one row; got shape {rows.shape}")
    weights = _checked_weights(sample_weight, len(rows))
    distinct, places = np.unique(rows, axis=0, return_inverse=True)
    shares: Reals = np.bincount(places.reshape(-1), weights=weights, minlength=len(distinct)).astype(float)
    return Data(np.ascontiguousarray(distinct[shares > 0.0]), shares[shares > 0.0])


def checked_rows(X: Any, n_visible: int | None = None) -> NDArray[np.int8]:
    """Return rows of +1 and -1 as int8 (R, n), those of a sampler as they are."""
    values = X if type(X) is np.ndarray and X.dtype == np.int8 else _checks.reals("X", X)
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(f"X must have the shape (rows, visible units); got {values.shape}")
    if n_visible is not None and values.shape[1] != n_visible:
        raise ValueError(f"X must have {n_visible} columns, one a visible unit; got {values.shape[1]}")
    wrong = np.argwhere(np.abs(values) != 1.0)
    if wrong.size:
        i, j = (int(k) for k in wrong[0])
        raise ValueError(f"X must hold +1 and -1 only; got {values[i, j]:g} at {(i, j)}")
    return np.asarray(values, dtype=np.int8)


def _checked_weights(sample_weight: Any, n_rows: int) -> Reals:
    """Return what each row counts, in all 1."""
    if sample_weight is None:
        return np.full(n_rows, 1.0 / n_rows)
    weights = _checks.reals("sample_weight", sample_weight, minimum=0.0)
    if weights.shape != (n_rows,):
        raise ValueError(f"sample_weight must hold {n_rows} numbers, one a row; got shape {weights.shape}")
    if not weights.any():
        raise ValueError("sample_weight must be positive for some row; got zeros only")
    weights /= weights.max()  # so that no sum overflows
    return np.asarray(weights / weights.sum())
