"""Runs of one lattice at many temperatures at once, 64 in the bits of each word."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks, _pool, _runs
from smbook._records import equal
from smbook.ising import _multispin
from smbook.ising._model import check_spins, checked_model
from smbook.kernels import multispin
from smbook.kernels.rng import seed_state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from smbook.ising._model import Counts, Measurements, Model, Spins
    from smbook.kernels.rng import Randomness, State


class Temperatures(NamedTuple):
    """What runs at K inverse temperatures leave, a row for each, a column a kept sweep.

    `energy` and `magnetization` (K, kept) are per site, `spins` (K, and the sides of the lattice) the final
    states. If lattices were exchanged, a row follows the temperature: `swap_rates` (K - 1,) are the shares of
    swaps made between neighbours, `round_trips` (K,) counts for each lattice its ways from the first
    temperature to the last and back. Without exchange both are 0.

    Two results are equal if all their numbers are.
    """

    betas: Measurements
    energy: Measurements
    magnetization: Measurements
    spins: Spins
    swap_rates: Measurements
    round_trips: Counts

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        count, kept = self.energy.shape
        lattice = " x ".join(map(str, self.spins.shape[1:]))
        size = f"{kept} kept sweeps of {count} lattice{'s' * (count != 1)} of {lattice} spins"
        swaps = ""
        if self.swap_rates.any():
            low, high = self.swap_rates.min(), self.swap_rates.max()
            swaps = f", swap rates {low:.2f} to {high:.2f}, {int(self.round_trips.sum())} round trips"
        return f"Temperatures({size}, beta {self.betas.min():.6g} to {self.betas.max():.6g}{swaps})"


class _Exchange(NamedTuple):
    """Where the lattices are, what swaps there were, and how far each has walked."""

    every: int
    lane_of: Counts
    state: State
    works: NDArray[np.uint64]
    tried: Counts
    made: Counts
    heading: Counts
    trips: Counts


def simulate_temperatures(
    shape: int | Iterable[int],
    betas: ArrayLike,
    n_sweeps: int,
    *,
    algorithm: str = "heat-bath",
    coupling: float = 1.0,
    bonds: Spins | None = None,
    exchange: int = 0,
    initial: str | Spins = "random",
    thin: int = 1,
    rng: Randomness = None,
    progress: bool = False,
) -> Temperatures:
    """Sample a periodic lattice at many temperatures at once, p(s) proportional to exp(-beta E(s)) at each.

    64 lattices share each word of 64 bits, every one with its own temperature and its own random bits, so
    that they are independent and cost no more than one of the size of all. Further words run side by side in
    threads, which changes nothing of what comes out. Equal temperatures are replicas.

    Parameters
    ----------
    shape
        Two or three even side lengths.
    betas
        Inverse temperatures, shape (K,), at least 0. 64, or a multiple, fill the words.
    n_sweeps
        Number of sweeps, at least 0. Nothing is discarded.
    algorithm
        "heat-bath" or "metropolis"; as for `simulate`, some temperatures and lattices are refused for the
        second.
    coupling, bonds
        As for `simulate`.
    exchange
        Try to swap the lattices of neighbouring temperatures after every so many sweeps, one half of the
        pairs and then the other (replica exchange); 0 for never. Then `betas` must not fall.
    initial
        "random", "up", or an int8 array of +1 and -1, of the shape of the lattice or (K, and that shape).
    thin
        Keep what a sweep leaves after every `thin`-th one. Measuring costs as much as half of a sweep.
    rng, progress
        As for `simulate`.

    Returns
    -------
    Temperatures
        Energies and magnetizations per site, as `smbook.statistics.reweight_multiple` takes them.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a value is out of range or not finite, a side is odd or alone, `betas` fall although lattices are
        to be exchanged, or Metropolis would not reach every state.

    References
    ----------
    Zorn, Herrmann and Rebbi (1981) for many lattices in a word; Hukushima and Nemoto (1996) for the exchange.

    Examples
    --------
    >>> runs = simulate_temperatures((16, 16), np.linspace(0.3, 0.6, 64), 500, rng=1)
    >>> runs
    Temperatures(500 kept sweeps of 64 lattices of 16 x 16 spins, beta 0.3 to 0.6)
    >>> runs.energy.shape
    (64, 500)
    """
    found = _checked_betas(betas)
    models = [checked_model(shape, float(beta), coupling, 0.0, bonds) for beta in (found.min(), found.max())]
    algorithm = _checks.choice("algorithm", algorithm, _multispin.ALGORITHMS)
    reason = _multispin.refusal(models[0], algorithm)
    if reason:
        raise ValueError(f"many temperatures share words of 64 bits, and that has limits: {reason}")
    for model in models:
        _multispin.check_ergodic(model, algorithm)
    n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
    thin = _checks.integer("thin", thin, minimum=1)
    every = _checks.integer("exchange", exchange, minimum=0)
    if every and (np.diff(found) < 0.0).any():
        raise ValueError(f"betas must not fall where lattices are exchanged; got {found}")
    start = _checked_initial(initial, models[0].sides, found.size)
    state = seed_state(rng)
    groups = _groups(models[0], algorithm, found, start, state)
    swaps = _begin(every, found.size, groups, state)
    energy, magnetization = _advance(models[0], groups, found, swaps, n_sweeps, thin, progress)
    return Temperatures(
        found,
        energy,
        magnetization,
        _final(models[0].sides, groups, swaps.lane_of),
        swaps.made / np.maximum(swaps.tried, 1),
        swaps.trips[: found.size].copy(),
    )


def _checked_betas(betas: ArrayLike) -> Measurements:
    found = _checks.reals("betas", betas, minimum=0.0)
    if found.ndim != 1 or not found.size:
        raise ValueError(f"betas must be one-dimensional and not empty; got the shape {found.shape}")
    return found


def _checked_initial(initial: str | Spins, sides: tuple[int, ...], count: int) -> str | Spins:
    if isinstance(initial, str):
        return _checks.choice("initial", initial, ("random", "up"))
    if getattr(initial, "ndim", 0) == len(sides) + 1 and len(initial):
        for k, spins in enumerate(initial):
            check_spins(f"initial[{k}]", spins)
    else:
        check_spins("initial", initial)
    if initial.shape not in (sides, (count, *sides)):
        raise ValueError(f"initial must have the shape {sides} or {(count, *sides)}; got {initial.shape}")
    return np.broadcast_to(initial, (count, *sides))


def _groups(
    model: Model, algorithm: str, betas: Measurements, start: str | Spins, state: State
) -> list[_multispin.Arrays]:
    """Return words for 64 temperatures each; the last ones are filled up with copies of the last."""
    groups = []
    layout = _multispin.lanes(model.sides)
    for first in range(0, betas.size, multispin.LANES):
        part = betas[first : first + multispin.LANES]
        padded = np.concatenate([part, np.full(multispin.LANES - part.size, part[-1])])
        group = _multispin.arrays(model, layout, algorithm, padded, state)
        if not isinstance(start, str):
            for lane in range(multispin.LANES):
                spins = np.ascontiguousarray(start[min(first + lane, betas.size - 1)]).reshape(-1)
                multispin.pack(spins, *layout, group.grid, lane, group.words)
        elif start == "random":
            multispin.randomize_lanes(group.words, group.grid, group.work)
        else:
            group.words[:] = np.uint64(0xFFFFFFFFFFFFFFFF)
        groups.append(group)
    return groups


def _begin(every: int, count: int, groups: list[_multispin.Arrays], state: State) -> _Exchange:
    """Lay the rooms of all words side by side, whose thresholds change places."""
    works = np.stack([group.work for group in groups])
    groups[:] = [group._replace(work=work) for group, work in zip(groups, works, strict=True)]
    n_lanes = multispin.LANES * len(groups)
    pairs = np.zeros((2, max(count - 1, 0)), dtype=np.int64)
    walks = np.zeros((2, n_lanes), dtype=np.int64)
    return _Exchange(every, np.arange(count, dtype=np.int64), state, works, *pairs, *walks)


def _advance(
    model: Model,
    groups: list[_multispin.Arrays],
    betas: Measurements,
    swaps: _Exchange,
    n_sweeps: int,
    thin: int,
    progress: bool,
) -> tuple[Measurements, Measurements]:
    """Run all words side by side, and return energies and magnetizations per site."""
    n_sites, kept = math.prod(model.sides), n_sweeps // thin
    energy, magnetization = np.empty((2, betas.size, kept))
    clock = 0

    def sweep(steps: int, noted: Counts, group: int) -> None:
        multispin.run_lanes(*groups[group], steps, noted[0, group], noted[1, group])

    def run(call: _runs.Call) -> None:
        nonlocal clock
        count = call.entries.stop - call.entries.start
        noted = np.empty((2, len(groups), count, multispin.LANES), dtype=np.int64)
        if not swaps.every:
            each(partial(sweep, call.steps, noted))
            rows: Any = slice(None, betas.size)
            note(call, *(part.transpose(1, 0, 2).reshape(count, -1)[:, rows] for part in noted))
            return
        for entry in range(count):
            here = noted[:, :, entry : entry + 1]
            left = call.steps
            while left:
                steps = min(left, swaps.every - clock % swaps.every)
                each(partial(sweep, steps, here))
                left, clock = left - steps, clock + steps
                if clock % swaps.every == 0:
                    _swap(model, betas, swaps, here[0].reshape(-1), clock // swaps.every % 2)
            one = slice(call.entries.start + entry, call.entries.start + entry + 1)
            note(call._replace(entries=one), *(part.reshape(1, -1)[:, swaps.lane_of] for part in here))

    def note(call: _runs.Call, totals: Counts, sums: Counts) -> None:
        if call.complete:
            energy[:, call.entries] = (0.0 - model.coupling * totals.T) / n_sites
            magnetization[:, call.entries] = sums.T / n_sites

    updates = len(groups) * (n_sites + 100)
    with _pool.over(len(groups)) as each:
        _runs.advance(run, n_sweeps, thin, updates=updates, progress=progress)
    return energy, magnetization


def _swap(model: Model, betas: Measurements, swaps: _Exchange, totals: Counts, parity: int) -> None:
    energies = 0.0 - model.coupling * totals
    multispin.exchange(
        betas, energies, parity, swaps.lane_of, swaps.state, swaps.works, swaps.tried, swaps.made,
        swaps.heading, swaps.trips,
    )  # fmt: skip


def _final(sides: tuple[int, ...], groups: list[_multispin.Arrays], lane_of: Counts) -> Spins:
    layout = _multispin.lanes(sides)
    spins = np.empty((lane_of.size, *sides), dtype=np.int8)

    def unpack(group: int) -> None:
        words, grid = groups[group].words, groups[group].grid
        for row in np.flatnonzero(lane_of // multispin.LANES == group).tolist():
            lane = int(lane_of[row]) % multispin.LANES
            multispin.unpack(words, *layout, grid, lane, spins[row].reshape(-1))

    with _pool.over(len(groups)) as each:
        each(unpack)
    return spins
