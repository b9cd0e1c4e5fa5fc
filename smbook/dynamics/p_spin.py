"""Spherical p-spin glasses: samples, descent in their landscape, and all critical points of small ones.

Energies, thresholds and numbers of critical points of large samples, and on average of samples of every size,
stand in `smbook.theory.dynamics`: `complexity`, `threshold_energy`, `mean_critical_points`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.kernels.rng import fill_normal, state_apart

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness, State

    Floats = NDArray[np.float64]

_LARGEST_ORDER = 12
_MOST_COUPLINGS = 2**27
_STATES_APART = 4  # from couplings that an equal seed draws
_NEWTON_STEPS = 20  # half of all starts jump about for ever
_BATCH, _FEWEST = 200, 800  # of starts
_LONGEST_STEP = 0.5  # of Newton's, in radians
_FOUND = 1e-12  # the size of a gradient component at a critical point, in units of the largest curvature
_SAME = 1e-9  # 1 - abs(q) of equal points


class SphericalPSpin:
    r"""A spherical p-spin glass with given couplings.

    .. math:: H(\sigma) = N^{-(p-1)/2} \sum_{i_1 \dots i_p} J_{i_1 \dots i_p}\,
              \sigma_{i_1} \cdots \sigma_{i_p}, \qquad \sigma \cdot \sigma = N

    Only the part of J that is symmetric in its indices matters, and is kept.

    Parameters
    ----------
    couplings
        J, of shape (N, ..., N) with p from 2 to 12 sides, of size from 1e-50 to 1e50, or all 0.

    Raises
    ------
    TypeError, ValueError
        If the couplings are of the wrong kind or shape.

    References
    ----------
    Crisanti and Sommers (1992).

    Examples
    --------
    >>> pair = SphericalPSpin([[0.0, 1.0], [1.0, 0.0]])
    >>> pair, round(pair.energy([1.0, 1.0]), 6), pair.curvatures([1.0, 1.0]).round(6)
    (SphericalPSpin(2 spins, p = 2), 0.707107, array([-2.828427]))
    >>> pair.gradient([1.0, -1.0])
    array([0., 0.])
    """

    def __init__(self, couplings: ArrayLike) -> None:
        given = _checks.reals("couplings", couplings)
        if not 2 <= given.ndim <= _LARGEST_ORDER or len(set(given.shape)) != 1 or not given.size:
            raise ValueError(
                f"couplings must have from 2 to {_LARGEST_ORDER} sides of one length; got {given.shape}"
            )
        if np.abs(given).max() > 1e50:
            raise ValueError(f"couplings must be at most 1e+50 in size; got {np.abs(given).max():g}")
        self._couplings = _symmetric(given)
        if 0.0 < np.abs(self._couplings).max() < 1e-50:
            raise ValueError(
                "couplings must, made symmetric, be all 0 or not all below 1e-50; the largest is "
                f"{np.abs(self._couplings).max():g}"
            )
        i, j = self._pairs = np.triu_indices(given.shape[0])
        if given.ndim > 2:
            self._packed = self._couplings.reshape(-1, *given.shape[:2])[:, i, j] * np.where(i == j, 1.0, 2.0)
        self._factor = float(given.shape[0]) ** (-(given.ndim - 1) / 2)

    @property
    def n_spins(self) -> int:
        """N."""
        return len(self._couplings)

    @property
    def p(self) -> int:
        """The number of spins in a term of the energy."""
        return self._couplings.ndim

    @property
    def couplings(self) -> Floats:
        """A copy of the couplings, symmetric in all indices."""
        return self._couplings.copy()

    def __repr__(self) -> str:
        return f"SphericalPSpin({self.n_spins} spins, p = {self.p})"

    def energy(self, states: ArrayLike) -> float | Floats:
        """Return H / N, the energy per spin.

        Parameters
        ----------
        states
            (N,) or (M, N), each of the length sqrt(N).

        Raises
        ------
        TypeError, ValueError
            If the states are of the wrong kind, shape or length.
        """
        rows, single = self._checked(states)
        found = self._energies(rows, self._slopes(rows))
        return float(found[0]) if single else np.asarray(found)

    def gradient(self, states: ArrayLike) -> Floats:
        """Return the gradient of H along the sphere, in the shape of the states.

        Parameters and errors are those of `energy`.
        """
        rows, single = self._checked(states)
        found = self._along(rows, self._slopes(rows))
        return np.asarray(found[0] if single else found)

    def curvatures(self, states: ArrayLike) -> Floats:
        """Return the N - 1 eigenvalues of the Hessian of H along the sphere, from the smallest on.

        At a critical point the number of negative ones is its index. Parameters and errors are those of
        `energy`.

        Returns
        -------
        NDArray
            float64, (N - 1,) or (M, N - 1).
        """
        rows, single = self._checked(states)
        found = self._curvatures(rows)
        return np.asarray(found[0] if single else found)

    def _contracted(self, rows: Floats, times: int) -> Floats:
        """Return the couplings with `times` of their indices taken up by each state, (M, N, ...).

        Two are taken up at once, by products of two spins, which halves what is read.
        """
        n = self.n_spins
        if times == 1:
            found, left = np.asarray(self._couplings.reshape(-1, n) @ rows.T), 0
        else:
            pairs = rows[:, self._pairs[0]] * rows[:, self._pairs[1]]
            found, left = np.asarray(self._packed @ pairs.T), times - 2
        for _ in range(left):
            found = np.asarray(np.einsum("ajm,mj->am", found.reshape(-1, n, len(rows)), rows))
        return np.asarray(np.moveaxis(found.reshape(*[n] * (self.p - times), len(rows)), -1, 0))

    def _slopes(self, rows: Floats) -> Floats:
        """Return the derivatives of H by all components."""
        return np.asarray(self._contracted(rows, self.p - 1) * (self.p * self._factor))

    def _energies(self, rows: Floats, slopes: Floats) -> Floats:
        return np.asarray((rows * slopes).sum(axis=1) / (self.p * self.n_spins))

    def _along(self, rows: Floats, slopes: Floats) -> Floats:
        return np.asarray(slopes - rows * ((rows * slopes).sum(axis=1) / self.n_spins)[:, np.newaxis])

    def _hessians(self, rows: Floats) -> Floats:
        """Return the Hessians along the sphere (M, N, N), which are 0 along the states themselves."""
        n, p = self.n_spins, self.p
        if p == 2:
            found = np.broadcast_to(2 * self._factor * self._couplings, (len(rows), n, n))
        else:
            found = self._contracted(rows, p - 2) * (p * (p - 1) * self._factor)
        slopes = np.einsum("mij,mj->mi", found, rows) / (p - 1)
        pull = (slopes * rows).sum(axis=1) / n
        along = np.eye(n) - rows[:, :, np.newaxis] * rows[:, np.newaxis] / n
        return np.asarray(along @ found @ along - pull[:, np.newaxis, np.newaxis] * along)

    def _curvatures(self, rows: Floats) -> Floats:
        """Return the eigenvalues, without the one of the state itself, which is moved beyond all others."""
        n, found = self.n_spins, self._hessians(rows)
        far = 2 * np.abs(found).sum(axis=2).max(axis=1)
        beyond = rows[:, :, np.newaxis] * rows[:, np.newaxis] / n * far[:, np.newaxis, np.newaxis]
        return np.asarray(np.linalg.eigvalsh(found + beyond)[:, : n - 1])

    @property
    def _scale(self) -> float:
        """The largest curvature at the threshold, of a large sample with couplings of this size."""
        size = np.linalg.norm(self._couplings) * math.sqrt(math.factorial(self.p) / self._couplings.size)
        return float(size) * 4 * math.sqrt(self.p * (self.p - 1))

    def _checked(self, states: ArrayLike) -> tuple[Floats, bool]:
        rows = _checks.reals("states", states)
        single = rows.ndim == 1
        rows = rows[np.newaxis] if single else rows
        if rows.ndim != 2 or rows.shape[1] != self.n_spins:
            raise ValueError(f"states must have {self.n_spins} numbers each; got the shape {rows.shape}")
        lengths = np.linalg.norm(rows, axis=1) / math.sqrt(self.n_spins)
        wrong = np.flatnonzero(~(np.abs(lengths - 1) < 1e-8))
        if wrong.size:
            raise ValueError(
                f"states must have the length sqrt({self.n_spins}); number {wrong[0]} has "
                f"{lengths[wrong[0]] * math.sqrt(self.n_spins):g}"
            )
        return rows, single


class Descent(NamedTuple):
    """Hold where descents came to.

    Attributes
    ----------
    states
        At the end, float64, (M, N).
    times
        When energies were noted: steps times rate, float64, (T,).
    energies
        Per spin at these times, float64, (T, M).
    curvatures
        The N - 1 at the end, from the smallest on, float64, (M, N - 1).
    converged
        Whether the gradient has vanished, bool, (M,).
    """

    states: Floats
    times: Floats
    energies: Floats
    curvatures: Floats
    converged: NDArray[Any]

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        m, n = self.states.shape
        mean = float(self.energies[-1].mean())
        return f"Descent({m} of {n} spins, {self.converged.sum()} converged, mean energy {mean:.6g})"


class CriticalPoints(NamedTuple):
    """Hold critical points of one sample, from the lowest energy on.

    Attributes
    ----------
    states
        float64, (M, N).
    energies
        Per spin, float64, (M,).
    indices
        The number of directions, of N - 1, that lead down, int64, (M,).
    """

    states: Floats
    energies: Floats
    indices: NDArray[np.int64]

    @property
    def euler_characteristic(self) -> int:
        """The sum of (-1)^index, which over all critical points is 2 for odd N and 0 for even N (Morse)."""
        return int(((-1) ** self.indices).sum())

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return f"CriticalPoints({len(self.energies)} of {self.states.shape[1]} spins)"


def spherical_p_spin(n: int, p: int, *, rng: Randomness = None) -> SphericalPSpin:
    """Draw a spherical p-spin glass: all N^p couplings are independent standard normal numbers.

    Parameters
    ----------
    n
        N, at least 1; N^p is at most 2^27.
    p
        From 2 to 12.
    rng
        As for `smbook.ising.simulate`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> spherical_p_spin(20, 3, rng=1)
    SphericalPSpin(20 spins, p = 3)
    """
    size = _checks.integer("n", n, minimum=1)
    order = _checks.integer("p", p, minimum=2, maximum=_LARGEST_ORDER)
    if size**order > _MOST_COUPLINGS:
        raise ValueError(f"n must make at most 2**27 couplings; {size}**{order} are {size**order}")
    couplings = np.empty(size**order)
    fill_normal(state_apart(rng, 0), couplings)
    return SphericalPSpin(couplings.reshape([size] * order))


def descend(
    model: SphericalPSpin,
    n_starts: int = 1,
    *,
    initial: ArrayLike | None = None,
    rate: float | None = None,
    n_steps: int = 10_000,
    tolerance: float = 1e-5,
    thin: int = 10,
    rng: Randomness = None,
    progress: bool = False,
) -> Descent:
    r"""Let states descend along the gradient on the sphere, from random ones or given ones.

    .. math:: \dot \sigma = -\nabla H(\sigma), \qquad \nabla H \cdot \sigma = 0

    in Euler's steps, after each of which the length is put right. A large sample comes down to the threshold,
    ever more slowly, and not to the minima below it. A small one ends in a minimum: for p = 3 its mean energy
    lies by 1.46 N^(-2/3) above the threshold, measured from N = 10 to 40.

    Parameters
    ----------
    model
        A `SphericalPSpin`.
    n_starts
        How many random states, uniform on the sphere, begin, at least 1.
    initial
        States to begin with, (M, N), in place of random ones.
    rate
        The step, above 0; None takes 1 / c, where c = 4 sqrt(p (p - 1)) is the largest curvature of a
        large sample at the threshold, in proportion to the size of the couplings.
    n_steps
        At most so many, at least 0.
    tolerance
        A descent is over when the components of its gradient are that small (root mean square), at least 0.
    thin
        Between how many steps energies are noted, at least 1.
    rng
        As for `smbook.ising.simulate`. An integer that has drawn the couplings draws independent states.
    progress
        Whether to show a bar.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    FloatingPointError
        If a state leaves the range of floats, which a smaller rate prevents.

    References
    ----------
    Cugliandolo and Kurchan (1993).

    Examples
    --------
    >>> found = descend(spherical_p_spin(30, 3, rng=1), 5, rng=1)
    >>> bool(found.converged.all()), round(float(found.energies[-1].mean()), 3)
    (True, -1.513)
    >>> bool((found.curvatures[found.converged] > 0).all())
    True
    >>> bool((np.diff(found.energies, axis=0) < 1e-12).all())
    True
    """
    known = _checked_model(model)
    count = _checks.integer("n_starts", n_starts, minimum=1)
    if initial is None:
        rows = _random_states(count, known.n_spins, state_apart(rng, _STATES_APART))
    else:
        rows = known._checked(initial)[0].copy()
        if not len(rows):
            raise ValueError("initial must hold at least one state; got none")
    step = 1 / (known._scale or 1.0) if rate is None else _checks.positive("rate", rate)
    most = _checks.integer("n_steps", n_steps, minimum=0)
    small = _checks.real("tolerance", tolerance, minimum=0.0)
    every = _checks.integer("thin", thin, minimum=1)
    kept, ended = _descend(known, rows, (step, most, small, every), progress)
    times, energies = (np.array(column) for column in zip(*kept, strict=True))
    return Descent(rows, times * step, energies, known._curvatures(rows), ended)


def critical_points(
    model: SphericalPSpin, n_starts: int = 10_000, *, rng: Randomness = None, progress: bool = False
) -> CriticalPoints:
    r"""Look for all critical points of a small sample, by Newton's method from many random states.

    Those of a random sample are isolated. Couplings of a special form can have whole lines of them, of which
    only some would be found.

    With sigma, -sigma is one too, of the energy (-1)^p u. There are at most

    .. math:: 2\, \frac{(p - 1)^N - 1}{p - 2}

    (2 N for p = 2). Newton's method finds some sooner than others; the search ends early when three in four
    of the starts so far, and at least 600, were made without finding a new one. For p = 3 that missed none
    in 200 samples of up to 6 spins, and two of some 300 in one of five samples of 10. With odd N
    `euler_characteristic` tells of a point that is missing.

    Parameters
    ----------
    model
        A `SphericalPSpin`.
    n_starts
        At most so many random states begin, at least 1.
    rng
        As for `smbook.ising.simulate`. An integer that has drawn the couplings draws independent states.
    progress
        Whether to show a bar.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Cartwright and Sturmfels (2013) for the bound.

    Examples
    --------
    >>> found = critical_points(spherical_p_spin(5, 3, rng=1), rng=1)
    >>> found, found.euler_characteristic
    (CriticalPoints(18 of 5 spins), 2)
    >>> np.bincount(found.indices)
    array([4, 4, 2, 4, 4])
    >>> critical_points(spherical_p_spin(6, 2, rng=1), rng=1).energies.size
    12
    """
    known = _checked_model(model)
    if not known._couplings.any():
        raise ValueError("model must have couplings that are not all 0: every state is critical")
    most = _checks.integer("n_starts", n_starts, minimum=1)
    state = state_apart(rng, _STATES_APART)
    rows, made, last_new = np.empty((0, known.n_spins)), 0, 0
    batch = max(1, min(_BATCH, 2**20 // known.n_spins**2))
    with progress_bar(most, "start", progress) as tell:
        while made < most and not (made >= _FEWEST and made > 4 * last_new):
            count = min(batch, most - made)
            ends = _newton(known, _random_states(count, known.n_spins, state))
            before, made = len(rows), made + count
            rows = _distinct(rows, ends)
            last_new = made if len(rows) > before else last_new
            tell(count)
    rows = np.concatenate([rows, -rows])
    energies = known._energies(rows, known._slopes(rows))
    order = np.argsort(energies, kind="stable")
    rows = rows[order]
    indices = (known._curvatures(rows) < 0).sum(axis=1)
    return CriticalPoints(rows, energies[order], indices.astype(np.int64))


def _descend(
    model: SphericalPSpin, rows: Floats, way: tuple[float, int, float, int], progress: bool
) -> tuple[list[tuple[float, Floats]], NDArray[np.bool_]]:
    """Move the rows; return times in steps with energies, and which have come to rest."""
    rate, most, small, every = way
    kept: list[tuple[float, Floats]] = []
    moving, energies = np.ones(len(rows), dtype=np.bool_), np.empty(len(rows))
    with progress_bar(most, "step", progress) as tell:
        for made in range(most + 1):
            now = rows[moving]
            if not ((now**2).sum(axis=1) > 0.5 * model.n_spins).all():
                raise FloatingPointError(f"a state has no size after {made} steps at the rate {rate:g}")
            slopes = model._slopes(now)
            energies[moving] = model._energies(now, slopes)
            along = model._along(now, slopes)
            far = np.sqrt((along**2).mean(axis=1)) > small
            over = not far.any() or made == most
            if over or made % every == 0:
                kept.append((float(made), energies.copy()))
            if not over:
                with np.errstate(all="ignore"):
                    rows[moving] = np.where(far[:, np.newaxis], _on_sphere(now - rate * along), now)
            moving[moving] = far
            if over:
                break
            tell(1)
    return kept, ~moving


def _newton(model: SphericalPSpin, rows: Floats) -> Floats:
    """Return the critical points to which Newton's steps along the sphere lead, where they lead to one."""
    scale, n = model._scale, model.n_spins
    enough = _FOUND * scale
    found = []
    for _ in range(_NEWTON_STEPS):
        along = model._along(rows, model._slopes(rows))
        there = np.abs(along).max(axis=1) < enough
        found.append(rows[there])
        rows, along = rows[~there], along[~there]
        if not len(rows):
            break
        outward = rows[:, :, np.newaxis] * rows[:, np.newaxis] * (scale / n)
        step = _solved(model._hessians(rows) + outward, along)
        length = np.linalg.norm(step, axis=1, keepdims=True) / math.sqrt(n)
        rows = _on_sphere(rows - step * np.minimum(1.0, _LONGEST_STEP / np.maximum(length, _LONGEST_STEP)))
    return np.concatenate(found)


