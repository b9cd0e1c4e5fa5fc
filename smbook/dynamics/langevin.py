"""Langevin learning: descent on a loss with noise of a temperature, for many runs side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.kernels.rng import fill_normal, fill_uint64, seed_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness, State

    Floats = NDArray[np.float64]
    Function = Callable[[Floats], ArrayLike]


_FARTHEST = 1e100  # so that the cube of a weight is a number
_SMALLEST = 1e-150  # kick that a Metropolis test divides by


class LangevinPath(NamedTuple):
    """What Langevin learning leaves: `weights` after every kept step, and the share of steps made.

    `weights` is (kept, d) for one run and (kept, C, d) for C of them. `acceptance` is 1 without a Metropolis
    test. Two results are equal if all their numbers are.
    """

    weights: Floats
    acceptance: float

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        kept, *runs, d = self.weights.shape
        of = f" of {runs[0]} run{'s' * (runs[0] != 1)}" if runs else ""
        size = f"{kept} kept step{'s' * (kept != 1)}{of}, {d} weight{'s' * (d != 1)}"
        return f"LangevinPath({size}, acceptance {self.acceptance:.3g})"


def langevin(
    gradient: Function,
    weights: ArrayLike,
    n_steps: int,
    *,
    rate: float,
    temperature: float,
    loss: Function | None = None,
    thin: int = 1,
    rng: Randomness = None,
    progress: bool = False,
) -> LangevinPath:
    r"""Descend on a loss with noise: w <- w - eta grad L + sqrt(2 eta T) xi, xi Gaussian of variance 1.

    For eta to 0 the weights sample Gibbs' law, exp(-L / T) / Z. At a finite rate they sample another one, off
    by the order of eta (`smbook.theory.dynamics.langevin_step_law` and `langevin_bias`), and where the
    gradient grows faster than the weights they may run away. If the loss is given too, each step is only
    proposed, and made with probability

    .. math:: \min\Bigl(1, \frac{e^{-L(w') / T} \, p(w' \to w)}{e^{-L(w) / T} \, p(w \to w')}\Bigr), \qquad
              p(w \to w') \propto \exp \Bigl(-\frac{|w' - w + \eta \nabla L(w)|^2}{4 \eta T}\Bigr)

    so that Gibbs' law is kept exactly, at any rate (Metropolis-adjusted Langevin). With T = 0 it is plain
    gradient descent.

    Parameters
    ----------
    gradient
        A function of weights (C, d) that returns their gradients, (C, d).
    weights
        Where to begin: (d,) for one run, (C, d) for C of them.
    n_steps
        How many steps, at least 0.
    rate
        eta, positive.
    temperature
        T, at least 0; with a loss positive, and eta T at least 1e-300.
    loss
        A function of weights (C, d) that returns their losses, (C,); None makes every step.
    thin
        Every so many steps are kept, at least 1.
    rng
        As for `smbook.ising.simulate`.
    progress
        Whether a bar shows the steps.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, if a function returns anything but finite numbers
        of the right shape, or if the weights run away.

    References
    ----------
    Parisi (1981); Roberts and Tweedie (1996) for the Metropolis test and for what happens without.

    Examples
    --------
    >>> path = langevin(lambda w: 2 * w, np.zeros((400, 1)), 500, rate=0.1, temperature=1.0, rng=1)
    >>> path
    LangevinPath(500 kept steps of 400 runs, 1 weight, acceptance 1)
    >>> round(float(path.weights[100:].var()), 2)  # Gibbs: 1/2; at this rate 5/9
    0.56
    """
    start = _checks.reals("weights", weights)
    if start.ndim not in (1, 2) or not start.size:
        raise ValueError(f"weights must have the shape (d,) or (C, d); got {start.shape}")
    n_steps = _checks.integer("n_steps", n_steps, minimum=0)
    rate = _checks.positive("rate", rate)
    temperature = _checks.real("temperature", temperature, minimum=0.0)
    if loss is not None and temperature == 0.0:
        raise ValueError("temperature must be positive for a Metropolis test of the loss; got 0.0")
    thin = _checks.integer("thin", thin, minimum=1)
    descent = _Descent(gradient, loss, rate, temperature, seed_state(rng))
    if not np.abs(start).max() < _FARTHEST:
        raise ValueError(f"weights must be below {_FARTHEST:g} in size; got {np.abs(start).max():g}")
    if loss is not None and descent.size < _SMALLEST:
        raise ValueError(
            f"rate times temperature must be at least 1e-300; got {rate:g} times {temperature:g}"
        )
    place = descent.look(np.array(np.atleast_2d(start)))
    path, made = np.empty((n_steps // thin, *place.weights.shape)), 0
    with progress_bar(n_steps, "step", progress) as tell:
        for step in range(n_steps):
            place, moved = descent.step(place)
            made += moved
            if (step + 1) % thin == 0:
                path[step // thin] = place.weights
            tell(1)
    share = made / (n_steps * len(place.weights)) if n_steps else 1.0
    return LangevinPath(path.reshape(len(path), *start.shape), share)


class _Place(NamedTuple):
    """Hold weights (C, d), their gradients, and their losses (C,), zeros where none are wanted."""

    weights: Floats
    gradients: Floats
    losses: Floats


class _Descent(NamedTuple):
    """Hold a loss and how to descend on it."""

    gradient: Function
    loss: Function | None
    rate: float
    temperature: float
    state: State

    @property
    def size(self) -> float:
        """The deviation of a kick."""
        return math.sqrt(2 * self.rate * self.temperature)

    def look(self, weights: Floats) -> _Place:
        """Return what there is at these weights, or raise if it is no finite number."""
        far = np.abs(weights).max()
        if not far < _FARTHEST:
            raise ValueError(f"rate must be so small that weights stay; at {self.rate:g} one came to {far:g}")
        gradients = _returned("gradient", self.gradient(weights.copy()), weights.shape)
        if self.loss is None:
            return _Place(weights, gradients, np.zeros(len(weights)))
        return _Place(weights, gradients, _returned("loss", self.loss(weights.copy()), weights.shape[:1]))

    def step(self, place: _Place) -> tuple[_Place, int]:
        """Return where a step leads, and how many of the runs made it."""
        size = self.size
        noise = np.zeros(place.weights.size)
        if size:
            fill_normal(self.state, noise)
        kick = noise.reshape(place.weights.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            new = self.look(place.weights - self.rate * place.gradients + size * kick)
        if self.loss is None:
            return new, len(kick)
        with np.errstate(over="ignore", invalid="ignore"):  # nan are odds of none
            back = (place.weights - new.weights + self.rate * new.gradients) / size
            log_odds = (place.losses - new.losses) / self.temperature
            log_odds += ((kick**2).sum(axis=1) - (back**2).sum(axis=1)) / 2
        made = self.uniform(len(kick)) < np.exp(np.minimum(log_odds, 0.0))
        kept = made[:, np.newaxis]
        chosen = (
            np.where(kept if new_part.ndim == 2 else made, new_part, old)
            for new_part, old in zip(new, place, strict=True)
        )
        return _Place(*chosen), int(made.sum())

    def uniform(self, count: int) -> Floats:
        """Return uniform numbers in [0, 1)."""
        words = np.empty(count, dtype=np.uint64)
        fill_uint64(self.state, words)
        return np.asarray((words >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def _returned(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Floats:
    found = _checks.reals(f"values of {name}", values)
    if found.shape != shape:
        raise ValueError(f"{name} must return the shape {shape}; got {found.shape}")
    return found
