"""Independent pieces of work on all cores: kernels let go of the interpreter, so that threads suffice.

Which piece runs on which core, and on how many, changes nothing of what comes out.
"""

from __future__ import annotations

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_alone = False


@contextlib.contextmanager
def over(count: int) -> Iterator[Callable[[Callable[[int], Any]], None]]:
    """Yield a function that calls its argument with 0 ... count - 1, side by side, and waits for all.

    An error, Ctrl-C too, is raised as soon as the pieces that have begun are done; the others are dropped.
    """
    workers = min(count, _cores())
    if workers < 2:
        yield lambda work: _one_by_one(work, count)
        return
    with ThreadPoolExecutor(workers) as pool:
        yield lambda work: _side_by_side(pool, workers, work, count)


def keep_to_one_core() -> None:
    """Let this process work on one core from now on, as its siblings have the others."""
    global _alone
    _alone = True


def _cores() -> int:
    if _alone:
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _one_by_one(work: Callable[[int], Any], count: int) -> None:
    for piece in range(count):
        work(piece)


def _side_by_side(pool: ThreadPoolExecutor, workers: int, work: Callable[[int], Any], count: int) -> None:
    """Let every worker take piece after piece: a task for each would cost more than a short piece itself."""
    pieces, stopped = iter(range(count)), threading.Event()

    def take() -> None:
        for piece in pieces:  # each goes to one worker, as the interpreter's lock is held meanwhile
            if stopped.is_set():
                return
            work(piece)

    try:
        tasks = [pool.submit(take) for _ in range(workers)]
        for done in as_completed(tasks):
            done.result()
    finally:
        stopped.set()
