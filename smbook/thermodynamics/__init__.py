"""Work and heat of driven particles, networks and learners, and what the works say of free energies.

Energies, work and heat are in units of k_B T unless joules are named. Each simulation is held against the
closed forms of `smbook.theory.thermodynamics`.
"""

from __future__ import annotations

__all__: list[str] = []
