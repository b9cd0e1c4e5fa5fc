"""Random vectors of mean 0 and covariance 1, and operators of any kind that multiply them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from smbook.kernels.rng import seed_state
from smbook.landscape import _vectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness

    Reals = NDArray[np.float64]

KINDS = ("rademacher", "gaussian")

_ENTRIES = 2**22  # of the vectors that are multiplied at once


def checked_operator(operator: Any) -> tuple[Callable[[NDArray[Any]], Reals], int, np.dtype[Any]]:
    """Return the products with columns (n, k), in float64, with n and the dtype of the columns, or raise."""
    shape = getattr(operator, "shape", None)
    if shape is None or not hasattr(operator, "__matmul__") or isinstance(operator, np.ma.MaskedArray):
        raise TypeError(f"operator must have a shape and products by @; got {type(operator).__name__}")
    if len(shape) != 2 or shape[0] != shape[1] or not shape[0]:
        raise ValueError(f"operator must be square, with at least one row; got the shape {tuple(shape)}")
    if isinstance(operator, torch.Tensor):
        operator = _vectors.to_array(operator)
    known = np.dtype(getattr(operator, "dtype", None) or np.float64)
    if known.kind not in "iuf":
        raise TypeError(f"operator must be real; got dtype {known}")

    def times(columns: NDArray[Any]) -> Reals:
        found = np.asarray(operator @ columns, dtype=np.float64)
        if not np.isfinite(found).all():
            raise ValueError(f"operator must have finite products; got {found[~np.isfinite(found)].flat[0]}")
        return found

    return times, int(shape[0]), np.dtype(np.float32 if known == np.float32 else np.float64)


def generator(rng: Randomness) -> np.random.Generator:
    """Return the generator that `rng` means, or raise if it means none."""
    return np.random.default_rng(seed_state(rng))


def draw(random: np.random.Generator, kind: str, n: int, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return probes as columns (n, count): fair signs from single bits, or standard normal numbers."""
    if kind == "gaussian":
        return random.standard_normal((count, n)).astype(dtype, copy=False).T
    packed = np.frombuffer(random.bytes(count * (-(-n // 8))), dtype=np.uint8).reshape(count, -1)
    signs = np.unpackbits(packed, axis=1, count=n).astype(dtype)
    signs *= 2
    signs -= 1
    return signs.T


def blocks(n: int, count: int) -> list[int]:
    """Return how many of `count` vectors of n entries to multiply at once, time after time."""
    size = max(1, min(count, _ENTRIES // n))
    return [min(size, count - start) for start in range(0, count, size)]
