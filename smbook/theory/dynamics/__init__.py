"""Learning in time, exactly: modes, order parameters, the jump of signs, tangent kernels and p-spins."""

from __future__ import annotations

from smbook.theory.dynamics.binary_students import (
    BinaryStudent,
    annealed_load,
    binary_student,
    mean_binary_students,
    spinodal_load,
    transition_load,
)
from smbook.theory.dynamics.committee import (
    CommitteeCurve,
    CommitteeFlow,
    committee_curve,
    committee_error,
    committee_flow,
    specialization,
)
from smbook.theory.dynamics.committee_plateau import Plateau, committee_largest_rate, committee_plateau
from smbook.theory.dynamics.langevin import (
    LangevinLaw,
    gibbs_average,
    langevin_bias,
    langevin_law,
    langevin_step_law,
)
from smbook.theory.dynamics.linear_networks import (
    Modes,
    TwoLayerMode,
    correlation_modes,
    learning_time,
    mode_strength,
    two_layer_mode,
)
from smbook.theory.dynamics.neural_tangent import (
    arc_cosine,
    lazy_outputs,
    lazy_predictions,
    nngp_kernel,
    tangent_kernel,
)
from smbook.theory.dynamics.p_spin import (
    complexity,
    ground_state_energy,
    mean_critical_points,
    saddle_index,
    threshold_energy,
)

__all__ = [
    "BinaryStudent",
    "CommitteeCurve",
    "CommitteeFlow",
    "LangevinLaw",
    "Modes",
    "Plateau",
    "TwoLayerMode",
    "annealed_load",
    "arc_cosine",
    "binary_student",
    "committee_curve",
    "committee_error",
    "committee_flow",
    "committee_largest_rate",
    "committee_plateau",
    "complexity",
    "correlation_modes",
    "gibbs_average",
    "ground_state_energy",
    "langevin_bias",
    "langevin_law",
    "langevin_step_law",
    "lazy_outputs",
    "lazy_predictions",
    "learning_time",
    "mean_binary_students",
    "mean_critical_points",
    "mode_strength",
    "nngp_kernel",
    "saddle_index",
    "specialization",
    "spinodal_load",
    "tangent_kernel",
    "threshold_energy",
    "transition_load",
    "two_layer_mode",
]
