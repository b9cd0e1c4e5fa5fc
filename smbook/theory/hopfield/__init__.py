"""Hopfield's network: low and extensive load, one step of the dynamics, multitasking and dense memories.

The energy is E(s) = -s.J.s / 2 with Hebb's couplings J_ij = (1 / N) sum_mu xi_i^mu xi_j^mu between different
spins, J_ii = 0, for P random patterns xi of N entries +-1, and k_B = 1. `alpha` = P / N is the load, m_mu =
(1 / N) sum_i xi_i^mu s_i an overlap, and T = 1 the critical temperature of a single pattern. Averages are
over the Gibbs distribution and then over the patterns, for N to infinity unless N is an argument. Every
energy, entropy and free energy is per spin, and entropies are in nats.

A number goes in, a Python float comes out; where arguments may be arrays, the results have their shape.
`beta` = 1 / T is positive, and inf is the limit T = 0.
"""

from __future__ import annotations

from smbook.theory.hopfield import lines
from smbook.theory.hopfield.crosstalk import error_free_capacity, one_step_error, one_step_error_exact
from smbook.theory.hopfield.dense import (
    dense_capacity,
    dense_one_step_error,
    dense_one_step_error_exact,
    exponential_capacity,
    exponential_one_step_error,
)
from smbook.theory.hopfield.lines import (
    almeida_thouless_temperature,
    capacity,
    coexistence_temperature,
    retrieval_temperature,
    spin_glass_temperature,
)
from smbook.theory.hopfield.low_load import (
    LowLoad,
    Mixture,
    low_load,
    mixture,
    mixture_stability_temperature,
)
from smbook.theory.hopfield.multitasking import Multitasking, multitasking, multitasking_temperature
from smbook.theory.hopfield.replica_symmetric import OrderParameters, replica_symmetric, retrieval_error

__all__ = [
    "CAPACITY",
    "CAPACITY_OVERLAP",
    "COEXISTENCE_LOAD",
    "LowLoad",
    "Mixture",
    "Multitasking",
    "OrderParameters",
    "almeida_thouless_temperature",
    "capacity",
    "coexistence_temperature",
    "dense_capacity",
    "dense_one_step_error",
    "dense_one_step_error_exact",
    "error_free_capacity",
    "exponential_capacity",
    "exponential_one_step_error",
    "low_load",
    "mixture",
    "mixture_stability_temperature",
    "multitasking",
    "multitasking_temperature",
    "one_step_error",
    "one_step_error_exact",
    "replica_symmetric",
    "retrieval_error",
    "retrieval_temperature",
    "spin_glass_temperature",
]

CAPACITY = lines.CAPACITY
"""Largest alpha with a retrieval state at T = 0 in replica symmetry, 0.1379055665 (Amit et al. 1985)."""

CAPACITY_OVERLAP = lines.CAPACITY_OVERLAP
"""The overlap m = 0.9674171 of that last retrieval state with its pattern: 1.629 % of the bits are wrong."""

COEXISTENCE_LOAD = lines.COEXISTENCE_LOAD
"""The alpha = 0.0518543 up to which retrieval has less energy than the spin glass at T = 0."""
