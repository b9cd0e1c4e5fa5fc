"""A live Boltzmann machine: some ten units that learn a law from data."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import traitlets

from smbook import _checks, datasets
from smbook._records import equal
from smbook.kernels import boltzmann as kernels
from smbook.kernels.rng import seed_state
from smbook.network import SpinNetwork, from_lattice
from smbook.widgets._lab import (
    LARGEST_SEED,
    Binary,
    Choice,
    Integer,
    Lab,
    Real,
    Switch,
    read_out,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Spins = NDArray[np.int8]

MOST_VISIBLE = 9
RING, RING_COUPLING = 6, 0.6  # spins, and beta J of neighbours


class Lesson(NamedTuple):
    """Hold what a machine has learned, and how.

    `couplings` (N, N) and `fields` (N,) are those at the end, the visible units first, and `law` (2^n,) is
    the law of these; `kl` and `difference` (steps + 1,) are at the start and after each step. `clamped` and
    `free` (chains, N) are the chains at the end. Two results are equal if all their numbers are.
    """

    couplings: Floats
    fields: Floats
    law: Floats
    kl: Floats
    difference: Floats
    clamped: Spins
    free: Spins

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        n_visible = self.law.size.bit_length() - 1
        units = f"{n_visible} visible and {self.fields.size - n_visible} hidden units"
        return f"Lesson({self.kl.size - 1} steps, {units}, KL {self.kl[-1]:.4g})"


class BoltzmannLab(Lab, script="boltzmann_lab.js"):
    """A Boltzmann machine of up to 12 units that learns a law: wake and sleep, averages that meet, KL.

    Units are +1 and -1, p(s) = exp(-E(s)) / Z with E(s) = -1/2 s.J.s - h.s, so beta = 1. The visible ones
    learn a truth table of two inputs and an output ("xor", "and"), bars and stripes on 2 x 2 or 3 x 3 pixels,
    the law of a ring of six Ising spins with beta J = 0.6 between neighbours, or data of the reader's own:
    patterns pressed on the page, or rows `X` from Python (at first two diagonals of 2 x 2 pixels).

    Each step adds `rate` times <s_i s_j> awake, where the visible units follow the data, less <s_i s_j>
    asleep, where all are free, to J; and likewise to h. Averages are sums over all states, or of chains that
    go on from step to step by one sweep of the heat bath: asleep `chains` of them, awake as many or one for
    each row of the data if these are more. Chains run in both cases, and KL is that of all states in both.

    With ``connections="restricted"`` visible units are coupled to hidden ones only. Couplings start as normal
    numbers of standard deviation `scale`, biases at 0. Whatever changes but `rate`, `averages` and `speed`
    resets the machine. From Reset on the page shows after k steps what ``simulate(k)`` returns, bit for bit.

    KL is in nats. Read-outs are None until a page shows the lab.

    Raises
    ------
    TypeError, ValueError
        As other labs do, or as `learn`.

    Examples
    --------
    >>> lab = BoltzmannLab(hidden=0, running=False)
    >>> lab
    BoltzmannLab(data='xor', hidden=0, averages='exact', rate=0.1, connections='full', scale=0.5, chains=100,
                 speed=100.0, seed=1, running=False)
    >>> lab.rows
    array([[-1, -1, -1],
           [ 1,  1, -1],
           [ 1, -1,  1],
           [-1,  1,  1]], dtype=int8)
    >>> lab.simulate(1000)
    Lesson(1000 steps, 3 visible and 0 hidden units, KL 0.6931)
    >>> lab.hidden = 1
    >>> lab.simulate(1000)
    Lesson(1000 steps, 3 visible and 1 hidden units, KL 0.07686)
    >>> lab.hidden = 4
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: hidden must be at most 3; got 4
    """

    alt = (
        "A circle of units joined by lines, thick or thin, solid or dashed; beside it a curve of KL that "
        "falls to zero and small pictures of chains, clamped and free; below, the probabilities of the "
        "patterns, those of the machine as high as those of the data, and averages that met on a diagonal."
    )

    data = Choice("xor", "and", "bars-2", "bars-3", "ring", "own", doc="what is learned")
    hidden = Integer(1, 0, 3, doc="the number of hidden units")
    averages = Choice("exact", "sampled", doc="sums over all states, or averages of chains")
    rate = Real(0.1, 0.005, 1.0, doc="the learning rate")
    connections = Choice("full", "restricted", doc="all pairs, or visible units with hidden ones")
    scale = Real(0.5, 0.0, 1.0, doc="the standard deviation of the first couplings")
    chains = Integer(100, 10, 1000, doc="the number of chains of each phase, at least")
    speed = Real(100.0, 1.0, 1000.0, doc="steps a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed of the first couplings and of the chains")
    running = Switch(True, doc="whether the lab is running")

    steps = read_out("steps since Reset")
    kl = read_out("the Kullback-Leibler divergence of the data from the machine, in nats")
    difference = read_out("the largest difference between averages of the two phases")
    outside = read_out("the probability of what is not in the data")

    _data = traitlets.Dict(read_only=True).tag(sync=True)
    _most_visible = traitlets.Int(MOST_VISIBLE, read_only=True).tag(sync=True)
    _own = Binary()  # the law of the reader's own data
    _weights = Binary()  # couplings, and then biases
    _chains = Binary()  # those that are clamped, and then the free ones

    def __init__(
        self,
        *,
        X: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        if X is not None:
            self.learn(X, sample_weight)
        elif sample_weight is not None:
            raise TypeError("sample_weight needs X, whose rows it weighs")

    @traitlets.default("_data")
    def _list_data(self) -> dict[str, dict[str, Any]]:
        return _known()

    def learn(self, X: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Give data of your own, and show how they are learned.

        Parameters
        ----------
        X, sample_weight
            As for `smbook.boltzmann.BoltzmannMachine.fit`, with up to 9 units a row.

        Raises
        ------
        TypeError, ValueError
            If they are none. The lab stays as it was.
        """
        from smbook.boltzmann._data import checked_data  # scikit-learn, which it needs, is slow to load

        data = checked_data(X, sample_weight)
        if data.rows.shape[1] > MOST_VISIBLE:
            raise ValueError(f"X must have at most {MOST_VISIBLE} columns; got {data.rows.shape[1]}")
        with self.hold_sync():
            self._own = data.law().tobytes()
            self.data = "own"

    @property
    def law(self) -> Floats:
        """The law of the data, (2^n,): entry v is for the row with +1 where bit i of v is set."""
        if self.data == "own" and self._own:
            return np.frombuffer(self._own).copy()
        known = self._data[self.data]
        law = np.zeros(2 ** known["units"])
        law[known["states"]] = known["shares"]
        return law

    @property
    def rows(self) -> Spins:
        """The rows of the data, int8 (R, n), each once."""
        return _rows_of(self.law)

    @property
    def shares(self) -> Floats:
        """The probabilities of the rows, (R,)."""
        law = self.law
        return law[law > 0]

    @property
    def network(self) -> SpinNetwork:
        """The machine as the page last paused or was stepped, visible units first; before, that of Reset."""
        numbers = np.frombuffer(self._weights)
        n = self.rows.shape[1] + self.hidden
        if numbers.size == n * (n + 1):
            return SpinNetwork(numbers[: n * n].reshape(n, n), numbers[n * n :])
        lesson = self.simulate(0)
        return SpinNetwork(lesson.couplings, lesson.fields)

    def simulate(self, n_steps: int) -> Lesson:
        """Return what the page shows from Reset on.

        Parameters
        ----------
        n_steps
            The number of steps of learning, at least 0.

        Raises
        ------
        TypeError, ValueError
            If it is no such number.

        Examples
        --------
        >>> lab = BoltzmannLab(data="ring", hidden=0, seed=3)
        >>> lab.simulate(1000).couplings[0, [1, 5]].round(3)
        array([0.6, 0.6])
        """
        n_steps = _checks.integer("n_steps", n_steps, minimum=0)
        machine = _Machine(self)
        kl, difference = np.empty(n_steps + 1), np.empty(n_steps + 1)
        for k in range(n_steps + 1):
            if k:
                machine.step(self.averages, self.rate)
            kl[k], difference[k] = machine.kl, machine.difference(self.averages)
        clamped, free = (phase.chains for phase in machine.phases)
        return Lesson(machine.matrix, machine.fields, machine.law, kl, difference, clamped, free)


