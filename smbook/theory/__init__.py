"""Exact results and saddle-point equations, one module for each part of the book; NumPy and SciPy only."""

from smbook.theory import (
    boltzmann,
    curvature,
    descent,
    diffusion,
    dynamics,
    hopfield,
    inference,
    ising,
    message_passing,
    perceptron,
    random_matrices,
    regression,
    scaling,
    spin_glass,
    thermodynamics,
)

__all__ = [
    "boltzmann",
    "curvature",
    "descent",
    "diffusion",
    "dynamics",
    "hopfield",
    "inference",
    "ising",
    "message_passing",
    "perceptron",
    "random_matrices",
    "regression",
    "scaling",
    "spin_glass",
    "thermodynamics",
]
