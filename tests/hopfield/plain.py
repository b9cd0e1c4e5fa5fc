"""Recall once more in plain Python, from the definitions: a field is a difference of energies."""

import math
from fractions import Fraction
from typing import NamedTuple

import mpmath
import numpy as np

from smbook.kernels.rng import next_uint64, seed_state


def random_spins(*shape, seed=1):
    return np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), shape)


# Energies by their definitions, of whole numbers where that is possible


def hebb_energy(patterns, spins):
    """-1/2 sum over i != j and mu of xi_i xi_j s_i s_j / N, pair by pair."""
    xi, s, n = patterns.astype(int).tolist(), spins.tolist(), len(spins)
    pairs = sum(row[i] * row[j] * s[i] * s[j] for row in xi for i in range(n) for j in range(i))
    return Fraction(-pairs, n)


def couplings_energy(couplings, fields, spins):
    s = spins.astype(float)
    return -0.5 * s @ couplings @ s - fields @ s


def power_energy(patterns, degree, spins):
    n = len(spins)
    sums = [sum(int(a) * int(b) for a, b in zip(row, spins, strict=True)) for row in patterns]
    return Fraction(-sum(m**degree for m in sums), degree * n ** (degree - 1))


def exponential_energy(patterns, spins):
    with mpmath.workdps(40):
        sums = patterns.astype(int) @ spins.astype(int)
        return -mpmath.log(mpmath.fsum(mpmath.exp(int(m)) for m in sums))


def field_by_energies(energy):
    """The field on a spin as half of what the energy gains as it goes up."""

    def field(spins, i):
        up, down = spins.copy(), spins.copy()
        up[i], down[i] = 1, -1
        return (energy(down) - energy(up)) / 2

    return field


# Recall


class Draws:
    """The draws of a kernel's generator as Python integers."""

    def __init__(self, seed):
        self.state = seed_state(seed)

    def __call__(self, n):
        return [int(next_uint64(self.state)) for _ in range(n)]


class Course(NamedTuple):
    states: list  # after each sweep, and at the start
    flips: list  # of each sweep


def course(field, spins, n_sweeps, *, seed, parallel=False, shuffled=False, beta=math.inf, tolerance=0):
    """Make sweeps, with the draws that the package documents, and return all states."""
    s, n, draw = spins.copy(), len(spins), Draws(seed)
    sequence, states, flips = list(range(n)), [spins.copy()], []
    for _ in range(n_sweeps):
        uniforms = [((word >> 12) + 0.5) / 2**52 for word in draw(n)] if beta < math.inf else [0.0] * n
        if shuffled:
            words = draw(n)
            for i in range(n - 1, 0, -1):
                j = words[i] % (i + 1)
                sequence[i], sequence[j] = sequence[j], sequence[i]
        seen = s.copy() if parallel else s
        wanted = s.copy()
        before = s.copy()
        for k, i in enumerate(range(n) if parallel else sequence):
            wanted[i] = chosen(field(seen, i), int(s[i]), uniforms[k], beta, tolerance)
            if not parallel:
                s[i] = wanted[i]
        s = wanted.copy() if parallel else s
        states.append(s.copy())
        flips.append(int((s != before).sum()))
    return Course(states, flips)


def chosen(found, spin, uniform, beta, tolerance):
    if beta < math.inf:
        exponent = min(max(-2 * beta * float(found), -700.0), 700.0)
        return 1 if uniform < 1 / (1 + math.exp(exponent)) else -1
    if abs(found) <= tolerance:
        return spin
    return 1 if found > 0 else -1


def true_period(states):
    """After how many sweeps the last state was there before, at least 1; 0 if it never was."""
    last = states[-1].tolist()
    for k, state in enumerate(reversed(states[:-1]), start=1):
        if state.tolist() == last:
            return k
    return 0


def layouts(array, folder):
    """The same numbers with other strides, read-only, and from a file."""
    frozen, wide = array.copy(), np.ones((len(array), 2 * array.shape[1]), dtype=array.dtype)
    frozen.flags.writeable = False
    wide[:, ::2] = array
    yield from (np.asfortranarray(array), wide[:, ::2], array[::-1].copy()[::-1], frozen)
    mapped = np.memmap(folder / "array", dtype=array.dtype, mode="w+", shape=array.shape)
    mapped[:] = array
    yield mapped
