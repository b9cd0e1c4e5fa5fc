r"""When a cloud that flows back from noise takes a side, and when it falls onto its data: closed forms.

Points a lose what they were, and take up noise: x_t = e^-t a + sqrt(Delta) z with Delta = 1 - e^-2t and z
standard normal. What was Gaussian of deviation s at t = 0 has the variance Gamma = s^2 e^-2t + Delta at t.
Two equal clusters at mu and -mu have one summit along the line through both at late times and two at early
ones. Times are in units of the rate at which points are forgotten.
"""

from __future__ import annotations

from smbook.theory.diffusion.collapse import (
    collapse_time,
    empirical_potential,
    mean_own_weight,
    mutual_information,
)
from smbook.theory.diffusion.speciation import (
    cloning_probability,
    cluster_potential,
    cluster_signal,
    cluster_variance,
    cluster_well,
    drift_instability_time,
    speciation_time,
    speciation_time_of_eigenvalue,
)
from smbook.theory.diffusion.steps import euler_variance

__all__: list[str] = [
    "cloning_probability",
    "cluster_potential",
    "cluster_signal",
    "cluster_variance",
    "cluster_well",
    "collapse_time",
    "drift_instability_time",
    "empirical_potential",
    "euler_variance",
    "mean_own_weight",
    "mutual_information",
    "speciation_time",
    "speciation_time_of_eigenvalue",
]
