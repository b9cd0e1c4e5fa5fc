"""The two phases of learning: averages with the visible units clamped to data, and with all units free."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook.kernels import boltzmann as kernels
from smbook.kernels import lattice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.boltzmann._data import Data
    from smbook.kernels.rng import State

    Reals = NDArray[np.float64]

MOST_UNITS = 20  # whose states are summed over

_UPDATES_PER_CALL = 10_000_000  # some tenths of a second, so that Ctrl-C is heard


class Averages(NamedTuple):
    """Means <s_i>, (N,), and <s_i s_j>, (N, N), with ones on the diagonal."""

    means: Reals
    products: Reals


def _averages(n_units: int) -> Averages:
    return Averages(np.zeros(n_units), np.eye(n_units))


class Exact:
    """Both phases by sums over all states. `find` fills `clamped` and `free`."""

    def __init__(self, data: Data, n_units: int) -> None:
        check_size(n_units)
        self.clamped, self.free = _averages(n_units), _averages(n_units)
        self._data = data.law()
        self._room = np.empty(n_units, dtype=np.int8), np.empty(n_units)
        self._energies, self._joint = np.empty((2, 2**n_units))
        self._free_energies, self._law = np.empty((2, self._data.size))
        self._log_partition = math.nan

    @property
    def chains(self) -> NDArray[np.int8]:
        """None."""
        return np.empty((0, self.free.means.size), dtype=np.int8)

    def find(self, matrix: Reals, fields: Reals) -> None:
        """Fill the averages of a machine with these couplings and fields."""
        self._log_partition = kernels.exact_phases(
            matrix, fields, self._data, *self._room, self._energies, self._free_energies, self._law,
            self._joint, *self.clamped, *self.free,
        )  # fmt: skip

    def kl_divergence(self) -> float:
        """Return that of the data from the machine whose averages were found last."""
        return float(kernels.kl_divergence(self._data, self._free_energies, self._log_partition))

    def log_likelihood(self) -> float:
        """Return the mean over the data."""
        return float(kernels.log_likelihood(self._data, self._free_energies, self._log_partition))


class Sampled:
    """Both phases by chains that go on from one call of `find` to the next.

    At least `n_chains` chains are clamped, as many to each row, each weighed by the share of its row. Without
    hidden units there is nothing to sample in that phase.
    """

    def __init__(self, data: Data, n_units: int, n_chains: int, n_sweeps: int, state: State) -> None:
        n_rows, n_visible = data.rows.shape
        self.clamped, self.free = _averages(n_units), _averages(n_units)
        self._n_sweeps = n_sweeps
        self._free = _Chains(np.empty((1, 0), dtype=np.int8), np.ones(1), n_chains, n_units, state)
        self._clamped: _Chains | None = None
        if n_visible < n_units:
            count = n_rows * math.ceil(n_chains / n_rows)
            self._clamped = _Chains(data.rows, data.shares, count, n_units, state)
        else:
            self.clamped = Averages(*data.moments())

    @property
    def chains(self) -> NDArray[np.int8]:
        """The free chains as they stand, (n_chains, N)."""
        return self._free.spins

    def find(self, matrix: Reals, fields: Reals) -> None:
        """Move all chains on by `n_sweeps` sweeps and fill the averages over them."""
        if self._clamped is not None:
            self._clamped.move(matrix, fields, self._n_sweeps, self.clamped)
        self._free.move(matrix, fields, self._n_sweeps, self.free)


class _Chains:
    """Chains whose first units are clamped to rows, with room to move them."""

    def __init__(self, rows: NDArray[np.int8], shares: Reals, count: int, n_units: int, state: State) -> None:
        self.spins, self._weights = np.empty((count, n_units), dtype=np.int8), np.empty(count)
        kernels.begin_phase(rows, shares, state, self.spins, self._weights)
        self._room = _room(np.arange(rows.shape[1], n_units), n_units, state)

    def move(self, matrix: Reals, fields: Reals, n_sweeps: int, averages: Averages) -> None:
        kernels.sample_phase(matrix, fields, self.spins, self._weights, *self._room, n_sweeps, *averages)


def _room(sites: NDArray[np.int64], n_units: int, state: State) -> tuple[Any, ...]:
    """Return what `sample_phase` takes between the weights and the number of sweeps."""
    words, noise = np.empty(sites.size, dtype=np.uint64), np.empty(sites.size)
    return sites, state, words, noise, np.empty(n_units), np.zeros(1, dtype=np.int64)


def draw(
    parameters: tuple[Reals, Reals], clamped: NDArray[np.int8], count: int, n_sweeps: int, state: State
) -> NDArray[np.int8]:
    """Return the ends of chains (count, N) that start at random; units are clamped where that is not 0.

    One chain ends before the next begins, so that many may go into one call of the kernel, or few.
    """
    n_units = clamped.size
    free = np.flatnonzero(clamped == 0)
    found, room = np.empty((count, n_units), dtype=np.int8), _room(free, n_units, state)
    unused = _averages(n_units)
    lattice.randomize(found.reshape(-1), state)
    found[:, clamped != 0] = clamped[clamped != 0]
    together = max(1, _UPDATES_PER_CALL // max(1, n_sweeps * free.size))
    for first in range(0, count, together):
        chains = found[first : first + together]
        kernels.sample_phase(*parameters, chains, np.ones(len(chains)), *room, n_sweeps, *unused)
    return found


def check_size(n_units: int) -> None:
    """Raise ValueError if there are too many units to sum over their states."""
    if n_units > MOST_UNITS:
        raise ValueError(
            f"exact results are sums over the 2^N states of all N units, for N up to {MOST_UNITS}; "
            f"got N = {n_units}"
        )
