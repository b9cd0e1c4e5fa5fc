"""Soft committees, units erf(x / sqrt(2)) whose answers are added up, that learn online from a teacher."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook._runs import advance
from smbook.kernels import committee as kernels
from smbook.kernels.rng import seed_state, state_apart

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook._runs import Call
    from smbook.kernels.rng import Randomness

    Floats = NDArray[np.float64]

_LARGEST = 1e3  # a weight, a rate or a noise
_STUDENT_APART, _EXAMPLES_APART = 5, 6  # from a committee that an equal seed draws
_ROUNDING = 1e-9  # by which a least eigenvalue may be below 0, relative to the largest


class CommitteeTraining(NamedTuple):
    """Hold the overlaps of a student that learned online, and what it has become.

    Attributes
    ----------
    time
        alpha = examples / N at which overlaps were noted, 0 first, (T,).
    student
        Q, overlaps w.w / N of the student's units with each other, (T, K, K).
    cross
        R, those of student and teacher, (T, K, M).
    error
        The generalization error, the mean loss of a new example, by these overlaps; (T,).
    weights
        The student's weights at the end, (K, N).
    """

    time: Floats
    student: Floats
    cross: Floats
    error: Floats
    weights: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        k, n = self.weights.shape
        return (
            f"CommitteeTraining({k} units of {n} inputs, up to alpha = {self.time[-1]:g}: "
            f"error {self.error[0]:.4g} to {self.error[-1]:.4g})"
        )


class CommitteeOverlaps(NamedTuple):
    """Hold the overlaps w.w / N of a student, Q (K, K), with its teacher, R (K, M), and of that, T (M, M)."""

    student: Floats
    cross: Floats
    teacher: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def committee(
    n_inputs: int,
    n_hidden: int,
    *,
    orthonormal: bool = True,
    scale: float = 1.0,
    rng: Randomness = None,
) -> Floats:
    r"""Draw the weights of a committee, (K, N), that answers :math:`\sum_i g(w_i \cdot x / \sqrt N)`.

    Parameters
    ----------
    n_inputs, n_hidden
        N and K, at least 1.
    orthonormal
        Whether the overlaps w.w / N are exactly `scale` squared times the unit matrix, as a teacher's often
        are; needs K up to N. Otherwise all weights are independent normal numbers.
    scale
        The standard deviation of a weight, from 0 to 1e3: small for a student that knows nothing.
    rng
        As for `smbook.ising.simulate`. Teacher and student need two seeds, or one generator.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> teacher = committee(100, 3, rng=1)
    >>> (teacher @ teacher.T / 100).round(12) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    n = _checks.integer("n_inputs", n_inputs, minimum=1)
    k = _checks.integer("n_hidden", n_hidden, minimum=1)
    if not isinstance(orthonormal, bool):
        raise TypeError(f"orthonormal must be True or False; got {orthonormal!r}")
    if orthonormal and k > n:
        raise ValueError(f"n_hidden must be at most n_inputs, {n}, to be orthonormal; got {k}")
    scale = _checks.real("scale", scale, minimum=0.0, maximum=_LARGEST)
    weights = np.empty((k, n))
    kernels.draw_committee(seed_state(rng), int(orthonormal), scale, weights)
    return weights


def committee_at(
    teacher: ArrayLike, *, student: ArrayLike, cross: ArrayLike, rng: Randomness = None
) -> Floats:
    """Draw weights of a student that has exactly the given overlaps, and is random otherwise.

    The part of its weights along the teacher's is fixed by R. The rest, at right angles to them, is drawn.

    Parameters
    ----------
    teacher
        Weights of the teacher, (M, N), linearly independent.
    student, cross
        Q (K, K) and R (K, M). The least N is K + M.
    rng
        As for `smbook.ising.simulate`. An integer that has drawn the teacher draws independently of it.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or no weights have these overlaps.

    Examples
    --------
    >>> weights = committee_at(committee(50, 2, rng=1), student=[[0.3]], cross=[[0.1, 0.2]], rng=1)
    >>> found = committee_overlaps(weights, committee(50, 2, rng=1))
    >>> found.student.round(12), found.cross.round(12)
    (array([[0.3]]), array([[0.1, 0.2]]))
    """
    known = _checked_weights("teacher", teacher)
    q, r = (_checked_overlaps(name, part) for name, part in (("student", student), ("cross", cross)))
    m, n = known.shape
    if q.ndim != 2 or q.shape[0] != q.shape[1] or q.shape[0] == 0:
        raise ValueError(f"student must be square, one row and column a unit; got {q.shape}")
    k = len(q)
    if r.shape != (k, m):
        raise ValueError(f"cross must have the shape {(k, m)}; got {r.shape}")
    if k + m > n:
        raise ValueError(f"teacher must have at least {k + m} inputs; got {n}")
    along, rest = _parted(q, r, known @ known.T / n)
    frame = np.concatenate([known, np.empty((k, n))])
    kernels.draw_committee(state_apart(rng, _STUDENT_APART), 0, 1.0, frame[m:])
    basis, _ = np.linalg.qr(frame.T)
    return np.asarray(along @ known + np.sqrt(n) * rest @ basis[:, m:].T)


