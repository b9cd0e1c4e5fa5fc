"""The replica-symmetric states as curves: alpha as a function of the ratio of signal to noise, at fixed T.

A spin sees the field m + sigma z, in units of the pattern, with a unit Gaussian z and sigma^2 = alpha r. At a
given temperature and ratio y = m / sigma one equation with one root is left, for sigma, and alpha follows
without a search. ln alpha is a concave function of ln y with one maximum, the fold where retrieval ends; the
states with a larger y are the stable ones, those with a smaller y the barriers that close their basins.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from smbook.theory._shared import local_fields, sech_squared, spin_entropy

COLDEST = 1e-9  # colder, terms of order T^2 are less than rounding

_SMALLEST_LOAD = 1e-200
_FOLD = (2.09, 2.138)  # the ratio at the fold is between 2.1372 at T = 0 and 2.0910 at T = 1
_STEPS = 200


class State(NamedTuple):
    """Hold one state: m, q, sigma = sqrt(alpha r), C = beta (1 - q), and 1 - C with all its digits."""

    m: float
    q: float
    deviation: float
    response: float
    stiffness: float


def no_convergence(what: str, **where: float) -> RuntimeError:
    """Return the error of a search that has not ended."""
    place = ", ".join(f"{name}={value}" for name, value in where.items())
    return RuntimeError(f"no {what} found at {place}: the search did not converge")


def retrieval_at(ratio: float, temperature: float) -> tuple[State, float, float]:
    """Return the state of one ratio y = m / sigma > 0 at T < 1, its alpha, and d ln alpha / d ln y."""
    if temperature < COLDEST:
        return _frozen_at(ratio, temperature)
    beta = 1 / temperature
    deviation = _deviation_at(ratio, temperature)
    rule, x = local_fields(beta, ratio * deviation, deviation)
    tanh, sech, t = np.tanh(beta * x), sech_squared(beta * x), x / deviation
    q, response = min(float(rule.mean(tanh**2)), 1.0), beta * float(rule.mean(sech))
    stiffness = 1 - response
    narrowing = ratio * stiffness / (beta * float(rule.mean(t * sech)) - ratio)  # d ln sigma / d ln y
    shift = ratio + t * narrowing  # of a field, in units of sigma
    drop = 2 * beta * deviation * float(rule.mean(tanh * sech * shift))  # of 1 - q
    slope = 2 * narrowing + drop * (2 * beta / stiffness - 1 / q)
    load = (deviation * stiffness) ** 2 / q
    return State(min(ratio * deviation, 1.0), q, deviation, response, stiffness), load, slope


def _frozen_at(ratio: float, temperature: float) -> tuple[State, float, float]:
    """Return the same next to T = 0, where the averages are error functions."""
    m, density = math.erf(ratio / math.sqrt(2)), math.sqrt(2 / math.pi) * math.exp(-ratio * ratio / 2)
    left = m - ratio * density  # the chi distribution of three components, and its density y^2 * density
    response = ratio * density / m
    slope = 2 * ratio**3 * density / left - 2 if ratio < 1e100 else -2.0
    q = 1 - temperature * response
    return State(m, q, m / ratio, response, left / m), (left / ratio) ** 2 / q, slope


def _deviation_at(ratio: float, temperature: float) -> float:
    """Return the root sigma > 0 of <tanh beta sigma (y + z)> - sigma y.

    It is a concave function of sigma, so that Newton's steps from above fall to the root one after another;
    m < 1 and, as tanh(u) < u / sqrt(1 + 2 u^2 / 3), m^2 < 3 (1 - T^2) / 2.
    """
    beta = 1 / temperature
    deviation = math.sqrt(min(1.0, 1.5 * (1 - temperature**2))) / ratio
    for _ in range(_STEPS):
        rule, x = local_fields(beta, ratio * deviation, deviation)
        u = beta * x
        excess = float(rule.mean(np.tanh(u))) - ratio * deviation
        slope = float(rule.mean(u * sech_squared(u))) / deviation - ratio
        change = excess / slope
        deviation -= change
        if change < 1e-15 * deviation or excess > -1e-16:
            return deviation
    raise no_convergence("width of the field", T=temperature, ratio=ratio)


def retrieval(alpha: float, temperature: float) -> State | None:
    """Return the stable retrieval state, or None if there is none.

    Newton's steps come from large y, where alpha < 1 / y^2, and fall monotonically as ln alpha is concave.
    """
    if temperature >= 1:
        return None
    load = max(alpha, _SMALLEST_LOAD)
    ratio = 1 / math.sqrt(load)
    for _ in range(_STEPS):
        state, here, slope = retrieval_at(ratio, temperature)
        if slope >= 0:
            return None
        excess = math.log(here / load)
        if excess > -1e-15:
            return state
        ratio *= math.exp(-excess / slope)
    raise no_convergence("retrieval state", alpha=alpha, T=temperature)


def spin_glass(alpha: float, temperature: float) -> State | None:
    """Return the state with m = 0 and q > 0, or None if there is none, or it drowns in rounding.

    With 1 - C = sqrt(alpha q) / sigma, what the equations leave for sigma falls as sigma rises.
    """
    gap = 1 + math.sqrt(alpha) - temperature
    if alpha == 0 or gap <= 0:
        return None
    if temperature < COLDEST:
        density = math.sqrt(2 / math.pi)
        q = 1 - temperature * density / (density + math.sqrt(alpha))
        deviation = density + math.sqrt(alpha * q)
        return State(0.0, q, deviation, density / deviation, math.sqrt(alpha * q) / deviation)
    beta = 1 / temperature

    def averages(log_deviation: float) -> tuple[float, float, float]:
        deviation = math.exp(log_deviation)
        rule, x = local_fields(beta, 0.0, deviation)
        q = float(rule.mean(np.tanh(beta * x) ** 2))
        return q, beta * float(rule.mean(sech_squared(beta * x))), math.sqrt(alpha * q) / deviation

    def excess(log_deviation: float) -> float:
        return sum(averages(log_deviation)[1:]) - 1

    low = math.log(temperature * min(math.sqrt(gap / (1 + 2 * math.sqrt(alpha))), 0.7)) - 0.5
    high = math.log(math.sqrt(alpha) + math.sqrt(2 / math.pi)) + 1e-6
    if excess(low) <= 0:
        return None
    root, result = brentq(excess, low, high, xtol=1e-15, rtol=1e-15, full_output=True, disp=False)
    if not result.converged:
        raise no_convergence("spin-glass state", alpha=alpha, T=temperature)
    q, response, stiffness = averages(root)
    return State(0.0, q, math.exp(root), response, stiffness)


def paramagnet(alpha: float, temperature: float) -> State | None:
    """Return the state with m = q = 0, or None where it is unstable."""
    if temperature < 1 + math.sqrt(alpha):
        return None
    return State(0.0, 0.0, 0.0, 1 / temperature, (temperature - 1) / temperature)


def densities(state: State, alpha: float, temperature: float) -> tuple[float, float, float]:
    """Return the energy, the entropy and the free energy of a state, per spin."""
    response, stiffness = state.response, state.stiffness
    entropy = -alpha / 2 * (math.log(stiffness) + response / stiffness) if alpha > 0 else 0.0
    if temperature > 0:
        rule, x = local_fields(1 / temperature, state.m, state.deviation)
        entropy += float(rule.mean(spin_entropy(x / temperature)))
    noise = response * (1 / stiffness + state.q / stiffness**2) if alpha > 0 else 0.0
    energy = -(state.m**2) / 2 - alpha / 2 * noise
    return energy, entropy, energy - temperature * entropy


def fold(temperature: float) -> tuple[State, float]:
    """Return the last retrieval state at a temperature below 1, and its alpha, the largest."""
    low, high = _FOLD
    ratio = float(brentq(lambda y: retrieval_at(y, temperature)[2], low, high, xtol=1e-7))
    state, load, _ = retrieval_at(ratio, temperature)
    return state, load
