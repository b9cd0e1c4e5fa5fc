"""The Ising model on a periodic lattice, sampled from the Gibbs distribution.

E(s) = -J sum_<ij> s_i s_j - h sum_i s_i, p(s) proportional to exp(-beta E(s)), s_i = +1 or -1.
"""

from smbook.ising._clusters import wolff_flips_per_sweep
from smbook.ising._model import Spins
from smbook.ising.bonds import random_bonds
from smbook.ising.observables import energy, magnetization
from smbook.ising.simulation import Trace, simulate
from smbook.ising.temperatures import Temperatures, simulate_temperatures

__all__ = [
    "Spins",
    "Temperatures",
    "Trace",
    "energy",
    "magnetization",
    "random_bonds",
    "simulate",
    "simulate_temperatures",
    "wolff_flips_per_sweep",
]
