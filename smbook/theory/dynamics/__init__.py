"""Learning in time, exactly: modes, order parameters, the jump of signs, tangent kernels and p-spins."""

from __future__ import annotations

from smbook.theory.dynamics.neural_tangent import (
    arc_cosine,
    lazy_outputs,
    lazy_predictions,
    nngp_kernel,
    tangent_kernel,
)
from smbook.theory.dynamics.p_spin import (
    complexity,
    ground_state_energy,
    mean_critical_points,
    saddle_index,
    threshold_energy,
)

__all__: list[str] = [
    "arc_cosine",
    "complexity",
    "ground_state_energy",
    "lazy_outputs",
    "lazy_predictions",
    "mean_critical_points",
    "nngp_kernel",
    "saddle_index",
    "tangent_kernel",
    "threshold_energy",
]
