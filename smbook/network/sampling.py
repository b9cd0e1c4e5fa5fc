"""Chains of a network at one temperature, or along a schedule of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks, _pool, _runs
from smbook._records import equal
from smbook.kernels import network as kernels
from smbook.kernels.rng import streams
from smbook.network import _chains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness

    Measurements = NDArray[np.float64]
    Spins = NDArray[np.int8]


class NetworkTrace(NamedTuple):
    """What a run leaves, a row a chain and a column a kept sweep, and the final spins.

    `energy` is the total, `magnetization` per spin. `overlaps` (n_chains, P, kept) are those with the given
    patterns, `replica_overlap` (n_chains // 2, kept) those of chain 0 with 1, of 2 with 3, and so on.
    `samples` (n_chains, kept, N) are all kept states, if they were asked for, else (n_chains, 0, N).

    Two traces are equal if all their numbers are: those of the same run are.
    """

    energy: Measurements
    magnetization: Measurements
    overlaps: Measurements
    replica_overlap: Measurements
    spins: Spins
    samples: Spins

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        chains, kept = self.energy.shape
        size = f"{kept} kept sweeps of {chains} chain{'s' * (chains != 1)} of {self.spins.shape[1]} spins"
        if not kept:
            return f"NetworkTrace({size})"
        return f"NetworkTrace({size}, mean total energy {self.energy.mean():.6g})"


class Annealing(NamedTuple):
    """What annealing leaves: the best state seen, its total energy, and the same for each chain.

    `energies` (n_chains, n_betas) are the totals at the end of each temperature. A state is seen at the end
    of a sweep. Two results are equal if all their numbers are.
    """

    energy: float
    spins: Spins
    energies: Measurements
    best_energies: Measurements
    best_spins: Spins

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        chains, steps = self.energies.shape
        ways = f"{chains} chain{'s' * (chains != 1)}, {steps} temperature{'s' * (steps != 1)}"
        return f"Annealing({ways}, lowest total energy {self.energy:.6g})"


class _Record(NamedTuple):
    """What the chains note, a row each: entries of energies, sums and snapshots, and their best states."""

    energies: Measurements
    sums: NDArray[np.int64]
    best_energies: Measurements
    best_spins: Spins


def sample(
    model: _chains.Model,
    beta: float,
    n_sweeps: int,
    *,
    n_chains: int,
    algorithm: str,
    order: str,
    initial: str | Spins,
    patterns: Spins | None,
    keep_spins: bool,
    thin: int,
    rng: Randomness,
    progress: bool,
) -> NetworkTrace:
    """See `smbook.network.SpinNetwork.sample`."""
    beta = _chains.checked_beta(model, beta)
    n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
    thin = _checks.integer("thin", thin, minimum=1)
    known = _chains.checked_patterns(patterns, model.n_spins)
    kept = n_sweeps // thin
    rule = _chains.checked_rule(algorithm, order)
    chains = _begin(model, initial, n_chains, rng)
    n_chains = len(chains)
    overlaps = np.empty((n_chains, len(known), kept))
    between = np.empty((n_chains // 2, kept))
    samples = np.empty((n_chains, kept if keep_spins else 0, model.n_spins), dtype=np.int8)

    def note(entries: slice, snapshots: Spins) -> None:
        overlaps[:, :, entries] = np.swapaxes(_chains.overlaps(snapshots, known), 1, 2)
        between[:, entries] = _chains.pair_overlaps(snapshots)
        if keep_spins:
            samples[:, entries] = snapshots

    betas = np.full(kept + 1, beta)
    record = _advance(model, chains, rule, betas, n_sweeps, thin, note, progress)
    spins = np.stack([chain.spins for chain in chains])
    magnetization = record.sums[:, :kept] / model.n_spins
    return NetworkTrace(record.energies[:, :kept], magnetization, overlaps, between, spins, samples)


def anneal(
    model: _chains.Model,
    betas: Any,
    *,
    n_chains: int,
    sweeps_per_beta: int,
    algorithm: str,
    order: str,
    initial: str | Spins,
    rng: Randomness,
    progress: bool,
) -> Annealing:
    """See `smbook.network.SpinNetwork.anneal`."""
    schedule = _chains.checked_betas(model, betas)
    per_beta = _checks.integer("sweeps_per_beta", sweeps_per_beta, minimum=1)
    rule = _chains.checked_rule(algorithm, order)
    chains = _begin(model, initial, n_chains, rng)
    n_sweeps = per_beta * schedule.size
    record = _advance(model, chains, rule, schedule, n_sweeps, per_beta, None, progress)
    best = record.best_spins[record.best_energies.argmin()]
    return Annealing(
        float(record.best_energies.min()), best, record.energies, record.best_energies, record.best_spins
    )


def _begin(model: _chains.Model, initial: str | Spins, n_chains: int, rng: Randomness) -> list[_chains.Chain]:
    """Return chains at their starts, each with its own stream of random numbers."""
    n_chains = _checks.integer("n_chains", n_chains, minimum=1)
    spins = _chains.checked_initial(initial, (n_chains, model.n_spins))
    local = np.empty(spins.shape, dtype=model.fields.dtype)
    turned = np.zeros((n_chains, 1), dtype=np.int64)
    chains = [_chains.Chain(*rows) for rows in zip(spins, local, turned, streams(rng, n_chains), strict=True)]
    randomly = isinstance(initial, str) and initial == "random"
    for chain in chains:
        _chains.begin(model, chain.spins, chain.local, chain.state, randomly=randomly)
    return chains


def _advance(
    model: _chains.Model,
    chains: list[_chains.Chain],
    rule: tuple[np.int64, np.int64],
    betas: Measurements,
    n_sweeps: int,
    thin: int,
    note: Any,
    progress: bool,
) -> _Record:
    """Run all chains side by side; entry k is noted after `thin` sweeps at betas[k]."""
    n_chains, n_spins = len(chains), model.n_spins
    record = _Record(
        np.empty((n_chains, betas.size)),
        np.empty((n_chains, betas.size), dtype=np.int64),
        np.full(n_chains, np.inf),
        np.ones((n_chains, n_spins), dtype=np.int8),
    )
    rooms = [_chains.room(n_spins) for _ in chains]
    with _pool.over(n_chains) as each:

        def run(call: _runs.Call) -> None:
            entries = call.entries
            snapshots = np.empty((n_chains, entries.stop - entries.start, n_spins), dtype=np.int8)

            def advance(k: int) -> None:
                kernels.run(
                    model.arrays,
                    chains[k],
                    rooms[k],
                    *rule,
                    betas[entries],
                    call.steps,
                    record.energies[k, entries],
                    record.sums[k, entries],
                    snapshots[k],
                    record.best_energies[k : k + 1],
                    record.best_spins[k],
                )

            each(advance)
            if note is not None and call.complete:
                note(entries, snapshots)

        updates = n_chains * model.updates_per_sweep()
        _runs.advance(run, n_sweeps, thin, updates=updates, progress=progress)
    return record
