"""A live descent: optimizers on a loss of two parameters, and how near they are to the edge of stability."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smbook import _checks
from smbook._records import equal
from smbook.kernels import descent as kernels
from smbook.kernels.rng import seed_state
from smbook.widgets._lab import LARGEST_SEED, Choice, Integer, Lab, Real, Switch, read_out

Floats = NDArray[np.float64]

OPTIMIZERS = ("gradient-descent", "heavy-ball", "adam")  # in the order of the columns of a race
FARTHEST = 4.0  # a start, and the edge of the picture

_LANDSCAPES = ("product", "bowl", "double-well")
_STEPS_PER_CALL = 2**18  # some 20 ms, so that Ctrl-C is heard


class Race(NamedTuple):
    """Hold what each optimizer did, (n_steps + 1, 3): gradient descent, heavy ball, Adam; nan once run away.

    Attributes
    ----------
    x, y, loss
        The points, the start first, and the loss there.
    relative_rate
        The learning rate over the largest one that the curvature at the point bears, which is 2 / sharpness
        for gradient descent; nan for Adam before its first step.
    """

    x: Floats
    y: Floats
    loss: Floats
    relative_rate: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        ends = ", ".join(
            f"{name} {'runs away' if np.isnan(x) else f'at ({x:.4g}, {y:.4g})'}"
            for name, x, y in zip(OPTIMIZERS, self.x[-1], self.y[-1], strict=True)
        )
        return f"Race({len(self.x) - 1} steps: {ends})"


class DescentLab(Lab, script="descent_lab.js"):
    """Gradient descent, heavy ball and Adam with one learning rate eta, on a landscape of two parameters.

    The landscapes are the "product" L = (1 - x y)^2 / 2 of `smbook.theory.descent` with its curve of minima,
    a tilted "bowl" whose Hessian has the eigenvalues 1 and `condition`, and a "double-well" with the minima
    (2, 0) and (-2, 0) and a saddle between them. `optimizers` are those that the page shows; all of them run.

    `momentum` beta is that of heavy ball, theta' = theta - eta g + beta (theta - theta_before), and the first
    factor of Adam, whose second one is 0.999. At a `temperature` T each step ends with Gaussian noise of
    variance 2 eta T, and 2 (1 - beta) eta T for heavy ball: with small steps gradient descent and heavy ball
    visit each point as often as exp(-L / T) says (Langevin), Adam does not.

    The page shows the relative rate, eta over the largest rate that the curvature bears
    (`smbook.theory.descent.largest_rate`): sharpness eta / 2 for gradient descent. Above 1 nothing settles.

    From Reset on, and whenever the landscape or the start changes, all begin in (start_x, start_y); after k
    steps the page shows the last point of ``simulate(k)``, bit for bit. Read-outs are those of the first
    optimizer that is shown, and None until a page shows the lab or once it has run away.

    Examples
    --------
    >>> lab = DescentLab(rate=0.2, start_x=3.5, start_y=0.1, running=False)
    >>> lab.flow_sharpness > 2 / lab.rate
    True
    >>> race = lab.simulate(500)
    >>> [round(float(value), 5) for value in (race.x[-1, 0], race.y[-1, 0])]
    [2.50874, 0.39861]
    >>> lab.momentum = 1.0
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: momentum must be at most 0.99; got 1.0
    """

    alt = (
        "A landscape with lines of equal loss, its minima along a curve, and the paths of three optimizers "
        "from one start; beside it their losses against steps, and their learning rate over the largest one "
        "that the curvature bears, with a line at 1."
    )

    landscape = Choice(*_LANDSCAPES, doc="which loss: a product, a bowl, or a double well with its saddle")
    optimizers = Choice("all", *OPTIMIZERS, doc="which of them the page shows")
    rate = Real(0.2, 0.001, 4.0, doc="eta, the learning rate of all")
    momentum = Real(0.9, 0.0, 0.99, doc="beta of heavy ball, and the first factor of Adam")
    temperature = Real(0.0, 0.0, 1.0, doc="T of the noise in each step")
    condition = Real(10.0, 1.0, 100.0, doc="the condition number of the bowl")
    start_x = Real(3.5, -FARTHEST, FARTHEST, doc="x where all begin")
    start_y = Real(0.1, -FARTHEST, FARTHEST, doc="y where all begin")
    speed = Real(20.0, 0.5, 1000.0, doc="steps a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed of the noise")
    running = Switch(True, doc="whether the lab is running")

    steps = read_out("steps since Reset")
    x = read_out("x where it is")
    y = read_out("y where it is")
    loss = read_out("the loss there")
    sharpness = read_out("the largest eigenvalue of the Hessian there")
    relative_rate = read_out("eta over the largest rate that the curvature there bears")
    mean_loss = read_out("the mean loss over the later half of the steps since a setting changed")
    mean_loss_error = read_out("the error of that mean")
    expected_loss = read_out("the mean loss by theory, where it is known in closed form")

    @property
    def flow_end(self) -> tuple[float, float]:
        """Where gradient flow from the start ends, descent with infinitely small steps."""
        end = np.empty(2)
        kernels.flow_end(self._landscape, self.start_x, self.start_y, end)
        return float(end[0]), float(end[1])

    @property
    def flow_sharpness(self) -> float:
        """The sharpness there; gradient descent can follow the flow to its end if eta is below 2 over it."""
        found = np.empty(2)
        kernels.curvatures(self._landscape, self.condition, *self.flow_end, found)
        return float(found[1])

    def simulate(self, n_steps: int) -> Race:
        """Return the run that the page shows from Reset on, of all three optimizers.

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
        >>> DescentLab().simulate(0)
        Race(0 steps: gradient-descent at (3.5, 0.1), heavy-ball at (3.5, 0.1), adam at (3.5, 0.1))
        >>> DescentLab(landscape="bowl", rate=0.15).simulate(1000).relative_rate[:, 0].max().round(6)
        np.float64(0.75)
        """
        n_steps = _checks.integer("n_steps", n_steps, minimum=0)
        setting = self._landscape, self.condition, self.rate, self.momentum
        states, state, noise = np.empty((3, 8)), seed_state(self.seed), np.empty(2)
        record = np.empty((n_steps + 1, 3, 4))
        kernels.begin(self.start_x, self.start_y, states)
        kernels.note(*setting, states, record[0])
        for first in range(1, n_steps + 1, _STEPS_PER_CALL):
            noted = record[first : first + _STEPS_PER_CALL]
            kernels.advance(*setting, self.temperature, states, state, noise, noted)
        return Race(*np.moveaxis(record, 2, 0))

    @property
    def _landscape(self) -> int:
        return _LANDSCAPES.index(self.landscape)
