"""Kernels for recall: spins follow their fields in couplings J, or in patterns xi without any couplings.

What the spins feel comes in one of four stores. The arrays of the others are None.

    couplings    matrix, or entries, columns and starts, with fields h, as in `smbook.kernels.network`;
                 `mirrored` is the transposed matrix, the matrix itself where it is symmetric
    factors      sites (N, P), the patterns' entries xi_i^mu site by site, and own (N): sum_mu (xi_i^mu)^2;
                 Hebb's rule without the matrix
    levels       sites, and levels (2N + 1): F(M) at M + N for an energy -sum_mu F(M_mu)
    decays       sites, and decays (2N + 1): exp(-k) at k, for the energy -ln sum_mu exp(M_mu)

What belongs together comes as a tuple:

    memory   (matrix, mirrored, entries, columns, starts, fields, sites, own, levels, decays)
    chain    (spins, local fields in float64 or None, sums M_mu = sum_i xi_i^mu s_i or None, random state)
    room     (words, noise, sequence, chosen, saved): uint64, float64, int64 (a permutation of the sites),
             int8 and int8, N each, to work in
    how      (shuffled, cold, doubled, scale, tolerance): whether each sweep has an order of its own, whether
             T = 0, 2 beta scale, the scale of energies and fields, and up to what field a spin stays as it is
    clock    int64: updates made in this sweep, spins turned in it, in all, and since fields were computed

Sums are int16 or wider, and P N stays below 2**31. All sums over whole numbers are exact, so that a field of
zero is zero, whatever the order of adding up.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel, network
from smbook.kernels.elementary import exp, log
from smbook.kernels.rng import fill_uint64, uniform

_TURNS = 16  # times N: spins turned until local fields are computed anew


@kernel
def fill_patterns(state, up, filled, out):
    """Fill `out` (int8, flat): +1 where a draw is below `up`, else -1 below `filled`, else 0."""
    for k in range(out.size):
        u = uniform(state)
        out[k] = np.int8(u < filled) * np.int8(2 * (u < up) - 1)


@kernel
def spoil(state, words, sequence, count, spins):
    """Turn `count` different spins at random; `sequence` is a permutation of the sites, `words` as long."""
    fill_uint64(state, words)
    for k in range(count):
        j = k + np.int64(words[k] % np.uint64(spins.size - k))
        sequence[k], sequence[j] = sequence[j], sequence[k]
        spins[sequence[k]] = -spins[sequence[k]]


@kernel
def find_products(patterns, spins, out):
    """Fill `out` (int64) with M_mu = sum_i xi_i^mu s_i of patterns (P, N)."""
    for mu in range(out.size):
        row = patterns[mu]
        total = np.int32(0)
        for i in range(spins.size):
            total = np.int32(total + np.int32(row[i]) * np.int32(spins[i]))
        out[mu] = total


@kernel
def find_sums(sites, spins, sums):
    """Fill `sums` with M_mu = sum_i xi_i^mu s_i.

    Examples
    --------
    >>> sites = np.array([[1, 1], [1, -1], [1, 0]], dtype=np.int8)
    >>> sums = np.empty(2, dtype=np.int16)
    >>> find_sums(sites, np.array([1, 1, -1], dtype=np.int8), sums)
    >>> sums
    array([1, 0], dtype=int16)
    """
    for mu in range(sums.size):
        sums[mu] = 0
    for i in range(spins.size):
        row = sites[i]
        if spins[i] > 0:
            for mu in range(row.size):
                sums[mu] += row[mu]
        else:
            for mu in range(row.size):
                sums[mu] -= row[mu]


@kernel
def fill_levels(degree, levels):
    """Fill `levels` (2N + 1) with F(M) = M**degree at M + N, exactly as long as that is below 2**53."""
    n = levels.size // 2
    for k in range(levels.size):
        power = 1.0
        for _ in range(degree):
            power *= k - n
        levels[k] = power


@kernel
def fill_decays(decays):
    """Fill `decays` with exp(-k) at k."""
    for k in range(decays.size):
        decays[k] = exp(-np.float64(k))


@kernel
def factor_energy(own, sums):
    """Return E / scale = -(sum_mu M_mu^2 - sum_i own_i) / 2 of Hebb's rule, whose scale is 1 / N."""
    total = np.int64(0)
    for mu in range(sums.size):
        total += np.int64(sums[mu]) * np.int64(sums[mu])
    for i in range(own.size):
        total -= own[i]
    return 0.0 - total / 2.0  # 0.0 - 0.0 is no -0.0


@kernel
def factor_field(row, own, spin, sums):
    """Return l_i / scale = sum_mu xi_i^mu M_mu - own_i s_i of Hebb's rule, without the spin's own share."""
    total = np.int32(0)
    for mu in range(row.size):
        total = np.int32(total + np.int32(row[mu]) * np.int32(sums[mu]))
    return np.float64(total - own * spin)


