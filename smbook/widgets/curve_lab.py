"""Live curves: 64 temperatures of one lattice at once, whose means draw themselves onto the exact curves."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import traitlets

from smbook import _checks, ising
from smbook._records import equal
from smbook.kernels import curves, multispin
from smbook.theory import ising as exact
from smbook.widgets._lab import LARGEST_SEED, Choice, Integer, Lab, Real, Switch, read_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

THIN = 5  # sweeps from one measurement to the next
SIZES = ("64", "16", "32", "128")

_ENDS, _NEAR = (1.5, 3.5), 0.15  # temperatures, and how far from the transition they are closest
_BINDER = 0.610693  # of the infinite square torus at T_c, by Kamieniarz and Bloete (1993)


def temperatures() -> Floats:
    """Return the 64 temperatures, from 1.5 to 3.5 and closer near the transition; (64,)."""
    low, high = np.arcsinh((np.array(_ENDS) - exact.CRITICAL_TEMPERATURE) / _NEAR)
    places = np.linspace(low, high, curves.LANES)
    return np.asarray(np.round(exact.CRITICAL_TEMPERATURE + _NEAR * np.sinh(places), 4))


class Curves(NamedTuple):
    """Hold what a run at 64 temperatures has found, a value and its standard error for each; (64,).

    An error is nan where the run is too short to know it. The first quarter of the run is forgotten.

    Attributes
    ----------
    size
        L, the side of the lattices.
    n_sweeps
        How many sweeps there were.
    temperatures
        The temperatures.
    magnetization, energy, specific_heat, cumulant
        The mean of abs(m) and of E, per site, the specific heat from the fluctuations of E, and Binder's
        cumulant U = 1 - <m^4> / (3 <m^2>^2).
    magnetization_error, energy_error, specific_heat_error, cumulant_error
        Their standard errors.
    """

    size: int
    n_sweeps: int
    temperatures: Floats
    magnetization: Floats
    energy: Floats
    specific_heat: Floats
    cumulant: Floats
    magnetization_error: Floats
    energy_error: Floats
    specific_heat_error: Floats
    cumulant_error: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        lattices = f"{len(self.temperatures)} lattices of {self.size} x {self.size} spins"
        return f"Curves({self.n_sweeps} sweeps of {lattices}, {self.settled} with errors)"

    @property
    def settled(self) -> int:
        """The number of temperatures at which the energy has an error."""
        return int(np.isfinite(self.energy_error).sum())

    @property
    def scores(self) -> Floats:
        """How many errors each energy is off the exact one of its size; nan where there is no error."""
        found = exact.kaufman((self.size, self.size), 1.0 / self.temperatures).energy
        return np.asarray((self.energy - found) / self.energy_error)

    @property
    def score(self) -> float:
        """The root of the mean square of these scores, near 1 if errors are honest; nan without any."""
        known = self.scores[np.isfinite(self.scores)]
        return float(np.sqrt(np.mean(known**2))) if known.size else float("nan")


class CurveLab(Lab, script="curve_lab.js"):
    r"""Square lattices of L x L spins at 64 temperatures at once, one in each bit of a word.

    The means of abs(m), E, c and Binder's cumulant U draw themselves, with error bars that shrink, onto
    what is exact: E and c of Kaufman (1949) for this very size, Onsager's and Yang's curves for the infinite
    lattice. For m and U of a finite lattice there is no closed form; U is 2/3 deep in the ordered phase, 0
    far above it, and 0.610693 at T_c on a large torus (Kamieniarz and Bloete, 1993).

    Temperatures go from 1.5 to 3.5 and are closer near the transition. Means are taken over the later three
    quarters of the run. A point without an error bar is of a run that is too short to know its error there.

    All lattices begin with all spins up. From random spins many a cold one gets stuck: two domains with
    straight walls around the torus, which take very many sweeps to meet; until then its energy is too high.

    After k sweeps from Reset the page has found what is in ``simulate(k)``, bit for bit. Read-outs are None
    until there is something to tell.

    Raises
    ------
    TypeError, ValueError
        As other labs do.

    Examples
    --------
    >>> lab = CurveLab(size="16", running=False)
    >>> found = lab.simulate(20_000)
    >>> found
    Curves(20000 sweeps of 64 lattices of 16 x 16 spins, 64 with errors)
    >>> bool(0.7 < found.score < 1.4)
    True
    >>> lab.size = "48"
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: size must be one of '64', '16', '32', '128'; got '48'
    """

    alt: ClassVar[dict[str, str]] = {
        "whole": (
            "Four charts against temperature: the magnetization falls to zero near 2.27, the energy rises, "
            "the specific heat peaks and Binder's cumulant falls from two thirds to zero; 64 points with "
            "small error bars lie on the exact curves."
        ),
        "transition": (
            "Four charts of the temperatures near the transition: points with error bars on the exact energy "
            "and on the rounded peak of the specific heat of a finite lattice, a magnetization that goes on "
            "beyond the point where that of an infinite lattice ends, and Binder's cumulant."
        ),
    }

    view = Choice("whole", "transition", doc="all temperatures, or those near the transition")
    size = Choice(*SIZES, doc="L, the number of sites along each side")
    algorithm = Choice("heat-bath", "metropolis", doc="as in `smbook.ising.simulate_temperatures`")
    initial = Choice("up", "random", doc="the state that Reset starts from")
    shown = Real(2.27, *_ENDS, doc="the temperature of the lattice that is shown, the nearest there is")
    speed = Real(100_000.0, 5.0, 100_000.0, doc="sweeps a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed that Reset starts from")
    running = Switch(True, doc="whether the lab is running")

    sweeps = read_out("sweeps of each lattice since Reset")
    rate = read_out("spins that were asked per nanosecond, lately; None while it rests")
    settled = read_out("at how many temperatures the error of the energy is known")
    score = read_out("how many errors the energies are off the exact ones, as a root of the mean square")

    _aspect = traitlets.Unicode("view", read_only=True).tag(sync=True)
    _exact = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.set_trait("_exact", _exact_curves())

    def simulate(self, n_sweeps: int) -> Curves:
        """Return what the page has found when so many sweeps are over, by `ising.simulate_temperatures`.

        Parameters
        ----------
        n_sweeps
            The number of sweeps, at least 0. After every fifth one there is a measurement.

        Raises
        ------
        TypeError, ValueError
            If it is no such number.

        Examples
        --------
        >>> found = CurveLab(size="16", seed=7).simulate(5000)
        >>> bool(abs(found.energy[0] + 1.95) < 0.01)
        True
        """
        n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
        run = ising.simulate_temperatures(
            (int(self.size),) * 2,
            1.0 / temperatures(),
            n_sweeps,
            algorithm=self.algorithm,
            initial=self.initial,
            thin=THIN,
            rng=self.seed,
        )
        return measured(run)


def measured(run: ising.Temperatures) -> Curves:
    """Return means and errors of a run at 64 temperatures, measured after every fifth sweep."""
    size = run.spins.shape[-1]
    n_sites = size * size
    totals, sums = (
        np.ascontiguousarray(np.rint(per_site.T * n_sites).astype(np.int64))
        for per_site in (-run.energy, run.magnetization)
    )
    blocks, tally = np.zeros((curves.MOST, curves.N_SUMS, curves.LANES)), np.array([0, 0, 1])
    values, errors = np.empty((2, 4, curves.LANES))
    curves.gather(totals, sums, n_sites, blocks, tally)
    curves.estimate(blocks, tally, run.betas, size, THIN, np.empty(curves.MOST), values, errors)
    return Curves(size, THIN * len(totals), temperatures(), *values, *errors)


@cache
def _exact_curves() -> dict[str, Any]:
    """Return the temperatures, and for all sizes exact energies, fine enough to judge, and specific heats."""
    here = temperatures()
    sizes = {}
    for size in SIZES:
        found = exact.kaufman((int(size), int(size)), 1.0 / here)
        heat, energy = np.asarray(found.specific_heat), np.asarray(found.energy)
        sizes[size] = {"energy": energy.round(6).tolist(), "specific_heat": heat.round(3).tolist()}
    critical = exact.CRITICAL_TEMPERATURE
    near = np.array([1e-6, 1e-4, 0.001, 0.003, 0.006, 0.01, 0.016, 0.024, 0.036, 0.05, 0.07, 0.1, 0.14])
    far = np.sort(np.concatenate([np.linspace(*_ENDS, 25), critical - near, critical + near]))
    infinite = exact.onsager(1.0 / far)
    return {
        "temperature": here.tolist(),
        "sizes": sizes,
        "infinite": {
            "temperature": far.round(6).tolist(),
            "magnetization": np.asarray(exact.spontaneous_magnetization(1.0 / far)).round(4).tolist(),
            "energy": np.asarray(infinite.energy).round(4).tolist(),
            "specific_heat": np.asarray(infinite.specific_heat).round(3).tolist(),
        },
        "critical": round(critical, 6),
        "cumulant": _BINDER,
        "thin": THIN,
        "blocks": [curves.MOST, curves.N_SUMS],
        "room": multispin.WORK_SIZE,
    }
