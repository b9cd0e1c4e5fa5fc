"""Exact results and saddle-point equations, one module for each part of the book; NumPy and SciPy only."""

from smbook.theory import boltzmann, hopfield, ising, spin_glass

__all__ = ["boltzmann", "hopfield", "ising", "spin_glass"]
