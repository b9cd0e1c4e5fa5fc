"""Data that are configurations of a Curie-Weiss magnet: symmetric, and ordered where it is cold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln, logsumexp

from smbook import _checks
from smbook._runs import UPDATES_PER_CALL
from smbook.diffusion._arguments import DATA_APART, checked_points, checked_time, parts
from smbook.kernels import diffusion as kernels
from smbook.kernels.rng import state_apart

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.diffusion._arguments import Floats
    from smbook.kernels.rng import Randomness

_MOST_SPINS = 10**6
_STRONGEST = 1e10  # beta times the number of spins, for which 300,000 mean fields are summed


class CurieWeissData:
    r"""Spins a with the weight exp(beta (sum a)^2 / 2 d), all of which feel each other.

    A mean field m that all spins share makes them independent, at t = 0 and with noise too:

    .. math:: \partial_i \ln P_t = \frac{e^{-t} \langle \tanh(\beta m + h_i) \rangle_m - x_i}{\Delta_t},
              \qquad h_i = \frac{e^{-t} x_i}{\Delta_t}, \qquad \Delta_t = 1 - e^{-2t},

    m weighted by :math:`e^{-\beta d m^2 / 2} \prod_i 2 \cosh(\beta m + h_i)`. One sum over m gives it with
    all its digits.

    Parameters
    ----------
    n_spins
        d, from 1 to 10^6.
    beta
        Inverse temperature in units of one over the coupling, at least 0; beta d at most 10^10. The magnet
        orders above 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> data = CurieWeissData(32, 1.5)
    >>> points = data.sample(1000, rng=1)
    >>> bool(abs(np.abs(points.mean(axis=1)).mean() - 0.813) < 0.03)
    True
    """

    @np.errstate(under="ignore")
    def __init__(self, n_spins: int, beta: float) -> None:
        self._n_spins = _checks.integer("n_spins", n_spins, minimum=1, maximum=_MOST_SPINS)
        self._beta = _checks.real("beta", beta, minimum=0.0)
        if self._beta * self._n_spins > _STRONGEST:
            raise ValueError(f"beta must be at most {_STRONGEST / n_spins:g} for {n_spins} spins; got {beta}")
        up = np.arange(self._n_spins + 1)
        logs = gammaln(self._n_spins + 1) - gammaln(up + 1) - gammaln(self._n_spins - up + 1)
        logs += self._beta * (2 * up - self._n_spins) ** 2 / (2 * self._n_spins)
        weights = np.exp(logs - logs.max())
        self._law: Floats = weights / weights.sum()
        nodes, field = self._nodes()
        alone = np.abs(field) + np.log1p(np.exp(-2 * np.abs(field)))
        terms = self._n_spins * alone - nodes * nodes / 2
        self._log_partition = float(logsumexp(terms)) - math.log(2 * math.pi) / 2
        self._log_partition -= math.log(kernels.NODES_PER_UNIT)

    @property
    def n_dimensions(self) -> int:
        """d, the number of spins."""
        return self._n_spins

    @property
    def beta(self) -> float:
        """Inverse temperature."""
        return self._beta

    @property
    def law(self) -> Floats:
        """The probability that 0, 1, ... d spins are up, (d + 1,); sum a is twice their number less d."""
        return self._law.copy()

    def __repr__(self) -> str:
        return f"CurieWeissData({self._n_spins} spins, beta {self._beta:g})"

    def sample(self, n: int, *, rng: Randomness = None) -> Floats:
        """Return `n` independent configurations, float64 (n, d): the number of spins up, then which they are.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.
        """
        points = np.empty((_checks.integer("n", n, minimum=0), self._n_spins))
        cumulated = np.cumsum(self._law)
        state = state_apart(rng, DATA_APART)
        for some in parts(*points.shape):
            kernels.draw_counted_spins(cumulated, state, points[some])
        return points

    def score(self, x: ArrayLike, t: float) -> Floats:
        """Return the gradient of ln P_t at points x (m, d), at a time t from 1e-12 to 350.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.
        """
        return self._evaluate(x, t)[0]

    def log_density(self, x: ArrayLike, t: float) -> Floats:
        """Return ln P_t at points x (m, d), an array (m,); errors as `score`."""
        return self._evaluate(x, t)[1] - self._log_partition

    def _evaluate(self, x: ArrayLike, t: float) -> tuple[Floats, Floats]:
        points, time = checked_points("x", x, self._n_spins), checked_time("t", t)
        scores, logs, room = np.empty_like(points), np.empty(len(points)), np.empty((2, self._n_spins))
        work = self._n_spins * int(kernels.curie_weiss_nodes(self._beta, self._n_spins))
        size = UPDATES_PER_CALL // work  # so that Ctrl-C is heard
        if not size:
            logs[:] = [self._go_through(*pair, time, room) for pair in zip(points, scores, strict=True)]
            return scores, logs
        for first in range(0, len(points), size):
            some = slice(first, first + size)
            kernels.curie_weiss_score(self._beta, time, points[some], *room, scores[some], logs[some])
        return scores, logs

    def _nodes(self) -> tuple[Floats, Floats]:
        """Return the nodes of the sum over the mean field, and the field on a spin at each."""
        half = int(kernels.curie_weiss_nodes(self._beta, self._n_spins)) // 2
        nodes = np.arange(-half, half + 1) / kernels.NODES_PER_UNIT
        return nodes, nodes * math.sqrt(self._beta / self._n_spins)

    @np.errstate(under="ignore")
    def _go_through(self, point: Floats, score: Floats, t: float, room: Floats) -> float:
        """Do what the kernel does for a point, in a call for each node: a sum over all of them is long."""
        left, variance = math.exp(-t), -math.expm1(-2 * t)
        room[0] = left * point / variance
        score[:] = 0.0
        top, total = -math.inf, 0.0
        for node, field in zip(*self._nodes(), strict=True):
            term = float(kernels._independent(field, *room)) - node * node / 2
            if term > top:
                score *= math.exp(top - term)
                total *= math.exp(top - term)
                top = term
            weight = math.exp(term - top)
            score += weight * room[1]
            total += weight
        score[:] = (left / total * score - point) / variance
        square = float(np.square(np.abs(point) - left).sum())
        normal = self._n_spins * math.log(2 * math.pi * variance) + math.log(2 * math.pi)
        return top + math.log(total / kernels.NODES_PER_UNIT) - square / (2 * variance) - normal / 2
