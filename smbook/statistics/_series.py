"""What all estimators do with a series, one number a sweep: check it, take its unit out, cut it into bins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def checked_series(name: str, values: ArrayLike, *, minimum: int = 2) -> Floats:
    """Return `values` as a one-dimensional float64 array of at least `minimum` entries, or raise."""
    series = _checks.reals(name, values)
    if series.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, one number a sweep; got shape {series.shape}")
    if series.size < minimum:
        raise ValueError(f"{name} must hold at least {minimum} entries; got {series.size}")
    return series


def bins_of(n: int, n_bins: int) -> NDArray[np.intp]:
    """Return the bin 0 ... n_bins - 1 of each of n entries, as equal and contiguous as can be, or raise."""
    count = _checks.integer("n_bins", n_bins, minimum=2)
    if n < 2 * count:
        raise ValueError(f"a series of {n} entries is too short for {count} bins of at least 2")
    return np.arange(n) * count // n


def unit(values: Floats) -> tuple[Floats, NDArray[np.intc]]:
    """Return the values in a unit 2^e in which the largest along the last axis is near 1, and e.

    Squares of numbers below 1e-162 are 0 and of those above 1e154 infinite. In this unit no sum or square
    that matters is; and a power of 2 rounds nothing, so that ordinary numbers come out the same to the bit.
    """
    exponent = np.frexp(np.abs(values).max(axis=-1))[1]
    return np.ldexp(values, -exponent[..., None]), exponent


def scatter(values: Floats, *, ddof: int = 0) -> Floats:
    """Return the standard deviation over the first axis, in whatever unit the values are."""
    scaled, exponent = unit(values.T)
    return np.asarray(np.ldexp(scaled.std(axis=-1, ddof=ddof), exponent).T)


def spread(left_out: Floats) -> Floats:
    """Return the jackknife error sqrt((B-1)/B sum_k (x_k - mean)^2) over the first axis."""
    return np.asarray(np.sqrt(left_out.shape[0] - 1) * scatter(left_out))