class _Phase:
    """The chains of a phase, and its averages, exact and sampled."""

    def __init__(self, machine: _Machine, rows: Spins, shares: Floats, n_chains: int, sites: Any) -> None:
        n = machine.fields.size
        self.chains, self.weights = np.empty((n_chains, n), dtype=np.int8), np.empty(n_chains)
        kernels.begin_phase(rows, shares, machine.state, self.chains, self.weights)
        self.exact = np.zeros(n), np.zeros((n, n))
        self.sampled = np.zeros(n), np.zeros((n, n))
        room = np.empty(sites.size, dtype=np.uint64), np.empty(sites.size), np.empty(n), np.zeros(1, np.int64)
        chains = self.chains, self.weights, sites
        self._given = machine.matrix, machine.fields, *chains, machine.state, *room

    def sample(self, n_sweeps: int) -> None:
        kernels.sample_phase(*self._given, n_sweeps, *self.sampled)


class _Machine:
    """A machine that learns, as on the page."""

    def __init__(self, lab: BoltzmannLab) -> None:
        self.data, rows, shares = lab.law, lab.rows, lab.shares
        self.law, self._free_energies = np.empty(self.data.size), np.empty(self.data.size)
        n_visible = rows.shape[1]
        n = n_visible + lab.hidden
        self.matrix, self.fields = np.zeros((n, n)), np.zeros(n)
        self._pushes = np.zeros((n, n)), np.zeros(n)
        self._joint, self._energies = np.empty(2**n), np.empty(2**n)
        self._room = np.empty(n, dtype=np.int8), np.empty(n)
        visible = np.arange(n) < n_visible
        across = visible[:, None] != visible
        self.mask = ((across | (lab.connections == "full")) & ~np.eye(n, dtype=bool)).astype(np.int8)
        self.state = seed_state(lab.seed)
        kernels.draw_couplings(self.state, lab.scale, self.mask, self.matrix)
        free, one = np.empty((1, 0), dtype=np.int8), np.ones(1)
        awake = max(lab.chains, len(rows))
        self.phases = (
            _Phase(self, rows, shares, awake, np.arange(n_visible, n)),
            _Phase(self, free, one, lab.chains, np.arange(n)),
        )
        self.measure()
        for phase in self.phases:
            phase.sample(0)

    def measure(self) -> None:
        """Sum over all states."""
        laws = self._energies, self._free_energies, self.law, self._joint
        averages = [array for phase in self.phases for array in phase.exact]
        log_partition = kernels.exact_phases(
            self.matrix, self.fields, self.data, *self._room, *laws, *averages
        )
        self.kl = kernels.kl_divergence(self.data, self._free_energies, log_partition)

    def step(self, averages: str, rate: float) -> None:
        """Once awake, once asleep, and learn from the difference."""
        for phase in self.phases:
            phase.sample(1)
        found = [array for phase in self.phases for array in getattr(phase, averages)]
        kernels.learn(*found, self.mask, rate, 0.0, 0.0, self.matrix, self.fields, *self._pushes)
        self.measure()

    def difference(self, averages: str) -> float:
        """Return the largest difference of averages between the phases, of units and of pairs."""
        (wake, pairs_awake), (sleep, pairs_asleep) = (getattr(phase, averages) for phase in self.phases)
        pairs = np.abs(pairs_awake - pairs_asleep) * self.mask
        return float(max(np.abs(wake - sleep).max(), pairs.max()))


