"""Kernels for recall as a page can call them: those of `smbook.kernels.hopfield` with the arrays one by one.

Every `retrieve_...` makes `n_updates` updates, one spin after another, of one store:

    hebb       sites, own: Hebb's rule through the sums with the patterns
    couplings  matrix (N, N) in float32, without fields; `local` and `tolerance` belong to it
    levels     sites, levels: an energy -scale sum_mu F(M_mu)
    decays     sites, decays: the energy -ln sum_mu exp(M_mu)

`beta` may be inf, T = 0. Sums are int32, and what else there is stands in `smbook.kernels.hopfield`.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import hopfield, kernel, network


@kernel
def retrieve_hebb(
    sites, own, spins, sums, state, words, noise, sequence, clock, shuffled, beta, n_updates
):  # fmt: skip
    """Make updates by Hebb's rule.

    Examples
    --------
    >>> sites = np.array([[1], [1], [-1]], dtype=np.int8)
    >>> spins, sums = np.array([1, -1, -1], dtype=np.int8), np.empty(1, dtype=np.int32)
    >>> hopfield.find_sums(sites, spins, sums)
    >>> room = np.empty(3, dtype=np.uint64), np.empty(3), np.arange(3)
    >>> state, clock = np.zeros(4, dtype=np.uint64), np.zeros(4, dtype=np.int64)
    >>> retrieve_hebb(sites, np.array([1, 1, 1]), spins, sums, state, *room, clock, 0, np.inf, 3)
    >>> spins, int(clock[1])
    (array([ 1,  1, -1], dtype=int8), 1)
    """
    memory = (None, None, None, None, None, None, sites, own, None, None)
    chain = (spins, None, sums, state)
    how = _how(shuffled, beta, 1.0 / spins.size, 0.0)
    hopfield.retrieve(memory, chain, (words, noise, sequence, spins, spins), how, clock, n_updates)


@kernel
def retrieve_couplings(
    matrix, fields, spins, local, state, words, noise, sequence, clock, shuffled, beta, tolerance, n_updates
):  # fmt: skip
    """Make updates by couplings (float32); `fields` and `local` are float64."""
    memory = (matrix, matrix, None, None, None, fields, None, None, None, None)
    chain = (spins, local, None, state)
    how = _how(shuffled, beta, 1.0, tolerance)
    hopfield.retrieve(memory, chain, (words, noise, sequence, spins, spins), how, clock, n_updates)


@kernel
def retrieve_levels(
    sites, levels, spins, sums, state, words, noise, sequence, clock, shuffled, beta, scale, n_updates
):  # fmt: skip
    """Make updates by the energy -scale sum_mu F(M_mu)."""
    memory = (None, None, None, None, None, None, sites, None, levels, None)
    chain = (spins, None, sums, state)
    how = _how(shuffled, beta, scale, 0.0)
    hopfield.retrieve(memory, chain, (words, noise, sequence, spins, spins), how, clock, n_updates)


@kernel
def retrieve_decays(
    sites, decays, spins, sums, state, words, noise, sequence, clock, shuffled, beta, n_updates
):  # fmt: skip
    """Make updates by the energy -ln sum_mu exp(M_mu)."""
    memory = (None, None, None, None, None, None, sites, None, None, decays)
    chain = (spins, None, sums, state)
    how = _how(shuffled, beta, 1.0, 0.0)
    hopfield.retrieve(memory, chain, (words, noise, sequence, spins, spins), how, clock, n_updates)


@kernel
def _how(shuffled, beta, scale, tolerance):
    cold = np.int64(beta == np.inf)
    doubled = 0.0
    if not cold:
        doubled = 2.0 * beta * scale
    return shuffled, cold, doubled, scale, tolerance


@kernel
def begin_couplings(matrix, fields, spins, local):
    """Fill `local` (float64) with the local fields of dense couplings."""
    network.find_local_fields(matrix, None, None, None, fields, spins, local)


@kernel
def learn_projection(sites, mu, vectors, matrix):
    """Add to couplings what makes of pattern mu an eigenvector of eigenvalue 1; tell whether it was new.

    vectors (P, N) holds, up to row mu, what the patterns before it have of their own, each orthogonal to all
    others; v = xi - sum_k v_k (v_k . xi) / (v_k . v_k) becomes row mu, and J_ij grows by v_i v_j / (v . v)
    for i != j. A pattern that depends on those before it adds nothing. `matrix` is float32, zero at first.
    The result is `smbook.hopfield.pseudo_inverse`, but for rounding. Source: Personnaz et al. (1985).
    """
    n = matrix.shape[0]
    new = vectors[mu]
    for i in range(n):
        new[i] = sites[i, mu]
    for _ in range(2):  # twice is enough, for rounding
        for k in range(mu):
            _take_off(vectors[k], new)
    square = _product(new, new)
    if square < 1e-9 * n:
        for i in range(n):
            new[i] = 0.0
        return np.int64(0)
    for i in range(n):
        for j in range(n):
            if i != j:
                matrix[i, j] += new[i] * new[j] / square
    return np.int64(1)


@kernel
def _product(one, other):
    total = 0.0
    for i in range(one.size):
        total += one[i] * other[i]
    return total


@kernel
def _take_off(known, new):
    """Take from a vector its part along another one."""
    square = _product(known, known)
    if square > 0.0:
        share = _product(known, new) / square
        for i in range(new.size):
            new[i] -= share * known[i]


@kernel
def hebb_energy(own, sums):
    """Return E of Hebb's rule, the total."""
    return 1.0 / own.size * hopfield.factor_energy(own, sums)


@kernel
def mixture_overlap(sites, members, signs, spins):
    """Return the overlap of spins with the mixture sign(sum_k signs_k xi^members_k) of an odd number.

    Examples
    --------
    >>> sites = np.array([[1, 1, -1], [1, -1, 1], [-1, 1, 1]], dtype=np.int8)
    >>> signs, spins = np.array([1, 1, -1], dtype=np.int8), np.array([1, -1, -1], dtype=np.int8)
    >>> mixture_overlap(sites, np.arange(3), signs, spins)
    1.0
    """
    total = 0
    for i in range(spins.size):
        pull = 0
        for k in range(members.size):
            pull += signs[k] * sites[i, members[k]]
        if pull > 0:
            total += spins[i]
        if pull < 0:
            total -= spins[i]
    return total / spins.size
