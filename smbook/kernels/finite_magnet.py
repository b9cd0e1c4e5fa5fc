"""Kernels for finite Curie-Weiss magnets, E = -(J / 2N) M^2 - h M: each is a number k of spins up, of N.

A random-site heat bath picks a spin and turns it as its local field says, from the other N - 1 spins. With
probability 1 - k / N the spin is down, in the field J (M + 1) / N + h; with k / N it is up, in J (M - 1) / N
+ h. So k is a birth-death chain, with M = 2k - N. A sweep is N updates, each of one draw.

Magnets stand one after another in `up` (int64), each with its own row of `states` (uint64, 4 words a row).
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp
from smbook.kernels.lattice import CERTAIN, probability_threshold
from smbook.kernels.rng import next_uint64

UP, DOWN = 1.0, -1.0  # to where a spin turns


@kernel
def flip_table(beta, coupling, field, table):
    """Fill `table` (int64, shape (2, N + 1)) for `walk`: column k holds what one draw decides at k spins up.

    A 63-bit draw of at most table[0, k] turns a spin up, one beyond table[1, k] turns a spin down. Source:
    Glauber (1963) for the rates.
    """
    for k in range(table.shape[1]):
        table[0, k] = probability_threshold(_turning(table.shape[1] - 1, k, beta, coupling, field, UP))
        down = probability_threshold(_turning(table.shape[1] - 1, k, beta, coupling, field, DOWN))
        table[1, k] = CERTAIN - 1 - down


@kernel
def _turning(n, k, beta, coupling, field, to):
    """Return the probability that one update turns a spin `to` up or down, where k of n are up."""
    eligible = n - k if to > 0.0 else k
    local_field = coupling * (2 * k - n + to) / n + field
    x = -2.0 * beta * local_field * to
    return eligible / n * (1.0 / (1.0 + exp(x)) if x < 700.0 else exp(-x))


@kernel
def randomize(up, n_spins, states):
    """Set each of the `n_spins` spins of every magnet up with probability 1/2, and count those that are."""
    for i in range(up.size):
        up[i] = 0
        for _ in range(n_spins):
            up[i] += np.int64(next_uint64(states[i]) >> np.uint64(63))


@kernel
def walk(up, table, states, thin, record):
    """Make `thin` sweeps with each magnet, note its number of spins up, and so on until `record` is full.

    `record` is int64 with a row an entry and a column a magnet; `table` is that of `flip_table`.
    """
    for i in range(up.size):
        k = up[i]
        for kept in range(record.shape[0]):
            for _ in range(thin * (table.shape[1] - 1)):
                k += _move(table, k, states[i])
            record[kept, i] = k
        up[i] = k


@kernel
def _move(table, k, state):
    """Draw once; return by how much k changes."""
    draw = np.int64(next_uint64(state) >> np.uint64(1))
    return np.int64(draw <= table[0, k]) - np.int64(draw > table[1, k])


@kernel
def first_passage(up, table, states, stop, n_updates, elapsed):
    """Update each magnet until at most `stop` of its spins are up, or `n_updates` times.

    `elapsed` (int64) grows by the number of updates of each. A magnet that is there already rests.
    """
    for i in range(up.size):
        k = up[i]
        made = np.int64(0)
        while k > stop and made < n_updates:
            k += _move(table, k, states[i])
            made += 1
        up[i] = k
        elapsed[i] += made
