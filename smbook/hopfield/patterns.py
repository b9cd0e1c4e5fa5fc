"""Patterns: drawn at random, spoiled by noise, and compared with states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smbook import _checks
from smbook.kernels import hopfield as kernels
from smbook.kernels.rng import state_apart
from smbook.network._chains import checked_spins

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness, State

    Spins = NDArray[np.int8]


def random_patterns(
    n_patterns: int, n_spins: int, *, bias: float = 0.0, dilution: float = 0.0, rng: Randomness = None
) -> Spins:
    """Return patterns of independent entries: 0 with probability d, else +1 with probability (1 + a)/2.

    Parameters
    ----------
    n_patterns, n_spins
        P, at least 0, and N, at least 1.
    bias
        a, from -1 to 1: the mean of the entries that are not 0.
    dilution
        d, from 0 to 1: the share of blank entries.
    rng
        As for `smbook.ising.simulate`.

    Returns
    -------
    Spins
        int8, (P, N).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> random_patterns(2, 8, rng=1)
    array([[ 1,  1, -1, -1,  1,  1, -1,  1],
           [ 1,  1, -1,  1, -1, -1,  1,  1]], dtype=int8)
    """
    shape = (
        _checks.integer("n_patterns", n_patterns, minimum=0),
        _checks.integer("n_spins", n_spins, minimum=1),
    )
    bias = _checks.real("bias", bias, minimum=-1.0, maximum=1.0)
    dilution = _checks.real("dilution", dilution, minimum=0.0, maximum=1.0)
    found = np.empty(shape, dtype=np.int8)
    filled = 1.0 - dilution
    kernels.fill_patterns(state_apart(rng), filled * (1.0 + bias) / 2.0, filled, found.reshape(-1))
    return found


def corrupt(pattern: Spins, noise: float, *, rng: Randomness = None) -> Spins:
    """Return a copy of a pattern in which a share of the spins, drawn at random, is turned.

    Exactly round(noise N) of them turn, which leaves an overlap of 1 - 2 noise.

    Parameters
    ----------
    pattern
        int8 of +1 and -1, (N,).
    noise
        Share of spins that turn, from 0 to 1.
    rng
        As for `smbook.ising.simulate`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> pattern = random_patterns(1, 1000, rng=1)[0]
    >>> overlap(pattern, corrupt(pattern, 0.2, rng=2))
    0.6
    """
    known = checked_pattern("pattern", pattern)
    count = round(_checks.real("noise", noise, minimum=0.0, maximum=1.0) * known.size)
    return spoiled(known, count, state_apart(rng, 2))


def spoiled(pattern: Spins, count: int, state: State) -> Spins:
    """Return a copy of a pattern with `count` different spins turned."""
    found: Spins = np.array(pattern)  # no memmap, whatever the pattern is
    words, sequence = np.empty(found.size, dtype=np.uint64), np.arange(found.size)
    kernels.spoil(state, words, sequence, count, found)
    return found


def overlap(patterns: Spins, spins: Spins) -> Any:
    """Return m = sum_i xi_i s_i / N of each pattern with each state: +1 where they are the same, -1 mirrored.

    Parameters
    ----------
    patterns
        int8 of +1, -1 and, where they are blank, 0: (P, N), or one of them (N,).
    spins
        int8 of +1 and -1, (..., N).

    Returns
    -------
    float or NDArray
        float64 of shape (..., P), or (...) for a single pattern.

    Raises
    ------
    TypeError, ValueError
        If they are no such arrays, or not of the same N.

    Examples
    --------
    >>> patterns = np.array([[1, 1, 1, 1], [1, -1, 1, -1]], dtype=np.int8)
    >>> overlap(patterns, np.array([1, 1, 1, -1], dtype=np.int8))
    array([0.5, 0.5])
    """
    known = checked_patterns(np.atleast_2d(patterns) if np.ndim(patterns) == 1 else patterns, diluted=True)
    states = checked_spins("spins", spins, known.shape[1])
    found = np.empty((*states.shape[:-1], len(known)))
    products = np.empty(len(known), dtype=np.int64)
    for place in np.ndindex(states.shape[:-1]):
        kernels.find_products(known, states[place], products)
        found[place] = products / known.shape[1]
    if np.ndim(patterns) == 1:
        found = found[..., 0]
    return float(found) if np.ndim(found) == 0 else found


def checked_pattern(name: str, pattern: Any, n_spins: int = 0) -> Spins:
    """Return a single pattern (N,) of +1 and -1 as it is, or raise."""
    shape = getattr(pattern, "shape", (1,))
    if len(shape) != 1 or not shape[0]:
        raise ValueError(f"{name} must be one row of spins; got shape {shape}")
    found: Spins = checked_spins(name, pattern, n_spins or shape[0])
    return found


def checked_patterns(patterns: Any, *, diluted: bool = False, n_spins: int = 0) -> Spins:
    """Return patterns (P, N) of +1 and -1 as they are, of 0 too where they may be diluted, or raise."""
    if type(patterns) not in (np.ndarray, np.memmap) or patterns.dtype != np.int8:
        kind = f"dtype {patterns.dtype}" if type(patterns) is np.ndarray else type(patterns).__name__
        raise TypeError(f"patterns must be an int8 array; got {kind}")
    if patterns.ndim != 2 or not patterns.shape[1]:
        raise ValueError(f"patterns must have the shape (P, N); got {patterns.shape}")
    if n_spins not in (0, patterns.shape[1]):
        raise ValueError(f"patterns must be those of {n_spins} spins; got shape {patterns.shape}")
    wrong = (patterns > 1) | (patterns < -1) | ((patterns == 0) & (not diluted))
    if wrong.any():
        mu, i = map(int, np.argwhere(wrong)[0])
        allowed = "+1, -1 and 0" if diluted else "+1 and -1"
        blank = "" if diluted or patterns[mu, i] else "; with diluted=True blank entries are allowed"
        raise ValueError(f"patterns must hold {allowed} only; got {patterns[mu, i]} at {(mu, i)}{blank}")
    return np.asarray(patterns)
