r"""A soft committee that learns online from another one: its overlaps follow differential equations.

A student of K hidden units answers :math:`\sum_i g(x_i)` with g(x) = erf(x / sqrt(2)), a teacher of M units
:math:`\sum_n g(y_n)`, to N independent standard normal inputs. Fields are :math:`x_i = w_i \cdot x /
\sqrt N`, so they are normal, and all that counts is their covariance: the overlaps w.w / N of all pairs of
units, Q of the student's (K, K), R of student and teacher (K, M), T of the teacher's (M, M). An example moves
the weights down the slope of its loss :math:`\tfrac12 (\sum_n g(y_n) - \sum_i g(x_i))^2`, at the rate eta / N
in units in which a weight is of order 1 / sqrt(N). For N to infinity overlaps do not fluctuate, and follow
differential equations in alpha = examples / N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.theory._shared import Floats

_TOLERANCE, _SMALLEST = 1e-11, 1e-14  # of the integration, relative and absolute
_ROUNDING = 1e-9  # by which a least eigenvalue may be below 0, relative to the largest
_LARGEST = 1e6  # an overlap
_FASTEST = 100.0  # a rate, and a noise: weights run away long before


class CommitteeCurve(NamedTuple):
    """Hold the overlaps of a committee that learns, and its error, at each `time` alpha.

    Attributes
    ----------
    time
        alpha = examples / N, of any shape.
    student
        Q, overlaps of the student's units with each other, (..., K, K).
    cross
        R, overlaps of student and teacher, (..., K, M).
    error
        The mean loss of a new example, without noise, in the shape of `time`.
    """

    time: Floats
    student: Floats
    cross: Floats
    error: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        k, m = self.cross.shape[-2:]
        return f"CommitteeCurve({k} units that learn from {m}, at {self.time.size} times)"


class CommitteeFlow(NamedTuple):
    """Hold by how much Q, (K, K), and R, (K, M), change per alpha."""

    student: Floats
    cross: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def committee_error(student: ArrayLike, cross: ArrayLike, teacher: ArrayLike) -> Values:
    r"""Return the generalization error, the mean of half the squared difference of both answers.

    .. math:: \epsilon = \frac1\pi \Bigl[ \sum_{ik} \arcsin \frac{Q_{ik}}{\sqrt{(1 + Q_{ii})(1 + Q_{kk})}} +
              \sum_{nm} \arcsin \frac{T_{nm}}{\sqrt{(1 + T_{nn})(1 + T_{mm})}} -
              2 \sum_{in} \arcsin \frac{R_{in}}{\sqrt{(1 + Q_{ii})(1 + T_{nn})}} \Bigr]

    since the mean of g(u) g(v) over normal u and v is 2 / pi times such an arcsine.

    Parameters
    ----------
    student, cross
        Q and R, (..., K, K) and (..., K, M): the last two axes are units, those before may be times or runs.
    teacher
        T, (M, M).

    Raises
    ------
    TypeError, ValueError
        If they are no overlaps of weights: of other shapes, not symmetric, or with an eigenvalue below 0.

    References
    ----------
    Saad and Solla (1995).

    Examples
    --------
    >>> round(committee_error([[0.0]], [[0.0]], [[1.0]]), 12)  # nothing learned: arcsin(1 / 2) / pi
    0.166666666667
    >>> committee_error([[1.0]], [[1.0]], [[1.0]])
    0.0
    """
    overlaps, k = checked_overlaps(student, cross, teacher)
    return plain(error_of(overlaps, k))


def specialization(cross: ArrayLike) -> Values:
    r"""Return how far the overlaps R of student and teacher are from what all units share.

    .. math:: S^2 = \frac1{\min(K, M) - 1} \sum_{in} \bigl(R_{in} - \bar R_{i \cdot} - \bar R_{\cdot n} +
              \bar R\bigr)^2

    It is s where :math:`R_{in} = R + s\, \delta_{in}`, whatever the numbering of units; 0 for units that are
    all alike, and 1 for a student that has become an orthonormal teacher. Of one unit it is 0.

    Parameters
    ----------
    cross
        R, (..., K, M).

    Raises
    ------
    TypeError, ValueError
        If it does not hold real numbers of this shape.

    Examples
    --------
    >>> round(specialization([[0.5, 0.3], [0.3, 0.5]]), 12)
    0.2
    """
    r = _checks.reals("cross", cross)
    if r.ndim < 2 or 0 in r.shape[-2:]:
        raise ValueError(f"cross must have the shape (..., K, M); got {r.shape}")
    apart = r - r.mean(axis=-1, keepdims=True) - r.mean(axis=-2, keepdims=True)
    apart = apart + r.mean(axis=(-2, -1), keepdims=True)
    return plain(np.sqrt((apart * apart).sum(axis=(-2, -1)) / max(min(r.shape[-2:]) - 1, 1)))


def committee_flow(
    student: ArrayLike, cross: ArrayLike, teacher: ArrayLike, *, rate: float, noise: float = 0.0
) -> CommitteeFlow:
    r"""Return how fast the overlaps change, the right-hand sides of Saad and Solla's equations.

    .. math:: \frac{dR_{in}}{d\alpha} = \eta \langle \delta_i y_n \rangle, \qquad \frac{dQ_{ik}}{d\alpha} =
              \eta \langle \delta_i x_k + \delta_k x_i \rangle + \eta^2 \langle \delta_i \delta_k \rangle,
              \qquad \delta_i = g'(x_i) \Bigl[ \sum_n g(y_n) + \sigma z - \sum_j g(x_j) \Bigr]

    All averages are closed because :math:`g'(x) = \sqrt{2 / \pi}\, e^{-x^2 / 2}` is a Gaussian itself: under
    it the fields are normal again, with another covariance. If C is the covariance of all fields, and A holds
    the rows and columns of the units whose g' stand in an average, that is

    .. math:: \tilde C = C - C_{:A} (1 + C_{AA})^{-1} C_{A:}

    and the average gains the factor :math:`(2 / \pi)^{n / 2} / \sqrt{\det(1 + C_{AA})}`, n the number of g'.
    What is left, with the new covariance, are :math:`\langle h_b g(h_c) \rangle = \sqrt{2 / \pi}\,
    \tilde C_{bc} / \sqrt{1 + \tilde C_{cc}}` (Saad and Solla's I3) and :math:`\langle g(h_c) g(h_d) \rangle =
    (2 / \pi) \arcsin [\tilde C_{cd} / \sqrt{(1 + \tilde C_{cc})(1 + \tilde C_{dd})}]` (I4).

    Parameters
    ----------
    student, cross, teacher
        Q (K, K), R (K, M) and T (M, M).
    rate
        eta, from 0 to 100.
    noise
        sigma, the standard deviation of what is added to each of the teacher's answers, from 0 to 100.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Saad and Solla (1995); Biehl and Schwarze (1995).

    Examples
    --------
    >>> flow = committee_flow([[0.0]], [[0.0]], [[1.0]], rate=1.5)
    >>> flow.cross.round(6), flow.student.round(6)  # 1.5 sqrt(2) / pi and 1.5^2 2 / (3 pi)
    (array([[0.675237]]), array([[0.477465]]))
    """
    overlaps, k = checked_overlaps(student, cross, teacher, axes=2)
    flow = flow_of(overlaps, k, *checked_rates(rate, noise))
    return CommitteeFlow(flow[:, :k], flow[:, k:])


def committee_curve(
    time: ArrayLike,
    *,
    rate: float,
    student: ArrayLike,
    cross: ArrayLike,
    teacher: ArrayLike,
    noise: float = 0.0,
) -> CommitteeCurve:
    """Return the overlaps and the error after alpha N examples, each seen once, for N to infinity.

    The equations of `committee_flow` are integrated from the given overlaps at alpha = 0. A student whose
    units are all alike never tells them apart: it stays on the plateau of `committee_plateau` until rounding
    errors grow large, so a beginning should not be symmetric.

    Parameters
    ----------
    time
        alpha, at least 0, any shape.
    rate
        eta, from 0 to 100.
    student, cross, teacher
        Q (K, K) and R (K, M) at the beginning, and T (M, M).
    noise
        sigma, the standard deviation of what is added to each of the teacher's answers.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    RuntimeError
        If the integration fails.

    References
    ----------
    Saad and Solla (1995); Goldt, Advani, Saxe, Krzakala and Zdeborova (2019) for the proof that a finite
    committee follows them to within 1 / sqrt(N).

    Examples
    --------
    >>> curve = committee_curve([0.0, 1e3], rate=1.0, student=[[0.2, 0], [0, 0.3]],
    ...     cross=[[0.01, 0], [0, 0.01]], teacher=np.eye(2))
    >>> curve
    CommitteeCurve(2 units that learn from 2, at 2 times)
    >>> curve.cross[1].round(6) + 0.0, bool(curve.error[1] < 1e-12)
    (array([[1., 0.],
           [0., 1.]]), True)
    """
    times = _checks.reals("time", time, minimum=0.0)
    overlaps, k = checked_overlaps(student, cross, teacher, axes=2)
    rate, noise = checked_rates(rate, noise)
    unique, places = np.unique(times, return_inverse=True)
    found = _integrated(unique, overlaps, k, rate, noise)
    path = found[places.reshape(times.shape)]
    return CommitteeCurve(
        times + 0.0, path[..., :k, :k].copy(), path[..., :k, k:].copy(), plain(error_of(path, k))
    )


def _integrated(times: Floats, overlaps: Floats, k: int, rate: float, noise: float) -> Floats:
    """Return all overlaps at sorted times, (T, K + M, K + M)."""
    path = np.repeat(overlaps[np.newaxis], len(times), axis=0)
    if not times.size or times[-1] == 0.0:
        return path
    rows, columns = _places(overlaps, k)
    full = overlaps.copy()

    def slope(_: float, state: Floats) -> Floats:
        full[rows, columns] = full[columns, rows] = state
        return np.asarray(flow_of(full, k, rate, noise)[rows, columns])

    first = overlaps[rows, columns]
    found = solve_ivp(slope, (0.0, times[-1]), first, "DOP853", times, rtol=_TOLERANCE, atol=_SMALLEST)
    if not found.success:
        raise RuntimeError(f"the curve was not followed to time {times[-1]}: {found.message}")
    path[:, rows, columns] = path[:, columns, rows] = found.y.T
    return path


def _places(overlaps: Floats, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of what changes: Q on and above its diagonal, and R."""
    rows, columns = np.triu_indices(len(overlaps))
    moving = rows < k
    return rows[moving], columns[moving]


def error_of(overlaps: Floats, k: int) -> Floats:
    """Return the error of all overlaps (..., K + M, K + M), the student's k units first."""
    signs = signs_of(overlaps, k)
    found = np.einsum("...cd,c,d", arcsines(overlaps), signs, signs) / np.pi
    return np.asarray(np.maximum(found, 0.0))  # but for rounding it is a mean of squares


def flow_of(overlaps: Any, k: int, rate: float, noise: float) -> Any:
    """Return the change of Q and R per alpha, (K, K + M), of all overlaps; complex ones as well."""
    drift, spread = averages(overlaps, k, noise)
    flow = rate * drift
    flow[:, :k] += rate * drift[:, :k].T + rate * rate * spread
    return flow


def averages(overlaps: Any, k: int, noise: float) -> tuple[Any, Any]:
    """Return the means of delta_i h_b for all fields h, (K, K + M), and of delta_i delta_k, (K, K)."""
    return _drift(overlaps, k), _spread(overlaps, k, noise)


def _drift(overlaps: Any, k: int) -> Any:
    """Return sum_c s_c I3(i, b, c): fields under one g', whose weight is that of a unit i."""
    own = 1 + np.diagonal(overlaps)[:k]
    rows = overlaps[:k]
    tilted = overlaps - rows[:, :, np.newaxis] * rows[:, np.newaxis] / own[:, np.newaxis, np.newaxis]
    widths = np.sqrt(1 + np.diagonal(tilted, axis1=1, axis2=2))
    # A student's answers count against the teacher's.
    means = np.einsum("ibc,c,ic->ib", tilted, -signs_of(overlaps, k), 1 / widths)
    return 2 / np.pi * means / np.sqrt(own)[:, np.newaxis]


def _spread(overlaps: Any, k: int, noise: float) -> Any:
    """Return sum_cd s_c s_d I4(i, k, c, d) and what noise adds: fields under two g', of units i and k."""
    own, square, rows = 1 + np.diagonal(overlaps)[:k], overlaps[:k, :k], overlaps[:k]
    determinant = own[:, np.newaxis] * own - square * square
    products = rows[:, np.newaxis, :, np.newaxis] * rows[np.newaxis, :, np.newaxis, :]  # C_ic C_kd
    alike = rows[:, :, np.newaxis] * rows[:, np.newaxis]  # C_ic C_id
    taken = own[np.newaxis, :, np.newaxis, np.newaxis] * alike[:, np.newaxis]
    taken = taken + own[:, np.newaxis, np.newaxis, np.newaxis] * alike[np.newaxis]
    taken = taken - square[:, :, np.newaxis, np.newaxis] * (products + np.swapaxes(products, 2, 3))
    tilted = overlaps - taken / determinant[:, :, np.newaxis, np.newaxis]
    signs = signs_of(overlaps, k)
    means = 2 / np.pi * np.einsum("ikcd,c,d", arcsines(tilted), signs, signs)
    return 2 / np.pi * (means + noise * noise) / np.sqrt(determinant)


def arcsines(covariance: Any) -> Any:
    """Return arcsin(C_cd / sqrt((1 + C_cc)(1 + C_dd))) over the last two axes."""
    widths = np.sqrt(1 + np.diagonal(covariance, axis1=-2, axis2=-1))
    return np.arcsin(covariance / (widths[..., :, np.newaxis] * widths[..., np.newaxis, :]))


def signs_of(overlaps: Any, k: int) -> Floats:
    """Return 1 for each of the student's units and -1 for each of the teacher's, (K + M,)."""
    return np.where(np.arange(overlaps.shape[-1]) < k, 1.0, -1.0)


def checked_rates(rate: float, noise: float) -> tuple[float, float]:
    """Return rate and noise, checked."""
    rate = _checks.real("rate", rate, minimum=0.0, maximum=_FASTEST)
    return rate, _checks.real("noise", noise, minimum=0.0, maximum=_FASTEST)


def checked_overlaps(
    student: ArrayLike, cross: ArrayLike, teacher: ArrayLike, *, axes: int | None = None
) -> tuple[Floats, int]:
    """Return all overlaps as one array (..., K + M, K + M), the student's first, and K; or raise."""
    q, r, t = (
        _checks.reals(name, values)
        for name, values in (("student", student), ("cross", cross), ("teacher", teacher))
    )
    k, m = _sizes(q, r, t)
    if axes is not None and q.ndim != axes:
        raise ValueError(f"student must have the shape (K, K); got {q.shape}")
    overlaps = np.empty((*q.shape[:-2], k + m, k + m))
    overlaps[..., :k, :k], overlaps[..., :k, k:], overlaps[..., k:, k:] = q, r, t
    overlaps[..., k:, :k] = np.swapaxes(r, -1, -2)
    largest = float(np.abs(overlaps).max(initial=0.0))
    if largest > _LARGEST:
        raise ValueError(f"student, cross and teacher must be at most {_LARGEST:g} in size; got {largest:g}")
    least = float(np.linalg.eigvalsh(overlaps).min(initial=0.0))
    if least < -_ROUNDING * max(largest, 1e-300):
        raise ValueError(
            "student, cross and teacher must be overlaps of some weights, without an eigenvalue below 0; "
            f"got {least:g}"
        )
    return overlaps, k


def _sizes(q: Floats, r: Floats, t: Floats) -> tuple[int, int]:
    """Return K and M, or raise if shapes do not fit or overlaps of units are not symmetric."""
    for name, values in (("student", q), ("teacher", t)):
        if values.ndim < 2 or values.shape[-1] != values.shape[-2] or values.shape[-1] == 0:
            raise ValueError(f"{name} must be square, one row and column a unit; got {values.shape}")
        apart = float(np.abs(values - np.swapaxes(values, -1, -2)).max(initial=0.0))
        if apart > _ROUNDING * float(np.abs(values).max(initial=0.0)):
            raise ValueError(f"{name} must be symmetric; got entries that are {apart:g} apart")
    if t.ndim != 2:
        raise ValueError(f"teacher must have the shape (M, M); got {t.shape}")
    k, m = q.shape[-1], t.shape[-1]
    if r.shape != (*q.shape[:-2], k, m):
        raise ValueError(f"cross must have the shape {(*q.shape[:-2], k, m)}; got {r.shape}")
    return k, m
