"""Learning in time, exactly: modes, order parameters, the jump of signs, tangent kernels and p-spins."""

from __future__ import annotations

from smbook.theory.dynamics.linear_networks import (
    Modes,
    TwoLayerMode,
    correlation_modes,
    learning_time,
    mode_strength,
    two_layer_mode,
)

__all__: list[str] = [
    "Modes",
    "TwoLayerMode",
    "correlation_modes",
    "learning_time",
    "mode_strength",
    "two_layer_mode",
]
