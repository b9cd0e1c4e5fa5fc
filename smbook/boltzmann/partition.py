"""The logarithm of the sum over states: by enumeration, and by annealed importance sampling."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import logsumexp

from smbook import _pool, _runs
from smbook._records import equal
from smbook.boltzmann import _layers
from smbook.boltzmann._gibbs import Sampler
from smbook.boltzmann._layers import KINDS, LOWEST, Machine
from smbook.kernels import bipartite as kernels
from smbook.statistics import log_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from smbook.kernels.rng import State

    Reals = NDArray[np.float64]

MOST_UNITS = 25
MOST_UNITS_AUTO = 20  # of a sum that is made unasked, in seconds
MOST_UNITS_AT_ONCE = 16  # of all states at once, as at every step of learning
_STATES_PER_PIECE = 2**12


class LogPartition(NamedTuple):
    """ln Z, its standard error, how it was found, and the logarithms of the weights of all chains.

    `error` is 0 and `log_weights` is empty for "exact". An estimate's error is what the spread of its chains
    says: where a few weights outdo all others, `effective_chains` is small, and the error is too small as
    well. Two results are equal if all their numbers are.
    """

    value: float
    error: float
    method: str
    log_weights: Reals

    @property
    def effective_chains(self) -> float:
        """(sum w)^2 / sum w^2 of the weights: the number of chains that count; nan for "exact"."""
        if not self.log_weights.size:
            return math.nan
        return log_mean(self.log_weights).effective

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        if not self.log_weights.size:
            return f"LogPartition({self.value:.6f}, {self.method})"
        value = f"{self.value:.4f} +- {self.error:.4f}"
        return f"LogPartition({value}, {self.method}, {self.log_weights.size} chains)"


class States(NamedTuple):
    """All states of one layer, the means of the other given each, and their probabilities."""

    visible: Reals
    hidden: Reals
    probabilities: Reals
    log_partition: float


def smaller_layer(machine: Machine) -> str:
    """Return which layer to enumerate, "visible" or "hidden": the smaller one of those with two states."""
    n, m = machine.shape
    return "visible" if machine.hidden == "gaussian" or n <= m else "hidden"


def enumerable(machine: Machine) -> int:
    """Return the number of units over whose states `exact` sums."""
    n, m = machine.shape
    return n if smaller_layer(machine) == "visible" else m


def check_enumerable(size: int, most: int) -> None:
    """Raise if a layer has more units than there are to be states to sum over."""
    if size > most:
        raise ValueError(f"a sum over the states of the smaller layer is for up to {most} units; got {size}")


def exact(machine: Machine, *, progress: bool = False) -> float:
    """Return ln Z by a sum over the states of one layer."""
    log_sums: Reals = np.empty(_n_pieces(machine))
    with _runs.progress_bar(len(log_sums), "piece", progress) as tell:

        def add(piece: int, log_weights: Reals) -> None:
            log_sums[piece] = logsumexp(log_weights)
            tell(1)

        _enumerate(machine, add)
    return float(logsumexp(log_sums))


def all_states(machine: Machine) -> States:
    """Return all states of the smaller layer with the means of the other one."""
    size = enumerable(machine)
    found = np.empty((_n_pieces(machine), min(_STATES_PER_PIECE, 2**size)))
    _enumerate(machine, found.__setitem__)
    log_weights = found.ravel()
    log_partition = float(logsumexp(log_weights))
    weights, visible_biases, hidden_biases = machine.in_double().parameters
    bits = (np.arange(2**size)[:, None] >> np.arange(size) & 1).astype(np.float64)
    if smaller_layer(machine) == "visible":
        visible = LOWEST[machine.visible] + (1 - LOWEST[machine.visible]) * bits
        hidden = _layers.means(machine.hidden, visible @ weights + hidden_biases)
    else:
        hidden = LOWEST[machine.hidden] + (1 - LOWEST[machine.hidden]) * bits
        visible = _layers.means(machine.visible, hidden @ weights.T + visible_biases)
    return States(visible, hidden, np.exp(log_weights - log_partition), log_partition)


def _n_pieces(machine: Machine) -> int:
    return max(1, (1 << enumerable(machine)) // _STATES_PER_PIECE)


def _enumerate(machine: Machine, take: Any) -> None:
    """Call `take` with the number and the log-weights of piece after piece of the states, from all cores."""
    weights, biases, fields = machine.in_double().parameters
    kinds = np.array([KINDS[machine.visible], KINDS[machine.hidden]])
    if smaller_layer(machine) == "hidden":
        weights, biases, fields, kinds = np.array(weights.T, order="C"), fields, biases, kinds[::-1].copy()
    size = min(_STATES_PER_PIECE, 2**biases.size)

    def fill(piece: int) -> None:
        units, local, room, out = (
            np.empty(biases.size),
            np.empty(fields.size),
            np.empty((2, 512)),
            np.empty(size),
        )
        kernels.find_log_weights(kinds, weights, biases, fields, piece * size, units, local, room, out)
        take(piece, out)

    with _pool.over(_n_pieces(machine)) as each:
        each(fill)


def annealed(
    machine: Machine, betas: Reals, n_chains: int, n_steps: int, state: State, *, progress: bool = False
) -> LogPartition:
    """Return ln Z by chains that start from independent units and go with beta from 0 to 1."""
    chains = _Annealing(machine, n_chains, state)
    chains.sampler.begin()
    log_weights = chains.run(betas, n_steps, progress=progress)
    return _estimate(log_partition_at_zero(machine), log_weights, 1.0, "annealed")


def reversed_annealing(
    machine: Machine,
    betas: Reals,
    visible: NDArray[Any],
    n_steps: int,
    state: State,
    *,
    progress: bool = False,
) -> LogPartition:
    """Return ln Z by chains that start from samples of the machine and go back to independent units."""
    chains = _Annealing(machine, len(visible), state)
    chains.sampler.visible[:] = visible
    log_weights = chains.run(betas[::-1], n_steps, progress=progress)
    return _estimate(log_partition_at_zero(machine), log_weights, -1.0, "reverse")


def along(
    machines: Sequence[Machine],
    betas: Reals,
    n_chains: int,
    n_steps: int,
    state: State,
    *,
    progress: bool = False,
) -> LogPartition:
    """Return ln Z of the last machine by chains that go through all, from that of the first annealed."""
    chains = _Annealing(machines[0], n_chains, state)
    chains.sampler.begin()
    log_weights = chains.run(betas, n_steps)
    with _runs.progress_bar(len(machines) - 1, "machine", progress) as tell:
        for machine in machines[1:]:
            log_weights += chains.move_to(machine, n_steps)
            tell(1)
    return _estimate(log_partition_at_zero(machines[0]), log_weights, 1.0, "path")


def log_partition_at_zero(machine: Machine) -> float:
    """Return ln Z at beta = 0, of visible units in the base's fields and hidden ones in none."""
    hidden = _layers.cumulants(machine.hidden, np.zeros(machine.shape[1]))
    visible = _layers.cumulants(machine.visible, machine.base.astype(np.float64))
    return float(hidden.sum() + visible.sum())


