"""Simulations of learning in time: deep linear networks, soft committees, Langevin learning, wide networks.

Each is held against the closed forms and integrated equations of `smbook.theory.dynamics`.
"""

from __future__ import annotations

from smbook.dynamics.linear_networks import LinearTraining, linear_network, train_linear

__all__: list[str] = [
    "LinearTraining",
    "linear_network",
    "train_linear",
from smbook.dynamics.committee import (
    CommitteeOverlaps,
    CommitteeTraining,
    committee,
    committee_at,
    committee_overlaps,
    specialize,
    train_committee,
)

__all__: list[str] = []
__all__ += [
    "CommitteeOverlaps",
    "CommitteeTraining",
    "committee",
    "committee_at",
    "committee_overlaps",
    "specialize",
    "train_committee",
]
