"""A live ring of spins and its domain walls, energy against entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smbook import ising
from smbook.kernels import walls as kernels
from smbook.theory import ising as theory
from smbook.widgets._lab import LARGEST_SEED, Choice, Integer, Lab, Real, Switch, read_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class WallLab(Lab, script="wall_lab.js"):
    """A ring of N spins with J = 1 in its heat bath, beside what its domain walls cost and gain.

    A wall is a bond whose two spins differ, and a ring has an even number w of them. They cost E = 2 J w and
    gain T S = T ln[2 C(N, w)]; the ring has w walls with a probability in proportion to exp(-F / T),
    F = E - T S. The first pair costs 4 J - T ln C(N, 2): it stays away from a short cold ring and comes into
    every ring that is long enough.

    After k sweeps from Reset the page shows the spins of ``simulate(k)``, bit for bit. Its mean and its
    histogram are those of the later half of the sweeps, or more, since the temperature was last moved.
    Temperatures and energies are in units of J, energies those of the whole ring above perfect order.
    Read-outs are None until a page shows the lab.

    Examples
    --------
    >>> lab = WallLab(size=16, temperature=0.5, running=False)
    >>> lab
    WallLab(size=16, temperature=0.5, initial='up', speed=60.0, seed=1, running=False)
    >>> round(lab.first_pair, 3), round(lab.expected_walls, 3), lab.likeliest_walls
    (1.606, 0.078, 0)
    >>> lab.size = 2
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: size must be at least 8; got 2
    """

    alt = (
        "A ring of spins sweep by sweep, in patches of two colours that wander and merge, beside the free "
        "energy of its walls, whose minimum lies above the peak of the histogram of walls."
    )

    size = Integer(64, 8, 1024, doc="N, the number of spins around the ring")
    temperature = Real(1.0, 0.2, 4.0, doc="T in units of J")
    initial = Choice("up", "random", doc="the state that Reset starts from")
    speed = Real(60.0, 1.0, 2000.0, doc="sweeps a second")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed that Reset starts from")
    running = Switch(True, doc="whether the lab is running")

    sweeps = read_out("sweeps since Reset")
    walls = read_out("number of walls now")
    mean_walls = read_out("mean number of walls since the temperature was last moved; None for 150 sweeps")

    @property
    def expected_walls(self) -> float:
        """The exact mean number of walls, N (1 + u) / 2 with the energy u of `smbook.theory.ising.ring`."""
        energy = theory.ring(self.size, 1.0 / self.temperature).energy
        return float(self.size * (1.0 + energy) / 2.0)

    @property
    def free_energy(self) -> Floats:
        """F(w) for w = 0, 2, 4, ... walls, shape (size // 2 + 1,)."""
        return self._law()[1][2]

    @property
    def likeliest_walls(self) -> int:
        """The number of walls with the least F, which the ring has most often."""
        return self._law()[0]

    @property
    def first_pair(self) -> float:
        """What the first two walls cost, F(2) - F(0) = 4 J - T ln C(N, 2)."""
        heat, price = np.empty(1), np.empty(1)
        kernels.first_pair(np.array([float(self.size)]), 1.0 / self.temperature, 1.0, heat, price)
        return float(price[0])

    @property
    def free_pair_size(self) -> float:
        """The number of spins N, about sqrt(2) exp(2 J / T), at which the first two walls cost nothing."""
        return float(kernels.free_pair_size(1.0 / self.temperature, 1.0))

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
        >>> trace = WallLab(size=200, seed=7).simulate(1000)
        >>> walls = 200 * (1 + trace.energy) / 2
        >>> int(walls[-1]), int(np.sum(trace.spins != np.roll(trace.spins, 1)))
        (18, 18)
        """
        return ising.simulate(
            self.size,
            1.0 / self.temperature,
            n_sweeps,
            engine="plain",
            initial=self.initial,
            thin=thin,
            rng=self.seed,
        )

    def _law(self) -> tuple[int, tuple[Floats, ...]]:
        """Return the likeliest number of walls, and E, T S, F and p of each number."""
        arrays = tuple(np.empty(self.size // 2 + 1) for _ in range(4))
        return int(kernels.wall_law(self.size, 1.0 / self.temperature, 1.0, *arrays)), arrays
