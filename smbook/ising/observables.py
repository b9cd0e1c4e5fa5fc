"""Energy and magnetization of spins on a periodic lattice."""

from __future__ import annotations

import math

import numpy as np

from smbook import _checks
from smbook.ising._model import Spins, check_spins, strongest
from smbook.kernels import lattice


def energy(spins: Spins, *, coupling: float = 1.0, field: float = 0.0) -> float:
    """Return the energy per site, -(J sum_<ij> s_i s_j + h sum_i s_i) / N, with periodic boundaries.

    Parameters
    ----------
    spins
        int8 array of +1 and -1 with one, two or three sides of at least 2 each, contiguous.

    Raises
    ------
    TypeError, ValueError
        If `spins` is no such array, or `coupling` or `field` no finite real number, or the energy overflows.

    Examples
    --------
    >>> energy(np.ones((4, 6), dtype=np.int8), field=0.5)
    -2.5
    """
    check_spins("spins", spins)
    coupling, field = _checks.real("coupling", coupling), _checks.real("field", field)
    if not math.isfinite(spins.size * strongest(spins.ndim, coupling, field)):
        raise ValueError(f"energy overflows; got coupling={coupling}, field={field}")
    flat = spins.reshape(-1)
    bonds = lattice.bond_sum(flat, np.array(spins.shape, dtype=np.int64))
    return (0.0 - coupling * float(bonds) - field * float(lattice.spin_sum(flat))) / spins.size


def magnetization(spins: Spins) -> float:
    """Return the magnetization per site, sum_i s_i / N; arguments and errors as `energy`.

    Examples
    --------
    >>> magnetization(np.array([1, 1, 1, -1], dtype=np.int8))
    0.5
    """
    check_spins("spins", spins)
    return float(lattice.spin_sum(spins.reshape(-1))) / spins.size
