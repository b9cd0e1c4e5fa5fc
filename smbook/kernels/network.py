"""Kernels for Ising spins with any symmetric couplings: E(s) = -1/2 s.J.s - h.s, with a zero diagonal.

Dense couplings J are `matrix` (N, N). Sparse ones are `entries`, one row after another: those of row i stand
from starts[i] to starts[i + 1], in the columns `columns` (int64). Of the two forms one is given, and the
arrays of the other are None. What belongs together comes as a tuple:

    network   (matrix, entries, columns, starts, fields h)
    chain     (spins, local fields l = J s + h, turned, state of the random numbers)
    room      (words, noise, sites), to work in: uint64, float64 and int64, N each

Couplings, fields and local fields are all float64 or all float32. Energies are totals, float64.

The local fields are kept up to date as spins turn, which adds up rounding errors. They are computed anew
whenever N spins have turned `_TURNS` times; `turned` (int64, one entry) counts.

A sweep draws its noise first. The heat bath is a threshold unit: a spin is up with probability
1 / (1 + exp(-2 beta l)), which is to say if 2 beta l exceeds ln(u / (1 - u)), u uniform. Metropolis accepts
a flip of cost dE if beta dE stays below -ln u, and one that costs nothing with probability 1/2: sweeps in a
fixed order that accepted all of these would not reach every state.
"""

from __future__ import annotations

import math

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, log_of_normal, open_unit, sqrt
from smbook.kernels.lattice import spin_sum
from smbook.kernels.rng import fill_normal, fill_uint64, uniform

HEAT_BATH, METROPOLIS = np.int64(0), np.int64(1)  # the rules
SEQUENTIAL, RANDOM = np.int64(0), np.int64(1)  # the orders of a sweep

_TURNS = 16
_LN2 = math.log(2.0)


@kernel
def find_local_fields(matrix, entries, columns, starts, fields, spins, local):
    """Fill `local` with l = J s + h, summed in float64."""
    for i in range(local.size):
        total = np.float64(fields[i])
        if matrix is not None:
            for j in range(local.size):
                total += spins[j] * np.float64(matrix[i, j])
        if entries is not None:
            for k in range(starts[i], starts[i + 1]):
                total += spins[columns[k]] * np.float64(entries[k])
        local[i] = total


@kernel
def energy(spins, local, fields):
    """Return E = -1/2 sum_i s_i (l_i + h_i), the total."""
    total = 0.0
    for i in range(spins.size):
        total += spins[i] * (np.float64(local[i]) + np.float64(fields[i]))
    return 0.0 - total / 2.0  # 0.0 - 0.0 is no -0.0


@kernel
def turn(matrix, entries, columns, starts, spins, local, i):
    """Flip spin i and bring the local fields of all its neighbours up to date."""
    spins[i] = -spins[i]
    if matrix is not None:
        row = matrix[i]
        if spins[i] > 0:
            for j in range(local.size):
                local[j] += row[j] + row[j]
        else:
            for j in range(local.size):
                local[j] -= row[j] + row[j]
    if entries is not None:
        for k in range(starts[i], starts[i + 1]):
            twice = entries[k] + entries[k]
            local[columns[k]] += twice if spins[i] > 0 else -twice


@kernel
def draw_noise(rule, state, words, noise):
    """Fill `noise` with ln(u / (1 - u)) for the heat bath, -ln u for Metropolis; u lies in (0, 1)."""
    fill_uint64(state, words)
    if rule == HEAT_BATH:
        for i in range(words.size):
            u = open_unit(words[i])
            noise[i] = log_of_normal(u / (1.0 - u))
    else:
        for i in range(words.size):
            u = open_unit(words[i])
            noise[i] = -log_of_normal(u)


@kernel
def _draw_sites(state, words, sites):
    fill_uint64(state, words)
    for i in range(words.size):
        sites[i] = np.int64((words[i] >> np.uint64(1)) % np.uint64(words.size))


@kernel
def _flips(rule, spin, reduced, noise):
    """Tell whether the noise turns a spin whose 2 beta l is `reduced`."""
    if rule == HEAT_BATH:
        return (reduced > noise) != (spin > 0)
    cost = reduced * spin
    if cost == 0.0:
        return noise > _LN2
    return cost < noise


