"""The student with the largest margin, also for labels with noise, and how many of these can be learned."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from smbook._records import equal
from smbook.theory._shared import Values, columns
from smbook.theory.perceptron._shared import checked_loads, checked_noise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_REACH = 12  # standard deviations beyond which a Gaussian is nothing
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_SMALL = 0.1
_TANGENT = (1 / 3, 2 / 15, 17 / 315, 62 / 2835, 1382 / 155925, 21844 / 6081075, 929569 / 638512875)
_EXACT = {"xtol": 1e-300, "rtol": 4 * float(np.finfo(np.float64).eps)}


class StabilityCurve(NamedTuple):
    """Hold the overlap R, the error arccos(R) / pi and the largest stability kappa = min y w.x / norm(w)."""

    overlap: Values
    error: Values
    stability: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def stability_curve(load: ArrayLike, *, label_noise: float = 0.0) -> StabilityCurve:
    r"""Return how well the weights of largest margin answer, as an ideal support vector machine finds them.

    With the aligned fields of examples that the student does not know, y w.x = h norm(w), and s^2 = 1 - R^2,

    .. math:: G(\kappa, R) = \langle (\kappa - h)_+^2 \rangle = 2 \int_{-\infty}^\kappa Dh\,
              \Bigl[l + (1 - 2 l) \Phi\Bigl(\frac{R h}{s}\Bigr)\Bigr] (\kappa - h)^2

    the largest kappa and its R follow from :math:`1 - R^2 = \alpha G` and :math:`-2 R = \alpha \,\partial G /
    \partial R`. The second one is

    .. math:: R = \alpha (1 - 2 l) \sqrt{2 / \pi} \, [\kappa \Phi(\kappa / s) + s \varphi(\kappa / s)].

    Without noise the error falls like 0.5004889 / alpha. Noise can be fitted up to `noisy_capacity`, where
    kappa = 0.

    Parameters
    ----------
    load
        alpha = P / N, positive, any shape; with noise at most `noisy_capacity`.
    label_noise
        l, the share of labels that were turned, from 0 to 1.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range, or no student answers right to all
        examples: the error says up to which load there is one.

    References
    ----------
    Opper, Kinzel, Kleinz and Nehl (1990); Watkin, Rau and Biehl (1993).

    Examples
    --------
    >>> curve = stability_curve(2.0)
    >>> round(curve.overlap, 6), round(curve.error, 6), round(curve.stability, 6)
    (0.829758, 0.188479, 0.454578)
    >>> stability_curve(3.0, label_noise=0.2)
    Traceback (most recent call last):
    ...
    ValueError: load must be at most 2.39133, the capacity at label_noise=0.2; got 3.0
    """
    loads = checked_loads(load)
    noise, sign = checked_noise(label_noise)
    capacity = noisy_capacity(noise)
    if (loads > capacity).any():
        raise ValueError(
            f"load must be at most {capacity:.6g}, the capacity at label_noise={label_noise}; "
            f"got {loads.max()}"
        )
    records = [_of_load(alpha, noise, sign) for alpha in loads.ravel().tolist()]
    return StabilityCurve(*columns(records, loads, len(StabilityCurve._fields)))


def noisy_capacity(label_noise: Any) -> float:
    r"""Return up to which load a student answers right to all examples, of whose labels a share l was turned.

    The student that is left there is at an angle theta to the teacher, and for l up to 1/2

    .. math:: \tan\theta - \theta = \frac{\pi l}{1 - 2 l}, \qquad
              \alpha_c = \frac{1}{l + (1 - 2 l)\, \theta / \pi}.

    So 1 / alpha_c is the probability that it gets a new label with the same noise wrong. The capacity is 2
    for random labels, l = 1/2, infinite without noise and about (pi^2 / 3 l)^(1/3) for little.

    Raises
    ------
    TypeError, ValueError
        If the noise is no real number from 0 to 1.

    References
    ----------
    Gardner (1988) for l = 1/2; Gyorgyi and Tishby (1990) for noisy examples. The closed form is what the
    equations of `stability_curve` become at kappa = 0.

    Examples
    --------
    >>> [round(noisy_capacity(noise), 6) for noise in (0.1, 0.5, 0.9)]
    [2.992286, 2.0, 2.992286]
    >>> noisy_capacity(0.0)
    inf
    """
    noise, _ = checked_noise(label_noise)
    if noise == 0.0:
        return math.inf
    return 1 / (noise + (1 - 2 * noise) * _angle_at_capacity(noise) / math.pi)


def _angle_at_capacity(noise: float) -> float:
    """Return theta, at most a right angle, at which tan(theta) - theta is pi l / (1 - 2 l)."""
    right = math.pi / 2
    if noise == 0.5:
        return right
    target = math.cbrt(math.pi * noise / (1 - 2 * noise))
    return float(brentq(lambda angle: math.cbrt(_above_angle(angle)) - target, 0.0, right, **_EXACT))


def _above_angle(angle: float) -> float:
    """Return tan(x) - x; of small angles by its series, with all digits."""
    if angle > _SMALL:
        return math.tan(angle) - angle
    return angle**3 * float(np.polynomial.polynomial.polyval(angle * angle, _TANGENT))


def _of_load(alpha: float, noise: float, sign: float) -> tuple[float, ...]:
    """Return R, the error and kappa at one load.

    The angle is known of u = kappa / s, and the first equation for u alone has one solution: along the angles
    that solve the second, u grows with kappa, and s^2 - alpha G is their largest, which falls with kappa.
    """
    if _room(0.0, alpha, noise) <= 0.0:  # at the capacity, to rounding
        u = 0.0
    else:
        high = 1.0
        while _room(high, alpha, noise) > 0.0:
            high *= 2
        u = float(brentq(_room, 0.0, high, args=(alpha, noise), **_EXACT))
    along, across = _direction(u, alpha, noise)
    angle = math.atan2(across, sign * along)
    return sign * along, angle / math.pi, u * across


def _direction(u: float, alpha: float, noise: float) -> tuple[float, float]:
    """Return R and s at u = kappa / s, by the second equation, which gives R / s."""
    ratio = alpha * (1 - 2 * noise) * math.sqrt(2 / math.pi) * _first(u)
    across = 1 / math.hypot(1.0, ratio)
    return ratio * across, across


def _first(u: float) -> float:
    """Return the mean of u - x where it is positive, for a unit Gaussian x."""
    return u * float(ndtr(u)) + math.exp(-u * u / 2) / math.sqrt(2 * math.pi)


def _room(u: float, alpha: float, noise: float) -> float:
    """Return 1 - alpha G / s^2 at u = kappa / s, positive where there is room for a larger kappa."""
    along, across = _direction(u, alpha, noise)
    scale = math.sqrt(alpha)
    clean = scale * across * (scale * _second(u, along, across))
    if noise == 0.0:
        return 1 - 2 * clean
    kappa = u * across
    turned = (1 + kappa * kappa) * float(ndtr(kappa)) + kappa * math.exp(-kappa * kappa / 2) / math.sqrt(
        2 * math.pi
    )
    return 1 - 2 * (1 - 2 * noise) * clean - 2 * noise * alpha * turned / across**2


def _second(u: float, along: float, across: float) -> float:
    """Return the integral of phi(s x) Phi(R x) (u - x)^2 up to u, where h = s x.

    Below 0 the density falls like exp(-x^2 / 2). Panels are 1 wide near 0, and 1 / s further up.
    """
    wide = min(u, _REACH / across)
    edges = np.unique(
        np.minimum(
            np.concatenate([np.arange(-_REACH, _REACH + 1.0), np.arange(1.0, _REACH + 1) / across]), wide
        )
    )
    half = np.diff(edges)[:, np.newaxis] / 2
    x: Floats = (edges[:-1, np.newaxis] + half * (1 + _NODES)).ravel()
    density = np.exp(-((across * x) ** 2) / 2) / math.sqrt(2 * math.pi)
    return float((half * _WEIGHTS).ravel() @ (density * ndtr(along * x) * (u - x) ** 2))
