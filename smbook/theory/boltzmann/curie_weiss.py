"""Machines with a single hidden unit that learn a finite Curie-Weiss magnet, by exact sums at any time."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from smbook import _checks
from smbook.theory._shared import Floats, log_binomials, log_two_cosh
from smbook.theory.boltzmann.learning import Mode
from smbook.theory.ising import curie_weiss_finite

_MOST_SPINS = 10**6
_LARGEST_BETA = 1e6
_STRONGEST = 1e4  # at such a weight all spins agree


@dataclass(frozen=True, eq=False)
class CurieWeissLearner(Mode):
    """Hold a machine of n spins and one hidden unit that learns a Curie-Weiss magnet.

    Attributes
    ----------
    fixed_point
        The weight w* at which learning ends.
    n
        Number N of visible spins.
    beta
        Inverse temperature of the magnet.
    magnetization
        The N + 1 values of m = M / N, rising.
    law
        Their probabilities in the magnet, which are the data.
    second_moment
        c_d = <M^2> / N in the data.
    absolute
        <abs(m)> in the data.
    """

    fixed_point: float
    n: int
    beta: float
    magnetization: Floats
    law: Floats
    second_moment: float
    absolute: float

    def learned_law(self, weight: float | None = None) -> Floats:
        """Return the machine's probabilities of the values of m; without a weight at the fixed point."""
        return np.exp(self._log_learned_law(weight))

    def kl_divergence(self, weight: float | None = None) -> float:
        """Return the Kullback-Leibler divergence of the machine from the data, in nats in all.

        Without a weight it is what is left at the fixed point.
        """
        log_machine = self._log_learned_law(weight)
        ratio = self._log_law(self.n * self.beta * self.magnetization**2 / 2) - log_machine
        close = np.maximum(ratio, -1.0)  # terms that are positive one by one, where they are small
        terms = self.law * (np.expm1(-close) + close)
        far = np.exp(log_machine) - self.law + self.law * ratio
        return float(np.where(ratio > -1, terms, far).sum())

    @abc.abstractmethod
    def _exponent(self, weight: float) -> Floats:
        """Return ln p(v) of the machine for a state of each magnetization, up to a constant."""

    def _log_learned_law(self, weight: float | None) -> Floats:
        w = self.fixed_point if weight is None else _checks.real("weight", weight, minimum=0.0)
        return self._log_law(self._exponent(min(w, _STRONGEST)))

    def _log_law(self, exponent: Floats) -> Floats:
        """Return the logarithm of the law of m that the exponents of single states lead to."""
        log_weight = log_binomials(self.n) + exponent
        return np.asarray(log_weight - np.logaddexp.reduce(log_weight))


class _GaussianHidden(CurieWeissLearner):
    def growth_rate(self, weight: float) -> float:
        return self.second_moment - _second_moment(self.n, weight**2)

    def _exponent(self, weight: float) -> Floats:
        return np.asarray(self.n * weight**2 * self.magnetization**2 / 2)


class _SpinHidden(CurieWeissLearner):
    def growth_rate(self, weight: float) -> float:
        if weight == 0:
            return self.second_moment - 1
        along = self.law @ (self.magnetization * np.tanh(weight * self.n * self.magnetization))
        return float(along - math.tanh(weight)) / weight

    def _exponent(self, weight: float) -> Floats:
        return log_two_cosh(weight * self.n * self.magnetization, 1.0)


