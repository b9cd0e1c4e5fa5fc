"""Equality of results that hold arrays: named tuples compare as tuples do, which an array makes ambiguous."""

from __future__ import annotations

from typing import Any

import numpy as np


def equal(one: tuple[Any, ...], other: object) -> bool:
    """Tell whether `other` is a tuple of the same numbers, arrays of them in the same shapes.

    A nan stands for what there is none of, and equals itself.
    """
    return isinstance(other, tuple) and len(one) == len(other) and all(map(_same, one, other))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind == "f")
    return bool(one == other) or (one != one and other != other)
