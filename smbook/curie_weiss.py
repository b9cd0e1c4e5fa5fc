"""Finite Curie-Weiss magnets, in which every spin feels every other, in time and in equilibrium.

E(s) = -(J / 2N) M^2 - h M with M = sum_i s_i, s_i = +1 or -1. A random-site heat bath makes of the number k
of spins up a birth-death chain on 0 ... N, so that a magnet is one number, and a thousand are an array.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks, _runs
from smbook._records import equal
from smbook.kernels import finite_magnet
from smbook.kernels.rng import Randomness, State, streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Measurements = NDArray[np.float64]

_MOST_SPINS = 10**7  # whose table of probabilities takes 160 MB


class CurieWeissTrace(NamedTuple):
    """What a run leaves: magnetizations per spin, a row a magnet, and the final numbers of spins up.

    Two traces are equal if all their numbers are: those of the same run are.
    """

    magnetization: Measurements
    up: Counts

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        magnets, kept = self.magnetization.shape
        size = f"{kept} kept sweeps of {magnets} magnet{'s' * (magnets != 1)}"
        if not kept:
            return f"CurieWeissTrace({size})"
        return f"CurieWeissTrace({size}, mean magnetization {self.magnetization.mean():.6g})"


class _Model(NamedTuple):
    """What the walk has to know: the checked arguments that enter the law."""

    n_spins: int
    beta: float
    coupling: float
    field: float

    def table(self) -> Counts:
        table = np.empty((2, self.n_spins + 1), dtype=np.int64)
        finite_magnet.flip_table(self.beta, self.coupling, self.field, table)
        return table


def simulate(
    n_spins: int,
    beta: float,
    n_sweeps: int,
    *,
    coupling: float = 1.0,
    field: float = 0.0,
    initial: str | Counts = "random",
    n_magnets: int = 1,
    thin: int = 1,
    rng: Randomness = None,
    progress: bool = False,
) -> CurieWeissTrace:
    """Let independent magnets of `n_spins` spins walk by the random-site heat bath.

    One update picks a spin at random. With probability 1 - k / N it is down, in the local field
    J (M + 1) / N + h, and with k / N it is up, in J (M - 1) / N + h; it is then up with probability
    (1 + tanh(beta field)) / 2. A sweep is N updates, so a spin may be picked twice in it, or not at all. The
    stationary law is that of `smbook.theory.ising.curie_weiss_finite`. Nothing is discarded.

    Each magnet has a stream of random numbers of its own: the first magnets of a run are those of a run of
    fewer from the same seed.

    Parameters
    ----------
    n_spins
        Number N of spins in each magnet, from 1 to 10^7.
    beta
        Inverse temperature 1/T, at least 0, in units of one over energy.
    n_sweeps
        Number of sweeps, at least 0.
    coupling
        J; positive for a ferromagnet.
    field
        h, in units of energy.
    initial
        "random" (each spin up or down with probability 1/2), "up", or an array of integers of shape
        (n_magnets,): how many spins are up in each magnet.
    n_magnets
        Number of magnets, at least 1.
    thin
        Keep the magnetizations after every `thin`-th sweep.
    rng
        As for `smbook.ising.simulate`.
    progress
        Show a progress bar on the standard error stream.

    Returns
    -------
    CurieWeissTrace
        `magnetization` per spin, float64 of shape (n_magnets, n_sweeps // thin), and `up`, int64 of shape
        (n_magnets,), with how many spins are up at the end.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a value is out of range or not finite, an energy overflows, or `initial` has the wrong shape.

    References
    ----------
    Glauber (1963) for the heat bath; Griffiths, Weng and Langer (1966) for the walk of k.

    Examples
    --------
    >>> trace = simulate(50, 0.8, 400, n_magnets=300, rng=1)
    >>> trace.magnetization.shape
    (300, 400)
    >>> bool(abs(np.abs(trace.magnetization[:, 100:]).mean() - 0.231) < 0.01)
    True
    """
    model = _checked_model(n_spins, beta, coupling, field)
    n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
    n_magnets = _checks.integer("n_magnets", n_magnets, minimum=1)
    thin = _checks.integer("thin", thin, minimum=1)
    start = _checked_initial(initial, model.n_spins, n_magnets)
    states = streams(rng, n_magnets)
    up = np.full(n_magnets, model.n_spins, dtype=np.int64) if start is None else start
    if isinstance(initial, str) and initial == "random":
        for some in _batches(n_magnets, model.n_spins):
            finite_magnet.randomize(up[some], model.n_spins, states[some])
    record = _advance(up, model, states, n_sweeps, thin, progress)
    return CurieWeissTrace(np.ascontiguousarray(2 * record.T - model.n_spins) / model.n_spins, up)


def first_passage(
    n_spins: int,
    beta: float,
    *,
    start: int,
    stop: int,
    coupling: float = 1.0,
    field: float = 0.0,
    n_magnets: int = 1,
    longest: int = 1_000_000,
    rng: Randomness = None,
) -> Measurements:
    """Return how many sweeps each of `n_magnets` takes from `start` spins up to `stop` or fewer.

    Each begins with exactly `start` spins up and moves as in `simulate`. The mean is that of
    `smbook.theory.ising.curie_weiss_first_passage`; from one well of the free energy to another it grows
    exponentially with N, and the times then scatter as much as their mean.

    Parameters
    ----------
    start, stop
        Numbers of spins up, 0 <= stop < start <= n_spins.
    longest
        Sweeps after which a magnet that has not arrived is an error.

    Returns
    -------
    Measurements
        Times in sweeps, float64 of shape (n_magnets,): whole multiples of 1 / N.

    Raises
    ------
    TypeError, ValueError
        As `simulate`; ValueError also if `start` and `stop` are no numbers of spins, `stop` the smaller one.
    RuntimeError
        If a magnet has not arrived after `longest` sweeps.

    Examples
    --------
    >>> times = first_passage(20, 1 / 0.6, start=19, stop=1, field=-0.05, n_magnets=400, rng=1)
    >>> bool(abs(times.mean() - 109.4) < 4 * times.std() / 20)
    True
    """
    model = _checked_model(n_spins, beta, coupling, field)
    start = _checks.integer("start", start, minimum=1, maximum=model.n_spins)
    stop = _checks.integer("stop", stop, minimum=0, maximum=start - 1)
    n_magnets = _checks.integer("n_magnets", n_magnets, minimum=1)
    longest = _checks.integer("longest", longest, minimum=1, maximum=_checks.LARGEST // model.n_spins)
    up = np.full(n_magnets, start, dtype=np.int64)
    elapsed = _await(up, model, streams(rng, n_magnets), stop, longest * model.n_spins)
    late = np.count_nonzero(up > stop)
    if late:
        raise RuntimeError(
            f"{late} of {n_magnets} magnets had not come from {start} to {stop} spins up within "
            f"longest={longest} sweeps; smbook.theory.ising.curie_weiss_first_passage knows the mean"
        )
    return elapsed / model.n_spins


def _checked_model(n_spins: int, beta: float, coupling: float, field: float) -> _Model:
    model = _Model(
        _checks.integer("n_spins", n_spins, minimum=1, maximum=_MOST_SPINS),
        _checks.real("beta", beta, minimum=0.0),
        _checks.real("coupling", coupling),
        _checks.real("field", field),
    )
    strongest = 4.0 * (abs(model.coupling) + abs(model.field))
    if not math.isfinite(model.n_spins * strongest) or not math.isfinite(model.beta * strongest):
        raise ValueError(
            f"energy or beta times energy overflows; got beta={beta}, coupling={coupling}, field={field}"
        )
    return model


def _checked_initial(initial: str | Counts, n_spins: int, n_magnets: int) -> Counts | None:
    if isinstance(initial, str):
        _checks.choice("initial", initial, ("random", "up"))
        return None
    up = _checks.integers("initial", initial, minimum=0, maximum=n_spins)
    if up.shape != (n_magnets,):
        raise ValueError(f"initial must have the shape {(n_magnets,)}; got {up.shape}")
    return up


def _advance(up: Counts, model: _Model, states: State, n_sweeps: int, thin: int, progress: bool) -> Counts:
    """Let all magnets walk; return their numbers of spins up at each kept sweep, a row a sweep."""
    kept, n_magnets = n_sweeps // thin, up.size
    record = np.empty((kept + 1, n_magnets), dtype=np.int64)  # the last row is for the sweeps not kept
    table = model.table()

    def run(call: _runs.Call) -> None:
        for some in _batches(n_magnets, model.n_spins):
            finite_magnet.walk(up[some], table, states[some], call.steps, record[call.entries, some])

    _runs.advance(run, n_sweeps, thin, updates=n_magnets * model.n_spins, progress=progress)
    return record[:kept]


def _batches(n_magnets: int, n_spins: int) -> Iterator[slice]:
    """Part the magnets so that a sweep of each part leaves room to stop."""
    size = max(1, _runs.UPDATES_PER_CALL // n_spins)
    return (slice(first, first + size) for first in range(0, n_magnets, size))


def _await(up: Counts, model: _Model, states: State, stop: int, longest: int) -> Counts:
    """Let all magnets walk until they have arrived, or for `longest` updates; return how many each made."""
    elapsed, table = np.zeros(up.size, dtype=np.int64), model.table()
    made = 0
    while made < longest and (waiting := int(np.count_nonzero(up > stop))):
        steps = min(max(1, _runs.UPDATES_PER_CALL // waiting), longest - made)
        finite_magnet.first_passage(up, table, states, stop, steps, elapsed)
        made += steps
    return elapsed
