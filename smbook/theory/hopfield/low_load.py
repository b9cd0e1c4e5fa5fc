"""A finite number of patterns: retrieval, the mixtures that come with it, and where they are stable."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import (
    Floats,
    Values,
    columns,
    inverse_temperature,
    inverse_temperatures,
    sech_squared,
    spin_entropy,
)
from smbook.theory.hopfield._finite import Entries, reduced, settle, state_of, times

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_MOST_PATTERNS = 14  # 2^13 signs, up to a global one
_LARGEST_MIXTURE = 1000


class Mixture(NamedTuple):
    """Hold a symmetric mixture of n patterns: its overlap with each, its densities, and its stability.

    Attributes
    ----------
    overlap
        The overlap with each of the n patterns.
    energy
        The energy, -n m_n^2 / 2 per spin.
    entropy
        The entropy.
    free_energy
        The free energy.
    transverse
        The eigenvalue of the Hessian of f for every other pattern, 1 - beta (1 - q).
    antisymmetric
        That of directions in which some of the n overlaps grow at the cost of others; inf for n = 1.
    symmetric
        That of the direction in which all n overlaps grow.
    """

    overlap: Values
    energy: Values
    entropy: Values
    free_energy: Values
    transverse: Values
    antisymmetric: Values
    symmetric: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    @property
    def stable(self) -> bool | NDArray[np.bool_]:
        """Tell whether the mixture is a minimum of f, all three eigenvalues positive."""
        lowest = np.minimum(np.minimum(self.transverse, self.antisymmetric), self.symmetric)
        return lowest > 0 if isinstance(lowest, np.ndarray) else bool(lowest > 0)


class LowLoad(NamedTuple):
    """Hold a state at low load: its overlaps, shape (n,), its densities, and the Hessian's eigenvalues.

    `eigenvalues`, shape (n,) and rising, belong to directions within the n patterns; `transverse` belongs to
    every other pattern.
    """

    overlaps: Floats
    energy: float
    entropy: float
    free_energy: float
    eigenvalues: Floats
    transverse: float

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    @property
    def stable(self) -> bool:
        """Tell whether the state is a minimum of f, all eigenvalues positive."""
        return bool(min(self.transverse, self.eigenvalues[0]) > 0)


def mixture(n: int, beta: ArrayLike = math.inf) -> Mixture:
    r"""Return the state that overlaps equally with n of a finite number of patterns (Amit et al. 1985).

    .. math:: m_n = \frac1n \langle S \tanh(\beta m_n S) \rangle, \qquad
              f = \frac{n m_n^2}{2} - T \langle \ln 2\cosh(\beta m_n S) \rangle

    with the sum S of n independent signs. Above T = 1 m_n = 0. With the mean a of 1 / cosh^2(beta m S) and
    the mean c of xi_1 xi_2 / cosh^2(beta m S) the Hessian of f has the eigenvalues 1 - beta a (transverse),
    1 - beta (a - c) (antisymmetric, n - 1 of them) and 1 - beta (a + (n - 1) c) (symmetric). At T = 0
    m_1 = 1, m_2 = m_3 = 1/2, m_4 = m_5 = 3/8, and so on.

    Even mixtures are never stable, and odd ones below `mixture_stability_temperature`. `beta` may be an
    array, and inf. Raises ValueError for n > 1000.

    Examples
    --------
    >>> three = mixture(3)
    >>> three.overlap, three.energy, three.stable
    (0.5, -0.375, True)
    >>> mixture(3, 1 / 0.5).stable
    False
    """
    size = _checks.integer("n", n, minimum=1, maximum=_LARGEST_MIXTURE)
    betas = inverse_temperatures(beta)
    records = [_mixture(size, value) for value in betas.ravel().tolist()]
    return Mixture(*columns(records, betas, len(Mixture._fields)))


def mixture_stability_temperature(n: int) -> float:
    """Return the temperature below which the symmetric mixture of n patterns is a minimum of f, n odd.

    1 for n = 1, which is retrieval. Even mixtures leave some spins without a field and are never stable: a
    ValueError says so (Amit, Gutfreund and Sompolinsky 1985).

    Examples
    --------
    >>> [round(mixture_stability_temperature(n), 6) for n in (1, 3, 5)]
    [1.0, 0.459794, 0.384739]
    """
    size = _checks.integer("n", n, minimum=1, maximum=_LARGEST_MIXTURE)
    if size % 2 == 0:
        raise ValueError(f"n must be odd: an even mixture is stable at no temperature; got {size}")
    if size == 1:
        return 1.0
    return float(brentq(lambda t: _mixture(size, 1 / t)[5], 1e-3, 0.99, xtol=1e-15))


def low_load(weights: ArrayLike, beta: float) -> LowLoad:
    r"""Return the state at low load to which given overlaps with n patterns lead (Amit et al. 1985).

    .. math:: m = \langle \xi \tanh(\beta\, \xi \cdot m) \rangle, \qquad
              f = \tfrac12 m \cdot m - T \langle \ln 2\cosh(\beta\, \xi \cdot m) \rangle

    over the 2^n signs of n patterns. The first equation, as a map, never raises f; it is followed from
    m = `weights` to a minimum, whose digits Newton's method then finds. Overlaps that begin equal, up to
    sign, stay so, and those that begin at 0 too: from (1, 1, 1) one comes to a symmetric mixture also where
    it is not stable. `eigenvalues` and `transverse`, of the Hessian of f, tell that. Where a minimum is flat,
    as next to T = 1, overlaps have fewer digits than f.

    Parameters
    ----------
    weights
        The overlaps to begin with, shape (n,) with n up to 14, for instance (1, 0, 0), not all 0.
    beta
        Inverse temperature, inf for T = 0.

    Raises
    ------
    RuntimeError
        If the search does not converge.

    Examples
    --------
    >>> state = low_load([1, 0.9, 0.9], 1 / 0.4)
    >>> state.overlaps.round(6).tolist(), state.stable
    ([0.452241, 0.452241, 0.452241], True)
    >>> (low_load([1, 0.9, 0.9], 1 / 0.5).overlaps.round(6) + 0).tolist()
    [0.957504, 0.0, 0.0]
    """
    start = _checked_weights(weights)
    value = inverse_temperature(beta)
    bits = np.arange(2 ** (start.size - 1))[:, np.newaxis] >> np.arange(start.size) & 1
    signs = np.asarray(1.0 - 2 * bits, dtype=np.float64)
    entries = Entries(signs, np.full(len(signs), 1 / len(signs)))  # without those that a global sign gives
    m = np.sign(start) * settle(entries, np.abs(start), value)
    transverse = 1 - times(value, float(sech_squared(entries.fields(m, value)).mean()))
    return LowLoad(*state_of(entries, m, value), transverse)


def _mixture(n: int, beta: float) -> tuple[float, ...]:
    """Return the fields of a mixture at one temperature."""
    k = np.arange(n + 1)
    log_weight = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * math.log(2)
    weight: Floats = np.exp(np.asarray(log_weight, dtype=np.float64))
    total = np.asarray(n - 2.0 * k, dtype=np.float64)
    m = _equal_overlap(n, beta, weight, total)
    u = reduced(beta, m * total)
    sech = sech_squared(u)
    along, across = float(weight @ (total**2 * sech)) / n, float(weight @ sech)
    beside = (n * across - along) / (n - 1) if n > 1 else 0.0
    energy, entropy = -n * m * m / 2, float(weight @ spin_entropy(u))
    free_energy = energy - entropy / beta
    antisymmetric = 1 - times(beta, beside) if n > 1 else math.inf
    return m, energy, entropy, free_energy, 1 - times(beta, across), antisymmetric, 1 - times(beta, along)


def _equal_overlap(n: int, beta: float, weight: Floats, total: Floats) -> float:
    """Return m_n; the equation minus m is concave, so that Newton's steps from above fall to the root."""
    m = float(weight @ np.abs(total)) / n
    if beta <= 1:
        return 0.0
    for _ in range(200):
        u = reduced(beta, m * total)
        excess = float(weight @ (total * np.tanh(u))) / n - m
        slope = float(weight @ (u * total * sech_squared(u))) / (n * m) - 1 if beta < math.inf else -1.0
        m -= excess / slope
        if excess > -1e-16:
            return m
    raise RuntimeError(f"no mixture of {n} patterns found at beta={beta}: the search did not converge")


def _checked_weights(weights: ArrayLike) -> Floats:
    start = _checks.reals("weights", weights)
    if start.ndim != 1 or not 1 <= start.size <= _MOST_PATTERNS:
        raise ValueError(f"weights must have shape (n,) with n from 1 to {_MOST_PATTERNS}; got {start.shape}")
    if not start.any():
        raise ValueError(f"weights must not all be 0; got {start.tolist()}")
    return np.asarray(start / np.abs(start).max())
