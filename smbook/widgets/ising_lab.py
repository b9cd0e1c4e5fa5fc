"""A live Ising magnet in two dimensions."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import traitlets

from smbook import ising
from smbook.theory import ising as exact
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
)

_CLUSTERS = ("wolff", "swendsen-wang")


@cache
def _exact_curves() -> dict[str, list[float]]:
    """Return the exact curves of the infinite lattice: Onsager's energy and Yang's magnetization."""
    critical = exact.CRITICAL_TEMPERATURE
    near = critical + np.array([-0.03, -0.01, -0.003, -0.001, -1e-4, -1e-6, 0.0, 0.01])
    temperature = np.sort(np.concatenate([np.linspace(0.5, 5.0, 91), near]))
    energy = exact.onsager(1.0 / temperature).energy
    magnetization = exact.spontaneous_magnetization(1.0 / temperature)
    heights = {"energy": energy, "magnetization": magnetization}
    curves = {name: np.round(column, 4).tolist() for name, column in heights.items()}  # finer than a pixel
    return {
        "temperature": np.round(temperature, 6).tolist(),
        **curves,
        "critical": [round(critical, 6)],
    }


class IsingLab(Lab, script="ising_lab.js"):
    """A square lattice of L x L spins with J = 1 on a torus, which the reader heats, cools, pulls and paints.

    After k sweeps from Reset the page shows the spins of ``simulate(k)``, bit for bit. The points that it
    draws on the exact curves of Onsager (1944) and Yang (1952) are means over the later half of the sweeps
    since the temperature was last moved.

    Settings and read-outs are attributes; temperatures and fields are in units of J, energy and
    magnetization per site. Read-outs are None until a page shows the lab.

    Examples
    --------
    >>> lab = IsingLab(size=64, temperature=2.0, running=False)
    >>> lab
    IsingLab(size=64, temperature=2.0, field=0.0, algorithm='heat-bath', initial='random', speed=60.0,
             seed=1, running=False)
    >>> lab.temperature = float("nan")
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: temperature must be finite; got nan
    >>> lab.spins.shape
    (64, 64)
    """

    alt = (
        "A square of spins, nearly all down, beside charts of magnetization and energy against temperature "
        "with their exact curves."
    )

    size = Integer(128, 8, 512, doc="L, the number of sites along each side")
    temperature = Real(2.27, 0.5, 5.0, doc="T in units of J")
    field = Real(0.0, -2.0, 2.0, doc="h in units of J; the cluster algorithms need 0")
    algorithm = Choice("heat-bath", "metropolis", *_CLUSTERS, doc="as in `smbook.ising.simulate`")
    initial = Choice("random", "up", doc="the state that Reset starts from")
    speed = Real(60.0, 1.0, 10000.0, doc="sweeps a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed that Reset starts from")
    running = Switch(True, doc="whether the lab is running")

    sweeps = read_out("sweeps since Reset")
    energy = read_out("energy per site now")
    magnetization = read_out("magnetization per site now")

    _spins = Binary()
    _curves = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.set_trait("_curves", _exact_curves())

    @traitlets.validate("field", "algorithm")
    def _check_field(self, proposal: Any) -> Any:
        settings = {"field": self.field, "algorithm": self.algorithm, proposal.trait.name: proposal.value}
        if settings["field"] and settings["algorithm"] in _CLUSTERS:
            raise RefusedValueError(
                f"{settings['algorithm']} flips whole clusters, which a field forbids; "
                f"got field={settings['field']}; use heat-bath"
            )
        return proposal.value

    @property
    def spins(self) -> ising.Spins:
        """The state when the page last paused, was stepped or painted; before that, the state of Reset.

        int8, shape (size, size). Assign an array of +1 and -1, square, to show it; the lab takes its size.
        """
        flat = np.frombuffer(self._spins, dtype=np.int8)
        if flat.size != self.size**2:
            return self.simulate(0).spins
        return flat.reshape(self.size, self.size).copy()

    @spins.setter
    def spins(self, spins: ising.Spins) -> None:
        ising.energy(spins)  # refuses what is no lattice of spins
        if spins.ndim != 2 or spins.shape[0] != spins.shape[1]:
            raise ValueError(f"spins must be square; got the shape {spins.shape}")
        with self.hold_trait_notifications():
            self.size = spins.shape[0]
            self._spins = spins.tobytes()

    def simulate(self, n_sweeps: int, *, thin: int = 1) -> ising.Trace:
        """Return the run that the page shows from Reset on, by `smbook.ising.simulate`.

        Parameters
        ----------
        n_sweeps, thin
            As for `smbook.ising.simulate`.

        Raises
        ------
        TypeError, ValueError
            As `smbook.ising.simulate`.

        Examples
        --------
        >>> trace = IsingLab(size=32, temperature=2.0, seed=7).simulate(100)
        >>> trace.energy.shape, trace.spins.shape
        ((100,), (32, 32))
        """
        return ising.simulate(
            (self.size, self.size),
            1.0 / self.temperature,
            n_sweeps,
            algorithm=self.algorithm,
            engine="plain",
            field=self.field,
            initial=self.initial,
            thin=thin,
            rng=self.seed,
        )
