"""A live committee: hidden units that learn online, wait on a plateau, and divide the work when pushed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import traitlets

from smbook import _checks
from smbook._records import equal
from smbook.kernels import committee as kernels
from smbook.kernels.rng import seed_state
from smbook.theory.dynamics import Plateau, committee_largest_rate
from smbook.theory.dynamics.committee_plateau import plateaus
from smbook.widgets._lab import LARGEST_SEED, Choice, Integer, Lab, Real, Switch, read_out

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SCALE, CROSS = 0.5, 0.05  # of a student's weights at the beginning, and its R where all are alike
FEWEST, MOST = 2, 5  # hidden units
SLOWEST, FASTEST = 0.1, 3.0  # rates
_RATES = 59  # at which the page knows the plateau: where its slider can stand


class CommitteeRun(NamedTuple):
    """Hold what the page shows of a run, after each tenth of N examples, the start first.

    Attributes
    ----------
    examples
        How many examples the student had seen, int64, (T,).
    student, cross
        Q (T, K, K) and R (T, K, K), overlaps w.w / N of its units with each other and with the teacher's.
    error
        The generalization error, (T,).
    specialization
        S of `smbook.theory.dynamics.specialization`, (T,).
    """

    examples: NDArray[np.int64]
    student: Floats
    cross: Floats
    error: Floats
    specialization: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return (
            f"CommitteeRun({self.cross.shape[1]} units, {self.examples[-1]} examples: error "
            f"{self.error[0]:.4g} to {self.error[-1]:.4g})"
        )


class CommitteeLab(Lab, script="committee_lab.js"):
    r"""A student of K hidden units that learns online from a teacher of as many, example after example.

    Units are erf(x / sqrt(2)) and their answers are added up, as in `smbook.dynamics.train_committee`; the
    teacher is orthonormal. The page shows the overlaps R of each unit with each of the teacher's, the error,
    and the specialization S (`smbook.theory.dynamics.specialization`) on a logarithmic scale. Lines are Saad
    and Solla's equations, for N to infinity, from the overlaps that the run begins with. The page integrates
    them by the kernel that `smbook.theory.dynamics.committee_flow` is held against.

    The student soon comes to a plateau: all units do the same, and R is one number. Push adds a
    specialization of the size `push` to the student's weights, as `smbook.dynamics.specialize` does. From
    there the equations start anew, and what they said without the push stays, fainter. So they do at a new
    `rate`.

    With the start "random" weights are independent, of variance 1/4, so that R differs by some 1 / sqrt(N)
    from unit to unit. With "symmetric" all overlaps are alike, R = 0.05, and the equations never leave the
    plateau. A run does: examples are not symmetric.

    From Reset on, and whenever `hidden`, `inputs`, `start` or the seed changes, the run begins anew. After k
    examples at one rate it is that of ``simulate(k)``, bit for bit.

    Raises
    ------
    TypeError, ValueError
        As other labs do.

    Examples
    --------
    >>> lab = CommitteeLab(hidden=2, inputs=200, rate=1.0, running=False)
    >>> run, pushed = lab.simulate(8000), lab.simulate(8000, pushes=[2000])
    >>> bool(pushed.specialization[200] > run.specialization[200])
    True
    >>> round(lab.plateau.error, 4), round(lab.plateau.escape_rate, 4)
    (0.0207, 0.0591)
    >>> lab.hidden = 1
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: hidden must be at least 2; got 1
    """

    alt = (
        "Overlaps of the units of a student with those of its teacher against examples per input: one bundle "
        "on a plateau, which parts into those near 1 and those near 0. Beside it the error, which rests on "
        "the plateau and then falls; below, who does whose work as a matrix of colours, and the "
        "specialization, which grows along a straight line on a logarithmic scale. Points lie along the "
        "lines of theory."
    )

    hidden = Integer(2, FEWEST, MOST, doc="K, hidden units of the student, and of its teacher")
    rate = Real(1.0, SLOWEST, FASTEST, doc="eta, the learning rate")
    push = Real(0.05, 0.001, 0.3, doc="the specialization that Push adds")
    inputs = Integer(500, 50, 2000, doc="N, the number of inputs")
    start = Choice("random", "symmetric", doc="how the student begins")
    speed = Real(10.0, 0.5, 200.0, doc="examples per input in a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed that Reset starts from")
    running = Switch(True, doc="whether the lab is running")

    examples = read_out("examples since Reset")
    pushes = read_out("how often the student has been pushed since Reset")
    overlap = read_out("the mean of all R")
    specialized = read_out("the specialization S")
    error = read_out("the generalization error")
    expected_error = read_out("the error by the equations")

    _plateaus = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.set_trait("_plateaus", _known_plateaus())

    @property
    def plateau(self) -> Plateau | None:
        """The plateau at this rate (`smbook.theory.dynamics.committee_plateau`), or None without one."""
        return plateaus(self.hidden, [self.rate])[0]

    @property
    def largest_rate(self) -> float:
        """The rate from which on nothing that was learned is kept."""
        return committee_largest_rate(self.hidden)

    def simulate(self, n_examples: int, *, pushes: Iterable[int] = ()) -> CommitteeRun:
        """Return what the page shows after so many examples at this rate.

        Parameters
        ----------
        n_examples
            At least 0.
        pushes
            After how many examples the student is pushed, each a multiple of the tenth of N, rounded up: the
            page looks at it that often.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.

        Examples
        --------
        >>> CommitteeLab().simulate(0)
        CommitteeRun(2 units, 0 examples: error 0.4433 to 0.4433)
        """
        n_examples = _checks.integer("n_examples", n_examples, minimum=0)
        every = -(-self.inputs // 10)
        pushed = [_checks.integer("each of pushes", push, minimum=0, maximum=n_examples) for push in pushes]
        for push in pushed:
            if push % every:
                raise ValueError(f"pushes must be multiples of {every}; got {push}")
        path, k = self._path(n_examples // every, every, pushed), self.hidden
        return CommitteeRun(
            every * np.arange(len(path)),
            path[:, :k, :k].copy(),
            path[:, :k, k:].copy(),
            np.array([kernels.committee_error(overlaps, k) for overlaps in path]),
            np.array([kernels.specialization(overlaps, k) for overlaps in path]),
        )

    def _path(self, n_looks: int, every: int, pushed: list[int]) -> Floats:
        """Return all overlaps at the beginning and after each look."""
        k, n = self.hidden, self.inputs
        state, units = seed_state(self.seed), np.empty((2 * k, n))
        known, weights = units[:k], units[k:]
        _begin(state, units, self.start)
        path, row, factors = np.empty((n_looks + 1, 2 * k, 2 * k)), np.empty(n + 2), np.empty(k)
        kernels.committee_overlaps(weights, known, path[0])
        for look in range(n_looks + 1):
            if look:
                noted = path[look : look + 1]
                kernels.learn_committee(weights, known, self.rate, 0.0, every, state, row, factors, noted)
            for _ in range(pushed.count(look * every)):
                kernels.push_committee(weights, known, self.push)
                kernels.committee_overlaps(weights, known, path[look])
        return path


def _begin(state: NDArray[np.uint64], units: Floats, start: str) -> None:
    """Draw the units of a teacher, the first half, and of its student."""
    k = len(units) // 2
    known, weights = units[:k], units[k:]
    if start == "symmetric":
        kernels.draw_committee(state, 1, 1.0, units)
        kernels.lean_committee(weights, known, SCALE, CROSS)
    else:
        kernels.draw_committee(state, 1, 1.0, known)
        kernels.draw_committee(state, 0, SCALE, weights)


@lru_cache(maxsize=1)
def _known_plateaus() -> dict[str, Any]:
    """Return the plateaus of all numbers of units at some rates, as lists, and the largest rates."""
    rates = np.linspace(SLOWEST, FASTEST, _RATES).round(2).tolist()
    known: dict[str, Any] = {"rates": rates}
    for k in range(FEWEST, MOST + 1):
        found = [plateau for plateau in plateaus(k, rates) if plateau is not None]
        parts = zip(*((point.cross, point.error, point.escape_rate) for point in found), strict=True)
        names = ("cross", "error", "escape")
        known[str(k)] = {
            name: [round(value, 6) for value in part] for name, part in zip(names, parts, strict=True)
        }
        known[str(k)]["largest"] = round(committee_largest_rate(k), 4)
    return known