def _law(rows: Spins, shares: Floats) -> Floats:
    """Return the probabilities of all states, (2^n,)."""
    law = np.empty(2 ** rows.shape[1])
    kernels.tally(rows, shares, law)
    return law


def _rows_of(law: Floats) -> Spins:
    """Return the rows that a law gives a probability, in the order of their numbers."""
    states = np.flatnonzero(law)
    bits = states[:, None] >> np.arange(law.size.bit_length() - 1) & 1
    return (2 * bits - 1).astype(np.int8)


@functools.cache
def _known() -> dict[str, dict[str, Any]]:
    """Return the laws that the lab knows by name: units, and the states that occur with their shares."""
    rows = {gate: datasets.logic_gate(gate, units="spin") for gate in ("xor", "and")}
    rows |= {f"bars-{side}": datasets.bars_and_stripes(side, units="spin") for side in (2, 3)}
    rows["own"] = np.array([[1, -1, -1, 1], [-1, 1, 1, -1]], dtype=np.int8)
    laws = {name: _law(known, np.full(len(known), 1.0 / len(known))) for name, known in rows.items()}
    laws["ring"] = from_lattice((RING,)).enumerate(RING_COUPLING).probabilities
    return {
        name: {
            "units": law.size.bit_length() - 1,
            "states": np.flatnonzero(law).tolist(),
            "shares": law[law > 0].tolist(),
        }
        for name, law in laws.items()
    }
