"""Live modes: a deep linear network learns what four things have in common, and what tells them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import traitlets

from smbook import _checks
from smbook._records import equal
from smbook.kernels import linear_network as kernels
from smbook.kernels.rng import seed_state
from smbook.theory.dynamics import Modes, mode_strength
from smbook.widgets._lab import LARGEST_SEED, Choice, Integer, Lab, Real, Switch, read_out

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_STARTS = ("aligned", "random")
_HIDDEN = 8  # units in each layer between
_STEPS_PER_CALL = 2**14  # some 20 ms, so that Ctrl-C is heard
_HALF, _ROOT_HALF = 0.5, float(np.sqrt(0.5))
# A mode a row: all alike; animals or plants; which animal; which plant.
_TREE = (
    (_HALF, _HALF, _HALF, _HALF),
    (_HALF, _HALF, -_HALF, -_HALF),
    (_ROOT_HALF, -_ROOT_HALF, 0.0, 0.0),
    (0.0, 0.0, _ROOT_HALF, -_ROOT_HALF),
)


class ModesRun(NamedTuple):
    """Hold how a network has learned, the start first; all but the times is nan once it has run away.

    Attributes
    ----------
    time
        The rate times the number of steps, (n_steps + 1,).
    strengths
        How strongly each mode is learned, (n_steps + 1, 4).
    loss
        Half the sum of squares of the target minus the network's map, (n_steps + 1,).
    outside
        The share of the squares of the map that lies outside of the modes of the task, (n_steps + 1,).
    """

    time: Floats
    strengths: Floats
    loss: Floats
    outside: Floats

    @property
    def diverged(self) -> bool:
        """Whether it has run away."""
        return bool(np.isnan(self.loss[-1]))

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        end = "has run away" if self.diverged else f"loss {self.loss[-1]:.4g}"
        return f"ModesRun({len(self.time) - 1} steps, {end})"


class ModesLab(Lab, script="modes_lab.js"):
    """A deep linear network learns four things, a canary, a robin, an oak and a rose, by gradient descent.

    Shown one of them, it is to answer with what is true of it. What is true of all, of animals or plants, of
    one of the animals and of one of the plants are the four modes of the task, and `first` to `fourth` their
    singular values s. The page holds the strength a of each mode against
    `smbook.theory.dynamics.mode_strength`, da/dt = D a^(2 - 2/D) (s - a), for D = `depth` layers of weights
    with 8 units each in between; time is the rate times the number of steps.

    An "aligned" start gives each mode the strength `initial`, all layers alike, and the points lie on the
    sigmoids up to an error in proportion to the rate. A "random" start has weights of variance
    initial^(2/D) over the inputs of their layer, which has to align itself to the task first. There the
    sigmoid of a mode is drawn from the moment at which it has a tenth of its singular value. With two layers
    and a small start the points follow it from there, to 10 % of s from 0.001 and to 3 % from 1e-5. With
    three or four the strongest mode does; weaker ones begin in layers that the stronger have bent, and may
    be late by far. Modes of one layer are independent from the beginning, whatever the start.

    From Reset on, and whenever a setting but the speed changes, the network begins anew; after k steps the
    page shows the last row of ``simulate(k)``, bit for bit. Read-outs are None until a page shows the lab or
    once the network has run away.

    Raises
    ------
    TypeError, ValueError
        As other labs do.

    Examples
    --------
    >>> lab = ModesLab(rate=0.001, running=False)
    >>> run = lab.simulate(4000)
    >>> bool(np.abs(run.strengths - lab.theory(run.time)).max() < 0.01)
    True
    >>> run
    ModesRun(4000 steps, loss 0.2099)
    >>> round(lab.largest_rate, 12)
    0.5
    >>> lab.depth = 5
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: depth must be at most 4; got 5
    """

    alt = (
        "The strengths of four modes against time: points on four sigmoids that rise one after the other, "
        "the strongest first; below them the loss, which falls in steps. Beside them what the network "
        "answers for each of four things: bright squares for those that it takes for alike."
    )

    start = Choice(*_STARTS, doc="whether the layers are aligned to the modes at the start, or random")
    depth = Integer(2, 1, 4, doc="D, the number of layers of weights")
    initial = Real(0.001, 0.00001, 1.0, doc="the strength of each mode at the start")
    rate = Real(0.02, 0.001, 1.0, doc="eta, the learning rate")
    first = Real(2.0, 0.0, 3.0, doc="s of what is true of all")
    second = Real(1.2, 0.0, 3.0, doc="s of what is true of animals or of plants")
    third = Real(0.8, 0.0, 3.0, doc="s of what tells the animals apart")
    fourth = Real(0.5, 0.0, 3.0, doc="s of what tells the plants apart")
    speed = Real(60.0, 1.0, 20000.0, doc="steps a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed of a random start")
    running = Switch(True, doc="whether the lab is running")

    steps = read_out("steps since Reset")
    time = read_out("the rate times the number of steps")
    loss = read_out("the loss, 0 when all is learned")
    first_strength = read_out("a of the first mode")
    second_strength = read_out("a of the second mode")
    third_strength = read_out("a of the third mode")
    fourth_strength = read_out("a of the fourth mode")
    outside = read_out("the share of the squares of the map outside of the modes")

    _tree = traitlets.List(traitlets.List(traitlets.Float()), read_only=True).tag(sync=True)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.set_trait("_tree", [list(row) for row in _TREE])

    @property
    def singular_values(self) -> Floats:
        """The singular values s of the four modes, (4,), in the order of the settings."""
        return np.array([self.first, self.second, self.third, self.fourth])

    @property
    def modes(self) -> Modes:
        """The modes of the task, in the order of the settings."""
        tree = np.array(_TREE).T
        return Modes(self.singular_values, tree, tree.copy())

    @property
    def largest_rate(self) -> float:
        """The rate 2 / (D s^(2 - 2/D)) that the strongest mode bears once it is learned."""
        return float(kernels.largest_rate(self.depth, self.singular_values))

    def theory(self, time: ArrayLike) -> Floats:
        """Return the strengths of all modes from an aligned start at these times, (T,); (T, 4).

        Raises
        ------
        TypeError, ValueError
            As `smbook.theory.dynamics.mode_strength`.

        Examples
        --------
        >>> ModesLab().theory([0.0, 2.0, 10.0]).round(4).tolist()[1]
        [1.1972, 0.1104, 0.0238, 0.0073]
        """
        times = _checks.reals("time", time)[..., np.newaxis]
        return np.asarray(mode_strength(times, self.singular_values, self.initial, depth=self.depth))

    def simulate(self, n_steps: int) -> ModesRun:
        """Return the run that the page shows from Reset on.

        Parameters
        ----------
        n_steps
            The number of steps, at least 0.

        Raises
        ------
        TypeError, ValueError
            If it is no such number.

        Examples
        --------
        >>> ModesLab(start="random", depth=3).simulate(2)
        ModesRun(2 steps, loss 3.165)
        """
        n_steps = _checks.integer("n_steps", n_steps, minimum=0)
        widths = np.array([4, *[_HIDDEN] * (self.depth - 1), 4])
        theta = np.empty(int((widths[1:] * widths[:-1]).sum()))
        _, left, right = self.modes
        target, white = np.empty((4, 4)), np.eye(4)
        kernels.compose(left, right, self.singular_values, target)
        if self.start == "random":
            kernels.fill_random(widths, self.initial, seed_state(self.seed), theta)
        else:
            kernels.fill_aligned(widths, self.initial, left, right, theta)
        forward, errors = np.empty((int(widths[1:].sum()), 4)), np.empty((2, _HIDDEN, 4))
        kernels.follow(widths, theta, forward)
        maps = np.empty((n_steps + 1, 4, 4))
        maps[0] = forward[-4:]
        for begin in range(1, n_steps + 1, _STEPS_PER_CALL):
            noted = maps[begin : begin + _STEPS_PER_CALL]
            kernels.descend(widths, theta, target, white, self.rate, 1, forward, errors, noted)
        times = self.rate * np.arange(n_steps + 1, dtype=np.float64)
        return ModesRun(times, *_read(maps, target, left, right))


def _read(maps: Floats, target: Floats, left: Floats, right: Floats) -> tuple[Floats, Floats, Floats]:
    """Return strengths, losses, and shares outside of the modes, by the kernels of the page."""
    strengths = np.empty((len(maps), 4))
    found = [
        (kernels.white_loss(target, whole), kernels.read_modes(left, right, whole, strengths[k]))
        for k, whole in enumerate(maps)
    ]
    loss, outside = np.array(found).T
    return strengths, loss, outside
