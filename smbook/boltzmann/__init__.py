"""Boltzmann machines: couplings that are learned from data.

A machine gives the states of its visible units the probabilities p(v) = sum_h exp(-E(v, h)) / Z, with the
inverse temperature in the couplings. Energies and likelihoods are totals in nats.
"""

from __future__ import annotations

from smbook.boltzmann._law import LogLikelihood
from smbook.boltzmann._layers import Parameters
from smbook.boltzmann._learning import Gradient, LearningHistory
from smbook.boltzmann.bridge import (
    RetrievalOrder,
    StoredPatterns,
    from_hopfield,
    order_parameters,
    patterns_of,
)
from smbook.boltzmann.inverse import inverse_ising
from smbook.boltzmann.machine import BoltzmannMachine
from smbook.boltzmann.partition import LogPartition
from smbook.boltzmann.restricted import RBM
from smbook.boltzmann.training import TrainingHistory

__all__ = [
    "RBM",
    "BoltzmannMachine",
    "Gradient",
    "LearningHistory",
    "LogLikelihood",
    "LogPartition",
    "Parameters",
    "RetrievalOrder",
    "StoredPatterns",
    "TrainingHistory",
    "from_hopfield",
    "inverse_ising",
    "order_parameters",
    "patterns_of",
]
