"""Kernels for points that come one at a time: whether a plane through 0 separates them still, and how far.

Turned points z = y x, an input x with its label y, are rows of float64 (M, N), P of which are there. Weights
w with z.w > 0 for all of them exist unless their convex hull holds the origin, and the largest margin
kappa = min z.w / abs(w) is the distance of the hull from it. The least weights with z.w >= 1 have it,
kappa = 1 / abs(w). They are sums of some independent z, the members, of strengths u >= 0, for which z.w = 1.
A point that is answered with less raises its own strength, from 0, and turns the others' with it; a member
whose strength falls to 0 leaves. Either z.w = 1 is reached, or no member is left that could give way: then
z is minus a sum of members, and no weights exist. abs(w) grows at each step, so that it ends.

What is known of a hull is in arrays, all of them float64 but where it is said:

- `points` (M, N); `basis` (N, N), an orthonormal basis as rows, the first of which span the members;
- `factor` (N, N), row j the member j in that basis, zero after its entry j;
- `members`, int64 (N), their numbers; `strengths` (M), u of each point, -1 of those that are no members;
- `weights` (N); `room` (5, N) to work in, whose last row begins with the square of the longest point;
- `tally`, int64 (4): how many points and members there are, 1 where the set is over, and how many sets are.

Sources: Wolfe (1976); Goldfarb and Idnani (1983).
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import sqrt
from smbook.kernels.perceptron import _add, _dot
from smbook.kernels.rng import fill_normal, next_uint64

POINTS, MEMBERS, OVER, SETS = 0, 1, 2, 3  # places in `tally`

_DEPENDENT = 1e-11  # of a point's length, what counts as nothing when it is all that members leave of it
_NOTHING = 1e-11  # of the largest share of a member in a point, what counts as none
_ROUNDING = 1e-13  # of the product of two lengths, by which z.w may miss 1
_REST, _SHARES, _WORK, _SPARE, _LONGEST = 0, 1, 2, 3, 4  # rows of `room`


@kernel
def begin_hull(basis, strengths, weights, room, tally):
    """Forget all points.

    Examples
    --------
    >>> basis, weights = np.empty((2, 2)), np.empty(2)
    >>> begin_hull(basis, np.empty(5), weights, np.empty((5, 2)), np.empty(4, dtype=np.int64))
    >>> weights
    array([0., 0.])
    """
    for i in range(weights.size):
        weights[i] = 0.0
        for j in range(weights.size):
            basis[i, j] = 0.0
        basis[i, i] = 1.0
    for mu in range(strengths.size):
        strengths[mu] = -1.0
    room[_LONGEST, 0] = 0.0
    tally[POINTS], tally[MEMBERS], tally[OVER] = 0, 0, 0


@kernel
def add_to_hull(points, basis, factor, members, strengths, weights, room, tally):
    """Take the next row of `points`; return 1 if weights with z.w > 0 for all exist still, else 0.

    The weights are then the least with z.w >= 1. They are of no use after a 0: forget all points then.

    Examples
    --------
    >>> points = np.array([[2.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    >>> basis, factor, members = np.empty((2, 2)), np.empty((2, 2)), np.empty(2, dtype=np.int64)
    >>> strengths, weights, room = np.empty(3), np.empty(2), np.empty((5, 2))
    >>> hull = points, basis, factor, members, strengths, weights, room, np.zeros(4, dtype=np.int64)
    >>> begin_hull(basis, *hull[4:])
    >>> add_to_hull(*hull), weights.copy(), add_to_hull(*hull), weights, add_to_hull(*hull)
    (1, array([0.5, 0. ]), 1, array([0.5, 1. ]), 0)
    """
    worst, n = tally[POINTS], weights.size
    tally[POINTS] += 1
    room[_LONGEST, 0] = max(room[_LONGEST, 0], _dot(points[worst], points[worst]))
    if _dot(points[worst], weights) >= 1.0:
        return 1
    for _ in range(100 + 20 * (n + tally[POINTS])):
        if _join(points, worst, basis, factor, members, strengths, weights, room, tally) == 0:
            return 0
        worst = _worst(points, strengths, weights, room, tally)
        if worst < 0:
            return 1
    return _all_right(points, weights, tally)  # rounding has led round in circles


@kernel
def hull_margin(weights):
    """Return the largest margin kappa of points that are separated, 1 / abs(w); inf where there are none.

    Examples
    --------
    >>> hull_margin(np.array([0.0, 2.0])), hull_margin(np.zeros(2))
    (0.5, inf)
    """
    square = _dot(weights, weights)
    if square == 0.0:
        return np.inf
    return 1.0 / sqrt(square)


@kernel
def _worst(points, strengths, weights, room, tally):
    """Return the point with the least z.w of those that are no members, -1 if it is 1 or more."""
    allowed = _ROUNDING * sqrt(room[_LONGEST, 0] * _dot(weights, weights))
    found, least = -1, 1.0 - max(allowed, _ROUNDING)
    for mu in range(tally[POINTS]):
        if strengths[mu] < 0.0:
            field = _dot(points[mu], weights)
            if field < least:
                found, least = mu, field
    return found


@kernel
def _all_right(points, weights, tally):
    for mu in range(tally[POINTS]):
        if not _dot(points[mu], weights) > 0.0:
            return 0
    return 1


@kernel
def _join(points, new, basis, factor, members, strengths, weights, room, tally):
    """Raise the strength of a point until z.w = 1; return 1 then, and 0 if that cannot be."""
    rest, shares, point = room[_REST], room[_SHARES], points[new]
    square, strength, n = _dot(point, point), 0.0, weights.size
    for i in range(n):
        rest[i] = _dot(basis[i], point)
    for _ in range(n + 1):
        count = tally[MEMBERS]
        left = _find_shares(factor, rest, count, shares)
        free = count < n and left > _DEPENDENT * _DEPENDENT * square
        first = _first_to_leave(members, strengths, shares, count)
        whole, step = np.inf, np.inf
        if free:
            whole = max(1.0 - _dot(point, weights), 0.0) / left
        if first >= 0:
            step = strengths[members[first]] / shares[first]
        if not free and first < 0:
            return 0
        if whole <= step:
            _append(new, basis, factor, members, room, tally)
            _settle(basis, factor, members, strengths, weights, room[_WORK], tally[MEMBERS])
            return 1
        strength += step
        for j in range(count):
            strengths[members[j]] = max(strengths[members[j]] - step * shares[j], 0.0)
        if free:
            for i in range(count, n):
                _add(basis[i], step * rest[i], weights)
        strengths[members[first]] = -1.0
        _remove(first, basis, factor, members, rest, tally)
    return 0


@kernel
def _find_shares(factor, rest, count, shares):
    """Write a point as sum_j shares_j z_j of members and a rest; return the square of the rest's length."""
    left = 0.0
    for i in range(count, rest.size):
        left += rest[i] * rest[i]
    for i in range(count):
        shares[i] = rest[i]
    _solve(factor, shares, count)
    return left


@kernel
def _solve(factor, values, count):
    """Replace coordinates in the basis by factors of the members."""
    for j in range(count - 1, -1, -1):
        values[j] /= factor[j, j]
        for i in range(j):
            values[i] -= factor[j, i] * values[j]


@kernel
def _first_to_leave(members, strengths, shares, count):
    """Return which member's strength vanishes first when the shares are taken from them, -1 if none does."""
    largest = 0.0
    for j in range(count):
        largest = max(largest, abs(shares[j]))
    found, least = -1, np.inf
    for j in range(count):
        if shares[j] > _NOTHING * largest:
            step = strengths[members[j]] / shares[j]
            if step < least:
                found, least = j, step
    return found


@kernel
def _append(new, basis, factor, members, room, tally):
    """Make a point the last member: turn the free part of the basis until its first row is what is left.

    Source: Householder (1958).
    """
    rest, mirror = room[_REST], room[_SPARE]
    count, n = tally[MEMBERS], rest.size
    left = 0.0
    for i in range(count, n):
        left += rest[i] * rest[i]
    length = sqrt(left)
    if rest[count] > 0.0:
        length = -length
    for i in range(count):
        factor[count, i] = rest[i]
    factor[count, count] = length
    scale = 1.0 / (left - rest[count] * length)
    rest[count] -= length
    for k in range(n):
        mirror[k] = 0.0
    for i in range(count, n):
        _add(basis[i], rest[i], mirror)
    for i in range(count, n):
        _add(mirror, -scale * rest[i], basis[i])
    members[count] = new
    tally[MEMBERS] = count + 1


@kernel
def _remove(first, basis, factor, members, rest, tally):
    """Let a member go, and turn the basis so that the factor of the others is a triangle again.

    Source: Givens (1958).
    """
    count = tally[MEMBERS] - 1
    tally[MEMBERS] = count
    for j in range(first, count):
        members[j] = members[j + 1]
        for i in range(j + 2):
            factor[j, i] = factor[j + 1, i]
    for j in range(first, count):
        a, b = factor[j, j], factor[j, j + 1]
        length = sqrt(a * a + b * b)
        cosine, sine = a / length, b / length
        for k in range(j, count):
            _turn(factor[k], j, cosine, sine)
        _turn(rest, j, cosine, sine)
        for i in range(basis.shape[1]):
            x, y = basis[j, i], basis[j + 1, i]
            basis[j, i], basis[j + 1, i] = cosine * x + sine * y, cosine * y - sine * x


@kernel
def _turn(values, j, cosine, sine):
    x, y = values[j], values[j + 1]
    values[j], values[j + 1] = cosine * x + sine * y, cosine * y - sine * x


@kernel
def _settle(basis, factor, members, strengths, weights, values, count):
    """Solve z.w = 1 of all members anew for weights and strengths, so that no errors add up."""
    for i in range(weights.size):
        weights[i] = 0.0
    for j in range(count):
        value = 1.0
        for i in range(j):
            value -= factor[j, i] * values[i]
        values[j] = value / factor[j, j]
        _add(basis[j], values[j], weights)
    _solve(factor, values, count)
    for j in range(count):
        strengths[members[j]] = max(values[j], 0.0)


@kernel
def grow_sets(
    n_points,
    most_sets,
    state,
    labels,
    points,
    basis,
    factor,
    members,
    strengths,
    weights,
    room,
    tally,
    path,
    failed,
    margins,
):
    """Draw `n_points` points, set after set, each set until no weights separate it; return how many it were.

    A point is Gaussian, of variance 1 in each of N directions, and its label, int8 (M), is +1 or -1 by a fair
    coin. A set is over with the first point that makes weights impossible, and the next point begins another
    one. It ends early when `most_sets` sets are over. `path` (M + 1) takes the margin of P points at P, 0
    where they are not separable. When a set is over, its P is counted in `failed`, int64 (M + 1), and margins
    and their squares are added to the rows of `margins` (2, M + 1). A set with M points, which is as good as
    never seen, is taken to be over. To begin, all is zero and ``tally[OVER]`` 1.
    """
    for done in range(n_points):
        if tally[SETS] >= most_sets:
            return done
        if tally[OVER] == 1:
            begin_hull(basis, strengths, weights, room, tally)
        new = tally[POINTS]
        _draw_point(state, labels, points, new)
        path[new + 1] = 0.0
        parted = add_to_hull(points, basis, factor, members, strengths, weights, room, tally)
        if parted == 1:
            path[new + 1] = hull_margin(weights)
        if parted == 0 or new + 1 == len(points):
            tally[OVER] = 1
            tally[SETS] += 1
            failed[new + 1] += 1
            _add_margins(path, new + 1, margins)
    return n_points


@kernel
def _draw_point(state, labels, points, new):
    fill_normal(state, points[new])
    labels[new] = 1 - 2 * np.int64(next_uint64(state) >> np.uint64(63))
    for i in range(points.shape[1]):
        points[new, i] *= labels[new]


@kernel
def _add_margins(path, count, margins):
    for p in range(1, count + 1):
        margins[0, p] += path[p]
        margins[1, p] += path[p] * path[p]


@kernel
def separable_shares(n, chances, shares):
    """Set `shares` at P to the probability that weights separate P points with random labels, 1 at P = 0.

    It is the probability of at most N - 1 heads in P - 1 throws of a coin; `chances` (N) is to work in.
    Source: Cover (1965).

    Examples
    --------
    >>> shares = np.empty(7)
    >>> separable_shares(2, np.empty(2), shares)
    >>> shares
    array([1.    , 1.    , 1.    , 0.75  , 0.5   , 0.3125, 0.1875])
    """
    for k in range(n):
        chances[k] = 0.0
    chances[0] = 1.0
    for p in range(shares.size):
        total = 0.0
        if p > 1:
            for k in range(n - 1, 0, -1):
                chances[k] = 0.5 * (chances[k] + chances[k - 1])
            chances[0] *= 0.5
        for k in range(n):
            total += chances[k]
        shares[p] = total
    for p in range(min(n + 1, shares.size)):
        shares[p] = 1.0
