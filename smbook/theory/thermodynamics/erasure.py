"""The least work that erases a bit in a finite time, when the whole potential is at one's command.

The bit is a particle in a symmetric potential V, in units of k_B T: left of 0 or right of it. It begins in
equilibrium, p_0 ~ exp(-V), the potential is V again at the end, and the particle is then right of 0 but for
a share of errors. To bring p_0 to p in the time tau costs on average at least

    W = D(p | p_0) + d(p, p_0)^2 / (mu tau),

D the relative entropy in nats, d Wasserstein's distance, and the best way of changing the potential reaches
it. What is best still depends on the p at the end (Proesmans, Ehrich and Bechhoefer 2020).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.integrate import cumulative_simpson, simpson, solve_bvp
from scipy.interpolate import CubicSpline
from scipy.special import expit

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Values, plain
from smbook.theory.thermodynamics._arguments import positives
from smbook.theory.thermodynamics.landauer import label_information

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_DEPTH = 32.0  # of the potential at the end of the grid, over its lowest point
_CELLS = 20_000
_HIGHEST = 25.0  # barrier
_RAREST = 1e-10  # error
_QUICKEST, _SLOWEST = 2e-3, 1e6  # mu tau, in units of the mean square of the position
_SHORTER = 1.4  # from one time to the next, for which its solution is a guess
_NODES = 500
_TOLERANCE = 1e-5  # of the equations; the work, which is stationary, is far better


class ErasureWork(NamedTuple):
    """Hold the least works that erase a bit in a given time, in units of k_B T.

    Attributes
    ----------
    landauer
        ln 2 - S(error), what it costs in infinite time.
    lower
        A bound that holds for all ways and all distributions at the end: Landauer's, and the squared distance
        by which at least the share 1/2 - error of particles nearest to 0 has to move, over mu tau. In the
        limit of short times it is reached but for terms that grow more slowly.
    optimal
        The least work of all.
    local_equilibrium
        The least work if each side is to be in equilibrium at the end. For a bit
        that is erased without error in a short time it is up to four times the optimal one.
    """

    landauer: Values
    lower: Values
    optimal: Values
    local_equilibrium: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def erasure_work(
    coefficients: ArrayLike, duration: ArrayLike, *, error: float = 0.0, mobility: float = 1.0
) -> ErasureWork:
    r"""Return the least mean work that resets a bit in a symmetric quartic potential to the right of 0.

    .. math:: \frac{W}{k_B T} = \min_p \left[ D(p \,|\, p_0) + \frac{d(p, p_0)^2}{\mu \tau} \right],
              \qquad \int_0^\infty p \, dx = 1 - \epsilon

    over all distributions p at the end, by the Euler-Lagrange equation of the map X(z) that carries p_0 to p,

    .. math:: p_0(z) = p(X) X', \qquad
              \frac{d p(X)}{dz} = -p_0(z) \left[ \frac{2 (X - z)}{\mu\tau} + V'(X) \right], \qquad
              X(z_\epsilon) = 0

    solved on both sides of the quantile of the error. With each side in equilibrium at the end D is
    ln 2 - S(error), and the distance is an integral over quantiles.

    Parameters
    ----------
    coefficients
        c1 to c4 of V = c1 x + c2 x^2 + c3 x^3 + c4 x^4 in units of k_B T, (4,), or with c0 before them, (5,),
        as in `smbook.thermodynamics.Protocol`. c1 = c3 = 0, and c4 > 0, or c4 = 0 and c2 > 0. The barrier at
        0 is at most 25.
    duration
        tau, any shape. mu tau is from 2e-3 to 1e6 of the mean square of the position.
    error
        Share of particles left of 0 at the end, 0 or from 1e-10 to 0.4.
    mobility
        mu, from 1e-100 to 1e100.

    Returns
    -------
    ErasureWork
        In the shape of the duration, to about 1e-6 of the work.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Proesmans, Ehrich and Bechhoefer (2020), Physical Review Letters 125, 100602, and Physical Review E 102,
    032105.

    Examples
    --------
    >>> work = erasure_work([0.0, -8.0, 0.0, 4.0], [0.5, 5.0])  # wells at +1 and -1, a barrier of 4 k_B T
    >>> work.optimal.round(4), work.local_equilibrium.round(4)
    (array([2.9595, 0.982 ]), array([3.645 , 0.9883]))
    """
    law = _Law(coefficients)
    times = positives("duration", duration)
    mobile = float(positives("mobility", _checks.real("mobility", mobility)))
    wrong = _checks.real("error", error, minimum=0.0, maximum=0.4)
    if 0.0 < wrong < _RAREST:
        raise ValueError(f"error must be 0 or at least {_RAREST:g}; got {wrong:g}")
    reduced = mobile * times / law.mean_square
    if (reduced < _QUICKEST).any() or (reduced > _SLOWEST).any():
        raise ValueError(
            f"duration must be from {_QUICKEST:g} to {_SLOWEST:g} of <x^2> / mu = "
            f"{law.mean_square / mobile:g}; got {times.min()} to {times.max()}"
        )
    landauer = float(label_information(wrong)) * np.ones(times.shape)
    lower = landauer + law.least_square(wrong) / (mobile * times)
    local = landauer + law.local_square(wrong) / (mobile * times)
    optimal = _optimal(law, mobile * times, wrong)
    return ErasureWork(*(plain(value) for value in (landauer, lower, optimal, local)))


class _Law:
    """The law exp(-V) of a symmetric potential: densities, shares beyond a place, and their inverse."""

    def __init__(self, coefficients: ArrayLike) -> None:
        c = _checks.reals("coefficients", coefficients)
        if c.shape not in ((4,), (5,)):
            raise ValueError(f"coefficients must be c1 to c4, or c0 to c4; got the shape {c.shape}")
        c = c[-4:]
        if c[0] != 0 or c[2] != 0:
            raise ValueError(f"coefficients must have c1 = c3 = 0, a symmetric potential; got {c.tolist()}")
        if not (c[3] > 0 or (c[3] == 0 and c[1] > 0)) or np.abs(c).max() > 1e6 or np.abs(c).max() < 1e-6:
            raise ValueError(f"coefficients must confine, within 1e-6 to 1e6; got {c.tolist()}")
        barrier = c[1] ** 2 / (4 * c[3]) if c[1] < 0 else 0.0
        if barrier > _HIGHEST:
            raise ValueError(f"coefficients must have a barrier of at most {_HIGHEST:g}; it is {barrier:g}")
        self.c2, self.c4 = float(c[1]), float(c[3])
        self.end = self._reach(_DEPTH - barrier)
        self.x = np.linspace(0, self.end, _CELLS + 1)
        values = np.exp(-self.potential(self.x) - barrier)
        self.shift = math.log(2 * float(simpson(values, x=self.x))) + barrier
        self.density = np.exp(self.log_density(self.x))
        inside = cumulative_simpson(self.density[::-1], dx=self.x[1], initial=0)[::-1]
        last = self.density[-1] / float(self.slope(self.end))
        self.beyond = np.minimum((inside + last) / (inside[0] + last) / 2, 0.5)
        self._inverse = CubicSpline(np.log(self.beyond[::-1]), self.x[::-1])
        self.mean_square = 2 * float(simpson(self.density * self.x**2, x=self.x))

    def potential(self, x: Floats | float) -> Floats:
        return np.asarray(x * x * (self.c2 + self.c4 * x * x))

    def slope(self, x: Floats | float) -> Floats:
        return np.asarray(2 * x * (self.c2 + 2 * self.c4 * x * x))

    def log_density(self, x: Floats | float) -> Floats:
        return np.asarray(-self.potential(x) - self.shift)

    def place(self, share: Floats) -> Floats:
        """Return x >= 0 with so large a share, at most 1/2, beyond it."""
        logs = np.log(np.clip(share, self.beyond[-1], 0.5))
        return np.asarray(np.clip(self._inverse(logs), 0.0, self.end))

    def least_square(self, wrong: float) -> float:
        """Return the mean square of the way to 0 of the share 1/2 - error that is nearest, from one side."""
        whole = CubicSpline(self.x, cumulative_simpson(self.density * self.x**2, dx=self.x[1], initial=0))
        return float(whole(self.place(np.array(wrong)) if wrong > 0 else self.end))

    def local_square(self, wrong: float) -> float:
        """Return the squared distance to the law with equilibrium on both sides of 0."""
        right = self.place(self.beyond / (2 * (1 - wrong))) - self.x
        crossing = self.place((1 - self.beyond) / (2 * (1 - wrong)))
        staying = -self.place(self.beyond / (2 * wrong)) if wrong > 0 else crossing
        left = np.where(self.beyond >= wrong, crossing, staying) + self.x
        return float(simpson(self.density * (right**2 + left**2), x=self.x))

    def _reach(self, depth: float) -> float:
        """Return where the potential is so deep above 0, which is at a barrier or at the lowest point."""
        if self.c4 == 0:
            return math.sqrt(depth / self.c2)
        root = math.sqrt(self.c2**2 + 4 * self.c4 * depth)
        # (root - c2) / (2 c4), without a difference where c2 is large
        square = (root - self.c2) / (2 * self.c4) if self.c2 < 0 else 2 * depth / (root + self.c2)
        return math.sqrt(square)


def _optimal(law: _Law, times: Floats, wrong: float) -> Floats:
    """Return the least work at all mu tau, going from long times to short ones."""
    parts = [_Side(law, wrong)]
    if wrong > 0:
        parts.append(_Side(law, 1 - wrong))  # the mirror image of those that stay on the left
    found = np.empty(times.size)
    time = 30 * law.mean_square
    for place in np.argsort(-times.ravel()):
        target = float(times.ravel()[place])
        while time > _SHORTER * target:
            time /= _SHORTER
            for part in parts:
                part.solve(time)
        time = target
        found[place] = sum(part.solve(time) for part in parts)
    return np.reshape(found, times.shape)


class _Side:
    """The map from what lies right of a quantile of p_0 to the right of 0, of which the law there is sought.

    The map X(z), steep in places, is a smooth curve when it is drawn over s = X + z.
    """

    def __init__(self, law: _Law, left: float) -> None:
        """Take the share 1 - left of the right, from the place z with the share `left` on its left."""
        self.law = law
        if left == 0:
            begin = -law.end
        else:
            begin = float(-law.place(np.array(left)) if left < 0.5 else law.place(np.array(1 - left)))
        z = np.unique(np.r_[begin, -law.x, law.x])
        z = z[z >= begin]
        shares = np.interp(z, np.r_[-law.x[:0:-1], law.x], np.r_[1 - law.beyond[:0:-1], law.beyond])
        x = np.r_[0.0, law.place(np.minimum(shares / (2 * (1 - left)), 0.5))[1:]]
        self.s = np.linspace(begin, x[-1] + z[-1], _NODES)
        place = np.interp(self.s, x + z, x)
        self.state = np.array([place, math.log(2 * (1 - left)) + law.log_density(place)])

    def solve(self, time: float) -> float:
        """Return the work that this side costs, as it is best in the time mu tau."""
        law, s = self.law, self.s

        def rates(s: Floats, state: Floats) -> Floats:
            x, log_p = state
            share = expit(law.log_density(s - x) - log_p)
            return np.array([share, -share * (2 * (2 * x - s) / time + law.slope(x))])

        def ends(first: Floats, last: Floats) -> Floats:
            x, z = last[0], s[-1] - last[0]
            force = (2 * (x - z) / time + law.slope(x)) / law.slope(z)
            return np.array([first[0], np.exp(np.clip(last[1] - law.log_density(z), -9.0, 9.0)) - force])

        found = solve_bvp(rates, ends, s, self.state, tol=_TOLERANCE, max_nodes=50_000)
        if not found.success:
            raise ValueError(f"duration must be longer for the equations to be solved; {found.message}")
        self.state = found.sol(s)
        fine = np.linspace(s[0], s[-1], 2 * _CELLS + 1)
        state = found.sol(fine)
        x, log_p = state
        z = fine - x
        cost = (x - z) ** 2 / time + log_p - law.log_density(x)
        return float(simpson(np.exp(law.log_density(z)) * (1 - rates(fine, state)[0]) * cost, x=fine))
