"""Kernels that flip clusters of satisfied bonds on the lattices of `lattice`: Wolff and Swendsen-Wang.

A bond is satisfied if the product of its spins has the sign of the coupling. A satisfied bond joins its two
sites to one cluster with the probability of `bond_threshold`, that of `trials` (see `bernoulli`), which is
filled by `begin_trials` and lives as long as the run.

What is simple on paper, a question at each bond, is slow: a processor that guesses the answer wrong loses the
time of some sixty steps. Here no answer decides what is done next, as far as can be.

Each algorithm is one kernel that does `thin` sweeps, notes the sum over bonds and the sum of spins, and so
on until `bonds` and `sums` (int64) are full.
"""

from __future__ import annotations

import math

import numpy as np

from smbook.kernels import kernel
from smbook.kernels._jit import inlined
from smbook.kernels.bernoulli import next_trials
from smbook.kernels.binary import bit_count
from smbook.kernels.elementary import exp, log, tanh
from smbook.kernels.lattice import bond_sum, probability_threshold, spin_sum
from smbook.kernels.rng import next_uint64

# tanh(beta J) at the critical point and the exponent of the susceptibility, by the number of dimensions.
_CRITICAL_1D = (1.0, 1.0)
_CRITICAL_2D = (math.sqrt(2.0) - 1.0, 1.75)
_CRITICAL_3D = (0.218094, 1.237)

_NONE, _ALL, _ONE, _TOP = np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(1), np.uint64(63)
_FIRST_AXIS = np.uint64(0x3333333333333333)  # the trials of one axis of two


@kernel
def bond_threshold(beta, coupling):
    """Return the threshold with which a satisfied bond joins its two sites to one cluster.

    p = 1 - exp(-2 beta abs(J)). Source: Fortuin and Kasteleyn (1972).
    """
    return probability_threshold(1.0 - exp(-2.0 * beta * abs(coupling)))


@kernel
def wolff_flips(n_sites, dimension, beta, coupling):
    """Return how many clusters a Wolff sweep flips, as int64: about as many as hold a lattice full of sites.

    n = N (1 - v / v_c)**gamma with v = tanh(beta abs(J)), rounded, at least 1: N over the mean cluster size
    by the power law at the critical point v_c, right to within a factor of two.

    Examples
    --------
    >>> wolff_flips(64 * 64, 2, 0.2, 1.0)
    1320
    """
    critical, gamma = _CRITICAL_3D
    if dimension == 1:
        critical, gamma = _CRITICAL_1D
    elif dimension == 2:
        critical, gamma = _CRITICAL_2D
    distance = 1.0 - tanh(beta * abs(coupling)) / critical
    clusters = n_sites * exp(gamma * log(max(distance, 0.0)))
    if clusters >= n_sites:
        return np.int64(n_sites)
    return max(np.int64(1), np.int64(clusters + 0.5))


@kernel
def wolff(spins, shape, sign, n_flips, queue, trials, state, thin, bonds, sums):
    """Flip `n_flips` clusters a sweep, each grown from a random site over satisfied bonds.

    The number of flips is fixed: to stop once enough sites are turned would favour the states in which
    clusters are large. `queue` (uint64) has room for every site and one more. Source: Wolff (1989).
    """
    d = shape.size
    last, middle, first = _axis(shape, d - 1), _axis(shape, d - 2), _axis(shape, d - 3)
    how = np.uint64(_site_place(shape)), _marks(shape, sign), np.uint64(sign < 0)
    for kept in range(bonds.size):
        for _ in range(thin * n_flips):
            start = (next_uint64(state) >> _ONE) % np.uint64(spins.size)
            if d == 3:
                _flip_cluster(spins, start, (last, middle, first), how, _ALL, queue, trials)
            else:
                some = _ALL if d == 2 else _FIRST_AXIS
                _flip_cluster(spins, start, (last, middle), how, some, queue, trials)
        bonds[kept] = bond_sum(spins, shape)
        sums[kept] = spin_sum(spins)


@inlined
def _site_place(shape):
    """Return at which bit of an entry of the queue of `wolff` the number of a site stands.

    Below are the coordinates, the last axis first, each with the bits that its side needs, and in bit 0
    whether the spin was down. An entry that is moved by a step moves in site and coordinate at once, and
    tells without a division whether it meets the border.
    """
    place = 1
    for axis in range(shape.size):
        place += _width(shape[axis])
    return place


@inlined
def _width(side):
    """Return how many bits the coordinates below `side` need."""
    width = 0
    while (1 << width) < side:
        width += 1
    return width


@inlined
def _axis(shape, axis):
    """Return side, bits of the coordinate in an entry, its last value there, a step and a lap along an axis.

    An axis below 0 has one site, and a step along it leads nowhere.
    """
    if axis < 0:
        return _ONE, _NONE, _ONE, _NONE, _NONE
    place, stride = 1, np.int64(1)
    for later in range(axis + 1, shape.size):
        place += _width(shape[later])
        stride *= shape[later]
    side, step = np.uint64(shape[axis]), np.uint64(stride << _site_place(shape) | 1 << place)
    field = ((_ONE << np.uint64(_width(shape[axis]))) - _ONE) << np.uint64(place)
    return side, field, (side - _ONE) << np.uint64(place), step, side * step


