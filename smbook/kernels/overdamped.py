"""Kernels for particles that diffuse in a potential while someone changes it: the work done, and the heat.

The potential of particles on a line is a polynomial of the fourth degree, in units of k_B T,

    U(x) = c1 x + c2 x^2 + c3 x^3 + c4 x^4,

and the unit of time is such that D = 1: in a step h, x moves by -U'(x) h + sqrt(2 h) xi, if the move is
accepted. A protocol is a table (n_steps + 1, 4), float64, of the coefficients before the first step and after
each of them. A step first changes the potential, which costs the work U_new(x) - U_old(x), and then moves the
particle, which gives off the heat U_new(x before) - U_new(x after).

The move is Langevin's, accepted or rejected by Metropolis' rule (Roberts and Tweedie, 1996): it keeps
detailed balance with exp(-U) exactly, whatever h. So Jarzynski's equality holds exactly too, and the works
are those that annealed importance sampling weighs its samples by, but for their sign. Time means time where
few moves are rejected: one of 100 at h = 0.07 / U'', in the middle of a well.
"""

from __future__ import annotations

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, log, sqrt
from smbook.kernels.rng import fill_normal, uniform

SHORT = 1 / 16  # a step times U'' in the middle of a well at which 0.997 of the moves are accepted
FEWEST = 50  # steps of a protocol, unless told
_LN2 = 0.6931471805599453
REACH = 2.2  # how far a particle in a double well of at least 4 k_B T goes, but for one of 10^20


@kernel
def potential(coefficients, x):
    """Return U(x) of the coefficients c1 to c4, in units of k_B T.

    Examples
    --------
    >>> import numpy as np
    >>> potential(np.array([1.0, 0.0, 0.0, 1.0]), 2.0)
    18.0
    """
    c1, c2, c3, c4 = coefficients[0], coefficients[1], coefficients[2], coefficients[3]
    return x * (c1 + x * (c2 + x * (c3 + x * c4)))


@kernel
def slope(coefficients, x):
    """Return U'(x), minus the force.

    Examples
    --------
    >>> import numpy as np
    >>> slope(np.array([1.0, 0.0, 0.0, 1.0]), 2.0)
    33.0
    """
    c1, c2, c3, c4 = coefficients[0], coefficients[1], coefficients[2], coefficients[3]
    return c1 + x * (2.0 * c2 + x * (3.0 * c3 + x * 4.0 * c4))


@kernel
def fill_potential(coefficients, places, values):
    """Set `values` to U at the places, both float64 (n,).

    Examples
    --------
    >>> import numpy as np
    >>> values = np.empty(3)
    >>> fill_potential(np.array([0.0, -2.0, 0.0, 1.0]), np.array([-1.0, 0.0, 2.0]), values)
    >>> values
    array([-1.,  0.,  8.])
    """
    for i in range(places.size):
        values[i] = potential(coefficients, places[i])


@kernel
def drive(table, step, positions, work, heat, state, noise):
    """Lead particles along a protocol; return how many of their moves were accepted.

    The table may be any piece of a protocol, from the row that the particles have now on: a run made in
    pieces is the same run, bit for bit. `positions`, `work` and `heat` (n) are changed in place, the latter
    two added to; `noise` (n) is room. So work - heat is the change of U(x), to rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from smbook.kernels.rng import seed_state
    >>> table = np.zeros((101, 4))
    >>> table[:, 0] = -np.linspace(0.0, 1.0, 101)  # a trap x^2 / 2, pulled to the right
    >>> table[:, 1] = 0.5
    >>> positions, work, heat, noise = np.zeros((4, 1000))
    >>> accepted = drive(table, 0.01, positions, work, heat, seed_state(1), noise)
    >>> accepted / 100_000 > 0.99
    True
    >>> bool(abs(work - heat - (positions**2 / 2 - positions)).max() < 1e-12)
    True
    """
    accepted, width = 0, sqrt(2.0 * step)
    for k in range(table.shape[0] - 1):
        before, now = table[k], table[k + 1]
        fill_normal(state, noise)
        for i in range(positions.size):
            x = positions[i]
            level, gradient = potential(now, x), slope(now, x)
            work[i] += level - potential(before, x)
            way = width * noise[i] - step * gradient
            new_level, new_gradient = potential(now, x + way), slope(now, x + way)
            gain = level - new_level + 0.5 * way * (gradient + new_gradient)
            gain += 0.25 * step * (gradient - new_gradient) * (gradient + new_gradient)
            if gain >= 0.0 or uniform(state) < exp(gain):
                positions[i] = x + way
                heat[i] += level - new_level
                accepted += 1
    return accepted


