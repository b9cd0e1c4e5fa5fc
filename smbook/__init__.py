"""Statistical mechanics of neural networks: samplers, exact theory and statistics behind the textbook.

Submodules load on first use, so ``import smbook`` is quick and pulls in no heavy library.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

__version__ = "0.1.0"

_SUBMODULES = (
    "boltzmann",
    "curie_weiss",
    "datasets",
    "diffusion",
    "dynamics",
    "figures",
    "hopfield",
    "ising",
    "kernels",
    "landscape",
    "message_passing",
    "network",
    "perceptron",
    "regression",
    "statistics",
    "sweep",
    "theory",
    "thermodynamics",
    "widgets",
)

# Without PyTorch `smbook.landscape` says what to install, but only to those who ask for it.
_HERE = [name for name in _SUBMODULES if name != "landscape" or importlib.util.find_spec("torch")]

__all__ = ["__version__", *_HERE]


def __getattr__(name: str) -> ModuleType:
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
