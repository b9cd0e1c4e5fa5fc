"""Networks of the literature: couplings that all agree, that disagree at random, or that follow a lattice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from smbook import _checks
from smbook.kernels import lattice
from smbook.kernels import network as kernels
from smbook.kernels.rng import fill_normal, state_apart
from smbook.network import _chains
from smbook.network.model import SpinNetwork

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from smbook.kernels.rng import Randomness, State


def sherrington_kirkpatrick(n: int, *, rng: Randomness = None, dtype: DTypeLike = np.float64) -> SpinNetwork:
    """Return a sample of the Sherrington-Kirkpatrick model: every J_ij Gaussian of mean 0 and variance 1/N.

    Parameters
    ----------
    n
        Number N of spins, at least 1.
    rng
        As for `smbook.ising.simulate`.
    dtype
        float64 or float32; the couplings take 8 N^2 or 4 N^2 bytes.

    Raises
    ------
    TypeError, ValueError
        If `n` is no positive integer, or `dtype` is another.

    References
    ----------
    Sherrington and Kirkpatrick (1975).

    Examples
    --------
    >>> sherrington_kirkpatrick(100, rng=1)
    SpinNetwork(100 spins, dense couplings in float64)
    """
    n = _checks.integer("n", n, minimum=1)
    couplings = np.empty((n, n), dtype=checked_dtype(dtype))
    kernels.fill_gaussian(state_apart(rng), couplings)
    return SpinNetwork(couplings)


def edwards_anderson(
    shape: int | Iterable[int], *, disorder: str = "gaussian", rng: Randomness = None
) -> SpinNetwork:
    """Return a sample of the Edwards-Anderson model: a periodic lattice whose bonds have random couplings.

    Parameters
    ----------
    shape
        As for `smbook.ising.simulate`. On a side of 2 the two bonds between neighbours add up.
    disorder
        "gaussian", of mean 0 and variance 1, or "plus-minus", +1 or -1 with probability 1/2.
    rng
        As for `smbook.ising.simulate`. A run from the same seed is independent of the couplings.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Edwards and Anderson (1975); Toulouse (1977) for couplings of +1 and -1.

    Examples
    --------
    >>> edwards_anderson((4, 4, 4), disorder="plus-minus", rng=1)
    SpinNetwork(64 spins, sparse couplings in float64)
    """
    sides = _checks.lattice_shape(shape)
    draw = _DISORDER[_checks.choice("disorder", disorder, _DISORDER)]
    return _on_lattice(sides, draw(len(sides) * math.prod(sides), state_apart(rng)))


def ferromagnet(n: int, *, coupling: float = 1.0, field: float = 0.0) -> SpinNetwork:
    """Return the Curie-Weiss magnet of `n` spins: J_ij = J / N for every pair, and a field h on each.

    Its energy is that of `smbook.curie_weiss` but for the constant J / 2 of a sum that leaves out i = j.

    Raises
    ------
    TypeError, ValueError
        If `n` is no positive integer, or `coupling` or `field` no finite real number.

    Examples
    --------
    >>> ferromagnet(3, coupling=3.0).couplings
    array([[0., 1., 1.],
           [1., 0., 1.],
           [1., 1., 0.]])
    """
    n = _checks.integer("n", n, minimum=1)
    couplings = np.full((n, n), _checks.real("coupling", coupling) / n)
    np.fill_diagonal(couplings, 0.0)
    return SpinNetwork(couplings, _checks.real("field", field))


def mattis(pattern: ArrayLike, *, coupling: float = 1.0) -> SpinNetwork:
    """Return Mattis's magnet, J_ij = J xi_i xi_j / N: a ferromagnet in the disguise of a pattern xi.

    Parameters
    ----------
    pattern
        xi, int8 of +1 and -1, (N,).

    Raises
    ------
    TypeError, ValueError
        If `pattern` is no such array, or `coupling` no finite real number.

    References
    ----------
    Mattis (1976).

    Examples
    --------
    >>> pattern = np.array([1, -1, 1], dtype=np.int8)
    >>> mattis(pattern).energy(pattern)
    -1.0
    """
    xi = _chains.checked_spins("pattern", pattern, getattr(pattern, "size", 0))
    if xi.ndim != 1 or not xi.size:
        raise ValueError(f"pattern must be one row of spins; got shape {xi.shape}")
    couplings = _checks.real("coupling", coupling) / xi.size * np.multiply.outer(xi, xi).astype(np.float64)
    np.fill_diagonal(couplings, 0.0)
    return SpinNetwork(couplings)


def from_lattice(shape: int | Iterable[int], *, coupling: float = 1.0, field: float = 0.0) -> SpinNetwork:
    """Return the Ising model on a periodic lattice as a network, of the law that `smbook.ising.simulate` has.

    Sites are numbered in row-major order. On a side of 2 the two bonds between neighbours add up.

    Raises
    ------
    TypeError, ValueError
        If `shape` is none for `smbook.ising.simulate`, or `coupling` or `field` no finite real number.

    Examples
    --------
    >>> network = from_lattice((4, 6), field=0.5)
    >>> network.energy(np.ones(24, dtype=np.int8))
    -60.0
    """
    sides = _checks.lattice_shape(shape)
    bonds = np.full(len(sides) * math.prod(sides), _checks.real("coupling", coupling))
    return _on_lattice(sides, bonds, _checks.real("field", field))


def checked_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return float64 or float32 as NumPy's type, or raise."""
    found = np.dtype(dtype)
    if found not in (np.float64, np.float32):
        raise ValueError(f"dtype must be float64 or float32; got {found}")
    return found


def _gaussian(n_bonds: int, state: State) -> NDArray[np.float64]:
    bonds = np.empty(n_bonds)
    fill_normal(state, bonds)
    return bonds


def _plus_minus(n_bonds: int, state: State) -> NDArray[np.float64]:
    signs = np.empty(n_bonds, dtype=np.int8)
    lattice.randomize(signs, state)
    return signs.astype(np.float64)


_DISORDER = {"gaussian": _gaussian, "plus-minus": _plus_minus}


def _on_lattice(sides: tuple[int, ...], bonds: NDArray[np.float64], field: float = 0.0) -> SpinNetwork:
    """Return a network of the bonds of a lattice: those along the first axis, site by site, then the next."""
    n_sites, degree = math.prod(sides), 2 * len(sides)
    entries, columns = np.empty(degree * n_sites), np.empty(degree * n_sites, dtype=np.int64)
    starts = np.empty(n_sites + 1, dtype=np.int64)
    shape = np.array(sides, dtype=np.int64)
    kernels.fill_lattice(shape, bonds.reshape(len(sides), n_sites), entries, columns, starts)
    couplings = sparse.csr_array((entries, columns, starts), shape=(n_sites, n_sites))
    couplings.sum_duplicates()
    return SpinNetwork(couplings, field)
