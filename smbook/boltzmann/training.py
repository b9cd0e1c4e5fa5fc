"""How a restricted machine learns: data against samples of its own, batch after batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook._records import equal
from smbook.boltzmann import partition
from smbook.boltzmann._gibbs import Sampler
from smbook.boltzmann._layers import KINDS, Machine, Parameters
from smbook.kernels import bipartite as kernels
from smbook.kernels.rng import jump

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.kernels.rng import State

    Reals = NDArray[np.float64]
    Rows = NDArray[Any]
    Phase = tuple[Rows, Rows, Rows]  # visible units, means of hidden ones, weights of the rows

METHODS = ("pcd", "cd", "tempered", "exact")

_SLIDE = 0.01  # how fast the offsets of hidden units follow their means
_CHAINS, _TEMPERATURES = 100, 300  # of an estimated likelihood
_ROWS = 1000  # that the reconstruction error is taken of


class Options(NamedTuple):
    """How a machine learns, as `smbook.boltzmann.RBM` says."""

    method: str
    n_steps: int
    learning_rate: float
    momentum: float
    weight_decay: float
    batch_size: int
    n_chains: int
    n_temperatures: int
    centering: bool


class TrainingHistory(NamedTuple):
    """What a machine was like after each epoch that was evaluated.

    `log_likelihood` and `validation` are means over rows, in nats; `log_partition_error` is the standard
    error of both, from that of ln Z, and 0 where ln Z is exact. `reconstruction_error` is the mean squared
    difference between units and their means given the means of the hidden units: it is cheap, and no measure
    of how well the machine knows the data. `singular_values` are those of the weights, a row an epoch,
    falling.

    Two histories are equal if all their numbers are.
    """

    epoch: NDArray[np.int64]
    log_likelihood: Reals
    validation: Reals
    log_partition_error: Reals
    reconstruction_error: Reals
    singular_values: Reals

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        if not len(self.epoch):
            return "TrainingHistory(no epochs)"
        last = self.log_likelihood[-1]
        return f"TrainingHistory({len(self.epoch)} epochs, log-likelihood {last:.4f} nats after the last)"


def no_history(machine: Machine) -> TrainingHistory:
    """Return a history without epochs."""
    nothing = np.empty(0)
    return TrainingHistory(
        np.empty(0, dtype=np.int64), nothing, nothing, nothing, nothing, np.empty((0, min(machine.shape)))
    )


class Run:
    """A machine that learns, with all that its next step depends on.

    Parameters are changed in place. `chains` are hidden units, (rows, m): for "tempered", those of all
    inverse temperatures, the last ones at beta = 1.
    """

    def __init__(self, machine: Machine, options: Options, state: State, visible_offsets: Reals) -> None:
        self.machine, self.options, self.state = machine, options, state
        dtype = machine.parameters.weights.dtype
        self.velocity, self._change = (
            Parameters(*(np.zeros_like(part) for part in machine.parameters)) for _ in range(2)
        )
        hidden = np.zeros((1, machine.shape[1]))
        self.offsets = [visible_offsets.astype(dtype), self._means(hidden, 1.0)[0].astype(dtype)]
        self.swaps = np.zeros((2, max(options.n_temperatures - 1, 0)), dtype=np.int64)
        self.epoch = 0
        self.history = no_history(machine)
        self._samplers: dict[int, Sampler] = {}
        self.chains = np.empty((0, machine.shape[1]), dtype)
        if options.method in ("pcd", "tempered"):
            sampler = self._sampler(options.n_chains * len(self._betas()))
            sampler.begin()
            sampler.draw_hidden()
            self.chains = sampler.hidden.copy()

    def takes(self, options: Options) -> bool:
        """Tell whether these chains are those that other options ask for."""
        mine = self.options
        return (mine.method, mine.n_chains, mine.n_temperatures) == (
            options.method, options.n_chains, options.n_temperatures,
        )  # fmt: skip

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that changes as the machine learns, under names of their own."""
        return {
            **self.machine.parameters._asdict(),
            "velocity_weights": self.velocity.weights,
            "velocity_visible_biases": self.velocity.visible_biases,
            "velocity_hidden_biases": self.velocity.hidden_biases,
            "visible_offsets": self.offsets[0],
            "hidden_offsets": self.offsets[1],
            "chains": self.chains,
            "swaps": self.swaps,
            "state": self.state,
            **{f"history_{name}": part for name, part in self.history._asdict().items()},
        }

    def restore(self, arrays: dict[str, NDArray[Any]], epoch: int) -> None:
        """Go on from what `arrays` returned after so many epochs, or raise if it was of another run."""
        mine = {name: part for name, part in self.arrays().items() if not name.startswith("history_")}
        for name, part in mine.items():
            if name not in arrays or arrays[name].shape != part.shape:
                raise ValueError(
                    f"the checkpoint of epoch {epoch} is damaged: {name} is missing or misshapen"
                )
        for name, part in mine.items():
            part[...] = arrays[name]
        self.history = TrainingHistory(*(arrays[f"history_{name}"] for name in TrainingHistory._fields))
        self.epoch = epoch

    def learn(self, data: NDArray[np.int8]) -> None:
        """Make a step for each batch of the rows, in random order.

        Raises
        ------
        RuntimeError
            If the parameters are no longer finite then.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            self._learn(data)
        self.epoch += 1
        if not all(np.isfinite(part).all() for part in self.machine.parameters):
            raise RuntimeError(
                f"the parameters grew beyond all numbers in epoch {self.epoch}; a learning_rate below "
                f"{self.options.learning_rate:g} may help"
            )

    def _learn(self, data: NDArray[np.int8]) -> None:
        order = np.arange(len(data))
        kernels.shuffle(self.state, order)
        size = self.options.batch_size
        batch = np.empty((size, data.shape[1]), self.machine.parameters.weights.dtype)
        for first in range(0, len(data), size):
            rows = batch[: min(size, len(data) - first)]
            kernels.gather(data, order[first : first + size], rows)
            self._step(rows)

    def _step(self, data: Rows) -> None:
        awake = self._means(data @ self.machine.parameters.weights, 1.0)
        rate = self.options.learning_rate
        asleep = self._asleep(data)
        if self.options.centering:
            self.offsets[1] += _SLIDE * (awake.mean(axis=0) - self.offsets[1])
        self._update([(data, awake, np.full(len(data), rate / len(data), data.dtype)), asleep])

    def _means(self, products: Rows, beta: float) -> Rows:
        found = np.empty_like(products)
        biases = self.machine.parameters.hidden_biases
        kernels.find_means(KINDS[self.machine.hidden], beta, products, biases, found)
        return found

    def _asleep(self, data: Rows) -> Phase:
        """Return rows that stand for the machine's own averages, with negative weights."""
        rate, dtype = self.options.learning_rate, data.dtype
        if self.options.method == "exact":
            states = partition.all_states(self.machine)
            weights = (-rate * states.probabilities).astype(dtype)
            return states.visible.astype(dtype), states.hidden.astype(dtype), weights
        sampler = self._contrast(data) if self.options.method == "cd" else self._continue()
        count = len(sampler.hidden) // len(sampler.betas)
        last = slice(-count, None)  # those at beta = 1
        return sampler.visible[last], sampler.hidden_means[last], np.full(count, -rate / count, dtype)

    def _contrast(self, data: Rows) -> Sampler:
        """Start chains from the data."""
        sampler = self._sampler(len(data))
        sampler.draw_hidden(data)
        for _ in range(self.options.n_steps):
            sampler.draw_visible()
            sampler.draw_hidden()
        return sampler

    def _continue(self) -> Sampler:
        """Go on with the chains from where they are."""
        sampler = self._sampler(len(self.chains))
        sampler.hidden[:] = self.chains
        for step in range(self.options.n_steps):
            sampler.draw_visible()
            sampler.multiply(sampler.visible)
            if self.options.method == "tempered":
                self._exchange(sampler, step % 2)
            sampler.redraw_hidden()
        self.chains[:] = sampler.hidden
        return sampler

    def _exchange(self, sampler: Sampler, first: int) -> None:
        """Let states at neighbouring temperatures change places."""
        betas = sampler.betas
        at = np.arange(len(self.chains)).reshape(len(betas), -1)
        energies = joint_energies(sampler)
        for start in (first, 1 - first):
            kernels.exchange(self.state, betas, start, energies, at, *self.swaps)
        for rows in (sampler.visible, sampler.products):
            rows[:] = rows[at.ravel()]

    def _betas(self) -> Reals:
        tempered = self.options.method == "tempered"
        return np.linspace(0.0, 1.0, self.options.n_temperatures) if tempered else np.ones(1)

    def _sampler(self, rows: int) -> Sampler:
        if rows not in self._samplers:
            self._samplers[rows] = Sampler(self.machine, rows, self.state, betas=self._betas())
        return self._samplers[rows]

    def _update(self, phases: list[Phase]) -> None:
        """Change the parameters by what the rows of both phases say; their weights add up to zero.

        With offsets mu and lambda the weights follow (v - mu)(h - lambda), and the biases what is left: the
        gradient of a machine of centred units, in the parameters of this one.
        """
        options, parameters = self.options, self.machine.parameters
        visible, hidden, weights = (np.concatenate(parts) for parts in zip(*phases, strict=True))
        if options.centering:
            visible -= self.offsets[0]
            hidden -= self.offsets[1]
        hidden *= weights[:, None]
        change = self._change
        np.matmul(visible.T, hidden, out=change.weights)
        np.matmul(weights, visible, out=change.visible_biases)
        np.sum(hidden, axis=0, out=change.hidden_biases)
        if options.centering:
            change.visible_biases[:] -= change.weights @ self.offsets[1]
            change.hidden_biases[:] -= self.offsets[0] @ change.weights
        if options.weight_decay:
            change.weights[:] -= options.learning_rate * options.weight_decay * parameters.weights
        if options.momentum:
            for part, old in zip(change, self.velocity, strict=True):
                old *= options.momentum
                old += part
            change = self.velocity
        for part, new in zip(parameters, change, strict=True):
            part += new


