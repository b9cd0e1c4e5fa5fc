"""Gibbs learning: weights drawn at random from all that answer right, the version space; and their mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._runs import advance
from smbook.kernels import perceptron as kernels
from smbook.kernels.rng import seed_state
from smbook.perceptron._examples import checked_examples, checked_weights
from smbook.perceptron.separability import margin

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from smbook._runs import Call
    from smbook.kernels.rng import Randomness, State
    from smbook.perceptron._examples import Floats, Labels


def gibbs_learning(
    inputs: ArrayLike,
    labels: ArrayLike,
    n_samples: int,
    *,
    thin: int = 1,
    initial: ArrayLike | None = None,
    rng: Randomness = None,
    progress: bool = False,
) -> Floats:
    """Draw weights of length sqrt(N), uniformly from all that answer right to all examples: y w.x > 0.

    It walks: each step lays a great circle of random direction through the weights, and goes to a uniform
    point of the one arc of it on which all answers are right. This keeps the uniform law and reaches all of
    the version space, which is convex. Samples that follow each other are alike. How many steps it takes to
    forget grows with N, and with how much longer than wide the version space is: thin by what
    `smbook.statistics.integrated_autocorrelation_time` says of an overlap.

    Parameters
    ----------
    inputs
        (P, N), an example a row, none of them all zeros.
    labels
        +1 and -1, (P,).
    n_samples
        How many, at least 0.
    thin
        So many steps from a sample to the next, and to the first one, at least 1. A step takes 2 P N
        multiplications.
    initial
        Weights that answer right to all examples, (N,), of any length; None begins with those of the largest
        margin.
    rng
        As for `smbook.ising.simulate`.
    progress
        Whether a bar shows the samples.

    Returns
    -------
    NDArray
        float64, (n_samples, N).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if the initial weights answer wrong.
    NotSeparableError
        A ValueError, if no initial weights are given and none answer right to all examples.

    References
    ----------
    Smith (1984) for the walk, hit and run, in a body; here it is on a sphere. Gyorgyi and Tishby (1990) for
    what a unit so drawn knows of its teacher.

    Examples
    --------
    >>> samples = gibbs_learning([[1.0, 0.0], [0.0, 1.0]], [1, -1], 2000, rng=1)
    >>> bool((samples * [1, -1] > 0).all())
    True
    """
    walk = _checked_walk(inputs, labels, thin, initial)
    n_samples = _checks.integer("n_samples", n_samples, minimum=0)
    samples = np.empty((n_samples, walk.weights.size))

    def keep(entry: int) -> None:
        samples[entry] = walk.weights

    _walk(walk, n_samples, seed_state(rng), keep, progress)
    return samples


def bayes_learning(
    inputs: ArrayLike,
    labels: ArrayLike,
    n_samples: int,
    *,
    thin: int = 1,
    initial: ArrayLike | None = None,
    rng: Randomness = None,
    progress: bool = False,
) -> Floats:
    r"""Return the centre of mass of the version space, the mean of weights drawn by `gibbs_learning`.

    The answer that is most often right, if all teachers are as likely, is that of most of the weights that
    answer right to all examples (Bayes). For N to infinity their mean alone gives it. If q is the overlap of
    two samples, and so their overlap with the teacher, the mean of all has the overlap
    :math:`\sqrt{q}`, and that of n independent samples :math:`q / \sqrt{q + (1 - q) / n}`. Its square, over
    N, is near q + (1 - q) / n.

    Parameters
    ----------
    inputs, labels, initial, rng, progress
        As for `gibbs_learning`, whose samples with the same arguments are averaged, without being kept.
    n_samples
        How many, at least 1.
    thin
        So many steps from a sample to the next, at least 1.

    Returns
    -------
    NDArray
        float64, (N,).

    Raises
    ------
    TypeError, ValueError
        As for `gibbs_learning`.
    NotSeparableError
        A ValueError, if no initial weights are given and none answer right to all examples.

    References
    ----------
    Opper and Haussler (1991); Watkin (1993) for the centre of mass.

    Examples
    --------
    >>> mean = bayes_learning([[1.0, 0.0], [0.0, 1.0]], [1, -1], 4000, rng=1)
    >>> mean.round(2)  # an arc of 90 degrees, on a circle of radius sqrt(2): (1, -1) times sin(45) / (pi / 4)
    array([ 0.89, -0.91])
    """
    walk = _checked_walk(inputs, labels, thin, initial)
    n_samples = _checks.integer("n_samples", n_samples, minimum=1)
    total = np.zeros_like(walk.weights)

    def add(_: int) -> None:
        total[:] += walk.weights

    _walk(walk, n_samples, seed_state(rng), add, progress)
    return total / n_samples


class _Walk(NamedTuple):
    """What a walk through the version space goes by: examples, where it is, and so many steps a sample."""

    rows: Floats
    signs: Labels
    weights: Floats
    thin: int


def _checked_walk(inputs: ArrayLike, labels: ArrayLike, thin: int, initial: ArrayLike | None) -> _Walk:
    rows, signs = checked_examples(inputs, labels, nonzero=True)
    thin = _checks.integer("thin", thin, minimum=1)
    return _Walk(rows, signs, _first_weights(initial, rows, signs), thin)


def _walk(walk: _Walk, n_samples: int, state: State, note: Callable[[int], None], progress: bool) -> None:
    """Move the weights, and call `note` with the number of each sample when they are there."""
    rows, signs, weights, thin = walk
    direction, room = np.empty_like(weights), np.empty(6)

    def run(call: Call) -> None:
        for entry in range(call.entries.start, call.entries.stop):
            if weights.size > 1:  # a sphere of one dimension has no great circles
                kernels.hit_and_run(rows, signs, call.steps, state, weights, direction, room)
            if call.complete:
                note(entry)

    advance(
        run,
        n_samples * thin,
        thin,
        updates=2 * rows.size,
        steps_per_unit=thin,
        unit="sample",
        progress=progress,
    )


def _first_weights(initial: ArrayLike | None, rows: Floats, signs: Labels) -> Floats:
    """Return weights to begin with, of length sqrt(N), or raise if they answer wrong."""
    given = margin(rows, signs).weights if initial is None else initial
    weights = checked_weights("initial", given, rows.shape[1])
    largest = float(np.abs(weights).max()) or 1.0
    weights = weights / largest  # so that squares and products do not vanish
    fields = signs * (rows @ weights)
    if not (fields > 0.0).all():
        mu = int(np.flatnonzero(~(fields > 0.0))[0])
        raise ValueError(f"initial must have y w.x > 0 for all examples; {mu} has {fields[mu] * largest:g}")
    return weights * (math.sqrt(weights.size) / np.linalg.norm(weights))