def _solved(matrices: Floats, vectors: Floats) -> Floats:
    """Return matrix^-1 vector of each; where there is none, 0."""
    try:
        found = np.linalg.solve(matrices, vectors[:, :, np.newaxis])[:, :, 0]
    except np.linalg.LinAlgError:
        found = np.einsum("mij,mj->mi", np.linalg.pinv(matrices, hermitian=True), vectors)
    return np.where(np.isfinite(found), found, 0.0)


def _distinct(known: Floats, found: Floats) -> Floats:
    """Return the known rows and those of the found that are new, up to their sign."""
    n = found.shape[1]
    while len(found):
        overlaps = np.abs(found @ known.T) / n
        found = found[(1 - overlaps > _SAME).all(axis=1)]
        known = np.concatenate([known, found[:1]])
    return known


def _symmetric(couplings: Floats) -> Floats:
    """Return the mean over all orders of the indices, one index after another."""
    found = couplings
    for k in range(1, couplings.ndim):  # symmetric in the first k; the next goes to each of their places
        found = sum((np.swapaxes(found, j, k) for j in range(k)), found) / (k + 1)
    return np.ascontiguousarray(found)


def _random_states(count: int, n: int, state: State) -> Floats:
    rows = np.empty((count, n))
    fill_normal(state, rows.reshape(-1))
    return _on_sphere(rows)


def _on_sphere(rows: Floats) -> Floats:
    return np.asarray(rows * (math.sqrt(rows.shape[1]) / np.linalg.norm(rows, axis=1, keepdims=True)))


def _checked_model(model: SphericalPSpin) -> SphericalPSpin:
    if not isinstance(model, SphericalPSpin):
        raise TypeError(f"model must be a SphericalPSpin; got {type(model).__name__}")
    return model
