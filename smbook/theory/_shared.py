"""What the theories share: how arrays go in and out, and Gaussian averages of functions with one kink."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from smbook import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Floats = NDArray[np.float64]
Values = float | Floats

_REACH = 11.0  # the Gaussian weight beyond is 2e-27 of that at 0, and a tilt by exp(2 abs(z)) leaves 1e-17
_LAST = 38.0  # further out the weight is no normal number
_FARTHEST = 37.0  # standard deviations at which it still is one
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_NEAR = np.array([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0])  # widths; e^(-2 * 32) is nothing


def plain(values: Any) -> Values:
    """Return an array as it is and a single number as a Python float."""
    values = np.asarray(values) + 0.0  # no -0.0
    return float(values) if values.ndim == 0 else values


class Rule(NamedTuple):
    """Hold the points of a Gaussian average as distances from the kink, and their weights."""

    distance: Floats
    weight: Floats

    def mean(self, values: Floats) -> Floats:
        """Return the average of values at the points, which run along the last axis."""
        return np.asarray((values * self.weight).sum(axis=-1))


def gaussian_rule(kink: ArrayLike, width: float) -> Rule:
    """Return points and weights for averages over a unit Gaussian z, a row for each place of the kink.

    The integrand may bend sharply around z = `kink`, within some `width` as tanh((z - kink) / width) does,
    and is smooth elsewhere. Panels of 16 points shrink towards the kink, and distances from it are exact.
    """
    places = np.asarray(kink, dtype=np.float64)[..., np.newaxis]
    steps = width * _NEAR[width * _NEAR < _REACH]
    inner = np.concatenate([-steps[::-1], [0.0], steps])
    reach = max(_REACH, min(float(np.abs(places).max()) + 1, _LAST))
    outer = np.linspace(-reach, reach, math.ceil(2 * reach / 1.1) + 1) - places
    edges = np.concatenate([np.broadcast_to(inner, (*places.shape[:-1], inner.size)), outer], axis=-1)
    edges = np.sort(np.clip(edges, -reach - places, reach - places), axis=-1)
    half = np.diff(edges)[..., np.newaxis] / 2
    distance = (edges[..., :-1, np.newaxis] + half * (1 + _NODES)).reshape(*places.shape[:-1], -1)
    density = np.exp(-((places + distance) ** 2) / 2) / math.sqrt(2 * math.pi)
    return Rule(distance, (half * _WEIGHTS).reshape(distance.shape) * density)


def local_fields(beta: float, mean: float, deviation: float) -> tuple[Rule, Floats]:
    """Return a rule for averages over z, and the local fields mean + deviation z at its points.

    What is averaged depends on beta times the field as tanh does.
    """
    if deviation == 0 or abs(mean) > _FARTHEST * deviation:  # no kink within the reach of z
        rule = gaussian_rule(0.0, 1.0)
        return rule, mean + deviation * rule.distance
    rule = gaussian_rule(-mean / deviation, 1 / (beta * deviation))
    return rule, deviation * rule.distance


def log_two_cosh(x: Floats, temperature: float) -> Floats:
    """Return T ln 2cosh(x / T), which is abs(x) at T = 0."""
    size = np.abs(x)
    if temperature == 0:
        return size
    return np.asarray(size + temperature * np.log1p(np.exp(-2 * size / temperature)))


def sech_squared(u: Floats) -> Floats:
    """Return 1 / cosh(u)^2 = 1 - tanh(u)^2 without loss of digits."""
    decay = np.exp(-2 * np.abs(u))
    return np.asarray(4 * decay / (1 + decay) ** 2)


def spin_entropy(u: Floats) -> Floats:
    """Return the entropy ln 2cosh(u) - u tanh(u) of a spin in the field u, in nats."""
    size = np.abs(u)
    decay = np.exp(-2 * size)
    return np.asarray(np.log1p(decay) + 2 * size * decay / (1 + decay))


def log_binomials(n: int) -> Floats:
    """Return ln binom(n, k) for k = 0 ... n, summed from the middle to keep the digits of ratios."""
    k = np.arange(n // 2, n)
    upper = np.concatenate(([0.0], np.cumsum(np.log1p((n - 2 * k - 1) / (k + 1)))))
    middle = gammaln(n + 1) - gammaln(n // 2 + 1) - gammaln(n - n // 2 + 1)
    lower = upper[::-1][: n // 2] if n % 2 == 0 else upper[:0:-1][: n // 2]
    return np.asarray(middle + np.concatenate((lower, upper)))


def inverse_temperature(beta: Any) -> float:
    """Return beta as a positive float, or inf for T = 0, or raise."""
    if isinstance(beta, float) and beta == math.inf:
        return math.inf
    value = _checks.real("beta", beta, minimum=0.0)
    if value == 0:
        raise ValueError("beta must be positive for a free energy; got 0.0")
    if not math.isfinite(1 / value):
        raise ValueError(f"1 / beta overflows; got beta={value}")
    return value


def inverse_temperatures(beta: ArrayLike) -> Floats:
    """Return beta as an array, whose entries are positive and may be inf, or raise."""
    if isinstance(beta, float) or np.ndim(beta) == 0:
        return np.array(inverse_temperature(beta))
    values = np.asarray(beta)
    cold = values == math.inf if values.dtype.kind == "f" else np.zeros(values.shape, np.bool_)
    warm = _checks.reals("beta", np.where(cold, 1.0, beta) if cold.any() else beta)
    betas = [inverse_temperature(value) for value in np.where(cold, math.inf, warm).ravel().tolist()]
    return np.reshape(np.array(betas, dtype=np.float64), values.shape)


def columns(records: list[tuple[float, ...]], betas: Floats, n_fields: int) -> list[Values]:
    """Return each field of many records as an array in the shape of the temperatures, or as a float."""
    table = np.reshape(np.array(records, dtype=np.float64), (*betas.shape, n_fields))
    return [plain(table[..., k]) for k in range(n_fields)]
