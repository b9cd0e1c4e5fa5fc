"""What hidden units leave behind for the visible ones when they are summed out: energies and couplings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook.theory._shared import Values, log_binomials, plain
from smbook.theory.boltzmann.soft_units import log_cosh, soft_unit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_MOST_SPINS = 10**6


class EffectiveCouplings(NamedTuple):
    """Hold what one hidden unit gives the visible spins, as terms of ln p = -beta E, in the pattern's gauge.

    Attributes
    ----------
    constant
        The term without spins.
    pair
        The coefficient of xi_i xi_j s_i s_j, for every pair once.
    quartet
        That of the product of four different spins and the pattern's entries there, for every four once.
    """

    constant: float
    pair: float
    quartet: float


def marginal_energy(patterns: ArrayLike, spins: ArrayLike, beta: float, *, softness: float = 1.0) -> Values:
    r"""Return the energy of visible spins when hidden units, one for each pattern, are summed out.

    .. math:: E_\beta(s) = -\frac1\beta \sum_{\mu=1}^{P} \varphi\Bigl(\sqrt{\frac\beta N}\,
              \xi^\mu \cdot s\Bigr), \qquad p(s) \propto e^{-\beta E_\beta(s)}

    with the phi of `soft_unit`. It is a total, with i = j included. At softness 1 it does not depend on beta:
    it is Hebb's energy -sum_mu (xi^mu . s)^2 / 2N, which is that of `smbook.hopfield.hebb`, without a
    diagonal, minus P / 2. Less soft, units leave a less deep energy, and one that changes with beta.
    (Barra, Bernacchia, Santucci and Contucci 2012; Barra, Genovese, Sollich and Tantari 2018.)

    Parameters
    ----------
    patterns
        Entries +1 and -1, shape (P, N).
    spins
        States of +1 and -1, shape (..., N).
    beta
        Inverse temperature. The weights are sqrt(beta / N) xi.
    softness
        Omega from 0 (hidden spins) to 1 (Gaussian hidden units).

    Returns
    -------
    float or ndarray
        Total energies, shape (...).

    Raises
    ------
    ValueError
        If an entry is not +1 or -1, shapes do not fit, beta is not positive or softness outside [0, 1].

    Examples
    --------
    >>> patterns = np.array([[1, 1, 1, 1], [1, -1, 1, -1]])
    >>> marginal_energy(patterns, [[1, 1, 1, 1], [1, 1, 1, -1]], 2.0).round(12).tolist()
    [-2.0, -1.0]
    >>> round(marginal_energy(patterns, [1, 1, 1, 1], 2.0, softness=0.5), 10)
    -1.6625013737
    """
    xi, states = _signs("patterns", patterns), _signs("spins", spins)
    if xi.ndim != 2 or 0 in xi.shape:
        raise ValueError(f"patterns must have shape (P, N); got {xi.shape}")
    n = xi.shape[1]
    if states.shape[-1:] != (n,):
        raise ValueError(f"spins must have shape (..., {n}); got {states.shape}")
    inverse = _checks.positive("beta", beta)
    omega = _checks.real("softness", softness, minimum=0.0, maximum=1.0)
    unit = soft_unit(math.sqrt(inverse / n) * (states @ xi.T), omega)
    return plain(-np.asarray(unit.cumulant).sum(axis=-1) / inverse)


def effective_couplings(n_spins: int, beta: float, softness: float) -> EffectiveCouplings:
    r"""Return the couplings that one hidden unit with the weights sqrt(beta / N) xi makes, exactly.

    Summed out, the unit adds phi(sqrt(beta / N) M) to ln p, with M = xi . s and the phi of `soft_unit`. As a
    function of N signs this has one expansion in products of different spins; by symmetry the coefficients
    of all pairs are one number, and those of all fours another:

    .. math:: J_2 = \frac{\langle \varphi\, (M^2 - N) \rangle}{N (N - 1)}, \qquad
              J_4 = \frac{\langle \varphi\, (M^4 - (6N - 8) M^2 + 3 N^2 - 6 N) \rangle}
                         {N (N - 1)(N - 2)(N - 3)}

    over N fair signs. For large N they are (beta / N) <phi''(sqrt(beta) g)> and (beta / N)^2
    <phi''''(sqrt(beta) g)> over a unit Gaussian g. At softness 1 there are pairs only, of beta / N: Hebb's
    rule. Below, pairs are weaker and fours negative, -2 (1 - Omega)^2 (beta / N)^2 for a small beta.

    Parameters
    ----------
    n_spins
        N, up to 10^6. There are no pairs for N < 2 and no fours for N < 4, where 0 is returned.
    beta, softness
        As in `marginal_energy`; beta may be 0.

    Examples
    --------
    >>> effective_couplings(4, 2.0, 1.0)
    EffectiveCouplings(constant=1.0, pair=0.5, quartet=0.0)
    >>> couplings = effective_couplings(10, 1.0, 0.0)
    >>> [round(value, 10) for value in couplings]
    [0.3776734934, 0.0625569948, -0.0045585114]
    """
    n = _checks.integer("n_spins", n_spins, minimum=1, maximum=_MOST_SPINS)
    inverse = _checks.real("beta", beta, minimum=0.0)
    omega = _checks.real("softness", softness, minimum=0.0, maximum=1.0)
    total = np.arange(-n, n + 1, 2, dtype=np.float64)
    law = np.exp(log_binomials(n) - n * math.log(2))
    u = math.sqrt((1 - omega) * inverse / n) * total
    rest = law * (log_cosh(u) - u**2 / 2)  # beyond the pairs of a Gaussian unit, which are exact
    square = total**2
    fours = square**2 - (6 * n - 8) * square + 3.0 * n * (n - 2)
    return EffectiveCouplings(
        inverse / 2 + float(rest.sum()),
        inverse / n + float(rest @ (square - n)) / (n * (n - 1)) if n > 1 else 0.0,
        float(rest @ fours) / (n * (n - 1.0) * (n - 2) * (n - 3)) if n > 3 else 0.0,
    )


def _signs(name: str, values: ArrayLike) -> NDArray[np.int64]:
    """Return +1 and -1 as integers that do not wrap, or raise."""
    array = _checks.integers(name, values)
    if (wrong := array[np.abs(array) != 1]).size:
        raise ValueError(f"{name} must be +1 or -1; got {wrong[0]}")
    return array
