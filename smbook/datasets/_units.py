"""Units that are on or off, as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int8]


def check_units(units: str) -> None:
    """Raise if `units` is neither "binary" nor "spin"."""
    _checks.choice("units", units, ("binary", "spin"))


def in_units(on: NDArray[np.bool_], units: str) -> Rows:
    """Return units that are on or off as numbers."""
    check_units(units)
    return np.where(on, 1, 0 if units == "binary" else -1).astype(np.int8)
