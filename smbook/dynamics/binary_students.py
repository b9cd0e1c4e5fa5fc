"""Students with weights +1 and -1 in equilibrium at many temperatures: tempering of the number of mistakes.

The energy of weights w is the number of examples that they answer wrong, those with y w.x <= 0, and p(w) is
proportional to exp(-beta * wrong). At beta = 0 all weights are as likely, and at large beta those that answer
right to all, uniformly: the students. `smbook.theory.dynamics.binary_student` knows the limit of large N.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import logsumexp

from smbook import _checks
from smbook._records import equal
from smbook._runs import advance
from smbook.kernels import binary as fields_of
from smbook.kernels import binary_students as kernels
from smbook.kernels.lattice import randomize
from smbook.kernels.rng import state_apart
from smbook.perceptron.binary import _checked_signs, binary_solutions

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook._runs import Call
    from smbook.kernels.rng import Randomness, State

    Counts = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Signs = NDArray[np.int8]

_TEMPERING_APART = 6  # from inputs, labels and a teacher that an equal seed draws
_COLDEST = 1e100  # beta, which by all wrong answers is still a float
_AT_ONCE = 2**16  # weights that are tried on the other examples
_WEIGHTS_PER_UPDATE = 16  # examples whose fields are looked at in the time of an update


class TemperedStudents(NamedTuple):
    """What tempering of students leaves, by temperature, a column a kept sweep; `betas` rises.

    With K temperatures: `wrong` (K, kept) is the number of examples answered wrong, `overlap` (K, kept) is R,
    w.teacher / N, nan if no teacher was given. `acceptance` (K,) is the share of tried weights that turned,
    `swap_rates` (K - 1,) that of swaps made between neighbours. `round_trips` (K,) counts for each walker its
    ways from the hottest temperature to the coldest and back. `weights` (K, N) are the final ones, `samples`
    (K, kept, N) all kept ones, if they were asked for, else (K, 0, N).

    Two results are equal if all their numbers are.
    """

    betas: Floats
    wrong: Counts
    overlap: Floats
    acceptance: Floats
    swap_rates: Floats
    round_trips: Counts
    weights: Signs
    samples: Signs

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        temperatures, kept = self.wrong.shape
        each = f"{temperatures} temperature{'s' * (temperatures != 1)}"
        rates = self.swap_rates
        swaps = f", swap rates {rates.min():.2f} to {rates.max():.2f}" if rates.size else ""
        seen = f", at least {self.wrong.min()} wrong" if kept else ""
        return (
            f"TemperedStudents({kept} kept sweep{'s' * (kept != 1)} of {each}{swaps}, "
            f"{int(self.round_trips.sum())} round trips{seen})"
        )


def temper_binary(
    inputs: ArrayLike,
    labels: ArrayLike,
    betas: ArrayLike,
    n_sweeps: int,
    *,
    initial: ArrayLike | None = None,
    teacher: ArrayLike | None = None,
    keep_weights: bool = False,
    thin: int = 1,
    rng: Randomness = None,
    progress: bool = False,
) -> TemperedStudents:
    """Sample weights +1 and -1 with probability proportional to exp(-beta * wrong answers), at many beta.

    A walker at each temperature makes a sweep of N tries, each at a weight drawn at random, which turns with
    probability min(1, exp(-beta change)) (Metropolis). Then neighbours k and k + 1 swap their weights with
    probability min(1, exp((beta_k - beta_k+1) (wrong_k - wrong_k+1))), k even after one sweep and odd after
    the next. All this keeps the law at every temperature, and what is cold gets out of a valley by way of
    the hot. It does not get everywhere: a transition of first order has a barrier at every temperature.

    Parameters
    ----------
    inputs
        +1 and -1, (P, N).
    labels
        +1 and -1, (P,).
    betas
        Inverse temperatures from 0 to 1e100, rising, (K,), K at least 1.
    n_sweeps
        So many sweeps at each temperature, at least 0. A sweep takes N P steps.
    initial
        Weights to begin with, +1 and -1, (N,) for all walkers or (K, N); None draws them at random.
    teacher
        Weights +1 and -1, (N,), with which overlaps are noted.
    keep_weights
        Whether the weights of all kept sweeps are handed back, K N bytes each.
    thin
        Every so many sweeps are kept, at least 1.
    rng
        As for `smbook.ising.simulate`. An integer that has drawn the examples walks independently of them.
    progress
        Whether a bar shows the sweeps.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Hukushima and Nemoto (1996).

    Examples
    --------
    At T = 1/2 the teacher takes over at a load of 1.5708. At 1.4 random weights and the teacher's end in two
    phases. The free entropy of the first is above 0, that of the teacher's.

    >>> from smbook.perceptron import teacher_examples
    >>> teacher, betas = np.ones(101), np.linspace(0.0, 2.0, 9)
    >>> examples = teacher_examples(teacher, 141, distribution="binary", rng=2)
    >>> runs = [
    ...     temper_binary(*examples, betas, 1000, initial=start, teacher=teacher, rng=3)
    ...     for start in (None, teacher)
    ... ]
    >>> [round(float(run.overlap[-1, 200:].mean()), 1) for run in runs]
    [0.6, 1.0]
    >>> round(float(free_entropy(runs[0], skip=200)[-1]), 2)  # 0.06 in the limit
    0.05
    """
    turned = _checked_signs(inputs, labels)
    n = turned.shape[1]
    ladder = _checked_ladder(betas)
    n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
    thin = _checks.integer("thin", thin, minimum=1)
    known = None if teacher is None else _checked_weights("teacher", teacher, [(n,)])
    walkers = _begin(turned, ladder, initial, state_apart(rng, _TEMPERING_APART))
    kept = n_sweeps // thin
    wrong, overlap = np.empty((ladder.size, kept), dtype=np.int64), np.full((ladder.size, kept), np.nan)
    samples = np.empty((ladder.size, kept if keep_weights else 0, n), dtype=np.int8)

    def note(entries: slice, counts: Counts, snapshots: Signs) -> None:
        wrong[:, entries] = counts.T
        if known is not None:
            overlap[:, entries] = (snapshots.astype(np.float32) @ known.astype(np.float32)).T / float(n)
        if keep_weights:
            samples[:, entries] = snapshots.swapaxes(0, 1)

    _advance(walkers, ladder, n_sweeps, thin, note, progress)
    tried, made = walkers.swaps
    return TemperedStudents(
        ladder,
        wrong,
        overlap,
        walkers.turned / max(n_sweeps * n, 1),
        made / np.maximum(tried, 1),
        walkers.trips,
        walkers.weights[walkers.at],
        samples,
    )


def free_entropy(run: TemperedStudents, *, skip: int = 0) -> Floats:
    r"""Return phi = ln Z / N at every temperature of a run that begins at beta = 0, where phi is ln 2.

    .. math:: \ln \frac{Z_{k+1}}{Z_k} = \ln \frac{\langle e^{-\Delta E / 2} \rangle_k}
              {\langle e^{+\Delta E / 2} \rangle_{k+1}}, \qquad \Delta = \beta_{k+1} - \beta_k

    with the number of wrong answers E. While a run keeps to the students far from the teacher it is their
    phi, also where the teacher has more weight. He is worth phi = 0, so that they are metastable where theirs
    is negative.

    Parameters
    ----------
    run
        As `temper_binary` returns it, its lowest beta 0, and neighbours so close that they swap.
    skip
        So many kept sweeps are left out at the beginning.

    Returns
    -------
    NDArray
        float64, (K,).

    Raises
    ------
    TypeError, ValueError
        If `run` does not begin at beta = 0, or if `skip` leaves nothing.

    References
    ----------
    Bennett (1976), whose acceptance ratio is better where neighbours are far apart.

    Examples
    --------
    >>> run = temper_binary([[1, 1, 1]], [1], [0.0, 1.0], 20_000, rng=1)
    >>> free_entropy(run).round(2)  # ln 2, and ln(4 + 4 / e) / 3
    array([0.69, 0.57])
    """
    if not isinstance(run, TemperedStudents):
        raise TypeError(f"run must be what temper_binary returns; got {type(run).__name__}")
    if run.betas[0] != 0.0:
        raise ValueError(f"run must begin at beta = 0, where all weights count alike; got {run.betas[0]:g}")
    skip = _checks.integer("skip", skip, minimum=0)
    if skip >= run.wrong.shape[1]:
        raise ValueError(f"skip must leave some of {run.wrong.shape[1]} kept sweeps; got {skip}")
    half = np.diff(run.betas)[:, np.newaxis] / 2
    hot, cold = -half * run.wrong[:-1, skip:], half * run.wrong[1:, skip:]
    steps = logsumexp(hot, axis=1) - logsumexp(cold, axis=1)
    return np.asarray(math.log(2) + np.concatenate([[0.0], np.cumsum(steps)]) / run.weights.shape[1])


class StudentsLeft(NamedTuple):
    """How many weights answer right after each number of examples, and how well they know the teacher.

    `students` is their number, `overlap` the mean of R over them; all (M,). Their teacher is one of them, so
    that a student drawn at random is the teacher itself with probability 1 / students. Two results are equal
    if all their numbers are.
    """

    n_examples: Counts
    students: Counts
    overlap: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def students_left(
    inputs: ArrayLike, labels: ArrayLike, *, teacher: ArrayLike, first: int = 1
) -> StudentsLeft:
    """Count the weights +1 and -1 that answer right to the first P examples, for P = `first` and all above.

    All 2^N are tried once, on the first examples, and those that are left on the others, one by one. It takes
    a tenth of a second for N = 25; most of the room goes to the weights that `first` examples leave, N bytes
    each.

    Parameters
    ----------
    inputs
        +1 and -1, (P, N), N at most 30 and odd, so that no field is 0.
    labels
        Those of the teacher, (P,).
    teacher
        Its weights, +1 and -1, (N,).
    first
        From 1 to P.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if the teacher answers wrong.

    Examples
    --------
    >>> from smbook.perceptron import random_labels, teacher_examples
    >>> teacher = random_labels(15, rng=1)  # signs
    >>> examples = teacher_examples(teacher, 30, distribution="binary", rng=2)
    >>> students_left(*examples, teacher=teacher, first=12).students[:9]
    array([31, 20,  6,  6,  6,  2,  1,  1,  1])
    """
    turned = _checked_signs(inputs, labels)
    p, n = turned.shape
    known = _checked_weights("teacher", teacher, [(n,)])
    first = _checks.integer("first", first, minimum=1, maximum=p)
    fields = turned.astype(np.int64) @ known
    if (fields <= 0).any():
        mu = int(np.flatnonzero(fields <= 0)[0])
        raise ValueError(f"teacher must answer right to all examples; its y w.x is {fields[mu]} at {mu}")
    weights = binary_solutions(turned[:first], np.ones(first))  # z = y x has the label 1
    ended = np.zeros((2, p - first + 1))  # weights, and their fields of the teacher, by the examples survived
    for start in range(0, len(weights), _AT_ONCE):
        some = weights[start : start + _AT_ONCE].astype(np.float32)
        survived = _survived(some, turned[first:])
        for row, amounts in zip(ended, (None, some @ known), strict=True):
            row += np.bincount(survived, amounts, minlength=row.size)
    students, total = ended[:, ::-1].cumsum(axis=1)[:, ::-1]
    return StudentsLeft(np.arange(first, p + 1), students.astype(np.int64), total / students / n)


def _survived(weights: NDArray[np.float32], examples: Signs) -> Counts:
    """Return the number of examples that each of some weights answers right before the first wrong one."""
    right = np.ones((len(weights), len(examples) + 1), dtype=bool)
    np.greater(weights @ examples.T.astype(np.float32), 0.0, out=right[:, :-1])
    return np.where(right.all(axis=1), len(examples), right.argmin(axis=1))


class _Walkers(NamedTuple):
    """Examples, the walkers' weights and fields, where they are, and what they have done."""

    columns: Signs
    state: State
    weights: Signs
    fields: NDArray[np.int32]
    at: Counts
    clock: Counts
    totals: Floats
    swaps: Counts
    heading: Counts
    trips: Counts
    turned: Counts

    @property
    def ladder(self) -> tuple[Any, ...]:
        return self.at, self.clock, self.totals, self.swaps, self.heading, self.trips


