"""Numba kernels: in place, no allocation, no exceptions, the same bits on every processor.

`kernel` is the one decorator for them: compiled on first call, kept on disk, free of the interpreter lock,
and with NumPy's error model, so that a division makes no branch that raises. Floating point stays strict
(no fastmath, no fused multiply-add), because a browser has to give the same bits.
"""

from __future__ import annotations

from numba import njit

kernel = njit(cache=True, nogil=True, error_model="numpy")
