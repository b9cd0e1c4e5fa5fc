"""Checks of what all parts of `smbook.diffusion` take: times and points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smbook import _checks
from smbook._runs import UPDATES_PER_CALL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

Floats = NDArray[np.float64]

SHORTEST, LONGEST = 1e-12, 350.0  # times; e^-2t is a normal number until then
LARGEST = 1e100  # of a coordinate, whose square divided by the least noise is a float

# An equal seed draws data, noise and a reversed run each from numbers of their own.
DATA_APART, NOISE_APART, REVERSE_APART = 5, 6, 7


def checked_time(name: str, value: Any, *, shortest: float = SHORTEST) -> float:
    """Return a time as a float, or raise if it is not from `shortest` to `LONGEST`."""
    t = _checks.real(name, value)
    if not shortest <= t <= LONGEST:
        raise ValueError(f"{name} must be a time from {shortest:g} to {LONGEST:g}; got {t!r}")
    return t


def checked_points(name: str, values: ArrayLike, n_dimensions: int | None = None) -> Floats:
    """Return points (m, d) as a contiguous float64 array of their own, or raise."""
    points = _checks.reals(name, values)
    wanted = "d" if n_dimensions is None else n_dimensions
    if points.ndim != 2 or not points.shape[1] or n_dimensions not in (None, points.shape[1]):
        raise ValueError(f"{name} must be rows of {wanted} coordinates, (m, {wanted}); got {points.shape}")
    return np.ascontiguousarray(within_reach(name, points))


def within_reach(name: str, values: Floats) -> Floats:
    """Return `values`, or raise if squares of them would overflow."""
    if (np.abs(values) > LARGEST).any():
        raise ValueError(f"{name} must be at most {LARGEST:g} in size; got {np.abs(values).max():g}")
    return values


def parts(count: int, n_dimensions: int) -> Iterator[slice]:
    """Part rows so that between the calls of a kernel, each with normal numbers to draw, Ctrl-C is heard."""
    size = max(1, UPDATES_PER_CALL // 4 // n_dimensions)
    return (slice(first, min(first + size, count)) for first in range(0, count, size))
