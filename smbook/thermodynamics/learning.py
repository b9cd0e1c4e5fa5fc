"""Weights that learn in a bath: what they know, and the heat that it cost, measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import digamma, expit

from smbook import _checks, _runs
from smbook._records import equal
from smbook.kernels.rng import seed_state
from smbook.perceptron._examples import checked_examples
from smbook.statistics import Estimate
from smbook.theory.thermodynamics import label_information

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int8]

_BLOCKS = 20
_NEIGHBOUR = 4
_LEAST_WEIGHTS = 1000
_MOST_STEPS = 10**7
_RULES = ("hebb", "perceptron", "adatron")


class MeasuredBalance(NamedTuple):
    """Hold the balance of many weights that have each learned one label, values with their errors.

    The fields are those of `smbook.theory.thermodynamics.OneWeight`, of which `z` tells how far each is.
    """

    heat: Estimate
    entropy_change: Estimate
    information_weight: Estimate
    information_readout: Estimate
    probability: Estimate
    efficiency: Estimate


class OneWeightLearning(NamedTuple):
    """Hold independent weights before and after each has learned a label of its own.

    Attributes
    ----------
    initial, weights
        Weights before and after, (n_weights,).
    labels
        int8 of +1 and -1, (n_weights,).
    heat
        What each gave to the bath, in units of k_B T, (n_weights,).
    times
        Times at which means were noted, (n_steps + 1,).
    mean_heat
        Mean heat until then.
    share_right
        Share of the weights whose sign was that of the label.
    """

    initial: Floats
    weights: Floats
    labels: Labels
    heat: Floats
    times: Floats
    mean_heat: Floats
    share_right: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        means = f"mean heat {self.mean_heat[-1]:.4f}, {self.share_right[-1]:.4f} right"
        return f"OneWeightLearning({self.weights.size} weights, time {self.times[-1]:g}, {means})"

    def balance(self) -> MeasuredBalance:
        """Measure heat, change of entropy, information and efficiency; errors by a jackknife of 20 blocks.

        Entropies are those of the sample, by the distances to fourth neighbours (Kozachenko and Leonenko
        1987); what a weight knows of its label is how much better than by chance its label is guessed from
        it, by the best logistic guess. Nothing of the theory goes in but the form of that guess.
        """
        columns = self.initial, self.weights, self.labels.astype(np.float64), self.heat
        whole = _balance(*columns)
        blocks = np.arange(self.weights.size) % _BLOCKS
        parts = np.array([_balance(*(part[blocks != k] for part in columns)) for k in range(_BLOCKS)])
        errors = np.sqrt((_BLOCKS - 1) * parts.var(axis=0))
        return MeasuredBalance(*(Estimate(float(v), float(e)) for v, e in zip(whole, errors, strict=True)))


class LearnedInBath(NamedTuple):
    """Hold learners in a bath after they have felt the force of examples.

    Attributes
    ----------
    weights
        (n_learners, N).
    heat
        What each gave to the bath per weight, in units of k_B T, (n_learners,).
    acceptance
        Share of the steps that were accepted; 1 for Hebb's force.
    """

    weights: Floats
    heat: Floats
    acceptance: float

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        learners, n = self.weights.shape
        kept = f"mean heat per weight {self.heat.mean():.4f}, acceptance {self.acceptance:.3f}"
        return f"LearnedInBath({learners} learners of {n} weights, {kept})"


def one_weight_learning(
    field: float, duration: float, n_weights: int, *, step: float = 0.05, rng: Randomness = None
) -> OneWeightLearning:
    r"""Let many weights each learn a label of its own by the force nu s, from equilibrium on.

    .. math:: \frac{dw}{dt} = -w + \nu s + \sqrt2 \, \zeta, \qquad
              Q = \int (-w + \nu s) \circ dw, \qquad w(0) \sim N(0, 1)

    The steps are exact, and the heat of each is the mean of the forces before and after it times the way,
    which is exact for forces that are linear in w.

    Parameters
    ----------
    field
        nu, within 1e6.
    duration
        t, in units of the relaxation time, from 0 to 1e4.
    n_weights
        At least 1000, for which entropies can be measured.
    step
        Length of a step, positive; it only sets how often means are noted.
    rng
        As for `smbook.ising.simulate`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Goldt and Seifert (2017), for one weight and one label.

    Examples
    --------
    >>> from smbook.theory.thermodynamics import one_weight_engine
    >>> found = one_weight_learning(1.0, 3.0, 20_000, rng=1).balance()
    >>> exact = one_weight_engine(1.0, duration=3.0)
    >>> all(abs(one.z(other)) < 4 for one, other in zip(found, exact, strict=True))
    True
    """
    strength = _checks.real("field", field, minimum=-1e6, maximum=1e6)
    time = _checks.real("duration", duration, minimum=0.0, maximum=1e4)
    n_weights = _checks.integer("n_weights", n_weights, minimum=_LEAST_WEIGHTS)
    step = _checks.positive("step", step)
    n_steps = _number_of_steps(time, step)
    random = np.random.default_rng(seed_state(rng))
    labels = random.choice(np.array([-1, 1], dtype=np.int8), n_weights)
    initial = random.normal(size=n_weights)
    target, weights, heat = strength * labels, initial.copy(), np.zeros(n_weights)
    decay = math.exp(-time / max(n_steps, 1))
    noise = math.sqrt(-math.expm1(-2 * time / max(n_steps, 1)))
    noted = np.empty((n_steps + 1, 2))
    for k in range(n_steps + 1):
        if k:
            after = target + decay * (weights - target) + noise * random.normal(size=n_weights)
            heat += (target - (weights + after) / 2) * (after - weights)
            weights = after
        right = np.mean(weights * labels * (1 if strength >= 0 else -1) > 0)
        noted[k] = heat.mean(), right
    times = np.linspace(0, time, n_steps + 1)
    return OneWeightLearning(initial, weights, labels, heat, times, noted[:, 0], noted[:, 1])


def learn_in_bath(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    field: float = 1.0,
    rule: str = "hebb",
    duration: float = 5.0,
    step: float = 0.02,
    n_learners: int = 1,
    rng: Randomness = None,
    progress: bool = False,
) -> LearnedInBath:
    r"""Let weights in a bath feel the force of examples, from equilibrium without them on.

    .. math:: \frac{dw}{dt} = -w - \nu \frac{d}{dw} \sum_\mu V(\lambda_\mu) + \sqrt2 \, \zeta, \qquad
              \lambda_\mu = \frac{s_\mu \, w \cdot x_\mu}{\sqrt N}

    with V = -lambda for Hebb's force; for wrong answers, lambda < 0, V = -lambda for the perceptron's and
    lambda^2 / 2 for the AdaTron's, and else 0. A step relaxes w exactly in the force as it is at its
    beginning, and is then accepted or not by Metropolis' rule: the end, Gibbs' law, is free of any error of
    the step, whose length only distorts the time where steps are rejected. For Hebb's force all is exact.

    Parameters
    ----------
    inputs
        (P, N), an example a row, of numbers with variance 1.
    labels
        +1 and -1, (P,): those of a teacher, or random.
    field
        nu, within 1e6.
    rule
        "hebb", "perceptron" or "adatron".
    duration
        t, in units of the relaxation time without examples, positive.
    step
        Length of a step, positive.
    n_learners
        How many independent learners see the same examples, at least 1.
    rng
        As for `smbook.ising.simulate`.
    progress
        Whether a bar shows the steps.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Goldt and Seifert (2017).

    Examples
    --------
    >>> from smbook.perceptron import teacher_examples
    >>> from smbook.theory.thermodynamics import rule_learning
    >>> inputs, labels, *_ = teacher_examples(np.random.default_rng(1).normal(size=300), 600, rng=2)
    >>> found = learn_in_bath(inputs, labels, rule="perceptron", n_learners=5, rng=3)
    >>> exact = rule_learning(1.0, 2.0, rule="perceptron")
    >>> bool(abs(found.heat.mean() / exact.heat - 1) < 0.15)
    True
    """
    rows, signs = checked_examples(inputs, labels)
    strength = _checks.real("field", field, minimum=-1e6, maximum=1e6)
    _checks.choice("rule", rule, _RULES)
    time, step = _checks.positive("duration", duration), _checks.positive("step", step)
    n_steps = max(_number_of_steps(time, step), 1)
    n_learners = _checks.integer("n_learners", n_learners, minimum=1)
    random = np.random.default_rng(seed_state(rng))
    pull = _pull(rows * signs[:, np.newaxis] / math.sqrt(rows.shape[1]), strength, rule)
    weights = random.normal(size=(n_learners, rows.shape[1]))
    energy, force = pull(weights)
    start = energy.copy()
    accepted = 0
    decay, variance = math.exp(-time / n_steps), -math.expm1(-2 * time / n_steps)
    with _runs.progress_bar(n_steps, "step", progress) as tell:
        for _ in range(n_steps):
            noise = random.normal(size=weights.shape)
            after = decay * weights + (1 - decay) * force + math.sqrt(variance) * noise
            new_energy, new_force = pull(after)
            back = weights - decay * after - (1 - decay) * new_force
            gain = energy - new_energy + (noise**2).sum(axis=1) / 2 - (back**2).sum(axis=1) / (2 * variance)
            moved = np.log1p(-random.random(n_learners)) < gain
            moved |= rule == "hebb"  # whose gain is 0 but for rounding
            weights[moved], force[moved], energy[moved] = after[moved], new_force[moved], new_energy[moved]
            accepted += int(moved.sum())
            tell(1)
    heat = (start - energy) / rows.shape[1]
    return LearnedInBath(weights, heat, accepted / (n_steps * n_learners))


def _number_of_steps(time: float, step: float) -> int:
    if time / step > _MOST_STEPS:
        raise ValueError(f"duration / step must be at most {_MOST_STEPS}; got {time / step:g}")
    return math.ceil(time / step)


def _pull(rows: Floats, strength: float, rule: str) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Return what tells the energy of weights, and the force of the examples on them."""

    def pull(weights: Floats) -> tuple[Floats, Floats]:
        fields = weights @ rows.T
        wrong = np.minimum(fields, 0.0)
        if rule == "hebb":
            slope, level = np.ones_like(fields), -fields
        elif rule == "perceptron":
            slope, level = (fields < 0).astype(np.float64), -wrong
        else:
            slope, level = -wrong, wrong**2 / 2
        energy = (weights**2).sum(axis=1) / 2 + strength * level.sum(axis=1)
        return energy, strength * (slope @ rows)

    return pull


