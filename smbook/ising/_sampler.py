"""A kernel with its arrays bound, as a run calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from smbook.ising._model import Counts, Spins
from smbook.kernels.rng import State


class Sampler(NamedTuple):
    """A kernel with its arrays bound, called with (sweeps before each entry, bonds, sums).

    It can be stopped after a step: a sweep, or a part of one, which `part` makes without a note at its end.
    `updates` is the work of a step. A kernel that keeps its spins elsewhere puts them back by `store`.
    """

    kernel: Callable[[int, Counts, Counts], None]
    updates: int
    steps_per_sweep: int = 1
    part: Callable[[int], None] | None = None
    store: Callable[[], None] | None = None

    def __call__(self, sweeps: int, bonds: Counts, sums: Counts) -> None:
        self.kernel(sweeps * self.steps_per_sweep, bonds, sums)


Bind = Callable[[Spins, State], Sampler]