@kernel
def sweep(network, spins, local, turned, state, room, rule, order, beta):
    """Update spins: each of `sites` once and in that order, or as many of all spins at random."""
    matrix, entries, columns, starts, fields = network
    words, noise, sites = room
    draw_noise(rule, state, words, noise)
    if order == RANDOM:
        _draw_sites(state, words, sites)
    for k in range(sites.size):
        i = sites[k]
        if _flips(rule, spins[i], 2.0 * beta * local[i], noise[k]):
            turn(matrix, entries, columns, starts, spins, local, i)
            turned[0] += 1
    if turned[0] >= _TURNS * spins.size:
        find_local_fields(matrix, entries, columns, starts, fields, spins, local)
        turned[0] = 0


@kernel
def run(network, chain, room, rule, order, betas, thin, energies, sums, snapshots, best_energy, best):
    """Make `thin` sweeps of a chain at betas[k], note its state as entry k, and so on for all entries.

    `energies` (float64) and `sums` (int64, of all spins) are as long as `betas`, `snapshots` is int8 of shape
    (entries, N). `best_energy` (one entry) and `best` (N spins) keep the lowest of the states after a sweep.
    """
    spins, local, turned, state = chain
    fields = network[4]
    for k in range(betas.size):
        for _ in range(thin):
            sweep(network, spins, local, turned, state, room, rule, order, betas[k])
            energies[k] = energy(spins, local, fields)
            _keep_best(energies[k], spins, best_energy, best)
        sums[k] = spin_sum(spins)
        _copy(spins, snapshots[k])


@kernel
def _copy(spins, out):
    for i in range(spins.size):
        out[i] = spins[i]


@kernel
def _keep_best(found, spins, best_energy, best):
    if found < best_energy[0]:
        best_energy[0] = found
        _copy(spins, best)