@kernel
def factor_fields(sites, own, spins, sums, out):
    """Fill `out` (float64) with the fields on all spins, as `factor_field`."""
    for i in range(out.size):
        out[i] = factor_field(sites[i], own[i], spins[i], sums)


@kernel
def level_energy(levels, sums):
    """Return E / scale = -sum_mu F(M_mu)."""
    n = levels.size // 2
    total = 0.0
    for mu in range(sums.size):
        total += levels[sums[mu] + n]
    return 0.0 - total


@kernel
def _level_field(row, levels, spin, sums):
    """Return half of what the energy gains as spin i goes up: sum_mu (F(M' + xi) - F(M' - xi)) / 2.

    M' is the sum over all other sites.
    """
    n = levels.size // 2
    total = 0.0
    for mu in range(row.size):
        others = sums[mu] - row[mu] * spin + n
        total += levels[others + row[mu]] - levels[others - row[mu]]
    return total / 2.0


@kernel
def decay_energy(decays, sums):
    """Return -ln sum_mu exp(M_mu), with the largest taken out."""
    largest = np.int64(sums[0])
    for mu in range(sums.size):
        largest = max(largest, np.int64(sums[mu]))
    total = 0.0
    for mu in range(sums.size):
        total += decays[largest - sums[mu]]
    return 0.0 - (largest + log(total))


@kernel
def _decay_field(row, decays, spin, sums):
    """Return half of ln (sum_mu exp(M' + xi) / sum_mu exp(M' - xi)), M' the sums over all other sites."""
    largest = np.int64(sums[0] - row[0] * spin)
    for mu in range(row.size):
        largest = max(largest, np.int64(sums[mu] - row[mu] * spin))
    along, against = 0.0, 0.0
    for mu in range(row.size):
        weight = decays[largest - (sums[mu] - row[mu] * spin)]
        if row[mu] > 0:
            along += weight
        else:
            against += weight
    near, far = exp(1.0), exp(-1.0)
    return 0.5 * log((near * along + far * against) / (far * along + near * against))


@kernel
def _energy(fields, own, levels, decays, spins, local, sums):
    found = 0.0
    if local is not None:
        found = network.energy(spins, local, fields)
    if own is not None:
        found = factor_energy(own, sums)
    if levels is not None:
        found = level_energy(levels, sums)
    if decays is not None:
        found = decay_energy(decays, sums)
    return found


@kernel
def energy(memory, chain, scale):
    """Return E, the total."""
    fields, own, levels, decays = memory[5], memory[7], memory[8], memory[9]
    return scale * _energy(fields, own, levels, decays, chain[0], chain[1], chain[2])


@kernel
def _field(sites, own, levels, decays, spins, local, sums, i):
    found = 0.0
    if local is not None:
        found = np.float64(local[i])
    if own is not None:
        found = factor_field(sites[i], own[i], spins[i], sums)
    if levels is not None:
        found = _level_field(sites[i], levels, spins[i], sums)
    if decays is not None:
        found = _decay_field(sites[i], decays, spins[i], sums)
    return found


@kernel
def find_fields(memory, chain, scale, out):
    """Fill `out` (float64) with the fields on all spins: halves of what the energy gains as they go up."""
    sites, own, levels, decays = memory[6], memory[7], memory[8], memory[9]
    spins, local, sums, _ = chain
    for i in range(out.size):
        out[i] = scale * _field(sites, own, levels, decays, spins, local, sums, i)


@kernel
def turn_in_sums(sites, spins, sums, i):
    """Flip spin i and bring the sums up to date."""
    row = sites[i]
    spins[i] = -spins[i]
    if spins[i] > 0:
        for mu in range(row.size):
            sums[mu] += row[mu] + row[mu]
    else:
        for mu in range(row.size):
            sums[mu] -= row[mu] + row[mu]


@kernel
def _turn(mirrored, entries, columns, starts, sites, spins, local, sums, i):
    if local is not None:
        network.turn(mirrored, entries, columns, starts, spins, local, i)
    if sums is not None:
        turn_in_sums(sites, spins, sums, i)


@kernel
def _count(clock):
    clock[1] += 1
    clock[2] += 1
    clock[3] += 1


@kernel
def _begin(matrix, entries, columns, starts, fields, sites, spins, local, sums):
    if local is not None:
        network.find_local_fields(matrix, entries, columns, starts, fields, spins, local)
    if sums is not None:
        find_sums(sites, spins, sums)


@kernel
def begin(memory, chain):
    """Find the local fields or the sums of the spins as they are."""
    matrix, _, entries, columns, starts, fields, sites, _, _, _ = memory
    _begin(matrix, entries, columns, starts, fields, sites, chain[0], chain[1], chain[2])


@kernel
def draw_sequence(state, words, sequence):
    """Put the sites in `sequence` into a random order; `words` is as long. Source: Durstenfeld (1964)."""
    fill_uint64(state, words)
    for i in range(sequence.size - 1, 0, -1):
        j = np.int64(words[i] % np.uint64(i + 1))
        sequence[i], sequence[j] = sequence[j], sequence[i]


