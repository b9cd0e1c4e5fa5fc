"""The data of a loss, in chunks whose losses add up to that of all rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from smbook import _checks


class Chunk(NamedTuple):
    """Rows that go through the model together, and the weight of their loss in that of the batch."""

    inputs: tuple[torch.Tensor, ...]
    targets: torch.Tensor
    weight: float


class Batches:
    """Iterate over the chunks of a batch, which is held if it is `fixed` and else read anew each time.

    Floating-point data come out in the model's dtype, all data on its device. With `mean` a chunk weighs its
    share of the rows, else 1.
    """

    def __init__(
        self,
        inputs: Any,
        targets: Any,
        *,
        chunk_size: int | None,
        mean: bool,
        keep: bool,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self._size = None if chunk_size is None else _checks.integer("chunk_size", chunk_size, minimum=1)
        self._mean, self._dtype, self._device = mean, dtype, device
        self._source: Iterable[Any] = _pairs(inputs, targets, keep)
        self.fixed = keep or targets is not None  # then copies, which neither owner nor loader writes to
        if self.fixed:
            self._source = [self._checked(pair) for pair in self._source]
        sizes = [len(rows) for pair in self._source for _, rows in self._parts(self._checked(pair))]
        self.n_rows, self.n_chunks = sum(sizes), len(sizes)
        if not self.n_rows:
            raise ValueError("inputs must have at least one row; got none")

    def __iter__(self) -> Iterator[Chunk]:
        seen = 0
        for pair in self._source:
            for inputs, targets in self._parts(pair if self.fixed else self._checked(pair)):
                seen += len(targets)
                yield Chunk(inputs, targets, len(targets) / self.n_rows if self._mean else 1.0)
        if seen != self.n_rows:
            raise RuntimeError(f"inputs must give the same rows each time; got {self.n_rows} and then {seen}")

    def whole(self) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
        """Return the inputs and targets of all rows, not to be written to, of a batch that was one pair."""
        (pair,) = self._source
        return pair  # type: ignore[no-any-return]

    def _checked(self, pair: Any) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
        """Return the inputs of the model and the targets, on its device, or raise."""
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"each batch of inputs must be a pair (inputs, targets); got {_described(pair)}")
        inputs, targets = pair
        several = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
        found = tuple(self._tensor("inputs", part) for part in several)
        goal = self._tensor("targets", targets)
        rows = [len(part) for part in (*found, goal)]
        if len(set(rows)) > 1 or not found:
            raise ValueError(f"inputs and targets must have the same number of rows; got {rows}")
        return found, goal

    def _tensor(self, name: str, values: Any) -> torch.Tensor:
        given = values
        if isinstance(values, np.ma.MaskedArray):
            raise TypeError(f"{name} must be a tensor or an array of numbers; got a masked array")
        if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
            values = torch.from_numpy(np.array(values, dtype=values.dtype.newbyteorder("=")))
        if not isinstance(values, torch.Tensor):
            raise TypeError(f"{name} must be a tensor or an array of numbers; got {_described(values)}")
        if not values.ndim:
            raise ValueError(f"{name} must have rows; got the single number {values.item()}")
        dtype = self._dtype if values.is_floating_point() else values.dtype
        copied = self.fixed and values is given
        return values.detach().to(device=self._device, dtype=dtype, copy=copied)

    def _parts(
        self, pair: tuple[tuple[torch.Tensor, ...], torch.Tensor]
    ) -> Iterator[tuple[tuple[torch.Tensor, ...], torch.Tensor]]:
        inputs, targets = pair
        size = self._size or max(len(targets), 1)
        for start in range(0, len(targets), size):
            chosen = slice(start, start + size)
            yield tuple(part[chosen] for part in inputs), targets[chosen]


def _pairs(inputs: Any, targets: Any, keep: bool) -> Iterable[Any]:
    """Return an iterable over pairs of inputs and targets, or raise if it can be read only once."""
    if targets is not None:
        return [(inputs, targets)]
    if isinstance(inputs, (torch.Tensor, np.ndarray)) or not isinstance(inputs, Iterable):
        raise TypeError(f"targets must be given, or inputs be pairs of both; got inputs {_described(inputs)}")
    if not keep and isinstance(inputs, Iterator):
        raise TypeError("inputs must be iterable again and again unless keep=True; got an iterator")
    return inputs


def _described(values: Any) -> str:
    kind = type(values).__name__
    return f"a {kind} of {len(values)}" if isinstance(values, (tuple, list)) else f"a {kind}"
