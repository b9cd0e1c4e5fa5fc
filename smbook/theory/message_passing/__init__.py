"""What messages come to: expansions about independent spins, trees without an end, and the course of AMP."""

from __future__ import annotations

from smbook.theory.message_passing.bethe import (
    BetheLattice,
    Ring,
    bethe_critical_temperature,
    bethe_lattice,
    non_backtracking_radius,
    ring,
)
from smbook.theory.message_passing.plefka import plefka_free_energy
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

__all__ = [
    "BetheLattice",
    "FixedPoints",
    "Ring",
    "StateEvolution",
    "Thresholds",
    "bethe_critical_temperature",
    "bethe_lattice",
    "binary_thresholds",
    "bottleneck_steps",
    "fixed_points",
    "free_entropy",
    "non_backtracking_radius",
    "plefka_free_energy",
    "ring",
    "state_evolution",
]
