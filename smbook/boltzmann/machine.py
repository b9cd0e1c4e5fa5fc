"""Boltzmann machines with any couplings, among visible and hidden units alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from smbook import _checks, _runs
from smbook.boltzmann import _learning, _phases
from smbook.boltzmann._data import checked_data, checked_rows
from smbook.kernels import boltzmann as kernels
from smbook.kernels.rng import seed_state, state_apart
from smbook.network import SpinNetwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness

    Reals = NDArray[np.float64]
    Spins = NDArray[np.int8]


class BoltzmannMachine(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A Boltzmann machine: units of +1 and -1 with p(s) proportional to exp(s.J.s / 2 + h.s), some hidden.

    The visible units come first, and p(v) = sum_h p(v, h). Learning climbs the mean log-likelihood of the
    data, which lowers the divergence of the data from p(v). Its gradient is a difference of two phases,

        d/dJ_ij = <s_i s_j>_clamped - <s_i s_j>_free,    d/dh_i = <s_i>_clamped - <s_i>_free,

    with the visible units clamped to data, or all units free. An epoch is one step with all data.

    It reads like an estimator of scikit-learn: hyperparameters are given here and checked by `fit`; what is
    learned ends in an underscore.

    Parameters
    ----------
    n_hidden
        Number of hidden units, at least 0.
    connections
        Which units are coupled: "full" for all pairs, "restricted" for visible with hidden ones alone, or a
        symmetric array of bool (N, N). Every unit has a field.
    method
        "exact" sums over the states of all units, of which there may be 20. "sampled" keeps chains, clamped
        ones and free ones, that go on from epoch to epoch while the machine changes slowly.
    n_epochs
        Number of steps, at least 0.
    learning_rate
        What the gradient is multiplied with, above 0.
    momentum
        Share of the last step that is made again, from 0 to below 1.
    weight_decay
        The gradient has -weight_decay times J added, at least 0.
    n_chains
        Number of free chains, at least 1, and of clamped ones at least, in all.
    n_sweeps
        Sweeps of a chain before each step, at least 1.
    initial_scale
        Standard deviation of the first couplings, at least 0; the first fields are zero. Hidden units that
        start without couplings never learn.
    evaluate_every
        Epochs from one entry of the history to the next, at least 1. Of samples it costs a sum over states.
    rng
        As for `smbook.ising.simulate`.

    Attributes
    ----------
    network_
        A `smbook.network.SpinNetwork` of all units, at beta = 1.
    history_
        A `LearningHistory`.
    chains_
        The free chains of "sampled" as they stand, int8 (n_chains, N).
    n_features_in_
        The number of visible units.

    References
    ----------
    Hinton and Sejnowski (1983); Ackley, Hinton and Sejnowski (1985); Younes (1989) for chains that go on.

    Examples
    --------
    Couplings between the three units of XOR can learn nothing; one hidden unit suffices.

    >>> from smbook.datasets import logic_gate
    >>> rows = logic_gate("xor", units="spin")
    >>> machine = BoltzmannMachine(0, n_epochs=300, learning_rate=0.5, rng=1).fit(rows)
    >>> bool(np.isclose(machine.kl_divergence(rows), np.log(2)))
    True
    >>> machine = BoltzmannMachine(1, n_epochs=1500, learning_rate=0.5, initial_scale=0.3, rng=1).fit(rows)
    >>> machine.kl_divergence(rows) < 0.01
    True
    """

    def __init__(
        self,
        n_hidden: int = 0,
        *,
        connections: Any = "full",
        method: str = "exact",
        n_epochs: int = 100,
        learning_rate: float = 0.1,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        n_chains: int = 100,
        n_sweeps: int = 1,
        initial_scale: float = 0.1,
        evaluate_every: int = 1,
        rng: Randomness = None,
    ) -> None:
        self.n_hidden = n_hidden
        self.connections = connections
        self.method = method
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.n_chains = n_chains
        self.n_sweeps = n_sweeps
        self.initial_scale = initial_scale
        self.evaluate_every = evaluate_every
        self.rng = rng

    @classmethod
    def from_network(cls, network: SpinNetwork, n_visible: int, **hyperparameters: Any) -> Self:
        """Return the machine of a network at beta = 1, the first `n_visible` of whose units are visible.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.

        Examples
        --------
        >>> pair = SpinNetwork([[0.0, 0.5], [0.5, 0.0]])
        >>> BoltzmannMachine.from_network(pair, 2).visible_law().round(4)
        array([0.3655, 0.1345, 0.1345, 0.3655])
        """
        if not isinstance(network, SpinNetwork):
            raise TypeError(f"network must be a SpinNetwork; got {type(network).__name__}")
        n_visible = _checks.integer("n_visible", n_visible, minimum=1, maximum=network.n_spins)
        machine = cls(network.n_spins - n_visible, **hyperparameters)
        machine._take(network, n_visible, _learning.history_of([]), np.empty((0, network.n_spins), np.int8))
        return machine

    @property
    def n_visible(self) -> int:
        """The number of visible units, once there are data or a network."""
        check_is_fitted(self, "network_")
        return self.n_features_in_

    def fit(
        self,
        X: ArrayLike,
        y: Any = None,  # noqa: ARG002
        *,
        sample_weight: ArrayLike | None = None,
        initial: SpinNetwork | None = None,
        callback: Callable[[BoltzmannMachine], Any] | None = None,
        progress: bool = False,
    ) -> Self:
        """Learn the law of rows of visible units, from small random couplings on.

        Parameters
        ----------
        X
            Rows of +1 and -1, (rows, n_visible).
        y
            Not used.
        sample_weight
            How much each row counts, at least 0 and not all 0: with the states and their probabilities a
            machine learns a distribution. None counts all alike.
        initial
            The network to go on from, for example `network_`; None draws one.
        callback
            Called with this machine after every epoch; if it returns True, no further one is made.
        progress
            Show a progress bar on the standard error stream.

        Raises
        ------
        TypeError, ValueError
            If data or hyperparameters are of the wrong kind or out of range. The machine stays as it was.
        RuntimeError
            If the couplings grow beyond all numbers, as the learning rate is too large.
        """
        data = checked_data(X, sample_weight)
        n_visible = data.rows.shape[1]
        options = self._checked_options(n_visible, self.n_hidden)
        run = _learning.Run(data, options, initial, state_apart(self.rng, 3))
        with _runs.progress_bar(options.n_epochs, "epoch", progress) as tell:
            for _ in range(options.n_epochs):
                run.learn()
                tell(1)
                if callback is not None:
                    self._take(run.network, n_visible, run.history, run.chains)
                    if callback(self) is True:
                        break
        run.finish()
        self._take(run.network, n_visible, run.history, run.chains)
        return self

    def visible_law(self, *, clamped: ArrayLike | None = None) -> Reals:
        """Return the exact p(v) of all states of the visible units, (2^n_visible,).

        State k has unit i at +1 where bit i of k is set, as in `smbook.network.Enumeration`.

        Parameters
        ----------
        clamped
            A state of the visible units (n_visible,), 0 where a unit is free: the law is then the one given
            the others.

        Raises
        ------
        TypeError, ValueError
            If there are more than 20 units, or `clamped` is no such state.

        Examples
        --------
        >>> pair = BoltzmannMachine.from_network(SpinNetwork([[0.0, 0.5], [0.5, 0.0]]), 2)
        >>> pair.visible_law(clamped=[1, 0]).round(4)  # of -- +- -+ ++
        array([0.    , 0.2689, 0.    , 0.7311])
        """
        log_law = -self._solved()[0]
        if clamped is not None:
            state = self._checked_clamped(clamped)
            log_law[(_all_states(self.n_visible) * state < 0).any(axis=1)] = -np.inf
        return np.asarray(softmax(log_law))

    def score_samples(self, X: ArrayLike) -> Reals:
        """Return ln p(v) of rows of visible units, (rows,), exact; errors as `log_likelihood`."""
        rows = checked_rows(X, self.n_visible)
        free_energies, log_partition = self._solved()
        found: Reals = -(free_energies[_numbers(rows)] + log_partition)
        return found

    def log_likelihood(self, X: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean of ln p(v) over rows of visible units, exact, in nats.

        Raises
        ------
        TypeError, ValueError
            If the rows or their weights are none, as `fit` says, or there are more than 20 units.
        """
        data = checked_data(X, sample_weight, self.n_visible)
        solved = self._solved()
        return float(kernels.log_likelihood(data.law(), *solved))

    def kl_divergence(self, X: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
        """Return sum_v q(v) ln(q(v) / p(v)), q the law of the rows, exact, in nats; errors as above."""
        data = checked_data(X, sample_weight, self.n_visible)
        solved = self._solved()
        return float(kernels.kl_divergence(data.law(), *solved))

    def gradient(
        self,
        X: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        method: str = "exact",
        n_sweeps: int = 100,
        rng: Randomness = None,
    ) -> _learning.Gradient:
        """Return the gradient of the mean log-likelihood, zero where there is no connection.

        Parameters
        ----------
        X, sample_weight
            As for `fit`.
        method
            "exact", or "sampled" by `n_chains` fresh chains after `n_sweeps` sweeps, drawn by `rng`.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range, or there are too many units.
        """
        data = checked_data(X, sample_weight, self.n_visible)
        network = self._network()
        options = self._checked_options(self.n_visible, network.n_spins - self.n_visible)._replace(
            method=_checks.choice("method", method, _learning.METHODS),
            n_sweeps=_checks.integer("n_sweeps", n_sweeps, minimum=1),
        )
        phases = _learning.phases(data, options, state_apart(rng, 3))
        phases.find(*_learning.arrays(network))
        return _learning.gradient(phases, options.mask)

    def sample(
        self,
        n_samples: int,
        *,
        n_sweeps: int = 1000,
        clamped: ArrayLike | None = None,
        rng: Randomness = None,
    ) -> Spins:
        """Return states of the visible units, (n_samples, n_visible), the ends of as many heat-bath chains.

        Parameters
        ----------
        n_samples
            At least 1.
        n_sweeps
            Sweeps of each chain, from a random start on, at least 0.
        clamped
            A state of the visible units (n_visible,), 0 where a unit is free: samples are then drawn given
            the others.
        rng
            As for `smbook.ising.simulate`.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.
        """
        network = self._network()
        n_samples = _checks.integer("n_samples", n_samples, minimum=1)
        n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
        units = np.zeros(network.n_spins, dtype=np.int8)
        if clamped is not None:
            units[: self.n_visible] = self._checked_clamped(clamped)
        parameters, state = _learning.arrays(network), seed_state(rng)
        found = _phases.draw(parameters, units, n_samples, n_sweeps, state)
        return np.ascontiguousarray(found[:, : self.n_visible])

    def transform(self, X: ArrayLike) -> Reals:
        """Return the exact means of the hidden units given rows of visible ones, (rows, n_hidden).

        Raises
        ------
        TypeError, ValueError
            If the rows are none, as `fit` says, or there are more than 20 units.
        """
        rows = checked_rows(X, self.n_visible)
        energies = self._energies().reshape(-1, 2**self.n_visible)[:, _numbers(rows)]
        hidden = _all_states(self._network().n_spins - self.n_visible)
        return np.asarray(softmax(-energies, axis=0).T @ hidden)

    def _network(self) -> SpinNetwork:
        check_is_fitted(self, "network_")
        return self.network_

    def _take(
        self, network: SpinNetwork, n_visible: int, history: _learning.LearningHistory, chains: Spins
    ) -> None:
        """Show what was learned."""
        self.network_: SpinNetwork = network
        self.n_features_in_ = n_visible
        self.history_ = history
        self.chains_ = chains

    def _energies(self) -> Reals:
        network = self._network()
        _phases.check_size(network.n_spins)
        return network.enumerate(1.0).energies

    def _solved(self) -> tuple[Reals, float]:
        """Return F(v) of all states of the visible units, and ln Z."""
        energies = self._energies()
        free_energies, law = np.empty((2, 2**self.n_visible))
        return free_energies, kernels.find_law(energies, free_energies, law)

    def _checked_clamped(self, clamped: ArrayLike) -> Spins:
        state = _checks.integers("clamped", clamped, minimum=-1, maximum=1)
        if state.shape != (self.n_visible,):
            raise ValueError(f"clamped must have the shape {(self.n_visible,)}; got {state.shape}")
        return state.astype(np.int8)

    def _checked_options(self, n_visible: int, n_hidden: int) -> _learning.Options:
        n_hidden = _checks.integer("n_hidden", n_hidden, minimum=0)
        return _learning.Options(
            _learning.checked_mask(self.connections, n_visible, n_hidden),
            _checks.choice("method", self.method, _learning.METHODS),
            _checks.integer("n_epochs", self.n_epochs, minimum=0),
            _checks.positive("learning_rate", self.learning_rate),
            _checks.share_below_one("momentum", self.momentum),
            _checks.real("weight_decay", self.weight_decay, minimum=0.0),
            _checks.integer("n_chains", self.n_chains, minimum=1),
            _checks.integer("n_sweeps", self.n_sweeps, minimum=1),
            _checks.real("initial_scale", self.initial_scale, minimum=0.0),
            _checks.integer("evaluate_every", self.evaluate_every, minimum=1),
        )


def _all_states(n_units: int) -> Spins:
    """Return all states of some units in the order of their numbers."""
    return (2 * (np.arange(2**n_units)[:, None] >> np.arange(n_units) & 1) - 1).astype(np.int8)


def _numbers(rows: Spins) -> NDArray[np.int64]:
    return (rows > 0) @ (1 << np.arange(rows.shape[1]))
