"""What a sweep returns: values in the order of the grid, what failed, and tables of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook.sweep import _values
from smbook.sweep._grid import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


class Failure(NamedTuple):
    """Tell of a point without a value: its number in the grid, its parameters, and its error, as text.

    It stands in the place of the value.
    """

    number: int
    parameters: dict[str, Any]
    error: str
    message: str
    traceback: str

    def __repr__(self) -> str:
        return f"Failure({shown(self.parameters)}: {self.error}: {self.message})"


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """Hold the values of a function at the points of a grid.

    `parameters` holds those of each point and `values` what the function returned there, both in the order
    of the grid, the last axis fastest; in the place of a value that is missing stands its `Failure`.
    `axes` holds the values along each axis (of a list of points, the parameters of all by name), and `shape`
    how many there are. `failures` holds all that failed.

    Examples
    --------
    >>> from smbook import sweep
    >>> result = sweep.run(pow, [{"base": 2, "exp": 5}, {"base": 3, "exp": 2}], executor="threads")
    >>> result
    Sweep(2 points of base, exp)
    >>> result.values
    (32, 9)
    >>> result.table()
    array([32,  9])
    >>> result.at(base=3)
    9
    """

    parameters: tuple[dict[str, Any], ...]
    values: tuple[Any, ...]
    axes: dict[str, list[Any]]
    shape: tuple[int, ...]

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Return what failed, in the order of the grid."""
        return tuple(value for value in self.values if isinstance(value, Failure))

    def items(self) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield the parameters and the value of each point, in the order of the grid."""
        return zip(self.parameters, self.values, strict=True)

    def table(self, *names: str | int) -> NDArray[Any]:
        """Return numbers of all points as one array of the grid's shape.

        Parameters
        ----------
        names
            Which part of each value: the name of a field of a named tuple, a key of a dict, or the place in a
            sequence; further ones name a part of that part. Without any it is the value itself.

        Returns
        -------
        NDArray
            Of shape `shape`, followed by that of a part if parts are arrays. Points that failed are nan.

        Raises
        ------
        KeyError
            If a value has no such part.
        ValueError
            If parts are no numbers, or differ in shape.

        Examples
        --------
        >>> from smbook import sweep
        >>> def circle(radius):
        ...     return {"length": 6.28 * radius, "area": 3.14 * radius**2}
        >>> sweep.run(circle, {"radius": [1, 2]}, executor="threads").table("area")
        array([ 3.14, 12.56])
        """
        parts = [None if isinstance(value, Failure) else _part(value, names) for value in self.values]
        known = [part for part in parts if part is not None]
        shapes = {part.shape for part in known}
        if len(shapes) > 1:
            raise ValueError(f"a table needs parts of one shape; got {sorted(shapes)}")
        shape = shapes.pop() if shapes else ()
        if len(known) < len(parts):
            known.append(np.array(np.nan))
        table = np.empty((len(parts), *shape), np.result_type(*known) if known else float)
        for k, part in enumerate(parts):
            table[k] = np.nan if part is None else part
        return table.reshape(self.shape + shape)

    def at(self, /, **parameters: Any) -> Any:
        """Return the value at the one point of the grid with these parameters, or its `Failure`.

        Raises
        ------
        KeyError
            If no point has them, or several do, as others of their parameters differ.
        """
        wanted = _values.key(parameters)
        found = self._numbers(frozenset(parameters.keys() & self.axes.keys())).get(wanted, [])
        if len(found) != 1:
            raise KeyError(f"{len(found) or 'no'} points have ({shown(parameters)})")
        return self.values[found[0]]

    def _numbers(self, names: frozenset[str]) -> dict[str, list[int]]:
        """Return the numbers of the points that have the same values of some parameters, found once."""
        known: dict[frozenset[str], dict[str, list[int]]] = self.__dict__.setdefault("_found", {})
        if names not in known:
            numbers: dict[str, list[int]] = {}
            for k, row in enumerate(self.parameters):
                numbers.setdefault(_values.key({name: row[name] for name in names}), []).append(k)
            known[names] = numbers
        return known[names]

    def __getstate__(self) -> dict[str, Any]:
        return {name: part for name, part in self.__dict__.items() if name != "_found"}

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sweep):
            return NotImplemented
        return self.shape == other.shape and all(
            _values.same(mine, theirs)
            for mine, theirs in ((self.parameters, other.parameters), (self.values, other.values))
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        failed = self.failures
        axes = f" of {', '.join(self.axes)}"
        if len(self.shape) > 1:
            sides = zip(self.axes, self.shape, strict=True)
            axes = ", " + " x ".join(f"{name} ({side})" for name, side in sides)
        text = f"{len(self)} points{axes}"
        if failed:
            text += f"; {len(failed)} failed, the first at {shown(failed[0].parameters)}: {failed[0].error}"
        return f"Sweep({text})"


class SweepError(RuntimeError):
    """Tell that points of a sweep have failed; the attribute `sweep` is its result, with all that did not."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        first = sweep.failures[0]
        super().__init__(
            f"{len(sweep.failures)} of {len(sweep)} points failed; the first is ({shown(first.parameters)}): "
            f"{first.error}: {first.message}\n{first.traceback}"
        )

    def __reduce__(self) -> tuple[type[SweepError], tuple[Sweep]]:
        return type(self), (self.sweep,)


def _part(value: Any, names: tuple[str | int, ...]) -> NDArray[Any]:
    """Return a part of a value as an array of numbers."""
    part = value
    for name in names:
        try:
            part = getattr(part, name) if isinstance(name, str) and hasattr(part, "_fields") else part[name]
        except (AttributeError, KeyError, IndexError, TypeError):
            raise KeyError(f"{value!r} has no part {name!r}") from None
    try:
        array = np.asarray(part)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biufc":
        raise ValueError(f"a table holds numbers; got {part!r}")
    return array
