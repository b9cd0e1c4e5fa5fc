"""The loop of a sweep: give points to workers, take what comes back, go on until none is left."""

from __future__ import annotations

import inspect
import itertools
import logging
import math
import os
import queue
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smbook import _checks, _runs
from smbook.sweep import _executors, _grid, _store, _values, _work
from smbook.sweep._result import Failure, Sweep, SweepError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    from smbook.kernels.rng import Randomness
    from smbook.sweep._grid import Grid, Point, Points

_log = logging.getLogger("smbook.sweep")
_SPOKEN = 10  # failures that are told of at once; more would hide what else is shown


def run(
    function: Callable[..., Any],
    grid: Grid,
    *,
    executor: Executor | str | None = None,
    store: str | os.PathLike[str] | None = None,
    rng: Randomness = None,
    errors: str = "report",
    progress: bool = False,
) -> Sweep:
    """Evaluate a function at all points of a grid, side by side, and keep each value on disk at once.

    At each point it calls ``function(**parameters)``, or ``function(**parameters, rng=generator)``. A point
    has a generator of its own, made of the seed and the parameters. So values depend neither on the executor,
    the number of workers and the order in which they come, nor on how often a sweep was stopped and resumed.

    Parameters
    ----------
    function
        What is evaluated. Processes must find it, by its name in a module or in a script.
    grid
        A mapping of names to sequences of values: their combinations, the last axis fastest. Or a sequence of
        mappings of the same names, a point each. Parameters are None, numbers, strings, bytes, arrays, and
        lists, tuples and dicts of these. No point may stand there twice; repeats need a parameter that
        numbers them, such as ``"sample": range(10)``.
    executor
        Any `concurrent.futures.Executor`, such as a `ThreadPoolExecutor`, or on a cluster that of Dask,
        ``client.get_executor()``. It is left open. "threads" makes threads for the time of the sweep, one for
        each core. They start at once, take functions defined in a notebook, and suffice where the work
        releases the interpreter's lock, as all samplers of smbook do. None makes as many processes, kept to
        a core each; they are spawned, so a script must call this under ``if __name__ == "__main__":``.
    store
        A folder, made if there is none, which keeps each value as soon as it is there, written by the worker
        where that sees the folder. With the same function, names and seed the sweep is resumed: points with
        a value are not evaluated again. The grid may have grown, and points that failed are tried again. A
        function is known by its name, by the arguments of a `functools.partial`, and by the attributes of an
        object that has it as a method; if its text has changed, this is logged. What else it refers to is not
        compared. Values must then be None, numbers, strings, bytes, arrays, and lists, tuples, named tuples
        and dicts of these. A named tuple comes back as its class if that is loaded or one of smbook's, and
        else as another class of the same name and fields; an array of records as one of plain structures.
    rng
        The seed of all, as for `smbook.ising.simulate`; then the function is given a Generator as `rng`. None
        gives it none.
    errors
        What to do about points that raise an error, return what cannot be stored, or end their process. The
        others are evaluated anyway. "report" logs the first ten at once, to the logger "smbook.sweep", and
        returns them as `Sweep.failures`; "raise" raises an error that holds the same result.
    progress
        Whether a bar shows the points.

    Returns
    -------
    Sweep
        The values in the order of the grid, and what failed.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, the function does not take the parameters, or processes do not
        find it; if the store is of another run (another function, other names, another seed, points that the
        grid does not hold), or damaged. The file at fault is named, and nothing is evaluated.
    SweepError
        With errors="raise", after all others are done.
    KeyboardInterrupt
        After Ctrl-C. What has not begun is dropped and what is finished is in the store. Processes that were
        made here are stopped at once, threads when they are done with their points.
    OSError
        If the store cannot be written.
    RuntimeError
        If worker processes cannot be started, or an executor takes no more work.

    Notes
    -----
    The store is open to other programs. ``sweep.json`` says which run it is: the function by its name and
    text, names of parameters, seed, date and versions. Each other file is a point, a NumPy archive that
    ``numpy.load`` reads without pickles. Its array ``about`` is text as bytes (uint8), JSON with "parameters"
    and "value". Numbers, strings, None and lists are written there as such, and what JSON lacks as an object
    of one entry::

        {"array": name}, {"scalar": name}                another array of the archive, or what is in it
        {"number": [dtype, number]}                      a number of NumPy
        {"tuple": items}, {"dict": pairs}
        {"named tuple": [class, fields, items]}
        {"float": text}, {"complex": [text, text]}       1e+300, "nan", "inf", "-inf"; real and imaginary part
        {"integer": hexadecimal}, {"bytes": hexadecimal} of more than 64 bits

    Files are written under other names, which end in ".part", and renamed when they are whole and on the
    disk, about a millisecond after the function has returned. From then on a point is finished, whatever is
    killed. What a killed run has left half written is removed by the next. If the program is killed, its
    processes end too, but keep a value first that they have just found. A second run at the same time in the
    same folder is not noticed; it does the same work again.

    An error in a value is told from an error in the executor. A process of our own that dies, for want of
    memory for example, is replaced, and its point alone has failed. In a process pool that was given all
    points that it had taken are lost with it, and those that it was to take next; all are reported.

    Examples
    --------
    >>> from smbook import ising, sweep
    >>> def energy(side, beta, rng):
    ...     return ising.simulate((side, side), beta, 2000, rng=rng).energy.mean()
    >>> result = sweep.run(energy, {"side": [8, 16], "beta": [0.1, 0.2, 0.3]}, executor="threads", rng=1)
    >>> result
    Sweep(6 points, side (2) x beta (3))
    >>> result.table().round(1)
    array([[-0.2, -0.4, -0.7],
           [-0.2, -0.4, -0.7]])
    >>> bool(result.at(side=16, beta=0.3) == result.table()[1, 2])
    True

    With Dask on a cluster, here one of two processes on this machine. When this is killed and run again, it
    goes on with what is missing in the folder "energies"::

        from distributed import Client, LocalCluster

        from my_module import energy, grid

        if __name__ == "__main__":
            with LocalCluster(n_workers=2) as cluster, Client(cluster) as client:
                result = sweep.run(
                    energy, grid, executor=client.get_executor(), store="energies", rng=1, progress=True
                )
    """
    _executors.check(executor)
    _checks.choice("errors", errors, ("report", "raise"))
    points, seed = _grid.checked(grid), _seed(rng)
    _check_call(function, points, seeded=seed is not None)
    kept = None if store is None else _store.Store(_folder(store), _store.describe(function, points, seed))
    values = {} if kept is None else kept.finished(points)
    waiting = [point for point in points.points if point.number not in values]
    failed = itertools.count(1)

    with _runs.progress_bar(len(points.points), "point", progress) as tell:

        def take(point: Point, future: Future[Any]) -> None:
            values[point.number] = value = _value(point, future, kept)
            if isinstance(value, Failure):
                _report(value, next(failed))
            tell(1)

        def begin() -> None:
            if kept is not None:
                kept.begin()

        tell(len(values))
        if waiting:
            jobs = ((point, _job(point, seed, kept)) for point in waiting)
            with _executors.chosen(executor, function, len(waiting)) as (pool, window):
                begin()  # not before processes have found the function: it may be put elsewhere then
                _evaluate(pool, window, function, jobs, take)
        else:
            begin()
    return _result(points, values, errors)


