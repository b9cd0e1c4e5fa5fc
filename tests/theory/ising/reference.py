"""What is independent of the closed forms: enumeration, and derivatives by differences."""

import functools
import math

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from smbook.theory import ising

BETAS = st.floats(0.01, 3.0)
COUPLINGS = st.floats(-1.5, 1.5)
FIELDS = st.floats(-2.0, 2.0)
PHYSICS = settings(max_examples=60)


@functools.cache
def states(shape):
    """Every state of a lattice by brute force: its sums over bonds and over spins."""
    n = math.prod(shape)
    bits = (np.arange(2**n)[:, np.newaxis] >> np.arange(n)) & 1
    spins = (1 - 2 * bits).reshape(-1, *shape)
    bonds = sum(
        (spins * np.roll(spins, 1, axis)).reshape(2**n, -1).sum(axis=1) for axis in range(1, spins.ndim)
    )
    return bonds, spins.reshape(2**n, -1).sum(axis=1), n


def enumerate_lattice(shape, beta, coupling, field):
    bonds, total, n = states(tuple(shape))
    energy = -coupling * bonds - field * total
    weight = np.exp(-beta * (energy - energy.min()))
    probability = weight / weight.sum()
    mean, mean_spin = probability @ energy, probability @ total
    return (
        (math.log(weight.sum()) - beta * energy.min()) / n,
        mean / n,
        beta**2 * (probability @ (energy - mean) ** 2) / n,
        mean_spin / n,
        beta * (probability @ (total - mean_spin) ** 2) / n,
    )


def derivative(function, x, step=1e-4):
    """Central difference of fourth order."""
    near, far = function(x + step) - function(x - step), function(x + 2 * step) - function(x - 2 * step)
    return (8 * near - far) / (12 * step)


counted_states = functools.cache(ising.density_of_states)
