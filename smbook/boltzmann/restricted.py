"""Restricted Boltzmann machines: a layer of visible and a layer of hidden units, without couplings inside."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from smbook import _checks, _runs
from smbook.boltzmann import _checkpoints, _layers, partition, training
from smbook.boltzmann._law import Law
from smbook.boltzmann._layers import LOWEST, Machine
from smbook.kernels.rng import fill_normal, seed_state

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness

    Reals = NDArray[np.float64]


class RBM(Law, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""A restricted Boltzmann machine, with p(v, h) proportional to exp(b . v + c . h + v . W . h).

    Given one layer, the units of the other are independent: a hidden unit is in the field x_j = c_j + (v
    W)_j. With phi(x) = ln(1 + e^x) for {0, 1}, ln 2cosh x for +1 and -1, and x^2/2 for Gaussian hidden
    units,

        ln p(v) = -F(v) - ln Z,    F(v) = -b . v - sum_j phi(x_j),

    and learning follows the gradient of its mean over the data, <v_i h_j>_data - <v_i h_j>_model.

    It reads like an estimator of scikit-learn: hyperparameters are given here and checked by `fit`; what is
    learned ends in an underscore.

    Parameters
    ----------
    n_hidden
        Number of hidden units, at least 1.
    visible, hidden
        "binary" for {0, 1}, "spin" for +1 and -1, and "gaussian" for hidden units that are normal with
        variance 1 around their field.
    method
        How the model's averages are found: "cd" starts chains at the data at each step (contrastive
        divergence), "pcd" goes on with chains of its own (persistent), "tempered" lets these change places
        with others at higher temperatures, and "exact" enumerates the smaller layer, of up to 16 units.
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
        As for `smbook.ising.simulate`. A seed gives the same bits where the products of matrices do: with
        the same BLAS, on the same number of its threads.

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
    Smolensky (1986); Hinton (2002) for contrastive divergence; Tieleman (2008) for
    persistent chains; Desjardins et al. (2010) for tempered ones; Melchior, Fischer and Wiskott (2016) for
    centring.

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
        """Return a machine with these weights (n_visible, n_hidden) and biases.

        Biases may be None, zero, or one number for all. `base` are the visible biases from which annealing
        and tempering start; None is the machine's own.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, or a number is not finite.

        Examples
        --------
        >>> machine = RBM.from_parameters([[1.0], [-1.0]], visible="spin", hidden="spin")
        >>> round(machine.log_partition().value, 6)
        2.947003
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
        X: ArrayLike,
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
            A folder, made if it is not there, for a file after every `checkpoint_every` epochs. If it holds
            some of this machine and these data, the run goes on from the last, to the same bits as one that
            was never interrupted.
        progress
            Show a progress bar on the standard error stream.

        Raises
        ------
        TypeError, ValueError
            If data or hyperparameters are of the wrong kind or out of range, or if a checkpoint is damaged or
            belongs to another machine or other data; nothing is written then, and what was learned before
            stays.
        OSError
            If nothing can be written in the folder of checkpoints.
        RuntimeError
            If the parameters grow beyond all numbers; the machine is of no use then.
        """
        every = _checks.integer("checkpoint_every", checkpoint_every, minimum=1)
        with self._kept_if_refused():
            data = self._checked_data(X, reset=True)
            held = None if validation is None else self._checked_states(validation, self.visible, reset=False)
            options = self._checked_options(data)
            folder = None if checkpoints is None else _checkpoints.Folder(Path(checkpoints), self, data)
            found = None if folder is None else folder.newest()
            run = self._begin(data, options)
            if found is not None:
                run.restore(found.arrays, found.epoch)
            if folder is not None:
                folder.make()
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

    @contextlib.contextmanager
    def _kept_if_refused(self) -> Iterator[None]:
        """Take back what an argument that is refused has changed, such as the number of visible units."""
        before = vars(self).copy()
        try:
            yield
        except BaseException:
            self.__dict__ = before
            raise

    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:  # noqa: ARG002
        """Go through these rows once more, from where the machine is; errors as `fit`."""
        fresh = not hasattr(self, "weights_")
        data = self._checked_data(X, reset=fresh)
        options = self._checked_options(data)
        self._learn(self._begin(data, options) if fresh else self._continued(data, options), data, None)
        return self

    def _continued(self, data: NDArray[np.int8], options: training.Options) -> training.Run:
        """Return the run so far, or a new one of the same machine that finds its averages in another way."""
        if self._run is not None and self._run.takes(options):
            self._run.options = options
            return self._run
        run = training.Run(self._machine, options, seed_state(self.rng), data.mean(axis=0))
        run.history, run.epoch = self.history_, 0 if self._run is None else self._run.epoch
        return run

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
        on = (data.sum(axis=0, dtype=np.int64) - low * len(data)) / (1 - low)
        shares = (on + 1.0) / (len(data) + 2.0)
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
        learned = saved.machine
        try:
            machine = cls.from_parameters(*learned.parameters, base=learned.base, **saved.hyperparameters)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} is no machine that was saved: {error}") from error
        machine.history_ = saved.history
        return machine

    def _checked_options(self, data: NDArray[np.int8]) -> training.Options:
        """Return how to learn from these rows, or raise."""
        self._check_kinds()
        _checks.integer("n_hidden", self.n_hidden, minimum=1)
        _checks.integer("n_epochs", self.n_epochs, minimum=0)
        _checks.integer("evaluate_every", self.evaluate_every, minimum=0)
        _checks.real("initial_scale", self.initial_scale, minimum=0.0)
        method = _checks.choice("method", self.method, training.METHODS)
        batch = min(100, len(data)) if self.batch_size is None else self.batch_size
        batch = _checks.integer("batch_size", batch, minimum=1)
        if batch > len(data):
            raise ValueError(f"batch_size must be at most the number of rows, {len(data)}; got {batch}")
        if method == "exact":
            smaller = min(data.shape[1], self.n_hidden) if self.hidden != "gaussian" else data.shape[1]
            partition.check_enumerable(smaller, partition.MOST_UNITS_AT_ONCE)
        return training.Options(
            method,
            _checks.integer("n_steps", self.n_steps, minimum=1),
            _checks.positive("learning_rate", self.learning_rate),
            _checks.share_below_one("momentum", self.momentum),
            _checks.real("weight_decay", self.weight_decay, minimum=0.0),
            batch,
            _checks.integer("n_chains", self.n_chains, minimum=1),
            _checks.integer("n_temperatures", self.n_temperatures, minimum=2),
            bool(self.centering),
        )


def _dtype_of(weights: ArrayLike) -> str:
    return "float32" if getattr(weights, "dtype", None) == np.float32 else "float64"
