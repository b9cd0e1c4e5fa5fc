"""The Sherrington-Kirkpatrick model with all replicas alike, and the line where that assumption fails."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import erf, expit

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import (
    Values,
    columns,
    inverse_temperatures,
    local_fields,
    log_two_cosh,
    plain,
    sech_squared,
    spin_entropy,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_SMALLEST, _LARGEST = -690.0, 690.0  # ln(q / (1 - q)) between 1e-300 and its mirror image
_STRONGEST = 24.0  # field at which 1 - q on the line, exp(-h^2), is still a normal number


class ReplicaSymmetric(NamedTuple):
    """Hold the replica-symmetric solution: the overlap q of two replicas, <s>, and e, s and f per spin."""

    q: Values
    magnetization: Values
    energy: Values
    entropy: Values
    free_energy: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def sk_replica_symmetric(beta: ArrayLike, field: float = 0.0) -> ReplicaSymmetric:
    r"""Return the solution of the SK model in which all replicas are alike (Sherrington, Kirkpatrick 1975).

    .. math:: q = \int Dz \tanh^2 \beta(h + \sqrt q z), \qquad
              -\beta f = \ln 2 + \int Dz \ln\cosh \beta(h + \sqrt q z) + \tfrac14 \beta^2 (1 - q)^2

    with Dz the unit Gaussian measure. Of the solutions at h = 0 and T < 1 it is that with q > 0. The energy
    is e = -beta (1 - q^2) / 2 - h m and the entropy, without a difference of large numbers, the mean entropy
    of a spin in its field less beta^2 (1 - q)^2 / 4. At T = 0 and h = 0 it is -1 / 2 pi: no system of
    discrete states has a negative entropy, so that replicas cannot all be alike there. Where they cannot,
    `almeida_thouless_stability` tells.

    `beta` may be an array, and inf, which is T = 0. Without a field a q below some 1e-13 is not told from 0.

    Raises
    ------
    RuntimeError
        If the search for q does not converge.

    Examples
    --------
    >>> solution = sk_replica_symmetric(2.0)
    >>> round(solution.q, 8), round(solution.energy, 8), round(solution.free_energy, 8)
    (0.53036839, -0.71870937, -0.79239295)
    >>> import math
    >>> cold = sk_replica_symmetric(math.inf)
    >>> round(cold.energy, 6), round(cold.entropy, 6)
    (-0.797885, -0.159155)
    """
    betas = inverse_temperatures(beta)
    h = _field(field)
    records = [_solution(value, h) for value in betas.ravel().tolist()]
    return ReplicaSymmetric(*columns(records, betas, len(ReplicaSymmetric._fields)))


def almeida_thouless_stability(beta: ArrayLike, field: float = 0.0) -> Values:
    r"""Return the eigenvalue that decides whether the replica-symmetric solution is stable.

    .. math:: \lambda = 1 - \beta^2 \int Dz\, \cosh^{-4} \beta(h + \sqrt q z)

    (de Almeida and Thouless 1978). The solution is stable where it is positive. At h = 0 it is negative at
    any T < 1. `beta` may be an array, and inf, where the eigenvalue is -inf in every field.

    Examples
    --------
    >>> [round(almeida_thouless_stability(beta), 6) for beta in (0.5, 1.0, 2.0)]
    [0.75, 0.0, -0.362673]
    >>> almeida_thouless_stability(2.0, field=0.6) > 0
    True
    """
    betas = inverse_temperatures(beta)
    h = _field(field)
    return plain(np.reshape([_eigenvalue(value, h) for value in betas.ravel().tolist()], betas.shape))


def almeida_thouless_field(beta: ArrayLike) -> Values:
    """Return the field h_AT > 0 above which the replica-symmetric solution is stable, 0 for T >= 1.

    Near T = 1 it is sqrt(4/3) (1 - T)^(3/2), at low T it grows like sqrt(2 ln(4 / (3 sqrt(2 pi) T))) (de
    Almeida and Thouless 1978). `beta` may be an array; at T = 0 there is no such field, and h_AT is inf.
    Raises ValueError for a finite beta above 1e135.

    Examples
    --------
    >>> round(almeida_thouless_field(2.0), 7)
    0.5699338
    """
    betas = inverse_temperatures(beta)
    return plain(np.reshape([_critical_field(value) for value in betas.ravel().tolist()], betas.shape))


def almeida_thouless_temperature(field: float) -> float:
    """Return the temperature below which the replica-symmetric solution in a field is unstable.

    It is 1 at h = 0 and falls like exp(-h^2 / 2) for large fields; the inverse of `almeida_thouless_field`.
    Raises ValueError for abs(h) > 24.

    Examples
    --------
    >>> round(almeida_thouless_temperature(0.5699338), 6)
    0.5
    """
    h = abs(_field(field))
    if h > _STRONGEST:
        raise ValueError(f"abs(field) must be at most {_STRONGEST:g}; got {h}")
    if h == 0:
        return 1.0
    longest = 2.0 + h * h / 2 + 1.0  # ln beta
    return math.exp(-float(brentq(lambda x: _eigenvalue(math.exp(x), h), 0.0, longest, xtol=1e-15)))


def _field(field: float) -> float:
    """Return h as a float, checked; its sign turns the magnetization and nothing else."""
    h = _checks.real("field", field)
    if abs(h) > 1e150:
        raise ValueError(f"abs(field) must be at most 1e150; got {h}")
    return h


def _solution(beta: float, h: float) -> tuple[float, ...]:
    """Return q, m, e, s and f at one temperature."""
    if beta > 1e200:  # corrections are of order T^2
        response = math.sqrt(2 / math.pi) * math.exp(-(h**2) / 2)  # beta (1 - q)
        magnetization = float(erf(h / math.sqrt(2)))
        energy = -response - h * magnetization
        return 1.0, magnetization, energy, -(response**2) / 4, energy
    q, rest = _overlap(beta, h)
    rule, x = local_fields(beta, h, math.sqrt(q))
    response = beta * rest
    magnetization = float(rule.mean(np.tanh(beta * x)))
    entropy = float(rule.mean(spin_entropy(beta * x))) - response**2 / 4
    energy = -response * (1 + q) / 2 - h * magnetization
    free_energy = -float(rule.mean(log_two_cosh(x, 1 / beta))) - response * rest / 4
    return q, magnetization, energy, entropy, free_energy


def _overlap(beta: float, h: float) -> tuple[float, float]:
    """Return q and 1 - q, each with all its digits."""

    def excess(x: float) -> float:
        q, rest = float(expit(x)), float(expit(-x))
        rule, fields = local_fields(beta, h, math.sqrt(q))
        if x > 0:
            return 1 - float(rule.mean(sech_squared(beta * fields))) / rest
        return float(rule.mean(np.tanh(beta * fields) ** 2)) / q - 1

    if (beta <= 1 and h == 0) or excess(_SMALLEST) <= 0:
        return 0.0, 1.0
    if excess(_LARGEST) >= 0:  # the field, or beta, is so large that nothing is left
        return 1.0, 0.0
    x, result = brentq(
        excess, _SMALLEST, _LARGEST, xtol=1e-15, rtol=1e-15, maxiter=300, full_output=True, disp=False
    )
    if not result.converged:
        raise RuntimeError(f"no overlap q found at beta={beta}, field={h}: {result.flag}")
    return float(expit(x)), float(expit(-x))


def _eigenvalue(beta: float, h: float) -> float:
    """Return 1 - beta^2 <sech^4>, where all is inf at T = 0."""
    if beta == math.inf:
        return -math.inf
    q, _ = _overlap(beta, h)
    rule, x = local_fields(beta, h, math.sqrt(q))
    return 1 - beta * (beta * float(rule.mean(sech_squared(beta * x) ** 2)))


def _critical_field(beta: float) -> float:
    """Return h_AT; the bracket is its value at low temperature and something more."""
    if beta <= 1:
        return 0.0
    if beta == math.inf:
        return math.inf
    if beta > 1e125:
        raise ValueError(f"beta must be at most 1e125 for a field of instability; got {beta}")
    highest = 1.0 + math.sqrt(2 * math.log(beta))
    lowest = 0.1 * (1 - 1 / beta) ** 1.5
    if _eigenvalue(beta, lowest) >= 0:
        return 0.0
    return float(brentq(lambda h: _eigenvalue(beta, h), lowest, highest, xtol=1e-16, rtol=1e-14))
