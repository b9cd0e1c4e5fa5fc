"""Gradient descent with finite steps: how large a curvature it bears, and a loss on which all is known.

The loss is L(x, y) = (1 - x y)^2 / 2, a network of two weights in a row that learns the number 1. Its minima
form the curve x y = 1, along which the sharpness, the largest eigenvalue of the Hessian, is x^2 + y^2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

PERIOD_TWO_RATES = (1.0, math.sqrt(5) - 1)

_METHODS = ("heavy-ball", "nesterov", "averaged")
_LARGEST = 1e100  # beyond which a square overflows soon


class Eigenvalues(NamedTuple):
    """Hold the smaller and the larger eigenvalue of a Hessian of two parameters."""

    low: Values
    high: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class FlowMinimum(NamedTuple):
    """Hold where gradient flow ends, and the largest eigenvalue of the Hessian there."""

    x: float
    y: float
    sharpness: float


class Path(NamedTuple):
    """Hold the points of gradient descent, (n_steps + 1,) each: nan once it has run away."""

    x: Floats
    y: Floats

    @property
    def loss(self) -> Floats:
        """The loss at each point."""
        return np.asarray((1 - self.x * self.y) ** 2 / 2)

    @property
    def diverged(self) -> bool:
        """Whether it has run away."""
        return bool(np.isnan(self.x[-1]))

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        end = "diverged" if self.diverged else f"ends at ({self.x[-1]:.6g}, {self.y[-1]:.6g})"
        return f"Path({self.x.size - 1} steps, {end})"


class PeriodTwo(NamedTuple):
    """Hold the two points x = y = high and x = y = low between which gradient descent jumps.

    Attributes
    ----------
    high, low
        The points.
    mean_loss
        The loss, averaged over both.
    along, across
        By what two steps multiply a small distance from the orbit, along x = y and across.
    """

    high: float
    low: float
    mean_loss: float
    along: float
    across: float

    @property
    def stable(self) -> bool:
        """Whether the orbit attracts what is near."""
        return max(abs(self.along), abs(self.across)) < 1


def largest_rate(curvature: ArrayLike, *, momentum: float = 0.0, method: str = "heavy-ball") -> Values:
    r"""Return the learning rate from which on steps on a quadratic of this curvature grow.

    With lambda the curvature, beta the momentum and L = lambda theta^2 / 2 descent converges below

    .. math:: \eta_{max} = \frac2\lambda, \qquad \frac{2 (1 + \beta)}\lambda, \qquad
              \frac{2 (1 + \beta)}{(1 + 2\beta) \lambda}, \qquad
              \frac{2 (1 + \beta)}{(1 - \beta) \lambda}

    without momentum, with Polyak's heavy ball theta' = theta - eta g + beta (theta - theta_before), with
    Nesterov's, whose gradient is that of the point where momentum leads, and if the gradient is averaged,
    m' = beta m + (1 - beta) g and theta' = theta - eta m'. The last is Adam whose second moments change no
    more; lambda is then the curvature of the Hessian P^(-1/2) H P^(-1/2) between its roots P, and beta = 0.9
    gives 38 / lambda. (Polyak 1964; Cohen, Kaur, Li, Kolter and Talwalkar, arXiv:2103.00065; Cohen et al.,
    arXiv:2207.14484 for Adam.)

    Solved for lambda the same formula tells which sharpness a learning rate bears.

    Parameters
    ----------
    curvature
        lambda, any shape, above 0.
    momentum
        beta, from 0 to below 1.
    method
        "heavy-ball", "nesterov" or "averaged"; without momentum they are one.

    Examples
    --------
    >>> largest_rate(10.0), largest_rate(10.0, momentum=0.5)
    (0.2, 0.3)
    >>> largest_rate(10.0, momentum=0.5, method="nesterov")
    0.15
    >>> round(largest_rate(1.0, momentum=0.9, method="averaged"), 10)
    38.0
    """
    values = _checks.reals("curvature", curvature)
    if (values <= 0).any():
        raise ValueError(f"curvature must be positive; got {values.min()}")
    beta = _checks.share_below_one("momentum", momentum)
    _checks.choice("method", method, _METHODS)
    divisor = {"heavy-ball": 1.0, "nesterov": 1 + 2 * beta, "averaged": 1 - beta}[method]
    return plain(2 * (1 + beta) / (divisor * values))


def contraction(
    curvature: ArrayLike, rate: float, *, momentum: float = 0.0, method: str = "heavy-ball"
) -> Values:
    r"""Return by what a step multiplies the distance from the minimum of a quadratic, in the long run.

    It is the largest size of a root z of z^2 - t z + d = 0, where

    .. math:: t = 1 + \beta - \eta\lambda, \; d = \beta, \qquad
              t = (1 + \beta)(1 - \eta\lambda), \; d = \beta (1 - \eta\lambda), \qquad
              t = 1 + \beta - (1 - \beta) \eta\lambda, \; d = \beta

    for the methods of `largest_rate` in turn: descent converges where it is below 1. Parameters are those of
    `largest_rate`, with a learning rate above 0; a curvature may also be 0 or negative here, where nothing
    converges.

    Examples
    --------
    >>> contraction([1.0, 10.0], 0.15).tolist()
    [0.85, 0.5]
    >>> round(contraction(10.0, 0.05, momentum=0.25), 10)
    0.5
    """
    values = _checks.reals("curvature", curvature)
    eta, beta = _checks.positive("rate", rate), _checks.share_below_one("momentum", momentum)
    _checks.choice("method", method, _METHODS)
    step = eta * values * (1 - beta if method == "averaged" else 1.0)
    if method == "nesterov":
        trace, product = (1 + beta) * (1 - step), beta * (1 - step)
    else:
        trace, product = 1 + beta - step, np.full_like(step, beta)
    root = np.sqrt(trace**2 / 4 - product + 0j)
    return plain(np.maximum(np.abs(trace / 2 + root), np.abs(trace / 2 - root)))


def product_loss(x: ArrayLike, y: ArrayLike) -> Values:
    """Return L = (1 - x y)^2 / 2; x and y are broadcast.

    Examples
    --------
    >>> product_loss(3.0, 1.0), product_loss(0.5, 2.0)
    (2.0, 0.0)
    """
    one, other = _point(x, y)
    return plain((1 - one * other) ** 2 / 2)


def product_gradient(x: ArrayLike, y: ArrayLike) -> tuple[Values, Values]:
    """Return the two derivatives -(1 - x y) y and -(1 - x y) x.

    Examples
    --------
    >>> product_gradient(3.0, 1.0)
    (2.0, 6.0)
    """
    one, other = _point(x, y)
    residual = 1 - one * other
    return plain(-residual * other), plain(-residual * one)


def product_hessian_eigenvalues(x: ArrayLike, y: ArrayLike) -> Eigenvalues:
    r"""Return the eigenvalues of the Hessian of `product_loss`.

    .. math:: H = \begin{pmatrix} y^2 & 2xy - 1 \\ 2xy - 1 & x^2 \end{pmatrix}

    They are 0 and x^2 + y^2 at a minimum x y = 1, and -1 and 1 at the saddle x = y = 0.

    Examples
    --------
    >>> product_hessian_eigenvalues(2.0, 0.5)
    Eigenvalues(low=0.0, high=4.25)
    >>> product_hessian_eigenvalues(0.0, 0.0)
    Eigenvalues(low=-1.0, high=1.0)
    """
    one, other = _point(x, y)
    centre, apart = (one**2 + other**2) / 2, (one**2 - other**2) / 2
    root = np.hypot(apart, 2 * one * other - 1)
    high = centre + root
    determinant = (one * other - 1) * (1 - 3 * one * other)
    return Eigenvalues(plain(determinant / high), plain(high))  # high is above 0, 1 at x = y = 0


def product_flow_minimum(x: float, y: float) -> FlowMinimum:
    r"""Return where gradient flow on `product_loss` ends.

    The flow keeps x^2 - y^2 = b and the sign of x + y, so that it ends on the branch of x y = 1 of that sign,
    with the sharpness x^2 + y^2 = sqrt(b^2 + 4), at least 2.

    Raises ValueError if x = -y, from where it ends in the saddle at 0.

    Examples
    --------
    >>> found = product_flow_minimum(4.0, 0.1)
    >>> round(found.x, 6), round(found.y, 6), round(found.sharpness, 3)
    (4.006532, 0.249592, 16.115)
    """
    one, other = _checks.real("x", x), _checks.real("y", y)
    if one == -other:
        raise ValueError(f"x must not be -y, from where the flow ends in the saddle; got {one}, {other}")
    balance = (one - other) * (one + other)
    sharpness = math.hypot(balance, 2)
    larger = math.copysign(math.sqrt((sharpness + abs(balance)) / 2), one + other)
    x_end, y_end = (larger, 1 / larger) if balance >= 0 else (1 / larger, larger)
    return FlowMinimum(x_end, y_end, sharpness)


def product_step(x: ArrayLike, y: ArrayLike, rate: float) -> tuple[Values, Values]:
    r"""Return the point after a step of gradient descent on `product_loss`.

    With r = 1 - x y it is x' = x + eta r y, y' = y + eta r x, and exactly

    .. math:: x'^2 - y'^2 = (x^2 - y^2)(1 - \eta^2 r^2)

    so that each step that misses balances the two weights, as gradient flow does not.

    Examples
    --------
    >>> product_step(2.0, 0.0, 0.25)
    (2.0, 0.5)
    """
    one, other = _point(x, y)
    move = _checks.positive("rate", rate) * (1 - one * other)
    return plain(one + move * other), plain(other + move * one)


def product_path(x: float, y: float, rate: float, n_steps: int) -> Path:
    """Return the points of gradient descent on `product_loss` from x, y on.

    A minimum x y = 1 attracts it only if x^2 + y^2 < 2 / eta: started where the flow would end in a sharper
    one, descent misses, balances its weights by that, and settles where it is flat enough. (After the
    edge of stability of Cohen, Kaur, Li, Kolter and Talwalkar, arXiv:2103.00065.)

    Examples
    --------
    >>> product_path(3.5, 0.1, 0.2, 500)
    Path(500 steps, ends at (2.50874, 0.398606))
    >>> product_path(5.0, 0.05, 0.2, 500).diverged
    True
    """
    one, other = _checks.real("x", x), _checks.real("y", y)
    eta = _checks.positive("rate", rate)
    steps = _checks.integer("n_steps", n_steps, minimum=0)
    points = np.full((2, steps + 1), math.nan)
    for k in range(steps + 1):
        if max(abs(one), abs(other)) > _LARGEST:
            break
        points[:, k] = one, other
        move = eta * (1 - one * other)
        one, other = one + move * other, other + move * one
    return Path(points[0], points[1])


def period_two_orbit(rate: float) -> PeriodTwo:
    r"""Return the orbit of period two of gradient descent on `product_loss`, beyond the edge of stability.

    On x = y a step is x' = x (1 + eta - eta x^2), and the flattest minimum x = y = 1, of sharpness 2, loses
    its stability at eta = 1. Beyond, the points

    .. math:: x_\pm = \tfrac12 \Bigl[\sqrt{1 + 3/\eta} \pm \sqrt{1 - 1/\eta}\Bigr], \qquad
              x_+ x_- = \frac1\eta, \quad x_+^2 + x_-^2 = 1 + \frac1\eta

    follow each other, with the mean loss (1 - 1 / eta^2) / 4. Two steps multiply a small distance by 9 -
    2 (1 + eta)^2 along x = y and by 3 - 2 eta across: the orbit is stable between the two `PERIOD_TWO_RATES`,
    1 and sqrt(5) - 1, attracts starts off x = y too, and gives way to one of period four.

    Raises ValueError for a rate of at most 1, where there is none.

    Examples
    --------
    >>> orbit = period_two_orbit(1.1)
    >>> round(orbit.high, 7), round(orbit.low, 7), round(orbit.mean_loss, 7), orbit.stable
    (1.116063, 0.8145516, 0.0433884, True)
    """
    eta = _checks.positive("rate", rate)
    if eta <= 1:
        raise ValueError(f"rate must be above 1 for an orbit of period two; got {eta}")
    wide, narrow = math.sqrt(1 + 3 / eta), math.sqrt(1 - 1 / eta)
    loss = (1 - 1 / eta) * (1 + 1 / eta) / 4
    return PeriodTwo((wide + narrow) / 2, (wide - narrow) / 2, loss, 9 - 2 * (1 + eta) ** 2, 3 - 2 * eta)


def _point(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    one, other = _checks.reals("x", x), _checks.reals("y", y)
    try:
        np.broadcast_shapes(one.shape, other.shape)
    except ValueError:
        raise ValueError(f"x and y must broadcast; got the shapes {one.shape} and {other.shape}") from None
    return one, other
