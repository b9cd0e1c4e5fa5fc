"""Work and heat of driven particles, networks and learners, and what the works say of free energies.

Energies, work and heat are in units of k_B T unless joules are named. Each simulation is held against the
closed forms of `smbook.theory.thermodynamics`.
"""

from __future__ import annotations

from smbook.thermodynamics.learning import (
    LearnedInBath,
    MeasuredBalance,
    OneWeightLearning,
    learn_in_bath,
    one_weight_learning,
)
from smbook.thermodynamics.networks import DrivenNetwork, drive_network
from smbook.thermodynamics.particles import (
    Driven,
    Protocol,
    drive_particles,
    equilibrium,
    erasure,
    free_energy,
    moving_trap,
    share_right,
    stiffening_trap,
    trap_protocol,
)
from smbook.thermodynamics.works import CrooksRatio, FreeEnergy, bennett, crooks_ratio, jarzynski

__all__ = [
    "Driven",
    "Protocol",
    "drive_particles",
    "equilibrium",
    "erasure",
    "free_energy",
    "moving_trap",
    "share_right",
    "stiffening_trap",
    "trap_protocol",
]

__all__ += [
    "CrooksRatio",
    "DrivenNetwork",
    "FreeEnergy",
    "LearnedInBath",
    "MeasuredBalance",
    "OneWeightLearning",
    "bennett",
    "crooks_ratio",
    "drive_network",
    "jarzynski",
    "learn_in_bath",
    "one_weight_learning",
]