@kernel
def bound_law(coefficients, low, high, sums):
    """Set `sums` (n_cells + 1) to sums of what exp(-U) never exceeds in cells of one width between two ends.

    Return about which share of the area under these bounds lies under exp(-U) too. All is relative to the
    largest exp(-U) of the middles of cells.

    Examples
    --------
    >>> import numpy as np
    >>> round(bound_law(np.array([0, 0.5, 0, 0]), -10.0, 10.0, np.empty(1025)), 3)  # x^2 / 2
    0.992
    """
    width = (high - low) / (sums.size - 1)
    least = _least(coefficients, low, width, sums.size - 1)
    area, sums[0] = 0.0, 0.0
    for k in range(sums.size - 1):
        middle = low + (k + 0.5) * width
        area += exp(least - potential(coefficients, middle))
        sums[k + 1] = sums[k] + _bound(coefficients, middle, 0.5 * width, least)
    return area / sums[-1]


@kernel
def draw_equilibrium(coefficients, low, high, sums, state, positions):
    """Draw positions with the density exp(-U) between two ends, exactly; `sums` is that of `bound_law`.

    A cell is drawn by its bound, a place in it at random, and taken with the chance of exp(-U) over the
    bound. What exp(-U) has beyond the ends is not seen.

    Examples
    --------
    >>> import numpy as np
    >>> from smbook.kernels.rng import seed_state
    >>> positions, sums, trap = np.empty(10_000), np.empty(257), np.array([0, 0.5, 0, 0])
    >>> bound_law(trap, -10.0, 10.0, sums) > 0.9
    True
    >>> draw_equilibrium(trap, -10.0, 10.0, sums, seed_state(1), positions)
    >>> positions.var().round(1)
    np.float64(1.0)
    """
    width = (high - low) / (sums.size - 1)
    least = _least(coefficients, low, width, sums.size - 1)
    for i in range(positions.size):
        positions[i] = _place(coefficients, low, width, least, sums, state)


@kernel
def _least(coefficients, low, width, cells):
    """Return the least U in the middle of a cell."""
    least = potential(coefficients, low + 0.5 * width)
    for k in range(1, cells):
        least = min(least, potential(coefficients, low + (k + 0.5) * width))
    return least


@kernel
def _bound(coefficients, middle, half, least):
    """Return what exp(least - U) never exceeds in a cell, by Taylor's polynomial around its middle."""
    c2, c3, c4 = coefficients[1], coefficients[2], coefficients[3]
    second = abs(c2 + middle * (3.0 * c3 + middle * 6.0 * c4))
    third = abs(c3 + middle * 4.0 * c4)
    fall = half * (abs(slope(coefficients, middle)) + half * (second + half * (third + half * abs(c4))))
    return exp(least - potential(coefficients, middle) + fall)


@kernel
def _place(coefficients, low, width, least, sums, state):
    """Draw one position."""
    x, excess = 0.0, -1.0
    while excess < 0.0:
        wanted = uniform(state) * sums[-1]
        cell, end = 0, sums.size - 1
        while end - cell > 1:
            middle = (cell + end) // 2
            if sums[middle] <= wanted:
                cell = middle
            else:
                end = middle
        x = low + (cell + uniform(state)) * width
        height = uniform(state) * _bound(coefficients, low + (cell + 0.5) * width, 0.5 * width, least)
        excess = exp(least - potential(coefficients, x)) - height
    return x


@kernel
def erase_bit(barrier, tilt, lowest, table):
    """Fill a protocol that erases a bit, x < 0 or x > 0 in two wells at -1 and 1, to x > 0.

    In four quarters of the time, each at a constant speed: the barrier falls, to the share `lowest` of the
    height that it had; a tilt rises; the barrier rises; the tilt falls. So

        U(x) = B (x^4 - 2 s x^2) - f x,

    with s from 1 to sqrt(lowest) and back, and f from 0 to the tilt and back. Without the tilt the wells are
    at -sqrt(s) and sqrt(s), and the barrier is B s^2 high.

    Examples
    --------
    >>> import numpy as np
    >>> table = np.empty((5, 4))
    >>> erase_bit(8.0, 4.0, 0.0, table)
    >>> table + 0.0
    array([[  0., -16.,   0.,   8.],
           [  0.,   0.,   0.,   8.],
           [ -4.,   0.,   0.,   8.],
           [ -4., -16.,   0.,   8.],
           [  0., -16.,   0.,   8.]])
    """
    n_steps = table.shape[0] - 1
    low = sqrt(lowest)
    for k in range(n_steps + 1):
        quarter = 4.0 * k / n_steps
        fallen = min(quarter, 1.0) - min(max(quarter - 2.0, 0.0), 1.0)
        tilted = min(max(quarter - 1.0, 0.0), 1.0) - max(quarter - 3.0, 0.0)
        table[k, 0] = -tilt * tilted
        table[k, 1] = -2.0 * barrier * (1.0 - (1.0 - low) * fallen)
        table[k, 2] = 0.0
        table[k, 3] = barrier


