"""A live phase diagram of the Hopfield model, and a network of finite size at a point of it."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import traitlets

from smbook import _checks
from smbook._records import equal
from smbook.hopfield import _memory, hebb, random_patterns
from smbook.kernels import associative, spin_glass
from smbook.kernels.rng import seed_state
from smbook.theory import hopfield as theory
from smbook.widgets._lab import LARGEST_SEED, Choice, Integer, Lab, Real, Switch, read_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.network import SpinNetwork

    Floats = NDArray[np.float64]
    Spins = NDArray[np.int8]

_STATES = ("retrieval", "spin-glass", "paramagnet")
_SEED_BEYOND = 2**53  # of the second replica
_POINTS = 51  # of the line where retrieval ends
_COEXISTENCE_POINTS = 25
_COEXISTENCE_REACH = 0.05313  # the largest alpha at which retrieval is the lowest state at some temperature


class Replicas(NamedTuple):
    """Hold two replicas of a network, at the start and after each sweep.

    `spins` (2, N) are those at the end, `overlaps` (2, sweeps + 1, P) those with the patterns, `energy`
    (2, sweeps + 1) totals. `q` (sweeps + 1,) is the overlap of the replicas, and `r` (sweeps + 1,) is
    (N / P) sum m_mu m'_mu over all patterns but the first. Two results are equal if all their numbers are.
    """

    spins: Spins
    overlaps: Floats
    energy: Floats
    q: Floats
    r: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        n_spins, (_, rows, n_patterns) = self.spins.shape[1], self.overlaps.shape
        return f"Replicas({rows - 1} sweeps, {n_spins} spins, {n_patterns} patterns, q {self.q[-1]:.4g})"


class PhaseDiagramLab(Lab, script="phase_diagram_lab.js"):
    """A point in the (alpha, T) plane of the Hopfield model, and a live network of N neurons at that point.

    The plane has the lines T_g = 1 + sqrt(alpha), where a paramagnet becomes a spin glass, T_M(alpha), below
    which there is a retrieval state, and T_c(alpha), below which it is the lowest; `order_parameters` are
    those of the states at the point, for N to infinity and in replica symmetry.

    The network has P = alpha N random patterns, rounded and at least one: theory is held against P / N. Two
    replicas start on the first pattern, or on random spins that were not learned, and follow the heat bath
    through all neurons in the order of their numbers; at T = 0 a spin takes the sign of its field. They have
    the same patterns and different heat. Whatever changes but the speed, the run begins anew, so that
    after k sweeps the page shows the replicas of ``simulate(k)``, bit for bit.

    Theory is for N to infinity. A network of 500 neurons has a rounded edge at T = 0, and it lies above: at
    alpha = 0.16 most of it still remembers. Means are over the later half of the sweeps and both replicas,
    their errors from 16 pieces of it; they know nothing of the scatter between samples, of order 1/sqrt(N).
    Read-outs are None until a page shows the lab.

    Examples
    --------
    >>> lab = PhaseDiagramLab(load=0.05, temperature=0.5, running=False)
    >>> lab
    PhaseDiagramLab(load=0.05, temperature=0.5, spins=500, start='pattern', speed=60.0, seed=1, running=False)
    >>> lab.network
    SpinNetwork(500 spins, couplings of 25 patterns in float64)
    >>> {name: round(state.m, 4) for name, state in lab.order_parameters.items()}
    {'retrieval': 0.9041, 'spin-glass': 0.0}
    >>> lab.lowest
    'spin-glass'
    >>> lab.simulate(100)
    Replicas(100 sweeps, 500 spins, 25 patterns, q 0.848)
    >>> lab.load = 0.3
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: load must be at most 0.2; got 0.3
    """

    alt = (
        "The plane of load and temperature with its lines, and a point in the region of retrieval; beside it "
        "the overlap of two networks against time, close to the line of the theory, and the overlaps with "
        "all patterns, of which one stands far out of the noise."
    )

    load = Real(0.05, 0.0, 0.2, doc="alpha, the number of patterns per neuron")
    temperature = Real(0.4, 0.0, 1.5, doc="T, in units of the critical one of a single pattern")
    spins = Integer(500, 200, 1000, doc="N, the number of neurons")
    start = Choice("pattern", "random", doc="on the first pattern, or on random spins")
    speed = Real(60.0, 1.0, 2000.0, doc="sweeps a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed of the patterns and of the run")
    running = Switch(True, doc="whether the lab is running")

    sweeps = read_out("sweeps since the start")
    alpha = read_out("P / N as it is in the network")
    overlap = read_out("the overlap with the first pattern now, mean of both replicas")
    mean_overlap = read_out("its mean over the later half of the sweeps; None for 32 sweeps")
    overlap_error = read_out("the error of that mean")
    replica_overlap = read_out("the mean overlap q of the replicas")
    energy = read_out("the mean energy per neuron")
    expected_overlap = read_out("m by theory in the state to be compared")
    expected_energy = read_out("its energy per neuron")

    _lines = traitlets.Dict(read_only=True).tag(sync=True)

    @traitlets.default("_lines")
    def _draw_lines(self) -> dict[str, list[float]]:
        return _lines()

    @property
    def n_patterns(self) -> int:
        """P, the whole number next to alpha N, at least 1."""
        return max(1, math.floor(self.load * self.spins + 0.5))

    @property
    def patterns(self) -> Spins:
        """The patterns of the network, int8 (P, N). At a higher load the same ones come first."""
        patterns: Spins = self._drawn()[:-1]
        return patterns

    @property
    def cue(self) -> Spins:
        """The spins at the start, int8 (N,)."""
        cue: Spins = self._drawn()[0 if self.start == "pattern" else -1]
        return cue

    @property
    def network(self) -> SpinNetwork:
        """The network of the patterns by `smbook.hopfield.hebb`."""
        return hebb(self.patterns)

    @property
    def order_parameters(self) -> dict[str, theory.OrderParameters]:
        """The states at P / N and T by `smbook.theory.hopfield.replica_symmetric`, those that exist."""
        found = {}
        for state in _STATES:
            try:
                found[state] = theory.replica_symmetric(self.n_patterns / self.spins, self._beta, state=state)
            except ValueError:
                continue
        return found

    @property
    def lowest(self) -> str:
        """The name of the state with the least free energy."""
        states = self.order_parameters
        return min(states, key=lambda name: float(states[name].free_energy))

    def simulate(self, n_sweeps: int) -> Replicas:
        """Return the run that the page shows, from its start on.

        Replicas follow `smbook.hopfield.recall` from `cue` at beta = 1 / T, one spin after another in
        sequential order, with the seeds `seed` and `seed` + 2^53; they go on where it ends in a fixed point.

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
        >>> run = PhaseDiagramLab(load=0.05, temperature=0.5).simulate(1000)
        >>> run.overlaps.shape
        (2, 1001, 25)
        >>> abs(run.overlaps[:, 500:, 0].mean() - 0.9041) < 0.03
        True
        """
        n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
        factors = self.network._factors
        assert factors is not None
        store, runs = _memory.of_factors(factors), []
        for beyond in (0, _SEED_BEYOND):
            state, spins = seed_state(self.seed + beyond), self.cue.copy()
            runs.append(_memory.Run(store, spins, state, parallel=False, shuffled=False, beta=self._beta))
        return _followed(runs, n_sweeps)

    @property
    def _beta(self) -> float:
        return 1.0 / self.temperature if self.temperature else math.inf

    def _drawn(self) -> Spins:
        """Return the patterns and, as the last, one that the network does not learn."""
        return random_patterns(self.n_patterns + 1, self.spins, rng=self.seed)


def _followed(runs: list[_memory.Run], n_sweeps: int) -> Replicas:
    """Return what two replicas do in so many sweeps."""
    n_spins, n_patterns = runs[0].store.n_spins, runs[0].store.n_patterns
    sums = np.empty((2, n_sweeps + 1, n_patterns), dtype=np.int32)
    energy, q, r = np.empty((2, n_sweeps + 1)), np.empty(n_sweeps + 1), np.empty(n_sweeps + 1)
    for k in range(n_sweeps + 1):
        for run, noted, total in zip(runs, sums, energy, strict=True):
            found = run.advance(min(k, 1), None, n_patterns)
            noted[k], total[k] = found[0][-1], found[1][-1]
        q[k] = spin_glass.overlap(runs[0].spins, runs[1].spins)
        r[k] = associative.crosstalk(sums[0, k], sums[1, k], n_spins)
    return Replicas(np.array([run.spins for run in runs]), sums / n_spins, energy, q, r)


@functools.cache
def _lines() -> dict[str, list[float]]:
    """Return the lines of first order, with few digits.

    There is alpha where retrieval ends, for T from 0 to 1 in equal steps, and points of the line where it
    ceases to be the lowest state, down to T = 0.
    """
    ends = [theory.capacity(1.0 / t if t else math.inf) for t in np.linspace(0.0, 1.0, _POINTS).tolist()]
    turns = np.sin(np.linspace(0.0, math.pi / 2, _COEXISTENCE_POINTS))
    loads = _COEXISTENCE_REACH * turns**2  # close to each other at both ends, where the line bends
    temperatures = [*np.asarray(theory.coexistence_temperature(loads)).tolist(), 0.0]
    found = {
        "retrieval": ends,
        "load": [*loads.tolist(), theory.COEXISTENCE_LOAD],
        "temperature": temperatures,
    }
    return {name: [round(float(value), 6) for value in values] for name, values in found.items()}
