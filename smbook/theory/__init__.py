"""Exact results and saddle-point equations, one module for each part of the book; NumPy and SciPy only."""

from smbook.theory import (
    boltzmann,
    curvature,
    descent,
    hopfield,
    inference,
    ising,
    perceptron,
    random_matrices,
    regression,
    spin_glass,
)

__all__ = [
    "boltzmann",
    "curvature",
    "descent",
    "hopfield",
    "inference",
    "ising",
    "perceptron",
    "random_matrices",
    "regression",
    "spin_glass",
]