def _parted(q: Floats, r: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Return the student's weights as multiples of the teacher's, and a root of what is left of Q."""
    if np.abs(q - q.T).max() > _ROUNDING * np.abs(q).max():
        raise ValueError(f"student must be symmetric; got entries that are {np.abs(q - q.T).max():g} apart")
    if np.linalg.cond(t) > 1 / _ROUNDING:
        raise ValueError("teacher must have linearly independent weights; got some that are not")
    along = np.linalg.solve(t, r.T).T
    values, vectors = np.linalg.eigh(q - along @ r.T)
    if values.min() < -_ROUNDING * max(1.0, np.abs(q).max()):
        raise ValueError(
            "student must be at least what cross makes of it, Q - R T^-1 R^T without an eigenvalue below 0; "
            f"got {values.min():g}"
        )
    return np.asarray(along), np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def committee_overlaps(student: ArrayLike, teacher: ArrayLike) -> CommitteeOverlaps:
    """Return the overlaps w.w / N of two committees of weights (K, N) and (M, N).

    Raises
    ------
    TypeError, ValueError
        If they are no weights, or not of as many inputs.

    Examples
    --------
    >>> committee_overlaps([[1.0, 3.0]], [[1.0, 1.0]])
    CommitteeOverlaps(student=array([[5.]]), cross=array([[2.]]), teacher=array([[1.]]))
    """
    weights, known = _checked_pair(student, teacher)
    overlaps, k = _overlaps(weights, known), len(weights)
    parts = overlaps[:k, :k], overlaps[:k, k:], overlaps[k:, k:]
    return CommitteeOverlaps(*(part.copy() for part in parts))


def specialize(student: ArrayLike, teacher: ArrayLike, size: float) -> Floats:
    """Return a student's weights after a push of each unit towards its own unit of the teacher.

    Unit i gains `size` times unit i of the teacher, less the mean of all of the teacher's units. With an
    orthonormal teacher of M units R_in grows by `size` times 1 - 1 / M for i = n, and -1 / M else.

    Parameters
    ----------
    student, teacher
        Weights, (K, N) and (M, N).
    size
        From -1e3 to 1e3.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> specialize([[0.0, 0.0], [0.0, 0.0]], [[2.0, 0.0], [0.0, 2.0]], 0.1)
    array([[ 0.1, -0.1],
           [-0.1,  0.1]])
    """
    weights, known = _checked_pair(student, teacher)
    kernels.push_committee(weights, known, _checks.real("size", size, minimum=-_LARGEST, maximum=_LARGEST))
    return weights


def train_committee(
    student: ArrayLike,
    teacher: ArrayLike,
    n_examples: int,
    *,
    rate: float,
    noise: float = 0.0,
    thin: int | None = None,
    rng: Randomness = None,
    progress: bool = False,
) -> CommitteeTraining:
    r"""Show fresh examples of a teacher, each once, and let all units go down the slope of its loss.

    .. math:: w_i \to w_i + \frac{\eta}{\sqrt N}\, g'(x_i) \Bigl[ \sum_n g(y_n) + \sigma z -
              \sum_j g(x_j) \Bigr]\, \xi, \qquad x_i = \frac{w_i \cdot \xi}{\sqrt N}, \quad
              y_n = \frac{B_n \cdot \xi}{\sqrt N}

    Inputs xi are standard normal, g(x) = erf(x / sqrt(2)). For N to infinity the overlaps follow
    `smbook.theory.dynamics.committee_curve`; at finite N they fluctuate about it by some 1 / sqrt(N), and
    their mean differs by some 1 / N. On a plateau, where differences grow, both grow with them.

    Parameters
    ----------
    student, teacher
        Weights, (K, N) and (M, N), as those of `committee`. They are left as they are.
    n_examples
        alpha N, at least 0.
    rate
        eta, from 0 to 1e3.
    noise
        sigma, the standard deviation of what is added to each of the teacher's answers, from 0 to 1e3.
    thin
        Overlaps are noted after each `thin`-th example; None is N, so for each unit of alpha.
    rng
        As for `smbook.ising.simulate`. An integer that has drawn a committee draws examples apart from it.
    progress
        Whether a bar shows the examples.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Biehl and Schwarze (1995); Saad and Solla (1995).

    Examples
    --------
    >>> teacher = committee(100, 2, rng=1)
    >>> student = committee(100, 2, orthonormal=False, scale=0.3, rng=2)
    >>> training = train_committee(student, teacher, 40_000, rate=1.0, rng=1)
    >>> training
    CommitteeTraining(2 units of 100 inputs, up to alpha = 400: error 0.3747 to 5.718e-14)
    """
    weights, known = _checked_pair(student, teacher)
    n_examples = _checks.integer("n_examples", n_examples, minimum=0)
    rate = _checks.real("rate", rate, minimum=0.0, maximum=_LARGEST)
    noise = _checks.real("noise", noise, minimum=0.0, maximum=_LARGEST)
    k, n = weights.shape
    thin = n if thin is None else _checks.integer("thin", thin, minimum=1)
    size = k + len(known)
    path = np.empty((n_examples // thin + 2, size, size))  # the last row is never complete
    path[0] = _overlaps(weights, known)
    state, row, factors = state_apart(rng, _EXAMPLES_APART), np.empty(n + 2), np.empty(k)

    def show(call: Call) -> None:
        noted = path[call.entries.start + 1 : call.entries.stop + 1]
        kernels.learn_committee(weights, known, rate, noise, call.steps, state, row, factors, noted)

    advance(show, n_examples, thin, updates=n * (size + 1), unit="example", progress=progress)
    path = path[:-1]
    error = np.array([kernels.committee_error(overlaps, k) for overlaps in path])
    time = np.arange(len(path)) * (thin / n)
    return CommitteeTraining(time, path[:, :k, :k].copy(), path[:, :k, k:].copy(), error, weights)


def _overlaps(weights: Floats, known: Floats) -> Floats:
    size = len(weights) + len(known)
    overlaps = np.empty((size, size))
    kernels.committee_overlaps(weights, known, overlaps)
    return overlaps


def _checked_overlaps(name: str, overlaps: ArrayLike) -> Floats:
    """Return overlaps as an array, or raise if no weights have some as large."""
    found = _checks.reals(name, overlaps)
    largest = float(np.abs(found).max(initial=0.0))
    if largest > _LARGEST**2:
        raise ValueError(f"{name} must be at most {_LARGEST**2:g} in size; got {largest:g}")
    return found


def _checked_weights(name: str, weights: ArrayLike) -> Floats:
    """Return a copy of weights (K, N), or raise."""
    found = np.array(_checks.reals(name, weights), order="C")
    if found.ndim != 2 or 0 in found.shape:
        raise ValueError(f"{name} must have the shape (units, inputs); got {found.shape}")
    largest = float(np.abs(found).max())
    if largest > _LARGEST:
        raise ValueError(f"{name} must be at most {_LARGEST:g} in size; got {largest:g}")
    return found


def _checked_pair(student: ArrayLike, teacher: ArrayLike) -> tuple[Floats, Floats]:
    """Return copies of the weights of two committees, or raise if they have not as many inputs."""
    weights, known = _checked_weights("student", student), _checked_weights("teacher", teacher)
    if weights.shape[1] != known.shape[1]:
        raise ValueError(
            f"student and teacher must have as many inputs; got {weights.shape[1]} and {known.shape[1]}"
        )
    return weights, known
