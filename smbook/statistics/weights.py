"""The logarithm of a mean of weights that are known by their logarithms, and how many of them count."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class LogMean(NamedTuple):
    """Hold the logarithm of a mean weight, its standard error, and the number of weights that count.

    Attributes
    ----------
    value
        ln of the mean of the weights.
    error
        The standard error of that mean, relative to it; inf for a single weight. Where a few weights outdo
        all others it is too small.
    effective
        (sum w)^2 / sum w^2, from 1 to the number of weights (Kish 1965).
    """

    value: float
    error: float
    effective: float


def log_mean(log_weights: ArrayLike) -> LogMean:
    r"""Return the logarithm of the mean of independent weights, from their logarithms.

    .. math:: \ln \frac1n \sum_i e^{l_i}, \qquad
              n_{eff} = \frac{(\sum_i e^{l_i})^2}{\sum_i e^{2 l_i}}

    The mean of the weights is free of bias, its logarithm is not: it lies below the truth, by half the
    squared error in the leading order. Free energies from works (Jarzynski) and partition functions by
    annealed importance sampling are this same mean.

    Parameters
    ----------
    log_weights
        Logarithms l of the weights, (n,), n at least 1.

    Raises
    ------
    TypeError, ValueError
        If the logarithms are no row of finite real numbers, or if there are none.

    References
    ----------
    Kish (1965) for the effective number.

    Examples
    --------
    >>> value, error, effective = log_mean([-1000.0, -1000.0, -1000.0 + 0.5])
    >>> round(value, 4), round(error, 4), round(effective, 4)
    (-999.8042, 0.1778, 2.8216)
    """
    logs = _checks.reals("log_weights", log_weights)
    if logs.ndim != 1 or logs.size == 0:
        raise ValueError(f"log_weights must be a row of at least one number; got the shape {logs.shape}")
    largest = logs.max()
    relative = np.exp(logs - largest)
    error = (
        float(relative.std(ddof=1) / relative.mean() / math.sqrt(logs.size)) if logs.size > 1 else math.inf
    )
    effective = float(relative.sum() ** 2 / (relative**2).sum())
    return LogMean(float(largest + math.log(relative.mean())), error, effective)
