"""Kernels for mean-field magnets in the limit of many spins: one party (Curie-Weiss), or two that disagree.

A party of magnetization m in the field h moves as its heat bath does (Glauber, 1963), time counted in sweeps:

    dm/dt = -m + tanh(beta (J m + h)).

It has no inertia and goes downhill in f(m) = -J m^2 / 2 - h m - T s(m), with the entropy of mixing s(m). In
the flip-flop each party feels -J times the magnetization of the other in place of J times its own. Read h as
an input voltage, m as the output of an amplifier in units of its supply, and beta J as its loop gain.

Arrays are float64 unless told, with one entry a point; results are written into the last arguments.
"""

from __future__ import annotations

import math

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, log, sqrt, tanh

STEP = 2.0**-8  # of integration, in sweeps
UNSTABLE, METASTABLE, STABLE = np.int64(0), np.int64(1), np.int64(2)

_LN2 = math.log(2.0)
_MAGNET, _FLIP_FLOP, _SLOPE, _HEIGHT = 0, 1, 2, 3  # the functions whose zeros are searched
_LOGIC_LEVEL = 0.05  # an output nearer to zero than this is neither high nor low


@kernel
def free_energy(m, beta, coupling, field, f):
    """Fill `f` with f(m) = -J m^2 / 2 - h m - T s(m), per spin, for -1 <= m <= 1.

    Source: Bragg and Williams (1934) for the entropy of mixing.
    """
    for i in range(m.size):
        entropy = _share((1.0 + m[i]) / 2.0) + _share((1.0 - m[i]) / 2.0)
        f[i] = -coupling * m[i] * m[i] / 2.0 - field * m[i] - entropy / beta


@kernel
def _share(p):
    return -p * log(p) if p > 0.0 else 0.0


@kernel
def equation_of_state(end, beta, coupling, m, fields):
    """Fill `m` and `fields` with points of the curve h = T artanh m - J m, whole and single-valued in m.

    They are equally spaced in artanh m, from -end to end, so that they crowd where m saturates.
    """
    for i in range(m.size):
        x = end * (2.0 * i / (m.size - 1) - 1.0)
        m[i] = tanh(x)
        fields[i] = x / beta - coupling * m[i]


@kernel
def response(inputs, beta, coupling, field, outputs):
    """Fill `outputs` with tanh(beta (J x + h)), to which a party in a mean field of J x tends."""
    for i in range(inputs.size):
        outputs[i] = tanh(beta * (coupling * inputs[i] + field))


@kernel
def susceptibility(m, beta, coupling):
    """Return chi = beta (1 - m^2) / (1 - beta J (1 - m^2)), the small-signal gain of the circuit at output m.

    It is inf at the critical point and negative at an unstable state.

    Examples
    --------
    >>> susceptibility(0.0, 1.0, 0.75)
    4.0
    """
    free = beta * (1.0 - m) * (1.0 + m)
    return free / (1.0 - coupling * free)


@kernel
def spinodal(beta, coupling, limit):
    """Set `limit` to m_s = sqrt(1 - T / J) and h_s = J m_s - T artanh m_s, where a metastable state ends.

    Both are nan above T_c = J, where there is none.
    """
    k = beta * coupling
    limit[0] = limit[1] = np.nan
    if k >= 1.0:
        limit[0] = sqrt((k - 1.0) / k)
        limit[1] = coupling * limit[0] - _turn(k) / beta


@kernel
def _turn(k):
    """Return artanh m_s, that is arcosh sqrt(k)."""
    return log(sqrt(k) + sqrt(k - 1.0))


@kernel
def fixed_points(beta, coupling, field, m, kinds):
    """Find all solutions of m = tanh(beta (J m + h)) in rising order; return their number, one or three.

    `kinds` (int64) tells a minimum of f (STABLE) from one that is not its lowest (METASTABLE) and from the
    hilltop (UNSTABLE). Without a field both minima are stable. On the spinodal the double root counts twice.
    """
    k, b = beta * coupling, beta * field
    end = abs(k) + abs(b) + 1.0
    kinds[0] = STABLE
    if k <= 1.0:
        m[0] = tanh(_zero(_MAGNET, k, b, 0.0, -end, end))
        return 1
    turn = _turn(k)
    if _value(_MAGNET, k, b, 0.0, -turn) > 0.0:
        m[0] = tanh(_zero(_MAGNET, k, b, 0.0, turn, end))
        return 1
    m[0] = tanh(_zero(_MAGNET, k, b, 0.0, -end, -turn))
    if _value(_MAGNET, k, b, 0.0, turn) < 0.0:
        return 1
    m[1] = tanh(_zero(_MAGNET, k, b, 0.0, -turn, turn))
    m[2] = tanh(_zero(_MAGNET, k, b, 0.0, turn, end))
    kinds[0] = METASTABLE if field > 0.0 else STABLE
    kinds[2] = METASTABLE if field < 0.0 else STABLE
    kinds[1] = UNSTABLE
    return 3