@inlined
def _marks(shape, sign):
    """Return 1 if a cluster can hold both ends of an unsatisfied bond, for an odd antiferromagnet, or 0."""
    odd = np.int64(0)
    for axis in range(shape.size):
        odd |= shape[axis] & 1
    return np.int8(odd) if sign < 0 else np.int8(0)


@inlined
def _flip_cluster(spins, start, axes, how, some, queue, trials):
    """Grow a cluster from the site `start` and flip it.

    Each neighbour of a site is written behind the end of the queue, and the end moves on if it has joined. A
    spin is flipped as it joins, so that no bond to it is satisfied any more. Only where an unsatisfied bond
    would then be, it becomes 2 or -2 until the end.

    A site has 4 trials, after and before it along the last axis, then along the one before; or 8 in three
    dimensions, the last two for nothing. `some` masks those of an axis that is none. A cluster begins with a
    new word of trials.
    """
    place, marked, turned = how
    width = 2 * len(axes) + 2 * (len(axes) - 2)
    queue[0], rest = np.uint64(spins[start] < 0), start
    for side, _, _, step, _ in axes:
        queue[0] += rest % side * step
        rest //= side
    spins[start] = np.int8(-spins[start]) << marked
    head, tail, word, left = _NONE, _ONE, _NONE, 0
    while head < tail:
        if left == 0:
            word, left = next_trials(trials) & some, 64
        entry, bits = queue[head] ^ turned, word
        head += _ONE
        wanted = np.int8(1 - 2 * np.int64(entry & _ONE))
        flipped = np.int8(-wanted) << marked
        for _, field, last, step, lap in axes:
            at = entry & field
            after = entry + step - (lap if at == last else _NONE)
            before = entry - step + (lap if at == _NONE else _NONE)
            for neighbour in (after, before):
                queue[tail] = neighbour
                site = neighbour >> place
                spin = spins[site]
                joins = np.uint64(spin == wanted) & bits
                spins[site] = flipped if joins else spin
                tail += joins
                bits >>= _ONE
        word >>= np.uint64(width)
        left -= width
    for k in range(tail * np.uint64(marked)):
        spins[queue[k] >> place] >>= marked


@kernel
def swendsen_wang(spins, shape, sign, words, parent, trials, state, thin, bonds, sums):
    """Part the lattice into clusters over satisfied bonds, and flip each with probability 1/2, once a sweep.

    A row (a line along the last axis) is parted into runs of sites that its bonds join. The bonds to other
    rows then unite runs, which are half as many as sites at the critical point. All but this is done with 64
    sites in a word, and none of two rows: `words` (uint64) has three rows of as many words. `parent` (uint64)
    has room for every site and one more. Source: Swendsen and Wang (1987).
    """
    up, starts, before = words[0], words[1], words[2]
    same = _ALL if sign > 0 else _NONE
    length = shape[shape.size - 1]
    _pack(spins, length, up)
    for kept in range(bonds.size):
        for _ in range(thin):
            n_runs = _find_runs(up, length, same, starts, before, parent, trials)
            _unite_rows(up, shape, same, starts, before, parent, trials)
            _draw_fates(parent, n_runs, state)
            _turn(up, length, starts, before, parent)
        bonds[kept] = _bonds_of(up, shape)
        sums[kept] = _spins_of(up, spins.size)
    _unpack(up, length, spins)


@inlined
def _words_of_row(length):
    return (length + 63) // 64


@inlined
def _sites_of(length, k):
    """Return the bits that stand for sites in the k-th word of a row."""
    left = length - 64 * k
    if left >= 64:
        return _ALL
    return (_ONE << np.uint64(left)) - _ONE


@inlined
def _pack(spins, length, up):
    """Set the bits of the spins that are up."""
    in_row = _words_of_row(length)
    for k in range(up.size):
        start = k // in_row * length + 64 * (k % in_row)
        word = _NONE
        for i in range(min(64, length - 64 * (k % in_row))):
            word |= np.uint64(spins[start + i] > 0) << np.uint64(i)
        up[k] = word


@inlined
def _unpack(up, length, spins):
    in_row = _words_of_row(length)
    for k in range(up.size):
        start, word = k // in_row * length + 64 * (k % in_row), up[k]
        for i in range(min(64, length - 64 * (k % in_row))):
            spins[start + i] = 2 * np.int8((word >> np.uint64(i)) & _ONE) - 1


@inlined
def _next_sites(up, base, k, length):
    """Return the spins after those of a word, each at the bit of its neighbour: k-th in the row at `base`."""
    if k + 1 < _words_of_row(length):
        return up[base + k] >> _ONE | up[base + k + 1] << _TOP
    return up[base + k] >> _ONE | (up[base] & _ONE) << np.uint64(length - 1 - 64 * k)


