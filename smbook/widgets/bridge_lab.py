"""A live bridge: a Hopfield network becomes a restricted machine, hidden unit by hidden unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
import traitlets

from smbook import _checks
from smbook._records import equal
from smbook.datasets import LETTERS
from smbook.hopfield import corrupt
from smbook.kernels import bridge as kernels
from smbook.kernels.hopfield import find_sums
from smbook.kernels.rng import seed_state, state_apart
from smbook.widgets._lab import LARGEST_SEED, Binary, Choice, Integer, Lab, Real, Switch, read_out
from smbook.widgets._stored import LETTER_PIXELS, stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Spins = NDArray[np.int8]
    Reals = NDArray[np.float64]

MOST_PATTERNS = 100


class BridgeRun(NamedTuple):
    """Hold the neurons after some sweeps, and what was noted at the start and after each sweep.

    `spins` int8 (N,) are the neurons at the end. `overlaps` (sweeps + 1, P) are those with all patterns, and
    `hidden_means` (sweeps + 1, P) the means of the hidden units given the neurons, sqrt(beta N) m at Omega
    = 1. `drawn` (sweeps + 1, P) are the hidden units as they were drawn before a sweep, given the neurons of
    the row before; nan where a unit is summed out, and in the first row. `energy` (sweeps + 1,) is the total
    E = -(1 / beta) sum_mu phi(sqrt(beta N) m_mu) of the neurons alone, hidden units summed out. Two results
    are equal if all their numbers are.
    """

    spins: Spins
    overlaps: Reals
    hidden_means: Reals
    drawn: Reals
    energy: Reals

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        n_sweeps, n_hidden = len(self.energy) - 1, self.overlaps.shape[1]
        return f"BridgeRun({n_sweeps} sweeps of {self.spins.size} neurons and {n_hidden} hidden units)"


class BridgeLab(Lab, script="bridge_lab.js"):
    """Neurons with a hidden unit for each pattern: a Hopfield network that becomes a restricted machine.

    The patterns xi are letters first and then random ones, or random ones alone, of N = side^2 neurons, as
    those of `HopfieldLab`. Neurons s and hidden units z have the law
    p(s, z) ~ exp(sqrt(beta / N) sum_mu z_mu xi^mu.s) prod_mu q(z_mu), beta = 1 / T. At the `softness` Omega
    = 1 q is Gaussian, and the neurons alone are a Hopfield network with Hebb's rule at the temperature T; at
    0 a hidden unit is -1 or +1; in between z = sqrt(Omega) g + sqrt(1 - Omega) eps, g Gaussian and eps as
    that binary unit.

    The first `drawn` hidden units (all if there are fewer) are drawn once a sweep, before its first neuron,
    and the others are summed out. Whatever their number, the law of the neurons is the same. With none, and
    Omega = 1, they move as in `smbook.hopfield.recall`, bit for bit; with all, it is block Gibbs sampling. A
    large network retrieves one of few random patterns while T < Omega, with m = tanh(Omega m / T).

    From Reset on the page begins with pattern number `cue`, counted from 1 (the last one if there are fewer),
    of which a share `noise` of the neurons has been turned; after k sweeps it shows the state of
    ``simulate(k)``, bit for bit.

    `hidden_mean` and `drawn_value` are over sqrt(beta N), on the scale of the overlap; the energy is per
    neuron. Read-outs are None until a page shows the lab.

    Examples
    --------
    >>> lab = BridgeLab(kind="random", drawn=2, running=False)
    >>> lab
    BridgeLab(kind='random', side=16, count=4, drawn=2, softness=1.0, temperature=0.5, noise=0.2, cue=1,
              speed=20.0, seed=1, running=False)
    >>> run = lab.simulate(100)
    >>> run
    BridgeRun(100 sweeps of 256 neurons and 4 hidden units)
    >>> scale = np.sqrt(256 / lab.temperature)
    >>> run.overlaps[20:, 0].mean().round(2), (run.hidden_means[20:, 0] / scale).mean().round(2)
    (np.float64(0.95), np.float64(0.95))
    >>> lab.softness = 0.3
    >>> lab.simulate(100).overlaps[20:, 0].mean().round(1)
    np.float64(0.2)
    >>> lab.temperature = 0.0
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: temperature must be at least 0.05; got 0.0
    """

    alt: ClassVar[str] = (
        "A square of neurons in two colours that shows the letter A with some wrong pixels; beside it small "
        "pictures of the stored letters, each with a bar of its overlap, a mark at the mean of its hidden "
        "unit and a dot at its drawn value; below, the overlap, the mean and the drawn values against sweeps."
    )

    kind = Choice("letters", "random", doc="letters first, or random patterns alone")
    side = Integer(16, 8, 24, doc="the number of neurons along each side of the picture; N is its square")
    count = Integer(4, 1, MOST_PATTERNS, doc="P, the number of patterns and of hidden units")
    drawn = Integer(0, 0, MOST_PATTERNS, doc="how many hidden units are drawn; the others are summed out")
    softness = Real(1.0, 0.0, 1.0, doc="Omega of the hidden units: 1 Gaussian, 0 binary")
    temperature = Real(0.5, 0.05, 2.0, doc="T = 1 / beta")
    noise = Real(0.2, 0.0, 0.5, doc="the share of neurons that is turned in the cue")
    cue = Integer(1, 1, MOST_PATTERNS, doc="the number of the pattern that is cued, from 1 on")
    speed = Real(20.0, 1.0, 1000.0, doc="sweeps a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed of random patterns, of the noise and of the run")
    running = Switch(True, doc="whether the lab is running")

    sweeps = read_out("sweeps since Reset")
    overlap = read_out("the overlap m with the pattern cued")
    hidden_mean = read_out("the mean of its hidden unit given the neurons, over sqrt(beta N)")
    drawn_value = read_out("its hidden unit as it was drawn, over sqrt(beta N); None where it is summed out")
    energy = read_out("the energy per neuron, hidden units summed out")

    _names = traitlets.Unicode(LETTERS, read_only=True).tag(sync=True)
    _letters = traitlets.Unicode(LETTER_PIXELS, read_only=True).tag(sync=True)
    _spins = Binary()

    @property
    def patterns(self) -> Spins:
        """The patterns, int8 (P, N)."""
        return stored(self.kind, self.count, self.side, self.seed)

    @property
    def load(self) -> float:
        """P / N, hidden units for each visible one."""
        return self.count / self.side**2

    @property
    def spins(self) -> Spins:
        """The neurons, int8 (N,), as the page last paused, was stepped or painted; before, those of Reset."""
        flat = np.frombuffer(self._spins, dtype=np.int8)
        return flat.copy() if flat.size == self.side**2 else self.simulate(0).spins

    def simulate(self, n_sweeps: int) -> BridgeRun:
        """Return the run that the page shows from Reset on.

        Neurons draw from a state of `seed`, as in a recall, and hidden units from one apart from it.

        Parameters
        ----------
        n_sweeps
            The number of sweeps, at least 0.

        Raises
        ------
        TypeError, ValueError
            If it is no such number.

        Examples
        --------
        >>> network, machine = (BridgeLab(drawn=k).simulate(20) for k in (0, 4))
        >>> network.drawn[-1], machine.drawn[-1].round(1)
        (array([nan, nan, nan, nan]), array([18.5, -2.5, -1.3, -2. ]))
        """
        n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
        patterns = self.patterns
        spins = corrupt(patterns[min(self.cue, len(patterns)) - 1], self.noise, rng=self.seed)
        return run_of(
            patterns, spins, 1.0 / self.temperature, self.softness, self.drawn, n_sweeps, rng=self.seed
        )


def run_of(
    patterns: Spins, spins: Spins, beta: float, softness: float, n_drawn: int, n_sweeps: int, *, rng: int
) -> BridgeRun:
    """Return the run of neurons, which move, with their first `n_drawn` hidden units drawn."""
    (n_patterns, n), rate = patterns.shape, math.sqrt(beta / spins.size)
    sites = np.array(patterns.T, order="C")
    sums, levels, means = np.empty(n_patterns, np.int32), np.empty(2 * n + 1), np.empty(n_patterns)
    units = np.empty(min(n_drawn, n_patterns))
    states = seed_state(rng), state_apart(rng, 3)  # 1 draws patterns, and 2 the noise of the cue
    room = np.empty(n, np.uint64), np.empty(n), np.arange(n)
    clock = np.zeros(3, np.int64)
    kernels.fill_log_cosh(rate, softness, levels)
    find_sums(sites, spins, sums)
    overlaps, hidden = np.empty((2, n_sweeps + 1, n_patterns))
    drawn, energy = np.full((n_sweeps + 1, n_patterns), np.nan), np.empty(n_sweeps + 1)
    for k in range(n_sweeps + 1):
        if k:
            kernels.retrieve(sites, spins, sums, units, levels, *states, *room, clock, beta, softness, n)
            drawn[k, : units.size] = units
        kernels.find_means(rate, softness, sums, means)
        overlaps[k], hidden[k] = sums / n, means
        energy[k] = kernels.marginal_energy(beta, softness, sums, levels)
    return BridgeRun(spins, overlaps, hidden, drawn, energy)
