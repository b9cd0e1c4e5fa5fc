"""Simulations of learning in time: deep linear networks, soft committees, Langevin learning, wide networks.

Each is held against the closed forms and integrated equations of `smbook.theory.dynamics`.
"""

from __future__ import annotations

from smbook.dynamics.binary_students import (
    StudentsLeft,
    TemperedStudents,
    free_entropy,
    students_left,
    temper_binary,
)
from smbook.dynamics.committee import (
    CommitteeOverlaps,
    CommitteeTraining,
    committee,
    committee_at,
    committee_overlaps,
    specialize,
    train_committee,
)
from smbook.dynamics.langevin import LangevinPath, langevin
from smbook.dynamics.linear_networks import LinearTraining, linear_network, train_linear
from smbook.dynamics.p_spin import (
    CriticalPoints,
    Descent,
    SphericalPSpin,
    critical_points,
    descend,
    spherical_p_spin,
)
from smbook.dynamics.wide_networks import (
    WideNetwork,
    WideTraining,
    empirical_kernel,
    outputs,
    train_network,
    wide_network,
)

__all__ = [
    "CommitteeOverlaps",
    "CommitteeTraining",
    "CriticalPoints",
    "Descent",
    "LangevinPath",
    "LinearTraining",
    "SphericalPSpin",
    "StudentsLeft",
    "TemperedStudents",
    "WideNetwork",
    "WideTraining",
    "committee",
    "committee_at",
    "committee_overlaps",
    "critical_points",
    "descend",
    "empirical_kernel",
    "free_entropy",
    "langevin",
    "linear_network",
    "outputs",
    "specialize",
    "spherical_p_spin",
    "students_left",
    "temper_binary",
    "train_committee",
    "train_linear",
    "train_network",
    "wide_network",
]
