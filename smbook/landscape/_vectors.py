"""Flat vectors that come as NumPy arrays or torch tensors: checked, taken to the model, and given back."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

Vector = TypeVar("Vector", "NDArray[Any]", torch.Tensor)


@contextlib.contextmanager
def differentiated() -> Iterator[None]:
    """Have torch note how to differentiate, also where the caller has told it not to."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def to_tensor(
    name: str, values: Any, n: int, dtype: torch.dtype, device: torch.device, *, columns: bool = False
) -> torch.Tensor:
    """Return an array or a tensor of shape (n,), or (n, k) if `columns`, as a tensor of the model, or raise.

    What comes from an array is a copy; a tensor that is of the model's kind already is not copied.
    """
    if isinstance(values, torch.Tensor):
        real = values.is_floating_point()
    elif isinstance(values, np.ndarray) and not isinstance(values, np.ma.MaskedArray):
        real = values.dtype.kind == "f"
    else:
        raise TypeError(f"{name} must be a NumPy array or a torch tensor; got {type(values).__name__}")
    if not real:
        raise TypeError(f"{name} must hold floating-point numbers; got dtype {values.dtype}")
    if values.ndim not in ((1, 2) if columns else (1,)) or values.shape[0] != n:
        shapes = f"({n},) or ({n}, k)" if columns else f"({n},)"
        raise ValueError(f"{name} must have the shape {shapes}; got {tuple(values.shape)}")
    if not isinstance(values, torch.Tensor):
        values = torch.from_numpy(np.array(values, dtype=np.float32 if values.itemsize <= 4 else np.float64))
    tensor: torch.Tensor = values.detach().to(device=device, dtype=dtype)
    # A finite sum has finite terms, and is far cheaper than to look at each.
    if not (math.isfinite(tensor.sum().item()) or torch.isfinite(tensor).all()):
        wrong = values[~torch.isfinite(tensor).to(values.device)]
        raise ValueError(f"{name} must be finite in {dtype}; got {wrong[0].item()}")
    return tensor


def to_array(tensor: torch.Tensor) -> NDArray[Any]:
    """Return a tensor as an array of its dtype, or of float32 if NumPy has no such dtype."""
    plain = tensor.detach().cpu()
    return np.asarray((plain.float() if plain.dtype is torch.bfloat16 else plain).numpy())


def like(tensor: torch.Tensor, given: Any) -> Any:
    """Return a result as what was given is: a tensor on its device, else an array."""
    return tensor.to(given.device) if isinstance(given, torch.Tensor) else to_array(tensor)


def flat(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return one vector of all entries."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])
