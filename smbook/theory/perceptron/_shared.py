"""What the learning curves share: loads, noise of labels, and how much an example tells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_ndtr

from smbook import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_STEP = (
    1 / 16
)  # the trapezoidal rule is exact to rounding: the integrands are analytic and fall like exp(-x^2)
_POINTS = _STEP * np.arange(-192, 193)


def checked_loads(load: ArrayLike) -> Floats:
    """Return alpha = P / N as an array of positive numbers, or raise."""
    loads = _checks.reals("load", load)
    if (loads <= 0.0).any():
        raise ValueError(f"load must be positive; got {loads.min()}")
    return loads


def checked_noise(label_noise: Any) -> tuple[float, float]:
    """Return the noise, at most 1/2, and what is then learned: the teacher (1) or its opposite (-1)."""
    noise = _checks.real("label_noise", label_noise, minimum=0.0, maximum=1.0)
    return (noise, 1.0) if noise <= 0.5 else (1.0 - noise, -1.0)


def surprise(square: ArrayLike, noise: float = 0.0) -> Floats:
    r"""Return how much an example tells a student who knows the teacher up to a Gaussian uncertainty.

    .. math:: I(q) = \int Dx\, e^{-q x^2 / 2} \, \frac{(1 - 2 l)^2}{l + (1 - 2 l) \Phi(\sqrt q x)}

    for q = R^2 from 0 to 1. Without noise it grows from I(0) = 2 to I(1) = 2.263980.
    """
    q = np.asarray(square, dtype=np.float64)[..., np.newaxis]
    logarithm = log_ndtr(np.sqrt(q) * _POINTS)
    if noise > 0.0:
        logarithm = np.log(noise + (1 - 2 * noise) * np.exp(logarithm))
    values = np.exp(-(1 + q) / 2 * _POINTS**2 - logarithm)
    return np.asarray((1 - 2 * noise) ** 2 * _STEP / math.sqrt(2 * math.pi) * values.sum(axis=-1))
