"""Two layers of units with couplings between them: what a restricted machine is, apart from how it learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import expit

from smbook import _checks
from smbook.kernels import bipartite as kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Reals = NDArray[np.float64]

KINDS = {"binary": kernels.BINARY, "spin": kernels.SPIN, "gaussian": kernels.GAUSSIAN}
LOWEST = {"binary": 0, "spin": -1}
_ROWS_AT_ONCE, _UNITS_AT_ONCE = 4096, 2**20


class Parameters(NamedTuple):
    """Weights (n_visible, n_hidden) and biases of a restricted machine, or what changes them."""

    weights: NDArray[Any]
    visible_biases: NDArray[Any]
    hidden_biases: NDArray[Any]


class Machine(NamedTuple):
    """The law p(v) proportional to exp(b . v) times the sum over h of exp(c . h + v . W . h).

    `visible` and `hidden` name the kinds of units; a Gaussian unit is summed over with the standard normal
    measure. `base` are the visible biases where beta = 0: at beta the machine has beta W, beta c and
    beta b + (1 - beta) base.
    """

    parameters: Parameters
    visible: str
    hidden: str
    base: NDArray[Any]

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self.parameters.weights.shape
        return rows, columns

    def in_double(self) -> Machine:
        """Return the same machine in float64."""
        doubled = Parameters(*(np.asarray(part, dtype=np.float64, order="C") for part in self.parameters))
        return self._replace(parameters=doubled, base=self.base.astype(np.float64))

    def free_energy(self, visible: NDArray[Any]) -> Reals:
        """Return F(v) = -b . v - sum_j phi(x_j) of rows of visible units, x = c + v W, in float64."""
        weights, visible_biases, hidden_biases = self.in_double().parameters
        found, room = np.empty(len(visible)), np.empty((2, 512))
        for first in range(0, len(visible), _ROWS_AT_ONCE):
            rows = visible[first : first + _ROWS_AT_ONCE].astype(np.float64)
            sums = rows @ visible_biases
            kernels.sum_cumulants(KINDS[self.hidden], 1.0, rows @ weights, hidden_biases, room, sums)
            found[first : first + len(rows)] = -sums
        return found


def means(kind: str, fields: Reals) -> Reals:
    """Return the means of units in these fields."""
    if kind == "gaussian":
        return fields
    return np.asarray(np.tanh(fields) if kind == "spin" else expit(fields))


def cumulants(kind: str, fields: Reals) -> Reals:
    """Return phi, the logarithm of the sum over a unit's states, for each of these fields."""
    if kind == "gaussian":
        return fields**2 / 2.0
    return np.logaddexp(fields, -fields) if kind == "spin" else np.logaddexp(0.0, fields)


def fields_of(kind: str, averages: Reals) -> Reals:
    """Return the fields in which units of two states have these means."""
    share = averages if kind == "binary" else (1.0 + averages) / 2.0
    odds = np.log(share) - np.log1p(-share)
    return np.asarray(odds if kind == "binary" else odds / 2.0)


def checked_units(name: str, values: Any, kind: str, n_units: int) -> NDArray[np.int8]:
    """Return rows of units of two states as int8 (..., n_units), or raise if one is in none of them."""
    found = _checks.reals(name, np.asarray(values, dtype=np.int8) if _is_bool(values) else values)
    if found.ndim == 0 or found.shape[-1] != n_units:
        raise ValueError(f"{name} must have {n_units} columns; got shape {found.shape}")
    check_states(name, found, kind)
    return found.astype(np.int8)


def check_states(name: str, values: NDArray[Any], kind: str) -> None:
    """Raise if a value is in none of the two states of a unit."""
    low = LOWEST[kind]
    rows = values.reshape(-1, values.shape[-1]) if values.size else values
    at_once = max(1, _UNITS_AT_ONCE // values.shape[-1]) if values.size else 1
    for first in range(0, len(rows), at_once):  # so that large data need no memory twice
        part = rows[first : first + at_once]
        wrong = part[(part != low) & (part != 1)]
        if wrong.size:
            raise ValueError(
                f"{name} must hold {low} and 1 only, as its units are {kind!r}; got {wrong.flat[0]:g}"
            )


def _is_bool(values: Any) -> bool:
    return getattr(values, "dtype", None) == np.bool_


def checked_parameters(
    weights: Any, visible_biases: Any, hidden_biases: Any, dtype: np.dtype[Any]
) -> Parameters:
    """Return parameters of one floating type as arrays of their own, or raise; biases may be None or one."""
    found = _checks.reals("weights", weights)
    if found.ndim != 2 or not found.size:
        raise ValueError(f"weights must have the shape (n_visible, n_hidden); got {found.shape}")
    biases = [
        _checked_biases(name, given, size)
        for name, given, size in zip(
            ("visible_biases", "hidden_biases"), (visible_biases, hidden_biases), found.shape, strict=True
        )
    ]
    parameters = Parameters(*(np.array(part, dtype=dtype, order="C") for part in (found, *biases)))
    for name, part in zip(Parameters._fields, parameters, strict=True):
        if not np.isfinite(part).all():
            raise ValueError(f"{name} must be finite in {dtype}; got up to {np.abs(part).max()}")
    return parameters


def _checked_biases(name: str, given: Any, size: int) -> Reals:
    found = _checks.reals(name, 0.0 if given is None else given)
    if found.shape not in ((), (size,)):
        raise ValueError(f"{name} must be {size} numbers, or one for all; got shape {found.shape}")
    return np.array(np.broadcast_to(found, (size,)))
