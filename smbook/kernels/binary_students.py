"""Kernels for students with weights +1 and -1 at many temperatures: parallel tempering of wrong answers.

Inputs are +1 and -1, and fields z.w (int32, P), z = y x, are kept up to date as weights turn; they are whole
numbers, so that nothing is rounded. An answer is wrong where its field is at most `bound`.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.binary import _add, count_wrong
from smbook.kernels.elementary import exp
from smbook.kernels.network import _copy, _note_ends, _swap_neighbours
from smbook.kernels.rng import uniform


@kernel
def change_of_wrong(column, factor, bound, fields):
    """Return by how much the number of wrong answers grows when `factor` times a column is added to fields.

    Examples
    --------
    >>> column, fields = np.array([1, -1, 1], dtype=np.int8), np.array([1, 1, -3], dtype=np.int32)
    >>> change_of_wrong(column, np.int32(-2), 0, fields)
    1
    """
    change = np.int32(0)
    for mu in range(fields.size):
        after = fields[mu] + factor * np.int32(column[mu])
        change += np.int32(after <= bound) - np.int32(fields[mu] <= bound)
    return change


@kernel
def sweep_weights(columns, bound, beta, state, weights, fields):
    """Try to turn N weights, each drawn at random, by Metropolis at one temperature. Return how many turned.

    A weight turns with probability min(1, exp(-beta change)), the change being that of the number of wrong
    answers. Where none is wrong the sweep goes on, among those that answer right. Source: Metropolis et al.
    (1953).
    """
    turned = np.int64(0)
    for _ in range(weights.size):
        i = np.int64(uniform(state) * weights.size)
        factor = np.int32(-2 * weights[i])
        change = change_of_wrong(columns[i], factor, bound, fields)
        if change <= 0 or uniform(state) < exp(-beta * change):
            weights[i] = -weights[i]
            _add(columns[i], factor, fields)
            turned += 1
    return turned


@kernel
def temper_weights(columns, bound, state, weights, fields, betas, ladder, turned, n_steps, wrong, snapshots):
    """Make `n_steps` steps of parallel tempering, note the states, and so on until `wrong` is full.

    A step is a sweep at one temperature, from betas[0] to betas[K - 1] and again. `weights` (int8, K, N) and
    `fields` (int32, K, P) have a row for each walker. `ladder` is that of `smbook.kernels.network.temper`,
    its totals the numbers of wrong answers, and neighbours swap as there. `turned` (int64, K) counts the
    weights turned at each temperature. `wrong` (int64, entries, K) and `snapshots` (int8, entries, K, N) are
    noted in the order of the temperatures. Source: Hukushima and Nemoto (1996).
    """
    at, clock, totals, swaps, heading, trips = ladder
    for entry in range(wrong.shape[0]):
        for _ in range(n_steps):
            k = clock[0] % at.size
            row = at[k]
            turned[k] += sweep_weights(columns, bound, betas[k], state, weights[row], fields[row])
            totals[row] = np.float64(count_wrong(bound, fields[row]))
            clock[0] += 1
            if k == at.size - 1:
                _swap_neighbours(at, betas, totals, (clock[0] // at.size + 1) % 2, swaps, state)
                _note_ends(at, heading, trips)
        for k in range(at.size):
            wrong[entry, k] = np.int64(totals[at[k]])
            _copy(weights[at[k]], snapshots[entry, k])
