"""Kernels for averages without samples: belief propagation, mean fields, and enumeration beside them.

Spins with E(s) = -1/2 s.J.s - h.s stand in sparse rows: the couplings J_ij of spin i are entries[k], k from
starts[i] to starts[i + 1], with j = columns[k] rising within the row (int64). Each bond stands in two rows,
and reverse[k] (int64) is the place of i in the row of j. What belongs to a directed bond has its place in one
of them:

    messages[k]     u from j = columns[k] to i, a field of which beta is a part already
    cavities[k]     c from i to j = columns[k]: beta h_i and all messages to i, but not that of j

With K = beta J_ij, u = artanh(tanh K tanh c). It is computed without tanh where that is near 1, so that large
beta J are no trouble. All numbers are float64.
"""

from __future__ import annotations

import math

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, log, sqrt, tanh

_LN2 = math.log(2.0)
_SERIES = 0.1  # the artanh of less is summed to its 17th power
_LARGEST = 1e300  # a reaction beyond it counts as this much


@kernel
def reverse_entries(columns, starts, cursor, reverse):
    """Fill `reverse` with the place of each entry's mirror image; `cursor` is N int64 to work in."""
    for i in range(cursor.size):
        cursor[i] = starts[i]
    for i in range(cursor.size):
        for k in range(starts[i], starts[i + 1]):
            j = columns[k]
            reverse[k] = cursor[j]
            cursor[j] += 1


@kernel
def log_cosh(x):
    """Return ln cosh x, for any x.

    Examples
    --------
    >>> log_cosh(0.0), log_cosh(-800.0)
    (0.0, 799.3068528194401)
    """
    size = abs(x)
    return size + log(1.0 + exp(-2.0 * size)) - _LN2


@kernel
def passed_on(a, b):
    """Return artanh(tanh a tanh b), what is left of a field b beyond a bond a, for any a and b.

    With tanh a tanh b = t it is a series in t where t is small, and otherwise, for positive a and b,
    min(a, b) + 1/2 ln[(1 + exp(-2 (a + b))) / (1 + exp(-2 abs(a - b)))].

    Examples
    --------
    >>> passed_on(500.0, -3.0), passed_on(0.0, 800.0)
    (-3.0, 0.0)
    """
    t = tanh(a) * tanh(b)
    if abs(t) < _SERIES:
        square = t * t
        total = 1.0 / 17.0
        for n in range(8):
            total = total * square + 1.0 / (15.0 - 2.0 * n)
        return t * total
    p, q = abs(a), abs(b)
    size = min(p, q) + log((1.0 + exp(-2.0 * (p + q))) / (1.0 + exp(-2.0 * abs(p - q)))) / 2.0
    if t < 0.0:
        return -size
    return size


@kernel
def _find_cavities(beta, starts, fields, messages, cavities):
    """Fill `cavities` from both ends of each row: taking a message away again would cost digits."""
    for i in range(fields.size):
        total = beta * fields[i]
        for k in range(starts[i], starts[i + 1]):
            cavities[k] = total
            total += messages[k]
        total = 0.0
        for n in range(starts[i + 1] - starts[i]):
            k = starts[i + 1] - 1 - n
            cavities[k] += total
            total += messages[k]


@kernel
def pass_messages(beta, entries, starts, reverse, fields, damping, messages, cavities):
    """Let all spins send their messages at once; return the largest change there is without damping.

    A share `damping` of each old message is kept. A change of u counts as abs(du) / max(1, abs(u)).
    `cavities` is left as the old messages make it.
    """
    _find_cavities(beta, starts, fields, messages, cavities)
    change = 0.0
    for k in range(entries.size):
        sent = passed_on(beta * entries[k], cavities[k])
        place = reverse[k]
        step = sent - messages[place]
        change = max(change, abs(step) / max(1.0, abs(sent)))
        messages[place] = sent - damping * step
    return change


@kernel
def beliefs(beta, starts, fields, messages, means):
    """Fill `means` with tanh(beta h_i + all messages to i)."""
    for i in range(fields.size):
        total = beta * fields[i]
        for k in range(starts[i], starts[i + 1]):
            total += messages[k]
        means[i] = tanh(total)


@kernel
def edge_correlations(beta, entries, starts, reverse, fields, messages, cavities, correlations):
    """Fill `correlations` with <s_i s_j> of each entry, (t + x) / (1 + t x), x = tanh c_ij tanh c_ji.

    t is tanh(beta J_ij). `cavities` is filled on the way.
    """
    _find_cavities(beta, starts, fields, messages, cavities)
    for k in range(entries.size):
        correlations[k] = tanh(beta * entries[k] + passed_on(cavities[k], cavities[reverse[k]]))


