"""Learning in time, exactly: modes, order parameters, the jump of signs, tangent kernels and p-spins."""

from __future__ import annotations

from smbook.theory.dynamics.neural_tangent import (
    arc_cosine,
    lazy_outputs,
    lazy_predictions,
    nngp_kernel,
    tangent_kernel,
)

__all__: list[str] = [
    "arc_cosine",
    "lazy_outputs",
    "lazy_predictions",
    "nngp_kernel",
    "tangent_kernel",
]
