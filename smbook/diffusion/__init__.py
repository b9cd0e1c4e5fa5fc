"""Noise added as heat, and taken away again: forward and reversed processes, exact and empirical scores.

Time runs from 0, the data, to infinity, where nothing but Gaussian noise is left. The score is the gradient
of the logarithm of the density at time t, by the coordinates.
"""

from __future__ import annotations

__all__: list[str] = [
]
