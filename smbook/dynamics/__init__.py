"""Simulations of learning in time: deep linear networks, soft committees, Langevin learning, wide networks.

Each is held against the closed forms and integrated equations of `smbook.theory.dynamics`.
"""

from __future__ import annotations

from smbook.dynamics.wide_networks import (
    WideNetwork,
    WideTraining,
    empirical_kernel,
    outputs,
    train_network,
    wide_network,
)

__all__: list[str] = [
    "WideNetwork",
    "WideTraining",
    "empirical_kernel",
    "outputs",
    "train_network",
    "wide_network",
]
