"""Spin glasses: the Sherrington-Kirkpatrick model, the random energy model, and exact results for lattices.

The energy is E(s) = -s.J.s / 2 - h sum_i s_i with symmetric couplings of either sign and k_B = 1. In the SK
model every pair of N spins has a Gaussian coupling of mean 0 and variance 1 / N, so that T_c = 1; the random
energy model has 2^N independent levels of variance N / 2. Averages are over the Gibbs distribution and then
over samples of the disorder. Every energy, entropy and free energy is per spin, and entropies are in nats.

A number goes in, a Python float comes out; where `beta` may be an array, the results have its shape, and
where it may be inf, that is the limit T = 0. It is positive where free energies are asked for.
"""

from __future__ import annotations

from smbook.theory.spin_glass import random_energy, replica_symmetry_breaking
from smbook.theory.spin_glass.lattice import (
    GroundState,
    bonds_of,
    couplings_of,
    edwards_anderson,
    edwards_anderson_ground_state,
)
from smbook.theory.spin_glass.random_energy import (
    FiniteRandomEnergy,
    LowestLevel,
    RandomEnergy,
    random_energy_ground_state,
    random_energy_model,
    random_energy_model_finite,
)
from smbook.theory.spin_glass.replica_symmetry_breaking import OneStep, sk_one_step
from smbook.theory.spin_glass.sherrington_kirkpatrick import (
    ReplicaSymmetric,
    almeida_thouless_field,
    almeida_thouless_stability,
    almeida_thouless_temperature,
    sk_replica_symmetric,
)

__all__ = [
    "RANDOM_ENERGY_GROUND_ENERGY",
    "RANDOM_ENERGY_TEMPERATURE",
    "SK_GROUND_ENERGY",
    "FiniteRandomEnergy",
    "GroundState",
    "LowestLevel",
    "OneStep",
    "RandomEnergy",
    "ReplicaSymmetric",
    "almeida_thouless_field",
    "almeida_thouless_stability",
    "almeida_thouless_temperature",
    "bonds_of",
    "couplings_of",
    "edwards_anderson",
    "edwards_anderson_ground_state",
    "random_energy_ground_state",
    "random_energy_model",
    "random_energy_model_finite",
    "sk_one_step",
    "sk_replica_symmetric",
]

SK_GROUND_ENERGY = replica_symmetry_breaking.GROUND_ENERGY
"""Ground-state energy per spin of the SK model, with replica symmetry broken in infinitely many steps.

That is Parisi's solution (1980), proved by Talagrand (2006), at T = 0, as it was extrapolated from up to 200
steps (Schmidt 2008; Oppermann and Schmidt 2008). Its modulus is called Parisi's constant. One step gives
-0.7652594 and none -0.7978846."""

RANDOM_ENERGY_TEMPERATURE = random_energy.TEMPERATURE
"""Temperature at which the random energy model freezes, 1 / (2 sqrt(ln 2)) for levels of variance N / 2."""

RANDOM_ENERGY_GROUND_ENERGY = random_energy.GROUND_ENERGY
"""Lowest energy per spin of the random energy model in the limit, -sqrt(ln 2)."""
