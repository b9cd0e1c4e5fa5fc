"""The patterns that a memory has by itself: letters, and random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smbook.datasets import letters
from smbook.hopfield import random_patterns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Spins = NDArray[np.int8]

LETTER_PIXELS = "".join(np.where(letters() > 0, "#", ".").flat)  # letter after letter, row by row


def stored(kind: str, count: int, side: int, seed: int) -> Spins:
    """Return `count` patterns of side^2 neurons: ten letters and then random ones, or all "random"."""
    first = letters(side, units="spin")[: count if kind == "letters" else 0]
    return np.concatenate([first, random_patterns(count - len(first), side**2, rng=seed)])
