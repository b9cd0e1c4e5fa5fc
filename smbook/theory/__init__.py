"""Exact results and saddle-point equations, one module for each part of the book; NumPy and SciPy only."""

from smbook.theory import (
    boltzmann,
    curvature,
    descent,
    dynamics,
    hopfield,
    inference,
    ising,
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
    "dynamics",
    "hopfield",
    "inference",
    "ising",
    "perceptron",
    "random_matrices",
    "regression",
    "scaling",
    "spin_glass",
    "thermodynamics",
]
