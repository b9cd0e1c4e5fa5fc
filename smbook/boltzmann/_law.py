"""What can be asked of a restricted machine whose parameters stand: its law, and samples of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from smbook import _checks, _runs
from smbook.boltzmann import _checkpoints, _layers, partition
from smbook.boltzmann._gibbs import Sampler
from smbook.boltzmann._layers import Machine, Parameters
from smbook.boltzmann.partition import LogPartition
from smbook.kernels.rng import fill_uint64, seed_state
from smbook.network import SpinNetwork

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness, State

    Reals = NDArray[np.float64]

_AS_SPINS = {"binary": (0.5, 0.5), "spin": (0.0, 1.0)}  # offset and gain of a unit that a spin stands for


class LogLikelihood(NamedTuple):
    """The mean of ln p(v) over rows, in nats, its standard error from ln Z, and how ln Z was found."""

    value: float
    error: float
    method: str


class Law:
    """The law of a machine's visible units, of which `smbook.boltzmann.RBM` is one that learns."""

    visible: str
    hidden: str
    dtype: str
    _machine: Machine
    _found: LogPartition | None

    @property
    def _double(self) -> Machine:
        check_is_fitted(self, "weights_")
        return self._machine.in_double()

    def _log_partition(self) -> LogPartition:
        """Return ln Z as `log_partition` finds it, the first time."""
        if self._found is None:
            self._found = self.log_partition()
        return self._found

    def transform(self, X: ArrayLike) -> Reals:
        """Return the means of the hidden units, (n_samples, n_hidden), given rows of visible ones."""
        rows = self._checked_data(X)
        weights, _, biases = self._double.parameters
        return _layers.means(self._machine.hidden, rows @ weights + biases)

    def inverse_transform(self, X: ArrayLike) -> Reals:
        """Return the means of the visible units, (n_samples, n_visible), given rows of hidden ones."""
        weights, biases, _ = self._double.parameters
        hidden = _checks.reals("X", X)
        if hidden.ndim != 2 or hidden.shape[1] != weights.shape[1]:
            raise ValueError(f"X must have the shape (n_samples, {weights.shape[1]}); got {hidden.shape}")
        return _layers.means(self._machine.visible, hidden @ weights.T + biases)

    def energy(self, visible: ArrayLike, hidden: ArrayLike) -> Reals:
        """Return the total energy -b . v - c . h - v . W . h of pairs of states.

        They are (..., n_visible) and (..., n_hidden). That of Gaussian hidden units is without their own
        h^2/2, which belongs to the measure.
        """
        weights, visible_biases, hidden_biases = self._double.parameters
        v = _layers.checked_units("visible", visible, self._machine.visible, weights.shape[0])
        if self._machine.hidden == "gaussian":
            h: NDArray[Any] = _checks.reals("hidden", hidden)
        else:
            h = _layers.checked_units("hidden", hidden, self._machine.hidden, weights.shape[1])
        return np.asarray(-(v @ visible_biases) - h @ hidden_biases - ((v @ weights) * h).sum(axis=-1))

    def free_energy(self, X: ArrayLike) -> Reals:
        """Return F(v) = -b . v - sum_j phi(x_j) of each row, (n_samples,)."""
        return self._double.free_energy(self._checked_data(X))

    def score_samples(self, X: ArrayLike) -> Reals:
        """Return ln p(v) of each row, in nats, with ln Z as `log_partition` finds it by itself."""
        return -self.free_energy(X) - self._log_partition().value

    def score(self, X: ArrayLike, y: Any = None) -> float:  # noqa: ARG002
        """Return the mean of ln p(v) over the rows, in nats."""
        return float(self.score_samples(X).mean())

    def log_likelihood(
        self,
        X: ArrayLike,
        log_partition: LogPartition | None = None,
    ) -> LogLikelihood:
        """Return the mean of ln p(v) over the rows, with the error that comes from ln Z.

        `log_partition` is an estimate of this machine's; None takes what `log_partition()` finds.
        """
        check_is_fitted(self, "weights_")
        found = self._log_partition() if log_partition is None else log_partition
        return LogLikelihood(float(-self.free_energy(X).mean() - found.value), found.error, found.method)

    def log_partition(
        self,
        method: str = "auto",
        *,
        n_chains: int = 100,
        betas: int | ArrayLike = 1000,
        n_steps: int = 1,
        initial: ArrayLike | None = None,
        path: Sequence[Law] | str | Path | None = None,
        rng: Randomness = None,
        progress: bool = False,
    ) -> LogPartition:
        r"""Return ln Z, exactly or by annealed importance sampling.

        Chains start from independent units, where Z is known, and go with beta to the machine. The mean of
        their weights is Z over its value at the start; that of its logarithm is below ln Z, and a machine
        that has a state which no chain finds is flattered. "reverse" goes the other way from samples of the
        machine, and is above ln Z on average if these are fair: the two together bracket it.

        Parameters
        ----------
        method
            "exact" sums over the states of the smaller layer, up to 25 units. "annealed", "reverse"; "path"
            goes through machines that this one was while it learned. "auto" is exact up to 20 units, then
            annealed.
        n_chains
            Number of chains, at least 1; of "reverse" there are as many as rows of `initial`.
        betas
            Inverse temperatures that rise from 0 to 1, or the number of equal steps between them.
        n_steps
            Steps of block Gibbs sampling at each.
        initial
            Rows of visible units that the machine gave, for "reverse". None draws exact ones of a machine
            whose smaller layer has up to 16 units.
        path
            For "path": machines of the same kind and size, the youngest first, or a folder of checkpoints;
            this one comes after the last.
        rng
            As for `smbook.ising.simulate`; None is always the same, so that likelihoods of one machine agree.
        progress
            Show a progress bar on the standard error stream.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range, or the smaller layer is too large for a sum.

        References
        ----------
        Neal (2001); Salakhutdinov and Murray (2008); Burda, Grosse and Salakhutdinov
        (2015) for the reverse; Bereux et al. (2024) for the path.

        Examples
        --------
        >>> from smbook.boltzmann import RBM
        >>> machine = RBM.from_parameters(np.full((30, 10), 0.1))
        >>> exact, found = machine.log_partition("exact"), machine.log_partition("annealed", rng=1)
        >>> bool(abs(found.value - exact.value) < 4 * found.error)
        True
        """
        _checks.choice("method", method, ("auto", "exact", "annealed", "reverse", "path"))
        check_is_fitted(self, "weights_")
        size = partition.enumerable(self._machine)
        if method == "exact" or (method == "auto" and size <= partition.MOST_UNITS_AUTO):
            partition.check_enumerable(size, partition.MOST_UNITS)
            return LogPartition(partition.exact(self._machine, progress=progress), 0.0, "exact", np.empty(0))
        steps = _checks.integer("n_steps", n_steps, minimum=1)
        n_chains = _checks.integer("n_chains", n_chains, minimum=1)
        schedule = _checked_schedule(betas)
        state = seed_state(0 if rng is None else rng)
        if method == "reverse":
            rows = self._fair_samples(n_chains, state) if initial is None else self._checked_data(initial)
            return partition.reversed_annealing(
                self._machine, schedule, rows, steps, state, progress=progress
            )
        if method == "path":
            machines = [*self._checked_path(path), self._machine]
            return partition.along(machines, schedule, n_chains, steps, state, progress=progress)
        return partition.annealed(self._machine, schedule, n_chains, steps, state, progress=progress)

    def sample(
        self,
        n_samples: int,
        *,
        n_sweeps: int = 1000,
        beta: float = 1.0,
        initial: ArrayLike | None = None,
        clamped: ArrayLike | None = None,
        rng: Randomness = None,
        progress: bool = False,
    ) -> NDArray[np.int8]:
        """Return visible units after `n_sweeps` steps of block Gibbs sampling, of independent chains.

        Parameters
        ----------
        n_samples
            Number of chains, at least 1.
        n_sweeps
            Steps, at least 0, in each of which all hidden and then all visible units are drawn.
        beta
            Inverse temperature: all parameters are multiplied with it.
        initial
            Visible units to start from, (n_visible,) or (n_samples, n_visible); None draws independent ones
            with the means of the data.
        clamped
            Real numbers (n_visible,) or (n_samples, n_visible): nan where a unit is free, else the state in
            which it is kept. The others are drawn given these.
        rng
            As for `smbook.ising.simulate`.
        progress
            Show a progress bar on the standard error stream.

        Returns
        -------
        NDArray[np.int8]
            (n_samples, n_visible).

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.

        Examples
        --------
        >>> from smbook.boltzmann import RBM
        >>> machine = RBM.from_parameters([[8.0], [8.0]], -4.0, -8.0)
        >>> rows = machine.sample(1000, clamped=[1.0, np.nan], rng=1)
        >>> bool(rows[:, 1].mean() > 0.9)
        True
        """
        check_is_fitted(self, "weights_")
        n_samples = _checks.integer("n_samples", n_samples, minimum=1)
        n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
        beta = _checks.real("beta", beta, minimum=0.0)
        shape = (n_samples, self._machine.shape[0])
        start = None if initial is None else self._checked_rows("initial", initial, shape)
        held = None if clamped is None else self._checked_clamps(clamped, shape)
        zero = self._machine._replace(base=np.zeros_like(self._machine.base))
        sampler = Sampler(zero, n_samples, seed_state(rng), betas=[beta])
        if start is None:
            sampler.begin(self._machine.base)
        else:
            sampler.visible[:] = start
        _hold(sampler, held)
        with _runs.progress_bar(n_sweeps, "sweep", progress) as tell:
            for _ in range(n_sweeps):
                sampler.draw_hidden()
                sampler.draw_visible()
                _hold(sampler, held)
                tell(1)
        return sampler.visible.astype(np.int8)

    def gradient(self, X: ArrayLike) -> Parameters:
        """Return the exact gradient of the mean of ln p(v) over the rows; it enumerates the smaller layer.

        Raises
        ------
        TypeError, ValueError
            If X is of the wrong kind, or the smaller layer has more than 16 units.
        """
        data = self._checked_data(X)
        partition.check_enumerable(partition.enumerable(self._machine), partition.MOST_UNITS_AT_ONCE)
        awake, asleep = self.transform(data), partition.all_states(self._machine)
        weighted = asleep.probabilities[:, None] * asleep.hidden
        return Parameters(
            data.T @ awake / len(data) - asleep.visible.T @ weighted,
            data.mean(axis=0) - asleep.probabilities @ asleep.visible,
            awake.mean(axis=0) - weighted.sum(axis=0),
        )

    def to_network(self) -> SpinNetwork:
        """Return a network of +1 and -1 spins that has the same probabilities at beta = 1.

        Its spins are the visible units and then the hidden ones, +1 where a unit is 1. Gaussian hidden units
        are summed over: the network is one of the visible units alone, with the couplings W W^T.

        Examples
        --------
        >>> from smbook.boltzmann import RBM
        >>> machine = RBM.from_parameters(np.ones((3, 2)), visible="spin", hidden="spin")
        >>> machine.to_network()
        SpinNetwork(5 spins, dense couplings in float64)
        """
        weights, visible_biases, hidden_biases = self._double.parameters
        offset, gain = _AS_SPINS[self._machine.visible]
        n, m = weights.shape
        if self._machine.hidden == "gaussian":
            couplings = gain**2 * weights @ weights.T
            np.fill_diagonal(couplings, 0.0)
            fields = gain * (visible_biases + weights @ (hidden_biases + offset * weights.sum(axis=0)))
            return SpinNetwork((couplings + couplings.T) / 2.0, fields)
        other_offset, other_gain = _AS_SPINS[self._machine.hidden]
        couplings = np.zeros((n + m, n + m))
        couplings[:n, n:] = gain * other_gain * weights
        couplings[n:, :n] = couplings[:n, n:].T
        fields = np.concatenate([
            gain * (visible_biases + other_offset * weights.sum(axis=1)),
            other_gain * (hidden_biases + offset * weights.sum(axis=0)),
        ])  # fmt: skip
        return SpinNetwork(couplings, fields)

    def _check_kinds(self) -> None:
        _checks.choice("visible", self.visible, ("binary", "spin"))
        _checks.choice("hidden", self.hidden, ("binary", "spin", "gaussian"))
        _checks.choice("dtype", self.dtype, ("float32", "float64"))

    def _checked_data(self, X: ArrayLike, *, reset: bool = False) -> NDArray[np.int8]:
        """Return rows of visible units as int8, or raise; `reset` where the machine is yet to begin."""
        self._check_kinds()
        if not reset:
            check_is_fitted(self, "weights_")
        return self._checked_states(X, self.visible if reset else self._machine.visible, reset=reset)

    def _checked_states(self, X: ArrayLike, kind: str, *, reset: bool) -> NDArray[np.int8]:
        if isinstance(X, np.ma.MaskedArray):
            raise TypeError("X must hold the states of all units; got a masked array")
        rows = validate_data(self, X, reset=reset, dtype="numeric")
        _layers.check_states("X", rows, kind)
        return np.ascontiguousarray(rows, dtype=np.int8)

    def _checked_rows(self, name: str, given: ArrayLike, shape: tuple[int, int]) -> NDArray[np.int8]:
        rows = _layers.checked_units(name, given, self._machine.visible, shape[1])
        if rows.shape not in (shape, shape[1:]):
            raise ValueError(f"{name} must have the shape {shape[1:]} or {shape}; got {rows.shape}")
        return rows

    def _checked_clamps(self, given: ArrayLike, shape: tuple[int, int]) -> Reals:
        """Return what the visible units of all chains are clamped to, nan where one is free."""
        found = np.asarray(given)
        if found.dtype.kind not in "iuf" or isinstance(given, np.ma.MaskedArray):
            raise TypeError(f"clamped must hold real numbers, and nan where a unit is free; got {given!r}")
        free = np.isnan(found)
        self._checked_rows("clamped", np.where(free, 1, found), shape)
        return np.array(np.broadcast_to(found, shape), dtype=np.float64)

    def _checked_path(self, path: Sequence[Law] | str | Path | None) -> list[Machine]:
        """Return the machines of a path, the youngest first, without this one at its end."""
        if path is None:
            raise ValueError("method 'path' needs a path: machines, or a folder of checkpoints")
        if isinstance(path, (str, Path)):
            files = _checkpoints.files(Path(path))
            machines = [_checkpoints.load(file).machine for file in files]
        else:
            machines = [law._machine for law in path]
        if not machines:
            raise ValueError(f"path must hold at least one machine; got {path!r}")
        wanted = self._machine.shape, self._machine.visible, self._machine.hidden
        for machine in machines:
            if (machine.shape, machine.visible, machine.hidden) != wanted:
                found = machine.shape, machine.visible, machine.hidden
                raise ValueError(f"path must hold machines like this one, {wanted}; got {found}")
        return machines

    def _fair_samples(self, n_samples: int, state: State) -> NDArray[np.int8]:
        """Draw visible units of the machine without any chain, from the law of its smaller layer."""
        size = partition.enumerable(self._machine)
        if size > partition.MOST_UNITS_AT_ONCE:
            raise ValueError(
                f"method 'reverse' needs rows to start from, as `initial`: exact ones can be drawn of up to "
                f"{partition.MOST_UNITS_AT_ONCE} units in the smaller layer, which has {size}"
            )
        states = partition.all_states(self._machine)
        numbers = np.searchsorted(np.cumsum(states.probabilities), _uniform(state, n_samples))
        sampler = Sampler(self._machine, n_samples, state)
        rows = np.minimum(numbers, len(states.probabilities) - 1)
        if partition.smaller_layer(self._machine) == "visible":
            return states.visible[rows].astype(np.int8)
        sampler.draw_visible(states.hidden[rows].astype(sampler.visible.dtype))
        return sampler.visible.astype(np.int8)


def _checked_schedule(betas: int | ArrayLike) -> Reals:
    """Return inverse temperatures that rise from 0 to 1."""
    if np.ndim(betas) == 0:
        return np.linspace(0.0, 1.0, _checks.integer("betas", betas, minimum=1) + 1)
    found = _checks.reals("betas", betas)
    if (
        found.ndim != 1
        or found.size < 2
        or found[0] != 0.0
        or found[-1] != 1.0
        or (np.diff(found) <= 0).any()
    ):
        raise ValueError(f"betas must rise from 0 to 1; got {found}")
    return found


def _hold(sampler: Sampler, held: Reals | None) -> None:
    if held is not None:
        np.copyto(sampler.visible, held, where=~np.isnan(held), casting="same_kind")


def _uniform(state: State, count: int) -> Reals:
    words = np.empty(count, dtype=np.uint64)
    fill_uint64(state, words)
    return np.asarray((words >> np.uint64(11)) * 2.0**-53, dtype=np.float64)
