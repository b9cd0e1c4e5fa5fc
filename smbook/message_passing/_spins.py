"""What mean fields and belief propagation share: a network in sparse rows, where to begin, when to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from smbook import _checks
from smbook._runs import progress_bar
from smbook.kernels.rng import fill_normal, state_apart
from smbook.network import SpinNetwork, _chains

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness

    Floats = NDArray[np.float64]

_BEGINNING_APART = 7  # from couplings that an equal seed draws
_HUGE = 1e15


class Spins(NamedTuple):
    """A network at an inverse temperature, as `smbook.kernels.messages` takes it."""

    beta: float
    entries: Floats
    columns: NDArray[np.int64]
    starts: NDArray[np.int64]
    fields: Floats

    @property
    def n_spins(self) -> int:
        return self.fields.size


class Way(NamedTuple):
    """How an iteration goes about it, checked."""

    damping: float
    max_steps: int
    tolerance: float


class Course(NamedTuple):
    """How an iteration went."""

    steps: int
    change: float
    converged: bool

    def __str__(self) -> str:
        count = f"{self.steps} step{'s' * (self.steps != 1)}"
        if self.converged:
            return f"converged in {count}"
        return f"not converged after {count}, the last change was {self.change:.2g}"


def checked_spins(network: Any, beta: float) -> Spins:
    """Return a network's couplings as sparse rows of float64 that hold no zero, or raise."""
    if not isinstance(network, SpinNetwork):
        raise TypeError(f"network must be a smbook.network.SpinNetwork; got {type(network).__name__}")
    beta = _chains.checked_beta(network._model, beta)
    rows = _mirrored(sparse.csr_array(network.couplings))
    columns, starts = rows.indices.astype(np.int64), rows.indptr.astype(np.int64)
    return Spins(beta, rows.data.astype(np.float64), columns, starts, network.fields.astype(np.float64))


def _mirrored(rows: sparse.csr_array) -> sparse.csr_array:
    """Return rows that are sorted, hold no zero, and have each bond twice, up to its last digit.

    A network may be symmetric up to rounding only, so that a bond may be 0 from one of its ends.
    """
    if (rows - rows.T).nnz:
        rows = sparse.csr_array(rows / 2 + rows.T / 2)
        rows.eliminate_zeros()
        rows.sort_indices()
    return rows


def checked_way(damping: float, max_steps: int, tolerance: float) -> Way:
    """Return how an iteration is to go about it, or raise."""
    return Way(
        _checks.share_below_one("damping", damping),
        _checks.integer("max_steps", max_steps, minimum=1),
        _checks.real("tolerance", tolerance, minimum=0.0),
    )


def checked_beginning(initial: str | ArrayLike | None, count: int, of: str, rng: Randomness) -> Floats:
    """Return numbers to begin with, a new array: 0 for None, the same for one number, or independent ones."""
    if isinstance(initial, str):
        _checks.choice("initial", initial, ("random",))
        drawn = np.empty(count)
        fill_normal(state_apart(rng, _BEGINNING_APART), drawn)
        return drawn
    given = _checks.reals("initial", 0.0 if initial is None else initial)
    if given.shape not in ((), (count,)):
        raise ValueError(f"initial must be one number or {count}, {of}; got shape {given.shape}")
    return np.array(np.broadcast_to(given, (count,)))


def iterate(step: Callable[[], float], way: Way, *, progress: bool, least: int = 1) -> Course:
    """Make `least` steps, and on until the change that each returns is small enough, or there are no more."""
    steps, change, converged = 0, np.inf, False
    with progress_bar(way.max_steps, "step", progress) as tell:
        while steps < way.max_steps and not converged:
            change = float(step())
            steps += 1
            converged = steps >= least and change <= way.tolerance
            tell(1)
    return Course(steps, change, converged)


def told(log_partition: float) -> str:
    """Return ln Z with six digits after the point, or six in all where it is huge."""
    return f"{log_partition:.6f}" if abs(log_partition) < _HUGE else f"{log_partition:.6g}"
