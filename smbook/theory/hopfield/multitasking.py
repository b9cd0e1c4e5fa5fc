"""Patterns with blanks: many of them are retrieved at once, in a hierarchy."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, inverse_temperature
from smbook.theory.hopfield._finite import Entries, settle, state_of

_MOST_PATTERNS = 10  # 3^10 entries of a site


class Multitasking(NamedTuple):
    """Hold a state of patterns with blanks: overlaps, shape (P,), densities, and the Hessian's eigenvalues.

    An overlap is (1 / N) sum_i xi_i s_i, at most 1 - d. `eigenvalues`, shape (P,), rise.
    """

    overlaps: Floats
    energy: float
    entropy: float
    free_energy: float
    eigenvalues: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    @property
    def stable(self) -> bool:
        """Tell whether the state is a minimum of f, all eigenvalues positive."""
        return bool(self.eigenvalues[0] > 0)


def multitasking(dilution: float, n_patterns: int, beta: float = math.inf) -> Multitasking:
    r"""Return the state of P patterns with blanks that is reached from the hierarchy (Agliari et al. 2012).

    .. math:: m_\mu = \langle \xi^\mu \tanh(\beta\, \xi \cdot m) \rangle, \qquad
              f = \tfrac12 m \cdot m - T \langle \ln 2\cosh(\beta\, \xi \cdot m) \rangle

    with entries that are 0 with the probability d and else +1 or -1. Spins that are blank in the first
    pattern are free for the second, and so on: at T = 0 m_k = d^(k - 1) (1 - d), which is a minimum of f for
    any number of patterns if d <= 1/2, and beyond that as long as the first overlap exceeds the sum of all
    others. The map of the first equation, which never raises f, is followed from there to a minimum: where
    the hierarchy is none, it is another state, and above `multitasking_temperature` all overlaps are 0.

    Parameters
    ----------
    dilution
        The share d of blanks, from 0 to below 1.
    n_patterns
        P, at most 10: the averages are sums over 3^P entries.
    beta
        Inverse temperature, inf for T = 0.

    Raises
    ------
    RuntimeError
        If the search does not converge.

    Examples
    --------
    >>> state = multitasking(0.2, 4)
    >>> state.overlaps.round(6).tolist(), state.stable
    ([0.8, 0.16, 0.032, 0.0064], True)
    >>> multitasking(0.2, 2, 1 / 0.1).overlaps.round(6).tolist()
    [0.799999, 0.142505]
    """
    blank = _dilution(dilution)
    size = _checks.integer("n_patterns", n_patterns, minimum=1, maximum=_MOST_PATTERNS)
    value = inverse_temperature(beta)
    digits = np.arange(3**size)[:, np.newaxis] // 3 ** np.arange(size) % 3
    weight = np.where(digits == 0, blank, (1 - blank) / 2).prod(axis=1)
    entries = Entries(np.where(digits == 2, -1.0, digits.astype(np.float64)), weight)
    start = np.asarray((1 - blank) * blank ** np.arange(size), dtype=np.float64)
    return Multitasking(*state_of(entries, settle(entries, start, value), value))


def multitasking_temperature(dilution: float) -> float:
    """Return T_c = 1 - d, above which no pattern with a share d of blanks is retrieved (Agliari et al. 2012).

    Examples
    --------
    >>> multitasking_temperature(0.25)
    0.75
    """
    return 1 - _dilution(dilution)


def _dilution(dilution: float) -> float:
    return _checks.share_below_one("dilution", dilution)
