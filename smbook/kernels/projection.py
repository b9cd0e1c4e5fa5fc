"""Kernels for sections of a loss along two random directions, at a critical point of known eigenvalues.

With directions eta and delta of unit Gaussian entries and a Hessian of eigenvalues lambda, the section is
q(x, y) = (A x^2 + 2 B x y + C y^2) / 2 with

    A = sum lambda eta^2,    B = sum lambda eta delta,    C = sum lambda delta^2,
    kappa_-+ = (A + C -+ sqrt(4 B^2 + (A - C)^2)) / 2,

t = sum lambda and s = sum lambda^2 are the traces of the Hessian and of its square. What is said of kappa for
many comparable eigenvalues takes A, B and C to be Gaussian, as `smbook.theory.curvature`. Source: Boettcher
and Wheeler (2022).

    forms        (n, 3): A, B, C, a row a section
    curvatures   (n, 2): kappa_- and kappa_+
    averages     (n, 4): means of kappa_- and kappa_+ up to here, and the two curvatures of the mean section
    totals       (9,): sections; sums of A, B, C, kappa_-, kappa_+; how many are saddles, minima, maxima
"""

from __future__ import annotations

import math

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import erfc, exp, sqrt
from smbook.kernels.rng import fill_normal

SADDLE, MINIMUM, MAXIMUM = np.int64(0), np.int64(1), np.int64(2)

_ROOT_HALF = math.sqrt(0.5)
_ROOT_EIGHT = math.sqrt(8.0)
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)
_HALF_PI = math.pi / 2.0
_QUARTER_PI = math.pi / 4.0


@kernel
def draw_sections(state, eigenvalues, eta, delta, forms):
    """Fill `forms` with sections along two new directions each: eta is drawn first, delta after it.

    `eta` and `delta` are as long as `eigenvalues`, and keep the directions of the last section.
    """
    for k in range(forms.shape[0]):
        fill_normal(state, eta)
        fill_normal(state, delta)
        a, b, c = 0.0, 0.0, 0.0
        for i in range(eigenvalues.size):
            bent = eigenvalues[i] * eta[i]
            a += bent * eta[i]
            b += bent * delta[i]
            c += eigenvalues[i] * delta[i] * delta[i]
        forms[k, 0], forms[k, 1], forms[k, 2] = a, b, c


@kernel
def find_curvatures(forms, curvatures):
    r"""Fill `curvatures` with :math:`\kappa_-` and :math:`\kappa_+` of each section.

    Examples
    --------
    >>> curvatures = np.empty((1, 2))
    >>> find_curvatures(np.array([[1.0, 2.0, -2.0]]), curvatures)
    >>> curvatures
    array([[-3.,  2.]])
    """
    for k in range(forms.shape[0]):
        curvatures[k, 0], curvatures[k, 1] = _curvatures(forms[k, 0], forms[k, 1], forms[k, 2])


@kernel
def _curvatures(a, b, c):
    spread = sqrt(4.0 * b * b + (a - c) * (a - c))
    return 0.5 * (a + c - spread), 0.5 * (a + c + spread)


@kernel
def look(low, high):
    """Return what a section with these curvatures looks like: SADDLE, MINIMUM or MAXIMUM.

    Examples
    --------
    >>> int(look(-3.0, 2.0)), int(look(0.5, 2.0)), int(look(-3.0, -1.0))
    (0, 1, 2)
    """
    if low >= 0.0:
        return MINIMUM
    if high <= 0.0:
        return MAXIMUM
    return SADDLE


@kernel
def note_sections(forms, curvatures, totals, averages):
    """Add sections to `totals`, and fill `averages` with what they come to after each.

    The curvatures may be averaged, or the sections: what is curved up in one and down in another is flat in
    their mean.
    """
    for k in range(forms.shape[0]):
        totals[0] += 1.0
        for j in range(3):
            totals[1 + j] += forms[k, j]
        for j in range(2):
            totals[4 + j] += curvatures[k, j]
            averages[k, j] = totals[4 + j] / totals[0]
        totals[6 + look(curvatures[k, 0], curvatures[k, 1])] += 1.0
        n = totals[0]
        averages[k, 2], averages[k, 3] = _curvatures(totals[1] / n, totals[2] / n, totals[3] / n)


