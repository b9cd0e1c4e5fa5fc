"""Two rules for the weights of a perceptron: Rosenblatt's, which corrects mistakes, and least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook._runs import UPDATES_PER_CALL, progress_bar
from smbook.kernels import perceptron as kernels
from smbook.kernels.bipartite import shuffle
from smbook.kernels.rng import seed_state
from smbook.perceptron._examples import checked_examples, checked_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness
    from smbook.perceptron._examples import Floats

_ORDERS = ("cyclic", "random")


class Learned(NamedTuple):
    """Weights (N,) that a rule ends with, how often it corrected them, and in how many passes.

    `converged` says whether it ended because nothing was left to correct. Two results are equal if all their
    numbers are.
    """

    weights: Floats
    mistakes: int
    passes: int
    converged: bool

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        outcome = "converged" if self.converged else "not converged"
        return f"Learned({outcome}: {counted(self.mistakes, 'mistake')} in {passes_of(self.passes)})"


def perceptron_rule(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    margin: float = 0.0,
    max_passes: int = 1000,
    initial: ArrayLike | None = None,
    order: str = "cyclic",
    rng: Randomness = None,
    progress: bool = False,
) -> Learned:
    """Learn from mistakes: show the examples over and over, and add y x to w whenever y w.x <= margin.

    If some weights separate the examples with margin kappa (of a length of 1), no input is longer than R,
    and w is 0 at first, there are at most (R / kappa)^2 mistakes in whatever order (Novikoff), and
    (R^2 + 2 margin) / kappa^2 with a margin: `smbook.theory.perceptron.novikoff_bound`. Where nothing
    separates them the mistakes never end, and the length of w stays below a bound (Block and Levin).

    Parameters
    ----------
    inputs
        (P, N), an example a row, none of them all zeros.
    labels
        +1 and -1, (P,).
    margin
        Up to which y w.x an example counts as a mistake, at least 0. It is not divided by the length of w.
    max_passes
        After so many passes through all examples the rule gives up, at least 1.
    initial
        Weights to begin with, (N,); None is 0, to which every example is a mistake.
    order
        "cyclic", in the order of their numbers, or "random", each once a pass in an order that is drawn anew.
    rng
        As for `smbook.ising.simulate`; nothing depends on it in cyclic order.
    progress
        Whether a bar shows the passes.

    Returns
    -------
    Learned
        It has converged if a whole pass was without a mistake; this pass is counted.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Rosenblatt (1958); Novikoff (1962); Block and Levin (1970) for what cannot be separated.

    Examples
    --------
    >>> inputs = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    >>> found = perceptron_rule(inputs, [1, -1, 1])
    >>> found
    Learned(converged: 3 mistakes in 2 passes)
    >>> found.weights
    array([ 1., -1.,  1.])
    """
    rows, signs = checked_examples(inputs, labels, nonzero=True)
    margin = _checks.real("margin", margin, minimum=0.0)
    max_passes = _checks.integer("max_passes", max_passes, minimum=1)
    shuffled = _checks.choice("order", order, _ORDERS) == "random"
    weights = checked_weights(
        "initial", np.zeros(rows.shape[1]) if initial is None else initial, rows.shape[1]
    )
    state, sequence = seed_state(rng), np.arange(len(rows))
    mistakes = passes = 0
    converged = False
    with progress_bar(max_passes, "pass", progress) as tell:
        while passes < max_passes and not converged:
            if shuffled:
                shuffle(state, sequence)
            parts = parts_of_pass(sequence, rows.shape[1])
            made = sum(int(kernels.perceptron_pass(rows, signs, part, margin, weights)) for part in parts)
            mistakes, passes, converged = mistakes + made, passes + 1, made == 0
            tell(1)
    return Learned(weights, mistakes, passes, converged)


def pseudo_inverse(inputs: ArrayLike, labels: ArrayLike) -> Floats:
    """Return the weights of least squares on the labels: the shortest w of least sum_mu (y_mu - w.x_mu)^2.

    w = X^+ y with the pseudo-inverse X^+ of the inputs. Where these are linearly independent, which takes
    P <= N, it answers y w.x = 1 to all of them. Other examples may stay on the wrong side even where
    something separates them.

    Parameters
    ----------
    inputs
        (P, N), an example a row.
    labels
        +1 and -1, (P,).

    Returns
    -------
    NDArray
        float64, (N,).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Widrow and Hoff (1960), whose rule leads there; Personnaz, Guyon and Dreyfus (1985).

    Examples
    --------
    >>> pseudo_inverse([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [1, -1])
    array([ 0.5, -0.5, -0.5])
    """
    rows, signs = checked_examples(inputs, labels)
    found = np.linalg.lstsq(rows, signs.astype(np.float64), rcond=None)[0]
    return np.asarray(found, dtype=np.float64)


def parts_of_pass(sequence: NDArray[np.int64], n_inputs: int) -> Iterator[NDArray[np.int64]]:
    """Part the examples of a pass into calls that are short enough for Ctrl-C to be heard."""
    most = max(1, UPDATES_PER_CALL // n_inputs)
    return (sequence[first : first + most] for first in range(0, len(sequence), most))


def counted(number: int, what: str) -> str:
    """Return a number of things in words."""
    return f"{number} {what}{'s' * (number != 1)}"


def passes_of(number: int) -> str:
    """Return a number of passes in words."""
    return f"{number} pass{'es' * (number != 1)}"
