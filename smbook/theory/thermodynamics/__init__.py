"""What computing, learning and haste cost at least: Landauer, driven traps, transport, efficiency."""

from __future__ import annotations

from smbook.theory.thermodynamics.erasure import ErasureWork, erasure_work
from smbook.theory.thermodynamics.jarzynski import jarzynski_bias, uncertainty_bound
from smbook.theory.thermodynamics.landauer import label_information, landauer_work
from smbook.theory.thermodynamics.learning import (
    LabelLearning,
    RuleLearning,
    label_learning,
    rule_learning,
)
from smbook.theory.thermodynamics.one_weight import OneWeight, one_weight_engine
from smbook.theory.thermodynamics.transport import (
    QuantileDistance,
    least_dissipation,
    quantile_wasserstein,
    sample_wasserstein,
    wasserstein,
)
from smbook.theory.thermodynamics.traps import (
    WorkLaw,
    dragged_trap_work,
    optimal_drag,
    optimal_stiffening,
    stiffened_trap_work,
)

__all__ = [
    "ErasureWork",
    "LabelLearning",
    "OneWeight",
    "QuantileDistance",
    "RuleLearning",
    "WorkLaw",
    "dragged_trap_work",
    "erasure_work",
    "jarzynski_bias",
    "label_information",
    "label_learning",
    "landauer_work",
    "least_dissipation",
    "one_weight_engine",
    "optimal_drag",
    "optimal_stiffening",
    "quantile_wasserstein",
    "rule_learning",
    "sample_wasserstein",
    "stiffened_trap_work",
    "uncertainty_bound",
    "wasserstein",
]
