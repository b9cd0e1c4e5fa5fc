"""Kernels for one threshold unit that learns: corrections of its weights, and walks through version space.

Inputs are float64 (P, N), an example a row, labels int8 +1 and -1 (P), weights float64 (N). What a rule looks
at is the aligned field y w.x of an example, which is positive where the unit answers right.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import erfc, exp, sqrt
from smbook.kernels.rng import fill_normal, uniform

HEBB, PERCEPTRON, ADATRON, OPTIMAL = 0, 1, 2, 3  # rules of `learn_online`

_ROOT_HALF, _ROOT_TWO_OVER_PI = 0.7071067811865476, 0.7978845608028654
_HAZARD_FAR, _HAZARD_TERMS = -3.0, 60


@kernel
def _dot(row, other):
    """Return sum_i row_i other_i, as four sums that do not wait for each other."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    whole = row.size - row.size % 4
    for i in range(0, whole, 4):
        a += row[i] * other[i]
        b += row[i + 1] * other[i + 1]
        c += row[i + 2] * other[i + 2]
        d += row[i + 3] * other[i + 3]
    for i in range(whole, row.size):
        a += row[i] * other[i]
    return (a + b) + (c + d)


@kernel
def _add(row, factor, weights):
    """Add `factor` times a row to the weights."""
    for i in range(weights.size):
        weights[i] += factor * row[i]


@kernel
def aligned_field(inputs, labels, mu, weights):
    """Return y w.x of example `mu`.

    Examples
    --------
    >>> inputs, labels = np.array([[1.0, 2.0]]), np.array([-1], dtype=np.int8)
    >>> aligned_field(inputs, labels, 0, np.array([3.0, 1.0]))
    -5.0
    """
    return labels[mu] * _dot(inputs[mu], weights)


@kernel
def perceptron_step(inputs, labels, mu, margin, weights):
    """Show the unit example `mu`: if y w.x <= margin, add y x to its weights. Return 1 if it did, else 0.

    Source: Rosenblatt (1958).

    Examples
    --------
    >>> inputs, labels = np.array([[1.0, 2.0]]), np.array([-1], dtype=np.int8)
    >>> weights = np.zeros(2)
    >>> perceptron_step(inputs, labels, 0, 0.0, weights), perceptron_step(inputs, labels, 0, 0.0, weights)
    (1, 0)
    >>> weights
    array([-1., -2.])
    """
    if aligned_field(inputs, labels, mu, weights) > margin:
        return 0
    _add(inputs[mu], np.float64(labels[mu]), weights)
    return 1


@kernel
def perceptron_pass(inputs, labels, order, margin, weights):
    """Show the unit the examples whose numbers `order` (int64) names, in turn; return how often it learned.

    Examples
    --------
    >>> inputs, labels = np.eye(2), np.array([1, -1], dtype=np.int8)
    >>> weights = np.zeros(2)
    >>> perceptron_pass(inputs, labels, np.arange(2), 0.0, weights)
    2
    >>> weights
    array([ 1., -1.])
    """
    corrections = 0
    for k in range(order.size):
        corrections += perceptron_step(inputs, labels, order[k], margin, weights)
    return corrections


@kernel
def weakest(inputs, labels, weights):
    """Return the number of the example with the least y w.x, the first one if there are several.

    Examples
    --------
    >>> weakest(np.eye(2), np.array([1, -1], dtype=np.int8), np.array([1.0, 1.0]))
    1
    """
    found, least = 0, np.inf
    for mu in range(labels.size):
        field = aligned_field(inputs, labels, mu, weights)
        if field < least:
            found, least = mu, field
    return found


@kernel
def minover_steps(inputs, labels, tolerance, made, n_steps, weights):
    """Add y x of the weakest example to the weights, at most `n_steps` times; return how often it was done.

    `made` corrections have led from 0 to these weights. The largest margin is between min y w.x / norm(w) and
    norm(w) / made; the steps end where these two differ by the share `tolerance` of the upper one.

    Source: Krauth and Mezard (1987).
    """
    for step in range(n_steps):
        mu = weakest(inputs, labels, weights)
        least = aligned_field(inputs, labels, mu, weights)
        if least > 0.0 and least * (made + step) >= (1.0 - tolerance) * _dot(weights, weights):
            return step
        _add(inputs[mu], np.float64(labels[mu]), weights)
    return n_steps


