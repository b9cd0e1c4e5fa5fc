"""Checks of couplings, and the form in which kernels take them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from smbook import _checks

if TYPE_CHECKING:
    from numpy.typing import NDArray

Couplings = Any  # a square array of real numbers, or a scipy.sparse array or matrix

_ROWS_PER_CHECK = 64
_TOLERANCE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}  # of the largest coupling


class Rows(NamedTuple):
    """Couplings as kernels take them, a matrix or sparse rows: the arrays of the other form are None."""

    matrix: NDArray[Any] | None
    entries: NDArray[Any] | None = None
    columns: NDArray[np.int64] | None = None
    starts: NDArray[np.int64] | None = None

    @property
    def n_spins(self) -> int:
        return self.values.shape[0] if self.starts is None else self.starts.size - 1

    @property
    def values(self) -> NDArray[Any]:
        """The numbers that are stored."""
        values = self.matrix if self.matrix is not None else self.entries
        assert values is not None
        return values

    def shared(self) -> Any:
        """Return a read-only view: a matrix as an array, sparse rows as a `scipy.sparse.csr_array`."""
        views = Rows(*(array if array is None else read_only(array) for array in self))
        return views.matrix if views.matrix is not None else views.sparse()

    def dense(self) -> NDArray[np.float64]:
        """Return the couplings as a matrix of float64."""
        matrix = self.matrix if self.matrix is not None else self.sparse().toarray()
        return np.asarray(matrix, dtype=np.float64)

    def sparse(self) -> sparse.csr_array:
        """Return sparse rows as SciPy's array, which shares their memory."""
        n = self.n_spins
        return sparse.csr_array((self.entries, self.columns, self.starts), shape=(n, n), copy=False)

    def strengths(self) -> NDArray[np.float64]:
        """Return sum_j abs(J_ij) of each row."""
        with np.errstate(over="ignore"):
            if self.matrix is None:
                return np.asarray(abs(self.sparse()).sum(axis=1), dtype=np.float64).reshape(-1)
            return np.concatenate(
                [np.abs(rows).sum(axis=1, dtype=np.float64) for _, rows in _blocks(self.matrix)]
            )


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def checked(couplings: Couplings) -> Rows:
    """Return couplings as rows; a contiguous array of float64 or float32 is not copied.

    Raises
    ------
    TypeError, ValueError
        If they are no square matrix of finite real numbers, symmetric, with a zero diagonal; or sparse with
        an entry named twice.
    """
    if sparse.issparse(couplings):
        return _checked_sparse(couplings)
    matrix = _real_matrix(couplings)
    _check_square(matrix.shape)
    for first, rows in _blocks(matrix):
        _check_rows(first, rows)
    for first, rows in _blocks(matrix):
        _check_mirrored(matrix, first, rows)
    if not matrix.flags.c_contiguous:
        matrix = matrix.T if matrix.flags.f_contiguous else np.ascontiguousarray(matrix)
    return Rows(matrix)


def checked_one_way(couplings: Couplings) -> Rows:
    """Return couplings that need not be symmetric as rows, a contiguous matrix, or raise as `checked`."""
    if sparse.issparse(couplings):
        raise TypeError("couplings without symmetry must be an array; got a sparse one")
    matrix = _real_matrix(couplings)
    _check_square(matrix.shape)
    for first, rows in _blocks(matrix):
        _check_rows(first, rows)
    return Rows(np.ascontiguousarray(matrix))


def _real_matrix(couplings: Couplings) -> NDArray[Any]:
    if isinstance(couplings, np.ma.MaskedArray):
        raise TypeError("couplings must hold real numbers; got a masked array")
    try:
        matrix = np.asarray(couplings)
    except ValueError:
        raise TypeError(
            f"couplings must hold real numbers in rows of one length; got {couplings!r}"
        ) from None
    return _as_floats(matrix)


