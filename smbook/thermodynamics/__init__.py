"""Work and heat of driven particles, networks and learners, and what the works say of free energies.

Energies, work and heat are in units of k_B T unless joules are named. Each simulation is held against the
closed forms of `smbook.theory.thermodynamics`.
"""

from __future__ import annotations

from smbook.thermodynamics.free_energy import CrooksRatio, FreeEnergy, bennett, crooks_ratio, jarzynski

__all__ = [
    "CrooksRatio",
    "FreeEnergy",
    "bennett",
    "crooks_ratio",
    "jarzynski",
]
