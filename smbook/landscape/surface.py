"""The loss along a direction or over a plane."""

from __future__ import annotations

import itertools
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.landscape import _points, _vectors
from smbook.landscape._surface_files import Rows
from smbook.landscape.directions import check_independent, checked_directions

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from numpy.typing import NDArray

    from smbook.landscape.loss import Loss

    Reals = NDArray[np.float64]

_ROUNDING = 1e-12  # of the extent, by which a point of an axis may miss 0


class Surface(NamedTuple):
    """The loss L(theta + a d_1) or L(theta + a d_1 + b d_2) on a grid.

    Two results are equal if all their numbers are.

    Attributes
    ----------
    axes
        The coefficients a, and b if there are two directions, an array for each axis.
    values
        The loss (len(a),) or (len(a), len(b)), nan where it is not finite.
    centre
        The loss at theta.
    slopes
        g . d for each direction (k,), with the gradient g at theta; nan where torch has none.
    gradient_norm
        The length of the gradient at theta.
    directions
        (k, n_parameters).
    theta
        The point at the centre, (n_parameters,).
    fixed
        Whether all points have seen the same batch, held in memory.
    """

    axes: tuple[Reals, ...]
    values: Reals
    centre: float
    slopes: Reals
    gradient_norm: float
    directions: NDArray[Any]
    theta: NDArray[Any]
    fixed: bool

    @property
    def lowest(self) -> tuple[Reals, float]:
        """The coefficients (k,) of the lowest point of the grid, and the loss there; nan if there is none."""
        if np.isnan(self.values).all():
            return np.full(len(self.axes), math.nan), math.nan
        place = np.unravel_index(np.nanargmin(self.values), self.values.shape)
        found = np.array([axis[k] for axis, k in zip(self.axes, place, strict=True)])
        return found, float(self.values[place])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Surface) and equal((*self.axes, *self[1:]), (*other.axes, *other[1:]))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        points = " x ".join(str(axis.size) for axis in self.axes)
        known = self.values[np.isfinite(self.values)]
        span = f"{known.min():.4g} to {known.max():.4g}" if known.size else "not finite"
        return f"Surface({points} points, loss {span}, {self.centre:.4g} at the centre)"


