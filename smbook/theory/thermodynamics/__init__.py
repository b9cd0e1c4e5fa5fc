"""What computing, learning and haste cost at least: Landauer, driven traps, transport, efficiency."""

from __future__ import annotations

from smbook.theory.thermodynamics.landauer import label_information, landauer_work
from smbook.theory.thermodynamics.one_weight import OneWeight, one_weight_engine

__all__ = [
    "OneWeight",
    "label_information",
    "landauer_work",
    "one_weight_engine",
]
