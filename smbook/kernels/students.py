"""Kernels for students of one teacher, who see the same examples one by one and learn by their own rules.

A teacher B (N) answers inputs x with the sign of B.x; a student w (N) errs on a share arccos(R) / pi of all
Gaussian inputs, R the cosine between the two. Inputs are float64 (P, N), an example a row, labels int8 +1 and
-1 (P); where `n_examples` is given, only so many of them have been shown so far.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, log, sqrt
from smbook.kernels.perceptron import _add, _dot, _online_factor, aligned_field
from smbook.kernels.rng import fill_normal, uniform

_HALF_PI, _PI = 1.5707963267948966, 3.141592653589793
_DEPENDENT = 1e-20  # share of an input's square outside the span of others from which on it lies inside
_WIDE = 2.5  # of an interval around 0 from which on normal numbers hit it soon enough
_LEAST_FIELD = 1e-14  # so that rounding puts no example on the wrong side


@kernel
def arccos(x):
    """Return the angle between 0 and pi whose cosine is x; x beyond 1 or -1 counts as that.

    To within two units in the last place. Source: fdlibm (Sun Microsystems, 1993).

    Examples
    --------
    >>> arccos(0.5) * 3 / np.pi, arccos(-1.0) / np.pi, arccos(1.0)
    (1.0, 1.0, 0.0)
    """
    if x >= 1.0:
        return 0.0
    if x <= -1.0:
        return _PI
    if x > 0.5:
        z = 0.5 * (1.0 - x)
        s = sqrt(z)
        return 2.0 * (s + s * _arcsine_rest(z))
    if x < -0.5:
        z = 0.5 * (1.0 + x)
        s = sqrt(z)
        return _PI - 2.0 * (s + s * _arcsine_rest(z))
    return _HALF_PI - (x + x * _arcsine_rest(x * x))


@kernel
def _arcsine_rest(z):
    """Return arcsin(x) / x - 1 at z = x^2 up to 1/4."""
    p = z * (1.66666666666666657415e-01 + z * (-3.25565818622400915405e-01 + z * 2.01212532134862925881e-01))
    p += z * z * z * z * (-4.00555345006794114027e-02 + z * 7.91534994289814532176e-04)
    p += z * z * z * z * z * z * 3.47933107596021167570e-05
    q = 1.0 + z * (-2.40339491173441421878e00 + z * 2.02094576023350569471e00)
    q += z * z * z * (-6.88283971605453293030e-01 + z * 7.70381505559019352791e-02)
    return p / q


@kernel
def error_of(teacher, weights):
    """Return arccos(R) / pi of a student; 1/2 for one without weights.

    Examples
    --------
    >>> round(error_of(np.array([0.0, 2.0]), np.array([1.0, 1.0])), 12)
    0.25
    >>> error_of(np.array([0.0, 2.0]), np.zeros(2))
    0.5
    """
    squares = _dot(teacher, teacher) * _dot(weights, weights)
    if squares == 0.0:
        return 0.5
    return arccos(_dot(teacher, weights) / sqrt(squares)) / _PI


@kernel
def draw_teacher(state, teacher):
    """Draw a teacher, whose direction is uniform: independent standard normal weights (N).

    Examples
    --------
    >>> from smbook.kernels.rng import seed_state
    >>> teacher = np.empty(3)
    >>> draw_teacher(seed_state(1), teacher)
    >>> teacher.round(3)
    array([ 0.75 ,  0.595, -0.427])
    """
    fill_normal(state, teacher)


@kernel
def draw_example(teacher, mu, state, inputs, labels, columns):
    """Draw example `mu`: independent standard normal inputs, and the teacher's answer to them.

    `columns` (N, P) takes the input times its label too, as its column `mu`.
    """
    row = inputs[mu]
    fill_normal(state, row)
    sign = 1
    if _dot(teacher, row) < 0.0:
        sign = -1
    labels[mu] = sign
    for i in range(row.size):
        columns[i, mu] = sign * row[i]


@kernel
def online_step(inputs, labels, mu, rule, weights):
    """Show example `mu` once, and let a rule of `learn_online` change the weights, at rate 1.

    Examples
    --------
    >>> inputs, labels, weights = np.array([[2.0, 0.0]]), np.array([-1], dtype=np.int8), np.zeros(2)
    >>> online_step(inputs, labels, 0, 1, weights)  # PERCEPTRON
    >>> weights
    array([-1.,  0.])
    """
    factor = _online_factor(inputs, labels, mu, rule, 1.0, weights)
    _add(inputs[mu], labels[mu] * factor / weights.size, weights)


@kernel
def begin_least_squares(projector, inverse, weights):
    """Prepare `least_squares_step`: no example yet, weights of 0, and nothing spanned."""
    for i in range(weights.size):
        weights[i] = 0.0
        for j in range(weights.size):
            projector[i, j] = 0.0
            inverse[i, j] = 0.0
        projector[i, i] = 1.0


@kernel
def least_squares_step(inputs, labels, mu, projector, inverse, room, weights):
    """Show example `mu` to the weights of least squares; return by how much they missed its label before.

    They stay pinv(X) y of all examples X (P, N) so far: the shortest of all weights that make the sum of
    (y - w.x)^2 least. `projector` (N, N) projects on what is at right angles to all inputs so far, `inverse`
    (N, N) is the pseudo-inverse of X^T X. An input that points out of the span of the others moves the
    weights along c, its part outside: w += c (y - w.x) / c.c. Later ones move them as recursive least squares
    do, by G x (y - w.x) / (1 + x.G x) with G the inverse. `room` is (2, N). A step takes of the order of N^2.

    Source: Greville (1960).

    Examples
    --------
    >>> inputs, labels = np.array([[1.0, 2.0], [1.0, 0.0], [0.0, 3.0]]), np.array([1, -1, 1], dtype=np.int8)
    >>> projector, inverse, room, weights = np.eye(2), np.zeros((2, 2)), np.empty((2, 2)), np.zeros(2)
    >>> for mu in range(3):
    ...     missed = least_squares_step(inputs, labels, mu, projector, inverse, room, weights)
    >>> np.allclose(weights, np.linalg.pinv(inputs) @ labels)
    True
    """
    row = inputs[mu]
    outside, gain = room[0], room[1]
    for i in range(weights.size):
        outside[i] = _dot(projector[i], row)
        gain[i] = _dot(inverse[i], row)
    missed = labels[mu] - _dot(weights, row)
    spread = 1.0 + _dot(gain, row)
    square = _dot(outside, outside)
    if square <= _DEPENDENT * _dot(row, row):
        _add(gain, missed / spread, weights)
        for i in range(weights.size):
            _add(gain, -gain[i] / spread, inverse[i])
        return missed
    _add(outside, missed / square, weights)
    for i in range(weights.size):
        _add(outside, -outside[i] / square, projector[i])
        _add(outside, (outside[i] * spread / square - gain[i]) / square, inverse[i])
        _add(gain, -outside[i] / square, inverse[i])
    return missed


@kernel
def adatron_rest(inputs, labels, n_examples, rate, tolerance, most, strengths, weights):
    """Pass through examples as `adatron_pass` until none has to change; return how many were asked.

    It goes on from the strengths (P) and their weights as they are, so that one example more costs little.
    Most passes, at this `rate`, ask only those of a strength above 0. A pass of all, at rate 1, ends it where
    no field changes by more than `tolerance`. Nothing begins after `most` have been asked; then that many or
    more are returned, and less where it has come to rest.

    Examples
    --------
    >>> inputs, labels = np.array([[2.0, 0.0], [1.0, 1.0], [-1.0, 3.0]]), np.array([1, 1, -1], dtype=np.int8)
    >>> strengths, weights = np.zeros(3), np.zeros(2)
    >>> adatron_rest(inputs, labels, 3, 1.5, 1e-9, 1000, strengths, weights) < 1000
    True
    >>> strengths.round(6)
    array([0.  , 0.75, 0.25])
    """
    asked, change = 0, np.inf
    while change > tolerance and asked < most:
        change = 0.0
        for mu in range(n_examples):
            change = max(change, _raise_to_one(inputs, labels, mu, 1.0, strengths, weights))
        asked += n_examples
        inner = change
        while inner > tolerance and asked < most:
            inner = 0.0
            for mu in range(n_examples):
                if strengths[mu] > 0.0:
                    inner = max(inner, _raise_to_one(inputs, labels, mu, rate, strengths, weights))
                    asked += 1
    if change <= tolerance:
        return min(asked, most - 1)
    return asked


@kernel
def _raise_to_one(inputs, labels, mu, rate, strengths, weights):
    """Bring the aligned field of an example to 1 by its strength; return the change of that field."""
    square = _dot(inputs[mu], inputs[mu])
    missing = 1.0 - aligned_field(inputs, labels, mu, weights)
    change = max(-strengths[mu], rate * missing / square)
    if change != 0.0:
        strengths[mu] += change
        _add(inputs[mu], labels[mu] * change, weights)
    return abs(change) * square


@kernel
def truncated_normal(low, high, state, pair):
    """Draw a standard normal number that lies between two ends, one of which may be infinite, or both.

    Around 0, uniform numbers are kept with probability exp(-x^2 / 2), or, where there is room, normal ones
    drawn until one lies inside. In a tail, x is exponential beyond its end and kept with the right
    probability. `pair` (2) is to work in. Source: Robert (1995).

    Examples
    --------
    >>> from smbook.kernels.rng import seed_state
    >>> state, pair = seed_state(1), np.empty(2)
    >>> 3.0 < truncated_normal(3.0, np.inf, state, pair) < 6.0
    True
    """
    if low > 0.0:
        return _in_tail(low, high, state)
    if high < 0.0:
        return -_in_tail(-high, -low, state)
    if high - low > _WIDE:
        return _normal_between(low, high, state, pair)
    return _uniform_kept(low, high, 0.0, state)


@kernel
def _normal_between(low, high, state, pair):
    """Draw normal numbers until one lies inside."""
    fill_normal(state, pair)
    while not low < pair[0] < high:
        fill_normal(state, pair)
    return pair[0]


@kernel
def _uniform_kept(low, high, least, state):
    """Draw a normal number from an interval where none is closer to 0 than `least`."""
    x = low + (high - low) * uniform(state)
    while uniform(state) >= exp(0.5 * (least * least - x * x)):
        x = low + (high - low) * uniform(state)
    return x


@kernel
def _in_tail(low, high, state):
    """Draw a normal number between two positive ends, the upper one perhaps infinite."""
    rate = 0.5 * (low + sqrt(low * low + 4.0))
    if (high - low) * rate < 1.5:
        return _uniform_kept(low, high, low, state)
    x, kept = 0.0, False
    while not kept:
        x = low - log(1.0 - uniform(state)) / rate
        kept = x < high and uniform(state) < exp(-0.5 * (x - rate) * (x - rate))
    return x


@kernel
def sweep_version_space(columns, n_examples, n_sweeps, state, room, inverses, fields, weights):
    """Draw one weight after the other anew, among those that answer all examples right; so many sweeps.

    Weights are independent normal numbers but for y w.x > 0 of all examples, so that their direction is
    uniform in the version space. Given all others, one weight is a normal number in an interval whose ends
    the examples set: a heat bath. `columns` (N, P) holds y x, `fields` (P) the y w.x, which are kept up;
    `inverses` (P) and `room` (N, at least 2) are to work in. Each sweep ends with a fresh length, which says
    nothing of the direction. A sweep takes of the order of P N, as much as a step of `hit_and_run`, and
    forgets as much as some N of them.

    Source: Geman and Geman (1984) for the law of one given the others; Chen and Deely (1996) within bounds.
    """
    for _ in range(n_sweeps):
        for mu in range(n_examples):
            inverses[mu] = 1.0 / fields[mu]
        for i in range(weights.size):
            most, least = _extremes(columns[i], inverses, n_examples)
            low, high = -np.inf, np.inf
            if most > 0.0:
                low = weights[i] - 1.0 / most
            if least < 0.0:
                high = weights[i] - 1.0 / least
            value = truncated_normal(low, high, state, room[:2])
            _shift_fields(columns[i], value - weights[i], n_examples, fields, inverses)
            weights[i] = value
        _draw_length(n_examples, state, room, fields, weights)


@kernel
def _extremes(column, inverses, n_examples):
    """Return the largest and the least of products, or 0 where that is larger, or less."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    whole = n_examples - n_examples % 2
    for mu in range(0, whole, 2):
        x, y = column[mu] * inverses[mu], column[mu + 1] * inverses[mu + 1]
        a, b = max(a, x), max(b, y)
        c, d = min(c, x), min(d, y)
    for mu in range(whole, n_examples):
        x = column[mu] * inverses[mu]
        a, c = max(a, x), min(c, x)
    return max(a, b), min(c, d)


