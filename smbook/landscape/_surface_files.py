"""Surfaces on disk, row by row, so that one that is broken off goes on where it was."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from smbook._archives import Archive

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Reals = NDArray[np.float64]

_FILES = Archive("smbook.landscape.surface", 1, "surface")
_ROUNDING = 1000  # in units of that of the loss, by which its value at the centre may differ


class Rows:
    """The rows of a grid, shape (n_rows, n_columns), of which the first ones may be in a file already.

    `marks` tell one surface from another, each under the name by which an error calls it: arrays, which are
    held against each other by their bytes. The loss at the centre tells the model and the data; `epsilon` is
    the rounding of the loss's dtype.
    """

    def __init__(
        self, path: Path, shape: tuple[int, int], marks: dict[str, Any], centre: float, epsilon: float
    ) -> None:
        if path.is_dir():
            raise ValueError(f"checkpoint must be a file; got the folder {path}")
        self._path = path
        self._about: dict[str, Any] = {name: _digest(array) for name, array in marks.items()}
        self._about["centre"] = centre
        self.values, self.done = np.full(shape, math.nan), 0
        if path.exists():
            self._resume(epsilon)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write()

    def _resume(self, epsilon: float) -> None:
        about, arrays = _FILES.read(self._path)
        for name in self._about:
            if name not in about:
                raise ValueError(f"{self._path} is no surface that was saved: {name} is missing")
            if name != "centre" and about[name] != self._about[name]:
                raise ValueError(f"{self._path} belongs to another surface: {name} differ")
        there, here = float(about["centre"]), self._about["centre"]
        if not math.isclose(there, here, rel_tol=_ROUNDING * epsilon, abs_tol=epsilon):
            raise ValueError(
                f"{self._path} belongs to another loss: at the centre it is {there:.9g} there "
                f"and {here:.9g} here"
            )
        known = arrays.get("values", np.empty(0))
        if known.ndim != 2 or known.shape[1:] != self.values.shape[1:] or len(known) > len(self.values):
            raise ValueError(
                f"{self._path} is no surface that was saved: its values have shape {known.shape}"
            )
        self.done = len(known)
        self.values[: self.done] = known

    def add(self, row: Reals) -> None:
        """Take the next row, and have all rows so far in the file."""
        self.values[self.done] = row
        self.done += 1
        self._write()

    def _write(self) -> None:
        _FILES.write(self._path, self._about, {"values": self.values[: self.done]})


def _digest(array: Any) -> str:
    known = np.ascontiguousarray(array)
    found = hashlib.sha256(f"{known.dtype} {known.shape}".encode())
    found.update(known.data)
    return found.hexdigest()