def gaussian_hidden_curie_weiss(n: int, beta: float) -> CurieWeissLearner:
    r"""Return how one Gaussian hidden unit learns a Curie-Weiss magnet of n spins, which it does exactly.

    With weights w_i = w / sqrt(N) the machine is a Curie-Weiss magnet of the inverse temperature w^2, and the
    gradient of the log-likelihood that the weights follow is

    .. math:: p(s) \propto e^{w^2 M^2 / 2N}, \qquad \dot w = w\, [c(\beta) - c(w^2)], \qquad
              c(\beta) = \langle M^2 \rangle_\beta / N, \qquad w_* = \sqrt\beta.

    A small weight grows at the rate c(beta) - 1. All averages are sums over M at finite N, without an error
    but rounding. Growth is nearly exponential up to w = 1, where the machine orders.

    Parameters
    ----------
    n
        Number N of spins, up to 10^6.
    beta
        Inverse temperature of the data, from 0 to 10^6.

    Returns
    -------
    CurieWeissLearner
        With `fixed_point`, `second_moment`, `path(times, initial=)`, `time_to(weight, initial=)`,
        `linear_time_to(weight, initial=)`, `growth_rate(weight)`, `learned_law(weight)`,
        `kl_divergence(weight)`.

    Examples
    --------
    >>> machine = gaussian_hidden_curie_weiss(100, 1.2)
    >>> round(machine.second_moment, 6), round(machine.fixed_point**2, 6)
    (38.223046, 1.2)
    >>> round(machine.time_to(1.0, initial=0.01), 6), round(machine.linear_time_to(1.0, initial=0.01), 6)
    (0.124859, 0.123718)
    >>> machine.path([0.0, 0.1, 0.2], initial=0.01).round(4).tolist()
    [0.01, 0.4126, 1.0954]
    """
    data = _data(n, beta)
    return _GaussianHidden(math.sqrt(data.beta), *data)


def spin_hidden_curie_weiss(n: int, beta: float) -> CurieWeissLearner:
    r"""Return how one hidden spin learns a Curie-Weiss magnet of n spins, and what it cannot learn.

    With all weights equal to w, each driven by its own gradient,

    .. math:: p(s) \propto 2\cosh(w M), \qquad
              \dot w = \langle m \tanh(w M) \rangle_{\rm data} - \tanh w

    stops where tanh w* = <m tanh(w* M)>, which is about <abs(m)>. The machine is a mixture of two product
    states of magnetizations +-tanh w*, and the Kullback-Leibler divergence that is left, by finite sums over
    M, is largest near the critical point.

    Parameters and what is returned are those of `gaussian_hidden_curie_weiss`; w* is inf if every state of
    the data, within rounding, is fully magnetized.

    Examples
    --------
    >>> machine = spin_hidden_curie_weiss(100, 1.2)
    >>> round(machine.fixed_point, 7), round(math.tanh(machine.fixed_point), 7), round(machine.absolute, 7)
    (0.6810283, 0.5921875, 0.592198)
    >>> round(machine.kl_divergence(), 6)
    1.121266
    """
    data = _data(n, beta)
    return _SpinHidden(_spin_fixed_point(data), *data)


class _Data(NamedTuple):
    n: int
    beta: float
    magnetization: Floats
    law: Floats
    second_moment: float
    absolute: float


def _data(n: int, beta: float) -> _Data:
    size = _checks.integer("n", n, minimum=1, maximum=_MOST_SPINS)
    value = _checks.real("beta", beta, minimum=0.0, maximum=_LARGEST_BETA)
    m, law, _ = curie_weiss_finite(size, value)
    return _Data(size, value, m, law, _second_moment(size, value), float(law @ np.abs(m)))


def _second_moment(n: int, beta: float) -> float:
    magnet = curie_weiss_finite(n, beta)
    return float(n * (magnet.probability @ magnet.magnetization**2))


def _spin_fixed_point(data: _Data) -> float:
    """Return the positive zero of <m tanh(w M)> - tanh w, or 0, from what both lack to 1."""
    size = np.abs(data.magnetization)
    least = float(data.law @ (1 - size))
    if least == 0:
        return math.inf if data.n > 1 and data.beta > 0 else 0.0

    def excess(w: float) -> float:
        lack = (1 - size) + size * 2 * expit(-2 * w * data.n * size)
        return math.log(2) - float(np.logaddexp(0, 2 * w)) - math.log(data.law @ lack)

    lowest = 0.05 * math.sqrt(max(data.second_moment - 1, 0.0) / data.n)
    if data.second_moment <= 1 + 1e-12 or excess(lowest) <= 0:  # rounding hides a w* below 1e-6
        return 0.0
    return float(brentq(excess, lowest, math.log(2 / least) / 2 + 1, xtol=1e-15, rtol=1e-14))
