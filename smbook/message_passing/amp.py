"""Approximate message passing: the mean of all weights that answer right, in a few dozen matrix products.

A teacher gives P examples the labels y = sign(w.x). Its weights have a prior, Gaussian or +1 and -1, and the
best guess of them is the mean of the posterior, which `smbook.perceptron.bayes_learning` finds by a walk.
Here examples and weights tell each other what they know, all at once, and each leaves out what it had from
the other: that is the reaction term. How far each step gets, `smbook.theory.message_passing.state_evolution`
says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from scipy.special import erfcx

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.perceptron._examples import checked_examples, checked_inputs, checked_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from smbook.perceptron._examples import Floats, Labels

_T = TypeVar("_T", float, "NDArray[np.float64]")

_PRIORS = ("gaussian", "binary")
_SURE = 1e-4  # mean variance of binary weights below which their signs are tried
_LEAST = {"gaussian": 1e-30, "binary": 1e-12}  # mean variances below which steps are 0 / 0
_LONGEST = 10.0  # mean square of weights whose prior has 1
_ZERO = 1e-12  # of the largest field that such inputs can have
_FAR = -1e3  # where u + phi / Phi has lost ten digits
_VANISHED = 0.1  # mean square of Gaussian weights, which labels cannot tell, since they tell directions only
_FAILURES = "ran away", "wrong", "vanished"
_TRIALS = 0.5, 0.7, 0.85
_TRIAL_STEPS = 300
_ROUNDING = 1e-6  # of the length of a teacher


class DivergedError(ArithmeticError):
    """Say at which step approximate message passing ran away, how far, and what damping settles, if one does.

    Attributes
    ----------
    step
        The step, from 1.
    size
        The mean square of the weights there.
    damping
        The damping that was used.
    suggestion
        A damping with which the same examples were tried and settled, or None if none of those tried did.
    """

    step: int = 0
    size: float = math.nan
    damping: float = 0.0
    suggestion: float | None = None


class ApproximateMessagePassing(NamedTuple):
    """Hold what approximate message passing came to, and its course, an entry after each of T steps.

    Attributes
    ----------
    weights
        float64, (N,), their posterior means. Binary weights that are all known are +1 and -1.
    variances
        float64, (N,), their posterior variances.
    overlaps
        float64, (T,), weights.teacher / N, nan without a teacher.
    self_overlaps
        float64, (T,), weights.weights / N. For N to infinity they equal the overlaps, on examples of a
        teacher drawn from the prior: what is known is known to be known.
    changes
        float64, (T,), how far a step without damping moves the weights, root of the mean square.
    converged
        Whether the last change is below the tolerance, or all binary weights are known.
    """

    weights: Floats
    variances: Floats
    overlaps: Floats
    self_overlaps: Floats
    changes: Floats
    converged: bool

    @property
    def steps(self) -> int:
        """The number of steps T."""
        return self.changes.size

    @property
    def errors(self) -> Floats:
        """The probability of a wrong answer to a new input after each step, (T,), nan without a teacher."""
        return _error_of(self.overlaps / np.sqrt(np.maximum(self.self_overlaps, np.finfo(float).tiny)))

    @property
    def expected_errors(self) -> Floats:
        """What the error is by the posterior itself, without a look at the teacher, (T,)."""
        return _error_of(np.sqrt(self.self_overlaps))

    def predict(self, inputs: ArrayLike) -> Labels:
        """Return the answers of the mean to inputs (M, N), int8 (M,).

        For N to infinity they are those of most of the weights. The sign of 0 is +1.
        """
        rows = checked_inputs(inputs)
        if rows.shape[1] != self.weights.size:
            raise ValueError(f"inputs must have {self.weights.size} numbers an example; got {rows.shape[1]}")
        return np.where(rows @ self.weights >= 0.0, 1, -1).astype(np.int8)

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        end = "converged" if self.converged else "not converged"
        steps = f"{self.steps} step{'s' * (self.steps != 1)}"
        size = f"self-overlap {self.self_overlaps[-1]:.6g}, last change {self.changes[-1]:.2g}"
        return f"ApproximateMessagePassing({end} after {steps}, {self.weights.size} weights, {size})"


def amp(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    prior: str = "gaussian",
    damping: float = 0.0,
    max_steps: int = 200,
    tolerance: float = 1e-6,
    teacher: ArrayLike | None = None,
    progress: bool = False,
) -> ApproximateMessagePassing:
    r"""Return the posterior mean of a teacher's weights, by approximate message passing.

    With F = inputs / sqrt(N), and from m = 0, V = 1 and g = 0 on, a step is

    .. math:: \omega = F m - V g, \qquad
              g \leftarrow \frac{y}{\sqrt V} \frac{\phi(u)}{\Phi(u)}, \quad u = \frac{y \omega}{\sqrt V},
              \qquad A = \frac1N \sum_\mu g_\mu \Bigl(\frac{\omega_\mu}V + g_\mu\Bigr),

    .. math:: b = A m + F^T g, \qquad
              m \leftarrow \frac b{1 + A}, \; v = \frac1{1 + A} \quad \text{or} \quad
              m \leftarrow \tanh b, \; v = 1 - m^2, \qquad V = \frac1N \sum_i v_i

    for the prior "gaussian" or "binary". The terms - V g, with the older g, and A m take back what came from
    the weights and the examples themselves (Onsager's reaction); without them the steps settle elsewhere, if
    at all. It is exact for N to infinity where inputs are independent, of mean 0 and variance 1, and answers
    come from a teacher of the prior's kind: each step is as good as
    `smbook.theory.message_passing.state_evolution` says, and it ends at the first stable one of the
    `fixed_points` there, for Gaussian weights on `smbook.theory.perceptron.bayes_curve`. A sample of N
    weights scatters around that by the order of 1 / sqrt(N).

    Binary weights are known for sure when V vanishes. As soon as V < 1e-4 their signs are tried, and if these
    answer wrong to no example (y w.x < 0) they are the result.

    Parameters
    ----------
    inputs
        (P, N), an example a row, none of them all zeros, as `smbook.perceptron.teacher_examples` gives them.
    labels
        +1 and -1, (P,).
    prior
        "gaussian", unit normal weights or w.w = N, or "binary", +1 and -1.
    damping
        The share that a step keeps of m, V, g and A as they were, from 0 to below 1. Fixed points do not
        depend on it. It costs steps, and is for inputs with a mean or with correlations. With it, steps no
        longer follow state evolution, and binary weights near the threshold may be missed.
    max_steps
        At most so many, at least 1. A step takes 2 P N multiplications.
    tolerance
        The change, root of the mean square, below which it ends, at least 0.
    teacher
        Weights with w.w = N, (N,), for the overlaps only.
    progress
        Whether a bar shows the steps.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    DivergedError
        An ArithmeticError, if the mean square of the weights exceeds 10, if binary weights become sure and
        answer wrong, or if Gaussian ones vanish. Damping of 0.5, 0.7 and 0.85 is then tried on the same
        examples, for up to 300 steps each, and the error names the first that settles.

    References
    ----------
    Mezard (1989) for the equations; Donoho, Maleki and Montanari (2009); Rangan (2011) for outputs like
    these; Rangan, Schniter and Fletcher (2014) for damping; Zdeborova and Krzakala (2016).

    Examples
    --------
    >>> from smbook.perceptron import teacher, teacher_examples
    >>> from smbook.theory.perceptron import bayes_curve
    >>> weights = teacher(1000, rng=1)
    >>> found = amp(*teacher_examples(weights, 2000, rng=2), teacher=weights)
    >>> found.converged, round(float(found.errors[-1]), 2), round(bayes_curve(2.0).error, 2)
    (True, 0.17, 0.17)
    """
    rows, signs = checked_examples(inputs, labels, nonzero=True)
    _checks.choice("prior", prior, _PRIORS)
    damping = _checks.share_below_one("damping", damping)
    max_steps = _checks.integer("max_steps", max_steps, minimum=1)
    tolerance = _checks.real("tolerance", tolerance, minimum=0.0)
    target = _checked_teacher(teacher, rows.shape[1])
    rows /= math.sqrt(rows.shape[1])
    problem = _Problem(rows, signs.astype(np.float64), prior)
    course = _Course()
    with progress_bar(max_steps, "step", progress) as tell:
        state, end = _iterate(problem, damping, max_steps, tolerance, target, course, tell)
    if end in _FAILURES:
        raise _diverged(problem, state, end, (damping, max_steps, tolerance), len(course.changes))
    return ApproximateMessagePassing(
        state.means,
        state.variances,
        np.array(course.overlaps),
        np.array(course.self_overlaps),
        np.array(course.changes),
        end == "settled",
    )


class _Problem(NamedTuple):
    """F, the labels as floats, and the prior."""

    rows: Floats
    labels: Floats
    prior: str


@dataclass
class _State:
    """What goes from a step to the next."""

    means: Floats
    variances: Floats
    spread: float  # V
    pulls: Floats  # g
    precision: float  # A


class _Course:
    """What is noted after each step."""

    def __init__(self) -> None:
        self.overlaps: list[float] = []
        self.self_overlaps: list[float] = []
        self.changes: list[float] = []

    def note(self, means: Floats, teacher: Floats | None, change: float) -> None:
        self.overlaps.append(math.nan if teacher is None else float(means @ teacher) / means.size)
        self.self_overlaps.append(float(means @ means) / means.size)
        self.changes.append(change)


def _iterate(
    problem: _Problem,
    damping: float,
    max_steps: int,
    tolerance: float,
    teacher: Floats | None,
    course: _Course,
    tell: Callable[[int], None],
) -> tuple[_State, str]:
    """Make steps until they settle, run away, are sure and wrong, or are too many, and say which."""
    p, n = problem.rows.shape
    state = _State(np.zeros(n), np.ones(n), 1.0, np.zeros(p), 0.0)
    for _ in range(max_steps):
        change = _step(problem, state, damping)
        end = _end_of(problem, state, change, tolerance)
        course.note(state.means, teacher, change)
        tell(1)
        if end:
            return state, end
    return state, "too long"


def _step(problem: _Problem, state: _State, damping: float) -> float:
    """Make one step in place, and return how far one without damping moves the weights."""
    rows, labels, prior = problem
    omega = rows @ state.means - state.spread * state.pulls
    root = math.sqrt(state.spread)
    u = labels * omega / root
    hazard = _hazard(u)
    state.pulls = _between(damping, labels * hazard / root, state.pulls)
    steepness = float(np.sum(np.where(u > _FAR, hazard * (u + hazard), 1.0))) / rows.shape[1]
    state.precision = _between(damping, steepness / state.spread, state.precision)
    field = state.precision * state.means + rows.T @ state.pulls
    means, variances = _denoise(field, state.precision, prior)
    change = math.sqrt(float(np.mean((means - state.means) ** 2)))
    state.means = _between(damping, means, state.means)
    state.variances = _between(damping, variances, state.variances)
    state.spread = float(state.variances.mean())
    return change


def _between(damping: float, new: _T, old: _T) -> _T:
    return new if damping == 0.0 else (1.0 - damping) * new + damping * old


def _denoise(field: Floats, precision: float, prior: str) -> tuple[Floats, Floats]:
    """Return means and variances of weights that are seen with this precision, in these fields."""
    if prior == "gaussian":
        return field / (1.0 + precision), np.full(field.size, 1.0 / (1.0 + precision))
    decay = np.exp(-2.0 * np.abs(field))
    return np.tanh(field), 4.0 * decay / (1.0 + decay) ** 2


def _hazard(u: Floats) -> Floats:
    """Return phi(u) / Phi(u), which neither overflows nor is 0 / 0."""
    return np.asarray(math.sqrt(2.0 / math.pi) / erfcx(-u / math.sqrt(2.0)))


def _end_of(problem: _Problem, state: _State, change: float, tolerance: float) -> str:
    """Say how the steps ended, or nothing if they go on; binary weights that are known become +1 and -1."""
    size = float(state.means @ state.means) / state.means.size
    if not size <= _LONGEST:  # nor nan
        return "ran away"
    settled = change < tolerance
    if problem.prior == "binary" and state.spread < _SURE:
        signs = np.where(state.means < 0.0, -1.0, 1.0)
        if not _wrong(problem, signs):
            state.means, state.variances = signs, np.zeros(signs.size)
            return "settled"
        if settled:
            return "wrong"
    elif settled and size + state.spread < _VANISHED:
        return "vanished"
    if state.spread < _LEAST[problem.prior]:
        return "wrong"
    return "settled" if settled else ""


def _wrong(problem: _Problem, weights: Floats) -> int:
    """Return to how many examples weights answer wrong; fields that are 0 up to rounding are on no side."""
    fields = problem.labels * (problem.rows @ weights)
    return int((fields < -_ZERO * np.abs(problem.rows).sum(axis=1)).sum())


def _diverged(
    problem: _Problem, state: _State, end: str, given: tuple[float, int, float], step: int
) -> DivergedError:
    """Return the error that says what happened, and what damping helps where one was found that does."""
    damping, max_steps, tolerance = given
    size = float(state.means @ state.means) / state.means.size
    what = f"the mean square of its weights is {size:.3g}, where that of the prior is 1"
    if end == "wrong":
        wrong = _wrong(problem, state.means)
        what = (
            f"the mean variance of its weights is {state.spread:.3g}, so that it is sure of them, and they "
            f"answer wrong to {wrong} of {problem.labels.size} examples"
        )
    if end == "vanished":
        what = (
            f"the mean square of its weights is {size + state.spread:.3g}, variance included, where that of "
            "the prior is 1, as if no weights answered right to all examples"
        )
    suggestion, tried = _advice(problem, damping, max_steps, tolerance)
    error = DivergedError(
        f"approximate message passing diverged at step {step} with damping={damping:g}: {what}. {tried} "
        f"{_portrait(problem)}"
    )
    error.step, error.size, error.damping, error.suggestion = step, size, damping, suggestion
    return error


def _advice(problem: _Problem, damping: float, max_steps: int, tolerance: float) -> tuple[float | None, str]:
    """Try stronger damping, and return the first that settles, with a sentence."""
    trials = [trial for trial in _TRIALS if trial > damping]
    for trial in trials:
        course = _Course()
        _, end = _iterate(problem, trial, _TRIAL_STEPS, tolerance, None, course, lambda _: None)
        if end == "settled":
            steps = len(course.changes)
            more = f" and max_steps={_TRIAL_STEPS}" if steps > max_steps else ""
            return trial, f"Try damping={trial:g}{more}, with which it settles in {steps} steps."
    if not trials:
        return None, "Stronger damping was not tried."
    listed = " or ".join(f"{trial:g}" for trial in trials)
    return None, f"It does not settle within {_TRIAL_STEPS} steps with damping={listed} either."


def _portrait(problem: _Problem) -> str:
    """Return a sentence on the inputs."""
    n = problem.rows.shape[1]
    mean = float(problem.rows.mean()) * math.sqrt(n)
    square = float(np.mean(problem.rows**2)) * n
    return (
        f"The inputs have mean {mean:.3g} and mean square {square:.3g}; the equations are for independent "
        "inputs of mean 0 and variance 1, and labels of a teacher of the prior's kind."
    )


def _checked_teacher(teacher: ArrayLike | None, n: int) -> Floats | None:
    if teacher is None:
        return None
    weights = checked_weights("teacher", teacher, n)
    square = float(weights @ weights)
    if abs(square / n - 1.0) > _ROUNDING:
        raise ValueError(f"teacher must have the length sqrt(N), w.w = {n}; got w.w = {square:g}")
    return weights


def _error_of(cosines: Floats) -> NDArray[np.float64]:
    return np.asarray(np.arccos(np.clip(cosines, -1.0, 1.0)) / math.pi)
