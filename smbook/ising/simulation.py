"""Runs of one lattice at one temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks, _runs
from smbook._records import equal
from smbook.ising import _clusters, _multispin, _plain
from smbook.ising._model import Counts, Measurements, Model, Spins, checked_initial, checked_model
from smbook.kernels import lattice
from smbook.kernels.rng import Randomness, seed_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smbook.ising._sampler import Bind, Sampler


class Trace(NamedTuple):
    """What a run leaves: energy and magnetization per site at each kept sweep, and the final spins.

    `samples` (kept, and the sides of the lattice) are all kept states, if they were asked for, else none.
    `engine` says which one ran.

    Two traces are equal if all their numbers are: those of the same run are.
    """

    energy: Measurements
    magnetization: Measurements
    spins: Spins
    samples: Spins
    engine: str

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


def simulate(
    shape: int | Iterable[int],
    beta: float,
    n_sweeps: int,
    *,
    algorithm: str = "heat-bath",
    engine: str = "auto",
    coupling: float = 1.0,
    bonds: Spins | None = None,
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
        "plain" updates site after site. "multispin" holds up to 64 spins in a word of 64 bits and updates
        them at once: for even sides in two or three dimensions, without a field, some 50 times faster where a
        word is full. "auto" picks it where it applies and pays, and the trace says which one ran. An engine
        changes the speed and the course of a run, never the law.
    coupling
        J; positive for a ferromagnet, negative for an antiferromagnet.
    bonds
        Signs of the bonds, such as `random_bonds` draws, for E = -J sum_<ij> b_ij s_i s_j: int8, shape
        (d, and the sides), where entry k of a site is for the bond to the next site along axis k. They need
        the multi-spin engine and the heat bath; `smbook.network.edwards_anderson` has any lattice.
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
    Glauber (1963); Metropolis et al. (1953); Wolff (1989); Swendsen and Wang (1987); Zorn, Herrmann and Rebbi
    (1981) for many spins in a word.

    Examples
    --------
    >>> trace = simulate((32, 32), 0.3, 2000, rng=1)
    >>> trace.energy.shape
    (2000,)
    >>> bool(abs(trace.energy[200:].mean() + 0.7040) < 0.01)
    True
    """
    model = checked_model(shape, beta, coupling, field, bonds)
    n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
    thin = _checks.integer("thin", thin, minimum=1)
    engine = _engine(_checks.choice("engine", engine, ENGINES), algorithm, model)
    bind = _bind(engine, algorithm, model)
    start = checked_initial(initial, model.sides)
    state = seed_state(rng)
    spins = np.ones(model.sides, dtype=np.int8) if start is None else np.array(start)
    if isinstance(initial, str) and initial == "random":
        lattice.randomize(spins.reshape(-1), state)
    samples = np.empty((n_sweeps // thin if keep_spins else 0, *model.sides), dtype=np.int8)
    totals, sums = _advance(bind(spins.reshape(-1), state), n_sweeps, thin, spins, samples, progress)
    energies = 0.0 - (model.coupling * totals + model.field * sums)  # 0.0 - 0.0 is no -0.0
    return Trace(energies / spins.size, sums / spins.size, spins, samples, engine)


PLAIN: dict[str, Callable[[Model], Bind]] = {
    "heat-bath": _plain.heat_bath,
    "metropolis": _plain.metropolis,
    "wolff": _clusters.wolff,
    "swendsen-wang": _clusters.swendsen_wang,
}
ENGINES = ("auto", "plain", "multispin")


def _engine(engine: str, algorithm: str, model: Model) -> str:
    """Return the engine that is to run: the one asked for, or the one that suits."""
    _checks.choice("algorithm", algorithm, PLAIN)
    if engine != "auto":
        return engine
    return "multispin" if model.bonds is not None or _multispin.wanted(model, algorithm) else "plain"


def _bind(engine: str, algorithm: str, model: Model) -> Bind:
    if engine == "multispin":
        return _multispin.sampler(model, algorithm)
    if model.bonds is not None:
        raise ValueError("engine 'plain' knows no bonds; use 'multispin' or smbook.network.edwards_anderson")
    return PLAIN[algorithm](model)


def _advance(
    sampler: Sampler, n_sweeps: int, thin: int, spins: Spins, samples: Spins, progress: bool
) -> tuple[Counts, Counts]:
    """Run the kernel and return what it noted; sweeps after the last kept one go unnoted.

    The spins go into `samples` at each entry, as far as there is room for them.
    """
    kept, per_sweep = n_sweeps // thin, sampler.steps_per_sweep
    totals, sums = np.empty((2, kept + 1), dtype=np.int64)  # the last entry is for the sweeps not noted

    store = sampler.store or (lambda: None)

    def run(call: _runs.Call) -> None:
        if sampler.part and not call.complete:
            sampler.part(call.steps)
        elif not len(samples):
            sampler.kernel(call.steps, totals[call.entries], sums[call.entries])
        else:
            for entry in range(call.entries.start, call.entries.stop):
                sampler.kernel(call.steps, totals[entry : entry + 1], sums[entry : entry + 1])
                store()
                samples[entry : entry + 1] = spins

    n_steps, every = n_sweeps * per_sweep, thin * per_sweep
    _runs.advance(run, n_steps, every, updates=sampler.updates, steps_per_unit=per_sweep, progress=progress)
    store()
    return totals[:kept], sums[:kept]
