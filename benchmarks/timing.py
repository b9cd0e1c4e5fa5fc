"""Time several codes in turn, A B C A B C ..., so that a drift of the machine's speed touches all alike."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS = 7
SECONDS = 0.1  # that a run takes whose length is fitted
TRIES = 3
HURRIED = 0.002  # the same where only the code itself is tried

_quick = False


class Code(NamedTuple):
    """What to time: a call, the work that it does, and a shorter call whose time is taken off as preparation.

    `rounds` is for a slow code that takes part in the first rounds only.
    """

    run: Callable[[], object]
    work: float = 1.0
    preparation: Callable[[], object] | None = None
    rounds: int = 1_000_000


def hurry() -> None:
    """Time everything once and briefly from now on: what comes out is no measurement."""
    global _quick
    _quick = True


def hurried() -> bool:
    """Tell whether everything is to be brief."""
    return _quick


def fitted(run: Callable[[int], object], seconds: float = SECONDS) -> int:
    """Return the length with which a run takes about so many seconds more than one of length 1."""
    wanted = HURRIED if _quick else seconds
    run(1)  # compiled
    least = min(_clocked(partial(run, 1)) for _ in range(2))
    length = 4
    while (more := _clocked(partial(run, length)) - least) < wanted / 4:
        length *= 4
    return max(1, round(length * wanted / more))


def _clocked(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def interleaved(codes: Mapping[str, Code], *, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return the seconds of each call, round by round, after one of each code that is not counted.

    A code whose preparation takes longer than all of it, time after time, says nothing, and is left out.
    """
    seconds: dict[str, list[float]] = {name: [] for name in codes}
    for number in range((1 if _quick else rounds) + 1):
        for name, code in codes.items():
            if number <= code.rounds:
                seconds[name].append(_net(code))
    for name in [name for name, times in seconds.items() if min(times[1:]) <= 0.0]:
        print(f"{name}: its preparation takes as long as the run; left out.")
        del seconds[name]
    return {name: times[1:] for name, times in seconds.items()}


def _net(code: Code) -> float:
    """Return the seconds of a call without its preparation; one that was disturbed is timed again."""
    for _ in range(TRIES):
        before = _clocked(code.preparation) if code.preparation else 0.0
        if (net := _clocked(code.run) - before) > 0.0:
            break
    return net


def there(makers: Mapping[str, Callable[[], Code]]) -> dict[str, Code]:
    """Return the codes that can be made, and name those whose package is not installed."""
    codes = {}
    for name, make in makers.items():
        try:
            codes[name] = make()
        except ImportError as error:
            print(f"{name} is left out: {error}.")
    return codes


def rates(
    group: str, codes: Mapping[str, Code], unit: str, *, scale: float = 1e-9, rounds: int = ROUNDS,
    column: str = "", ratio: str = "",
) -> results.Table:  # fmt: skip
    """Time codes and return a table of the work that they do in `scale` seconds."""
    seconds = interleaved(codes, rounds=rounds)
    speeds = {name: [codes[name].work / t * scale for t in times] for name, times in seconds.items()}
    return results.table(group, speeds, unit=unit, column=column, ratio=ratio)


def times(
    group: str, codes: Mapping[str, Code], unit: str, *, scale: float = 1e-3, rounds: int = ROUNDS,
    ratio: str = "",
) -> results.Table:  # fmt: skip
    """Time codes and return a table of how long a piece of work takes, in `scale` seconds."""
    seconds = interleaved(codes, rounds=rounds)
    found = {name: [t / codes[name].work / scale for t in taken] for name, taken in seconds.items()}
    return results.table(group, found, unit=unit, kind="time", ratio=ratio)
