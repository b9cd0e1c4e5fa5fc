"""What all samplers of a network share: checked arguments, spins at the start, room to work in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook.kernels import lattice
from smbook.kernels import network as kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.kernels.rng import State
    from smbook.network._couplings import Rows

Spins = Any  # NDArray[np.int8]

RULES = {"heat-bath": kernels.HEAT_BATH, "metropolis": kernels.METROPOLIS}
ORDERS = {"sequential": kernels.SEQUENTIAL, "random": kernels.RANDOM}

_UPDATES_LOST_PER_SWEEP = 100
_SPINS_PER_UPDATE = 64  # whose local fields change in the time of an update


class Model(NamedTuple):
    """A network as its samplers see it: couplings, fields, and the largest local field there can be."""

    rows: Rows
    fields: NDArray[Any]
    strongest: float

    @property
    def n_spins(self) -> int:
        return self.fields.size

    @property
    def arrays(self) -> tuple[Any, ...]:
        return (*self.rows, self.fields)

    def updates_per_sweep(self) -> int:
        """Return the most work that a sweep can be, in updates that turn nothing."""
        neighbours = self.rows.values.size // self.n_spins
        return _UPDATES_LOST_PER_SWEEP + self.n_spins * (1 + neighbours // _SPINS_PER_UPDATE)

    def local_fields(self, spins: Spins) -> NDArray[Any]:
        """Return the local fields of checked spins (..., N), in the couplings' type, summed in float64."""
        flat = spins.reshape(-1, self.n_spins)
        found = np.empty(flat.shape, dtype=self.fields.dtype)
        for one, local in zip(flat, found, strict=True):
            kernels.find_local_fields(*self.arrays, one, local)
        return found.reshape(spins.shape)


class Chain(NamedTuple):
    """A chain as `smbook.kernels.network` takes it."""

    spins: Spins
    local: NDArray[Any]
    turned: NDArray[np.int64]
    state: State


def room(n_spins: int) -> tuple[NDArray[Any], ...]:
    """Return room for a sweep's noise, and the sites in their order."""
    words, noise = np.empty(n_spins, dtype=np.uint64), np.empty(n_spins)
    return words, noise, np.arange(n_spins, dtype=np.int64)


def begin(model: Model, spins: Spins, local: NDArray[Any], state: State, *, randomly: bool) -> None:
    """Draw the spins of a chain, or leave them as they are, and find their local fields."""
    if randomly:
        lattice.randomize(spins, state)
    kernels.find_local_fields(*model.arrays, spins, local)


def checked_rule(algorithm: str, order: str) -> tuple[np.int64, np.int64]:
    """Return the numbers by which kernels know a rule and an order."""
    rule = RULES[_checks.choice("algorithm", algorithm, RULES)]
    return rule, ORDERS[_checks.choice("order", order, ORDERS)]


def checked_beta(model: Model, beta: float, *, name: str = "beta") -> float:
    """Return `beta`, or raise if it is negative, not finite, or too large for the model's fields."""
    beta = _checks.real(name, beta, minimum=0.0)
    _check_product(model, beta)
    return beta


def checked_betas(model: Model, betas: Any) -> NDArray[np.float64]:
    """Return a row of at least one inverse temperature, each checked as `checked_beta` does."""
    found = _checks.reals("betas", betas, minimum=0.0)
    if found.ndim != 1 or not found.size:
        raise ValueError(f"betas must be a row of at least one number; got shape {found.shape}")
    _check_product(model, float(found.max()))
    return found


def _check_product(model: Model, beta: float) -> None:
    if not math.isfinite(2.0 * beta * model.n_spins * model.strongest):
        raise ValueError(f"beta times energy overflows; got beta={beta}, local fields of {model.strongest:g}")


def checked_initial(initial: str | Spins, shape: tuple[int, ...]) -> Spins:
    """Return the spins of all chains at the start, (..., N), a new array; nothing is drawn yet.

    `initial` is "random", "up", the spins of one, or those of all.
    """
    if isinstance(initial, str):
        _checks.choice("initial", initial, ("random", "up"))
        return np.ones(shape, dtype=np.int8)
    given = checked_spins("initial", initial, shape[-1])
    if given.shape not in (shape, shape[-1:]):
        raise ValueError(f"initial must have the shape {shape[-1:]} or {shape}; got {given.shape}")
    return np.array(np.broadcast_to(given, shape), order="C")


def checked_spins(name: str, spins: Any, n_spins: int) -> Spins:
    """Return `spins` as they are, or raise if they are no int8 array (..., N) of +1 and -1."""
    if type(spins) not in (np.ndarray, np.memmap) or spins.dtype != np.int8:
        kind = f"dtype {spins.dtype}" if type(spins) is np.ndarray else type(spins).__name__
        raise TypeError(f"{name} must be an int8 array; got {kind}")
    if spins.ndim == 0 or spins.shape[-1] != n_spins:
        raise ValueError(
            f"{name} must be those of {n_spins} spins, (..., {n_spins}); got shape {spins.shape}"
        )
    wrong = spins[np.abs(spins) != 1]
    if wrong.size:
        raise ValueError(f"{name} must hold +1 and -1 only; got {wrong[0]}")
    return spins


def checked_patterns(patterns: Any, n_spins: int) -> Spins:
    """Return patterns (P, N), or none of them for None; a single one may be a row."""
    if patterns is None:
        return np.empty((0, n_spins), dtype=np.int8)
    found = np.atleast_2d(checked_spins("patterns", patterns, n_spins))
    if found.ndim != 2:
        raise ValueError(f"patterns must have the shape (P, {n_spins}); got {found.shape}")
    return found


def overlaps(spins: Spins, patterns: Spins) -> NDArray[np.float64]:
    """Return sum_i s_i xi_i / N for spins (..., N) and patterns (P, N), of shape (..., P)."""
    products = spins.astype(np.float32) @ patterns.T.astype(np.float32)  # whole numbers, exact up to 2**24
    found: NDArray[np.float64] = products.astype(np.float64) / spins.shape[-1]
    return found


def pair_overlaps(spins: Spins) -> NDArray[np.float64]:
    """Return the overlap of 0 with 1, of 2 with 3, ... along the first axis: (n // 2, ...) of (n, ..., N)."""
    pairs = len(spins) // 2
    products = spins[0 : 2 * pairs : 2] * spins[1 : 2 * pairs : 2]
    found: NDArray[np.float64] = products.sum(axis=-1, dtype=np.int64) / spins.shape[-1]
    return found