@kernel
def adatron_pass(inputs, labels, order, rate, strengths, weights):
    """Bring the aligned field of one example after the other to 1 by its strength, which stays at 0 or above.

    The weights are sum_mu a_mu y_mu x_mu, with strengths a (P). Example mu changes its own by
    max(-a_mu, rate (1 - y w.x) / x.x), and the weights with it. At rate 1 this is the exact maximum of
    sum a - w.w / 2 over a_mu. Return the largest change of an aligned field by its own strength, which is 0
    at the maximum over all strengths.

    Source: Anlauf and Biehl (1989).

    Examples
    --------
    >>> inputs, labels = 2.0 * np.eye(2), np.array([1, -1], dtype=np.int8)
    >>> strengths, weights = np.zeros(2), np.zeros(2)
    >>> adatron_pass(inputs, labels, np.arange(2), 1.0, strengths, weights)
    1.0
    >>> strengths, weights
    (array([0.25, 0.25]), array([ 0.5, -0.5]))
    """
    largest = 0.0
    for k in range(order.size):
        mu = order[k]
        square = _dot(inputs[mu], inputs[mu])
        missing = 1.0 - aligned_field(inputs, labels, mu, weights)
        change = max(-strengths[mu], rate * missing / square)
        strengths[mu] += change
        _add(inputs[mu], labels[mu] * change, weights)
        largest = max(largest, abs(change) * square)
    return largest


@kernel
def learn_online(inputs, labels, rule, rate, every, weights, path):
    """Show examples once, in turn, and note the weights after each `every`-th in a row of `path` (T, N).

    With field h = w.x, the weights gain rate / N times y x (HEBB), y x where y h <= 0 (PERCEPTRON),
    abs(h) y x where y h <= 0 (ADATRON), or sigma g(y h / sigma) y x (OPTIMAL) with g of `hazard`, in units in
    which the rate is 1, and sigma^2 = 1 - w.w. `inputs` begins with the first example of the first row.
    """
    scale = rate / weights.size
    for row in range(len(path)):
        for mu in range(row * every, (row + 1) * every):
            factor = _online_factor(inputs, labels, mu, rule, rate, weights)
            _add(inputs[mu], labels[mu] * scale * factor, weights)
        for i in range(weights.size):
            path[row, i] = weights[i]


@kernel
def _online_factor(inputs, labels, mu, rule, rate, weights):
    """Return by how much a rule weighs example `mu`."""
    if rule == HEBB:
        return 1.0
    field = aligned_field(inputs, labels, mu, weights)
    if rule == OPTIMAL:
        return _optimal_factor(field / rate, 1.0 - _dot(weights, weights) / (rate * rate))
    if field > 0.0:
        return 0.0
    if rule == PERCEPTRON:
        return 1.0
    return -field


@kernel
def _optimal_factor(field, variance):
    """Return the expected y w*.x - y w.x given y = sign(w*.x), where w*.x is normal about w.x."""
    if variance <= 0.0:  # where the weights are sure of themselves: the limit
        return max(0.0, -field)
    deviation = sqrt(variance)
    return deviation * hazard(field / deviation)


@kernel
def hazard(u):
    """Return phi(u) / Phi(u) of a standard normal number x, density over distribution: -E[x | x < u].

    Far below zero it is -u + 1 / (-u + 2 / (-u + 3 / ...)) (Laplace).

    Examples
    --------
    >>> round(hazard(0.0), 12), round(hazard(-100.0), 4)
    (0.797884560803, 100.01)
    """
    if u < _HAZARD_FAR:
        fraction = -u
        for k in range(_HAZARD_TERMS, 0, -1):
            fraction = k / fraction - u
        return fraction
    return _ROOT_TWO_OVER_PI * exp(-0.5 * u * u) / erfc(-u * _ROOT_HALF)


