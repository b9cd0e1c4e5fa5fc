"""Mean field: the Curie-Weiss magnet, infinite and finite, and the flip-flop of two magnets that oppose."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import entr

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, Values, log_binomials, plain
from smbook.theory.ising._shared import MagnetizationMoments, moments_of, parameters, strengths, temperatures

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike


class Spinodal(NamedTuple):
    """Hold the end of a metastable branch: the state -magnetization is lost above the field `field`."""

    magnetization: float
    field: float


class FiniteCurieWeiss(NamedTuple):
    """Hold the law of m = M / N for N mutually coupled spins: N + 1 values, their weights and ln Z / N."""

    magnetization: Floats
    probability: Floats
    log_partition: float

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    @property
    def moments(self) -> MagnetizationMoments:
        """Return the means of abs(m), m^2 and m^4, and the Binder cumulant."""
        return moments_of(self.magnetization, self.probability)


def curie_weiss_solutions(beta: float, *, field: float = 0.0, coupling: float = 1.0) -> Floats:
    """Return all solutions of m = tanh(beta (J m + h)), one or three, in rising order (Weiss, 1907).

    The search runs in x = artanh m between the stationary points of beta (J tanh x + h) - x, so that no root
    is missed and those near m = +-1 keep their digits. On the spinodal the double root is listed twice.

    Examples
    --------
    >>> [round(m, 10) for m in curie_weiss_solutions(2.0).tolist()]
    [-0.9575040241, 0.0, 0.9575040241]
    >>> curie_weiss_solutions(2.0, field=0.3).size
    1
    """
    beta, coupling, field = parameters(beta, coupling, field)
    k, b = beta * coupling, beta * field

    def excess(x: float) -> float:
        return k * math.tanh(x) + b - x

    end = abs(k) + abs(b) + 1
    if k <= 1:
        return np.array([math.tanh(_root(excess, -end, end))])
    turn = math.asinh(math.sqrt(k - 1))  # cosh^2 x = K
    if field == 0:
        x = _root(excess, turn, end)
        return np.array([-math.tanh(x), 0.0, math.tanh(x)])
    low, high = excess(-turn), excess(turn)
    brackets = [(-end, -turn)] if low <= 0 else []
    brackets += [(-turn, turn)] if low <= 0 <= high else []
    brackets += [(turn, end)] if high >= 0 else []
    return np.array([math.tanh(_root(excess, *bracket)) for bracket in brackets or [(-end, end)]])


def curie_weiss_magnetization(beta: ArrayLike, *, field: float = 0.0, coupling: float = 1.0) -> Values:
    """Return the magnetization of lowest free energy; of the two at h = 0 below T_c = J the positive one.

    Examples
    --------
    >>> round(curie_weiss_magnetization(1.25), 10)
    0.7104117835
    """
    betas, coupling, field = temperatures(beta, coupling, field)
    which = -1 if field >= 0 else 0
    values = [
        curie_weiss_solutions(value, field=field, coupling=coupling)[which]
        for value in betas.ravel().tolist()
    ]
    return plain(np.reshape(values, betas.shape))


def curie_weiss_free_energy(
    m: ArrayLike, beta: float, *, field: float = 0.0, coupling: float = 1.0
) -> Values:
    """Return the Landau function f(m) = -J m^2 / 2 - h m - T s(m) of a state of magnetization m, per spin.

    s(m) is the entropy of mixing of (1 + m) / 2 spins up and (1 - m) / 2 down. The stationary points of f
    are the solutions of m = tanh(beta (J m + h)). Raises ValueError for abs(m) > 1 and for beta = 0.

    Examples
    --------
    >>> round(curie_weiss_free_energy(0.9575040241, 2.0), 8)
    -0.50983553
    """
    beta, coupling, field = parameters(beta, coupling, field)
    m = _magnetizations(m)
    if beta == 0:
        raise ValueError("beta must be positive for a free energy; got 0.0")
    entropy = entr((1 + m) / 2) + entr((1 - m) / 2)
    if not math.isfinite(1 / beta):
        raise ValueError(f"1 / beta overflows; got beta={beta}")
    return plain(-coupling * m**2 / 2 - field * m - entropy / beta)


def curie_weiss_susceptibility(m: ArrayLike, beta: float, *, coupling: float = 1.0) -> Values:
    """Return chi = dm/dh = beta (1 - m^2) / (1 - beta J (1 - m^2)) at a solution m.

    It is inf at the critical point and negative at an unstable solution. Raises ValueError for abs(m) > 1.

    Examples
    --------
    >>> curie_weiss_susceptibility(0.0, 0.5)
    1.0
    """
    beta, coupling, _ = parameters(beta, coupling, 0.0)
    m = _magnetizations(m)
    free = beta * (1 - m) * (1 + m)
    with np.errstate(divide="ignore"):
        return plain(np.divide(free, 1 - coupling * free))


def spinodal(beta: float, *, coupling: float = 1.0) -> Spinodal:
    """Return where a metastable state ends: m_s = sqrt(1 - T/J) and h_s = J m_s - T artanh m_s.

    A state against the field exists for abs(h) <= h_s; its magnetization there is -m_s in a positive field.
    Raises ValueError above T_c = J, where there is none.

    Examples
    --------
    >>> round(spinodal(2.0).field, 6)
    0.26642
    """
    beta, coupling, _ = parameters(beta, coupling, 0.0)
    k = beta * coupling
    if k < 1:
        raise ValueError(f"beta * coupling must be at least 1 for a metastable state; got {k}")
    magnetization = math.sqrt((k - 1) / k)
    return Spinodal(magnetization, coupling * magnetization - math.asinh(math.sqrt(k - 1)) / beta)


def curie_weiss_finite(n: int, beta: float, *, field: float = 0.0, coupling: float = 1.0) -> FiniteCurieWeiss:
    """Return the exact law of m for n spins with H = -(J / 2n) sum_ij s_i s_j - h sum_i s_i, i = j included.

    P(m) is proportional to binom(n, k) exp(n beta (J m^2 / 2 + h m)), where k = 0 ... n spins are up and
    m = (2k - n) / n. Raises ValueError for n > 10^7, whose arrays would be large.

    Examples
    --------
    >>> round(curie_weiss_finite(100, 1.0).moments.binder, 7)
    0.3055847
    """
    m, log_weight, _ = _finite_weights(n, beta, coupling, field)
    weight = np.exp(log_weight - log_weight.max())
    total = weight.sum()
    return FiniteCurieWeiss(m, weight / total, float(log_weight.max() + np.log(total)) / (m.size - 1))


def curie_weiss_first_passage(
    n: int, beta: float, *, start: int, stop: int, field: float = 0.0, coupling: float = 1.0
) -> float:
    """Return the mean time in sweeps until the number of n spins that are up falls from `start` to `stop`.

    For the random-site heat bath of `smbook.curie_weiss`, a birth-death chain of stationary law p_k that
    loses a spin with probability l_k = (k/n) (1 - tanh(beta (J (2k - n - 1) / n + h))) / 2 an update,

        tau = (1/n) sum_{stop < k <= start} 1 / (l_k p_k) sum_{j >= k} p_j,

    summed in logarithms. It is inf beyond the range of a float (a large cold magnet). Raises ValueError
    unless 0 <= stop < start <= n. Source: Griffiths, Weng and Langer (1966).

    Examples
    --------
    >>> round(curie_weiss_first_passage(20, 1 / 0.6, start=19, stop=1, field=-0.05), 4)
    109.3501
    """
    m, log_weight, (beta, coupling, field) = _finite_weights(n, beta, coupling, field)
    n = m.size - 1
    start = _checks.integer("start", start, minimum=1, maximum=n)
    stop = _checks.integer("stop", stop, minimum=0, maximum=start - 1)
    k = np.arange(stop + 1, start + 1)
    log_tail = np.logaddexp.accumulate(log_weight[::-1])[::-1]
    pull = beta * (coupling * (2 * k - n - 1) / n + field)  # on a spin that is up
    log_loss = np.log(k / n) - np.logaddexp(0.0, 2 * pull)
    with np.errstate(over="ignore"):
        return float(np.exp(np.logaddexp.reduce(log_tail[k] - log_weight[k] - log_loss)) / n)


def flip_flop(beta: float, *, fields: tuple[float, float] = (0.0, 0.0), coupling: float = 1.0) -> Floats:
    """Return all stable states (m1, m2) of two parties that oppose each other, one a row, by rising m1.

    m1 = tanh(beta (h1 - J m2)) and m2 = tanh(beta (h2 - J m1)) make a set-reset flip-flop for beta J > 1.
    A state is stable under dm/dt = -m + tanh(...) where (beta J)^2 (1 - m1^2) (1 - m2^2) < 1. There are one
    or two: artanh m1 - beta (h1 - J m2(m1)) has at most two stationary points, thus at most three zeros, and
    the middle one is a saddle. A state that is just lost (a double zero) is left out. A negative J makes the
    parties agree.

    Examples
    --------
    >>> flip_flop(2.0).round(6).tolist()
    [[-0.957504, 0.957504], [0.957504, -0.957504]]
    >>> flip_flop(2.0, fields=(1.0, -1.0)).round(3).tolist()
    [[0.999, -0.999]]
    """
    field_1, field_2 = _two_fields(fields)
    beta, coupling, _ = parameters(beta, coupling, max(field_1, field_2, key=abs))
    k, b1, b2 = beta * coupling, beta * field_1, beta * field_2

    def partner(x: float) -> float:
        return math.tanh(b2 - k * math.tanh(x))

    def excess(x: float) -> float:
        return x - b1 + k * partner(x)

    end = abs(b1) + abs(k) + 1
    turns = _turning_points(k, b2)
    brackets = [(-end, end)]
    if turns:
        brackets = [(-end, turns[0])] if excess(turns[0]) > 0 else []
        brackets += [(turns[1], end)] if excess(turns[1]) < 0 else []
    roots = [_root(excess, *bracket) for bracket in brackets or [(-end, end)]]
    return np.array([(math.tanh(x), partner(x)) for x in roots])


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return the zero of `function` between `low` and `high`."""
    ends = function(low), function(high)
    if min(ends) > 0 or max(ends) < 0:  # only by rounding, where two zeros merge at an end
        return low if abs(ends[0]) < abs(ends[1]) else high
    return float(brentq(function, low, high, xtol=1e-18, rtol=1e-15, maxiter=5000))