@kernel
def temper(
    network, chains, room, rule, order, betas, ladder, n_steps, energies, sums, snapshots, best_energy, best
):
    """Make `n_steps` steps of parallel tempering, note the states, and so on until `energies` is full.

    A step is a sweep at one temperature, from betas[0] to betas[K - 1] and again. `chains` is a chain with a
    row of spins (K, N), of local fields (K, N) and of `turned` (K, 1) for each configuration. `ladder` is

        at (K)            at[k] says which row is at betas[k]
        clock (1)         the number of steps made
        totals (K)        the energies of the rows, float64
        swaps (2, K - 1)  how often k and k + 1 were to swap, and did
        heading (K)       the end that a row has seen last: -1 for betas[0], 1 for the other, 0 for none
        trips (K)         how often a row went from betas[0] to the other end and back

    all int64 but one. Once all K have made a sweep, neighbours k and k + 1 swap with probability
    min(1, exp((beta_k - beta_k+1) (E_k - E_k+1))), E the total energies of the rows as they stand; k is even
    after one sweep and odd after the next. Entries are noted in the order of the temperatures: `energies` and
    `sums` are (entries, K), `snapshots` (entries, K, N). Source: Hukushima and Nemoto (1996).
    """
    spins, local, turned, state = chains
    at, clock, totals, swaps, heading, trips = ladder
    for entry in range(energies.shape[0]):
        for _ in range(n_steps):
            k = clock[0] % at.size
            row = at[k]
            sweep(network, spins[row], local[row], turned[row], state, room, rule, order, betas[k])
            totals[row] = energy(spins[row], local[row], network[4])
            _keep_best(totals[row], spins[row], best_energy, best)
            clock[0] += 1
            if k == at.size - 1:
                _swap_neighbours(at, betas, totals, (clock[0] // at.size + 1) % 2, swaps, state)
                _note_ends(at, heading, trips)
        for k in range(at.size):
            energies[entry, k] = totals[at[k]]
            sums[entry, k] = spin_sum(spins[at[k]])
            _copy(spins[at[k]], snapshots[entry, k])


@kernel
def _swap_neighbours(at, betas, totals, first, swaps, state):
    for k in range(first, at.size - 1, 2):
        a, b = at[k], at[k + 1]
        gain = (betas[k] - betas[k + 1]) * (totals[a] - totals[b])
        swaps[0, k] += 1
        if uniform(state) < exp(min(gain, 0.0)):
            at[k], at[k + 1] = b, a
            swaps[1, k] += 1


@kernel
def _note_ends(at, heading, trips):
    """Note which rows stand at the ends of the ladder; a row that is back at the first has made a trip."""
    if at.size > 1:
        first, last = at[0], at[at.size - 1]
        if heading[first] > 0:
            trips[first] += 1
        heading[first] = -1
        if heading[last] < 0:
            heading[last] = 1


@kernel
def fill_gaussian(state, matrix):
    """Fill a matrix (N, N) with symmetric couplings of mean 0 and variance 1 / N, zero on the diagonal."""
    scale = 1.0 / sqrt(np.float64(matrix.shape[0]))
    for i in range(matrix.shape[0]):
        fill_normal(state, matrix[i, :i])
        for j in range(i):
            matrix[i, j] *= scale
        matrix[i, i] = 0
    for i in range(matrix.shape[0]):
        for j in range(i):
            matrix[j, i] = matrix[i, j]


@kernel
def fill_lattice(shape, bonds, entries, columns, starts):
    """Fill the rows of a periodic lattice whose sites are numbered in row-major order.

    bonds[axis, site] couples a site to the next along an axis; `shape` (int64) has at most three sides. Each
    row is sorted by column. On a side of 2 a row names its one neighbour there twice, once for each bond.
    """
    degree = 2 * shape.size
    for site in range(bonds.shape[1]):
        starts[site] = degree * site
        stop = starts[site]
        stride = np.int64(1)
        for axis in range(shape.size - 1, -1, -1):
            extent = stride * shape[axis]
            within = site % extent
            after = site + stride - (extent if within + stride >= extent else 0)
            before = site - stride + (extent if within < stride else 0)
            _insert(entries, columns, starts[site], stop, after, bonds[axis, site])
            _insert(entries, columns, starts[site], stop + 1, before, bonds[axis, before])
            stop += 2
            stride = extent
    starts[bonds.shape[1]] = degree * bonds.shape[1]


@kernel
def _insert(entries, columns, first, stop, column, value):
    """Put an entry where it belongs among the sorted ones from `first` to `stop`."""
    k = stop
    while k > first and columns[k - 1] > column:
        columns[k] = columns[k - 1]
        entries[k] = entries[k - 1]
        k -= 1
    columns[k] = column
    entries[k] = value


@kernel
def find_energies(matrix, fields, first, spins, local, energies):
    """Fill `energies` with those of the states first, first + 1, ...; bit i is set where s_i = +1.

    There are 2**b of them, and `first` is a multiple of it. A Gray code turns one spin from each state to the
    next, so that it costs N additions. All is float64; `spins` and `local` are N entries to work in. Source:
    Gray (1953).
    """
    for i in range(spins.size):
        spins[i] = 1 if (first >> i) & 1 else -1
    find_local_fields(matrix, None, None, None, fields, spins, local)
    total = energy(spins, local, fields)
    energies[0] = total
    for k in range(1, energies.size):
        i = 0
        while not (k >> i) & 1:
            i += 1
        total += 2.0 * spins[i] * local[i]
        turn(matrix, None, None, None, spins, local, i)
        energies[k ^ (k >> 1)] = total


@kernel
def walsh_transform(values):
    """Replace f(s), of the states as they are numbered, by sum_s f(s) (-1)**n(s & k) for every k, in place.

    n(x) is the number of bits set in x. With probabilities the result at k is (-1)**n(k) times the mean
    product of the spins whose bits are set in k. Source: Walsh (1923).
    """
    half = np.int64(1)
    while half < values.size:
        for block in range(values.size // (2 * half)):  # a range with a step could raise
            first = 2 * half * block
            lower, upper = values[first : first + half], values[first + half : first + 2 * half]
            for i in range(half):
                a, b = lower[i], upper[i]
                lower[i] = a + b
                upper[i] = a - b
        half *= 2
