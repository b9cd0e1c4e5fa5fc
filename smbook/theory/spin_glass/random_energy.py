"""The random energy model: independent levels, solved by counting, in the limit and at any finite size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, Values, columns, inverse_temperatures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

TEMPERATURE = 1 / (2 * math.sqrt(math.log(2)))
GROUND_ENERGY = -math.sqrt(math.log(2))

_MOST_SPINS = (
    900  # the lowest of 2^900 levels lies 35 standard deviations down, where the density is a number
)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_N_PANELS = 82
_FROM, _TO = -37.0, 4.0  # where 1 - exp(-exp(v)) is neither exp(v) nor 1


class RandomEnergy(NamedTuple):
    """Hold the random energy model in the limit of many spins, per spin, and its participation ratio.

    Attributes
    ----------
    free_energy
        The free energy f.
    energy
        The energy e.
    entropy
        The entropy s = (e - f) / T.
    specific_heat
        The specific heat de / dT; at the transition its value below, 0.
    participation
        The mean of Y = sum_a w_a^2, the chance that two replicas sit in the same level of weight w_a.
    participation_variance
        The variance of Y over samples. It does not vanish below the transition: Y is not self-averaging.
    """

    free_energy: Values
    energy: Values
    entropy: Values
    specific_heat: Values
    participation: Values
    participation_variance: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class FiniteRandomEnergy(NamedTuple):
    """Hold averages over samples of the random energy model of N spins, per spin.

    Attributes
    ----------
    free_energy
        The quenched free energy -T E[ln Z] / N.
    annealed_free_energy
        -T ln E[Z] / N, which is lower.
    energy
        The energy, averaged over the levels and over samples.
    entropy
        The entropy, averaged over samples.
    participation
        The mean of Y = sum_a w_a^2, the chance that two replicas sit in the same level of weight w_a.
    """

    free_energy: Values
    annealed_free_energy: Values
    energy: Values
    entropy: Values
    participation: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class LowestLevel(NamedTuple):
    """Hold the mean and the standard deviation over samples of the lowest level, per spin."""

    energy: float
    deviation: float


def random_energy_model(beta: ArrayLike) -> RandomEnergy:
    """Return the random energy model in the limit of many spins (Derrida 1980, 1981).

    2^N independent levels have Gaussian energies of mean 0 and variance N / 2, as those of the SK model have.
    exp(N s(e)) of them lie at the energy e per spin, s(e) = ln 2 - e^2, down to e = -sqrt(ln 2), where they
    end. Above T_c = 1 / (2 sqrt(ln 2)) f = -T ln 2 - 1 / 4T and e = -1 / 2T; below all is frozen, f = e =
    -sqrt(ln 2), and with m = T / T_c the mean of Y is 1 - m and its variance m (1 - m) / 3.

    `beta` may be an array, and inf, which is T = 0.

    Examples
    --------
    >>> hot, cold = random_energy_model(1 / 0.8), random_energy_model(1 / 0.3)
    >>> round(hot.free_energy, 6), round(cold.free_energy, 6), round(cold.participation, 6)
    (-0.867018, -0.832555, 0.500467)
    """
    betas = inverse_temperatures(beta)
    records = [_limit(value) for value in betas.ravel().tolist()]
    return RandomEnergy(*columns(records, betas, len(RandomEnergy._fields)))


def _limit(beta: float) -> tuple[float, ...]:
    temperature, ln2 = 1 / beta, math.log(2)
    if temperature > TEMPERATURE:
        heat = beta * beta / 2
        return -temperature * ln2 - beta / 4, -beta / 2, ln2 - beta * beta / 4, heat, 0.0, 0.0
    m = temperature / TEMPERATURE
    lowest = GROUND_ENERGY
    return lowest, lowest, 0.0, 0.0, 1 - m, m * (1 - m) / 3


def random_energy_model_finite(n: int, beta: ArrayLike) -> FiniteRandomEnergy:
    r"""Return exact averages over samples of the random energy model of n spins, M = 2^n levels.

    .. math:: E \ln Z = \int_0^\infty \frac{dt}{t} [e^{-t} - \varphi(t)^M], \qquad
              E[Y] = M \int_0^\infty t\,dt\, E_\epsilon[e^{-2\beta\epsilon} e^{-t e^{-\beta\epsilon}}]\,
              \varphi(t)^{M-1}

    with phi(t) = E exp(-t exp(-beta epsilon)) of one level epsilon. The energy follows from E[Y], as the
    levels are Gaussian: it is -(beta / 2) (1 - E[Y]). Corrections to the limit are of order ln(n) / n: at
    n = 20 the free energy is still 7 % away from it at T = 0.3.

    `beta` may be an array, and inf. Free energies, energies and E[Y] are good to some 1e-13 and the entropy,
    their difference, to 1e-13 / T. Raises ValueError for n > 900.

    Examples
    --------
    >>> exact = random_energy_model_finite(20, 1 / 0.3)
    >>> round(exact.free_energy, 6), round(exact.participation, 6)
    (-0.777761, 0.543566)
    """
    size = _checks.integer("n", n, minimum=1, maximum=_MOST_SPINS)
    betas = inverse_temperatures(beta)
    records = [_finite(size, value) for value in betas.ravel().tolist()]
    return FiniteRandomEnergy(*columns(records, betas, len(FiniteRandomEnergy._fields)))


def random_energy_ground_state(n: int) -> LowestLevel:
    """Return the mean of the lowest of 2^n levels and its standard deviation over samples, per spin.

    For large n the mean is -sqrt(ln 2) + (ln(4 pi n ln 2) - 2 gamma) / (4 n sqrt(ln 2)), with Euler's gamma
    = 0.5772. Raises ValueError for n > 900.

    Examples
    --------
    >>> lowest = random_energy_ground_state(20)
    >>> round(lowest.energy, 7), round(lowest.deviation, 4)
    (-0.7703773, 0.0391)
    """
    size = _checks.integer("n", n, minimum=1, maximum=_MOST_SPINS)
    x = np.arange(-39.0, 39.0, 1 / 64)
    weight = 2.0**size * np.exp(-(x**2) / 2 + (2.0**size - 1) * log_ndtr(-x))
    weight /= weight.sum()
    mean = weight @ x
    deviation = math.sqrt(weight @ (x - mean) ** 2)
    scale = 1 / math.sqrt(2 * size)  # a level is sqrt(n / 2) x
    return LowestLevel(float(mean) * scale, deviation * scale)


def _finite(n: int, beta: float) -> tuple[float, ...]:
    """Return f, the annealed f, e, s and E[Y] at one temperature."""
    if beta == math.inf:
        lowest = random_energy_ground_state(n).energy
        return lowest, -math.inf, lowest, 0.0, 1.0
    log_partition, participation, parted = _quadratures(n, beta * math.sqrt(n / 2))
    free_energy = -log_partition / (n * beta)
    energy = -(beta / 2) * parted
    annealed = -math.log(2) / beta - beta / 4
    return free_energy, annealed, energy, beta * (energy - free_energy), participation


def _quadratures(n: int, width: float) -> tuple[float, float, float]:
    """Return E[ln Z], E[Y] and 1 - E[Y] for levels with beta epsilon of standard deviation `width`.

    With tau = ln t the function phi^M falls from 1 to 0 within some `scale`. Against a step of the same
    scale, exp(-exp((tau - centre) / scale)), it leaves a smooth difference, for which equal steps in tau are
    the best rule.
    """
    n_levels = 2.0**n
    scale = max(1.0, width / math.sqrt(2 * n * math.log(2)))

    def exponent(tau: float) -> float:
        miss = float(_level(np.array([tau]), width)[0][0])
        return -n_levels * math.log1p(-miss) if miss < 1 else math.inf

    far = n * math.log(2) + width**2 / 2
    centre = float(
        brentq(lambda tau: min(exponent(tau), 9.0) - 0.5, -far - 50, 45 * width + 50, xtol=1e-3 * scale)
    )
    low, high = centre - 45 * scale, centre + 5 * scale
    while exponent(low) > 1e-18:
        low -= 5 * scale
    while exponent(high) < 45:
        high += 5 * scale
    step = scale / 8
    tau = np.arange(low, high, step)
    miss, once, twice = _level(tau, width)
    log_phi = np.log1p(-np.minimum(miss, 1 - 1e-16))
    reference = np.exp(-np.exp((tau - centre) / scale))
    difference = float((reference - np.exp(n_levels * log_phi)).sum())
    together = n_levels * float((twice * np.exp((n_levels - 1) * log_phi)).sum())
    apart = (1 - 1 / n_levels) * float(((n_levels * once) ** 2 * np.exp((n_levels - 2) * log_phi)).sum())
    return step * difference - centre + (scale - 1) * np.euler_gamma, step * together, step * apart


def _level(tau: Floats, width: float) -> tuple[Floats, Floats, Floats]:
    """Return E[1 - exp(-e^v)], E[e^v exp(-e^v)] and E[e^(2v) exp(-e^v)] of one level.

    Here v = tau - width x with a unit Gaussian x. Below v = -37 the first two are E[e^v] and above 4 they are
    1 and 0, to rounding; error functions do these parts.
    """
    low = np.clip(tau - 40 * width, _FROM, _TO)
    panel = (np.clip(tau + 40 * width, low, _TO) - low) / _N_PANELS
    edges = low[:, np.newaxis] + panel[:, np.newaxis] * np.arange(_N_PANELS)
    v = (edges[..., np.newaxis] + panel[:, np.newaxis, np.newaxis] * (1 + _NODES) / 2).reshape(tau.size, -1)
    weight = np.exp(-(((tau[:, np.newaxis] - v) / width) ** 2) / 2) / (math.sqrt(2 * math.pi) * width)
    weight *= panel[:, np.newaxis] * np.tile(_WEIGHTS / 2, _N_PANELS)
    factor = np.exp(v)
    beyond = (tau - _FROM) / width + width
    tail = np.exp(tau + width**2 / 2 + log_ndtr(-beyond))
    miss = (weight * -np.expm1(-factor)).sum(axis=1) + ndtr((tau - _TO) / width) + tail
    weight *= factor * np.exp(-factor)
    twice = (weight * factor).sum(axis=1) + np.exp(2 * (tau + width**2) + log_ndtr(-beyond - width))
    return miss, weight.sum(axis=1) + tail, twice