@kernel
def arc_point(low_x, low_y, high_x, high_y, state, point):
    """Draw a point (x, y) of the unit circle, uniform on the arc from one of its points on to another.

    The arc runs counter-clockwise and is at most half the circle. A wide one is hit by points from inside the
    circle. A narrow one is seen from the centre on the tangent at its middle, where angles are uniform once a
    point at distance s from the middle is kept with probability 1 / (1 + s^2).

    Examples
    --------
    >>> from smbook.kernels.rng import seed_state
    >>> point = np.empty(2)
    >>> arc_point(1.0, 0.0, 0.0, 1.0, seed_state(1), point)
    >>> bool((point > 0).all()), round(float(point @ point), 12)
    (True, 1.0)
    """
    if low_x * high_x + low_y * high_y < 0.0:
        _wide_arc_point(low_x, low_y, high_x, high_y, state, point)
        return
    _narrow_arc_point(low_x, low_y, high_x, high_y, state, point)


@kernel
def _wide_arc_point(low_x, low_y, high_x, high_y, state, point):
    """Draw as `arc_point` from an arc of more than a quarter of the circle."""
    square, inside = 0.0, False
    while not inside:
        x, y = 2.0 * uniform(state) - 1.0, 2.0 * uniform(state) - 1.0
        square = x * x + y * y
        inside = 0.0 < square < 1.0 and low_x * y - low_y * x > 0.0 and x * high_y - y * high_x > 0.0
        point[0], point[1] = x, y
    length = sqrt(square)
    point[0] /= length
    point[1] /= length


@kernel
def _narrow_arc_point(low_x, low_y, high_x, high_y, state, point):
    """Draw as `arc_point` from an arc of at most a quarter of the circle."""
    x, y = low_x + high_x, low_y + high_y
    length = sqrt(x * x + y * y)
    x /= length
    y /= length
    widest = (x * high_y - y * high_x) / (x * high_x + y * high_y)  # the tangent of half the angle
    s, kept = 0.0, False
    while not kept:
        s = (2.0 * uniform(state) - 1.0) * widest
        kept = uniform(state) * (1.0 + s * s) < 1.0
    stretch = sqrt(1.0 + s * s)
    point[0] = (x - s * y) / stretch
    point[1] = (y + s * x) / stretch


@kernel
def consistent_arc(inputs, labels, weights, direction, ends):
    """Find the arc of angles at which weights cos + direction sin still answer right to all examples.

    Example mu asks for a cos + b sin > 0, with a = y w.x > 0 at the angle 0, which is half a circle. All
    together leave one arc around 0. `ends` (4) takes the cosines and sines of where it begins and ends.

    Examples
    --------
    >>> ends = np.empty(4)
    >>> labels = np.array([1, 1], dtype=np.int8)
    >>> consistent_arc(np.eye(2), labels, np.array([1.0, 1.0]), np.array([-1.0, 1.0]), ends)
    >>> ends.round(4)  # 45 degrees to both sides
    array([ 0.7071, -0.7071,  0.7071,  0.7071])
    """
    most_a, most_b, least_a, least_b = 0.0, 0.0, 0.0, 0.0
    for mu in range(labels.size):
        a = max(aligned_field(inputs, labels, mu, weights), 0.0)
        b = aligned_field(inputs, labels, mu, direction)
        if b * most_a > most_b * a or (most_a == 0.0 and most_b == 0.0):
            most_a, most_b = a, b
        if b * least_a < least_b * a or (least_a == 0.0 and least_b == 0.0):
            least_a, least_b = a, b
    most, least = sqrt(most_a * most_a + most_b * most_b), sqrt(least_a * least_a + least_b * least_b)
    ends[0], ends[1] = most_b / most, -most_a / most
    ends[2], ends[3] = -least_b / least, least_a / least


