"""Kernels for restricted Boltzmann machines as a page can call them: layers drawn in turn, and learning.

Rows are states, of chains or of data, and columns the units of a layer. Parameters and units are float32:
`weights` (n, m) with `turned`, its transpose, `visible_biases` (n,) and `hidden_biases` (m,). What belongs to
a layer stands in one array (3, rows, columns): fields without beta, means, and units. `kinds` (int64, 2) are
those of the visible and of the hidden layer, of `smbook.kernels.bipartite`.

`held` says for each unit of a layer at what value it is kept, or nan where it is free. To work in there are
`words`, uint64, of half of the columns rounded up or more; `halves`, the same memory as uint32; and `room`,
float64 (2, columns or more), whose second row is zero. Products are plain sums in the order of the units, so
that every machine gives the same bits; a unit at zero costs nothing.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import bipartite, kernel
from smbook.kernels.elementary import log
from smbook.kernels.rng import fill_normal

_FIELDS, _MEANS, _UNITS = 0, 1, 2
_ZERO = np.float32(0.0)


@kernel
def draw_layer(kind, beta, weights, biases, given, held, state, words, halves, room, layer):
    """Draw the units of a layer given those of the other one, in fields beta (biases + given . weights).

    `given` is (rows, units of the other layer), and `weights` has a row for each of these. At beta = 0 the
    layer is noise.

    Examples
    --------
    >>> weights, biases = np.array([[50.0], [0.0]], np.float32), np.array([-20.0], np.float32)
    >>> given, held = np.array([[0, 1], [1, 1]], np.float32), np.array([np.nan], np.float32)
    >>> words, layer = np.empty(1, np.uint64), np.empty((3, 2, 1), np.float32)
    >>> room, state = (words, words.view(np.uint32), np.zeros((2, 1))), np.arange(4, dtype=np.uint64)
    >>> draw_layer(0, 1.0, weights, biases, given, held, state, *room, layer)
    >>> layer[2].tolist()
    [[0.0], [1.0]]
    """
    columns = biases.size
    fields, means, units = layer[_FIELDS], layer[_MEANS], layer[_UNITS]
    _find_fields(weights, biases, given, fields)
    drawn = words[: (columns + 1) // 2]
    zeros, noise = room[1, :columns], room[0, :columns]
    bipartite.activate(kind, beta, fields, zeros, state, drawn, halves, noise, means, units)
    _hold(held, means)
    _hold(held, units)


@kernel
def _find_fields(weights, biases, given, fields):
    for row in range(given.shape[0]):
        field = fields[row]
        for j in range(biases.size):
            field[j] = biases[j]
        for i in range(given.shape[1]):
            unit = given[row, i]
            if unit != _ZERO:
                weight = weights[i]
                for j in range(biases.size):
                    field[j] += unit * weight[j]


@kernel
def _hold(held, values):
    row, j = 0, 0
    for _ in range(values.size):  # one loop, as two become long code for little gain
        if held[j] == held[j]:
            values[row, j] = held[j]
        j += 1
        if j == held.size:
            row, j = row + 1, 0


@kernel
def find_free_energies(
    kind, beta, weights, visible_biases, hidden_biases, held, visible, room, factors, fields, energies
):  # fmt: skip
    """Fill `energies` (float64) with F = -beta b . v - sum_j phi(beta x_j) of each row of `visible`.

    `kind` is that of the hidden layer, and `held` belongs to it: the sum is over its free units, and one that
    is kept at h has beta x h in the place of phi. `fields` is float32, one row of hidden units, and `factors`
    float64 (2, 512).

    Examples
    --------
    >>> weights, free = np.zeros((1, 2), np.float32), np.full(2, np.nan, np.float32)
    >>> machine = weights, np.ones(1, np.float32), np.zeros(2, np.float32)
    >>> rows, fields, energies = np.ones((1, 1), np.float32), np.empty((1, 2), np.float32), np.empty(1)
    >>> room = np.zeros((2, 2)), np.empty((2, 512)), fields
    >>> find_free_energies(0, 1.0, *machine, free, rows, *room, energies)
    >>> bool(np.isclose(energies[0], -1.0 - 2.0 * np.log(2.0)))
    True
    """
    for row in range(visible.shape[0]):
        _find_fields(weights, hidden_biases, visible[row : row + 1], fields)
        field, total, free = fields[0], 0.0, 0
        for i in range(visible_biases.size):
            total += beta * visible_biases[i] * visible[row, i]
        for j in range(held.size):
            if held[j] == held[j]:
                total += beta * field[j] * held[j]
            else:
                field[free] = field[j]
                free += 1
        energies[row] = total
        sums = energies[row : row + 1]
        bipartite.sum_cumulants(kind, beta, fields, room[1, :free], factors, sums)
        energies[row] = -energies[row]


@kernel
def forget(kind, rows, scale, state, room, weights, turned, visible_biases, hidden_biases):
    """Give a machine random weights of a small `scale`, and biases with which it knows single pixels alone.

    With the share p of rows in which a unit is up, taken as (number + 1) / (rows + 2), its bias is
    ln(p / (1 - p)), or half of that for units of -1 and +1. Hidden biases are 0.
    """
    n, m = weights.shape
    noise = room[0, :m]
    for i in range(n):
        fill_normal(state, noise)
        for j in range(m):
            weights[i, j] = scale * noise[j]
    for j in range(m):
        hidden_biases[j] = _ZERO
    half = 1.0
    if kind == bipartite.SPIN:
        half = 0.5
    for i in range(n):
        up = 1.0
        for row in range(rows.shape[0]):
            if rows[row, i] > _ZERO:
                up += 1.0
        visible_biases[i] = half * log(up / (rows.shape[0] + 2.0 - up))
    _turn(weights, turned)


@kernel
def _turn(weights, turned):
    i, j = 0, 0
    for _ in range(weights.size):
        turned[j, i] = weights[i, j]
        j += 1
        if j == weights.shape[1]:
            i, j = i + 1, 0


@kernel
def learn_batch(
    kinds, rate, n_steps, persistent, rows, order, clock, weights, turned, visible_biases, hidden_biases,
    free, off, state, words, halves, room, seen, causes, visible, hidden,
):  # fmt: skip
    """Learn from the next rows of data: raise what is likely given them, lower what the machine dreams.

    W grows by rate (<v h>_data - <v h>_chains), b by rate (<v>_data - <v>_chains), c by rate (<h>_data -
    <h>_chains), where h are means and the averages are over as many rows as the layers have. The chains make
    `n_steps` sweeps, from the data (contrastive divergence) or, if `persistent`, from where they were.

    `order` (int64) numbers the rows; it is shuffled when fewer are left than are needed, and the rest of it
    is passed over. `clock` (int64, 3) holds the place in it, which is order.size at first, the number of
    updates, and whether the chains have begun: at 0 they begin at the data. `free` and `off` are what is held
    of the visible and of the hidden units. The layers of the data are `seen` and `causes`, those of the
    chains `visible` and `hidden`. Sources: Hinton (2002), Tieleman (2008).
    """
    chance = state, words, halves, room
    batch = seen.shape[1]
    if clock[0] + batch > order.size:
        bipartite.shuffle(state, order)
        clock[0] = 0
    bipartite.gather(rows, order[clock[0] : clock[0] + batch], seen[_UNITS])
    clock[0] += batch
    _draw(kinds[1], weights, hidden_biases, seen, off, chance, causes)
    given = causes
    if persistent and clock[2]:
        given = hidden
    for _ in range(n_steps):
        _draw(kinds[0], turned, visible_biases, given, free, chance, visible)
        _draw(kinds[1], weights, hidden_biases, visible, off, chance, hidden)
        given = hidden
    clock[1] += 1
    clock[2] = 1
    step = np.float32(rate / batch)
    for row in range(batch):
        data, dream = seen[_UNITS, row], visible[_UNITS, row]
        raised, lowered = causes[_MEANS, row], hidden[_MEANS, row]
        for i in range(data.size):
            _learn_unit(step * data[i], step * dream[i], raised, lowered, weights[i])
            visible_biases[i] += step * data[i] - step * dream[i]
        _learn_unit(step, step, raised, lowered, hidden_biases)
    _turn(weights, turned)


@kernel
def _draw(kind, weights, biases, given, held, chance, layer):
    state, words, halves, room = chance
    draw_layer(kind, 1.0, weights, biases, given[_UNITS], held, state, words, halves, room, layer)


@kernel
def _learn_unit(data, dream, raised, lowered, weights):
    if data != _ZERO or dream != _ZERO:
        for j in range(weights.size):
            weights[j] += data * raised[j] - dream * lowered[j]


@kernel
def reconstruction_error(
    kinds, weights, turned, visible_biases, hidden_biases, off, rows, room, visible, hidden
):  # fmt: skip
    """Return the mean of (v - v')^2 over units and rows, where v' is the mean given the means given v.

    Nothing is drawn. `visible` and `hidden` are layers of one row, to work in.
    """
    total = 0.0
    for row in range(rows.shape[0]):
        _find_fields(weights, hidden_biases, rows[row : row + 1], hidden[_FIELDS])
        zeros = room[1, : hidden_biases.size]
        bipartite.find_means(kinds[1], 1.0, hidden[_FIELDS], zeros, hidden[_MEANS])
        _hold(off, hidden[_MEANS])
        _find_fields(turned, visible_biases, hidden[_MEANS], visible[_FIELDS])
        zeros = room[1, : visible_biases.size]
        bipartite.find_means(kinds[0], 1.0, visible[_FIELDS], zeros, visible[_MEANS])
        for i in range(visible_biases.size):
            difference = np.float64(rows[row, i]) - np.float64(visible[_MEANS, 0, i])
            total += difference * difference
    return total / rows.size
