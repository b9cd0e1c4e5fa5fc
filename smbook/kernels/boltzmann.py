"""Kernels for Boltzmann machines: N units of +1 and -1 with E(s) = -1/2 s.J.s - h.s, at beta = 1.

The first n units are visible and m = N - n are hidden. State k of them all has s_i = +1 where bit i of k is
set, so that the visible units are in the state v = k mod 2**n and the hidden ones in k >> n. A law of the
visible units is an array of 2**n probabilities; data are one, p(v) is another. All arrays are float64 unless
said otherwise:

    matrix (N, N), fields (N)    J, symmetric with a zero diagonal, and h
    data (2**n)                  the law to be learned
    law (2**n)                   p(v), the law of the machine
    free_energies (2**n)         F(v) = -ln sum_h exp(-E(v, h)), so that p(v) = exp(-F(v)) / Z
    energies, joint (2**N)       E(s), and the probabilities of all states, or room for them
    means (N), products (N, N)   <s_i> and <s_i s_j>, the latter with ones on the diagonal
    rows (R, n), shares (R)      what visible units are clamped to, int8, and the probabilities of the rows
    chains (C, N), weights (C)   the states of C chains, int8, and how much each counts, in all 1
    sites                        the units that the chains update, int64: all N, or the m hidden ones
    words, noise                 room for random numbers, uint64 and float64, as many as sites
    spins (N), local (N), turned (1)   room to work in, int8, float64 and int64
    mask (N, N)                  int8, symmetric: 1 where two units are connected

The gradient of the log-likelihood is <s_i s_j> in the clamped phase, where the visible units follow the data
and the hidden ones p(h | v), less <s_i s_j> in the free phase, where all follow the machine. Source: Ackley,
Hinton and Sejnowski (1985).

An exact step of learning is `exact_phases`, then `learn`. A sampled one is `sample_phase` for the clamped
chains, `sample_phase` for the free ones, then `learn`; `begin_phase` makes both kinds of chains.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel, network
from smbook.kernels.elementary import exp, log
from smbook.kernels.lattice import randomize
from smbook.kernels.rng import fill_normal


@kernel
def exact_phases(
    matrix, fields, data, spins, local, energies, free_energies, law, joint,
    clamped_means, clamped_products, free_means, free_products,
):  # fmt: skip
    """Fill the averages of both phases, and what leads to them, by sums over all states; return ln Z.

    Both are averages over p(h | v) times a law of the visible units: that of the data in the clamped phase,
    that of the machine in the free one.
    """
    network.find_energies(matrix, fields, np.int64(0), spins, local, energies)
    log_partition = find_law(energies, free_energies, law)
    complete(energies, free_energies, data, joint)
    average(joint, clamped_means, clamped_products)
    complete(energies, free_energies, law, joint)
    average(joint, free_means, free_products)
    return log_partition


@kernel
def find_law(energies, free_energies, law):
    """Fill F(v) and p(v), and return ln Z; no exponential overflows, whatever the energies.

    Examples
    --------
    >>> free_energies, law = np.empty(2), np.empty(2)
    >>> log_partition = find_law(np.array([0.0, 1.0, 0.0, 1.0]), free_energies, law)
    >>> bool(np.isclose(log_partition, np.log(2 + 2 / np.e))), bool(np.isclose(law[0], np.e / (1 + np.e)))
    (True, True)
    """
    lowest = np.inf
    for v in range(law.size):
        free_energies[v] = _free_energy(energies, v, law.size)
        lowest = min(lowest, free_energies[v])
    total = 0.0
    for v in range(law.size):
        law[v] = exp(lowest - free_energies[v])
        total += law[v]
    for v in range(law.size):
        law[v] /= total
    return log(total) - lowest


@kernel
def _free_energy(energies, v, step):
    """Return -ln sum_h exp(-E(v, h)); the states of one v are `step` apart."""
    lowest = np.inf
    for h in range(energies.size // step):
        lowest = min(lowest, energies[v + step * h])
    total = 0.0
    for h in range(energies.size // step):
        total += exp(lowest - energies[v + step * h])
    return lowest - log(total)


@kernel
def complete(energies, free_energies, law, joint):
    """Fill `joint` with law(v) p(h | v), p(h | v) = exp(F(v) - E(v, h)), for any law of the visible units."""
    for k in range(joint.size):
        v = k & (law.size - 1)
        joint[k] = law[v] * exp(free_energies[v] - energies[k]) if law[v] > 0.0 else 0.0


@kernel
def average(joint, means, products):
    """Fill <s_i> and <s_i s_j> of a law of all states; what is left of the law is its Walsh transform.

    Examples
    --------
    >>> means, products = np.empty(2), np.empty((2, 2))
    >>> average(np.array([0.5, 0.0, 0.25, 0.25]), means, products)
    >>> means, products
    (array([-0.5,  0. ]), array([[1. , 0.5],
           [0.5, 1. ]]))
    """
    network.walsh_transform(joint)
    for i in range(means.size):
        means[i] = 0.0 - joint[np.int64(1) << i]
        products[i, i] = 1.0
        for j in range(i):
            products[i, j] = joint[(np.int64(1) << i) | (np.int64(1) << j)]
            products[j, i] = products[i, j]


@kernel
def log_likelihood(data, free_energies, log_partition):
    """Return sum_v data(v) ln p(v), the mean log-likelihood of the data, in nats."""
    total = 0.0
    for v in range(data.size):
        if data[v] > 0.0:
            total -= data[v] * (free_energies[v] + log_partition)
    return total


@kernel
def kl_divergence(data, free_energies, log_partition):
    """Return sum_v data(v) ln(data(v) / p(v)), the Kullback-Leibler divergence of the data from the machine.

    Examples
    --------
    >>> kl_divergence(np.array([1.0, 0.0]), np.zeros(2), np.log(2.0)) == np.log(2.0)
    np.True_
    """
    total = 0.0
    for v in range(data.size):
        if data[v] > 0.0:
            total += data[v] * (log(data[v]) + free_energies[v] + log_partition)
    return max(total, 0.0)


@kernel
def tally(chains, weights, law):
    """Fill `law` with the weight of each state of the visible units, the first ones of `chains`.

    Rows and their shares make data of it, and chains what the machine was seen to do.

    Examples
    --------
    >>> law = np.empty(4)
    >>> tally(np.array([[1, -1], [1, 1], [1, -1]], dtype=np.int8), np.full(3, 1 / 3), law)
    >>> law.round(3)
    array([0.   , 0.667, 0.   , 0.333])
    """
    for v in range(law.size):
        law[v] = 0.0
    for c in range(weights.size):
        law[_number(chains[c], law.size)] += weights[c]


@kernel
def _number(spins, n_states):
    """Return the number of a state of the first units, those that have so many states."""
    number, i = np.int64(0), 0
    while (np.int64(1) << i) < n_states:
        if spins[i] > 0:
            number |= np.int64(1) << i
        i += 1
    return number


@kernel
def draw_couplings(state, scale, mask, matrix):
    """Fill couplings with normal numbers of standard deviation `scale` where `mask` is set, zero elsewhere.

    One is drawn for every pair, so that a pair has the same whatever the mask.
    """
    for i in range(matrix.shape[0]):
        fill_normal(state, matrix[i, :i])
        matrix[i, i] = 0.0
        for j in range(i):
            matrix[i, j] *= scale * mask[i, j]
            matrix[j, i] = matrix[i, j]


@kernel
def begin_phase(rows, shares, state, chains, weights):
    """Clamp chain c to row c mod R, draw all other units, and weigh the chains by the shares of their rows.

    There are at least as many chains as rows. One empty row, (1, 0), with the share 1 begins free chains.

    Examples
    --------
    >>> chains, weights, state = np.empty((3, 2), dtype=np.int8), np.empty(3), np.ones(4, dtype=np.uint64)
    >>> begin_phase(np.array([[1, -1], [-1, 1]], dtype=np.int8), np.array([0.2, 0.8]), state, chains, weights)
    >>> chains.tolist(), weights.tolist()
    ([[1, -1], [-1, 1], [1, -1]], [0.1, 0.8, 0.1])
    """
    n_rows = shares.size
    for c in range(weights.size):
        row = c % n_rows
        weights[c] = shares[row] / ((weights.size - 1 - row) // n_rows + 1)
        randomize(chains[c], state)
        for i in range(rows.shape[1]):
            chains[c, i] = rows[row, i]


@kernel
def sample_phase(
    matrix, fields, chains, weights, sites, state, words, noise, local, turned, n_sweeps, means, products
):  # fmt: skip
    """Update the units `sites` of every chain `n_sweeps` times by the heat bath; fill the averages of all.

    Each chain goes on from where it is: local fields are found anew, as the couplings have changed since.
    """
    couplings = (matrix, None, None, None, fields)
    for c in range(weights.size):
        network.find_local_fields(matrix, None, None, None, fields, chains[c], local)
        turned[0] = 0
        for _ in range(n_sweeps):
            network.sweep(
                couplings, chains[c], local, turned, state, (words, noise, sites),
                network.HEAT_BATH, network.SEQUENTIAL, 1.0,
            )  # fmt: skip
    average_chains(chains, weights, means, products)


@kernel
def average_chains(chains, weights, means, products):
    """Fill <s_i> and <s_i s_j> of weighted chains."""
    for i in range(means.size):
        means[i] = 0.0
        for j in range(i + 1):
            products[i, j] = 0.0
    for c in range(weights.size):
        for i in range(means.size):
            signed = chains[c, i] * weights[c]
            means[i] += signed
            for j in range(i):
                products[i, j] += signed * chains[c, j]
    for i in range(means.size):
        products[i, i] = 1.0
        for j in range(i):
            products[j, i] = products[i, j]


@kernel
def learn(
    clamped_means, clamped_products, free_means, free_products, mask, rate, momentum, decay,
    matrix, fields, couplings_step, fields_step,
):  # fmt: skip
    """Make a step of gradient ascent: step = momentum step + rate (gradient - decay J), J = J + step.

    Couplings change where `mask` is set. Fields do not decay. The steps (N, N) and (N) are zero at first.
    """
    for i in range(fields.size):
        fields_step[i] = momentum * fields_step[i] + rate * (clamped_means[i] - free_means[i])
        fields[i] += fields_step[i]
        for j in range(i):
            if mask[i, j] != 0:
                gradient = clamped_products[i, j] - free_products[i, j] - decay * matrix[i, j]
                couplings_step[i, j] = momentum * couplings_step[i, j] + rate * gradient
                matrix[i, j] += couplings_step[i, j]
                matrix[j, i] = matrix[i, j]
                couplings_step[j, i] = couplings_step[i, j]