@kernel
def _begin_sweep(memory, chain, room, how, clock):
    words, noise, sequence, _, _ = room
    shuffled, cold, _, _, _ = how
    clock[1] = 0
    if clock[3] >= _TURNS * sequence.size:
        begin(memory, chain)
        clock[3] = 0
    if not cold:
        network.draw_noise(network.HEAT_BATH, chain[3], words, noise)
    if shuffled:
        draw_sequence(chain[3], words, sequence)


@kernel
def _chosen(cold, doubled, tolerance, found, spin, noise):
    """Return the spin that a field asks for: its sign, or what the heat bath draws."""
    if cold:
        if found > tolerance:
            return np.int8(1)
        if found < -tolerance:
            return np.int8(-1)
        return spin
    if doubled * found > noise:
        return np.int8(1)
    return np.int8(-1)


@kernel
def retrieve(memory, chain, room, how, clock, n_updates):
    """Make updates of one spin after another; a sweep is N of them, and may be parted between calls."""
    _, mirrored, entries, columns, starts, _, sites, own, levels, decays = memory
    spins, local, sums, _ = chain
    noise, sequence = room[1], room[2]
    _, cold, doubled, _, tolerance = how
    for _ in range(n_updates):
        if clock[0] == 0:
            _begin_sweep(memory, chain, room, how, clock)
        i = sequence[clock[0]]
        found = _field(sites, own, levels, decays, spins, local, sums, i)
        if _chosen(cold, doubled, tolerance, found, spins[i], noise[clock[0]]) != spins[i]:
            _turn(mirrored, entries, columns, starts, sites, spins, local, sums, i)
            _count(clock)
        clock[0] = (clock[0] + 1) % sequence.size


@kernel
def retrieve_at_once(memory, chain, room, how, clock):
    """Let all spins choose by the fields of the same state, and then turn together."""
    _, mirrored, entries, columns, starts, _, sites, own, levels, decays = memory
    spins, local, sums, _ = chain
    noise, chosen = room[1], room[3]
    _, cold, doubled, _, tolerance = how
    _begin_sweep(memory, chain, room, how, clock)
    for i in range(spins.size):
        found = _field(sites, own, levels, decays, spins, local, sums, i)
        chosen[i] = _chosen(cold, doubled, tolerance, found, spins[i], noise[i])
    for i in range(spins.size):
        if chosen[i] != spins[i]:
            _turn(mirrored, entries, columns, starts, sites, spins, local, sums, i)
            _count(clock)


@kernel
def _period(room, spins, how, parallel, flips, watch):
    """Return the period of a state that has come back, or 0 as long as none has.

    A sweep that turns nothing ends in a fixed point. Other cycles are found where a sweep always does the
    same to a state: it is compared with one that is kept for 1, 2, 4, ... sweeps. `watch` (int64) holds for
    how many, and how many have passed. Source: Brent (1980).
    """
    saved = room[4]
    if flips == 0:
        return 1
    if how[0] and not parallel:
        return 0
    watch[1] += 1
    same = True
    for i in range(spins.size):
        same = same and spins[i] == saved[i]
    if same:
        return watch[1]
    if watch[1] == watch[0]:
        watch[0] *= 2
        watch[1] = 0
        for i in range(spins.size):
            saved[i] = spins[i]
    return 0


@kernel
def _note_sums(known, spins, sums, out):
    """Note the sums with the known patterns, or the memory's own."""
    if known is not None:
        find_sums(known, spins, out)
    if sums is not None:
        for mu in range(out.size):
            out[mu] = sums[mu]


@kernel
def _note_known(known, spins, sums, out):
    if known is None:
        _note_sums(None, spins, sums, out)
    if known is not None:
        _note_sums(known, spins, None, out)


@kernel
def note(memory, chain, scale, known, sums, energies):
    """Note a state: its sums (int64) with the patterns `known`, sites by patterns, and its energy (float64).

    None are the memory's own patterns.
    """
    _note_known(known, chain[0], chain[2], sums)
    energies[0] = energy(memory, chain, scale)


@kernel
def recall(memory, chain, room, how, clock, parallel, known, watch, sums, energies):
    """Make sweeps until a state comes back or `energies` is full; return how many there were.

    Each is noted, as by `note`, in a row of `sums` and an entry of `energies`. `watch` (int64) is (1, 0, 0)
    at first, with room[4] the state at the start; at the end watch[2] is the period of the state that came
    back, or 0.
    """
    for k in range(energies.size):
        if parallel:
            retrieve_at_once(memory, chain, room, how, clock)
        else:
            retrieve(memory, chain, room, how, clock, room[2].size)
        note(memory, chain, how[3], known, sums[k], energies[k : k + 1])
        if how[1]:
            watch[2] = _period(room, chain[0], how, parallel, clock[1], watch)
            if watch[2] > 0:
                return k + 1
    return energies.size
