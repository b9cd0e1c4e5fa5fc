"""Sites per nanosecond of cluster updates at the critical point: smbook and its peers, one thread each.

Swendsen and Wang's update looks at every site. Wolff's flips one cluster, and what counts is how many sites
it held. For smbook and mcising the sites of the very run that is timed are counted. peapods tells no sizes
and makes a sweep of single spins with each cluster update: the same run without clusters is taken off, and
the size is the mean in equilibrium, N <m^2> = 1.092 L^(7/4) (Salas and Sokal 2000).
"""

from __future__ import annotations

import math
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import timing
from benchmarks.timing import Code
from smbook import ising

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.results import Table

PACKAGES = ("smbook", "numba", "mcising", "peapods")
BETA = 0.5 * math.log(1.0 + math.sqrt(2.0))
SIDES = (64, 512, 2048)
ALGORITHMS = {"wolff": "Wolff", "swendsen-wang": "Swendsen-Wang"}
ROUNDS = 5
SECONDS = 0.2
PEAPODS_SECONDS = {"wolff": 1.0, "swendsen-wang": 0.4}  # so that some ten clusters lend their mean size
WARM = 60  # updates by Swendsen and Wang that lead from all spins up to equilibrium
SEED = 1


@cache
def _start(side: int) -> Any:
    return ising.simulate(
        (side, side), BETA, WARM, algorithm="swendsen-wang", initial="up", thin=WARM, rng=SEED
    ).spins


def mean_cluster(side: int) -> float:
    """Return the mean size of a Wolff cluster at the critical point, in sites."""
    return 1.092 * side**1.75


def _smbook(side: int, algorithm: str) -> Code:
    shape, law = (side, side), {"algorithm": algorithm, "initial": _start(side), "rng": SEED}

    def sweeps(n: int) -> Any:
        return ising.simulate(shape, BETA, n, thin=n, **law)

    n = timing.fitted(sweeps, SECONDS)
    if algorithm == "swendsen-wang":
        return Code(partial(sweeps, n), n * side**2)
    if ising.wolff_flips_per_sweep(shape, BETA) != 1:
        raise RuntimeError("a Wolff sweep at the critical point is more than one cluster")
    counted = ising.simulate(shape, BETA, n, **law)  # the same run: each cluster moves m by twice its share
    if not np.array_equal(counted.spins, sweeps(n).spins):
        raise RuntimeError("the run that was counted is not the one that is timed")
    m = np.r_[ising.magnetization(_start(side)), counted.magnetization]
    return Code(partial(sweeps, n), float(np.abs(np.diff(m)).sum()) * side**2 / 2)


def _mcising(side: int, algorithm: str) -> Code:
    """Begin each run from the same spins and random numbers, so that it is the one that was counted."""
    from mcising import IsingSimulation

    name = algorithm.replace("-", "_")
    simulation = IsingSimulation(side, 1.0, 0.0, 0.0, 0.0, SEED, name, "square")
    simulation.set_spins(_start(side))
    state = simulation.get_rng_state()
    n = timing.fitted(lambda n: simulation.sweep(n, temperature=1.0 / BETA), SECONDS)

    def again() -> Any:
        simulation.set_spins(_start(side))
        simulation.set_rng_state(state)
        return simulation.sweep(n, temperature=1.0 / BETA)

    _, attempted, _ = again()
    return Code(again, attempted)


def _peapods(side: int, algorithm: str) -> Code:
    from peapods import Ising

    model = Ising((side, side), temperatures=np.array([1.0 / BETA], dtype=np.float32))
    mode = {"wolff": "wolff", "swendsen-wang": "sw"}[algorithm]

    def sweeps(n: int, cluster: str) -> object:
        options = {"cluster_update_interval": 1, "cluster_mode": cluster} if cluster else {}
        return model.sample(n, warmup_ratio=(n - 0.5) / n, sequential=True, **options)

    sweeps(2 if timing.hurried() else WARM // 2, "sw")  # it begins at random spins, which forget faster
    n = max(2, timing.fitted(lambda n: sweeps(n, mode), PEAPODS_SECONDS[algorithm]))
    sites = mean_cluster(side) if algorithm == "wolff" else side**2
    return Code(partial(sweeps, n, mode), n * sites, partial(sweeps, n, ""))


def measure() -> Iterator[Table]:
    """Yield a table for each algorithm and size."""
    makers: dict[str, Callable[[int, str], Code]] = {
        "smbook": _smbook,
        "mcising": _mcising,
        "peapods": _peapods,
    }
    for algorithm, name in ALGORITHMS.items():
        for side in SIDES:
            codes = {peer: partial(make, side, algorithm) for peer, make in makers.items()}
            yield timing.rates(name, timing.there(codes), "sites per ns", rounds=ROUNDS, column=f"L = {side}")
