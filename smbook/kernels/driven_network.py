"""Kernels for many chains of an Ising network whose couplings, fields or temperature are changed by hand.

Network and room are as in `smbook.kernels.network`. Chains stand in the rows of `spins` (int8) and `local`
(their local fields); `turned` (int64, a row each of one entry) counts their flips. All draw from one state.
"""

from __future__ import annotations

from smbook.kernels import kernel
from smbook.kernels.network import energy, find_local_fields, sweep


@kernel
def switch(network, spins, local, turned, energies):
    """Find the local fields and the total energies of all chains in a network that has become another one.

    Examples
    --------
    >>> import numpy as np
    >>> pair = (np.array([[0.0, 1.0], [1.0, 0.0]]), None, None, None, np.zeros(2))
    >>> spins, local, energies = np.array([[1, 1], [1, -1]], np.int8), np.empty((2, 2)), np.empty(2)
    >>> switch(pair, spins, local, np.zeros((2, 1), np.int64), energies)
    >>> energies
    array([-1.,  1.])
    """
    matrix, entries, columns, starts, fields = network
    for c in range(spins.shape[0]):
        find_local_fields(matrix, entries, columns, starts, fields, spins[c], local[c])
        turned[c, 0] = 0
        energies[c] = energy(spins[c], local[c], fields)


@kernel
def relax(network, spins, local, turned, state, room, rule, order, beta, n_sweeps, energies):
    """Make sweeps of all chains at one temperature, and find their total energies.

    Examples
    --------
    >>> import numpy as np
    >>> from smbook.kernels.network import HEAT_BATH, SEQUENTIAL
    >>> from smbook.kernels.rng import seed_state
    >>> pair = (np.array([[0.0, 1.0], [1.0, 0.0]]), None, None, None, np.zeros(2))
    >>> spins, local, energies = np.ones((10_000, 2), np.int8), np.empty((10_000, 2)), np.empty(10_000)
    >>> turned = np.zeros((10_000, 1), np.int64)
    >>> switch(pair, spins, local, turned, energies)
    >>> room = np.empty(2, np.uint64), np.empty(2), np.arange(2)
    >>> relax(pair, spins, local, turned, seed_state(1), room, HEAT_BATH, SEQUENTIAL, 0.5, 5, energies)
    >>> bool(abs(energies.mean() + np.tanh(0.5)) < 0.03)
    True
    """
    fields = network[4]
    for c in range(spins.shape[0]):
        for _ in range(n_sweeps):
            sweep(network, spins[c], local[c], turned[c], state, room, rule, order, beta)
        energies[c] = energy(spins[c], local[c], fields)
