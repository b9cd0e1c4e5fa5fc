"""Where learning sets in and where a machine orders: rates, noise and thresholds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook.theory._shared import Values, plain
from smbook.theory.boltzmann import _units

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class OrderingScale(NamedTuple):
    """Hold where a machine without fields orders, at beta = 1.

    Attributes
    ----------
    singular_value
        The singular value above which one mode of many units orders alone, 1 / (sigma_v sigma_h).
    naive
        The scale s of independent weights from N(0, s^2) above which naive mean field orders: their largest
        singular value is `singular_value`.
    onsager
        The scale above which it really does, as a spin glass: the reaction of each unit on itself is left
        out.
    """

    singular_value: float
    naive: float
    onsager: float


def growth_rates(
    second_moments: ArrayLike,
    *,
    visible_variance: ArrayLike = 1.0,
    hidden_variance: float = 1.0,
    weight_decay: float = 0.0,
    learning_rate: float = 0.0,
) -> Values:
    r"""Return the rates at which the singular values of small weights grow, one for each mode of the data.

    .. math:: \dot W = \sigma_h^2 (C - \sigma_v^2) W - \gamma W, \qquad
              r_\alpha = \sigma_h^2 (c_\alpha - \sigma_v^2) - \gamma

    is the gradient of the mean log-likelihood to first order in W, with C the matrix of <v_i v_k> in the data
    and c its eigenvalues. A mode grows as exp(r t) where r > 0, that is above `learning_threshold`, and
    decays otherwise. Time is the sum of learning rates. Where units have means, C is their covariance,
    provided that biases keep up with the means or units are centred.

    The formula holds while w sigma_v sigma_h of every mode is far below 1. When others have been learned, a
    mode that is still small feels the variance that the machine gives it in place of sigma_v^2.
    (Decelle, Fissore and Furtlehner 2017.)

    Parameters
    ----------
    second_moments
        Eigenvalues c of the data's second moments, any shape.
    visible_variance
        sigma_v^2 of a visible unit in the machine: 1 for spins, 1/4 for binary units of mean 1/2; or that of
        each mode in the machine, in a shape that broadcasts.
    hidden_variance
        sigma_h^2 of a hidden unit without a field: 1 for spin and Gaussian units, 1/4 for binary ones.
    weight_decay
        gamma, at least 0.
    learning_rate
        Step eta of gradient ascent, which gives ln(1 + eta r) / eta in place of r; 0 for the flow.

    Raises
    ------
    ValueError
        If eta r <= -1: such a step reverses the mode.

    Examples
    --------
    >>> growth_rates([3.0, 0.5]).tolist()
    [2.0, -0.5]
    >>> growth_rates(1.25, visible_variance=0.25, hidden_variance=0.25)
    0.25
    >>> round(growth_rates(9.66, learning_rate=0.01), 3)
    8.305
    """
    moments = _checks.reals("second_moments", second_moments)
    variance = _checks.reals("visible_variance", visible_variance, minimum=0.0)
    response = _checks.positive("hidden_variance", hidden_variance)
    decay = _checks.real("weight_decay", weight_decay, minimum=0.0)
    step = _checks.real("learning_rate", learning_rate, minimum=0.0)
    rates = response * (moments - variance) - decay
    if step == 0:
        return plain(rates)
    if (step * rates <= -1).any():
        raise ValueError(f"learning_rate times a rate must be above -1; got {step * rates.min()}")
    return plain(np.log1p(step * rates) / step)


def learning_threshold(
    *, visible_variance: float = 1.0, hidden_variance: float = 1.0, weight_decay: float = 0.0
) -> float:
    """Return the second moment c of the data above which a mode is learned, sigma_v^2 + gamma / sigma_h^2.

    Arguments as in `growth_rates`, whose zero this is.

    Examples
    --------
    >>> learning_threshold(), learning_threshold(weight_decay=0.01, hidden_variance=0.25)
    (1.0, 1.04)
    """
    variance = _checks.positive("visible_variance", visible_variance)
    response = _checks.positive("hidden_variance", hidden_variance)
    return variance + _checks.real("weight_decay", weight_decay, minimum=0.0) / response


def noise_edge(n_visible: int, n_hidden: int, scale: float) -> float:
    r"""Return the largest singular value of random weights, s (sqrt(n_visible) + sqrt(n_hidden)).

    For independent entries of mean 0 and variance s^2, in the limit of many units; at finite size the largest
    singular value lies a little below, 1 or 2 per cent for some hundred units. What rises above the edge
    has been learned.
    (Marchenko and Pastur 1967.)

    Examples
    --------
    >>> round(noise_edge(784, 500, 0.01), 4)
    0.5036
    """
    n, m = _layers(n_visible, n_hidden)
    return _checks.positive("scale", scale) * (math.sqrt(n) + math.sqrt(m))


def noise_density(singular_values: ArrayLike, n_visible: int, n_hidden: int, scale: float) -> Values:
    r"""Return the density of the singular values of random weights in the limit of many units.

    .. math:: \rho(x) = \frac{\sqrt{(x_+^2 - x^2)(x^2 - x_-^2)}}{\pi s^2 \min(n, m)\, x}, \qquad
              x_\pm = s\,\bigl|\sqrt n \pm \sqrt m\bigr|

    between both edges, the upper of which is `noise_edge`, and 0 elsewhere; its integral is 1.
    There are min(n, m) singular values. (Marchenko and Pastur 1967.)

    Examples
    --------
    >>> round(noise_density(1.0, 100, 100, 0.1), 4)  # a quarter of a circle
    0.5513
    >>> noise_density(2.1, 100, 100, 0.1)
    0.0
    """
    x = _checks.reals("singular_values", singular_values, minimum=0.0)
    n, m = _layers(n_visible, n_hidden)
    s = _checks.positive("scale", scale)
    low, high = s * abs(math.sqrt(n) - math.sqrt(m)), s * (math.sqrt(n) + math.sqrt(m))
    inside = (x >= low) & (x <= high)
    safe = np.where(inside & (x > 0), x, high)
    root = np.sqrt((high - safe) * (high + safe)) * np.sqrt((1 - low / safe) * (1 + low / safe))
    peak = np.where(inside & (x == 0), high, root)  # the end of a quarter of a circle, where low = 0
    return plain(np.where(inside, peak, 0.0) / (math.pi * s**2 * min(n, m)))


def ordering_scale(
    n_visible: int, n_hidden: int, *, visible: str = "spin", hidden: str = "spin"
) -> OrderingScale:
    r"""Return where a machine of many units orders: with one mode, and with random weights.

    One mode W = w u u' of unit vectors with many entries orders at w = 1 / (sigma_v sigma_h). Random weights
    from N(0, s^2) have singular values up to s (sqrt(n) + sqrt(m)), and naive mean field orders where that is
    as large. With Onsager's reaction terms a machine of n visible and m hidden units orders only at

    .. math:: s^4 n m = 1 \;\text{ (spin-spin)}, \qquad
              s^2 n \Bigl(1 + \sqrt{m/n}\Bigr) = 1 \;\text{ (spin-Gaussian)},

    the second of which is the T_g = 1 + sqrt(alpha) of Hopfield's network with s^2 = beta / n and m patterns
    (Amit, Gutfreund and Sompolinsky 1985; Barra, Bernacchia, Santucci and Contucci 2012). Binary units move
    by half as much as spins and need twice the weights for each layer of them, if they are centred: if biases
    take away the mean field of a binary layer, c_j = -sum_i W_ij / 2 and likewise b_i.

    Examples
    --------
    >>> scale = ordering_scale(784, 500)
    >>> round(scale.naive, 6), round(scale.onsager, 6)
    (0.019857, 0.039965)
    >>> ordering_scale(784, 500, visible="binary", hidden="binary").singular_value
    4.0
    """
    n, m = _layers(n_visible, n_hidden)
    _units.kinds(visible, hidden)
    threshold = 1 / (_units.deviation(visible) * _units.deviation(hidden))
    squared = 1 / math.sqrt(n * m) if hidden != "gaussian" else 1 / (n + math.sqrt(n * m))
    return OrderingScale(threshold, threshold / (math.sqrt(n) + math.sqrt(m)), threshold * math.sqrt(squared))


def _layers(n_visible: int, n_hidden: int) -> tuple[int, int]:
    n = _checks.integer("n_visible", n_visible, minimum=1)
    return n, _checks.integer("n_hidden", n_hidden, minimum=1)
