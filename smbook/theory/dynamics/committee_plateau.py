"""Where a soft committee waits before its units divide the work, and how fast it leaves.

K units learn from K orthonormal ones. On the plateau all are alike to first sight: Q_ii = Q, Q_ik = C, and
all R_in = R, so that each unit is a little of each of the teacher's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.linalg import eigvals
from scipy.optimize import root

from smbook import _checks
from smbook.theory.dynamics.committee import averages, checked_rates, error_of, flow_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smbook.theory._shared import Floats

_STEP = 1e-30  # along the imaginary axis, for a derivative without a difference
_MOST_UNITS = 10
_SLOWEST = 1e-6  # rate whose plateau is told from that of no rate
_EASY = 0.1  # rate times K up to which the plateau is found from that of no rate
_STRIDE = 1.15  # from one rate to the next
_LONGEST = 1e3  # Q, beyond which there is no plateau any more
_RESIDUE = 1e-10


class Plateau(NamedTuple):
    """Hold the symmetric fixed point of a committee's equations.

    Attributes
    ----------
    overlap
        Q, of a student's unit with itself.
    cross
        R, of each unit with each of the teacher's.
    error
        The generalization error there.
    escape_rate
        By which specialization grows, as e^(escape_rate alpha); per eta alpha at rate 0.
    between
        C, of two different units of the student.
    """

    overlap: float
    cross: float
    error: float
    escape_rate: float
    between: float


def committee_plateau(n_hidden: int, *, rate: float = 0.0, noise: float = 0.0) -> Plateau:
    r"""Return where K units that are all alike come to rest, and how fast differences between them grow.

    At a small rate, with its time in units of eta alpha,

    .. math:: Q = C = \frac1{2K - 1}, \qquad R = \frac1{\sqrt{K (2K - 1)}}, \qquad \epsilon = \frac K\pi
              \Bigl[ \frac\pi6 - K \arcsin \frac1{2K} \Bigr], \qquad
              \lambda = \frac{2K / \pi}{(2K - 1)^{1/2} (2K + 1)^{3/2}}

    so that all units are the same vector, as good a one as can do the work of all. At a larger rate the noise
    of single examples keeps them apart, Q > C, by an amount of order eta; it is found from the equations. A
    specialization :math:`R_{in} = R + \rho_{in}`, without a sum over any row or column, then grows like
    :math:`e^{\lambda \alpha}`: it takes :math:`\ln(1 / \rho) / \lambda` to leave from a small one. To first
    order it does not mix with anything else, as it alone has this symmetry. At small rates all else shrinks;
    from a rate of 1.3 on (three units; 0.9 four, 0.6 five) differences in length between units grow as well.

    Parameters
    ----------
    n_hidden
        K, from 2 to 10.
    rate
        eta: 0, for the limit, or from 1e-6 to where the plateau ends: near 3.5 for two units, 2.2 for three.
    noise
        sigma, the standard deviation of what is added to the teacher's answers, from 0 to 100.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if there is no plateau at this rate, as noise
        lets weights grow without bound.

    References
    ----------
    Saad and Solla (1995).

    Examples
    --------
    >>> plateau = committee_plateau(2)
    >>> round(plateau.overlap, 6), round(plateau.cross, 6), round(plateau.error, 6)
    (0.333333, 0.408248, 0.011611)
    >>> round(plateau.escape_rate, 6), round(committee_plateau(2, rate=1.5).escape_rate, 6)
    (0.06575, 0.076364)
    """
    k = _checks.integer("n_hidden", n_hidden, minimum=2, maximum=_MOST_UNITS)
    rate, noise = checked_rates(rate, noise)
    if 0.0 < rate < _SLOWEST:
        raise ValueError(f"rate must be 0 or at least {_SLOWEST:g}; got {rate:g}")
    if rate == 0.0:
        return _plateau(_at_no_rate(k), k, rate)
    *_, (last, point) = _followed(k, [rate], noise)
    if point is None:
        raise ValueError(
            f"rate must be smaller for a plateau of {k} units with noise {noise:g}; got {rate:g}, and from "
            f"{last:g} on weights grow without bound"
        )
    return _plateau(point, k, rate)


def plateaus(k: int, rates: list[float]) -> list[Plateau | None]:
    """Return the plateaus of growing rates of at least 1e-6, without noise; None where there is none."""
    wanted = set(rates)
    found = [
        None if point is None else _plateau(point, k, rate)
        for rate, point in _followed(k, rates, 0.0)
        if rate in wanted and point is not None
    ]
    return found + [None] * (len(rates) - len(found))


def _plateau(point: Floats, k: int, rate: float) -> Plateau:
    overlaps = _alike(point, k)
    growth = _growth(overlaps, k)
    return Plateau(
        float(point[0]),
        float(point[2]),
        float(error_of(overlaps, k)),
        growth * (rate or 1.0),
        float(point[1]),
    )


def committee_largest_rate(n_hidden: int) -> float:
    r"""Return the rate from which on K units do not keep what K orthonormal ones taught them.

    Close to the teacher the equations are linear, with a matrix :math:`\eta A + \eta^2 B`. It is the least
    eta at which that has the eigenvalue 0. For one unit, whose rest of weights v shrinks by
    :math:`2 \eta \langle g'^2 \rangle` and grows by :math:`\eta^2 \langle g'^4 \rangle`, it is
    :math:`\pi \sqrt{5 / 3} = 4.0558`.

    Parameters
    ----------
    n_hidden
        K, from 1 to 10.

    Raises
    ------
    TypeError, ValueError
        If it is no such number.

    References
    ----------
    Biehl and Schwarze (1995) for one unit; Saad and Solla (1995).

    Examples
    --------
    >>> [round(committee_largest_rate(k), 4) for k in (1, 2, 3)]
    [4.0558, 2.3068, 1.6207]
    """
    k = _checks.integer("n_hidden", n_hidden, minimum=1, maximum=_MOST_UNITS)
    learned = np.tile(np.eye(k), (2, 2))
    slow = _jacobian(learned, k, lambda o: flow_of(o, k, 1.0, 0.0) - _second(o, k))
    fast = _jacobian(learned, k, lambda o: _second(o, k))
    rates = eigvals(slow, -fast)
    real = rates[np.isfinite(rates) & (np.abs(rates.imag) < 1e-6 * np.abs(rates))].real
    return float(real[real > 1e-6].min())


def _second(overlaps: Any, k: int) -> Any:
    """Return the part of `flow_of` that goes like the square of the rate."""
    flow = np.zeros_like(overlaps[:k])
    flow[:, :k] = averages(overlaps, k, 0.0)[1]
    return flow


def _at_no_rate(k: int) -> Floats:
    """Return Q, C and R of the plateau in the limit of small rates."""
    return np.array([1 / (2 * k - 1), 1 / (2 * k - 1), 1 / math.sqrt(k * (2 * k - 1))])


def _followed(k: int, rates: list[float], noise: float) -> Iterator[tuple[float, Floats | None]]:
    """Follow Q, C and R, with Q > C, from a small rate through growing ones; the last is None if they end."""
    now = min(rates[0], _EASY / k / (1 + noise * noise))
    point = _at_no_rate(k) + np.array([1.0, 0.0, 0.0]) * now * (k - 1) / 10
    for rate in rates:
        now = min(rate, now)
        while True:
            found = _solved(point, k, now, noise)
            yield now, found
            if found is None:
                return
            point = found
            if now == rate:
                break
            now = min(rate, _STRIDE * now)
        now *= _STRIDE


def _solved(point: Floats, k: int, rate: float, noise: float) -> Floats | None:
    """Return the fixed point near a guess, or None if none is there.

    Q = C solves the equations too, as units that are the same vector stay so. That is divided out.
    """

    def parts(values: Any) -> Any:
        flow = _alike_flow(values, k, rate, noise)
        return np.array([(flow[0] - flow[1]) / (values[0] - values[1]), flow[1], flow[2]])

    def slopes(values: Floats) -> Floats:
        shifts = values + 1j * _STEP * np.eye(3)
        return np.array([parts(shifted).imag / _STEP for shifted in shifts]).T

    with np.errstate(all="ignore"):
        found = root(parts, point, jac=slopes, tol=1e-12).x
    right = np.isfinite(found).all() and np.abs(_alike_flow(found, k, rate, noise)).max() < _RESIDUE
    return found if right and found[1] < found[0] < _LONGEST else None


def _alike_flow(values: Any, k: int, rate: float, noise: float) -> Any:
    """Return the changes of Q, C and R per eta alpha."""
    drift, spread = averages(_alike(values, k), k, noise)
    return np.array(
        [
            2 * drift[0, 0] + rate * spread[0, 0],
            drift[0, 1] + drift[1, 0] + rate * spread[0, 1],
            drift[0, k],
        ]
    )


def _alike(values: Any, k: int) -> Any:
    """Return all overlaps of K units that are alike, with K orthonormal ones, (2 K, 2 K)."""
    own, between, cross = values
    overlaps = np.zeros((2 * k, 2 * k), dtype=np.asarray(values).dtype)
    overlaps[:k, :k], overlaps[:k, k:], overlaps[k:, :k] = between, cross, cross
    overlaps[range(k), range(k)], overlaps[range(k, 2 * k), range(k, 2 * k)] = own, 1
    return overlaps


def _growth(overlaps: Floats, k: int) -> float:
    """Return the rate of growth of R_in by what is 1 - 1 / K for i = n and -1 / K else, per eta alpha."""
    special = np.eye(k) - 1 / k
    moved = overlaps.astype(np.complex128)
    moved[:k, k:] += 1j * _STEP * special
    moved[k:, :k] += 1j * _STEP * special
    drift, _ = averages(moved, k, 0.0)
    return float((drift[:, k:].imag * special).sum() / _STEP / (special * special).sum())


def _jacobian(overlaps: Floats, k: int, flow: Callable[[Any], Any]) -> Floats:
    """Return the derivatives of the flow of Q, on and above its diagonal, and of R."""
    places = [(i, j) for i in range(k) for j in range(i, 2 * k)]
    rows, columns = np.array(places).T
    found = np.empty((len(places), len(places)))
    for place, (i, j) in enumerate(places):
        moved = overlaps.astype(np.complex128)
        moved[i, j] += 1j * _STEP
        if i != j:
            moved[j, i] += 1j * _STEP
        found[:, place] = flow(moved)[rows, columns].imag / _STEP
    return found
