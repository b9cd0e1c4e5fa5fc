"""What the closed forms share: the densities that they return, and the checks of one state's parameters."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smbook import _checks

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Values = float | Floats


class Thermal(NamedTuple):
    """Hold the thermal densities of a model without a field, per site."""

    log_partition: Values
    energy: Values
    specific_heat: Values


class Observables(NamedTuple):
    """Hold the densities of a model in a field, per site."""

    log_partition: Values
    energy: Values
    specific_heat: Values
    magnetization: Values
    susceptibility: Values


class MagnetizationMoments(NamedTuple):
    """Hold the means of abs(m), m^2 and m^4, and the Binder cumulant 1 - <m^4> / 3 <m^2>^2, of m = M / N."""

    absolute: Values
    second: Values
    fourth: Values
    binder: Values


def plain(values: Any) -> Values:
    """Return an array as it is and a single number as a Python float."""
    values = np.asarray(values) + 0.0  # no -0.0
    return float(values) if values.ndim == 0 else values


def moments_of(magnetization: Floats, probability: Floats) -> MagnetizationMoments:
    """Return the moments of m, whose values run along the last axis of `probability`."""
    absolute, second, fourth = (probability @ np.abs(magnetization) ** power for power in (1, 2, 4))
    return MagnetizationMoments(*map(plain, (absolute, second, fourth, 1 - fourth / (3 * second**2))))


def parameters(beta: float, coupling: float, field: float) -> tuple[float, float, float]:
    """Return the three parameters of a single state of the model as floats, checked."""
    return (
        _checks.real("beta", beta, minimum=0.0),
        _checks.real("coupling", coupling),
        _checks.real("field", field),
    )