def _magnetizations(m: ArrayLike) -> Floats:
    """Return m as an array, or raise if an entry lies outside [-1, 1]."""
    values = _checks.reals("m", m, minimum=-1.0)
    if (values > 1).any():
        raise ValueError(f"m must be at most 1; got {values.max()}")
    return values


def _finite_weights(
    n: int, beta: float, coupling: float, field: float
) -> tuple[Floats, Floats, tuple[float, float, float]]:
    """Return m = -1 ... 1 of n spins, the logarithms of their weights, and the parameters, checked."""
    n = _checks.integer("n", n, minimum=1)
    if n > 10**7:
        raise ValueError(f"n must be at most 10000000; got {n}")
    beta = _checks.real("beta", beta, minimum=0.0)
    coupling, field = strengths(coupling, field, beta=beta, n_bonds=8.0 * n)
    m = np.arange(-n, n + 1, 2) / n
    log_weight = log_binomials(n) + n * (beta * coupling * m**2 / 2 + beta * field * m)
    return m, log_weight, (beta, coupling, field)


def _two_fields(fields: Any) -> tuple[float, float]:
    """Return the pair of fields, checked."""
    values = _checks.reals("fields", fields)
    if values.shape != (2,):
        raise ValueError(f"fields must be two numbers; got shape {values.shape}")
    return float(values[0]), float(values[1])


def _turning_points(k: float, b: float) -> tuple[float, float] | None:
    """Return both zeros of 1 - k^2 sech^2(b - k tanh x) sech^2 x, or None without a change of sign.

    ln cosh(b - k m) - ln(1 - m^2) / 2 is convex in m = tanh x: it has one minimum, and a zero of the
    difference from ln|k| on either side of it if at all.
    """
    if abs(k) <= 1:
        return None

    def slope(x: float) -> float:
        return math.sinh(x) * math.cosh(x) - k * math.tanh(b - k * math.tanh(x))

    def height(x: float) -> float:
        return _log_cosh(b - k * math.tanh(x)) + _log_cosh(x) - math.log(abs(k))

    steepest = math.asinh(2 * abs(k)) / 2 + 1e-9
    bottom = _root(slope, -steepest, steepest)
    if height(bottom) >= 0:
        return None
    end = math.acosh(abs(k)) + 1e-9
    return _root(height, -end, bottom), _root(height, bottom, end)


def _log_cosh(x: float) -> float:
    return abs(x) + math.log1p(math.exp(-2 * abs(x))) - math.log(2)
