"""The surfaces of a trained network that a live figure shows: of several kinds, extents and data."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from smbook import _checks
from smbook._archives import Archive
from smbook.landscape.directions import filter_normalized, random_directions
from smbook.landscape.hessian_directions import hessian_directions
from smbook.landscape.loss import Loss
from smbook.landscape.surface import surface
from smbook.landscape.training_directions import project_path, training_directions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.landscape.surface import Surface

    Kinds = dict[str, list[Surface]]

NAMES = {"random": "random", "hessian": "Hessian", "training": "training"}  # of directions, on the page
_FILES = Archive("smbook.landscape.directions", 1, "pair of directions")
_ROUNDING = 1000  # in units of that of the loss, by which what is kept of it may differ


class Computed(NamedTuple):
    """Surfaces by the names of their directions, the widest first, with the loss on both kinds of data."""

    train: Kinds
    test: Kinds | None


def losses(model: Any, given: tuple[Any, ...], test: Any) -> tuple[Loss, Loss | None]:
    """Return the loss on training data and the one on test data, if any, or raise.

    A model comes with a loss function, inputs and targets, and a `Loss` with nothing. Test data are another
    `Loss`, or inputs and targets.
    """
    if isinstance(model, Loss):
        if given:
            raise TypeError(f"a Loss has its data; got {len(given)} more arguments")
        loss = model
    elif len(given) != 3:
        raise TypeError(f"a model needs a loss function, inputs and targets; got {len(given)} arguments")
    else:
        loss = Loss(model, *given)
    if test is None or isinstance(test, Loss):
        found = test
    elif isinstance(test, (tuple, list)) and len(test) == 2:
        found = Loss(loss._model, loss._loss_function, *test, mode=loss.mode)
    else:
        raise TypeError(f"test must be a Loss, or inputs and targets; got {type(test).__name__}")
    if found is not None and found.n_parameters != loss.n_parameters:
        raise ValueError(
            f"test must be of the same model; got {found.n_parameters} and {loss.n_parameters} parameters"
        )
    return loss, found


def compute(
    loss: Loss,
    test: Loss | None,
    *,
    kinds: Sequence[str],
    extents: Any,
    n_points: Any,
    path: Any,
    checkpoint: Any,
    rng: Any,
    progress: bool,
) -> Computed:
    """Return the surfaces of all kinds of directions, at all extents, on all data."""
    kinds = [_checks.choice("kinds", kind, list(NAMES)) for kind in _listed("kinds", kinds)]
    reach = {kind: _reach(kind, extents) for kind in kinds}
    if "training" in kinds and path is None:
        raise ValueError("directions of training need a path; got None")
    folder = None if checkpoint is None else Path(checkpoint)
    theta = loss.parameters
    found: tuple[Kinds, Kinds] = ({}, {})
    for kind in kinds:
        marks = [theta, np.asarray(path)] if kind == "training" else [theta]
        rows = _kept(folder, kind, marks, loss, lambda kind=kind: _directions(loss, kind, path, rng))
        for data, each, into in (("train", loss, found[0]), ("test", test, found[1])):
            if each is None:
                continue
            into[NAMES[kind]] = [
                surface(
                    each,
                    rows,
                    theta=theta,
                    extent=extent,
                    n_points=n_points,
                    progress=progress,
                    checkpoint=None if folder is None else folder / f"{kind}-{data}-{extent:g}.npz",
                )
                for extent in reach[kind]
            ]
    return Computed(found[0], found[1] or None)


def project(path: Any, plane: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coefficients (2, M) of the points of a plane nearest to those of a path, and distances."""
    found = project_path(path, plane.directions, theta=plane.theta)
    return found.coefficients.T, found.distances


def _listed(name: str, values: Any) -> list[Any]:
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise TypeError(f"{name} must be a list; got {values!r}")
    if len(set(values)) < len(values):
        raise ValueError(f"{name} must differ; got {values!r}")
    return list(values)


def _reach(kind: str, extents: Any) -> list[float]:
    """Return how far the surfaces of a kind reach, the widest first, or raise."""
    if isinstance(extents, Mapping):
        if kind not in extents:
            raise ValueError(f"extents must be there for all kinds; there is none of {kind!r}")
        extents = extents[kind]
    found = [_checks.positive("extents", extent) for extent in _listed("extents", extents)]
    return sorted(found, reverse=True)


def _directions(loss: Loss, kind: str, path: Any, rng: Any) -> NDArray[Any]:
    if kind == "random":
        return np.asarray(filter_normalized(loss, random_directions(loss, 2, rng=rng)))
    if kind == "hessian":
        return np.asarray(hessian_directions(loss, rng=rng))
    return np.asarray(training_directions(path).directions)


def _kept(folder: Path | None, kind: str, marks: list[NDArray[Any]], loss: Loss, find: Any) -> NDArray[Any]:
    """Return directions that a file holds, or find them and write it: once drawn, they are the same pair.

    The file is marked by arrays, which are held against each other by their bytes, and by the loss and the
    length of its gradient at the parameters, up to rounding: those of the Hessian depend on the data, too.
    """
    if folder is None:
        rows: NDArray[Any] = find()
        return rows
    path = folder / f"{kind}-directions.npz"
    mark = hashlib.sha256(b"".join(part.tobytes() for part in marks)).hexdigest()
    here = _local(loss)
    if path.exists():
        about, arrays = _FILES.read(path)
        if about.get("of") != mark or "directions" not in arrays:
            raise ValueError(f"{path} belongs to another network or path")
        there = about.get("at")
        if not isinstance(there, list) or not _alike(there, here, loss):
            raise ValueError(
                f"{path} belongs to another loss: its value and the length of its gradient are {there} there "
                f"and {here} here"
            )
        return arrays["directions"]
    folder.mkdir(parents=True, exist_ok=True)
    rows = find()
    _FILES.write(path, {"of": mark, "at": here}, {"directions": rows})
    return rows


def _local(loss: Loss) -> list[float]:
    """Return the loss and the length of its gradient at the parameters, nan where it has none."""
    value = loss()
    try:
        return [value, float(np.linalg.norm(np.asarray(loss.gradient(), np.float64)))]
    except ValueError:
        return [value, math.nan]


def _alike(there: list[Any], here: list[float], loss: Loss) -> bool:
    """Tell whether numbers of a file are those found here, up to the rounding of the loss's dtype."""
    rounding = _ROUNDING * torch.finfo(loss.dtype).eps
    return len(there) == len(here) and all(
        isinstance(a, float)
        and (math.isclose(a, b, rel_tol=rounding, abs_tol=rounding) or (math.isnan(a) and math.isnan(b)))
        for a, b in zip(there, here, strict=True)
    )
