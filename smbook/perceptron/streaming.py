"""Learning online: each example is seen once, in the order in which it comes, and never again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook._runs import advance
from smbook.kernels import perceptron as kernels
from smbook.perceptron._examples import checked_examples, checked_weights
from smbook.perceptron.rules import counted

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook._runs import Call
    from smbook.perceptron._examples import Floats, Labels

_RULES = {
    "hebb": kernels.HEBB,
    "perceptron": kernels.PERCEPTRON,
    "adatron": kernels.ADATRON,
    "optimal": kernels.OPTIMAL,
}


class Online(NamedTuple):
    """The weights (N,) at the end, and those of before: `path` (T + 1, N) after `times` (T + 1,) examples.

    Row 0 of the path is what it began with. Two results are equal if all their numbers are.
    """

    weights: Floats
    times: NDArray[np.int64]
    path: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        rows, n_inputs = self.path.shape
        return f"Online({counted(n_inputs, 'weight')}, noted {counted(rows, 'time')})"


def online(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    rule: str = "perceptron",
    rate: float = 1.0,
    initial: ArrayLike | None = None,
    every: int = 1,
    progress: bool = False,
) -> Online:
    r"""Show each example once, in the given order, and let a rule change the weights by rate / N times f y x.

    With the field h = w.x of the example, before the change, f is

    * "hebb": 1, for every example;
    * "perceptron": 1 if y h <= 0, else 0;
    * "adatron": the size of h if y h <= 0, else 0;
    * "optimal": :math:`\sigma \, \varphi(u) / \Phi(u)` with :math:`u = y h / \sigma` and
      :math:`\sigma^2 = 1 - w \cdot w`, at rate 1; phi and Phi are density and distribution function of a
      standard normal number.

    The last one makes the overlap R with a teacher grow as fast as any f can, if :math:`\sigma^2 = 1 - R^2`.
    Nobody tells it R. Where the length of w is R, so that w is what the student expects of a teacher of
    length 1, the rule lengthens w just as R grows; it begins so, from w = 0. A w that is too long for
    what it knows makes more mistakes than it expects, each of which shortens it, and one that is too short
    fewer. So the length itself is what the student knows of R. At a length of 1 and above f is that of
    "adatron". At another rate all this holds of w / rate.

    For inputs of variance 1 all changes of order 1 take P of order N. For N to infinity, the length of w and
    its overlap with a teacher then follow differential equations in alpha = P / N (Biehl and Schwarze).

    Parameters
    ----------
    inputs
        (P, N), an example a row.
    labels
        +1 and -1, (P,).
    rule
        "hebb", "perceptron", "adatron" or "optimal".
    rate
        Positive. From w = 0 it only sets the scale of w.
    initial
        Weights to begin with, (N,); None is 0 and, where that is a fixed point, for "adatron", y x / N of the
        first example.
    every
        The weights are noted after each `every`-th example, 8 N bytes each time.
    progress
        Whether a bar shows the examples.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, if "adatron" is to begin with weights of zero,
        or if weights grow out of the range of floats, as those of "adatron" may where rate x.x / N is above 2
        for most examples: the error says when they still were finite.

    References
    ----------
    Kinzel and Rujan (1990); Biehl and Schwarze (1992, 1995); Biehl and Riegler (1994) for the adatron;
    Kinouchi and Caticha (1992) for the optimal rule, which Opper (1996) found as Bayes' rule, one example at
    a time, for a student that remembers a mean and a width alone.

    Examples
    --------
    >>> found = online([[1.0, 3.0], [2.0, 0.0], [0.0, 4.0]], [1, -1, 1], every=2)
    >>> found.path
    array([[ 0. ,  0. ],
           [-0.5,  1.5]])
    >>> found
    Online(2 weights, noted 2 times)
    """
    rows, signs = checked_examples(inputs, labels)
    number = _RULES[_checks.choice("rule", rule, _RULES)]
    rate = _checks.positive("rate", rate)
    if rule == "optimal" and not 1e-100 <= rate <= 1e100:
        raise ValueError(f"rate must be from 1e-100 to 1e100 for the rule 'optimal'; got {rate:g}")
    every = _checks.integer("every", every, minimum=1)
    weights = _first_weights(rule, initial, rows, signs)
    path, made = np.empty((len(rows) // every + 2, rows.shape[1])), 0  # the last row is never complete
    path[0] = weights

    def show(call: Call) -> None:
        nonlocal made
        noted = path[call.entries.start + 1 : call.entries.stop + 1]
        shown = slice(made, made + call.steps * len(noted))
        kernels.learn_online(rows[shown], signs[shown], number, rate, call.steps, weights, noted)
        made = shown.stop

    advance(show, len(rows), every, updates=rows.shape[1], unit="example", progress=progress)
    times = every * np.arange(len(path) - 1)
    if not np.isfinite(weights).all():
        last = int(times[np.isfinite(path[:-1]).all(axis=1)].max())
        raise ValueError(
            f"rate or initial must be smaller: weights outgrew all floats after example {last} of "
            f"{len(rows)}, by the rule {rule!r} at rate {rate:g}"
        )
    return Online(weights, times, path[:-1].copy())


def _first_weights(rule: str, initial: ArrayLike | None, rows: Floats, signs: Labels) -> Floats:
    """Return weights to begin with, which must not be zero for the adatron."""
    n_inputs = rows.shape[1]
    if initial is None:
        initial = signs[0] * rows[0] / n_inputs if rule == "adatron" else np.zeros(n_inputs)
    weights = checked_weights("initial", initial, n_inputs)
    if rule == "adatron" and not weights.any():
        raise ValueError("initial must not be 0, which the rule 'adatron' never leaves")
    return weights
