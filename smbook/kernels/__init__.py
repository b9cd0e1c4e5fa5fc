"""Numba kernels: in place, no allocation, no exceptions, the same bits on every processor.

`kernel` is the decorator for them; `kernel_apart` for those whose arrays never overlap.
"""

from __future__ import annotations

from smbook.kernels._jit import kernel, kernel_apart

__all__ = ["kernel", "kernel_apart"]
