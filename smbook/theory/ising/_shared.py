"""What the closed forms share: the densities that they return, and the checks of one state's parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Integers = NDArray[np.int64]


class Thermal(NamedTuple):
    """Hold the thermal densities of a model without a field, per site."""

    log_partition: Values
    energy: Values
    specific_heat: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class Observables(NamedTuple):
    """Hold the densities of a model in a field, per site."""

    log_partition: Values
    energy: Values
    specific_heat: Values
    magnetization: Values
    susceptibility: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class MagnetizationMoments(NamedTuple):
    """Hold the means of abs(m), m^2 and m^4, and the Binder cumulant 1 - <m^4> / 3 <m^2>^2, of m = M / N.

    The cumulant is -inf where m is 0 in every state that occurs, as in a cold antiferromagnet.
    """

    absolute: Values
    second: Values
    fourth: Values
    binder: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def moments_of(magnetization: Floats, probability: Floats) -> MagnetizationMoments:
    """Return the moments of m, whose values run along the last axis of `probability`."""
    absolute, second, fourth = (probability @ np.abs(magnetization) ** power for power in (1, 2, 4))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(second > 0, np.divide(fourth, 3 * second**2), np.inf)
    return MagnetizationMoments(*map(plain, (absolute, second, fourth, 1 - ratio)))


def parameters(beta: float, coupling: float, field: float) -> tuple[float, float, float]:
    """Return the three parameters of a single state of the model as floats, checked."""
    beta = _checks.real("beta", beta, minimum=0.0)
    coupling, field = strengths(coupling, field, beta=beta)
    return beta, coupling, field


def temperatures(beta: ArrayLike, coupling: float, field: float = 0.0) -> tuple[Floats, float, float]:
    """Return the three parameters of many states of the model, beta as an array of float64, checked."""
    betas = _checks.reals("beta", beta, minimum=0.0)
    coupling, field = strengths(coupling, field, beta=float(betas.max(initial=0.0)))
    return betas, coupling, field


def strengths(coupling: float, field: float, *, beta: float, n_bonds: float = 8.0) -> tuple[float, float]:
    """Return J and h as floats, or raise if an energy of `n_bonds` bonds is no number, or times beta.

    Eight bonds leave room for what the formulas multiply by.
    """
    coupling, field = _checks.real("coupling", coupling), _checks.real("field", field)
    largest = n_bonds * (abs(coupling) + abs(field))
    if not math.isfinite(largest) or not math.isfinite(beta * largest):
        raise ValueError(
            f"energy or beta times energy overflows; got beta={beta}, coupling={coupling}, field={field}"
        )
    return coupling, field
