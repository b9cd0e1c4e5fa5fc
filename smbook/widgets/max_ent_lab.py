"""A live maximum of entropy: a die, a spin or an oscillator of given mean, and many dice of given total."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray

from smbook import _checks
from smbook._records import equal
from smbook.kernels import inference as kernels
from smbook.kernels.rng import seed_state
from smbook.widgets._lab import LARGEST_SEED, Binary, Choice, Integer, Lab, Real, Switch, read_out, refusing

Floats = NDArray[np.float64]

BURN_IN = 20  # sweeps before the states of the dice are counted
COLLIDING = 0.1  # share of the dice that collide in a step

_SYSTEMS = ("die", "oscillator", "spin")  # in the order of the kernels
_STEPS_PER_CALL = 2**12  # so that Ctrl-C is heard


class Maximum(NamedTuple):
    """Hold the distribution of largest entropy with a given mean level.

    Attributes
    ----------
    probabilities
        p_i = exp(-lambda x_i) / Z, (n,).
    mean, multiplier, log_partition, entropy
        The mean level, lambda, ln Z, and S = ln Z + lambda mean.
    """

    probabilities: Floats
    mean: float
    multiplier: float
    log_partition: float
    entropy: float

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return (
            f"Maximum({self.probabilities.size} states, mean {self.mean:.6g}, multiplier "
            f"{self.multiplier:.6g}, entropy {self.entropy:.6g})"
        )


class MaxEntRun(NamedTuple):
    """Hold a run, row k what it was after k steps.

    Attributes
    ----------
    rows
        In the view "maximum" how many dice of throw k showed each state, row 0 being empty; in "rolls" how
        many dice are in each state; in "own" the probabilities: (n_steps + 1, n).
    shares
        What the bars of the page show at the end, (n,): the mean share of all throws, that of all sweeps from
        number `BURN_IN` + 1 on (before, that of the last), or the last probabilities.
    """

    rows: NDArray[np.int64] | Floats
    shares: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return f"MaxEntRun({len(self.rows) - 1} steps of {self.shares.size} states)"


class MaxEntLab(Lab, script="max_ent_lab.js"):
    """A system of a few states of which the mean level is known, and the distribution of largest entropy.

    The `system` is a "die" with `states` faces 1, 2, ..., an "oscillator" with the levels 0, 1, ... up to
    `states` - 1, or a "spin" with the levels -1 and 1. Its `mean` level is kept within the levels: a
    mean beyond is taken as the nearest that is a hundredth of their range away from the end.

    The page shows p_i = exp(-lambda x_i) / Z as bars, and the entropy against the mean, whose slope is
    lambda. A step depends on the `view`:

    * "maximum": `dice` independent dice are thrown, and the shares of their states counted.
    * "rolls": `dice` dice whose total is fixed, all sequences being equally likely. A step is a sweep of
      exchanges between pairs. The share of each state approaches the Boltzmann weight as the dice grow many;
      for N dice it is `exact_shares`.
    * "own": a distribution of the reader's own with the same mean, which has less entropy, less by the
      relative entropy. In a step a tenth of infinitely many dice with this distribution collide in pairs, by
      which their entropy grows to its maximum (Boltzmann's equation).

    Spins and oscillators take the place of the dice. In the view "own" begin with ``running=False``, so that
    the reader can draw first. To drag a bar pauses the collisions; Reset goes back to what was drawn, and a
    button and the presets to a narrow distribution.

    From Reset on, and whenever a setting changes that has to do with it, the run begins anew; after k steps
    the page shows ``simulate(k)``, bit for bit. Read-outs are None until a page shows the lab.

    Examples
    --------
    >>> lab = MaxEntLab(mean=4.5, running=False)
    >>> lab.maximum
    Maximum(6 states, mean 4.5, multiplier -0.371049, entropy 1.61358)
    >>> lab.view, lab.dice = "rolls", 2
    >>> lab.exact_shares.round(3).tolist()  # two dice with the total 9
    [0.0, 0.0, 0.25, 0.25, 0.25, 0.25]
    >>> lab.dice = 1
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: dice must be at least 2; got 1
    """

    alt: ClassVar[dict[str, str]] = {
        "maximum": (
            "Bars of the distribution of largest entropy of a die with a given mean, growing towards six, "
            "and on them what dice have shown; beside it the entropy against the mean, a hill, with a point "
            "and its tangent."
        ),
        "own": (
            "Bars of a distribution that is drawn by hand, with marks of the distribution of largest entropy "
            "of the same mean; beside it the entropy against the mean, a hill, and a point below it."
        ),
        "rolls": (
            "Bars of the shares of faces of many dice with a given total, which follow the marks of the "
            "Boltzmann weights; below them the dice, beside them the entropy against the mean, a hill."
        ),
    }

    view = Choice("maximum", "rolls", "own", doc="largest entropy, many dice, or a distribution of one's own")
    system = Choice(*_SYSTEMS, doc="which levels its states have")
    states = Integer(6, 2, 20, doc="the number of states; a spin has two")
    mean = Real(4.5, -1.0, 20.0, doc="the mean level")
    bars = Choice("linear", "logarithmic", doc="the scale of the probabilities")
    dice = Integer(100, 2, 1000, doc="N, how many dice are thrown at once, or have a fixed total")
    speed = Real(10.0, 0.5, 1000.0, doc="steps a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed of what is thrown and exchanged")
    running = Switch(True, doc="whether the lab is running")

    steps = read_out("steps since Reset: throws, collisions of a tenth of the dice, or sweeps of exchanges")
    entropy = read_out("the largest entropy with this mean, in nats")
    multiplier = read_out("lambda, minus the slope of ln p against the level")
    log_partition = read_out("ln Z")
    own_entropy = read_out("the entropy of one's own distribution; None in the other views")
    relative_entropy = read_out("by how much that is lower; None in the other views")
    slope = read_out("the slope of the logarithm of what is counted; None in the view own")
    log_sequences = read_out("ln of the number of sequences with this total, a die; None in the other views")

    _own = Binary()
    _aspect = traitlets.Unicode("view", read_only=True).tag(sync=True)

    @property
    def levels(self) -> Floats:
        """The levels of the states, (n,)."""
        found = np.empty(2 if self.system == "spin" else self.states)
        kernels.fill_levels(_SYSTEMS.index(self.system), found)
        return found

    @property
    def maximum(self) -> Maximum:
        """The distribution of largest entropy; in the view "rolls" that with the mean of the dice."""
        levels, mean = self.levels, self._mean
        p = np.empty(levels.size)
        multiplier = kernels.tilt(levels, np.ones(levels.size), mean, p)
        log_z = kernels.log_partition(levels, multiplier)
        return Maximum(p, float(mean), float(multiplier), float(log_z), float(kernels.entropy(p)))

    @property
    def own(self) -> Floats:
        """A distribution with the same mean, (n,): one's own, tilted to it, or a narrow one.

        Give it probabilities, all above 0, to begin from; `mean` becomes theirs.
        """
        levels = self.levels
        mean, weights = kernels.nearest_mean(levels, self.mean), np.frombuffer(self._own[:])
        p = np.empty(levels.size)
        if weights.size == levels.size and (weights > 0).all() and np.isfinite(weights).all():
            kernels.tilt(levels, weights.copy(), mean, p)
        else:
            kernels.begin_own(levels, mean, np.empty(levels.size), p)
        return p

    @own.setter
    def own(self, probabilities: ArrayLike) -> None:
        levels = self.levels
        with refusing():
            p = _checks.reals("own", probabilities)
            if p.shape != levels.shape or (p <= 0).any() or abs(p.sum() - 1) > 1e-9:
                raise ValueError(f"own must hold {levels.size} probabilities above 0 with the sum 1; got {p}")
            mean = float(levels @ p)
            if mean != kernels.nearest_mean(levels, mean):
                raise ValueError(f"own must have a mean that is not next to an end of the levels; got {mean}")
        self.mean, self._own = mean, p.tobytes()

    @property
    def total(self) -> int:
        """The total of the states of the dice, counted from 0."""
        levels = self.levels
        return int(kernels.nearest_total(levels, self.dice, kernels.nearest_mean(levels, self.mean)))

    @property
    def exact_shares(self) -> Floats:
        """The distribution of one of the dice that have this total, (n,)."""
        return self._fixed()[0]

    @property
    def log_number(self) -> float:
        """The logarithm of the number of sequences that have this total."""
        return self._fixed()[1]

    def simulate(self, n_steps: int) -> MaxEntRun:
        """Return the run that the page shows from Reset on, in its view.

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
        >>> lab = MaxEntLab(mean=4.5, view="rolls")
        >>> run = lab.simulate(1000)
        >>> run
        MaxEntRun(1000 steps of 6 states)
        >>> bool(abs(run.shares - lab.exact_shares).max() < 0.01)
        True
        """
        n_steps = _checks.integer("n_steps", n_steps, minimum=0)
        if self.view == "own":
            return self._collide(n_steps)
        rows = np.zeros((n_steps + 1, self.levels.size), dtype=np.int64)
        state, dice = seed_state(self.seed), np.empty(self.dice, dtype=np.int8)
        p, first = self.maximum.probabilities, 1
        if self.view == "rolls":
            kernels.deal(self.total, dice)
            rows[0] = np.bincount(dice, minlength=rows.shape[1])
            first = min(BURN_IN + 1, n_steps)
        for start in range(1, n_steps + 1, _STEPS_PER_CALL):
            record = rows[start : start + _STEPS_PER_CALL]
            if self.view == "rolls":
                kernels.exchange(rows.shape[1], dice, state, record)
            else:
                kernels.throw(p, self.dice, state, record)
        counted = rows[first:]
        return MaxEntRun(rows, counted.sum(axis=0) / (max(len(counted), 1) * self.dice))

    def _collide(self, n_steps: int) -> MaxEntRun:
        p = self.own
        rows, pairs = np.empty((n_steps + 1, p.size)), np.empty(2 * p.size - 1)
        rows[0] = p
        for k in range(1, n_steps + 1):
            kernels.collide(p, COLLIDING, pairs)
            rows[k] = p
        return MaxEntRun(rows, p)

    @property
    def _mean(self) -> float:
        levels = self.levels
        mean = kernels.nearest_mean(levels, self.mean)
        if self.view != "rolls":
            return float(mean)
        return float(levels[0] + (levels[1] - levels[0]) * self.total / self.dice)

    def _fixed(self) -> tuple[Floats, float]:
        levels, total = self.levels, self.total
        p, shares = np.empty(levels.size), np.empty(levels.size)
        mean = levels[0] + (levels[1] - levels[0]) * total / self.dice
        kernels.tilt(levels, np.ones(levels.size), mean, p)
        log_probability = kernels.fixed_total(p, self.dice, np.empty(total + 1), shares)
        return shares, float(self.dice * kernels.entropy(p) + log_probability)
