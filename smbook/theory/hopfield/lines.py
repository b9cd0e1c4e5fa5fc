"""The lines of the phase diagram: where states end, become the lowest, or lose their stability."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq

from smbook import _checks
from smbook.theory._shared import Values, inverse_temperatures, local_fields, plain, sech_squared
from smbook.theory.hopfield import _states

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

# T at which the lines turn back: they reach a little beyond their alpha at T = 0.
_RETRIEVAL_TURN, _COEXISTENCE_TURN = 0.0228735, 0.085064
# (1 - T) / sqrt(alpha) on the lines, from its limit at T = 1 to more than its value at T = 0.
_RETRIEVAL_SLOPES, _COEXISTENCE_SLOPES = (1.9540837747, 2.7), (2.595876, 4.4)
_SMALLEST = 1e-12  # for a smaller alpha the lines are straight in sqrt(alpha), to rounding

_STABILITY_TURN = 2.132  # m / sigma where alpha is largest on the line of instability
_LAST, CAPACITY = _states.fold(0.0)
CAPACITY_OVERLAP = _LAST.m
COEXISTENCE_LOAD = 0.05185433091891706  # a root; there f of both states at T = 0 agree to rounding

_STRAIGHT = 1 / 81  # below, T_R is what its law for small alpha says, to rounding


def spin_glass_temperature(alpha: ArrayLike) -> Values:
    """Return T_g = 1 + sqrt(alpha), below which the paramagnet gives way to a spin glass, continuously.

    For large alpha it is sqrt(alpha), the transition of the Sherrington-Kirkpatrick model with couplings of
    variance alpha / N. `alpha` may be an array (Amit, Gutfreund and Sompolinsky 1985).

    Examples
    --------
    >>> spin_glass_temperature(0.25)
    1.5
    """
    return plain(1 + np.sqrt(_checks.reals("alpha", alpha, minimum=0.0)))


def retrieval_temperature(alpha: ArrayLike) -> Values:
    """Return T_M, above which there is no retrieval state (Amit, Gutfreund and Sompolinsky 1985, 1987).

    The state ends at a fold, with an overlap m > 0, as that of a magnet in a field against it does. For small
    alpha T_M = 1 - 1.954 sqrt(alpha). The line turns back at T = 0.023: it reaches alpha = 0.138189 there,
    2e-3 beyond `CAPACITY`, its end at T = 0. In between T_M is the upper of two temperatures where the state
    ends. It is replica symmetry that makes the line turn (Naef and Canning 1992), and it does not hold there:
    broken in one step retrieval ends at alpha = 0.138186 for T = 0, in two at 0.138187 (Steffan and Kuehn
    1994).

    `alpha` may be an array.

    Raises
    ------
    ValueError
        If there is no retrieval state at any temperature.

    Examples
    --------
    >>> round(retrieval_temperature(0.05), 5)
    0.54226
    """
    return _each(alpha, _melting, _no_retrieval())


def coexistence_temperature(alpha: ArrayLike) -> Values:
    """Return T_c, below which the free energy of retrieval is less than that of the spin glass.

    Between T_c and T_M retrieval is metastable. For small alpha T_c = 1 - 2.596 sqrt(alpha). This line turns
    back as that of `retrieval_temperature` does, at T = 0.085 and alpha = 0.053132; above `COEXISTENCE_LOAD`,
    its end at T = 0, T_c is the upper of two temperatures (Amit, Gutfreund and Sompolinsky 1987).

    `alpha` may be an array. Raises ValueError where retrieval is the lowest state at no temperature.

    Examples
    --------
    >>> round(coexistence_temperature(0.05), 5)
    0.21638
    """
    return _each(alpha, _coexistence, "retrieval is not the lowest state at any temperature")


def almeida_thouless_temperature(alpha: ArrayLike) -> Values:
    r"""Return T_R, below which the retrieval state is unstable against breaking the symmetry of replicas.

    .. math:: T^2 = \frac{\alpha}{(1 - C)^2} \int Dz\, \cosh^{-4} \beta(m + \sqrt{\alpha r} z)

    For small alpha it is sqrt(8 alpha / 9 pi) exp(-1 / 2 alpha) (Amit, Gutfreund and Sompolinsky 1987), which
    is less than any float for alpha < 7e-4, where it comes out as 0. `alpha` may be an array. Raises
    ValueError above alpha = 0.138186, where the state is unstable at every temperature or does not exist.

    Examples
    --------
    >>> round(almeida_thouless_temperature(0.1), 8)
    0.00145025
    """
    return _each(alpha, _instability, f"retrieval is unstable above alpha = {_stability_end():.6f}")


def capacity(beta: ArrayLike) -> Values:
    """Return alpha_M(T), the largest alpha with a retrieval state; 0 for T >= 1.

    It is where alpha, as a function of the ratio of signal to noise m / sqrt(alpha r), is largest. `beta` may
    be an array, and inf, where it is `CAPACITY`. It inverts `retrieval_temperature`.

    Examples
    --------
    >>> import math
    >>> round(capacity(math.inf), 10), round(capacity(2.0), 8)
    (0.1379055665, 0.05881552)
    """
    betas = inverse_temperatures(beta)
    loads = [_capacity(1 / value) for value in betas.ravel().tolist()]
    return plain(np.reshape(np.array(loads), betas.shape))


def _capacity(temperature: float) -> float:
    """Return the alpha of the fold, which next to T = 1 drowns in rounding."""
    gap = max(1 - temperature, 0.0)
    return (gap / _RETRIEVAL_SLOPES[0]) ** 2 if gap < 1e-7 else _states.fold(temperature)[1]


def limit(alpha: float, name: str) -> str:
    """Return where a state ends, in words."""
    if name == "retrieval":
        end = _melting(alpha)
        return _no_retrieval() if end is None else f"it ends at T_M = {end:.6g}{_below(alpha)}"
    if name == "spin-glass" and alpha == 0:
        return "it needs a positive alpha"
    verb = "ends at" if name == "spin-glass" else "is unstable below"
    return f"it {verb} T_g = {1 + math.sqrt(alpha):.6g}"


@functools.cache
def _no_retrieval() -> str:
    """Return up to where there is retrieval, in words."""
    largest = _states.fold(_RETRIEVAL_TURN)[1]
    return f"retrieval ends at {CAPACITY:.6f} for T = 0 and at {largest:.6f} for T = {_RETRIEVAL_TURN:.3f}"


def _below(alpha: float) -> str:
    """Return where retrieval ends again at low temperature, in words, for alpha above that at T = 0."""
    if alpha <= CAPACITY:
        return ""
    low = brentq(lambda t: _states.fold(t)[1] - alpha, 0.0, _RETRIEVAL_TURN, xtol=1e-9)
    return f" and, in replica symmetry, below T = {low:.6f}"


def _each(alpha: ArrayLike, line: Callable[[float], float | None], lack: str) -> Values:
    """Return the temperatures of a line, or raise that it has none."""
    alphas = _checks.reals("alpha", alpha, minimum=0.0)
    temperatures = []
    for load in alphas.ravel().tolist():
        temperature = line(load)
        if temperature is None:
            raise ValueError(f"no such temperature at alpha={load}: {lack}")
        temperatures.append(temperature)
    return plain(np.reshape(np.array(temperatures, dtype=np.float64), alphas.shape))


def _melting(alpha: float) -> float | None:
    """Return T_M, or None if retrieval has no place at any temperature."""

    def excess(temperature: float) -> float:
        return math.sqrt(_states.fold(temperature)[1]) - math.sqrt(alpha)

    return _crossing(excess, alpha, _RETRIEVAL_TURN, _RETRIEVAL_SLOPES)


def _coexistence(alpha: float) -> float | None:
    """Return T_c, or None if retrieval is the lowest state at no temperature."""

    def excess(temperature: float) -> float:
        memory, glass = _states.retrieval(alpha, temperature), _states.spin_glass(alpha, temperature)
        if memory is None or glass is None:
            raise _states.no_convergence("pair of states", alpha=alpha, T=temperature)
        one, other = (_states.densities(state, alpha, temperature)[2] for state in (glass, memory))
        return one - other

    return _crossing(excess, alpha, _COEXISTENCE_TURN, _COEXISTENCE_SLOPES)


def _crossing(
    excess: Callable[[float], float], alpha: float, turn: float, slopes: tuple[float, float]
) -> float | None:
    """Return the highest root of a function of T that falls from there on."""
    width = math.sqrt(alpha)
    if alpha < _SMALLEST:
        return 1 - slopes[0] * width
    low, high = max(turn, 1 - slopes[1] * width), 1 - slopes[0] * (1 - 1e-6) * width
    if low >= high or excess(low) < 0:
        return None
    return float(brentq(excess, low, high, xtol=1e-13))


def _instability(alpha: float) -> float | None:
    """Return the temperature where the retrieval state loses its stability, or None where it never has any.

    At given y = m / sigma the condition has one root b = beta sigma, and T and alpha follow.
    """
    if alpha > _stability_end():
        return None
    if alpha < _STRAIGHT:
        return math.sqrt(8 * alpha / (9 * math.pi)) * math.exp(-1 / max(2 * alpha, 1e-300))
    low, high = _STABILITY_TURN, 1 / math.sqrt(alpha)  # alpha < 1 / y^2
    return _unstable_at(float(brentq(lambda y: _unstable_at(y)[1] - alpha, low, high, xtol=1e-13)))[0]


@functools.cache
def _stability_end() -> float:
    """Return the largest alpha whose retrieval state is stable at some temperature."""
    return _unstable_at(_STABILITY_TURN)[1]


def _unstable_at(ratio: float) -> tuple[float, float]:
    """Return T and alpha where b^2 <cosh^-4 b (y + z)> = <tanh^2 b (y + z)>, with y = m / sigma."""

    def excess(log_strength: float) -> float:
        strength = math.exp(log_strength)
        rule, u = local_fields(1.0, strength * ratio, strength)
        spread = strength * (strength * float(rule.mean(sech_squared(u) ** 2)))
        return math.log(spread / float(rule.mean(np.tanh(u) ** 2)))

    strength = math.exp(brentq(excess, 0.0, 2.0 + ratio**2 / 2, xtol=1e-14))
    rule, u = local_fields(1.0, strength * ratio, strength)
    q, rest = float(rule.mean(np.tanh(u) ** 2)), float(rule.mean(sech_squared(u)))
    deviation = float(rule.mean(np.tanh(u))) / ratio
    temperature = deviation / strength
    return temperature, (deviation * (1 - rest / temperature)) ** 2 / q
