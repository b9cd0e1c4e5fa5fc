"""A unit whose weights are +1 and -1: all that answer right, by enumeration, and a search by annealing.

Inputs are +1 and -1 as well, so that w.x is a whole number, odd where N is odd. An answer is right if
y w.x > stability sqrt(N); at stability 0 and even N those with w.x = 0 are wrong.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook._runs import advance, progress_bar
from smbook.kernels import binary as kernels
from smbook.kernels.lattice import randomize
from smbook.kernels.rng import state_apart
from smbook.perceptron._examples import checked_examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from smbook._runs import Call
    from smbook.kernels.rng import Randomness

    Signs = NDArray[np.int8]
    Words = NDArray[np.uint64]

_SEARCH_APART = 5  # from inputs, labels and a teacher that an equal seed draws
_MOST_INPUTS = 30  # a billion weights
_WORDS_PER_CALL = 1 << 22  # some hundredths of a second


class Annealed(NamedTuple):
    """Weights +1 and -1 (int8, N), how many examples they answer `wrong`, and that number after each sweep.

    The course ends with the sweep in which it came to 0. Two results are equal if all their numbers are.
    """

    weights: Signs
    wrong: int
    course: NDArray[np.int64]

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        sweeps = f"{self.course.size} sweep{'s' * (self.course.size != 1)}"
        return f"Annealed({self.wrong} wrong after {sweeps}, {self.weights.size} weights)"


def count_binary_solutions(
    inputs: ArrayLike, labels: ArrayLike, *, stability: float = 0.0, progress: bool = False
) -> int:
    """Return how many of 2^N weights of +1 and -1 answer right to all examples: y w.x > stability sqrt(N).

    For labels by a fair coin, odd N and stability 0 its mean is 2^(N - P), as each set of weights answers
    right with probability 1/2. All are tried, as words of N bits: w.x = N - 2 d, where d is the number of
    bits in which weights and input differ. It takes a tenth of a second for N = 26, and two for N = 30.

    Parameters
    ----------
    inputs
        +1 and -1, (P, N), N at most 30.
    labels
        +1 and -1, (P,).
    stability
        A real number, also below 0: what y w.x / sqrt(N) is to be above.
    progress
        Whether a bar shows the blocks of weights that were tried.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Gardner and Derrida (1988); Krauth and Mezard (1989).

    Examples
    --------
    >>> from smbook.perceptron import random_dichotomy
    >>> count_binary_solutions([[1, 1, 1], [1, 1, -1]], [1, 1])
    2
    >>> examples = random_dichotomy(10, 15, distribution="binary", rng=1)
    >>> count_binary_solutions(*examples)  # 32 on average
    2
    """
    rows, most, n = _words_of(inputs, labels, stability)
    room = np.empty(0, dtype=np.uint64)
    return sum(int(kernels.find_solutions(rows, most, *part, room)) for part in _parts(n, progress))


def binary_solutions(
    inputs: ArrayLike, labels: ArrayLike, *, stability: float = 0.0, progress: bool = False
) -> Signs:
    """Return all weights of +1 and -1, int8 (S, N), that answer right: y w.x > stability sqrt(N).

    They come in the order of the numbers whose bits they are, the first weight the lowest bit. There may be
    as many as 2^N, of N bytes each: `count_binary_solutions` tells before.

    Parameters
    ----------
    inputs, labels, stability, progress
        As for `count_binary_solutions`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> binary_solutions([[1, 1, 1], [1, 1, -1]], [1, 1])
    array([[ 1,  1, -1],
           [ 1,  1,  1]], dtype=int8)
    """
    rows, most, n = _words_of(inputs, labels, stability)
    room, found = np.empty(_WORDS_PER_CALL, dtype=np.uint64), []
    for part in _parts(n, progress):
        found.append(room[: int(kernels.find_solutions(rows, most, *part, room))].copy())
    return _signs_of(np.concatenate(found), n)


def anneal_binary(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    betas: ArrayLike,
    n_sweeps: int = 100,
    stability: float = 0.0,
    rng: Randomness = None,
    progress: bool = False,
) -> Annealed:
    """Look for weights of +1 and -1 that answer right, by simulated annealing of the number of wrong answers.

    It begins at random. A sweep tries to turn N weights, each drawn at random, and turns one with probability
    min(1, exp(-beta change)) (Metropolis), the change being that of the number of wrong answers. It ends
    where none is wrong. That no weights were found says nothing about whether there are any.

    Parameters
    ----------
    inputs
        +1 and -1, (P, N), any N.
    labels
        +1 and -1, (P,).
    betas
        Inverse temperatures of at least 0, (K,), in turn.
    n_sweeps
        So many sweeps at each, at least 1. A sweep takes N P steps.
    stability
        As for `count_binary_solutions`.
    rng
        As for `smbook.ising.simulate`. An integer that has drawn the examples searches independently of them.
    progress
        Whether a bar shows the sweeps.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Kirkpatrick, Gelatt and Vecchi (1983); Horner (1992) for why it fails well below capacity.

    Examples
    --------
    >>> from smbook.perceptron import random_dichotomy
    >>> examples = random_dichotomy(20, 101, distribution="binary", rng=1)
    >>> found = anneal_binary(*examples, betas=[0.5, 1.0, 2.0, 4.0], rng=1)
    >>> found.wrong, bool((examples.labels * (examples.inputs @ found.weights) > 0).all())
    (0, True)
    """
    turned = _checked_signs(inputs, labels)
    bound = _checked_bound(stability, turned.shape[1])
    schedule = _checks.reals("betas", betas, minimum=0.0)
    if schedule.ndim != 1 or not schedule.size:
        raise ValueError(f"betas must have the shape (K,), K at least 1; got {schedule.shape}")
    n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=1)
    state = state_apart(rng, _SEARCH_APART)
    columns = np.array(turned.T, order="C")
    weights, fields = np.empty(len(columns), dtype=np.int8), np.empty(len(turned), dtype=np.int32)
    randomize(weights, state)
    kernels.find_fields(columns, weights, fields)
    course, made = np.empty(schedule.size * n_sweeps, dtype=np.int64), 0
    wrong = int(kernels.count_wrong(bound, fields))

    def anneal(call: Call) -> None:
        nonlocal made, wrong
        for entry in range(call.entries.start, call.entries.stop):
            if not wrong:
                return
            some = course[made : made + call.steps]
            beta = schedule[entry]
            made += int(kernels.anneal_sweeps(columns, bound, beta, state, weights, fields, some))
            wrong = int(course[made - 1])

    advance(anneal, course.size, n_sweeps, updates=columns.size, progress=progress)
    return Annealed(weights, wrong, course[:made].copy())


def _parts(n_inputs: int, progress: bool) -> Iterator[tuple[int, int]]:
    """Part the numbers of all weights into blocks."""
    n_words = 1 << n_inputs
    with progress_bar(-(-n_words // _WORDS_PER_CALL), "block", progress) as tell:
        for start in range(0, n_words, _WORDS_PER_CALL):
            yield start, min(start + _WORDS_PER_CALL, n_words)
            tell(1)


def _words_of(inputs: ArrayLike, labels: ArrayLike, stability: float) -> tuple[Words, int, int]:
    """Return z = y x as words, in how many bits weights may differ from each, and N."""
    turned = _checked_signs(inputs, labels)
    n = turned.shape[1]
    if n > _MOST_INPUTS:
        raise ValueError(f"inputs must be at most {_MOST_INPUTS} an example to try all weights; got {n}")
    bits = np.uint64(1) << np.arange(n, dtype=np.uint64)
    most = (n - 1 - _checked_bound(stability, n)) // 2  # n - 2 d > bound
    return (turned > 0) @ bits, most, n


def _signs_of(words: Words, n: int) -> Signs:
    found = np.empty((words.size, n), dtype=np.int8)
    for i in range(n):
        found[:, i] = 2 * ((words >> np.uint64(i)) & np.uint64(1)).astype(np.int8) - 1
    return found


def _checked_signs(inputs: ArrayLike, labels: ArrayLike) -> Signs:
    """Return y x as int8 (P, N), or raise if inputs are not all +1 and -1."""
    rows, signs = checked_examples(inputs, labels)
    other = np.argwhere(np.abs(rows) != 1.0)
    if other.size:
        mu, i = other[0]
        raise ValueError(f"inputs must be +1 or -1; example {mu} has {rows[mu, i]:g}")
    turned: Signs = rows.astype(np.int8) * signs[:, np.newaxis]
    return turned


def _checked_bound(stability: float, n: int) -> int:
    """Return the largest whole number that y w.x must be above, from -N - 1 to N."""
    bound = _checks.real("stability", stability) * math.sqrt(n)
    return math.floor(min(max(bound, -n - 1.0), float(n)))
