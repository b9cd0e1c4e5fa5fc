"""Extensive load: the replica-symmetric states of Hopfield's network (Amit, Gutfreund and Sompolinsky)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import erfc

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Values, columns, inverse_temperatures, local_fields, plain, sech_squared
from smbook.theory.hopfield import _states, lines

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_STATES = {
    "retrieval": _states.retrieval,
    "spin-glass": _states.spin_glass,
    "paramagnet": _states.paramagnet,
}


class OrderParameters(NamedTuple):
    """Hold a replica-symmetric state: its order parameters, and its densities per spin.

    Attributes
    ----------
    m
        The overlap with the pattern that is retrieved.
    q
        The overlap of two replicas, the mean of <s_i>^2.
    r
        N times the mean square of the thermal averages of the overlaps with the other patterns. Over spins
        the field is Gaussian, with the mean m xi and the variance alpha r.
    energy
        The energy e.
    entropy
        The entropy s. It is negative at low temperature, where replicas cannot all be alike.
    free_energy
        The free energy f = e - T s.
    at_stability
        The eigenvalue of de Almeida and Thouless; the solution is stable where it is positive.
    susceptibility
        C = beta (1 - q), the mean response of a spin to its own field.
    """

    m: Values
    q: Values
    r: Values
    energy: Values
    entropy: Values
    free_energy: Values
    at_stability: Values
    susceptibility: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def replica_symmetric(alpha: ArrayLike, beta: ArrayLike, *, state: str = "retrieval") -> OrderParameters:
    r"""Return a replica-symmetric state of a network with alpha N patterns (Amit et al. 1985, 1987).

    .. math:: m = \int Dz \tanh \beta(m + \sqrt{\alpha r} z), \quad
              q = \int Dz \tanh^2 \beta(m + \sqrt{\alpha r} z), \quad r = \frac{q}{(1 - C)^2}

    with C = beta (1 - q) and Dz the unit Gaussian measure. They make stationary

    .. math:: f = \frac{\alpha}{2} + \frac{m^2}{2} + \frac{\alpha}{2\beta} \Bigl[\ln(1 - C) -
              \frac{\beta q}{1 - C}\Bigr] + \frac{\alpha r C}{2} - \frac1\beta \int Dz
              \ln 2\cosh\beta(m + \sqrt{\alpha r} z)

    where alpha / 2 is there because no spin is coupled to itself. Energy and entropy are

    .. math:: e = -\frac{m^2}{2} - \frac{\alpha}{2} \Bigl[\frac{C}{1 - C} + C r\Bigr], \quad
              s = \int Dz\, S(\beta(m + \sqrt{\alpha r} z)) - \frac{\alpha}{2} \Bigl[\ln(1 - C) +
              \frac{C}{1 - C}\Bigr]

    with the entropy S(u) = ln 2cosh u - u tanh u of a spin in a field, and the state is stable against
    breaking the symmetry of replicas where 1 - alpha beta^2 <cosh^-4> / (1 - C)^2 is positive.

    `alpha` and `beta` may be arrays, which are broadcast; beta may be inf, which is T = 0.

    Parameters
    ----------
    state
        "retrieval" is the state with m > 0, the one of two that is stable in m; "spin-glass" has m = 0 and
        q > 0; "paramagnet" has m = q = 0.

    Raises
    ------
    ValueError
        If there is no such state: no retrieval above T_M(alpha), no spin glass from T_g = 1 + sqrt(alpha) on
        or at alpha = 0, and no stable paramagnet below T_g.
    RuntimeError
        If a search does not converge.

    Examples
    --------
    >>> memory = replica_symmetric(0.05, 2.0)
    >>> round(memory.m, 6), round(memory.q, 6), round(memory.r, 6)
    (0.904106, 0.833358, 1.874778)
    >>> import math
    >>> glass = replica_symmetric(0.1, math.inf, state="spin-glass")
    >>> round(glass.energy + 1 / math.pi + math.sqrt(2 * 0.1 / math.pi), 12)
    0.0
    >>> replica_symmetric(0.1, 2.0)
    Traceback (most recent call last):
    ...
    ValueError: no retrieval state at alpha=0.1, T=0.5: it ends at T_M = 0.315432
    """
    _checks.choice("state", state, _STATES)
    alphas, betas = np.broadcast_arrays(
        _checks.reals("alpha", alpha, minimum=0.0), inverse_temperatures(beta)
    )
    pairs = zip(alphas.ravel().tolist(), betas.ravel().tolist(), strict=True)
    records = [_record(load, 1 / value if value < 1e200 else 0.0, state) for load, value in pairs]
    return OrderParameters(*columns(records, alphas, len(OrderParameters._fields)))


def retrieval_error(alpha: ArrayLike) -> Values:
    """Return the share of wrong bits (1 - m) / 2 in the retrieval state at T = 0, with all its digits.

    At the capacity it is 1.629 %, for small alpha like sqrt(alpha / 2 pi) exp(-1 / 2 alpha). `alpha` may be
    an array. Raises ValueError above `CAPACITY`.

    Examples
    --------
    >>> [round(retrieval_error(alpha), 9) for alpha in (0.05, 0.1)]
    [3.886e-06, 0.001000367]
    """
    alphas = _checks.reals("alpha", alpha, minimum=0.0)
    errors = [_error(load) for load in alphas.ravel().tolist()]
    return plain(np.reshape(np.array(errors), alphas.shape))


def _found(alpha: float, temperature: float, name: str) -> _states.State:
    """Return a state, or raise that it does not exist."""
    state = _STATES[name](alpha, temperature)
    if state is None:
        raise ValueError(f"no {name} state at alpha={alpha}, T={temperature:g}: {lines.limit(alpha, name)}")
    return state


def _record(alpha: float, temperature: float, name: str) -> tuple[float, ...]:
    state = _found(alpha, temperature, name)
    return (
        state.m,
        state.q,
        state.q / state.stiffness**2 if state.q else 0.0,
        *_states.densities(state, alpha, temperature),
        _stability(state, alpha, temperature),
        state.response,
    )


def _stability(state: _states.State, alpha: float, temperature: float) -> float:
    """Return the eigenvalue of de Almeida and Thouless."""
    if alpha == 0:
        return 1.0
    if temperature == 0:
        return -math.inf
    rule, x = local_fields(1 / temperature, state.m, state.deviation)
    spread = float(rule.mean(sech_squared(x / temperature) ** 2))
    return 1 - alpha / state.stiffness**2 * (spread / temperature / temperature)


def _error(alpha: float) -> float:
    state = _found(alpha, 0.0, "retrieval")
    return float(erfc(state.m / state.deviation / math.sqrt(2))) / 2
