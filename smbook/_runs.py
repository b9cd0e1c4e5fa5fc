"""Long runs of a kernel in short calls, so that Ctrl-C is heard and progress shows.

A run makes steps and notes what it measures after every `every`-th. How the steps are parted into calls
changes nothing of what comes out: a call goes on from the state that the one before has left.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS_PER_CALL = 0.1
UPDATES_PER_CALL = 10_000_000  # no more than some tenths of a second, whatever the course of a run
_GROWTH = 4  # from call to call, at most


class Pace:
    """How many steps the next call may make: few at first, then as many as fit into `SECONDS_PER_CALL`.

    `updates` is the expected work of a step. It bounds a call where steps that were short become long, as
    when clusters grow.
    """

    def __init__(self, updates: int) -> None:
        self.steps = 1
        self._most = max(1, UPDATES_PER_CALL // updates)

    def note(self, steps: int, seconds: float) -> None:
        """Take in how long a call of so many steps took."""
        fitting = int(steps * SECONDS_PER_CALL / max(seconds, 1e-9))
        self.steps = max(1, min(fitting, _GROWTH * self.steps, self._most))


class Call(NamedTuple):
    """One call of a kernel: the steps before each entry, the entries, and whether it completes them.

    Several entries go into one call where they are few steps apart. Where they are many, several calls lead
    to one entry, and the last of them completes it.
    """

    steps: int
    entries: slice
    complete: bool


def calls(n_steps: int, every: int, pace: Pace) -> Iterator[Call]:
    """Part a run into calls. Steps after the last kept entry lead to one more, which is never complete."""
    kept, rest = divmod(n_steps, every)
    entry = done = 0
    while entry * every + done < n_steps:
        together = 0 if done else min(pace.steps // every, kept - entry)
        if together:
            yield Call(every, slice(entry, entry + together), complete=True)
            entry += together
            continue
        steps = min(pace.steps, (every if entry < kept else rest) - done)
        done += steps
        yield Call(steps, slice(entry, entry + 1), complete=done == every)
        if done == every:
            entry, done = entry + 1, 0


def advance(
    run: Callable[[Call], Any],
    n_steps: int,
    every: int,
    *,
    updates: int,
    steps_per_unit: int = 1,
    unit: str = "sweep",
    progress: bool = False,
) -> None:
    """Make `n_steps` steps by `run`, one call after another, at a pace that leaves room to stop.

    `updates` is the expected work of a step, in updates of single spins; progress is told in units of
    `steps_per_unit` steps.
    """
    pace, made = Pace(updates), 0
    with progress_bar(n_steps // steps_per_unit, unit, progress) as tell:
        for call in calls(n_steps, every, pace):
            start = time.perf_counter()
            run(call)
            steps = call.steps * (call.entries.stop - call.entries.start)
            pace.note(steps, time.perf_counter() - start)
            tell((made + steps) // steps_per_unit - made // steps_per_unit)
            made += steps


@contextlib.contextmanager
def progress_bar(total: int | None, unit: str, wanted: bool) -> Iterator[Callable[[int], Any]]:
    """Yield what to tell of units done. Without a bar no lock is made, which a spawned worker would leak."""
    if not wanted or sys.stderr is None or sys.stderr.closed:
        yield lambda _: None
        return
    with tqdm(total=total, unit=unit) as bar:
        yield bar.update