def _begin(turned: Signs, betas: Floats, initial: ArrayLike | None, state: State) -> _Walkers:
    (p, n), k = turned.shape, betas.size
    weights = np.empty((k, n), dtype=np.int8)
    if initial is None:
        randomize(weights.reshape(-1), state)
    else:
        weights[:] = _checked_weights("initial", initial, [(n,), (k, n)])
    columns, fields = np.array(turned.T, order="C"), np.empty((k, p), dtype=np.int32)
    for row, local in zip(weights, fields, strict=True):
        fields_of.find_fields(columns, row, local)
    totals = np.array([float(fields_of.count_wrong(0, local)) for local in fields])
    counts = (np.zeros(k, dtype=np.int64) for _ in range(3))
    swaps = np.zeros((2, k - 1), dtype=np.int64)
    clock = np.zeros(1, dtype=np.int64)
    return _Walkers(columns, state, weights, fields, np.arange(k), clock, totals, swaps, *counts)


def _advance(walkers: _Walkers, betas: Floats, n_sweeps: int, thin: int, note: Any, progress: bool) -> None:
    """Run all temperatures. A run can be stopped between the sweeps of two of them."""
    k, n = walkers.weights.shape

    def run(call: Call) -> None:
        entries = call.entries.stop - call.entries.start
        wrong, snapshots = np.empty((entries, k), dtype=np.int64), np.empty((entries, k, n), dtype=np.int8)
        kernels.temper_weights(
            walkers.columns,
            0,
            walkers.state,
            walkers.weights,
            walkers.fields,
            betas,
            walkers.ladder,
            walkers.turned,
            call.steps,
            wrong,
            snapshots,
        )
        if call.complete:
            note(call.entries, wrong, snapshots)

    updates = n * (1 + walkers.fields.shape[1] // _WEIGHTS_PER_UPDATE)
    advance(run, n_sweeps * k, thin * k, updates=updates, steps_per_unit=k, progress=progress)


def _checked_ladder(betas: ArrayLike) -> Floats:
    found = _checks.reals("betas", betas, minimum=0.0)
    if found.ndim != 1 or not found.size:
        raise ValueError(f"betas must have the shape (K,), K at least 1; got {found.shape}")
    if found[-1] > _COLDEST:
        raise ValueError(f"betas must be at most {_COLDEST:g}; got {found[-1]:g}")
    steps = np.diff(found)
    if (steps <= 0.0).any():
        k = int(np.flatnonzero(steps <= 0.0)[0])
        raise ValueError(f"betas must increase; got {found[k]:g} before {found[k + 1]:g} at {k}")
    return found


def _checked_weights(name: str, weights: ArrayLike, shapes: list[tuple[int, ...]]) -> Signs:
    found = _checks.reals(name, weights)
    if found.shape not in shapes:
        wanted = " or ".join(map(str, shapes))
        raise ValueError(f"{name} must have the shape {wanted}; got {found.shape}")
    other = found[np.abs(found) != 1.0]
    if other.size:
        raise ValueError(f"{name} must be +1 or -1; got {other[0]:g}")
    return found.astype(np.int8)
