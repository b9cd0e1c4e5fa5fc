"""Exact results and saddle-point equations, one module for each part of the book; NumPy and SciPy only."""

from smbook.theory import ising

__all__ = ["ising"]
