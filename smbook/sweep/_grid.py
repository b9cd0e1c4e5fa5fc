"""The points of a sweep: all combinations of the values on some axes, or a list of parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook.sweep import _values

if TYPE_CHECKING:
    from collections.abc import Sequence

    Grid = Mapping[str, Iterable[Any]] | Iterable[Mapping[str, Any]]


class Point(NamedTuple):
    """What a function is called with, where it stands in the grid, and what tells it from other points."""

    number: int
    parameters: dict[str, Any]
    key: str


class Points(NamedTuple):
    """All points of a grid, in its order, with its axes; a list has none, and one dimension."""

    names: tuple[str, ...]
    axes: dict[str, list[Any]]
    shape: tuple[int, ...]
    points: list[Point]


def checked(grid: Any) -> Points:
    """Return the points of a grid, or raise if it is none; iterators are read to their end, once."""
    if isinstance(grid, Mapping):
        return _combinations(grid)
    if isinstance(grid, (str, bytes)) or not isinstance(grid, Iterable):
        raise TypeError(f"grid must map names to values, or be a list of such mappings; got {grid!r}")
    return _listed(list(grid))


def shown(parameters: Mapping[str, Any]) -> str:
    """Write parameters as in a call."""
    return ", ".join(f"{name}={_plain(value)}" for name, value in parameters.items())


def _plain(value: Any) -> str:
    try:
        text = repr(_values.plain(value))
    except ValueError:  # an integer of more digits than Python writes
        text = f"{value:#x}" if isinstance(value, int) else f"a {type(value).__name__}"
    return text if len(text) < 80 else text[:77] + "..."


def _combinations(grid: Mapping[Any, Any]) -> Points:
    _check_names(grid)
    axes = {name: _axis(name, values) for name, values in grid.items()}
    shape = tuple(map(len, axes.values()))
    if math.prod(shape) > np.iinfo(np.int32).max:
        raise ValueError(f"grid must have fewer than 2**31 points; got {math.prod(shape)}")
    rows = (dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))
    return Points(tuple(axes), axes, shape, _numbered(rows))


def _axis(name: str, values: Any) -> list[Any]:
    if (
        isinstance(values, (str, bytes, Mapping, set, frozenset, np.ma.MaskedArray))
        or not isinstance(values, Iterable)
        or getattr(values, "ndim", 1) == 0
    ):
        raise TypeError(f"the values of {name} must stand in a sequence, even a single one; got {values!r}")
    return list(values)


def _listed(rows: Sequence[Any]) -> Points:
    for row in rows:
        if not isinstance(row, Mapping):
            raise TypeError(f"grid must be a list of mappings; it holds {row!r}")
        _check_names(row)
        if row.keys() != rows[0].keys():
            raise ValueError(f"points must have the same names; got {sorted(rows[0])} and {sorted(row)}")
    names = tuple(rows[0]) if rows else ()
    return Points(names, {}, (len(rows),), _numbered({name: row[name] for name in names} for row in rows))


def _check_names(grid: Mapping[Any, Any]) -> None:
    if not grid:
        raise ValueError("grid must name a parameter at least; got an empty mapping")
    for name in grid:
        if not isinstance(name, str):
            raise TypeError(f"names of parameters must be strings; got {name!r}")


def _numbered(rows: Iterable[dict[str, Any]]) -> list[Point]:
    points = [Point(number, row, _values.key(row)) for number, row in enumerate(rows)]
    first: dict[str, Point] = {}
    for point in points:
        if first.setdefault(point.key, point) is not point:
            raise ValueError(
                f"grid must hold each point once; it holds ({shown(point.parameters)}) twice. "
                "Repeats need a parameter that numbers them"
            )
    return points