def _as_floats(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return float64 or float32 as they are, other real numbers as float64."""
    if numbers.dtype.kind not in "iuf":
        raise TypeError(f"couplings must hold real numbers; got dtype {numbers.dtype}")
    if numbers.dtype in _TOLERANCE and numbers.dtype.isnative:
        return numbers
    with np.errstate(over="ignore"):
        return numbers.astype(np.float64)


def _check_square(shape: tuple[int, ...]) -> None:
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"couplings must be a square matrix; got shape {shape}")
    if shape[0] == 0:
        raise ValueError("couplings must be those of at least one spin; got shape (0, 0)")


def _blocks(matrix: NDArray[Any]) -> Any:
    """Yield some rows after others with the number of the first, so that no check doubles the memory."""
    for first in range(0, len(matrix), _ROWS_PER_CHECK):
        yield first, matrix[first : first + _ROWS_PER_CHECK]


def _check_rows(first: int, rows: NDArray[Any]) -> None:
    finite = np.isfinite(rows)
    if not finite.all():
        i, j = np.argwhere(~finite)[0]
        raise ValueError(f"couplings must be finite; got {rows[i, j]} at {(first + int(i), int(j))}")
    diagonal = rows.diagonal(first)
    if diagonal.any():
        i = int(np.flatnonzero(diagonal)[0])
        raise ValueError(
            f"couplings must have a zero diagonal, as no spin acts on itself; "
            f"got {diagonal[i]} at {(first + i, first + i)}"
        )


def _check_mirrored(matrix: NDArray[Any], first: int, rows: NDArray[Any]) -> None:
    with np.errstate(over="ignore"):
        difference = np.abs(rows - matrix[:, first : first + len(rows)].T)
    worst = np.unravel_index(difference.argmax(), difference.shape)
    if difference[worst] > _TOLERANCE[matrix.dtype] * np.abs(rows).max():
        _refuse_asymmetric(float(difference[worst]), first + int(worst[0]), int(worst[1]))


def _refuse_asymmetric(difference: float, i: int, j: int) -> None:
    raise ValueError(f"couplings must be symmetric; |J - J.T| reaches {difference:.6g} at {(i, j)}")


def _checked_sparse(couplings: Any) -> Rows:
    _check_square(couplings.shape)
    entries = couplings.tocoo()
    values = _as_floats(entries.data)
    rows, columns = entries.row.astype(np.int64), entries.col.astype(np.int64)
    order = np.lexsort((columns, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    _check_entries(rows, columns, values)
    kept = values != 0.0
    rows, columns, values = rows[kept], columns[kept], values[kept]
    starts = np.searchsorted(rows, np.arange(couplings.shape[0] + 1)).astype(np.int64)
    found = Rows(None, values, columns, starts)
    _check_symmetric(found)
    return found


def _check_entries(rows: NDArray[np.int64], columns: NDArray[np.int64], values: NDArray[Any]) -> None:
    twice = np.flatnonzero((np.diff(rows) == 0) & (np.diff(columns) == 0))
    if twice.size:
        place = int(rows[twice[0]]), int(columns[twice[0]])
        raise ValueError(f"sparse couplings must name each entry once; got {place} more often")
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        place = int(rows[wrong[0]]), int(columns[wrong[0]])
        raise ValueError(f"couplings must be finite; got {values[wrong[0]]} at {place}")
    diagonal = np.flatnonzero((rows == columns) & (values != 0.0))
    if diagonal.size:
        i = int(rows[diagonal[0]])
        raise ValueError(
            f"couplings must have a zero diagonal, as no spin acts on itself; "
            f"got {values[diagonal[0]]} at {(i, i)}"
        )


def _check_symmetric(found: Rows) -> None:
    matrix = found.sparse()
    difference = abs(matrix - matrix.T).tocoo()
    if not difference.nnz:
        return
    worst = int(difference.data.argmax())
    if difference.data[worst] > _TOLERANCE[found.values.dtype] * np.abs(found.values).max():
        _refuse_asymmetric(
            float(difference.data[worst]), int(difference.row[worst]), int(difference.col[worst])
        )


def checked_strongest(rows: Rows, fields: NDArray[Any]) -> float:
    """Return the largest local field there can be, or raise ValueError if an energy overflows."""
    strongest = float((rows.strengths() + np.abs(fields, dtype=np.float64)).max())
    largest = float(np.finfo(fields.dtype).max)
    if not math.isfinite(2.0 * rows.n_spins * strongest) or 2.0 * strongest > largest:
        raise ValueError(f"energy overflows in {fields.dtype}; got local fields of up to {strongest:g}")
    return strongest


def checked_fields(fields: Any, n_spins: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the fields of N spins, a copy: zeros for None, the same for all for a number.

    Raises
    ------
    TypeError, ValueError
        If they are no finite real numbers, or not N.
    """
    given = _checks.reals("fields", 0.0 if fields is None else fields)
    if given.shape not in ((), (n_spins,)):
        raise ValueError(f"fields must be one number or {n_spins}, one a spin; got shape {given.shape}")
    with np.errstate(over="ignore"):
        found = np.broadcast_to(given, (n_spins,)).astype(dtype)
    if not np.isfinite(found).all():
        worst = given.flat[np.abs(given).argmax()]
        raise ValueError(f"fields must be finite in {dtype}; got {worst}")
    return found
