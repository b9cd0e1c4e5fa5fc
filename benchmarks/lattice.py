"""Flip attempts per nanosecond on the square lattice: smbook, its peers, a plain loop, and the bound.

One lattice by Metropolis and by the heat bath, at four sizes and three temperatures; 64 temperatures with and
without replica exchange; two threads; and how many sites the random bits alone would allow.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from benchmarks import timing
from benchmarks.results import Table, table
from benchmarks.timing import Code
from smbook import ising

PACKAGES = ("smbook", "numba", "mcising", "peapods", "openjij", "dwave-samplers")
SIDES = (64, 200, 512, 2048)
BETAS = (0.2, 0.44, 1.0)
ALGORITHMS = {"metropolis": "Metropolis", "heat-bath": "Heat bath"}
UNIT = "attempts per ns"
ROUNDS = 5
SECONDS = 0.2

# The annealers build their graph anew in each call: at these sizes only, few rounds, and at L = 512 one beta.
ANNEALED = {64: BETAS, 512: (0.44,)}
ANNEALING_ROUNDS = {64: 5, 512: 3}
ANNEALING_SECONDS = {64: 0.2, 512: 1.0}  # of a long run; the short one is a tenth of it

LADDER = np.linspace(0.30, 0.60, 64)
LADDER_SIDE = 64
BITS_PER_SITE = 12  # random bits that decide almost every attempt of the bit-sliced kernel
SEED = 1

Sweeps = Callable[[int], object]  # makes so many sweeps


# ---- One lattice.


@cache
def _start(side: int, beta: float) -> Any:
    """Return a state that the law knows: speed depends on how predictable spins are."""
    return ising.simulate((side, side), beta, 100, initial="up", thin=100, rng=SEED).spins


def _smbook(engine: str, side: int, beta: float, algorithm: str) -> Sweeps:
    law = {"algorithm": algorithm, "engine": engine, "initial": _start(side, beta)}
    return lambda n: ising.simulate((side, side), beta, n, thin=n, rng=SEED, **law)


def engines(side: int, algorithm: str) -> list[str]:
    """Return the engines that take such a lattice, the fastest first."""
    found = []
    for engine in ("multispin", "plain"):
        try:
            ising.simulate((side, side), 0.4, 0, algorithm=algorithm, engine=engine, rng=SEED)
            found.append(engine)
        except ValueError as error:
            print(f"engine {engine} is left out: {error}")
    return found


def _mcising(side: int, beta: float) -> Sweeps:
    from mcising import IsingSimulation

    simulation = IsingSimulation(side, 1.0, 0.0, 0.0, 0.0, SEED, "metropolis", "square")
    simulation.set_spins(_start(side, beta))
    return partial(simulation.sweep, temperature=1.0 / beta)


def _peapods(side: int, beta: float, algorithm: str) -> Sweeps:
    from peapods import Ising

    model = Ising((side, side), temperatures=np.array([1.0 / beta], dtype=np.float32))
    mode = "gibbs" if algorithm == "heat-bath" else algorithm

    def sweeps(n: int) -> object:
        return model.sample(n, sweep_mode=mode, warmup_ratio=(n - 0.5) / n, sequential=True)

    return sweeps


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


def _loop(side: int, beta: float, algorithm: str) -> Sweeps:
    spins = _start(side, beta).copy()
    return lambda n: _plain_loop(spins, beta, n, algorithm == "heat-bath")


@cache
def _quadratic_model(side: int) -> Any:
    """Return the lattice as the annealers take it, E = - sum_<ij> s_i s_j."""
    import dimod

    sites = np.arange(side**2).reshape(side, side)
    ends = np.concatenate([np.roll(sites, -1, axis).ravel() for axis in (0, 1)])
    pairs = np.tile(sites.ravel(), 2), ends, -np.ones(2 * side**2)
    return dimod.BinaryQuadraticModel.from_numpy_vectors(np.zeros(side**2), pairs, 0.0, "SPIN")


def _openjij(side: int, beta: float) -> Sweeps:
    import openjij

    sampler, model = openjij.SASampler(), _quadratic_model(side)
    return lambda n: sampler.sample(model, schedule=[(beta, n)], sparse=True, seed=SEED)


def _dwave(side: int, beta: float, algorithm: str) -> Sweeps:
    from dwave.samplers import SimulatedAnnealingSampler

    model = _quadratic_model(side)
    rule = "Gibbs" if algorithm == "heat-bath" else "Metropolis"
    return lambda n: SimulatedAnnealingSampler().sample(
        model, beta_schedule_type="custom", beta_schedule=[beta], num_sweeps_per_beta=n,
        proposal_acceptance_criteria=rule, seed=SEED,
    )  # fmt: skip


def _code(make: Callable[[], Sweeps], n_sites: int) -> Code:
    sweeps = make()
    n = timing.fitted(sweeps, SECONDS)
    return Code(partial(sweeps, n), n * n_sites)


def _prepared(make: Callable[[], Sweeps], side: int) -> Code:
    """Time a long run less one that is ten times as short, so that the graph that both build drops out."""
    sweeps = make()
    per_sweep = side**2 / 5e7  # seconds, as these programs are known
    n = max(20, round((timing.HURRIED if timing.hurried() else ANNEALING_SECONDS[side]) / per_sweep))
    short = n // 10
    return Code(partial(sweeps, n), (n - short) * side**2, partial(sweeps, short), ANNEALING_ROUNDS[side])


def one_lattice(side: int, beta: float, algorithm: str) -> Table:
    """Return a table of all codes at one size and temperature."""
    makers: dict[str, Callable[[], Sweeps]] = {
        f"smbook {engine}": partial(_smbook, engine, side, beta, algorithm)
        for engine in engines(side, algorithm)
    }
    metropolis = algorithm == "metropolis"  # mcising has nothing else, and stands in both tables
    makers["mcising" if metropolis else "mcising (Metropolis)"] = partial(_mcising, side, beta)
    makers["peapods"] = partial(_peapods, side, beta, algorithm)
    makers["plain numba loop"] = partial(_loop, side, beta, algorithm)
    codes = {name: partial(_code, make, side**2) for name, make in makers.items()}
    if beta in ANNEALED.get(side, ()):
        codes["dwave-samplers"] = partial(_prepared, partial(_dwave, side, beta, algorithm), side)
        if metropolis:
            codes["openjij"] = partial(_prepared, partial(_openjij, side, beta), side)
    group = f"{ALGORITHMS[algorithm]}, L = {side}"
    return timing.rates(group, timing.there(codes), UNIT, rounds=ROUNDS, column=f"β = {beta:g}")


# ---- 64 temperatures at once.


def _smbook_ladder(betas: np.ndarray, exchange: int) -> Sweeps:
    def sweeps(n: int) -> object:
        return ising.simulate_temperatures(
            (LADDER_SIDE, LADDER_SIDE), betas, n, algorithm="metropolis", exchange=exchange, thin=n, rng=SEED
        )

    return sweeps


def _peapods_ladder(exchange: int) -> Sweeps:
    from peapods import Ising

    model = Ising((LADDER_SIDE, LADDER_SIDE), temperatures=(1.0 / LADDER).astype(np.float32))

    def sweeps(n: int) -> object:
        every = exchange or None
        return model.sample(n, "metropolis", pt_interval=every, warmup_ratio=(n - 0.5) / n, sequential=True)

    return sweeps


def _mcising_ladder(exchange: int) -> Sweeps:
    """Run the ladder by exchange; without, each temperature by itself."""
    from mcising import _core

    law = (LADDER_SIDE, 1.0, 0.0, 0.0, 0.0, SEED, "metropolis", "square", list(1.0 / LADDER))

    def sweeps(n: int) -> object:
        if not exchange:
            return _core.run_independent_temperatures(*law, 0, n, n)
        whole = exchange * max(1, round(n / exchange))  # it measures after whole numbers of exchanges
        return _core.run_parallel_tempering(*law, 0, whole, whole, exchange)

    return sweeps


def ladders(exchange: int) -> Table:
    """Return a table of 64 temperatures, with an exchange after every so many sweeps, or none."""
    makers = {
        "smbook": partial(_smbook_ladder, LADDER, exchange),
        "mcising": partial(_mcising_ladder, exchange),
        "peapods": partial(_peapods_ladder, exchange),
    }
    codes = {name: partial(_ladder_code, make, exchange) for name, make in makers.items()}
    how = {0: "no exchange", 1: "exchange every sweep"}.get(exchange, f"exchange every {exchange} sweeps")
    group = f"{LADDER.size} temperatures, L = {LADDER_SIDE}, Metropolis, {how}"
    return timing.rates(group, timing.there(codes), UNIT, rounds=ROUNDS)


def _ladder_code(make: Callable[[], Sweeps], exchange: int) -> Code:
    sweeps = make()
    every = max(1, exchange)
    n = every * max(1, round(timing.fitted(sweeps, SECONDS) / every))
    return Code(partial(sweeps, n), n * LADDER.size * LADDER_SIDE**2)


# ---- Two threads.


@contextmanager
def one_core() -> Iterator[None]:
    """Keep every thread of this process to one core for a while, where the system can."""
    cores = os.sched_getaffinity(0)
    threads = [int(path.name) for path in Path("/proc/self/task").iterdir()]
    for thread in threads:
        with suppress(ProcessLookupError):  # a thread may end meanwhile
            os.sched_setaffinity(thread, {min(cores)})
    try:
        yield
    finally:
        for path in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(path.name), cores)


def threads() -> Table:
    """Return a table of 128 temperatures, two words, on two cores and on one."""
    sweeps = _smbook_ladder(np.repeat(LADDER, 2), 0)
    n = timing.fitted(sweeps, SECONDS)

    def alone() -> None:
        with one_core():
            sweeps(n)

    work = n * 2 * LADDER.size * LADDER_SIDE**2
    codes = {"two cores": Code(partial(sweeps, n), work), "one core": Code(alone, work)}
    group = f"{2 * LADDER.size} temperatures, L = {LADDER_SIDE}, Metropolis"
    return timing.rates(group, codes, UNIT, ratio="two cores are faster by")


# ---- The bound that the random generator sets.


@njit
def _draw(s0: np.ndarray, s1: np.ndarray, s2: np.ndarray, s3: np.ndarray, sums: np.ndarray) -> None:
    """Draw twelve words of each xoshiro256++ lane, as the compiler puts lanes side by side in vectors."""
    for i in range(s0.size):
        a, b, c, d = s0[i], s1[i], s2[i], s3[i]
        found = np.uint64(0)
        for _ in range(12):
            total = a + d
            found ^= ((total << np.uint64(23)) | (total >> np.uint64(41))) + a
            shifted = b << np.uint64(17)
            c ^= a
            d ^= b
            b ^= c
            a ^= d
            c ^= shifted
            d = (d << np.uint64(45)) | (d >> np.uint64(19))
        s0[i], s1[i], s2[i], s3[i] = a, b, c, d
        sums[i] ^= found


def generator() -> Iterator[Table]:
    """Yield how many words the generator makes, and how many sites these serve, 12 bits each."""
    lanes = np.random.default_rng(SEED).integers(1, 2**63, (5, 1024), dtype=np.uint64)

    def draws(n: int) -> None:
        for _ in range(n):
            _draw(*lanes)

    n = timing.fitted(draws)
    words = n * 12 * lanes.shape[1]
    seconds = timing.interleaved({"xoshiro256++, one thread": Code(partial(draws, n))})
    for column, unit, work in (
        ("words of 64 bits", "words per ns", words),
        (f"sites at {BITS_PER_SITE} bits", "sites per ns", words * 64 / BITS_PER_SITE),
    ):
        speeds = {name: [work / t * 1e-9 for t in taken] for name, taken in seconds.items()}
        yield table("Random bits, per ns", speeds, unit=unit, kind="quantity", column=column)


def measure() -> Iterator[Table]:
    """Yield a table for each algorithm, size and temperature, and those of bits, ladders and threads."""
    yield from generator()
    for algorithm in ALGORITHMS:
        for side in SIDES:
            for beta in BETAS:
                yield one_lattice(side, beta, algorithm)
    if hasattr(ising, "simulate_temperatures"):
        for exchange in (0, 1, 10):
            yield ladders(exchange)
        yield threads()
