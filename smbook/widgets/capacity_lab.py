"""A live capacity: points with random labels, added one by one until no plane separates them any more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import traitlets

from smbook import _checks
from smbook._records import equal
from smbook.kernels import hull
from smbook.kernels.rng import seed_state
from smbook.theory.perceptron import gardner_capacity, gardner_stability, separable_probability
from smbook.widgets._lab import LARGEST_SEED, Choice, Integer, Lab, Real, Switch, read_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_INPUTS = 50

_WIDEST = 3.2  # margin at which Gardner's curve begins, at a load of .09
_POINTS_PER_CALL = 10_000  # of 50 inputs some 150 ms, so that Ctrl-C is heard


def most_points(n_inputs: int) -> int:
    """Return how many points a set has room for; it would be that large once in 10^18 sets or less often."""
    return 8 * n_inputs + 64


class PointSets(NamedTuple):
    """Hold how sets of points ended, each after the first point with which no plane separates it.

    Errors are standard errors. All sets count at each P, so that what is measured at neighbouring P goes up
    and down together.

    Attributes
    ----------
    n_inputs
        N, the number of inputs.
    failed
        The number of sets whose point number P was the last one, at P; int64, (8N + 65,).
    margin_sums
        The sums over sets of the margin of their first P points, 0 where they are not separable, at P, and
        of its square; (2, 8N + 65).
    """

    n_inputs: int
    failed: NDArray[np.int64]
    margin_sums: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return f"PointSets({self.n_sets} sets of points in {self.n_inputs} dimensions)"

    @property
    def n_sets(self) -> int:
        """The number of sets."""
        return int(self.failed.sum())

    @property
    def separable(self) -> Floats:
        """The share of sets that a plane separates when they have P points, at P; nan without any sets."""
        left = self.n_sets - np.cumsum(self.failed)
        return left / self.n_sets if self.n_sets else np.full(len(left), math.nan)

    @property
    def separable_error(self) -> Floats:
        """The error of these shares, 0 for P up to N, which is certain; nan without any sets.

        It is that of a share with one more set on either side, so that it never vanishes by chance.
        """
        n = self.n_sets
        if n == 0:
            return self.separable
        share = (n * self.separable + 1) / (n + 2)
        error = np.sqrt(share * (1 - share) / n)
        error[: self.n_inputs + 1] = 0.0
        return np.asarray(error)

    @property
    def separated(self) -> float:
        """The mean number of points of a set that a plane still separates, exactly 2N in the mean; or nan."""
        last = np.arange(len(self.failed)) - 1
        return float(self.failed @ last) / self.n_sets if self.n_sets else math.nan

    @property
    def separated_error(self) -> float:
        """The error of that mean; nan with fewer than two sets."""
        if self.n_sets < 2:
            return math.nan
        last = np.arange(len(self.failed)) - 1
        squares = float(self.failed @ (last - self.separated) ** 2)
        return math.sqrt(squares / (self.n_sets - 1) / self.n_sets)

    @property
    def margin(self) -> Floats:
        """The mean margin of P points, at P, where sets that no plane separates count as 0; nan at P = 0."""
        n = self.n_sets
        mean = self.margin_sums[0] / n if n else np.full(len(self.failed), math.nan)
        mean[0] = math.nan
        return mean

    @property
    def margin_error(self) -> Floats:
        """The error of these means; nan with fewer than two sets."""
        n = self.n_sets
        if n < 2:
            return np.full(len(self.failed), math.nan)
        variance = (self.margin_sums[1] - n * self.margin**2) / (n - 1)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0) / n))


class CapacityLab(Lab, script="capacity_lab.js"):
    r"""Points with random labels, added one by one until no plane through the origin separates the classes.

    A point is Gaussian, of variance 1 in each of N = `inputs` directions, and its class a fair coin. A set
    grows until it is no longer separable, and the next point begins another one. The page holds the share of
    sets that are separable with P points against Cover's count
    (`smbook.theory.perceptron.separable_probability`), which is 1/2 at P = 2N whatever N, and in the view
    "margin" the mean of the largest margin against what Gardner found for N to infinity. The last five sizes
    of which 30 sets or more were seen stay, fainter. Errors of means are drawn from five sets on.

    The last P at which a set is separable has mean and variance 2N, exactly. That it is separable with P
    points is as likely as at most N - 1 heads in P - 1 throws of a coin, so as that the N-th head takes at
    least P throws. The last P then has the law of the number of throws until the N-th head, and its mean 2N
    is the sum of these probabilities over P = 1, 2, ...

    From Reset on, and whenever N or the seed changes, N is counted anew: after k sets the page has counted
    those of ``simulate(k)``, bit for bit. Read-outs are None until there is something to tell.

    Raises
    ------
    TypeError, ValueError
        As other labs do.

    Examples
    --------
    >>> lab = CapacityLab(inputs=10, running=False)
    >>> lab.law[[9, 14, 19, 24]].round(4)
    array([1.    , 0.9102, 0.5   , 0.1537])
    >>> sets = lab.simulate(1000)
    >>> bool(abs(sets.separable[20] - 0.5) < 4 * sets.separable_error[20])
    True
    >>> abs(sets.separated - 20) < 4 * sets.separated_error
    True
    >>> lab.inputs = 51
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: inputs must be at most 50; got 51
    """

    alt: ClassVar[dict[str, str]] = {
        "separable": (
            "The margin of one set of points, which falls to zero in steps as points are added; beside it "
            "the share of sets that are separable, points on a curve that falls from 1 to 0 and is steeper "
            "than fainter ones of fewer inputs; all meet at one half, at twice as many points as inputs."
        ),
        "margin": (
            "The margin of one set of points, which falls to zero in steps as points are added; beside it "
            "the mean margin of many sets, points close to a falling curve that reaches zero at twice as "
            "many points as inputs."
        ),
    }

    view = Choice("separable", "margin", doc="the share of separable sets, or the mean margin")
    inputs = Integer(2, 2, MOST_INPUTS, doc="N, the number of inputs")
    speed = Real(3.0, 0.5, 1e6, doc="points a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed that Reset starts from")
    running = Switch(True, doc="whether the lab is running")

    points = read_out("P, the number of points of the set that grows now")
    margin = read_out("its largest margin; 0 if no plane separates it")
    sets = read_out("how many sets are over since Reset")
    share = read_out("the share of them that were separable with 2N points; None before the first")
    share_error = read_out("the standard error of that share")
    separated = read_out(
        "the mean number of points that were still separable; None before the first set ends"
    )
    separated_error = read_out("the standard error of that mean; None before the second")
    mean_margin = read_out("the mean margin of N points; None before the first set ends")
    mean_margin_error = read_out("the standard error of that mean; None before the second")

    _aspect = traitlets.Unicode("view", read_only=True).tag(sync=True)
    _gardner = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.set_trait("_gardner", _gardner_curve())

    @property
    def law(self) -> Floats:
        """The exact probability that a plane separates P points, for P = 1, 2, ... 4N; (4N,)."""
        return np.asarray(separable_probability(np.arange(1, 4 * self.inputs + 1), self.inputs))

    def simulate(self, n_sets: int) -> PointSets:
        """Return what the page has counted when so many sets are over.

        Parameters
        ----------
        n_sets
            The number of sets, at least 0.

        Raises
        ------
        TypeError, ValueError
            If it is no such number.

        Examples
        --------
        >>> CapacityLab(inputs=20).simulate(100)
        PointSets(100 sets of points in 20 dimensions)
        """
        n_sets = _checks.integer("n_sets", n_sets, minimum=0)
        n, most = self.inputs, most_points(self.inputs)
        failed, sums = np.zeros(most + 1, dtype=np.int64), np.zeros((2, most + 1))
        tally = np.array([0, 0, 1, 0])
        given = (np.zeros(most, dtype=np.int8), np.zeros((most, n)), *np.zeros((2, n, n)))
        known = (np.zeros(n, dtype=np.int64), np.zeros(most), np.zeros(n), np.zeros((5, n)), tally)
        state, path = seed_state(self.seed), np.zeros(most + 1)
        while tally[hull.SETS] < n_sets:
            hull.grow_sets(_POINTS_PER_CALL, n_sets, state, *given, *known, path, failed, sums)
        return PointSets(n, failed, sums)


def _gardner_curve() -> dict[str, Any]:
    """Return the largest margin for N to infinity, as a curve of loads P/N, and that at load 1."""
    margins = np.linspace(_WIDEST, 0.0, 49)
    loads = np.asarray(gardner_capacity(margins).load)
    return {
        "load": [*loads.round(4).tolist(), 4.0],
        "margin": [*margins.round(4).tolist(), 0.0],
        "one": round(float(gardner_stability(1.0)), 6),
    }
