"""Replica-symmetric states of memories with soft hidden units, one at a time.

Over the visible spins the field is Gaussian, of mean beta Omega m and deviation s = sqrt(alpha beta p). So
m and q are those of Hopfield's network at the temperature T / Omega and the ratio y = beta Omega m / s of
signal to noise. Only the load that makes such a noise is another, alpha = s^2 / (beta p). As a function of
ln y, ln alpha is concave here too, as far as a grid over T and Omega shows, with its fold at a y from 2.09 to
2.47. Over the hidden units the field h is Gaussian, of the variance beta q.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from smbook.theory._shared import Floats, Rule, gaussian_rule, local_fields, log_two_cosh, sech_squared
from smbook.theory.boltzmann.soft_units import log_cosh
from smbook.theory.hopfield import _states

_SMALLEST_LOAD = 1e-200
_SMALLEST_STIFFNESS = 1e-200
_FOLD = (math.log(2.05), math.log(2.55))  # ln y
_FAINT = 1e-7  # a deviation whose square is lost in rounding beside 1


class State(NamedTuple):
    """Hold one state: m, q, 1 - q, s = sqrt(alpha beta p), and D = 1 - beta Omega (1 - q) with its digits."""

    m: float
    q: float
    gap: float
    deviation: float
    stiffness: float


def retrieval(load: float, temperature: float, softness: float) -> State | None:
    """Return the stable retrieval state, or None if there is none."""
    if temperature >= softness:
        return None
    turn, largest = fold(temperature, softness)
    wanted = math.log(max(load, _SMALLEST_LOAD))
    if wanted > largest:
        return None

    def excess(log_ratio: float) -> float:
        return _log_load(_at(log_ratio, temperature, softness), temperature, softness) - wanted

    last = -wanted / 2 + 1e-9  # alpha < 1 / y^2
    root = brentq(excess, turn, last, xtol=1e-15, rtol=1e-15) if excess(turn) > 0 else turn
    return _at(float(root), temperature, softness)


def fold(temperature: float, softness: float) -> tuple[float, float]:
    """Return ln y and ln alpha of the last retrieval state at a temperature below the softness."""

    def depth(log_ratio: float) -> float:
        return -_log_load(_at(log_ratio, temperature, softness), temperature, softness)

    found = minimize_scalar(depth, bounds=_FOLD, method="bounded", options={"xatol": 1e-9})
    return float(found.x), -float(found.fun)


def _at(log_ratio: float, temperature: float, softness: float) -> State:
    """Return the state of one ratio of signal to noise."""
    state, _, _ = _states.retrieval_at(math.exp(log_ratio), temperature / softness)
    beta = softness / temperature
    return State(state.m, state.q, state.response / beta, state.deviation * beta, state.stiffness)


def _log_load(state: State, temperature: float, softness: float) -> float:
    """Return the logarithm of the load that makes the noise of a state."""
    noise = hidden_overlap(state.q, state.stiffness, temperature, softness)
    return 2 * math.log(state.deviation) + math.log(temperature) - math.log(noise)


def glass(load: float, temperature: float, softness: float) -> State | None:
    """Return the state with m = 0 and q > 0, or None if there is none, or it drowns in rounding.

    With s given, q and D follow; D (sqrt(alpha beta p) / s - 1) falls from a positive value below T_g.
    """
    if load == 0:
        return None
    beta = 1 / temperature

    def visible(log_deviation: float) -> State:
        deviation = math.exp(log_deviation)
        rule, x = local_fields(1.0, 0.0, deviation)
        q, gap = float(rule.mean(np.tanh(x) ** 2)), float(rule.mean(sech_squared(x)))
        return State(0.0, q, gap, deviation, 1 - beta * softness * gap)

    def excess(log_deviation: float) -> float:
        state = visible(log_deviation)
        stiffness = max(state.stiffness, _SMALLEST_STIFFNESS)
        return noise(state, stiffness) - state.stiffness

    def noise(state: State, stiffness: float) -> float:
        spread = _hidden_spread(state.q, stiffness, temperature, softness)
        return math.sqrt(load * beta * spread) / state.deviation

    low, strongest = math.log(_FAINT), math.sqrt(beta) * softness + math.sqrt(1 - softness)
    high = math.log(beta * softness + math.sqrt(load * beta) * strongest) + 1e-6
    if excess(low) <= 0:
        return None
    state = visible(float(brentq(excess, low, high, xtol=1e-15, rtol=1e-15)))
    return state._replace(stiffness=noise(state, state.stiffness))  # has digits next to 0


def hidden_overlap(q: float, stiffness: float, temperature: float, softness: float) -> float:
    """Return p, the mean square of a hidden unit's thermal average, over its fields."""
    return _hidden_spread(q, stiffness, temperature, softness) / stiffness / stiffness


def _hidden_spread(q: float, stiffness: float, temperature: float, softness: float) -> float:
    """Return p D^2."""
    rule, h, u = hidden_fields(q, stiffness, temperature, softness)
    return float(rule.mean((softness * h + math.sqrt(1 - softness) * np.tanh(u)) ** 2))


def hidden_fields(
    q: float, stiffness: float, temperature: float, softness: float
) -> tuple[Rule, Floats, Floats]:
    """Return a rule for averages over hidden units, their fields h, and sqrt(1 - Omega) h / D."""
    deviation, root = math.sqrt(q / temperature), math.sqrt(1 - softness)
    steep = root * deviation / stiffness
    rule = gaussian_rule(0.0, 1 / steep if steep > 0 else 1.0)
    return rule, deviation * rule.distance, steep * rule.distance


def free_energy(state: State, load: float, temperature: float, softness: float) -> float:
    """Return f per visible spin, with i = j included and the hidden measure normalized."""
    rule, x = local_fields(1.0, softness / temperature * state.m, state.deviation)
    spins = temperature * float(rule.mean(log_two_cosh(x, 1.0)))
    energy = softness * state.m**2 / 2 - spins
    if load == 0:
        return energy
    rule, _, u = hidden_fields(state.q, state.stiffness, temperature, softness)
    smooth = (state.gap * (1 - softness) + state.q * softness) / (2 * state.stiffness)
    hidden = temperature * (float(rule.mean(log_cosh(u))) - math.log(state.stiffness) / 2) + smooth
    noise = temperature * state.deviation**2  # alpha p
    return energy + noise * state.gap / 2 - load * hidden


def stability(state: State, load: float, temperature: float, softness: float) -> float:
    """Return the eigenvalue of de Almeida and Thouless, 1 - alpha beta^2 <cosh^-4> <var(z)^2>."""
    if load == 0:
        return 1.0
    rule, x = local_fields(1.0, softness / temperature * state.m, state.deviation)
    visible = float(rule.mean(sech_squared(x) ** 2)) / temperature / temperature
    rule, _, u = hidden_fields(state.q, state.stiffness, temperature, softness)
    variance = (softness + (1 - softness) / state.stiffness * sech_squared(u)) / state.stiffness
    return 1 - load * visible * float(rule.mean(variance**2))
