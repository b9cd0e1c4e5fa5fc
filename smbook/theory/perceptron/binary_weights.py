"""How many random labels a unit with weights +1 and -1 learns (Krauth and Mezard).

P = alpha N examples have random labels y; of the 2^N weights, about exp(N s) give every example
y w.x / sqrt(N) >= kappa. Their entropy s falls with the load, and where it is 0 the last one goes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr

from smbook._records import equal
from smbook.theory._shared import Values, gaussian_rule, plain, sech_squared, spin_entropy
from smbook.theory.perceptron import _tails
from smbook.theory.perceptron._arguments import below, broadcast, stabilities
from smbook.theory.perceptron._roots import rising_root

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_LOWEST, _HIGHEST = -2.5, 1e4  # stabilities
_WEAKEST, _STRONGEST = -706.0, 60.0  # ln of the conjugate of q; beyond, 1 - q is the rounding of 1


class BinaryVolume(NamedTuple):
    """Hold the overlap q of two solutions, its conjugate, and the entropy s per weight in nats."""

    overlap: Values
    conjugate: Values
    entropy: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def binary_volume(load: ArrayLike, stability: ArrayLike = 0.0) -> BinaryVolume:
    r"""Return the replica-symmetric overlap and entropy of the solutions with weights +1 and -1.

    .. math:: q = \int Dz \tanh^2(\sqrt{\hat q} z), \qquad
              \hat q = \frac{\alpha}{1 - q} \int Dz\, G(x)^2, \qquad
              x = \frac{\kappa + \sqrt q\, z}{\sqrt{1 - q}}

    with the tail H of the unit Gaussian measure Dz and G = phi / H. They make stationary

    .. math:: s = -\tfrac12 \hat q (1 - q) + \int Dz \ln 2\cosh(\sqrt{\hat q} z) + \alpha \int Dz \ln H(x),

    which is ln 2 without examples and falls. It is the entropy of the solutions up to `binary_capacity`.
    Above, s is negative, which no set of whole things has: there are no solutions, and the values continue
    the formulas only. They end with q = 1 at 2 / pi times the capacity of weights on the sphere, 4 / pi for
    kappa = 0.

    Parameters
    ----------
    load
        alpha, at least 1e-300 and below the end, any shape.
    stability
        kappa, from -2.5 to 1e4, of a shape that broadcasts with it.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Krauth and Mezard (1989).

    Examples
    --------
    >>> volume = binary_volume(0.8330786)
    >>> round(volume.overlap, 4), abs(volume.entropy) < 1e-8
    (0.5639, True)
    """
    alpha, kappa = broadcast(load, stability, _LOWEST, _HIGHEST)
    end = 2 / math.pi / _tails.moments(kappa)[1]
    below(alpha, kappa, end, "the end of the solution,")
    pairs = zip(alpha.ravel().tolist(), kappa.ravel().tolist(), strict=True)
    table = np.reshape(np.array([_volume(a, k) for a, k in pairs], np.float64), (*alpha.shape, 3))
    return BinaryVolume(*(plain(table[..., k]) for k in range(3)))


def binary_capacity(stability: ArrayLike = 0.0) -> Values:
    """Return the load at which the entropy of solutions with weights +1 and -1 is 0.

    It is 0.8330786 without a margin, where weights of any size reach 2: a weight of one bit holds 0.83 bits.
    Krauth and Mezard (1989) found it by replica theory, with one step of symmetry breaking that comes down to
    the entropy of the symmetric solution, which is stable there. Ding and Sun (2019) proved that there are
    solutions below it, with a probability that stays positive, and Huang (2024) that there are none above it,
    both for Gaussian inputs and kappa = 0, and on the premise that an explicit function has its maximum where
    it is seen numerically. Without such a premise it is proven that the capacity is below 0.847 (Altschuler
    and Tikhomirov 2024). At other kappa the value is that of replica theory, where the solution is stable
    too.

    Parameters
    ----------
    stability
        kappa, from -2.5 to 1e4, any shape.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Krauth and Mezard (1989); Ding and Sun (2019); Huang (2024); Altschuler and Tikhomirov (2024).

    Examples
    --------
    >>> round(binary_capacity(), 7)
    0.8330786
    """
    kappa = stabilities(stability, _LOWEST, _HIGHEST)
    found = [_capacity(value) for value in kappa.ravel().tolist()]
    return plain(np.reshape(np.array(found, np.float64), kappa.shape))


def binary_first_moment(load: ArrayLike, stability: ArrayLike = 0.0) -> Values:
    r"""Return the logarithm of the mean number of solutions per weight, an upper bound of their entropy.

    .. math:: \frac1N \ln \langle \mathcal N \rangle = \ln 2 + \alpha \ln H(\kappa)
              \;\overset{\kappa = 0}{=}\; (1 - \alpha) \ln 2

    It is exact at any N for Gaussian inputs, and linear in the load. By Markov's inequality no solutions are
    left where it is negative: the capacity is at most 1 for kappa = 0. It is lower, as the mean counts rare
    samples with very many solutions.

    Parameters
    ----------
    load
        alpha, from 1e-300 to 1e300, any shape.
    stability
        kappa, from -37 to 1e4, of a shape that broadcasts with it.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    Examples
    --------
    >>> round(binary_first_moment(0.5), 6)
    0.346574
    """
    alpha, kappa = broadcast(load, stability, -37.0, _HIGHEST)
    return plain(math.log(2) * (1 - alpha) if not kappa.any() else math.log(2) + alpha * log_ndtr(-kappa))


class _Point(NamedTuple):
    """Hold the solution at one value of the conjugate: q, alpha and s."""

    overlap: float
    load: float
    entropy: float


def _point(x: float, kappa: float) -> _Point:
    """Return the solution at which the conjugate of q is exp(x); s has no difference of large numbers."""
    field = math.exp(x / 2)
    rule = gaussian_rule(0.0, 1 / field)
    u = field * rule.distance
    rest, overlap = float(rule.mean(sech_squared(u))), float(rule.mean(np.tanh(u) ** 2))
    cavity = _tails.cavity(overlap, rest, kappa)
    load = field**2 * rest / _tails.hazard_square(cavity)
    entropy = float(rule.mean(spin_entropy(u))) + load * _tails.log_tail_and_square(cavity)
    return _Point(overlap, load, entropy)


def _volume(alpha: float, kappa: float) -> tuple[float, float, float]:
    """Return q, its conjugate, and s."""
    log = math.log(alpha)
    guess = log + 2 * math.log(_tails.hazard(np.array(kappa)))  # the conjugate at small loads
    x = rising_root(lambda y: math.log(_point(y, kappa).load) - log, guess, _WEAKEST, _STRONGEST)
    point = _point(x, kappa)
    return point.overlap, math.exp(x), point.entropy


def _capacity(kappa: float) -> float:
    """Return the load at which s is 0."""
    x = float(brentq(lambda x: _point(x, kappa).entropy, -20.0, _STRONGEST, xtol=1e-14))
    return _point(x, kappa).load
