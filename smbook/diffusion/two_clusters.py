"""Data of two Gaussian clusters, the simplest that have a side to take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks
from smbook.diffusion._arguments import DATA_APART, checked_points, checked_time, parts, within_reach
from smbook.kernels import diffusion as kernels
from smbook.kernels.rng import state_apart
from smbook.network._couplings import read_only

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.diffusion._arguments import Floats
    from smbook.kernels.rng import Randomness


class TwoClusters:
    r"""Two equal clusters, around mu and -mu, of the same deviation s in each of d directions.

    .. math:: P_0 = \tfrac12 N(\mu, s^2) + \tfrac12 N(-\mu, s^2), \qquad
              \nabla \ln P_t = -\frac{x}{\Gamma_t} + \frac{e^{-t} \mu}{\Gamma_t}
              \tanh \frac{e^{-t} \mu \cdot x}{\Gamma_t}, \qquad \Gamma_t = s^2 e^{-2t} + 1 - e^{-2t}

    Noise keeps them Gaussian, so that density and score are known at all times, t = 0 included.

    Parameters
    ----------
    mean
        mu, (d,), at least one coordinate; a copy is kept.
    deviation
        s, positive.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Biroli, Bonnaire, de Bortoli and Mezard (2024).

    Examples
    --------
    >>> data = TwoClusters([3.0, 0.0], deviation=0.5)
    >>> data.score([[1.0, 1.0]], 0.0)
    array([[ 8., -4.]])
    """

    def __init__(self, mean: ArrayLike, *, deviation: float = 1.0) -> None:
        centre = within_reach("mean", _checks.reals("mean", mean))
        if centre.ndim != 1 or not centre.size:
            raise ValueError(f"mean must have at least one coordinate, (d,); got the shape {centre.shape}")
        self._mean = read_only(np.ascontiguousarray(centre))
        self._deviation = _checks.positive("deviation", deviation)
        if not 1e-100 <= self._deviation <= 1e100:
            raise ValueError(f"deviation must be from 1e-100 to 1e+100; got {self._deviation}")

    @property
    def mean(self) -> Floats:
        """mu, (d,), read-only."""
        return self._mean

    @property
    def deviation(self) -> float:
        """Deviation of a cluster in each direction, s."""
        return self._deviation

    @property
    def n_dimensions(self) -> int:
        """How many coordinates a point has, d."""
        return self._mean.size

    def __repr__(self) -> str:
        length = float(np.linalg.norm(self._mean))
        dimensions = f"{self.n_dimensions} dimension{'s' * (self.n_dimensions != 1)}"
        return f"TwoClusters({dimensions}, at +-{length:.6g}, deviation {self._deviation:g})"

    def sample(self, n: int, *, rng: Randomness = None) -> Floats:
        """Return `n` independent points of the data, (n, d).

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.
        """
        points = np.empty((_checks.integer("n", n, minimum=0), self.n_dimensions))
        state = state_apart(rng, DATA_APART)
        for some in parts(*points.shape):
            kernels.draw_clusters(self._mean, self._deviation, state, points[some])
        return points

    def score(self, x: ArrayLike, t: float) -> Floats:
        """Return the gradient of ln P_t at points x (m, d), at a time t from 0 to 350.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.
        """
        points, time = checked_points("x", x, self.n_dimensions), checked_time("t", t, shortest=0.0)
        scores = np.empty_like(points)
        for some in parts(*points.shape):
            kernels.clusters_score(self._mean, self._deviation, time, points[some], scores[some])
        return scores

    def log_density(self, x: ArrayLike, t: float) -> Floats:
        """Return ln P_t at points x (m, d), an array (m,), -inf beyond all floats; errors as `score`."""
        points, time = checked_points("x", x, self.n_dimensions), checked_time("t", t, shortest=0.0)
        values = np.empty(len(points))
        for some in parts(*points.shape):
            kernels.clusters_log_density(self._mean, self._deviation, time, points[some], values[some])
        return values