class _Annealing:
    """Chains whose inverse temperature, or whose machine, changes after every step."""

    def __init__(self, machine: Machine, n_chains: int, state: State) -> None:
        self.sampler = Sampler(machine, n_chains, state)
        self._room = np.empty((2, 512))

    def run(self, betas: Reals, n_steps: int, *, progress: bool = False) -> Reals:
        """Go from betas[0] to betas[-1] and return the logarithms of the chains' weights."""
        sampler = self.sampler
        sampler.multiply(sampler.visible)
        found = np.zeros(len(sampler.visible))
        with _runs.progress_bar(len(betas) - 1, "temperature", progress) as tell:
            for before, beta in itertools.pairwise(betas):
                found += self._log_weights(beta) - self._log_weights(before)
                self._step(beta, n_steps)
                tell(1)
        return found

    def move_to(self, machine: Machine, n_steps: int) -> Reals:
        """Change the machine at beta = 1 and return the logarithms of the weights that this gives."""
        before = self._log_weights(1.0)
        self.sampler.machine = machine
        self.sampler.multiply(self.sampler.visible)
        found = self._log_weights(1.0) - before
        self._step(1.0, n_steps)
        return found

    def _step(self, beta: float, n_steps: int) -> None:
        """Make steps at beta, from the products of the visible units to those of the next ones."""
        self.sampler.betas = np.array([beta])
        for _ in range(n_steps):
            self.sampler.redraw_hidden()
            self.sampler.draw_visible()
            self.sampler.multiply(self.sampler.visible)

    def _log_weights(self, beta: float) -> Reals:
        """Return -F(v) of all chains at beta, from the products that stand there."""
        machine, sampler = self.sampler.machine, self.sampler
        _, visible_biases, hidden_biases = machine.parameters
        fields = beta * visible_biases.astype(np.float64) + (1.0 - beta) * machine.base
        found: Reals = sampler.visible.astype(np.float64) @ fields
        biases = beta * hidden_biases.astype(np.float64)
        kernels.sum_cumulants(KINDS[machine.hidden], beta, sampler.products, biases, self._room, found)
        return found


def _estimate(begin: float, log_weights: Reals, sign: float, method: str) -> LogPartition:
    """Return ln Z and its error from weights whose mean is Z / Z_0, or Z_0 / Z if `sign` is -1.

    A logarithm is minus the work done on a chain, and so this is also how free energies are found from works,
    as `smbook.thermodynamics.jarzynski` finds them.
    """
    found = log_mean(log_weights)
    return LogPartition(begin + sign * found.value, found.error, method, log_weights)
