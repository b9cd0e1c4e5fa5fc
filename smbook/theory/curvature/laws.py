"""The laws of the two curvatures of a random section at finite size, each by an integral over a plane."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq

from smbook import _checks
from smbook.theory._shared import Values, plain
from smbook.theory.curvature.forms import Levels, levels, part_above, tail

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

_E_FOLDS, _SMALL = 40.0, 28.0  # after which the form's density, and its Fourier transform, are left out
_MOST_WAVES = 2**15
_POINTS = 2**17
_SPARE = 1.05  # of the period over the range
_NODES, _WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(80))
_NODES = _NODES + 0.5


class _Form(NamedTuple):
    """Hold the density of a form and its derivative, from end to end of where anything is left of them."""

    low: float
    high: float
    density: CubicHermiteSpline
    slope: CubicHermiteSpline


def curvature_density_exact(kappa: ArrayLike, eigenvalues: ArrayLike, *, sign: int) -> Values:
    r"""Return the density of a curvature of a section along two Gaussian directions, at any size of H.

    It is the derivative of `curvature_cumulative_exact`, with the same arguments, taken under the integral.

    Examples
    --------
    >>> values = [1.0] * 10 + [-1.0] * 10
    >>> round(curvature_density_exact(5.0, values, sign=1), 8)
    0.07804991
    >>> from smbook.theory.curvature import curvature_density
    >>> round(curvature_density(5.0, 0.0, 20.0, sign=1), 8)
    0.07466338
    """
    return _law(kappa, eigenvalues, sign, _density)


def curvature_cumulative_exact(kappa: ArrayLike, eigenvalues: ArrayLike, *, sign: int) -> Values:
    r"""Return the probability that a curvature of a random section is at most `kappa`, at any size of H.

    A section's Hessian of a given pair of curvatures has any orientation, with A and C its diagonal. Averaged
    over orientations A and C are independent, of the density f of eta^T H eta, and with their mean m

    .. math:: P(\kappa_+ > x) = P(m > x) + \int_0^\infty\!\! du \int_u^\infty\!\! dv\;
              f(x + u) f(x - v) \frac{u + v}{\sqrt{uv}}

    Here f is a sum of waves by its Fourier transform prod (1 - 2ik lambda)^(-1/2), which must decay fast: it
    does from some ten eigenvalues of one size on. The result is good to 1e-9.

    Parameters
    ----------
    kappa
        Any shape.
    eigenvalues
        Of H, shape (N,), not all 0.
    sign
        1 for the larger curvature, -1 for the smaller.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or eigenvalues are so few, or of so different
        sizes, that it would take more than 32768 waves.

    Examples
    --------
    >>> from smbook.theory.curvature import saddle_probability_exact
    >>> values = [1.0] * 10 + [-1.0] * 10
    >>> low, high = (curvature_cumulative_exact(0.0, values, sign=sign) for sign in (-1, 1))
    >>> round(low - high, 9), round(saddle_probability_exact(values), 9)
    (0.716960936, 0.716960936)
    """
    return _law(kappa, eigenvalues, sign, _cumulative)


def _law(
    kappa: ArrayLike,
    eigenvalues: ArrayLike,
    sign: int,
    function: Callable[[float, Levels, _Form, int], float],
) -> Values:
    """Return a function at each curvature; the smaller one is the larger one of -H, mirrored."""
    values = _checks.reals("kappa", kappa)
    found = levels(eigenvalues)
    side = _checks.integer("sign", sign, minimum=-1, maximum=1)
    if side == 0:
        raise ValueError("sign must be 1 or -1; got 0")
    found = found if side == 1 else found.mirrored()
    form = _form(found)
    each = [function(x, found, form, side) for x in (side * values / found.unit).ravel().tolist()]
    return plain(np.reshape(each, values.shape))


def _cumulative(x: float, found: Levels, form: _Form, side: int) -> float:
    above = tail(2 * x, _twice(found), upper=True) + _plane(x, form, slope=False)
    return min(max(1 - above if side == 1 else above, 0.0), 1.0)


def _density(x: float, found: Levels, form: _Form, side: int) -> float:  # noqa: ARG001
    return max(2 * part_above(2 * x, _twice(found), -1.0) - _plane(x, form, slope=True), 0.0) / found.unit


def _twice(found: Levels) -> Levels:
    """Return the levels of A + C."""
    return Levels(found.values, 2 * found.counts, found.unit)


def _plane(x: float, form: _Form, *, slope: bool) -> float:
    """Return the double integral, or its derivative by x, with u = a^2 and v = g^2, 0 < a < g."""
    if not form.low < x < form.high:
        return 0.0
    reach, top = math.sqrt(x - form.low), math.sqrt(form.high - x)
    bend = min(reach, top)  # beyond this g the range of a no longer grows
    return sum(_panel(x, form, ends, top, slope=slope) for ends in ((0.0, bend), (bend, reach)))


def _panel(x: float, form: _Form, ends: tuple[float, float], top: float, *, slope: bool) -> float:
    g = (ends[0] + (ends[1] - ends[0]) * _NODES)[:, np.newaxis]
    widths = np.minimum(g, top)
    a = widths * _NODES
    below, above = x - g**2, x + a**2
    product = form.density(above) * form.density(below)
    if slope:
        product = form.slope(above) * form.density(below) + form.density(above) * form.slope(below)
    return 4 * (ends[1] - ends[0]) * float(_WEIGHTS @ (widths * product * (a**2 + g**2)) @ _WEIGHTS)


def _form(found: Levels) -> _Form:
    """Return the density of a form in its unit by a sum of waves, or raise if it would take too many."""
    low, high = -_farthest(found.mirrored()), _farthest(found)
    period = _SPARE * (high - low)
    count = _last_wave(found) * period / (2 * math.pi)
    if count > _MOST_WAVES:
        raise ValueError(
            f"eigenvalues must be more, or of more equal size, for a sum of {_MOST_WAVES} waves; "
            f"got {found.rank} other than 0"
        )
    k = 2 * math.pi / period * np.arange(count + 1)
    logs = np.log(1 - 2j * np.multiply.outer(k, found.values)) @ found.counts / -2
    amplitudes = np.exp(logs - 1j * k * low) * 2 / period
    amplitudes[0] /= 2
    density, slope, bend = (np.fft.fft((-1j * k) ** r * amplitudes, _POINTS).real for r in range(3))
    y = low + period / _POINTS * np.arange(_POINTS)
    return _Form(low, high, CubicHermiteSpline(y, density, slope), CubicHermiteSpline(y, slope, bend))


def _last_wave(found: Levels) -> float:
    """Return the frequency after which the Fourier transform of the form's density is nothing."""

    def left(log_k: float) -> float:
        k = math.exp(log_k)
        decay = float(found.counts @ np.log1p((2 * found.values * k) ** 2)) / 4
        return _SMALL + math.log1p(k) - decay

    return math.exp(brentq(left, -30.0, 300.0)) if found.rank > 2 else math.inf


def _farthest(found: Levels) -> float:
    """Return a value that the form exceeds with a probability of exp(-40) at most, by Chernoff's bound."""
    top = float(found.values[-1])
    if top <= 0:
        return 0.0
    c = np.linspace(0.005, 0.995, 199) / (2 * top)
    logs = np.log1p(-2 * np.multiply.outer(c, found.values)) @ found.counts / -2
    return float(((logs + _E_FOLDS) / c).min())
