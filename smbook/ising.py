"""The Ising model on a periodic lattice, sampled from the Gibbs distribution.

E(s) = -J sum_<ij> s_i s_j - h sum_i s_i, p(s) proportional to exp(-beta E(s)), s_i = +1 or -1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smbook import _checks, _runs
from smbook._records import equal
from smbook.kernels import lattice
from smbook.kernels.rng import Randomness, State, seed_state

Spins = NDArray[np.int8]
Measurements = NDArray[np.float64]
Counts = NDArray[np.int64]

# What a sweep of heat bath or Metropolis costs besides its updates, and what clusters cost, in such updates.
_UPDATES_LOST_PER_SWEEP = 100
_UPDATES_PER_CLUSTER, _UPDATES_PER_CLUSTER_SITE = 20, 8

_SEARCHED = 16  # sites up to which every state is tried for a cycle that catches Metropolis


class Trace(NamedTuple):
    """What a run leaves: energy and magnetization per site at each kept sweep, and the final spins.

    `samples` (kept, and the sides of the lattice) are all kept states, if they were asked for, else none.

    Two traces are equal if all their numbers are: those of the same run are.
    """

    energy: Measurements
    magnetization: Measurements
    spins: Spins
    samples: Spins

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        kept = f"{self.energy.size} kept sweeps of {' x '.join(map(str, self.spins.shape))} spins"
        if not self.energy.size:
            return f"Trace({kept})"
        means = f"mean energy {self.energy.mean():.6g}, mean magnetization {self.magnetization.mean():.6g}"
        return f"Trace({kept}, {means})"


class _Model(NamedTuple):
    """What a sampler has to know: the checked arguments of `simulate` that enter the law."""

    sides: tuple[int, ...]
    beta: float
    coupling: float
    field: float

    @property
    def sign(self) -> np.int8:
        return np.int8(-1 if self.coupling < 0.0 else 1)


class _Sampler(NamedTuple):
    """A kernel with its arrays bound, called with (sweeps before each entry, bonds, sums).

    It can be stopped after a step: a sweep, or a part of one, which `part` makes without a note at its end.
    `updates` is the work of a step.
    """

    kernel: Callable[[int, Counts, Counts], None]
    updates: int
    steps_per_sweep: int = 1
    part: Callable[[int], None] | None = None

    def __call__(self, sweeps: int, bonds: Counts, sums: Counts) -> None:
        self.kernel(sweeps * self.steps_per_sweep, bonds, sums)


_Bind = Callable[[Spins, State], _Sampler]


def simulate(
    shape: int | Iterable[int],
    beta: float,
    n_sweeps: int,
    *,
    algorithm: str = "heat-bath",
    engine: str = "auto",
    coupling: float = 1.0,
    field: float = 0.0,
    initial: str | Spins = "random",
    keep_spins: bool = False,
    thin: int = 1,
    rng: Randomness = None,
    progress: bool = False,
) -> Trace:
    """Sample the Gibbs distribution of a periodic lattice, p(s) proportional to exp(-beta E(s)).

    A sweep of "heat-bath" and "metropolis" updates every spin once, in a fixed order. A sweep of
    "swendsen-wang" parts the lattice into clusters and flips each with probability 1/2. A sweep of "wolff"
    is a fixed number of cluster flips, `wolff_flips_per_sweep(shape, beta, coupling=coupling)`, whatever
    their sizes turn out to be: stopping once enough spins are turned would bias every average. Nothing is
    discarded: the first sweeps still remember `initial`.

    Near a limit in which an algorithm is refused it mixes slowly: Metropolis takes some 1 / (beta J) sweeps
    at high temperature and 1 / (beta h) on a ring in a weak field, and clusters freeze on cold frustrated
    lattices. The heat bath has no such trouble.

    Parameters
    ----------
    shape
        One, two or three side lengths, each at least 2; an integer is a ring. On a side of 2 the two bonds
        of a spin lead to the same neighbour, which then counts twice.
    beta
        Inverse temperature 1/T, at least 0, in units of one over energy.
    n_sweeps
        Number of sweeps, at least 0.
    algorithm
        "heat-bath", "metropolis", "wolff" or "swendsen-wang". The cluster algorithms need a zero field.
    engine
        "auto" or "plain". An engine changes the speed, never the law.
    coupling
        J; positive for a ferromagnet, negative for an antiferromagnet.
    field
        h, in units of energy.
    initial
        "random", "up", or an int8 array of +1 and -1 of the lattice's shape, which is copied.
    keep_spins
        Whether to keep the states themselves, a byte a spin: ``samples.reshape(len(samples), -1)`` is what
        `smbook.boltzmann.RBM` learns from, on the same memory.
    thin
        Keep what a sweep leaves after every `thin`-th one.
    rng
        An int seed, a `numpy.random.SeedSequence` or a `numpy.random.Generator`; None draws a seed from the
        operating system. Several workers that are sent one generator, or one seed, make the same run, as each
        gets a copy in the same state: send each a child of its own, from `rng.spawn(n_workers)`.
    progress
        Show a progress bar on the standard error stream.

    Returns
    -------
    Trace
        `energy` and `magnetization` per site, float64 of length `n_sweeps // thin`, the final `spins`, and
        `samples`, int8.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind, or `initial` is not int8.
    ValueError
        If a value is out of range or not finite, an energy overflows, `initial` has the wrong shape or values
        or is not contiguous, or the algorithm cannot do what is asked: clusters in a field, or a chain that
        does not reach every state. Wolff turns exactly one spin a flip at beta = 0, Metropolis in a fixed
        order every spin in every sweep; without field Metropolis does not mix on a ring either, nor on some
        small lattices, nor is it safe on frustrated ones; nor do clusters mix on these at the lowest
        temperatures.

    References
    ----------
    Glauber (1963); Metropolis et al. (1953); Wolff (1989); Swendsen and Wang (1987).

    Examples
    --------
    >>> trace = simulate((32, 32), 0.3, 2000, rng=1)
    >>> trace.energy.shape
    (2000,)
    >>> bool(abs(trace.energy[200:].mean() + 0.7040) < 0.01)
    True
    """
    model = _checked_model(shape, beta, coupling, field)
    n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
    thin = _checks.integer("thin", thin, minimum=1)
    samplers = _ENGINES[_checks.choice("engine", engine, _ENGINES)]
    bind = samplers[_checks.choice("algorithm", algorithm, samplers)](model)
    start = _checked_initial(initial, model.sides)
    state = seed_state(rng)
    spins = np.ones(model.sides, dtype=np.int8) if start is None else np.array(start)
    if isinstance(initial, str) and initial == "random":
        lattice.randomize(spins.reshape(-1), state)
    samples = np.empty((n_sweeps // thin if keep_spins else 0, *model.sides), dtype=np.int8)
    bonds, sums = _advance(bind(spins.reshape(-1), state), n_sweeps, thin, spins, samples, progress)
    energies = 0.0 - (model.coupling * bonds + model.field * sums)  # 0.0 - 0.0 is no -0.0
    return Trace(energies / spins.size, sums / spins.size, spins, samples)


def energy(spins: Spins, *, coupling: float = 1.0, field: float = 0.0) -> float:
    """Return the energy per site, -(J sum_<ij> s_i s_j + h sum_i s_i) / N, with periodic boundaries.

    Parameters
    ----------
    spins
        int8 array of +1 and -1 with one, two or three sides of at least 2 each, contiguous.

    Raises
    ------
    TypeError, ValueError
        If `spins` is no such array, or `coupling` or `field` no finite real number, or the energy overflows.

    Examples
    --------
    >>> energy(np.ones((4, 6), dtype=np.int8), field=0.5)
    -2.5
    """
    _check_spins("spins", spins)
    coupling, field = _checks.real("coupling", coupling), _checks.real("field", field)
    if not math.isfinite(spins.size * _strongest(spins.ndim, coupling, field)):
        raise ValueError(f"energy overflows; got coupling={coupling}, field={field}")
    flat = spins.reshape(-1)
    bonds = lattice.bond_sum(flat, np.array(spins.shape, dtype=np.int64))
    return (0.0 - coupling * float(bonds) - field * float(lattice.spin_sum(flat))) / spins.size


def magnetization(spins: Spins) -> float:
    """Return the magnetization per site, sum_i s_i / N; arguments and errors as `energy`.

    Examples
    --------
    >>> magnetization(np.array([1, 1, 1, -1], dtype=np.int8))
    0.5
    """
    _check_spins("spins", spins)
    return float(lattice.spin_sum(spins.reshape(-1))) / spins.size


def wolff_flips_per_sweep(shape: int | Iterable[int], beta: float, *, coupling: float = 1.0) -> int:
    """Return how many clusters a Wolff sweep flips.

    About as many as hold one lattice full of sites above the transition, and one below it.

    The mean cluster size is estimated, to within a factor of two, from (1 - v / v_c)**-gamma with
    v = tanh(beta abs(J)), the power law at the critical point v_c. A rough guess does no harm: any number
    that does not depend on the course of the run leaves the law untouched.

    Raises
    ------
    TypeError, ValueError
        As `simulate`.

    Examples
    --------
    >>> wolff_flips_per_sweep((64, 64), 0.5), wolff_flips_per_sweep((64, 64), 0.2)
    (1, 1320)
    """
    model = _checked_model(shape, beta, coupling, 0.0)
    n_sites, dimension = math.prod(model.sides), len(model.sides)
    return int(lattice.wolff_flips(n_sites, dimension, model.beta, model.coupling))


def _checked_model(shape: int | Iterable[int], beta: float, coupling: float, field: float) -> _Model:
    model = _Model(
        _checks.lattice_shape(shape),
        _checks.real("beta", beta, minimum=0.0),
        _checks.real("coupling", coupling),
        _checks.real("field", field),
    )
    strongest = 2.0 * _strongest(len(model.sides), model.coupling, model.field)
    if not math.isfinite(math.prod(model.sides) * strongest) or not math.isfinite(model.beta * strongest):
        raise ValueError(
            f"energy or beta times energy overflows; got beta={beta}, coupling={coupling}, field={field}"
        )
    return model


def _strongest(dimension: int, coupling: float, field: float) -> float:
    """Return the largest energy of one spin among its neighbours."""
    return 2.0 * dimension * abs(coupling) + abs(field)


def _checked_initial(initial: str | Spins, sides: tuple[int, ...]) -> Spins | None:
    if isinstance(initial, str):
        _checks.choice("initial", initial, ("random", "up"))
        return None
    _check_spins("initial", initial)
    if initial.shape != sides:
        raise ValueError(f"initial must have the shape {sides}; got {initial.shape}")
    return initial


def _check_spins(name: str, spins: Any) -> None:
    if type(spins) not in (np.ndarray, np.memmap) or spins.dtype != np.int8:
        kind = f"dtype {spins.dtype}" if type(spins) is np.ndarray else type(spins).__name__
        raise TypeError(f"{name} must be an int8 array; got {kind}")
    _checks.lattice_shape(spins.shape)
    if not spins.flags.c_contiguous:
        raise ValueError(f"{name} must be contiguous in row-major order; got strides {spins.strides}")
    wrong = spins[np.abs(spins) != 1]
    if wrong.size:
        raise ValueError(f"{name} must hold +1 and -1 only; got {wrong[0]}")


def _heat_bath(model: _Model) -> _Bind:
    table = np.empty((1, lattice.TABLE_WIDTH), dtype=np.int64)
    lattice.heat_bath_table(model.beta, model.coupling, model.field, len(model.sides), table)
    return _single_site(model, table)


def _metropolis(model: _Model) -> _Bind:
    table = np.empty((2, lattice.TABLE_WIDTH), dtype=np.int64)
    lattice.metropolis_table(model.beta, model.coupling, model.field, len(model.sides), table)
    reason = _not_ergodic(model, table)
    if reason:
        raise ValueError(
            f"metropolis in a fixed order is not ergodic here: {reason}; got shape={model.sides}, "
            f"beta={model.beta}, coupling={model.coupling}, field={model.field}; use heat-bath"
        )
    return _single_site(model, table)


def _not_ergodic(model: _Model, table: NDArray[np.int64]) -> str:
    """Say why Metropolis sweeps in a fixed order would not reach every state, or return an empty string.

    A flip that costs nothing is always accepted. On a ring without field this makes every domain wall march
    in one direction, and the difference of the numbers that march left and right is conserved. In more
    dimensions it catches single states. Small lattices are searched for them. On larger ones their weight is
    below 10**-5, unless the lattice is frustrated, where they are among the states of least energy.
    """
    sides, n_neighbours = model.sides, 2 * len(model.sides)
    occurring = table[:, : n_neighbours + 1]
    if (occurring[0] == lattice.CERTAIN).all() and (occurring[1] == lattice.IMPOSSIBLE).all():
        return "no flip costs energy, so that every sweep turns every spin"
    balanced = occurring[:, len(sides)]  # half of the neighbours up; a field makes one direction cost energy
    if balanced[0] != lattice.CERTAIN or balanced[1] != lattice.IMPOSSIBLE or sides == (2,):
        return ""
    if len(sides) == 1:
        return "on a ring without field every domain wall marches on in one direction"
    if math.prod(sides) <= _SEARCHED and _has_free_cycle(sides):
        return "on so small a lattice some states turn every spin at no cost, sweep after sweep"
    if math.prod(sides) > _SEARCHED and _frustrated(model):
        return "on a frustrated lattice some states turn every spin at no cost, sweep after sweep"
    return ""


def _frustrated(model: _Model) -> bool:
    """Tell whether an odd side keeps an antiferromagnet from satisfying all its bonds."""
    return model.coupling < 0.0 and any(side % 2 for side in model.sides)


@cache
def _has_free_cycle(sides: tuple[int, ...]) -> bool:
    """Tell whether a sweep that turns every spin can cost nothing at each of its steps.

    A site meets its neighbours turned if they come earlier in the sweep, so that its flip is free if
    sum_j a_ij s_j = 0, with a_ij = +1 for a later and -1 for an earlier neighbour. Every state is tried.
    """
    n_sites = math.prod(sides)
    rank = np.arange(n_sites) // sides[-1] * 3 + np.arange(n_sites) % sides[-1] % 2
    if sides[-1] % 2:
        rank[sides[-1] - 1 :: sides[-1]] += 2
    sites = np.arange(n_sites).reshape(sides)
    order = np.zeros((n_sites, n_sites), dtype=np.int8)
    for axis, shift in itertools.product(range(len(sides)), (1, -1)):
        neighbours = np.roll(sites, shift, axis).reshape(-1)
        np.add.at(order, (np.arange(n_sites), neighbours), np.sign(rank[neighbours] - rank))
    states = (np.arange(2**n_sites)[:, None] >> np.arange(n_sites) & 1).astype(np.int8) * 2 - 1
    return bool((states @ order.T == 0).all(axis=1).any())


def _single_site(model: _Model, table: NDArray[np.int64]) -> _Bind:
    def bind(spins: Spins, state: State) -> _Sampler:
        length = model.sides[-1]
        draws = np.empty((3, length), dtype=np.uint64)
        scratch = np.empty((5, length + 2), dtype=np.int8)
        shape = np.array(model.sides, dtype=np.int64)
        kernel = partial(lattice.single_site, spins, shape, model.sign, table, draws, scratch, state)
        return _Sampler(kernel, spins.size + _UPDATES_LOST_PER_SWEEP)

    return bind


def _wolff(model: _Model) -> _Bind:
    threshold = _bond_threshold("wolff", model)
    if threshold == lattice.IMPOSSIBLE:
        raise ValueError(
            f"wolff turns exactly one spin a flip where no bond can join, so that it never mixes; "
            f"got beta={model.beta}, coupling={model.coupling}; use heat-bath"
        )
    n_flips = wolff_flips_per_sweep(model.sides, model.beta, coupling=model.coupling)

    def bind(spins: Spins, state: State) -> _Sampler:
        shape = np.array(model.sides, dtype=np.int64)
        queue = np.empty(spins.size, dtype=np.int64)
        joined = np.zeros(spins.size, dtype=np.int8)
        kernel = partial(lattice.wolff, spins, shape, model.sign, threshold, 1, queue, joined, state)

        def part(steps: int) -> None:
            lattice.flip_wolff_clusters(spins, shape, model.sign, threshold, steps, queue, joined, state)

        updates = _UPDATES_PER_CLUSTER + _UPDATES_PER_CLUSTER_SITE * (spins.size // n_flips)
        return _Sampler(kernel, updates, n_flips, part)

    return bind


def _swendsen_wang(model: _Model) -> _Bind:
    threshold = _bond_threshold("swendsen-wang", model)

    def bind(spins: Spins, state: State) -> _Sampler:
        shape = np.array(model.sides, dtype=np.int64)
        parent = np.empty(spins.size, dtype=np.int64)
        turned = np.empty(spins.size, dtype=np.int8)
        kernel = partial(lattice.swendsen_wang, spins, shape, model.sign, threshold, parent, turned, state)
        return _Sampler(kernel, _UPDATES_PER_CLUSTER_SITE * spins.size)

    return bind


def _bond_threshold(algorithm: str, model: _Model) -> np.int64:
    if model.field != 0.0:
        raise ValueError(
            f"{algorithm} flips whole clusters, which a field forbids; got field={model.field}; use heat-bath"
        )
    threshold = np.int64(lattice.bond_threshold(model.beta, model.coupling))
    if threshold == lattice.CERTAIN and _frustrated(model):
        raise ValueError(
            f"{algorithm} is not ergodic on a frustrated lattice so cold that every satisfied bond joins; "
            f"got shape={model.sides}, beta={model.beta}, coupling={model.coupling}; use heat-bath"
        )
    return threshold


_PLAIN: dict[str, Callable[[_Model], _Bind]] = {
    "heat-bath": _heat_bath,
    "metropolis": _metropolis,
    "wolff": _wolff,
    "swendsen-wang": _swendsen_wang,
}
_ENGINES = {"auto": _PLAIN, "plain": _PLAIN}


def _advance(
    sampler: _Sampler, n_sweeps: int, thin: int, spins: Spins, samples: Spins, progress: bool
) -> tuple[Counts, Counts]:
    """Run the kernel and return what it noted; sweeps after the last kept one go unnoted.

    The spins go into `samples` at each entry, as far as there is room for them.
    """
    kept, per_sweep = n_sweeps // thin, sampler.steps_per_sweep
    bonds, sums = np.empty((2, kept + 1), dtype=np.int64)  # the last entry is for the sweeps not noted

    def run(call: _runs.Call) -> None:
        if sampler.part and not call.complete:
            sampler.part(call.steps)
        elif not len(samples):
            sampler.kernel(call.steps, bonds[call.entries], sums[call.entries])
        else:
            for entry in range(call.entries.start, call.entries.stop):
                sampler.kernel(call.steps, bonds[entry : entry + 1], sums[entry : entry + 1])
                samples[entry : entry + 1] = spins

    n_steps, every = n_sweeps * per_sweep, thin * per_sweep
    _runs.advance(run, n_steps, every, updates=sampler.updates, steps_per_unit=per_sweep, progress=progress)
    return bonds[:kept], sums[:kept]
