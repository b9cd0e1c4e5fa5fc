"""The power laws by which the errors of students fall in the end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from scipy.optimize import brentq
from scipy.special import ndtr

from smbook import _checks
from smbook.theory.perceptron._shared import surprise

if TYPE_CHECKING:
    from collections.abc import Callable


class PowerLaw(NamedTuple):
    """Hold what an error approaches for large loads, amplitude times alpha to the power of -exponent."""

    amplitude: float
    exponent: float


def learning_exponent(rule: str) -> PowerLaw:
    r"""Return the power law that a student's error approaches, error = amplitude * alpha^(-exponent).

    Without noise, with :math:`I = \int Dt\, e^{-t^2/2} / H(t) = 2.263980`,

    ==================== =========================================================== ========
    rule                 amplitude                                                   exponent
    ==================== =========================================================== ========
    "hebb"               :math:`1 / \sqrt{2 \pi}` = 0.3989423                        1/2
    "pseudo-inverse"     :math:`\sqrt{(\pi - 2) / 2} / \pi` = 0.2404866              1/2
    "gibbs"              :math:`\sqrt 2 / I` = 0.6246582                             1
    "bayes"              1 / I = 0.4417000                                           1
    "stability"          0.5004889, below                                            1
    "online-perceptron"  :math:`(2/3)^{1/3} / \pi` = 0.2780693                       1/3
    "online-adatron"     3/2 (at rate 1)                                             1
    "online-optimal"     2 / I = 0.8834001                                           1
    ==================== =========================================================== ========

    For the largest margin, kappa / sqrt(1 - R^2) approaches the solution u of

    .. math:: u^3 \Phi(u) + (u^2 - 1) \varphi(u) = 0,

    0.6388332, and the amplitude is :math:`1 / (\sqrt{2 \pi} [u \Phi(u) + \varphi(u)])`.

    Raises
    ------
    ValueError
        If there is no such rule.

    References
    ----------
    Watkin, Rau and Biehl (1993).

    Examples
    --------
    >>> law = learning_exponent("bayes")
    >>> round(law.amplitude, 10), law.exponent
    (0.4417000436, 1.0)
    """
    amplitude, exponent = _LAWS[_checks.choice("rule", rule, _LAWS)]
    return PowerLaw(amplitude(), exponent)


def _of_stability() -> float:
    u = float(brentq(lambda u: u**3 * ndtr(u) + (u * u - 1) * _density(u), 0.0, 1.0, xtol=1e-16))
    return 1 / (math.sqrt(2 * math.pi) * (u * float(ndtr(u)) + _density(u)))


def _density(u: float) -> float:
    return math.exp(-u * u / 2) / math.sqrt(2 * math.pi)


_LAWS: dict[str, tuple[Callable[[], float], float]] = {
    "hebb": (lambda: 1 / math.sqrt(2 * math.pi), 0.5),
    "pseudo-inverse": (lambda: math.sqrt((math.pi - 2) / 2) / math.pi, 0.5),
    "gibbs": (lambda: math.sqrt(2) / float(surprise(1.0)), 1.0),
    "bayes": (lambda: 1 / float(surprise(1.0)), 1.0),
    "stability": (_of_stability, 1.0),
    "online-perceptron": (lambda: (2 / 3) ** (1 / 3) / math.pi, 1 / 3),
    "online-adatron": (lambda: 1.5, 1.0),
    "online-optimal": (lambda: 2 / float(surprise(1.0)), 1.0),
}
