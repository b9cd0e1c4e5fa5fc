"""How a Boltzmann machine learns: step after step up the gradient, with all data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.boltzmann._phases import MOST_UNITS, Exact, Sampled
from smbook.kernels import boltzmann as kernels
from smbook.kernels.rng import fill_normal
from smbook.network import SpinNetwork

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.boltzmann._data import Data
    from smbook.kernels.rng import State

    Reals = NDArray[np.float64]
    Spins = NDArray[np.int8]

METHODS = ("exact", "sampled")


class Gradient(NamedTuple):
    """Derivatives of the mean log-likelihood by J_ij, i < j, mirrored, (N, N), and by h_i, (N,)."""

    couplings: Reals
    fields: Reals


class LearningHistory(NamedTuple):
    """What a machine was like before the first epoch, 0, and after each that was evaluated.

    `kl` is the Kullback-Leibler divergence of the data from the machine and `log_likelihood` the mean over
    rows, both exact, in nats; nan if there are too many units to enumerate. `gradient` is the largest entry
    of the gradient, by absolute value; that of samples does not fall below their noise.

    Two histories are equal if all their numbers are.
    """

    epoch: NDArray[np.int64]
    kl: Reals
    log_likelihood: Reals
    gradient: Reals

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        if not self.epoch.size:
            return "LearningHistory(no epochs)"
        return (
            f"LearningHistory({self.epoch[-1]} epochs, KL {self.kl[0]:.4f} before, {self.kl[-1]:.4f} after)"
        )


class Options(NamedTuple):
    """Checked hyperparameters of `smbook.boltzmann.BoltzmannMachine`, and which units are connected."""

    mask: Spins
    method: str
    n_epochs: int
    learning_rate: float
    momentum: float
    weight_decay: float
    n_chains: int
    n_sweeps: int
    initial_scale: float
    evaluate_every: int


class Run:
    """A machine that learns; its averages are those of its parameters as they stand."""

    def __init__(self, data: Data, options: Options, initial: SpinNetwork | None, state: State) -> None:
        self._options, n_units = options, len(options.mask)
        self._parameters = _first(options, state) if initial is None else _checked_initial(initial, options)
        self._steps = np.zeros((n_units, n_units)), np.zeros(n_units)
        self._phases = phases(data, options, state)
        self._judge: Exact | None = None
        if n_units <= MOST_UNITS:
            exact = isinstance(self._phases, Exact)
            self._judge = self._phases if exact else Exact(data, n_units)  # type: ignore[assignment]
        self._epoch, self._notes = 0, []  # type: ignore[var-annotated]
        self._phases.find(*self._parameters)
        self._note()

    def learn(self) -> None:
        """Make a step, or raise RuntimeError if the couplings overflow."""
        options = self._options
        kernels.learn(
            *self._phases.clamped, *self._phases.free, options.mask, options.learning_rate, options.momentum,
            options.weight_decay, *self._parameters, *self._steps,
        )  # fmt: skip
        self._epoch += 1
        if not all(np.isfinite(part).all() for part in self._parameters):
            raise RuntimeError(
                f"couplings overflow in epoch {self._epoch}: lower learning_rate, which is "
                f"{options.learning_rate:g}, or weight_decay, {options.weight_decay:g}"
            )
        self._phases.find(*self._parameters)
        if self._epoch % options.evaluate_every == 0:
            self._note()

    def finish(self) -> None:
        """See that the last epoch is in the history."""
        if self._notes[-1][0] != self._epoch:
            self._note()

    def _note(self) -> None:
        largest = max(float(np.abs(part).max()) for part in gradient(self._phases, self._options.mask))
        kl = likelihood = np.nan
        if self._judge is not None:
            if self._judge is not self._phases:
                self._judge.find(*self._parameters)
            kl, likelihood = self._judge.kl_divergence(), self._judge.log_likelihood()
        self._notes.append((self._epoch, kl, likelihood, largest))

    @property
    def network(self) -> SpinNetwork:
        """The machine as it stands."""
        matrix, fields = self._parameters
        return SpinNetwork(matrix.copy(), fields)

    @property
    def history(self) -> LearningHistory:
        """What has been noted."""
        return history_of(self._notes)

    @property
    def chains(self) -> Spins:
        """The free chains as they stand."""
        return np.array(self._phases.chains)


def history_of(notes: list[tuple[int, float, float, float]]) -> LearningHistory:
    """Return notes, one an epoch, as columns."""
    columns = np.array(notes, dtype=np.float64).reshape(-1, 4).T
    return LearningHistory(columns[0].astype(np.int64), *columns[1:])


def phases(data: Data, options: Options, state: State) -> Exact | Sampled:
    """Return what finds the averages of both phases."""
    n_units = len(options.mask)
    if options.method == "exact":
        return Exact(data, n_units)
    return Sampled(data, n_units, options.n_chains, options.n_sweeps, state)


def gradient(found: Exact | Sampled, mask: Spins) -> Gradient:
    """Return the difference of the phases."""
    couplings = (found.clamped.products - found.free.products) * mask
    return Gradient(couplings, found.clamped.means - found.free.means)


def arrays(network: SpinNetwork) -> tuple[Reals, Reals]:
    """Return the couplings, as a matrix, and the fields of a network, copies in float64."""
    couplings = network.couplings
    matrix = couplings if isinstance(couplings, np.ndarray) else couplings.toarray()
    return np.array(matrix, dtype=np.float64, order="C"), network.fields.astype(np.float64)


def checked_mask(connections: Any, n_visible: int, n_hidden: int) -> Spins:
    """Return which units are connected as int8 (N, N)."""
    visible = np.arange(n_visible + n_hidden) < n_visible
    if isinstance(connections, str):
        _checks.choice("connections", connections, ("full", "restricted"))
        among = (
            visible[:, None] != visible if connections == "restricted" else ~np.eye(visible.size, dtype=bool)
        )
        return among.astype(np.int8)
    mask = np.asarray(connections)
    if mask.dtype != np.bool_:
        raise TypeError(
            f"connections must be 'full', 'restricted' or an array of bool; got dtype {mask.dtype}"
        )
    if mask.shape != (visible.size, visible.size):
        raise ValueError(
            f"connections of {n_visible} visible and {n_hidden} hidden units must have the shape "
            f"{(visible.size, visible.size)}; got {mask.shape}"
        )
    wrong = np.argwhere((mask != mask.T) | (mask & np.eye(visible.size, dtype=bool)))
    if wrong.size:
        i, j = (int(k) for k in wrong[0])
        what = "connect no unit with itself" if i == j else "be symmetric"
        raise ValueError(f"connections must {what}; got {bool(mask[i, j])} at {(i, j)}")
    return mask.astype(np.int8)


def _first(options: Options, state: State) -> tuple[Reals, Reals]:
    """Draw small couplings where there are connections."""
    n_units = len(options.mask)
    matrix = np.zeros((n_units, n_units))
    drawn = np.empty(n_units * (n_units - 1) // 2)
    fill_normal(state, drawn)
    matrix[np.tril_indices(n_units, -1)] = options.initial_scale * drawn
    return (matrix + matrix.T) * options.mask, np.zeros(n_units)


def _checked_initial(initial: SpinNetwork, options: Options) -> tuple[Reals, Reals]:
    if not isinstance(initial, SpinNetwork):
        raise TypeError(f"initial must be a SpinNetwork; got {type(initial).__name__}")
    if initial.n_spins != len(options.mask):
        raise ValueError(f"initial must have {len(options.mask)} units; got {initial.n_spins}")
    matrix, fields = arrays(initial)
    wrong = np.argwhere((matrix != 0.0) & (options.mask == 0))
    if wrong.size:
        i, j = (int(k) for k in wrong[0])
        raise ValueError(
            f"initial must have no coupling where there is no connection; got {matrix[i, j]:g} at {(i, j)}"
        )
    return matrix, fields
