"""Particles that diffuse in a potential while it is changed: the work that takes, and the heat given off.

Energies are in units of k_B T, and the unit of time is such that the diffusion constant is 1: a step h of the
move is -U'(x) h + sqrt(2 h) xi, accepted or rejected so that exp(-U) stays what it is. A potential is

    U(x) = c0 + c1 x + c2 x^2 + c3 x^3 + c4 x^4.

The constant c0 moves no particle; where it changes it is work like any other.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.polynomial import polynomial

from smbook import _checks
from smbook._records import equal
from smbook._runs import advance
from smbook.kernels import overdamped as kernels
from smbook.kernels.rng import seed_state

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook._runs import Call
    from smbook.kernels.rng import Randomness, State

    Floats = NDArray[np.float64]

_TERMS = 5  # of a potential
_DEEP = 50.0  # in k_B T: what is higher than the lowest place by that much is never visited
_CELLS, _MOST_CELLS = 1024, 2**20  # of the law of an equilibrium
_PANELS, _NODES = 16, 20  # of a quadrature, from a landmark of a potential to the next
_SHORTER = kernels.SHORT / 4  # a step times U'' of a trap, whose mean work is compared with an exact one
_MOST = 10**7  # steps of a protocol
_LARGEST, _BRIEFEST = 1e60, 1e-100  # coefficient or position, and time: their products are floats
_HIGHEST = 1e50  # barrier or tilt
_UNSURE = 1e-3  # of a level, in k_B T, by rounding


class Protocol(NamedTuple):
    """Say how a potential is changed.

    Attributes
    ----------
    coefficients
        c0 to c4 of the potential, before the first step and after each; (n_steps + 1, 5), in k_B T.
    step
        The time that a step takes.
    """

    coefficients: Floats
    step: float

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return f"Protocol({self.n_steps} steps, duration {self.duration:.6g})"

    @property
    def n_steps(self) -> int:
        """The number of steps."""
        return len(self.coefficients) - 1

    @property
    def duration(self) -> float:
        """The time that all steps take."""
        return self.n_steps * self.step

    @property
    def backward(self) -> Protocol:
        """The protocol run backwards, for Crooks' relation and Bennett's estimate."""
        return Protocol(self.coefficients[::-1].copy(), self.step)

    @property
    def free_energy_change(self) -> float:
        r"""F at the end less F at the start, :math:`-\ln(Z_1 / Z_0)`, by quadrature; Raises where none is."""
        return free_energy(self.coefficients[-1]) - free_energy(self.coefficients[0])

    def potential(self, positions: ArrayLike, k: int = -1) -> Floats:
        """Return U at positions after `k` steps; the end if none are told."""
        return np.asarray(polynomial.polyval(np.asarray(positions, dtype=float), self.coefficients[k]))


class Driven(NamedTuple):
    """Hold what became of particles that were led along a protocol. Energies are in k_B T.

    Attributes
    ----------
    positions
        Where they are at the end, (n,).
    work
        What was done on each, (n,).
    heat
        What each gave off to its surroundings, (n,).
    initial
        Where they were at first, (n,).
    acceptance
        The share of moves that were accepted. Times mean times where it is near 1.
    path
        Positions after every `thin` steps, (n_steps // thin, n); without rows if none were asked for.
    """

    positions: Floats
    work: Floats
    heat: Floats
    initial: Floats
    acceptance: float
    path: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return (
            f"Driven({self.work.size} particles: mean work {self.work.mean():.4g} k_B T, "
            f"mean heat {self.heat.mean():.4g} k_B T, acceptance {self.acceptance:.4f})"
        )

    @property
    def energy_change(self) -> Floats:
        """By how much the energy of each particle is higher at the end: work less heat, the first law."""
        return self.work - self.heat


def drive_particles(
    protocol: Protocol | ArrayLike,
    particles: int | ArrayLike,
    *,
    step: float | None = None,
    thin: int | None = None,
    rng: Randomness = None,
    progress: bool = False,
) -> Driven:
    """Lead particles that know nothing of each other along a protocol; measure the work and the heat.

    Each step changes the potential first, which is the work U_new(x) - U_old(x) on a particle at x. Then the
    particle moves by Langevin's step, accepted or rejected as Metropolis' rule says; what its energy falls by
    is heat given off. So the first law holds to rounding. The move keeps exp(-U) exactly, at any step, and so
    Jarzynski's equality holds for particles that begin in equilibrium: the mean of exp(-work) is Z_1 / Z_0.

    Parameters
    ----------
    protocol
        A `Protocol`, or its coefficients c0 to c4, (n_steps + 1, 5), or c1 to c4, (n_steps + 1, 4), in k_B T,
        within 1e60.
    particles
        How many, at least 1, to begin in equilibrium with the first potential; or where they begin,
        (n,), within 1e60.
    step
        The time of a step; the protocol's own if it is not given. Needed with bare coefficients.
    thin
        Keep the positions after so many steps, and again after as many; None keeps none.
    rng
        As for `smbook.ising.simulate`.
    progress
        Whether a bar shows the steps.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if the first potential has no equilibrium and
        a number of particles is given.
    FloatingPointError
        If a potential does not hold the particles, and one has left the range of floats.

    References
    ----------
    Sekimoto (1998) for work and heat of a particle; Jarzynski (1997); Roberts and Tweedie (1996) for the
    move.

    Examples
    --------
    >>> run = drive_particles(moving_trap(1.0, distance=2.0), 10_000, rng=1)
    >>> run.work.mean().round(1)  # v^2 (t - 1 + exp(-t)), v = 2
    np.float64(1.5)
    >>> bool(abs(np.exp(-run.work).mean() - 1.0) < 0.1)  # the trap is the same one at the end
    True
    """
    table, time = _checked_protocol(protocol, step)
    _within("protocol", table)
    kept = None if thin is None else _checks.integer("thin", thin, minimum=1)
    n_steps = len(table) - 1
    state = seed_state(rng)
    if np.ndim(particles):
        x = _within("particles", _checked_positions("particles", particles))
    else:
        x = _draw(table[0], _checks.integer("particles", particles, minimum=1), state)
    every = max(n_steps, 1) if kept is None else kept
    path = np.empty((0 if kept is None else n_steps // kept, x.size))
    initial, work, heat, noise = x.copy(), np.zeros(x.size), np.zeros(x.size), np.empty(x.size)
    rows, done, accepted = np.ascontiguousarray(table[:, 1:]), 0, 0

    def run(call: Call) -> None:
        nonlocal done, accepted
        for entry in range(call.entries.start, call.entries.stop):
            piece = rows[done : done + call.steps + 1]
            accepted += kernels.drive(piece, time, x, work, heat, state, noise)
            done += call.steps
            if call.complete and kept is not None:
                path[entry] = x

    advance(run, n_steps, every, updates=4 * x.size, unit="step", progress=progress)
    work += table[-1, 0] - table[0, 0]
    if not (np.isfinite(work).all() and np.isfinite(heat).all()):
        raise FloatingPointError("a particle has left the range of floats: the potential does not hold it")
    return Driven(x, work, heat, initial, accepted / max(n_steps * x.size, 1), path)


def equilibrium(coefficients: ArrayLike, n: int, *, rng: Randomness = None) -> Floats:
    """Draw positions of `n` particles in equilibrium, with the density exp(-U) / Z; exactly, by rejection.

    Parameters
    ----------
    coefficients
        c0 to c4, (5,), or c1 to c4, (4,), in k_B T. The last one that is not 0 is c2 or c4, and positive.
    n
        How many, at least 1.
    rng
        As for `smbook.ising.simulate`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if the potential does not hold a particle.

    Examples
    --------
    >>> x = equilibrium([0.0, 0.0, 0.5, 0.0, 0.0], 10_000, rng=1)  # x^2 / 2
    >>> bool(abs(x.var() - 1.0) < 0.05)
    True
    """
    row = _checked_rows("coefficients", coefficients, 1)
    return _draw(row, _checks.integer("n", n, minimum=1), seed_state(rng))


def free_energy(coefficients: ArrayLike) -> float:
    r"""Return the free energy :math:`-\ln \int e^{-U(x)} dx` of a potential, in k_B T, by quadrature.

    Parameters
    ----------
    coefficients
        As for `equilibrium`.

    Raises
    ------
    TypeError, ValueError
        As for `equilibrium`.

    Examples
    --------
    >>> round(free_energy([0.0, 0.0, 0.5, 0.0, 0.0]), 6) == round(-math.log(2 * math.pi) / 2, 6)
    True
    """
    row = _checked_rows("coefficients", coefficients, 1)
    height, row[0] = row[0], 0.0
    places, least = _landmarks(row)
    edges = np.concatenate([np.linspace(a, b, _PANELS + 1)[1:] for a, b in itertools.pairwise(places)])
    starts = np.concatenate([places[:1], edges[:-1]])
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    halves = (edges - starts)[:, np.newaxis] / 2
    levels = polynomial.polyval(starts[:, np.newaxis] + halves * (1 + nodes), row)
    return float(height + least - math.log(float((np.exp(least - levels) * halves * weights).sum())))


def share_right(positions: ArrayLike) -> float:
    """Return the share of positions x > 0; of a bit that was erased to the right, 1 less the share of errors.

    Raises
    ------
    TypeError, ValueError
        If there is no position, or one that is no real number.

    Examples
    --------
    >>> share_right([1.0, -1.0, 1.0, 1.0])
    0.75
    """
    return float((_checked_positions("positions", positions) > 0.0).mean())


def trap_protocol(centres: ArrayLike, stiffness: ArrayLike, *, duration: float) -> Protocol:
    """Return a protocol of harmonic traps k (x - a)^2 / 2, with centres a and stiffnesses k along the time.

    Parameters
    ----------
    centres, stiffness
        Before the first step and after each, (n_steps + 1,); one of both may be a number. k is positive.
    duration
        The time that it takes, at least 1e-100.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if a coefficient is beyond 1e60.

    Examples
    --------
    >>> trap_protocol([0.0, 0.5, 1.0], 2.0, duration=1.0).coefficients[-1]
    array([ 1., -2.,  1.,  0.,  0.])
    """
    a, k = _checks.reals("centres", centres), _checks.reals("stiffness", stiffness)
    if not (k > 0.0).all():
        raise ValueError(f"stiffness must be positive; got {k.min()}")
    duration = _checked_duration(duration)
    a, k = _within("centres", a), _within("stiffness", k)
    try:
        a, k = np.broadcast_arrays(a, k)
    except ValueError:
        raise ValueError(
            f"centres and stiffness must be of one length; got shapes {a.shape} and {k.shape}"
        ) from None
    if a.ndim != 1 or a.size < 2:
        raise ValueError(f"centres or stiffness must have two entries or more, in a row; got shape {a.shape}")
    none = np.zeros_like(a)
    rows = np.stack([k * a * a / 2, -k * a, k / 2, none, none], axis=1)
    return Protocol(_within("coefficients", rows), duration / (a.size - 1))


def moving_trap(
    duration: float,
    *,
    distance: float = 1.0,
    stiffness: float = 1.0,
    jump: float = 0.0,
    step: float | None = None,
) -> Protocol:
    """Return the protocol of a harmonic trap that is dragged from 0 to a distance, at a constant speed.

    A particle lags behind, and the work, of which none is stored, is Gaussian. Least work takes jumps at both
    ends, each of the share 1 / (2 + k t) of the distance (Schmiedl and Seifert, 2007).

    Parameters
    ----------
    duration
        The time t that it takes, positive.
    distance
        How far.
    stiffness
        k, positive.
    jump
        The share of the distance that the trap jumps at the start, and again at the end; 0 to 1/2.
    step
        The longest time h of a step; 1 / (64 k) if it is not given, and never fewer than 50 steps. The mean
        work is lower by a share of k h / 2 than without steps.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> moving_trap(10.0)
    Protocol(640 steps, duration 10)
    """
    stiffness = _checks.positive("stiffness", stiffness)
    distance = _checks.real("distance", distance)
    jump = _checks.real("jump", jump, minimum=0.0, maximum=0.5)
    n_steps = _number_of_steps(duration, step, _SHORTER / stiffness)
    way = np.linspace(jump, 1.0 - jump, n_steps + 1)
    way[0], way[-1] = 0.0, 1.0
    return trap_protocol(distance * way, stiffness, duration=duration)


def stiffening_trap(
    duration: float, *, first: float = 1.0, last: float = 2.0, step: float | None = None
) -> Protocol:
    """Return the protocol of a harmonic trap around 0 whose stiffness changes at a constant speed.

    The free energy changes by ln(last / first) / 2.

    Parameters
    ----------
    duration
        The time that it takes, positive.
    first, last
        The stiffness before and after, positive.
    step
        The longest time of a step; 1/64 over the larger stiffness if it is not given, and never fewer than 50
        steps.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> protocol = stiffening_trap(10.0, last=4.0)
    >>> round(protocol.free_energy_change / math.log(2), 9)
    1.0
    """
    first, last = _checks.positive("first", first), _checks.positive("last", last)
    n_steps = _number_of_steps(duration, step, _SHORTER / max(first, last))
    return trap_protocol(0.0, np.linspace(first, last, n_steps + 1), duration=duration)


def erasure(
    duration: float,
    *,
    barrier: float = 8.0,
    tilt: float = 4.0,
    lowest: float = 0.0,
    step: float | None = None,
) -> Protocol:
    r"""Return the protocol that erases a bit, the side of a double well that a particle is on, to the right.

    The potential is :math:`B (x^2 - s)^2 - f x`, with s = 1, wells at -1 and 1 and a barrier B at first. In
    four quarters of the time, each at a constant speed, s falls to where the barrier, B s^2, is lowest, a
    tilt f rises, s rises to 1, and the tilt falls, so that the last potential is the first.

    Nothing of this depends on where a particle is. As the potential returns, the mean of exp(-work) over all
    particles is 1. The part of it that those add who end on the right is 1/2 at any speed, the share of the
    right well in equilibrium. So if a share p ends on the left, the mean work is at least ln 2 - S(p), with
    :math:`S(p) = -p \ln p - (1 - p) \ln(1 - p)`.

    Parameters
    ----------
    duration
        The time that it takes, positive. It is a bit for times far below exp(B) / (0.9 B), Kramers' time.
    barrier
        B, the height of the barrier, positive, within 1e50.
    tilt
        The largest slope f, from 0 to 1e50. With one that is too small many end on the left.
    lowest
        The share of its height that the barrier falls to, 0 to 1.
    step
        The longest time of a step; 1 / (128 B) if it is not given, and never fewer than 50 steps. The work in
        excess of the least is lower by one or two of 100 than without steps.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Landauer (1961); Berut et al. (2012, 2013) for a bead that did so; Kawai, Parrondo and Van den Broeck
    (2007) for particles counted by where they end.

    Examples
    --------
    >>> run = drive_particles(erasure(10.0), 4000, rng=1)
    >>> share_right(run.positions) > 0.98, bool(run.work.mean() > math.log(2))
    (True, True)
    >>> right = run.positions > 0
    >>> bool(abs(-math.log(np.mean(np.exp(-run.work) * right)) - math.log(2)) < 0.1)
    True
    """
    barrier = _checks.positive("barrier", barrier)
    _checks.real("barrier", barrier, maximum=_HIGHEST)
    tilt = _checks.real("tilt", tilt, minimum=0.0, maximum=_HIGHEST)
    lowest = _checks.real("lowest", lowest, minimum=0.0, maximum=1.0)
    n_steps = _number_of_steps(duration, step, kernels.SHORT / (8.0 * barrier))
    rows = np.empty((n_steps + 1, _TERMS - 1))
    kernels.erase_bit(barrier, tilt, lowest, rows)
    heights = rows[:, 1] ** 2 / (4 * barrier)
    return Protocol(np.column_stack([heights, rows]), float(duration) / n_steps)


def _number_of_steps(duration: float, step: float | None, short: float) -> int:
    duration = _checked_duration(duration)
    longest = short if step is None else _checks.positive("step", step)
    if duration / longest > _MOST:
        raise ValueError(f"duration must be at most {_MOST} steps of {longest:g}; got {duration}")
    return max(math.ceil(duration / longest), kernels.FEWEST if step is None else 1)


def _checked_duration(value: float) -> float:
    duration = _checks.positive("duration", value)
    return _checks.real("duration", duration, minimum=_BRIEFEST)


def _within(name: str, values: Floats) -> Floats:
    largest = float(np.abs(values).max())
    if largest > _LARGEST:
        raise ValueError(f"{name} must be within {_LARGEST:g}; got {largest:g}")
    return values


def _checked_protocol(protocol: Protocol | ArrayLike, step: float | None) -> tuple[Floats, float]:
    if isinstance(protocol, Protocol):
        step = protocol.step if step is None else step
        protocol = protocol.coefficients
    if step is None:
        raise ValueError("step must be given with bare coefficients; got None")
    return _checked_rows("protocol", protocol, 2), _checks.positive("step", step)


def _checked_rows(name: str, values: ArrayLike, dimensions: int) -> Floats:
    """Return coefficients c0 to c4; without c0 it is 0."""
    rows = _checks.reals(name, values)
    if rows.ndim != dimensions or rows.shape[-1] not in (_TERMS - 1, _TERMS) or not len(rows):
        shapes = "(n_steps + 1, 5)" if dimensions == 2 else "(5,)"
        raise ValueError(f"{name} must have shape {shapes}, or 4 for c1 to c4; got {rows.shape}")
    if rows.shape[-1] == _TERMS:
        return rows
    return np.concatenate([np.zeros((*rows.shape[:-1], 1)), rows], axis=-1)


def _checked_positions(name: str, positions: ArrayLike) -> Floats:
    found = _checks.reals(name, positions)
    if found.ndim != 1 or not found.size:
        raise ValueError(f"{name} must be one position or more in a row; got shape {found.shape}")
    return found


def _draw(row: Floats, n: int, state: State) -> Floats:
    """Draw from an equilibrium, with cells so narrow that half of the places are taken."""
    c, (low, high) = row[1:].copy(), _span(row)
    cells, share = _CELLS // 2, 0.0
    while share < 0.5 and cells < _MOST_CELLS:
        cells *= 2
        sums = np.empty(cells + 1)
        share = kernels.bound_law(c, low, high, sums)
    positions = np.empty(n)
    kernels.draw_equilibrium(c, low, high, sums, state, positions)
    return positions


def _span(row: Floats) -> tuple[float, float]:
    """Return the ends up to which U is less than 50 above its least value, or raise if it holds nothing."""
    places, _ = _landmarks(row)
    return float(places[0]), float(places[-1])


def _landmarks(row: Floats) -> tuple[Floats, float]:
    """Return where U is flat or 50 above its least value, in order, and that value."""
    _, _, c2, c3, c4 = row
    if not (c4 > 0.0 or (c4 == c3 == 0.0 and c2 > 0.0)):
        raise ValueError(f"coefficients must hold a particle, by c4 > 0 or c2 > 0 alone; got {row.tolist()}")
    terms = np.trim_zeros(row, "b").copy()
    terms[0] = 0.0
    try:
        places, least = _found(terms)
    except np.linalg.LinAlgError:
        places, least = np.empty(0), math.nan
    with np.errstate(all="ignore"):
        ends = polynomial.polyval(places, terms) - least - _DEEP
        sizes = polynomial.polyval(np.abs(places), np.abs(terms))
    unsure = np.finfo(np.float64).eps * sizes < _UNSURE
    if places.size < 3 or not (unsure.all() and max(abs(ends[0]), abs(ends[-1])) < 1.0):
        raise ValueError(f"coefficients must give levels that rounding leaves apart; got {row.tolist()}")
    return places, least + float(row[0])


@np.errstate(all="ignore")
def _found(terms: Floats) -> tuple[Floats, float]:
    """Return where U, without a constant, is flat or 50 above its least value, and that."""
    flat = _real_roots(np.asarray(polynomial.polyder(terms), dtype=float))
    least = float(polynomial.polyval(flat, terms).min())
    high = _real_roots(np.concatenate([[-least - _DEEP], terms[1:]]))
    return np.unique(np.concatenate([flat, high])), least


def _real_roots(terms: Floats) -> Floats:
    roots = polynomial.polyroots(terms)
    return roots[abs(roots.imag) <= 1e-9 * abs(roots)].real
