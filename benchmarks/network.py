"""Updates per microsecond on the Sherrington-Kirkpatrick model: smbook and its peers, one thread each.

A program's preparation (a graph is built, a matrix copied) is no part of its speed: each is timed for a short
and a long run in turn, and the difference counts.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import timing
from benchmarks.timing import Code
from smbook import network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.results import Table

PACKAGES = ("smbook", "numba", "openjij", "dwave-samplers", "peapods")
ROUNDS = 5
TEMPERATURES = (1.0, 0.3)
SIZES = (1000, 4000)
LADDER = np.linspace(0.4, 2.0, 32)
SEED = 1

# Million updates of a long run, about what a program makes in a second or two, by name, size and temperature.
LONG = {
    "smbook": {(1000, 1.0): 30, (1000, 0.3): 100, (4000, 1.0): 4, (4000, 0.3): 30},
    "smbook in float64": {(1000, 1.0): 20, (1000, 0.3): 100, (4000, 1.0): 2, (4000, 0.3): 15},
    "openjij": {(1000, 1.0): 20, (1000, 0.3): 100},
    "dwave-samplers Gibbs": {(1000, 1.0): 6, (1000, 0.3): 30},
    "dwave-samplers Metropolis": {(1000, 1.0): 4, (1000, 0.3): 30},
    "peapods Gibbs": {(1000, 1.0): 2, (1000, 0.3): 2, (4000, 1.0): 0.3, (4000, 0.3): 0.3},
}
LONG_TEMPERING = {"smbook tempering": 30, "peapods tempering": 2}
SHORT = 0.1  # of a long run


@cache
def _sample(n: int, dtype: type = np.float32) -> network.SpinNetwork:
    return network.sherrington_kirkpatrick(n, rng=SEED, dtype=dtype)


@cache
def _quadratic_model(n: int) -> Any:
    """Return the same couplings as the peers of quantum annealers take them, E = + sum_i<j J_ij s_i s_j."""
    import dimod

    rows, columns = np.triu_indices(n, 1)
    values = -_sample(n).couplings[rows, columns].astype(float)
    return dimod.BinaryQuadraticModel.from_numpy_vectors(np.zeros(n), (rows, columns, values), 0.0, "SPIN")


def _smbook(dtype: type, n: int, beta: float, n_sweeps: int) -> object:
    return _sample(n, dtype).sample(beta, n_sweeps, thin=n_sweeps, rng=SEED)


def _openjij(n: int, beta: float, n_sweeps: int) -> object:
    import openjij

    schedule = [(beta, n_sweeps)]
    return openjij.SASampler().sample(_quadratic_model(n), schedule=schedule, sparse=False, seed=SEED)


def _dwave(rule: str, n: int, beta: float, n_sweeps: int) -> object:
    from dwave.samplers import SimulatedAnnealingSampler

    return SimulatedAnnealingSampler().sample(
        _quadratic_model(n), beta_schedule_type="custom", beta_schedule=[beta], num_sweeps_per_beta=n_sweeps,
        proposal_acceptance_criteria=rule, seed=SEED,
    )  # fmt: skip


@cache
def _ring(n: int, temperatures: tuple[float, ...]) -> Any:
    """Return a complete graph as peapods knows one: a ring of odd length with bonds of every length."""
    from peapods import Ising

    n += 1 - n % 2
    offsets = [[step] for step in range(1, n // 2 + 1)]
    couplings = np.random.default_rng(SEED).normal(scale=n**-0.5, size=(n, n // 2)).astype(np.float32)
    return Ising((n,), couplings, np.array(temperatures, dtype=np.float32), neighbor_offsets=offsets)


def _peapods(n: int, beta: float, n_sweeps: int) -> object:
    model = _ring(n, (1.0 / beta,))
    return model.sample(n_sweeps, sweep_mode="gibbs", warmup_ratio=1.0 - 1.0 / n_sweeps, sequential=True)


def _smbook_tempering(n: int, n_sweeps: int) -> object:
    return _sample(n).temper(LADDER, n_sweeps, n_ladders=1, thin=n_sweeps, rng=SEED)


def _peapods_tempering(n: int, n_sweeps: int) -> object:
    model = _ring(n, tuple(1.0 / LADDER))
    ratio = 1.0 - 1.0 / n_sweeps
    return model.sample(n_sweeps, sweep_mode="gibbs", pt_interval=1, warmup_ratio=ratio, sequential=True)


CODES: dict[str, Callable[..., object]] = {
    "smbook": partial(_smbook, np.float32),
    "smbook in float64": partial(_smbook, np.float64),
    "openjij": _openjij,
    "dwave-samplers Gibbs": partial(_dwave, "Gibbs"),
    "dwave-samplers Metropolis": partial(_dwave, "Metropolis"),
    "peapods Gibbs": _peapods,
    "smbook tempering": _smbook_tempering,
    "peapods tempering": _peapods_tempering,
}


def compared(group: str, updates: dict[str, float], sweep: int, *arguments: float) -> Table:
    """Return a table of rates; `updates` is what a program makes in its long run, `sweep` in a sweep."""

    def code(name: str) -> Code:
        long = max(2, round(updates[name] / sweep))
        short = max(1, round(SHORT * long))
        run = partial(CODES[name], *arguments)
        run(1)  # so that a package that is not installed says so
        return Code(partial(run, long), float(sweep * (long - short)), partial(run, short))

    codes = timing.there({name: partial(code, name) for name in updates})
    return timing.rates(group, codes, "updates per µs", scale=1e-6, rounds=ROUNDS)


def measure() -> Iterator[Table]:
    """Yield a table for each size and temperature, and one for tempering."""
    for n in SIZES:
        for temperature in TEMPERATURES:
            updates = {
                name: 1e6 * counts[n, temperature]
                for name, counts in LONG.items()
                if (n, temperature) in counts
            }
            yield compared(f"N = {n}, T = {temperature}", updates, n, n, 1.0 / temperature)
    updates = {name: 1e6 * count for name, count in LONG_TEMPERING.items()}
    yield compared(f"N = 1000, {LADDER.size} temperatures", updates, 1000 * LADDER.size, 1000)
