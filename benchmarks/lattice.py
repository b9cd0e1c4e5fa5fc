"""Flip attempts per nanosecond on the square lattice at beta = 0.44: smbook, its peers and a plain loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from benchmarks import timing
from smbook import ising

if TYPE_CHECKING:
    from collections.abc import Callable

BETA = 0.44
SIDES = (64, 512, 2048)
ATTEMPTS = 2.0e7  # for each timing, so that a call takes 0.05 to 0.5 s


@njit
def _plain_loop(spins: np.ndarray, beta: float, n_sweeps: int, heat_bath: bool) -> None:
    """Sweep as a textbook has it: np.random, exp, and a remainder for the boundaries."""
    side = spins.shape[0]
    for _ in range(n_sweeps):
        for i in range(side):
            for j in range(side):
                neighbours = (
                    spins[(i + 1) % side, j] + spins[i - 1, j] + spins[i, (j + 1) % side] + spins[i, j - 1]
                )
                if heat_bath:
                    up = np.random.random() < 1.0 / (1.0 + np.exp(-2.0 * beta * neighbours))
                    spins[i, j] = 1 if up else -1
                else:
                    cost = 2.0 * spins[i, j] * neighbours
                    if cost <= 0.0 or np.random.random() < np.exp(-beta * cost):
                        spins[i, j] = -spins[i, j]


def _smbook(side: int, n_sweeps: int, algorithm: str) -> Callable[[], object]:
    return partial(
        ising.simulate, (side, side), BETA, n_sweeps, algorithm=algorithm, initial="up", thin=n_sweeps, rng=1
    )


def _mcising(side: int, n_sweeps: int) -> Callable[[], object]:
    from mcising import IsingSimulation

    simulation = IsingSimulation(side, 1.0, 0.0, 0.0, 0.0, 1, "metropolis", "square")
    return partial(simulation.sweep, n_sweeps, temperature=1.0 / BETA)


def _peapods(side: int, n_sweeps: int, mode: str) -> Callable[[], object]:
    from peapods import Ising

    model = Ising((side, side), temperatures=np.array([1.0 / BETA], dtype=np.float32))
    return partial(
        model.sample, n_sweeps, sweep_mode=mode, warmup_ratio=1.0 - 1.0 / n_sweeps, sequential=True
    )


def _loop(side: int, n_sweeps: int, heat_bath: bool) -> Callable[[], object]:
    return partial(_plain_loop, np.ones((side, side), dtype=np.int8), BETA, n_sweeps, heat_bath)


def codes(side: int, algorithm: str, n_sweeps: int) -> dict[str, Callable[[], object]]:
    """Return the codes to time; mcising has no heat bath, so its Metropolis stands in both tables."""
    return {
        f"smbook {algorithm}": _smbook(side, n_sweeps, algorithm),
        "mcising Metropolis": _mcising(side, n_sweeps),
        f"peapods {algorithm}": _peapods(
            side, n_sweeps, "gibbs" if algorithm == "heat-bath" else "metropolis"
        ),
        f"plain numba loop {algorithm}": _loop(side, n_sweeps, algorithm == "heat-bath"),
    }


def main() -> None:
    """Print a table for each algorithm and size."""
    print(timing.machine("smbook", "numba", "mcising", "peapods"), end="\n\n")
    for algorithm in ("heat-bath", "metropolis"):
        for side in SIDES:
            n_sweeps = max(2, round(ATTEMPTS / side**2))
            seconds = timing.interleaved(codes(side, algorithm, n_sweeps))
            work = dict.fromkeys(seconds, float(n_sweeps * side**2))
            print(timing.rate_table(f"L = {side}, attempts per ns", work, seconds), end="\n\n", flush=True)
