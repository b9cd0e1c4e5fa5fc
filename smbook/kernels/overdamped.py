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
from smbook.kernels.elementary import exp, sqrt
from smbook.kernels.rng import fill_normal, uniform


@kernel
def potential(coefficients, x):
    """Return U(x) of the coefficients c1 to c4, in units of k_B T.

    Examples
    --------
    >>> import numpy as np
    >>> potential(np.array([1.0, 0.0, 0.0, 1.0]), 2.0)
    18.0
    """
    c1, c2, c3, c4 = coefficients
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
    c1, c2, c3, c4 = coefficients
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
