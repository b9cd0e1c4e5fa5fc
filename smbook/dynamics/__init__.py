"""Simulations of learning in time: deep linear networks, soft committees, Langevin learning, wide networks.

Each is held against the closed forms and integrated equations of `smbook.theory.dynamics`.
"""

from __future__ import annotations

from smbook.dynamics.p_spin import (
    CriticalPoints,
    Descent,
    SphericalPSpin,
    critical_points,
    descend,
    spherical_p_spin,
)
from smbook.dynamics.wide_networks import (
    WideNetwork,
    WideTraining,
    empirical_kernel,
    outputs,
    train_network,
    wide_network,
)

__all__: list[str] = [
    "CriticalPoints",
    "Descent",
    "SphericalPSpin",
    "WideNetwork",
    "WideTraining",
    "critical_points",
    "descend",
    "empirical_kernel",
    "outputs",
    "spherical_p_spin",
    "train_network",
    "wide_network",
]
