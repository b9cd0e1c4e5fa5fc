"""Times, lengths and deviations, checked, and the variance of a Gaussian in noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats


SHORTEST, LONGEST = 1e-12, 350.0  # times; e^-2t is a normal number until then
LARGEST = 1e100  # of a length, whose square divided by the least noise is a float


def gaussian_variance(times: Floats | float, deviation: float) -> Floats:
    return np.asarray(
        deviation * deviation * np.exp(-2 * np.asarray(times)) - np.expm1(-2 * np.asarray(times))
    )


def checked_time(name: str, value: float, *, shortest: float = SHORTEST) -> float:
    t = _checks.real(name, value)
    if not shortest <= t <= LONGEST:
        raise ValueError(f"{name} must be a time from {shortest:g} to {LONGEST:g}; got {t!r}")
    return t


def checked_times(values: ArrayLike, *, shortest: float = 0.0) -> Floats:
    times = _checks.reals("t", values)
    wrong = ~((times >= shortest) & (times <= LONGEST))
    if wrong.any():
        raise ValueError(f"t must be times from {shortest:g} to {LONGEST:g}; got {times[wrong].flat[0]}")
    return times


def checked_deviation(value: float) -> float:
    s = _checks.positive("deviation", value)
    if not 1 / LARGEST <= s <= LARGEST:
        raise ValueError(f"deviation must be from {1 / LARGEST:g} to {LARGEST:g}; got {s}")
    return s


def checked_length(name: str, value: float) -> float:
    return _checks.real(name, value, minimum=0.0, maximum=LARGEST)


def checked_lengths(name: str, values: ArrayLike) -> Floats:
    return at_most(name, _checks.reals(name, values, minimum=0.0), LARGEST)


def reach(name: str, values: ArrayLike) -> Floats:
    return at_most(name, _checks.reals(name, values), LARGEST)


def at_most(name: str, values: Floats, most: float) -> Floats:
    if (np.abs(values) > most).any():
        raise ValueError(f"{name} must be at most {most:g} in size; got {np.abs(values).max():g}")
    return values


def broadcast(**arrays: Floats) -> tuple[Floats, Floats]:
    """Return two arrays in one shape, or raise with their names."""
    one, other = arrays.values()
    try:
        one, other = np.broadcast_arrays(one, other)
    except ValueError:
        raise ValueError(
            f"{' and '.join(arrays)} must broadcast; got {one.shape} and {other.shape}"
        ) from None
    return one, other
