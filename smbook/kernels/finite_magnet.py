"""Kernels for finite Curie-Weiss magnets, E = -(J / 2N) M^2 - h M: each is a number k of spins up, of N.

A random-site heat bath picks a spin and turns it as its local field says, from the other N - 1 spins. With
probability 1 - k / N the spin is down, in the field J (M + 1) / N + h; with k / N it is up, in J (M - 1) / N
+ h. So k is a birth-death chain, with M = 2k - N. A sweep is N updates, each of one draw.

Magnets stand one after another in `up` (int64), each with its own row of `states` (uint64, 4 words a row).
Laws are logarithms of probabilities, float64, of k = 0 ... N spins up.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, log
from smbook.kernels.lattice import CERTAIN, probability_threshold
from smbook.kernels.rng import next_uint64

UP, DOWN = 1.0, -1.0  # to where a spin turns

_NEGLIGIBLE = 40.0  # of a logarithm below the largest: what is left out comes to 1e-12 of 10^5 terms


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
    if x < 700.0:
        return eligible / n / (1.0 + exp(x))
    return eligible / n * exp(-x)


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
    """Update each magnet until `stop` of its spins are up, or `n_updates` times.

    It comes there from above or from below, as k changes by one. `elapsed` (int64) grows by the number of
    updates of each. A magnet that is there already rests.
    """
    for i in range(up.size):
        k = up[i]
        made = np.int64(0)
        while k != stop and made < n_updates:
            k += _move(table, k, states[i])
            made += 1
        up[i] = k
        elapsed[i] += made


@kernel
def passage_time(beta, coupling, field, n, start, stop):
    """Return the mean time in sweeps from `start` spins up of n to `stop`, which is less, from above.

    The mean t_k of the time from k to k - 1 obeys l_k t_k = 1 + g_k t_{k+1}, where g and l are the
    probabilities of an update to gain and to lose: terms of one sign, so that no digit is lost. It is inf
    beyond the range of a float. `smbook.theory.ising.curie_weiss_first_passage` sums another formula.

    Examples
    --------
    >>> round(passage_time(1 / 0.6, 1.0, -0.05, 20, 19, 1), 4)
    109.3501
    """
    time, total = 0.0, 0.0
    for k in range(n, stop, -1):
        gain = _turning(n, k, beta, coupling, field, UP)
        time = (1.0 + gain * time) / _turning(n, k, beta, coupling, field, DOWN)
        if k <= start:
            total += time
    return total / n


@kernel
def log_law(beta, coupling, field, law):
    """Fill `law` with ln p_k of k = 0 ... N spins up, as `smbook.theory.ising.curie_weiss_finite`.

    p_k is proportional to binom(N, k) exp(N beta (J m^2 / 2 + h m)), m = (2k - N) / N.
    """
    n = law.size - 1
    binomial = 0.0
    for k in range(law.size):
        m = (2 * k - n) / n
        law[k] = binomial + n * beta * (coupling * m / 2.0 + field) * m
        binomial += log((n - k) / (k + 1.0))
    top, total = _sums(law, 0.0)[:2]
    shift = top + log(total)
    for k in range(law.size):
        law[k] -= shift


@kernel
def _sums(law, slope):
    """Return the largest of ln w_k = ln p_k + slope M; sums of w_k, w_k m and w_k abs(m) in units of it."""
    n = law.size - 1
    top = -np.inf
    for k in range(law.size):
        top = max(top, law[k] + slope * (2 * k - n))
    total, signed, absolute = 0.0, 0.0, 0.0
    for k in range(law.size):
        exponent = law[k] + slope * (2 * k - n) - top
        if exponent > -_NEGLIGIBLE:
            weight, m = exp(exponent), (2 * k - n) / n
            total += weight
            signed += weight * m
            absolute += weight * abs(m)
    return top, total, signed, absolute


@kernel
def gather(law, size, shares):
    """Fill `shares` with the probabilities of `size` values of k each; the last may hold fewer."""
    for i in range(shares.size):
        shares[i] = 0.0
    for k in range(law.size):
        shares[k // size] += exp(law[k])


@kernel
def means(law, beta, fields, m, absolute):
    """Fill `m` with <m> and `absolute` with <abs(m)> in each of `fields`, from the law without a field."""
    for i in range(fields.size):
        _, total, signed, size = _sums(law, beta * fields[i])
        m[i] = signed / total
        absolute[i] = size / total