@kernel
def erasing_steps(duration, barrier):
    """Return how many steps `erase_bit` is given for a duration: of 1 / (128 B) at most, and at least 50.

    Examples
    --------
    >>> erasing_steps(1.0, 8.0), erasing_steps(1.001, 8.0), erasing_steps(1e-3, 8.0)
    (1024, 1026, 50)
    """
    wanted = duration / (SHORT / (8.0 * barrier))
    whole = int(wanted)
    return max(whole + int(whole < wanted), FEWEST)


@kernel
def fill_wells(coefficients, places, values):
    """Set `values` to U on the way of `erase_bit`, with a constant by which wells, untilted, have height 0.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.empty(3)
    >>> fill_wells(np.array([0.0, -16.0, 0.0, 8.0]), np.array([-1.0, 0.0, 1.0]), values)
    >>> values
    array([0., 8., 0.])
    """
    lowest = coefficients[1] * coefficients[1] / (4.0 * coefficients[3])
    for i in range(places.size):
        values[i] = lowest + potential(coefficients, places[i])


@kernel
def tally_works(positions, work, shift, low, width, counts, sums):
    """Count works, those of particles at x <= 0 in the first row and of the others in the second one.

    `counts` (2, n_boxes), int64, gets one more in the box of each work plus `shift`, from `low` on in boxes
    of one width; what lies beyond is in none. `sums` (2, 5) grows by their number and the sums of W, W^2,
    exp(-W) and exp(-2 W).

    Examples
    --------
    >>> import numpy as np
    >>> counts, sums = np.zeros((2, 4), dtype=np.int64), np.zeros((2, 5))
    >>> tally_works(np.array([-1.0, 1.0, 1.0]), np.array([0.5, 1.5, 9.0]), 0.0, 0.0, 1.0, counts, sums)
    >>> counts.tolist(), sums[:, :3].tolist()
    ([[1, 0, 0, 0], [0, 1, 0, 0]], [[1.0, 0.5, 0.25], [2.0, 10.5, 83.25]])
    """
    for i in range(positions.size):
        side, w = int(positions[i] > 0.0), work[i] + shift
        weight = exp(-w)
        sums[side, 0] += 1.0
        sums[side, 1] += w
        sums[side, 2] += w * w
        sums[side, 3] += weight
        sums[side, 4] += weight * weight
        place = (w - low) / width
        if 0.0 <= place < counts.shape[1]:
            counts[side, int(place)] += 1


@kernel
def erasing_work(errors):
    """Return the least mean work of erasing a bit with a share p of errors, ln 2 - S(p).

    S(p) = -p ln p - (1 - p) ln(1 - p).

    Examples
    --------
    >>> erasing_work(0.0), erasing_work(0.5)
    (0.6931471805599453, 0.0)
    """
    work = _LN2
    if errors > 0.0:
        work += errors * log(errors)
    if errors < 1.0:
        work += (1.0 - errors) * log(1.0 - errors)
    return work + 0.0


@kernel
def erasing_distance(barrier, law):
    """Return the mean square distance that particles go at least from both wells to the right one.

    The law of equilibrium in the double well, and its half x > 0, are the ends of the way. The least mean
    square, Wasserstein's distance squared, is that of a map that lets no particle pass another. It is also
    the least dissipation times the duration, in k_B T and D = 1 (Benamou and Brenier, 2000; Aurell et al.,
    2011). `law` (n + 1) is room.

    Examples
    --------
    >>> import numpy as np
    >>> round(erasing_distance(8.0, np.empty(4097)), 3)
    1.702
    """
    n = law.size - 1
    width = 2.0 * REACH / n
    law[0] = 0.0
    for k in range(n):
        x = (k + 0.5) * width - REACH
        height = x * x - 1.0
        law[k + 1] = law[k] + exp(-barrier * height * height)
    cell, other, total = 0, n // 2, 0.0
    for k in range(n):
        share = (k + 0.5) / n * law[n]
        right = 0.5 * (share + law[n])
        while law[cell + 1] < share:
            cell += 1
        while law[other + 1] < right:
            other += 1
        way = other - cell + (right - law[other]) / (law[other + 1] - law[other])
        way -= (share - law[cell]) / (law[cell + 1] - law[cell])
        total += way * way
    return total / n * width * width
