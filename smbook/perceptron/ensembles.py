"""Random examples: labels by chance, or by a teacher whose weights a student is to find."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.kernels.lattice import randomize
from smbook.kernels.rng import fill_normal, fill_uint64, seed_state, state_apart
from smbook.perceptron._examples import checked_inputs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness, State

    Inputs = NDArray[np.float64]
    Labels = NDArray[np.int8]
    Values = float | NDArray[np.float64]

DISTRIBUTIONS = ("gaussian", "binary")

_LABELS_APART, _TEACHER_APART, _NOISE_APART = 1, 2, 3  # from inputs that an equal seed draws


class Examples(NamedTuple):
    """Hold examples to learn from.

    Attributes
    ----------
    inputs
        float64, (P, N), an example a row.
    labels
        int8, (P,), +1 or -1.
    """

    inputs: Inputs
    labels: Labels

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        p, n = self.inputs.shape
        return f"Examples({p} of {n} inputs, {int((self.labels > 0).sum())} of them +1)"


def with_constant(inputs: ArrayLike) -> Inputs:
    """Return inputs with one more column, of ones, whose weight is a bias: (P, N) becomes (P, N + 1).

    Parameters
    ----------
    inputs
        Real numbers, (P, N).

    Raises
    ------
    TypeError, ValueError
        If inputs are no examples.

    Examples
    --------
    >>> with_constant([[0, 1], [1, 1]])
    array([[0., 1., 1.],
           [1., 1., 1.]])
    """
    rows = checked_inputs(inputs)
    return np.column_stack([rows, np.ones(len(rows))])


def random_inputs(
    n_examples: int, n_inputs: int, *, distribution: str = "gaussian", rng: Randomness = None
) -> Inputs:
    """Return independent random inputs of mean 0 and variance 1, float64 (P, N).

    Parameters
    ----------
    n_examples, n_inputs
        P and N, at least 1.
    distribution
        "gaussian", standard normal numbers, or "binary", +1 and -1 by a fair coin.
    rng
        As for `smbook.ising.simulate`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> random_inputs(2, 3, distribution="binary", rng=1)
    array([[ 1.,  1., -1.],
           [ 1., -1.,  1.]])
    """
    shape = _shape(n_examples, n_inputs)
    _checks.choice("distribution", distribution, DISTRIBUTIONS)
    return _inputs(shape, distribution, seed_state(rng))


def random_labels(n_examples: int, *, rng: Randomness = None) -> Labels:
    """Return labels by a fair coin, int8 (P,) of +1 and -1.

    Parameters
    ----------
    n_examples
        P, at least 1.
    rng
        As for `smbook.ising.simulate`. An integer that has drawn inputs draws labels independent of them.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> random_labels(4, rng=1)
    array([-1, -1,  1,  1], dtype=int8)
    """
    labels = np.empty(_checks.integer("n_examples", n_examples, minimum=1), dtype=np.int8)
    randomize(labels, state_apart(rng, _LABELS_APART))
    return labels


def random_dichotomy(
    n_examples: int, n_inputs: int, *, distribution: str = "gaussian", rng: Randomness = None
) -> Examples:
    """Return random inputs with labels by a fair coin, which no rule stands behind.

    They are those of `random_inputs` and `random_labels` with the same `rng`.

    Parameters
    ----------
    n_examples, n_inputs
        P and N, at least 1.
    distribution
        "gaussian" or "binary".
    rng
        As for `smbook.ising.simulate`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> random_dichotomy(20, 10, rng=1)
    Examples(20 of 10 inputs, 7 of them +1)
    """
    inputs = random_inputs(n_examples, n_inputs, distribution=distribution, rng=rng)
    return Examples(inputs, random_labels(n_examples, rng=rng))


def teacher(n_inputs: int, *, rng: Randomness = None) -> Inputs:
    """Return the weights of a random teacher, uniform on the sphere w.w = N, float64 (N,).

    Parameters
    ----------
    n_inputs
        N, at least 1.
    rng
        As for `smbook.ising.simulate`. An integer that has drawn inputs draws a teacher independent of them.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> weights = teacher(100, rng=1)
    >>> round(float(weights @ weights), 10)
    100.0
    """
    weights = np.empty(_checks.integer("n_inputs", n_inputs, minimum=1))
    fill_normal(state_apart(rng, _TEACHER_APART), weights)
    return weights * (math.sqrt(weights.size) / np.linalg.norm(weights))


def teacher_examples(
    teacher: ArrayLike,
    n_examples: int,
    *,
    distribution: str = "gaussian",
    label_noise: float = 0.0,
    rng: Randomness = None,
) -> Examples:
    """Return random inputs with the labels that a teacher gives them, sign(w.x), some turned by noise.

    An input on the teacher's plane, w.x = 0, has the label +1: Gaussian inputs never lie there, binary ones
    may where the weights are whole numbers.

    Parameters
    ----------
    teacher
        Its weights, real numbers (N,), not all zero.
    n_examples
        P, at least 1.
    distribution
        "gaussian" or "binary".
    label_noise
        The probability l with which a label is turned, independently of all others, from 0 to 1. At 1/2
        nothing of the teacher is left; above, labels are those of the opposite teacher, -w, with noise 1 - l.
    rng
        As for `smbook.ising.simulate`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> weights = teacher(10, rng=1)
    >>> examples = teacher_examples(weights, 1000, rng=2)
    >>> examples
    Examples(1000 of 10 inputs, 484 of them +1)
    >>> bool((examples.labels * (examples.inputs @ weights) > 0).all())
    True
    """
    weights = _direction("teacher", _checks.reals("teacher", teacher))
    shape = _shape(n_examples, weights.size)
    _checks.choice("distribution", distribution, DISTRIBUTIONS)
    share = _checks.real("label_noise", label_noise, minimum=0.0, maximum=1.0)
    inputs = _inputs(shape, distribution, seed_state(rng))
    labels = np.where(inputs @ weights >= 0.0, 1, -1).astype(np.int8)
    if share:
        words = np.empty(labels.size, dtype=np.uint64)
        fill_uint64(state_apart(rng, _NOISE_APART), words)
        labels[(words >> np.uint64(11)) * 2.0**-53 < share] *= -1
    return Examples(inputs, labels)


def overlap(weights: ArrayLike, other: ArrayLike) -> Values:
    """Return the cosine of the angle between weights and others, from -1 to 1.

    Parameters
    ----------
    weights
        Real numbers, (..., N): several students at once give as many overlaps. Where all N are zero, as
        before learning, the overlap is 0.
    other
        Real numbers, (N,), not all zero.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, if shapes do not fit, or if `other` is zero.

    Examples
    --------
    >>> overlap([3.0, 4.0], [1.0, 0.0]), overlap([[3.0, 4.0], [0.0, 0.0]], [1.0, 0.0]).tolist()
    (0.6, [0.6, 0.0])
    """
    students, target = _directions(weights, other, "other")
    return _plain(np.clip(students @ target, -1.0, 1.0))


def generalization_error(weights: ArrayLike, teacher: ArrayLike) -> Values:
    r"""Return the probability that a student disagrees with its teacher on a new Gaussian input.

    It is the angle between the two, over pi: :math:`\epsilon = \arccos(R) / \pi` with the overlap R, since
    their planes part any plane through both weights into sectors of that angle. It holds for every law of
    inputs without a preferred direction, and for binary inputs in the limit of many of them. It is found from
    sums and differences, as arccos loses half of the digits of small errors.

    Parameters
    ----------
    weights
        Real numbers, (..., N). Where all N are zero the student guesses: 1/2.
    teacher
        Real numbers, (N,), not all zero.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, if shapes do not fit, or if the teacher is zero.

    Examples
    --------
    >>> generalization_error([1.0, 1.0], [2.0, 0.0]), generalization_error([0.0, 0.0], [2.0, 0.0])
    (0.25, 0.5)
    """
    students, target = _directions(weights, teacher, "teacher")
    apart = np.linalg.norm(students - target, axis=-1)
    together = np.linalg.norm(students + target, axis=-1)
    return _plain(2.0 * np.arctan2(apart, together) / math.pi)


def _shape(n_examples: int, n_inputs: int) -> tuple[int, int]:
    return (
        _checks.integer("n_examples", n_examples, minimum=1),
        _checks.integer("n_inputs", n_inputs, minimum=1),
    )


def _inputs(shape: tuple[int, int], distribution: str, state: State) -> Inputs:
    if distribution == "gaussian":
        found = np.empty(shape)
        fill_normal(state, found.reshape(-1))
        return found
    signs = np.empty(shape, dtype=np.int8)
    randomize(signs.reshape(-1), state)
    return signs.astype(np.float64)


def _directions(weights: ArrayLike, other: ArrayLike, name: str) -> tuple[Inputs, Inputs]:
    """Return both with lengths of 1, or 0 where weights are zero."""
    students, target = _checks.reals("weights", weights), _direction(name, _checks.reals(name, other))
    if students.ndim == 0 or students.shape[-1] != target.size:
        raise ValueError(
            f"weights must have the shape (..., {target.size}), as {name} has; got {students.shape}"
        )
    sizes = np.abs(students).max(axis=-1, keepdims=True)
    scaled = students / np.where(sizes > 0.0, sizes, 1.0)  # squares neither overflow nor vanish
    lengths = np.linalg.norm(scaled, axis=-1, keepdims=True)
    return scaled / np.where(lengths > 0.0, lengths, 1.0), target


def _direction(name: str, weights: Inputs) -> Inputs:
    """Return one set of weights with a length of 1, or raise if it is none."""
    if weights.ndim != 1 or weights.size == 0:
        raise ValueError(f"{name} must have the shape (N,), N at least 1; got {weights.shape}")
    largest = np.abs(weights).max()
    if largest == 0.0:
        raise ValueError(f"{name} must not be zero; got {weights}")
    return np.asarray(weights / largest / np.linalg.norm(weights / largest))


def _plain(values: Inputs) -> Values:
    """Return an array as it is and a single number as a Python float."""
    return float(values) if np.ndim(values) == 0 else values
