"""Noise added as heat, and taken away again: forward and reversed processes, exact and empirical scores.

Time runs from 0, the data, to infinity, where nothing but Gaussian noise is left. The score is the gradient
of the logarithm of the density at time t, by the coordinates.
"""

from __future__ import annotations

from smbook.diffusion.curie_weiss import CurieWeissData
from smbook.diffusion.point_cloud import PointCloud
from smbook.diffusion.processes import Reversed, add_noise, generate, reverse, time_grid
from smbook.diffusion.two_clusters import TwoClusters

__all__: list[str] = [
    "CurieWeissData",
    "PointCloud",
    "Reversed",
    "TwoClusters",
    "add_noise",
    "generate",
    "reverse",
    "time_grid",
]
