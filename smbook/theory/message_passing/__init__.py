"""What messages come to: expansions about independent spins, trees without an end, and the course of AMP."""

from __future__ import annotations

from smbook.theory.message_passing.state_evolution import (
    FixedPoints,
    StateEvolution,
    Thresholds,
    binary_thresholds,
    bottleneck_steps,
    fixed_points,
    free_entropy,
    state_evolution,
)

__all__: list[str] = [
    "FixedPoints",
    "StateEvolution",
    "Thresholds",
    "binary_thresholds",
    "bottleneck_steps",
    "fixed_points",
    "free_entropy",
    "state_evolution",
]
