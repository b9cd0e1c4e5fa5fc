"""Boltzmann machines that are solved: partition functions at any size, and where and how learning sets in.

A restricted machine has the energy E(v, h) = -b.v - c.h - v.W.h with weights W of shape (n_visible, n_hidden)
and the probabilities exp(-E) / Z; the inverse temperature is absorbed in W, b and c. Units are "binary" (0 or
1), "spin" (+1 or -1) or, hidden ones only, "gaussian": real, with the standard normal measure, so that
h_j given v is normal of mean c_j + (v W)_j and variance 1. Between spins and Gaussian ones lie units of a
softness from 0 to 1, with which a machine whose weights are patterns, W = sqrt(beta / N) xi^T, is a memory of
Hopfield's kind. Logarithms are natural; likelihoods and
divergences are in nats, for the whole machine. Time is the sum of learning rates of gradient ascent on the
mean log-likelihood.
"""

from __future__ import annotations

from smbook.theory.boltzmann.curie_weiss import (
    CurieWeissLearner,
    gaussian_hidden_curie_weiss,
    spin_hidden_curie_weiss,
)
from smbook.theory.boltzmann.learning import GaussianMode, Mode, gaussian_mode
from smbook.theory.boltzmann.machines import OneHiddenUnit, Uniform, one_hidden_unit, uniform
from smbook.theory.boltzmann.marginal import EffectiveCouplings, effective_couplings, marginal_energy
from smbook.theory.boltzmann.one_pattern import OnePattern, one_pattern, soft_retrieval
from smbook.theory.boltzmann.onset import (
    OrderingScale,
    growth_rates,
    learning_threshold,
    noise_density,
    noise_edge,
    ordering_scale,
)
from smbook.theory.boltzmann.patterns import BarsAndStripes, bars_and_stripes
from smbook.theory.boltzmann.soft_memory import (
    SoftState,
    soft_capacity,
    soft_glass_temperature,
    soft_state,
)
from smbook.theory.boltzmann.soft_units import Unit, poisson_unit, soft_unit

__all__ = [
    "BarsAndStripes",
    "CurieWeissLearner",
    "EffectiveCouplings",
    "GaussianMode",
    "Mode",
    "OneHiddenUnit",
    "OnePattern",
    "OrderingScale",
    "SoftState",
    "Uniform",
    "Unit",
    "bars_and_stripes",
    "effective_couplings",
    "gaussian_hidden_curie_weiss",
    "gaussian_mode",
    "growth_rates",
    "learning_threshold",
    "marginal_energy",
    "noise_density",
    "noise_edge",
    "one_hidden_unit",
    "one_pattern",
    "ordering_scale",
    "poisson_unit",
    "soft_capacity",
    "soft_glass_temperature",
    "soft_retrieval",
    "soft_state",
    "soft_unit",
    "spin_hidden_curie_weiss",
    "uniform",
]
