"""Kernels for neurons with a hidden unit for each pattern, of which some are drawn and the others summed out.

The neurons s (int8, N) and the hidden units z_mu of P patterns xi^mu have the law

    p(s, z) proportional to exp(sqrt(beta / N) sum_mu M_mu z_mu) prod_mu q(z_mu),    M_mu = sum_i xi_i^mu s_i,

in which q is the law of z = sqrt(Omega) g + sqrt(1 - Omega) eps, g normal and eps = +1 or -1: Gaussian at the
softness Omega = 1, binary at 0, and of mean 0 and variance 1 everywhere. Summed out, a unit in the field
x = sqrt(beta / N) M leaves exp(phi(x)), phi(x) = Omega x**2 / 2 + ln cosh(sqrt(1 - Omega) x): at Omega = 1
the neurons are those of Hebb's rule. `retrieve` draws the first units once a sweep and sums the others out,
which changes how the neurons move, and nothing of their law. Source: Barra et al. (2018).

    sites    (N, P), int8: the entries xi_i^mu site by site
    sums     M_mu, int32 or int16
    rate     sqrt(beta / N)
    levels   (2N + 1): ln cosh(sqrt(1 - Omega) sqrt(beta / N) M) at M + N
    units    float64: the first z, as many as are drawn
    clock    int64: updates made in this sweep, spins turned in it, and in all
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import hopfield, kernel, network
from smbook.kernels.elementary import exp, log, sqrt, tanh
from smbook.kernels.rng import fill_normal, uniform


@kernel
def fill_log_cosh(rate, softness, levels):
    """Fill `levels` with ln cosh(sqrt(1 - Omega) rate M) at M + N; where Omega = 1 all are 0.

    Examples
    --------
    >>> levels = np.empty(3)
    >>> fill_log_cosh(1.0, 0.0, levels)
    >>> levels.round(4)
    array([0.4338, 0.    , 0.4338])
    """
    n = levels.size // 2
    step = sqrt(1.0 - softness) * rate
    for k in range(levels.size):
        size = step * abs(k - n)
        levels[k] = size + log(0.5 * (1.0 + exp(-2.0 * size)))


@kernel
def draw_units(chance, rate, softness, sums, units):
    """Draw hidden units given the neurons, as many as `units` has, each in its field x = rate M.

    eps is +1 with probability 1 / (1 + exp(-2 sqrt(1 - Omega) x)), and then z is normal around
    Omega x + sqrt(1 - Omega) eps, with the variance Omega.
    """
    fill_normal(chance, units)
    soft, hard = sqrt(softness), sqrt(1.0 - softness)
    for mu in range(units.size):
        field = rate * sums[mu]
        up = 2.0 * np.int64(uniform(chance) < 1.0 / (1.0 + exp(-2.0 * hard * field))) - 1.0
        units[mu] = softness * field + soft * units[mu] + hard * up


@kernel
def find_means(rate, softness, sums, means):
    """Fill `means` with those of the hidden units given the neurons: Omega x + s tanh(s x), s**2 = 1 - Omega.

    Examples
    --------
    >>> means = np.empty(2)
    >>> find_means(0.5, 1.0, np.array([3, -4], dtype=np.int32), means)
    >>> means
    array([ 1.5, -2. ])
    """
    hard = sqrt(1.0 - softness)
    for mu in range(means.size):
        field = rate * sums[mu]
        means[mu] = softness * field + hard * tanh(hard * field)


@kernel
def marginal_energy(beta, softness, sums, levels):
    """Return E = -(1 / beta) sum_mu phi(x_mu) of the neurons, all hidden units summed out: the total.

    At Omega = 1 it is that of Hebb's rule less P / 2, which its couplings leave out with their diagonal.
    """
    n = levels.size // 2
    squares, hard = np.int64(0), 0.0
    for mu in range(sums.size):
        squares += np.int64(sums[mu]) * np.int64(sums[mu])
        hard += levels[sums[mu] + n]
    return 0.0 - (softness * squares / (2.0 * n) + hard / beta)


@kernel
def _log_odds(row, spin, sums, units, levels, rate, doubled, softness):
    """Return ln p(up) / p(down) of a neuron, given the others and the units that are drawn.

    The Gaussian part of the units that are not is a whole number, Hebb's field, times 2 beta Omega / N.
    """
    n, n_drawn = levels.size // 2, units.size
    drive, hard, total = 0.0, 0.0, np.int32(0)
    for mu in range(n_drawn):
        drive += row[mu] * units[mu]
    for mu in range(n_drawn, row.size):
        total = np.int32(total + np.int32(row[mu]) * np.int32(sums[mu]))
    field = np.float64(total - (row.size - n_drawn) * spin)
    if softness < 1.0:
        for mu in range(n_drawn, row.size):
            others = sums[mu] - row[mu] * spin + n
            hard += levels[others + row[mu]] - levels[others - row[mu]]
    return doubled * softness * field + (2.0 * rate * drive + hard)


@kernel
def retrieve(
    sites, spins, sums, units, levels, state, chance, words, noise, sequence, clock, beta, softness, n_updates
):  # fmt: skip
    """Update one neuron after another by the heat bath; before the first of a sweep, draw the hidden units.

    A sweep asks each neuron once, in an order that is drawn anew, and may be parted between calls. Neurons
    take their noise and order from `state`, as `smbook.kernels.hopfield.retrieve` does, and the hidden units
    what they need from `chance`: with none of them drawn and Omega = 1 it is the same recall, bit for bit.

    Examples
    --------
    >>> from smbook.kernels.rng import seed_state
    >>> sites, spins = np.array([[1], [1], [-1]], dtype=np.int8), np.array([1, -1, -1], dtype=np.int8)
    >>> sums, levels, units = np.array([1], dtype=np.int32), np.empty(7), np.empty(1)
    >>> fill_log_cosh(np.sqrt(50.0 / 3.0), 1.0, levels)
    >>> room, clock = (np.empty(3, dtype=np.uint64), np.empty(3), np.arange(3)), np.zeros(3, dtype=np.int64)
    >>> retrieve(sites, spins, sums, units, levels, seed_state(1), seed_state(2), *room, clock, 50.0, 1.0, 3)
    >>> spins, sums
    (array([ 1,  1, -1], dtype=int8), array([3], dtype=int32))
    """
    rate = sqrt(beta / spins.size)
    doubled = 2.0 * beta * (1.0 / spins.size)
    for _ in range(n_updates):
        if clock[0] == 0:
            clock[1] = 0
            network.draw_noise(network.HEAT_BATH, state, words, noise)
            hopfield.draw_sequence(state, words, sequence)
            draw_units(chance, rate, softness, sums, units)
        i = sequence[clock[0]]
        odds = _log_odds(sites[i], spins[i], sums, units, levels, rate, doubled, softness)
        if (odds > noise[clock[0]]) != (spins[i] > 0):
            hopfield.turn_in_sums(sites, spins, sums, i)
            clock[1] += 1
            clock[2] += 1
        clock[0] = (clock[0] + 1) % spins.size
