"""One mode learned to the end: what all such laws share, and the law of a machine of Gaussian layers."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.integrate import quad, solve_ivp

from smbook import _checks
from smbook.theory._shared import Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_TOLERANCE = 1e-11


class Mode(abc.ABC):
    """One weight w > 0 that follows the gradient of the mean log-likelihood, as a flow in time.

    Time is the sum of learning rates. `fixed_point` is the weight w* at which learning ends, 0 where the mode
    is not learned.
    """

    fixed_point: float

    @abc.abstractmethod
    def growth_rate(self, weight: float) -> float:
        """Return d ln w / dt at a weight; at 0 the rate of the linear law."""

    def path(self, times: ArrayLike, *, initial: float = 0.01) -> Values:
        """Return w at `times`, any shape, if it is `initial` at time 0.

        ln w is integrated by SciPy's LSODA to some 1e-9 of w.

        Raises
        ------
        RuntimeError
            If the integration fails.
        """
        ts = _checks.reals("times", times, minimum=0.0)
        start = math.log(self._weight("initial", initial))
        order, place = np.unique(np.append(0.0, ts), return_inverse=True)
        if order.size == 1:
            return plain(np.full(ts.shape, math.exp(start)))
        found = solve_ivp(
            lambda _, y: [self.growth_rate(math.exp(y[0]))],
            (0.0, order[-1]),
            [start],
            method="LSODA",
            t_eval=order,
            rtol=_TOLERANCE,
            atol=_TOLERANCE,
        )
        if not found.success:
            raise RuntimeError(f"the path could not be followed: {found.message}")
        return plain(np.exp(found.y[0])[place[1:]].reshape(ts.shape))

    def time_to(self, weight: float, *, initial: float = 0.01) -> float:
        """Return the time from the weight `initial` to `weight`, the integral of d ln w / growth_rate.

        Raises
        ------
        ValueError
            If `weight` does not lie between `initial` and the fixed point: it is never reached.
        """
        start, end = self._weight("initial", initial), self._weight("weight", weight)
        if start == end:
            return 0.0
        if not (start < end < self.fixed_point or self.fixed_point < end < start):
            raise ValueError(
                f"weight must lie between initial={start} and the fixed point {self.fixed_point}; got {end}"
            )
        return float(
            quad(
                lambda y: 1 / self.growth_rate(math.exp(y)),
                math.log(start),
                math.log(end),
                epsabs=0.0,
                epsrel=_TOLERANCE,
                limit=500,
            )[0]
        )

    def linear_time_to(self, weight: float, *, initial: float = 0.01) -> float:
        """Return the time that growth at the first rate would take, ln(weight / initial) / growth_rate(0).

        It is negative, or inf, where that rate leads away from `weight`.
        """
        ratio = math.log(self._weight("weight", weight) / self._weight("initial", initial))
        rate = self.growth_rate(0.0)
        return ratio / rate if rate != 0 else math.inf

    def _weight(self, name: str, value: float) -> float:
        """Return a weight as a float, or raise unless it is positive and the machine exists there."""
        return _checks.positive(name, value)


@dataclass(frozen=True)
class GaussianMode(Mode):
    """Hold a mode of a machine of Gaussian units in both layers, and its fixed point; see `gaussian_mode`."""

    fixed_point: float
    second_moment: float
    visible_variance: float
    hidden_variance: float
    weight_decay: float

    @property
    def largest_weight(self) -> float:
        """Return 1 / (sigma_v sigma_h), at which the machine's own variance diverges."""
        return 1 / math.sqrt(self.visible_variance * self.hidden_variance)

    def variance(self, weight: ArrayLike) -> Values:
        """Return sigma_v^2 / (1 - sigma_v^2 sigma_h^2 w^2), that of the visible units along the mode."""
        weights = _checks.reals("weight", weight, minimum=0.0)
        if (weights >= self.largest_weight).any():
            raise ValueError(f"weight must be below {self.largest_weight}; got {weights.max()}")
        return plain(self.visible_variance / (1 - (weights / self.largest_weight) ** 2))

    def growth_rate(self, weight: float) -> float:
        """Return sigma_h^2 (c - variance) - weight_decay."""
        room = max(
            1 - (weight / self.largest_weight) ** 2, 1e-15
        )  # a trial step may exceed the largest weight
        return self.hidden_variance * (self.second_moment - self.visible_variance / room) - self.weight_decay

    def _weight(self, name: str, value: float) -> float:
        number = super()._weight(name, value)
        if number >= self.largest_weight:
            raise ValueError(f"{name} must be below {self.largest_weight}; got {number}")
        return number


def gaussian_mode(
    second_moment: float,
    *,
    visible_variance: float = 1.0,
    hidden_variance: float = 1.0,
    weight_decay: float = 0.0,
) -> GaussianMode:
    r"""Return how the singular value w of one mode is learned by a machine of Gaussian units in both layers.

    .. math:: \dot w = w\, \sigma_h^2 \Bigl(c - \frac{\sigma_v^2}{1 - \sigma_v^2\sigma_h^2 w^2}\Bigr)
              - \gamma w, \qquad
              \sigma_v^2\sigma_h^2 w_*^2 = 1 - \frac{\sigma_v^2}{c} \;\text{ for } \gamma = 0

    for the second moment c of the data along the mode, and variances sigma_v^2 and sigma_h^2 of the units
    without weights. Modes do not feel one another, so that this is the whole machine. At w* the variance of
    the machine equals that of the data; at or below `learning_threshold` the mode decays, w* = 0.
    (Karakida, Okada and Amari 2016; Decelle, Fissore and Furtlehner 2017.)

    Returns
    -------
    GaussianMode
        With `fixed_point`, `largest_weight`, `variance(weight)`, `growth_rate(weight)`, `path(times,
        initial=)`, `time_to(weight, initial=)` and `linear_time_to(weight, initial=)`.

    Examples
    --------
    >>> mode = gaussian_mode(4.0)
    >>> round(mode.fixed_point, 6), round(mode.time_to(0.5, initial=0.01), 6)
    (0.866025, 1.320896)
    >>> mode.path([0.0, 1.0, 2.0, 10.0], initial=0.01).round(4).tolist()
    [0.01, 0.1995, 0.866, 0.866]
    """
    c = _checks.real("second_moment", second_moment, minimum=0.0)
    variance = _checks.positive("visible_variance", visible_variance)
    response = _checks.positive("hidden_variance", hidden_variance)
    decay = _checks.real("weight_decay", weight_decay, minimum=0.0)
    excess = max(c - decay / response - variance, 0.0)
    end = math.sqrt(excess / (excess + variance) / (variance * response))
    return GaussianMode(end, c, variance, response, decay)