def _evaluate(
    pool: Executor,
    window: int,
    function: Callable[..., Any],
    jobs: Iterator[tuple[Point, _work.Job]],
    take: Callable[[Point, Future[Any]], None],
) -> None:
    """Have all jobs done, no more than `window` of them at once, and take what comes as it comes."""
    done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
    begun: dict[Future[Any], Point] = {}
    try:
        while True:
            for point, job in itertools.islice(jobs, window - len(begun)):
                future = _submitted(pool, function, job)
                begun[future] = point
                future.add_done_callback(done.put)
            if not begun:
                return
            future = done.get()
            take(begun.pop(future), future)
    except BaseException:
        for future in begun:
            future.cancel()
        raise


def _submitted(pool: Executor, function: Callable[..., Any], job: _work.Job) -> Future[Any]:
    try:
        return pool.submit(_work.evaluate, function, job)
    except BrokenExecutor as error:  # a pool that was given, and has lost a worker
        future: Future[Any] = Future()
        future.set_exception(error)
        return future


def _value(point: Point, future: Future[Any], kept: _store.Store | None) -> Any:
    """Return the value of a point, which is on disk then, or its failure."""
    try:
        outcome = future.result()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a worker that died, an answer that cannot be sent, a point cancelled
        if kept is not None and kept.place(point).path.exists():  # the worker's last deed
            return kept.value(point)
        outcome = _work.described(error)
        if isinstance(error, BrokenExecutor):
            outcome = outcome._replace(
                message=f"a worker that had this point, or was to get it, died. {error}"
            )
    if isinstance(outcome, _work.Error):
        return Failure(point.number, point.parameters, *outcome)
    if kept is None:
        return outcome.value
    if not outcome.kept:
        kept.place(point).write(point.parameters, outcome.value, outcome.arrays)
    return _values.unpack(outcome.value, outcome.arrays)


