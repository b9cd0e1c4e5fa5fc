"""Rules that store patterns in couplings, and one that makes a network forget what it made up itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg

from smbook import _checks
from smbook.hopfield import retrieval
from smbook.hopfield.patterns import checked_patterns
from smbook.kernels import lattice
from smbook.kernels.rng import seed_state
from smbook.network import SpinNetwork
from smbook.network._factors import Factors
from smbook.network.ensembles import checked_dtype

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from smbook.kernels.rng import Randomness

    Spins = NDArray[np.int8]

_MOST_PRODUCTS = 2**31  # P N, so that fields fit into 32 bits


def hebb(
    patterns: Spins, *, bias: float = 0.0, diluted: bool = False, dtype: DTypeLike = np.float64
) -> SpinNetwork:
    """Return the Hopfield network of patterns: J_ij = sum_mu xi_i^mu xi_j^mu / N for i != j, and J_ii = 0.

    The patterns themselves are kept, and the couplings formed only if they are asked for: `recall`, energies
    and local fields do without. For patterns of mean a, bias a, the rule is J_ij = sum_mu (xi_i^mu - a)
    (xi_j^mu - a) / N, whose couplings are formed at once. A neuron that is blank in every pattern has no
    couplings, and never moves by itself.

    Parameters
    ----------
    patterns
        int8 of +1 and -1, (P, N); a copy is kept.
    bias
        a, more than -1 and less than 1.
    diluted
        Whether entries may be 0, blank.
    dtype
        float64 or float32, of couplings and local fields.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if P N is 2^31 or more.

    References
    ----------
    Hebb (1949); Hopfield (1982); Amit, Gutfreund and Sompolinsky (1987) for biased patterns.

    Examples
    --------
    >>> network = hebb(np.array([[1, 1, 1, -1], [1, -1, 1, 1]], dtype=np.int8))
    >>> network
    SpinNetwork(4 spins, couplings of 2 patterns in float64)
    >>> network.couplings[0]
    array([0. , 0. , 0.5, 0. ])
    """
    known = checked_patterns(patterns, diluted=diluted)
    found_type = checked_dtype(dtype)
    mean = _checks.real("bias", bias, minimum=-1.0, maximum=1.0)
    if abs(mean) == 1.0:
        raise ValueError(f"bias must be more than -1 and less than 1; got {mean}")
    if known.size >= _MOST_PRODUCTS:
        raise ValueError(f"patterns must have fewer than 2**31 entries in all; got {known.shape}")
    if mean:
        return _without_diagonal((known - mean).T @ (known - mean) / known.shape[1], found_type)
    sites = np.array(known.T, order="C")
    return SpinNetwork._of_factors(Factors(sites, np.abs(sites).sum(axis=1, dtype=np.int64)), found_type)


def pseudo_inverse(patterns: Spins, *, dtype: DTypeLike = np.float64) -> SpinNetwork:
    """Return the network that projects on its patterns: J = xi^T (xi xi^T)^-1 xi, with its diagonal set to 0.

    With its diagonal this matrix has each pattern as an eigenvector of eigenvalue 1. Leaving the diagonal
    out takes J_ii xi_i from the field on neuron i, where 0 <= J_ii <= 1 and J_ii = P / N on average: each of
    up to N patterns still is a fixed point, unless some J_ii = 1, and basins are wider than with the
    diagonal, which holds every neuron where it is. They shrink as P grows, to nothing at P = N.

    Parameters
    ----------
    patterns
        int8 of +1 and -1, (P, N), P at most N, linearly independent.
    dtype
        float64 or float32, of the couplings.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or if patterns are more than N, the same, mirrored, or linearly
        dependent: the error names them.

    References
    ----------
    Personnaz, Guyon and Dreyfus (1985); Kanter and Sompolinsky (1987) for the diagonal.

    Examples
    --------
    >>> network = pseudo_inverse(np.array([[1, 1, 1, -1], [1, -1, 1, 1]], dtype=np.int8))
    >>> network.couplings[0]
    array([0. , 0. , 0.5, 0. ])
    """
    known = checked_patterns(patterns)
    found_type = checked_dtype(dtype)
    check_independent(known)
    rows = known.astype(np.float64)
    factor = linalg.cho_factor(rows @ rows.T)
    return _without_diagonal(rows.T @ linalg.cho_solve(factor, rows), found_type)


def storkey(patterns: Spins, *, dtype: DTypeLike = np.float64) -> SpinNetwork:
    """Return the network that Storkey's rule builds, a pattern after the other, with its diagonal set to 0.

    Pattern xi adds (xi_i xi_j - xi_i h_ji - h_ij xi_j) / N to J_ij, where h_ij = sum J_ik xi_k over all k
    but i and j: less of what the network knows already. The order of the patterns matters a little.

    Parameters
    ----------
    patterns
        int8 of +1 and -1, (P, N).
    dtype
        float64 or float32, of the couplings.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind.

    References
    ----------
    Storkey (1997); Storkey and Valabregue (1999).

    Examples
    --------
    >>> network = storkey(np.array([[1, 1, 1, -1], [1, -1, 1, 1]], dtype=np.int8))
    >>> network.couplings[0]
    array([0.  , 0.  , 0.75, 0.  ])
    """
    known = checked_patterns(patterns)
    found_type = checked_dtype(dtype)
    n = known.shape[1]
    couplings = np.zeros((n, n))
    for row in known.astype(np.float64):
        fields = (couplings @ row)[:, np.newaxis] - couplings * row  # h_ij, as J_ii = 0
        added = row[:, np.newaxis] * fields.T
        couplings += (np.multiply.outer(row, row) - added - added.T) / n
        np.fill_diagonal(couplings, 0.0)
    return _without_diagonal(couplings, found_type)


def unlearn(
    network: SpinNetwork,
    *,
    rate: float = 0.01,
    n_dreams: int,
    max_sweeps: int = 100,
    rng: Randomness = None,
) -> SpinNetwork:
    """Return the network after dreams: from random spins it falls into a state s, and s_i s_j rate / N goes.

    Random starts end mostly in mixtures of patterns, and these lose more by it than the patterns do. A few
    dreams widen the basins of the patterns; too many unlearn these too.

    Parameters
    ----------
    network
        What to begin with; it is left as it is.
    rate
        What a dream takes off, at least 0.
    n_dreams
        How many, at least 0.
    max_sweeps
        Of each fall, at least 1.
    rng
        As for `smbook.ising.simulate`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Hopfield, Feinstein and Palmer (1983); Crick and Mitchison (1983).

    Examples
    --------
    >>> from smbook.hopfield import random_patterns
    >>> unlearn(hebb(random_patterns(8, 64, rng=1)), n_dreams=100, rng=2)
    SpinNetwork(64 spins, dense couplings in float64)
    """
    couplings = np.array(retrieval.checked_network(network).couplings, dtype=np.float64)
    fields = network.fields.astype(np.float64)
    step = _checks.real("rate", rate, minimum=0.0) / network.n_spins
    n_dreams = _checks.integer("n_dreams", n_dreams, minimum=0)
    max_sweeps = _checks.integer("max_sweeps", max_sweeps, minimum=1)
    state = seed_state(rng)
    for _ in range(n_dreams):
        spins = np.empty(network.n_spins, dtype=np.int8)
        lattice.randomize(spins, state)
        dreamt = retrieval.settle(couplings, fields, spins, max_sweeps)
        couplings -= step * np.multiply.outer(dreamt, dreamt)
        np.fill_diagonal(couplings, 0.0)
    return SpinNetwork(couplings.astype(network.dtype), network.fields)


def _without_diagonal(couplings: NDArray[np.float64], dtype: np.dtype[Any]) -> SpinNetwork:
    """Return a network of couplings, symmetric to the last bit, with a zero diagonal."""
    found = (couplings + couplings.T) / 2.0
    np.fill_diagonal(found, 0.0)
    return SpinNetwork(found.astype(dtype, copy=False))


def check_independent(patterns: Spins) -> None:
    """Raise if patterns are linearly dependent, with the numbers of those that are."""
    if len(patterns) > patterns.shape[1]:
        raise ValueError(
            f"patterns must be at most as many as spins, to be independent; got {len(patterns)} of "
            f"{patterns.shape[1]} spins"
        )
    signed = patterns * patterns[:, :1]  # a pattern and its mirror image are one
    _, first, which = np.unique(signed, axis=0, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[which.reshape(-1)] != np.arange(len(patterns)))
    if again.size:
        mu = int(again[0])
        raise ValueError(
            f"patterns must be linearly independent; {int(first[which.reshape(-1)[mu]])} and {mu} are the "
            f"same or mirror images"
        )
    rows = patterns.astype(np.float64)
    triangle, order = linalg.qr(rows.T, mode="r", pivoting=True)
    sizes = np.abs(np.diagonal(triangle))
    weak = np.flatnonzero(sizes <= 1e-10 * math.sqrt(patterns.shape[1]) * len(patterns))
    if weak.size:
        mu = int(order[weak[0]])
        others = _combined(np.delete(rows, mu, axis=0), rows[mu])
        names = ", ".join(str(int(k) + int(k >= mu)) for k in others)
        raise ValueError(f"patterns must be linearly independent; {mu} is a combination of {names}")


def _combined(rows: NDArray[np.float64], row: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the numbers of the rows that a row is a combination of."""
    weights = linalg.lstsq(rows.T, row)[0]
    return np.flatnonzero(np.abs(weights) > 1e-6)