def surface(
    loss: Loss,
    directions: Any,
    *,
    theta: Any = None,
    extent: Any = 1.0,
    n_points: Any = 25,
    nonfinite: str = "keep",
    progress: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Surface:
    r"""Return the loss along a direction or over the plane of two.

    .. math:: L(\alpha, \beta) = L(\theta + \alpha d_1 + \beta d_2)

    The point at the centre is theta itself, and the value there L(theta) to the last bit. The model is left
    as it was, whatever happens. Where it is a sequence of linear layers and functions of single units, the
    fields on its first layer, which are affine in both coefficients, are computed for the whole plane at
    once; values then differ from those of a plain loop by rounding. (Li et al. 2018 for such pictures;
    Boettcher and Wheeler 2024 for what random directions hide.)

    Parameters
    ----------
    loss
        A `Loss`.
    directions
        One or two, (k, n_parameters) or (n_parameters,).
    theta
        The point at the centre; None takes the model's own parameters.
    extent
        How far the grid goes, in units of the directions: a number e for -e to e, a pair (lowest, highest),
        or such a pair for each direction.
    n_points
        Points along each axis, or a pair for two axes: odd, at least 3, as otherwise theta would lie between
        points. An uneven extent may still leave it there.
    nonfinite
        What to do with values that are infinite or no number: "keep" them as nan with a warning, or "raise".
    progress
        Show a progress bar.
    checkpoint
        A file (.npz) that is written after each row of the grid, of points with one coefficient a, and in
        folders that are made if need be. Where it is there, the surface goes on from it: what is broken off,
        even by a loss of power, loses one row at most. Rows are computed one at a time then, and so values
        may differ from those without a checkpoint by rounding; whether a run was broken off changes no bit.

    Returns
    -------
    Surface

    Warns
    -----
    UserWarning
        If values are not finite: it says how many.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or the loss not finite at theta; if two
        directions are parallel; if `checkpoint` is the file of another surface, with what differs, or is
        damaged.
    FloatingPointError
        If values are not finite and `nonfinite` is "raise".

    Examples
    --------
    >>> import torch
    >>> from smbook.landscape import Loss
    >>> model = torch.nn.Linear(2, 1, bias=False).double()
    >>> loss = Loss(model, torch.nn.MSELoss(), np.eye(2), np.zeros((2, 1)))
    >>> found = surface(loss, np.eye(2), theta=np.zeros(2), n_points=3)
    >>> found.values.tolist()
    [[1.0, 0.5, 1.0], [0.5, 0.0, 0.5], [1.0, 0.5, 1.0]]
    >>> found
    Surface(3 x 3 points, loss 0 to 1, 0 at the centre)
    """
    nonfinite = _checks.choice("nonfinite", nonfinite, ("keep", "raise"))
    rows = checked_directions(loss, directions, at_most=2)
    if rows.any(dim=1).all():
        check_independent("directions", _vectors.to_array(rows).astype(np.float64))
    axes = checked_axes(extent, n_points, len(rows))
    section = _points.Section(loss._point(theta).clone(), rows)
    if not math.isfinite(centre := loss(section.point)):
        raise ValueError(f"theta must be where the loss is finite; got {centre} there")
    slopes, norm = _slopes(loss, section)
    coefficients = np.array(list(itertools.product(*axes)))
    with progress_bar(len(coefficients), "point", progress) as tell:
        if checkpoint is None:
            found = _points.values(loss, section, coefficients, tell)
        else:
            found = _kept(Path(checkpoint), loss, section, axes, centre, tell)
    found[~coefficients.any(axis=1)] = centre
    _note(found, nonfinite)
    return Surface(
        axes,
        found.reshape([axis.size for axis in axes]),
        centre,
        slopes,
        norm,
        _vectors.to_array(section.rows).copy(),
        _vectors.to_array(section.point),
        loss.fixed,
    )


def _kept(
    path: Path,
    loss: Loss,
    section: _points.Section,
    axes: tuple[Reals, ...],
    centre: float,
    tell: Callable[[int], Any],
) -> Reals:
    """Return the loss at all points of a grid, row by row with a file, from which it goes on."""
    point, directions = (_vectors.to_array(part) for part in section)
    marks = {"theta": point, "directions": directions, "axes": np.concatenate(axes)}
    n_columns = axes[1].size if len(axes) > 1 else 1
    rows = Rows(path, (axes[0].size, n_columns), marks, centre, torch.finfo(loss.dtype).eps)
    tell(rows.done * n_columns)
    for a in axes[0][rows.done :]:
        points = np.array(list(itertools.product([a], *axes[1:])))
        rows.add(_points.values(loss, section, points, tell))
    return rows.values.ravel()


def checked_axes(extent: Any, n_points: Any, n_axes: int) -> tuple[Reals, ...]:
    """Return the coefficients along each axis, with 0 itself where it is one of them, or raise."""
    counts = list(n_points) if isinstance(n_points, (tuple, list, np.ndarray)) else [n_points] * n_axes
    if len(counts) != n_axes:
        raise ValueError(
            f"n_points must be one number or one for each of {n_axes} directions; got {n_points!r}"
        )
    return tuple(_axis(*ends, _odd(count)) for ends, count in zip(_ends(extent, n_axes), counts, strict=True))


def _ends(extent: Any, n_axes: int) -> list[tuple[float, float]]:
    """Return the lowest and the highest coefficient of each axis, or raise."""
    try:
        axes = 0 if isinstance(extent, str) else np.ndim(extent)
    except ValueError:
        raise ValueError(f"extent must have pairs of two numbers; got {extent!r}") from None
    if not axes:
        reach = _checks.positive("extent", extent)
        return [(-reach, reach)] * n_axes
    pairs = [tuple(pair) for pair in extent] if axes == 2 else [tuple(extent)] * n_axes
    if len(pairs) != n_axes or any(len(pair) != 2 for pair in pairs):
        raise ValueError(
            f"extent must be a number, a pair or a pair for each of {n_axes} directions; got {extent!r}"
        )
    ends = [(_checks.real("extent", low), _checks.real("extent", high)) for low, high in pairs]
    for low, high in ends:
        if low >= high:
            raise ValueError(f"extent must rise from its lowest to its highest; got ({low:g}, {high:g})")
    return ends


def _odd(count: Any) -> int:
    number = _checks.integer("n_points", count, minimum=3)
    if number % 2 == 0:
        raise ValueError(f"n_points must be odd, so that theta is one of the points; got {number}")
    return number


def _axis(low: float, high: float, count: int) -> Reals:
    axis = np.linspace(low, high, count)
    axis[np.abs(axis) <= _ROUNDING * (high - low)] = 0.0
    return axis


def _slopes(loss: Loss, section: _points.Section) -> tuple[Reals, float]:
    """Return g . d for each direction, and |g|; nan where the loss has no gradient."""
    try:
        gradient = loss.gradient(section.point).cpu().double()
    except ValueError:
        return np.full(len(section.rows), math.nan), math.nan
    return (section.rows.cpu().double() @ gradient).numpy(), gradient.norm().item()


def _note(found: Reals, nonfinite: str) -> None:
    """Replace what is not finite by nan and say how many, or raise."""
    wrong = ~np.isfinite(found)
    if not wrong.any():
        return
    message = f"the loss is not finite at {wrong.sum()} of {found.size} points"
    if nonfinite == "raise":
        raise FloatingPointError(message)
    found[wrong] = math.nan
    warnings.warn(f"{message}, which are nan", stacklevel=3)
