"""Live learning curves: students of different rules who learn from one teacher, beside the theory of each."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
import traitlets

from smbook import _checks
from smbook._records import equal
from smbook.kernels import perceptron, students
from smbook.kernels.rng import seed_state, state_apart
from smbook.theory import perceptron as theory
from smbook.widgets._lab import LARGEST_SEED, Binary, Choice, Integer, Lab, Real, Switch, read_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RULES = ("hebb", "pseudo_inverse", "perceptron", "optimal", "stability", "gibbs", "bayes")

_EVENLY, _FURTHER = (
    20,
    (0.35, 0.6, 1.4, 2.4, 3.6),
)  # stops of a run: so many at equal distances, and between the first
_RATE, _TOLERANCE, _ASKED = (
    1.6,
    3e-3,
    4000,
)  # of the adatron, which asks so many examples in a call, and all once
_SWEEPS = 2  # of the version space for each example
_WARM, _HALF = (
    4,
    10,
)  # sweeps for each input at a stop: before the walk is noted, and in each half that is noted
_POWERS = {
    "hebb": "hebb",
    "pseudo_inverse": "pseudo-inverse",
    "perceptron": "online-perceptron",
    "optimal": "online-optimal",
    "stability": "stability",
    "gibbs": "gibbs",
    "bayes": "bayes",
}  # names of rules in `smbook.theory.perceptron.learning_exponent`


class LearningCurves(NamedTuple):
    """Hold what students of some rules got wrong, in each of several runs.

    Attributes
    ----------
    rules
        Their names, K of them.
    loads
        alpha = P / N at the stops of a run, (S,).
    errors
        arccos(R) / pi of each run, rule and stop, (n_runs, K, S).
    mean
        The mean over the runs, (K, S).
    standard_error
        Its standard error, (K, S); nan for a single run.
    """

    rules: tuple[str, ...]
    loads: Floats
    errors: Floats
    mean: Floats
    standard_error: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        n_runs, n_rules, n_stops = self.errors.shape
        return f"LearningCurves({n_runs} runs of {n_rules} rules, {n_stops} loads up to {self.loads[-1]:g})"


class Measured(NamedTuple):
    """Hold what a page has counted, a row for each of `RULES`: nan where there is nothing.

    Attributes
    ----------
    loads
        alpha = P / N at the stops, (S,).
    counts
        How many runs have passed there, (7, S).
    mean, standard_error
        The mean error over them, (7, S), and its standard error.
    """

    loads: Floats
    counts: Floats
    mean: Floats
    standard_error: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return f"Measured({self.counts.max(initial=0.0):.0f} runs, {len(self.loads)} loads)"


class LearningCurveLab(Lab, script="learning_curve_lab.js"):
    """Students of several rules who learn from one teacher, and their errors beside the theory of each.

    The teacher's weights B are `size` independent normal numbers, as are the inputs of each example; it
    answers with the sign of B.x. After P examples, at the load alpha = P / N, a student with weights w has
    the overlap R, the cosine between w and B, and errs on the share arccos(R) / pi of new inputs. All see the
    same examples:

    * "hebb" adds y x; "perceptron" does where it answers wrong; "optimal" weighs y x by what it expects to
      gain (Kinouchi and Caticha, 1992). They see each example once (`smbook.perceptron.online`).
    * "pseudo_inverse" has the least squares of y - w.x over all examples, kept up one by one (Greville,
      1960).
    * "stability" has the largest margin, by the adatron, which goes on from what it had.
    * "gibbs" is drawn at random from all that answer right to all examples: it walks through the version
      space, one weight after the other. "bayes" is the centre of that space, the mean direction of the walk.

    A run goes on until alpha = `reach` and stops on the way for what takes long. Then another teacher
    follows. Theory is for N to infinity. It is missed by a share of some 1 / N, and by more where curves
    bend: try another `size`. Errors of "gibbs" are means over the walk at a stop; what "bayes" would lose
    because the walk ends is corrected for.

    After n runs from Reset the page's means are those of ``simulate(n)``, bit for bit. It shows errors of
    them from four runs on, as the scatter of fewer tells little. Who is shown later begins anew, with all
    others; who is hidden rests. Read-outs are None until a page shows the lab.

    Examples
    --------
    >>> lab = LearningCurveLab(size=20, reach=3, running=False)
    >>> curves = lab.simulate(3)
    >>> curves
    LearningCurves(3 runs of 4 rules, 26 loads up to 3)
    >>> curves.rules
    ('hebb', 'perceptron', 'gibbs', 'bayes')
    >>> bool(curves.mean[0, -1] < curves.mean[0, 0])
    True
    >>> lab.size = 500
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: size must be at most 200; got 500
    """

    alt: ClassVar[str] = (
        "A compass with the teacher's direction straight up and a needle for each student beside it; next to "
        "it error against load: a falling curve for each rule, and marks with error bars on it."
    )

    hebb = Switch(True, doc="whether Hebb's rule is shown")
    pseudo_inverse = Switch(False, doc="whether least squares are shown")
    perceptron = Switch(True, doc="whether the perceptron that sees each example once is shown")
    optimal = Switch(False, doc="whether the best rule that sees each example once is shown")
    stability = Switch(False, doc="whether the largest margin is shown")
    gibbs = Switch(True, doc="whether a random one of those who answer all examples right is shown")
    bayes = Switch(True, doc="whether the centre of the version space is shown")
    load = Real(1.0, 0.05, 20.0, doc="alpha at which errors are read out")
    size = Integer(50, 10, 200, doc="N, the number of inputs")
    reach = Integer(5, 2, 20, doc="the largest alpha of a run")
    axes = Choice("linear", "logarithmic", doc="the axes of load and error")
    speed = Real(60.0, 1.0, 5000.0, doc="examples a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed that Reset starts from")
    running = Switch(True, doc="whether the lab is running")

    examples = read_out("P, the examples of this run so far")
    runs = read_out("complete runs since Reset")

    _rules = traitlets.List(list(RULES), read_only=True).tag(sync=True)
    _fractions = traitlets.List(
        [round(k / _EVENLY, 6) for k in sorted({*range(1, _EVENLY + 1), *_FURTHER})], read_only=True
    ).tag(sync=True)  # of the reach, at the stops of a run
    _work = traitlets.Dict(
        {
            "even": _EVENLY,
            "rate": _RATE,
            "tolerance": _TOLERANCE,
            "asked": _ASKED,
            "sweeps": _SWEEPS,
            "warm": _WARM,
            "half": _HALF,
        },
        read_only=True,
    ).tag(sync=True)
    _powers = traitlets.Dict(read_only=True).tag(sync=True)  # amplitude and exponent of each rule
    _curves = traitlets.List(traitlets.List(traitlets.Float()), read_only=True).tag(
        sync=True
    )  # loads, then the errors of each rule
    _counted = Binary()  # float64: counts, means, sums of squares, each (7, S)

    @traitlets.default("_curves")
    def _theory(self) -> list[list[float]]:
        return [[float(f"{value:.5g}") for value in row] for row in _theory_curves()]

    @traitlets.default("_powers")
    def _exponents(self) -> dict[str, list[float]]:
        return {rule: list(theory.learning_exponent(name)) for rule, name in _POWERS.items()}

    @property
    def shown(self) -> tuple[str, ...]:
        """The names of the rules that are shown."""
        return tuple(rule for rule in RULES if getattr(self, rule))

    @property
    def stops(self) -> NDArray[np.int64]:
        """The numbers of examples after which a run stops, int64 (S,); N is one of them."""
        last = self.size * self.reach
        places = {max(int(np.floor(last * f + 0.5)), 1) for f in self._fractions}
        return np.array(sorted({*places, self.size}))

    @property
    def loads(self) -> Floats:
        """The loads P / N at these stops, (S,)."""
        return self.stops / self.size

    @property
    def curves(self) -> dict[str, Floats]:
        """The theory for N to infinity: loads, under "load", and the error of each rule at them."""
        rows = _theory_curves()
        return {name: row.copy() for name, row in zip(("load", *RULES), rows, strict=True)}

    @property
    def measured(self) -> Measured:
        """What a page had counted when it was last paused, stepped, or at the end of a run."""
        loads = self.loads
        counted = np.frombuffer(self._counted)
        shape = 3, len(RULES), len(loads)
        counts, means, squares = counted.reshape(shape) if counted.size == np.prod(shape) else np.zeros(shape)
        return Measured(loads, counts.copy(), *_with_errors(counts, means, squares))

    def simulate(self, n_runs: int) -> LearningCurves:
        """Return what the page shows of the rules that are shown, after so many runs from Reset on.

        Parameters
        ----------
        n_runs
            At least 1. A run of N = 50 up to alpha = 5 takes about a second with "bayes".

        Raises
        ------
        TypeError, ValueError
            If it is no such number.

        Examples
        --------
        >>> lab = LearningCurveLab(size=20, reach=2, gibbs=False, bayes=False)
        >>> lab.simulate(2) == lab.simulate(2)
        True
        """
        n_runs = _checks.integer("n_runs", n_runs, minimum=1)
        school, rules = _School(self), self.shown
        counts, means, squares = np.zeros((3, len(RULES), len(school.stops)))
        errors = np.full((n_runs, *counts.shape), np.nan)
        for run in errors:
            school.run(run)
            students.add_run(run, counts, means, squares)
        rows = [RULES.index(rule) for rule in rules]
        mean, error = _with_errors(counts[rows], means[rows], squares[rows])
        return LearningCurves(rules, self.loads, errors[:, rows], mean, error)


def _with_errors(counts: Floats, means: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Return means and their standard errors, nan where there is none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(squares / (counts - 1.0) / counts)
    return np.where(counts > 0, means, np.nan), np.where(counts > 1, error, np.nan)


@functools.cache
def _theory_curves() -> Floats:
    """Return loads from 0.01 to 20 and the error of each rule there, (8, G)."""
    closely = np.geomspace(2e-3, 0.5, 24)  # around 1, where the pseudo-inverse has a cusp
    loads = np.unique(np.concatenate([np.geomspace(0.01, 20.0, 70), 1.0 - closely, [1.0], 1.0 + closely]))
    curves = (
        theory.hebb_curve(loads),
        theory.pseudo_inverse_curve(loads),
        theory.online_curve(loads, rule="perceptron"),
        theory.online_curve(loads, rule="optimal"),
        theory.stability_curve(loads),
        theory.gibbs_curve(loads),
        theory.bayes_curve(loads),
    )
    return np.array([loads, *(curve.error for curve in curves)])


class _School:
    """A teacher and its students, run after run, as on the page."""

    def __init__(self, lab: LearningCurveLab) -> None:
        n, most = lab.size, lab.size * lab.reach
        self.stops, self._shown = lab.stops, lab.shown
        self.teacher, self._labels = np.empty(n), np.empty(most, dtype=np.int8)
        self._inputs, self._columns = np.empty((most, n)), np.empty((n, most))
        self.weights = {rule: np.zeros(n) for rule in RULES}
        self._squares = np.empty((n, n)), np.empty((n, n)), np.empty((2, n))
        self._strengths, self._centres, self._totals = np.zeros(most), np.zeros((2, n)), np.zeros(2)
        self._state, self._walk_state = seed_state(lab.seed), state_apart(lab.seed)
        self._walk = self._walk_state, np.empty(n), np.empty(most), np.empty(most), self.weights["gibbs"]
        self._walks = not {"gibbs", "bayes"}.isdisjoint(self._shown)

    def run(self, errors: Floats) -> None:
        """Learn from a new teacher, and note the error of each rule that is shown at each stop."""
        self._begin()
        stop = 0
        for mu in range(len(self._labels)):
            self._show(mu)
            if mu + 1 == self.stops[stop]:
                self._think(mu + 1)
                for k, rule in enumerate(RULES):
                    if rule in self._shown:
                        errors[k, stop] = self._error(rule)
                stop += 1

    def _begin(self) -> None:
        students.draw_teacher(self._state, self.teacher)
        for weights in self.weights.values():
            weights[:] = 0.0
        self._strengths[:] = 0.0
        students.begin_least_squares(*self._squares[:2], self.weights["pseudo_inverse"])
        if self._walks:
            students.draw_teacher(self._walk_state, self.weights["gibbs"])

    def _show(self, mu: int) -> None:
        """Show them example `mu`."""
        students.draw_example(self.teacher, mu, self._state, self._inputs, self._labels, self._columns)
        example = self._inputs, self._labels, mu
        for rule, number in _ONLINE.items():
            students.online_step(*example, number, self.weights[rule])
        students.least_squares_step(*example, *self._squares, self.weights["pseudo_inverse"])
        if "stability" in self._shown:
            self._ask(mu + 1)
        if self._walks:
            while not students.meet_example(*example, 1, self._columns, *self._walk):
                pass
            students.sweep_version_space(self._columns, mu + 1, _SWEEPS, *self._walk)

    def _ask(self, n_examples: int) -> bool:
        """Let the adatron go on, and tell whether it has come to rest."""
        most = n_examples + _ASKED
        given = self._inputs, self._labels, n_examples, _RATE, _TOLERANCE, most
        asked = students.adatron_rest(*given, self._strengths, self.weights["stability"])
        return bool(asked < most)

    def _think(self, n_examples: int) -> None:
        """Do what takes long, at a stop."""
        while "stability" in self._shown and not self._ask(n_examples):
            pass
        if self._walks:
            size = len(self.teacher)
            students.sweep_version_space(self._columns, n_examples, _WARM * size, *self._walk)
            self._centres[:], self._totals[:] = 0.0, 0.0
            for centre in self._centres:
                given = self.teacher, self._columns, n_examples, _HALF * size
                students.gather_centre(*given, *self._walk, centre, self._totals)
            self.weights["bayes"][:] = self._centres.sum(axis=0)

    def _error(self, rule: str) -> float:
        if rule == "gibbs":
            return float(self._totals[0] / self._totals[1])
        if rule == "bayes":
            return float(students.error_of_centre(self.teacher, *self._centres))
        return float(students.error_of(self.teacher, self.weights[rule]))


_ONLINE = {"hebb": perceptron.HEBB, "perceptron": perceptron.PERCEPTRON, "optimal": perceptron.OPTIMAL}
