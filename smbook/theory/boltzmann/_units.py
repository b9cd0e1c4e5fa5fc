"""The kinds of units: what a unit adds to ln Z in a field, its mean there, and its variance without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from smbook import _checks
from smbook.theory._shared import Floats, log_two_cosh

if TYPE_CHECKING:
    from collections.abc import Callable

VISIBLE = ("binary", "spin")
HIDDEN = ("binary", "spin", "gaussian")

_CUMULANT: dict[str, Callable[[Floats], Floats]] = {
    "binary": lambda field: np.logaddexp(0.0, field),
    "spin": lambda field: log_two_cosh(field, 1.0),
    "gaussian": lambda field: field**2 / 2,
}
_MEAN: dict[str, Callable[[Floats], Floats]] = {"binary": expit, "spin": np.tanh, "gaussian": np.asarray}
_DEVIATION = {"binary": 0.5, "spin": 1.0, "gaussian": 1.0}


def kinds(visible: str, hidden: str) -> None:
    """Raise unless both layers are of a known kind."""
    _checks.choice("visible", visible, VISIBLE)
    _checks.choice("hidden", hidden, HIDDEN)


def cumulant(kind: str, field: Floats) -> Floats:
    """Return the logarithm of what a unit's states sum up to in a field."""
    return np.asarray(_CUMULANT[kind](field))


def mean(kind: str, field: Floats) -> Floats:
    """Return the mean of a unit in a field, the derivative of its cumulant."""
    return np.asarray(_MEAN[kind](field))


def deviation(kind: str) -> float:
    """Return the standard deviation of a unit without a field."""
    return _DEVIATION[kind]
