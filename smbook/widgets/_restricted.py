"""What `RBMLab` computes, in the order of its page: chains of a restricted machine, and learning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook._records import equal
from smbook.boltzmann._layers import KINDS
from smbook.kernels import lattice
from smbook.kernels import restricted as kernels
from smbook.kernels.rng import seed_state, state_apart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from smbook.boltzmann import Parameters

    Singles = NDArray[np.float32]

CHAINS = 8
SCALE = 0.01  # of random weights
FREE = np.float32(np.nan)
SHORTEST_START = 20  # sweeps that no mean of dreams takes in


class Dreams(NamedTuple):
    """Hold the mean energy per spin and the mean of abs(m) of what a machine dreams, with their errors.

    They are means over eight chains and over all sweeps but the first `left_out`: 20, and from 200 sweeps on
    a tenth to a fifth of all. Errors come from the means of the eight chains, and are known to a quarter.
    """

    energy: float
    energy_error: float
    magnetization: float
    magnetization_error: float
    left_out: int


class GibbsRun(NamedTuple):
    """Hold eight chains of a machine after some sweeps, and the machine, which may have learned meanwhile.

    `visible` int8 (8, n) are the visible units, `means` float32 (8, n) what they were drawn from, and
    `hidden` float32 (8, m) the units that they were drawn given, 0 before the first sweep. `free_energy`
    (sweeps + 1, 8) is F of each chain at the start and after each sweep. The parameters and
    `reconstruction_error` are those at the end. `energy` and `magnetization` (sweeps + 1, 8) are those per
    spin of the chains of a magnet, else empty. Two results are equal if all their numbers are.
    """

    visible: NDArray[np.int8]
    hidden: Singles
    means: Singles
    free_energy: NDArray[np.float64]
    weights: Singles
    visible_biases: Singles
    hidden_biases: Singles
    reconstruction_error: float
    energy: NDArray[np.float64]
    magnetization: NDArray[np.float64]

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        shape, rows = self.weights.shape, len(self.free_energy)
        return f"GibbsRun({rows - 1} sweeps of 8 chains, {shape[0]} visible and {shape[1]} hidden units)"


class Restricted:
    """A machine with its data, eight chains and what learning needs; a page has the same in JavaScript."""

    def __init__(
        self, kinds: tuple[str, str], rows: Singles, learned: Parameters | None, n_hidden: int, seed: int
    ) -> None:
        self.kinds, self.rows, self.seed = np.array([KINDS[kind] for kind in kinds]), rows, seed
        n, m = rows.shape[1], n_hidden
        words = np.zeros((max(n, m) + 1) // 2, dtype=np.uint64)
        self.room = np.zeros((2, max(n, m)))
        self._work = words, words.view(np.uint32), self.room
        self.held, self.off, self._free = np.full(n, FREE), np.full(m, FREE), np.full(n, FREE)
        self.visible, self.hidden = self._layers(CHAINS)
        self._begin(learned)

    def _layers(self, rows: int) -> tuple[Singles, Singles]:
        n, m = self.rows.shape[1], self.off.size
        return np.zeros((3, rows, n), np.float32), np.zeros((3, rows, m), np.float32)

    def _begin(self, learned: Parameters | None) -> None:
        """Take given parameters, or random ones of the seed."""
        n, m = self.rows.shape[1], self.off.size
        self.weights, self.turned = np.zeros((n, m), np.float32), np.zeros((m, n), np.float32)
        self.visible_biases, self.hidden_biases = np.zeros(n, np.float32), np.zeros(m, np.float32)
        if learned is None:
            state = state_apart(self.seed, 2)
            kernels.forget(self.kinds[0], self.rows, SCALE, state, self.room, *self.parameters)
        else:
            self.weights[:], self.visible_biases[:], self.hidden_biases[:] = learned
            self.turned[:] = self.weights.T
        self._order, self._clock = np.arange(len(self.rows)), np.array([len(self.rows), 0, 0])
        self._learning, self._batches = state_apart(self.seed, 1), (*self._layers(1), *self._layers(1))

    @property
    def parameters(self) -> tuple[Singles, Singles, Singles, Singles]:
        return self.weights, self.turned, self.visible_biases, self.hidden_biases

    def start(self, image: int | None) -> None:
        """Start all chains from noise, or from a row of the data."""
        self.state = seed_state(self.seed)
        self._draw_visible(0.0)
        self.hidden[:] = 0.0
        if image is not None:
            drawn = np.where(np.isnan(self.held), self.rows[image], self.held)
            self.visible[1:] = drawn.astype(np.float32)

    def sweep(self, beta: float) -> None:
        """Draw the hidden units of all chains, and then the visible ones."""
        given, chance = self.visible[2], (self.state, *self._work)
        kernels.draw_layer(
            self.kinds[1], beta, self.weights, self.hidden_biases, given, self.off, *chance, self.hidden
        )
        self._draw_visible(beta)

    def _draw_visible(self, beta: float) -> None:
        given, chance = self.hidden[2], (self.state, *self._work)
        kernels.draw_layer(
            self.kinds[0], beta, self.turned, self.visible_biases, given, self.held, *chance, self.visible
        )

    def learn(self, method: str, rate: float, batch: int, n_steps: int) -> None:
        """Make an update by "pcd" or "cd"; with another number of rows than before, chains begin again."""
        size = min(batch, len(self.rows))
        if self._batches[0].shape[1] != size:
            self._batches = *self._layers(size), *self._layers(size)
            self._clock[2] = 0
        how = self.kinds, rate, n_steps, int(method == "pcd")
        data = self.rows, self._order, self._clock
        chance = self._free, self.off, self._learning, *self._work
        kernels.learn_batch(*how, *data, *self.parameters, *chance, *self._batches)

    def free_energies(self, beta: float, rows: Singles) -> NDArray[np.float64]:
        energies = np.empty(len(rows))
        work = self.room, np.empty((2, 512)), np.empty((1, self.off.size), np.float32), energies
        machine = self.weights, self.visible_biases, self.hidden_biases, self.off
        kernels.find_free_energies(self.kinds[1], beta, *machine, rows, *work)
        return energies

    @property
    def reconstruction_error(self) -> float:
        work = self.off, self.rows, self.room, *self._layers(1)
        return float(kernels.reconstruction_error(self.kinds, *self.parameters, *work))


def measure(rows: NDArray[Any], shape: Sequence[int]) -> NDArray[np.float64]:
    """Return energy and magnetization per spin of each row, units of either kind on a torus: (2, P)."""
    spins, sides = np.where(rows > 0, 1, -1).astype(np.int8), np.array(shape, dtype=np.int64)
    sums = np.array([[lattice.bond_sum(row, sides), -lattice.spin_sum(row)] for row in spins], np.float64)
    densities: NDArray[np.float64] = 0.0 - sums.T / rows.shape[1]  # 0.0 - 0.0 is no -0.0
    return densities


def dreams_of(run: GibbsRun) -> Dreams | None:
    """Return the means over the chains of a magnet, found from whole numbers; None if the run is short."""
    (n_sites, _), n_sweeps, start = run.weights.shape, len(run.energy) - 1, SHORTEST_START
    if n_sweeps <= start:
        return None
    while 10 * start <= n_sweeps:
        start *= 2
    late = run.energy[start + 1 :], abs(run.magnetization[start + 1 :])
    totals = [np.rint(n_sites * part).astype(np.int64).sum(axis=0) for part in late]  # of each chain
    (energy, energy_error), (size, error) = (_mean(part, (n_sweeps - start) * n_sites) for part in totals)
    return Dreams(energy, energy_error, size, error, start)


def _mean(totals: NDArray[np.int64], weight: int) -> tuple[float, float]:
    """Return the mean of one total of each chain, in units of a weight, and its standard error."""
    error = (totals / weight).std(ddof=1) / np.sqrt(CHAINS)
    return int(totals.sum()) / (CHAINS * weight), float(error)
