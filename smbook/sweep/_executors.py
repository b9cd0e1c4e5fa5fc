"""Who evaluates the points: processes of our own, threads, or an executor that was given."""

from __future__ import annotations

import collections
import contextlib
import importlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from smbook import _pool
from smbook.sweep import _work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WINDOW = 1000  # points at once with an executor that does not say how many workers it has
_REMEDY = (
    'executor="threads" needs no other process, and is as fast for what releases the interpreter\'s lock, '
    "as all samplers of smbook do; or put the function into a module of its own, and import it"
)
_NOT_STARTED = (
    "worker processes could not be started, or have died. A script must call this under "
    "`if __name__ == '__main__':`, as each worker imports the script first; executor=\"threads\" needs no "
    "other process"
)
_PATIENCE = 5.0  # seconds in which a process that is no longer needed ends by itself
_GRACE = 0.1  # seconds in which a function that has just finished hands over its value
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Processes(Executor):
    """As many processes as there are cores, each a pool of its own: one that dies takes its own point along.

    It takes no more points at once than it has processes. A process works on one core, and ends with the one
    that has started it, even if that is killed.
    """

    def __init__(self, function: Callable[..., Any], most: int) -> None:
        self._pools = [_process() for _ in range(max(1, min(most, _pool._cores())))]
        self._idle = collections.deque(range(len(self._pools)))
        try:
            _check_known(function, self._pools)
        except BaseException:
            self.kill()
            raise

    @property
    def window(self) -> int:
        """Return how many points it takes at once."""
        return len(self._pools)

    def submit(self, work: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        """Give work to a process that has none."""
        k = self._idle.popleft()
        try:
            future = self._pools[k].submit(work, *args, **options)
        except BrokenExecutor:
            self._pools[k] = _process()
            future = self._pools[k].submit(work, *args, **options)
        future.add_done_callback(lambda _: self._idle.append(k))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all processes, which have nothing left to do; by force if threads of the function keep them."""
        processes, until = self._processes(), time.monotonic() + _PATIENCE
        with ThreadPoolExecutor(len(self._pools)) as all_at_once:
            for pool in self._pools:
                all_at_once.submit(pool.shutdown, wait, cancel_futures=cancel_futures)
            for process in processes:
                if not connection.wait([process.sentinel], max(0.0, until - time.monotonic())):
                    process.kill()

    def kill(self) -> None:
        """End all processes at once."""
        for process in self._processes():
            process.kill()
        self.shutdown()

    def _processes(self) -> list[Any]:
        return [process for pool in self._pools for process in list((pool._processes or {}).values())]


@contextlib.contextmanager
def chosen(executor: Any, function: Callable[..., Any], most: int) -> Iterator[tuple[Executor, int]]:
    """Yield an executor and how many points to give it at once; one that was made here is ended at the end.

    After an error, Ctrl-C too, our own processes are killed, and threads are left when they have finished
    the points that they have begun.
    """
    if executor is None:
        processes = Processes(function, most)
        try:
            yield processes, processes.window
        except BaseException:
            processes.kill()
            raise
        processes.shutdown()
    elif executor == "threads":
        with ThreadPoolExecutor(max(1, min(most, _pool._cores()))) as pool:
            yield pool, window_of(pool)
    else:
        if isinstance(executor, ProcessPoolExecutor):
            _check_known(function, [executor])
        yield executor, window_of(executor)


def check(executor: Any) -> None:
    """Raise TypeError or ValueError if this is no executor."""
    if executor is None or isinstance(executor, Executor):
        return
    if isinstance(executor, str):
        if executor == "threads":
            return
        raise ValueError(f'executor must be "threads" if it is a word; got {executor!r}')
    hint = ""
    if isinstance(executor, type) and issubclass(executor, Executor):
        hint = f": it is a class, of which {executor.__name__}() is one"
    elif hasattr(executor, "get_executor"):
        hint = "; its get_executor() makes one"
    raise TypeError(f"executor must be a concurrent.futures.Executor; got {executor!r}{hint}")


def window_of(executor: Executor) -> int:
    """Return how many points keep all workers of an executor busy."""
    workers = getattr(executor, "_max_workers", None)
    return 2 * workers if isinstance(workers, int) else _WINDOW


def _process() -> ProcessPoolExecutor:
    """Return one process that shares nothing with this one, whose threads would not survive a fork."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin)


def _begin() -> None:
    """Keep a worker to one core, have it end with its parent, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _pool.keep_to_one_core()
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # for libraries that are loaded from now on
    with contextlib.suppress(ImportError):
        importlib.import_module("threadpoolctl").threadpool_limits(1)


def _end_with_parent() -> None:
    """Wait until the parent is gone, and end this process: not while it keeps a value that it has found."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        time.sleep(_GRACE)
        with _work.keeping:
            os._exit(1)


def _check_known(function: Callable[..., Any], pools: list[ProcessPoolExecutor]) -> None:
    """Raise TypeError if worker processes do not find the function, RuntimeError if there are none."""
    named = getattr(function, "__qualname__", repr(function))
    try:
        pickled = pickle.dumps(function)
    except Exception as error:  # what cannot be pickled says so in many ways
        raise TypeError(f"{named} cannot be sent to other processes: {error}. {_REMEDY}") from error
    try:
        for answer in [pool.submit(_reason_unknown, pickled) for pool in pools]:
            if reason := answer.result():
                raise TypeError(f"worker processes do not find {named}: {reason}. {_REMEDY}")
    except (BrokenExecutor, AssertionError) as error:  # a daemon may have no processes
        raise RuntimeError(_NOT_STARTED) from error


def _reason_unknown(pickled: bytes) -> str:
    try:
        pickle.loads(pickled)
    except Exception as error:  # modules that fail to import raise what they like
        return f"{type(error).__name__}: {error}"
    return ""
