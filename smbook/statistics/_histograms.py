"""The joint histogram of runs at several temperatures, and the equations of their partition functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import logsumexp

from smbook import _checks
from smbook.statistics._series import bins_of, checked_series
from smbook.statistics._series import unit as in_own_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_MOST_LEVELS = 10_000


class Pool(NamedTuple):
    """Hold the entries of all runs, by the distinct energies that occur.

    Energies are total, in a unit of n_sites 2^exponent that makes the largest about 1.
    """

    simulated: Floats  # (runs,) inverse temperatures as they were given
    betas: Floats  # (runs,) the same, times the unit of energy
    targets: Floats  # (targets,) inverse temperatures wanted, times the unit of energy
    exponent: int
    levels: Floats  # (levels,) distinct energies, counted from the mean of all
    origin: float  # that mean
    level: NDArray[np.intp]  # (entries,) which level
    run: NDArray[np.intp]  # (entries,) which run
    block: NDArray[np.intp]  # (entries,) which block of its run
    weight: Floats  # (entries,) 1/g of its run, 1 at most
    observables: Floats  # (k, entries) each over 2^scale
    scales: NDArray[np.intc]  # (k,)
    n_bins: int


class Joint(NamedTuple):
    """Hold what the pooled runs say together, all of them or without a block, at some temperatures."""

    logs: Floats  # (runs,) ln Z_j - ln Z_0
    averages: Floats  # (k, temperatures)
    energy: Floats  # (temperatures,)
    effective: Floats  # (temperatures,)
    log_partition: Floats  # (temperatures,) ln Z - ln Z_0; all of the energies as the pool counts them


def pool_runs(
    energies: Sequence[ArrayLike],
    observables: Sequence[ArrayLike],
    betas: Floats,
    slowness: Floats,
    single: bool,
    n_bins: int,
    n_sites: int,
    targets: Floats,
) -> Pool:
    """Check the runs and return them pooled."""
    if not len(energies) == len(observables) == betas.size == slowness.size:
        sizes = (len(energies), len(observables), betas.size, slowness.size)
        raise ValueError(f"energies, observables, betas and inefficiencies must be one a run; got {sizes}")
    if slowness.min() <= 0:
        raise ValueError(f"inefficiencies must be positive; got {slowness.min():g}")
    series = [checked_series("energy", energy) for energy in energies]
    tables = [_table(values, energy.size, single) for values, energy in zip(observables, series, strict=True)]
    if len({table.shape[0] for table in tables}) > 1:
        raise ValueError(f"each run must have as many observables; got {[len(table) for table in tables]}")
    blocks = np.concatenate([bins_of(energy.size, n_bins) for energy in series])
    run = np.repeat(np.arange(betas.size), [energy.size for energy in series])
    rows, scales = in_own_unit(np.concatenate(tables, axis=1))
    energy, exponent = in_own_unit(np.concatenate(series))
    scaled = _times_energy(np.append(betas, targets), n_sites, int(exponent))
    levels, level, origin = _levels(energy, float(np.ptp(scaled)))
    return Pool(
        simulated=betas,
        betas=scaled[: betas.size],
        targets=scaled[betas.size :],
        exponent=int(exponent),
        levels=levels,
        origin=origin,
        level=level,
        run=run,
        block=blocks,
        weight=slowness.min() / slowness[run],
        observables=rows,
        scales=scales,
        n_bins=n_bins,
    )


def _times_energy(betas: Floats, n_sites: int, exponent: int) -> Floats:
    """Return inverse temperatures times n_sites 2^exponent, or raise if no float holds one."""
    with np.errstate(over="ignore"):
        scaled = np.ldexp(betas * n_sites, exponent)
    if not (np.abs(scaled) < 1e300).all():
        largest = betas[np.abs(betas).argmax()]
        raise ValueError(f"beta times the total energy must stay below 1e300; got beta = {largest:g}")
    return np.asarray(scaled)


def _levels(energy: Floats, span: float) -> tuple[Floats, NDArray[np.intp], float]:
    """Return the distinct energies, which of them each entry has, and the mean of all.

    More than some thousands of them are a continuum, and are told apart to 0.02 / span.
    """
    origin = float(energy.mean())
    distinct, level = np.unique(energy, return_inverse=True)
    if distinct.size > _MOST_LEVELS:
        _, level = np.unique(np.floor((energy - origin) * (span / 0.02)), return_inverse=True)
    return _totals(level, energy - origin) / np.bincount(level), level, origin


def _table(values: ArrayLike, n: int, single: bool) -> Floats:
    """Return the observables of one run in the shape (k, n), or raise if theirs is another."""
    table = _checks.reals("observable", values)
    if table.ndim != (1 if single else 2) or table.shape[-1] != n or table.shape[0] == 0:
        expected = f"({n},)" if single else f"(k, {n}), for a function of k averages"
        raise ValueError(f"observable must have the shape {expected}; got {table.shape}")
    return np.atleast_2d(table)


def _kept(pool: Pool, left_out: int | None) -> Floats:
    """Return the weight of each entry, 0 in the block that is left out."""
    return pool.weight if left_out is None else pool.weight * (pool.block != left_out)


def _totals(index: NDArray[np.intp], weights: Floats) -> Floats:
    """Return the sum of the weights of each index."""
    return np.asarray(np.bincount(index, weights=weights), dtype=np.float64)


def _sizes(pool: Pool, left_out: int | None) -> Floats:
    """Return the effective size n_j / g_j of each run."""
    return _totals(pool.run, _kept(pool, left_out))


def first_guess(pool: Pool) -> Floats:
    """Return ln Z_j - ln Z_0 by integrating the mean energies of the runs over beta."""
    energy = _totals(pool.run, pool.levels[pool.level]) / np.bincount(pool.run)
    order = np.argsort(pool.betas)
    steps = -0.5 * (energy[order][1:] + energy[order][:-1]) * np.diff(pool.betas[order])
    logs = np.zeros(pool.betas.size)
    logs[order[1:]] = np.cumsum(steps)
    return np.asarray(logs - logs[0], dtype=np.float64)


def _mixture(pool: Pool, left_out: int | None, logs: Floats) -> Floats:
    """Return ln of n_j / g_j e^{-beta_j E} / Z_j, shape (levels, runs)."""
    return np.log(_sizes(pool, left_out)) - logs - pool.levels[:, None] * pool.betas


def solve(pool: Pool, left_out: int | None, logs: Floats) -> Floats:
    """Return ln Z_j - ln Z_0 of all runs by damped Newton steps from the guess `logs`."""
    if pool.betas.size == 1:
        return logs
    counts = _totals(pool.level, _kept(pool, left_out))
    sizes = _sizes(pool, left_out)
    for _ in range(200):
        mixture = _mixture(pool, left_out, logs)
        shares = np.exp(mixture - mixture.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        filled = counts @ shares
        curvature = np.diag(filled) - shares.T @ (counts[:, None] * shares)
        _check_overlap(curvature, sizes, pool.simulated)
        step = np.concatenate([[0.0], np.linalg.solve(curvature[1:, 1:], (filled - sizes)[1:])])
        size = float(np.ptp(step))
        # Full steps near the minimum, logarithmic ones far out: ln(1 + x)/x suits sums of exponentials.
        logs = logs + step * (math.log1p(size) / size if size > 0 else 1.0)
        if size < 1e-10:
            return logs
    raise RuntimeError(
        f"the equations of the {sizes.size} runs have not converged; the last step was {size:g}"
    )


def _check_overlap(curvature: Floats, sizes: Floats, betas: Floats) -> None:
    """Raise if less than one entry in all links some runs to the others."""
    scale = np.sqrt(sizes)
    gap, slowest = (part[..., 1] for part in np.linalg.eigh(curvature / np.outer(scale, scale)))
    if gap * sizes.sum() < 1:
        side = slowest / scale > 0
        raise ValueError(
            f"the energies of the runs at beta = {betas[side]} do not overlap with those at {betas[~side]}: "
            "add runs between, and see that the energies are divided by n_sites"
        )


def join(pool: Pool, left_out: int | None, temperatures: Floats, guess: Floats) -> Joint:
    """Solve the equations of the runs from a guess and return what they say at some temperatures."""
    logs = solve(pool, left_out, guess)
    return averages(pool, left_out, logs, temperatures)


def averages(pool: Pool, left_out: int | None, logs: Floats, temperatures: Floats) -> Joint:
    """Return what the runs say at some temperatures, given their partition functions."""
    kept = _kept(pool, left_out)
    rows = (np.ones(kept.size), kept, *pool.observables)
    sums = np.array([_totals(pool.level, kept * row) for row in rows])
    table = np.vstack([sums, sums[0] * pool.levels])
    base = np.where(sums[0] > 0, -logsumexp(_mixture(pool, left_out, logs), axis=1), -np.inf)
    columns = [_average(base - beta * pool.levels, table) for beta in temperatures]
    means, effective, log_partition = (np.array(part) for part in zip(*columns, strict=True))
    return Joint(logs, means.T[:-1], means.T[-1], effective, log_partition)


def _average(log_weights: Floats, table: Floats) -> tuple[Floats, float, float]:
    """Return weighted averages of the rows of `table`, the effective number and ln of the sum of weights."""
    largest = log_weights.max()
    weights = np.exp(log_weights - largest)
    total = weights @ table[0]
    effective = total**2 / (weights**2 @ table[1])
    return table[2:] @ weights / total, float(effective), float(largest + np.log(total))


def own_energies(pool: Pool, left_out: int | None) -> Floats:
    """Return the mean energy of each run by itself."""
    kept = _kept(pool, left_out)
    return _totals(pool.run, kept * pool.levels[pool.level]) / _totals(pool.run, kept)


def company(pool: Pool) -> Floats:
    """Return for each entry how many there are from its temperature."""
    _, which, counts = np.unique(pool.betas[pool.run], return_inverse=True, return_counts=True)
    return np.asarray(counts[which], dtype=np.float64)
