"""Means over samples of disorder, and which of two scatters their errors come from."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.stats import chi2

from smbook import _checks
from smbook.statistics._series import unit
from smbook.statistics.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_UNLIKELY = 1e-4  # chance that honest errors leave values this close together


class DisorderMean(NamedTuple):
    """Hold a mean over samples of disorder and what its error is made of.

    It prints as its estimate, with the two scatters and the warning, if there is one, in words.

    Attributes
    ----------
    mean
        The mean over samples and its standard error, an `Estimate`.
    between
        The standard deviation of the true values of the samples: the measured scatter less that of the runs.
    within
        The typical (root mean square) error of the value of one sample; nan where no errors were given.
    n_samples
        The number of samples.
    warning
        What is wrong, in words; empty if nothing is.
    """

    mean: Estimate
    between: float
    within: float
    n_samples: int
    warning: str

    def z(self, exact: float) -> float:
        """Return how many standard errors the mean lies above `exact`."""
        return self.mean.z(exact)

    def __repr__(self) -> str:
        parts = [f"spread between them {self.between:.2g}"]
        parts += [] if math.isnan(self.within) else [f"error within one {self.within:.2g}"]
        parts += [f"warning: {self.warning}"] if self.warning else []
        return f"{self.mean!r} over {self.n_samples} samples; {'; '.join(parts)}"


def disorder_mean(values: ArrayLike | Iterable[Estimate], errors: ArrayLike | None = None) -> DisorderMean:
    r"""Return the mean over samples of disorder with its error over samples.

    .. math:: \text{error}^2 = \frac{V}{n}, \qquad V = \frac{1}{n-1} \sum_k (x_k - \bar x)^2
              \simeq \sigma_{\text{between}}^2 + \sigma_{\text{within}}^2

    for n independent samples, each with its value x_k from a run of its own. The scatter of the measured
    values holds both how samples differ and the errors of the runs, so that the error of the mean is honest
    whether or not the errors within samples are known, or right. If they are known they are subtracted, which
    leaves the spread of the samples' true values. That spread does not become smaller with longer runs, and
    in a system that is not self-averaging not with its size either.

    Two things are said in words, as `warning`. Where the error within a sample exceeds the spread between
    samples, the scatter is mostly that of the runs: the mean gains as much from longer runs as from more
    samples, and how samples differ is seen by longer runs only. And where values lie closer together than
    their errors allow (once in 10,000 by chance), either those are too large or the samples are not
    independent.

    Parameters
    ----------
    values
        One value a sample, shape (n,), or n estimates.
    errors
        The standard error of each value within its sample, shape (n,). It is left out where values are exact,
        as with enumeration, or where they are estimates, which bring their own.

    Raises
    ------
    ValueError
        If there are fewer than two samples, shapes differ, or an error is negative.
    TypeError
        If errors are given for values that bring their own.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> truth = rng.normal(0.5, 0.1, size=400)
    >>> disorder_mean(truth + rng.normal(scale=0.02, size=400), np.full(400, 0.02))
    0.4907(47) over 400 samples; spread between them 0.093; error within one 0.02
    >>> noisy = disorder_mean([Estimate(x + rng.normal(scale=0.2), 0.2) for x in truth])
    >>> noisy.warning.partition(":")[0]
    'the error within a sample, 0.2, exceeds the spread between samples, 0.095'
    """
    measured, own = _values_and_errors(values, errors)
    n = measured.size
    scaled, exponent = unit(np.concatenate([measured, own]))
    x, within = scaled[:n], math.sqrt(float(np.mean(scaled[n:] ** 2))) if own.size else math.nan
    variance = float(x.var(ddof=1)) if np.ptp(x) > 0 else 0.0
    between = math.sqrt(max(variance - (within**2 if own.size else 0.0), 0.0))

    def back(number: float) -> float:
        return math.ldexp(number, int(exponent))

    estimate = Estimate(back(float(x.mean())), back(math.sqrt(variance / n)))
    warning = _warning(back(between), back(within), x, scaled[n:]) if own.size else ""
    return DisorderMean(estimate, back(between), back(within), n, warning)


def _values_and_errors(values: Any, errors: Any) -> tuple[Floats, Floats]:
    """Return values and their errors, of which there may be none, as arrays, checked."""
    if not isinstance(values, np.ndarray):
        if not isinstance(values, Iterable):
            raise TypeError(f"values must hold one number a sample; got {values!r}")
        values = list(values)
        if any(isinstance(value, Estimate) for value in values):
            if errors is not None:
                raise TypeError("estimates bring their own errors; leave errors out")
            if not all(isinstance(value, Estimate) for value in values):
                raise TypeError("values must be numbers or estimates; got both")
            values, errors = (list(column) for column in zip(*values, strict=True))
    measured = _checks.reals("values", values)
    if measured.ndim != 1:
        raise ValueError(f"values must be one-dimensional, one a sample; got shape {measured.shape}")
    if measured.size < 2:
        raise ValueError(f"values must come from at least 2 samples; got {measured.size}")
    own = np.empty(0) if errors is None else _checks.reals("errors", errors, minimum=0.0)
    if errors is not None and own.shape != measured.shape:
        raise ValueError(f"errors must have the shape {measured.shape} of the values; got {own.shape}")
    return measured, own


def _warning(between: float, within: float, x: Floats, errors: Floats) -> str:
    """Return what the two scatters say about the runs, or nothing."""
    if errors.min() > 0 and chi2.cdf(_chi_squared(x, errors), x.size - 1) < _UNLIKELY:
        return (
            f"values lie closer together than their errors, {within:.2g}, allow: "
            "the errors are too large, or the samples are not independent"
        )
    if within > between:
        return (
            f"the error within a sample, {within:.2g}, exceeds the spread between samples, {between:.2g}: "
            "what scatters is mostly the noise of the runs, and longer runs, not more samples, show how "
            "samples differ"
        )
    return ""


def _chi_squared(x: Floats, errors: Floats) -> float:
    """Return the squared distances of values from their weighted mean, in units of their errors."""
    weight = (errors.min() / errors) ** 2
    mean = float(weight @ x / weight.sum())
    return float((((x - mean) / errors) ** 2).sum())
