"""Restricted Boltzmann machines: a layer of visible and a layer of hidden units, without couplings inside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from smbook import _checks, _runs
from smbook.boltzmann import _checkpoints, _layers, partition, training
from smbook.boltzmann._gibbs import Sampler
from smbook.boltzmann._layers import LOWEST, Machine, Parameters
from smbook.boltzmann.partition import LogPartition
from smbook.kernels.rng import fill_normal, fill_uint64, seed_state
from smbook.network import SpinNetwork

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness, State

    Reals = NDArray[np.float64]


_MOST_UNITS_AUTO = 20
_AS_SPINS = {"binary": (0.5, 0.5), "spin": (0.0, 1.0)}  # offset and gain of a unit that a spin stands for


class LogLikelihood(NamedTuple):
    """The mean of ln p(v) over rows, in nats, the standard error that ln Z gives it, and how ln Z was found."""

    value: float
    error: float
    method: str


class RBM(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""A restricted Boltzmann machine, with p(v, h) proportional to exp(b . v + c . h + v . W . h).

    Given one layer, the units of the other are independent: a hidden unit is in the field x_j = c_j + (v W)_j.
    With phi(x) = ln(1 + e^x) for {0, 1}, ln 2cosh x for +1 and -1, and x^2/2 for Gaussian hidden units,

        ln p(v) = -F(v) - ln Z,    F(v) = -b . v - sum_j phi(x_j),

    and learning follows the gradient of its mean over the data, <v_i h_j>_data - <v_i h_j>_model.

    It reads like an estimator of scikit-learn: hyperparameters are given here and checked by `fit`; what is
    learned ends in an underscore.

    Parameters
    ----------
    n_hidden
        Number of hidden units, at least 1.
    visible, hidden
        "binary" for {0, 1}, "spin" for +1 and -1, and "gaussian" for hidden units that are normal with variance 1
        around their field.
    method
        How the model's averages are found: "cd" starts chains at the data at each step (contrastive divergence),
        "pcd" goes on with chains of its own (persistent), "tempered" lets these change places with others at
        higher temperatures, and "exact" enumerates the smaller layer, of up to 16 units.
    n_steps
        Steps of block Gibbs sampling for each step of learning: the k of CD-k, at least 1.
    n_epochs
        How often `fit` goes through the data, at least 0.
    learning_rate
        What the mean gradient of a batch is multiplied with, above 0.
    momentum
        Share of the last change that is made again, from 0 to below 1.
    weight_decay
        The gradient has -weight_decay times W added, at least 0.
    batch_size
        Rows a step; None is 100, or all if there are fewer.
    n_chains
        Number of chains of "pcd" and "tempered", at each temperature.
    n_temperatures
        Number of inverse temperatures of "tempered", from 0 to 1 in equal steps, at least 2.
    centering
        Whether the gradient is that of units less their means.
    initial_scale
        Standard deviation of the first weights. The first visible biases are those of the data's means.
    evaluate_every
        Epochs from one entry of the history to the next; 0 for none. An entry costs a partition function.
    dtype
        "float32" or "float64", of parameters and products; likelihoods are float64.
    rng
        As for `smbook.ising.simulate`.

    Attributes
    ----------
    weights_, visible_biases_, hidden_biases_
        W (n_visible, n_hidden), b and c.
    history_
        A `TrainingHistory`.
    chains_
        Hidden units of the chains as they stand, (rows, n_hidden).
    swap_rates_
        Share of swaps between neighbouring temperatures of "tempered" that were accepted, the hottest first.
    n_features_in_
        n_visible.

    References
    ----------
    Smolensky (1986); Hinton (2002) for contrastive divergence; Tieleman (2008) for persistent chains; Desjardins
    et al. (2010) for tempered ones; Melchior, Fischer and Wiskott (2016) for centring.

    Examples
    --------
    >>> from smbook.datasets import bars_and_stripes
    >>> patterns = bars_and_stripes(2)
    >>> machine = RBM(4, method="exact", learning_rate=1.0, n_epochs=1000, evaluate_every=1000, rng=1)
    >>> bool(machine.fit(patterns).score(patterns) > -np.log(6) - 0.05)
    True
    """

    def __init__(
        self,
        n_hidden: int = 64,
        *,
        visible: str = "binary",
        hidden: str = "binary",
        method: str = "pcd",
        n_steps: int = 1,
        n_epochs: int = 10,
        learning_rate: float = 0.05,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        batch_size: int | None = None,
        n_chains: int = 100,
        n_temperatures: int = 10,
        centering: bool = True,
        initial_scale: float = 0.01,
        evaluate_every: int = 1,
        dtype: str = "float32",
        rng: Randomness = None,
    ) -> None:
        self.n_hidden = n_hidden
        self.visible = visible
        self.hidden = hidden
        self.method = method
        self.n_steps = n_steps
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.n_chains = n_chains
        self.n_temperatures = n_temperatures
        self.centering = centering
        self.initial_scale = initial_scale
        self.evaluate_every = evaluate_every
        self.dtype = dtype
        self.rng = rng

    @classmethod
    def from_parameters(
        cls,
        weights: ArrayLike,
        visible_biases: ArrayLike | None = None,
        hidden_biases: ArrayLike | None = None,
        *,
        base: ArrayLike | None = None,
        **hyperparameters: Any,
    ) -> Self:
        """Return a machine with these weights (n_visible, n_hidden) and biases; None is zero, a number holds for all.

        `base` are the visible biases from which annealing and tempering start; None is the machine's own.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, or a number is not finite.

        Examples
        --------
        >>> machine = RBM.from_parameters([[1.0], [-1.0]], visible="spin", hidden="spin")
        >>> round(machine.log_partition().value, 6)
        2.940094
        """
        machine = cls(**{"dtype": _dtype_of(weights), **hyperparameters})
        machine._check_kinds()
        parameters = _layers.checked_parameters(
            weights, visible_biases, hidden_biases, np.dtype(machine.dtype)
        )
        start = parameters.visible_biases
        if base is not None:
            start = _layers.checked_parameters(parameters.weights, base, None, start.dtype).visible_biases
        machine.n_hidden = parameters.weights.shape[1]
        machine._take(Machine(parameters, machine.visible, machine.hidden, start))
        return machine

    def fit(
        self,
        X: ArrayLike,  # noqa: N803
        y: Any = None,  # noqa: ARG002
        *,
        validation: ArrayLike | None = None,
        callback: Callable[[RBM], Any] | None = None,
        checkpoints: str | os.PathLike[str] | None = None,
        checkpoint_every: int = 1,
        progress: bool = False,
    ) -> Self:
        """Learn from rows of visible units, from the start or from the last checkpoint.

        Parameters
        ----------
        X
            Rows (n_samples, n_visible) in the visible units' two states.
        y
            Not used.
        validation
            Rows to evaluate beside the data.
        callback
            Called with this machine after every epoch; if it returns True, no further one is made.
        checkpoints
            A folder, made if it is not there, for a file after every `checkpoint_every` epochs. If it holds some of
            this machine and these data, the run goes on from the last, to the same bits as one that was never
            interrupted.
        progress
            Show a progress bar on the standard error stream.

        Raises
        ------
        TypeError, ValueError
            If data or hyperparameters are of the wrong kind or out of range, or if a checkpoint is damaged or
            belongs to another machine or other data; nothing is written then.
        """
        data = self._checked_data(X, reset=True)
        held = None if validation is None else self._checked_data(validation)
        options = self._checked_options(data)
        every = _checks.integer("checkpoint_every", checkpoint_every, minimum=1)
        folder = None if checkpoints is None else _checkpoints.Folder(Path(checkpoints), self, data)
        found = None if folder is None else folder.newest()
        run = self._begin(data, options)
        if found is not None:
            for part, saved in zip(run.machine.parameters, found.parameters, strict=True):
                part[...] = saved
            run.restore(found.arrays, found.epoch)
        self._take(run.machine, run)
        with _runs.progress_bar(self.n_epochs, "epoch", progress) as tell:
            tell(run.epoch)
            while run.epoch < self.n_epochs:
                self._learn(run, data, held)
                tell(1)
                if folder is not None and (run.epoch % every == 0 or run.epoch == self.n_epochs):
                    folder.write(run)
                if callback is not None and callback(self) is True:
                    break
        return self

    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:  # noqa: ARG002, N803
        """Go through these rows once more, from where the machine is; errors as `fit`."""
        fresh = not hasattr(self, "weights_")
        data = self._checked_data(X, reset=fresh)
        options = self._checked_options(data)
        if fresh:
            self._run = self._begin(data, options)
        elif getattr(self, "_run", None) is None:
            self._run = training.Run(self._machine, options, seed_state(self.rng), data.mean(axis=0))
        self._run.options = options
        self._learn(self._run, data, None)
        return self

    @property
    def _double(self) -> Machine:
        check_is_fitted(self, "weights_")
        return self._machine.in_double()

    def _log_partition(self) -> LogPartition:
        """Return ln Z as `log_partition` finds it, the first time."""
        if self._found is None:
            self._found = self.log_partition()
        return self._found

    def _learn(self, run: training.Run, data: NDArray[np.int8], held: NDArray[np.int8] | None) -> None:
        run.learn(data)
        if self.evaluate_every and run.epoch % self.evaluate_every == 0:
            run.history = training.evaluate(run, data, held)
        self._take(run.machine, run)

    def _begin(self, data: NDArray[np.int8], options: training.Options) -> training.Run:
        """Return a run of a machine that knows the means of the data and nothing else."""
        state = seed_state(self.rng)
        means = data.mean(axis=0)
        low = LOWEST[self.visible]
        shares = (np.count_nonzero(data == 1, axis=0) + 1.0) / (len(data) + 2.0)
        biases = _layers.fields_of(self.visible, low + (1 - low) * shares)
        weights = np.empty((data.shape[1], self.n_hidden))
        fill_normal(state, weights.ravel())
        weights *= self.initial_scale
        parameters = _layers.checked_parameters(weights, biases, None, np.dtype(self.dtype))
        machine = Machine(parameters, self.visible, self.hidden, parameters.visible_biases.copy())
        return training.Run(machine, options, state, means)

    def _take(self, machine: Machine, run: training.Run | None = None) -> None:
        """Show what a machine has learned."""
        self._machine, self._run, self._found = machine, run, None
        self.weights_, self.visible_biases_, self.hidden_biases_ = machine.parameters
        self.n_features_in_ = machine.shape[0]
        self.history_ = training.no_history(machine) if run is None else run.history
        self.chains_ = np.empty((0, machine.shape[1])) if run is None else run.chains
        if run is not None and run.options.method == "tempered":
            self.swap_rates_ = run.swaps[1] / np.maximum(run.swaps[0], 1)

    def transform(self, X: ArrayLike) -> Reals:  # noqa: N803
        """Return the means of the hidden units, (n_samples, n_hidden), given rows of visible ones."""
        rows = self._checked_data(X)
        weights, _, biases = self._double.parameters
        return _layers.means(self.hidden, rows @ weights + biases)

    def inverse_transform(self, H: ArrayLike) -> Reals:  # noqa: N803
        """Return the means of the visible units, (n_samples, n_visible), given rows of hidden ones, or of their means."""
        weights, biases, _ = self._double.parameters
        hidden = _checks.reals("H", H)
        if hidden.ndim != 2 or hidden.shape[1] != weights.shape[1]:
            raise ValueError(f"H must have the shape (n_samples, {weights.shape[1]}); got {hidden.shape}")
        return _layers.means(self.visible, hidden @ weights.T + biases)

    def energy(self, visible: ArrayLike, hidden: ArrayLike) -> Reals:
        """Return the total energy -b . v - c . h - v . W . h of pairs of states, (..., n_visible) and (..., n_hidden).

        That of Gaussian hidden units is without their own h^2/2, which belongs to the measure.
        """
        weights, visible_biases, hidden_biases = self._double.parameters
        v = _layers.checked_units("visible", visible, self.visible, weights.shape[0])
        if self.hidden == "gaussian":
            h: NDArray[Any] = _checks.reals("hidden", hidden)
        else:
            h = _layers.checked_units("hidden", hidden, self.hidden, weights.shape[1])
        return np.asarray(-(v @ visible_biases) - h @ hidden_biases - ((v @ weights) * h).sum(axis=-1))

    def free_energy(self, X: ArrayLike) -> Reals:  # noqa: N803
        """Return F(v) = -b . v - sum_j phi(x_j) of each row, (n_samples,)."""
        return self._double.free_energy(self._checked_data(X))

    def score_samples(self, X: ArrayLike) -> Reals:  # noqa: N803
        """Return ln p(v) of each row, in nats, with ln Z as `log_partition` finds it by itself."""
        return -self.free_energy(X) - self._log_partition().value

    def score(self, X: ArrayLike, y: Any = None) -> float:  # noqa: ARG002, N803
        """Return the mean of ln p(v) over the rows, in nats."""
        return float(self.score_samples(X).mean())

    def log_likelihood(self, X: ArrayLike, log_partition: LogPartition | None = None) -> LogLikelihood:  # noqa: N803
        """Return the mean of ln p(v) over the rows, with the error that comes from ln Z.

        `log_partition` is an estimate of this machine's; None takes what `log_partition()` finds.
        """
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
        path: Sequence[RBM] | str | os.PathLike[str] | None = None,
        rng: Randomness = None,
        progress: bool = False,
    ) -> LogPartition:
        r"""Return ln Z, exactly or by annealed importance sampling.

        Chains start from independent units, where Z is known, and go with beta to the machine. The mean of their
        weights is Z over its value at the start; that of its logarithm is below ln Z, and a machine that has a
        state which no chain finds is flattered. "reverse" goes the other way from samples of the machine, and is
        above ln Z on average if these are fair: the two together bracket it.

        Parameters
        ----------
        method
            "exact" sums over the states of the smaller layer, up to 25 units. "annealed", "reverse"; "path" goes
            through machines that this one was while it learned. "auto" is exact up to 20 units, then annealed.
        n_chains
            Number of chains, at least 1; of "reverse" there are as many as rows of `initial`.
        betas
            Inverse temperatures that rise from 0 to 1, or the number of equal steps between them.
        n_steps
            Steps of block Gibbs sampling at each.
        initial
            Rows of visible units that the machine gave, for "reverse". None draws exact ones of a machine whose smaller
            layer has up to 16 units.
        path
            For "path": machines of the same kind and size, the youngest first, or a folder of checkpoints; this
            one comes after the last.
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
        Neal (2001); Salakhutdinov and Murray (2008); Burda, Grosse and Salakhutdinov (2015) for the reverse; Bereux et
        al. (2024) for the path.

        Examples
        --------
        >>> machine = RBM.from_parameters(np.full((30, 10), 0.1))
        >>> exact, found = machine.log_partition("exact"), machine.log_partition("annealed", rng=1)
        >>> bool(abs(found.value - exact.value) < 4 * found.error)
        True
        """
        _checks.choice("method", method, ("auto", "exact", "annealed", "reverse", "path"))
        check_is_fitted(self, "weights_")
        size = partition.enumerable(self._machine)
        if method == "exact" or (method == "auto" and size <= _MOST_UNITS_AUTO):
            _check_enumerable(size, partition.MOST_UNITS)
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
        """Return visible units after `n_sweeps` steps of block Gibbs sampling, a row for each of independent chains.

        Parameters
        ----------
        n_samples
            Number of chains, at least 1.
        n_sweeps
            Steps, at least 0, in each of which all hidden and then all visible units are drawn.
        beta
            Inverse temperature: all parameters are multiplied with it.
        initial
            Visible units to start from, (n_visible,) or (n_samples, n_visible); None draws independent ones with the
            means of the data.
        clamped
            Real numbers (n_visible,) or (n_samples, n_visible): nan where a unit is free, else the state in which it is
            kept. The others are drawn given these.
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

    def gradient(self, X: ArrayLike) -> Parameters:  # noqa: N803
        """Return the exact gradient of the mean of ln p(v) over the rows, by enumeration of the smaller layer.

        Raises
        ------
        TypeError, ValueError
            If X is of the wrong kind, or the smaller layer has more than 16 units.
        """
        data = self._checked_data(X)
        _check_enumerable(partition.enumerable(self._machine), training.MOST_UNITS_EXACT)
        awake, asleep = self.transform(data), partition.all_states(self._machine)
        weighted = asleep.probabilities[:, None] * asleep.hidden
        return Parameters(
            data.T @ awake / len(data) - asleep.visible.T @ weighted,
            data.mean(axis=0) - asleep.probabilities @ asleep.visible,
            awake.mean(axis=0) - weighted.sum(axis=0),
        )

    def to_network(self) -> SpinNetwork:
        """Return a network of +1 and -1 spins that has the same probabilities at beta = 1.

        Its spins are the visible units and then the hidden ones, +1 where a unit is 1. Gaussian hidden units are summed
        over: the network is one of the visible units alone, with the couplings W W^T.

        Examples
        --------
        >>> machine = RBM.from_parameters(np.ones((3, 2)), visible="spin", hidden="spin")
        >>> machine.to_network()
        SpinNetwork(5 spins, dense couplings in float64)
        """
        weights, visible_biases, hidden_biases = self._double.parameters
        offset, gain = _AS_SPINS[self.visible]
        n, m = weights.shape
        if self.hidden == "gaussian":
            couplings = gain**2 * weights @ weights.T
            np.fill_diagonal(couplings, 0.0)
            fields = gain * (visible_biases + weights @ (hidden_biases + offset * weights.sum(axis=0)))
            return SpinNetwork((couplings + couplings.T) / 2.0, fields)
        other_offset, other_gain = _AS_SPINS[self.hidden]
        couplings = np.zeros((n + m, n + m))
        couplings[:n, n:] = gain * other_gain * weights
        couplings[n:, :n] = couplings[:n, n:].T
        fields = np.concatenate([
            gain * (visible_biases + other_offset * weights.sum(axis=1)),
            other_gain * (hidden_biases + offset * weights.sum(axis=0)),
        ])  # fmt: skip
        return SpinNetwork(couplings, fields)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the machine to a file of plain arrays (.npz), which `load` reads.

        Raises
        ------
        FileExistsError
            If there is such a file, unless `overwrite` is true.
        """
        check_is_fitted(self, "weights_")
        place = Path(path)
        if place.exists() and not overwrite:
            raise FileExistsError(f"{place} is there already; overwrite=True writes over it")
        _checkpoints.save(place, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return a machine that `save` or a checkpoint has left.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no machine that was saved, or is damaged.
        """
        saved = _checkpoints.load(Path(path))
        machine = cls.from_parameters(*saved.parameters, base=saved.arrays["base"], **saved.hyperparameters)
        machine.history_ = saved.history
        return machine

    def _check_kinds(self) -> None:
        _checks.choice("visible", self.visible, ("binary", "spin"))
        _checks.choice("hidden", self.hidden, ("binary", "spin", "gaussian"))
        _checks.choice("dtype", self.dtype, ("float32", "float64"))

    def _checked_options(self, data: NDArray[np.int8]) -> training.Options:
        """Return how to learn from these rows, or raise."""
        self._check_kinds()
        _checks.integer("n_hidden", self.n_hidden, minimum=1)
        _checks.integer("n_epochs", self.n_epochs, minimum=0)
        _checks.integer("evaluate_every", self.evaluate_every, minimum=0)
        _checks.real("initial_scale", self.initial_scale, minimum=0.0)
        method = _checks.choice("method", self.method, training.METHODS)
        rate = _checks.real("learning_rate", self.learning_rate, minimum=0.0)
        if rate == 0.0:
            raise ValueError("learning_rate must be positive; got 0.0")
        momentum = _checks.real("momentum", self.momentum, minimum=0.0)
        if momentum >= 1.0:
            raise ValueError(f"momentum must be below 1; got {momentum}")
        batch = min(100, len(data)) if self.batch_size is None else self.batch_size
        batch = _checks.integer("batch_size", batch, minimum=1)
        if batch > len(data):
            raise ValueError(f"batch_size must be at most the number of rows, {len(data)}; got {batch}")
        if method == "exact":
            smaller = min(data.shape[1], self.n_hidden) if self.hidden != "gaussian" else data.shape[1]
            _check_enumerable(smaller, training.MOST_UNITS_EXACT)
        return training.Options(
            method,
            _checks.integer("n_steps", self.n_steps, minimum=1),
            rate,
            momentum,
            _checks.real("weight_decay", self.weight_decay, minimum=0.0),
            batch,
            _checks.integer("n_chains", self.n_chains, minimum=1),
            _checks.integer("n_temperatures", self.n_temperatures, minimum=2),
            bool(self.centering),
        )

    def _checked_data(self, X: ArrayLike, *, reset: bool = False) -> NDArray[np.int8]:  # noqa: N803
        """Return rows of visible units as int8, or raise."""
        self._check_kinds()
        if not reset:
            check_is_fitted(self, "weights_")
        rows = validate_data(self, X, reset=reset, dtype="numeric")
        _layers.check_states("X", rows, self.visible)
        return np.ascontiguousarray(rows, dtype=np.int8)

    def _checked_rows(self, name: str, given: ArrayLike, shape: tuple[int, int]) -> NDArray[np.int8]:
        rows = _layers.checked_units(name, given, self.visible, shape[1])
        if rows.shape not in (shape, shape[1:]):
            raise ValueError(f"{name} must have the shape {shape[1:]} or {shape}; got {rows.shape}")
        return rows

    def _checked_clamps(self, given: ArrayLike, shape: tuple[int, int]) -> Reals:
        """Return what the visible units of all chains are clamped to, nan where one is free."""
        found = np.asarray(given)
        if found.dtype.kind not in "iuf":
            raise TypeError(f"clamped must hold real numbers; got dtype {found.dtype}")
        free = np.isnan(found)
        self._checked_rows("clamped", np.where(free, 1, found), shape)
        return np.array(np.broadcast_to(found, shape), dtype=np.float64)

    def _checked_path(self, path: Sequence[RBM] | str | os.PathLike[str] | None) -> list[Machine]:
        """Return the machines of a path, the youngest first, without this one at its end."""
        if path is None:
            raise ValueError("method 'path' needs a path: machines, or a folder of checkpoints")
        if isinstance(path, (str, Path)) or hasattr(path, "__fspath__"):
            files = _checkpoints.files(Path(path))
            if not files:
                raise ValueError(f"path must be a folder of checkpoints; {path} holds none")
            return self._checked_path([type(self).load(file) for file in files])
        machines = [machine._machine for machine in path]
        wanted = self._machine.shape, self.visible, self.hidden
        for machine in machines:
            if (machine.shape, machine.visible, machine.hidden) != wanted:
                raise ValueError(
                    f"path must hold machines of {wanted[0]} units, {self.visible} and {self.hidden}; got one of "
                    f"{machine.shape}, {machine.visible} and {machine.hidden}"
                )
        return machines

    def _fair_samples(self, n_samples: int, state: State) -> NDArray[np.int8]:
        """Draw visible units of the machine without any chain, from the law of its smaller layer."""
        size = partition.enumerable(self._machine)
        if size > training.MOST_UNITS_EXACT:
            raise ValueError(
                f"method 'reverse' needs rows to start from, as `initial`: exact ones can be drawn of up to "
                f"{training.MOST_UNITS_EXACT} units in the smaller layer, which has {size}"
            )
        states = partition.all_states(self._machine)
        numbers = np.searchsorted(np.cumsum(states.probabilities), _uniform(state, n_samples))
        sampler = Sampler(self._machine, n_samples, state)
        rows = np.minimum(numbers, len(states.probabilities) - 1)
        if partition.smaller_layer(self._machine) == "visible":
            return states.visible[rows].astype(np.int8)
        sampler.draw_visible(states.hidden[rows].astype(sampler.visible.dtype))
        return sampler.visible.astype(np.int8)


def _check_enumerable(size: int, most: int) -> None:
    if size > most:
        raise ValueError(f"a sum over the states of the smaller layer is for up to {most} units; got {size}")


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


def _dtype_of(weights: ArrayLike) -> str:
    return "float32" if getattr(weights, "dtype", None) == np.float32 else "float64"


def _hold(sampler: Sampler, held: Reals | None) -> None:
    if held is not None:
        np.copyto(sampler.visible, held, where=~np.isnan(held), casting="same_kind")


def _uniform(state: State, count: int) -> Reals:
    words = np.empty(count, dtype=np.uint64)
    fill_uint64(state, words)
    return (words >> np.uint64(11)) * 2.0**-53
