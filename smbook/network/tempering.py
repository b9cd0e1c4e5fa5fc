"""Parallel tempering of a network: many temperatures at once, whose configurations change places."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks, _pool, _runs
from smbook._records import equal
from smbook.kernels import network as kernels
from smbook.kernels.rng import streams
from smbook.network import _chains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness, State

    Measurements = NDArray[np.float64]
    Counts = NDArray[np.int64]
    Spins = NDArray[np.int8]

_PILOT_TEMPERATURES = 16
_MOST_REJECTED = 0.9  # of swaps between neighbours: beyond it the rate says little about the way between them
_MOST_ROUNDS = 10


class Tempering(NamedTuple):
    """What tempering leaves, by ladder and temperature, a column a kept sweep; `betas` rises.

    With L ladders of K temperatures: `energy` (L, K, kept) is the total, `magnetization` (L, K, kept) per
    spin, `overlaps` (L, K, P, kept) are those with the given patterns and `replica_overlap` (L // 2, K, kept)
    those of ladder 0 with 1, of 2 with 3, and so on, at the same temperature. `swap_rates` (K - 1,) are the
    shares of swaps made between neighbours, over all ladders. `round_trips` (L, K) counts for each walker its
    ways from the hottest temperature to the coldest and back. `spins` (L, K, N) are the final states,
    `samples` (L, K, kept, N) all kept ones, if they were asked for, else (L, K, 0, N). `best_spins` (N,) is
    the state of least energy that was seen at the end of a sweep, `best_energy` its total.

    Two results are equal if all their numbers are.
    """

    betas: Measurements
    energy: Measurements
    magnetization: Measurements
    overlaps: Measurements
    replica_overlap: Measurements
    swap_rates: Measurements
    round_trips: Counts
    spins: Spins
    samples: Spins
    best_energy: float
    best_spins: Spins

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        ladders, temperatures, kept = self.energy.shape
        each = f"{temperatures} temperature{'s' * (temperatures != 1)}"
        size = f"{kept} kept sweeps of {ladders} ladder{'s' * (ladders != 1)} of {each}"
        rates = self.swap_rates
        swaps = f", swap rates {rates.min():.2f} to {rates.max():.2f}" if rates.size else ""
        return (
            f"Tempering({size}{swaps}, "
            f"{int(self.round_trips.sum())} round trips, lowest total energy {self.best_energy:.6g})"
        )


class _Ladder(NamedTuple):
    """The chains of a ladder, where they are, what they have done, and the best state seen."""

    chains: _chains.Chain
    at: Counts
    clock: Counts
    totals: Measurements
    swaps: Counts
    heading: Counts
    trips: Counts
    best_energy: Measurements
    best: Spins
    room: tuple[NDArray[Any], ...]

    @property
    def arrays(self) -> tuple[Any, ...]:
        return self.at, self.clock, self.totals, self.swaps, self.heading, self.trips


class _Entries(NamedTuple):
    """What all ladders noted, entries before temperatures: (L, entries, K), and snapshots (..., N)."""

    energies: Measurements
    sums: Counts
    snapshots: Spins


def temper(
    model: _chains.Model,
    betas: Any,
    n_sweeps: int,
    *,
    n_ladders: int,
    algorithm: str,
    order: str,
    initial: str | Spins,
    patterns: Spins | None,
    keep_spins: bool,
    thin: int,
    rng: Randomness,
    progress: bool,
) -> Tempering:
    """See `smbook.network.SpinNetwork.temper`."""
    betas = _checked_ladder(model, betas)
    n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
    thin = _checks.integer("thin", thin, minimum=1)
    n_ladders = _checks.integer("n_ladders", n_ladders, minimum=1)
    known = _chains.checked_patterns(patterns, model.n_spins)
    rule = _chains.checked_rule(algorithm, order)
    spins = _chains.checked_initial(initial, (n_ladders, betas.size, model.n_spins))
    randomly = isinstance(initial, str) and initial == "random"
    states = streams(rng, n_ladders)
    ladders = [_begin(model, *start, randomly=randomly) for start in zip(spins, states, strict=True)]
    shape, kept = (n_ladders, betas.size), n_sweeps // thin
    energy, magnetization = np.empty((2, *shape, kept))
    overlaps = np.empty((*shape, len(known), kept))
    between = np.empty((n_ladders // 2, betas.size, kept))
    samples = np.empty((*shape, kept if keep_spins else 0, model.n_spins), dtype=np.int8)

    def note(entries: slice, noted: _Entries) -> None:
        energy[..., entries] = np.moveaxis(noted.energies, 1, -1)
        magnetization[..., entries] = np.moveaxis(noted.sums, 1, -1) / model.n_spins
        overlaps[..., entries] = np.moveaxis(_chains.overlaps(noted.snapshots, known), 1, -1)
        between[..., entries] = np.moveaxis(_chains.pair_overlaps(noted.snapshots), 1, -1)
        if keep_spins:
            samples[:, :, entries] = np.moveaxis(noted.snapshots, 1, 2)

    _advance(model, ladders, rule, betas, n_sweeps, thin, note, progress)
    tried, made = np.sum([ladder.swaps for ladder in ladders], axis=0)
    best = min(ladders, key=lambda ladder: float(ladder.best_energy[0]))
    return Tempering(
        betas,
        energy,
        magnetization,
        overlaps,
        between,
        made / np.maximum(tried, 1),
        np.stack([ladder.trips for ladder in ladders]),
        np.stack([ladder.chains.spins[ladder.at] for ladder in ladders]),
        samples,
        float(best.best_energy[0]),
        best.best,
    )


def _checked_ladder(model: _chains.Model, betas: Any) -> Measurements:
    found = _chains.checked_betas(model, betas)
    steps = np.diff(found)
    if (steps <= 0.0).any():
        k = int(np.flatnonzero(steps <= 0.0)[0])
        raise ValueError(f"betas must increase; got {found[k]:g} before {found[k + 1]:g} at {k}")
    return found


def _begin(model: _chains.Model, spins: Spins, state: State, *, randomly: bool) -> _Ladder:
    count = len(spins)
    local = np.empty(spins.shape, dtype=model.fields.dtype)
    for row, fields in zip(spins, local, strict=True):
        _chains.begin(model, row, fields, state, randomly=randomly)
    turned = np.zeros((count, 1), dtype=np.int64)
    totals = np.array([kernels.energy(*row, model.fields) for row in zip(spins, local, strict=True)])
    lowest = int(totals.argmin())
    return _Ladder(
        _chains.Chain(spins, local, turned, state),
        np.arange(count, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        totals,
        np.zeros((2, count - 1), dtype=np.int64),
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=np.int64),
        totals[lowest : lowest + 1].copy(),
        spins[lowest].copy(),
        _chains.room(model.n_spins),
    )


def _advance(
    model: _chains.Model,
    ladders: list[_Ladder],
    rule: tuple[np.int64, np.int64],
    betas: Measurements,
    n_sweeps: int,
    thin: int,
    note: Any,
    progress: bool,
) -> None:
    """Run all ladders side by side. A run can be stopped between the sweeps of two temperatures."""
    n_ladders, n_betas = len(ladders), betas.size
    with _pool.over(n_ladders) as each:

        def run(call: _runs.Call) -> None:
            shape = (n_ladders, call.entries.stop - call.entries.start, n_betas)
            noted = _Entries(
                np.empty(shape),
                np.empty(shape, dtype=np.int64),
                np.empty((*shape, model.n_spins), dtype=np.int8),
            )

            def advance(k: int) -> None:
                ladder, entries = ladders[k], (rows[k] for rows in noted)
                best = ladder.best_energy, ladder.best
                kernels.temper(
                    model.arrays,
                    ladder.chains,
                    ladder.room,
                    *rule,
                    betas,
                    ladder.arrays,
                    call.steps,
                    *entries,
                    *best,
                )

            each(advance)
            if call.complete:
                note(call.entries, noted)

        updates = n_ladders * model.updates_per_sweep()
        _runs.advance(
            run,
            n_sweeps * n_betas,
            thin * n_betas,
            updates=updates,
            steps_per_unit=n_betas,
            progress=progress,
        )


def lay_out(
    model: _chains.Model,
    lowest: float,
    highest: float,
    n_temperatures: int | None,
    *,
    acceptance: float,
    n_sweeps: int,
    rng: Randomness,
) -> Measurements:
    """See `smbook.network.SpinNetwork.ladder`."""
    lowest = _chains.checked_beta(model, lowest, name="lowest")
    highest = _chains.checked_beta(model, highest, name="highest")
    if not lowest < highest:
        raise ValueError(f"lowest must be below highest; got {lowest:g} and {highest:g}")
    acceptance = _checks.real("acceptance", acceptance)
    if not 0.0 < acceptance < 1.0:
        raise ValueError(f"acceptance must lie between 0 and 1; got {acceptance:g}")
    if n_temperatures is not None:
        n_temperatures = _checks.integer("n_temperatures", n_temperatures, minimum=2)
    n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=10)
    return _equal_rejection(model, (lowest, highest), n_temperatures, acceptance, n_sweeps, rng)


def _equal_rejection(
    model: _chains.Model,
    ends: tuple[float, float],
    n_temperatures: int | None,
    acceptance: float,
    n_sweeps: int,
    rng: Randomness,
) -> Measurements:
    """Lay out pilot ladders by the rejections of the one before, until no swap is all but impossible."""
    seeds = np.random.SeedSequence(int(streams(rng, 1)[0, 0])).spawn(_MOST_ROUNDS)
    betas = np.linspace(*ends, _PILOT_TEMPERATURES)
    for round_, seed in enumerate(seeds):
        sweeps = n_sweeps if round_ else max(10, n_sweeps // 4)
        rejected = _rejections(model, betas, sweeps, seed)
        barrier = np.concatenate([[0.0], rejected.cumsum()])
        if round_ and rejected.max() < _MOST_REJECTED:
            count = n_temperatures or 1 + max(1, math.ceil(barrier[-1] / (1.0 - acceptance)))
            return _quantiles(betas, barrier, count)
        crowded = math.ceil(2.0 * barrier[-1]) + int((rejected > _MOST_REJECTED).sum())
        betas = _quantiles(betas, barrier, max(_PILOT_TEMPERATURES, crowded))
    raise RuntimeError(
        f"the ladder from {ends[0]:g} to {ends[1]:g} did not settle in {_MOST_ROUNDS} pilot runs of "
        f"{n_sweeps} sweeps: give more sweeps, or a shorter range"
    )


def _rejections(
    model: _chains.Model, betas: Measurements, n_sweeps: int, rng: np.random.SeedSequence
) -> Measurements:
    """Return the mean probability that neighbours do not swap, from the second half of a pilot run."""
    run = temper(
        model, betas, n_sweeps, n_ladders=2, algorithm="heat-bath", order="sequential", initial="random",
        patterns=None, keep_spins=False, thin=1, rng=rng, progress=False,
    )  # fmt: skip
    energy = run.energy[:, :, n_sweeps // 2 :]
    gains = -np.diff(betas)[:, None] * -np.diff(energy, axis=1)
    return np.asarray(1.0 - np.exp(np.minimum(gains, 0.0)).mean(axis=(0, 2)))


def _quantiles(betas: Measurements, barrier: Measurements, count: int) -> Measurements:
    """Return `count` inverse temperatures between which equal parts of the barrier lie."""
    rising = barrier + np.linspace(0.0, 1e-9 + 1e-3 * barrier[-1], barrier.size)  # no flat parts
    found = np.interp(np.linspace(0.0, rising[-1], count), rising, betas)
    found[0], found[-1] = betas[0], betas[-1]
    return found