def _report(failure: Failure, count: int) -> None:
    if count <= _SPOKEN:
        _log.warning("(%s) failed: %s: %s", _grid.shown(failure.parameters), failure.error, failure.message)
    if count == _SPOKEN:
        _log.warning("further failures are not told here, but stand in the result")


def _result(points: Points, values: dict[int, Any], errors: str) -> Sweep:
    rows = tuple(point.parameters for point in points.points)
    axes = points.axes or {name: [row[name] for row in rows] for name in points.names}
    sweep = Sweep(rows, tuple(values[k] for k in range(len(rows))), axes, points.shape)
    if sweep.failures and errors == "raise":
        raise SweepError(sweep)
    return sweep


def _job(point: Point, seed: np.random.SeedSequence | None, kept: _store.Store | None) -> _work.Job:
    if seed is not None:
        words = (int(point.key[k : k + 8], 16) for k in range(0, 32, 8))
        own = (*seed.spawn_key, *words)
        seed = np.random.SeedSequence(seed.entropy, spawn_key=own, pool_size=seed.pool_size)
    return _work.Job(point.parameters, seed, None if kept is None else kept.place(point))


def _seed(rng: Any) -> np.random.SeedSequence | None:
    if rng is None or isinstance(rng, np.random.SeedSequence):
        return rng
    if isinstance(rng, np.random.Generator):
        return np.random.SeedSequence(int.from_bytes(rng.bytes(16), "little"))
    try:
        return np.random.SeedSequence(_checks.integer("rng", rng, minimum=0, maximum=math.inf))
    except TypeError:
        raise TypeError(
            f"rng must be an integer, a numpy.random.SeedSequence or Generator, or None; got {rng!r}"
        ) from None


def _folder(store: Any) -> Path:
    if not isinstance(store, (str, os.PathLike)) or not os.fspath(store):
        raise TypeError(f"store must be the path of a folder; got {store!r}")
    return Path(store).absolute()  # workers may be in another folder


def _check_call(function: Any, points: Points, *, seeded: bool) -> None:
    """Raise if the function cannot be called with the parameters of this grid."""
    if not callable(function):
        raise TypeError(f"function must be callable; got {function!r}")
    if seeded and "rng" in points.names:
        raise ValueError("grid must not hold rng if rng is given")
    if not points.names:
        return
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # not all that are written in C have one
        return
    try:
        signature.bind(**dict.fromkeys((*points.names, *["rng"] * seeded)))
    except TypeError as error:
        name = getattr(function, "__qualname__", repr(function))
        raise TypeError(
            f"{name}{signature} cannot be called with this grid and rng={'...' if seeded else None}: {error}"
        ) from error
