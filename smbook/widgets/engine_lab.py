"""A live engine: bits erased at the reader's speed, the work that each takes, and what the works tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.kernels import overdamped as kernels
from smbook.kernels.rng import seed_state
from smbook.widgets._lab import LARGEST_SEED, Integer, Lab, Real, Switch, read_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_CELLS = 256  # of the law that bits begin with
_QUANTILES = 4096  # of the least distance
_UPDATES_PER_CALL = 2**21  # some 60 ms, so that Ctrl-C is heard


class Erasures(NamedTuple):
    """Hold what runs of the lab came to; a row a run, a column a bit. Energies are in k_B T.

    Attributes
    ----------
    work
        What was done on each bit, (n_runs, bits).
    positions
        Where each ended, (n_runs, bits); at x > 0 it is erased as it should be.
    initial
        Where each began, (n_runs, bits).
    """

    work: Floats
    positions: Floats
    initial: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        told = f"mean work {self.mean_work:.4g} k_B T, {self.errors:.3%} errors" if self.n_bits else "none"
        return f"Erasures({len(self.work)} runs of {self.work.shape[1]} bits: {told})"

    @property
    def n_bits(self) -> int:
        """The number of bits of all runs."""
        return self.work.size

    @property
    def errors(self) -> float:
        """The share of bits that end on the left; nan without any bit."""
        return float((self.positions <= 0.0).mean()) if self.n_bits else math.nan

    @property
    def errors_error(self) -> float:
        """The standard error of that share, with one more bit on either side; nan without any bit."""
        n = self.n_bits
        share = (n * self.errors + 1) / (n + 2)
        return math.sqrt(share * (1 - share) / n) if n else math.nan

    @property
    def mean_work(self) -> float:
        """The mean work; nan without any bit."""
        return float(self.work.mean()) if self.n_bits else math.nan

    @property
    def mean_work_error(self) -> float:
        """The standard error of the mean work; nan without any bit."""
        return float(self.work.std(ddof=1)) / math.sqrt(self.n_bits) if self.n_bits else math.nan

    @property
    def least_work(self) -> float:
        """The least mean work for that share of errors p, ln 2 - S(p); nan without any bit."""
        return float(kernels.erasing_work(self.errors)) if self.n_bits else math.nan

    @property
    def jarzynski(self) -> tuple[float, float]:
        """Minus the log of the mean of exp(-work), which is 0, and its error; nan without any bit."""
        return _minus_log_mean(np.exp(-self.work))

    @property
    def jarzynski_right(self) -> tuple[float, float]:
        """The same of what those add who end on the right, which is ln 2; nan without any of them."""
        return _minus_log_mean(np.exp(-self.work) * (self.positions > 0.0))

    @property
    def jarzynski_worth(self) -> float:
        """How many bits carry the mean of exp(-work): those of the well with fewer, as each owes one half.

        Of one well these are the weights' sum squared over the sum of their squares, so many equal weights
        would be as sure. Below a hundred neither the mean nor its error is to be trusted; and a well whose
        rare bits have not come yet may look better than it is.
        """
        return min(_worth(self._weights(right)) for right in (False, True)) if self.n_bits else math.nan

    @property
    def jarzynski_right_worth(self) -> float:
        """How many bits carry the mean over the right ends, likewise; nan without any bit."""
        return _worth(self._weights(True)) if self.n_bits else math.nan

    def _weights(self, right: bool) -> Floats:
        return np.asarray(np.exp(-self.work[(self.positions > 0.0) == right]))


def _minus_log_mean(weights: Floats) -> tuple[float, float]:
    if not weights.any():
        return math.nan, math.nan
    mean = float(weights.mean())
    return -math.log(mean), float(weights.std(ddof=1)) / math.sqrt(weights.size) / mean


def _worth(weights: Floats) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum()) if weights.size else 0.0


class EngineLab(Lab, script="engine_lab.js"):
    r"""Hundreds of bits, particles on one side or the other of a double well, that are erased to the right.

    A run is `smbook.thermodynamics.erasure`: in four strokes of equal length the barrier falls, a tilt
    rises, the barrier rises, the tilt falls. No stroke looks where a particle is. Energies are in k_B T; the
    wells are at -1 and 1, and the mean square of a free particle's way grows by 2 in a time of 1.

    The page counts the works of all bits since Reset, or since the duration, the barrier, the tilt, the
    number of bits or the seed changed. The potential is the same before and after, so the mean of exp(-W)
    over all bits is 1 (Jarzynski, 1997): the equilibrium free energy has not changed. Those bits that end on
    the right give 1/2 of it, the share of the right well in equilibrium, at any speed. This alone says that a
    bit that is erased without errors takes ln 2 or more in the mean (Landauer, 1961), and with a share p of
    errors ln 2 - S(p). The page shows both means of exp(-W) as minus their logarithms, beside the lines 0 and
    ln 2, which are exact for infinitely many bits. In a fast run, or where one bit in a hundred goes wrong,
    a mean hangs on works so rare that few or none are seen; it is then marked by a question mark, and no
    error of it is to be trusted. The second chart keeps the mean works of durations that were seen before,
    until the barrier, the tilt or the seed changes. Its line is the least mean work of all protocols that
    leave all bits in equilibrium in the right well, ln 2 + d^2 / t with the least mean square distance d^2 of
    the way. One that leaves them on the right but unsettled can take less, as their way is shorter.

    After k runs the page has counted the bits of ``simulate(k)``, the same to the last bit. Read-outs are
    None until a run is over.

    Raises
    ------
    TypeError, ValueError
        As other labs do.

    References
    ----------
    Berut et al. (2012, 2013) for a bead that was erased so; Kawai, Parrondo and Van den Broeck (2007) for the
    equality by where trajectories end; Aurell et al. (2011) for the least work from one law to another in a
    given time; Proesmans, Ehrich and Bechhoefer (2020) for that of bits that need not settle.

    Examples
    --------
    >>> lab = EngineLab(duration=4.0, running=False)
    >>> runs = lab.simulate(10)
    >>> runs.mean_work > lab.least_in_time > math.log(2) > runs.least_work
    True
    >>> value, error = runs.jarzynski_right
    >>> abs(value - math.log(2)) < 4 * error
    True
    >>> lab.duration = 0.5
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: duration must be at least 1; got 0.5
    """

    alt = (
        "Some hundred particles in a double well, those from the left and those from the right with marks "
        "of their own, most of them in the right well; the work of each as a histogram, with its mean above "
        "the line at ln 2 and means of exp(-W) beside the lines at 0 and ln 2, a question mark where too "
        "few works carry one; below it mean works against one over the duration, on a rising line that "
        "begins at ln 2."
    )

    duration = Real(8.0, 1.0, 50.0, doc="how long a run takes, in units in which D = 1")
    barrier = Real(8.0, 4.0, 12.0, doc="B, the height of the barrier, in k_B T")
    tilt = Real(4.0, 0.0, 8.0, doc="f, the largest slope, in k_B T over half the distance of the wells")
    bits = Integer(400, 50, 1000, doc="how many bits a run erases")
    speed = Real(2.0, 0.25, 1000.0, doc="units of time a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed that Reset starts from")
    running = Switch(True, doc="whether the lab is running")

    time = read_out("how much time all runs have taken since Reset, the one now included")
    runs = read_out("how many runs are over since Reset")
    erased = read_out("how many bits they have erased")
    errors = read_out("the share of these that end on the left; None before the first run is over")
    errors_error = read_out("the standard error of that share")
    work = read_out("the mean work")
    work_error = read_out("the standard error of the mean work")
    least_work = read_out("ln 2 - S(p), the least mean work for that share of errors p")
    jarzynski = read_out("minus the log of the mean of exp(-W), exactly 0")
    jarzynski_error = read_out("the standard error of that")
    jarzynski_worth = read_out("how many bits carry that mean; with less than a hundred it tells little")
    jarzynski_right = read_out("the same of the bits that end on the right, exactly ln 2")
    jarzynski_right_error = read_out("the standard error of that")
    jarzynski_right_worth = read_out("how many bits carry that mean")

    @property
    def least_in_time(self) -> float:
        """The least mean work of protocols that leave all bits in equilibrium in the right well, in time."""
        return math.log(2) + float(
            kernels.erasing_distance(self.barrier, np.empty(_QUANTILES + 1)) / self.duration
        )

    def simulate(self, n_runs: int) -> Erasures:
        """Return what the page has counted when so many runs are over.

        Parameters
        ----------
        n_runs
            The number of runs, at least 0.

        Raises
        ------
        TypeError, ValueError
            If it is no such number.

        Examples
        --------
        >>> EngineLab(bits=50).simulate(0)
        Erasures(0 runs of 50 bits: none)
        """
        n_runs = _checks.integer("n_runs", n_runs, minimum=0)
        table = np.empty((kernels.erasing_steps(self.duration, self.barrier) + 1, 4))
        kernels.erase_bit(self.barrier, self.tilt, 0.0, table)
        law, state = np.empty(_CELLS + 1), seed_state(self.seed)
        kernels.bound_law(table[0], -kernels.REACH, kernels.REACH, law)
        work, positions, initial = np.zeros((3, n_runs, self.bits))
        for x, first, done in zip(positions, initial, work, strict=True):
            kernels.draw_equilibrium(table[0], -kernels.REACH, kernels.REACH, law, state, x)
            first[:] = x
            self._run(table, x, done, state)
        return Erasures(work, positions, initial)

    def _run(self, table: Floats, positions: Floats, work: Floats, state: Any) -> None:
        steps, (heat, noise) = len(table) - 1, np.zeros((2, self.bits))
        for k in range(0, steps, _UPDATES_PER_CALL // self.bits):
            piece = table[k : k + _UPDATES_PER_CALL // self.bits + 1]
            kernels.drive(piece, self.duration / steps, positions, work, heat, state, noise)
