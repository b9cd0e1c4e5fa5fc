"""Hebb's rule for one unit, with a teacher and without, and Oja's rule, which keeps the weights in bounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import linalg

from smbook import _checks, _runs
from smbook._records import equal
from smbook.kernels.bipartite import shuffle
from smbook.kernels.hebbian import hebb_pass, oja_pass
from smbook.kernels.rng import fill_normal, seed_state
from smbook.perceptron._examples import checked_examples, checked_inputs, checked_weights

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness, State

    Weights = NDArray[np.float64]

_ORDERS = ("random", "cyclic")


class Oja(NamedTuple):
    """What `oja` leaves: the weights (N,), and their path (n_passes + 1, N), from the start on.

    Two results are equal if all their numbers are.
    """

    weights: Weights
    path: Weights

    @property
    def passes(self) -> int:
        """The number of passes."""
        return len(self.path) - 1

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        length = float(np.linalg.norm(self.weights))
        return f"Oja({self.weights.size} weights of length {length:.4g} after {self.passes} passes)"


class _Course(NamedTuple):
    """What passes start from, checked; the arrays are copies."""

    inputs: Weights
    rate: float
    n_passes: int
    initial: Weights
    shuffled: bool
    state: State


def hebb(inputs: ArrayLike, labels: ArrayLike) -> Weights:
    """Return the weights of Hebb's rule with a teacher: w = (1/P) sum_mu y_mu x_mu, (N,).

    Every example strengthens the synapses whose input agrees with the label, all of them alike and once. The
    rule does not ask whether the unit errs, and so it may err on examples that other weights get right.

    Parameters
    ----------
    inputs, labels
        (P, N); +1 and -1, (P,).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or labels are other numbers.

    References
    ----------
    Hebb (1949).

    Examples
    --------
    >>> hebb([[1.0, 2.0], [3.0, -2.0]], [1, -1])
    array([-1.,  2.])
    """
    rows, signs = checked_examples(inputs, labels)
    weights: Weights = signs @ rows / len(rows)
    return weights


def oja(
    inputs: ArrayLike,
    *,
    rate: float,
    n_passes: int = 1,
    initial: ArrayLike | None = None,
    order: str = "random",
    rng: Randomness = None,
    progress: bool = False,
) -> Oja:
    """Let a linear unit y = w.x learn from examples without labels: dw = rate y (x - y w).

    The first term is Hebb's, y x; the second takes back as much as keeps the weights at length 1. For small
    rates they follow dw/dt = C w - (w.C w) w with C = <x x^T>, whose fixed points are 0 and the unit
    eigenvectors of C, and of these only +-the leading one is stable. At a finite rate the weights go on to
    move about it, by an angle of the order of the square root of the rate; examples in a cyclic order lead
    into a cycle, as far off as the rate is large.

    With R the largest length of an example, weights that begin within ``w.w <= 1 + 2 / (rate R^2)`` stay
    there for ever, in whatever order the examples come, if ``rate R^2 <= 2``. Beyond that they may run away,
    and with a single example they do.

    Parameters
    ----------
    inputs
        (P, N), not centred here: C is the matrix of second moments.
    rate
        Above 0.
    n_passes
        How many times all examples are shown, at least 0. The weights after each are kept.
    initial
        (N,), not all zero, where the rule would stay; None draws a direction at random, of length 1.
    order
        "random", where each pass has an order of its own, or "cyclic", as they stand.
    rng
        As for `smbook.ising.simulate`.
    progress
        Whether to show a bar.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if the weights run away: the error says in
        which pass they were finite no more, and what rate R^2 is.

    References
    ----------
    Oja (1982).

    Examples
    --------
    >>> inputs = np.random.default_rng(1).normal(size=(500, 3)) * [3.0, 1.0, 1.0]
    >>> found = oja(inputs, rate=1e-3, n_passes=20, rng=2)
    >>> found
    Oja(3 weights of length 1 after 20 passes)
    >>> bool(abs(found.weights[0]) > 0.99)
    True
    """
    course = _checked_course(inputs, rate, n_passes, initial, order, rng)
    path = _follow(oja_pass, course, progress)
    if not np.isfinite(path[-1]).all():
        size = course.rate * float((course.inputs**2).sum(axis=1).max())
        raise ValueError(
            f"rate or initial must be smaller: weights ran away in pass {_first_lost(path)} of "
            f"{course.n_passes}, from rate R^2 = {size:.6g} and |w|^2 = {_square(course.initial):.6g}; where "
            f"the one is at most 2 and the other at most 1 + 2 / (rate R^2), they do not"
        )
    return Oja(path[-1].copy(), path)


def hebb_growth(
    inputs: ArrayLike,
    *,
    rate: float,
    n_passes: int = 1,
    initial: ArrayLike | None = None,
    order: str = "random",
    rng: Randomness = None,
    progress: bool = False,
) -> Weights:
    """Let the weights of a linear unit y = w.x grow by Hebb's rule alone, dw = rate y x; return their path.

    They turn to the leading eigenvector of C = <x x^T> as those of `oja` do, and grow without bound: for
    small rates by exp(rate lambda) an example, with lambda the leading eigenvalue.

    Parameters
    ----------
    inputs, rate, n_passes, initial, order, rng, progress
        As for `oja`.

    Returns
    -------
    Weights
        (n_passes + 1, N), from the start on.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if the weights grow out of the range of
        floats: the error says in which pass.

    References
    ----------
    Hebb (1949); Oja (1982).

    Examples
    --------
    >>> hebb_growth([[1.0, 0.0]], rate=1.0, n_passes=3, initial=[1.0, 0.0])[:, 0]
    array([1., 2., 4., 8.])
    """
    course = _checked_course(inputs, rate, n_passes, initial, order, rng)
    path = _follow(hebb_pass, course, progress)
    if not np.isfinite(path[-1]).all():
        raise ValueError(
            f"n_passes must be smaller: weights outgrew all floats in pass {_first_lost(path)} of "
            f"{course.n_passes}, at rate {course.rate:g}"
        )
    return path


def principal_component(inputs: ArrayLike) -> tuple[float, Weights]:
    """Return the leading eigenvalue of <x x^T>, the mean over inputs (P, N), and its unit eigenvector (N,).

    Inputs are not centred. The largest component in size is positive. Where two eigenvalues lead, the
    vector is one of many.

    Raises
    ------
    TypeError, ValueError
        If `inputs` is of the wrong kind or shape.

    Examples
    --------
    >>> principal_component([[3.0, 0.0], [0.0, 1.0]])
    (4.5, array([1., 0.]))
    """
    rows = checked_inputs(inputs)
    _, sizes, vectors = linalg.svd(rows, full_matrices=False)
    leading: Weights = vectors[0]
    sign = math.copysign(1.0, leading[np.abs(leading).argmax()])
    return float(sizes[0]) ** 2 / len(rows), sign * leading + 0.0  # no -0.0


def _checked_course(
    inputs: ArrayLike, rate: Any, n_passes: Any, initial: ArrayLike | None, order: Any, rng: Randomness
) -> _Course:
    rows = checked_inputs(inputs)
    step = _checks.positive("rate", rate)
    count = _checks.integer("n_passes", n_passes, minimum=0)
    shuffled = _checks.choice("order", order, _ORDERS) == "random"
    given = None if initial is None else checked_weights("initial", initial, rows.shape[1])
    if given is not None and not given.any():
        raise ValueError("initial must not be all zero, where weights stay for ever; got zeros")
    state = seed_state(rng)
    start = _direction(rows.shape[1], state) if given is None else given
    return _Course(rows, step, count, start, shuffled, state)


def _direction(n: int, state: State) -> Weights:
    """Draw a direction, uniformly."""
    weights = np.empty(n)
    fill_normal(state, weights)
    direction: Weights = weights / np.linalg.norm(weights)
    return direction


def _follow(learn: Any, course: _Course, progress: bool) -> Weights:
    """Return the weights before the first pass and after each."""
    path = np.empty((course.n_passes + 1, course.initial.size))
    path[0] = course.initial
    order = np.arange(len(course.inputs))

    def run(call: _runs.Call) -> None:
        for k in range(call.entries.start, call.entries.stop):
            path[k + 1] = path[k]
            if course.shuffled:
                shuffle(course.state, order)
            learn(course.inputs, order, course.rate, path[k + 1])

    _runs.advance(run, course.n_passes, 1, updates=course.inputs.size, unit="pass", progress=progress)
    return path


def _first_lost(path: Weights) -> int:
    """Return the number of the first pass, from 1, after which some weight is not finite."""
    return int(np.flatnonzero(~np.isfinite(path).all(axis=1))[0])


def _square(weights: Weights) -> float:
    return float(weights @ weights)
