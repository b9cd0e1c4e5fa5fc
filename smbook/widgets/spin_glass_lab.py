"""A live spin glass: two replicas of one sample, cooled side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from smbook import network as networks
from smbook.kernels import spin_glass as kernels
from smbook.network import SpinNetwork
from smbook.theory.ising import CRITICAL_TEMPERATURE
from smbook.widgets._lab import (
    LARGEST_SEED,
    Binary,
    Choice,
    Integer,
    Lab,
    Real,
    RefusedKindError,
    RefusedValueError,
    Switch,
    read_out,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Spins = NDArray[np.int8]

MOST_SPINS = 512  # of a reader's own network

_RUN = 2**53  # what a run's seed is beyond its sample's: no seed of the one is one of the other
_TEMPERATURES = 24
# Where the ladder ends at least, below what temperature the model is cold, and the energy of its ground state
# per spin, of the infinite Sherrington-Kirkpatrick model by Parisi's solution (Crisanti and Rizzo, 2002).
_FACTS: dict[str, dict[str, float | None]] = {
    "SK": {"hottest": 1.6, "cold": 1.0, "ground": -0.76317},
    "plus-minus": {"hottest": 2.5, "cold": 1.0, "ground": None},
    "ferromagnet": {"hottest": 3.0, "cold": round(CRITICAL_TEMPERATURE, 6), "ground": -2.0},
}


class SpinGlassLab(Lab, script="spin_glass_lab.js"):
    """Two replicas of one sample of a spin glass: same couplings, different heat, and their overlap q.

    The model is that of Sherrington and Kirkpatrick ("SK"), N spins with couplings of variance 1/N; the
    square lattice with L x L bonds of +1 and -1 at random, drawn with the bonds that are not satisfied
    ("plus-minus"); or the same lattice with all bonds +1 ("ferromagnet"). With ``network`` it is the reader's
    own `smbook.network.SpinNetwork` of up to 512 spins, in float32; `model`, `spins` and `size` say nothing
    then.

    Both replicas start from random spins and follow the heat bath at T. With the algorithm "tempering" each
    is the coldest of a ladder of 24 temperatures, in geometric steps. Nothing promises equilibrium: what the
    histogram of q shows is where the two replicas have been, in the later half of the sweeps since the
    temperature was last moved.

    The sample of a seed is `network`, and after k sweeps from Reset the page shows the replicas of
    ``simulate(k)``, bit for bit. Temperatures are in units of J, energies per spin. Read-outs are None until
    a page shows the lab.

    Examples
    --------
    >>> lab = SpinGlassLab(model="plus-minus", size=8, running=False)
    >>> lab
    SpinGlassLab(model='plus-minus', spins=256, size=8, temperature=0.4, algorithm='heat-bath', speed=200.0,
                 seed=1, running=False)
    >>> lab.network
    SpinNetwork(64 spins, sparse couplings in float64)
    >>> lab.simulate(200).replica_overlap.shape
    (1, 200)
    >>> lab.temperature = 0.0
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: temperature must be at least 0.1; got 0.0
    """

    alt: ClassVar[dict[str, str]] = {
        "SK": (
            "Two squares of spins in two colours, which look alike and are not, and a third that marks where "
            "they differ; beside them the histogram of the overlap, and two energies that level out above "
            "the ground state."
        ),
        "plus-minus": (
            "Two lattices of spins in two colours with short black strokes on the bonds that are not "
            "satisfied, and a third picture with the patches where the two differ; beside them the histogram "
            "of the overlap and both energies against time."
        ),
        "ferromagnet": (
            "Two lattices of a single colour each, and a third picture without a difference or with nothing "
            "else; beside them a histogram of the overlap with one tall bar at an end, and both energies."
        ),
    }

    model = Choice(*_FACTS, doc="Sherrington-Kirkpatrick, the lattice with bonds of +1 and -1, or all +1")
    spins = Integer(256, 16, 512, doc="N, the number of spins of the Sherrington-Kirkpatrick model")
    size = Integer(24, 4, 32, doc="L, the number of sites along each side of a lattice")
    temperature = Real(0.4, 0.1, 3.0, doc="T in units of J")
    algorithm = Choice("heat-bath", "tempering", doc="at one temperature, or on a ladder of 24")
    speed = Real(200.0, 1.0, 2000.0, doc="sweeps a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed of the sample, and of the run from Reset on")
    running = Switch(True, doc="whether the lab is running")

    sweeps = read_out("sweeps since Reset, at each temperature of the ladder")
    overlap = read_out("the overlap q of the two replicas now")
    mean_overlap = read_out("the mean of abs(q) in the histogram; None for 150 sweeps")
    energy = read_out("the mean energy per spin of the two replicas now")
    lowest = read_out("the lowest energy per spin that has been seen in this sample")

    _aspect = traitlets.Unicode("model", read_only=True).tag(sync=True)
    _facts = traitlets.Dict(read_only=True).tag(sync=True)
    _temperatures = traitlets.Int(_TEMPERATURES, read_only=True).tag(sync=True)
    _couplings = Binary()  # of the reader's own network, and then its fields
    _spins = Binary()

    def __init__(self, *, network: SpinNetwork | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.network = network

    @property
    def network(self) -> SpinNetwork:
        """The network that the page shows. Assign one to show it, None to go back to the model's sample.

        Raises
        ------
        TypeError, ValueError
            If it is no `SpinNetwork`, or has more than 512 spins.
        """
        if self._own is not None:
            return self._own
        if self.model == "SK":
            return networks.sherrington_kirkpatrick(self.spins, rng=self.seed, dtype=np.float32)
        if self.model == "plus-minus":
            return networks.edwards_anderson((self.size, self.size), disorder="plus-minus", rng=self.seed)
        return networks.from_lattice((self.size, self.size))

    @network.setter
    def network(self, network: SpinNetwork | None) -> None:
        own, facts, numbers = None, _FACTS, b""
        if network is not None:
            own = _in_single_precision(network)
            # as much as the couplings of a Sherrington-Kirkpatrick sample are, by the spread of a local field
            scale = float(np.sqrt(np.square(own.couplings, dtype=np.float64).sum() / own.n_spins))
            facts = _FACTS | {"own": {"hottest": 1.6 * scale, "cold": scale, "ground": None}}
            numbers = own.couplings.tobytes() + own.fields.tobytes()
        self._own = own
        with self.hold_sync():
            self.set_trait("_facts", facts)
            self._couplings = numbers

    @property
    def betas(self) -> NDArray[np.float64]:
        """The inverse temperatures of the ladder, increasing, (24,); without tempering the one of T, (1,)."""
        found = np.empty(_TEMPERATURES if self.algorithm == "tempering" else 1)
        facts = self._facts["own" if self._own is not None else self.model]
        kernels.lay_out(self.temperature, facts["hottest"], found)
        return found

    @property
    def replicas(self) -> Spins:
        """Both replicas as the page last paused or was stepped, int8 (2, N); before that, those of Reset."""
        flat = np.frombuffer(self._spins, dtype=np.int8)
        n = self.network.n_spins
        return flat.reshape(2, n).copy() if flat.size == 2 * n else self._final(self.simulate(0))

    def _final(self, run: networks.NetworkTrace | networks.Tempering) -> Spins:
        return run.spins if isinstance(run, networks.NetworkTrace) else run.spins[:, -1]

    def simulate(self, n_sweeps: int, *, thin: int = 1) -> networks.NetworkTrace | networks.Tempering:
        """Return the run that the page shows from Reset on, by `network.sample` or `network.temper`.

        Its seed is 2^53 beyond `seed`, which is that of the sample. Replicas are the two chains, or those at
        the coldest temperature of the two ladders, ``spins[:, -1]``.

        Parameters
        ----------
        n_sweeps, thin
            As for `smbook.network.SpinNetwork.sample`.

        Raises
        ------
        TypeError, ValueError
            As `smbook.network.SpinNetwork.sample`.

        Examples
        --------
        >>> lab = SpinGlassLab(model="ferromagnet", size=6, temperature=1.0, algorithm="tempering", seed=3)
        >>> run = lab.simulate(500)
        >>> bool(abs(run.replica_overlap[0, -1, 250:]).mean() > 0.95)
        True
        """
        given: Any = {"thin": thin, "rng": self.seed + _RUN}
        if self.algorithm == "tempering":
            return self.network.temper(self.betas, n_sweeps, n_ladders=2, **given)
        return self.network.sample(1.0 / self.temperature, n_sweeps, n_chains=2, **given)


def _in_single_precision(network: SpinNetwork) -> SpinNetwork:
    """Return a network with dense couplings in float32, or raise if it is none, or too large."""
    if not isinstance(network, SpinNetwork):
        raise RefusedKindError(f"network must be a smbook.network.SpinNetwork; got {network!r}")
    if network.n_spins > MOST_SPINS:
        raise RefusedValueError(f"network must have at most {MOST_SPINS} spins; got {network.n_spins}")
    couplings = network.couplings
    matrix = couplings if isinstance(couplings, np.ndarray) else couplings.toarray()
    return SpinNetwork(matrix.astype(np.float32), network.fields.astype(np.float32))
