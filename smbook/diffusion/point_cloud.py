"""Data that are nothing but n points: a perfect learner of them, which is an associative memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks
from smbook.diffusion._arguments import DATA_APART, checked_points, checked_time, parts
from smbook.kernels import diffusion as kernels
from smbook.kernels.rng import state_apart
from smbook.network._couplings import read_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from smbook.diffusion._arguments import Floats
    from smbook.kernels.rng import Randomness

_TOGETHER = 1 << 17  # weights in a block, which stay in the cache of a core
_FEWEST = 16  # places in a block, where many points have to come from memory for it
_WORK = 1 << 29  # products in a block of so few, so that Ctrl-C is heard


class PointCloud:
    r"""The empirical law of n points a, each as likely as the other, and noise around them.

    .. math:: \nabla \ln P_t = \frac{e^{-t} \sum_\mu w_\mu a_\mu - x}{\Delta_t}, \qquad
              w = \operatorname{softmax}_\mu \Bigl(-\frac{|x - e^{-t} a_\mu|^2}{2 \Delta_t}\Bigr), \qquad
              \Delta_t = 1 - e^{-2t}

    The weights say from which point x may have come. If all points are of one length they are
    softmax(beta a.x), beta = e^-t / Delta: the update of a dense associative memory with an exponential
    energy, `smbook.hopfield.DenseMemory.attend`, or an attention head with the data as keys and values. What
    follows this score back to t = 0 ends on one of the points.

    Parameters
    ----------
    points
        (n, d), at least one; a copy is kept.

    Raises
    ------
    TypeError, ValueError
        If the points are of the wrong kind or shape, or not finite.

    References
    ----------
    Biroli, Bonnaire, de Bortoli and Mezard (2024); Ambrogioni (2024) for the associative memory.

    Examples
    --------
    >>> cloud = PointCloud([[1.0, 0.0], [-1.0, 0.0]])
    >>> cloud.weights([[0.5, 2.0]], 1.0).round(4)
    array([[0.6048, 0.3952]])
    """

    def __init__(self, points: ArrayLike) -> None:
        known = checked_points("points", points)
        if not len(known):
            raise ValueError("points must be at least one; got none")
        self._points = read_only(known)
        self._centre = known.mean(axis=0)
        self._around = known - self._centre  # so that no digits are lost far from 0
        self._half_squares = (self._around * self._around).sum(axis=1) / 2

    @property
    def points(self) -> Floats:
        """The points, (n, d), read-only."""
        return self._points

    @property
    def n_points(self) -> int:
        """How many points there are, n."""
        return len(self._points)

    @property
    def n_dimensions(self) -> int:
        """How many coordinates a point has, d."""
        return int(self._points.shape[1])

    def __repr__(self) -> str:
        count = f"{self.n_points} point{'s' * (self.n_points != 1)}"
        return f"PointCloud({count}, {self.n_dimensions} dimension{'s' * (self.n_dimensions != 1)})"

    def sample(self, n: int, *, rng: Randomness = None) -> Floats:
        """Return `n` of the points, (n, d), each drawn from all of them.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.
        """
        drawn = np.empty((_checks.integer("n", n, minimum=0), self.n_dimensions))
        state = state_apart(rng, DATA_APART)
        for some in parts(*drawn.shape):
            kernels.draw_rows(self._points, state, drawn[some])
        return drawn

    @np.errstate(under="ignore")
    def score(self, x: ArrayLike, t: float) -> Floats:
        """Return the gradient of ln P_t at places x (m, d), at a time t from 1e-12 to 350.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.
        """
        places, time = checked_points("x", x, self.n_dimensions), checked_time("t", t)
        scores = np.empty_like(places)
        left, variance = _of(time)
        for some in self._blocks(len(places)):
            weights, _ = self._weigh(places[some], time)
            mean = weights @ self._around + self._centre
            scores[some] = (left * mean - places[some]) / variance
        return scores

    def log_density(self, x: ArrayLike, t: float) -> Floats:
        """Return ln P_t at places x (m, d), an array (m,); errors as `score`."""
        places, time = checked_points("x", x, self.n_dimensions), checked_time("t", t)
        values = np.empty(len(places))
        for some in self._blocks(len(places)):
            values[some] = self._weigh(places[some], time)[1]
        normal = self.n_dimensions / 2 * math.log(2 * math.pi * _of(time)[1])
        return values - math.log(self.n_points) - normal

    def weights(self, x: ArrayLike, t: float) -> Floats:
        """Return from which point each of x (m, d) comes with what probability, (m, n); errors as `score`."""
        places, time = checked_points("x", x, self.n_dimensions), checked_time("t", t)
        weights = np.empty((len(places), self.n_points))
        for some in self._blocks(len(places)):
            weights[some] = self._weigh(places[some], time)[0]
        return weights

    @np.errstate(under="ignore")
    def participation(self, x: ArrayLike, t: float) -> Floats:
        """Return sum w^2 at places x (m, d), an array (m,); errors as `score`.

        It is 1 where one point is left that x may have come from, and 1 / n where all are as good; and the
        probability that two reversed runs from x end on the same point.
        """
        places, time = checked_points("x", x, self.n_dimensions), checked_time("t", t)
        values = np.empty(len(places))
        for some in self._blocks(len(places)):
            weights = self._weigh(places[some], time)[0]
            values[some] = np.einsum("ij,ij->i", weights, weights)
        return values

    @np.errstate(under="ignore")
    def _weigh(self, places: Floats, t: float) -> tuple[Floats, Floats]:
        """Return the weights at some places, and ln sum exp of their exponents."""
        left, variance = _of(t)
        apart = places - left * self._centre
        weights = (apart * (left / variance)) @ self._around.T
        weights -= self._half_squares * (left * left / variance)
        nearest = weights.argmax(axis=1)
        weights -= weights[np.arange(len(places)), nearest, np.newaxis]
        np.exp(weights, out=weights)
        total = weights.sum(axis=1, keepdims=True)
        weights /= total
        apart -= left * self._around[nearest]  # so that early times cost no digits
        return weights, np.log(total[:, 0]) - (apart * apart).sum(axis=1) / (2 * variance)

    def _blocks(self, count: int) -> Iterator[slice]:
        """Part places so that a block's weights take little room, and little time."""
        few = min(_FEWEST, _WORK // self._points.size)
        size = max(1, few, _TOGETHER // self.n_points)
        return (slice(first, first + size) for first in range(0, count, size))


def _of(t: float) -> tuple[float, float]:
    """Return e^-t and Delta."""
    return math.exp(-t), -math.expm1(-2 * t)
