"""Small networks once more, independent of the package: all their states, energies and laws, in NumPy."""

import math
import types

import numpy as np
from numba import njit
from scipy.stats import chi2

from smbook.kernels import network as kernels
from smbook.network import SpinNetwork
from smbook.statistics import binned_error, integrated_autocorrelation_time


def all_states(n):
    """All spin configurations; the bits of a row's number say which of its spins are up."""
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8) * 2 - 1


def numbers_of(spins):
    """The numbers of states (..., N)."""
    return (spins > 0) @ (1 << np.arange(spins.shape[-1]))


def dense(network):
    couplings = network.couplings
    return np.asarray(couplings if isinstance(couplings, np.ndarray) else couplings.toarray(), dtype=float)


def energies(network):
    """Total energies of all states."""
    states = all_states(network.n_spins).astype(float)
    pairs = np.einsum("ki,ij,kj->k", states, np.triu(dense(network), 1), states)
    return -pairs - states @ network.fields.astype(float)


def gibbs(network, beta):
    found = energies(network)
    weights = np.exp(-beta * (found - found.min()))
    return weights / weights.sum()


def random_couplings(n, seed, *, values=None):
    """Symmetric Gaussian couplings of variance 1 / n, or some of `values`."""
    random = np.random.default_rng(seed)
    drawn = random.normal(size=(n, n)) / math.sqrt(n) if values is None else random.choice(values, (n, n))
    upper = np.triu(drawn, 1)
    return upper + upper.T


def lattice_of(shape, seed, *, values=None, fields=None):
    """A periodic lattice of random bonds, Gaussian or some of `values`; they add up on a side of 2."""
    random, n = np.random.default_rng(seed), math.prod(shape)
    sites, couplings = np.arange(n).reshape(shape), np.zeros((n, n))
    for axis in range(len(shape)):
        for i, j in zip(sites.flat, np.roll(sites, -1, axis).flat, strict=True):
            bond = random.normal() if values is None else random.choice(values)
            couplings[i, j] += bond
            couplings[j, i] += bond
    return SpinNetwork(couplings, fields)


def p_value(samples, law):
    """Of chi-square for states (M, N), with all rare ones in one bin."""
    counts = np.bincount(numbers_of(samples), minlength=law.size)
    expected = len(samples) * law
    common = expected >= 10
    seen, due = np.append(counts[common], counts[~common].sum()), np.append(expected[common], 0.0)
    due[-1] = expected[~common].sum()
    if due[-1] < 5:
        seen, due = seen[:-1], due[:-1]
    return chi2.sf(((seen - due) ** 2 / due).sum(), seen.size - 1)


def z_of_energy(energy, network, beta):
    """How many errors the mean energy of chains (n, kept) is off."""
    bins = [binned_error(row, n_bins=32) for row in np.atleast_2d(energy)]
    value = np.mean([one.value for one in bins])
    error = math.sqrt(sum(one.error**2 for one in bins)) / len(bins)
    return (value - gibbs(network, beta) @ energies(network)) / error


def twice_the_time(*series):
    """Sweeps after which what was measured is forgotten: twice the longest autocorrelation time."""
    return math.ceil(2 * max(integrated_autocorrelation_time(one).value for one in series))


def rebuilt(module=kernels, **replacements):
    """The functions of a module of kernels once more, with other meanings for some names in their code.

    What has nothing to do with these names stays as it is, which spares its compilation.
    """
    own = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type(kernels.run)) and value.py_func.__module__ == module.__name__
    }
    scope, changed = vars(module) | replacements, set(replacements)
    while (
        more := {name for name, value in own.items() if changed & {*value.py_func.__code__.co_names}}
        - changed
    ):
        changed |= more
    for name in changed - set(replacements):
        scope[name] = njit(types.FunctionType(own[name].py_func.__code__, scope, name))
    return types.SimpleNamespace(**scope)
