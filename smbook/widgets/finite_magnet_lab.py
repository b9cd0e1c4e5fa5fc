"""A live magnet of finitely many spins: the two limits that do not commute, and the escape from a well."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import traitlets

from smbook import _checks, curie_weiss
from smbook.kernels import finite_magnet
from smbook.kernels.rng import streams
from smbook.theory import ising as theory
from smbook.widgets._lab import LARGEST_SEED, Choice, Integer, Lab, Real, Switch, read_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LONGEST = 1e9  # sweeps of a mean wait, some seconds for ten spins
_UPDATES_PER_CALL = 10_000_000  # some 50 ms, so that Ctrl-C is heard


class FiniteMagnetLab(Lab, script="finite_magnet_lab.js"):
    """A Curie-Weiss magnet of N spins with J = 1, one number that walks by the random-site heat bath.

    The view "limits" holds the walk against the exact law of m, and <m> in a field against that of the
    infinite magnet: h to 0 at fixed N gives 0, N to infinity at fixed h gives m*. After k sweeps from Reset
    the page shows the magnet of ``simulate(k)``, bit for bit.

    In the view "escape" the magnet waits in the well that the field works against, until it first has as many
    spins up as the other minimum of the free energy, to the nearest whole number. Then it is put back;
    without a field it waits in the other well instead. Its waiting times are those of ``waits(n)``, bit for
    bit, their exact mean is `lifetime`.

    Temperatures and fields are in units of J, times in sweeps of N updates. Read-outs are None until a page
    shows the lab.

    Examples
    --------
    >>> lab = FiniteMagnetLab(view="escape", spins=30, temperature=0.6, field=-0.05, running=False)
    >>> lab
    FiniteMagnetLab(view='escape', spins=30, temperature=0.6, field=-0.05, speed=60.0, seed=1, running=False)
    >>> lab.well, round(lab.lifetime, 1)
    ((28, 1), 316.0)
    >>> lab.spins = 5
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: spins must be at least 10; got 5
    """

    alt: ClassVar[dict[str, str]] = {
        "limits": (
            "Distribution of the magnetization with two peaks of different height and bars measured on it; "
            "beside it the mean magnetization against the field, a smooth step beside the sharp one of the "
            "infinite magnet."
        ),
        "escape": (
            "A landscape with two wells and a ball in the higher one; beside it magnetization against time, "
            "which jitters around one value and falls now and then to the other."
        ),
    }

    view = Choice("limits", "escape", doc="the two limits, or a magnet that waits in a well")
    spins = Integer(1000, 10, 100_000, doc="N, the number of spins")
    temperature = Real(0.8, 0.3, 2.0, doc="T in units of J; the infinite magnet's transition is at 1")
    field = Real(0.001, -0.5, 0.5, doc="h in units of J")
    speed = Real(60.0, 1.0, 10000.0, doc="sweeps a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed that Reset starts from")
    running = Switch(True, doc="whether the lab is running")

    sweeps = read_out("sweeps since Reset")
    magnetization = read_out("m now")
    escapes = read_out("how often the magnet has escaped since settings last changed; None in the other view")
    wait = read_out("the mean of its waiting times, in sweeps; None before the first escape")
    wait_error = read_out("the standard error of that mean; None before the second escape")

    _aspect = traitlets.Unicode("view", read_only=True).tag(sync=True)

    @property
    def law(self) -> theory.FiniteCurieWeiss:
        """The exact law of m in the field, as `smbook.theory.ising.curie_weiss_finite`."""
        return theory.curie_weiss_finite(self.spins, 1.0 / self.temperature, field=self.field)

    @property
    def mean(self) -> float:
        """The exact mean <m> in the field."""
        law = self.law
        return float(law.magnetization @ law.probability)

    @property
    def well(self) -> tuple[int, int] | None:
        """The numbers of spins up in the well where the magnet waits, and where it has escaped.

        None if the free energy has one minimum, or if so few spins do not tell its two minima apart.
        """
        minima = theory.curie_weiss_solutions(1.0 / self.temperature, field=self.field)[::2]
        low, high = (self._nearest(m) for m in minima[[0, -1]])
        if low == high:
            return None
        return (high, low) if self.field <= 0.0 else (low, high)

    @property
    def lifetime(self) -> float | None:
        """The exact mean of the waiting time in sweeps, perhaps inf; None where there is no well."""
        if self.well is None:
            return None
        start, stop = self.well if self.field <= 0.0 else (self.spins - k for k in self.well)
        return theory.curie_weiss_first_passage(
            self.spins, 1.0 / self.temperature, start=start, stop=stop, field=-abs(self.field)
        )

    def _nearest(self, m: float) -> int:
        """Return the number of spins up whose magnetization is nearest to `m`."""
        return int(np.floor(self.spins * (1.0 + m) / 2.0 + 0.5))

    @property
    def start(self) -> int:
        """How many spins are up at Reset: as in the well, or as in the lowest minimum of the free energy."""
        if self.view == "escape" and self.well:
            return self.well[0]
        beta = 1.0 / self.temperature
        return self._nearest(float(theory.curie_weiss_magnetization(beta, field=self.field)))

    def simulate(self, n_sweeps: int, *, thin: int = 1) -> curie_weiss.CurieWeissTrace:
        """Return the run that the page shows from Reset on, by `smbook.curie_weiss.simulate`.

        In the view "escape" it is that run up to the first time that the magnet is put back.

        Raises
        ------
        TypeError, ValueError
            As `smbook.curie_weiss.simulate`.

        Examples
        --------
        >>> trace = FiniteMagnetLab(spins=100, temperature=0.8, seed=7).simulate(50)
        >>> trace.magnetization.shape
        (1, 50)
        """
        return curie_weiss.simulate(
            self.spins,
            1.0 / self.temperature,
            n_sweeps,
            field=self.field,
            initial=np.array([self.start]),
            thin=thin,
            rng=self.seed,
        )

    def waits(self, count: int) -> Floats:
        """Return the first `count` waiting times of the page from Reset on, in sweeps.

        Raises
        ------
        TypeError, ValueError
            If `count` is no whole number of at least 0, if there is no well to wait in, or if the mean wait
            is longer than 10^9 sweeps.

        Examples
        --------
        >>> lab = FiniteMagnetLab(view="escape", spins=10, temperature=0.6, field=-0.05)
        >>> waits = lab.waits(400)
        >>> bool(abs(waits.mean() - lab.lifetime) < 4 * waits.std() / 20)
        True
        """
        count = _checks.integer("count", count, minimum=0)
        given = f"got spins={self.spins}, temperature={self.temperature}, field={self.field}"
        if self.well is None or self.lifetime is None:
            raise ValueError(f"there is no well to wait in; {given}")
        if self.lifetime > _LONGEST:
            raise ValueError(f"an escape would take {self.lifetime:.3g} sweeps on the mean; {given}")
        table = np.empty((2, self.spins + 1), dtype=np.int64)
        finite_magnet.flip_table(1.0 / self.temperature, 1.0, self.field, table)
        (start, stop), states = self.well, streams(self.seed, 1)
        up, elapsed = np.array([start]), np.zeros((count, 1), dtype=np.int64)
        for updates in elapsed:
            while up[0] != stop:
                finite_magnet.first_passage(up, table, states, stop, _UPDATES_PER_CALL, updates)
            if self.field == 0.0:
                start, stop = stop, start
            up[0] = start
        return elapsed[:, 0] / self.spins
