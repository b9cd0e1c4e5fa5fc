"""Gibbs learning: weights drawn at random from all that answer right, the version space."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks
from smbook._runs import advance
from smbook.kernels import perceptron as kernels
from smbook.kernels.rng import seed_state
from smbook.perceptron._examples import checked_examples, checked_weights
from smbook.perceptron.separability import margin

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook._runs import Call
    from smbook.kernels.rng import Randomness
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
    rows, signs = checked_examples(inputs, labels, nonzero=True)
    n_samples = _checks.integer("n_samples", n_samples, minimum=0)
    thin = _checks.integer("thin", thin, minimum=1)
    weights = _first_weights(initial, rows, signs)
    state, direction, room = seed_state(rng), np.empty_like(weights), np.empty(6)
    samples = np.empty((n_samples, weights.size))
    if weights.size == 1:  # whose sphere has no great circles
        samples[:] = weights
        return samples

    def walk(call: Call) -> None:
        for entry in range(call.entries.start, call.entries.stop):
            kernels.hit_and_run(rows, signs, call.steps, state, weights, direction, room)
            samples[entry] = weights

    advance(
        walk,
        n_samples * thin,
        thin,
        updates=2 * rows.size,
        steps_per_unit=thin,
        unit="sample",
        progress=progress,
    )
    return samples


def _first_weights(initial: ArrayLike | None, rows: Floats, signs: Labels) -> Floats:
    """Return weights to begin with, of length sqrt(N), or raise if they answer wrong."""
    given = margin(rows, signs).weights if initial is None else initial
    weights = checked_weights("initial", given, rows.shape[1])
    fields = signs * (rows @ weights)
    if not (fields > 0.0).all():
        mu = int(np.flatnonzero(~(fields > 0.0))[0])
        raise ValueError(f"initial must have y w.x > 0 for all examples; {mu} has {fields[mu]:g}")
    return weights * (math.sqrt(weights.size) / np.linalg.norm(weights))
