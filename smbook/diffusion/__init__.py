"""Noise added as heat, and taken away again: forward and reversed processes, exact and empirical scores.

Time runs from 0, the data, to infinity, where nothing but Gaussian noise is left. The score is the gradient
of the logarithm of the density at time t, by the coordinates.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from smbook._torch import explain
from smbook.diffusion.curie_weiss import CurieWeissData
from smbook.diffusion.distances import Nearest, memorized_share, nearest
from smbook.diffusion.point_cloud import PointCloud
from smbook.diffusion.processes import Reversed, add_noise, generate, reverse, time_grid
from smbook.diffusion.two_clusters import TwoClusters

if TYPE_CHECKING:
    from smbook.diffusion.networks import ScoreNetwork, ScoreTraining, train_score

__all__: list[str] = [
    "CurieWeissData",
    "Nearest",
    "PointCloud",
    "Reversed",
    "TwoClusters",
    "add_noise",
    "generate",
    "memorized_share",
    "nearest",
    "reverse",
    "time_grid",
]

# Without PyTorch they say what to install, but only to those who ask for them.
_LEARNED = ("ScoreNetwork", "ScoreTraining", "train_score")
if importlib.util.find_spec("torch"):
    __all__ += ["ScoreNetwork", "ScoreTraining", "train_score"]


def __getattr__(name: str) -> Any:
    if name in _LEARNED:
        try:
            importlib.import_module("torch")
        except ModuleNotFoundError as error:
            explain(f"smbook.diffusion.{name}", error)
            raise
        return getattr(importlib.import_module("smbook.diffusion.networks"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
