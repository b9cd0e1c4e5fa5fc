"""Exact results for the Ising model: ring, mean field, Onsager, Kaufman and the counting of states.

The energy is E(s) = -J sum_<ij> s_i s_j - h sum_i s_i on a periodic lattice, with `coupling` J, `field` h,
`beta` = 1/T and k_B = 1. Every density is per site: log_partition = ln Z / N, energy = <E> / N,
specific_heat = beta^2 Var(E) / N, magnetization = <M> / N and susceptibility = beta Var(M) / N.

A number goes in, a Python float comes out; where `beta` may be an array, the results have its shape.
`beta` is finite and not negative, and a ValueError says so otherwise; what is no real number is a TypeError.
The unit of energy is free: at any scale there is an answer, or a ValueError where an energy, or beta times
one, exceeds the range of a float. A density that grows beyond it as T goes to 0, a response, is inf.
"""

from __future__ import annotations

from smbook.theory.ising import square_lattice
from smbook.theory.ising._shared import MagnetizationMoments, Observables, Thermal
from smbook.theory.ising.counting import DensityOfStates, density_of_states
from smbook.theory.ising.mean_field import (
    FiniteCurieWeiss,
    Spinodal,
    curie_weiss_finite,
    curie_weiss_first_passage,
    curie_weiss_free_energy,
    curie_weiss_magnetization,
    curie_weiss_solutions,
    curie_weiss_susceptibility,
    flip_flop,
    spinodal,
)
from smbook.theory.ising.rings import chain, correlation_length, ring, ring_correlation, transfer_matrix
from smbook.theory.ising.square_lattice import onsager, spontaneous_magnetization, surface_tension
from smbook.theory.ising.torus import kaufman

__all__ = [
    "CRITICAL_BETA",
    "CRITICAL_BINDER",
    "CRITICAL_TEMPERATURE",
    "DensityOfStates",
    "FiniteCurieWeiss",
    "MagnetizationMoments",
    "Observables",
    "Spinodal",
    "Thermal",
    "chain",
    "correlation_length",
    "curie_weiss_finite",
    "curie_weiss_first_passage",
    "curie_weiss_free_energy",
    "curie_weiss_magnetization",
    "curie_weiss_solutions",
    "curie_weiss_susceptibility",
    "density_of_states",
    "flip_flop",
    "kaufman",
    "onsager",
    "ring",
    "ring_correlation",
    "spinodal",
    "spontaneous_magnetization",
    "surface_tension",
    "transfer_matrix",
]

CRITICAL_BETA = square_lattice.CRITICAL_BETA
"""Critical 1/T of the square lattice with J = 1, where sinh(2 beta) = 1 (Kramers and Wannier, 1941)."""

CRITICAL_TEMPERATURE = 1 / CRITICAL_BETA
"""Critical temperature of the square lattice, 2 / ln(1 + sqrt 2) at J = 1."""

CRITICAL_BINDER = 0.6106901
"""Limit of 1 - <m^4> / 3 <m^2>^2 at T_c on square tori, known to 5 in the last digit.

It is 1 - 1 / 3Q with the ratio Q = <m^2>^2 / <m^4> = 0.856216(1) of Kamieniarz and Bloete (1993)."""