@kernel
def principal_axes(form, axes):
    """Fill the rows of `axes` (2, 2) with the unit vectors (x, y) along which both curvatures are seen.

    Examples
    --------
    >>> axes = np.empty((2, 2))
    >>> principal_axes(np.array([0.0, 1.0, 0.0]), axes)
    >>> axes.round(4)
    array([[-0.7071,  0.7071],
           [ 0.7071,  0.7071]])
    """
    a, b, c = form[0], form[1], form[2]
    _, high = _curvatures(a, b, c)
    x, y = high - c, b
    if a < c:
        x, y = b, high - a
    length = sqrt(x * x + y * y)
    if length == 0.0:  # equally curved all around
        x, length = 1.0, 1.0
    axes[1, 0], axes[1, 1] = x / length, y / length
    axes[0, 0], axes[0, 1] = -axes[1, 1], axes[1, 0]


@kernel
def fill_section(form, reach, values):
    """Fill `values` with q(x, y) in the middles of cells that part the square from -reach to reach.

    The first row has the lowest y.
    """
    for i in range(values.shape[0]):
        y = reach * ((2.0 * i + 1.0) / values.shape[0] - 1.0)
        for j in range(values.shape[1]):
            x = reach * ((2.0 * j + 1.0) / values.shape[1] - 1.0)
            values[i, j] = 0.5 * (form[0] * x * x + form[2] * y * y) + form[1] * x * y


@kernel
def curvature_density(kappa, trace, square, sign, density):
    """Fill `density` with that of the larger (`sign` 1) or smaller curvature (-1), as in `theory.curvature`.

    Examples
    --------
    >>> density = np.empty(1)
    >>> curvature_density(np.array([37.5625]), 0.0, 1000.0, 1, density)
    >>> density.round(6)
    array([0.010577])
    """
    root = sqrt(square)
    for i in range(kappa.size):
        u = sign * (kappa[i] - trace) / root
        normal = exp(-u * u / 2.0) / _ROOT_TWO_PI
        density[i] = (0.5 * normal + u * exp(-u * u / 4.0) * _below(u * _ROOT_HALF) / _ROOT_EIGHT) / root


@kernel
def _below(x):
    """Return the probability that a unit Gaussian number is at most x."""
    return 0.5 * erfc(-x * _ROOT_HALF)


@kernel
def expect_sections(trace, square, means, chances):
    """Fill `means` with t -+ sqrt(pi s / 2) of both curvatures, and `chances` of what a section shows.

    `chances` are those of a saddle, exp(-t^2 / 4s) / sqrt 2, of a minimum and of a maximum.

    Examples
    --------
    >>> means, chances = np.empty(2), np.empty(3)
    >>> expect_sections(60.0, 1000.0, means, chances)
    >>> means.round(3), chances.round(4)
    (array([20.367, 99.633]), array([0.2875, 0.7095, 0.0031]))
    """
    apart = sqrt(_HALF_PI * square)
    means[0], means[1] = trace - apart, trace + apart
    u = trace / sqrt(square)
    decay = exp(-u * u / 4.0) * _ROOT_HALF
    chances[0] = decay
    chances[1] = max(_below(u) - decay * _below(u * _ROOT_HALF), 0.0)
    chances[2] = max(_below(-u) - decay * _below(-u * _ROOT_HALF), 0.0)


@kernel
def saddle_probability_exact(n_up, n_down):
    """Return the chance of a section to look like a saddle with n_up eigenvalues 1 and n_down of -1, exactly.

    It is sqrt(pi) Gamma((n + m - 1) / 2) / (Gamma(n / 2) Gamma(m / 2)) / 2^((n + m) / 2 - 1), and grows by
    the factor (n + m - 1) / 2n where n grows by 2. Eigenvalues 0 change nothing.

    Examples
    --------
    >>> saddle_probability_exact(1, 1), saddle_probability_exact(3, 1), saddle_probability_exact(5, 0)
    (1.0, 0.5, 0.0)
    >>> round(saddle_probability_exact(500, 500), 6)
    0.707284
    """
    if n_up <= 0 or n_down <= 0:
        return 0.0
    n, m = (n_up - 1) % 2 + 1, (n_down - 1) % 2 + 1
    chance = _ROOT_HALF
    if n == m:
        chance = _QUARTER_PI if n == 2 else 1.0
    while n < n_up or m < n_down:
        if m == n_down or (n < n_up and n <= m):
            chance *= (n + m - 1) / (2.0 * n)
            n += 2
        else:
            chance *= (n + m - 1) / (2.0 * m)
            m += 2
    return chance


@kernel
def share_error(count, total):
    """Return the error of the share `count` / `total`, which does not vanish where the share is 0 or 1.

    It is the standard deviation of what the share may be if, before, each was as likely (Laplace, 1774).

    Examples
    --------
    >>> round(share_error(50.0, 100.0), 4), round(share_error(0.0, 100.0), 4)
    (0.0493, 0.0097)
    """
    return sqrt((count + 1.0) * (total - count + 1.0) / (total + 3.0)) / (total + 2.0)
