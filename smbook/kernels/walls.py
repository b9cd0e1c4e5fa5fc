"""Kernels for the domain walls of a ring of N spins without a field: what they cost, and what they gain.

A wall is a bond whose two spins differ. A ring has an even number w of them, at w of its N bonds, and two
states for each choice of places:

    E(w) = 2 J w,      S(w) = ln[2 C(N, w)],      F(w) = E(w) - T S(w),

with energies counted from perfect order, and p(w) in proportion to exp(-beta F(w)). Binomials are sums of
logarithms. Results are written into the last arguments, float64 arrays.
"""

from __future__ import annotations

import math

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, expm1, log, sqrt

_LN2 = math.log(2.0)


@kernel
def wall_law(n, beta, coupling, energy, heat, free_energy, probability):
    """Fill E(w), T S(w), F(w) and p(w) for w = 0, 2, 4, ... up to n; return the w with the least F, as int64.

    Each array has n // 2 + 1 entries. Of two w with the same F the smaller counts.
    """
    entropy, least = _LN2, 0
    for k in range(energy.size):
        w = 2 * k
        energy[k] = 2.0 * coupling * w
        heat[k] = entropy / beta
        free_energy[k] = energy[k] - heat[k]
        least = k if free_energy[k] < free_energy[least] else least
        entropy += log((n - w) * (n - w - 1) / ((w + 1.0) * (w + 2.0)))
    total = 0.0
    for k in range(energy.size):
        probability[k] = exp(beta * (free_energy[least] - free_energy[k]))
        total += probability[k]
    for k in range(energy.size):
        probability[k] /= total
    return 2 * least


@kernel
def mean_walls(n, beta, coupling):
    """Return <w> = N x / (1 + x) (1 - q^(N-1)) / (1 + q^N), for J > 0.

    x = exp(-2 beta J) is the price of a wall and q = (1 - x) / (1 + x) the ratio of the eigenvalues of the
    transfer matrix (Kramers and Wannier, 1941): Z = 2 exp(beta J N) sum of C(N, w) x^w over even w.

    Examples
    --------
    >>> round(mean_walls(64, 1.0, 1.0), 6)
    7.628987
    """
    x = exp(-2.0 * beta * coupling)
    log_q = log((1.0 - x) / (1.0 + x))
    return n * x / (1.0 + x) * -expm1((n - 1.0) * log_q) / (1.0 + exp(n * log_q))


@kernel
def first_pair(sizes, beta, coupling, heat, price):
    """Fill T ln C(N, 2) and dF = F(2) - F(0) = 4 J - T ln C(N, 2) for rings of `sizes`, N >= 2."""
    for i in range(sizes.size):
        heat[i] = log(sizes[i] * (sizes[i] - 1.0) / 2.0) / beta
        price[i] = 4.0 * coupling - heat[i]


@kernel
def free_pair_size(beta, coupling):
    """Return the N at which the first pair of walls is free, C(N, 2) = exp(4 beta J), as a float.

    N = 1/2 + sqrt(1/4 + 2 exp(4 beta J)), about sqrt(2) exp(2 beta J).

    Examples
    --------
    >>> round(free_pair_size(1.0, 1.0), 6)
    10.961659
    """
    return 0.5 + sqrt(0.25 + 2.0 * exp(4.0 * beta * coupling))