def _balance(initial: Floats, weights: Floats, labels: Floats, heat: Floats) -> tuple[float, ...]:
    change = _entropy(weights) - _entropy(initial)
    told = _logistic_information(weights * labels)
    right = max(np.mean(weights * labels > 0), np.mean(weights * labels < 0))
    read = float(label_information(right))
    lost = float(heat.mean())
    return lost, change, told, read, float(right), read / (change + lost) if change + lost else 0.0


def _entropy(sample: Floats) -> float:
    """Return the entropy of a law on a line from the distances of its points to their k-th neighbours."""
    x, k = np.sort(sample), _NEIGHBOUR
    padded = np.concatenate([np.full(k, -np.inf), x, np.full(k, np.inf)])
    n = x.size
    reach = [
        np.maximum(padded[k + j : k + j + n] - x, x - padded[j : j + n])  # j of the k neighbours lie above
        for j in range(k + 1)
    ]
    nearest = np.min(reach, axis=0)
    return float(digamma(n) - digamma(k) + np.log(2 * np.maximum(nearest, 1e-300)).mean())


def _logistic_information(stabilities: Floats) -> float:
    """Return ln 2 less the mean surprise at a label whose odds are exp(b w), with the best b."""
    b = 0.0
    for _ in range(100):
        doubt = expit(-b * stabilities)
        slope = float((stabilities * doubt).sum())
        bend = float((stabilities**2 * doubt * (1 - doubt)).sum())
        move = slope / max(bend, 1e-300)
        b += float(np.clip(move, -1.0 - abs(b), 1.0 + abs(b)))
        if abs(move) <= 1e-10 * (1 + abs(b)):
            break
    return math.log(2) - float(np.logaddexp(0.0, -b * stabilities).mean())
