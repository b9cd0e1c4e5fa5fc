"""Gibbs learning: weights drawn at random from all that answer right, the version space; and their mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._runs import advance
from smbook.kernels import perceptron as kernels
from smbook.kernels.rng import state_apart
from smbook.perceptron._examples import checked_examples, checked_weights
from smbook.perceptron.separability import margin

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from smbook._runs import Call
    from smbook.kernels.rng import Randomness, State
    from smbook.perceptron._examples import Floats, Labels


_WALK_APART = 4  # from inputs, labels and a teacher that an equal seed draws
_WALKS = ("billiard", "hit-and-run")
_MOST_BOUNCES = 100  # of a flight, for each example and each input


def gibbs_learning(
    inputs: ArrayLike,
    labels: ArrayLike,
    n_samples: int,
    *,
    walk: str = "billiard",
    thin: int = 1,
    initial: ArrayLike | None = None,
    rng: Randomness = None,
    progress: bool = False,
) -> Floats:
    """Draw weights of length sqrt(N), uniformly from all that answer right to all examples: y w.x > 0.

    It walks, in steps that keep the uniform law and reach all of the version space, which is convex.

    * "billiard": the weights fly along a great circle, in a direction drawn at random, for a quarter of a
      turn, and are reflected by each plane w.x = 0 of an example that they meet.
    * "hit-and-run": a great circle is laid through the weights in a direction drawn at random, and they go to
      a uniform point of the one arc of it on which all answers are right.

    Samples that follow each other are alike; `smbook.statistics.integrated_autocorrelation_time` of an
    overlap says how much. The billiard forgets within a few steps. Hit and run goes as far as the nearest
    planes allow, and takes of the order of N^2 steps; it is for version spaces as thin as a hair.

    Parameters
    ----------
    inputs
        (P, N), an example a row, none of them all zeros.
    labels
        +1 and -1, (P,).
    n_samples
        How many, at least 0.
    walk
        "billiard", which keeps all products of two inputs, 8 P^2 bytes, or "hit-and-run".
    thin
        So many steps from a sample to the next, and to the first one, at least 1. A step takes 2 P N
        multiplications, and one of "billiard" P + N more for each of its bounces, often about P.
    initial
        Weights that answer right to all examples, (N,), of any length; None begins with those of the largest
        margin.
    rng
        As for `smbook.ising.simulate`. An integer that has drawn the examples walks independently of them.
    progress
        Whether a bar shows the samples.

    Returns
    -------
    NDArray
        float64, (n_samples, N).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, if the initial weights answer wrong, or if the
        version space is too thin for the billiard.
    NotSeparableError
        A ValueError, if no initial weights are given and none answer right to all examples.

    References
    ----------
    Pakman and Paninski (2014) for flights in a normal law with walls, whose directions are uniform between
    planes through 0; Smith (1984) for hit and run in a body; here it is on a sphere. Gyorgyi and Tishby
    (1990) for what a unit so drawn knows of its teacher.

    Examples
    --------
    >>> samples = gibbs_learning([[1.0, 0.0], [0.0, 1.0]], [1, -1], 2000, rng=1)
    >>> bool((samples * [1, -1] > 0).all())
    True
    """
    course = _checked_course(inputs, labels, walk, thin, initial)
    n_samples = _checks.integer("n_samples", n_samples, minimum=0)
    samples = np.empty((n_samples, course.weights.size))

    def keep(entry: int) -> None:
        samples[entry] = course.weights

    _follow(course, n_samples, state_apart(rng, _WALK_APART), keep, progress)
    return samples


def bayes_learning(
    inputs: ArrayLike,
    labels: ArrayLike,
    n_samples: int,
    *,
    walk: str = "billiard",
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
    inputs, labels, walk, initial, rng, progress
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
    >>> mean.round(1)  # an arc of 90 degrees, on a circle of radius sqrt(2): (1, -1) times sin(45) / (pi / 4)
    array([ 0.9, -0.9])
    """
    course = _checked_course(inputs, labels, walk, thin, initial)
    n_samples = _checks.integer("n_samples", n_samples, minimum=1)
    total = np.zeros_like(course.weights)

    def add(_: int) -> None:
        total[:] += course.weights

    _follow(course, n_samples, state_apart(rng, _WALK_APART), add, progress)
    return total / n_samples


class _Course(NamedTuple):
    """What a walk through the version space goes by: examples, where it is, and how it goes on."""

    rows: Floats
    signs: Labels
    weights: Floats
    walk: str
    thin: int


def _checked_course(
    inputs: ArrayLike, labels: ArrayLike, walk: str, thin: int, initial: ArrayLike | None
) -> _Course:
    rows, signs = checked_examples(inputs, labels, nonzero=True)
    _checks.choice("walk", walk, _WALKS)
    thin = _checks.integer("thin", thin, minimum=1)
    return _Course(rows, signs, _first_weights(initial, rows, signs), walk, thin)


def _follow(
    course: _Course, n_samples: int, state: State, note: Callable[[int], None], progress: bool
) -> None:
    """Move the weights, and call `note` with the number of each sample when they are there."""
    step, thin = _step_of(course, state), course.thin
    lost = 0

    def run(call: Call) -> None:
        nonlocal lost
        for entry in range(call.entries.start, call.entries.stop):
            lost += step(call.steps)
            if call.complete:
                note(entry)

    advance(
        run,
        n_samples * thin,
        thin,
        updates=2 * course.rows.size + (course.walk == "billiard") * len(course.rows) ** 2,
        steps_per_unit=thin,
        unit="sample",
        progress=progress,
    )
    if lost > n_samples * thin // 2:
        raise ValueError(
            f"walk must be 'hit-and-run' in so thin a version space: {lost} of {n_samples * thin} flights of "
            f"the billiard were not over after {_MOST_BOUNCES} bounces for each example and input"
        )


def _step_of(course: _Course, state: State) -> Callable[[int], int]:
    """Return what makes so many steps of a walk, to weights of length sqrt(N), and tells how many failed."""
    rows, signs, weights, walk, _ = course
    p, n = rows.shape
    if n == 1:  # a sphere of one dimension has no great circles
        return lambda _: 0
    velocity = np.empty(n)
    if walk == "hit-and-run":
        room = np.empty(6)
        return lambda steps: kernels.hit_and_run(rows, signs, steps, state, weights, velocity, room) or 0
    turned = rows * signs[:, np.newaxis]
    gram, most = turned @ turned.T, _MOST_BOUNCES * (p + n)
    place, start, fields, drifts = weights.copy(), np.empty(n), np.empty(p), np.empty(p)

    def fly(steps: int) -> int:
        rooms = place, velocity, start, fields, drifts
        lost = int(kernels.billiard(rows, signs, gram, steps, most, state, *rooms))
        weights[:] = place * (math.sqrt(n) / np.linalg.norm(place))
        return lost

    return fly


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
