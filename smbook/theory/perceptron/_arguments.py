"""Loads and stabilities, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_LIGHTEST, _HEAVIEST = 1e-300, 1e300
_CLOSE = 1e-13  # relative distance from the end below which it counts as reached


def loads(load: ArrayLike) -> Floats:
    """Return loads as an array, checked."""
    alpha = _checks.reals("load", load)
    if (alpha <= 0).any():
        raise ValueError(f"load must be positive; got {alpha.min()}")
    if (alpha < _LIGHTEST).any() or (alpha > _HEAVIEST).any():
        raise ValueError(
            f"load must be from {_LIGHTEST:g} to {_HEAVIEST:g}; got {alpha.min()} to {alpha.max()}"
        )
    return alpha


def stabilities(stability: ArrayLike, least: float, most: float) -> Floats:
    """Return stabilities as an array, checked."""
    kappa = _checks.reals("stability", stability)
    if (kappa < least).any() or (kappa > most).any():
        raise ValueError(f"stability must be from {least:g} to {most:g}; got {kappa.min()} to {kappa.max()}")
    return kappa


def broadcast(load: ArrayLike, stability: ArrayLike, least: float, most: float) -> tuple[Floats, Floats]:
    """Return loads and stabilities as arrays of one shape, checked."""
    alpha, kappa = loads(load), stabilities(stability, least, most)
    try:
        alpha, kappa = np.broadcast_arrays(alpha, kappa)
    except ValueError:
        raise ValueError(f"load and stability must broadcast; got {alpha.shape} and {kappa.shape}") from None
    return alpha, kappa


def below(load: Floats, stability: Floats, end: Floats, what: str) -> None:
    """Raise if a load is not below its end."""
    beyond = load >= end * (1 - _CLOSE)
    if beyond.any():
        first = np.unravel_index(np.argmax(beyond), beyond.shape)
        raise ValueError(
            f"load must be below {what} {end[first]:.7g} at stability {stability[first]:g}; got {load[first]}"
        )
