"""Signals in random matrices: when the leading eigenvalue leaves the bulk, and what its vector knows."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from smbook import _checks
from smbook.theory._shared import gaussian_rule
from smbook.theory.random_matrices.bulk import marchenko_pastur_edges, semicircle_edges


class Outlier(NamedTuple):
    """Hold an extreme eigenvalue in the limit of large matrices, and the overlap of its vector.

    Attributes
    ----------
    eigenvalue
        Its limit; the bulk's edge below the threshold.
    overlap
        The squared cosine of the angle between eigenvector and signal; 0 up to the threshold.
    variance
        The limit of N (samples: n) times the eigenvalue's variance, for Gaussian noise; nan up to the
        threshold, where the eigenvalue fluctuates as `smbook.theory.random_matrices.tracy_widom` says.
    """

    eigenvalue: float
    overlap: float
    variance: float


class SingularOutlier(NamedTuple):
    """Hold the leading singular value of a large matrix, and the squared overlaps of its two vectors."""

    singular_value: float
    left_overlap: float
    right_overlap: float


def spiked_wigner(theta: float, variance: float = 1.0) -> Outlier:
    r"""Return the extreme eigenvalue of a large symmetric random matrix with a signal of rank one.

    The matrix is theta v v^T + W with a unit vector v that W does not know, and independent entries of W of
    variance sigma^2 / N. If abs(theta) > sigma an eigenvalue leaves the bulk,

    .. math:: \lambda \to \theta + \frac{\sigma^2}\theta, \qquad
              (u \cdot v)^2 \to 1 - \frac{\sigma^2}{\theta^2}, \qquad
              N \operatorname{Var} \lambda \to 2\sigma^2 \Bigl(1 - \frac{\sigma^2}{\theta^2}\Bigr)

    and else it sticks to the edge. A negative theta pulls out the lowest. The variance holds for Gaussian W,
    of 2 sigma^2 / N on the diagonal. (Peche 2006; Capitaine, Donati-Martin and Feral 2009; Benaych-Georges
    and Nadakuditi 2011 for the vector. The threshold is named after Baik, Ben Arous and Peche 2005.)

    Examples
    --------
    >>> spiked_wigner(2.0)
    Outlier(eigenvalue=2.5, overlap=0.75, variance=1.5)
    >>> spiked_wigner(0.5)
    Outlier(eigenvalue=2.0, overlap=0.0, variance=nan)
    """
    strength, s = _checks.real("theta", theta), _checks.positive("variance", variance)
    if strength**2 <= s:
        return Outlier(math.copysign(semicircle_edges(s).high, strength), 0.0, math.nan)
    overlap = 1 - s / strength**2
    return Outlier(strength + s / strength, overlap, 2 * s * overlap)


def spiked_wigner_signs(theta: float) -> float:
    r"""Return the largest squared overlap with a signal of signs that a spiked matrix allows.

    For v of entries +-1 / sqrt(N) with fair signs, and sigma = 1, the posterior mean of the signs has the
    squared cosine q with them,

    .. math:: q = \int Dz \tanh(\theta^2 q + \theta \sqrt q\, z)

    which is above 1 - 1 / theta^2 of the leading eigenvector, from the same threshold theta = 1 on. To know
    that the signal is made of signs helps above the threshold and does not lower it. Nothing that is computed
    from the matrix does better in the limit. (Deshpande, Abbe and Montanari 2017.)

    Parameters
    ----------
    theta
        At least 0.

    Examples
    --------
    >>> round(spiked_wigner_signs(1.5), 7), round(spiked_wigner(1.5).overlap, 7), spiked_wigner_signs(0.9)
    (0.6922947, 0.5555556, 0.0)
    """
    strength = _checks.real("theta", theta, minimum=0.0)
    square = strength**2
    if strength <= 1:
        return 0.0

    def gain(q: float) -> float:
        deviation = strength * math.sqrt(q)
        rule = gaussian_rule(-deviation, 1 / deviation)
        return float(rule.mean(np.tanh(deviation * rule.distance))) - q

    first = (square - 1) / (2 * square**2)  # half of what the weakest signals have
    return 1.0 if gain(1.0) >= 0 else float(brentq(gain, first, 1.0, xtol=1e-15))


def spiked_covariance(ell: float, ratio: float) -> Outlier:
    r"""Return the extreme eigenvalue of a large sample covariance whose population has one other variance.

    Of p features one direction has the variance ell and all others 1; gamma = p / n. If abs(ell - 1) >
    sqrt(gamma)

    .. math:: \lambda \to \ell \Bigl(1 + \frac\gamma{\ell - 1}\Bigr), \qquad
              (u \cdot v)^2 \to \frac{1 - \gamma / (\ell - 1)^2}{1 + \gamma / (\ell - 1)}, \qquad
              n \operatorname{Var} \lambda \to 2\ell^2 \Bigl(1 - \frac\gamma{(\ell - 1)^2}\Bigr)

    and else it sticks to the edge. With ell < 1 it is the smallest eigenvalue other than 0, which a spike
    pulls out only if gamma < 1. (Baik, Ben Arous and Peche 2005; Baik and Silverstein 2006; Paul 2007 for
    the vector and the variance, of Gaussian samples; Johnstone 2001 for the model.)

    Parameters
    ----------
    ell
        Variance along the signal, above 0.
    ratio
        gamma, features over samples, above 0.

    Examples
    --------
    >>> spiked = spiked_covariance(4.0, 0.5)
    >>> round(spiked.eigenvalue, 6), round(spiked.overlap, 6)
    (4.666667, 0.809524)
    >>> round(spiked_covariance(1.3, 0.5).eigenvalue, 6)
    2.914214
    """
    population, g = _checks.positive("ell", ell), _checks.positive("ratio", ratio)
    apart = population - 1
    if apart**2 <= g:
        edges = marchenko_pastur_edges(g)
        return Outlier(edges.high if apart >= 0 else edges.low, 0.0, math.nan)
    left = 1 - g / apart**2
    return Outlier(population * (1 + g / apart), left / (1 + g / apart), 2 * population**2 * left)


def spiked_rectangular(theta: float, ratio: float) -> SingularOutlier:
    r"""Return the leading singular value of a large random rectangle with a signal of rank one.

    The matrix, of c m rows and m columns, is theta u v^T + X with unit vectors u, v that X does not know, and
    independent entries of X of variance 1 / m. If theta > c^(1/4)

    .. math:: s \to \frac{\sqrt{(1 + \theta^2)(c + \theta^2)}}\theta, \qquad
              (\hat u \cdot u)^2 \to 1 - \frac{c (1 + \theta^2)}{\theta^2 (\theta^2 + c)}, \qquad
              (\hat v \cdot v)^2 \to 1 - \frac{c + \theta^2}{\theta^2 (\theta^2 + 1)}

    and else it sticks to the edge 1 + sqrt(c). (Benaych-Georges and Nadakuditi 2012.)

    Parameters
    ----------
    theta
        Singular value of the signal, at least 0.
    ratio
        c, rows over columns, above 0.

    Examples
    --------
    >>> found = spiked_rectangular(2.0, 0.25)
    >>> round(found.singular_value, 6), round(found.left_overlap, 6), round(found.right_overlap, 6)
    (2.304886, 0.926471, 0.7875)
    """
    square, c = _checks.real("theta", theta, minimum=0.0) ** 2, _checks.positive("ratio", ratio)
    if square**2 <= c:
        return SingularOutlier(1 + math.sqrt(c), 0.0, 0.0)
    return SingularOutlier(
        math.sqrt((1 + square) * (c + square) / square),
        1 - c * (1 + square) / (square * (square + c)),
        1 - (c + square) / (square * (square + 1)),
    )