@kernel
def flip_flop_fixed_points(beta, coupling, fields, states, kinds):
    """Find all states of m1 = tanh(beta (h1 - J m2)), m2 = tanh(beta (h2 - J m1)); return their number.

    There are one or three, the rows of `states` (3, 2) by rising m1. `kinds` (int64) says whether each is
    STABLE, that is (beta J)^2 (1 - m1^2) (1 - m2^2) < 1, or UNSTABLE: a saddle. Why there are no more is said
    at `smbook.theory.ising.flip_flop`.
    """
    k, b1, b2 = beta * coupling, beta * fields[0], beta * fields[1]
    end = abs(b1) + abs(k) + 1.0
    low, high = _turning_points(k, b2)
    lower = low < high and _value(_FLIP_FLOP, k, b1, b2, low) > 0.0
    upper = low < high and _value(_FLIP_FLOP, k, b1, b2, high) < 0.0
    if lower and upper:
        _note_state(k, b2, _zero(_FLIP_FLOP, k, b1, b2, -end, low), states[0])
        _note_state(k, b2, _zero(_FLIP_FLOP, k, b1, b2, low, high), states[1])
        _note_state(k, b2, _zero(_FLIP_FLOP, k, b1, b2, high, end), states[2])
        kinds[0], kinds[1], kinds[2] = STABLE, UNSTABLE, STABLE
        return 3
    start, stop = high if upper else -end, low if lower else end
    _note_state(k, b2, _zero(_FLIP_FLOP, k, b1, b2, start, stop), states[0])
    kinds[0] = STABLE
    return 1


@kernel
def _note_state(k, b2, x, state):
    state[0] = tanh(x)
    state[1] = tanh(b2 - k * state[0])


@kernel
def _turning_points(k, b):
    """Return between which x = artanh m1 the flip-flop's excess falls; twice the same if it never does."""
    if abs(k) <= 1.0:
        return 0.0, 0.0
    steepest = log(2.0 * abs(k) + sqrt(4.0 * k * k + 1.0)) / 2.0 + 1e-9
    bottom = _zero(_SLOPE, k, b, 0.0, -steepest, steepest)
    if _value(_HEIGHT, k, b, 0.0, bottom) >= 0.0:
        return 0.0, 0.0
    end = log(abs(k) + sqrt(k * k - 1.0)) + 1e-9
    return _zero(_HEIGHT, k, b, 0.0, -end, bottom), _zero(_HEIGHT, k, b, 0.0, bottom, end)


@kernel
def _zero(function, k, b, c, low, high):
    """Return the zero of a function between `low` and `high` to the last bit, by bisection."""
    at_low, at_high = _value(function, k, b, c, low), _value(function, k, b, c, high)
    if at_low * at_high > 0.0:  # only by rounding, where two zeros merge at an end
        if abs(at_low) < abs(at_high):
            return low
        return high
    for _ in range(200):
        middle = low + (high - low) / 2.0
        at_middle = _value(function, k, b, c, middle)
        if at_middle == 0.0:
            return middle
        if at_middle * at_low > 0.0:
            low = middle
        else:
            high = middle
    return low + (high - low) / 2.0


@kernel
def _value(function, k, b, c, x):
    """Return the value at x of what is to vanish: a magnet's excess field, a flip-flop's, or its turns."""
    if function == _MAGNET:
        return k * tanh(x) + b - x
    if function == _FLIP_FLOP:
        return x - b + k * tanh(c - k * tanh(x))
    partner = b - k * tanh(x)
    if function == _SLOPE:
        return (exp(2.0 * x) - exp(-2.0 * x)) / 4.0 - k * tanh(partner)
    return _log_cosh(partner) + _log_cosh(x) - log(abs(k))


@kernel
def _log_cosh(x):
    return abs(x) + log(1.0 + exp(-2.0 * abs(x))) - _LN2


@kernel
def relax(state, beta, coupling, fields, step, n_steps, record):
    """Move a magnet in each of `fields` in turn by `n_steps` steps of length `step`; note m after each field.

    `state` (1,) holds m, `record` is as long as `fields`. In a step the magnet relaxes exponentially towards
    t = tanh(beta (J m + h)), held fast meanwhile: m' = t + (m - t) exp(-step). For J >= 0 it never steps past
    a fixed point, so that f never rises, however long the step.
    """
    decay = exp(-step)
    m = state[0]
    for k in range(record.size):
        for _ in range(n_steps):
            target = tanh(beta * (coupling * m + fields[k]))
            m = target + (m - target) * decay
        record[k] = m
    state[0] = m


@kernel
def relax_flip_flop(state, beta, coupling, fields, step, n_steps, record):
    """As `relax` for two parties that disagree: `state` is (m1, m2), `fields` and `record` are (n, 2)."""
    decay = exp(-step)
    m1, m2 = state[0], state[1]
    for k in range(record.shape[0]):
        for _ in range(n_steps):
            target_1 = tanh(beta * (fields[k, 0] - coupling * m2))
            target_2 = tanh(beta * (fields[k, 1] - coupling * m1))
            m1 = target_1 + (m1 - target_1) * decay
            m2 = target_2 + (m2 - target_2) * decay
        record[k, 0], record[k, 1] = m1, m2
    state[0], state[1] = m1, m2


@kernel
def logic_state(m1, m2):
    """Return 1 for a flip-flop that is set (first output high, second low), 0 for reset, -1 for undecided.

    Examples
    --------
    >>> logic_state(0.9, -0.9), logic_state(-0.4, 0.4), logic_state(0.01, -0.01)
    (1, 0, -1)
    """
    if m1 > _LOGIC_LEVEL and m2 < -_LOGIC_LEVEL:
        return 1
    return 0 if m1 < -_LOGIC_LEVEL and m2 > _LOGIC_LEVEL else -1
