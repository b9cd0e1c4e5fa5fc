"""The generator that an argument `rng` means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from smbook import _checks


def generator(rng: Any) -> np.random.Generator:
    """Return the generator that `rng` means, or raise if it means none."""
    if rng is None or isinstance(rng, (np.random.Generator, np.random.SeedSequence)):
        return np.random.default_rng(rng)
    try:
        return np.random.default_rng(_checks.integer("rng", rng, minimum=0, maximum=math.inf))
    except TypeError:
        raise TypeError(
            f"rng must be an integer, a numpy.random.SeedSequence or Generator, or None; got {rng!r}"
        ) from None
