"""What is independent of the solutions: Gauss-Hermite averages, derivatives, enumeration, drawn levels."""

import functools
import math

import numpy as np


@functools.cache
def hermite(n):
    """Points and weights of averages over a unit Gaussian, exact for polynomials of degree 2n - 1."""
    points, weights = np.polynomial.hermite_e.hermegauss(n)
    return points, weights / weights.sum()


def log_cosh(u):
    return np.abs(u) + np.log1p(np.exp(-2 * np.abs(u))) - math.log(2)


def one_step_free_energy(beta, q0, q1, m, n=60):
    """Parisi's functional of one step, as it is written down."""
    z, weight = hermite(n)
    u = beta * (math.sqrt(q0) * z[:, np.newaxis] + math.sqrt(q1 - q0) * z)
    inner = np.log(np.exp(m * log_cosh(u)) @ weight) / m
    quadratic = beta**2 / 4 * ((1 - q1) ** 2 - m * (q1**2 - q0**2))
    return -(math.log(2) + quadratic + weight @ inner) / beta


def slope(function, x, step=1e-3):
    """Central difference of fourth order."""
    near, far = function(x + step) - function(x - step), function(x + 2 * step) - function(x - 2 * step)
    return (8 * near - far) / (12 * step)


def lattice_energy(bonds, fields, spins):
    """Total energies of states, shape (..., rows, columns), bond by bond."""
    down, right = np.roll(spins, -1, axis=-2), np.roll(spins, -1, axis=-1)
    return -(spins * (bonds[0] * down + bonds[1] * right + fields)).sum(axis=(-2, -1))


def enumerate_lattice(bonds, fields, beta):
    """ln Z, energy, specific heat and ground energy per site, by brute force."""
    shape = bonds.shape[1:]
    n = math.prod(shape)
    spins = 1.0 - 2 * ((np.arange(2**n)[:, np.newaxis] >> np.arange(n)) & 1).reshape(-1, *shape)
    energy = lattice_energy(bonds, fields, spins)
    weight = np.exp(-beta * (energy - energy.min()))
    probability = weight / weight.sum()
    mean = probability @ energy
    heat = beta**2 * (probability @ (energy - mean) ** 2)
    return np.array([math.log(weight.sum()) - beta * energy.min(), mean, heat, energy.min()]) / n
