"""One pattern and one hidden unit of any softness: exact sums at finite N, and what is left for large N."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, Values, log_binomials, plain
from smbook.theory.boltzmann.soft_units import checked_softness, soft_unit
from smbook.theory.ising import curie_weiss_magnetization

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_MOST_SPINS = 10**7
_LARGEST_BETA = 1e6


class OnePattern(NamedTuple):
    """Hold the exact averages of N visible spins and one hidden unit whose weights are a pattern.

    Attributes
    ----------
    log_partition
        ln Z: a sum over the 2^N states of the spins, and an average over the normalized measure of the hidden
        unit.
    magnetization
        <abs(m)>, where m = xi . s / N is the overlap with the pattern.
    square
        <m^2>.
    hidden
        <z^2> of the hidden unit, whose mean is 0 by symmetry.
    energy
        <E>, the mean of `marginal_energy`, in all.
    overlaps
        The N + 1 values of m, rising.
    law
        Their probabilities.
    """

    log_partition: float
    magnetization: float
    square: float
    hidden: float
    energy: float
    overlaps: Floats
    law: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def one_pattern(n_spins: int, beta: float, softness: float) -> OnePattern:
    r"""Return the exact law of N spins and one hidden unit with the weights sqrt(beta / N) xi.

    .. math:: P(M) \propto \binom{N}{(N + M) / 2}\, e^{\varphi(\sqrt{\beta / N} M)}, \qquad
              \langle z^2 \rangle = \langle \varphi'' + \varphi'^2 \rangle

    with M = xi . s and the phi of `soft_unit`. At softness 1 this is a Curie-Weiss magnet, as
    `smbook.theory.ising.curie_weiss_finite` has it, and <z^2> = 1 + beta N <m^2>. At softness 0 the spins are
    a mixture of two product laws of means +-tanh sqrt(beta / N): a hidden spin says which sign the pattern
    has, but not how loudly, and what it says fades as N grows.
    (Barra, Genovese, Sollich and Tantari 2018, who take N to infinity.)

    Parameters
    ----------
    n_spins
        N, up to 10^7.
    beta
        Inverse temperature, up to 10^6.
    softness
        Omega from 0 (a hidden spin) to 1 (a Gaussian hidden unit).

    Examples
    --------
    >>> soft = one_pattern(100, 2.0, 0.5)
    >>> round(soft.log_partition, 10), round(soft.magnetization, 10), round(soft.hidden, 10)
    (74.5633022749, 0.5805280152, 24.6766907915)
    >>> hidden_spin = one_pattern(100, 2.0, 0.0)
    >>> round(hidden_spin.square, 10), round(0.01 + 0.99 * math.tanh(math.sqrt(2 / 100)) ** 2, 10)
    (0.0295389611, 0.0295389611)
    """
    n = _checks.integer("n_spins", n_spins, minimum=1, maximum=_MOST_SPINS)
    inverse = _checks.positive("beta", beta)
    if inverse > _LARGEST_BETA:
        raise ValueError(f"beta must be at most {_LARGEST_BETA:g}; got {inverse}")
    omega = _checks.real("softness", softness, minimum=0.0, maximum=1.0)
    total = np.arange(-n, n + 1, 2, dtype=np.float64)
    unit = soft_unit(math.sqrt(inverse / n) * total, omega)
    log_weight = log_binomials(n) + unit.cumulant
    log_partition = float(np.logaddexp.reduce(log_weight))
    weight = np.exp(log_weight - log_weight.max())
    law, m = weight / weight.sum(), total / n
    return OnePattern(
        log_partition,
        float(law @ np.abs(m)),
        float(law @ m**2),
        float(law @ (np.asarray(unit.variance) + np.asarray(unit.mean) ** 2)),
        -float(law @ np.asarray(unit.cumulant)) / inverse,
        m,
        law,
    )


def soft_retrieval(temperature: ArrayLike, softness: ArrayLike) -> Values:
    r"""Return the overlap m = tanh(Omega m / T) with one of a few patterns, in the limit of many spins.

    The field sqrt(beta N) m on the hidden unit is so large then that its bounded part has no weight: the
    field on a visible spin is sqrt(beta / N) phi'(sqrt(beta N) m), which goes to beta Omega m. Retrieval
    sets in at T = Omega, and hidden spins, Omega = 0, retrieve nothing at any temperature.
    (Barra, Genovese, Sollich and Tantari 2018.)

    Parameters
    ----------
    temperature
        T, at least 0, any shape.
    softness
        Omega from 0 to 1, in a shape that broadcasts.

    Returns
    -------
    float or ndarray
        The solution of lowest free energy, m >= 0; it is 0 for T >= Omega. At T = 0 it is 1, and 0 for
        Omega = 0, as N goes to infinity first.

    Examples
    --------
    >>> [round(soft_retrieval(0.4, softness), 10) for softness in (0.3, 0.5, 0.8, 1.0)]
    [0.0, 0.7104117835, 0.9575040241, 0.9856238716]
    """
    hot, soft = np.broadcast_arrays(
        _checks.reals("temperature", temperature, minimum=0.0), checked_softness(softness)
    )
    ordered = soft > hot
    with np.errstate(over="ignore"):
        ratio = np.divide(soft, hot, out=np.full(hot.shape, np.inf), where=hot > 0)
    m = curie_weiss_magnetization(np.where(ordered, np.minimum(ratio, _LARGEST_BETA), 0.0))
    return plain(np.where(ordered, m, 0.0))
