"""Networks of infinite width: what they answer before training, and how training moves it, by two kernels.

The network has `depth` hidden layers of width m, rectifiers r(z) = max(z, 0) and no biases,

    h_0 = x,    h_l = sqrt(2 / m) r(W_l h_(l-1)),    f(x) = a . h_depth,

with all weights independent standard normal numbers (He's scaling, with the factors outside of the weights).
For m to infinity its answers before training are a Gaussian process, whose covariance is `nngp_kernel`. The
gradients of two answers by all weights have the product `tangent_kernel`, which no longer depends on the
draw, and does not move while the network is trained: its answers then obey a linear equation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_LARGEST = 1e100  # of a number, whose square is a float
_SMALL_ANGLE = 0.3
_NEAR = 0.9  # cosines beyond come from differences
_MOST_DIFFERENCES = 2**20  # at a time
_DEEPEST = 100_000
_ROUNDING = float(np.finfo(np.float64).eps)


def arc_cosine(order: int, cosine: ArrayLike) -> Values:
    r"""Return the arc-cosine kernel of two inputs of length 1, whose product is `cosine`.

    .. math:: \kappa_0(u) = 2 \langle \theta(g) \theta(g') \rangle = \frac{\pi - \arccos u}{\pi}, \qquad
              \kappa_1(u) = 2 \langle r(g) r(g') \rangle
                          = \frac{u (\pi - \arccos u) + \sqrt{1 - u^2}}{\pi}

    with r(g) = max(g, 0), its slope theta, and standard normal g and g' of correlation u. Both are 1 at u = 1
    and 0 at u = -1.

    Parameters
    ----------
    order
        0, of slopes, or 1, of rectifiers.
    cosine
        u, from -1 to 1, any shape.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Cho and Saul (2009).

    Examples
    --------
    >>> arc_cosine(0, [1.0, 0.0, -1.0])
    array([1. , 0.5, 0. ])
    >>> round(arc_cosine(1, 0.5), 8)
    0.60899778
    """
    order = _checks.integer("order", order, minimum=0, maximum=1)
    u = _checks.reals("cosine", cosine, minimum=-1.0)
    if u.size and u.max() > 1.0:
        raise ValueError(f"cosine must be at most 1; got {u.max()}")
    angle = np.arccos(u)
    return plain(_slopes(angle) if order == 0 else _rectifiers(angle))


def nngp_kernel(inputs: ArrayLike, others: ArrayLike | None = None, *, depth: int = 1) -> Floats:
    r"""Return the covariance of the answers of a wide network before training, over draws of its weights.

    .. math:: \langle f(x) f(x') \rangle = \lvert x \rvert \lvert x' \rvert\, u_D, \qquad
              u_{l+1} = \kappa_1(u_l), \qquad u_0 = \cos \angle(x, x')

    Layer by layer all inputs become alike: u tends to 1.

    Parameters
    ----------
    inputs
        (P, N), an input a row.
    others
        (P', N); None takes the inputs themselves.
    depth
        D, the number of hidden layers, from 0 to 100,000. Without any f is linear and the kernel x . x'.

    Returns
    -------
    NDArray
        float64, (P, P').

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.

    References
    ----------
    Neal (1996) for one layer; Cho and Saul (2009) for rectifiers; Lee and others (2018) for more.

    Examples
    --------
    >>> nngp_kernel([[1.0, 0.0], [0.0, 2.0]]).round(6)
    array([[1.     , 0.63662],
           [0.63662, 4.     ]])
    """
    pairs, layers = _checked_pairs(inputs, others), _checked_depth(depth)
    angle = pairs.angle
    for _ in range(layers):
        angle = _next_angle(angle)
    return np.asarray(pairs.lengths * np.cos(angle))


def tangent_kernel(inputs: ArrayLike, others: ArrayLike | None = None, *, depth: int = 1) -> Floats:
    r"""Return the neural tangent kernel of an infinitely wide network, the product of two gradients.

    .. math:: \Theta(x, x') = \sum_\theta \frac{\partial f(x)}{\partial \theta}
                              \frac{\partial f(x')}{\partial \theta}
                            = \lvert x \rvert \lvert x' \rvert\, \Theta_D, \qquad
              \Theta_{l+1} = \Theta_l \kappa_0(u_l) + \kappa_1(u_l), \qquad \Theta_0 = u_0

    with u_l as in `nngp_kernel`. On the diagonal it is (D + 1) times the square of x. At width m one entry
    deviates by the order of 1 / sqrt(m): for D = 1 and inputs of length 1 the diagonal has the variance
    12 / m.

    Parameters
    ----------
    inputs, others, depth
        As for `nngp_kernel`.

    Returns
    -------
    NDArray
        float64, (P, P').

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.

    References
    ----------
    Jacot, Gabriel and Hongler (2018); Arora and others (2019) for the recursion.

    Examples
    --------
    >>> tangent_kernel([[1.0, 0.0], [0.0, 1.0]]).round(6)
    array([[2.     , 0.31831],
           [0.31831, 2.     ]])
    >>> tangent_kernel([[1.0, 0.0]], [[0.0, 1.0]], depth=5).round(6)
    array([[1.792196]])
    """
    pairs, layers = _checked_pairs(inputs, others), _checked_depth(depth)
    angle, found = pairs.angle, np.cos(pairs.angle)
    for _ in range(layers):
        found = found * _slopes(angle) + _rectifiers(angle)
        angle = _next_angle(angle)
    return np.asarray(pairs.lengths * found)


def lazy_outputs(
    kernel: ArrayLike, targets: ArrayLike, times: ArrayLike, *, initial: ArrayLike = 0.0
) -> Floats:
    r"""Return what a network with a fixed tangent kernel answers to its own examples in time.

    Gradient flow on the loss sum (f - y)^2 / (2 P) of P examples moves the answers by

    .. math:: \dot f = -\frac1P \Theta\, (f - y), \qquad
              f(t) = y + e^{-\Theta t / P} (f(0) - y),

    along each eigenvector of the kernel at its own rate, eigenvalue / P.

    Parameters
    ----------
    kernel
        (P, P), symmetric and without negative eigenvalues.
    targets
        y, (P,).
    times
        At least 0 (inf is the end of training), any shape.
    initial
        f(0), (P,) or one number for all.

    Returns
    -------
    NDArray
        float64, (..., P) with the shape of `times` first.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.

    References
    ----------
    Jacot, Gabriel and Hongler (2018); Lee and others (2019).

    Examples
    --------
    >>> lazy_outputs([[2.0, 0.0], [0.0, 1.0]], [1.0, 1.0], [0.0, 2.0]).round(4)
    array([[0.    , 0.    ],
           [0.8647, 0.6321]])
    """
    flow = _checked_flow(kernel, targets, times, initial)
    moved = -np.expm1(-flow.exponents()) * flow.amplitudes
    return np.asarray(flow.initial + moved @ flow.modes.T)


def lazy_predictions(
    kernel: ArrayLike,
    kernel_to_new: ArrayLike,
    targets: ArrayLike,
    times: ArrayLike,
    *,
    initial: ArrayLike = 0.0,
    initial_new: ArrayLike = 0.0,
) -> Floats:
    r"""Return what a network with a fixed tangent kernel answers to new inputs while it learns its examples.

    .. math:: f_t(x) = f_0(x) + \sum_{\mu\nu} \Theta(x, x_\mu)
              \bigl[\Theta^{-1} (1 - e^{-\Theta t / P})\bigr]_{\mu\nu} (y_\nu - f_0(x_\nu))

    At the end, t = inf, that is regression with the kernel, without a penalty.

    Parameters
    ----------
    kernel, targets, times
        As for `lazy_outputs`. Directions in which the kernel vanishes, up to rounding, are not learned.
    kernel_to_new
        Theta(x, x_mu), (n_new, P), a new input a row.
    initial, initial_new
        f_0 of the examples, (P,), and of the new inputs, (n_new,), or one number for all.

    Returns
    -------
    NDArray
        float64, (..., n_new) with the shape of `times` first.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.
    FloatingPointError
        If a prediction is beyond the range of floats.

    References
    ----------
    Jacot, Gabriel and Hongler (2018); Lee and others (2019).

    Examples
    --------
    >>> inputs, new = [[1.0, 0.0], [0.0, 1.0]], [[0.6, 0.8]]
    >>> to_new = tangent_kernel(new, inputs)
    >>> lazy_predictions(tangent_kernel(inputs), to_new, [1.0, -1.0], [0.0, 1.0, float("inf")]).round(4)
    array([[ 0.    ],
           [-0.1227],
           [-0.2157]])
    """
    flow = _checked_flow(kernel, targets, times, initial)
    to_new = _checked_numbers("kernel_to_new", kernel_to_new)
    if to_new.ndim != 2 or to_new.shape[1] != len(flow.initial):
        raise ValueError(f"kernel_to_new must be (n_new, {len(flow.initial)}); got {to_new.shape}")
    start = _checked_start("initial_new", initial_new, len(to_new))
    learned = flow.rates > 0.0
    rates = np.where(learned, flow.rates, 1.0)
    with np.errstate(all="ignore"):
        shares = np.where(learned, -np.expm1(-flow.exponents()) / rates, 0.0)
        found = start + (shares * flow.amplitudes) @ (to_new @ flow.modes).T / len(flow.initial)
    if not np.isfinite(found).all():
        raise FloatingPointError("predictions go beyond the range of floats: the kernel is too small")
    return np.asarray(found)


class _Pairs(NamedTuple):
    """Hold the products of the lengths of two inputs, and the angles between them."""

    lengths: Floats
    angle: Floats


class _Flow(NamedTuple):
    """Hold the modes of a kernel, columns, their rates, and how far the answers are from the targets."""

    modes: Floats
    rates: Floats
    amplitudes: Floats
    initial: Floats
    times: Floats

    def exponents(self) -> Floats:
        """Return rate times time, (..., P); where nothing is learned, 0 at all times."""
        late = np.isinf(self.times)[..., np.newaxis]
        finite = np.where(late, 0.0, self.times[..., np.newaxis])
        with np.errstate(over="ignore"):
            return np.where(late & (self.rates > 0.0), math.inf, finite * self.rates)


def _slopes(angle: Floats) -> Floats:
    """Return kappa_0 of an angle."""
    return np.asarray(1.0 - angle / math.pi)


def _rectifiers(angle: Floats) -> Floats:
    """Return kappa_1 of an angle, with its digits near 180 degrees too."""
    return _sickle(math.pi - angle) / math.pi


def _sickle(x: Floats) -> Floats:
    """Return sin x - x cos x, which is x^3 / 3 for small x."""
    few = np.minimum(x, _SMALL_ANGLE)
    square, term = few**2, few**3 / 3
    series = term.copy()
    for k in range(2, 8):  # of the terms (-1)^k 2k / (2k + 1)! x^(2k + 1)
        term = -term * square * k / ((k - 1) * 2 * k * (2 * k + 1))
        series += term
    return np.where(x < _SMALL_ANGLE, series, np.sin(x) - x * np.cos(x))


def _next_angle(angle: Floats) -> Floats:
    """Return the angle a layer later, from 1 - kappa_1, which is known without a difference."""
    apart = 2 * np.sin(angle / 2) ** 2 - _sickle(angle) / math.pi
    return np.asarray(2 * np.arcsin(np.sqrt(np.maximum(apart, 0.0) / 2)))


def _checked_pairs(inputs: ArrayLike, others: ArrayLike | None) -> _Pairs:
    rows = _checked_rows("inputs", inputs)
    columns = rows if others is None else _checked_rows("others", others)
    if columns.shape[1] != rows.shape[1]:
        raise ValueError(f"others must have {rows.shape[1]} numbers a row as inputs; got {columns.shape}")
    (long, one), (wide, other) = _directions(rows), _directions(columns)
    return _Pairs(np.outer(long, wide), _angles(one, other))


def _directions(rows: Floats) -> tuple[Floats, Floats]:
    """Return lengths of rows, and rows of length 1; where the length is 0 they stay 0."""
    largest = np.abs(rows).max(axis=1)
    scaled = rows / np.where(largest > 0.0, largest, 1.0)[:, np.newaxis]
    lengths = np.linalg.norm(scaled, axis=1)
    return lengths * largest, scaled / np.where(lengths > 0.0, lengths, 1.0)[:, np.newaxis]


def _angles(one: Floats, other: Floats) -> Floats:
    """Return angles between directions; where they are nearly parallel from half their difference."""
    cosines = np.clip(one @ other.T, -1.0, 1.0)
    angles = np.arccos(cosines)
    for sign in (1.0, -1.0):
        left, right = np.nonzero(sign * cosines > _NEAR)
        for start in range(0, left.size, max(1, _MOST_DIFFERENCES // one.shape[1])):
            part = slice(start, start + max(1, _MOST_DIFFERENCES // one.shape[1]))
            i, j = left[part], right[part]
            halves = np.linalg.norm(one[i] - sign * other[j], axis=1) / 2
            near = 2 * np.arcsin(np.minimum(halves, 1.0))
            angles[i, j] = near if sign > 0 else math.pi - near
    return angles


def _checked_flow(kernel: ArrayLike, targets: ArrayLike, times: ArrayLike, initial: ArrayLike) -> _Flow:
    matrix, y = _checked_numbers("kernel", kernel), _checked_numbers("targets", targets)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or 0 in matrix.shape:
        raise ValueError(f"kernel must be square; got the shape {matrix.shape}")
    apart, size = np.abs(matrix - matrix.T), np.abs(matrix).max()
    if apart.max() > 1e-10 * size:
        place = tuple(int(k) for k in np.unravel_index(apart.argmax(), apart.shape))
        raise ValueError(
            f"kernel must be symmetric; it differs from its transpose by {apart.max():g} at {place}"
        )
    if y.shape != matrix.shape[:1]:
        raise ValueError(f"targets must be {len(matrix)} numbers as the kernel's rows; got {y.shape}")
    start, when = _checked_start("initial", initial, len(y)), _checked_times(times)
    values, modes = np.linalg.eigh((matrix + matrix.T) / 2)
    rounding = 4 * len(y) * _ROUNDING * size
    if values[0] < -max(1e-10 * size, rounding) * len(y):
        raise ValueError(f"kernel must have no negative eigenvalue; got {values[0]:g}")
    rates = np.where(values > rounding, values, 0.0) / len(y)
    return _Flow(modes, rates, modes.T @ (y - start), start, when)


def _checked_depth(depth: int) -> int:
    return _checks.integer("depth", depth, minimum=0, maximum=_DEEPEST)


def _checked_rows(name: str, values: ArrayLike) -> Floats:
    rows = _checked_numbers(name, values)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"{name} must be a matrix, an input a row; got the shape {rows.shape}")
    return rows


def _checked_start(name: str, values: ArrayLike, n: int) -> Floats:
    start = _checked_numbers(name, values)
    if start.shape not in ((), (n,)):
        raise ValueError(f"{name} must be one number or {n}; got the shape {start.shape}")
    return np.broadcast_to(start, n)


def _checked_times(times: ArrayLike) -> Floats:
    if isinstance(times, np.ma.MaskedArray):
        raise TypeError("times must hold real numbers; got a masked array")
    values = np.asarray(times)
    late = values == math.inf if values.dtype.kind == "f" else np.zeros(values.shape, np.bool_)
    finite = _checks.reals("times", np.where(late, 0.0, values) if late.any() else times, minimum=0.0)
    return np.where(late, math.inf, finite)


def _checked_numbers(name: str, values: ArrayLike) -> Floats:
    found = _checks.reals(name, values)
    if found.size and np.abs(found).max() > _LARGEST:
        raise ValueError(f"{name} must be at most {_LARGEST:g} in size; got {np.abs(found).max():g}")
    return found
