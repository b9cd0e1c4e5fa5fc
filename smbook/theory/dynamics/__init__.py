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

__all__: list[str] = []
__all__ += [
    "BinaryStudent",
    "annealed_load",
    "binary_student",
    "mean_binary_students",
    "spinodal_load",
    "transition_load",
]
