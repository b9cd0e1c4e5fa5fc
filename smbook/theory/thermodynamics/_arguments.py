"""Positive numbers in arrays of one shape, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_LEAST, _MOST = 1e-100, 1e100  # their squares are normal numbers


def positives(name: str, values: ArrayLike) -> Floats:
    """Return numbers from 1e-100 to 1e100 as an array, or raise."""
    found = _checks.reals(name, values)
    if (found <= 0).any():
        raise ValueError(f"{name} must be positive; got {found.min()}")
    if (found < _LEAST).any() or (found > _MOST).any():
        raise ValueError(f"{name} must be from {_LEAST:g} to {_MOST:g}; got {found.min()} to {found.max()}")
    return found


def within(name: str, values: ArrayLike) -> Floats:
    """Return numbers whose size is at most 1e100 as an array, or raise."""
    found = _checks.reals(name, values)
    if (np.abs(found) > _MOST).any():
        raise ValueError(f"{name} must be within {_MOST:g}; got {found.flat[np.abs(found).argmax()]}")
    return found


def one_shape(**values: Floats) -> list[Floats]:
    """Return arrays in the shape to which they broadcast, or raise."""
    try:
        return list(np.broadcast_arrays(*values.values()))
    except ValueError:
        shapes = ", ".join(str(value.shape) for value in values.values())
        raise ValueError(f"{', '.join(values)} must broadcast; got {shapes}") from None