def joint_energies(sampler: Sampler) -> Reals:
    """Return E(v, h) - E at beta = 0, of rows whose products stand there, in float64."""
    _, visible_biases, hidden_biases = sampler.machine.parameters
    visible = sampler.visible.astype(np.float64) @ (visible_biases.astype(np.float64) - sampler.machine.base)
    fields = sampler.products.astype(np.float64) + hidden_biases
    return np.asarray(-visible - np.einsum("rj,rj->r", sampler.hidden, fields))


def evaluate(run: Run, data: NDArray[np.int8], validation: NDArray[np.int8] | None) -> TrainingHistory:
    """Return the history with an entry for the machine as it is; the run's random numbers are left alone."""
    machine = run.machine.in_double()
    log_partition, error = _log_partition(run)
    held = np.nan if validation is None else -machine.free_energy(validation).mean() - log_partition
    entry = (
        run.epoch,
        -machine.free_energy(data).mean() - log_partition,
        held,
        error,
        reconstruction_error(machine, data[:_ROWS]),
        np.linalg.svd(machine.parameters.weights, compute_uv=False),
    )
    parts = zip(run.history, entry, strict=True)
    return TrainingHistory(*(np.concatenate([old, np.array([new], old.dtype)]) for old, new in parts))


def _log_partition(run: Run) -> tuple[float, float]:
    if partition.enumerable(run.machine) <= partition.MOST_UNITS_AT_ONCE:
        return partition.exact(run.machine), 0.0
    state = run.state.copy()
    jump(state)
    found = partition.annealed(run.machine, np.linspace(0.0, 1.0, _TEMPERATURES + 1), _CHAINS, 1, state)
    return found.value, found.error


def reconstruction_error(machine: Machine, data: NDArray[np.int8]) -> float:
    """Return the mean squared difference between units and their means given those of the hidden ones."""
    weights, visible_biases, hidden_biases = machine.parameters
    rows = data.astype(weights.dtype)
    hidden, visible = np.empty((len(rows), weights.shape[1])), np.empty(rows.shape)
    kernels.find_means(KINDS[machine.hidden], 1.0, rows @ weights, hidden_biases, hidden)
    kernels.find_means(KINDS[machine.visible], 1.0, hidden @ weights.T, visible_biases, visible)
    return float(np.square(visible - rows).mean())