@kernel
def _shift_fields(column, change, n_examples, fields, inverses):
    """Let fields follow a change of one weight."""
    for mu in range(n_examples):
        fields[mu] = max(fields[mu] + column[mu] * change, _LEAST_FIELD)
        inverses[mu] = 1.0 / fields[mu]


@kernel
def _draw_length(n_examples, state, room, fields, weights):
    """Give the weights the length of as many normal numbers."""
    fill_normal(state, room)
    factor = sqrt(_dot(room, room) / _dot(weights, weights))
    for i in range(weights.size):
        weights[i] *= factor
    for mu in range(n_examples):
        fields[mu] *= factor


@kernel
def meet_example(inputs, labels, mu, most, columns, state, room, inverses, fields, weights):
    """Show example `mu` to weights that answer all before it, and let them walk until they answer it too.

    They sweep the version space of the earlier examples, at most `most` times, until y w.x > 0. Weights that
    are uniform there and answer right at once are uniform in what is left of it. Return 1 if they do now.
    """
    fields[mu] = aligned_field(inputs, labels, mu, weights)
    for _ in range(most):
        if fields[mu] > 0.0:
            return 1
        sweep_version_space(columns, mu, 1, state, room, inverses, fields, weights)
        fields[mu] = aligned_field(inputs, labels, mu, weights)
    if fields[mu] > 0.0:
        return 1
    return 0


