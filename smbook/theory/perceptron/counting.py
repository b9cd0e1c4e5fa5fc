"""How many labelings of points planes through the origin make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc

from smbook import _checks
from smbook.theory._shared import Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_MOST_POINTS = 100_000  # whose count takes about a second, and has 30,000 digits


def cover_count(n_points: int, n_inputs: int) -> int:
    r"""Return the number of labelings of points that planes through the origin make, as an exact integer.

    For P points in general position in N dimensions

    .. math:: C(P, N) = 2 \sum_{k=0}^{N-1} \binom{P-1}k,

    wherever the points are. It is all 2^P for P up to N, and half of them, 2^(2N-1), at P = 2N. A unit with
    a bias has N + 1 inputs, one of them always 1. Points that are not in general position have fewer.

    Parameters
    ----------
    n_points
        P, from 1 to 100,000.
    n_inputs
        N, at least 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is no integer, or out of range.

    References
    ----------
    Schlaefli (1852); Cover (1965).

    Examples
    --------
    >>> cover_count(4, 3)
    14
    >>> cover_count(20, 10) == 2**19
    True
    """
    p = _checks.integer("n_points", n_points, minimum=1, maximum=_MOST_POINTS)
    n = _checks.integer("n_inputs", n_inputs, minimum=1)
    if n >= p:
        return 1 << p
    if 2 * n > p:  # fewer terms are left out than are summed
        return (1 << p) - cover_count(p, p - n)
    term = total = 1
    for k in range(1, n):
        term = term * (p - k) // k
        total += term
    return 2 * total


def separable_probability(n_points: ArrayLike, n_inputs: ArrayLike) -> Values:
    r"""Return the probability that a plane through the origin separates random labels of points.

    Each of P points in general position in N dimensions is +1 or -1 by a fair coin. Then

    .. math:: \frac{C(P, N)}{2^P} = \Pr[\mathrm{Bin}(P - 1, \tfrac12) \le N - 1] = I_{1/2}(P - N, N),

    Cover's count over that of all labelings: the probability of at most N - 1 heads in P - 1 throws, an
    incomplete beta function. It is 1/2 at P = 2N whatever N, and for large N falls from 1 to 0 there, over a
    range of P of some sqrt(2N).

    Parameters
    ----------
    n_points
        P, whole numbers of at least 1, any shape.
    n_inputs
        N, whole numbers of at least 1, of a shape that broadcasts with it.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold integers, or is out of range.

    References
    ----------
    Cover (1965).

    Examples
    --------
    >>> separable_probability(100, 50)
    0.5
    >>> separable_probability([10, 15, 20, 25, 30], 10).round(6).tolist()
    [1.0, 0.910217, 0.5, 0.153728, 0.030714]
    """
    p = _checks.integers("n_points", n_points, minimum=1)
    n = _checks.integers("n_inputs", n_inputs, minimum=1)
    try:
        p, n = np.broadcast_arrays(p, n)
    except ValueError:
        raise ValueError(f"n_points and n_inputs must broadcast; got {p.shape} and {n.shape}") from None
    found = betainc(np.maximum(p - n, 1).astype(np.float64), n.astype(np.float64), 0.5)
    return plain(np.where(n >= p, 1.0, np.where(p - n == n, 0.5, found)))
