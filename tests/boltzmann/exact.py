"""Restricted machines once more, independent of the package: sums over all pairs of states, in NumPy."""

import itertools

import numpy as np
from scipy.special import logsumexp

from smbook.boltzmann import RBM

KINDS = list(itertools.product(("binary", "spin"), ("binary", "spin", "gaussian")))


def all_units(kind, n):
    """All states of n units of two states; the bits of a row's number say which are up."""
    bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
    return bits if kind == "binary" else 2 * bits - 1


def random_machine(visible, hidden, n=4, m=3, *, seed=1, scale=0.7, **more):
    random = np.random.default_rng(seed)
    weights, biases, others = (scale * random.normal(size=shape) for shape in ((n, m), n, m))
    return RBM.from_parameters(weights, biases, others, visible=visible, hidden=hidden, **more)


def parameters_of(machine):
    return tuple(
        np.asarray(part, dtype=float)
        for part in (machine.weights_, machine.visible_biases_, machine.hidden_biases_)
    )


def log_weights(parameters, visible, hidden, rows=None):
    """ln of the sum over h of exp(b . v + c . h + v . W . h), of all visible states or of these rows."""
    weights, biases, others = parameters
    v = all_units(visible, len(biases)).astype(float) if rows is None else np.asarray(rows, dtype=float)
    if hidden == "gaussian":
        return v @ biases + ((v @ weights + others) ** 2).sum(axis=1) / 2.0
    h = all_units(hidden, len(others)).astype(float)
    return v @ biases + logsumexp((v @ weights) @ h.T + h @ others, axis=1)


def log_law(parameters, visible, hidden):
    found = log_weights(parameters, visible, hidden)
    return found - logsumexp(found)


def law(machine, *, beta=1.0):
    scaled = tuple(beta * part for part in parameters_of(machine))
    return np.exp(log_law(scaled, machine.visible, machine.hidden))


def log_likelihood(parameters, visible, hidden, rows):
    all_states = logsumexp(log_weights(parameters, visible, hidden))
    return float(log_weights(parameters, visible, hidden, rows).mean() - all_states)


def bars_and_stripes(side, kind="binary"):
    """The 2^(side + 1) - 2 pictures of {0, 1} or +-1 whose rows are all alike, or whose columns are."""
    lines = all_units(kind, side)
    pictures = [np.repeat(lines[:, :, None], side, axis=2), np.repeat(lines[:, None, :], side, axis=1)]
    return np.unique(np.concatenate(pictures).reshape(-1, side * side), axis=0)
