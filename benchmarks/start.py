"""Seconds of a first call in a new process: compiled anew, and from what an earlier one left on the disk."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from benchmarks import timing
from benchmarks.results import Table, table

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("smbook", "numba", "numpy")
ROUNDS = 3
CALLS = {
    "heat bath, 64 × 64": "ising.simulate((64, 64), 0.44, 10, rng=1)",
    "heat bath, 64 × 64, plain engine": "ising.simulate((64, 64), 0.44, 10, engine='plain', rng=1)",
    "Wolff, 64 × 64": "ising.simulate((64, 64), 0.44, 10, algorithm='wolff', rng=1)",
    "Swendsen-Wang, 64 × 64": "ising.simulate((64, 64), 0.44, 10, algorithm='swendsen-wang', rng=1)",
    "64 temperatures, 64 × 64": "ising.simulate_temperatures((64, 64), [0.44] * 64, 10, rng=1)",
}
CLOCKED = """
import time
from smbook import ising
start = time.perf_counter()
{call}
print(time.perf_counter() - start)
"""


def seconds(call: str, cache: str) -> float:
    """Return how long a call takes in a new process, whose compiled code stands in a folder or does not."""
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    code = CLOCKED.format(call=call)
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    return float(found.stdout)


def measure() -> Iterator[Table]:
    """Yield a table of first calls and one of those in later processes."""
    from smbook import ising

    there = {
        name: call for name, call in CALLS.items() if hasattr(ising, call.partition("(")[0].split(".")[1])
    }
    first: dict[str, list[float]] = {name: [] for name in there}
    later: dict[str, list[float]] = {name: [] for name in there}
    for _ in range(1 if timing.hurried() else ROUNDS):
        for name, call in there.items():
            with tempfile.TemporaryDirectory() as cache:
                first[name].append(seconds(call, cache))
                later[name].append(seconds(call, cache))
    yield table("A first call", first, unit="s", kind="quantity", column="compiled anew, s")
    yield table("A first call", later, unit="s", kind="quantity", column="a later process, s")
