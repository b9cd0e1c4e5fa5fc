"""A live perceptron: points that the reader places, and what learns to tell them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import traitlets

from smbook import _checks
from smbook._records import equal
from smbook.kernels import margin, multilayer, perceptron, plane
from smbook.kernels.rng import seed_state
from smbook.perceptron._examples import checked_labels
from smbook.widgets._lab import (
    LARGEST_SEED,
    Binary,
    Choice,
    Integer,
    Lab,
    Real,
    RefusedValueError,
    Switch,
    read_out,
    refusing,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int8]

MOST_POINTS = 40

_DATA = ("two-clouds", "narrow-gap", "xor", "ring", "moons")  # in the order of their numbers in the kernel
_CORNERS = 4
_FIRST = (
    np.array([[-1.0, 0.0], [1.0, 0.0]]),
    np.array([-1, 1], dtype=np.int8),
)  # own points that nobody has given


class Course(NamedTuple):
    """Hold what a unit or a network has learned, and how; entry k of a row is after k steps.

    Attributes
    ----------
    weights
        Those at the end: (3,) of a perceptron, for x, y and the constant input; of two layers all parameters,
        as `smbook.perceptron.Multilayer` orders them.
    mistakes
        The corrections so far, int64 (n_steps + 1,); 0 for two layers, which are never corrected one by one.
    length
        The length of all weights, (n_steps + 1,).
    loss
        The mean logistic loss of two layers, (n_steps + 1,), in nats; nan for a perceptron.
    errors
        The share of points that are answered wrong, (n_steps + 1,).
    """

    weights: Floats
    mistakes: NDArray[np.int64]
    length: Floats
    loss: Floats
    errors: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        counted = f"{self.mistakes[-1]} mistakes" if np.isnan(self.loss[-1]) else f"loss {self.loss[-1]:.4g}"
        return f"Course({len(self.errors) - 1} steps: {counted}, {100 * self.errors[-1]:.3g} % wrong now)"


class PerceptronLab(Lab, script="perceptron_lab.js"):
    """Points of two classes in the plane, and what learns to tell them apart: one unit, or two layers.

    The points are `count` ones drawn from the seed `sample`: "two-clouds" that a line parts, a "narrow-gap"
    between them, a "ring" around a disc, or "moons"; the four points of "xor"; or the reader's "own", placed
    on the page or given as `points` (P, 2), coordinates from -2 to 2, and `labels` (P,), +1 or -1, at most 40
    of them. Coordinates are rounded to multiples of 2^-10, on which the perceptron rule is not rounded.

    The "perceptron" has weights w for x, y and a constant input 1, at first 0. A step shows it one point, in
    turn. By the rule "perceptron" it adds y x to w where y w.x <= 0, a mistake; "adatron" seeks the largest
    margin (`smbook.perceptron.adatron`). If weights with a margin kappa exist, the mistakes never exceed
    (R / kappa)^2, R the length of the longest input (Novikoff, 1962); all of them include the constant one.

    With "two-layers" `hidden` tanh units and one output learn all points at once by back-propagation: a step
    is one of gradient descent on the mean logistic loss, at learning rate `rate`. First weights are drawn
    from `seed`, biases start at 0.

    From Reset on, and whenever points, model, algorithm or `hidden` change, all begins anew: after k steps
    the page shows the last entries of ``simulate(k)``, bit for bit. Read-outs are None until a page shows the
    lab, and where the model has no such number.

    Raises
    ------
    TypeError, ValueError
        As other labs do, or if `points` and `labels` are no such arrays, or only one of them is given.

    Examples
    --------
    >>> lab = PerceptronLab(running=False)
    >>> lab.separable
    True
    >>> course = lab.simulate(2000)
    >>> int(course.mistakes[-1]) <= lab.mistake_bound, float(course.errors[-1])
    (True, 0.0)
    >>> lab = PerceptronLab(points=[[-1, 1], [1, 1], [1, -1], [-1, -1]], labels=[1, -1, 1, -1])
    >>> lab.separable, lab.mistake_bound
    (False, inf)
    >>> lab.hidden = 9
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: hidden must be at most 8; got 9
    """

    alt: ClassVar[dict[str, str]] = {
        "perceptron": (
            "A plane with discs and squares of two classes, parted by a line with the band of the largest "
            "margin around another one; beside it the mistakes, which level off below a bound, and the "
            "length of the weights between two curves."
        ),
        "two-layers": (
            "A plane with discs and squares of two classes, shaded by what a network answers there, and "
            "dashed lines of its hidden units; beside it the loss, which falls, and the share of errors."
        ),
    }

    data = Choice(*_DATA, "own", doc="which points")
    model = Choice("perceptron", "two-layers", doc="one unit, or hidden ones before it")
    algorithm = Choice("perceptron", "adatron", doc="the perceptron rule, or the largest margin")
    hidden = Integer(2, 1, 8, doc="the number of hidden units")
    rate = Real(0.5, 0.01, 10.0, doc="the learning rate of two layers")
    count = Integer(24, 2, MOST_POINTS, doc="the number of points that are drawn")
    speed = Real(4.0, 0.5, 5000.0, doc="steps a second, as far as the machine keeps up")
    sample = Integer(1, 0, LARGEST_SEED, doc="the seed of the points")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed of the first weights of two layers")
    running = Switch(True, doc="whether the lab is running")

    steps = read_out("steps since Reset")
    mistakes = read_out("mistakes since then, by the perceptron rule")
    bound = read_out("(R / kappa)^2, which they never exceed")
    margin = read_out("kappa, the largest margin there is; None where no line parts the classes")
    stability = read_out("the margin of the weights now, negative where a point is on the wrong side")
    length = read_out("the length of the weights now")
    loss = read_out("the mean loss of two layers, in nats")
    errors = read_out("the share of points that are answered wrong")

    _aspect = traitlets.Unicode("model", read_only=True).tag(sync=True)
    _most_points = traitlets.Int(MOST_POINTS, read_only=True).tag(sync=True)
    _own = Binary()  # int16: x and y in units of the grid, and the label, point after point
    _weights = Binary()

    def __init__(
        self, *, points: ArrayLike | None = None, labels: ArrayLike | None = None, **settings: Any
    ) -> None:
        super().__init__(**settings)
        if points is not None and labels is not None:
            self.place(points, labels)
        elif points is not None or labels is not None:
            given, missing = ("points", "labels") if labels is None else ("labels", "points")
            raise TypeError(f"{given} need {missing}, one for each")

    def place(self, points: ArrayLike, labels: ArrayLike) -> None:
        """Give points of your own, and show how they are learned.

        Parameters
        ----------
        points
            Their coordinates, (P, 2), from -2 to 2; P is 1 to 40. They are rounded to multiples of 2^-10.
        labels
            Their classes, (P,), +1 or -1.

        Raises
        ------
        TypeError, ValueError
            If they are none. The lab stays as it was.
        """
        with refusing():
            places, classes = _checked(points, labels)
        with self.hold_sync():
            self._own = np.column_stack([places, classes]).astype("<i2").tobytes()
            self.data = "own"

    @property
    def points(self) -> Floats:
        """The coordinates of the points, (P, 2)."""
        return self._examples[0]

    @property
    def labels(self) -> Labels:
        """Their classes, int8 (P,)."""
        return self._examples[1]

    @property
    def inputs(self) -> Floats:
        """What the perceptron is shown, (P, 3): both coordinates and the constant 1."""
        points = self.points
        return np.column_stack([points, np.ones(len(points))])

    @property
    def _examples(self) -> tuple[Floats, Labels]:
        if self.data == "own":
            own = np.frombuffer(self._own, dtype="<i2").reshape(-1, 3)
            return (own[:, :2] / plane.GRID, own[:, 2].astype(np.int8)) if len(own) else _FIRST
        count = _CORNERS if self.data == "xor" else self.count
        points, labels = np.empty((count, 2)), np.empty(count, dtype=np.int8)
        plane.fill_points(_DATA.index(self.data), seed_state(self.sample), np.empty(2), points, labels)
        return points, labels

    @property
    def largest_margin(self) -> float:
        """The largest margin kappa of any weights, 0 where no line parts the classes; decided exactly."""
        return self._best[0]

    @property
    def best_weights(self) -> Floats:
        """The weights of that margin, (3,), of length 1; 0 where there are none."""
        return self._best[1]

    @property
    def _best(self) -> tuple[float, Floats]:
        weights, support = np.empty(3), np.empty(3, dtype=np.int64)
        return float(margin.largest_margin(self.inputs, self.labels, weights, support)), weights

    @property
    def separable(self) -> bool:
        """Whether a line parts the classes."""
        return self.largest_margin > 0.0

    @property
    def mistake_bound(self) -> float:
        """(R / kappa)^2, which the mistakes of the perceptron rule never exceed; inf without a margin."""
        return float(margin.mistake_bound(margin.radius(self.inputs), self.largest_margin))

    @property
    def weights(self) -> Floats:
        """The weights as the page last paused or was stepped; before that, those of Reset."""
        shown = np.frombuffer(self._weights)
        first = self.simulate(0).weights
        return shown.copy() if shown.size == first.size else first

    def simulate(self, n_steps: int) -> Course:
        """Return what the page shows from Reset on.

        Parameters
        ----------
        n_steps
            The number of steps, at least 0: of points shown to a perceptron, of descent with two layers.

        Raises
        ------
        TypeError, ValueError
            If it is no such number.

        Examples
        --------
        >>> PerceptronLab(data="xor").simulate(4000)
        Course(4000 steps: 4000 mistakes, 100 % wrong now)
        """
        n_steps = _checks.integer("n_steps", n_steps, minimum=0)
        learner = _Unit(self) if self.model == "perceptron" else _Layers(self)
        mistakes, record = np.zeros(n_steps + 1, dtype=np.int64), np.empty((3, n_steps + 1))
        for k in range(n_steps + 1):
            if k:
                mistakes[k] = mistakes[k - 1] + learner.step(k - 1)
            record[:, k] = learner.look()
        return Course(learner.weights, mistakes, *record)


class _Unit:
    """A perceptron that learns, as on the page."""

    def __init__(self, lab: PerceptronLab) -> None:
        self.weights, self._examples = np.zeros(3), (lab.inputs, lab.labels)
        self._strengths, self._adatron = np.zeros(len(lab.labels)), lab.algorithm == "adatron"
        self._answers = _Answers(np.array([2, 1]), self.weights, *lab._examples)

    def step(self, k: int) -> int:
        """Show it the next point, and return whether it was corrected by the perceptron rule."""
        mu = k % len(self._strengths)
        if not self._adatron:
            return int(perceptron.perceptron_step(*self._examples, mu, 0.0, self.weights))
        perceptron.adatron_pass(*self._examples, np.array([mu]), 1.0, self._strengths, self.weights)
        return 0

    def look(self) -> tuple[float, float, float]:
        return plane.length(self.weights), np.nan, self._answers.look()


class _Layers:
    """A network of two layers that learns, as on the page."""

    def __init__(self, lab: PerceptronLab) -> None:
        widths, state, (points, labels) = np.array([2, lab.hidden, 1]), seed_state(lab.seed), lab._examples
        n_units, size = lab.hidden + 1, 4 * lab.hidden + 1
        self.weights = np.empty(size)
        plane.draw_layers(widths, state, np.empty(2), self.weights)
        self._answers = _Answers(widths, self.weights, points, labels)
        targets, order = labels[:, None].astype(np.float64), np.arange(len(labels))
        room = np.empty((len(labels), n_units)), np.empty(n_units), np.empty(size), np.empty(1)
        kind = widths, multilayer.TANH, multilayer.CROSS, lab.rate, 0.0, len(labels)
        self._given = *kind, points, targets, self.weights, np.zeros(size), order, state, *room
        self._targets = targets

    def step(self, _k: int) -> int:
        """Make a step of gradient descent."""
        multilayer.descend(*self._given)
        return 0

    def look(self) -> tuple[float, float, float]:
        errors = self._answers.look()
        loss = multilayer.mean_loss(multilayer.CROSS, self._targets, self._answers.units)
        return plane.length(self.weights), loss, errors


class _Answers:
    """What a network answers to the points."""

    def __init__(self, widths: NDArray[np.int64], weights: Floats, points: Floats, labels: Labels) -> None:
        self.units = np.empty((len(labels), int(widths[1:].sum())))
        self._given = widths, multilayer.TANH, weights, np.ascontiguousarray(points), self.units
        self._labels = labels

    def look(self) -> float:
        """Return the share of wrong answers now."""
        multilayer.forward(*self._given)
        return float(plane.count_wrong(self.units, self._labels) / len(self._labels))


def _checked(points: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], Labels]:
    """Return points in units of the grid, and their labels, or raise."""
    places = _checks.reals("points", points)
    if places.ndim != 2 or places.shape[1] != 2:
        raise RefusedValueError(f"points must have the shape (P, 2); got {places.shape}")
    if not 1 <= len(places) <= MOST_POINTS:
        raise RefusedValueError(f"points must be 1 to {MOST_POINTS}; got {len(places)}")
    far = np.abs(places).max(axis=1)
    if far.max() > plane.EDGE:
        mu = int(far.argmax())
        raise RefusedValueError(
            f"points must lie between -2 and 2; point {mu} is at {tuple(places[mu].tolist())}"
        )
    return np.rint(places * plane.GRID), checked_labels(labels, len(places))
