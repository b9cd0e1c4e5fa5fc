"""Time several codes in turn, A B C A B C ..., so that a drift of the machine's speed touches all alike."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS = 7


def interleaved(codes: Mapping[str, Callable[[], object]], *, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return the seconds of each call, `rounds` of each code after one call that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in codes}
    for round_number in range(rounds + 1):
        for name, code in codes.items():
            start = time.perf_counter()
            code()
            if round_number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def rate_table(
    heading: str, work: Mapping[str, float], seconds: Mapping[str, list[float]], *, unit: float = 1e-9
) -> str:
    """Return a Markdown table of rates, work per `unit` of time, and of the first code's over theirs."""
    reference = next(iter(seconds))
    speeds = {name: [work[name] / t * unit for t in times] for name, times in seconds.items()}
    ratios = {name: _ratio(speeds[reference], speed) for name, speed in speeds.items()}
    return _table(heading, speeds, ratios)


def time_table(heading: str, seconds: Mapping[str, list[float]], *, unit: float = 1e-3) -> str:
    """Return a Markdown table of durations, in `unit` seconds, and of theirs over the first code's."""
    reference = next(iter(seconds))
    durations = {name: [t / unit for t in times] for name, times in seconds.items()}
    ratios = {name: _ratio(duration, durations[reference]) for name, duration in durations.items()}
    return _table(heading, durations, ratios)


def _ratio(one: list[float], other: list[float]) -> float:
    return median(a / b for a, b in zip(one, other, strict=True))


def _table(heading: str, values: Mapping[str, list[float]], ratios: Mapping[str, float]) -> str:
    reference = next(iter(values))
    lines = [f"| {heading} | median | min to max | {reference} is faster by |", "| --- | --- | --- | --- |"]
    for name, found in values.items():
        middle, low, high = (f"{value:.3g}" for value in (median(found), min(found), max(found)))
        lines.append(f"| {name} | {middle} | {low} to {high} | {ratios[name]:.2f} |")
    return "\n".join(lines)


def machine(*packages: str) -> str:
    """Return one line that names the processor, the interpreter and the versions of `packages`."""
    named = [line.split(":")[1].strip() for line in _cpu_info() if line.startswith("model name")]
    cpu = named[0] if named else platform.processor()
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)
    return f"{cpu}, {os.cpu_count()} cores; Python {platform.python_version()}; {versions}."


def _cpu_info() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