@inlined
def _find_runs(up, length, same, starts, before, parent, trials):
    """Part all rows into runs, numbered from 1 on, and return their number.

    A bit of `starts` is set where a run starts, and `before` counts the runs that start before a word. The
    run of a site is that count and the starts up to the site. A run that goes on over the border of its row
    is two that are united.
    """
    in_row, n_runs = _words_of_row(length), _NONE
    for row in range(up.size // in_row):
        base, first, joined = row * in_row, n_runs + _ONE, _NONE
        for k in range(in_row):
            satisfied = up[base + k] ^ _next_sites(up, base, k, length) ^ same
            from_left = joined
            joined = satisfied & next_trials(trials) & _sites_of(length, k)
            starts[base + k] = ~(joined << _ONE | from_left >> _TOP) & _sites_of(length, k)
            before[base + k] = n_runs
            n_runs += np.uint64(bit_count(starts[base + k]))
        for run in range(first, n_runs + _ONE):
            parent[run] = run
        if joined >> np.uint64((length - 1) % 64):
            _unite(parent, first, n_runs)
    return n_runs


@inlined
def _unite_rows(up, shape, same, starts, before, parent, trials):
    """Unite runs over the bonds along all axes but the last."""
    in_row = _words_of_row(shape[shape.size - 1])
    stride = in_row
    for axis in range(shape.size - 2, -1, -1):
        extent = stride * shape[axis]
        for row in range(up.size // in_row):
            base = row * in_row
            after = base + stride - (extent if base % extent + stride >= extent else 0)
            _unite_two_rows(up, shape[shape.size - 1], same, starts, before, parent, base, after, trials)
        stride = extent


@inlined
def _unite_two_rows(up, length, same, starts, before, parent, one, other, trials):
    """Unite the runs of two rows, which begin at `one` and `other`, over the bonds between them.

    A bond whose left neighbour joins the same two runs is left out.
    """
    joined = _NONE
    for k in range(_words_of_row(length)):
        above, below = starts[one + k], starts[other + k]
        from_left = joined
        joined = (up[one + k] ^ up[other + k] ^ same) & next_trials(trials) & _sites_of(length, k)
        bonds = joined & ~((joined << _ONE | from_left >> _TOP) & ~above & ~below)
        while bonds:
            up_to = bonds ^ (bonds - _ONE)  # the lowest bond and all bits below
            _unite(
                parent,
                before[one + k] + np.uint64(bit_count(above & up_to)),
                before[other + k] + np.uint64(bit_count(below & up_to)),
            )
            bonds &= ~up_to


@inlined
def _unite(parent, a, b):
    """Join two clusters; the root is the smallest run, and every parent comes before its child.

    Both ways to the roots are gone at once, always the one of larger parents, and each run on the way gets a
    smaller parent: Rem's algorithm. Sources: Dijkstra (1976); Patwary, Blair and Manne (2010).
    """
    above_a, above_b = parent[a], parent[b]
    while above_a != above_b:
        if above_a < above_b:
            parent[b] = above_a
            if b == above_b:
                break
            b = above_b
            above_b = parent[b]
        else:
            parent[a] = above_b
            if a == above_a:
                break
            a = above_a
            above_a = parent[a]


@inlined
def _draw_fates(parent, n_runs, state):
    """Put in the place of each run's parent its fate, all bits set if its cluster is to be flipped, or none.

    A parent comes before its child, so that it knows. The draw of 64 coins is for 64 runs, of which the
    roots use theirs.
    """
    coins = _NONE
    for run in range(_ONE, n_runs + _ONE):
        if run & _TOP == _ONE:
            coins = next_uint64(state)
        above = parent[run]
        fate = parent[above]
        parent[run] = _NONE - (coins & _ONE) if above == run else fate
        coins >>= _ONE


@inlined
def _turn(up, length, starts, before, fates):
    """Flip the runs whose fate is to be flipped: from the start of each on, what follows shares its fate."""
    in_row, flips = _words_of_row(length), _NONE
    for k in range(up.size):
        left, run = starts[k], before[k]
        flips = _NONE - (flips >> _TOP)  # what goes on from the word before
        while left:
            from_here = _NONE - (left & (_NONE - left))
            run += _ONE
            flips ^= (flips ^ fates[run]) & from_here
            left &= left - _ONE
        up[k] ^= flips & _sites_of(length, k % in_row)


@inlined
def _bonds_of(up, shape):
    """Return the sum of s_i s_j over all bonds."""
    length = shape[shape.size - 1]
    in_row = _words_of_row(length)
    unlike, n_sites, stride = np.int64(0), length, in_row
    for row in range(up.size // in_row):
        for k in range(in_row):
            after = _next_sites(up, row * in_row, k, length)
            unlike += bit_count((up[row * in_row + k] ^ after) & _sites_of(length, k))
    for axis in range(shape.size - 2, -1, -1):
        extent = stride * shape[axis]
        for k in range(up.size):
            unlike += bit_count(up[k] ^ up[k + stride - (extent if k % extent + stride >= extent else 0)])
        stride = extent
        n_sites *= shape[axis]
    return shape.size * n_sites - 2 * unlike


@inlined
def _spins_of(up, n_sites):
    """Return the sum of all spins."""
    n_up = np.int64(0)
    for k in range(up.size):
        n_up += bit_count(up[k])
    return 2 * n_up - n_sites
