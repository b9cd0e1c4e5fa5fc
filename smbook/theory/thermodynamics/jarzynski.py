"""How far few runs mislead Jarzynski's equality, and how certain a current can be for what it dissipates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks
from smbook.theory._shared import Values, plain
from smbook.theory.thermodynamics._arguments import one_shape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_WIDEST = 30.0
_STEP = 0.25  # of trapezoidal sums over functions that are analytic within pi / 2 of the real axis
_ROWS = 500
_FAINT = 1e-5  # relative variance of the mean weight, below which a series has ten digits


def jarzynski_bias(n_samples: ArrayLike, sd: ArrayLike) -> Values:
    r"""Return by how much a free energy from few works is too high on average; the works are Gaussian.

    .. math:: B = -\left\langle \ln \frac1n \sum_{i=1}^n e^{\sigma x_i - \sigma^2 / 2} \right\rangle
                = \int_{-\infty}^\infty du \left[\varphi(e^u / n)^n - e^{-e^u}\right], \qquad
              \varphi(s) = \int Dx \, e^{-s \exp(\sigma x - \sigma^2 / 2)}

    in units of k_B T, for n works with the standard deviation sigma, which dissipate sigma^2 / 2 on average.
    A single work is wrong by all of this. For n beyond e^(sigma^2) the bias is
    (e^(sigma^2) - 1) / (2 n), and as long as n is below it the equality is of little use.

    Parameters
    ----------
    n_samples
        n, from 1 to 1e15, any shape.
    sd
        sigma, from 0 to 30, in units of k_B T, of a shape that broadcasts with n.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if the shapes do not broadcast.

    References
    ----------
    Jarzynski (1997); Gore, Ritort and Bustamante (2003) for the bias.

    Examples
    --------
    >>> jarzynski_bias([1, 10, 100, 1000], 2.0).round(6)
    array([2.      , 0.529541, 0.116489, 0.019429])
    """
    counts = _checks.integers("n_samples", n_samples, minimum=1, maximum=10**15).astype(np.float64)
    spread = _checks.reals("sd", sd, minimum=0.0)
    if (spread > _WIDEST).any():
        raise ValueError(f"sd must be at most {_WIDEST:g}; got {spread.max()}")
    counts, spread = one_shape(n_samples=counts, sd=spread)
    found = [_bias(n, s) for n, s in zip(counts.ravel().tolist(), spread.ravel().tolist(), strict=True)]
    return plain(np.reshape(np.array(found, dtype=np.float64), counts.shape))


def uncertainty_bound(entropy_production: ArrayLike) -> Values:
    r"""Return the least relative variance of a current in a stationary state that produces an entropy.

    .. math:: \frac{\operatorname{Var} J}{\langle J \rangle^2} \ge \frac{2}{\Sigma}

    with the entropy production Sigma of the same time, in units of k_B: who wants a clock, or a motor, that
    is exact to a relative error r has to dissipate 2 k_B T / r^2. It holds for Markov processes in continuous
    time and overdamped diffusions, in a stationary state.

    Parameters
    ----------
    entropy_production
        Sigma, in units of k_B, positive, any shape.

    Raises
    ------
    TypeError, ValueError
        If the entropy production does not hold positive real numbers.

    References
    ----------
    Barato and Seifert (2015); Gingrich, Horowitz, Perunov and England (2016) for the proof.

    Examples
    --------
    >>> uncertainty_bound(20_000.0)  # a clock that is exact to a percent
    0.0001
    """
    entropy = _checks.reals("entropy_production", entropy_production)
    if (entropy < 1e-300).any():
        raise ValueError(f"entropy_production must be at least 1e-300; got {entropy.min()}")
    return plain(2 / entropy)


def _bias(n: float, sd: float) -> float:
    if sd == 0:
        return 0.0
    if n == 1:
        return sd * sd / 2
    spread = math.expm1(min(sd * sd, 1.0)) / n
    if sd <= 1 and spread < _FAINT:
        return spread / 2 + (0.75 * spread - _third(sd) / n) * spread
    high = max(5.0, math.log(n) + sd * sd / 2 + 9.5 * sd)
    u = np.arange(-40.0, high + _STEP, _STEP)
    powers = np.concatenate([_log_power(part, n, sd) for part in np.array_split(u, u.size // _ROWS + 1)])
    # both terms are 1 to the left, and small differences of them come from the powers
    return max(_STEP * float((np.expm1(powers) - np.expm1(-np.exp(np.minimum(u, 10.0)))).sum()), 0.0)


def _third(sd: float) -> float:
    """Return a third of the third moment of a weight less its mean, over its variance v, (v + 3) v / 3."""
    v = math.expm1(sd * sd)
    return (v + 3) * v / 3


def _log_power(u: Floats, n: float, sd: float) -> Floats:
    """Return n ln phi(e^u / n)."""
    step = min(0.3, _STEP / sd)
    x = np.arange(-10.0, sd + 10.0 + step, step)
    weight = step * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    depth = np.exp(np.minimum(u[:, np.newaxis] - math.log(n) + sd * x - sd * sd / 2, 7.0))
    missing = -np.expm1(-depth) @ weight
    rest = np.exp(-depth) @ weight
    logs = np.where(missing < 0.5, np.log1p(-np.minimum(missing, 0.5)), np.log(np.maximum(rest, 1e-300)))
    return np.asarray(np.maximum(n * logs, -700.0))
