"""Signs of the bonds of a lattice, drawn at random."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks
from smbook.kernels.rng import fill_uint64, state_apart

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smbook.ising._model import Spins
    from smbook.kernels.rng import Randomness


def random_bonds(shape: int | Iterable[int], *, negative: float = 0.5, rng: Randomness = None) -> Spins:
    """Return +1 and -1 for the bonds of a periodic lattice, each -1 with probability `negative`.

    With one half and the same seed they are those of
    ``smbook.network.edwards_anderson(shape, disorder="plus-minus")``.

    Parameters
    ----------
    shape
        As for `smbook.ising.simulate`.
    negative
        The share of negative bonds, from 0 to 1.
    rng
        As for `smbook.ising.simulate`. A run from the same seed is independent of the bonds.

    Returns
    -------
    Spins
        int8, shape (d, and the sides): entry k of a site is for the bond to the next site along axis k.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Toulouse (1977).

    Examples
    --------
    >>> random_bonds((4, 6), rng=1).shape
    (2, 4, 6)
    """
    sides = _checks.lattice_shape(shape)
    share = _checks.real("negative", negative, minimum=0.0, maximum=1.0)
    words = np.empty(len(sides) * math.prod(sides), dtype=np.uint64)
    fill_uint64(state_apart(rng), words)
    below = (words >> np.uint64(11)).astype(np.float64) < share * 2.0**53
    return np.where(below, -1, 1).astype(np.int8).reshape(len(sides), *sides)
