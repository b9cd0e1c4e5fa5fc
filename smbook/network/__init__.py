"""Ising spins with any symmetric couplings: magnets, spin glasses, and the networks of all later parts.

E(s) = -1/2 sum_ij J_ij s_i s_j - sum_i h_i s_i, s_i = +1 or -1, with J_ii = 0 and p(s) proportional to
exp(-beta E(s)). Energies are totals here, not per spin.
"""

from __future__ import annotations

from smbook.network.ensembles import (
    edwards_anderson,
    ferromagnet,
    from_lattice,
    mattis,
    sherrington_kirkpatrick,
)
from smbook.network.enumeration import Enumeration, OverlapLaw
from smbook.network.graphs import from_edges, random_regular, random_tree
from smbook.network.model import SpinNetwork
from smbook.network.sampling import Annealing, NetworkTrace
from smbook.network.tempering import Tempering

__all__ = [
    "Annealing",
    "Enumeration",
    "NetworkTrace",
    "OverlapLaw",
    "SpinNetwork",
    "Tempering",
    "edwards_anderson",
    "ferromagnet",
    "from_edges",
    "from_lattice",
    "mattis",
    "random_regular",
    "random_tree",
    "sherrington_kirkpatrick",
]
