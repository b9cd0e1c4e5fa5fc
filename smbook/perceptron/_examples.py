"""Checks of examples, made before anything is touched; each error says which example it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smbook import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int8]

_LARGEST, _SMALLEST = 1e100, 1e-100  # so that squares of weights that are sums of inputs are normal numbers


def checked_examples(inputs: ArrayLike, labels: ArrayLike, *, nonzero: bool = False) -> tuple[Floats, Labels]:
    """Return copies of inputs, float64 (P, N), and of labels, int8 (P,), or raise if they are no examples.

    `nonzero` asks for inputs none of which is all zeros: w.x is 0 there whatever w, on neither side.
    """
    rows = checked_inputs(inputs, nonzero=nonzero)
    return rows, checked_labels(labels, len(rows))


def checked_inputs(inputs: ArrayLike, *, nonzero: bool = False) -> Floats:
    """Return a copy of inputs as float64 (P, N), P and N at least 1, or raise."""
    rows = np.array(_checks.reals("inputs", inputs), order="C")
    if rows.ndim != 2:
        raise ValueError(f"inputs must have the shape (P, N), an example a row; got {rows.shape}")
    if 0 in rows.shape:
        raise ValueError(f"inputs must hold at least one example of at least one number; got {rows.shape}")
    sizes = np.abs(rows).max(axis=1)
    if sizes.max() > _LARGEST:
        mu = int(sizes.argmax())
        raise ValueError(f"inputs must be at most {_LARGEST:g} in size; example {mu} has {sizes[mu]:g}")
    if nonzero and sizes.min() < _SMALLEST:
        mu = int(sizes.argmin())
        raise ValueError(f"inputs must not be zero, which no weights separate; example {mu} is {rows[mu]}")
    return rows


def checked_labels(labels: ArrayLike, n_examples: int) -> Labels:
    """Return a copy of labels, +1 and -1, as int8 (n_examples,), or raise."""
    found: NDArray[Any] = _checks.reals("labels", labels)
    if found.shape != (n_examples,):
        raise ValueError(f"labels must be one for each of {n_examples} examples; got the shape {found.shape}")
    wrong = np.flatnonzero(np.abs(found) != 1.0)
    if wrong.size:
        mu = int(wrong[0])
        raise ValueError(f"labels must be +1 or -1; that of example {mu} is {found[mu]:g}")
    return found.astype(np.int8)


def checked_weights(name: str, weights: ArrayLike, n_inputs: int) -> Floats:
    """Return a copy of weights as float64 (n_inputs,), or raise."""
    found = np.array(_checks.reals(name, weights), order="C")
    if found.shape != (n_inputs,):
        raise ValueError(f"{name} must be one weight for each of {n_inputs} inputs; got {found.shape}")
    if np.abs(found).max() > _LARGEST:
        raise ValueError(f"{name} must be at most {_LARGEST:g} in size; got {np.abs(found).max():g}")
    return found
