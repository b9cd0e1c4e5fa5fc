"""Checks of arguments, made before anything is touched; each error names the argument and its value."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


LARGEST = 2**63 - 1


def integer(name: str, value: Any, *, minimum: int, maximum: float = LARGEST) -> int:
    """Return `value` as an int, or raise if it is no whole number (a bool is none) or out of range."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer; got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer; got {value!r}") from None
    if number < minimum:
        raise ValueError(f"{name} must be at least {minimum}; got {number}")
    if number > maximum:
        raise ValueError(f"{name} must be at most {maximum}; got {number}")
    return number


def integers(
    name: str, values: ArrayLike, *, minimum: int = -LARGEST, maximum: int = LARGEST
) -> NDArray[np.int64]:
    """Return `values` as an int64 array, in which sums and differences do not wrap, or raise as `integer`."""
    if _masked(values):
        raise TypeError(f"{name} must hold integers; got a masked array")
    try:
        array = np.asarray(values)
    except ValueError:
        raise TypeError(f"{name} must hold integers in rows of one length; got {values!r}") from None
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers; got dtype {array.dtype}")
    if array.size and array.min() < minimum:
        raise ValueError(f"{name} must be at least {minimum}; got {array.min()}")
    if array.size and array.max() > maximum:
        raise ValueError(f"{name} must be at most {maximum}; got {array.max()}")
    return array.astype(np.int64)


def real(name: str, value: Any, *, minimum: float = -math.inf, maximum: float = math.inf) -> float:
    """Return `value` as a float, or raise if it is not one finite real number, or out of range."""
    kind = np.asarray(value, dtype=None if hasattr(value, "dtype") else object)
    if (
        kind.ndim != 0
        or kind.dtype.kind not in "iufO"
        or isinstance(value, (bool, str, bytes))
        or _masked(value)
    ):
        raise TypeError(f"{name} must be a real number; got {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a real number; got {value!r}") from None
    except OverflowError:
        raise ValueError(f"{name} must be finite; got a number beyond the range of a float") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite; got {number}")
    if number < minimum:
        raise ValueError(f"{name} must be at least {minimum:g}; got {number}")
    if number > maximum:
        raise ValueError(f"{name} must be at most {maximum:g}; got {number}")
    return number


def positive(name: str, value: Any) -> float:
    """Return `value` as a float, or raise if it is not one finite real number above 0."""
    number = real(name, value)
    if number <= 0.0:
        raise ValueError(f"{name} must be positive; got {number}")
    return number


def share_below_one(name: str, value: Any) -> float:
    """Return `value` as a float, or raise if it is no real number from 0 to below 1."""
    number = real(name, value, minimum=0.0)
    if number >= 1.0:
        raise ValueError(f"{name} must be below 1; got {number}")
    return number


def reals(name: str, values: ArrayLike, *, minimum: float = -math.inf) -> NDArray[np.float64]:
    """Return `values` as a float64 array, or raise if an entry is no finite real of at least `minimum`."""
    if _masked(values):
        raise TypeError(f"{name} must hold real numbers; got a masked array")
    try:
        array = np.asarray(values)
    except ValueError:
        raise TypeError(f"{name} must hold real numbers in rows of one length; got {values!r}") from None
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers; got dtype {array.dtype}")
    with np.errstate(over="ignore"):  # of numbers with a longer exponent
        array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got {array[~np.isfinite(array)].flat[0]}")
    if (array < minimum).any():
        raise ValueError(f"{name} must be at least {minimum:g}; got {array.min()}")
    return array


def _masked(values: Any) -> bool:
    """Tell whether `values` is a masked array, whose mask would be lost."""
    return isinstance(values, np.ma.MaskedArray)


def lattice_shape(shape: int | Iterable[int], *, dimensions: tuple[int, ...] = (1, 2, 3)) -> tuple[int, ...]:
    """Return `shape` as a tuple of side lengths of at least 2; a plain integer is a chain."""
    scalar = isinstance(shape, str) or not isinstance(shape, Iterable) or getattr(shape, "ndim", 1) == 0
    sides = (shape,) if scalar else tuple(shape)  # type: ignore[arg-type]
    if len(sides) not in dimensions:
        expected = " or ".join(str(dimension) for dimension in dimensions)
        raise ValueError(f"shape must have {expected} sides; got {len(sides)}: {shape!r}")
    lengths = tuple(integer("each side of shape", side, minimum=-LARGEST) for side in sides)
    if 0 in lengths:
        raise ValueError(f"shape must not have a side of zero length; got {lengths}")
    if 1 in lengths:
        raise ValueError(f"a side of 1 couples a spin to itself; drop it from the shape {lengths}")
    if min(lengths) < 2:
        raise ValueError(f"each side of shape must be at least 2; got {min(lengths)} in {lengths}")
    if math.prod(lengths) > LARGEST:
        raise ValueError(f"shape must have at most 2**63 - 1 sites; got {lengths}")
    return lengths


def choice(name: str, value: Any, options: Iterable[str]) -> str:
    """Return `value` if it is one of `options`, or raise with the list of them."""
    known = tuple(options)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}; got {value!r}")
    return value
