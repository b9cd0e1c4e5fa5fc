"""Independent pieces of work on all cores: kernels let go of the interpreter, so that threads suffice.

Which piece runs on which core, and on how many, changes nothing of what comes out.
"""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def over(count: int) -> Iterator[Callable[[Callable[[int], Any]], None]]:
    """Yield a function that calls its argument with 0 ... count - 1, side by side, and waits for all.

    An error, Ctrl-C too, is raised as soon as the pieces that have begun are done; the others are dropped.
    """
    workers = min(count, _cores())
    if workers < 2:
        yield lambda work: _one_by_one(work, count)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        yield lambda work: _side_by_side(pool, work, count)
    finally:
        pool.shutdown(cancel_futures=True)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _one_by_one(work: Callable[[int], Any], count: int) -> None:
    for piece in range(count):
        work(piece)


def _side_by_side(pool: ThreadPoolExecutor, work: Callable[[int], Any], count: int) -> None:
    for done in [pool.submit(work, piece) for piece in range(count)]:
        done.result()