@kernel
def gather_centre(
    teacher, columns, n_examples, n_sweeps, state, room, inverses, fields, weights, centre, totals
):
    """Sweep as `sweep_version_space`; after each sweep add the direction of the weights to `centre` (N).

    `totals` (2) gains its error (`error_of`) and 1.
    """
    for _ in range(n_sweeps):
        sweep_version_space(columns, n_examples, 1, state, room, inverses, fields, weights)
        _add(weights, 1.0 / sqrt(_dot(weights, weights)), centre)
        totals[0] += error_of(teacher, weights)
        totals[1] += 1.0


@kernel
def error_of_centre(teacher, first, second):
    """Return arccos(R) / pi of the centre of the version space, of which two halves of a walk have sums.

    Each half is the centre and noise of its own: noise adds to the square of their sum, but not, on the mean,
    to the product of the two, which gives the length here.

    Examples
    --------
    >>> teacher, first, second = np.array([0.0, 2.0]), np.array([3.0, 4.0]), np.array([4.0, 4.0])
    >>> round(error_of_centre(teacher, first, second), 6), round(float(np.arccos(4 / np.sqrt(28)) / np.pi), 6)
    (0.227186, 0.227186)
    """
    product = _dot(first, second)
    if product <= 0.0:
        return 0.5
    shadow = _dot(teacher, first) + _dot(teacher, second)
    return arccos(0.5 * shadow / sqrt(product * _dot(teacher, teacher))) / _PI


@kernel
def add_run(errors, counts, means, squares):
    """Add a run's errors (K, S) to the means of earlier ones and the sums of squares about them; nan is none.

    Source: Welford (1962).

    Examples
    --------
    >>> counts, means, squares = np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 2))
    >>> for row in ([0.1, np.nan], [0.3, 0.5]):
    ...     add_run(np.array([row]), counts, means, squares)
    >>> counts, means, squares.round(12)
    (array([[2., 1.]]), array([[0.2, 0.5]]), array([[0.02, 0.  ]]))
    """
    for k in range(errors.shape[0]):
        for s in range(errors.shape[1]):
            x = errors[k, s]
            if x == x:
                counts[k, s] += 1.0
                apart = x - means[k, s]
                means[k, s] += apart / counts[k, s]
                squares[k, s] += apart * (x - means[k, s])
