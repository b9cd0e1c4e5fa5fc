"""Free energies from the works of many runs that drive a system fast: Jarzynski, Bennett and Crooks.

All works W and free energies are in units of k_B T. A run starts in equilibrium. Annealed importance sampling
is the same thing under another name: the logarithm of a chain's weight is minus the work done on it, and the
ratio of partition functions that its mean weight estimates is exp(-dF).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit, log_expit, logsumexp

from smbook import _checks
from smbook._records import equal
from smbook.statistics import log_mean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Floats = NDArray[np.float64]

_MOST_WORK = 1e300
_LEVEL = 1e-12  # slope, over the range of all works, that is none
_LEAST_COUNT = 10  # of a bin, for its logarithm to be nearly Gaussian


class FreeEnergy(NamedTuple):
    """Hold a difference of free energies, in units of k_B T, as works tell it.

    Attributes
    ----------
    value
        The estimate of dF.
    error
        Its standard error, as the spread of the works says; inf for a single one. Where `effective_samples`
        is small it is too small.
    effective_samples
        How many of the works count: (sum w)^2 / sum w^2, with the weights w that the estimate gives them.
    n_samples
        How many there are.
    mean_work
        Their mean, never below dF in expectation; of `bennett` that of the forward works.
    """

    value: float
    error: float
    effective_samples: float
    n_samples: int
    mean_work: float

    @property
    def dissipated(self) -> float:
        """The mean work beyond the free energy, that is lost as heat: at least 0 but for errors."""
        return self.mean_work - self.value

    def __repr__(self) -> str:
        counted = f"{self.effective_samples:.1f} of {self.n_samples} count"
        return f"FreeEnergy({self.value:.4f} +- {self.error:.4f}, mean work {self.mean_work:.4f}, {counted})"


def jarzynski(work: ArrayLike) -> FreeEnergy:
    r"""Return the free energy from the works of independent runs that begin in equilibrium.

    .. math:: \Delta F = -\ln \frac1n \sum_i e^{-W_i}

    holds for any speed of driving in the limit of many runs. For few the estimate is too high, by half the
    squared error in the leading order, and by much more where the few runs of small work that make up the
    mean have not been seen: `smbook.theory.thermodynamics.jarzynski_bias` is the exact bias for Gaussian
    work. For ln Z by annealed importance sampling, give minus the logarithms of the weights.

    Parameters
    ----------
    work
        W, in units of k_B T, (n,), n at least 1, within 1e300.

    Raises
    ------
    TypeError, ValueError
        If the work is no row of finite real numbers, or if there are none.

    References
    ----------
    Jarzynski (1997); Neal (2001) for annealed importance sampling.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> jarzynski(random.normal(2.0, 1.0, 10_000))  # dF = 2 - 1 / 2
    FreeEnergy(1.4876 +- 0.0133, mean work 1.9891, 3628.9 of 10000 count)
    """
    works = _works("work", work)
    found = log_mean(-works)
    return FreeEnergy(
        0.0 - found.value, found.error, found.effective, works.size, float(works.mean(dtype=np.float64))
    )


def bennett(forward: ArrayLike, reverse: ArrayLike) -> FreeEnergy:
    r"""Return the free energy from works of runs both ways, by Bennett's acceptance ratio.

    .. math:: \sum_{i=1}^{n_F} \frac{1}{1 + e^{M + W_i - \Delta F}} =
              \sum_{j=1}^{n_R} \frac{1}{1 + e^{-M + W_j + \Delta F}}, \qquad M = \ln \frac{n_F}{n_R}

    Of all estimates from both sets this has the least variance, and it needs works that overlap (W forward
    with -W in reverse) rather than the rarest ones. The error is that for many samples.

    Parameters
    ----------
    forward
        Works of runs from A to B that begin in equilibrium at A, in units of k_B T, (n_F,), within 1e300.
    reverse
        Works of runs along the reversed protocol that begin in equilibrium at B, (n_R,).

    Returns
    -------
    FreeEnergy
        dF = F_B - F_A. Its `effective_samples` counts both sets, its `mean_work` is the forward one.

    Raises
    ------
    TypeError, ValueError
        If works are no rows of finite real numbers, or if there are none.

    References
    ----------
    Bennett (1976); Shirts, Bair, Hooker and Pande (2003) for works as data of a maximum likelihood.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> bennett(random.normal(2.0, 1.0, 10_000), random.normal(-1.0, 1.0, 10_000))
    FreeEnergy(1.5009 +- 0.0071, mean work 1.9891, 15975.2 of 20000 count)
    """
    ahead, back = _works("forward", forward), _works("reverse", reverse)
    shift = math.log(ahead.size / back.size)

    def logs(difference: float) -> tuple[Floats, Floats]:
        return log_expit(difference - shift - ahead), log_expit(shift - difference - back)

    def excess(difference: float) -> float:
        one, other = logs(difference)
        return float(logsumexp(one) - logsumexp(other))

    low, high = _bracket(excess, float(np.median(ahead)))
    value = float(brentq(excess, low, high, xtol=1e-13, rtol=1e-14))
    parts = [log_mean(part) for part in logs(value)]
    error = math.hypot(*(part.error for part in parts))
    effective = sum(part.effective for part in parts)
    return FreeEnergy(value, error, effective, ahead.size + back.size, float(ahead.mean()))


class CrooksRatio(NamedTuple):
    """Hold the logarithm of the ratio of two densities of work, and the straight line that it follows.

    Attributes
    ----------
    work
        The middles of the bins in which both kinds of runs have ten works or more, (bins,).
    log_ratio
        ln of the density of W forward over that of -W in reverse there; W - dF by Crooks' theorem.
    error
        Its standard error.
    slope
        That of the straight line that is most likely, given all works; 1 by the theorem.
    slope_error
        Its standard error.
    crossing
        The work at which this line crosses 0: dF; nan if it has no slope.
    crossing_error
        Its standard error.
    """

    work: Floats
    log_ratio: Floats
    error: Floats
    slope: float
    slope_error: float
    crossing: float
    crossing_error: float

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        slope = f"slope {self.slope:.3f} +- {self.slope_error:.3f}"
        crossing = f"crossing {self.crossing:.3f} +- {self.crossing_error:.3f}"
        return f"CrooksRatio({self.work.size} bins, {slope}, {crossing})"


def crooks_ratio(forward: ArrayLike, reverse: ArrayLike, *, n_bins: int = 40) -> CrooksRatio:
    r"""Return how the densities of work forward and in reverse compare.

    .. math:: \ln \frac{p_F(W)}{p_R(-W)} = W - \Delta F

    is a straight line of slope 1, that crosses 0 at dF, where the two densities cross (Crooks 1999). The line
    is found without bins: among works of both ways, one of W is a forward work with the probability
    1 / (1 + exp(-M - a (W - c))), M = ln(n_F / n_R), and a and c are those that make what happened most
    likely. It is a test of works from both ways. As an estimate `bennett`, who knows that a = 1, is better.

    Parameters
    ----------
    forward, reverse
        Works as for `bennett`. Some W must lie beyond some -W of the reverse and some before.
    n_bins
        Bins over the range of all works, for `work` and `log_ratio` only, from 2 to 10,000. Those of width b
        bend the line by b^2 / 24 times the sum of the slopes of both ln p.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if the works do not overlap.

    References
    ----------
    Crooks (1999); Shirts, Bair, Hooker and Pande (2003).

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> crooks_ratio(random.normal(2.0, 1.0, 10_000), random.normal(-1.0, 1.0, 10_000))
    CrooksRatio(21 bins, slope 0.990 +- 0.017, crossing 1.501 +- 0.007)
    """
    ahead, back = _works("forward", forward), -_works("reverse", reverse)
    n_bins = _checks.integer("n_bins", n_bins, minimum=2, maximum=10_000)
    if ahead.min() >= back.max() or ahead.max() <= back.min():
        raise ValueError(
            f"works must overlap; forward ones go from {ahead.min():g} to {ahead.max():g}, "
            f"minus the reverse ones from {back.min():g} to {back.max():g}"
        )
    edges = np.linspace(min(ahead.min(), back.min()), max(ahead.max(), back.max()), n_bins + 1)
    counts = np.array([np.histogram(works, edges)[0] for works in (ahead, back)])
    shared = (counts >= _LEAST_COUNT).all(axis=0)
    counts, middles = counts[:, shared], ((edges[:-1] + edges[1:]) / 2)[shared]
    ratio = np.log(counts[0] / ahead.size) - np.log(counts[1] / back.size)
    return CrooksRatio(middles, ratio, np.sqrt((1 / counts).sum(axis=0)), *_line(ahead, back))


def _line(ahead: Floats, back: Floats) -> tuple[float, float, float, float]:
    """Return slope and crossing with errors of ln(p_F / p_R), by logistic regression."""
    works = np.concatenate([ahead, back])
    centre, unit = float(np.median(works)), float(np.ptp(works / 4)) or 1.0
    columns = np.stack([(works - centre) / unit, np.ones(works.size)])
    signs = np.where(np.arange(works.size) < ahead.size, 1.0, -1.0)
    shift = math.log(ahead.size / back.size)

    def loss(line: Floats) -> float:
        return -float(log_expit(signs * (line @ columns + shift)).sum())

    def gradient(line: Floats) -> Floats:
        return np.asarray(-columns @ (signs * expit(-signs * (line @ columns + shift))))

    def hessian(line: Floats) -> Floats:
        chance = expit(line @ columns + shift)
        return np.asarray((columns * chance * (1 - chance)) @ columns.T)

    found = minimize(loss, np.zeros(2), jac=gradient, hess=hessian, method="trust-exact").x
    spread = np.linalg.inv(hessian(found))
    spread[1, 1] -= 1 / ahead.size + 1 / back.size  # how many there are of each kind was not drawn
    if abs(found[0]) < _LEVEL:
        return 0.0, math.sqrt(float(spread[0, 0])) / unit, math.nan, math.inf
    slope, crossing = float(found[0] / unit), float(centre - found[1] / found[0] * unit)
    lever = np.array([found[1] / found[0], -1.0])
    error = math.sqrt(max(float(lever @ spread @ lever), 0.0)) * unit / abs(float(found[0]))
    return slope, math.sqrt(float(spread[0, 0])) / unit, crossing, error


def _bracket(rising: object, start: float) -> tuple[float, float]:
    """Return two places between which a function that rises through 0 does so."""
    assert callable(rising)
    reach = 1.0
    while rising(start - reach) > 0 or rising(start + reach) < 0:
        reach *= 2
    return start - reach, start + reach


def _works(name: str, work: ArrayLike) -> Floats:
    works = _checks.reals(name, work)
    if works.ndim != 1 or works.size == 0:
        raise ValueError(f"{name} must be a row of at least one work; got the shape {works.shape}")
    if (np.abs(works) > _MOST_WORK).any():
        raise ValueError(f"{name} must be within {_MOST_WORK:g}; got {works[np.abs(works).argmax()]:g}")
    return works