@kernel
def bethe_log_partition(beta, entries, starts, reverse, fields, messages, cavities):
    """Return Bethe's ln Z, of spins less that of their bonds. Messages that are not yet right cost a square.

    sum_i [ln 2cosh H_i + sum_j ln(cosh K_ij / cosh u_ji)] - sum_(ij) ln[cosh K_ij (1 + tanh K_ij x_ij)], with
    x_ij = tanh c_ij tanh c_ji, and u and H as these cavities make them. `cavities` is filled on the way.
    """
    _find_cavities(beta, starts, fields, messages, cavities)
    total = 0.0
    for i in range(fields.size):
        field, bonds = beta * fields[i], 0.0
        for k in range(starts[i], starts[i + 1]):
            bond, back = beta * entries[k], cavities[reverse[k]]
            sent = passed_on(bond, back)
            field += sent
            both = passed_on(cavities[k], back)
            bonds += log_cosh(bond) - log_cosh(sent) - (log_cosh(bond + both) - log_cosh(both)) / 2.0
        total += log_cosh(field) + _LN2 + bonds
    return total


@kernel
def naive_step(beta, entries, columns, starts, fields, damping, means, room):
    """Replace all m_i at once by tanh beta (h_i + sum_j J_ij m_j); return the largest undamped change.

    A share `damping` of the old ones is kept. `room` is N numbers to work in.
    """
    change = 0.0
    for i in range(fields.size):
        field = fields[i]
        for k in range(starts[i], starts[i + 1]):
            field += entries[k] * means[columns[k]]
        step = tanh(beta * field) - means[i]
        change = max(change, abs(step))
        room[i] = means[i] + (1.0 - damping) * step
    for i in range(fields.size):
        means[i] = room[i]
    return change


@kernel
def tap_step(beta, entries, columns, starts, fields, damping, same, means, older, room):
    """Replace all m_i at once by those of the TAP equations; return the largest undamped change.

    m_i becomes tanh beta [h_i + sum_j J_ij m_j - beta m'_i sum_j J_ij^2 (1 - m_j^2)], in which m' are the
    means one step `older`, which then are those that were in `means`. If `same` is 1 they are kept equal to
    `means`. A share `damping` of the old ones is kept. `room` is N numbers to work in.

    Source: Thouless, Anderson and Palmer (1977); Bolthausen (2014) for the older means.
    """
    change = 0.0
    for i in range(fields.size):
        field, reaction = fields[i], 0.0
        for k in range(starts[i], starts[i + 1]):
            m = means[columns[k]]
            field += entries[k] * m
            response = beta * entries[k] * sqrt((1.0 - m) * (1.0 + m))
            reaction += response * response
        step = tanh(beta * field - min(reaction, _LARGEST) * older[i]) - means[i]
        change = max(change, abs(step))
        room[i] = means[i] + (1.0 - damping) * step
    for i in range(fields.size):
        older[i] = room[i] if same == 1 else means[i]
        means[i] = room[i]
    return change


@kernel
def _entropy(m):
    """Return the entropy of a spin of mean m."""
    return _share((1.0 + m) / 2.0) + _share((1.0 - m) / 2.0)


@kernel
def _share(p):
    if p <= 0.0:
        return 0.0
    return -p * log(p)


@kernel
def mean_field_log_partition(beta, entries, columns, starts, fields, order, means):
    """Return ln Z as a mean field has it: the naive one for order 1, that of TAP for order 2.

    sum_i [S(m_i) + beta h_i m_i] + beta sum_(ij) J_ij m_i m_j, and for order 2 in addition
    beta^2 / 2 sum_(ij) J_ij^2 (1 - m_i^2) (1 - m_j^2).
    """
    total = 0.0
    for i in range(fields.size):
        m = means[i]
        total += _entropy(m) + beta * fields[i] * m
        for k in range(starts[i], starts[i + 1]):
            other, bond = means[columns[k]], beta * entries[k]
            total += bond * m * other / 2.0
            if order == 2:
                response = bond * sqrt((1.0 - m) * (1.0 + m) * (1.0 - other) * (1.0 + other))
                total += response * response / 4.0
    return total


@kernel
def _sign(state, i):
    if (state >> i) & 1:
        return 1.0
    return -1.0


@kernel
def _exponent(beta, entries, columns, starts, fields, state):
    """Return -beta E of a state, whose bit i is set where s_i = +1."""
    total = 0.0
    for i in range(fields.size):
        field = 0.0
        for k in range(starts[i], starts[i + 1]):
            field += entries[k] * _sign(state, columns[k])
        total += (fields[i] + field / 2.0) * _sign(state, i)
    return beta * total


@kernel
def enumerate_spins(beta, entries, columns, starts, fields, means, correlations):
    """Fill `means` with <s_i>, `correlations` with <s_i s_j> of each entry, and return ln Z, all exact.

    It sums over all 2^N states, twice: up to N = 14 that takes some milliseconds.
    """
    n_states = np.int64(1) << np.int64(fields.size)
    largest = -np.inf
    for state in range(n_states):
        largest = max(largest, _exponent(beta, entries, columns, starts, fields, state))
    total = 0.0
    _clear(means)
    _clear(correlations)
    for state in range(n_states):
        weight = exp(_exponent(beta, entries, columns, starts, fields, state) - largest)
        total += weight
        for i in range(fields.size):
            signed = weight * _sign(state, i)
            means[i] += signed
            for k in range(starts[i], starts[i + 1]):
                correlations[k] += signed * _sign(state, columns[k])
    for i in range(means.size):
        means[i] /= total
    for k in range(correlations.size):
        correlations[k] /= total
    return largest + log(total)


@kernel
def _clear(numbers):
    for i in range(numbers.size):
        numbers[i] = 0.0