@kernel
def hit_and_run(inputs, labels, n_steps, state, weights, direction, room):
    """Walk `n_steps` steps through the version space, which stays uniform: weights of length sqrt(N).

    Each step draws a great circle through the weights, its `direction` uniform, and goes to a uniform point
    of the arc that answers right to all examples. `room` (6) is to work in.

    Source: Smith (1984).
    """
    ends, point = room[:4], room[4:]
    for _ in range(n_steps):
        _draw_direction(state, weights, direction)
        consistent_arc(inputs, labels, weights, direction, ends)
        arc_point(ends[0], ends[1], ends[2], ends[3], state, point)
        for i in range(weights.size):
            weights[i] = point[0] * weights[i] + point[1] * direction[i]
        _rescale(weights)


@kernel
def billiard(inputs, labels, gram, n_steps, most, state, weights, velocity, start, fields, drifts):
    """Let a ball fly `n_steps` times through the version space, which keeps its weights' directions uniform.

    The weights are those of a normal law with all y w.x > 0. Each flight draws a normal `velocity` v and
    goes along w cos t + v sin t for a quarter of a turn; where some y w.x vanishes the ball is reflected by
    that plane. `gram` (P, P) holds y y' x.x' of all pairs; with it a bounce takes P steps and N. A flight of
    `most` bounces, or at whose end rounding leaves an answer wrong, does not count. `start` (N), `fields` (P)
    and `drifts` (P) are to work in. Return how many flights did not count.

    Source: Pakman and Paninski (2014).
    """
    lost = 0
    for _ in range(n_steps):
        _copy(weights, start)
        fill_normal(state, velocity)
        for mu in range(labels.size):
            fields[mu] = max(aligned_field(inputs, labels, mu, weights), 0.0)
            drifts[mu] = aligned_field(inputs, labels, mu, velocity)
        made = _fly(inputs, labels, gram, most, weights, velocity, fields, drifts)
        if made == most or aligned_field(inputs, labels, weakest(inputs, labels, weights), weights) <= 0.0:
            _copy(start, weights)
            lost += 1
    return lost


@kernel
def _copy(source, target):
    for i in range(source.size):
        target[i] = source[i]


@kernel
def _fly(inputs, labels, gram, most, weights, velocity, fields, drifts):
    """Make one flight; return the number of bounces, `most` if it was not over by then.

    A field a cos t + b sin t falls to 0 at cot t = -b / a: first that of largest -b / a. Angles are kept as
    cosine and sine.
    """
    cosine, sine = 0.0, 1.0  # of what is left of the flight
    for made in range(most):
        mu = _next_wall(fields, drifts)
        a, b = fields[mu], drifts[mu]
        if -b * sine <= a * cosine:
            _turn(cosine, sine, weights, velocity)
            return made
        length = sqrt(a * a + b * b)
        c, s = -b / length, a / length
        _turn(c, s, weights, velocity)
        _turn(c, s, fields, drifts)
        factor = -2.0 * drifts[mu] / gram[mu, mu]
        _add(inputs[mu], labels[mu] * factor, velocity)
        _add(gram[mu], factor, drifts)
        fields[mu], drifts[mu] = 0.0, abs(drifts[mu])
        cosine, sine = cosine * c + sine * s, sine * c - cosine * s
    return most


@kernel
def _turn(cosine, sine, place, speed):
    """Turn each pair (place, speed) by an angle."""
    for i in range(place.size):
        x, v = place[i], speed[i]
        place[i] = cosine * x + sine * v
        speed[i] = cosine * v - sine * x


@kernel
def _next_wall(fields, drifts):
    """Return the example whose field is the first to fall to 0."""
    found, soonest = 0, -np.inf
    for mu in range(fields.size):
        ratio = -drifts[mu] / max(fields[mu], 0.0)
        if ratio > soonest:
            found, soonest = mu, ratio
    return found


@kernel
def _draw_direction(state, weights, direction):
    """Draw a direction that is uniform on the sphere of radius sqrt(N) and at right angles to the weights."""
    fill_normal(state, direction)
    _add(weights, -_dot(weights, direction) / _dot(weights, weights), direction)
    _rescale(direction)


@kernel
def _rescale(weights):
    """Give weights the length sqrt(N)."""
    factor = sqrt(weights.size / _dot(weights, weights))
    for i in range(weights.size):
        weights[i] *= factor
