"""What a sampler has to know of a lattice: the checked arguments that enter the law, and spins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smbook import _checks

if TYPE_CHECKING:
    from collections.abc import Iterable

Spins = NDArray[np.int8]
Measurements = NDArray[np.float64]
Counts = NDArray[np.int64]


class Model(NamedTuple):
    """What a sampler has to know: the checked arguments of `simulate` that enter the law."""

    sides: tuple[int, ...]
    beta: float
    coupling: float
    field: float
    bonds: Spins | None = None

    @property
    def sign(self) -> np.int8:
        return np.int8(-1 if self.coupling < 0.0 else 1)


def checked_model(
    shape: int | Iterable[int], beta: float, coupling: float, field: float, bonds: Spins | None = None
) -> Model:
    sides = _checks.lattice_shape(shape)
    model = Model(
        sides,
        _checks.real("beta", beta, minimum=0.0),
        _checks.real("coupling", coupling),
        _checks.real("field", field),
        checked_bonds(bonds, sides),
    )
    most = 2.0 * strongest(len(model.sides), model.coupling, model.field)
    if not math.isfinite(math.prod(model.sides) * most) or not math.isfinite(model.beta * most):
        raise ValueError(
            f"energy or beta times energy overflows; got beta={beta}, coupling={coupling}, field={field}"
        )
    return model


def checked_bonds(bonds: Spins | None, sides: tuple[int, ...]) -> Spins | None:
    if bonds is None:
        return None
    _check_signs("bonds", bonds)
    if bonds.shape != (len(sides), *sides):
        raise ValueError(f"bonds must have the shape {(len(sides), *sides)}; got {bonds.shape}")
    return bonds


def strongest(dimension: int, coupling: float, field: float) -> float:
    """Return the largest energy of one spin among its neighbours."""
    return 2.0 * dimension * abs(coupling) + abs(field)


def checked_initial(initial: str | Spins, sides: tuple[int, ...]) -> Spins | None:
    if isinstance(initial, str):
        _checks.choice("initial", initial, ("random", "up"))
        return None
    check_spins("initial", initial)
    if initial.shape != sides:
        raise ValueError(f"initial must have the shape {sides}; got {initial.shape}")
    return initial


def check_spins(name: str, spins: Any) -> None:
    _check_signs(name, spins)
    _checks.lattice_shape(spins.shape)


def _check_signs(name: str, signs: Any) -> None:
    if type(signs) not in (np.ndarray, np.memmap) or signs.dtype != np.int8:
        kind = f"dtype {signs.dtype}" if type(signs) is np.ndarray else type(signs).__name__
        raise TypeError(f"{name} must be an int8 array; got {kind}")
    if not signs.flags.c_contiguous:
        raise ValueError(f"{name} must be contiguous in row-major order; got strides {signs.strides}")
    wrong = signs[np.abs(signs) != 1]
    if wrong.size:
        raise ValueError(f"{name} must hold +1 and -1 only; got {wrong[0]}")


def frustrated(model: Model) -> bool:
    """Tell whether an odd side keeps an antiferromagnet from satisfying all its bonds."""
    return model.coupling < 0.0 and any(side % 2 for side in model.sides)
