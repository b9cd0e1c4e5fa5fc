"""Exact results and saddle-point equations, one module for each part of the book; NumPy and SciPy only."""

from smbook.theory import ising, spin_glass

__all__ = ["ising", "spin_glass"]
