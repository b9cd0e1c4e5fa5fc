"""Numba kernels: in place, no allocation, no exceptions, the same bits on every processor.

`kernel` is the one decorator for them.
"""

from __future__ import annotations

from smbook.kernels._jit import kernel

__all__ = ["kernel"]
